"""Sealed files: nobody without the key reads what they hold, and nobody can change or shorten them unnoticed.

A file is a line that says what it is, a header in plain JSON, and pieces of at most 1 MiB under AES-256-GCM (NIST SP
800-38D). Each file has a key of its own, by HKDF (RFC 5869) from the given one and a random salt; a piece's number, and
whether it is the last, are in its nonce, and the line, the header and the salt are authenticated with each piece, so
that no piece can be left out, put elsewhere, or taken from another file (STREAM, of Hoang and others, 2015).
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cardscreen.foundation.errors import InputError

#: What a piece holds at most.
PIECE = 1 << 20
_SALT, _TAG, _LENGTH = 32, 16, 4  # bytes
_HEADER = 1 << 16  # the longest
_FORMAT = 1
_LINE = "cardscreen sealed file, format "
_LONGEST_LINE = len(_LINE) + 8


def derived(key: bytes, info: str, salt: bytes = b"") -> bytes:
    """A key of 32 bytes made from another, for one purpose; from it nobody learns the other one. HKDF, RFC 5869."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt, info.encode()).derive(key)


def seal_file(file: Path, key: bytes, header: dict[str, Any], parts: Iterable[bytes]) -> None:
    """Write a sealed file.

    Args:
        file: Where; what is there is written over.
        key: 32 bytes or more.
        header: What anybody may read, and nobody change.
        parts: What it holds, in parts of any size.
    """
    said = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    front = _line(_FORMAT) + len(said).to_bytes(_LENGTH, "big") + said + secrets.token_bytes(_SALT)
    lock = _Lock(key, front)
    with file.open("wb") as stream:
        stream.write(front)
        held = b""
        for number, (piece, held) in enumerate(_pieces(parts)):
            stream.write(lock.closed(number, piece, last=not held))
        stream.flush()
        os.fsync(stream.fileno())


def _pieces(parts: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Pieces, each with what is known to be behind it; only behind the last there is nothing."""
    rest = b""
    for part in parts:
        rest += part
        while len(rest) > PIECE:
            piece, rest = rest[:PIECE], rest[PIECE:]
            yield piece, rest
    yield rest, b""


@dataclass(frozen=True)
class Sealed:
    """A sealed file that is there.

    Attributes:
        file: Where.
        header: What it says; anybody may have written it until a piece was read with a key.
        size: Bytes that it holds, if it is whole.
    """

    file: Path
    header: dict[str, Any]
    size: int
    _front: bytes

    @classmethod
    def open(cls, file: Path, what: str) -> Sealed:
        """A sealed file's header.

        Args:
            file: Where it is.
            what: What it should be, for messages.

        Raises:
            InputError: It is none, is of a newer format, or is cut off.
        """
        try:
            size = file.stat().st_size
            with file.open("rb") as stream:
                front, header = _front(stream, file, what)
        except FileNotFoundError:
            raise InputError(f"there is no file {file}") from None
        except OSError as error:
            raise InputError(f"{file} can't be read: {error.strerror}") from None
        pieces, rest = divmod(size - len(front), PIECE + _TAG)
        if rest < _TAG and (rest or not pieces):
            raise InputError(f"{file} is cut off: get it again")
        return cls(file, header, pieces * PIECE + max(rest - _TAG, 0), front)

    def parts(self, key: bytes, fault: Callable[[], str]) -> Iterator[bytes]:
        """What it holds, piece by piece; each is handed over only when it is found to be as it was written.

        Args:
            key: As it was sealed with.
            fault: Says what is wrong where a piece is not: called then.

        Raises:
            InputError: It was altered, or cut off, or is under another key.
        """
        lock, left, number = _Lock(key, self._front), self.size, 0
        with self.file.open("rb") as stream:
            stream.seek(len(self._front))
            while number == 0 or left:
                length = min(left, PIECE)
                left -= length
                piece = lock.opened(number, stream.read(length + _TAG), last=not left)
                if piece is None:
                    raise InputError(fault())
                yield piece
                number += 1


def _line(number: int) -> bytes:
    return f"{_LINE}{number}\n".encode()


def _front(stream: BinaryIO, file: Path, what: str) -> tuple[bytes, dict[str, Any]]:
    line = stream.readline(_LONGEST_LINE)
    if not line.startswith(_LINE.encode()):
        raise InputError(f"{file} is no {what}")
    if line != _line(_FORMAT):
        number = line.decode("utf-8", "replace").removeprefix(_LINE).removesuffix("\n")
        if re.fullmatch(r"[1-9][0-9]*", number):
            raise InputError(
                f"{file} is of format {number}, and this release reads format {_FORMAT}: get a newer release"
            )
        why = "its line ends were changed, as of a text" if "\r" in number else "its first line is another"
        raise InputError(f"{file} was altered on its way: {why}; have it sent as a binary file, and get it again")
    length = stream.read(_LENGTH)
    said = stream.read(min(int.from_bytes(length, "big"), _HEADER + 1))
    salt = stream.read(_SALT)
    if len(said) > _HEADER:
        raise InputError(f"{file} is no {what}: its header has more than {_HEADER:,} bytes")
    if len(length) < _LENGTH or len(said) < int.from_bytes(length, "big") or len(salt) < _SALT:
        raise InputError(f"{file} is cut off: get it again")
    try:
        header = json.loads(said)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise InputError(f"{file} was altered: its header can't be read")
    return line + length + said + salt, header


class _Lock:
    """What closes and opens the pieces of one file."""

    def __init__(self, key: bytes, front: bytes) -> None:
        # It takes a tenth of a second to load, and few commands need it.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._front = front
        self._cipher = AESGCM(derived(key, "cardscreen sealed file", front[-_SALT:]))

    def closed(self, number: int, piece: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(_nonce(number, last), piece, self._front)

    def opened(self, number: int, closed: bytes, *, last: bool) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(_nonce(number, last), closed, self._front)
        except (InvalidTag, ValueError):
            return None


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
