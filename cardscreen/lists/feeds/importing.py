"""A file into the store, or not at all: read, checked by itself and beside what is in force, then one commit."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import UNWRITTEN, ConfigError, FeedRefused, first_line, near, without_cards
from cardscreen.foundation.files import not_for_others, system_user, write_whole
from cardscreen.foundation.process.progress import in_log
from cardscreen.foundation.words import counted
from cardscreen.kinds.tokens import TokenKey, token
from cardscreen.lists.feeds.checks import (
    CHECKS,
    Problem,
    check_change,
    check_file,
    check_order,
    lines_of,
    without_service_numbers,
)
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import FeedRows, merged_duplicates, read_feed
from cardscreen.lists.store.merging import STORED, Defaults, Merged, lasts, marks, merge
from cardscreen.lists.store.records import Record, Version
from cardscreen.lists.store.table import LostRace, Store
from cardscreen.lists.terms import Origin
from cardscreen.tables.cells import without_formulas

_ATTEMPTS = 5  # how often an import is decided again when another one was faster


@dataclasses.dataclass(frozen=True)
class Imported:
    """What an import did, or would do.

    Attributes:
        version: The store's version with it; None for a dry run.
        counts: Rows by what became of them: read, rejected, merged, added, changed, …; listings in force before and
            after.
        waived: Problems that were waived.
        again: Whether the very same file was imported last.
        confirmed_on: The latest day of which the source has said that its data is true.
        changed_on: The latest day of the data on which a listing was added, changed or ended.
        encoding: What a text file was read as.
        rejects: Where the rejected rows are; None where there are none.
        notes: What whoever gave the file should know of how it was read, in sentences.
    """

    source: str
    version: int | None
    counts: dict[str, int]
    waived: list[Problem]
    again: bool
    confirmed_on: date
    changed_on: date
    encoding: str | None
    rejects: Path | None
    notes: Sequence[str] = ()

    def summary(self) -> dict[str, Any]:
        """The same for a machine."""
        return {
            "source": self.source,
            "version": self.version,
            **self.counts,
            "waived": [str(problem) for problem in self.waived],
            "again": self.again,
            "confirmed_on": self.confirmed_on.isoformat(),
            "changed_on": self.changed_on.isoformat(),
            "encoding": self.encoding,
            "rejects": without_cards(str(self.rejects)) if self.rejects else None,
            "notes": list(self.notes),
        }


def import_file(
    path: str | os.PathLike[str],
    feed: Feed | str | Path,
    store: Store | str | os.PathLike[str],
    *,
    allow: Collection[str] = (),
    as_of: date | None = None,
    key: TokenKey | None = None,
    dry_run: bool = False,
) -> Imported:
    """Import one file of a source.

    Args:
        path: The file; see `rows.read_feed`.
        feed: How to read it, or the path of the TOML file that says so.
        store: Where to put it, or its path; made if it is not there.
        allow: Names of checks to waive; recorded.
        as_of: The day that the data is of; None: today in the feed's time zone, or else in this machine's.
        key: The secret for the tokens that card numbers are stored as.
        dry_run: Read and check the same, write nothing.

    Raises:
        FeedRefused: One or more checks failed. The store is as it was, and the rejected rows lie in `rejects/`.
        ConfigError: Card numbers are to be stored as tokens and there is no key; an unknown check; what is given as
            feed or store is none.
        Busy: Another import was faster, again and again.
        InputError: The file or the store can't be read.
    """
    for name in allow:
        if name not in CHECKS:
            raise ConfigError(f"there is no check {name!r}{near(name, CHECKS)}: the checks are {', '.join(CHECKS)}")
    feed, store = _opened(feed, store)
    tell = in_log()
    tell("reading the list")
    with _marks_ahead(store, feed.source) as marks_of:
        delivery = _Delivery.read_from(path, feed, as_of, key, lacking="columns" in allow)
    tell("comparing it with the store")
    for _ in range(_ATTEMPTS):
        base = store.at() if store.exists() else None
        decided = _decided(delivery, store, base, marks_of(base))
        written, unwritten = (None, None) if dry_run else write_rejects(delivery.path, delivery.read.rejects, feed)
        _check_allowed(decided, delivery, allow, written, unwritten)
        done = decided.imported(delivery)
        if dry_run:
            return done
        tell("writing the store")
        try:
            version = _committed(store, base, decided, feed, done)
        except LostRace:
            continue
        return dataclasses.replace(done, version=version.number)
    raise LostRace(store.path)


def _opened(feed: Feed | str | Path, store: Store | str | os.PathLike[str]) -> tuple[Feed, Store]:
    """A feed and a store, of which perhaps only the paths are given."""
    if not isinstance(feed, Feed | str | Path):
        raise ConfigError(f"{type(feed).__name__} is no feed: give a cs.Feed, or the path of a feed's TOML file")
    if not isinstance(store, Store | str | os.PathLike):
        raise ConfigError(f"{type(store).__name__} is no store: give a cs.Store, or the path of its folder")
    return (
        feed if isinstance(feed, Feed) else Feed.read(feed),
        store if isinstance(store, Store) else Store(store),
    )


@contextmanager
def _marks_ahead(store: Store, source: str) -> Iterator[Callable[[Version | None], pl.DataFrame | None]]:
    """The marks of a version's listings, made while the file is read, which keeps one thread busy for a good part.

    None for another version, or where they could not be made: whatever the reason is, it comes up again.
    """
    there = store.at() if store.exists() else None
    with ThreadPoolExecutor(1) as beside:
        made = beside.submit(lambda: marks(store.listings(there.number, source))) if there is not None else None

        def of(version: Version | None) -> pl.DataFrame | None:
            if made is None or there is None or version is None or version.number != there.number:
                return None
            return None if made.exception() else made.result()

        yield of


@dataclasses.dataclass(frozen=True)
class _Delivery:
    """A file as it was read, whatever the store has.

    Attributes:
        path: Where it lies.
        feed: How it was read.
        day: The day that its data is of.
        is_told: Whether that was said, and is not just today.
        read: Its rejects, and what is known of the file; without rows and content.
        rows: One row for each listing, as the store holds it.
        doubles: Rows that were merged into others.
        problems: What is wrong with it by itself.
        doubts: What is told of it besides.
    """

    path: str
    feed: Feed
    day: date
    is_told: bool
    read: FeedRows
    rows: pl.DataFrame
    doubles: int
    problems: list[Problem]
    doubts: list[str]

    @classmethod
    def read_from(
        cls, path: str | os.PathLike[str], feed: Feed, as_of: date | None, key: TokenKey | None, *, lacking: bool
    ) -> _Delivery:
        day = as_of or feed.today()
        read = without_service_numbers(read_feed(path, feed, lacking=lacking), feed)
        read = dataclasses.replace(read, rows=_stored(read.rows, feed, key))
        found = check_file(read, feed, day)
        problems = [each for each in found if each.refuses]
        doubts = [f"warning: {each.message}" for each in found if not each.refuses]
        rows, doubles = merged_duplicates(read)
        return cls(os.fspath(path), feed, day, as_of is not None, read.forgotten(), rows, doubles, problems, doubts)

    @property
    def usable(self) -> int:
        """How many rows can be used."""
        return len(self.rows) + self.doubles

    @property
    def rejects_file(self) -> Path:
        return _rejects_file(self.path)

    @property
    def notes(self) -> list[str]:
        """What a person should know of it."""
        return [*self.read.file.notes, *self.doubts, *([] if self.is_told else self.feed.doubts_of_today())]


@dataclasses.dataclass(frozen=True)
class _Decided:
    """What a delivery makes of a version of the store.

    Attributes:
        merged: The source's listings with it.
        problems: All that is wrong with it.
        again: Whether it is the very same file as the last one.
        origin: What is known of the source with it.
    """

    merged: Merged
    problems: list[Problem]
    again: bool
    origin: Origin

    def imported(self, delivery: _Delivery) -> Imported:
        """The same for a person."""
        read, merged = delivery.read, self.merged
        rejected = len(read.rejects)
        counts = {"read": delivery.usable + rejected, "rejected": rejected, "merged": delivery.doubles}
        counts |= {**merged.counts, "in_force_before": merged.before, "in_force": merged.after}
        return Imported(
            source=delivery.feed.source,
            version=None,
            counts=counts,
            waived=self.problems,
            again=self.again,
            confirmed_on=self.origin.confirmed_on,
            changed_on=self.origin.changed_on,
            encoding=read.file.encoding,
            rejects=delivery.rejects_file if len(read.rejects) else None,
            notes=[*delivery.notes, *self._doubts(len(read.unread))],
        )

    def _doubts(self, unread: int) -> Iterator[str]:
        """What has become of listings that may be told in rows that can't be read."""
        kept, by = self.merged.counts.get("kept", 0), self.merged.kept_by
        if kept:
            yield (
                f"{counted(kept, 'listing')} kept: rows with the same reference or number can't be read "
                f"({lines_of(by)}), which is no word that they have ended"
            )
        # What a delta doesn't name goes on.
        ended = self.merged.outcome.filter(pl.col("line").is_null() & (pl.col("outcome") == "ended"))
        if len(ended) and unread > len(by):
            others = counted(unread - len(by), "other row" if by else "row")
            yield (
                f"warning: no row names {counted(len(ended), 'listing')}, ended by that, and {others} that can't be "
                "read may do so: look at the rejects, and ask for a better file"
            )


