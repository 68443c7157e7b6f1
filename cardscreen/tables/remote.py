"""Tables in object stores and behind other URLs: Polars reads them, with what the environment says of the store."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import Any, Literal
from urllib.parse import urlsplit

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError, first_line, missing_extra
from cardscreen.tables.libraries import ENGINE_ERRORS

Format = Literal["parquet", "ipc", "text"]

#: Schemes that have folders.
_STORES = ("s3", "s3a", "gs", "gcs", "az", "azure", "adl", "abfs", "abfss")
_WEB = ("http", "https", "hf", "file")
#: For the first contact only: a store that can't be reached is told in seconds. Reading on has the patience of Polars.
_BRIEFLY: Any = {"max_retries": 1, "retry_timeout_ms": 5000, "connect_timeout": "5s", "timeout": "10s"}
_DELTA_BRIEFLY = {"max_retries": "1", "retry_timeout": "5s", "connect_timeout": "5s", "timeout": "10s"}
_URL = "url"
_LINES, _LINES_OF_BEGINNING = 200_000, 1_000
_DENIED = re.compile(
    r"169\.254\.169\.254|\b40[13]\b|AccessDenied|credential|InvalidAccessKeyId|SignatureDoes", re.IGNORECASE
)
_UNREACHED = re.compile(r"error sending request|\bconnect|\bdns\b|timed? ?out|not allowed", re.IGNORECASE)
_DECORATION = re.compile(r"\x1b\[[0-9;]*m|↳|^\s*[0-9]+:")
_VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION (and AWS_ENDPOINT_URL, if the store is not Amazon's)",
    "g": "GOOGLE_APPLICATION_CREDENTIALS",
    "a": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}


def open_remote(urls: list[str], form: Format | None) -> pl.LazyFrame:
    """Tables at URLs as one LazyFrame: files, globs, folders of Parquet files (hive partitions too), a Delta table.

    Args:
        urls: One or more.
        form: What the files are, none of them text; None: the URLs name folders.

    Raises:
        InputError: There is nothing, it can't be reached, or it can't be read.
        ConfigError: A URL that names neither a file of a known format nor a folder.
    """
    schemes = _schemes_of(urls)
    if form is None and not schemes.issubset(_STORES):
        raise ConfigError(f"{urls[0]}: name a file, ending in .parquet, .csv, .tsv, .arrow, .ipc or .feather")
    try:
        if form is None and is_delta_at(urls[0]):
            return _delta(urls)
        # As a pattern, the folder's own name may be a partition too.
        patterns = urls if form else [f"{url.rstrip('/')}/**/*.parquet" for url in urls]
        _scan(patterns, form, _BRIEFLY).collect_schema()
    except ENGINE_ERRORS as error:
        raise _unreadable(urls[0], error) from None
    return _scan(patterns, form, None)


def _schemes_of(urls: list[str]) -> set[str]:
    schemes = {urlsplit(url).scheme for url in urls}
    if other := sorted(schemes.difference(_STORES, _WEB)):
        raise ConfigError(f"{urls[0]}: {other[0]}:// can't be read: give s3://, gs://, az://, https:// or a path")
    return schemes


def _scan(urls: list[str], form: Format | None, options: Any) -> pl.LazyFrame:
    if form == "ipc":
        return pl.scan_ipc(urls, hive_partitioning=True, storage_options=options)
    return pl.scan_parquet(urls, extra_columns="ignore", hive_partitioning=True, storage_options=options)


def text_at(
    urls: list[str], encoding: str | None
) -> tuple[list[bytes], Callable[[], Iterator[tuple[str, Iterator[bytes]]]]]:
    """Files of UTF-8 text at URLs.

    Args:
        urls: Files or globs.
        encoding: What was said that they are in.

    Returns:
        How the first file begins, and what makes of each file its URL and its content in blocks.

    Raises:
        InputError: There is nothing, it can't be reached, or it can't be read.
        ConfigError: An encoding other than UTF-8, or a URL that can't be read.
    """
    if (encoding or "utf-8").lower() not in ("utf-8", "utf8", "utf-8-sig"):
        raise ConfigError(f"{urls[0]}: text at a URL is read as UTF-8 only, not as {encoding}: fetch the file first")
    _schemes_of(urls)

    def lines(options: Any) -> pl.LazyFrame:
        return pl.scan_lines(urls, include_file_paths=_URL, storage_options=options)

    def files() -> Iterator[tuple[str, Iterator[bytes]]]:
        with _telling_of(urls[0]):
            batches = lines(None).collect_batches(chunk_size=_LINES, maintain_order=True)
            parts = (part for batch in batches for part in batch.partition_by(_URL, maintain_order=True))
            for url, of_file in groupby(parts, key=lambda part: str(part.item(0, _URL))):
                yield url, map(_joined, of_file)

    with _telling_of(urls[0]):
        begin = lines(_BRIEFLY).head(_LINES_OF_BEGINNING).collect()
    first = begin.filter(pl.col(_URL) == pl.col(_URL).first())
    return [_joined(first)] if len(first) else [], files


def _joined(lines: pl.DataFrame) -> bytes:
    """Lines as text, without a byte order mark."""
    return f"{lines['line'].str.join(chr(10)).item()}\n".encode().removeprefix(codecs.BOM_UTF8)


@contextmanager
def _telling_of(url: str) -> Iterator[None]:
    try:
        yield
    except ENGINE_ERRORS as error:
        if "invalid utf8" in str(error):
            raise InputError(
                f"{url} is not UTF-8 text, and only that is read from a URL: fetch the file first"
            ) from None
        raise _unreadable(url, error) from None


def is_delta_at(url: str) -> bool:
    """Whether a URL names the folder of a Delta table; not where the store is of a kind that is not known here.

    Raises:
        InputError: The store can't be read.
    """
    from deltalake import DeltaTable

    try:
        return urlsplit(url).scheme in _STORES and DeltaTable.is_deltatable(url, _DELTA_BRIEFLY)
    except OSError as error:
        raise _unreadable(url, error) from None


def _delta(urls: list[str]) -> pl.LazyFrame:
    if len(urls) > 1:
        raise ConfigError(f"{urls[0]} is a Delta table: name it alone")
    frame = pl.scan_delta(urls[0])
    frame.collect_schema()
    return frame


def _unreadable(url: str, error: Exception) -> InputError:
    message = str(error)
    where = url.split("?", maxsplit=1)[0]  # what follows may be a signature
    if isinstance(error, FileNotFoundError) or "expanded paths were empty" in message:
        return InputError(f"there is nothing at {where}: check the name of the bucket and the path")
    if _DENIED.search(message):
        known = (names for start, names in _VARIABLES.items() if url.startswith(start))
        return InputError(
            f"{where} can't be read without credentials that permit it: set {next(known, 'them')} in the environment"
        )
    if isinstance(error, OSError) and _UNREACHED.search(message):
        cause = _DECORATION.sub("", message.strip().splitlines()[-1]).strip()
        return InputError(f"{where} can't be reached: {first_line(Exception(cause))}. Is the network there?")
    return InputError(f"{where} can't be read: {first_line(error)}")


def read_bytes(url: str) -> bytes:
    """A file in an object store.

    Raises:
        InputError: It is not there, or the store can't be reached.
    """
    folder, _, name = url.rpartition("/")
    with _store(folder) as store:
        return bytes(store.get(name).bytes())


def write_bytes(folder: str, name: str, content: bytes) -> None:
    """A new file in an object store.

    Raises:
        InputError: It can't be written there.
    """
    with _store(folder) as store:
        store.put(name, content)


def remove_below(folder: str) -> None:
    """Remove a folder's files from an object store, as far as that is permitted."""
    with suppress(InputError), _store(folder) as store:
        store.delete([entry["path"] for entry in store.list().collect()])


@contextmanager
def _store(folder: str) -> Iterator[Any]:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise ConfigError(missing_extra("obstore", "spark")) from None
    try:
        yield from_url(folder)
    except (BaseError, OSError, ValueError) as error:
        raise _unreadable(folder, error if isinstance(error, FileNotFoundError) else OSError(str(error))) from None
