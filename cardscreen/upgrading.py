"""What earlier releases did not write down, written down now: from here on it is noticed when something is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cardscreen import edits
from cardscreen.errors import ConfigError
from cardscreen.job import Job
from cardscreen.paths import is_delta, is_url
from cardscreen.store import Store


def upgrade(place: str) -> Iterator[str]:
    """Upgrade a store, an output folder, or both that a job names; one sentence for each thing done.

    Raises:
        ConfigError: There is nothing of that name.
    """
    if place.endswith(".toml"):
        job = Job.read(place)
        if job.store is not None:
            yield from _store(Store(job.store))
    elif is_url(place) or is_delta(place):
        yield from _store(Store(place))
    elif not Path(place).is_dir():
        raise ConfigError(f"there is no store, folder or job {place!r}")


def _store(store: Store) -> Iterator[str]:
    if done := edits.upgrade(store):
        files = sum(map(len, (done.record.files or {}).values()))
        yield f"the store {store.path} tells the digests of its {files} files in version {done.number}"
