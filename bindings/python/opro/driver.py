# SPDX-License-Identifier: MIT
"""Drivers: a run with an optimizer and a scorer, and an inbox for answers from other threads."""

from __future__ import annotations

import os
from time import monotonic
from typing import TYPE_CHECKING

from ._answerer import OptimizerHandle, ScorerHandle
from ._callbacks import raised, throw
from ._errors import ClosedError, ForkedError, InvalidError, ThreadError, error
from ._ffi import CONSTANTS
from ._handle import Handle, encoded
from ._load import C
from ._options import Config
from ._solutions import doubles
from .request import Propose
from .runs import Run, _id, failure_status, failure_text, observe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Union

    from ._options import Log, Value
    from .exam import Examiner
    from .executor import Calls, Remote
    from .model import Model
    from .problem import Problem
    from .request import Request, Score
    from .runs import Event
    from .trajectory import Candidate, Trajectory

    #: Answers a Propose: replies as for Run.tell(), an exception, or PENDING.
    Optimizer = Union["Local", Model, Remote, Callable[[Propose], Any]]
    #: Answers a Score: scores as for Run.tell(), an exception, or PENDING.
    Scorer = Union[Examiner, Remote, Callable[[Score], Any]]

_DONE = CONSTANTS["OPRO_DONE"]
_WAIT = CONSTANTS["OPRO_WAIT"]
_SLICE = 100  # milliseconds that C waits at a time: so long does Ctrl-C take


class Local:
    """Local search, without a language model; options: local_restart and so on."""

    def __init__(self, **options: Value) -> None:
        self._options = options

    def _optimizer(self, problem: Problem, config: Config) -> Handle:
        config = Config(self._options, config=config)
        return OptimizerHandle._made(
            C.opro_optimizer_new_local, problem, config, None, keeps=(problem, config)
        )


