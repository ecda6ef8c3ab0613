# SPDX-License-Identifier: MIT
"""Journals: runs kept in a file, so that they go on where they were; and what is in such a file."""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ._ffi import CONSTANTS
from ._handle import Handle, encoded
from ._load import C
from ._options import Config, static, words
from .runs import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._options import Log, Value

_DONE = CONSTANTS["OPRO_DONE"]
_KINDS = words("OPRO_ENTRY_")
_COUNTS = words("OPRO_JOURNAL_")
_SETS = {CONSTANTS["OPRO_TRAIN"]: "train", CONSTANTS["OPRO_VALIDATION"]: "validation"}
_ASKS = words("OPRO_REQUEST_")
_SCORE = CONSTANTS["OPRO_REQUEST_SCORE"]
_ENDS = {
    0: "whole",
    CONSTANTS["OPRO_REASON_TRUNCATED"]: "truncated",
    CONSTANTS["OPRO_REASON_REFUSED"]: "refused",
}


class Entry(NamedTuple):
    """An entry of a journal. What its kind does not have is 0, "" or ()."""

    record: int
    """Its number in the file."""
    kind: str
    """ "header", "time", "request", "again", "reply", "scores", "error", "feedback", "usage",
    "step", "stop", "resume", "close", "other". """
    id: int
    """The request that it is about."""
    step: int
    sample: int
    """Which sample was answered."""
    wanted: int
    """How many replies or scores are asked for."""
    what: str
    """Of a request: "propose" or "score"; of a reply: "whole", "truncated" or "refused"; of a stop:
    why; of an error: the name of its status."""
    set: str
    """Of a request for scores: "train" or "validation"."""
    ms: int
    """When, by the run's clock."""
    text: str
    """The header's JSON, a candidate, a reply, feedback, or a message."""
    scores: tuple[float, ...]
    usage: Usage | None


class Journal(Handle):
    """A file of what came into a run: to keep a run, or to be read.

        opro.minimize(f, problem, steps=50, journal="run.journal")

    The same line begins a run and resumes it: a file that is not there is made, one that is there
    is put back into the run, which has to be made in the same way each time. What of it may differ,
    and what is lost when a machine dies, is in journal.h.

        with opro.Journal("run.journal") as journal:
            for entry in journal:
                print(entry.kind, entry.text)
            print(journal.summary().best)

    A journal that is read is not changed; somebody may be writing it. Options are keywords: those
    that begin with "journal_".
    """

    __slots__ = ("_own", "_summary", "path")
    _c_free = "opro_journal_free"
    _c_error = "opro_journal_error"

    path: str

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        config: Config | None = None,
        log: Log | None = None,
        log_level: str = "warning",
        **options: Value,
    ) -> None:
        config = Config(options, config=config, log=log, log_level=log_level)
        self.path = os.fspath(path)
        self._summary = Summary(self.path)
        self._own = False
        data = encoded(self.path)
        self._new(C.opro_journal_new, data, len(data), config, None, keeps=(config,))

    # ---- keeping a run ----

    def sync(self) -> None:
        """Wait until what was written is on the disk."""
        self._call(C.opro_journal_sync)

    def close(self) -> None:
        """Close the file; an error says that not all of it arrived. Its run can go no further."""
        try:
            if not self.closed:
                self._call(C.opro_journal_close)
        finally:
            super().close()

    @property
    def torn_file(self) -> str:
        """The file with a copy of a torn end that was cut off; "" if there was none."""
        return self._text(C.opro_journal_torn_file)

    @property
    def counts(self) -> dict[str, int]:
        """Figures: "records", "durable", "bytes", "torn_bytes", "replayed", "again"."""
        return {name: self._get(C.opro_journal_count, at) for at, name in _COUNTS.items()}

    # ---- reading one ----

    def __iter__(self) -> Iterator[Entry]:
        """The entries that were not read yet. A damaged file is a ParseError, where it is so."""
        while (entry := self._next()) is not None:
            yield entry

    def verify(self) -> None:
        """Read all that was not read yet; ParseError says which record is damaged.

        A torn end, which a crash can leave, is no damage: see counts["torn_bytes"].
        """
        while self._next() is not None:
            pass

    def summary(self) -> Summary:
        """What came of the run, from all entries to the end of the file."""
        self.verify()
        self._summary.counts = self.counts
        return self._summary

    def _next(self) -> Entry | None:
        if self._call(C.opro_journal_next) == _DONE:
            return None
        entry = self._entry()
        self._summary.take(entry)
        return entry

    def _entry(self) -> Entry:
        get = self._get
        kind = _KINDS.get(get(C.opro_journal_entry), "other")
        value = get(C.opro_journal_entry_value)
        scores = kind == "request" and get(C.opro_journal_entry_how) == _SCORE
        return Entry(
            record=get(C.opro_journal_entry_record),
            kind=kind,
            id=get(C.opro_journal_entry_id),
            step=get(C.opro_journal_entry_step),
            sample=get(C.opro_journal_entry_index),
            wanted=get(C.opro_journal_entry_wanted),
            what=_what(kind, get(C.opro_journal_entry_how), value),
            set=_SETS.get(value, "") if scores else "",
            ms=get(C.opro_journal_entry_ms),
            text=self._text(C.opro_journal_entry_text),
            scores=self._scores() if kind == "scores" else (),
            usage=self._usage() if kind == "usage" else None,
        )

    def _scores(self) -> tuple[float, ...]:
        count = ctypes.c_size_t()
        scores = self._get(C.opro_journal_entry_scores, ctypes.byref(count))
        return tuple(scores[: count.value])

    def _usage(self) -> Usage:
        values = [ctypes.c_int64() for _ in range(3)]
        self._get(C.opro_journal_entry_usage, *map(ctypes.byref, values))
        return Usage(*(value.value for value in values))

    def __repr__(self) -> str:
        return f"<Journal{', closed,' if self.closed else ''} {self.path!r}>"


