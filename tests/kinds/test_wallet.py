"""Wallet addresses: forms, ledgers and checks, against textbook encoders and `python-stdnum`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import bitcoin

import cardscreen as cs
from cardscreen.kinds import keys
from cardscreen.kinds.kind import kind_from_options
from cardscreen.kinds.wallet import base58_bech32
from cardscreen.lists.feeds.feed import Columns, Feed
from cardscreen.lists.feeds.rows import read_feed

DAY = date(2026, 11, 23)
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
SYMBOLS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BASE58_LEDGERS = {
    b"\x00": "bitcoin",
    b"\x05": "bitcoin",
    b"\x10": "dash",
    b"\x16": "dogecoin",
    b"\x17": "bitcoin_gold",
    b"\x1e": "dogecoin",
    b"\x21": "verge",
    b"\x26": "bitcoin_gold",
    b"\x30": "litecoin",
    b"\x32": "litecoin",
    b"\x41": "tron",
    b"\x4c": "dash",
    b"\x1c\xb8": "zcash",
    b"\x1c\xbd": "zcash",
}
ETHEREUM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"

hashes = st.binary(min_size=20, max_size=20)


def read(*cells: str | None) -> list[dict[str, Any]]:
    column = pl.DataFrame({"wallet": cells}, schema={"wallet": pl.String})
    return column.select(cs.wallet("wallet").struct.unnest()).to_dicts()


def base58(data: bytes, alphabet: str = BASE58) -> str:
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = alphabet[digit] + digits
    return alphabet[0] * (len(data) - len(data.lstrip(b"\0"))) + digits


def base58check(data: bytes, alphabet: str = BASE58) -> str:
    return base58(data + hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4], alphabet)


def five_bits(data: bytes) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]


def polymod(values: list[int], generators: list[int], bits: int) -> int:
    residue = 1
    for value in values:
        top = residue >> (bits - 5)
        residue = (residue & (2 ** (bits - 5) - 1)) << 5 ^ value
        for place, generator in enumerate(generators):
            residue ^= generator if top >> place & 1 else 0
    return residue


def bech32(prefix: str, symbols: list[int], constant: int) -> str:
    expanded = [ord(x) >> 5 for x in prefix] + [0] + [ord(x) & 31 for x in prefix]
    generators = [0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]
    check = polymod(expanded + symbols + [0] * 6, generators, 30) ^ constant
    return prefix + "1" + "".join(SYMBOLS[x] for x in symbols + [check >> 5 * (5 - at) & 31 for at in range(6)])


def segwit(prefix: str, version: int, program: bytes) -> str:
    return bech32(prefix, [version, *five_bits(program)], 0x2BC830A3 if version else 1)


def cashaddr(version: int, data: bytes) -> str:
    symbols = five_bits(bytes([version]) + data)
    generators = [0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470]
    expanded = [ord(x) & 31 for x in "bitcoincash"] + [0]
    check = polymod(expanded + symbols + [0] * 8, generators, 40) ^ 1
    return "bitcoincash:" + "".join(SYMBOLS[x] for x in symbols + [check >> 5 * (7 - at) & 31 for at in range(8)])


@st.composite
def addresses(draw: st.DrawFn) -> tuple[str, str]:
    """A sound address with a check, as its ledger writes it, and the ledger."""
    data = draw(hashes)
    form = draw(st.sampled_from(["base58", "ripple", "segwit", "cash", "sapling"]))
    if form == "base58":
        leading = draw(st.sampled_from(sorted(BASE58_LEDGERS)))
        return base58check(leading + data), BASE58_LEDGERS[leading]
    if form == "ripple":
        return base58check(b"\0" + data, RIPPLE), "ripple"
    if form == "cash":
        wide = draw(st.booleans())
        kind = draw(st.sampled_from([0x0B, 0x1B] if wide else [0x00, 0x08, 0x10, 0x18]))
        return cashaddr(kind, hashlib.sha256(data).digest() if wide else data), "bitcoin_cash"
    if form == "sapling":
        return bech32("zs", five_bits(data + data + b"zec"), 1), "zcash"
    prefix, ledger = draw(st.sampled_from([("bc", "bitcoin"), ("btg", "bitcoin_gold"), ("ltc", "litecoin")]))
    version = draw(st.integers(0, 16))
    size = draw(st.sampled_from([20, 32]) if version == 0 else st.integers(2, 40))
    return segwit(prefix, version, (data + data)[:size]), ledger


@given(st.lists(addresses(), min_size=1, max_size=5))
def test_an_address_made_by_the_book_is_sound_and_of_its_ledger(made: list[tuple[str, str]]) -> None:
    told = read(*(address for address, _ in made))
    assert told == [{"address": address, "chain": ledger, "status": "valid"} for address, ledger in made]


@given(addresses(), st.data())
def test_a_slip_of_one_character_is_never_sound(made: tuple[str, str], data: st.DataObject) -> None:
    address, ledger = made
    folds = address.startswith(("bc1", "btg1", "ltc1", "zs1", "bitcoincash:"))
    # What stands before the 1 or the colon, and the version, say what kind of address it is.
    first = address.index(":" if ":" in address else "1") + 2 if folds else 0
    at = data.draw(st.integers(first, len(address) - 1))
    other = data.draw(st.sampled_from([x for x in (SYMBOLS if folds else BASE58) if x != address[at]]))
    slipped = read(address[:at] + other + address[at + 1 :])[0]
    assert slipped["status"] in ("bad_checksum", "not_an_address")
    if folds:
        assert slipped["chain"] == ledger


@given(hashes)
def test_a_check_that_fits_makes_nothing_sound_that_is_not_well_formed(data: bytes) -> None:
    symbols = [1, *five_bits(data + data[:12])]
    wrong = {
        "a hash of 20 bytes that says it has 32": cashaddr(0x0B, data),
        "Sapling with the newer check": bech32("zs", five_bits(data + data + b"zec"), 0x2BC830A3),
        "one bit behind the last byte": bech32("bc", [*symbols[:-1], symbols[-1] | 1], 0x2BC830A3),
        "another version than 0 in an XRP address": base58check(b"\x01" + data, RIPPLE),
    }
    assert [why for why, address in wrong.items() if read(address)[0]["status"] == "valid"] == []


@given(addresses())
def test_capitals_and_a_left_out_prefix_mean_the_same_address(made: tuple[str, str]) -> None:
    address, ledger = made
    if address.startswith(("bc1", "btg1", "ltc1", "zs1", "bitcoincash:")):
        forms = [
            address,
            address.upper(),
            address.removeprefix("bitcoincash:"),
            f" {address[:9]}\u200b {address[9:]}\n",
        ]
        assert {each["address"] for each in read(*forms)} == {address}
        mixed = address[:-8] + address[-8:].upper()
        assert mixed == address or read(mixed)[0]["chain"] != ledger


@given(hashes.filter(lambda account: any(account[:18])), st.data())  # a burnt one is nobody's
def test_an_ethereum_address_in_any_case_meets_the_same_listing(account: bytes, data: st.DataObject) -> None:
    digits = account.hex()
    capitals = data.draw(st.lists(st.booleans(), min_size=40, max_size=40))
    written = "0x" + "".join(x.upper() if up else x for x, up in zip(digits, capitals, strict=True))
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["wallet"], "value": [written]}))
    accounts = pl.DataFrame({"account_id": [1, 2], "wallet": [f"0x{digits}", f"0X{digits.upper()}"]})
    hits = cs.screen(accounts, listed, {"wallet": cs.Wallet()}, as_of=DAY).hits.collect()
    assert hits.select("account_id", "value").rows() == [(1, f"0x{digits}"), (2, f"0x{digits}")]


base58_texts = st.text(st.sampled_from(BASE58), min_size=24, max_size=34)


@given(
    st.one_of(
        base58_texts.map(lambda rest: f"1{rest}"),
        base58_texts.map(lambda rest: f"3{rest}"),
        hashes.map(lambda data: base58check(b"\0" + data)),
        hashes.map(lambda data: base58check(b"\x05" + data)),
        hashes.map(lambda data: base58check(b"\0\0" + data)),
        hashes.map(lambda data: base58check(b"\0" * 12 + data[:9])),
        hashes.map(lambda data: segwit("bc", 0, data)),
        hashes.map(lambda data: segwit("bc", 0, data)[:-1] + "q"),
    )
)
@example("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2")
@example("11BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2")
@example("1111111111111111111114oLvT2")
def test_what_is_sound_for_stdnum_is_a_sound_bitcoin_address(text: str) -> None:
    told = read(text)[0]
    assert (told["chain"] == "bitcoin" and told["status"] == "valid") == bitcoin.is_valid(text)


@given(st.lists(st.text(st.sampled_from(BASE58), min_size=1, max_size=45), min_size=1, max_size=5))
def test_base58_is_decoded_like_the_book_does(texts: list[str]) -> None:
    rows, sizes = base58_bech32.base58_bytes(pl.Series(texts), 45, BASE58.encode())
    for text, row, size in zip(texts, rows, sizes, strict=True):
        expected = b"\0" * (len(text) - len(text.lstrip("1"))) + _significant(text)
        assert (row.tobytes().lstrip(b"\0"), size) == (expected.lstrip(b"\0"), len(expected))


def _significant(text: str) -> bytes:
    number = 0
    for digit in text:
        number = number * 58 + BASE58.index(digit)
    return number.to_bytes((number.bit_length() + 7) // 8)


@pytest.mark.parametrize(
    ("cell", "chain", "status"),
    [
        pytest.param("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "bitcoin", "valid", id="p2pkh-bitcoin-wiki"),
        pytest.param("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "bitcoin", "valid", id="p2sh-bitcoin-wiki"),
        pytest.param("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLz", "bitcoin", "bad_checksum", id="p2sh-with-a-slip"),
        pytest.param("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bitcoin", "valid", id="p2wpkh-bip-173"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "bitcoin", "valid", id="p2tr"),
        pytest.param("BC1SW50QGDZ25J", "bitcoin", "valid", id="version-16-bip-350"),
        pytest.param("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "bitcoin", "valid", id="version-2-bip-350"),
        pytest.param("LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9", "litecoin", "valid", id="litecoin-p2pkh"),
        pytest.param("MUWheVyCBf3Fm3WNNXvotQ3Gj8NTSZCBVe", "litecoin", "valid", id="litecoin-p2sh"),
        pytest.param("ltc1qg42tkwuuxefutzxezdkdel39gfstuap288mfea", "litecoin", "valid", id="litecoin-segwit"),
        pytest.param("DPpJVPpvPNP6i6tMj4rTycAGh8wReTqaSU", "dogecoin", "valid", id="dogecoin-p2pkh"),
        pytest.param("A7JjzK9k9x5b2MkkQzqt91WZsuu7wTu6iS", "dogecoin", "valid", id="dogecoin-p2sh"),
        pytest.param("GW3JrQyHtoVfEFES3Y9JagiX3VSKQStLwj", "bitcoin_gold", "valid", id="bitcoin-gold"),
        pytest.param(TRON, "tron", "valid", id="tron-usdt-contract"),
        pytest.param("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "ripple", "valid", id="xrp-ledger-genesis"),
        pytest.param("rrrrrrrrrrrrrrrrrrrrrhoLvTp", "ripple", "valid", id="xrp-ledger-account-zero"),
        pytest.param("t1Hsc1LR8yKnbbe3twRp88p6vFfC5t7DLbs", "zcash", "valid", id="zcash-transparent"),
        pytest.param("zs1mrhc9y7jdh5r9ece8u5khgvj9kg0zgkxzdduyv0whkg7lkcrkx5xqem3e48avjq9wn2rukydkwn",
                     "zcash", "valid", id="zcash-sapling"),
        pytest.param("u1l8xunezsvhq8fgzfl7404m450nwnd76zshscn6nfys7vyz2ywyh4cc5daaq0c7q2su5lqfh23sp7fkf3kt27ve5948mzp"
                     "fdvckzaect2jtte308mkwlycj2u0eac077wu70vqcetkxf", "zcash", "valid", id="unified-zip-316"),
        pytest.param("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a", "bitcoin_cash", "valid", id="cashaddr"),
        pytest.param("bitcoincash:ppn87szlp75e3f5akyjlkkwp7qn93w5yx5mvzwlu3y", "bitcoin_cash", "valid", id="cash-p2sh"),
        pytest.param("bitcoincash:pvhfadjrmc4adxl8payajshf34wauh4jlrfnpuyetfnzh5llrnh9w3q8y9qcp",
                     "bitcoin_cash", "valid", id="cash-p2sh-of-32-bytes"),
        pytest.param("4ADT1BtbxqEWeMKp9GgPr2NeyJXXtNxvoDawpyA4WpzFcGcoHUvXeijE66DNfohE9r1bQYaBiQjEtKE7CtkTdLwiDznFzra",
                     "monero", "valid", id="monero"),
        pytest.param("4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T", "solana", "valid", id="solana"),
        pytest.param(ETHEREUM, "ethereum", "valid", id="ethereum-erc-55"),
        pytest.param("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed", "ethereum", "valid", id="erc-55-is-not-checked"),
        # BIP-350's list of invalid addresses
        pytest.param("tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut", None, "not_an_address",
                     id="prefix"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "bitcoin", "bad_checksum",
                     id="bech32-for-bech32m"),
        pytest.param("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "bitcoin", "bad_checksum", id="bech32m-for-bech32"),
        pytest.param("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", None, "not_an_address",
                     id="character"),
        pytest.param("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", None, "not_an_address",
                     id="witness-version"),
        pytest.param("bc1pw5dgrnzv", None, "not_an_address", id="one-byte"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", None,
                     "not_an_address", id="41-bytes"),
        pytest.param("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", None, "not_an_address", id="length-for-version-0"),
        pytest.param("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "bitcoin", "bad_checksum",
                     id="padding-of-more-than-four-bits"),
        pytest.param("bc1gmk9yu", None, "not_an_address", id="no-data"),
        pytest.param("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", None, "not_an_address", id="test-network"),
        pytest.param("Bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", None, "not_an_address", id="mixed-case"),
        pytest.param(f"{ETHEREUM}0", None, "not_an_address", id="a-digit-too-many"),
        pytest.param(ETHEREUM[2:], None, "not_an_address", id="hexadecimal-without-0x"),
        pytest.param("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", None, "not_an_address", id="private-key"),
        pytest.param("PHCEsP6od3WJ8K2WKWEDBYKhH95pc9kiZN", None, "not_an_address", id="a-ledger-that-is-not-known"),
        pytest.param("13800138000", None, "not_an_address", id="phone-number"),
        pytest.param("钱包地址", None, "not_an_address", id="words"),
        pytest.param("0x*", None, "not_an_address", id="star"),
        pytest.param(" \t\u3000\x1c", None, "missing", id="blank"),
        pytest.param("", None, "missing", id="empty"),
        pytest.param(None, None, "missing", id="null"),
    ],
)  # fmt: skip
def test_published_addresses_and_what_is_none(cell: str | None, chain: str | None, status: str) -> None:
    told = read(cell)[0]
    assert (told["chain"], told["status"], told["address"] is None) == (chain, status, chain is None)


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Null, pl.Int64, pl.Float64])
def test_any_column_that_can_hold_text_or_numbers_can_be_read(dtype: Any) -> None:
    cells = pl.Series("wallet", [ETHEREUM if dtype == pl.Categorical else None], dtype=dtype)
    told = pl.DataFrame([cells]).select(cs.wallet("wallet").struct.field("chain")).to_series()
    assert told.to_list() == ["ethereum" if dtype == pl.Categorical else None]


def test_a_column_of_dates_is_refused() -> None:
    with pytest.raises(cs.InputError, match="'wallet' has type Date"):
        pl.DataFrame({"wallet": [DAY]}).select(cs.wallet("wallet"))


def test_the_result_is_named_like_the_input_and_keeps_the_order_of_many_forms() -> None:
    cells = pl.DataFrame({"w": [TRON, None, ETHEREUM, "x", TRON]})
    told = cells.lazy().select(cs.wallet("w")).collect()
    assert told.columns == ["w"]
    assert told["w"].struct.field("chain").to_list() == ["tron", None, "ethereum", None, "tron"]


@given(st.lists(st.one_of(addresses().map(lambda made: made[0]), st.sampled_from([ETHEREUM, None, "x"])), min_size=1))
def test_scan_makes_the_key_of_what_read_reads(cells: list[str | None]) -> None:
    frame, kind = pl.DataFrame({"w": cells}, schema={"w": pl.String}), cs.Wallet()
    scanned = frame.select(kind.scan(pl.col("w")).struct.unnest())
    value = frame.select(kind.read(pl.col("w")).struct.field("value")).to_series().alias("value")
    assert scanned["key"].equals(value.to_frame().select(kind.key(pl.col("value"))).to_series(), check_names=False)
    assert scanned["key"].is_null().to_list() == value.is_null().to_list()


def test_keys_of_text_stay_what_they_are() -> None:
    """XXH3's published value of nothing, and one address: kept keys are worth nothing once they change."""
    told = pl.DataFrame({"text": ["", ETHEREUM.lower()]}).select(keys.of_text(pl.col("text"))).to_series()
    assert told.to_list() == [0x2D06800538D394C2, 7998641792126241231]


