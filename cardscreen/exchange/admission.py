"""Which letters are let in: requests within the agreement's limits, and each letter once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cardscreen.exchange import letters
from cardscreen.exchange.agreement import today
from cardscreen.exchange.home import Home
from cardscreen.exchange.letters import Letter
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.files import claim

_DISCLOSES = ", which counts as a disclosure once more"
#: Of each step how it is told that it was done before, what is done by --again, and what a line of the ledger names.
_STEPS = {
    "answer": ("answered", f"answer once more{_DISCLOSES}", "to_letter"),
    "evaluate": ("answered", f"answer once more{_DISCLOSES}", "to_letter"),
    "read": ("read", "read it once more", "letter"),
    "finish": ("finished", "compare anew", "letter"),
}


def require_new(
    home: Home, letter: Letter | None, step: str, outs: Sequence[Path], *, again: bool, force: bool
) -> None:
    """Refuse a letter for which a step was done before, and then files that are there.

    Args:
        home: This side's.
        letter: What the other side sent; None: the step takes in nothing that counts.
        step: What is to be done with it.
        outs: What is to be written.
        again: Let it be done once more.
        force: Let what is there be written over.

    Raises:
        InputError: It was done before, and what was made of it is not waiting to be handed over; the ledger has it.
        ConfigError: A file is there.
    """
    lines = [] if letter is None or again else done_before(home, step, letter)
    if letter is not None and lines and not home.waits(lines[-1]["letter"]):
        done, more, _ = _STEPS[step]
        there = [] if force else [out for out in outs if out.exists()]
        also = f" (and --force, since {there[0]} is there)" if there else ""
        on = lines[-1]["at"][:10]
        raise home.refused(step, letter, f"{letter.file} was {done} before, on {on}: say --again{also} to {more}")
    for out in outs:
        claim(out, force=force)


def admitted(home: Home, letter: Letter, step: str, out: Path) -> str | None:
    """Let in a request that `require_new` has let; what was counted before and not handed over is handed over.

    Returns:
        None: it is to be answered. Otherwise the letter that was handed over now.

    Raises:
        InputError: It is past a limit; the ledger has it.
    """
    said, header = home.agreement.said, letter.header
    earlier = done_before(home, step, letter)
    if earlier and home.hand_over(earlier[-1]["letter"], out):
        return str(earlier[-1]["letter"])
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


def done_before(home: Home, step: str, letter: Letter) -> list[dict[str, Any]]:
    """The lines of the ledger of when a step was done for a letter, the oldest first."""
    _, _, name = _STEPS[step]
    lines = home.ledger.lines(home.agreement.id)
    return [line for line in lines if line["step"] == step and line.get(name) == letter.header.letter]
