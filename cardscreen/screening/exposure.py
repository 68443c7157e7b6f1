"""Refuses tables whose results would show secret numbers: in a column that results keep as it is.

Results mask identifiers, but not the account id, the carried columns, and identifiers that may be any text. Some
systems number accounts by their card, or by its token, and a token beside a mask of the same number undoes both.
Every row's own secrets are looked for, and others' cards in all rows with as many digits, or in some thousands of these
drawn by lot; others' IBANs and resident ids in a thousand rows of each part.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cardscreen.foundation.cards.in_text import Found, is_beyond_chance, rows_with_digits, without_cards_in
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.lookup.digits import Flags, Rows, taken
from cardscreen.kinds.kind import KINDS, secret_kinds
from cardscreen.kinds.tokens import ANY_TOKEN
from cardscreen.screening.columns import AccountColumns, of_any_text
from cardscreen.tables.cells import holds_numbers, to_text
from cardscreen.tables.opening import collected

#: Values of a batch, or of a file, that are looked at for tokens, taken evenly from all of it.
LOOKED_AT = 1_000
_DRAWN = 5_000  # values with many digits that are looked at for others' numbers
#: Share of them from which a column is one of tokens.
_SHARE = 0.3
#: Of what looks like values of a kind, at most how many are by chance: of resident ids' check digits one in eleven, of
#: IBANs' fewer; and how many are in a column of them.
_BY_CHANCE, _NEARLY_ALL = 1 / 11, 0.9
_ROW = "\0row"
_LEAST = 10**11  # what is smaller has fewer digits than a card number


def check_exposure(part: pl.DataFrame, plan: AccountColumns) -> None:
    """Look at the columns of some accounts that results show as they are.

    Raises:
        ConfigError: One of them holds secret numbers or tokens, and is not named in `plan.unmasked`.
    """
    some = np.arange(0, len(part), max(1, len(part) // LOOKED_AT))
    for column in [plan.account_id, *plan.carry]:
        if column in plan.unmasked or not holds_numbers(part.schema[column]):
            continue
        told = _tells_secrets(part, column, plan, some)
        if shown := told[1] if told else _most_are_tokens(taken(part[column], some)):
            use = "the account id" if column == plan.account_id else "carried"
            raise ConfigError(
                f"column {column!r} is {use}, which results show as it is, and {shown}: take another column; if it is "
                "meant, name it in unmasked (of cs.screen, or under [accounts])"
            )
    for column in of_any_text(plan.identifiers) if plan.shown == "masked" else ():
        if column not in plan.unmasked and (told := _tells_secrets(part, column, plan, some)):
            noun, (name, shown) = plan.identifiers[column].noun[1], told
            kind = KINDS[name]
            raise ConfigError(
                f"column {column!r} holds {noun}, which results show as they are, and {shown}: say that it holds "
                f'{kind.noun[1]} ({kind.__name__}() in identifiers, or kind = "{name}"); if these are none, or it is '
                "meant, name it in unmasked (in Python, or under [accounts])"
            )


def without_others(shown: pl.DataFrame, plan: AccountColumns) -> pl.DataFrame:
    """Accounts that results show, with `…` in carried text that tells a card number in passing."""
    texts = [name for name in plan.carry if name not in plan.unmasked and shown.schema[name] == pl.String]
    return shown.with_columns(without_cards_in(shown[name]) for name in texts)


def _tells_secrets(part: pl.DataFrame, column: str, plan: AccountColumns, some: Rows) -> tuple[str, str] | None:
    """The kind of the row's own secret numbers, or of others, that a column tells, and what it tells; None: nothing."""
    largest = part[column].max() if part.schema[column].is_integer() else None
    if isinstance(largest, int) and largest < _LEAST:
        return None
    texts = _texts(part[column])
    rows = rows_with_digits(texts)
    if own := _tells_own(part, texts, rows, plan):
        return own
    is_identifier = column in of_any_text(plan.identifiers)
    # Of these more must fit than of cards, of which eighteen digits may be one as well.
    if others := _tells_checked(taken(texts, some)):
        return others
    cards = _tells_others(texts, rows, is_identifier) if len(rows) else None
    return ("card", cards) if cards else None


