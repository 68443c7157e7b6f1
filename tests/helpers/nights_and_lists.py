"""Weeks of nights with lists that come as they please, and a provisioning system that does what the files say."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from unittest import mock

import deltalake
from nights import STORE_JOB, Night, Operator, Provisioning, Row, account, day, phone

import cardscreen as cs
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.store import edits
from cardscreen.lists.store.table import Store
from cardscreen.review.decisions import held as deciding
from cardscreen.runs import folder as runs
from cardscreen.runs.record import Finished

NIGHTS, ACCOUNTS, GRACE = 6, 8, 3
SINCE = ', holder_since = "since"'
_WHO = ("A. Li", "the desk said so")


@dataclass
class Truth:
    """What the sources have said so far, as anybody would keep it by hand: number → its first day, and what is live."""

    first: dict[tuple[str, int], int] = field(default_factory=dict)
    live: dict[str, set[int]] = field(default_factory=lambda: {"snapshot": set(), "delta": set()})

    def take(self, sort: str, numbers: set[int], on: int) -> None:
        self.live[sort] = set(numbers)
        for number in numbers:
            self.first.setdefault((sort, number), on)

    def listed(self, number: int, since: int) -> str | None:
        """Whether the number is listed, and `same` where it was listed while its holder had it."""
        days = [self.first[sort, number] for sort, live in self.live.items() if number in live]
        return None if not days else "same" if any(first >= since for first in days) else "earlier"


class Weeks:
    """One operator, its sources and its provisioning system, played by dice."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.dice = random.Random(seed)
        self.folder, self.operator = folder, Operator(folder, STORE_JOB.format(since=SINCE, most=1))
        self.store, self.system, self.truth = Store(folder / "lists"), Provisioning(), Truth()
        self.names = {"snapshot": "police", "delta": "bureau"}
        self.since = {number: self.dice.choice([-400, -400, 2, 4]) for number in range(ACCOUNTS)}
        self.told: dict[int, int] = {}
        self.files: list[set[int]] = []
        self.newest = 0  # the day of the last of them
        rows = [account(f"c{number}", phone(number), since=str(day(since))) for number, since in self.since.items()]
        rows += [account(f"x{number}", phone(number + 50), since=str(day(-400))) for number in range(20)]
        self.operator.write(rows, [])

    # --- lists -------------------------------------------------------------------------------------

    def import_(self, sort: str, lines: list[str], on: int, *allow: str) -> bool:
        """Whether a file was taken."""
        settings: Row = {"source": self.names[sort], "kind": "phone", "mode": sort, "severity": 95}
        columns = {"value": "number"} | ({"operation": "what"} if sort == "delta" else {})
        file = self.folder / f"{sort}.csv"
        file.write_text("\n".join(["number,what", *lines, ""]), encoding="utf-8")
        limits = {"shrink_share": 1, "grow_share": 100, "unusable_share": 1}
        try:
            import_file(file, Feed(**settings, columns=columns, limits=limits), self.store, as_of=day(on), allow=allow)
        except cs.FeedRefused:
            return False
        return True

    def snapshot(self, on: int) -> None:
        live = self.truth.live["snapshot"]
        sort = self.dice.choice(["new", "new", "same", "earlier", "twice", "missing", "late"])
        numbers = {number for number in range(ACCOUNTS) if self.dice.random() < 0.4} or {0}
        if sort == "same" and live:
            numbers = live
        elif sort == "earlier" and self.files:
            numbers = self.dice.choice(self.files)
        if sort == "missing":
            return
        if sort == "late" and self.files:
            assert not self.import_("snapshot", [f"{phone(number)}," for number in numbers], self.newest - 1)
            return
        for _ in range(2 if sort == "twice" else 1):
            assert self.import_("snapshot", [f"{phone(number)}," for number in sorted(numbers)], on)
        self.files.append(numbers)
        self.newest = on
        self.truth.take("snapshot", numbers, on)

    def delta(self, on: int) -> None:
        live = self.truth.live["delta"]
        said = {number: self.dice.choice(["add", "remove", "", "", "", ""]) for number in range(ACCOUNTS)}
        adds, removed = ({number for number, what in said.items() if what == each} for each in ("add", "remove"))
        lines = [f"{phone(number)},{said[number]}" for number in sorted(adds | removed)]
        if self.import_("delta", lines, on, "empty"):
            self.truth.take("delta", (live | adds) - removed, on)

    def by_hand(self) -> None:
        """What people and other programs do to a store."""
        before = copy.deepcopy(self.truth)
        number = self.store.at().number
        match self.dice.choice(["nothing", "nothing", "rename", "rollback", "compact"]):
            case "rename":
                new = f"{self.names['snapshot']}-"
                if self.names["snapshot"] in self.store.at().record.origins:
                    edits.rename_source(self.store, self.names["snapshot"], new, *_WHO)
                    self.names["snapshot"] = new
            case "rollback":
                wrong = [f"{phone(number)}," for number in range(ACCOUNTS)]
                today = max(each.confirmed_on for each in self.store.at().record.origins.values())
                if self.import_("snapshot", wrong, (today - day(0)).days):
                    edits.rollback(self.store, number, *_WHO)
                    self.truth = before
            case "compact":
                table = deltalake.DeltaTable(self.store.path)
                deltalake.write_deltalake(table, table.to_pyarrow_table(), mode="overwrite")
                edits.adopt(self.store, *_WHO)

    # --- nights -------------------------------------------------------------------------------------

    def night(self, on: int) -> int:
        """One night; gives the day on which what it found was told."""
        held = on > 0 and self.dice.random() < 0.3
        self.operator.say(STORE_JOB.format(since=SINCE, most=0 if held else 1))
        run, told_on = self.operator.run(on), on
        assert run.folder is not None
        if run.held:
            assert [reason.split(":")[0] for reason in run.held] == ["new_suspend"]
            told_on = on + self.dice.choice([0, 1, 3])
            approved = datetime.combine(day(told_on), time(12), tzinfo=UTC)
            with mock.patch("cardscreen.review.decisions.held._now", return_value=approved):
                deciding.approve(Finished.read(run.folder), *_WHO)
        night = Night(next(runs.published(self.folder / "runs")))
        self.system.load(night)
        self.check(on, told_on, night.changes)
        return told_on

    def check(self, on: int, told_on: int, changes: Mapping[str, Row]) -> None:
        """Nobody is cut off who is not listed, or not long enough told, and nobody is missed."""
        for number, since in self.since.items():
            listed = self.truth.listed(number, since)
            standing = self.system.standing.get(f"c{number}", "none")
            found = changes.get(f"c{number}", {"action": "none"})["action"]
            assert found == {"same": "suspend", "earlier": "verify", None: "none"}[listed], (number, on, listed, found)
            if listed != "same":
                self.told.pop(number, None)
                assert standing in (("none",) if listed is None else ("none", "notify", "verify")), (number, listed)
                continue
            due = self.told.setdefault(number, told_on) + GRACE
            assert changes[f"c{number}"]["act_on"] == day(due), (number, on, due)
            assert (standing == "suspend") == (on >= due), (number, on, due, standing)
        assert not [name for name in self.system.standing if name.startswith("x")]


def play(seed: int, folder: Path) -> None:
    """The nights of one throw of the dice."""
    weeks, on = Weeks(seed, folder), 0
    while on < NIGHTS:
        weeks.snapshot(on)
        if weeks.dice.random() < 0.7:
            weeks.delta(on)
        if weeks.store.exists():
            weeks.by_hand()
            on = weeks.night(on)
        on += 1
