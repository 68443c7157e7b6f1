"""Whether tonight can be compared with the base run, and what else differs between the two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.settings.toml import read_toml
from cardscreen.lists.blocklist import Blocklist
from cardscreen.lists.store.table import Store
from cardscreen.runs.brakes import newer
from cardscreen.runs.causes import Circumstances
from cardscreen.runs.job import ISSUERS, Job
from cardscreen.runs.manifest import fingerprint
from cardscreen.runs.record import Base
from cardscreen.tables.paths import files_of


def account_key(job: Job, dtype: pl.DataType) -> dict[str, str]:
    """What names an account, and its type."""
    return {"column": job.account_id, "type": str(dtype)}


def check_same(base: Base, job: Job, accounts: pl.Schema) -> None:
    """Refuse to compare nights that don't speak of the same things: flags would end or begin for no reason.

    Raises:
        ConfigError: The identifiers or the account ids are others, or another job has made that run; says which.
    """
    then, now = base.records.get("identifiers", job.described), job.described
    differences = [
        f"identifiers.{name} is {now.get(name, 'not there')} and was {then.get(name, 'not there')}"
        for name in [*then, *(name for name in now if name not in then)]
        if then.get(name) != now.get(name)
    ]
    account = accounts.get(job.account_id)
    if account is not None:
        key = account_key(job, account)
        was = base.records.get("account_key", key)
        differences += [
            f"the account id's {name} is {key[name]} and was {was[name]}" for name in key if key[name] != was[name]
        ]
    if (other := _of_other_accounts(base, job)) is not None:
        differences.append(
            f"that is {other}, which is there, too, and reads other accounts: two jobs need two [output] directories, "
            "since each night frees whom its own accounts clear"
        )
    if differences:
        raise ConfigError(
            f"the job differs from that of the base run {base.run_id}: {'; '.join(differences)}. If that is meant, say "
            "--allow-changed-identifiers once"
        )


def _of_other_accounts(base: Base, job: Job) -> Path | None:
    """The job that has made the base run, where it is another one that is still there, of other accounts."""
    own, recorded = job.files["job"], base.records.get("inputs", {}).get("job")
    other = Path(base.located(recorded["path"])) if recorded else own
    if other == own or not (other.exists() and own.exists()) or other.samefile(own):
        return None
    accounts = [read_toml(file).settings.get("accounts") for file in (own, other)]
    return None if accounts[0] == accounts[1] and own.parent == other.parent else other


def lists_of(job: Job) -> list[dict[str, Any]]:
    """Size and hash of the job's plain files of listings."""
    return [fingerprint(file) for path in job.lists for file in files_of(path)]


def circumstances(
    job: Job, day: date, summary: Mapping[str, Any], blocklist: Blocklist, base: Base | None, policy: str
) -> Circumstances:
    """What is known beside the two nights' evidence."""
    if base is None:
        return Circumstances(day, blocklist.lazy)
    return Circumstances(
        as_of=day,
        listings=blocklist.lazy,
        listings_then=_listings_then(job, blocklist, base),
        then=base.as_of,
        stale=[name for name, freshness in sources_of(summary).items() if freshness["state"] == "stale"],
        policy=base.records.get("policy", policy) != policy or _issuers_differ(job, base),
        software=bool(newer(dict(summary), base.summary)),
    )


def _issuers_differ(job: Job, base: Base) -> bool:
    """Whether a table of issuers, at which rules may look, is another one than in the base run."""
    then = {name: file for name, file in base.records["inputs"].items() if name.startswith(ISSUERS)}
    now = {name: fingerprint(str(file)) for name, file in job.files.items() if name.startswith(ISSUERS)}
    return {name: file["sha256"] for name, file in then.items()} != {name: file["sha256"] for name, file in now.items()}


def _listings_then(job: Job, blocklist: Blocklist, base: Base) -> pl.LazyFrame | None:
    """The base run's listings: of its version of the store, or tonight's where the files are the same."""
    inputs = base.records["inputs"]
    if job.store is None:
        # Wherever they lie: ids are numbers of rows, so their order counts.
        then, now = ([file.get("sha256") for file in files] for files in (inputs["lists"], lists_of(job)))
        return blocklist.lazy if then == now and None not in now else None
    was, store = inputs.get("store"), Store(job.store)
    try:
        return store.blocklist(version=was["version"]).lazy if was and store.has(was) else None
    except (ConfigError, InputError):  # vacuumed, or restored from a backup
        return None


def sources_of(summary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How fresh the data of each source is, as a summary tells it."""
    sources: dict[str, dict[str, Any]] = (summary.get("store") or {"sources": {}})["sources"]
    return sources
