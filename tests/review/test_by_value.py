"""Asked by a number: who was flagged for it, which accounts carry it, and nothing of a card but its mask."""

from __future__ import annotations

import io
import json
import re
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import Done, cardscreen
from small_operator import CARD, MASKED, run, two_nights

import cardscreen as cs


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_nights(tmp_path_factory.mktemp("operator"))


def asked(operator: Path, *arguments: object, code: int = 0) -> Done:
    done = cardscreen(*arguments, cwd=operator)
    assert done.code == code, done.err
    assert CARD not in done.out + done.err
    return done


@pytest.mark.parametrize("number", ["138 0013 8001", "+8613800138001", "0086 13800138001"])
def test_who_was_flagged_for_a_phone_number_is_told_with_the_whole_story(operator: Path, number: str) -> None:
    told = asked(operator, "explain", "--phone", number).out
    assert told.startswith("Flagged for phone +8613800138001 in run ")
    assert "Account 1 in run" in told
    assert "on the list of police for telecom fraud" in told
    assert "Account 2" not in told


def test_a_number_of_many_accounts_tells_five_stories_and_names_the_others(operator: Path) -> None:
    told = asked(operator, "explain", "--value", "138 0013 8011").out
    assert "Flagged for phone +8613800138011 in run" in told
    assert told.count("\nAccount ") == 5
    assert "1 more: cardscreen explain ACCOUNT" in told


def test_a_card_is_read_from_standard_input_and_told_masked(operator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{CARD}\n"))
    told = asked(operator, "explain", "--card", "-").out
    assert told.startswith(f"Flagged for card {MASKED} (others may share what is shown of it) in run ")
    assert "Account 4 in run" in told


def test_json_tells_the_same_in_fields(operator: Path) -> None:
    told = json.loads(asked(operator, "explain", "--phone", "13800138001", "--json").out)
    assert (told["accounts"], told["read_as"]) == (
        ["1"],
        [{"kind": "phone", "shown": "+8613800138001", "status": "valid"}],
    )
    assert told["stories"][0]["flag"]["action"] == "suspend"


def test_nobody_flagged_is_not_called_clear(operator: Path) -> None:
    told = asked(operator, "explain", "--phone", "13900139000").out
    assert "Nobody was flagged for phone +8613900139000" in told
    assert "That does not mean that nobody has it" in told
    assert "written right" not in told


@pytest.mark.parametrize("written", ["1380013800O", "138001380", "138001380011"])
def test_a_number_that_no_plan_has_is_told_where_nobody_was_flagged_for_it(operator: Path, written: str) -> None:
    told = asked(operator, "explain", "--phone", written).out
    assert re.search(r"Is it written right\? As phone \+86\d+, it is in no numbering plan\.", told), told


def test_a_file_in_place_of_a_run_is_told(operator: Path) -> None:
    done = asked(operator, "explain", "1", "--run", "accounts.parquet", code=2)
    assert "accounts.parquet is neither a run's folder, nor an output folder, nor a job (.toml)" in done.err


def test_a_number_in_place_of_an_account_is_noticed(operator: Path) -> None:
    done = asked(operator, "explain", "13800138001")
    assert "this looks like a phone number, and not like an account's id" in done.err
    assert "cardscreen explain --phone 13800138001" in done.err
    card = asked(operator, "explain", CARD)
    assert "cardscreen explain --card - asks by it" in card.err
    assert "looks like" not in asked(operator, "explain", "8").err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("explain",), "say what to explain", id="nothing"),
        pytest.param(("explain", ""), "say what to explain", id="an-empty-id"),
        pytest.param(("explain", "1", "--phone", "13800138001"), "say what to explain", id="both"),
        pytest.param(("explain", "--phone", "n/a"), "this is no phone that can be read", id="no-number"),
        pytest.param(("explain", "--value", "n/a"), "can't be read as any kind", id="no-value"),
    ],
)
def test_what_cant_be_asked_is_told(operator: Path, arguments: tuple[str, ...], words: str) -> None:
    assert words in asked(operator, *arguments, code=2).err


# --- who carries it ---------------------------------------------------------------------------------


def test_check_tells_how_a_number_is_read_and_which_accounts_carry_it_listed_or_not(operator: Path) -> None:
    accounts = pl.read_parquet(operator / "accounts.parquet")
    unlisted = accounts.filter(pl.col("account_id") == 12)
    number = unlisted["mobile"].item()
    told = json.loads(asked(operator, "check", "phone", number, "--run", "runs", "--json").out)
    expected = accounts.filter(pl.col("mobile") == number)["account_id"].to_list()
    assert [(each["account_id"], each["identifier"]) for each in told["carried_by"]] == [
        (str(account), "mobile") for account in sorted(expected, key=str)
    ]
    assert told["status"] == "valid"


