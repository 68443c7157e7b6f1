"""Files that hold personal data: readable by their owner and group only, and never seen half-written."""

from __future__ import annotations

import errno
import getpass
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cardscreen.foundation.errors import ConfigError, InputError

_UMASK = 0o027  # nothing for others
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("no space left", "quota exceeded", "file too large")
#: What tells a folder of ours, in which nothing is put that was not written with it.
_OURS = {"manifest.json": "a run", "_delta_log": "a store of listings"}


@contextmanager
def not_for_others() -> Iterator[None]:
    """Within it, no file is made that others than owner and group can read."""
    before = os.umask(_UMASK)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def room_in(place: Path, so: str = "nothing was written") -> Iterator[None]:
    """Say in one sentence that the disk is full, wherever that showed: engines have errors of their own for it.

    Raises:
        InputError: It is full.
    """
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        raise InputError(
            f"there is no space left in {place}, or not for a file so large: {so}. Make room and run again"
        ) from None


def is_full(error: BaseException | None) -> bool:
    """Whether it, or what stands behind it, says that a disk is full."""
    while error is not None:
        text = str(error).lower()
        if getattr(error, "errno", None) in _FULL or any(words in text for words in _FULL_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def elsewhere(error: OSError) -> str:
    """The end of a message of the system's: what to do where something may not be read or written; else nothing."""
    if error.errno == errno.EROFS:
        return ": nothing can be written there, name another folder"
    if error.errno in (errno.EACCES, errno.EPERM):
        return ": name another place, or have its permissions changed so that this user may read and write there"
    return ""


def claim(out: Path, inputs: Iterable[str | Path] = (), *, force: bool = False) -> None:
    """Refuse an output that would put an end to what is there.

    Args:
        out: The file that is to be written.
        inputs: What is read for it.
        force: Write over a file that is there; never over what is read, or into a run or a store.

    Raises:
        ConfigError: Says what is there, and what to do.
    """
    if any(Path(each).exists() and out.exists() and out.samefile(each) for each in inputs):
        raise ConfigError(f"{out} is what is read: name another file")
    for folder in (out.absolute().parent.resolve(), *out.absolute().parent.resolve().parents):
        for sign, what in _OURS.items():
            if (folder / sign).exists():
                raise ConfigError(f"{out} lies in {what}, where nothing else is put: name another folder")
    if out.is_dir():
        raise ConfigError(f"{out} is a folder: name a file")
    if out.exists() and not force:
        raise ConfigError(f"{out} is there already: name another file, or say --force to write over it")


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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


def system_user() -> str:
    """Who runs this process; in a container that may be a number without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
