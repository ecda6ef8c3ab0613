# SPDX-License-Identifier: MIT
"""The arguments of optimize and evaluate, and what they stand for."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, NamedTuple

from ._command import WRONG, Failure, Parser, words
from ._errors import Error, StateError, UnknownError, UnsupportedError
from ._options import Config, options
from .dataset import SETS, Dataset
from .metric import Metric
from .model import Call, Model
from .prompt import START, STEPS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_CODES = """
Exit code: 0 if all went well, 1 if not, 2 for wrong arguments, 130 after Ctrl-C
(what was found until then is printed).
"""
_ABOUT = {
    "optimize": "Look for the instruction with which a language model answers the questions of a\n"
    "dataset best: one model proposes, the same or another one answers.",
    "evaluate": "How well does a model answer the questions of a dataset with these instructions?\n"
    '"" is none. Each is compared with the first.',
}
_LAYOUTS = ("auto", "bbh", "gsm8k", "aqua", "jsonl", "csv", "tsv")
_TASKS = ("auto", "text", "number", "bool", "choice")
_METRICS = ("strict", "reference", "exact", "number", "choice", "contains", "regex", "json")
_SPLIT = (
    "TRAIN,VALIDATION,TEST (shares from 0 to 1, at most 1 together), published,"
    " published:TRAIN,VALIDATION or files:TRAIN,VALIDATION,TEST"
)
_DEFAULT_MODEL = "gpt-4.1-mini"
_CACHE_BYTES = 1 << 28  # answers of the winner are looked at again for a report


# ---- arguments ---------------------------------------------------------------------------------


def parser(verb: str) -> Parser:
    """The arguments of optimize or evaluate."""
    made = Parser(verb, description=_ABOUT[verb], epilog=_CODES)
    add = made.add_argument
    if verb == "evaluate":
        add("instructions_given", metavar="INSTRUCTION", nargs="*", help="what is examined")
    add("--dataset", metavar="FILE", help="labelled examples")
    add("--layout", metavar="NAME", default="auto", help=f"its layout: {words(_LAYOUTS)}")
    add("--columns", metavar="Q,A[,O]", help="members or columns of question, answer and options")
    add("--skip-bad", action="store_true", help="skip bad lines, and say how many")
    add("--split", metavar="HOW", help=_SPLIT)
    add("--task", metavar="KIND", default="auto", help=f"kind of answers: {words(_TASKS)}")
    about = f"when an answer is right: {words(_METRICS)}"
    add("--metric", metavar="NAME", default="strict", help=about)
    add("--pattern", metavar="TEXT", help="of the metric regex; the member's name of json")
    about = "a model judges instead: that of --model-name, else the one that answers"
    add("--judge", action="store_true", help=about)
    about = "ask once more for the final answer, and judge that"
    add("--second-question", action="store_true", help=about)
    about = "where the instruction stands: before_q, q_begin, q_end, a_begin, system"
    add("--position", **_sets("position"), metavar="P", help=about)
    about = "who answers: model, record:FILE, replay:FILE (default: the model of --model-name)"
    add("--scorer", metavar="WHO", help=about)
    add("--scorer-base-url", metavar="URL", help="its endpoint (default: that of --base-url)")
    add("--scorer-model-name", metavar="NAME", help="its name (default: that of --model-name)")
    add("--scorer-concurrency", metavar="N", help="its requests in flight")
    about = "an option of the library for its client alone"
    add("--scorer-option", metavar="NAME=VAL", action="append", default=[], help=about)
    add("--cache", metavar="FILE", help="keep answers in FILE, and do not pay for those it has")
    about = "estimate what it would use, and stop: nothing is asked"
    add("--dry-run", action="store_true", help=about)
    about = "the model's endpoint, with its version: http://127.0.0.1:8080/v1"
    add("--base-url", metavar="URL", help=about)
    add("--model-name", metavar="NAME", help="the model's name there")
    about = "requests in flight, always so many (default: as many as go well)"
    add("--concurrency", metavar="N", help=about)
    (_add_optimize if verb == "optimize" else _add_evaluate)(add)
    add("--seed", **_sets("seed"), metavar="N", help="seed of all random choices")
    about = "set any option of the library; --options lists them"
    add("--option", **_sets(None), metavar="NAME=VAL", help=about)
    add("--options", action="store_true", help="list the options of the library")
    add("--json", action="store_true", help="print one JSON object instead of words")
    return made


def _sets(option: str | None) -> dict[str, Any]:
    return {"dest": "settings", "action": _Set, "const": option, "default": []}


def _add_optimize(add: Any) -> None:
    about = f'an instruction to start from; may be repeated (default: "{START}")'
    add("--initial", metavar="TEXT", action="append", help=about)
    add("--description", metavar="TEXT", help="what the task is, for who proposes")
    about = "score the winner on the test examples, once, at the end"
    add("--test", action="store_true", help=about)
    about = "do not compare the winner with no instruction and with the start"
    add("--no-baseline", action="store_true", help=about)
    about = "who proposes: local, model, record:FILE, replay:FILE (default: model)"
    add("--optimizer", metavar="WHO", default="model", help=about)
    add("--temperature", **_sets("temperature"), metavar="T", help="the sampling temperature")
    add("--steps", **_sets("steps"), metavar="N", help="steps; 0: no limit (default 50)")
    add(
        "--samples",
        **_sets("samples_per_step"),
        metavar="N",
        help="proposals in each step (default 8)",
    )
    about = "write a picture of the result: FILE.svg, or else an HTML page"
    add("--report", metavar="FILE", help=about)
    about = "keep the run in FILE; if it is there, go on with the run in it"
    add("--journal", metavar="FILE", help=about)
    add("--show-prompt", action="store_true", help="print the first meta-prompt")
    add("--show-reply", action="store_true", help="print the first reply")


def _add_evaluate(add: Any) -> None:
    about = "which examples: all, train, validation or test (default all)"
    add("--set", metavar="NAME", default="all", help=about)
    add("--instructions", metavar="FILE", help="more instructions, one a line")
    about = "write one row for each instruction and example"
    add("--csv", metavar="FILE", help=about)


def list_options() -> None:
    """Print the options of the library."""
    for option in options().values():
        default = "none" if option.default is None else option.default
        print(f"{option.name:22} {default!s:10} {option.help}")


def chosen(name: str, value: str, known: Sequence[str]) -> str:
    """A word of those that are known."""
    if value not in known:
        raise Failure(f'--{name} is {words(known)}, not "{value}"', WRONG)
    return value


def _config(given: argparse.Namespace) -> Config:
    """All options of the library, whatever the argument that has them."""
    config = Config(steps=STEPS, model_cache_bytes=_CACHE_BYTES)
    for argument, pair in given.settings:
        config = _set(config, argument, [pair])
    if config["position"] in ("before_q", "a_begin"):  # it is about these
        config = Config({"question_marks": 1}, config=config)
    if given.second_question:
        config = Config({"exam_second_question": 1}, config=config)
    return _in_flight(config, "concurrency", given.concurrency)


def _set(config: Config, argument: str, pairs: Sequence[str]) -> Config:
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise Failure(f"--{argument} takes NAME=VALUE, not {pair!r}", WRONG)
        try:
            config = Config({name: value}, config=config)
        except Error as error:
            raise Failure(f"--{argument}: {error}", WRONG) from None
    return config


def _in_flight(config: Config, argument: str, value: str | None) -> Config:
    if value is None:
        return config
    try:
        return Config(
            config=config, model_max_in_flight=value, model_in_flight=value, model_adaptive=0
        )
    except Error:
        raise Failure(
            f'--{argument} takes a number from 1 to 65536, not "{value}"', WRONG
        ) from None


# ---- the dataset and the metric ----------------------------------------------------------------


def _dataset(given: argparse.Namespace, test: bool) -> Dataset:
    layout = chosen("layout", given.layout, _LAYOUTS)
    columns = given.columns.split(",") if given.columns else None
    if columns is not None and not 2 <= len(columns) <= 3:
        raise Failure(
            f"--columns is QUESTION,ANSWER or QUESTION,ANSWER,OPTIONS, not {given.columns!r}",
            WRONG,
        )
    dataset = Dataset(given.dataset, layout=layout, columns=columns, skip_bad=given.skip_bad)
    _split(dataset, given.split, test)
    if test and not dataset.indices("test"):
        raise Failure("there are no test examples; say with --split which they are")
    return dataset


def _split(dataset: Dataset, how: str | None, test: bool) -> None:
    if how is None:
        dataset.split_default(test)
    elif how.startswith("files:"):
        _split_by_files(dataset, how)
    else:
        name, _, shares = how.rpartition(":")
        try:
            if how == "published":
                dataset.split_published()
            elif name == "published":
                dataset.split_published(*map(float, shares.split(",")))
            else:
                dataset.split(*map(float, how.split(",")))
        except (ValueError, TypeError):  # InvalidError is a ValueError
            raise Failure(f'--split is {_SPLIT}, not "{how}"', WRONG) from None


def _split_by_files(dataset: Dataset, how: str) -> None:
    paths = how[len("files:") :].split(",")
    if len(paths) > len(SETS):
        raise Failure(f'--split is {_SPLIT}, not "{how}"', WRONG)
    sets = [_indices(path) if path not in ("", "-") else [] for path in paths]
    if len({index for each in sets for index in each}) < sum(map(len, sets)):
        raise Failure(f"{how}: an example is in two of the sets, or twice in one")
    dataset.split(*sets, *[[]] * (len(SETS) - len(sets)))


def _indices(path: str) -> list[int]:
    found = []
    for word in read(path).split():
        if not word.lstrip("-").isdigit():
            raise Failure(f'{path}: its indices are whole numbers, not "{word[:20]}"')
        found.append(int(word))
    return found


def read(path: str) -> str:
    """A text file."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None


