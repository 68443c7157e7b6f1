"""IBANs: read as `python-stdnum` reads them, masked wherever they are shown, and met however they are written."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from commands import cardscreen
from hypothesis import given
from hypothesis import strategies as st
from ibans import edited, made
from stdnum import iban as reference

import cardscreen as cs
from cardscreen.kinds.kind import KINDS

GREEK, GERMAN = "GR1601101050000010547023795", "DE89370400440532013000"
DAY = date(2026, 11, 20)


def read(cells: list[str | None]) -> pl.DataFrame:
    frame = pl.DataFrame({"x": cells}, schema={"x": pl.String})
    return frame.select(cs.iban("x")).unnest("x")


@pytest.mark.parametrize(
    ("cell", "country", "bank", "status"),
    [
        # Published with the standard's registry, and in python-stdnum's own tests.
        pytest.param("GR16 0110 1050 0000 1054 7023 795", "GR", "011", "valid", id="greek"),
        pytest.param("BE31435411161155", "BE", "435", "valid", id="belgian"),
        pytest.param("de89 3704 0044 0532 0130 00", "DE", "37040044", "valid", id="german-in-small-letters"),
        pytest.param("GB29 NWBK 6016 1331 9268 19", "GB", "NWBK", "valid", id="british"),
        pytest.param("NO93 8601 1117 947", "NO", "8601", "valid", id="norwegian"),
        pytest.param("ES77 1234-1234-16 1234567890", "ES", "1234", "valid", id="spanish"),
        pytest.param("ME25510000000006234133", "ME", "510", "valid", id="montenegrin"),
        pytest.param("BE41091811735141", "BE", "091", "bad_checksum", id="belgian-check-digits"),
        pytest.param("BE83138811735115", "BE", "138", "bad_checksum", id="belgian-bank"),
        pytest.param("ES15 1234-1234-17 1234567890", "ES", "1234", "bad_checksum", id="spanish-check-digit"),
        pytest.param("ME52510000000006234132", "ME", "510", "bad_checksum", id="montenegrin-check-digits"),
        pytest.param("NO23 8601 1117 946", "NO", "8601", "bad_checksum", id="norwegian-check-digit"),
        pytest.param("DE88370400440532013000", "DE", "37040044", "bad_checksum", id="check-digits"),
        pytest.param("DE８９　３７０４００４４０５３２０１３０００", "DE", "37040044", "valid", id="full-width-digits"),
        pytest.param("DE8937040044053201300", None, None, "not_an_iban", id="too-short"),
        pytest.param("US89370400440532013000", None, None, "not_an_iban", id="no-such-country"),
        pytest.param("IBAN DE89370400440532013000", None, None, "not_an_iban", id="a-word-before"),
        pytest.param("4111111111111111", None, None, "not_an_iban", id="card"),
        pytest.param(" ", None, None, "missing", id="blank"),
        pytest.param(None, None, None, "missing", id="null"),
    ],
)
def test_published_numbers_and_what_is_none(cell: str | None, country: str, bank: str, status: str) -> None:
    assert read([cell]).select("country", "bank", "status").row(0) == (country, bank, status)


@given(st.lists(st.text(max_size=40) | st.integers().map(lambda seed: edited(random.Random(seed), GERMAN)), min_size=1))
def test_any_text_has_the_references_verdict(cells: list[str]) -> None:
    assert (read(list(cells))["status"] == "valid").to_list() == [reference.is_valid(cell) for cell in cells]


@given(st.integers())
def test_a_number_in_any_writing_is_the_same_account(seed: int) -> None:
    dice = random.Random(seed)
    number = made(dice)
    spaced = dice.choice(" .-\u00a0").join(number)
    told = read([number, number.lower(), spaced, f"\t{number}\n"])
    assert told["value"].unique().to_list() == [number]


def test_the_mask_shows_four_characters_on_either_side() -> None:
    assert read([GERMAN, "NO9386011117947"])["masked"].to_list() == ["DE89**************3000", "NO93*******7947"]


def test_an_account_is_found_by_its_iban_and_shown_masked() -> None:
    accounts = pl.DataFrame({"account_id": ["a", "b"], "iban": ["GR16 0110 1050 0000 1054 7023 795", "n/a"]})
    listed = pl.DataFrame({"kind": ["iban"], "value": [GREEK.lower()], "severity": [95]})
    result = cs.screen(accounts, cs.Blocklist.from_frame(listed), {"iban": cs.Iban()}, as_of=DAY)
    assert result.hits.select("account_id", "value", "action").collect().rows() == [
        ("a", "GR16*******************3795", "suspend")
    ]
    assert result.rejects.select("account_id", "status").collect().rows() == [("b", "not_an_iban")]


def test_an_iban_with_a_slip_is_screened_all_the_same() -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "iban": ["DE88370400440532013000"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["iban"], "value": ["DE88370400440532013000"]}))
    result = cs.screen(accounts, listed, {"iban": cs.Iban()}, as_of=DAY)
    assert result.summary["coverage"]["iban"]["hit"] == 1
    assert result.summary["notes"]["iban"] == {"bad_checksum": 1}


def test_a_store_keeps_tokens_and_a_night_finds_their_account(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("kept in a vault and nowhere else", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "feed.toml").write_text(
        'source = "bank"\nkind = "iban"\nseverity = 95\n[columns]\nvalue = "account"\n'
        '[terms]\nlegal_basis = "Act 7"\nappeal = "desk"\n',
        encoding="utf-8",
    )
    (tmp_path / "list.csv").write_text(f"account\n{GREEK}\n{GERMAN}\nno account\n", encoding="utf-8")
    (tmp_path / "accounts.csv").write_text(
        "account_id,iban\na,GR16 0110 1050 0000 1054 7023 795\nb,NO9386011117947\n", encoding="utf-8"
    )
    (tmp_path / "job.toml").write_text(
        '[accounts]\npath = "accounts.csv"\n[identifiers]\niban = { kind = "iban" }\n[blocklist]\nstore = "lists"\n'
        '[tokens]\nkey_file = "key"\n[limits]\nfirst_run = "publish"\nflagged_share = 1\nsource_share = 1\n',
        encoding="utf-8",
    )
    told = ("--feed", "feed.toml", "--store", "lists", "--key-file", "key", "--allow", "unusable")
    done = cardscreen("list", "import", "list.csv", *told, cwd=tmp_path)
    assert done.code == 0, done.err
    run = cardscreen("run", "job.toml", cwd=tmp_path)
    assert run.code == 0, run.err
    flagged = pl.read_parquet(tmp_path / "runs/latest/flagged.parquet")
    assert flagged.select("account_id", "action").rows() == [("a", "suspend")]
    explained = cardscreen("explain", "a", "--run", "runs/latest", cwd=tmp_path)
    assert "its iban GR16*******************3795 is on the list of bank" in explained.out
    checked = cardscreen("check", "iban", GREEK, cwd=tmp_path)
    assert GREEK not in checked.out
    written = [file for file in tmp_path.rglob("*") if file.is_file() and file.parent != tmp_path]
    for number in (GREEK, GERMAN):
        assert [file for file in written if number.encode() in file.read_bytes()] == []
        assert number not in done.err + run.out + run.err + explained.out


def test_normalizing_a_file_writes_no_iban_in_full(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(f"id,iban\n1,{GERMAN}\n", encoding="utf-8")
    out = ("--column", "iban", "--out", "clean.csv")
    assert cardscreen("normalize", "iban", "accounts.csv", *out, cwd=tmp_path).code == 0
    clean = (tmp_path / "clean.csv").read_text(encoding="utf-8")
    assert "DE89**************3000" in clean
    assert KINDS["iban"].secret


def test_nulls_and_no_rows_are_read() -> None:
    assert read([None, None])["status"].to_list() == ["missing", "missing"]
    assert read([]).shape == (0, 5)
