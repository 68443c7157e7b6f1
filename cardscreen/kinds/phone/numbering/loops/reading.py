"""The loop that reads cells of phone numbers: what is dialled, and what that means, by the tables.

Most cells are digits and ASCII punctuation, and are read at once; others are taken apart by `odd_cells`. The key of n
digits is 10ⁿ plus their value. Of more than 18 digits, which no key holds, all but a few are too long: that is told
without asking where even the longest prefixes that may be dropped would leave too many.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.digits import POWERS
from cardscreen.foundation.lookup.index import row_of
from cardscreen.foundation.lookup.pointers import bytes_at, halves_at, keys_at, longs_at, part, words_at
from cardscreen.foundation.lookup.texts import digits_alone, is_given, opened, place_of, size_of
from cardscreen.kinds.phone.numbering.characters import (
    BACKSLASH,
    BLANK,
    CLASS,
    COLON,
    COMMA,
    HYPHEN,
    OTHER,
    PLUS,
    PUNCTUATION,
    SEMICOLON,
    SIGN,
    SLASH,
    SPACE,
    STOP,
    TAB,
)
from cardscreen.kinds.phone.numbering.loops.odd_cells import READ, WANTS_ABROAD, WANTS_CHARACTERS, possible
from cardscreen.kinds.phone.numbering.meanings import (
    ABROAD,
    ABROAD_TABLE,
    ADD,
    ASK,
    CHARACTERS,
    CODE,
    LONG,
    LONGEST,
    MISSING,
    NO_COUNTRY,
    NO_NUMBER,
    NOTHING_ABROAD,
    NOWHERE,
    NUMBER,
    PLACE,
    SHIFT,
    SHORTEST,
    STRIP,
    TOLD,
    TOO_LONG,
    UNKNOWN,
    WIDTH,
)

_LONG = 8  # bytes
_LONGEST_CELL = 250  # bytes; libphonenumber refuses more characters than that
_LONGEST_NSN = 17  # digits
_ROOM = _LONG * _LONGEST_CELL
#: Whole numbers that the loop needs room for.
SCRATCH = 3 * _LONGEST_CELL
_LAST_DIGIT = 9
_ASCII = 0x80
_EIGHT = 8
_OF_MONTH = 2  # digits between the hyphens of a day
_FAR = 99  # digits since the last hyphen, where there was none
_ONE, _TEN = np.uint64(1), np.uint64(10)
_PLUS = ord("+")
_KEEP, _CODE = np.uint64(CODE), np.uint64((1 << CODE) - 1)
#: Sets of classes, a bit for each: what stands in numbers, and what may stand behind the last one.
_OF_NUMBERS = (1 << 10) - 1 | 1 << SPACE | 1 << PUNCTUATION | 1 << SLASH | 1 << STOP | 1 << HYPHEN
_BEHIND = 1 << OTHER | 1 << COMMA | 1 << COLON | 1 << SEMICOLON | 1 << PLUS | 1 << TAB | 1 << BACKSLASH


@part
def _quick(start: int, size: int, classes: int) -> Any:
    """What a cell is that is no more than digits and harmless punctuation.

    Returns:
        Whether it is; its key, how many digits it has, and whether they follow a plus; and the marks that some of its
        characters have (a hyphen beside another, or such as days have, is a sign, too), and those that all have.
    """
    text, key, count, ended = bytes_at(start), np.uint64(1), 0, False
    plus = size > 0 and text[0] == _PLUS
    if _EIGHT <= size - plus <= 2 * _EIGHT:
        number = digits_alone(start + plus, size - plus)
        if number >= 0:
            return True, POWERS[size - plus] + np.uint64(number), size - plus, plus, np.int64(0), np.int64(0)
    since, some, every, plus = _FAR, np.int64(0), np.int64(BLANK), False
    for at in range(size):
        sign = np.int64(text[at])
        if sign >= _ASCII:
            return False, key, count, plus, some, every
        told = np.int64(bytes_at(classes)[sign])
        sort = told & CLASS
        some |= told
        every &= told
        digit = int(sort <= _LAST_DIGIT)
        if not (digit and ended) and _OF_NUMBERS >> sort & 1:
            # No branches: which of them is next, nobody knows.
            key = key * (_TEN if digit else _ONE) + np.uint64(sort if digit else 0)
            count += digit
            hyphen = sort == HYPHEN
            some |= SIGN if hyphen & ((since == 0) | (since == _OF_MONTH)) else 0
            since = 0 if hyphen else since + digit
        elif count + plus == 0 and sort != SEMICOLON:
            plus = sort == PLUS
        elif count and _BEHIND >> sort & 1:
            ended = True
        else:
            return False, key, count, plus, some, every
    return True, key, count, plus, some, every


@part
def _key(digits: Any, first: int, count: int) -> Any:
    """The key of some digits, of which it can hold no more than `LONGEST`."""
    key = np.uint64(1)
    for at in range(first, first + min(count, LONGEST)):
        key = key * _TEN + np.uint64(digits[at])
    return key


@part
def _found(key: Any, table: int) -> Any:
    """What a table says of a key: what to add, the code, and how many digits to keep."""
    row = keys_at(longs_at(table)[0])
    at = row_of(key, table) * WIDTH
    return row[at + ADD], np.int64(row[at + TOLD] & _CODE), np.int64(row[at + TOLD] >> _KEEP)


@part
def _meant(key: Any, table: int, abroad: int, plan: int) -> Any:
    """The number and the code of a key, and what the table says of it, which is a region's or that behind a plus."""
    add, code, keep = _found(key, table)
    way = code
    if code == ABROAD and abroad == 0:
        return key, WANTS_ABROAD, way
    if code == ABROAD:
        key = key % POWERS[keep] + POWERS[keep]
        add, code, keep = _found(key, abroad)
    if code == STRIP:
        key %= POWERS[keep]
    if code in (SHIFT, STRIP):
        code = _found(key + add, plan)[1]
    return key + add, code, way


