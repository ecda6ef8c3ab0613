# SPDX-License-Identifier: MIT
"""Plots, by matplotlib.

    opro.plot.convergence(result)

What is shown is a trajectory, or anything that has one: a result, a run, a driver. Every function
draws into the axes that it is given, or makes some, and returns them; ax.figure.savefig(path)
writes a file. ImportError: there is no matplotlib.
"""

from __future__ import annotations

import math
from itertools import accumulate
from statistics import median, quantiles
from typing import TYPE_CHECKING

from ._optional import optional
from ._show import figure as number
from ._show import short

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Union

    from ._simple import Result
    from .driver import Driver
    from .runs import Run
    from .tour import Tour
    from .trajectory import Candidate, Trajectory

    Shown = Union[Trajectory, Run, Driver, Result]

_GEOGRAPHIC = ("great_circle", "geo")  # of whom the first coordinate is the latitude


def convergence(
    shown: Shown | Sequence[Shown], *, ax: Any = None, label: str | None = None, log: bool = False
) -> Any:
    """The best score so far, step by step, and how far the scores spread.

    Of one trajectory, its candidates are points, and the middle half of each step's is a band. Of
    several, say of other seeds, the median is a line, and all lie in the band. Call it twice with
    the same ax and labels to compare. log: a logarithmic axis of scores.
    """
    all_shown = [_trajectory(shown)] if _has_one(shown) else [_trajectory(one) for one in shown]
    ax = _axes(1, ax)[0]
    several = len(all_shown) > 1
    if several:
        _draw_several(ax, all_shown, label)
    else:
        _draw_one(ax, all_shown[0], label)
    title = "Best score so far" + (f", {len(all_shown)} runs" if several else "")
    _finish(ax, title, "step (-1: initial solutions)", f"score ({all_shown[0].direction}d)")
    if log:
        ax.set_yscale("log")
    _whole(ax.xaxis)
    ax.legend(frameon=False)
    return ax


def tour(tour: Tour, solution: Sequence[int], *, ax: Any = None, label: str | None = None) -> Any:
    """A round trip: its places, and the way; StateError for a tour that has no coordinates.

    solution: such as result.solution. label: the title begins with it; default: the tour's name.
    """
    places = [tour.point(int(place)) for place in [*solution, solution[0]]]
    geographic = tour.metric in _GEOGRAPHIC
    x, y = zip(*(place[::-1] for place in places)) if geographic else zip(*places)
    ax = _axes(1, ax)[0]
    ax.plot(x, y, "o-", color="C0", markersize=4, linewidth=1)
    ax.plot(x[:1], y[:1], "s", color="C3", markersize=7, label=f"start: place {solution[0]}")
    length = number(tour.length(solution)) + (" km" if geographic else "")
    name = label or tour.name or f"{len(tour)} places"
    names = ("longitude (degrees)", "latitude (degrees)") if geographic else ("x", "y")
    _finish(ax, f"{_plain(name, 40)}: length {length}", *names)
    stretch = math.cos(math.radians(sum(y) / len(y))) if geographic else 1
    ax.set_aspect(1 / stretch, adjustable="datalim")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.12), borderaxespad=0)
    return ax


def accuracy(shown: Shown, *, top: int = 10, ax: Any = None) -> Any:
    """The best candidates, and between what their scores lie with 95 %.

    Those on training instances are the ones that were chosen by: the best of them are too good to
    be true. Those on validation instances are there as far as they were scored.
    """
    trajectory = _trajectory(shown)
    best = trajectory.top(top)
    ax = _axes(1, ax, height=1.5 + 0.35 * max(len(best), 4))[0]
    _draw_intervals(ax, trajectory, best, "train", -0.12)
    _draw_intervals(ax, trajectory, best, "validation", 0.12)
    ax.set_yticks(range(len(best)), [_name(each) for each in best])
    ax.set_ylim(len(best) + 0.5, -0.5)  # below them, the legend
    _finish(ax, f"The best {len(best)} candidates", "score, with its 95 % interval", "")
    if best:
        ax.legend(frameon=False, loc="lower right", ncol=2)
    return ax


