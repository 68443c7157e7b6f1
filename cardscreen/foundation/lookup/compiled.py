"""Loops over columns as machine code: compiled once for a machine and a release, then kept in the cache.

A loop is a function of whole numbers, most of them addresses of arrays, that fills in arrays, written with `pointers`.
It is compiled by numba when first called on a machine. What is kept is plain object code, which is loaded without
numba in a few milliseconds. It is told apart by the loop's own code and by all that it is compiled from, and for which
processor; and it lies under the cache's rules, since whoever could write there could have this process run anything.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import threading
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import numpy.typing as npt

from cardscreen.foundation import cache
from cardscreen.foundation.lookup.pointers import PARTS, Pointer

_ENDING = "loop"
_BETWEEN = b"\0"  # the name of what is called, and the object code
_lock = threading.Lock()


_LOOPS: list[Loop] = []


class Loop:
    """A loop; see `loop`."""

    def __init__(self, function: Callable[..., None]) -> None:
        _LOOPS.append(self)
        self.function = function
        self.__doc__ = function.__doc__
        self._code: Callable[..., int] | None = None

    def __call__(self, *arguments: int | npt.NDArray[Any]) -> None:
        """Run it; of arrays it is given the addresses. Other threads run meanwhile."""
        code = self._code or self._loaded()
        nothing = ctypes.c_void_p()
        failed = code(ctypes.byref(nothing), ctypes.byref(nothing), *map(_whole, arguments))
        if failed:
            raise RuntimeError(f"the loop {self.function.__qualname__} ended with {failed}")

    def _loaded(self) -> Callable[..., int]:
        with _lock:
            if self._code is None:
                name, content = _kept(self.function) or _built(self.function)
                addresses = [ctypes.c_int64] * self.function.__code__.co_argcount
                kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *addresses)
                self._code = kind(_linked(name, content))
            return self._code


def loop(function: Callable[..., None]) -> Loop:
    """A function compiled when first called: all that it is given are whole numbers of 64 bits, or arrays.

    Example:
        >>> from cardscreen.foundation.lookup.pointers import longs_at
        >>> @loop
        ... def double(numbers: int, count: int) -> None:
        ...     for at in range(count):
        ...         longs_at(numbers)[at] *= 2
        >>> numbers = np.array([1, 2])
        >>> double(numbers, 2)
        >>> numbers.tolist()
        [2, 4]
    """
    return Loop(function)


def _whole(argument: int | npt.NDArray[Any]) -> int:
    if not isinstance(argument, np.ndarray):
        return int(argument)
    if not argument.flags.c_contiguous:
        raise TypeError("a loop takes an array only where its items lie side by side")
    return argument.ctypes.data


def prepare() -> None:
    """Compile what is not kept of all loops whose modules were imported, ahead of their first call."""
    for each in _LOOPS:
        each._loaded()


def _kept(function: Callable[..., None]) -> tuple[str, bytes] | None:
    """The name of what is called, and the object code, where the cache has it."""
    for content, _ in cache.load(_folder(), _name(function), _ENDING):
        name, code = content.split(_BETWEEN, 1)
        return name.decode(), code
    return None


def _built(function: Callable[..., None]) -> tuple[str, bytes]:
    """The same, compiled now."""
    from cardscreen.foundation.lookup.compiling import compiled  # loads numba, which takes as long as all else

    name, code = compiled(function)
    place = _folder()
    try:
        cache.save(place, _name(function), name.encode() + _BETWEEN + code, _ENDING)
    except OSError as problem:
        cache.warn_unkept(place, problem)
    return name, code


def _linked(name: str, code: bytes) -> int:
    """The address of a function in object code, which stays in memory as long as the process."""
    from llvmlite import binding

    with contextlib.suppress(RuntimeError):  # later releases need none, and say so
        binding.initialize()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _ENGINES.append(engine)
    return int(engine.get_function_address(name))


_ENGINES: list[Any] = []


def _folder() -> Path:
    return cache.folder("loops", metadata.version("numba"))


def _name(function: Callable[..., None]) -> str:
    """A name for what a loop is compiled from, and for which processor."""
    from llvmlite import binding

    machine = binding.get_process_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    made_of = hashlib.sha256(repr((machine, list(_makings(function)))).encode()).hexdigest()
    return f"{function.__name__.strip('_')}-{made_of[:32]}"


def _makings(function: Any) -> Iterator[object]:
    """All that a function is compiled from: its code, and the constants and functions that it names."""
    code: CodeType = function.__code__
    yield function.__module__, code.co_code, code.co_consts, code.co_names
    for name in code.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, np.ndarray):
            yield name, value.dtype.str, value.tobytes()
        elif isinstance(value, int | float | np.generic | Pointer):
            yield name, repr(value)
        elif callable(value) and value in PARTS:
            yield from _makings(value)
