"""The manifest of a run: what was read, by which rules, what came out, and the hash of every file."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cardscreen.foundation.files import sha256_of
from cardscreen.foundation.words import json_text
from cardscreen.lists.store.table import Store
from cardscreen.lists.terms import Terms
from cardscreen.policy.policy import Policy, Source
from cardscreen.runs import chain
from cardscreen.runs.job import Job
from cardscreen.runs.record import MANIFEST
from cardscreen.tables.opening import encoding_used
from cardscreen.tables.paths import files_of

#: What a manifest says, by key.
MANIFEST_SAYS = {
    "run_id": "the run: the instant at which it began, in UTC",
    "as_of": "the day that was asked about",
    "timezone": "the time zone that decided what today was",
    "lang": "the language of its notices and its page",
    "output": "the folder of runs that it was written for",
    "previous": "the SHA-256 of the newest line of the chain of runs before it",
    "begun": "when it began",
    "ended": "when it ended",
    "inputs": "what was read: path, bytes and SHA-256 of each file; the version of the store, and its sources' age",
    "versions": "of cardscreen, Python, Polars and the numbering data",
    "token_keys": "the ids of the keys of tokens",
    "shown": "as what its tables hold identifiers, and under which key",
    "limits": "the limits that held",
    "audit": "whether it looks back: nobody is told of it",
    "compared": "the base that it was compared with, and the run of the same day that it supersedes",
    "identifiers": "the job's identifiers with their options",
    "account_key": "the column of account ids, and its type",
    "policy": "the SHA-256 of the rules that held, under the sources' terms",
    "held": "the limits that were passed, a sentence each; empty where none was",
    "tables": "the SHA-256 of each table by which numbers were read",
    "listings_sha256": "the SHA-256 of the listings as they were looked up",
    "summary": "the figures: see summary.json",
    "approvals": "who has approved it, when, why, and past which limits",
    "outputs": "bytes and SHA-256 of every other file of the run",
    "discarded": "who has discarded it, when, and why",
    "pruned": "when its personal data was removed, and by which rule",
}
#: What summary.json says, by key.
SUMMARY_SAYS = {
    "run_id": "the run",
    "as_of": "the day that was asked about",
    "rows": "how many rows were read: read = hit + exempt + clear + not_screenable + no_account",
    "coverage": "of each identifier: cells = missing + rejected + clear + exempt + hit",
    "notes": "of each identifier: what was out of the ordinary in reading it; `invalid` cells are usable ones",
    "ragged": "rows of text that do not have the header's fields",
    "flagged": "accounts, how many of them are exempt, and how many of each level and action",
    "hits": "rows, exempt ones, those that were left out, and accounts by source",
    "unmasked": "columns that may hold card numbers all the same",
    "ruled": "how many accounts have each value that rules look for",
    "listings": "how many were in force, by kind",
    "unlisted": "identifiers of whose kind no listing was in force, and the kind: they are clear of nothing",
    "listed_by": "the same by source",
    "versions": "of cardscreen, Polars and the numbering data",
    "store": "the version of the store, and its sources' age",
    "seconds": "how long each stage took",
    "peak_memory_mib": "the most memory that was taken up to the end of each stage",
    "changes": "what changed since the base run, by kind and cause; and, under `limits`, how near each limit came",
}
_UNNAMED = {"clearances"}  # says where a file is: not a rule


def write_records(
    folder: Path,
    job: Job,
    begun: datetime,
    records: Mapping[str, Any],
    lists: list[dict[str, Any]],
    show: Callable[[Mapping[str, Any]], None],
) -> None:
    """Write summary.json, inputs/, the page and, last, the manifest.

    Args:
        folder: The run's folder, with all its tables.
        job: What was run.
        begun: When.
        records: What the run says of itself, run_id and summary among it.
        lists: `fingerprint` of the files of listings.
        show: Writes the page of all that the manifest says but for the files' digests.
    """
    inputs = folder / "inputs"
    inputs.mkdir()
    for name, file in job.files.items():
        shutil.copyfile(file, inputs / f"{name}{file.suffix}")
    summary, encoding = records["summary"], job.reading.encoding
    write_json(folder / "summary.json", {"run_id": records["run_id"], **summary})
    manifest = {
        "run_id": records["run_id"],
        "as_of": summary["as_of"],
        "timezone": job.timezone,
        "lang": job.language.name,
        "output": str(job.output),
        chain.PREVIOUS: chain.newest(job.output),
        "begun": begun.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "inputs": {
            "accounts": [fingerprint(file) | encoding_used(file, encoding) for file in files_of(job.accounts)],
            "lists": lists,
            "store": _store(job.store, summary["store"]) if job.store else None,
            **{name: fingerprint(str(file)) for name, file in job.files.items()},
        },
        "versions": {**summary["versions"], "python": platform.python_version()},
        "token_keys": [key.id for key in job.tokens],
        "shown": job.shown_as,
        "limits": job.limits.model_dump(),
        **records,
        "approvals": [],
    }
    show(manifest)
    outputs = sorted(file for file in folder.rglob("*") if file.is_file())
    manifest["outputs"] = {str(file.relative_to(folder)): fingerprint(str(file), named=False) for file in outputs}
    write_json(folder / MANIFEST, manifest)


def _store(path: str, described: Mapping[str, Any]) -> dict[str, Any]:
    """The version of a store that was read, and how fresh it was."""
    return {**Store(path).identity(described["version"]), **described}


def policy_digest(policy: Policy, terms: Mapping[str, Terms]) -> str:
    """SHA-256 of the rules that hold: the policy's under the sources' terms, however they are written."""
    rules = policy.under(terms)
    settings = rules.model_dump(mode="json", exclude=_UNNAMED)
    settings["sources"] = {
        name: source.model_dump() for name, source in sorted(rules.sources.items()) if source != Source()
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def write_json(file: Path, content: Any) -> None:
    """Write a file of JSON, and let the disk have it."""
    with file.open("w", encoding="utf-8") as stream:
        stream.write(f"{json_text(content, indent=2)}\n")
        stream.flush()
        os.fsync(stream.fileno())


def fingerprint(path: str, *, named: bool = True) -> dict[str, Any]:
    """Size and SHA-256 of a file; of a URL only its name."""
    name = {"path": path} if named else {}
    if "://" in path:
        return name
    return {**name, "bytes": Path(path).stat().st_size, "sha256": sha256_of(Path(path))}
