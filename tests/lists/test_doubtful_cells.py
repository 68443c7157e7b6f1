"""Cells of lists that can be read and are nobody's numbers; and cells that can't be, where a listing was."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.foundation.errors import FeedRefused
from cardscreen.kinds.tokens import TokenKey
from cardscreen.lists.feeds import checks
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import Imported, import_file
from cardscreen.lists.store.table import Store
from cardscreen.lists.store.unread import UNREAD, perhaps_told

DAY = date(2026, 1, 5)
NUMBERS = [f"13700137{last}" for last in range(100, 200)]
BRITISH = [f"07911123{last}" for last in range(100, 200)]
KEY = TokenKey("k" * 40)


def take(
    folder: Path, rows: list[str], after: int = 0, header: str = "number,case", allow: Any = (), **said: Any
) -> Imported:
    """A source's file of some day."""
    file = folder / "list.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    columns: dict[str, Any] = {"value": "number"} | ({"reference": "case"} if "case" in header else {})
    settings: dict[str, Any] = {"source": "police", "columns": columns, "limits": {"unusable_share": 0.5}}
    settings |= {"kind": "phone", "region": "CN"} | said
    if settings["kind"] != "phone":
        del settings["region"]
    day = DAY + timedelta(days=after)
    return import_file(file, Feed(**settings), Store(folder / "lists"), allow=allow, as_of=day, key=KEY)


def refusal(folder: Path, rows: list[str], **said: Any) -> list[tuple[str, str]]:
    with pytest.raises(FeedRefused) as refused:
        take(folder, rows, **said)
    assert not (folder / "lists").exists()
    return list(refused.value.problems)


def numbered(numbers: list[str]) -> list[str]:
    return [f"{number},C{at}" for at, number in enumerate(numbers)]


def in_force(folder: Path) -> list[str]:
    found: list[str] = Store(folder / "lists").blocklist().listings["value"].sort().to_list()
    return found


def test_a_sum_in_the_last_row_is_told_with_its_line(tmp_path: Path) -> None:
    done = take(tmp_path, [*numbered(NUMBERS[:50]), "299,sum"])
    assert "warning: of 51 phone numbers 1 is no valid one: look at line 52" in done.notes
    again = take(tmp_path, numbered(NUMBERS[:50]), after=1)
    assert not any("valid" in note for note in again.notes)


def test_a_list_of_another_country_is_refused_with_its_share_and_what_to_look_at(tmp_path: Path) -> None:
    message = (
        "100 of 150 phone numbers (66.7%) are no valid ones (limit 30.0%): is region = 'CN' right, and is it the right "
        "column? (lines 2, 3, 4, 5, 6 and 95 more)"
    )
    assert refusal(tmp_path, numbered(BRITISH + NUMBERS[:50])) == [("invalid", message)]
    done = take(tmp_path, numbered(BRITISH + NUMBERS[:50]), allow=["invalid"])
    assert done.summary()["waived"] == [f"invalid: {message}"]
    assert Store(tmp_path / "lists").at().record.reason == "waived: invalid"


def test_a_column_of_days_is_no_list_of_phones(tmp_path: Path) -> None:
    ((check, _),) = refusal(tmp_path, [f"2024{month}{day}," for month in ("01", "03") for day in range(10, 30)])
    assert check == "invalid"


def test_so_many_impossible_numbers_pass_as_the_limit_says(tmp_path: Path) -> None:
    assert take(tmp_path, numbered(BRITISH[:30] + NUMBERS[:70])).waived == []
    with pytest.raises(FeedRefused, match="31 of 100 phone numbers"):
        take(tmp_path, numbered(BRITISH[:31] + NUMBERS[:69]), after=1)
    limits = {"invalid_share": 0.31, "shrink_share": 1}
    assert take(tmp_path, numbered(BRITISH[:31] + NUMBERS[:69]), after=1, limits=limits).waived == []


