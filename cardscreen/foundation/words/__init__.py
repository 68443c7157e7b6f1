"""Words of others, as they may be shown: what would steer a terminal, or pass for a line of ours, is written out.

Sources, persons and whoever names files and columns choose their words. Shown as they are, an escape sequence
rewrites what stands on the terminal, a line break begins a sentence that seems to be ours, and a direction override
turns a number around. Letters of all scripts and emoji stay as they are.
"""

from __future__ import annotations

import json
import re
from typing import Any

#: C1 and DEL; marks, overrides and isolates of direction (UAX 9); breaks of lines and paragraphs; tags; half a pair of
#: surrogates, as of a file name in another encoding, which can't be printed at all.
_STEERING = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f"
_IN_LINES = re.compile(f"[\0-\x1f{_STEERING}]+")
#: The same for the engine, which knows no halves of pairs.
STEERING = r"[\x00-\x1f\x7f-\x{9f}\x{61c}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}\x{e0000}-\x{e007f}]"
_IN_JSON = re.compile(f"[{_STEERING}]+")  # JSON itself writes out the others


def shown(text: str) -> str:
    r"""Text as a part of a line, or as a line: what steers is written out, as Python writes it; the rest stays.

    Example:
        >>> shown("C-1\nIt is released\x1b[31m"), shown("诈骗 👨‍👩‍👧")
        ('C-1\\nIt is released\\x1b[31m', '诈骗 👨‍👩‍👧')
    """
    return _IN_LINES.sub(lambda mark: mark[0].encode("unicode_escape").decode(), text)


def json_text(value: Any, **how: Any) -> str:
    r"""JSON that people can read: letters of all scripts stay as they are, what steers is written out.

    Example:
        >>> print(json_text({"reason": "诈骗\u202e"}))
        {"reason": "诈骗\u202e"}
    """
    return _IN_JSON.sub(_escaped, json.dumps(value, ensure_ascii=False, **how))


def _escaped(matched: re.Match[str]) -> str:
    units = matched[0].encode("utf-16-be", "surrogatepass").hex()
    return re.sub("....", r"\\u\g<0>", units)


def counted(count: int, thing: str) -> str:
    """A number of things: `1 row`, `1,200 rows`.

    Example:
        >>> counted(1, "row"), counted(1200, "row")
        ('1 row', '1,200 rows')
    """
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
