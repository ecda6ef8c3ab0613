# SPDX-License-Identifier: MIT
"""Models: calls, their outcomes, recordings, the environment."""

import json
import threading

import played
import pytest
from conftest import finish

import opro

pytestmark = played.needs_models

QUICK = {"model_attempts": 2, "model_backoff_ms": 1}


@pytest.fixture(scope="module")
def server():
    with played.faults() as faults:
        yield faults


def test_a_question(server):
    with opro.Model(server.url("ok~py"), "m", key="secret", headers={"X-Y": "z"}) as model:
        (reply,) = model.ask("Hello?")
        assert reply == opro.Reply("whole", "reply 1.0", "", "stop", "", "")
        assert str(reply) == "reply 1.0"
        assert "secret" not in repr(model)
        figures = model.figures
        assert (figures["requests"], figures["prompt_tokens"], figures["in_flight"]) == (1, 9, 0)
    seen = server.seen("ok~py")
    assert json.loads(seen["bodies"][0])["messages"] == [{"role": "user", "content": "Hello?"}]
    headers = {name.lower(): value for name, value in seen["headers"][0]}
    assert (headers["authorization"], headers["x-y"]) == ("Bearer secret", "z")


def test_everything_that_can_be_asked_for(server):
    model = opro.Model(server.url("ok~all"), "m", parameters={"top_k": 40, "logit_bias": {"5": 1}})
    conversation = [("user", "A"), opro.Message("assistant", "B"), {"role": "user", "content": "C"}]
    replies = model.ask(
        conversation,
        samples=3,
        temperature=0.5,
        max_tokens=7,
        seed=11,
        stop=["w", "q"],
        system="S",
        deadline=60,
    )
    assert [reply.text for reply in replies] == ["reply 1.0", "reply 1.1", "reply 1.2"]
    body = json.loads(server.seen("ok~all")["bodies"][0])
    said = [(message["role"], message["content"]) for message in body["messages"]]
    assert said == [("system", "S"), ("user", "A"), ("assistant", "B"), ("user", "C")]
    for name, value in {"n": 3, "temperature": 0.5, "seed": 11, "stop": ["w", "q"]}.items():
        assert body[name] == value
    assert (body["top_k"], body["logit_bias"]) == (40, {"5": 1})
    model.set(parameters={"top_k": None})
    model.ask("Again")
    assert "top_k" not in json.loads(server.seen("ok~all")["bodies"][1])


def test_outcomes_are_values(server):
    for case, outcome, failure in (
        ("completions-length~py", "truncated", ""),
        ("401~py", "failed", "auth"),
        ("close~py", "failed", "net"),
        ("json-html~py", "failed", "answer"),
    ):
        dialect = "completions" if case.startswith("completions") else "openai"
        model = opro.Model(server.url(case), "m", model_dialect=dialect, **QUICK)
        with opro.Call(model, "Hello?") as call:
            call.submit()
            while not call.done:
                model.poll(None)
            (reply,) = call.replies
            assert (reply.outcome, reply.failure) == (outcome, failure), case
            assert bool(reply.error) == (outcome == "failed"), case
            assert call.figures["requests"] >= 1, case


def test_many_at_once(server):
    model = opro.Model(server.url("ok~many"), "m")
    done = []
    calls = [opro.Call(model, f"{at}") for at in range(20)]
    for at, call in enumerate(calls):
        call.submit(lambda at=at: done.append(at))
        assert call.replies[0].outcome == "none"
    while model.poll(None):
        pass
    assert sorted(done) == list(range(20))
    assert all(call.replies[0].outcome == "whole" for call in calls)
    assert not model.poll()
    assert len(server.seen("ok~many")["bodies"]) == 20


def test_an_exception_in_a_callback_comes_out(server):
    model = opro.Model(server.url("ok~raise"), "m")
    call = opro.Call(model, "Hello?")
    call.submit(lambda: 1 / 0)

    def wait():
        while model.poll(None):
            pass

    with pytest.raises(ZeroDivisionError):
        wait()
    assert call.done


def test_a_key_that_is_asked_for(server):
    keys = iter(["first", "second"])
    model = opro.Model(server.url("ok~key"), "m", key=lambda: next(keys))
    model.ask("Hello?")
    headers = dict(map(tuple, server.seen("ok~key")["headers"][0]))
    assert {name.lower(): each for name, each in headers.items()}["authorization"] == "Bearer first"

    def fail():
        raise LookupError("no key")

    model = opro.Model(server.url("ok~nokey"), "m", key=fail, **QUICK)
    with pytest.raises(LookupError, match="no key"):
        model.ask("Hello?")


