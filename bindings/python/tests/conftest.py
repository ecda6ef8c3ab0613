# SPDX-License-Identifier: MIT
"""Run by meson with OPRO_LIBRARY and PYTHONPATH set; by hand: see the README beside."""

import gc
import os
import subprocess
import sys

import pytest

import opro
from opro import _callbacks


@pytest.fixture
def texts():
    """A small problem over texts."""
    return opro.Problem("write a number", initial=["one", "two"])


@pytest.fixture
def vectors():
    """A small problem over vectors."""
    return opro.Problem.vector([(-5, 5)] * 2, initial=[(1, 2)])


@pytest.fixture
def python():
    """Run a program in a Python of its own and return what it printed."""

    def run(program, status=0, cwd=None, **environment):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No exception is on its way, and no hook outlives its object."""
    yield
    assert not _callbacks.raised
    gc.collect()


def pytest_sessionfinish(session, exitstatus):
    """For meson, a file that is skipped as a whole is a test that is skipped."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = 77


def replies(request, number=0):
    """Replies that are all different."""
    return [f"<INS>text {request.id} {at + number}</INS>" for at in range(request.samples)]


def finish(run, score=lambda request: 0.5, propose=replies):
    """Answer everything until the run is done."""
    while not run.done:
        for request in run:
            run.tell(request, (propose if isinstance(request, opro.Propose) else score)(request))
