"""How a command ends that is told to, by Ctrl-C or by a signal, whatever the code that just runs makes of it.

Python raises what a signal means wherever it happens to be: libraries turn that into errors of their own, and where
modules are loaded or objects let go of it is printed and forgotten. So what came is kept.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

_HALF = "nothing is half-published"
#: The exit code of each signal, and what is said.
_ENDINGS = {signal.SIGINT: (130, f"interrupted, {_HALF}"), signal.SIGTERM: (143, f"terminated, {_HALF}")}
_came: list[int] = []


def listen() -> None:
    """From now on both signals end the command, but one that whoever started it has told to ignore."""
    _came.clear()
    for number in _ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def ended(error: BaseException | None = None) -> tuple[int, str] | None:
    """Exit code and sentence of a command that was told to end, or that ends as if; None: it was not."""
    if _came:
        return _ENDINGS[signal.Signals(_came[-1])]
    return _ENDINGS[signal.SIGINT] if isinstance(error, KeyboardInterrupt) else None


def check() -> None:
    """End now, before the next stage begins, where that was asked for and forgotten.

    Raises:
        KeyboardInterrupt: It was.
        SystemExit: It was.
    """
    if _came:
        _raise(_came[-1])


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    _came.append(number)
    _raise(number)


def _raise(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(_ENDINGS[signal.Signals(number)][0])
