# SPDX-License-Identifier: MIT
"""Drivers."""

import threading

import pytest
from conftest import replies

import opro


def test_step_by_step(vectors):
    driver = opro.Driver(vectors, scorer=lambda r: sum(x * x for x in r.solution), steps=6, seed=1)
    figures = list(driver)
    assert [each["step"] for each in figures] == list(range(6))
    best = [each["best_so_far"] for each in figures]
    assert best == sorted(best, reverse=True)
    assert driver.done
    assert not driver.step()
    assert not driver.poll()
    assert driver.winner.score == best[-1]
    assert driver.stop_reason == "steps"
    assert repr(driver).startswith("<Driver of <Run at step 5")


def test_it_is_a_run_with_functions(texts):
    run = opro.Run(texts, steps=3, seed=5)
    while not run.done:
        for request in run:
            proposes = isinstance(request, opro.Propose)
            run.tell(request, replies(request) if proposes else len(request.text) / 99)
    driver = opro.Driver(
        texts, optimizer=replies, scorer=lambda r: len(r.text) / 99, steps=3, seed=5
    )
    driver.run()
    assert driver.handle.state_hash == run.state_hash
    with pytest.raises(opro.StateError):
        driver.handle.ask()


def test_answers_from_other_threads(texts):
    work = []
    driver = opro.Driver(
        texts,
        optimizer=lambda request: (work.append(request), opro.PENDING)[1],
        scorer=lambda request: (work.append(request), opro.PENDING)[1],
        steps=3,
        samples_per_step=4,
        max_failures=100,
    )
    ended = threading.Event()

    def answer():
        while not ended.is_set():
            try:
                request = work.pop()
            except IndexError:
                ended.wait(0.001)
                continue
            if isinstance(request, opro.Propose):
                driver.post(request, replies(request), usage=(5, 6, 7))
            elif request.id % 5 == 0:
                driver.post(request, TimeoutError("no"))
            else:
                driver.post(request, 0.5)

    threads = [threading.Thread(target=answer) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        driver.run()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert driver.stop_reason == "steps"
    assert driver.handle.counts["cost"] == 21


def test_stopping_from_another_thread(texts):
    driver = opro.Driver(texts, scorer=lambda request: opro.PENDING)
    thread = threading.Timer(0.05, driver.stop)
    thread.start()
    driver.run()
    thread.join()
    assert driver.stop_reason == "host"


def test_waking_up(texts):
    driver = opro.Driver(texts, scorer=lambda request: opro.PENDING)
    driver.poll()
    assert not driver.poll(0.01)
    driver.wakeup()
    assert not driver.poll(None)
    for go_on in (driver.run, driver.step, lambda: driver.poll(None), lambda: list(driver)):
        thread = threading.Timer(0.02, driver.wakeup)
        thread.start()
        go_on()
        thread.join()
    assert not driver.done
    assert driver.timeout() is None


def test_a_clock_of_one_s_own(texts):
    now = [0]

    def scorer(request):
        now[0] += 400
        return 0.5

    driver = opro.Driver(
        texts, optimizer=replies, scorer=scorer, clock=lambda: now[0], max_time_ms=1000
    )
    driver.run()
    assert driver.stop_reason == "time"


def test_failures_are_values_too(texts):
    driver = opro.Driver(
        texts,
        optimizer=replies,
        scorer=lambda request: RuntimeError("broken") if request.text == "two" else 0.5,
        steps=1,
    )
    driver.run()
    assert driver.trajectory.find("two").verdict == "failed"


def test_who_is_missing(texts):
    with pytest.raises(opro.InvalidError, match="a scorer is a function"):
        opro.Driver(texts)
    with pytest.raises(opro.InvalidError, match="an optimizer is"):
        opro.Driver(texts, optimizer=3, scorer=len)


def test_local_search_has_options(vectors):
    driver = opro.Driver(
        vectors,
        optimizer=opro.Local(local_restart=5),
        scorer=lambda r: sum(r.solution),
        steps=2,
    )
    assert driver.run().score <= 3


def test_events(vectors):
    kinds = []
    opro.Driver(
        vectors,
        scorer=lambda r: 1.0,
        steps=1,
        observer=lambda event: kinds.append(event.kind),
    ).run()
    assert kinds[0] != "unknown"
    assert {"step_begun", "meta_prompt", "reply", "accepted", "scored", "new_best"} <= set(kinds)
    assert kinds[-1] == "stopped"


def test_posting_to_a_closed_driver(texts):
    driver = opro.Driver(texts, scorer=lambda request: 0.5)
    driver.close()
    for use in (driver.stop, driver.wakeup, lambda: driver.post(1, "x")):
        with pytest.raises(opro.ClosedError):
            use()


def test_closing_while_others_post_is_refused(texts):
    inside, go_on = threading.Event(), threading.Event()

    def wakeup():
        inside.set()
        assert go_on.wait(60)

    driver = opro.Driver(texts, scorer=lambda request: opro.PENDING, wakeup=wakeup)
    driver.poll()
    thread = threading.Thread(target=driver.post, args=(1, 0.5))
    thread.start()
    assert inside.wait(60)
    try:
        with pytest.raises(opro.ThreadError, match="join"):
            driver.close()
    finally:
        go_on.set()
        thread.join()
    assert not driver.closed
    driver.close()
    assert driver.closed