def opened(given: Any, run: Handle) -> Journal:
    """A journal, or one at a path, with the options and the log of a run or driver."""
    if isinstance(given, Journal):
        return given
    config = next((kept for kept in run._keeps if isinstance(kept, Config)), None)
    journal = Journal(given, config=config)
    journal._own = True  # nobody else closes it
    return journal


def close_own(run: Handle) -> None:
    """Close the journal that a run or driver opened by its path, if there is one."""
    for kept in run._keeps:
        if isinstance(kept, Journal) and kept._own:
            kept.close()


def _what(kind: str, how: int, value: int) -> str:
    if kind == "request":
        return _ASKS.get(how, "")
    if kind == "reply":
        return _ENDS.get(how, "")
    if kind == "stop":
        return static(C.opro_stop_reason_name(value))
    return static(C.opro_status_name(value)) if kind == "error" else ""


# ---- what came of it ---------------------------------------------------------------------------


class Scored(NamedTuple):
    """What is known of a candidate on a set of instances."""

    record: int
    """Where its last scores are."""
    step: int
    set: str
    instances: int
    """How many are scored."""
    whole: bool
    """Whether these are all."""
    mean: float
    candidate: str


@dataclass
class Counts:
    """What was asked and answered: in a step, or in all."""

    proposal_requests: int = 0
    score_requests: int = 0
    replies: int = 0
    scores: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    cost: int = 0
    """In millionths."""

    def _add(self, entry: Entry) -> None:
        if entry.kind == "request":
            self.proposal_requests += entry.what == "propose"
            self.score_requests += entry.what == "score"
        self.replies += entry.kind == "reply"
        self.scores += entry.kind == "scores"
        self.failures += entry.kind == "error"
        if entry.usage is not None:
            self.prompt_tokens += entry.usage.prompt_tokens
            self.reply_tokens += entry.usage.reply_tokens
            self.cost += entry.usage.cost


