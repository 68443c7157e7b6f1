"""What a run was made with: its job, its policy and its sources' terms, from the copies that it keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation.errors import CardscreenError, InputError
from cardscreen.foundation.settings.toml import TomlFile, literally, read_toml
from cardscreen.lists.store.table import Store
from cardscreen.lists.terms import Terms
from cardscreen.policy.clearances import clears, read_clearances
from cardscreen.policy.policy import Policy
from cardscreen.runs.job import Job, issuer_tables
from cardscreen.runs.record import Finished
from cardscreen.tables.libraries import ENGINE_ERRORS


def copy_of(run: Finished, name: str) -> Path | None:
    """The run's copy of an input, `job`, `policy`, `clearances` or the like; None where there was none.

    Raises:
        InputError: There was one, and it is gone.
    """
    recorded = run.records["inputs"].get(name)
    if not isinstance(recorded, dict) or "path" not in recorded:
        return None
    file = run.folder / "inputs" / f"{name}{Path(recorded['path']).suffix}"
    if not file.exists():
        raise InputError(f"run {run.run_id} has no {file.relative_to(run.folder)} any more")
    return file


def job_of(run: Finished, policy: Path | None = None) -> Job:
    """The job as it was: relative paths are read from where its file lay, policy, clearances and the like from copies.

    Args:
        run: The run.
        policy: A policy file to put in place of the run's own.

    Raises:
        ConfigError: A token key is gone, or the policy is none.
        InputError: The run has lost its copies.
    """
    copy = copy_of(run, "job")
    if copy is None:
        raise InputError(f"run {run.run_id} was not made from a job file")
    settings = dict(read_toml(copy).settings)
    own = policy or copy_of(run, "policy")
    if own is not None:
        settings["policy"] = {"file": str(own.absolute())}
    described = settings["identifiers"]
    settings["identifiers"] = _with_kept_issuers(run, described)
    toml = TomlFile(f"the job of run {run.run_id}", settings, "")
    place = Path(run.records["inputs"]["job"]["path"])
    job = Job.from_settings(toml, Path(run.located(str(place.parent))) / place.name)
    kept = {name: copy_of(run, name) for name in ("applied", "clearances") if name == "applied" or policy is None}
    files = {name: Path(literally(str(file))) for name, file in kept.items() if file is not None}
    store = run.located(job.store) if job.store else None
    as_it_was = {"store": store, "described": described, "files": {**job.files, "job": copy, **files}}
    return replace(job, **as_it_was).on(run.as_of, run.located)


def _with_kept_issuers(run: Finished, described: dict[str, Any]) -> dict[str, Any]:
    """The identifiers with the run's copies of tables of issuers."""
    copies = {column: copy_of(run, name) for column, name in issuer_tables(described).items()}
    kept = {column: {"issuers": str(copy.absolute())} for column, copy in copies.items() if copy is not None}
    return {column: {**options, **kept.get(column, {})} for column, options in described.items()}


def policy_of(run: Finished) -> Policy:
    """The policy as it was, under the terms that the sources had where these can still be read.

    Raises:
        InputError: The run has lost its copies.
    """
    file = copy_of(run, "policy")
    if file is not None:
        settings = read_toml(file).settings
    else:
        job = copy_of(run, "job")
        settings = read_toml(job).settings.get("policy", {}) if job else {}
    # Which accounts a person has cleared is in the hits.
    parts: dict[str, Any] = {name: part for name, part in settings.items() if name != "clearances"}
    toml = TomlFile(f"the policy of run {run.run_id}", parts, "")
    return Policy.from_settings(toml, run.folder).under(terms_of(run) or {})


def decisions_of(run: Finished) -> pl.DataFrame | None:
    """The clearances that held on the run's day, as `read_clearances` gives them; None where no copy can be read."""
    try:
        copy = copy_of(run, "clearances")
        return None if copy is None else read_clearances(str(copy)).filter(clears(run.as_of))
    except CardscreenError:
        return None


def gaps_of(run: Finished, listings: Collection[str]) -> Mapping[str, Sequence[date]]:
    """Since when and until when listings were left out by their source, where the run's store can still be read."""
    named = pl.col("listing_id").is_in(list(listings)) & pl.col("gaps").is_not_null()
    try:
        store, version = _store_of(run) or (None, None)
        gaps = store.listings(version).filter(named).select("listing_id", "gaps").collect() if store else None
    except (CardscreenError, *ENGINE_ERRORS):
        return {}
    return {} if gaps is None else dict(gaps.rows())


def terms_of(run: Finished) -> Mapping[str, Terms] | None:
    """The terms of the sources, from the store's version that the run read; {} for plain files, None if it is gone."""
    if not run.records["inputs"].get("store"):
        return {}
    try:
        store, version = _store_of(run) or (None, None)
        origins = store.at(version).record.origins if store else None
    except (CardscreenError, OSError):
        return None
    return None if origins is None else {name: origin.terms for name, origin in origins.items()}


def _store_of(run: Finished) -> tuple[Store, int] | None:
    """The store that the run read, where that is still there, and its version."""
    recorded = run.records["inputs"].get("store")
    store = Store(run.located(recorded["path"])) if recorded else None
    return (store, recorded["version"]) if store and store.has(recorded) else None
