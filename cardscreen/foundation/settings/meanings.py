"""What the keys of settings mean, as the docstrings of their models say it under `Attributes:` or `Args:`."""

from __future__ import annotations

import inspect
import re

_PART = re.compile(r"^(?:Attributes|Args):\n((?:    .*\n|\n)+)", re.MULTILINE)
_EACH = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


def meanings(model: type) -> dict[str, str]:
    """What each attribute or argument of a class means, by name.

    Example:
        >>> from cardscreen.foundation.bounds import Bounds
        >>> meanings(Bounds)["row_mib"]
        'One row of text, in MiB.'
    """
    parts = _PART.findall(f"{inspect.getdoc(model) or ''}\n")
    return {name: " ".join(text.split()) for part in parts for name, text in _EACH.findall(part)}


def summary(model: type) -> str:
    """The first paragraph of a class's docstring."""
    return " ".join((inspect.getdoc(model) or "").partition("\n\n")[0].split())
