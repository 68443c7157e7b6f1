"""Small files that stand for large ones are refused in a sentence, soon, and in little memory.

All of them are given to one process that may have little, since starting one takes longer than most refusals.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_MOST = 1 << 30  # bytes of memory
_SPACE = 6 << 30  # bytes of addresses, of which the engine takes many more than it uses
_RUN = """
import json, resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
from commands import cardscreen
for name, arguments in json.load(sys.stdin).items():
    begun = time.monotonic()
    done = cardscreen(*arguments, cwd=Path.cwd())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([name, done.code, done.err, time.monotonic() - begun, peak]), flush=True)
"""
_FEED = 'source = "police"\nkind = "phone"\nregion = "CN"\ncolumns.value = "number"\n'
#: Of each file its name, what is in it, the exit code, and what is said.
_Bomb = tuple[str, Callable[[Path], object], int, str]


def _text(content: str) -> Callable[[Path], object]:
    return lambda file: file.write_text(content)


_OF_FEEDS: list[_Bomb] = [
    (
        "lists.toml",
        _text("a = " + "[" * 50_000),
        2,
        "lists.toml, line 1: more than 32 tables, lists and parts of a key",
    ),
    ("tables.toml", _text("a = " + "{a=" * 30_000), 2, "more than 32 tables, lists and parts of a key in each other"),
    ("dots.toml", _text(f"\n{'.'.join('a' * 50_000)} = 1"), 2, "dots.toml, line 2: more than 32 tables, lists and"),
    ("header.toml", _text(f"[{'.'.join('a' * 50_000)}]"), 2, "more than 32 tables, lists and parts of a key"),
    ("keys.toml", _text("\n".join(f"k{n} = 1" for n in range(60_000))), 2, "line 50001: more than 50,000 keys"),
    ("large.toml", _text("# a comment\n" * 200_000), 2, "more than 1,048,576 characters"),
]
_OF_LISTS: list[_Bomb] = []
_OF_ACCOUNTS: list[_Bomb] = []


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Of each file what came of it: exit code, what was said, seconds, and the most memory so far."""
    folder, commands = tmp_path_factory.mktemp("bombs"), {}
    (folder / "feed.toml").write_text(_FEED)
    (folder / "list.csv").write_text("number\n13800138000\n")
    for name, make, *_ in [*_OF_FEEDS, *_OF_LISTS, *_OF_ACCOUNTS]:
        make(folder / name)
    for name, *_ in _OF_FEEDS:
        commands[name] = ["list", "import", "list.csv", "--feed", name, "--store", "store"]
    for name, *_ in _OF_LISTS:
        commands[name] = ["list", "import", name, "--feed", "feed.toml", "--store", "store"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, str(_SPACE)],
        cwd=folder,
        env=environment,
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return {name: rest for name, *rest in map(json.loads, ran.stdout.splitlines())}


@pytest.mark.parametrize("bomb", [*_OF_FEEDS, *_OF_LISTS, *_OF_ACCOUNTS], ids=lambda bomb: bomb[0])
def test_a_small_file_that_stands_for_a_large_one_is_refused_in_a_sentence(
    bomb: _Bomb, done: dict[str, list[Any]]
) -> None:
    name, _, code, said = bomb
    assert name in done, "the process was ended by this file, or by one before"
    was, told, seconds, peak = done[name]
    assert (was, said in told) == (code, True), told
    assert len(told.strip().splitlines()) == 1
    assert (seconds < 10, peak < _MOST) == (True, True), (seconds, peak)
