"""The screening itself: one pass, the listings of what it found, a shuffle of the matches, decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.kinds.kind import Kind
from cardscreen.kinds.tokens import TokenKey
from cardscreen.lists import keyed
from cardscreen.lists.blocklist import Blocklist
from cardscreen.policy.parts import PolicyParts
from cardscreen.policy.policy import Policy
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.exposure import LOOKED_AT, check_exposure
from cardscreen.screening.hits.evidence import near_in
from cardscreen.screening.hits.matches import HITS_PER_ACCOUNT
from cardscreen.screening.question import Options, Question, previous_flags, versions
from cardscreen.screening.scan import check_dates
from cardscreen.screening.screen import Clock
from cardscreen.screening.spark.results import SparkResult
from cardscreen.screening.spark.sessions import in_one_sentence
from cardscreen.screening.spark.tables import check_zone, in_zone_of, numbered, plain, schema_of, struct_of
from cardscreen.screening.spark.work import Work
from cardscreen.screening.summary import summary_of
from cardscreen.screening.tally import Tally
from cardscreen.screening.workers.batches import (
    MATCHES,
    decided_fields,
    listings_asked,
    matched_fields,
    scanned_fields,
    told_error,
)
from cardscreen.screening.workers.bundle import CLEARED, FOUND, WATCHED
from cardscreen.tables.opening import require_columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Matches that a worker decides on at once: fewer, and starting on them takes longer than deciding.
MATCHES_TOGETHER = 100_000

_BEFORE = {"action": "was", "flagged_since": "was_since", "act_on": "was_due"}


def screen(
    accounts: DataFrame,
    blocklist: Blocklist,
    identifiers: Mapping[str, Kind],
    *,
    account_id: str = "account_id",
    carry: Sequence[str] = (),
    unmasked: Sequence[str] = (),
    policy: Policy | PolicyParts | str | Path | None = None,
    as_of: date | str | None = None,
    previous: Any = None,
    tokens: TokenKey | Sequence[TokenKey] | None = None,
    files: str | None = None,
    date_format: str | None = None,
    hits_per_account: int = HITS_PER_ACCOUNT,
) -> SparkResult:
    """Screen accounts that lie in Spark: row for row what `cardscreen.screen` finds.

    Args:
        accounts: A Spark DataFrame, of which only the columns named here are read.
        blocklist: The listings, read where this runs.
        identifiers: As for `cardscreen.screen`, and so `account_id`, `carry`, `unmasked`, `policy`, `as_of`, `tokens`.
        account_id: Column that names the account.
        carry: Account columns that rules may look at and `flagged` keeps.
        unmasked: Those of these columns that may hold secret numbers or tokens.
        policy: A `Policy` or its settings, the path of a TOML file, or None.
        as_of: The day that is asked about.
        previous: The night before: a Spark DataFrame with account_id, action, flagged_since and act_on, such as
            `flagged` of another night; or what `cardscreen.screen` takes.
        tokens: The key under which the blocklist's tokens were made.
        files: A folder that this machine and all workers share, or a URL of an object store, for what workers need to
            read: listings as keys, and numbering tables. None: Spark sends these files to the machines by itself.
        date_format: As for `cardscreen.screen`.
        hits_per_account: As for `cardscreen.screen`.

    Returns:
        `SparkResult`. The pass over the accounts has run; the frames lie in Spark's own cache.

    Raises:
        MissingColumn: A named column is not in the accounts.
        InputError: The accounts can't be read, a holder's date is no date, or Spark could not finish.
        ConfigError: As for `cardscreen.screen`; or the workers' Python lacks a package, or has other versions.

    Example:
        >>> screen(spark.table("subscribers"), cs.Store("lists").blocklist(),
        ...        {"msisdn": cs.Phone("CN")}).flagged.show()  # doctest: +SKIP
    """
    asked = Options(
        identifiers, account_id, carry, unmasked, policy, as_of, tokens, date_format, hits_per_account=hits_per_account
    )
    return answer(accounts, blocklist, asked, previous, files)


def answer(
    accounts: DataFrame, blocklist: Blocklist, options: Options, previous: Any, files: str | None
) -> SparkResult:
    """What accounts in Spark answer to what is asked; see `screen`."""
    clock = Clock()
    asked = Question.of(schema_of(accounts), blocklist, options)
    session = accounts.sparkSession
    check_zone(session, asked.plan)
    plan = in_zone_of(session, asked.plan)
    asked = replace(asked, plan=plan)
    before, watched = _before(previous, accounts, plan)
    of_account, *carried = (plain(accounts.schema[name].dataType) for name in (plan.account_id, *plan.carry))
    with ExitStack() as kept:
        # Two cores at least are there, and each of the two keeps one busy.
        with clock.stage("lists"), ThreadPoolExecutor(1) as beside:
            looked_at = beside.submit(_check_some, accounts, plan)
            tables = {CLEARED: asked.rules.cleared(asked.day, plan.zone), WATCHED: watched}
            work = kept.enter_context(Work.prepared(session, asked, blocklist, tables, files))
            looked_at.result()
        with clock.stage("scan"), in_one_sentence():
            needed = numbered(accounts, plan.needed())
            scanned = needed.mapInArrow(work.step("scan"), struct_of(scanned_fields, of_account, carried)).persist()
            kept.callback(scanned.unpersist)
            counts = figures_of(scanned)
        check_dates(counts, plan)
        with clock.stage("evidence"):
            near = near_in(asked.listings, keyed.of_day(blocklist.compiled, asked.day))
            found = listings_asked(_values(scanned), work.asked.bundle, near, asked.token_keys)
            work = work.having(session, FOUND, found)
            with in_one_sentence():
                cells = scanned.where("cells is not null").select("cells.*")
                matched = cells.mapInArrow(work.step("match"), struct_of(matched_fields, of_account, carried)).persist()
                kept.callback(matched.unpersist)
                counts.update(figures_of(matched))
        with clock.stage("policy"), in_one_sentence():
            together = _with_all_accounts(matched, before, counts[MATCHES])
            decided = together.mapInArrow(work.step("decide"), struct_of(decided_fields, of_account, carried)).persist()
            kept.callback(decided.unpersist)
            came_out = figures_of(decided)
        kept_on = kept.pop_all()
    summary = summary_of(plan, counts, came_out, asked.listings, asked.day)
    engine = {"name": "spark", "version": session.version, "files": files}
    resources = {"seconds": clock.seconds, "peak_memory_mib": clock.peak_mib, "engine": engine}
    flags = decided.where("flag is not null").select("flag.*")
    cells = scanned.where("watched is not null").select("watched.*").distinct()
    return SparkResult(
        flagged=flags.toDF(*schema.FLAGGED, *plan.carry),
        hits=decided.where("hit is not null").select("hit.*"),
        rejects=scanned.where("reject is not null").select("reject.*").drop("row"),
        summary=summary | {"versions": dict(versions()), "store": blocklist.described(asked.day), **resources},
        watched=None if watched is None else cells,
        _scanned=scanned,
        _kept=kept_on,
    )


def _before(previous: Any, accounts: DataFrame, plan: AccountColumns) -> tuple[DataFrame | None, pl.DataFrame | None]:
    """The night before as Spark has it, with the columns of `_BEFORE`; and the ids of its accounts."""
    if previous is None:
        return None, None
    if hasattr(previous, "mapInArrow"):
        names = ["account_id", *_BEFORE]
        require_columns(previous.columns, names, "the previous flags")
        with in_one_sentence():
            previous = pl.DataFrame(numbered(previous, names).toDF(*names).toArrow())
    known = previous_flags(previous, plan.schema[plan.account_id])
    assert known is not None
    plain = known.with_columns(pl.col("action").cast(pl.String)).rename(_BEFORE)
    before = accounts.sparkSession.createDataFrame(plain.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return before, known.select("account_id")


def _check_some(accounts: DataFrame, plan: AccountColumns) -> None:
    """Look at the columns that results show, in some accounts: a worker's batch may be too small to tell.

    Raises:
        ConfigError: As `check_exposure`.
    """
    names = plan.needed()
    with in_one_sentence():
        some = pl.DataFrame(numbered(accounts, names).limit(LOOKED_AT).toArrow())
    some.columns = names
    check_exposure(some, plan)


def _values(scanned: DataFrame) -> list[bytes]:
    """The values that the pass asks about, sealed."""
    with in_one_sentence():
        return [bytes(row["sealed"]) for row in scanned.where("asked is not null").select("asked.*").collect()]


def _with_all_accounts(matched: DataFrame, before: DataFrame | None, rows: int) -> DataFrame:
    """The matches, with what only all accounts tell, those of an account in one place."""
    from pyspark.sql import functions as sql

    matched = matched.where("match is not null").select("match.*")
    carriers = matched.groupBy("kind", "value").agg(sql.countDistinct("account_id").alias("carried_by"))
    matched = matched.join(carriers, ["kind", "value"])
    if before is not None:
        matched = matched.join(before, "account_id", "left")
    # By the column itself, Spark would take what that join has placed by account, and may split where it is large: an
    # account would be decided in pieces.
    return matched.repartition(1 + rows // MATCHES_TOGETHER, sql.struct("account_id"))


def figures_of(frame: DataFrame) -> Tally:
    """Run a step, and add up what its workers counted.

    Raises:
        CardscreenError: What a worker told.
    """
    ends = frame.where("told is not null").select("told.*").collect()
    if errors := sorted(row["error"] for row in ends if row["error"]):
        raise told_error(errors[0])
    counts = Tally()
    for row in ends:
        counts.update(Tally.from_json(row["counts"]))
    return counts
