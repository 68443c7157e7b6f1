"""The table of accounts in a page: masked, what matters most first, as many as fit; the reader searches and sorts it.

Columns are written one by one, repeated texts once, so that twenty thousand rows fit where a thousand would as HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.cards.in_text import Found, without_cards_in
from cardscreen.foundation.words import json_text, shown
from cardscreen.foundation.words.codes import ACTIONS, CHANGES, IN_SHORT, worded
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
        table = _table(material)
        total, names = table.select(pl.len()).collect().item(), table.collect_schema().names()
        first = table.sort("_change", "_action", "score", "account_id", descending=[False, True, True, False])
        frame = first.head(_MOST).collect()
        return cls(_header(material, names), _columns(material, frame), len(frame), total)

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


_SHOWN = ("account_id", "change", "action", "act_on", "score", "reason", "source", "identifier", "value", "listed_on")


def _table(material: Material) -> pl.LazyFrame:
    """account_id and what became of it, with the hit that decides, or had decided."""
    hits, flagged = material.tables["hits"], material.tables["flagged"]
    evidence = ("account_id", "listing_id", "reason", "source", "identifier", "value", "listed_on", "score")
    parts = [hits.select(evidence)]
    if "carried" in material.tables:
        parts.append(material.tables["carried"].select(evidence))
    known = pl.concat(parts, how="vertical_relaxed").unique(["account_id", "listing_id"], keep="first")
    if "changes" in material.tables:
        changed = material.tables["changes"].select(
            "account_id",
            "change",
            "action",
            "act_on",
            _strength=pl.max_horizontal(pl.col("action").to_physical(), pl.col("action_before").to_physical()),
            listing_id=pl.coalesce("decided_by", "decided_by_before"),
        )
    else:
        changed = flagged.filter(pl.col("action") > "none").select(
            "account_id",
            "action",
            "act_on",
            change=pl.lit(None, dtype=schema.CHANGE_KINDS),
            _strength=pl.col("action").to_physical(),
            listing_id="decided_by",
        )
    order = pl.col("change").cast(pl.String).replace_strict(_CHANGES, default=0, return_dtype=pl.Int32)
    table = changed.join(known, on=["account_id", "listing_id"], how="left").with_columns(
        masked(pl.col("value")), _change=order, _action=pl.col("_strength")
    )
    if "changes" not in material.tables:
        return table.select(*(name for name in _SHOWN if name != "change"), "_change", "_action")
    return table.select(*_SHOWN, "_change", "_action")


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
        if name.startswith("_"):
            continue
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
        distinct = _ids(distinct)
    elif name in ("source", "identifier"):
        distinct = without_cards_in(distinct)
    return ["" if each is None else shown(each) for each in distinct]


def _ids(ids: pl.Series) -> pl.Series:
    """Ids for a page: where card numbers are among them, which results hold if that was asked for, they are masked."""
    if not Found.of(ids).doubtful.any():
        return ids
    long = pl.lit(ids).str.count_matches("[0-9]") >= _SHORTEST
    return pl.select(pl.when(long).then(masked(pl.lit(ids))).otherwise(pl.lit(ids))).to_series()
