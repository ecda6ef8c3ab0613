# SPDX-License-Identifier: MIT
"""With asyncio: runs and models in the running loop, without a thread and without busy waiting.

    async def score(request):  # many are under way at once
        return await measure(request.solution)

    driver = opro.Driver(problem, optimizer=model, scorer=score, steps=20)
    async for step in opro.aio.steps(driver):  # or: await driver.run_async()
        print(step["best_so_far"])
    replies = await model.ask_async("Hello!")

The loop watches the sockets of the models that take part and keeps their timer, while somebody
awaits them. Scorers and optimizers may be functions or coroutines. Exceptions of theirs come out of
what is awaited, with their traceback, and end the run. So does cancelling: coroutines that are
under way are cancelled, and the run stops; what is in its journal is kept.

This needs a loop that can watch sockets, as all have but Windows' default one.
"""

from __future__ import annotations

import asyncio
import weakref
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from ._errors import StaleError, StateError
from ._ffi import CONSTANTS
from ._handle import Handle
from ._load import C
from .driver import Driver
from .exam import Sheet
from .model import Call, Model
from .prompt import Search

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
    from typing import Any

    from .dataset import Examples
    from .exam import Exam, Examiner
    from .model import Messages, Reply
    from .prompt import PromptResult
    from .request import Request
    from .runs import Run
    from .trajectory import Candidate

_IN = CONSTANTS["OPRO_POLL_IN"]
_OUT = CONSTANTS["OPRO_POLL_OUT"]
_WAKEUP = "opro_driver_set_wakeup_fn()"


# ---- what is awaited ---------------------------------------------------------------------------


async def ask(model: Model, messages: Messages, **settings: Any) -> tuple[Reply, ...]:
    """As Model.ask()."""
    with watched([model]) as news, Call(model, messages, **settings) as call:
        call.submit()
        while not call.done:
            await news.wait()
        return call.replies


async def examine(
    examiner: Examiner, instruction: str = "", examples: str | Iterable[int] | None = None
) -> Exam:
    """As Examiner.examine()."""
    return (await _examine(examiner, [(instruction, examiner._indices(examples))]))[0]


async def _examine(examiner: Examiner, papers: Iterable[tuple[str, list[int]]]) -> list[Exam]:
    exams: list[Exam] = []
    with watched(examiner._models) as news, ExitStack() as stack:
        sheets = [stack.enter_context(Sheet(examiner, *paper)) for paper in papers]
        for sheet in sheets:
            sheet.begin()
        while not all(sheet.done for sheet in sheets):
            await news.wait()
        exams += [sheet.exam for sheet in sheets]
    return exams


async def optimize_prompt(examples: Examples, model: Model | str, **settings: Any) -> PromptResult:
    """As opro.optimize_prompt()."""
    search = Search(examples, model, **settings)
    exams = {}
    try:
        await run(search.driver)
        search.check()
        plan = search.plan()
        exams = dict(zip(plan, await _examine(search.examiner, search.papers(plan))))
    except BaseException as error:
        error.result = search.result(exams)  # type: ignore[attr-defined]
        raise
    finally:
        search.close_journal()
    result = search.result(exams)
    assert result is not None  # check() says so
    return result


async def run(driver: Driver) -> Candidate | None:
    """Go on until the run is done, and return its winner."""
    async with _Session(driver) as session:
        while await session.poll():
            pass
    return driver.winner


async def steps(driver: Driver) -> AsyncIterator[dict[str, int | float | None]]:
    """Go on step by step; yields the figures of each, as iterating over a driver does.

    Left before its end, by break or an exception, it stops the run.
    """
    async with _Session(driver) as session:
        seen = driver.trajectory.steps
        while await session.poll():
            while seen < driver.trajectory.steps:
                yield {"step": seen, **driver.trajectory.figures(seen)}
                seen += 1


# ---- news --------------------------------------------------------------------------------------


class News:
    """That something has happened, for one who waits for it; and the first exception."""

    def __init__(self, driver: Driver | None = None) -> None:
        self.driver = driver
        self.loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._error: BaseException | None = None

    @property
    def concerned(self) -> bool:
        """Whether an exception of a run's callback is of the run that is waited for."""
        return self.driver is not None and self.driver.stop_reason == "error"

    def tell(self) -> None:
        """Something has happened."""
        self._event.set()

    def fail(self, error: BaseException | None) -> None:
        """Somebody has to hear of an exception."""
        self._error = self._error or error
        self._event.set()

    async def wait(self, timeout: float | None = None) -> None:
        """Until something has happened since the last time, or the time has come."""
        timer = None if timeout is None else self.loop.call_later(timeout, self.tell)
        try:
            await self._event.wait()
        finally:
            if timer is not None:
                timer.cancel()
        self._event.clear()
        self.check()

    def check(self) -> None:
        """Raise the exception, if there is one."""
        if self._error is not None:
            error, self._error = self._error, None
            raise error


# ---- sockets of models -------------------------------------------------------------------------


