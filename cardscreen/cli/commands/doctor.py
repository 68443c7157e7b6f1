"""What this installation is made of and what it has: for a person who wants to know why."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

import polars as pl

from cardscreen.kinds.phone.numbering import upkeep
from cardscreen.screening.question import versions

_MIB = 2**20


def report() -> dict[str, Any]:
    """Versions, threads, memory, and the state of the phone tables in the cache."""
    tables = upkeep.report()
    return {
        "versions": {**versions(), "python": platform.python_version()},
        "threads": pl.thread_pool_size(),
        "memory_mib": _memory_mib(),
        "cache": {
            "folder": tables["folder"],
            "writable": tables["writable"],
            "mib": round(sum(tables["tables"].values()) / _MIB, 1),
        },
        "phone tables": {
            "phonenumbers": tables["phonenumbers"],
            "format": tables["format"],
            "plan cells": tables["cells"].get("plan", 0),
            "route cells": sum(cells for name, cells in tables["cells"].items() if name != "plan"),
            "regions": len(tables["cells"].keys() - {"plan", "plus"}),
        },
    }


def _memory_mib() -> int | None:
    if sys.platform == "win32":
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MIB
