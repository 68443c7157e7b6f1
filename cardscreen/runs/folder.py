"""The folder of runs: one run at a time, published by one rename, `latest` moved last.

A run is prepared in a hidden folder; its manifest is written last, so a folder without one is not a run. A run that
passed a limit is kept aside, complete, until a person decides.
"""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path

from filelock import FileLock, Timeout

from cardscreen.foundation.errors import Busy, InputError, first_line
from cardscreen.foundation.files import elsewhere, sha256_of
from cardscreen.foundation.secrets.signing import Signer
from cardscreen.runs import chain
from cardscreen.runs.changes import Prior
from cardscreen.runs.record import HELD, LATEST, MANIFEST, RUN_ID, Base, records_of

_WRITTEN = "%Y%m%dT%H%M%SZ"
_STAGING = ".staging-"
#: How far the clock may stand before the newest run, so that waiting mends it.
_PATIENCE = timedelta(seconds=5)


@contextmanager
def locked(output: Path, what: str = "run") -> Iterator[None]:
    """Hold the folder against other runs; the lock is the operating system's, so a dead process holds nothing.

    Args:
        output: The folder.
        what: What works there, for messages.

    Raises:
        Busy: Another run works there.
        InputError: The folder can't be made.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = FileLock(output / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise Busy(f"another {what} works in {output}: wait until it has ended") from None
    except OSError as error:
        raise InputError(
            f"the output folder {output} can't be made or written: {error.strerror}{elsewhere(error)}"
        ) from None
    try:
        yield
    finally:
        lock.release()


def tidy(output: Path, signer: Signer | None) -> None:
    """Remove what a killed run or approval left, and let `latest` catch up."""
    for leftover in output.glob(f"{_STAGING}*"):
        _take_back(output, leftover, signer)
    published_since = (folder for folder in output.glob(f"{HELD}/*") if (output / folder.name / MANIFEST).exists())
    for leftover in (*output.glob(f"{_STAGING}*"), *published_since):
        _remove(leftover)
    point_latest(output)


def remove_staging(output: Path) -> None:
    """Remove what a killed program was preparing."""
    for leftover in output.glob(f"{_STAGING}*"):
        _remove(leftover)


def published(output: Path) -> Iterator[Path]:
    """The published runs of an output folder, the newest first."""
    return _runs_in(output)


def held(output: Path) -> Iterator[Path]:
    """The runs that wait for approval, or waited in vain, the newest first."""
    return _runs_in(output / HELD)


def newest_first(output: Path) -> Iterator[Path]:
    """All complete runs of an output folder, whether published or held.

    Of a run whose approval was killed, both folders may be there: the published one counts.
    """
    name = attrgetter("name")
    for _, same in groupby(merge(published(output), held(output), key=name, reverse=True), name):
        yield next(same)


def _runs_in(folder: Path) -> Iterator[Path]:
    """The complete runs in a folder, each looked at when it is its turn: there may be years of them."""
    names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    runs = (folder / name for name in sorted(filter(RUN_ID.fullmatch, names), reverse=True))
    return (run for run in runs if (run / MANIFEST).exists() and not run.is_symlink())


def newest(output: Path, before: date = date.max) -> Path | None:
    """Of the published runs for days before one, the newest; audit runs don't count."""
    return next((folder for night, folder in _nights(output) if night < before), None)


def prior(output: Path, day: date) -> Prior:
    """What a run for a day is compared with: the newest run for an earlier day, and the runs that it supersedes.

    A run for a day before that of the newest run is an audit run, and supersedes none.
    """
    base, superseded, looks_back = None, list[Path](), False
    for night, folder in _nights(output):
        if night < day:
            base = Base.read(folder)
            break
        superseded.append(folder)
        looks_back |= night > day
    return Prior(base, [] if looks_back else [Base.read(folder) for folder in superseded])


def is_audit(output: Path, day: date) -> bool:
    """Whether a run for this day would be one that looks back: there is one for a later day."""
    return any(night > day for night, _ in islice(_nights(output), 1))


def _nights(output: Path) -> Iterator[tuple[date, Path]]:
    """Day and folder of the published runs that acted, the newest first, and so the latest day.

    No run acts for a day before that of a newer one: so nobody needs to read years of manifests for last night's.
    """
    for folder in published(output):
        records = records_of(folder)
        if not records.get("audit"):
            yield date.fromisoformat(records["summary"]["as_of"]), folder


