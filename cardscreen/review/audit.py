"""An audit: a run is what it was when it was written, what it was made of is still there, and it comes out the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation.errors import CardscreenError
from cardscreen.foundation.secrets.signing import Signer
from cardscreen.review.find import signer_of
from cardscreen.review.integrity import chain_faults, changed_inputs, faults, removed, store_faults, unproven
from cardscreen.review.replay import replayed, version_changes
from cardscreen.runs import chain
from cardscreen.runs.manifest import fingerprint
from cardscreen.runs.record import Finished

_COMPARED = (".parquet", ".csv")


@dataclass(frozen=True)
class Report:
    """What an audit found.

    Attributes:
        run: The run's name.
        files: How many files its manifest names.
        faults: What is not as it was written; empty in a sound run.
        notes: What else an auditor should know: what was pruned.
        inputs: What is not there any more as it was read.
        replay: File → how it came out again: `same`, `same rows` (other bytes), or what differs; None: not asked for.
        obstacle: Why it could not be run again.
        versions: The software that has other versions than when the run was made.
        unproven: What can't be told without a key.
        removed: How many of its files were taken out on purpose, when it was pruned or discarded.
    """

    run: str
    files: int
    faults: list[str]
    notes: list[str]
    inputs: list[str]
    replay: dict[str, str] | None = None
    obstacle: str | None = None
    versions: list[str] = field(default_factory=list)
    unproven: str | None = None
    removed: int = 0

    @property
    def passed(self) -> bool:
        """Whether all that was asked is in order."""
        again = self.replay or {}
        return not self.faults and self.obstacle is None and all(verdict in _ALIKE for verdict in again.values())

    def summary(self) -> dict[str, Any]:
        """The same for a machine."""
        return {
            "run": self.run,
            "passed": self.passed,
            "files": self.files,
            "faults": self.faults,
            "notes": [*self.notes, *map(_noted, self.inputs)],
            "replay": self.replay,
            "obstacle": self.obstacle,
            "versions": self.versions,
            "unproven": self.unproven,
        }

    def lines(self) -> Iterator[str]:
        """For a person."""
        left = f"{self.removed} were removed, all others" if self.removed else "all"
        state = "not as it was written:" if self.faults else f"{left} are as they were written"
        yield f"run {self.run}, {self.files} files: {state}"
        yield from (f"  {fault}" for fault in self.faults)
        yield from (f"note: {note}" for note in (*self.notes, *map(_noted, self.inputs)))
        if self.obstacle:
            yield f"no replay: {self.obstacle}"
        if self.replay is not None:
            differing = {name: verdict for name, verdict in self.replay.items() if verdict != _SAME}
            same, all_ = len(self.replay) - len(differing), len(self.replay)
            yield f"run again: {same} of {all_} tables, notices and actions are the same, byte by byte"
            yield from (f"  {name}: {verdict}" for name, verdict in differing.items())
        yield from (f"note: {verdict}, so a replay may differ" for verdict in self.versions)
        if self.unproven:
            yield f"not proven: {self.unproven}"
        yield f"passed{_lost(len(self.inputs))}" if self.passed else "NOT passed"


def _noted(verdict: str) -> str:
    return f"an input is not there as it was read: {verdict}"


def _lost(inputs: int) -> str:
    if not inputs:
        return ""
    return "; 1 input is" + _AS_READ if inputs == 1 else f"; {inputs} inputs are" + _AS_READ


_AS_READ = " not there any more as read"
_SAME = "same"
_SAME_ROWS = "same rows"
_ALIKE = (_SAME, _SAME_ROWS)


def examine(run: Finished, *, replay: bool = False, walk: bool = False, signer: Signer | None = None) -> Report:
    """Audit a run.

    Args:
        run: The run.
        replay: Whether to run it again and compare.
        walk: Whether to look at the manifests of all runs beside it, by the chain.
        signer: The key that should have signed it; None: that of the run's job, where there is one.
    """
    wrong, notes = chain_faults(run.output) if walk else (list[str](), list[str]())
    wrong += [fault for fault in faults(run) if fault not in wrong]
    if run.fault:
        return Report(run.run_id, 0, wrong, notes, [])
    signer = signer or signer_of(run)
    wrong += chain.unsigned(run.output, signer, None if walk else run.run_id) if signer else []
    if not chain.is_known(run.output, run.run_id):
        notes.append(f"it is of an earlier release, and not in a chain: cardscreen upgrade {run.output} puts it there")
    wrong += store_faults(run) if "inputs" in run.records else []
    if gone := removed(run):
        what = run.records.get("pruned") or run.records["discarded"]
        notes.append(f"it was {run.state} on {what['at']}; files removed: {len(gone)}")
    inputs = list(changed_inputs(run)) if "inputs" in run.records else []
    report = Report(run.run_id, len(run.records.get("outputs", ())), wrong, notes, inputs)
    report = replace(report, unproven=unproven(run, signer), removed=len(gone))
    return _with_replay(run, report) if replay and not wrong else report


def _with_replay(run: Finished, report: Report) -> Report:
    try:
        with replayed(run) as again:
            compared = {name: _compared(run.folder / name, again.folder / name) for name in _tables(run, again)}
            compared |= _records_compared(run, again)
            versions = list(version_changes(run.records["versions"], again.records["versions"]))
    except (CardscreenError, OSError) as error:
        return replace(report, obstacle="; ".join(str(error).split("\n")))
    return replace(report, replay=compared, versions=versions)


#: What a manifest says that a replay must say, too.
_SAID = ("held", "limits", "policy", "identifiers", "account_key", "audit")
#: Of a summary, what depends on the machine and the hour.
_OF_THE_HOUR = ("seconds", "peak_memory_mib", "versions")
_OF_TODAY = ("days_ahead", "other_days")


def _records_compared(run: Finished, again: Finished) -> dict[str, str]:
    """What the manifests say, so far as it differs."""
    then, now = run.records, again.records
    differing = [name for name in _SAID if name in then and then[name] != now[name]]
    differing += [f"summary {name}" for name in _differing(_lasting(run.summary), _lasting(again.summary))]
    return dict.fromkeys(differing, "another than in the replay")


def _lasting(summary: dict[str, Any]) -> dict[str, Any]:
    changes = {name: value for name, value in summary.get("changes", {}).items() if name not in _OF_TODAY}
    return {name: value for name, value in summary.items() if name not in _OF_THE_HOUR} | {"changes": changes}


def _differing(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    again = json.loads(json.dumps(now))
    # What an earlier release did not say is no difference, nor within what changed.
    again["changes"] = {name: value for name, value in again["changes"].items() if name in then["changes"]}
    return sorted(name for name in then if then[name] != again.get(name))


def _tables(run: Finished, again: Finished) -> list[str]:
    """The tables, notices and actions of either side."""
    names = {*run.records["outputs"], *again.records["outputs"]}
    return sorted(name for name in names if name.endswith(_COMPARED) and not name.startswith("inputs/"))


def _compared(then: Path, now: Path) -> str:
    if not then.exists() or not now.exists():
        return "only in the run" if then.exists() else "only in the replay"
    if fingerprint(str(then), named=False) == fingerprint(str(now), named=False):
        return _SAME
    one, other = (pl.read_parquet(file) if file.suffix == ".parquet" else _texts(file) for file in (then, now))
    if set(one.columns) < set(other.columns):  # an earlier release had fewer
        other = other.select(one.columns)
    if one.schema != other.schema:
        return f"other columns: {', '.join(map(str, set(one.schema.items()) ^ set(other.schema.items())))}"
    if one.equals(other):
        return _SAME_ROWS
    rows = [set(frame.hash_rows(seed=0).to_list()) for frame in (one, other)]
    return f"rows only in the run: {len(rows[0] - rows[1]):,}, only in the replay: {len(rows[1] - rows[0]):,}"


def _texts(file: Path) -> pl.DataFrame:
    return pl.read_csv(file, infer_schema=False, glob=False)
