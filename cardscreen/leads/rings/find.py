"""Rings: groups of accounts that share values, some of which an outside source lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.words.languages import Language, phrase
from cardscreen.kinds.kind import KINDS, Kind
from cardscreen.kinds.named.opaque import Opaque
from cardscreen.kinds.tokens import TokenKey
from cardscreen.leads.base.base import Base, LocalBase
from cardscreen.leads.proposals import as_proposals, as_told, typed
from cardscreen.leads.rings.components import components, named
from cardscreen.leads.rings.reach import reached
from cardscreen.lists.blocklist import Blocklist, holds
from cardscreen.policy.policy import Policy
from cardscreen.screening.columns import AccountColumns, check_names, names_in
from cardscreen.screening.hits.evidence import evidence, near_in
from cardscreen.tables.dates import to_day
from cardscreen.tables.opening import explaining, open_table, require_columns, schema_of
from cardscreen.tables.reading import Reading

SOURCE, REASON = "rings", "ring"
#: A value that links nobody although accounts carry it, or that is no customer: identifier, kind, value as results show
#: it, why, and the limit.
DROPPED = schema.Columns(
    {
        "identifier": (pl.String, "the column"),
        "kind": (pl.String, "what that holds"),
        "value": (pl.String, "the value, as results show it"),
        "why": (
            pl.Enum(["crowded", "allowed", "customer"]),
            "`crowded`: too many accounts carry it; `allowed`: an allow list covers it; `customer`: a customer of too "
            "many accounts, who is not proposed",
        ),
        "more_than": (pl.UInt32, "how many may carry it"),
    }
)
_VALUE = ["kind", "value"]
_WHY = phrase(
    "{listed:,} of its {accounts:,} accounts ({share:.0%}) are listed by other sources. What links them: {by}."
)
_CARRIED = phrase(
    "{accounts:,} accounts of ring {ring_id} carry it, {listed:,} of them listed; of the ring's {ring_accounts:,} "
    "accounts {ring_listed:,} are listed by other sources."
)
#: What is recorded of why, for who says it again in another language.
RECORDED = (_WHY, _CARRIED)
_FEWEST = 2  # accounts between which a link is


@dataclass(frozen=True)
class RingRules:
    """What makes a ring.

    Attributes:
        links: By column, how many accounts may carry a value that links.
        steps: How many links away from a listed account accounts are looked for.
        min_listed: Listed accounts that a ring has at least.
        min_share: Their least share of its accounts.
        max_accounts: A larger one is told, and proposes nothing.
        severity: Of what it proposes.
        source: For which it is proposed.
    """

    links: Mapping[str, int]
    steps: int = 2
    min_listed: int = 2
    min_share: float = 0.3
    max_accounts: int = 500
    severity: int = 50
    source: str = SOURCE

    def __post_init__(self) -> None:
        if not self.links:
            raise ConfigError("links names no column: give at least one, such as {'device': 10}")
        least = {"steps": 1, "min_listed": 1, "min_share": 0, "max_accounts": 2, "severity": 1}
        most = {"min_share": 1, "severity": 100}
        for name, smallest in least.items():
            value = getattr(self, name)
            if value < smallest or value > most.get(name, value):
                upper = f" to {most[name]}" if name in most else " or more"
                raise ConfigError(f"{name} is {value}: give {smallest}{upper}")
        for column, limit in self.links.items():
            if limit < _FEWEST:
                raise ConfigError(
                    f"links.{column} is {limit}: give the number of accounts that may share a value, 2 or more"
                )


@dataclass(frozen=True)
class Rings:
    """What hangs together, and what that proposes.

    Attributes:
        rings: `schema.RINGS`, those with most listed accounts first.
        members: `schema.MEMBERS`.
        proposals: `schema.PROPOSALS`: the values that at least two members carry, of rings that are not too large.
        links: `schema.LINKS`: the links by which they hang together; of card numbers and the like tokens.
        dropped: Values of reached accounts that link nobody: identifier, kind, value (masked), why (`crowded`: more
            accounts carry it than its column allows; `allowed`: an allow listing holds it), more_than (UInt32).
    """

    rings: pl.LazyFrame
    members: pl.LazyFrame
    proposals: pl.LazyFrame
    links: pl.LazyFrame
    dropped: pl.LazyFrame


def find_rings(
    accounts: Any,
    flagged_accounts: Any,
    links: Mapping[str, int],
    *,
    identifiers: Mapping[str, Kind] | None = None,
    account_id: str = "account_id",
    unmasked: Sequence[str] = (),
    steps: int = 2,
    min_listed: int = 2,
    min_share: float = 0.3,
    max_accounts: int = 500,
    severity: int = 50,
    blocklist: Blocklist | None = None,
    earlier: Rings | None = None,
    tokens: TokenKey | None = None,
    as_of: date | str | None = None,
    lang: str = "en",
) -> Rings:
    """Find the rings behind listed accounts.

    Args:
        accounts: As for `screen`.
        flagged_accounts: The accounts that outside sources list: a frame with a column `account_id`, such as the
            `flagged` of a result, or a Series or list of ids. Leave out those that only derived sources list.
        links: Account column → how many accounts may share a value of it that links them; more, and it is a
            switchboard's, a shop's or a shelter's.
        identifiers: Account column → its kind; a column that is not named there holds identifiers of your own.
        account_id: Column that names the account.
        unmasked: Those of these columns that may hold secret numbers or tokens, which results then show as they are;
            without it such a column is refused.
        steps: How many links away from a listed account accounts are looked for.
        min_listed: Listed accounts that a ring has at least.
        min_share: Their least share of its accounts, 0 to 1.
        max_accounts: A larger ring is told, and proposes nothing.
        severity: Of what is proposed, 1 to 100.
        blocklist: Lists, whose allow listings link nobody.
        earlier: What was found the time before; rings keep their names.
        tokens: The key under which card numbers and the like are proposed.
        as_of: The day, a date or YYYY-MM-DD; None: today.
        lang: In which it is said why.

    Returns:
        `Rings`.

    Raises:
        MissingColumn: A named column is not in the accounts.
        InputError: The accounts can't be read.
        ConfigError: Options that make no sense, links on card numbers and the like without a key, or card numbers in
            a column that results show as it is.

    Example:
        >>> accounts = pl.DataFrame({"account_id": ["a", "b", "c", "d"], "device": ["8F", "8F", "8F", "01"]})
        >>> found = find_rings(accounts, ["a", "b"], {"device": 10}, as_of="2026-11-28")
        >>> found.rings.select("accounts", "listed").collect().rows()
        [(3, 2)]
        >>> found.proposals.select("kind", "value", "accounts").collect().rows()
        [('opaque', 'device:8F', 3)]
    """
    check_names([account_id, *links])
    rules = RingRules(links, steps, min_listed, min_share, max_accounts, severity)
    day = to_day(date.today() if as_of is None else as_of)
    given = identifiers or {}
    kinds = {column: given[column] if column in given else _own(column) for column in links}
    check_secrets(kinds, tokens)
    with explaining(accounts, Reading()):
        table = open_table(accounts, marked=True)
        plan = AccountColumns.of(schema_of(table, "the accounts"), kinds, account_id, [], Policy(), names_in(unmasked))
        listed = _ids(flagged_accounts, plan.schema[account_id])
        before = None if earlier is None else earlier_members(earlier.rings, earlier.members)
        return rings_of(
            LocalBase(table, plan, looked_at=False),
            listed,
            rules,
            blocklist,
            before,
            [tokens] if tokens else [],
            day,
            Language(lang),
        )


def _own(column: str) -> Kind:
    """The kind of a column of identifiers of one's own."""
    name = re.sub("[^a-z0-9_]+", "_", column.lower()).strip("_")
    return Opaque(name if re.match("[a-z]", name) else f"id_{name}")


