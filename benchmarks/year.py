"""A year of nights with derived lists on: suspicion must not grow by itself.

    python benchmarks/year.py                 # 365 nights
    python benchmarks/year.py --nights 150

Accounts hang together in long chains: each shares its device with the one before, and its phone with the one behind, so
that a suspicion that fed on itself would run along them. The police lists a few each night, and forgets them after some
weeks; accounts come and go. Every night is run, its leads are found and published by rule, as the loosest settings let
them. In the last weeks the police lists nobody. Exit code 1 where those who are flagged by derived lists alone become
more while those whom the police lists stay as many, or where anybody is still flagged at the end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

import cardscreen as cs
from cardscreen.leads.finding import find, office_of
from cardscreen.leads.settings import Leads
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file

ACCOUNTS, CHAIN = 2_000, 40  # and how many hang together
LISTED_A_NIGHT, LASTS = 2, 30  # days
QUIET = 75  # nights at the end: longer than a listing, and then a derived one, can last
BEGUN = date(2025, 1, 1)
JOB = """
timezone = "UTC"
[accounts]
path = "accounts.parquet"
[identifiers]
mobile = { kind = "phone", region = "CN" }
device = { kind = "opaque", name = "device" }
own = { kind = "opaque", name = "own" }
[blocklist]
store = "lists"
[output]
report = false
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
released_share = 1
new_suspend = 1
flagged_gone_share = 1
accounts_shrink = 1
accounts_grow = 1
"""
LEADS = """
job = "job.toml"
[rings]
links = { mobile = 5, device = 5 }
min_listed = 1
min_share = 0.05
expires_after_days = 30
accept = "rule"
"""
FEED = Feed(
    source="police",
    kind="opaque",
    severity=90,
    columns={"value": "value"},
    limits={"shrink_share": 1, "grow_share": 1e9},
)


def accounts_of(ids: list[int]) -> pl.DataFrame:
    """Chains: 0 and 1 share a device, 1 and 2 a phone, 2 and 3 a device."""
    table = pl.DataFrame({"id": ids})
    at = pl.col("id")
    return table.select(
        account_id=pl.format("A{}", at),
        mobile=(13_900_000_000 + (at + 1) // 2).cast(pl.String),
        device=pl.format("D{}", at // 2),
        own=pl.format("own:{}", at),
    ).with_columns(
        # Where a chain ends, the phone is nobody else's.
        mobile=pl.when(pl.Series(ids) % CHAIN == CHAIN - 1)
        .then(pl.lit("1380000") + (pl.Series(ids) // CHAIN).cast(pl.String).str.zfill(4))
        .otherwise("mobile")
    )


def play(folder: Path, nights: int) -> list[tuple[int, int]]:
    """Night by night: accounts that the police lists, and that only derived lists flag."""
    rng = np.random.default_rng(11)
    (folder / "job.toml").write_text(JOB)
    (folder / "leads.toml").write_text(LEADS)
    store, until = cs.Store(folder / "lists"), dict[int, date]()
    there = sorted(rng.choice(ACCOUNTS, ACCOUNTS * 9 // 10, replace=False).tolist())
    told = list[tuple[int, int]]()
    for night in range(nights):
        day = BEGUN + timedelta(days=night)
        if night < nights - QUIET:
            until |= {int(each): day + timedelta(days=LASTS) for each in rng.choice(there, LISTED_A_NIGHT)}
        gone = set(rng.choice(there, 4, replace=False).tolist())  # whoever leaves may come back one day
        away = sorted(set(range(ACCOUNTS)) - set(there))
        there = sorted((set(there) - gone) | set(rng.choice(away, 4, replace=False).tolist()))
        accounts_of(there).write_parquet(folder / "accounts.parquet")
        listed = sorted(each for each, last in until.items() if last >= day)
        pl.DataFrame({"value": [f"own:{each}" for each in listed]}, schema={"value": pl.String}).write_parquet(
            folder / "police.parquet"
        )
        import_file(folder / "police.parquet", FEED, store, as_of=day, allow=["empty"])
        run = cs.run_job(cs.Job.read(folder / "job.toml"), as_of=day)
        leads = Leads.read(folder / "leads.toml")
        find(leads)
        office_of(leads).publish(allow=["shrink", "grow"])
        flags = run.result.flagged.collect()
        outside = flags.filter(pl.col("sources").list.contains("police"))
        told.append((len(outside), len(flags) - len(outside)))
    return told


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nights", type=int, default=365)
    nights: int = options.parse_args().nights
    if nights < QUIET + 60:
        options.error(f"give {QUIET + 60} nights or more")
    with tempfile.TemporaryDirectory() as folder:
        told = play(Path(folder), nights)
    steady = told[35 : nights - QUIET]
    parts = [steady[at * len(steady) // 4 : (at + 1) * len(steady) // 4] for at in range(4)]
    print(f"{nights} nights, {ACCOUNTS:,} accounts in chains of {CHAIN}")
    ratios = []
    for at, part in enumerate(parts, 1):
        outside, derived = (sum(each[side] for each in part) / len(part) for side in (0, 1))
        ratios.append(derived / outside)
        counts = f"{outside:6.1f} listed by the police, {derived:6.1f} by derived lists alone"
        print(f"  part {at}: {counts}: {ratios[-1]:.2f} x")
    print(f"  at the end, {QUIET} nights without new listings: {told[-1][0]} and {told[-1][1]}")
    grows = ratios[-1] > 1.2 * ratios[0] or told[-1] != (0, 0)
    print("suspicion grows by itself" if grows else "suspicion does not grow by itself")
    sys.exit(grows)


if __name__ == "__main__":
    main()
