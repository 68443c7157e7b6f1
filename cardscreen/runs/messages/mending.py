"""What a held night is about, in plain words, and what would mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from cardscreen.runs.brakes import limit_of

_TOP = 3  # shapes that are told
#: Status of a reject → what would mend it; a pattern of the shape comes before the status.
_BY_SHAPE: Mapping[str, str] = {
    r"9(?:[.,]9+)?A[+]?9+": "a spreadsheet made quantities of the numbers, digits are lost: export the column as text",
    r"9+[.,]0*9?": "a program made quantities of the numbers: export the column as text, or say repair = true",
    r"[A*]*9*[*xX•]{2,}.*": "digits are hidden: ask for the numbers in full",
    r"[+＋].*": "they begin with a country code that there is not, or are too long: are they whole?",
    r"#.*": "a spreadsheet's formula failed: mend the extract",
}
_BY_STATUS: Mapping[str, str] = {
    "damaged": "a spreadsheet made quantities of the numbers, or digits are hidden: export the column as text",
    "invalid_country_code": 'they have no country code: say region = "…" beside the column\'s kind',
    "too_short_nsn": "they are too short for a number of their region: is it the right column, and the right region?",
    "too_long": "they are too long for one number: with many = true a cell may hold several",
    "bad_length": "they are too short or too long for a card number: is it the right column?",
    "bad_checksum": "they fail their check digit: is it the right column, and are they whole?",
    "not_a_number": "they hold no number: is it the right column?",
    "not_an_address": "they are no addresses: is it the right column?",
    "no_account": "they name no account: is it the right column of ids?",
    "ragged": "their rows have other fields than the header: look for quotes and delimiters within cells",
    "incomparable": "what they hide decides whether they are listed: ask for the numbers in full",
}


def in_words(reason: str, summary: Mapping[str, Any], rejects: pl.LazyFrame) -> Iterator[str]:
    """What a reason of `brakes.passed` means, and what would mend it; nothing where the reason says it all.

    Args:
        reason: The reason.
        summary: Of the night.
        rejects: `schema.REJECTS` of the night.
    """
    limit, rows = limit_of(reason), summary["rows"]["read"]
    if limit == "rejected_share":
        yield from _of_rejects(reason, summary, rejects)
    elif limit == "source_share":
        for source, accounts in summary["hits"]["sources"].items():
            if repr(source) in reason:
                yield (
                    f"{accounts:,} of {rows:,} accounts carry a number that {source!r} lists. A list seldom knows so "
                    "many: look at what it holds (cardscreen list show --rows), for whole ranges or a wrong column."
                )
                yield _FEW.format(limit)
    elif limit == "flagged_share":
        yield f"{summary['flagged']['accounts']:,} of {rows:,} accounts are on a list; most nights few are."
        yield _FEW.format(limit)


_FEW = "If you have so few accounts that some hits are a large share, set {} under [limits] of the job."


def _of_rejects(reason: str, summary: Mapping[str, Any], rejects: pl.LazyFrame) -> Iterator[str]:
    for column, cells in summary["coverage"].items():
        if f"of {column!r} " in reason:
            filled = cells["cells"] - cells["missing"]
            yield (
                f"{cells['rejected']:,} of {filled:,} filled cells of {column!r} can't be read, and what can't be read "
                "is not looked up: these accounts are not clear."
            )
            yield from commonest(rejects.filter(pl.col("identifier").is_null() | (pl.col("identifier") == column)))
    if "no account" in reason:
        yield from commonest(rejects.filter(pl.col("status") == "no_account"))


def commonest(rejects: pl.LazyFrame) -> Iterator[str]:
    """The commonest shapes of rejects, how often each comes, and what would mend it."""
    shapes = rejects.group_by("status", "shape").len().sort("len", "status", "shape", descending=[True, False, False])
    for status, shape, count in shapes.head(_TOP).collect().rows():
        yield f"{count:,} times {shape or 'an empty cell'} ({status}): {_mended(status, shape or '')}"


def _mended(status: str, shape: str) -> str:
    by_shape = (advice for pattern, advice in _BY_SHAPE.items() if re.fullmatch(pattern, shape))
    return next(by_shape, _BY_STATUS.get(status, "rejects.parquet names the accounts"))
