"""Files that can be made again: kept in the user's cache directory, and checked whenever they are read.

A file's name holds the SHA-256 of its content, so it is put in place by one rename, and a damaged one is as good as
none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from cardscreen.files import write_whole

_DIGEST_LENGTH = 64  # hexadecimal digits


def folder(*parts: str) -> Path:
    """A folder of the cache. The environment variable CARDSCREEN_CACHE_DIR stands in for the user's directory."""
    root = os.environ.get("CARDSCREEN_CACHE_DIR") or platformdirs.user_cache_dir("cardscreen")
    return Path(root).joinpath(*parts)


def files(place: Path, name: str) -> Iterator[Path]:
    """The files of a name, or, for a pattern, of several."""
    yield from sorted(place.glob(f"{name}.{'[0-9a-f]' * _DIGEST_LENGTH}.parquet"))


def load(place: Path, name: str) -> Iterator[bytes]:
    """The contents of the sound files of a name."""
    for path in files(place, name):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if hashlib.sha256(content).hexdigest() == path.name.split(".")[-2]:
            yield content


def save(place: Path, name: str, content: bytes, *, mode: int = 0o644) -> None:
    """Put a content in place of the older ones of its name.

    Raises:
        OSError: It can't be written.
    """
    place.mkdir(parents=True, exist_ok=True)
    final = place / f"{name}.{hashlib.sha256(content).hexdigest()}.parquet"

    def write(file: Path) -> None:
        file.touch(mode)
        file.write_bytes(content)

    write_whole(final, write)
    for path in files(place, name):
        if path != final:
            path.unlink(missing_ok=True)
