"""The loops that read cells of IBANs and of resident ids that are compact as they stand."""

from __future__ import annotations

import numpy as np

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.iso_days import NO_DAY, day_of
from cardscreen.foundation.lookup.pointers import bytes_at, keys_at
from cardscreen.foundation.lookup.texts import digits_alone, is_given, opened, place_of, size_of

#: What a sign may be.
DIGIT, LETTER = 1, 2
#: What a cell was found to be.
NOTHING, UNSOUND, SOUND = range(3)
LETTERS, LONGEST = 26, 34  # signs of a country's two; of an IBAN (ISO 13616-1:2020, 5.1)
_A, _NOUGHT, _TEN, _HUNDRED = ord("A"), ord("0"), 10, 100
_FRONT = 4  # signs that count behind all others
_STEP = 8  # letters behind a remainder that fit into an integer
_MODULUS = np.int64(97)
#: Signs of a resident id: in all, in front of the check sign, and such that are read at once.
ID_LENGTH, _ID_DIGITS, _AT_ONCE = 18, 17, 16
_X, _LAST_DIGIT = ord("X"), 9


@loop
def tell_ibans(texts: int, rows: int, forms: int, found: int) -> None:
    """Which texts are IBANs, and which of these have the right check digits (ISO/IEC 7064, MOD 97-10).

    Args:
        texts: The address of the cells' `Texts`.
        rows: How many cells there are.
        forms: For each two letters, the length of that country's numbers (0: it has none), and what each sign may be;
            `LONGEST` + 1 bytes.
        found: Filled in, a byte each.
    """
    cells, verdicts = opened(texts), bytes_at(found)
    for row in range(rows):
        verdicts[row] = NOTHING
        size = size_of(cells, row)
        if size <= _FRONT or size > LONGEST or not is_given(cells, row):
            continue
        signs = bytes_at(place_of(cells, row))
        first, second = np.int64(signs[0]) - _A, np.int64(signs[1]) - _A
        if not (0 <= first < LETTERS and 0 <= second < LETTERS):
            continue
        form = bytes_at(forms + (first * LETTERS + second) * (LONGEST + 1))
        if form[0] != size:
            continue
        rest, at, misfits = np.int64(0), _FRONT, 0
        for step in range(size):
            value = np.int64(signs[at]) - _NOUGHT
            if 0 <= value < _TEN:
                misfits += form[1 + at] & DIGIT == 0
                rest = rest * _TEN + value
            else:
                value = np.int64(signs[at]) - _A
                misfits += form[1 + at] & LETTER == 0 or not 0 <= value < LETTERS
                rest = rest * _HUNDRED + value + _TEN
            if step % _STEP == _STEP - 1:
                rest %= _MODULUS
            at = at + 1 if at + 1 < size else 0
        if misfits == 0:
            verdicts[row] = SOUND if rest % _MODULUS == 1 else UNSOUND


@loop
def tell_resident_ids(texts: int, rows: int, number: int, found: int) -> None:
    """Which texts are resident ids of 18 signs with a day, and which of these have the right check sign.

    Args:
        texts: The address of the cells' `Texts`.
        rows: How many cells there are.
        number: Filled in, UInt64: the digits in front of the check sign; 0 of other texts.
        found: Filled in, a byte each.
    """
    cells, numbers, verdicts = opened(texts), keys_at(number), bytes_at(found)
    for row in range(rows):
        numbers[row], verdicts[row] = 0, NOTHING
        if size_of(cells, row) != ID_LENGTH or not is_given(cells, row):
            continue
        place = place_of(cells, row)
        value, signs = digits_alone(place, _AT_ONCE), bytes_at(place)
        digit, sign = np.int64(signs[_AT_ONCE]) - _NOUGHT, np.int64(signs[_ID_DIGITS]) - _NOUGHT
        is_x = signs[_ID_DIGITS] == _X
        if value < 0 or not 0 <= digit <= _LAST_DIGIT or not (is_x or 0 <= sign <= _LAST_DIGIT):
            continue
        value = value * _TEN + digit
        day = value // 1_000
        if day_of(day // 10_000 % 10_000, day // 100 % 100, day % 100) == NO_DAY:
            continue
        # ISO 7064, MOD 11-2: each sign counts twice what the one behind it does, the check sign once.
        rest = np.int64(0)
        for at in range(_ID_DIGITS):
            rest = (rest + np.int64(signs[at]) - _NOUGHT) * 2
        rest += _TEN if is_x else sign
        numbers[row], verdicts[row] = np.uint64(value), SOUND if rest % 11 == 1 else UNSOUND
