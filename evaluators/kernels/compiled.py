"""The decorator that makes a function a kernel: compiled for one signature, on first need, from the cache where it is there.

Array arguments are declared read-only ("u1[:,::1]" means any C-contiguous uint8 table); `out` marks those written to.
"""

import contextlib
import functools
import os
import threading
from collections.abc import Callable

import numba
from numba import types
from numba.core import caching

LANES = 32  # resamples that go through a kernel together; one row of weights is one SIMD load

_SCALARS = {
    "u1": types.uint8,
    "i1": types.int8,
    "u2": types.uint16,
    "u4": types.uint32,
    "u8": types.uint64,
    "i4": types.int32,
    "i8": types.int64,
    "f4": types.float32,
    "f8": types.float64,
    "b1": types.boolean,
}
KERNELS: list["Kernel"] = []


class _Beside(caching.InTreeCacheLocator):
    """What was compiled beside the code is used also where that folder cannot be written to, as inside the sandbox."""

    @classmethod
    def from_function(cls, py_func, py_file):
        if caching.config.CACHE_DIR or not os.path.exists(py_file):
            return None
        self = cls(py_func, py_file)
        return self if os.path.isdir(self.get_cache_path()) and not os.access(self.get_cache_path(), os.W_OK) else None


class _Named(caching.UserProvidedCacheLocator):
    """The same for the folder that NUMBA_CACHE_DIR names."""

    @classmethod
    def from_function(cls, py_func, py_file):
        if not caching.config.CACHE_DIR or not os.path.exists(py_file):
            return None
        self = cls(py_func, py_file)
        return self if os.path.isdir(self.get_cache_path()) and not os.access(self.get_cache_path(), os.W_OK) else None


caching.CacheImpl._locator_classes[:0] = [_Beside, _Named]
_save = caching.Cache.save_overload


def _save_where_possible(self, *arguments):
    """A folder that cannot be written to costs a compilation, never an answer."""
    with contextlib.suppress(OSError):
        _save(self, *arguments)


caching.Cache.save_overload = _save_where_possible


def _type(text: str):
    written = text.endswith("!")
    name, _, dimensions = text.rstrip("!").partition("[")
    if not dimensions:
        return _SCALARS[name]
    return types.Array(_SCALARS[name], dimensions.count(",") + 1, "C", readonly=not written)


class Kernel:
    """A function compiled for one signature when it is first called, without the interpreter's lock."""

    def __init__(self, function: Callable, arguments: tuple[str, ...], options: dict):
        self.function, self.arguments, self.options = function, arguments, options
        functools.update_wrapper(self, function)
        self._compiled, self._lock = None, threading.Lock()
        KERNELS.append(self)

    @property
    def compiled(self):
        with self._lock:
            if self._compiled is None:
                signature = tuple(_type(a) for a in self.arguments)
                self._compiled = numba.njit(signature, cache=True, nogil=True, **self.options)(self.function)
        return self._compiled

    def __call__(self, *arguments):
        return (self._compiled or self.compiled)(*arguments)

    def from_cache(self) -> bool:
        """Make it ready; whether that needed no compilation."""
        return bool(sum(self.compiled.stats.cache_hits.values()))


def kernel(*arguments: str, **options):
    """Declare a kernel: `@kernel("f8[::1]", "u1[:,::1]", "f8[::1]!")`, one type per argument, `!` where it is written to."""

    def declare(function) -> Kernel:
        return Kernel(function, arguments, options)

    return declare