def _decided(delivery: _Delivery, store: Store, base: Version | None, held: pl.DataFrame | None) -> _Decided:
    """Read a delivery beside what a version of the store has, of whose listings the marks may be known."""
    feed, day = delivery.feed, delivery.day
    before = base.record.origins.get(feed.source) if base else None
    _check_not_retired(before, feed.source)
    _check_not_renamed(base.record.origins if base else {}, feed.source)
    again = before is not None and before.sha256 == delivery.read.file.sha256
    current = store.listings(base.number, feed.source) if base else pl.LazyFrame(schema=STORED)
    defaults = Defaults(
        source=feed.source,
        day=day,
        listed_on=feed.listed_on,
        expires_after_days=feed.expires_after_days,
        widen=feed.repeats == "merge",
        confirmed_on=before.confirmed_on if before else None,
    )
    with store.reading():
        _check_key(current, delivery.rows, feed.source, defaults.ends_on)
        merged = merge(current, delivery.rows, feed.mode, defaults, delivery.read.unread, held)
    problems = delivery.problems + check_order(before, day)
    is_delta = feed.mode == "delta"
    if not (again and is_delta):
        usual = _usual(store, feed.source) if before and is_delta else []
        problems += check_change(merged, delivery.usable, feed, usual)
    # The changes that came last, come once more, are no news of today; of a day that is told, they are.
    no_news = before is not None and again and is_delta and len(delivery.rows) > 0 and not delivery.is_told
    told_on = before.confirmed_on if before is not None and no_news else day
    return _Decided(merged, problems, again, _origin(delivery, told_on, merged, before))


