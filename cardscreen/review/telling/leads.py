"""The leads beside a run: the rings that were found from it, what waits for a person, and what a hit rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation.errors import CardscreenError
from cardscreen.foundation.settings.toml import read_toml
from cardscreen.foundation.words.languages import Language
from cardscreen.kinds.tokens import TOKEN
from cardscreen.leads.deciding import Office
from cardscreen.leads.desk.decisions import OPEN
from cardscreen.leads.desk.folder import Sheet
from cardscreen.leads.finding import office_of as office_of_leads
from cardscreen.leads.reports.proposing import office_of as office_of_reports
from cardscreen.leads.reports.settings import Reports
from cardscreen.leads.rings.find import RECORDED
from cardscreen.leads.settings import Leads
from cardscreen.reporting.material import Lead, Ring
from cardscreen.runs.record import Finished

_RINGS, _PICTURES = 200, 4  # that a page tells, and that it draws
_NODES = 200  # of a picture
_WAITING = 200
_SEEN = ["source", "kind", "value", "reason", "severity", "why"]


def offices_beside(run: Finished) -> list[Office]:
    """Where proposals lie that belong to a run: of the files of leads and reports beside its job."""
    recorded = run.records.get("inputs", {}).get("job")
    if recorded is None:
        return []
    job = Path(run.located(recorded["path"]))
    offices = []
    for file in sorted(job.parent.glob("*.toml")):
        # What is neither, or can't be read, belongs to somebody else.
        with suppress(CardscreenError, OSError, TypeError):
            said = read_toml(file).settings
            if ("rings" in said or "customers" in said) and (
                file.parent / str(said.get("job"))
            ).resolve() == job.resolve():
                offices.append(office_of_leads(Leads.read(file)))
            elif "reporter_key" in said:
                reports = Reports.read(file)
                if Path(reports.store).resolve() == Path(run.located(_store_of(run))).resolve():
                    offices.append(office_of_reports(reports))
    return offices


def _store_of(run: Finished) -> str:
    store = run.records["inputs"].get("store") or {}
    return str(store.get("path", ""))


def material_of(run: Finished, language: Language) -> Lead | None:
    """What a run's page tells of leads, in the reader's language; None where nobody looked for any."""
    offices = offices_beside(run)
    sheets = [(office, sheet) for office in offices if (sheet := _newest(office)) is not None]
    if not sheets:
        return None
    rings, waiting, total = [], [], 0
    for office, sheet in sheets:
        proposals = office.proposals(sheet)
        to_see = proposals.filter(pl.col("state").cast(pl.String).is_in(OPEN))
        total += len(to_see)
        first = to_see.sort("severity", "weight", descending=True).head(_WAITING).select(_SEEN).to_dicts()
        waiting += [{**row, "why": language.again(row["why"], RECORDED)} for row in first]
        rings += list(_rings(sheet, language))
    pictured = sum(ring.drawn for ring in rings)
    return Lead(
        found_on=max(sheet.records["as_of"] for _, sheet in sheets),
        rings=rings,
        pictured=pictured,
        waiting=waiting[:_WAITING],
        waiting_in_all=total,
    )


def _newest(office: Office) -> Sheet | None:
    try:
        return office.desk.newest()
    except CardscreenError:
        return None


def _rings(sheet: Sheet, language: Language) -> Iterator[Ring]:
    """The rings of a sheet, those with most listed accounts first; the first few with who carries what."""
    if "rings.parquet" not in sheet.records["outputs"]:
        return
    table, links, members = (sheet.table(name) for name in ("rings", "links", "members"))
    drawn = 0
    for row in table.head(_RINGS).to_dicts():
        row["why"] = language.again(row["why"], RECORDED)
        of_ring = pl.col("ring_id") == row["ring_id"]
        nodes = row["accounts"] + row["links"]
        draws = drawn < _PICTURES and nodes <= _NODES
        drawn += draws
        listed = members.filter(of_ring & pl.col("listed"))["account_id"].cast(pl.String).to_list()
        carried = links.filter(of_ring).select(pl.col("account_id").cast(pl.String), "identifier", "value")
        yield Ring(row, listed, carried.rows(), drawn=True) if draws else Ring(row)


def resting_on(run: Finished, hit: Mapping[str, Any], offices: list[Office]) -> dict[str, Any] | None:
    """The proposal on which a hit's listing stands: `schema.PROPOSALS`, and `ring`, why that is one; None: on none.

    Of the folders of that day and before, the newest that has it.
    """
    for office in offices:
        if hit["source"] not in [source.name for source in office.sources]:
            continue
        for sheet in reversed(office.desk.all()):
            if sheet.day > run.as_of:
                continue
            found = _proposal(office, sheet, hit, run_tells=run.shown_as == "masked")
            if found is not None:
                return found
    return None


def _proposal(office: Office, sheet: Sheet, hit: Mapping[str, Any], *, run_tells: bool) -> dict[str, Any] | None:
    with suppress(CardscreenError):
        same = (pl.col("source") == hit["source"]) & pl.col("reference").eq_missing(pl.lit(hit["reference"], pl.String))
        rows = office.proposals(sheet).filter(same & (pl.col("kind") == hit["kind"]))
        exact = rows.filter(pl.col("value") == hit["value"])
        if exact.is_empty() and run_tells:
            exact = rows.filter(pl.col("value").str.contains(TOKEN))
        rows = exact if run_tells or len(exact) else rows
        if rows.is_empty():
            return None
        found = rows.to_dicts()[0]
        found["ring"] = None
        if "rings.parquet" in sheet.records["outputs"]:
            ring = sheet.table("rings").filter(pl.col("ring_id") == hit["reference"])
            found["ring"] = ring["why"][0] if len(ring) else None
        return found
    return None
