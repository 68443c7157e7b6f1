"""The command line: thin, no logic. Data goes to standard output, talk to standard error.

Exit codes are those of `manners.EXIT_CODES`. Heavy imports happen inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

import shlex
import sys
import time
import traceback
import warnings
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cardscreen.cli import console, ending
from cardscreen.cli.commands.check import NO_REGION, KindName, OptionsOfKind, check
from cardscreen.cli.commands.exchange import exchange_app
from cardscreen.cli.commands.leads import leads_app
from cardscreen.cli.commands.lists import list_app, tokens_app
from cardscreen.cli.commands.people import appeal, feedback, targets
from cardscreen.cli.commands.policy import policy_app
from cardscreen.cli.commands.reports import reports_app
from cardscreen.cli.commands.runs import audit, diff, explain, report, runs_app, status, upgrade
from cardscreen.cli.manners import LEADS, LISTS, NIGHTS, QUESTIONS, START, UPKEEP, App, is_usage, usage_sentence

if TYPE_CHECKING:
    from cardscreen.runs.night import Run

app = App(
    help="Screen accounts against blocklists of phone numbers and bank cards.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

plan_app = App(help="The tables by which phone numbers are read.")

_INTERRUPTED = 130
_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]


def main() -> NoReturn:
    """The entry point: errors become one sentence and an exit code."""
    from cardscreen.foundation.files import not_for_others
    from cardscreen.foundation.process.allowance import require_files

    console.in_sentences()
    ending.listen()
    warnings.showwarning = _warn
    try:
        require_files()
        with not_for_others():
            code = app(standalone_mode=False)
        if code == _INTERRUPTED:  # typer makes of it an exit without a word
            raise KeyboardInterrupt
    except BaseException as error:
        code = _ended_by(error)
    sys.exit(code if isinstance(code, int) else 0)


def _ended_by(error: BaseException) -> int:
    """The exit code of an end, and one sentence about it; a bug's error is raised again."""
    from cardscreen.foundation.errors import CardscreenError
    from cardscreen.foundation.files import elsewhere, is_full

    if told := ending.ended(KeyboardInterrupt() if isinstance(error, typer.Abort) else error):
        return _failed(*told)
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, CardscreenError):
        return _failed(error.exit_code, *str(error).split("\n"))
    if isinstance(error, OSError):
        return _failed(3, f"{error.filename}: {error.strerror}{elsewhere(error)}" if error.filename else str(error))
    if is_usage(error):
        return _failed(2, usage_sentence(error))
    if is_full(error):
        return _failed(3, "there is no space left on the disk, or not for a file so large, nothing is half-published")
    if _is_of_memory(error):
        return _failed(3, "the memory that this process may have did not suffice, nothing is half-published")
    sys.excepthook = _crashed
    raise error


def _is_of_memory(error: BaseException) -> bool:
    """Whether memory was not to be had, also where the engine makes another error of a library's own."""
    return isinstance(error, MemoryError) or "MemoryError" in str(error)


def _failed(code: int, first: str, *more: str) -> int:
    console.say("failed", first and f"cardscreen: {first}", *more, level="error", exit_code=code)
    return code


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug's traceback: engines quote the values that they stumble over, and none may show."""
    from cardscreen.foundation.errors import without_numbers

    parts = [without_numbers(part) for part in traceback.format_exception(kind, error, trace)]
    # A part about a place in the code has several lines; what the error says is one, whatever it quotes.
    lines = (part.splitlines() if part.startswith("  ") else [part.strip("\n")] for part in parts)
    console.say("crashed", *chain.from_iterable(lines), level="error")


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    from cardscreen.foundation.errors import without_numbers

    console.say("warning", f"cardscreen: warning: {without_numbers(str(message))}", level="warning")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"cardscreen {version('cardscreen')}")
        raise typer.Exit


