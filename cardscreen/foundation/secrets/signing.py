"""Signatures of what a chain says: Ed25519 (RFC 8032), by a key that lies outside of the folder that is signed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.secrets.secret import Secret

_PATIENCE = 60  # seconds for a command that prints the key
_ID = 16  # hexadecimal digits
_MAKE = "openssl genpkey -algorithm ed25519 -out sign.pem makes one"


class Signer:
    """A key that signs, or, where it is a public one, only tells whether something was signed.

    Attributes:
        id: The beginning of the SHA-256 of the public key, in hexadecimal digits: names the key, and tells nothing.
    """

    __slots__ = ("_private", "_public", "id")

    def __init__(self, pem: Secret, where: str) -> None:
        """The key in a text in PEM (RFC 7468), private (PKCS #8) or public.

        Raises:
            ConfigError: It is no Ed25519 key.
        """
        # It takes a tenth of a second to load, and few commands need it.
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

        text = pem.reveal().encode()
        try:
            if b"PRIVATE" in text:
                key: object = serialization.load_pem_private_key(text, None)
            else:
                key = serialization.load_pem_public_key(text)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ConfigError(f"{where} holds no Ed25519 key in PEM without a password: {_MAKE}") from None
        self._private = key if isinstance(key, Ed25519PrivateKey) else None
        public = self._private.public_key() if self._private else key
        if not isinstance(public, Ed25519PublicKey):
            raise ConfigError(f"{where} holds a key of another kind than Ed25519: {_MAKE}")
        self._public = public
        self.id = hashlib.sha256(public.public_bytes_raw()).hexdigest()[:_ID]

    def sign(self, content: bytes) -> str:
        """The signature, in Base64.

        Raises:
            ConfigError: The key is a public one.
        """
        if self._private is None:
            raise ConfigError(f"the key {self.id} is a public one, by which nothing can be signed")
        return base64.b64encode(self._private.sign(content)).decode()

    def has_signed(self, signature: str, content: bytes) -> bool:
        """Whether a signature is this key's, and the content's."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._public.verify(base64.b64decode(signature, validate=True), content)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __repr__(self) -> str:
        """The id only."""
        return f"Signer(id={self.id!r})"

    def __reduce__(self) -> NoReturn:
        """Keys stay in the process that read them."""
        raise TypeError("a Signer can't be pickled or copied: read it where it is needed")


@dataclass(frozen=True)
class KeyPlace:
    """Where a key for signing is: one of the three is given.

    Attributes:
        file: A file that only its owner can read, or one with a public key.
        env: An environment variable that holds the PEM itself.
        command: A program with its arguments, which prints it.
    """

    file: Path | None = None
    env: str | None = None
    command: Sequence[str] = ()

    def signer(self) -> Signer:
        """The key.

        Raises:
            ConfigError: It can't be had, or is none.
        """
        if self.file is not None:
            return Signer(Secret.from_file(self.file, is_secret=_is_private), f"the key file {self.file}")
        if self.env is not None:
            return Signer(Secret.from_env(self.env, "key for signing"), "the environment variable for signing")
        printed = Secret.from_command(self.command, _PATIENCE, "signing key")
        return Signer(printed, f"what {self.command[0]} prints")


def _is_private(text: str) -> bool:
    return "PRIVATE" in text
