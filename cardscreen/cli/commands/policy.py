"""The command line for policies: read one, and say what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cardscreen.cli import console
from cardscreen.cli.manners import App

policy_app = App(help="The policy: what follows from a hit.")


@policy_app.callback()
def _group() -> None:
    """The policy: what follows from a hit."""


@policy_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A policy file, or a job file with its policy (TOML).")],
    store: Annotated[str | None, typer.Option(help="The store whose sources' terms count; a job's own.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="The day that is asked about, YYYY-MM-DD; today if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the policy as one line of JSON.")] = False,
) -> None:
    """Say what a policy does, or everything that is wrong with it, each with its line.

    [dim]Example:[/dim] cardscreen policy check policy.toml --store lists
    """
    from cardscreen.review.policy_summary import CheckedPolicy
    from cardscreen.tables.dates import parse_day

    checked = CheckedPolicy.read(file, parse_day(as_of) if as_of else None, store)
    if as_json:
        console.put_json(checked.summary())
        return
    console.put(*checked.lines())
    for warning in checked.warnings():
        console.say("warning", f"cardscreen: warning: {warning}", level="warning")