def test_record_and_replay(server, tmp_path):
    path = tmp_path / "r.jsonl"
    with opro.Model(server.url("ok~rec"), "m", key="secret", record=path) as model:
        first = model.ask("Hello?", seed=1, temperature=1)
    assert "secret" not in path.read_text()
    again = opro.Model(replay=path)
    assert again.ask("Hello?", seed=1, temperature=1) == first
    (reply,) = again.ask("Something else", seed=1, temperature=1)
    assert (reply.outcome, reply.failure) == ("failed", "not_recorded")
    assert server.seen("ok~rec")["requests"] == 1
    with pytest.raises(opro.FailedError, match="No such file"):
        opro.Model(replay=tmp_path / "none")


def test_a_cache(server, tmp_path):
    settings = {"cache_file": tmp_path / "c", "model_cache_bytes": 1 << 20}
    for calls in (1, 0):
        with opro.Model(server.url("ok~cache"), "m", **settings) as model:
            assert str(model.ask("Hello?", temperature=0)[0]) == "reply 1.0"
            assert model.figures["requests"] == calls


def test_the_environment(server, monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(opro.UnknownError, match="OPENAI_BASE_URL"):
        opro.Model.from_env("m")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url("ok~env"))
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    assert opro.Model.from_env("m").ask("Hello?")[0].outcome == "whole"
    headers = {name.lower(): value for name, value in server.seen("ok~env")["headers"][0]}
    assert headers["authorization"] == "Bearer sesame"
    other = opro.Model.from_env("m", server.url("ok~own"))
    assert other.ask("Hello?")[0].outcome == "whole"


def test_bad_arguments(server):
    with pytest.raises(opro.InvalidError, match="ftp"):
        opro.Model("ftp://127.0.0.1/v1", "m")
    with pytest.raises(opro.StateError, match="base URL"):
        opro.Model(name="m").ask("Hello?")
    model = opro.Model(server.url("ok"), "m")
    for wrong in ({"samples": -1}, {"samples": 1 << 70}, {"max_tokens": 1 << 64}, {"seed": -1}):
        with pytest.raises(opro.InvalidError):
            model.ask("Hello?", **wrong)
    for message in ("x", 7, {"role": "user"}, ("poet", "y"), ("user", "x", "y")):
        with pytest.raises(opro.InvalidError):
            model.ask([message])
    with pytest.raises(opro.UnknownError, match="model_tries"):
        opro.Model(model_tries=3)
    with pytest.raises(opro.InvalidError, match="role"):
        model.ask([("poet", "x")])


def test_closed(server):
    model = opro.Model(server.url("hang"), "m")
    call = opro.Call(model, "Hello?")
    call.submit()
    model.poll()
    call.close()  # cancels
    assert not model.poll()
    with pytest.raises(opro.ClosedError):
        _ = call.done
    model.close()
    with pytest.raises(opro.ClosedError):
        model.ask("Hello?")


def test_ctrl_c_ends_the_waiting(server, python):
    said = python(
        f"""
import os, signal, threading, opro
model = opro.Model({server.url("hang")!r}, "m")
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    model.ask("Hello?")
except KeyboardInterrupt:
    print("interrupted", model.figures["in_flight"])
"""
    )
    assert said == "interrupted 0\n"


def test_as_an_optimizer(texts):
    with played.model() as endpoint:
        model = opro.Model(endpoint.url, "m")
        driver = opro.Driver(
            texts,
            optimizer=model,
            scorer=lambda request: len(request.text) / 99,
            steps=2,
            samples_per_step=3,
            seed=1,
        )
        driver.run()
        assert {one.origin for one in driver.trajectory if one.step >= 0} == {"model"}
        assert driver.handle.counts["prompt_tokens"] == model.figures["prompt_tokens"] > 0
        same = opro.Run(texts, steps=2, samples_per_step=3, seed=1)
        finish(same)
        assert same.done


def test_a_driver_and_its_model_are_in_use_together(texts):
    """By one thread; in its callbacks the model can be asked."""
    with played.model() as endpoint:
        model = opro.Model(endpoint.url, "m")
        question = played.truth().question(1)
        caught = []

        def ask():
            try:
                model.ask(question)
            except opro.ThreadError as error:
                caught.append(error)

        def score(request):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
            return len(str(model.ask(question)[0])) / 99

        driver = opro.Driver(texts, optimizer=model, scorer=score, steps=1, samples_per_step=2)
        driver.run()
        assert len(caught) == driver.handle.counts["scorer_calls"] > 0
        with pytest.raises(opro.ReentrantError):
            opro.Driver(texts, optimizer=model, scorer=lambda r: model.close(), steps=1).run()
        model.ask(question)
