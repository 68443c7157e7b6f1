"""Bytes of a text file → UTF-8, decoded strictly.

A list read in the wrong encoding is a list of other people, so only what leaves no doubt is read unasked: UTF-8,
UTF-16, and GB18030 where it makes better sense than anything else.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import polars as pl

from cardscreen.foundation.bounds import count_of
from cardscreen.foundation.errors import ConfigError, InputError, UnclearEncoding, near
from cardscreen.tables.encodings.candidates import GB18030, doubt_of, is_in, ranking, readings_of, rival_of_utf8
from cardscreen.tables.encodings.foreign_lines import ForeignLines

#: Encodings in which text files are read where none is given.
ENCODINGS = ("utf-8", GB18030, "utf-16")
_UTF8 = ("utf-8", "utf-8-sig")
#: How much of a text's beginning tells UTF-16 from others.
_HEAD = 4096
_BLOCK = 1 << 20  # bytes of a text in memory that are looked at at once
_ORDERS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
#: What stands in every table: digits, delimiters and line ends. In UTF-16 each has its NUL beside it.
_OF_TABLES = np.frombuffer(b"0123456789,;\t|\r\n", np.uint8)
#: Bytes that continue a character of UTF-8.
_CONTINUING = bytes(range(0x80, 0xC0))


def to_utf8(raw: bytes, encoding: str | None, where: str) -> tuple[bytes, str]:
    """A text as UTF-8 without a byte order mark, and the name of the encoding that it was in.

    Args:
        raw: The file's content.
        encoding: The only one to try; None: `encoding_of` it.
        where: The file's name for messages.

    Raises:
        InputError: As `encoding_of` and `decoded`.
        ConfigError: There is no such encoding.

    Example:
        >>> to_utf8("号码,原因".encode("gb18030"), None, "list.csv")[1]
        'gb18030'
    """
    used = encoding or encoding_of((raw[at : at + _BLOCK] for at in range(0, len(raw), _BLOCK)), where)
    content = b"".join(decoded([raw], used, where, is_told=encoding is None))
    name = codecs.lookup(used).name
    if name in _UTF8:
        name = "utf-8-sig" if raw.startswith(codecs.BOM_UTF8) else "utf-8"
    return content, name


def encoding_of(blocks: Iterable[bytes], where: str) -> str:
    r"""The encoding of a text that comes in blocks, none of which is kept.

    UTF-8 is looked at as a whole, and is sound. Other encodings are told by the first lines that are not ASCII;
    `decoded` finds what is wrong further down.

    Args:
        blocks: The text, in pieces of any size.
        where: The file's name for messages.

    Returns:
        "utf-8", "utf-8-sig" (with a byte order mark), "gb18030" or "utf-16".

    Raises:
        InputError: The text is in none of these, or not for sure: it says why, and which encodings are likely. Or it
            ends within a character, or holds a NUL: says its line and character.

    Example:
        >>> encoding_of([b"number,note", "\n1,诈骗\n".encode()], "list.csv")
        'utf-8'
    """
    head, blocks = _begun(blocks)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise UnclearEncoding(f"{where} is in utf-32, which is not read unasked", "utf-32")
    if _order_of(head):
        return "utf-16"
    text, sample, place, bad = _Utf8(), ForeignLines(), _Place(), 0
    for block in blocks:
        sample.add(block, place.line)
        bad = bad or text.bad_line(block, place.line)
        if bad and sample.full:
            break
        if not bad:
            _refuse_nul(block, place, where)
        place.move(block)
    bad = bad or text.bad_line(b"", place.line, is_last=True)
    marked = head.startswith(codecs.BOM_UTF8)
    if bad and (marked or text.is_cut_off):
        raise _not_in("utf-8", bad, where, text.is_cut_off)
    if bad:
        _refuse_unless_chinese(sample, bad, where)
        return GB18030
    if not marked and (rival := rival_of_utf8(sample.joined())):
        raise UnclearEncoding(f"{where} makes sense both in utf-8 and in {rival}", rival)
    return "utf-8-sig" if marked else "utf-8"


def decoded(blocks: Iterable[bytes], encoding: str, where: str, *, is_told: bool = False) -> Iterator[bytes]:
    """A text that comes in blocks, as UTF-8 without a byte order mark.

    Args:
        blocks: The text, in pieces of any size.
        encoding: That it is in.
        where: The file's name for messages.
        is_told: By `encoding_of`, which has looked at all of what is UTF-8.

    Yields:
        UTF-8, in pieces that may end within a character.

    Raises:
        InputError: A byte is none of the encoding: says its line. There is a NUL: says its line and character. Or
            the text begins with the mark of UTF-8, and that is not its encoding.
        ConfigError: There is no such encoding.

    Example:
        >>> b"".join(decoded(["号".encode("gbk"), "码".encode("gbk")], "gbk", "list.csv")).decode()
        '号码'
    """
    name = _codec(encoding, where)
    head, blocks = _begun(blocks)
    if is_told and name in _UTF8:
        yield next(blocks, b"").removeprefix(codecs.BOM_UTF8)
        yield from blocks
        return
    place = _Place()
    for block in _checked(blocks, place, where) if name in _UTF8 else _recoded(head, blocks, name, place, where):
        _refuse_nul(block, place, where)
        place.move(block)
        yield block


def _refuse_nul(block: bytes, place: _Place, where: str) -> None:
    if (at := block.find(b"\0")) >= 0:
        line, character = place.of(block, at)
        raise InputError(
            f"{where} holds a NUL, which no table has, in line {line}, character {character}: "
            "is the file damaged? Ask for it anew, or take the NUL out"
        )


def _codec(encoding: str, where: str) -> str:
    try:
        b"\0\0\0\0".decode(encoding, "ignore")  # some codecs are none of text
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise ConfigError(f"{where}: there is no encoding {encoding!r}{near(encoding, ENCODINGS)}") from None


def _not_in(name: str, line: int, where: str, is_cut_off: bool = False) -> InputError:
    if is_cut_off:
        return InputError(f"{where} ends in the middle of a character, in line {line}: is it complete?")
    return UnclearEncoding(f"{where}: not in {name}: the first bad byte is in line {line}")


def _begun(blocks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of a text, of `_HEAD` bytes or more where there are as many; and all of it."""
    rest, head = iter(blocks), b""
    while len(head) < _HEAD and (block := next(rest, None)) is not None:
        head += block
    return head, chain([head], rest)


