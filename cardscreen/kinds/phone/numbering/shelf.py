"""Where built tables are kept: Parquet files in the user's cache directory, one folder a version.

A table is built once for each version of `phonenumbers` and of the format here, then read back, and
checked; a damaged one is built again. Where nothing can be written (a read-only home, a full disk),
tables live in memory only, and one warning says so.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import filelock
import phonenumbers
import polars as pl
from polars.exceptions import PolarsError
from pyarrow import ArrowException

from cardscreen.foundation import cache
from cardscreen.foundation.lookup.intervals import Intervals

#: Raised whenever the same `phonenumbers` would give other tables than before.
FORMAT = 2

_PATIENCE = 120  # seconds to wait for another process that builds the same table
_Schema = Mapping[str, pl.DataType | type[pl.DataType]]
_lent: dict[str, Intervals] = {}
_digests: dict[str, str] = {}  # of the files of the tables that this process has read or written


def folder() -> Path:
    """Where the tables of the installed `phonenumbers` are, or will be."""
    return cache.folder("numbering", f"{phonenumbers.__version__}-{FORMAT}")


def lend(name: str, table: Intervals) -> None:
    """Use a table that another process has made, with the same `phonenumbers`, and keep no file of it."""
    _lent[name] = table


def fetch(name: str, payload: _Schema, build: Callable[[], Intervals], *, within_query: bool = False) -> Intervals:
    """The table of a name: from the cache, or built and put there.

    Args:
        name: Base name of the file.
        payload: What the table must say of each interval; a file with other columns is not used.
        build: Makes the table where the cache has no sound one.
        within_query: As for `Intervals.load`.
    """
    table = load(name, payload, within_query=within_query)
    if table is not None:
        return table
    place = folder()
    try:
        if not cache.made(place):
            return _built(build)
        with filelock.FileLock(place / f"{name}.lock", timeout=0 if within_query else _PATIENCE):
            table = load(name, payload, within_query=within_query)  # another process may have built it meanwhile
            if table is None:
                table = _built(build)
                buffer = io.BytesIO()
                table.save(buffer, within_query=within_query)
                _digests[name] = cache.save(place, name, buffer.getvalue())
    except (OSError, filelock.Timeout) as problem:
        # Within a query, a thread may come by again while it builds the very table: it must not wait for itself.
        if not (within_query and isinstance(problem, filelock.Timeout)):
            cache.warn_unkept(place, problem)
    return _built(build) if table is None else table


def _built(build: Callable[[], Intervals]) -> Intervals:
    """A table built without the cyclic garbage collector, which would go through all its cells again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return build()
    finally:
        if collects:
            gc.enable()


def load(name: str, payload: _Schema, *, within_query: bool = False) -> Intervals | None:
    """The table of a name if it was lent, or a sound file of it is in the cache."""
    if name in _lent:
        return _lent[name]
    for content, digest in cache.load(folder(), name):
        with contextlib.suppress(OSError, KeyError, ArrowException, PolarsError):
            table = Intervals.load(io.BytesIO(content), within_query=within_query)
            if table.payload.schema == pl.Schema(payload):
                _digests[name] = digest
                return table
    return None


def digests(names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of the files of those tables that this process has used; none of what lives in its memory only."""
    return {name: _digests[name] for name in sorted({*names}) if name in _digests}


def state() -> dict[str, Any]:
    """What the cache holds, for people.

    Returns:
        `phonenumbers` and `format` (versions), `folder`, `writable`, and `tables`: name → bytes.
    """
    place = folder()
    nearest = next(each for each in (place, *place.parents) if each.exists())
    tables = {path.name.split(".")[0]: path.stat().st_size for path in cache.files(place, "*")}
    return {
        "phonenumbers": phonenumbers.__version__,
        "format": FORMAT,
        "folder": str(place),
        "writable": nearest.is_dir() and os.access(nearest, os.W_OK),
        "tables": dict(sorted(tables.items())),
    }
