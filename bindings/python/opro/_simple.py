# SPDX-License-Identifier: MIT
"""The shortest way: a function, where its arguments may be, and how long to search."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .driver import Driver
from .problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .request import Score, Solution
    from .run import Run
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


def minimize(function: Callable[[Any], Any] | None, problem: Any, **settings: Any) -> Result:
    """Search for a solution with a small value of function.

    function: takes a solution (a tuple of floats, a tuple of ints, or a text) and returns a number,
        or several for a problem with instances. None: the problem brings its own scorer.
    problem: a Problem, or bounds: a pair (low, high) for each coordinate of a vector.
    settings: optimizer=, observer=, log= and so on as for Driver, and options: steps=50, seed=1.

    An exception in function, and Ctrl-C, come out of this call; its attribute result is what there
    was until then.
    """
    return _optimize("minimize", function, problem, settings)


def maximize(function: Callable[[Any], Any] | None, problem: Any, **settings: Any) -> Result:
    """As minimize(), for a large value."""
    return _optimize("maximize", function, problem, settings)


def _optimize(
    direction: str,
    function: Callable[[Any], Any] | None,
    problem: Any,
    settings: dict[str, Any],
) -> Result:
    if not isinstance(problem, Problem):
        problem = Problem.vector(problem)
    if problem.direction != direction:
        problem.set(direction=direction)
    if function is not None:
        settings["scorer"] = _scorer(function)
    driver = Driver(problem, **settings)
    try:
        driver.run()
    except BaseException as error:
        error.result = _result(driver.handle)  # type: ignore[attr-defined]
        raise
    return _result(driver.handle)


def _result(run: Run) -> Result:
    winner = run.winner
    if winner is None:
        return Result(None, None, run.stop_reason, run)
    return Result(winner.solution, winner.score, run.stop_reason, run)


def _scorer(function: Callable[[Any], Any]) -> Callable[[Score], Any]:
    return lambda request: function(request.solution)
