"""Chinese resident ids: from raw cells to the 18 characters, and the region that gave them; never birth date or sex.

An id names a person for life: results mask it, and stores hold it as a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl
from stdnum import numdb

from cardscreen.foundation.cards.in_text import tell_own
from cardscreen.foundation.lookup.digits import Flags, Keys, PlainKeys, Rows, nulls
from cardscreen.foundation.lookup.fillers import members_filling
from cardscreen.foundation.lookup.texts import Texts
from cardscreen.kinds.checked.reading import ID_LENGTH, NOTHING, UNSOUND, tell_resident_ids
from cardscreen.kinds.exact import FILLED, ONLY_FILLS, ExactSecret, status_of
from cardscreen.tables.cells import as_expr, compacted, is_blank, named_like, to_text

_SHOWN, _LENGTH = 6, ID_LENGTH  # characters in front, and of a whole id
_CENTURY = "19"  # of ids of 15 digits, which were given until 1999
_ALWAYS, _NEVER = (0, 9999), (1, 0)  # years
#: What is behind the region, and behind the year, in the first 17 digits.
_TO_REGION, _TO_YEAR = np.uint64(10**11), np.uint64(10**7)
_SPOILT = "000"  # what a spreadsheet, which keeps fifteen digits, makes of the last three
#: What the digits in front count, modulo 11; and the sign for each rest (GB 11643-1999, after ISO 7064, MOD 11-2).
_WEIGHTS = np.array([2 ** (17 - at) % 11 for at in range(17)])
_SIGNS = pl.Series(list("10X98765432"))
STATUSES = pl.Enum(
    ["missing", "placeholder", "not_a_resident_id", "open", "damaged", "bad_checksum", "unknown_region", "valid"]
)
FIELDS = pl.Struct({"value": pl.String, "region": pl.String, "status": STATUSES, "masked": pl.String})


def resident_id(expr: str | pl.Expr) -> pl.Expr:
    """Read raw cells of Chinese resident ids: whose, given in which region, and is the id sound.

    Args:
        expr: Column name or expression: String, any integer type, or Float64 with whole numbers.

    Returns:
        Struct{value: String, region: String, status: Enum, masked: String}, named like the input. `value` is the id
        in full, 18 characters: do not show it; `masked` has its first six and its last one, and tells neither birth
        date nor sex. `region` is its first six digits. An id of 15 digits, as they were given until 1999, is made one
        of 18: the year is 19.., and the check digit is computed. Status: `missing`; `placeholder`: 15 digits that only
        fill a field, such as `111111111111111`; `not_a_resident_id`: not of the form, or no day where the birth date
        stands; `open`: 15 digits of somebody who was a hundred years old (sequence 996 to 999), whose century is not
        told; `damaged`: a wrong check digit, and three zeros at the end, as a spreadsheet leaves them; `bad_checksum`;
        `unknown_region`: no region of that number was known to the reference in that year, as of the ids of Hong Kong,
        Macao and Taiwan residents (81 to 83) and of foreigners (9); `valid`. Cells with one of the first five have no
        other field, all others are screened.

    Raises:
        InputError: When the query runs, if the column holds dates, booleans or nested values.

    Source:
        GB 11643-1999; ISO 7064, MOD 11-2; `python-stdnum` (`cn.ric`), whose verdicts these are of 18 characters. Ids
        of 15 digits: GB 11643-1989.

    Example:
        >>> cells = pl.DataFrame({"id": ["11010519491231002x", "360426910101001"]})
        >>> cells.select(resident_id("id").struct.unnest()).drop("value").rows()
        [('110105', 'valid', '110105***********X'), ('360426', 'valid', '360426***********2')]
    """
    return named_like(
        to_text(as_expr(expr), exact=True).map_batches(_readings, return_dtype=FIELDS, is_elementwise=True),
        expr,
    )


def _readings(cells: pl.Series) -> pl.Series:
    """`FIELDS` of texts."""
    text, value, body = pl.col("text"), pl.col("value"), pl.col("value").str.head(_LENGTH - 1)
    is_short = text.str.contains("^[0-9]{15}$")
    century = text.str.head(_SHOWN) + _CENTURY + text.str.slice(_SHOWN)
    written = pl.when(is_short).then(century).when(text.str.contains("^[0-9]{17}[0-9X]$")).then(text)
    ids = pl.DataFrame({"raw": cells, "text": compacted(cells, "")}).with_columns(is_short=is_short, written=written)
    ids = ids.with_columns(value=pl.when(_has_day(pl.col("written"))).then("written"))
    rows = ids["value"].is_not_null().arg_true()
    bodies = ids["value"].gather(rows)
    ids = ids.with_columns(
        check=nulls("", pl.String, len(ids)).scatter(rows, _check_signs(bodies)),
        in_region=nulls("", pl.Boolean, len(ids)).scatter(rows, _are_known(bodies)),
    )
    is_open = pl.col("is_short") & text.str.slice(12, 3).is_in(["996", "997", "998", "999"])
    is_wrong = ~pl.col("is_short") & (value.str.tail(1) != pl.col("check"))
    status = status_of(
        STATUSES,
        missing=is_blank(pl.col("raw")),
        placeholder=pl.col("is_short") & text.str.contains(FILLED),  # before they are made another number
        not_a_resident_id=value.is_null(),
        open=is_open,
        damaged=is_wrong & value.str.ends_with(_SPOILT),
        bad_checksum=is_wrong,
        unknown_region=~pl.col("in_region"),
    )
    whole = pl.when(pl.col("is_short")).then(body + pl.col("check")).otherwise(value)
    ids = ids.with_columns(status=status, whole=whole)
    ids = ids.with_columns(value=pl.when(~pl.col("status").is_in(["placeholder", "open", "damaged"])).then("whole"))
    told = ids.with_columns(region=value.str.head(_SHOWN), masked=mask(value))
    return told.select(pl.struct([field.name for field in FIELDS.fields]).alias(cells.name)).to_series()


def mask(value: pl.Expr) -> pl.Expr:
    """The first six characters and the last one, the rest `*`."""
    return value.str.head(_SHOWN) + "*" * (_LENGTH - _SHOWN - 1) + value.str.tail(1)


def _has_day(written: pl.Expr) -> pl.Expr:
    """Whether a day stands where the birth date does; the year 0 has none."""
    day = written.str.slice(_SHOWN, 8)
    return (day.str.to_date("%Y%m%d", strict=False).is_not_null() & ~day.str.starts_with("0000")).fill_null(value=False)


def _check_signs(values: pl.Series) -> pl.Series:
    """The check signs of the digits in front."""
    digits = np.frombuffer((values.str.head(_LENGTH - 1).str.join("").item() or "").encode(), dtype=np.uint8)
    rests = (digits.reshape(-1, _LENGTH - 1) - ord("0")).astype(np.int64) @ _WEIGHTS % 11
    return _SIGNS.gather(rests)


def _are_known(values: pl.Series) -> pl.Series:
    """Whether ids name a region that there was in their year of birth, as the reference has it."""
    pairs = pl.DataFrame({"region": values.str.head(_SHOWN), "year": values.str.slice(_SHOWN, 4).cast(pl.Int32)})
    regions = pairs["region"].unique().to_list()
    times = [(region, first, last) for region in regions for first, last in _times_of(region)]
    spans = pl.DataFrame(times, schema={"region": pl.String, "first": pl.Int32, "last": pl.Int32}, orient="row")
    inside = pl.col("year").is_between("first", "last")
    distinct = pairs.unique()
    known = distinct.join(spans, on="region").filter(inside).select("region", "year").unique()
    found = pairs.join(known.with_columns(known=True), on=["region", "year"], how="left", maintain_order="left")
    return found["known"].fill_null(value=False)


@cache
def _times_of(region: str) -> tuple[tuple[int, int], ...]:
    """From which year to which a region had its number; empty: never."""
    found = numdb.get("cn/loc").info(region)
    counties = [properties["county"] for _, properties in found if "county" in properties]
    return tuple(_times_in(counties[-1])) if counties else ()


class _Regions:
    """The years of regions as arrays, by number, filled in where one is first asked for."""

    def __init__(self) -> None:
        self._known = np.zeros(10**_SHOWN, dtype=bool)
        self._first, self._last = (np.zeros(10**_SHOWN, dtype=np.int16) for _ in range(2))

    def had(self, numbers: Keys) -> Flags:
        """Whether ids, by their first 17 digits, name a region that there was in their year, as `_last_span` has it."""
        regions, years = (numbers // _TO_REGION).astype(np.int32), numbers // _TO_YEAR % np.uint64(10_000)
        self._ask(regions)
        inside: Flags = (self._first[regions] <= years) & (years <= self._last[regions])
        return inside

    def _ask(self, regions: npt.NDArray[np.int32]) -> None:
        asked = np.zeros_like(self._known)
        asked[regions] = True
        for region in np.flatnonzero(asked & ~self._known):
            self._first[region], self._last[region] = _last_span(_times_of(f"{region:0{_SHOWN}}"))
            self._known[region] = True  # only now: other threads go by it


def _last_span(times: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The last years in which there was a region without a break; almost all had none."""
    span = _NEVER
    for first, last in sorted(times):
        span = (span[0], max(span[1], last)) if span != _NEVER and first <= span[1] + 1 else (first, last)
    return span


