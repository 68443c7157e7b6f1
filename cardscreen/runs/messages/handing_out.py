"""What a run hands out tonight, and how what is not true any more is undone.

An action is handed out once, on the day on which it is due, under a key of its own. What other systems have done since
an account was flagged is lifted where it says too much now; what they have not done yet is cancelled.
"""

from __future__ import annotations

import polars as pl

from cardscreen.foundation import schema
from cardscreen.runs.causes import Circumstances

_NONE = pl.lit("none", dtype=schema.ACTIONS)


def handed_out(
    state: pl.DataFrame, around: Circumstances, *, hands_out: bool, applied: pl.DataFrame | None
) -> pl.DataFrame:
    """The state of accounts with what follows for other systems.

    Args:
        state: `changes.KNOWN`, `changes.STATE`, and `gained`, the cause of what is new.
        around: The day.
        hands_out: Whether tonight's actions are put into files; not in an audit run.
        applied: account_id (String), action, applied_on: what other systems have done; None where they don't tell,
            and then what was handed out counts as done.

    Returns:
        The same with cause, corrects, handed_out, handed_out_on and undo as in `schema.CHANGES`; `is_due`, whether the
        action is handed out tonight; and `undone`, what is lifted or cancelled.
    """
    day, action, change = pl.lit(around.as_of), pl.col("action"), pl.col("change")
    contradicted = pl.col("superseded_action").is_not_null() & (pl.col("superseded_action") != action)
    already = (pl.col("handed") == action) & (pl.col("handed_on") < day)
    acts = (action > "none") & pl.col("carried_since").is_null() & (pl.col("act_on") <= day)
    due = acts & ~already.fill_null(value=False) & hands_out
    freed, remains = change == "released", pl.col("handed") <= action
    return undoing(state, applied).with_columns(
        cause=pl.coalesce("cause", "gained"),
        is_due=due,
        corrects=pl.when(contradicted).then("superseded").otherwise("corrects"),
        handed_out=pl.when(due).then(action).when(freed).then("standing").when(remains).then("handed").otherwise(_NONE),
        # What only a superseded run has handed out today may not have been loaded: it stays due, under the same key.
        handed_out_on=pl.when(due)
        .then(day)
        .when(freed)
        .then("stood_on")
        .when(remains & (pl.col("handed_on") < day))
        .then("handed_on"),
    )


def undoing(state: pl.DataFrame, applied: pl.DataFrame | None) -> pl.DataFrame:
    """The state of accounts with `undo` as in `schema.CHANGES`, and `undone`, what is lifted or cancelled.

    Args:
        state: account_id, change, action, action_before, since, `standing`, what was handed out, and `said`, the
            strongest of what superseded runs have said.
        applied: As for `handed_out`.
    """
    action, change = pl.col("action"), pl.col("change")
    done = pl.col("standing") if applied is None else pl.col("applied")
    lifts = done.fill_null(_NONE) > action
    said_more = (pl.col("said") > action).fill_null(value=False)
    undone = (change == "released") | (change == "eased") | said_more
    told = pl.max_horizontal(pl.col("action_before", "said").to_physical()).cat.to(schema.ACTIONS)
    with_applied = state if applied is None else state.join(_applied(state, applied), on="account_id", how="left")
    return with_applied.with_columns(
        undo=pl.when(undone).then(pl.when(lifts).then(pl.lit("lift")).otherwise(pl.lit("cancel"))).cast(schema.UNDO),
        undone=pl.when(undone).then(pl.when(lifts).then(done).otherwise(told)),
    )


def _applied(state: pl.DataFrame, applied: pl.DataFrame) -> pl.DataFrame:
    """The strongest action that other systems have applied since an account was flagged: account_id, applied."""
    accounts = state.select("account_id", "since", _text=pl.col("account_id").cast(pl.String))
    joined = accounts.join(applied.rename({"account_id": "_text"}), on="_text")
    since = joined.filter(pl.col("applied_on") >= pl.col("since"))
    return since.group_by("account_id").agg(applied=pl.col("action").max())
