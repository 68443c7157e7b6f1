"""What each character is to libphonenumber, by its own patterns.

A character has a class, by code point, and perhaps marks beside it: white space, or a sign that damaged cells have.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt
from phonenumbers import phonenumberutil

Classes = npt.NDArray[np.uint8]

# 0 to 9 are digits, of any script. Then what may stand in a number or before an extension, each sort by itself:
PLUS, SPACE, NBSP, TAB, HYPHEN, COMMA, SEMICOLON, COLON, STOP, HASH, WIDE_HASH, TILDE, SLASH, BACKSLASH = range(10, 24)
#: Other punctuation that is passed over; `x`; the other letters of ASCII; letters that patterns take for such ones, or
#: that a label of an extension has; and what no number holds: letters and digits, or none of both.
PUNCTUATION, X, LETTER, ODD_LETTER, WORDY, OTHER = range(24, 30)
CLASS = 0x1F  # the bits of the class
BLANK, SIGN = 0x20, 0x40  # marks
#: Characters from here on are read by nobody but libphonenumber: no script's digits are there.
KNOWN = 0x20000
ASCII = 0x80

#: What is in every damaged cell that reads as digits.
_SIGNS = ".．*＊?？_~～xX×\u2022\u25cf\u2026\u22ef"
_ALONE = {
    "+": PLUS, "＋": PLUS, " ": SPACE, "\u00a0": NBSP, "\t": TAB, "-": HYPHEN, ",": COMMA, ";": SEMICOLON,
    ":": COLON, ".": STOP, "．": STOP, "#": HASH, "＃": WIDE_HASH, "~": TILDE, "～": TILDE, "/": SLASH,
    "\\": BACKSLASH, "x": X, "X": X,
}  # fmt: skip


@cache
def classes(characters: int) -> Classes:
    """The class and the marks of each of so many characters, from the first one on."""
    every = "".join(chr(code) for code in range(characters) if not 0xD800 <= code < 0xE000)
    told = np.full(characters, OTHER, dtype=np.uint8)

    def found(pattern: str) -> npt.NDArray[np.uint32]:
        signs = "".join(re.findall(pattern, every, re.IGNORECASE))
        return np.frombuffer(signs.encode("utf-32-le"), dtype=np.uint32)

    told[found(r"[^\W_]")] = WORDY
    # Whatever the pattern of a number with its extension names, in any case.
    told[found(f"[{_named_in(phonenumberutil._EXTN_PATTERN.pattern)}]")] = ODD_LETTER
    passed_over = found(f"[{phonenumberutil._VALID_PUNCTUATION}*]")
    # One of them is a letter to the pattern of what may end a number.
    told[passed_over] = np.where(told[passed_over] == WORDY, ODD_LETTER, PUNCTUATION)
    told[found(f"[{phonenumberutil._VALID_ALPHA}]")] = ODD_LETTER
    told[[*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1)]] = LETTER
    digits = re.findall(r"\d", every)
    told[[ord(digit) for digit in digits]] = [int(digit) for digit in digits]
    for sign, its in _ALONE.items():
        told[found(re.escape(sign))] = its
    told[[code for code in range(min(0x3001, characters)) if chr(code).isspace()]] |= BLANK
    told[found(f"[{re.escape(_SIGNS)}]")] |= SIGN
    return told


def _named_in(pattern: str) -> str:
    """The characters that a pattern names which are neither syntax nor in ASCII."""
    return "".join({sign for sign in pattern if ord(sign) >= 0x80})
