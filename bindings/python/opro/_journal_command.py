# SPDX-License-Identifier: MIT
"""The commands that read journals: show, summary, verify, report."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING

from . import _journal_page
from ._command import GOOD, WRONG, Failure, Output, Parser
from ._errors import Error
from .journal import Journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .journal import Entry, Summary

_ABOUT = {
    "show": "Every entry of the journal of a run, in words.",
    "summary": "What came of the run in a journal.",
    "verify": "Whether a journal is whole: one that is damaged, or none, is exit code 1.",
    "report": "The run in a journal as an HTML page that needs nothing else, or a picture.",
}
_CODES = """
The file is not changed; a run may be writing it.
Exit code: 0 if it is whole (a torn end is no damage), 1 if not, 2 for wrong arguments.
"""


def main(verb: str, arguments: Sequence[str]) -> int:
    """Do it; returns the exit code."""
    parser = Parser(verb, description=_ABOUT[verb], epilog=_CODES)
    parser.add_argument("journal", metavar="JOURNAL", help="the file")
    if verb in ("show", "summary"):
        kind = parser.add_mutually_exclusive_group()
        each = "each entry as a line of JSON" if verb == "show" else "one JSON object"
        kind.add_argument("--json", action="store_true", help=f"print {each} instead of words")
    if verb == "summary":
        about = "print a table of the candidates that were scored"
        kind.add_argument("--csv", action="store_true", help=about)
    about = "FILE.svg, a picture of the scores, or else an HTML page"
    if verb == "report":
        about += " (default: JOURNAL.html)"
    parser.add_argument("--report", metavar="FILE", help=f"write a report: {about}")
    given = parser.parse_args(arguments)
    if given.journal == "-":
        raise Failure("a journal is read from a file, not from standard input", WRONG)
    if verb == "report" and given.report is None:
        given.report = f"{given.journal}.html"
    try:
        with Journal(given.journal) as journal:
            if verb == "show":
                _show(journal, given.json)
            summary = journal.summary()
    except Error as error:
        raise Failure(error) from None
    if verb == "summary":
        _summarize(summary, given)
    elif verb == "verify":
        print(_journal_page.state(summary))
    _report(summary, given.report)
    return GOOD


def _report(summary: Summary, path: str | None) -> None:
    if path is None:
        return
    draw = _journal_page.picture if path.endswith(".svg") else _journal_page.page
    Output(path, summary.path).write(draw(summary))


# ---- entries -----------------------------------------------------------------------------------


def _show(journal: Journal, as_json: bool) -> None:
    for entry in journal:
        if as_json:
            print(json.dumps(entry._asdict()))
        else:
            id = f"{entry.id:20}  " if entry.id else ""
            print(f"{entry.record:7}  {id}{_words(entry)}")


def _words(entry: Entry) -> str:
    words = {
        "header": "a journal of a run",
        "time": f"time: {entry.ms} ms",
        "again": "is asked again",
        "error": f"failed: {entry.what}: {_start(entry.text)}",
        "feedback": f"feedback {_start(entry.text)}",
        "step": f"step {entry.step} has ended",
        "stop": f"stopped: {entry.what} {entry.text}",
        "resume": "resumed by another process",
        "close": "closed in order",
    }
    if entry.kind == "request":
        scores = f"{entry.set} scores of {_start(entry.text)}"
        return f"step {entry.step} asks for {scores if entry.set else 'proposals'}"
    if entry.kind == "reply":
        how = {"truncated": ", cut off,", "refused": ", refused,"}.get(entry.what, "")
        return f"reply {entry.sample}{how} {_start(entry.text)}"
    if entry.kind == "scores":
        count = len(entry.scores)
        return f"{count} score{'s' * (count != 1)}, mean {sum(entry.scores) / count:.6g}"
    if entry.usage is not None:
        read, written, cost = entry.usage
        return f"{read} tokens read, {written} written, cost {cost}"
    return words.get(entry.kind, "an entry of a later version")


def _start(text: str) -> str:
    """The first line of a text, and not too much of it."""
    first = text.splitlines()[0] if text else ""
    return f'"{first[:70]}{" ..." if len(first) > 70 or first != text else ""}"'


# ---- what came of it ---------------------------------------------------------------------------


def _summarize(summary: Summary, given: object) -> None:
    if getattr(given, "json", False):
        print(json.dumps(summary.to_dict(), indent=2))
    elif getattr(given, "csv", False):
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(["record", "step", "set", "instances", "whole", "mean", "candidate"])
        for one in summary.scored:
            table.writerow([*one[:4], int(one.whole), repr(one.mean), one.candidate])
    else:
        print("\n".join(_lines(summary)))


def _lines(summary: Summary) -> list[str]:
    counts, best = summary.all, summary.best
    header = summary.header
    lines = [
        f"format {header.get('format', '?')}, written by libopro {header.get('library', '?')}",
        _journal_page.state(summary),
        f"{summary.ended} steps; {counts.proposal_requests} requests for proposals,"
        f" {counts.score_requests} for scores; {summary.open} not answered",
        f"{counts.replies} replies, {counts.scores} times scores, {counts.failures} failures"
        + (f"; the first: {summary.fault}" if summary.fault else ""),
    ]
    if counts.prompt_tokens or counts.reply_tokens:
        lines.append(
            f"{counts.prompt_tokens} tokens read, {counts.reply_tokens} written, cost"
            f" {counts.cost} millionths"
        )
    if summary.resumed:
        lines.append(f"{summary.resumed} times resumed, {summary.asked_again} requests asked again")
    reason = "not yet" if summary.stop_reason == "none" else summary.stop_reason
    lines.append(f"stopped: {reason}" + (f": {summary.stop_message}" * bool(summary.stop_message)))
    if best is not None:
        lines.append(f"best {best.mean:.6g} (record {best.record}): {_start(best.candidate)}")
    return lines
