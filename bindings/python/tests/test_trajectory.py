# SPDX-License-Identifier: MIT
"""Trajectories."""

import json
import math

import pytest
from conftest import finish, replies

import opro


@pytest.fixture
def run():
    problem = opro.Problem("x", initial=["a", "b"], instances=2, check=lambda text: text != "no")
    run = opro.Run(problem, steps=2, samples_per_step=3, resample_limit=0, seed=1)
    finish(
        run,
        score=lambda request: [len(request.text) / 100, request.id % 7 / 7],
        propose=lambda request: [*replies(request)[1:], "<INS>no</INS>"],
    )
    return run


def test_as_a_sequence(run):
    trajectory = run.trajectory
    everything = list(trajectory)
    assert len(trajectory) == len(everything)
    assert trajectory[0] == everything[0]
    assert trajectory[-1] == everything[-1]
    assert trajectory[1:3] == everything[1:3]
    assert trajectory[::-1] == everything[::-1]
    assert [candidate.number for candidate in everything] == list(range(len(everything)))
    for wrong in (len(everything), -len(everything) - 1):
        with pytest.raises(IndexError):
            trajectory[wrong]
    assert "a" in trajectory
    assert "nonsense" not in trajectory


def test_candidates(run):
    first, *_ = run.trajectory
    assert (first.text, first.solution, first.step, first.verdict) == ("a", "a", -1, "scored")
    assert first.flags == {"initial"}
    assert first.score == pytest.approx(sum(first.scores) / 2)
    assert first.validation is None
    assert first.validation_scores == ()
    no = run.trajectory.find("no")
    assert (no.verdict, no.reason, no.detail, no.score) == (
        "rejected",
        "not_legal",
        "not legal",
        None,
    )


def test_ranks(run):
    trajectory = run.trajectory
    scored = [candidate for candidate in trajectory if candidate.score is not None]
    assert trajectory.scored == len(scored)
    assert trajectory.best.score == max(candidate.score for candidate in scored)
    top = trajectory.top(3)
    assert [c.score for c in top] == sorted((c.score for c in scored), reverse=True)[:3]
    assert len(trajectory.top(1000)) == len(scored)
    assert trajectory.top(0) == []
    assert trajectory.best_validated is None


def test_figures(run):
    trajectory = run.trajectory
    assert trajectory.steps == 2
    figures = trajectory.figures(1)
    assert figures["proposals"] == 3
    assert isinstance(figures["proposals"], int)
    assert figures["best_so_far"] == trajectory.best.score
    assert trajectory.figures(7)["best"] is None
    low, high = trajectory.interval(trajectory.best)
    assert low <= trajectory.best.score <= high
    assert opro.interval([0, 1, 1, 1])[0] < 0.75
    with pytest.raises(opro.InvalidError):
        opro.interval([])
    with pytest.raises(opro.InvalidError):
        trajectory.interval(0, "validation")


def test_as_a_dictionary(run):
    everything = run.trajectory.to_dict()
    assert json.loads(json.dumps(everything)) == json.loads(json.dumps(everything))
    assert everything["direction"] == "maximize"
    assert len(everything["candidates"]) == len(run.trajectory)
    assert [step["step"] for step in everything["steps"]] == [-1, 0, 1]


def test_it_is_live(texts):
    run = opro.Run(texts)
    trajectory = run.trajectory
    assert len(trajectory) == 0
    assert trajectory.best is None
    for request in list(run):
        run.tell(request, 0.5)
    assert len(trajectory) == 2
    assert run.trajectory is trajectory
    assert "best 0.5" in repr(trajectory)


def test_alone():
    trajectory = opro.Trajectory("minimize")
    assert trajectory.add("a", 3) == 0
    assert trajectory.add((1.5, 2.0), [1, 2]) == 1
    assert trajectory.best.text == "1.5, 2.0"
    assert trajectory.direction == "minimize"
    with pytest.raises(opro.InvalidError, match="already"):
        trajectory.add("a", 1)
    with pytest.raises(opro.InvalidError):
        trajectory.add("b", math.inf)
    assert trajectory.hash != opro.Trajectory("minimize").hash


def test_a_run_s_own_is_read_only(run):
    with pytest.raises(opro.StateError):
        run.trajectory.add("c", 1)
