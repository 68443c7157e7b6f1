"""Screening at scale: raw text to flags, against the least that Polars could do, and against what is written today.

    python benchmarks/screening.py                    # 10 million accounts, a million listings
    python benchmarks/screening.py --scale            # memory and time up to 100 million accounts (3 GB of disk)
    python benchmarks/screening.py --scale --most 20  # the same up to 20 million

An account has one phone and one card, written as in the field: 60 % of the phones are plain digits, the others have
a country code, spaces or hyphens; 80 % of the cards are plain, the others are in groups, and some are truncated. A
thousandth of the accounts is listed. The floor reads the same columns of text, and semi-joins clean integer keys of
the same rows, which somebody would have had to make first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import phonenumbers
import polars as pl
from stdnum import luhn

import cardscreen as cs
from cardscreen.foundation.cards.luhn import luhn_ok
from cardscreen.foundation.lookup.digits import Keys
from cardscreen.kinds.kind import Kind
from cardscreen.lists import keyed
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.screening.hits.evidence import near_in
from cardscreen.screening.scan import BATCH
from cardscreen.screening.targets import Cells, Targets

DAY = date(2026, 11, 24)
IDENTIFIERS: dict[str, Kind] = {"mobile": cs.Phone("CN"), "card_no": cs.Card()}
FILE_ROWS = 5_000_000
LISTED = 1_000  # one account in so many
MILLION = 1_000_000
TEXT = ["account_id", "mobile", "card_no"]


# --- the world --------------------------------------------------------------------------------------


def grouped(digits: pl.Expr, by: str) -> pl.Expr:
    """A card number as it is embossed."""
    return pl.concat_str(*(digits.str.slice(at, 4) for at in (0, 4, 8, 12)), separator=by)


def with_check_digit(body: pl.Expr) -> pl.Expr:
    """Sixteen digits that pass Luhn, of fifteen: the last digit is tried from 0 to 9."""
    tries = [pl.when(luhn_ok(body * 10 + digit)).then(body * 10 + digit) for digit in range(10)]
    return pl.coalesce(tries)


def accounts_of(start: int, rows: int) -> pl.DataFrame:
    """Some accounts, with the keys that somebody might have cleaned before."""
    rng = np.random.default_rng([7, start])
    phone = 13_000_000_000 + rng.integers(0, 6 * 10**9, rows)
    body = 622_200_000_000_000 + rng.integers(0, 10**11, rows)
    random = {name: rng.random(rows) for name in ("r", "q")}
    account_id = np.arange(start, start + rows)
    frame = pl.DataFrame({"account_id": account_id, "p": phone, "b": body, **random}).with_columns(
        card_key=with_check_digit(pl.col("b").cast(pl.UInt64))
    )
    p, c = pl.col("p").cast(pl.String), pl.col("card_key").cast(pl.String)
    parts = [p.str.slice(0, 3), p.str.slice(3, 4), p.str.slice(7)]
    mobile = (
        pl.when(pl.col("r") < 0.60).then(p)
        .when(pl.col("r") < 0.75).then("+86" + p)
        .when(pl.col("r") < 0.85).then(pl.concat_str(*parts, separator=" "))
        .when(pl.col("r") < 0.93).then("+86 " + pl.concat_str(*parts, separator="-"))
        .when(pl.col("r") < 0.97).then("0086" + p)
        .when(pl.col("r") < 0.99).then(None)
        .otherwise(pl.lit("n/a"))
    )  # fmt: skip
    card_no = (
        pl.when(pl.col("q") < 0.80).then(c)
        .when(pl.col("q") < 0.92).then(grouped(c, " "))
        .when(pl.col("q") < 0.97).then(grouped(c, "-"))
        .when(pl.col("q") < 0.99).then(None)
        .otherwise(c.str.head(6) + "******" + c.str.tail(4))
    )  # fmt: skip
    phone_key = pl.col("p").cast(pl.UInt64) + 86 * 10**11
    return frame.select("account_id", "card_key", mobile=mobile, card_no=card_no, phone_key=phone_key)


def make_accounts(folder: Path, rows: int) -> list[Path]:
    """Files of accounts; those that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for start in range(0, rows, FILE_ROWS):
        file = folder / f"{start:012}-{min(FILE_ROWS, rows - start)}.parquet"
        if not file.exists():
            accounts_of(start, min(FILE_ROWS, rows - start)).write_parquet(file, row_group_size=250_000)
        files.append(file)
    return files


