"""Raw cells to text, whatever type the column has, and the shape of a cell that may be shown.

Numbers reach us as text, as integers and, from spreadsheets, as floats. Everything downstream reads
text; a float is trusted only where it holds a whole number.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import TypeVar

import numpy as np
import polars as pl
from stdnum.util import clean

from cardscreen.foundation.errors import InputError
from cardscreen.foundation.lookup.digits import EXACT_FLOAT, FULL_WIDTH, Flags, sizes_of
from cardscreen.foundation.words import STEERING, shown

#: The longest piece of a cell's shape that a rejects file shows, in characters.
SHAPE_LENGTH = 40
#: Stands for a float that is no whole number: text that no kind takes for an identifier.
NOT_WHOLE = "not a whole number"
#: `str.isspace` of Python: Unicode white space and the four separators U+001C to U+001F.
_BLANK = r"^[\s\x1c-\x1f]*$"
_INT64_LIMIT = 2.0**63
_Frame = TypeVar("_Frame", pl.DataFrame, pl.LazyFrame)


def as_expr(column: str | pl.Expr) -> pl.Expr:
    """A column name or an expression, as an expression."""
    return pl.col(column) if isinstance(column, str) else column


def named_like(result: pl.Expr, column: str | pl.Expr) -> pl.Expr:
    """Give a result the name of the column it was made from, where that has one."""
    name = column if isinstance(column, str) else column.meta.output_name(raise_if_undetermined=False)
    return result if name is None else result.alias(name)


def is_blank(text: pl.Expr) -> pl.Expr:
    """Whether a String cell is null, empty, or nothing but white space as `str.isspace` has it."""
    return text.is_null() | text.str.contains(_BLANK)


def in_plain(text: pl.Expr) -> pl.Expr:
    """What of a text counts when it is compared with the words of a setting: not its case, width, or blanks around it.

    Example:
        >>> pl.select(in_plain(pl.lit(pl.Series(["Hospital ", "ＨＯＳＰＩＴＡＬ"])))).to_series().to_list()
        ['hospital', 'hospital']
    """
    return text.cast(pl.String).str.normalize("NFKC").str.strip_chars().str.to_lowercase()


def words_in_plain(words: Collection[str]) -> list[str]:
    """The words of a setting as `in_plain` has texts."""
    return pl.select(in_plain(pl.lit(pl.Series(list(words), dtype=pl.String)))).to_series().to_list()


def ids_in_plain(ids: pl.Expr) -> pl.Expr:
    """What of an account's id is left without what programs take from it, or put around it: to compare, not to join by.

    That is letter case, width, blanks and invisible signs, zeros in front, quotes and `=` around, and `.0` behind.

    Example:
        >>> pl.select(ids_in_plain(pl.lit(pl.Series(["'-a1", '="00003"', "1002.0", "A 7"])))).to_series().to_list()
        ['-a1', '3', '1002', 'a7']
    """
    bare = in_plain(ids).str.replace_all(r"[\s\p{Cf}\p{Cc}]", "").str.strip_chars(_QUOTES)
    return bare.str.replace(r"^([+-]?[0-9]+)[.,]0{1,2}$", "$1").str.strip_chars_start("0")


#: What spreadsheets put around text, so that it stays that.
_QUOTES = "='\"‘’“”"


def to_text(cell: pl.Expr, *, exact: bool = False) -> pl.Expr:
    """A column of any type that can hold identifiers, as String. Streams.

    Integers give their decimal digits, whole floats the digits of that number, NaN null, and any
    other float a text that no kind accepts.

    Args:
        cell: The column.
        exact: Floats that stand for several whole numbers, past 2^53, give that text, too.

    Raises:
        InputError: When the query runs, if the column holds dates, booleans, or nested values.
    """
    return cell.map_batches(_exact_text_of if exact else text_of, return_dtype=pl.String, is_elementwise=True)


def holds_numbers(dtype: pl.DataType) -> bool:
    """Whether `to_text` reads columns of a type."""
    whole = dtype.is_integer() or (isinstance(dtype, pl.Decimal) and dtype.scale == 0)
    return whole or dtype in (pl.String, pl.Float64, pl.Null, pl.Categorical, pl.Enum)


def refuse_type(column: str, dtype: pl.DataType) -> InputError:
    """The error for a column that can't hold identifiers, with what to do about its type."""
    return InputError(f"column {column!r} has type {dtype}, which cannot hold identifiers: {_advice(dtype)}")


