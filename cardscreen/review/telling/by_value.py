"""Asked by a number instead of an account: who was flagged for it in a run, who carries it, and which lists have it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.kinds.kind import KINDS, Kind, kind_from_options, may_hide_digits
from cardscreen.kinds.phone.kind import Phone
from cardscreen.kinds.tokens import TokenKey, token_by_kind
from cardscreen.kinds.truncated import either_reading
from cardscreen.lists.blocklist import Blocklist, holds
from cardscreen.lists.store import views
from cardscreen.lists.store.table import Store
from cardscreen.policy.policy import Policy
from cardscreen.review.find import looking_into
from cardscreen.review.inputs import job_of
from cardscreen.review.integrity import changed_inputs
from cardscreen.runs.engines import screened
from cardscreen.runs.record import Finished
from cardscreen.screening.columns import still_unmasked
from cardscreen.screening.hits.evidence import evidence, near_in

_VALUE = {"value": pl.String}
_KIND_AND_VALUE = {"kind": pl.String, "value": pl.String}


@dataclass(frozen=True)
class Asked:
    """A value that is asked about.

    Attributes:
        kind: Its kind.
        value: The value, canonical.
        shown: What of it may be seen.
        status: How it was read.
    """

    kind: str
    value: str
    shown: str
    status: str


def read(cell: str, kinds: Sequence[Kind]) -> list[Asked]:
    """What a text may be, read as by each of some kinds; each value once."""
    asked = dict[tuple[str, str], Asked]()
    frame = pl.DataFrame({"value": [cell]}, schema=_VALUE)
    for kind in kinds:
        parts = kind.split(pl.col("value"))
        cells = frame if parts is None else frame.select(parts).explode("value")
        value = pl.col("value")
        read_as = cells.select(kind.read(value).alias("read")).unnest("read").drop_nulls("value")
        each = read_as.select(pl.concat_list(value, *either_reading(value)), "status").explode("value")
        for canonical, shown, status in each.select(value, kind.show(value).alias("shown"), "status").rows():
            asked.setdefault((kind.name, canonical), Asked(kind.name, canonical, shown, status))
    return list(asked.values())


def is_claimed(cell: str, kind: Kind) -> bool:
    """Whether a text is surely of a kind."""
    claimed: bool = pl.DataFrame({"value": [cell]}, schema=_VALUE).select(kind.claims(pl.col("value"))).item()
    return claimed


def kinds_of(run: Finished, cell: str, kind: str | None = None, region: str | None = None) -> list[Kind]:
    """The kinds as which a run's identifiers are read, or those of one kind; and others that surely claim a text.

    Args:
        run: The run.
        cell: The text.
        kind: One kind; None: all.
        region: Of national phone numbers; None: those of the run's own columns.

    Raises:
        ConfigError: An unknown kind or region.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"there is no kind {kind!r}: the kinds are {', '.join(KINDS)}")
    names = [kind] if kind else list(KINDS)
    own = [_plain(column, options) for column, options in run.records.get("identifiers", {}).items()]
    there = [each for each in own if each.name in names and region is None]
    others = [kind_from_options(name, {"kind": name} | _region(name, region)) for name in names]
    # Nearly any row of digits could be some kind's number that the run has not.
    return [*there, *(each for each in others if kind or each.name == Phone.name or is_claimed(cell, each))]


def _region(name: str, region: str | None) -> dict[str, str]:
    return {"region": region} if region is not None and name == Phone.name else {}


def _plain(column: str, options: dict[str, Any]) -> Kind:
    """The kind of a column without what only the accounts can tell."""
    others = {name: value for name, value in options.items() if name not in ("region_column", "many", "holder_since")}
    return kind_from_options(column, others)


def flagged_for(run: Finished, asked: Sequence[Asked]) -> pl.DataFrame:
    """The accounts that were found with a value in a run, or are carried along for it.

    Values of secret kinds are known to a run masked only: then it may be another value with the same mask.

    Returns:
        account_id (String), identifier, kind, value (as shown); each once, sorted.

    Raises:
        InputError: The run's tables are gone, or can't be read.
    """
    wanted = pl.DataFrame(_as_shown(run, asked), schema=["kind", "value"], orient="row")
    columns = [pl.col("account_id").cast(pl.String), "identifier", "kind", "value"]
    with looking_into(run):
        tables = [run.table("hits").select(columns)]
        if (run.folder / "carried.parquet").exists():
            tables.append(run.table("carried").select(columns))
        named = pl.concat(tables).join(wanted.lazy(), on=["kind", "value"], how="semi").unique()
        return named.sort("account_id", "identifier").collect()


