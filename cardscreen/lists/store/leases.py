"""Who works on a store that is a folder: one import at a time, and readers whose version is kept meanwhile."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from cardscreen.foundation.errors import Busy, InputError
from cardscreen.foundation.files import elsewhere

_LEASES, _LEASE = ".leases", 172_800  # where those who read a version say so; seconds for which that holds
_PATIENCE = 120  # seconds to wait for another import into the same store


@contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold a store against other imports; at a URL nothing is held, and the slower of two is told.

    Raises:
        Busy: Another import has held it for two minutes.
        InputError: It can't be made or written.
    """
    if "://" in path:
        yield
        return
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        lock = FileLock(Path(path) / ".lock")
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        raise Busy(f"another import works on the store {path}: try again when it has ended") from None
    except OSError as error:
        raise InputError(f"the store {path} can't be made or written: {error.strerror}{elsewhere(error)}") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def leased(path: str, version: int) -> Iterator[None]:
    """Within it, a version is among the `leases`; a store that can't be written, or is no folder, is read without."""
    lease = Path(path) / _LEASES / f"{version}-{secrets.token_hex(8)}"
    if "://" not in path:
        with contextlib.suppress(OSError):
            lease.parent.mkdir(exist_ok=True)
            lease.touch()
    try:
        yield
    finally:
        if "://" not in path:
            with contextlib.suppress(OSError):
                lease.unlink(missing_ok=True)
                lease.parent.rmdir()  # unless there are others


def leases(path: str) -> set[int]:
    """The versions that are being read; a lease of more than two days was left by a run that was killed."""
    versions = set()
    for lease in Path(path, _LEASES).glob("*-*") if "://" not in path else ():
        version = lease.name.split("-")[0]
        with contextlib.suppress(FileNotFoundError, ValueError):
            if time.time() - lease.stat().st_mtime < _LEASE:
                versions.add(int(version))
            else:
                lease.unlink()
    return versions