def _check_allowed(
    decided: _Decided, delivery: _Delivery, allow: Collection[str], written: Path | None, unwritten: str | None
) -> None:
    """Refuse a delivery of which something is wrong that nobody has waived, or whose rejects nobody could read."""
    refused = [(each.check, each.message) for each in decided.problems if each.check not in allow]
    if unwritten:
        refused.append((UNWRITTEN, unwritten))
    if refused:
        waived = {problem.check for problem in decided.problems if problem.check in allow}
        raise FeedRefused(delivery.path, refused, str(written) if written else None, waived)


def _check_not_retired(before: Origin | None, source: str) -> None:
    if before is not None and before.retired_on is not None:
        raise ConfigError(
            f"the source {source!r} has ended on {before.retired_on}, as a person has said, and takes no file any "
            "more: give the feed another source, or make the version before that current again (cardscreen list "
            "rollback)"
        )


def _check_not_renamed(origins: Mapping[str, Origin], source: str) -> None:
    """A file under a name of old would begin a second list, of which each number is of today."""
    now = [name for name, origin in origins.items() if source in origin.formerly]
    if now and source not in origins:
        raise ConfigError(
            f"the source {source!r} is called {now[0]!r} in this store: say source = {now[0]!r} in the feed, or give "
            "another source another name"
        )


def _usual(store: Store, source: str) -> list[int]:
    """How many listings the last deltas of a source have added, those of quiet days left out."""
    records = (each.record for each in store.history(_LOOK_BACK))
    added = (each.details.get("added", 0) for each in records if (each.action, each.source) == ("import", source))
    return list(islice(filter(None, added), _USUAL))


_LOOK_BACK, _USUAL = 500, 20  # versions, and deltas


def _check_key(current: pl.LazyFrame, rows: pl.DataFrame, source: str, day: date) -> None:
    """Refuse tokens under another key than those that are there: none would be told for the same number.

    What has ended may stay under an old key (see `rekey`), if something is under that of the file.
    """
    is_token, key = pl.col("match") == "token", pl.col("value").str.head(8)
    if not rows.select(is_token.any()).item():
        return
    tokens = rows.filter(is_token)
    new = set(tokens.select(key.unique()).to_series())
    held = current.select("kind", "match", key, lasts=lasts(day))
    there = held.filter(is_token).group_by("value").agg(pl.col("lasts").any()).collect()
    keys, in_force = set(there["value"]), set(there.filter("lasts")["value"])
    is_plain = (pl.col("match") == "exact") & pl.col("kind").is_in(tokens["kind"].unique().implode())
    if (keys and not in_force <= new <= keys) or held.select(is_plain.any()).collect().item():
        stored = f"tokens under the key {', '.join(sorted(in_force or keys))}" if keys else "readable numbers"
        raise ConfigError(
            f"the store holds {source!r} as {stored}, and this file would be under {', '.join(sorted(new))}: no number "
            "would be known again, neither its first day nor that a person has ended it. Keep the key, put "
            "the tokens under the new one (cardscreen tokens rekey), or import into a new store"
        )


