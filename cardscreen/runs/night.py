"""The nightly job: one screening, compared with the night before, in a folder that appears whole or not at all."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation.cards.in_text import Found
from cardscreen.foundation.errors import ConfigError, InputError, first_line
from cardscreen.foundation.files import is_full, not_for_others, room_in
from cardscreen.foundation.process.allowance import require_memory
from cardscreen.foundation.process.progress import in_log
from cardscreen.foundation.settings.placeholders import is_placeholder
from cardscreen.foundation.words import shown
from cardscreen.kinds.phone.numbering import shelf
from cardscreen.lists.blocklist import Blocklist, holds
from cardscreen.lists.store.table import Store
from cardscreen.lists.terms import Terms
from cardscreen.reporting.drawing import Drawing
from cardscreen.runs import chain
from cardscreen.runs import folder as runs
from cardscreen.runs.brakes import Gone, Moves, measured, newer, passed
from cardscreen.runs.causes import Circumstances
from cardscreen.runs.changes import Changes, Prior, compare
from cardscreen.runs.circumstances import account_key, check_same, circumstances, lists_of
from cardscreen.runs.engines import require_accounts, screened
from cardscreen.runs.job import Job
from cardscreen.runs.manifest import policy_digest, write_records
from cardscreen.runs.messages.applied import read_applied
from cardscreen.runs.messages.in_vain import cleared_in_vain, in_vain, not_asked, unasked
from cardscreen.runs.messages.notices import told_rows, write_files
from cardscreen.runs.messages.showing import PAGE, leaving_out_what_fails, material_of, write_page
from cardscreen.runs.messages.warnings import warnings_of
from cardscreen.runs.record import CARRIED, records_of
from cardscreen.runs.redating import date_flags
from cardscreen.screening.rejects import ROW_GROUP
from cardscreen.screening.result import Result, read_result
from cardscreen.screening.screen import Clock
from cardscreen.tables.libraries import ENGINE_ERRORS
from cardscreen.tables.opening import open_table, unread_sheets
from cardscreen.tables.partitions import days_in
from cardscreen.tables.paths import files_of, is_url, steady
from cardscreen.tables.source_files.sheets import sheets_named

_NOTHING = "nothing was published, and what was written is removed"
_FORESEEN = 31  # days ahead for which a run is only warned of
_TOP = 5  # sources that are told by name


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: Where its files are; None for a dry run.
        result: What the screening found.
        held: The limits that it passed; empty for a published run.
        expects_invalid: Whether the job says that its numbers may all be nobody's.
    """

    folder: Path | None
    result: Result
    held: list[str] = field(default_factory=list)
    expects_invalid: bool = False

    @property
    def page(self) -> Path | None:
        """The page for people; None where there is none."""
        file = self.folder / PAGE if self.folder else None
        return file if file and file.exists() else None

    @property
    def warnings(self) -> list[str]:
        """What a person should look into although the run was published."""
        return list(warnings_of(self.result.summary, expects_invalid=self.expects_invalid))

    @property
    def news(self) -> list[str]:
        """What changed against the base run, in sentences."""
        moves = self.result.summary["changes"]
        lines = [
            f"{change}: " + ", ".join(f"{count:,} {action}" for action, count in counts.items())
            for change, counts in moves["counts"].items()
        ]
        if moves["sources"]:
            most = ", ".join(f"{source} ({count:,})" for source, count in moves["sources"].items())
            lines.append(f"most that is new or escalated comes from {most}")
        return lines


@dataclass(frozen=True)
class _Outcome:
    """What a night found, before it is written."""

    result: Result
    changes: Changes
    policy: str
    held: list[str]
    clock: Clock


