"""How far work is, for the program that waits for it: to the standard library's log, and to a callback."""

from __future__ import annotations

import logging
from collections.abc import Callable

#: Told the stage that begins or goes on, and how many rows were read so far.
Progress = Callable[[str, int], None]
#: Told the stage that begins.
Tell = Callable[[str], None]

_LOG = logging.getLogger("cardscreen")


def in_log(tell: Tell = lambda _: None) -> Tell:
    """Tells each stage that begins to the log `cardscreen` (level INFO), too."""

    def begin(stage: str) -> None:
        _LOG.info("%s", stage)
        tell(stage)

    return begin


def reporting(progress: Progress | None = None) -> Progress:
    """Tells a callback, and the log `cardscreen` (level INFO) each stage once, when it begins.

    Example:
        >>> told = []
        >>> tell = reporting(lambda stage, rows: told.append((stage, rows)))
        >>> tell("reading", 0), tell("reading", 500)
        (None, None)
        >>> told
        [('reading', 0), ('reading', 500)]
    """
    log, begun = in_log(), set[str]()

    def tell(stage: str, rows: int) -> None:
        if stage not in begun:
            begun.add(stage)
            log(stage)
        if progress is not None:
            progress(stage, rows)

    return tell
