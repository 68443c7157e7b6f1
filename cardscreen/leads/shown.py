"""One ring, as a person looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from cardscreen.foundation.errors import ConfigError, near
from cardscreen.leads.deciding import Office
from cardscreen.leads.desk.folder import Desk


@dataclass(frozen=True)
class ShownRing:
    """A ring.

    Attributes:
        ring: Its row of `schema.RINGS`.
        members: Its accounts.
        links: Who carries what.
        proposals: What of it is proposed.
    """

    ring: dict[str, Any]
    members: pl.DataFrame
    links: pl.DataFrame
    proposals: pl.DataFrame

    def tables(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Its tables with their names, for a person."""
        listed = pl.when("listed").then(pl.lit("yes")).otherwise(pl.lit("no"))
        yield "accounts", self.members.drop("ring_id").with_columns(listed=listed)
        yield "links", self.links.drop("ring_id")
        seen = ["state", "kind", "value", "severity", "accounts", "listed", "decided_by", "decided_on"]
        yield "proposals", self.proposals.select(seen)

    def as_json(self) -> dict[str, Any]:
        """The same for a machine."""
        tables = {name: getattr(self, name).to_dicts() for name in ("members", "links", "proposals")}
        return {**self.ring, **tables}


def ring_of(desk: Desk, ring_id: str, office: Office) -> ShownRing:
    """A ring of the newest folder.

    Raises:
        ConfigError: There is none of that name.
    """
    sheet = desk.require()
    if "rings.parquet" not in sheet.records["outputs"]:
        raise ConfigError("no rings were looked for: say [rings] in the file of leads")
    rings = sheet.table("rings")
    meant = rings.filter(pl.col("ring_id") == ring_id)
    if meant.is_empty():
        known = rings["ring_id"].to_list()
        raise ConfigError(f"there is no ring {ring_id!r}{near(ring_id, known)} in {sheet.folder}")
    of_ring = pl.col("ring_id") == ring_id
    proposals = office.proposals(sheet).filter(pl.col("reference") == ring_id)
    return ShownRing(
        meant.to_dicts()[0], sheet.table("members").filter(of_ring), sheet.table("links").filter(of_ring), proposals
    )