@part
def _country_of(digits: Any, first: int, count: int, drops: int) -> Any:
    """The country code with which some digits begin, and how many digits behind a plus may be no part of the number."""
    code = np.int64(0)
    for at in range(min(3, count)):
        code = code * 10 + np.int64(digits[first + at])
        if code == 0:
            break
        if bytes_at(drops)[code]:
            return code, np.int64(bytes_at(drops)[code])
    return 0, 0


@part
def _of_many(digits: Any, count: int, plus: bool, at_home: Any, drops: int) -> Any:
    """`READ` and how many digits are an IDD prefix before what a key holds; or the code of more digits than it holds.

    How they begin is read alike, however many there are.
    """
    first = 0
    if not plus:
        if at_home[0] == NOWHERE:
            return NO_COUNTRY, 0
        _, code, keep = _found(_key(digits, 0, count), at_home[1])
        if code in (NO_COUNTRY, ASK):
            return code, 0
        if code != ABROAD:
            return _if_too_long(digits, count, code, at_home, drops), 0
        first = LONGEST - keep
        if count - first <= LONGEST:
            return READ, first
    country, dropped = _country_of(digits, first, count, drops)
    if country == 0:
        return ASK if plus and at_home[0] != NOWHERE else NO_COUNTRY, 0
    return TOO_LONG if count - first - dropped > _LONGEST_NSN else ASK, 0


@part
def _if_too_long(digits: Any, count: int, code: int, at_home: Any, drops: int) -> int:
    """The code of digits that are dialled at home: too long, if nothing that may be dropped would change that."""
    if code == TOO_LONG and at_home[4]:
        return TOO_LONG  # nothing was dropped of a key's digits, so nothing is of more
    dropped = at_home[3]
    if _country_of(digits, 0, count, drops)[0] == at_home[2]:  # then its prefixes may be dropped twice
        dropped += np.int64(bytes_at(drops)[at_home[2]])
    return TOO_LONG if count - dropped > _LONGEST_NSN else ASK


