"""The brakes: limits past which a screening must not act before a person has looked at it.

A wrong list, a half-delivered extract or a wrong allow list looks like an ordinary night to a join.
It does not look like one in these figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict, Unpack

import polars as pl
from pydantic import Field, ValidationError

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, HeldForApproval
from cardscreen.foundation.settings.errors import complaint
from cardscreen.foundation.settings.toml import Section
from cardscreen.foundation.words.languages import phrase
from cardscreen.runs.changes import Changes
from cardscreen.runs.record import MANIFEST, Base
from cardscreen.screening.hits.matches import HITS_PER_ACCOUNT, NOT_JUDGED
from cardscreen.screening.result import Result
from cardscreen.screening.summary import exempt_in, invalid_in
from cardscreen.tables.cells import ids_in_plain, shape

_FEW = 5  # accounts: fewer go by chance
Share = Annotated[float, Field(ge=0, le=1)]


class LimitsParts(TypedDict, total=False):
    """The limits as a program writes them; see `Limits`."""

    first_run: Literal["hold", "publish"]
    flagged_share: float
    source_share: float
    rejected_share: float
    invalid_share: float
    exempted_share: float
    new_suspend: float
    new_close: float
    released_share: float
    flagged_gone_share: float
    accounts_shrink: float
    accounts_grow: float
    coverage_drop: float
    hits_per_account: int
    carry_days: int
    approve_within_days: int


class Limits(Section):
    """Shares past which a run is held; each is a share of the rows unless it says otherwise.

    Args:
        first_run: "hold" a run that has no earlier one to be compared with, or "publish" it.
        flagged_share: Accounts that are flagged and not exempt (0.05).
        source_share: Accounts hit by one source (0.02).
        rejected_share: Of an identifier's filled cells, those that can't be read (0.2).
        invalid_share: Of an identifier's usable cells, numbers that no numbering plan has, or that begin with their
            country's code twice, since it had no `+` where it is read as an area code (0.3).
        exempted_share: Accounts that are exempted (0.001).
        new_suspend: Newly told `suspend` since the base run (0.002).
        new_close: Newly told `close` (0.0005).
        released_share: Of those flagged in the base run, the released ones (0.1).
        flagged_gone_share: Of those flagged in the base run, those that are no accounts tonight (0.1).
        accounts_shrink: Fewer accounts than in the base run (0.02).
        accounts_grow: More accounts (0.1).
        coverage_drop: Fall in the share of usable cells of an identifier (0.01).
        hits_per_account: Hits that are kept, the strongest; others are counted (1,000).
        carry_days: Days for which an unreadable account keeps its flag (7).
        approve_within_days: Days in which a held run may be approved (3).

    Raises:
        ConfigError: A share that is none, or an unknown name.

    Example:
        >>> Limits(flagged_share=0.01).flagged_share
        0.01
    """

    first_run: Literal["hold", "publish"] = "hold"
    flagged_share: Share = 0.05
    source_share: Share = 0.02
    rejected_share: Share = 0.20
    invalid_share: Share = 0.30
    exempted_share: Share = 0.001
    new_suspend: Share = 0.002
    new_close: Share = 0.0005
    released_share: Share = 0.10
    flagged_gone_share: Share = 0.10
    accounts_shrink: Share = 0.02
    accounts_grow: float = Field(0.10, ge=0)
    coverage_drop: Share = 0.01
    hits_per_account: int = Field(HITS_PER_ACCOUNT, ge=1)
    carry_days: int = Field(7, ge=0)
    approve_within_days: int = Field(3, ge=0)

    def __init__(self, /, **parts: Unpack[LimitsParts]) -> None:
        try:
            super().__init__(**dict(parts))
        except ValidationError as error:
            raise complaint(type(self), error, "limits") from None


_SMALL = "\ue000"  # for a small letter, while the others are replaced


@dataclass(frozen=True)
class Gone:
    """The accounts of last night's flags that tonight's accounts don't have.

    Attributes:
        accounts: How many there are; those that were missing the night before, too, don't count.
        of: Of how many.
        then: What most of their ids look like, much as `cells.shape` shows it, in quotes.
        now: What most ids look like of the accounts that are flagged tonight and were not; None: there are none.
        renamed: How many of them are flagged tonight under an id that is written otherwise; see `cells.ids_in_plain`.
    """

    accounts: int
    of: int
    then: str | None = None
    now: str | None = None
    renamed: int = 0

    @property
    def by_chance(self) -> bool:
        """Whether so few may be gone for no reason: not where most of the flagged ids are only written otherwise."""
        return self.accounts < _FEW and 2 * self.renamed <= self.of

    @classmethod
    def between(cls, result: Result, previous: Result | Base) -> Gone | None:
        """Those of two nights; None where tonight's screening did not look for them: it was not told of `previous`."""
        if result.watched is None:
            return None
        ids = pl.col("account_id").cast(result.flagged.collect_schema()["account_id"], strict=False).cast(pl.String)
        is_flagged = pl.col("action") > "none"
        if isinstance(previous, Base):
            then = previous.flags.filter(pl.col("cause").ne_missing("account_gone"))
        else:
            then = previous.flagged.filter(is_flagged)
        known = then.select(ids).drop_nulls().unique().collect()
        gone = known.join(result.watched.select(ids).unique().collect(), on="account_id", how="anti")
        fresh = result.flagged.filter(is_flagged).select(ids).collect().join(known, on="account_id", how="anti")
        alike = ids_in_plain(pl.col("account_id")).alias("alike")
        renamed = gone.select(alike).join(fresh.select(alike), on="alike", how="semi")
        return cls(len(gone), len(known), _shape_of(gone), _shape_of(fresh), len(renamed))


