"""Where a job stands: the last night, what waits for a person, what is to be loaded and when, the lists, the disk."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation.errors import CardscreenError
from cardscreen.foundation.words import counted
from cardscreen.lists.store.table import Store
from cardscreen.lists.store.views import overview
from cardscreen.review.find import held_in, looking_into
from cardscreen.runs.job import Job
from cardscreen.runs.messages.notices import to_load
from cardscreen.runs.record import HELD, LATEST, Finished

_MIB = 2**20
_NIGHTS = 14  # nights for which the disk should have room


@dataclass(frozen=True)
class Status:
    """Where a job stands.

    Attributes:
        today: The day in the job's time zone.
        latest: The newest published run: run, as_of, rows, flagged; None: there is none.
        held: Runs that wait for a person, the newest first: run, as_of, folder, reasons.
        load: Files of the latest run with rows in them, in the order in which they are to be loaded: file, rows.
        due: What falls due later: act_on, action, accounts.
        lists: As `views.overview`: source, live, confirmed_on, age, state; empty for plain files.
        disk: mib (of the runs), largest_mib (the largest run), free_mib.
        problems: What a person should do first, in sentences.
    """

    today: date
    latest: dict[str, Any] | None
    held: list[dict[str, Any]] = field(default_factory=list)
    load: list[dict[str, Any]] = field(default_factory=list)
    due: list[dict[str, Any]] = field(default_factory=list)
    lists: list[dict[str, Any]] = field(default_factory=list)
    disk: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For a person."""
        if self.latest:
            yield (
                f"last night: {self.latest['as_of']}, {self.latest['rows']:,} rows, {self.latest['flagged']:,} flagged "
                f"({self.latest['run']})"
            )
        else:
            yield "last night: none was published yet"
        for run in self.held:
            yield f"held: {run['as_of']} ({run['folder']})"
            yield from (f"  {reason}" for reason in run["reasons"])
        yield "to load:" if self.load else "to load: nothing"
        yield from (f"  {each['file']}: {counted(each['rows'], 'row')}" for each in self.load)
        for each in self.due:
            yield f"due on {each['act_on']}: {each['action']} for {counted(each['accounts'], 'account')}"
        for source in self.lists:
            yield (
                f"list {source['source']}: {source['live']:,} in force, of {source['confirmed_on']}, "
                f"{counted(source['age'], 'day')} old, {source['state']}"
            )
        if self.disk:
            yield (
                f"disk: runs {self.disk['mib']:,} MiB, the largest {self.disk['largest_mib']:,}; "
                f"free {self.disk['free_mib']:,} MiB"
            )
        yield from (f"do: {problem}" for problem in self.problems)


def status_of(job: Job) -> Status:
    """Where a job stands.

    Raises:
        InputError: A run's tables can't be read.
    """
    today = job.today()
    latest = Finished.read(job.output / LATEST) if (job.output / LATEST).exists() else None
    held = [
        {"run": run.run_id, "as_of": run.as_of, "folder": str(run.folder), "reasons": run.records["held"]}
        for run in reversed(held_in(job.output))
        if latest is None or run.as_of >= latest.as_of
    ]
    lists = _lists(job, today)
    disk = _disk(job.output)
    return Status(
        today=today,
        latest=None if latest is None else _night(latest),
        held=held,
        load=[]
        if latest is None
        else [{"file": str(latest.output / LATEST / file), "rows": rows} for file, rows in to_load(latest.folder)],
        due=[] if latest is None else _due(latest),
        lists=lists,
        disk=disk,
        problems=list(_problems(job, today, latest, held, lists, disk)),
    )


def _night(run: Finished) -> dict[str, Any]:
    summary = run.summary
    return {
        "run": run.run_id,
        "as_of": run.as_of,
        "rows": summary["rows"]["read"],
        "flagged": summary["flagged"]["accounts"],
    }


def _due(run: Finished) -> list[dict[str, Any]]:
    if not (run.folder / "changes.parquet").exists():
        return []
    later = (pl.col("action") > "none") & (pl.col("act_on") > run.as_of) & pl.col("carried_since").is_null()
    with looking_into(run):
        table = run.table("changes").filter(later).group_by("act_on", "action").agg(accounts=pl.len())
        return table.sort("act_on", "action", descending=[False, True]).collect().to_dicts()


def _lists(job: Job, today: date) -> list[dict[str, Any]]:
    if job.store is None:
        return []
    try:
        store = Store(job.store)
        table = overview(store, today) if store.exists() else None
    except CardscreenError:
        return []
    columns = ["source", "live", "confirmed_on", "age", "state"]
    return [] if table is None else table.select(columns).to_dicts()


def _disk(output: Path) -> dict[str, int]:
    if not output.is_dir():
        return {}
    folders = [each for place in (output, output / HELD) if place.is_dir() for each in place.iterdir()]
    sizes = [_size(each) for each in folders if each.is_dir() and not each.is_symlink() and each.name != HELD]
    free = shutil.disk_usage(output).free
    return {"mib": sum(sizes) // _MIB, "largest_mib": max(sizes, default=0) // _MIB, "free_mib": free // _MIB}


def _size(folder: Path) -> int:
    return sum(os.lstat(file).st_size for file in folder.rglob("*") if file.is_file())


def _problems(
    job: Job,
    today: date,
    latest: Finished | None,
    held: list[dict[str, Any]],
    lists: list[dict[str, Any]],
    disk: dict[str, int],
) -> Iterator[str]:
    """What a person should do first."""
    for run in held[:1]:
        yield f"decide about the held run: cardscreen runs show {shlex.quote(run['folder'])}"
    if not held and (latest is None or latest.as_of < today):
        yield f"there is no run for today, {today}: {job.command('run')}"
    for source in lists:
        if source["state"] in ("old", "stale"):
            yield f"the data of {source['source']!r} is {counted(source['age'], 'day')} old: import its newest file"
        elif source["state"] == "stuck":
            yield f"the data of {source['source']!r} does not change any more: is its source stuck?"
    yield from latest.summary["changes"].get("in_vain", []) if latest else []
    if disk and disk["free_mib"] < _NIGHTS * disk["largest_mib"]:
        yield f"the disk has room for fewer than {_NIGHTS} nights: {job.command('runs prune')} --keep 90d"
