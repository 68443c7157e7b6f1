"""Weeks of nights and lists by many throws of the dice, against an oracle and a system that does what the files say.

Run: python benchmarks/weeks.py [how many seeds] [the first]. The tests play twenty of them. Exit code 1, and
the seeds, where anybody was cut off untold or unlisted, or missed.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))

from nights_and_lists import NIGHTS, play

SEEDS = 500


def failing(seeds: range) -> Iterator[int]:
    """The seeds with which something goes wrong; why is printed."""
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            try:
                play(seed, Path(folder))
            except Exception:
                traceback.print_exc()
                yield seed


def main() -> None:
    """Play them all."""
    said = [int(each) for each in sys.argv[1:]]
    many, first = [*said, *(SEEDS, 0)[len(said) :]]
    wrong = list(failing(range(first, first + many)))
    print(f"{many} times {NIGHTS} nights: {f'wrong with the seeds {wrong}' if wrong else 'all as they should be'}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
