"""What a batch of raw cells means: E.164 number, region, type and status, by looking up keys.

A region's routes are joined with the plan once, when the region is first asked for: each cell of the
joined table says what to add to a key to get the E.164 number, and the code of region, type and
status together. So most cells of a column are answered by one look-up. The few whose number is only
known afterwards (many prefixes with one meaning, IDD prefixes) are looked up a second time, and cells
without key, or in a gap of the tables, are asked of `phonenumbers`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import phonenumbers
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.lookup.digits import POWERS, Flags, Keys, PlainKeys, Rows, blocks, nulls, taken
from cardscreen.foundation.lookup.index import Index
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.kinds.phone.numbering import asking, dialled, plan, reference, routes, shelf
from cardscreen.kinds.phone.numbering.dialled import Dialled
from cardscreen.kinds.phone.numbering.written import written
from cardscreen.tables.cells import DAMAGED

_Codes = npt.NDArray[np.uint32]

_ASK, _SHIFT, _STRIP, _ABROAD, _MISSING = range(5)
_ERRORS = {status: code for code, status in enumerate(reference.ERRORS.values(), start=5)}
_NUMBER = 5 + len(_ERRORS)  # codes from here on have an E.164 number
_LONGEST_TEXT = 20  # bytes; of a longer number, the integer is only the first digits
_FEW = 8  # parts
_NARROW = 20_000  # of so many equal parts of all strings, a narrow cell covers less than one
_SIZE_AND_TOP = 42  # bits of a float behind those of its size and first three digits
#: Note of a cell that the tables left to `phonenumbers`.
ASKED = "asked"
#: What is in every damaged cell that reads as digits.
_SIGNS = "[.．*＊?？_~～xX×\u2022\u25cf\u2026\u22ef]|---|-[01][0-9]-[0-3]"
_PLUS = "+"  # the name under which the table of international numbers is kept
_PLAN, _INTERNATIONAL = "plan", "plus"  # names of files


class _Meanings:
    """The distinct (region, type, status) and their codes; grows when an asked answer is a new one."""

    def __init__(self) -> None:
        statuses = [None] * _MISSING + ["missing", *_ERRORS]
        self._told: list[tuple[Any, Any, Any]] = [(None, None, status) for status in statuses]
        self._code = {meaning: code for code, meaning in enumerate(self._told) if code >= _MISSING}
        self._lock = threading.Lock()
        self.columns = self._series()
        self.invalid = self._invalid()

    def learn(self, meanings: pl.DataFrame) -> _Codes:
        """The code of each row of region, type and status."""
        with self._lock:
            before = len(self._told)
            codes: _Codes = np.fromiter(map(self._code_of, meanings.iter_rows()), dtype=np.uint32, count=len(meanings))
            if len(self._told) > before:
                self.columns = self._series()
                self.invalid = self._invalid()
            return codes

    def _code_of(self, row: tuple[Any, Any, Any]) -> int:
        code = self._code.setdefault(row, len(self._told))
        if code == len(self._told):
            self._told.append(row)
        return code

    def _invalid(self) -> Flags:
        return np.array([status == "invalid" for *_, status in self._told])

    def _series(self) -> tuple[pl.Series, pl.Series, pl.Series]:
        region, kind, status = zip(*self._told, strict=True)
        return (
            pl.Series("region", region, dtype=pl.String),
            pl.Series("type", kind, dtype=schema.PHONE_TYPES),
            pl.Series("status", status, dtype=schema.PHONE_STATUSES),
        )


@dataclass
class Told:
    """The answers to a batch, before they are put into columns.

    Attributes:
        number: E.164 numbers; only where the code is that of a number.
        code: Codes of region, type and status.
        rows: The rows that were asked of `phonenumbers`.
        asked: Their E.164 forms, which may be longer than an integer holds.
    """

    number: Keys
    code: _Codes
    rows: Rows
    asked: pl.Series


@dataclass
class _Table:
    """Keys to results: `add` to the key, or to its low digits, and the code of what that is."""

    start: Keys
    add: Keys
    keep: npt.NDArray[np.uint8]
    code: _Codes
    index: Index = field(init=False)

    def __post_init__(self) -> None:
        self.index = Index(self.start)


class Book:
    """The tables of one version of `phonenumbers`, each made or loaded when first used."""

    def __init__(self) -> None:
        self.codes = _Meanings()
        self._lock = threading.RLock()
        self._plan: _Table | None = None
        self._tables: dict[str, _Table] = {}

    def plan(self, *, within_query: bool = True) -> _Table:
        """E.164 number → code."""
        with self._lock:
            if self._plan is None:
                world = shelf.fetch(_PLAN, plan.PLAN, plan.build, within_query=within_query)
                codes = self.codes.learn(world.payload)
                low, high = world.low.to_numpy(), world.high.to_numpy()
                zeros = np.zeros(len(low), dtype=np.uint64)
                self._plan = _filled(low, high, zeros, zeros.astype(np.uint8), codes)
            return self._plan

    def table(self, name: str, *, within_query: bool = True) -> _Table:
        """Key → result, for a region or, under `+`, for international numbers."""
        table = self._tables.get(name)
        if table is not None:
            return table
        with self._lock:
            if name not in self._tables:
                self.plan(within_query=within_query)
                region = None if name == _PLUS else name
                self._tables[name] = self._joined(fetch_routes(region, within_query=within_query))
            return self._tables[name]

    def _joined(self, region: Intervals) -> _Table:
        """A route table with the plan laid over its *shift* cells, narrow ones with many parts excepted."""
        world = self.plan()
        low, high = region.low.to_numpy(), region.high.to_numpy()
        add, keep = region.payload["add"].to_numpy(), region.payload["keep"].to_numpy()
        fixed = {routes.SHIFT: _SHIFT, routes.STRIP: _STRIP, routes.ABROAD: _ABROAD, **_ERRORS}
        code = np.array([fixed[action] for action in region.payload["action"].to_list()], dtype=np.uint32)
        laid = code == _SHIFT
        first, last = np.zeros(len(low), dtype=np.int64), np.zeros(len(low), dtype=np.int64)
        first[laid] = np.searchsorted(world.start, low[laid] + add[laid], side="right") - 1
        last[laid] = np.searchsorted(world.start, high[laid] + add[laid], side="right") - 1
        # A long carrier prefix has few callers, but as many parts as the country has numbers.
        laid &= (last - first < _FEW) | (high - low > low // np.uint64(_NARROW))
        first[~laid], last[~laid] = 0, 0
        row = np.repeat(np.arange(len(low)), last - first + 1)
        place = np.arange(len(row)) - np.searchsorted(row, row) + first[row]
        # Past the first, the parts of a cell begin where the plan's cells begin.
        begin = np.where(place == first[row], low[row], world.start[place] - add[row])
        stop = np.append(begin[1:] - np.uint64(1), high[-1:])
        ends = np.append(row[1:] != row[:-1], [True] * min(len(row), 1))
        stop[ends] = high[row[ends]]
        return _filled(begin, stop, add[row], keep[row], np.where(laid[row], world.code[place], code[row]))


def _filled(low: Keys, high: Keys, add: Keys, keep: npt.NDArray[np.uint8], code: _Codes) -> _Table:
    """A table without gaps: what lies between the cells is *ask*."""
    gap = np.append(high[:-1] + np.uint64(1) != low[1:], True)
    start = np.concatenate([[np.uint64(0)], low, high[gap] + np.uint64(1)])
    order = np.argsort(start, kind="stable")

    def spread(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        nothing = np.zeros(1 + int(gap.sum()), dtype=values.dtype)
        return np.concatenate([nothing[:1], values, nothing[1:]])[order]

    start, add, keep, code = start[order], spread(add), spread(keep), spread(code)
    new = np.ones(len(start), dtype=bool)
    new[1:] = (add[1:] != add[:-1]) | (keep[1:] != keep[:-1]) | (code[1:] != code[:-1])
    return _Table(start[new], add[new], keep[new], code[new].astype(np.uint32))


def fetch_routes(region: str | None, *, within_query: bool = False) -> Intervals:
    """The route table of a region or, for None, of international numbers, by way of the cache."""
    return shelf.fetch(region or _INTERNATIONAL, routes.ROUTES, lambda: routes.build(region), within_query=within_query)


_book = Book()


def prepare(region: str | None) -> None:
    """Make or load the tables of a region, or of international numbers, before a query needs them in its midst."""
    if region is None or region in phonenumbers.SUPPORTED_REGIONS:
        _book.table(region or _PLUS, within_query=False)


def names_of(regions: Iterable[str]) -> list[str]:
    """Names of the tables by which numbers dialled in some regions are read."""
    return [_PLAN, _INTERNATIONAL, *regions]


def tables(names: Iterable[str]) -> dict[str, Intervals]:
    """The tables of these names, for another process, where `shelf.lend` takes them."""
    regions = (name for name in names if name not in (_PLAN, _INTERNATIONAL))
    routed = {_INTERNATIONAL: fetch_routes(None), **{region: fetch_routes(region) for region in regions}}
    return {_PLAN: shelf.fetch(_PLAN, plan.PLAN, plan.build), **routed}


def tell(cells: pl.Series, region: str | pl.Series | None) -> Told:
    """The answers to a batch of cells.

    Args:
        cells: String, any integer type or Float64.
        region: One region code for all, a String series of one for each row, or None.
    """
    dialled_cells = dialled.read(cells)
    number, code = _found_in_tables(dialled_cells, region)
    code[dialled_cells.missing] = _MISSING
    code[dialled_cells.wordy] = _ERRORS["not_a_number"]
    rows = np.flatnonzero(code == _ASK)
    asked = pl.Series("e164", [], dtype=pl.String)
    if len(rows):
        dialled_in = region.gather(rows) if isinstance(region, pl.Series) else pl.lit(region, dtype=pl.String)
        frame = dialled.texts(cells.gather(rows)).to_frame("text").select("text", region=dialled_in)
        replies = asking.answers(frame)
        asked, code[rows] = replies["e164"], _book.codes.learn(replies.select("region", "type", "status"))
        number[rows] = asked.str.slice(1, 19).cast(pl.UInt64).fill_null(0).to_numpy()
    return Told(number, code, rows, asked)


def keys_of(cells: pl.Series, region: str | pl.Series | None) -> PlainKeys:
    """The E.164 numbers of the cells that the tables know, 0 for all others, and which are not valid.

    Regions are as for `tell`. Damaged cells have none either, although libphonenumber reads on past a point.
    """
    dialled_cells = dialled.read(cells)
    number, code = _found_in_tables(dialled_cells, region)
    number[code < _NUMBER] = 0
    number[_damaged(dialled_cells)] = 0
    return PlainKeys(number, _book.codes.invalid.take(code))


def _damaged(cells: Dialled) -> Rows:
    """The rows of damaged cells that read as digits. Few have such a sign, and that is cheap to tell."""
    signed = np.flatnonzero(cells.texts.str.contains(_SIGNS).to_numpy())
    rows: Rows = cells.written[signed[taken(cells.texts, signed).str.contains(DAMAGED).to_numpy()]]
    return rows


def _found_in_tables(cells: Dialled, region: str | pl.Series | None) -> tuple[Keys, _Codes]:
    if isinstance(region, pl.Series):
        return _resolved_by_row(cells, region.cast(pl.String))
    return _resolved(cells.key, cells.plus, region)


def _resolved(key: Keys, plus: Flags, region: str | None) -> tuple[Keys, _Codes]:
    """Number and code of keys dialled in one region."""
    number, code = np.empty(len(key), dtype=np.uint64), np.empty(len(key), dtype=np.uint32)
    for block in blocks(len(key)):
        _resolve(key[block], plus[block], region, number[block], code[block])
    return number, code


def _resolve(key: Keys, plus: Flags, region: str | None, number: Keys, code: _Codes) -> None:
    """Fills in number and code of a block of keys."""
    number[:], code[:] = 0, _ASK
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        return
    rows = np.flatnonzero(plus)
    if len(rows) < len(key):
        if region is None:
            code[:] = _ERRORS["invalid_country_code"]
        else:
            number[:], code[:] = _found(key, _book.table(region))
    if len(rows):
        numbers, codes = _found(key[rows], _book.table(_PLUS))
        if region is not None:
            # Behind a plus, what is no country code is dialled once more in the region.
            codes[codes == _ERRORS["invalid_country_code"]] = _ASK
        number[rows], code[rows] = numbers, codes
    code[key == 0] = _ASK


def _resolved_by_row(dialled_cells: Dialled, region: pl.Series) -> tuple[Keys, _Codes]:
    """Number and code of keys, each dialled in a region of its own."""
    number, code = np.zeros(len(region), dtype=np.uint64), np.zeros(len(region), dtype=np.uint32)
    names = [*sorted(phonenumbers.SUPPORTED_REGIONS), _PLUS]
    world, nowhere, unknown = len(names) - 1, len(names), len(names) + 1
    place = region.cast(pl.Enum(names[:world]), strict=False).to_physical().cast(pl.UInt16)
    if place.null_count():
        place = place.zip_with(region.is_not_null(), pl.Series([nowhere], dtype=pl.UInt16)).fill_null(unknown)
    home = place.to_numpy()
    table, refused = np.where(dialled_cells.plus, np.uint16(world), home), _ERRORS["invalid_country_code"]
    read = (dialled_cells.key != 0) & (home != unknown)
    code[read & (table == nowhere)] = refused
    rows = np.flatnonzero(read & (table != nowhere))
    if not len(rows):
        return number, code
    # Table by table, and in each by magnitude and first digits: a search is quick near where the last one ended.
    size = dialled_cells.key[rows].astype(np.float64).view(np.int64) >> _SIZE_AND_TOP
    rows = rows[np.lexsort((size.astype(np.uint16), table[rows]))]
    keys, tables = dialled_cells.key[rows], table[rows]
    add, keep, codes = np.empty_like(keys), np.empty(len(rows), dtype=np.uint8), np.empty(len(rows), dtype=np.uint32)
    starts = np.flatnonzero(np.append(True, tables[1:] != tables[:-1]))
    for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
        cells = _book.table(names[tables[start]])
        cell = np.searchsorted(cells.start, keys[start:stop], side="right") - 1
        add[start:stop], keep[start:stop], codes[start:stop] = cells.add[cell], cells.keep[cell], cells.code[cell]
    number[rows], code[rows] = _followed(keys, add, keep, codes)
    code[dialled_cells.plus & (home < nowhere) & (code == refused)] = _ASK
    return number, code


def _found(key: Keys, table: _Table) -> tuple[Keys, _Codes]:
    """Number and code of keys in one table."""
    cell = table.index.find(key)
    return _followed(key, table.add.take(cell), table.keep.take(cell), table.code.take(cell))


def _followed(key: Keys, add: Keys, keep: npt.NDArray[np.uint8], code: _Codes) -> tuple[Keys, _Codes]:
    """Number and code of keys, by what the cells in which they lie say."""
    number: Keys = key + add
    rows = np.flatnonzero((code >= _SHIFT) & (code <= _ABROAD))
    if not len(rows):
        return number, code
    power, then = POWERS[keep[rows]], code[rows]
    low = key[rows] % power
    strip, abroad, home = then == _STRIP, then == _ABROAD, rows[then != _ABROAD]
    number[rows[strip]] = low[strip] + add[rows[strip]]
    if len(home):
        world = _book.plan()
        code[home] = world.code[world.index.find(number[home])]
    if abroad.any():
        number[rows[abroad]], code[rows[abroad]] = _found((low + power)[abroad], _book.table(_PLUS))
    return number, code


def fields(cells: pl.Series, region: str | pl.Series | None) -> pl.Series:
    """`schema.PHONE` for a batch of cells."""
    meanings = tell(cells, region)
    text = written(meanings.number, meanings.code >= _NUMBER)
    if len(meanings.rows):
        long = (meanings.asked.str.len_bytes() > _LONGEST_TEXT).fill_null(value=False)
        text = text.scatter(meanings.rows[long.to_numpy()], meanings.asked.filter(long)) if long.any() else text
    code = pl.Series(meanings.code)
    return pl.DataFrame([text, *(column[code] for column in _book.codes.columns)]).to_struct(cells.name)


def scan(cells: pl.Series, region: str | pl.Series | None) -> pl.Series:
    """`schema.SCAN` for a batch of cells: the number as an integer, without any text of it.

    19 digits always fit; a longer number shares its key with another, and evidence compares the text.
    """
    meanings = tell(cells, region)
    key = pl.Series("key", meanings.number)
    plain = meanings.code >= _NUMBER
    if not plain.all():
        key = key.zip_with(pl.Series(plain), nulls("key", pl.UInt64, len(key)))
    status = _book.codes.columns[2].cast(pl.String)[pl.Series(meanings.code)]
    stub = nulls("stub", pl.UInt64, len(key))
    shown, note = (nulls(name, pl.String, len(key)) for name in ("shown", "note"))
    if len(meanings.rows):
        note = note.scatter(meanings.rows, ASKED)
    return pl.DataFrame([key, stub, shown, status, note]).to_struct(cells.name)
