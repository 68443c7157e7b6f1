"""Raw cells to card numbers (PANs): which digits were meant, and what is the matter with them.

A PAN has 12 to 19 digits (ISO/IEC 7812-1). Sources hide some of them on purpose (truncated), and spreadsheets
lose the ones behind the fifteenth without a word (damaged). Neither is guessed: a truncated PAN is matched by
what it shows, a damaged one by nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.cards import luhn, schemes
from cardscreen.foundation.cards.luhn import luhn_ok
from cardscreen.foundation.cards.schemes import LONGEST, SHORTEST
from cardscreen.foundation.lookup.digits import (
    EXACT_FLOAT,
    Flags,
    Keys,
    digits_of,
    nulls,
    taken,
    without,
)
from cardscreen.foundation.lookup.texts import Texts
from cardscreen.kinds.card import groups, reading, samples, surroundings
from cardscreen.kinds.card.mask import FIRST_SHOWN, LAST_SHOWN
from cardscreen.tables.cells import is_blank, text_of, to_text

#: What is known of a cell: the PAN's digits, or a truncated PAN with `*` for each hidden digit (`…` for an unknown
#: number of them); its digits as a number, where they may be looked up; its first six and last four digits; what is
#: out of the ordinary, `FILLER` or `REPAIRED`.
PARTS = pl.Struct(
    {
        "text": pl.String,
        "number": pl.UInt64,
        "stub": pl.UInt64,
        "status": schema.CARD_STATUSES,
        "scheme": pl.String,
        "note": pl.String,
    }
)
#: Notes: what forms are filled with where there is no number; a number without the `.0` of a spreadsheet or a float.
FILLER, REPAIRED = "filler", "repaired"

#: Leading digits, a run of mask characters, trailing digits. A single x is a slip, not a mask.
_HIDDEN = r"^[0-9]*(?:[*•●＊]|[xX#]{2,})[*•●＊xX#]*[0-9]*$"
_STARRED = r"^[0-9]+[*]+[0-9]+$"
_TWO_PREFIXES = "|".join(f"^[0-9]{{{size}}}[*]+[0-9]{{{size}}}$" for size in range(6, 10))
#: The same with an ellipsis: how many digits are hidden is not said.
_ELIDED = r"^([0-9]*)(?:…|⋯|\.{2,})([0-9]*)$"
_GROUPED = r"^[0-9]{4,8}(?:[ -][0-9]{3,11}){1,4}$"
_MASK_CHARACTER = r"[^0-9]"
#: A number of 12 to 19 digits as a spreadsheet or a float shows it.
_SCIENTIFIC = r"^[0-9](?:[.,][0-9]*)?[eE]\+?1[1-8]$"
#: A number of so many digits with decimals: it came out of a float.
_QUANTITY = r"^([0-9]{12,19})[.,]0+$"
#: A number that may be filled up with zeros in front.
_PADDED = r"^0(?:0+[1-9][0-9]{11,16}|[1-9][0-9]{14})$"
_LONG_SCHEME = "unionpay"
_LOST_FLOAT = "9E+15"
#: Digits that a spreadsheet keeps of a number; it writes zeros for the others.
_KEPT = 15
_POWERS = np.array([10**zeros for zeros in range(LONGEST)], dtype=np.uint64)
_NO_NOTE = pl.lit(None, dtype=pl.String)
_MISSING, _TRUNCATED, _DAMAGED, _NOT_A_NUMBER, _BAD_LENGTH, _BAD_CHECKSUM, _VALID = (
    pl.lit(code, dtype=pl.UInt8) for code in range(len(schema.CARD_STATUSES.categories))
)


def parts_of(cell: pl.Expr, *, repair: bool = False, strict: bool = False) -> pl.Expr:
    """`PARTS` of raw cells of any type that can hold numbers; a null text where there is no PAN. Streams.

    Args:
        cell: The cells.
        repair: Take `.0` away from whole numbers that a float holds exactly; else they are `damaged`, as larger ones
            are in any case. Take zeros away that fill a PAN up in front.
        strict: Without repair, a PAN filled up with zeros is `damaged`: nobody lists it as it stands.
    """
    schemes.prepare()

    def read(cells: pl.Series) -> pl.Series:
        parts = _read(_written(cells), repair)
        return _without_padding(parts, repair) if repair or strict else parts

    return cell.map_batches(read, return_dtype=PARTS, is_elementwise=True)


def keys_of(cells: pl.Series) -> tuple[Keys, Flags]:
    """The PANs of the cells that are nothing but one, perhaps in usual groups, as integers; and which pass Luhn.

    Returns:
        0 for all others, for PANs that begin with 0, those that a spreadsheet may have cut off, and those that are
        nobody's (`samples.nobodys`): `parts_of` says what these are.
    """
    return _plain(_written(cells), strict=True)


def numbers_in(cells: pl.Series) -> pl.Series:
    """The numbers of cells as text, null where there is none, or some digits are hidden."""
    keys, _ = keys_of(cells)
    texts = pl.Series(keys).cast(pl.String)
    odd = np.flatnonzero(keys == 0)
    if not len(odd):
        return texts
    written = taken(cells, odd).to_frame().select(to_text(pl.first())).to_series()
    grouped = written.str.contains(_GROUPED).fill_null(value=False).to_numpy()
    plain, others = np.flatnonzero(grouped), np.flatnonzero(~grouped)
    texts = texts.scatter(pl.Series(odd[plain]), without(taken(written, plain), b" -"))
    parts = taken(written, others).to_frame().select(parts_of(pl.first(), repair=True).struct.field("text"))
    return texts.scatter(pl.Series(odd[others]), parts.to_series())


def _plain(text: pl.Series, *, strict: bool) -> tuple[Keys, Flags]:
    """The numbers of texts that are plain to see, and which pass Luhn; strictly, none that nobody may have."""
    number, sound = np.empty(len(text), dtype=np.uint64), np.empty(len(text), dtype=bool)
    cells = Texts(text)
    # Only outside of queries: a thread that reads a file within one takes up other batches meanwhile.
    nobodys = samples.nobodys().address if strict else 0
    reading.tell(cells.address, len(text), nobodys, strict, luhn.sums(), number, sound)
    return number, sound


def stubs_of(keys: Keys) -> Keys:
    """The first six and last four digits of PANs that don't begin with 0, each as one integer."""
    return _ends(keys, digits_of(keys))


