"""A project to start from: a job, a policy and a feed with comments, and a sample that runs as it is.

The numbers of the sample are those that Ofcom keeps free for drama, 07700 900000 to 900999: nobody has them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.files import not_for_others

_FILES = ("job.toml", "policy.toml", "feed.toml", "accounts.csv", "list.csv")
#: What to do in the new folder.
STEPS = ("cardscreen list import list.csv --feed feed.toml --store lists", "cardscreen run job.toml")


def make(folder: Path) -> list[Path]:
    """Write the project's files.

    Args:
        folder: A folder, made where it is not there.

    Returns:
        The files.

    Raises:
        ConfigError: One of them is there already; nothing is written then.
    """
    there = [name for name in _FILES if (folder / name).exists()]
    if there:
        raise ConfigError(f"{folder} holds {', '.join(there)} already: nothing is overwritten, name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(f"{folder} is no folder: name another one") from None
    with not_for_others():
        for name in _FILES:
            (folder / name).write_text(resources.files(__name__).joinpath(name).read_text("utf-8"), encoding="utf-8")
    return [folder / name for name in _FILES]
