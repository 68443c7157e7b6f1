"""The night that tonight is compared with, read from a run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen import schema
from cardscreen.errors import InputError

MANIFEST = "manifest.json"
#: `schema.CARRIED`.
CARRIED = "carried.parquet"
_KEPT = ("decided_by", "flagged_since", "act_on")


@dataclass(frozen=True)
class Base:
    """A complete run.

    Attributes:
        folder: Where its tables are.
        records: Its manifest.
    """

    folder: Path
    records: Mapping[str, Any]

    @classmethod
    def read(cls, folder: str | Path) -> Base:
        """The base in a run's folder.

        Raises:
            InputError: The folder is not a run, or has lost its tables.
        """
        base = cls(Path(folder), records_of(folder))
        if "pruned" in base.records:
            raise InputError(f"run {base.run_id} was pruned, so nothing can be compared with it: ask about a later day")
        for name in ("flagged.parquet", "hits.parquet"):
            if not (base.folder / name).exists():
                raise InputError(f"{folder} is not a sound run: {name} is gone. Move it away")
        return base

    @property
    def run_id(self) -> str:
        """Its name."""
        return str(self.records["run_id"])

    @property
    def summary(self) -> dict[str, Any]:
        """Its summary."""
        summary: dict[str, Any] = self.records["summary"]
        return summary

    @property
    def as_of(self) -> date:
        """The day that it was asked about."""
        return date.fromisoformat(self.summary["as_of"])

    @cached_property
    def changes(self) -> pl.LazyFrame:
        """`schema.CHANGES` and the carried columns; of a run that has none, what follows from its flags."""
        file = self.folder / "changes.parquet"
        if file.exists():
            return pl.scan_parquet(file, glob=False)
        flagged = pl.scan_parquet(self.folder / "flagged.parquet", glob=False).filter(pl.col("action") > "none")
        absent = {
            name: pl.lit(None, dtype=dtype)
            for name, dtype in schema.CHANGES.items()
            if name not in ("account_id", "action", *_KEPT)
        }
        carry = [name for name in flagged.collect_schema().names() if name not in schema.FLAGGED]
        none = pl.lit("none", dtype=schema.ACTIONS)
        return flagged.with_columns(**{**absent, "action_before": none, "handed_out": none}).select(
            *schema.CHANGES, *carry
        )

    @property
    def state(self) -> pl.LazyFrame:
        """The changes of the accounts that are flagged with an action after that night, carried ones too."""
        return self.changes.filter(pl.col("action") > "none")

    @property
    def hits(self) -> pl.LazyFrame:
        """`schema.HITS`: what it found, and what it carried."""
        found = pl.scan_parquet(self.folder / "hits.parquet", glob=False)
        return pl.concat([found, self._carried.select(list(schema.HITS))], how="vertical_relaxed")

    @property
    def standing(self) -> pl.LazyFrame:
        """`schema.CARRIED`: the hits on which its flags stand; those that it saw itself have no cause.

        A hit doesn't say whether a rule only measures it: such a one leads to more than its account's flag, or is of
        a source and reason that the flag doesn't name.
        """
        flags = pl.scan_parquet(self.folder / "flagged.parquet", glob=False).select(
            "account_id", "sources", "reasons", _action="action"
        )
        live = (
            pl.scan_parquet(self.folder / "hits.parquet", glob=False)
            .filter(pl.col("exempted_by").is_null() & (pl.col("action") > "none"))
            .join(flags, on="account_id", maintain_order="left")
            .filter(pl.col("source").is_in(pl.col("sources")) & pl.col("reason").is_in(pl.col("reasons")))
            .filter(pl.col("action") <= pl.col("_action"))
            .select(
                *schema.HITS,
                carried_since=pl.lit(None, dtype=pl.Date),
                cause=pl.lit(None, dtype=schema.CAUSES),
            )
        )
        return pl.concat([live, self._carried], how="vertical_relaxed")

    @property
    def _carried(self) -> pl.LazyFrame:
        file = self.folder / CARRIED
        if file.exists():
            return pl.scan_parquet(file, glob=False)
        account = pl.scan_parquet(self.folder / "hits.parquet", glob=False).collect_schema()["account_id"]
        return pl.LazyFrame(schema={**schema.CARRIED, "account_id": account})


def records_of(folder: str | Path) -> dict[str, Any]:
    """A run's manifest.

    Raises:
        InputError: The folder is not a run.
    """
    try:
        records: dict[str, Any] = json.loads((Path(folder) / MANIFEST).read_text(encoding="utf-8"))
        date.fromisoformat(records["summary"]["as_of"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder} is not a sound run: its {MANIFEST} can't be read. Move it away") from None
    return records