class Driver(Handle):
    """A run that is driven: by step(), run(), poll(), or by iterating over its steps.

        driver = opro.Driver(problem, scorer=lambda request: score(request.text), steps=20)
        for step in driver:
            print(step["best_so_far"])

    optimizer: Local() (default), a model, or a function that takes a Propose.
    scorer: a function that takes a Score; problems that bring their own need none.
    Both may be a Remote(), for threads, processes and clusters.
    Such functions return what Run.tell() takes, or PENDING and answer later: by post() from any
    thread, or by driver.handle.tell() from this one. Their exceptions stop the run and come out of
    the call that was under way.
    wakeup: called, on the thread that posts, when there is something for poll(); it may only set a
    flag or write to a pipe.
    Otherwise as Run().
    """

    __slots__ = ("_calls", "_handle", "_posting", "_woken")
    _c_free = "opro_driver_free"
    _c_error = "opro_driver_error"

    _handle: Run

    def __init__(
        self,
        problem: Problem,
        *,
        optimizer: Optimizer | None = None,
        scorer: Scorer | None = None,
        config: Config | None = None,
        log: Log | None = None,
        log_level: str = "warning",
        observer: Callable[[Event], object] | None = None,
        wakeup: Callable[[], object] | None = None,
        clock: Callable[[], int] | None = None,
        meta_prompt: Handle | None = None,
        warm_start: Trajectory | Run | None = None,
        journal: Any = None,
        **options: Value,
    ) -> None:
        self._posting: set[object] = set()
        self._woken = False
        self._calls: list[Calls] = []
        config = Config(options, config=config, log=log, log_level=log_level)
        self._new(C.opro_driver_new, problem, config, None, keeps=(problem, config))
        self._join(optimizer, scorer)
        self._handle = Run._of(self, self._get(C.opro_driver_run_handle), problem)
        self._take(C.opro_driver_set_optimizer, self._optimizer(optimizer, problem, config))
        self._take(C.opro_driver_set_scorer, self._scorer(scorer, problem, config))
        if observer is not None:
            self.observe(observer)
        if wakeup is not None:
            function = wakeup  # called without an argument
            self._set_callback(
                C.opro_driver_set_wakeup_fn, "wakeup_fn", lambda: function() and None
            )
        if clock is not None:
            self._set_clock(clock)
        if meta_prompt is not None:
            self._handle._call(C.opro_run_set_meta_prompt, meta_prompt)
            self._keeps += (meta_prompt,)
        if warm_start is not None:
            self._handle.warm_start(warm_start)
        if journal is not None:
            self.resume(journal)

    def _join(self, *given: Any) -> None:
        """A model or an examiner is in use when the driver is: they have one guard."""
        handles = [each for each in given if isinstance(each, Handle)]
        for handle in handles:
            self._guard = handles[0]._guard
            for each in (handle, *getattr(handle, "_models", ())):
                each._guard = self._guard

    def _take(self, setter: Any, answerer: Handle) -> None:
        self._call(setter, answerer)
        self._keeps += (answerer,)

    def _called(self, given: Any) -> Any:
        """An optimizer or a scorer; of a Remote, its calls for this driver."""
        if not hasattr(given, "_calls"):
            return given
        self._calls.append(given._calls(self._wake))
        return self._calls[-1]

    def _optimizer(self, given: Any, problem: Problem, config: Config) -> Handle:
        given = Local() if given is None else self._called(given)
        if hasattr(given, "_optimizer"):
            handle: Handle = given._optimizer(problem, config)
            return handle
        if not callable(given):
            raise InvalidError(f"an optimizer is Local(), a model or a function, not {given!r}")
        return OptimizerHandle._calling(C.opro_optimizer_new, "propose_fn", self._handle, given)

    def _scorer(self, given: Any, problem: Problem, config: Config) -> Handle:
        if given is None and problem._make_scorer is not None:
            return problem._make_scorer()
        given = self._called(given)
        if hasattr(given, "_scorer"):
            handle: Handle = given._scorer(problem, config)
            return handle
        if not callable(given):
            raise InvalidError(f"a scorer is a function that takes a Score, not {given!r}")
        return ScorerHandle._calling(C.opro_scorer_new, "score_fn", self._handle, given)

    def _set_clock(self, clock: Callable[[], int]) -> None:
        def tell(_: int, sink: int) -> int:
            status: int = C.opro_sink_count(sink, clock())
            return status

        self._set_callback(C.opro_driver_set_clock_fn, "clock_fn", tell)

    # ---- going on ----

    def poll(self, timeout: float | None = 0) -> bool:
        """Do what can be done, and wait at most timeout seconds for answers if there is nothing.

        True: something was done, call again. False: nothing came in time, or wakeup() was called,
        or the run is done. timeout: None waits for ever.
        """
        until = None if timeout is None else monotonic() + timeout
        while True:
            for calls in self._calls:
                calls.go_on(self._handle)
            left = _SLICE if until is None else int((until - monotonic()) * 1000)
            status = self._call(C.opro_driver_poll, max(0, min(left, _SLICE)))
            if status != _WAIT:
                return status != _DONE
            if self._woken or (until is not None and left <= _SLICE):
                self._woken = False
                return False

    def step(self) -> bool:
        """Go on until a step has ended; False when the run is done, or wakeup() was called."""
        steps = self.trajectory.steps
        while self.trajectory.steps == steps:
            if not self.poll(None):
                return self.trajectory.steps > steps  # by what was told in between
        return True

    def __iter__(self) -> Iterator[dict[str, int | float | None]]:
        """Go on step by step; yields the figures of each."""
        try:
            while self.step():
                last = self.trajectory.steps - 1
                yield {"step": last, **self.trajectory.figures(last)}
        finally:
            self._recall()

    def run(self) -> Candidate | None:
        """Go on until the run is done, or wakeup() was called; returns the winner so far.

        Ctrl-C gets through: the run can be looked at and driven further.
        """
        try:
            while self.poll(None):
                pass
        finally:
            self._recall()
        return self._handle.winner

    def _recall(self) -> None:
        for calls in self._calls:
            calls.recall()

    async def run_async(self) -> Candidate | None:
        """As run(), in asyncio's running loop; scorers may be coroutines. See opro.aio."""
        from .aio import run

        try:
            return await run(self)
        finally:
            self._recall()

    def timeout(self) -> float | None:
        """In how many seconds poll() will have something to do whatever comes; None: never."""
        left: int = self._get(C.opro_driver_timeout)
        return None if left < 0 else left / 1000

    def resume(self, journal: Any) -> None:
        """As Run.resume(): before the first step."""
        from .journal import opened

        self._take(C.opro_driver_set_journal, opened(journal, self))

    def close(self) -> None:
        """Free it now; a journal that was given by its path is closed, too."""
        super().close()
        if any(type(kept).__name__ == "Journal" for kept in self._keeps):
            from .journal import close_own

            close_own(self)

    def observe(self, observer: Callable[[Event], object] | None) -> None:
        """As Run.observe()."""
        observe(self, C.opro_driver_set_observer, observer)

    # ---- from any thread ----

    def _post(self, function: Any, *arguments: Any) -> None:
        """Call a function that any thread may call.

        Who posts says so first and looks whether the driver is closed then; close() does it the
        other way round, so one of them sees the other.
        """
        token = object()
        self._posting.add(token)
        try:
            pointer = self._pointer
            if pointer is None:
                raise ClosedError("this Driver is closed")
            if os.getpid() != self._guard.pid:
                raise ForkedError(f"this Driver was made in process {self._guard.pid}")
            status = function(pointer, *arguments)
            if raised:
                throw()
        finally:
            self._posting.discard(token)
        if status < 0:
            raise error(status)

    def _closing(self) -> None:
        for calls in self._calls:
            calls.close()
        if self._posting:
            raise ThreadError("threads are posting to this Driver; join them, then close it")

    def post(self, request: Request | int, answer: Any, *, usage: Any = None) -> None:
        """Answer from any thread, as Run.tell() does: taken by the next poll() or step().

        What is wrong with an answer shows when it is taken: the log and the observer hear of it.
        """
        id = _id(request)
        if usage is not None:
            self._post(C.opro_driver_post_usage, id, *usage)
        if isinstance(answer, BaseException):
            self.post_error(id, answer)
        elif isinstance(answer, str) or isinstance(request, Propose):
            for index, reply in enumerate([answer] if isinstance(answer, str) else answer):
                self.post_reply(id, reply, index)
        else:
            self.post_scores(id, answer)

    def post_reply(
        self, request: Request | int, reply: str, index: int = 0, *, origin: int = 0
    ) -> None:
        """Answer sample index of a Propose from any thread."""
        data = encoded(reply)
        self._post(C.opro_driver_post_reply, _id(request), index, origin, data, len(data))

    def post_scores(self, request: Request | int, scores: Any) -> None:
        """Answer a Score from any thread."""
        values = doubles(scores if hasattr(scores, "__len__") else [scores])
        self._post(C.opro_driver_post_scores, _id(request), values, len(values))

    def post_error(self, request: Request | int, error: BaseException | str) -> None:
        """Say from any thread that a request failed."""
        data = encoded(failure_text(error))
        status = failure_status(error)
        self._post(C.opro_driver_post_error, _id(request), status, data, len(data))

    def stop(self) -> None:
        """Stop the run, from any thread and inside callbacks."""
        self._post(C.opro_driver_stop)

    def wakeup(self) -> None:
        """End the waiting of a poll(), from any thread and inside callbacks."""
        self._woken = True
        self._wake()

    def _wake(self) -> None:
        """Let a poll() that waits see what has come, and go on waiting."""
        self._post(C.opro_driver_wakeup)

    # ---- looking at it ----

    @property
    def handle(self) -> Run:
        """The run inside, for looking at it and for answers from this thread."""
        return self._handle

    @property
    def trajectory(self) -> Trajectory:
        """Every candidate so far: a live view."""
        return self._handle.trajectory

    @property
    def winner(self) -> Candidate | None:
        """As Run.winner."""
        return self._handle.winner

    @property
    def done(self) -> bool:
        """Whether the run has stopped."""
        return self._handle.done

    @property
    def stop_reason(self) -> str:
        """As Run.stop_reason."""
        return self._handle.stop_reason

    def __repr__(self) -> str:
        return "<Driver, closed>" if self.closed else f"<Driver of {self._handle!r}>"
