"""Imports of a few numbers into a store."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from held import held_on

from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.store.table import Store

DAY = date(2026, 3, 1)
COLUMNS = {"value": "number", "reference": "case"}
LOOSE = {"shrink_share": 1.0, "grow_share": 1000.0}


def feed(source: str = "police", **said: Any) -> Feed:
    settings = {"source": source, "kind": "phone", "region": "CN", "columns": COLUMNS, "limits": LOOSE}
    return Feed(**(settings | said))


def take(folder: Path, numbers: list[int], source: str = "police", day: date = DAY, **said: Any) -> int:
    """Import these numbers as the source's whole list; the version."""
    file = folder / f"{source}.csv"
    rows = "".join(f"{13800138000 + number},C{number}\n" for number in numbers)
    file.write_text("number,case\n" + rows)
    version = import_file(file, feed(source, **said), Store(folder / "lists"), as_of=day).version
    assert version is not None
    return version


def live(folder: Path, **which: Any) -> list[str]:
    listings = held_on(Store(folder / "lists").blocklist(**which), DAY)
    return sorted(value[-2:] for value in listings["value"])
