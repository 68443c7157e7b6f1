"""Who is told, acted on and released tonight, as CSV files that other systems load.

cardscreen recommends; a person or the operator's own system acts. A row's key is the same whenever the same is said
again, by a run that supersedes another or by one that is repeated: a system that has seen it does nothing.

Files are RFC 4180 in UTF-8 with plain line feeds. Account ids and keys stand there exactly as they are. In all other
cells, what a spreadsheet would take for a formula gets an apostrophe in front; plain numbers with a sign don't.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import polars_hash as plh

from cardscreen.foundation import schema
from cardscreen.foundation.words.codes import ACTING, CAUSES, REASONS
from cardscreen.foundation.words.languages import Language
from cardscreen.kinds.masking import masked
from cardscreen.lists.terms import Terms
from cardscreen.policy.rules import ACCOUNT
from cardscreen.runs.changes import Changes
from cardscreen.runs.messages.handing_out import undoing
from cardscreen.runs.record import Base
from cardscreen.tables.cells import shown_text, without_formulas, written_out

_KEY_LENGTH = 32
_EXACT = ["run_id", "key", "account_id"]
#: Sentences of this side's own, which may have several lines.
_OWN_WORDS = ["reason_text", "cause_text", "legal_basis", "appeal"]


def write_files(
    folder: Path,
    run_id: str,
    changes: Changes,
    hits: pl.DataFrame,
    terms: Mapping[str, Terms],
    language: Language,
    texts: Mapping[str, str],
) -> dict[str, int]:
    """Write notices/ and actions/ of a run.

    Args:
        folder: The run's folder.
        run_id: Its name.
        changes: What it found against the night before.
        hits: `schema.HITS` of tonight.
        terms: By source.
        language: In which reasons and causes are told.
        texts: What to say of reason codes, in place of or beside `REASONS`.

    Returns:
        How many are `told`, `due` and `undone`.
    """
    table = changes.table
    notified, due = told_rows(table), table.filter("is_due")
    undone = table.filter(pl.col("undo").is_not_null())
    reasons, causes = ({code: language.say(text) for code, text in each.items()} for each in (REASONS, CAUSES))
    words = _Said(run_id, terms, {**reasons, **texts}, causes)
    for name, purpose, rows in (("notices", "notice", notified), ("actions", "action", due)):
        (folder / name).mkdir()
        written = words.of(rows, purpose, hits)
        for action in ACTING:
            _write(written.filter(pl.col("action") == action), folder / name / f"{action}.csv")
    _write(words.of_releases(undone, changes.before), folder / "actions/release.csv")
    return {"told": len(notified), "due": len(due), "undone": len(undone)}


def release_rows(
    run: Base,
    flags: pl.DataFrame,
    hits: pl.DataFrame,
    applied: pl.DataFrame | None,
    terms: Mapping[str, Terms],
    language: Language,
    texts: Mapping[str, str],
) -> pl.DataFrame:
    """The rows of releases with which the next night would free accounts that a person has cleared, under its keys.

    Args:
        run: The newest run.
        flags: Rows of its changes, as it keeps them.
        hits: `schema.CARRIED`: the hits on which these flags stand.
        applied: What other systems have done, as `handed_out` takes it.
        terms: By source.
        language: In which reasons and causes are told.
        texts: As for `write_files`.

    Returns:
        `schema.RELEASES` and the carried columns, as text.
    """
    state = flags.rename({name: f"{ACCOUNT}{name}" for name in flags.columns if name not in schema.CHANGES})
    freed = state.with_columns(
        since=pl.col("flagged_since"),
        standing=pl.col("handed_out"),
        handed=pl.col("handed_out"),
        handed_on=pl.col("handed_out_on"),
        stood_on=pl.col("handed_out_on"),
        superseded_action=pl.lit(None, dtype=schema.ACTIONS),
        superseded=pl.lit(None, dtype=pl.String),
        change=pl.lit("released", dtype=schema.CHANGE_KINDS),
        action_before=pl.col("action"),
        decided_by_before=pl.col("decided_by"),
        cause=pl.lit("clearance", dtype=schema.CAUSES),
        said=pl.lit(None, dtype=schema.ACTIONS),
        undone_by=pl.col("decided_by"),
        undone_cause=pl.lit("clearance", dtype=schema.CAUSES),
        gained=pl.lit(None, dtype=schema.CAUSES),
        carried_since=pl.lit(None, dtype=pl.Date),
        action=pl.lit("none", dtype=schema.ACTIONS),
    ).drop("handed_out", "handed_out_on", "undo")
    undone = undoing(freed, applied)
    reasons, causes = ({code: language.say(text) for code, text in each.items()} for each in (REASONS, CAUSES))
    rows = _Said(run.run_id, terms, {**reasons, **texts}, causes).of_releases(undone, hits)
    return _as_text(rows)


def told_rows(changes: pl.DataFrame) -> pl.DataFrame:
    """The changes of which the holders are told."""
    return changes.filter(pl.col("change").is_in(["new", "escalated"]))


class _Said:
    """What is said in the rows of one run."""

    def __init__(
        self, run_id: str, terms: Mapping[str, Terms], reasons: Mapping[str, str], causes: Mapping[str, str]
    ) -> None:
        self._run_id = pl.lit(run_id).alias("run_id")
        named = {"source": list(terms)} | {
            name: [getattr(each, name) for each in terms.values()] for name in ("legal_basis", "appeal")
        }
        self._terms = pl.DataFrame(named, schema=dict.fromkeys(named, pl.String))
        self._reasons, self._causes = reasons, causes

    def of(self, rows: pl.DataFrame, purpose: str, hits: pl.DataFrame) -> pl.DataFrame:
        """`schema.NOTICES` and the carried columns, with what tonight's deciding hit says."""
        explained = self._explained(rows, hits, "decided_by").with_columns(key=key(purpose, "action"))
        return explained.select(self._run_id, *list(schema.NOTICES)[1:], *_carried(rows))

    def of_releases(self, rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
        """`schema.RELEASES` and the carried columns, with what the hit said that had decided."""
        left = pl.when(pl.col("action") > "none").then("action")
        releases = self._explained(rows, before, "undone_by").with_columns(
            instead=left, key=key("release", "undone"), cause_text=_text("undone_cause", self._causes)
        )
        releases = releases.with_columns(action="undone", cause="undone_cause")
        return releases.select(self._run_id, *list(schema.RELEASES)[1:], *_carried(rows))

    def _explained(self, rows: pl.DataFrame, hits: pl.DataFrame, by: str) -> pl.DataFrame:
        """The rows with the deciding hit's reason, source, identifier and masked value, and that source's terms."""
        found = ("account_id", "reason", "source", "identifier", masked(pl.col("value")))
        reasons = hits.select(*found, **{by: "listing_id"})
        return (
            rows.join(reasons.unique(["account_id", by], maintain_order=True), on=["account_id", by], how="left")
            .with_columns(reason_text=_text("reason", self._reasons))
            .join(self._terms, on="source", how="left")
            .sort("account_id")
        )


def _carried(rows: pl.DataFrame) -> list[str]:
    return [name for name in rows.columns if name.startswith(ACCOUNT)]


def _text(code: str, texts: Mapping[str, str]) -> pl.Expr:
    codes = shown_text(pl.col(code).cast(pl.String))
    return codes.replace_strict(dict(texts), default=codes, return_dtype=pl.String)


def key(purpose: str, action: str) -> pl.Expr:
    """A name for what is said: the same in every run that says it again.

    Args:
        purpose: `notice`, `action` or `release`.
        action: The column that names the action; others are account_id, flagged_since, act_on and corrects, and
            of notices change and action_before: who was told, eased and told again on one day is told twice.
    """
    parts = ["account_id", action, "flagged_since", "act_on", "corrects"]
    parts += ["change", "action_before"] if purpose == "notice" else []
    text = pl.concat_str(
        pl.lit(purpose), *(pl.col(part).cast(pl.String).fill_null("") for part in parts), separator="\n"
    )
    digest: pl.Expr = plh.concat_str(text).chash.sha2_256()
    return digest.str.head(_KEY_LENGTH)


def _write(rows: pl.DataFrame, file: Path) -> None:
    write_rows(_as_text(rows), file)


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    text = rows.with_columns(pl.all().cast(pl.String)).rename(lambda name: name.removeprefix(ACCOUNT))
    return without_formulas(written_out(text, [*_EXACT, *_OWN_WORDS]), _EXACT)


def write_rows(rows: pl.DataFrame, file: Path) -> None:
    """Write rows of text as they are."""
    rows.write_csv(file, line_terminator="\n")


#: The files of other systems, in the order in which they are loaded: releases first, so that nobody is cut off again.
_IN_ORDER = ("actions/release.csv", "notices/*.csv", "actions/*.csv")


def to_load(folder: Path) -> Iterator[tuple[str, int]]:
    """The files of a run that have rows, in the order in which they are to be loaded: name within it, rows."""
    for file in dict.fromkeys(file for pattern in _IN_ORDER for file in sorted(folder.glob(pattern))):
        if rows := pl.scan_csv(file, infer_schema=False, glob=False).select(pl.len()).collect().item():
            yield str(file.relative_to(folder)), rows
