"""The reference pages, made from the code when the site is built: nothing in them can be forgotten or out of date.

What is told of a key, a column, a status or an option stands in the code beside it.
"""

from __future__ import annotations

from . import codes, columns, commands, python, settings


def pages() -> dict[str, str]:
    """Path under docs/ → Markdown."""
    made = {
        "commands": commands.page(),
        "settings": settings.page(),
        "kinds": codes.page_of_kinds(),
        "columns": columns.page(),
        "codes": codes.page(),
        "python": python.page(),
    }
    return {f"reference/{name}.md": text for name, text in made.items()}
