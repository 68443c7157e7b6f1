"""The command line for exchanges: match with another institution, and show no number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardscreen.cli import console
from cardscreen.cli.commands.leads import Force, Json
from cardscreen.cli.manners import App

if TYPE_CHECKING:
    from cardscreen.exchange.exchange import Exchange

exchange_app = App(help="Exchanges: match with another institution under an agreement, and show no number.")

_Agreement = Annotated[Path, typer.Argument(help="The agreement (TOML).", show_default=False)]
_Job = Annotated[Path, typer.Option("--job", help="The job file (TOML).", show_default=False)]
_Out = Annotated[Path, typer.Option(help="The .cse file for the other side.", show_default=False)]
_Table = Annotated[Path, typer.Option(help="A .csv or .parquet file.", show_default=False)]
_Feed = Annotated[
    Path | None, typer.Option(help="A .parquet file: the matches as a list for the own store, and its .toml feed.")
]
_Again = Annotated[bool, typer.Option("--again", help="Once more, though it was done before; kept in the ledger.")]


@exchange_app.command()
def init(agreement: _Agreement, force: Force = False) -> None:
    """Write an agreement to fill in, with every key explained, and the schema by which editors check it.

    [dim]Example:[/dim] cardscreen exchange init agreement.toml
    """
    from cardscreen.cli.starter import write_agreement

    write_agreement(agreement, force=force)
    console.say("written", f"{agreement}: fill in what stands in <brackets>, on both sides alike")


@exchange_app.command()
def ask(
    agreement: _Agreement,
    job: _Job,
    out: _Out,
    where: Annotated[
        str | None, typer.Option(help='Which flagged accounts, such as "level >= high and source = police".')
    ] = None,
    force: Force = False,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Ask which identifiers of flagged accounts the other side knows: tokens, sorted; no number, no account.

    Which accounts: those of the newest run with the action verify or more, where --where is left out.

    [dim]Example:[/dim] cardscreen exchange ask agreement.toml --job job.toml --out ask.cse
    """
    from cardscreen.exchange.choosing import WHERE

    exchange = _exchange(agreement, log)
    with console.progress(quiet=as_json) as tell:
        done = exchange.ask(job, out, where=WHERE if where is None else where, force=force, progress=tell)
    _tell(done, as_json=as_json)


