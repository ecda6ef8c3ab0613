# SPDX-License-Identifier: MIT
"""Scorers and optimizers on executors."""

import gc
import importlib.util
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import weakref
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from pathlib import Path

import pytest
import work

import opro

BOX = [(-5, 5)] * 2
OPTIONS = {"steps": 6, "seed": 3}


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("OPRO_TEST_FILE", str(tmp_path / "record"))
    monkeypatch.setenv("OPRO_TEST_PID", str(os.getpid()))


@pytest.fixture(scope="module")
def local():
    """The digest that all have to come to."""
    return opro.minimize(work.sphere, BOX, **OPTIONS).trajectory.hash


class Backwards(Executor):
    """Answers in a strange order, on the thread that submits. Futures may be lost on purpose."""

    def __init__(self, at_once=4):
        self.at_once = at_once
        self.held = []
        self.submitted = 0
        self.lose = ()

    def submit(self, function, /, *arguments):
        future = Future()
        self.submitted += 1
        self.held.append((future, function, arguments))
        if len(self.held) >= self.at_once:
            self.answer()
        else:
            threading.Timer(0.02, self.answer).start()
        return future

    def answer(self):
        while self.held:
            future, function, arguments = self.held.pop()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = function(*arguments)
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)


class Loses(Backwards):
    """Loses every third."""

    kind = BrokenExecutor

    def submit(self, function, /, *arguments):
        if self.submitted % 3 == 2:
            self.submitted += 1
            future = Future()
            if self.kind is None:
                future.cancel()
            else:
                future.set_exception(self.kind("the worker is gone"))
            return future
        return super().submit(function, *arguments)


class KilledWorker(Exception):
    """As Dask calls it."""


# ---- the same as on this thread ------------------------------------------------------------------


def test_threads(local):
    with ThreadPoolExecutor(4) as executor:
        result = opro.minimize(work.slowly, BOX, executor=executor, **OPTIONS)
    assert result.trajectory.hash == local
    assert result.stop_reason == "steps"


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes(local, method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, context) as executor:
        result = opro.minimize(work.slowly, BOX, executor=executor, **OPTIONS)
    assert result.trajectory.hash == local


def test_an_executor_that_is_made(local):
    made = []

    def make():
        made.append(ThreadPoolExecutor(2))
        return made[-1]

    result = opro.minimize(work.slowly, BOX, executor=make, **OPTIONS)
    assert result.trajectory.hash == local
    assert len(made) == 1
    with pytest.raises(RuntimeError, match="after shutdown"):
        made[0].submit(work.sphere, (1, 2))
    result = opro.minimize(work.slowly, BOX, executor=ThreadPoolExecutor, **OPTIONS)
    assert result.trajectory.hash == local


def test_any_order(local):
    executor = Backwards()
    result = opro.minimize(work.sphere, BOX, executor=executor, **OPTIONS)
    assert result.trajectory.hash == local
    assert executor.submitted == result.run.counts["scorer_calls"]


@pytest.mark.skipif(not importlib.util.find_spec("joblib"), reason="no loky (python3-joblib)")
def test_loky(local):
    try:
        from loky import get_reusable_executor
    except ImportError:
        from joblib.externals.loky import get_reusable_executor

    executor = get_reusable_executor(2)
    try:
        result = opro.minimize(work.slowly, BOX, executor=executor, **OPTIONS)
    finally:
        executor.shutdown(kill_workers=True)
    assert result.trajectory.hash == local


# ---- requests, here and there --------------------------------------------------------------------


def words(**options):
    problem = opro.Problem("x", initial=["a", "bb"], instances=3)
    return opro.Driver(problem, steps=3, seed=5, samples_per_request=2, **options)


def test_optimizers_and_scorers_in_processes_without_the_library():
    here = words(optimizer=work.propose, scorer=lambda request: work.score(request))
    here.run()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        there = words(
            optimizer=opro.Remote(work.propose, executor),
            scorer=opro.Remote(work.score, executor),
        )
        there.run()
    assert there.trajectory.hash == here.trajectory.hash
    assert len(there.trajectory) > 10
    assert there.handle.counts["failures"] == 0


def test_driving_in_other_ways():
    here = words(optimizer=work.propose, scorer=work.score)
    expected = [step["best_so_far"] for step in here]
    with ThreadPoolExecutor(2) as executor:
        remote = opro.Remote(work.score, executor)
        steps = words(optimizer=work.propose, scorer=remote)
        assert [step["best_so_far"] for step in steps] == expected
        driver = words(optimizer=opro.Remote(work.propose, executor), scorer=remote)
        while not driver.done:
            driver.poll(0.01)
        assert driver.trajectory.hash == here.trajectory.hash
        assert list(driver) == []


