# SPDX-License-Identifier: MIT
"""What goes wrong with C libraries behind ctypes, and must not here."""

import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import traceback
import weakref

import pytest
from conftest import finish, replies

import opro
from opro import _callbacks, _ffi, _load
from opro._load import C


class Sign(Exception):
    """Something that nobody else raises."""


def raiser(*_):
    raise Sign("from inside")


# ---- exceptions ----


@pytest.mark.parametrize("step", ["parse", "canonical", "check", "repair", "polish", "render"])
def test_an_exception_in_a_step_comes_out_of_the_call(step):
    settings = {step: raiser, "initial": ["one"]}
    if step == "repair":
        settings["check"] = lambda text: "no"
    problem = opro.Problem("x", **settings)
    with pytest.raises(Sign) as caught:
        finish(opro.Run(problem, steps=2, repair=True, polish=True))
    assert "raiser" in "".join(traceback.format_tb(caught.value.__traceback__))


def test_an_exception_in_an_observer_comes_out_and_the_run_stays_readable(texts):
    run = opro.Run(texts, steps=2, observer=raiser)
    with pytest.raises(Sign):
        finish(run)
    assert run.stop_reason == "error"
    assert len(run.trajectory) >= 0


def test_an_exception_in_a_log_comes_out(texts):
    heard = []

    def log(level, domain, message):
        heard.append(message)
        raise Sign(message)

    run = opro.Run(texts, steps=1, log=log, log_level="debug")
    with pytest.raises(Sign):
        finish(run)
    assert heard


def test_a_request_is_not_lost_to_an_exception(texts, monkeypatch):
    run = opro.Run(texts, steps=1)
    with monkeypatch.context() as patch:
        patch.setattr(C, "opro_run_next", interrupted(C.opro_run_next))
        with pytest.raises(Sign):
            run.ask()
    assert [request.text for request in run] == ["one", "two"]


def test_an_object_is_not_lost_to_an_exception(monkeypatch):
    freed = []
    free = C.opro_problem_free
    monkeypatch.setattr(C, "opro_problem_free", lambda out: freed.append(free(out)))
    monkeypatch.setattr(C, "opro_problem_new", interrupted(C.opro_problem_new))
    with pytest.raises(Sign):
        opro.Problem("x")
    gc.collect()
    assert len(freed) == 1


def interrupted(function):
    """A function of C that does its work, and in which a callback raises."""

    def call(*arguments):
        status = function(*arguments)
        _callbacks.keep(Sign("in between"))
        return status

    return call


def test_keyboard_interrupts_and_exits_come_out_too(texts):
    for kind in (KeyboardInterrupt, SystemExit, GeneratorExit):

        def observer(event, kind=kind):
            raise kind

        with pytest.raises(kind):
            finish(opro.Run(texts, observer=observer))


def test_the_exception_of_an_inner_call_passes_through_both(vectors):
    def scorer(request):
        inner = opro.Driver(vectors, scorer=raiser, steps=1)
        inner.run()

    with pytest.raises(Sign):
        opro.Driver(vectors, scorer=scorer, steps=1).run()


def test_an_exception_does_not_stay_for_the_next_call(texts):
    with pytest.raises(Sign):
        finish(opro.Run(texts, observer=raiser))
    finish(opro.Run(texts, steps=1))


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no pthread_kill")
def test_an_interrupt_at_the_first_instruction_of_a_callback_is_not_lost(python):
    said = python(
        "import opro, os, signal, sys\n"
        "texts = ['a%d' % i for i in range(2000)]\n"
        "problem = opro.Problem('x', initial=texts, check=lambda t: None)\n"
        "import threading, time\n"
        "def kill():\n"
        "    time.sleep(0.05)\n"
        "    while not stop: os.kill(os.getpid(), signal.SIGINT); time.sleep(0.003)\n"
        "stop = False\n"
        "caught = 0\n"
        "thread = threading.Thread(target=kill)\n"
        "sys.unraisablehook, before = (lambda u: print('LOST', u)), sys.unraisablehook\n"
        "sys.unraisablehook = before\n"
        "try:\n"
        "    thread.start()\n"
        "    while caught < 30:\n"
        "        try:\n"
        "            while True: opro.Run(problem, steps=1)\n"
        "        except KeyboardInterrupt: caught += 1\n"
        "except KeyboardInterrupt: pass\n"
        "finally:\n"
        "    stop = True\n"
        "    signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print('caught')\n"
    )
    assert said.splitlines() == ["caught"]


# ---- what callbacks return, how long they live ----