@cache
def _regions() -> _Regions:
    return _Regions()


def _times_in(counties: str) -> Iterator[tuple[int, int]]:
    """Of counties as the registry has them: `[-1982]通县`, or a name without years."""
    for county in counties.split(","):
        if not county.startswith("["):
            yield _ALWAYS
        else:
            first, _, last = county[1:].partition("]")[0].partition("-")
            yield int(first or _ALWAYS[0]), int(last or _ALWAYS[1])


@dataclass(frozen=True)
class ResidentId(ExactSecret):
    """The identifier kind of Chinese resident ids.

    Canonical: its 18 characters, of 15 too.

    Args:
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when the account is this person's.

    Example:
        >>> ResidentId().name
        'resident_id'
    """

    name: ClassVar[str] = "resident_id"
    noun: ClassVar[tuple[str, str]] = ("resident id", "resident ids")
    told: ClassVar[pl.Struct] = FIELDS
    flaw: ClassVar[str] = "bad_checksum"
    notes: ClassVar[tuple[str, ...]] = (flaw, "unknown_region")
    fillers: ClassVar[str] = FILLED
    reasons: ClassVar[Mapping[str, str]] = {FILLED: ONLY_FILLS}
    #: Ids of fifteen digits have no check digit: numbers of other sorts may look like them.
    in_text: ClassVar[str] = r"(?:^|[^0-9])([0-9]{6}[ -]?[0-9]{8}[ -]?[0-9]{3}[0-9Xx])(?:[^0-9]|$)"

    def readings(self, cell: pl.Expr) -> pl.Expr:
        """`FIELDS`: with the id in full."""
        return resident_id(cell)

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """The keys of ids of 18 characters, of a region that there was, which no spreadsheet may have spoilt."""
        text = cells.select(to_text(pl.first(), exact=True)).to_series()
        number, found, texts = np.empty(len(text), dtype=np.uint64), np.empty(len(text), dtype=np.uint8), Texts(text)
        tell_resident_ids(texts.address, len(text), number, found)
        unsound = found == UNSOUND
        known = np.where(unsound, number % 100 != 0, _regions().had(number))
        plain = (found != NOTHING) & ~members_filling(_LENGTH - 1, _LENGTH - 1).has(number) & known
        keys = text.to_frame().select(self.key(pl.first()).fill_null(0)).to_series().to_numpy()
        return PlainKeys.where(plain, keys, unsound)

    @classmethod
    def _of_form(cls, found: pl.Series) -> pl.Series:
        """Of what `in_text` found, what has the form of an id, without what stands between its parts."""
        return found.str.replace_all("[ -]", "")

    def show(self, value: pl.Expr) -> pl.Expr:
        """A canonical value as results hold it: masked."""
        return mask(value)

    def told_in(self, texts: pl.Series, rows: Rows, cells: pl.Series) -> Flags:
        """Whether each text shows the id in the cell beside it, in 18 characters or in 15."""
        ids = cells.to_frame().select(self.read(pl.first()).struct.field("value")).to_series()
        shorter = ids.str.slice(0, _SHOWN) + ids.str.slice(_SHOWN + 2, 9)
        return tell_own(texts, ids, rows) | tell_own(texts, shorter, rows)
