# SPDX-License-Identifier: MIT
"""Objects of the library: how they are made, called, and freed.

Every class of the package that stands for an object in C is a Handle. What a Handle sees to:

- it is freed once: by close(), at the end of a with statement, when nobody refers to it any more,
  or when Python ends; never in a child of the process that made it;
- it keeps alive what it depends on, and the callbacks set on it: also when it is closed, since in C
  other objects may have their share of it;
- used after close(), in a child after fork(), or by two threads at once, it raises an exception.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from _thread import get_ident

from ._callbacks import Hook, raised, throw, trampoline
from ._errors import ClosedError, Error, ForkedError, ReentrantError, ThreadError, error
from ._load import C, callback_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Self = TypeVar("Self", bound="Handle")

string_at = ctypes.string_at


class Guard:
    """Who is at work on an object, and on all that belong to it.

    A thread enters before it calls the library and leaves after it:

        depth = guard.enter()
        try:
            guard.depth = depth + 1
            ...
        finally:
            guard.depth = depth
            if not depth:
                guard.thread.clear()

    That stands in a function's own body, not in a context manager, so that an interrupt cannot come
    between it and the call. dict.setdefault() is what makes it atomic. The same thread may enter
    again: that is a callback, and the library knows what is allowed there.
    """

    __slots__ = ("depth", "of", "pid", "thread")

    def __init__(self, of: str) -> None:
        self.of = of
        self.pid = os.getpid()
        self.thread: dict[None, int] = {}
        self.depth = 0

    def enter(self) -> int:
        """Enter, or raise; returns how deep inside callbacks this is."""
        if os.getpid() != self.pid:
            raise ForkedError(
                f"this {self.of} was made in process {self.pid}; make one of your own"
            )
        me = get_ident()
        owner = self.thread.setdefault(None, me)
        if owner != me:
            raise ThreadError(f"this {self.of} is in use by another thread; one at a time, please")
        return self.depth


def _free(function: Callable[[int | None], None], pointer: int | None, pid: int) -> None:
    if os.getpid() == pid:
        function(pointer)


class Handle:
    """An object of the library."""

    __slots__ = ("__weakref__", "_finalizer", "_guard", "_hooks", "_keeps", "_owner", "_pointer")

    _c_free = ""  # the function that frees it
    _c_error = ""  # the function that has the detail of a failure
    _brief = False  # whether it can be freed in callbacks of what it shares its guard with

    _pointer: int | None
    _guard: Guard
    _hooks: dict[str, Hook]
    _keeps: tuple[object, ...]
    _owner: Handle | None
    _finalizer: Any

    # ---- made and freed ----

    def _new(self, function: Any, *arguments: Any, keeps: tuple[object, ...] = ()) -> None:
        """Make the object by function(out, *arguments). Failures are told by a Handle in keeps."""
        self._pointer = None
        out = ctypes.c_void_p()
        try:
            status = invoke(function, ctypes.byref(out), *arguments)
        except BaseException:  # of a callback, that of the log perhaps, when all was well
            if out.value:
                getattr(C, self._c_free)(out)
            raise
        if status < 0:
            teller = next((kept for kept in keeps if isinstance(kept, Handle)), None)
            raise teller._failure(status) if teller else error(status)
        self._adopt(out.value, keeps)

    def _adopt(
        self, pointer: int | None, keeps: tuple[object, ...] = (), owner: Handle | None = None
    ) -> None:
        """Stand for the object at a pointer.

        owner: the object that it belongs to; then it shares its guard, is not freed by itself, and
        is closed when that is.
        """
        self._guard = owner._guard if owner else Guard(type(self).__name__)
        self._owner = owner
        self._hooks = {}
        self._keeps = keeps
        self._finalizer = None
        if owner is None:
            free = getattr(C, self._c_free)
            self._finalizer = weakref.finalize(self, _free, free, pointer, self._guard.pid)
        self._pointer = pointer

    def close(self) -> None:
        """Free the object now. Once is enough, more often does no harm."""
        if getattr(self, "_pointer", None) is None:
            return
        depth = self._guard.enter()
        if depth and not self._brief:
            raise ReentrantError(f"this {self._guard.of} cannot be closed inside its callback")
        pointer, self._pointer = self._pointer, None
        try:
            self._closing()
            pointer = None
            if self._finalizer is not None:
                self._finalizer()
        finally:
            self._pointer = pointer
            if not depth:
                self._guard.thread.clear()
        if raised:
            throw()

    def _closing(self) -> None:
        """Called before it is freed, for classes that have a reason to refuse: raise it."""

    @property
    def closed(self) -> bool:
        """Whether it was closed, or what it belongs to."""
        return self._pointer is None or (self._owner is not None and self._owner.closed)

    def __enter__(self: Self) -> Self:
        self._alive()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError(f"a {type(self).__name__} belongs to its process and cannot be pickled")

    # ---- called ----

    def _alive(self) -> int:
        """The pointer, or ClosedError."""
        pointer = self._pointer
        if pointer is None:
            raise ClosedError(f"this {type(self).__name__} is closed")
        if self._owner is not None:
            self._owner._alive()
        return pointer

    def _get(self, function: Any, *arguments: Any) -> Any:
        """function(self, *arguments), for functions that return a value."""
        return invoke(function, self, *arguments)

    def _call(self, function: Any, *arguments: Any) -> int:
        """function(self, *arguments), for functions that return a status; errors are raised."""
        status: int = invoke(function, self, *arguments)
        if status < 0:
            raise self._failure(status)
        return status

    def _text(self, function: Any, *arguments: Any) -> str:
        """function(self, *arguments, &len), for functions that return a text; NULL is ""."""
        length = ctypes.c_size_t()
        pointer = invoke(function, self, *arguments, ctypes.byref(length))
        return text_at(pointer, length.value)

    def _call_text(self, function: Any, text: str | bytes) -> int:
        """function(self, text, len), for functions that take a text and return a status."""
        data = encoded(text)
        return self._call(function, data, len(data))

    def _set_callback(self, function: Any, word: str, callback: Any, *first: Any) -> None:
        """function(self, *first, fn, user_data, destroy): install a callback, or None.

        word: its type in _ffi.CALLBACKS. callback: takes what C gives it, without user_data, and
        returns a status (None is OK). It may refer to this object.
        """
        none = callback_type("destroy_fn")()
        place = f"{function.__name__}{first}"
        if callback is None:
            self._call(function, *first, callback_type(word)(), None, none)
            self._hooks.pop(place, None)
            return
        hook = Hook(callback)
        self._call(function, *first, trampoline(word), hook.key, none)
        self._hooks[place] = hook

    def _failure(self, status: int) -> Error:
        """The exception for a status that a call on this object returned."""
        if not self._c_error:
            return error(status)
        return error(status, message(invoke(getattr(C, self._c_error), self)))


def invoke(function: Any, *arguments: Any) -> Any:
    """Call a function of C.

    Handles among the arguments are checked, and in use by this thread meanwhile. What callbacks
    raised is raised here.
    """
    for index, argument in enumerate(arguments):
        if isinstance(argument, Handle):
            guard = argument._guard
            depth = guard.enter()
            try:
                guard.depth = depth + 1
                pointer = argument._alive()  # now, since nobody else can close it any more
                return invoke(function, *arguments[:index], pointer, *arguments[index + 1 :])
            finally:
                guard.depth = depth
                if not depth:
                    guard.thread.clear()
    result = function(*arguments)
    if raised:
        throw()
    return result


def text_at(pointer: int | None, length: int) -> str:
    """The text that C has at a pointer."""
    return string_at(pointer, length).decode("utf-8", "replace") if pointer else ""


def message(detail: int) -> str:
    """The text of an opro_error."""
    length = ctypes.c_size_t()
    pointer = C.opro_error_message(detail, ctypes.byref(length))
    return text_at(pointer, length.value)


def encoded(text: str | bytes) -> bytes:
    """A text as C takes it: UTF-8. Lone surrogates are an error of the library's to tell."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
