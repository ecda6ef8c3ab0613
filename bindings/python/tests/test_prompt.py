# SPDX-License-Identifier: MIT
"""Instructions, searched for and compared."""

import asyncio

import played
import pytest

import opro

pytestmark = played.needs_models

SETTINGS = {"steps": 3, "samples_per_step": 4, "seed": 1}
SETS = {"train": range(36), "validation": range(36, 48), "test": range(48, 60)}


@pytest.fixture
def endpoint():
    with played.model() as endpoint:
        yield endpoint


def examples(count=60):
    truth = played.truth()
    return [(truth.question(at), str(truth.answer(at))) for at in range(count)]


def search(endpoint, **more):
    model = opro.Model(endpoint.url, "m", model_prompt_price=1_000_000)
    settings = {**SETTINGS, "split": tuple(SETS.values()), **more}
    return opro.optimize_prompt(examples(), model, **settings)


def test_what_it_says_is_true(endpoint):
    accuracy = played.truth().accuracy
    result = search(endpoint)
    for name, numbers in SETS.items():
        share = getattr(result, name)
        assert share.value == pytest.approx(accuracy(result.instruction, numbers)), name
        assert share.low < share.value <= share.high
        assert share.known == share.examples == len(numbers)
    assert result.gap.gap == pytest.approx(result.train.value - result.validation.value)
    assert [one.name for one in result.comparisons] == ["no instruction", "the start"]
    for one in result.comparisons:
        assert (one.set, result.held_out) == ("test", "test")
        assert one.accuracy.value == pytest.approx(accuracy(one.instruction, SETS["test"]))
        assert one.better.value == pytest.approx(result.test.value - one.accuracy.value)
    assert [result.use["prompt_tokens"], result.use["reply_tokens"]] == endpoint.tokens
    assert result.tokens == sum(endpoint.tokens)
    assert result.cost == endpoint.tokens[0] / 1e6
    assert (result.stop_reason, result.run.trajectory.steps) == ("steps", 3)
    text = str(result)
    for words in (
        result.instruction,
        "training: ",
        "test: ",
        "better than no instruction: +",
        "cost",
    ):
        assert words in text


def test_as_few_as_there_are(endpoint):
    """Of fewer than 100 examples none is put aside."""
    model = opro.Model(endpoint.url, "m")
    result = opro.optimize_prompt(examples(20), model, **SETTINGS, baseline=False)
    assert (result.train.known, result.validation.known, result.test.known) == (20, 0, 0)
    assert (result.gap, result.held_out, result.comparisons) == (None, "train", ())
    assert str(result).count("\n") == 2


def test_others_who_propose(endpoint):
    words = iter(["step", "carefully", "guess"])

    def propose(request):
        return [f"<INS>Think {next(words, 'now')}, {at}.</INS>" for at in range(request.samples)]

    result = search(endpoint, optimizer=propose, steps=2)
    assert endpoint.proposals == 0
    assert result.instruction.startswith("Think")
    result = search(endpoint, optimizer=opro.Local(), steps=2, initial=["Check. Think.", "Step."])
    assert endpoint.proposals == 0
    metric = lambda reply, answer: answer in reply  # noqa: E731
    assert search(endpoint, metric=metric, steps=1).train.value > 0


def test_it_fails(endpoint):
    endpoint.fails = lambda number: True
    with pytest.raises(opro.FailedError, match="no such question") as caught:
        search(endpoint, max_failures=1)
    assert caught.value.result is None
    endpoint.fails = lambda number: number == 50  # one of the test
    result = search(endpoint)
    assert (result.test.known, result.test.examples) == (11, 12)

    def stop(event):
        if event.kind == "step_ended" and event.step == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        search(endpoint, observer=stop)
    assert caught.value.result.train.value > 0
    assert not caught.value.result.test.known


@played.needs_journals
def test_with_a_journal_and_a_recording(endpoint, tmp_path):
    model = opro.Model(endpoint.url, "m", record=tmp_path / "r")
    settings = {**SETTINGS, "split": tuple(SETS.values())}
    first = opro.optimize_prompt(examples(), model, **settings, journal=tmp_path / "j")
    model.close()
    assert opro.Journal(tmp_path / "j").summary().closed
    asked = endpoint.answers
    replayed = opro.Model(replay=tmp_path / "r")
    again = opro.optimize_prompt(examples(), replayed, **settings)
    assert again.run.trajectory.hash == first.run.trajectory.hash
    assert again.test == first.test
    assert endpoint.answers == asked


def test_with_asyncio(endpoint):
    async def main():
        model = opro.Model(endpoint.url, "m")
        settings = {**SETTINGS, "split": tuple(SETS.values())}
        return await opro.aio.optimize_prompt(examples(), model, **settings)

    result, same = asyncio.run(main()), search(endpoint)
    assert result.run.trajectory.hash == same.run.trajectory.hash
    assert result.test == same.test
    assert result.comparisons == same.comparisons


def test_before_anything_is_paid(endpoint):
    model = opro.Model(endpoint.url, "m")
    plan = opro.Search(examples(), model, **SETTINGS, split=tuple(SETS.values()))
    estimate = plan.estimate()
    assert endpoint.answers == endpoint.proposals == 0
    search(endpoint)
    used = {"proposals": endpoint.proposals, "scorer_calls": endpoint.answers}
    used.update(zip(("prompt_tokens", "reply_tokens"), endpoint.tokens))
    for name, number in used.items():
        assert estimate[name].low <= number <= estimate[name].high, name
    with pytest.raises(opro.InvalidError, match="no end"):
        opro.Search(examples(), model, steps=0).estimate()


def test_instructions_compared(endpoint):
    truth = played.truth()
    texts = ["", "Think carefully.", "Guess quickly."]
    model = opro.Model(endpoint.url, "m")
    found = opro.evaluate_prompts(examples(), texts, model)
    assert [one.instruction for one in found] == texts
    assert found[0].better is None
    for one in found:
        assert one.accuracy.value == pytest.approx(truth.accuracy(one.instruction, range(60)))
    for one in found[1:]:
        value, low, high = truth.paired("", one.instruction, range(60))
        assert one.better[:3] == pytest.approx((value, low, high), abs=1e-6)
    few = opro.evaluate_prompts(examples(), texts, model, set=[3, 5], position="system")
    assert few[0].accuracy.examples == 2
