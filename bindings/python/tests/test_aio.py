# SPDX-License-Identifier: MIT
"""With asyncio: no thread, no busy waiting, coroutines, exceptions, cancelling."""

import asyncio
import gc
import os
import threading
import time
import traceback

import played
import pytest
from conftest import replies

import opro
from opro import aio


def sphere(request):
    return sum(x * x for x in request.solution)


def left_over():
    """Sockets that are still watched, models that are still in a loop, tasks that go on."""
    loop = asyncio.get_running_loop()
    ours = 1  # asyncio's own pipe
    return len(loop._selector.get_map()) - ours, len(aio._sockets), len(asyncio.all_tasks()) - 1


# ---- coroutines that answer --------------------------------------------------------------------


def test_scorers_are_under_way_together_and_all_ends_as_if_they_were_not(vectors):
    settings = {"steps": 6, "samples_per_step": 5, "seed": 3}
    ways = [0]

    async def score(request):
        ways.append(ways[-1] + 1)
        for _ in range(request.id % 7):
            await asyncio.sleep(0)
        ways.append(ways[-1] - 1)
        return sphere(request)

    async def main():
        driver = opro.Driver(vectors, scorer=score, **settings)
        winner = await driver.run_async()
        assert left_over() == (0, 0, 0)
        return winner, driver.trajectory.hash

    plain = opro.Driver(vectors, scorer=sphere, **settings)
    assert asyncio.run(main()) == (plain.run(), plain.trajectory.hash)
    assert max(ways) == 5


def test_steps(vectors):
    async def score(request):
        await asyncio.sleep(0)
        return sphere(request)

    async def main():
        driver = opro.Driver(vectors, scorer=score, steps=4, seed=1)
        return [step async for step in aio.steps(driver)]

    plain = list(opro.Driver(vectors, scorer=sphere, steps=4, seed=1))
    assert asyncio.run(main()) == plain


def test_leaving_the_steps_stops_the_run(vectors):
    cancelled = []

    async def score(request):
        try:
            await asyncio.sleep(0 if request.step < 2 else 3600)
        except asyncio.CancelledError:
            cancelled.append(request.id)
            raise
        return sphere(request)

    async def main():
        driver = opro.Driver(vectors, scorer=score, steps=9, samples_per_step=3)
        steps = aio.steps(driver)
        async for step in steps:
            if step["step"] == 1:
                break
        await steps.aclose()
        assert driver.stop_reason == "host"
        assert left_over() == (0, 0, 0)

    asyncio.run(main())
    assert not cancelled  # those of the next step had not begun


def test_an_optimizer_and_a_function_that_answers_later(texts):
    async def propose(request):
        await asyncio.sleep(0)
        return replies(request)

    async def main():
        work, wakeups = [], []
        driver = opro.Driver(
            texts,
            optimizer=propose,
            wakeup=lambda: wakeups.append(1),
            scorer=lambda request: (work.append(request), opro.PENDING)[1],
            steps=3,
            samples_per_step=2,
            max_failures=100,
        )
        ended = threading.Event()

        def answer():  # on a thread: what it posts wakes the loop
            while not ended.wait(0.001):
                if work:
                    driver.post(work.pop(0), 0.5)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            await asyncio.wait_for(driver.run_async(), 60)
        finally:
            ended.set()
            thread.join()
        assert driver.stop_reason == "steps"
        assert wakeups  # the host's own is called, too
        assert driver._hooks[aio._WAKEUP].function is not None

    asyncio.run(main())


def test_an_exception_comes_out_with_its_traceback(vectors):
    async def score(request):
        await asyncio.sleep(0)
        if request.step == 1:
            raise ZeroDivisionError(request.text)
        return sphere(request)

    async def main():
        driver = opro.Driver(vectors, scorer=score, steps=9)
        with pytest.raises(ZeroDivisionError) as caught:
            await driver.run_async()
        assert "in score" in "".join(traceback.format_tb(caught.value.__traceback__))
        assert driver.done
        assert left_over() == (0, 0, 0)
        driver = opro.Driver(vectors, scorer=lambda request: 1 / 0, steps=9)
        with pytest.raises(ZeroDivisionError):
            await driver.run_async()
        driver = opro.Driver(vectors, scorer=bad, steps=9)
        with pytest.raises(opro.InvalidError):  # no score of this problem's
            await driver.run_async()

    async def bad(request):
        return [1.0, 2.0]

    asyncio.run(main())


def test_an_exception_that_is_returned_is_a_failure(vectors):
    async def score(request):
        return TimeoutError("too slow") if request.id % 2 else sphere(request)

    async def main():
        driver = opro.Driver(vectors, scorer=score, steps=4, max_failures=100)
        await driver.run_async()
        return {one.detail for one in driver.trajectory if one.verdict == "failed"}

    assert asyncio.run(main()) == {"TimeoutError: too slow"}


def test_cancelling(vectors):
    begun, ended = [], []

    async def score(request):
        begun.append(request.id)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(request.id)

    async def main():
        driver = opro.Driver(vectors, scorer=score, steps=9, samples_per_step=4)
        task = asyncio.ensure_future(driver.run_async())
        while not begun:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(begun) == sorted(ended)
        assert (driver.stop_reason, left_over()) == ("host", (0, 0, 0))

    asyncio.run(main())


def test_a_coroutine_without_a_loop(vectors):
    async def score(request):
        return 0.0

    with pytest.raises(opro.StateError, match="run_async"):
        opro.Driver(vectors, scorer=score, steps=1).run()

    async def main():
        driver = opro.Driver(vectors, scorer=score, steps=50)
        first = asyncio.ensure_future(driver.run_async())
        await asyncio.sleep(0)
        with pytest.raises(opro.StateError, match="awaited already"):
            await driver.run_async()
        await first

    asyncio.run(main())


