# SPDX-License-Identifier: MIT
"""Examining instructions: how well does a model answer the questions of a dataset with one?"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, NamedTuple

from ._answerer import ScorerHandle
from ._ffi import CONSTANTS
from ._handle import Handle, encoded, text_at
from ._load import C
from ._options import Config, number, static, words
from ._share import Share, share_of
from .model import CALL_FIGURES
from .request import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ._options import Log, Value
    from .dataset import Dataset
    from .metric import Metric
    from .model import Model
    from .problem import Problem

_ROLES = words("OPRO_ROLE_")
_ESTIMATES = words("OPRO_ESTIMATE_")
_FIGURES = {CONSTANTS["OPRO_EXAM_CALLS"]: "calls", **CALL_FIGURES}
_NO_END = 2**63 - 1


class Answer(NamedTuple):
    """How a model answered an example."""

    example: int
    """Its index in the dataset."""
    score: float | None
    """From 0 (wrong) to 1 (right); None: unknown, the call failed."""
    reply: str
    second_reply: str
    """The reply to the second question, or the judge's words."""
    extracted: str
    """What was taken for the answer."""
    rule: str
    """The rule that decided."""
    fault: str
    """Why it is unknown."""


class Exam(NamedTuple):
    """What came of an exam."""

    instruction: str
    accuracy: Share
    """The mean score of the answers that are known, with its 95 % interval."""
    answers: tuple[Answer, ...]
    figures: dict[str, int]
    """ "calls", "prompt_tokens", "reply_tokens", "cost" (millionths), "cache_hits", ..."""

    @property
    def scores(self) -> list[float]:
        """Of each example; NaN: unknown."""
        return [float("nan") if one.score is None else one.score for one in self.answers]


class Estimate(NamedTuple):
    """What a run will use: what is likely, and between what. high None: nothing limits it."""

    low: int
    likely: int
    high: int | None


class Examiner(Handle):
    """Who examines instructions, with the examples of a dataset, a metric and a model.

        examiner = opro.Examiner(dataset, model)
        print(examiner.examine("Think first.").accuracy)
        opro.Driver(opro.Problem.dataset(dataset), optimizer=model, scorer=examiner).run()

    metric: None is "strict", for the kind of answers that the dataset has.
    judge: a model that is asked whether a reply is right, in place of the metric; question: how,
        with {question}, {answer} and {reply}.
    template: what is sent, by role: {"system": "{instruction}", "user": "{question}"}.
    shots: examples (question, answer) that are shown before each question.
    observer: hears the Answer of each example that is decided, in any exam.
    Options are keywords: position, question_marks, and those that begin with "exam_".

    It belongs to the thread of its models.
    """

    __slots__ = ("_models", "dataset")
    _c_free = "opro_examiner_free"
    _c_error = "opro_examiner_error"

    dataset: Dataset
    _models: tuple[Model, ...]

    def __init__(
        self,
        dataset: Dataset,
        model: Model,
        *,
        metric: Metric | None = None,
        judge: Model | None = None,
        question: str | None = None,
        template: Mapping[str, str] | None = None,
        shots: Iterable[tuple[str, str]] = (),
        observer: Callable[[Answer], object] | None = None,
        config: Config | None = None,
        log: Log | None = None,
        log_level: str = "warning",
        **options: Value,
    ) -> None:
        config = Config(options, config=config, log=log, log_level=log_level)
        self.dataset = dataset
        self._models = (model,) if judge is None or judge is model else (model, judge)
        keeps = (config, dataset, model, *([metric] if metric else []))
        self._new(C.opro_examiner_new, dataset, metric, model, config, None, keeps=keeps)
        for each in (self, *self._models):
            each._guard = model._guard
        for role, text in (template or {}).items():
            data = encoded(text)
            role_number = number("OPRO_ROLE_", role, "role")
            self._call(C.opro_examiner_set_template, role_number, data, len(data))
        for shown, wanted in shots:
            first, second = encoded(shown), encoded(wanted)
            self._call(C.opro_examiner_add_shot, first, len(first), second, len(second))
        if judge is not None:
            asked = None if question is None else encoded(question)
            self._call(C.opro_examiner_set_judge, judge, asked, len(asked or b""))
            self._keeps += (judge,)
        if observer is not None:
            self._observe(observer)

    def _observe(self, observer: Callable[[Answer], object]) -> None:
        def hear(_: int, exam: int, index: int) -> None:
            observer(_answer(exam, index))

        self._set_callback(C.opro_examiner_set_observer, "examiner_fn", hear)

    def _scorer(self, problem: Problem, config: Config) -> Handle:
        return ScorerHandle._made(C.opro_scorer_new_exam, self, None, keeps=(self,))

    # ---- examining ----

    def examine(self, instruction: str = "", examples: str | Iterable[int] | None = None) -> Exam:
        """Examine an instruction, and wait. Ctrl-C gets through.

        examples: a set, "train", "validation" or "test", or indices into the dataset; None: all.
        """
        return self.examine_all([instruction], examples)[0]

    def examine_all(
        self, instructions: Iterable[str], examples: str | Iterable[int] | None = None
    ) -> list[Exam]:
        """As examine(), several at a time."""
        chosen = self._indices(examples)
        return self._examine([(each, chosen) for each in instructions])

    def _examine(self, papers: Iterable[tuple[str, list[int]]]) -> list[Exam]:
        sheets = [Sheet(self, instruction, chosen) for instruction, chosen in papers]
        try:
            for sheet in sheets:
                sheet.begin()
            self._wait(sheets)
            return [sheet.exam for sheet in sheets]
        finally:
            for sheet in sheets:
                sheet.close()

    def _wait(self, sheets: list[Sheet]) -> None:
        slice = 0.1 if len(self._models) == 1 else 0.02
        while not all(sheet.done for sheet in sheets):
            for model in self._models:
                model.poll(slice)

    async def examine_async(
        self, instruction: str = "", examples: str | Iterable[int] | None = None
    ) -> Exam:
        """As examine(), in asyncio's running loop; cancelling it ends its calls."""
        from .aio import examine

        return await examine(self, instruction, examples)

    def _indices(self, examples: str | Iterable[int] | None) -> list[int]:
        if examples is None:
            return list(range(len(self.dataset)))
        return list(self.dataset.indices(examples) if isinstance(examples, str) else examples)

    # ---- before anything is paid ----

    def messages(self, instruction: str, example: int) -> tuple[Message, ...]:
        """What would be sent for an instruction and an example."""
        data = encoded(instruction)
        self._call(C.opro_examiner_build, data, len(data), example)
        return tuple(
            Message(
                _ROLES[self._get(C.opro_examiner_message_role, index)],
                self._text(C.opro_examiner_message_text, index),
            )
            for index in range(self._get(C.opro_examiner_messages))
        )

    def estimate(
        self,
        problem: Problem,
        optimizer: Model | None = None,
        *,
        config: Config | None = None,
        **options: Value,
    ) -> dict[str, Estimate]:
        """What a run will use, before anything is paid.

        Of "proposals", "scorer_calls", "prompt_tokens", "reply_tokens" and "cost" (millionths).
        optimizer: the model that proposes; None: proposals cost nothing. Options: as for the run.
        """
        config = Config(options, config=config)
        found = {}
        for figure, name in _ESTIMATES.items():
            numbers = [ctypes.c_int64() for _ in range(3)]
            places = map(ctypes.byref, numbers)
            self._call(C.opro_examiner_estimate, problem, optimizer, config, figure, *places)
            low, likely, high = (each.value for each in numbers)
            found[name] = Estimate(low, likely, None if high == _NO_END else high)
        return found


