"""Cells that can't be read: what they hide is found by nobody, so past a limit nothing is said to be found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from cardscreen.foundation.errors import InputError
from cardscreen.runs.messages.mending import commonest


@dataclass(frozen=True)
class Unread:
    """How many cells of a column gave no value.

    Attributes:
        identifier: The column.
        filled: Cells in which something stands.
        rejected: Those of them that can't be read.
    """

    identifier: str
    filled: int
    rejected: int

    def summary(self) -> dict[str, Any]:
        """The same for a machine."""
        return asdict(self)

    def refuse_past(self, limit: float, where: str, rejects: pl.LazyFrame) -> None:
        """Refuse to go on where too many can't be read.

        Args:
            limit: The job's `rejected_share`.
            where: In what they stand, for the message.
            rejects: `schema.REJECTS` of all columns.

        Raises:
            InputError: Says how many, of which shapes, and what would mend it.
        """
        if self.rejected <= limit * self.filled:
            return
        of_column = pl.col("identifier").is_null() | (pl.col("identifier") == self.identifier)
        raise InputError(
            f"{where}: {self.rejected:,} of {self.filled:,} filled cells of {self.identifier!r} can't be read "
            f"({self.rejected / self.filled:.1%}, limit rejected_share = {limit:g} under [limits] of the job), and "
            "what can't be read finds nobody:",
            *(f"  {line}" for line in commonest(rejects.filter(of_column))),
        )
