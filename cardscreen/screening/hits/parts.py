"""What follows for the rows that may match: an account's evidence and decision, a part of the accounts after another.

So what is known of many accounts needs no more memory than that of a part; and once too many are flagged, nobody
needs the evidence: whoever looks at such a night needs its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from cardscreen.screening.hits.matches import NOT_JUDGED, Decisions, carriers_of, matches, strongest
from cardscreen.screening.summary import figures
from cardscreen.screening.tally import Tally

#: Accounts whose cells, and matches of them, that are in memory at once.
PART, MATCHES = 100_000, 500_000
_FIRST = 200  # values
_PLACE = "\0place"
_OF_VALUE = ["kind", "value"]

_Read = Callable[[pl.DataFrame], pl.DataFrame]
_Find = Callable[[pl.DataFrame], pl.DataFrame]


def judged(
    rows: pl.DataFrame,
    account_id: str,
    read: _Read,
    evidence: Callable[[pl.DataFrame], _Find],
    decide: Callable[[pl.DataFrame], Decisions],
    most: float,
    most_hits: int,
) -> tuple[pl.DataFrame, pl.DataFrame, Tally]:
    """Flags, hits and figures.

    Args:
        rows: Accounts that may match.
        account_id: The column that names them.
        read: As `matches.cells_of`, of rows.
        evidence: Of a part's values, what tells of some of them what `evidence.evidence` does.
        decide: As `matches.decide`, of matches.
        most: How many flagged accounts are enough: rows of further parts are counted as `not_judged`, and so are
            their cells, of each column.
        most_hits: Of how many listings for each number.
    """
    parts = _by_account(rows, account_id)
    whole = read(rows) if len(parts) == 1 else None
    carriers = _carriers(parts, read) if whole is None else carriers_of(whole)
    flagged, hits, came_out, live = list[pl.DataFrame](), list[pl.DataFrame](), Tally(), 0
    for at, part in enumerate(parts):
        if live > most:
            came_out.update(_left(pl.concat(parts[at:]), read))
            break
        cells = (read(part) if whole is None else whole).join(carriers, on=_OF_VALUE)
        pairs = _collected(cells.select(_OF_VALUE).unique(), evidence, most_hits)
        for some in _few_enough(cells, pairs):
            matched, left_out = matches(some, pairs, most_hits)
            decisions = decide(matched)
            flagged.append(decisions.flagged)
            hits.append(decisions.hits)
            came_out.update(figures(matched, decisions))
            came_out.add(left_out, "left_out")
            live += len(decisions.flagged.filter(pl.col("level") != "none"))
    return pl.concat(flagged), pl.concat(hits), came_out


def _collected(values: pl.DataFrame, evidence: Callable[[pl.DataFrame], _Find], most: int) -> pl.DataFrame:
    """As `strongest`: of the first values, which tell how many listings each has, then of as many as are few enough."""
    find, parts, at, size = evidence(values), list[pl.DataFrame](), 0, _FIRST
    while at < len(values) or not parts:
        pairs = find(values.slice(at, size))
        parts.append(strongest(pairs, most))
        at, size = at + size, max(1, MATCHES * size // max(len(pairs), size))
    return pl.concat(parts)


def _few_enough(cells: pl.DataFrame, pairs: pl.DataFrame) -> Sequence[pl.DataFrame]:
    """The cells in parts of whole accounts that have so many matches, or little more; one part at least."""
    if len(pairs) <= MATCHES and len(cells) <= MATCHES:
        return [cells]
    listed = pairs.group_by(_OF_VALUE).len()
    of_account = cells.join(listed, on=_OF_VALUE).group_by("account_id").agg(pl.col("len").sum()).sort("account_id")
    place = of_account.select("account_id", _place=pl.col("len").cum_sum() // MATCHES)
    placed = cells.join(place, on="account_id")
    parts = placed.sort("_place", maintain_order=True).partition_by("_place", include_key=False, maintain_order=True)
    return parts or [cells.clear()]


def _by_account(rows: pl.DataFrame, account_id: str) -> Sequence[pl.DataFrame]:
    """The rows in parts of so many accounts, which rise from one part to the next; one at least."""
    ids = rows.select(pl.col(account_id).unique().sort())
    if len(ids) <= PART:
        return [rows]
    place = ids.with_columns(pl.int_range(pl.len()).floordiv(PART).alias(_PLACE))
    placed = rows.join(place, on=account_id, maintain_order="left").sort(_PLACE, maintain_order=True)
    return placed.partition_by(_PLACE, include_key=False, maintain_order=True)


def _carriers(parts: Sequence[pl.DataFrame], read: _Read) -> pl.DataFrame:
    """As `carriers_of`, of cells that are let go."""
    counted = pl.concat(carriers_of(read(part)) for part in parts)
    return counted.group_by(_OF_VALUE).agg(pl.col("carried_by").sum())


def _left(rows: pl.DataFrame, read: _Read) -> Tally:
    left = Tally()
    left.add(len(rows), NOT_JUDGED)
    for column, count in read(rows)["identifier"].value_counts().rows():
        left.add(count, NOT_JUDGED, column)
    return left
