"""Lines of a text that are no rows, since they begin with the sign of a comment."""

from __future__ import annotations

import re


def without_comments(content: bytes, sign: str | None, *, quotes: bool) -> bytes:
    r"""A text in which lines of comments are empty, so that the others keep their numbers.

    Args:
        content: UTF-8 text.
        sign: What they begin with; None: there are none.
        quotes: Whether lines within quotes belong to the row that they are in.

    Example:
        >>> without_comments(b"# of 2026\nnumber\n+44 20\n", "#", quotes=True)
        b'\nnumber\n+44 20\n'
    """
    if not sign:
        return content
    kept, end, open_quotes = list[bytes](), 0, 0
    for comment in re.finditer(rb"(?:(?<=[\r\n])|\A)" + re.escape(sign.encode()) + rb"[^\r\n]*", content):
        open_quotes += content.count(b'"', end, comment.start()) if quotes else 0
        kept.append(content[end : comment.start()])
        if open_quotes % 2:
            kept.append(comment[0])
            open_quotes += comment[0].count(b'"')
        end = comment.end()
    return b"".join([*kept, content[end:]])
