# SPDX-License-Identifier: MIT
"""Answer matching: is a model's reply right?"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

from ._errors import InvalidError
from ._ffi import CONSTANTS
from ._handle import Handle, encoded, text_at
from ._load import C
from ._options import number, static

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_KINDS = {
    name: CONSTANTS[f"OPRO_METRIC_{name.upper()}"]
    for name in (
        *("strict", "reference", "exact", "number", "choice", "contains"),
        *("regex", "json_field"),
    )
}
_HOST = CONSTANTS["OPRO_METRIC_HOST"]


class Verdict(NamedTuple):
    """What a metric says of a reply."""

    score: float
    """From 0 (wrong) to 1 (right)."""
    extracted: str
    """What was taken for the answer."""
    rule: str
    """The rule that decided."""


class Metric(Handle):
    """A way to judge replies.

    kind: "strict": what a careful person would judge right; "reference": the published program's
        rules to the letter; "exact"; "number"; "choice"; "contains": as whole words; "regex",
        "json_field": see pattern.
        Or a function: it gets the reply and the answer that is wanted, and returns a number from 0
        to 1, a bool, or a Verdict.
    task: the kind of answers: "text", "number", "bool" or "choice", as Dataset.task says.
    tolerance: (absolute, relative), for numbers. decimals, boxed: of "reference", see metric.h.
    pattern: the regular expression (its first group is the answer), or the name of the member.
    """

    __slots__ = ()
    _c_free = "opro_metric_free"
    _c_error = "opro_metric_error"

    def __init__(
        self,
        kind: str | Callable[[str, str], Any] = "strict",
        task: str = "text",
        *,
        tolerance: tuple[float, float] | None = None,
        decimals: int | None = None,
        boxed: bool | None = None,
        pattern: str | None = None,
    ) -> None:
        task_number = number("OPRO_TASK_", task, "task")
        self._new(C.opro_metric_new, _kind(kind), task_number, None)
        if callable(kind):
            self._set_function(kind)
        if tolerance is not None:
            self._call(C.opro_metric_set_tolerance, *tolerance)
        if decimals is not None:
            self._call(C.opro_metric_set_decimals, decimals)
        if boxed is not None:
            self._call(C.opro_metric_set_boxed, int(boxed))
        if pattern is not None:
            self._call_text(C.opro_metric_set_pattern, pattern)

    def _set_function(self, function: Callable[[str, str], Any]) -> None:
        def judge(_: int, reply: int, reply_n: int, answer: int, answer_n: int, out: int) -> int:
            said = function(text_at(reply, reply_n), text_at(answer, answer_n))
            verdict = said if isinstance(said, Verdict) else Verdict(float(said), "", "host")
            extracted, rule = encoded(verdict.extracted), encoded(verdict.rule)
            status: int = C.opro_verdict_set(out, verdict.score, extracted, len(extracted), rule)
            return status

        self._set_callback(C.opro_metric_set_fn, "metric_fn", judge)

    def judge(self, reply: str | None, answer: str, question: str = "") -> Verdict:
        """Judge a reply, None for none. question: where options may stand."""
        out = ctypes.c_void_p()
        said = None if reply is None else encoded(reply)
        wanted, asked = encoded(answer), encoded(question)
        texts = said, len(said or b""), wanted, len(wanted), asked, len(asked)
        self._call(C.opro_metric_judge, *texts, ctypes.byref(out))
        length = ctypes.c_size_t()
        extracted = C.opro_verdict_extracted(out, ctypes.byref(length))
        return Verdict(
            C.opro_verdict_score(out),
            text_at(extracted, length.value),
            static(C.opro_verdict_rule(out)),
        )


def _kind(kind: Any) -> int:
    if callable(kind):
        return _HOST
    if kind not in _KINDS:
        raise InvalidError(f"metric {kind!r}: it is a function, or one of {', '.join(_KINDS)}")
    return _KINDS[kind]
