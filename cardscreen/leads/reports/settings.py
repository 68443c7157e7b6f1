"""The file of reports: how they are read, what they weigh, which steps they reach, and when a person must look."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.settings.toml import Section, checked, read_toml
from cardscreen.kinds.tokens import TokenKey
from cardscreen.leads.settings import Texts
from cardscreen.lists.feeds.feed import Columns, Feed, FeedLimits
from cardscreen.runs.job.file import KeyFrom

_OPTIONS = ("kind", "region", "chain", "platform", "name", "fold", "many", "repair", "encoding", "delimiter", "sheet")
_READING = ("header_row", "comment", "date_format", "timezone", "limits")


class ReportColumns(Section):
    """The file's own names of the columns of a report; any other, such as free text, is never read.

    Attributes:
        value: The number that is reported.
        category: Of what it is accused.
        reported_on: When.
        reporter: Who has reported it; kept as a token only.
        group: The network, branch or place that the report comes from.
    """

    value: str
    category: str
    reported_on: str
    reporter: str
    group: str | None = None


class Category(Section):
    """What reports of a category weigh: `weight` on their day, half of it after so many days, and so on.

    Attributes:
        half_life_days: Days after which half of the weight is left.
        weight: What a report weighs on its day.
        names: What files call the category, beside its own name.
    """

    half_life_days: float = Field(gt=0, le=3650)
    weight: float = Field(gt=0, le=1000)
    names: list[str] = []


class Step(Section):
    """From which weight on a value is listed with which severity.

    Attributes:
        weight: From which weight on a value is listed.
        severity: And how gravely.
    """

    weight: float = Field(gt=0)
    severity: int = Field(ge=1, le=100)


class Burst(Section):
    """So many reports of one value within so many hours.

    Attributes:
        reports: So many reports of one value.
        hours: Within so many hours.
    """

    reports: int = Field(ge=2)
    hours: float = Field(gt=0, le=24 * 366)


class Review(Section):
    """When a person must look; what is left out is not checked.

    Attributes:
        below_weight: The evidence weighs less than that, and the number is not listed so gravely yet.
        group_share: So much of it comes from one place.
        burst: So much of it came at once.
        new_reporters_share: So many of the reporters had reported nothing before their first report of this number.
    """

    below_weight: float | None = Field(None, gt=0)
    group_share: float | None = Field(None, gt=0, le=1)
    burst: Burst | None = None
    new_reporters_share: float | None = Field(None, gt=0, le=1)


class ReportRules(Section):
    """What reports weigh, and what follows.

    Args:
        categories: Name → half_life_days, weight, and names that files have for it.
        steps: Each with the weight from which a severity holds; both rise.
        review: below_weight, group_share, burst (reports, hours), new_reporters_share: when a person must look.
    """

    categories: dict[str, Category] = Field(min_length=1)
    steps: list[Step] = Field(min_length=1)
    review: Review = Review()

    @model_validator(mode="after")
    def _rise(self) -> ReportRules:
        for lower, higher in pairwise(self.steps):
            if higher.weight <= lower.weight or higher.severity <= lower.severity:
                raise ValueError("the steps must rise, in weight and in severity")
        names: dict[str, str] = {}
        for category, each in self.categories.items():
            for name in (category, *each.names):
                if names.setdefault(name.casefold(), category) != category:
                    raise ValueError(f"{name!r} names two categories")
        return self

    def named(self) -> dict[str, str]:
        """What files call a category, in small letters → the category."""
        return {
            name.casefold(): category for category, each in self.categories.items() for name in (category, *each.names)
        }


class ReportsFile(Section):
    """What a file of reports says.

    Attributes:
        source: As which source it is published; two files that publish into one store need two names.
        kind: The kind of the numbers.
        region: As in a feed.
        chain: As in a feed.
        platform: As in a feed.
        name: As in a feed.
        fold: As in a feed.
        many: As in a feed.
        repair: As in a feed.
        encoding: As in a feed.
        delimiter: As in a feed.
        sheet: As in a feed.
        header_row: As in a feed.
        comment: As in a feed.
        date_format: As in a feed.
        timezone: As in a feed.
        limits: As in a feed, but that people write anything: a fifth of the rows may be unusable.
        directory: Where reports are kept.
        store: The store into which it is published.
        own: The institution's own numbers, which are never proposed.
        reporter_key: The key of reporters' tokens.
        token_key: The key of numbers that are kept as tokens.
        expires_after_days: Days from the last report to the end of a listing.
        columns: The file's own names; any other column is not read.
        categories: Name → what its reports weigh.
        steps: From which weight on a number is listed; both rise.
        review: When a person must look; what is left out is not checked.
        terms: What is read out to people.
    """

    source: str = "reports"
    kind: str
    region: str | None = None
    chain: str | None = None
    platform: str | None = None
    name: str | None = None
    fold: str | None = None
    many: bool = False
    repair: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = Field(None, ge=1)
    comment: str | None = None
    date_format: str | None = None
    timezone: str | None = None
    limits: FeedLimits = FeedLimits(unusable_share=0.2)  # people write anything
    directory: str = "leads/reports"
    store: str = Field(min_length=1)
    own: list[str] = []
    reporter_key: KeyFrom
    token_key: KeyFrom | None = None
    expires_after_days: int = Field(180, ge=1, le=3650)
    columns: ReportColumns
    categories: dict[str, Category] = Field(min_length=1)
    steps: list[Step] = Field(min_length=1)
    review: Review = Review()
    terms: Texts = Texts()

    @model_validator(mode="after")
    def _make_sense(self) -> ReportsFile:
        if self.review.group_share is not None and self.columns.group is None:
            raise ValueError("review.group_share asks where reports come from: name that column as columns.group")
        self.rules()
        return self

    def rules(self) -> ReportRules:
        """What reports weigh, and what follows."""
        return ReportRules(categories=self.categories, steps=self.steps, review=self.review)


@dataclass(frozen=True)
class Reports:
    """A checked file of reports.

    Attributes:
        file: Where it lies.
        said: What it says.
        feed: How its files are read: a report's value, category and day.
        directory: Where reports and proposals lie.
        store: The store's folder or URL.
    """

    file: Path
    said: ReportsFile
    feed: Feed
    directory: Path
    store: str

    @classmethod
    def read(cls, path: str | Path) -> Reports:
        """Reports from their TOML file; relative paths are read from the file's own folder.

        Raises:
            ConfigError: No such file, or anything in it that makes no sense; tells what and where.
        """
        file = Path(path).absolute()
        toml = read_toml(file, str(path))
        said = checked(ReportsFile, toml)
        options: dict[str, Any] = {
            name: value for name in (*_OPTIONS, *_READING) if (value := getattr(said, name)) not in (None, False)
        }
        columns = Columns(value=said.columns.value, reason=said.columns.category, listed_on=said.columns.reported_on)
        feed = Feed(
            source=said.source, columns=columns, mode="delta", repeats="merge", service_numbers="reject", **options
        )
        if next(iter(feed.kinds().values())).secret and said.token_key is None:
            raise ConfigError(
                f"{path}: {feed.kind} numbers are proposed as tokens only: say where the key is, such as "
                'token_key = { file = "tokens.key" }'
            )
        store = said.store if "://" in said.store else str(file.parent / said.store)
        return cls(file, said, feed, file.parent / said.directory, store)

    def reporter_key(self) -> TokenKey:
        """The key under which reporters are kept.

        Raises:
            ConfigError: It can't be had.
        """
        return self.said.reporter_key.token_key(self.file.parent)

    def token_key(self) -> TokenKey | None:
        """The key of tokens, where there is one."""
        return self.said.token_key.token_key(self.file.parent) if self.said.token_key else None
