"""Bytes of a text file → UTF-8, decoded strictly.

Three encodings are tried, in a fixed order. A detector that guesses by frequencies misnames short files,
and a list read in the wrong encoding is a list of other people.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from cardscreen.errors import ConfigError, InputError, near

#: Encodings that are tried for text files, strictly and in this order, where none is given.
ENCODINGS = ("utf-8", "gb18030", "utf-16")
_UTF8 = ("utf-8", "utf-8-sig")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Of the characters of a UTF-16 text without a mark, at least one in this many is ASCII: a delimiter, a digit.
_ONE_ASCII_IN = 10


def to_utf8(raw: bytes, encoding: str | None, where: str) -> tuple[bytes, str]:
    """A text as UTF-8 without a byte order mark, and the name of the encoding that it was in.

    Text with NULs is in none of these but UTF-16, where they are half of each digit.

    Args:
        raw: The file's content.
        encoding: The only one to try; None tries `ENCODINGS`.
        where: The file's name for messages.

    Raises:
        InputError: The text is in none of the encodings, and says where the first bad byte is; or it is short
            and makes sense in two of them.
        ConfigError: There is no such encoding.

    Example:
        >>> to_utf8("号码,原因".encode("gb18030"), None, "list.csv")[1]
        'gb18030'
    """
    line, tried = 1, (encoding,) if encoding else _possible(raw)
    for name in tried:
        try:
            content, used = _decoded(raw, codecs.lookup(name).name)
        except UnicodeDecodeError as error:
            _refuse_if_cut_off(raw, error, where)
            line = max(line, raw.count(b"\n", 0, error.start) + 1)
            continue
        except (LookupError, ValueError):  # some codecs are none of text
            raise ConfigError(f"{where}: there is no encoding {name!r}{near(name, ENCODINGS)}") from None
        if used == "utf-8" and not encoding:
            _refuse_if_ambiguous(raw, where)
        return content, used
    names = " or ".join(tried)
    raise InputError(f"{where}: not in {names}: the first bad byte is in line {line}; name its encoding")


def _possible(raw: bytes) -> tuple[str, ...]:
    is_utf16 = raw.startswith(_UTF16_MARKS) or b"\0" in raw
    return ENCODINGS[2:] if is_utf16 else ENCODINGS[:2]


def _decoded(raw: bytes, name: str) -> tuple[bytes, str]:
    if name in _UTF8:
        _refuse_nul(raw, raw.find(b"\0"), name)
        if not raw.isascii():
            raw.decode()
        return (raw[3:], "utf-8-sig") if raw.startswith(codecs.BOM_UTF8) else (raw, "utf-8")
    text = raw.decode(_with_byte_order(raw) if name == "utf-16" else name)
    if "\0" in text:
        _refuse_nul(raw, raw.find(b"\0"), name)
    return text.removeprefix("\ufeff").encode(), name


def _refuse_nul(raw: bytes, at: int, name: str) -> None:
    if at >= 0:
        raise UnicodeDecodeError(name, raw, at, at + 1, "a NUL character")


def _with_byte_order(raw: bytes) -> str:
    """UTF-16 whose byte order is known: by its mark, or by the side on which the ASCII characters have their NUL."""
    if raw.startswith(_UTF16_MARKS):
        return "utf-16"
    big, little = raw[0::2].count(0), raw[1::2].count(0)
    if min(big, little) or max(big, little) * _ONE_ASCII_IN * 2 < len(raw):
        _refuse_nul(raw, max(raw.find(b"\0"), 0), "utf-16")
    return "utf-16-be" if big else "utf-16-le"


def _refuse_if_cut_off(raw: bytes, error: UnicodeDecodeError, where: str) -> None:
    """UTF-8 that ends within a character must not go on to be read as something else.

    Raises:
        InputError: The text is UTF-8 up to its last bytes, and they begin a character.
    """
    at_end = error.reason == "unexpected end of data" and error.encoding == "utf-8"
    if at_end and not raw[: error.start].isascii():
        line = raw.count(b"\n") + 1
        raise InputError(f"{where} ends in the middle of a character, in line {line}: is it complete?")


def _refuse_if_ambiguous(raw: bytes, where: str) -> None:
    """Short Chinese text in GB18030 can be valid UTF-8: 诈骗, fraud, would be read as two letters of far-off scripts.

    Nearly all UTF-8 holds some character whose bytes are not of everyday Chinese (GB 2312). Western European
    letters alone are taken for what they are.

    Raises:
        InputError: The text is both.
    """
    if raw.isascii():
        return
    try:
        raw.decode("gb2312")
    except UnicodeDecodeError:
        return
    if not all(character.isascii() or "À" <= character <= "ÿ" for character in set(raw.decode())):
        raise InputError(f"{where} makes sense both in utf-8 and in gb18030: name its encoding")


def encoding_of(blocks: Iterable[bytes], where: str) -> str:
    """STUB until merged."""
    return to_utf8(b"".join(blocks), None, where)[1]


def decoded(blocks: Iterable[bytes], encoding: str, where: str) -> Iterator[bytes]:
    """STUB until merged."""
    if encoding in ("utf-8", "utf8"):
        yield from blocks
    else:
        yield to_utf8(b"".join(blocks), encoding, where)[0]
