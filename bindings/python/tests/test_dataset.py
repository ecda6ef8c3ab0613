# SPDX-License-Identifier: MIT
"""Datasets, metrics, exams."""

import json

import played
import pytest

import opro

PAIRS = [(f"{at} + 1?", str(at + 1)) for at in range(10)]


# ---- datasets ----------------------------------------------------------------------------------


def test_pairs():
    dataset = opro.Dataset(PAIRS)
    assert (len(dataset), dataset.task, dataset[-1]) == (10, "number", ("9 + 1?", "10", ()))
    assert [example.answer for example in dataset] == [answer for _, answer in PAIRS]
    assert dataset[2:4] == [dataset[2], dataset[3]]
    assert dataset.indices("train") == tuple(range(10))
    with pytest.raises(IndexError):
        _ = dataset[10]
    choice = opro.Dataset([("Which?", "A", ["Paris", "Rome"])])
    assert choice[0].options == ("(A) Paris", "(B) Rome")
    assert choice[0].question.startswith("Which?\n(A) Paris\n(B) Rome\n")
    for wrong in (["ab"], [("only",)], [("a", "b", "c", "d")], [("", "x")]):
        with pytest.raises(opro.InvalidError):
            opro.Dataset(wrong)


def test_files(tmp_path):
    path = tmp_path / "d.jsonl"
    lines = [json.dumps({"text": question, "label": answer}) for question, answer in PAIRS]
    path.write_text("\n".join(lines))
    dataset = opro.Dataset(path, columns=("text", "label"))
    assert dataset.digest == opro.Dataset(PAIRS).digest
    assert opro.Dataset(str(path), layout="jsonl", columns=["text", "label"]).task == "number"
    with pytest.raises(opro.ParseError, match=r"d\.jsonl.*line 1"):
        opro.Dataset(path)
    path.write_text("\n".join([*lines, "junk"]))
    with pytest.raises(opro.ParseError, match="line 11"):
        opro.Dataset(path, columns=("text", "label"))
    dataset = opro.Dataset(path, columns=("text", "label"), skip_bad=True)
    assert (len(dataset), dataset.skipped) == (10, 1)
    dataset = opro.Dataset(columns=("1", "2"))
    dataset.read("a,b\nc,d\n", "csv")
    assert list(dataset) == [("a", "b", ()), ("c", "d", ())]
    with pytest.raises(opro.FailedError, match="none"):
        opro.Dataset(tmp_path / "none")
    with pytest.raises(opro.InvalidError, match="jsonl"):
        opro.Dataset(path, layout="xml")
    with pytest.raises(opro.InvalidError, match="columns"):
        opro.Dataset(path, columns=("text",))


