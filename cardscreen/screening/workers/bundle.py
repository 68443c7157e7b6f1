"""What workers elsewhere need for a screening, as files: written once, checked by their hashes, read once a process.

Large tables are mapped into memory, so that all workers of a machine share one copy and a reader touches only the
pages that it needs. Files that hold card numbers or secrets are sealed, and are read into each worker's own memory.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import InputError, first_line
from cardscreen.foundation.files import sha256_of
from cardscreen.foundation.lookup.digits import Keys, distinct
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.foundation.secrets.sealing import Seal
from cardscreen.kinds.kind import KINDS, Kind
from cardscreen.kinds.phone.numbering import lookup, shelf
from cardscreen.kinds.tokens import TokenKey, token_key
from cardscreen.kinds.truncated import hides_digits
from cardscreen.lists import keyed
from cardscreen.lists.blocklist import Blocklist, holds
from cardscreen.screening.hits.evidence import Near, near_in
from cardscreen.screening.scan import Watch
from cardscreen.screening.targets import Targets
from cardscreen.tables.paths import is_url
from cardscreen.tables.remote import read_bytes, write_bytes

if TYPE_CHECKING:
    import pyarrow as pa

_GROUP = 65_536  # listings in a batch of a file: the least that is looked at for one of them
_NUMBERS, _SECRETS = "numbering.", "token_keys"
#: Names of the tables that workers may need besides.
WATCHED, CLEARED = "watched", "cleared"
_KEYED = ["key", "stub", "match"]
_WHOLE = ["range", "truncated"]  # listings that are looked at for every value
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
        """A name that no other bundle shares."""
        return self.files[_SECRETS].name

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
        writer = _Writer(folder)
        of_day = keyed.of_day(blocklist.compiled, day)
        names = list(dict.fromkeys(kind.name for kind in kinds))
        for name in names:
            of_kind = blocklist.lazy.filter(holds(day) & (pl.col("kind") == name))
            # Tokens and what is truncated may lie in the open; a range may be that of one number.
            full = (pl.col("kind") == name) & pl.col("match").is_in(["exact", "range"])
            sealed = KINDS[name].secret and not of_day.filter(full).is_empty()
            written = writer.add_frame(f"{name}.listings", _with_keys(of_kind, KINDS[name]), sealed=sealed)
            arrays = {
                **Targets.of(name, of_day, near_in(of_kind)).arrays,
                **_places(pl.read_ipc(written, columns=_KEYED)),
            }
            writer.add_arrays(f"{name}.arrays", arrays, sealed=sealed)
        needed = dict.fromkeys(table for kind in kinds for table in kind.tables())
        for table, numbers in (lookup.tables(needed) if needed else {}).items():
            ends = {"low": numbers.low, "high": numbers.high}
            writer.add_frame(f"{_NUMBERS}{table}", numbers.payload.lazy().with_columns(**ends), sealed=False)
        for what, frame in tables.items():
            writer.add_frame(what, frame.lazy(), sealed=True)
        revealed = pl.DataFrame({"secret": [key.reveal() for key in token_keys]}, schema={"secret": pl.String})
        writer.add_frame(_SECRETS, revealed.lazy(), sealed=True)
        return cls(writer.files, writer.seal, names)


class _Writer:
    """Writes files, each under a name that no other content shares."""

    def __init__(self, folder: str) -> None:
        self.files: dict[str, File] = {}
        self.seal = Seal()
        self._folder = folder

    def add_frame(self, what: str, frame: pl.LazyFrame, *, sealed: bool) -> Path | bytes:
        """A frame as Arrow IPC; returns where it can be read again."""
        old = pl.CompatLevel.oldest()
        if sealed or is_url(self._folder):
            buffer = io.BytesIO()
            frame.sink_ipc(buffer, compat_level=old, record_batch_size=_GROUP)
            self._keep(what, buffer.getvalue(), sealed=sealed)
            return buffer.getvalue()
        with self._part() as part:
            frame.sink_ipc(part, compat_level=old, record_batch_size=_GROUP)
            return part.replace(Path(self._folder, self._named(what, sha256_of(part), sealed=False)))

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


def _with_keys(listings: pl.LazyFrame, kind: type[Kind]) -> pl.LazyFrame:
    """Listings of one kind with what they are found by: `key` of exact and token ones, `stub` of exact ones."""
    value, match = pl.col("value"), pl.col("match")
    exact, token = pl.when(match == "exact").then(value), pl.when(match == "token").then(value)
    return listings.with_columns(key=pl.coalesce(kind.key(exact), token_key(token)), stub=kind.stub(exact))


def _places(keyed: pl.DataFrame) -> dict[str, _Array]:
    """The keys and stubs, rising, and the rows in which they stand; and the rows of `_WHOLE`."""
    numbered = keyed.with_row_index("row")
    whole = numbered.filter(pl.col("match").cast(pl.String).is_in(_WHOLE))
    arrays: dict[str, _Array] = {"near.whole": whole["row"].to_numpy()}
    for name in ("key", "stub"):
        rows = numbered.drop_nulls(name).sort(name)
        arrays[f"near.{name}"], arrays[f"near.{name}.rows"] = rows[name].to_numpy(), rows["row"].to_numpy()
    return arrays


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
            kind: Targets.restored(kind, arrays, self.near, self.token_keys) for kind, arrays in self._arrays.items()
        }

    @cached_property
    def token_keys(self) -> list[TokenKey]:
        """The keys of token listings."""
        return [TokenKey(secret) for secret in self._frame(_SECRETS)["secret"]]

    @cached_property
    def near(self) -> Near:
        """Finds listings for `evidence.evidence`."""
        listed = [_Listed(kind, self._reader(f"{kind}.listings"), arrays) for kind, arrays in self._arrays.items()]
        return lambda values, tokens: pl.concat(each.near(values, tokens) for each in listed)

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

    @cached_property
    def _arrays(self) -> dict[str, dict[str, _Array]]:
        """Keys and places by kind; they are large, and those that are sealed lie in this process's own memory."""
        batches = {kind: self._reader(f"{kind}.arrays").get_batch(0) for kind in self._bundle.kinds}
        return {
            kind: {name: batch.column(name)[0].values.to_numpy() for name in batch.schema.names}
            for kind, batch in batches.items()
        }

    def _reader(self, what: str) -> pa.RecordBatchFileReader:
        import pyarrow as pa

        content = self._content(what)
        return pa.ipc.open_file(pa.memory_map(content) if isinstance(content, str) else pa.BufferReader(content))

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