def check_secrets(kinds: Mapping[str, Kind], tokens: TokenKey | None) -> None:
    """Refuse links on what results never show in full, where there is no key for tokens.

    Raises:
        ConfigError: Names the column.
    """
    for column, kind in kinds.items():
        if kind.secret and tokens is None:
            raise ConfigError(
                f"{column!r} holds {kind.noun[1]}, which are proposed as tokens only, and there is no key: name one "
                "under [tokens] of the job (or tokens=…), or leave the column out"
            )


def _ids(flagged: Any, dtype: pl.DataType) -> pl.Series:
    if isinstance(flagged, pl.Series):
        ids = flagged
    elif isinstance(flagged, (list, tuple, set)):
        ids = pl.Series(sorted(flagged), dtype=None if flagged else dtype)
    else:
        frame = open_table(flagged)
        require_columns(schema_of(frame, "the flagged accounts").names(), ["account_id"], "the flagged accounts")
        ids = frame.select("account_id").collect().to_series()
    return ids.cast(dtype, strict=False).drop_nulls().unique()


def earlier_members(rings: pl.LazyFrame, members: pl.LazyFrame) -> pl.DataFrame:
    """The rings of the time before, as `components.named` takes them."""
    there = members.select("ring_id", account="account_id")
    return there.join(rings.select("ring_id", "first_found"), on="ring_id").collect()