def listings_of(file: Path, count: int) -> pl.DataFrame:
    """Half phones and half cards; one account in a thousand of the first file is listed."""
    rng = np.random.default_rng(count)
    known = pl.read_parquet(file, columns=["phone_key", "card_key"]).gather_every(LISTED).head(count // 2)
    more = count // 2 - len(known)
    others = pl.Series(8613_000_000_000 + rng.integers(0, 6 * 10**9, more), dtype=pl.UInt64)
    phones = pl.concat([known["phone_key"], others])
    bodies = pl.DataFrame({"b": 622_300_000_000_000 + rng.integers(0, 10**11, more)}).cast(pl.UInt64)
    cards = pl.concat([known["card_key"], bodies.select(with_check_digit(pl.col("b"))).to_series()])
    frames = [
        pl.select(kind=pl.lit("phone"), value="+" + phones.unique().cast(pl.String)),
        pl.select(kind=pl.lit("card"), value=cards.unique().cast(pl.String)),
    ]
    return pl.concat(frames).with_columns(source=pl.lit("police"), severity=pl.lit(80, dtype=pl.UInt8))


def make_store(folder: Path, file: Path, count: int) -> Path:
    """A store of such listings, if it is not there already."""
    store = folder / f"lists-{count}"
    if not store.exists():
        listed = listings_of(file, count)
        for kind in IDENTIFIERS.values():
            part = folder / f"{kind.name}.parquet"
            listed.filter(pl.col("kind") == kind.name).write_parquet(part)
            feed = Feed(source=f"{kind.name}s", kind=kind.name, store_as="plain", columns={"value": "value"})
            import_file(part, feed, cs.Store(store), as_of=DAY)
            part.unlink()
    return store


# --- what is measured -------------------------------------------------------------------------------


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def floor(files: list[Path], listed: pl.DataFrame) -> tuple[float, float]:
    """Seconds to read the columns of text, and to semi-join clean keys."""
    keys = listed.group_by("kind").agg(pl.col("value").str.strip_prefix("+").cast(pl.UInt64))
    phones, cards = (
        keys.filter(pl.col("kind") == kind).select(pl.col("value").explode().alias(name)).lazy()
        for kind, name in (("phone", "phone_key"), ("card", "card_key"))
    )
    read = pl.scan_parquet(files).select(pl.col("account_id").sum(), pl.col("mobile", "card_no").str.len_bytes().sum())
    joined = [
        pl.scan_parquet(files).select("account_id", name).join(listed_keys, on=name, how="semi")
        for name, listed_keys in (("phone_key", phones), ("card_key", cards))
    ]
    return seconds(read.collect), seconds(lambda: pl.collect_all(joined))


def screen(files: list[Path], blocklist: cs.Blocklist) -> cs.Result:
    return cs.screen(pl.scan_parquet(files), blocklist, IDENTIFIERS, as_of=DAY)


def batches(files: list[Path], columns: list[str]) -> Iterator[pl.DataFrame]:
    return pl.scan_parquet(files).select(columns).collect_batches(chunk_size=BATCH, maintain_order=True)


def stages(file: Path, blocklist: cs.Blocklist) -> dict[str, float]:
    """Nanoseconds of one thread a row, of each step of the pass, on the rows of one file."""
    table = pl.read_parquet(file, columns=TEXT, n_rows=8 * BATCH)
    parts = list(table.iter_slices(BATCH))
    in_force = keyed.of_day(blocklist.compiled, DAY)
    told = {}
    for name, kind in IDENTIFIERS.items():
        targets, found = (
            Targets.of(kind.name, in_force, near_in(blocklist.lazy)),
            [kind.keys_of(part.select(name)).keys for part in parts],
        )

        def cells(keys: Keys) -> Cells:
            return Cells(keys, keys > 0, lambda: keys)

        def normalise(name: str = name, kind: Kind = kind) -> None:
            for part in parts:
                kind.keys_of(part.select(name))

        def look_up(targets: Targets = targets, found: list[Keys] = found) -> None:
            for keys in found:
                targets.may_match(cells(keys))

        told[f"keys of {name}"], told[f"look-up of {name}"] = (
            min(seconds(step) for _ in range(3)) / len(table) * 1e9 for step in (normalise, look_up)
        )
    return told


# --- against what is written today --------------------------------------------------------------------


def loop_of_today(frame: pd.DataFrame, phones: set[str], cards: set[str]) -> int:
    """Pandas and a loop: what a script does."""
    hits = 0
    for mobile, card_no in zip(frame["mobile"], frame["card_no"], strict=True):
        try:
            number = phonenumbers.parse(mobile, "CN") if mobile else None
        except phonenumbers.NumberParseException:
            number = None
        value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else None
        pan = card_no.replace(" ", "").replace("-", "") if card_no else ""
        hits += value in phones or (luhn.is_valid(pan) and pan in cards)
    return hits


def sql_of_today(files: list[Path], listed: pl.DataFrame) -> int:
    """DuckDB on keys that somebody has cleaned."""
    keys = listed.select("kind", key=pl.col("value").str.strip_prefix("+").cast(pl.UInt64)).to_arrow()
    with duckdb.connect() as base:
        base.register("listed", keys)
        query = """
            select count(*) from read_parquet($files) as a
            where a.phone_key in (select key from listed where kind = 'phone')
               or a.card_key in (select key from listed where kind = 'card')"""
        row = base.execute(query, {"files": [str(file) for file in files]}).fetchone()
    return int(row[0]) if row else 0


# --- the two reports ----------------------------------------------------------------------------------


def against_the_floor(folder: Path, accounts: int, listings: int) -> None:
    files = make_accounts(folder, accounts)
    listed = listings_of(files[0], listings)
    blocklist = cs.Blocklist.from_frame(listed)
    screen(files[:1], blocklist)
    rounds = [(floor(files, listed), seconds(lambda: screen(files, blocklist))) for _ in range(4)]
    read, join = (min(of_floor[at] for of_floor, _ in rounds) for at in (0, 1))
    mine = min(taken for _, taken in rounds)
    result = screen(files, blocklist)
    print(f"{accounts:,} accounts, {len(listed):,} listings, {pl.thread_pool_size()} threads")
    print(f"  reading the text                {read:6.2f} s")
    print(f"  semi-joins of clean keys        {join:6.2f} s")
    print(f"  raw text to flags               {mine:6.2f} s = {mine / (read + join):.2f} x both")
    print(f"  accounts a second               {accounts / mine / MILLION:6.1f} M")
    print("of which, in ns of one thread a row:")
    for name, taken in {"reading": 2 * read / accounts * 1e9, **stages(files[0], blocklist)}.items():
        print(f"  {name:30}  {taken:6.0f}")
    told = result.summary["seconds"]
    hits = result.summary["hits"]["rows"]
    print(f"evidence: {told['evidence']:.2f} s, policy: {told['policy']:.2f} s, for {hits:,} hits")

    some = 20_000
    frame = pd.read_parquet(files[0], columns=TEXT).head(some).replace({np.nan: None})
    phones, cards = (set(listed.filter(pl.col("kind") == kind)["value"]) for kind in ("phone", "card"))
    loop = seconds(lambda: loop_of_today(frame, phones, cards)) / some * accounts
    print(f"pandas and a loop with phonenumbers: {loop:.0f} s by {some:,} rows = {loop / mine:.0f} x as long")
    duck = min(seconds(lambda: sql_of_today(files, listed)) for _ in range(3))
    print(f"DuckDB on keys cleaned before: {duck:.2f} s; raw text to flags takes {mine / duck:.1f} x as long")


def once(files: list[Path], store: Path) -> dict[str, Any]:
    """One screening in a process of its own, for its peak memory."""
    names = [str(file) for file in files]
    done = subprocess.run([sys.executable, __file__, "--once", str(store), *names], stdout=subprocess.PIPE, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def told_once(store: str, files: list[str]) -> None:
    """What `once` reads: seconds from the accounts' files to flags, the lists being open, and the peak in MiB."""
    blocklist = cs.Store(store).blocklist()
    begun = time.perf_counter()
    summary = screen([Path(file) for file in files], blocklist).summary
    print(json.dumps({"seconds": time.perf_counter() - begun, "peak": max(summary["peak_memory_mib"].values())}))


def scale(folder: Path, most: int) -> None:
    """Accounts times listings: time and memory."""
    # By another process: what this one holds would count as the peak of those that it starts.
    subprocess.run([sys.executable, __file__, "--make", str(folder), str(most * MILLION)], check=True)
    files = make_accounts(folder, most * MILLION)
    print(f"{'accounts':>10} {'listings':>10} {'seconds':>8} {'M/s':>6} {'peak MiB':>9}")
    sizes = [accounts for accounts in (10, 20, 50, 100) if accounts <= most]
    for accounts, listings in [*((accounts, 10) for accounts in sizes), *((accounts, 1) for accounts in sizes[1:])]:
        store = make_store(folder, files[0], listings * MILLION)
        told = once(files[: accounts * MILLION // FILE_ROWS], store)
        rate = accounts / told["seconds"]
        print(f"{accounts:8} M {listings:8} M {told['seconds']:8.1f} {rate:6.1f} {told['peak']:9,}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--accounts", type=int, default=10 * MILLION)
    options.add_argument("--listings", type=int, default=MILLION)
    options.add_argument("--scale", action="store_true", help="time and memory up to many accounts")
    options.add_argument("--most", type=int, default=100, help="millions of accounts, with --scale")
    options.add_argument("--folder", type=Path, help="where the accounts are made, and stay")
    options.add_argument("--once", nargs="+", help=argparse.SUPPRESS)
    options.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    said = options.parse_args()
    if said.make:
        make_accounts(Path(said.make[0]), int(said.make[1]))
        return None
    if said.once:
        return told_once(said.once[0], said.once[1:])
    with tempfile.TemporaryDirectory() as temporary:
        folder = said.folder or Path(temporary)
        if said.scale:
            return scale(folder, said.most)
        return against_the_floor(folder, said.accounts, said.listings)


if __name__ == "__main__":
    main()
