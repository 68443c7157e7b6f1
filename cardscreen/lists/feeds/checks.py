"""What is wrong with a source's file as a whole: told all at once, each with the lines where it can be seen.

A cut-off file silently releases criminals, and a wrong one blocks a province; neither looks like an error to a
parser. Each check has a name, by which a person who knows better can let a file pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from cardscreen.foundation.errors import without_numbers
from cardscreen.kinds.kind import KINDS, Kind, options_of
from cardscreen.kinds.listed_forms import ends_of, is_open
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import FeedRows
from cardscreen.lists.store.merging import IDENTITY, Merged
from cardscreen.lists.terms import Origin
from cardscreen.tables.cells import shape, to_text

#: The checks that can be waived, by name.
CHECKS = (
    *("columns", "empty", "unusable", "duplicates", "shrink", "grow"),
    *("future", "range", "zeros", "codes", "invalid", "kind", "short", "delta", "cut"),
)
_SHOWN = 5  # lines that a problem names
_BLOCKS = (pl.col("list") == "block") & (pl.col("operation") == "add")
_TOLD = ["reason", "severity", "listed_on", "expires_on"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file.

    Attributes:
        check: Its name in `CHECKS`, or `allow`, which nobody can waive.
        message: What was found and where.
        refuses: Whether the file is refused for it; otherwise it is told.
    """

    check: str
    message: str
    refuses: bool = True

    def __str__(self) -> str:
        """The check and the message."""
        return f"{self.check}: {self.message}"


def without_service_numbers(read: FeedRows, feed: Feed) -> FeedRows:
    """The same with emergency and service numbers among the rejects, where the feed says so.

    People who complain name such numbers, too; in a list of a source's own they are a sign of a wrong file.
    """
    if feed.service_numbers != "reject":
        return read
    lines = {kind: of_kind for kind, of_kind in _service(read, feed).items() if of_kind}
    if not lines:
        return read
    rejects = [
        _cells(read, feed)
        .filter(pl.col("line").is_in(of_kind))
        .unique("line", keep="first", maintain_order=True)  # a pattern may find several
        .select("line", pl.lit(KINDS[kind].service[0]).alias("reason"), shape(to_text(pl.col("cell"))).alias("shape"))
        for kind, of_kind in lines.items()
    ]
    served = pl.concat(_served(read, feed, kind, of_kind) for kind, of_kind in lines.items())
    return replace(
        read,
        rows=read.rows.join(served, on=["kind", "line", "value"], how="anti", maintain_order="left"),
        rejects=pl.concat([read.rejects, *rejects]).sort("line", maintain_order=True),
    )


def _served(read: FeedRows, feed: Feed, name: str, lines: list[int]) -> pl.DataFrame:
    """kind, line, value: what serves everybody in such lines; all that is there where no part of the cell tells it."""
    kind, of_kind = feed.kinds()[name], pl.col("kind") == name
    cells = _cells(read, feed).filter(pl.col("line").is_in(lines))
    if (parts := kind.split(pl.col("cell"))) is not None:
        cells = cells.with_columns(cell=parts).explode("cell")
    listed = cells.with_row_index("part").with_columns(kind.written(pl.col("cell")).struct.field("value"))
    of_parts = listed.lazy().select("value", line="part"), listed.select("cell", line="part")
    told = listed.filter(pl.col("part").is_in(kind.service_lines(*of_parts))).select("line", "value")
    rows = read.rows.filter(of_kind & pl.col("line").is_in(lines)).select("kind", "line", "value")
    is_told = pl.struct("line", "value").is_in(told.select(pl.struct("line", "value")).to_series().implode())
    return rows.filter(is_told.any().over("line").not_() | is_told)


def _cells(read: FeedRows, feed: Feed) -> pl.DataFrame:
    """The cells of the numbers as the file has them, each with its line."""
    return pl.DataFrame({"line": read.file.lines, "cell": read.file.frame[feed.columns.named()["value"]]})


