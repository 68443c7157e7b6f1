"""Route tables: which E.164 number a dialled string of digits means.

What `phonenumbers.parse` makes of n digits depends on them only through the patterns of its
metadata, and each pattern accepts a few intervals of n-digit strings (`patterns`). So parsing is
followed here once for *all* strings of a length: whenever it would test a pattern, the interval at
hand is cut where the answer changes, and each piece goes its own way. What is left of the string by
then is always some constant digits and the last digits of the input, so each piece ends with one of

* *shift*: the E.164 number is the key plus a constant;
* *strip*: keep the low digits of the key and add a constant (many prefixes, one meaning);
* *abroad*: an IDD prefix was dialled: keep the low digits and look them up behind a plus;
* *long*: an E.164 number of more digits than the plan holds;
* an *error*, by its status, or
* *ask*: no single rule was found, or too many pieces would be needed: `phonenumbers` must be asked.

The key of a string is 10ⁿ + its digits: the leading 1 keeps the length and the leading zeros. There
is one table for strings that begin with a plus, and one for each region that dials without.

Nothing is taken on trust: `phonenumbers` is asked about both ends of every piece, and a piece with an
end that it reads otherwise is *ask*.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata

from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.kinds.phone.numbering import patterns, reference
from cardscreen.kinds.phone.numbering.meanings import LONGEST, SHORTEST
from cardscreen.kinds.phone.numbering.patterns import Piece, Spans

#: Most digits of an E.164 number that the plan holds.
LONGEST_E164 = 19
#: How a cell's key becomes an E.164 number. Statuses of `schema.PHONE_STATUSES` are the errors.
SHIFT, STRIP, ABROAD, LONG, ASK = "shift", "strip", "abroad", "long", "ask"
#: What a table says of each interval of keys; those below, between and above are *ask*.
ROUTES: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "action": pl.String,
    "keep": pl.UInt8,
    "add": pl.UInt64,
}

#: What is said of each country code.
CODES: Mapping[str, pl.DataType | type[pl.DataType]] = {"drop": pl.UInt8}

_MIN_NSN, _MAX_NSN = 2, 17  # digits
_MAX_PIECES = 3000  # cells that one cut may make before asking is the better deal
_MAX_CROWD = 400  # pieces of an IDD pattern behind the same two digits
_WRAP = 1 << 64
_RULE_PART = re.compile(r"\\(?:g<)?(\d+)>?")


@dataclass(frozen=True)
class _View:
    """What is left of a string: `lead`, then the last `keep` digits of the input."""

    lead: str
    keep: int

    def __len__(self) -> int:
        return len(self.lead) + self.keep

    def behind(self, count: int) -> _View:
        """Without the first `count` digits."""
        cut = count - len(self.lead)
        return _View(self.lead[count:], self.keep) if cut <= 0 else _View("", self.keep - cut)


@dataclass(frozen=True)
class _End:
    """Where following the parser ended: an action, and for numbers the country code and the rest."""

    action: str
    country: int = 0
    view: _View = _View("", 0)


_ASK_END = _End(ASK)


@dataclass(frozen=True)
class _Cell:
    """The digit strings of one length from `low` to `high`."""

    length: int
    low: int
    high: int

    def cut(self, view: _View, pieces: list[Piece]) -> Iterator[tuple[_Cell, Any]]:
        """This cell in parts, each with the value that `pieces` gives what is left of its strings.

        `pieces` cover all strings as long as the view. The value of a part is the class `_Cell` as a
        mark where too many parts would be needed.
        """
        weight = 10**view.keep
        base = int(view.lead or "0") * weight
        first, last = self.low // weight, self.high // weight
        if first == last:
            shift = self.low - self.low % weight - base
            for low, high, value in _within(pieces, self.low - shift, self.high - shift):
                yield _Cell(self.length, low + shift, high + shift), value
            return
        inside = _within(pieces, base, base + weight - 1)
        if len(inside) == 1:
            yield self, inside[0][2]
            return
        if (last - first + 1) * len(inside) > _MAX_PIECES:
            yield self, _Cell
            return
        for top in range(first, last + 1):
            shift = top * weight - base
            for low, high, value in inside:
                begin, stop = max(self.low, low + shift), min(self.high, high + shift)
                if begin <= stop:
                    yield _Cell(self.length, begin, stop), value

    def tops(self, digits: int) -> Iterator[tuple[_Cell, str | None]]:
        """This cell in parts whose strings begin with the same `digits` digits; None: too many."""
        weight = 10 ** (self.length - digits)
        first, last = self.low // weight, self.high // weight
        if last - first >= _MAX_PIECES:
            yield self, None
            return
        for top in range(first, last + 1):
            part = _Cell(self.length, max(self.low, top * weight), min(self.high, (top + 1) * weight - 1))
            yield part, str(top).zfill(digits) if digits else ""


_Parts = Iterator[tuple[_Cell, _View | None]]
_Ends = Iterator[tuple[_Cell, _End]]


class _Region:
    """What parsing consults of one region's metadata."""

    def __init__(self, metadata: Any) -> None:
        self.country: int = metadata.country_code
        self.idd: str | None = metadata.international_prefix
        self.prefix: str | None = metadata.national_prefix_for_parsing
        self.rule: str = metadata.national_prefix_transform_rule or ""
        self.general: str = metadata.general_desc.national_number_pattern or ""
        self._lengths = tuple(metadata.general_desc.possible_length)
        self._local = tuple(metadata.general_desc.possible_length_local_only)

    def too_long(self, digits: int) -> bool:
        """Longer than any number of the region."""
        return digits not in self._local and digits > self._lengths[-1]

    def keeps_stripped(self, digits: int) -> bool:
        """Whether what a national prefix leaves is taken when it has so many digits."""
        return self.too_long(digits) or (digits not in self._local and digits in self._lengths)

    def viable(self, view: _View) -> list[Piece]:
        """Which strings as long as the view match the region's general pattern."""
        return _yes_no(self.general, len(view))

    def strip(self, cell: _Cell, view: _View) -> _Parts:
        """The view without national prefix and carrier code, as far as the region strips them."""
        if not len(view) or not self.prefix:
            yield cell, view
            return
        for part, spans in cell.cut(view, patterns.prefixes(self.prefix, len(view))):
            if spans is None:
                yield part, view
            elif spans is _Cell:
                yield part, None
            else:
                for piece, shorter in self._rewritten(part, view, spans):
                    yield from self._unless_worse(piece, view, shorter)

    def _rewritten(self, cell: _Cell, view: _View, spans: Spans) -> _Parts:
        """The view with the prefix that a match found removed, or replaced by the region's rule."""
        end = spans[0][1]
        if not self.rule or (len(spans) > 1 and spans[-1][0] < 0):
            yield cell, view.behind(end)
            return
        if len(spans) == 1:
            yield cell, None  # a rule without a group to apply it to: parsing fails, so ask
            return
        # Everything before the last untouched digits must be constant to be put in front of them.
        wanted, tail = _resolved(self.rule, spans)
        final = wanted[-1] if wanted else None
        if final is not None and final[1] == end:
            tail = final[0]
            wanted.pop()
        deepest = max((stop for _, stop in filter(None, wanted) if stop > 0), default=0)
        hidden = cell.length - view.keep
        for part, top in cell.tops(max(hidden + deepest - len(view.lead), 0)):
            if top is None:
                yield part, None
                continue
            known = view.lead + top[hidden:]
            rest = view.behind(tail)
            literal = iter(_literals(self.rule))
            front = "".join(known[span[0] : span[1]] if span else next(literal) for span in wanted)
            yield part, _View(front + rest.lead, rest.keep)

    def _unless_worse(self, cell: _Cell, view: _View, shorter: _View | None) -> _Parts:
        """A viable number is not stripped into one that is not."""
        if shorter is None:
            yield cell, None
            return
        for part, before in cell.cut(view, self.viable(view)):
            if before is False:
                yield part, shorter
                continue
            for piece, after in part.cut(shorter, self.viable(shorter)):
                if before is _Cell or after is _Cell:
                    yield piece, None
                else:
                    yield piece, shorter if after else view


