"""What programs use beside the screening itself: results in other libraries, sums of lists, progress, help, types."""

from __future__ import annotations

import json
import logging
import os
import pydoc
import typing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

import cardscreen as cs
from cardscreen.cli.starter.schemas import FILES, schema_of
from cardscreen.policy import parts, policy, rules
from cardscreen.runs.brakes import LimitsParts

ACCOUNTS = pl.DataFrame({"account_id": ["=1+1", "b"], "mobile": ["13800138000", "n/a"]})
LISTED = pl.DataFrame(
    {"kind": ["phone"] * 2, "value": ["+8613800138000"] * 2, "source": ["a", "b"], "severity": [90, 50]}
)
PHONE = {"mobile": cs.Phone("CN")}


@pytest.fixture
def result() -> cs.Result:
    return cs.screen(ACCOUNTS, cs.Blocklist.from_frame(LISTED), PHONE, as_of="2026-11-20")


def test_the_release_is_told() -> None:
    assert cs.__version__ == version("cardscreen")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"accounts": 42}, "cannot read a table from int", id="accounts"),
        pytest.param({"tokens": "abc"}, "tokens is no TokenKey", id="tokens"),
        pytest.param({"tokens": ["abc"]}, "tokens is no TokenKey", id="tokens-in-a-list"),
        pytest.param({"tokens": 3}, "tokens is no TokenKey", id="tokens-number"),
        pytest.param({"identifiers": ["mobile"]}, "identifiers names account columns and", id="identifiers"),
        pytest.param({"accounts": ACCOUNTS.rename({"account_id": "id"})}, "account_id=", id="default-id"),
    ],
)
def test_what_is_no_such_thing_is_refused_in_a_sentence(options: dict[str, Any], words: str) -> None:
    asked: dict[str, Any] = {"accounts": ACCOUNTS, "blocklist": cs.Blocklist.from_frame(LISTED), "identifiers": PHONE}
    with pytest.raises(cs.CardscreenError) as refused:
        cs.screen(**asked | options)
    assert words in str(refused.value)


# --- results ----------------------------------------------------------------------------------------


def test_results_as_pandas_have_categories_for_closed_sets(result: cs.Result) -> None:
    frames = result.to_pandas()
    assert list(frames) == ["flagged", "hits", "rejects"]
    assert frames["flagged"]["action"].dtype.name == "category"
    assert frames["flagged"]["account_id"].tolist() == ["=1+1"]
    assert len(frames["hits"]) == 2


def test_results_as_csv_join_what_has_several_values_and_disarm_formulas(result: cs.Result, tmp_path: Path) -> None:
    result.sink_csv(tmp_path / "out")
    flagged = pl.read_csv(tmp_path / "out/flagged.csv")
    assert (flagged["sources"].to_list(), flagged["account_id"].to_list()) == (["a; b"], ["=1+1"])
    assert pl.read_csv(tmp_path / "out/rejects.csv").height == 1
    result.sink_csv(tmp_path / "out", separator="|")
    assert pl.read_csv(tmp_path / "out/flagged.csv")["sources"].to_list() == ["a|b"]


def test_results_as_delta_tables_are_read_by_others_with_text_for_closed_sets(
    result: cs.Result, tmp_path: Path
) -> None:
    result.write_delta(tmp_path / "out")
    for name in ("flagged", "hits", "rejects"):
        kept, read = getattr(result, name).collect(), pl.read_delta(str(tmp_path / f"out/{name}"))
        assert read.columns == kept.columns
        plain = kept.with_columns(pl.col(pl.Enum).cast(pl.String))
        order = [column for column in ("account_id", "source") if column in plain.columns]
        assert read.cast(dict(plain.schema)).sort(order).equals(plain.sort(order))
    with pytest.raises(cs.InputError, match="can't be written"):
        result.write_delta(tmp_path / "out")
    result.write_delta(tmp_path / "out", mode="append")
    assert pl.read_delta(str(tmp_path / "out/hits")).height == 4
    result.write_delta(str(tmp_path / "out"), mode="overwrite")
    assert pl.read_delta(str(tmp_path / "out/hits")).height == 2


