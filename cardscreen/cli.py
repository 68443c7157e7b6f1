"""The command line: thin, no logic. Data goes to standard output, talk to standard error.

Exit codes: 0 done, 1 a bug, 2 usage or config, 3 input refused, 4 held for approval, 5 busy,
130 and 143 interrupted. Heavy imports happen inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

import json
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cardscreen.list_commands import list_app
from cardscreen.policy_commands import policy_app

if TYPE_CHECKING:
    from cardscreen.run import Run

app = typer.Typer(
    help="Screen accounts against blocklists of phone numbers and bank cards.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

plan_app = typer.Typer(help="The tables by which phone numbers are read.", no_args_is_help=True)
app.add_typer(plan_app, name="plan")
app.add_typer(list_app, name="list")
app.add_typer(policy_app, name="policy")

_KindName = Annotated[str, typer.Argument(help="What it is: phone, card or wallet.", show_default=False)]
_Json = Annotated[bool, typer.Option("--json", help="Print the summary as one line of JSON.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")]


def main() -> NoReturn:
    """The entry point: errors become one sentence and an exit code."""
    from cardscreen.errors import CardscreenError, without_numbers

    signal.signal(signal.SIGTERM, _terminate)
    warnings.showwarning = _warn
    try:
        code = app(standalone_mode=False)
    except CardscreenError as error:
        _say(f"cardscreen: {error}")
        code = error.exit_code
    except KeyboardInterrupt:
        _say("cardscreen: interrupted, nothing is half-published")
        code = 130
    except OSError as error:
        _say(f"cardscreen: {error.filename or 'a file'}: {error.strerror or error}")
        code = 3
    except (typer.Exit, typer.Abort) as ended:
        code = getattr(ended, "exit_code", 130)
    except Exception as error:
        usage = getattr(error, "format_message", None)
        if usage is None:
            sys.excepthook = _crashed
            raise
        # A number in the wrong place is quoted in such a message.
        _say(f"cardscreen: {without_numbers(usage()).rstrip('.')}; see {_command_of(error)} --help")
        code = 2
    except BaseException:
        sys.excepthook = _crashed
        raise
    sys.exit(code if isinstance(code, int) else 0)


def _command_of(error: Exception) -> str:
    """The command whose usage was wrong."""
    return str(getattr(getattr(error, "ctx", None), "command_path", "cardscreen"))


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug's traceback: engines quote the values that they stumble over, and none may show."""
    from cardscreen.errors import without_numbers

    _say(without_numbers("".join(traceback.format_exception(kind, error, trace))))


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    _say("cardscreen: terminated, nothing is half-published")
    sys.exit(143)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    from cardscreen.errors import without_numbers

    _say(f"cardscreen: warning: {without_numbers(str(message))}")


def _say(text: str) -> None:
    from cardscreen.errors import without_cards

    typer.echo(without_cards(text), err=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A spinner that names the stage, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield status.update


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(help="A folder to make.")] = Path("cardscreen-demo"),
    accounts: Annotated[int, typer.Option(min=1000, help="How many accounts to make.")] = 200_000,
    as_json: _Json = False,
) -> None:
    """Make a synthetic operator and bank, screen them, and compare with the planted answers.

    [dim]Example:[/dim] cardscreen demo /tmp/demo
    """
    from cardscreen.demo import run_demo
    from cardscreen.show import demo_table

    with _progress(quiet=as_json) as tell:
        outcome = run_demo(directory, accounts, tell)
    if as_json:
        typer.echo(json.dumps(outcome.summary()))
    else:
        demo_table(outcome)
    if outcome.wrong():
        raise typer.Exit(1)


