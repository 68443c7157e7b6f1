"""What the tables leave open: asked once, by several processes where there is much of it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import polars as pl
import pytest

from cardscreen.kinds.phone.numbering import asking, lookup, reference

DICE = random.Random(4)
FRONTS, BACKS = ["", "+", "0", "ext 9 ", "電\n"], ["", " x12", '"', "ü😀"]
QUESTIONS = [
    (DICE.choice(FRONTS) + str(DICE.randrange(10**11)) + DICE.choice(BACKS), home)
    for home in ["CN", "US", None, "no region"] * 400
]
EXPECTED = [reference.answer(*question) for question in QUESTIONS]


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Help from the first string on, and of its own."""
    monkeypatch.setattr(asking, "MANY", 0)
    monkeypatch.setattr(asking, "_helpers", None)
    monkeypatch.setattr(pl, "thread_pool_size", lambda: 2)
    yield
    if asking._helpers is not None:
        asking._helpers.end()


def rows(questions: list[tuple[str, str | None]]) -> list[tuple[str | None, ...]]:
    asked = pl.DataFrame(questions, schema={"text": pl.String, "region": pl.String}, orient="row")
    return asking.answers(asked).rows()


def processes() -> list[subprocess.Popen[bytes]]:
    assert asking._helpers is not None
    return asking._helpers._started


@pytest.mark.parametrize("size", range(4, 19))  # of two digits behind a plus only libphonenumber can tell
def test_plain_digits_of_every_length_need_no_asking(size: int) -> None:
    cells = [front + str(DICE.randrange(10 ** (size - 1), 10**size))[len(front) :] for front in ("", "+") * 100]
    for home in ("US", "GB", "DE"):
        assert not len(lookup.tell(pl.Series(cells), home).rows)
        told = lookup.fields(pl.Series(cells), home).struct.unnest()
        expected = [reference.answer(cell, home) for cell in cells]
        assert told["e164"].to_list() == [number for number, *_ in expected]


def test_helpers_say_what_is_said_here(helpers: None) -> None:
    assert rows(QUESTIONS) == EXPECTED
    assert 1 <= len(processes()) <= 2
    assert all(each.poll() is None for each in processes())


def test_a_few_strings_call_no_help(helpers: None) -> None:
    assert rows(QUESTIONS[:20]) == EXPECTED[:20]
    assert asking._helpers is None


def test_one_thread_calls_no_help(helpers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pl, "thread_pool_size", lambda: 1)
    assert rows(QUESTIONS) == EXPECTED
    assert asking._helpers is None


def test_without_a_helper_that_answers_all_is_asked_here(helpers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("", "/no/such/program", "/bin/cat", "/bin/echo"):
        monkeypatch.setattr(asking, "_helpers", None)
        monkeypatch.setattr(asking, "_PATIENCE", 0.2)
        monkeypatch.setattr(sys, "executable", program)
        assert rows(QUESTIONS) == EXPECTED
        for process in processes():
            process.kill()
            process.communicate()


def test_a_helper_that_dies_is_done_without(helpers: None) -> None:
    assert rows(QUESTIONS) == EXPECTED
    for process in processes():
        process.kill()
    assert rows(QUESTIONS) == EXPECTED


def test_many_strings_are_asked_once_each(helpers: None) -> None:
    assert rows(QUESTIONS * 3) == EXPECTED * 3


SCRIPT = """
    import os, signal, sys, threading, time
    import polars as pl
    pl.thread_pool_size = lambda: 2
    from cardscreen.kinds.phone.numbering import asking
    asking.MANY = 0
    print("imported", flush=True)
    asked = pl.DataFrame({{"text": [f"{{n}} x{{n}}" for n in range({many})]}}).with_columns(region=pl.lit("CN"))
    def interrupt():
        while asking._helpers is None or len(asking._helpers._started) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
    if {interrupted}:
        threading.Thread(target=interrupt, daemon=True).start()
    try:
        asking.answers(asked)
    finally:
        print(*[each.pid for each in asking._helpers._started], flush=True)
    {then}
"""


def ended(script: str) -> tuple[list[str], str, int]:
    """Lines of output, errors and exit code of a program, when its helpers are gone."""
    told = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    lines = told.stdout.splitlines()
    for pid in map(int, lines[1].split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    return lines, told.stderr, told.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
class TestPrograms:
    """A whole program that asks: it is not run twice, and nothing of it remains."""

    def test_helpers_end_with_the_program_and_do_not_repeat_it(self) -> None:
        lines, errors, code = ended(SCRIPT.format(many=2000, interrupted=False, then="sys.exit(3)"))
        assert lines[0] == "imported"
        assert len(lines) == 2
        assert (errors, code) == ("", 3)

    def test_an_interrupt_ends_the_helpers_too(self) -> None:
        lines, errors, code = ended(SCRIPT.format(many=100_000, interrupted=True, then=""))
        assert len(lines[1].split()) == 2
        assert errors.rstrip().endswith("KeyboardInterrupt")
        assert errors.count("Traceback") == 1
        assert code != 0

    def test_a_forked_process_calls_help_of_its_own(self) -> None:
        fork = "child = os.fork(); asking._answered(asked.rows()); child or os._exit(len(asking._helpers._started) - 2)"
        then = f"{fork}; print(os.waitpid(child, 0)[1]); os._exit(0)"
        told = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SCRIPT.format(many=3000, interrupted=False, then=then))],
            capture_output=True,
            text=True,
        )
        assert told.stdout.splitlines()[-1] == "0"
        assert told.stderr == ""
