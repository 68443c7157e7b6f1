"""How fast wallet addresses are read, against `python-stdnum` on the same strings, one thread each.

Run: POLARS_MAX_THREADS=1 python benchmarks/wallet.py [how many strings]
"""

from __future__ import annotations

import hashlib
import os
import sys

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import polars as pl
from stdnum import bitcoin
from timing import per_second

import cardscreen as cs

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
MADE = 2_000  # distinct addresses
ASKED = 10_000  # strings that the peer, much slower, is asked
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58check(version: int, seed: int) -> str:
    """An address as Bitcoin and Tron write them."""
    body = bytes([version]) + hashlib.sha256(seed.to_bytes(8)).digest()[:20]
    data = body + hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4]
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def main() -> None:
    """Print the table."""
    columns = {
        "bitcoin": [base58check(0, seed) for seed in range(MADE)],
        "tron": [base58check(0x41, seed) for seed in range(MADE)],
        "ethereum": [f"0x{hashlib.sha256(seed.to_bytes(8)).hexdigest()[:40]}" for seed in range(MADE)],
        # Published by BIP-173; one address does for speed, since the arithmetic is the same for all.
        "bech32": ["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"],
    }
    frame = pl.DataFrame({name: pl.Series(made).sample(ROWS, with_replacement=True) for name, made in columns.items()})
    peers = {
        name: per_second(lambda name=name: [bitcoin.is_valid(x) for x in frame[name].head(ASKED)], ASKED)  # type: ignore[misc]
        for name in ("bitcoin", "bech32")
    }
    for name, peer in peers.items():
        print(f"{f'stdnum.bitcoin.is_valid, {name}':34} {peer / 1e6:8.2f} M/s     1 x")
    for name in columns:
        for way, expression in (("cs.wallet", cs.wallet(name)), ("scan", cs.Wallet().scan(pl.col(name)))):
            speed = per_second(frame.lazy().select(expression).collect, ROWS)
            ratio = f"{speed / peers[name]:5.0f} x" if name in peers else ""
            print(f"{f'{way}, {name}':34} {speed / 1e6:8.2f} M/s {ratio}")


if __name__ == "__main__":
    main()
