"""The command line for finished runs: look at them, decide about held ones, keep few."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cardscreen.cli import console
from cardscreen.cli.manners import App

if TYPE_CHECKING:
    from cardscreen.foundation.words.languages import Language
    from cardscreen.review.pages import Lang
    from cardscreen.review.telling.by_value import Asked
    from cardscreen.runs.record import Finished

runs_app = App(help="Finished runs: look at them, decide about held ones, keep few.")

_Place = Annotated[Path, typer.Argument(help="An output folder, or the job that writes there.", show_default=False)]
_Run = Annotated[Path, typer.Argument(help="A run's folder; of a job or an output folder its newest published run.")]
_Waiting = Annotated[Path, typer.Argument(help="The held run's folder, such as runs/.held/20261124T020000Z.")]
_By = Annotated[str, typer.Option(help="Who decides; kept in the manifest.", show_default=False)]
_Because = Annotated[str, typer.Option("--reason", help="Why; kept in the manifest.", show_default=False)]
_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]


@runs_app.command("list")
def list_(place: _Place, as_json: _Json = False) -> None:
    """Show the runs of an output folder, the oldest first, and why some are held.

    [dim]Example:[/dim] cardscreen runs list job.toml
    """
    from cardscreen.cli.printing import print_frame
    from cardscreen.review.find import all_in, output_folder
    from cardscreen.review.overview import table_of

    print_frame(table_of(all_in(output_folder(place))), as_json=as_json)


@runs_app.command()
def show(run: _Run, as_json: _Json = False) -> None:
    """Show one run: what it read and found, what would change, why it is held, who decided.

    [dim]Example:[/dim] cardscreen runs show runs/.held/20261124T020000Z
    """
    from cardscreen.review.overview import described, facts

    meant = meant_run(run)
    if as_json:
        console.put_json(facts(meant))
        return
    for name, value in described(meant).items():
        for line in value if isinstance(value, list) else [value]:
            console.put(f"{name.replace('_', ' '):12} {line}")


@runs_app.command()
def export(
    run: _Run,
    out: Annotated[Path, typer.Option(help="A .xlsx file, or a folder for CSV files.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
) -> None:
    """Write a run's tables for a spreadsheet: flagged, hits, changes and rejects; card numbers masked.

    [dim]Example:[/dim] cardscreen runs export runs/latest --out tonight.xlsx
    """
    from cardscreen.runs.messages.export import export as write_tables

    rows = write_tables(meant_run(run), out, force=force)
    counts = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    console.say("written", f"{counts}: written to {out}", tables=rows)


_Lang = Annotated[str | None, typer.Option("--lang", help="en or zh; else the run's own.", show_default=False)]


def report(
    run: _Run,
    other: Annotated[Path | None, typer.Argument(help="A run to compare with, not the night before.")] = None,
    out: Annotated[Path | None, typer.Option(help="A .html file; else report-RUN.html.", show_default=False)] = None,
    lang: _Lang = None,
    opened: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
) -> None:
    """Write a page for people: is the night normal, who is told what, what is to be done; in one file.

    Each run has one already, report.html; this makes it anew, in another language or against another run.

    [dim]Example:[/dim] cardscreen report job.toml --out tonight.html
    """
    from cardscreen.foundation.words.languages import Language
    from cardscreen.review.pages import report as write_report

    meant = meant_run(run)
    language = cast("Lang", Language(lang).name) if lang else None
    file = out or Path(f"report-{meant.run_id}.html")
    write_report(meant.folder, file, language, against=other, force=force)
    console.say("written", f"written: {file}", file=str(file))
    if opened and typer.launch(file.resolve().as_uri()):
        console.say("not opened", f"cardscreen: no browser opens it here: look at {file} elsewhere", level="warning")


@runs_app.command()
def approve(
    run: _Waiting,
    by: _By,
    reason: _Because,
    late: Annotated[bool, typer.Option("--late", help="Even after approve_within_days.")] = False,
) -> None:
    """Publish a held run, while the run that it was compared with is still the newest. Grace runs from now.

    [dim]Example:[/dim] cardscreen runs approve runs/.held/20261124T020000Z --by "A. Li" --reason "list was expected"
    """
    from cardscreen.review.decisions import held

    done = held.approve(_held(run), by, reason, late=late)
    console.say("approved", f"cardscreen: published as {done.folder}", run=done.run_id, by=by)
    if redated := done.records["approvals"][-1].get("redated"):
        accounts = console.counted(redated["accounts"], "account")
        sentence = f"cardscreen: {accounts} newly told: days of grace begin on {redated['to']}, not on {done.as_of}"
        console.say("redated", sentence, run=done.run_id, **redated)


@runs_app.command()
def discard(run: _Waiting, by: _By, reason: _Because) -> None:
    """Throw a held run away: its personal data is removed, its manifest stays and says who decided.

    [dim]Example:[/dim] cardscreen runs discard runs/.held/20261124T020000Z --by "A. Li" --reason "wrong list"
    """
    from cardscreen.review.decisions import held

    done = held.discard(_held(run), by, reason)
    console.say("discarded", f"cardscreen: discarded, its record stays in {done.folder}", run=done.run_id, by=by)


@runs_app.command()
def prune(
    place: _Place,
    keep: Annotated[str, typer.Option(help="90d: runs of the last 90 days; 30runs: the newest 30.")],
    held: Annotated[bool, typer.Option("--held", help="Also runs that wait for approval.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, remove nothing.")] = False,
    as_json: _Json = False,
) -> None:
    """Remove the personal data of old runs; their manifests stay. The newest run and its base are never touched.

    [dim]Example:[/dim] cardscreen runs prune job.toml --keep 90d --dry-run
    """
    from cardscreen.review.decisions.retention import Keep, prune
    from cardscreen.review.find import output_folder

    done = prune(output_folder(place), Keep.parse(keep), held=held, dry_run=dry_run)
    if as_json:
        console.put_json({run.run_id: files for run, files in done})
    else:
        for run, files in done:
            console.put(f"{run.run_id}: {console.counted(len(files), 'file')}")
    verb = "would be pruned" if dry_run else "pruned"
    console.say(
        "pruned", f"cardscreen: {console.counted(len(done), 'run')} {verb}", runs=[run.run_id for run, _ in done]
    )


def meant_run(place: Path) -> Finished:
    """The run that a person means, and a word about a later one that waits."""
    from cardscreen.review.find import later_held, meant, sound

    run = sound(meant(place))
    if waits := later_held(place, run):
        console.say(
            "later held", f"cardscreen: a later night, {waits.as_of}, is held: {waits.folder}", run=waits.run_id
        )
    return run


def _held(place: Path) -> Finished:
    """A run that a person decides about: named by its own folder, since `latest` is no held one."""
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.review.find import held_in, meant, output_folder

    if not (place / "manifest.json").exists() and (place.is_dir() or place.suffix == ".toml"):
        names = ", ".join(run.run_id for run in held_in(output_folder(place)))
        raise ConfigError(f"{place} is no run: name the folder of one. Held are: {names or 'none'}")
    return meant(place)


def status(
    job: Annotated[Path, typer.Argument(help="The job file (TOML).", show_default=False)],
    as_json: _Json = False,
) -> None:
    """Say where a job stands: the last night, what is held, what is to be loaded and when, the lists, the disk.

    [dim]Example:[/dim] cardscreen status job.toml
    """
    from dataclasses import asdict

    from cardscreen.review.status import status_of
    from cardscreen.runs.job import Job

    where = status_of(Job.read(job))
    if as_json:
        console.put_json(asdict(where))
    else:
        console.put(*where.lines())


def explain(
    account: Annotated[str | None, typer.Argument(help="The account's id.", show_default=False)] = None,
    run: Annotated[
        Path, typer.Option(help="A run's folder; of a job or an output folder its newest published run.")
    ] = Path("runs"),
    phone: Annotated[str | None, typer.Option(help="Instead of an account: a phone number.")] = None,
    card: Annotated[
        str | None, typer.Option(help="Likewise a card number; - reads it from standard input.", metavar="NUMBER|-")
    ] = None,
    value: Annotated[str | None, typer.Option(help="Likewise a value of whichever kind; - reads it.")] = None,
    region: Annotated[str | None, typer.Option(help="Region of a national phone number; else the run's own.")] = None,
    lang: _Lang = None,
    as_json: _Json = False,
) -> None:
    """Tell one account's story: what was found, what follows by which rule, since when, and why.

    Of a number, the stories of the accounts that were flagged for it.

    [dim]Example:[/dim] cardscreen explain A0042 --run job.toml
    """
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.foundation.words.languages import Language
    from cardscreen.review.telling.sentences import sentences
    from cardscreen.review.telling.story import tell

    given = [(kind, cell) for kind, cell in (("phone", phone), ("card", card), (None, value)) if cell is not None]
    if len(given) + bool(account) != 1:
        raise ConfigError("say what to explain: an account's id, or one of --phone, --card and --value")
    meant = meant_run(run)
    language = Language(lang) if lang else meant.language
    if account is None:
        _explain_value(meant, *given[0], region, language, as_json=as_json)
        return
    story = tell(meant, account)
    if as_json:
        console.put_json(story.summary() | {"sentences": list(sentences(story, language))})
        return
    console.put(*sentences(story, language))
    if story.flag is None and story.change is None and (hint := _may_be_number(meant, account)):
        console.say("number", f"cardscreen: {hint}")


_STORIES = 5  # that are told in full, of accounts with one number


def _explain_value(
    run: Finished, kind: str | None, cell: str, region: str | None, language: Language, *, as_json: bool
) -> None:
    """The stories of the accounts that were flagged for a number."""
    from cardscreen.review.telling import by_value
    from cardscreen.review.telling.sentences import sentences
    from cardscreen.review.telling.story import tell

    asked = asked_value(run, kind, console.given(cell), region)
    accounts = by_value.flagged_for(run, asked)["account_id"].unique(maintain_order=True).to_list()
    stories = [tell(run, each) for each in accounts[:_STORIES]]
    if as_json:
        read = [{"kind": each.kind, "shown": each.shown, "status": each.status} for each in asked]
        summaries = [story.summary() | {"sentences": list(sentences(story, language))} for story in stories]
        console.put_json({"run": run.run_id, "read_as": read, "accounts": accounts, "stories": summaries})
        return
    shown = " or ".join(f"{each.kind} {each.shown}" for each in asked)
    if not accounts:
        console.put(
            f"Nobody was flagged for {shown} in run {run.run_id}, which was asked about {run.as_of}.",
            *flaws(asked),
            "That does not mean that nobody has it, nor that it is on no list: see which accounts carry it with "
            f"cardscreen check {asked[0].kind} - --run {shlex.quote(str(run.folder))}",
        )
        return
    masks = run.shown_as == "masked" and any(each.shown != each.value for each in asked)
    same = " (others may share what is shown of it)" if masks else ""
    console.put(f"Flagged for {shown}{same} in run {run.run_id}: {', '.join(accounts[:100])}.")
    for story in stories:
        console.put("", *sentences(story, language))
    if len(accounts) > _STORIES:
        console.put("", f"{len(accounts) - _STORIES:,} more: cardscreen explain ACCOUNT tells their stories.")


def flaws(asked: Sequence[Asked]) -> Iterator[str]:
    """What is wrong with what was asked, so that nobody may be flagged for it because it was written wrong."""
    from cardscreen.foundation.words.codes import SCREENED

    for each in asked:
        if each.status != "valid" and (flaw := SCREENED.get(each.status)):
            yield f"Is it written right? As {each.kind} {each.shown}, {flaw}."


def asked_value(run: Finished, kind: str | None, cell: str, region: str | None) -> Sequence[Asked]:
    """What a text that is asked about may be.

    Raises:
        ConfigError: Nothing that can be read.
    """
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.review.telling import by_value

    asked = by_value.read(cell, by_value.kinds_of(run, cell, kind, region))
    if not asked:
        what = f"is no {kind} that can be read" if kind else "can't be read as any kind of identifier"
        more = "; a national phone number needs --region" if kind in (None, "phone") and region is None else ""
        raise ConfigError(f"this {what}: cardscreen check says why{more}")
    return asked


def _may_be_number(run: Finished, account: str) -> str:
    """A word to who gave a number where an account's id belongs; empty where it is none."""
    from cardscreen.kinds.kind import one_of
    from cardscreen.review.telling import by_value

    if sum(sign.isdecimal() for sign in account) < _DIGITS:
        return ""
    kinds = [kind for kind in by_value.kinds_of(run, account) if by_value.is_claimed(account, kind)]
    if not kinds:
        return ""
    name = kinds[0].name if kinds[0].name in ("phone", "card") else "value"
    option = f"--{name} {'-' if kinds[0].secret else shlex.quote(account)}"
    return (
        f"this looks like {one_of(kinds[0].name)}, and not like an account's id: cardscreen explain {option} asks by it"
    )


