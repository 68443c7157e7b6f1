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
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata

from cardscreen.foundation.lookup.digits import Flags, Keys, PlainKeys, Rows, are_null, nulls, taken
from cardscreen.foundation.lookup.index import Index
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.foundation.lookup.texts import Texts
from cardscreen.kinds.phone.numbering import asking, patterns, plan, routes, shelf
from cardscreen.kinds.phone.numbering.characters import ASCII, KNOWN, classes
from cardscreen.kinds.phone.numbering.loops import reading
from cardscreen.kinds.phone.numbering.loops.written import written
from cardscreen.kinds.phone.numbering.meanings import (
    ABROAD,
    ABROAD_TABLE,
    ADD,
    ASK,
    CHARACTERS,
    CODE,
    ERRORS,
    HERE,
    LONG,
    LONGEST,
    NOWHERE,
    NUMBER,
    PLACE,
    SHIFT,
    START,
    STRIP,
    TOLD,
    UNKNOWN,
    WIDTH,
    Codes,
    Meanings,
)
from cardscreen.tables.cells import text_of

_LONGEST_TEXT = 20  # bytes; of a longer number, the integer is only the first digits
_FEW = 8  # parts
_NARROW = 20_000  # of so many equal parts of all strings, a narrow cell covers less than one
#: Note of a cell that the tables left to `phonenumbers`.
ASKED = "asked"
_PLUS = "+"  # the name under which the table of international numbers is kept
_PLAN, _INTERNATIONAL, _CODES = "plan", "plus", "codes"  # names of files
#: Where cells may be dialled: in a region; in one that libphonenumber doesn't know; anywhere.
_REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
_PLACES = [*_REGIONS, "", None]
_UNKNOWN, _NOWHERE = len(_REGIONS), len(_REGIONS) + 1


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
    code: Codes
    rows: Rows
    asked: pl.Series


class _Table:
    """Keys to results, as the loop takes them: rows as `meanings` has them, and where to find a key's."""

    def __init__(self, start: Keys, add: Keys, keep: npt.NDArray[np.uint8], code: Codes) -> None:
        self._rows = np.empty((len(start), WIDTH), dtype=np.uint64)
        self._rows[:, START], self._rows[:, ADD] = start, add
        self._rows[:, TOLD] = code | keep.astype(np.uint64) << np.uint64(CODE)
        self._index = Index(self._rows[:, START])
        #: Where the loop finds it.
        self.address = self._index.address
        self.start, self.code = start, code


