"""A run as its manifest tells it: a complete one in its folder, and one that others are compared with."""

from __future__ import annotations

import glob
import json
import os
import re
import stat
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.files import sha256_of
from cardscreen.foundation.words.languages import Language
from cardscreen.runs import chain
from cardscreen.tables.paths import is_url

MANIFEST, LATEST, HELD = "manifest.json", "latest", ".held"
RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z")
#: What entries of a manifest are.
_TYPES = {
    **dict.fromkeys(("run_id", "as_of", "timezone", "output", "begun", "ended", "policy", "lang", "shown"), str),
    **dict.fromkeys(("inputs", "versions", "limits", "compared", "identifiers", "account_key", "summary"), dict),
    **dict.fromkeys(("outputs", "discarded", "pruned"), dict),
    **dict.fromkeys(("held", "approvals", "token_keys"), list),
    "audit": bool,
}
#: What the items of its lists are.
_ITEMS: dict[str, type] = {"held": str, "approvals": dict, "token_keys": str}
State = Literal["published", "held", "discarded", "pruned"]

#: `schema.CARRIED`.
CARRIED = "carried.parquet"
_KEPT = ("decided_by", "flagged_since", "act_on")
_NEEDED = ("flagged.parquet", "hits.parquet")
_TABLES = (*_NEEDED, "changes.parquet", CARRIED)


def records_of(folder: str | Path) -> dict[str, Any]:
    """A run's manifest, as it was written.

    Raises:
        InputError: The folder is not a run, or its manifest was changed.
    """
    place = Path(folder).resolve()  # `latest` is a link
    try:
        content = manifest_of(place)
        records: dict[str, Any] = json.loads(content)
        date.fromisoformat(records["summary"]["as_of"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder} is not a sound run: its {MANIFEST} can't be read. Move it away") from None
    chain.require(home_of(place), place, content, records)
    if records["as_of"] != records["summary"]["as_of"]:
        raise InputError(f"{folder} is not a sound run: its {MANIFEST} names two days. Move it away")
    return records


def manifest_of(folder: Path) -> bytes:
    """The content of a run's manifest.

    Raises:
        OSError: There is none; or it is a link, or no file, which a manifest never is.
    """
    file = folder / MANIFEST
    if not stat.S_ISREG(file.lstat().st_mode):
        raise OSError(f"{file} is no file of its own")
    return file.read_bytes()


def unshown(table: pl.LazyFrame) -> pl.LazyFrame:
    """Hits or cells without their values: beside others that are shown in another way, they are not told."""
    return table.with_columns(value=pl.when(pl.col("value").is_not_null()).then(pl.lit(schema.HIDDEN)))


def home_of(folder: Path) -> Path:
    """The output folder in which a run lies, published or held."""
    return folder.parents[1] if folder.parent.name == HELD else folder.parent


def _with_details(hits: pl.LazyFrame) -> pl.LazyFrame:
    """Hits with the columns that runs of earlier releases didn't have, null."""
    there = hits.collect_schema().names()
    return hits.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.DETAILS.items() if name not in there
    )