def stub(text: pl.Expr) -> pl.Expr:
    """The first six and last four digits as one UInt64; null where they are not all shown."""
    return (text.str.head(FIRST_SHOWN) + text.str.tail(LAST_SHOWN)).cast(pl.UInt64, strict=False)


def _written(cells: pl.Series) -> pl.Series:
    """Cells as text; a float past 2^53 stands for several numbers, and becomes a text that says so."""
    text = text_of(cells)
    if cells.dtype != pl.Float64:
        return text
    lossy = ((cells.abs() >= EXACT_FLOAT) & cells.is_finite()).fill_null(False)
    return text.scatter(lossy.arg_true(), _LOST_FLOAT) if lossy.any() else text


def _read(raw: pl.Series, repair: bool) -> pl.Series:
    """Cells of digits alone, by far the most, go straight on, then those with spaces, hyphens or stars between."""
    read = _or_else(raw.alias("text"), _numbers, _grouped, _starred, partial(_others, repair=repair))
    return read.to_struct(raw.name)


def _or_else(
    raw: pl.Series, way: Callable[[pl.Series], pl.DataFrame], *ways: Callable[[pl.Series], pl.DataFrame]
) -> pl.DataFrame:
    """`PARTS` by the first way, and by the next ones of what it says nothing of."""
    parts = way(raw)
    odd = parts["status"].is_null().arg_true()
    if not len(odd) or not ways:
        return parts
    if len(odd) == len(raw):
        return _or_else(raw, *ways).select(parts.columns)
    others = _or_else(raw.gather(odd), *ways)
    return parts.with_columns(parts[name].scatter(odd, others[name]) for name in parts.columns)


