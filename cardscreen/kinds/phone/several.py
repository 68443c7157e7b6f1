"""Cells that hold several phone numbers, taken apart.

People write two numbers into one field: with a comma, a slash, a label (`T: … F: …`), or only the end of
the second one (`4104381/82`). libphonenumber reads such a cell as one long wrong number or as none. A wrong cut
makes somebody else's number, so a cell stays one number unless there is reason to cut it.

A cell is cut at all that may separate, and each piece knows by which mark it was cut. Pieces of one number are
joined again, extensions left out, and ends completed: each a step over the pieces of all cells at once.
"""

from __future__ import annotations

import phonenumbers
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.lookup.digits import replaced
from cardscreen.kinds.phone.numbering import lookup
from cardscreen.tables.cells import QUANTITY, as_expr, named_like, text_of

#: Begins a number whose leading digits were taken from the one before it. libphonenumber, like anybody who
#: dials, passes over it.
COMPLETED = "…"
_Regions = pl.Series | str | None

_LONGEST_CELL = 1000  # characters; more is no cell of a few numbers, and is left as it is
# Digits behind country code and zeros. An area code has at most five; local numbers have six or more, and those
# that surely stand alone seven. As many as the last are no extension.
_LOCAL, _WHOLE, _LONG = 6, 7, 9
_AREA = 3  # digits; as many or more behind an area code are a local number, or its beginning
_SHORT = 5  # digits; with fewer, a piece is no number of its own