class Book:
    """The tables of one version of `phonenumbers`, each made or loaded when first used."""

    def __init__(self) -> None:
        self.codes = Meanings()
        self._lock = threading.RLock()
        self._plan: _Table | None = None
        self._tables: dict[str, _Table] = {}
        self._drops: npt.NDArray[np.uint8] | None = None
        #: Of how many characters the loop knows the classes: those of others take a while.
        self.characters = ASCII
        self._places = np.zeros((len(_PLACES), PLACE), dtype=np.int64)
        self._places[:, 0] = UNKNOWN

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

    def drops(self, *, within_query: bool = True) -> npt.NDArray[np.uint8]:
        """By country code, how many digits behind a plus may be no part of the number: the code's, and prefixes."""
        with self._lock:
            if self._drops is None:
                table, self._drops = _fetch_codes(within_query=within_query), np.zeros(1000, dtype=np.uint8)
                self._drops[table.low.to_numpy()] = table.payload["drop"].to_numpy()
            return self._drops

    @property
    def abroad(self) -> int:
        """The address of the table of international numbers; 0 where nobody needed it yet."""
        table = self._tables.get(_PLUS)
        return table.address if table else 0

    def add(self, lacking: int) -> None:
        """What the loop lacked: `meanings.ABROAD_TABLE` and so on."""
        if lacking & ABROAD_TABLE:
            self.table(_PLUS)
        if lacking & CHARACTERS:
            self.characters = KNOWN

    def places(self, wanted: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
        """What the loop must know of each of `_PLACES`, as far as some of them are wanted."""
        for place in np.flatnonzero(np.bincount(wanted)):
            if place != _UNKNOWN and self._places[place, 0] == UNKNOWN:
                self._places[place] = self._told_of(_PLACES[place])
        return self._places

    def _told_of(self, region: str | None) -> list[int]:
        """What the loop must know of a place: `meanings.PLACE`."""
        if region is None:
            return [NOWHERE, 0, 0, 0, False]
        metadata: Any = PhoneMetadata.metadata_for_region(region)
        dropped, described = patterns.longest(metadata.national_prefix_for_parsing or ""), metadata.general_desc
        most = max(*described.possible_length, *described.possible_length_local_only, 0)
        return [HERE, self.table(region).address, metadata.country_code, dropped, most < LONGEST - dropped]

    def _joined(self, region: Intervals) -> _Table:
        """A route table with the plan laid over its *shift* cells, narrow ones with many parts excepted."""
        world = self.plan()
        low, high = region.low.to_numpy(), region.high.to_numpy()
        add, keep = region.payload["add"].to_numpy(), region.payload["keep"].to_numpy()
        fixed = {routes.SHIFT: SHIFT, routes.STRIP: STRIP, routes.ABROAD: ABROAD, routes.LONG: LONG, **ERRORS}
        code = np.array([fixed[action] for action in region.payload["action"].to_list()], dtype=np.uint32)
        laid = code == SHIFT
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


def _filled(low: Keys, high: Keys, add: Keys, keep: npt.NDArray[np.uint8], code: Codes) -> _Table:
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
    _book.drops(within_query=False)


def names_of(regions: Iterable[str]) -> list[str]:
    """Names of the tables by which numbers dialled in some regions are read."""
    return [_PLAN, _INTERNATIONAL, _CODES, *regions]


def tables(names: Iterable[str]) -> dict[str, Intervals]:
    """The tables of these names, for another process, where `shelf.lend` takes them."""
    regions = (name for name in names if name not in (_PLAN, _INTERNATIONAL, _CODES))
    routed = {_INTERNATIONAL: fetch_routes(None), **{region: fetch_routes(region) for region in regions}}
    return {_PLAN: shelf.fetch(_PLAN, plan.PLAN, plan.build), _CODES: _fetch_codes(), **routed}


def tell(cells: pl.Series, region: str | pl.Series | None) -> Told:
    """The answers to a batch of cells.

    Args:
        cells: String, any integer type or Float64.
        region: One region code for all, a String series of one for each row, or None.
    """
    texts = text_of(cells)
    number, code, _ = _found_in_tables(texts, region)
    rows = np.flatnonzero(code == ASK)
    asked = pl.Series("e164", [], dtype=pl.String)
    if len(rows):
        dialled_in = taken(region, rows) if isinstance(region, pl.Series) else pl.lit(region, dtype=pl.String)
        frame = taken(texts, rows).to_frame("text").select("text", region=dialled_in)
        replies = asking.answers(frame)
        asked, code[rows] = replies["e164"], _book.codes.learn(replies.select("region", "type", "status"))
        number[rows] = asked.str.slice(1, 19).cast(pl.UInt64).fill_null(0).to_numpy()
    return Told(number, code, rows, asked)


def keys_of(cells: pl.Series, region: str | pl.Series | None) -> tuple[PlainKeys, Rows]:
    """The E.164 numbers of the cells that the tables know, 0 for all others, and which are not valid.

    Regions are as for `tell`. Also the places of numbers of cells that are more than digits and harmless punctuation.
    """
    if not isinstance(region, pl.Series):
        prepare(region)
    texts = text_of(cells)
    number, code, odd = _found_in_tables(texts, region)
    return PlainKeys(number, _book.codes.invalid.take(code)), np.flatnonzero(odd & (number > 0))


def _found_in_tables(texts: pl.Series, region: str | pl.Series | None) -> tuple[Keys, Codes, Flags]:
    """The number and the code of each text; and which are more than digits and harmless punctuation."""
    number, code = np.empty(len(texts), dtype=np.uint64), np.empty(len(texts), dtype=np.uint32)
    odd, cells, place = np.empty(len(texts), dtype=bool), Texts(texts), _places(region)
    scratch = np.empty(reading.SCRATCH, dtype=np.int64)
    known, plan, drops = _book.places(place), _book.plan().address, _book.drops()
    while True:
        signs = classes(_book.characters)
        reading.tell(
            *(cells.address, len(texts), signs, len(signs), place, len(place) == 1, known, _book.abroad, plan, drops),
            *(scratch, number, code, odd),
        )
        if not scratch[0]:
            return number, code, odd
        _book.add(int(scratch[0]))


def _places(region: str | pl.Series | None) -> npt.NDArray[np.uint16]:
    """Where each row is dialled, by its place among `_PLACES`; one number where all are dialled in the same place."""
    if not isinstance(region, pl.Series):
        return np.array([_PLACES.index(region) if region in _PLACES else _UNKNOWN], dtype=np.uint16)
    known = region.cast(pl.String).cast(pl.Enum(_REGIONS), strict=False).to_physical().cast(pl.UInt16)
    place = known.fill_null(_UNKNOWN).to_numpy(writable=True)
    place[are_null(region)] = _NOWHERE
    return place


def _fetch_codes(*, within_query: bool = False) -> Intervals:
    return shelf.fetch(_CODES, routes.CODES, routes.build_codes, within_query=within_query)


def fields(cells: pl.Series, region: str | pl.Series | None) -> pl.Series:
    """`schema.PHONE` for a batch of cells."""
    meanings = tell(cells, region)
    text = written(meanings.number, meanings.code >= NUMBER)
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
    plain = meanings.code >= NUMBER
    if not plain.all():
        key = key.zip_with(pl.Series(plain), nulls("key", pl.UInt64, len(key)))
    status = _book.codes.columns[2].cast(pl.String)[pl.Series(meanings.code)]
    stub = nulls("stub", pl.UInt64, len(key))
    shown, note = (nulls(name, pl.String, len(key)) for name in ("shown", "note"))
    if len(meanings.rows):
        note = note.scatter(meanings.rows, ASKED)
    return pl.DataFrame([key, stub, shown, status, note]).to_struct(cells.name)
