"""The loop that reads cells of IBANs that are compact as they stand."""

from __future__ import annotations

import numpy as np

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.pointers import bytes_at
from cardscreen.foundation.lookup.texts import is_given, opened, place_of, size_of

#: What a sign may be.
DIGIT, LETTER = 1, 2
#: What a cell was found to be.
NO_IBAN, UNSOUND, SOUND = range(3)
LETTERS, LONGEST = 26, 34  # signs of a country's two; of an IBAN (ISO 13616-1:2020, 5.1)
_A, _NOUGHT, _TEN, _HUNDRED = ord("A"), ord("0"), 10, 100
_FRONT = 4  # signs that count behind all others
_STEP = 8  # letters behind a remainder that fit into an integer
_MODULUS = np.int64(97)


@loop
def tell(texts: int, rows: int, forms: int, found: int) -> None:
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
        verdicts[row] = NO_IBAN
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
