"""Customers behind flagged accounts, and customers who have more than a limit allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.words.languages import Language
from cardscreen.kinds.tokens import TokenKey
from cardscreen.leads.base.base import Base
from cardscreen.leads.base.wanted import Crowd, Wanted, values_in
from cardscreen.leads.proposals import as_proposals, as_told, typed
from cardscreen.leads.rings.find import DROPPED, masked
from cardscreen.leads.settings import CustomerLimit, CustomerSettings
from cardscreen.screening.columns import AccountColumns
from cardscreen.tables.cells import in_plain, shape, words_in_plain
from cardscreen.tables.dates import is_bad_date, is_dateable, to_date
from cardscreen.tables.opening import require_columns

LIFTED = "flagged_account"


def columns_of(settings: CustomerSettings) -> list[str]:
    """Account columns that are read beside the identifiers."""
    names = [name for limit in settings.limits for name in (*limit.per, *limit.exempt, *filter(None, [limit.opened]))]
    return list(dict.fromkeys(names))


@dataclass(frozen=True)
class Customers:
    """Who is proposed.

    Attributes:
        table: `schema.CUSTOMERS`.
        proposals: `schema.PROPOSALS`.
        accounts: reference, account: the flagged accounts on which proposals rest.
        dropped: `DROPPED`: those who have too many accounts to be one customer, and are not proposed.
        crowds: References that they would have.
    """

    table: pl.DataFrame
    proposals: pl.DataFrame
    accounts: pl.DataFrame
    dropped: pl.DataFrame
    crowds: pl.Series


def find_customers(
    base: Base, flagged: pl.Series, settings: CustomerSettings, key: TokenKey | None, day: date, language: Language
) -> Customers:
    """Customers who have a flagged account, or more than a limit allows.

    Args:
        base: The accounts; the customers' column and those of the limits are among its identifiers, and `columns_of`
            are carried.
        flagged: The accounts that an outside source's hits flag with an action of `lift`.
        settings: What is looked for.
        key: The key of tokens.
        day: The day of the run.
        language: In which it is said why.

    Raises:
        InputError: A column is not there, or holds no days.
    """
    require_columns(base.plan.schema.names(), columns_of(settings), "the accounts")
    for limit in settings.limits:
        if limit.opened is not None and not is_dateable(base.plan.schema[limit.opened]):
            raise InputError(f"the accounts: column {limit.opened!r} holds no days: give dates, or text as YYYY-MM-DD")
    search = _Search(base, flagged, settings, language)
    found = [search.lifted(), *(search.over(limit, at) for at, limit in enumerate(settings.limits, 1))]
    together = pl.concat(found).sort("severity", "rank", "customer", descending=[True, False, False])
    everyone = together.group_by("customer", maintain_order=True).agg(
        pl.col("reason", "accounts", "listed", "count", "severity").first(),
        pl.col("why").str.join(language.joined("", "")),
    )
    # As of values that link, what too many carry is nobody's own, such as a name for all who walk in.
    crowded = pl.col("accounts") > settings.max_accounts
    one = everyone.filter(~crowded)
    kind = base.plan.identifiers[settings.column].name
    proposals = as_proposals(
        one.select(
            source=pl.lit(settings.source),
            kind=pl.lit(kind),
            value="customer",
            reason="reason",
            severity="severity",
            first_on=pl.lit(day),
            last_on=pl.lit(day),
            accounts="accounts",
            listed="listed",
            weight=pl.max_horizontal("listed", "count"),
            why="why",
        ),
        key,
    ).with_columns(reference=pl.col("value"))
    table = one.with_columns(value=pl.col("customer"), kind=pl.lit(kind))
    resting = search.resting.join(one, on="customer", how="semi").select(
        kind=pl.lit(kind), value="customer", account="account"
    )
    crowds = everyone.filter(crowded).select(
        identifier=pl.lit(settings.column),
        kind=pl.lit(kind),
        value="customer",
        why=pl.lit("customer", dtype=DROPPED["why"]),
        more_than=pl.lit(settings.max_accounts, dtype=DROPPED["more_than"]),
    )
    return Customers(
        table.with_columns(as_told(table, key).alias("customer")).select(typed(schema.CUSTOMERS)).sort("customer"),
        proposals,
        resting.unique().select(as_told(resting, key).alias("reference"), "account").sort("reference", "account"),
        masked(crowds).sort("identifier", "value"),
        crowds.select(as_told(crowds, key)).to_series(),
    )


@dataclass(frozen=True)
class _Search:
    """The rows of customers who may be proposed."""

    base: Base
    flagged: pl.Series
    settings: CustomerSettings
    language: Language

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The rows of customers with a flagged account, and of those who may be above a limit."""
        column, limits, plan = self.settings.column, self.settings.limits, self.base.plan
        kind, wanted, crowd = plan.identifiers[column], {}, None
        if len(self.flagged):
            own = pl.concat(self.base.rows(Wanted(self.flagged)))
            customers = values_in(own, plan).filter(pl.col("identifier") == column)
            keys = customers.select(kind.key(pl.col("value")).alias("key"))["key"].unique().sort()
            wanted = {kind.name: keys.to_numpy()}
        if limits:
            counted = list(dict.fromkeys(limit.identifier for limit in limits))
            crowd = Crowd(column, self.base.crowded(column, counted, min(limit.above for limit in limits)))
        return pl.concat(self.base.rows(Wanted(None, wanted, crowd)))

    @cached_property
    def values(self) -> pl.DataFrame:
        """row, identifier, value of these rows."""
        return values_in(self.rows, self.base.plan).select("row", "identifier", "value").unique()

    @cached_property
    def customers(self) -> pl.DataFrame:
        """row, customer, account, listed (Boolean)."""
        named = self.values.filter(pl.col("identifier") == self.settings.column).select("row", customer="value")
        account = self.rows[self.base.plan.account_id].gather(named["row"]).alias("account")
        return named.with_columns(account).with_columns(listed=pl.col("account").is_in(self.flagged.implode()))

    @cached_property
    def resting(self) -> pl.DataFrame:
        """customer, account: flagged accounts."""
        return self.customers.filter("listed").select("customer", "account").unique()

    def lifted(self) -> pl.DataFrame:
        """The customers with a flagged account, as `_found` gives them."""
        of_customer = self._counted().filter(pl.col("listed") > 0)
        say = self.language.say
        actions = ", ".join(self.settings.lift)
        why = [
            say(
                "Flagged by other sources ({actions}): {listed:,} of the customer's {accounts:,} accounts.",
                listed=listed,
                accounts=accounts,
                actions=actions,
            )
            for listed, accounts in of_customer.select("listed", "accounts").rows()
        ]
        return self._found(of_customer, LIFTED, self.settings.severity, 0, why)

    def over(self, limit: CustomerLimit, rank: int) -> pl.DataFrame:
        """The customers with more values than a limit allows, as `_found` gives them."""
        counts = self._counts(limit)
        per = list(dict.fromkeys(limit.per))
        grouped = counts.group_by("customer", *(f"per_{name}" for name in per)).agg(count=pl.col("value").n_unique())
        above = grouped.filter(pl.col("count") > limit.above).group_by("customer").agg(pl.col("count").max())
        of_customer = above.join(self._counted(), on="customer")
        why = [self._above(limit, values) for values in of_customer["count"]]
        return self._found(of_customer, limit.reason, limit.severity, rank, why)

    def _above(self, limit: CustomerLimit, values: int) -> str:
        many, per = self.language.many, ", ".join(dict.fromkeys(limit.per))
        if per:
            return many(
                "The customer has {values:,} different values of {identifier} of one {per}; {count:,} is allowed.",
                "The customer has {values:,} different values of {identifier} of one {per}; {count:,} are allowed.",
                limit.above,
                values=values,
                identifier=limit.identifier,
                per=per,
            )
        return many(
            "The customer has {values:,} different values of {identifier}; {count:,} is allowed.",
            "The customer has {values:,} different values of {identifier}; {count:,} are allowed.",
            limit.above,
            values=values,
            identifier=limit.identifier,
        )

    def _counts(self, limit: CustomerLimit) -> pl.DataFrame:
        """customer, value and the columns that a limit counts by, of the rows that it counts."""
        rows, plan = self.rows.with_row_index("row"), self.base.plan
        counted = pl.lit(value=True)
        for column, exempt in limit.exempt.items():
            counted &= ~in_plain(pl.col(column)).is_in(words_in_plain(exempt)).fill_null(value=False)
        if limit.opened is not None and limit.since is not None:
            dtype = plan.schema[limit.opened]
            _check_days(rows, limit.opened, plan)
            # A day that nobody knows counts for the customer.
            opened = to_date(pl.col(limit.opened), dtype, plan.date_format, plan.zone)
            counted &= (opened >= limit.since).fill_null(value=False)
        by = {f"per_{name}": pl.col(name) for name in limit.per}
        kept = rows.filter(counted).select("row", **by)
        values = self.values.filter(pl.col("identifier") == limit.identifier).select("row", "value")
        return kept.join(values, on="row").join(self.customers.select("row", "customer"), on="row")

    def _counted(self) -> pl.DataFrame:
        return self.customers.group_by("customer").agg(
            accounts=pl.col("account").n_unique(), listed=pl.col("account").filter(pl.col("listed")).n_unique()
        )

    @staticmethod
    def _found(customers: pl.DataFrame, reason: str, severity: int, rank: int, why: list[str]) -> pl.DataFrame:
        """customer, accounts, listed, count, reason, severity, rank (of equals the first decides), why."""
        if "count" not in customers.columns:
            customers = customers.with_columns(count=pl.lit(None))
        return customers.select(
            "customer",
            pl.col("accounts", "listed", "count").cast(pl.UInt32),
            reason=pl.lit(reason),
            severity=pl.lit(severity, dtype=pl.UInt8),
            rank=pl.lit(rank),
            why=pl.Series(why, dtype=pl.String),
        )


def _check_days(rows: pl.DataFrame, column: str, plan: AccountColumns) -> None:
    bad = rows.filter(is_bad_date(pl.col(column), plan.schema[column], plan.date_format, plan.zone))
    if len(bad):
        looks = bad.select(shape(pl.col(column).cast(pl.String))).item(0, 0)
        raise InputError(
            f"the accounts: column {column!r} has {len(bad):,} cells that are no days, such as {looks}: write "
            "YYYY-MM-DD, or say date_format under [accounts] of the job"
        )