def test_an_address_with_a_bad_check_is_screened_and_shown_in_full() -> None:
    slip = TRON[:-1] + "u"
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["wallet"] * 2, "value": [slip, ETHEREUM]}))
    accounts = pl.DataFrame({"account_id": [1, 2, 3, 4], "wallet": [[slip, ETHEREUM], [TRON], ["a1 b2"], None]})
    result = cs.screen(accounts, listed, {"wallet": cs.Wallet()}, as_of=DAY)
    hits = result.hits.collect().select("account_id", "value", "status", "match")
    assert hits.rows() == [(1, slip, "bad_checksum", "exact"), (1, ETHEREUM.lower(), "valid", "exact")]
    assert result.rejects.collect().drop("file", "line").rows() == [(3, "wallet", "wallet", "not_an_address", "A9 A9")]
    assert result.summary["coverage"]["wallet"] == {
        "cells": 5, "missing": 1, "rejected": 1, "clear": 1, "exempt": 0, "hit": 2,
    }  # fmt: skip


def test_wallets_are_found_by_token() -> None:
    key = cs.TokenKey("0" * 64)
    address = pl.DataFrame({"value": [ETHEREUM.lower()]})
    listed = cs.Blocklist.from_frame(address.select(kind=pl.lit("wallet"), value=cs.token("value", "wallet", key)))
    accounts = pl.DataFrame({"account_id": [1, 2], "wallet": [ETHEREUM, TRON]})
    hits = cs.screen(accounts, listed, {"wallet": cs.Wallet()}, as_of=DAY, tokens=key).hits.collect()
    assert hits.select("account_id", "match").rows() == [(1, "token")]


