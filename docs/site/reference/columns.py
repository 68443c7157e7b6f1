"""Every column of every file, and the keys of what is written as JSON."""

from __future__ import annotations

from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.leads.rings.find import DROPPED
from cardscreen.leads.targets import TARGETS
from cardscreen.review.feedback import COLUMNS as FEEDBACK
from cardscreen.runs.manifest import MANIFEST_SAYS, SUMMARY_SAYS

from .markdown import MADE, code, table

#: File → what a row of it is, and its columns.
WRITTEN: dict[str, tuple[str, schema.Columns]] = {
    "flagged.parquet": ("An account with a hit that counts, or that is exempt.", schema.FLAGGED),
    "hits.parquet": ("The evidence: account × identifier × listing.", schema.HITS),
    "carried.parquet": ("Hits of earlier nights on which flags still stand.", schema.CARRIED),
    "rejects.parquet": (
        "A cell that gave no usable value, or a row that does not fit its table. What it holds is never written.",
        schema.REJECTS,
    ),
    "changes.parquet": ("An account that has an action tonight, or had one in the base run.", schema.CHANGES),
    "notices/*.csv and actions/*.csv": (
        "Who is to be told tonight, and whose action is due tonight.",
        schema.NOTICES,
    ),
    "actions/release.csv": ("Who is to be freed.", schema.RELEASES),
    "Listings": ("What `list export` writes, and what a job reads without a store.", schema.LISTING),
    "proposals.parquet": ("Of rings, customers and reports: what may become a listing.", schema.PROPOSALS),
    "rings.parquet": ("A group of accounts that share values, some of whom an outside source lists.", schema.RINGS),
    "members.parquet": ("An account of a ring.", schema.MEMBERS),
    "links.parquet": ("A link of a ring.", schema.LINKS),
    "customers.parquet": ("A customer who is proposed, and why.", schema.CUSTOMERS),
    "dropped.parquet": ("A value that links nobody although accounts carry it, or that is no customer.", DROPPED),
    "targets.parquet": ("A listed number that called an account.", TARGETS),
    "What feedback writes": ("A listing that hit somebody.", FEEDBACK),
}


def page() -> str:
    """Every column of every file, and the keys of what is written as JSON."""
    text = [
        f"# Columns of every file\n\n{MADE} A run's folder holds Parquet tables, CSV to load into other systems,",
        "and JSON. The columns named under `carry` in the job follow those below, in `flagged`, `changes`, `notices`",
        "and `actions`. Account ids keep the type that they have in the accounts. Closed sets are categories in",
        "Parquet, and text in CSV and in exported listings; what their values mean stands under [codes](codes.md).",
        "[What is printed as JSON](json.md) has a page of its own.\n",
    ]
    for name, (what, each) in WRITTEN.items():
        text.append(f"## {name}\n\n{what}\n")
        rows = ([code(column), _dtype(dtype), said] for column, (dtype, said) in each.described.items())
        text.append(table(["column", "type", "meaning"], rows))
    for name, said_of in (("summary.json", SUMMARY_SAYS), ("manifest.json", MANIFEST_SAYS)):
        text.append(f"## {name}\n")
        text.append(table(["key", "meaning"], ([code(key), said] for key, said in said_of.items())))
    return "\n".join(text)


def _dtype(dtype: Any) -> str:
    if isinstance(dtype, pl.Enum):
        names = dtype.categories.to_list()
        return ", ".join(code(name) for name in names) if len(names) <= 6 else "category"
    return str(dtype)
