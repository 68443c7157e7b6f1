"""What a screening is asked: as it was said, and checked before any account is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.metadata import version
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.settings.toml import known_format
from cardscreen.kinds.kind import Kind
from cardscreen.kinds.tokens import TokenKey
from cardscreen.lists.blocklist import Blocklist, holds
from cardscreen.policy.parts import PolicyParts
from cardscreen.policy.policy import Policy
from cardscreen.screening.columns import AccountColumns, names_in
from cardscreen.screening.hits.evidence import check_token_keys
from cardscreen.screening.hits.matches import HITS_PER_ACCOUNT
from cardscreen.screening.result import Result
from cardscreen.tables.dates import is_bad_date, is_dateable, to_date, to_day
from cardscreen.tables.opening import open_table, require_columns, schema_of

_LAST_YEAR = 9000  # days of grace must not leave the calendar


@dataclass(frozen=True)
class Options:
    """What the arguments of `screen` say, whichever engine is to answer; see there."""

    identifiers: Mapping[str, Kind]
    account_id: str = "account_id"
    carry: Sequence[str] = ()
    unmasked: Sequence[str] = ()
    policy: Policy | PolicyParts | str | Path | None = None
    as_of: date | str | None = None
    tokens: TokenKey | Sequence[TokenKey] | None = None
    date_format: str | None = None
    hits_per_account: int = HITS_PER_ACCOUNT
    shown: schema.Shown = "masked"
    zone: str | None = None  # of a job; a caller in Python says which day it is himself


@dataclass(frozen=True)
class Question:
    """What a screening is asked, checked before any account is read.

    Attributes:
        plan: The accounts' columns.
        rules: The policy, under the sources' terms.
        day: The day that is asked about.
        listings: `schema.LISTING`: those that hold on that day.
        token_keys: The keys of token listings.
        most_hits: How many hits of an account are kept.
    """

    plan: AccountColumns
    rules: Policy
    day: date
    listings: pl.LazyFrame
    token_keys: list[TokenKey]
    most_hits: int

    @classmethod
    def of(cls, columns: pl.Schema, blocklist: Blocklist, options: Options) -> Question:
        """The question that is put to accounts with these columns.

        Raises:
            ConfigError: Options that make no sense.
            InputError: A column that is not there, or can't hold what it should.
        """
        if not isinstance(options.identifiers, Mapping):
            raise ConfigError(
                'identifiers names account columns and their kinds: {"mobile": Phone("CN"), "card_no": Card()}'
            )
        if not isinstance(blocklist, Blocklist):
            raise ConfigError("the blocklist is no Blocklist: make one with Blocklist.read(path) or from_frame(frame)")
        day = to_day(date.today() if options.as_of is None else options.as_of)
        if day.year > _LAST_YEAR:
            raise ConfigError(f"{day} is too far ahead")
        rules = _policy(options.policy).under({name: origin.terms for name, origin in blocklist.origins.items()})
        if options.date_format is not None:
            _check_format(options.date_format)
        if not isinstance(options.hits_per_account, Integral) or options.hits_per_account < 1:
            raise ConfigError(f"hits_per_account is {options.hits_per_account}: give a whole number, 1 or more")
        plan = AccountColumns.of(
            columns,
            options.identifiers,
            options.account_id,
            names_in(options.carry),
            rules,
            names_in(options.unmasked),
            options.date_format,
            options.shown,
            options.zone,
        )
        listings = blocklist.lazy.filter(holds(day))
        keys = _token_keys(options.tokens)
        check_token_keys(listings, blocklist.compiled, keys)
        if options.shown == "token" and not keys:
            raise ConfigError("identifiers are to be shown as tokens, and there is no key to make them")
        return cls(plan, rules, day, listings, keys, options.hits_per_account)


def check_share(flagged_share: float) -> None:
    """Refuse a share that is none.

    Raises:
        ConfigError: Says what one is.
    """
    if not isinstance(flagged_share, Real) or not 0 <= flagged_share <= 1:
        raise ConfigError(f"flagged_share is {flagged_share}: give a share of the rows, 0 to 1")


def _token_keys(tokens: TokenKey | Sequence[TokenKey] | None) -> list[TokenKey]:
    keys = [tokens] if isinstance(tokens, TokenKey) else [] if tokens is None else tokens
    if not isinstance(keys, (list, tuple)) or not all(isinstance(key, TokenKey) for key in keys):
        raise ConfigError("tokens is no TokenKey: make one with TokenKey.from_file(path) or TokenKey.from_env(name)")
    return list(keys)


def _check_format(form: str) -> None:
    try:
        known_format(form)
    except ValueError as error:
        raise ConfigError(f"date_format: {error}") from None


def _policy(policy: Policy | PolicyParts | str | Path | None) -> Policy:
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, (str, Path)):
        return Policy.read(policy)
    if policy is not None and not isinstance(policy, Mapping):
        raise ConfigError(f"policy is of type {type(policy).__name__}: give a Policy, its settings or a path")
    return Policy(**(policy or {}))


def previous_flags(previous: Any, account_type: pl.DataType) -> pl.DataFrame | None:
    """The flagged frame of the night before: account_id, action, flagged_since, act_on; each account once."""
    if previous is None:
        return None
    if isinstance(previous, Result):
        previous = previous.flagged
    if isinstance(previous, (str, Path)) and Path(previous).is_dir():
        changes = Path(previous) / "changes.parquet"  # knows the carried flags too
        previous = changes if changes.exists() else Path(previous) / "flagged.parquet"
    table, where = open_table(previous), "the previous flags"
    types = schema_of(table, where)
    days = ["flagged_since", "act_on"]
    require_columns(types.names(), ["account_id", "action", *days], where)
    for name in days:
        if not is_dateable(types[name]):
            raise InputError(f"{where}: column {name!r} has type {types[name]}, not dates")
    read = table.select(
        pl.col("account_id").cast(account_type, strict=False),
        pl.col("action").cast(pl.String).cast(schema.ACTIONS, strict=False),
        *(to_date(pl.col(name), types[name]).alias(name) for name in days),
        bad=pl.any_horizontal(is_bad_date(pl.col(name), types[name]) for name in days),
    ).collect()
    if not read.filter(pl.col("bad") | pl.col("action").is_null()).is_empty():
        raise InputError(f"{where}: an action or a day there is none: give the `flagged` frame of an earlier screening")
    return read.drop("bad").unique("account_id", keep="first", maintain_order=True)


@cache
def versions() -> Mapping[str, str]:
    """The versions of what decides about a result."""
    return {name: version(name) for name in ("cardscreen", "phonenumbers", "polars")}