_CUT = "\x01"
_SLASH, _GAP, _FRESH, _EXTENSION, _PAUSE, _REMARK, _HEAD = _KINDS = "\x02\x03\x04\x05\x06\x07\x08"
_LABELS = "tel|telephone|telefon|phone|fax|mob|mobile|cell|cel|whatsapp"
_SHORT_LABELS = f"{_LABELS}|ph|p|t|f|m|home|h|work|office|w|wa"
_HAN_LABELS = "手机|手機|座机|座機|电话|電話|传真|傳真|固话|固話"
_EXTENSIONS = r"ext\p{L}*|anexo|ramal|interno|int|доб|分机|分機|内线|內線|转|轉"
#: Behind a slash and digits, more of them with a slash behind: an area code, and another number (`0171/… 0172/…`).
_SECOND_SLASH = r"([/／]\s*[0-9][0-9\s-]*[0-9])\s+([+＋(]?[0-9][0-9()]{1,5}\s*[/／]\s*[0-9]{3})"
#: Behind an extension and blanks or a hyphen, more digits than a local number has (`ext 8001 13800138000`).
_NUMBER_BEHIND = (
    rf"({_CUT}{_EXTENSION}[^0-9+＋{_CUT}]*(?:[1-9][0-9]{{1,4}}|0[1-9][0-9]{{0,3}}))[ (-]+"
    rf"((?:[1-9]|[+＋])(?:[ -]*[0-9]){{{_LONG},}})"
)
#: What stands between numbers → the mark of the piece behind it; in this order.
_MARKS = {
    f"[{_CUT}{_KINDS}]": " ",
    f"{COMPLETED}|[.．]{{3,}}": "••",  # no mark, and not to be lost at the end of a piece: here digits are hidden
    _SECOND_SLASH: f"${{1}}{_CUT}{_HEAD}${{2}}",
    f"(?:){_SECOND_SLASH}": f"${{1}}{_CUT}{_HEAD}${{2}}",  # once more: one match ends where the next one begins
    rf"(?i)([0-9][^0-9\p{{L}}]*)(?:{_EXTENSIONS})([^\p{{L}}]|$)": f"${{1}}{_CUT}{_EXTENSION}${{2}}",
    r"([0-9]\s*)\((\s*[0-9]{1,7}\s*\)[^0-9]*)$": f"${{1}}{_CUT}{_EXTENSION}${{2}}",
    r"(?i)([0-9][\s.,;)]*)(?:x|#)([\s.:]*[0-9]{1,7}(?:[^0-9xX*]|$))": f"${{1}}{_CUT}{_EXTENSION}${{2}}",
    _NUMBER_BEHIND: f"${{1}}{_CUT}{_FRESH}${{2}}",
    rf"(?:{_HAN_LABELS})\s*[:：]?": f"{_CUT}{_FRESH}",
    rf"(?i)(^|[^\p{{L}}])(?:(?:{_SHORT_LABELS})\s*[:：.]|(?:{_LABELS})(?:\s|$))": f"${{1}}{_CUT}{_FRESH}",
    r"([0-9][^0-9+＋\p{L}]*)[+＋]([\s]*0|\s)": f"${{1}}{_CUT}{_FRESH}${{2}}",  # no country code begins so
    r"([0-9][^0-9+＋\p{L}]*)([+＋])": f"${{1}}{_CUT}{_FRESH}${{2}}",
    r"(?i:\s(?:and|or|und|oder|et|ou|y)\s)|[和或及与]": _CUT,
    # Any other word separates, too; what may stand for hidden digits is none.
    r"([0-9][^0-9\p{L}\x01-\x08]*)[\p{L}--[xX]][\p{L}\s.:]*": f"${{1}}{_CUT}{_REMARK}",
    r"[,，]\s*[,，][\s,，]*": f"{_CUT}{_PAUSE}",
    r"[;；]": f"{_CUT}{_REMARK}",
    r"[,，、|&]|::+": _CUT,
    r"[/／]|[\r\n]+": f"{_CUT}{_SLASH}",
    r"\s+[-–—]\s+|\s{2,}": f"{_CUT}{_GAP}",
    f"(?:{_CUT}{_GAP})?({_CUT}[{_KINDS}]?)(?:{_CUT}{_GAP})?": "$1",
}
#: Text that may be more than one number.
_ODD = (
    r"(?s)[0-9].*(?:[^0-9 ().\-]|\s\s|\s-\s).*[0-9]|[0-9０-９].*[^\x00-\x7f]|[0-9].*[A-Za-z]"
    r"|[0-9]\s*\(\s*[0-9]{1,7}\s*\)\D*$"
)
#: A number with a word, or digits in brackets, behind it.
_REMARKED = r"(?s)^(.*?[0-9])(?:[^0-9\p{L}]*\p{L}|\s*\(\s*[0-9]{1,7}\s*\)[^0-9]*$)"
#: Pattern of a country code: none begins with another.
CODES = "|".join(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
_ABROAD = rf"^(?:[+＋]|00)(?:{CODES})"


def split_phones(expr: str | pl.Expr, region: str | pl.Expr | None = None) -> pl.Expr:
    """The numbers in cells that may hold several.

    Args:
        expr: Column name or expression: String, integers, or Float64 with whole numbers; or lists of these.
        region: Where they are dialled, as for `phone`.

    Returns:
        List[String], named like the input: a cell with one number, or none, gives that cell itself; null
        gives null, and a list the parts of all its cells. A cell stays one number where it is valid as it
        stands and nothing separates two whole numbers in it. A part without leading digits of its own
        takes those of the number directly before it, if that makes a valid number, and is marked by a
        leading `…`, which reading passes over. Behind a number that is not known to be valid itself, where no
        region is given, say, a few digits behind a slash take its leading digits, too; screening looks up no
        such part. Extensions are left out, with all behind them that is no whole number, and so are a few
        digits that complete nothing. Numbers that are glued together without a separator are left as they are.

    Raises:
        InputError: When the query runs, if the column cannot hold numbers.

    Example:
        >>> cells = pl.DataFrame({"phone": ["02564 202510, 02564 210135", "01-4104381/82", "0911 / 58068 - 0"]})
        >>> for parts in cells.select(split_phones("phone", "NP"))["phone"].to_list():
        ...     print(parts)
        ['02564 202510', '02564 210135']
        ['01-4104381', '…014104382']
        ['0911 / 58068 - 0']
    """
    return named_like(numbers_in(as_expr(expr), region, guessed=True), expr)


def numbers_in(cell: pl.Expr, region: str | pl.Expr | None = None, *, guessed: bool) -> pl.Expr:
    """The same; without what is `guessed`, no part is completed by a number that is not known to be valid."""
    lookup.prepare(region if isinstance(region, str) else None)
    by_row = [region.cast(pl.String).alias("region")] if isinstance(region, pl.Expr) else []

    def split(batch: pl.Series) -> pl.Series:
        cells = batch.struct.field("cell")
        dialled_in = batch.struct.field("region") if isinstance(region, pl.Expr) else region
        parts = _of_lists if isinstance(cells.dtype, pl.List) else _of_cells
        return parts(cells, dialled_in, guessed).alias(batch.name)

    cells = pl.struct(cell.alias("cell"), *by_row)
    return cells.map_batches(split, return_dtype=pl.List(pl.String), is_elementwise=True)


def _of_lists(lists: pl.Series, region: _Regions, guessed: bool) -> pl.Series:
    """The parts of all cells of each list."""
    flat = lists.to_frame("cell").with_row_index("row").explode("cell", empty_as_null=False)
    parts = _of_cells(flat["cell"], region.gather(flat["row"]) if isinstance(region, pl.Series) else region, guessed)
    joined = flat.select("row", parts=parts).explode("parts").group_by("row").agg("parts")
    rows = lists.to_frame("list").with_row_index("row").join(joined, on="row", how="left", maintain_order="left")
    split = pl.coalesce("parts", pl.lit([], dtype=pl.List(pl.String)))
    return rows.select(pl.when(pl.col("list").is_not_null()).then(split)).to_series()


def _of_cells(cells: pl.Series, region: _Regions, guessed: bool) -> pl.Series:
    """The parts of each cell."""
    text = text_of(cells).str.strip_chars_start(COMPLETED)  # nothing in a cell itself may pass for the mark
    alone = text.to_frame("x").select(pl.when(pl.col("x").is_not_null()).then(pl.concat_list("x"))).to_series()
    rows = _odd(text)
    if not len(rows):
        return alone
    dialled_in = region.gather(rows) if isinstance(region, pl.Series) else pl.lit(region, dtype=pl.String)
    odd = text.gather(rows).to_frame("text").select(pl.lit(rows).alias("at"), "text", region=dialled_in)
    several = _taken_apart(odd, guessed)
    return replaced(alone, several["at"], several["parts"])


def _odd(text: pl.Series) -> pl.Series:
    """The rows of cells that may hold several numbers. Digits alone are one, and telling so is cheap."""
    rows = text.cast(pl.UInt64, strict=False).is_null().arg_true()
    cell = pl.col("x")
    odd = cell.str.contains(_ODD) & ~cell.str.contains(QUANTITY) & (cell.str.len_bytes() <= _LONGEST_CELL)
    return rows.filter(text.gather(rows).to_frame("x").select(odd.fill_null(value=False)).to_series())


def _taken_apart(cells: pl.DataFrame, guessed: bool) -> pl.DataFrame:
    """Of cells (at, text, region) those that are not left as they are: at, parts."""
    marked = pl.col("text")
    for pattern, mark in _MARKS.items():
        marked = marked.str.replace_all(pattern, mark)
    cells = cells.with_columns(pieces=marked.str.split(_CUT)).filter(pl.col("pieces").list.len() > 1)
    pieces = _without_plus(_measured(cells.select("at", "region", text="pieces").explode("text")))
    # What libphonenumber takes for an extension behind a comma, or reads on past a slash, may be a local number.
    size, few = pl.col("size").cum_sum().over("at").shift(1).over("at"), pl.col("digits").str.len_chars()
    ends = (size >= _LOCAL) & (((pl.col("mark") == "") & few.is_between(_AREA, _LONG - 1)) | _is_alike())
    apart = (_is_whole() & _is_whole().shift(1).over("at")) | (pl.col("mark") == _HEAD) | ends
    several = cells["at"].is_in(pieces.filter(apart)["at"].implode())
    cut = cells.filter(several | _swallows(cells) | ~_is_valid(cells["text"], cells["region"]))
    numbers = _without_extensions(_joined(pieces.filter(pl.col("at").is_in(cut["at"].implode()))))
    completed = _completed(numbers, guessed).group_by("at", maintain_order=True).agg(parts="text")
    kept, there = (text.str.replace_all(r"[^\d\p{L}]", "") for text in (pl.col("parts").list.join(""), pl.col("text")))
    is_changed = (pl.col("parts").list.len() > 1) | (kept != there)
    return completed.join(cells, on="at").filter(is_changed).select("at", "parts")


def _without_plus(pieces: pl.DataFrame) -> pl.DataFrame:
    """Pieces whose plus only separates without it: such as are mobile numbers, and as long as the one before."""
    before, few = pl.col("text").shift(1).over("at"), pl.col("digits").str.len_chars()
    bare = pl.col("text").str.strip_chars_start("+＋")
    alike = (pl.col("mark") == _FRESH) & (bare != pl.col("text")) & (few == few.shift(1).over("at"))
    some = pieces.select((alike & ~before.str.contains("^[+＋0]")).fill_null(value=False)).to_series()
    if not some.any():
        return pieces
    read = lookup.fields(pieces.select(bare).to_series(), pieces["region"]).struct
    mobile = some & (read.field("type").cast(pl.String) == "mobile").fill_null(value=False)
    text = pl.when(mobile).then(bare).otherwise("text")
    return _measured(pieces.with_columns(text=pl.col("mark") + text))


def _swallows(cells: pl.DataFrame) -> pl.Series:
    """Whether what is read of a cell is a valid number and, as more of it, the letters or digits of a remark."""
    start = cells["text"].str.extract(_REMARKED)
    whole, bare = (lookup.fields(text, cells["region"]).struct for text in (cells["text"], start))
    return (bare.field("status") == "valid").fill_null(value=False) & bare.field("e164").ne_missing(whole.field("e164"))


def _measured(pieces: pl.DataFrame) -> pl.DataFrame:
    """Pieces (at, region, text) that have digits or mark an extension, with what is known of each."""
    text = pl.col("text").str.strip_chars_start(_KINDS + " \t").str.strip_chars_end(" \t([-.:")
    national = text.str.replace_all(r"[^\d+＋]", "").str.replace(_ABROAD, "").str.replace_all(r"\D", "")
    return pieces.with_columns(
        text=text,
        mark=pl.col("text").str.extract(f"^([{_KINDS}])").fill_null(""),
        digits=text.str.replace_all(r"\D", ""),
        size=national.str.strip_chars_start("0").str.len_chars(),
        leads=text.str.contains(r"^[^\p{L}\d(]*(?:[+＋0]|\()"),
    ).filter((pl.col("digits") != "") | (pl.col("mark") == _EXTENSION))


def _is_whole() -> pl.Expr:
    """Whether a piece is a whole number, and no extension of the one before."""
    extension = pl.col("mark").is_in([_EXTENSION, _PAUSE]) & ~_is_long()
    return (pl.col("size") >= _WHOLE) & ~extension


def _is_alike() -> pl.Expr:
    """Whether a piece behind a slash has as many digits as the one before: another local number (`92283/92284`)."""
    few = pl.col("digits").str.len_chars()
    return (pl.col("mark") == _SLASH) & (few >= _SHORT) & (few == few.shift(1).over("at"))


def _is_long() -> pl.Expr:
    return (pl.col("size") >= _LONG) & ~pl.col("text").str.ends_with("#")


def _joined(pieces: pl.DataFrame) -> pl.DataFrame:
    """Pieces of one number as one: measured anew."""
    soft = pl.col("mark").is_in([_SLASH, _GAP])
    # A few digits with a zero in front are an area code before a local number, otherwise an end (`/ 01/02`).
    local = (soft & pl.col("size").is_between(_AREA, _LONG - 1)).shift(-1).over("at").fill_null(value=False)
    begins = pl.col("leads") & ((pl.col("size") >= _LOCAL) | local)
    pieces = pieces.with_columns(
        run=(~soft).cum_sum().over("at"), begun=(~soft | begins).cum_sum().over("at")
    ).with_columns(before=pl.col("size").cum_sum().over("at", "begun"))
    runs = pieces.group_by("at", "run", maintain_order=True).agg(pl.col("region").first(), pl.col("text").str.join(" "))
    valid = runs.select("at", "run", valid=_is_valid(runs["text"], runs["region"]))
    tail = (
        (pl.col("mark") == _SLASH) & (pl.col("before").shift(1).over("at") >= _LOCAL) & (~pl.col("valid") | _is_alike())
    )
    # An extension is neither a number nor the front of one; but an area code may stand where one is expected.
    extension = pl.col("mark").is_in([_EXTENSION, _PAUSE]) & ~_is_long()
    is_local = pl.col("leads").shift(1).over("at") & (pl.col("size") < _LONG)
    behind = extension.first().over("at", "run") & ~is_local
    both = (pl.col("size") >= _WHOLE) & (pl.col("size").shift(1).over("at") >= _WHOLE)
    number = (~soft | both | tail | behind).fill_null(value=True).cum_sum().over("at").alias("number")
    parts = pieces.join(valid, on=["at", "run"], maintain_order="left").group_by("at", number, maintain_order=True)
    return _measured(
        parts.agg(pl.col("region").first(), text=pl.col("mark").first() + pl.col("text").str.join(" ")).drop("number")
    )


def _without_extensions(numbers: pl.DataFrame) -> pl.DataFrame:
    """The same without extensions: what is marked as one, and all behind it that is no whole number."""
    mark, few = pl.col("mark"), pl.col("digits").str.len_chars()
    begins = (mark.is_in([_EXTENSION, _PAUSE]) & ~_is_long()) | ((mark == _REMARK) & (few < _LOCAL))
    first = pl.int_range(pl.len()).over("at") == 0
    ends = first | mark.is_in([_FRESH, _HEAD]) | _is_long()
    state = pl.when(begins & ~first).then(True).when(ends).then(False)
    return numbers.filter(~state.forward_fill().over("at"))


def _completed(numbers: pl.DataFrame, guessed: bool) -> pl.DataFrame:
    """Numbers (at, text), with the ends of others completed, one place of all cells after another."""
    dialled = pl.col("text").str.replace_all(r"[^\d+＋]", "")
    numbers = numbers.with_columns(nth=pl.int_range(pl.len()).over("at"), dialled=dialled)
    before = _heads(numbers.clear().with_columns(kind=pl.lit(None, dtype=schema.PHONE_TYPES), groups="text"))
    unsure = _unsure(numbers.clear())
    done = [numbers.clear()]
    for _, place in sorted(numbers.group_by("nth")):
        known = place.join(before, on="at", how="left", maintain_order="left")
        known = known.join(unsure, on="at", how="left", maintain_order="left")
        read = _with_heads(known, guessed).filter(~pl.col("is_end") | pl.col("completed"))
        done.append(read.select(numbers.columns))
        long = read.filter(pl.col("size") >= _LOCAL)
        heads = _heads(long.filter("is_sure"))
        before = pl.concat([before.join(heads, on="at", how="anti"), heads])
        unsure = pl.concat([unsure.join(long, on="at", how="anti"), _unsure(long.filter(~pl.col("is_sure")))])
    return pl.concat(done).sort("at", "nth")


def _heads(read: pl.DataFrame) -> pl.DataFrame:
    """What numbers lend to those behind them: leading digits, size, type, and the groups in which they are written."""
    return read.select("at", "groups", head="dialled", whole="size", type="kind")


def _unsure(read: pl.DataFrame) -> pl.DataFrame:
    """What numbers that are not known to be valid lend to an end behind them, which is the end of no other number."""
    return read.select("at", unsure="dialled", unsure_size="size")


def _with_heads(place: pl.DataFrame, guessed: bool) -> pl.DataFrame:
    """Numbers that take the `head` of those before them where they must: text, dialled and size with it."""
    digits, few = pl.col("digits"), pl.col("digits").str.len_chars().cast(pl.Int64)
    place = place.with_columns(is_end=few < _SHORT, is_guess=(few < _SHORT) & pl.col("unsure").is_not_null())
    place = place.with_columns(
        head=pl.when("is_guess").then("unsure").otherwise("head"),
        whole=pl.when("is_guess").then("unsure_size").otherwise("whole"),
    ).with_columns(built=pl.col("head").str.head(-few) + digits)
    own, built = (lookup.fields(place[name], place["region"]).struct for name in ("text", "built"))
    place = place.with_columns(
        is_own=own.field("status") == "valid",
        makes_valid=(built.field("status") == "valid") & built.field("e164").ne_missing(own.field("e164")),
        kind=own.field("type"),
        built_kind=built.field("type"),
    )
    # More digits than an end has are a local number only where the one before has as many: others are of elsewhere.
    sizes = pl.col("groups").str.extract_all("[0-9]+").list.eval(pl.element().str.len_chars().reverse().cum_sum())
    fits = (few < _SHORT) | sizes.list.contains(few.cast(pl.UInt32)).fill_null(value=False)
    fits = fits & (pl.col("built_kind") == pl.col("type"))
    # Behind a number that is written with its leading digits, one without them is local, although it be somebody's.
    stands_alone = pl.col("is_own") & ((pl.col("size") >= _LONG) | ~pl.col("head").str.contains("^[+＋0]"))
    is_local = ~pl.col("leads") & ~stands_alone
    needs = (pl.col("is_end") & (pl.col("size") > 0)) | is_local
    # Behind what is not known to be valid there is nothing to compare with.
    means = (
        pl.when("is_guess").then(pl.lit(guessed) & (pl.col("mark") == _SLASH)).otherwise(pl.col("makes_valid") & fits)
    )
    completed = (needs & (pl.col("size") < pl.col("whole")) & means).fill_null(value=False)
    is_sure = pl.when(completed).then(~pl.col("is_guess")).otherwise("is_own")
    return place.with_columns(completed=completed, is_sure=is_sure).with_columns(
        groups=pl.when("completed").then("groups").otherwise("text"),
        kind=pl.when("completed").then("built_kind").otherwise("kind"),
        text=pl.when("completed").then(pl.lit(COMPLETED) + pl.col("built")).otherwise("text"),
        dialled=pl.when("completed").then("built").otherwise("dialled"),
        size=pl.when("completed").then("whole").otherwise("size"),
    )


def _is_valid(text: pl.Series, region: pl.Series) -> pl.Series:
    return (lookup.fields(text, region).struct.field("status") == "valid").fill_null(value=False)