def check_file(read: FeedRows, feed: Feed, day: date) -> list[Problem]:
    """What is wrong with a file by itself.

    Args:
        read: Its rows.
        feed: What was to be expected.
        day: The day of the data.
    """
    return [
        *(Problem("columns", str(error)) for error in read.missing),
        *_emptiness(read, feed),
        *_cut(read),
        *_unusable(read, feed),
        *_strangers(read, feed),
        *_future(read.rows, feed, day),
        *_conflicts(read.repeated, feed),
        *_ranges(read.rows, feed),
        *_short(read, feed),
        *_misread(read, feed),
        *_allowing(read.rows, feed),
    ]


def check_change(merged: Merged, usable: int, feed: Feed, usual: Sequence[int]) -> list[Problem]:
    """What is wrong with a file beside the listings in force.

    Args:
        merged: What it makes of them.
        usable: How many of its rows can be used.
        feed: What was to be expected.
        usual: How many the source's last deltas added.
    """
    return [*_size(merged, usable, feed), *_delta(merged, usable, feed), *_burst(merged, feed, usual)]


def check_order(before: Origin | None, day: date) -> list[Problem]:
    """What is wrong with the time at which a file comes.

    Args:
        before: What is known of the source.
        day: The day of the data.
    """
    if before is not None and day < before.confirmed_on:
        return [Problem("delta", f"the data is of {day}, and the store has that of {before.confirmed_on} already")]
    return []


def _emptiness(read: FeedRows, feed: Feed) -> Iterator[Problem]:
    if read.rows.is_empty() and read.rejects.is_empty():
        if feed.mode == "snapshot":  # a delta of a quiet day has nothing to say
            yield Problem("empty", "the file has no rows: was it cut off?")
    elif read.rows.is_empty():
        yield Problem("empty", f"no row of {len(read.rejects):,} can be used: {_reasons(read.rejects, feed)}")


def _cut(read: FeedRows) -> Iterator[Problem]:
    if read.file.cut:
        yield Problem("cut", f"the file ends in the midst of a row: {read.file.cut}")


def _unusable(read: FeedRows, feed: Feed) -> Iterator[Problem]:
    total, limit = len(read.rows) + len(read.rejects), feed.limits.unusable_share
    # Where nothing is left, that is another check: what is waived here is a part.
    if len(read.rows) and len(read.rejects) / total > limit:
        few = f"{_share(len(read.rejects), total)} can't be used (limit {limit:.1%})"
        yield Problem("unusable", f"{few}: {_reasons(read.rejects, feed)}")


def _reasons(rejects: pl.DataFrame, feed: Feed) -> str:
    """Why rows can't be used, the most frequent reasons first, and what to do about it."""
    by_reason = (
        rejects.group_by("reason").agg(pl.len(), pl.col("line").min()).sort("len", "reason", descending=[True, False])
    )
    reasons = "; ".join(
        f"{reason} ({count:,}, first in line {line:,})" for reason, count, line in by_reason.head(_SHOWN).rows()
    )
    hints = {
        "no phone number": "; the feed names no region, without which national numbers can't be read"
        * (not feed.region),
        "a quantity that a spreadsheet has made of a number": "; repair = true in the feed mends what can be mended"
        * (not feed.repair),
    }
    return reasons + "".join(hint for reason, hint in hints.items() if reason in by_reason["reason"])


def _share(few: int, total: int) -> str:
    return f"{few:,} of {total:,} rows ({few / max(total, 1):.1%})"


def _strangers(read: FeedRows, feed: Feed) -> Iterator[Problem]:
    total = len(read.rows) + len(read.rejects)
    for kind, lines in sorted(read.strangers.items()):
        if len(lines) / max(total, 1) > feed.limits.unusable_share:
            yield Problem(
                "kind", f"{_share(len(lines), total)} are {kind} numbers: is it the right column? ({lines_of(lines)})"
            )


def lines_of(lines: Sequence[int]) -> str:
    """The first lines of a problem, and how many more there are."""
    shown = ", ".join(f"{line:,}" for line in lines[:_SHOWN])
    more = f" and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {shown}{more}"


