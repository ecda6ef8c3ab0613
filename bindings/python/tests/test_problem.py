# SPDX-License-Identifier: MIT
"""Problems of every kind, and the steps on the way of a reply."""

from array import array

import pytest
from conftest import finish

import opro


def test_settings():
    problem = opro.Problem(
        "make it short",
        direction="minimize",
        instances=3,
        validation=4,
        score_range=(0, 10),
        score_name="letters",
        score_display=2,
        initial=["abc"],
        exemplars=[("in", "out")],
    )
    assert problem.description == "make it short"
    assert problem.direction == "minimize"
    assert (problem.instances, problem.validation) == (3, 4)
    problem.set(score_name="letters", exemplars=[("more", "less")])
    trajectory = opro.Trajectory("minimize")
    trajectory.add("abc", [3, 4, 5])
    text = opro.MetaPrompt(problem).build(trajectory)[-1].text
    assert "4.00" in text
    assert "letters" in text
    assert "out" in text
    with pytest.raises(opro.StateError, match="OPRO_ERR_STATE"):
        problem.set(score_range=None)
    assert opro.Problem("x", score_display="none", score_range=None).instances == 1
    assert problem.digest != opro.Problem("make it short").digest


def test_mistakes():
    for settings, word in (
        ({"direction": "up"}, "maximize, minimize"),
        ({"score_range": (1, 0)}, "range"),
        ({"instances": 0}, "instance"),
        ({"score_display": "funny"}, "buckets"),
    ):
        with pytest.raises(opro.InvalidError, match=word):
            opro.Problem("x", **settings)
    with pytest.raises(TypeError, match="nonsense"):
        opro.Problem("x", nonsense=1)
    problem = opro.Problem("x")
    opro.Run(problem)
    with pytest.raises(opro.StateError):
        problem.set(direction="minimize")


def test_the_way_of_a_reply():
    problem = opro.Problem(
        "x",
        initial=["start"],
        parse=lambda reply: reply.split("|"),
        canonical=lambda text: text.strip().lower() or None,
        check=lambda text: "too long" if len(text) > 5 else None,
        repair=lambda text: text[:5] if text != "hopeless" else None,
        polish=lambda text: {"bad": "good"}.get(text),
        render=lambda text: f"*{text}*",
    )
    run = opro.Run(
        problem,
        steps=2,
        samples_per_step=1,
        candidates_per_reply=5,
        repair=True,
        polish=True,
    )
    run.tell(run.ask(), 0.1)
    run.tell(run.ask(), "A |  | LONGLONG |bad|hopeless")
    for request in list(run):
        run.tell(request, 0.5)
    found = [(c.text, c.verdict) for c in run.trajectory]
    assert ("a", "scored") in found
    assert ("longl", "scored") in found
    assert ("good", "scored") in found
    assert [c.flags for c in run.trajectory if c.text == "longl"] == [{"repaired"}]
    assert [c.flags for c in run.trajectory if c.text == "good"] == [{"polished"}]
    assert "*longl*" in run.ask().text


@pytest.mark.parametrize("no", [False, "too dull", opro.RejectedError("too dull")])
def test_reasons_for_no(no):
    def check(text):
        if isinstance(no, Exception):
            raise no
        return no if text == "dull" else True

    problem = opro.Problem("x", check=check)
    run = opro.Run(problem, steps=1, samples_per_step=1, resample_limit=0)
    run.tell(run.ask(), "<INS>dull</INS>")
    assert run.ask() is None
    assert run.trajectory[0].reason == "not_legal"
    assert run.trajectory[0].detail == ("not legal" if no is False else "too dull")


def test_wrong_results_of_steps_are_errors():
    for settings in ({"canonical": lambda text: 5}, {"parse": lambda reply: 5}):
        run = opro.Run(opro.Problem("x", **settings), samples_per_step=1)
        with pytest.raises((TypeError, AttributeError)):
            run.tell(run.ask(), "<INS>dull</INS>")