def _shape_of(ids: pl.DataFrame) -> str | None:
    """What most ids look like: small letters are told apart, since of ids these are others."""
    looks = pl.col("account_id").str.replace_all(r"\p{Ll}", _SMALL)
    shapes = ids.select(shape(looks).str.replace_all(_SMALL, "a")).to_series().value_counts(sort=True)
    return repr(shapes.item(0, 0)) if len(shapes) else None


@dataclass(frozen=True)
class Moves:
    """How many accounts moved against the night before.

    Attributes:
        raised: Newly told, by action.
        released: Flagged before, and not any more.
        flagged_before: Flagged with an action before.
        by_software: Of accounts newly to suspend or close (`cut_off`), and of those released or eased (`freed`), the
            ones of which nothing changed but the software or its numbering data.
        gone: Those whose accounts are not there; None where nobody looked.
    """

    raised: Mapping[str, int]
    released: int
    flagged_before: int
    by_software: Mapping[str, int] = field(default_factory=dict)
    gone: Gone | None = None

    @classmethod
    def of(cls, changes: Changes, gone: Gone | None) -> Moves:
        """The moves in a run's changes."""
        table = changes.table
        change, action = pl.col("change"), pl.col("action")
        raised = table.filter(change.is_in(["new", "escalated"]))
        by_software = table.filter(pl.col("cause") == "software_changed").select(
            cut_off=(change.is_in(["new", "escalated"]) & (action >= "suspend")).sum(),
            freed=change.is_in(["released", "eased"]).sum(),
        )
        return cls(
            raised=dict(raised["action"].value_counts().rows()),
            released=table.filter(pl.col("in_base") & (change == "released")).height,
            flagged_before=changes.flagged_before,
            by_software=by_software.row(0, named=True),
            gone=gone,
        )


def check(result: Result, limits: Limits | LimitsParts, previous: Result | Base | str | Path | None = None) -> None:
    """Hold a screening that passed a limit.

    Args:
        result: Tonight's screening.
        limits: The limits, or what differs from the defaults: `{"flagged_share": 0.01}`.
        previous: The screening before, its folder, or that of a run; None: there is nothing to compare with. Whether
            its flagged accounts are still there is known only where the screening was given it, too.

    Raises:
        HeldForApproval: With one sentence for every limit passed, or where rows were left `not_judged`.
        ConfigError: `limits` or `previous` is nothing of the kind.
        InputError: The folder holds no complete screening, or no sound run.

    Example:
        >>> from cardscreen import Blocklist, Phone, screen
        >>> accounts = pl.DataFrame({"account_id": [1], "mobile": ["+8613800138000"]})
        >>> listed = Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
        >>> try:
        ...     check(screen(accounts, listed, {"mobile": Phone()}), {"first_run": "publish", "source_share": 1})
        ... except HeldForApproval as held:
        ...     print(*held.reasons)
        flagged_share: 100.00 % of the rows are flagged (limit 5.00 %)
    """
    if not isinstance(limits, (Limits, Mapping)):
        raise ConfigError(f"limits is of type {type(limits).__name__}: give Limits(), or a dict of what differs")
    limits = limits if isinstance(limits, Limits) else Limits(**limits)
    before = _earlier(previous)
    moves = None if before is None else _moves(result, before)
    if reasons := passed(result.summary, limits, before.summary if before else None, moves):
        raise HeldForApproval(reasons)


