"""Crypto wallets: from raw cells to the canonical address, the ledger that it is for, and its check.

A checksum is evidence and never a gate: a slip on a list, or in an account, must clear nobody by itself.
An address is shown as it is, since everybody can read it on its ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, near
from cardscreen.kinds.exact import ONLY_FILLS, Exact, several_or_alone, status_of
from cardscreen.kinds.wallet.addresses import BARE_HEX, FORMS, TOLD, out_of_uri, with_prefix
from cardscreen.tables.cells import as_expr, is_blank, named_like, to_text

_NOTHING = pl.lit(None, dtype=pl.String)
_NO_STUB = pl.lit(None, dtype=pl.UInt64)
#: What copying leaves in and behind an address: white space, soft hyphens, marks without a glyph.
_UNSEEN = r"[\s\p{Cf}]"
_SEPARATOR = r"[,;|\r\n，；、]|\s/\s"
#: Words as long as an address, and nothing else: the shortest has 25 characters.
_LONG_WORDS = r"^\s*\S{25,}(?:\s+\S{25,})+\s*$"


def wallet(expr: str | pl.Expr, *, chain: str | None = None) -> pl.Expr:
    """Read raw cells of crypto wallet addresses: which address, of which ledger, and is it sound.

    Args:
        expr: Column name or expression: String. White space and characters without a glyph are dropped; of a
            payment URI (`bitcoin:…?amount=1`, `ethereum:0x…@1`), the address of who is paid is read.
        chain: `ethereum` or `tron`: the ledger of 40 hexadecimal digits without `0x`, or `41`, before them,
            which are no address else.

    Returns:
        Struct{address: String, chain: Enum, status: Enum}, named like the input. `address` is the same
        however it was written: `ethereum` (any EVM chain) and bech32 addresses in small letters, those of
        Bitcoin Cash with their prefix, base58 as it is, since there case tells addresses apart, and TRON's
        hexadecimal `41…` as base58. `chain`
        is one of `schema.CHAINS`, as `cardscreen.kinds.wallet.addresses` says. Cells with status `missing` or
        `not_an_address` have no other field; those with `bad_checksum` and `valid` have all. The checks
        of Ethereum (ERC-55) and Monero need Keccak-256 and are not made, and Solana has none: these are
        `valid` by their form alone. Bech32 in mixed case is no address (BIP-173).

    Raises:
        ConfigError: `chain` is no such ledger.
        InputError: When the query runs, if the column holds dates, booleans or nested values.

    Source:
        Base58Check (Bitcoin wiki), BIP-173, BIP-350, CashAddr specification, ERC-55, XRPL base58 encodings,
        ZIP-316; Monero, Solana and TRON documentation of addresses; BIP-21, ERC-681.

    Example:
        >>> cells = pl.DataFrame({"wallet": ["BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"]})
        >>> cells.select(wallet("wallet").struct.unnest()).row(0)
        ('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'bitcoin', 'valid')
    """
    check_chain(chain)
    read = to_text(as_expr(expr)).map_batches(
        lambda cells: _read(cells, chain), return_dtype=schema.WALLET, is_elementwise=True
    )
    return named_like(read, expr)


def check_chain(chain: str | None) -> None:
    """Refuse a ledger whose addresses are not written as hexadecimal digits alone.

    Raises:
        ConfigError: Names those that there are.
    """
    if chain is not None and chain not in BARE_HEX:
        raise ConfigError(
            f"chain={chain!r}{near(str(chain), BARE_HEX)}: it says whose addresses 40 hexadecimal digits without a "
            f"prefix are, and is one of {', '.join(BARE_HEX)}; leave it out for others, which tell it themselves"
        )


def split_wallets(cell: pl.Expr) -> pl.Expr:
    """The addresses in cells that may hold several, with commas, semicolons, strokes, lines or blanks between.

    Returns:
        List[String]: of a cell with one address, or none, that cell itself; null for null. Blanks separate only where
        all that they separate is as long as an address.
    """
    text = to_text(cell)
    part = pl.element()
    at_blanks = pl.when(part.str.contains(_LONG_WORDS)).then(part.str.replace_all(r"\s+", "\n")).otherwise(part)
    parts = (
        text.str.replace_all(_SEPARATOR, "\n")
        .str.split("\n")
        .list.eval(at_blanks.str.split("\n").explode())
        .list.eval(part.filter(~is_blank(part)))
    )
    return several_or_alone(text, parts)


def _read(raw: pl.Series, chain: str | None) -> pl.Series:
    """Cells of one form go together to that form's reader."""
    bare, folded = pl.col("bare"), pl.col("folded")
    forms = [
        pl.when((folded if form.folds else bare).str.contains(form.pattern)).then(pl.lit(at, dtype=pl.UInt8))
        for at, form in enumerate(FORMS)
    ]
    # Capitals alone are how QR codes write bech32; a mixture stays one, and fits no form.
    all_capitals = bare == bare.str.to_uppercase()
    cells = (
        raw.alias("raw")
        .to_frame()
        .lazy()
        .select("raw", bare=pl.col("raw").str.replace_all(_UNSEEN, ""))
        .select("raw", *(part.alias(name) for part, name in zip(out_of_uri(bare), ("bare", "said"), strict=True)))
        .with_columns(bare=with_prefix(bare, pl.col("said").fill_null(pl.lit(chain, dtype=pl.String))))
        .with_columns(folded=pl.when(all_capitals).then(bare.str.to_lowercase()).otherwise(bare))
        .select("raw", "said", "bare", "folded", form=pl.coalesce(forms))
        .with_row_index("row")
        .collect(engine="in-memory")
    )
    parts = [pl.DataFrame(schema={"row": cells.schema["row"], **TOLD})]
    for at, form in enumerate(FORMS):
        if len(alike := cells.filter(pl.col("form") == at)):
            fields = form.read(alike["folded" if form.folds else "bare"])
            parts.append(fields.select(alike["row"], *TOLD))
    fields = cells.join(pl.concat(parts), on="row", how="left", maintain_order="left")
    return fields.select(_fields().alias(raw.name)).to_series()


def _fields() -> pl.Expr:
    known = pl.col("chain").is_not_null() & (pl.col("said") == pl.col("chain")).fill_null(value=True)
    status = status_of(
        schema.WALLET_STATUSES, missing=is_blank(pl.col("raw")), not_an_address=~known, bad_checksum=~pl.col("sound")
    )
    return pl.struct(
        pl.when(known).then("address").alias("address"),
        pl.when(known).then(pl.col("chain").cast(schema.CHAINS)).alias("chain"),
        status.alias("status"),
    )


@dataclass(frozen=True)
class Wallet(Exact):
    """The identifier kind of crypto wallets.

    Canonical: the address in one writing.

    Args:
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder
            has the wallet.
        chain: The ledger of addresses without their prefix, as for `wallet`.
        many: A cell may hold several addresses: each is screened, as `split_wallets` tells them apart.

    Raises:
        ConfigError: `chain` is no such ledger.

    Example:
        >>> Wallet().name
        'wallet'
    """

    chain: str | None = None
    many: bool = False

    name: ClassVar[str] = "wallet"
    noun: ClassVar[tuple[str, str]] = ("wallet address", "wallet addresses")
    value: ClassVar[str] = "address"
    flaw: ClassVar[str] = "bad_checksum"
    notes: ClassVar[tuple[str, ...]] = (flaw,)
    fillers: ClassVar[str] = "(?i)^0x0{36}(?:0000|dead)$"  # where coins are sent to be lost
    reasons: ClassVar[Mapping[str, str]] = {fillers: ONLY_FILLS}

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_chain(self.chain)

    def split(self, cell: pl.Expr) -> pl.Expr | None:
        """The addresses in a cell, where it may hold several."""
        return split_wallets(cell) if self.many else None

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell, since the ledger shows it to all: Struct{address, chain, status}."""
        # The checks are made in the pass, too: the bytes that they take also tell the ledger, and a base58 text that
        # is of none must be a reject and not a clear account.
        return wallet(cell, chain=self.chain)
