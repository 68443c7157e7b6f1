"""Refuses accounts whose results would show card numbers: in a column that results keep as it is.

Results mask identifiers, but not the account id and the carried columns. Some systems number accounts by
their card, or by its token, and a token beside a mask of the same number undoes both.
"""

from __future__ import annotations

import polars as pl

from cardscreen import schemes
from cardscreen.accounts import AccountColumns
from cardscreen.cleaning import holds_numbers, to_text
from cardscreen.errors import ConfigError
from cardscreen.pans import parts_of
from cardscreen.tokens import TOKEN

#: Values of a part that are looked at, taken evenly from all of it.
_LOOKED_AT = 10_000
#: Share of them from which a column is refused: of other numbers of the same lengths, a tenth passes the check digit.
_SHARE = 0.3
_SHORTEST = 13  # digits; twelve are not rare among other numbers
#: The first number as long as a card's, wherever it stands in a text.
_EMBEDDED = r"(?:^|[^0-9])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9]|$)"


def check_exposure(part: pl.DataFrame, plan: AccountColumns) -> None:
    """Look at the columns of some accounts that results show as they are.

    Raises:
        ConfigError: One of them holds card numbers or tokens, and is not named in `plan.unmasked`.
    """
    some = part.gather_every(max(1, len(part) // _LOOKED_AT))
    for column in [plan.account_id, *plan.carry]:
        if column in plan.unmasked or not holds_numbers(part.schema[column]):
            continue
        distinct = some.select(pl.col(column).drop_nulls().unique())
        written = distinct.select(text=to_text(pl.col(column))).drop_nulls()
        said = {"card numbers": _is_card(pl.col("text")), "tokens": pl.col("text").str.contains(TOKEN)}
        for what, test in said.items():
            found = int(written.select(test.sum()).item())
            if found and found >= _SHARE * len(written):
                raise ConfigError(_refusal(column, what, found, len(written), plan))


def _is_card(text: pl.Expr) -> pl.Expr:
    """Whether a text holds a sound number of a known scheme: Boolean, never null."""
    digits = text.str.extract(_EMBEDDED).fill_null(text)
    parts = parts_of(digits)
    known = parts.struct.field("scheme") != schemes.UNKNOWN
    long_enough = parts.struct.field("text").str.len_bytes() >= _SHORTEST
    return (known & long_enough & (parts.struct.field("status") == "valid")).fill_null(False)


def _refusal(column: str, what: str, found: int, among: int, plan: AccountColumns) -> str:
    use = "the account id" if column == plan.account_id else "carried"
    return (
        f"column {column!r} is {use}, which results show as it is, and {found:,} of {among:,} values looked at are "
        f"{what}: take another column; if it is meant, name it in unmasked (of cs.screen, or under [accounts])"
    )