def _earlier(previous: Any) -> Result | Base | None:
    """What the night before has said."""
    if isinstance(previous, (str, Path)):
        is_run = any(Path(previous, name).exists() for name in (MANIFEST, _OF_RUNS))
        return Base.read(previous) if is_run or not Path(previous).is_dir() else Result.read(previous)
    if previous is None or isinstance(previous, (Result, Base)):
        return previous
    raise ConfigError(
        f"previous is a {type(previous).__name__}: give what cs.screen returned, its folder, or that of a run, since "
        "the flags alone don't say how many accounts there were"
    )


_OF_RUNS = "changes.parquet"  # a screening writes none


def passed(
    summary: dict[str, Any], limits: Limits, before: dict[str, Any] | None = None, moves: Moves | None = None
) -> list[str]:
    """One sentence for every limit that a screening passed; `before` is the summary of the night before."""
    reasons = [each.sentence() for each in measured(summary, limits, before, moves) if each.is_past]
    reasons += _without_share(summary, limits)
    if before is not None and moves is not None:
        reasons += _of_software(summary, before, moves)
    elif limits.first_run == "hold":
        reasons.append(PAST["first_run"])
    return reasons


#: Limits of which the summaries of two nights say whether they were passed.
_OF_SUMMARIES = (
    *("first_run", "flagged_share", "source_share", "rejected_share", "invalid_share", "exempted_share"),
    *("error_after_days", "new_suspend", "new_close", "accounts_shrink", "accounts_grow", "coverage_drop"),
)


def unread(summary: dict[str, Any], limits: Limits, before: dict[str, Any] | None = None) -> list[str]:
    """One sentence for every limit that was passed on what could be read of the accounts, whatever was found in them.

    Args:
        summary: Of a screening.
        limits: The job's.
        before: The summary of the night before, whatever it was looking for; None: there is none.
    """
    measures = [*_of_cells(summary, limits), *(_less_read(summary, limits, before) if before else ())]
    return [each.sentence() for each in measures if each.is_past]


def unfounded(
    held: list[str], summary: dict[str, Any], limits: Mapping[str, Any], before: dict[str, Any] | None
) -> list[str]:
    """The reasons that a run is held, or should be, which do not follow from its figures; empty where all do.

    Args:
        held: The reasons that it gives.
        summary: Its summary.
        limits: The limits that it names; those that there were not then are none.
        before: The summary of the night before.
    """
    known = {name: limit for name, limit in limits.items() if name in Limits.model_fields}
    counts = summary["changes"]["counts"]
    newly = Counter(counts.get("new", {})) + Counter(counts.get("escalated", {}))
    moves = None if before is None else Moves(raised=newly, released=0, flagged_before=0)
    names = {name for name in _OF_SUMMARIES if name in known or name == "error_after_days"}
    should = [reason for reason in passed(summary, Limits(**known), before, moves) if limit_of(reason) in names]
    does = [reason for reason in held if limit_of(reason) in names]
    return [*(each for each in should if each not in does), *(each for each in does if each not in should)]


def limit_of(reason: str) -> str:
    """The limit that a reason of `passed` speaks of."""
    return reason.split(":", 1)[0]


