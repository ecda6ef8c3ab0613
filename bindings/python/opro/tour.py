# SPDX-License-Identifier: MIT
"""Instances of the travelling salesman's problem: places, and what it costs to go between them."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from ._errors import InvalidError
from ._handle import Handle
from ._load import C
from ._options import number, words
from ._solutions import doubles, nodes

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import Any

_METRICS = words("OPRO_METRIC_")


class Tour(Handle):
    """Places, and what it costs to go from one to another. Made by one of:

        Tour.tsplib(text)     a file of TSPLIB; Tour.load(path) reads one
        Tour.points(points)   pairs (x, y), under a metric
        Tour.matrix(weights)  rows of weights, symmetric

    Places are numbered from 0. Tours are sequences of all of them.
    """

    __slots__ = ()
    _c_free = "opro_tour_free"
    _c_error = "opro_tour_error"

    def __init__(self) -> None:
        raise TypeError("use Tour.tsplib(), Tour.load(), Tour.points() or Tour.matrix()")

    @classmethod
    def _empty(cls) -> Tour:
        tour = cls.__new__(cls)
        tour._new(C.opro_tour_new, None)
        return tour

    @classmethod
    def tsplib(cls, text: str | bytes) -> Tour:
        """From the text of a TSPLIB file; ParseError names line and reason."""
        tour = cls._empty()
        tour._call_text(C.opro_tour_read_tsplib, text)
        return tour

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tour:
        """From a TSPLIB file."""
        with open(path, "rb") as file:
            return cls.tsplib(file.read())

    @classmethod
    def points(cls, points: Any, metric: str = "euclidean") -> Tour:
        """From pairs (x, y): any sequence of them, or an array with two columns.

        metric: "euclidean", "great_circle" (latitude and longitude in degrees; km), or TSPLIB's
        rounded ones: "euc_2d", "ceil_2d", "att", "geo".
        """
        flat = doubles(points)
        count = len(points)
        if len(flat) != 2 * count:
            raise InvalidError("points: a pair (x, y) for each place")
        x = (ctypes.c_double * count)(*flat[0::2])
        y = (ctypes.c_double * count)(*flat[1::2])
        tour = cls._empty()
        tour._call(C.opro_tour_set_points, number("OPRO_METRIC_", metric, "metric"), x, y, count)
        return tour

    @classmethod
    def matrix(cls, weights: Any) -> Tour:
        """From rows of weights, symmetric and not negative."""
        flat = doubles(weights)
        count = len(weights)
        if len(flat) != count * count:
            raise InvalidError(f"{count} rows of weights need {count} numbers each")
        tour = cls._empty()
        tour._call(C.opro_tour_set_matrix, flat, count)
        return tour

    # ---- looking at it ----

    def __len__(self) -> int:
        size: int = self._get(C.opro_tour_size)
        return size

    @property
    def name(self) -> str:
        """The name in the file, or ""."""
        return self._text(C.opro_tour_name)

    @property
    def metric(self) -> str:
        """How weights come from coordinates; "explicit" for a matrix."""
        return _METRICS.get(self._get(C.opro_tour_metric), "")

    def point(self, place: int) -> tuple[float, float]:
        """The coordinates of a place; StateError if it has none."""
        x, y = ctypes.c_double(), ctypes.c_double()
        self._call(C.opro_tour_point, place, ctypes.byref(x), ctypes.byref(y))
        return x.value, y.value

    def weight(self, a: int, b: int) -> float:
        """What it costs to go from one place to another."""
        weight: float = self._get(C.opro_tour_weight, a, b)
        if weight != weight:
            raise IndexError(f"places {a} and {b}: there are {len(self)}")
        return weight

    def length(self, tour: Sequence[int]) -> float:
        """The length of a round trip; RejectedError if it is not a permutation."""
        length = ctypes.c_double()
        places = nodes(tour)
        self._call(C.opro_tour_length, places, len(places), ctypes.byref(length))
        return length.value

    # ---- tours ----

    def solution(self, text: str | bytes) -> tuple[int, ...]:
        """The tour in the text of a TSPLIB solution file."""
        data = text.encode() if isinstance(text, str) else text
        places = (ctypes.c_int32 * len(self))()
        self._call(C.opro_tour_read_solution, data, len(data), places, len(places))
        return tuple(places)

    def nearest_neighbour(self, start: int = 0) -> tuple[int, ...]:
        """Always on to the nearest place not yet visited."""
        return self._baseline(C.opro_tour_nearest_neighbour, start)

    def farthest_insertion(self, start: int = 0) -> tuple[int, ...]:
        """The place whose cheapest insertion is dearest, put in at its cheapest place."""
        return self._baseline(C.opro_tour_farthest_insertion, start)

    def _baseline(self, function: Any, start: int) -> tuple[int, ...]:
        places = (ctypes.c_int32 * len(self))()
        self._call(function, start, places, len(places))
        return tuple(places)

    def improve(self, tour: Sequence[int], *, seed: int = 0, effort: int = 0) -> tuple[int, ...]:
        """A tour that is shorter, by 2-opt and or-opt moves, then effort rounds of kicks."""
        places = nodes(tour)
        self._call(C.opro_tour_improve, places, len(places), seed, effort)
        return tuple(places)

    def __repr__(self) -> str:
        return "<Tour, closed>" if self.closed else f"<Tour of {len(self)} places, {self.metric}>"
