"""Lists of many days through the command line: what is true now, since when, and what nights make of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pytest
from commands import Done, cardscreen
from held import held_on
from nights import STORE_JOB
from nights_and_lists import SINCE

import cardscreen as cs
from cardscreen.lists.feeds import importing
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.feeds.rows import read_feed
from cardscreen.lists.store import edits, views
from cardscreen.lists.store.table import Store
from cardscreen.review.decisions.vacuum import remove_unneeded

DAY = date(2026, 11, 1)
FEED = """
source = "{source}"
kind = "phone"
region = "CN"
severity = 95
mode = "{mode}"
[columns]
value = "number"
{columns}
[terms]
{terms}
[limits]
shrink_share = 0.6
"""
ACCOUNTS = pl.DataFrame({"account_id": [1, 2], "mobile": ["13800138000", "13900139000"]})
NUMBERS = [f"1380013800{digit}" for digit in range(10)]


def feed(folder: Path, source: str = "police", mode: str = "snapshot", terms: str = "") -> None:
    columns = 'operation = "what"' if mode == "delta" else ""
    text = FEED.format(source=source, mode=mode, columns=columns, terms=terms)
    (folder / f"{source}.toml").write_text(text, encoding="utf-8")


def day(number: int) -> str:
    return (DAY + timedelta(days=number)).isoformat()


def take(folder: Path, numbers: list[str], on: int, *more: object, source: str = "police") -> Done:
    """A source's file of a day: whole lists of numbers, or `add,number` and `remove,number`."""
    header = "what,number" if any("," in number for number in numbers) or not numbers else "number"
    (folder / f"{source}.csv").write_text("\n".join([header, *numbers, ""]), encoding="utf-8")
    return cardscreen(
        *("list", "import", f"{source}.csv", "--feed", f"{source}.toml", "--store", "lists", "--as-of", day(on)),
        *("--json", *more),
        cwd=folder,
    )


