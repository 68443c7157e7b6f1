"""The agreement of two institutions: who asks whom about what, on which ground, how, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from cardscreen.foundation.errors import ConfigError, InputError, near
from cardscreen.foundation.secrets.boxes import derived
from cardscreen.foundation.settings.errors import HERE, Fault, wrong
from cardscreen.foundation.settings.placeholders import is_placeholder
from cardscreen.foundation.settings.toml import Day, Section, checked, read_toml
from cardscreen.kinds.kind import KINDS
from cardscreen.kinds.tokens import TokenKey
from cardscreen.lists.terms import Terms
from cardscreen.runs.job.file import KeyFrom

Method = Literal["token", "oprf"]
#: What both copies of an agreement must say alike.
ALIKE = ("asker", "answerer", "purpose", "legal_basis", "kinds", "method", "holder", "answer", "replaces")
_LONGEST = 1_000  # characters of a text
#: How far time zones are from UTC.
_BEHIND, _AHEAD = timedelta(hours=12), timedelta(hours=14)
_TEXTS = ("id", "asker", "answerer", "purpose", "legal_basis", "holder", "appeal", "listed_as")


class AgreementFile(Section):
    """What an agreement says, in the copy of one of the two.

    Attributes:
        id: The agreement's name.
        asker: Who asks.
        answerer: Who answers.
        purpose: What for.
        legal_basis: On which ground.
        kinds: Of which kinds values are matched.
        valid_until: The last day.
        method: Keyed tokens, or oblivious ones (`oprf`).
        holder: Of `oprf`: who offers a list.
        answer: `matches`: which of the asker's; or `count`: only how many.
        key: The key that both have.
        own_key: This side's own key, by which it seals what it keeps; made in `exchange/`, when left out.
        min_identifiers: Of a request: smaller ones are fishing.
        max_identifiers: Of a request.
        max_per_day: That are answered about, by the day in UTC.
        small_counts_below: Smaller counts are told as `<5`.
        expires_after_days: Of each file.
        listed_for_days: Of matches as listings, unless they are found again.
        listed_as: The source of these listings; the other side, when left out.
        severity: Of these listings.
        appeal: Who decides on complaints about them.
        replaces: The agreement whose place this one takes.
    """

    id: str = Field(min_length=1)
    asker: str = Field(min_length=1)
    answerer: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    legal_basis: str = Field(min_length=1)
    kinds: list[str] = Field(min_length=1)
    valid_until: Day
    method: Method = "token"
    holder: str | None = None
    answer: Literal["matches", "count"] = "matches"
    key: KeyFrom
    own_key: KeyFrom | None = None
    min_identifiers: int = Field(100, ge=1)
    max_identifiers: int = Field(200_000, ge=1)
    max_per_day: int = Field(500_000, ge=1)
    small_counts_below: int = Field(5, ge=0)
    expires_after_days: int = Field(14, ge=1, le=366)
    listed_for_days: int = Field(30, ge=1, le=366)
    listed_as: str | None = Field(None, min_length=1)
    severity: int = Field(50, ge=1, le=100)
    appeal: str | None = None
    replaces: str | None = None

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: list[str]) -> list[str]:
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(f"unknown kind {kind!r}{near(kind, KINDS)}: the kinds are {', '.join(KINDS)}")
        if len({*kinds}) < len(kinds):
            raise ValueError("a kind is named twice")
        return sorted(kinds)  # both copies count them in one order

    @model_validator(mode="after")
    def _makes_sense(self) -> AgreementFile:
        empty = [name for name in _TEXTS if is_placeholder(getattr(self, name) or "none")]
        if empty:
            problem = f"{HERE} is still a placeholder: say it, since both sides, and the person concerned, read it"
            raise wrong([Fault((name,), problem) for name in empty])
        for name in _TEXTS:
            why = _unreadable(getattr(self, name) or "none")
            if why is not None:
                raise wrong([Fault((name,), f"{HERE} {why}")])
        if self.asker.casefold() == self.answerer.casefold():
            raise ValueError("asker and answerer are the same: an agreement is of two")
        if self.min_identifiers > self.max_identifiers or self.max_identifiers > self.max_per_day:
            raise ValueError("min_identifiers, max_identifiers and max_per_day must not fall")
        if self.replaces == self.id:
            raise ValueError("an agreement can't replace itself: give it an id of its own")
        self._check_method()
        return self

    def _check_method(self) -> None:
        parties = (self.asker, self.answerer)
        if self.method == "token" and self.holder is not None:
            raise ValueError('holder is who offers a list: say it where method = "oprf"')
        if self.method == "oprf" and self.holder not in parties:
            raise ValueError(f"holder says who offers a list: one of {self.asker!r} and {self.answerer!r}")
        if self.method == "oprf" and self.answer == "count":
            raise ValueError('answer = "count" is not to be had by oprf: who finishes sees which of its own match')


def _unreadable(text: str) -> str | None:
    """Why a text can't stand in letters, ledgers and feeds."""
    if len(text) > _LONGEST:
        return f"has more than {_LONGEST:,} characters"
    if not text.isprintable() or text != text.strip():
        return "has blanks around it, or characters that can't be printed, such as a line break"
    return None


