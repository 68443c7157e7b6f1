"""What a held night is about, in plain words, and what would mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from cardscreen.foundation.words.languages import Language, phrase
from cardscreen.runs.brakes import limit_of

_TOP = 3  # shapes that are told
#: Status of a reject → what would mend it; a pattern of the shape comes before the status.
_BY_SHAPE: Mapping[str, str] = {
    r"9(?:[.,]9+)?A[+]?9+": phrase(
        "a spreadsheet made quantities of the numbers, digits are lost: export the column as text"
    ),
    r"9+[.,]0*9?": phrase("a program made quantities of the numbers: export the column as text, or say repair = true"),
    r"[A*]*9*[*xX•]{2,}.*": phrase("digits are hidden: ask for the numbers in full"),
    r"[+＋].*": phrase("they begin with a country code that there is not, or are too long: are they whole?"),
    r"#.*": phrase("a spreadsheet's formula failed: mend the extract"),
}
_BY_STATUS: Mapping[str, str] = {
    "damaged": phrase(
        "a spreadsheet made quantities of the numbers, digits are hidden, or words or a second number stand behind "
        "them: export the column as text; where cells hold several numbers, say many = true"
    ),
    "invalid_country_code": phrase('they have no country code: say region = "…" beside the column\'s kind'),
    "too_short_after_idd": phrase("they are too short behind the international prefix: are they whole?"),
    "too_short_nsn": phrase(
        "they are too short for a number of their region: is it the right column, and the right region?"
    ),
    "too_long": phrase("they are too long for one number: with many = true a cell may hold several"),
    "bad_length": phrase("they are too short or too long: is it the right column?"),
    "bad_checksum": phrase("they fail their check digit: is it the right column, and are they whole?"),
    "not_a_number": phrase("they hold no number: is it the right column?"),
    "not_an_address": phrase("they are no addresses: is it the right column?"),
    "swapped": phrase(
        "the two halves of each byte changed places, as they lie on the card: swap them back in the extract"
    ),
    "not_an_iban": phrase("they are no IBANs: is it the right column?"),
    "not_an_imei": phrase("they are no IMEIs: is it the right column?"),
    "not_an_imsi": phrase("they are no IMSIs: is it the right column?"),
    "not_an_iccid": phrase("they are no ICCIDs: is it the right column?"),
    "not_a_resident_id": phrase("they are no resident ids: is it the right column?"),
    "not_an_email": phrase("they are no e-mail addresses: is it the right column?"),
    "not_a_handle": phrase("they are no names of the platform: is it the right column, and the right platform?"),
    "other_platform": phrase("they are links to another platform: say that platform beside the column's kind"),
    "truncated": phrase("digits are hidden: ask for the numbers in full"),
    "unnamed": phrase(
        'nothing says what they identify: say name = "…" beside the column\'s kind, as lists have it, such as device'
    ),
    "placeholder": phrase("what stands there is nobody's, such as unknown or 0000000: leave such cells empty"),
    "open": phrase("they can be read in two ways, and neither is taken: ask for them in the longer form"),
    "no_account": phrase("they name no account: is it the right column of ids?"),
    "ragged": phrase("their rows have other fields than the header: look for quotes and delimiters within cells"),
    "incomparable": phrase("what they hide decides whether they are listed: ask for the numbers in full"),
}


def in_words(
    reason: str, summary: Mapping[str, Any], rejects: pl.LazyFrame, language: Language | None = None
) -> Iterator[str]:
    """What a reason of `brakes.passed` means, and what would mend it; nothing where the reason says it all.

    Args:
        reason: The reason, in English, as it is recorded.
        summary: Of the night.
        rejects: `schema.REJECTS` of the night.
        language: The language; None: English.
    """
    language = language or Language()
    say, limit, rows = language.say, limit_of(reason), summary["rows"]["read"]
    if limit == "rejected_share":
        yield from _of_rejects(reason, summary, rejects, language)
    elif limit == "source_share":
        for source, accounts in summary["hits"]["sources"].items():
            if repr(source) in reason:
                yield say(
                    "{accounts:,} of {rows:,} accounts carry a number that {source!r} lists. A list seldom knows so "
                    "many: look at what it holds (cardscreen list show --rows), for whole ranges or a wrong column.",
                    accounts=accounts,
                    rows=rows,
                    source=source,
                )
                yield say(_FEW, limit=limit)
    elif limit == "invalid_share":
        yield say(
            "They are numbers that no numbering plan has, or begin with their country's code and no +, and are read as "
            "others of that country, as 49175xxxxxxx in Germany: is their region right? If it is, put + in front."
        )
    elif limit == "flagged_share":
        yield say(
            "{accounts:,} of {rows:,} accounts are on a list; most nights few are.",
            accounts=summary["flagged"]["accounts"],
            rows=rows,
        )
        yield say(_FEW, limit=limit)


_FEW = phrase("If you have so few accounts that some hits are a large share, set {limit} under [limits] of the job.")


def _of_rejects(reason: str, summary: Mapping[str, Any], rejects: pl.LazyFrame, language: Language) -> Iterator[str]:
    for column, cells in summary["coverage"].items():
        if f"of {column!r} " in reason:
            yield language.say(
                "{rejected:,} of {filled:,} filled cells of {column!r} can't be read, and what can't be read is not "
                "looked up: these accounts are not clear.",
                rejected=cells["rejected"],
                filled=cells["cells"] - cells["missing"],
                column=column,
            )
            of_column = pl.col("identifier").is_null() | (pl.col("identifier") == column)
            yield from commonest(rejects.filter(of_column), language)
    if "no account" in reason:
        yield from commonest(rejects.filter(pl.col("status") == "no_account"), language)


def commonest(rejects: pl.LazyFrame, language: Language | None = None) -> Iterator[str]:
    """The commonest shapes of rejects, how often each comes, and what would mend it."""
    language = language or Language()
    shapes = rejects.group_by("status", "shape").len().sort("len", "status", "shape", descending=[True, False, False])
    for status, shape, count in shapes.head(_TOP).collect().rows():
        yield language.say(
            "{count:,} times {shape} ({status}): {mend}",
            count=count,
            shape=shape or language.say("an empty cell"),
            status=status,
            mend=language.say(_mended(status, shape or "")),
        )


def _mended(status: str, shape: str) -> str:
    by_shape = (advice for pattern, advice in _BY_SHAPE.items() if re.fullmatch(pattern, shape))
    return next(by_shape, _BY_STATUS.get(status, _NAMED))


_NAMED = phrase("rejects.parquet names the accounts")
