"""What may leave the library of a card number: a mask, or a token under a secret key.

A token is HMAC-SHA-256 over `kind:canonical value`, so that two institutions that share a key can match
lists without showing a number. The key's id stands in front: a list under another key is told apart from
a list that holds nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import polars as pl
import polars_hash as plh

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.secrets.secret import Secret, shown_name
from cardscreen.tables.cells import as_expr, named_like

#: The form of a token: the key's id, a colon, and 32 bytes in unpadded URL-safe base64.
TOKEN = r"^[0-9a-f]{8}:[A-Za-z0-9_-]{43}$"
#: Others' forms of one: the same bytes in padded base64url, or in hexadecimal digits.
_PADDED, _HEX = r"^([0-9a-f]{8}:[A-Za-z0-9_-]{43})=$", r"^([0-9A-Fa-f]{8}):([0-9A-Fa-f]{64})$"
#: A token in any of these forms.
ANY_TOKEN = f"{TOKEN}|{_PADDED}|{_HEX}"
_ID_LENGTH = 8  # hexadecimal digits
_SHORTEST_SECRET = 32  # characters
_KEY_BYTES = 32  # of a new one


class TokenKey:
    """A secret key for tokens. It shows its id and nothing else, and can't be pickled or copied.

    Attributes:
        id: Eight hexadecimal digits made from the secret: the first part of its tokens.
    """

    __slots__ = ("_secret", "id")

    def __init__(self, secret: str | Secret, where: str = "") -> None:
        """Use `from_file` or `from_env`, which keep the secret out of programs.

        Args:
            secret: The secret.
            where: Where it was read, for messages.

        Raises:
            ConfigError: The secret is no text, or has fewer than 32 characters.
        """
        if not isinstance(secret, str | Secret):
            raise ConfigError("a token key is text: of bytes give their hexadecimal digits, as bytes.hex() writes them")
        self._secret = secret if isinstance(secret, Secret) else Secret(secret)
        if len(self._secret.reveal()) < _SHORTEST_SECRET:
            raise ConfigError(
                f"a token key has at least {_SHORTEST_SECRET} characters{where and f', and {where} holds fewer'}: "
                "make one with openssl rand -hex 32"
            )
        signed = hmac.new(self._secret.reveal().encode(), b"cardscreen key id", hashlib.sha256)
        self.id = signed.hexdigest()[:_ID_LENGTH]

    @classmethod
    def from_file(cls, path: str | Path) -> TokenKey:
        """The key in a file that only its owner can read (mode 0600).

        Raises:
            ConfigError: No such file, others can read it, or it holds no key.
        """
        return cls(Secret.from_file(path), f"the key file {path}")

    @classmethod
    def from_env(cls, name: str = "CARDSCREEN_KEY") -> TokenKey:
        """The key in an environment variable.

        Raises:
            ConfigError: It is not set, or holds no key.
        """
        return cls(Secret.from_env(name, "token key"), f"the environment variable{shown_name(name)}")

    @classmethod
    def from_command(cls, command: Sequence[str], *, timeout: float = 30) -> TokenKey:
        """The key that a program prints, such as one that asks a key management service.

        Args:
            command: The program and its arguments; no shell reads them.
            timeout: Seconds that it may take.

        Raises:
            ConfigError: It can't be run, fails, takes too long, or prints no key; what it prints is not told.

        Example:
            >>> TokenKey.from_command(["echo", "0" * 64])
            TokenKey(id='7a5227ca')
        """
        secret = Secret.from_command(command, timeout, "token key")
        if len(secret.reveal().splitlines()) != 1:
            what = "several lines" if secret.reveal() else "nothing"
            raise ConfigError(f"the command for the token key printed {what}: one line is expected")
        return cls(secret, f"the output of the command {command[0]}")

    @staticmethod
    def write_new(file: Path) -> None:
        """Make a key, in a file that only its owner can read."""
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(_KEY_BYTES), encoding="utf-8")

    def reveal(self) -> str:
        """The secret itself, for the one place that hands it on, sealed."""
        return self._secret.reveal()

    def digest(self, text: pl.Expr) -> pl.Expr:
        """HMAC-SHA-256 of each text in hexadecimal. Streams."""

        # A step of our own: as a plain expression, the engine would write the secret into a serialised plan.
        def sign(batch: pl.Series) -> pl.Series:
            signed = plh.col("text").chash.hmac_sha256(key=self._secret.reveal())
            return batch.alias("text").to_frame().select(signed).to_series()

        return text.map_batches(sign, return_dtype=pl.String, is_elementwise=True)

    def lookup_key(self, text: pl.Expr) -> pl.Expr:
        """The `token_key` of each text's token, without making that: UInt64. Streams."""
        return self.digest(text).str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64)

    def __repr__(self) -> str:
        """The id only."""
        return f"TokenKey(id={self.id!r})"

    def __reduce__(self) -> NoReturn:
        """Keys stay in the process that read them."""
        raise TypeError("a TokenKey can't be pickled or copied: read it where it is needed")