def test_asyncio():
    import asyncio

    here = words(optimizer=work.propose, scorer=work.score)
    here.run()
    with ThreadPoolExecutor(2) as executor:
        driver = words(optimizer=work.propose, scorer=opro.Remote(work.score, executor))
        asyncio.run(driver.run_async())
    assert driver.trajectory.hash == here.trajectory.hash


# ---- what goes wrong -----------------------------------------------------------------------------


def test_exceptions_are_failures():
    with ThreadPoolExecutor(2) as executor:
        result = opro.minimize(work.refuses, BOX, executor=executor, max_failures=0, **OPTIONS)
    failed = [each for each in result.trajectory if each.verdict == "failed"]
    assert failed
    assert all(each.solution[0] > 0 and "no idea of" in each.detail for each in failed)
    assert all(each.detail.startswith("ArithmeticError: ") for each in failed)
    assert result.run.counts["failures"] == len(failed)
    assert result.score < 5


def test_functions_that_cannot_be_sent_are_failures():
    with ProcessPoolExecutor(1) as executor:
        result = opro.minimize(lambda x: 0, BOX, executor=executor, steps=2)
    assert result.stop_reason == "failures"
    assert "lambda" in result.trajectory[0].detail


@pytest.mark.parametrize("answer", [None, "one", float("nan"), [1, 2], object(), []])
def test_answers_that_are_none_are_failures(answer):
    with ThreadPoolExecutor(1) as executor:
        result = opro.minimize(lambda x: answer, BOX, executor=executor, steps=2)
    assert result.stop_reason == "failures"


def test_replies_that_are_missing_are_failures():
    with ThreadPoolExecutor(1) as executor:
        driver = opro.Driver(
            opro.Problem("x", initial=["a"]),
            scorer=lambda request: 0.5,
            optimizer=opro.Remote(lambda request: [f"<INS>{request.seed}</INS>"], executor),
            steps=3,
        )
        driver.run()
    assert driver.stop_reason == "steps"
    assert all(step["failed"] == 2 for step in driver.handle.figures[1:])
    assert driver.trajectory.scored > 3


def test_late_answers_are_nothing():
    with ThreadPoolExecutor(8) as executor:
        result = opro.minimize(
            lambda x: threading.Event().wait(0.3) or 1.0,
            BOX,
            executor=executor,
            request_timeout_ms=50,
            max_failures=4,
        )
        assert result.stop_reason == "failures"
    assert result.run.counts["stale"] == 0


@pytest.mark.parametrize("kind", [BrokenExecutor, KilledWorker, KeyboardInterrupt, None])
def test_lost_workers(local, kind):
    executor = Loses()
    executor.kind = kind
    result = opro.minimize(work.sphere, BOX, executor=executor, **OPTIONS)
    assert result.trajectory.hash == local
    assert executor.submitted > result.run.counts["scorer_calls"]


def test_a_request_that_is_lost_again_and_again_has_failed():
    with ThreadPoolExecutor(1) as executor:
        calls = []

        def lost(request):
            calls.append(request.id)
            raise KilledWorker("again")

        problem = opro.Problem("x", initial=["a"])
        driver = opro.Driver(problem, scorer=opro.Remote(lost, executor, attempts=4), steps=1)
        driver.run()
    assert len(calls) % 4 == 0
    assert calls[:4] == calls[:1] * 4
    assert driver.trajectory[0].detail == "KilledWorker: again"


def test_a_process_dies_and_the_pool_is_made_again(local):
    result = opro.minimize(work.dies_once, BOX, executor=lambda: ProcessPoolExecutor(2), **OPTIONS)
    assert result.trajectory.hash == local
    assert result.run.counts["failures"] == 0


def test_a_pool_that_is_broken_and_cannot_be_made_again():
    first = ProcessPoolExecutor(1)
    remote = opro.Remote(work.dies, first, solutions=True)
    driver = opro.Driver(opro.Problem.vector(BOX), scorer=remote, **OPTIONS)
    with first, pytest.raises(BrokenExecutor):
        driver.run()
    assert not driver.done
    assert len(driver.trajectory) == 0
    with ThreadPoolExecutor(1) as remote.executor:
        remote.function = work.sphere
        driver.run()
    assert driver.stop_reason == "steps"


def test_an_exception_of_an_observer_comes_out(texts):
    def observer(event):
        raise ValueError("from the observer")

    with ThreadPoolExecutor(1) as executor:
        scorer = opro.Remote(lambda request: 0.5, executor)
        driver = opro.Driver(texts, scorer=scorer, observer=observer)
        with pytest.raises(ValueError, match="from the observer"):
            driver.run()


