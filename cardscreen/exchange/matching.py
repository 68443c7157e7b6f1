"""Which accounts carry what the other side named by tokens: the ordinary screening, with the tokens as listings."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.exchange.agreement import Agreement
from cardscreen.exchange.choosing import identifiers_of, kinds_of
from cardscreen.exchange.reading import Reading
from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.files import claim, write_whole
from cardscreen.foundation.settings.toml import names_day
from cardscreen.kinds.masking import masked
from cardscreen.kinds.tokens import TokenKey, token_by_kind
from cardscreen.lists.blocklist import Blocklist
from cardscreen.lists.store.table import Store
from cardscreen.policy.policy import Policy
from cardscreen.runs.engines import screened
from cardscreen.runs.job import Job
from cardscreen.screening.columns import still_unmasked
from cardscreen.tables.paths import files_of
from cardscreen.tables.writing import check, write

#: What a person, or another program, is told of a match; of the value only a mask.
MATCHES = ["account_id", "identifier", "kind", "value"]
#: An account can't carry so many values.
_ALL_HITS = 1_000_000
_FEED = """# How to take in the matches of {day} with {other}:
#   cardscreen list import {name} --feed {feed} --store {store}
source = {source}
mode = "delta"
timezone = {timezone}
severity = {severity}
columns = {{ value = "value", kind = "kind", reason = "reason", listed_on = "listed_on", expires_on = "expires_on", \
reference = "reference" }}

