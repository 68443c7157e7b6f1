"""How likely a text is in a language, from the characters that it is written in.

`languages.toml` says how often each character comes. Order is left out but for two things that tell most: some
letters hardly stand together in a word, and lists say 号码 or 번호.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

#: Bits that a character takes: an ASCII one in any language; one that is not among the language's common ones but in
#: its character set; any other.
_ASCII, _UNCOMMON, _FOREIGN = 6, 17, 21
#: Bits by which a word of lists makes a text likelier, and letters that hardly stand together less likely.
_WORD, _ODD = 8, 8
_PLANE = 0x10000  # characters above are foreign to all
_ALPHABETS = 0x0E80  # Latin to Thai stand below
_GREEK = "\u0370"  # Latin stands below


def bits_of(text: str, language: str) -> float:
    """How many bits a text takes where a language's characters are expected: the fewer, the likelier it is that.

    Only readings of the same bytes can be compared.

    Args:
        text: Any text.
        language: A table of `languages.toml`.

    Example:
        >>> bits_of("电信诈骗", "simplified Chinese") < bits_of("랬斤놓튬", "Korean")
        True
    """
    characters = np.minimum(np.frombuffer(text.encode("utf-32-le"), np.uint32), _PLANE - 1)
    of_words = np.isin(characters[:-1] << 16 | characters[1:], _words(language)).sum()
    return float(_bits(language)[characters].sum() - _WORD * of_words + _ODD * _odd(characters))


def _odd(characters: npt.NDArray[np.uint32]) -> int:
    """How many letters hardly stand together: a capital behind a small one, Greek beside Latin, three accents."""
    at = np.minimum(characters, _ALPHABETS)
    small, capital, latin, other = (_letters(kind)[at] for kind in (str.islower, str.isupper, _is_latin, _is_other))
    accented = latin & (at > 0x7F)
    odd = (small[:-1] & capital[1:]) | (latin[:-1] & other[1:]) | (other[:-1] & latin[1:])
    return int(odd.sum() + (accented[:-2] & accented[1:-1] & accented[2:]).sum())


def _is_latin(character: str) -> bool:
    return character.isalpha() and character < _GREEK


def _is_other(character: str) -> bool:
    return character.isalpha() and character >= _GREEK


@cache
def _letters(is_kind: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
    """Which characters are letters of a kind. None behind the alphabets is: hanzi stand beside Latin letters."""
    return np.array([*map(is_kind, map(chr, range(_ALPHABETS))), False])


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("languages.toml").read_text("utf-8"))


def languages() -> list[str]:
    """The languages that are known."""
    return list(_tables())


@cache
def _bits(language: str) -> npt.NDArray[np.float32]:
    table = _tables()[language]
    bits = np.full(_PLANE, _FOREIGN, np.float32)
    if charset := table.get("charset"):
        bits[[ord(each) for each in double_bytes(charset) if unicodedata.category(each) == "Lo"]] = _UNCOMMON
    bits[:0x80] = _ASCII
    for count, characters in table["bits"].items():
        bits[[ord(each) for each in characters]] = int(count)
    return bits


@cache
def _words(language: str) -> npt.NDArray[np.uint32]:
    words = _tables()[language].get("words", "").split()
    return np.array([ord(first) << 16 | ord(second) for first, second in words], np.uint32)


@cache
def double_bytes(charset: str) -> frozenset[str]:
    """The characters that a character set writes as two bytes."""
    pairs = b"".join(bytes((lead, trail, 0x0A)) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF))
    return frozenset(each for each in pairs.decode(charset, "ignore") if not each.isascii())
