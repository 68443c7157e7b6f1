"""All benchmarks with a ratio, one after another: their ratios beside the committed ones, and what got slower.

    python benchmarks/run.py                 # all: three quarters of an hour of a quiet machine, 6 GB of disk
    python benchmarks/run.py phone screening # some
    python benchmarks/run.py --small         # each on little, to see that it runs: its ratios mean nothing
    python benchmarks/run.py --write         # commit what was measured: benchmarks/ratios.toml

Ratios are against a peer in the same run, so another machine's are comparable, though not equal. Exit code 1 where one
is worse by more than a tenth than the committed one, or is missing; with `--small` only where it is missing.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
RATIOS = HERE / "ratios.toml"
WORSE = 0.1


@dataclass(frozen=True)
class Ratio:
    """A ratio that a benchmark prints.

    Attributes:
        name: What it is of.
        pattern: Where it stands in the output, as the first group.
        lower: Whether less is better.
    """

    name: str
    pattern: str
    lower: bool = False


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: its arguments for little, and its ratios; on how many threads it runs, all where it doesn't say."""

    small: Sequence[str]
    ratios: Sequence[Ratio]
    threads: int | None = None


def _of_lines(pattern: str, **names: str) -> list[Ratio]:
    """A ratio on each of some lines, by how these begin."""
    return [Ratio(name.replace("_", " "), f"(?m)^{re.escape(begins)}{pattern}") for name, begins in names.items()]


_READ = r".*?(\d+) x phonenumbers with its pattern cache"
BENCHMARKS = {
    "phone": Benchmark(
        ["20000"],
        _of_lines(
            _READ,
            as_published="as published",
            clean_mobiles="clean national",
            half_written="half written",
            all_regions="all regions",
        )
        + _of_lines(r".*?cache, in columns +(\d+) x", clean_mobiles_in_columns="clean national"),
        threads=1,
    ),
    "card": Benchmark(
        ["20000"],
        _of_lines(
            r".*?([\d.]+) x stdnum",
            check_digits="luhn_ok",
            all_fields="cs.card, all fields, plain text",
            grouped="cs.card, all fields, text with spaces",
        ),
        threads=1,
    ),
    "wallet": Benchmark(
        ["20000"], _of_lines(r".*?(\d+) x", bitcoin="cs.wallet, bitcoin", bech32="cs.wallet, bech32"), 1
    ),
    "identifiers": Benchmark(
        ["2000"],
        _of_lines(r".*: (\d+) times", iban="iban", imei="imei", imsi="imsi", iccid="iccid", resident_id="resident_id")
        + _of_lines(
            r".*and (\d+) times as keys",
            iban_keys="iban",
            imei_keys="imei",
            imsi_keys="imsi",
            iccid_keys="iccid",
            resident_id_keys="resident_id",
        ),
        threads=1,
    ),
    "screening": Benchmark(
        ["--accounts", "100000", "--listings", "10000"],
        [
            Ratio("raw text to flags, x the floor", r"raw text to flags.*= ([\d.]+) x both", lower=True),
            Ratio("x DuckDB on clean keys", r"raw text to flags takes ([\d.]+) x as long", lower=True),
        ],
    ),
    "lists": Benchmark(
        ["20000"],
        [
            Ratio("first import, x Polars", r"(?m)^first import.*?([\d.]+) x", lower=True),
            Ratio("next day's import, x Polars", r"(?m)^next day's import.*?([\d.]+) x", lower=True),
        ],
    ),
    "report": Benchmark(["20000"], [Ratio("page, x Polars as CSV", r"takes ([\d.]+) times as long", lower=True)]),
    "rings": Benchmark(
        ["--accounts", "100000"], [Ratio("rings, x the screening", r"= ([\d.]+) x the screening", lower=True)]
    ),
    "spark": Benchmark(
        ["--accounts", "100000", "--listings", "10000"],
        [Ratio("x one machine", r"= ([\d.]+) x one machine", lower=True)],
    ),
    "night": Benchmark(
        ["--sizes", "100000", "200000"],
        [Ratio("an account of most, x of fewer", r"(?s).*per account at [\d,]+ = (-?[\d.]+) x", lower=True)],
    ),
}


def measured(name: str, *, small: bool) -> Iterator[tuple[Ratio, float | None]]:
    """Run one, and read its ratios; None of one that is not there."""
    benchmark = BENCHMARKS[name]
    arguments = benchmark.small if small else []
    env = dict(os.environ)
    if benchmark.threads:
        env["POLARS_MAX_THREADS"] = str(benchmark.threads)
    done = subprocess.run(
        [sys.executable, HERE / f"{name}.py", *arguments], env=env, stdout=subprocess.PIPE, text=True, check=False
    )
    for ratio in benchmark.ratios:
        found = re.search(ratio.pattern, done.stdout) if not done.returncode else None
        yield ratio, float(found[1].replace(",", "")) if found else None


def judged(ratio: Ratio, now: float | None, before: float | None) -> str:
    """What is to be said of a ratio; nothing where all is as it was, or better."""
    if now is None:
        return "missing"
    if before is None:
        return "new"
    change = (now - before) / before if ratio.lower else (before - now) / before
    return f"worse by {change:.0%}" if change > WORSE else ""


def main() -> int:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    options.add_argument("--small", action="store_true", help="on little, to see that all run")
    options.add_argument("--write", action="store_true", help="commit what was measured")
    said = options.parse_args()
    if unknown := [name for name in said.names if name not in BENCHMARKS]:
        options.error(f"there is no {unknown[0]!r}: there are {', '.join(BENCHMARKS)}")
    committed = tomllib.loads(RATIOS.read_text()) if RATIOS.exists() else {}
    wrong: list[str] = []
    for name in said.names or BENCHMARKS:
        begun = time.perf_counter()
        for ratio, now in measured(name, small=said.small):
            before = None if said.small else committed.get(name, {}).get(ratio.name)
            verdict = judged(ratio, now, before)
            was, told = (f"{each:,.2f}" if each is not None else "" for each in (before, now))
            print(f"{name:12} {ratio.name:32} {was:>10} {told:>10}  {verdict}", flush=True)
            if verdict.startswith(("missing", "worse")):
                wrong.append(f"{name}: {ratio.name} is {verdict}")
            if now is not None:
                committed.setdefault(name, {})[ratio.name] = now
        print(f"{name:12} took {time.perf_counter() - begun:.0f} s", flush=True)
    for each in wrong:
        print(each, file=sys.stderr)
    if said.write and not said.small:
        parts = (
            f"[{name}]\n" + "".join(f'"{of}" = {ratio}\n' for of, ratio in told.items())
            for name, told in committed.items()
        )
        RATIOS.write_text("# By `python benchmarks/run.py --write`.\n\n" + "\n".join(parts))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
