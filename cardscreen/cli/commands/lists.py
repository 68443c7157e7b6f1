"""The command line for lists: import, show, history, diff, export, and what a person may do by hand."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardscreen.cli import console
from cardscreen.cli.manners import App

if TYPE_CHECKING:
    from datetime import date

    from cardscreen.kinds.tokens import TokenKey

list_app = App(help="The store of listings: import files, look at it, undo.")

_Store = Annotated[str, typer.Option("--store", help="The store's folder or URL.", show_default=False)]
_AsOf = Annotated[str | None, typer.Option(help="The day that is asked about, YYYY-MM-DD; today when left out.")]
_Version = Annotated[int | None, typer.Option(help="A version of the store; the newest when left out.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
_Source = Annotated[str | None, typer.Option(help="Only this source's listings.")]
_Kind = Annotated[str | None, typer.Option(help="Only this kind: phone, card, …")]
_Reason = Annotated[str | None, typer.Option(help="Only listings with this reason code.")]
KeyFile = Annotated[Path | None, typer.Option(help="File with the token key, readable by its owner only.")]
KeyEnv = Annotated[str | None, typer.Option(help="Environment variable with the token key.")]
KeyCommand = Annotated[
    str | None, typer.Option(help="Command that prints the token key, such as 'vault kv get -field=key secret/cards'.")
]
_By = Annotated[str, typer.Option(help="Who decides; kept in the history.", show_default=False)]
_Because = Annotated[str, typer.Option("--reason", help="Why; kept in the history.", show_default=False)]


def _day(text: str | None) -> date:
    from datetime import date

    from cardscreen.tables.dates import parse_day

    return parse_day(text) if text else date.today()


def key_of(file: Path | None, env: str | None, command: str | None, before: str = "--") -> TokenKey | None:
    """The key that options name; `before` stands in front of their names."""
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.kinds.tokens import TokenKey

    if sum(each is not None for each in (file, env, command)) > 1:
        raise ConfigError(f"give one of {before}key-file, {before}key-env and {before}key-command")
    if file:
        return TokenKey.from_file(file)
    if command:
        return TokenKey.from_command(shlex.split(command))
    return TokenKey.from_env(env) if env else None


def _feed(feed: Path | None, preset: str | None) -> Any:
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.lists.feeds import presets
    from cardscreen.lists.feeds.feed import Feed

    if (feed is None) == (preset is None):
        raise ConfigError("say how to read the file: either --feed FEED.toml or --preset NAME")
    return Feed.read(feed) if feed else presets.feed(preset or "")


@list_app.command("import")
def import_(
    file: Annotated[str, typer.Argument(help="CSV, TSV, XLSX, JSON Lines, Parquet; text may be .gz or .zst.")],
    store: _Store,
    feed: Annotated[Path | None, typer.Option(help="How to read it (TOML).")] = None,
    preset: Annotated[str | None, typer.Option(help="A public format: see cardscreen list presets.")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="A check to waive, by the name that the refusal gives it; repeatable, recorded."),
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The day that the data is of, YYYY-MM-DD.")] = None,
    key_file: KeyFile = None,
    key_env: KeyEnv = None,
    key_command: KeyCommand = None,
    new_store: Annotated[
        bool, typer.Option("--new-store", help="Make a store although a job here names another.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, write nothing.")] = False,
    log: console.Log = None,
    as_json: _Json = False,
    quiet: console.Quiet = False,
) -> None:
    """Import a source's file, or refuse it whole.

    A file that fails a check leaves the store as it was; rows that can't be used lie as CSV in
    rejects/FILE.rejects beside it.

    [dim]Example:[/dim] cardscreen list import police.csv --feed police.toml --store lists
    """
    from cardscreen.lists.feeds.importing import import_file
    from cardscreen.lists.store.table import Store
    from cardscreen.tables.dates import parse_day

    console.choose(log, file=file)
    place = Store(store)
    is_new = not place.exists()
    if is_new and not (new_store or dry_run):
        _check_meant(_full(store))
    with console.progress(quiet=as_json or quiet) as tell:
        tell("importing")
        done = import_file(
            file,
            _feed(feed, preset),
            place,
            allow=allow or [],
            as_of=parse_day(as_of) if as_of else None,
            key=key_of(key_file, key_env, key_command),
            dry_run=dry_run,
        )
    console.say("imported", **done.summary())
    if as_json:
        console.put_json(done.summary())
    elif not quiet:
        from cardscreen.cli.printing import import_lines

        console.put(*import_lines(done))
        if is_new:
            console.put(f"  {'this would be ' if dry_run else ''}a new store at {_full(store)}")


def _full(store: str) -> str:
    """A store's full path, or its URL."""
    return store if "://" in store else os.path.abspath(store)  # noqa: PTH100 - Path would keep `..`


