"""What leads start from: a job's newest run, and its accounts as a base, on this machine or in Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from cardscreen.foundation.errors import InputError
from cardscreen.kinds.kind import Kind
from cardscreen.leads.base.base import Base, LocalBase
from cardscreen.policy.policy import Policy
from cardscreen.runs import folder as runs
from cardscreen.runs.engines import accounts_in_spark, accounts_of
from cardscreen.runs.record import Base as Run
from cardscreen.screening.columns import AccountColumns, still_unmasked
from cardscreen.tables.opening import require_columns, schema_of

if TYPE_CHECKING:
    from cardscreen.runs.job import Job


def newest_run(job: Job, what: str, most_days: int, limit: str) -> Run:
    """The newest published run of a job.

    Args:
        job: The job.
        what: What starts from it, for messages.
        most_days: Days ago that it may have been made.
        limit: What sets these, for messages.

    Raises:
        InputError: There is none, or it was made longer ago.
    """
    folder = runs.newest(job.output)
    if folder is None:
        raise InputError(f"{job.output} holds no published run, and {what} start from one: first {job.command('run')}")
    run = Run.read(folder)
    if (days := (job.today() - run.made_on).days) > most_days:
        raise InputError(
            f"the newest published run, {run.run_id}, was made {days} days ago (limit {limit} = {most_days}): who "
            "was listed then may not be any more. Run the job again, or decide about a run that is held"
        )
    return run


def open_base(job: Job, day: date, identifiers: Mapping[str, Kind], more: Sequence[str] = ()) -> Base:
    """A job's accounts of a day.

    Args:
        job: The job, of that day.
        day: The day.
        identifiers: Those of its identifier columns that are read.
        more: Further columns that rows are to have.

    Raises:
        InputError: They can't be read, or lack a column.
    """
    if job.cluster is not None:
        from cardscreen.leads.base.in_spark import SparkBase
        from cardscreen.screening.spark.tables import schema_of as spark_schema

        table = accounts_in_spark(job.accounts, job.cluster)
        return SparkBase(table, _plan(job, spark_schema(table), identifiers, more), job.cluster.files)
    local = accounts_of(job, day)
    return LocalBase(local, _plan(job, schema_of(local, "the accounts"), identifiers, more))


def _plan(job: Job, columns: pl.Schema, identifiers: Mapping[str, Kind], more: Sequence[str]) -> AccountColumns:
    require_columns(columns.names(), list(more), "the accounts")
    unmasked = still_unmasked(job.unmasked, job.account_id, identifiers)
    plan = AccountColumns.of(
        columns, identifiers, job.account_id, [], Policy(), unmasked, job.date_format, zone=job.timezone
    )
    return replace(plan, carry=list(more))