@dataclass(frozen=True)
class Finished:
    """A complete run.

    Attributes:
        folder: Where it is, no link.
        records: Its manifest.
    """

    folder: Path
    records: dict[str, Any]

    @classmethod
    def read(cls, folder: str | Path) -> Finished:
        """The run in a folder.

        Raises:
            InputError: It is none, or its manifest can't be read.
        """
        place = Path(folder).resolve()
        try:
            records = json.loads(manifest_of(place))
            date.fromisoformat(records["as_of"])
            _ = records["run_id"], records["summary"]["rows"]["read"]
            wrong = [name for name, kind in _TYPES.items() if not isinstance(records.get(name, kind()), kind)]
            for name, of in () if wrong else _ITEMS.items():
                wrong += [name for each in records.get(name, ()) if not isinstance(each, of)]
            if not wrong:
                _ = [(each["by"], each["reason"]) for each in records.get("approvals", ())]
        except FileNotFoundError:
            raise InputError(f"{folder} is no run: it has no {MANIFEST}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder} is no sound run: its {MANIFEST} can't be read ({type(error).__name__})"
            ) from None
        if wrong:
            raise InputError(f"{folder} is no sound run: its {MANIFEST} says in {wrong[0]!r} what no manifest says")
        return cls(place, records)

    @property
    def run_id(self) -> str:
        """Its name."""
        return str(self.records["run_id"])

    @property
    def as_of(self) -> date:
        """The day that it was asked about."""
        return date.fromisoformat(self.records["as_of"])

    @property
    def made_on(self) -> date:
        """The day on which it was made, in its time zone."""
        ended = datetime.fromisoformat(self.records["ended"])
        return ended.astimezone(ZoneInfo(self.records["timezone"])).date()

    @property
    def language(self) -> Language:
        """In which it speaks to people."""
        return Language(self.records.get("lang", "en"))

    @property
    def shown_as(self) -> str:
        """As what its tables hold identifiers."""
        return str(self.records.get("shown", "masked"))

    @property
    def summary(self) -> dict[str, Any]:
        """Its summary."""
        summary: dict[str, Any] = self.records["summary"]
        return summary

    @property
    def output(self) -> Path:
        """The output folder in which it lies."""
        return home_of(self.folder)

    @cached_property
    def fault(self) -> str | None:
        """What is wrong with its manifest; None where that is as it was written, or nobody can tell."""
        return chain.fault(self.output, self.folder, manifest_of(self.folder), self.records)

    def located(self, path: str) -> str:
        """Where a file, folder or pattern is now that was at a path when the run was made.

        What was moved together with the output folder is found beside it; anything else is where it was.
        """
        if is_url(path) or "output" not in self.records:
            return path
        moved = os.path.normpath(self.output / os.path.relpath(path, self.records["output"]))
        return moved if Path(moved).exists() or glob.glob(moved) else path

    @property
    def base(self) -> str | None:
        """The run that it was compared with."""
        base: str | None = self.records.get("compared", {}).get("base")
        return base

    @property
    def state(self) -> State:
        """What has become of it."""
        if "discarded" in self.records:
            return "discarded"
        if "pruned" in self.records:
            return "pruned"
        return "held" if self.folder.parent.name == HELD else "published"

    def table(self, name: str) -> pl.LazyFrame:
        """One of its tables.

        Raises:
            InputError: It is not there (any more).
        """
        file = self.folder / f"{name}.parquet"
        if not file.exists():
            why = {"pruned": "its tables were pruned", "discarded": "it was discarded"}.get(
                self.state, f"{file.name} is gone"
            )
            raise InputError(f"run {self.run_id} can't be looked into: {why}")
        written = self.records["outputs"].get(file.name)
        if written is None or sha256_of(file) != written["sha256"]:
            raise InputError(
                f"run {self.run_id} can't be looked into: {file.name} is not as it was written. What else is not is "
                f"told by cardscreen audit {self.folder}"
            )
        return pl.scan_parquet(file)


@dataclass(frozen=True)
class Base(Finished):
    """A run that others are compared with: its manifest and its tables are as they were written."""

    @classmethod
    def read(cls, folder: str | Path) -> Base:
        """The base in a run's folder.

        Raises:
            InputError: The folder is not a run, or its manifest or tables are gone or not as they were written.
        """
        base = cls(Path(folder).resolve(), records_of(folder))
        if "pruned" in base.records:
            raise InputError(f"run {base.run_id} was pruned, so nothing can be compared with it: ask about a later day")
        for name in _TABLES:
            written, file = base.records["outputs"].get(name), base.folder / name
            if written is None and name not in _NEEDED:
                continue
            if not file.exists():
                raise InputError(f"{folder} is not a sound run: {name} is gone. Move it away")
            if written is None or sha256_of(file) != written["sha256"]:
                raise InputError(
                    f"{folder} is not a sound run: {name} is not as it was written. Put it back from a backup, or move "
                    f"the run away (cardscreen audit {folder} says more)"
                )
        return base

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
    def flags(self) -> pl.LazyFrame:
        """The changes of the accounts that are flagged with an action after that night, carried ones too."""
        return self.changes.filter(pl.col("action") > "none")

    @property
    def hits(self) -> pl.LazyFrame:
        """`schema.HITS`: what it found, and what it carried."""
        carried = self._carried.select(list(schema.HITS))
        return pl.concat([self._own_hits.select(list(schema.HITS)), carried], how="vertical_relaxed")

    @property
    def _own_hits(self) -> pl.LazyFrame:
        return _with_details(pl.scan_parquet(self.folder / "hits.parquet", glob=False))

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
            self._own_hits.filter(pl.col("exempted_by").is_null() & (pl.col("action") > "none"))
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
            return _with_details(pl.scan_parquet(file, glob=False)).select(list(schema.CARRIED))
        account = pl.scan_parquet(self.folder / "hits.parquet", glob=False).collect_schema()["account_id"]
        return pl.LazyFrame(schema={**schema.CARRIED, "account_id": account})