def _advice(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Struct):
        return "take one of its fields, by struct.field(name)"
    if isinstance(dtype, pl.Array):
        return "make lists of it, by arr.to_list()"
    if isinstance(dtype, pl.Decimal):
        return "cast it to Decimal(38, 0)"
    if dtype == pl.Binary:
        return "cast it to text"
    if dtype in (pl.Float32, pl.Float16):
        return "such short floats have lost digits; read the column anew, as text"
    return "give text, integers or 64-bit floats"


def text_of(cells: pl.Series) -> pl.Series:
    """`to_text` for a batch."""
    dtype = cells.dtype
    if not holds_numbers(dtype):
        raise refuse_type(cells.name, dtype)
    if dtype == pl.Float64:
        return _floats_to_text(cells)
    return (cells.cast(pl.Int128) if dtype.is_decimal() else cells).cast(pl.String)


def _exact_text_of(cells: pl.Series) -> pl.Series:
    """`text_of`, without digits that a float doesn't hold."""
    text = text_of(cells)
    if cells.dtype != pl.Float64:
        return text
    spoilt = ((cells.abs() >= EXACT_FLOAT) & cells.is_finite()).fill_null(value=False).arg_true()
    return text.scatter(spoilt, NOT_WHOLE) if len(spoilt) else text


def _floats_to_text(cells: pl.Series) -> pl.Series:
    known = cells.fill_nan(None)
    whole = (known == known.floor()) & known.is_finite()
    small = whole & (known.abs() < _INT64_LIMIT)
    # Past 2^63 an exact decimal expansion takes Python's integers; such cells are junk, and few.
    large = {value: str(int(value)) for value in known.filter(whole & ~small).unique().drop_nulls().to_list()}
    text = pl.col("x").cast(pl.Int64, strict=False).cast(pl.String)
    return (
        known.alias("x")
        .to_frame()
        .with_columns(whole=whole, small=small)
        .select(
            pl.when("small")
            .then(text)
            .when("whole")
            .then(pl.col("x").replace_strict(large, default=None, return_dtype=pl.String) if large else None)
            .when(pl.col("x").is_not_null())
            .then(pl.lit(NOT_WHOLE))
            .alias(cells.name)
        )
        .to_series()
    )


#: `str.isspace` of Python, as characters.
_SPACES = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())


def compacted(texts: pl.Series, separators: str) -> pl.Series:
    """Texts as `python-stdnum` compacts numbers: in capitals, without white space around them and separators within.

    Dashes, blanks, letters and digits of other sorts that it takes for ASCII ones are those.

    Example:
        >>> compacted(pl.Series(["35\u201120-9900 176148 1x "]), " -").to_list()
        ['352099001761481X']
    """
    odd = pl.Series(np.flatnonzero(~are_digits(texts) & texts.is_not_null().to_numpy()).astype(np.uint32))
    if not len(odd):
        return texts
    written = texts.gather(odd)
    foreign = written.str.contains(r"[^\x00-\x7f]").arg_true()
    if len(foreign):
        written = written.scatter(foreign, written.gather(foreign).str.replace_many(_alike()))
    within = written.str.replace_all(f"[{re.escape(separators)}]", "") if separators else written
    # `scatter` writes into the series itself.
    return texts.clone().scatter(odd, within.str.strip_chars(_SPACES).str.to_uppercase())


def are_digits(texts: pl.Series) -> Flags:
    """Which texts are ASCII digits and nothing else, up to 38 of them; in half a pattern's time."""
    _, first = sizes_of(texts)
    flags: Flags = texts.cast(pl.Int128, strict=False).is_not_null().to_numpy() & (first >= ord("0"))  # not a sign
    return flags


