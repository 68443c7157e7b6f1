"""A synthetic operator and bank, what four sources list on three nights, and which account is which case.

All numbers are made up: phones from libphonenumber's example numbers, cards from public scheme prefixes. Cells are as
dirty as published columns of phone numbers are. The same seed gives the same people each time; dates are counted from
the day of the second night.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any

import numpy as np
import polars as pl
from phonenumbers import PhoneNumber

from cardscreen.cli.demo import cards, numbers
from cardscreen.cli.demo.cases import CASES, Case

_SEED = 20261123
_OPERATOR_SHARE = 0.6
_JOINED, _LEFT = 0.002, 0.001  # of the accounts, from one night to the next
_NOISE = 8_000  # listings that match nobody
_RANGE = "+86170*"
#: Of the subscribers, how many the regulator lists by mistake: more than a night may newly suspend, and few enough
#: for its list to pass as one that has grown.
_MASS_SHARE = 0.018
#: People who have called before, and how many call of one number; and who call within an hour, for the first time.
_CALLERS, _CAMPAIGN = 14, 40
_ON_ONE_DEVICE = {"device gang": "D-GANG", "switchboard": "D-SWITCHBOARD", "family": "D-FAMILY"}
_SEGMENTS = {"consumer": 0.85, "business": 0.12, "iot": 0.03}
_REASONS = {"police": "telecom_fraud", "regulator": "sim_farm"}

Nights = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


class World:
    """Everything that the demo plants.

    Args:
        today: The day of the second night, from which all days are counted.
        accounts: How many there are on the first night.

    Attributes:
        subscribers: The operator's accounts of each night; on the third those of the second.
        customers: The bank's.
        pans: Their card numbers, in full.
        truth: account_id, case (its place in `CASES`).
        listings: One row each, with `nights`: whether each night's file has it.
        mass: The listings that the regulator makes by mistake.
        reports: What people report between the second and the third night: number, category, when, reporter, network.
    """

    def __init__(self, today: date, accounts: int) -> None:
        self.today = today
        self._random = np.random.default_rng(_SEED)
        self._scale = accounts / 200_000
        self._listings: list[dict[str, Any]] = []
        self._mass: list[dict[str, Any]] = []
        self._truth: list[tuple[str, int]] = []
        self._reports: list[tuple[str, str, str, str, str]] = []
        self._drawn_in: list[PhoneNumber] = []
        self._numbers = numbers.of_the_world(self._random)
        self._ranged = numbers.in_region(self._random, "CN", "1700000000")
        at_operator = round(accounts * _OPERATOR_SHARE)
        self.subscribers = self._operator(at_operator)
        self.pans = cards.drawn(self._random, _with_new(accounts - at_operator))
        self.customers = self._bank(accounts - at_operator)
        self._noise(round(_NOISE * max(self._scale, 0.01)))
        self.listings = pl.DataFrame(self._listings, infer_schema_length=None)
        self.mass = pl.DataFrame(self._mass, schema=self.listings.schema)
        self.truth = pl.DataFrame(self._truth, schema=["account_id", "case"], orient="row")
        self.reports = self._reported()

    def _plant(self, where: str, rows: int) -> tuple[Iterator[tuple[Case, list[int]]], list[int]]:
        """Rows for each case, noted; and the rows that are free, in an order that looks drawn."""
        order = self._random.permutation(rows).tolist()
        free = iter(order)
        planted = [
            (case, list(islice(free, case.many(self._scale))), at)
            for at, case in enumerate(CASES)
            if case.where == where
        ]
        for _, chosen, at in planted:
            self._truth += [(_name(where, row), at) for row in chosen]
        return ((case, chosen) for case, chosen, _ in planted), list(free)

    def _each_night(self, table: pl.DataFrame, rows: int, free: list[int]) -> Nights:
        """The accounts of each night: some join after the first, some of those that are no case leave."""
        left = free[: round(rows * _LEFT)]
        later = table.filter(~pl.int_range(pl.len()).is_in(left))
        return table.head(rows), later, later

    # --- the operator

    def _operator(self, rows: int) -> Nights:
        every = _with_new(rows)
        theirs = list(islice(self._numbers, every))
        since = [self.today - timedelta(days=int(days)) for days in self._random.integers(60, 3000, every)]
        segments = self._random.choice(list(_SEGMENTS), every, p=list(_SEGMENTS.values())).tolist()
        ported: list[date | None] = [None] * every
        cases, free = self._plant("operator", rows)
        planted = []
        devices = [f"D{row:07}" for row in range(every)]
        holders = [f"H{row:07}" for row in range(every)]
        for case, at in cases:
            planted += at
            self._list_numbers(case, at, theirs, since)
            self._report(case, [numbers.e164(theirs[row]) for row in at])
            for row in at:
                segments[row] = case.segment or segments[row]
                if case.group == "device gang" and not case.source:
                    self._drawn_in.append(theirs[row])
                if case.group in _ON_ONE_DEVICE:
                    devices[row] = _ON_ONE_DEVICE[case.group]
                if case.group == "many cards":
                    holders[row] = "H-FORTY"
                ported[row] = self.today - timedelta(days=10) if case.ported else None
        cells = numbers.spelled(self._random, theirs, numbers.SPELLINGS)
        readable = numbers.spelled(self._random, [theirs[row] for row in planted], numbers.READABLE)
        for row, cell in zip(planted, readable, strict=True):
            cells[row] = cell
        for row in free[-round(rows * _MASS_SHARE) :]:
            self._mass.append(self._listing("regulator", "phone", numbers.e164(theirs[row]), listed_on=self._day(-1)))
        table = pl.DataFrame(
            {
                "account_id": [_name("operator", row) for row in range(every)],
                "mobile": cells,
                "country": [numbers.region_of(each) for each in theirs],
                "holder_since": since,
                "ported_in": pl.Series(ported, dtype=pl.Date),
                "segment": segments,
                "device": devices,
                "customer": holders,
            }
        )
        return self._each_night(table, rows, free)

    def _list_numbers(self, case: Case, at: list[int], theirs: list[PhoneNumber], since: list[date]) -> None:
        if not case.source:
            return
        if case.trap == "ranged":
            for row in at:
                theirs[row] = next(self._ranged)
            self._list(case, "phone", _RANGE, None)
            return
        if case.trap == "shared":
            for row in at[1:]:
                theirs[row] = theirs[at[0]]
            at = at[:1]
        for row in at:
            value = numbers.e164(theirs[row])
            self._list(case, "phone", value, since[row], reference=f"A{row:08}" if case.source == "police" else None)
            if any(case.allowed):
                hotline: dict[str, Any] = {"list": "allow", "reason": "hotline", "nights": case.allowed}
                self._listings.append(self._listing("regulator", "phone", value, **hotline))

    def _report(self, case: Case, values: list[str]) -> None:
        """What people report of a case's numbers, by people who have reported others before, or all at once."""
        if case.group == "reported":
            for value, at in ((value, at) for value in values for at in range(_CALLERS)):
                when = f"{self._day(-1 - at % 5)} {at % 24:02}:10"
                self._reports.append((value, "telecom_fraud", when, _caller(at), f"network-{at % 7}"))
        if case.group == "revenge":
            for value, at in ((value, at) for value in values for at in range(_CAMPAIGN)):
                when = f"{self._day(0)} 20:{at:02}"
                self._reports.append((value, "telecom_fraud", when, _caller(1_000 + at), "network-1"))

    def _reported(self) -> pl.DataFrame:
        """All reports: those of planted cases, and what the same people say of numbers that nobody here has."""
        for at, number in enumerate(islice(self._numbers, _CALLERS * 3)):
            when = f"{self._day(-8 - at % 5)} {at % 24:02}:40"
            self._reports.append((numbers.e164(number), "nuisance", when, _caller(at % _CALLERS), f"network-{at % 7}"))
        names = ["number", "category", "when", "reporter", "network"]
        return pl.DataFrame(self._reports, schema=names, orient="row")

    # --- the bank

    def _bank(self, rows: int) -> Nights:
        every = _with_new(rows)
        styles = cards.styles(self._random, every)
        phones = list(islice(self._numbers, every))
        cells = numbers.spelled(self._random, phones, numbers.SPELLINGS)
        cases, free = self._plant("bank", rows)
        gang: list[int] = []
        for case, at in cases:
            for row in at:
                styles[row] = "spaces"
            if case.group == "partner":
                for row, number in zip(at, self._drawn_in, strict=True):
                    phones[row], cells[row] = number, numbers.e164(number)
                continue
            if case.group == "card gang":
                gang += at
                for row in at if case.source else ():
                    cells[row] = numbers.e164(phones[row])
                    self._list(case, "phone", cells[row], None)
                continue
            for row in at:
                pan = self.pans[row]
                self._list(case, "card", cards.hidden(pan) if case.source == "fraud-desk" else pan, None)
        for row in gang:
            self.pans[row] = self.pans[gang[0]]
        opened = [self.today - timedelta(days=int(days)) for days in self._random.integers(40, 4000, every)]
        table = pl.DataFrame(
            {
                "account_id": [_name("bank", row) for row in range(every)],
                "card_no": [cards.written(pan, style) for pan, style in zip(self.pans, styles, strict=True)],
                "phone": cells,
                "country": [numbers.region_of(each) for each in phones],
                "opened_on": opened,
            }
        )
        return self._each_night(table, rows, free)

    # --- the lists

    def _list(self, case: Case, kind: str, value: str, since: date | None, **more: Any) -> None:
        """A case's listing, made before or after the day since which the account has the number."""
        before = since is not None and case.listed is None
        usual: dict[str, Any] = {
            "severity": case.severity,
            "reason": "reported" if case.severity < 40 else _REASONS.get(case.source),
            "listed_on": since - timedelta(days=100) if since and before else self._day(case.listed or 0),
            "expires_on": None if case.expires is None else self._day(case.expires),
            "nights": case.nights,
        }
        self._listings.append(self._listing(case.source, kind, value, **usual, **more))

    def _listing(self, source: str, kind: str, value: str, **more: Any) -> dict[str, Any]:
        usual: dict[str, Any] = {
            "list": "block",
            "reason": _REASONS.get(source),
            "severity": 95,
            "listed_on": self._day(-30),
        }
        usual |= {"expires_on": None, "reference": None, "nights": (True, True)}
        listing = {"source": source, "kind": kind, "value": value, **usual, **more}
        return {**listing, "nights": list(listing["nights"])}

    def _noise(self, listings: int) -> None:
        for number in islice(self._numbers, listings):
            source = "police" if number.country_code == 86 else "regulator"
            severity = int(self._random.integers(20, 100))
            self._listings.append(self._listing(source, "phone", numbers.e164(number), severity=severity))

    def _day(self, offset: int) -> date:
        return self.today + timedelta(days=offset)


def _with_new(rows: int) -> int:
    """How many accounts there are, with those that join after the first night."""
    return rows + round(rows * _JOINED)


def _caller(at: int) -> str:
    return f"+861880000{at:04}"


def _name(where: str, row: int) -> str:
    return f"{'S' if where == 'operator' else 'C'}{row:07}"
