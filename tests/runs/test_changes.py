"""What became of every flag, and why: single steps in a table, then whole weeks against an obvious reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from commands import cardscreen
from nights import JOB, Night, Operator, Row, account, day, listing, phone

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.runs import changes

CARD, OTHER_CARD = "6222021234561234", "6222029876540001"
ONE, TWO, FREE = phone(1), phone(2), phone(99)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


@dataclass
class World:
    """One night's inputs."""

    accounts: list[Row] = field(default_factory=lambda: [account("a", ONE)])
    listings: list[Row] = field(default_factory=lambda: [listing(ONE)])
    clearances: list[str] = field(default_factory=list)
    job: tuple[str, str] = ("", "")
    versions: dict[str, str] = field(default_factory=dict)

    def night(self, operator: Operator, number: int) -> Night:
        operator.say(JOB.replace(*self.job) if self.job[0] else JOB)
        operator.clear(*self.clearances)
        told = {"cardscreen": "1", "phonenumbers": "1", "polars": "1", **self.versions}
        with mock.patch("cardscreen.screening.screen.versions", return_value=told):
            return operator.night(number, self.accounts, self.listings)


def one(*cells: str, **others: Any) -> list[Row]:
    return [account("a", *cells, **others)]


def allow(value: str = ONE, **others: Any) -> Row:
    return listing(value, list="allow", source="regulator", listing_id="allow", **others)


CLEARED = f"a,,{day(1)},{day(1)}"
CLEARED_NOW = f"a,,{day(2)},"
NEW_CARD = [account("a", "", OTHER_CARD)]
SHARED = [account(name, ONE) for name in "abc"]
MINE = one(ONE, since=str(day(-9)))
HOSPITAL = one(ONE, segment="hospital")
STRICTER = ("low = 5", "low = 1")
WITHOUT_RULE = ("rules = [", "rules = [{ when = { kind = 'phone' }, cap = 'none' }, ")
DATED = listing(ONE, listed_on=day(-20))
NEXT = {"phonenumbers": "2"}

