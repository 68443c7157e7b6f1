"""What persons have decided about proposals: a file that is only added to, and remembered from night to night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import polars_hash as plh

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, InputError, near, without_cards
from cardscreen.foundation.files import system_user, write_whole
from cardscreen.leads.proposals import IDENTITY, RULE, typed
from cardscreen.tables.cells import without_formulas
from cardscreen.tables.opening import read_numbered, require_columns
from cardscreen.tables.source_files.text import LINE

FILE = "decisions.csv"
_COLUMNS = ["at", "decision", *IDENTITY, "by", "reason", "weight", "system_user"]
_WORDS = {"accept": "accepted", "reject": "rejected", "later": "later"}
#: A decision that nobody takes: the evidence of what was accepted is gone.
WITHDRAWN = "withdraw"
#: How much more evidence brings back what was rejected.
_GROWN = 1.5
_ID_LENGTH = 12
_QUANTITY = r"^([0-9][.,]?[0-9]{0,16})e[0-9]+$"  # of a long number, as a spreadsheet shows it
#: What a person must look at.
OPEN = ("proposed", "later")
REVIEW = ["decision", "decision_reason", "proposal", "source", "kind", "value", "reason", "severity", "reference"]
_SEEN = ["accounts", "listed", "reporters", "weight", "first_on", "last_on", "why"]


@dataclass(frozen=True)
class Decisions:
    """The decisions that are kept.

    Attributes:
        file: Where.
        timezone: In which it is told on which day they were taken.
    """

    file: Path
    timezone: str

    def read(self) -> pl.DataFrame:
        """All of them, the oldest first: `_COLUMNS`, text but for `weight`.

        Raises:
            InputError: The file can't be read, or lacks a column.
        """
        if not self.file.exists():
            return pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String)).with_columns(_WEIGHT)
        table = read_numbered(str(self.file))
        require_columns(table.columns, _COLUMNS, str(self.file))
        return table.select(pl.col(name).cast(pl.String) for name in _COLUMNS).with_columns(_WEIGHT)

    def add(self, rows: pl.DataFrame) -> None:
        """Add some; the file is there whole, before or after."""
        both = pl.concat([self.read(), rows.select(_COLUMNS).cast({"weight": pl.Float64})])
        safe = without_formulas(both, ("value",))
        write_whole(self.file, safe.write_csv)

    def latest(self) -> pl.DataFrame:
        """The newest decision about each proposal: `IDENTITY`, decision, by, weight as `was`, at (Date)."""
        newest = self.read().unique(IDENTITY, keep="last", maintain_order=True)
        day = pl.col("at").str.to_datetime("%+", time_zone="UTC").dt.convert_time_zone(self.timezone).dt.date()
        return newest.select(*IDENTITY, "decision", "by", was="weight", at=day)


_EMPTY = pl.lit(None, dtype=pl.String)
_WEIGHT = pl.col("weight").cast(pl.Float64)


def proposal_id() -> pl.Expr:
    """A short name of a proposal, which no spreadsheet changes."""
    digest: pl.Expr = plh.concat_str(pl.concat_str(IDENTITY, separator="\0")).chash.sha2_256()
    return "P" + digest.str.head(_ID_LENGTH)


def stated(proposals: pl.DataFrame, decisions: Decisions, published: pl.DataFrame) -> pl.DataFrame:
    """Proposals with what has been decided about them, and whether they are published.

    Args:
        proposals: `schema.PROPOSALS`; decided by `RULE`: accepted where no person has decided otherwise.
        decisions: What persons have decided.
        published: source, kind, value: what the store has in force of derived sources.
    """
    on: Any = {"on": IDENTITY, "how": "left", "maintain_order": "left"}
    known = proposals.rename({"state": "was_state", "decided_by": "was_by"}).drop("decided_on")
    known = known.join(decisions.latest(), **on).join(published.with_columns(live=True).unique(IDENTITY), **on)
    word = pl.col("decision").fill_null(WITHDRAWN)
    grown = (word == "reject") & (pl.col("weight") >= pl.col("was") * _GROWN).fill_null(value=False)
    said = pl.when((word != WITHDRAWN) & ~grown).then(word.replace_strict(_WORDS, default=None))
    ruled = (word == WITHDRAWN) & (pl.col("was_by") == RULE).fill_null(value=False)
    state = pl.when(ruled).then(pl.lit("accepted")).otherwise(said.fill_null("proposed"))
    is_live = (state == "accepted") & pl.col("live").fill_null(value=False)
    return known.with_columns(
        state=pl.when(is_live).then(pl.lit("published")).otherwise(state),
        decided_by=pl.when(ruled).then(pl.lit(RULE)).when(said.is_not_null()).then(pl.col("by")),
        decided_on=pl.when(said.is_not_null()).then(pl.col("at")),
    ).select(typed(schema.PROPOSALS))


def to_review(proposals: pl.DataFrame) -> pl.DataFrame:
    """What a person must look at, with room for a decision; what weighs most first."""
    return (
        proposals.filter(pl.col("state").cast(pl.String).is_in(OPEN))
        .with_columns(decision=_EMPTY, decision_reason=_EMPTY, proposal=proposal_id())
        .sort("severity", "weight", "source", "reference", "value", descending=[True, True, False, False, False])
        .select(*REVIEW, *_SEEN)
    )


def decided(file: Path, proposals: pl.DataFrame, by: str, reason: str | None) -> pl.DataFrame:
    """What a reviewed table decides: rows for `Decisions.add`.

    Args:
        file: Of `to_review`, with `decision` filled in: accept, reject, later; empty: nothing is decided.
        proposals: Those that it is about.
        by: Who decides.
        reason: Why, where the table's own `decision_reason` is empty.

    Raises:
        ConfigError: Nobody decides, or a cell says another word; names the line.
        InputError: The file can't be read, names no such proposal, or tells another one beside a proposal's name.
    """
    if not by.strip():
        raise ConfigError("say who decides (--by): it is kept")
    table = _reviewed(str(file))
    require_columns(table.columns, ["decision"], str(file))
    table = table.select(pl.all().cast(pl.String)).with_columns(line=pl.col(LINE))
    word = pl.col("decision").fill_null("").str.strip_chars().str.to_lowercase()
    filled = table.with_columns(decision=word).filter(word != "")
    if len(wrong := filled.filter(~pl.col("decision").is_in(list(_WORDS)))):
        word_there = without_cards(wrong["decision"][0])
        raise ConfigError(
            f"{file}, line {wrong['line'][0]}: decision is {word_there!r}{near(word_there, _WORDS)}: write accept, "
            "reject or later, or leave it empty"
        )
    known = proposals.with_columns(proposal=proposal_id())
    on = ["proposal"] if "proposal" in filled.columns else IDENTITY
    require_columns(table.columns, on, str(file))
    matched = filled.select("line", "decision", *on, why=_text(filled, "decision_reason")).join(
        known.unique(on), on=on, how="left", maintain_order="left"
    )
    if len(strange := matched.filter(pl.col("state").is_null())):
        raise InputError(
            f"{file}, line {strange['line'][0]}: there is no such proposal: it was found in an earlier night, or the "
            "row was changed. Write a new table to review"
        )
    _check_rows_are_whole(filled, matched, str(file))
    if len(twice := matched.filter(pl.col("decision").n_unique().over(IDENTITY) > 1)):
        raise ConfigError(f"{file}, line {twice['line'][-1]}: two decisions about one proposal")
    same = pl.col("state").cast(pl.String).replace("published", "accepted") == pl.col("decision").replace(_WORDS)
    fresh = matched.filter(~same).unique(IDENTITY, maintain_order=True)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    why = pl.coalesce(pl.col("why"), pl.lit(reason or None), pl.lit(""))
    said = fresh.select(
        "decision",
        *IDENTITY,
        "weight",
        at=pl.lit(at),
        by=pl.lit(without_cards(by)),
        reason=why,
        system_user=pl.lit(system_user()),
    )
    return said.with_columns(pl.Series("reason", [without_cards(each) for each in said["reason"]], dtype=pl.String))


def _check_rows_are_whole(filled: pl.DataFrame, matched: pl.DataFrame, file: str) -> None:
    """Refuse a row that names one proposal and tells another, as where a column was sorted by itself."""
    named = [name for name in IDENTITY if name in filled.columns]
    both = filled.select(pl.col(name).alias(f"{name} told") for name in named)
    both = both.hstack(matched.select("line", *IDENTITY))
    for name in named:
        told, meant = _bare(f"{name} told"), _bare(name)
        shown = told.str.extract(_QUANTITY).str.replace(r"[.,]", "")
        longer = meant.str.head(shown.str.len_bytes() + 1).cast(pl.Int64, strict=False)
        rounded = ((longer + 5) // 10).cast(pl.String)
        alike = (told == meant) | (rounded == shown).fill_null(value=False)
        if len(other := both.filter(~alike)):
            raise InputError(
                f"{file}, line {other['line'][0]}: the row names one proposal, and its {name} is another's: was a "
                "column sorted by itself? Write a new table to review"
            )


def _bare(name: str) -> pl.Expr:
    """What a spreadsheet leaves of a cell: it drops signs and zeros in front, and adds a zero behind a point."""
    return pl.col(name).str.to_lowercase().str.replace_all(r"[\s'+]", "").str.replace(r"^0+|[.,]0$", "")


def _reviewed(file: str) -> pl.DataFrame:
    """The table, whichever delimiter a spreadsheet has saved it with."""
    for delimiter in (";", "\t"):
        try:
            table = read_numbered(file, delimiter)
        except (InputError, ConfigError):
            continue
        if "decision" in table.columns:
            return table
    return read_numbered(file)


def _text(table: pl.DataFrame, name: str) -> pl.Expr:
    if name not in table.columns:
        return pl.lit(None, dtype=pl.String)
    return pl.col(name).str.strip_chars().replace("", None)


def withdrawn(proposals: pl.DataFrame) -> pl.DataFrame:
    """Rows for `Decisions.add` of accepted proposals whose evidence is gone."""
    return proposals.select(
        *IDENTITY,
        "weight",
        decision=pl.lit(WITHDRAWN),
        at=pl.lit(datetime.now(UTC).isoformat(timespec="seconds")),
        by=pl.lit("evidence"),
        reason=pl.lit("what it rested on is there no more"),
        system_user=pl.lit(system_user()),
    )
