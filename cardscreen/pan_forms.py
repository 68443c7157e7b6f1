"""What people and spreadsheets write around and between the digits of a card number, taken away."""

from __future__ import annotations

import polars as pl

_FULL_WIDTH = {chr(0xFF10 + digit): str(digit) for digit in range(10)}
#: Also marks without a glyph, such as those of the direction of writing, which copying brings along.
_SPACES_AND_HYPHENS = r"[\s\p{Cf}\-\x{2010}-\x{2015}\x{2212}\x{FF0D}]"
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
_SHOWN = r"[0-9*•●＊xX#]+"
#: Three groups and more with one and the same sign between them; two may be a number with decimals.
_GROUPS = "|".join(rf"^{_SHOWN}(?:{sign}{_SHOWN}){{2,}}$" for sign in (r"\.", "_", "/", "·"))
_BETWEEN = "[._/·]"


def bare(text: pl.Expr) -> pl.Expr:
    """Text with nothing left around and between the digits and mask characters of a card number. Streams.

    White space, hyphens and marks without a glyph go, and so do quotes, a known label before the number, and dots,
    strokes and the like between three groups or more; full-width digits are folded. Of other text nothing is promised.

    Example:
        >>> cells = pl.DataFrame({"x": ['="4111111111111111"', "Card no. 4111 1111…", "4111.1111.1111.1111", "41.0"]})
        >>> cells.select(bare(pl.col("x"))).to_series().to_list()
        ['4111111111111111', '41111111…', '4111111111111111', '41.0']
    """
    joined = text.str.replace_all(_SPACES_AND_HYPHENS, "").str.replace_many(_FULL_WIDTH)
    alone = joined.str.replace(_OPENING, "").str.replace(_CLOSING, "").str.replace(_LABEL, "")
    return pl.when(alone.str.contains(_GROUPS)).then(alone.str.replace_all(_BETWEEN, "")).otherwise(alone)
