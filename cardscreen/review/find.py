"""Complete runs as they lie in an output folder: published, held, discarded or pruned."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import takewhile
from pathlib import Path

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError, first_line, near
from cardscreen.foundation.secrets.signing import Signer
from cardscreen.runs.folder import held, newest_first
from cardscreen.runs.job import key_place_of, output_of
from cardscreen.runs.record import HELD, LATEST, MANIFEST, RUN_ID, Base, Finished
from cardscreen.tables.paths import is_delta

#: Where a run is looked for that is named by nothing but its id.
_RUNS = Path("runs")


def sound(run: Finished) -> Finished:
    """A run whose manifest is as it was written.

    Raises:
        InputError: It is not.
    """
    if wrong := run.fault:
        raise InputError(
            f"run {run.run_id} can't be looked into: {wrong}. What else is not as it was written is told by "
            f"cardscreen audit {run.folder}"
        )
    return run


def signer_of(run: Finished) -> Signer | None:
    """The key that signs what is decided about a run: that of its job, where the job's file still is.

    Raises:
        ConfigError: The key can't be had.
    """
    recorded = run.records.get("inputs", {}).get("job")
    job = Path(run.located(recorded["path"])) if recorded else None
    if job is None or not job.exists():
        return None
    try:
        place = key_place_of(job)
    except ConfigError:  # it is no job any more
        return None
    return place.signer() if place else None


@contextmanager
def looking_into(*runs: Finished) -> Iterator[None]:
    """Within it, a table that can't be read is told in a sentence, with the command that finds out which it is."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        asked = ", ".join(f"cardscreen audit {run.folder}" for run in runs)
        raise InputError(
            f"run {' or '.join(run.run_id for run in runs)} can't be looked into, a table can't be read "
            f"({first_line(error)}): what is not as it was written is told by {asked}"
        ) from None


def all_in(output: Path) -> list[Finished]:
    """All complete runs of an output folder, the oldest first."""
    return [Finished.read(folder) for folder in newest_first(output)][::-1]


def held_in(output: Path) -> list[Finished]:
    """The runs of an output folder that wait for a person, the oldest first."""
    there = [Finished.read(folder) for folder in held(output) if not (output / folder.name / MANIFEST).exists()]
    return [run for run in reversed(there) if run.state == "held"]


def run_in(output: Path, run_id: str | None) -> Finished | None:
    """The run of an output folder that has a name, wherever it lies; None: there is none."""
    places = [place / run_id for place in (output, output / HELD)] if run_id and RUN_ID.fullmatch(run_id) else []
    return next((Finished.read(place) for place in places if (place / MANIFEST).exists()), None)


def nights_since(output: Path, day: date) -> list[Finished]:
    """The published runs that acted on a day or later, the newest first; older ones are not opened.

    No run acts for a day before that of a newer one.
    """
    acted = (
        run
        for run in map(Finished.read, newest_first(output))
        if run.state in ("published", "pruned") and not run.records.get("audit")
    )
    return list(takewhile(lambda run: run.as_of >= day, acted))


def redated_to(run: Finished) -> date | None:
    """The day from which a late approval lets grace run; None: the run's own."""
    days = [each["redated"]["to"] for each in run.records["approvals"] if "redated" in each]
    return date.fromisoformat(days[-1]) if days else None


def superseded_by(run: Finished) -> list[Base]:
    """The published runs for a run's day that it superseded, the newest first."""
    newest = run.records["compared"].get("supersedes") or ""
    return [
        Base.read(each.folder)
        for each in nights_since(run.output, run.as_of)
        if each.state == "published" and each.as_of == run.as_of and each.run_id <= newest
    ]


def output_folder(place: Path) -> Path:
    """The output folder that a person means: by itself, or by the job that writes there.

    Raises:
        ConfigError: There is no such job or folder, or it is one of another sort.
    """
    if place.suffix == ".toml":
        return output_of(place)
    if place.is_file():
        raise ConfigError(
            f"{place} is neither a run's folder, nor an output folder, nor a job (.toml): name one of these"
        )
    if not place.is_dir():
        raise ConfigError(f"there is no folder or job {str(place)!r}{_near(place)}")
    if is_delta(str(place)):
        raise ConfigError(f"{place} is a store of listings, no output folder: cardscreen list show shows it")
    return place


def meant(place: Path) -> Finished:
    """The run that a person means: its folder, or an output folder or job for its newest published run.

    A run is found as well where it was while it was held, and one in `runs` by its name alone.

    Raises:
        ConfigError: There is nothing of that name.
        InputError: No run was published there yet, or it can't be read.
    """
    if (place / MANIFEST).exists():
        return Finished.read(place)
    if place.suffix != ".toml" and RUN_ID.fullmatch(place.name):
        # Between being held and being published, a run moves.
        for other in (place.parent / HELD, place.parent.parent, _RUNS, _RUNS / HELD):
            if (other / place.name / MANIFEST).exists():
                return Finished.read(other / place.name)
        if not place.is_dir():
            raise ConfigError(f"there is no run {str(place)!r}{_near(place)}: cardscreen runs list shows them")
    output = output_folder(place)
    if not (output / LATEST).exists():
        raise InputError(f"{place} holds no published run: cardscreen runs list shows what there is")
    return Finished.read(output / LATEST)


def later_held(place: Path, run: Finished) -> Finished | None:
    """The newest night that waits for approval and is later than a run that was meant as the newest published one."""
    if place.name == run.run_id:
        return None
    waiting = [each for each in held_in(run.output) if each.as_of > run.as_of]
    return max(waiting, key=lambda each: (each.as_of, each.run_id), default=None)


def _near(place: Path) -> str:
    return near(place.name, [each.name for each in place.parent.iterdir()]) if place.parent.is_dir() else ""
