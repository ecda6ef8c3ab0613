# SPDX-License-Identifier: MIT
"""Shares of right answers, their intervals, and differences between them."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from ._errors import InvalidError
from .trajectory import interval

if TYPE_CHECKING:
    from collections.abc import Sequence


class Share(NamedTuple):
    """A mean score of examples, with its 95 % interval. None: nothing is known."""

    value: float | None
    low: float | None
    high: float | None
    known: int
    """Of how many examples the score is known."""
    examples: int

    def __str__(self) -> str:
        """In words: "81.2 % (72.0 to 88.1, 80 examples)"."""
        if self.value is None:
            return "unknown"
        bounds = ""
        if self.low is not None and self.high is not None:
            bounds = f"{100 * self.low:.1f} to {100 * self.high:.1f}, "
        of = f" of {self.examples}" if self.known < self.examples else ""
        return f"{100 * self.value:.1f} % ({bounds}{self.known}{of} examples)"


def share_of(scores: Sequence[float], examples: int | None = None) -> Share:
    """The share of scores, of which some may be NaN: unknown."""
    known = [score for score in scores if score == score]
    of = len(scores) if examples is None else examples
    if not known:
        return Share(None, None, None, 0, of)
    try:
        low, high = interval(scores)
    except InvalidError:
        return Share(sum(known) / len(known), None, None, len(known), of)
    return Share(sum(known) / len(known), low, high, len(known), of)


def difference(first: Sequence[float], second: Sequence[float]) -> Share:
    """By how much second is better than first, example by example (Bonett and Price)."""
    each = [b - a for a, b in zip(first, second) if a == a and b == b]
    if not each:
        return Share(None, None, None, 0, len(first))
    count = len(each) + 2  # one more won, one more lost
    mean = sum(each) / count
    squares = sum(d * d for d in each) + 2
    half = 1.959964 * sqrt((squares / count - mean * mean) / count)
    value = sum(each) / len(each)
    return Share(value, max(mean - half, -1), min(mean + half, 1), len(each), len(first))
