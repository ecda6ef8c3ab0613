# SPDX-License-Identifier: MIT
"""How things look when they are printed, and in notebooks: each is a table, as text or as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._simple import Result
    from .problem import Problem
    from .trajectory import Candidate, Trajectory

_BEST = 10  # rows of a trajectory
_TEXT, _HTML = 60, 400  # letters of a cell


class Table(NamedTuple):
    """Rows of texts under a title; without a head the first column is one."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def text(self) -> str:
        """For a terminal: columns side by side."""
        rows = [*([self.head] if self.head else []), *self.rows]
        cells = [[short(cell, _TEXT) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
        return "\n".join([self.title, *(f"  {line}" for line in lines)])

    def html(self) -> str:
        """For a notebook."""
        head = "".join(_cell("th", name) for name in self.head)
        first = "td" if self.head else "th"
        rows = (
            "".join(_cell("td" if at else first, cell) for at, cell in enumerate(row))
            for row in self.rows
        )
        lines = [f"<tr>{row}</tr>" for row in ([head] if head else [])]
        lines += [f"<tr>{row}</tr>" for row in rows]
        return f"<table><caption>{escape(self.title)}</caption>{''.join(lines)}</table>"


def short(text: str, limit: int) -> str:
    """A text in one line of at most limit letters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def figure(value: float | None) -> str:
    """A number to look at."""
    return "" if value is None else f"{value:.6g}"


def _cell(kind: str, text: str) -> str:
    cut = text if len(text) <= _HTML else text[: _HTML - 1] + "…"
    style = "text-align:left;vertical-align:top;white-space:pre-wrap"
    return f'<{kind} style="{style}">{escape(cut)}</{kind}>'


def trajectory(shown: Trajectory) -> Table:
    """Its best candidates."""
    top = shown.top(_BEST)
    many = any(len(candidate.scores) > 1 for candidate in top)
    rows = []
    for each in top:
        low, high = shown.interval(each) if many else (0.0, 0.0)
        between = (f"{figure(low)} to {figure(high)}",) if many else ()
        by = (figure(each.score), *between, str(each.step), each.origin)
        rows.append((str(each.number), *by, each.text))
    of = f"the best {len(rows)} of " if shown.scored > len(rows) else ""
    title = f"{of}{len(shown)} candidates, {shown.scored} scored; {shown.direction}"
    head = ("number", "score", *(("95 % interval",) if many else ()), "step", "origin", "solution")
    return Table(title, head if rows else (), rows)


def candidate(shown: Candidate) -> Table:
    """What there is to say of a candidate."""
    rows = [
        ("solution", shown.text),
        ("score", figure(shown.score)),
        ("validation", figure(shown.validation)),
        ("verdict", shown.verdict),
        ("reason", "" if shown.reason == "none" else f"{shown.reason}: {shown.detail}"),
        ("feedback", shown.feedback),
        ("proposed", f"in step {shown.step} by {shown.origin}" if shown.step >= 0 else "at first"),
        ("flags", ", ".join(sorted(shown.flags))),
    ]
    return Table(f"candidate {shown.number}", (), [row for row in rows if row[1]])


def result(shown: Result) -> Table:
    """What came out, and of how much."""
    run = shown.run
    rows = [("solution", str(shown.solution)), ("score", figure(shown.score))]
    rows.append(("stopped by", shown.stop_reason))
    if not run.closed:
        counts = run.counts
        rows.append(("steps", str(run.trajectory.steps)))
        rows.append(("candidates", f"{len(run.trajectory)}, {run.trajectory.scored} scored"))
        rows.append(("scorer calls", str(counts["scorer_calls"])))
        rows += [(name, str(counts[name])) for name in ("failures", "tokens") if counts[name]]
        if counts["cost"]:
            rows.append(("cost", f"{counts['cost'] / 1e6:.2f}"))
    return Table("result", (), rows)


def problem(shown: Problem) -> Table:
    """What is optimized."""
    rows = [
        ("direction", shown.direction),
        ("solutions", f"{shown.kind.name}s"),
        ("instances", f"{shown.instances}, {shown.validation} for validation"),
        ("description", shown.description),
    ]
    return Table("problem", (), [row for row in rows if row[1]])