def test_nothing_is_kept_alive(vectors):
    async def score(request):
        return sphere(request)

    async def main():
        for _ in range(3):
            await opro.Driver(vectors, scorer=score, steps=2).run_async()

    asyncio.run(main())
    gc.collect()
    assert not aio._sessions
    assert not aio._sockets


# ---- models ------------------------------------------------------------------------------------


@played.needs_models
def test_calls_in_the_running_loop():
    """Many at once; no thread is started; while it waits, it waits."""
    with played.model() as endpoint:
        endpoint.slow = 0.4
        question = played.truth().question

        async def main():
            model = opro.Model(endpoint.url, "m", model_in_flight=8, model_adaptive=0)
            threads = {thread.ident for thread in threading.enumerate()}
            ours = {*os.listdir("/proc/self/task")} if os.path.isdir("/proc/self/task") else set()
            turns, cpu = [], time.thread_time()
            asyncio.get_running_loop()._run_once = counted(turns)
            found = await asyncio.gather(*(model.ask_async(question(at)) for at in range(8)))
            # a loop that waits turns for sockets and timers; one that does not, thousands of times
            assert len(turns) < 400
            assert time.thread_time() - cpu < 0.3
            started = [each for each in threading.enumerate() if each.ident not in threads]
            assert all("process_request_thread" in each.name for each in started)
            if ours:
                new = {*os.listdir("/proc/self/task")} - ours
                assert len(new) <= len(started)
            assert [str(each[0]) for each in found] == [str(model_answer(at)) for at in range(8)]
            assert left_over()[:2] == (0, 0)
            assert str(model.ask(question(3))[0]) == str(model_answer(3))  # blocking again

        def counted(turns):
            before = asyncio.BaseEventLoop._run_once
            loop = asyncio.get_running_loop()
            return lambda: (turns.append(1), before(loop))[1]

        def model_answer(at):
            right = played.truth().knows("", at)
            return f"She has {played.truth().answer(at) + (not right)}."

        asyncio.run(main())


@played.needs_models
def test_cancelled_calls():
    with played.faults() as server:

        async def main():
            model = opro.Model(server.url("hang"), "m")
            tasks = [asyncio.ensure_future(model.ask_async("Hello?")) for _ in range(3)]
            while model.figures["in_flight"] < 3:
                await asyncio.sleep(0.01)
            tasks[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await tasks[0]
            assert model.figures["in_flight"] == 2
            with pytest.raises(opro.StateError, match="host waits"):
                model.poll()
            for task in tasks[1:]:
                task.cancel()
            assert all(
                isinstance(each, asyncio.CancelledError)
                for each in await asyncio.gather(*tasks, return_exceptions=True)
            )
            assert left_over() == (0, 0, 0)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(model.ask_async("Hello?"), 0.05)
            assert left_over() == (0, 0, 0)

        asyncio.run(main())


@played.needs_models
def test_a_retry_waits_for_the_timer():
    with played.faults() as server:

        async def main():
            model = opro.Model(server.url("429-once~aio"), "m", model_backoff_ms=20)
            (reply,) = await model.ask_async("Hello?")
            assert (reply.outcome, model.figures["retries"]) == ("whole", 1)

        asyncio.run(main())


@played.needs_models
def test_a_run_with_a_model_and_an_exam():
    truth = played.truth()
    examples = [(truth.question(at), str(truth.answer(at))) for at in range(60)]
    settings = {"steps": 3, "samples_per_step": 4, "seed": 1}

    def made(endpoint, model=None, **more):
        model = model or opro.Model(endpoint.url, "m")
        dataset = opro.Dataset(examples)
        dataset.split(range(36), range(36, 48), range(48, 60))
        problem = opro.Problem.dataset(dataset, initial=["Think."])
        examiner = opro.Examiner(dataset, model)
        driver = opro.Driver(problem, optimizer=model, scorer=examiner, **settings, **more)
        return driver, examiner

    async def main(endpoint):
        driver, examiner = made(endpoint)
        steps = [step["best"] async for step in aio.steps(driver)]
        exam = await examiner.examine_async(driver.winner.text, "test")
        assert left_over() == (0, 0, 0)
        return steps, driver.trajectory.hash, exam.accuracy

    async def fail(endpoint):
        def fail(event):
            if event.kind == "reply":  # while the model is at work
                raise ZeroDivisionError

        model = opro.Model(endpoint.url, "m")
        driver, _ = made(endpoint, model, observer=fail)
        other = asyncio.ensure_future(made(endpoint, model)[0].run_async())
        with pytest.raises(ZeroDivisionError):
            await driver.run_async()
        assert driver.stop_reason == "error"
        assert await other  # another run is not concerned
        assert left_over() == (0, 0, 0)

    async def leave(endpoint):
        endpoint.slow = 0.2
        driver, _ = made(endpoint)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(driver.run_async(), 0.1)
        assert (driver.stop_reason, left_over()) == ("host", (0, 0, 0))

    with played.model() as endpoint:
        steps, digest, accuracy = asyncio.run(main(endpoint))
        driver, examiner = made(endpoint)
        assert [step["best"] for step in driver] == steps
        assert driver.trajectory.hash == digest
        assert examiner.examine(driver.winner.text, "test").accuracy == accuracy
        asyncio.run(fail(endpoint))
        asyncio.run(leave(endpoint))
