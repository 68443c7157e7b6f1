"""Phone parsing against `phonenumbers` and, where it is installed, `rphonenumbers`.

Run it with one thread: `POLARS_MAX_THREADS=1 python benchmarks/phone.py [how many strings]`. All figures of a line come
from the same strings in the same run; the packages read a sample of them, since they are slow. Times are
those of the processor, which other programs on the machine hardly change.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberFormat, PhoneNumberType

import cardscreen as cs
from cardscreen.kinds.phone.numbering import lookup, reference

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
PUBLISHED, SAMPLE = min(ROWS, 200_000), min(ROWS, 15_000)
_RNG = np.random.default_rng(7)


def as_published() -> pl.DataFrame:
    """Numbers of all regions, each row with its own, in the ways in which business numbers are published.

    Of 800,000 such cells of 84 regions four in five were punctuated, one in seven plain digits, 3.7 % began with 00 and
    2.8 % with a plus, 2.3 % were two numbers without anything between them, 1.6 % two or more with a separator, as many
    held no digit, and some an extension.
    """
    rng = random.Random(7)  # nosec B311 # repeatable
    shown: dict[str, list[tuple[str, str]]] = {}
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                forms = (PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL)
                national, abroad = (phonenumbers.format_number(number, form) for form in forms)
                shown.setdefault(region, []).append((national, abroad))

    def fresh(text: str) -> str:
        """With other digits at the end."""
        return re.sub(r"\d(?=(?:\D*\d){0,2}\D*$)", lambda _: rng.choice("0123456789"), text)

    def cell(region: str) -> str:
        national, abroad = map(fresh, rng.choice(shown[region]))
        other = fresh(rng.choice(shown[region])[0])
        plain, second = (re.sub(r"\D", "", each) for each in (national, other))
        ways = {
            national: 73.0, plain: 15.4, "00" + re.sub(r"\D", "", abroad): 3.7, abroad: 2.8, plain + second: 2.3,
            f"{national}{rng.choice([', ', ' / ', '; ', ','])}{other}": 1.6,
            rng.choice(["NULL", "n/a", "NOT AVAILABLE", "() -"]): 0.9,
            f"{national} {rng.choice(['ext.', 'x', 'Ext'])} {rng.randint(10, 9999)}": 0.3,
        }  # fmt: skip
        return rng.choices([*ways], [*ways.values()])[0]

    regions = rng.choices(sorted(shown), k=PUBLISHED)
    return pl.DataFrame({"phone": [cell(region) for region in regions], "region": regions})


def clean_mobiles() -> pl.Series:
    """Plain national mobile numbers of China."""
    heads = _RNG.choice([130, 135, 138, 139, 150, 158, 159, 176, 186, 188, 189, 199], ROWS)
    return pl.Series("phone", heads * 10**8 + _RNG.integers(0, 10**8, ROWS)).cast(pl.String)


def half_written() -> pl.Series:
    """The same, half of them with punctuation, country code or IDD prefix."""
    digits = pl.col("phone")
    form = pl.Series("form", _RNG.choice(8, ROWS))
    parts = digits.str.slice(0, 3), digits.str.slice(3, 4), digits.str.slice(7)
    return (
        clean_mobiles()
        .to_frame()
        .select(
            pl.when(form == 0)
            .then(pl.concat_str(*parts, separator=" "))
            .when(form == 1)
            .then(pl.concat_str(*parts, separator="-"))
            .when(form == 2)
            .then(pl.concat_str(pl.lit("+86 "), digits))
            .when(form == 3)
            .then(pl.concat_str(pl.lit("0086"), digits))
            .otherwise(digits)
            .alias("phone")
        )
        .to_series()
    )


def all_regions() -> pl.DataFrame:
    """Numbers made from the example numbers of all regions: half national, half international."""
    rows: list[tuple[str, str, str]] = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                national = phonenumbers.national_significant_number(number)
                rows.append((national[:-4], region, f"+{number.country_code}"))
    made = pl.DataFrame(rows, schema=["head", "region", "code"], orient="row")
    made = made[pl.Series(_RNG.integers(0, len(made), ROWS))]
    tail = pl.Series("tail", _RNG.integers(10_000, 20_000, ROWS)).cast(pl.String).str.slice(1)
    abroad = pl.Series("abroad", _RNG.choice([True, False], ROWS))
    front = pl.when(abroad).then(pl.concat_str("code", "head")).otherwise("head")
    return made.select(pl.concat_str(front, tail).alias("phone"), "region")


def per_string(work: Callable[[], Any], strings: int, times: int = 3) -> float:
    """Seconds for one string: the best of some runs."""
    best = float("inf")
    for _ in range(times):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best / strings


def compare(name: str, frame: pl.DataFrame, region: str | None) -> Callable[[], None]:
    """One line of the report: nanoseconds a string, and ratios.

    Returns:
        What prints the ratio against `phonenumbers` once more, for when its pattern cache is on.
    """
    where: str | pl.Expr = pl.col("region") if region is None else region
    kind = cs.Phone(region_column="region") if region is None else cs.Phone(region)
    lazy = frame.lazy()
    ours = per_string(lambda: lazy.select(cs.phone("phone", where)).collect(engine="streaming"), len(frame))
    fields = lazy.select(cs.phone("phone", where).alias("read")).unnest("read")
    columns = per_string(fields.collect, len(frame))
    screen = per_string(lambda: kind.keys_of(frame), len(frame))
    sample = frame.sample(SAMPLE, seed=1)
    strings = sample["phone"].to_list()
    regions = [region] * SAMPLE if region else sample["region"].to_list()
    theirs = per_string(lambda: [reference.answer(*pair) for pair in zip(strings, regions, strict=True)], SAMPLE, 2)
    rust = _rust(strings, regions)
    told = lookup.tell(frame["phone"], region or frame["region"])
    line = f"{name:32}{ours * 1e9:7.0f} ns  {theirs / ours:6.0f} x phonenumbers"
    line += f"  {rust / ours:5.1f} x rphonenumbers" if rust else ""
    line += f"  | in columns {columns * 1e9:4.0f} ns {theirs / columns:5.0f} x"
    line += f"  | key only {screen * 1e9:5.0f} ns {theirs / screen:6.0f} x"
    print(line + f"  | asked {len(told.rows) / len(frame):.4%}")

    def again() -> None:
        cached = per_string(lambda: [reference.answer(*pair) for pair in zip(strings, regions, strict=True)], SAMPLE, 2)
        line = f"{name:32}{cached / ours:6.0f} x phonenumbers with its pattern cache"
        print(f"{line}, in columns {cached / columns:6.0f} x, key only {cached / screen:6.0f} x")

    return again


def _rust(strings: Sequence[str], regions: Sequence[str]) -> float | None:
    try:
        import rphonenumbers  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        return None
    parser: Any = rphonenumbers

    def each() -> None:
        for text, region in zip(strings, regions, strict=True):
            try:
                number = parser.parse(text, region)
            except Exception:  # nosec B112 # no number
                continue
            parser.format_number(number, parser.PhoneNumberFormat.E164)
            parser.is_valid_number(number)
            parser.region_code_for_number(number)
            parser.number_type(number)

    return per_string(each, len(strings), 2)


_FIRST = """
import random, time, polars as pl, cardscreen as cs
pl.DataFrame({"phone": ["1"]}).select(pl.col("phone").cast(pl.UInt64), cs.card("phone").alias("card"))
cs.phone
begun = time.process_time()
for cell in ("13800138000", "+442079460958"):
    pl.DataFrame({"phone": [cell]}).select(cs.phone("phone", "CN"))
    print(time.process_time() - begun)
