"""A week of nights at one operator, through the command line, row by row as it was worked out by hand.

Days are written as Monday to Sunday, 2 to 8 November 2026; `mon2` is the Monday after. A suspension is due three days
after it was told, a verification one day after. Flags of accounts that can't be read are carried for two nights.
"""

from __future__ import annotations

import json
import re

import polars as pl
import pytest
from commands import cardscreen
from week import MOBILE, Week, play, shown, table


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Week:
    week = Week(tmp_path_factory.mktemp("week"))
    play(week)
    return week


def test_monday_everything_is_new_and_nothing_is_due(week: Week) -> None:
    assert week.done["mon"].code == 0
    assert week.changes("mon") == table("""
        account  change  cause      before  now      since  act_on  carried  handed out  undo
        ana      new     first_run  none    suspend  mon    thu     -        none  -     -
        ben      new     first_run  none    verify   mon    tue     -        none  -     -
        cho      new     first_run  none    suspend  mon    thu     -        none  -     -
        dee      new     first_run  none    verify   mon    tue     -        none  -     -
        eli      new     first_run  none    verify   mon    tue     -        none  -     -
        fay      new     first_run  none    suspend  mon    thu     -        none  -     -
        gus      new     first_run  none    suspend  mon    thu     -        none  -     -
        hal      new     first_run  none    suspend  mon    thu     -        none  -     -
    """)
    assert week.told("mon", "notices") == [
        *("verify ben", "verify dee", "verify eli"),
        *("suspend ana", "suspend cho", "suspend fay", "suspend gus", "suspend hal"),
    ]
    assert week.told("mon", "actions") == []
    assert week.releases("mon") == []


def test_tuesday_verifications_fall_due_eli_escalates_and_an_allow_listing_frees_cho(week: Week) -> None:
    assert week.done["tue"].code == 0
    assert week.changes("tue") == table("""
        account  change     cause          before   now      since  act_on  carried  handed out   undo
        ana      unchanged  -              suspend  suspend  mon    thu     -        none    -    -
        ben      unchanged  -              verify   verify   mon    tue     -        verify  tue  -
        cho      released   allow_listing  suspend  none     mon    thu     -        none    -    cancel
        dee      unchanged  -              verify   verify   mon    tue     -        verify  tue  -
        eli      escalated  listing_added  verify   suspend  mon    fri     -        none    -    -
        fay      unchanged  -              suspend  suspend  mon    thu     -        none    -    -
        gus      unchanged  -              suspend  suspend  mon    thu     -        none    -    -
        hal      unchanged  -              suspend  suspend  mon    thu     -        none    -    -
    """)
    assert week.told("tue", "notices") == ["suspend eli"]
    assert week.told("tue", "actions") == ["verify ben", "verify dee"]
    assert week.releases("tue") == table("""
        account  undo    action   instead  cause
        cho      cancel  suspend  -        allow_listing
    """)


def test_wednesday_a_truncated_extract_frees_nobody_and_who_was_acted_on_is_lifted(week: Week) -> None:
    assert week.done["wed"].code == 0
    assert week.changes("wed") == table("""
        account  change     cause          before   now      since  act_on  carried  handed out   undo
        ana      unchanged  -              suspend  suspend  mon    thu     -        none    -    -
        ben      released   listing_ended  verify   none     mon    tue     -        verify  tue  lift
        dee      released   clearance      verify   none     mon    tue     -        verify  tue  lift
        eli      unchanged  -              suspend  suspend  mon    fri     -        none    -    -
        fay      carried    account_gone   suspend  suspend  mon    thu     wed      none    -    -
        gus      carried    account_gone   suspend  suspend  mon    thu     wed      none    -    -
        hal      unchanged  -              suspend  suspend  mon    thu     -        none    -    -
    """)
    assert week.told("wed", "notices") == []
    assert week.told("wed", "actions") == []
    assert week.releases("wed") == table("""
        account  undo  action  instead  cause
        ben      lift  verify  -        listing_ended
        dee      lift  verify  -        clearance
    """)


def test_thursday_suspensions_fall_due_but_not_of_who_was_not_seen_and_eli_eases(week: Week) -> None:
    assert week.done["thu"].code == 0
    assert week.changes("thu") == table("""
        account  change     cause          before   now      since  act_on  carried  handed out    undo
        ana      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        eli      eased      listing_ended  suspend  verify   mon    thu     -        verify   thu  cancel
        fay      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        gus      carried    account_gone   suspend  suspend  mon    thu     wed      none     -    -
        hal      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
    """)
    assert week.told("thu", "notices") == []
    assert week.told("thu", "actions") == ["verify eli", "suspend ana", "suspend fay", "suspend hal"]
    assert week.releases("thu") == table("""
        account  undo    action   instead  cause
        eli      cancel  suspend  verify   listing_ended
    """)


