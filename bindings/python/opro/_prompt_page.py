# SPDX-License-Identifier: MIT
"""A search for an instruction as an HTML page, or its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import _page as html
from ._prompt_words import proposer_note, sentence, verdict
from ._share import Share, share_of
from .dataset import SETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ._prompt_arguments import Setting
    from ._story import Story
    from .exam import Answer, Exam
    from .prompt import PromptResult, Search
    from .trajectory import Candidate

_TOP_MOST = 25
_ANSWERS_MOST = 300
_TEXT_MOST = 1500
_NAMES = {"train": "training", "validation": "validation", "test": "test"}
_NONE = "(none: the questions alone)"


class Shown(NamedTuple):
    """What there is to show."""

    dataset: str
    """Its path."""
    at: Setting
    search: Search
    result: PromptResult
    story: Story


def page(shown: Shown) -> str:
    """The page."""
    return html.page(f"An instruction for {shown.dataset}", _body(shown))


def _body(shown: Shown) -> Iterator[str]:
    result = shown.result
    sets = ", ".join(f"{len(shown.at.dataset.indices(key))} {name}" for key, name in _NAMES.items())
    yield f"<h1>An instruction for {html.text(shown.dataset)}</h1>"
    about = f"{len(shown.at.dataset)} examples: {sets}. {proposer_note(shown.at)}"
    yield f'<p class="sub">{html.text(about)}</p>'
    yield f"<blockquote>{html.text(result.instruction or _NONE)}</blockquote>"
    yield f'<div class="cards">{"".join(_cards(result))}</div>'
    for one in result.comparisons:
        for words in sentence(one):
            yield f"<p>{html.text(words)}</p>"
    yield "<h2>The search</h2>"
    yield picture(shown)
    use = result.use
    spent = f", cost {use['cost'] / 1e6:.4f}" if use["cost"] else ""
    words = f"{use['requests']} requests, {use['prompt_tokens']} tokens read"
    words += f", {use['reply_tokens']} written{spent}. Stopped: {result.stop_reason}."
    yield f'<p class="sub">{html.text(words)}</p>'
    yield html.details("Each step: scores, answers, tokens, money", _steps(shown))
    yield "<h2>The best instructions</h2>"
    yield _instructions(shown)
    yield "<h2>Answers with the winner</h2>"
    for name in SETS:
        exam = result.exams.get((result.instruction, name))
        if exam is not None:
            yield _answers(shown, exam, name)
    yield "<h2>What was asked and said</h2>"
    yield from _said(shown.story)
    yield "<h2>Settings</h2>"
    yield _settings(shown)


def _cards(result: PromptResult) -> Iterator[str]:
    confirmed = result.run.confirmed
    among = f"chosen among {confirmed}" if confirmed else ""
    notes = {"train": "chosen among all", "validation": among, "test": "never looked at before"}
    for key, name in _NAMES.items():
        share: Share = getattr(result, key)
        if share.value is not None:
            parts = [_bounds(share), f"{share.known} examples", notes[key]]
            note = "; ".join(filter(None, parts))
            yield html.card(name, f"{100 * share.value:.1f} %", note)
    if result.gap is not None:
        gap, low, high = (100 * value for value in result.gap)
        note = f"95 %: {low:.1f} to {high:.1f} points"
        yield html.card("gap, training - validation", f"{gap:+.1f}", note)


def _bounds(share: Share) -> str:
    if share.low is None or share.high is None:
        return ""
    return f"95 %: {100 * share.low:.1f} to {100 * share.high:.1f}"


# ---- the picture -------------------------------------------------------------------------------


def picture(shown: Shown) -> str:
    """Scores of each step, and tokens."""
    return html.picture(560, _parts(shown))


def _parts(shown: Shown) -> Iterator[str]:
    trajectory = shown.result.run.trajectory
    steps = range(-1, trajectory.steps)
    figures = {step: trajectory.figures(step) for step in steps}
    whole = [one for one in trajectory if one.score is not None and "partial" not in one.flags]
    scores = [one.score for one in whole if one.score is not None]
    frame = html.fitted(scores, len(steps) + 1, 300)._replace(x0=-1.5, x1=max(steps) + 1.5)
    yield html.label(80, 24, "Right answers, on training examples", kind="head")
    yield from frame.grid(" %", 100)
    for step in steps:
        yield html.label(frame.x(step), 370, "start" if step < 0 else str(step + 1), "middle")
    for one in whole:
        kind = "won" if one.text == shown.result.instruction else "held"
        yield html.dot(kind, frame.x(one.step), frame.y(one.score or 0), 3)
    for kind, name in (("mean", "mean"), ("best", "best_so_far")):
        known = [(step, figures[step][name]) for step in steps]
        points = [(frame.x(step), frame.y(y)) for step, y in known if y is not None]
        yield html.curve(kind, points)
    words = "blue: the best so far; orange: the mean of the step; green: the winner"
    yield html.label(80, 392, words)
    yield html.label(80, 420, "Tokens of each step", kind="head")
    yield from _bars(frame, {step: trajectory.figures(step) for step in steps})


def _bars(frame: html.Frame, figures: dict[int, Any]) -> Iterator[str]:
    most = max(
        (each["prompt_tokens"] or 0) + (each["reply_tokens"] or 0) for each in figures.values()
    )
    width = min(40.0, frame.width / (len(figures) + 1) * 0.7)
    for step, each in figures.items():
        base = 530.0
        for kind, name in (("read", "prompt_tokens"), ("written", "reply_tokens")):
            height = 95 * (each[name] or 0) / (most or 1)
            base -= height
            x = frame.x(step) - width / 2
            place = f'x="{x:.1f}" y="{base:.1f}" width="{width:.1f}" height="{height:.1f}"'
            yield f'<rect {place} class="{kind}"/>'
    yield html.label(72, 445, str(most), "end")
    yield html.label(80, 550, "pale: read; dark: written")


# ---- tables ------------------------------------------------------------------------------------


def _steps(shown: Shown) -> str:
    trajectory = shown.result.run.trajectory
    head = ["step", "best", "mean", "proposals", "new", "met before", "failed", "answers"]
    return html.table([*head, "read", "written", "cost"], _step_rows(trajectory))


def _step_rows(trajectory: Any) -> Iterator[str]:
    counts = ("proposals", "scored", "duplicates", "failed", "scorer_calls")
    for step in range(-1, trajectory.steps + 1):
        figures = trajectory.figures(step)
        if figures["scorer_calls"] is None:
            continue
        last = step == trajectory.steps
        shares = (figures["best"], figures["mean"])
        yield html.row(
            [
                "start" if step < 0 else "confirming" if last else str(step + 1),
                *(None if each is None else f"{100 * each:.1f}" for each in shares),
                *(figures[name] for name in counts),
                *(figures["prompt_tokens"], figures["reply_tokens"]),
                f"{(figures['cost'] or 0) / 1e6:.4f}",
            ]
        )


def _instructions(shown: Shown) -> str:
    run = shown.result.run
    top = run.trajectory.top(_TOP_MOST)
    winner = run.winner
    if winner is not None and winner.number not in [one.number for one in top]:
        top.insert(0, winner)
    note = (
        f"The best {len(top)} of {run.trajectory.scored} that were scored, by training examples,"
        " with 95 % intervals. ~: dropped early, by an estimate from the examples it was asked."
    )
    rows = (
        html.row(
            [
                html.text(one.text or _NONE),
                *_shares(one, shown),
                one.step + 1 if one.step >= 0 else "start",
            ],
            won=one.text == shown.result.instruction,
        )
        for one in top
    )
    head = ["instruction", "training", "validation", "step"]
    return f'<p class="sub">{note}</p>' + html.table(head, rows)


def _shares(one: Candidate, shown: Shown) -> Iterator[str]:
    sets = shown.at.dataset
    if "partial" in one.flags:
        yield f"~{100 * (one.score or 0):.1f} %"
    else:
        yield _share(share_of(one.scores, len(sets.indices("train"))))
    yield _share(share_of(one.validation_scores, len(sets.indices("validation"))))


def _share(share: Share) -> str:
    if share.value is None:
        return ""
    return f'{100 * share.value:.1f} % <span class="dim">{_bounds(share)}</span>'


def _answers(shown: Shown, exam: Exam, name: str) -> str:
    count = len(exam.answers)
    wrong_first = sorted(exam.answers, key=lambda answer: (answer.score or 0) >= 1)
    rows = (_answer(shown, answer) for answer in wrong_first[:_ANSWERS_MOST])
    head = ["example", "", "wanted", "said", "by rule", "question and reply"]
    more = '<p class="sub">... and more.</p>' if count > _ANSWERS_MOST else ""
    title = f"{count} {_NAMES[name]} examples, one by one"
    return html.details(title, html.table(head, rows) + more)


def _answer(shown: Shown, answer: Answer) -> str:
    example = shown.at.dataset[answer.example]
    how = verdict(answer.score)
    kind = {"right": "yes", "wrong": "no"}.get(how, "dim")
    said = answer.fault if answer.score is None else answer.reply
    texts = (html.cut(text, _TEXT_MOST) for text in (example.question, said))
    both = "".join(f"<pre>{text}</pre>" for text in texts)
    return html.row(
        [
            answer.example,
            f'<span class="{kind}">{how}</span>',
            html.cut(example.answer, _TEXT_MOST // 4),
            html.cut(answer.extracted, _TEXT_MOST // 4),
            html.text(answer.rule),
            html.details(html.text(example.question[:60]), both),
        ]
    )


def _said(story: Story) -> Iterable[str]:
    """What was asked and said, by step."""
    steps: dict[int, str] = {}
    for heard in story.texts:
        title = f'<p class="sub">reply {heard.sample + 1}</p>' if heard.kind == "reply" else ""
        steps[heard.step] = (
            steps.get(heard.step, "") + f"{title}<pre>{html.text(heard.text)}</pre>\n"
        )
    for step, texts in steps.items():
        yield html.details(f"step {step + 1}: meta-prompt and replies", texts)


def _settings(shown: Shown) -> str:
    from ._options import options

    config = shown.at.config
    rows = (
        html.row([option.name, html.text(config[option.name]), html.text(option.help)])
        for option in options().values()
        if config[option.name] != option.default
    )
    words = "Options that are not as the library has them:"
    return f"<p>{words}</p>" + html.table(["option", "value", "what it is"], rows)
