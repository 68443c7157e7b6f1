"""The listings that hold on a day."""

from __future__ import annotations

from datetime import date

import polars as pl

import cardscreen as cs
from cardscreen.lists.blocklist import holds
from cardscreen.tables.dates import to_day


def held_on(blocklist: cs.Blocklist, day: date | str) -> pl.DataFrame:
    """Those of a blocklist."""
    return blocklist.lazy.filter(holds(to_day(day))).collect()