def run_job(
    job: Job,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
    dry_run: bool = False,
    allow_changed_identifiers: bool = False,
    allow_future: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    named: Callable[[str], None] = lambda _: None,
) -> Run:
    """Screen a job's accounts and publish the run.

    Args:
        job: The job.
        as_of: The day that is asked about; None: today in the job's time zone.
        known_at: What the store knew at an instant; None: the newest.
        dry_run: Read and check the same, write nothing.
        allow_changed_identifiers: Compare with the base run although its identifiers or account ids were others.
        allow_future: Publish although the day is more than a month ahead; a dry run looks ahead as it is.
        tell: Called with each stage's name as it begins.
        named: Called with the run's id, before its first stage; a dry run has none.

    Returns:
        The run; `held` says whether and why it was not published.

    Raises:
        Busy: Another run works in the output folder.
        InputError: The accounts or the lists can't be read, the disk is full, or the clock is wrong.
        ConfigError: The job doesn't fit its inputs, or not the base run, or the day is far ahead.
    """
    require_memory()
    tell = in_log(tell)
    day = as_of or _today(job)
    if not (dry_run or allow_future):
        _check_is_here(day, job)
    job = job.on(day)

    def night(drawing: Drawing | None = None) -> Night:
        tell("reading the lists")
        prior = replace(runs.prior(job.output, day), shown=job.shown_as)
        lists, audit = job.blocklist(known_at), runs.is_audit(job.output, day)
        if not audit:
            _check_texts(job, lists)
        return Night(job, day, lists, prior, audit, allow_changed_identifiers, tell, drawing)

    if dry_run:
        outcome = night().screened(None)
        return Run(None, outcome.result, outcome.held, job.limits.invalid_share == 1)
    with not_for_others(), room_in(job.output, _NOTHING), runs.locked(job.output):
        signer = job.sign.signer() if job.sign else None
        runs.tidy(job.output, signer)
        chain.require_signed(job.output, signer)
        run_id, begun = runs.new_id(job.output), datetime.now(UTC)
        named(run_id)
        with runs.staging(job.output, run_id) as folder, ExitStack() as until_published:
            with steady(lambda: _inputs(job)):
                _check_names(job)
                tonight = night(until_published.enter_context(Drawing()) if job.report else None)
                if job.store is not None and tonight.blocklist.version is not None:
                    until_published.enter_context(Store(job.store).leased(tonight.blocklist.version))
                outcome = tonight.screened(folder)
                summary = tonight.write(folder, run_id, begun, outcome)
            tell("publishing")
            runs.settle(folder)
            target = (runs.hold if outcome.held else runs.publish)(job.output, folder, signer)
        return Run(target, read_result(target, summary), outcome.held, job.limits.invalid_share == 1)


