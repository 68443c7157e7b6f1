"""The end of an agreement: what was kept goes, and what was imported by it is listed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.exchange.agreement import Agreement, days
from cardscreen.exchange.home import Home, exchange_of, ledger_of
from cardscreen.exchange.matching import read_by
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.files import not_for_others
from cardscreen.kinds.kind import masked_by_kind
from cardscreen.lists.blocklist import stands
from cardscreen.lists.store.table import Store
from cardscreen.runs.folder import locked
from cardscreen.tables.writing import check, write

#: A listing that stands on an agreement.
STANDING = ["store", "source", "kind", "value", "match", "listed_on", "expires_on", "listing_id"]


def close(agreement: Agreement, stores: Sequence[str], out: Path | None, *, force: bool) -> dict[str, Any]:
    """Close an agreement on this side: its ledger stays, all else that was kept goes.

    One that was closed before stays as it was: what stands on it by now is told again.

    Args:
        agreement: The agreement; it may have ended.
        stores: Stores that may hold matches, beside those that the ledger knows of.
        out: Where to write the listings that stand on it, a .csv or .parquet file; None: they are only counted.
        force: Write over what is there.

    Raises:
        InputError: Nothing was exchanged under it here, or one of `stores` is not there.
    """
    ledger = ledger_of(agreement)
    lines = ledger.lines(agreement.id)
    if not lines:
        raise InputError(f"nothing was exchanged here under {agreement.id!r}: there is nothing to close")
    if out is not None:
        check(out, read_by(agreement), force=force)
    for named in stores:
        Store(named).at()  # what is misspelt must not look as if nothing stood there
    known = [line["store"] for line in lines if line.get("store") and Store(line["store"]).exists()]
    places = list(dict.fromkeys(each if "://" in each else str(Path(each).resolve()) for each in (*known, *stores)))
    with not_for_others(), locked(exchange_of(agreement), "step"):
        table = _standing(agreement, places)
        if out is not None:
            write(table, out, force=force)
        who = lines[-1]["who"]
        closed = ledger.closed(agreement.id)
        if closed is None:
            ledger.add(agreement.id, "close", who, 0, None, standing=len(table))
        Home(agreement, who).clear()
    counts = table.group_by("store", "source", maintain_order=True).len()
    return {
        "step": "close",
        "agreement": agreement.id,
        "closed_before": None if closed is None else closed[:10],
        "file": None if out is None else str(out),
        "stores": places,
        "standing": [{"store": store, "source": source, "listings": count} for store, source, count in counts.rows()],
    }


def _standing(agreement: Agreement, stores: Sequence[str]) -> pl.DataFrame:
    """`STANDING` of the listings that were imported by an agreement and hold, or will."""
    parts = [pl.DataFrame(schema=dict.fromkeys(STANDING, pl.String))]
    for place in stores:
        listed = Store(place).listings().filter(stands(*days()) & (pl.col("reference") == agreement.id))
        told = listed.with_columns(store=pl.lit(place), value=masked_by_kind(pl.col("kind"), pl.col("value")))
        parts.append(told.select(pl.col(name).cast(pl.String) for name in STANDING).collect())
    return pl.concat(parts).sort(STANDING)