@cache
def _alike() -> dict[str, str]:
    """Signs that the reference takes for others: dashes, dots and blanks of all sorts, digits and letters of others."""
    every = (chr(code) for code in range(0x80, 0x20000) if not 0xD800 <= code < 0xE000)
    return {sign: other for sign in every if (other := clean(sign)) != sign}


#: Quotes, brackets, invisible marks: whatever may stand around a number and says nothing.
_AROUND = r"[^\p{L}\p{N}]*"
_BEFORE = r"^[^\p{L}\p{N}+＋]*"
_SCIENTIFIC = rf"{_BEFORE}(\+?[0-9])[.,]([0-9]{{6,}})[eE]\+?([0-9]{{1,2}}){_AROUND}$"
_QUOTED = r"^=?[\"'’](.*?)[\"']?$"
_WHOLE = rf"{_BEFORE}([+＋]?\d(?:\s*\d)*)(?:[.．]\s*[0０]+|[,，][0０]{{1,2}}){_AROUND}$"
_QUANTITIES = (
    r"\d+[.,．，]\s*(?:[0０]+|\d)",
    r"\d+(?:[.,．，]\d*)?[eEｅＥ][+＋]?\d+",
    r"\d{7,}[.．]\s*\d{2,3}",  # but a comma may stand before an extension
    r"\d(?:\s*\d){6,}[.．]\s*[0０]+",
)

_DAY = r"^\s*(?:19|20)\d\d-[01]\d-[0-3]\d(?:[T ][0-9:.]+)?\s*$"
#: A whole number with decimals, or in scientific notation, or a day: what a spreadsheet makes of a number.
QUANTITY = rf"^{_AROUND}(?:{'|'.join(_QUANTITIES)}){_AROUND}$|{_DAY}"
_GAP = r"[\s().,/_+-]*"
#: Beside a digit, signs in place of others: `138****8000`, `212-736-XXXX`, `030 12345…`, `***-***-5000`.
HIDDEN = (
    rf"\d{_GAP}(?:[*＊_?？]{{2,}}|[xX]{{2,}}(?:[^\p{{L}}]|$)|[…⋯•●×]|[.．]{{3,}}|[~～-]{{3,}}\d)"
    rf"|(?:[*＊•●]{{2,}}|(?:^|[^\p{{L}}])[xX]{{2,}}|[⋯×]){_GAP}\d|\d[xX?？]\s*$"
)
#: Text that is no number, although one may be read in it.
DAMAGED = f"{QUANTITY}|{HIDDEN}"


def is_damaged(text: pl.Expr) -> pl.Expr:
    """Whether text is no whole number, although one may be read in it.

    A spreadsheet, or a float, has made a quantity of it (`13800138000.0`, `1.38E+10`), or digits are hidden
    (`138****8000`).
    """
    return text.str.contains(DAMAGED)


def repaired(text: pl.Expr) -> pl.Expr:
    """Text without the harm that spreadsheets do to numbers.

    A leading apostrophe or `="…"` goes, and so does `.0` or `,0` behind a whole number, with all that stands
    around it; a number written with all its digits as `1.3800138E+10` is written out. What has lost digits
    stays as it is.

    Example:
        >>> cells = pl.DataFrame({"x": ["13800138000.0", "1.3800138E+10", "'13800138000", "1.38E+10"]})
        >>> cells.select(repaired(pl.col("x")))["x"].to_list()
        ['13800138000', '13800138000', '13800138000', '1.38E+10']
    """
    bare = text.str.replace(_QUOTED, "$1").str.strip_chars()
    first, decimals = bare.str.extract(_SCIENTIFIC, 1), bare.str.extract(_SCIENTIFIC, 2)
    exponent = bare.str.extract(_SCIENTIFIC, 3).cast(pl.Int64)
    whole = decimals.str.strip_chars_end("0").str.len_bytes() <= exponent
    written_out = first + decimals.str.pad_end(exponent, "0").str.head(exponent)
    return pl.when(whole).then(written_out).otherwise(bare.str.replace(_WHOLE, "$1"))