@pytest.mark.parametrize("value", ["0x5aAe*", f"{ETHEREUM}-{ETHEREUM}", "5aAe******BeAed", "+8613800138000", "bc1q"])
def test_only_whole_addresses_can_be_listed(value: str) -> None:
    with pytest.raises(cs.BlocklistError, match="row 0: the value is no wallet"):
        cs.Blocklist.from_frame(pl.DataFrame({"kind": ["wallet"], "value": [value]}))


def test_phones_and_wallets_of_one_account_are_screened_together() -> None:
    listed = pl.DataFrame({"kind": ["phone", "wallet"], "value": ["+86138*", TRON]})
    accounts = pl.DataFrame({"account_id": [1, 2], "mobile": ["13800138000", "13900138000"], "wallet": [None, TRON]})
    kinds: dict[str, Any] = {"mobile": cs.Phone("CN"), "wallet": cs.Wallet()}
    hits = cs.screen(accounts, cs.Blocklist.from_frame(listed), kinds, as_of=DAY).hits.collect()
    assert hits.select("account_id", "kind", "match").rows() == [(1, "phone", "range"), (2, "wallet", "exact")]


def test_check_tells_what_an_address_is() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cardscreen.cli", "check", "wallet", ETHEREUM],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (
        0,
        ["address", ETHEREUM.lower(), "chain", "ethereum", "status", "valid"],
    )


