"""Parts of the loop that take a cell apart which is more than digits and harmless punctuation, as `phonenumbers` does.

`phonenumbers` does it by patterns; here the same is done character by character. Whatever comes before the first plus
or digit is dropped, and whatever is neither letter nor digit nor `#` at the end; behind a slash and an `x` a second
number begins; punctuation is passed over; an extension goes. What is not followed here is left to be asked: two digits
alone, what RFC 3966 adds, and letters that only a case-blind pattern takes for others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cardscreen.foundation.lookup.pointers import bytes_at, part
from cardscreen.kinds.phone.numbering.characters import (
    BACKSLASH,
    BLANK,
    CLASS,
    COLON,
    COMMA,
    HASH,
    HYPHEN,
    KNOWN,
    LETTER,
    NBSP,
    ODD_LETTER,
    OTHER,
    PLUS,
    SEMICOLON,
    SLASH,
    SPACE,
    STOP,
    TAB,
    TILDE,
    WIDE_HASH,
    WORDY,
    X,
)
from cardscreen.kinds.phone.numbering.meanings import ASK, MISSING, NO_NUMBER, SHORTEST

#: No codes: the digits are known; the classes of more characters are wanted; and the table behind a plus is.
READ, WANTS_CHARACTERS, WANTS_ABROAD = -1, -2, -3
#: Digits of an extension at most, by how it is told: a label, a comma or two, a sign, a hash behind it.
_LABELLED, _PAUSED, _SIGNED, _HASHED = 20, 15, 9, 6
_VANITY = 3  # letters from which on they are dialled, too
_ASCII, _LOWER = 0x80, 0x20
#: The digit of each letter on a keypad (ITU-T E.161).
_KEYPAD = np.frombuffer(b"22233344455566677778889999", dtype=np.uint8) - np.uint8(ord("0"))
#: Labels of extensions, each also without its `e`; the last one is vaguer than the others.
_LABELS = np.frombuffer(b"extension extensio extn ext anexo int ", dtype=np.uint8)
_BETWEEN, _A = ord(" "), ord("a")

# Sets of classes, a bit for each.
_DIGITS = (1 << 10) - 1
_BLANKS = 1 << SPACE | 1 << NBSP | 1 << TAB
_BEFORE_HASHED = 1 << SPACE | 1 << HYPHEN
_BEFORE_LABEL = _BLANKS | 1 << COMMA
_BEHIND_LABEL = _BEFORE_LABEL | 1 << HYPHEN
_SIGNS = 1 << X | 1 << TILDE | 1 << HASH | 1 << WIDE_HASH
_KEPT_AT_END = _DIGITS | 1 << X | 1 << LETTER | 1 << ODD_LETTER | 1 << WORDY | 1 << HASH
_OF_EXTENSIONS = 1 << TAB | 1 << COMMA | 1 << SEMICOLON | 1 << COLON | 1 << HASH | 1 << WIDE_HASH
_OF_NO_NUMBER = 1 << PLUS | 1 << BACKSLASH | 1 << WORDY | 1 << OTHER


@part
def possible(text: Any, size: int, classes: int, characters: int, sorts: Any, signs: Any, digits: Any) -> Any:
    """Fills in the digits of a cell's number, and in `sorts` and `signs` what it needs for that.

    Returns:
        `READ`, or the code of a cell without number; how many digits there are; whether a plus is before them.
    """
    end, blank = _decoded(text, size, classes, characters, sorts, signs)
    if end <= 0:
        return (WANTS_CHARACTERS if end < 0 else ASK), 0, False
    start = 0
    while start < end and sorts[start] > PLUS:
        start += 1
    if start == end:
        return (MISSING if blank else NO_NUMBER), 0, False
    end = _end_of_first(sorts, signs, start, end)
    first = start
    while first < end and sorts[first] == PLUS:
        first += 1
    verdict, last = _without_extension(sorts, signs, first, end)
    if verdict != READ:
        return verdict, 0, False
    count = _dialled(sorts, signs, first, last, digits)
    return (READ if count else ASK), count, first > start


@part
def _decoded(text: Any, size: int, classes: int, characters: int, sorts: Any, signs: Any) -> Any:
    """Fills in the class of each character of a cell, and which it is.

    Returns:
        How many there are, and whether all are blank; 0 characters where only libphonenumber can tell, -1 where more
        classes are wanted.
    """
    length, at, blank, lettered, parted = 0, 0, True, False, False
    while at < size:
        sign, at = _character(text, at)
        if sign >= characters:
            return (0 if sign >= KNOWN else -1), False
        told = np.int64(bytes_at(classes)[sign])
        sort = told & CLASS
        blank = blank and told & BLANK != 0
        lettered = lettered or sort in (LETTER, X)
        parted = parted or sort == SEMICOLON
        sorts[length], signs[length] = sort, sign
        length += 1
    # A parameter of RFC 3966, perhaps.
    return (0 if parted and lettered else length), blank


@part
def _character(text: Any, at: int) -> Any:
    """A character of UTF-8 (RFC 3629, section 3), and where the next one begins."""
    sign = np.int64(text[at])
    if sign < _ASCII:
        return sign, at + 1
    more = 1 + (sign >= 0xE0) + (sign >= 0xF0)
    sign &= 0x3F >> more
    for behind in range(at + 1, at + 1 + more):
        sign = sign << 6 | np.int64(text[behind]) & 0x3F
    return sign, at + 1 + more


@part
def _end_of_first(sorts: Any, signs: Any, start: int, end: int) -> int:
    """Where the first number's text ends: what is no part of a number at the end goes, and so does a second one."""
    while end > start and not _KEPT_AT_END >> sorts[end - 1] & 1:
        end -= 1
    for at in range(start, end):
        if sorts[at] in (SLASH, BACKSLASH):
            second = at + 1
            while second < end and sorts[second] == SPACE:
                second += 1
            if second < end and sorts[second] == X and signs[second] & _LOWER:
                return at
    return end


