"""What was really done about the accounts, as the systems that did it say."""

from __future__ import annotations

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.words.codes import ACTING
from cardscreen.tables.dates import is_bad_date, to_date
from cardscreen.tables.opening import read_numbered, refuse_cards, require_columns
from cardscreen.tables.source_files.text import LINE


def read_applied(path: str, zone: str) -> pl.DataFrame:
    """What other systems say that they have applied: account_id (String), action (Enum), applied_on (Date).

    Args:
        path: The file.
        zone: In which instants have their day.

    Raises:
        InputError: No such file, a column that is missing, a card number in another one, or rows that can't be read;
            names their lines.
    """
    frame = read_numbered(path)
    require_columns(frame.columns, ["account", "action", "applied_on"], path)
    refuse_cards(frame, ["account", "action", "applied_on"], path)
    day = frame.schema["applied_on"]
    read = frame.select(
        # As it is: blanks may be part of an account's id.
        account_id=pl.when(pl.col("account").cast(pl.String).str.strip_chars() != "").then(
            pl.col("account").cast(pl.String)
        ),
        action=pl.col("action").cast(pl.String).str.strip_chars().cast(schema.ACTIONS, strict=False),
        applied_on=to_date(pl.col("applied_on"), day, zone=zone),
        bad=is_bad_date(pl.col("applied_on"), day, zone=zone),
        line=LINE,
    )
    unread = pl.any_horizontal(pl.col("account_id", "action", "applied_on").is_null())
    wrong = read.filter(pl.col("bad") | unread)["line"].to_list()
    if wrong:
        shown = ", ".join(map(str, wrong[:_SHOWN])) + (
            f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        )
        raise InputError(
            f"{path}: line {shown}: each row needs an account, an action ({', '.join(ACTING)}) and applied_on, "
            "written as YYYY-MM-DD"
        )
    return read.select("account_id", "action", "applied_on")


_SHOWN = 5  # lines that an error names