class Sheet(Handle):
    """An exam that is under way."""

    __slots__ = ("_examples", "_instruction")
    _c_free = "opro_exam_free"
    _brief = True

    def __init__(self, examiner: Examiner, instruction: str, examples: list[int]) -> None:
        data = encoded(instruction)
        array = (ctypes.c_int64 * len(examples))(*examples)
        self._instruction = instruction
        self._examples = len(examples)
        keeps = (examiner,)
        self._new(C.opro_exam_new, examiner, data, len(data), array, len(examples), keeps=keeps)
        self._guard = examiner._guard

    def begin(self, done: Callable[[], object] | None = None) -> None:
        """Begin. done: called inside the model's poll() and its kin when it is over."""

        def hear(_: int, event: int, index: int) -> None:
            if event == CONSTANTS["OPRO_EXAM_DONE"] and done is not None:
                done()

        self._set_callback(C.opro_exam_begin, "exam_fn", done and hear)

    def _failure(self, status: int) -> Any:
        examiner: Any = self._keeps[0]
        return examiner._failure(status)

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return bool(self._get(C.opro_exam_done))

    @property
    def exam(self) -> Exam:
        """What came of it."""
        pointer = self._alive()
        answers = tuple(_answer(pointer, index) for index in range(self._examples))
        scores = [float("nan") if one.score is None else one.score for one in answers]
        figures = {name: self._get(C.opro_exam_figure, at) for at, name in _FIGURES.items()}
        return Exam(self._instruction, share_of(scores), answers, figures)


def _answer(exam: int, index: int) -> Answer:
    """An answer of an exam that is alive, here or as the argument of a callback."""
    length = ctypes.c_size_t()

    def text(function: Any) -> str:
        pointer = function(exam, index, ctypes.byref(length))
        return text_at(pointer, length.value)

    score = C.opro_exam_score(exam, index)
    return Answer(
        example=C.opro_exam_example(exam, index),
        score=None if score != score else score,
        reply=text(C.opro_exam_reply),
        second_reply=text(C.opro_exam_second_reply),
        extracted=text(C.opro_exam_extracted),
        rule=static(C.opro_exam_rule(exam, index)),
        fault=text(C.opro_exam_fault),
    )