STEPS = [
    # new
    pytest.param(World(listings=[]), World(), ("new", "listing_added", "none", "suspend"), id="listed"),
    pytest.param(
        World(listings=[listing(ONE, listed_on=day(2))]),
        World(listings=[listing(ONE, listed_on=day(2))]),
        ("new", "listing_added", "none", "suspend"),
        id="listing-begins",
    ),
    pytest.param(
        World(listings=[listing(ONE, "none")]),
        World(),
        ("new", "listing_changed", "none", "suspend"),
        id="severity-rises",
    ),
    pytest.param(World(one(FREE)), World(), ("new", "identifier_changed", "none", "suspend"), id="has-the-number-now"),
    pytest.param(
        World([account("b", FREE)]), World(), ("new", "identifier_changed", "none", "suspend"), id="new-account"
    ),
    pytest.param(World(one("n/a")), World(), ("new", "identifier_changed", "none", "suspend"), id="readable-now"),
    pytest.param(
        World(listings=[listing(ONE), allow()]),
        World(),
        ("new", "allow_listing_ended", "none", "suspend"),
        id="allow-listing-ends",
    ),
    pytest.param(
        World(clearances=[CLEARED]), World(), ("new", "clearance_ended", "none", "suspend"), id="clearance-ends"
    ),
    pytest.param(World(HOSPITAL), World(), ("new", "account_changed", "none", "suspend"), id="rule-no-longer-protects"),
    pytest.param(World(job=WITHOUT_RULE), World(), ("new", "policy_changed", "none", "suspend"), id="rule-taken-away"),
    pytest.param(
        World(listings=[listing(ONE, "none")]),
        World(listings=[listing(ONE, "none")], job=STRICTER),
        ("new", "policy_changed", "none", "notify"),
        id="level-lowered",
    ),
    pytest.param(
        World(listings=[listing(ONE, source="pilot")]),
        World(listings=[listing(ONE, source="pilot")], job=("measure_only = true", "cap = 'close'")),
        ("new", "policy_changed", "none", "suspend"),
        id="no-longer-only-measured",
    ),
    pytest.param(World(one(FREE)), World(versions=NEXT), ("new", "software_changed", "none", "suspend"), id="software"),
    pytest.param(
        World(listings=[]), World(versions=NEXT), ("new", "listing_added", "none", "suspend"), id="listed-on-an-upgrade"
    ),
    # escalated
    pytest.param(
        World(listings=[listing(ONE, "verify")]),
        World(),
        ("escalated", "listing_changed", "verify", "suspend"),
        id="listing-grows-heavier",
    ),
    pytest.param(
        World(listings=[listing(ONE, "notify")]),
        World(listings=[listing(ONE, "notify"), listing(ONE, "verify", source="bank", listing_id="B")]),
        ("escalated", "listing_added", "notify", "verify"),
        id="second-listing",
    ),
    pytest.param(
        World(MINE, [DATED]),
        World(one(ONE, since=str(day(-30))), [DATED]),
        ("escalated", "holder_changed", "verify", "suspend"),
        id="holder-since-earlier",
    ),
    pytest.param(
        World(SHARED), World(SHARED[:2]), ("escalated", "shared_changed", "verify", "suspend"), id="fewer-share-it"
    ),
    pytest.param(
        World(one("", "622202******1234"), [listing(CARD)]),
        World(one("", CARD), [listing(CARD)]),
        ("escalated", "identifier_changed", "verify", "suspend"),
        id="card-shown-in-full",
    ),
    pytest.param(
        World(one(ONE, CARD), [listing(ONE, "notify"), listing(CARD), allow(CARD)]),
        World(one(ONE, CARD), [listing(ONE, "notify"), listing(CARD)]),
        ("escalated", "allow_listing_ended", "notify", "suspend"),
        id="stronger-hit-no-longer-exempt",
    ),
    # eased
    pytest.param(
        World(),
        World(listings=[listing(ONE, "verify")]),
        ("eased", "listing_changed", "suspend", "verify"),
        id="listing-grows-lighter",
    ),
    pytest.param(
        World(listings=[listing(ONE), listing(ONE, "notify", source="bank", listing_id="B")]),
        World(listings=[listing(ONE, "notify", source="bank", listing_id="B")]),
        ("eased", "listing_ended", "suspend", "notify"),
        id="heavier-listing-ends",
    ),
    pytest.param(
        World(one(ONE, since=str(day(-30))), [DATED]),
        World(MINE, [DATED]),
        ("eased", "holder_changed", "suspend", "verify"),
        id="new-holder",
    ),
    pytest.param(
        World(SHARED[:2]), World(SHARED), ("eased", "shared_changed", "suspend", "verify"), id="more-share-it"
    ),
    pytest.param(
        World(),
        World(job=("levels = { low = 5 }", "levels = { low = 5, medium = 96, high = 97, critical = 98 }")),
        ("eased", "policy_changed", "suspend", "notify"),
        id="policy-grows-milder",
    ),
    pytest.param(
        World(one(ONE, CARD), [listing(ONE), listing(CARD, "verify")]),
        World(one(FREE, CARD), [listing(ONE), listing(CARD, "verify")]),
        ("eased", "identifier_changed", "suspend", "verify"),
        id="gives-up-the-heavier-number",
    ),
    pytest.param(
        World(one(ONE, CARD), [listing(ONE), listing(CARD, "verify")]),
        World(one(ONE, "x"), [listing(CARD, "verify")]),
        ("eased", "listing_ended", "suspend", "verify"),
        id="heavier-ends-lighter-unreadable",
    ),
    # released
    pytest.param(
        World(), World(listings=[]), ("released", "listing_ended", "suspend", "none"), id="gone-from-the-list"
    ),
    pytest.param(
        World(),
        World(listings=[listing(ONE, ended_on=day(2))]),
        ("released", "listing_ended", "suspend", "none"),
        id="listing-ended",
    ),
    pytest.param(
        World(listings=[listing(ONE, expires_on=day(1))]),
        World(listings=[listing(ONE, expires_on=day(1))]),
        ("released", "expired", "suspend", "none"),
        id="listing-expired",
    ),
    pytest.param(
        World(),
        World(listings=[listing(ONE, expires_on=day(1), ended_on=day(1))]),
        ("released", "listing_ended", "suspend", "none"),
        id="ended-before-it-expired",
    ),
    pytest.param(
        World(),
        World(listings=[listing(ONE), allow()]),
        ("released", "allow_listing", "suspend", "none"),
        id="allow-listing",
    ),
    pytest.param(
        World(), World(clearances=[CLEARED_NOW]), ("released", "clearance", "suspend", "none"), id="clearance"
    ),
    pytest.param(World(), World(one(FREE)), ("released", "identifier_changed", "suspend", "none"), id="gave-it-up"),
    pytest.param(
        World(one("", CARD), [listing(CARD)]),
        World(NEW_CARD, [listing(CARD)]),
        ("released", "identifier_changed", "suspend", "none"),
        id="new-card",
    ),
    pytest.param(
        World(),
        World(listings=[listing(ONE, "none")]),
        ("released", "listing_changed", "suspend", "none"),
        id="severity",
    ),
    pytest.param(World(), World(HOSPITAL), ("released", "account_changed", "suspend", "none"), id="rule-protects"),
    pytest.param(World(), World(job=WITHOUT_RULE), ("released", "policy_changed", "suspend", "none"), id="rule-added"),
    pytest.param(
        World(),
        World(one(FREE), versions=NEXT),
        ("released", "software_changed", "suspend", "none"),
        id="read-otherwise-by-other-software",
    ),
    pytest.param(
        World(),
        World(listings=[], versions=NEXT),
        ("released", "listing_ended", "suspend", "none"),
        id="ended-on-an-upgrade",
    ),
    # carried
    pytest.param(World(), World([account("b", FREE)]), ("carried", "account_gone", "suspend", "suspend"), id="gone"),
    pytest.param(
        World(),
        World([account("b", FREE)], []),
        ("carried", "account_gone", "suspend", "suspend"),
        id="gone-and-its-listing-too",
    ),
    pytest.param(World(), World(one("n/a")), ("carried", "account_unreadable", "suspend", "suspend"), id="unreadable"),
    pytest.param(World(), World(one("")), ("carried", "account_unreadable", "suspend", "suspend"), id="empty"),
    pytest.param(
        World(),
        World(one("", CARD)),
        ("carried", "account_unreadable", "suspend", "suspend"),
        id="empty-beside-a-clear-card",
    ),
    pytest.param(
        World(one("", CARD), [listing(CARD)]),
        World(one("", "622202******1234"), [listing(CARD)]),
        ("carried", "account_unreadable", "suspend", "suspend"),
        id="card-masked-in-the-extract",
    ),
    pytest.param(
        World(one(ONE, CARD), [listing(ONE), listing(CARD, "verify")]),
        World(one("?", CARD), [listing(ONE), listing(CARD, "verify")]),
        ("carried", "account_unreadable", "suspend", "suspend"),
        id="heavier-number-unreadable",
    ),
    pytest.param(
        World([account("a", ONE), account("a", FREE)]),
        World([account("a", "n/a"), account("a", FREE)]),
        ("carried", "account_unreadable", "suspend", "suspend"),
        id="one-of-two-numbers-unreadable",
    ),
    # unchanged
    pytest.param(World(), World(), ("unchanged", None, "suspend", "suspend"), id="same"),
    pytest.param(
        World(), World(one(f"0086{ONE[3:]}")), ("unchanged", None, "suspend", "suspend"), id="written-otherwise"
    ),
    pytest.param(
        World(one(ONE, CARD), [listing(ONE), listing(CARD)]),
        World(one("?", CARD), [listing(ONE), listing(CARD)]),
        ("unchanged", None, "suspend", "suspend"),
        id="still-on-other-evidence",
    ),
]


