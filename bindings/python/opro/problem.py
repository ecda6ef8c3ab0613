# SPDX-License-Identifier: MIT
"""Problems: what is optimized."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from . import _show
from ._answerer import ScorerHandle
from ._errors import InvalidError, RejectedError
from ._ffi import CONSTANTS
from ._handle import Handle, encoded, text_at
from ._load import C
from ._options import DIRECTIONS, number, pick
from ._show import short
from ._solutions import PERMUTATION, TEXT, VECTOR, Kind, doubles, sink_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Union

    from .dataset import Dataset
    from .request import Solution
    from .tour import Tour

    #: What a step of a reply's way is: see Problem.
    Step = Callable[[Any], Any]
    Instances = Union[int, Sequence[Any]]

_STEPS = ("parse", "canonical", "check", "repair", "polish", "render")

#: The default of arguments whose None means something.
DEFAULT: Any = object()


class Problem(Handle):
    """What is optimized: texts, here; vectors, permutations and tours by the functions below.

    description: what is to be optimized, in words for the model.
    direction: "maximize" or "minimize".
    instances, validation: a score is the mean over so many instances of each set.
    score_range: (low, high); a score outside is refused. None: any finite score. Default: (0, 1)
        for texts, None for the other kinds.
    score_name: what a score is called in the prompt.
    initial: solutions to start from.
    exemplars: pairs (input, target) that show what a solution is for.
    score_display: "buckets", "none", or a number of decimals.

    Steps on the way of a model's reply, all optional functions; exceptions come out of the call
    that was under way:

    parse(reply): the candidates in it, a list of texts (or one text).
    canonical(text): one text for all ways to write the same solution.
    check(solution): None or True when it is legal; False, or the reason as a text, when not.
    repair(text): a legal solution instead.
    polish(solution): a better one nearby.
    render(solution): how it is shown to the model.

    canonical, repair and polish may return None, or raise RejectedError(reason), for "no". What is
    called solution here is a text, a tuple of floats or a tuple of ints, as the kind has it.

    A problem can be set up until the first run uses it. Runs in several threads may share it.
    """

    __slots__ = ("_bounds", "_make_scorer", "kind")
    _c_free = "opro_problem_free"
    _c_error = "opro_problem_error"

    kind: Kind
    _bounds: list[tuple[float, float]]
    _make_scorer: Callable[[], Handle] | None

    def __init__(self, description: str | None = None, **settings: Any) -> None:
        self._made(TEXT, C.opro_problem_new, description, settings)

    def _made(
        self,
        kind: Kind,
        function: Any,
        description: str | None,
        settings: dict[str, Any],
        *arguments: Any,
        keeps: tuple[object, ...] = (),
    ) -> None:
        self.kind = kind
        self._bounds = []
        self._make_scorer = None
        self._new(function, *arguments, None, keeps=keeps)
        if description is not None:
            self._call_text(C.opro_problem_set_description, description)
        self.set(**settings)

    # ---- kinds ----

    @classmethod
    def vector(
        cls,
        bounds: Any,
        description: str | None = None,
        *,
        integer: bool = False,
        names: Sequence[str] | None = None,
        **settings: Any,
    ) -> Problem:
        """Vectors of numbers, minimized; bounds: a pair (low, high) for each coordinate.

        integer: coordinates are rounded. names: of the coordinates, x1, x2, ... by default.
        Solutions are tuples of floats. Further settings as in Problem().
        """
        pairs = doubles(bounds)
        size = len(bounds)
        if len(pairs) != 2 * size:
            raise InvalidError("bounds: a pair (low, high) for each coordinate")
        lower = (ctypes.c_double * size)(*pairs[0::2])
        upper = (ctypes.c_double * size)(*pairs[1::2])
        problem = cls.__new__(cls)
        problem._made(
            VECTOR, C.opro_problem_new_vector, description, {}, size, lower, upper, int(integer)
        )
        problem._bounds = list(zip(lower, upper))
        if names is not None:
            texts = (ctypes.c_char_p * len(names))(*map(encoded, names))
            problem._call(C.opro_vector_set_names, texts, len(names))
        problem.set(**settings)
        return problem

    @classmethod
    def permutation(
        cls, size: int, description: str | None = None, *, symmetry: str = "order", **settings: Any
    ) -> Problem:
        """Permutations of 0 .. size-1, minimized.

        symmetry: what leaves one the same: "order" nothing, "cycle" rotation, "tour" rotation and
        reversal. Solutions are tuples of ints.
        """
        same = number("OPRO_PERMUTATION_", symmetry, "symmetry")
        problem = cls.__new__(cls)
        problem._made(
            PERMUTATION, C.opro_problem_new_permutation, description, settings, size, same
        )
        return problem

    @classmethod
    def tour(cls, tour: Tour, description: str | None = None, **settings: Any) -> Problem:
        """The shortest round trip through a tour's places; it brings its own scorer."""
        problem = cls.__new__(cls)
        problem._made(
            PERMUTATION, C.opro_problem_new_tour, description, settings, tour, keeps=(tour,)
        )
        problem._make_scorer = lambda: ScorerHandle._made(
            C.opro_scorer_new_tour, tour, None, keeps=(tour,)
        )
        return problem

    @classmethod
    def regression(
        cls,
        x: Any,
        y: Any,
        *,
        low: float = -100,
        high: float = 100,
        description: str | None = None,
        **settings: Any,
    ) -> Problem:
        """Integers w and b that minimize the sum of (y - (w x + b))^2; it brings its own scorer."""
        xs, ys = doubles(x), doubles(y)
        if len(xs) != len(ys):
            raise InvalidError(f"{len(xs)} x and {len(ys)} y: they have to be as many")
        problem = cls.__new__(cls)
        problem._made(VECTOR, C.opro_problem_new_regression, description, {}, low, high)
        problem._bounds = [(low, high)] * 2
        problem.set(**settings)
        problem._make_scorer = lambda: ScorerHandle._made(
            C.opro_scorer_new_regression, xs, ys, len(xs), None
        )
        return problem

    @classmethod
    def function(
        cls, name: str, size: int, description: str | None = None, **settings: Any
    ) -> Problem:
        """A test function over its usual box, minimized; it brings its own scorer.

        name: "sphere", "rosenbrock", "ackley", "rastrigin" or "rosenbrock_paper".
        """
        which = number("OPRO_FUNCTION_", name, "function")
        problem = cls.__new__(cls)
        problem._made(VECTOR, C.opro_problem_new_function, description, settings, which, size)
        problem._make_scorer = lambda: ScorerHandle._made(C.opro_scorer_new_function, which, None)
        return problem

    @classmethod
    def dataset(cls, dataset: Dataset, description: str | None = None, **settings: Any) -> Problem:
        """An instruction with which a model answers the questions of a dataset best.

        Its training and validation examples are the instances, and the training examples the
        exemplars. Candidates are raced (option race) and the winner is confirmed (option confirm).
        The scorer is an Examiner of the same dataset.
        """
        problem = cls.__new__(cls)
        problem._made(
            TEXT, C.opro_problem_new_dataset, description, settings, dataset, keeps=(dataset,)
        )
        return problem

    # ---- settings ----

    def set(
        self,
        *,
        direction: str | None = None,
        instances: int | None = None,
        validation: int | None = None,
        score_range: tuple[float, float] | None = DEFAULT,
        score_name: str | None = None,
        score_display: str | int | None = None,
        initial: Iterable[Any] = (),
        exemplars: Iterable[tuple[str, str]] = (),
        **steps: Step | None,
    ) -> None:
        """Change settings: as those of Problem(). Initial solutions and exemplars are added."""
        if direction is not None:
            self._call(C.opro_problem_set_direction, pick(DIRECTIONS, direction, "direction"))
        if instances is not None or validation is not None:
            train = self.instances if instances is None else instances
            rest = self.validation if validation is None else validation
            self._call(C.opro_problem_set_instances, train, rest)
        if score_range is not DEFAULT:
            low, high = score_range or (float("nan"), float("nan"))
            self._call(C.opro_problem_set_score_range, low, high)
        if score_name is not None:
            self._call_text(C.opro_problem_set_score_name, score_name)
        if score_display is not None:
            self._set_display(score_display)
        for solution in initial:
            self._call_text(C.opro_problem_add_initial, self.kind.write(solution))
        for shown, target in exemplars:
            first, second = encoded(shown), encoded(target)
            self._call(C.opro_problem_add_exemplar, first, len(first), second, len(second))
        for name, step in steps.items():
            if name not in _STEPS:
                raise TypeError(f"a problem has no setting {name!r}")
            if name == "check" and step and self._bounds:
                step = _within(self._bounds, step)
            setter = getattr(C, f"opro_problem_set_{name}_fn")
            self._set_callback(setter, "text_fn", step and _step(name, step, self.kind))

    def _set_display(self, display: str | int) -> None:
        if isinstance(display, str):
            how = number("OPRO_DISPLAY_", display, "score_display")
            self._call(C.opro_problem_set_score_display, how, 0)
        else:
            decimals = CONSTANTS["OPRO_DISPLAY_DECIMALS"]
            self._call(C.opro_problem_set_score_display, decimals, display)

    # ---- looking at it ----

    @property
    def description(self) -> str:
        """What is to be optimized, in words for the model."""
        return self._text(C.opro_problem_description)

    @property
    def direction(self) -> str:
        """Either "maximize" or "minimize"."""
        return DIRECTIONS[self._get(C.opro_problem_direction)]

    @property
    def instances(self) -> int:
        """How many training instances there are."""
        count: int = self._get(C.opro_problem_instances, CONSTANTS["OPRO_TRAIN"])
        return count

    @property
    def validation(self) -> int:
        """How many validation instances there are."""
        count: int = self._get(C.opro_problem_instances, CONSTANTS["OPRO_VALIDATION"])
        return count

    @property
    def digest(self) -> int:
        """A digest of everything but callbacks, equal on every platform."""
        value: int = self._get(C.opro_problem_digest)
        return value

    def solution(self, text: str) -> Solution:
        """The solution that a canonical text stands for."""
        return self.kind.parse(text)

    def __repr__(self) -> str:
        if self.closed:
            return "<Problem, closed>"
        about = short(self.description, 60)
        return f"<Problem: {self.direction} over {self.kind.name}s{about and f', {about!r}'}>"

    def __str__(self) -> str:
        return repr(self) if self.closed else _show.problem(self).text()

    def _repr_html_(self) -> str | None:
        return None if self.closed else _show.problem(self).html()


