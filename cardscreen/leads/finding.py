"""The search for leads: from the newest published run to the rings and customers behind it, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import CardscreenError, InputError
from cardscreen.foundation.files import sha256_of
from cardscreen.foundation.process.progress import in_log
from cardscreen.leads import customers as people
from cardscreen.leads.base.base import Base as Accounts
from cardscreen.leads.base.opening import newest_run, open_base
from cardscreen.leads.base.unread import Unread
from cardscreen.leads.base.wanted import Wanted
from cardscreen.leads.deciding import Office
from cardscreen.leads.desk.decisions import Decisions, stated, withdrawn
from cardscreen.leads.desk.folder import Desk, Sheet
from cardscreen.leads.desk.publishing import DerivedSource, live, not_found_again
from cardscreen.leads.proposals import IDENTITY, by_rule, counted
from cardscreen.leads.rings import find as rings
from cardscreen.leads.settings import Leads
from cardscreen.lists.blocklist import Blocklist, holds
from cardscreen.lists.store.table import Store
from cardscreen.runs.manifest import fingerprint
from cardscreen.runs.record import MANIFEST, Base
from cardscreen.screening.question import versions
from cardscreen.tables.opening import explaining
from cardscreen.tables.paths import files_of, steady

#: Sources that are derived whatever terms say of them: lists in plain files have no terms.
DERIVED = ("rings", "customers")
#: The listings on which a proposal rests.
EVIDENCE = {"reference": pl.String, "account_id": pl.String, "listing_id": pl.String}


def desk_of(leads: Leads) -> Desk:
    """Where its proposals lie."""
    return Desk(leads.directory, f"cardscreen leads find {leads.file.name}")


def sources_of(leads: Leads) -> list[DerivedSource]:
    """The derived sources that it makes."""
    terms = leads.said.terms.terms()
    return [
        DerivedSource(name, terms, each.expires_after_days, leads.job.timezone, each.accept == "rule")
        for name, each in leads.sources().items()
    ]


def office_of(leads: Leads) -> Office:
    """Where its proposals are decided about."""
    store = Store(leads.job.store) if leads.job.store else None
    return Office(desk_of(leads), sources_of(leads), store, leads.job.token_key)


def find(leads: Leads, tell: Callable[[str], None] = lambda _: None) -> Sheet:
    """Look for rings and customers behind the newest published run, and write what is found.

    Args:
        leads: What is looked for.
        tell: Called with each stage's name as it begins.

    Returns:
        The folder.

    Raises:
        Busy: Another search, or a decision, works in the folder.
        InputError: There is no published run, it was made too long ago, or too many cells could not be read in it; the
            accounts can't be read.
        ConfigError: The leads don't fit the accounts.
    """
    tell, begun = in_log(tell), datetime.now(UTC)
    with desk_of(leads).locked():
        run = newest_run(leads.job, "leads", leads.said.max_run_age_days, "max_run_age_days")
        job = leads.job.on(run.as_of)
        leads = replace(leads, job=job)
        for each in _unread(leads, run):
            each.refuse_past(job.limits.rejected_share, f"the accounts of run {run.run_id}", run.table("rejects"))
        with steady(lambda: [] if job.place or job.cluster else files_of(job.accounts)):
            return _Search(leads, run, tell).written(begun)


def _unread(leads: Leads, run: Base) -> list[Unread]:
    """Of each column that is searched, what the run could not read.

    Raises:
        InputError: The run has read a column in another way, or not at all.
    """
    there, described = run.summary["coverage"], run.records.get("identifiers", leads.job.described)
    for column in leads.columns():
        if column not in there or described[column] != leads.job.described[column]:
            raise InputError(
                f"run {run.run_id} has read {column!r} in another way than the job does now: first "
                f"{leads.job.command('run')}"
            )
    cells = {column: there[column] for column in leads.columns()}
    return [Unread(column, each["cells"] - each["missing"], each["rejected"]) for column, each in cells.items()]


@dataclass(frozen=True)
class _Found:
    """What was found.

    Attributes:
        tables: By name.
        proposals: Of all sources.
        evidence: `EVIDENCE`.
        crowds: References of customers who have too many accounts to be one.
    """

    tables: dict[str, pl.DataFrame]
    proposals: pl.DataFrame
    evidence: pl.DataFrame
    crowds: pl.Series


@dataclass(frozen=True)
class _Search:
    """One search."""

    leads: Leads
    run: Base
    tell: Callable[[str], None]

    def written(self, begun: datetime) -> Sheet:
        """The folder with what is found."""
        leads, day, desk = self.leads, self.run.as_of, desk_of(self.leads)
        before, decisions = desk.newest(), office_of(leads).decisions
        hits = self._outside_hits()
        with explaining(leads.job.accounts, leads.job.reading):
            found = self._since_first(self._found(self._base, hits, before), desk)
        names = [source.name for source in sources_of(leads)]
        published = live(Store(leads.job.store), names, day) if leads.job.store else pl.DataFrame(schema=_IDENTITY)
        ruled = [source.name for source in sources_of(leads) if source.by_rule]
        proposals = stated(by_rule(found.proposals, ruled), decisions, published)
        gone = not_found_again(proposals, before, names)
        of_people = leads.said.customers.source if leads.said.customers else ""
        is_crowd = (pl.col("source") == of_people) & pl.col("reference").is_in(found.crowds.implode())
        kept, lost = self._still_founded(gone.filter(~is_crowd), before, hits)
        lost = pl.concat([lost, gone.filter(is_crowd)])
        kept = stated(kept, decisions, published)
        if len(lost):
            decisions.add(withdrawn(lost))
        state = pl.lit("withdrawn", dtype=schema.STATES)
        all_proposals = pl.concat([proposals, kept, lost.with_columns(state=state)]).sort(
            "source", "reference", "kind", "value"
        )
        evidence = found.evidence
        if before is not None and len(kept):
            still = before.table("evidence").join(kept.select("reference").unique(), on="reference", how="semi")
            evidence = pl.concat([evidence, still.cast({"account_id": evidence.schema["account_id"]})]).unique()
        tables = {
            **found.tables,
            "proposals": all_proposals,
            "evidence": evidence.sort("reference", "account_id", "listing_id"),
        }
        self.tell("writing the leads")
        copies = {"leads": leads.file, "job": leads.job.files["job"]}
        return desk.write(tables, self._records(tables, before, decisions), copies, begun)

    def _outside_hits(self) -> pl.DataFrame:
        """account_id, source, listing_id, action: the hits of outside sources on which tonight's flags stand.

        That a number was listed while somebody else had it, or that a card looks like a listed one, is not meant.
        """
        derived = self._derived()
        weak = (pl.col("holder") == "earlier") | (pl.col("match") == "truncated")
        return (
            self.run.standing.filter(~pl.col("source").is_in(derived) & ~weak)
            .select("account_id", "source", "listing_id", "action")
            .unique()
            .collect()
        )

    def _derived(self) -> list[str]:
        names = set(DERIVED) | {source.name for source in sources_of(self.leads)}
        if self.leads.job.store:
            for origins in (self._lists.origins, Store(self.leads.job.store).at().record.origins):
                for name, origin in origins.items():
                    if origin.terms.derived:
                        names |= {name, *origin.formerly}
        return sorted(names)

    @cached_property
    def _lists(self) -> Blocklist:
        """The lists that the run read, or, where a store does not have that version any more, the newest."""
        job = self.leads.job
        recorded = self.run.records["inputs"].get("store")
        if job.store is not None and recorded is not None and (store := Store(job.store)).has(recorded):
            with suppress(CardscreenError):
                return store.blocklist(recorded["version"])
        return job.blocklist()

    @cached_property
    def _base(self) -> Accounts:
        """The columns of both searches."""
        job, said = self.leads.job, self.leads.said
        extra = people.columns_of(said.customers) if said.customers else []
        kinds = {column: job.identifiers[column] for column in self.leads.columns()}
        return open_base(job, self.run.as_of, kinds, extra)

    def _found(self, base: Accounts, hits: pl.DataFrame, before: Sheet | None) -> _Found:
        said, job, day = self.leads.said, self.leads.job, self.run.as_of
        key = job.token_key
        dtype = base.plan.schema[base.plan.account_id]
        hits = hits.with_columns(pl.col("account_id").cast(dtype, strict=False))
        tables, proposals, evidence = {}, [pl.DataFrame(schema=schema.PROPOSALS)], []
        crowds = pl.Series(dtype=pl.String)
        if said.rings is not None:
            self.tell("looking for rings")
            earlier = None
            if before is not None and "rings.parquet" in before.records["outputs"]:
                earlier = rings.earlier_members(before.table("rings").lazy(), before.table("members").lazy())
            linked = {column: base.plan.identifiers[column] for column in said.rings.links}
            narrow = replace(base, plan=replace(base.plan, identifiers=linked, carry=[]))  # type: ignore[type-var]
            found = rings.rings_of(
                narrow,
                hits["account_id"].unique(),
                said.rings.rules(),
                self._lists,
                earlier,
                job.tokens,
                day,
                job.language,
            )
            for name in ("rings", "members", "links", "dropped"):
                tables[name] = getattr(found, name).collect()
            proposals.append(found.proposals.collect())
            listed = tables["members"].filter("listed").select("account_id", reference="ring_id")
            evidence.append(listed.join(hits, on="account_id"))
        if said.customers is not None:
            self.tell("looking for customers")
            lifting = hits.filter(pl.col("action").cast(pl.String).is_in(said.customers.lift))
            of_people = people.find_customers(
                base, lifting["account_id"].unique(), said.customers, key, day, job.language
            )
            tables["customers"], crowds = of_people.table, of_people.crowds
            tables["dropped"] = pl.concat([*([tables["dropped"]] if said.rings else []), of_people.dropped])
            proposals.append(of_people.proposals)
            evidence.append(of_people.accounts.rename({"account": "account_id"}).join(lifting, on="account_id"))
        no_evidence = pl.DataFrame(schema={**EVIDENCE, "account_id": dtype})
        rests = pl.concat([no_evidence, *(each.select(list(EVIDENCE)) for each in evidence)]).unique()
        return _Found(tables, pl.concat(proposals), rests, crowds)

    def _since_first(self, found: _Found, desk: Desk) -> _Found:
        """The same with the days on which one of the last finds saw each ring and proposal first."""
        earlier = {"rings": [pl.DataFrame(schema=schema.RINGS)], "proposals": [pl.DataFrame(schema=schema.PROPOSALS)]}
        for sheet in islice(desk.sound(), _LOOK_BACK):
            for name, there in earlier.items():
                if f"{name}.parquet" in sheet.records["outputs"]:
                    with suppress(InputError):
                        there.append(sheet.table(name))
        tables = dict(found.tables)
        if "rings" in tables:
            tables["rings"] = _first(tables["rings"], earlier["rings"], ["ring_id"], "first_found")
        proposals = _first(found.proposals, earlier["proposals"], IDENTITY, "first_on")
        return replace(found, tables=tables, proposals=proposals)

    def _still_founded(
        self, gone: pl.DataFrame, before: Sheet | None, hits: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Of what was not found again: what stays until it runs out, and what is withdrawn.

        Where the listed accounts behind it are no accounts any more, as when they were closed, and their listings
        still hold, it stays: tomorrow's account on the same device is found. Where the listings have ended, or people
        were cleared, what rested on them goes.
        """
        if gone.is_empty() or before is None:
            return gone, gone
        rests = before.table("evidence").join(gone.select("reference").unique(), on="reference", how="semi")
        listed = self._lists.lazy.filter(holds(self.run.as_of)).select("listing_id")
        rests = rests.join(listed.collect(), on="listing_id", how="semi")
        here = self._present(rests["account_id"].unique())
        still = rests.filter(~pl.col("account_id").is_in(here.implode()) | _among(hits, rests))
        counted = still.group_by("reference").agg(left=pl.col("account_id").n_unique())
        with_count = gone.join(counted, on="reference", how="left")
        of_rings = self.leads.said.rings
        in_ring, source = (of_rings.min_listed, of_rings.source) if of_rings else (1, "")
        enough = pl.col("left").fill_null(0) >= pl.when(pl.col("source") == source).then(in_ring).otherwise(1)
        lasting = {name: each.expires_after_days for name, each in self.leads.sources().items()}
        days = pl.col("source").replace_strict(pl.Series(list(lasting)), pl.Series(list(lasting.values())))
        lasts = pl.col("last_on") + pl.duration(days=days) >= self.run.as_of
        keep = with_count.select(enough & lasts).to_series()
        return gone.filter(keep), gone.filter(~keep)

    def _present(self, ids: pl.Series) -> pl.Series:
        """Which of some accounts there still are."""
        if not len(ids):
            return ids
        base = self._base
        own = ids.cast(base.plan.schema[base.plan.account_id], strict=False)
        rows = pl.concat(base.rows(Wanted(own)))
        return rows[base.plan.account_id].unique().cast(ids.dtype, strict=False)

    def _records(self, tables: dict[str, pl.DataFrame], before: Sheet | None, decisions: Decisions) -> dict[str, Any]:
        job, run = self.leads.job, self.run
        summary: dict[str, Any] = {
            "as_of": run.as_of.isoformat(),
            "run_id": run.run_id,
            "proposals": counted(tables["proposals"]),
            **{name: len(tables[name]) for name in ("rings", "members", "customers") if name in tables},
        }
        unread = [each.summary() for each in _unread(self.leads, run) if each.rejected]
        summary |= {"unread": unread} if unread else {}
        if "dropped" in tables:
            told = tables["dropped"].group_by("identifier", "why").len().sort("identifier", "why")
            summary["dropped"] = [
                {"identifier": identifier, "why": str(why), "values": count} for identifier, why, count in told.rows()
            ]
        files = [] if job.place or job.cluster else files_of(job.accounts)
        return {
            "as_of": run.as_of.isoformat(),
            "lang": job.language.name,
            "run": {"run_id": run.run_id, "manifest": sha256_of(run.folder / MANIFEST)},
            "inputs": {
                "leads": fingerprint(str(self.leads.file)),
                "accounts": [fingerprint(file) for file in files] or [{"path": job.accounts}],
                "store": run.records["inputs"].get("store"),
                "decisions": sha256_of(decisions.file) if decisions.file.exists() else None,
                "before": before.records["id"] if before else None,
            },
            "versions": dict(versions()),
            "summary": summary,
        }


def _first(table: pl.DataFrame, earlier: list[pl.DataFrame], of: list[str], day: str) -> pl.DataFrame:
    """A table with the earliest of its own day and those of earlier tables."""
    days = pl.concat([each.select(*of, since=day) for each in earlier]).group_by(of).agg(pl.col("since").min())
    joined = table.join(days, on=of, how="left", maintain_order="left")
    return joined.with_columns(pl.min_horizontal(day, "since").alias(day)).drop("since")


def _among(hits: pl.DataFrame, rests: pl.DataFrame) -> pl.Expr:
    """Whether an account is listed by an outside source tonight."""
    ids = hits["account_id"].cast(rests.schema["account_id"], strict=False)
    return pl.col("account_id").is_in(ids.implode())


_IDENTITY = dict.fromkeys(IDENTITY, pl.String)
_LOOK_BACK = 60  # finds, each of which knows the days of those before it
