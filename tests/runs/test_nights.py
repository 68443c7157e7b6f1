"""Whole weeks against a slow, obvious reference of every account's state, and a system that does what files say."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from nights import (
    JOB,
    Night,
    Operator,
    Provisioning,
    Row,
    account,
    day,
    frame_of,
    listing,
    phone,
    strength,
)

import cardscreen as cs

GRACE = {"notify": 0, "verify": 1, "suspend": 3, "close": 7}
CARRY_DAYS = 3
NAMES = ["a", "b", "c"]
CARDS = ["6222021234561234", "6222029876540001"]
CLEAR = phone(99)


@dataclass
class World:
    """What one night reads; `gap` days after the one before, 0 for a second run on the same day."""

    gap: int
    cells: dict[str, dict[str, str]]
    listings: list[Row]
    cleared: set[str]

    def accounts(self) -> list[Row]:
        return [account(name, cells["mobile"], cells["card_no"]) for name, cells in self.cells.items()]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    mobile = st.sampled_from([phone(1), phone(1), phone(2), CLEAR, "", "n/a"])
    card = st.sampled_from([CARDS[0], CARDS[0], CARDS[1], "", "x"])
    cells = {name: {"mobile": draw(mobile), "card_no": draw(card)} for name in NAMES if draw(st.integers(0, 5))}
    listings = []
    for number, value in enumerate([phone(1), phone(1), phone(2), CARDS[0]]):
        if not draw(st.integers(0, 4)):
            continue
        action = draw(st.sampled_from(["none", "notify", "verify", "suspend", "suspend"]))
        ends = draw(st.sampled_from([None, None, 4, 8]))
        which = draw(st.sampled_from(["expires_on", "ended_on"]))
        days = {which: day(ends)} if ends else {}
        listings.append(listing(value, action, listing_id=f"L{number}", source=f"s{number}", **days))
    if not draw(st.integers(0, 5)):
        listings.append(listing(phone(1), list="allow", source="regulator", listing_id="A"))
    cleared = {name for name in NAMES if not draw(st.integers(0, 9))}
    return World(
        draw(st.sampled_from([1, 1, 1, 2, 0])), cells or {"a": {"mobile": CLEAR, "card_no": ""}}, listings, cleared
    )


@dataclass
class State:
    """What stands of one account."""

    action: str = "none"
    since: date | None = None
    act_on: date | None = None
    hits: list[dict[str, Any]] = field(default_factory=list)  # column, value, listing, action, carried_since
    rests: bool = False  # on hits that were not seen


def is_over(row: Row, today: date) -> str | None:
    ended, expired = row.get("ended_on"), row.get("expires_on")
    if ended and ended <= today:
        return "listing_ended"
    return "expired" if expired and expired < today else None


def action_of(row: Row) -> str:
    return {1: "none", 10: "notify", 50: "verify", 95: "suspend"}[row["severity"]]


def seen(world: World, name: str, today: date) -> list[dict[str, Any]]:
    """The account's hits tonight, exempt ones too."""
    found = []
    for column, value in world.cells.get(name, {}).items():
        covering = [row for row in world.listings if row["value"] == value and not is_over(row, today)]
        allowed = any(row.get("list") == "allow" for row in covering)
        for row in covering:
            if row.get("list") != "allow":
                action = action_of(row)
                exempt = "allow_listing" if allowed else "clearance" if name in world.cleared else None
                told = {"column": column, "value": value, "listing": row["listing_id"], "action": action}
                found.append({**told, "exempt": exempt, "carried_since": None})
    return found


def unreadable(world: World, name: str, hit: dict[str, Any]) -> bool:
    return name not in world.cells or world.cells[name][hit["column"]] in ("", "n/a", "x")


def strongest(hits: Sequence[dict[str, Any]]) -> str:
    return max((hit["action"] for hit in hits), key=strength, default="none")


def step(before: State, world: World, name: str, today: date) -> State:
    """The account's state after a night."""
    live = [hit for hit in seen(world, name, today) if not hit["exempt"] and hit["action"] != "none"]
    held = []
    for hit in before.hits if before.action != "none" else []:
        if unreadable(world, name, hit):
            since = hit["carried_since"] or today
            if (today - since).days < CARRY_DAYS:
                held.append({**hit, "carried_since": since})
    action = strongest([*live, *held])
    if action == "none":
        return State()
    state = State(action, before.since or today, before.act_on, [*live, *held], rests=strongest(live) != action)
    if strength(action) > strength(before.action):
        state.act_on = today + timedelta(days=GRACE[action])
    elif action != before.action:
        state.act_on = today
    return state


def change_of(before: State, after: State) -> str | None:
    was, now = strength(before.action), strength(after.action)
    if now == was:
        return None if not now else "carried" if after.rests else "unchanged"
    if not now:
        return "released"
    return "eased" if now < was else "escalated" if was else "new"


