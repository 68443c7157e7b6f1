"""A project to start from: a sample that runs as it is, or one made by looking at the user's own files.

The numbers of the sample are those that Ofcom keeps free for drama, 07700 900000 to 900999: nobody has them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from cardscreen.cli.starter.schemas import FILES, schema_of
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.files import claim, elsewhere, not_for_others, write_whole
from cardscreen.kinds.kind import KINDS
from cardscreen.kinds.tokens import TokenKey

_FILES = ("job.toml", "policy.toml", "feed.toml", "accounts.csv", "list.csv")
_HALF_A_YEAR = timedelta(days=182)


@dataclass(frozen=True)
class Project:
    """A project that is to be made.

    Attributes:
        files: Name → content.
        keys: Names of files that get a new key each.
        steps: The commands to run in its folder.
        taken: What was taken from where, a line each.
        left: What only a person can say, and where.
    """

    files: Mapping[str, str]
    steps: Sequence[str]
    taken: Sequence[str] = ()
    left: Sequence[str] = ()
    keys: Sequence[str] = ()


def sample() -> Project:
    """A project of made-up accounts, which runs as it is."""
    from cardscreen.cli.starter.proposing import template

    files = {name: template(name) for name in _FILES}
    steps = ("cardscreen list import list.csv --feed feed.toml --store lists", "cardscreen run job.toml")
    return Project(files, steps)


def of_files(folder: Path, accounts: Sequence[str], lists: Sequence[str], *, asks: bool = False) -> Project:
    """A project for the user's own files.

    Args:
        folder: Where it is to be.
        accounts: Files of accounts, of one shape.
        lists: Files of lists, each of a source.
        asks: Whether a person at a terminal is asked what the files don't tell.

    Raises:
        InputError: A file can't be read, or holds no identifiers.
        ConfigError: Accounts of several shapes.
    """
    from cardscreen.cli.starter import asking, proposing

    held = proposing.accounts_in(accounts)
    held = asking.about_accounts(held) if asks else held
    listed = list[proposing.Listed]()
    for path in lists:
        each = proposing.listed_in(path, [one.source for one in listed], held)
        listed.append(asking.about_list(each) if asks else each)
    keys = [proposing.KEY] if any(KINDS[kind].store_as == "token" for each in listed for kind in each.kinds) else []
    job = proposing.job_text(held, folder, with_key=bool(keys))
    files = {"job.toml": job, "policy.toml": proposing.policy_text(held)}
    files |= {f"feeds/{each.source}.toml": proposing.feed_text(each, f"feeds/{each.source}.toml") for each in listed}
    away = [f"{name}: where it lies away from the data (job.toml and the import name it)" for name in keys]
    day = f" --as-of {held.day}" if held.day else ""
    # A list of before the night is of that day; none is of a day to come.
    of_day = day if held.day and held.day < date.today() else ""
    how = "".join(["--store lists", of_day, *(f" --key-file {name}" for name in keys)])
    steps = [
        f"cardscreen list import {shlex.quote(proposing.full(each.file.path))} "
        f"--feed {shlex.quote(f'feeds/{each.source}.toml')} {how}"
        for each in listed
    ]
    if not listed:
        steps += [
            "# first a list: FILE is its file, FEED.toml says how it is read; init with --list FILE writes such a feed",
            "cardscreen list import FILE --feed FEED.toml --store lists",
        ]
    steps.append(f"cardscreen run job.toml{day}")
    return Project(files, steps, proposing.words(held, listed), [*proposing.left_to_say(held, listed), *away], keys)


def make(folder: Path, project: Project) -> list[Path]:
    """Write a project's files, and the schemas by which editors check them.

    Returns:
        The files.

    Raises:
        ConfigError: One of them is there already; nothing is written then.
        InputError: The folder can't be made.
    """
    there = [name for name in (*project.files, *project.keys) if (folder / name).exists()]
    if there:
        raise ConfigError(f"{folder} holds {', '.join(there)} already: nothing is overwritten, name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(f"{folder} is no folder: name another one") from None
    except OSError as error:
        raise InputError(f"the folder {folder} can't be made: {error.strerror}{elsewhere(error)}") from None
    with not_for_others():
        for name, content in project.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        for name in project.keys:
            TokenKey.write_new(folder / name)
        _write_schemas(folder, FILES)
    return [folder / name for name in (*project.files, *project.keys)]


def write_agreement(file: Path, *, force: bool) -> None:
    """Write an agreement to fill in, valid for half a year, and the schema by which editors check it.

    Raises:
        ConfigError: Something is there, and is not to be written over.
        InputError: It can't be written there.
    """
    claim(file, force=force)
    from cardscreen.cli.starter.proposing import template

    text = template("agreement.toml").replace("2000-01-31", f"{date.today() + _HALF_A_YEAR}")
    try:
        write_whole(file, lambda part: part.write_text(text, encoding="utf-8"))
        _write_schemas(file.absolute().parent, ("agreement",))
    except OSError as error:
        raise InputError(f"{file} can't be written: {error.strerror}") from None


def _write_schemas(folder: Path, names: Iterable[str]) -> None:
    (folder / ".schemas").mkdir(exist_ok=True)
    for name in names:
        text = json.dumps(schema_of(name), indent=1, ensure_ascii=False)
        (folder / f".schemas/{name}.json").write_text(text, encoding="utf-8")
