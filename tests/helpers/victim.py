"""A command in a process of its own, for tests that end it: it warms up, waits for a line, and goes."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from commands import unmeasured


@dataclass(frozen=True)
class Ended:
    """How it ended.

    Attributes:
        code: Its exit code; negative for the signal that killed it.
        said: What it said on standard error.
        operations: How many operations on the watched files it did; None where it was killed.
    """

    code: int
    said: str
    operations: int | None


class Victim:
    """The parent's side.

    Args:
        folder: Where the command is run.
        arguments: The command's.
        fate: `operation`: it is killed before its n-th operation on files in `runs`; `stage` and `number`: it is sent
            that signal when it tells of that stage; `file_size`: no file may become larger than so many bytes.
    """

    def __init__(self, folder: Path, *arguments: str, **fate: Any) -> None:
        asked = {"arguments": arguments, "watched": str(folder / "runs"), **fate}
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        command = [sys.executable, __file__, json.dumps(asked)]
        self.process = subprocess.Popen(command, cwd=folder, text=True, env=unmeasured(), **pipes)

    def go(self) -> Victim:
        """Let it begin, once it is warm."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "warm\n"
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self

    def stops(self) -> None:
        """Wait until it has stopped itself."""
        assert os.WIFSTOPPED(os.waitpid(self.process.pid, os.WUNTRACED)[1])

    def ends(self, *, within: float | None = None, by: int = signal.SIGKILL) -> Ended:
        """Wait until it has ended, or send it a signal when it has not `within` so many seconds."""
        try:
            out, said = self.process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.process.send_signal(by)
            out, said = self.process.communicate()
        return Ended(self.process.returncode, said, int(out) if out else None)


class _Operations:
    """Counts what is done to the files of a folder, and dies before the n-th such operation."""

    def __init__(self, folder: str, last: int | None) -> None:
        self._folder, self._last, self.count = folder, last, 0
        sys.addaudithook(self._see)

    def _see(self, _event: str, arguments: tuple[Any, ...]) -> None:
        if arguments and isinstance(arguments[0], (str, os.PathLike)):
            path = os.fspath(arguments[0])
            if isinstance(path, str) and path.startswith(self._folder):
                if self.count == self._last:
                    os.kill(os.getpid(), signal.SIGKILL)
                self.count += 1


@contextmanager
def at_stage(stage: str | None, deed: Callable[[], object]) -> Iterator[None]:
    """Let something happen as a stage of a run begins."""
    from cardscreen.runs import night as run

    real = run.run_job

    def run_job(*arguments: Any, tell: Callable[[str], None], **options: Any) -> run.Run:
        def told(name: str) -> None:
            tell(name)
            if name == stage:
                deed()

        return real(*arguments, tell=told, **options)

    with mock.patch("cardscreen.runs.night.run_job", run_job):
        yield


def _live(asked: dict[str, Any]) -> None:
    # All that a night imports, so that nothing but the night lies behind the line.
    from cardscreen.cli import app as cli
    from cardscreen.cli import printing  # noqa: F401
    from cardscreen.reporting import drawing

    draws = asked.get("stage") == "writing the report"  # otherwise not: it takes longer than a night
    started = drawing._started if draws else lambda: None
    if "file_size" in asked:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["file_size"], resource.RLIM_INFINITY))
    sys.argv = ["cardscreen", *asked["arguments"]]
    sys.stdout.write("warm\n")
    sys.stdout.flush()
    sys.stdin.readline()
    operations = _Operations(asked["watched"], asked.get("operation"))
    try:
        deed = at_stage(asked.get("stage"), lambda: os.kill(os.getpid(), asked["number"]))
        with deed, mock.patch.object(drawing, "_started", started):
            cli.main()
    finally:
        sys.stdout.write(f"{operations.count}\n")


if __name__ == "__main__":
    _live(json.loads(sys.argv[1]))
