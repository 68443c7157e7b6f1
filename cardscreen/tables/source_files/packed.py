"""The bytes of files as blocks, unpacked where they are packed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from cardscreen.foundation.errors import InputError, first_line
from cardscreen.tables.paths import endings_of, is_url, no_such_file, without_secret
from cardscreen.tables.source_files.pieces import BLOCK

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "a zip or xlsx archive"}
_LONGEST_MAGIC = 4  # bytes


class Digested(io.RawIOBase):
    """A stream of bytes that is read once.

    Attributes:
        sha256: Of these.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as many as there is room for."""
        block = self._next(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def finish(self) -> None:
        """Read what is left: what comes behind packed text belongs to the file, too."""
        while self._next(BLOCK):
            pass

    def _next(self, most: int) -> bytes:
        block: bytes = self._stream.read(most)
        self.sha256.update(block)
        return block


def opened(path: str) -> Any:
    """A file, or what is at a URL, as a stream of bytes.

    Raises:
        InputError: There is none, or it can't be read.
    """
    where = without_secret(path)
    try:
        if not is_url(path):
            return Path(path).open("rb")
        from pyarrow.fs import FileSystem

        system, place = FileSystem.from_uri(path)
        return system.open_input_stream(place, compression=None)
    except FileNotFoundError:
        raise InputError(f"there is no file {where!r}") if is_url(path) else no_such_file(path) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{where} can't be read: {without_secret(first_line(error))}") from None


def blocks_of(path: str, stream: io.RawIOBase | None = None) -> Iterator[bytes]:
    """The content of a text file, unpacked.

    Args:
        path: The file; its ending says how it is packed.
        stream: It, if it is open already.

    Raises:
        InputError: It can't be read, is cut off, or is not what its ending says.
    """
    where, packed = without_secret(path), endings_of(path)[1]
    with closing(opened(path) if stream is None else io.BufferedReader(stream, BLOCK)) as source:
        begin = source.peek(_LONGEST_MAGIC)
        inside = next((kind for magic, kind in _MAGIC.items() if begin.startswith(magic)), None)
        if packed is None and inside:
            raise InputError(f"{where} is {inside} inside: is its ending right?")
        try:
            yield from _unpacked(source, packed)
        except (OSError, ValueError) as error:
            if packed is None:
                raise InputError(f"{where} can't be read: {without_secret(first_line(error))}") from None
            hint = "is it complete?" if inside == packed else "is its ending right?"
            raise InputError(f"{where} can't be read as {packed}: {hint}") from None


def ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks, the next of which is read and unpacked by another thread while one is looked at."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = thread.submit(next, blocks, None)
            yield block


def _unpacked(source: Any, packed: str | None) -> Iterator[bytes]:
    if packed is not None:
        import pyarrow as pa

        source = pa.input_stream(source, compression=packed)
    while block := source.read(BLOCK):
        yield block