@exchange_app.command()
def answer(
    agreement: _Agreement,
    request: Annotated[Path, typer.Argument(help="What the other side asked (.cse).", show_default=False)],
    job: _Job,
    out: _Out,
    feed: _Feed = None,
    again: _Again = False,
    force: Force = False,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Answer which of the identifiers asked about the job's accounts carry, or how many.

    [dim]Example:[/dim] cardscreen exchange answer agreement.toml ask.cse --job job.toml --out answer.cse
    """
    exchange = _exchange(agreement, log)
    with console.progress(quiet=as_json) as tell:
        done = exchange.answer(request, job, out, feed=feed, again=again, force=force, progress=tell)
    _tell(done, as_json=as_json)


@exchange_app.command()
def read(
    agreement: _Agreement,
    answered: Annotated[Path, typer.Argument(help="The other side's answer (.cse).", show_default=False)],
    out: _Table,
    again: _Again = False,
    force: Force = False,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Read the answer: which accounts that were asked about are known to the other side.

    [dim]Example:[/dim] cardscreen exchange read agreement.toml answer.cse --out matches.csv
    """
    _tell(_exchange(agreement, log).read(answered, out, again=again, force=force), as_json=as_json)


@exchange_app.command()
def offer(
    agreement: _Agreement,
    store: Annotated[str, typer.Option(help="The store whose listings are offered.", show_default=False)],
    out: _Out,
    source: Annotated[
        list[str] | None, typer.Option(help="Whose listings; repeatable. All but derived ones, when left out.")
    ] = None,
    force: Force = False,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Offer a list without a key to it: the other side finds in it only values that it asks this side about, blinded.

    [dim]Example:[/dim] cardscreen exchange offer agreement.toml --store lists --out offer.cse
    """
    exchange = _exchange(agreement, log)
    with console.progress(quiet=as_json) as tell:
        done = exchange.offer(store, out, sources=source or (), force=force, progress=tell)
    _tell(done, as_json=as_json)


@exchange_app.command()
def blind(
    agreement: _Agreement,
    job: _Job,
    out: _Out,
    again: Annotated[bool, typer.Option("--again", help="Ask anew about what was asked and not answered yet.")] = False,
    force: Force = False,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Ask about the accounts' values that were not asked about before, blinded: the holder can't see them.

    [dim]Example:[/dim] cardscreen exchange blind agreement.toml --job job.toml --out blinded.cse
    """
    exchange = _exchange(agreement, log)
    with console.progress(quiet=as_json) as tell:
        done = exchange.blind(job, out, again=again, force=force, progress=tell)
    _tell(done, as_json=as_json)
    if done["more"] and not as_json:
        console.put("There are more: blind again when this request is finished.")


@exchange_app.command()
def evaluate(
    agreement: _Agreement,
    request: Annotated[Path, typer.Argument(help="What the other side blinded (.cse).", show_default=False)],
    out: _Out,
    again: _Again = False,
    force: Force = False,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Evaluate blinded values with the key of the offer; counts against the agreement's limits.

    [dim]Example:[/dim] cardscreen exchange evaluate agreement.toml blinded.cse --out evaluated.cse
    """
    exchange = _exchange(agreement, log)
    with console.progress(quiet=as_json) as tell:
        done = exchange.evaluate(request, out, again=again, force=force, progress=tell)
    _tell(done, as_json=as_json)


@exchange_app.command()
def finish(
    agreement: _Agreement,
    files: Annotated[
        list[Path], typer.Argument(help="The newest offer, and what was evaluated, if any (.cse).", show_default=False)
    ],
    out: _Table,
    job: Annotated[Path | None, typer.Option("--job", help="The job file; that of blind, when left out.")] = None,
    feed: _Feed = None,
    again: _Again = False,
    force: Force = False,
    log: console.Log = None,
    as_json: Json = False,
) -> None:
    """Find which accounts are on the offered list: only values that were evaluated, now or before, can be found.

    [dim]Example:[/dim] cardscreen exchange finish agreement.toml evaluated.cse offer.cse --out matches.parquet
    """
    exchange = _exchange(agreement, log)
    with console.progress(quiet=as_json) as tell:
        done = exchange.finish(files, out, job=job, feed=feed, again=again, force=force, progress=tell)
    _tell(done, as_json=as_json)


@exchange_app.command()
def close(
    agreement: _Agreement,
    store: Annotated[list[str] | None, typer.Option(help="A store that may hold matches, too; repeatable.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write the listings that stand on it: a .csv or .parquet file.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """End an agreement on this side: what was kept goes but for the ledger, and what stands on it is counted.

    Of one that was closed before, what stands on it by now is told again.

    [dim]Example:[/dim] cardscreen exchange close agreement.toml --out standing.csv
    """
    done = _exchange(agreement, None).close(stores=store or (), out=out, force=force)
    _tell(done, as_json=as_json)
    closed = f"was closed here on {done['closed_before']}" if done["closed_before"] else "is closed here"
    if as_json:
        return
    console.put(f"{done['agreement']} {closed}; its ledger stays")
    for each in done["standing"]:
        console.put(f"{'stand on it':13} {each['listings']:,} of {each['source']} in {each['store']}")
    if not done["standing"]:
        where = f"nothing in {', '.join(done['stores'])}" if done["stores"] else "not known: name stores with --store"
        console.put(f"{'stand on it':13} {where}")


@exchange_app.command("log")
def tell_log(agreement: _Agreement, as_json: Json = False) -> None:
    """Show the ledger: what was disclosed, what was taken in, and what of the other side's was refused, and why.

    [dim]Example:[/dim] cardscreen exchange log agreement.toml
    """
    table = _exchange(agreement, None).log()
    if as_json:
        console.put_json(table.to_dicts())
        return
    if table.is_empty():
        console.put("nothing was exchanged here yet")
    for line in table.iter_rows(named=True):
        letter = f"  {line['letter'][:8]}" if line["letter"] else ""
        to = f" to {line['to_letter'][:8]}" if line["to_letter"] else ""
        told = f"{line['at']}  {line['who']} ({line['user']})  {line['step']:9}{line['rows']:>10,} rows"
        console.put(f"{told}{line['disclosed']:>10,} disclosed{letter}{to}")
        if line["why"]:
            console.put(f"    {line['why']}")


def _exchange(agreement: Path, log: str | None) -> Exchange:
    from cardscreen.exchange.exchange import Exchange

    console.choose(log, agreement=str(agreement))
    return Exchange(agreement)


_TOLD = {
    "accounts": "accounts",
    "identifiers": "identifiers",
    "asked": "asked about",
    "read": "read",
    "compared": "compared",
    "matches": "matches",
    "not_compared": "not compared",
    "unread": "can't be read",
    "left_out": "left out",
    "earlier_holder": "left out",
    "not_asked": "not asked",
    "hidden": "not asked",
    "feed": "feed",
    "file": "written",
    "expires_on": "expires on",
}


def _tell(done: dict[str, Any], *, as_json: bool) -> None:
    console.say(done["step"], **{name: value for name, value in done.items() if name != "step"})
    if as_json:
        console.put_json(done)
        return
    told = {name: value for name, value in done.items() if value or name not in _IF_ANY}
    for name, label in _TOLD.items():
        if (value := told.get(name)) is not None and (text := _LIKE.get(name, _text)(value)):
            console.put(f"{label:13} {text}")
    if done["step"] == "read" and (done["not_compared"] or done["unread"]):
        console.put("What the other side could not read was not compared: that nothing matches does not clear anybody.")


def _of_reading(read: dict[str, Any]) -> str:
    nameless = f", {read['no_account']:,} of which name no account" if read["no_account"] else ""
    columns = (
        f"; {name}: {each['cells']:,} cells, {each['rejected']:,} can't be read, {each['missing']:,} empty"
        for name, each in read["identifiers"].items()
    )
    return f"{read['rows']:,} rows{nameless}{''.join(columns)}"


def _of_unread(unread: dict[str, int]) -> str:
    return ", ".join(f"up to {share} % of {kind}" for kind, share in unread.items())


_LIKE: Mapping[str, Callable[[Any], str]] = {
    "read": _of_reading,
    "unread": _of_unread,
    "earlier_holder": "{:,} accounts, since the listings are older than their present holder".format,
    "not_asked": "{:,} accounts that carry no value of these kinds that can be asked about".format,
    "hidden": "{:,} values with hidden digits: nobody is clear of these".format,
}
_IF_ANY = ("left_out", "earlier_holder", "not_asked", "hidden")


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_text(count)} {name}" for name, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, str) or not isinstance(value, int):
        return str(value)
    return f"{value:,}"
