# SPDX-License-Identifier: MIT
"""Runs: asking, telling, stopping."""

import math
from fractions import Fraction

import pytest
from conftest import finish, replies

import opro


def test_requests_and_answers_in_any_order(texts):
    run = opro.Run(texts, steps=2, samples_per_step=3, seed=1)
    first = list(run)
    assert [request.text for request in first] == ["one", "two"]
    assert run.ask() is None
    assert not run.done
    assert run.counts["in_flight"] == 2
    for request in reversed(first):
        run.tell(request, 0.25)
    asked = list(run)
    assert [type(request) for request in asked] == [opro.Propose]
    assert asked[0].samples == 3
    run.tell(asked[0], replies(asked[0]))
    scores = list(run)
    assert [request.step for request in scores] == [0, 0, 0]
    for request in scores:
        run.tell(request.id, 1)
    assert run.trajectory.best.score == 1.0
    finish(run)
    assert run.stop_reason == "steps"
    assert run.ask() is None
    assert run.step == 1
    assert [figures["step"] for figures in run.figures] == [-1, 0, 1]
    assert run.winner == run.trajectory.best
    assert "2 candidates" not in repr(run)
    assert repr(run).startswith("<Run at step 1, ")


def test_answers_come_in_many_shapes():
    problem = opro.Problem("x", initial=["a", "b", "c", "d"], instances=2)
    run = opro.Run(problem)
    a, b, c, d = run
    run.tell(a, [0.5, 1])
    run.tell(b, (Fraction(1, 2), 0.25))
    run.tell(c.id, iter_free([1, 0]))
    run.tell(d, ValueError("no idea"))
    by_text = {candidate.text: candidate for candidate in run.trajectory}
    assert by_text["a"].scores == (0.5, 1.0)
    assert by_text["b"].score == 0.375
    assert by_text["c"].scores == (1.0, 0.0)
    assert by_text["d"].verdict == "failed"
    assert by_text["d"].detail == "ValueError: no idea"


def iter_free(values):
    """A sequence that is neither list nor tuple."""

    class Values:
        def __len__(self):
            return len(values)

        def __getitem__(self, at):
            return values[at]

    return Values()


def test_wrong_answers_are_refused_and_change_nothing(texts):
    run = opro.Run(texts)
    request = run.ask()
    before = run.state_hash
    for answer in (math.nan, 1.5, [0.5, 0.5], [], "one"):
        with pytest.raises((opro.InvalidError, opro.UnknownError)):
            run.tell(request, answer)
    with pytest.raises(opro.InvalidError, match="no numbers"):
        run.tell(request, object())
    assert run.state_hash == before
    run.tell(request, 0.5)
    run.tell(run.ask(), 0.5)
    propose = run.ask()
    with pytest.raises(opro.InvalidError, match="9 replies to a request for 8"):
        run.tell(propose, ["x"] * 9)
    with pytest.raises(opro.StaleError):
        run.tell(request, 0.5)
    with pytest.raises(opro.UnknownError):
        run.tell(12345, 0.5)
    assert run.counts["stale"] == 1


def test_replies_one_by_one_and_what_may_be_wrong_with_them(texts):
    heard = []
    run = opro.Run(texts, steps=1, samples_per_step=6, resample_limit=0, observer=heard.append)
    for request in list(run):
        run.tell(request, 0.5)
    propose = run.ask()
    run.tell_reply(propose, "<INS>three</INS>", 5, origin=300)
    run.tell_truncated(propose, "<INS>fo", 0)
    run.tell_refused(propose, "I cannot", 1)
    run.tell_solution(propose, "five", 2)
    run.tell(propose, "<INS>six</INS>")
    run.tell_usage(propose, 100, 10, cost=5)
    run.tell_error(propose, "the line went dead")
    for request in run:
        run.tell(request, 0.75, feedback="good", usage=opro.Usage(1, 2, 3))
    assert run.done
    assert [c.text for c in run.trajectory] == ["one", "two", "five", "six", "three"]
    assert run.trajectory[4].origin == "host"
    assert run.trajectory[4].feedback == "good"
    assert run.counts["prompt_tokens"] == 103
    assert run.counts["cost"] == 14
    reasons = [event.reason for event in heard if event.kind == "rejected"]
    assert reasons == ["truncated", "refused"]
    assert [event.reason for event in heard if event.kind == "stopped"] == ["steps"]


def test_vectors_are_proposed_as_they_are(vectors):
    run = opro.Run(vectors, steps=1, samples_per_step=2)
    request = run.ask()
    assert request.solution == (1.0, 2.0)
    run.tell(request, 5)
    run.tell(run.ask(), [(3, 4), "[0.5, -1]"])
    found = [request.solution for request in run]
    assert found == [(3.0, 4.0), (0.5, -1.0)]
    one = opro.Run(vectors, steps=1, samples_per_step=1)
    one.tell(one.ask(), 5)
    propose = one.ask()
    one.tell(propose.id, [(2.0, 2.0)])
    assert one.ask().solution == (2.0, 2.0)


def test_stopping(texts):
    run = opro.Run(texts)
    request = run.ask()
    run.stop()
    assert run.done
    assert run.stop_reason == "host"
    with pytest.raises(opro.StaleError):
        run.tell(request, 0.5)


def test_deadlines(texts):
    run = opro.Run(texts, max_time_ms=1000)
    assert run.ask(now=5) is not None
    assert run.timeout(now=105) == 900
    assert run.ask(now=5000) is None
    assert run.stop_reason == "time"
    assert opro.Run(texts).timeout() is None


def test_the_same_seed_and_answers_give_the_same_requests(texts):
    def story(seed):
        run = opro.Run(texts, steps=3, seed=seed)
        asked = []
        finish(run, score=lambda request: (asked.append(request), len(request.text) / 100)[1])
        return asked, run.trajectory.hash, run.state_hash

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_warm_starts(texts):
    first = opro.Run(texts, steps=1)
    finish(first)
    for source in (first, first.trajectory):
        run = opro.Run(texts, steps=2, warm_start=source)
        assert isinstance(run.ask(), opro.Propose)
        assert "warm" in run.trajectory[0].flags
    alone = opro.Trajectory("minimize")
    with pytest.raises(opro.InvalidError, match="direction"):
        opro.Run(texts, warm_start=alone)


def test_confirming(texts):
    problem = opro.Problem("x", initial=["a"], instances=4, validation=20)
    run = opro.Run(problem, steps=1, confirm=True, samples_per_step=2)
    sets = set()

    def score(request):
        sets.add(request.set)
        return [0.5 if at % 2 else 1 for at in request.instances]

    finish(run, score)
    assert sets == {"train", "validation"}
    assert run.confirmed == 3
    gap, low, high = run.gap
    assert low <= gap <= high
    assert run.winner.validation == run.trajectory.best_validated.validation
    with pytest.raises(opro.InvalidError):
        opro.Run(texts).gap  # noqa: B018


def test_errors_of_the_constructor_are_told():
    rejected = opro.Problem("x", initial=["a"], check=lambda text: "too short")
    with pytest.raises(opro.RejectedError, match="too short"):
        opro.Run(rejected)
    with pytest.raises(opro.InvalidError, match="confirm"):
        opro.Run(opro.Problem("x"), confirm=True)


def test_a_run_is_freed_while_requests_are_open(texts):
    with opro.Run(texts) as run:
        request = run.ask()
    assert request.text == "one"