@part
def _of_key(key: Any, plus: bool, again: bool, at_home: Any, abroad: int, plan: int) -> Any:
    """The number and the code of a key that is dialled in some place.

    What is no country code behind a plus is dialled once more without. With an IDD prefix it is a number then. Else it
    would have to begin with the region's own country code, which it does not.

    Args:
        key: The key.
        plus: Whether the digits are read as those behind a plus.
        again: Whether they may be dialled once more.
        at_home: The place.
        abroad: As for `tell`.
        plan: As for `tell`.
    """
    home, table = at_home[1], abroad if plus else at_home[1]
    if at_home[0] == NOWHERE and not plus:
        return np.uint64(0), NO_COUNTRY
    while True:
        if table == 0:
            return np.uint64(0), WANTS_ABROAD
        value, code, way = _meant(key, table, abroad, plan)
        if not again or code != NO_COUNTRY or table == home:
            break
        table = home
    if plus and table == home and way not in (ABROAD, ASK, NOTHING_ABROAD):
        code = NO_COUNTRY
    return value, code


@loop
def tell(
    texts: int,
    rows: int,
    classes: int,
    characters: int,
    places: int,
    alike: int,
    known: int,
    abroad: int,
    plan: int,
    drops: int,
    scratch: int,
    number: int,
    code: int,
    odd: int,
) -> None:
    """What cells mean.

    Args:
        texts: The address of the cells' `Texts`.
        rows: How many cells there are.
        classes: `characters.classes`.
        characters: Of how many characters.
        places: Where each is dialled, UInt16.
        alike: Whether all are dialled where the first one is.
        known: What is known of each place: `meanings.PLACE`.
        abroad: The address of the table of numbers behind a plus; 0: it is not there yet.
        plan: The address of the table of all numbers.
        drops: By country code, how many digits behind a plus may be no part of the number, the code included.
        scratch: Room for `SCRATCH` whole numbers; the first one is filled in: what was lacking, `ABROAD_TABLE` and so
            on. Then what is filled in below is right only once that is there.
        number: Filled in, UInt64: E.164 numbers; 0 where the code is not that of a number.
        code: Filled in, UInt32: what each cell means.
        odd: Filled in, Boolean: whether a cell is more than digits and harmless punctuation.
    """
    sorts, signs = longs_at(scratch), longs_at(scratch + _ROOM)
    digits, lacking = longs_at(scratch + 2 * _ROOM), 0
    cells, numbers, codes, flags = opened(texts), keys_at(number), words_at(code), bytes_at(odd)
    for row in range(rows):
        numbers[row], codes[row], flags[row] = 0, MISSING, False
        if not is_given(cells, row):
            continue
        size = size_of(cells, row)
        if size > _LONGEST_CELL:
            codes[row], flags[row] = ASK, True
            continue
        start, verdict = place_of(cells, row), READ
        at_home = longs_at(known + _LONG * PLACE * np.int64(halves_at(places)[0 if alike else row]))
        plain, key, count, plus, some, every = _quick(start, size, classes)
        if plain and count + plus == 0:
            verdict = MISSING if every else NO_NUMBER
        elif not plain or count < SHORTEST or count > LONGEST:
            plain = False
            verdict, count, plus = possible(bytes_at(start), size, classes, characters, sorts, signs, digits)
            key = _key(digits, 0, count)
        flags[row] = not plain or some & SIGN != 0
        value, first = np.uint64(0), 0
        if verdict == READ and at_home[0] == UNKNOWN:
            verdict = ASK
        elif verdict == READ and count > LONGEST:
            verdict, first = _of_many(digits, count, plus, at_home, drops)
            key = _key(digits, first, count - first)
        if verdict == READ:
            again = plus and at_home[0] != NOWHERE
            value, verdict = _of_key(key, plus or first > 0, again, at_home, abroad, plan)
        lacking |= ABROAD_TABLE * (verdict == WANTS_ABROAD) | CHARACTERS * (verdict == WANTS_CHARACTERS)
        codes[row] = ASK if verdict == LONG else max(verdict, ASK)
        numbers[row] = value if verdict >= NUMBER else np.uint64(0)
    longs_at(scratch)[0] = lacking