@pytest.mark.parametrize(("before", "after", "told"), STEPS)
def test_a_step_from_one_night_to_the_next_is_told_with_its_cause(
    operator: Operator, before: World, after: World, told: tuple[Any, ...]
) -> None:
    before.night(operator, 1)
    assert after.night(operator, 2).change("a") == told


def test_what_is_known_of_accounts_has_the_columns_that_are_written_down() -> None:
    flags = pl.DataFrame(schema={**schema.FLAGGED, "account.segment": pl.String})
    known = changes._known(changes.Prior(), flags)
    assert dict(known.schema) == {**changes.KNOWN, "was.account.segment": pl.String}
    beside = changes._side_by_side(known, flags).schema
    assert dict(beside) == {**changes.KNOWN, **changes.TONIGHT, "account.segment": pl.String}


def test_on_the_first_night_everybody_is_new(operator: Operator) -> None:
    assert World().night(operator, 1).change("a") == ("new", "first_run", "none", "suspend")


def test_every_change_and_every_cause_of_an_extract_or_a_list_is_in_the_table() -> None:
    told = {told[:2] for *_, told in (param.values for param in STEPS) if isinstance(told, tuple)}
    assert {change for change, _ in told} == set(schema.CHANGE_KINDS.categories)
    others = {"first_run", "source_stale"}  # have tests of their own
    assert {cause for _, cause in told if cause} == set(schema.CAUSES.categories) - others


