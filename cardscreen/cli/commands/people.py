"""The command line for the people behind the figures: those who object, those who list, and those who were called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from cardscreen.cli import console
from cardscreen.cli.commands.leads import AsOf, Force, Json, Out

_Job = Annotated[Path, typer.Argument(help="The job file (TOML).", show_default=False)]


def appeal(
    account: Annotated[str, typer.Argument(help="The account's id.", show_default=False)],
    run: Annotated[Path, typer.Option("--run", help="The job file (TOML).", show_default=False)],
    by: Annotated[str, typer.Option(help="Who decides; kept.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept.", show_default=False)],
    upheld: Annotated[bool, typer.Option("--upheld", help="It was flagged wrongly: the next run frees it.")] = False,
    rejected: Annotated[bool, typer.Option("--rejected", help="The flag stays.")] = False,
    until: Annotated[str | None, typer.Option(help="The last day on which it is freed, YYYY-MM-DD.")] = None,
    now: Annotated[bool, typer.Option("--now", help="Write the release row at once, and not the next night.")] = False,
    as_json: Json = False,
) -> None:
    """Decide about an objection to a flag: upheld, it becomes a clearance, by which the next run releases the account.

    [dim]Example:[/dim] cardscreen appeal A0042 --run job.toml --upheld --by "A. Li" --reason "sold the phone in May"
    """
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.review.decisions import appeals
    from cardscreen.runs.job import Job
    from cardscreen.tables.dates import parse_day

    if upheld == rejected:
        raise ConfigError("say what was decided: --upheld or --rejected")
    day = parse_day(until) if until else None
    done = appeals.decide(Job.read(run), account, "upheld" if upheld else "rejected", by, reason, until=day, now=now)
    console.say("appeal", **done.summary())
    if as_json:
        console.put_json(done.summary())
        return
    sources = ", ".join(done.sources)
    if done.clearances is None:
        console.put(f"{account}: the objection is rejected, the flag stays; kept for {sources}")
        return
    console.put(f"{account}: the objection is upheld; the next run releases it by {done.clearances}")
    if done.stays:
        console.put(
            f"  but a clearance does not exempt hits of {', '.join(done.stays)}: the flag stays until its owner "
            "withdraws the listing"
        )
    if done.released:
        console.put(f"  released now: load {done.released}")
    console.put(f"  kept for {sources}: cardscreen feedback {run} --source {done.sources[0]} tells its owner")


def feedback(
    job: _Job,
    source: Annotated[str, typer.Option(help="The source that is told.", show_default=False)],
    first: Annotated[str, typer.Option("--from", help="The first day, YYYY-MM-DD.", show_default=False)],
    last: Annotated[str, typer.Option("--to", help="The last day, YYYY-MM-DD.", show_default=False)],
    out: Out,
    identifiers: Annotated[str, typer.Option(help="masked, or token: under the job's key.")] = "masked",
    force: Force = False,
) -> None:
    """Write for a list's owner what came of its listings: hits, holders, actions, and objections that were upheld.

    [dim]Example:[/dim] cardscreen feedback job.toml --source police --from 2026-11-01 --to 2026-11-30 --out police.csv
    """
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.review.feedback import feedback as collect
    from cardscreen.runs.job import Job
    from cardscreen.tables.cells import written_out
    from cardscreen.tables.dates import parse_day
    from cardscreen.tables.writing import write

    if identifiers not in ("masked", "token"):
        raise ConfigError(f"--identifiers {identifiers!r}: say masked or token")
    form = cast("Literal['masked', 'token']", identifiers)
    table = collect(Job.read(job), source, parse_day(first), parse_day(last), form)
    write(written_out(table, ("value", "listing_id")) if out.suffix == ".csv" else table, out, force=force)
    console.say("written", f"{console.counted(len(table), 'listing')}: written to {out}", listings=len(table))


def targets(
    contacts: Annotated[Path, typer.Argument(help="The file of contacts (TOML).", show_default=False)],
    as_of: AsOf = None,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Find accounts that listed numbers have called, who are to be warned; those that are flagged are left out.

    [dim]Example:[/dim] cardscreen targets contacts.toml
    """
    from cardscreen.leads.targets import WARN, Contacts, find_targets
    from cardscreen.tables.dates import parse_day

    console.choose(log, contacts=str(contacts))
    with console.progress(quiet=as_json) as tell:
        sheet = find_targets(Contacts.read(contacts), parse_day(as_of) if as_of else None, tell)
    summary = {"folder": str(sheet.folder), **sheet.records["summary"]}
    console.say("targets", **summary)
    if as_json:
        console.put_json(summary)
        return
    told = sheet.records["summary"]
    console.put(
        f"contacts   {told['contacts']:,} read, {told['unreadable']:,} without a number that can be read",
        *_left_out(told),
        f"to warn    {told['accounts']:,} accounts, of which {told['called_back']:,} have called back",
        f"left out   {told['flagged_themselves']:,} accounts that are flagged themselves",
        f"load       {sheet.folder / WARN}",
    )


def _left_out(told: dict[str, Any]) -> list[str]:
    """What contacts with listed numbers did not count, and why."""
    whys = {"later": f"of a day after {told['as_of']}", "bad_count": "whose count is negative, or no whole number"}
    return [
        f"unusable   {told[status]:,} with listed numbers {why}: see rejects.parquet"
        for status, why in whys.items()
        if told[status]
    ]
