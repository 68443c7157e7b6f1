"""Loops over columns as machine code: compiled once for a machine and a release, then kept in the cache.

A loop is compiled when the module that holds it is imported, which is done where it is first called, so that
programs that read no cells start without it. What is kept is told apart by the loop's own code and by all that it
is compiled from, and for which processor; it lies under the cache's rules, since whoever could write there could
have this process run whatever they like.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any, TypeVar

import numba
import numpy as np
from numba import njit, types
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps
from numba.extending import intrinsic

from cardscreen.foundation import cache
from cardscreen.foundation.errors import ConfigError

_Loop = TypeVar("_Loop", bound=Callable[..., Any])

_ENDING = "loop"


def given(item: Any) -> Any:
    """The type of an array that a loop reads."""
    return types.Array(item, 1, "C", readonly=True)


def filled(item: Any) -> Any:
    """The type of an array that a loop writes."""
    return types.Array(item, 1, "C")


def part(function: _Loop) -> _Loop:
    """A function that loops call; it is compiled with them."""
    compiled_part: _Loop = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
    return compiled_part


def loop(*arguments: Any) -> Callable[[_Loop], _Loop]:
    """A function compiled for arguments of these types, which returns nothing, and lets other threads run meanwhile."""
    if numba.config.DISABLE_JIT:
        raise ConfigError("NUMBA_DISABLE_JIT is set, and nothing can be read by loops that are not compiled: unset it")

    def of(function: _Loop) -> _Loop:
        compiled_loop = njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)
        compiled_loop._cache = _Kept(function)
        compiled_loop.compile(types.void(*arguments))
        compiled_loop.disable_compile()
        ready: _Loop = compiled_loop
        return ready

    return of


def _pointed_at(item: Any) -> Any:
    """A function, for loops, from an address to what lies there."""

    def at(typing: Any, address: Any) -> Any:  # noqa: ARG001
        pointer = types.CPointer(item)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ARG001
            return builder.inttoptr(values[0], context.get_value_type(pointer))

        return pointer(types.int64), generate

    return intrinsic(at)


#: What lies in memory from an address on: bytes, words of 32 bits, keys, and whole numbers of 32 and of 64 bits.
bytes_at, words_at, keys_at = _pointed_at(types.uint8), _pointed_at(types.uint32), _pointed_at(types.uint64)
shorts_at, longs_at = _pointed_at(types.int32), _pointed_at(types.int64)


class _Kept(_Cache):  # type: ignore[misc,unused-ignore]
    """What numba asks for a loop compiled earlier, and gives one to keep."""

    def __init__(self, function: Any) -> None:
        self._name: str = function.__qualname__
        self._made_of = hashlib.sha256(repr(list(_makings(function))).encode()).hexdigest()
        self._enabled = True

    @property
    def cache_path(self) -> str:
        """The folder."""
        return str(_folder())

    def enable(self) -> None:
        """Keep and look."""
        self._enabled = True

    def disable(self) -> None:
        """Do neither."""
        self._enabled = False

    def flush(self) -> None:
        """Nothing to do: what is kept is told apart by all that it is made of."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The loop for these types of arguments and this processor; None where none is kept that is sound."""
        target_context.refresh()
        for content, _ in cache.load(_folder(), self._key(sig, target_context.codegen()), _ENDING):
            with contextlib.suppress(Exception):  # whatever it is, compiling anew mends it
                return CompileResult._rebuild(target_context, *pickle.loads(content))
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep one."""
        place = _folder()
        try:
            cache.save(place, self._key(sig, data.codegen), dumps(data._reduce()), _ENDING)
        except OSError as problem:
            cache.warn_unkept(place, problem)

    def _key(self, sig: Any, codegen: Any) -> str:
        made_for = repr((str(sig), codegen.magic_tuple(), self._made_of))
        return f"{self._name}-{hashlib.sha256(made_for.encode()).hexdigest()[:16]}"


def _folder() -> Any:
    return cache.folder("loops", f"{numba.__version__}-{sys.implementation.cache_tag}")


def _makings(function: Any) -> Iterator[object]:
    """All that a function is compiled from: its code, and the constants and functions that it names."""
    code: CodeType = function.__code__
    yield (
        function.__module__,
        code.co_code,
        [each for each in code.co_consts if not isinstance(each, CodeType)],
        code.co_names,
    )
    for name in code.co_names:
        value = function.__globals__.get(name)
        python = getattr(value, "py_func", value)
        if isinstance(python, FunctionType) and python is not value:
            yield from _makings(python)
        elif isinstance(value, int | float | np.generic):
            yield name, repr(value)
        elif isinstance(value, np.ndarray):
            yield name, value.dtype.str, value.tobytes()
