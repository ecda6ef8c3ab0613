# SPDX-License-Identifier: MIT
"""Trajectories: every distinct solution ever met, with its scores and its story."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING, NamedTuple, overload

from . import _show
from ._errors import InvalidError
from ._ffi import CONSTANTS
from ._handle import Handle, encoded, invoke
from ._load import C
from ._optional import optional
from ._options import DIRECTIONS, SETS, pick, static, words
from ._show import figure, short
from ._solutions import TEXT, Kind, doubles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from .request import Solution

_VERDICTS = words("OPRO_VERDICT_")
_REASONS = words("OPRO_REASON_")
_FIGURES = words("OPRO_FIGURE_")
_FLAGS = words("OPRO_FLAG_")
_TRAIN = CONSTANTS["OPRO_TRAIN"]
_VALIDATION = CONSTANTS["OPRO_VALIDATION"]

#: Figures that count, the others are real numbers.
_COUNTS = {
    "proposals",
    "scored",
    "rejected",
    "duplicates",
    "failed",
    "prompt_tokens",
    "reply_tokens",
    "cost",
    "scorer_calls",
}


class Candidate(NamedTuple):
    """A solution of a trajectory, as it was when it was looked at. Missing scores are None."""

    number: int
    text: str
    solution: Solution
    score: float | None
    """The mean over the training instances; estimated when "partial" is among the flags."""
    validation: float | None
    """The mean over the validation instances, when all are scored."""
    verdict: str
    """ "scored", "rejected" or "failed". """
    reason: str
    """Why it was not admitted: "none", "not_legal", ..."""
    detail: str
    """That in words."""
    feedback: str
    """What the scorer said."""
    flags: frozenset[str]
    """Of "repaired", "polished", "initial", "warm", "partial"."""
    origin: str
    """Who proposed it: "model", "cma", "host", ..."""
    step: int
    """-1 for initial solutions and warm starts."""
    sample: int
    proposals: int
    """How often it was proposed."""
    scores: tuple[float, ...]
    """By training instance; NaN: not scored."""
    validation_scores: tuple[float, ...]

    def __repr__(self) -> str:
        score = self.verdict if self.score is None else figure(self.score)
        return f"<Candidate {self.number}: {score}, {short(self.text, 60)!r}>"

    def __str__(self) -> str:
        return _show.candidate(self).text()

    def _repr_html_(self) -> str:
        return _show.candidate(self).html()


def _real(value: float) -> float | None:
    return None if value != value else value


class Trajectory(Handle):
    """Candidates in the order in which they were decided: len(), indexing, iteration.

    That of a run is a live view, to be read only. Trajectory("minimize") stands alone, for a warm
    start: add() candidates to it.
    """

    __slots__ = ("_kind",)
    _c_free = "opro_trajectory_free"
    _c_error = "opro_trajectory_error"

    _kind: Kind

    def __init__(self, direction: str = "maximize") -> None:
        self._kind = TEXT
        self._new(C.opro_trajectory_new, pick(DIRECTIONS, direction, "direction"), None)

    @classmethod
    def _of(cls, owner: Handle, pointer: int, kind: Kind) -> Trajectory:
        """The trajectory that belongs to a run."""
        trajectory = cls.__new__(cls)
        trajectory._kind = kind
        trajectory._adopt(pointer, owner=owner)
        return trajectory

    def add(self, solution: Any, scores: float | Sequence[float]) -> int:
        """Add a scored solution to a trajectory that stands alone; returns its number."""
        data = encoded(solution if isinstance(solution, (str, bytes)) else _written(solution))
        values = doubles(scores if hasattr(scores, "__len__") else [scores])
        at = ctypes.c_int64()
        self._call(C.opro_trajectory_add, data, len(data), values, len(values), ctypes.byref(at))
        return at.value

    # ---- as a sequence ----

    def __len__(self) -> int:
        count: int = self._get(C.opro_trajectory_count)
        return count

    @overload
    def __getitem__(self, index: int) -> Candidate: ...

    @overload
    def __getitem__(self, index: slice) -> list[Candidate]: ...

    def __getitem__(self, index: int | slice) -> Candidate | list[Candidate]:
        count = len(self)
        if isinstance(index, slice):
            return [self._candidate(at) for at in range(*index.indices(count))]
        at = index + count if index < 0 else index
        if not 0 <= at < count:
            raise IndexError(f"candidate {index}: there are {count}")
        return self._candidate(at)

    def __iter__(self) -> Iterator[Candidate]:
        at = 0
        while at < len(self):
            yield self._candidate(at)
            at += 1

    def __contains__(self, solution: object) -> bool:
        return self.find(solution) is not None

    # ---- looking at it ----

    @property
    def direction(self) -> str:
        """Either "maximize" or "minimize"."""
        return DIRECTIONS[self._get(C.opro_trajectory_direction)]

    @property
    def scored(self) -> int:
        """How many candidates are scored."""
        count: int = self._get(C.opro_trajectory_scored)
        return count

    @property
    def best(self) -> Candidate | None:
        """The best scored candidate, of equal ones the first."""
        return self._maybe(self._get(C.opro_trajectory_best))

    @property
    def best_validated(self) -> Candidate | None:
        """The best by validation score."""
        return self._maybe(self._get(C.opro_trajectory_best_validated))

    def top(self, n: int) -> list[Candidate]:
        """The best n scored candidates, best first."""
        numbers = (ctypes.c_int64 * max(n, 0))()
        found = self._get(C.opro_trajectory_top, numbers, len(numbers))
        return [self._candidate(at) for at in numbers[:found]]

    def find(self, solution: Any) -> Candidate | None:
        """The candidate with this text, or solution."""
        data = encoded(solution if isinstance(solution, str) else self._kind.write(solution))
        return self._maybe(self._get(C.opro_trajectory_find, data, len(data)))

    def interval(self, candidate: Candidate | int, set: str = "train") -> tuple[float, float]:
        """A 95 % interval of a candidate's score on a set ("train", "validation")."""
        at = candidate.number if isinstance(candidate, Candidate) else candidate
        low, high = ctypes.c_double(), ctypes.c_double()
        which = pick(SETS, set, "set")
        self._call(C.opro_trajectory_interval, at, which, ctypes.byref(low), ctypes.byref(high))
        return low.value, high.value

    @property
    def hash(self) -> int:
        """A digest of all candidates in order, equal on every platform."""
        value: int = self._get(C.opro_trajectory_hash)
        return value

    @property
    def steps(self) -> int:
        """How many steps have ended, not counting that of the initial solutions."""
        count: int = self._get(C.opro_trajectory_steps)
        return count

    def figures(self, step: int) -> dict[str, int | float | None]:
        """The figures of a step, -1 for that of the initial solutions: "best", "mean", ..."""
        found: dict[str, int | float | None] = {}
        for value, name in _FIGURES.items():
            figure = _real(self._get(C.opro_trajectory_figure, step, value))
            found[name] = int(figure) if figure is not None and name in _COUNTS else figure
        return found

    def to_dict(self) -> dict[str, Any]:
        """Everything, as values that JSON knows but for NaN in scores that are missing."""
        return {
            "direction": self.direction,
            "candidates": [
                {**candidate._asdict(), "flags": sorted(candidate.flags)} for candidate in self
            ],
            "steps": [{"step": at, **self.figures(at)} for at in range(-1, self.steps)],
        }

    def to_pandas(self, table: str = "candidates") -> Any:
        """As a pandas.DataFrame: the "candidates", by number, or the figures of the "steps".

        What is missing is NaN. Steps begin with -1, that of the initial solutions. ImportError:
        there is no pandas.
        """
        columns = {"candidates": Candidate._fields, "steps": ("step", *_FIGURES.values())}
        if table not in columns:
            raise InvalidError(f"table {table!r}: it is one of {', '.join(columns)}")
        pandas = optional("pandas", "to_pandas()")
        rows = [
            {name: math.nan if value is None else value for name, value in row.items()}
            for row in self.to_dict()[table]
        ]
        return pandas.DataFrame(rows, columns=columns[table]).set_index(columns[table][0])

    def __repr__(self) -> str:
        if self.closed:
            return "<Trajectory, closed>"
        best = self.best
        score = "" if best is None else f", best {best.score:g}"
        return f"<Trajectory of {len(self)} candidates{score}>"

    def __str__(self) -> str:
        return repr(self) if self.closed else _show.trajectory(self).text()

    def _repr_html_(self) -> str | None:
        return None if self.closed else _show.trajectory(self).html()

    # ---- one candidate ----

    def _maybe(self, at: int) -> Candidate | None:
        return None if at < 0 else self._candidate(at)

    def _scores(self, at: int, which: int) -> tuple[float, ...]:
        count = self._get(C.opro_trajectory_scores, at, which, None, 0)
        if not count:
            return ()
        scores = (ctypes.c_double * count)()
        self._get(C.opro_trajectory_scores, at, which, scores, count)
        return tuple(scores)

    def _candidate(self, at: int) -> Candidate:
        get = self._get
        text = self._text(C.opro_trajectory_text, at)
        verdict = _VERDICTS.get(get(C.opro_trajectory_verdict, at), "unknown")
        flags = get(C.opro_trajectory_flags, at)
        return Candidate(
            number=at,
            text=text,
            solution=text if verdict == "rejected" else self._kind.parse(text),
            score=_real(get(C.opro_trajectory_score, at)),
            validation=_real(get(C.opro_trajectory_validation, at)),
            verdict=verdict,
            reason=_REASONS.get(get(C.opro_trajectory_reason, at), "unknown"),
            detail=self._text(C.opro_trajectory_detail, at),
            feedback=self._text(C.opro_trajectory_feedback, at),
            flags=frozenset(name for value, name in _FLAGS.items() if flags & value),
            origin=static(invoke(C.opro_origin_name, get(C.opro_trajectory_origin, at))),
            step=get(C.opro_trajectory_step, at),
            sample=get(C.opro_trajectory_sample, at),
            proposals=get(C.opro_trajectory_proposals, at),
            scores=self._scores(at, _TRAIN),
            validation_scores=self._scores(at, _VALIDATION),
        )


def _written(solution: Any) -> str:
    return ", ".join(map(str, solution))


def interval(scores: Sequence[float]) -> tuple[float, float]:
    """A 95 % interval of the mean of scores: Wilson's if all are 0 or 1."""
    values = doubles(scores)
    low, high = ctypes.c_double(), ctypes.c_double()
    status = C.opro_interval(values, len(values), ctypes.byref(low), ctypes.byref(high))
    if status < 0:
        from ._errors import error

        raise error(status, "there is no interval of these scores")
    return low.value, high.value