# --- lists ------------------------------------------------------------------------------------------


def test_a_sum_of_blocklists_finds_what_either_finds_and_each_listing_once() -> None:
    one, other = (cs.Blocklist.from_frame(part) for part in (LISTED.head(1), LISTED))
    both = one + other
    assert len(both) == 2
    assert both.listings["listing_id"].n_unique() == 2
    found = cs.screen(ACCOUNTS, both, PHONE, as_of="2026-11-20").hits.collect()
    assert found.select("source", "severity").sort("source").rows() == [("a", 90), ("b", 50)]


def test_names_of_listings_stay_apart_in_a_sum() -> None:
    one, other = (
        cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": [value]}))
        for value in ("+8613800138000", "+8613800138001")
    )
    assert one.listings["listing_id"].to_list() == other.listings["listing_id"].to_list()
    assert (one + other).listings["listing_id"].n_unique() == 2
    assert len(one + other + one) == 2


def test_a_sum_with_something_else_is_refused() -> None:
    with pytest.raises(TypeError):
        cs.Blocklist.from_frame(LISTED) + 3  # type: ignore[operator]


# --- how far it is ----------------------------------------------------------------------------------


def test_a_program_is_told_the_stages_and_the_rows(caplog: pytest.LogCaptureFixture) -> None:
    told = list[tuple[str, int]]()
    with caplog.at_level(logging.INFO, logger="cardscreen"):
        cs.screen(
            *(ACCOUNTS, cs.Blocklist.from_frame(LISTED), PHONE), progress=lambda stage, rows: told.append((stage, rows))
        )
    assert told == [
        ("compiling the lists", 0),
        ("reading the accounts", 0),
        ("reading the accounts", 2),
        ("collecting evidence", 2),
        ("writing the results", 2),
    ]
    assert [record.message for record in caplog.records] == list(dict.fromkeys(stage for stage, _ in told))


# --- help, schemas and types ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Policy", ["levels", "grace_days", "shared_above", "read("]),
        ("Limits", ["flagged_share", "approve_within_days"]),
        ("Phone", ["region", "holder_since", "many", "repair"]),
        ("Card", ["show_first", "exclude_test_cards"]),
        ("Wallet", ["chain", "many"]),
    ],
)
def test_help_shows_the_options_and_nothing_of_the_machinery(name: str, shown: list[str]) -> None:
    text = pydoc.plain(pydoc.render_doc(getattr(cs, name)))
    for words in shown:
        assert words in text
    for machinery in ("model_", "__pydantic", "keys_of", "scan(", "stub", "_abc"):
        assert machinery not in text
    assert len(text.splitlines()) < 70


#: Where samples of settings are that no starter writes; empty: of which there is none.
_SAMPLES = {
    "leads": "demo/files/operator/leads.toml",
    "reports": "demo/files/reports/reports.toml",
    "contacts": "",
}