@pytest.mark.parametrize("nothing", [World(listings=[]), World(one(ONE), [listing(ONE, "none")])])
def test_an_account_without_action_on_both_nights_is_no_change(operator: Operator, nothing: World) -> None:
    nothing.night(operator, 1)
    assert nothing.night(operator, 2).changes == {}


# Several nights


def test_a_flag_is_carried_for_so_many_nights_and_then_released_with_that_cause(operator: Operator) -> None:
    World().night(operator, 1)
    gone = World([account("b", FREE)])
    told = [gone.night(operator, night).change("a")[:2] for night in (2, 3, 4, 5)]
    assert told == [("carried", "account_gone")] * 3 + [("released", "account_gone")]
    assert gone.night(operator, 6).changes == {}


def test_nights_without_an_account_are_counted_from_when_its_source_is_no_longer_stale(operator: Operator) -> None:
    World().night(operator, 1)
    with mock.patch("cardscreen.runs.circumstances.sources_of", return_value={"police": {"state": "stale"}}):
        stale = [World(listings=[]).night(operator, night).change("a")[:2] for night in range(2, 7)]
    assert stale == [("carried", "source_stale")] * 5
    gone = [World([account("b", FREE)]).night(operator, night).change("a")[:2] for night in range(7, 11)]
    assert gone == [("carried", "account_gone")] * 3 + [("released", "account_gone")]


def test_carried_nights_are_counted_in_days_though_a_night_is_left_out(operator: Operator) -> None:
    World().night(operator, 1)
    World(one("")).night(operator, 2)
    assert World(one("")).night(operator, 5).change("a")[:2] == ("released", "account_unreadable")


def test_an_account_that_comes_back_keeps_its_dates(operator: Operator) -> None:
    first = World().night(operator, 1).changes["a"]
    World([account("b", FREE)]).night(operator, 2)
    back = World().night(operator, 3).changes["a"]
    assert (back["change"], back["carried_since"]) == ("unchanged", None)
    assert (back["flagged_since"], back["act_on"]) == (first["flagged_since"], first["act_on"])


def test_an_account_that_comes_back_clear_is_released(operator: Operator) -> None:
    World().night(operator, 1)
    World([account("b", FREE)]).night(operator, 2)
    assert World(listings=[]).night(operator, 3).change("a") == ("released", "listing_ended", "suspend", "none")


def test_evidence_that_was_never_refuted_holds_after_stronger_evidence_has_ended(operator: Operator) -> None:
    both = one(ONE, CARD)
    World(both, [listing(ONE), listing(CARD, "verify")]).night(operator, 1)
    World(one(ONE, "?"), [listing(ONE), listing(CARD, "verify")]).night(operator, 2)
    third = World(one(ONE, "?"), [listing(CARD, "verify")]).night(operator, 3)
    assert third.change("a") == ("eased", "listing_ended", "suspend", "verify")
    assert World(one(ONE, CARD), []).night(operator, 4).change("a")[0] == "released"


@pytest.mark.parametrize(
    ("was", "tonight", "told"),
    [
        pytest.param("7", 8, 7, id="text-to-number"),
        pytest.param("x", 8, None, id="text-that-is-no-number"),
        pytest.param(7, "x", "7", id="number-to-text"),
        pytest.param(date(2026, 1, 5), "x", "2026-01-05", id="day-to-text"),
        pytest.param("2026-01-05", date(2026, 2, 1), date(2026, 1, 5), id="text-to-day"),
        pytest.param("5.1.2026", date(2026, 2, 1), None, id="text-that-is-no-day"),
        pytest.param(7, date(2026, 2, 1), None, id="number-to-day"),
        pytest.param("yes", True, None, id="what-the-engine-does-not-do"),
    ],
)
def test_what_an_account_that_is_gone_had_is_told_in_the_type_that_the_column_has_tonight(
    was: Any, tonight: Any, told: Any, operator: Operator
) -> None:
    operator.say(JOB.replace("accounts.csv", "accounts.parquet"))
    # What of another account has no such form takes nothing from this one.
    others = [account("c", ONE, segment="?")] if isinstance(was, str) else []
    for night, rows in ((1, [account("a", ONE, segment=was), *others]), (2, [account("b", FREE, segment=tonight)])):
        operator.write([], [listing(ONE)])
        pl.DataFrame(rows).write_parquet(operator.folder / "accounts.parquet")
        done = Night(operator.run(night))
    row = done.changes["a"]
    assert (row["change"], row["segment"]) == ("carried", told)
    assert all(done.changes[other["account_id"]]["segment"] is None for other in others)


