"""Whose identifiers are asked about: accounts that the newest run flagged, chosen by a condition."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from cardscreen.exchange.agreement import Agreement
from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, InputError, near, without_numbers
from cardscreen.kinds.kind import Kind, whole_numbers
from cardscreen.leads.base.opening import newest_run, open_base
from cardscreen.leads.base.wanted import Wanted, values_in
from cardscreen.policy.rules import ACCOUNT
from cardscreen.runs.job import Job
from cardscreen.tables.cells import in_plain, words_in_plain
from cardscreen.tables.opening import explaining

#: What is asked about where nothing is said: accounts that a person must look at, or that something was done to.
WHERE = "action >= verify"
#: How old the run may be from which accounts are chosen: who was listed then may not be any more.
MOST_DAYS = 2
_PART = re.compile(r"([\w.]+)\s*(==|=|!=|>=|<=|>|<)\s*(?:'([^']*)'|\"([^\"]*)\"|(\S+))(?:\s+|$)")
_AND = re.compile(r"and\s+", re.IGNORECASE)
_ORDERED = {"action": schema.ACTIONS, "level": schema.LEVELS}
_LISTS = {"reason": "reasons", "source": "sources"}
_NUMBERS, _DAYS, _TEXTS = ("score", "hits"), ("flagged_since", "act_on", "first_listed_on"), ("decided_by",)


@dataclass(frozen=True)
class Chosen:
    """What is asked about.

    Attributes:
        values: As `identifiers_of`.
        day: The day of the run.
        accounts: How many accounts were chosen.
        theirs: How many were left out, since all that speaks against them came from the other side, or a partner.
        others: How many were left out, since all else that does was listed before their present holder.
        hidden: How many of the values hide digits: no token can be made of them, so that nothing is asked about them.
    """

    values: pl.DataFrame
    day: date
    accounts: int
    theirs: int
    others: int
    hidden: int

    @property
    def without(self) -> int:
        """How many of the chosen accounts carry no value that can be asked about."""
        return self.accounts - self.values["account_id"].n_unique()


def chosen(agreement: Agreement, job: Job, where: str, other: str) -> Chosen:
    """The identifiers of the accounts that a job's newest run flagged.

    Args:
        agreement: Says which kinds.
        job: The job.
        where: Which of the accounts; see `condition`.
        other: The other party. An account against which only its own lists speak is not asked about: its answer would
            count as news, and be its own word. Nor is one that only a partner has named: that is not ours to tell. Nor
            one against which all was listed before its present holder: that is somebody else, and a token can't say so.

    Raises:
        ConfigError: A condition that makes no sense, or a job without identifiers of the kinds.
        InputError: There is no recent run.
    """
    run = newest_run(job, "requests", MOST_DAYS, "days")
    job = job.on(run.as_of)
    flags = run.flags.select(pl.exclude("action_before", "decided_by_before"))
    more = pl.scan_parquet(run.folder / "flagged.parquet", glob=False)
    extra = ["level", "score", "reasons", "sources", "hits", "first_listed_on"]
    table = flags.join(more.select("account_id", *extra), on="account_id", how="left")
    there = {
        name: {*table.select(pl.col(of).explode().drop_nulls().unique()).collect()[of]} for name, of in _LISTS.items()
    }
    there["source"] |= {*run.summary.get("listed_by", {})}
    picked = table.filter(condition(where, job.carry, there)).select("account_id").collect()["account_id"]
    ours = (pl.col("source") != other) & (pl.col("reason") != schema.NAMED)
    of_others = (pl.col("holder") == "earlier").all()
    known = run.standing.filter(ours).group_by("account_id").agg(of_others=of_others).collect()
    named = pl.DataFrame({"account_id": picked}).join(known, on="account_id", how="left", maintain_order="left")
    accounts = named.filter(~pl.col("of_others"))["account_id"]
    carried = carried_by(agreement, job, run.as_of, accounts)
    values = whole_numbers(carried)
    hidden = len(carried.select("kind", "value").unique()) - len(values.select("kind", "value").unique())
    theirs, others = int(named["of_others"].is_null().sum()), int(named["of_others"].sum() or 0)
    return Chosen(values, run.as_of, len(accounts), theirs, others, hidden)


def identifiers_of(agreement: Agreement, job: Job, day: date, accounts: pl.Series) -> pl.DataFrame:
    """`carried_by`, and `number`: what tokens are made of; see `whole_numbers`."""
    return whole_numbers(carried_by(agreement, job, day, accounts))


def carried_by(agreement: Agreement, job: Job, day: date, accounts: pl.Series) -> pl.DataFrame:
    """account_id, identifier, kind, value (canonical) of some accounts: what they carry of the agreement's kinds."""
    with explaining(job.accounts, job.reading):
        base = open_base(job, day, kinds_of(agreement, job))
        name = base.plan.account_id
        ids = accounts.cast(base.plan.schema[name], strict=False)
        parts = []
        for rows in base.rows(Wanted(ids)):
            found = values_in(rows, base.plan, flawed=True)
            account = rows[name].gather(found["row"]).alias("account_id")
            parts.append(found.drop("row").insert_column(0, account))
    return pl.concat(parts).unique().sort("account_id", "identifier", "kind", "value")