def _resolved(rule: str, spans: Spans) -> tuple[list[tuple[int, int] | None], int]:
    """The groups that a rule puts in order (None stands for literal text), and the end of the match."""
    wanted: list[tuple[int, int] | None] = []
    for index, part in enumerate(_RULE_PART.split(rule)):
        if index % 2:
            wanted.append(spans[int(part)] if spans[int(part)][0] >= 0 else (0, 0))
        elif part:
            wanted.append(None)
    return wanted, spans[0][1]


def _literals(rule: str) -> list[str]:
    return [part for part in _RULE_PART.split(rule)[::2] if part]


def _within(pieces: list[Piece], low: int, high: int) -> list[Piece]:
    """The pieces between two bounds, cut at these."""
    first = bisect_right(pieces, low, key=lambda piece: piece[0]) - 1
    out = []
    for start, stop, value in pieces[first:]:
        if start > high:
            break
        out.append((max(start, low), min(stop, high), value))
    return out


@lru_cache(maxsize=4096)
def _yes_no(pattern: str, length: int) -> list[Piece]:
    """All strings of one length, as pieces that say whether the whole string matches."""
    pieces: list[Piece] = []
    at = 0
    for low, high in patterns.matching(pattern, length) if pattern else []:
        pieces += [(at, low - 1, False)] * (at < low) + [(low, high, True)]
        at = high + 1
    return pieces + [(at, 10**length - 1, False)] * (at < 10**length)


