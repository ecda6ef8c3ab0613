# SPDX-License-Identifier: MIT
"""NumPy's arrays and numbers, wherever numbers are taken."""

import pytest

import opro

np = pytest.importorskip("numpy", reason="no NumPy (python3-numpy)")

BOX = [(-5, 5), (-5, 5)]


@pytest.mark.parametrize("kind", [float, np.float32, np.int64])
def test_arrays_as_bounds_and_initial_solutions(kind):
    box = np.array(BOX, kind)
    for bounds in (box, np.asfortranarray(box), np.hstack([box, box])[:, :2]):
        problem = opro.Problem.vector(bounds, initial=np.array([[1, 2], [3, 4]], kind))
        asked = list(opro.Run(problem))
        assert [request.solution for request in asked] == [(1.0, 2.0), (3.0, 4.0)]


@pytest.mark.parametrize(
    "value",
    [np.float64(2), np.float32(2), np.int64(2), np.uint8(2), np.array(2.0), np.array([2.0])],
    ids=repr,
)
def test_whatever_numpy_has_for_a_number_is_a_score(value):
    result = opro.minimize(lambda x: value, BOX, steps=np.int64(1), seed=np.uint64(3))
    assert result.score == 2.0
    assert isinstance(result.score, float)


def test_arrays_as_scores_and_solutions():
    problem = opro.Problem.vector(BOX, initial=[np.zeros(2)], instances=3)
    run = opro.Run(problem, steps=1, samples_per_step=2)
    run.tell(run.ask(), np.array([1, 2, 6], np.float32))
    assert run.trajectory[0].scores == (1.0, 2.0, 6.0)
    assert run.trajectory.find(np.zeros(2)).score == 3.0
    assert np.zeros(2) in run.trajectory
    run.tell(run.ask(), np.array([[1, 2], [3, 4]]))
    first, second = run
    assert (first.solution, second.solution) == ((1.0, 2.0), (3.0, 4.0))
    run.tell(first, np.arange(6.0)[::2])
    with pytest.raises(opro.InvalidError):
        run.tell(second, np.array([1.0, np.nan, 2.0]))


def test_arrays_as_tours():
    points = np.random.default_rng(1).random((7, 2))
    tour = opro.Tour.points(points)
    assert np.allclose([tour.point(at) for at in range(7)], points)
    order = np.roll(np.arange(7), 2)
    lengths = {tour.length(order.astype(kind)) for kind in (int, np.int32, np.uint8)}
    assert len(lengths) == 1
    hops = np.linalg.norm(points - np.roll(points, 1, 0), axis=1)
    assert lengths.pop() == pytest.approx(hops.sum())
    assert tour.length(tour.improve(order)) <= hops.sum()
    weights = np.abs(points[:, :1] - points[:, 0])
    assert opro.Tour.matrix(weights).weight(2, 5) == weights[2, 5]
    problem = opro.Problem.permutation(7, initial=[order])
    assert opro.Run(problem).ask().solution == tuple(order)