def test_statuses_that_are_none_do_not_pass_for_success(texts):
    for rubbish in (2**40, -5, 10863976):
        scorer = _callbacks.Hook(lambda run, request, rubbish=rubbish: rubbish)
        none = _load.callback_type("destroy_fn")()
        out = ctypes.c_void_p()
        word = "score_fn"
        C.opro_scorer_new(ctypes.byref(out), _callbacks.trampoline(word), scorer.key, none, None)
        run = opro.Run(texts)
        request = ctypes.c_void_p()
        assert C.opro_run_next(run._pointer, 0, ctypes.byref(request)) == 0
        status = C.opro_scorer_score(out, run._pointer, request)
        assert status == _ffi.CONSTANTS["OPRO_ERR_CALLBACK"]
        C.opro_scorer_free(out)


def test_a_callback_that_delivers_nothing_is_an_error(vectors):
    driver = opro.Driver(vectors, scorer=lambda request: None)
    with pytest.raises((opro.Error, TypeError)):
        driver.run()


def test_callbacks_outlive_garbage_collection():
    calls = []
    problem = opro.Problem("x", initial=["one"], check=lambda text: calls.append(text))
    run = opro.Run(problem, steps=2)
    del problem
    gc.collect()
    finish(run)
    assert len(calls) > 2


def test_callbacks_outlive_the_handle_that_was_closed():
    calls = []
    with opro.Problem("x", initial=["one"], check=lambda text: calls.append(text)) as problem:
        run = opro.Run(problem, steps=2)
    finish(run)
    assert len(calls) > 2


def test_a_callback_that_refers_to_its_object_does_not_keep_it(texts):
    run = opro.Run(texts)
    run.observe(lambda event: run.step)  # noqa: F821
    gone = weakref.ref(run)
    keys = len(_callbacks._hooks)
    del run
    gc.collect()
    assert gone() is None
    assert len(_callbacks._hooks) < keys


def test_a_callback_that_is_replaced_is_let_go(texts):
    run = opro.Run(texts)
    gc.collect()
    keys = len(_callbacks._hooks)
    for _ in range(5):
        run.observe(lambda event: None)
    assert len(_callbacks._hooks) == keys + 1
    run.observe(None)
    assert len(_callbacks._hooks) == keys


def test_there_is_one_trampoline_for_a_type(texts):
    before = dict(_callbacks._trampolines)
    opro.Problem("x", check=lambda text: None, render=lambda text: text)
    opro.Problem("x", check=lambda text: None)
    assert _callbacks._trampolines["text_fn"] is _callbacks.trampoline("text_fn")
    assert all(_callbacks._trampolines[word] is made for word, made in before.items())


# ---- texts and numbers ----


def test_texts_are_counted():
    seen = []
    problem = opro.Problem("x", parse=lambda reply: (seen.append(reply), [])[1])
    run = opro.Run(problem, steps=1, samples_per_step=1)
    run.tell(run.ask(), "a\0b\u20ac")
    assert seen[0].startswith("a")
    assert seen[0].endswith("b\u20ac")


def test_texts_keep_their_letters(texts):
    words = "Žluťoučký kůň 🐎\n{}%s"
    problem = opro.Problem(words, initial=["šest"])
    assert problem.description == words
    assert opro.Run(problem).ask().solution == "šest"


def test_lone_surrogates_and_nul_are_refused_by_the_library():
    for text in ("\ud800", "a\0b"):
        with pytest.raises(opro.InvalidError):
            opro.Problem(text)


def test_64_bits_come_back_whole(texts):
    request = opro.Run(texts, seed=2**53 + 1).ask()
    assert request.id > 2**32
    assert opro.Config(seed=2**62 + 3)["seed"] == 2**62 + 3
    assert any(opro.Problem(str(at)).digest > 2**63 for at in range(20))


def test_64_bits_go_in_whole(texts):
    run = opro.Run(texts, max_time_ms=1000)
    request = run.ask(now=2**31 - 5)
    assert run.timeout(now=2**31 + 95) == 900
    run.tell(request, 0.5, usage=(2**40, 0, 0))
    assert run.counts["prompt_tokens"] == 2**40


def test_texts_in_callbacks_are_pointers():
    for word in _ffi.CALLBACKS:
        assert ctypes.c_char_p not in _load.callback_type(word)._argtypes_


def test_real_numbers_come_back(vectors):
    assert opro.Problem.function("sphere", 2).direction == "minimize"
    assert C.opro_function_value(10, (ctypes.c_double * 2)(3, 4), 2) == 25.0