def _grouped(raw: pl.Series) -> pl.DataFrame:
    """`PARTS` of cells of digits in usual groups with ASCII spaces and hyphens: much cheaper than all kinds of them."""
    values = pl.DataFrame({"text": _plain(raw, strict=False)[0]})
    return _numbers(values.select(pl.when(pl.col("text") > 0).then("text").cast(pl.String)).to_series())


def _starred(raw: pl.Series) -> pl.DataFrame:
    """`PARTS` of cells that hide digits in the canonical way; the others have nulls."""
    text = pl.when(_fits(pl.col("text")) & pl.col("text").str.contains(_STARRED)).then(_of_told_length(pl.col("text")))
    columns = (
        raw.to_frame()
        .lazy()
        .select(text=text)
        .select(
            "text",
            number=pl.lit(None, dtype=pl.UInt64),
            stub=stub(pl.col("text")),
            status=pl.when(pl.col("text").is_not_null()).then(_TRUNCATED).cat.to(schema.CARD_STATUSES),
            scheme=schemes.of_leading(pl.col("text")),
            note=_NO_NOTE,
        )
    )
    return columns.collect(engine="in-memory")


def _of_told_length(starred: pl.Expr) -> pl.Expr:
    """A truncated PAN that hides digits by stars: of a length that its scheme never issues, they tell none.

    Null where nothing would tell it from a range of prefixes then.
    """
    issued = schemes.issues_shown(starred, starred.str.len_bytes())
    elided = pl.when(~starred.str.contains(_TWO_PREFIXES)).then(starred.str.replace(r"\*+", "…"))
    return pl.when(issued).then(starred).otherwise(elided)


def _numbers(text: pl.Series) -> pl.DataFrame:
    """`PARTS` of the cells that are nothing but 12 to 19 digits; the others have nulls."""
    # The cast accepts a leading plus.
    digits = pl.when(_fits(pl.col("text")) & ~pl.col("text").str.starts_with("+")).then("text")
    frame = (
        text.to_frame()
        .lazy()
        .select(number=digits.cast(pl.UInt64, strict=False), length=pl.col("text").str.len_bytes())
    )
    number, length = frame.collect(engine="in-memory")
    if number.null_count() == len(number):
        return pl.DataFrame([nulls(name, dtype, len(text)) for name, dtype in PARTS.to_schema().items()])
    scheme, issued = schemes.of_pans(number, length)
    cut_off = pl.Series(_ends_in_lost_zeros(number, length))
    filler = pl.Series("filler", samples.are_fillers(number.fill_null(1).to_numpy()))
    judged = (
        pl.when("filler")
        .then(_NOT_A_NUMBER)
        .when(~issued)
        .then(_BAD_LENGTH)
        .when(luhn_ok(pl.col("number")))
        .then(_VALID)
        .when(cut_off)
        .then(_DAMAGED)
        .otherwise(_BAD_CHECKSUM)
    )
    known = pl.col("number").is_not_null()
    columns = pl.LazyFrame([text, number, scheme, filler, pl.Series("stub", _stubs(number, length))])
    judged_columns = columns.with_columns(status=judged)
    is_pan = known & ~pl.col("filler")
    sound = is_pan & (pl.col("status") != _DAMAGED)
    return judged_columns.select(
        pl.when(is_pan).then("text").alias("text"),
        pl.when(sound).then("number").alias("number"),
        pl.when(sound).then("stub").alias("stub"),
        pl.when(known).then(pl.col("status").cat.to(schema.CARD_STATUSES)).alias("status"),
        pl.when(is_pan).then("scheme").alias("scheme"),
        pl.when(known & pl.col("filler")).then(pl.lit(FILLER)).alias("note"),
    ).collect(engine="in-memory")