# ---- steps, as C calls them ----


def _step(name: str, function: Step, kind: Kind) -> Callable[[int, int, int, int], int | None]:
    """A text_fn around a Python function."""
    deliver = _DELIVER[name]
    canonical = name in ("check", "polish", "render")

    def enter(_: int, text: int, length: int, sink: int) -> int | None:
        given = text_at(text, length)
        try:
            result = function(kind.parse(given) if canonical else given)
        except RejectedError as no:
            return _reject(sink, str(no))
        return deliver(sink, result, given, kind)

    return enter


def _within(bounds: list[tuple[float, float]], check: Step) -> Step:
    """A check in the place of that of vectors, which looks at the bounds first, as that does."""

    def both(solution: Any) -> Any:
        for value, (low, high) in zip(solution, bounds):
            if not low <= value <= high:
                return f"{value:g} is not between {low:g} and {high:g}"
        return check(solution)

    return both


def _reject(sink: int, reason: str) -> int:
    data = encoded(reason)
    status: int = C.opro_sink_reject(sink, data, len(data))
    return status


def _deliver_parse(sink: int, result: Any, given: str, kind: Kind) -> int:
    candidates = [result] if isinstance(result, str) else result
    return min((sink_text(sink, kind.write(each)) for each in candidates), default=0)


def _deliver_check(sink: int, result: Any, given: str, kind: Kind) -> int:
    if result is None or result is True:
        status: int = C.opro_sink_count(sink, 0)
        return status
    return _reject(sink, result if isinstance(result, str) else "not legal")


def _deliver_text(sink: int, result: Any, given: str, kind: Kind) -> int:
    if result is None:
        return _reject(sink, "not legal")
    return sink_text(sink, kind.write(result))


def _deliver_polish(sink: int, result: Any, given: str, kind: Kind) -> int:
    return sink_text(sink, given if result is None else kind.write(result))


def _deliver_render(sink: int, result: Any, given: str, kind: Kind) -> int:
    return sink_text(sink, result)


_DELIVER = {
    "parse": _deliver_parse,
    "canonical": _deliver_text,
    "check": _deliver_check,
    "repair": _deliver_text,
    "polish": _deliver_polish,
    "render": _deliver_render,
}
