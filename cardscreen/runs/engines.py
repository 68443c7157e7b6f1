"""Where a job's accounts are screened: on this machine, or in Spark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from cardscreen.foundation.errors import InputError
from cardscreen.lists.blocklist import Blocklist
from cardscreen.runs.job import Cluster, Job
from cardscreen.screening.question import Options, Question, previous_flags
from cardscreen.screening.result import Result
from cardscreen.screening.screen import answer
from cardscreen.tables.opening import explaining, open_table, schema_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

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
    asked = Options(
        job.identifiers,
        job.account_id,
        job.carry,
        job.unmasked,
        job.policy,
        day,
        job.tokens,
        job.date_format,
        job.limits.hits_per_account,
        job.shown,
        job.timezone,
    )
    with explaining(job.accounts, job.reading):
        if job.cluster is not None:
            return _in_spark(job.accounts, job.cluster, blocklist, asked, previous, out, check)
        table = accounts_of(job, day)
        columns = schema_of(table, "the accounts")
        check(columns)
        question = Question.of(columns, blocklist, asked)
        before = previous_flags(previous, question.plan.schema[job.account_id])
        return answer(question, table, blocklist, before, out, job.limits.flagged_share)


def require_accounts(job: Job, result: Result) -> None:
    """Refuse accounts of which there are none.

    Raises:
        InputError: They are.
    """
    if result.summary["rows"]["read"] == 0:
        raise InputError(f"{job.accounts} holds no accounts: an empty extract clears nobody")


def accounts_of(job: Job, day: date) -> pl.LazyFrame:
    """A job's accounts as this machine reads them."""
    return job.place.open(f"{day}") if job.place else open_table(job.accounts, job.reading, marked=True)


def accounts_in_spark(accounts: str, cluster: Cluster) -> DataFrame:
    """A job's accounts as Spark reads them."""
    from cardscreen.screening.spark.sessions import session
    from cardscreen.screening.spark.tables import open_accounts

    return open_accounts(session(cluster.master, cluster.settings), accounts)


def _in_spark(
    accounts: str,
    cluster: Cluster,
    blocklist: Blocklist,
    asked: Options,
    previous: pl.DataFrame | None,
    out: Path | None,
    check: Check,
) -> Result:
    from cardscreen.screening.spark.screening import answer
    from cardscreen.screening.spark.tables import schema_of

    table = accounts_in_spark(accounts, cluster)
    check(schema_of(table))
    with answer(table, blocklist, asked, previous, cluster.files) as screened:
        return screened.collect(out)