def rings_of(
    base: Base,
    listed: pl.Series,
    rules: RingRules,
    blocklist: Blocklist | None,
    before: pl.DataFrame | None,
    keys: Sequence[TokenKey],
    day: date,
    language: Language,
) -> Rings:
    """The rings behind listed accounts; see `find_rings`. Tokens are made under the first key, and read under all."""
    carried = reached(base, listed, rules.links, rules.steps).with_columns(
        listed=pl.col("account").is_in(listed.implode())
    )
    allowed = allowed_among(carried.select(_VALUE).unique(), blocklist, day, keys)
    carried = carried.join(allowed.with_columns(allowed=True), on=_VALUE, how="left").with_columns(
        pl.col("allowed").fill_null(value=False)
    )
    shared = pl.col("account").n_unique().over(_VALUE) > 1
    links = carried.filter(pl.col("most").is_null() & ~pl.col("allowed")).filter(shared)
    of_account = components(links)
    sizes = links.join(of_account, on="account").select("component", "account", "listed", "steps").unique()
    counted = sizes.group_by("component").agg(accounts=pl.len(), listed=pl.col("listed").sum())
    share = pl.col("listed") / pl.col("accounts")
    rings = counted.with_columns(share=share).filter(
        (pl.col("listed") >= rules.min_listed) & (pl.col("share") >= rules.min_share)
    )
    of_account = of_account.join(rings, on="component", how="semi")
    dtype = base.plan.schema[base.plan.account_id]
    earlier = _NO_RINGS.with_columns(pl.lit(None, dtype=dtype).alias("account")) if before is None else before
    earlier = earlier.with_columns(pl.col("account").cast(dtype, strict=False))
    names = named(of_account, earlier, day)
    in_ring = of_account.join(names, on="component").join(rings, on="component", suffix="_ring")
    members = in_ring.select("account", "ring_id", "first_found", ring_accounts="accounts", ring_listed="listed")
    return _Shapes(rules, keys[0] if keys else None, day, language).rings(members, links, carried)


_NO_RINGS = pl.DataFrame(schema={"ring_id": pl.String, "first_found": pl.Date})


def allowed_among(
    values: pl.DataFrame, blocklist: Blocklist | None, day: date, keys: Sequence[TokenKey] = ()
) -> pl.DataFrame:
    """Of values (kind, value; or tokens of those), those that an allow listing holds on a day."""
    if blocklist is None:
        return values.clear()
    allow = blocklist.lazy.filter(holds(day) & (pl.col("list") == "allow"))
    covered = evidence(values, near_in(allow), keys).select(_VALUE)
    tokens = allow.filter(pl.col("match") == "token").select(_VALUE).collect()
    return pl.concat([covered, tokens]).unique()


