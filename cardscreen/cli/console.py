"""What the command line says: data on standard output; on standard error sentences, or JSON lines for logs.

Only the command line talks. What it says on standard error never holds a card number, whichever the form, and nothing
that it says anywhere steers a terminal, or looks like a line of ours and is not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from cardscreen.cli import ending
from cardscreen.foundation.errors import ConfigError, without_cards
from cardscreen.foundation.words import counted as counted
from cardscreen.foundation.words import json_text, shown

#: The options of the commands that may log, and of those that are silent where nothing is wrong.
Log = Annotated[str | None, typer.Option("--log", help="json: tell what happens as JSON lines.", metavar="json")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")]

_log: Any = None


def in_sentences() -> None:
    """Say sentences from now on, as at the start."""
    global _log
    _log = None


def in_json(**known: Any) -> None:
    """Say JSON lines from now on, each with what is known of all: `time`, `level`, `event`, and its own fields."""
    import structlog

    global _log
    _log = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _clean,
            structlog.processors.JSONRenderer(json_text, default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        **known,
    )


def choose(form: str | None, **known: Any) -> None:
    """Say JSON lines from now on where `form` is `json`; see `in_json`.

    Raises:
        ConfigError: Another form.
    """
    if form not in (None, "json"):
        raise ConfigError(f"--log {form!r}: say json, or leave it out")
    if form:
        in_json(**known)


def know(**known: Any) -> None:
    """Put something into every line from now on."""
    global _log
    _log = _log.bind(**known) if _log is not None else None


def put(*lines: str) -> None:
    """Lines of data, for a person."""
    for line in lines:
        typer.echo(shown(line))


def ask(question: str, default: str | None = None) -> str:
    """What a person at the terminal answers; the default, where there is one, to nothing."""
    answer: str = typer.prompt(shown(question), default=default, show_default=bool(default))
    return answer.strip()


def given(value: str) -> str:
    """A value as it was given on the command line, or with `-` on standard input, where no history keeps it."""
    return sys.stdin.readline().rstrip("\r\n") if value == "-" else value


def put_json(value: Any) -> None:
    """Data as one line of JSON."""
    typer.echo(json_text(value, default=str))


def say(event: str, *lines: str, level: str = "info", **fields: Any) -> None:
    """Tell what happened.

    Args:
        event: Its name, in JSON lines.
        lines: For a person; nothing is shown where all are empty.
        level: `info`, `warning` or `error`.
        fields: Figures and names, in JSON lines.
    """
    sentence = "\n".join(shown(without_cards(line)) for line in lines)
    if _log is not None:
        text = {"text": sentence.strip().removeprefix("cardscreen: ")} if sentence else {}
        getattr(_log, level)(event, **text, **fields)
    elif sentence:
        typer.echo(sentence, err=True)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Names the stages as they begin: in a log, or on a terminal beside the time that has passed."""
    with _shown(quiet=quiet) as show:

        def tell(stage: str) -> None:
            ending.check()
            show(stage)

        yield tell


@contextmanager
def _shown(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    if _log is not None:
        yield lambda stage: say("stage", stage=stage)
        return
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal or console.is_dumb_terminal:
        yield lambda _: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda stage: progress.update(task, description=stage)


def _clean(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The same without card numbers, however deep they are."""
    return {name: _cleaned(value) for name, value in fields.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_cards(value)
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(each) for each in value]
    return value
