"""The week after: lists and nights as they really come, through the command line.

Files that are the same as before, or as one before that; a number that a list leaves out for a day, and that has
another holder when it comes back; a project that moves; a source that is renamed, and one that ends; accounts that turn
into others; an approval that comes late; another program that rewrites the store.
"""

from __future__ import annotations

import shutil

import deltalake
import pytest
from commands import cardscreen
from week import DAYS, JOB, Week, play, table

BY = ("--by", "A. Li", "--reason", "as announced")
ROOMY = JOB.replace("source_share = 0.4", "source_share = 0.6")
ALL = ("ana", "cho", "fay", "gus", "lou", "max", "ned")


def play_on(week: Week) -> None:
    """Everything that comes in and is done from the second Monday on."""
    # Monday: the police hand out Sunday's file again, and the bank has nothing to say.
    week.extract()
    week.police("mon2", *ALL)
    week.imports("mon2", "bank", "op,pan")
    week.run("mon2", "mon2", 2)

    # Tuesday: the police forget lou, whose number goes to another holder that day.
    week.police("tue2", *(name for name in ALL if name != "lou"))
    week.run("tue2", "tue2", 2)

    # Wednesday: the police send the file of Monday. The project moves, and the regulator gets a new name.
    week.police("wed2", *ALL)
    week.extract(since={"lou": "2026-11-10"})
    moved = week.folder.with_name("moved")
    shutil.move(week.folder, moved)
    week.moved_to(moved)
    week.does("wed2 rename", "list", "rename-source", "regulator", "ministry", "--store", "lists", *BY)
    week.run("wed2", "wed2", 2)

    # Thursday: the ministry's list ends. Extracts lie in folders of their days from now on.
    week.does("thu2 retire", "list", "retire", "ministry", "--store", "lists", "--as-of", DAYS["thu2"], *BY)
    week.write("job.toml", ROOMY.replace("accounts.csv", "accounts/{as_of}/*.csv"))
    week.extract("thu2", since={"lou": "2026-11-10"})
    week.run("thu2", "thu2", 2)

    # Friday: a new program writes the ids in capitals. Its extract is discarded, and made again.
    week.police("fri2", *ALL)
    week.extract("fri2", since={"lou": "2026-11-10"}, write=str.upper)
    week.run("fri2 held", "fri2", 2)
    week.decides("discard", "fri2 held", "ids in capitals")
    week.extract("fri2", since={"lou": "2026-11-10"})
    week.run("fri2", "fri2", 3)

    # Saturday: the police name four more, which is as many as may not be. That is approved on Monday.
    week.police("sat2", *ALL, "oda", "pia", "quy", "ray")
    week.extract("sat2", since={"lou": "2026-11-10"})
    week.run("sat2", "sat2", 2)
    week.decides("approve", "sat2", "the police announced them", on="mon3")
    week.folders["sat2"] = week.folder / "runs" / week.folders["sat2"].name

    # Monday: another program compacts the store, and nothing reads it on until a person adopts that.
    table = deltalake.DeltaTable(week.folder / "lists")
    deltalake.write_deltalake(table, table.to_pyarrow_table(), mode="overwrite")
    week.extract("mon3", since={"lou": "2026-11-10"})
    week.run("mon3 refused", "mon3", 2)
    week.does("mon3 adopt", "list", "adopt", "--store", "lists", *BY)
    week.police("mon3", *ALL, "oda", "pia", "quy", "ray")
    week.run("mon3", "mon3", 3)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Week:
    week = Week(tmp_path_factory.mktemp("week") / "project")
    play(week)
    play_on(week)
    return week


def test_monday_the_same_file_confirms_and_a_file_without_rows_is_a_delivery(week: Week) -> None:
    assert week.done["mon2"].code == 0
    assert "days old" not in week.done["mon2"].err
    sources = week.manifest("mon2")["summary"]["store"]["sources"]
    days = ("confirmed_on", "changed_on")
    assert [sources["police"][day] for day in days] == [str(DAYS["mon2"]), str(DAYS["sun"])]
    assert [sources["bank"][day] for day in days] == [str(DAYS["mon2"]), str(DAYS["wed"])]
    assert week.changes("mon2") == table("""
        account  change     cause               before   now      since  act_on  carried  handed out     undo
        ana      unchanged  -                   suspend  suspend  mon    thu     -        suspend  thu   -
        eli      unchanged  -                   verify   verify   mon    thu     -        verify   thu   -
        fay      unchanged  -                   suspend  suspend  mon    thu     -        suspend  thu   -
        gus      new        identifier_changed  none     suspend  mon2   thu2    -        none     -     -
        ivy      unchanged  -                   suspend  suspend  fri    mon2    -        suspend  mon2  -
        kim      unchanged  -                   suspend  suspend  sat    tue2    -        none     -     -
        lou      unchanged  -                   suspend  suspend  sun    wed2    -        none     -     -
        max      unchanged  -                   suspend  suspend  sun    wed2    -        none     -     -
        ned      unchanged  -                   suspend  suspend  sun    wed2    -        none     -     -
    """)


