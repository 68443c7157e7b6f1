"""The loops that look keys up, and the parts of loops that read texts. Whoever imports this has them compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from cardscreen.foundation.cards.luhn import CHUNK
from cardscreen.foundation.lookup.compiled import (
    bytes_at,
    filled,
    given,
    keys_at,
    longs_at,
    loop,
    part,
    shorts_at,
    words_at,
)
from cardscreen.foundation.lookup.index import BASE, FINE, SHIFT
from cardscreen.foundation.lookup.members import IN_WORD, NEXT, SPREAD

_INLINE, _VIEW, _PREFIX = 12, 16, 4  # bytes
_WORDS = 4  # of a view
_ONE, _NEXT, _IN_WORD, _SPREAD = np.uint64(1), np.uint64(NEXT), np.uint64(IN_WORD), np.uint64(SPREAD)
_MASK = (1 << FINE) - 1
#: Of eight bytes: their high halves, those of digits, and what lifts a digit past them if it is more than nine.
_HIGH, _NOUGHTS, _TO_TEN = (np.uint64(each * 0x0101010101010101) for each in (0xF0, 0x30, 0x06))
_OUTER = np.uint64(0x000000FF000000FF)
_MILLION_AND_HUNDRED, _TEN_THOUSAND_AND_ONE = np.uint64(1_000_000 << 32 | 100), np.uint64(10_000 << 32 | 1)
_NOUGHT, _NINE, _TEN = ord("0"), ord("9"), np.uint64(10)
_CHUNK = np.uint64(CHUNK)


@part
def opened(texts: int) -> Any:
    """What the next three need of `Texts`, by their address."""
    parts = longs_at(texts)
    return parts[0], parts[1], parts[2], parts[3]


@part
def is_given(texts: Any, row: int) -> Any:
    """Whether a text is not null."""
    _, _, valid, first = texts
    if valid == 0:
        return True
    bit = first + row
    return (bytes_at(valid)[bit >> 3] >> (bit & 7)) & 1 == 1


@part
def size_of(texts: Any, row: int) -> Any:
    """How many bytes a text has; anything for a null."""
    return np.int64(words_at(texts[0])[row * _WORDS])


@part
def place_of(texts: Any, row: int) -> Any:
    """The address of a text that is not null."""
    views, buffers, _, _ = texts
    view = words_at(views + row * _VIEW)
    if view[0] <= _INLINE:
        return views + row * _VIEW + _PREFIX
    return longs_at(buffers)[view[2]] + np.int64(view[3])


@part
def eight_digits(place: int) -> Any:
    """The number that eight bytes are as digits; -1 where some are none.

    All eight at once, after D. Lemire, "Quickly parsing eight digits" (2022): pairs are added up, then pairs of pairs.
    """
    signs = keys_at(place)[0]
    if signs & _HIGH != _NOUGHTS or (signs + _TO_TEN) & _HIGH != _NOUGHTS:
        return -1
    signs -= _NOUGHTS
    pairs = signs * _TEN + (signs >> np.uint64(8))
    fours = (pairs & _OUTER) * _MILLION_AND_HUNDRED + ((pairs >> np.uint64(16)) & _OUTER) * _TEN_THOUSAND_AND_ONE
    return np.int64((fours >> np.uint64(32)) & np.uint64(0xFFFFFFFF))


@loop(types.int64, types.int64, filled(types.uint64), filled(types.uint64))
def leading(texts: int, digits: int, low: Any, high: Any) -> None:
    """The least and the greatest number of so many digits that begins with those of each text; of nulls 0 stays."""
    cells = opened(texts)
    for row in range(len(low)):
        if not is_given(cells, row):
            continue
        size, text, shown = size_of(cells, row), bytes_at(place_of(cells, row)), 0
        first, last = np.uint64(0), np.uint64(0)
        for at in range(digits):
            if shown == at and at < size and _NOUGHT <= text[at] <= _NINE:
                shown += 1
                digit = np.uint64(text[at] - _NOUGHT)
                first, last = first * _TEN + digit, last * _TEN + digit
            else:
                first, last = first * _TEN, last * _TEN + np.uint64(9)
        low[row], high[row] = first, last


@part
def row_of(key: Any, index: int) -> Any:
    """The row of a key, by the address of an `Index`."""
    parts = longs_at(index)
    place = np.float64(max(key, _ONE)).view(np.int64) >> SHIFT
    found = np.int64(shorts_at(parts[3])[(place >> FINE) - BASE])
    row = np.int64(shorts_at(parts[4])[(found >> FINE) + (place & found & _MASK)])
    if row >= 0:
        return row
    start, step, low, high = keys_at(parts[0]), parts[1], 0, parts[2]
    while high - low > 1:
        middle = (low + high) >> 1
        if start[middle * step] <= key:
            low = middle
        else:
            high = middle
    return low


@loop(given(types.uint64), types.int64, filled(types.int64))
def find(keys: Any, index: int, found: Any) -> None:
    """The row of each key in an `Index`."""
    for at in range(len(keys)):
        found[at] = row_of(keys[at], index)


@part
def bits_of(spread: Any) -> Any:
    """The two bits of its word that a key sets: by the low bits of it, spread; the high ones are the word's place."""
    return (_ONE << (spread & _IN_WORD)) | (_ONE << ((spread >> _NEXT) & _IN_WORD))


@loop(given(types.uint64), types.uint64, filled(types.uint64))
def spread(keys: Any, shift: Any, words: Any) -> None:
    """Set the bits of all keys of `Members`."""
    for at in range(len(keys)):
        key = keys[at] * _SPREAD
        words[key >> shift] |= bits_of(key)


@part
def is_member(key: Any, members: int) -> Any:
    """Whether a key is in `Members`, by their address."""
    parts = longs_at(members)
    spread = key * _SPREAD
    bits = bits_of(spread)
    if keys_at(parts[2])[spread >> np.uint64(parts[3])] & bits != bits:
        return False
    keys, low, high = keys_at(parts[0]), 0, parts[1]
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < parts[1] and keys[low] == key


@loop(given(types.uint64), types.int64, filled(types.boolean))
def among(asked: Any, members: int, found: Any) -> None:
    """Which keys are in `Members`."""
    for at in range(len(asked)):
        found[at] = is_member(asked[at], members)


@part
def is_sound(number: Any, sums: Any) -> Any:
    """Whether a number passes Luhn, by `luhn.sums`."""
    total = 0
    while number:
        rest = number // _CHUNK
        total += sums[number - rest * _CHUNK]
        number = rest
    return total % 10 == 0


@loop(given(types.uint64), given(types.uint8), filled(types.boolean))
def check(numbers: Any, sums: Any, sound: Any) -> None:
    """Which numbers pass Luhn."""
    for at in range(len(numbers)):
        sound[at] = is_sound(numbers[at], sums)
