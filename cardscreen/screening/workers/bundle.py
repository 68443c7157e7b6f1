"""What workers elsewhere need for a screening, as files: written once, checked by their hashes, read once a process.

Keys with their filters are mapped into memory, so that all workers of a machine share one copy. Files that hold card
numbers or secrets are sealed, and are read into each worker's own memory. Listings stay behind, as their texts are ten
times as large: those of the few values that may be listed follow in a file of their own.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import InputError, first_line
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.foundation.secrets.sealing import Seal
from cardscreen.kinds.kind import KINDS, Kind
from cardscreen.kinds.phone.numbering import lookup, shelf
from cardscreen.kinds.tokens import TokenKey
from cardscreen.lists import keyed
from cardscreen.lists.blocklist import Blocklist, holds
from cardscreen.screening.hits.evidence import Near, near_in
from cardscreen.screening.scan import Watch
from cardscreen.screening.targets import Targets
from cardscreen.tables.paths import is_url
from cardscreen.tables.remote import read_bytes, write_bytes

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS, _SECRETS, _COVERING = "numbering.", "token_keys", "covering"
#: Names of the tables that workers may need besides.
WATCHED, CLEARED, FOUND = "watched", "cleared", "found"
_Array = npt.NDArray[Any]


@dataclass(frozen=True)
class File:
    """One file of a bundle.

    Attributes:
        name: Its name, which no other content shares.
        digest: SHA-256 of its bytes.
        sealed: Whether a seal opens it.
    """

    name: str
    digest: str
    sealed: bool


@dataclass(frozen=True)
class Bundle:
    """What workers need, as files.

    Attributes:
        files: What they hold → the file.
        seal: Opens the sealed ones.
        kinds: The kinds that are screened.
    """

    files: Mapping[str, File]
    seal: Seal = field(repr=False)
    kinds: Sequence[str]

    @property
    def name(self) -> str:
        """A name that no other bundle shares: of the last file, which is sealed, and so never the same twice."""
        return list(self.files.values())[-1].name

    @classmethod
    def write(
        cls,
        folder: str,
        blocklist: Blocklist,
        day: date,
        kinds: Sequence[Kind],
        token_keys: Sequence[TokenKey],
        tables: Mapping[str, pl.DataFrame],
    ) -> Bundle:
        """Write the files.

        Args:
            folder: Where to: a folder, or a URL of an object store.
            blocklist: The listings.
            day: The day that is asked about.
            kinds: Those of the accounts' columns.
            token_keys: The keys of token listings; sealed.
            tables: What workers need besides, such as `WATCHED` and `CLEARED`; sealed too.

        Raises:
            InputError: They can't be written there.
        """
        writer = _Writer(folder, Seal())
        of_day = keyed.of_day(blocklist.compiled, day)
        names = list(dict.fromkeys(kind.name for kind in kinds))
        for name in names:
            of_kind = blocklist.lazy.filter(holds(day) & (pl.col("kind") == name))
            # Tokens and what is truncated may lie in the open; a range may be that of one number.
            full = (pl.col("kind") == name) & pl.col("match").is_in(["exact", "range"])
            sealed = KINDS[name].secret and not of_day.filter(full).is_empty()
            targets = Targets.of(name, of_day, near_in(of_kind))
            writer.add_arrays(f"{name}.arrays", targets.arrays, sealed=sealed)
            if targets.may_be_incomparable:
                writer.add_frame(f"{name}.{_COVERING}", _covering(of_kind, KINDS[name]), sealed=sealed)
        needed = dict.fromkeys(table for kind in kinds for table in kind.tables())
        for table, numbers in (lookup.tables(needed) if needed else {}).items():
            ends = {"low": numbers.low, "high": numbers.high}
            writer.add_frame(f"{_NUMBERS}{table}", numbers.payload.lazy().with_columns(**ends), sealed=False)
        for what, frame in tables.items():
            writer.add_frame(what, frame.lazy(), sealed=True)
        revealed = pl.DataFrame({"secret": [key.reveal() for key in token_keys]}, schema={"secret": pl.String})
        writer.add_frame(_SECRETS, revealed.lazy(), sealed=True)
        return cls(writer.files, writer.seal, names)

    def having(self, folder: str, what: str, table: pl.DataFrame) -> Bundle:
        """The bundle with one more table, sealed.

        Args:
            folder: As for `write`.
            what: Its name.
            table: What it holds.

        Raises:
            InputError: It can't be written there.
        """
        writer = _Writer(folder, self.seal)
        writer.add_frame(what, table.lazy(), sealed=True)
        return replace(self, files={**self.files, **writer.files})

    def close(self, table: pa.Table) -> bytes:
        """A table as it travels from worker to worker through an engine that may lay it on a disk: sealed."""
        import pyarrow as pa

        buffer = io.BytesIO()
        with pa.ipc.new_file(buffer, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
            stream.write_table(table)
        return self.seal.close(buffer.getvalue())

    def open(self, closed: bytes) -> pa.Table:
        """What `close` sealed."""
        import pyarrow as pa

        return pa.ipc.open_file(pa.BufferReader(self.seal.open(closed))).read_all()


class _Writer:
    """Writes files, each under a name that no other content shares."""

    def __init__(self, folder: str, seal: Seal) -> None:
        self.files: dict[str, File] = {}
        self.seal = seal
        self._folder = folder

    def add_frame(self, what: str, frame: pl.LazyFrame, *, sealed: bool) -> None:
        """A frame as Arrow IPC."""
        buffer = io.BytesIO()
        frame.sink_ipc(buffer, compat_level=pl.CompatLevel.oldest())
        self._keep(what, buffer.getvalue(), sealed=sealed)

    def add_arrays(self, what: str, arrays: Mapping[str, _Array], *, sealed: bool) -> None:
        """Arrays of any lengths: each is the one cell of its column."""
        import pyarrow as pa

        cells = {
            name: pa.LargeListArray.from_arrays(pa.array([0, len(array)], pa.int64()), pa.array(array))
            for name, array in arrays.items()
        }
        table, buffer = pa.table(cells), io.BytesIO()
        with pa.ipc.new_file(buffer, table.schema) as stream:
            stream.write_table(table)
        self._keep(what, buffer.getvalue(), sealed=sealed)

    def _keep(self, what: str, content: bytes, *, sealed: bool) -> None:
        content = self.seal.close(content) if sealed else content
        name = self._named(what, hashlib.sha256(content).hexdigest(), sealed=sealed)
        if is_url(self._folder):
            write_bytes(self._folder, name, content)
            return
        with self._part() as part:
            part.write_bytes(content)
            part.replace(Path(self._folder, name))

    @contextmanager
    def _part(self) -> Iterator[Path]:
        """A file to fill, for the user alone: another screening may write to the folder, and workers read there."""
        part = Path(self._folder, f".cardscreen-{secrets.token_hex(8)}.part")
        try:
            part.touch(0o600)
            yield part
        except OSError as error:
            raise InputError(f"files can't be written to {self._folder}: {first_line(error)}") from None
        finally:
            part.unlink(missing_ok=True)

    def _named(self, what: str, digest: str, *, sealed: bool) -> str:
        name = f"cardscreen-{what}-{digest}.{'sealed' if sealed else 'arrow'}"
        self.files[what] = File(name, digest, sealed)
        return name


def _covering(listings: pl.LazyFrame, kind: type[Kind]) -> pl.LazyFrame:
    """What tells whether truncated values of a kind are covered by block listings: value, match, stub."""
    full = (pl.col("list") == "block") & (pl.col("match") != "token")
    return listings.filter(full).select("value", "match", stub=kind.stub(pl.col("value")))


class Opened:
    """A bundle in a worker.

    Args:
        bundle: Which.
        find: The path or URL of a file by its name.

    Raises:
        InputError: A file is not there, or is not the one that was written.
    """

    def __init__(self, bundle: Bundle, find: Callable[[str], str]) -> None:
        self._bundle = bundle
        self._find = find

    @cached_property
    def targets(self) -> dict[str, Targets]:
        """What accounts are looked up in, by kind; the tables of numbers are lent at the same time."""
        for what in self._bundle.files:
            if what.startswith(_NUMBERS):
                shelf.lend(what.removeprefix(_NUMBERS), Intervals.from_frame(self._frame(what)))
        return {
            kind: Targets.restored(kind, self._arrays(kind), self._covering(kind), self.token_keys)
            for kind in self._bundle.kinds
        }

    @cached_property
    def token_keys(self) -> list[TokenKey]:
        """The keys of token listings."""
        return [TokenKey(secret) for secret in self._frame(_SECRETS)["secret"]]

    @cached_property
    def near(self) -> Near:
        """Finds listings for `evidence.evidence` among those of the values that may be listed."""
        return near_in(self._frame(FOUND).lazy())

    @property
    def pseudonym_key(self) -> str:
        """For keyed hashes of values that must not be told: the same in all workers of a screening."""
        return self._bundle.seal.pseudonym_key()

    @cached_property
    def watch(self) -> Watch | None:
        """The accounts of the night before; None where there was none."""
        watched = self.table(WATCHED)
        return None if watched is None else Watch(watched.to_series())

    @cached_property
    def cleared(self) -> pl.DataFrame | None:
        """As `Policy.cleared` gave it."""
        return self.table(CLEARED)

    def table(self, what: str) -> pl.DataFrame | None:
        """A table that workers need besides; None where there is none."""
        return self._frame(what) if what in self._bundle.files else None

    def _frame(self, what: str) -> pl.DataFrame:
        return pl.read_ipc(self._content(what)).rechunk()

    def _covering(self, kind: str) -> Near:
        """Finds block listings that may cover truncated values of a kind, by what these show."""
        covering = self.table(f"{kind}.{_COVERING}")
        columns: dict[str, pl.Expr] = {name: pl.lit(None, dtype) for name, dtype in schema.LISTING.items()}
        columns |= {"kind": pl.lit(kind), "list": pl.lit("block", schema.LISTS)}
        columns |= {name: pl.col(name) for name in ("value", "match")}

        def near(values: pl.DataFrame, tokens: pl.Series, most: int | None = None) -> pl.DataFrame:  # noqa: ARG001
            if covering is None:
                return pl.DataFrame(schema=schema.LISTING)
            stubs = values.select(KINDS[kind].stub(pl.col("value"))).to_series()
            shown = pl.col("stub").is_in(stubs.drop_nulls().implode())
            return covering.filter((pl.col("match") == "range") | shown.fill_null(value=False)).select(**columns)

        return near

    def _arrays(self, kind: str) -> dict[str, _Array]:
        """Keys and filters of a kind; where they are sealed, they lie in this process's own memory."""
        import pyarrow as pa

        content = self._content(f"{kind}.arrays")
        batch = pa.ipc.open_file(
            pa.memory_map(content) if isinstance(content, str) else pa.BufferReader(content)
        ).get_batch(0)
        return {name: batch.column(name)[0].values.to_numpy() for name in batch.schema.names}

    def _content(self, what: str) -> str | bytes:
        """The path of a sound file, or the bytes of one that is sealed or far away."""
        file = self._bundle.files[what]
        place = self._find(file.name)
        if not is_url(place) and not file.sealed:
            with closing(_opened(place)) as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            _check(digest, file)
            return place
        if is_url(place):
            content = read_bytes(place)
        else:
            with closing(_opened(place)) as stream:
                content = stream.read()
        _check(hashlib.sha256(content).hexdigest(), file)
        return self._bundle.seal.open(content) if file.sealed else content


def _opened(path: str) -> io.BufferedReader:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise InputError(
            f"a worker can't read {path} ({error.strerror}): `files` must name a folder that every worker shares, and "
            "workers must run as the user who screens, who alone may read there; without `files` Spark sends the files"
        ) from None


def _check(digest: str, file: File) -> None:
    if digest != file.digest:
        raise InputError(f"a worker's {file.name} is not the file that was written: was it changed, or cut off?")