def test_a_few_impossible_numbers_pass_in_any_list_and_are_told(tmp_path: Path) -> None:
    done = take(tmp_path, numbered(BRITISH[:20] + NUMBERS[:5]))
    assert (done.counts["added"], done.waived) == (25, [])
    assert done.notes[0].startswith("warning: 20 of 25 phone numbers (80.0%) are no valid ones (limit 30.0%)")
    (tmp_path / "more").mkdir()
    assert refusal(tmp_path / "more", numbered(BRITISH[:21] + NUMBERS[:5]))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        pytest.param("card", "62220212345612{:02}", id="card"),
        pytest.param("imei", "3520990017614{:02}", id="imei"),
        pytest.param("imsi", "2990123456789{:02}", id="imsi"),
        pytest.param("iban", "GB00WEST123456987654{:02}", id="iban"),
        pytest.param("resident_id", "1101051949123100{:02}", id="resident-id"),
    ],
)
@pytest.mark.parametrize("store_as", ["plain", "token"])
def test_numbers_of_all_kinds_are_judged_as_accounts_are_whatever_the_store_holds(
    tmp_path: Path, kind: str, wrong: str, store_as: str
) -> None:
    """One in ten, or in eleven, has the right check digit by chance."""
    ((check, message),) = refusal(
        tmp_path, [wrong.format(last) for last in range(10, 40)], header="number", kind=kind, store_as=store_as
    )
    assert check == "invalid"
    assert "is it the right column? (line" in message
    assert "region" not in message
    assert wrong.format(10) not in message


def test_where_a_cell_holds_several_each_number_counts(tmp_path: Path) -> None:
    cells = [f'"{one};{other}",' for one, other in zip(BRITISH[:30], NUMBERS[:30], strict=True)]
    ((_, message),) = refusal(tmp_path, cells, many=True)
    assert message.startswith("30 of 60 phone numbers (50.0%)")


def test_a_sample_tells_whether_all_numbers_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_SAMPLE", 10)
    ((_, message),) = refusal(tmp_path, numbered(BRITISH[:47] + NUMBERS))
    assert message.startswith("47 of 147 phone numbers (32.0%)")
    assert take(tmp_path, numbered(BRITISH[:40] + NUMBERS)).waived == []


def test_what_another_check_tells_is_not_told_twice(tmp_path: Path) -> None:
    without_zero = [f"612345{last:03}," for last in range(50)]
    assert [check for check, _ in refusal(tmp_path, without_zero, region="IT")] == ["zeros"]


def test_impossible_numbers_can_be_removed(tmp_path: Path) -> None:
    said: dict[str, Any] = {"header": "number,what", "mode": "delta"}
    columns = {"value": "number", "operation": "what"}
    adds = [f"{number},add" for number in [*BRITISH[:20], *NUMBERS[:5]]]
    take(tmp_path, adds, allow=["invalid"], columns=columns, **said)
    removes = [f"{number},remove" for number in BRITISH[:20]]
    done = take(tmp_path, removes, after=1, allow=["shrink"], columns=columns, **said)
    assert (done.counts["ended"], [each.check for each in done.waived]) == (20, ["shrink"])


DAMAGED = ["1.37E+10", "13700137101 old", "#REF!", "n/a"]


def test_a_damaged_cell_ends_no_listing_whose_reference_stands_beside_it(tmp_path: Path) -> None:
    take(tmp_path, numbered(NUMBERS))
    before = Store(tmp_path / "lists").blocklist().listings
    done = take(tmp_path, numbered(DAMAGED + NUMBERS[4:]), after=1)
    assert {name: done.counts.get(name) for name in ("unchanged", "kept", "ended", "in_force")} == {
        "unchanged": 96,
        "kept": 4,
        "ended": None,
        "in_force": 100,
    }
    assert list(done.notes) == [
        "4 listings kept: rows with the same reference or number can't be read (lines 2, 3, 4, 5), which is no word "
        "that they have ended"
    ]
    assert Store(tmp_path / "lists").blocklist().listings.equals(before)
    assert take(tmp_path, numbered(NUMBERS)[1:], after=2).counts["ended"] == 1


