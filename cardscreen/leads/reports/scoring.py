"""What reports weigh on a day, from which step they are a listing, and whether a person must look first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.settings.toml import TomlFile, checked, read_toml
from cardscreen.foundation.words.languages import Language
from cardscreen.kinds.named.opaque import Opaque
from cardscreen.leads.proposals import RULE, typed
from cardscreen.leads.reports.settings import ReportRules, ReportsFile
from cardscreen.tables.dates import to_day
from cardscreen.tables.opening import open_table, require_columns, schema_of

#: A report as it is kept: `value` canonical, of secret kinds a token; `reporter` a token.
REPORTS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "value": pl.String,
    "category": pl.String,
    "reported_at": pl.Datetime("us"),
    "reporter": pl.String,
    "group": pl.String,
}
#: What is listed of the source, and the last day of what it was listed on.
LISTED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "value": pl.String,
    "severity": pl.UInt8,
    "reference": pl.String,
    "listed_on": pl.Date,
}
_HALF = 0.5
#: What is written for reporters who don't say who they are, beside what stands for nothing anywhere.
_NAMELESS = (
    r"^(?i:anon|anonym(?:e|o|ous|us)?(?: (?:caller|person|reporter|user))?|withheld|private|confidential|no name|nobody"
    r"|匿名(?:者|人|人士|用户|举报|举报人)?|保密|隐私|隐藏|无名|无名氏|佚名|不愿透露|拒绝透露|不便透露|不提供|未提供|未填|未留)$"
)
_SAID = ("reason", "last_on", "weight")


def score_reports(
    reports: Any,
    rules: ReportRules | Mapping[str, Any] | str | Path,
    as_of: date | str,
    *,
    kind: str = "phone",
    source: str = "reports",
    listed: Any = None,
    lang: str = "en",
) -> pl.LazyFrame:
    """Weigh reports, and propose what weighs enough.

    The weight of a value on a day is the sum over its distinct reporters of each one's heaviest report, halved with
    each half-life of its category. It does not depend on the order of reports, or on how they came in.

    Args:
        reports: A frame or path: value (canonical), category, reported_on (Date, or Datetime) or reported_at,
            reporter, and perhaps group: the network, branch or place that a report comes from. What names no reporter,
            such as `n/a` or `anonymous`, does not count.
        rules: `ReportRules`, their settings, or the path of a file that has them (`reports.toml`).
        as_of: The day, a date or YYYY-MM-DD; later reports don't count.
        kind: Of the values.
        source: The source that proposals are for.
        listed: What the source lists already: value, severity and perhaps reference. A step is left downwards only
            below half its weight, and little evidence is asked about only where a severity is new or rises.
        lang: In which it is said why.

    Returns:
        `schema.PROPOSALS`, by value: `accepted` by `rule` where no person must look, else `proposed`.

    Raises:
        ConfigError: Rules that make no sense, or a category that they don't have.
        MissingColumn: A column is not there.

    Example:
        >>> rules = {"categories": {"fraud": {"half_life_days": 30, "weight": 1.0}},
        ...          "steps": [{"weight": 2, "severity": 40}]}
        >>> reports = pl.DataFrame({"value": ["+8613800138000"] * 3, "category": ["fraud"] * 3,
        ...                         "reported_on": [date(2026, 11, 28)] * 3, "reporter": ["a", "b", "b"]})
        >>> score_reports(reports, rules, "2026-11-28").select("value", "weight", "severity").collect().rows()
        [('+8613800138000', 2.0, 40)]
    """
    known = _known(reports)
    ours = None if listed is None else open_table(listed).collect()
    scoring = Scoring(_rules(rules), to_day(as_of), kind, source, Language(lang))
    return scoring.scored(known, ours).proposals.lazy()


def is_nobody(reporter: pl.Expr) -> pl.Expr:
    """Whether a reporter's cell names nobody: of two such, none knows whether they are two people."""
    stripped = reporter.cast(pl.String).str.strip_chars()
    nothing = Opaque("reporter").fields(stripped).struct.field("value").is_null()
    return nothing | stripped.str.contains(_NAMELESS)


def _rules(rules: ReportRules | Mapping[str, Any] | str | Path) -> ReportRules:
    if isinstance(rules, ReportRules):
        return rules
    toml = read_toml(Path(rules)) if isinstance(rules, (str, Path)) else TomlFile("the rules", dict(rules), "")
    # What else a file of reports says is not asked here; what is misspelt is told.
    others = set(ReportsFile.model_fields) - set(ReportRules.model_fields)
    parts: dict[str, Any] = {name: part for name, part in toml.settings.items() if name not in others}
    return checked(ReportRules, TomlFile(toml.name, parts, toml.text))


