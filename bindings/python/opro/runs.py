# SPDX-License-Identifier: MIT
"""Runs: the loop, as requests that are asked for and answers that are told."""

from __future__ import annotations

import ctypes
from time import monotonic_ns
from typing import TYPE_CHECKING, NamedTuple

from ._callbacks import raised, throw
from ._errors import Error, InvalidError, TimedOutError
from ._ffi import CONSTANTS
from ._handle import Handle, encoded, text_at
from ._load import C
from ._options import SETS, Config, static, words
from ._solutions import doubles
from .request import Message, Propose, Score
from .trajectory import Trajectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ._options import Log, Value
    from .problem import Problem
    from .request import Request
    from .trajectory import Candidate

_FAILED = CONSTANTS["OPRO_ERR_FAILED"]
_ROLES = words("OPRO_ROLE_")
_EVENTS = words("OPRO_EVENT_")
_COUNTS = words("OPRO_COUNT_")
_REASONS = words("OPRO_REASON_")

_SCORE = CONSTANTS["OPRO_REQUEST_SCORE"]

# A named tuple from a tuple, without the detour by keywords.
_make_score: Callable[[type[Score], tuple[Any, ...]], Score] = tuple.__new__

# The text of a request as bytes at once: candidates are without NUL.
_request_text = C.as_bytes("opro_request_text")


class Event(NamedTuple):
    """Something that happened in a run. What makes no sense for a kind is "", -1 or NaN."""

    kind: str
    """ "step_begun", "meta_prompt", "reply", "accepted", "rejected", "scored", "new_best",
    "failed", "step_ended", "confirm" or "stopped". """
    step: int
    sample: int
    score: float
    text: str
    reason: str
    """Why a candidate was rejected; of "stopped" and "confirm": why."""
    detail: str
    set: str
    origin: str


class Gap(NamedTuple):
    """How much worse the winner is on validation instances, with its 95 % interval."""

    gap: float
    low: float
    high: float


class Usage(NamedTuple):
    """What answering a request used; cost in millionths of the currency."""

    prompt_tokens: int = 0
    reply_tokens: int = 0
    cost: int = 0


def _event(pointer: int) -> Event:
    length = ctypes.c_size_t()
    at = ctypes.byref(length)
    kind = _EVENTS.get(C.opro_event_kind(pointer), "unknown")
    reason = C.opro_event_reason(pointer)
    stops = kind in ("stopped", "confirm")
    return Event(
        kind=kind,
        step=C.opro_event_step(pointer),
        sample=C.opro_event_sample(pointer),
        score=C.opro_event_score(pointer),
        text=text_at(C.opro_event_text(pointer, at), length.value),
        reason=static(C.opro_stop_reason_name(reason)) if stops else _REASONS.get(reason, ""),
        detail=text_at(C.opro_event_detail(pointer, at), length.value),
        set=SETS.get(C.opro_event_set(pointer), ""),
        origin=static(C.opro_origin_name(C.opro_event_origin(pointer))),
    )


