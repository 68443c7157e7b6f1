"""What a process may take of the machine: the engine hangs, or panics, where memory or open files are too few."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from cardscreen.foundation.errors import InputError

if sys.platform != "win32":
    import resource

#: What the engine, its threads and a batch of accounts need.
LEAST = 1_536 << 20
#: Open files that a night with workers and a store at a remote place stays under.
LEAST_FILES = 256
_GROUPS = Path("/sys/fs/cgroup")


def require_files() -> None:
    """Look before the engines start, which panic where they can open no file; the process's own limit may be raised.

    Raises:
        InputError: So many files may not be open at once.
    """
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < LEAST_FILES:
        raise InputError(
            f"too few files may be open at once (ulimit -n): {hard:,} are allowed, and {LEAST_FILES:,} are needed"
        )
    if soft != resource.RLIM_INFINITY and soft < LEAST_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (LEAST_FILES, hard))


def require_memory() -> None:
    """Look before a pass.

    Raises:
        InputError: A limit of the process, of its container or of the machine is lower than what a pass needs.
    """
    for limit, whose in _limits():
        if limit < LEAST:
            raise InputError(
                f"there is too little memory: {whose} allows {limit >> 20:,} MiB, and screening needs {LEAST >> 20:,}"
            )


def _limits() -> Iterator[tuple[int, str]]:
    if sys.platform == "win32":
        return
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft != resource.RLIM_INFINITY:
        yield soft, "the process's own limit (ulimit -v)"
    yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "the machine"
    for file in (*_of_groups(), _GROUPS / "memory" / "memory.limit_in_bytes"):
        try:
            yield int(file.read_text(encoding="ascii")), "its container (memory limit of the control group)"
        except (OSError, ValueError):
            continue  # there is no such group, or it says max


def _of_groups() -> Iterator[Path]:
    """Where the process's control group, and those above it, say their limits."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    own = next((line[3:] for line in lines if line.startswith("0::")), "/").strip("/")
    for group in (Path(own), *Path(own).parents):
        yield _GROUPS / group / "memory.max"
