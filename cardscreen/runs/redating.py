"""What a late approval moves: who is told only now has the days of grace from now on, not from the run's day.

The days of grace are those between the run's day and `act_on`, so all that is newly told moves by as many days as
lie between the run's day and the approval's. What an earlier run has told keeps its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from cardscreen.foundation.files import write_whole
from cardscreen.foundation.words.codes import ACTING
from cardscreen.runs.messages.notices import key, told_rows, write_rows
from cardscreen.runs.record import Base
from cardscreen.screening.rejects import ROW_GROUP

_SAID = ["account_id", "action", "act_on"]
_OF_KEYS = ["flagged_since", "corrects", "change", "action_before"]


def redate(folder: Path, since: date, to: date, superseded: Sequence[Base]) -> int:
    """Move the days of what a run newly tells, in all its files that say them.

    Args:
        folder: The run's folder, which nobody reads yet.
        since: The run's day.
        to: The day of the approval.
        superseded: The published runs for the same day: what they have told is not new.

    Returns:
        How many accounts have another day now.
    """
    changes = pl.read_parquet(folder / "changes.parquet")
    notified = told_rows(changes).with_columns(_text_id()).select(*_SAID, *_OF_KEYS)
    for run in superseded:
        before = told_rows(run.changes.collect()).with_columns(_text_id())
        notified = notified.join(before.select(_SAID), on=_SAID, how="anti")
    days = notified.with_columns(act_on=pl.col("act_on") + (to - since))
    if days.is_empty():
        return 0
    _write(folder / "changes.parquet", dated(changes, days))
    date_flags(folder, days)
    for kind, purpose in (("notices", "notice"), ("actions", "action")):
        for action in ACTING:
            _redate_rows(folder / kind / f"{action}.csv", purpose, days)
    return len(days)


def date_flags(folder: Path, days: pl.DataFrame) -> None:
    """Let a run's flags be due on other days: account_id, act_on."""
    file = folder / "flagged.parquet"
    _write(file, dated(pl.read_parquet(file), days))


def dated(table: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """A table with account_id and act_on, where `days` names other days for some accounts."""
    others = days.select(_text_id().alias("_account"), _day="act_on")
    joined = table.with_columns(_account=_text_id()).join(others, on="_account", how="left", maintain_order="left")
    return joined.with_columns(act_on=pl.coalesce("_day", "act_on")).drop("_account", "_day")


def _redate_rows(file: Path, purpose: str, days: pl.DataFrame) -> None:
    """Other days, and so other keys, in a file of notices or actions."""
    rows = pl.read_csv(file, infer_schema=False)
    fresh = days.select("account_id", _day="act_on", _key=key(purpose, "action"))
    joined = rows.join(fresh, on="account_id", how="left", maintain_order="left")
    redated = joined.with_columns(
        act_on=pl.coalesce(pl.col("_day").cast(pl.String), "act_on"), key=pl.coalesce("_key", "key")
    )
    write_whole(file, lambda partial: write_rows(redated.select(rows.columns), partial))


def _text_id() -> pl.Expr:
    return pl.col("account_id").cast(pl.String)


def _write(file: Path, table: pl.DataFrame) -> None:
    write_whole(file, lambda partial: table.write_parquet(partial, row_group_size=ROW_GROUP))
