"""Strings that the tables leave open: each distinct one is asked once, by several processes when there are many.

The processes are fresh interpreters that run `answering` and nothing of the caller's: no program is
imported a second time, as by spawning, and no process with threads is forked. They are started when
this process has asked so much that more of it will probably come, and end with it.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from queue import Empty, SimpleQueue

import phonenumbers
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.process.beside import program
from cardscreen.kinds.phone.numbering.reference import Answer, answer

Question = tuple[str, str | None]

#: Strings asked by this process after which it calls for help: starting it takes as long as asking so many.
MANY = 5_000
_CHUNK = 500  # strings that a helper is given at once
_PATIENCE = 30  # seconds in which a helper must have started


def answers(asked: pl.DataFrame) -> pl.DataFrame:
    """The answers for many strings, each distinct pair asked once.

    Args:
        asked: Columns `text` (String, no nulls) and `region` (String, null for none).

    Returns:
        Columns e164, region, type, status (`schema.PHONE`), one row for each row asked, in order.
    """
    distinct = asked.unique(maintain_order=True)
    answers_of = pl.DataFrame(_answered(distinct.rows()), schema=dict(schema.PHONE.to_schema()), orient="row")
    book = pl.concat([distinct.rename({"region": "asked_in"}), answers_of], how="horizontal")
    return (
        asked.rename({"region": "asked_in"})
        .join(book, on=["text", "asked_in"], how="left", nulls_equal=True, maintain_order="left")
        .drop("text", "asked_in")
    )


def _answered(questions: Sequence[Question]) -> Sequence[Answer]:
    global _asked, _helpers
    _asked += len(questions)
    if _asked > MANY and len(questions) > _CHUNK and pl.thread_pool_size() > 1:
        with _lock:
            _helpers = _helpers or _Helpers(pl.thread_pool_size())
        return _helpers.answers(questions)
    return list(map(_answer, questions))


def _answer(question: Question) -> Answer:
    return answer(*question)


class _Helpers:
    """Some processes, each asked by a thread of its own.

    The threads are daemons, and no executor's: an interrupt that strikes while an executor is given work may leave one
    of its locks held, and then the program never ends.
    """

    def __init__(self, count: int) -> None:
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * count
        self._begun = [False] * count
        self._started: list[subprocess.Popen[bytes]] = []
        self._busy = threading.Lock()

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """An answer to each question, in order."""
        chunks: SimpleQueue[int] = SimpleQueue()
        for begin in range(0, len(questions), _CHUNK):
            chunks.put(begin)
        by_chunk: dict[int, list[Answer]] = {}
        with self._busy:
            threads = [
                threading.Thread(target=self._work, args=(nth, questions, chunks, by_chunk), daemon=True)
                for nth in range(len(self._processes))
            ]
            try:
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            finally:  # what is interrupted asks no more
                with suppress(Empty):
                    while True:
                        chunks.get_nowait()
        # What a thread failed with is raised here.
        return list(
            chain.from_iterable(
                by_chunk[begin] if begin in by_chunk else map(_answer, questions[begin : begin + _CHUNK])
                for begin in range(0, len(questions), _CHUNK)
            )
        )

    def _work(
        self, nth: int, questions: Sequence[Question], chunks: SimpleQueue[int], by_chunk: dict[int, list[Answer]]
    ) -> None:
        """Take chunks while there are any."""
        with suppress(Empty):
            while True:
                begin = chunks.get_nowait()
                by_chunk[begin] = self._chunk(nth, questions[begin : begin + _CHUNK])

    def end(self) -> None:
        """End the processes; they hold nothing that could be lost."""
        for helper in self._started:
            helper.kill()
            helper.communicate()

    def _chunk(self, nth: int, questions: Sequence[Question]) -> list[Answer]:
        """Answers from a thread's helper; without one, or where it fails, from here."""
        if not self._begun[nth]:
            self._begun[nth], self._processes[nth] = True, self._start()
        helper = self._processes[nth]
        replies = _told(helper, questions) if helper else None
        if replies is None:
            self._processes[nth] = None
            return list(map(_answer, questions))
        return replies

    def _start(self) -> subprocess.Popen[bytes] | None:
        helper = program("cardscreen.kinds.phone.numbering.answering")
        if helper is None:
            return None
        self._started.append(helper)
        limit = threading.Timer(_PATIENCE, helper.kill)
        limit.start()
        greeting = helper.stdout.readline() if helper.stdout else b""
        limit.cancel()
        return helper if greeting.decode().strip() == phonenumbers.__version__ else None


def _told(helper: subprocess.Popen[bytes], questions: Sequence[Question]) -> list[Answer] | None:
    """What a helper says to some questions: one line of JSON each way. None: it has ended."""
    if helper.stdin is None or helper.stdout is None:
        return None
    try:
        helper.stdin.write(json.dumps(questions).encode() + b"\n")
        helper.stdin.flush()
        replies = json.loads(helper.stdout.readline())
    except (OSError, ValueError):
        return None
    return [tuple(each) for each in replies] if len(replies) == len(questions) else None


_lock = threading.Lock()
_helpers: _Helpers | None = None
_inherited: _Helpers | None = None  # kept, since whoever drops a process asks what became of it
_asked = 0


@atexit.register
def _end() -> None:
    if _helpers is not None:
        _helpers.end()


def _forget() -> None:
    """A forked process has neither the threads nor a right to their helpers, and calls for its own."""
    global _helpers, _inherited, _lock
    _helpers, _inherited, _lock = None, _helpers, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