# UTF-8


def _checked(blocks: Iterator[bytes], place: _Place, where: str) -> Iterator[bytes]:
    """The blocks of a text that is UTF-8, as they are, but for the mark; `place` is that of the next one."""
    text, mark = _Utf8(), codecs.BOM_UTF8
    for block in chain(blocks, [None]):
        if bad := text.bad_line(block or b"", place.line, is_last=block is None):
            raise _not_in("utf-8", bad, where, text.is_cut_off)
        if block:
            yield block.removeprefix(mark)
        mark = b""


class _Utf8:
    """Looks for the first byte in a text that is not UTF-8.

    Attributes:
        is_cut_off: That byte begins a character at the text's end, and the text had others before.
    """

    def __init__(self) -> None:
        self.is_cut_off = False
        self._begun, self._is_ascii = b"", True

    def bad_line(self, block: bytes, line: int, *, is_last: bool = False) -> int:
        """The line of the first bad byte; 0 where there is none. The next block begins in `line`."""
        if not self._begun and block.isascii():
            return 0
        text = self._begun + block
        whole = text if is_last else text[: _end_of_characters(text)]
        self._begun = text[len(whole) :]
        try:
            _validate(whole)
        except UnicodeDecodeError as error:
            self.is_cut_off = is_last and not self._is_ascii and error.reason == "unexpected end of data"
            return line + whole.count(b"\n", 0, error.start)
        self._is_ascii = self._is_ascii and whole.isascii()
        return 0