@pytest.mark.parametrize("name", FILES)
def test_a_schema_takes_what_the_models_take_and_refuses_what_is_misspelt(name: str) -> None:
    import tomllib
    from importlib import resources

    place = _SAMPLES.get(name, f"starter/{name}.toml")
    text = 'job = "job.toml"\npath = "contacts.csv"\n'
    if place:
        text = resources.files("cardscreen.cli").joinpath(place).read_text("utf-8")
    settings, schema = json.loads(json.dumps(tomllib.loads(text), default=str)), schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(settings, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(settings | {"mispelt": 1}, schema)


def test_a_jobs_schema_knows_the_options_of_each_kind_the_limits_and_the_policy() -> None:
    job: dict[str, Any] = {"accounts": {"path": "a.csv"}, "blocklist": {"store": "lists"}}
    good: dict[str, Any] = {"mobile": {"kind": "phone", "region": "CN"}}
    jsonschema.validate(job | {"identifiers": good, "policy": {"file": "p.toml"}}, schema_of("job"))
    for wrong in (
        {"identifiers": {"mobile": {"kind": "phone", "regoin": "CN"}}},
        {"identifiers": good, "limits": {"flagged_shear": 0.1}},
        {"identifiers": good, "policy": {"levels": {"hihg": 60}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(job | wrong, schema_of("job"))


def test_the_typed_settings_have_the_names_of_the_models() -> None:
    pairs: list[tuple[Any, Any]] = [
        (parts.PolicyParts, policy.Policy),
        (parts.LevelsParts, policy.Levels),
        (parts.ActionsParts, policy.Actions),
        (parts.GraceDaysParts, policy.GraceDays),
        (parts.CapsParts, policy.Caps),
        (parts.SourceParts, policy.Source),
        (parts.RuleParts, rules.Rule),
        (parts.ClearancesParts, policy.Clearances),
        (LimitsParts, cs.Limits),
    ]
    for typed, model in pairs:
        assert list(typing.get_type_hints(typed)) == list(model.model_fields)


def _misused(accounts: pl.DataFrame, listed: cs.Blocklist) -> None:
    """Nothing runs this: each `ignore` is one that mypy, strict, asks for, so that what is misspelt is seen."""
    cs.Policy(levles={"high": 60})  # type: ignore[call-arg]
    cs.Policy(levels={"hihg": 60})  # type: ignore[typeddict-unknown-key]
    cs.Policy(actions={"high": "suspent"})  # type: ignore[typeddict-item]
    cs.Policy(rules=[{"when": {"source": "a"}, "cpa": "verify"}])  # type: ignore[typeddict-unknown-key]
    cs.Limits(flagged_shear=0.1)  # type: ignore[call-arg]
    cs.screen(accounts, listed, {"mobile": cs.Phone("CN")}, policy={"capps": {}})  # type: ignore[arg-type]
    cs.screen(accounts, listed, {"mobile": cs.Phone("CN")}, polcy=None)  # type: ignore[call-arg]
    cs.screen(accounts, listed, {"mobile": cs.Phone(regoin="CN")})  # type: ignore[call-arg]
    result = cs.screen(accounts, listed, {"mobile": cs.Phone("CN")})
    cs.check(result, {"source_shear": 1})  # type: ignore[arg-type]
    result.to_arrow()["flaged"]  # type: ignore[typeddict-item]
    result.to_pandas()["hit"]  # type: ignore[typeddict-item]
    result.write_delta("out", mode="apend")  # type: ignore[arg-type]


def test_what_a_screening_writes_is_for_its_owner_and_group_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        cs.screen(ACCOUNTS, cs.Blocklist.from_frame(LISTED), PHONE, as_of="2026-11-20", out=tmp_path / "out")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    made = [tmp_path / "out", *(tmp_path / "out").iterdir()]
    assert len(made) == 5
    assert [each.name for each in made if each.stat().st_mode & 0o007] == []


def test_the_brakes_take_the_night_before_as_a_result_or_as_its_folder(result: cs.Result, tmp_path: Path) -> None:
    wide: LimitsParts = {"flagged_share": 1, "source_share": 1, "exempted_share": 1, "rejected_share": 1}
    cs.screen(ACCOUNTS, cs.Blocklist.from_frame(LISTED), PHONE, as_of="2026-11-20", out=tmp_path / "screening")
    for previous in (result, tmp_path / "screening", str(tmp_path / "screening")):
        cs.check(result, wide, previous)
    with pytest.raises(cs.ConfigError, match="previous is a LazyFrame: give what cs.screen returned, its folder"):
        cs.check(result, wide, result.flagged)  # type: ignore[arg-type]
    with pytest.raises(cs.InputError, match="its manifest.json can't be read"):
        cs.check(result, wide, tmp_path / "gone")


def test_a_policy_in_json_tells_numbers(tmp_path: Path) -> None:
    from commands import cardscreen

    (tmp_path / "policy.toml").write_text("")
    told = json.loads(cardscreen("policy", "check", "policy.toml", "--json", cwd=tmp_path).out)
    assert told