def is_current(output: Path, folder: Path) -> bool:
    """Whether the run that a held one follows on is still the newest: only then can it be approved."""
    compared = records_of(folder).get("compared", {})
    latest = newest(output)
    follows: str | None = compared.get("supersedes") or compared.get("base")
    return (latest.name if latest else None) == follows


def publish(output: Path, folder: Path, signer: Signer | None, event: chain.Event = "published") -> Path:
    """Make a complete run one of the published: one rename, then `latest`. Returns where it is.

    What fails behind the rename is warned of: the run is published.
    """
    target = _moved(output, folder, output, event, signer)
    with _published_anyway(target, f"{LATEST} names it from the next run on"):
        point_latest(output)
    return target


def hold(output: Path, folder: Path, signer: Signer | None) -> Path:
    """Keep a complete run aside for a person. Returns where it is."""
    (output / HELD).mkdir(exist_ok=True)
    return _moved(output, folder, output / HELD, "held", signer)


def _moved(output: Path, folder: Path, place: Path, event: chain.Event, signer: Signer | None) -> Path:
    """Put a line about a complete run into the chain, and then the run into its place."""
    run_id = folder.name.removeprefix(_STAGING)
    if folder.is_symlink():
        raise InputError(f"{folder} is a link by now, and was a folder: nothing is published")
    chain.append(output, event, run_id, sha256_of(folder / MANIFEST), signer)
    try:
        folder.rename(place / run_id)
    except OSError:
        _take_back(output, folder, signer)
        raise
    with _published_anyway(place / run_id, "whether the disk has it for good is not known"):
        _settle(place)
    return place / run_id


@contextmanager
def _published_anyway(run: Path, but: str) -> Iterator[None]:
    """Within it, what fails changes nothing about a run that can be seen already: it is warned of."""
    try:
        yield
    except (OSError, InputError) as error:
        why = first_line(error) if isinstance(error, OSError) else str(error)
        warnings.warn(f"run {run.name} is complete in {run.parent}, but {but}: {why}", stacklevel=3)


def _take_back(output: Path, folder: Path, signer: Signer | None) -> None:
    """Take back the line about a run that was not put into its place, if there is one."""
    run_id = folder.name.removeprefix(_STAGING)
    last = [link for link in chain.read(output) if link.run_id == run_id][-1:]
    written = sha256_of(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
    if last and last[0].event != "abandoned" and last[0].manifest == written:
        chain.append(output, "abandoned", run_id, written, signer)


def point_latest(output: Path) -> None:
    """Let `latest` be the newest published run for the latest day.

    Raises:
        InputError: There is a folder in its place.
    """
    run, link = newest(output), output / LATEST
    if run is None or (link.is_symlink() and link.readlink() == Path(run.name)):
        return
    if link.is_dir() and not link.is_symlink():
        raise InputError(f"{link} is a folder, where a link to the newest run belongs: move it away")
    fresh = output / f".{LATEST}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(run.name)
    fresh.replace(link)


@contextmanager
def staging(output: Path, run_id: str) -> Iterator[Path]:
    """A hidden folder in which a run is prepared; removed where that fails."""
    folder = output / f"{_STAGING}{run_id}"
    folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder, or the link that somebody has put in its place."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def settle(folder: Path) -> None:
    """Let the disk have everything in a folder before it counts as complete."""
    for file in folder.rglob("*"):
        _settle(file)
    _settle(folder)


def _settle(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def new_id(output: Path) -> str:
    """The instant in UTC, later than that of every run: one within the same second waits for the next.

    Raises:
        InputError: The clock stands before the newest run: runs would be out of order.
    """
    ids = [folder.name for runs in (published(output), held(output)) for folder in islice(runs, 1)]
    last = max(ids, default="")
    while True:
        now = datetime.now(UTC)
        if (run_id := now.strftime(_WRITTEN)) > last:
            return run_id
        if datetime.strptime(last, _WRITTEN).replace(tzinfo=UTC) - now > _PATIENCE:
            raise InputError(
                f"the clock says {now:%Y-%m-%d %H:%M:%S} UTC, which is before the newest run, {last}: set the clock "
                "right; or, where that run's clock was wrong, move its folder away"
            )
        time.sleep(0.1)
