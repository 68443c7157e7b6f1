"""Bytes that only this process, and those that it gives the key, can read: AES in counter mode.

What card numbers are looked up in must reach workers as files, and no file that was not asked for holds a full card
number. The key is made for one screening, travels in memory, and is written nowhere.
"""

from __future__ import annotations

import secrets

_KEY, _NONCE = 32, 16  # bytes


class Seal:
    """A key for the files of one screening. It shows nothing of itself; it may be pickled, as workers need it."""

    __slots__ = ("_key",)

    def __init__(self) -> None:
        """Make a key."""
        self._key = secrets.token_bytes(_KEY)

    def __repr__(self) -> str:
        """Nothing of the key."""
        return "Seal(…)"

    def close(self, content: bytes) -> bytes:
        """The content sealed.

        Example:
            >>> seal = Seal()
            >>> seal.open(seal.close(b"4111111111111111"))
            b'4111111111111111'
        """
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._applied(content, nonce)

    def open(self, sealed: bytes) -> bytes:
        """The content of what was sealed."""
        return self._applied(sealed[_NONCE:], sealed[:_NONCE])

    def pseudonym_key(self) -> str:
        """A text for keyed hashes of values that must not be told, only told apart."""
        return self._key.hex()

    def _applied(self, content: bytes, nonce: bytes) -> bytes:
        """Counter mode is its own inverse."""
        # It takes a tenth of a second to load, and few commands need it.
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        worker = Cipher(algorithms.AES(self._key), modes.CTR(nonce)).encryptor()
        return worker.update(content) + worker.finalize()
