"""Colours by what they mean. Pictures are drawn in stand-ins, of which the style sheet makes light or dark ones."""

from __future__ import annotations

from collections.abc import Mapping

#: Name in the style sheet → what pictures are drawn with.
STAND_INS: Mapping[str, str] = {
    "ink": "#010101",
    "line": "#010102",
    "quiet": "#010103",
    "calm": "#010104",
    "notify": "#010105",
    "verify": "#010106",
    "suspend": "#010107",
    "close": "#010108",
    "good": "#010109",
}
ACTIONS: Mapping[str, str] = {
    "none": "quiet",
    "notify": "notify",
    "verify": "verify",
    "suspend": "suspend",
    "close": "close",
}
LEVELS: Mapping[str, str] = {
    "none": "quiet",
    "low": "notify",
    "medium": "verify",
    "high": "suspend",
    "critical": "close",
}
