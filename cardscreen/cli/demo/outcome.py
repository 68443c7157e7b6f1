"""What the three nights found, against what was planted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.cli.demo.cases import CASES, NOT_FLAGGED
from cardscreen.cli.demo.leaks import Scan, Searcher
from cardscreen.review.telling.sentences import sentences
from cardscreen.review.telling.story import Story
from cardscreen.runs.night import Run

_CUTS_OFF = ("suspend", "close")
_NIGHTS = (0, 1, 2)


@dataclass(frozen=True)
class DemoNight:
    """One night's published runs.

    Attributes:
        day: The day that was asked about.
        runs: "operator" and "bank".
    """

    day: date
    runs: dict[str, Run]

    def flagged(self) -> pl.DataFrame:
        """account_id, outcome: the action, or `released: ` and the cause, of every account that is named."""
        parts = []
        for run in self.runs.values():
            if run.folder is not None:
                released = pl.scan_parquet(run.folder / "changes.parquet").filter(pl.col("change") == "released")
                outcome = pl.concat_str(pl.lit("released: "), pl.col("cause").cast(pl.String))
                parts.append(released.select("account_id", outcome=outcome))
            parts.append(run.result.flagged.select("account_id", outcome=pl.col("action").cast(pl.String)))
        return pl.concat(parts).collect().unique("account_id", keep="first", maintain_order=True)

    def released(self) -> pl.DataFrame:
        """cause, undo, accounts: who is released, and how."""
        tables = [pl.read_parquet(run.folder / "changes.parquet") for run in self.runs.values() if run.folder]
        released = pl.concat([table.select("account_id", "change", "cause", "undo") for table in tables])
        released = released.filter(pl.col("change") == "released").cast({"cause": pl.String, "undo": pl.String})
        return released.group_by("cause", "undo").agg(accounts=pl.len()).sort("cause", "undo")

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "day": str(self.day),
            "runs": {name: str(run.folder) for name, run in self.runs.items()},
            "rows": {name: run.result.summary["rows"] for name, run in self.runs.items()},
            "actions": {name: run.result.summary["flagged"]["actions"] for name, run in self.runs.items()},
            "changes": {name: run.result.summary["changes"]["counts"] for name, run in self.runs.items()},
        }


@dataclass(frozen=True)
class Blunders:
    """What was wrong with the lists of the second night, and what stopped it.

    Attributes:
        refused: Name and message of each check that the cut-off list failed; none if it was taken.
        warned: What the runs warn of.
        late: The source whose list is late.
        mass: How many subscribers' numbers the mass block named.
        held: The limits that it passed; none if the run was published.
        would: What it would have changed: by change and action, how many accounts.
        discarded: The run that was held, discarded.
    """

    refused: list[tuple[str, str]]
    warned: list[str]
    late: str
    mass: int
    held: list[str]
    would: dict[str, dict[str, int]]
    discarded: Path | None

    def passed(self) -> Iterator[str]:
        """What was not stopped."""
        if not self.refused:
            yield "the cut-off list was not refused"
        if not any(self.late in warning for warning in self.warned):
            yield "nothing warned of the late list"
        if not self.discarded:
            yield "the mass block was not held"


@dataclass(frozen=True)
class Found:
    """What came of the day between the second and the third night.

    Attributes:
        reports: How many reports were taken in.
        waited: How many numbers a person looked at, and rejected.
        rings: By owner, how many rings were found and accepted.
        customers: How many customers were.
        crowded: How many values link nobody, as too many accounts carry them.
        appealed: The account whose objection was upheld.
    """

    reports: int
    waited: int
    rings: dict[str, int]
    customers: int
    crowded: int
    appealed: str

    def passed(self) -> Iterator[str]:
        """What is not as it must be."""
        if self.rings != {"operator": 1, "bank": 1}:
            yield f"{self.rings} rings were found, and there is one at each"
        if (self.waited, self.customers) != (1, 1):
            yield "a campaign was not sent to a person, or the customer with forty cards not found"


@dataclass(frozen=True)
class Exchanged:
    """What the operator and the bank found in common.

    Attributes:
        asked: How many identifiers the operator asked about.
        known: How many of the bank's accounts carry one of them.
        found: The operator's accounts that the bank knows.
    """

    asked: int
    known: int
    found: list[str]

    def passed(self, truth: pl.DataFrame) -> Iterator[str]:
        """What is not as it must be."""
        planted = [at for at, case in enumerate(CASES) if case.group == "partner"]
        theirs = truth.filter(pl.col("case").is_in(planted)).height
        gang = [at for at, case in enumerate(CASES) if case.group == "device gang" and not case.source]
        ours = truth.filter(pl.col("case").is_in(gang))["account_id"].sort().to_list()
        if self.known != theirs or sorted(self.found) != ours:
            yield f"the operator and the bank have {theirs} numbers in common, and {self.known} were found"


@dataclass(frozen=True)
class Outcome:
    """What the demo found.

    Attributes:
        folder: Where everything is.
        accounts: How many there are on the first night.
        listings: Listings by source on the first night.
        nights: All three.
        blunders: What was stopped before the second.
        leads: What was found before the third.
        exchanged: What the operator and the bank found in common after it.
        stories: Of an account that is released on the second night, and of one that a ring has drawn in.
        truth: account_id, case: what was planted.
        searcher: Looks for the full card numbers.
        scan: What it found in the files.
        seconds: Of all nights together.
    """

    folder: Path
    accounts: int
    listings: dict[str, int]
    nights: tuple[DemoNight, DemoNight, DemoNight]
    blunders: Blunders
    leads: Found
    exchanged: Exchanged
    stories: tuple[Story, Story]
    truth: pl.DataFrame
    searcher: Searcher
    scan: Scan
    seconds: float

    def look_into(self, text: str, what: str = "what was printed") -> None:
        """Look for full card numbers in a text too."""
        if count := self.searcher.count(text):
            self.scan.leaks.append(f"{count:,} in {what}")

    def cases(self) -> pl.DataFrame:
        """One row for each of `CASES`: case, accounts, right_0, right_1, right_2 and right (on all nights)."""
        accounts = self._outcomes()
        right = [pl.col(f"outcome_{night}") == pl.col(f"expected_{night}") for night in _NIGHTS]
        return (
            accounts.filter(pl.col("case").is_not_null())
            .group_by("case")
            .agg(
                *(right[night].sum().alias(f"right_{night}") for night in _NIGHTS),
                accounts=pl.len(),
                right=pl.all_horizontal(right).sum(),
            )
            .sort("case")
        )

    def unplanted(self) -> int:
        """Accounts that were flagged without having been planted."""
        return self._outcomes().filter(pl.col("case").is_null()).height

    def wrongly_suspended(self) -> dict[str, tuple[int, int]]:
        """How many were told to be cut off on any night and must not be, of how many: by trap, and all others."""
        wrong = pl.any_horizontal(
            pl.col(f"outcome_{night}").is_in(_CUTS_OFF)
            & ~pl.col(f"expected_{night}").fill_null(NOT_FLAGGED).is_in(_CUTS_OFF)
            for night in _NIGHTS
        )
        counts = dict(self._outcomes().group_by("trap").agg(wrong.sum()).rows())
        planted = dict(self._outcomes().filter(pl.col("case").is_not_null())["trap"].value_counts().rows())
        traps = {trap: (counts[trap], count) for trap, count in sorted(planted.items()) if trap}
        others = self.accounts - sum(count for _, count in traps.values())
        return {**traps, "other": (counts.get("", 0), others)}

    def failures(self) -> Iterator[str]:
        """Everything that is not as it must be; nothing, if all is well."""
        for row in self.cases().rows(named=True):
            if row["right"] < row["accounts"]:
                yield f"{CASES[row['case']].words}: {row['accounts'] - row['right']:,} of {row['accounts']:,} missed"
        if count := self.unplanted():
            yield f"{count:,} accounts are flagged without having been planted"
        if wrong := sum(wrong for wrong, _ in self.wrongly_suspended().values()):
            yield f"{wrong:,} accounts are wrongly suspended"
        for night in self.nights:
            yield from (f"the {name}'s run for {night.day} is held" for name, run in night.runs.items() if run.held)
        yield from self.blunders.passed()
        yield from self.leads.passed()
        yield from self.exchanged.passed(self.truth)
        yield from (f"full card numbers: {number}" for number in self.scan.leaks)

    def summary(self) -> dict[str, Any]:
        """For machines."""
        cases = self.cases()
        planted, right = int(cases["accounts"].sum()), int(cases["right"].sum())
        return {
            "folder": str(self.folder),
            "seconds": round(self.seconds, 2),
            "listings": self.listings,
            "nights": [night.summary() for night in self.nights],
            "refused": [f"{check}: {message}" for check, message in self.blunders.refused],
            "warned": self.blunders.warned,
            "held": self.blunders.held,
            "would_change": self.blunders.would,
            "discarded": str(self.blunders.discarded) if self.blunders.discarded else None,
            "released": self.nights[1].released().to_dicts(),
            "leads": asdict(self.leads),
            "exchanged": asdict(self.exchanged),
            "explained": [{"account": each.account, "sentences": list(sentences(each))} for each in self.stories],
            "planted": {"accounts": planted, "found": right, "missed": planted - right},
            "unplanted": self.unplanted(),
            "wrongly_suspended": {
                name: {"wrong": wrong, "accounts": count} for name, (wrong, count) in self.wrongly_suspended().items()
            },
            "card_numbers": {
                "looked_for": self.scan.numbers,
                "files": self.scan.files,
                "bytes": self.scan.size,
                "found": self.scan.leaks,
            },
            "failures": list(self.failures()),
        }

    def _outcomes(self) -> pl.DataFrame:
        """account_id, case, trap, and for each night what was to come out and did: planted or flagged accounts."""
        expected = pl.DataFrame(
            [(at, case.trap, *case.expected) for at, case in enumerate(CASES)],
            schema=["case", "trap", *(f"expected_{night}" for night in _NIGHTS)],
            orient="row",
        )
        seen = self.truth.join(expected, on="case", how="left")
        for at, night in enumerate(self.nights):
            seen = seen.join(
                night.flagged().rename({"outcome": f"outcome_{at}"}), on="account_id", how="full", coalesce=True
            )
        return seen.with_columns(pl.col("^outcome_.$").fill_null(NOT_FLAGGED), pl.col("trap").fill_null(""))
