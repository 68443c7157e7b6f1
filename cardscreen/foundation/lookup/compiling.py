"""Loops to object code, by numba."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numba
from numba import njit, types
from numba.extending import intrinsic

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.lookup.pointers import PARTS, Pointer

#: No wrapper for calls from Python, and no exceptions: then nothing of Python is needed where the code is loaded.
_OPTIONS = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Callable[..., None]) -> tuple[str, bytes]:
    """The name of a loop in its object code, and that code.

    It takes the addresses of two results that are of no use, then the loop's own numbers, and returns 0.

    Raises:
        ConfigError: The environment says that nothing shall be compiled.
    """
    if numba.config.DISABLE_JIT:
        raise ConfigError("NUMBA_DISABLE_JIT is set, and nothing can be read by loops that are not compiled: unset it")
    python = _bound(function)
    dispatcher: Any = njit(**_OPTIONS)(python)
    signature = types.void(*[types.int64] * python.__code__.co_argcount)
    dispatcher.compile(signature)
    result = dispatcher.overloads[signature.args]
    return result.fndesc.llvm_func_name, result.library._get_compiled_object()


@cache
def _part(function: Callable[..., Any]) -> Any:
    # Else a call of each, with its results in memory, would take as long as its work.
    return njit(**_OPTIONS, forceinline=True)(_bound(function))


@cache
def _pointer(pointer: Pointer) -> Any:
    item = types.CPointer(getattr(types, pointer.item))

    def at(typing: Any, address: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ARG001
            return builder.inttoptr(values[0], context.get_value_type(item))

        return item(types.int64), generate

    return intrinsic(at)


def _bound(function: Any) -> FunctionType:
    """A function that names numba's form of parts and pointers in their place."""
    names = dict(function.__globals__)
    for name in function.__code__.co_names:
        value = names.get(name)
        if isinstance(value, Pointer):
            names[name] = _pointer(value)
        elif callable(value) and value in PARTS:
            names[name] = _part(value)
    return FunctionType(function.__code__, names, function.__name__, function.__defaults__)