def test_every_function_has_its_types():
    for name in _ffi.FUNCTIONS:
        function = getattr(C, name)
        assert (
            function.restype is None
            or issubclass(function.restype, ctypes._SimpleCData)
            or (hasattr(function.restype, "contents"))
        )
        with pytest.raises((TypeError, ctypes.ArgumentError)):
            function(*[object()] * max(1, len(function.argtypes)))


def test_the_locale_changes_nothing(python):
    said = python(
        "import locale, opro\n"
        "try: locale.setlocale(locale.LC_ALL, 'fr_FR.UTF-8')\n"
        "except locale.Error: pass\n"
        "print(opro.Config(temperature=0.5)['temperature'],\n"
        "      opro.Problem.vector([(0, 1)], initial=[(0.25,)]).solution('0.25'))"
    )
    assert said == "0.5 (0.25,)\n"


# ---- life and death ----


def test_half_built_objects_can_be_dropped():
    for make in (
        lambda: opro.Run(None),
        lambda: opro.Problem("x", direction="sideways"),
        lambda: opro.Problem.vector([(1, 0)]),
        lambda: opro.Driver(opro.Problem("x"), scorer=5),
        lambda: opro.Config(nonsense=1),
    ):
        with pytest.raises((opro.Error, TypeError, AttributeError, ctypes.ArgumentError)):
            make()
        gc.collect()


@pytest.mark.parametrize(
    "name",
    ["problem", "run", "run.trajectory", "driver", "driver.handle", "config", "tour", "alone"],
)
def test_after_close_everything_is_an_exception(name, texts, vectors):
    objects = {
        "problem": texts,
        "run": opro.Run(texts),
        "driver": opro.Driver(vectors, scorer=lambda request: 1.0),
        "config": opro.Config(),
        "tour": opro.Tour.points([(0, 0), (1, 1)]),
        "alone": opro.Trajectory(),
    }
    head, _, tail = name.partition(".")
    target = getattr(objects[head], tail) if tail else objects[head]
    objects[head].close()
    objects[head].close()
    assert target.closed
    assert "closed" in repr(target) or name in ("problem", "config")
    with pytest.raises(opro.ClosedError, match="closed"):
        target._call(C.opro_run_stop)
    with pytest.raises(opro.ClosedError), target:
        pass


def test_public_methods_after_close(texts):
    run = opro.Run(texts)
    request = run.ask()
    trajectory = run.trajectory
    run.close()
    for use in (
        run.ask,
        lambda: run.tell(request, 0.5),
        lambda: run.done,
        lambda: trajectory[0],
        lambda: len(trajectory),
        lambda: run.counts,
        lambda: opro.Run(texts).warm_start(trajectory),
    ):
        with pytest.raises(opro.ClosedError):
            use()


def test_objects_that_are_left_are_freed_in_order_at_exit(python):
    said = python(
        "import opro, atexit\n"
        "problem = opro.Problem('x', initial=['a'], check=lambda t: None)\n"
        "run = opro.Run(problem, observer=lambda e: None, log=print)\n"
        "driver = opro.Driver(problem, scorer=lambda r: 0.5, optimizer=lambda r: ['x'])\n"
        "tour = opro.Problem.tour(opro.Tour.points([(0, 0), (1, 1)]))\n"
        "tail = run.trajectory\n"
        "cycle = [run]; cycle.append(cycle)\n"
        "print('end')\n"
    )
    assert said == "end\n"


def test_handles_cannot_be_pickled(texts):
    import pickle

    with pytest.raises(TypeError, match="belongs to its process"):
        pickle.dumps(opro.Run(texts))


