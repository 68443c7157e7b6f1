"""The command line for one value: how it is read, which accounts of a run carry it, which listings cover it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardscreen.cli import console
from cardscreen.cli.commands.leads import Json
from cardscreen.cli.commands.lists import KeyCommand, KeyEnv, KeyFile, key_of
from cardscreen.cli.commands.runs import asked_value, flaws, meant_run

if TYPE_CHECKING:
    import polars as pl

    from cardscreen.kinds.tokens import TokenKey
    from cardscreen.review.telling.by_value import Listed
    from cardscreen.runs.record import Finished

NO_REGION = "cardscreen: no region is given, so only numbers with + are read: say --region CN"
KindName = Annotated[
    str,
    typer.Argument(
        help="What it is: phone, card, iban, wallet, imei, imsi, iccid, resident_id, email, handle or opaque.",
        show_default=False,
    ),
]
OptionsOfKind = Annotated[
    list[str] | None,
    typer.Option("--set", help="An option of the kind, such as platform=telegram.", metavar="<key=value>"),
]
_CARRIERS = 100  # that are shown


def check(
    kind: KindName,
    value: Annotated[str, typer.Argument(help="One value, as written; - reads standard input.")],
    region: Annotated[str | None, typer.Option(help="Region of national phone numbers, such as CN.")] = None,
    options: OptionsOfKind = None,
    run: Annotated[
        Path | None, typer.Option(help="Say also which accounts of a run, or of a job's newest one, carry it.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Say also which listings of this store cover it today; its folder or URL.")
    ] = None,
    key_file: KeyFile = None,
    key_env: KeyEnv = None,
    key_command: KeyCommand = None,
    as_json: Json = False,
) -> None:
    """Say how one value is read. Use - for card numbers: arguments stay in the shell's history.

    With --run, also which accounts carry it, whether it is listed or not: the run's accounts are read once more.
    With --store, also which listings cover it; tokens are compared where their key is named.

    [dim]Example:[/dim] cardscreen check phone "138 0013 8000" --region CN
    """
    from cardscreen.cli.commands.normalize import describe, options_given

    cell, key = console.given(value), key_of(key_file, key_env, key_command)
    done = meant_run(run) if run else None
    where = region or (_region_of(done, kind) if done else None)
    given = options_given(where, options or [])
    fields: dict[str, Any] = describe(kind, cell, given)
    carriers = _carriers(done, kind, cell, region) if done else None
    listed = _listed(store, kind, cell, given, key) if store else None
    if as_json:
        more = {} if carriers is None or done is None else {"run": done.run_id, "carried_by": carriers.to_dicts()}
        console.put_json(fields | more | (listed.summary() if listed else {}))
        return
    _tell_fields(kind, cell, given, fields)
    if region is None and done is None and fields.get("status") == "invalid_country_code":
        console.say("no region", NO_REGION)
    if carriers is not None and done is not None:
        _tell_carriers(carriers, done)
    if listed is not None:
        _tell_listed(listed)


def _tell_fields(kind: str, cell: str, given: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    from cardscreen.cli.commands.normalize import doubted

    for name, content in fields.items():
        console.put(f"{name:8} {content if content is not None else '-'}")
    if doubt := doubted(kind, cell, given):
        console.say("doubt", f"cardscreen: {doubt}")


def _region_of(run: Finished, kind: str) -> str | None:
    """The region by which the first column of a kind is read in a run."""
    options = (each for each in run.records.get("identifiers", {}).values() if each.get("kind") == kind)
    return next((each["region"] for each in options if "region" in each), None)


def _carriers(run: Finished, kind: str, cell: str, region: str | None) -> pl.DataFrame:
    """The accounts that carry a value."""
    from cardscreen.review.telling import by_value

    asked = asked_value(run, kind, cell, region)
    for fault in by_value.changed_since(run):
        console.say("changed", f"cardscreen: warning: {fault}: what is there now is looked through", level="warning")
    with console.progress(quiet=False) as tell:
        tell("reading the accounts")
        return by_value.carriers(run, asked)


def _tell_carriers(carriers: pl.DataFrame, run: Finished) -> None:
    console.put("", f"carried by {console.counted(len(carriers), 'account')} of run {run.run_id}")
    for account, identifier, match in carriers.head(_CARRIERS).rows():
        console.put(f"  {account} ({identifier}{', perhaps: digits are hidden' if match == 'truncated' else ''})")
    if len(carriers) > _CARRIERS:
        console.say("more", f"{_CARRIERS} of {len(carriers):,} accounts shown; --json names all")


def _listed(store: str, kind: str, cell: str, given: Mapping[str, Any], key: TokenKey | None) -> Listed:
    """What a store lists of a value today."""
    from cardscreen.cli.commands.normalize import kind_given
    from cardscreen.lists.store.table import Store
    from cardscreen.review.telling import by_value

    asked = by_value.read(cell, [kind_given(kind, "value", given)])
    return by_value.listed_in(Store(store), asked, date.today(), key)


def _tell_listed(listed: Listed) -> None:
    from cardscreen.cli.printing import print_frame

    where = f"{listed.store}, version {listed.version}, on {listed.day}"
    console.put("")
    if not listed.asked:
        console.put(f"not looked up in {where}: nothing that screening would look up can be read")
    elif listed.listings.is_empty():
        console.put(
            f"on no list of {where}",
            *flaws(listed.asked),
            "That is no proof of innocence: another store may list it, and this one may tomorrow.",
        )
    else:
        console.put(f"covered by {console.counted(len(listed.listings), 'listing')} of {where}")
        print_frame(listed.listings, as_json=False)
    if listed.not_compared:
        console.say(
            "not compared",
            f"cardscreen: warning: {console.counted(listed.not_compared, 'token')} of that kind could not be compared "
            "with it: --key-file, --key-env or --key-command names the key of tokens, which tell whole numbers alone",
            level="warning",
        )