def _where(rows: pl.DataFrame, which: pl.Expr) -> list[int]:
    lines: list[int] = rows.lazy().filter(which).select("line").collect().to_series().to_list()
    return lines


def _future(rows: pl.DataFrame, feed: Feed, day: date) -> Iterator[Problem]:
    today, zone = feed.today(), feed.zone().words
    if day > today:
        yield Problem("future", f"the day of the data, {day}, is not here yet: it is {today} in {zone}")
    latest = day + timedelta(days=feed.limits.future_days)
    if lines := _where(rows, pl.col("listed_on") > latest):
        limit = f"{latest}, {feed.limits.future_days} days past" if feed.limits.future_days else f"{day},"
        here = f" (today in {zone})" if day == today else ""
        yield Problem("future", f"listed after {limit} the day of the data{here}: {lines_of(lines)}")


def _conflicts(several: pl.DataFrame, feed: Feed) -> Iterator[Problem]:
    """One listing told twice in different ways; a number blocked and allowed, or added and removed, at once."""
    adds = several.filter(pl.col("operation") == "add")
    values = adds.group_by(IDENTITY).agg("line", *(pl.col(name).n_unique().alias(name) for name in _TOLD))
    for name in _TOLD if feed.repeats == "refuse" else ():
        for lines in values.filter(pl.col(name) > 1).sort(pl.col("line").list.min())["line"].head(_SHOWN).to_list():
            yield Problem("duplicates", f"one listing with two values of {name}: {_both(adds, lines, name)}")
    of_value = several.group_by("kind", "value", maintain_order=True)
    for name, what in (("list", "blocked and allowed"), ("operation", "added and removed")):
        both = of_value.agg("line", pl.col(name).n_unique()).filter(pl.col(name) > 1)["line"].head(_SHOWN)
        for lines in both.to_list():
            yield Problem("duplicates", f"one number {what} at once: {_both(several, lines, name)}")


def _both(rows: pl.DataFrame, lines: list[int], name: str) -> str:
    differing = rows.filter(pl.col("line").is_in(lines)).sort("line").unique(name, keep="first", maintain_order=True)
    pair = differing.select("line", pl.col(name).cast(pl.String).fill_null("nothing")).head(2).rows()
    safe = without_numbers if name == "reason" else str  # free text may hold anything
    return " and ".join(f"line {line:,} says {safe(value)}" for line, value in pair)


def _ranges(rows: pl.DataFrame, feed: Feed) -> Iterator[Problem]:
    ranges = rows.filter(pl.col("match") == "range")
    limits = {"block": feed.limits.range_size, "allow": feed.limits.allow_range_size}
    for (kind, list_name), of_kind in ranges.group_by("kind", "list", maintain_order=True):
        limit = limits[str(list_name)]
        if lines := _where(of_kind, KINDS[str(kind)].is_too_wide(pl.col("value"), limit)):
            most = KINDS[str(kind)].widest.format(limit)
            yield Problem("range", f"ranges to {list_name} that are wider than {most}: {lines_of(lines)}")


def _short(read: FeedRows, feed: Feed) -> Iterator[Problem]:
    """Emergency and service numbers, and the operator's own, in a list of numbers to block."""
    # Where they are rejects, none is left.
    for kind, lines in _service(read, feed).items() if feed.service_numbers == "refuse" else ():
        if lines:
            yield Problem("short", f"{KINDS[kind].service[1]}: {lines_of(lines)}")
    if feed.protected:
        blocked = read.rows.filter((pl.col("kind") == "phone") & _BLOCKS)
        if lines := _where(blocked, _protected(feed)):
            yield Problem("short", f"numbers that the feed names as protected: {lines_of(lines)}")


def _service(read: FeedRows, feed: Feed) -> dict[str, list[int]]:
    """Lines that block what serves everybody, of each kind."""
    cells = _cells(read, feed)
    return {
        name: kind.service_lines(
            read.rows.lazy().filter(_BLOCKS & (pl.col("kind") == name)).select("line", "value"), cells
        )
        for name, kind in feed.kinds().items()
    }


