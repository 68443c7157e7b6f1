"""Removing what old runs tell of persons; what they were, and that it was removed, stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.files import not_for_others, system_user
from cardscreen.review.decisions.held import finish_removing, personal_files, remove_personal
from cardscreen.review.find import all_in, signer_of
from cardscreen.runs.folder import locked
from cardscreen.runs.record import Finished

_DAYS = re.compile(r"(\d{1,5})\s*(?:d|days?)")
_RUNS = re.compile(r"(\d{1,5})\s*runs?")


@dataclass(frozen=True)
class Keep:
    """Which runs keep their tables.

    Attributes:
        days: Those for the last so many days; None: no matter how old.
        runs: The newest so many; None: no matter how many.
    """

    days: int | None = None
    runs: int | None = None

    @classmethod
    def parse(cls, text: str) -> Keep:
        """What a person said: `90d`, `90 days` or `30 runs`.

        Raises:
            ConfigError: Anything else.

        Example:
            >>> Keep.parse("90d"), Keep.parse("30 runs")
            (Keep(days=90, runs=None), Keep(days=None, runs=30))
        """
        words = text.strip().lower()
        if matched := _DAYS.fullmatch(words):
            return cls(days=int(matched[1]))
        if matched := _RUNS.fullmatch(words):
            return cls(runs=int(matched[1]))
        if words.isdecimal():
            raise ConfigError(f"--keep {text!r}: days or runs? Say --keep {words}d, or --keep {words}runs")
        raise ConfigError(f"--keep {text!r}: say a number of days, 90d, or of runs, 30runs")

    def of(self, runs: Sequence[Finished], now: datetime) -> list[Finished]:
        """Those of some runs, the oldest first, that are kept at an instant; days are those of a run's time zone."""
        if self.runs is not None:
            return list(runs[len(runs) - self.runs :]) if self.runs else []
        span = timedelta(days=self.days or 0)
        return [run for run in runs if _aged(run) > _day(run, now) - span]


def prune(output: Path, keep: Keep, *, held: bool = False, dry_run: bool = False) -> list[tuple[Finished, list[str]]]:
    """Remove the personal data of old runs: tables, notices, actions, clearances.

    Args:
        output: The output folder.
        keep: Which runs keep theirs. Whatever it says, the newest run keeps its own, so do those that a run for its
            day or the next is compared with, and the bases of held runs.
        held: Whether runs that wait for approval may be pruned too.
        dry_run: Remove nothing.

    Returns:
        Each run and the files that were, or would be, removed; the oldest first.

    Raises:
        Busy: A run works in the folder.
    """
    if dry_run:
        return [(run, personal_files(run)) for run in _old(output, keep, held=held)]
    with not_for_others(), locked(output):
        done = [(run, personal_files(run)) for run in _old(output, keep, held=held)]
        for run, _ in done:
            remove_personal(run, "pruned", _record(keep), signer_of(run))
        for run in all_in(output):
            if run.state in ("pruned", "discarded"):
                finish_removing(run)
    return done


def _old(output: Path, keep: Keep, *, held: bool) -> list[Finished]:
    runs = all_in(output)
    published = [run for run in runs if run.state == "published"]
    waiting = [run for run in runs if run.state == "held"]
    now = datetime.now(UTC)
    asked = published + (waiting if held else [])
    kept = {run.run_id for group in (published, waiting) for run in keep.of(group, now)}
    kept |= _needed(published)
    kept |= {run.base for run in waiting if run.base and (not held or run.run_id in kept)}
    return [run for run in asked if run.run_id not in kept]


def _needed(published: Sequence[Finished]) -> set[str]:
    """The runs for the two latest days: `latest`, its base, and what they superseded on those days."""
    nights = [run for run in published if not run.records.get("audit")]
    days = sorted({run.as_of for run in nights})[-2:]
    return {run.run_id for run in nights if run.as_of in days}


def _aged(run: Finished) -> date:
    """The day from which a run's age counts: its own; that of its making where an auditor asked about the past."""
    if not run.records.get("audit"):
        return run.as_of
    return _day(run, datetime.strptime(run.run_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))


def _day(run: Finished, instant: datetime) -> date:
    return instant.astimezone(ZoneInfo(run.records["timezone"])).date()


def _record(keep: Keep) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    kept = f"{keep.days} days" if keep.days is not None else f"{keep.runs} runs"
    return {"at": now, "system_user": system_user(), "keep": kept}