#: What is said of a limit that was passed. What a run records is English; it can be said again in another language.
PAST = {
    "flagged_share": phrase("flagged_share: {share} of the rows are flagged (limit {most})"),
    "flagged_share_more": phrase(
        "flagged_share: {share} of the rows are flagged, and {left} more, of which no evidence was collected, may be "
        "(limit {most})"
    ),
    "flagged_share_left": phrase(
        "flagged_share: of {left} rows that may be listed no evidence was collected: screen with a higher one"
    ),
    "source_share": phrase("source_share: {share} of the rows are hit by {of} (limit {most})"),
    "rejected_share": phrase("rejected_share: {share} of the filled cells of {of} gave no usable value (limit {most})"),
    "rejected_share_nameless": phrase("rejected_share: {share} of the rows name no account (limit {most})"),
    "invalid_share": phrase(
        "invalid_share: {share} of the usable cells of {of} are no valid numbers: is their region right? (limit {most})"
    ),
    "error_after_days": phrase("error_after_days: the data of {of} is of {day}, {days} days old (limit {most})"),
    "exempted_share": phrase("exempted_share: {share} of the rows are exempted (limit {most})"),
    "first_run": phrase('first_run: there is no earlier run to compare with; say first_run = "publish" to go ahead'),
    "new_suspend": phrase("new_suspend: {share} of the rows would newly be told 'suspend' (limit {most})"),
    "new_close": phrase("new_close: {share} of the rows would newly be told 'close' (limit {most})"),
    "released_share": phrase("released_share: {share} of those flagged before would be released (limit {most})"),
    "accounts_shrink": phrase(
        "accounts_shrink: {share} fewer rows that name an account than in the base run (limit {most})"
    ),
    "accounts_grow": phrase(
        "accounts_grow: {share} more rows that name an account than in the base run (limit {most})"
    ),
    "flagged_gone_share": phrase(
        "flagged_gone_share: {share} of the accounts flagged in the base run are not among tonight's: most of their "
        "ids look like {then} (limit {most})"
    ),
    "flagged_gone_share_fresh": phrase(
        "flagged_gone_share: {share} of the accounts flagged in the base run are not among tonight's: most of their "
        "ids look like {then}, and those of the newly flagged like {now} (limit {most})"
    ),
    "flagged_gone_share_changed": phrase(
        "flagged_gone_share: {share} of the accounts flagged in the base run are not among tonight's: most of their "
        "ids look like {then}, and those of the newly flagged like {now}: did the ids change? (limit {most})"
    ),
    "coverage_drop": phrase(
        "coverage_drop: {share} points fewer cells of {of} are usable than in the base run (limit {most})"
    ),
    "software_changed": phrase(
        "software_changed: {cut_off} accounts would newly be told to be suspended or closed and {freed} released or "
        "eased by nothing but a change of software or numbering data ({news})"
    ),
}


@dataclass(frozen=True)
class Measure:
    """How near a limit came.

    Attributes:
        limit: Its name.
        share: What was measured.
        most: The limit.
        of: The column or source that it was measured of, where there are several.
        said: Which of `PAST` is said where it was passed.
        more: What else is said.
    """

    limit: str
    share: float
    most: float
    of: str | None = None
    said: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_past(self) -> bool:
        """Whether the limit was passed."""
        return self.share > self.most

    def sentence(self) -> str:
        """What is said where it was passed."""
        places = {"share": _percent(self.share), "most": _percent(self.most), "of": repr(self.of), **self.more}
        return PAST[self.said or self.limit].format(**places)


def _percent(share: float) -> str:
    return f"{share:.2%}".replace("%", " %")


def measured(
    summary: dict[str, Any], limits: Limits, before: dict[str, Any] | None = None, moves: Moves | None = None
) -> list[Measure]:
    """How near each limit that is a share came; see `passed`."""
    against = [] if before is None or moves is None else _against(summary, limits, before, moves)
    return [*_alone(summary, limits), *against]


def _alone(summary: dict[str, Any], limits: Limits) -> Iterator[Measure]:
    """The limits that need no other night."""
    rows = max(summary["rows"]["read"], 1)
    live = summary["flagged"]["accounts"] - exempt_in(summary)
    left = summary["rows"].get(NOT_JUDGED, 0)
    said, more = ("flagged_share_more", {"left": f"{left:,}"}) if left else ("", {})
    yield Measure("flagged_share", live / rows, limits.flagged_share, None, said, more)
    for source, accounts in summary["hits"]["sources"].items():
        yield Measure("source_share", accounts / rows, limits.source_share, source)
    yield from _of_cells(summary, limits)
    yield Measure("exempted_share", summary["rows"]["exempt"] / rows, limits.exempted_share)


def _of_cells(summary: dict[str, Any], limits: Limits) -> Iterator[Measure]:
    """The limits on what could be read of cells and ids."""
    for column, cells in summary["coverage"].items():
        written = max(cells["cells"] - cells["missing"], 1)
        yield Measure("rejected_share", cells["rejected"] / written, limits.rejected_share, column)
        yield Measure("invalid_share", invalid_share(summary, column), limits.invalid_share, column)
    nameless = summary["rows"]["no_account"] / max(summary["rows"]["read"], 1)
    yield Measure("rejected_share", nameless, limits.rejected_share, None, "rejected_share_nameless")


def _without_share(summary: dict[str, Any], limits: Limits) -> Iterator[str]:
    """Why a night is held that has nothing to do with shares of it."""
    live = summary["flagged"]["accounts"] - exempt_in(summary)
    left = summary["rows"].get(NOT_JUDGED, 0)
    if left and live / max(summary["rows"]["read"], 1) <= limits.flagged_share:  # the screening was given a lower one
        yield PAST["flagged_share_left"].format(left=f"{left:,}")
    for source, age in ((summary.get("store") or {}).get("sources") or {}).items():
        if age["state"] == "stale":
            yield PAST["error_after_days"].format(
                of=repr(source), day=age["confirmed_on"], days=age["age_days"], most=age["error_after_days"]
            )