def true_causes(then: World, now: World, name: str, days: tuple[date, date], hits: list[dict[str, Any]]) -> set[str]:
    """Every cause that is a fact about the account between two nights, whichever of them decided."""
    facts = set()
    before, after = seen(then, name, days[0]), seen(now, name, days[1])
    rows_then = {row["listing_id"]: row for row in then.listings}
    rows = {row["listing_id"]: row for row in now.listings}
    held_then = {key for key, row in rows_then.items() if not is_over(row, days[0])}
    if name not in now.cells:
        facts.add("account_gone")
    cells_then, cells = then.cells.get(name, {}), now.cells.get(name, {})
    for column in ("mobile", "card_no"):
        if cells_then.get(column) != cells.get(column):
            facts.add("identifier_changed")
        if cells.get(column) in ("", "n/a", "x"):
            facts.add("account_unreadable")
    for hit in hits:
        if cells.get(hit["column"]) != hit["value"]:
            facts.add("identifier_changed")
        row = rows.get(hit["listing"])
        facts.add("listing_ended" if row is None else is_over(row, days[1]) or "")
        if row and action_of(row) != hit["action"]:
            facts.add("listing_changed")
    for hit in after:
        if hit["exempt"]:
            facts.add(hit["exempt"])
        if hit["listing"] not in held_then:
            facts.add("listing_added")
        elif action_of(rows_then[hit["listing"]]) != hit["action"]:
            facts.add("listing_changed")
    facts |= {f"{hit['exempt']}_ended" for hit in before if hit["exempt"]}
    return facts


def check_standing(system: Provisioning, states: dict[str, State], today: date) -> None:
    """Nobody is cut off for more than what holds, and everybody for what is due and was seen."""
    for name, state in states.items():
        standing = system.standing.get(name, "none")
        assert strength(standing) <= strength(state.action)
        if state.action != "none" and not state.rests and state.act_on and state.act_on <= today:
            assert standing == state.action


def check_changes(night: Night, old: dict[str, State], new: dict[str, State], facts: dict[str, set[str]]) -> None:
    """The rows of accounts that the base or tonight flags; others may be there to undo what a superseded run said."""
    told = night.changes
    for name in NAMES:
        before, after = old[name], new[name]
        change = change_of(before, after)
        if change is None or (change == "new" and after.rests):
            assert told.get(name, {"change": "released"})["change"] in ("released", "carried")
            continue
        row = told[name]
        assert (row["change"], row["action_before"], row["action"]) == (change, before.action, after.action)
        if change != "released":
            assert (row["flagged_since"], row["act_on"]) == (after.since, after.act_on)
            assert (row["carried_since"] is not None) == after.rests
        if change == "unchanged":
            assert row["cause"] is None
        else:
            assert row["cause"] in facts[name]


class Week:
    """The reference beside the real thing."""

    def __init__(self, folder: Path) -> None:
        self.operator = Operator(folder, JOB.replace("shared_above = 2", "shared_above = 9"))
        self.number = 0
        self.base: dict[str, State] = {name: State() for name in NAMES}
        self.states = self.base
        self.worlds: tuple[World | None, World | None] = (None, None)  # of the base, and of the last run
        self.days = (day(0), day(0))
        self.every, self.last_of_day = Provisioning(), Provisioning()
        self.last: Night | None = None

    def check_night(self, world: World) -> None:
        rerun = world.gap == 0 and self.last is not None
        if not rerun:
            self._close_the_day()
            self.number += max(world.gap, 1)
            self.base, self.worlds, self.days = self.states, (self.worlds[1], None), (self.days[1], day(self.number))
        today, then = self.days[1], self.worlds[0]
        told = {name: self._after(world, name, today, rerun) for name in NAMES}
        facts = {name: self._facts(world, name) for name in NAMES}
        self.operator.clear(*(f"{name},,{today},{today}" for name in sorted(world.cleared)))
        lists = None if then is None else cs.Blocklist.from_frame(frame_of(then.listings)).lazy
        with mock.patch("cardscreen.runs.circumstances._listings_then", return_value=lists):
            self.last = self.operator.night(self.number, world.accounts(), world.listings)
        check_changes(self.last, self.base, told, facts)
        self.states, self.worlds = told, (then, world)
        self.every.load(self.last)
        check_standing(self.every, told, today)

    def _after(self, world: World, name: str, today: date, rerun: bool) -> State:
        after, superseded = step(self.base[name], world, name, today), self.states[name]
        if rerun and self.base[name].action == "none" and superseded.action != "none":
            # What only the superseded run has flagged, and what could not be looked for now, is carried too.
            carried = step(superseded, world, name, today)
            if carried.rests:
                return State(carried.action, superseded.since, superseded.act_on, carried.hits, rests=True)
        return after

    def _facts(self, world: World, name: str) -> set[str]:
        if self.worlds[0] is None:
            return {"first_run"}
        return true_causes(self.worlds[0], world, name, self.days, self.base[name].hits)

    def _close_the_day(self) -> None:
        """The system that loads only what stands at the end of a day."""
        if self.last is not None:
            self.last_of_day.load(self.last)
            check_standing(self.last_of_day, self.states, self.days[1])


@settings(max_examples=10)
@given(st.lists(worlds(), min_size=2, max_size=6))
def test_weeks_go_as_the_reference_says(nights: list[World]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        week = Week(Path(folder))
        for world in nights:
            week.check_night(world)