# --- written otherwise --------------------------------------------------------------------------------

PAID, CONTRACT = ETHEREUM, "0xdAC17F958D2ee523a2206206994597C13D831ec7"
TRON_HEX = "41a614f803b6fd780986a42c78ec9c7f77e6ded13c"
BITCOIN = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
OTHERWISE = [
    pytest.param(TRON_HEX, TRON, id="tron-hex"),
    pytest.param(TRON_HEX.upper(), TRON, id="tron-hex-capitals"),
    pytest.param(f"0x{TRON_HEX}", TRON, id="tron-hex-with-0x"),
    pytest.param(f"tron:{TRON}", TRON, id="tron-uri"),
    pytest.param(f"tron:{TRON_HEX}?amount=1", TRON, id="tron-uri-of-hex"),
    pytest.param(f"bitcoin:{BITCOIN}", BITCOIN, id="bitcoin-uri"),
    pytest.param(f"bitcoin:{BITCOIN}?amount=0.01&label=Luke%20Jr", BITCOIN, id="bitcoin-uri-with-an-amount"),
    pytest.param(f"BITCOIN:{SEGWIT.upper()}?AMOUNT=0.01", SEGWIT, id="bitcoin-uri-of-a-qr-code"),
    pytest.param(f"bitcoin:{SEGWIT.upper()}", SEGWIT, id="bitcoin-uri-of-capitals"),
    pytest.param(f"ethereum:{PAID}", PAID.lower(), id="ethereum-uri"),
    pytest.param(f"ethereum:{PAID}@137?value=2.014e18&gas=10", PAID.lower(), id="ethereum-uri-of-a-chain"),
    pytest.param(f"ethereum:pay-{PAID}@1", PAID.lower(), id="ethereum-uri-to-pay"),
    pytest.param(f"ethereum:{PAID[2:]}", PAID.lower(), id="ethereum-uri-without-0x"),
    pytest.param(f"ethereum:{CONTRACT}@1/transfer?address={PAID}&uint256=1", PAID.lower(), id="a-tokens-transfer"),
    pytest.param(f"ethereum:{CONTRACT}/transfer?uint256=1&address={PAID}", PAID.lower(), id="its-parameters-turned"),
]