def _begins_with(text: str, length: int) -> list[Piece]:
    """All strings of one length, as pieces that say whether they begin with these digits."""
    if length < len(text):
        return [(0, 10**length - 1, False)]
    return _yes_no(text + rf"\d{{{length - len(text)}}}", length)


@lru_cache(maxsize=64)
def _idd(pattern: str, length: int) -> list[Piece]:
    """What an IDD pattern finds, with those first two digits behind which it is scattered as `_Cell`."""
    parts, weight = patterns.prefixes(pattern, length), 10 ** (length - 2)
    out: list[Piece] = []
    for top in range(100):
        low, high = top * weight, (top + 1) * weight - 1
        pieces = _within(parts, low, high)
        out += [(low, high, _Cell)] if len(pieces) > _MAX_CROWD else pieces
    return patterns.joined(out)


@lru_cache(maxsize=512)
def _region(code: str) -> _Region:
    return _Region(PhoneMetadata.metadata_for_region(code, None))


@lru_cache(maxsize=512)
def _country(code: int) -> _Region:
    """The region that speaks for a country code."""
    home = phonenumbers.region_code_for_country_code(code)
    return _Region(PhoneMetadata.metadata_for_region_or_calling_code(code, home))


def _finish(cell: _Cell, view: _View, country: int, home: _Region) -> _Ends:
    """From a national number to the end of parsing: prefix, length checks, result."""
    if len(view) < _MIN_NSN:
        yield cell, _End("too_short_nsn")
        return
    for part, shorter in home.strip(cell, view):
        if shorter is None:
            yield part, _ASK_END
            continue
        left = shorter if home.keeps_stripped(len(shorter)) else view
        if len(left) < _MIN_NSN:
            yield part, _End("too_short_nsn")
        elif len(left) > _MAX_NSN:
            yield part, _End("too_long")
        else:
            yield part, _End(SHIFT, country, left)


def _behind_plus(cell: _Cell) -> _Ends:
    """Strings that follow a plus: a country code, then a national number."""
    view = _View("", cell.length)
    for part, country in cell.cut(view, _country_codes(cell.length)):
        if country is None:
            yield part, _End("invalid_country_code")
        else:
            yield from _finish(part, view.behind(len(str(country))), country, _country(country))


@lru_cache(maxsize=32)
def _country_codes(length: int) -> list[Piece]:
    """Pieces that say which country code the digits behind a plus begin with, None for none."""
    deep = min(3, length)
    by_top = []
    for top in range(10**deep):
        text = str(top).zfill(deep)
        heads = [int(text[:size]) for size in range(1, deep + 1)] if text[0] != "0" else []
        by_top.append(next((head for head in heads if head in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), None))
    weight = 10 ** (length - deep)
    return patterns.joined((top * weight, (top + 1) * weight - 1, code) for top, code in enumerate(by_top))


def _dialled(cell: _Cell, home: _Region) -> _Ends:
    """Strings dialled in a region: perhaps an IDD prefix, perhaps the region's own country code."""
    whole = _View("", cell.length)
    for part, spans in cell.cut(whole, _idd(home.idd or "NonMatch", cell.length)):
        if spans is _Cell:
            yield part, _ASK_END
        elif spans is None:
            yield from _domestic(part, whole, home)
        else:
            yield from _behind_idd(part, whole, spans[0][1], home)


def _behind_idd(cell: _Cell, whole: _View, end: int, home: _Region) -> _Ends:
    """Country codes do not begin with 0, so a prefix before a 0 was none."""
    rest = whole.behind(end)
    for part, zero in cell.cut(rest, _begins_with("0", len(rest))):
        if zero is _Cell:
            yield part, _ASK_END
        elif zero:
            yield from _domestic(part, whole, home)
        elif len(rest) <= _MIN_NSN:
            yield part, _End("too_short_after_idd")
        else:
            yield part, _End(ABROAD, 0, rest)


def _domestic(cell: _Cell, whole: _View, home: _Region) -> _Ends:
    """Strings without IDD prefix; the country code may be there all the same."""
    code = str(home.country)
    for part, begins in cell.cut(whole, _begins_with(code, len(whole))):
        if begins is False:
            yield from _finish(part, whole, home.country, home)
            continue
        for piece, national in home.strip(part, whole.behind(len(code))):
            if begins is _Cell or national is None:
                yield piece, _ASK_END
            else:
                yield from _with_or_without_code(piece, whole, national, home)


