# SPDX-License-Identifier: MIT
"""Optimizers and scorers: the library's own, and those that are Python functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._callbacks import Hook, trampoline
from ._ffi import CONSTANTS
from ._handle import Handle
from ._load import callback_type

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .runs import Run

_PENDING = CONSTANTS["OPRO_PENDING"]


class Pending:
    """What an optimizer or a scorer returns that will answer later: opro.PENDING."""

    def __repr__(self) -> str:
        return "opro.PENDING"


PENDING = Pending()


class Answerer(Handle):
    """An optimizer or a scorer of the library: its own, or one that calls back."""

    __slots__ = ()

    @classmethod
    def _made(cls, function: Any, *arguments: Any, keeps: tuple[object, ...] = ()) -> Handle:
        """One of the library's own, by function(out, *arguments)."""
        answerer = cls.__new__(cls)
        answerer._new(function, *arguments, keeps=keeps)
        return answerer

    @classmethod
    def _calling(cls, function: Any, word: str, run: Run, answer: Callable[[Any], Any]) -> Handle:
        """One that has a Python function answer the requests of a run."""

        def enter(_: int, pointer: int) -> int:
            request = run._request(pointer)
            result = answer(request)
            if result is PENDING:
                return _PENDING
            if hasattr(result, "__await__"):
                from .aio import begin

                begin(run, request, result)
                return _PENDING
            run.tell(request, result)
            return 0

        hook = Hook(enter)
        none = callback_type("destroy_fn")()
        answerer = cls._made(function, trampoline(word), hook.key, none, None)
        answerer._hooks[word] = hook
        return answerer


class OptimizerHandle(Answerer):
    """An optimizer."""

    __slots__ = ()
    _c_free = "opro_optimizer_free"


class ScorerHandle(Answerer):
    """A scorer."""

    __slots__ = ()
    _c_free = "opro_scorer_free"