def _validate(text: bytes) -> None:
    """Raise UnicodeDecodeError where a text is not UTF-8: ten times as fast as `decode` where it is."""
    try:
        pl.Series([text], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        text.decode()


def _end_of_characters(text: bytes) -> int:
    """Where the last character of UTF-8 begins, if it may go on in the next block; else the text's end."""
    for back in range(1, min(4, len(text)) + 1):
        if text[-back] >= 0xC0:
            return len(text) - back
        if text[-back] < 0x80:
            break
    return len(text)


# Other encodings


def _recoded(head: bytes, blocks: Iterator[bytes], name: str, place: _Place, where: str) -> Iterator[bytes]:
    """The blocks of a text in any encoding, as UTF-8 without a mark; `place` is that of the next one."""
    if head.startswith(codecs.BOM_UTF8):
        raise InputError(f"{where} begins with the mark of utf-8, and its encoding is said to be {name}: name utf-8")
    codec = _order_of(head) if name == "utf-16" else name
    if codec is None:
        raise _not_in(name, 1, where)
    decoder, mark = codecs.getincrementaldecoder(codec)(), "\ufeff"
    for block in chain(blocks, [None]):
        try:
            text = decoder.decode(block or b"", block is None)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(codec, "ignore")
            raise _not_in(name, place.line + good.count("\n"), where) from None
        yield text.removeprefix(mark).encode()
        mark = ""


def _order_of(head: bytes) -> str | None:
    """UTF-16 with its byte order, by its mark or by the side on which digits and delimiters have their NUL.

    None where the text is not UTF-16.
    """
    if order := _ORDERS.get(head[:2]):
        return order
    if b"\0" not in head:
        return None
    units = np.frombuffer(head[: len(head) // 2 * 2], np.uint8).reshape(-1, 2)
    is_of_tables = np.isin(units, _OF_TABLES)
    for order, low in (("utf-16-le", 0), ("utf-16-be", 1)):
        paired = (is_of_tables[:, low] & (units[:, 1 - low] == 0)).sum()
        if paired and paired * 2 >= is_of_tables.sum():
            return order
    return None


# Which encoding it is


def _refuse_unless_chinese(sample: ForeignLines, bad: int, where: str) -> None:
    """Refuse text that is not UTF-8, and not GB18030 beyond doubt.

    Raises:
        InputError: It names the likely encodings.
    """
    raw = sample.joined()
    readings = readings_of(raw)
    for line, content in sample.lines:
        if not is_in(content, GB18030):
            problem = f"{where}: not in utf-8 or gb18030: the first bad byte is in line {max(bad, line)}"
            able = [reading for reading in readings if is_in(content, reading.encoding)]
            raise UnclearEncoding(f"{problem}; {ranking(able)}" if able else problem, able[0].encoding if able else "")
    if doubt := doubt_of(raw, readings):
        problem = f"{where}: in which encoding is it? Not in utf-8 (line {bad}), and {doubt}"
        raise UnclearEncoding(problem, readings[0].encoding)


class _Place:
    """Where in a text of UTF-8 a byte is: its line and its character in the line, both from 1.

    Attributes:
        line: That in which the next block begins.
    """

    def __init__(self) -> None:
        self.line, self._characters = 1, 0

    def of(self, block: bytes, at: int) -> tuple[int, int]:
        """The place of a byte of the next block."""
        begin = block.rfind(b"\n", 0, at) + 1
        before = 0 if begin else self._characters
        return self.line + block.count(b"\n", 0, at), before + _characters(block[begin:at]) + 1

    def move(self, block: bytes) -> None:
        """Go on behind a block."""
        begin = block.rfind(b"\n") + 1
        self._characters = _characters(block[begin:]) + (0 if begin else self._characters)
        self.line += count_of(b"\n", block)


def _characters(text: bytes) -> int:
    return len(text.translate(None, _CONTINUING))
