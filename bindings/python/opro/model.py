# SPDX-License-Identifier: MIT
"""Models: a client for a language model behind HTTP, and questions to it."""

from __future__ import annotations

import ctypes
import json
import os
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from ._answerer import OptimizerHandle
from ._errors import Error, InvalidError, UnknownError, UnsupportedError
from ._ffi import CONSTANTS
from ._handle import Handle, encoded, message
from ._load import C
from ._options import Config, number, static, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Union

    from ._options import Log, Value
    from .problem import Problem

    #: A text of the user's, or messages: (role, text), Message, or {"role": ..., "content": ...}.
    Messages = Union[str, Sequence[Any]]
    Path = Union[str, os.PathLike[str]]

_WAIT = CONSTANTS["OPRO_WAIT"]
_DONE = CONSTANTS["OPRO_DONE"]
_SLICE = 100  # milliseconds that C waits at a time: so long does Ctrl-C take
_OUTCOMES = words("OPRO_OUTCOME_")
_MODEL_FIGURES = words("OPRO_MODEL_")
CALL_FIGURES = {
    CONSTANTS[f"OPRO_CALL_{name}"]: name.lower()
    for name in (
        *("PROMPT_TOKENS", "REPLY_TOKENS", "CACHED_TOKENS", "REASONING_TOKENS", "COST"),
        *("REQUESTS", "RETRIES", "CACHE_HITS", "HTTP_STATUS", "WAIT_MS"),
    )
}


class Reply(NamedTuple):
    """What became of a sample. Look at the outcome: a failure is a value here, no exception."""

    outcome: str
    """ "whole", "truncated" (cut off at max_tokens), "refused" or "failed". """
    text: str
    """The reply; of a refusal: why; of a failure: "". """
    reasoning: str
    """The model's reasoning, where the endpoint gives it apart."""
    finish: str
    """How the endpoint says it ended, such as "stop"."""
    failure: str
    """Of a failure: its class, such as "rate", "auth", "timeout"."""
    error: str
    """Of a failure: the message, with HTTP status and the endpoint's request id."""

    def __str__(self) -> str:
        return self.text


