"""The loop that reads cells of card numbers that are plain to see."""

from __future__ import annotations

from typing import Any

import numpy as np

from cardscreen.foundation.cards.luhn import passes
from cardscreen.foundation.cards.schemes import LONGEST, SHORTEST
from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.digits import POWERS
from cardscreen.foundation.lookup.members import is_member
from cardscreen.foundation.lookup.pointers import bytes_at, keys_at, part
from cardscreen.foundation.lookup.texts import eight_digits, is_given, opened, place_of, size_of
from cardscreen.kinds.card.groups import GROUP, USUAL_SIZES

_TEN = np.uint64(10)
_LAST_DIGIT, _NOUGHT, _SPACE, _HYPHEN = 9, ord("0"), ord(" "), ord("-")
_EIGHT = 8
_LONGEST_CELL = 2 * LONGEST  # bytes
_KEPT = 15  # digits that a spreadsheet keeps of a number; it writes noughts for the others
_CODED = 4  # groups from which on the last one may be a card code
_WHOLE = 16  # digits of a number that may have one
_SIZES = np.array(USUAL_SIZES)


@part
def _is_usual(sizes: int) -> bool:
    for each in _SIZES:  # noqa: SIM110 - compiled
        if each == sizes:
            return True
    return False


@part
def _read(place: int, size: int, sums: int) -> Any:
    """The number in a cell of twelve bytes at least, and how many digits it has; 0 of them where it is not plain."""
    text, value, at, eight = bytes_at(place), np.uint64(0), 0, eight_digits(place)
    while eight >= 0:
        value = value * POWERS[_EIGHT] + np.uint64(eight)
        at += _EIGHT
        eight = eight_digits(place + at) if size - at >= _EIGHT else -1
    count, group, sizes, groups, before = at, 0, 0, 0, np.uint64(0)
    for sign in range(at, size):
        digit = np.int64(text[sign]) - _NOUGHT
        if 0 <= digit <= _LAST_DIGIT:
            value = value * _TEN + np.uint64(digit)
            count += 1
        elif count > group and digit in (_SPACE - _NOUGHT, _HYPHEN - _NOUGHT):
            sizes = sizes * GROUP + count - group
            group, groups, before = count, groups + 1, value
        else:
            return value, 0
    if groups and not _is_usual(sizes * GROUP + count - group):
        return value, 0
    if groups >= _CODED and count > _WHOLE and passes(before, sums):
        return value, 0  # behind a sound number may be a card code
    return value, count if SHORTEST <= count <= LONGEST and text[0] != _NOUGHT else 0


@loop
def tell(texts: int, rows: int, nobodys: int, strict: int, sums: int, number: int, sound: int) -> None:
    """The numbers of cells, 0 of those that are not plain to see, and which of them pass Luhn.

    Args:
        texts: The address of the cells' `Texts`.
        rows: How many cells there are.
        nobodys: The address of the `Members` that are nobody's; anything where it is not strict.
        strict: Leave out those, and what a spreadsheet may have cut off.
        sums: `luhn.sums`.
        number: Filled in, UInt64.
        sound: Filled in, Boolean; of a cell without number anything.
    """
    cells, numbers, flags = opened(texts), keys_at(number), bytes_at(sound)
    for row in range(rows):
        numbers[row], flags[row] = 0, False
        size = size_of(cells, row)
        if size < SHORTEST or size > _LONGEST_CELL or not is_given(cells, row):
            continue
        value, count = _read(place_of(cells, row), size, sums)
        if count == 0:
            continue
        sound_one = passes(value, sums)
        cut_off = value % _TEN == 0 and count > _KEPT and value % POWERS[count - _KEPT] == 0
        if strict and ((cut_off and not sound_one) or is_member(value, nobodys)):
            continue
        numbers[row], flags[row] = value, sound_one
