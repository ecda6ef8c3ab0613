# SPDX-License-Identifier: MIT
"""The shortest way."""

import pytest

import opro


def test_minimize():
    result = opro.minimize(lambda x: (x[0] - 3) ** 2 + x[1] ** 2, [(-10, 10)] * 2, steps=50)
    assert result.score < 1e-6
    assert result.solution == pytest.approx((3, 0), abs=1e-3)
    assert result.stop_reason == "steps"
    assert result.trajectory.best.solution == result.solution


def test_maximize():
    result = opro.maximize(lambda x: -abs(x[0] - 1), [(-4, 4)], steps=30, target_score=-1e-3)
    assert result.score > -1e-2
    words = opro.Problem("say much", initial=["One. Two.", "Three. Four."])
    result = opro.maximize(lambda text: len(text) / 1000, words, steps=3)
    assert len(result.solution) > 9


def test_the_direction_of_the_problem():
    problem = opro.Problem.vector([(-4, 4)], direction="maximize")
    result = opro.run(lambda x: -abs(x[0] - 1), problem)
    assert result.score > -1e-2
    assert opro.run(lambda x: abs(x[0] - 1), [(-4, 4)]).score < 1e-2


def test_permutations():
    def length(order):
        return sum(abs(a - b) for a, b in zip(order, order[1:]))

    result = opro.minimize(length, opro.Problem.permutation(5), steps=40, target_score=4)
    assert result.score == 4.0


def test_what_there_was_until_an_exception():
    calls = []

    def function(x):
        calls.append(x)
        if len(calls) == 30:
            raise ArithmeticError("enough")
        return sum(x)

    with pytest.raises(ArithmeticError) as caught:
        opro.minimize(function, [(0, 1)] * 2, steps=50)
    result = caught.value.result
    assert result.stop_reason == "error"
    assert result.score is not None
    assert len(result.trajectory) > 5


def test_nothing_was_scored():
    result = opro.minimize(lambda x: ValueError("never"), [(0, 1)], steps=2)
    assert result.solution is None
    assert result.stop_reason == "failures"
