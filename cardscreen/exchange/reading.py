"""What a step has read of the accounts: held to the limits of a night, and told: what was not read is not clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import polars as pl

from cardscreen.exchange.agreement import Agreement
from cardscreen.foundation.errors import InputError
from cardscreen.kinds.kind import Kind
from cardscreen.runs import folder as runs
from cardscreen.runs.brakes import limit_of, unread
from cardscreen.runs.engines import require_accounts
from cardscreen.runs.job import Job
from cardscreen.runs.messages.mending import in_words
from cardscreen.runs.record import records_of
from cardscreen.screening.result import Result
from cardscreen.screening.scan import INCOMPARABLE

_COUNTS = ("cells", "missing", "rejected")


@dataclass(frozen=True)
class Reading:
    """What was read.

    Attributes:
        rows: Rows of the accounts; `nameless` ones name no account, and are left out.
        nameless: How many of these there are.
        cells: Of each identifier, its cells, and which of them are empty (`missing`) or can't be read (`rejected`).
        kinds: The kind of each.
    """

    rows: int
    nameless: int
    cells: Mapping[str, Mapping[str, int]]
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, job: Job, kinds: Mapping[str, Kind], result: Result) -> Reading:
        """What a screening has read, if that is within the job's limits.

        Of limits on what is less than before, the newest published run is the night before, where there is one.

        Raises:
            InputError: There are no accounts, a limit was passed, or not one value was read.
        """
        require_accounts(job, result)
        summary, newest = result.summary, runs.newest(job.output)
        before = records_of(newest)["summary"] if newest else None
        if reasons := unread(judged := _without_hidden(result), job.limits, before):
            raise _refused(job, reasons, judged, result.rejects)
        cells = {name: {count: each[count] for count in _COUNTS} for name, each in summary["coverage"].items()}
        rows = summary["rows"]
        read = cls(rows["read"], rows["no_account"], cells, {name: kind.name for name, kind in kinds.items()})
        if not read._compared():
            raise InputError(
                f"{job.accounts} holds nothing that can be read in {', '.join(map(repr, cells))}: it would clear "
                "nobody, and nothing is written"
            )
        return read

    def not_compared(self, agreement: Agreement) -> list[str]:
        """The agreement's kinds of which not one value was read: there is no column of them, or nothing in it."""
        compared = self._compared()
        return [kind for kind in agreement.said.kinds if kind not in compared]

    def _compared(self) -> set[str]:
        return {self.kinds[name] for name, each in self.cells.items() if _filled(each) > each["rejected"]}

    @property
    def unread(self) -> dict[str, int]:
        """At most how many of a hundred cells could not be read, of compared kinds of which some could not."""
        nameless = self.nameless / self.rows
        found: dict[str, int] = {}
        for kind in sorted(self._compared()):
            of_kind = [self.cells[name] for name, each in self.kinds.items() if each == kind]
            rejected = sum(each["rejected"] for each in of_kind) / max(sum(map(_filled, of_kind)), 1)
            if share := min(ceil((rejected + nameless) * 100), 100):
                found[kind] = share
        return found

    def told(self) -> dict[str, Any]:
        """For this side."""
        return {"rows": self.rows, "no_account": self.nameless, "identifiers": self.cells}


def _filled(cells: Mapping[str, int]) -> int:
    return cells["cells"] - cells["missing"]


def _without_hidden(result: Result) -> dict[str, Any]:
    """The summary without cells that are rejected because tokens can't be compared with masks: nights read these."""
    hidden = result.rejects.filter(pl.col("status") == INCOMPARABLE).group_by("identifier").len().collect()
    counts = dict(hidden.rows())
    coverage = {
        name: {**each, "rejected": each["rejected"] - counts.get(name, 0)}
        for name, each in result.summary["coverage"].items()
    }
    return {**result.summary, "coverage": coverage}


def _refused(job: Job, reasons: Sequence[str], summary: Mapping[str, Any], rejects: pl.LazyFrame) -> InputError:
    lines = []
    for reason in reasons:
        lines += [f"  {reason}", *(f"    {line}" for line in in_words(reason, summary, rejects))]
    against = any(limit_of(reason) in ("accounts_shrink", "coverage_drop") for reason in reasons)
    approve = f"approve a run of them ({job.command('run')}), or " if against else ""
    return InputError(
        f"{job.accounts} is not compared, and nothing is written:",
        *lines,
        f"Get newer accounts; where these are right all the same, {approve}change the limit under [limits] of the job",
    )
