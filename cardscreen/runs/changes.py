"""What became of every flag since the base run: new, escalated, eased, released, carried or unchanged.

A flag stands on hits. Where tonight's hits lead to less than the flag, those that led to it are looked for one by one:
what is explained (`causes`) no longer holds it, what was not seen still does, for some days. So the state of an
account is the stronger of what tonight's hits say (`now`) and of what is carried (`kept`), and beside what it was in
the base run it says what the change is, by the first of these lines that fits:

    state                          was in the base run            change
    none                           anything                       released
    kept, more than now            not flagged, or the same       carried
    more than none                 not flagged                    new
    more than it was               flagged                        escalated
    less than it was               flagged                        eased
    what it was                    flagged                        unchanged

A run for a day that has been run before has the same base as that one and supersedes it: it says the same of
everybody, and undoes what only the superseded run has said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.lookup.digits import nulls
from cardscreen.policy.judging import DECIDING
from cardscreen.policy.rules import ACCOUNT
from cardscreen.runs import causes
from cardscreen.runs.causes import Circumstances
from cardscreen.runs.messages.handing_out import handed_out
from cardscreen.runs.record import Base, unshown
from cardscreen.screening.result import Result

_NONE = pl.lit("none", dtype=schema.ACTIONS)
#: Columns of a comparison that are not written: flagged in the base run, what `undo` undoes, which listing had led to
#: that, why it no longer does, due tonight.
MARKS = ["in_base", "undone", "undone_by", "undone_cause", "is_due"]
#: What is known of an account before tonight, besides the carried columns as `was.<name>`.
KNOWN: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,  # or the type that it has
    "in_base": pl.Boolean,  # whether the base run has flagged it
    "was": schema.ACTIONS,  # what stood; of an account that only a superseded run has freed, before that
    "decided_by_before": pl.String,
    "since": pl.Date,
    "due": pl.Date,
    "was_cause": schema.CAUSES,
    "settled": pl.Boolean,  # a superseded run has released it, and it is not in the base
    "superseded_action": schema.ACTIONS,  # of the newest superseded run that speaks of it
    "superseded_due": pl.Date,
    "superseded": pl.String,  # its id
    "said": schema.ACTIONS,  # the strongest of what the superseded runs have said
    "corrects": pl.String,
    "handed": schema.ACTIONS,  # what was handed out and is not taken back
    "handed_on": pl.Date,
    "standing": schema.ACTIONS,  # the strongest of what the base, or the superseded runs, have handed out
    "stood_on": pl.Date,
}
#: Tonight's flag of an account, besides the carried columns.
TONIGHT: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "now": schema.ACTIONS,
    "now_by": pl.String,
    "now_since": pl.Date,
    "now_due": pl.Date,
}
#: What became of an account's flag: columns of `schema.CHANGES` that `_state` works out.
STATE = [
    *("change", "action", "action_before", "decided_by", "decided_by_before"),
    *("flagged_since", "act_on", "carried_since", "cause"),
]


@dataclass(frozen=True)
class Prior:
    """What was known of the accounts before tonight.

    Attributes:
        base: The base run; None for the first.
        superseded: Earlier published runs for tonight's day, the newest first.
        shown: As what tonight's tables hold identifiers.
    """

    base: Base | None = None
    superseded: Sequence[Base] = ()
    shown: str = "masked"

    def watched(self) -> pl.DataFrame | None:
        """What `screen` takes as `previous`: the state of the base, and who else is to be looked for.

        Those are the accounts that only a superseded run has flagged; they stand there as not flagged.
        """
        if self.base is None and not self.superseded:
            return None
        columns = ["account_id", "action", "flagged_since", "act_on"]
        parts = [] if self.base is None else [self.base.flags.select(columns)]
        parts += [run.changes.select(columns).with_columns(action=_NONE) for run in self.superseded[:1]]
        text = (part.with_columns(pl.col("account_id").cast(pl.String)) for part in parts)
        return pl.concat(text).collect().unique("account_id", keep="first", maintain_order=True)

    def alike(self, table: pl.LazyFrame) -> pl.LazyFrame:
        """Hits or cells, of any of the nights, whose values can be compared.

        Where one night shows identifiers as another does not, no value is told: a mask and a token of one number never
        come together.
        """
        runs = [*([self.base] if self.base else []), *self.superseded]
        return table if all(run.shown_as == self.shown for run in runs) else unshown(table)


@dataclass(frozen=True)
class Changes:
    """Tonight against the night before.

    Attributes:
        table: `schema.CHANGES`, the carried columns as `account.<name>`, and `MARKS`; sorted by account.
        carried: `schema.CARRIED`: the hits that were not seen tonight, and on which flags may still stand.
        before: `schema.CARRIED`: the hits on which the flags stood before.
        flagged_before: Accounts flagged with an action in the base run.
    """

    table: pl.DataFrame
    carried: pl.DataFrame
    before: pl.DataFrame
    flagged_before: int

    def written(self) -> pl.DataFrame:
        """The table as a run keeps it."""
        return self.table.drop(MARKS).rename(lambda name: name.removeprefix(ACCOUNT))


def compare(
    result: Result,
    prior: Prior,
    around: Circumstances,
    *,
    carry_days: int,
    hands_out: bool,
    applied: pl.DataFrame | None,
) -> Changes:
    """Compare tonight's screening with the nights before.

    Args:
        result: Tonight's screening, made with `prior.watched()`.
        prior: The base run, and the runs that this one supersedes.
        around: What is known of lists, policy and software.
        carry_days: Nights for which a flag stands although its account or identifier could not be read.
        hands_out: Whether tonight's actions are put into files; not in an audit run.
        applied: account_id (String), action, applied_on: what other systems have done; None where they don't tell,
            and then what was handed out counts as done.
    """
    flagged = _carrying(result.flagged.filter(pl.col("action") > "none").collect())
    account = flagged.schema["account_id"]
    both = _side_by_side(_known(prior, flagged), flagged)
    before = _evidence(prior, both, account)
    hits = prior.alike(result.hits).collect()
    seen = pl.LazyFrame(schema=schema.WATCHED) if result.watched is None else result.watched
    watched = prior.alike(seen).collect()
    watched = watched.with_columns(pl.col("account_id").cast(account))
    open_flags = before.join(both.filter("settled"), on="account_id", how="anti")
    sought = _limited(causes.of_losses(open_flags, hits, watched, around), around, carry_days)
    state = _state(both, sought, around)
    gains = _gains(state, hits, prior, around)
    table = handed_out(state.join(gains, on="account_id", how="left"), around, hands_out=hands_out, applied=applied)
    return Changes(
        table=table.select(*schema.CHANGES, *_carry(flagged), *MARKS).sort("account_id"),
        carried=sought.filter("held").select(list(schema.CARRIED)).sort("account_id", "identifier", "listing_id"),
        before=before,
        flagged_before=int(both["in_base"].sum()),
    )


def _carrying(flagged: pl.DataFrame) -> pl.DataFrame:
    """Flags whose carried columns are named as such: theirs may be any names."""
    return flagged.rename({name: f"{ACCOUNT}{name}" for name in flagged.columns if name not in schema.FLAGGED})


def _carry(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name.startswith(ACCOUNT)]


def _rows(changes: pl.LazyFrame | None, like: pl.DataFrame) -> pl.DataFrame:
    """A night's changes with tonight's account ids and carried columns."""
    types: dict[str, Any] = {
        **schema.CHANGES,
        **{name: like.schema[name] for name in _carry(like)},
        "account_id": like.schema["account_id"],
    }
    if changes is None:
        return pl.DataFrame(schema=types)
    there = _renamed_accounts(changes.collect(), types["account_id"])
    columns = [_typed(there, name.removeprefix(ACCOUNT), dtype).alias(name) for name, dtype in types.items()]
    return pl.DataFrame(columns)


def _renamed_accounts(night: pl.DataFrame, dtype: pl.DataType) -> pl.DataFrame:
    """A night with account ids of another type: where one has no such form, nobody could tell whom to release."""
    ids = night["account_id"].cast(dtype, strict=False)
    if lost := len(ids) - ids.drop_nulls().n_unique():
        raise ConfigError(
            f"{lost:,} account ids of an earlier run can't be told as {dtype}, the type that they have tonight: their "
            f"flags could not be released. Give the accounts' ids as {night['account_id'].dtype}"
        )
    return night.with_columns(ids)


def _typed(night: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Series:
    """A column of another night with tonight's type; null where it is not there, or its values have no such form."""
    nothing = nulls(name, dtype, len(night))
    if name not in night.columns:
        return nothing
    was = night[name]
    if was.dtype == dtype:
        return was
    text = was.cast(pl.String)  # a number is no day, although the engine would make one of it
    if dtype == pl.Date:
        return text.str.to_date("%Y-%m-%d", strict=False)
    try:
        return text.cast(dtype, strict=False)
    except pl.exceptions.PolarsError:
        return nothing


