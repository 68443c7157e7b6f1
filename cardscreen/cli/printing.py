"""What a person sees on the terminal after a run: a table to read in ten seconds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from cardscreen.cli.console import counted, put_json
from cardscreen.foundation.words import shown
from cardscreen.runs.night import Run
from cardscreen.screening.hits.matches import NOT_JUDGED
from cardscreen.screening.summary import exempt_in, invalid_in

if TYPE_CHECKING:
    from cardscreen.lists.feeds.importing import Imported

_CLASSES = {
    "hit": "on a list",
    "exempt": "of them exempt",
    "clear": "clear",
    "not_screenable": "with nothing to look up",
    "no_account": "without account",
    NOT_JUDGED: "perhaps on a list, not looked at since too many are",
}
_ALWAYS = ("hit", "clear")
_ACTIONS = ("close", "suspend", "verify", "notify", "none")
#: Brackets and colons in folders, sources and account ids are what they are.
_LITERAL: Any = {"markup": False, "emoji": False}


def run_table(done: Run) -> None:
    """Print what one run found and where its files are."""
    console = _console()
    rows = done.result.summary["rows"]
    # What is exempt is on a list, too: `flagged` counts both everywhere.
    found = rows | {"hit": rows["hit"] + rows["exempt"]}
    classes = ", ".join(
        f"{found[name]:,} {words}" for name, words in _CLASSES.items() if found.get(name) or name in _ALWAYS
    )
    console.print(f"{counted(rows['read'], 'row')} read: {classes}", highlight=False)
    console.print(actions_table([done.result.summary], ["accounts"]))
    print_rows(console, _coverage(done.result.summary))
    if left_out := done.result.summary["hits"]["left_out"]:
        console.print(f"{counted(left_out, 'weaker hit')} left out, past hits_per_account", highlight=False)
    for line in done.news:
        console.print(shown(line), highlight=False, soft_wrap=True)
    where = shown(str(done.folder or "dry run, nothing written"))
    if done.page:
        console.print(f"to look at, in a browser: {shown(str(done.page))}", soft_wrap=True)
    console.print(f"{'held' if done.held else 'run'}: {where}", soft_wrap=True)  # the last line: scripts read it


def print_frame(frame: pl.DataFrame, *, as_json: bool) -> None:
    """Print a small table, for a person or as one line of JSON."""
    if as_json:
        put_json(frame.to_dicts())
        return
    console = _console()
    filled = frame.select(column for column in frame if column.null_count() < len(frame) or not len(frame))
    print_rows(console, filled.rename({name: name.replace("_", " ") for name in filled.columns}))


def _console() -> Console:
    """As wide as the terminal; what is none sets no limit."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, **_LITERAL)


def print_rows(console: Console, frame: pl.DataFrame) -> None:
    """Print a table: wide where that fits, else narrower with text in several lines; else each row in lines of its own.

    Numbers are never cut, nor is anything left out.
    """
    if frame.is_empty():
        console.print("none")
        return
    # What is no terminal is read by programs, too, which look for whole cells.
    smaller = [_table(frame, wraps=True), _table(frame, narrow=True)] if sys.stdout.isatty() else []
    for table in (_table(frame), *smaller):
        # Of its own width a console never says that it is too small.
        if Console(width=_BOUNDLESS, **_LITERAL).measure(table).minimum <= console.width:
            console.print(table)
            return
    wide = max(map(len, frame.columns))
    for row in frame.rows(named=True):
        for name, value in row.items():
            console.print(f"{name:{wide}}  {_cell(value)}", highlight=False, soft_wrap=True)
        console.print()


_FOLDED = {"file": 8, "reference": 8, "listing id": 14}  # columns, of which lines of so many characters are made


