"""Three nights, played with what the commands do, and then an operator and a bank that match their accounts."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from cardscreen.cli.demo.cases import CASES, Case
from cardscreen.cli.demo.folder import cleared, deliver, seal, write
from cardscreen.cli.demo.leaks import Searcher
from cardscreen.cli.demo.outcome import Blunders, DemoNight, Exchanged, Found, Outcome
from cardscreen.cli.demo.world import World
from cardscreen.exchange.exchange import Exchange
from cardscreen.foundation.errors import FeedRefused
from cardscreen.kinds.tokens import TokenKey
from cardscreen.leads.deciding import Office
from cardscreen.leads.finding import find
from cardscreen.leads.finding import office_of as office_of_leads
from cardscreen.leads.reports.adding import add
from cardscreen.leads.reports.proposing import office_of as office_of_reports
from cardscreen.leads.reports.proposing import propose
from cardscreen.leads.reports.settings import Reports
from cardscreen.leads.settings import Leads
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.store.edits import rollback
from cardscreen.lists.store.table import Store
from cardscreen.reporting import drawing
from cardscreen.review.decisions import appeals
from cardscreen.review.decisions.held import discard
from cardscreen.review.telling import story
from cardscreen.runs.job import Job
from cardscreen.runs.night import Run, run_job
from cardscreen.runs.record import Finished
from cardscreen.tables.writing import write as write_table

_ZONE = ZoneInfo("Asia/Shanghai")  # as the jobs and the feeds have it
_LATE = "bank-association"
_LATE_DAYS = 2  # how old its data is on the first night
_WHO, _WHY = "the duty officer", "the regulator's list names subscribers by mistake"
_CAMPAIGN, _LOOKED = "a campaign: all within an hour, from one network", "looked at the accounts"
_OBJECTED = "the number was another's"


@drawing.kept()
def run_demo(
    folder: Path, accounts: int, tell: Callable[[str], None] = lambda _: None, *, force: bool = False
) -> Outcome:
    """Make the world, play three nights, compare with what was planted.

    Args:
        folder: A folder to make; an earlier demo in it is replaced, if nobody worked there since.
        accounts: How many there are on the first night, at least 1,000.
        tell: Called with each stage's name as it begins.
        force: Replace an earlier demo although somebody worked there.

    Raises:
        ConfigError: The folder holds something else than an earlier demo.
    """
    folder, printed = cleared(folder, force=force), list[str]()

    def say(stage: str) -> None:
        printed.append(stage)
        tell(stage)

    say("making an operator and a bank")
    third = datetime.now(_ZONE).date()
    first, second = third - timedelta(days=2), third - timedelta(days=1)
    world = World(second, accounts)
    write(world, folder, (first, second, third), accounts)
    inputs = [file for part in ("operator/accounts", "bank/accounts", "feeds") for file in (folder / part).rglob("*")]
    begun, office = time.perf_counter(), _Office(folder, say)
    listings, before = office.first_night(first)
    blunders, after = office.second_night(second, len(world.mass))
    named = {case: _one_of(world, case) for case in CASES}
    leads = office.day_between(second, next(account for case, account in named.items() if case.group == "appeal"))
    last = office.third_night(third)
    exchanged = office.afterwards()
    seconds = time.perf_counter() - begun
    withdrawn = next(account for case, account in named.items() if case.expected[1] == "released: listing_ended")
    drawn_in = next(account for case, account in named.items() if case.group == "device gang" and not case.source)
    _write_guide(folder, (before, after, last), blunders, named, leads)
    say("looking for card numbers in all that was written")
    searcher = Searcher(world.pans)
    scan = searcher.scan(folder, but=set(inputs))
    stories = (
        story.tell(_finished(after.runs["operator"]), withdrawn),
        story.tell(_finished(last.runs["operator"]), drawn_in),
    )
    nights = (before, after, last)
    done = Outcome(
        folder,
        accounts,
        listings,
        nights,
        blunders,
        leads,
        exchanged,
        stories,
        world.truth,
        searcher,
        scan,
        seconds,
    )
    done.look_into("\n".join(printed))
    seal(folder)
    return done


class _Office:
    """Who runs the nights.

    Args:
        folder: The demo's.
        tell: Called with each stage's name.
    """

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder, self._tell = folder, tell
        self._store = Store(folder / "lists")
        self._key = TokenKey.from_file(folder / "token.key")

    def first_night(self, day: date) -> tuple[dict[str, int], DemoNight]:
        """All lists come, and both jobs run: listings by source, and the runs."""
        deliver(self._folder, day)
        counts = {}
        for file in sorted((self._folder / f"feeds/{day}").iterdir()):
            of_day = day - timedelta(days=_LATE_DAYS) if file.stem == _LATE else day
            counts[file.stem] = self._take(file, file.stem, of_day)
        return counts, self._both(day)

    def second_night(self, day: date, mass: int) -> tuple[Blunders, DemoNight]:
        """One list comes cut off, one not at all, and one with a mass block; then all is mended."""
        deliver(self._folder, day)
        sent = self._folder / f"feeds/{day}"
        refused: list[tuple[str, str]] = []
        try:
            self._take(sent / "police-cut-off.csv", "police", day)
        except FeedRefused as error:
            refused = error.problems
        self._take(sent / "police.csv", "police", day)
        good = self._store.at().number
        self._take(sent / "regulator-mass-block.jsonl", "regulator", day)
        wrong = self._screen("operator", day)
        discarded = discard(_finished(wrong), _WHO, _WHY).folder if wrong.held else None
        rollback(self._store, good, _WHO, _WHY)
        self._take(sent / "regulator.jsonl", "regulator", day)
        night = self._both(day)
        warned = sorted({warning for run in night.runs.values() for warning in run.warnings})
        would = wrong.result.summary["changes"]["counts"]
        return Blunders(refused, warned, _LATE, mass, wrong.held, would, discarded), night

    def day_between(self, day: date, appealed: str) -> Found:
        """Between the nights people call in, leads are looked for and decided, and one who objected is right."""
        reports = Reports.read(self._folder / "reports/reports.toml")
        self._tell("taking in what people report")
        added = add(reports, [self._folder / "reports/hotline.csv"], as_of=day)
        propose(reports, day)
        told = office_of_reports(reports)
        waiting = _decided(told, "reject", _CAMPAIGN)
        told.publish(as_of=day)
        self._tell("looking for rings and customers")
        rings, customers, crowded = {}, 0, 0
        for owner in ("operator", "bank"):
            leads = Leads.read(self._folder / owner / "leads.toml")
            sheet = find(leads)
            office = office_of_leads(leads)
            _decided(office, "accept", _LOOKED)
            office.publish()
            rings[owner] = sheet.records["summary"]["rings"]
            customers += sheet.records["summary"].get("customers", 0)
            crowded += sum(each["values"] for each in sheet.records["summary"]["dropped"])
        job = Job.read(self._folder / "operator/job.toml")
        appeals.decide(job, appealed, "upheld", _WHO, _OBJECTED, now=True)
        return Found(sum(each.taken for each in added), waiting, rings, customers, crowded, appealed)

    def third_night(self, day: date) -> DemoNight:
        """All lists come as they should, and both jobs run."""
        deliver(self._folder, day)
        for file in sorted((self._folder / f"feeds/{day}").iterdir()):
            self._take(file, file.stem, day)
        return self._both(day)

    def afterwards(self) -> Exchanged:
        """The operator asks the bank by tokens whom of the flagged it knows, and the bank answers."""
        self._tell("matching with the bank, and showing no number")
        homes = {owner: self._folder / owner for owner in ("operator", "bank")}
        operator, bank = (Exchange(home / "agreement.toml") for home in homes.values())
        asked = operator.ask(homes["operator"] / "job.toml", homes["operator"] / "ask.cse")
        shutil.copy(homes["operator"] / "ask.cse", homes["bank"])
        feed = homes["bank"] / "matched.parquet"
        answered = bank.answer(
            homes["bank"] / "ask.cse", homes["bank"] / "job.toml", homes["bank"] / "answer.cse", feed=feed
        )
        shutil.copy(homes["bank"] / "answer.cse", homes["operator"])
        matches = homes["operator"] / "matches.csv"
        operator.read(homes["operator"] / "answer.cse", matches)
        found = pl.read_csv(matches, infer_schema=False)["account_id"].to_list()
        return Exchanged(sum(asked["identifiers"].values()), answered["accounts"], found)

    def _take(self, file: Path, source: str, day: date) -> int:
        """Import a file; how many listings are in force then."""
        self._tell(f"importing {file.name}")
        feed = Feed.read(self._folder / f"feeds/{source}.toml")
        return import_file(file, feed, self._store, as_of=day, key=self._key).counts["in_force"]

    def _screen(self, owner: str, day: date) -> Run:
        self._tell(f"screening the {owner}'s accounts")
        return run_job(Job.read(self._folder / owner / "job.toml"), as_of=day)

    def _both(self, day: date) -> DemoNight:
        return DemoNight(day, {owner: self._screen(owner, day) for owner in ("operator", "bank")})


def _decided(office: Office, word: str, why: str) -> int:
    """Decide alike about all that waits for a person, as in a reviewed table; how much that is."""
    table = office.review().with_columns(decision=pl.lit(word), decision_reason=pl.lit(why))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "review.csv")
        write_table(table, file)
        office.decide(file, _WHO)
    return len(table)


def _finished(run: Run) -> Finished:
    if run.folder is None:
        raise LookupError("a dry run is nowhere")
    return Finished.read(run.folder)


def _one_of(world: World, case: Case) -> str:
    """The first account of a case."""
    accounts = world.truth.filter(world.truth["case"] == CASES.index(case))["account_id"]
    return str(accounts.sort()[0])


def _write_guide(
    folder: Path, nights: tuple[DemoNight, ...], blunders: Blunders, named: dict[Case, str], leads: Found
) -> None:
    """Put what was made into the folder's README."""
    guide = folder / "README.md"
    ring = pl.read_parquet(max((folder / "operator/leads").glob("2*")) / "rings.parquet")["ring_id"][0]
    text = guide.read_text(encoding="utf-8").format(
        **dict(zip(("first", "second", "third"), (night.day for night in nights), strict=True)),
        run=_finished(nights[1].runs["operator"]).run_id,
        held=blunders.discarded.name if blunders.discarded else "",
        released=leads.appealed,
        recycled=next(each for case, each in named.items() if case.trap == "recycled"),
        allowed=next(each for case, each in named.items() if case.trap == "protected"),
        gang=next(each for case, each in named.items() if case.group == "device gang" and not case.source),
        ring=ring,
    )
    guide.write_text(text, encoding="utf-8")
