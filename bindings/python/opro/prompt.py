# SPDX-License-Identifier: MIT
"""Instructions for a model: searched for, and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ._errors import FailedError, InvalidError
from ._options import Config
from ._share import Share, difference, share_of
from .dataset import SETS, Dataset
from .driver import Driver
from .exam import Estimate, Exam, Examiner
from .metric import Metric
from .model import Model
from .problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from ._options import Log, Value
    from .dataset import Examples
    from .driver import Optimizer
    from .exam import Answer
    from .runs import Event, Gap, Run
    from .trajectory import Candidate

START = "Let's solve the problem."
STEPS = 50


class Comparison(NamedTuple):
    """The winner beside another instruction."""

    name: str
    """ "no instruction" or "the start". """
    instruction: str
    set: str
    """On which examples: the test's if there are any, else of validation, else of training."""
    accuracy: Share
    """Of the other one."""
    better: Share
    """By how much the winner is better, example by example, with its 95 % interval."""


@dataclass(frozen=True)
class PromptResult:
    """What came of a search for an instruction. print() says it in words."""

    instruction: str
    train: Share
    """On the examples that it was chosen by, among all: too good."""
    validation: Share
    """On those that decided among the best few: slightly too good."""
    test: Share
    """On those that nobody had looked at before."""
    gap: Gap | None
    """By how much training is better than validation."""
    comparisons: tuple[Comparison, ...]
    use: dict[str, int]
    """Of both models, with what came after the run: "requests", "prompt_tokens", "reply_tokens",
    "cost" (millionths), "cache_hits", "retries"."""
    stop_reason: str
    run: Run
    """The run, to be looked at."""
    exams: dict[tuple[str, str], Exam]
    """Those that came after the run, by instruction and set."""

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.use["prompt_tokens"] + self.use["reply_tokens"]

    @property
    def cost(self) -> float:
        """Money, by the prices of the models (options model_prompt_price, model_reply_price)."""
        return self.use["cost"] / 1e6

    @property
    def held_out(self) -> str:
        """Which examples tell how good it is: "test", "validation", or "train": none do."""
        known = {"test": self.test.known, "validation": self.validation.known}
        return next((name for name, count in known.items() if count), "train")

    def __str__(self) -> str:
        lines = [self.instruction or "(none: the questions alone)"]
        shares = (("training", self.train), ("validation", self.validation), ("test", self.test))
        lines += [f"{name}: {share}" for name, share in shares if share.known]
        for each in self.comparisons:
            better = each.better
            if better.value is not None and better.low is not None and better.high is not None:
                bounds = f"{100 * better.low:.1f} to {100 * better.high:.1f}"
                lines.append(f"better than {each.name}: {100 * better.value:+.1f} ({bounds})")
        lines.append(f"{self.tokens} tokens" + (f", cost {self.cost:.4f}" if self.cost else ""))
        return "\n".join(lines)


def optimize_prompt(examples: Examples, model: Model | str, **settings: Any) -> PromptResult:
    """Look for the instruction with which a model answers the questions of a dataset best.

        model = opro.Model("http://127.0.0.1:8080/v1", "gemma")
        result = opro.optimize_prompt("reviews.jsonl", model, steps=20)
        print(result.instruction, result.test)

    examples: a Dataset, the path of a file, or pairs (question, answer).
    model: answers, and proposes unless optimizer says who does.
    settings: see Search.

    An exception of a callback, and Ctrl-C, come out of this call; its attribute result is what
    there was until then, if anything was scored. FailedError: nothing was, or the run failed.
    """
    search = Search(examples, model, **settings)
    try:
        search.driver.run()
        search.check()
        exams = search.examine(search.plan())
    except BaseException as error:
        error.result = search.result({})  # type: ignore[attr-defined]
        raise
    finally:
        search.close_journal()
    result = search.result(exams)
    assert result is not None  # check() says so
    return result


class Evaluation(NamedTuple):
    """How well an instruction does."""

    instruction: str
    accuracy: Share
    better: Share | None
    """By how much it is better than the first one, example by example; None: it is the first."""
    exam: Exam


def evaluate_prompts(
    examples: Examples,
    instructions: Iterable[str],
    model: Model | str,
    *,
    set: str | Sequence[int] | None = None,
    **settings: Any,
) -> list[Evaluation]:
    """How well does a model answer with these instructions? Each is compared with the first.

    set: "train", "validation" or "test", or indices; None: all examples.
    settings: as those of Search for the dataset, the metric and the examiner.
    """
    examiner, _ = examiner_for(examples, model, **settings)
    return compared(examiner.examine_all(instructions, set))


