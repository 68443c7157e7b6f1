"""Charts drawn by a process beside this one: what ends it costs the pictures, and not the night."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from types import TracebackType

from cardscreen.foundation.process.beside import program
from cardscreen.reporting.colours import STAND_INS
from cardscreen.reporting.material import Chart

_PATIENCE = 60  # seconds
_NAMES = {stand_in: f"var(--{name})" for name, stand_in in STAND_INS.items()}
_STAND_IN = re.compile("|".join(_NAMES))
_ROLE = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')  # the page says what a picture is
_ID = re.compile(r'(\bid="|url\(#|href="#)')


class Drawing:
    """The program that draws, which makes itself ready while others work."""

    def __init__(self) -> None:
        self._process = _started()

    def __enter__(self) -> Drawing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def drawn(self, charts: Mapping[str, Chart]) -> dict[str, str]:
        """Charts as SVG in the colours of the page's style sheet; none where the program fails. Asked once."""
        if self._process is None:
            return {}
        asked = json.dumps({name: asdict(chart) for name, chart in charts.items()})
        try:
            answer, _ = self._process.communicate(asked.encode(), timeout=_PATIENCE)
            pictures: dict[str, str] = json.loads(answer)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return {}
        return {name: _in_page(name, svg) for name, svg in pictures.items()}


def _started() -> subprocess.Popen[bytes] | None:
    return program("cardscreen.reporting.pictures")


def _in_page(name: str, svg: str) -> str:
    """An SVG among others in a page: with colours of the style sheet, and ids that no other has."""
    own = _ID.sub(rf"\g<1>{name}-", _ROLE.sub("", svg))
    return _STAND_IN.sub(lambda stand_in: _NAMES[stand_in[0]], own)