def kinds_of(agreement: Agreement, job: Job) -> dict[str, Kind]:
    """The identifier columns of a job that the agreement is about.

    Raises:
        ConfigError: There is none.
    """
    agreed = {column: kind for column, kind in job.identifiers.items() if kind.name in agreement.said.kinds}
    if not agreed:
        raise ConfigError(
            f"the job has no identifier of the agreement's kinds ({', '.join(agreement.said.kinds)}): it has "
            f"{', '.join(sorted({kind.name for kind in job.identifiers.values()}))}"
        )
    return agreed


def condition(where: str, carried: Collection[str], there: Mapping[str, Collection[str]] | None = None) -> pl.Expr:
    """A condition on flagged accounts, such as `action >= verify and source = police`.

    Args:
        where: Comparisons of a column with a value, joined by `and`: action, level, score, hits, reason, source,
            decided_by, flagged_since, act_on, first_listed_on, or `account.` and the name of a carried column.
        carried: The carried columns.
        there: The sources and reasons that there are; None: any may be.

    Raises:
        ConfigError: It makes no sense; says where.
        InputError: There is no such source, or reason.
    """
    parts, at = [], 0
    text = where.strip()
    while (part := _PART.match(text, at)) is not None:
        parts.append(_compared(part, carried, there or {}))
        at = part.end()
        if at == len(text):
            return pl.all_horizontal(parts)
        if (more := _AND.match(text, at)) is None:
            break
        at = more.end()
    raise ConfigError(f"--where {without_numbers(where)!r}: write it like {WHERE!r}, with `and` between several")


def _compared(part: re.Match[str], carried: Collection[str], there: Mapping[str, Collection[str]]) -> pl.Expr:
    name, sign, *texts = part.groups()
    text = next(text for text in texts if text is not None)
    if (name in _LISTS or name in _TEXTS or name.startswith(ACCOUNT)) and sign not in ("=", "==", "!="):
        raise ConfigError(f"--where: {name} can only be one (=) or not (!=)")
    if name in _LISTS:
        # A reason of which nobody is flagged may come another night, and is nobody's until then.
        if text not in there.get(name, [text]) and (name == "source" or sign != "!="):
            known = sorted(there[name])
            raise InputError(
                f"--where: the newest run knows no {name} {text!r}{near(text, known)}: it has "
                f"{', '.join(known) or 'none'}; nothing is written"
            )
        has = pl.col(_LISTS[name]).list.contains(text).fill_null(value=False)
        return ~has if sign == "!=" else has
    return _COMPARE[sign](*_sides(name, text, carried)).fill_null(value=False)


def _sides(name: str, text: str, carried: Collection[str]) -> tuple[pl.Expr, pl.Expr]:
    column = pl.col(name)
    if name in _ORDERED:
        known = _ORDERED[name].categories.to_list()
        if text not in known:
            raise ConfigError(f"--where: there is no {name} {text!r}{near(text, known)}: there are {', '.join(known)}")
        return column.cast(_ORDERED[name]).to_physical(), pl.lit(known.index(text))
    try:
        if name in _NUMBERS:
            return column, pl.lit(int(text))
        if name in _DAYS:
            return column, pl.lit(date.fromisoformat(text))
    except ValueError:
        raise ConfigError(f"--where: {name} can't be compared with {text!r}") from None
    if name in _TEXTS:
        return column, pl.lit(text)
    column_of = name.removeprefix(ACCOUNT)
    if name.startswith(ACCOUNT) and column_of in carried:
        return in_plain(pl.col(column_of)), pl.lit(words_in_plain([text])[0])
    known = [*_ORDERED, *_NUMBERS, *_LISTS, *_TEXTS, *_DAYS]
    raise ConfigError(
        f"--where: there is no {name!r}{near(name, known)}: there are {', '.join(known)}, and {ACCOUNT}<a carried "
        f"column>, of which the job has {', '.join(carried) or 'none'}"
    )


_COMPARE = {
    "=": pl.Expr.eq,
    "==": pl.Expr.eq,
    "!=": pl.Expr.ne,
    ">=": pl.Expr.ge,
    "<=": pl.Expr.le,
    ">": pl.Expr.gt,
    "<": pl.Expr.lt,
}
