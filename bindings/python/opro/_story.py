# SPDX-License-Identifier: MIT
"""What a run is heard to say: counts of replies, the first texts, all texts for a report."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from .exam import Answer
    from .runs import Event

_TEXTS_MOST = 2000
_TEXT_MOST = 20_000  # characters


class Heard(NamedTuple):
    """A meta-prompt, or a reply."""

    kind: str
    step: int
    sample: int
    text: str


class Story:
    """Hears the events of a run, and the answers of exams."""

    def __init__(self) -> None:
        self.texts: list[Heard] = []
        self.first: dict[str, str] = {}
        """ "meta_prompt" and "reply". """
        self.replies = 0
        self.candidates = 0
        self.rejections: dict[str, int] = {}
        self.failures = 0
        self.failure = ""
        self.decided = 0
        self.unknown = 0
        self.right = 0.0
        self.begun = monotonic()

    def hear(self, event: Event) -> None:
        """An event of the run."""
        if event.kind in ("meta_prompt", "reply"):
            self.first.setdefault(event.kind, event.text)
            self.replies += event.kind == "reply"
            if len(self.texts) < _TEXTS_MOST:
                text = event.text[:_TEXT_MOST]
                self.texts.append(Heard(event.kind, event.step, event.sample, text))
        elif event.kind == "accepted":
            self.candidates += event.step >= 0
        elif event.kind == "rejected":
            self.rejections[event.reason] = self.rejections.get(event.reason, 0) + 1
        elif event.kind == "failed":
            self.failures += 1
            self.failure = event.detail

    def answered(self, answer: Answer) -> None:
        """An answer of an exam."""
        self.decided += 1
        self.unknown += answer.score is None
        self.right += answer.score or 0


class Line:
    """One line on the terminal, again and again, while somebody looks at it."""

    def __init__(self, shown: bool, text: Callable[[], str]) -> None:
        self._shown = shown and sys.stdout.isatty() and sys.stderr.isatty()
        self._text = text
        self._next = 0.0

    def show(self) -> None:
        """Show it anew; not too often."""
        if self._shown and monotonic() >= self._next:
            self._next = monotonic() + 0.05
            sys.stderr.write(f"\r{self._text()}\033[K")
            sys.stderr.flush()

    def wipe(self) -> None:
        """Take it away."""
        if self._shown:
            sys.stderr.write("\r\033[K")