def told(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    said: dict[str, Any] = json.loads(done.out)
    return said


def overview(folder: Path, on: int) -> list[dict[str, Any]]:
    shown = cardscreen("list", "show", "--store", "lists", "--as-of", day(on), "--json", cwd=folder)
    said: list[dict[str, Any]] = json.loads(shown.out)
    return said


def live(folder: Path, on: int) -> list[str]:
    numbers: list[str] = held_on(Store(folder / "lists").blocklist(), day(on))["value"].sort().to_list()
    return [number.removeprefix("+86") for number in numbers]


def by_hand(folder: Path, *arguments: object) -> Done:
    done = cardscreen(
        "list", *arguments, "--store", "lists", "--by", "A. Li", "--reason", "the desk said so", cwd=folder
    )
    assert done.code == 0, done.err
    return done


def project(folder: Path, since: str | None = None) -> None:
    """A job with one account for each of the ten numbers, and ninety others."""
    (folder / "job.toml").write_text(STORE_JOB.format(since=SINCE if since else "", most=1), encoding="utf-8")
    rows = [f"{100 + at},{number},{since or ''}" for at, number in enumerate(NUMBERS)]
    rows += [f"{200 + at},139001390{at:02},{since or ''}" for at in range(90)]
    (folder / "accounts.csv").write_text("\n".join(["account_id,mobile,since", *rows, ""]), encoding="utf-8")


def night(folder: Path, on: int) -> pl.DataFrame:
    """The changes of a night, by account."""
    done = cardscreen("run", "job.toml", "--as-of", day(on), cwd=folder)
    assert done.code == 0, done.err
    return pl.read_parquet(folder / "runs" / "latest" / "changes.parquet").with_columns(
        pl.col("change").cast(pl.String)
    )


# --- a file says what is true now ---------------------------------------------------------------------


def test_a_list_that_takes_a_number_back_is_like_the_one_before_it_and_frees_its_holder(tmp_path: Path) -> None:
    feed(tmp_path, terms="warn_after_days = 3\nerror_after_days = 5")
    project(tmp_path)
    for on, numbers in enumerate([NUMBERS[:4], NUMBERS[:5], NUMBERS[:4]]):
        take(tmp_path, numbers, on * 6)
        changes = night(tmp_path, on * 6)
    moved = changes.filter(pl.col("change") != "unchanged").select("account_id", "change").rows()
    assert moved == [("104", "released")]
    assert overview(tmp_path, 12)[0]["state"] == "fresh"


def test_a_whole_file_behind_one_that_was_cut_off_brings_back_what_was_lifted(tmp_path: Path) -> None:
    feed(tmp_path)
    for on, count in enumerate([10, 3, 10]):
        assert take(tmp_path, NUMBERS[:count], on, *["--allow", "shrink"] * (count == 3)).code == 0
    assert live(tmp_path, 2) == NUMBERS


def test_a_list_that_is_the_same_every_night_is_confirmed_and_never_old(tmp_path: Path) -> None:
    feed(tmp_path, terms="warn_after_days = 1\nerror_after_days = 2")
    for on in range(6):
        said = told(take(tmp_path, NUMBERS, on))
    assert (said["confirmed_on"], said["changed_on"]) == (day(5), day(0))
    assert [overview(tmp_path, on)[0]["state"] for on in (5, 7, 8)] == ["fresh", "old", "stale"]


def test_a_source_that_hands_out_the_same_list_for_weeks_is_warned_of_where_the_feed_asks(tmp_path: Path) -> None:
    feed(tmp_path, terms="warn_unchanged_days = 7")
    project(tmp_path)
    for on in (0, 8):
        take(tmp_path, NUMBERS[:4], on)
    done = cardscreen("run", "job.toml", "--as-of", day(8), cwd=tmp_path)
    assert f"the data of 'police' has not changed since {day(0)}: is its source stuck?" in done.err
    assert overview(tmp_path, 8)[0]["state"] == "stuck"
    take(tmp_path, NUMBERS[:5], 9)
    assert overview(tmp_path, 9)[0]["state"] == "fresh"


def test_a_file_of_a_day_before_the_data_is_refused_and_never_makes_it_younger(tmp_path: Path) -> None:
    feed(tmp_path)
    take(tmp_path, NUMBERS[:5], 5)
    refused = take(tmp_path, NUMBERS[:4], 4)
    assert (refused.code, "delta: the data is of 2026-11-05, and the store has that of 2026-11-06" in refused.err) == (
        3,
        True,
    )
    said = told(take(tmp_path, NUMBERS[:4], 4, "--allow", "delta"))
    assert (said["confirmed_on"], said["changed_on"]) == (day(5), day(5))
    ended = Store(tmp_path / "lists").listings().filter(pl.col("ended_on").is_not_null()).collect()
    assert ended["ended_on"].to_list() == [DAY + timedelta(days=5)]


def test_the_next_file_behind_a_rollback_is_taken_whatever_it_is_like(tmp_path: Path) -> None:
    feed(tmp_path)
    take(tmp_path, NUMBERS[:5], 0)
    take(tmp_path, NUMBERS[:8], 1, "--allow", "grow")
    by_hand(tmp_path, "rollback", 0)
    assert told(take(tmp_path, NUMBERS[:5], 2))["confirmed_on"] == day(2)


# --- since when ----------------------------------------------------------------------------------------


def test_a_number_left_out_for_a_day_keeps_its_first_day_and_the_holder_is_asked_for_it(tmp_path: Path) -> None:
    feed(tmp_path)
    project(tmp_path, since=day(3))
    for on, numbers in ((0, NUMBERS[:5]), (5, NUMBERS[:4]), (6, NUMBERS[:5])):
        told(take(tmp_path, numbers, on))
    changes = night(tmp_path, 6)
    assert changes["account_id"].to_list() == ["100", "101", "102", "103", "104"]
    hits = pl.read_parquet(tmp_path / "runs" / "latest" / "hits.parquet")
    assert hits.filter(pl.col("account_id") == "104").select("listed_on", pl.col("holder").cast(pl.String)).rows() == [
        (DAY, "earlier")
    ]
    said = cardscreen("explain", "104", "--run", "job.toml", cwd=tmp_path).out
    assert f"It was not on that list from {day(5)} until {day(6)}." in " ".join(said.split())
    assert "It was not on that list" not in cardscreen("explain", "103", "--run", "job.toml", cwd=tmp_path).out


def test_gaps_are_shown_beside_a_listing(tmp_path: Path) -> None:
    feed(tmp_path)
    for on, numbers in ((0, NUMBERS[:3]), (2, NUMBERS[:2]), (3, NUMBERS[:3]), (4, NUMBERS[:2]), (9, NUMBERS[:3])):
        told(take(tmp_path, numbers, on))
    shown = cardscreen("list", "show", "--store", "lists", "--rows", "--json", "--as-of", day(9), cwd=tmp_path)
    rows = {row["value"]: (row["listed_on"], row["gaps"]) for row in json.loads(shown.out)}
    assert rows == {
        f"+86{NUMBERS[0]}": (day(0), None),
        f"+86{NUMBERS[1]}": (day(0), None),
        f"+86{NUMBERS[2]}": (day(0), f"{day(2)}/{day(3)} {day(4)}/{day(9)}"),
    }


def test_a_source_under_another_name_keeps_first_days_names_and_flags(tmp_path: Path) -> None:
    feed(tmp_path)
    project(tmp_path, since=day(3))
    take(tmp_path, NUMBERS[:3], 0)
    night(tmp_path, 5)
    before = Store(tmp_path / "lists").listings().collect()
    done = cardscreen("list", "rename-source", "police", "city", "--store", "lists", cwd=tmp_path)
    assert (done.code, "3 listings" in done.err) == (0, True)
    feed(tmp_path, "city")
    assert told(take(tmp_path, NUMBERS[:3], 6, source="city"))["unchanged"] == 3
    after = Store(tmp_path / "lists").listings().collect()
    assert after.drop("source").equals(before.drop("source"))
    assert after["source"].unique().to_list() == ["city"]
    assert night(tmp_path, 6)["change"].to_list() == ["unchanged"] * 3
    again = cardscreen("list", "rename-source", "police", "city", "--store", "lists", cwd=tmp_path)
    assert (again.code, "no source 'police'" in again.err) == (2, True)


def test_a_feed_that_still_has_the_name_of_old_is_refused_and_told_the_new_one(tmp_path: Path) -> None:
    feed(tmp_path)
    take(tmp_path, NUMBERS[:3], 0)
    for old, new in (("police", "city"), ("city", "town")):
        assert cardscreen("list", "rename-source", old, new, "--store", "lists", cwd=tmp_path).code == 0
    for old in ("police", "city"):
        feed(tmp_path, old)
        done = take(tmp_path, NUMBERS[:3], 1, source=old)
        assert (done.code, f"the source '{old}' is called 'town' in this store" in done.err) == (2, True)
    feed(tmp_path, "town")
    assert told(take(tmp_path, NUMBERS[:3], 2, source="town"))["unchanged"] == 3
    for old in ("police", "city"):
        feed(tmp_path, old)
        done = take(tmp_path, NUMBERS[:3], 3, source=old)
        assert (done.code, f"the source '{old}' is called 'town' in this store" in done.err) == (2, True)
    assert Store(tmp_path / "lists").listings().collect()["source"].unique().to_list() == ["town"]
    assert cardscreen("list", "rename-source", "town", "police", "--store", "lists", cwd=tmp_path).code == 0
    feed(tmp_path)
    assert told(take(tmp_path, NUMBERS[:3], 4))["unchanged"] == 3


def test_a_source_that_is_renamed_while_its_file_is_read_does_not_come_back_under_the_old_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(tmp_path)
    take(tmp_path, NUMBERS[:3], 0)
    write, store = importing.write_rejects, Store(tmp_path / "lists")

    def renamed_meanwhile(*told: Any) -> Any:
        if "police" in store.at().record.origins:
            edits.rename_source(store, "police", "city", "A. Li", "its name")
        return write(*told)

    monkeypatch.setattr(importing, "write_rejects", renamed_meanwhile)
    with pytest.raises(cs.ConfigError, match="is called 'city' in this store"):
        import_file(tmp_path / "police.csv", tmp_path / "police.toml", store, as_of=DAY)
    assert store.listings().collect()["source"].unique().to_list() == ["city"]


def test_a_delta_says_of_each_row_what_is_to_be_done_in_words_that_the_feed_may_name(tmp_path: Path) -> None:
    settings = {"source": "bank", "kind": "phone", "mode": "delta", "columns": {"value": "n", "operation": "op"}}
    file = tmp_path / "delta.csv"
    numbers = [f"+861380013800{digit}" for digit in range(4)]
    said = ["A", "", "remove", "13800138000"]
    file.write_text("".join(f"{number},{what}\n" for number, what in [("n", "op"), *zip(numbers, said, strict=True)]))
    rows = read_feed(file, Feed(**settings))
    assert rows.rejects["reason"].to_list() == [
        "operation A is neither add nor remove: say in [operations] which it is",
        "operation is empty, and neither add nor remove",
        "operation is neither add nor remove",
    ]
    rows = read_feed(file, Feed(**settings, operations={"A": "add", "D": "remove"}))
    assert rows.rows["operation"].to_list() == ["add", "remove"]
    with pytest.raises(cs.ConfigError, match="name that as columns.operation"):
        Feed(source="bank", kind="phone", columns={"value": "n"}, operations={"A": "add"})


# --- changes only --------------------------------------------------------------------------------------


def test_a_delta_without_rows_is_a_delivery_of_a_quiet_day(tmp_path: Path) -> None:
    feed(tmp_path, mode="delta")
    take(tmp_path, [f"add,{number}" for number in NUMBERS], 0)
    said = told(take(tmp_path, [], 1))
    assert (said["read"], said["confirmed_on"], said["changed_on"]) == (0, day(1), day(0))
    assert told(take(tmp_path, [], 2))["confirmed_on"] == day(2)


def test_the_last_changes_once_more_are_no_news_of_today(tmp_path: Path) -> None:
    feed(tmp_path, mode="delta")
    take(tmp_path, [f"add,{number}" for number in NUMBERS], 0)
    arguments = ("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists", "--json")
    said = told(cardscreen(*arguments, cwd=tmp_path))
    assert (said["again"], said["already"], said["confirmed_on"]) == (True, 10, day(0))


def test_a_removal_that_is_told_again_holds_against_messages_of_the_days_between(tmp_path: Path) -> None:
    feed(tmp_path, mode="delta")
    take(tmp_path, [f"add,{number}" for number in NUMBERS], 0)
    take(tmp_path, [f"remove,{NUMBERS[0]}"], 3)
    said = told(take(tmp_path, [f"remove,{NUMBERS[0]}"], 5, "--allow", "delta"))
    assert said["repeated"] == 1
    assert "delta" not in " ".join(said["waived"])
    late = told(take(tmp_path, [f"add,{NUMBERS[0]}"], 4, "--allow", "delta"))
    assert (late["stale"], late["confirmed_on"]) == (1, day(5))
    assert NUMBERS[0] not in live(tmp_path, 5)


def test_a_late_removal_ends_nothing_that_began_after_it(tmp_path: Path) -> None:
    feed(tmp_path, mode="delta")
    take(tmp_path, [f"add,{number}" for number in NUMBERS[:8]], 0)
    take(tmp_path, [f"add,{NUMBERS[9]}"], 5)
    said = told(take(tmp_path, [f"remove,{NUMBERS[9]}", f"remove,{NUMBERS[1]}"], 3, "--allow", "delta"))
    assert (said["stale"], said["ended"]) == (1, 1)
    assert live(tmp_path, 5) == [*NUMBERS[:1], *NUMBERS[2:8], NUMBERS[9]]


def test_deltas_are_measured_by_what_they_usually_bring_and_not_by_what_is_there(tmp_path: Path) -> None:
    feed(tmp_path, mode="delta")

    def some(begin: int, count: int) -> list[str]:
        return [f"add,{13_800_000_000 + begin + at}" for at in range(count)]

    for on in range(6):
        assert take(tmp_path, some(on * 1000, 150 if on % 2 else 20), on).code == 0
    refused = take(tmp_path, some(9000, 900), 6)
    assert (refused.code, "grow: 900 listings would be new, and the last 6 added 150 at most" in refused.err) == (
        3,
        True,
    )
    assert take(tmp_path, some(9000, 700), 6).code == 0


# --- a source that ends ----------------------------------------------------------------------------------


def test_a_retired_source_frees_whom_it_listed_and_is_not_stale(tmp_path: Path) -> None:
    feed(tmp_path, terms="error_after_days = 2")
    project(tmp_path)
    take(tmp_path, NUMBERS[:3], 0)
    night(tmp_path, 0)
    by_hand(tmp_path, "retire", "police", "--as-of", day(1))
    assert night(tmp_path, 9)["change"].to_list() == ["released"] * 3
    assert overview(tmp_path, 9)[0]["state"] == "retired"
    record = Store(tmp_path / "lists").at().record
    assert (record.action, record.by, record.source, record.details["ended"]) == ("retire", "A. Li", "police", 3)
    refused = take(tmp_path, NUMBERS[:3], 10)
    assert (refused.code, f"has ended on {day(1)}" in refused.err) == (2, True)


def test_what_has_nothing_in_force_is_not_stale(tmp_path: Path) -> None:
    feed(tmp_path, mode="delta", terms="error_after_days = 2")
    project(tmp_path)
    take(tmp_path, ["add,13800138000"], 0)
    take(tmp_path, ["remove,13800138000"], 1, "--allow", "shrink", "--allow", "empty")
    assert overview(tmp_path, 9)[0]["state"] == "idle"
    done = cardscreen("run", "job.toml", "--as-of", day(9), cwd=tmp_path)
    assert done.code == 0, done.err


# --- other writers ----------------------------------------------------------------------------------------


@pytest.fixture
def two_sources(tmp_path: Path) -> Path:
    for source in ("police", "bank"):
        feed(tmp_path, source)
        for on, count in enumerate((6, 8)):
            assert take(tmp_path, NUMBERS[:count], on, source=source).code == 0
    return tmp_path


def compacted(folder: Path) -> None:
    """As a data platform does it: the newest files put together anew, in a folder for each source."""
    table = deltalake.DeltaTable(folder / "lists")
    deltalake.write_deltalake(table, table.to_pyarrow_table(), mode="overwrite")


def test_a_store_that_another_program_has_compacted_is_read_on_once_it_is_adopted(two_sources: Path) -> None:
    before = Store(two_sources / "lists").listings().collect().sort("listing_id")
    compacted(two_sources)
    refused = take(two_sources, NUMBERS, 3)
    assert refused.code == 3
    assert "was written by another program" in refused.err
    assert "cardscreen list adopt" in refused.err
    assert "cardscreen list rollback 3" in refused.err
    assert "no row is another" in by_hand(two_sources, "adopt").err
    assert Store(two_sources / "lists").listings().collect().sort("listing_id").equals(before)
    assert told(take(two_sources, NUMBERS, 3))["added"] == 2
    again = cardscreen("list", "adopt", "--store", "lists", "--by", "x", "--reason", "y", cwd=two_sources)
    assert (again.code, "there is nothing to adopt" in again.err) == (2, True)


def test_a_clean_up_by_another_program_is_adopted_too(two_sources: Path) -> None:
    deltalake.DeltaTable(two_sources / "lists").vacuum(0, dry_run=False, enforce_retention_duration=False)
    by_hand(two_sources, "adopt")
    assert len(Store(two_sources / "lists").blocklist()) == 16


def test_rows_that_another_program_has_changed_are_not_adopted(two_sources: Path) -> None:
    deltalake.DeltaTable(two_sources / "lists").delete("value = '+8613800138000'")
    done = cardscreen("list", "adopt", "--store", "lists", "--by", "x", "--reason", "y", cwd=two_sources)
    assert (done.code, "2 rows of version 4 are not as in version 3" in done.err) == (3, True)
    by_hand(two_sources, "rollback", 3)
    assert len(Store(two_sources / "lists").blocklist()) == 16


# --- many at once -------------------------------------------------------------------------------------------

IMPORTS = 30  # of each source


def test_many_imports_go_well_beside_one_another_and_beside_whoever_reads(tmp_path: Path) -> None:
    store, over, errors = Store(tmp_path / "lists"), threading.Event(), list[BaseException]()

    def imports(source: str) -> None:
        settings = {"source": source, "kind": "phone", "region": "CN", "columns": {"value": "number"}}
        said = Feed(**settings, limits={"shrink_share": 1})
        for on in range(IMPORTS):
            file = tmp_path / f"{source}.csv"
            file.write_text("\n".join(["number", *NUMBERS[: 1 + on % 10], ""]), encoding="utf-8")
            import_file(file, said, store, as_of=date(2026, 1, 1) + timedelta(days=on), allow=["grow"])

    def reads() -> None:
        while not over.wait(0.5):
            if store.exists():
                views.overview(store, DAY)
                views.past(store, 20)
                cs.screen(ACCOUNTS, store.blocklist(), {"mobile": cs.Phone("CN")}, as_of=DAY)

    def kept(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=kept, args=[partial(imports, source)]) for source in ("police", "bank")]
    reader = threading.Thread(target=kept, args=[reads])
    for each in (*writers, reader):
        each.start()
    for each in writers:
        each.join()
    over.set()
    reader.join()
    assert errors == []
    assert remove_unneeded(store, [], 0, dry_run=True) > IMPORTS
    assert store.at().number == 2 * IMPORTS - 1
    assert len(held_on(store.blocklist(), DAY + timedelta(days=IMPORTS))) == 2 * (1 + (IMPORTS - 1) % 10)
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")] == []
