"""Nights of one operator, run in this process."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl

from cardscreen.runs import folder as runs
from cardscreen.runs.job import Job
from cardscreen.runs.night import Run, run_job

FIRST = date(2026, 11, 1)
JOB = """
[accounts]
path = "accounts.csv"
carry = ["segment"]
[identifiers]
mobile = { kind = "phone", region = "CN", holder_since = "since" }
card_no = { kind = "card" }
[blocklist]
paths = ["lists.parquet"]
[policy]
levels = { low = 5 }
caps = { shared_above = 2 }
rules = [
  { when = { "account.segment" = "hospital" }, cap = "none" },
  { when = { source = "pilot" }, measure_only = true },
]
clearances = { file = "clearances.csv" }
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
rejected_share = 1
exempted_share = 1
new_suspend = 1
new_close = 1
released_share = 1
flagged_gone_share = 1
accounts_shrink = 1
accounts_grow = 1000
coverage_drop = 1
carry_days = 3
"""
#: A job that reads a store; `since` may name the column of the holder's first day, `most` the share to suspend anew.
STORE_JOB = """
timezone = "UTC"
[accounts]
path = "accounts.csv"
[identifiers]
mobile = {{ kind = "phone", region = "CN"{since} }}
[blocklist]
store = "lists"
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
new_suspend = {most}
new_close = 1
released_share = 1
"""
Row = dict[str, Any]
ACTIONS = ["none", "notify", "verify", "suspend", "close"]


def strength(action: str) -> int:
    return ACTIONS.index(action)


def day(nights: int) -> date:
    return FIRST + timedelta(days=nights)


def phone(number: int) -> str:
    return f"+86138001380{number:02}"


def listing(value: str, action: str = "suspend", **others: Any) -> Row:
    """A listing that leads to an action by the default policy."""
    severity = {"none": 1, "notify": 10, "verify": 50, "suspend": 95}[action]
    kind = "phone" if value.startswith("+") else "card"
    return {
        "kind": kind,
        "value": value,
        "severity": severity,
        "source": "police",
        "reason": "telecom_fraud",
        "listing_id": f"L{value[-4:]}",
        **others,
    }


def account(name: str, mobile: str | None = "", card_no: str = "", since: str = "", segment: str = "x") -> Row:
    return {"account_id": name, "mobile": mobile, "card_no": card_no, "since": since, "segment": segment}


def frame_of(listings: Sequence[Row]) -> pl.DataFrame:
    dates = ["listed_on", "expires_on", "ended_on"]
    texts = ["kind", "value", "source", "reason", "listing_id", "list"]
    types = {**dict.fromkeys(texts, pl.String), "severity": pl.Int64, **dict.fromkeys(dates, pl.Date)}
    return pl.DataFrame([{name: row.get(name) for name in types} for row in listings], schema=types)


class Operator:
    """A folder with a job, and what it finds night after night."""

    def __init__(self, folder: Path, job: str = JOB) -> None:
        self.folder = folder
        self._seconds = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.say(job)
        self.clear()

    def clear(self, *rows: str) -> None:
        """Write the clearances: `account_id,listing_id,decided_on,until`."""
        text = "\n".join(["account_id,listing_id,decided_on,until", *rows, ""])
        (self.folder / "clearances.csv").write_text(text, encoding="utf-8")

    def say(self, job: str) -> None:
        (self.folder / "job.toml").write_text(job, encoding="utf-8")

    def write(self, accounts: Iterable[Row], listings: Sequence[Row]) -> None:
        pl.DataFrame(list(accounts), schema=dict.fromkeys(account("a"), pl.String)).write_csv(
            self.folder / "accounts.csv"
        )
        frame_of(listings).write_parquet(self.folder / "lists.parquet")

    def run(self, night: int, **options: Any) -> Run:
        """One run; each a second after the one before, without waiting for it, and whatever day it is."""
        self._seconds += 1
        run_id = f"{datetime(2026, 12, 1) + timedelta(seconds=self._seconds):%Y%m%dT%H%M%SZ}"
        with mock.patch("cardscreen.runs.folder.new_id", return_value=run_id):
            return run_job(Job.read(self.folder / "job.toml"), as_of=day(night), allow_future=True, **options)

    def night(self, night: int, accounts: Iterable[Row], listings: Sequence[Row], **options: Any) -> Night:
        self.write(accounts, listings)
        return Night(self.run(night, **options))

    def published(self) -> list[Path]:
        return sorted(runs.published(self.folder / "runs"))


class Night:
    """What one run wrote."""

    def __init__(self, run: Run | Path) -> None:
        folder = run if isinstance(run, Path) else run.folder
        assert folder is not None
        self.folder = folder
        if isinstance(run, Run):
            self.run = run

    @property
    def changes(self) -> dict[str, Row]:
        return {row["account_id"]: row for row in pl.read_parquet(self.folder / "changes.parquet").to_dicts()}

    def change(self, name: str) -> tuple[Any, ...]:
        """Change, cause, action before and action of one account."""
        row = self.changes[name]
        return row["change"], row["cause"], row["action_before"], row["action"]

    def rows(self, kind: str, name: str) -> list[dict[str, str]]:
        with (self.folder / kind / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def names(self, kind: str) -> list[tuple[str, str]]:
        """File and account of every row of notices/ or actions/, but for releases."""
        files = ["notify", "verify", "suspend", "close"]
        return [(file, row["account_id"]) for file in files for row in self.rows(kind, file)]

    def releases(self) -> list[tuple[str, str, str, str, str]]:
        columns = ("account_id", "undo", "action", "instead", "cause")
        return [tuple(row[name] for name in columns) for row in self.rows("actions", "release")]  # type: ignore[misc]

    @property
    def manifest(self) -> Row:
        manifest: Row = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        return manifest


class Provisioning:
    """A system that does what the files say, each key once."""

    def __init__(self) -> None:
        self.standing: dict[str, str] = {}
        self.done: set[str] = set()

    def load(self, night: Night) -> None:
        for row in night.rows("actions", "release"):
            if self._is_fresh(row) and row["account_id"] in self.standing:
                self.standing[row["account_id"]] = min(
                    self.standing[row["account_id"]], row["instead"] or "none", key=strength
                )
        for file in ACTIONS[1:]:
            for row in night.rows("actions", file):
                if self._is_fresh(row):
                    self.standing[row["account_id"]] = row["action"]

    def _is_fresh(self, row: dict[str, str]) -> bool:
        fresh = row["key"] not in self.done
        self.done.add(row["key"])
        return fresh