@pytest.mark.parametrize(("cell", "address"), OTHERWISE)
def test_other_ways_of_writing_are_read_screened_and_listed_the_same(cell: str, address: str) -> None:
    (row,) = read(cell)
    assert (row["address"], row["status"]) == (address, "valid")
    for account, listed in ((cell, address), (address, cell)):
        accounts = pl.DataFrame({"account_id": ["a"], "wallet": [account]})
        listings = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["wallet"], "value": [listed]}))
        hits = cs.screen(accounts, listings, {"wallet": cs.Wallet()}, as_of=DAY).hits.collect()
        assert hits["value"].to_list() == [address]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(PAID[2:], id="hex-of-no-ledger"),
        pytest.param(f"bitcoin:{PAID}", id="a-uri-of-another-ledger"),
        pytest.param(f"tron:{BITCOIN}", id="a-uri-of-yet-another"),
        pytest.param(f"ethereum:{CONTRACT}/approve?address={PAID}&uint256=1", id="a-call-that-pays-nobody"),
        pytest.param(f"ethereum:{CONTRACT}/transfer?uint256=1", id="a-transfer-to-nobody"),
        pytest.param("ethereum:vitalik.eth", id="a-name"),
        pytest.param("bitcoin:?lno=lno1xyz", id="a-uri-without-an-address"),
        pytest.param(f"mailto:{BITCOIN}", id="another-uri"),
        pytest.param(TRON_HEX[:-1], id="hex-too-short"),
        pytest.param("42" + TRON_HEX[2:], id="hex-of-another-version"),
    ],
)
def test_what_names_no_address_is_none(cell: str) -> None:
    assert read(cell) == [{"address": None, "chain": None, "status": "not_an_address"}]


