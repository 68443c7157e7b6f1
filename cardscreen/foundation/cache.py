"""Files that can be made again: kept in the user's cache directory, and checked whenever they are read.

A file's name holds the SHA-256 of its content, so it is put in place by one rename, and a damaged one is as good as
none. Whoever can write there could put another content under its own name: what is not the user's own, or others can
write to, is passed over.
"""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from cardscreen.foundation.files import write_whole

_warned = False
_DIGEST_LENGTH = 64  # hexadecimal digits
_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def folder(*parts: str) -> Path:
    """A folder of the cache. The environment variable CARDSCREEN_CACHE_DIR stands in for the user's directory."""
    return _root().joinpath(*parts)


def _root() -> Path:
    return Path(os.environ.get("CARDSCREEN_CACHE_DIR") or platformdirs.user_cache_dir("cardscreen"))


def made(place: Path) -> bool:
    """Make a folder of the cache, where nobody else can write; whether it may be used.

    Raises:
        OSError: It can't be made.
    """
    root = _root()
    root.parent.mkdir(parents=True, exist_ok=True)
    for each in reversed((place, *place.parents)):
        if each == root or each.is_relative_to(root):
            each.mkdir(mode=0o700, exist_ok=True)
    return is_own(place)


def is_own(place: Path) -> bool:
    """Whether a folder of the cache, with those above it in the cache, is the user's own; of another, warns once."""
    root = _root()
    for each in (place, *place.parents):
        if not each.is_relative_to(root):
            break
        if each.exists() and not _is_trusted(each.stat()):
            warnings.warn(
                f"the cache {root} is passed over, since others can write to {each}, or it is somebody else's: "
                f"chmod go-w it, or name another by CARDSCREEN_CACHE_DIR",
                stacklevel=2,
            )
            return False
    return True


def _is_trusted(state: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):  # Windows keeps the cache in a folder of the user's own
        return True
    return state.st_uid in (0, os.geteuid()) and not state.st_mode & _OF_OTHERS


def warn_unkept(place: Path, problem: Exception) -> None:
    """Warn, once in a process, that nothing can be kept in a folder of the cache."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"phone tables and compiled loops cannot be kept in {place} ({type(problem).__name__}): they are built in "
            "memory, which takes some seconds in each process. Set CARDSCREEN_CACHE_DIR to a folder that can be "
            "written.",
            RuntimeWarning,
            stacklevel=2,
        )


def files(place: Path, name: str, ending: str = "parquet") -> Iterator[Path]:
    """The files of a name, or, for a pattern, of several."""
    yield from sorted(place.glob(f"{name}.{'[0-9a-f]' * _DIGEST_LENGTH}.{ending}"))


def load(place: Path, name: str, ending: str = "parquet") -> Iterator[tuple[bytes, str]]:
    """The contents of the sound files of a name, each with its SHA-256."""
    for path in files(place, name, ending) if is_own(place) else ():
        try:
            with path.open("rb") as stream:
                state = os.fstat(stream.fileno())  # of the open file, so that no other takes its place in between
                content = stream.read() if stat.S_ISREG(state.st_mode) and _is_trusted(state) else b""
        except OSError:
            continue
        if (digest := hashlib.sha256(content).hexdigest()) == path.name.split(".")[-2]:
            yield content, digest


def save(place: Path, name: str, content: bytes, ending: str = "parquet") -> str:
    """Put a content in place of the older ones of its name, for the user alone; a stranger's cache stays as it is.

    Returns:
        The content's SHA-256.

    Raises:
        OSError: It can't be written.
    """
    digest = hashlib.sha256(content).hexdigest()
    if not made(place):
        return digest
    final = place / f"{name}.{digest}.{ending}"

    def write(file: Path) -> None:
        file.touch(0o600)
        file.write_bytes(content)

    write_whole(final, write)
    for path in files(place, name, ending):
        if path != final:
            path.unlink(missing_ok=True)
    return digest