def _known(prior: Prior, like: pl.DataFrame) -> pl.DataFrame:
    """The accounts known before tonight, one row each: `KNOWN`."""
    base = _rows(prior.base.flags if prior.base else None, like)
    newest = prior.superseded[0] if prior.superseded else None
    superseded = [_rows(run.changes, like) for run in prior.superseded] or [_rows(None, like)]
    other = superseded[0].with_columns(mentioned=pl.lit(value=True))
    # No carried column begins like this, whatever its name.
    other = other.rename({name: f"then.{name}" for name in other.columns if name != "account_id"})
    in_base, mentioned = pl.col("action").is_not_null(), pl.col("then.mentioned").fill_null(value=False)
    freed = mentioned & (pl.col("then.change") == "released")
    standing = pl.max_horizontal(pl.col("handed_out", "stood").fill_null(_NONE).to_physical()).cat.to(schema.ACTIONS)

    def either(name: str) -> pl.Expr:
        return pl.when(in_base).then(name).otherwise(f"then.{name}")

    was_freed = freed & ~in_base
    handed = pl.when(freed).then(_NONE).when(mentioned).then("then.handed_out").otherwise("handed_out")
    both = base.join(other, on="account_id", how="full", coalesce=True)
    return both.join(_said(superseded), on="account_id", how="left").select(
        "account_id",
        in_base=in_base,
        was=pl.when(was_freed).then("then.action_before").otherwise(either("action")),
        decided_by_before=pl.when(was_freed).then("then.decided_by_before").otherwise(either("decided_by")),
        since=either("flagged_since"),
        due=either("act_on"),
        was_cause=either("cause"),
        settled=was_freed,
        superseded_action=pl.when(mentioned).then("then.action"),
        superseded_due=pl.when(mentioned).then("then.act_on"),
        superseded=pl.when(mentioned).then(pl.lit(newest.run_id if newest else None, dtype=pl.String)),
        corrects=pl.when(mentioned).then("then.corrects").otherwise("corrects"),
        handed=handed,
        handed_on=pl.when(~freed).then(pl.when(mentioned).then("then.handed_out_on").otherwise("handed_out_on")),
        said="said",
        standing=standing,
        stood_on=pl.max_horizontal("handed_out_on", "stood_on"),
        **{f"was.{name}": either(name) for name in _carry(like)},
    )