@dataclass(frozen=True)
class Night:
    """What a run is asked.

    Attributes:
        job: The job.
        day: The day that is asked about.
        blocklist: The lists.
        prior: What it is compared with.
        audit: Whether it looks back, and nobody is told or acted on.
        allow_changed_identifiers: Compare although identifiers or account ids were others.
        tell: Called with each stage's name as it begins.
        drawing: What draws the pictures of the page; None: there is no page.
    """

    job: Job
    day: date
    blocklist: Blocklist
    prior: Prior
    audit: bool
    allow_changed_identifiers: bool = False
    tell: Callable[[str], None] = lambda _: None
    drawing: Drawing | None = None

    @property
    def terms(self) -> dict[str, Terms]:
        """The sources' terms."""
        return {name: each.terms for name, each in self.blocklist.origins.items()}

    def screened(self, out: Path | None) -> _Outcome:
        """Screen, compare and brake."""
        job, prior, blocklist, audit = self.job, self.prior, self.blocklist, self.audit
        applied = read_applied(str(job.files["applied"]), job.timezone) if "applied" in job.files else None
        self.tell("screening the accounts")
        with _naming_the_file(job):
            result = self._screened(out)
        self.tell("comparing with the night before")
        policy = policy_digest(job.policy, self.terms)
        around = circumstances(job, self.day, result.summary, blocklist, prior.base, policy)
        clock = Clock()
        with clock.stage("changes"):
            changes = compare(
                result, prior, around, carry_days=job.limits.carry_days, hands_out=not audit, applied=applied
            )
        gone = Gone.between(result, prior.base) if prior.base else None
        figures = _told(changes, result, prior, around, audit=audit)
        figures |= {"days_ahead": _days_ahead(self.day, job), "flagged_gone": gone.accounts if gone else 0}
        figures["other_days"] = _of_other_days(job, self.day)
        figures["unread_sheets"] = _unread_sheets(job)
        live = [name for name, origin in blocklist.origins.items() if origin.retired_on is None]
        listed = blocklist.lazy.filter(holds(self.day))
        before, moves = prior.base.summary if prior.base else None, Moves.of(changes, gone)
        near = measured(result.summary, job.limits, before, moves)
        figures["limits"] = [
            {"limit": each.limit, "share": each.share, "most": each.most, "of": each.of} for each in near
        ]
        figures["in_vain"] = list(in_vain(job.policy, result.summary, listed, live))
        figures["unasked"] = not_asked(listed, {kind.name for kind in job.identifiers.values()})
        known = before["changes"].get("unasked", {}) if before else {}
        figures["in_vain"] += unasked({kind: count for kind, count in figures["unasked"].items() if kind not in known})
        if (decisions := job.policy.decisions(job.timezone)) is not None:
            figures["in_vain"] += cleared_in_vain(decisions, self.day, result.hits, blocklist.lazy)
        summary = result.summary | {"changes": figures}
        held = passed(summary, job.limits, before, moves)
        return _Outcome(replace(result, summary=summary), changes, policy, held, clock)

    def _screened(self, out: Path | None) -> Result:
        before = [*filter(None, [self.prior.base]), *self.prior.superseded]

        def check(accounts: pl.Schema) -> None:
            if before and not self.allow_changed_identifiers:
                check_same(before[0], self.job, accounts)

        result = screened(self.job, self.blocklist, self.day, self.prior.watched(), out, check)
        require_accounts(self.job, result)
        return result

    def write(self, folder: Path, run_id: str, begun: datetime, outcome: _Outcome) -> dict[str, Any]:
        """Everything of a run beside the tables of the screening; the manifest last."""
        job, changes, summary = self.job, outcome.changes, dict(outcome.result.summary)
        base, superseded = self.prior.base, self.prior.superseded
        changes.written().write_parquet(folder / "changes.parquet", row_group_size=ROW_GROUP)
        changes.carried.write_parquet(folder / CARRIED, row_group_size=ROW_GROUP)
        if superseded:
            date_flags(folder, told_rows(changes.table))
        if not self.audit:
            self.tell("writing notices and actions")
            with outcome.clock.stage("notices"):
                counts = write_files(
                    folder, run_id, changes, outcome.result.hits.collect(), self.terms, job.language, job.texts
                )
            summary["changes"] = {**summary["changes"], **counts}
        summary["seconds"] = summary["seconds"] | outcome.clock.seconds
        summary["peak_memory_mib"] = summary["peak_memory_mib"] | outcome.clock.peak_mib
        self.tell("writing the manifest")
        records = {
            "run_id": run_id,
            "audit": self.audit,
            "compared": {
                "base": base.run_id if base else None,
                "supersedes": superseded[0].run_id if superseded else None,
            },
            "identifiers": job.described,
            "account_key": account_key(job, outcome.result.flagged.collect_schema()["account_id"]),
            "policy": outcome.policy,
            "held": outcome.held,
            # What decided, too, and was taken from the cache or put there.
            "tables": shelf.digests(name for kind in job.identifiers.values() for name in kind.tables()),
            "listings_sha256": self.blocklist.compiled_sha256,
            "summary": summary,
        }
        write_records(folder, job, begun, records, lists_of(job), lambda manifest: self._show(folder, manifest))
        return summary

    def _show(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        """Write the page for people: what goes wrong there must not cost the night."""
        if self.drawing is None:
            return
        self.tell("writing the report")
        with leaving_out_what_fails():
            material = material_of(
                manifest, folder, self.job.output, self.job.language, self.job.policy.under(self.terms)
            )
            write_page(folder / PAGE, material, self.drawing)


def _today(job: Job) -> date:
    """Today, unless the clock stands before the newest run's day: that is no day to act on."""
    today, newest = job.today(), runs.newest(job.output)
    if newest is not None and (last := date.fromisoformat(records_of(newest)["as_of"])) > today:
        raise InputError(
            f"today is {today}, and there is a run for {last} already: set the clock right; if that run's --as-of was "
            f"a mistake, move its folder, {newest.name}, out of {job.output}; to look back at a day without telling "
            f"anybody, say so: --as-of {today}"
        )
    return today


def _check_is_here(day: date, job: Job) -> None:
    """A run for a day far ahead is a slip, and acts too early; one for the days to come is warned of."""
    if (ahead := _days_ahead(day, job)) > _FORESEEN:
        raise ConfigError(
            f"{day} is {ahead} days ahead (today is {job.today()} in {job.timezone}): once it is published, nights "
            "before it tell nobody and act on nothing. To look ahead, say --dry-run; to publish it all the same, say "
            "--allow-future"
        )


def _unread_sheets(job: Job) -> list[tuple[str, str, str]]:
    """Workbooks of accounts of which sheets were not read: the first ones, with those sheets, and hidden ones."""
    if job.place or job.cluster:
        return []
    beside = unread_sheets(job.accounts, job.reading)
    return [
        (Path(file).name, sheets_named(each.others), sheets_named(each.hidden))
        for file, each in islice(beside.items(), _TOP)
    ]


def _of_other_days(job: Job, day: date) -> list[tuple[int, str, str]]:
    """Other days in the names of files of accounts, as seen from the job's folder: how many, the first, its day."""
    others: dict[date, list[str]] = {}
    for file in files_of(job.accounts):
        place = os.path.relpath(file, job.files["job"].parent) if "://" not in file else file
        if (days := days_in(place)) and day not in days:
            others.setdefault(max(days), []).append(place)
    return [(len(others[other]), others[other][0], str(other)) for other in sorted(others, reverse=True)[:_TOP]]


def _days_ahead(day: date, job: Job) -> int:
    return max((day - job.today()).days, 0)


def _check_names(job: Job) -> None:
    """Refuse files whose names tell card numbers: a run's records name all of them."""
    names = pl.Series([job.accounts, *job.lists, *_inputs(job)], dtype=pl.String)
    if Found.of(names).doubtful.any():
        raise ConfigError(
            "the name of a file of accounts or lists, or of a folder above it, holds a card number, and each run keeps "
            "the names: give it another one"
        )


def _check_texts(job: Job, blocklist: Blocklist) -> None:
    """Refuse to tell people what a template left to be filled in."""
    sources = blocklist.origins.items()
    unfilled = [f"the {key} of source {name!r}" for name, each in sources for key in each.terms.unfilled()]
    mend = "put it in in the feed, and import again"
    if not unfilled:
        unfilled = [f"what the job says of {code!r}" for code, text in job.texts.items() if is_placeholder(text)]
        mend = "put it in under [notices.texts] of the job file"
    if unfilled:
        raise ConfigError(f"{unfilled[0]} is still a placeholder, and would be read out to people: {mend}")


def _inputs(job: Job) -> list[str]:
    """Every local file that is read."""
    tables = [file for path in (job.accounts, *job.lists) for file in files_of(path) if not is_url(file)]
    return [*tables, *map(str, job.files.values())]


@contextmanager
def _naming_the_file(job: Job) -> Iterator[None]:
    """Say which file of accounts can't be read; the engine doesn't always."""
    try:
        yield
    except InputError as error:
        files = files_of(job.accounts)
        named = is_full(error) or any(shown(file) in str(error) for file in files)
        if type(error) is not InputError or named or job.cluster is not None:
            raise
        for file in files:
            try:
                part = open_table(file, job.reading, marked=True)
                deque(part.collect_batches(), maxlen=0)
            except (*ENGINE_ERRORS, InputError) as problem:
                raise InputError(f"{file} can't be read: {first_line(problem)}") from None
        raise


def _told(changes: Changes, result: Result, prior: Prior, around: Circumstances, *, audit: bool) -> dict[str, Any]:
    """What changed, in figures."""
    undone = pl.col("change").is_in(["released", "eased"])
    table = changes.table.with_columns(strength=pl.when(undone).then("action_before").otherwise("action"))
    deciding = told_rows(table).select("account_id", listing_id="decided_by").lazy()
    hits = result.hits.select("account_id", "listing_id", "source").unique()
    sources = deciding.join(hits, on=["account_id", "listing_id"]).collect()["source"].value_counts()
    base = prior.base
    return {
        "base": base.run_id if base else None,
        "audit": audit,
        "counts": _counted(table, "strength"),
        "causes": _counted(table, "cause"),
        "sources": dict(sources.sort(["count", "source"], descending=[True, False]).head(_TOP).rows()),
        "policy_changed": around.policy,
        "new_sources": sorted(_sources_of(result.summary) - _sources_of(base.summary)) if base else [],
        "software": newer(result.summary, base.summary) if base else {},
    }


def _sources_of(summary: Mapping[str, Any]) -> set[str]:
    """The sources of a store that a run read."""
    return set((summary.get("store") or {}).get("sources", {}))


def _counted(table: pl.DataFrame, what: str) -> dict[str, dict[str, int]]:
    """How many of each change have each value of a column."""
    counts: dict[str, dict[str, int]] = {}
    grouped = table.filter(pl.col(what).is_not_null()).group_by("change", what).len().sort("change", what)
    for change, value, count in grouped.rows():
        counts.setdefault(change, {})[value] = count
    return counts