class _Sockets:
    """The sockets and the timer of a model in a loop, as long as anybody waits for the model."""

    def __init__(self, model: Model, loop: asyncio.AbstractEventLoop) -> None:
        self.model = model
        self.loop = loop
        self.listeners: list[News] = []
        self._wishes: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        model._set_callback(C.opro_model_set_socket_fn, "socket_fn", self._watch)
        model._set_callback(C.opro_model_set_timer_fn, "timer_fn", self._time)

    def close(self) -> None:
        """The model waits by itself again; StateError while it has calls of somebody else's."""
        self.model._set_callback(C.opro_model_set_socket_fn, "socket_fn", None)
        self.model._set_callback(C.opro_model_set_timer_fn, "timer_fn", None)
        self._time(0, -1)

    def _watch(self, _: int, fd: int, events: int) -> None:
        before = self._wishes.pop(fd, 0)
        if events:
            self._wishes[fd] = events
        for bit, add, remove in (
            (_IN, self.loop.add_reader, self.loop.remove_reader),
            (_OUT, self.loop.add_writer, self.loop.remove_writer),
        ):
            if events & bit and not before & bit:
                add(fd, self._act, C.opro_model_socket_action, fd, bit)
            elif before & bit and not events & bit:
                remove(fd)

    def _time(self, _: int, milliseconds: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if milliseconds >= 0:
            action = C.opro_model_timer_action
            self._timer = self.loop.call_later(milliseconds / 1000, self._act, action)

    def _act(self, action: Any, *arguments: int) -> None:
        """Tell the model what has happened; callbacks, of runs too, run in there."""
        try:
            self.model._call(action, *arguments)
        except Exception as error:
            for news in [each for each in self.listeners if each.concerned] or self.listeners:
                news.fail(error)
        else:
            for news in self.listeners:
                news.tell()


_sockets: weakref.WeakKeyDictionary[Model, _Sockets] = weakref.WeakKeyDictionary()


@contextmanager
def watched(models: Iterable[Model], news: News | None = None) -> Iterator[News]:
    """Watch the sockets of these models in the running loop; yields what tells of them."""
    news = news or News()
    with ExitStack() as stack:
        for model in models:
            stack.enter_context(_watched(model, news))
        yield news


@contextmanager
def _watched(model: Model, news: News) -> Iterator[None]:
    sockets = _sockets.get(model)
    if sockets is None:
        sockets = _sockets[model] = _Sockets(model, news.loop)
    elif sockets.loop is not news.loop:
        raise StateError("this Model is awaited in another loop; a loop needs a Model of its own")
    sockets.listeners.append(news)
    try:
        yield
    finally:
        sockets.listeners.remove(news)
        if not sockets.listeners and not model.closed:
            with suppress(StateError):
                sockets.close()
                del _sockets[model]


def _models(handle: object, found: dict[Model, None]) -> Iterable[Model]:
    """The models that an object uses, directly or by what it keeps."""
    if isinstance(handle, Model):
        found[handle] = None
    elif isinstance(handle, Handle):
        for kept in handle._keeps:
            _models(kept, found)
    return found


# ---- drivers -----------------------------------------------------------------------------------


class _Session:
    """A driver that is awaited."""

    def __init__(self, driver: Driver) -> None:
        if driver in _sessions:
            raise StateError("this Driver is awaited already")
        self.driver = driver
        self.news = News(driver)
        self.tasks: set[asyncio.Task[None]] = set()
        self._stack = ExitStack()

    async def __aenter__(self) -> _Session:
        driver, loop = self.driver, self.news.loop
        with ExitStack() as stack:
            stack.enter_context(watched(_models(driver, {}), self.news))
            before = driver._hooks.get(_WAKEUP)
            function = None if before is None else before.function
            stack.callback(_set_wakeup, driver, function)

            def wakeup() -> None:
                loop.call_soon_threadsafe(self.news.tell)
                if function is not None:
                    function()

            _set_wakeup(driver, wakeup)
            _sessions[driver] = self
            stack.callback(lambda: _sessions.pop(driver, None))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._stack:
            if not self.driver.done and not self.driver.closed:
                self.driver.stop()
                self.driver.poll(0)
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    async def poll(self) -> bool:
        """Do what can be done now, or wait for news; False: the run is done."""
        self.news.check()
        if self.driver.poll(0):
            await asyncio.sleep(0)  # others have their turn
            return True
        if self.driver.done:
            return False
        await self.news.wait(self.driver.timeout())
        return True

    def begin(self, request: Request, answer: Awaitable[Any]) -> None:
        """Let a coroutine answer a request."""
        task = self.news.loop.create_task(self._answer(request, answer))
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    async def _answer(self, request: Request, answer: Awaitable[Any]) -> None:
        said = await answer
        with suppress(StaleError):  # its time was over, or the run stopped
            self.driver.handle.tell(request, said)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if task.cancelled():
            self.news.fail(StateError("a coroutine that was to answer a request was cancelled"))
        elif task.exception() is not None:
            self.news.fail(task.exception())
        else:
            self.news.tell()


_sessions: weakref.WeakKeyDictionary[Driver, _Session] = weakref.WeakKeyDictionary()


def _set_wakeup(driver: Driver, function: Callable[[], object] | None) -> None:
    if not driver.closed:
        driver._set_callback(C.opro_driver_set_wakeup_fn, "wakeup_fn", function)


def begin(run: Run, request: Request, answer: Any) -> None:
    """Let a coroutine, which an optimizer or a scorer has returned, answer a request of a run."""
    driver = run._owner
    session = _sessions.get(driver) if isinstance(driver, Driver) else None
    if session is None:
        if hasattr(answer, "close"):
            answer.close()
        raise StateError(
            "the optimizer or the scorer is a coroutine: await driver.run_async(), or iterate"
            " over opro.aio.steps(driver)"
        )
    session.begin(request, answer)
