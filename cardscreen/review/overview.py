"""Finished runs at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from cardscreen.review.find import nights_since
from cardscreen.runs.brakes import limit_of
from cardscreen.runs.record import Finished

_COLUMNS = {
    "run": pl.String,
    "day": pl.Date,
    "state": pl.String,
    "rows": pl.Int64,
    "flagged": pl.Int64,
    "told": pl.Int64,
    "released": pl.Int64,
    "note": pl.String,
}


def table_of(runs: Sequence[Finished]) -> pl.DataFrame:
    """One row a run.

    Returns:
        run, day, state, rows, flagged, told (new and escalated), released, note (why it is held, who decided).
    """
    nights = _last_by_day(runs)
    rows = [
        {
            "run": run.run_id,
            "day": run.as_of,
            "state": _state(run, nights),
            "rows": run.summary["rows"]["read"],
            "flagged": run.summary["flagged"]["accounts"],
            "told": _moved(run, "new") + _moved(run, "escalated"),
            "released": _moved(run, "released"),
            "note": _note(run),
        }
        for run in runs
    ]
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def _own_state(run: Finished) -> str:
    """Its state, of one run: which of the published ones is the latest is another question."""
    state = _state(run, _last_by_day(nights_since(run.output, run.as_of)))
    return state if state == "superseded" else run.state


def _state(run: Finished, nights: Mapping[date, str]) -> str:
    """Its state; of the published runs, one is `latest`, and some only look back."""
    if run.state != "published":
        return run.state
    if run.records.get("audit"):
        return "audit"
    if nights.get(run.as_of, "") > run.run_id:
        return "superseded"
    return "latest" if run.as_of == max(nights, default=None) else run.state


def _last_by_day(runs: Sequence[Finished]) -> dict[date, str]:
    """Of each day the last published run that acted."""
    acted = (run for run in runs if run.state == "published" and not run.records.get("audit"))
    return dict(sorted((run.as_of, run.run_id) for run in acted))


def _moved(run: Finished, change: str) -> int:
    counts: dict[str, int] = run.summary.get("changes", {}).get("counts", {}).get(change, {})
    return sum(counts.values())


def _note(run: Finished) -> str | None:
    if removal := run.records.get("discarded"):
        return f"discarded by {removal['by']}: {removal['reason']}"
    if removal := run.records.get("pruned"):
        return f"pruned on {removal['at'][:10]}"
    if run.records["approvals"]:
        return "; ".join(f"approved by {each['by']}: {each['reason']}" for each in run.records["approvals"])
    return "; ".join(run.records["held"]) or None


def described(run: Finished) -> dict[str, Any]:
    """One run: what it was made of, what it found, and what was decided; a list is one thing in several lines."""
    records, summary = run.records, run.summary
    compared, store = records.get("compared", {}), records["inputs"].get("store")
    changes = summary.get("changes", {}).get("counts", {})
    lists = [f"version {store['version']} of {store['path']}"] if store else _files(records["inputs"]["lists"])
    facts = {
        "run": run.run_id,
        "folder": str(run.folder),
        "state": _own_state(run) + (" (looks back: nobody is told or acted on)" if records.get("audit") else ""),
        "day": records["as_of"],
        "made": f"{records['begun']} to {records['ended']}",
        "compared_with": compared.get("base") or "nothing",
        "supersedes": compared.get("supersedes"),
        "accounts": _files(records["inputs"]["accounts"]),
        "lists": lists,
        "versions": ", ".join(f"{name} {version}" for name, version in records["versions"].items()),
        "rows": _counts(summary["rows"]),
        "flagged": _counts(summary["flagged"]["actions"]) or "nobody",
        "changes": [f"{change}: {_counts(counts)}" for change, counts in changes.items()],
        "held": records["held"],
        "approved": [_decision(each) for each in records["approvals"]],
        "discarded": [_decision(records["discarded"])] if "discarded" in records else [],
        "pruned": f"on {records['pruned']['at']}" if "pruned" in records else None,
    }
    return {name: value for name, value in facts.items() if value not in (None, [])}


def facts(run: Finished) -> dict[str, Any]:
    """The same for a machine: counts are numbers, and what there is none of is null or empty.

    Returns:
        run, folder, state, audit, as_of, begun, ended, base, supersedes; accounts and lists (path, bytes), store
        (version, path); versions; rows, levels, actions, changes (change → action → accounts), causes; held (limit,
        reason), approved, discarded and pruned as the manifest has them.
    """
    records, summary = run.records, run.summary
    compared, store = records.get("compared", {}), records["inputs"].get("store")
    changes = summary.get("changes", {})
    return {
        "run": run.run_id,
        "folder": str(run.folder),
        "state": _own_state(run),
        "audit": bool(records.get("audit")),
        **{name: records[name] for name in ("as_of", "begun", "ended")},
        "base": compared.get("base"),
        "supersedes": compared.get("supersedes"),
        **{name: [_file(each) for each in records["inputs"][name]] for name in ("accounts", "lists")},
        "store": {name: store[name] for name in ("version", "path")} if store else None,
        "versions": records["versions"],
        "rows": summary["rows"],
        "levels": summary["flagged"]["levels"],
        "actions": summary["flagged"]["actions"],
        "changes": changes.get("counts", {}),
        "causes": changes.get("causes", {}),
        "held": [{"limit": limit_of(reason), "reason": reason} for reason in records["held"]],
        "approved": records["approvals"],
        "discarded": records.get("discarded"),
        "pruned": records.get("pruned"),
    }


def _file(recorded: dict[str, Any]) -> dict[str, Any]:
    return {"path": recorded["path"], "bytes": recorded.get("bytes")}


def _files(recorded: Sequence[dict[str, Any]]) -> list[str]:
    return [f"{each['path']}, {each['bytes']:,} bytes" if "bytes" in each else each["path"] for each in recorded]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())


def _decision(note: dict[str, Any]) -> str:
    redated = note.get("redated")
    days = f"; days of grace begin on {redated['to']} ({redated['accounts']:,} accounts)" if redated else ""
    return f"by {note['by']} ({note['system_user']} on {note['host']}) at {note['at']}: {note['reason']}{days}"