def test_what_an_executor_is():
    with pytest.raises(opro.InvalidError, match="submit"):
        opro.Remote(work.sphere, 4)
    with pytest.raises(opro.InvalidError, match="function"):
        opro.minimize(None, opro.Problem.function("sphere", 2), executor=ThreadPoolExecutor)


# ---- ends ----------------------------------------------------------------------------------------


def test_what_is_pending_at_the_end_is_cancelled():
    ready = threading.Event()
    problem = opro.Problem("x", initial=["a", "b", "c"])
    with ThreadPoolExecutor(1) as executor:
        driver = opro.Driver(problem, scorer=opro.Remote(lambda r: ready.wait() and 0.5, executor))
        driver.poll()
        driver.poll()
        (calls,) = driver._calls
        driver.close()
        pending = len(calls._open)
        ready.set()
    assert pending == 1


def test_nothing_is_submitted_for_a_run_that_has_stopped():
    executor = Backwards()
    driver = opro.Driver(opro.Problem.vector(BOX), scorer=opro.Remote(work.score, executor))
    assert driver.poll()
    driver.stop()
    driver.poll()
    executor.submitted = 0
    assert not driver.poll()
    assert executor.submitted == 0


def test_an_interrupt_cancels_and_what_is_there_can_be_read_and_driven_on(local):
    """Where SIGINT comes is left to chance; it is sent at several times."""
    for after in range(1, 20, 6):
        seen = []

        def function(x, seen=seen, after=after):
            seen.append(x)
            if len(seen) == after:
                os.kill(os.getpid(), signal.SIGINT)
            return work.slowly(x)

        with ThreadPoolExecutor(2) as executor:
            scorer = opro.Remote(function, executor, solutions=True)
            driver = opro.Driver(opro.Problem.vector(BOX), scorer=scorer, **OPTIONS)
            with pytest.raises(KeyboardInterrupt):
                driver.run()
            assert not driver.done
            assert all(future.running() or future.done() for future in driver._calls[0]._open)
            assert driver.handle.counts["failures"] == 0
            assert driver.trajectory.to_dict()["candidates"] is not None
            driver.run()
        assert driver.trajectory.hash == local


def test_an_interrupt_comes_out_of_minimize_with_what_there_is():
    seen = []

    def function(x):
        seen.append(x)
        if len(seen) == 30:
            os.kill(os.getpid(), signal.SIGINT)
        return work.sphere(x)

    with ThreadPoolExecutor(2) as executor, pytest.raises(KeyboardInterrupt) as caught:
        opro.minimize(function, BOX, executor=executor, steps=100000)
    assert len(caught.value.result.trajectory) > 10


def test_a_driver_goes_while_workers_are_busy(texts):
    ready = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        driver = opro.Driver(texts, scorer=opro.Remote(lambda r: ready.wait() and 0.5, executor))
        driver.poll()
        driver.poll()
        gone = weakref.ref(driver)
        del driver
        gc.collect()
        assert gone() is None
        ready.set()


def test_a_journal_has_all_that_was_acknowledged(local, tmp_path):
    """Nothing that it has is scored again, whatever was under way."""
    seen = []

    def function(x):
        seen.append(x)
        if len(seen) == 20:
            os.kill(os.getpid(), signal.SIGINT)
        return work.slowly(x)

    options = {**OPTIONS, "journal": tmp_path / "journal"}
    with ThreadPoolExecutor(3) as executor, pytest.raises(KeyboardInterrupt) as caught:
        opro.minimize(function, BOX, executor=executor, **options)
    told = [each.solution for each in caught.value.result.trajectory]
    assert told
    caught.value.result.run.close()
    with ThreadPoolExecutor(3) as executor:
        again = []
        result = opro.minimize(
            lambda x: (again.append(x), work.slowly(x))[1], BOX, executor=executor, **options
        )
    assert result.trajectory.hash == local
    assert not set(again) & set(told)
    assert len(set(again)) == len(again)


# ---- MPI -----------------------------------------------------------------------------------------

MPI = """
import sys
sys.path.insert(0, {tests!r})
import opro, work
from mpi4py.futures import MPIPoolExecutor
if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        result = opro.minimize(work.slowly, [(-5, 5)] * 2, executor=executor, steps=6, seed=3)
        print(executor._max_workers, result.trajectory.hash)
"""


@pytest.mark.skipif(
    not (importlib.util.find_spec("mpi4py") and shutil.which("mpiexec.openmpi")),
    reason="no mpi4py (python3-mpi4py)",
)
def test_mpi(local, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(MPI.format(tests=str(Path(__file__).parent)))
    command = [
        "mpiexec.openmpi",
        "--allow-run-as-root",
        "--oversubscribe",
        "-n",
        "3",
        sys.executable,
    ]
    done = subprocess.run(
        [*command, "-m", "mpi4py.futures", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["2", str(local)]
