"""Which requests are let in: those within the agreement's limits, and each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cardscreen.exchange import letters
from cardscreen.exchange.agreement import today
from cardscreen.exchange.home import Home
from cardscreen.exchange.letters import Letter
from cardscreen.foundation.errors import InputError


def admitted(home: Home, letter: Letter, step: str, out: Path, *, again: bool) -> str | None:
    """Let a request in that is within the limits; what was counted before and not handed over is handed over.

    Returns:
        None: it is to be answered. Otherwise the letter that was handed over now.

    Raises:
        InputError: It is past a limit, or was answered before; the ledger has it.
    """
    said, header = home.agreement.said, letter.header
    earlier = _lines(home, step, header.letter)
    if earlier and home.hand_over(earlier[-1]["letter"], out):
        return str(earlier[-1]["letter"])
    if earlier and not again:
        raise home.refused(
            step,
            letter,
            f"{letter.file} was answered before, on {earlier[-1]['at'][:10]}: say --again to answer once more, which "
            "counts as a disclosure once more",
        )
    try:
        letters.require_size(home.agreement, header.rows, f"{letter.file} asks about")
    except InputError as error:
        raise home.refused(step, letter, str(error)) from None
    so_far = home.ledger.told_on(home.agreement.id, today())
    if so_far + header.rows > said.max_per_day:
        raise home.refused(
            step,
            letter,
            f"{letter.file} asks about {header.rows:,} values, and {so_far:,} were answered about today (limit "
            f"max_per_day = {said.max_per_day:,}, by the day in UTC): answer it tomorrow",
        )
    return None


def done_on(home: Home, step: str, letter: str) -> str | None:
    """On which day a letter was taken in by a step."""
    lines = home.ledger.lines(home.agreement.id)
    return next((line["at"][:10] for line in lines if line["step"] == step and line["letter"] == letter), None)


def _lines(home: Home, step: str, request: str) -> list[dict[str, Any]]:
    lines = home.ledger.lines(home.agreement.id)
    return [line for line in lines if line["step"] == step and line.get("to_letter") == request]
