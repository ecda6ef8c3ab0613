# SPDX-License-Identifier: MIT
"""Finding the C library, and calling it: C.opro_run_next(...) and so on.

Functions are bound when they are first used, with the types of their prototype in _ffi.py; what is
not there cannot be called.
"""

from __future__ import annotations

import ctypes
import os
import sys

from . import _ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# The number behind libopro.so: the libraries that this package can speak to.
EPOCH = 0

NAMES = {
    "win32": f"opro-{EPOCH}.dll",
    "cygwin": f"cygopro-{EPOCH}.dll",
    "darwin": f"libopro.{EPOCH}.dylib",
}
NAME = NAMES.get(sys.platform, f"libopro.so.{EPOCH}")

# The words of _ffi.py. Texts are pointers both ways: a c_char_p would end at the first NUL, and in
# callbacks it would read beyond the end. As an argument a c_char_p takes bytes as they are.
RESULTS: dict[str, Any] = {
    "void": None,
    "status": ctypes.c_int32,
    "int32": ctypes.c_int32,
    "int64": ctypes.c_int64,
    "uint64": ctypes.c_uint64,
    "size": ctypes.c_size_t,
    "double": ctypes.c_double,
    "chars": ctypes.c_void_p,
    "data": ctypes.c_void_p,
    "int32*": ctypes.POINTER(ctypes.c_int32),
    "int64*": ctypes.POINTER(ctypes.c_int64),
    "size*": ctypes.POINTER(ctypes.c_size_t),
    "double*": ctypes.POINTER(ctypes.c_double),
}
ARGUMENTS: dict[str, Any] = {
    **RESULTS,
    "chars": ctypes.c_char_p,
    "chars*": ctypes.POINTER(ctypes.c_char_p),
    "allocator": ctypes.c_void_p,
}
HANDLE = ctypes.c_void_p
HANDLE_OUT = ctypes.POINTER(ctypes.c_void_p)

_callback_types: dict[str, Any] = {}


def callback_type(word: str) -> Any:
    """The ctypes type of a callback, such as "score_fn": made once."""
    if word not in _callback_types:
        result, arguments = _words(_ffi.CALLBACKS[word])
        types = [RESULTS.get(argument, HANDLE) for argument in arguments]
        _callback_types[word] = ctypes.CFUNCTYPE(RESULTS[result], *types)
    return _callback_types[word]


def _words(prototype: str) -> tuple[str, list[str]]:
    result, _, arguments = prototype[:-1].partition("(")
    return result, arguments.split(", ") if arguments else []


def _argument(word: str) -> Any:
    if word in ARGUMENTS:
        return ARGUMENTS[word]
    if word.endswith("_fn"):
        return callback_type(word)
    return HANDLE_OUT if word.endswith("*") else HANDLE


class Library:
    """The functions of a library as attributes."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        if name not in _ffi.FUNCTIONS:
            raise AttributeError(f"libopro has no function {name}")
        result, arguments = _words(_ffi.FUNCTIONS[name])
        function = self._library[name]  # an object of our own, not one shared by name
        function.restype = RESULTS.get(result, HANDLE)
        function.argtypes = [_argument(word) for word in arguments]
        setattr(self, name, function)
        return function

    def as_bytes(self, name: str) -> Any:
        """A function whose result is a text without NUL, which it returns as bytes at once."""
        function = Library(self._library).__getattr__(name)
        function.restype = ctypes.c_char_p
        return function


def _candidates() -> Iterator[str]:
    chosen = os.environ.get("OPRO_LIBRARY")
    if chosen:
        yield chosen
        return
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), NAME)
    if os.path.exists(beside):
        yield beside
    yield NAME


def _misfit(library: Library) -> str:
    """Why a library that was found is not the right one; "" when it is."""
    epoch: int = library.opro_abi_epoch()
    version: int = library.opro_version_num()
    if epoch != EPOCH:
        return f"its ABI is of epoch {epoch}, this package needs {EPOCH}"
    if version < _ffi.VERSION:
        return f"its version is {version}, this package needs {_ffi.VERSION} or later"
    return ""


def load() -> Library:
    """The first library that loads and fits; else ImportError with everything that was tried."""
    tried = []
    for name in _candidates():
        try:
            library = Library(ctypes.CDLL(name))
            misfit = _misfit(library)
        except (OSError, AttributeError) as error:
            misfit = str(error)
        if not misfit:
            return library
        tried.append(f"\n  {name}: {misfit}")
    raise ImportError(
        f"no libopro that fits was found{''.join(tried)}\n"
        "Install the library, or set OPRO_LIBRARY to the path of one."
    )


C = load()
