# SPDX-License-Identifier: MIT
"""Python functions that the library calls.

For every type of callback in C there is one trampoline, made when it is first needed and never
freed. What the library keeps as user_data is a number: the key of a Hook, which holds the Python
function. The object that a callback was set on owns its hooks; the table here refers to them
weakly, so a function that refers to its object does not keep it alive for ever. Nothing has to be
called when C gives up a callback (destroy is NULL): the key goes with the hook.

An exception must not pass through C. The trampoline keeps it for its thread and tells the library
that the callback failed; the call of the library that was under way raises it (_handle.invoke).
"""

from __future__ import annotations

import itertools
import sys
import weakref
from _thread import get_ident
from functools import partial

from ._ffi import CONSTANTS
from ._load import callback_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FAILED = CONSTANTS["OPRO_ERR_USER_FIRST"]

# Exceptions on their way through C, by thread. Almost always empty.
raised: dict[int, BaseException] = {}

_hooks: dict[int, weakref.ref[Hook]] = {}
_keys = itertools.count(1)
_trampolines: dict[str, Any] = {}


class Hook:
    """A Python function that C may call, under a key."""

    __slots__ = ("__weakref__", "function", "key")

    def __init__(self, function: Callable[..., int | None]) -> None:
        self.function = function
        self.key = next(_keys)
        _hooks[self.key] = weakref.ref(self, partial(_forget, self.key))


def _forget(key: int, _: object) -> None:
    del _hooks[key]


def keep(error: BaseException) -> None:
    """Keep an exception for the call that is under way on this thread; the first one counts."""
    raised.setdefault(get_ident(), error)


def throw() -> None:
    """Raise what a callback raised during the call of this thread that has just ended."""
    error = raised.pop(get_ident(), None)
    if error is not None:
        try:
            raise error
        finally:
            del error  # it refers to this frame


def trampoline(word: str) -> Any:
    """The C function for a type of callback, such as "score_fn"."""
    if word not in _trampolines:

        def enter(*arguments: Any) -> int:
            try:
                hook = _hooks[arguments[-1]]()
                if hook is None:
                    return FAILED
                return hook.function(*arguments[:-1]) or 0
            except BaseException as error:
                keep(error)
                return FAILED

        _trampolines[word] = callback_type(word)(enter)
        _entrances.append(enter)
    return _trampolines[word]


def _unraisable(unraisable: Any) -> None:
    """
    An interrupt that came while C was at work is raised at the very first instruction of a
    trampoline, before its try. Nobody hears of that but this hook of Python's.
    """
    said = unraisable.err_msg or ""  # Python 3.13 names the function here alone
    if any(each is unraisable.object or repr(each) in said for each in _entrances):
        keep(unraisable.exc_value)
    else:
        _unraisable_before(unraisable)


_entrances: list[Any] = []
_unraisable_before = sys.unraisablehook
sys.unraisablehook = _unraisable
