"""The command line for leads: find rings and customers, review what is proposed, decide, publish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cardscreen.cli import console
from cardscreen.cli.manners import App

if TYPE_CHECKING:
    from cardscreen.leads.deciding import Office
    from cardscreen.lists.feeds.importing import Imported

leads_app = App(help="Leads: the rings and customers behind listed accounts, proposed to a person.")

_Leads = Annotated[Path, typer.Argument(help="The file of leads (TOML).", show_default=False)]
Out = Annotated[Path, typer.Option(help="A .csv or .parquet file.", show_default=False)]
Reviewed = Annotated[Path, typer.Argument(help="The reviewed table, its column `decision` filled in.")]
By = Annotated[str, typer.Option(help="Who decides; kept.", show_default=False)]
Because = Annotated[str | None, typer.Option("--reason", help="Why, where the table's own column is empty; kept.")]
Allow = Annotated[list[str] | None, typer.Option(help="A check to waive, as for list import; repeatable, recorded.")]
AsOf = Annotated[str | None, typer.Option(help="The day that is asked about, YYYY-MM-DD.")]
Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]


@leads_app.command()
def find(leads: _Leads, log: console.Log = None, as_json: Json = False) -> None:
    """Look for rings and customers behind the newest published run, into a folder of its own.

    [dim]Example:[/dim] cardscreen leads find leads.toml
    """
    from cardscreen.leads.finding import find as find_leads
    from cardscreen.leads.settings import Leads

    console.choose(log, leads=str(leads))
    with console.progress(quiet=as_json) as tell:
        sheet = find_leads(Leads.read(leads), tell)
    summary = {"folder": str(sheet.folder), **sheet.records["summary"]}
    console.say("found", **summary)
    if as_json:
        console.put_json(summary)
        return
    for name in ("rings", "customers"):
        if name in summary:
            console.put(f"{name:10} {summary[name]:,}")
    for source, states in summary["proposals"].items():
        told = ", ".join(f"{count:,} {state}" for state, count in states.items())
        console.put(f"proposals  {source}: {told}")
    for each in summary.get("unread", []):
        told = f"{each['rejected']:,} of {each['filled']:,} filled cells of {each['identifier']}"
        console.put(f"unread     {told} can't be read, and find nobody")
    whys = {
        "crowded": ("no links", "more accounts carry them than links says"),
        "allowed": ("no links", "an allow listing holds them"),
        "customer": ("dropped", "more accounts name them than max_accounts of [customers] says: are they customers?"),
    }
    for each in summary.get("dropped", []):
        label, why = whys[each["why"]]
        console.put(f"{label:10} {each['values']:,} of {each['identifier']}: {why}")
    console.put(f"folder     {sheet.folder}")


@leads_app.command()
def review(leads: _Leads, out: Out, force: Force = False) -> None:
    """Write what a person must look at, each with its reason in a sentence; fill in the column `decision`.

    [dim]Example:[/dim] cardscreen leads review leads.toml --out review.csv
    """
    write_review(office_of(leads), out, force=force)


@leads_app.command()
def decide(leads: _Leads, file: Reviewed, by: By, reason: Because = None, as_json: Json = False) -> None:
    """Take down what a person has decided: accept, reject or later in the column `decision`.

    A rejected proposal does not come back until its evidence has grown by half.

    [dim]Example:[/dim] cardscreen leads decide leads.toml review.csv --by "A. Li"
    """
    tell_decided(office_of(leads).decide(file, by, reason), by, as_json=as_json)


@leads_app.command()
def publish(
    leads: _Leads, allow: Allow = None, as_of: AsOf = None, log: console.Log = None, as_json: Json = False
) -> None:
    """Make what is accepted the lists `rings` and `customers` in the job's store: its hits ask a person.

    [dim]Example:[/dim] cardscreen leads publish leads.toml
    """
    from cardscreen.tables.dates import parse_day

    console.choose(log, leads=str(leads))
    office = office_of(leads)
    with console.progress(quiet=as_json) as tell:
        done = office.publish(allow or [], parse_day(as_of) if as_of else None, tell)
    tell_published(done, as_json=as_json)


@leads_app.command()
def show(
    leads: _Leads,
    ring: Annotated[str, typer.Argument(help="The ring's name, such as R1f0c2a9be4.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Show a ring: its accounts, how they hang together, and what of it is proposed.

    [dim]Example:[/dim] cardscreen leads show leads.toml R1f0c2a9be4
    """
    from cardscreen.cli.printing import print_frame
    from cardscreen.leads.finding import desk_of
    from cardscreen.leads.settings import Leads
    from cardscreen.leads.shown import ring_of

    read = Leads.read(leads)
    told = ring_of(desk_of(read), ring, office_of(leads))
    if as_json:
        console.put_json(told.as_json())
        return
    console.put(f"ring {ring}: {told.ring['why']}", f"found first on {told.ring['first_found']}")
    for name, table in told.tables():
        console.put("", name)
        print_frame(table, as_json=False)


def office_of(file: Path) -> Office:
    """Where the proposals of a file of leads are decided about."""
    from cardscreen.leads.finding import office_of as office
    from cardscreen.leads.settings import Leads

    return office(Leads.read(file))


def write_review(office: Office, out: Path, *, force: bool) -> None:
    """Write what is to be reviewed, and say how much that is."""
    from cardscreen.tables.writing import write

    table = office.review()
    write(table, out, force=force)
    what = console.counted(len(table), "proposal")
    console.say("written", f"{what} to look at: written to {out}", proposals=len(table), file=str(out))


def tell_decided(counts: dict[str, int], by: str, *, as_json: bool) -> None:
    """Say what was taken down."""
    console.say("decided", by=by, counts=counts)
    if as_json:
        console.put_json(counts)
        return
    told = ", ".join(f"{count:,} {word}" for word, count in counts.items())
    console.put(told or "nothing new was decided")


def tell_published(done: list[Imported], *, as_json: bool) -> None:
    """Say what was published."""
    if as_json:
        console.put_json([each.summary() for each in done])
        return
    for each in done:
        console.say("imported", **each.summary())
        added, ended = (each.counts.get(name, 0) for name in ("added", "ended"))
        console.put(f"{each.source}: {added:,} added, {ended:,} ended, {each.counts['in_force']:,} in force")
    if not done:
        console.put("nothing is accepted, so nothing is published")