def test_what_else_is_missing_ends_and_a_row_of_unknown_reference_is_told(tmp_path: Path) -> None:
    take(tmp_path, numbered(NUMBERS))
    rows = numbered(NUMBERS)
    done = take(tmp_path, ["n/a,C0", "n/a,C777", "n/a,", *rows[3:]], after=1)
    assert (done.counts["kept"], done.counts["ended"]) == (1, 2)
    assert done.notes[-1] == (
        "warning: no row names 2 listings, ended by that, and 2 other rows that can't be read may do so: look at the "
        "rejects, and ask for a better file"
    )
    assert done.summary()["notes"] == list(done.notes)


@pytest.mark.parametrize(
    "cell",
    [
        "13700137100 old",
        "137-0013-7100 old",
        "+86 137 0013 7100 old",
        "１３７００１３７１００ old",
        "8613700137100 x 2 y",
    ],
)
def test_without_reference_the_digits_in_a_damaged_cell_tell_the_listing(tmp_path: Path, cell: str) -> None:
    take(tmp_path, NUMBERS, header="number")
    done = take(tmp_path, [cell, *NUMBERS[1:]], after=1, header="number")
    assert (done.counts["rejected"], done.counts.get("kept"), done.counts.get("ended")) == (1, 1, None)
    assert "+8613700137100" in in_force(tmp_path)


def test_a_row_with_a_delimiter_too_many_ends_no_listing_whose_number_stands_in_it(tmp_path: Path) -> None:
    take(tmp_path, numbered(NUMBERS))
    done = take(tmp_path, [f"{NUMBERS[0]},C0,old", *numbered(NUMBERS)[1:]], after=1)
    assert (done.counts["rejected"], done.counts.get("kept"), done.counts.get("ended")) == (1, 1, None)


def test_no_digit_of_a_damaged_cell_is_written(tmp_path: Path) -> None:
    take(tmp_path, numbered(NUMBERS))
    done = take(tmp_path, ["13700137100 old,C0", *numbered(NUMBERS)[2:]], after=1)
    rejects = (tmp_path / "rejects/list.csv.rejects").read_text()
    said = json.dumps([done.summary(), Store(tmp_path / "lists").at().record.details])
    assert "13700137100" not in rejects + said


def test_where_nothing_ends_rows_that_cannot_be_read_are_no_warning(tmp_path: Path) -> None:
    take(tmp_path, NUMBERS, header="number")
    done = take(tmp_path, [*NUMBERS, "n/a"], after=1, header="number")
    assert (done.counts["rejected"], list(done.notes)) == (1, [])


def test_what_far_more_listings_have_in_common_than_are_damaged_is_no_case(tmp_path: Path) -> None:
    """An office's name beside each number must not keep all of its listings for good."""
    take(tmp_path, [f"{number},office" for number in NUMBERS])
    limits = {"unusable_share": 0.5}
    done = take(tmp_path, ["n/a,office", *(f"{number},office" for number in NUMBERS[11:])], after=1, limits=limits)
    assert (done.counts.get("kept"), done.counts["ended"]) == (None, 11)
    assert done.notes[-1].startswith("warning: no row names 11 listings, ended by that, and 1 row that can't")


def test_a_row_of_an_unknown_kind_or_with_a_bad_day_ends_nothing_either(tmp_path: Path) -> None:
    header = "number,case,what,until"
    columns = {"value": "number", "reference": "case", "kind": "what", "expires_on": "until"}
    said: dict[str, Any] = {"header": header, "columns": columns, "kind": None}
    (tmp_path / "l").mkdir()
    rows = [f"+86{number},C{at},phone," for at, number in enumerate(NUMBERS[:10])]
    take(tmp_path, rows, **said)
    rows[:2] = [rows[0].replace("phone", "fone"), rows[1] + "31.31.2027"]
    done = take(tmp_path, rows, after=1, **said)
    assert (done.counts["unchanged"], done.counts["kept"]) == (8, 2)


