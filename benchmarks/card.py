"""How fast cards are read, checked and signed, against other packages on the same numbers in the same run.

Run: POLARS_MAX_THREADS=1 python benchmarks/card.py [how many numbers], and with 2 for tokens and screening on two
cores.
Peers: `python-stdnum` and, where it is installed, `cyluhn` for check digits; Python's own `hmac` for tokens.
All of them are single-threaded and are asked a part of the numbers, since they are slow.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import sys
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import numpy as np
import polars as pl
from stdnum import luhn
from timing import per_second

import cardscreen as cs
from cardscreen.foundation.cards.luhn import luhn_ok
from cardscreen.kinds.card.issuers import Issuers
from cardscreen.screening.hits.evidence import near_in
from cardscreen.screening.targets import Targets

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
ASKED = 100_000
SECRET = "0" * 64
_RNG = np.random.default_rng(1)


def issuing_bins(count: int) -> pl.Series:
    """Distinct BINs of eight digits, of Visa and Mastercard."""
    return pl.Series("bin", _RNG.choice(15 * 10**6, count, replace=False) + 40 * 10**6)


def sound_pans(bins: pl.Series) -> pl.Series:
    """Sound numbers of sixteen digits under some BINs, UInt64."""
    bodies = bins.gather(_RNG.integers(0, len(bins), ROWS)) * 10**7 + pl.Series(_RNG.integers(0, 10**7, ROWS))
    number = pl.col("bin").cast(pl.UInt64) * 10
    checked = [pl.when(luhn_ok(number + digit)).then(number + digit) for digit in range(10)]
    return bodies.to_frame().select(pl.coalesce(checked).alias("pan")).to_series()


def issuer_table(bins: pl.Series) -> Issuers:
    """A table of BINs, with an issuer for each hundred of them."""
    issuer = pl.concat_str(pl.lit("Bank of "), pl.col("bin").cast(pl.String).str.head(6))
    return Issuers.from_frame(bins.to_frame().select("bin", issuer=issuer, country=pl.lit("CN"), type=pl.lit("debit")))


def line(name: str, speed: float, *peers: tuple[str, float]) -> None:
    ratios = "  ".join(f"{speed / peer:6.1f} x {said}" for said, peer in peers)
    print(f"{name:42} {speed / 1e6:7.2f} M/s  {1e9 / speed:6.0f} ns  {ratios}")


def ours(frame: pl.DataFrame, expression: pl.Expr) -> float:
    query = frame.lazy().select(expression)
    return per_second(lambda: query.collect(engine="streaming"), len(frame))


def check_digits(frame: pl.DataFrame, issuers: Issuers) -> None:
    """Check digits, and cards with all their fields."""
    asked = frame["plain"].head(ASKED).to_list()
    stdnum = per_second(lambda: [luhn.is_valid(pan) for pan in asked], ASKED)
    line("stdnum.luhn.is_valid", stdnum)
    peers = [("stdnum", stdnum)]
    try:
        import cyluhn
    except ImportError:
        print("cyluhn is not installed")
    else:
        verify: Any = cyluhn.verify
        cython = per_second(lambda: [verify(pan) for pan in asked], ASKED)
        line("cyluhn.verify", cython, ("stdnum", stdnum))
        peers.append(("cyluhn", cython))
    line("luhn_ok, from integers", ours(frame, luhn_ok(pl.col("number"))), *peers)
    line("cs.card, all fields, integers", ours(frame, cs.card("number")), *peers)
    line("cs.card, all fields, plain text", ours(frame, cs.card("plain")), *peers)
    line("cs.card, all fields, text with spaces", ours(frame, cs.card("spaced")), *peers)
    bare = ours(frame, cs.card("plain"))
    line("the same with the issuers", ours(frame, cs.card("plain", issuers=issuers)), ("without", bare))


def tokens(frame: pl.DataFrame) -> None:
    """Tokens, and accounts against a list of tokens."""
    key, secret = cs.TokenKey(SECRET), SECRET.encode()
    asked = frame["plain"].head(ASKED).to_list()

    def sign(pan: str) -> str:
        digest = hmac.digest(secret, f"card:{pan}".encode(), hashlib.sha256)
        return f"{key.id}:{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    python = per_second(lambda: [sign(pan) for pan in asked], ASKED)
    line("hmac.digest and base64, in a loop", python)
    line("cs.token", ours(frame, cs.token("plain", "card", key)), ("hmac", python))
    listed = frame.select(kind=pl.lit("card"), value=cs.token("plain", "card", key)).head(1000)
    accounts = frame.select("plain").with_row_index("account_id")
    blocklist, kinds = cs.Blocklist.from_frame(listed), {"plain": cs.Card()}
    targets, values = Targets.of("card", blocklist.compiled, near_in(blocklist.lazy), [key]), frame["plain"]
    signing = per_second(lambda: targets.listed_by_token(values), len(frame))
    line("each number signed and looked up", signing, ("hmac", python))

    def screen() -> cs.Result:
        return cs.screen(accounts, blocklist, kinds, tokens=key)

    assert len(screen().hits.collect()) >= len(listed)
    line("cs.screen against 1,000 tokens, accounts", per_second(screen, len(frame)), ("hmac", python))


def screening(frame: pl.DataFrame, issuers: Issuers) -> None:
    """Accounts against a list of one card in a thousand, with the table of issuers and without."""
    accounts = frame.select("plain").with_row_index("account_id")
    listed = frame.gather_every(1_000).select(kind=pl.lit("card"), value="plain").unique()
    blocklist = cs.Blocklist.from_frame(listed)

    def screen(kind: cs.Card) -> int:
        return len(cs.screen(accounts, blocklist, {"plain": kind}).hits.collect())

    assert screen(cs.Card(issuers=issuers)) >= len(listed)
    bare = per_second(lambda: screen(cs.Card()), len(frame))
    line("cs.screen against 2,000 cards", bare)
    described = per_second(lambda: screen(cs.Card(issuers=issuers)), len(frame))
    line("the same with the issuers", described, ("without", bare))


def main() -> None:
    """Print the table."""
    bins = issuing_bins(200_000)
    pans = sound_pans(bins.head(5_000))  # a bank sees few of all BINs, and those often
    text = pans.cast(pl.String)
    spaced = text.str.replace(r"(.{4})(.{4})(.{4})", "$1 $2 $3 ")
    frame = pl.DataFrame({"number": pans, "plain": text, "spaced": spaced})
    print(f"{len(frame):,} numbers, {len(bins):,} BINs in the table of issuers, threads: {pl.thread_pool_size()}")
    issuers = issuer_table(bins)
    check_digits(frame, issuers)
    screening(frame, issuers)
    tokens(frame)


if __name__ == "__main__":
    main()