def test_no_night_is_needed_where_nothing_is_to_be_carried(operator: Operator) -> None:
    operator.say(JOB.replace("carry_days = 3", "carry_days = 0"))
    operator.night(1, one(ONE), [listing(ONE)])
    assert operator.night(2, one(""), [listing(ONE)]).change("a")[:2] == ("released", "account_unreadable")


def test_a_carried_account_is_not_handed_out_although_it_is_due(operator: Operator) -> None:
    World().night(operator, 1)
    assert World(one("")).night(operator, 4).names("actions") == []
    assert World().night(operator, 5).names("actions") == [("suspend", "a")]


# More than one run for a day


def test_a_second_run_for_a_day_says_the_same_with_the_same_keys(operator: Operator) -> None:
    World().night(operator, 1)
    first, second = World().night(operator, 4), World().night(operator, 4)
    assert first.folder != second.folder
    for row, again in zip(first.rows("actions", "suspend"), second.rows("actions", "suspend"), strict=True):
        assert {**row, "run_id": ""} == {**again, "run_id": ""}
    assert first.changes == second.changes
    assert second.manifest["compared"] == {
        "base": operator.published()[0].name,
        "supersedes": first.folder.name,
    }


def test_whom_only_the_superseded_run_told_is_released(operator: Operator) -> None:
    World([account("b", FREE)]).night(operator, 1)
    assert World().night(operator, 2).names("notices") == [("suspend", "a")]
    second = World(listings=[listing(ONE), allow()]).night(operator, 2)
    assert second.change("a") == ("released", "allow_listing", "suspend", "none")
    assert second.releases() == [("a", "cancel", "suspend", "", "allow_listing")]
    third = World(listings=[listing(ONE), allow()]).night(operator, 2)
    assert third.rows("actions", "release")[0]["key"] == second.rows("actions", "release")[0]["key"]
    assert World(listings=[]).night(operator, 3).changes == {}


def test_whom_only_the_superseded_run_acted_on_is_lifted(operator: Operator) -> None:
    World([account("b", FREE)]).night(operator, 1)
    notify = [listing(ONE, "notify")]
    assert World(listings=notify).night(operator, 2).names("actions") == [("notify", "a")]
    assert World(listings=[]).night(operator, 2).releases() == [("a", "lift", "notify", "", "listing_ended")]


NOW = "[policy]\ngrace_days = { suspend = 0, verify = 0 }\n"


@pytest.mark.parametrize(
    ("at_once", "undo"), [pytest.param(False, "cancel", id="told"), pytest.param(True, "lift", id="handed-out")]
)
@pytest.mark.parametrize("was", [None, "verify"])
def test_what_superseded_runs_said_beyond_the_last_one_is_undone(
    operator: Operator, at_once: bool, undo: str, was: str | None
) -> None:
    operator.say(JOB.replace("[policy]\n", NOW if at_once else "[policy]\n"))
    accounts, number = [account("a", phone(1))], phone(1)
    if was:
        operator.night(0, accounts, [listing(number, was)])
    operator.night(1, accounts, [listing(number)])
    second = operator.night(1, accounts, [listing(number, "verify")])
    third = operator.night(1, accounts, [listing(number, "verify")])
    assert second.change("a")[0] == ("unchanged" if was else "new")
    for night in (second, third):
        assert [row[:4] for row in night.releases()] == [("a", undo, "suspend", "verify")]
    keys = [night.rows("actions", "release")[0]["key"] for night in (second, third)]
    assert keys[0] == keys[1]
    again = operator.night(1, accounts, [listing(number)])
    assert again.releases() == []
    freed = operator.night(2, accounts, []).releases()[0][2]
    assert freed == ("suspend" if at_once or not was else "verify")  # what was handed out, else what was told
    told = cardscreen("explain", "a", "--run", second.folder, cwd=operator.folder).out
    assert "An earlier run of that day had" in told


def test_whom_the_superseded_run_released_wrongly_is_handed_out_again_under_a_new_key(operator: Operator) -> None:
    World().night(operator, 1)
    acted = World().night(operator, 4)
    wrong = World(listings=[]).night(operator, 5)
    assert wrong.releases() == [("a", "lift", "suspend", "", "listing_ended")]
    right = World().night(operator, 5)
    assert right.change("a")[0] == "unchanged"
    (row,), (before,) = right.rows("actions", "suspend"), acted.rows("actions", "suspend")
    assert row["key"] != before["key"]
    assert World().night(operator, 5).rows("actions", "suspend")[0]["key"] == row["key"]
    assert World().night(operator, 6).names("actions") == []