class Run(Handle):
    """A run of a problem: ask() for requests and tell() answers, in any order.

        run = opro.Run(problem, steps=20, seed=1)
        for request in run:  # run.ask(), until it is None
            ...
            run.tell(request, answer)

    Options are keywords, see opro.options(). config, log, log_level: see Config.
    observer: hears every Event; an exception from it stops the run and comes out of the call.
    meta_prompt: a MetaPrompt of your own. warm_start: a Trajectory, or a Run, to start from.
    journal: a Journal, or the path of one, see resume().
    """

    __slots__ = (
        "_length",
        "_length_at",
        "_one",
        "_only",
        "_out",
        "_out_at",
        "_parse",
        "_problem",
        "_trajectory",
    )
    _c_free = "opro_run_free"
    _c_error = "opro_run_error"

    _problem: Problem

    def __init__(
        self,
        problem: Problem,
        *,
        config: Config | None = None,
        log: Log | None = None,
        log_level: str = "warning",
        observer: Callable[[Event], object] | None = None,
        meta_prompt: Handle | None = None,
        warm_start: Trajectory | Run | None = None,
        journal: Any = None,
        **options: Value,
    ) -> None:
        config = Config(options, config=config, log=log, log_level=log_level)
        self._new(C.opro_run_new, problem, config, None, keeps=(problem, config))
        self._prepare(problem)
        if observer is not None:
            self.observe(observer)
        if meta_prompt is not None:
            self._call(C.opro_run_set_meta_prompt, meta_prompt)
            self._keeps += (meta_prompt,)
        if warm_start is not None:
            self.warm_start(warm_start)
        if journal is not None:
            self.resume(journal)

    @classmethod
    def _of(cls, owner: Handle, pointer: int, problem: Problem) -> Run:
        """The run that belongs to a driver."""
        run = cls.__new__(cls)
        run._adopt(pointer, owner=owner)
        run._prepare(problem)
        return run

    def _prepare(self, problem: Problem) -> None:
        self._problem = problem
        self._out = ctypes.c_void_p()
        self._out_at = ctypes.byref(self._out)
        self._length = ctypes.c_size_t()
        self._length_at = ctypes.byref(self._length)
        self._one = (ctypes.c_double * 1)()
        self._parse = problem.kind.parse
        # What every Score asks for, when there is but one instance.
        self._only = ("train", (0,)) if problem.instances + problem.validation == 1 else None
        self._trajectory = Trajectory._of(self, self._get(C.opro_run_trajectory), problem.kind)

    # ---- asking ----

    def ask(self, now: int | None = None) -> Request | None:
        """The next request; None when there is nothing to ask for at present.

        None means that answers are missing, or that the run is done. now: milliseconds of a clock
        of yours that does not go back; by default those of time.monotonic().
        """
        guard = self._guard
        depth = guard.enter()
        try:
            guard.depth = depth + 1
            run = self._alive()
            out = self._out
            status = 0
            if not out.value:  # else an exception came in between when it was handed out
                milliseconds = monotonic_ns() // 1_000_000 if now is None else now
                status = C.opro_run_next(run, milliseconds, self._out_at)
                if raised:
                    throw()
            if status == 0:
                request = self._request(out.value)
                out.value = None
                return request
        finally:
            guard.depth = depth
            if not depth:
                guard.thread.clear()
        if status < 0:
            raise self._failure(status)
        return None

    def __iter__(self) -> Iterator[Request]:
        """Requests, as long as there are any at present; list(run) is all that can be asked now."""
        while (request := self.ask()) is not None:
            yield request

    def _request(self, pointer: Any) -> Request:
        """A request of C's as a value: the fewer calls, the better."""
        if C.opro_request_kind(pointer) != _SCORE:
            return self._propose(pointer)
        text = _request_text(pointer, None).decode()
        asked = C.opro_request_id(pointer), C.opro_request_step(pointer), text, self._parse(text)
        return _make_score(Score, asked + (self._only or self._wanted(pointer)))

    def _wanted(self, pointer: Any) -> tuple[str, tuple[int, ...]]:
        """The set and the instances that a Score asks for."""
        instances = C.opro_request_instances(pointer, self._length_at)
        return SETS[C.opro_request_set(pointer)], tuple(instances[: self._length.value])

    def _propose(self, pointer: Any) -> Propose:
        messages = []
        for index in range(C.opro_request_messages(pointer)):
            role = _ROLES[C.opro_request_message_role(pointer, index)]
            text = C.opro_request_message_text(pointer, index, self._length_at)
            messages.append(Message(role, text_at(text, self._length.value)))
        return Propose(
            C.opro_request_id(pointer),
            C.opro_request_step(pointer),
            tuple(messages),
            C.opro_request_samples(pointer),
            C.opro_request_first_sample(pointer),
            C.opro_request_temperature(pointer),
            C.opro_request_max_tokens(pointer),
            C.opro_request_seed(pointer),
        )

    def timeout(self, now: int | None = None) -> int | None:
        """Milliseconds until a deadline makes ask() worth while; None: there is no deadline."""
        milliseconds = monotonic_ns() // 1_000_000 if now is None else now
        left: int = self._get(C.opro_run_timeout, milliseconds)
        return None if left < 0 else left

    # ---- telling ----

    def tell(
        self,
        request: Request | int,
        answer: Any,
        *,
        feedback: str | None = None,
        usage: Usage | tuple[int, int, int] | None = None,
    ) -> None:
        """Answer a request, by itself or by its id.

        Propose: replies, one text or a list of them; or solutions (tuples of numbers) that need no
            reading. Fewer than were asked for leave the request open for the others.
        Score: a number, or a sequence of as many as there are instances.
        Either: an exception, for a failure. It counts, and is never a score.

        feedback: words about a candidate, for the model. usage: what answering has used.
        Late or repeated answers are a StaleError, and change nothing.
        """
        id = request if type(request) is int else request.id  # type: ignore[union-attr]
        if usage is not None:
            self.tell_usage(id, *usage)
        if feedback is not None:
            data = encoded(feedback)
            self._call(C.opro_run_answer_feedback, id, data, len(data))
        if type(answer) is float:
            self._one[0] = answer
            self._answer(C.opro_run_answer_scores, id, self._one, 1)
        elif isinstance(answer, BaseException):
            self.tell_error(id, answer)
        elif isinstance(answer, str) or _proposes(request, answer):
            self._tell_replies(request, id, answer)
        else:
            scores = doubles(answer if hasattr(answer, "__len__") else [answer])
            self._answer(C.opro_run_answer_scores, id, scores, len(scores))

    def _answer(self, function: Any, id: int, values: Any, count: int) -> None:
        """self._call(), without its detours: this is half of what a busy host does."""
        guard = self._guard
        depth = guard.enter()
        try:
            guard.depth = depth + 1
            status = function(self._alive(), id, values, count)
            if raised:
                throw()
        finally:
            guard.depth = depth
            if not depth:
                guard.thread.clear()
        if status < 0:
            raise self._failure(status)

    def _tell_replies(self, request: Request | int, id: int, answer: Any) -> None:
        alone = isinstance(answer, str) or (len(answer) and not hasattr(answer[0], "__len__"))
        answers = [answer] if alone else answer
        if isinstance(request, Propose) and len(answers) > request.samples:
            raise InvalidError(f"{len(answers)} replies to a request for {request.samples}")
        for index, reply in enumerate(answers):
            if isinstance(reply, str):
                data = encoded(reply)
                self._answer(C.opro_run_answer_text, id, data, len(data))
            else:
                self.tell_solution(id, reply, index)

    def tell_reply(
        self, request: Request | int, reply: str, index: int = 0, *, origin: int = 0
    ) -> None:
        """Answer sample index (0 .. samples-1) of a Propose; origin: 256 .. 65535 are yours."""
        self._tell_one(C.opro_run_answer_reply, request, reply, index, origin)

    def tell_truncated(
        self, request: Request | int, reply: str, index: int = 0, *, origin: int = 0
    ) -> None:
        """... with a reply that was cut off: it is rejected."""
        self._tell_one(C.opro_run_answer_truncated, request, reply, index, origin)

    def tell_refused(
        self, request: Request | int, why: str = "", index: int = 0, *, origin: int = 0
    ) -> None:
        """... with a refusal of the model's."""
        self._tell_one(C.opro_run_answer_refused, request, why, index, origin)

    def tell_solution(
        self, request: Request | int, solution: Any, index: int = 0, *, origin: int = 0
    ) -> None:
        """... with a bare solution: nothing is cut out of it."""
        text = self._problem.kind.write(solution)
        self._tell_one(C.opro_run_answer_solution, request, text, index, origin)

    def _tell_one(
        self, function: Any, request: Request | int, text: str, index: int, origin: int
    ) -> None:
        data = encoded(text)
        self._call(function, _id(request), index, origin, data, len(data))

    def tell_error(self, request: Request | int, error: BaseException | str) -> None:
        """Say that a request failed: the missing samples of a Propose, or a Score as a whole."""
        status = failure_status(error)
        data = encoded(failure_text(error))
        self._call(C.opro_run_answer_error, _id(request), status, data, len(data))

    def tell_usage(
        self, request: Request | int, prompt_tokens: int = 0, reply_tokens: int = 0, cost: int = 0
    ) -> None:
        """What answering a request used, before the answer; cost in millionths. They add up."""
        self._call(C.opro_run_answer_usage, _id(request), prompt_tokens, reply_tokens, cost)

    # ---- before the first request ----

    def warm_start(self, source: Trajectory | Run) -> None:
        """Start from the scored candidates of another trajectory, which are not scored again."""
        trajectory = source.trajectory if isinstance(source, Run) else source
        self._call(C.opro_run_warm_start, trajectory)

    def resume(self, journal: Any) -> None:
        """Keep what comes into the run in a journal; first, put back what it holds.

        journal: a Journal, or the path of one.
        """
        from .journal import opened

        journal = opened(journal, self)
        self._call(C.opro_run_resume, journal)
        self._keeps += (journal,)

    def close(self) -> None:
        """Free it now; a journal that was given by its path is closed, too."""
        super().close()
        if any(type(kept).__name__ == "Journal" for kept in self._keeps):
            from .journal import close_own

            close_own(self)

    def observe(self, observer: Callable[[Event], object] | None) -> None:
        """Hear every Event from now on; None: nobody listens."""
        observe(self, C.opro_run_set_observer, observer)

    # ---- stopping, and what came out ----

    def stop(self) -> None:
        """Hand out nothing any more; what is scored enters the trajectory."""
        self._call(C.opro_run_stop)

    @property
    def done(self) -> bool:
        """Whether the run has stopped."""
        return bool(self._get(C.opro_run_stop_reason))

    @property
    def stop_reason(self) -> str:
        """Why: "steps", "target", "host", ...; "none" while it has not."""
        return static(C.opro_stop_reason_name(self._get(C.opro_run_stop_reason)))

    @property
    def winner(self) -> Candidate | None:
        """The candidate that is the result: the confirmed one, else the best."""
        return self._trajectory._maybe(self._get(C.opro_run_winner))

    @property
    def confirmed(self) -> int:
        """Among how many candidates validation chose the winner; 0: it did not."""
        count: int = self._get(C.opro_run_confirmed)
        return count

    @property
    def gap(self) -> Gap:
        """How much worse the winner is on validation instances than on training instances."""
        values = [ctypes.c_double() for _ in range(3)]
        self._call(C.opro_run_gap, *map(ctypes.byref, values))
        return Gap(*(value.value for value in values))

    @property
    def trajectory(self) -> Trajectory:
        """Every candidate so far: a live view."""
        return self._trajectory

    @property
    def problem(self) -> Problem:
        """What is optimized."""
        return self._problem

    @property
    def step(self) -> int:
        """The step that is under way, -1 while initial solutions are scored."""
        step: int = self._get(C.opro_run_step)
        return step

    @property
    def counts(self) -> dict[str, int]:
        """Counters: "proposals", "scorer_calls", "tokens", "cost" (millionths), ..."""
        return {name: self._get(C.opro_run_count, value) for value, name in _COUNTS.items()}

    @property
    def figures(self) -> list[dict[str, int | float | None]]:
        """The figures of every step that has ended, beginning with -1."""
        return [
            {"step": step, **self._trajectory.figures(step)}
            for step in range(-1, self._trajectory.steps)
        ]

    @property
    def state_hash(self) -> int:
        """A digest of the whole state: runs with the same one ask for the same."""
        value: int = self._get(C.opro_run_state_hash)
        return value

    @property
    def replaying(self) -> bool:
        """Whether resume() is putting entries back: an observer hears what it has heard before."""
        return bool(self._get(C.opro_run_replaying))

    def __repr__(self) -> str:
        if self.closed:
            return "<Run, closed>"
        return f"<Run at step {self.step}, {len(self.trajectory)} candidates, {self.stop_reason}>"


def observe(handle: Handle, setter: Any, observer: Callable[[Event], object] | None) -> None:
    """Install an observer by the setter of a run or a driver."""

    def hear(_: int, event: int) -> None:
        if observer is not None:
            observer(_event(event))

    handle._set_callback(setter, "observer_fn", observer and hear)


def _id(request: Request | int) -> int:
    return request if isinstance(request, int) else request.id


def _proposes(request: Request | int, answer: Any) -> bool:
    """Whether an answer is replies; an id alone does not say what was asked for."""
    if isinstance(request, int):
        return bool(hasattr(answer, "__len__") and len(answer) and hasattr(answer[0], "__len__"))
    return isinstance(request, Propose)


def failure_status(error: BaseException | str) -> int:
    """The status that says what went wrong."""
    if isinstance(error, Error):
        return error.status
    return TimedOutError.status if isinstance(error, TimeoutError) else _FAILED


def failure_text(error: BaseException | str) -> str:
    """What went wrong, in words."""
    if isinstance(error, (str, Error)):
        return str(error)
    return f"{type(error).__name__}: {error}"
