"""The forms in which a list writes values: one number, a prefix, a range, a number with hidden digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from cardscreen.tables.cells import named_like, over_fields, text_of

#: What a source's cell lists: how it matches, and the canonical value; both null where it can't be read.
WRITTEN = pl.Struct({"match": pl.String, "value": pl.String})


def as_listed(
    value: pl.Expr,
    *,
    prefix: pl.Expr,
    low: pl.Expr,
    high: pl.Expr,
    others: pl.Expr,
    matches: Sequence[str] = ("exact",),
) -> pl.Expr:
    """`WRITTEN` of listed values: the first form that a value has. Streams.

    Args:
        value: String, as written.
        prefix: What stands before the star of a prefix, else null.
        low: The lower end of a range, else null. What has one is a range or nothing.
        high: The upper end; both ends have the same length.
        others: A Struct, of which what is read is computed once: of other matches the canonical value of what has
            that form, else null.
        matches: Its fields.
    """
    parts = pl.struct(value=value, prefix=prefix, low=low, high=high, others=others)
    low, high = pl.col("low"), pl.col("high")
    ordered = (low.str.len_bytes() == high.str.len_bytes()) & (low <= high)
    is_range = pl.col("prefix").is_not_null() | ordered.fill_null(value=False)
    forms = {"range": pl.when(is_range).then("value")}
    forms |= {name: pl.when(low.is_null()).then(pl.col("others").struct.field(name)) for name in matches}
    match = pl.coalesce(pl.when(value.is_not_null()).then(pl.lit(name)) for name, value in forms.items())
    return named_like(over_fields(parts, WRITTEN, match=match, value=pl.coalesce(*forms.values())), value)


def ends_of(value: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The first and the last number of a canonical range (`low-high`); of a prefix (`digits*`) its digits twice."""
    return value.str.extract("^([+0-9]+)"), value.str.extract("([+0-9]+)[*]?$")


def is_open(value: pl.Expr) -> pl.Expr:
    """Whether a canonical range is a prefix, of numbers of any length."""
    return value.str.ends_with("*")


def as_written(
    cell: pl.Expr, *, special: str, forms: Callable[[pl.Series], pl.DataFrame], number: Callable[[pl.Expr], pl.Expr]
) -> pl.Expr:
    """`WRITTEN` of cells as sources write them. Streams.

    Args:
        cell: Column of any type that can hold numbers.
        special: Pattern of text that may be more than one number; most cells are not.
        forms: The fields of `WRITTEN` of such texts.
        number: The canonical value of any other cell.
    """

    def read(cells: pl.Series) -> pl.Series:
        frame = cells.alias("cell").to_frame().lazy()
        value = frame.select(number(pl.col("cell")).alias("value")).collect(engine="in-memory").to_series()
        written = pl.DataFrame({"value": value}).select(
            match=pl.when(pl.col("value").is_not_null()).then(pl.lit("exact")), value="value"
        )
        text = text_of(cells)
        # Digits alone are one number, and telling so costs a tenth of looking for a pattern.
        odd = text.cast(pl.UInt64, strict=False).is_null().arg_true()
        rows = odd.filter(text.gather(odd).str.contains(special).fill_null(value=False))
        if len(rows):
            few = forms(text.gather(rows))
            written = written.with_columns(written[name].scatter(rows, few[name]) for name in ("match", "value"))
        return written.to_struct(cells.name)

    return cell.map_batches(read, return_dtype=WRITTEN, is_elementwise=True)
