# SPDX-License-Identifier: MIT
"""Requests: what a run asks for, as values.

They compare, hash and pickle, and this module does not load the library: a request can be answered
on a machine that does not have it.
"""

from __future__ import annotations

from typing import NamedTuple, Union

Solution = Union[str, "tuple[float, ...]", "tuple[int, ...]"]
"""A text, a vector or a permutation, as the problem has it."""


class Message(NamedTuple):
    """A message of a meta-prompt."""

    role: str
    """ "system", "user", or "assistant": always last, the model goes on from there."""
    text: str


class Propose(NamedTuple):
    """Replies to a meta-prompt are wanted."""

    id: int
    """Unique in the run; it depends on what is asked for, not on when."""
    step: int
    messages: tuple[Message, ...]
    samples: int
    """How many replies are wanted."""
    first_sample: int
    """The number of the first of them within its step."""
    temperature: float
    max_tokens: int
    """The limit for each reply."""
    seed: int
    """For sampling the first reply; the i-th has seed + i."""

    @property
    def text(self) -> str:
        """The last message of the user's."""
        return next((m.text for m in reversed(self.messages) if m.role == "user"), "")


class Score(NamedTuple):
    """Scores of a candidate are wanted, one for each instance."""

    id: int
    step: int
    text: str
    """The candidate's text."""
    solution: Solution
    """The candidate: its text, numbers or nodes."""
    set: str
    """ "train" or "validation". """
    instances: tuple[int, ...]


Request = Union[Propose, Score]