def test_friday_a_list_that_names_half_the_operator_is_held_and_discarded(week: Week) -> None:
    held, discarded = week.done["fri held"], week.done["fri held discard"]
    assert (held.code, discarded.code) == (4, 0)
    assert "source_share: 52.63 % of the rows are hit by 'regulator' (limit 40.00 %)" in held.err
    assert "new_suspend: 52.63 % of the rows would newly be told 'suspend' (limit 12.00 %)" in held.err
    assert "new: 10 suspend" in held.err
    assert "most that is new or escalated comes from regulator (10)" in held.err
    assert week.manifest("fri held")["discarded"]["reason"] == "the regulator sent its test list"
    assert not (week.folders["fri held"] / "notices").exists()


def test_friday_the_right_list_tells_ivy_alone_and_gus_is_freed_after_two_nights(week: Week) -> None:
    assert week.done["fri"].code == 0
    assert week.manifest("fri")["compared"] == {"base": week.folders["thu"].name, "supersedes": None}
    assert week.changes("fri") == table("""
        account  change     cause          before   now      since  act_on  carried  handed out    undo
        ana      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        eli      unchanged  -              verify   verify   mon    thu     -        verify   thu  -
        fay      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        gus      released   account_gone   suspend  none     mon    thu     -        none     -    cancel
        hal      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        ivy      new        listing_added  none     suspend  fri    mon2    -        none     -    -
    """)
    assert week.told("fri", "notices") == ["suspend ivy"]
    assert week.told("fri", "actions") == []
    assert week.releases("fri") == table("""
        account  undo    action   instead  cause
        gus      cancel  suspend  -        account_gone
    """)


def test_saturday_the_night_is_warned_of_the_police_who_are_late(week: Week) -> None:
    for label in ("sat first", "sat"):
        assert week.done[label].code == 0
        assert "the data of 'police' is of 2026-11-05, 2 days old" in week.done[label].err


def test_saturday_the_second_run_says_the_same_under_the_same_keys_and_takes_jon_back(week: Week) -> None:
    first, second = week.folders["sat first"].name, week.folders["sat"].name
    assert week.manifest("sat")["compared"] == {"base": week.folders["fri"].name, "supersedes": first}
    assert week.changes("sat first")[-2:] == table("""
        account  change  cause          before  now      since  act_on  carried  handed out  undo
        jon      new     listing_added  none    suspend  sat    tue2    -        none  -     -
        kim      new     listing_added  none    suspend  sat    tue2    -        none  -     -
    """)
    assert week.changes("sat") == table("""
        account  change     cause          before   now      since  act_on  carried  handed out    undo
        ana      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        eli      unchanged  -              verify   verify   mon    thu     -        verify   thu  -
        fay      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        hal      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        ivy      unchanged  -              suspend  suspend  fri    mon2    -        none     -    -
        jon      released   listing_ended  suspend  none     sat    tue2    -        none     -    cancel
        kim      new        listing_added  none     suspend  sat    tue2    -        none     -    -
    """)
    assert week.told("sat first", "notices") == ["suspend jon", "suspend kim"]
    assert week.told("sat", "notices") == ["suspend kim"]
    assert week.releases("sat") == table("""
        account  undo    action   instead  cause
        jon      cancel  suspend  -        listing_ended
    """)
    (once,) = (row for row in week.rows("sat first", "notices/suspend.csv") if row["account_id"] == "kim")
    (again,) = week.rows("sat", "notices/suspend.csv")
    assert {**once, "run_id": second} == again
    corrected = pl.read_parquet(week.folders["sat"] / "changes.parquet").drop_nulls("corrects")
    assert corrected.select("account_id", "corrects").rows() == [("jon", first)]


def test_saturday_a_run_that_looks_back_tells_nobody_and_is_never_latest(week: Week) -> None:
    assert week.done["sat audit"].code == 0
    assert "this one looks back" in week.done["sat audit"].err
    assert (week.manifest("sat audit")["audit"], week.manifest("sat audit")["as_of"]) == (True, "2026-11-04")
    assert week.manifest("sat audit")["compared"]["base"] == week.folders["tue"].name
    assert not {"notices", "actions"} & {file.name for file in week.folders["sat audit"].iterdir()}
    assert week.manifest("sun held")["compared"]["base"] == week.folders["sat"].name


def test_sunday_nobody_is_freed_by_a_list_that_is_stale_and_the_night_is_held(week: Week) -> None:
    held = week.done["sun held"]
    assert held.code == 4
    assert "error_after_days: the data of 'police' is of 2026-11-05, 3 days old (limit 2)" in held.err
    assert week.changes("sun held") == table("""
        account  change     cause         before   now      since  act_on  carried  handed out    undo
        ana      unchanged  -             suspend  suspend  mon    thu     -        suspend  thu  -
        eli      unchanged  -             verify   verify   mon    thu     -        verify   thu  -
        fay      unchanged  -             suspend  suspend  mon    thu     -        suspend  thu  -
        hal      carried    source_stale  suspend  suspend  mon    thu     sun      suspend  thu  -
        ivy      unchanged  -             suspend  suspend  fri    mon2    -        none     -    -
        kim      unchanged  -             suspend  suspend  sat    tue2    -        none     -    -
    """)