def _known(reports: Any) -> pl.DataFrame:
    """`REPORTS` of a frame."""
    table = open_table(reports)
    types = schema_of(table, "the reports")
    at = "reported_at" if "reported_at" in types else "reported_on"
    require_columns(types.names(), ["value", "category", at, "reporter"], "the reports")
    group = pl.col("group") if "group" in types else pl.lit(None)
    return (
        table.select(
            pl.col("value", "category", "reporter").cast(pl.String),
            pl.col(at).cast(pl.Datetime("us")).alias("reported_at"),
            group.cast(pl.String).alias("group"),
        )
        .filter(~is_nobody(pl.col("reporter")))
        .select(list(REPORTS))
        .collect()
    )


@dataclass(frozen=True)
class Scored:
    """What a weighing gives.

    Attributes:
        proposals: `schema.PROPOSALS`, by value.
        standing: `schema.PROPOSALS` of values that are listed, and of which a person is asked now: as which listings
            they stay until one has decided, on the reports on which they were listed.
    """

    proposals: pl.DataFrame
    standing: pl.DataFrame


@dataclass(frozen=True)
class Scoring:
    """One weighing; see `score_reports`."""

    rules: ReportRules
    day: date
    kind: str
    source: str
    language: Language = field(default_factory=Language)

    def scored(self, reports: pl.DataFrame, listed: pl.DataFrame | None) -> Scored:
        """Weigh reports (`REPORTS`), of which some values are listed (`LISTED`; reference and listed_on may lack)."""
        self._check_categories(reports)
        counted = reports.unique().filter(pl.col("reported_at").dt.date() <= self.day)
        weighed = counted.with_columns(weight=self._weight())
        ours = _ours(listed)
        of_value = self._stepped(self._of_values(weighed), ours)
        doubts = self._doubts(of_value, weighed, reports.unique())
        standing = self._standing(weighed, ours.join(doubts, on="value", how="semi"))
        return Scored(self._proposals(of_value, doubts), self._proposals(standing, doubts.clear()))

    def _proposals(self, of_value: pl.DataFrame, doubts: pl.DataFrame) -> pl.DataFrame:
        return (
            of_value.join(doubts, on="value", how="left")
            .with_columns(pl.col("doubts").fill_null([]))
            .with_columns(ruled=pl.col("doubts").list.len() == 0)
            .pipe(self._told)
            .select(typed(schema.PROPOSALS))
            .sort("value")
        )

    def _check_categories(self, reports: pl.DataFrame) -> None:
        if strange := sorted(set(reports["category"].drop_nulls()) - set(self.rules.categories)):
            known = ", ".join(self.rules.categories)
            raise ConfigError(
                f"the reports have a category that the rules don't: {len(strange)} such; there are {known}"
            )

    def _weight(self) -> pl.Expr:
        weights = {name: each.weight for name, each in self.rules.categories.items()}
        lives = {name: each.half_life_days for name, each in self.rules.categories.items()}
        age = (pl.lit(self.day) - pl.col("reported_at").dt.date()).dt.total_days()
        weight, life = (
            pl.col("category").replace_strict(pl.Series(list(of)), pl.Series(list(of.values()), dtype=pl.Float64))
            for of in (weights, lives)
        )
        return weight * (_HALF ** (age / life))

    def _of_values(self, weighed: pl.DataFrame) -> pl.DataFrame:
        """value, weight, reporters, reason, group, first_on, last_on: of each value."""
        # Sums of floats depend on their order: they are put into one.
        heaviest = (
            weighed.sort("weight", "category", "group", descending=[True, False, False], nulls_last=True)
            .unique(["value", "reporter"], keep="first")
            .sort("weight")
        )
        days = weighed.group_by("value").agg(
            first_on=pl.col("reported_at").min().dt.date(), last_on=pl.col("reported_at").max().dt.date()
        )
        total = heaviest.group_by("value", maintain_order=True).agg(pl.col("weight").sum(), reporters=pl.len())
        reason = _heaviest_of(heaviest, "category").rename({"category": "reason"})
        group = _heaviest_of(heaviest, "group").rename({"weight": "group_weight"})
        return total.join(reason.drop("weight"), on="value").join(group, on="value").join(days, on="value")

    def _stepped(self, of_value: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
        """Those that reach a step, with its severity, and the reference that a listing has already."""
        steps = of_value.join(ours.rename({"severity": "was", "reference": "was_reference"}), on="value", how="left")
        severity = pl.lit(None, dtype=pl.UInt8)
        for step in self.rules.steps:
            reached = pl.col("weight") >= step.weight
            kept = (pl.col("was") >= step.severity) & (pl.col("weight") >= step.weight * _HALF)
            severity = pl.when(reached | kept.fill_null(value=False)).then(step.severity).otherwise(severity)
        reference = pl.when(pl.col("was").is_not_null()).then("was_reference").otherwise("group")
        return steps.with_columns(severity=severity.cast(pl.UInt8), reference=reference).filter(
            pl.col("severity").is_not_null()
        )

    def _standing(self, weighed: pl.DataFrame, ours: pl.DataFrame) -> pl.DataFrame:
        """Those that the reports up to the day of their listing still carry, as `_stepped` gives them, none raised."""
        judged = weighed.join(ours.select("value", "listed_on"), on="value").filter(
            pl.col("reported_at").dt.date() <= pl.col("listed_on")
        )
        steps = self._stepped(self._of_values(judged.drop("listed_on")), ours)
        return steps.with_columns(severity=pl.min_horizontal("severity", "was"))

    def _doubts(self, of_value: pl.DataFrame, weighed: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
        """value, doubts (List of sentences): why a person must look."""
        review, say = self.rules.review, self.language.say
        values = of_value.select("value")
        told = [pl.DataFrame(schema={"value": pl.String, "doubt": pl.String})]
        if review.below_weight is not None:
            # What is listed has been judged: that it fades by and by is no question, a step upwards is one.
            judged = (pl.col("severity") <= pl.col("was")).fill_null(value=False)
            few = of_value.filter((pl.col("weight") < review.below_weight) & ~judged).select("value")
            sentence = say("Its weight is below {most:g}.", most=review.below_weight)
            told.append(few.with_columns(doubt=pl.lit(sentence)))
        if review.group_share is not None:
            one = of_value.filter(pl.col("group_weight") >= review.group_share * pl.col("weight")).select("value")
            sentence = say("{most:.0%} of it or more come from one place.", most=review.group_share)
            told.append(one.with_columns(doubt=pl.lit(sentence)))
        if review.burst is not None:
            at_once = _bursts(weighed.join(values, on="value", how="semi"), review.burst.reports, review.burst.hours)
            sentence = self.language.many(
                "{reports:,} reports or more came within {hours:g} hour.",
                "{reports:,} reports or more came within {hours:g} hours.",
                1 if review.burst.hours == 1 else 2,
                reports=review.burst.reports,
                hours=review.burst.hours,
            )
            told.append(at_once.with_columns(doubt=pl.lit(sentence)))
        if review.new_reporters_share is not None:
            new = _new_shares(weighed.join(values, on="value", how="semi"), reports)
            new = new.filter(pl.col("share") >= review.new_reporters_share).select("value")
            sentence = say(
                "{most:.0%} of its reporters or more have never reported another number before.",
                most=review.new_reporters_share,
            )
            told.append(new.with_columns(doubt=pl.lit(sentence)))
        return pl.concat(told).group_by("value").agg(doubts=pl.col("doubt"))

    def _told(self, scored: pl.DataFrame) -> pl.DataFrame:
        why = [
            self.language.joined(
                self.language.many(
                    "{count:,} person has reported it, for {reason}, last on {last_on}: its weight is {weight:.1f}.",
                    "{count:,} people have reported it, mostly for {reason}, last on {last_on}: its weight is "
                    "{weight:.1f}.",
                    row["reporters"],
                    **{name: row[name] for name in _SAID},
                ),
                *row["doubts"],
            )
            for row in scored.to_dicts()
        ]
        none = {name: pl.lit(None) for name in ("accounts", "listed", "decided_on")}
        return scored.with_columns(
            **none,
            source=pl.lit(self.source),
            kind=pl.lit(self.kind),
            why=pl.Series(why, dtype=pl.String),
            state=pl.when("ruled").then(pl.lit("accepted")).otherwise(pl.lit("proposed")),
            decided_by=pl.when("ruled").then(pl.lit(RULE)),
        )


def _ours(listed: pl.DataFrame | None) -> pl.DataFrame:
    """`LISTED`, one row for each value."""
    known = pl.DataFrame(schema=LISTED) if listed is None else listed
    lacking = {"reference", "listed_on"} - set(known.columns)
    known = known.with_columns(pl.lit(None).alias(name) for name in sorted(lacking))
    return known.select(typed(LISTED)).unique("value", keep="first", maintain_order=True)


def _heaviest_of(reports: pl.DataFrame, column: str) -> pl.DataFrame:
    """value, the column's value that weighs most, and its weight."""
    summed = reports.group_by("value", column, maintain_order=True).agg(pl.col("weight").sum())
    ordered = summed.sort("weight", column, descending=[True, False], nulls_last=True)
    return ordered.unique("value", keep="first")


def _bursts(reports: pl.DataFrame, many: int, hours: float) -> pl.DataFrame:
    """The values of which so many reports came within so many hours; of a day without a time, at the same instant."""
    ordered = reports.sort("value", "reported_at")
    later = pl.col("reported_at").shift(-(many - 1)).over("value")
    within = (later - pl.col("reported_at")) <= pl.duration(microseconds=int(hours * 3_600_000_000))
    return ordered.filter(within.fill_null(value=False)).select("value").unique().sort("value")


def _new_shares(of_values: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """value, share: of its reporters, those who had not reported another value before they reported it."""
    begun = of_values.group_by("value", "reporter").agg(begun=pl.col("reported_at").min())
    others = begun.join(reports.select("reporter", "reported_at", other="value"), on="reporter")
    earlier = others.filter((pl.col("other") != pl.col("value")) & (pl.col("reported_at") < pl.col("begun")))
    known = earlier.select("value", "reporter").unique().with_columns(known=True)
    joined = begun.join(known, on=["value", "reporter"], how="left")
    return joined.group_by("value").agg(share=pl.col("known").is_null().mean())