def _with_or_without_code(cell: _Cell, whole: _View, national: _View, home: _Region) -> _Ends:
    """The leading digits are the country code if only that makes a number of what follows."""
    speaker = _country(home.country)
    if home.too_long(len(whole)):
        yield from _finish(cell, national, home.country, speaker)
        return
    for part, before in cell.cut(whole, home.viable(whole)):
        if before is True:
            yield from _finish(part, whole, home.country, home)
            continue
        for piece, after in part.cut(national, home.viable(national)):
            if before is _Cell or after is _Cell:
                yield piece, _ASK_END
            elif after:
                yield from _finish(piece, national, home.country, speaker)
            else:
                yield from _finish(piece, whole, home.country, home)


def build(region: str | None) -> Intervals:
    """The route table of a region, or, for None, of strings that begin with a plus, with the payload `ROUTES`."""
    follow: Callable[[_Cell], _Ends]
    if region is None:
        follow = _behind_plus
    else:
        home = _region(region)

        def follow(cell: _Cell) -> _Ends:
            return _dialled(cell, home)

    rows: list[tuple[int, int, str, int, int]] = []
    for length in range(SHORTEST, LONGEST + 1):
        try:
            ends = list(follow(_Cell(length, 0, 10**length - 1)))
        except patterns.UnknownSyntax:
            continue
        for cell, end in ends:
            row = _row(cell, end)
            if row[2] != ASK and _proven(cell, row, region):
                rows.append(row)
    _forget()
    return _joined(rows)


def build_codes() -> Intervals:
    """The country codes, with how many digits behind a plus may be no part of a number: the code's, and prefixes."""
    codes = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    drops = [len(str(code)) + patterns.longest(_country(code).prefix or "") for code in codes]
    _forget()
    ends = {"low": codes, "high": codes, "drop": drops}
    return Intervals.from_frame(pl.DataFrame(ends, schema={"low": pl.UInt64, "high": pl.UInt64, **CODES}))


def _forget() -> None:
    """Free what is only needed while a table is built."""
    for each in (_yes_no, _idd, _region, _country, _country_codes):
        each.cache_clear()
    patterns.forget()


def _row(cell: _Cell, end: _End) -> tuple[int, int, str, int, int]:
    """A row of `ROUTES` for a cell."""
    mark = 10**cell.length
    low, high, weight = mark + cell.low, mark + cell.high, 10**end.view.keep
    if end.action == ABROAD:
        return low, high, ABROAD, end.view.keep, 0
    if end.action != SHIFT:
        return low, high, end.action, 0, 0
    front = f"{end.country}{end.view.lead}"
    if len(front) + end.view.keep > LONGEST_E164:
        return low, high, LONG, 0, 0
    base = int(front) * weight
    if cell.low // weight == cell.high // weight:
        return low, high, SHIFT, 0, (base + cell.low % weight - low) % _WRAP
    return low, high, STRIP, end.view.keep, base


def _proven(cell: _Cell, row: tuple[int, int, str, int, int], region: str | None) -> bool:
    """Whether `phonenumbers` reads both ends of a cell as the row says."""
    for digits in {cell.low, cell.high}:
        text = str(digits).zfill(cell.length)
        read = _read("+" + text if region is None else text, region)
        if row[2] == LONG:
            read = read[0], None
        if read != _said(row, 10**cell.length + digits):
            return False
    return True


def _said(row: tuple[int, int, str, int, int], key: int) -> tuple[str, str | None]:
    """Status ("" for a number) and E.164 form that a row gives a key."""
    _, _, action, keep, add = row
    if action == SHIFT:
        return "", f"+{(key + add) % _WRAP}"
    if action == STRIP:
        return "", f"+{key % 10**keep + add}"
    if action == ABROAD:
        return _read("+" + str(key)[-keep:], None)
    if action == LONG:
        return "", None
    return action, None


def _read(text: str, region: str | None) -> tuple[str, str | None]:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as refusal:
        return reference.ERRORS[refusal.error_type], None
    return "", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _joined(rows: list[tuple[int, int, str, int, int]]) -> Intervals:
    """The table, with touching cells of one action made one."""
    pieces = patterns.joined((low, high, rest) for low, high, *rest in sorted(rows))
    table = [(low, high, *rest) for low, high, rest in pieces]
    return Intervals.from_frame(
        pl.DataFrame(table, schema={"low": pl.UInt64, "high": pl.UInt64, **ROUTES}, orient="row")
    )
