"""On what terms a source gives its lists, and how fresh they are.

Both are kept in the store beside the listings, so that every hit can be read out with its legal basis, and a
list that has stopped arriving is noticed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, cast

from pydantic import AliasChoices, Field, model_validator

from cardscreen.foundation.schema import Action
from cardscreen.foundation.settings.errors import HERE, Fault, wrong
from cardscreen.foundation.settings.placeholders import is_placeholder
from cardscreen.foundation.settings.toml import Section

_TEXTS = ("legal_basis", "allowed_use", "appeal")
Freshness = Literal["fresh", "stuck", "old", "stale", "idle", "retired"]


class Terms(Section):
    """What a source allows, as its feed file says under `[terms]`.

    Attributes:
        legal_basis: The law or the agreement that allows the list to be used; read out with every hit.
        allowed_use: What the list may be used for; likewise.
        appeal: Who decides on complaints; likewise.
        cap: The strongest action that a hit of this source can lead to.
        overridable: Whether an allow listing or a clearance exempts its hits.
        warn_after_days: Age of the data past which every run warns.
        error_after_days: Age past which runs are held.
        warn_unchanged_days: Days without any change past which every run warns: its source may be stuck.
        derived: Whether its listings were found here, from what other sources list: no lead rests on its hits.
    """

    legal_basis: str | None = None
    allowed_use: str | None = None
    appeal: str | None = None
    cap: Action = "close"
    overridable: bool = True
    warn_after_days: int | None = Field(None, ge=0)
    error_after_days: int | None = Field(None, ge=0)
    warn_unchanged_days: int | None = Field(None, ge=0)
    derived: bool = False

    @model_validator(mode="after")
    def _warn_first(self) -> Terms:
        warn, error = self.warn_after_days, self.error_after_days
        if warn is not None and error is not None and warn > error:
            raise ValueError("warn_after_days is more than error_after_days: nobody would be warned")
        return self

    def unfilled(self) -> list[str]:
        """The texts that a template left to be filled in, and that would be read out to people."""
        return [name for name in _TEXTS if is_placeholder(getattr(self, name) or "none")]


def require_filled_in(terms: Terms) -> None:
    """Refuse texts that would be read out to people, and that a template left to be filled in.

    Raises:
        WrongSettings: Names them.
    """
    if unfilled := terms.unfilled():
        problem = f"{HERE} is still a placeholder, and would be read out to people: say it, or leave the line out"
        raise wrong([Fault((name,), problem) for name in unfilled])


class Origin(Section):
    """What the store knows of one source.

    Attributes:
        terms: Its terms, as of its last import.
        mode: Whether its files are whole lists or changes.
        confirmed_on: The latest day of which the source has said that its data is true.
        changed_on: The latest day of the data on which a listing was added, changed or ended.
        imported_at: The instant of the last import.
        file: Name of the file imported last.
        sha256: Digest of that file.
        listings: Its listings in force on the day of that import.
        formerly: Names that the source had before.
        retired_on: The first day without the source, where a person has said that it has ended.
    """

    terms: Terms = Terms()
    mode: Literal["snapshot", "delta"] = "snapshot"
    # Commits of earlier releases know one day of the data.
    confirmed_on: date = Field(validation_alias=AliasChoices("confirmed_on", "data_date"))
    changed_on: date = Field(validation_alias=AliasChoices("changed_on", "data_date"))
    imported_at: datetime
    file: str
    sha256: str
    listings: int = Field(ge=0)
    formerly: tuple[str, ...] = ()
    retired_on: date | None = None

    def age(self, as_of: date) -> int:
        """Days since the day that the data is of; 0 before it, as where another time zone has that day already.

        Example:
            >>> said = {"changed_on": date(2026, 1, 1), "file": "a.csv", "sha256": "", "listings": 3}
            >>> Origin(confirmed_on=date(2026, 1, 1), imported_at=datetime(2026, 1, 1), **said).age(date(2026, 1, 5))
            4
        """
        return max((as_of - self.confirmed_on).days, 0)

    def freshness(self, as_of: date, *, idle: bool = False) -> Freshness:
        """`stale` past its terms' error_after_days, `old` past warn_after_days, `stuck` past warn_unchanged_days.

        What has no listing in force is `retired` or `idle`, and nothing of it can be too old.
        """
        if idle:
            return "retired" if self.retired_on is not None else "idle"
        limits = {
            "stale": (self.confirmed_on, self.terms.error_after_days),
            "old": (self.confirmed_on, self.terms.warn_after_days),
            "stuck": (self.changed_on, self.terms.warn_unchanged_days),
        }
        for state, (day, limit) in limits.items():
            if limit is not None and (as_of - day).days > limit:
                return cast(Freshness, state)
        return "fresh"
