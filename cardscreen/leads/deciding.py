"""Review, decisions and publication of what was found: the same for rings, customers and reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.zones import local_name
from cardscreen.kinds.tokens import TokenKey
from cardscreen.leads.desk.decisions import FILE, OPEN, Decisions, decided, stated, to_review, withdrawn
from cardscreen.leads.desk.folder import Desk, Sheet
from cardscreen.leads.desk.publishing import DerivedSource, live, publish
from cardscreen.leads.proposals import IDENTITY
from cardscreen.lists.feeds.importing import Imported
from cardscreen.lists.store.table import Store

#: The table of what stays listed while a person is asked about it.
STANDING = "standing"


@dataclass(frozen=True)
class Office:
    """Where proposals are decided about.

    Attributes:
        desk: Where they lie.
        sources: The derived sources that they are for.
        store: Where accepted ones are published; None: nowhere.
        key: The key of tokens.
    """

    desk: Desk
    sources: Sequence[DerivedSource]
    store: Store | None
    key: TokenKey | None = None

    @property
    def decisions(self) -> Decisions:
        """What persons have decided."""
        zones = [source.timezone for source in self.sources if source.timezone]
        return Decisions(self.desk.directory / FILE, zones[0] if zones else local_name())

    def proposals(self, sheet: Sheet) -> pl.DataFrame:
        """The proposals of the newest folder, as they stand now: `schema.PROPOSALS`."""
        table = sheet.table("proposals")
        gone = pl.col("state") == "withdrawn"
        stands = stated(table.filter(~gone), self.decisions, self.published(sheet.day))
        return pl.concat([stands, table.filter(gone)]).sort("source", "reference", "kind", "value")

    def published(self, day: date) -> pl.DataFrame:
        """What is in force of the sources: source, kind, value."""
        names = [source.name for source in self.sources]
        if self.store is None:
            return pl.DataFrame(schema=dict.fromkeys(("source", "kind", "value"), pl.String))
        return live(self.store, names, day)

    def review(self) -> pl.DataFrame:
        """What a person must look at.

        Raises:
            ConfigError: Nothing was looked for yet.
        """
        return to_review(self.proposals(self.desk.require()))

    def decide(self, file: Path, by: str, reason: str | None = None) -> dict[str, int]:
        """Take down what a person has decided in a reviewed table; how many of each decision are new.

        Raises:
            ConfigError: Nobody decides, or another word stands there; nothing is taken down.
            InputError: The table names no such proposal; nothing is taken down.
            Busy: Another program works there.
        """
        with self.desk.locked():
            sheet = self.desk.require()
            rows = decided(file, self.proposals(sheet).filter(pl.col("state") != "withdrawn"), by, reason)
            if len(rows):
                self.decisions.add(rows)
                sheet.restate(self.proposals(sheet))
        return {str(word): count for word, count in rows.group_by("decision").len().sort("decision").rows()}

    def publish(
        self, allow: Sequence[str] = (), as_of: date | None = None, tell: Callable[[str], None] = lambda _: None
    ) -> list[Imported]:
        """Make what is accepted listings of the derived sources.

        Args:
            allow: Checks to waive.
            as_of: The day of the data; None: that of the proposals.
            tell: Called with each source's name as it begins.

        Raises:
            ConfigError: There is no store, or nothing was looked for yet.
            FeedRefused: A check failed; the store is as it was.
            Busy: Another program works there.
        """
        if self.store is None:
            raise ConfigError("the job reads its lists from plain files, and listings are published in a store")
        done = []
        with self.desk.locked():
            sheet = self.desk.require()
            day = as_of or sheet.day
            if day < sheet.day:
                raise InputError(f"the proposals are of {sheet.day}: they can't be published as of {day}")
            self._check_own(sheet)
            proposals = self.proposals(sheet)
            standing = _standing(sheet, proposals)
            for source in self.sources:
                tell(f"publishing {source.name}")
                imported = publish(pl.concat([proposals, standing]), source, self.store, day, self.key, allow)
                done += [imported] if imported else []
            self._let_go(proposals)
            sheet.restate(self.proposals(sheet))
        return done

    def _let_go(self, proposals: pl.DataFrame) -> None:
        """End what a person has accepted and nothing proposes any more: if it comes again, a person is asked again."""
        names = [source.name for source in self.sources]
        accepted = self.decisions.latest().filter((pl.col("decision") == "accept") & pl.col("source").is_in(names))
        stands = proposals.filter(pl.col("state") != "withdrawn")
        gone = accepted.join(stands, on=IDENTITY, how="anti").rename({"was": "weight"})
        if len(gone):
            self.decisions.add(withdrawn(gone))

    def _check_own(self, sheet: Sheet) -> None:
        """Refuse to end what somebody else publishes under the same name."""
        strange = self.published(sheet.day)
        for each in reversed(self.desk.all()):
            if strange.is_empty():
                return
            strange = strange.join(each.table("proposals"), on=IDENTITY, how="anti")
        if len(strange):
            source = strange["source"][0]
            raise ConfigError(
                f"the store's source {source!r} has {len(strange):,} listings that are not from {self.desk.directory}, "
                "and publishing would end them: does another file publish there, too? Give one of them another name: "
                f'source = "…" in the file'
            )


def _standing(sheet: Sheet, proposals: pl.DataFrame) -> pl.DataFrame:
    """What stays listed while a person is asked about it: `schema.PROPOSALS`."""
    if f"{STANDING}.parquet" not in sheet.records["outputs"]:
        return proposals.clear()
    asked = proposals.filter(pl.col("state").cast(pl.String).is_in(OPEN))
    return sheet.table(STANDING).join(asked, on=IDENTITY, how="semi")
