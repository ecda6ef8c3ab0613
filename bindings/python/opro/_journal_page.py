# SPDX-License-Identifier: MIT
"""A journal as an HTML page, or its picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from . import _page as html

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .journal import Scored, Summary

_DOTS_MOST = 4000
_TOP_MOST = 25
_STEPS_MOST = 400
_TEXT_MOST = 4000
_OPTION_MOST = 64


def page(summary: Summary) -> str:
    """The page."""
    return html.page(f"The run in {summary.path}", _body(summary))


def picture(summary: Summary) -> str:
    """Scores in the order in which they came, and the best so far."""
    drawn = [one for one in summary.scored if one.set == "train"]
    frame = html.fitted([one.mean for one in drawn], len(drawn), 340)
    return html.picture(460, _parts(summary, drawn, frame))


def _parts(summary: Summary, drawn: list[Scored], frame: html.Frame) -> Iterator[str]:
    lower = ", lower is better" if summary.minimizes else ""
    head = f"Scores by training instances{lower}; the line is the best so far, pale is what was"
    yield html.label(frame.left, 24, f"{head} dropped early", kind="head")
    yield from frame.grid()
    below = f"{len(drawn)} candidates, in the order in which they were scored"
    yield html.label(frame.left + frame.width / 2, frame.top + 370, below, "middle")
    every = len(drawn) // _DOTS_MOST + 1
    for at, one in enumerate(drawn, 1):
        if at % every == 0:
            kind = "held" if one.whole else "held few"
            yield html.dot(kind, frame.x(at), frame.y(one.mean))
    yield html.curve("best", _best(summary, drawn, frame))


def _best(
    summary: Summary, drawn: list[Scored], frame: html.Frame
) -> Iterator[tuple[float, float]]:
    best = None
    for at, one in enumerate(drawn, 1):
        better = best is None or (one.mean < best if summary.minimizes else one.mean > best)
        if one.whole and better:
            if best is not None:
                yield frame.x(at), frame.y(best)
            best = one.mean
            yield frame.x(at), frame.y(best)
    if best is not None:
        yield frame.x(len(drawn)), frame.y(best)


def _body(summary: Summary) -> Iterator[str]:
    yield f"<h1>The run in {html.text(summary.path)}</h1>"
    yield f'<p class="sub">{html.text(state(summary))}.</p>'
    best = summary.best
    if best is not None:
        yield f"<blockquote>{html.cut(best.candidate, _TEXT_MOST)}</blockquote>"
    yield f'<div class="cards">{"".join(_cards(summary))}</div>'
    if summary.stop_message:
        yield f"<p>Stopped: {html.text(summary.stop_message)}</p>"
    elif summary.fault:
        yield f"<p>The first failure: {html.text(summary.fault)}</p>"
    yield "<h2>The search</h2>"
    yield picture(summary)
    yield html.details("Each step: requests, answers, tokens, money", _steps(summary))
    yield "<h2>The best candidates</h2>"
    rows = (
        html.row(
            [html.cut(one.candidate, _TEXT_MOST), one.mean, _step(one.step), one.record], won=not at
        )
        for at, one in enumerate(summary.ranking[:_TOP_MOST])
    )
    yield html.table(["candidate", "score", "step", "record"], rows)
    yield "<h2>Settings</h2>"
    yield html.details("Options", _settings(summary, "options"))
    about = "The problem: its kind, sizes, and digests of its parts"
    yield html.details(about, _settings(summary, "problem"))


def state(summary: Summary) -> str:
    """Whether the file is whole, in words."""
    counts = summary.counts
    torn = counts["torn_bytes"]
    words = [f"{counts['records']} records, {counts['bytes']} bytes: whole"]
    words += [f"then {torn} bytes of a record that was being written"] if torn else []
    closed = (
        "closed in order"
        if summary.closed
        else "not closed: it is being written, or its process died"
    )
    return "; ".join([*words, closed])


def _cards(summary: Summary) -> Iterable[str]:
    best, counts = summary.best, summary.all
    if best is not None:
        note = f"instances: {best.instances}; record {best.record}"
        yield html.card("best score", f"{best.mean:.6g}", note)
    reason = "has not stopped" if summary.stop_reason == "none" else summary.stop_reason
    yield html.card("steps", summary.ended, reason)
    note = f"{counts.proposal_requests} requests, {summary.open} not answered"
    yield html.card("replies", counts.replies, note)
    yield html.card("failures", counts.failures)
    if counts.prompt_tokens or counts.reply_tokens:
        note = f"{counts.reply_tokens} written; cost {counts.cost / 1e6:.4f}"
        yield html.card("tokens read", counts.prompt_tokens, note)


def _step(step: int) -> object:
    return "start" if step < 0 else step + 1


def _steps(summary: Summary) -> str:
    head = ["step", "for proposals", "replies", "for scores", "scores", "failed", "read"]
    rows = (
        html.row(
            [
                *(_step(step), each.proposal_requests, each.replies, each.score_requests),
                *(each.scores, each.failures, each.prompt_tokens, each.reply_tokens),
                each.cost / 1e6,
            ]
        )
        for step, each in sorted(summary.steps.items())[-_STEPS_MOST:]
    )
    return html.table([*head, "written", "cost"], rows)


def _settings(summary: Summary, name: str) -> str:
    settings = summary.header.get(name)
    rows = (
        html.row([html.cut(key, _OPTION_MOST), html.cut(_value(value), _OPTION_MOST)])
        for key, value in (settings if isinstance(settings, dict) else {}).items()
    )
    return html.table(["name", "value"], rows)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