def test_sunday_more_suspensions_than_may_be_are_held_approved_and_then_the_newest_run(week: Week) -> None:
    assert (week.done["sun"].code, week.done["sun approve"].code) == (4, 0)
    assert "new_suspend: 15.79 % of the rows would newly be told 'suspend' (limit 12.00 %)" in week.done["sun"].err
    assert (week.folder / "runs/latest").resolve() == week.folders["sun"]
    (approval,) = week.manifest("sun")["approvals"]
    assert (approval["by"], approval["reason"]) == ("A. Li", "the police announced them")
    assert week.changes("sun") == table("""
        account  change     cause          before   now      since  act_on  carried  handed out    undo
        ana      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        eli      unchanged  -              verify   verify   mon    thu     -        verify   thu  -
        fay      unchanged  -              suspend  suspend  mon    thu     -        suspend  thu  -
        hal      released   expired        suspend  none     mon    thu     -        suspend  thu  lift
        ivy      unchanged  -              suspend  suspend  fri    mon2    -        none     -    -
        kim      unchanged  -              suspend  suspend  sat    tue2    -        none     -    -
        lou      new        listing_added  none     suspend  sun    wed2    -        none     -    -
        max      new        listing_added  none     suspend  sun    wed2    -        none     -    -
        ned      new        listing_added  none     suspend  sun    wed2    -        none     -    -
    """)
    assert week.told("sun", "notices") == ["suspend lou", "suspend max", "suspend ned"]
    assert week.told("sun", "actions") == []
    assert week.releases("sun") == table("""
        account  undo  action   instead  cause
        hal      lift  suspend  -        expired
    """)


def test_every_key_of_the_week_stands_for_one_thing_that_was_said(week: Week) -> None:
    said: dict[str, set[str]] = {}
    for label in ("mon", "tue", "wed", "thu", "fri", "sat first", "sat", "sun"):
        for file in (*week.folders[label].glob("notices/*.csv"), *week.folders[label].glob("actions/*.csv")):
            name = f"{file.parent.name}/{file.name}"
            for row in week.rows(label, name):
                said.setdefault(row["key"], set()).add(f"{name} {row['account_id']} {row['action']}")
    assert {len(told) for told in said.values()} == {1}
    assert len(said) == 15 + 6 + 7  # notices, actions and releases, as the tables above say


def test_every_run_of_the_week_passes_an_audit_and_the_last_ones_come_out_the_same_again(week: Week) -> None:
    for folder in week.folders.values():
        done = cardscreen("audit", folder, cwd=week.folder)
        assert (done.code, done.out.splitlines()[-1].split(";")[0]) == (0, "passed")
    for label in ("sat first", "sat", "sun"):
        done = cardscreen("audit", week.folders[label], "--replay", cwd=week.folder)
        assert (done.code, done.out.splitlines()[-1]) == (0, "passed"), done.out


def test_the_runs_of_the_week_are_listed_with_what_became_of_them(week: Week) -> None:
    done = cardscreen("runs", "list", "job.toml", "--json", cwd=week.folder)
    columns = ("day", "state", "rows", "flagged", "told", "released")
    told = [" ".join(shown(run[name]) for name in columns) for run in json.loads(done.out)]
    assert told == table("""
        day  state      rows  flagged  told  released
        mon  published  20    8        8     0
        tue  published  20    8        1     1
        wed  published  18    5        0     2
        thu  published  19    6        0     0
        fri  discarded  19    16       10    1
        fri  published  19    7        1     1
        sat  superseded 19    9        2     0
        sat  published  19    8        1     1
        wed  audit      19    6        0     2
        sun  held       19    7        0     0
        sun  latest     19    10       3     1
    """)


ELI = """
Account eli in run 20261108T030000Z, which was asked about 2026-11-08.
It is recommended that a person verifies the account, due on 2026-11-05. It has been flagged since 2026-11-02.
Its score is 50, level medium; listings that count: 1.
Since the run before: nothing has changed.
The action verify was handed out on 2026-11-05.
This decided: its card_no 622202******0003 is on the list of bank for money mule, since 2026-11-02 (listing ID).
  Whether it was listed before the present holder got it is not known.
  Its score is 50, as the listing says; that is level medium: the policy recommends verify.
Before, in the run for 2026-11-05: eased from suspend to verify, because the source no longer lists the number.
Before, in the run for 2026-11-03: escalated from verify to suspend, because a source has listed the number.
Before, in the run for 2026-11-02: newly flagged for verify, because there was no earlier run.
Legal basis of the list of bank: not stated by the source.
Appeals against bank: not stated by the source.
"""


def test_the_story_of_eli_tells_the_whole_week(week: Week) -> None:
    done = cardscreen("explain", "eli", "--run", "job.toml", cwd=week.folder)
    assert done.code == 0
    assert re.sub(r"listing [0-9a-f]{12}-\d+", "listing ID", done.out) == ELI.lstrip()
    then = cardscreen("explain", "eli", "--run", week.folders["tue"], cwd=week.folder).out
    assert f"This decided: its mobile +86{MOBILE['eli']} is on the list of police for telecom fraud" in then
    assert "Appeals against police: desk 12." in then