def invalid_share(summary: Mapping[str, Any], column: str) -> float:
    """The share of an identifier's usable cells that are no valid numbers."""
    cells = summary["coverage"][column]
    usable: int = cells["cells"] - cells["missing"] - cells["rejected"]
    return invalid_in(summary, column) / max(usable, 1)


def _against(now: dict[str, Any], limits: Limits, then: dict[str, Any], moves: Moves) -> Iterator[Measure]:
    """The limits on what changed."""
    rows = max(now["rows"]["read"], 1)
    for action, limit in (("suspend", limits.new_suspend), ("close", limits.new_close)):
        yield Measure(f"new_{action}", moves.raised.get(action, 0) / rows, limit)
    yield Measure("released_share", moves.released / max(moves.flagged_before, 1), limits.released_share)
    shrink, *less = _less_read(now, limits, then)
    yield shrink
    change = _change(now, then)
    yield Measure("accounts_grow", max(change, 0.0), limits.accounts_grow)
    # With fewer rows or many more, the reason is told by now.
    if moves.gone and not moves.gone.by_chance and -limits.accounts_shrink <= change <= limits.accounts_grow:
        share = moves.gone.accounts / moves.gone.of
        yield Measure("flagged_gone_share", share, limits.flagged_gone_share, None, *_missing(moves.gone))
    yield from less


def _less_read(now: dict[str, Any], limits: Limits, then: dict[str, Any]) -> Iterator[Measure]:
    """The limits on how much less was read than the night before: of rows, then of the cells of each column."""
    yield Measure("accounts_shrink", max(0.0, -_change(now, then)) + 0.0, limits.accounts_shrink)
    for column, cells in now["coverage"].items():
        if column in then["coverage"]:
            drop = max(_usable(then["coverage"][column]) - _usable(cells), 0)
            yield Measure("coverage_drop", drop, limits.coverage_drop, column)


def _change(now: dict[str, Any], then: dict[str, Any]) -> float:
    """By which share of them the rows that name an account became more."""
    return _named(now) / max(_named(then), 1) - 1


def _of_software(now: dict[str, Any], then: dict[str, Any], moves: Moves) -> Iterator[str]:
    """What nothing but other software would do to people."""
    new, freed = moves.by_software.get("cut_off", 0), moves.by_software.get("freed", 0)
    if new or freed:
        news = ", ".join(f"{name} {was} → {is_now}" for name, (was, is_now) in newer(now, then).items())
        yield PAST["software_changed"].format(cut_off=f"{new:,}", freed=f"{freed:,}", news=news)


def _missing(gone: Gone) -> tuple[str, dict[str, str]]:
    """Which of `PAST` is to be said of flags whose accounts are not there, and with what."""
    if gone.now is None:
        return "flagged_gone_share", {"then": str(gone.then)}
    said = "flagged_gone_share_changed" if gone.now != gone.then else "flagged_gone_share_fresh"
    return said, {"then": str(gone.then), "now": gone.now}


def newer(now: dict[str, Any], then: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The software of which two nights had different versions, with both."""
    before = then.get("versions", {})
    return {
        name: (before.get(name, "?"), is_now) for name, is_now in now["versions"].items() if before.get(name) != is_now
    }


def _moves(result: Result, previous: Result | Base) -> Moves:
    """The moves between two nights' flags."""
    then = previous.flags if isinstance(previous, Base) else previous.flagged
    actions = [
        frame.select(pl.col("account_id").cast(pl.String), pl.col("action").cast(pl.String).alias(name))
        for name, frame in (("now", result.flagged), ("then", then))
    ]
    joined = actions[0].join(actions[1], on="account_id", how="full", coalesce=True)
    both = joined.select(pl.col("now", "then").fill_null("none").cast(schema.ACTIONS)).collect()
    now, was = pl.col("now"), pl.col("then")
    return Moves(
        raised=dict(both.filter(now > was)["now"].value_counts().rows()),
        released=both.filter((was > "none") & (now == "none")).height,
        flagged_before=both.filter(was > "none").height,
        gone=Gone.between(result, previous),
    )


def _named(summary: dict[str, Any]) -> int:
    named: int = summary["rows"]["read"] - summary["rows"]["no_account"]
    return named


def _usable(cells: dict[str, int]) -> float:
    return 1 - (cells["missing"] + cells["rejected"]) / max(cells["cells"], 1)