@app.command("help", hidden=True)
def help_(
    context: typer.Context,
    command: Annotated[list[str] | None, typer.Argument(help="A command, such as list import.")] = None,
) -> None:
    """Show the help of a command.

    [dim]Example:[/dim] cardscreen help list import
    """
    root = context.find_root()
    root.command.main([*(command or []), "--help"], prog_name=root.info_name, standalone_mode=False)


@app.callback()
def _of_all(
    _: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command(rich_help_panel=START)
def demo(
    directory: Annotated[Path, typer.Argument(help="A folder to make.")] = Path("cardscreen-demo"),
    accounts: Annotated[int, typer.Option(min=1000, max=4_000_000, help="How many accounts to make.")] = 200_000,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier demo that was worked in since.")] = False,
    as_json: _Json = False,
) -> None:
    """Make a synthetic operator and bank, play three nights, compare with what was planted; exit code 1: not all.

    [dim]Example:[/dim] cardscreen demo /tmp/demo
    """
    from cardscreen.cli.demo import printed, run_demo

    with console.progress(quiet=as_json) as tell:
        outcome = run_demo(directory, accounts, tell, force=force)
    typer.echo(printed.line(outcome) if as_json else printed.page(outcome), nl=as_json)
    if any(outcome.failures()):
        raise typer.Exit(1)


@app.command(files=("--accounts", "--list"), rich_help_panel=START)
def init(
    directory: Annotated[Path, typer.Argument(help="A folder to make.")] = Path("cardscreen-job"),
    accounts: Annotated[
        list[str] | None, typer.Option(help="Your own files of accounts.", metavar="FILE…", show_default=False)
    ] = None,
    lists: Annotated[
        list[str] | None, typer.Option("--list", help="Your own lists.", metavar="FILE…", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written.")] = False,
) -> None:
    """Write a job, a policy and feeds: for your own files, by looking at them, or a small sample that runs as it is.

    On a terminal it asks what files don't tell; elsewhere it marks what only a person can say.

    [dim]Example:[/dim] cardscreen init nightly --accounts subscribers.csv --list police.csv
    """
    from cardscreen.cli import starter
    from cardscreen.foundation.errors import ConfigError, without_cards

    if lists and not accounts:
        raise ConfigError("--list names lists, and no accounts are named: say --accounts FILE, too")
    if accounts:
        asks = sys.stdin.isatty() and sys.stdout.isatty() and not dry_run
        project = starter.of_files(directory, accounts, lists or [], asks=asks)
    else:
        project = starter.sample()
    if dry_run:
        for name, content in project.files.items():
            console.put(f"--- {directory / name}", *content.splitlines())
    else:
        for file in starter.make(directory, project):
            console.say("written", f"written: {file}")
    if project.taken:
        console.say("taken", "", *project.taken)
    if project.left:
        console.say("left", "", "Only you can say:", *(f"  {each}" for each in project.left))
    then = "Then do this:" if accounts else "Now do this, then read job.toml and put in your own accounts and lists:"
    console.say("next", "", then)
    for step in (f"cd {shlex.quote(str(directory))}", *project.steps):
        console.put(without_cards(step))


@app.command(rich_help_panel=START)
def schema(
    name: Annotated[
        str, typer.Argument(help="job, policy, feed, leads, reports, contacts or agreement.", show_default=False)
    ],
) -> None:
    """Print the JSON Schema of a file that people write, for editors: save it, and name it in a `#:schema` line.

    [dim]Example:[/dim] cardscreen schema job > job.schema.json
    """
    from cardscreen.cli.starter.schemas import schema_of
    from cardscreen.foundation.words import json_text

    typer.echo(json_text(schema_of(name), indent=2))


app.add_typer(list_app, name="list", rich_help_panel=LISTS)
app.add_typer(tokens_app, name="tokens", rich_help_panel=LISTS)


@app.command(rich_help_panel=NIGHTS)
def run(
    job: Annotated[Path, typer.Argument(help="The job file (TOML).")],
    as_of: Annotated[
        str | None, typer.Option(help="The day that is asked about, YYYY-MM-DD; today when left out.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option(help="What the store knew then, such as 2026-11-23T02:00:00+08:00.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check the same, write nothing.")] = False,
    allow_changed_identifiers: Annotated[
        bool, typer.Option("--allow-changed-identifiers", help="Compare with a base run of other identifiers.")
    ] = False,
    allow_future: Annotated[
        bool, typer.Option("--allow-future", help="Publish although the day is more than a month ahead.")
    ] = False,
    metrics: Annotated[Path | None, typer.Option(help="A .prom file for Prometheus, written however it ends.")] = None,
    log: console.Log = None,
    as_json: _Json = False,
    quiet: console.Quiet = False,
) -> None:
    """Screen a job's accounts and publish the run.

    [dim]Example:[/dim] cardscreen run job.toml --as-of 2026-11-23
    """
    from cardscreen.cli.metrics import check_own, measured
    from cardscreen.runs.job import Job
    from cardscreen.runs.night import run_job
    from cardscreen.tables.dates import parse_day, parse_instant

    console.choose(log, job=str(job))
    begun = time.perf_counter()
    with measured(None if dry_run else metrics, _warn) as night, console.progress(quiet=quiet) as tell:
        what = Job.read(job)
        if night.file is None and what.metrics is not None and not dry_run:
            check_own(what.metrics)
            night.file = what.metrics
        day, instant = parse_day(as_of) if as_of else None, parse_instant(known_at) if known_at else None
        done = night.run = run_job(
            what,
            as_of=day,
            known_at=instant,
            dry_run=dry_run,
            allow_changed_identifiers=allow_changed_identifiers,
            allow_future=allow_future,
            tell=tell,
            named=lambda run: console.know(run=run),
        )
    for warning in done.warnings:
        console.say("warning", f"cardscreen: warning: {warning}", level="warning")
    _show_run(done, as_json=as_json, quiet=quiet)
    _tell_end(done, time.perf_counter() - begun, quiet=quiet, shown=not (as_json or quiet))


def _tell_end(done: Run, seconds: float, *, quiet: bool, shown: bool) -> None:
    from cardscreen.foundation.errors import HeldForApproval
    from cardscreen.runs.messages.mending import in_words

    summary = done.result.summary
    stages = summary["seconds"]
    rest = {"rest": max(0.0, seconds - sum(stages.values()))}
    took = ", ".join(f"{stage} {spent:.1f} s" for stage, spent in (stages | rest).items())
    figures = {name: summary[name] for name in ("as_of", "rows", "flagged", "hits", "seconds")}
    sentence = "" if quiet else f"cardscreen: took {seconds:.1f} s ({took})"
    console.say("held" if done.held else "finished", sentence, folder=done.folder, took=round(seconds, 3), **figures)
    if not done.held:
        return
    kept = f"not published, kept in {done.folder}" if done.folder else "dry run: the night would be held"
    console.say("kept", f"cardscreen: {kept}", level="warning")
    for reason in done.held:
        console.say("limit passed", f"  {reason}", level="warning")
        for line in in_words(reason, summary, done.result.rejects):
            console.say("that is", f"    {line}")
    news = ["What it would change:", *(f"  {line}" for line in done.news or ["nothing"])]
    console.say("would change", *([] if shown and done.news else news), changes=done.news)
    if done.folder:
        console.say("advice", *(line.format(run=shlex.quote(str(done.folder))) for line in _ADVICE.splitlines()))
    raise typer.Exit(HeldForApproval.exit_code)


_ADVICE = """Look at it, then decide:
  cardscreen runs show {run}
  cardscreen runs approve {run} --by NAME --reason "…"
  cardscreen runs discard {run} --by NAME --reason "…"
Or get newer data, or change the limit, and run again."""


def _show_run(done: Run, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        folder = str(done.folder) if done.folder else None
        console.put_json({**done.result.summary, "run": folder, "held": done.held})
    elif not quiet:
        from cardscreen.cli.printing import run_table

        run_table(done)


app.add_typer(leads_app, name="leads", rich_help_panel=LEADS)
app.add_typer(reports_app, name="reports", rich_help_panel=LEADS)
app.add_typer(exchange_app, name="exchange", rich_help_panel=LEADS)
app.add_typer(runs_app, name="runs", rich_help_panel=NIGHTS)
app.add_typer(policy_app, name="policy", rich_help_panel=NIGHTS)
app.command(rich_help_panel=NIGHTS)(status)
app.command(rich_help_panel=NIGHTS)(report)
for people in (appeal, feedback, targets):
    app.command(rich_help_panel=LEADS)(people)


@app.command(rich_help_panel=QUESTIONS)
def normalize(
    kind: KindName,
    file: Annotated[str, typer.Argument(help="Parquet, CSV, TSV, XLSX or Arrow IPC; path, glob or URL.")],
    column: Annotated[str, typer.Option(help="The column with the raw values.")],
    out: Annotated[Path, typer.Option(help="A .parquet or .csv file to write.")],
    region: Annotated[str | None, typer.Option(help="Region of national phone numbers, such as CN.")] = None,
    options: OptionsOfKind = None,
    encoding: Annotated[str | None, typer.Option(help="Of text that is in neither UTF-8, GB18030 nor UTF-16.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between the fields of text, such as ';'.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a spreadsheet; otherwise the first.")] = None,
    header_row: Annotated[int | None, typer.Option(min=1, help="The line that names the columns.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Normalise one column of a file. Cards come out masked; other columns are kept as they are, cards in them too.

    [dim]Example:[/dim] cardscreen normalize phone crm.csv --column mobile --region CN --out clean.parquet
    """
    from cardscreen.cli.commands.normalize import normalize_file, options_given
    from cardscreen.tables.reading import Reading

    reading = Reading(encoding, delimiter, sheet, header_row, saying="say {flag} {value}")
    rows = normalize_file(kind, file, column, out, options_given(region, options or []), reading, force=force)
    of = ", ".join(f"{status} {count:,}" for status, count in rows.items())
    console.say("written", f"{console.counted(sum(rows.values()), 'row')} written to {out}" + f" ({of})" * bool(rows))
    if region is None and not options and "invalid_country_code" in rows:
        console.say("no region", NO_REGION)


for each in (check, explain, audit, diff):
    app.command(rich_help_panel=QUESTIONS)(each)


app.add_typer(plan_app, name="plan", rich_help_panel=UPKEEP)
app.command(rich_help_panel=UPKEEP)(upgrade)


@plan_app.command("build")
def plan_build(
    regions: Annotated[list[str] | None, typer.Argument(help="Regions of national numbers, such as CN GB.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All regions that libphonenumber knows.")] = False,
) -> None:
    """Make the phone tables and compile the loops now, so that the first run need not: for container images.

    They are made once for each version of the phonenumbers package, and for each processor, and kept in the user's
    cache directory, or in CARDSCREEN_CACHE_DIR.

    [dim]Example:[/dim] cardscreen plan build CN HK
    """
    from cardscreen.foundation.lookup import compiled
    from cardscreen.kinds.phone.kind import check_region
    from cardscreen.kinds.phone.numbering import upkeep
    from cardscreen.lists.feeds import importing  # noqa: F401  (with it come the loops of lists and of all kinds)

    for region in regions or []:
        check_region(region)
    compiled.prepare()
    cells = upkeep.warm(None if every else regions or [])
    console.say("built", f"{console.counted(len(cells), 'table')} with {console.counted(sum(cells.values()), 'cell')}")


@app.command(rich_help_panel=UPKEEP)
def doctor(as_json: _Json = False) -> None:
    """Show versions, threads, memory and the state of the phone tables.

    [dim]Example:[/dim] cardscreen doctor
    """
    from cardscreen.cli.commands.doctor import report

    parts = report()
    if as_json:
        console.put_json(parts)
        return
    for part, content in parts.items():
        lines = content.items() if isinstance(content, dict) else [("", content)]
        for name, value in lines:
            console.put(f"{f'{part} {name}'.strip():26} {value}")