@dataclass(frozen=True)
class Agreement:
    """A checked agreement.

    Attributes:
        file: Where it lies; `exchange/` is beside it.
        said: What it says.
    """

    file: Path
    said: AgreementFile

    @classmethod
    def read(cls, path: str | Path) -> Agreement:
        """An agreement from its TOML file; relative paths are read from the file's own folder.

        Raises:
            ConfigError: No such file, or anything in it that makes no sense; tells what and where.
        """
        file = Path(path).absolute()
        return cls(file, checked(AgreementFile, read_toml(file, str(path))))

    @property
    def id(self) -> str:
        """Its name."""
        return self.said.id

    @cached_property
    def key(self) -> ExchangeKey:
        """The key that both have, asked for once.

        Raises:
            ConfigError: It can't be had.
        """
        return ExchangeKey(self.said.key.token_key(self.file.parent), self.id)

    def alike(self) -> dict[str, Any]:
        """What the other's copy must say, too."""
        return self.said.model_dump(mode="json", include={*ALIKE})

    def require(self, method: Method, step: str) -> None:
        """Refuse a step of the other method, and any step when the agreement has ended.

        Raises:
            ConfigError: The agreement is of the other method.
            InputError: It has ended.
        """
        if self.said.method != method:
            steps = {"token": "ask, answer and read", "oprf": "offer, blind, evaluate and finish"}
            raise ConfigError(
                f"{step} is no step of this agreement, whose method is {self.said.method!r}: its steps are "
                f"{steps[self.said.method]}"
            )
        if today() > self.said.valid_until:
            raise InputError(
                f"the agreement {self.id!r} ended on {self.said.valid_until}: nothing is exchanged under it any more. "
                "A new agreement may replace it; cardscreen exchange close removes what was kept"
            )

    def other(self, party: str) -> str:
        """The other party."""
        return self.said.answerer if party == self.said.asker else self.said.asker

    def source_of(self, party: str) -> str:
        """As which source what a party has named is listed."""
        return self.said.listed_as or party

    @property
    def holder(self) -> str:
        """Who offers and evaluates."""
        assert self.said.holder is not None
        return self.said.holder

    def terms(self) -> Terms:
        """On what terms matches become listings: they ask a person, and no lead rests on them."""
        said = self.said
        use = f"{said.purpose} (agreement {said.id}, until {said.valid_until})"
        return Terms(legal_basis=said.legal_basis, allowed_use=use, appeal=said.appeal, cap="verify", derived=True)


class ExchangeKey:
    """The key of an agreement, and what is made from it. It shows its id and nothing else."""

    __slots__ = ("_key", "_name", "id")

    def __init__(self, key: TokenKey, name: str) -> None:
        self._key, self._name, self.id = key, name, key.id

    def of_files(self) -> bytes:
        """By which files are sealed."""
        return self._derived("files")

    def of_tokens(self) -> TokenKey:
        """Under which both sides make tokens; of no use under another agreement."""
        return TokenKey(self._derived("tokens").hex())

    def _derived(self, what: str) -> bytes:
        return derived(self._key.reveal().encode(), f"cardscreen exchange {what}: {self._name}")

    def __repr__(self) -> str:
        """The id only."""
        return f"ExchangeKey(id={self.id!r})"


def today() -> date:
    """The day in UTC: two institutions need not share a time zone."""
    return datetime.now(UTC).date()


def days() -> tuple[date, date]:
    """The first and the last of the days that it is now somewhere: of which zone its days are, no store says."""
    now = datetime.now(UTC)
    return (now - _BEHIND).date(), (now + _AHEAD).date()
