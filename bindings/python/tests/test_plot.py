# SPDX-License-Identifier: MIT
"""Plots: what they say, what they are drawn into, and that they can be written to a file."""

import pytest

import opro

matplotlib = pytest.importorskip("matplotlib", reason="no matplotlib (python3-matplotlib)")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

BOX = [(-5, 5)] * 2


@pytest.fixture(autouse=True)
def closed():
    yield
    pyplot.close("all")


@pytest.fixture
def result():
    problem = opro.Problem.vector(BOX, initial=[(4, 4)], instances=2)
    return opro.minimize(lambda x: [x[0] ** 2, x[1] ** 2], problem, steps=5, seed=1)


def written(axes, tmp_path):
    """The size of a picture, once it is written."""
    axes.figure.savefig(tmp_path / "picture.png", dpi=50)
    return (tmp_path / "picture.png").stat().st_size


def texts(axes):
    legend = axes.get_legend()
    said = [axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()]
    return said + ([text.get_text() for text in legend.get_texts()] if legend else [])


def test_convergence(result, tmp_path):
    ax = opro.plot.convergence(result)
    assert texts(ax)[:3] == [
        "Best score so far",
        "step (-1: initial solutions)",
        "score (minimized)",
    ]
    line, points = ax.get_lines()
    assert list(line.get_xdata()) == [-1, 0, 1, 2, 3, 4]
    assert line.get_ydata()[-1] == result.score
    assert len(points.get_xdata()) == result.trajectory.scored
    assert written(ax, tmp_path) > 3000
    for same in (result.run, result.trajectory):
        again = opro.plot.convergence(same)
        assert list(again.get_lines()[0].get_ydata()) == list(line.get_ydata())


def test_convergence_of_several(tmp_path):
    found = [
        opro.minimize(lambda x: abs(x[0]) + 1, BOX, steps=steps, seed=steps) for steps in (2, 5, 3)
    ]
    ax = opro.plot.convergence(found, label="local", log=True)
    assert texts(ax)[0] == "Best score so far, 3 runs"
    middle = ax.get_lines()[0].get_ydata()
    assert middle[-1] == sorted(result.score for result in found)[1]
    assert ax.get_yscale() == "log"
    same = opro.plot.convergence(found[:2], ax=ax, label="two of them")
    assert same is ax
    assert [text for text in texts(ax) if text in ("local", "two of them")] == [
        "local",
        "two of them",
    ]
    assert written(ax, tmp_path) > 3000


def test_tours(tmp_path):
    tour = opro.Tour.points([(0, 0), (0, 10), (20, 10), (20, 0)])
    ax = opro.plot.tour(tour, (0, 1, 2, 3), label="a box")
    assert texts(ax) == ["a box: length 60", "x", "y", "start: place 0"]
    assert list(ax.get_lines()[0].get_xdata()) == [0, 0, 20, 20, 0]
    assert written(ax, tmp_path) > 3000
    cities = opro.Tour.points([(52.5, 13.4), (48.1, 11.6), (53.5, 10)], "great_circle")
    ax = opro.plot.tour(cities, cities.nearest_neighbour())
    assert texts(ax)[0].endswith(" km")
    assert texts(ax)[1] == "longitude (degrees)"
    assert ax.get_lines()[0].get_xdata()[0] == 13.4
    with pytest.raises(opro.StateError):
        opro.plot.tour(opro.Tour.matrix([[0, 1], [1, 0]]), (0, 1))


def test_accuracy(tmp_path):
    problem = opro.Problem("x", initial=["a" * 99, "b", "c $x^ & $y"], instances=9, validation=5)
    run = opro.Run(problem, steps=0, confirm=True, max_proposals=1)
    while isinstance(request := run.ask(), opro.Score):
        run.tell(request, [(at + len(request.text)) % 2 for at in request.instances])
    ax = opro.plot.accuracy(run)
    assert texts(ax)[:2] == ["The best 3 candidates", "score, with its 95 % interval"]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert [label[:5] for label in labels] == ["1: b", "0: aa", "2: c "]
    assert max(map(len, labels)) < 40
    assert written(ax, tmp_path) > 3000
    bars = ax.containers[0]
    low, high = bars[2][0].get_segments()[0][:, 0]
    assert (low, high) == pytest.approx(run.trajectory.interval(1))


def test_tokens_and_money(texts, tmp_path):
    run = opro.Run(texts, steps=2, samples_per_step=2)
    while not run.done:
        for request in run:
            answer = 0.5
            if isinstance(request, opro.Propose):
                answer = [f"<INS>{request.seed + at}</INS>" for at in range(request.samples)]
            run.tell(request, answer, usage=(1000, 20, 250_000))
    above, below = opro.plot.usage(run, currency="EUR")
    tokens = run.counts["tokens"]
    assert above.get_title("left") == f"Tokens: {tokens:,}"
    assert below.get_title("left") == f"Money: {run.counts['cost'] / 1e6:.2f} EUR"
    assert below.get_ylabel() == "EUR so far"
    assert below.get_lines()[0].get_ydata()[-1] == run.counts["cost"] / 1e6
    assert written(above, tmp_path) > 3000
    _, given = pyplot.subplots(2)
    assert opro.plot.usage(run, axes=given) == tuple(given)


def test_nothing_to_show(tmp_path):
    empty = opro.Trajectory()
    for plot in (opro.plot.convergence, opro.plot.accuracy):
        assert written(plot(empty), tmp_path) > 1000
    assert written(opro.plot.usage(empty)[0], tmp_path) > 1000
