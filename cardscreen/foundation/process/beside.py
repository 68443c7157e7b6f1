"""A program of this package beside the running one: its own process, asked through its standard input."""

from __future__ import annotations

import os
import subprocess
import sys


def program(module: str) -> subprocess.Popen[bytes] | None:
    """Start a module of the package as a program; None where no process can be had.

    What it says on standard error is lost. The folder that it is started in is no place to import from.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        return None  # the running program is no interpreter, but what embeds or contains one
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError:
        return None