def _said(superseded: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The strongest of what the changes of superseded runs say and hand out: account_id, said, stood, stood_on.

    Which of them other systems have loaded, nobody knows.
    """
    told = pl.concat(each.select("account_id", "action", "handed_out", "handed_out_on") for each in superseded)
    return told.group_by("account_id").agg(
        said=pl.col("action").max(), stood=pl.col("handed_out").max(), stood_on=pl.col("handed_out_on").max()
    )


def _side_by_side(known: pl.DataFrame, flagged: pl.DataFrame) -> pl.DataFrame:
    """`KNOWN` and `TONIGHT`, and the carried columns as of the newer."""
    carry = _carry(flagged)
    tonight = flagged.select(
        "account_id", *carry, now="action", now_by="decided_by", now_since="flagged_since", now_due="act_on"
    )
    joined = known.join(tonight, on="account_id", how="full", coalesce=True)
    return joined.with_columns(
        pl.col("was", "now", "handed", "standing").fill_null(_NONE),
        pl.col("in_base", "settled").fill_null(value=False),
        *(pl.when(pl.col("now").is_null()).then(f"was.{name}").otherwise(name).alias(name) for name in carry),
    ).drop(f"was.{name}" for name in carry)


def _evidence(prior: Prior, both: pl.DataFrame, account: pl.DataType) -> pl.DataFrame:
    """`schema.CARRIED`: the hits on which the accounts' flags stood, with tonight's account ids."""
    parts = [pl.DataFrame(schema={**schema.CARRIED, "account_id": account})]
    sides = [([prior.base] if prior.base else [], pl.col("in_base")), (prior.superseded, ~pl.col("in_base"))]
    for runs, side in sides:
        wanted = both.filter(side).select("account_id")
        for run in runs:
            standing = (
                prior.alike(run.standing).with_columns(pl.col("account_id").cast(account, strict=False)).collect()
            )
            parts.append(standing.join(wanted, on="account_id", how="semi"))
            wanted = wanted.join(parts[-1], on="account_id", how="anti")
    return pl.concat(parts)


def _limited(sought: pl.DataFrame, around: Circumstances, carry_days: int) -> pl.DataFrame:
    """`causes.of_losses` with `held`: whether an unseen hit still holds its account's flag."""
    stale = pl.col("cause") == "source_stale"
    goes_on = pl.col("carried_since").is_not_null() & ((pl.col("cause_before") == "source_stale") == stale)
    since = pl.when(goes_on).then("carried_since").otherwise(pl.lit(around.as_of))
    nights = (pl.lit(around.as_of) - pl.col("carried_since")).dt.total_days()
    return sought.with_columns(carried_since=pl.when("unseen").then(since)).with_columns(
        held=pl.col("unseen") & (stale | (nights < carry_days))
    )


def _first(hits: pl.DataFrame, *before: str) -> pl.DataFrame:
    """Of each account's hits the deciding one: the strongest, then as a policy decides between equals."""
    falling = [True] * len(before) + [*DECIDING.values()]
    ordered = hits.sort("account_id", *before, *DECIDING, descending=[False, *falling], nulls_last=False)
    return ordered.unique("account_id", keep="first", maintain_order=True)


def _state(both: pl.DataFrame, sought: pl.DataFrame, around: Circumstances) -> pl.DataFrame:
    """`KNOWN`, `TONIGHT` and `STATE`: all of `schema.CHANGES` but what is handed out, and the causes of gains."""
    held = _first(sought.filter("held")).select(
        "account_id", kept="action", kept_by="listing_id", kept_cause="cause", kept_since="carried_since"
    )
    accounts = both.join(held, on="account_id", how="left").with_columns(
        action=pl.max_horizontal(pl.col("now", "kept").fill_null(_NONE).to_physical()).cat.to(schema.ACTIONS)
    )
    weaker = sought.filter(~pl.col("held")).join(
        accounts.select("account_id", "decided_by_before", _state="action"), on="account_id"
    )
    gone = weaker.filter(pl.col("action") > pl.col("_state")).with_columns(
        _decided=pl.col("listing_id") == pl.col("decided_by_before")
    )
    lost = _first(gone, "_decided").select("account_id", lost_cause="cause")
    rests = pl.col("action") > pl.col("now").fill_null(_NONE)  # on hits that were not seen
    before = pl.when("in_base").then("was").otherwise(_NONE)
    change = (
        pl.when(pl.col("action") == "none")
        .then(pl.lit("released"))
        .when(rests & (~pl.col("in_base") | (pl.col("action") == pl.col("was"))))
        .then(pl.lit("carried"))
        .when(before == "none")
        .then(pl.lit("new"))
        .when(pl.col("action") > before)
        .then(pl.lit("escalated"))
        .when(pl.col("action") < before)
        .then(pl.lit("eased"))
        .otherwise(pl.lit("unchanged"))
        .cast(schema.CHANGE_KINDS)
    )
    state = _dated(accounts.join(lost, on="account_id", how="left").with_columns(change=change, _rests=rests), around)
    return state.select(*dict.fromkeys([*KNOWN, *TONIGHT, *STATE, "undone_by", "undone_cause", *_carry(state)]))


def _dated(accounts: pl.DataFrame, around: Circumstances) -> pl.DataFrame:
    """The columns of a change: what stood before, what stands now, since when and why."""
    change, rests = pl.col("change"), pl.col("_rests")
    is_new, is_eased = change == "new", change == "eased"
    stays = change.is_in(["carried", "released"])
    # Approved late, a superseded run has told a later day than tonight would.
    announced = pl.when(pl.col("superseded_action") == pl.col("action")).then("superseded_due")
    return accounts.with_columns(
        action_before=pl.when(is_new).then(_NONE).otherwise("was"),
        decided_by_before=pl.when(~is_new).then("decided_by_before"),
        decided_by=pl.when(rests).then("kept_by").when(change != "released").then("now_by"),
        flagged_since=pl.when(is_new).then("now_since").otherwise("since"),
        act_on=pl.when(stays)
        .then("due")
        .when(rests & is_eased)
        .then(pl.lit(around.as_of))
        .otherwise(pl.max_horizontal("now_due", announced)),
        carried_since=pl.when(rests).then("kept_since"),
        cause=pl.when(change == "carried")
        .then("kept_cause")
        .when(pl.col("settled") & (change == "released"))
        .then("was_cause")
        .when(is_eased | (change == "released"))
        .then("lost_cause"),
        undone_by="decided_by_before",
        undone_cause=pl.coalesce(pl.when(pl.col("settled")).then("was_cause"), "lost_cause"),
    )


def _gains(state: pl.DataFrame, hits: pl.DataFrame, prior: Prior, around: Circumstances) -> pl.DataFrame:
    """Why accounts are flagged, or flagged for more, than in the base run: account_id, gained (Enum)."""
    stronger = state.filter(pl.col("change").is_in(["new", "escalated"])).select("account_id", "now", "now_by")
    live = hits.filter(pl.col("exempted_by").is_null()).join(stronger, on="account_id")
    deciding = _first(live.filter((pl.col("listing_id") == pl.col("now_by")) & (pl.col("action") == pl.col("now"))))
    deciding = deciding.select(list(schema.HITS))
    before = deciding.clear()
    if prior.base is not None:
        hits_before = prior.alike(prior.base.hits).with_columns(
            pl.col("account_id").cast(hits.schema["account_id"], strict=False)
        )
        before = hits_before.collect().join(deciding.select("account_id"), on="account_id", how="semi")
    return causes.of_gains(deciding, before, around).rename({"cause": "gained"})