def test_lazy():
    asked = []

    def example(index):
        asked.append(index)
        return PAIRS[index]

    dataset = opro.Dataset.lazy(10, example)
    assert dataset.digest == opro.Dataset(PAIRS).digest
    assert {*asked} == {*range(10)}
    assert dataset[3] == ("3 + 1?", "4", ())
    broken = opro.Dataset.lazy(2, lambda index: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _ = broken[0]


def test_splits():
    dataset = opro.Dataset(PAIRS)
    dataset.split(0.5, 0.2, 0.3, seed=4)
    sets = [dataset.indices(name) for name in ("train", "validation", "test")]
    assert [len(each) for each in sets] == [5, 2, 3]
    assert sorted(index for each in sets for index in each) == list(range(10))
    dataset.split([3, 1], test=range(5, 8))
    assert dataset.indices("train") == (1, 3)
    assert (dataset.indices("validation"), dataset.indices("test")) == ((), (5, 6, 7))
    assert "2 train, 0 validation, 3 test" in repr(dataset)
    dataset.split_published()
    assert [len(dataset.indices(name)) for name in ("train", "test")] == [2, 8]
    with pytest.raises(opro.InvalidError):
        dataset.split(0.9, 0.9)
    with pytest.raises(opro.InvalidError):
        dataset.split([1, 1])
    with pytest.raises(opro.InvalidError, match="train, validation, test"):
        dataset.indices("all")
    for count, test, sizes in ((99, True, (99, 0, 0)), (100, False, (80, 20, 0))):
        many = opro.Dataset([("q", "a")] * count)
        many.split_default(test)
        assert tuple(len(many.indices(each)) for each in ("train", "validation", "test")) == sizes
    many = opro.Dataset([("q", "a")] * 2000)
    many.split_default(True)
    assert len(many.indices("test")) == 1500


def test_a_problem_uses_it():
    dataset = opro.Dataset(PAIRS)
    dataset.split(range(6), range(6, 9), [9])
    problem = opro.Problem.dataset(dataset, "Adding.", initial=["Think."])
    assert (problem.instances, problem.validation, problem.direction) == (6, 3, "maximize")
    with pytest.raises(opro.StateError):
        dataset.add([("x", "y")])
    with pytest.raises(opro.InvalidError):
        opro.Problem.dataset(opro.Dataset())


# ---- metrics -----------------------------------------------------------------------------------


def test_metrics():
    strict = opro.Metric(task="number")
    assert strict.judge("So the answer is 1,234.", "1234")[:2] == (1.0, "1234")
    assert strict.judge("It is 5 or 6.", "5").score == 0
    assert strict.judge(None, "5").score == 0
    assert opro.Metric("number", tolerance=(0.1, 0)).judge("3.05", "3").score == 1
    assert opro.Metric("choice", "choice").judge("(B)", "(B)", "Which?\n(A) x\n(B) y").score == 1
    assert opro.Metric("regex", pattern="=([0-9]+)").judge("x=1, x=22", "22").score == 1
    assert opro.Metric("json_field", pattern="a").judge('{"a": "b"}', "b").score == 1
    with pytest.raises(opro.ParseError):
        opro.Metric("regex", pattern="(")
    with pytest.raises(opro.InvalidError, match="contains, regex, json_field"):
        opro.Metric("best")
    with pytest.raises(opro.InvalidError, match="choice"):
        opro.Metric(task="poem")


def test_a_metric_of_ones_own():
    half = opro.Metric(lambda reply, answer: 0.5 if answer in reply else False)
    assert half.judge("a b", "b") == (0.5, "", "host")
    assert half.judge("a b", "c").score == 0
    told = opro.Metric(lambda reply, answer: opro.Verdict(1.0, reply.upper(), "mine"))
    assert told.judge("x\u00e9", "y") == (1.0, "X\u00c9", "mine")
    with pytest.raises(ZeroDivisionError):
        opro.Metric(lambda reply, answer: 1 / 0).judge("a", "b")
    with pytest.raises(opro.Error):
        opro.Metric(lambda reply, answer: 7).judge("a", "b")


# ---- exams -------------------------------------------------------------------------------------


@played.needs_models
def test_exams():
    truth = played.truth()
    with played.model() as endpoint:
        model = opro.Model(endpoint.url, "m", model_prompt_price=1_000_000)
        dataset = opro.Dataset([(truth.question(at), str(truth.answer(at))) for at in range(20)])
        dataset.split(range(12), range(12, 20))
        heard = []
        examiner = opro.Examiner(dataset, model, observer=heard.append)
        exam = examiner.examine("Check.", "validation")
        right = truth.accuracy("Check.", range(12, 20))
        assert exam.accuracy.value == right
        assert (exam.accuracy.known, len(heard)) == (8, 8)
        low, high = truth.wilson(right, 8)
        assert exam.accuracy.low == pytest.approx(low)
        assert exam.accuracy.high == pytest.approx(high)
        assert [answer.example for answer in exam.answers] == list(range(12, 20))
        assert sorted(heard) == sorted(exam.answers)
        assert exam.figures["calls"] == 8
        assert exam.figures["cost"] == model.figures["cost"] > 0
        assert "8 examples" in str(exam.accuracy)
        both = examiner.examine_all(["", "Check."], [0, 1])
        assert [one.instruction for one in both] == ["", "Check."]
        assert examiner.messages("Check.", 3)[0].text == f"Check.\n{truth.question(3)}"
        endpoint.fails = lambda number: number == 13
        unknown = examiner.examine("Other.", "validation")
        assert (unknown.accuracy.known, unknown.accuracy.examples) == (7, 8)
        assert "no such question" in unknown.answers[1].fault
        assert unknown.answers[1].score is None


@played.needs_models
def test_how_an_examiner_asks():
    truth = played.truth()
    dataset = opro.Dataset([(truth.question(at), str(truth.answer(at))) for at in range(4)])
    with played.model() as endpoint:
        model = opro.Model(endpoint.url, "m")
        template = {"system": "{instruction}", "user": "Q: {question}"}
        examiner = opro.Examiner(dataset, model, template=template, shots=[("1 + 1?", "2")])
        roles = [message.role for message in examiner.messages("Think.", 0)]
        assert roles == ["system", "user", "assistant", "user"]
        metric = opro.Metric(lambda reply, answer: 0.25)
        assert opro.Examiner(dataset, model, metric=metric).examine().accuracy.value == 0.25
        judged = opro.Examiner(dataset, model, judge=opro.Model(endpoint.url, "judge"))
        assert judged.examine("Check.").accuracy.value == truth.accuracy("Check.", range(4))
        assert "judge" in endpoint.names

        def fail(answer):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            opro.Examiner(dataset, model, observer=fail).examine("x")
        with pytest.raises(opro.ParseError, match="poem"):
            opro.Examiner(dataset, model, template={"user": "{poem}"})
