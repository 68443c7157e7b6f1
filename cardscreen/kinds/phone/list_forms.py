"""How lists write more than one phone number: prefixes, dialled or international, ranges, and digits left open.

And what no number is read in: libphonenumber takes letters for digits of a keypad, by which a remark behind a number
would make it somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable

import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata

from cardscreen.kinds.phone import misreadings
from cardscreen.kinds.phone.misreadings import DROPPED
from cardscreen.kinds.phone.several import COMPLETED
from cardscreen.tables.cells import HIDDEN, QUANTITY

#: Digits of an E.164 number (ITU-T E.164, 6.1).
LONGEST = 15
_STAR = "[*＊]"
_RANGE = r"^\s*(\+?[0-9][0-9 ().]{5,}[0-9])\s*(?:[-–—~～至到]|\s(?i:to|bis)\s)\s*(\+?[0-9][0-9 ().]{5,}[0-9])\s*$"
#: Two groups of as many digits, which may be the ends of a range of prefixes.
_ENDS = r"^\s*\+?([1-9][0-9]{1,7})\s*[-–—~～至]\s*\+?([1-9][0-9]{1,7})\s*$"
#: Digits left open at the end. One star is a prefix.
_OPEN = r"^(.*[0-9])\s*([xX×]+|[?？]+|[*＊]{2,}|[.]{2,}|[•●]{2,}|_+|-{2,})\s*$"
#: The sign of a digit that is left open, in front.
_FRONT = r"^\s*[xX×?？]+[\s.-]*[0-9]"
#: Ends of digits in brackets, or behind a tilde: `1390013900[1-5]`, `030 1234567~9`.
_SPREAD = r"[\[({]\s*[0-9]{1,4}\s*[-–—~～]\s*[0-9]{1,4}\s*[\])}]\s*$|[0-9]\s*[~～]\s*[0-9]{1,4}\s*$"
#: The same without brackets, where the whole is no valid number and the start is: `13900139000-9`, `13900139030/39`.
_BARE_SPREAD = r"^(?:(.*[0-9])\s*[-–—/／]\s*[0-9]{1,3}|((?:[^0-9]*[0-9]){9,})\s*[-–—/／]\s*[0-9]{4})\s*$"
_PERCENT = r"[0-9]\s*[%％]\s*$"
#: One digit again and again at the end: of what is no valid number, it only fills a field.
_REPEATED = f"(?:{'|'.join(rf'{digit}(?:[ -]*{digit}){{6}}' for digit in range(10))})$"
#: A sign between digits that may hide one, or stand before an extension.
_INNER = r"(\d)[xX](\d)"
_WORDS = r"(?s)\d.*\p{L}"
_KEYPAD = r"(?s)\d.*[A-Za-z]"
#: Digits of two whole numbers, with something between them.
_TWO = r"[0-9]{7,}\s+[0-9]{7,}|(?:[0-9][ ().-]*){7,}(?:[/／、,，;；|&\n]|\p{L}+)(?:[^0-9]*[0-9]){7}"
_EXTENSION = r"(?i)^(.*?\d)[^\d\p{L}]*(?:ext\p{L}*|x|anexo|int|доб)[\s.:=-]*\d{1,7}[#\s)]*$"
#: Text that may be more than one number, or none.
SPECIAL = f"{_STAR}|{_RANGE}|{_ENDS}|{QUANTITY}|{_OPEN}|{_FRONT}|{HIDDEN}|{_SPREAD}|{_PERCENT}|{DROPPED}|{_WORDS}"
#: Patterns of text that no number is read in, and why.
REASONS = {
    f"^{COMPLETED}": "the end of a number, whose leading digits would be those of the number before it",
    _OPEN: "digits left open where no number of that length is possible",
    _FRONT: "a digit left open in front: if no digit is meant, leave the sign out",
    DROPPED: "more than one number: where cells may hold several, say many = true",
    _TWO: "more than one number, it seems: where cells may hold several, say many = true",
    HIDDEN: "hidden digits",
    _PERCENT: "a percent sign in place of digits: write a prefix with a star, such as 1700000*",
    _ENDS: "perhaps the ends of a range, but no whole numbers: write prefixes, such as 1700000*, or whole numbers",
    f"{_SPREAD}|{_BARE_SPREAD}": (
        "perhaps a range of ends: write the first and the last number in full, with a hyphen between them"
    ),
    _REPEATED: "one digit again and again, which is nobody's number",
    _KEYPAD: "letters behind digits, which may be a remark: where they are those of a keypad, say vanity = true",
    _WORDS: "words behind digits, which may be a remark: leave them out, or put them into a column of their own",
}
_LAST = 4  # digits
_TELLING = 6  # characters: plus, country code, and whether zeros follow
_BETWEEN = r"[\s().-]"


def forms(
    texts: pl.Series,
    region: str | None,
    number: Callable[[pl.Expr], pl.Expr],
    claims: Callable[[pl.Expr], pl.Expr],
    *,
    vanity: bool,
) -> pl.DataFrame:
    """The fields of `listed_forms.WRITTEN` of texts that may be more than one number.

    Args:
        texts: String.
        region: Where prefixes without country code are dialled.
        number: The canonical value of one number.
        claims: Whether text is surely a number.
        vanity: Whether letters are digits of a keypad; otherwise only extensions may have some.
    """
    text, start, signs = pl.col("text"), pl.col("start"), pl.col("signs")
    written = texts.alias("text").to_frame().lazy()
    parts = written.with_columns(
        dialled=text.str.replace_all(_BETWEEN, ""),
        low=text.str.extract(_RANGE, 1),
        high=text.str.extract(_RANGE, 2),
        low_end=text.str.extract(_ENDS, 1),
        high_end=text.str.extract(_ENDS, 2),
        start=text.str.extract(_OPEN, 1),
        signs=text.str.extract(_OPEN, 2),
        bare=text.str.extract(_EXTENSION),
    )
    # Reading is a step in Python, which the engine would take again for each mention: each is a column, taken once.
    read = parts.with_columns(
        prefix=pl.col("dialled").map_batches(
            lambda each: _prefixes(each, region), return_dtype=pl.String, is_elementwise=True
        ),
        low=number(pl.col("low")).str.strip_prefix("+"),
        high=number(pl.col("high")).str.strip_prefix("+"),
        end_is_number=claims(pl.col("low_end")),
        lowest=number(start + signs.str.replace_all(".", "0")),
        highest=number(start + signs.str.replace_all(".", "9")),
        start_is_number=claims(start),
        number=number(text),
        one=claims(text) & ~claims(pl.col("low")),
        bare=number(pl.col("bare")),
        bare_is_number=claims(pl.col("bare")),
        uncrossed_is_number=claims(text.str.replace_all(_INNER, "${1}0${2}")),
    )
    judged = read.with_columns(short=_are_short_ends()).with_columns(several=_several(), alone=_alone(vanity=vanity))
    match = pl.coalesce(
        pl.when(pl.col("several").is_not_null()).then(pl.lit("range")),
        pl.when(pl.col("alone").is_not_null()).then(pl.lit("exact")),
    )
    return judged.select(match=match, value=pl.coalesce("several", "alone")).collect(engine="in-memory")


def numbers_meant(
    texts: pl.Series, value: pl.Series, status: pl.Series, claims: Callable[[pl.Expr], pl.Expr]
) -> pl.Series:
    """The values that were read, without those that no plan has and that are surely something else.

    Args:
        texts: String.
        value: The canonical value of each.
        status: How it was read.
        claims: Whether text is surely a number.
    """
    invalid = misreadings.invalid_among(status)
    fillers = misreadings.filling(misreadings.as_integers(value.gather(invalid)), invalid)
    starts = pl.coalesce(pl.col("x").str.extract(_BARE_SPREAD, group) for group in (1, 2))
    ranges = invalid.filter(texts.gather(invalid).to_frame("x").select(claims(starts)).to_series())
    return value.scatter(fillers, None).scatter(ranges, None)


def _several() -> pl.Expr:
    """The canonical range or prefix; null where text is none."""
    low, high = pl.col("low"), pl.col("high")
    ordered = (low.str.len_bytes() == high.str.len_bytes()) & (low <= high)
    return (
        pl.when("short")
        .then(None)
        .when(pl.col("signs").is_not_null())
        .then(_filled())
        .when(pl.col("text").str.contains(_STAR))
        .then("prefix")
        .when(ordered & ~pl.col("one"))
        .then(pl.format("+{}-+{}", low, high))
    )


def _alone(*, vanity: bool) -> pl.Expr:
    """The canonical value of text that is one number, and nothing else."""
    text = pl.col("text")
    # libphonenumber drops the point, and what it makes of the zero behind it is somebody else's number.
    signs = (_STAR, QUANTITY, HIDDEN, _SPREAD, _OPEN, _FRONT, _PERCENT, DROPPED)
    # `+49 (0) 170-7672641` has what may be two ends: the whole is a number, and what would be the first end is none.
    ranged = text.str.contains(_RANGE) & ~pl.col("one")
    other = pl.any_horizontal(ranged, *(text.str.contains(each) for each in signs))
    worded = text.str.contains(_WORDS) & pl.lit(not vanity)
    hiding = text.str.contains(_INNER) & pl.col("uncrossed_is_number")
    extended = pl.col("bare_is_number") & (pl.col("bare") == pl.col("number")) & ~hiding
    return pl.when(~other & ~pl.col("short") & (~worded | extended)).then("number")


def _are_short_ends() -> pl.Expr:
    """Whether two rising groups of digits that begin alike are the ends of a range of beginnings: Boolean, never null.

    As one number they would be somebody's (`17000-17099`), and as a range that of numbers which nobody has.
    """
    low, high = pl.col("low_end"), pl.col("high_end")
    size = low.str.len_bytes()
    alike = (size == high.str.len_bytes()) & (low < high) & (low.str.head(size // 2) == high.str.head(size // 2))
    return (alike & ~pl.col("end_is_number")).fill_null(value=False)


def _filled() -> pl.Expr:
    """The canonical range of text with digits left open at its end; null where no number is so long.

    Null too where one digit is left open behind a whole number: that sign is a remark.
    """
    low, high, start = pl.col("lowest"), pl.col("highest"), pl.col("start")
    count = pl.col("signs").str.len_chars().cast(pl.Int64)
    shared = low.str.head(-count)
    # A carrier's prefix in front is left out in reading, and perhaps all that was written.
    last = start.str.replace_all(r"\D", "").str.tail(_LAST)
    whole = (high.str.head(-count) == shared) & shared.str.ends_with(last)
    possible = low.map_batches(_are_possible, return_dtype=pl.Boolean, is_elementwise=True)
    remarked = (count == 1) & pl.col("start_is_number")
    return pl.when(whole & possible & ~remarked).then(pl.format("{}-{}", low, high))


def _are_possible(values: pl.Series) -> pl.Series:
    """Whether E.164 numbers have a length that their country has; this depends on few digits, so it is asked seldom."""
    few = values.str.head(_TELLING) + values.str.slice(_TELLING).str.replace_all(".", "0")
    possible = {value: _is_possible(value) for value in few.unique().drop_nulls().to_list()}
    return few.replace_strict(possible, default=None, return_dtype=pl.Boolean)


def _is_possible(value: str) -> bool:
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE


def _prefixes(texts: pl.Series, region: str | None) -> pl.Series:
    """Canonical prefixes of texts such as `+86170*` and, dialled in the region, `170*`; null for others."""
    international = pl.col("x").str.extract(rf"^[+＋]([1-9][0-9]{{0,17}}){_STAR}$")
    return texts.to_frame("x").select(pl.format("+{}*", pl.coalesce(international, _national(region)))).to_series()


def _national(region: str | None) -> pl.Expr:
    """The digits of prefixes dialled in a region, with the country code in front."""
    metadata = PhoneMetadata.metadata_for_region(region, None) if region else None
    if metadata is None:
        return pl.lit(None, dtype=pl.String)
    digits = pl.col("x").str.extract(rf"^([0-9]{{1,15}}){_STAR}$")
    trunk, code = metadata.national_prefix, str(metadata.country_code)
    # With the country code in front and no plus it can be read in two ways, and so with most trunk prefixes: such a
    # listing must be written with a plus.
    unclear = digits.str.starts_with("00") | digits.str.starts_with(code)
    if trunk and trunk != "0":
        unclear = unclear | digits.str.starts_with(trunk)
    return pl.when(~unclear).then(pl.lit(code) + (digits.str.strip_prefix("0") if trunk == "0" else digits))


def numbers(value: pl.Expr) -> pl.Expr:
    """How many numbers a canonical prefix or range covers, a prefix those as long as mobiles: Float64.

    Example:
        >>> ranges = pl.DataFrame({"value": ["+86170*", "+8617000000000-+8617000000099"]})
        >>> ranges.select(numbers(pl.col("value"))).to_series().to_list()
        [100000000.0, 100.0]
    """
    return value.map_batches(_counted, return_dtype=pl.Float64, is_elementwise=True)


def _counted(values: pl.Series) -> pl.Series:
    """Ranges are few, and country codes fewer."""
    return pl.Series(values.name, [_count(value) for value in values.to_list()], dtype=pl.Float64)


def _count(value: str) -> float:
    if not value.endswith("*"):
        low, high = (int(end) for end in value.split("-"))
        return high - low + 1
    digits = value[1:-1]
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    code = next((int(digits[:size]) for size in (1, 2, 3) if int(digits[:size]) in known), None)
    if code is None or digits == str(code):  # a whole country, however few its numbers are
        return 10.0**LONGEST
    region = phonenumbers.region_code_for_country_code(code)
    home = PhoneMetadata.metadata_for_region_or_calling_code(code, region or "")
    if home is None:
        return 10.0**LONGEST
    described = home.mobile if home.mobile and home.mobile.possible_length else home.general_desc
    longest = max(described.possible_length) if described else LONGEST
    return 10.0 ** max(len(str(code)) + longest - len(digits), 0)
