# SPDX-License-Identifier: MIT
"""The shortest way: a function, where its arguments may be, and how long to search."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from . import _show
from ._errors import InvalidError
from ._progress import progress as steps
from ._show import figure, short
from .driver import Driver
from .problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .driver import Scorer
    from .executor import Executors
    from .request import Solution
    from .runs import Run
    from .trajectory import Trajectory


class Result(NamedTuple):
    """What came out."""

    solution: Solution | None
    """The best solution; None: none was scored."""
    score: float | None
    stop_reason: str
    run: Run
    """The run, to be looked at: counts, figures, ..."""

    @property
    def trajectory(self) -> Trajectory:
        """Every candidate, in order."""
        return self.run.trajectory

    def __repr__(self) -> str:
        if self.solution is None:
            return f"<Result: nothing was scored, stopped by {self.stop_reason}>"
        found = short(str(self.solution), 60)
        return f"<Result: {figure(self.score)} by {found}, stopped by {self.stop_reason}>"

    def __str__(self) -> str:
        return _show.result(self).text()

    def _repr_html_(self) -> str:
        return _show.result(self).html()


def minimize(
    function: Callable[[Any], Any] | None,
    problem: Any,
    *,
    executor: Executors | None = None,
    progress: bool = False,
    **settings: Any,
) -> Result:
    """Search for a solution with a small value of function.

    function: takes a solution (a tuple of floats, a tuple of ints, or a text) and returns a number,
        or several for a problem with instances. None: the problem brings its own scorer.
    problem: a Problem, or bounds: a pair (low, high) for each coordinate of a vector.
    executor: where function is called: any concurrent.futures.Executor, or what makes one, see
        Remote. Exceptions in function are then failures, which max_failures in a row stop.
    progress: show a bar, by tqdm.
    settings: optimizer=, observer=, log= and so on as for Driver, and options: steps=50, seed=1.

    An exception in function, and Ctrl-C, come out of this call; its attribute result is what there
    was until then.
    """
    return _optimize("minimize", function, problem, executor, progress, settings)


def maximize(
    function: Callable[[Any], Any] | None,
    problem: Any,
    *,
    executor: Executors | None = None,
    progress: bool = False,
    **settings: Any,
) -> Result:
    """As minimize(), for a large value."""
    return _optimize("maximize", function, problem, executor, progress, settings)


def run(
    function: Callable[[Any], Any] | None,
    problem: Any,
    *,
    executor: Executors | None = None,
    progress: bool = False,
    **settings: Any,
) -> Result:
    """As minimize(), in the direction that the problem says."""
    return _optimize(None, function, problem, executor, progress, settings)


def _optimize(
    direction: str | None,
    function: Callable[[Any], Any] | None,
    problem: Any,
    executor: Executors | None,
    progress: bool,
    settings: dict[str, Any],
) -> Result:
    if not isinstance(problem, Problem):
        problem = Problem.vector(problem)
    if direction is not None and problem.direction != direction:
        problem.set(direction=direction)
    if function is not None:
        settings["scorer"] = _scorer(function, executor)
    elif executor is not None:
        raise InvalidError("an executor calls a function: here is none")
    driver = Driver(problem, **settings)
    try:
        if progress:
            deque(steps(driver), 0)
        else:
            driver.run()
    except BaseException as error:
        error.result = _result(driver.handle)  # type: ignore[attr-defined]
        raise
    finally:
        if "journal" in settings:
            from .journal import close_own

            close_own(driver)
    return _result(driver.handle)


def _result(run: Run) -> Result:
    winner = run.winner
    if winner is None:
        return Result(None, None, run.stop_reason, run)
    return Result(winner.solution, winner.score, run.stop_reason, run)


def _scorer(function: Callable[[Any], Any], executor: Executors | None) -> Scorer:
    if executor is not None:
        from .executor import Remote

        return Remote(function, executor, solutions=True)
    return lambda request: function(request.solution)