def _protected(feed: Feed) -> pl.Expr:
    """Whether a listed number, range or prefix has a number in common with a protected one."""
    low, high = _ends(pl.col("value"))
    ways = [
        (low <= last) & (high >= first)
        for first, last in pl.DataFrame({"value": feed.protected_values()}).select(*_ends(pl.col("value"))).rows()
    ]
    return pl.any_horizontal(ways).fill_null(value=False)


def _ends(value: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The first and last number of a canonical value, as texts; behind all that begin with a prefix comes a colon."""
    first, last = ends_of(value)
    return first.alias("first"), pl.when(is_open(value)).then(last + ":").otherwise(last).alias("last")


#: Why `Kind.misread` says that lines hardly mean what was read.
_MISREAD = {
    "zeros": "are numbers only with a zero in front, which some program has dropped",
    "codes": "begin with the country code of the feed's region and have no +, so that they are read as other numbers "
    "in it: write them with +",
}


def _misread(read: FeedRows, feed: Feed) -> Iterator[Problem]:
    """Rows that can be read, and hardly mean what is read."""
    limit = feed.limits.unusable_share
    for name, kind in feed.kinds().items():
        exact = (pl.col("kind") == name) & (pl.col("match") == "exact")
        rows = read.rows.lazy().filter(exact).select("line", "value").collect()
        told = set[int]()
        for check, lines in kind.misread(rows, _cells(read, feed), limit).items():
            if len(lines) > limit * len(read.rows):
                yield Problem(check, f"{_share(len(lines), len(read.rows))} {_MISREAD[check]}: {lines_of(lines)}")
                told.update(lines)
        yield from _invalid(read, feed, kind, told)


def _invalid(read: FeedRows, feed: Feed, kind: Kind, told: Collection[int]) -> Iterator[Problem]:
    """Numbers that nobody has, as accounts' are judged: of another country, or no such numbers at all.

    What is removed may be anything; and of what another check tells, nothing more is said.
    """
    limit = feed.limits.invalid_share
    # A token's cell is a number all the same, unless the source sent tokens.
    single = (pl.col("kind") == kind.name) & pl.col("match").is_in(["exact", "token"]) & (pl.col("operation") == "add")
    listed = read.rows.lazy().filter(single).select("line").collect().to_series()
    some, judged = _flawed(listed.gather_every(len(listed) // _SAMPLE + 1), read, feed, kind)
    if len(some) <= limit * judged:
        some = some.filter(~some.is_in(sorted(told)))
        if len(some):
            of = f"{judged:,} {kind.noun[1]}{' that were looked at' if judged < len(listed) else ''}"
            are = "is no valid one" if len(some) == 1 else "are no valid ones"
            message = f"of {of} {len(some):,} {are}: look at {lines_of(some.to_list())}"
            yield Problem("invalid", message, refuses=False)
        return
    flawed, judged = _flawed(listed, read, feed, kind) if len(listed) > _SAMPLE else (some, judged)
    flawed = flawed.filter(~flawed.is_in(sorted(told)))
    if len(flawed) > limit * judged:
        share = f"{len(flawed):,} of {judged:,} {kind.noun[1]} ({len(flawed) / judged:.1%}) are no valid ones"
        of_region = (
            f"is region = {feed.region!r} right, and " if feed.region and "region" in options_of(kind.name) else ""
        )
        lines = flawed.unique(maintain_order=True).to_list()
        message = f"{share} (limit {limit:.1%}): {of_region}is it the right column? ({lines_of(lines)})"
        yield Problem("invalid", message, refuses=len(flawed) > _SEEN)


_SAMPLE = 10_000  # numbers that tell whether all are looked at
_SEEN = 20  # wrong numbers, which a person can look at


def _flawed(lines: pl.Series, read: FeedRows, feed: Feed, kind: Kind) -> tuple[pl.Series, int]:
    """The line of each number that has the kind's flaw; and how many numbers there are."""
    cells = _cells(read, feed).filter(pl.col("line").is_in(lines.implode()))
    if (parts := kind.split(pl.col("cell"))) is not None:
        cells = cells.with_columns(cell=parts).explode("cell")
    scanned = cells.select("line", kind.scan(pl.col("cell")).struct.unnest()).filter(pl.col("key").is_not_null())
    flawed = kind.is_flawed(scanned["key"].to_numpy(), scanned["status"])
    return scanned["line"].filter(pl.Series(flawed, dtype=pl.Boolean)), len(scanned)


def _allowing(rows: pl.DataFrame, feed: Feed) -> Iterator[Problem]:
    """An allow listing frees somebody: it must end, and say why it was made."""
    allow = rows.filter((pl.col("list") == "allow") & (pl.col("operation") == "add"))
    if allow.is_empty():
        return
    endless = _where(allow, pl.col("expires_on").is_null())
    if endless and not feed.open_ended and feed.expires_after_days is None:
        yield Problem(
            "allow",
            f"allow listings without an end: {lines_of(endless)}; name columns.expires_on or expires_after_days, "
            "or say open_ended = true",
        )
    if lines := _where(allow, pl.col("reason") == "listed"):
        yield Problem(
            "allow", f"allow listings without a reason: {lines_of(lines)}; name columns.reason, or say reason"
        )


def _size(merged: Merged, usable: int, feed: Feed) -> Iterator[Problem]:
    if not merged.before:
        return
    if not merged.after and usable:
        yield Problem("empty", "no listing of the source would be in force any more: is it the right file?")
    change = merged.after / merged.before - 1
    figures = f"from {merged.before:,} to {merged.after:,} listings in force ({change:+.1%}"
    if -change > feed.limits.shrink_share:
        yield Problem("shrink", f"{figures}, limit -{feed.limits.shrink_share:.1%}): was the file cut off?")
    elif (ended := merged.counts.get("ended", 0)) > feed.limits.shrink_share * merged.before:
        share = f"{ended:,} of {merged.before:,} listings in force would end, and others take their place"
        yield Problem("shrink", f"{share} (limit {feed.limits.shrink_share:.1%}): is it the right file?")
    # What was there before is no growth: a whole file behind one that was cut off.
    new = change - merged.counts.get("reopened", 0) / merged.before
    if feed.mode == "snapshot" and new > feed.limits.grow_share:
        yield Problem("grow", f"{figures}, limit +{feed.limits.grow_share:.1%}): is it the right file?")


def _delta(merged: Merged, usable: int, feed: Feed) -> Iterator[Problem]:
    if feed.mode != "delta":
        return
    outcomes = {
        "already": "add what is there already",
        "absent": "remove what isn't there",
        "stale": "add what had ended, or remove what began, after that day",
    }
    if feed.repeats == "merge":
        del outcomes["already"]
    for outcome, what in outcomes.items():
        lines = merged.outcome.filter(pl.col("outcome") == outcome)["line"].sort().to_list()
        if len(lines) / max(usable, 1) > feed.limits.unusable_share:
            yield Problem(
                "delta",
                f"{_share(len(lines), usable)} {what}: is a file missing before this one? ({lines_of(lines)})",
            )


def _burst(merged: Merged, feed: Feed, usual: Sequence[int]) -> Iterator[Problem]:
    """A delta that adds far more than those before it: a list grows without end, and its share says nothing."""
    added, times = merged.counts.get("added", 0), feed.limits.delta_times
    if feed.mode == "delta" and len(usual) >= _ENOUGH and added > max(_FEW, times * max(usual)):
        most = f"the last {len(usual)} added {max(usual):,} at most (limit {times:g} times that)"
        yield Problem("grow", f"{added:,} listings would be new, and {most}: is it the right file?")


_ENOUGH, _FEW = 5, 100  # deltas that say what is usual; listings of which no delta is too large
