"""Tables and code in Markdown."""

from __future__ import annotations

from collections.abc import Iterable

#: What each page begins with.
MADE = "Made from the code when this site is built."


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table."""
    cells = [list(head), *(list(row) for row in rows)]
    cells.insert(1, ["---"] * len(cells[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"  # a bar within code is none of the table's


def code(text: object) -> str:
    """A word of code; nothing, of nothing."""
    return f"`{text}`" if str(text) else ""