def _table(frame: pl.DataFrame, *, wraps: bool = False, narrow: bool = False) -> Table:
    table = Table(*frame.columns, box=None if narrow else SIMPLE, pad_edge=not narrow)
    table.padding = (0, 1, 0, 0) if narrow else (0, 1)
    for column, dtype in zip(table.columns, frame.dtypes, strict=True):
        column.justify = "right" if dtype.is_integer() else "left"
        # What is one word is never cut: the engine of tables would rather cut several columns than one to its words.
        words = any(" " in _cell(value) for value in frame[str(column.header)])
        folds = narrow and column.header in _FOLDED
        column.no_wrap = column.header != _PROSE and not folds and not ((wraps or narrow) and words)
        if narrow:
            column.header = str(column.header).replace(" ", "\n")
    for row in frame.rows():
        cells = [_cell(value) for value in row]
        table.add_row(*(map(_folded, frame.columns, cells) if narrow else cells))
    for column in table.columns:
        if column.no_wrap:  # of several words, too, which the engine of tables would measure one by one
            texts = [str(each) for each in (column.header, *column.cells)]
            column.min_width = max(cell_len(line) for text in texts for line in text.split("\n"))
    return table


def _folded(column: str, cell: str) -> str:
    """A cell in short lines, of columns that few people copy."""
    size = _FOLDED.get(column, _BOUNDLESS)
    return "\n".join(cell[at : at + size] for at in range(0, len(cell), size))


_WIDE = 200  # columns, where no terminal sets a limit
_BOUNDLESS = 100_000
_PROSE = "note"  # the one column that may take several lines


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else shown(str(value))


def import_lines(done: Imported) -> Iterator[str]:
    """What an import did, in a few sentences."""
    counts = done.counts
    written = f" as version {done.version}" if done.version is not None else ", dry run: nothing was written"
    yield f"{done.source}: {counted(counts['read'], 'row')} read{written}"
    parts = {name: counts.get(name, 0) for name in _OUTCOMES}
    yield "  " + ", ".join(f"{count:,} {name}" for name, count in parts.items() if count or name in ("added", "ended"))
    yield f"  in force: {counted(counts['in_force'], 'listing')}, before: {counts['in_force_before']:,}"
    if done.encoding and done.encoding != "utf-8":
        yield f"  read as {done.encoding}"
    yield from (f"  {note}" for note in done.notes)
    if done.changed_on < done.confirmed_on:
        yield f"  nothing has changed since {done.changed_on}: the data is true of {done.confirmed_on}, too"
    elif done.again:
        yield f"  this very file was imported last: the data is of {done.confirmed_on}"
    if done.rejects:
        where = f", see {done.summary()['rejects']}" if done.version is not None else ""
        yield f"  {counted(counts['rejected'], 'row')} can't be used{where}"
    for problem in done.waived:
        yield f"  waived: {problem}"


_OUTCOMES = (
    *("added", "reopened", "changed", "unchanged", "ended", "kept", "merged"),
    *("already", "repeated", "absent", "stale", "closed"),
)


def actions_table(summaries: Sequence[dict[str, Any]], titles: Sequence[str]) -> Table:
    """How many accounts each action is recommended for, in one or several runs."""
    table = Table("recommended action", *titles, box=SIMPLE)
    for column in table.columns[1:]:
        column.justify = "right"
    found = [summary["flagged"]["actions"] for summary in summaries]
    rows = {action: [actions.get(action, 0) for actions in found] for action in _ACTIONS}
    exempt = rows["none (exempt)"] = [exempt_in(summary) for summary in summaries]
    rows["none"] = [count - of_them for count, of_them in zip(rows["none"], exempt, strict=True)]
    for name, counts in rows.items():
        if any(counts):
            table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def _coverage(summary: dict[str, Any]) -> pl.DataFrame:
    names = ("missing", "rejected", "clear", "exempt", "hit")
    rows = [
        {
            "cells": f"{identifier} ({cells['cells']:,})",
            **{name: cells[name] for name in names},
            "(not valid)": invalid_in(summary, identifier),
        }
        for identifier, cells in summary["coverage"].items()
    ]
    return pl.DataFrame(rows)
