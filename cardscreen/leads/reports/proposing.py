"""What the reports of a day propose: their scores in a folder of their own, and what of them is never proposed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.process.progress import in_log
from cardscreen.foundation.words.languages import Language
from cardscreen.kinds.phone.kind import Phone
from cardscreen.leads.deciding import STANDING, Office
from cardscreen.leads.desk.decisions import OPEN, stated
from cardscreen.leads.desk.folder import Sheet
from cardscreen.leads.desk.publishing import DerivedSource, not_found_again
from cardscreen.leads.proposals import IDENTITY, as_told, counted
from cardscreen.leads.reports.adding import desk_of, received
from cardscreen.leads.reports.scoring import LISTED, Scoring
from cardscreen.leads.reports.settings import Reports
from cardscreen.leads.rings.find import allowed_among
from cardscreen.lists.blocklist import holds
from cardscreen.lists.store.table import Store
from cardscreen.runs.manifest import fingerprint
from cardscreen.screening.question import versions

#: What is never proposed although it weighs enough.
EXCLUDED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String,
    "value": pl.String,
    "weight": pl.Float64,
    "why": pl.Enum(["allowed", "own", "service"]),
}


def office_of(reports: Reports) -> Office:
    """Where its proposals are decided about."""
    return Office(desk_of(reports), [_source(reports)], Store(reports.store), reports.token_key())


def _source(reports: Reports) -> DerivedSource:
    said = reports.said
    return DerivedSource(
        said.source, said.terms.terms(), said.expires_after_days, said.timezone, by_rule=True, of_holders=True
    )


def propose(reports: Reports, as_of: date | None = None, tell: Callable[[str], None] = lambda _: None) -> Sheet:
    """Weigh what was reported, and write what that proposes.

    Args:
        reports: The file of reports.
        as_of: The day; None: today.
        tell: Called with each stage's name as it begins.

    Returns:
        The folder.

    Raises:
        Busy: Another program works there.
        InputError: Reports that are kept are not as they were written.
    """
    tell, begun, day = in_log(tell), datetime.now(UTC), as_of or reports.feed.today()
    desk, office, store, source = desk_of(reports), office_of(reports), Store(reports.store), _source(reports)
    kind = reports.feed.kind or ""
    with desk.locked():
        tell("weighing the reports")
        kept = received(reports)
        listed = None
        if store.exists():
            ours = store.listings().filter(holds(day) & (pl.col("source") == source.name))
            listed = ours.select(list(LISTED)).collect()
        scored = Scoring(reports.said.rules(), day, kind, source.name).scored(kept, listed)
        excluded = _excluded(reports, scored.proposals, day)
        left = scored.proposals.join(excluded, on=["kind", "value"], how="anti", maintain_order="left")
        proposals = stated(left, office.decisions, office.published(day))
        asked = proposals.filter(pl.col("state").cast(pl.String).is_in(OPEN))
        standing = scored.standing.join(asked, on=IDENTITY, how="semi", maintain_order="left")
        proposals = _with_standing(proposals, standing)
        gone = not_found_again(proposals, desk.newest(), [source.name])
        gone = gone.with_columns(state=pl.lit("withdrawn", dtype=schema.STATES))
        proposals = pl.concat([proposals, gone]).sort("source", "reference", "kind", "value")
        summary = {
            "as_of": day.isoformat(),
            "reports": len(kept),
            "later": kept.filter(pl.col("reported_at").dt.date() > day).height,
            "proposals": {source.name: {}} | counted(proposals),
            "standing": len(standing),
            "excluded": dict(excluded.group_by("why").len().sort("why").cast({"why": pl.String}).rows()),
        }
        records = {
            "as_of": day.isoformat(),
            "inputs": {"reports": fingerprint(str(reports.file))},
            "versions": dict(versions()),
            "summary": summary,
        }
        tables = {"proposals": proposals, STANDING: standing, "excluded": excluded}
        return desk.write(tables, records, {"reports": reports.file}, begun)


def _with_standing(proposals: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """The proposals, of which it is said where they are listed meanwhile."""
    language = Language()
    told = [
        language.say(
            "What was reported until {day} keeps it listed with severity {severity} while nobody has decided; a "
            "rejection ends that.",
            day=day,
            severity=severity,
        )
        for day, severity in standing.select("last_on", "severity").rows()
    ]
    meanwhile = standing.select(*IDENTITY, meanwhile=pl.Series(told, dtype=pl.String))
    both = proposals.join(meanwhile, on=IDENTITY, how="left", maintain_order="left")
    why = pl.concat_str("why", "meanwhile", separator=language.joined("", ""), ignore_nulls=True)
    return both.with_columns(why=why).drop("meanwhile")


def _excluded(reports: Reports, scored: pl.DataFrame, day: date) -> pl.DataFrame:
    """`EXCLUDED`: numbers on allow listings, the institution's own, and those of services, which callers pretend."""
    values, store = scored.select("kind", "value"), Store(reports.store)
    blocklist = store.blocklist() if store.exists() else None
    allowed = allowed_among(values, blocklist, day).with_columns(why=pl.lit("allowed"))
    own = _own(reports).with_columns(why=pl.lit("own"))
    phones = values.filter(pl.col("kind") == Phone.name)
    service = phones.filter(Phone.is_service(pl.col("value"))).with_columns(why=pl.lit("service"))
    all_of_them = pl.concat([allowed, own, service]).unique(["kind", "value"], keep="first", maintain_order=True)
    found = scored.select("kind", "value", "weight").join(all_of_them, on=["kind", "value"])
    return found.select(pl.col(name).cast(dtype) for name, dtype in EXCLUDED.items()).sort("kind", "value")


def _own(reports: Reports) -> pl.DataFrame:
    """The institution's own numbers, as they are proposed: kind, value."""
    kind = reports.feed.kind or ""
    cells = pl.DataFrame({"cell": reports.said.own}, schema={"cell": pl.String})
    read = cells.select(reports.feed.kinds()[kind].written(pl.col("cell")).struct.field("value"), kind=pl.lit(kind))
    values = read.select("kind", "value").drop_nulls()
    return values.with_columns(as_told(values, reports.token_key()))
