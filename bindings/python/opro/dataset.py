# SPDX-License-Identifier: MIT
"""Labelled examples, and their split into training, validation and test examples."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, NamedTuple, overload

from ._errors import Error, InvalidError
from ._ffi import CONSTANTS
from ._handle import Handle, encoded
from ._load import C
from ._options import number, words
from ._solutions import sink_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Union

    #: The path of a file, or pairs (question, answer), of which some may have options behind them.
    Examples = Union["Dataset", str, os.PathLike[str], Iterable[Sequence[Any]]]

_TASKS = words("OPRO_TASK_")
SETS = {name: CONSTANTS[f"OPRO_{name.upper()}"] for name in ("train", "validation", "test")}

# The split of those who do not say which: of fewer examples none is put aside; more training
# examples cost more than they teach.
_FEW = 100
_TRAIN_MOST = 250
_HELD_MOST = 250


class Example(NamedTuple):
    """A question, and the answer that is wanted."""

    question: str
    """What a model is given: with the options, where they came separately."""
    answer: str
    options: tuple[str, ...]
    """Those that came separately."""


class Dataset(Handle):
    """Labelled examples: len(), indexing, iteration.

        data = opro.Dataset("reviews.jsonl", columns=("text", "label"))
        data = opro.Dataset([("2 + 2?", "4"), ("3 + 3?", "6")])
        data.split(0.6, 0.2, 0.2)

    source: the path of a file, or pairs (question, answer), or (question, answer, [options]).
    layout: of the file: "auto", "bbh", "gsm8k", "aqua", "jsonl", "csv" or "tsv".
    columns: the names of the members or columns that hold question, answer and options.
    skip_bad: bad lines are skipped and counted instead of being an error that names them.

    While a problem or an examiner uses it, it cannot be changed (StateError).
    """

    __slots__ = ()
    _c_free = "opro_dataset_free"
    _c_error = "opro_dataset_error"

    def __init__(
        self,
        source: Examples | None = None,
        *,
        layout: str = "auto",
        columns: Sequence[str] | None = None,
        skip_bad: bool = False,
    ) -> None:
        self._new(C.opro_dataset_new, None)
        if columns is not None:
            self._set_columns(columns)
        if skip_bad:
            self._call(C.opro_dataset_set_skip_bad, 1)
        if isinstance(source, (str, os.PathLike)):
            self.load(source, layout)
        elif source is not None:
            self.add(source)

    @classmethod
    def lazy(cls, count: int, example: Callable[[int], Sequence[Any]]) -> Dataset:
        """Examples that are not kept in memory.

        example(index) returns (question, answer) or (question, answer, options), the same ones
        whenever it is asked, from whatever thread.
        """
        dataset = cls()

        def tell(_: int, index: int, sink: int) -> int:
            question, answer, options = _parts(example(index))
            texts = [question, answer, *([options] if options else [])]
            return min(sink_text(sink, text) for text in texts)

        dataset._set_callback(C.opro_dataset_set_fn, "example_fn", tell, count)
        return dataset

    def _set_columns(self, columns: Sequence[str]) -> None:
        names = [columns] if isinstance(columns, str) else list(columns)
        if not 2 <= len(names) <= 3:
            raise InvalidError(f"columns: question, answer and perhaps options, not {columns!r}")
        question, answer, options = map(_name, [*names, None][:3])
        self._call(C.opro_dataset_set_columns, question, answer, options)

    # ---- filling it ----

    def load(self, path: str | os.PathLike[str], layout: str = "auto") -> None:
        """Append the examples of a file; if one is bad, none."""
        name = os.fspath(path)
        data = encoded(name)
        kind = number("OPRO_LAYOUT_", layout, "layout")
        try:
            self._call(C.opro_dataset_load, data, len(data), kind)
        except Error as error:
            if name in str(error):
                raise
            raise type(error)(f"{name}: {error}", error.status) from None

    def read(self, data: str | bytes, layout: str) -> None:
        """Append the examples of a file's content."""
        content = encoded(data)
        kind = number("OPRO_LAYOUT_", layout, "layout")
        self._call(C.opro_dataset_read, content, len(content), kind)

    def add(self, examples: Iterable[Sequence[Any]]) -> None:
        """Append examples: (question, answer) or (question, answer, options)."""
        for example in examples:
            question, answer, options = map(encoded, _parts(example))
            lengths = len(question), len(answer), len(options)
            self._call(
                C.opro_dataset_add,
                *(question, lengths[0], answer, lengths[1], options, lengths[2]),
            )

    # ---- its split ----

    def split(
        self,
        train: float | Iterable[int] = 0.0,
        validation: float | Iterable[int] = 0.0,
        test: float | Iterable[int] = 0.0,
        *,
        seed: int = 0,
    ) -> None:
        """Split at random by shares (0 to 1, at most 1 together), or by hand: indices of each.

        The rest is in no set. Without a split all are training examples.
        """
        given = (train, validation, test)
        if all(isinstance(share, (int, float)) for share in given):
            self._call(C.opro_dataset_split, *given, seed)
            return
        for name, indices in zip(SETS, given):
            chosen = [] if isinstance(indices, (int, float)) else list(indices)
            array = (ctypes.c_int64 * len(chosen))(*chosen)
            self._call(C.opro_dataset_set_split, SETS[name], array, len(chosen))

    def split_published(self, train: float = 0.2, validation: float = 0.0) -> None:
        """As the published program splits; the rest are test examples."""
        self._call(C.opro_dataset_split_published, train, validation)

    def split_default(self, test: bool = False) -> None:
        """Put a fifth aside for validation, and one for a test: of 100 examples or more.

        At most 250 each; at most 250 are training examples, and what is left is for the test.
        """
        count = len(self)
        if count < _FEW:
            return
        held = min(count // 5, _HELD_MOST)
        train = min(count - held * (2 if test else 1), _TRAIN_MOST)
        rest = count - train - held if test else 0
        self.split(train / count, held / count, rest / count)

    def indices(self, set: str) -> tuple[int, ...]:
        """The examples of a set, "train", "validation" or "test", in increasing order."""
        if set not in SETS:
            raise InvalidError(f"set {set!r}: it is one of {', '.join(SETS)}")
        count = ctypes.c_size_t()
        found = self._get(C.opro_dataset_split_of, SETS[set], ctypes.byref(count))
        return tuple(found[: count.value]) if count.value else ()

    # ---- looking at it ----

    def __len__(self) -> int:
        count: int = self._get(C.opro_dataset_count)
        return count

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        count = len(self)
        if isinstance(index, slice):
            return [self._example(at) for at in range(*index.indices(count))]
        at = index + count if index < 0 else index
        if not 0 <= at < count:
            raise IndexError(f"example {index}: there are {count}")
        return self._example(at)

    def __iter__(self) -> Iterator[Example]:
        return map(self._example, range(len(self)))

    def _example(self, at: int) -> Example:
        options = self._text(C.opro_dataset_options, at)
        return Example(
            self._text(C.opro_dataset_question, at),
            self._text(C.opro_dataset_answer, at),
            tuple(options.split("\n")) if options else (),
        )

    @property
    def task(self) -> str:
        """What kind of answers there are, by their look: "text", "number", "bool", "choice"."""
        return _TASKS.get(self._get(C.opro_dataset_task), "text")

    @property
    def skipped(self) -> int:
        """How many bad lines were skipped."""
        count: int = self._get(C.opro_dataset_skipped)
        return count

    @property
    def digest(self) -> int:
        """A digest of all examples and of the split, equal on every platform."""
        value: int = self._get(C.opro_dataset_digest)
        return value

    def __repr__(self) -> str:
        if self.closed:
            return "<Dataset, closed>"
        sets = ", ".join(f"{len(self.indices(name))} {name}" for name in SETS)
        return f"<Dataset of {len(self)} examples: {sets}>"


def _name(name: str | None) -> bytes | None:
    if name is None:
        return None
    if "\0" in name:
        raise InvalidError(f"column {name!r}: there is a NUL in it")
    return encoded(name)


def _parts(example: Sequence[Any]) -> tuple[str, str, str]:
    """Question, answer and options as texts."""
    if isinstance(example, str) or not 2 <= len(example) <= 3:
        raise InvalidError(f"an example is (question, answer[, options]), not {example!r}")
    question, answer = map(str, example[:2])
    options = example[2] if len(example) == 3 else ""
    return question, answer, options if isinstance(options, str) else "\n".join(map(str, options))