class Model(Handle):
    """A client for one language model, any number of calls at a time.

        model = opro.Model("http://127.0.0.1:8080/v1", "gemma")
        print(model.ask("Hello!")[0])
        opro.Driver(problem, optimizer=model, scorer=score).run()

    base_url: the endpoint's address up to and with its version. Plain http is for this machine.
    name: the model's name there.
    key: the secret key, sent to base_url alone; or a function that returns it, asked before the
        first request and once more when a key was refused.
    headers: for every request. parameters: members of every request's body, such as top_k=40, as
        Python values. proxy; ca_file, ca_dir: certificates to trust instead of the system's.
    cache_file: answers at temperature 0 are kept there too, and not paid twice.
    record: append every exchange to this file, without keys. replay: answer from such a file and
        never use the network; base_url and name are in it.
    Options are keywords: those of opro.options() that begin with "model_".

    A model belongs to one thread at a time. It closes its connections when it is closed and no
    driver, call or examiner uses it any more. With asyncio: ask_async(), and opro.aio.
    """

    __slots__ = ()
    _c_free = "opro_model_free"
    _c_error = "opro_model_error"

    def __init__(
        self,
        base_url: str | None = None,
        name: str | None = None,
        *,
        key: str | Callable[[], str] | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        proxy: str | None = None,
        ca_file: Path | None = None,
        ca_dir: Path | None = None,
        cache_file: Path | None = None,
        record: Path | None = None,
        replay: Path | None = None,
        config: Config | None = None,
        log: Log | None = None,
        log_level: str = "warning",
        **options: Value,
    ) -> None:
        config = Config(options, config=config, log=log, log_level=log_level)
        try:
            self._new(C.opro_model_new, config, None, keeps=(config,))
        except UnsupportedError as error:
            raise UnsupportedError("this build of libopro has no model client") from error
        self.set(base_url, name, key=key, headers=headers, parameters=parameters, proxy=proxy)
        self.set(ca_file=ca_file, ca_dir=ca_dir, cache_file=cache_file)
        self.set(record=record, replay=replay)

    @classmethod
    def from_env(
        cls, name: str | None = None, base_url: str | None = None, **settings: Any
    ) -> Model:
        """A model with what the environment has: base URL, key, proxy, ...

        Their names are those that are usual for the provider: OPENAI_BASE_URL, OPENAI_API_KEY,
        ANTHROPIC_API_KEY, and so on. base_url counts more. settings: as for Model().
        UnknownError: the environment names no endpoint, and base_url is not given.
        """
        headers = settings.pop("headers", None)
        key = settings.pop("key", None)
        model = cls(base_url, name, **settings)
        if model._call(C.opro_model_set_from_env) == _WAIT and base_url is None:
            raise UnknownError(
                "the environment names no endpoint: set OPENAI_BASE_URL or OPENAI_API_KEY, or"
                " give base_url"
            )
        model.set(base_url, key=key, headers=headers)
        return model

    def set(
        self,
        base_url: str | None = None,
        name: str | None = None,
        *,
        key: str | Callable[[], str] | None = None,
        headers: Mapping[str, str | None] | None = None,
        parameters: Mapping[str, Any] | None = None,
        proxy: str | None = None,
        ca_file: Path | None = None,
        ca_dir: Path | None = None,
        cache_file: Path | None = None,
        record: Path | None = None,
        replay: Path | None = None,
    ) -> None:
        """Change what is given, as in Model(). A header or parameter that is None is removed.

        What concerns calls that are under way cannot be changed (StateError).
        """
        if base_url is not None:
            self._call_text(C.opro_model_set_base_url, base_url)
        if name is not None:
            self._call_text(C.opro_model_set_name, name)
        if key is not None:
            self._set_key(key)
        for header, value in (headers or {}).items():
            self._set_member(C.opro_model_set_header, header, value)
        for parameter, value in (parameters or {}).items():
            self._set_member(
                C.opro_model_set_parameter, parameter, None if value is None else json.dumps(value)
            )
        for function, text in (
            (C.opro_model_set_proxy, proxy),
            (C.opro_model_set_ca_file, ca_file),
            (C.opro_model_set_ca_dir, ca_dir),
            (C.opro_model_replay, replay),
            (C.opro_model_record, record),
            (C.opro_model_set_cache_file, cache_file),
        ):
            if text is not None:
                self._call_text(function, os.fspath(text))

    def _set_key(self, key: str | Callable[[], str]) -> None:
        if isinstance(key, str):
            self._call_text(C.opro_model_set_key, key)
            return
        function = key

        def tell(_: int, sink: int) -> int:
            data = encoded(function())
            status: int = C.opro_sink_text(sink, data, len(data))
            return status

        self._set_callback(C.opro_model_set_key_fn, "key_fn", tell)

    def _set_member(self, function: Any, name: str, value: str | None) -> None:
        first = encoded(name)
        second = None if value is None else encoded(value)
        self._call(function, first, len(first), second, len(second or b""))

    # ---- asking ----

    def ask(self, messages: Messages, **settings: Any) -> tuple[Reply, ...]:
        """Ask and wait: one Reply for each sample, whatever became of it. Ctrl-C gets through.

        messages: a text, or a conversation: see Call, where the settings are, too: samples,
        temperature, max_tokens, seed, stop, system, deadline.
        """
        with Call(self, messages, **settings) as call:
            call.submit()
            while not call.done:
                self.poll(None)
            return call.replies

    async def ask_async(self, messages: Messages, **settings: Any) -> tuple[Reply, ...]:
        """As ask(), in asyncio's running loop: many may be under way. Cancelling ends the call."""
        from .aio import ask

        return await ask(self, messages, **settings)

    def poll(self, timeout: float | None = 0) -> bool:
        """Let calls that were submitted go on; wait at most timeout seconds if there is nothing.

        True: something was done, call again. False: nothing came in time, or no call is under way.
        timeout: None waits for ever.
        """
        until = None if timeout is None else monotonic() + timeout
        while True:
            left = _SLICE if until is None else int((until - monotonic()) * 1000)
            status = self._call(C.opro_model_poll, max(0, min(left, _SLICE)))
            if status != _WAIT:
                return status != _DONE
            if left <= _SLICE and until is not None:
                return False

    # ---- looking at it ----

    @property
    def figures(self) -> dict[str, int]:
        """Figures of all calls: "requests", "prompt_tokens", "cost" (millionths), ..."""
        return {name: self._get(C.opro_model_figure, at) for at, name in _MODEL_FIGURES.items()}

    def __repr__(self) -> str:
        return "<Model, closed>" if self.closed else "<Model>"

    def _optimizer(self, problem: Problem, config: Config) -> Handle:
        return OptimizerHandle._made(C.opro_optimizer_new_model, self, None, keeps=(self,))


