"""Codes of what a dialled string means: region, type and status as one small integer."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.lookup.digits import Flags
from cardscreen.kinds.phone.numbering import reference

Codes = npt.NDArray[np.uint32]

#: Digits that a key can hold: 2 · 10¹⁸ fits UInt64, and two digits follow rules of their own.
SHORTEST, LONGEST = 3, 18
#: A row of a table, as keys: the first one, what to add to a key, and the code, with how many of its digits to keep.
START, ADD, TOLD, WIDTH = range(4)
#: Bits of the code in the last of these.
CODE = 32

#: What a table says of a key that has no meaning yet: `phonenumbers` must be asked; look up the key plus a number, or
#: its low digits plus a number, in the plan; look up its low digits behind a plus; it is a number that no integer
#: holds, and must be asked, too.
ASK, SHIFT, STRIP, ABROAD, LONG = range(5)
#: Meanings without a number.
MISSING = 5
ERRORS = {status: code for code, status in enumerate(reference.ERRORS.values(), start=MISSING + 1)}
NO_COUNTRY, NO_NUMBER, NOTHING_ABROAD, TOO_LONG = (
    ERRORS[name] for name in ("invalid_country_code", "not_a_number", "too_short_after_idd", "too_long")
)
#: Codes from here on have an E.164 number.
NUMBER = MISSING + 1 + len(ERRORS)
#: What the loop must know of each place where cells are dialled: which of the next three it is; the address of its
#: table; its country code; how many digits may be dropped in front of its numbers; and whether all must be dropped that
#: may be, where a key is as long as it can be, since what is left is too long for a number with or without them.
PLACE = 5
#: What the loop may lack, a bit for each: the table of numbers behind a plus, and the classes of all characters.
ABROAD_TABLE, CHARACTERS = 1, 2
#: A region; anywhere, so that only numbers behind a plus are some; a region that libphonenumber doesn't know.
HERE, NOWHERE, UNKNOWN = range(3)


class Meanings:
    """The distinct (region, type, status) and their codes; grows when an asked answer is a new one."""

    def __init__(self) -> None:
        statuses = [None] * MISSING + ["missing", *ERRORS]
        self._told: list[tuple[Any, Any, Any]] = [(None, None, status) for status in statuses]
        self._code = {meaning: code for code, meaning in enumerate(self._told) if code >= MISSING}
        self._lock = threading.Lock()
        self.columns = self._series()
        self.invalid = self._invalid()

    def learn(self, meanings: pl.DataFrame) -> Codes:
        """The code of each row of region, type and status."""
        with self._lock:
            before = len(self._told)
            codes: Codes = np.fromiter(map(self._code_of, meanings.iter_rows()), dtype=np.uint32, count=len(meanings))
            if len(self._told) > before:
                self.columns = self._series()
                self.invalid = self._invalid()
            return codes

    def _code_of(self, row: tuple[Any, Any, Any]) -> int:
        code = self._code.setdefault(row, len(self._told))
        if code == len(self._told):
            self._told.append(row)
        return code

    def _invalid(self) -> Flags:
        return np.array([status == "invalid" for *_, status in self._told])

    def _series(self) -> tuple[pl.Series, pl.Series, pl.Series]:
        region, kind, status = zip(*self._told, strict=True)
        return (
            pl.Series("region", region, dtype=pl.String),
            pl.Series("type", kind, dtype=schema.PHONE_TYPES),
            pl.Series("status", status, dtype=schema.PHONE_STATUSES),
        )