def _as_shown(run: Finished, asked: Sequence[Asked]) -> list[tuple[str, str]]:
    """Kind and value as the run's tables hold them."""
    if run.shown_as == "masked":
        return [(each.kind, each.shown) for each in asked]
    if run.shown_as == "none":
        raise InputError(
            f"run {run.run_id} holds no identifiers (output.identifiers), so that it can't be asked by number: which "
            f"accounts carry it is told by cardscreen check {asked[0].kind} - --run {run.folder}"
        )
    keys = {f"token {key.id}": key for key in job_of(run).tokens}
    if run.shown_as not in keys:
        raise InputError(f"run {run.run_id} holds tokens under another key than those of its job")
    values = pl.DataFrame([(each.kind, each.value) for each in asked], schema=["kind", "value"], orient="row")
    tokens = values.select("kind", token_by_kind(pl.col("kind"), pl.col("value"), keys[run.shown_as]))
    return tokens.rows()


def carriers(run: Finished, asked: Sequence[Asked]) -> pl.DataFrame:
    """The accounts that carry a value, whether listed or not: the run's accounts are read again.

    Returns:
        account_id (String), identifier, match: `exact`, or `truncated` where what is hidden may be another's; sorted.

    Raises:
        InputError: The run was not made from a job, or its accounts are gone.
    """
    job = job_of(run)
    kinds = {each.kind for each in asked}
    identifiers = {column: kind for column, kind in job.identifiers.items() if kind.name in kinds}
    if not identifiers:
        raise InputError(f"run {run.run_id} has no column of this kind: its columns are {', '.join(job.identifiers)}")
    limits = job.limits.model_copy(update={"flagged_share": 1.0})
    shown = still_unmasked(job.unmasked, job.account_id, identifiers)
    job = replace(job, shown="masked")
    alone = replace(job, identifiers=identifiers, carry=[], unmasked=shown, policy=Policy(), tokens=[], limits=limits)
    values = [(each.kind, each.value) for each in asked]
    listed = Blocklist.from_frame(pl.DataFrame(values, schema=["kind", "value"], orient="row"))
    result = screened(alone, listed, run.as_of, None, None, lambda _: None)
    carrying = result.hits.select(pl.col("account_id").cast(pl.String), "identifier", "match").unique()
    return carrying.sort("account_id", "identifier").collect()


@dataclass(frozen=True)
class Listed:
    """What a store lists of a value.

    Attributes:
        store: The store.
        version: Its version.
        day: The day that is asked about.
        asked: The value, as screening looks it up; nothing where it would not.
        listings: list, source, reason, severity, listed_on, expires_on, reference, match, value (of a range, or of a
            number that hides digits, masked; never a token, which would stand beside the number's mask), listing_id.
        not_compared: Tokens in force of which nobody can say whether they are of this value.
    """

    store: str
    version: int
    day: date
    asked: Sequence[Asked]
    listings: pl.DataFrame
    not_compared: int

    def summary(self) -> dict[str, Any]:
        """The same for a machine; `listings` is null where the value was not looked up."""
        return {
            "store": {"path": self.store, "version": self.version},
            "as_of": self.day.isoformat(),
            "listings": self.listings.to_dicts() if self.asked else None,
            "not_compared": self.not_compared,
        }


def listed_in(store: Store, asked: Sequence[Asked], day: date, key: TokenKey | None = None) -> Listed:
    """The listings of a store that cover a value on a day, block and allow, as screening finds them.

    Args:
        store: The store.
        asked: What `read` gave.
        day: The day.
        key: The secret under which the store's tokens are.

    Raises:
        InputError: There is no such store, or it can't be read.
    """
    keys = [key] if key else []
    version = store.at().number
    in_force = store.blocklist(version).lazy.filter(holds(day))
    values = pl.DataFrame([(each.kind, each.value) for each in asked], schema=_KIND_AND_VALUE, orient="row")
    found = evidence(values, near_in(in_force), keys).sort("match").unique("listing_id", keep="first")
    found = found.select("listing_id", "match")
    rows = in_force.filter(pl.col("listing_id").is_in(found["listing_id"].implode())).collect()
    covers = pl.when(pl.col("match").is_in(["range", "truncated"])).then("value")
    listings = views.shown(rows).with_columns(value=covers).drop("match").join(found, on="listing_id")
    is_open = values.select(may_hide_digits(pl.col("kind"), pl.col("value"))).to_series()
    ids = [] if is_open.all() else [each.id for each in keys]
    tokens = in_force.filter((pl.col("match") == "token") & pl.col("kind").is_in(values["kind"].implode()))
    return Listed(
        store.path,
        version,
        day,
        asked,
        listings.sort("list", "source", "listing_id", descending=[True, False, False]).select(_LISTED),
        views.count(tokens.filter(~pl.col("value").str.head(8).is_in(ids))),
    )


_LISTED = [
    *("list", "source", "reason", "severity", "listed_on", "expires_on"),
    *("reference", "match", "value", "listing_id"),
]


def changed_since(run: Finished) -> Iterator[str]:
    """What of the accounts is not as the run read it, each in a sentence."""
    accounts = {run.located(each["path"]) for each in run.records["inputs"]["accounts"]}
    return (fault for fault in changed_inputs(run) if any(fault.startswith(path) for path in accounts))
