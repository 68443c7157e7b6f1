"""Charts drawn by a process beside this one: what ends it costs the pictures, and not the night."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from threading import Timer
from types import TracebackType

from cardscreen.foundation.process.beside import program
from cardscreen.reporting.colours import STAND_INS
from cardscreen.reporting.material import Chart

_PATIENCE = 60  # seconds
_NAMES = {stand_in: f"var(--{name})" for name, stand_in in STAND_INS.items()}
_STAND_IN = re.compile("|".join(_NAMES))
_ROLE = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')  # the page says what a picture is
_ID = re.compile(r'(\bid="|url\(#|href="#)')


#: Programs that are ready for the next night; None: none is kept.
_ready: list[subprocess.Popen[bytes]] | None = None


@contextmanager
def kept() -> Iterator[None]:
    """For several nights in one process: a program that has drawn well draws for the next one too."""
    global _ready
    before, _ready = _ready, []
    try:
        yield
    finally:
        for process in _ready:
            _end(process)
        _ready = before


class Drawing:
    """The program that draws, which makes itself ready while others work."""

    def __init__(self) -> None:
        self._process = _started()
        self._well = True

    def __enter__(self) -> Drawing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        if _ready is not None and self._well:
            _ready.append(self._process)
        else:
            _end(self._process)

    def drawn(self, charts: Mapping[str, Chart]) -> dict[str, str]:
        """Charts as SVG in the colours of the page's style sheet; none where the program fails."""
        if self._process is None:
            return {}
        asked = json.dumps({name: asdict(chart) for name, chart in charts.items()})
        self._well = False
        try:
            pictures: dict[str, str] = json.loads(_answer(self._process, asked))
        except (OSError, ValueError):
            return {}
        self._well = True
        return {name: _in_page(name, svg) for name, svg in pictures.items()}


def _answer(process: subprocess.Popen[bytes], asked: str) -> bytes:
    """The line that a program answers a line with; what takes too long is ended, and answers nothing."""
    assert process.stdin is not None
    assert process.stdout is not None
    late = Timer(_PATIENCE, process.kill)
    late.start()
    try:
        process.stdin.write(asked.encode() + b"\n")
        process.stdin.flush()
        return process.stdout.readline()
    finally:
        late.cancel()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _started() -> subprocess.Popen[bytes] | None:
    while _ready:
        if (process := _ready.pop()).poll() is None:
            return process
        _end(process)
    return program("cardscreen.reporting.pictures")


def _in_page(name: str, svg: str) -> str:
    """An SVG among others in a page: with colours of the style sheet, and ids that no other has."""
    own = _ID.sub(rf"\g<1>{name}-", _ROLE.sub("", svg))
    return _STAND_IN.sub(lambda stand_in: _NAMES[stand_in[0]], own)
