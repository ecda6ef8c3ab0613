# SPDX-License-Identifier: MIT
"""Optimization by prompting.

    import opro

    result = opro.minimize(lambda x: (x[0] - 3) ** 2 + x[1] ** 2, [(-10, 10)] * 2, steps=50)
    print(result.solution, result.score)

A language model, or a local search, reads a problem and a ranked list of earlier solutions and
proposes better ones; you score them; the loop goes on.

Three ways to use it, from simple to complete: minimize(), maximize() and optimize_prompt(); a
Driver with an optimizer and a scorer; a Run that is asked for requests and told answers.

Importing this package loads nothing but this file. Each name brings its module, and the C library,
when it is first used; an ImportError then says where the library was looked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import aio as aio
    from . import plot as plot
    from ._answerer import PENDING as PENDING
    from ._errors import AbiError as AbiError
    from ._errors import CallbackError as CallbackError
    from ._errors import ClosedError as ClosedError
    from ._errors import Error as Error
    from ._errors import FailedError as FailedError
    from ._errors import ForkedError as ForkedError
    from ._errors import InvalidError as InvalidError
    from ._errors import LimitError as LimitError
    from ._errors import NoMemoryError as NoMemoryError
    from ._errors import ParseError as ParseError
    from ._errors import ReentrantError as ReentrantError
    from ._errors import RejectedError as RejectedError
    from ._errors import StaleError as StaleError
    from ._errors import StateError as StateError
    from ._errors import ThreadError as ThreadError
    from ._errors import TimedOutError as TimedOutError
    from ._errors import UnknownError as UnknownError
    from ._errors import UnsupportedError as UnsupportedError
    from ._options import Config as Config
    from ._options import Option as Option
    from ._options import options as options
    from ._progress import progress as progress
    from ._share import Share as Share
    from ._simple import Result as Result
    from ._simple import maximize as maximize
    from ._simple import minimize as minimize
    from ._simple import run as run
    from .dataset import Dataset as Dataset
    from .dataset import Example as Example
    from .driver import Driver as Driver
    from .driver import Local as Local
    from .exam import Answer as Answer
    from .exam import Estimate as Estimate
    from .exam import Exam as Exam
    from .exam import Examiner as Examiner
    from .executor import Remote as Remote
    from .journal import Entry as Entry
    from .journal import Journal as Journal
    from .meta_prompt import MetaPrompt as MetaPrompt
    from .meta_prompt import estimate_tokens as estimate_tokens
    from .metric import Metric as Metric
    from .metric import Verdict as Verdict
    from .model import Call as Call
    from .model import Model as Model
    from .model import Reply as Reply
    from .problem import Problem as Problem
    from .prompt import Evaluation as Evaluation
    from .prompt import PromptResult as PromptResult
    from .prompt import Search as Search
    from .prompt import evaluate_prompts as evaluate_prompts
    from .prompt import optimize_prompt as optimize_prompt
    from .request import Message as Message
    from .request import Propose as Propose
    from .request import Request as Request
    from .request import Score as Score
    from .runs import Event as Event
    from .runs import Gap as Gap
    from .runs import Run as Run
    from .runs import Usage as Usage
    from .tour import Tour as Tour
    from .trajectory import Candidate as Candidate
    from .trajectory import Trajectory as Trajectory
    from .trajectory import interval as interval

__version__ = "0.1.0"

# Which module each public name is in.
_MODULES = {
    "_answerer": "PENDING",
    "_errors": (
        "AbiError CallbackError ClosedError Error FailedError ForkedError InvalidError LimitError"
        " NoMemoryError ParseError ReentrantError RejectedError StaleError StateError ThreadError"
        " TimedOutError UnknownError UnsupportedError"
    ),
    "_options": "Config Option options",
    "_progress": "progress",
    "_simple": "Result maximize minimize run",
    "_share": "Share",
    "dataset": "Dataset Example",
    "driver": "Driver Local",
    "exam": "Answer Estimate Exam Examiner",
    "executor": "Remote",
    "journal": "Entry Journal",
    "meta_prompt": "MetaPrompt estimate_tokens",
    "metric": "Metric Verdict",
    "model": "Call Model Reply",
    "problem": "Problem",
    "prompt": "Evaluation PromptResult Search evaluate_prompts optimize_prompt",
    "request": "Message Propose Request Score",
    "runs": "Event Gap Run Usage",
    "tour": "Tour",
    "trajectory": "Candidate Trajectory interval",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

# Modules that are used by their own name: opro.aio.steps().
_PARTS = ("aio", "plot")

__all__ = sorted([*_HOME, *_PARTS])


def __getattr__(name: str) -> object:
    if name not in _HOME and name not in _PARTS:
        raise AttributeError(f"module 'opro' has no attribute {name!r}")
    from importlib import import_module

    if name in _PARTS:
        return import_module(f"opro.{name}")
    value: object = getattr(import_module(f"opro.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
