"""Objections of those who were flagged: upheld, they free the account from the next run on; both are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError, without_cards
from cardscreen.foundation.files import not_for_others, room_in, system_user, write_whole
from cardscreen.foundation.settings.toml import names_day, of_day
from cardscreen.policy.clearances import COLUMNS, TOLD, clears, covered, read_clearances
from cardscreen.review.inputs import terms_of
from cardscreen.runs import folder as runs
from cardscreen.runs.job import Job
from cardscreen.runs.messages.applied import read_applied
from cardscreen.runs.messages.notices import release_rows
from cardscreen.runs.record import Base
from cardscreen.tables.cells import without_formulas
from cardscreen.tables.opening import read_numbered
from cardscreen.tables.source_files.text import LINE

#: In a job's output folder: what was decided about objections, and what is released before the next run says it.
FEEDBACK, RELEASES = "feedback.parquet", "release-now.csv"
Verdict = Literal["upheld", "rejected"]
#: A decision about an objection, a row for each listing that the account was flagged for.
COLUMNS_OF_FEEDBACK: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "at": pl.String,
    "run_id": pl.String,
    "as_of": pl.Date,
    "account_id": pl.String,
    "verdict": pl.String,
    "source": pl.String,
    "listing_id": pl.String,
    "by": pl.String,
    "reason": pl.String,
    "until": pl.Date,
    "system_user": pl.String,
}


@dataclass(frozen=True)
class Appeal:
    """What was decided.

    Attributes:
        account: The account.
        verdict: `upheld` or `rejected`.
        sources: Whose listings it was flagged for.
        clearances: The file that frees it; None: it stays flagged.
        stays: Those of the sources whose hits no clearance exempts: their owners must withdraw.
        released: The row of tonight's release; None: nothing is released before the next run.
    """

    account: str
    verdict: Verdict
    sources: list[str]
    clearances: Path | None
    stays: list[str]
    released: Path | None

    def summary(self) -> dict[str, Any]:
        """The same for a machine."""
        said = {"account": self.account, "verdict": self.verdict, "sources": self.sources, "stays": self.stays}
        places = {"clearances": self.clearances, "released": self.released}
        return {**said, **{name: str(place) if place else None for name, place in places.items()}}


def decide(
    job: Job,
    account: str,
    verdict: Verdict,
    by: str,
    reason: str,
    *,
    until: date | None = None,
    now: bool = False,
) -> Appeal:
    """Decide about an objection to the flag that an account has in a job's newest run.

    Args:
        job: The job.
        account: The account's id, as text.
        verdict: `upheld`: the account was flagged wrongly; `rejected`.
        by: Who decides.
        reason: Why.
        until: The last day on which an upheld objection frees; None: for good, from what was listed by then.
        now: Write the release row at once, under the key that the next day's run will use.

    Raises:
        ConfigError: Nobody decides; the account has no flag; a clearance frees it that the verdict contradicts; other
            accounts would be freed with it; or the policy has no file of clearances to write to.
        Busy: A run works in the output folder.
    """
    if not by.strip() or not reason.strip():
        raise ConfigError("say who decides (--by) and why (--reason): both are kept")
    if now and verdict == "rejected":
        raise ConfigError("--now releases at once, and a rejected objection releases nobody")
    with not_for_others(), room_in(job.output), runs.locked(job.output):
        folder = runs.newest(job.output)
        if folder is None:
            raise InputError(f"{job.output} holds no published run: there is no flag to object to")
        run = Base.read(folder)
        flag = run.flags.filter(pl.col("account_id").cast(pl.String) == account).collect()
        if flag.is_empty():
            raise ConfigError(
                f"account {without_cards(account)!r} has no flag in run {run.run_id}: there is nothing to object to"
            )
        hits = run.standing.filter(pl.col("account_id").cast(pl.String) == account).collect()
        sources = hits["source"].unique().sort().to_list()
        clearances, stays, released = None, [], None
        today = _today(job, run)
        if until is not None and until < today:
            raise ConfigError(f"until {until} is over already: it is {today}")
        if verdict == "rejected":
            _check_not_cleared(job, hits, today)
        else:
            clearances = _clearances(job)
            _check_freed_alone(run, account)
            _clear(clearances, account, today, until, by, reason)
            overridable = {name: each.overridable for name, each in (terms_of(run) or {}).items()}
            stays = [name for name in sources if not (overridable.get(name, True) and _is_overridable(job, name))]
            if now and not stays:
                released = job.output / RELEASES
                _release(run, job, flag, hits, released)
        _keep(job.output / FEEDBACK, _rows(run, account, hits, verdict, by, reason, until))
    return Appeal(account, verdict, sources, clearances, stays, released)


def feedback(output: Path) -> pl.DataFrame:
    """What was decided about objections: `COLUMNS_OF_FEEDBACK`.

    Raises:
        InputError: The file can't be read.
    """
    file = output / FEEDBACK
    if not file.exists():
        return pl.DataFrame(schema=COLUMNS_OF_FEEDBACK)
    try:
        return pl.read_parquet(file).select(list(COLUMNS_OF_FEEDBACK))
    except (pl.exceptions.PolarsError, OSError):
        raise InputError(f"{file} can't be read: put it back from a backup, or move it away") from None


def _today(job: Job, run: Base) -> date:
    """The day on which a decision about a run is made: of nights that are caught up on, a day as long ago as they are.

    Else the next one, which is of a day that is over, would not know of it yet.
    """
    behind = (run.made_on - run.as_of).days
    today = job.today() - timedelta(days=behind if behind > _USUAL else 0)
    return max(today, run.as_of)


_USUAL = 1  # a night may be of the day that ended with it


def _is_overridable(job: Job, source: str) -> bool:
    own = job.policy.sources.get(source)
    return own is None or own.overridable


def _clearances(job: Job) -> Path:
    """The policy's own file of clearances.

    Raises:
        ConfigError: It names none, or one of a day, or one that is no CSV.
    """
    named = job.policy.clearances
    if named is None:
        raise ConfigError(
            'the policy names no file of clearances, which frees people: say [clearances] file = "clearances.csv" in '
            f"it, and make that file with the line {','.join((*COLUMNS, *TOLD))}"
        )
    if names_day(named.file):
        raise ConfigError(f"the file of clearances, {named.file}, is another one each day: put the row in by hand")
    file = Path(named.file)
    if file.suffix != ".csv":
        raise ConfigError(f"the file of clearances, {file.name}, is no CSV: put the row in by hand")
    return file


def _check_not_cleared(job: Job, hits: pl.DataFrame, today: date) -> None:
    """Refuse to reject what a clearance frees all the same: that the flag stays would not be true."""
    named = job.policy.clearances
    file = Path(of_day(named.file, today)) if named else None
    if file is None or not file.exists():
        return
    standing = read_clearances(str(file), job.timezone).filter(clears(today))
    lines = covered(hits.lazy(), standing.lazy()).select(pl.col("line").unique().sort()).collect()["line"]
    if len(lines):
        raise ConfigError(
            f"{file}, line {', '.join(map(str, lines))}: a clearance frees this account: take that line out first, and "
            f"its row out of {job.output / RELEASES} where that is not loaded yet; then reject the objection"
        )


def _check_freed_alone(run: Base, account: str) -> None:
    """Refuse a clearance that would free others: blanks around an account's id don't count in their file."""
    name = pl.col("account_id").cast(pl.String)
    alike = run.flags.filter((name.str.strip_chars() == account.strip()) & (name != account)).select(name).collect()
    if len(alike):
        others = ", ".join(repr(without_cards(each)) for each in alike["account_id"].sort())
        raise ConfigError(
            f"a clearance of account {without_cards(account)!r} would free {others} as well, of which only blanks tell "
            "it: give the accounts ids of their own"
        )


def _clear(file: Path, account: str, today: date, until: date | None, by: str, reason: str) -> None:
    """Add a decision, who made it and why to the file of clearances; one that is there already, not again."""
    there = pl.DataFrame(schema=dict.fromkeys((*COLUMNS, *TOLD), pl.String))
    if file.exists():
        known = read_clearances(str(file))  # says what is wrong with it
        same = (pl.col("account_id") == account) & pl.col("listing_id").is_null() & (pl.col("decided_on") == today)
        if len(known.filter(same & pl.col("until").eq_missing(pl.lit(until)))):
            return
        there = _as_text(file)
    row = pl.DataFrame(
        {
            "account_id": [account],
            "decided_on": [today.isoformat()],
            "until": [until.isoformat() if until else None],
            "by": [without_cards(by)],
            "reason": [without_cards(reason)],
        },
        schema_overrides=dict.fromkeys(("until",), pl.String),
    )
    both = pl.concat([there, row], how="diagonal")
    safe = without_formulas(both, ("account_id", "listing_id"))
    write_whole(file, safe.write_csv)


def _as_text(file: Path) -> pl.DataFrame:
    return read_numbered(str(file)).drop(LINE, strict=False).cast(pl.String)


def _release(run: Base, job: Job, flag: pl.DataFrame, hits: pl.DataFrame, file: Path) -> None:
    """Add the row of a release to the file of tonight, if it is not there."""
    applied = read_applied(str(job.files["applied"]), job.timezone) if "applied" in job.files else None
    row = release_rows(run, flag, hits, applied, terms_of(run) or {}, job.language, job.texts)
    if file.exists():
        there = _as_text(file)
        row = pl.concat([there, row.join(there.select("key"), on="key", how="anti")], how="diagonal")
    write_whole(file, lambda part: row.write_csv(part, line_terminator="\n"))


def _rows(
    run: Base, account: str, hits: pl.DataFrame, verdict: Verdict, by: str, reason: str, until: date | None
) -> pl.DataFrame:
    told = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": run.run_id,
        "as_of": run.as_of,
        "account_id": account,
        "verdict": verdict,
        "by": without_cards(by),
        "reason": without_cards(reason),
        "until": until,
        "system_user": system_user(),
    }
    listings = hits.select("source", "listing_id").unique().sort("source", "listing_id")
    rows = listings.with_columns(pl.lit(value).alias(name) for name, value in told.items())
    return rows.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS_OF_FEEDBACK.items())


def _keep(file: Path, rows: pl.DataFrame) -> None:
    """Keep a decision; one that is kept already, not again."""
    same = ["run_id", "account_id", "verdict", "listing_id", "until"]
    there = feedback(file.parent)
    both = pl.concat([there, rows.join(there, on=same, how="anti", nulls_equal=True)])
    write_whole(file, both.write_parquet)
