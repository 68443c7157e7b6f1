"""What a policy says: levels, actions, days of grace, caps, sources, rules and clearances, as persons write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Unpack

import polars as pl
from pydantic import Field, ValidationError, field_validator, model_validator

from cardscreen.foundation import schema
from cardscreen.foundation.schema import Action
from cardscreen.foundation.settings.errors import complaint
from cardscreen.foundation.settings.toml import Section, TomlFile, checked, read_toml
from cardscreen.lists.terms import Terms
from cardscreen.policy.clearances import COLUMNS, clears, read_clearances
from cardscreen.policy.parts import PolicyParts
from cardscreen.policy.rules import ACCOUNT, Rule, Score, without_hidden

_ACTION_NAMES: list[str] = schema.ACTIONS.categories.to_list()


class Levels(Section):
    """Score from which a level holds.

    Attributes:
        low: The lowest score of the level `low`.
        medium: Of `medium`.
        high: Of `high`.
        critical: Of `critical`.
    """

    low: Score = 1
    medium: Score = 40
    high: Score = 70
    critical: Score = 90

    @model_validator(mode="after")
    def _rise(self) -> Levels:
        steps = [self.low, self.medium, self.high, self.critical]
        if steps != sorted(steps):
            raise ValueError(f"levels must rise from low to critical, not {', '.join(map(str, steps))}")
        return self


class Actions(Section):
    """What a level recommends.

    Attributes:
        low: What is recommended at the level `low`.
        medium: At `medium`.
        high: At `high`.
        critical: At `critical`.
    """

    low: Action = "notify"
    medium: Action = "verify"
    high: Action = "suspend"
    critical: Action = "suspend"

    @model_validator(mode="after")
    def _rise(self) -> Actions:
        actions = list(self)
        for (lower, weak), (higher, strong) in pairwise(actions):
            if _ACTION_NAMES.index(strong) < _ACTION_NAMES.index(weak):
                raise ValueError(
                    f"actions must not fall from low to critical: {higher} recommends {strong}, "
                    f"which is weaker than {weak} for {lower}"
                )
        return self


class GraceDays(Section):
    """Days from the notice to the day on which an action is due.

    Attributes:
        notify: Before a notice is due.
        verify: Before a person looks.
        suspend: Before the account is suspended.
        close: Before it is closed.
    """

    notify: int = Field(0, ge=0, le=3650)
    verify: int = Field(1, ge=0, le=3650)
    suspend: int = Field(3, ge=0, le=3650)
    close: int = Field(7, ge=0, le=3650)


class Caps(Section):
    """The strongest action that weak evidence can lead to.

    Attributes:
        earlier_holder: Of a number that was listed before its present holder had it.
        truncated: Of a number that hides digits, here or on the list.
        range: Of a range or a prefix, which covers innocent numbers, too.
        shared: Of a number that more accounts carry than `shared_above`.
        completed: Of a number that took its leading digits from the one before it: `82` behind `4104381/`.
        shared_above: Accounts past which a number counts as shared.
    """

    earlier_holder: Action = "verify"
    truncated: Action = "verify"
    range: Action = "verify"
    shared: Action = "verify"
    completed: Action = "verify"
    shared_above: int = Field(5, ge=1)


class Source(Section):
    """What holds for all hits of one source.

    Attributes:
        cap: The strongest action that its hits can lead to; it tightens the source's own terms, and never loosens them.
        overridable: Whether allow listings and clearances exempt its hits.
    """

    cap: Action = "close"
    overridable: bool = True


class Clearances(Section):
    """Where the decisions of persons on single accounts are kept.

    Attributes:
        file: A table of account_id, listing_id, decided_on, until, and perhaps by and reason. A row frees its account
            of all listings whose `listed_on` is not after `decided_on` and of those without one, also where they were
            imported later; a listing_id narrows that to one listing. `{as_of}` in the path is the night's day.
    """

    file: str = Field(min_length=1)


class Policy(Section):
    """How hits become actions. Everything has a default; `Policy()` is the default policy.

    Args:
        levels: low, medium, high, critical: the score from which each level holds (1, 40, 70, 90).
        actions: The same names: what each level recommends (notify, verify, suspend, suspend).
        grace_days: notify, verify, suspend, close: days from the notice to the action (0, 1, 3, 7).
        caps: earlier_holder, truncated, range, shared, completed: the strongest action that weak evidence leads to
            (verify); shared_above: accounts past which a number counts as shared (5).
        sources: A source's name → its cap (close) and whether allow listings and clearances exempt its hits,
            overridable (true).
        rules: Each with `when`: kind, source, reason, match, holder or account.COLUMN → a value, or several; and a
            score, a cap or measure_only = true. The first that matches a hit applies.
        clearances: file: a table of account_id, listing_id, decided_on, until, and perhaps by and reason.

    Raises:
        ConfigError: A key, value or order that makes no sense; tells all of them.

    Example:
        >>> Policy(levels={"high": 60}).levels.high
        60
    """

    levels: Levels = Levels()
    actions: Actions = Actions()
    grace_days: GraceDays = GraceDays()
    caps: Caps = Caps()
    sources: dict[str, Source] = {}
    rules: list[Rule] = []
    clearances: Clearances | None = None

    _offers: ClassVar[tuple[str, ...]] = ("read",)

    def __init__(self, /, **parts: Unpack[PolicyParts]) -> None:
        try:
            super().__init__(**dict(parts))
        except ValidationError as error:
            raise complaint(type(self), error, "policy") from None

    @field_validator("rules")
    @classmethod
    def _reachable(cls, rules: list[Rule]) -> list[Rule]:
        return without_hidden(rules)

    @classmethod
    def read(cls, path: str | Path) -> Policy:
        """A policy from a TOML file; a clearance file's path is read from the file's own folder.

        Raises:
            ConfigError: No such file, no TOML, or no policy.
        """
        return cls.from_settings(read_toml(Path(path)), Path(path).parent)

    @classmethod
    def from_settings(cls, settings: TomlFile, folder: Path) -> Policy:
        """A policy from parsed TOML; see `read`."""
        policy = checked(cls, settings)
        if policy.clearances is None:
            return policy
        file = str(folder / policy.clearances.file)
        return policy.model_copy(update={"clearances": Clearances(file=file)})

    def under(self, terms: Mapping[str, Terms]) -> Policy:
        """The same policy where sources have terms of their own: it may tighten those, never loosen them."""
        sources = dict(self.sources)
        for name, term in terms.items():
            own = sources.get(name, Source())
            cap = min(own.cap, term.cap, key=_ACTION_NAMES.index)
            sources[name] = Source(cap=cap, overridable=own.overridable and term.overridable)
        return self.model_copy(update={"sources": sources})

    def account_columns(self) -> list[str]:
        """The carried account columns that rules look at."""
        return list(self.account_values())

    def account_values(self) -> dict[str, list[str]]:
        """The carried account columns that rules look at, each with the values that they want there."""
        values: dict[str, dict[str, None]] = {}
        for rule in self.rules:
            for key, wanted in rule.conditions.items():
                if key.startswith(ACCOUNT):
                    values.setdefault(key.removeprefix(ACCOUNT), {}).update(dict.fromkeys(wanted))
        return {column: list(wanted) for column, wanted in values.items()}

    def details(self) -> list[str]:
        """The columns of `schema.DETAILS` that rules look at."""
        return [name for name in schema.DETAILS if any(name in rule.conditions for rule in self.rules)]

    def cleared(self, as_of: date, zone: str | None = None) -> pl.DataFrame | None:
        """The decisions of persons that hold on a day: `clearances.COLUMNS`; None where there is no file.

        Args:
            as_of: The day.
            zone: In which instants have theirs.

        Raises:
            InputError: The file can't be read.
            ConfigError: A day in it can't be read.
        """
        decisions = self.decisions(zone)
        return None if decisions is None else decisions.filter(clears(as_of)).select(COLUMNS)

    def decisions(self, zone: str | None = None) -> pl.DataFrame | None:
        """All decisions of persons, as `read_clearances` gives them; None where there is no file.

        Args:
            zone: In which instants have their day.

        Raises:
            InputError: The file can't be read.
            ConfigError: A day in it can't be read.
        """
        return read_clearances(self.clearances.file, zone) if self.clearances else None
