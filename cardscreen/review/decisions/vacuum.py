"""Keeping a store small without taking anything from the auditor: versions that runs refer to stay readable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.files import not_for_others
from cardscreen.lists.store.table import Store


def remove_unneeded(store: Store, runs: Sequence[Path], keep_days: int, *, dry_run: bool = False) -> int:
    """Remove the files that no kept version needs. There is nothing to put together: a source's import is one file.

    Args:
        store: The store.
        runs: Folders of runs: the versions that their manifests name are kept.
        keep_days: All versions of the last so many days are kept, and the newest and those being read always are.
        dry_run: Count only.

    Returns:
        How many files were, or would be, removed.

    Raises:
        ConfigError: A folder of runs is not there.
    """
    since = datetime.now(UTC) - timedelta(days=keep_days)
    store.at()  # before the lock, which would make the folder of a store that is not there
    with not_for_others(), store.lock():
        there = {each.number: each.record.instant for each in store.history()}
        recent = {number for number, instant in there.items() if instant >= since}
        # A store restored from a backup has not all the versions that runs name.
        kept = recent | {max(there)} | (there.keys() & {*_referred(store, runs), *store.leases()})
        return store.vacuum(sorted(kept), dry_run=dry_run)


def _referred(store: Store, runs: Sequence[Path]) -> Iterator[int]:
    """The versions of this store that runs, held ones too, were made from."""
    own = store.identity(store.at().number)["id"]
    for folder in runs:
        if not folder.is_dir():
            raise ConfigError(f"there is no folder of runs {str(folder)!r}")
        for manifest in [*folder.glob("*/manifest.json"), *folder.glob(".held/*/manifest.json")]:
            try:
                reference = json.loads(manifest.read_text(encoding="utf-8")).get("inputs", {}).get("store")
            except (OSError, ValueError):
                raise ConfigError(f"{manifest} can't be read: which version that run needs is not known") from None
            if reference and reference.get("id", own) == own:  # one of old that names no id may be of this store, too
                yield reference["version"]
