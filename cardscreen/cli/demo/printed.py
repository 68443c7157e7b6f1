"""What the demo prints: three nights that a person reads in a minute, or one line of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cardscreen.cli.console import counted
from cardscreen.cli.demo.cases import CASES
from cardscreen.cli.demo.outcome import Outcome
from cardscreen.cli.printing import actions_table
from cardscreen.foundation.words import json_text, shown
from cardscreen.foundation.words.codes import CAUSES
from cardscreen.review.telling.sentences import sentences
from cardscreen.review.telling.story import Story


def line(outcome: Outcome) -> str:
    """The same facts as `page`, for machines; looked into for card numbers as well."""
    outcome.look_into(_json(outcome))
    return _json(outcome)


def page(outcome: Outcome) -> str:
    """All nights for a person; all of it is looked into for card numbers, and the last lines say what was found."""
    console = Console()
    text = _rendered(console, Group(*_first(outcome), *_second(outcome), *_third(outcome), *_truth(outcome)))
    outcome.look_into(Text.from_ansi(text + _rendered(console, Group(*_verdict(outcome)))).plain)
    return text + _rendered(console, Group(*_verdict(outcome)))


def _json(outcome: Outcome) -> str:
    return json_text(outcome.summary())


def _rendered(console: Console, what: RenderableType) -> str:
    with console.capture() as capture:
        console.print(what, highlight=False, crop=False)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _first(outcome: Outcome) -> list[RenderableType]:
    night = outcome.nights[0]
    lists = ", ".join(f"{count:,} from {source}" for source, count in outcome.listings.items())
    total = sum(outcome.listings.values())
    summaries = [run.result.summary for run in night.runs.values()]
    unread = sum(summary["rows"]["not_screenable"] for summary in summaries)
    rows = sum(summary["rows"]["read"] for summary in summaries)
    return [
        _head(f"First night, {night.day}"),
        Text(f"{counted(rows, 'account')} against {counted(total, 'listing')}: {lists}."),
        Text(f"{unread:,} of them have nothing to look up, which is not the same as clear."),
        actions_table(summaries, list(night.runs)),
    ]


def _second(outcome: Outcome) -> list[RenderableType]:
    run = outcome.nights[1].runs["operator"].folder
    return [
        _head(f"Second night, {outcome.nights[1].day}"),
        _events(outcome),
        _released(outcome),
        *_story(outcome.stories[0], f"operator/runs/{run.name if run else ''}"),
    ]


def _story(story: Story, run: str) -> list[RenderableType]:
    told = [Padding(Text(sentence.strip()), (0, 0, 0, 2)) for sentence in sentences(story)]
    return [Text(f"cardscreen explain {story.account} --run {run}", style="bold"), *told, Text("")]


def _third(outcome: Outcome) -> list[RenderableType]:
    leads, rows = outcome.leads, Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True)
    reports = (
        f"{leads.reports:,} reports of the public; {counted(leads.waited, 'number')} sent to a person: a campaign."
    )
    rows.add_row("weighed", Text(reports))
    rings = ", ".join(f"{count:,} at the {owner}" for owner, count in leads.rings.items())
    left = f"{counted(leads.crowded, 'value')} of too many accounts linked nobody."
    rows.add_row("found", Text(f"rings behind listed accounts: {rings}; {left} A person accepted them."))
    rows.add_row("found", Text(f"{counted(leads.customers, 'customer')} with more numbers than are allowed."))
    rows.add_row("upheld", Text(f"the objection of {leads.appealed}."))
    for name, run in outcome.nights[2].runs.items():
        rows.add_row(
            _sign("published", not run.held), Text(f"{name}: {_moves(run.result.summary['changes']['counts'])}")
        )
    exchanged = outcome.exchanged
    known = f"{counted(exchanged.known, 'account')} of the bank carry {len(exchanged.found):,} of them."
    asked = f"the operator asked the bank about {counted(exchanged.asked, 'number')}, and showed it none: {known}"
    rows.add_row("matched", Text(asked))
    story = _story(outcome.stories[1], "operator/job.toml")
    return [_head(f"Third night, {outcome.nights[2].day}"), rows, *story]


def _events(outcome: Outcome) -> Table:
    """What was stopped, and what was published in the end."""
    blunders = outcome.blunders
    refused, held = _list(f"{check}: {message}" for check, message in blunders.refused), _list(blunders.held)
    mass = f"the regulator's list, with a mass block of {counted(blunders.mass, 'subscriber')} in it."
    rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True)
    rows.add_row(_sign("refused", blunders.refused), Text(f"the police's list, cut off. {refused or 'It was taken.'}"))
    rows.add_row(_sign("warned", blunders.warned), Text(_list(blunders.warned) or "of nothing"))
    rows.add_row(_sign("held", held), Text(f"{mass} {held or 'The run was published.'}"))
    rows.add_row("", Text(f"It would have meant: {_moves(blunders.would)}."))
    if blunders.discarded:
        rows.add_row("", "A person discarded the run and took the list back.")
    for name, run in outcome.nights[1].runs.items():
        changed = _moves(run.result.summary["changes"]["counts"])
        rows.add_row(_sign("published", not run.held), Text(f"{name}, with the right lists: {changed}"))
    return rows


def _moves(counts: Mapping[str, Mapping[str, int]]) -> str:
    """How many accounts of each change, by action; of those of which nothing changed, only how many."""
    moved = (
        f"{change} " + ", ".join(f"{count:,} {action}" for action, count in by_action.items())
        for change, by_action in counts.items()
        if change != "unchanged"
    )
    stayed = sum(counts.get("unchanged", {}).values())
    return _list([*moved, f"unchanged {stayed:,}"])


def _list(parts: Iterable[str]) -> str:
    return shown("; ".join(parts))


def _released(outcome: Outcome) -> Table:
    table = Table("released, because", "accounts", "undo", box=SIMPLE)
    table.columns[1].justify = "right"
    for row in outcome.nights[1].released().rows(named=True):
        table.add_row(CAUSES[row["cause"]].rstrip("."), f"{row['accounts']:,}", row["undo"])
    return table


def _truth(outcome: Outcome) -> list[RenderableType]:
    table = Table("planted", "accounts", "first", "second", "third night", box=SIMPLE)
    table.columns[1].justify = "right"
    cases = outcome.cases()
    for row in cases.rows(named=True):
        case, count = CASES[row["case"]], row["accounts"]
        nights = (_found(case.expected[night], row[f"right_{night}"], count) for night in (0, 1, 2))
        table.add_row(case.words, f"{count:,}", *nights)
    return [table]


def _found(expected: str, right: int, count: int) -> str:
    """What was expected of so many accounts, and of how many of them it came out."""
    words = expected.split(":")[0]
    return f"[green]{words}[/]" if right == count else f"[red]{words}: only {right:,}[/]"


_PAGE = "operator/runs/latest/report.html"


def _verdict(outcome: Outcome) -> list[RenderableType]:
    cases, wrong, scan = outcome.cases(), outcome.wrongly_suspended(), outcome.scan
    planted, right = int(cases["accounts"].sum()), int(cases["right"].sum())
    others, traps = wrong["other"], {name: counts for name, counts in wrong.items() if name != "other"}
    trapped, of = (sum(counts[at] for counts in traps.values()) for at in (0, 1))
    each = ", ".join(f"{name} {count:,} of {many:,}" for name, (count, many) in traps.items())
    lines = [
        f"Planted and found: {right:,} of {planted:,}, missed: {planted - right:,}. "
        f"Flagged without having been planted: {outcome.unplanted():,}.",
        f"Wrongly suspended: {trapped:,} of {of:,} ({each}); of all others: {others[0]:,} of {others[1]:,}.",
        f"Full card numbers: {scan.numbers:,} looked for in {counted(scan.files, 'file')} "
        f"({scan.size / 1e6:.1f} MB) and in all that was printed; found: {len(scan.leaks):,}.",
    ]
    places = [
        f"The nights took {outcome.seconds:.1f} s. All is in {outcome.folder}: its README.md says what to try next.",
        f"To look at, in a browser: {outcome.folder / _PAGE}",
    ]
    failures = [Text(shown(f"Wrong: {failure}."), style="red") for failure in outcome.failures()]
    return [*(Text(shown(each)) for each in lines), *map(_whole, places), *failures]


def _whole(line: str) -> Text:
    """A line that is never broken: a path in two parts can be neither opened nor copied."""
    return Text(shown(line), overflow="ignore", no_wrap=True)


def _head(words: str) -> Text:
    return Text(words, style="bold")


def _sign(word: str, happened: object) -> str:
    return f"[green]{word}[/]" if happened else f"[red]not {word}[/]"
