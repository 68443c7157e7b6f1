"""In which encodings a text can be read, and in which of them it makes sense.

Most bytes of Chinese are also Korean, Japanese or Russian, byte for byte. What differs is how common the characters
are that they give, so readings are compared with each other, and none is judged alone.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace

from cardscreen.tables.encodings.languages import bits_of, double_bytes, languages

GB18030 = "gb18030"
_CHINESE = "simplified Chinese"
#: What texts come in besides UTF-8, UTF-16 and GB18030, and the languages that are written in it. Of two encodings
#: in which a text is the same, the first is named.
_WRITTEN_IN: tuple[tuple[str, str], ...] = (
    ("big5", "traditional Chinese"),
    ("cp950", "traditional Chinese"),
    ("cp932", "Japanese"),
    ("cp932", "half-width Japanese"),
    ("euc_jp", "Japanese"),
    ("cp949", "Korean"),
    ("cp1252", "Western European"),
    ("cp850", "Western European"),
    ("cp1250", "Central European"),
    ("iso8859-2", "Central European"),
    ("cp1251", "Cyrillic"),
    ("koi8-r", "Cyrillic"),
    ("cp866", "Cyrillic"),
    ("iso8859-5", "Cyrillic"),
    ("cp1253", "Greek"),
    ("cp1254", "Turkish"),
    ("cp1258", "Vietnamese"),
    ("cp874", "Thai"),
    ("cp1255", "Hebrew"),
    ("cp1256", "Arabic"),
)
#: Names that people know better.
_ALSO = {"cp950": "Big5, ", "cp932": "Shift-JIS, ", "cp949": "EUC-KR, ", "cp850": "DOS, ", "cp866": "DOS, "}
#: A reading is sure where each other one is 2 to this power less likely. Texts in other encodings were at most 2 to
#: the power of 10 likelier as Chinese: four characters of a Japanese name.
_SURE = 12
#: How much less likely than the best a reading can be, and still be named; and how many are.
_NAMED_WITHIN, _NAMED = 60, 3
#: Of the Chinese characters of a text, at most this share are rare. Single ones stand in names: 喆, 玥, 珺.
_RARE_SHARE = 0.1
#: What stands between words, and in no character of any of the encodings; digits do, in GB18030.
_BETWEEN, _DIGITS = re.compile(rb"[\x00-\x2f\x3a-\x3f]+"), b"0123456789"
_ASCII = bytes(range(0x80))
#: With more bytes than these beyond ASCII, no text in another encoding is UTF-8 by chance.
_SHORT = 64
_WESTERN, _LATIN = re.compile("[\0-\x7fÀ-ÿ]*"), re.compile("[\0-\u024f]*")
_HANZI = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")


@dataclass(frozen=True, order=True)
class Reading:
    """A text as an encoding gives it.

    Attributes:
        bits: How unlikely it is in its language: see `bits_of`. The likeliest reading sorts first.
        encoding: That it is decoded from.
        language: That it is taken for.
        text: Its words that are not ASCII.
    """

    bits: float
    encoding: str
    language: str
    text: str = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.encoding} ({_ALSO.get(self.encoding, '')}{self.language})"


def readings_of(raw: bytes) -> list[Reading]:
    """All readings of a text, the likeliest first.

    That as GB18030 is always one of them, with U+FFFD for what it can't read. Those as UTF-8 and UTF-16 are not.

    Example:
        >>> [str(reading) for reading in readings_of("번호,이름".encode("cp949"))][:1]
        ['cp949 (EUC-KR, Korean)']
    """
    raw = _distinct(raw)
    readings = [_reading(raw, GB18030, _CHINESE, "replace")]
    of_texts: dict[str, Reading] = {}
    for encoding, language in _WRITTEN_IN:
        with suppress(UnicodeDecodeError):
            reading = _reading(raw, encoding, language)
            same = of_texts.setdefault(reading.text, reading)
            of_texts[reading.text] = replace(same, bits=min(same.bits, reading.bits))
    return sorted([*readings, *of_texts.values()])


def _distinct(raw: bytes) -> bytes:
    """The words of a text that are not ASCII, each once: what a thousand rows repeat is evidence once."""
    words = (word for word in _BETWEEN.split(raw) if not word.isascii())
    return b"\n".join({word.translate(None, _DIGITS): word for word in words}.values())


def _reading(raw: bytes, encoding: str, language: str, errors: str = "strict") -> Reading:
    text = raw.decode(encoding, errors)
    return Reading(bits_of(text, language), encoding, language, text)


def rival_of_utf8(raw: bytes) -> str | None:
    """The encoding that a text may be in though it is UTF-8; None where there is no doubt that it is that.

    Short Chinese text can be valid UTF-8: 诈骗, fraud, would be read as two letters of far-off scripts. Nearly all
    UTF-8 holds some character whose bytes are not of everyday Chinese (GB 2312), or no letters but Latin ones.

    Example:
        >>> rival_of_utf8("诈骗".encode("gb18030"))
        'gb18030'
        >>> rival_of_utf8("诈骗".encode("utf-8"))
    """
    is_chinese = is_in(raw, "gb2312")
    if raw.isascii() or (not is_chinese and len(raw.translate(None, _ASCII)) > _SHORT):
        return None
    best = readings_of(raw)[0]
    words = _distinct(raw).decode()
    lead = min(bits_of(words, language) for language in languages()) - best.bits
    if lead > _SURE:
        return best.encoding
    is_latin = _WESTERN.fullmatch(words) or (lead < -_SURE and _LATIN.fullmatch(words))
    return GB18030 if is_chinese and not is_latin else None


def is_in(raw: bytes, encoding: str) -> bool:
    """Whether an encoding can read a text."""
    with suppress(UnicodeDecodeError):
        raw.decode(encoding)
        return True
    return False


def doubt_of(raw: bytes, readings: list[Reading]) -> str | None:
    """Why a text is not to be read as GB18030 unasked; None where nothing else is likely.

    Args:
        raw: The text, which GB18030 can read.
        readings: All that it has, the likeliest first.

    Example:
        >>> raw = "번호,이름".encode("cp949")
        >>> doubt_of(raw, readings_of(raw)[:2])
        'it reads clearly best as cp949 (EUC-KR, Korean), then as gb18030 (simplified Chinese)'
    """
    best = readings[0]
    if best.encoding != GB18030 or not _is_sure(readings):
        return ranking(readings)
    text = raw.decode(GB18030)
    if _PRIVATE.search(text):
        return f"as {best} it holds characters of private use"
    hanzi = _HANZI.findall(text)
    rare = sum(character not in double_bytes("gb2312") for character in hanzi)
    if rare > _RARE_SHARE * len(hanzi):
        return f"as {best} it has {rare} rare hanzi among {len(hanzi)}"
    return None


def ranking(readings: list[Reading]) -> str:
    """In which encodings a text is likeliest, and how sure that is: half a sentence.

    Args:
        readings: All that the text has, the likeliest first.
    """
    best = readings[0]
    likely = [reading for reading in readings[1:] if reading.bits - best.bits <= _NAMED_WITHIN][: _NAMED - 1]
    likely += [reading for reading in readings[1:] if reading.encoding == GB18030 and reading not in likely]
    names = list(dict.fromkeys(str(reading) for reading in likely))
    then = f", then as {' or '.join(names)}" if names else ""
    return f"it reads {'clearly' if _is_sure(readings) else 'perhaps'} best as {best}{then}"


def _is_sure(readings: list[Reading]) -> bool:
    return all(reading.bits - readings[0].bits > _SURE for reading in readings[1:])
