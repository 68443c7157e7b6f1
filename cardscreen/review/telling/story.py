"""One account's story, to be read out to the person concerned: what was found, what follows, by which rule, and why.

A run keeps no list of the accounts that it read, so of an account that it does not name it can never be said that it
is clear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

import polars as pl

from cardscreen.foundation.errors import without_cards
from cardscreen.lists.terms import Terms
from cardscreen.policy.clearances import ACCOUNT_ID, TOLD, covered
from cardscreen.policy.judging import CLEARANCE
from cardscreen.policy.weighing import Judgement, judged
from cardscreen.review.decisions.appeals import feedback
from cardscreen.review.find import looking_into, run_in
from cardscreen.review.inputs import decisions_of, gaps_of, policy_of, terms_of
from cardscreen.review.telling.leads import offices_beside, resting_on
from cardscreen.runs.record import Finished

_NIGHTS = 400  # earlier runs that are looked through


@dataclass(frozen=True)
class Finding:
    """A hit of the account.

    Attributes:
        hit: A row of `schema.HITS`.
        judgement: How it was weighed.
        terms: Its source's, where they are known.
        decides: Whether the account's action comes from it.
        seen: In this run; `carried` from an earlier night that it still holds for; or `before`, and no longer.
        gaps: The first day without the listing and the first day with it again, of each time it was left out.
        cleared: Of a hit that a person's clearance exempts decided_on, by and reason, so far as the run's copy tells.
        lead: Of a listing that was found here the proposal that it stands on, as `leads.resting_on` gives it.
    """

    hit: Mapping[str, Any]
    judgement: Judgement
    terms: Terms | None
    decides: bool
    seen: Literal["now", "carried", "before"] = "now"
    gaps: Sequence[date] = ()
    cleared: Mapping[str, Any] | None = None
    lead: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Story:
    """What a run and those before it say of an account.

    Attributes:
        account: Its id, as the run has it, or as it was asked for.
        run: The run's name.
        as_of: The day that the run was asked about.
        flag: Its row of `schema.FLAGGED` and the carried columns; None where it has none.
        change: Its row of `schema.CHANGES`; None where it has none.
        findings: Its hits, the deciding one first.
        rejects: Its cells that could not be read: rows of `schema.REJECTS`.
        earlier: run, as_of, change, cause and action of the runs before in which something changed, the newest first;
            `pruned` where nothing is known of a run and those before it.
        rows: How many rows the run read.
        kinds: Of what was found; where nothing was, of all that the run looks at.
        objections: at, verdict, by, reason of what was decided about objections to its flag in this run.
    """

    account: str
    run: str
    as_of: str
    flag: Mapping[str, Any] | None
    change: Mapping[str, Any] | None
    findings: list[Finding]
    rejects: Sequence[Mapping[str, Any]]
    state: str = "published"
    earlier: Sequence[Mapping[str, Any]] = field(default_factory=list)
    rows: int = 0
    kinds: Sequence[str] = ()
    objections: Sequence[Mapping[str, Any]] = ()

    def summary(self) -> dict[str, Any]:
        """The same for a machine."""
        fields = asdict(self)
        for each, finding in zip(fields["findings"], self.findings, strict=True):
            each["terms"] = finding.terms.model_dump() if finding.terms else None
        return fields


def tell(run: Finished, account: str) -> Story:
    """One account's story.

    Args:
        run: The run that is asked.
        account: Its id as text, whatever type it has in the tables.

    Raises:
        InputError: The run's tables are gone, or can't be read.
    """
    flags = _rows(run, "flagged", account)
    flag, change = (rows[0] if rows else None for rows in (flags, _rows(run, "changes", account)))
    findings = [*_findings(run, account, "now"), *_findings(run, account, "carried")]
    if change is not None and change["change"] == "released" and (base := _base(run)) is not None:
        findings += _findings(base, account, "before")
    looked_at = run.records["identifiers"].values()
    return Story(
        account=str((flag or change or {}).get("account_id", without_cards(account))),
        run=run.run_id,
        as_of=run.as_of.isoformat(),
        flag=flag,
        change=change,
        findings=findings,
        rejects=_rows(run, "rejects", account),
        state=run.state,
        earlier=list(_earlier(run, account)),
        rows=run.summary["rows"]["read"],
        kinds=sorted({each.hit["kind"] for each in findings} or {each["kind"] for each in looked_at}),
        objections=_objections(run, account),
    )


def _rows(run: Finished, table: str, account: str) -> list[dict[str, Any]]:
    """The account's rows of a table; none where the run has no such table."""
    if table in ("changes", "carried") and not (run.folder / f"{table}.parquet").exists():
        return []
    is_it = pl.col("account_id").cast(pl.String) == account
    with looking_into(run):
        return run.table(table).filter(is_it).collect().to_dicts()


