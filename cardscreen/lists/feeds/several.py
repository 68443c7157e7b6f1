"""Cells of a list that hold several listings: numbers, and ranges among them, which stay whole."""

from __future__ import annotations

import polars as pl

from cardscreen.foundation.lookup.digits import marked, replaced
from cardscreen.kinds.kind import Kind
from cardscreen.tables.cells import to_text

_BETWEEN = r"[,，;；、|\r\n]"  # what separates listings, and stands in none
_NARROW = 10_000  # numbers between ends that are surely those of a range
_ROUND = "000-[+]?[0-9]*999$"  # ends that no two numbers have


def listings_in(cells: pl.Series, kind: Kind) -> pl.Series | None:
    """The parts of each cell, as lists of text; None where the kind takes no cell apart.

    `13800138000 - 13800138009` is a range, as in cells that are not taken apart. Ends that are far from each other,
    and not round, are two numbers.

    Args:
        cells: As the source has them.
        kind: What is in them.
    """
    taken_apart = kind.split(pl.col("cell"))
    if taken_apart is None:
        return None
    rows = cells.alias("cell").to_frame()
    parts = rows.select(taken_apart).to_series()
    cut = (parts.list.len() > 1).fill_null(value=False).arg_true()
    pieces = rows.select(pl.lit(cut).alias("row"), cell=to_text(pl.col("cell").gather(cut)))
    pieces = pieces.with_columns(pl.col("cell").str.replace_all(_BETWEEN, "\n").str.split("\n")).explode("cell")
    pieces = pieces.with_columns(pl.col("cell").str.strip_chars())
    read = pieces.with_row_index("nth").select("nth", "row", read=kind.written(pl.col("cell"))).unnest("read")
    ranges = read.filter(pl.col("match").cast(pl.String) == "range")
    ranges = ranges.filter(~kind.is_too_wide(pl.col("value"), _NARROW) | pl.col("value").str.contains(_ROUND))
    if ranges.is_empty():
        return parts
    pieces = pieces.with_columns(whole=marked(len(pieces), ranges["nth"])).filter(
        pl.col("row").is_in(ranges["row"].implode())
    )
    listed = pieces.select("row", parts=pl.when("whole").then(pl.concat_list("cell")).otherwise(taken_apart))
    listed = listed.explode("parts").drop_nulls().group_by("row", maintain_order=True).agg("parts")
    return replaced(parts, listed["row"], listed["parts"])