class _Listed:
    """The listings of one kind, of which only those that are wanted are read."""

    def __init__(self, kind: str, reader: pa.RecordBatchFileReader, arrays: Mapping[str, _Array]) -> None:
        self._kind = KINDS[kind]
        self._reader = reader
        self._keys, self._key_rows = arrays["near.key"], arrays["near.key.rows"]
        self._stubs, self._stub_rows = arrays["near.stub"], arrays["near.stub.rows"]
        sizes = [reader.get_batch(at).num_rows for at in range(reader.num_record_batches)]
        self._ends = np.cumsum(sizes, dtype=np.int64)
        self._whole = self._taken(arrays["near.whole"])

    def near(self, values: pl.DataFrame, tokens: pl.Series) -> pl.DataFrame:
        """As `evidence.Near`, of this kind."""
        of_kind = values.filter(pl.col("kind") == self._kind.name).select("value")
        if of_kind.is_empty():
            return self._whole.clear()
        hides = hides_digits(pl.col("value")) & pl.lit(self._kind.truncates)
        full = of_kind.filter(~hides)
        keys = full.select(self._kind.key(pl.col("value"))).to_series()
        signed = tokens.to_frame("token").select(token_key(pl.col("token"))).to_series().drop_nulls()
        hidden = of_kind.filter(hides)
        stubs = hidden.select(self._kind.stub(pl.col("value"))).to_series().drop_nulls()
        places = [
            _found(np.concatenate([keys.to_numpy(), signed.to_numpy()]), self._keys, self._key_rows),
            _found(stubs.to_numpy(), self._stubs, self._stub_rows),
        ]
        return pl.concat([self._whole, self._taken(distinct(np.concatenate(places)))])

    def _taken(self, rows: _Array) -> pl.DataFrame:
        """Some rows, given in rising order: `schema.LISTING`."""
        import pyarrow as pa

        parts = [pl.DataFrame(schema=schema.LISTING)]
        rows = rows.astype(np.int64)
        place = np.searchsorted(self._ends, rows, side="right")
        for at in np.flatnonzero(np.bincount(place)):
            within = rows[place == at] - (self._ends[at - 1] if at else 0)
            taken = pl.DataFrame(pa.Table.from_batches([self._reader.get_batch(at).take(pa.array(within, pa.int64()))]))
            parts.append(taken.select(pl.col(name).cast(dtype) for name, dtype in schema.LISTING.items()))
        return pl.concat(parts)


def _found(wanted: Keys, rising: Keys, rows: _Array) -> Keys:
    """The rows in which wanted keys stand."""
    asked = distinct(wanted)
    first, last = (np.searchsorted(rising, asked, side=side) for side in ("left", "right"))
    count = last - first
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    places: Keys = rows[np.repeat(first, count) + within].astype(np.uint64)
    return places
