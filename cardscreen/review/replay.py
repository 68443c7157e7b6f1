"""A run once more: from the same inputs, for the same day, against the same base, into a folder of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cardscreen.foundation.errors import InputError
from cardscreen.foundation.files import not_for_others, sha256_of
from cardscreen.lists.blocklist import Blocklist
from cardscreen.lists.store.table import Store
from cardscreen.review.find import redated_to, run_in, superseded_by
from cardscreen.review.inputs import job_of
from cardscreen.review.integrity import changed_inputs
from cardscreen.runs import chain
from cardscreen.runs.changes import Prior
from cardscreen.runs.job import Job
from cardscreen.runs.night import Night
from cardscreen.runs.record import MANIFEST, Base, Finished
from cardscreen.runs.redating import redate
from cardscreen.tables.paths import files_of, is_url


@contextmanager
def replayed(run: Finished, policy: Path | None = None) -> Iterator[Finished]:
    """Run it again; what comes out is removed at the end.

    Args:
        run: The run.
        policy: A policy file to put in place of the run's own.

    Raises:
        ConfigError: A token key is gone, or the policy is none.
        InputError: What the run was made of is gone or has changed, or was pruned.
    """
    if obstacle := list(obstacles(run)):
        raise InputError(f"run {run.run_id} can't be run again: {'; '.join(obstacle)}")
    job = job_of(run, policy)
    if obstacle := list(_added(run, job)):
        raise InputError(f"run {run.run_id} can't be run again: {'; '.join(obstacle)}")
    with not_for_others(), tempfile.TemporaryDirectory(prefix="cardscreen-replay-") as place:
        folder = Path(place) / run.run_id
        folder.mkdir()
        job = replace(job, output=Path(place))
        night = Night(
            job=job,
            day=run.as_of,
            prior=_prior(run),
            audit=bool(run.records["audit"]),
            blocklist=_lists(job, run),
            allow_changed_identifiers=True,
        )
        night.write(folder, run.run_id, datetime.fromisoformat(run.records["begun"]), night.screened(folder))
        if to := redated_to(run):
            redate(folder, run.as_of, to, night.prior.superseded)
        chain.append(job.output, "published", run.run_id, sha256_of(folder / MANIFEST), None)
        yield Finished.read(folder)


def obstacles(run: Finished) -> Iterator[str]:
    """Why a run can't be run again: one sentence each."""
    if run.state in ("pruned", "discarded"):
        yield f"it was {run.state}"
        return
    yield from changed_inputs(run)
    for name in filter(None, run.records["compared"].values()):
        there = run_in(run.output, name)
        if there is None or there.state != "published":
            yield f"run {name}, with which it was compared, is gone or was pruned"


def _added(run: Finished, job: Job) -> Iterator[str]:
    """Files that the job would read now, and did not then."""
    inputs = run.records["inputs"]
    then = {_real(run.located(recorded["path"])) for recorded in (*inputs["accounts"], *inputs["lists"])}
    now = [file for path in (job.accounts, *job.lists) for file in files_of(path)]
    yield from (f"{file} was added since" for file in now if _real(file) not in then)


def _real(file: str) -> str:
    """A file without links in its name."""
    return file if is_url(file) else os.path.realpath(file)


def version_changes(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """The software whose versions differ."""
    for name in sorted({*then, *now} - {"python"}):
        if then.get(name) != now.get(name):
            yield f"{name} was {then.get(name, 'not there')} and is {now.get(name, 'not there')}"


def _lists(job: Job, run: Finished) -> Blocklist:
    """The lists as they were: of the store's version, or of files that have not changed."""
    if job.store is None:
        return Blocklist.read(*job.lists)
    store, recorded = Store(job.store), run.records["inputs"]["store"]
    if not store.has(recorded):
        raise InputError(
            f"run {run.run_id} can't be run again: version {recorded['version']} of {job.store} is not the one that it "
            "read: the store is another one, or was restored from a backup"
        )
    return store.blocklist(version=recorded["version"])


def _prior(run: Finished) -> Prior:
    """What the run was compared with: its base, and the runs for its day that it superseded."""
    base = run.output / run.base if run.base else None
    return Prior(Base.read(base) if base else None, superseded_by(run), run.shown_as)
