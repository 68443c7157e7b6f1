"""Group arithmetic on all cores: a program of this module beside the running one for each, asked through pipes.

As a program it answers what it reads from its standard input until that ends. What goes through the pipes are values
and blinds, which no disk ever has.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any

import polars as pl

from cardscreen.exchange.oblivious import rfc9497
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.process.beside import program
from cardscreen.foundation.process.progress import Tell
from cardscreen.foundation.process.threads import on_all_threads
from cardscreen.foundation.secrets.secret import no_core_dump

#: Values that a worker is given at once, and that a proof is about.
BATCH = 1_024
TASKS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (rfc9497.outputs, rfc9497.evaluated, rfc9497.blinded, rfc9497.finished)
}


class Workers:
    """As many worker programs as the engine has threads and the values make batches.

    A single batch, and all where no program can be had, is done in this process.

    Args:
        tell: Told how far the work is.
        total: Values in all.
    """

    def __init__(self, tell: Tell, total: int) -> None:
        self._tell, self._total = tell, total
        self._all: list[subprocess.Popen[bytes] | None] = []
        self._free: SimpleQueue[subprocess.Popen[bytes] | None] = SimpleQueue()

    def __enter__(self) -> Workers:
        no_core_dump()
        count = min(pl.thread_pool_size(), -(-self._total // BATCH))
        self._all = [program(__name__) for _ in range(count)] if count > 1 else [None]
        for each in self._all:
            self._free.put(each)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in self._all:
            if each is not None:
                each.kill()
                each.communicate()

    def done(self, task: str, things: Iterable[tuple[Any, ...]], stage: str) -> Iterator[Any]:
        """What a task of `TASKS` makes of each thing's arguments, in order; tells how far it is, by tenths.

        Args:
            task: Its name.
            things: What it is given, of `BATCH` values each.
            stage: What this is called.

        Raises:
            WrongProof: As the task.
            InputError: A worker has ended.
        """
        told = -1
        for number, result in enumerate(on_all_threads(lambda arguments: self._one(task, arguments), things)):
            if (tenth := min(10 * number * BATCH // max(self._total, 1), 9)) > told:
                told = tenth
                self._tell(f"{stage}: {tenth * 10} %")
            yield result

    def _one(self, task: str, arguments: tuple[Any, ...]) -> Any:
        worker = self._free.get()
        try:
            if worker is None:
                return TASKS[task](*arguments)
            assert worker.stdin is not None
            assert worker.stdout is not None
            pickle.dump((task, arguments), worker.stdin)
            worker.stdin.flush()
            result = pickle.load(worker.stdout)  # nosec B301 # of a process that this one started
        except (OSError, EOFError, pickle.UnpicklingError):
            raise InputError(
                "a worker process has ended before its work was done; was there too little memory?"
            ) from None
        finally:
            self._free.put(worker)
        if isinstance(result, Exception):
            raise result
        return result


def inputs_of(values: pl.DataFrame) -> list[bytes]:
    """What the function is asked about: kind and canonical value."""
    return [f"{kind}:{value}".encode() for kind, value in values.select("kind", "value").rows()]


def _serve() -> None:
    while True:
        try:
            task, arguments = pickle.load(sys.stdin.buffer)  # nosec B301 # of the process that started this one
        except (EOFError, KeyboardInterrupt):
            return
        try:
            result = TASKS[task](*arguments)
        except rfc9497.WrongProof as error:
            result = error
        pickle.dump(result, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    no_core_dump()
    _serve()