def usage(shown: Shown, *, axes: Any = None, currency: str = "currency") -> Any:
    """Tokens and money, added up over the steps: two axes, one below the other.

    currency: the name of what money is counted in.
    """
    trajectory = _trajectory(shown)
    steps = range(-1, trajectory.steps)
    figures = [trajectory.figures(step) for step in steps]
    above, below = _axes(2, axes, height=6)
    sums = {
        name: list(accumulate(figure[name] or 0 for figure in figures))
        for name in ("prompt_tokens", "reply_tokens", "cost")
    }
    parts = (sums["prompt_tokens"], sums["reply_tokens"])
    above.stackplot(steps, *parts, labels=("read (prompts)", "written (replies)"), alpha=0.6)
    above.legend(frameon=False, loc="upper left")
    _finish(above, f"Tokens: {sum(part[-1] for part in parts):,}", "", "tokens so far")
    money = [millionths / 1e6 for millionths in sums["cost"]]
    below.plot(steps, money, color="C2")
    below.fill_between(steps, money, color="C2", alpha=0.3)
    _finish(below, f"Money: {money[-1]:,.2f} {currency}", "step", f"{currency} so far")
    for ax in (above, below):
        ax.set_ylim(bottom=0)
        _whole(ax.xaxis)
    above.yaxis.set_major_formatter("{x:,.0f}")
    return above, below


# ---- parts of them -------------------------------------------------------------------------------


def _draw_one(ax: Any, trajectory: Trajectory, label: str | None) -> None:
    steps = range(-1, trajectory.steps)
    best = [_real(trajectory.figures(step)["best_so_far"]) for step in steps]
    (line,) = ax.step(steps, best, where="post", linewidth=2, label=label or "best so far")
    scored = [(each.step, each.score) for each in trajectory if each.score is not None]
    parts = [_quartiles([score for at, score in scored if at == step]) for step in steps]
    low, _, high = zip(*parts)
    about = {"color": line.get_color(), "linewidth": 0}
    band = None if label else "middle half of the step"
    ax.fill_between(steps, low, high, alpha=0.15, label=band, **about)
    if scored:
        ax.plot(*zip(*scored), ".", alpha=0.25, markersize=4, zorder=1, **about)


def _draw_several(ax: Any, trajectories: Sequence[Trajectory], label: str | None) -> None:
    """What has ended earlier stays where it was."""
    steps = range(-1, max(trajectory.steps for trajectory in trajectories))
    rows = []
    for trajectory in trajectories:
        at = [min(step, trajectory.steps - 1) for step in steps]
        rows.append([_real(trajectory.figures(step)["best_so_far"]) for step in at])
    columns = [[value for value in column if value == value] or [math.nan] for column in zip(*rows)]
    middle = [median(column) for column in columns]
    low, high = [min(column) for column in columns], [max(column) for column in columns]
    (line,) = ax.step(steps, middle, where="post", linewidth=2, label=label or "median")
    about = {"color": line.get_color(), "linewidth": 0, "step": "post"}
    ax.fill_between(steps, low, high, alpha=0.2, label=None if label else "all", **about)


def _quartiles(values: Sequence[float]) -> Sequence[float]:
    if len(values) < 2:
        return [values[0] if values else math.nan] * 3
    return quantiles(values, n=4, method="inclusive")


def _draw_intervals(
    ax: Any, trajectory: Trajectory, best: Sequence[Candidate], name: str, shift: float
) -> None:
    places, means, below, above = [], [], [], []
    for place, candidate in enumerate(best):
        mean = candidate.score if name == "train" else candidate.validation
        if mean is not None:
            low, high = trajectory.interval(candidate, name)
            places.append(place + shift)
            means.append(mean)
            below.append(max(mean - low, 0))
            above.append(max(high - mean, 0))
    if means:
        label = "training" if name == "train" else name
        ax.errorbar(means, places, xerr=(below, above), fmt="o", capsize=3, label=label)


# ---- axes ----------------------------------------------------------------------------------------


def _axes(count: int, given: Any, height: float = 4.5) -> Any:
    if given is not None:
        return [given] if count == 1 else given
    pyplot = optional("matplotlib.pyplot", "opro.plot")
    size = {"figsize": (7, height), "layout": "constrained"}
    _, axes = pyplot.subplots(count, 1, squeeze=False, sharex=True, **size)
    return [row[0] for row in axes]


def _finish(ax: Any, title: str, x: str, y: str) -> None:
    ax.set_title(title, loc="left")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _whole(axis: Any) -> None:
    """Steps are whole numbers."""
    axis.get_major_locator().set_params(integer=True)


def _name(candidate: Candidate) -> str:
    text = candidate.text
    if not isinstance(candidate.solution, str):
        text = ", ".join(f"{value:.5g}" for value in candidate.solution)
    return f"{candidate.number}: {_plain(text, 32)}"


def _plain(text: str, limit: int) -> str:
    """A text in which matplotlib sees no formula."""
    return short(text, limit).replace("$", r"\$")


def _has_one(shown: Any) -> bool:
    return hasattr(shown, "trajectory") or hasattr(shown, "figures")


def _trajectory(shown: Any) -> Trajectory:
    trajectory: Trajectory = getattr(shown, "trajectory", shown)
    return trajectory


def _real(value: float | None) -> float:
    return math.nan if value is None else value
