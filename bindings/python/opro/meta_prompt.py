# SPDX-License-Identifier: MIT
"""Meta-prompts: problem, trajectory and options as messages for a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._errors import InvalidError
from ._handle import Handle, encoded, text_at
from ._load import C
from ._options import Config, number, words
from ._solutions import sink_text
from .request import Message
from .trajectory import Trajectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Union

    from ._options import Log, Value
    from .problem import Problem

    #: A template, or a function (trajectory, number) -> text.
    Block = Union[str, Callable[[Trajectory, int], str]]

_BLOCKS = words("OPRO_BLOCK_")
_ROLES = words("OPRO_ROLE_")


class MetaPrompt(Handle):
    """A builder of meta-prompts, to be looked at or handed to Run(meta_prompt=).

    blocks: replaced blocks by name: "layout", "intro", "entry", "exemplar", "feedback", "rejected",
        "request", "prefix". A text is a template with the placeholders that meta_prompt.h lists.
        A function gets the trajectory and a number (the candidate for entry, feedback and rejected,
        the exemplar for exemplar, else -1) and returns the block's text; it must return the same
        for the same arguments.
    sort: gets the trajectory and the numbers of the best candidates, best first; returns those to
        show, in the order of the text.
    tokens: counts the tokens of a text.
    Options are keywords, as for Run().
    """

    __slots__ = ("_problem",)
    _c_free = "opro_meta_prompt_free"
    _c_error = "opro_meta_prompt_error"

    def __init__(
        self,
        problem: Problem,
        *,
        blocks: Mapping[str, Block] | None = None,
        sort: Callable[[Trajectory, list[int]], Sequence[int]] | None = None,
        tokens: Callable[[str], int] | None = None,
        config: Config | None = None,
        log: Log | None = None,
        log_level: str = "warning",
        **options: Value,
    ) -> None:
        config = Config(options, config=config, log=log, log_level=log_level)
        self._problem = problem
        self._new(C.opro_meta_prompt_new, problem, config, None, keeps=(problem, config))
        for name, block in (blocks or {}).items():
            self.set(name, block)
        if sort is not None:
            self._set_sort(sort)
        if tokens is not None:
            self._set_tokens(tokens)

    def set(self, name: str, block: Block) -> None:
        """Replace a block, until a run uses the builder."""
        which = number("OPRO_BLOCK_", name, "block")
        if isinstance(block, str):
            data = encoded(block)
            self._call(C.opro_meta_prompt_set_template, which, data, len(data))
            return
        function = block

        def enter(_: int, trajectory: int, __: int, at: int, sink: int) -> int:
            return sink_text(sink, function(self._seen(trajectory), at))

        self._set_callback(C.opro_meta_prompt_set_block_fn, "block_fn", enter, which)

    def _set_sort(self, sort: Callable[[Trajectory, list[int]], Sequence[int]]) -> None:
        def enter(_: int, trajectory: int, numbers: Any, count: int, sink: int) -> int:
            given = numbers[:count]
            shown = list(sort(self._seen(trajectory), list(given)))
            if not set(shown) <= set(given) or len(set(shown)) != len(shown):
                raise InvalidError(f"sort returned {shown}: it has to choose among {given}")
            rest = [each for each in given if each not in shown]
            for at, each in enumerate(shown + rest):
                numbers[at] = each
            status: int = C.opro_sink_count(sink, len(shown))
            return status

        self._set_callback(C.opro_meta_prompt_set_sort_fn, "sort_fn", enter)

    def _set_tokens(self, tokens: Callable[[str], int]) -> None:
        def enter(_: int, text: int, length: int, sink: int) -> int:
            status: int = C.opro_sink_count(sink, tokens(text_at(text, length)))
            return status

        self._set_callback(C.opro_meta_prompt_set_token_fn, "token_fn", enter)

    def _seen(self, pointer: int) -> Trajectory:
        """The trajectory that a callback may look at while it runs."""
        return Trajectory._of(self, pointer, self._problem.kind)

    def template(self, name: str) -> str:
        """The template of a block as it stands."""
        return self._text(C.opro_meta_prompt_template, number("OPRO_BLOCK_", name, "block"))

    def build(self, trajectory: Trajectory, step: int = 0) -> tuple[Message, ...]:
        """The messages of a step, made from a trajectory; the same arguments give the same."""
        self._call(C.opro_meta_prompt_build, trajectory, step)
        count = self._get(C.opro_meta_prompt_messages)
        return tuple(
            Message(
                _ROLES[self._get(C.opro_meta_prompt_role, at)],
                self._text(C.opro_meta_prompt_text, at),
            )
            for at in range(count)
        )

    @property
    def tokens(self) -> int:
        """Tokens of the last build."""
        count: int = self._get(C.opro_meta_prompt_tokens)
        return count


def estimate_tokens(text: str) -> int:
    """The built-in estimate of a text's tokens, which counts high."""
    data = encoded(text)
    count: int = C.opro_estimate_tokens(data, len(data))
    return count
