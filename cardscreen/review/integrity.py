"""Whether a run is still what it was when it was written, and its inputs what they were when they were read."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cardscreen.foundation.errors import BlocklistError, ConfigError, InputError
from cardscreen.foundation.files import sha256_of
from cardscreen.foundation.secrets.signing import Signer
from cardscreen.lists.store.table import Store
from cardscreen.review.find import all_in
from cardscreen.runs import chain
from cardscreen.runs.brakes import unfounded
from cardscreen.runs.manifest import fingerprint
from cardscreen.runs.record import MANIFEST, Finished

_NEEDED = (
    *("run_id", "as_of", "timezone", "begun", "ended", "inputs", "versions", "limits", "held", "approvals"),
    *("audit", "compared", "identifiers", "account_key", "policy", "summary", "outputs"),
)


def require_sound(run: Finished) -> None:
    """Refuse a run that is not what it was.

    Raises:
        InputError: Names what is wrong with it.
    """
    if wrong := list(faults(run)):
        raise InputError(f"run {run.run_id} is not as it was written: {'; '.join(wrong)}")


def faults(run: Finished) -> Iterator[str]:
    """What is wrong with a run's own files: one sentence each; of a manifest that was changed nothing is believed."""
    if wrong := run.fault:
        yield wrong
        return
    missing = [name for name in _NEEDED if name not in run.records]
    if missing:
        yield f"the manifest lacks {', '.join(missing)}"
        return
    try:
        yield from list(_own(run))
    except (AttributeError, KeyError, TypeError, ValueError):
        yield "the manifest says what no manifest says"


def _own(run: Finished) -> Iterator[str]:
    if run.records["run_id"] != run.folder.name:
        yield f"the manifest is that of run {run.records['run_id']}"
    yield from _files(run)
    yield from _copies(run, removed(run))
    if (run.folder / "summary.json").exists() and _summary(run) != {"run_id": run.run_id, **run.summary}:
        yield "summary.json is not the summary in the manifest"


def _summary(run: Finished) -> Any:
    try:
        return json.loads((run.folder / "summary.json").read_bytes())
    except (OSError, ValueError):
        return None


def _files(run: Finished) -> Iterator[str]:
    """The files that are not those that the manifest names."""
    outputs: Mapping[str, Any] = run.records["outputs"]
    gone = removed(run)
    yield from _odd_entries(run.folder)
    there = {str(file.relative_to(run.folder)) for file in run.folder.rglob("*") if not file.is_dir()} - {MANIFEST}
    for name in sorted(set(outputs) - there - gone):
        yield f"{name} is gone"
    for name in sorted(there - set(outputs)):
        yield f"{name} was added"
    for name in sorted(there & gone):
        yield f"{name} was to be removed and is still there"
    for name in sorted((there & set(outputs)) - gone):
        if (run.folder / name).is_file() and sha256_of(run.folder / name) != outputs[name]["sha256"]:
            yield f"{name} was changed"


def _odd_entries(folder: Path) -> Iterator[str]:
    """What a run never holds: links, other names of files elsewhere, what is no file, empty folders."""
    for entry in sorted(folder.rglob("*")):
        name, state = entry.relative_to(folder), entry.lstat()
        if stat.S_ISDIR(state.st_mode):
            if not any(entry.iterdir()):
                yield f"{name} is an empty folder, which was not written"
        elif not stat.S_ISREG(state.st_mode):
            yield f"{name} is {'a link' if stat.S_ISLNK(state.st_mode) else 'no file'}"
        elif state.st_nlink > 1:
            yield f"{name} has a second name somewhere (a hard link), by which it can be changed"


def doubtful_reasons(run: Finished, before: Mapping[str, Any] | None) -> list[str]:
    """Why a run is held, as far as that does not follow from its own figures; `before` is the base's summary."""
    doubts = unfounded(run.records["held"], run.summary, run.records["limits"], dict(before) if before else None)
    return [f"whether this limit was passed does not follow from its figures: {reason}" for reason in doubts]


def unproven(run: Finished, signer: Signer | None) -> str | None:
    """What an audit can't prove of a run's record; None where a key has signed it."""
    if signer is not None:
        return None
    keys = {link.key for link in chain.read(run.output) if link.run_id == run.run_id and link.key}
    if keys:
        return f"the record is signed by the key {', '.join(sorted(keys))}, which is not known here: name it by --key"
    return (
        "no key signs the record: whoever can write here could have rewritten the run together with its chain "
        "([output] sign in the job names a key)"
    )


def chain_faults(output: Path) -> tuple[list[str], list[str]]:
    """What is wrong with all runs of an output folder, by the chain that names them; and what else is to be known."""
    wrong, notes = list[str](), list[str]()
    try:
        links = chain.read(output)
    except InputError as error:
        return [str(error)], []
    known_links, there = chain.known(output), {run.folder.name: run for run in all_in(output)}
    wrong += [f"run {run_id} is gone" for run_id in sorted(known_links.keys() - there)]
    wrong += [fault for run in there.values() if (fault := run.fault)]
    if old := [run_id for run_id, run in there.items() if run_id not in known_links and not run.fault]:
        notes.append(
            f"{len(old)} of the runs are of an earlier release and in no chain: cardscreen upgrade {output} puts them "
            "there"
        )
    notes += [f"run {each.run_id} was taken away before {each.at}" for each in links if each.event == "gone"]
    if len(there) > 1:
        others = f"{len(there) - 1} other run{'s' * (len(there) > 2)}"
        notes.append(f"of {others} the manifests were compared, and not the files: name a run for that")
    return wrong, notes


def removed(run: Finished) -> set[str]:
    """The files that were taken out of a run on purpose, as its manifest says."""
    removal = run.records.get("pruned") or run.records.get("discarded") or {}
    return set(removal.get("removed", ()))


def _copies(run: Finished, gone: set[str]) -> Iterator[str]:
    """The copies of the job and its like must be of the files that were read."""
    for name, recorded in run.records["inputs"].items():
        if not isinstance(recorded, dict) or "sha256" not in recorded:
            continue
        copy = f"inputs/{name}{Path(recorded['path']).suffix}"
        written = run.records["outputs"].get(copy)
        if copy not in gone and (written is None or written["sha256"] != recorded["sha256"]):
            yield f"{copy} is no copy of the {name} that was read"


def store_faults(run: Finished) -> Iterator[str]:
    """The files of the store's version that was read that are not those that were written."""
    recorded = run.records["inputs"].get("store")
    if not recorded:
        return
    try:
        store = Store(run.located(recorded["path"]))
        if store.exists() and store.has(recorded):
            for name in store.changed_files(recorded["version"]):
                yield f"{name} in the store {store.path} was changed"
    except BlocklistError as error:
        yield str(error)
    except (ConfigError, InputError):
        pass  # what is not there any more is no fault of the run


def changed_inputs(run: Finished) -> Iterator[str]:
    """What is not any more as it was read: one sentence for each file of accounts or lists."""
    inputs = run.records["inputs"]
    for recorded in (*inputs["accounts"], *inputs["lists"]):
        path = run.located(recorded["path"])
        if "sha256" not in recorded:
            yield f"{path} is no local file, and has no digest"
        elif not Path(path).exists():
            yield f"{path} is gone"
        elif fingerprint(path)["sha256"] != recorded["sha256"]:
            yield f"{path} has changed since"
