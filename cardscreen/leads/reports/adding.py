"""Reports taken in: values in their canonical form, reporters as tokens, and nothing else of what people wrote."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation.cards.in_text import Found
from cardscreen.foundation.errors import ConfigError, FeedRefused, InputError, MissingColumn, near
from cardscreen.foundation.files import sha256_of
from cardscreen.foundation.zones import local_name
from cardscreen.kinds.phone.kind import Phone
from cardscreen.kinds.tokens import TokenKey, token
from cardscreen.leads.desk.folder import Desk
from cardscreen.leads.reports.scoring import REPORTS, is_nobody
from cardscreen.leads.reports.settings import Reports
from cardscreen.lists.feeds.checks import CHECKS, check_file, without_service_numbers
from cardscreen.lists.feeds.importing import write_rejects
from cardscreen.lists.feeds.rows import read_feed
from cardscreen.tables.dates import read_instants
from cardscreen.tables.source_files import read_source

RECEIVED = "received"


@dataclass(frozen=True)
class Added:
    """What was taken in of one file.

    Attributes:
        file: Its name.
        read: Rows.
        taken: Rows that are kept now.
        known: Rows that were kept already.
        rejected: Rows that can't be used.
        rejects: Where they are.
    """

    file: str
    read: int
    taken: int
    known: int
    rejected: int
    rejects: Path | None

    def summary(self) -> dict[str, Any]:
        """The same for a machine."""
        counts = {"read": self.read, "taken": self.taken, "known": self.known, "rejected": self.rejected}
        return {"file": self.file, **counts, "rejects": str(self.rejects) if self.rejects else None}


def desk_of(reports: Reports) -> Desk:
    """Where its proposals lie."""
    return Desk(reports.directory, f"cardscreen reports score {reports.file.name}")


def received(reports: Reports) -> pl.DataFrame:
    """All reports that are kept: `REPORTS`.

    Raises:
        InputError: A file of them is not as it was written.
    """
    parts = [sheet.table("reports") for sheet in _received_desk(reports).all()]
    return pl.concat([pl.DataFrame(schema=REPORTS), *parts]).unique().sort(list(REPORTS))


def add(
    reports: Reports, files: Sequence[str | os.PathLike[str]], *, allow: Sequence[str] = (), as_of: date | None = None
) -> list[Added]:
    """Take in files of reports, all of them or none.

    Args:
        reports: How they are read, and where they are kept.
        files: The files.
        allow: Names of checks to waive.
        as_of: The day of the data; None: today.

    Raises:
        FeedRefused: A check failed; nothing is kept, and the rejected rows lie in `rejects/`.
        ConfigError: The key of reporters can't be had; an unknown check.
        InputError: A file can't be read.
        Busy: Another program works there.
    """
    for name in allow:
        if name not in CHECKS:
            raise ConfigError(f"there is no check {name!r}{near(name, CHECKS)}: the checks are {', '.join(CHECKS)}")
    reporter_key, token_key = reports.reporter_key(), reports.token_key()
    day = as_of or reports.feed.today()
    begun = datetime.now(UTC)
    with desk_of(reports).locked():
        before = received(reports)
        done, parts = list[Added](), list[pl.DataFrame]()
        for file in files:
            rows, rejects, written = _read(reports, file, day, allow, reporter_key, token_key)
            fresh = rows.unique().join(pl.concat([before, *parts]), on=list(REPORTS), how="anti", nulls_equal=True)
            name = Path(file).name
            counts = {"read": len(rows) + rejects, "taken": len(fresh), "known": len(rows) - len(fresh)}
            done.append(Added(name, **counts, rejected=rejects, rejects=written))
            parts.append(fresh)
        together = pl.concat([pl.DataFrame(schema=REPORTS), *parts]).sort(list(REPORTS))
        if len(together):
            digests = [sha256_of(Path(file)) for file in files]
            summary = {"as_of": day.isoformat(), "reports": len(together), "files": [each.summary() for each in done]}
            records = {"as_of": day.isoformat(), "inputs": digests, "waived": sorted(allow), "summary": summary}
            copies = {"reports": reports.file}
            place = _received_desk(reports)
            place.directory.mkdir(exist_ok=True)
            place.write({"reports": together}, records, copies, begun)
    return done


def _received_desk(reports: Reports) -> Desk:
    return Desk(reports.directory / RECEIVED, "cardscreen reports add")


def _read(
    reports: Reports,
    file: str | os.PathLike[str],
    day: date,
    allow: Sequence[str],
    reporter_key: TokenKey,
    token_key: TokenKey | None,
) -> tuple[pl.DataFrame, int, Path | None]:
    """`REPORTS` of a file, how many rows can't be used, and where those are."""
    feed, where = reports.feed, os.fspath(file)
    read = without_service_numbers(read_feed(file, feed), feed)
    details, refused = _details(reports, where)
    usable = read.rows.join(details, on="line").sort("line")
    rejects = pl.concat([read.rejects, refused.filter(~pl.col("line").is_in(read.rejects["line"].implode()))])
    known = reports.said.rules().named()
    category = pl.col("reason").str.to_lowercase().replace_strict(list(known), list(known.values()), default=None)
    why = (
        pl.when(pl.col("category").is_null())
        .then(pl.lit("no category of those that the file of reports names"))
        .when(pl.col("match") != "exact")
        .then(pl.lit("a range, or a number that hides digits: a report is of one"))
        # Of others it is told when they are weighed; of a token nobody sees it any more.
        .when(pl.lit(token_key is not None and feed.kind == Phone.name) & Phone.is_service(pl.col("value")))
        .then(pl.lit(Phone.service[0]))
    )
    usable = usable.with_columns(category=category).with_columns(why=why)
    unusable = usable.filter(pl.col("why").is_not_null()).select("line", reason="why", shape=_NO_TEXT)
    rows = usable.filter(pl.col("why").is_null())
    rejects = pl.concat([rejects, unusable]).sort("line", maintain_order=True)
    counted = replace(read, rows=read.rows.join(rows.select("line"), on="line", how="semi"), rejects=rejects)
    refusals = [each for each in check_file(counted, feed, day) if each.check not in allow]
    written, unwritten = write_rejects(file, rejects, feed)
    problems = [(each.check, each.message) for each in refusals]
    if unwritten:
        problems.append(("rejects", unwritten))
    if problems:
        raise FeedRefused(where, problems, str(written) if written else None, set())
    value = pl.col("value")
    if token_key is not None and feed.kind is not None:
        value = token("value", feed.kind, token_key)
    kept = rows.with_columns(value=value, reporter=reporter_key.digest(pl.lit("reporter:") + pl.col("reporter")))
    return kept.select(list(REPORTS)).cast(dict(REPORTS)), len(rejects), written  # type: ignore[arg-type]