def over_fields(parts: pl.Expr, dtype: pl.Struct, **fields: pl.Expr) -> pl.Expr:
    """A struct made from another struct's fields, each written as an expression over `pl.col(field)`.

    The inner struct is computed once, however often its fields are named; the engine would run a
    Python step inside it again for each mention. `dtype` is that of the struct made. Streams.
    """

    def build(batch: pl.Series) -> pl.Series:
        made = pl.struct(*(value.alias(name) for name, value in fields.items()))
        columns = batch.struct.unnest().lazy().select(made.alias(batch.name))
        return columns.collect(engine="in-memory").to_series()

    return parts.map_batches(build, return_dtype=dtype, is_elementwise=True)


def shape(cell: pl.Expr) -> pl.Expr:
    """What a cell looks like without what it says: digits as 9, letters as A, cut at 40 characters.

    Example:
        >>> cells = pl.DataFrame({"phone": ["ext. 12-34"]})
        >>> cells.select(shape(pl.col("phone"))).item()
        'AAA. 99-99'
    """
    text = cell.cast(pl.String)
    return text.str.head(SHAPE_LENGTH).str.replace_all(r"\p{N}", "9").str.replace_all(r"\p{L}", "A")


_MOST_DIGITS = 100  # more than any number has


def digits_within(text: pl.Expr) -> pl.Expr:
    """The digits of a text, one behind another, and as many as tell which number may be in it.

    Example:
        >>> pl.DataFrame({"phone": ["138-0013-8000 old"]}).select(digits_within(pl.col("phone"))).item()
        '13800138000'
    """
    return text.str.replace_many(FULL_WIDTH).str.replace_all("[^0-9]", "").str.head(_MOST_DIGITS)


#: Text that a spreadsheet would calculate; a plain number with a sign is none.
_FORMULA = r"^[=@＝＠＋－+\-\t\r\n]"
_SIGNED = r"^[+\-][0-9 .]*(?:[*]{4}[0-9]*)?$"  # a number, or one whose middle is hidden: nothing is calculated


def written_out(frame: _Frame, exact: Collection[str] = ()) -> _Frame:
    r"""A table for people: what in its texts steers a terminal, or breaks a line, is written out, as by `shown`.

    Args:
        frame: The table.
        exact: Columns that stay as they are.

    Example:
        >>> written_out(pl.DataFrame({"reason": ["theft", "a\nb\u202e"]}))["reason"].to_list()
        ['theft', 'a\\nb\\u202e']
    """
    texts = [name for name, dtype in frame.collect_schema().items() if dtype == pl.String and name not in exact]
    return frame.with_columns(shown_text(pl.col(texts)))


def shown_text(text: pl.Expr) -> pl.Expr:
    """The same of an expression: String. Streams."""
    return text.map_batches(_written_out, return_dtype=pl.String, is_elementwise=True)


def _written_out(texts: pl.Series) -> pl.Series:
    rows = texts.str.contains(STEERING).fill_null(value=False).arg_true()
    return texts.clone().scatter(rows, [shown(text) for text in texts.gather(rows)]) if len(rows) else texts


def without_formulas(frame: _Frame, exact: Collection[str] = ()) -> _Frame:
    """A table for a CSV that people open: what a spreadsheet would calculate gets an apostrophe in front.

    Args:
        frame: The table.
        exact: Columns that stay as they are, since programs find rows by them.

    Example:
        >>> without_formulas(pl.DataFrame({"reason": ["=1+1", "-5", "+1*2", "theft"]}))["reason"].to_list()
        ["'=1+1", '-5', "'+1*2", 'theft']
    """
    texts = [name for name, dtype in frame.collect_schema().items() if dtype == pl.String and name not in exact]
    cells = pl.col(texts)
    calculated = cells.str.contains(_FORMULA) & ~cells.str.contains(_SIGNED)
    safe = pl.when(calculated).then(pl.lit("'") + cells).otherwise(cells)
    return frame.with_columns(safe.name.keep())
