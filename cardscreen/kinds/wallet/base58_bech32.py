"""The two ways in which ledgers write addresses, base58 and bech32, decoded and checked by the column.

A base58 text is one large number, whose last four bytes check the others. A bech32 text is a word of a
BCH code over symbols of five bits. Both are worked out place by place, each for all texts at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh

Bytes = npt.NDArray[np.uint8]
#: Digits of base 58 that are taken at once: 58⁵ and a carry fit into a limb of 32 bits.
_STEP = 5
_STEP_BASE = np.uint64(58**_STEP)
_LIMB_BITS, _LIMB = np.uint64(32), np.uint64(2**32 - 1)
_CHECK_BYTES = 4
_SYMBOLS = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _characters(text: pl.Series, length: int) -> Bytes:
    """The characters of ASCII texts of one length: a row for each text."""
    rows: Bytes = text.cast(pl.Binary).bin.reinterpret(dtype=pl.Array(pl.UInt8, length)).to_numpy()
    return rows


def _places(alphabet: bytes) -> Bytes:
    """The place of each character in an alphabet, by its code."""
    places = np.zeros(256, dtype=np.uint8)
    places[np.frombuffer(alphabet, dtype=np.uint8)] = np.arange(len(alphabet), dtype=np.uint8)
    return places


def base58_bytes(text: pl.Series, longest: int, alphabet: bytes) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """The bytes that base58 texts stand for, a row for each, and how many there are.

    Args:
        text: Texts of the alphabet alone.
        longest: No text is longer; a multiple of five.
        alphabet: The digits from 0 to 57.

    Returns:
        Bytes aligned at the right, zeros before them; the size counts one zero byte for each leading
        zero digit, and is what a decoder gives.
    """
    zero = chr(alphabet[0])
    digits = _places(alphabet)[_characters(text.str.pad_start(longest, zero), longest)]
    powers = 58 ** np.arange(_STEP)[::-1]
    groups = (digits.reshape(len(text), -1, _STEP) @ powers).T.astype(np.uint64)
    limbs = np.zeros_like(groups)
    for known, group in enumerate(groups, start=1):
        carry = group
        for limb in limbs[:known]:
            total = limb * _STEP_BASE + carry
            limb[:], carry = total & _LIMB, total >> _LIMB_BITS
    rows = limbs[::-1].T.astype(">u4").view(np.uint8)
    leading = text.str.len_bytes() - text.str.strip_chars_start(zero).str.len_bytes()
    significant = rows.shape[1] - np.where(rows.any(axis=1), (rows != 0).argmax(axis=1), rows.shape[1])
    return rows, significant + leading.to_numpy()


def base58_fits(payload: Bytes) -> npt.NDArray[np.bool_]:
    """Whether the last four bytes of each row are the check of those before."""
    check = np.ascontiguousarray(payload[:, -_CHECK_BYTES:])
    fits: npt.NDArray[np.bool_] = _checks(payload[:, :-_CHECK_BYTES]) == check.view("<u4").ravel()
    return fits


def _checks(body: Bytes) -> npt.NDArray[np.uint32]:
    """The check of each row, as an integer whose lowest byte comes first: of SHA-256, taken twice, the first bytes."""
    digest = plh.col("x").chash.sha2_256()
    once = _texts(body).alias("x").to_frame().select(digest.str.decode("hex"))
    twice = once.select(digest.str.head(2 * _CHECK_BYTES).str.decode("hex").bin.reinterpret(dtype=pl.UInt32))
    checks: npt.NDArray[np.uint32] = twice.to_series().to_numpy()
    return checks


def _texts(rows: Bytes) -> pl.Series:
    """A Binary of each row."""
    return pl.Series(np.ascontiguousarray(rows)).cast(pl.List(pl.UInt8)).cast(pl.Binary)


def base58_checked(body: Bytes, alphabet: bytes) -> pl.Series:
    """The base58 texts of rows of bytes, of which the first is not zero, with their check behind them.

    Args:
        body: A row for each text.
        alphabet: The digits from 0 to 57.
    """
    check = _checks(body).astype("<u4").view(np.uint8).reshape(len(body), _CHECK_BYTES)
    whole = np.hstack([body, check])
    padded = np.pad(whole, ((0, 0), (-whole.shape[1] % 4, 0)))
    limbs = padded.view(">u4").astype(np.uint64)
    groups = []
    for _ in range(-(-2 * padded.shape[1] // _STEP)):  # a byte takes less than two digits of base 58
        carry = np.zeros(len(limbs), dtype=np.uint64)
        for limb in limbs.T:
            limb[:], carry = np.divmod((carry << _LIMB_BITS) + limb, _STEP_BASE)
        groups.append(carry)
    powers = (58 ** np.arange(_STEP)[::-1]).astype(np.uint64)
    digits = np.stack(groups[::-1], axis=1)[:, :, None] // powers % np.uint64(58)
    letters = np.frombuffer(alphabet, dtype=np.uint8)[digits.reshape(len(body), -1).astype(np.intp)]
    return _texts(letters).cast(pl.String).str.strip_chars_start(chr(alphabet[0]))


def bytes_of_hex(text: pl.Series, size: int) -> Bytes:
    """The bytes that hexadecimal texts of one size stand for: a row for each text."""
    rows: Bytes = text.str.decode("hex").bin.reinterpret(dtype=pl.Array(pl.UInt8, size)).to_numpy()
    return rows


def symbols(text: pl.Series, length: int) -> Bytes:
    """The five-bit symbols of bech32 texts of one length: a row for each text."""
    return _places(_SYMBOLS)[_characters(text, length)]


@dataclass(frozen=True)
class Code:
    """A BCH code over five-bit symbols.

    Attributes:
        bits: Bits of a residue.
        generators: What each bit that is shifted out adds.
    """

    bits: int
    generators: tuple[int, ...]

    def residue(self, prefix: Iterable[int], rows: Bytes) -> npt.NDArray[np.int64]:
        """What is left of a prefix of symbols and each row, to be compared with the code's constant."""
        kept_bits = self.bits - 5
        added = np.zeros(32, dtype=np.int64)
        for bit, generator in enumerate(self.generators):
            added[np.arange(32) >> bit & 1 == 1] ^= generator
        residue = np.ones(1, dtype=np.int64)
        for symbol in (*prefix, *rows.T):
            residue = ((residue & (1 << kept_bits) - 1) << 5) ^ added[residue >> kept_bits] ^ symbol
        return residue


#: BIP-173, for bech32 and bech32m, which differ in the constant.
BECH32 = Code(30, (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3))
#: The CashAddr specification.
CASHADDR = Code(40, (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470))
