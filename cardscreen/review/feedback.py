"""What came of a source's listings, for its owner: whom they hit, what was done, and what people objected to."""

from __future__ import annotations

from datetime import date
from typing import Literal

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, InputError, near
from cardscreen.kinds.masking import masked
from cardscreen.lists.store.table import Store
from cardscreen.lists.store.views import shown
from cardscreen.review.decisions import appeals
from cardscreen.review.find import nights_since
from cardscreen.runs.job import Job
from cardscreen.runs.messages.applied import read_applied
from cardscreen.runs.record import Finished

#: A row for each listing of the source that hit somebody. Counts are of accounts.
COLUMNS = schema.Columns(
    {
        "listing_id": (pl.String, "the listing"),
        "reference": (pl.String, "the source's own name of the case"),
        "kind": (pl.String, "of which kind the number is"),
        "value": (pl.String, "the number, masked, or a token"),
        "reason": (pl.String, "why it is listed, as a code"),
        "severity": (pl.UInt8, "how grave it is, 1 to 100"),
        "listed_on": (pl.Date, "its first day"),
        "first_hit": (pl.Date, "the first night on which it hit somebody"),
        "last_hit": (pl.Date, "the last one"),
        "hits": (pl.UInt32, "accounts that it hit, each once"),
        "holder_same": (pl.UInt32, "of those, where the present holder had the number when it was listed"),
        "holder_earlier": (pl.UInt32, "where an earlier one had it"),
        "holder_unknown": (pl.UInt32, "where that is not known"),
        "told": (pl.UInt32, "accounts that were told"),
        "strongest": (schema.ACTIONS, "the strongest action that was told"),
        "applied": (pl.UInt32, "accounts of which an action was applied"),
        "released": (pl.UInt32, "accounts that were released"),
        "lifted": (pl.UInt32, "accounts of which an applied action was lifted"),
        "upheld": (pl.UInt32, "accounts whose objection was upheld"),
        "rejected": (pl.UInt32, "accounts whose objection was rejected"),
    }
)
_COUNTS = ("told", "applied", "released", "lifted", "upheld", "rejected")


def feedback(
    job: Job, source: str, first: date, last: date, form: Literal["masked", "token"] = "masked"
) -> pl.DataFrame:
    """What came of a source's listings in the nights from one day to another, both included.

    Args:
        job: The job.
        source: The source.
        first: The first day.
        last: The last day.
        form: How values are told: `masked`, or `token`, under the job's key.

    Returns:
        `COLUMNS`, sorted by listing. What was applied is known where the job says where other systems tell it, else
        what was handed out counts.

    Raises:
        ConfigError: The days are in the wrong order, or tokens without a key.
        InputError: There is no night of these days, or none knows the source.
    """
    if last < first:
        raise ConfigError(f"from {first} to {last}: the days are in the wrong order")
    nights = [run for run in reversed(nights_since(job.output, first)) if run.state == "published"]
    asked = [run for run in nights if run.as_of <= last]
    if not asked:
        raise InputError(f"{job.output} holds no published run for a day from {first} to {last}")
    hits = pl.concat([_hits(run, source) for run in asked])
    if hits.is_empty():
        known = sorted({name for run in asked for name in (run.summary.get("listed_by") or {})})
        if source not in known:
            raise InputError(f"no run knows the source {source!r}{near(source, known)}: there are {', '.join(known)}")
    changes = pl.concat([_changes(run) for run in asked])
    of_listing = _of_listing(hits)
    for name, counted in _counted(job, hits, changes, asked, first, last).items():
        of_listing = of_listing.join(counted.rename({"accounts": name}), on="listing_id", how="left")
    counts = [pl.col(name).fill_null(0) for name in _COUNTS]
    told = of_listing.with_columns(counts).with_columns(_value(job, source, form, of_listing))
    return told.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()).sort("listing_id")


def _hits(run: Finished, source: str) -> pl.DataFrame:
    """The source's hits of a night, exempt ones too, with its day."""
    mine = run.table("hits").filter(pl.col("source") == source)
    columns = ["account_id", "listing_id", "kind", "value", "reason", "severity", "listed_on", "reference", "holder"]
    return mine.select(pl.col("account_id").cast(pl.String), *columns[1:], day=pl.lit(run.as_of)).collect()


