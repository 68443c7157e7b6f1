"""What earlier releases did not write down, written down now: from here on it is noticed when something is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.files import not_for_others, sha256_of
from cardscreen.foundation.secrets.signing import Signer
from cardscreen.lists.store import edits
from cardscreen.lists.store.table import Store
from cardscreen.review.find import all_in
from cardscreen.runs import chain
from cardscreen.runs.folder import locked
from cardscreen.runs.job import Job
from cardscreen.runs.record import MANIFEST
from cardscreen.tables.paths import is_delta, is_url


def upgrade(place: str) -> Iterator[str]:
    """Upgrade a store, an output folder, or both that a job names; one sentence for each thing done.

    Raises:
        ConfigError: There is nothing of that name.
    """
    if place.endswith(".toml"):
        job = Job.read(place)
        if job.store is not None:
            yield from _store(Store(job.store))
        yield from _runs(job.output, job.sign.signer() if job.sign else None)
    elif is_url(place) or is_delta(place):
        yield from _store(Store(place))
    elif Path(place).is_dir():
        yield from _runs(Path(place), None)
    else:
        raise ConfigError(f"there is no store, folder or job {place!r}")


def _store(store: Store) -> Iterator[str]:
    if store.exists() and (done := edits.upgrade(store)):
        files = sum(map(len, (done.record.files or {}).values()))
        yield f"the store {store.path} tells the digests of its {files} files in version {done.number}"


def _runs(output: Path, signer: Signer | None) -> Iterator[str]:
    """Put the runs that are in no chain, or not signed, into it, as they are; where it is broken, begin another."""
    with not_for_others(), locked(output):
        try:
            chain.read(output)
        except InputError:
            aside = chain.set_aside(output)
            yield f"the broken chain of {output} is kept as {aside.name}"
        links = chain.standing(chain.read(output))
        there = {run.folder.name: run.folder for run in all_in(output)}
        for run_id in sorted(links.keys() - there):
            chain.append(output, "gone", run_id, links[run_id][-1].manifest, signer)
            yield f"run {run_id} is not there any more: the chain of {output} says so now"
        fresh = [
            folder
            for run_id, folder in there.items()
            if run_id not in links or (signer is not None and not links[run_id][-1].is_signed(signer))
        ]
        for folder in fresh:
            chain.append(output, "upgraded", folder.name, sha256_of(folder / MANIFEST), signer)
        if fresh:
            yield f"the chain of {output} holds {len(fresh)} more {'run' if len(fresh) == 1 else 'runs'}, as they are"
