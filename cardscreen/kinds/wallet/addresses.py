"""How ledgers write addresses: which form a text has, what it means, and whether its check fits.

What ledger an address is for is told by how it is written, and no more exactly than that: one form
stands for all ledgers that share it. Every EVM chain (Ethereum Classic, BNB Smart Chain, Arbitrum, …)
and every token on one writes `0x…` and is `ethereum`; USDT on Tron is `tron`; `1…` and `3…` are also
written for Bitcoin SV, the old form of Bitcoin Cash and Litecoin's old script addresses, and are
`bitcoin`; Verge shares `D…` with `dogecoin`. Test networks have no form here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.kinds.wallet import base58_bech32

#: What a reader says of texts of its form: the canonical address, its ledger, and whether it is sound; a null
#: ledger where a text is no address after all.
TOLD = pl.Schema({"address": pl.String, "chain": pl.String, "sound": pl.Boolean})

_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
#: XRPL, base58 encodings: the same characters in another order.
_RIPPLE_BASE58 = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
#: Size in bytes and leading bytes → ledger, from each one's `chainparams.cpp`, TRON's protocol document, and
#: the Zcash protocol specification.
_VERSIONS = {
    (25, 0x00): "bitcoin",
    (25, 0x05): "bitcoin",
    (25, 0x10): "dash",
    (25, 0x16): "dogecoin",
    (25, 0x17): "bitcoin_gold",
    (25, 0x1E): "dogecoin",
    (25, 0x21): "verge",
    (25, 0x26): "bitcoin_gold",
    (25, 0x30): "litecoin",
    (25, 0x32): "litecoin",
    (25, 0x41): "tron",
    (25, 0x4C): "dash",
    (26, 0x1CB8): "zcash",
    (26, 0x1CBD): "zcash",
}
_SOLANA_KEY = 32  # bytes
_TRON_SIZE = 21  # bytes without the check
_SHORT, _LONG = 35, 45  # digits of base 58

#: What stands before the 1 of a bech32 address → ledger (SLIP-0173; ZIP-316 for `u`).
_PREFIXES = {"bc": "bitcoin", "btg": "bitcoin_gold", "ltc": "litecoin", "zs": "zcash", "u": "zcash"}
_SEGWIT = ("bc", "btg", "ltc")
_BECH32, _BECH32M = 1, 0x2BC830A3  # BIP-173, BIP-350
_CHECK = 6  # symbols

_CASH = "bitcoincash"
_CASH_CHECK = 8  # symbols
#: Symbols of a CashAddr → what its version says of the hash's size.
_CASH_SIZES = {42: 0, 61: 3}


def _told(address: pl.Series, chain: str | pl.Series, sound: bool | npt.NDArray[np.bool_] = True) -> pl.DataFrame:
    return pl.DataFrame({"address": address, "chain": chain, "sound": sound}, schema=TOLD)


def _evm(text: pl.Series) -> pl.DataFrame:
    """ERC-55 says that case is only a check; it takes Keccak-256, which is not made here."""
    return _told(text.str.to_lowercase(), "ethereum")


def _tron_hex(text: pl.Series) -> pl.DataFrame:
    """What nodes and block explorers of TRON write: the bytes of the address, without a check."""
    body = base58_bech32.bytes_of_hex(text.str.to_lowercase().str.strip_prefix("0x"), _TRON_SIZE)
    return _told(base58_bech32.base58_checked(body, _BASE58), "tron")


def _monero(text: pl.Series) -> pl.DataFrame:
    """The check takes Keccak-256, too."""
    return _told(text, "monero")


def _base58check(text: pl.Series, alphabet: bytes, versions: Mapping[tuple[int, int], str]) -> pl.DataFrame:
    rows, size = base58_bech32.base58_bytes(text, _SHORT, alphabet)
    version = rows[:, -26] * np.int64(256) + rows[:, -25]
    chains = {(size << 16) + version: chain for (size, version), chain in versions.items()}
    sound = np.zeros(len(text), dtype=np.bool_)
    for each in {size for size, _ in versions}:
        of_size = size == each
        sound[of_size] = base58_bech32.base58_fits(rows[of_size, -each:])
    chain = pl.Series((size << 16) + version).replace_strict(chains, default=None, return_dtype=pl.String)
    return _told(text, chain, sound)


def _solana(text: pl.Series) -> pl.DataFrame:
    """A public key as it is, without a check."""
    _, size = base58_bech32.base58_bytes(text, _LONG, _BASE58)
    chain = pl.Series(size).replace_strict({_SOLANA_KEY: "solana"}, default=None, return_dtype=pl.String)
    return _told(text, chain)


def _bech32(text: pl.Series) -> pl.DataFrame:
    prefix = text.str.extract("^([a-z]+)1")
    sound = np.zeros(len(text), dtype=np.bool_)
    alike = pl.DataFrame({"prefix": prefix, "length": text.str.len_bytes()}).with_row_index()
    for (before, length), part in alike.partition_by("prefix", "length", as_dict=True).items():
        begin = len(before) + 1
        rows = base58_bech32.symbols(text.gather(part["index"]).str.slice(begin), length - begin)
        sound[part["index"].to_numpy()] = _bech32_fits(before, rows)
    return _told(text, prefix.replace_strict(_PREFIXES), sound)


def _bech32_fits(prefix: str, rows: base58_bech32.Bytes) -> npt.NDArray[np.bool_]:
    """Whether the check fits, and what is left of the last byte is zero."""
    letters, segwit = prefix.encode(), prefix in _SEGWIT
    residue = base58_bech32.BECH32.residue(
        [*(code >> 5 for code in letters), 0, *(code & 31 for code in letters)], rows
    )
    # The first symbol of SegWit is its version: zero has the older check.
    older = rows[:, 0] == 0 if segwit else prefix == "zs"
    fits: npt.NDArray[np.bool_] = residue == np.where(older, _BECH32, _BECH32M)
    return fits & _ends_in_zeros(rows[:, int(segwit) : -_CHECK])


def _ends_in_zeros(rows: base58_bech32.Bytes) -> npt.NDArray[np.bool_]:
    """Whether the bits behind the last whole byte are fewer than a symbol, and zero."""
    spare = rows.shape[1] * 5 % 8
    zeros: npt.NDArray[np.bool_] = (rows[:, -1] & (1 << spare) - 1 == 0) & (spare < 5)
    return zeros


def _cash(text: pl.Series) -> pl.DataFrame:
    bare = text.str.strip_prefix(f"{_CASH}:")
    sound = np.zeros(len(text), dtype=np.bool_)
    lengths = bare.str.len_bytes().to_numpy()
    for length, size in _CASH_SIZES.items():
        of_length = lengths == length
        rows = base58_bech32.symbols(bare.filter(of_length), length)
        residue = base58_bech32.CASHADDR.residue([*(code & 31 for code in _CASH.encode()), 0], rows)
        sound[of_length] = (residue == 1) & (rows[:, 1] >> 2 == size) & _ends_in_zeros(rows[:, :-_CASH_CHECK])
    return _told(f"{_CASH}:" + bare, "bitcoin_cash", sound)


@dataclass(frozen=True)
class Form:
    """One way of writing addresses.

    Attributes:
        pattern: What texts of the form look like.
        read: `TOLD` of such texts.
        folds: The pattern is for small letters, and capitals alone mean the same.
    """

    pattern: str
    read: Callable[[pl.Series], pl.DataFrame]
    folds: bool = False


_58, _32 = "[1-9A-HJ-NP-Za-km-z]", "[02-9ac-hj-np-z]"
_VERSION_0 = f"q(?:{_32}{{38}}|{_32}{{58}})"  # 20 or 32 bytes
_VERSION_1_TO_16 = f"[pzry9x8gf2tvdw0s]{_32}{{10,70}}"  # 2 to 40 bytes
#: A text has the first form that fits: base58 has most of the characters of the others.
FORMS = (
    Form(r"^0[xX][0-9a-fA-F]{40}$", _evm),
    Form(f"^(?:{'|'.join(_SEGWIT)})1(?:{_VERSION_0}|{_VERSION_1_TO_16})$", _bech32, folds=True),
    Form(f"^zs1{_32}{{75}}$|^u1{_32}{{80,500}}$", _bech32, folds=True),
    Form(f"^(?:{_CASH}:)?(?:[qpzr]{_32}{{41}}|[pr]{_32}{{60}})$", _cash, folds=True),
    Form(r"^(?:0[xX])?41[0-9a-fA-F]{40}$", _tron_hex),
    Form(f"^r{_58}{{24,34}}$", partial(_base58check, alphabet=_RIPPLE_BASE58, versions={(25, 0): "ripple"})),
    Form(f"^{_58}{{25,35}}$", partial(_base58check, alphabet=_BASE58, versions=_VERSIONS)),
    Form(f"^{_58}{{36,44}}$", _solana),
    Form(f"^4{_58}{{105}}$|^[48]{_58}{{94}}$", _monero),
)

#: What stands before the colon of a payment URI → the ledger.
_URI_LEDGERS = {"bitcoincash": "bitcoin_cash"} | {
    name: name
    for name in ("bitcoin", "dash", "dogecoin", "ethereum", "litecoin", "monero", "ripple", "solana", "tron", "zcash")
}
_URI = rf"(?i)^({'|'.join(_URI_LEDGERS)}):"
#: A target, perhaps on one of several chains (EIP-681), and what a wallet program should fill in besides.
_TARGET = r"^[A-Za-z]+:(?://)?(?:pay-)?([^/?@]+)(?:@[0-9]+)?(?:\?.*)?$"
#: Of a token's transfer, the target is the token's contract, and who is paid stands behind.
_PAID = r"^[A-Za-z]+:(?:pay-)?[^/?]+/transfer\?(?:.*&)?address=([^&]+)"


def out_of_uri(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The address that a payment URI names, and the ledger that it says; other text as it is, and null.

    Of a URI that calls anything but a token's transfer, which names nobody, the address is null.

    Source:
        BIP-21 and what other ledgers have made of it; ERC-681.

    Example:
        >>> uri = pl.DataFrame({"x": ["bitcoin:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2?amount=1.5"]})
        >>> uri.select(out_of_uri(pl.col("x"))[0]).item()
        '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'
    """
    scheme = text.str.extract(_URI).str.to_lowercase()
    paid = pl.when(scheme == "ethereum").then(text.str.extract(_PAID))
    address = pl.coalesce(paid, text.str.extract(_TARGET))
    return pl.when(scheme.is_null()).then(text).otherwise(address), scheme.replace(_URI_LEDGERS)


#: Ledger → what stands before its addresses' 40 hexadecimal digits, which some write without.
BARE_HEX = {"ethereum": "0x", "tron": "41"}


def with_prefix(text: pl.Expr, chain: pl.Expr) -> pl.Expr:
    """Text; 40 hexadecimal digits alone with what their ledger puts before them, where that is one of `BARE_HEX`."""
    prefix = chain.replace_strict(BARE_HEX, default=None, return_dtype=pl.String)
    alone = text.str.contains("^[0-9a-fA-F]{40}$") & prefix.is_not_null()
    return pl.when(alone).then(prefix + text).otherwise(text)
