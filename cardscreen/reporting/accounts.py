"""The table of accounts in a page: masked, what matters most first, as many as fit; the reader searches and sorts it.

Columns are written one by one, repeated texts once, so that twenty thousand rows fit where a thousand would as HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from cardscreen.foundation.cards.in_text import without_cards_in
from cardscreen.foundation.words import json_text, shown
from cardscreen.foundation.words.codes import ACTIONS, CHANGES, IN_SHORT, worded
from cardscreen.kinds.kind import mask_found
from cardscreen.kinds.masking import masked
from cardscreen.reporting.material import Material

_MOST = 20_000  # rows
_SHORTEST = 12  # digits of a card number
_CHANGES = {name: place for place, name in enumerate(["new", "escalated", "released", "eased", "carried", "unchanged"])}


@dataclass(frozen=True)
class Accounts:
    """The accounts of a page.

    Attributes:
        header: Names of the columns.
        columns: Of each column its distinct texts or numbers, and of each row which of them it has.
        rows: How many rows there are here.
        total: How many accounts there are.
    """

    header: list[str]
    columns: list[dict[str, Any]]
    rows: int
    total: int

    @classmethod
    def of(cls, material: Material) -> Accounts:
        """The accounts that changed or are flagged."""
        changed = _changed(material)
        first = changed.sort(*_WEIGHT, "account_id", descending=[False, True, False]).head(_MOST).collect()
        frame = _with_evidence(material, first)
        total = changed.select(pl.len()).collect().item()
        return cls(_header(material, frame.columns), _columns(material, frame), len(frame), total)

    def within(self, size: int) -> tuple[Accounts, str]:
        """As many of the first rows as fit into a number of bytes, and their JSON."""
        kept = self
        while True:
            text = json_text({"header": kept.header, "columns": kept.columns, "rows": kept.rows}, separators=(",", ":"))
            text = text.replace("<", "\\u003c")  # what would end the element that holds it
            if (length := len(text.encode())) <= size or not kept.rows:
                return kept, text
            kept = kept._head(int(kept.rows * size / length * 0.97))

    def _head(self, rows: int) -> Accounts:
        columns = []
        for column in self.columns:
            codes = column["codes"][:rows]
            used = {code: place for place, code in enumerate(dict.fromkeys(codes))}
            columns.append({"texts": [column["texts"][code] for code in used], "codes": [used[code] for code in codes]})
        return Accounts(self.header, columns, rows, self.total)

    def first(self, rows: int) -> list[list[Any]]:
        """The first rows, as they are read without the page's script."""
        return [
            [column["texts"][column["codes"][row]] for column in self.columns] for row in range(min(rows, self.rows))
        ]


_WEIGHT = ("_change", "_action")
_SHOWN = ("account_id", "change", "action", "act_on", "score", "reason", "source", "identifier", "value", "listed_on")


def _changed(material: Material) -> pl.LazyFrame:
    """Each account that is flagged with an action or was: what became of it, and by which hit."""
    order = pl.col("change").cast(pl.String).replace_strict(_CHANGES, return_dtype=pl.Int32)
    if "changes" in material.tables:
        strengths = (pl.col(name).to_physical() for name in ("action", "action_before"))
        return material.tables["changes"].select(
            *("account_id", "change", "action", "act_on"),
            listing_id=pl.coalesce("decided_by", "decided_by_before"),
            _change=order,
            _action=pl.max_horizontal(*strengths),
        )
    flagged = material.tables["flagged"].filter(pl.col("action") > "none")
    return flagged.select(
        *("account_id", "action", "act_on"),
        listing_id="decided_by",
        _change=pl.lit(0),
        _action=pl.col("action").to_physical(),
    )


def _with_evidence(material: Material, changed: pl.DataFrame) -> pl.DataFrame:
    """Accounts with what the hit says, in their order; for who is released, it is one of the night before."""
    names = ("account_id", "listing_id", "score", "source", "reason", "identifier", "value", "listed_on")
    # An earlier night may have had ids of another type.
    same = pl.col("account_id").cast(changed.schema["account_id"], strict=False)
    there = [material.tables[name] for name in ("hits", "carried", "before") if name in material.tables]
    tables = [table.select(names).with_columns(same) for table in there]
    theirs = pl.concat(tables, how="vertical_relaxed").join(changed.lazy(), on="account_id", how="semi").collect()
    ranked = theirs.sort(*names, descending=[name == "score" for name in names], nulls_last=True)
    known = ranked.unique(["account_id", "listing_id"], keep="first", maintain_order=True)
    joined = changed.join(known, on=["account_id", "listing_id"], how="left", maintain_order="left")
    return joined.with_columns(masked(pl.col("value"))).select(name for name in _SHOWN if name in joined.columns)


def _header(material: Material, names: list[str]) -> list[str]:
    say = material.language.say
    headings = {
        "account_id": say("account"),
        "change": say("change"),
        "action": say("action"),
        "act_on": say("due on"),
        "score": say("score"),
        "reason": say("reason"),
        "source": say("source"),
        "identifier": say("identifier"),
        "value": say("number"),
        "listed_on": say("listed on"),
    }
    return [headings[name] for name in names if name in headings]


def _columns(material: Material, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Each column as its distinct values, in the order in which they come, and a code for each row."""
    columns = []
    for name in frame.columns:
        values = frame[name]
        if not values.dtype.is_numeric() or name == "account_id":
            values = values.cast(pl.String)
        distinct = values.unique(maintain_order=True)
        codes = values.replace_strict(distinct, pl.Series(range(len(distinct)), dtype=pl.Int32), return_dtype=pl.Int32)
        columns.append({"texts": _texts(material, name, distinct), "codes": codes.to_list()})
    return columns


def _texts(material: Material, name: str, distinct: pl.Series) -> list[Any]:
    codes = {"change": CHANGES, "action": ACTIONS, "reason": IN_SHORT}.get(name)
    if distinct.dtype.is_numeric():
        return distinct.to_list()
    if codes is not None:
        return ["" if each is None else shown(worded(material.language, codes, each)) for each in distinct]
    if name == "account_id":
        distinct = _ids(material, distinct)
    elif name in ("source", "identifier"):
        distinct = without_cards_in(distinct)
    return ["" if each is None else shown(each) for each in distinct]


def _ids(material: Material, ids: pl.Series) -> pl.Series:
    """Ids for a page: where results were asked to hold them though they may be secret numbers, these are masked."""
    if not material.summary.get("unmasked"):
        return ids
    long = pl.lit(ids).str.count_matches(r"\d") >= _SHORTEST
    masks = pl.coalesce(mask_found(pl.lit(ids)), masked(pl.lit(ids)))
    return pl.select(pl.when(long).then(masks).otherwise(pl.lit(ids))).to_series()