def test_check_finds_a_card_by_its_whole_number_and_prints_its_mask(
    operator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{CARD}\n"))
    told = asked(operator, "check", "card", "-", "--run", "job.toml").out
    assert "carried by 1 account of run" in told
    assert "4 (card_no)" in told


def test_check_asks_a_run_of_which_a_carried_column_may_show_card_numbers(tmp_path: Path) -> None:
    operator = two_nights(tmp_path)
    carry = 'carry = ["segment"]'
    job = (operator / "job.toml").read_text("utf-8").replace(carry, f'{carry}\nunmasked = ["segment"]')
    (operator / "job.toml").write_text(job, encoding="utf-8")
    assert run(operator, "2026-11-22").code == 0
    assert "carried by 1 account of run" in asked(operator, "check", "phone", "13800138001", "--run", "runs").out


def test_check_says_where_the_accounts_are_not_those_that_the_run_read(operator: Path) -> None:
    before = (operator / "accounts.parquet").read_bytes()
    pl.read_parquet(operator / "accounts.parquet").head(3).write_parquet(operator / "accounts.parquet")
    try:
        assert "has changed since" in asked(operator, "check", "phone", "13800138001", "--run", "runs").err
    finally:
        (operator / "accounts.parquet").write_bytes(before)


# --- what lists it ----------------------------------------------------------------------------------

HIDDEN = f"{CARD[:6]}******{CARD[-4:]}"
KEY = "k" * 40


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of block and allow listings, in force, over and to come."""
    folder = tmp_path_factory.mktemp("lists")
    columns = {"value": "value", "listed_on": "from", "expires_on": "to", "reference": "case"}
    today, year = date.today(), timedelta(days=365)
    ends = {"over": (today - 2 * year, today - year), "now": (today - year, today + year)}

    def take(source: str, kind: str, rows: list[tuple[str, str]], key: cs.TokenKey | None = None, **said: Any) -> None:
        text = ["value,from,to,case", *(f"{value},{ends[when][0]},{ends[when][1]},{source}-1" for value, when in rows)]
        file = folder / f"{source}.csv"
        file.write_text("\n".join(text) + "\n", encoding="utf-8")
        feed = cs.Feed(source=source, kind=kind, columns=columns, reason="money_mule", severity=90, **said)
        waived = ["range", "invalid"]
        cs.import_file(file, feed, folder / "lists", allow=waived, key=key)

    take("police", "phone", [("+8613800138001", "now"), ("+8613800138002", "over")])
    take("ranges", "phone", [("+861380013800*", "now")])
    take("friends", "phone", [("+8613800138001", "now")], list="allow")
    take("bank", "card", [(CARD, "now")], store_as="plain")
    take("masks", "card", [(HIDDEN, "now")])
    take("tokens", "card", [(CARD, "now")], cs.TokenKey(KEY))
    return folder


def test_check_tells_which_listings_cover_a_number_today(lists: Path) -> None:
    told = json.loads(asked(lists, "check", "phone", "13800138001", "--region", "CN", "--store", "lists", "--json").out)
    assert (told["store"], told["as_of"], told["not_compared"]) == (
        {"path": "lists", "version": 5},
        date.today().isoformat(),
        0,
    )
    found = [(each["list"], each["source"], each["match"], each["value"]) for each in told["listings"]]
    assert found == [
        ("block", "police", "exact", None),
        ("block", "ranges", "range", "+861380013800*"),
        ("allow", "friends", "exact", None),
    ]
    first = told["listings"][0]
    assert (first["reason"], first["severity"], first["reference"]) == ("money_mule", 90, "police-1")
    assert first["listed_on"] < told["as_of"] < first["expires_on"]
    text = asked(lists, "check", "phone", "13800138001", "--region", "CN", "--store", "lists").out
    assert "covered by 3 listings of lists, version 5, on " in text
    assert all(word in text for word in ("police", "money_mule", "friends", "allow", "police-1"))


def test_a_number_on_no_list_is_not_called_innocent(lists: Path) -> None:
    for number in ("13900139000", "+8612345"):
        text = asked(lists, "check", "phone", number, "--region", "CN", "--store", "lists").out
        assert "on no list of lists, version 5, on " in text
        assert "That is no proof of innocence" in text
        assert ("Is it written right?" in text) == (number == "+8612345")
    ended = json.loads(asked(lists, "check", "phone", "+8613800138002", "--store", "lists", "--json").out)
    assert [each["source"] for each in ended["listings"]] == ["ranges"]


def test_what_cant_be_read_is_not_said_to_be_on_no_list(lists: Path) -> None:
    assert "not looked up in lists, version 5" in asked(lists, "check", "phone", "n/a", "--store", "lists").out
    assert json.loads(asked(lists, "check", "phone", "n/a", "--store", "lists", "--json").out)["listings"] is None


def test_check_finds_a_card_on_lists_and_prints_neither_its_number_nor_a_token(
    lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K", KEY)

    def told(cell: str, *more: str) -> tuple[set[tuple[str, str, str | None]], int]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{cell}\n"))
        done = json.loads(out := asked(lists, "check", "card", "-", "--store", "lists", "--json", *more).out)
        assert cs.TokenKey(KEY).id not in out
        return {(each["source"], each["match"], each["value"]) for each in done["listings"]}, done["not_compared"]

    plain = {("bank", "exact", None), ("masks", "truncated", MASKED)}
    assert told(CARD) == (plain, 1)
    assert told(CARD, "--key-env", "K") == (plain | {("tokens", "token", None)}, 0)
    assert told(HIDDEN, "--key-env", "K") == ({("bank", "truncated", None), ("masks", "truncated", MASKED)}, 1)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{CARD}\n"))
    assert "1 token of that kind could not be compared" in asked(lists, "check", "card", "-", "--store", "lists").err