def _check_meant(store: str) -> None:
    """Refuse a new store where a job in this folder reads another one: it would go on without this list."""
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.runs.job import stores_in

    named = stores_in(Path.cwd())
    if named and store not in named.values():
        job, other = next(iter(named.items()))
        raise ConfigError(
            f"there is no store at {store}, and {job} reads {other}: say --store {shlex.quote(other)}, or "
            "--new-store to make a new one"
        )


@list_app.command()
def show(
    store: _Store,
    source: _Source = None,
    kind: _Kind = None,
    reason: _Reason = None,
    state: Annotated[str, typer.Option(help="live, ended or all.")] = "live",
    rows: Annotated[bool, typer.Option("--rows", help="Show listings, not sources; card numbers masked.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many listings to show.")] = 20,
    version: _Version = None,
    as_of: _AsOf = None,
    as_json: _Json = False,
) -> None:
    """Show the sources and how fresh they are, or with --rows their listings.

    [dim]Example:[/dim] cardscreen list show --store lists --source police --rows
    """
    from cardscreen.cli.printing import print_frame
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.lists.store import views
    from cardscreen.lists.store.table import Store

    day = _day(as_of)
    if rows:
        which = views.Filter(
            source=source, kind=kind, reason=reason, state=_one_of("--state", state, ("live", "ended", "all"))
        )
        meant = views.rows(Store(store), which, day, version)
        print_frame(views.shown(meant.head(limit).collect()).drop("list", "ended_by"), as_json=as_json)
        total = views.count(meant)
        if total > limit:
            console.say("more rows", f"{limit:,} of {total:,} listings shown; --limit shows more")
    elif source or kind or reason:
        raise ConfigError("--source, --kind and --reason choose among listings: add --rows")
    else:
        print_frame(views.overview(Store(store), day, version), as_json=as_json)


def _one_of(option: str, value: str, choices: tuple[str, ...]) -> Any:
    from cardscreen.foundation.errors import ConfigError, near

    if value not in choices:
        raise ConfigError(f"{option} {value!r}{near(value, choices)}: say one of {', '.join(choices)}")
    return value


@list_app.command()
def history(
    store: _Store,
    limit: Annotated[int, typer.Option(min=1, help="How many versions to show, the newest first.")] = 20,
    as_json: _Json = False,
) -> None:
    """Show what was changed, when, by whom and why.

    [dim]Example:[/dim] cardscreen list history --store lists
    """
    from cardscreen.cli.printing import print_frame
    from cardscreen.lists.store.table import Store
    from cardscreen.lists.store.views import past

    print_frame(past(Store(store), limit), as_json=as_json)


