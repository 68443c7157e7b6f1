"""Refuses tables whose results would show card numbers: in a column that results keep as it is.

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
from cardscreen.tables import collected
from cardscreen.tokens import TOKEN

#: Values of a batch, or of a file, that are looked at, taken evenly from all of it.
LOOKED_AT = 1_000
#: Share of them from which a column is refused: of other numbers of the same lengths, a tenth passes the check digit.
_SHARE = 0.3
_SHORTEST = 13  # digits; twelve are not rare among other numbers
_IS_TOKEN = pl.col("text").str.contains(TOKEN)
#: The first number as long as a card's, wherever it stands in a text.
_EMBEDDED = r"(?:^|[^0-9])([0-9](?:[ -]?[0-9]){12,18})(?:[^0-9]|$)"


def check_exposure(part: pl.DataFrame, plan: AccountColumns) -> None:
    """Look at the columns of some accounts that results show as they are.

    Raises:
        ConfigError: One of them holds card numbers or tokens, and is not named in `plan.unmasked`.
    """
    some = part.gather_every(max(1, len(part) // LOOKED_AT))
    for column in [plan.account_id, *plan.carry]:
        if column in plan.unmasked or not holds_numbers(part.schema[column]):
            continue
        if said := _most_are(some[column], {"card numbers": _is_card(pl.col("text")), "tokens": _IS_TOKEN}):
            use = "the account id" if column == plan.account_id else "carried"
            raise ConfigError(
                f"column {column!r} is {use}, which results show as it is, and {said}: take another column; if it is "
                "meant, name it in unmasked (of cs.screen, or under [accounts])"
            )


def check_no_tokens(table: pl.LazyFrame, where: str) -> None:
    """Look at the columns of a table beside which masks of its card numbers are to be written.

    Raises:
        ConfigError: One of them holds tokens.
    """
    some = collected(table.head(LOOKED_AT), where)
    for column in some.columns:
        if some.schema[column] == pl.String and (said := _most_are(some[column], {"tokens": _IS_TOKEN})):
            raise ConfigError(
                f"{where}: in column {column!r} {said}: a mask beside a token of the same number undoes both. "
                "Leave that column out of the file"
            )


def _most_are(values: pl.Series, tests: dict[str, pl.Expr]) -> str | None:
    """`12 of 20 values looked at are tokens`, where that is enough of them to speak of the column."""
    written = values.drop_nulls().unique().alias("text").to_frame().select(to_text(pl.col("text"))).drop_nulls()
    long = written.filter(pl.col("text").str.len_bytes() >= _SHORTEST)
    if len(long) < _SHARE * len(written):
        return None
    for what, test in tests.items():
        found = int(long.select(test.sum()).item())
        if found and found >= _SHARE * len(written):
            return f"{found:,} of {len(written):,} values looked at are {what}"
    return None


def _is_card(text: pl.Expr) -> pl.Expr:
    """Whether a text holds a sound number of a known scheme: Boolean, never null."""
    digits = text.str.extract(_EMBEDDED).fill_null(text)
    parts = parts_of(digits)
    known = parts.struct.field("scheme") != schemes.UNKNOWN
    long_enough = parts.struct.field("text").str.len_bytes() >= _SHORTEST
    return (known & long_enough & (parts.struct.field("status") == "valid")).fill_null(False)