def _texts(cells: pl.Series) -> pl.Series:
    """Cells as text; of a List all that it holds, with a letter between each two."""
    if not isinstance(cells.dtype, pl.List):
        return cells.to_frame().select(to_text(pl.first())).to_series()
    held = cells.to_frame("cell").with_row_index(_ROW).explode("cell", empty_as_null=True)
    texts = held.with_columns(to_text(pl.col("cell"))).group_by(_ROW, maintain_order=True)
    return texts.agg(pl.col("cell").str.join(" x "))["cell"]


def _tells_own(part: pl.DataFrame, texts: pl.Series, rows: Rows, plan: AccountColumns) -> tuple[str, str] | None:
    """The kind, and `12 of 20 rows show their own card numbers there`, where any do."""
    for name, kind in plan.identifiers.items():
        if kind.secret:
            shows = _shows_own(part, texts, rows, plan, name)
            if shows.any():
                return kind.name, f"{int(shows.sum()):,} of {len(part):,} rows show their own {kind.noun[1]} there"
    return None


def _tells_checked(texts: pl.Series) -> tuple[str, str] | None:
    """The secret kind, other than cards, of which values are in some texts, and how many; None: none, or by chance."""
    written = texts.drop_nulls().unique(maintain_order=True)
    for name in secret_kinds():
        kind = KINDS[name]()
        whole, like = kind.whole_in(written)
        if whole >= _NEARLY_ALL * like and is_beyond_chance(whole, like, _BY_CHANCE * like):
            return name, f"{whole:,} of {len(written):,} values looked at hold {kind.noun[1]}"
    return None


def _shows_own(part: pl.DataFrame, texts: pl.Series, rows: Rows, plan: AccountColumns, name: str) -> Flags:
    """Which texts show a value of the row's identifier."""
    kind, cells = plan.identifiers[name], part[name]
    if not plan.is_list(name):
        return kind.told_in(texts, rows, cells)
    held = cells.to_frame().with_row_index(_ROW).explode(name, empty_as_null=False)
    at = held[_ROW].to_numpy()
    shows = np.zeros(len(texts), dtype=bool)
    shows[at[kind.told_in(taken(texts, at), np.flatnonzero(np.isin(at, rows)), held[name])]] = True
    return shows


def _tells_others(texts: pl.Series, rows: Rows, is_identifier: bool) -> str | None:
    """`12 of 20 values looked at hold card numbers`, where that can't be chance.

    Identifiers of devices and customers are often as long as a card number, begin like one, or have a check digit in
    their middle: of them the numbers count that pass the check as they stand.
    """
    drawn = rows
    if len(rows) > _DRAWN:
        drawn = np.sort(np.random.default_rng(len(rows)).choice(rows, _DRAWN, replace=False))
    written = taken(texts, drawn).unique(maintain_order=True)
    share = len(rows) / len(drawn)
    others = int((len(texts) - texts.null_count()) / share) - len(drawn)
    for numbers in Found.all_in(written, others=others):
        if cards := numbers.sure_cards if is_identifier else numbers.cards:
            return f"{cards:,} of {len(written) + others:,} values looked at hold card numbers"
        if is_identifier:
            break
    return None


def _most_are_tokens(values: pl.Series) -> str | None:
    """The same of tokens, where that is enough of them to speak of the column."""
    if values.dtype.is_numeric():
        return None
    written = _written(values)
    tokens = int(written.str.contains(ANY_TOKEN).sum())
    enough = tokens and tokens >= _SHARE * len(written)
    return f"{tokens:,} of {len(written):,} values looked at are tokens" if enough else None


def _written(values: pl.Series) -> pl.Series:
    """The distinct values as text."""
    distinct = values.drop_nulls().unique(maintain_order=True).alias("text").to_frame()
    return distinct.select(to_text(pl.col("text"))).to_series().drop_nulls()


def check_no_tokens(table: pl.LazyFrame, where: str) -> None:
    """Look at the columns of a table beside which masks of its card numbers are to be written.

    Raises:
        ConfigError: One of them holds tokens.
    """
    some = collected(table.head(LOOKED_AT), where)
    for column in some.columns:
        if some.schema[column] == pl.String and (shown := _most_are_tokens(some[column])):
            raise ConfigError(
                f"{where}: in column {column!r} {shown}: a mask beside a token of the same number undoes both. "
                "Leave that column out of the file"
            )