def _committed(store: Store, base: Version | None, decided: _Decided, feed: Feed, done: Imported) -> Version:
    merged = decided.merged
    with not_for_others(), store.lock():
        latest = store.at() if store.exists() else None
        if _is_touched(store, base, latest, feed.source):
            raise LostRace(store.path)
        base = latest
        record = Record(
            instant=store.stamp(base.record if base else None),
            action="import",
            source=feed.source,
            by=system_user(),
            reason=f"waived: {', '.join(sorted({each.check for each in done.waived}))}" if done.waived else None,
            details=done.summary() | {"feed": feed.model_dump(mode="json", exclude_defaults=True, by_alias=True)},
            origins={**(base.record.origins if base else {}), feed.source: decided.origin},
        )
        if base is not None and not {*_CHANGES, "repeated"} & merged.counts.keys():
            return store.note(base.number, record)
        return store.replace(feed.source, merged.listings, base.number if base else None, record)


def _is_touched(store: Store, base: Version | None, latest: Version | None, source: str) -> bool:
    """Whether what was decided about a source may be another thing by now."""
    if base is None or latest is None:
        return base is not latest
    if base.record.origins.get(source) != latest.record.origins.get(source):
        return True  # also where it has another name now
    since = store.history(latest.number - base.number)
    return any(each.record.source in (source, None) for each in since if each.number > base.number)


_CHANGES = {"added", "reopened", "changed", "ended"}


def _origin(delivery: _Delivery, day: date, merged: Merged, before: Origin | None) -> Origin:
    feed = delivery.feed
    confirmed_on = max(day, before.confirmed_on) if before else day
    changes = before is None or _CHANGES & merged.counts.keys()
    return Origin(
        terms=feed.terms,
        mode=feed.mode,
        confirmed_on=confirmed_on,
        changed_on=confirmed_on if before is None or changes else before.changed_on,
        imported_at=datetime.now(UTC),
        file=without_cards(Path(delivery.path).name),
        sha256=delivery.read.file.sha256,
        listings=merged.after,
        # A file doesn't tell it: its names of old stay refused.
        formerly=before.formerly if before else (),
    )


def _stored(rows: pl.DataFrame, feed: Feed, key: TokenKey | None) -> pl.DataFrame:
    """The rows as the store holds them: exact numbers as tokens, where the feed wants it."""
    kinds = [name for name in rows.select(pl.col("kind").unique()).to_series() if feed.is_token(name)]
    which = pl.col("kind").is_in(kinds) & (pl.col("match") == "exact")
    if not kinds or not rows.select(which.any()).item():
        return rows
    if key is None:
        raise ConfigError(
            f"the {' and '.join(sorted(kinds))} numbers of {feed.source!r} are to be stored as tokens, "
            "and there is no key: "
            'name one with --key-file or --key-env, or say store_as = "plain" in the feed, '
            "which keeps them readable for whoever can read the store"
        )
    tokens = [
        rows.filter(which & (pl.col("kind") == name)).with_columns(
            value=token("value", name, key), match=pl.lit("token", dtype=schema.MATCHES)
        )
        for name in kinds
    ]
    return pl.concat([rows.filter(~which), *tokens]).sort("line")


def _rejects_file(path: str | os.PathLike[str]) -> Path:
    """Where rejected rows belong: in a folder, and with an ending, that no pattern for lists finds the next night."""
    name = os.fspath(path)
    file = Path(name.rsplit("/", 1)[-1] if "://" in name else name)
    return file.parent / "rejects" / f"{file.name}.rejects"


def write_rejects(path: str | os.PathLike[str], rejects: pl.DataFrame, feed: Feed) -> tuple[Path | None, str | None]:
    """Where the rejected rows of a file are, None: there are none; and why they can't be written, None: they can.

    Those of an earlier import are not left lying there. Past the feed's bound they are only counted, in a last line.
    """
    file = _rejects_file(path)
    if more := max(len(rejects) - feed.bounds.rejects, 0):
        rest = f"and {more:,} more: raise rejects under [bounds] of the feed to see them"
        last = pl.DataFrame({"reason": [rest]})
        rejects = pl.concat([rejects.head(feed.bounds.rejects), last], how="diagonal")
    try:
        if rejects.is_empty():
            file.unlink(missing_ok=True)
            return None, None
        with not_for_others():
            file.parent.mkdir(exist_ok=True)
            write_whole(file, without_formulas(rejects).write_csv)
    except OSError as error:
        if rejects.is_empty():  # a folder that is only read
            return None, None
        return None, f"{file} can't be written, where the rows belong that can't be used: {first_line(error)}"
    return file, None
