"""What compiled loops are written with: what lies at an address, and the parts that they call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Pointer:
    """Within loops: what lies in memory from an address on, as items of a type."""

    def __init__(self, item: str) -> None:
        self.item = item

    def __repr__(self) -> str:
        """The type."""
        return f"Pointer({self.item})"

    def __call__(self, address: Any) -> Any:  # noqa: ARG002
        """What lies there."""
        raise TypeError("what lies at an address is known within loops only")


bytes_at, halves_at, words_at, keys_at = (Pointer(f"uint{bits}") for bits in (8, 16, 32, 64))
shorts_at, longs_at = Pointer("int32"), Pointer("int64")


def part(function: _Function) -> _Function:
    """A function that loops call: it is compiled with them, and called by nobody else."""
    PARTS.add(function)
    return function


#: All of them.
PARTS: set[Callable[..., Any]] = set()