def compared(exams: Iterable[Exam]) -> list[Evaluation]:
    """Exams of the same examples, each compared with the first."""
    found: list[Evaluation] = []
    for exam in exams:
        better = difference(found[0].exam.scores, exam.scores) if found else None
        found.append(Evaluation(exam.instruction, exam.accuracy, better, exam))
    return found


def examiner_for(
    examples: Examples,
    model: Model | str,
    *,
    layout: str = "auto",
    columns: Sequence[str] | None = None,
    split: Sequence[Any] | None = None,
    test: bool = True,
    metric: Metric | str | Callable[[str, str], Any] = "strict",
    task: str | None = None,
    pattern: str | None = None,
    judge: Model | None = None,
    answered: Callable[[Answer], object] | None = None,
    config: Config | None = None,
    log: Log | None = None,
    log_level: str = "warning",
    **options: Value,
) -> tuple[Examiner, Config]:
    """The examiner that settings ask for, and their options."""
    dataset = examples
    if not isinstance(dataset, Dataset):
        dataset = Dataset(examples, layout=layout, columns=columns)
        if split is None:
            dataset.split_default(test)
    if split is not None:
        dataset.split(*split)
    if not isinstance(metric, Metric):
        metric = Metric(metric, task or dataset.task, pattern=pattern)
    if options.get("position") in ("before_q", "a_begin"):  # it is about these
        options.setdefault("question_marks", 1)
    config = Config(options, config=config, log=log, log_level=log_level)
    model = Model.from_env(model) if isinstance(model, str) else model
    examiner = Examiner(
        dataset, model, metric=metric, judge=judge, observer=answered, config=config
    )
    return examiner, config


