"""Who owns a number by its leading digits: the longest prefix, or narrowest range of prefixes, decides.

Card schemes and a bank's own BIN table are both such tables. A number's first six digits lead to a row, or to a
page for the next two; only where eight don't decide is the table searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.foundation.lookup.pointers import bytes_at, keys_at
from cardscreen.foundation.lookup.texts import Texts, is_given, opened, place_of, size_of

_Keys = npt.NDArray[np.uint64]
_Rows = npt.NDArray[np.int32]

#: Digits that lead to a row or page, and digits in a page: IINs have six digits or eight (ISO/IEC 7812-1:2017), and a
#: row for each of 10⁸ numbers would take 400 MB; one for each of 10⁶, with pages where six don't decide, takes 4.
_HEAD, _PAGE = 6, 2
_PAGE_SIZE = 10**_PAGE
_NOUGHT, _LAST, _TEN = ord("0"), ord("9"), np.uint64(10)
#: What stands in place of a row: no row owns these numbers; several do. Below them: the number of a page.
NOBODY, _SEVERAL, _FIRST_PAGE = -1, -2, -3


@dataclass(frozen=True)
class Prefixes:
    """A table by leading digits.

    Attributes:
        digits: How many leading digits decide: as many as the longest prefix has, or more; at least eight.
        table: Intervals of numbers of that many digits, with the payload.
    """

    digits: int
    table: Intervals

    @classmethod
    def of(cls, first: pl.Series, last: pl.Series, payload: pl.DataFrame, digits: int) -> Prefixes:
        """A table of ranges of prefixes.

        Args:
            first: The lowest prefix of each range, String; for a single prefix the same as `last`.
            last: The highest one, included.
            payload: What is told of each range.
            digits: At least as many as the longest prefix has.

        Example:
            >>> owner = pl.DataFrame({"name": ["wide", "narrow"]})
            >>> prefixes = Prefixes.of(pl.Series(["6", "622"]), pl.Series(["6", "624"]), owner, 8)
            >>> prefixes.table.payload["name"].to_list()
            ['wide', 'narrow', 'wide']
            >>> prefixes.find(np.array([62399999, 62500000, 70000000], dtype=np.uint64)).tolist()
            [1, 2, -1]
        """
        spans = payload.with_columns(
            low=first.str.pad_end(digits, "0").cast(pl.UInt64), high=last.str.pad_end(digits, "9").cast(pl.UInt64)
        )
        return cls(digits, Intervals.narrowest(spans))

    def find(self, leading: _Keys) -> _Rows:
        """The payload's row of each number, `NOBODY` where there is none.

        Args:
            leading: The first `digits` digits of each number.
        """
        heads, pages = self._pages
        row: _Rows = heads.take((leading // np.uint64(10 ** (self.digits - _HEAD))).view(np.int64))
        paged = np.flatnonzero(row <= _FIRST_PAGE)
        if len(paged):
            place = leading[paged] // np.uint64(10 ** (self.digits - _HEAD - _PAGE)) % np.uint64(_PAGE_SIZE)
            row[paged] = pages.take((_FIRST_PAGE - row[paged]) * _PAGE_SIZE + place.view(np.int64))
        unsure = np.flatnonzero(row == _SEVERAL)
        if len(unsure):
            edges, owners = self._cells
            row[unsure] = owners[np.searchsorted(edges, leading[unsure].view(np.int64), side="right") - 1]
        return row

    @cached_property
    def _cells(self) -> tuple[npt.NDArray[np.int64], _Rows]:
        """Where owners change, from 0 on, and who owns what begins there."""
        low, high = (ends.to_numpy().astype(np.int64) for ends in (self.table.low, self.table.high))
        edges = np.unique(np.concatenate([[0], low, high + 1]))
        row = np.searchsorted(low, edges, side="right") - 1
        return edges, np.where((row >= 0) & (edges <= np.append(high, -1)[row]), row, NOBODY).astype(np.int32)

    @cached_property
    def _pages(self) -> tuple[_Rows, _Rows]:
        """For each six digits a row or page, and the pages one after another."""
        edges, owners = self._cells
        span = 10 ** (self.digits - _HEAD)
        count = 10**_HEAD
        # How many cells have begun at the start of each head, and at its end.
        at_start = np.cumsum(np.bincount(-(-edges // span), minlength=count + 1))[:count] - 1
        at_end = np.cumsum(np.bincount(edges // span, minlength=count + 1))[:count] - 1
        heads = np.where(at_start == at_end, owners[at_start], _SEVERAL).astype(np.int32)
        split = np.flatnonzero(heads == _SEVERAL)
        heads[split] = _FIRST_PAGE - np.arange(len(split), dtype=np.int32)
        step = span // _PAGE_SIZE
        first = ((split * _PAGE_SIZE)[:, None] + np.arange(_PAGE_SIZE)).ravel() * step
        at_start, at_end = (np.searchsorted(edges, ends, side="right") - 1 for ends in (first, first + step - 1))
        return heads, np.where(at_start == at_end, owners[at_start], _SEVERAL).astype(np.int32)

    def of_shown(self, text: pl.Expr) -> pl.Expr:
        """The payload's row that owns all numbers which begin with the digits shown: UInt32. Streams.

        Args:
            text: String that begins with the known digits; any other character stands for any digit.

        Returns:
            Null where no row, or not one alone, owns them all.
        """

        def rows(texts: pl.Series) -> pl.Series:
            low, high = (np.zeros(len(texts), dtype=np.uint64) for _ in range(2))
            cells = Texts(texts)
            _leading(cells.address, len(texts), self.digits, low, high)
            first, last = self.find(low), self.find(high)
            rows = pl.Series(texts.name, np.where((first == last) & (high > 0), first, NOBODY))
            return rows.cast(pl.UInt32, strict=False)  # null of nobody

        return text.map_batches(rows, return_dtype=pl.UInt32, is_elementwise=True)


@loop
def _leading(texts: int, rows: int, digits: int, low: int, high: int) -> None:
    """The least and the greatest number of so many digits that begins with those of each text; of nulls 0 stays."""
    cells, least, greatest = opened(texts), keys_at(low), keys_at(high)
    for row in range(rows):
        if not is_given(cells, row):
            continue
        size, text, shown = size_of(cells, row), bytes_at(place_of(cells, row)), 0
        first, last = np.uint64(0), np.uint64(0)
        for at in range(digits):
            if shown == at and at < size and _NOUGHT <= text[at] <= _LAST:
                shown += 1
                digit = np.uint64(text[at] - _NOUGHT)
                first, last = first * _TEN + digit, last * _TEN + digit
            else:
                first, last = first * _TEN, last * _TEN + np.uint64(9)
        least[row], greatest[row] = first, last
