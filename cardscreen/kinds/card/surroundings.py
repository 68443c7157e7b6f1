"""What people and spreadsheets write around and between the digits of a card number, taken away."""

from __future__ import annotations

import polars as pl

from cardscreen.foundation.lookup.digits import FULL_WIDTH

#: Also marks without a glyph, such as those of the direction of writing, which copying brings along.
_UNSEEN = r"\p{Cf}+"
_HYPHENS = r"\-\x{2010}-\x{2015}\x{2212}\x{FF0D}"
_SPACES_AND_HYPHENS = rf"[\s{_HYPHENS}]+"
#: A spreadsheet's signs that a cell is text: `'4111…`, `="4111…"`; and the quotes of text files.
_OPENING, _CLOSING = r"""^=?["“”'’‘]""", r"""["“”'’]$"""
_WORDS = (
    *(
        "(?:bank|credit|debit|payment)?cards?(?:number|num|nr|no)?",
        "cc(?:number|num|nr|no)?",
        "pan",
        "number|num|nr|no",
    ),
    *("visa", "mastercard", "maestro", "amex", "americanexpress", "unionpay", "jcb", "mir|мир", "rupay", "troy", "elo"),
    *("(?:银行|信用|借记|储蓄|銀行)?卡(?:号码|号|號碼|號)?", "(?:银行)?[账帐]号", "カード番号", "카드번호", "sốthẻ"),
    *("(?:kredit|bank)?karten?(?:nummer|nr)?", "kart(?:no|numarası)?", "kartu", "nomor", "номер", "карт[аы]"),
    *("n[uú]mero", "num[eé]ro", "d[eao]", "la", "tarjeta", "carte", "cart[aã]o", "bancaire"),
)
#: A label, of which spaces and hyphens are gone already.
_LABEL = rf"(?i)^(?:{'|'.join(_WORDS)})(?:{'|'.join(_WORDS)}|[.:：#№°º=()（）])*"
_SHOWN = r"[0-9*•●＊xX#]"
#: Blanks that stand between no two digits or mask characters.
_BLANKS = rf"({_SHOWN.replace('[', '[^ ')}) +| +({_SHOWN.replace('[', '[^ ')})"
#: Three groups and more with one and the same sign between them; two may be a number with decimals.
_GROUPS = "|".join(rf"^[ {_SHOWN[1:-1]}]+(?:{sign}[ {_SHOWN[1:-1]}]+){{2,}}$" for sign in (r"\.", "_", "/", "·"))
_BETWEEN = "[._/·]"
_PAIRS = "|".join(f"[0-9]{{{size}}}(?:[{_HYPHENS}\\s]+|\\.{{2,}}|[…⋯])[0-9]{{{size}}}" for size in range(4, 12))
#: Patterns of listed text that no number is read in, and why.
REASONS = {
    rf"^\s*(?:{_PAIRS})\s*$": "may be a range of prefixes: write prefixes, such as 62220200*, or both ends in full",
    r"^[^0-9]*[0-9]+[^\p{L}*•●＊…⋯#]*[^0-9\p{L}*•●＊…⋯#][0-9]+\s*$": "no card number, or other digits beside one",
}


def spaced(text: pl.Expr) -> pl.Expr:
    """Text with nothing left but the groups of a card number's digits and mask characters, and blanks between. Streams.

    Marks without a glyph go, and so do quotes and a known label before the number. White space and hyphens between
    groups become one blank, and so do dots, strokes and the like between three groups or more; full-width digits are
    folded. Of other text nothing is promised.

    Example:
        >>> cells = pl.DataFrame({"x": ['="4111111111111111"', "Card no. 4111-1111…", "4111.1111.1111.1111", "41.0"]})
        >>> cells.select(spaced(pl.col("x"))).to_series().to_list()
        ['4111111111111111', '4111 1111…', '4111 1111 1111 1111', '41.0']
    """
    alone = _unquoted(text).str.replace(_LABEL, "").str.strip_chars(" ")
    apart = alone.str.replace_all(_BETWEEN, " ").str.replace_all(" +", " ").str.strip_chars(" ")
    return pl.when(alone.str.contains(_GROUPS)).then(apart).otherwise(alone)


def is_labelled(text: pl.Expr) -> pl.Expr:
    """Whether a known label stands before what `spaced` leaves."""
    return _unquoted(text).str.contains(_LABEL)


def _unquoted(text: pl.Expr) -> pl.Expr:
    joined = text.str.replace_all(_UNSEEN, "").str.replace_all(_SPACES_AND_HYPHENS, " ").str.replace_many(FULL_WIDTH)
    joined = joined.str.strip_chars(" ").str.replace(_OPENING, "").str.replace(_CLOSING, "").str.strip_chars(" ")
    return joined.str.replace_all(_BLANKS, "${1}${2}")
