"""Bits that flip anywhere in a store, in runs and their chain, and in the cache: refused in a sentence, or harmless.

Run: python benchmarks/attacks.py [how many flips] [the first seed]. A quarter of the flips goes to each: what is read
of a store, what a night takes from its base, what `audit` passes, and what is screened with a damaged cache. The tests
flip some hundred. Exit code 1 where any read something else than what was written, or failed without a sentence.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))

import polars as pl
from commands import cardscreen
from small_operator import published, two_nights
from small_store import take
from tampering import flip, outcomes

import cardscreen as cs
from cardscreen.lists.store.table import Store
from cardscreen.runs import chain
from cardscreen.runs.record import Base

FLIPS, NIGHTS = 2_000, 12
_HARMLESS = {"same", "refused", "found"}


def a_store(work: Path, dice: random.Random, times: int) -> Counter[str]:
    """A store with two sources and a past: all listings and the record of its newest version."""
    for night in range(NIGHTS):
        take(work, [night, night + 1], source=("bank", "police")[night % 2])

    def known(place: Path) -> Any:
        store = Store(place)
        return store.listings().collect().sort("listing_id").rows(), store.at().record

    files = [file for file in _files(work / "lists") if file.name != ".lock"]
    return outcomes(work / "lists", files, known, work / "copy", dice, times)


def a_base(work: Path, dice: random.Random, times: int) -> Counter[str]:
    """A run and the chain: what the next night reads of it."""
    two_nights(work)
    latest = published(work)[-1]

    def base(place: Path) -> Any:
        read = Base.read(place / latest.name)
        return read.as_of, read.summary, [table.collect().rows() for table in (read.flags, read.hits, read.standing)]

    files = [*_files(latest), work / "runs" / chain.FILE]
    return outcomes(work / "runs", files, base, work / "copy", dice, times)


def an_audit(work: Path, dice: random.Random, times: int) -> Counter[str]:
    """A run and the chain: whether `audit` finds it, and says so in a sentence."""
    two_nights(work)
    files, told = [*_files(published(work)[-1]), work / "runs" / chain.FILE], Counter[str]()
    for _ in range(times):
        file = dice.choice(files)
        content = file.read_bytes()
        flip(file, dice)
        done = cardscreen("audit", "runs", cwd=work)
        told["found" if done.code == 3 and "Traceback" not in done.err else f"exit code {done.code}"] += 1
        file.write_bytes(content)
    return told


def a_cache(work: Path, dice: random.Random, times: int) -> Counter[str]:
    """Compiled listings in the cache, and what is screened with them."""
    take(work, list(range(40)))
    accounts = pl.DataFrame({"account_id": range(40), "mobile": [f"138001380{at:02}" for at in range(40)]})
    cache = work / "cache"
    os.environ["CARDSCREEN_CACHE_DIR"] = str(cache)

    def screened(_: Path) -> Any:
        listed = Store(work / "lists").blocklist()
        return cs.screen(accounts, listed, {"mobile": cs.Phone("CN")}, as_of=date(2026, 12, 1)).hits.collect().rows()

    wanted, told = screened(cache), Counter[str]()
    kept = [file for file in _files(cache) if "lists" in file.parts or "listings" in file.name]
    shutil.copytree(cache, work / "kept")
    for _ in range(times):
        shutil.rmtree(cache)
        shutil.copytree(work / "kept", cache)
        flip(dice.choice(kept), dice)
        try:
            told["same" if screened(cache) == wanted else "another"] += 1
        except cs.CardscreenError:
            told["refused"] += 1
        except BaseException as error:  # an engine's panic is no Exception
            told[type(error).__name__] += 1
    return told


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def attacked(flips: int, seed: int) -> Iterator[tuple[str, Counter[str]]]:
    """What came of the flips in each place."""
    places: list[Callable[[Path, random.Random, int], Counter[str]]] = [a_store, a_base, an_audit, a_cache]
    for place in places:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield (
                place.__name__.removeprefix("a_").removeprefix("an_"),
                place(Path(folder), random.Random(seed), flips // len(places)),  # nosec B311 # repeatable
            )


def main() -> None:
    """Flip them all."""
    said = [int(each) for each in sys.argv[1:]]
    flips, seed = [*said, *(FLIPS, 0)[len(said) :]]
    wrong = False
    for place, told in attacked(flips, seed):
        print(f"{place:6} {dict(told)}")
        wrong |= not told.keys() <= _HARMLESS
    sys.exit(wrong)


if __name__ == "__main__":
    main()
