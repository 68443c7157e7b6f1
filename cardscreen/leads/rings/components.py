"""Which accounts hang together, and which name of the night before their group goes by."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import numpy as np
import polars as pl


def components(links: pl.DataFrame) -> pl.DataFrame:
    """The connected components of accounts and values (scipy.sparse.csgraph).

    Args:
        links: account (any type), kind, value (String): who carries what.

    Returns:
        account, component (Int32), one row for each account.

    Example:
        >>> links = pl.DataFrame({"account": ["a", "b", "c"], "kind": ["opaque"] * 3, "value": ["x:1", "x:1", "x:2"]})
        >>> components(links)["component"].to_list()
        [0, 0, 1]
    """
    # They take a third of a second to load, and few commands need them.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    accounts = links["account"].unique().sort()
    at_account = pl.DataFrame({"account": accounts}).with_row_index("from")
    at_value = links.select("kind", "value").unique().sort("kind", "value").with_row_index("to", offset=len(accounts))
    edges = links.join(at_account, on="account").join(at_value, on=["kind", "value"])
    size = len(accounts) + len(at_value)
    ends = edges["from"].to_numpy(), edges["to"].to_numpy()
    graph = coo_array((np.ones(len(edges), dtype=np.int8), ends), shape=(size, size))
    _, labels = connected_components(graph.tocsr(), directed=False)
    return pl.DataFrame({"account": accounts, "component": labels[: len(accounts)].astype(np.int32)})


def named(members: pl.DataFrame, earlier: pl.DataFrame, day: date) -> pl.DataFrame:
    """The names of rings: each has that of the earlier ring with which it shares most accounts.

    Of several such the oldest; a name goes to one ring only, the one that shares most with it.

    Args:
        members: component, account.
        earlier: ring_id, first_found (Date), account (of the same type): the rings of the time before.
        day: The day on which a new ring is found.

    Returns:
        component, ring_id (String), first_found (Date).
    """
    # What decides between equals is their accounts, and not the order in which they come.
    least = members.group_by("component").agg(least=pl.col("account").cast(pl.String).min())
    shared = (
        members.join(earlier, on="account")
        .group_by("component", "ring_id", "first_found")
        .agg(common=pl.len())
        .join(least, on="component")
        .sort("common", "first_found", "ring_id", "least", descending=[True, False, False, False])
    )
    taken: dict[int, tuple[str, date]] = {}
    names = set(earlier["ring_id"])
    given = set[str]()
    for component, ring_id, first_found, *_ in shared.rows():
        if component not in taken and ring_id not in given:
            taken[component] = (ring_id, first_found)
            given.add(ring_id)
    # The least account comes first, so that names don't hang on the order of the accounts.
    of_component = members.group_by("component").agg(pl.col("account").cast(pl.String).sort()).sort("account")
    for component, accounts in of_component.rows():
        if component not in taken:
            ring_id = _new_name(accounts, names | given)
            taken[component] = (ring_id, day)
            given.add(ring_id)
    rows = [(component, *name) for component, name in sorted(taken.items())]
    types: dict[str, Any] = {"component": members.schema["component"], "ring_id": pl.String, "first_found": pl.Date}
    return pl.DataFrame(rows, schema=types, orient="row")


def _new_name(accounts: list[str], known: set[str]) -> str:
    """A name that follows from the accounts, so that the same night finds the same; none that an earlier ring has."""
    digest = hashlib.sha256("\0".join(accounts).encode())
    while (name := f"R{digest.hexdigest()[:10]}") in known:
        digest.update(b"again")
    return name