def _changes(run: Finished) -> pl.DataFrame:
    """What became of flags in a night."""
    columns = ["change", "action", "action_before", "decided_by", "decided_by_before", "handed_out", "undo"]
    return run.table("changes").select(pl.col("account_id").cast(pl.String), *columns, day=pl.lit(run.as_of)).collect()


def _of_listing(hits: pl.DataFrame) -> pl.DataFrame:
    """What is known of each listing, as the newest night has it, and who holds its value."""
    newest = hits.sort("day", "account_id").group_by("listing_id", maintain_order=True)
    said = newest.agg(pl.col("reference", "kind", "value", "reason", "severity", "listed_on").last())
    days = hits.group_by("listing_id").agg(
        first_hit=pl.col("day").min(), last_hit=pl.col("day").max(), hits=pl.col("account_id").n_unique()
    )
    last = hits.sort("day").unique(["listing_id", "account_id"], keep="last", maintain_order=True)
    holders = last.group_by("listing_id").agg(
        (pl.col("holder") == name).sum().alias(f"holder_{name}") for name in schema.HOLDERS.categories
    )
    return said.join(days, on="listing_id").join(holders, on="listing_id")


def _counted(
    job: Job, hits: pl.DataFrame, changes: pl.DataFrame, nights: list[Finished], first: date, last: date
) -> dict[str, pl.DataFrame]:
    """By what is counted: listing_id, and accounts or the strongest action."""
    mine = hits.select("listing_id").unique()
    told = changes.filter(pl.col("change").is_in(["new", "escalated"])).join(
        mine, left_on="decided_by", right_on="listing_id", how="semi"
    )
    told = told.rename({"decided_by": "listing_id"})
    freed = changes.filter(pl.col("undo").is_not_null() & pl.col("change").is_in(["released", "eased"])).join(
        mine, left_on="decided_by_before", right_on="listing_id", how="semi"
    )
    freed = freed.rename({"decided_by_before": "listing_id"})
    stands = changes.filter(pl.col("decided_by").is_not_null()).rename({"decided_by": "listing_id"})
    if "applied" in job.files:
        file = job.on(nights[-1].as_of).files["applied"]
        done = read_applied(str(file), job.timezone).filter(pl.col("applied_on").is_between(first, last))
        applied = stands.join(done.select("account_id").unique(), on="account_id", how="semi")
    else:
        applied = stands.filter(pl.col("handed_out") > "none")
    judged = appeals.feedback(job.output).filter(pl.col("as_of").is_between(first, last))
    strongest = told.group_by("listing_id").agg(accounts=pl.col("action").max())
    return {
        "told": _accounts(told),
        "strongest": strongest,
        "applied": _accounts(applied.join(mine, on="listing_id", how="semi")),
        "released": _accounts(freed),
        "lifted": _accounts(freed.filter(pl.col("undo") == "lift")),
        "upheld": _accounts(judged.filter(pl.col("verdict") == "upheld")),
        "rejected": _accounts(judged.filter(pl.col("verdict") == "rejected")),
    }


def _accounts(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("listing_id").agg(accounts=pl.col("account_id").n_unique())


def _value(job: Job, source: str, form: str, listings: pl.DataFrame) -> pl.Expr:
    """The column `value` as it may be told."""
    if form == "masked":
        return masked(pl.col("value")).alias("value")
    if job.token_key is None:
        raise ConfigError("tokens need a key: the job names none under [tokens]")
    if job.store is None:
        raise ConfigError("tokens are made of what the store lists, and the job reads plain files: say masked")
    stored = Store(job.store).listings().filter(pl.col("source") == source)
    stored = stored.filter(pl.col("listing_id").is_in(listings["listing_id"].implode()))
    rows = shown(stored.collect(), "token", job.token_key)
    known = dict(rows.filter(pl.col("match") == "token").select("listing_id", "value").rows())
    return pl.col("listing_id").replace_strict(known, default=None, return_dtype=pl.String).alias("value")