class Call(Handle):
    """A question to a model, for who does not wait for it: submit() it, and poll() the model.

    messages: a text of the user's, or a sequence of messages: (role, text), opro.Message, or
        {"role": ..., "content": ...}, with the roles "system", "user" and "assistant". A last
        message of the assistant's is continued by the reply.
    samples: how many replies. temperature: None leaves it to the endpoint; at 0 one reply is asked
        for and copied. max_tokens: for each reply. seed: the i-th reply has seed + i.
    stop: texts that end a reply, at most 4. system: a system message in front.
    deadline: seconds for all of it.

    close() cancels what is under way.
    """

    __slots__ = ("_model", "_samples")
    _c_free = "opro_call_free"
    _brief = True

    def __init__(
        self,
        model: Model,
        messages: Messages,
        *,
        samples: int = 1,
        temperature: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        stop: str | Iterable[str] = (),
        system: str | None = None,
        deadline: float | None = None,
    ) -> None:
        self._model = model
        self._samples = samples
        self._new(C.opro_call_new, model, keeps=(model,))
        self._guard = model._guard
        for role, text in _messages(messages, system):
            data = encoded(text)
            role_number = number("OPRO_ROLE_", role, "role")
            self._call(C.opro_call_add_message, role_number, data, len(data))
        for function, value in (
            (C.opro_call_set_samples, samples),
            (C.opro_call_set_temperature, temperature),
            (C.opro_call_set_max_tokens, max_tokens),
            (C.opro_call_set_seed, seed),
            (C.opro_call_set_deadline, None if deadline is None else round(deadline * 1000)),
        ):
            if value is not None:
                self._call(function, _fitting(function, value))
        for text in [stop] if isinstance(stop, str) else stop:
            self._call_text(C.opro_call_add_stop, text)

    def _failure(self, status: int) -> Error:
        return self._model._failure(status)

    def submit(self, done: Callable[[], object] | None = None) -> None:
        """Put it in the model's queue. done: called, inside poll(), when all samples are there."""

        def hear(_: int, event: int, index: int) -> None:
            if event == CONSTANTS["OPRO_CALL_DONE"] and done is not None:
                done()

        self._set_callback(C.opro_call_submit, "call_fn", done and hear)

    @property
    def done(self) -> bool:
        """Whether all samples have their outcome."""
        return bool(self._get(C.opro_call_done))

    @property
    def replies(self) -> tuple[Reply, ...]:
        """What became of each sample; "none" is the outcome of those that are not there yet."""
        return tuple(self._reply(index) for index in range(self._samples))

    def _reply(self, index: int) -> Reply:
        outcome = _OUTCOMES.get(self._get(C.opro_call_outcome, index), "unknown")
        failed = outcome == "failed"
        return Reply(
            outcome=outcome,
            text=self._text(C.opro_call_reply, index),
            reasoning=self._text(C.opro_call_reasoning, index),
            finish=static(self._get(C.opro_call_finish, index)),
            failure=self.failure if failed else "",
            error=self.error if failed else "",
        )

    @property
    def failure(self) -> str:
        """The class of the last failure, such as "rate"; "" if no sample failed."""
        failure = self._get(C.opro_call_failure)
        return static(C.opro_failure_name(failure)) if failure else ""

    @property
    def error(self) -> str:
        """The message of the last failure."""
        return message(self._get(C.opro_call_error))

    @property
    def figures(self) -> dict[str, int]:
        """Figures of this call: "prompt_tokens", "cost" (millionths), "retries", ..."""
        return {name: self._get(C.opro_call_figure, at) for at, name in CALL_FIGURES.items()}


def _messages(messages: Messages, system: str | None) -> Iterable[tuple[str, str]]:
    """Messages of any form as (role, text)."""
    if system is not None:
        yield "system", system
    given: Sequence[Any] = [("user", messages)] if isinstance(messages, str) else messages
    for each in given:
        try:
            role, text = (each["role"], each["content"]) if isinstance(each, dict) else each
        except (KeyError, TypeError, ValueError):
            raise InvalidError(
                f"a message is (role, text) or {{'role': ..., 'content': ...}}, not {each!r}"
            ) from None
        yield role, text


def _fitting(function: Any, value: Any) -> Any:
    """A number that the function can take: ctypes would cut off bits."""
    kind = function.argtypes[1]
    if kind is ctypes.c_double:
        return float(value)
    if kind(value).value != value:
        raise InvalidError(f"{value} is out of range")
    return value
