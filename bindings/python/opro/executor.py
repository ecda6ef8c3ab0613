# SPDX-License-Identifier: MIT
"""Scorers and optimizers on executors: threads, processes, clusters.

    with ProcessPoolExecutor() as executor:
        result = opro.minimize(f, problem, executor=executor, steps=50)

    opro.Driver(problem, scorer=opro.Remote(score, client.get_executor()), steps=50).run()

Any concurrent.futures.Executor will do: those of Python, loky's, mpi4py.futures.MPIPoolExecutor,
distributed.Client.get_executor(), or one of your own:

    class Ray(Executor):
        def submit(self, function, *arguments):
            return ray.remote(function).remote(*arguments).future()

Workers need neither the library nor, unless they take requests, this package.
"""

from __future__ import annotations

import weakref
from collections import deque
from concurrent.futures import BrokenExecutor
from threading import Lock
from typing import TYPE_CHECKING

from ._answerer import PENDING
from ._errors import InvalidError, StaleError
from .request import Propose

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future
    from typing import Any, Union

    from ._answerer import Pending
    from .request import Request
    from .runs import Run

    #: An executor; or a function that makes one, and another one when that is broken.
    Executors = Union[Executor, Callable[[], Executor]]

# Exceptions that say that a worker was lost, and nothing about what it was doing. By name, since
# Dask and Ray may not be there.
_LOST = {"BrokenExecutor", "CancelledError", "KilledWorker", "WorkerCrashedError"}


class Remote:
    """A function that is called on an executor: a scorer or an optimizer for Driver().

    function: takes a request, and returns what Run.tell() takes. Where workers are processes, they
        have to find it: a function of a module, no lambda. What it raises is a failure of that
        request, with its message.
    executor: a concurrent.futures.Executor. Or a function that makes one, such as
        `lambda: ProcessPoolExecutor(4)`: it is called again when a process that died has broken the
        executor, and what it made is shut down when Driver.run(), or iterating, ends.
    attempts: how often a request is submitted whose worker is lost, until that is its failure.
    solutions: the function takes request.solution instead.

    Everything that the run hands out is submitted; its option max_in_flight says how much that is.
    Answers are told in the order in which they come, which in stepwise mode does not matter for
    what comes out. What is pending when Driver.run(), or iterating, ends is cancelled; driven
    on, it is submitted again.

    An executor that is broken and cannot be made again, or was shut down, is an exception from the
    driver, not from the run: that can be read, and driven on with another `executor`.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        executor: Executors,
        *,
        attempts: int = 3,
        solutions: bool = False,
    ) -> None:
        if not callable(executor) and not hasattr(executor, "submit"):
            raise InvalidError(f"an executor has submit(), or is a function, not {executor!r}")
        self.function = function
        self.executor = executor
        self.attempts = attempts
        self.solutions = solutions

    def _calls(self, wakeup: Callable[[], None]) -> Calls:
        """What answers a driver's requests."""
        return Calls(self, wakeup)


class Calls:
    """The calls of a Remote for a driver. Other threads come to _came() alone."""

    def __init__(self, remote: Remote, wakeup: Callable[[], None]) -> None:
        self._remote = remote
        self._made: Executor | None = None
        self._waiting: deque[tuple[Request, int]] = deque()  # and which attempt it is
        self._open: dict[Future[Any], tuple[Request, int]] = {}
        self._done: deque[Future[Any]] = deque()
        self._answers: deque[tuple[Request, int, Any]] = deque()  # an exception is one, too
        self._lock = Lock()
        self._wakeup: weakref.WeakMethod[Callable[[], None]] | None = weakref.WeakMethod(wakeup)

    def __call__(self, request: Request) -> Pending:
        """As a scorer or an optimizer. It is submitted later: an exception then stops no run."""
        self._waiting.append((request, 1))
        return PENDING

    def go_on(self, run: Run) -> None:
        """Tell the run what has come, and submit what waits."""
        while self._done:
            self._take(self._done[0])
        while self._answers:
            self._tell(run, *self._answers[0])
            self._answers.popleft()
        if run.done:
            self._waiting.clear()
        while self._waiting:
            future = self._submit(self._waiting[0][0])
            self._open[future] = self._waiting.popleft()
            future.add_done_callback(self._came)

    def recall(self) -> None:
        """Cancel what can be cancelled, and let it wait; give up an executor that was made."""
        for future, call in list(self._open.items()):
            if future.cancel():
                del self._open[future]
                self._waiting.append(call)
        if self._made is not None:
            self._made.shutdown(wait=False)
            self._made = None

    def close(self) -> None:
        """As recall(), and wake up nobody any more."""
        with self._lock:
            self._wakeup = None
        self.recall()

    # ---- futures ----

    def _submit(self, request: Any) -> Future[Any]:
        argument = request.solution if self._remote.solutions else request
        try:
            return self._executor().submit(self._remote.function, argument)
        except BrokenExecutor:
            if self._made is None:
                raise
            self._made = None
            return self._executor().submit(self._remote.function, argument)

    def _executor(self) -> Executor:
        given: Any = self._remote.executor
        if hasattr(given, "submit") and not isinstance(given, type):
            executor: Executor = given
            return executor
        if self._made is None:
            self._made = given()
        return self._made

    def _came(self, future: Future[Any]) -> None:
        """On any thread."""
        self._done.append(future)
        with self._lock:
            wakeup = self._wakeup and self._wakeup()
            if wakeup:
                wakeup()

    # Interrupted, both of these can be done again.

    def _take(self, future: Future[Any]) -> None:
        """Take the answer and forget the future.

        As long as anybody knows that, Dask computes it once more when it loses the worker that has
        the result.
        """
        if future in self._open:
            self._answers.append((*self._open[future], _answer(future)))
            del self._open[future]
        self._done.popleft()

    def _tell(self, run: Run, request: Request, attempt: int, answer: Any) -> None:
        if _lost(answer) and attempt < self._remote.attempts:
            self._waiting.append((request, attempt + 1))
        else:
            _tell(run, request, answer)


def _answer(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BaseException as error:
        return error.with_traceback(None)  # which refers to the future


def _lost(answer: Any) -> bool:
    """Whether it is an exception of the worker's end; so is an interrupt there, or an exit."""
    if isinstance(answer, Exception):
        return not _LOST.isdisjoint(kind.__name__ for kind in type(answer).__mro__)
    return isinstance(answer, BaseException)


def _tell(run: Run, request: Request, answer: Any) -> None:
    """Tell an answer. One that the run cannot take is a failure; a late one is nothing."""
    try:
        if isinstance(request, Propose):
            _tell_replies(run, request, answer)
        else:
            run.tell(request, answer)
    except StaleError:
        pass
    except (TypeError, ValueError) as error:
        if run.done:  # it is an observer's
            raise
        run.tell_error(request, error)


def _tell_replies(run: Run, request: Propose, answer: Any) -> None:
    before = run.counts["in_flight"]
    run.tell(request, answer)
    if run.counts["in_flight"] == before:
        run.tell_error(request, f"fewer replies than the {request.samples} that were asked for")