class Search:
    """A search for an instruction, piece by piece; optimize_prompt() puts them together.

    optimizer: who proposes: a model, Local(), or a function; None: the model that answers.
    metric: when an answer is right: a Metric, its kind, or a function (reply, answer) -> bool.
    task: the kind of answers; None: as they look. pattern: of the metric. judge: a model, instead.
    split: shares (train, validation, test), or lists of indices. None: of 100 examples or more a
        fifth is for validation and one for the test; a Dataset stays as it is.
    test: score the winner on the test examples in the end. baseline: compare it with no instruction
        and with the start.
    initial: instructions to start from. description: what the task is, for who proposes.
    layout, columns: of the file. observer, journal: as for Driver. answered: hears each Answer.
    Options are keywords: steps (50, unless config is given), samples_per_step, position, ...
    """

    def __init__(
        self,
        examples: Examples,
        model: Model | str,
        *,
        optimizer: Optimizer | Model | None = None,
        test: bool = True,
        baseline: bool = True,
        initial: str | Iterable[str] = START,
        description: str | None = None,
        observer: Callable[[Event], object] | None = None,
        journal: Any = None,
        **settings: Any,
    ) -> None:
        if "config" not in settings:
            settings.setdefault("steps", STEPS)
        self.examiner, config = examiner_for(examples, model, test=test, **settings)
        self.dataset = self.examiner.dataset
        self.initial = [initial] if isinstance(initial, str) else list(initial)
        self.problem = Problem.dataset(self.dataset, description, initial=self.initial)
        self.optimizer: Any = self.examiner._models[0] if optimizer is None else optimizer
        self.config = config
        self.failure = ""
        self._observer = observer
        self._journal = journal
        self._test = test
        self._baseline = baseline
        self._before = self._figures()
        self._driver: Driver | None = None

    # ---- before it ----

    def estimate(self) -> dict[str, Estimate]:
        """What it will use, with the exams in the end; see Examiner.estimate()."""
        optimizer = self.optimizer if isinstance(self.optimizer, Model) else None
        found = self.examiner.estimate(self.problem, optimizer, config=self.config)
        test = len(self.dataset.indices("test")) if self._test else 0
        validation = len(self.dataset.indices("validation"))
        held = test or validation or len(self.dataset.indices("train"))
        likely = test + (2 * held if self._baseline else 0)
        more = (0, likely, likely + validation)  # the cache may have all; the run, none
        calls = found["scorer_calls"]
        return {
            name: each if name == "proposals" else _longer(each, calls, more)
            for name, each in found.items()
        }

    @property
    def driver(self) -> Driver:
        """The run; it is made when it is first asked for."""
        if self._driver is None:
            self._driver = Driver(
                self.problem,
                optimizer=self.optimizer,
                scorer=self.examiner,
                config=self.config,
                observer=self._hear,
                journal=self._journal,
            )
        return self._driver

    def _hear(self, event: Event) -> None:
        if event.kind == "failed":
            self.failure = event.detail
        if self._observer is not None:
            self._observer(event)

    # ---- after it ----

    def check(self) -> None:
        """FailedError if the run failed, or nothing was scored."""
        reason = self.driver.stop_reason
        if reason in ("failures", "error"):
            raise FailedError(f"the run failed: {self.failure} ({reason})")
        if self.driver.trajectory.best is None:
            why = f": {self.failure}" if self.failure else ""
            raise FailedError(f"nothing was scored before the run stopped ({reason}){why}")

    def close_journal(self) -> None:
        """Close the journal if it was given by its path."""
        if self._journal is not None and self._driver is not None:
            from .journal import close_own

            close_own(self._driver)

    def plan(self, everything: bool = False) -> list[tuple[str, str]]:
        """What is still to be examined: pairs (instruction, set).

        The winner on what it was not scored on, or on everything; and what it is compared with.
        """
        winner = self._winner()
        wanted = []
        for name in SETS if winner else ():
            known = self._share(winner, name)
            if (name == "test" and not self._test) or not known.examples:
                continue
            if everything or known.known < known.examples:
                wanted.append((winner.text, name))
        if winner and self._baseline:
            wanted += [(text, self._held()) for _, text in self._others(winner)]
        return wanted

    def examine(self, plan: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Exam]:
        """Examine them, and wait."""
        return dict(zip(plan, self.examiner._examine(self.papers(plan))))

    def papers(self, plan: Sequence[tuple[str, str]]) -> list[tuple[str, list[int]]]:
        """The same with the examples of each."""
        return [(text, list(self.dataset.indices(name))) for text, name in plan]

    def result(self, exams: dict[tuple[str, str], Exam]) -> PromptResult | None:
        """What came of it, with these exams of plan(); None: nothing was scored."""
        winner = self._winner()
        if winner is None:
            return None
        shares = {name: self._share(winner, name) for name in SETS}
        for name, share in shares.items():
            exam = exams.get((winner.text, name))
            if exam is not None and share.known < share.examples:
                shares[name] = exam.accuracy
        return PromptResult(
            winner.text,
            shares["train"],
            shares["validation"],
            shares["test"],
            self._gap(),
            tuple(self._compare(winner, exams)),
            self.use,
            self.driver.stop_reason,
            self.driver.handle,
            exams,
        )

    @property
    def use(self) -> dict[str, int]:
        """What the models have used since this search was made."""
        now = self._figures()
        names = ("requests", "retries", "cache_hits", "prompt_tokens", "reply_tokens", "cost")
        return {name: now[name] - self._before[name] for name in names}

    def _figures(self) -> dict[str, int]:
        models = dict.fromkeys(self.examiner._models)
        if isinstance(self.optimizer, Model):
            models[self.optimizer] = None
        found: dict[str, int] = {}
        for model in models:
            for name, value in model.figures.items():
                found[name] = found.get(name, 0) + value
        return found

    def _winner(self) -> Any:
        return self._driver and self._driver.winner

    def _held(self) -> str:
        sets = ["test"] if self._test else []
        return next((name for name in [*sets, "validation"] if self.dataset.indices(name)), "train")

    def _share(self, candidate: Candidate, name: str) -> Share:
        return share_of(_scores(candidate, name), len(self.dataset.indices(name)))

    def _gap(self) -> Gap | None:
        try:
            return self.driver.handle.gap
        except InvalidError:
            return None

    def _others(self, winner: Candidate) -> list[tuple[str, str]]:
        others = [] if "" in self.initial else [("no instruction", "")]
        start = next(iter(self.initial), winner.text)
        return others + ([("the start", start)] if start != winner.text else [])

    def _compare(
        self, winner: Candidate, exams: dict[tuple[str, str], Exam]
    ) -> Iterable[Comparison]:
        held = self._held()
        own = exams.get((winner.text, held))
        scores = own.scores if own is not None else _scores(winner, held)
        for name, text in self._others(winner):
            exam = exams.get((text, held))
            if exam is not None:
                better = difference(exam.scores, scores)
                yield Comparison(name, text, held, exam.accuracy, better)


def _scores(candidate: Candidate, name: str) -> Sequence[float]:
    return {"train": candidate.scores, "validation": candidate.validation_scores}.get(name, ())


def _longer(estimate: Estimate, calls: Estimate, more: Sequence[int]) -> Estimate:
    """An estimate with so many more calls, which are as long as those of the run."""
    grown = [
        number if number is None or not count else int(number * (1 + extra / count))
        for number, count, extra in zip(estimate, calls, more)
    ]
    return Estimate(*grown)  # type: ignore[arg-type]
