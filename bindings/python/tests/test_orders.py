# SPDX-License-Identifier: MIT
"""Whatever the order of answers within a step, the trajectory is the same."""

import hypothesis
from hypothesis import strategies

import opro

STEPS = 3
SAMPLES = 3


def score(request):
    return (request.id % 1000) / 1000


def story(choose):
    """Ask for everything there is, answer one of what is open, chosen by choose(n)."""
    problem = opro.Problem("x", initial=["a", "b"], instances=2)
    run = opro.Run(problem, steps=STEPS, samples_per_step=SAMPLES, samples_per_request=1, seed=7)
    open_requests = []
    asked = set()
    while not run.done:
        for request in run:
            open_requests.append(request)
            asked.add(request)
        if not open_requests:
            break
        request = open_requests.pop(choose(len(open_requests)))
        if isinstance(request, opro.Propose):
            run.tell(request, f"<INS>text {request.seed % 50}</INS>")
        elif score(request) < 0.1:
            run.tell(request, TimeoutError("late"))
        else:
            run.tell(request, [score(request), 0.5])
    assert run.stop_reason == "steps"
    return run.trajectory.hash, run.state_hash, asked


IN_ORDER = story(lambda n: 0)


@hypothesis.settings(max_examples=40, deadline=None, derandomize=True, database=None)
@hypothesis.given(strategies.data())
def test_orders(data):
    assert story(lambda n: data.draw(strategies.integers(0, n - 1))) == IN_ORDER


def test_backwards():
    assert story(lambda n: n - 1) == IN_ORDER
