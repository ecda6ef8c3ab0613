# SPDX-License-Identifier: MIT
"""The kinds of solutions: how each is written as a text, and read back from its canonical text."""

from __future__ import annotations

import ctypes
from array import array
from typing import TYPE_CHECKING, NamedTuple

from ._errors import InvalidError
from ._handle import encoded
from ._load import C

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .request import Solution


class Kind(NamedTuple):
    """A kind of solution."""

    name: str
    parse: Callable[[str], Solution]
    """From a canonical text."""
    write: Callable[[Any], str]
    """To a text, which the library makes canonical."""


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


def _nodes(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _write_numbers(solution: Any) -> str:
    return solution if isinstance(solution, str) else ", ".join(map(_written, solution))


def _written(value: Any) -> str:
    """A number as canonical texts have it: 1 and not 1.0, nor -0."""
    text = repr(float(value) + 0.0)
    return text[:-2] if text.endswith(".0") else text


def _write_nodes(solution: Any) -> str:
    return solution if isinstance(solution, str) else ",".join(map(str, map(int, solution)))


def _write_text(solution: Any) -> str:
    if not isinstance(solution, str):
        raise TypeError(f"a solution of this problem is a text, not {type(solution).__name__}")
    return solution


TEXT = Kind("text", str, _write_text)
VECTOR = Kind("vector", _numbers, _write_numbers)
PERMUTATION = Kind("permutation", _nodes, _write_nodes)


def _flat(values: Any) -> Any:
    """A sequence of numbers, or of rows of numbers, as one sequence or buffer of doubles."""
    if getattr(values, "ndim", 1) == 0:  # an array that is a number
        return array("d", [values])
    try:
        view = memoryview(values)
    except TypeError:
        pass
    else:
        if view.format == "d" and view.c_contiguous:
            return view.cast("B").cast("d") if view.ndim > 1 else view
        values = view.tolist() if view.format in "bBhHiIlLqQfd?" else list(values)
    values = list(values)
    if values and hasattr(values[0], "__len__"):
        values = [number for row in values for number in row]
    return array("d", values)


def doubles(values: Any) -> Any:
    """Numbers, or rows of numbers, as an array that C can read: from any sequence or buffer."""
    try:
        flat = _flat(values)
        return (ctypes.c_double * len(flat)).from_buffer_copy(flat)
    except (TypeError, ValueError) as error:
        raise InvalidError(f"these are no numbers: {error}") from error


def nodes(values: Any) -> Any:
    """Integers as an array that C can read and write."""
    try:
        return (ctypes.c_int32 * len(values))(*map(int, values))
    except (TypeError, ValueError) as error:
        raise InvalidError(f"these are no nodes: {error}") from error


def sink_text(sink: int, text: str) -> int:
    """Deliver a text."""
    data = encoded(text)
    status: int = C.opro_sink_text(sink, data, len(data))
    return status