@part
def _without_extension(sorts: Any, signs: Any, first: int, end: int) -> Any:
    """`READ`, or the code of a text without number; and where the text ends without its extension.

    A number has three digits before any letter, and what only extensions have stands in one.
    """
    foreign, third, count, letters, odd = end, end + 1, 0, False, False
    for at in range(first, end):
        sort = sorts[at]
        if _DIGITS >> sort & 1:
            count += 1
            if count == SHORTEST and not letters and foreign == end:
                third = at + 1
        elif _OF_NO_NUMBER >> sort & 1:
            return NO_NUMBER, end
        elif _OF_EXTENSIONS >> sort & 1:
            foreign = min(foreign, at)
        letters = letters or sort == LETTER
        odd = odd or sort == ODD_LETTER
    if odd:
        return ASK, end
    if third > end:
        return (ASK if end - first == count == 2 else NO_NUMBER), end
    last = _extension(sorts, signs, first, end)
    if foreign < last:
        return NO_NUMBER, end
    if third > last:
        return (ASK if foreign == end else NO_NUMBER), end
    return READ, last


@part
def _back(sorts: Any, first: int, begin: int, over: int) -> int:
    """Where a run of some classes begins that ends at a place."""
    while begin > first and over >> sorts[begin - 1] & 1:
        begin -= 1
    return begin


@part
def _extension(sorts: Any, signs: Any, first: int, end: int) -> int:
    """Where the extension of a number begins, with all that stands before its label; `end` where there is none.

    The same as `phonenumberutil._EXTN_PATTERN`, from the end on: the hash behind it, its digits, what may stand
    between them and a label, the label, what may stand before that.
    """
    stop = end - 1 if sorts[end - 1] == HASH else end
    run = _back(sorts, first, stop, _DIGITS)
    count, best = stop - run, end
    if count == 0 or count > _LABELLED:
        return end
    if stop < end and count <= _HASHED:
        begin = _back(sorts, first, run, _BEFORE_HASHED)
        best = begin if begin < run else end
    gap = _back(sorts, first, run, _BEHIND_LABEL)
    begin = _paused(sorts, gap, run, count)
    best = min(best, begin if begin < run else end)
    for behind in (gap, gap - 1):
        if behind > first and (behind == gap or sorts[behind] in (COLON, STOP)):
            begin = _labelled(sorts, signs, first, behind, count)
            best = min(best, begin if begin < behind else end)
    return best


@part
def _paused(sorts: Any, gap: int, run: int, count: int) -> int:
    """Where commas begin that tell an extension of so many digits, among what stands before it; `run`: nowhere."""
    for begin in range(gap, run):
        comma = begin
        while comma < run and _BLANKS >> sorts[comma] & 1:
            comma += 1
        twice = comma + 1 < run and sorts[comma + 1] == COMMA
        if comma < run and sorts[comma] == COMMA and (count <= _SIGNED or (twice and count <= _PAUSED)):
            return begin
    return run


@part
def _labelled(sorts: Any, signs: Any, first: int, behind: int, count: int) -> int:
    """Where a label that ends at a place begins, of so many digits, and what may stand before it; there: it is none."""
    sort, begin, before = sorts[behind - 1], behind, _BLANKS
    if sort == SEMICOLON:
        begin -= count <= _PAUSED
    elif sort == COMMA:
        begin = _back(sorts, first, behind, 1 << COMMA)
        if count > _SIGNED:
            begin = behind - 2 if count <= _PAUSED and behind - begin > 1 else behind
    elif _SIGNS >> sort & 1:
        begin -= count <= _SIGNED
        before = _BEFORE_LABEL
    elif sort == LETTER:
        label = _label(signs, first, behind)
        begin -= label if label > 0 else -label * (count <= _SIGNED)
        before = _BEFORE_LABEL
    return _back(sorts, first, begin, before) if begin < behind else behind


@part
def _label(signs: Any, first: int, end: int) -> int:
    """How long the label of an extension is that ends at a place; 0: none does; negative: it is a vaguer one."""
    begin = 0
    for at in range(len(_LABELS)):
        if _LABELS[at] != _BETWEEN:
            continue
        size, same = at - begin, 0
        while same < size and end - same > first and signs[end - 1 - same] | _LOWER == _LABELS[at - 1 - same]:
            same += 1
        if same == size or (same == size - 1 and _LABELS[begin] == _LABELS[0]):
            return -same if at + 1 == len(_LABELS) else same
        begin = at + 1
    return 0


@part
def _dialled(sorts: Any, signs: Any, first: int, last: int, digits: Any) -> int:
    """Fills in the digits of a number without extension; how many, 0 where only libphonenumber can tell."""
    letters, count = 0, 0
    for at in range(first, last):
        letters += sorts[at] in (LETTER, X)
    vanity = letters >= _VANITY
    for at in range(first, last):
        if _DIGITS >> sorts[at] & 1:
            if vanity and signs[at] >= _ASCII:
                return 0
            digits[count] = sorts[at]
            count += 1
        elif vanity and sorts[at] in (LETTER, X):
            digits[count] = _KEYPAD[(signs[at] | _LOWER) - _A]
            count += 1
    return count
