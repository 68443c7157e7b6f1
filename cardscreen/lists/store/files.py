"""The files of a store, and whether they are those that were written: commits say the SHA-256 of all in force.

They are read for that once: what was found is remembered beside the compiled listings, with the size, the times and
the inode of each file, and holds as long as these stay.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cardscreen.foundation import cache

#: Source → name of a file → its SHA-256, in hexadecimal digits.
Digests = Mapping[str, Mapping[str, str]]

_ENDING = "json"


def by_name(digests: Digests) -> dict[str, str]:
    """The same without the sources."""
    return {name: digest for files in digests.values() for name, digest in files.items()}


def digests_of(place: str, names: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of files in a folder, or below a URL.

    Raises:
        OSError: One can't be read.
    """
    digests = {}
    for name in names:
        with _opened(place, name) as stream:
            digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return digests


def content(place: str, name: str) -> bytes:
    """A file in a folder, or below a URL.

    Raises:
        OSError: It can't be read.
    """
    with _opened(place, name) as stream:
        return bytes(stream.read())


def existing(place: str, names: Iterable[str]) -> list[str]:
    """Those of some files that are there."""
    if "://" not in place:
        return [name for name in names if Path(place, name).exists()]
    sizes = {info.path: info.size for info in _handler(place).get_file_info(list(names))}
    return [name for name, size in sizes.items() if size is not None]


def changed(place: str, digests: Mapping[str, str], memory: str | None = None) -> list[str]:
    """The files that are not those that were written.

    Args:
        place: The store's folder, or its URL.
        digests: Their names and SHA-256.
        memory: Under which name the cache remembers that they were; None: read them in any case.

    Raises:
        OSError: One can't be read.
    """
    state, folder = _state(place, digests), cache.folder("sound")
    if memory and any(remembered == state for remembered, _ in cache.load(folder, memory, _ENDING)):
        return []
    now = digests_of(place, digests)
    wrong = [name for name, digest in digests.items() if now[name] != digest]
    if memory and not wrong and _state(place, digests) == state:
        with contextlib.suppress(OSError):  # a read-only home, a full disk: they are read again
            cache.save(folder, memory, state, _ENDING)
    return wrong


def _state(place: str, digests: Mapping[str, str]) -> bytes:
    """What tells that the files are still those that were read."""
    return json.dumps([(name, digest, *stamp(place, name)) for name, digest in sorted(digests.items())]).encode()


def stamp(place: str, name: str) -> tuple[int, ...]:
    """What another file in a file's place would hardly have: size, times and inode; of an object store, size and time.

    Raises:
        OSError: It can't be read.
    """
    if "://" in place:
        info = _handler(place).get_file_info([name])[0]
        return info.size, info.mtime_ns
    stat = Path(place, name).stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


@contextlib.contextmanager
def _opened(place: str, name: str) -> Iterator[Any]:
    if "://" in place:
        yield _handler(place).open_input_file(name)
        return
    with Path(place, name).open("rb") as stream:
        yield stream


def _handler(place: str) -> Any:
    from deltalake.fs import DeltaStorageHandler

    return DeltaStorageHandler(place)