@dataclass(frozen=True)
class _Shapes:
    """Makes the tables of rings."""

    rules: RingRules
    key: TokenKey | None
    day: date
    language: Language = field(default_factory=Language)

    def rings(self, members: pl.DataFrame, links: pl.DataFrame, carried: pl.DataFrame) -> Rings:
        """The tables.

        Args:
            members: account, ring_id, first_found, ring_accounts, ring_listed.
            links: account, steps, identifier, kind, value, listed: the links, of all accounts.
            carried: The same of all values, and `most` and `allowed`.
        """
        by_account = members.join(links, on="account")
        dropped = members.join(carried.filter(pl.col("most").is_not_null() | pl.col("allowed")), on="account")
        rings = self._rings(members, by_account, dropped)
        of_member = by_account.group_by("ring_id", "account").agg(
            pl.col("listed").first(), pl.col("steps").first(), links=pl.struct(_VALUE).n_unique()
        )
        table = of_member.rename({"account": "account_id"}).sort("ring_id", "steps", "account_id")
        proposals = self._proposals(by_account, rings)
        shown = by_account.select("ring_id", "account", "identifier", *_VALUE).unique()
        return Rings(
            rings.select(typed(schema.RINGS)).lazy(),
            table.select(typed(schema.MEMBERS, but="account_id")).lazy(),
            proposals.lazy(),
            shown.with_columns(as_told(shown, self.key))
            .rename({"account": "account_id"})
            .select(list(schema.LINKS))
            .sort("ring_id", "account_id", "identifier", "value")
            .lazy(),
            self._dropped(carried).lazy(),
        )

    def _rings(self, members: pl.DataFrame, by_account: pl.DataFrame, dropped: pl.DataFrame) -> pl.DataFrame:
        of_ring = members.group_by("ring_id").agg(pl.col("first_found", "ring_accounts", "ring_listed").first())
        values = by_account.group_by("ring_id", "identifier").agg(count=pl.struct(_VALUE).n_unique())
        counts = (
            values.sort("ring_id", "count", "identifier", descending=[False, True, False])
            .group_by("ring_id", maintain_order=True)
            .agg(pl.struct("identifier", "count").alias("by"))
        )
        links = by_account.group_by("ring_id").agg(links=pl.struct(_VALUE).n_unique())
        left = dropped.group_by("ring_id").agg(dropped_links=pl.struct(_VALUE).n_unique())
        rings = (
            of_ring.join(counts, on="ring_id")
            .join(links, on="ring_id")
            .join(left, on="ring_id", how="left")
            .rename({"ring_accounts": "accounts", "ring_listed": "listed"})
            .with_columns(pl.col("dropped_links").fill_null(0), share=pl.col("listed") / pl.col("accounts"))
            .with_columns(score=(pl.col("share") * 100).round())
            .sort("listed", "accounts", "ring_id", descending=[True, False, False])
        )
        return rings.with_columns(why=pl.Series([self._why(row) for row in rings.to_dicts()], dtype=pl.String))

    def _why(self, ring: Mapping[str, Any]) -> str:
        say = self.language.say
        by = ", ".join(f"{each['count']:,} {each['identifier']}" for each in ring["by"])
        told = say(_WHY, **{name: ring[name] for name in ("listed", "accounts", "share")}, by=by)
        if ring["accounts"] <= self.rules.max_accounts:
            return told
        large = say("It is larger than {most:,} accounts, so nothing of it is proposed.", most=self.rules.max_accounts)
        return self.language.joined(told, large)

    def _proposals(self, by_account: pl.DataFrame, rings: pl.DataFrame) -> pl.DataFrame:
        """A proposal for each value that at least two members carry."""
        say = self.language.say
        of_ring = rings.filter(pl.col("accounts") <= self.rules.max_accounts).select(
            "ring_id", "first_found", ring_accounts="accounts", ring_listed="listed"
        )
        distinct = by_account.select("ring_id", "account", "listed", *_VALUE).unique()
        values = (
            distinct.group_by("ring_id", *_VALUE)
            .agg(accounts=pl.len(), listed=pl.col("listed").sum())
            .filter(pl.col("accounts") > 1)
            .join(of_ring, on="ring_id")
        )
        rows = values.select("ring_id", "accounts", "listed", "ring_accounts", "ring_listed").to_dicts()
        why = [say(_CARRIED, **row) for row in rows]
        return as_proposals(
            values.with_columns(
                why=pl.Series(why, dtype=pl.String),
                source=pl.lit(self.rules.source),
                reason=pl.lit(REASON),
                severity=pl.lit(self.rules.severity),
                reference=pl.col("ring_id"),
                first_on=pl.col("first_found"),
                last_on=pl.lit(self.day),
                weight=pl.col("ring_listed"),
            ),
            self.key,
        )

    def _dropped(self, carried: pl.DataFrame) -> pl.DataFrame:
        crowded = pl.col("most").is_not_null()
        why = pl.when(crowded).then(pl.lit("crowded")).otherwise(pl.lit("allowed")).cast(DROPPED["why"])
        left = carried.filter(crowded | pl.col("allowed")).with_columns(why=why, more_than="most")
        shown = masked(left.select("identifier", *_VALUE, "why", "more_than").unique())
        return shown.select(list(DROPPED)).sort("identifier", "value")


def masked(values: pl.DataFrame) -> pl.DataFrame:
    """The same with values as results show them."""
    value = pl.col("value")
    for name in values["kind"].unique():
        value = pl.when(pl.col("kind") == name).then(KINDS[name]().show(pl.col("value"))).otherwise(value)
    return values.with_columns(value.alias("value"))