def read_token(text: pl.Expr) -> pl.Expr:
    """Tokens as we write them, of texts that have any of their forms; null for others. Streams.

    Example:
        >>> texts = pl.DataFrame({"x": ["0123abcd:" + "0f" * 32, "no token"]})
        >>> texts.select(read_token(pl.col("x"))).to_series().to_list()
        ['0123abcd:Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8', None]
    """
    hexadecimal = text.str.extract(_HEX, 1).str.to_lowercase() + ":" + _in_base64url(text.str.extract(_HEX, 2))
    return pl.coalesce(pl.when(text.str.contains(TOKEN)).then(text), text.str.extract(_PADDED), hexadecimal)


def _in_base64url(digest: pl.Expr) -> pl.Expr:
    """Hexadecimal digits as unpadded base64url of the same bytes."""
    return _encoded(digest.str.decode("hex"))


def _encoded(digest: pl.Expr) -> pl.Expr:
    encoded = digest.bin.encode("base64").str.strip_chars_end("=")
    return encoded.str.replace_all("+", "-", literal=True).str.replace_all("/", "_", literal=True)


def _decoded(encoded: pl.Expr) -> pl.Expr:
    plain = encoded.str.replace_all("-", "+", literal=True).str.replace_all("_", "/", literal=True)
    return plain.str.decode("base64")


def token_of(digest: pl.Expr, key_id: str) -> pl.Expr:
    """The tokens whose digests are given as Binary of 32 bytes."""
    return pl.lit(f"{key_id}:") + _encoded(digest)


def digest_of(token: pl.Expr) -> pl.Expr:
    """The digests of tokens, as Binary of 32 bytes; which key they are under is lost.

    Example:
        >>> tokens = pl.DataFrame({"token": ["0123abcd:Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8"]})
        >>> tokens.select(digest_of(pl.col("token"))).item() == bytes([15]) * 32
        True
    """
    return _decoded(token.str.slice(_ID_LENGTH + 1) + "=")


def token(expr: str | pl.Expr, kind: str, key: TokenKey) -> pl.Expr:
    """Keyed tokens of canonical values.

    Args:
        expr: Column name or expression: String, canonical values (`cs.card(..., pan=True)`'s `pan`,
            `cs.phone`'s `e164`, `cs.wallet`'s `address`, the `value` of other kinds).
        kind: The kind's name, such as `card`: the same text gives another token as another kind.
        key: The key.

    Returns:
        String `keyid:base64url`, named like the input; null for null.

    Source:
        HMAC: RFC 2104; base64url: RFC 4648, section 5; PCI DSS 4.0.1, 3.5.1.1 (keyed hashes).

    Example:
        >>> pans = pl.DataFrame({"pan": ["4111111111111111"]})
        >>> len(pans.select(token("pan", "card", TokenKey("0" * 64))).item())
        52
    """
    return named_like(token_by_kind(pl.lit(kind), as_expr(expr), key), expr)


def token_by_kind(kind: pl.Expr, value: pl.Expr, key: TokenKey) -> pl.Expr:
    """The same of values of several kinds, where a column says which. Streams."""
    return pl.lit(f"{key.id}:") + _in_base64url(key.digest(kind + ":" + value))


def token_key(token: pl.Expr) -> pl.Expr:
    """By what a token is looked up: the first eight bytes of its digest as UInt64."""
    # Eleven digits of six bits hold eight bytes and two bits more; a twelfth completes the group.
    first = _decoded(token.str.slice(_ID_LENGTH + 1, 11) + "A")
    return first.bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")