def _without_padding(parts: pl.Series, repair: bool) -> pl.Series:
    """`PARTS` of which the PANs that zeros fill up in front, as fields of one width do, are mended or damaged.

    No scheme issues numbers that begin with 0 (ISO/IEC 7812-1 keeps it for other uses). Still, such a number may be a
    bank's own, unless a sound one of a known scheme is left without the zeros, of which there are two, or one that
    makes sixteen digits of fifteen.
    """
    text = pl.col("text")
    bare = (
        parts.struct.field("text")
        .to_frame("text")
        .select(pl.when(text.str.contains(_PADDED)).then(text.str.strip_chars_start("0")))
        .to_series()
    )
    if bare.null_count() == len(bare):
        return parts
    number = bare.cast(pl.UInt64)
    scheme, issued = schemes.of_pans(number, bare.str.len_bytes())
    sound = number.to_frame("number").select(luhn_ok(pl.col("number")).fill_null(value=False)).to_series()
    rows = (sound & issued & (scheme != schemes.UNKNOWN)).arg_true()
    if repair:
        mended = _numbers(bare.gather(rows).alias("text")).with_columns(note=pl.lit(REPAIRED))
    else:
        as_it_is = parts.gather(rows).struct.unnest()
        lost = [pl.lit(None, dtype=PARTS.to_schema()[name]).alias(name) for name in ("number", "stub")]
        mended = as_it_is.with_columns(*lost, status=_DAMAGED.cat.to(schema.CARD_STATUSES))
    read = parts.struct.unnest()
    return read.with_columns(read[name].scatter(rows, mended[name]) for name in read.columns).to_struct(parts.name)


def _ends_in_lost_zeros(number: pl.Series, length: pl.Series) -> npt.NDArray[np.bool_]:
    """Whether a PAN of more than fifteen digits has nothing but zeros behind them."""
    beyond = length.fill_null(_KEPT).clip(_KEPT, LONGEST).to_numpy() - _KEPT
    ends: npt.NDArray[np.bool_] = (number.fill_null(1).to_numpy() % _POWERS[beyond] == 0) & (beyond > 0)
    return ends


def _stubs(number: pl.Series, length: pl.Series) -> npt.NDArray[np.uint64]:
    """The first six and last four digits of each PAN as one integer; anything for a null."""
    return _ends(number.fill_null(0).to_numpy(), length.fill_null(SHORTEST).clip(SHORTEST, LONGEST).to_numpy())


def _ends(digits: Keys, length: npt.NDArray[Any]) -> Keys:
    last = np.uint64(10**LAST_SHOWN)
    stubs: Keys = digits // _POWERS[length - FIRST_SHOWN] * last + digits % last
    return stubs


def _others(raw: pl.Series, repair: bool) -> pl.DataFrame:
    """`PARTS` of cells that are not plain digits; the first status that applies, in the contract's order."""
    shaped = _shaped(raw, repair)
    bare = pl.col("bare")
    elided = bare.str.contains(_ELIDED)
    truncated = bare.str.contains("[0-9]") & (bare.str.contains(_HIDDEN) | elided)
    status = (
        pl.when(is_blank(pl.col("raw")))
        .then(_MISSING)
        .when(truncated)
        .then(_TRUNCATED)
        .when(bare.str.contains(_SCIENTIFIC) | bare.str.contains(_QUANTITY))
        .then(_DAMAGED)
        .when(bare.str.contains("^[0-9]+$"))
        .then(_BAD_LENGTH)
        .otherwise(_NOT_A_NUMBER)
    )
    starred = _of_told_length(bare.str.replace_all(_MASK_CHARACTER, "*"))
    shown = pl.when(elided).then(bare.str.replace(_ELIDED, "${1}…${2}")).otherwise(starred)
    read = (
        shaped.lazy()
        .select(
            text=pl.when(truncated & (shown.str.len_chars() <= LONGEST)).then(shown),
            status=status.cat.to(schema.CARD_STATUSES),
            note="note",
        )
        .with_columns(scheme=schemes.of_leading(pl.col("text")), stub=stub(pl.col("text")))
        .select(pl.all().name.prefix("_"))
        .collect(engine="in-memory")
    )
    filled = pl.concat([_numbers(shaped["bare"].alias("text")), read], how="horizontal")
    return filled.select(
        "number", *(pl.coalesce(name, f"_{name}").alias(name) for name in ("text", "stub", "status", "scheme", "note"))
    )