@app.command()
def run(
    job: Annotated[Path, typer.Argument(help="The job file (TOML).")],
    as_of: Annotated[str | None, typer.Option(help="The day that is asked about, YYYY-MM-DD.")] = None,
    known_at: Annotated[str | None, typer.Option(help="What the store knew at an instant (ISO 8601).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check the same, write nothing.")] = False,
    allow_changed_identifiers: Annotated[
        bool, typer.Option("--allow-changed-identifiers", help="Compare with a base run of other identifiers.")
    ] = False,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Screen a job's accounts and publish the run.

    [dim]Example:[/dim] cardscreen run job.toml --as-of 2026-11-23
    """
    from cardscreen.errors import HeldForApproval
    from cardscreen.job import Job
    from cardscreen.run import run_job
    from cardscreen.tables import parse_day, parse_instant

    day = parse_day(as_of) if as_of else None
    instant = parse_instant(known_at) if known_at else None
    with _progress(quiet=quiet) as tell:
        done = run_job(
            Job.read(job),
            as_of=day,
            known_at=instant,
            dry_run=dry_run,
            allow_changed_identifiers=allow_changed_identifiers,
            tell=tell,
        )
    for warning in done.warnings:
        _say(f"cardscreen: warning: {warning}")
    _show_run(done, as_json=as_json, quiet=quiet)
    if done.held:
        if done.folder:
            _say(f"cardscreen: not published, kept in {done.folder}")
        for reason in done.held:
            _say(f"  {reason}")
        _say("What it would change:")
        for line in done.news:
            _say(f"  {line}")
        _say("Where the night is right all the same, raise the limit: in the job's [limits], or error_after_days in a")
        _say("feed's [terms]; or get newer data.")
        raise typer.Exit(HeldForApproval.exit_code)


def _show_run(done: Run, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        folder = str(done.folder) if done.folder else None
        typer.echo(json.dumps({**done.result.summary, "run": folder, "held": done.held}, ensure_ascii=False))
    elif not quiet:
        from cardscreen.show import run_table

        run_table(done)


@app.command()
def normalize(
    kind: _KindName,
    file: Annotated[str, typer.Argument(help="Parquet, CSV, TSV or Arrow IPC; path, glob or URL.")],
    column: Annotated[str, typer.Option(help="The column with the raw values.")],
    out: Annotated[Path, typer.Option(help="A .parquet or .csv file to write.")],
    region: Annotated[str | None, typer.Option(help="Region of national phone numbers, such as CN.")] = None,
) -> None:
    """Normalise one column of a file; the other columns are kept. Cards come out masked.

    [dim]Example:[/dim] cardscreen normalize phone crm.csv --column mobile --region CN --out clean.parquet
    """
    from cardscreen.normalize import normalize_file

    rows = normalize_file(kind, file, column, out, region)
    _say(f"{rows:,} rows written to {out}")


@app.command()
def check(
    kind: _KindName,
    value: Annotated[str, typer.Argument(help="One value, as written; - reads standard input.")],
    region: Annotated[str | None, typer.Option(help="Region of national phone numbers, such as CN.")] = None,
) -> None:
    """Say how one value is read. Use - for card numbers: arguments stay in the shell's history.

    [dim]Example:[/dim] cardscreen check phone "138 0013 8000" --region CN
    """
    from cardscreen.normalize import describe

    fields: dict[str, Any] = describe(kind, sys.stdin.readline().rstrip("\n") if value == "-" else value, region)
    for name, said in fields.items():
        typer.echo(f"{name:8} {said if said is not None else '-'}")


@plan_app.command("build")
def plan_build(
    regions: Annotated[list[str] | None, typer.Argument(help="Regions of national numbers, such as CN GB.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All regions that libphonenumber knows.")] = False,
) -> None:
    """Make the phone tables now, so that the first run need not: for container images.

    They are made once for each version of the phonenumbers package and kept in the user's cache
    directory, or in CARDSCREEN_CACHE_DIR.

    [dim]Example:[/dim] cardscreen plan build CN HK
    """
    from cardscreen.numbering import upkeep
    from cardscreen.phones import check_region

    for region in regions or []:
        check_region(region)
    cells = upkeep.warm(None if every else regions or [])
    _say(f"{len(cells)} tables with {sum(cells.values()):,} cells")


@app.command()
def doctor(as_json: _Json = False) -> None:
    """Show versions, threads, memory and the state of the phone tables.

    [dim]Example:[/dim] cardscreen doctor
    """
    from cardscreen.doctor import report

    told = report()
    if as_json:
        typer.echo(json.dumps(told))
        return
    for part, said in told.items():
        lines = said.items() if isinstance(said, dict) else [("", said)]
        for name, value in lines:
            typer.echo(f"{f'{part} {name}'.strip():26} {value}")


if __name__ == "__main__":
    main()
