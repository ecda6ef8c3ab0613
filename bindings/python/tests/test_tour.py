# SPDX-License-Identifier: MIT
"""Tours."""

import math

import pytest

import opro

TSPLIB = """NAME: square
TYPE: TSP
DIMENSION: 4
EDGE_WEIGHT_TYPE: EUC_2D
NODE_COORD_SECTION
1 0 0
2 0 10
3 10 10
4 10 0
EOF
"""


def test_tsplib(tmp_path):
    tour = opro.Tour.tsplib(TSPLIB)
    assert (len(tour), tour.name, tour.metric) == (4, "square", "euc_2d")
    assert tour.point(2) == (10.0, 10.0)
    assert tour.weight(0, 2) == 14.0
    assert tour.length([0, 1, 2, 3]) == 40.0
    (tmp_path / "square.tsp").write_text(TSPLIB)
    assert opro.Tour.load(tmp_path / "square.tsp").name == "square"
    assert tour.solution("DIMENSION: 4\nTOUR_SECTION\n1\n2\n4\n3\n-1\nEOF\n") == (0, 1, 3, 2)
    assert repr(tour) == "<Tour of 4 places, euc_2d>"
    with pytest.raises(opro.ParseError, match="line"):
        opro.Tour.tsplib(TSPLIB.replace("10 10", "ten 10"))


def test_points_and_matrices():
    tour = opro.Tour.points([(52.5, 13.4), (48.1, 11.6)], "great_circle")
    assert 480 < tour.weight(0, 1) < 520
    with pytest.raises(IndexError, match="there are 2"):
        tour.weight(0, 2)
    for wrong in ([1, 2, 3], [(1, 2, 3)], [], [(math.nan, 0)]):
        with pytest.raises(opro.InvalidError):
            opro.Tour.points(wrong)
    tour = opro.Tour.matrix([[0, 1], [1, 0]])
    assert tour.metric == "explicit"
    with pytest.raises(opro.StateError):
        tour.point(0)
    for wrong in ([[0, 1]], [[0, 1], [2, 0]], [[0, -1], [-1, 0]]):
        with pytest.raises(opro.InvalidError):
            opro.Tour.matrix(wrong)
    with pytest.raises(TypeError, match="points"):
        opro.Tour()


def test_tours():
    places = [(math.cos(at), math.sin(at)) for at in range(12)]
    tour = opro.Tour.points(places)
    near, far = tour.nearest_neighbour(), tour.farthest_insertion(3)
    assert sorted(near) == sorted(far) == list(range(12))
    better = tour.improve(near, seed=1, effort=20)
    assert tour.length(better) <= tour.length(near)
    with pytest.raises(opro.RejectedError):
        tour.length([0] * 12)
    with pytest.raises(opro.InvalidError, match="no nodes"):
        tour.length(["a"] * 12)
    with pytest.raises(opro.Error):
        tour.improve([0, 1])
