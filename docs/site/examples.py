"""Lets what docstrings say under `Example:` be shown as code."""

from __future__ import annotations

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Names the section as the parser of docstrings knows it."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Look at an object's docstring."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^(\s*)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)