# ---- processes and threads ----


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_frees_nothing(python):
    said = python(
        "import opro, os, sys\n"
        "from opro._load import C\n"
        "C.opro_run_free = lambda pointer: os.write(1, b'freed by %d\\n' % os.getpid())\n"
        "run = opro.Run(opro.Problem('x'))\n"
        "print(os.getpid(), flush=True)\n"
        "child = os.fork()\n"
        "if not child: sys.exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    pid, freed = said.splitlines()
    assert freed == f"freed by {pid}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_in_a_child_everything_is_an_exception(python):
    said = python(
        "import opro, os, sys\n"
        "run = opro.Run(opro.Problem('x', initial=['a', 'b']))\n"
        "driver = opro.Driver(opro.Problem('x'), scorer=lambda r: 0.5)\n"
        "request = run.ask()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    for use in (run.ask, lambda: run.done, lambda: run.tell(request, 0.5), run.close,\n"
        "                driver.stop, lambda: driver.post(1, 'x'), lambda: len(run.trajectory)):\n"
        "        try: use()\n"
        "        except opro.ForkedError: continue\n"
        "        print('no error'); os._exit(1)\n"
        "    mine = opro.Run(opro.Problem('x', initial=['a', 'b']))\n"
        "    assert mine.ask() == request\n"
        "    sys.exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "run.tell(request, 0.5)\n"
        "print(run.ask().text)\n"
    )
    assert said == "b\n"


def test_two_threads_at_once_are_an_exception(vectors):
    inside, go_on = threading.Event(), threading.Event()

    def scorer(request):
        inside.set()
        assert go_on.wait(60)
        return 1.0

    driver = opro.Driver(vectors, scorer=scorer, steps=1)
    thread = threading.Thread(target=driver.poll)
    thread.start()
    assert inside.wait(60)
    try:
        for use in (driver.poll, lambda: driver.done, lambda: len(driver.trajectory), driver.close):
            with pytest.raises(opro.ThreadError, match="another thread"):
                use()
        driver.wakeup()  # any thread
    finally:
        go_on.set()
        thread.join()
    driver.run()
    assert driver.stop_reason == "steps"


def test_who_closes_first_closes_for_all(texts):
    run = opro.Run(texts)
    guard = run._guard

    class Late:
        """A guard at which another thread has come first, and closed."""

        depth, thread = 0, guard.thread

        def enter(self):
            run._guard = guard
            run.close()
            return guard.enter()

    run._guard = Late()
    with pytest.raises(opro.ClosedError):
        run.done  # noqa: B018


def test_many_threads_never_crash(texts):
    run = opro.Run(texts, steps=1000, seed=1, max_failures=0)
    told, refused = [], []

    def work():
        for _ in range(300):
            try:
                request = run.ask()
                if request is not None:
                    run.tell(request, 0.5 if isinstance(request, opro.Score) else replies(request))
                    told.append(request.id)
            except opro.ThreadError:
                refused.append(1)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(told) == len(set(told))
    assert told
    run.stop()
    assert run.done


def test_closing_inside_a_callback_is_refused(vectors):
    def scorer(request):
        with pytest.raises(opro.ReentrantError):
            driver.close()
        with pytest.raises(opro.ReentrantError):
            driver.poll()
        return 1.0

    driver = opro.Driver(vectors, scorer=scorer, steps=1)
    driver.run()
    assert not driver.closed


def test_wakeup_runs_on_the_thread_that_posts(vectors):
    woken = []
    driver = opro.Driver(
        vectors,
        scorer=lambda request: opro.PENDING,
        wakeup=lambda: woken.append(threading.get_ident()),
    )
    driver.poll()
    thread = threading.Thread(target=driver.post, args=(12345, 1.0))
    thread.start()
    thread.join()
    assert woken
    assert woken[0] == thread.ident


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="no signals")
def test_ctrl_c_ends_a_run_that_waits_for_ever(python):
    said = python(
        "import opro, os, signal, threading\n"
        "driver = opro.Driver(opro.Problem('x', initial=['a']), scorer=lambda r: opro.PENDING)\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "try: driver.run()\n"
        "except KeyboardInterrupt: print('out', driver.stop_reason, len(driver.trajectory))\n"
        "driver.stop(); driver.run(); print(driver.stop_reason)\n"
    )
    assert said == "out none 0\nhost\n"


def test_ctrl_c_gets_out_of_a_long_computation(python):
    said = python(
        "import opro, os, signal, threading\n"
        "calls = []\n"
        "def function(x):\n"
        "    calls.append(x)\n"
        "    if len(calls) == 50:\n"
        "        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    return sum(x)\n"
        "try: opro.minimize(function, [(0, 1)] * 5, steps=10**8)\n"
        "except KeyboardInterrupt as stopped: print(stopped.result.score is not None)\n"
    )
    assert said == "True\n"


def test_the_gil_is_free_while_c_waits(texts):
    ticks = []
    driver = opro.Driver(texts, scorer=lambda request: opro.PENDING)
    ended = threading.Event()

    def tick():
        while not ended.is_set():
            ticks.append(1)
            ended.wait(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    driver.poll()
    before = len(ticks)
    driver.poll(0.3)
    after = len(ticks)
    ended.set()
    thread.join()
    assert after > before + 3


def test_the_suite_runs_the_library_that_it_is_told():
    assert os.environ.get("OPRO_LIBRARY"), "set OPRO_LIBRARY"
    assert subprocess  # the module is used by the fixture python, too