def test_a_release_after_a_corrected_release_has_a_key_of_its_own(operator: Operator) -> None:
    for night in (1, 4):
        World().night(operator, night)
    keys = [World(listings=lists).night(operator, 5).rows("actions", "release") for lists in ([], [listing(ONE)], [])]
    assert [len(rows) for rows in keys] == [1, 0, 1]
    assert keys[0][0]["key"] != keys[2][0]["key"]


def test_an_account_that_superseded_runs_told_and_released_is_new_again_with_its_own_cause(operator: Operator) -> None:
    World([account("b", FREE)]).night(operator, 1)
    notices = []
    for world in (World(), World(listings=[]), World()):
        night = world.night(operator, 2)
        notices.append([row["key"] for row in night.rows("notices", "suspend")])
    assert night.change("a") == ("new", "identifier_changed", "none", "suspend")
    told = cardscreen("explain", "a", "--run", night.folder, cwd=operator.folder).out
    assert "because the account was not known with this number before" in told
    assert [len(keys) for keys in notices] == [1, 0, 1]
    assert notices[0] != notices[2]


def test_what_a_superseded_run_handed_out_of_an_unreadable_account_is_handed_out_again_later(
    operator: Operator,
) -> None:
    notify = [listing(ONE, "notify")]
    first = World(listings=notify).night(operator, 1)
    assert World(one("?"), notify).night(operator, 1).names("actions") == []
    later = World(listings=notify).night(operator, 2)
    assert later.rows("actions", "notify")[0]["key"] == first.rows("actions", "notify")[0]["key"]
    assert World(listings=notify).night(operator, 3).names("actions") == []
    assert World(listings=[]).night(operator, 4).releases() == [("a", "lift", "notify", "", "listing_ended")]


def test_what_a_superseded_run_refuted_is_not_carried_from_the_run_that_it_superseded(operator: Operator) -> None:
    World([account("b", FREE)]).night(operator, 1)
    both, notify = one(ONE, CARD), [listing(CARD, "notify")]
    assert World(both).night(operator, 2).change("a")[3] == "suspend"
    assert World(both, notify).night(operator, 2).change("a")[3] == "notify"
    unread = World(one("?", "?"), [listing(ONE), *notify]).night(operator, 2)
    assert unread.change("a")[3] == "notify"
    carried = pl.read_parquet(unread.folder / "carried.parquet")
    assert carried["listing_id"].to_list() == [f"L{CARD[-4:]}"]


def test_an_audit_run_tells_changes_and_acts_on_nobody(operator: Operator) -> None:
    for night in (1, 5):
        World().night(operator, night)
    audit = World(listings=[]).night(operator, 3)
    assert audit.change("a") == ("released", "listing_ended", "suspend", "none")
    assert audit.manifest["audit"] is True
    assert not any((audit.folder / name).exists() for name in ("notices", "actions"))
    assert World().night(operator, 5).manifest["compared"]["base"] == operator.published()[0].name
    assert (operator.folder / "runs/latest").readlink() == Path(operator.published()[-1].name)


# What the comparison leaves as it was


def test_watching_accounts_changes_nothing_but_their_dates(operator: Operator) -> None:
    accounts = pl.DataFrame([account("a", ONE), account("a", FREE, segment="y"), account("b", TWO), account("c", FREE)])
    listed = cs.Blocklist.from_frame(pl.DataFrame([listing(ONE), listing(TWO, "verify")]))
    options: dict[str, Any] = {"identifiers": {"mobile": cs.Phone("CN")}, "carry": ["segment"], "as_of": day(2)}
    names = ["a", "c", "z"]
    before = pl.DataFrame({"account_id": names, "action": "verify", "flagged_since": day(1), "act_on": day(1)})
    plain = cs.screen(accounts, listed, **options)
    watching = cs.screen(accounts, listed, previous=before, **options)
    assert watching.hits.collect().equals(plain.hits.collect())
    dates = ["flagged_since", "act_on"]
    assert watching.flagged.drop(dates).collect().equals(plain.flagged.drop(dates).collect())
    for part in ("rows", "coverage", "hits", "flagged"):
        assert watching.summary[part] == plain.summary[part]
    assert plain.watched is None
    assert watching.watched is not None
    assert watching.watched.collect().rows() == [
        ("a", "mobile", "phone", ONE, "valid"),
        ("a", "mobile", "phone", FREE, "valid"),
        ("c", "mobile", "phone", FREE, "valid"),
    ]
