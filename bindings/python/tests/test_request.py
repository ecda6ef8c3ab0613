# SPDX-License-Identifier: MIT
"""Requests are values."""

import copy
import pickle

import pytest

import opro


@pytest.fixture
def requests(texts):
    run = opro.Run(texts, steps=1)
    scores = list(run)
    for request in scores:
        run.tell(request, 0.5)
    return [*scores, run.ask()]


def test_they_are_compared_by_value(requests, texts):
    assert list(opro.Run(texts, steps=1)) == requests[:2]
    assert requests[0] != requests[1]
    assert len(set(requests)) == 3


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_they_can_be_pickled(requests, protocol):
    for request in requests:
        assert pickle.loads(pickle.dumps(request, protocol)) == request
        assert copy.deepcopy(request) == request


def test_another_process_answers_without_the_library(requests, python):
    for request in requests:
        said = python(
            f"import pickle, sys; request = pickle.loads({pickle.dumps(request)!r})\n"
            "print(type(request).__name__, 'ctypes' in sys.modules)",
            OPRO_LIBRARY="/nonexistent",
        )
        assert said == f"{type(request).__name__} False\n"


def test_they_are_light(requests):
    for request in requests:
        assert not hasattr(request, "__dict__")
        with pytest.raises(AttributeError):
            request.id = 5


def test_a_proposal_has_messages(requests):
    propose = requests[2]
    assert propose.messages[-1].role == "user"
    assert propose.text == propose.messages[-1].text
    assert "write a number" in propose.text
    assert propose.samples == 8
    assert propose.first_sample == 0
    assert propose.temperature == 1.0
    assert propose.seed
    assert propose.max_tokens > 0
    assert propose.step == 0
