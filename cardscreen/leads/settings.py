"""The file of leads: which job's run they start from, what makes a ring, and which customers are proposed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.schema import Action
from cardscreen.foundation.settings.toml import Day, Section, TomlFile, checked, read_toml
from cardscreen.leads.rings.find import RingRules, check_secrets
from cardscreen.lists.terms import Terms, require_filled_in
from cardscreen.runs.job import Job

Accept = Literal["person", "rule"]


class Texts(Section):
    """What is read out to people of a derived source, as under `[terms]` of a feed.

    Attributes:
        legal_basis: On which ground people are flagged.
        allowed_use: What the list may be used for.
        appeal: Who decides on complaints.
    """

    legal_basis: str | None = None
    allowed_use: str | None = None
    appeal: str | None = None

    @model_validator(mode="after")
    def _filled_in(self) -> Texts:
        require_filled_in(self.terms())
        return self

    def terms(self) -> Terms:
        """The terms of a derived source: its hits ask a person, and no lead rests on them."""
        return Terms(**self.model_dump(), cap="verify", derived=True)


class RingSettings(Section):
    """What makes a ring, under `[rings]`.

    Attributes:
        source: The source that is published; two files that publish into one store need two names.
        links: Identifier of the job → how many accounts may carry one value: a value that more carry links nobody.
        steps: So many links away from a listed account.
        min_listed: Listed accounts in a ring, at least.
        min_share: Their share of it, at least.
        max_accounts: A larger ring is told, and proposes nothing.
        severity: Of its listings.
        expires_after_days: Of its listings, from the last night that has found them.
        accept: Who accepts a proposal: a `person`, or this `rule` by itself.
    """

    source: str = Field("rings", min_length=1)
    links: dict[str, int] = Field(min_length=1)
    steps: int = Field(2, ge=1, le=5)
    min_listed: int = Field(2, ge=1)
    min_share: float = Field(0.3, ge=0, le=1)
    max_accounts: int = Field(500, ge=2)
    severity: int = Field(50, ge=1, le=100)
    expires_after_days: int = Field(30, ge=1, le=3650)
    accept: Accept = "person"

    @model_validator(mode="after")
    def _make_sense(self) -> RingSettings:
        try:
            self.rules()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self

    def rules(self) -> RingRules:
        """The same for the search."""
        return RingRules(**self.model_dump(exclude={"expires_after_days", "accept"}))


class CustomerLimit(Section):
    """How many values of an identifier a customer may have, under `[[customers.limits]]`.

    Attributes:
        identifier: The column of the job of which a customer may have so many.
        per: Columns within whose values it is counted, such as `operator`.
        above: More than so many propose the customer.
        opened: The column of the day on which an account was opened.
        since: Accounts opened before that day, and those of which nobody knows it, don't count.
        exempt: Column → values: accounts that have one of them don't count. They are hits of a published customer all
            the same.
        reason: Of its listings.
        severity: Of its listings.
    """

    identifier: str
    per: list[str] = []
    above: int = Field(ge=1)
    opened: str | None = None
    since: Day | None = None
    exempt: dict[str, list[str]] = {}
    reason: str = Field("too_many", min_length=1)
    severity: int = Field(40, ge=1, le=100)

    @model_validator(mode="after")
    def _both(self) -> CustomerLimit:
        if self.opened is not None and self.since is None:
            raise ValueError(
                f"opened names {self.opened!r}, and no `since` says from which day on accounts count: add such as "
                "since = 2016-12-01, or leave out `opened`, and all accounts count"
            )
        if self.since is not None and self.opened is None:
            raise ValueError(
                f"since is {self.since}, and no `opened` says in which column of the accounts the day stands on which "
                'they were opened: add such as opened = "opened_on", or leave out `since`, and all accounts count'
            )
        return self


class CustomerSettings(Section):
    """Which customers are proposed, under `[customers]`.

    Attributes:
        source: The source that is published; two files that publish into one store need two names.
        column: The identifier of the job that names the customer.
        lift: The actions of an account that propose its customer.
        max_accounts: A customer of more is told, and not proposed: it is a name that many share, such as one for all
            who walk in.
        severity: Of its listings.
        expires_after_days: Of its listings.
        accept: Who accepts a proposal: a `person`, or this `rule` by itself.
        limits: How many a customer may have.
    """

    source: str = Field("customers", min_length=1)
    column: str
    lift: list[Action] = []
    max_accounts: int = Field(100, ge=1)
    severity: int = Field(50, ge=1, le=100)
    expires_after_days: int = Field(90, ge=1, le=3650)
    accept: Accept = "person"
    limits: list[CustomerLimit] = []

    @model_validator(mode="after")
    def _some(self) -> CustomerSettings:
        if not self.lift and not self.limits:
            raise ValueError("no customer would be proposed: say `lift`, or [[customers.limits]]")
        if "none" in self.lift:
            raise ValueError(
                "lift: none is no action: a customer is proposed for one of notify, verify, suspend, close"
            )
        return self


class LeadsFile(Section):
    """What a file of leads says.

    Attributes:
        job: The job file whose run leads start from.
        directory: Where the folders of leads lie.
        max_run_age_days: How long ago that run may have been made.
        rings: What makes a ring.
        customers: Which customers are proposed.
        terms: What is read out to people.
    """

    job: str = Field(min_length=1)
    directory: str = "leads"
    max_run_age_days: int = Field(2, ge=0)
    rings: RingSettings | None = None
    customers: CustomerSettings | None = None
    terms: Texts = Texts()

    @model_validator(mode="after")
    def _some(self) -> LeadsFile:
        if self.rings is None and self.customers is None:
            raise ValueError("nothing is looked for: say [rings], or [customers]")
        if self.rings is not None and self.customers is not None and self.rings.source == self.customers.source:
            raise ValueError(f"rings and customers are both to be the source {self.rings.source!r}: name two")
        return self


@dataclass(frozen=True)
class Leads:
    """A checked file of leads.

    Attributes:
        file: Where it lies.
        said: What it says.
        job: The job whose run leads start from.
        directory: Where the folders of leads lie.
    """

    file: Path
    said: LeadsFile
    job: Job
    directory: Path

    @classmethod
    def read(cls, path: str | Path) -> Leads:
        """Leads from their TOML file; relative paths are read from the file's own folder.

        Raises:
            ConfigError: No such file, or anything in it, or in its job, that makes no sense.
        """
        file = Path(path).absolute()
        toml = read_toml(file, str(path))
        said = checked(LeadsFile, toml)
        job = Job.read(file.parent / said.job)
        leads = cls(file, said, job, file.parent / said.directory)
        leads._check_columns(toml)
        return leads

    def sources(self) -> dict[str, RingSettings | CustomerSettings]:
        """The derived sources that it makes, each with its settings."""
        both = (self.said.rings, self.said.customers)
        return {settings.source: settings for settings in both if settings is not None}

    def columns(self) -> list[str]:
        """The identifiers of the job that are searched."""
        names = [*(self.said.rings.links if self.said.rings else {})]
        if (customers := self.said.customers) is not None:
            names += [customers.column, *(limit.identifier for limit in customers.limits)]
        return list(dict.fromkeys(names))

    def _check_columns(self, toml: TomlFile) -> None:
        """Refuse columns that are no identifiers of the job."""
        rings, customers = self.said.rings, self.said.customers
        named: dict[tuple[str | int, ...], str] = {}
        if rings is not None:
            named |= {("rings", "links", column): column for column in rings.links}
        if customers is not None:
            named[("customers", "column")] = customers.column
            for at, limit in enumerate(customers.limits):
                named[("customers", "limits", at, "identifier")] = limit.identifier
        known = self.job.identifiers
        problems = [
            f"{toml.where(*place)}: {column!r} is no identifier of the job{near(column, known)}: it has "
            f"{', '.join(known)}"
            for place, column in named.items()
            if column not in known
        ]
        if problems:
            raise ConfigError(*problems)
        linked = {} if rings is None else {column: known[column] for column in rings.links}
        if customers is not None:
            linked[customers.column] = known[customers.column]
        check_secrets(linked, self.job.token_key)