@dataclass
class Summary:
    """What came of a run, as its journal has it."""

    path: str
    header: dict[str, Any] = field(default_factory=dict)
    """The first line: format, library, options, problem."""
    counts: dict[str, int] = field(default_factory=dict)
    """As Journal.counts."""
    all: Counts = field(default_factory=Counts)
    steps: dict[int, Counts] = field(default_factory=dict)
    """By step; -1 is that of the initial solutions."""
    ended: int = 0
    """How many steps have ended."""
    resumed: int = 0
    asked_again: int = 0
    stop_reason: str = "none"
    stop_message: str = ""
    fault: str = ""
    """The first failure."""
    closed: bool = False
    """Whether the file was closed in order."""
    _open: dict[int, tuple[Entry, int]] = field(default_factory=dict, repr=False)
    _scored: dict[tuple[str, str], Scored] = field(default_factory=dict, repr=False)
    _sums: dict[tuple[str, str], float] = field(default_factory=dict, repr=False)

    # ---- results ----

    @property
    def open(self) -> int:
        """How many requests are not answered."""
        return len(self._open)

    @property
    def minimizes(self) -> bool:
        """Whether a small score is good."""
        return bool(self._problem.get("direction") == "minimize")

    @property
    def scored(self) -> list[Scored]:
        """All candidates that were scored, in order, on each set."""
        return list(self._scored.values())

    @property
    def ranking(self) -> list[Scored]:
        """Those that were scored on all training instances, best first; of equal ones the first."""
        whole = [one for one in self.scored if one.set == "train" and one.whole]
        return sorted(whole, key=lambda one: one.mean if self.minimizes else -one.mean)

    @property
    def best(self) -> Scored | None:
        """The first of the ranking."""
        return next(iter(self.ranking), None)

    @property
    def _problem(self) -> dict[str, Any]:
        problem = self.header.get("problem")
        return problem if isinstance(problem, dict) else {}

    def to_dict(self) -> dict[str, Any]:
        """Everything, as values that JSON knows."""
        best = self.best
        return {
            "header": self.header,
            "records": self.counts.get("records", 0),
            "bytes": self.counts.get("bytes", 0),
            "closed": self.closed,
            "torn_bytes": self.counts.get("torn_bytes", 0),
            "steps": self.ended,
            "proposal_requests": self.all.proposal_requests,
            "score_requests": self.all.score_requests,
            "replies": self.all.replies,
            "failures": self.all.failures,
            "open": self.open,
            "resumed": self.resumed,
            "asked_again": self.asked_again,
            "prompt_tokens": self.all.prompt_tokens,
            "reply_tokens": self.all.reply_tokens,
            "cost_millionths": self.all.cost,
            "stop_reason": self.stop_reason,
            "best": None if best is None else best._asdict(),
            "scored": [one._asdict() for one in self.scored],
        }

    # ---- entry by entry ----

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        self.closed = entry.kind == "close"
        if entry.kind == "header":
            self.header = json.loads(entry.text)
        elif entry.kind == "request":
            self._count(entry, entry.step)
            self._open[entry.id] = entry, entry.wanted if entry.what == "propose" else 1
        elif entry.kind == "step":
            self.ended = entry.step + 1
        elif entry.kind == "stop":
            self.stop_reason, self.stop_message = entry.what, entry.text
        elif entry.id in self._open:
            self._answer(entry, *self._open[entry.id])
        self.resumed += entry.kind == "resume"
        self.asked_again += entry.kind == "again"
        if entry.kind in ("request", "again"):
            self.stop_reason, self.stop_message = "none", ""

    def _count(self, entry: Entry, step: int) -> None:
        self.all._add(entry)
        self.steps.setdefault(step, Counts())._add(entry)

    def _answer(self, entry: Entry, request: Entry, missing: int) -> None:
        """An answer to a request that is open; a late one counts for nothing."""
        self._count(entry, request.step)
        if entry.kind == "error":
            self.fault = self.fault or entry.text
            missing = 0
        elif entry.kind == "scores":
            self._score(entry, request)
            missing = 0
        elif entry.kind == "reply":
            missing -= 1
        self._open[entry.id] = request, missing
        if not missing:
            del self._open[entry.id]

    def _score(self, entry: Entry, request: Entry) -> None:
        key = request.set, request.text
        before = self._scored.get(key)
        count = len(entry.scores) + (before.instances if before else 0)
        for score in entry.scores:
            self._sums[key] = self._sums.get(key, 0.0) + score
        name = "validation_instances" if request.set == "validation" else "instances"
        self._scored[key] = Scored(
            record=entry.record,
            step=before.step if before else request.step,
            set=request.set,
            instances=count,
            whole=count >= self._problem.get(name, 0),
            mean=self._sums[key] / count,
            candidate=request.text,
        )
