"""The nightly job: one screening, written to a folder that appears whole or not at all.

A run is prepared in a hidden folder and published by one rename; its manifest is written last, so a
folder without one is not a run. A run that passed a limit is kept aside, complete, for a person.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cardscreen.brakes import Base, check, summary_of
from cardscreen.errors import Busy, ConfigError, HeldForApproval, InputError
from cardscreen.files import not_for_others
from cardscreen.job import Job
from cardscreen.listings import Blocklist
from cardscreen.screening import Result, read_result, screen
from cardscreen.store import Store
from cardscreen.tables import encoding_used, files_of, open_table

MANIFEST = "manifest.json"
LATEST = "latest"
_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_HELD = ".held"
_STAGING = ".staging-"


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: Where its files are; None for a dry run.
        result: What the screening found.
        held: The limits that it passed; empty for a published run.
    """

    folder: Path | None
    result: Result
    held: list[str] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """What a person should look into although the run was published."""
        sources = (self.result.summary["store"] or {"sources": {}})["sources"]
        return [
            f"the data of {name!r} is of {told['data_date']}, {told['age_days']} days old"
            for name, told in sources.items()
            if told["state"] == "old"
        ]


def run_job(
    job: Job,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
    dry_run: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """Screen a job's accounts and publish the run.

    Args:
        job: The job.
        as_of: The day that is asked about; None: today in the job's time zone.
        known_at: What the store knew at an instant; None: the newest.
        dry_run: Read and check the same, write nothing.
        tell: Called with each stage's name as it begins.

    Returns:
        The run; `held` says whether and why it was not published.

    Raises:
        Busy: Another run works in the output folder.
        InputError: The accounts or the lists can't be read.
        ConfigError: The job doesn't fit its inputs.
    """
    day = as_of or job.today()
    if dry_run:
        base = _base(job.output, day)
        result = _screened(job, day, known_at, base, None, tell)
        return Run(None, result, _passed_limits(result, job, base))
    with not_for_others(), _locked(job.output):
        _tidy(job.output)
        base = _base(job.output, day)
        run_id = _new_id(job.output)
        staging = job.output / f"{_STAGING}{run_id}"
        staging.mkdir()
        try:
            begun = datetime.now(UTC)
            seen = _states(job)
            result = _screened(job, day, known_at, base, staging, tell)
            if _states(job) != seen:
                raise InputError(
                    "the accounts or the lists changed while they were read: run again when they are complete"
                )
            held = _passed_limits(result, job, base)
            tell("writing the manifest")
            _write_records(staging, job, run_id, day, begun, result, held)
            target = job.output / _HELD / run_id if held else job.output / run_id
            target.parent.mkdir(exist_ok=True)
            staging.rename(target)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        if not held:
            _point_latest(job.output)
        return Run(target, read_result(target, result.summary), held)


def _screened(
    job: Job, day: date, known_at: datetime | None, base: Base | None, out: Path | None, tell: Callable[[str], None]
) -> Result:
    tell("reading the lists")
    blocklist = _blocklist(job, known_at)
    tell("screening the accounts")
    result = screen(
        open_table(job.accounts, encoding=job.encoding, delimiter=job.delimiter),
        blocklist,
        job.identifiers,
        account_id=job.account_id,
        carry=job.carry,
        unmasked=job.unmasked,
        policy=job.policy,
        as_of=day,
        previous=base.flagged if base else None,
        tokens=job.tokens,
        out=out,
    )
    if result.summary["rows"]["read"] == 0:
        raise InputError(f"{job.accounts} holds no accounts: an empty extract clears nobody")
    return result


def _blocklist(job: Job, known_at: datetime | None) -> Blocklist:
    if job.store is not None:
        return Store(job.store).blocklist(known_at=known_at)
    if known_at is not None:
        raise ConfigError("known_at asks a store what it knew then: this job's lists are plain files")
    return Blocklist.read(*job.lists)


def _states(job: Job) -> list[tuple[str, int, int]]:
    """Name, size and time of change of every input file."""
    files = [file for path in (job.accounts, *job.lists) for file in files_of(path) if "://" not in file]
    return [(file, Path(file).stat().st_size, Path(file).stat().st_mtime_ns) for file in files]


def _passed_limits(result: Result, job: Job, base: Base | None) -> list[str]:
    try:
        check(result, job.limits, base)
    except HeldForApproval as held:
        return held.reasons
    return []


# --- the output folder ------------------------------------------------------------------------------


@contextmanager
def _locked(output: Path) -> Iterator[None]:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the output folder {output} can't be made: {error.strerror}") from None
    lock = FileLock(output / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(f"another run works in {output}: wait until it has ended") from None
    try:
        yield
    finally:
        lock.release()


def _tidy(output: Path) -> None:
    """Remove what a killed run left, and let `latest` catch up."""
    for leftover in output.glob(f"{_STAGING}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    _point_latest(output)


def published(output: Path) -> list[Path]:
    """The published runs of an output folder, oldest first."""
    found = (file.parent for file in output.glob(f"*/{MANIFEST}"))
    return sorted(folder for folder in found if _RUN_ID.fullmatch(folder.name) and not folder.is_symlink())


def _newest(output: Path, before: date = date.max) -> Path | None:
    """Of the published runs for days before one, the newest for the latest day; audit runs are for earlier days."""
    days = [(date.fromisoformat(summary_of(folder)["as_of"]), folder.name, folder) for folder in published(output)]
    earlier = [run for run in days if run[0] < before]
    return max(earlier)[-1] if earlier else None


def _point_latest(output: Path) -> None:
    newest, link = _newest(output), output / LATEST
    if newest is None or (link.is_symlink() and link.readlink() == Path(newest.name)):
        return
    if link.is_dir() and not link.is_symlink():
        raise InputError(f"{link} is a folder, where a link to the newest run belongs: move it away")
    fresh = output / f".{LATEST}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(newest.name)
    fresh.replace(link)


def _base(output: Path, day: date) -> Base | None:
    """The newest published run for an earlier day."""
    newest = _newest(output, before=day)
    return Base.read(newest) if newest else None


def _new_id(output: Path) -> str:
    """The instant in UTC; a second run within one second waits for the next."""
    while True:
        run_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        if not (output / run_id).exists() and not (output / _HELD / run_id).exists():
            return run_id
        time.sleep(0.1)


# --- what is written beside the tables --------------------------------------------------------------


def _write_records(
    folder: Path, job: Job, run_id: str, day: date, begun: datetime, result: Result, held: list[str]
) -> None:
    inputs = folder / "inputs"
    inputs.mkdir()
    for name, file in job.files.items():
        shutil.copyfile(file, inputs / f"{name}{file.suffix}")
    _write_json(folder / "summary.json", {"run_id": run_id, **result.summary})
    outputs = sorted(file for file in folder.rglob("*") if file.is_file())
    manifest = {
        "run_id": run_id,
        "as_of": day.isoformat(),
        "timezone": job.timezone,
        "begun": begun.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": {
            "accounts": [_fingerprint(file) | encoding_used(file, job.encoding) for file in files_of(job.accounts)],
            "lists": [_fingerprint(file) for path in job.lists for file in files_of(path)],
            "store": {"path": Store(job.store).identity(), **(result.summary["store"] or {})} if job.store else None,
            **{name: _fingerprint(str(file)) for name, file in job.files.items()},
        },
        "versions": {**result.summary["versions"], "python": platform.python_version()},
        "token_keys": [key.id for key in job.tokens],
        "limits": job.limits.model_dump(),
        "held": held,
        "approvals": [],
        "summary": result.summary,
        "outputs": {str(file.relative_to(folder)): _fingerprint(str(file), named=False) for file in outputs},
    }
    _write_json(folder / MANIFEST, manifest)


def _write_json(file: Path, content: Any) -> None:
    with file.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, ensure_ascii=False, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())


def _fingerprint(path: str, *, named: bool = True) -> dict[str, Any]:
    """Size and SHA-256 of a file; of a URL only its name."""
    name = {"path": path} if named else {}
    if "://" in path:
        return name
    with Path(path).open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {**name, "bytes": Path(path).stat().st_size, "sha256": digest}
