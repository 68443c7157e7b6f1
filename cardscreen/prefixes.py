"""Who owns a number by its leading digits: the longest prefix, or narrowest range of prefixes, decides.

Card schemes and a bank's own BIN table are both such tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from cardscreen.intervals import Intervals


@dataclass(frozen=True)
class Prefixes:
    """A table by leading digits.

    Attributes:
        digits: How many leading digits decide: as many as the longest prefix has, or more.
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
            >>> prefixes = Prefixes.of(pl.Series(["6", "622"]), pl.Series(["6", "624"]), owner, 3)
            >>> prefixes.table.payload["name"].to_list()
            ['wide', 'narrow', 'wide']
        """
        spans = payload.with_columns(
            low=first.str.pad_end(digits, "0").cast(pl.UInt64), high=last.str.pad_end(digits, "9").cast(pl.UInt64)
        )
        return cls(digits, Intervals.narrowest(spans))

    def of_shown(self, text: pl.Expr) -> pl.Expr:
        """The payload's row that owns all numbers which begin with the digits shown: UInt32. Streams.

        Args:
            text: String that begins with the known digits; any other character stands for any digit.

        Returns:
            Null where no row, or not one alone, owns them all.
        """
        low, high = (self._row_with(text, fill) for fill in "09")
        return pl.when(low == high).then(low)

    def _row_with(self, text: pl.Expr, fill: str) -> pl.Expr:
        known = text.str.extract("^([0-9]*)").str.head(self.digits)
        return self.table.locate(known.str.pad_end(self.digits, fill).cast(pl.UInt64))
