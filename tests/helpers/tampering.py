"""Flips bits and rewrites records, to see whether what is read is what was written."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cardscreen as cs


def flip(file: Path, dice: random.Random) -> None:
    """Another bit somewhere in a file."""
    content = bytearray(file.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def outcomes(
    place: Path, files: Sequence[Path], look: Callable[[Path], Any], work: Path, dice: random.Random, times: int
) -> Counter[str]:
    """How often a look at a copy of a folder, in one file of which a bit was flipped, gave what.

    `refused`, in a sentence; `same`; or, which must never be, `another` or the name of an error that is no sentence.
    """
    wanted, told = look(place), Counter[str]()
    for _ in range(times):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(place, work, symlinks=True)
        flip(work / dice.choice(files).relative_to(place), dice)
        try:
            told["same" if look(work) == wanted else "another"] += 1
        except cs.CardscreenError as error:
            told["refused" if str(error) and "\n" not in str(error) else "no sentence"] += 1
        except BaseException as error:  # an engine's panic is no Exception
            told[type(error).__name__] += 1
    return told


def commits(store: Path) -> list[Path]:
    """The log of a store."""
    return sorted((store / "_delta_log").glob("*.json"))


def rewrite_commit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a commit says of itself."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if "commitInfo" in line:
            change(line["commitInfo"])
    file.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")


def as_of_old(store: Path) -> None:
    """A store as earlier releases have left it: without digests."""

    def forget(commit: dict[str, Any]) -> None:
        record = json.loads(commit["cardscreen"])
        del record["files"], commit["cardscreen_sha256"]
        commit["cardscreen"] = json.dumps(record)

    for file in commits(store):
        rewrite_commit(file, forget)
