"""Where a job's accounts are screened: on this machine, or in Spark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.lists.blocklist import Blocklist
from cardscreen.runs.job import Cluster, Job
from cardscreen.screening.result import Result
from cardscreen.screening.screen import screen
from cardscreen.tables.opening import explaining, in_zone, open_table, schema_of

Check = Callable[[pl.Schema], None]


def screened(
    job: Job, blocklist: Blocklist, day: date, previous: pl.DataFrame | None, out: Path | None, check: Check
) -> Result:
    """A job's accounts, screened.

    Args:
        job: The job.
        blocklist: The listings.
        day: The day that is asked about.
        previous: The state of the night before.
        out: Folder for the tables; None: in memory.
        check: Told the accounts' columns before any of them is read.

    Raises:
        CardscreenError: As `cardscreen.screen` raises, and `check`.
    """
    options: dict[str, Any] = {
        "identifiers": job.identifiers,
        "account_id": job.account_id,
        "carry": job.carry,
        "unmasked": job.unmasked,
        "policy": job.policy,
        "as_of": day,
        "previous": previous,
        "tokens": job.tokens,
        "date_format": job.date_format,
        "hits_per_account": job.limits.hits_per_account,
    }
    with explaining(job.accounts, job.reading):
        if job.cluster is not None:
            return _in_spark(job, job.cluster, blocklist, options, out, check)
        table = open_table(job.accounts, job.reading, marked=True)
        since = [kind.holder_since for kind in job.identifiers.values() if kind.holder_since]
        table = in_zone(table, since, job.timezone)
        check(schema_of(table, "the accounts"))
        return screen(table, blocklist, **options, out=out, flagged_share=job.limits.flagged_share)


def _in_spark(
    job: Job, cluster: Cluster, blocklist: Blocklist, options: dict[str, Any], out: Path | None, check: Check
) -> Result:
    from cardscreen import spark

    accounts = spark.open_accounts(spark.session(cluster.master, cluster.settings), job.accounts)
    check(spark.schema_of(accounts))
    with spark.screen(accounts, blocklist, **options, files=cluster.files) as found:
        return found.collect(out)