def _metric(given: argparse.Namespace, dataset: Dataset) -> tuple[Metric, str]:
    kind = chosen("metric", given.metric, _METRICS)
    task = chosen("task", given.task, _TASKS)
    if kind in ("regex", "json") and given.pattern is None:
        raise Failure(f"--metric {kind} needs --pattern", WRONG)
    if kind not in ("regex", "json") and given.pattern is not None:
        raise Failure(f"--metric {kind} has no use for --pattern", WRONG)
    task = dataset.task if task == "auto" else task
    try:
        name = "json_field" if kind == "json" else kind
        return Metric(name, task, pattern=given.pattern), task
    except Error as error:
        raise Failure(f"--metric: {error}") from None


# ---- the models --------------------------------------------------------------------------------


class Who(NamedTuple):
    """Who answers, or proposes: a model, perhaps with a recording."""

    kind: str
    file: str | None


def who_of(argument: str, value: str, *more: str) -> Who:
    """What an argument says of who answers or proposes."""
    kind, _, file = value.partition(":")
    if (kind in ("model", *more) and not file) or (kind in ("record", "replay") and file):
        return Who(kind, file or None)
    kinds = words([*more, "model", "record:FILE", "replay:FILE"])
    raise Failure(f'--{argument} is {kinds}, not "{value}"', WRONG)