@given(hashes)
def test_trons_hex_is_the_address_that_textbooks_make_of_it(payload: bytes) -> None:
    (row,) = read("41" + payload.hex())
    assert row["address"] == base58check(b"\x41" + payload)
    assert read(row["address"]) == [row]


def test_the_ledger_of_bare_hex_may_be_said() -> None:
    cells = pl.DataFrame({"x": [PAID[2:], PAID, BITCOIN, "x" + PAID[3:], TRON_HEX]})
    for chain, first in (("ethereum", PAID.lower()), ("tron", base58check(bytes.fromhex("41" + PAID[2:])))):
        told = cells.select(cs.wallet("x", chain=chain).struct.field("address")).to_series().to_list()
        assert told == [first, PAID.lower(), BITCOIN, None, TRON]
    with pytest.raises(
        cs.ConfigError, match=r"chain='ethereun' \(did you mean 'ethereum'\?\): .*one of ethereum, tron"
    ):
        cs.Wallet(chain="ethereun")


def test_accounts_and_feeds_may_say_the_ledger(tmp_path: Path) -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "wallet": [PAID[2:]]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["wallet"], "value": [PAID]}))
    kind = kind_from_options("wallet", {"kind": "wallet", "chain": "ethereum"})
    assert cs.screen(accounts, listed, {"wallet": kind}, as_of=DAY).summary["rows"]["hit"] == 1
    (tmp_path / "list.csv").write_text(f'wallet\n{PAID[2:]}\n"{TRON_HEX}, {BITCOIN}"\n', encoding="utf-8")
    feed = Feed(source="a", kind="wallet", columns=Columns(value="wallet"), chain="ethereum", many=True)
    assert read_feed(tmp_path / "list.csv", feed).rows["value"].to_list() == [PAID.lower(), TRON, BITCOIN]
    with pytest.raises(cs.ConfigError, match="a phone has no option 'chain'"):
        Feed(source="a", kind="phone", columns=Columns(value="wallet"), chain="ethereum")


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        pytest.param(f"{PAID},{TRON}", [PAID, TRON], id="comma"),
        pytest.param(f"{PAID}; {TRON_HEX}|{BITCOIN}", [PAID, TRON_HEX, BITCOIN], id="semicolon-and-stroke"),
        pytest.param(f"{PAID}\n{TRON}\r\n", [PAID, TRON], id="lines"),
        pytest.param(f"{PAID} {TRON}  {BITCOIN}", [PAID, TRON, BITCOIN], id="blanks"),
        pytest.param(f"{PAID} / {TRON}", [PAID, TRON], id="slash"),
        pytest.param(f"bitcoin:{BITCOIN}?amount=1，{TRON}", [f"bitcoin:{BITCOIN}?amount=1", TRON], id="a-uri"),
        pytest.param("BC1Q W508 D6QE JXTD G4Y5 R3ZA RVAR Y0C5 XW7K V8F3 T4", None, id="one-in-groups"),
        pytest.param(f" {PAID} ", None, id="one-with-blanks-around"),
        pytest.param("", None, id="empty"),
    ],
)
def test_several_addresses_in_a_cell_are_told_apart(cell: str, parts: list[str] | None) -> None:
    told = pl.DataFrame({"x": [cell]}).select(cs.Wallet(many=True).split(pl.col("x"))).item()
    expected = [cell] if parts is None else parts
    assert [part.strip() for part in told] == [part.strip() for part in expected]


def test_each_of_several_addresses_is_screened() -> None:
    accounts = pl.DataFrame({"account_id": ["a", "b", "c"], "wallet": [f"{PAID}, {TRON_HEX}", f"x y; {BITCOIN}", None]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": "wallet", "value": [TRON, BITCOIN]}))
    result = cs.screen(accounts, listed, {"wallet": cs.Wallet(many=True)}, as_of=DAY)
    assert result.hits.collect().select("account_id", "value").rows() == [("a", TRON), ("b", BITCOIN)]
    assert result.rejects.collect().select("account_id", "status").rows() == [("b", "not_an_address")]
    alone = cs.screen(accounts, listed, {"wallet": cs.Wallet()}, as_of=DAY)
    assert alone.summary["rows"] | {"clear": 0, "hit": 0, "not_screenable": 3} == alone.summary["rows"]
