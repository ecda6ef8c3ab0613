# SPDX-License-Identifier: MIT
"""Exceptions."""

import pickle
import threading
from _thread import get_ident

import pytest
from conftest import finish

import opro
from opro import _errors, _ffi

STATUSES = {
    value: name
    for name, value in _ffi.CONSTANTS.items()
    if name.startswith("OPRO_ERR_") and "USER" not in name
}


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_its_class(status):
    error = _errors.error(status, "what was wrong")
    assert type(error) is not opro.Error
    assert (error.status, error.name) == (status, STATUSES[status])
    assert str(error) == "what was wrong"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.status) == (type(error), str(error), status)
    assert type(error).__name__ in opro.__all__
    assert str(_errors.error(status)) == f"{STATUSES[status]}: {type(error).__doc__}"


def test_they_are_python_s_own_too():
    for kind, base in (
        (opro.InvalidError, ValueError),
        (opro.NoMemoryError, MemoryError),
        (opro.UnsupportedError, NotImplementedError),
        (opro.ReentrantError, RuntimeError),
        (opro.UnknownError, LookupError),
        (opro.StateError, RuntimeError),
        (opro.ParseError, ValueError),
        (opro.RejectedError, ValueError),
        (opro.TimedOutError, TimeoutError),
        (opro.ClosedError, opro.StateError),
        (opro.ThreadError, opro.StateError),
        (opro.ForkedError, opro.StateError),
    ):
        assert issubclass(kind, base)
        assert issubclass(kind, opro.Error)


def test_statuses_of_others():
    error = _errors.error(-1234, "mine")
    assert type(error) is opro.Error
    assert error.status == -1234
    assert error.name == "OPRO_ERR_USER"
    assert _errors.error(-999).name == "unknown status"


def test_memory_that_runs_out(texts):
    run = opro.Run(texts, memory_limit=200000, steps=10**6)
    with pytest.raises(MemoryError):
        finish(run)
    assert len(run.trajectory) > 2


def test_an_interrupt_on_the_way_in_leaves_nothing_locked(texts):
    run = opro.Run(texts)
    run._guard.thread[None] = get_ident()  # entered, and never came to leave
    assert not run.done
    seen = []
    thread = threading.Thread(target=lambda: seen.append(run.done))
    thread.start()
    thread.join()
    assert seen == [False]
