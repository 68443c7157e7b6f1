"""Lists into the store through the command line: what gets in, what is refused, and in which words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from commands import Done, cardscreen

import cardscreen as cs
from cardscreen.lists.store.merging import STORED
from cardscreen.lists.store.table import Store

CARD = "6222021234561234"
KEY = "k" * 40
FEED = """
source = "police"
kind = "phone"
region = "CN"
reason = "telecom_fraud"
severity = 90
{top}
[columns]
value = "number"
listed_on = "day"
reference = "case"
{columns}
[limits]
{limits}
"""
TEN = [f"1380013800{digit},2026-01-0{digit or 9},C{digit}" for digit in range(10)]


def feed(folder: Path, name: str = "police.toml", *, top: str = "", columns: str = "", limits: str = "") -> Path:
    file = folder / name
    file.write_text(FEED.format(top=top, columns=columns, limits=limits), encoding="utf-8")
    return file


def listed(folder: Path, rows: list[str], name: str = "list.csv", header: str = "number,day,case") -> Path:
    file = folder / name
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


def take(folder: Path, *more: object, file: str = "list.csv", by: str = "police.toml") -> Done:
    return cardscreen(
        "list", "import", file, "--feed", by, "--store", "lists", "--as-of", "2026-03-01", *more, cwd=folder
    )


def state(folder: Path) -> dict[str, str]:
    """Digest of every file of the store."""
    files = sorted(file for file in (folder / "lists").rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def refused(folder: Path, *more: object, file: str = "list.csv", by: str = "police.toml") -> str:
    """What a refused import says; it must have left the store as it was."""
    before = state(folder)
    done = take(folder, *more, file=file, by=by)
    assert (done.code, done.out) == (3, ""), done.err
    assert state(folder) == before
    return done.err


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    """A folder with a store of ten numbers of the police."""
    feed(tmp_path)
    listed(tmp_path, TEN)
    done = take(tmp_path)
    assert done.code == 0, done.err
    return tmp_path


def test_an_import_says_what_it_did_and_the_store_has_it(ten: Path) -> None:
    blocklist = Store(ten / "lists").blocklist()
    assert len(blocklist) == 10
    row = blocklist.listings.sort("value").row(1, named=True)
    assert {name: row[name] for name in ("kind", "value", "match", "list", "source", "severity", "listed_on")} == {
        "kind": "phone",
        "value": "+8613800138001",
        "match": "exact",
        "list": "block",
        "source": "police",
        "severity": 90,
        "listed_on": date(2026, 1, 1),
    }


def test_a_feed_and_a_store_may_be_given_by_their_paths(tmp_path: Path) -> None:
    told, rows, place = feed(tmp_path), listed(tmp_path, TEN), tmp_path / "lists"
    assert cs.import_file(rows, told, place).version == 0
    assert cs.import_file(rows, str(told), str(place)).again
    assert cs.import_file(str(rows), cs.Feed.read(told), cs.Store(place)).again
    with pytest.raises(cs.ConfigError, match=r"dict is no feed: give a cs\.Feed, or the path"):
        cs.import_file(rows, {}, place)  # type: ignore[arg-type]
    with pytest.raises(cs.ConfigError, match=r"NoneType is no store: give a cs\.Store, or the path"):
        cs.import_file(rows, told, None)  # type: ignore[arg-type]


def test_a_quiet_import_says_nothing_unless_it_is_refused(tmp_path: Path) -> None:
    feed(tmp_path)
    listed(tmp_path, TEN)
    done = take(tmp_path, "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    listed(tmp_path, TEN[:2])
    assert "shrink" in refused(tmp_path, "--quiet")


def test_the_summary_is_one_line_of_json(tmp_path: Path) -> None:
    feed(tmp_path)
    listed(tmp_path, [*TEN, "n/a,,"], "list.csv")
    told = json.loads(take(tmp_path, "--allow", "unusable", "--json").out)
    assert {name: told[name] for name in ("source", "version", "read", "rejected", "added", "in_force")} == {
        "source": "police",
        "version": 0,
        "read": 11,
        "rejected": 1,
        "added": 10,
        "in_force": 10,
    }
    assert told["waived"] == [
        "unusable: 1 of 11 rows (9.1%) can't be used (limit 1.0%): no phone number (1, first in line 12)"
    ]


SERVED = "short: emergency or service numbers, or senders of text messages: line 2"
REFUSALS: dict[str, tuple[list[str], dict[str, str], str]] = {
    "unusable": (
        [*TEN, "abc,,"],
        {},
        "unusable: 1 of 11 rows (9.1%) can't be used (limit 1.0%): no phone number (1, first in line 12)",
    ),
    "quantities": (
        [f"{row.replace(',', '.0,', 1)}" for row in TEN],
        {},
        "empty: no row of 10 can be used: a quantity that a spreadsheet has made of a number (10, first in line 2); "
        "repair = true in the feed mends what can be mended",
    ),
    "too-many-digits": (
        [*TEN, "9234567890123456,,"],
        {},
        "unusable: 1 of 11 rows (9.1%) can't be used (limit 1.0%): more digits than such a number has "
        "(1, first in line 12)",
    ),
    "bad-day": (
        ["13800138000,2026-02-30,C1", *TEN[1:]],
        {},
        "unusable: 1 of 10 rows (10.0%) can't be used (limit 1.0%): day is no day, or can be read in two ways: "
        'write YYYY-MM-DD, or say how it is written by date_format, such as date_format = "%d/%m/%Y", at the top '
        "of the feed (1, first in line 2)",
    ),
    "empty": ([], {}, "empty: the file has no rows: was it cut off?"),
    "shrink": (
        TEN[:7],
        {},
        "shrink: from 10 to 7 listings in force (-30.0%, limit -20.0%): was the file cut off?",
    ),
    "grow": (
        [*TEN, *(f"1390013900{digit},," for digit in range(6))],
        {},
        "grow: from 10 to 16 listings in force (+60.0%, limit +50.0%): is it the right file?",
    ),
    "future": (
        ["13800138000,2026-03-02,C0", *TEN[1:]],
        {},
        "future: listed after 2026-03-01, the day of the data: line 2",
    ),
    "range": (["170*,,", "+86*,,", *TEN], {}, "range: ranges to block that are wider than 100,000,000 numbers: line 3"),
    "range-by-limit": (
        ["+861380013*,,", *TEN],
        {"limits": "range_size = 1000"},
        "range: ranges to block that are wider than 1,000 numbers: line 2",
    ),
    "kind": (
        [f"{CARD},2026-01-01,X", "4111111111111111,,", *TEN],
        {},
        "kind: 2 of 12 rows (16.7%) are card numbers: is it the right column? (lines 2, 3)",
    ),
    "country": (["+852*,,", *TEN], {}, "range: ranges to block that are wider than 100,000,000 numbers: line 2"),
    "emergency-prefix": (
        ["+86110*,,", *TEN],
        {},
        SERVED,
    ),
    "other-numbers": (
        [f"1390013900{digit},," for digit in range(10)],
        {},
        "shrink: 10 of 10 listings in force would end, and others take their place (limit 20.0%): "
        "is it the right file?",
    ),
    "protected-range": (
        [*TEN, "+8613900139000-+8613900139099,,"],
        {"top": 'protected = ["+8613900139050"]'},
        "short: numbers that the feed names as protected: line 12",
    ),
    "card-beside": (
        [*TEN, "13900139000,2026-01-01,seen with 4111 1111 1111 1111"],
        {},
        "unusable: 1 of 11 rows (9.1%) can't be used (limit 1.0%): the reference or reason holds a card number "
        "(1, first in line 12)",
    ),
    "short": (["110,,", *TEN], {}, SERVED),
    "service": (["95588,,", *TEN], {}, SERVED),
    "protected": (
        TEN,
        {"top": 'protected = ["13800138003", "+861380013800*"]'},
        "short: numbers that the feed names as protected: lines 2, 3, 4, 5, 6 and 5 more",
    ),
    "two-severities": (
        [*(f"{row},50" for row in TEN), "138 0013 8001,2026-01-01,C1,60"],
        {"columns": 'severity = "risk"'},
        "duplicates: one listing with two values of severity: line 3 says 50 and line 12 says 60",
    ),
    "blocked-and-allowed": (
        [*(f"{row},block" for row in TEN), "13800138001,2026-01-01,C1,allow"],
        {"columns": 'list = "risk"', "top": "open_ended = true"},
        "duplicates: one number blocked and allowed at once: line 3 says block and line 12 says allow",
    ),
    "added-and-removed": (
        [*(f"{row},add" for row in TEN), "13800138001,2026-01-01,C1,remove"],
        {"columns": 'operation = "risk"', "top": 'mode = "delta"'},
        "duplicates: one number added and removed at once: line 3 says add and line 12 says remove",
    ),
    "adds-what-is-there": (
        [f"{TEN[0]},add"],
        {"columns": 'operation = "risk"', "top": 'mode = "delta"'},
        "delta: 1 of 1 rows (100.0%) add what is there already: is a file missing before this one? (line 2)",
    ),
    "removes-what-is-not": (
        ["13900139000,,,remove"],
        {"columns": 'operation = "risk"', "top": 'mode = "delta"'},
        "delta: 1 of 1 rows (100.0%) remove what isn't there: is a file missing before this one? (line 2)",
    ),
    "allow-without-end": (
        TEN,
        {"top": 'list = "allow"'},
        "allow: allow listings without an end: lines 2, 3, 4, 5, 6 and 5 more; name columns.expires_on or "
        "expires_after_days, or say open_ended = true",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_doubtful_file_is_refused_with_what_is_wrong_and_the_store_stays_as_it_was(ten: Path, case: str) -> None:
    rows, settings, message = REFUSALS[case]
    feed(ten, **settings)
    header = "number,day,case" + (",risk" if "risk" in settings.get("columns", "") else "")
    listed(ten, rows, header=header)
    said = refused(ten)
    assert f"  {message}\n" in said
    assert said.startswith("cardscreen: list.csv is refused, and the store is as it was:\n")


def test_a_check_can_be_waived_by_its_name_and_that_is_recorded(ten: Path) -> None:
    listed(ten, TEN[:7])
    assert "--allow shrink" in refused(ten)
    assert take(ten, "--allow", "shrink").code == 0
    record = Store(ten / "lists").at().record
    assert record.reason == "waived: shrink"
    assert record.details["waived"] == [
        "shrink: from 10 to 7 listings in force (-30.0%, limit -20.0%): was the file cut off?"
    ]


def test_waiving_one_check_does_not_waive_another(ten: Path) -> None:
    listed(ten, [*TEN[:7], "110,,"])
    said = refused(ten, "--allow", "shrink")
    assert "short: " in said
    assert "shrink: " not in said


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        *((cell, "CN") for cell in ("1065755512", "106575551234", "1069 0123 4567", "106*", "1069*", "95*", "12306")),
        *((cell, "CN") for cell in ("95588", "96110", "10086", "110", "10010*", "12345", "95511234", "1065755xxx")),
        *((cell, "CN") for cell in ("010-110", "021-12345", "0755-95588", "020-10086", "86-95588", "021 110")),
        *((cell, "CN") for cell in ("0311-12345", "(0755) 95588", "+86 755 95588", "0755-96110", "075595588*")),
        *((cell, "US") for cell in ("911", "741741", "988", "911*")),
        ("112", "DE"),
        ("116117", "DE"),
        ("000", "AU"),
        ("999", "GB"),
    ],
)
def test_a_service_number_as_it_is_dialled_is_refused(tmp_path: Path, cell: str, region: str) -> None:
    (tmp_path / "police.toml").write_text(
        f'source = "a"\nkind = "phone"\nregion = "{region}"\n[columns]\nvalue = "n"\n[limits]\nunusable_share = 1.0\n'
    )
    listed(tmp_path, [cell, "+8613800138000"], header="n")
    said = refused(tmp_path)
    assert SERVED in said


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        *(
            (cell, "CN")
            for cell in ("010 65755512", "10-65755512", "(010)65755512", "+861065755512", "170*", "13800138000")
        ),
        *(
            (cell, "CN")
            for cell in ("0955 7012345", "021 62345678", "19912345678", "0755 82345678", "400 800 7777", "07911123456")
        ),
        ("2025550101", "US"),
        ("030 123456", "DE"),
    ],
)
def test_a_subscribers_number_that_begins_like_a_service_is_none(tmp_path: Path, cell: str, region: str) -> None:
    (tmp_path / "police.toml").write_text(
        f'source = "a"\nkind = "phone"\nregion = "{region}"\n[columns]\nvalue = "n"\n'
    )
    listed(tmp_path, [cell], header="n")
    assert take(tmp_path).err == ""


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(["n/a,,", "13900139000.0,,"], "empty: no row of 2 can be used: ", id="all-rejected"),
        pytest.param(["13900139000 (Axel),,"], "empty: no row of 1 can be used: letters", id="letters"),
        pytest.param([], "empty: the file has no rows", id="no-rows"),
    ],
)
def test_where_nothing_usable_is_left_unusable_is_neither_offered_nor_accepted(
    ten: Path, rows: list[str], message: str
) -> None:
    listed(ten, rows)
    for more in ((), ("--allow", "unusable"), ("--allow", "unusable", "--allow", "shrink")):
        said = refused(ten, *more)
        assert message in said
        assert "--allow unusable" not in said
        assert "--allow empty" in said
    done = take(ten, "--allow", "empty", "--allow", "shrink", "--json")
    assert json.loads(done.out)["in_force"] == 0


def test_a_first_import_of_nothing_usable_is_the_check_empty(tmp_path: Path) -> None:
    feed(tmp_path)
    listed(tmp_path, ["n/a,,", "see file,,"])
    done = take(tmp_path, "--allow", "unusable")
    assert (done.code, done.out) == (3, "")
    assert "empty: no row of 2 can be used: no phone number (2, first in line 2)" in done.err


def test_a_delta_that_ends_all_listings_is_the_check_empty(ten: Path) -> None:
    feed(ten, columns='operation = "risk"', top='mode = "delta"')
    listed(ten, [f"{row},remove" for row in TEN], header="number,day,case,risk")
    said = refused(ten, "--allow", "shrink")
    assert "empty: no listing of the source would be in force any more" in said
    assert take(ten, "--allow", "shrink", "--allow", "empty").code == 0


def test_what_nobody_may_waive_is_not_offered(ten: Path) -> None:
    feed(ten, top='list = "allow"')
    listed(ten, TEN)
    assert "--allow allow" not in refused(ten)
    assert (
        cardscreen(
            "list", "import", "list.csv", "--feed", "police.toml", "--store", "lists", "--allow", "allow", cwd=ten
        ).code
        == 2
    )


def test_an_unknown_check_is_named_with_the_near_one(ten: Path) -> None:
    done = take(ten, "--allow", "shrinks")
    assert (done.code, done.out) == (2, "")
    assert "there is no check 'shrinks' (did you mean 'shrink'?)" in done.err


def test_a_missing_column_is_refused_and_an_optional_one_can_be_waived(ten: Path) -> None:
    listed(ten, [row.rsplit(",", 1)[0] for row in TEN], header="number,day")
    said = refused(ten)
    assert "there is no column 'case'" in said
    assert "number, day" in said
    listed(ten, [row.split(",", 1)[1] for row in TEN], header="day,case")
    assert "there is no column 'number'" in refused(ten, "--allow", "columns")


def test_rejected_rows_lie_beside_the_file_and_go_when_there_are_none(ten: Path) -> None:
    listed(ten, [*TEN, "abc -,,", ",2026-01-01,"])
    refused(ten)
    assert pl.read_csv(ten / "rejects/list.csv.rejects").rows() == [
        (12, "no phone number", "AAA -"),
        (13, "no phone number", None),
    ]
    listed(ten, TEN)
    assert take(ten).code == 0
    assert not (ten / "rejects/list.csv.rejects").exists()


def test_a_dry_run_counts_and_writes_nothing(ten: Path) -> None:
    before = state(ten)
    listed(ten, [*TEN[:9], "13900139000,,"])
    done = take(ten, "--dry-run", "--json")
    told = json.loads(done.out)
    assert (told["version"], told["added"], told["ended"], told["unchanged"]) == (None, 1, 1, 9)
    assert state(ten) == before


def test_identical_rows_are_merged_and_counted(tmp_path: Path) -> None:
    feed(tmp_path)
    listed(tmp_path, [*TEN, "138 0013 8001,2026-01-01,C1", "+86 138 0013 8001,2026/1/1,C1"])
    told = json.loads(take(tmp_path, "--json").out)
    assert (told["read"], told["merged"], told["added"]) == (12, 2, 10)


def test_two_case_numbers_on_one_number_are_two_listings(tmp_path: Path) -> None:
    feed(tmp_path)
    listed(tmp_path, ["13800138000,2026-01-01,C1", "13800138000,2026-01-02,C2"])
    assert json.loads(take(tmp_path, "--json").out)["added"] == 2


def test_the_same_file_of_a_later_day_confirms_what_it_says(ten: Path) -> None:
    done = cardscreen(
        "list", "import", "list.csv", "--feed", "police.toml", "--store", "lists", "--as-of", "2026-03-09", cwd=ten
    )
    assert "nothing has changed since 2026-03-01: the data is true of 2026-03-09, too" in done.out
    at = Store(ten / "lists").at()
    assert at.number == 1
    police = at.record.origins["police"]
    assert (police.confirmed_on, police.changed_on) == (date(2026, 3, 9), date(2026, 3, 1))
    assert len(list((ten / "lists").glob("*.parquet"))) == 1


def test_a_newer_file_with_the_same_listings_is_younger(ten: Path) -> None:
    listed(ten, list(reversed(TEN)))
    cardscreen(
        "list", "import", "list.csv", "--feed", "police.toml", "--store", "lists", "--as-of", "2026-03-09", cwd=ten
    )
    assert Store(ten / "lists").at().record.origins["police"].confirmed_on == date(2026, 3, 9)


def test_an_import_of_one_source_leaves_the_files_of_the_others(ten: Path) -> None:
    own = set((ten / "lists").glob("*.parquet"))
    (ten / "bank.toml").write_text('source = "bank"\nkind = "phone"\nregion = "CN"\n[columns]\nvalue = "number"\n')
    listed(ten, TEN, "bank.csv")
    assert take(ten, file="bank.csv", by="bank.toml").code == 0
    assert own < set((ten / "lists").glob("*.parquet"))
    assert Store(ten / "lists").blocklist().listings.group_by("source").len().sort("source").rows() == [
        ("bank", 10),
        ("police", 10),
    ]


def test_card_numbers_are_stored_as_tokens_and_the_import_needs_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cards.toml").write_text('source = "bank"\nkind = "card"\n[columns]\nvalue = "pan"\n')
    (tmp_path / "cards.csv").write_text(f"pan\n{CARD}\n62220212*\n622202******9999\n")
    asked = take(tmp_path, file="cards.csv", by="cards.toml")
    assert asked.code == 2
    assert 'store_as = "plain"' in asked.err
    assert "--key-file" in asked.err
    monkeypatch.setenv("LIST_KEY", KEY)
    assert take(tmp_path, "--key-env", "LIST_KEY", file="cards.csv", by="cards.toml").code == 0
    values = Store(tmp_path / "lists").blocklist().listings.sort("match")
    key = cs.TokenKey(KEY)
    signed = pl.DataFrame({"x": [CARD]}).select(cs.token("x", "card", key)).item()
    assert dict(values.select("match", "value").rows()) == {
        "token": signed,
        "range": "62220212*",
        "truncated": "622202******9999",
    }
    everything = b"".join(file.read_bytes() for file in (tmp_path / "lists").rglob("*") if file.is_file())
    assert CARD.encode() not in everything


def test_a_feed_may_say_that_card_numbers_are_stored_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "cards.toml").write_text(
        'source = "bank"\nkind = "card"\nstore_as = "plain"\n[columns]\nvalue = "pan"\n'
    )
    (tmp_path / "cards.csv").write_text(f"pan\n{CARD}\n")
    assert take(tmp_path, file="cards.csv", by="cards.toml").code == 0
    assert Store(tmp_path / "lists").blocklist().listings["value"].to_list() == [CARD]
    shown = cardscreen("list", "show", "--rows", "--store", "lists", cwd=tmp_path)
    assert "622202******1234" in shown.out
    assert CARD not in shown.out


def test_other_readers_find_whole_listings_in_the_stores_files(ten: Path) -> None:
    files = str(ten / "lists" / "*.parquet")
    query = f"select source, count(*) from read_parquet('{files}') group by source"
    assert duckdb.execute(query).fetchall() == [("police", 10)]


def test_the_stores_files_are_not_for_others(ten: Path) -> None:
    modes = {file.stat().st_mode & 0o007 for file in (ten / "lists").rglob("*")}
    assert modes == {0}


def test_terms_are_kept_with_the_source_and_cap_its_hits(tmp_path: Path) -> None:
    file = feed(
        tmp_path, limits="range_size = 100000000\n[terms]\ncap = 'notify'\nlegal_basis = 'Law 1'\noverridable = false"
    )
    listed(tmp_path, TEN)
    assert take(tmp_path, by=file.name).code == 0
    blocklist = Store(tmp_path / "lists").blocklist()
    assert blocklist.origins["police"].terms.legal_basis == "Law 1"
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["138 0013 8001"]})
    result = cs.screen(accounts, blocklist, {"mobile": cs.Phone("CN")}, as_of=date(2026, 3, 1))
    assert result.flagged.select("action", "level").collect().rows() == [("notify", "critical")]
    assert result.hits.select("cap").collect().item() == "notify"


def test_a_policy_may_tighten_what_a_source_says_and_never_loosen_it(tmp_path: Path) -> None:
    feed(tmp_path, limits="range_size = 1\n[terms]\ncap = 'verify'")
    listed(tmp_path, TEN)
    take(tmp_path)
    blocklist = Store(tmp_path / "lists").blocklist()
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["138 0013 8001"]})

    def action(cap: str) -> Any:
        policy: Any = {"sources": {"police": {"cap": cap}}}
        result = cs.screen(accounts, blocklist, {"mobile": cs.Phone("CN")}, policy=policy, as_of=date(2026, 3, 1))
        return result.flagged.select("action").collect().item()

    assert (action("close"), action("notify")) == ("verify", "notify")


def test_feeds_of_both_kinds_say_in_a_column_which_one_a_row_is(tmp_path: Path) -> None:
    (tmp_path / "mixed.toml").write_text(
        'source = "mixed"\nregion = "CN"\nstore_as = "plain"\n[columns]\nvalue = "number"\nkind = "what"\n'
    )
    (tmp_path / "mixed.csv").write_text(f"number,what\n13800138000,phone\n{CARD},card\nx,iban\n")
    done = take(tmp_path, "--allow", "unusable", "--json", file="mixed.csv", by="mixed.toml")
    assert json.loads(done.out)["added"] == 2
    assert pl.read_csv(tmp_path / "rejects/mixed.csv.rejects")["line"].to_list() == [4]


def test_numbers_without_their_leading_zero_are_noticed(tmp_path: Path) -> None:
    numbers = [f"612345{digit:03}" for digit in range(50)]
    (tmp_path / "it.toml").write_text('source = "it"\nkind = "phone"\nregion = "IT"\n[columns]\nvalue = "number"\n')
    (tmp_path / "it.csv").write_text("number\n" + "\n".join(numbers) + "\n")
    said = take(tmp_path, file="it.csv", by="it.toml")
    assert said.code == 3
    assert "zeros: 50 of 50 rows (100.0%) are numbers only with a zero in front" in said.err


def test_there_is_nothing_to_go_back_from_at_the_newest_version(tmp_path: Path) -> None:
    (tmp_path / "cn.toml").write_text('source = "cn"\nkind = "phone"\nregion = "CN"\n[columns]\nvalue = "number"\n')
    (tmp_path / "cn.csv").write_text("number\n13800138000\n")
    assert take(tmp_path, file="cn.csv", by="cn.toml").code == 0
    done = cardscreen("list", "rollback", "0", "--store", "lists", "--by", "A. Li", "--reason", "x", cwd=tmp_path)
    assert (done.code, "there is nothing to go back from: version 0 is the newest" in done.err) == (2, True), done.err


def test_country_codes_that_are_read_as_area_codes_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "de.toml").write_text('source = "de"\nkind = "phone"\nregion = "DE"\n[columns]\nvalue = "number"\n')
    bare = [f"4917527758{digit:02}" for digit in range(4)] + ["４９ 1752 775804"]
    meant = [f"{written}17527757{digit:02}" for digit in range(20) for written in ("+49", "0049", "0", "")]
    leer = ["0491 752775", "491752776", "04917527750"]  # in the network whose area code is like the country's
    (tmp_path / "de.csv").write_text("number\n" + "\n".join([*bare, *meant, *leer]) + "\n")
    said = take(tmp_path, file="de.csv", by="de.toml")
    assert said.code == 3
    assert "codes: 5 of 88 rows (5.7%) begin with the country code of the feed's region and have no +" in said.err
    assert "write them with +: lines 2, 3, 4, 5, 6\n" in said.err
    assert take(tmp_path, "--allow", "codes", file="de.csv", by="de.toml").code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('source = "a"\n[columns]\nvalue = "x"\n', "give either `kind`", id="no-kind"),
        pytest.param(
            'source = "a"\nkind = "fone"\n[columns]\nvalue = "x"\n', "did you mean 'phone'?", id="unknown-kind"
        ),
        pytest.param(
            'source = "a"\nkind = "phone"\nmodes = "delta"\n[columns]\nvalue = "x"\n',
            "did you mean 'mode'?",
            id="unknown-key",
        ),
        pytest.param(
            'source = "a"\nkind = "phone"\n[columns]\nvalue = "x"\n[terms]\ncap = "kill"\n',
            "terms.cap",
            id="no-such-cap",
        ),
        pytest.param(
            'source = "a"\nkind = "phone"\ntimezone = "Asia/Shangai"\n[columns]\nvalue = "x"\n',
            "did you mean 'Asia/Shanghai'?",
            id="no-such-zone",
        ),
    ],
)
def test_a_mistake_in_a_feed_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "police.toml").write_text(text)
    listed(tmp_path, TEN)
    done = take(tmp_path)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "police.toml" in done.err


def test_a_file_that_is_not_there_is_named_with_the_near_one(ten: Path) -> None:
    done = take(ten, file="lst.csv")
    assert done.code == 3
    assert "list.csv" in done.err


def test_every_listing_of_the_store_has_the_contracts_columns(ten: Path) -> None:
    assert Store(ten / "lists").listings().collect_schema() == pl.Schema(STORED)


def test_a_job_screens_against_the_store(ten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ten / "accounts.csv").write_text("account_id,mobile\na,138 0013 8001\nb,13912345678\n")
    (ten / "job.toml").write_text(
        '[accounts]\npath = "accounts.csv"\n[identifiers]\nmobile = { kind = "phone", region = "CN" }\n'
        '[blocklist]\nstore = "lists"\n[limits]\nfirst_run = "publish"\nflagged_share = 1\nsource_share = 1\n'
    )
    done = cardscreen("run", "job.toml", "--as-of", "2026-03-01", "--json", cwd=ten)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["flagged"]["accounts"] == 1
    assert told["store"]["version"] == 0
    manifest = json.loads((ten / "runs/latest/manifest.json").read_text())
    assert manifest["inputs"]["store"]["version"] == 0
    assert manifest["inputs"]["store"]["path"] == str(ten / "lists")


def test_a_run_warns_of_an_old_list_and_is_held_on_a_stale_one(ten: Path) -> None:
    feed(ten, limits="range_size = 100000000\n[terms]\nwarn_after_days = 2\nerror_after_days = 5")
    listed(ten, [*TEN[1:], TEN[0]])
    take(ten)
    (ten / "accounts.csv").write_text("account_id,mobile\na,138 0013 8001\nb,13912345678\n")
    (ten / "job.toml").write_text(
        '[accounts]\npath = "accounts.csv"\n[identifiers]\nmobile = { kind = "phone", region = "CN" }\n'
        '[blocklist]\nstore = "lists"\n[limits]\nfirst_run = "publish"\nflagged_share = 1\nsource_share = 1\n'
    )
    run: Callable[[str], Done] = lambda day: cardscreen("run", "job.toml", "--as-of", day, "--quiet", cwd=ten)  # noqa: E731
    fresh, old, stale = run("2026-03-03"), run("2026-03-04"), run("2026-03-07")
    assert (fresh.code, fresh.err) == (0, "")
    assert old.code == 0
    assert "the data of 'police' is of 2026-03-01, 3 days old" in old.err
    assert stale.code == 4
    assert "error_after_days: the data of 'police' is of 2026-03-01, 6 days old (limit 5)" in stale.err


@pytest.mark.parametrize(
    ("error", "why"),
    [
        pytest.param(PermissionError(13, "Permission denied"), "Permission denied", id="system"),
        pytest.param(
            OSError("No space left on device (os error 28)"), "No space left on device (os error 28)", id="engine"
        ),
    ],
)
def test_where_rejects_cannot_be_written_nothing_is_taken(
    ten: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, why: str
) -> None:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("cardscreen.lists.feeds.importing.write_whole", fails)
    listed(ten, [*TEN, "abc,,"])
    told = f"  rejects: rejects/list.csv.rejects can't be written, where the rows belong that can't be used: {why}\n"
    assert told in refused(ten, "--allow", "unusable")
    both = refused(ten)
    assert told in both
    assert "unusable: 1 of 11 rows" in both
    assert both.endswith("say --allow unusable\n")


def test_a_feed_without_region_says_why_national_numbers_are_none(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text('source = "a"\nkind = "phone"\n[columns]\nvalue = "number"\n')
    listed(tmp_path, TEN)
    assert "the feed names no region" in take(tmp_path, by="f.toml").err


def test_quantities_are_mended_where_the_feed_says_so(tmp_path: Path) -> None:
    feed(tmp_path, top="repair = true")
    listed(tmp_path, [row.replace(",", ".0,", 1) for row in TEN])
    assert take(tmp_path).code == 0
    assert "+8613800138001" in Store(tmp_path / "lists").blocklist().listings["value"].to_list()


def test_the_day_of_the_data_is_neither_to_come_nor_before_what_is_there(ten: Path) -> None:
    listed(ten, [*TEN[1:], TEN[0]])
    assert (
        "delta: the data is of 2026-01-01, and the store has that of 2026-03-01 already"
        in cardscreen(
            *("list", "import", "list.csv", "--feed", "police.toml", "--store", "lists", "--as-of", "2026-01-01"),
            cwd=ten,
        ).err
    )
    assert (
        "future: the day of the data, 2999-01-01, is not here yet: it is "
        in cardscreen(
            *("list", "import", "list.csv", "--feed", "police.toml", "--store", "lists", "--as-of", "2999-01-01"),
            cwd=ten,
        ).err
    )


def test_a_list_is_not_taken_under_another_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cards.toml").write_text('source = "bank"\nkind = "card"\n[columns]\nvalue = "pan"\n')
    (tmp_path / "cards.csv").write_text(f"pan\n{CARD}\n")
    monkeypatch.setenv("OLD", KEY)
    monkeypatch.setenv("NEW", "n" * 40)
    assert take(tmp_path, "--key-env", "OLD", file="cards.csv", by="cards.toml").code == 0
    done = take(tmp_path, "--key-env", "NEW", file="cards.csv", by="cards.toml")
    assert (done.code, "Keep the key" in done.err) == (2, True)


def test_a_card_number_in_another_dress_is_no_prefix_and_no_range(tmp_path: Path) -> None:
    (tmp_path / "cards.toml").write_text('source = "bank"\nkind = "card"\n[columns]\nvalue = "pan"\n')
    (tmp_path / "cards.csv").write_text(f"pan\n{CARD}-{CARD}\n{CARD}*\n{CARD[:15]}*\n62220212*\n")
    assert take(tmp_path, "--allow", "unusable", file="cards.csv", by="cards.toml").code == 0
    assert Store(tmp_path / "lists").blocklist().listings["value"].to_list() == ["62220212*"]


def test_a_card_number_in_a_files_name_is_not_kept(tmp_path: Path) -> None:
    feed(tmp_path)
    listed(tmp_path, TEN, f"{CARD}.csv")
    assert take(tmp_path, file=f"{CARD}.csv").code == 0
    everything = b"".join(file.read_bytes() for file in (tmp_path / "lists").rglob("*") if file.is_file())
    assert CARD.encode() not in everything
