"""The command line in this process: what it prints, and its exit code."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

import typer

from cardscreen.cli import app as cli

#: All commands and their options: a process asks for them once, and tests many times in one process.
as_command = cache(typer.main.get_command)


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


def unmeasured() -> dict[str, str]:
    """The environment of a process of which coverage measures nothing: one that may write little can't keep it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def cardscreen(*arguments: object, cwd: Path) -> Done:
    """Run a command in a folder."""
    out, err, before = io.StringIO(), io.StringIO(), Path.cwd()
    os.chdir(cwd)
    code = 0
    try:
        with (
            mock.patch("typer.main.get_command", as_command),
            mock.patch.object(sys, "argv", ["cardscreen", *map(str, arguments)]),
            mock.patch("signal.signal"),
            mock.patch("warnings.showwarning"),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            cli.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        os.chdir(before)
    return Done(code, out.getvalue(), err.getvalue())
