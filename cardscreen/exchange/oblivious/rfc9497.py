"""RFC 9497: the verifiable oblivious pseudorandom function with ristretto255 and SHA-512, both sides of it.

The holder's side, where the secret key is, is the library `voprf`. That library's client keeps its blinds in memory
only, and here days may lie between blinding and finishing; so the other side is put together from what RFC 9497 says
(sections 2.2.2, 3.3.1 and 3.3.2), on libsodium's group (`rbcl`). Both are held to the RFC's vectors and to each other.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from cardscreen.foundation.errors import ConfigError, missing_extra

#: Bytes of an element or a scalar, and of a proof.
ELEMENT, PROOF = 32, 64
_CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"  # mode 1: verifiable
_UNIFORM = 64  # bytes that are made an element, or a scalar
_BLOCK = 128  # bytes of a block of SHA-512
_ONE = (1).to_bytes(ELEMENT, "little")


class WrongProof(Exception):
    """What was evaluated was not evaluated under the key that it should be under, or is no evaluation at all."""


def require_libraries() -> None:
    """Refuse before anything is done where the libraries are not installed.

    Raises:
        ConfigError: Says what to install.
    """
    _library()
    _group()


# -- the holder


def public_key(seed: bytes) -> bytes:
    """The public key of a key pair, by its seed of 32 bytes."""
    return _serialized(_library().Evaluator(seed).public_key)


def outputs(seed: bytes, inputs: Sequence[bytes]) -> list[bytes]:
    """The function's outputs of values that the holder knows: 64 bytes each."""
    evaluator = _library().Evaluator(seed)
    return [evaluator.evaluate_known_input(each) for each in inputs]


def evaluated(seed: bytes, blinded: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Blinded elements, evaluated, one behind another; and the proof that all are under one key.

    Raises:
        WrongProof: One is no element of the group.
    """
    library = _library()
    try:
        elements = [library.BlindedInput.deserialize(each) for each in blinded]
    except ValueError:
        raise WrongProof from None
    done = library.Evaluator(seed).evaluate_batch(elements).serialize()
    return done[PROOF:], done[:PROOF]  # the proof comes first


# -- the other side


def blinded(inputs: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """A blind and the blinded element of each value; without the blind, the element says nothing of the value."""
    group = _group()
    blinds = [group.crypto_core_ristretto255_scalar_random() for _ in inputs]
    return [(blind, blinded_with(blind, each)) for blind, each in zip(blinds, inputs, strict=True)]


def blinded_with(blind: bytes, value: bytes) -> bytes:
    """The blinded element of a value (RFC 9497, section 3.3.1)."""
    group = _group()
    hashed = group.crypto_core_ristretto255_from_hash(_expanded(value, b"HashToGroup-" + _CONTEXT))
    return bytes(group.crypto_scalarmult_ristretto255(blind, hashed))


def finished(
    key: bytes,
    inputs: Sequence[bytes],
    blinds: Sequence[bytes],
    elements: Sequence[bytes],
    done: Sequence[bytes],
    proof: bytes,
) -> list[bytes]:
    """The function's outputs: 64 bytes each, as `outputs` gives them.

    Args:
        key: The holder's public key.
        inputs: Values.
        blinds: Theirs.
        elements: The blinded elements that were sent.
        done: What came back for each.
        proof: For all of them together.

    Raises:
        WrongProof: The proof does not hold.
    """
    group, results = _group(), []
    try:
        if not _holds(key, elements, done, proof):
            raise WrongProof
        for value, inverse, element in zip(inputs, _inverses(blinds), done, strict=True):
            opened = group.crypto_scalarmult_ristretto255(inverse, element)
            results.append(hashlib.sha512(_sized(value) + _sized(opened) + b"Finalize").digest())
    except (ValueError, RuntimeError):  # no element, or the one of zero; a scalar of zero, or none
        raise WrongProof from None
    return results


def _inverses(scalars: Sequence[bytes]) -> list[bytes]:
    """The inverse of each, by one inversion of their product, which is what takes time."""
    group = _group()
    multiplied, products = group.crypto_core_ristretto255_scalar_mul, [_ONE]
    for scalar in scalars:
        products.append(multiplied(products[-1], scalar))
    left, inverses = group.crypto_core_ristretto255_scalar_invert(products[-1]), []
    for at in range(len(scalars) - 1, -1, -1):
        inverses.append(multiplied(left, products[at]))
        left = multiplied(left, scalars[at])
    return inverses[::-1]


def _holds(key: bytes, elements: Sequence[bytes], done: Sequence[bytes], proof: bytes) -> bool:
    """Whether each was multiplied by the key's secret (RFC 9497, section 2.2.2, VerifyProof)."""
    group = _group()
    multiplied, added = group.crypto_scalarmult_ristretto255, group.crypto_core_ristretto255_add
    challenge, response = proof[:ELEMENT], proof[ELEMENT:]
    seed = hashlib.sha512(_sized(key) + _sized(b"Seed-" + _CONTEXT)).digest()
    sums: tuple[bytes, bytes] | None = None
    for number, (element, evaluation) in enumerate(zip(elements, done, strict=True)):
        transcript = _sized(seed) + number.to_bytes(2, "big") + _sized(element) + _sized(evaluation) + b"Composite"
        weight = _scalar(transcript)
        parts = multiplied(weight, element), multiplied(weight, evaluation)
        sums = parts if sums is None else (added(sums[0], parts[0]), added(sums[1], parts[1]))
    if sums is None:
        return False
    first = added(group.crypto_scalarmult_ristretto255_base(response), multiplied(challenge, key))
    second = added(multiplied(response, sums[0]), multiplied(challenge, sums[1]))
    transcript = b"".join(map(_sized, (key, *sums, first, second))) + b"Challenge"
    return bytes(_scalar(transcript)) == challenge


def _scalar(text: bytes) -> bytes:
    uniform = _expanded(text, b"HashToScalar-" + _CONTEXT)
    return bytes(_group().crypto_core_ristretto255_scalar_reduce(uniform))


def _expanded(text: bytes, domain: bytes) -> bytes:
    """64 uniform bytes (RFC 9380, section 5.3.1, expand_message_xmd, where one block suffices)."""
    suffix = domain + bytes([len(domain)])
    front = hashlib.sha512(bytes(_BLOCK) + text + _UNIFORM.to_bytes(2, "big") + b"\0" + suffix).digest()
    return hashlib.sha512(front + b"\1" + suffix).digest()


def _sized(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


# -- the libraries


def _library() -> Any:
    try:
        from voprf import ristretto
    except ImportError:
        raise ConfigError(missing_extra("voprf", "exchange")) from None
    return ristretto


def _serialized(thing: Any) -> bytes:
    return bytes(thing.serialize())


_loaded: ModuleType | None = None


def _group() -> Any:
    """The group of libsodium. The package writes the library into a temporary file, and would leave it there."""
    global _loaded
    if _loaded is None:
        before = tempfile.tempdir
        with tempfile.TemporaryDirectory(prefix="cardscreen-", ignore_cleanup_errors=True) as folder:
            tempfile.tempdir = folder
            try:
                import rbcl
            except ImportError:
                raise ConfigError(missing_extra("rbcl", "exchange")) from None
            finally:
                tempfile.tempdir = before
        _loaded = rbcl
    return _loaded