def _shaped(raw: pl.Series, repair: bool) -> pl.DataFrame:
    """The `raw` cells, `bare` of what stands around and between the digits of one number, and a `note` of a mend.

    Cells in groups that are no one number have a null.
    """
    bare = pl.col("bare")
    whole = bare.str.extract(_QUANTITY)
    mended = pl.lit(repair) & (whole.cast(pl.UInt64, strict=False) < EXACT_FLOAT).fill_null(value=False)
    shaped = (
        raw.to_frame()
        .lazy()
        .select(raw="text", spaced=surroundings.spaced(pl.col("text")))
        .with_columns(bare=pl.col("spaced").str.replace_all(" ", "", literal=True))
        .with_columns(
            bare=pl.when(mended).then(whole).otherwise("bare"),
            spaced=pl.when(mended).then(pl.col("spaced").str.replace("[.,]0+$", "")).otherwise("spaced"),
            note=pl.when(mended).then(pl.lit(REPAIRED)),
        )
        .collect(engine="in-memory")
    )
    rows = shaped.select(pl.col("spaced").str.contains(" |[.]{2}|[…⋯]").fill_null(value=False).arg_true()).to_series()
    if len(rows):
        shaped = shaped.with_columns(shaped["bare"].scatter(rows, _one_number(shaped[rows])))
    return shaped.drop("spaced")


def _one_number(shaped: pl.DataFrame) -> pl.Series:
    """The `bare` of cells in groups; null where these are no one number.

    Groups in which no number is usually written must be beyond doubt: of a known scheme, and with the right check
    digit. So must be what stands behind a label and a number of its own, such as which card of several.
    """
    bare, spaced = pl.col("bare"), pl.col("spaced")
    several = groups.are_prefixes(spaced) | spaced.str.contains(groups.HOLDS_NUMBER)
    numbered = pl.when(surroundings.is_labelled(pl.col("raw"))).then(spaced.str.extract(groups.ORDINAL))
    sought = shaped.lazy().select(
        bare=bare,
        usual=spaced.str.contains(groups.USUAL),
        hidden=~bare.str.contains("^[0-9]+$"),
        odd_hidden=groups.are_odd_hidden(spaced),
        fits=_fits(bare),
        other=pl.coalesce(numbered, pl.when(~several).then(spaced)).str.replace_all(" ", "", literal=True),
        coded=spaced.str.extract(groups.CODED).str.replace_all(" ", "", literal=True),
    )
    cells = sought.collect(engine="in-memory")
    sure = {name: _beyond_doubt(cells[name].alias("text")) for name in ("bare", "other", "coded")}
    cells = cells.with_columns(pl.Series(f"sure_{name}", flags) for name, flags in sure.items())
    # Debit cards of UnionPay have 19 digits, hardly any others have.
    whole = pl.col("sure_bare") & (schemes.of_leading(bare) == _LONG_SCHEME)
    return cells.select(
        pl.when("hidden")
        .then(pl.when(~pl.col("odd_hidden")).then("bare"))
        .when("usual")
        .then(pl.when(~pl.col("sure_coded") | whole).then("bare"))
        .when(~pl.col("fits"))
        .then("bare")
        .otherwise(pl.when("sure_other").then("other"))
        .alias("bare")
    ).to_series()


def _beyond_doubt(text: pl.Series) -> pl.Series:
    """Whether texts are sound PANs of known schemes."""
    parts = _numbers(text)
    sure = (pl.col("status") == "valid") & (pl.col("scheme") != schemes.UNKNOWN)
    return parts.select(sure.fill_null(value=False)).to_series()


def _fits(text: pl.Expr) -> pl.Expr:
    return text.str.len_bytes().is_between(SHORTEST, LONGEST)
