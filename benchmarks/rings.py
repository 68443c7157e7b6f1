"""Rings behind listed accounts, against the screening of the same accounts, and against networkx for truth.

    python benchmarks/rings.py                      # 10 million accounts with three columns that link
    python benchmarks/rings.py --accounts 1000000

An account has a phone, a card and a device. One in fifty shares its device with a neighbour, as families do; ten
thousand gangs of four to twelve share a device, a phone or a card, and some of each are listed; a hundred values are
carried by a thousand accounts each. One account in a thousand is listed besides. The peak of memory is that of a
process that searches for rings and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl

import cardscreen as cs
from cardscreen.foundation.cards.luhn import luhn_ok
from cardscreen.kinds.kind import Kind

MILLION = 1_000_000
LINKS = {"mobile": 20, "card_no": 5, "device": 10}
KINDS: dict[str, Kind] = {"mobile": cs.Phone("CN"), "card_no": cs.Card(), "device": cs.Opaque("device")}
DAY = "2026-11-28"
_KEY = cs.TokenKey("0" * 64)
_PART = 1_000_000


def cards_of(bodies: pl.Series) -> pl.Series:
    """Sixteen digits that pass Luhn, of fifteen."""
    tries = [pl.when(luhn_ok(pl.col("b") * 10 + digit)).then(pl.col("b") * 10 + digit) for digit in range(10)]
    return pl.DataFrame({"b": bodies}).select(pl.coalesce(tries).cast(pl.String)).to_series()


def make(folder: Path, rows: int) -> tuple[list[Path], Path]:
    """Files of accounts, and one of the ids of listed ones."""
    rng = np.random.default_rng(5)
    gangs = rows // 1000
    size = rng.integers(4, 13, gangs)
    members = rng.choice(rows, int(size.sum()), replace=False)
    gang_of = np.repeat(np.arange(gangs), size)
    column_of = rng.integers(0, 3, gangs)
    crowd = rng.choice(rows, rows // 100, replace=False)
    listed = pl.Series(members).filter(pl.Series(rng.random(len(members)) < 0.5))
    listed = pl.concat([listed, pl.Series(rng.choice(rows, rows // 1000, replace=False))]).unique()
    files = []
    of_member = pl.DataFrame({"id": members, "gang": gang_of, "column": column_of[gang_of]})
    of_crowd = pl.DataFrame({"id": crowd, "crowd": np.arange(len(crowd)) % max(rows // 100_000, 1)}).unique("id")
    for start in range(0, rows, _PART):
        ids = np.arange(start, min(start + _PART, rows))
        family = np.where(rng.random(len(ids)) < 0.02, ids // 2 * 2, ids)
        frame = pl.DataFrame({"id": ids, "family": family})
        frame = frame.join(of_member, on="id", how="left").join(of_crowd, on="id", how="left")
        frame = frame.with_columns(
            mobile=pl.when(pl.col("column") == 0).then(90_000_000 + pl.col("gang")).otherwise(pl.col("id")),
            card=pl.when(pl.col("column") == 1).then(900_000_000 + pl.col("gang")).otherwise(pl.col("id")),
            device=pl.when(pl.col("crowd").is_not_null())
            .then(pl.format("switch-{}", "crowd"))
            .when(pl.col("column") == 2)
            .then(pl.format("gang-{}", "gang"))
            .otherwise(pl.format("d-{}", "family")),
        )
        card = cards_of((622_202_000_000_000 + frame["card"].cast(pl.UInt64)).cast(pl.UInt64))
        mobile = (13_000_000_000 + frame["mobile"]).cast(pl.String)
        file = folder / f"{start:012}.parquet"
        frame.select(
            account_id=pl.col("id"), mobile=pl.Series(mobile), card_no=pl.Series(card), device="device"
        ).write_parquet(file, row_group_size=250_000)
        files.append(file)
    place = folder / "listed.ipc"
    pl.DataFrame({"account_id": listed.sort()}).write_ipc(place)
    return files, place


def found(files: list[str], listed: str) -> cs.Rings:
    ids = pl.read_ipc(listed)["account_id"]
    return cs.find_rings(pl.scan_parquet(files), ids, LINKS, identifiers=KINDS, tokens=_KEY, as_of=DAY)


def once(listed: str, files: list[str]) -> None:
    """One search in a process of its own."""
    import resource

    begun = time.perf_counter()
    rings = found(files, listed)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    counts = {name: getattr(rings, name).collect().height for name in ("rings", "members", "proposals")}
    print(json.dumps({"seconds": seconds, "peak": peak, **counts}))


def screening(files: list[Path], listed: Path) -> float:
    """Seconds of a screening of the three columns against as many listings as accounts are listed."""
    ids = pl.read_ipc(listed)
    some = pl.scan_parquet(files).join(ids.lazy(), on="account_id", how="semi").select("mobile").collect()
    blocklist = cs.Blocklist.from_frame(some.select(kind=pl.lit("phone"), value="+86" + pl.col("mobile")).unique())
    cs.screen(pl.scan_parquet(files[:1]), blocklist, KINDS, as_of=DAY)
    begun = time.perf_counter()
    cs.screen(pl.scan_parquet(files), blocklist, KINDS, as_of=DAY)
    return time.perf_counter() - begun


def truth(files: list[Path], listed: Path) -> set[frozenset[int]]:
    """The rings by networkx: all accounts, all values, breadth first from the listed."""
    table = pl.read_parquet(files)
    ids = set(pl.read_ipc(listed)["account_id"])
    graph: Any = nx.Graph()
    for column, most in LINKS.items():
        carriers = table.group_by(column).agg("account_id").filter(pl.col("account_id").list.len().is_between(2, most))
        for value, accounts in carriers.rows():
            graph.add_edges_from(((column, value), account) for account in accounts)
    near = nx.multi_source_dijkstra_path_length(graph, [each for each in ids if each in graph], cutoff=4)
    within = graph.subgraph(near)
    # A value that is three hops away links accounts that are two links away: it is past the last step.
    kept = within.subgraph(each for each in within if not isinstance(each, tuple) or near[each] < 4)
    rings = set()
    for part in nx.connected_components(kept):
        accounts = {each for each in part if not isinstance(each, tuple)}
        if len(accounts & ids) >= 2 and len(accounts & ids) >= 0.3 * len(accounts):
            rings.add(frozenset(accounts))
    return rings


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--accounts", type=int, default=10 * MILLION)
    options.add_argument("--once", nargs="+", help=argparse.SUPPRESS)
    said = options.parse_args()
    if said.once:
        return once(said.once[0], said.once[1:])
    with tempfile.TemporaryDirectory() as temporary:
        files, listed = make(Path(temporary), said.accounts)
        names = [str(file) for file in files]
        done: list[dict[str, Any]] = []
        for _ in range(2):
            told = subprocess.run(
                [sys.executable, __file__, "--once", str(listed), *names], stdout=subprocess.PIPE, check=True
            )
            done.append(json.loads(told.stdout))
        mine = min(done, key=lambda each: each["seconds"])
        screened = min(screening(files, listed) for _ in range(2))
        print(f"{said.accounts:,} accounts with three columns that link, {pl.thread_pool_size()} threads")
        print(f"  screening them      {screened:6.1f} s")
        print(f"  finding the rings   {mine['seconds']:6.1f} s = {mine['seconds'] / screened:.1f} x the screening")
        print(f"  peak memory         {mine['peak']:6,} MiB")
        counts = ", ".join(f"{mine[name]:,} {name}" for name in ("rings", "members", "proposals"))
        print(f"  found               {counts}")
        small = files[:1]
        table = pl.read_parquet(small)
        own = pl.read_ipc(listed).filter(pl.col("account_id").is_in(table["account_id"].implode()))
        place = Path(temporary, "own.ipc")
        own.write_ipc(place)
        members = found([str(file) for file in small], str(place)).members.collect()
        ours = {frozenset(ids) for ids in members.group_by("ring_id").agg("account_id")["account_id"].to_list()}
        same = ours == truth(small, place)
        print(
            f"  the first {len(table):,}: {len(ours):,} rings, {'the same' if same else 'NOT THE SAME'} as by networkx"
        )
        sys.exit(not same)


if __name__ == "__main__":
    main()