[terms]
{terms}
"""


@dataclass(frozen=True)
class Matched:
    """What was found in the accounts, and what was read of them.

    Attributes:
        table: account_id, identifier, kind, value (masked), token: one row for each account, identifier and token.
        reading: What was read.
    """

    table: pl.DataFrame
    reading: Reading


def readable(agreement: Agreement, job: Job, key: TokenKey) -> Reading:
    """What can be read of the accounts; see `matched`."""
    return matched(agreement, job, pl.DataFrame(schema={"kind": pl.String, "token": pl.String}), key).reading


def matched(agreement: Agreement, job: Job, tokens: pl.DataFrame, key: TokenKey) -> Matched:
    """Which accounts carry what.

    Args:
        agreement: Says which kinds.
        job: Whose accounts.
        tokens: kind, token, of one kind each once.
        key: Under which they were made.

    Raises:
        InputError: There are no accounts, or what can be read of them is past the job's limits.
    """
    kinds, day = kinds_of(agreement, job), job.today()
    listed = tokens.filter(pl.col("kind").is_in([kind.name for kind in kinds.values()])).with_row_index("reference")
    named = listed.select("kind", pl.col("reference").cast(pl.String), value="token")
    narrow = replace(
        job.on(day),
        identifiers=kinds,
        carry=[],
        unmasked=still_unmasked(job.unmasked, job.account_id, kinds),
        policy=Policy(),
        shown="masked",
        tokens=[key],
        limits=job.limits.model_copy(update={"flagged_share": 1.0, "hits_per_account": _ALL_HITS}),
    )
    if named.is_empty():
        named = pl.DataFrame(schema={"kind": pl.String, "reference": pl.String, "value": pl.String})
    result = screened(narrow, Blocklist.from_frame(named), day, None, None, lambda _: None)
    reading = Reading.of(job.on(day), kinds, result)
    told = result.hits.select("account_id", "identifier", "kind", masked(pl.col("value")), "reference").unique()
    by_number = listed.select(pl.col("reference").cast(pl.String), "token").lazy()
    table = told.join(by_number, on="reference").drop("reference").sort(*MATCHES, "token").collect()
    return Matched(table, reading)


def write_matches(table: pl.DataFrame, out: Path, *, force: bool) -> None:
    """Write who matches: `MATCHES`, to a .csv or .parquet file."""
    write(table.select(MATCHES).unique().sort(MATCHES), out, force=force)


def read_by(agreement: Agreement, job: Job | None = None) -> list[str | Path]:
    """What an exchange reads, and never writes over."""
    said = [agreement.said.key, *([agreement.said.own_key] if agreement.said.own_key else [])]
    keys = [agreement.file.parent / key.file for key in said if key.file is not None]
    if job is None:
        return [agreement.file, *keys]
    accounts = [] if job.place or job.cluster or names_day(job.accounts) else files_of(job.accounts)
    return [agreement.file, *keys, *job.files.values(), *accounts]


def check_feed(agreement: Agreement, job: Job, other: str, out: Path | None, inputs: Sequence[str | Path]) -> None:
    """Refuse, before anything is done, a feed that could not be written; what is there is not asked.

    Raises:
        ConfigError: Says why; or the job has none of the agreement's kinds.
    """
    if out is None:
        return
    if out.suffix != ".parquet":
        raise ConfigError(f"{out}: name a file ending in .parquet for the feed")
    check(out, inputs, force=True)
    claim(feed_of(out), inputs, force=True)
    source = agreement.source_of(other)
    if job.store is not None and (store := Store(job.store)).exists():
        origin = store.at().record.origins.get(source)
        if origin is not None and not origin.terms.derived:
            raise ConfigError(
                f"{job.store} has a list of {source!r} already, which the matches would take over, terms and all: say "
                f'listed_as = "{source} matches" in the agreement'
            )
    secret = [kind.name for kind in kinds_of(agreement, job).values() if kind.secret]
    if secret and job.token_key is None:
        raise ConfigError(
            f"matches of the kind {secret[0]} are listed as tokens only: give the job a key, under [tokens]"
        )


def write_feed(agreement: Agreement, job: Job, table: pl.DataFrame, key: TokenKey, other: str, out: Path) -> None:
    """Write the matches as a list for this side's own store, and beside it how to read that.

    Values stand there as tokens under the job's own key where it has one; where it has none, as the store would hold
    them.

    Args:
        agreement: The agreement.
        job: The job.
        table: Of `Matched`.
        key: As was given to it.
        other: The other party: the source.
        out: A .parquet file, as `check_feed` has let it.
    """
    day, said, own = job.today(), agreement.said, job.token_key
    values = identifiers_of(agreement, job.on(day), day, table["account_id"].unique()).select("kind", "number").unique()
    kind, number = pl.col("kind"), pl.col("number")
    named = values.filter(token_by_kind(kind, number, key).is_in(table["token"].unique().implode()))
    last = min(said.valid_until, day + timedelta(days=said.listed_for_days))
    rows = named.select(
        "kind",
        value=number if own is None else token_by_kind(kind, number, own),
        reason=pl.lit(schema.NAMED),
        listed_on=pl.lit(day),
        expires_on=pl.lit(max(last, day)),  # where the job is, an agreement's last day may be over already
        reference=pl.lit(agreement.id),
    )
    write(rows.sort("kind", "value"), out, force=True)
    write_whole(
        feed_of(out), lambda part: part.write_text(_described(agreement, job, day, other, out), encoding="utf-8")
    )


def of_feed(feed: Path | None, job: Job) -> dict[str, Any]:
    """What the ledger keeps of a feed."""
    return {} if feed is None else {"feed": str(feed.absolute()), "store": job.store}


def files_with(out: Path, feed: Path | None) -> list[Path]:
    """What a step writes, with a feed or without."""
    return [out] if feed is None else [out, feed, feed_of(feed)]


def feed_of(out: Path) -> Path:
    """Where it is described how to read a feed."""
    return out.with_suffix(".toml")


def _described(agreement: Agreement, job: Job, day: date, other: str, out: Path) -> str:
    texts = agreement.terms().model_dump(exclude_none=True, exclude_defaults=True)
    terms = "\n".join(f"{name} = {_toml(value)}" for name, value in texts.items())
    return _FEED.format(
        day=day,
        other=other,
        name=out.name,
        feed=feed_of(out).name,
        store=shlex.quote(job.store or "lists"),
        source=_toml(agreement.source_of(other)),
        timezone=_toml(job.timezone),
        severity=agreement.said.severity,
        terms=terms,
    )


def _toml(value: object) -> str:
    """A text or truth as TOML says it, which is as JSON does."""
    return json.dumps(value, ensure_ascii=False)