_NO_TEXT = pl.lit(None, dtype=pl.String)


def _details(reports: Reports, where: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """line, reported_at, reporter, group of a file's rows; and the rows that lack one: line, reason, shape."""
    columns, feed = reports.said.columns, reports.feed
    wanted = [columns.value, columns.category, columns.reported_on, columns.reporter, *filter(None, [columns.group])]
    file = read_source(where, feed.reading(), columns=wanted)
    for name in wanted:
        if name not in file.frame.columns:
            raise MissingColumn(name, file.frame.columns, where)
    dtype = file.frame.schema[columns.reported_on]
    said = pl.col(columns.reporter).cast(pl.String)
    named = pl.when(~is_nobody(said)).then(said.str.strip_chars().str.to_lowercase())
    as_phone = Phone(reports.said.region).read(named).struct.field("value")
    group = (
        _NO_TEXT if columns.group is None else pl.col(columns.group).cast(pl.String).str.strip_chars().replace("", None)
    )
    table = file.frame.select(
        line=file.lines,
        reported_at=read_instants(pl.col(columns.reported_on), dtype, feed.date_format, feed.timezone or local_name()),
        # One person writes the own number in many ways.
        reporter=pl.coalesce(as_phone, named),
        group=group,
    )
    if Found.of(table["group"].fill_null("")).doubtful.any():
        raise InputError(
            f"{where}: column {columns.group!r} holds what may be card numbers: is it where reports come from?"
        )
    lacking = pl.when(pl.col("reporter").is_null()).then(pl.lit("no reporter: nobody knows whether that is one more"))
    undated = pl.when(pl.col("reported_at").is_null()).then(pl.lit("no day"))
    with_reason = table.with_columns(reason=pl.coalesce(lacking, undated))
    refused = with_reason.filter(pl.col("reason").is_not_null())
    return (
        with_reason.filter(pl.col("reason").is_null()).drop("reason"),
        refused.select("line", "reason", shape=_NO_TEXT),
    )
