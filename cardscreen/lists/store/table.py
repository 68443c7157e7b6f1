"""The store of listings: a Delta Lake table in which nothing is lost and every day can be asked again.

Underneath lies plain Parquet, one or more files a source, so that an import rewrites its own source only. Each
change is one commit; it carries a record of its own (when, what, by whom, and what is known of every source),
since file times say nothing about what was known on a day.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

from cardscreen.foundation import cache, schema
from cardscreen.foundation.errors import BlocklistError, Busy, ConfigError, InputError, first_line, near
from cardscreen.foundation.files import system_user
from cardscreen.kinds.kind import secret_kinds
from cardscreen.lists.blocklist import Blocklist
from cardscreen.lists.keyed import Compiled, compile_listings, compiled_schema
from cardscreen.lists.store import files as store_files
from cardscreen.lists.store import leases
from cardscreen.lists.store.merging import STORED
from cardscreen.lists.store.records import Record, Version, sha256_of
from cardscreen.tables.dates import parse_instant
from cardscreen.tables.libraries import ENGINE_ERRORS

#: Delta has no unsigned integers and no enumerations.
_STORED = {
    name: pl.Int16 if dtype == pl.UInt8 else pl.String if isinstance(dtype, pl.Enum) else dtype
    for name, dtype in STORED.items()
}
_SCHEMA = deltalake.Schema.from_arrow(
    pl.DataFrame(schema=_STORED).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
)
_FOREVER = "interval 36500 days"
_TABLE = {
    "delta.logRetentionDuration": _FOREVER,
    "delta.deletedFileRetentionDuration": _FOREVER,
    "delta.checkpointInterval": "10",  # each version is asked for often, and the log is read from there
}
_ROW_GROUP = 500_000
_OWN = re.compile(r"[0-9a-f]{32}[.]parquet")  # names of the store's files
_LOG, _NUMBERED = "_delta_log", re.compile(r"([0-9]{20})[.]")  # commits, and checkpoints of them
_KEPT = 8  # versions that stay open: those of a night, its night before, and what is beside them
_DIGITS = re.compile(r"[0-9]{10}")
_UNUSABLE = "#%?"  # in paths: the engine takes them for parts of a URL


class Store:
    """A versioned store of listings.

    Args:
        path: Its folder, or a URL of an object store. It need not exist yet: the first import makes it.

    Example:
        >>> import tempfile
        >>> Store(tempfile.mkdtemp()).exists()
        False
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Nothing is read before it is asked for."""
        self.path = os.fspath(path)
        if "://" not in self.path and any(sign in self.path for sign in _UNUSABLE):
            raise ConfigError(f"a store can't lie in {self.path!r}: its path must be without {' '.join(_UNUSABLE)}")

    def __repr__(self) -> str:
        """Where it is."""
        return f"Store({self.path!r})"

    def exists(self) -> bool:
        """Whether there is a store at the path."""
        with self.reading():
            return deltalake.DeltaTable.is_deltatable(self.path)

    def blocklist(self, version: int | None = None, known_at: datetime | str | None = None) -> Blocklist:
        """The listings for screening.

        Args:
            version: As `history` numbers them; None: the newest.
            known_at: What the store knew at an instant (a datetime, or ISO 8601 text; without time zone: UTC),
                instead of a version.

        Raises:
            InputError: There is no store, or it did not exist yet at that instant.
            ConfigError: No such version, no instant, or both are given.
        """
        asked = self.at(version, known_at)
        listings = self._listings_of(asked).select(list(schema.LISTING))
        return Blocklist(
            listings,
            origins=asked.record.origins,
            version=asked.number,
            compiled=lambda: self._compiled(asked.number, listings),
        )

    def _compiled(self, version: int, listings: pl.LazyFrame) -> Compiled:
        """The listings as keys, from the cache where it has them."""
        place, name = cache.folder("lists", metadata.version("cardscreen")), self._name_of(version)
        for content, digest in cache.load(place, name):
            compiled = pl.read_parquet(content)
            if compiled.schema == compiled_schema():
                return Compiled(compiled, digest)
        compiled = compile_listings(listings)
        # The keys of secret values may be the values: they stay where they were stored.
        plain = pl.col("kind").is_in(secret_kinds())
        if compiled.filter(plain & (pl.col("match") == "exact")).is_empty():
            buffer = io.BytesIO()
            compiled.write_parquet(buffer, compression="lz4", statistics=False)
            with contextlib.suppress(OSError):  # a read-only home, a full disk: the next run makes them again
                return Compiled(compiled, cache.save(place, name, buffer.getvalue()))
        return Compiled(compiled)

    def _name_of(self, version: int) -> str:
        """A name for a version that no other life of the store, restored from a backup, shares."""
        named = self.identity(version)
        return f"{named['id']}-{version}-{re.sub(r'[^0-9]', '', named['instant'])}"

    def at(self, version: int | None = None, known_at: datetime | str | None = None) -> Version:
        """A version by its number or by an instant; the newest where neither is given. Raises as `blocklist` does."""
        if version is not None and known_at is not None:
            raise ConfigError("give either a version or known_at, not both")
        if known_at is not None:
            return self._known_at(known_at)
        number = self.newest() if version is None else version
        if number >= 0 and (own := self._own(number)):
            return own  # its own file tells all, and to open the table takes longer
        newest = number if version is None else self.newest()
        if number == newest:
            raise InputError(
                f"version {newest} of the store {self.path} was written by another program: if it has only put files "
                "together (OPTIMIZE) or removed old ones (VACUUM), cardscreen list adopt checks so and reads on; else "
                f"go back by cardscreen list rollback {next(self.history()).number}"
            )
        raise ConfigError(f"the store {self.path} has no version {version}: the newest is {newest}")

    def _known_at(self, instant: datetime | str) -> Version:
        asked = parse_instant(instant) if isinstance(instant, str) else instant
        if not isinstance(asked, datetime):
            raise ConfigError(f"known_at={instant!r} is a day: give an instant, such as 2026-11-23T02:00:00+08:00")
        asked = asked if asked.tzinfo else asked.replace(tzinfo=UTC)
        for each in self.history():
            if each.record.instant <= asked:
                return each
        raise InputError(f"the store {self.path} did not exist yet at {instant}")

    def history(self, limit: int | None = None) -> Iterator[Version]:
        """The versions, the newest first."""
        newest = self.newest()
        for number in range(newest, -1 if limit is None else max(newest - limit, -1), -1):
            if own := self._own(number):
                yield own

    def _own(self, number: int) -> Version | None:
        """A version by its commit's own file; None where another program has written, or removed, it.

        The engine's history reads commits that come meanwhile, too, and numbers them as those before.
        """
        with self.reading():
            try:
                content = store_files.content(self.path, _commit_file(number))
            except FileNotFoundError:
                return None
        try:
            record = Record.in_commit(content)
        except ValueError:
            raise self._not_as_written(number) from None
        return None if record is None else Version(number, record)

    def _not_as_written(self, number: int) -> BlocklistError:
        return BlocklistError(
            f"the record of version {number} of the store {self.path} is not as it was written: put back the store's "
            "folder _delta_log from a backup"
        )

    def newest(self) -> int:
        """The number of the newest version, whoever wrote it."""
        names = () if "://" in self.path else (file.name for file in Path(self.path, _LOG).glob("*"))
        numbers = [int(numbered[1]) for name in names if (numbered := _NUMBERED.match(name))]
        return max(numbers) if numbers else self._table().version()

    def foreign(self, version: int) -> pl.LazyFrame:
        """All listings of a version that another program wrote: `merging.STORED`."""
        frame = pl.scan_delta(self._table(version))
        there = frame.collect_schema()
        missing = [pl.lit(None, dtype).alias(name) for name, dtype in _STORED.items() if name not in there]
        return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in STORED.items())

    def listings(self, version: int | None = None, source: str | None = None) -> pl.LazyFrame:
        """All listings of a version as the store keeps them, ended ones too: `merging.STORED`.

        Raises:
            BlocklistError: A file is not the one that was written.
        """
        frame = self._listings_of(self.at(version))
        return frame if source is None else frame.filter(pl.col("source") == source)

    def _listings_of(self, version: Version) -> pl.LazyFrame:
        table = self._open(version.number)
        with self.reading():
            names = _names(table)
        files = [f"{self.path.rstrip('/')}/{name}" for name in names]
        if "://" not in self.path and not all(Path(file).exists() for file in files):
            raise self._gone(version.number)
        self._check_files(version, names, str(table.metadata().id))
        # Files of earlier releases lack the columns that were not kept then.
        frame = pl.scan_parquet(files, glob=False, schema=_STORED, missing_columns="insert")
        return frame.select(pl.col(name).cast(dtype) for name, dtype in STORED.items())

    def changed_files(self, version: int) -> list[str]:
        """The files of a version that are not those that were written, all of them read anew.

        Of a version that an earlier release has written, nobody knows.
        """
        asked = self.at(version)
        with self.reading():
            try:
                return store_files.changed(self.path, store_files.by_name(asked.record.files or {}))
            except FileNotFoundError:
                raise self._gone(version) from None

    def _gone(self, version: int) -> InputError:
        return InputError(f"version {version} of {self.path} can't be read any more: list vacuum has removed its files")

    def _check_files(self, version: Version, names: Sequence[str], memory: str) -> None:
        """Refuse files that are not those that were written; `memory` as for `files.changed`."""
        if version.record.files is None:
            warnings.warn(
                f"the store {self.path} was written by an earlier release and does not say the digests of its files: "
                f"whether they were changed since is not known. cardscreen upgrade {self.path} writes them down",
                stacklevel=2,
            )
            return
        digests = store_files.by_name(version.record.files)
        with self.reading():
            wrong = sorted(digests.keys() ^ set(names)) or store_files.changed(self.path, digests, memory)
        if wrong:
            others = (each for each in self.history() if each.number != version.number)
            before = (each.number for each in others if wrong[0] not in store_files.by_name(each.record.files or {}))
            back = next((f", or go back to a version without it: cardscreen list rollback {one}" for one in before), "")
            raise BlocklistError(
                f"{wrong[0]} in the store {self.path} is not as version {version.number} has written it: put it back "
                f"from a backup{back}"
            )

    def _digests(self, base: int) -> dict[str, dict[str, str]]:
        """`Record.files` of a version, made anew where an earlier release has written it."""
        files = self.at(base).record.files
        if files is not None:
            return files
        with self.reading():
            added = pl.DataFrame(self._open(base).get_add_actions(flatten=True))
            names = added.select(source="partition.source", name="path").group_by("source", maintain_order=True)
            return {str(source): store_files.digests_of(self.path, of_source["name"]) for (source,), of_source in names}

    def of_source(self, source: str, version: int) -> pl.DataFrame:
        """One source's listings, in memory."""
        listings = self.listings(version, source)
        with self.reading():
            return listings.collect()

    def _table(self, version: int | None = None) -> deltalake.DeltaTable:
        with self.reading():
            return deltalake.DeltaTable(self.path, version=version)

    def _open(self, version: int) -> deltalake.DeltaTable:
        """A version to read from: it takes 10 ms to open, and is asked for again and again."""
        if "://" in self.path:
            return self._table(version)
        with self.reading():
            try:
                return _opened(self.path, version, store_files.stamp(self.path, _commit_file(version)))
            except FileNotFoundError:
                return self._table(version)

    @contextmanager
    def reading(self, what: str = "read") -> Iterator[None]:
        """Within it, whatever the engines raise is told as an error of the store."""
        try:
            yield
        except TableNotFoundError:
            raise self._nowhere() from None
        except CommitFailedError:
            raise LostRace(self.path) from None
        except (DeltaError, *ENGINE_ERRORS) as error:
            raise BlocklistError(f"the store {self.path} can't be {what}: {first_line(error)}") from None

    def _nowhere(self) -> InputError:
        place = Path(self.path)
        if place.is_dir():
            within = [str(each) for each in sorted(place.iterdir()) if (each / _LOG).is_dir()]
            hint = f" (did you mean {within[0]!r}?)" if within else ""
            return InputError(
                f"the folder {self.path!r} holds no store{hint}: name the one that does, or make one there by "
                "cardscreen list import"
            )
        there = [each.name for each in place.parent.iterdir() if each.is_dir()] if place.parent.is_dir() else []
        return InputError(f"there is no store {self.path!r}{near(place.name, there)}: cardscreen list import makes one")

    # --- changing -------------------------------------------------------------------------------------------

    def lock(self) -> AbstractContextManager[None]:
        """Hold the store, where it is a folder, against other imports; elsewhere the slower of two is told.

        Raises:
            Busy: Another import has held it for two minutes.
        """
        return leases.locked(self.path)

    @contextmanager
    def leased(self, version: int) -> Iterator[None]:
        """Within it, `vacuum` keeps a version; a store that can't be written, or is no folder, is read without.

        Raises:
            InputError: The version's files were removed before.
        """
        with leases.leased(self.path, version):
            self.listings(version)
            yield

    def leases(self) -> set[int]:
        """The versions that are being read."""
        return leases.leases(self.path)

    def replace(
        self, source: str, listings: pl.LazyFrame, base: int | None, record: Record, *, instead_of: str | None = None
    ) -> Version:
        """Put a source's listings in place of those it had, as one commit.

        Args:
            source: Whose they are.
            listings: `merging.STORED`, all of them.
            base: The version that they were made from; None where there was no store.
            record: What the commit says.
            instead_of: Another name that the source had.

        Raises:
            LostRace: The store has another version by now; nothing was changed.
        """
        file = _new_name()
        size, rows, digest = self._written(listings, file)
        files = dict(self._digests(base)) if base is not None else {}
        files.pop(instead_of or source, None)
        record = record.model_copy(update={"files": files | {source: {file: digest}}})
        action = AddAction(
            path=file,
            size=size,
            partition_values={"source": source},
            modification_time=int(time.time() * 1000),
            data_change=True,
            stats=json.dumps({"numRecords": rows}),
        )
        if base is None:
            self._make([action], record)
        else:
            self._commit(self._table(base), [action], "overwrite", [("source", "=", instead_of or source)], record)
        return Version(0 if base is None else base + 1, record)

    def note(self, base: int, record: Record) -> Version:
        """A commit that changes no listing: only what is known of a source."""
        record = record.model_copy(update={"files": self._digests(base)})
        self._commit(self._table(base), [], "append", None, record)
        return Version(base + 1, record)

    def restore(self, version: int, record: Record) -> Version:
        """Make an earlier version current again, as a new one."""
        self.listings(version)  # refuses a version whose files are gone, or others
        record = record.model_copy(update={"files": self._digests(version)})
        table = self._table()
        with self.reading("written"):
            table.restore(version, commit_properties=record.properties())
        return self.at()

    def _make(self, actions: list[Any], record: Record) -> None:
        try:
            create_table_with_add_actions(
                self.path,
                _SCHEMA,
                actions,
                "error",
                ["source"],
                configuration=_TABLE,
                commit_properties=record.properties(),
            )
        except (CommitFailedError, DeltaError):
            raise LostRace(self.path) from None

    def _written(self, listings: pl.LazyFrame, file: str) -> tuple[int, int, str]:
        """Bytes, rows and SHA-256 of a new file with the listings."""
        sizes: list[tuple[int, int]] = []
        # `source` stays in the file, so that any Parquet reader finds whole listings.
        with self.reading("written"):
            listings.select(pl.col(name).cast(dtype) for name, dtype in _STORED.items()).sink_parquet(
                f"{self.path.rstrip('/')}/{file}",
                row_group_size=_ROW_GROUP,
                compression="zstd",
                compression_level=1,  # faster than the default, and no larger here
                statistics=False,  # rows are in no order; and the least and greatest values are nobody's business
                sync_on_close="all",
                sinked_paths_callback=lambda written: sizes.extend(
                    (path.num_bytes, path.num_rows) for path in written.paths
                ),
            )
            return *sizes[0], store_files.digests_of(self.path, [file])[file]

    def _commit(
        self,
        table: deltalake.DeltaTable,
        actions: list[Any],
        mode: str,
        partition: list[tuple[str, str, Any]] | None,
        record: Record,
    ) -> None:
        try:
            with self.reading("written"):
                table.create_write_transaction(
                    actions, mode, _SCHEMA, ["source"], partition, commit_properties=record.properties()
                )
        except BlocklistError:
            # What follows on a commit, such as a checkpoint, may fail where the commit has not.
            if self.at().record.instant != record.instant:
                raise

    def identity(self, version: int) -> dict[str, str]:
        """How runs name a version: the store's path or URL, its table's id, the version's instant, and its files.

        The id stays where a store is moved; the instant tells a version from another life's of the same number;
        `files` is a SHA-256 of theirs, where the version says them.

        Raises:
            ConfigError: No such version.
        """
        record = self.at(version).record
        identity = {
            "path": self.path if "://" in self.path else str(Path(self.path).resolve()),
            "id": str(self._open(version).metadata().id),
            "instant": record.instant.isoformat(),
        }
        if record.files is not None:
            identity["files"] = sha256_of(json.dumps(store_files.by_name(record.files), sort_keys=True))
        return identity

    def has(self, named: Mapping[str, Any]) -> bool:
        """Whether a version that a run names is this store's; a run of old names no id, and is known by the path."""
        own, keys = self.identity(named["version"]), ("id", "instant", "files") if "id" in named else ("path",)
        return all(named[key] == own.get(key) for key in keys if key in named)

    def vacuum(self, kept: Sequence[int], *, dry_run: bool) -> int:
        """Remove the files that none of the kept versions needs, and what killed imports left; returns how many."""
        table, record = self._table(), self.at().record
        written = {
            "instant": self.stamp(record),
            "action": "vacuum",
            "source": None,
            "by": system_user(),
            "reason": None,
        }
        properties = record.model_copy(update={**written, "details": {"kept": list(kept)}}).properties()
        options: dict[str, Any] = {
            "enforce_retention_duration": False,
            "keep_versions": list(kept),
            "commit_properties": properties,
        }
        # The log names files for ever, those of earlier clean-ups too.
        removed = store_files.existing(self.path, table.vacuum(0, dry_run=True, **options))
        if removed and not dry_run:
            table.vacuum(0, dry_run=False, **options)
        if "://" in self.path:
            return len(removed)
        needed = {*removed, *(name for version in kept for name in _names(self._open(version)))}
        own = [file for file in Path(self.path).glob("*.parquet") if _OWN.fullmatch(file.name)]
        orphans = [file for file in own if file.name not in needed]
        for file in orphans if not dry_run else ():
            file.unlink(missing_ok=True)
        return len(removed) + len(orphans)

    def stamp(self, latest: Record | None) -> datetime:
        """The instant of a commit now: a clock that was set back does not undo the order of commits."""
        now = datetime.now(UTC)
        return max(now, latest.instant + timedelta(microseconds=1)) if latest else now


class LostRace(Busy):
    """Another import has changed the store meanwhile: read it again, and decide again."""

    def __init__(self, path: str) -> None:
        """Name the store."""
        super().__init__(f"another import has changed the store {path} meanwhile: import the file again")


@lru_cache(maxsize=_KEPT)
def _opened(path: str, version: int, _stamp: tuple[int, ...]) -> deltalake.DeltaTable:
    """A version whose commit's own file is still the same."""
    return deltalake.DeltaTable(path, version=version)


def _commit_file(version: int) -> str:
    return f"{_LOG}/{version:020}.json"


def _names(table: deltalake.DeltaTable) -> list[str]:
    """The files of a version; all lie in the store's own folder."""
    return [_name(uri) for uri in table.file_uris()]


def _new_name() -> str:
    """A name for a file, without digits that could be taken for a card number's where the name is told."""
    while _DIGITS.search(name := uuid.uuid4().hex):
        pass
    return f"{name}.parquet"


def _name(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]
