"""How the command line behaves whatever the command: help without noise, near names, one sentence for a mistake."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

#: What a program is told by the code with which a command ends.
EXIT_CODES = {
    0: "done",
    1: "a bug; or the demo did not find all that was planted",
    2: "usage, or a file of settings, is wrong",
    3: "input refused: a file or a column is missing or unreadable, a list failed its checks, or an audit a fault",
    4: "held: a limit was passed, and a person must decide",
    5: "another run works in the same folder",
    130: "interrupted: nothing is half-published",
    143: "terminated: nothing is half-published",
}


class App(typer.Typer):
    """A group of commands; alone, it shows its help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=_Group, no_args_is_help=True, rich_markup_mode="rich", **settings)

    def command(self, name: str | None = None, *, files: Sequence[str] = (), **settings: Any) -> Callable[..., Any]:
        """Add a command; flags show no type in its help, and behind the options `files` stand as many as there are."""
        return super().command(name, cls=type("_Files", (_Command,), {"files": files}), **settings)


class _Command(TyperCommand):
    files: Sequence[str] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _each_with_option(args, self.files))

    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types_of_flags(super().get_params(ctx))


#: The parts of the help, by what one does.
START, LISTS, NIGHTS, LEADS, QUESTIONS, UPKEEP = PARTS = ("Start", "Lists", "Nights", "Leads", "Questions", "Upkeep")


class _Group(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        parts = {name: getattr(self.commands[name], "rich_help_panel", None) for name in names}
        return sorted(names, key=lambda name: PARTS.index(parts[name]) if parts[name] in PARTS else len(PARTS))

    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types_of_flags(super().get_params(ctx))


def _without_types_of_flags(params: Iterable[Any]) -> list[Any]:
    """The same; a flag takes no value, so its help names none."""
    plain = list(params)
    for param in plain:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return plain


def _each_with_option(args: Sequence[str], options: Sequence[str]) -> list[str]:
    """Arguments in which each file behind an option of files has that before it: shells make several of `*.csv`."""
    plain, option, behind = list[str](), "", 0
    for arg in args:
        if arg.startswith("-"):
            option, behind = arg if arg in options else "", 0
        elif option:
            behind += 1
            if behind > 1 and Path(arg).is_file():
                plain.append(option)
        plain.append(arg)
    return plain


def is_usage(error: BaseException) -> bool:
    """Whether the command line was typed wrong."""
    return hasattr(error, "format_message")


def usage_sentence(error: Any) -> str:
    """What was typed wrong, the near name, and where to look; empty where help was shown instead."""
    from cardscreen.foundation.errors import without_numbers

    sentence = str(error.format_message())
    for hint in (". Did you mean ", " (Possible options: "):
        sentence = sentence.partition(hint)[0]
    sentence = sentence.strip().rstrip(".")
    if not sentence:
        return ""
    context = getattr(error, "ctx", None)
    where = getattr(context, "command_path", "cardscreen")
    # A number in the wrong place is quoted in such a message.
    return f"{without_numbers(sentence[0].lower() + sentence[1:])}{_near(error, context)}; see {where} --help"


def _near(error: Any, context: Any) -> str:
    """A hint at the near option or command, where one was typed that there is not."""
    from cardscreen.foundation.errors import near

    if context is None:
        return ""
    if hasattr(error, "possibilities"):
        return near(error.option_name, [name for param in context.command.get_params(context) for name in param.opts])
    _, unknown, typed = str(error.message).partition("No such command '")
    name = typed.partition("'")[0]
    if not unknown:
        return ""
    root = context.find_root()
    return _elsewhere(name, root) or near(name, context.command.commands) or _elsewhere(name, root, nearly=True)


def _elsewhere(name: str, root: Any, *, nearly: bool = False) -> str:
    """A hint at a command of that name, or nearly, in a group."""
    groups = {group: getattr(each, "commands", {}) for group, each in root.command.commands.items()}
    all_names = {each for commands in groups.values() for each in commands}
    close = difflib.get_close_matches(name, all_names, 1) if nearly else []
    meant = name if name in all_names else next(iter(close), None)
    places = [f"{root.info_name} {group} {meant}" for group, commands in groups.items() if meant in commands]
    return f" (did you mean {' or '.join(places)}?)" if places else ""
