"""On what terms a source gives its lists, and how fresh they are.

Both are kept in the store beside the listings, so that every hit can be read out with its legal basis, and a
list that has stopped arriving is noticed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field, model_validator

from cardscreen.config import Section
from cardscreen.schema import Action


class Terms(Section):
    """What a source allows, as its feed file says under `[terms]`.

    Attributes:
        cap: The strongest action that a hit of this source can lead to.
        overridable: Whether an allow listing or a clearance exempts its hits.
        warn_after_days: Age of the data past which every run warns.
        error_after_days: Age past which runs are held.
    """

    legal_basis: str | None = None
    allowed_use: str | None = None
    appeal: str | None = None
    cap: Action = "close"
    overridable: bool = True
    warn_after_days: int | None = Field(None, ge=0)
    error_after_days: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _warn_first(self) -> Terms:
        warn, error = self.warn_after_days, self.error_after_days
        if warn is not None and error is not None and warn > error:
            raise ValueError("warn_after_days is more than error_after_days: nobody would be warned")
        return self


class Origin(Section):
    """What the store knows of one source.

    Attributes:
        terms: Its terms, as of its last import.
        mode: Whether its files are whole lists or changes.
        data_date: The day that the data is of; importing the same file again does not move it.
        imported_at: The instant of the last import.
        file: Name of the file imported last.
        sha256: Digest of that file.
        listings: Its listings in force on the day of that import.
    """

    terms: Terms = Terms()
    mode: Literal["snapshot", "delta"] = "snapshot"
    data_date: date
    imported_at: datetime
    file: str
    sha256: str
    listings: int = Field(ge=0)

    def age(self, as_of: date) -> int:
        """Days since the day that the data is of.

        Example:
            >>> said = {"data_date": date(2026, 1, 1), "file": "a.csv", "sha256": "", "listings": 3}
            >>> Origin(imported_at=datetime(2026, 1, 1), **said).age(date(2026, 1, 5))
            4
        """
        return (as_of - self.data_date).days

    def freshness(self, as_of: date) -> Literal["fresh", "old", "stale"]:
        """`stale` past its terms' error_after_days, `old` past warn_after_days."""
        age = self.age(as_of)
        if self.terms.error_after_days is not None and age > self.terms.error_after_days:
            return "stale"
        return "old" if self.terms.warn_after_days is not None and age > self.terms.warn_after_days else "fresh"
