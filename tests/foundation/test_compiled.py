"""Compiled loops: kept for the next process, told apart by what they are made of, done without where they must be."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import cardscreen as cs
from cardscreen.foundation.lookup import compiled, compiling

TINY = """
from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.pointers import longs_at, part

STEP = {step}

@part
def more(number):
    return number + STEP

@loop
def add(numbers, count, sums):
    for at in range(count):
        longs_at(sums)[at] = more(longs_at(numbers)[at])
"""
#: Adds, and prints the sum and whether numba was there to compile.
USE = """
import os
import sys
import warnings
warnings.simplefilter("always")
if "CARDSCREEN_TEST_READ_ONLY" in os.environ and hasattr(os, "geteuid") and os.geteuid() == 0:
    from cardscreen.foundation import cache
    def refuse(*given, **named):
        raise OSError(30, "read-only")
    cache.write_whole = refuse  # root writes everywhere
import numpy as np
import tiny
sums = np.zeros(1, dtype=np.int64)
tiny.add(np.ones(1, dtype=np.int64), 1, sums)
print(sums[0], int("numba" in sys.modules))
"""


class Machine:
    """A folder with a tiny loop, and a cache."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"
        self.write(step=1)

    def write(self, step: int) -> None:
        (self.folder / "tiny.py").write_text(TINY.format(step=step))

    def start(self, **more: str) -> subprocess.Popen[str]:
        command = {"args": [sys.executable, "-B", "-c", USE], "cwd": self.folder, "text": True}
        env = {**os.environ, "CARDSCREEN_CACHE_DIR": str(self.cache), **more}
        return subprocess.Popen(**command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # type: ignore[call-overload,no-any-return]

    def use(self, **more: str) -> tuple[int, int, str]:
        """The sum, whether it was compiled for, and what was warned of."""
        done = self.start(**more)
        out, warned = done.communicate()
        assert done.returncode == 0, warned
        total, made = map(int, out.split())
        return total, made, warned

    def kept(self) -> list[Path]:
        return sorted(self.cache.glob("loops/*/*.loop"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_loop_is_compiled_once_and_loaded_by_the_next_process(machine: Machine) -> None:
    total, made, warned = machine.use()
    assert (total, warned) == (2, "")
    assert made
    assert machine.use() == (2, 0, "")
    assert len(machine.kept()) == 1
    assert machine.kept()[0].stat().st_mode & 0o777 == 0o600


def test_a_constant_of_a_part_makes_another_loop(machine: Machine) -> None:
    machine.use()
    machine.write(step=41)
    assert machine.use()[0] == 42
    assert len(machine.kept()) == 2


def test_a_damaged_loop_is_compiled_again(machine: Machine) -> None:
    machine.use()
    (path,) = machine.kept()
    path.write_bytes(path.read_bytes()[:-100])
    total, made, _ = machine.use()
    assert total == 2
    assert made
    assert machine.use() == (2, 0, "")


def test_what_others_could_write_is_not_even_read(machine: Machine, tmp_path: Path) -> None:
    machine.use()
    (path,) = machine.kept()
    trap = b"add\0\x7fELF"
    path.with_name(f"{path.name.split('.')[0]}.{hashlib.sha256(trap).hexdigest()}.loop").write_bytes(trap)
    path.unlink()
    path.parent.chmod(0o777)
    total, made, warned = machine.use()
    assert total == 2
    assert made
    assert "others can write" in warned
    assert len(machine.kept()) == 1  # the trap alone: nothing was put beside it


def test_several_processes_at_once_leave_one_sound_loop(machine: Machine) -> None:
    started = [machine.start() for _ in range(3)]
    assert all(each.communicate()[0].startswith("2 ") and each.returncode == 0 for each in started)
    assert len(machine.kept()) == 1
    assert machine.use() == (2, 0, "")


def test_where_nothing_can_be_kept_each_process_compiles_and_says_so_once(machine: Machine) -> None:
    machine.cache.write_text("in the way")
    total, made, warned = machine.use()
    assert total == 2
    assert made
    assert warned.count("RuntimeWarning") == 1
    assert "CARDSCREEN_CACHE_DIR" in warned


def test_a_read_only_cache_that_has_the_loop_is_used(machine: Machine) -> None:
    machine.use()
    for folder in (machine.cache, *machine.cache.rglob("*")):
        folder.chmod(0o500 if folder.is_dir() else 0o400)
    try:
        assert machine.use(CARDSCREEN_TEST_READ_ONLY="1") == (2, 0, "")
        machine.write(step=2)
        total, _, warned = machine.use(CARDSCREEN_TEST_READ_ONLY="1")
        assert total == 3
        assert "cannot be kept" in warned
    finally:
        for folder in machine.cache.rglob("*"):
            folder.chmod(0o700)


def test_loops_that_must_not_be_compiled_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    with pytest.raises(cs.ConfigError, match="NUMBA_DISABLE_JIT is set"):
        compiling.compiled(compiled.loop(lambda _count: None).function)


def test_loops_of_lists_and_of_all_kinds_are_prepared_whatever_was_imported_before() -> None:
    code = (
        "from cardscreen.cli.app import plan_build; from cardscreen.kinds.phone.numbering import upkeep; "
        "upkeep.warm = lambda regions: {}; plan_build([]); from cardscreen.foundation.lookup import compiled; "
        "print(sorted({each.function.__module__.split('.')[-1] for each in compiled._LOOPS if each._code}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loops = ["index", "iso_days", "luhn", "members", "places", "prefixes", "reading", "written"]
    assert done.stdout.splitlines()[-1] == str(loops)


def test_a_loop_takes_no_array_with_gaps() -> None:
    with pytest.raises(TypeError, match="side by side"):
        compiled.loop(lambda _count: None)(np.arange(4)[::2])
