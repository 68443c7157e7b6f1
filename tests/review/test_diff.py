"""Two runs side by side, and a run under another policy: who enters, leaves, escalates and eases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from small_operator import POLICY, located_in, manifest, published, run, two_nights, write_manifest


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_nights(tmp_path_factory.mktemp("operator"))


def diff(operator: Path, *arguments: object) -> list[dict[str, Any]]:
    done = cardscreen("diff", *arguments, "--json", cwd=operator)
    assert done.code == 0, done.err
    told: list[dict[str, Any]] = json.loads(done.out.splitlines()[0])
    return told


def moved(operator: Path, *arguments: object) -> list[tuple[Any, ...]]:
    """All accounts that move: account, move, action before, action."""
    out = operator / "moved.parquet"
    done = cardscreen("diff", *arguments, "--out", out, "--force", cwd=operator)
    assert done.code == 0, done.err
    return pl.read_parquet(out).select("account_id", "move", "action_before", "action").rows()


def test_two_nights_tell_who_enters_and_who_leaves_by_source(operator: Path) -> None:
    first, second = published(operator)
    assert diff(operator, first, second) == [
        {
            "move": "enters",
            "action_before": "none",
            "action": "suspend",
            "source": "police",
            "rule": None,
            "accounts": 1,
        },
        {
            "move": "leaves",
            "action_before": "verify",
            "action": "none",
            "source": "police",
            "rule": None,
            "accounts": 1,
        },
    ]
    assert moved(operator, first, second) == [("9", "enters", "none", "suspend"), ("2", "leaves", "verify", "none")]


def test_a_flag_that_is_carried_does_not_leave(operator: Path, tmp_path: Path) -> None:
    shutil.copytree(operator, tmp_path / "o", symlinks=True)
    accounts = pl.read_parquet(operator / "accounts.parquet").filter(pl.col("account_id") != 1)
    accounts.write_parquet(tmp_path / "o/accounts.parquet")
    (tmp_path / "o/job.toml").write_text((operator / "job.toml").read_text(encoding="utf-8") + "accounts_shrink = 1\n")
    assert run(tmp_path / "o", "2026-11-22").code == 0
    assert diff(tmp_path / "o", published(tmp_path / "o")[1], "runs/latest") == []


def test_turned_round_who_entered_leaves(operator: Path) -> None:
    first, second = published(operator)
    assert moved(operator, second, first) == [("2", "enters", "none", "verify"), ("9", "leaves", "suspend", "none")]


def test_a_run_does_not_differ_from_itself(operator: Path) -> None:
    assert diff(operator, "runs", "runs/latest") == []
    done = cardscreen("diff", "runs", "runs/latest", cwd=operator)
    assert (done.code, done.out.strip()) == (0, "none")
    assert done.err == "cardscreen: no differences: every account is told the same by both\n"


def policy(operator: Path, text: str) -> Path:
    (operator / "other.toml").write_text(text, encoding="utf-8")
    return operator / "other.toml"


def test_the_same_policy_moves_nobody(operator: Path) -> None:
    assert diff(operator, "runs", "--policy", "policy.toml") == []


def test_a_looser_cap_escalates_and_names_the_source(operator: Path) -> None:
    other = policy(operator, POLICY + '[caps]\nrange = "suspend"\n')
    assert moved(operator, "runs", "--policy", other) == [("3", "escalates", "verify", "suspend")]


def test_a_rule_eases_and_is_named_by_its_number(operator: Path) -> None:
    rule = '[[rules]]\nwhen = { source = "bank-a" }\ncap = "notify"\n'
    other = policy(operator, POLICY.replace("[clearances]", f"{rule}[clearances]"))
    (told,) = diff(operator, "runs", "--policy", other)
    assert (told["move"], told["source"], told["rule"], told["accounts"]) == ("eases", "bank-a", 4, 1)


def test_a_pilot_that_is_taken_seriously_enters(operator: Path) -> None:
    other = policy(operator, POLICY.replace("measure_only = true", 'cap = "verify"'))
    (told,) = diff(operator, "runs", "--policy", other)
    assert (told["move"], told["source"], told["rule"]) == ("enters", "pilot", 1)


def test_a_rule_that_is_taken_out_touches_those_whom_it_protected(operator: Path) -> None:
    rules = POLICY.split("[[rules]]")
    other = policy(operator, "[[rules]]".join([rules[0], rules[1], rules[3]]))
    assert moved(operator, "runs", "--policy", other) == [("7", "escalates", "notify", "suspend")]


def test_without_its_clearances_a_policy_touches_the_cleared(operator: Path) -> None:
    other = policy(operator, POLICY.split("[clearances]")[0])
    assert moved(operator, "runs", "--policy", other) == [("6", "enters", "none", "suspend")]


def test_nothing_is_published_by_looking(operator: Path) -> None:
    before = sorted((operator / "runs").rglob("*"))
    diff(operator, "runs", "--policy", policy(operator, '[actions]\ncritical = "close"\n'))
    assert sorted((operator / "runs").rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param("[actoins]\n", 2, "did you mean 'actions'", id="misspelt"),
        pytest.param(
            '[[rules]]\nwhen = { "account.town" = "x" }\ncap = "none"\n', 2, "'town' to carry", id="not-carried"
        ),
        pytest.param("[[rules", 2, "is not TOML", id="no-toml"),
    ],
)
def test_a_file_that_is_no_policy_for_this_run_is_refused(operator: Path, text: str, code: int, words: str) -> None:
    done = cardscreen("diff", "runs", "--policy", policy(operator, text), cwd=operator)
    assert (done.code, words in done.err) == (code, True), done.err


def test_a_run_whose_accounts_have_changed_can_not_be_tried_with_another_policy(operator: Path, tmp_path: Path) -> None:
    shutil.copytree(operator, tmp_path / "o", symlinks=True)
    located_in(tmp_path / "o", operator, str(tmp_path / "o"))
    (tmp_path / "o/accounts.parquet").unlink()
    done = cardscreen("diff", "runs", "--policy", "policy.toml", cwd=tmp_path / "o")
    assert (done.code, "can't be run again" in done.err, "is gone" in done.err) == (3, True, True)


@pytest.mark.parametrize(
    ("key", "other", "words"),
    [
        pytest.param(
            "identifiers", {"mobile": {"kind": "phone", "region": "GB"}}, "the identifiers differ", id="region"
        ),
        pytest.param("account_key", {"column": "id", "type": "String"}, "the account ids differ", id="key"),
    ],
)
def test_runs_that_speak_of_other_accounts_or_identifiers_are_not_compared_unless_told(
    operator: Path, tmp_path: Path, key: str, other: dict[str, Any], words: str
) -> None:
    shutil.copytree(operator, tmp_path / "o", symlinks=True)
    first, second = published(tmp_path / "o")
    write_manifest(first, manifest(first) | {key: other})
    done = cardscreen("diff", first, second, cwd=tmp_path / "o")
    assert (done.code, words in done.err, "--anyway" in done.err) == (2, True, True)
    done = cardscreen("diff", first, second, "--anyway", cwd=tmp_path / "o")
    assert (done.code, "warning" in done.err, "enters" in done.out) == (0, True, True)


def test_other_policies_and_versions_are_told(operator: Path, tmp_path: Path) -> None:
    shutil.copytree(operator, tmp_path / "o", symlinks=True)
    first, second = published(tmp_path / "o")
    told = manifest(first) | {"policy": "other"}
    told["versions"]["phonenumbers"] = "8.0.0"
    write_manifest(first, told)
    done = cardscreen("diff", first, second, cwd=tmp_path / "o")
    assert "the policy, or a source's terms, changed in between" in done.err
    assert "phonenumbers was 8.0.0" in done.err


def test_accounts_are_shown_as_many_as_asked(operator: Path) -> None:
    first, second = published(operator)
    shown = cardscreen("diff", first, second, "--rows", 1, cwd=operator).out
    assert ("enters" in shown.split("account id")[1], "leaves" in shown.split("account id")[1]) == (True, False)


def test_accounts_go_into_a_csv(operator: Path) -> None:
    first, second = published(operator)
    done = cardscreen("diff", first, second, "--out", "moved.csv", cwd=operator)
    assert (done.code, "2 rows written to moved.csv" in done.err) == (0, True)
    assert pl.read_csv(operator / "moved.csv", infer_schema=False).columns == [
        "account_id", "move", "action_before", "action", "source", "reason", "rule", "cap",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [("runs",), ("runs", "runs/latest", "--policy", "policy.toml"), ("runs", "--policy", "none.toml")]
)
def test_what_to_compare_with_must_be_said(operator: Path, arguments: tuple[str, ...]) -> None:
    assert cardscreen("diff", *arguments, cwd=operator).code == 2