_DIGITS = 7  # of what may be a number, and no account's id


def audit(
    run: _Run,
    replay: Annotated[
        bool, typer.Option("--replay", help="Run it again from what it was made of, and compare.")
    ] = False,
    key: Annotated[
        Path | None, typer.Option(help="The key that should have signed it, private or public; else its job's.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Check that a run is as it was written, and with --replay that it comes out the same again; exit code 3: no.

    Of a job or an output folder, that all its runs are the ones that were written, and the newest whole.

    [dim]Example:[/dim] cardscreen audit runs/latest --replay
    """
    from cardscreen.foundation.errors import InputError
    from cardscreen.foundation.secrets.signing import KeyPlace
    from cardscreen.review.audit import examine
    from cardscreen.review.find import meant
    from cardscreen.runs.job import key_place_of

    place = KeyPlace(key) if key else key_place_of(run) if run.suffix == ".toml" else None
    signer, walk = place.signer() if place else None, not (run / "manifest.json").exists()

    with console.progress(quiet=as_json) as tell:
        tell("running it again" if replay else "reading its files")
        report = examine(meant(run), replay=replay, walk=walk, signer=signer)
    if as_json:
        console.put_json(report.summary())
    else:
        console.put(*report.lines())
    if not report.passed:
        raise typer.Exit(InputError.exit_code)


def upgrade(
    place: Annotated[
        str, typer.Argument(help="A store, an output folder, or the job that names both.", show_default=False)
    ],
) -> None:
    """Write down what earlier releases did not, so that what is changed from now on is noticed.

    [dim]Example:[/dim] cardscreen upgrade job.toml
    """
    from cardscreen.review.decisions.upgrading import upgrade as run_upgrade

    upgraded = list(run_upgrade(place))
    for sentence in upgraded or ["nothing to upgrade: all is there already"]:
        console.say("upgraded", f"cardscreen: {sentence}")


def diff(
    run: _Run,
    other: Annotated[Path | None, typer.Argument(help="The later run.", show_default=False)] = None,
    policy: Annotated[Path | None, typer.Option(help="Another policy, in place of a later run.")] = None,
    rows: Annotated[int, typer.Option(min=0, help="Show so many accounts.")] = 0,
    out: Annotated[Path | None, typer.Option(help="A .csv or .parquet file for all the accounts.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if identifiers or account ids differ.")] = False,
    as_json: _Json = False,
) -> None:
    """Count who enters, leaves, escalates or eases from a run to another, or under another policy: nobody is touched.

    [dim]Example:[/dim] cardscreen diff runs/latest --policy stricter.toml --out moved.csv
    """
    from cardscreen.cli.printing import print_frame
    from cardscreen.foundation.errors import ConfigError
    from cardscreen.review import compare
    from cardscreen.review.find import looking_into, meant, sound
    from cardscreen.tables.writing import write

    if other is not None and policy is not None:
        raise ConfigError("say what to compare the run with: another run or --policy FILE, not both")
    if other is None and policy is None:
        raise ConfigError("say what to compare the run with: another run, or --policy FILE")
    named = [sound(meant(place)) for place in (run, other) if place is not None]
    with looking_into(*named):
        if policy is not None:
            with console.progress(quiet=as_json) as tell:
                tell("running it again with the other policy")
                both = compare.policies(named[0], policy)
        else:
            both = compare.runs(*named, anyway=anyway)
        moved = compare.moves(both)
    for warning in both.warnings:
        console.say("warning", f"cardscreen: warning: {warning}", level="warning")
    print_frame(compare.counted(moved), as_json=as_json)
    moved_rows = moved.filter(moved["move"] != "same")
    if moved_rows.is_empty():
        console.say("no differences", "cardscreen: no differences: every account is told the same by both")
    if rows and len(moved_rows):
        print_frame(moved_rows.head(rows), as_json=as_json)
    if out:
        write(moved_rows, out, force=force)
        console.say("written", f"{console.counted(len(moved_rows), 'row')} written to {out}")
