"""The command line for reports of the public: take them in, weigh them, review, decide, publish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cardscreen.cli import console
from cardscreen.cli.commands.leads import (
    Allow,
    AsOf,
    Because,
    By,
    Force,
    Json,
    Out,
    Reviewed,
    tell_decided,
    tell_published,
    write_review,
)
from cardscreen.cli.manners import App

if TYPE_CHECKING:
    from cardscreen.leads.desk.folder import Sheet

reports_app = App(help="Reports of the public: weighed, proposed in steps, and published as a list.")

_Reports = Annotated[Path, typer.Argument(help="The file of reports (TOML).", show_default=False)]


@reports_app.command()
def add(
    reports: _Reports,
    files: Annotated[list[str], typer.Argument(help="Files of reports: CSV, XLSX, JSON Lines, Parquet.")],
    allow: Allow = None,
    as_of: AsOf = None,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Take in files of reports; of reporters only tokens are kept, and of free text nothing.

    [dim]Example:[/dim] cardscreen reports add reports.toml hotline.csv
    """
    from cardscreen.leads.reports.adding import add as take_in
    from cardscreen.leads.reports.settings import Reports
    from cardscreen.tables.dates import parse_day

    console.choose(log, reports=str(reports))
    done = take_in(Reports.read(reports), files, allow=allow or [], as_of=parse_day(as_of) if as_of else None)
    for each in done:
        console.say("added", **each.summary())
    if as_json:
        console.put_json([each.summary() for each in done])
        return
    for each in done:
        console.put(f"{each.file}: {each.read:,} rows read, {each.taken:,} taken, {each.known:,} known already")
        if each.rejected:
            console.put(f"  {each.rejected:,} can't be used, see {each.rejects}")


@reports_app.command()
def score(reports: _Reports, as_of: AsOf = None, log: console.Log = None, as_json: Json = False) -> None:
    """Weigh what was reported, and say what reaches a step and what a person must look at.

    [dim]Example:[/dim] cardscreen reports score reports.toml
    """
    from cardscreen.leads.reports.proposing import propose
    from cardscreen.leads.reports.settings import Reports
    from cardscreen.tables.dates import parse_day

    console.choose(log, reports=str(reports))
    with console.progress(quiet=as_json) as tell:
        sheet = propose(Reports.read(reports), parse_day(as_of) if as_of else None, tell)
    if as_json:
        console.put_json({"folder": str(sheet.folder), **sheet.records["summary"]})
        return
    _tell_scored(sheet)


def _tell_scored(sheet: Sheet) -> None:
    summary = sheet.records["summary"]
    console.put(f"reports    {summary['reports']:,} kept")
    if summary["later"]:
        later = f"{summary['later']:,} of them are of a day after {summary['as_of']}"
        console.put(f"later      {later}, and weigh nothing yet")
    for source, states in summary["proposals"].items():
        told = ", ".join(f"{count:,} {state}" for state, count in states.items())
        console.put(f"proposals  {source}: {told or 'none'}")
    if summary["standing"]:
        console.put(f"standing   {summary['standing']:,} of them are listed, and stay so until a person has decided")
    whys = {
        "allowed": "an allow listing holds them",
        "own": "they are the institution's own",
        "service": "they are numbers of services, such as 400 or toll-free ones, which callers pretend",
    }
    for why, count in summary["excluded"].items():
        console.put(f"excluded   {count:,}: {whys[why]}")
    console.put(f"folder     {sheet.folder}")


@reports_app.command()
def review(reports: _Reports, out: Out, force: Force = False) -> None:
    """Write what a person must look at, each with its reason in a sentence; fill in the column `decision`.

    [dim]Example:[/dim] cardscreen reports review reports.toml --out review.csv
    """
    from cardscreen.leads.reports.proposing import office_of
    from cardscreen.leads.reports.settings import Reports

    write_review(office_of(Reports.read(reports)), out, force=force)


@reports_app.command()
def decide(reports: _Reports, file: Reviewed, by: By, reason: Because = None, as_json: Json = False) -> None:
    """Take down what a person has decided: accept, reject or later in the column `decision`.

    [dim]Example:[/dim] cardscreen reports decide reports.toml review.csv --by "A. Li"
    """
    from cardscreen.leads.reports.proposing import office_of
    from cardscreen.leads.reports.settings import Reports

    tell_decided(office_of(Reports.read(reports)).decide(file, by, reason), by, as_json=as_json)


@reports_app.command()
def publish(
    reports: _Reports, allow: Allow = None, as_of: AsOf = None, log: console.Log = None, as_json: Json = False
) -> None:
    """Weigh what was reported, and publish what needs nobody, and what a person has accepted.

    [dim]Example:[/dim] cardscreen reports publish reports.toml
    """
    from cardscreen.leads.reports.proposing import office_of, propose
    from cardscreen.leads.reports.settings import Reports
    from cardscreen.tables.dates import parse_day

    console.choose(log, reports=str(reports))
    read, day = Reports.read(reports), parse_day(as_of) if as_of else None
    with console.progress(quiet=as_json) as tell:
        sheet = propose(read, day, tell)
        done = office_of(read).publish(allow or [], day, tell)
    if not as_json:
        _tell_scored(sheet)
    tell_published(done, as_json=as_json)
