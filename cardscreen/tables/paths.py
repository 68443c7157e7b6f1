"""The files that paths, globs, folders and URLs stand for, and what their endings say of them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cardscreen.foundation.errors import CardscreenError, InputError, near

#: Text formats by their ending, with what usually separates their fields.
DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": ","}
#: Endings of text that is packed, and how.
PACKED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_DELTA_LOG = "_delta_log"
_NAMED = 3  # files that an error names


def endings_of(path: str) -> tuple[str, str | None]:
    """A file's format, by its ending, and how it is packed: `(".csv", "gzip")`; the format is empty where none is said.

    Example:
        >>> endings_of("lists/police.CSV.gz"), endings_of("accounts.parquet"), endings_of("accounts")
        (('.csv', 'gzip'), ('.parquet', None), ('', None))
    """
    endings = [ending.lower() for ending in Path(path).suffixes]
    packed = PACKED.get(endings[-1]) if endings else None
    return endings[-2 if packed else -1] if len(endings) > bool(packed) else "", packed


def is_url(path: str) -> bool:
    """Whether a path names something that is not in the local file system."""
    return bool(re.match(r"[a-z][a-z0-9+]+://", path))


def without_secret(text: str) -> str:
    """Text in which a URL may stand, without the user and password in that."""
    return re.sub(r"(?<=://)[^/@\s]*@", "…@", text)


def is_delta(path: str) -> bool:
    """Whether a path names the folder of a Delta table."""
    return not is_url(path) and Path(path, _DELTA_LOG).is_dir()


def files_of(path: str) -> list[str]:
    """The files that a path, glob or folder stands for, in the order in which they are read; a URL as it is.

    Raises:
        InputError: There is none.
    """
    if is_url(path):
        return [path]
    return [str(file) for match in _matching(path) for file in _parts_of(Path(match))]


def _parts_of(path: Path) -> list[Path]:
    """A file, or the Parquet files below a folder; names with a leading dot or underscore are an engine's own."""
    if not path.is_dir():
        return [path]
    parts = [
        file
        for file in sorted(path.rglob("*.parquet"))
        if not any(part[0] in "._" for part in file.relative_to(path).parts)
    ]
    if not parts:
        raise InputError(
            f"the folder {str(path)!r} holds neither Parquet files nor a Delta table: "
            f"name other files with a pattern, such as {path.name}/*.csv"
        )
    return parts


def _matching(path: str) -> list[str]:
    """What a path or glob names, sorted; `~` is the home."""
    path = os.path.expanduser(path)  # noqa: PTH111 - Path would change what it does not expand
    files = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
    if files:
        return files
    raise no_such_file(path)


def no_such_file(path: str) -> InputError:
    """The error for a path that names nothing, with the near name where there is one."""
    folder = Path(path).parent
    if not folder.is_dir():
        return InputError(f"there is no file {path!r} (and no folder {str(folder)!r})")
    there = sorted(entry.name for entry in folder.iterdir())
    hint = near(Path(path).name, there) if there else " (the folder is empty)"
    return InputError(f"there is no file {path!r}{hint}")


@contextmanager
def steady(files: Callable[[], list[str]]) -> Iterator[None]:
    """Refuse files that change within it, in place of whatever error that led to.

    Args:
        files: Names them; asked again at the end, since others may have come.

    Raises:
        InputError: One has changed, or is not there.
    """
    before = _states(files())
    try:
        yield
    except (CardscreenError, OSError):
        _refuse_changed(before, _states(files()))
        raise
    _refuse_changed(before, _states(files()))


def state_of(file: str) -> tuple[int, ...]:
    """A file's number, size and times: that of the change of its inode can't be set back.

    Raises:
        InputError: There is no such file.
    """
    try:
        stat = Path(file).stat()
    except FileNotFoundError as gone:
        raise no_such_file(str(gone.filename)) from None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _states(files: list[str]) -> dict[str, tuple[int, ...]]:
    return {file: state_of(file) for file in files}


def _refuse_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    changed = sorted(file for file in {*before, *after} if before.get(file) != after.get(file))
    if changed:
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        raise InputError(
            f"changed while they were read: {', '.join(changed[:_NAMED])}{more}: run again when they are complete"
        )