def _open(
    who: Who, url: str | None, name: str | None, config: Config, dry: bool, prefix: str = ""
) -> Model:
    """A model, at the endpoint that arguments, the environment or a recording name."""
    replay = who.file if who.kind == "replay" and not dry else None
    record = who.file if who.kind == "record" and not dry else None
    if name is None and url is None and who.kind != "replay" and _is_openai():
        name = _DEFAULT_MODEL
    try:
        if replay:
            return _complete(Model(url, name, config=config, replay=replay), url, prefix)
        model = Model.from_env(name, url, config=config, record=record)
    except UnknownError:
        model = Model(None, name, config=config, record=record)
    except UnsupportedError as error:
        raise Failure(error) from None
    return model if dry else _complete(model, url, prefix)


def _is_openai() -> bool:
    return "OPENAI_API_KEY" in os.environ and "OPENAI_BASE_URL" not in os.environ


def _complete(model: Model, url: str | None, prefix: str) -> Model:
    """A call that is never sent tells whether there is an endpoint, and a name."""
    try:
        with Call(model, "hello") as call:
            call.submit()
    except StateError:
        if url is not None:
            why = f"which model of {url}? Give --{prefix}model-name NAME"
        else:
            why = (
                f"there is no endpoint of a model: give --{prefix}base-url URL and"
                f" --{prefix}model-name NAME, or set OPENAI_API_KEY in the environment"
            )
        raise Failure(why) from None
    return model


class _Set(argparse.Action):
    """An argument that sets an option of the library (const), in the order of arguments."""

    def __call__(self, _: Any, given: argparse.Namespace, value: Any, name: Any = None) -> None:
        pair = f"{self.const}={value}" if self.const else value
        given.settings = [*given.settings, (self.option_strings[0][2:], pair)]


class Setting(NamedTuple):
    """What arguments stand for."""

    given: argparse.Namespace
    config: Config
    dataset: Dataset
    metric: Metric
    task: str
    model: Model
    """Who answers."""
    name: str
    """Its name."""
    prices: Config
    """The options of its client."""
    other: Model | None
    """Who proposes, or judges, if that is another one."""
    judge: Model | None
    proposer: Who


def setting(given: argparse.Namespace, test: bool, proposer: Who | None) -> Setting:
    """What arguments stand for, in the order in which what is wrong is told."""
    config = _config(given)
    dataset = _dataset(given, test)
    metric, task = _metric(given, dataset)
    who, prices = _scorer(given, config)
    proposes = proposer is not None and proposer.kind != "local"
    proposer = proposer or Who("model", None)
    model = other = None
    if who is not None:
        replays = who.kind == "replay"  # a recording has its own
        url = given.scorer_base_url or (None if replays else given.base_url)
        name = given.scorer_model_name or (None if replays else given.model_name)
        model = _open(who, url, name, prices, given.dry_run, "scorer-")
    if model is None or proposes or (given.judge and (given.base_url or given.model_name)):
        asked = proposer if proposes else Who("model", None)
        other = _open(asked, given.base_url, given.model_name, config, given.dry_run)
    if model is None:
        model, other = other, None
    assert model is not None
    if given.cache and not given.dry_run:
        model.set(cache_file=given.cache)
    name = given.scorer_model_name or given.model_name or "a language model"
    judge = (other or model) if given.judge else None
    return Setting(
        *(given, config, dataset, metric, task, model, name, prices, other, judge, proposer)
    )


def _scorer(given: argparse.Namespace, config: Config) -> tuple[Who | None, Config]:
    """Who answers, if that is said apart, and the options of its client."""
    settings = given.scorer_base_url, given.scorer_model_name, given.scorer_concurrency
    if not (given.scorer or given.scorer_option or any(settings)):
        return None, config
    who = who_of("scorer", given.scorer or "model")
    config = _in_flight(config, "scorer-concurrency", given.scorer_concurrency)
    return who, _set(config, "scorer-option", given.scorer_option)
