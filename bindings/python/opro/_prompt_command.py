# SPDX-License-Identifier: MIT
"""The commands that ask models: optimize, evaluate."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from . import _prompt_words as say
from ._command import GOOD, WRONG, Failure, Output, warn
from ._errors import Error, FailedError
from ._prompt_arguments import Setting, chosen, list_options, parser, read, setting, who_of
from ._story import Line, Story
from .dataset import SETS
from .driver import Local
from .exam import Estimate, Examiner, Sheet
from .meta_prompt import estimate_tokens
from .prompt import START, Evaluation, PromptResult, Search, compared, examiner_for

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .exam import Exam

_INTERRUPTED = 130


def main(verb: str, arguments: Sequence[str]) -> int:
    """Do it; returns the exit code."""
    given = parser(verb).parse_args(arguments)
    if given.options:
        list_options()
        return GOOD
    if given.dataset is None:
        raise Failure("missing: --dataset FILE (--help tells how to use it)", WRONG)
    output = Output(None if given.dry_run else _report_of(given), given.dataset)
    try:
        return _optimize(given, output) if verb == "optimize" else _evaluate(given, output)
    except Error as error:
        raise Failure(error) from None
    finally:
        output.forget()


def _report_of(given: argparse.Namespace) -> str | None:
    path: str | None = given.report if hasattr(given, "report") else given.csv
    return path


def _parts(at: Setting, story: Story, line: Line) -> dict[str, Any]:
    """What searches and examiners are made of."""

    def answered(answer: Any) -> None:
        story.answered(answer)
        line.show()

    return {"metric": at.metric, "judge": at.judge, "config": at.config, "answered": answered}


# ---- optimize ----------------------------------------------------------------------------------


def _optimize(given: argparse.Namespace, output: Output) -> int:
    proposer = who_of("optimizer", given.optimizer, "local")
    at = setting(given, given.test, proposer)
    story = Story()
    line = Line(not given.json, lambda: say.optimize_line(search, at, story, answers))
    search = Search(
        at.dataset,
        at.model,
        optimizer=Local() if proposer.kind == "local" else at.other or at.model,
        test=given.test,
        baseline=not given.no_baseline,
        initial=given.initial or START,
        description=given.description,
        observer=story.hear,
        journal=given.journal,
        **_parts(at, story, line),
    )
    try:
        estimate = search.estimate()
    except Error as error:
        raise Failure(f"the estimate: {error}") from None
    answers = estimate["scorer_calls"].likely
    warn("\n".join(say.estimates(estimate)))
    if given.dry_run:
        if given.json:
            print(json.dumps(say.optimize_dry(given, at, estimate), indent=2))
        return GOOD
    result, interrupted = _search(search, given, line)
    if output.path is not None:
        from . import _prompt_page as page

        draw = page.picture if output.path.endswith(".svg") else page.page
        output.write(draw(page.Shown(given.dataset, at, search, result, story)))
    told = say.Told(given, at, search, result, story, interrupted)
    if given.json:
        print(json.dumps(say.optimize_json(told, estimate), indent=2))
    else:
        print("\n".join(say.optimize_words(told)))
    return _INTERRUPTED if interrupted else GOOD


def _search(search: Search, given: argparse.Namespace, line: Line) -> tuple[PromptResult, bool]:
    """Search, and examine the winner; Ctrl-C ends it with what there is."""
    interrupted = False
    exams: dict[tuple[str, str], Exam] = {}
    try:
        search.driver.run()
        search.check()
        again = given.report is not None and search.config["exam_temperature"] == 0
        exams = search.examine(search.plan(everything=again))
    except KeyboardInterrupt:
        interrupted = True
    except FailedError as error:
        raise Failure(error) from None
    finally:
        line.wipe()
        search.close_journal()
    result = search.result(exams)
    if result is None:
        raise KeyboardInterrupt
    return result, interrupted


# ---- evaluate ----------------------------------------------------------------------------------


def _evaluate(given: argparse.Namespace, output: Output) -> int:
    if given.split in (*SETS, "all"):  # that of the default split
        given.set, given.split = given.split, None
    name = chosen("set", given.set, ("all", *SETS))
    instructions = [*given.instructions_given]
    if given.instructions is not None:
        lines = read(given.instructions).split("\n")
        instructions += [line.removesuffix("\r") for line in lines[: -1 if not lines[-1] else None]]
    if not instructions:
        raise Failure('missing: an instruction, "" for none (--help tells how to use it)', WRONG)
    at = setting(given, name == "test", None)
    story = Story()
    line = Line(not given.json, lambda: say.answers_line(at, story, answers))
    examiner, _ = examiner_for(at.dataset, at.model, **_parts(at, story, line))
    examples = examiner._indices(None if name == "all" else name)
    if not examples:
        raise Failure(f"{given.dataset}: it has no {name} examples; see --split")
    answers = len(instructions) * len(examples)
    estimate = _estimate(examiner, at, given, instructions, examples)
    warn("\n".join(say.estimates(estimate)))
    exams: list[Evaluation] = []
    interrupted = False
    if not given.dry_run:
        exams, interrupted = _examine(examiner, instructions, examples, line)
    if output.path is not None:
        output.write(_table(at, exams))
    if given.json:
        told = say.evaluate_json(given, at, exams, len(examples), estimate, interrupted)
        print(json.dumps(told, indent=2))
    elif not given.dry_run:
        print("\n".join(say.evaluate_words(given, at, exams, interrupted)))
    return _INTERRUPTED if interrupted else GOOD


def _examine(
    examiner: Examiner, instructions: list[str], examples: list[int], line: Line
) -> tuple[list[Evaluation], bool]:
    """All exams at once; Ctrl-C ends them with what is known."""
    interrupted = False
    sheets = [Sheet(examiner, each, examples) for each in instructions]
    try:
        for sheet in sheets:
            sheet.begin()
        examiner._wait(sheets)
    except KeyboardInterrupt:
        interrupted = True
    line.wipe()
    found = compared(sheet.exam for sheet in sheets)
    for sheet in sheets:
        sheet.close()
    fault = say.first_fault(found)
    if not interrupted and not any(one.accuracy.known for one in found):
        raise Failure(f"no answer came: {fault}")
    return found, interrupted


def _estimate(
    examiner: Examiner,
    at: Setting,
    given: argparse.Namespace,
    instructions: list[str],
    examples: list[int],
) -> dict[str, Estimate]:
    """What exams will use: at least, likely, at most.

    With a second question or a judge, what is sent and said goes round once more, with some words
    around it.
    """
    answers = len(instructions) * len(examples)
    tokens = _prompt_tokens(examiner, instructions, examples)
    most, more = _number(at, "exam_max_tokens"), _number(at, "exam_second_tokens")
    replies, seconds = (1, min(150, most), most), (1, min(10, more), more)
    read, written, cost = [], [], []
    for k in range(3):
        judged = given.judge / (1 if k else len(instructions))  # the same reply is judged once
        rounds = given.second_question + judged
        around = given.second_question * (0, 10, 20)[k] + judged * (0, 150, 300)[k]
        read.append(tokens[k] * (1 + rounds) + answers * (rounds * replies[k] + around))
        written.append(answers * (replies[k] + rounds * seconds[k]))
        prompt, reply = _number(at, "model_prompt_price"), _number(at, "model_reply_price")
        cost.append((read[k] * prompt + written[k] * reply) / 1e6)
    named = {"answers": [answers] * 3, "prompt_tokens": read, "reply_tokens": written, "cost": cost}
    return {name: Estimate(*map(int, numbers)) for name, numbers in named.items()}


def _number(at: Setting, option: str) -> int:
    value = at.prices[option]
    return value if isinstance(value, int) else 0


def _prompt_tokens(examiner: Examiner, instructions: list[str], examples: list[int]) -> list[float]:
    """All examples with the first instruction; of the others, how much longer they are."""
    first = [_tokens_of(examiner, instructions[0], example) for example in examples]
    tokens = [sum(each) * len(instructions) for each in zip(*first)]
    for instruction in instructions[1:]:
        longer = zip(_tokens_of(examiner, instruction, examples[0]), first[0])
        tokens = [sum_ + (a - b) * len(examples) for sum_, (a, b) in zip(tokens, longer)]
    return tokens


def _tokens_of(examiner: Examiner, instruction: str, example: int) -> tuple[float, float, float]:
    texts = [message.text for message in examiner.messages(instruction, example)]
    sizes = [len(text.encode()) for text in texts]
    return (
        sum(size / 8 for size in sizes),
        sum(size / 4 + 4 for size in sizes),
        40 + sum(estimate_tokens(text) * 1.1 + 8 for text in texts),
    )


def _table(at: Setting, exams: list[Evaluation]) -> str:
    """One row for each instruction and example."""
    out = io.StringIO()
    table = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    head = "instruction example question answer verdict score extracted rule reply second_reply"
    table.writerow([*head.split(), "fault"])
    for one in exams:
        for answer in one.exam.answers:
            example = at.dataset[answer.example]
            score = "" if answer.score is None else f"{answer.score:.6g}"
            table.writerow(
                [
                    *(one.instruction, answer.example, example.question, example.answer),
                    *(say.verdict(answer.score), score, answer.extracted, answer.rule),
                    *(answer.reply, answer.second_reply, answer.fault),
                ]
            )
    return out.getvalue()