def test_tuesday_a_number_that_is_left_out_is_taken_back(week: Week) -> None:
    assert week.done["tue2"].code == 0
    assert week.told("tue2", "actions") == ["suspend kim"]
    assert week.releases("tue2") == table("""
        account  undo    action   instead  cause
        lou      cancel  suspend  -        listing_ended
    """)


def test_wednesday_in_another_folder_lou_is_listed_since_sunday_and_the_new_holder_is_not_suspended(week: Week) -> None:
    assert (week.done["wed2 rename"].code, week.done["wed2"].code) == (0, 0)
    assert week.changes("wed2") == table("""
        account  change     cause          before   now      since  act_on  carried  handed out     undo
        ana      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu   -
        eli      unchanged  -              verify   verify   mon    thu     -        verify   thu   -
        fay      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu   -
        gus      unchanged  -              suspend  suspend  mon2   thu2    -        none     -     -
        ivy      unchanged  -              suspend  suspend  fri    mon2    -        suspend  mon2  -
        kim      unchanged  -              suspend  suspend  sat    tue2    -        suspend  tue2  -
        lou      new        listing_added  none     verify   wed2   thu2    -        none     -     -
        max      unchanged  -              suspend  suspend  sun    wed2    -        suspend  wed2  -
        ned      unchanged  -              suspend  suspend  sun    wed2    -        suspend  wed2  -
    """)
    told = cardscreen("explain", "lou", "--run", week.folders["wed2"], cwd=week.folder).out
    assert "on the list of police for telecom fraud, since 2026-11-08" in told
    assert "It was not on that list from 2026-11-10 until 2026-11-11." in told


def test_thursday_a_list_that_ends_frees_those_whom_it_named_and_extracts_have_days(week: Week) -> None:
    assert (week.done["thu2 retire"].code, week.done["thu2"].code) == (0, 0)
    assert week.told("thu2", "actions") == ["verify lou", "suspend gus"]
    assert week.releases("thu2") == table("""
        account  undo  action   instead  cause
        ivy      lift  suspend  -        listing_ended
        kim      lift  suspend  -        listing_ended
    """)
    (accounts,) = week.manifest("thu2")["inputs"]["accounts"]
    assert accounts["path"].endswith(f"accounts/{DAYS['thu2']}/accounts.csv")


def test_friday_ids_that_are_written_otherwise_hold_the_night(week: Week) -> None:
    held = week.done["fri2 held"]
    assert (held.code, week.done["fri2 held discard"].code, week.done["fri2"].code) == (4, 0, 0)
    assert (
        "flagged_gone_share: 100.00 % of the accounts flagged in the base run are not among tonight's: most of their "
        "ids look like 'aaa', and those of the newly flagged like 'AAA': did the ids change? (limit 10.00 %)"
    ) in held.err
    assert {row.split()[1] for row in week.changes("fri2")} == {"unchanged"}
    assert [week.told("fri2", "notices"), week.told("fri2", "actions"), week.releases("fri2")] == [[], [], []]


def test_saturday_grace_runs_from_the_day_of_the_approval(week: Week) -> None:
    assert (week.done["sat2"].code, week.done["sat2 approve"].code) == (4, 0)
    assert "new_suspend: 20.00 % of the rows" in week.done["sat2"].err
    assert (
        f"4 accounts newly told: days of grace begin on {DAYS['mon3']}, not on {DAYS['sat2']}"
        in week.done["sat2 approve"].err
    )
    assert [row for row in week.changes("sat2") if " new " in row] == table("""
        account  change  cause          before  now      since  act_on  carried  handed out  undo
        oda      new     listing_added  none    suspend  sat2   thu3    -        none  -     -
        pia      new     listing_added  none    suspend  sat2   thu3    -        none  -     -
        quy      new     listing_added  none    suspend  sat2   thu3    -        none  -     -
        ray      new     listing_added  none    suspend  sat2   thu3    -        none  -     -
    """)
    acts = {row["account_id"]: row["act_on"] for row in week.rows("sat2", "notices/suspend.csv")}
    assert acts == dict.fromkeys(("oda", "pia", "quy", "ray"), str(DAYS["thu3"]))


def test_monday_nothing_is_read_behind_another_program_until_that_is_adopted(week: Week) -> None:
    refused = week.done["mon3 refused"]
    assert refused.code == 3
    assert "was written by another program" in refused.err
    assert "cardscreen list adopt" in refused.err
    assert (week.done["mon3 adopt"].code, week.done["mon3"].code) == (0, 0)
    assert {row.split()[1] for row in week.changes("mon3")} == {"unchanged"}
    assert week.told("mon3", "actions") == []


def test_every_run_before_and_behind_the_move_passes_an_audit_and_comes_out_the_same_again(week: Week) -> None:
    for label in ("sat", "sun", "mon2", "wed2", "thu2", "fri2", "sat2", "mon3"):
        done = cardscreen("audit", week.folders[label], cwd=week.folder)
        assert (done.code, done.out.splitlines()[-1].split(";")[0]) == (0, "passed"), (label, done.out)
    for label in ("thu2", "fri2", "sat2", "mon3"):
        done = cardscreen("audit", week.folders[label], "--replay", cwd=week.folder)
        assert (done.code, done.out.splitlines()[-1]) == (0, "passed"), (label, done.out)
