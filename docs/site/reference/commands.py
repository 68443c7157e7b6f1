"""Every command with its arguments and options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from cardscreen.cli.app import app
from cardscreen.cli.manners import PARTS

from .markdown import MADE, code, table


def page() -> str:
    """Every command with its arguments and options, by what one does."""
    root: Any = get_command(app)
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for name, command in root.commands.items():
        parts.get(command.rich_help_panel, []).append(name)
    text = [f"# Commands\n\n{MADE} `cardscreen COMMAND --help` says the same. What a program is told by the code with"]
    text.append("which a command ends stands under [exit codes](codes.md#exit-codes).\n")
    text += [_options(root)]
    for part, names in parts.items():
        text.append(f"## {part}\n")
        for name in names:
            text += _command(["cardscreen", name], root.commands[name])
    return "\n".join(text)


def _command(path: list[str], command: Any) -> Iterator[str]:
    yield f"### {' '.join(path)}\n"
    said, _, example = (command.help or "").partition("[dim]Example:[/dim]")
    yield f"{_plain(said)}\n"
    if example:
        yield f"```sh\n{' '.join(example.split())}\n```\n"
    yield from [_options(command)] if getattr(command, "commands", None) is None else []
    for name, inner in getattr(command, "commands", {}).items():
        yield from _command([*path, name], inner)


def _plain(text: str) -> str:
    return re.sub(r"\[/?\w+\]", "", text).strip()


def _options(command: Any) -> str:
    context = command.make_context("cardscreen", [], resilient_parsing=True)
    rows = []
    for param in command.get_params(context):
        if (told := param.get_help_record(context)) is not None and "--help" not in param.opts:
            said, _, more = told[1].partition("  [")
            rows.append([code(told[0].strip()), _plain(said), more.removesuffix("]").removeprefix("default: ")])
    return table(["", "what it says", "unless said"], rows) if rows else ""
