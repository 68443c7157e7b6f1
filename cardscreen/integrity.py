"""Whether a run is still what it was when it was written, and its inputs what they were when they were read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cardscreen.base import MANIFEST
from cardscreen.errors import BlocklistError, ConfigError, InputError
from cardscreen.finished import Finished
from cardscreen.manifest import fingerprint
from cardscreen.store import Store

_NEEDED = (
    *("run_id", "as_of", "timezone", "begun", "ended", "inputs", "versions", "limits", "held", "approvals"),
    *("audit", "compared", "identifiers", "account_key", "policy", "summary", "outputs"),
)


def require_sound(run: Finished) -> None:
    """Refuse a run that is not what it was.

    Raises:
        InputError: Names what is wrong with it.
    """
    if found := list(faults(run)):
        raise InputError(f"run {run.run_id} is not as it was written: {'; '.join(found)}")


def faults(run: Finished) -> Iterator[str]:
    """What is wrong with a run's own files: one sentence each."""
    missing = [name for name in _NEEDED if name not in run.records]
    if missing:
        yield f"the manifest lacks {', '.join(missing)}"
        return
    if run.records["run_id"] != run.folder.name:
        yield f"the manifest is that of run {run.records['run_id']}"
    outputs: Mapping[str, Any] = run.records["outputs"]
    gone = removed(run)
    there = {str(file.relative_to(run.folder)) for file in run.folder.rglob("*") if not file.is_dir()} - {MANIFEST}
    for name in sorted(set(outputs) - there - gone):
        yield f"{name} is gone"
    for name in sorted(there - set(outputs)):
        yield f"{name} was added"
    for name in sorted(there & gone):
        yield f"{name} was to be removed and is still there"
    for name in sorted((there & set(outputs)) - gone):
        if fingerprint(str(run.folder / name))["sha256"] != outputs[name]["sha256"]:
            yield f"{name} was changed"
    yield from _copies(run, gone)


def removed(run: Finished) -> set[str]:
    """The files that were taken out of a run on purpose, as its manifest says."""
    told = run.records.get("pruned") or run.records.get("discarded") or {}
    return set(told.get("removed", ()))


def _copies(run: Finished, gone: set[str]) -> Iterator[str]:
    """The copies of the job and its like must be of the files that were read."""
    for name, said in run.records["inputs"].items():
        if not isinstance(said, dict) or "sha256" not in said:
            continue
        copy = f"inputs/{name}{Path(said['path']).suffix}"
        told = run.records["outputs"].get(copy)
        if copy not in gone and (told is None or told["sha256"] != said["sha256"]):
            yield f"{copy} is no copy of the {name} that was read"


def store_faults(run: Finished) -> Iterator[str]:
    """The files of the store's version that was read that are not those that were written."""
    said = run.records["inputs"].get("store")
    if not said:
        return
    try:
        store = Store(run.located(said["path"]))
        if store.exists() and store.has(said):
            for name in store.changed_files(said["version"]):
                yield f"{name} in the store {store.path} was changed"
    except BlocklistError as error:
        yield str(error)
    except (ConfigError, InputError):
        pass  # what is not there any more is no fault of the run


def changed_inputs(run: Finished) -> Iterator[str]:
    """What is not any more as it was read: one sentence for each file of accounts or lists."""
    inputs = run.records["inputs"]
    for said in (*inputs["accounts"], *inputs["lists"]):
        path = run.located(said["path"])
        if "sha256" not in said:
            yield f"{path} is no local file, and has no digest"
        elif not Path(path).exists():
            yield f"{path} is gone"
        elif fingerprint(path)["sha256"] != said["sha256"]:
            yield f"{path} has changed since"