from cardscreen.kinds.phone.numbering import reference
strings = [f"13{random.randrange(10**9):09}" for _ in range(15_000)]
begun = time.process_time()
for each in strings:
    reference.answer(each, "CN")
print((time.process_time() - begun) * 10)
"""
_IMPORT = """
import time, polars
begun = time.process_time()
import cardscreen
print(time.process_time() - begun)
cardscreen.phone
print(time.process_time() - begun)
"""
_HELP = """
import sys, time
from cardscreen.cli.app import main
sys.argv = ["cardscreen", "--help"]
try:
    main()
finally:
    print(time.process_time())
"""
_MEMORY = """
import phonenumbers, polars as pl, cardscreen as cs
held = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
cell = pl.DataFrame({"phone": ["13800138000"]})
cell.write_parquet("warm.parquet")
pl.read_parquet("warm.parquet").select(pl.col("phone").cast(pl.UInt64), cs.card("phone").alias("card"))
cs.phone
before = held()
for regions in (["CN"], phonenumbers.SUPPORTED_REGIONS):
    for region in regions:
        cell.select(cs.phone("phone", region))
    print(held() - before)
    cell.select(cs.phone("+" + pl.col("phone")))
"""


def in_new_process(code: str, folder: str) -> list[str]:
    """Lines that some code prints in an interpreter that keeps its tables in a folder."""
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CARDSCREEN_CACHE_DIR": folder},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.splitlines()


def start_up() -> None:
    """What comes before the first answer, in new processes, and the memory that the tables take."""
    with tempfile.TemporaryDirectory() as cache:
        for name in ("cold", "warm"):
            national, abroad, theirs = map(float, in_new_process(_FIRST, cache))
            print(f"first number, {name} cache: {national:.2f} s, with one from abroad {abroad:.2f} s:", end=" ")
            print(f"{national / theirs:.2f} and {abroad / theirs:.2f} of what phonenumbers needs for 150,000 strings")
        in_new_process("from cardscreen.kinds.phone.numbering import upkeep; upkeep.warm()", cache)
        one, all_ = map(float, in_new_process(_MEMORY, cache))
        print(f"memory: {one:.0f} MB for one region and the plan, {all_:.0f} MB for all regions")
        loaded, used = min([float(line) for line in in_new_process(_IMPORT, cache)] for _ in range(3))
        shown = min(float(in_new_process(_HELP, cache)[-1]) for _ in range(3))
        print(f"import: {loaded:.3f} s on top of polars, {used:.2f} s with cs.phone; cardscreen --help: {shown:.2f} s")


if __name__ == "__main__":
    lines = [
        compare("as published, a region a row", as_published(), None),
        compare("clean national mobiles", clean_mobiles().to_frame(), "CN"),
        compare("half written or abroad", half_written().to_frame(), "CN"),
        compare("all regions mixed", all_regions(), None),
    ]
    real = os.environ.get("CARDSCREEN_REAL_DATA")
    for file in sorted(Path(real).glob("*_phones.parquet")) if real else ():
        cells = pl.read_parquet(file).select(phone="raw", region="region")
        lines.append(compare(f"{file.stem}, a region a row", cells, None))
    if hasattr(phonenumbers, "enable_pattern_cache"):
        phonenumbers.enable_pattern_cache()
        for line in lines:
            line()
    if len(sys.argv) == 1:
        start_up()