@list_app.command()
def diff(
    store: _Store,
    before: Annotated[int, typer.Argument(help="A version.")],
    after: Annotated[int | None, typer.Argument(help="A later one; the newest when left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="A .csv or .parquet file for all the rows.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_of: _AsOf = None,
    as_json: _Json = False,
) -> None:
    """Count what was added, ended and changed between two versions, by source and reason; with --out every row.

    [dim]Example:[/dim] cardscreen list diff 3 4 --store lists --out changes.csv
    """
    from cardscreen.cli.printing import print_frame
    from cardscreen.lists.store import views
    from cardscreen.lists.store.table import Store
    from cardscreen.tables.writing import write

    place = Store(store)
    moves = views.difference(place, before, place.at(after).number, _day(as_of))
    print_frame(views.counted(moves), as_json=as_json)
    if moves.is_empty():
        console.say("no differences", "cardscreen: no differences: both versions list the same")
    if out:
        write(views.shown(moves), out, force=force)
        console.say("written", f"{console.counted(len(moves), 'row')} written to {out}")


@list_app.command()
def export(
    store: _Store,
    out: Annotated[Path, typer.Option(help="A .csv or .parquet file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    form: Annotated[str, typer.Option("--as", help="Card numbers: masked, token or plain.")] = "masked",
    source: _Source = None,
    kind: _Kind = None,
    reason: _Reason = None,
    state: Annotated[str, typer.Option(help="live, ended or all.")] = "live",
    version: _Version = None,
    as_of: _AsOf = None,
    key_file: KeyFile = None,
    key_env: KeyEnv = None,
    key_command: KeyCommand = None,
) -> None:
    """Write listings to a file, with the columns that screening reads.

    [dim]Example:[/dim] cardscreen list export --store lists --source police --out police.parquet
    """
    from cardscreen.lists.store import views
    from cardscreen.lists.store.table import Store

    which = views.Filter(
        source=source, kind=kind, reason=reason, state=_one_of("--state", state, ("live", "ended", "all"))
    )
    listings = views.rows(Store(store), which, _day(as_of), version)
    shown = _one_of("--as", form, ("masked", "token", "plain"))
    count = views.export(listings, out, shown, key_of(key_file, key_env, key_command), force=force)
    console.say("written", f"{console.counted(count, 'listing')} written to {out}")


@list_app.command()
def expire(
    store: _Store,
    source: Annotated[str, typer.Option(help="Whose listings.", show_default=False)],
    by: _By,
    reason: _Because,
    listing: Annotated[list[str] | None, typer.Option(help="The listing_id of one; may be repeated.")] = None,
    reference: Annotated[str | None, typer.Option(help="All listings of this case number.")] = None,
    as_of: Annotated[str | None, typer.Option(help="The first day without them; today when left out.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, change nothing.")] = False,
) -> None:
    """End listings by hand. The source's next file does not bring them back.

    [dim]Example:[/dim] cardscreen list expire --store lists --source police --reference C-17 --by "A. Li"
    --reason "case closed"
    """
    from cardscreen.lists.store import edits
    from cardscreen.lists.store.table import Store
    from cardscreen.lists.store.views import Filter

    which = Filter(source=source, ids=tuple(listing or ()), reference=reference)
    count = edits.end_listings(Store(store), which, _day(as_of), by, reason, dry_run=dry_run)
    console.say("ended", f"listings {'that would end' if dry_run else 'ended'}: {count:,}")


@list_app.command()
def retire(
    source: Annotated[str, typer.Argument(help="Who does not list any more.")],
    store: _Store,
    by: _By,
    reason: _Because,
    as_of: Annotated[str | None, typer.Option(help="The first day without it; today when left out.")] = None,
) -> None:
    """End a source that delivers no more: all its listings end, and it takes no file any more.

    [dim]Example:[/dim] cardscreen list retire pilot --store lists --by "A. Li" --reason "the pilot is over"
    """
    from cardscreen.lists.store import edits
    from cardscreen.lists.store.table import Store

    count = edits.retire(Store(store), source, _day(as_of), by, reason)
    console.say("retired", f"{source} is retired, listings ended: {count:,}")


@list_app.command()
def rename_source(
    old: Annotated[str, typer.Argument(help="The name that the store has.")],
    new: Annotated[str, typer.Argument(help="The name from now on.")],
    store: _Store,
    by: Annotated[str | None, typer.Option(help="Who decides; kept in the history. You, when left out.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the history.")] = None,
) -> None:
    """Give a source another name. Its listings keep their first days, so that holders are told apart as before.

    [dim]Example:[/dim] cardscreen list rename-source police city-police --store lists
    """
    from cardscreen.foundation.files import system_user
    from cardscreen.lists.store import edits
    from cardscreen.lists.store.table import Store

    why = reason or f"{old} is called {new}"
    count = edits.rename_source(Store(store), old, new, by or system_user(), why)
    sentence = f"{old} is {new} now, with {console.counted(count, 'listing')}: feeds and policies must name it so, too"
    console.say("renamed", sentence)


@list_app.command()
def adopt(store: _Store, by: _By, reason: _Because) -> None:
    """Read on behind another program that has put the store's files together, after a check that no row is another.

    [dim]Example:[/dim] cardscreen list adopt --store lists --by "A. Li" --reason "nightly OPTIMIZE of the platform"
    """
    from cardscreen.lists.store import edits
    from cardscreen.lists.store.table import Store

    now = edits.adopt(Store(store), by, reason)
    console.say("adopted", f"no row is another: read on, as version {now.number}")


@list_app.command()
def rollback(
    version: Annotated[int, typer.Argument(help="The version to make current again.")],
    store: _Store,
    by: _By,
    reason: _Because,
) -> None:
    """Make an earlier version current again; the history keeps all of them.

    [dim]Example:[/dim] cardscreen list rollback 3 --store lists --by "A. Li" --reason "wrong file"
    """
    from cardscreen.lists.store import edits
    from cardscreen.lists.store.table import Store

    now = edits.rollback(Store(store), version, by, reason)
    console.say("rolled back", f"version {version} is current again, as version {now.number}")


@list_app.command()
def vacuum(
    store: _Store,
    runs: Annotated[
        list[Path] | None, typer.Option(help="A folder of runs, whose versions are kept; repeatable.")
    ] = None,
    no_runs: Annotated[bool, typer.Option("--no-runs", help="No run was made from this store.")] = False,
    keep_days: Annotated[
        int, typer.Option(min=0, max=36_500, help="Keep all versions of the last so many days.")
    ] = 365,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, remove nothing.")] = False,
) -> None:
    """Remove files that only old versions need, and what killed imports left.

    Versions that runs refer to are kept, so that an auditor can still ask them.

    [dim]Example:[/dim] cardscreen list vacuum --store lists --runs runs
    """
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.lists.store.table import Store
    from cardscreen.review.decisions.vacuum import remove_unneeded

    if not runs and not no_runs:
        raise ConfigError("say where the runs are that were made from the store (--runs DIR), or --no-runs")
    removed = remove_unneeded(Store(store), runs or [], keep_days, dry_run=dry_run)
    console.say("removed", f"files {'that would be ' if dry_run else ''}removed: {removed:,}")


@list_app.command()
def presets() -> None:
    """Show the public formats that --preset knows, and where each is described.

    [dim]Example:[/dim] cardscreen list presets, then cardscreen list import dnc.csv --preset ftc-dnc --store lists
    """
    from cardscreen.lists.feeds.presets import described

    for name, about in described().items():
        console.put(f"{name:14} {about}")


tokens_app = App(help="Tokens, as which stores hold secret numbers.")


@tokens_app.command()
def rekey(
    file: Annotated[str, typer.Argument(help="A file of the source: only of its numbers are tokens made anew.")],
    store: _Store,
    by: _By,
    reason: _Because,
    feed: Annotated[Path | None, typer.Option(help="How to read it (TOML).")] = None,
    preset: Annotated[str | None, typer.Option(help="A public format: see cardscreen list presets.")] = None,
    old_key_file: Annotated[Path | None, typer.Option(help="File with the key that the tokens are under.")] = None,
    old_key_env: Annotated[str | None, typer.Option(help="Environment variable with it.")] = None,
    old_key_command: Annotated[str | None, typer.Option(help="Command that prints it.")] = None,
    key_file: KeyFile = None,
    key_env: KeyEnv = None,
    key_command: KeyCommand = None,
    as_json: _Json = False,
) -> None:
    """Put a source's tokens under a new key. Its listings keep their names, first days and what has ended them.

    No token tells its number, so the numbers come from a file of the source. Tokens of others stay under the old key.

    [dim]Example:[/dim] cardscreen tokens rekey cards.csv --feed bank.toml --store lists --old-key-file old.key
    --key-file new.key --by "A. Li" --reason "yearly"
    """
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.lists.feeds.rekeying import rekey as renew
    from cardscreen.lists.store.table import Store

    old = key_of(old_key_file, old_key_env, old_key_command, "--old-")
    new = key_of(key_file, key_env, key_command)
    if old is None or new is None:
        raise ConfigError("name the old key (--old-key-file, …) and the new one (--key-file, …)")
    done = renew(Store(store), file, _feed(feed, preset), old, new, by, reason)
    told, in_force = [f"{console.counted(done.renewed, 'token')} under the key {new.id} now"], done.left - done.ended
    if in_force:
        told.append(
            f"{in_force:,} in force are not in the file and stay under {old.id}: jobs need both keys, and imports of "
            "the source are refused until these are under the new one, too"
        )
    if done.ended:
        told.append(
            f"{done.ended:,} that have ended stay under {old.id}: a number of these that is listed again comes in as "
            "new, and neither its first day nor that a person has ended it is known then"
        )
    console.say("rekeyed", "; ".join(told), renewed=done.renewed, left=done.left, ended=done.ended)
    if as_json:
        console.put_json(
            {"renewed": done.renewed, "left": done.left, "ended": done.ended, "key": new.id, "old_key": old.id}
        )
