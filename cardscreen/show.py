"""What a person sees on the terminal after a run: a table to read in ten seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from cardscreen.run import Run

if TYPE_CHECKING:
    from cardscreen.demo import Outcome

_ACTIONS = ("close", "suspend", "verify", "notify", "none")
_MEANING = {"none": "none (exempt)"}


def run_table(done: Run) -> None:
    """Print what one run found and where its files are."""
    console = Console()
    rows = done.result.summary["rows"]
    console.print(f"{rows['read']:,} rows read, {rows['hit']:,} on a list, {rows['clear']:,} clear", highlight=False)
    console.print(_actions([done.result.summary], ["accounts"]))
    console.print(_coverage(done.result.summary))
    console.print(f"{'held' if done.held else 'run'}: {done.folder or 'dry run, nothing written'}", soft_wrap=True)


def demo_table(outcome: Outcome) -> None:
    """Print what the demo found, against what was planted."""
    console = Console()
    summaries = [run.result.summary for run in outcome.runs.values()]
    rows = sum(summary["rows"]["read"] for summary in summaries)
    total = sum(outcome.listings.values())
    console.print(f"Screened {rows:,} accounts against {total:,} listings in {outcome.seconds:.1f} s.", highlight=False)
    lists = ", ".join(f"{count:,} from {source}" for source, count in outcome.listings.items())
    console.print(f"Lists: {lists}", highlight=False, soft_wrap=True)
    console.print(_actions(summaries, list(outcome.runs)))
    for name, summary in zip(outcome.runs, summaries, strict=True):
        console.print(_coverage(summary, title=f"{name}: cells"))
    truth = Table("planted", "expected", "found", box=SIMPLE)
    for case in outcome.cases.rows(named=True):
        colour = "green" if case["right"] == case["accounts"] else "red"
        truth.add_row(case["case"], case["expected"], f"[{colour}]{case['right']:,} of {case['accounts']:,}[/]")
    console.print(truth)
    console.print(f"Flagged without having been planted: {outcome.unplanted:,}", highlight=False)
    for name, run in outcome.runs.items():
        console.print(f"{name:9} {run.folder}", highlight=False, soft_wrap=True)
    console.print(f"{'inputs':9} {outcome.folder}", highlight=False, soft_wrap=True)


def _actions(summaries: list[dict[str, Any]], titles: list[str]) -> Table:
    table = Table("recommended action", *titles, box=SIMPLE)
    for column in table.columns[1:]:
        column.justify = "right"
    for action in _ACTIONS:
        counts = [summary["flagged"]["actions"].get(action, 0) for summary in summaries]
        if any(counts):
            table.add_row(_MEANING.get(action, action), *(f"{count:,}" for count in counts))
    return table


def _coverage(summary: dict[str, Any], title: str = "cells") -> Table:
    names = ("cells", "missing", "rejected", "clear", "exempt", "hit")
    table = Table(title, *names[1:], box=SIMPLE)
    for column in table.columns[1:]:
        column.justify = "right"
    for identifier, cells in summary["coverage"].items():
        table.add_row(f"{identifier} ({cells['cells']:,})", *(f"{cells[name]:,}" for name in names[1:]))
    return table
