"""Files that hold personal data: readable by their owner and group only, and never seen half-written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_UMASK = 0o027  # nothing for others


@contextmanager
def not_for_others() -> Iterator[None]:
    """Within it, no file is made that others than owner and group can read."""
    before = os.umask(_UMASK)
    try:
        yield
    finally:
        os.umask(before)


def write_whole(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside the target, which takes its place only when it is complete.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "a.txt"
        >>> write_whole(target, lambda file: file.write_text("all of it"))
        >>> target.read_text()
        'all of it'
    """
    # Nobody can foresee the name, and so put a link there.
    partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        write(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
