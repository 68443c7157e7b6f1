"""Screening in Spark on this machine, against the same without Spark, and against a Python UDF.

    python benchmarks/spark.py                          # 20 million accounts, a million listings, local[2]
    python benchmarks/spark.py --listings 10000000 --folder world    # another size; the world stays for the next time
    python benchmarks/spark.py --partitions             # the pass by the size of partitions besides

Accounts and listings are those of `screening.py --scale`. What Spark's transport takes is measured by a function that
does nothing with the batches that it gets. `docs/how-to/spark.md` derives from these figures what a cluster needs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import phonenumbers
import polars as pl
import pyarrow as pa
from screening import DAY, IDENTIFIERS, MILLION, TEXT, make_accounts, make_store

import cardscreen as cs
from cardscreen import spark
from cardscreen.screening.workers.bundle import Bundle, Opened

CORES = 2
JAVA = "-XX:+UseParallelGC"  # as docs/how-to/spark.md advises
TIMES = 3  # of which the best counts
UDF_ROWS = 40_000
SPLIT_MB, OTHERS_MB = 128, (24, 6, 2)  # of the accounts' files a partition


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def best(work: Callable[[], Any]) -> float:
    return min(seconds(work) for _ in range(TIMES))


def into_nothing(frame: Any) -> None:
    frame.write.format("noop").mode("overwrite").save()


def swallow(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What transport to a Python worker costs, and nothing else."""
    for _ in batches:
        pass
    return iter(())


def number_of(cell: str | None) -> str | None:
    """What a row-at-a-time UDF does: the number as the reference library reads it."""
    try:
        number = phonenumbers.parse(cell, "CN") if cell else None
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else None


def accounts_in(session: Any, files: list[Path], megabytes: int = SPLIT_MB) -> Any:
    session.conf.set("spark.sql.files.maxPartitionBytes", str(megabytes * MILLION))
    return session.read.parquet(*map(str, files)).select(*TEXT)


def screened(accounts: Any, blocklist: cs.Blocklist) -> dict[str, float]:
    """Seconds by stage."""
    with spark.screen(accounts, blocklist, IDENTIFIERS, as_of=DAY) as found:
        told: dict[str, float] = found.summary["seconds"]
    return told


def of_bundle(blocklist: cs.Blocklist, day: date) -> str:
    """What a worker loads: size, and seconds until it can look up."""
    with tempfile.TemporaryDirectory() as folder:
        bundle: list[Bundle] = []

        def write() -> None:
            bundle.append(Bundle.write(folder, blocklist, day, list(IDENTIFIERS.values()), [], {}))

        written = seconds(write)
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
        sealed = sum(file.stat().st_size for file in Path(folder).glob("*.sealed"))
        opened = Opened(bundle[0], lambda name: str(Path(folder, name)))
        loaded = seconds(lambda: opened.targets)
    return (
        f"written in {written:.1f} s, {size / MILLION:,.0f} MB, of which {sealed / MILLION:,.0f} MB sealed; "
        f"a worker has read them in {loaded:.2f} s"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--accounts", type=int, default=20 * MILLION)
    options.add_argument("--listings", type=int, default=MILLION)
    options.add_argument("--folder", type=Path, help="where accounts and listings are made, and stay")
    options.add_argument("--partitions", action="store_true", help="the pass by the size of partitions, too")
    said = options.parse_args()
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    with tempfile.TemporaryDirectory() as temporary:
        folder = said.folder or Path(temporary)
        files = make_accounts(folder, said.accounts)
        blocklist = cs.Store(make_store(folder, files[0], said.listings)).blocklist()
        session = spark.session(
            f"local[{CORES}]",
            {"spark.ui.enabled": "false", "spark.driver.memory": "4g", "spark.driver.extraJavaOptions": JAVA},
        )
        report(session, files, blocklist, said.accounts)
        loop(session, files[0], blocklist, said.accounts)
        if said.partitions:
            by_partitions(session, files, blocklist, said.accounts)


def report(session: Any, files: list[Path], blocklist: cs.Blocklist, rows: int) -> None:
    million = rows / MILLION
    here = best(lambda: cs.screen(pl.scan_parquet(files).select(TEXT), blocklist, IDENTIFIERS, as_of=DAY))
    accounts = accounts_in(session, files)
    for _ in range(2):  # the first ones start the workers, and Java compiles what it runs often
        screened(accounts, blocklist)
    transport = best(lambda: into_nothing(accounts.mapInArrow(swallow, accounts.schema)))
    told = min((screened(accounts, blocklist) for _ in range(TIMES)), key=lambda each: sum(each.values()))
    whole = sum(told.values())
    print(f"{rows:,} accounts, {len(blocklist):,} listings, local[{CORES}], Spark {session.version}")
    print(f"  cs.screen                     {here:6.2f} s  {million / here:5.2f} M rows/s")
    print(f"  Arrow transport to Python     {transport:6.2f} s  {million / transport:5.2f} M rows/s")
    print(f"  spark.screen, the pass        {told['scan']:6.2f} s  {million / told['scan']:5.2f} M rows/s")
    print(f"  spark.screen, all             {whole:6.2f} s  {million / whole:5.2f} M rows/s", end="")
    print(f"  = {whole / here:.2f} x one machine, {here / whole:.2f} of its speed")
    print(f"    of which {', '.join(f'{stage} {taken:.2f} s' for stage, taken in told.items())}")
    print(f"the lists as files: {of_bundle(blocklist, DAY)}")


def loop(session: Any, file: Path, blocklist: cs.Blocklist, rows: int) -> None:
    """A Python UDF on the phones of some rows."""
    from pyspark.sql.functions import udf

    some = session.read.parquet(str(file)).select("mobile").limit(UDF_ROWS).repartition(CORES).persist()
    some.count()
    phones = blocklist.lazy.filter(pl.col("kind") == "phone").select("value").collect()
    known = session.sparkContext.broadcast(set(phones.to_series()))
    is_listed = udf(lambda cell: number_of(cell) in known.value, "boolean")
    taken = best(lambda: into_nothing(some.select(is_listed("mobile")))) * rows / UDF_ROWS
    print(f"a Python UDF with phonenumbers, of the phones alone: {taken:.0f} s by {UDF_ROWS:,} rows")


def by_partitions(session: Any, files: list[Path], blocklist: cs.Blocklist, rows: int) -> None:
    print("the pass by partitions:")
    for megabytes in (SPLIT_MB, *OTHERS_MB):
        parts = accounts_in(session, files, megabytes)
        count = parts.rdd.getNumPartitions()
        each = min(screened(parts, blocklist)["scan"] for _ in range(2))
        print(f"  {count:5} of {rows // count:10,} rows  {each:6.2f} s")


if __name__ == "__main__":
    main()
