"""Cells that hold several phone numbers, taken apart.

People write two numbers into one field: with a comma, a slash, a label (`T: … F: …`), or only the end of
the second one (`4104381/82`). libphonenumber reads such a cell as one long wrong number or as none.
"""

from __future__ import annotations

import polars as pl

from cardscreen.cleaning import as_expr, named_like, to_text

#: Begins a number whose leading digits were taken from the first one of its cell. libphonenumber, like
#: anybody who dials, passes over it.
COMPLETED = "…"
#: An extension belongs to the number before it (RFC 3966).
_PARAMETER = r";ext="
_IS_EXTENSION = r"(?i)^[^\p{L}\d]*(?:x|ext\p{L}*|extn|anexo|int|доб|#)[^\p{L}\d]*\d{1,7}$"
_HELD = "\x1f"  # stands for such a semicolon while the others separate
_LABEL = (
    r"(?i)(?:^|[\s,;|/(])(?:tel|telephone|phone|ph|t|fax|f|mob|mobile|cell|m|home|h|work|office|w|wa|whatsapp)\s*[:.]"
)
_SEPARATOR = r"[,;|\n\r，；、]"
#: A slash separates only behind a number that can stand alone: in `0911 / 58068` it ends the area code.
_WHOLE_BEFORE_SLASH = r"^[^/0-9]*(?:[0-9][^/0-9]*){7,}[/／]"
_SHORT = 5  # digits; with fewer, a part is the end of another number
_WHOLE = 6  # digits; with more, a number can stand alone


def split_phones(expr: str | pl.Expr) -> pl.Expr:
    """The numbers in cells that may hold several.

    Args:
        expr: Column name or expression: String, integers, or Float64 with whole numbers.

    Returns:
        List[String], named like the input: a cell with one number, or none, gives that cell itself; null
        gives null. A part of fewer than five digits takes the leading digits of the first one and is
        marked by a leading `…`, which reading passes over. Numbers that are glued together without a
        separator are left as they are.

    Raises:
        InputError: When the query runs, if the column cannot hold numbers.

    Example:
        >>> cells = pl.DataFrame({"phone": ["02564 202510, 02564 210135", "01-4104381/82", "0911 / 58068 - 0"]})
        >>> for parts in cells.select(split_phones("phone"))["phone"].to_list():
        ...     print(parts)
        ['02564 202510', '02564 210135']
        ['01-4104381', '…014104382']
        ['0911 / 58068 - 0']
    """
    text = to_text(as_expr(expr))
    held = text.str.replace_all(_PARAMETER, _HELD).str.replace_all(_LABEL, "\n")
    part = pl.element()
    at_slashes = (
        pl.when(part.str.contains(_WHOLE_BEFORE_SLASH)).then(part.str.replace_all("[/／]", "\n")).otherwise(part)
    )
    parts = (
        held.str.replace_all(_SEPARATOR, "\n")
        .str.split("\n")
        .list.eval(at_slashes.str.split("\n").explode())
        .list.eval(part.filter(_is_number(part)).str.replace_all(_HELD, ";ext=", literal=True).str.strip_chars())
        .list.eval(_completed(part))
    )
    several = parts.list.len() > 1
    alone = pl.when(text.is_not_null()).then(pl.concat_list(text))
    return named_like(pl.when(several).then(parts).otherwise(alone), expr)


def _is_number(part: pl.Expr) -> pl.Expr:
    return part.str.contains(r"\d") & ~part.str.contains(_IS_EXTENSION)


def _completed(part: pl.Expr) -> pl.Expr:
    """A part that is too short to stand alone, with the leading digits of the first one."""
    digits, first = part.str.replace_all(r"\D", ""), part.first().str.replace_all(r"[^\d+]", "")
    # Only bare digits: letters before a few digits are an extension or a remark.
    too_short = ~part.str.contains(r"\p{L}") & (digits.str.len_chars() < _SHORT) & (first.str.len_chars() > _WHOLE)
    kept = first.str.head(-digits.str.len_chars().cast(pl.Int64))
    return pl.when(too_short).then(pl.lit(COMPLETED) + kept + digits).otherwise(part)
