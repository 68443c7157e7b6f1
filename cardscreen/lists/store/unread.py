"""Rows of a snapshot that can't be read, beside the listings that no other row names.

A damaged cell is no word of the source that a listing has ended: its case number may still stand beside it, or its
digits in the midst of a remark.
"""

from __future__ import annotations

import polars as pl

from cardscreen.foundation.lookup.digits import marked
from cardscreen.kinds.phone.several import CODES

#: What is known of rows that can't be read.
UNREAD = {"line": pl.UInt32, "reference": pl.String, "digits": pl.String}
_FEWEST = 7  # digits that are in no other number by chance
_OF_ONE_CASE = 10  # listings for each row; where more are missing, what they have in common is no case


def perhaps_told(unread: pl.DataFrame, listings: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Which listings may be told in rows that can't be read, and the lines of these.

    Args:
        unread: `UNREAD`.
        listings: value, match, reference: those that no row names that can be read.
    """
    references, values = _by_reference(unread, listings), _by_digits(unread, listings)
    numbers = values["number"].unique()
    is_kept = listings["reference"].is_in(references.implode()).fill_null(value=False)
    is_kept |= marked(len(listings), numbers)
    lines = unread.filter(
        pl.col("reference").is_in(references.implode()) | pl.col("line").is_in(values["line"].implode())
    )
    return is_kept, lines["line"].unique().sort()


def _by_reference(unread: pl.DataFrame, listings: pl.DataFrame) -> pl.Series:
    """The references that such rows and listings have in common, but for those that are no case's."""
    rows, missing = (table.drop_nulls("reference").group_by("reference").len() for table in (unread, listings))
    both = rows.join(missing, on="reference", suffix="_missing")
    return both.filter(pl.col("len_missing") <= _OF_ONE_CASE * pl.col("len"))["reference"]


def _by_digits(unread: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    """line, number: single numbers, by their place among the listings, whose digits stand whole in such a row."""
    whole, code = pl.col("value").str.extract(r"^\+?([0-9]+)$"), rf"^\+(?:{CODES})([0-9]+)$"
    single = listings.lazy().with_row_index("number").filter(pl.col("match") == "exact")
    written = single.select("number", pl.concat_list(whole, pl.col("value").str.extract(code)).alias("digits"))
    sought = written.explode("digits").filter(pl.col("digits").str.len_bytes() >= _FEWEST).collect()
    pieces = [_pieces(unread, size) for size in sought["digits"].str.len_bytes().unique()]
    found = (sought.join(each, on="digits").select("line", "number") for each in pieces)
    return pl.concat([pl.DataFrame(schema={"line": pl.UInt32, "number": pl.UInt32}), *found])


def _pieces(unread: pl.DataFrame, size: int) -> pl.DataFrame:
    """line, digits: all that stands so many digits long in a row."""
    length = pl.col("digits").str.len_bytes()
    rows = unread.filter(length >= size).select("line", "digits", at=pl.int_ranges(length - size + 1))
    return rows.explode("at").select("line", pl.col("digits").str.slice(pl.col("at"), size)).unique()