@pytest.mark.parametrize(
    "bounds",
    [
        [(-1, 1), (0, 2)],
        ((-1, 1), (0, 2)),
        [[-1.0, 1.0], array("d", [0, 2])],
    ],
)
def test_vectors(bounds):
    problem = opro.Problem.vector(bounds, "find it", names=["a", "b"], initial=[(5, 1), "0, 0"])
    assert problem.direction == "minimize"
    run = opro.Run(problem, steps=1, samples_per_step=1, repair=True)
    assert [request.solution for request in list(run)] == [(1.0, 1.0), (0.0, 0.0)]
    assert opro.Problem.vector([(0, 9)], integer=True, initial=[[2.5]]).solution("2") == (2.0,)
    for wrong in ([1, 2], [(1, 2, 3)], [("a", "b")], [(1, 0)], []):
        with pytest.raises(opro.InvalidError):
            opro.Problem.vector(wrong)


def test_numpy_arrays():
    numpy = pytest.importorskip("numpy")
    bounds = numpy.array([[-1, 1], [0, 2]])
    for kind in (float, numpy.float32, int, numpy.int8):
        problem = opro.Problem.vector(bounds.astype(kind), initial=[numpy.array([0.5, 1])])
        run = opro.Run(problem)
        request = run.ask()
        assert request.solution == (0.5, 1.0)
        run.tell(request, numpy.float32(2))
        run.tell(run.ask(), numpy.zeros((8, 2)))
        assert run.ask().solution == (0.0, 0.0)
    fortran = numpy.asfortranarray(bounds.astype(float))
    assert opro.Run(opro.Problem.vector(fortran, initial=[(1, 2)])).ask().solution == (1.0, 2.0)
    slices = numpy.zeros((4, 4))[::2, ::2]
    slices[:, 1] = 1
    assert opro.Problem.vector(slices).kind.name == "vector"
    weights = numpy.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    tour = opro.Tour.matrix(weights)
    assert tour.length(numpy.array([0, 1, 2])) == 6.0
    assert opro.Tour.points(numpy.random.default_rng(0).random((5, 2))).metric == "euclidean"


def test_a_check_of_vectors_is_in_addition_to_their_bounds():
    problem = opro.Problem.vector([(0, 1)] * 2, check=lambda x: sum(x) <= 1 or "too much")
    run = opro.Run(problem, steps=1, samples_per_step=3, resample_limit=0, repair=False)
    run.tell(run.ask(), [(1, 1), (5, -5), (0.5, 0.5)])
    finish(run)
    details = [candidate.detail for candidate in run.trajectory]
    assert details == ["too much", "5 is not between 0 and 1", ""]


def test_permutations():
    problem = opro.Problem.permutation(4, symmetry="tour", initial=[(2, 1, 0, 3)])
    request = opro.Run(problem).ask()
    assert request.solution == (0, 1, 2, 3)
    assert request.text == "0,1,2,3"
    with pytest.raises(opro.InvalidError, match="order, cycle, tour"):
        opro.Problem.permutation(4, symmetry="mirror")


def test_problems_that_bring_their_scorer():
    tour = opro.Tour.points([(0, 0), (0, 1), (1, 1), (1, 0)])
    assert opro.minimize(None, opro.Problem.tour(tour), steps=2).score == 4.0
    line = opro.Problem.regression([1, 2, 3], [3, 5, 7])
    assert opro.minimize(None, line, steps=40, seed=1).solution == (2.0, 1.0)
    assert opro.minimize(None, opro.Problem.function("sphere", 2), steps=40).score < 1e-6
    with pytest.raises(opro.InvalidError, match="as many"):
        opro.Problem.regression([1], [1, 2])
    with pytest.raises(opro.InvalidError, match="ackley"):
        opro.Problem.function("cube", 2)


def test_a_problem_is_shared_by_threads():
    from concurrent.futures import ThreadPoolExecutor

    problem = opro.Problem.vector([(-5, 5)] * 3)
    first = opro.Run(problem)  # from now on it does not change

    def search(seed):
        driver = opro.Driver(problem, scorer=lambda r: sum(r.solution), steps=5, seed=seed)
        return driver.run().score

    drivers = []
    for seed in range(4):
        drivers.append(opro.Driver(problem, scorer=lambda r: sum(r.solution), steps=5, seed=seed))
    with ThreadPoolExecutor(4) as pool:
        scores = list(pool.map(lambda driver: driver.run().score, drivers))
    assert scores == [search(seed) for seed in range(4)]
    assert first.problem is problem