def _objections(run: Finished, account: str) -> list[dict[str, Any]]:
    """What was decided about objections to the account's flag in a run, the oldest first."""
    of_it = (pl.col("run_id") == run.run_id) & (pl.col("account_id") == account)
    rows = feedback(run.output).filter(of_it).select("at", "verdict", "by", "reason")
    told = rows.unique(maintain_order=True).to_dicts()  # there is a row for each listing
    return [{name: _without_cards(value) for name, value in row.items()} for row in told]


def _findings(run: Finished, account: str, seen: Literal["now", "carried", "before"]) -> list[Finding]:
    """The account's hits in a run, the deciding one first."""
    tables = {"now": ["hits"], "carried": ["carried"], "before": ["hits", "carried"]}[seen]
    hits = [row for table in tables for row in _rows(run, table, account)]
    if not hits:
        return []
    policy, terms = policy_of(run), terms_of(run) or {}
    gaps = gaps_of(run, {hit["listing_id"] for hit in hits})
    rows = [*_rows(run, "changes", account), *_rows(run, "flagged", account)]
    flag = rows[-1] if rows else {}
    decisions = decisions_of(run) if any(hit["exempted_by"] == CLEARANCE for hit in hits) else None
    offices = offices_beside(run) if any(term.derived for term in terms.values()) else []
    findings = [
        Finding(
            hit=hit,
            judgement=judged(policy, hit, flag),
            terms=terms.get(hit["source"]),
            decides=any(hit["listing_id"] == row["decided_by"] for row in rows[:1]),
            seen=seen,
            gaps=gaps.get(hit["listing_id"], ()),
            cleared=None if decisions is None else _cleared(hit, decisions),
            lead=resting_on(run, hit, offices),
        )
        for hit in hits
    ]
    return sorted(findings, key=lambda each: (not each.decides, -each.hit["score"], each.hit["listing_id"]))


def _cleared(hit: Mapping[str, Any], decisions: pl.DataFrame) -> dict[str, Any] | None:
    """What is told of the newest decision that covers a hit, where one exempts it."""
    if hit["exempted_by"] != CLEARANCE:
        return None
    named = pl.DataFrame([{name: hit[name] for name in _OF_HIT}], schema=_OF_HIT).with_columns(ACCOUNT_ID)
    newest = covered(named.lazy(), decisions.lazy()).sort("decided_on", "line").tail(1).collect()
    told = newest.select("decided_on", *(pl.col(name).str.strip_chars().replace("", None) for name in TOLD)).to_dicts()
    return next(({name: _without_cards(value) for name, value in row.items()} for row in told), None)


def _without_cards(value: Any) -> Any:
    return without_cards(value) if isinstance(value, str) else value


_OF_HIT = {"account_id": None, "listing_id": pl.String, "listed_on": pl.Date}


def _base(run: Finished) -> Finished | None:
    """The run that a run was compared with, where its tables are still there."""
    base = run_in(run.output, run.base)
    return base if base is not None and base.state == "published" else None


def _earlier(run: Finished, account: str) -> Iterator[dict[str, Any]]:
    """What changed in the nights before, along the runs that were compared with one another."""
    before = run_in(run.output, run.base)
    for _ in range(_NIGHTS):
        if before is None:
            return
        if before.state == "pruned":
            yield {"run": before.run_id, "as_of": before.as_of.isoformat(), "change": "pruned"}
            return
        for row in _rows(before, "changes", account):
            if row["change"] not in ("unchanged", "carried") or row["carried_since"] == before.as_of:
                change = {name: row[name] for name in ("change", "cause", "action_before", "action")}
                yield {"run": before.run_id, "as_of": before.as_of.isoformat(), **change}
        before = run_in(run.output, before.base)