def test_cards_that_are_tokens_are_told_by_their_reference(tmp_path: Path) -> None:
    said: dict[str, Any] = {"kind": "card"}
    take(tmp_path, ["6222021234561234,A", "4111111111111111,B", "5555555555554444,C"], allow=["invalid"], **said)
    rows = ["6.22202E+15,A", "4111111111111111,B", "5555555555554444,C"]
    done = take(tmp_path, rows, after=1, allow=["invalid"], **said)
    assert (done.counts["unchanged"], done.counts["kept"]) == (2, 1)


def test_a_listing_whose_days_are_over_is_not_kept(tmp_path: Path) -> None:
    take(tmp_path, numbered(NUMBERS), expires_after_days=1)
    done = take(tmp_path, ["n/a,C0", *numbered(NUMBERS)[1:]], after=9, expires_after_days=99)
    assert "kept" not in done.counts


def test_a_service_number_that_the_feed_rejects_now_is_ended(tmp_path: Path) -> None:
    take(tmp_path, [*numbered(NUMBERS), "110,S"], allow=["short"])
    done = take(tmp_path, [*numbered(NUMBERS), "110,S"], after=1, service_numbers="reject")
    assert (done.counts["ended"], "kept" in done.counts, done.counts["rejected"]) == (1, False, 1)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('"{}, 95588"', {"many": True}),
        ("calls from {} and 95588", {"pattern": "([0-9]{5,11})"}),
    ],
)
def test_a_number_beside_a_service_number_stays_listed(cell: str, said: dict[str, Any], tmp_path: Path) -> None:
    rows = numbered(NUMBERS)
    take(tmp_path, rows, service_numbers="reject", **said)
    rows[4] = f"{cell.format(NUMBERS[4])},C4"
    done = take(tmp_path, rows, after=1, service_numbers="reject", **said)
    assert (done.counts["unchanged"], done.counts["rejected"], done.counts["in_force"]) == (100, 1, 100)


def test_an_account_on_a_kept_listing_stays_flagged(tmp_path: Path) -> None:
    take(tmp_path, numbered(NUMBERS))
    take(tmp_path, numbered(DAMAGED + NUMBERS[4:]), after=1)
    accounts = pl.DataFrame({"account_id": [1, 2], "mobile": [NUMBERS[0], NUMBERS[1]]})
    blocklist = Store(tmp_path / "lists").blocklist()
    result = cs.screen(accounts, blocklist, {"mobile": cs.Phone("CN")}, as_of=DAY + timedelta(days=1))
    assert result.flagged.collect().height == 2


CELLS = st.lists(st.tuples(st.sampled_from([None, "A", "B"]), st.from_regex(r"[12]{0,9}", fullmatch=True)), max_size=5)
LISTED = st.lists(
    st.tuples(
        st.sampled_from([None, "A", "B"]),
        st.one_of(st.from_regex(r"\+86[12]{5,8}", fullmatch=True), st.from_regex(r"[12]{5,8}", fullmatch=True)),
        st.sampled_from(["exact", "range", "token"]),
    ),
    max_size=14,
)


@given(rows=CELLS, listed=LISTED)
def test_what_is_kept_is_what_a_slow_reading_keeps(
    rows: list[tuple[str | None, str]], listed: list[tuple[str | None, str, str]]
) -> None:
    unread = pl.DataFrame([(line, *row) for line, row in enumerate(rows)], schema=UNREAD, orient="row")
    names = {"reference": pl.String, "value": pl.String, "match": pl.String}
    kept, lines = perhaps_told(unread, pl.DataFrame(listed, schema=names, orient="row"))
    references = [reference for reference, _ in rows], [reference for reference, *_ in listed]
    cases = {case for case in "AB" if 0 < references[1].count(case) <= 10 * references[0].count(case)}

    def stands_in(value: str, match: str, cell: str) -> bool:
        forms = {value.removeprefix("+"), value.removeprefix("+86")}
        return match == "exact" and any(len(form) >= 7 and form in cell for form in forms)

    assert kept.to_list() == [
        case in cases or any(stands_in(value, match, cell) for _, cell in rows) for case, value, match in listed
    ]
    assert lines.to_list() == [
        line
        for line, (case, cell) in enumerate(rows)
        if case in cases or any(stands_in(value, match, cell) for _, value, match in listed)
    ]
