# SPDX-License-Identifier: MIT
"""What optimize and evaluate print: in words, and as JSON."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from ._command import one_line
from ._share import Share, share_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from ._prompt_arguments import Setting
    from ._story import Story
    from .exam import Estimate
    from .prompt import Comparison, Evaluation, PromptResult, Search
    from .trajectory import Candidate

_ESTIMATES = {
    "proposals": "proposals",
    "answers": "answers",
    "scorer_calls": "answers to score",
    "prompt_tokens": "tokens read",
    "reply_tokens": "tokens written",
    "cost": "cost",
}
_REJECTED = {
    "no_candidate": "without a candidate",
    "duplicate": "met before",
    "too_long": "too long",
    "digits": "with digits",
    "placeholder": "with the placeholder",
    "not_legal": "not legal",
    "truncated": "cut off",
    "refused": "refused",
}
_SET_NAMES = {"train": "training", "validation": "validation", "test": "test"}
_HEAD = "   right       95 % interval   examples"


class Told(NamedTuple):
    """What there is to tell of a search."""

    given: argparse.Namespace
    at: Setting
    search: Search
    result: PromptResult
    story: Story
    interrupted: bool


# ---- before and meanwhile ----------------------------------------------------------------------


def estimates(found: Mapping[str, Estimate]) -> Iterator[str]:
    """A table of what will be used."""
    yield f"{'estimated use':20}{'at least':>16}{'likely':>16}{'at most':>16}"
    for name, numbers in found.items():
        if name == "cost" and numbers.high == 0:
            yield "  no prices are known (--option model_prompt_price=..., model_reply_price=...)"
            continue
        cells = [
            "no limit" if n is None else f"{n / 1e6:.4f}" if name == "cost" else str(n)
            for n in numbers
        ]
        yield f"  {_ESTIMATES[name]:18}" + "".join(f"{cell:>16}" for cell in cells)


def optimize_line(search: Search, at: Setting, story: Story, answers: int) -> str:
    """How far a search is."""
    trajectory = search.driver.trajectory
    steps = at.config["steps"]
    best = trajectory.best
    line = f"step {trajectory.steps}" + (f"/{steps}" if steps else "")
    if best is not None and best.score is not None:
        line += f"   best {100 * best.score:.1f} %"
    return f"{line}   {answers_line(at, story, answers)}"


def answers_line(at: Setting, story: Story, answers: int) -> str:
    """How far exams are."""
    known = story.decided - story.unknown
    use = _use(at)
    line = f"{_short(story.decided)} answers"
    if known:
        line += f", {100 * story.right / known:.0f} % right"
    if story.unknown:
        line += f", {story.unknown} unknown"
    line += f"   {_short(use['requests'])} calls"
    line += f", {_short(use['prompt_tokens'] + use['reply_tokens'])} tokens"
    if use["cost"]:
        line += f", cost {use['cost'] / 1e6:.4f}"
    if story.decided < 20 or answers <= story.decided:
        return line
    seconds = (monotonic() - story.begun) * (answers - story.decided) / story.decided
    left = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f"{line}   about {left} left"


def _short(number: int) -> str:
    if number < 10_000:
        return str(number)
    return f"{number / 1e3:.0f}k" if number < 10_000_000 else f"{number / 1e6:.1f}M"


def _use(at: Setting) -> dict[str, int]:
    """Figures of all models."""
    total: dict[str, int] = {}
    for model in (at.model, at.other):
        for name, value in (model.figures if model is not None else {}).items():
            total[name] = total.get(name, 0) + value
    return total


# ---- words -------------------------------------------------------------------------------------


def about(given: argparse.Namespace, at: Setting) -> Iterator[str]:
    """What was examined with what."""
    sets = ", ".join(f"{len(at.dataset.indices(key))} {name}" for key, name in _SET_NAMES.items())
    yield f"{given.dataset}: {len(at.dataset)} examples, kind of answers: {at.task}; {sets}"
    if at.dataset.skipped:
        yield f"bad lines skipped: {at.dataset.skipped}"
    judge = "a model's judgement" if given.judge else given.metric
    yield f"answers of {at.name}, instruction at {at.config['position']}, right by {judge}"


def optimize_words(told: Told) -> Iterator[str]:
    """What came of a search."""
    result = told.result
    yield from about(told.given, told.at)
    yield "\nthe winner:"
    said = result.instruction or "(none: the questions alone)"
    yield from (f"  {line}" for line in said.split("\n"))
    yield f"\n  {'':20}{_HEAD}"
    yield from _shares(result, told.given.test)
    yield from _compared(result)
    yield from _used(told)
    yield from proposals(told)


def _shares(result: PromptResult, test: bool) -> Iterator[str]:
    confirmed = result.run.confirmed
    among = f"chosen among {confirmed} by these: slightly too good" if confirmed else ""
    yield _row("training", result.train, "chosen among all by these: too good")
    if result.validation.examples:
        yield _row("validation", result.validation, among)
    if result.gap is not None:
        gap, low, high = (100 * value for value in result.gap)
        yield f"  {'gap between them':20}{gap:+6.1f}     {low:5.1f} to {high:5.1f}"
    if test:
        yield _row("test", result.test, "never looked at before")


def _row(name: str, share: Share, note: str = "") -> str:
    return f"  {name:20}{shown(share)}  {note}".rstrip()


def shown(share: Share) -> str:
    """A share as part of a table."""
    of = f"{share.known}" if share.known == share.examples else f"{share.known}/{share.examples}"
    if share.value is None:
        return f"{'-':>8}   {'':14}  {of:>9}"
    bounds = ""
    if share.low is not None and share.high is not None:
        bounds = f"{100 * share.low:5.1f} to {100 * share.high:5.1f}"
    return f"{100 * share.value:6.1f} %   {bounds:14}  {of:>9}"


def _compared(result: PromptResult) -> Iterator[str]:
    for at, each in enumerate(result.comparisons):
        if not at:
            yield f"\non the {_SET_NAMES[each.set]} examples:"
        yield _row(each.name, each.accuracy)
    for each in result.comparisons:
        yield from sentence(each)
    if result.comparisons and result.comparisons[0].set == "train":
        yield "These are the examples it was chosen by: of others nothing is known."


def sentence(one: Comparison) -> Iterator[str]:
    """A comparison in words, if anything is known."""
    value, low, high = one.better[:3]
    if value is None or low is None or high is None:
        return
    how = "NOT as good as" if value < 0 else "better than" if low > 0 else "at least as good as"
    chance = ", which may be chance" if low <= 0 <= high else ""
    points = f"{100 * value:+.1f} points (95 %: {100 * low:.1f} to {100 * high:.1f})"
    yield f"The winner is {how} {one.name}: {points}{chance}."


def _used(told: Told) -> Iterator[str]:
    run = told.result.run
    calls, full = train_calls(told)
    line = (
        f"\n{run.trajectory.scored} instructions scored in {run.trajectory.steps} steps, with"
        f" {run.counts['scorer_calls']} answers"
    )
    if full:
        line += (
            f"; on training examples {calls} of the {full} that scoring all of them in full takes"
        )
    yield line
    yield f"stopped: {'interrupted' if told.interrupted else run.stop_reason}"
    if told.story.unknown:
        yield f"answers that did not come: {told.story.unknown} (unknown, not wrong)"


def train_calls(told: Told) -> tuple[int, int]:
    """Training examples that candidates were scored on; and on all of which that would be."""
    scored = [one for one in told.result.run.trajectory if one.verdict == "scored"]
    calls = sum(score == score for one in scored for score in one.scores)
    return calls, len(scored) * len(told.at.dataset.indices("train"))


def proposer_note(at: Setting) -> str:
    """Whose the proposals are."""
    who = at.proposer
    if who.kind == "local":
        return "The proposals are those of local search, without a language model."
    recorded = "a recording of " if who.kind == "replay" else ""
    name = at.given.model_name
    model = f"the language model {name}" if name else "a language model"
    return f"The proposals are {recorded}those of {model}."


def proposals(told: Told) -> Iterator[str]:
    """What became of them."""
    story, counts = told.story, told.result.run.counts
    yield proposer_note(told.at)
    if told.at.proposer.kind != "local":
        line = f"replies: {story.replies}, of which {story.candidates} new candidates"
        for reason, words in _REJECTED.items():
            if story.rejections.get(reason):
                line += f", {story.rejections[reason]} {words}"
        yield line
        line = f"tokens: {counts['prompt_tokens']} read, {counts['reply_tokens']} written"
        yield line + (f"; cost {counts['cost'] / 1e6:.6f}" if counts["cost"] else "")
        last = f", the last: {story.failure}" if story.failures else ""
        requests, retries = _requests(told)
        yield f"requests: {requests}, {retries} of them repeats; failures: {story.failures}{last}"
    for kind, wanted, title in (
        ("meta_prompt", told.given.show_prompt, "the first meta-prompt"),
        ("reply", told.given.show_reply, "the first reply"),
    ):
        if wanted and kind in story.first:
            yield f"\n---- {title} ----\n{story.first[kind]}\n---- end ----"


def _requests(told: Told) -> tuple[int, int]:
    figures = (told.at.other or told.at.model).figures
    return figures["requests"], figures["retries"]


def verdict(score: float | None) -> str:
    """A score in a word."""
    if score is None:
        return "unknown"
    return "right" if score >= 1 else "wrong" if score <= 0 else "partly"


def first_fault(exams: Sequence[Evaluation]) -> str:
    """Why the first answer that is unknown is so; "": none is."""
    faults = (answer.fault for one in exams for answer in one.exam.answers)
    return next(filter(None, faults), "")


def evaluate_words(
    given: argparse.Namespace, at: Setting, exams: list[Evaluation], interrupted: bool
) -> Iterator[str]:
    """A table of instructions."""
    yield from about(given, at)
    better = "better than the first by" if len(exams) > 1 else ""
    yield f"\n    {_HEAD}  {better:25}  instruction"
    for number, one in enumerate(exams, 1):
        by = ""
        if one.better is not None and one.better.value is not None:
            value, low, high = (100 * (number or 0) for number in one.better[:3])
            by = f"{value:+6.1f} ({low:5.1f} to {high:5.1f})"
        said = one_line(one.instruction, 60) or "(no instruction)"
        yield f"{number:3} {shown(one.accuracy)}  {by:25}  {said}"
    use = _use(at)
    cost = f"; cost {use['cost'] / 1e6:.6f}" if use["cost"] else ""
    yield (
        f"\n{use['requests']} calls, {use['cache_hits']} answers from the cache;"
        f" {use['prompt_tokens']} tokens read, {use['reply_tokens']} written{cost}"
    )
    fault = first_fault(exams)
    if fault:
        yield f"unknown, not wrong, is what was not answered; the first: {fault}"
    if interrupted:
        yield "stopped: interrupted"


# ---- JSON --------------------------------------------------------------------------------------


def _share_json(share: Share | None) -> dict[str, Any] | None:
    return None if share is None or share.value is None else share._asdict()


def _estimate_json(found: Mapping[str, Estimate]) -> dict[str, Any]:
    most = 2**63 - 1
    return {
        "cost_millionths" if name == "cost" else name: [
            most if number is None else number for number in numbers
        ]
        for name, numbers in found.items()
    }


def _dataset_json(given: argparse.Namespace, at: Setting) -> dict[str, Any]:
    return {
        "file": given.dataset,
        "examples": len(at.dataset),
        "skipped": at.dataset.skipped,
        **{name: len(at.dataset.indices(key)) for key, name in _SET_NAMES.items()},
        "digest": f"{at.dataset.digest:016x}",
        "task": at.task,
        "metric": given.metric,
        "judged": bool(given.judge),
        "position": at.config["position"],
        "scorer": at.name,
    }


def optimize_dry(
    given: argparse.Namespace, at: Setting, estimate: Mapping[str, Estimate]
) -> dict[str, Any]:
    """Nothing was asked."""
    return {
        "program": "optimize",
        "dataset": _dataset_json(given, at),
        "estimate": _estimate_json(estimate),
    }


def optimize_json(told: Told, estimate: Mapping[str, Estimate]) -> dict[str, Any]:
    """Everything that is known of a search."""
    result, run = told.result, told.result.run
    calls, full = train_calls(told)
    held = result.comparisons[0].set if result.comparisons else result.held_out
    use = {name: value for name, value in result.use.items() if name != "cost"}
    return {
        **_run_json(told),
        **_proposer_json(told),
        "dataset": _dataset_json(told.given, told.at),
        "estimate": _estimate_json(estimate),
        "winner": _winner_json(result),
        "gap": None if result.gap is None else dict(zip(("value", "low", "high"), result.gap)),
        "confirmed_among": run.confirmed,
        "held_out": None if held == "train" else _SET_NAMES[held],
        "comparisons": [_comparison_json(one) for one in result.comparisons],
        "train_calls": calls,
        "train_calls_full": full,
        "use": {
            "answers": told.story.decided,
            "unknown": told.story.unknown,
            **use,
            "cost_millionths": result.use["cost"],
        },
        "figures": _figures_json(told),
        "instructions": [_candidate_json(one, told) for one in run.trajectory],
        "interrupted": told.interrupted,
    }


def _run_json(told: Told) -> dict[str, Any]:
    run = told.result.run
    best = run.trajectory.best
    counts = run.counts
    scored = [one for one in run.trajectory if one.verdict == "scored"]
    improvements: list[dict[str, Any]] = []
    for count, one in enumerate(scored, 1):
        if not improvements or (one.score or 0) > improvements[-1]["score"]:
            improvements.append({"evaluations": count, "score": one.score})
    names = ("scorer_calls", "proposals", "rejected", "duplicates", "failures")
    return {
        "program": "optimize",
        "best_score": best and best.score,
        "best_solution": best and best.text,
        "steps": run.trajectory.steps,
        "stop_reason": run.stop_reason,
        "seed": told.at.config["seed"],
        **{name: counts[name] for name in names},
        "state_hash": f"{run.state_hash:016x}",
        "improvements": improvements,
    }


def _proposer_json(told: Told) -> dict[str, Any]:
    story, counts, who = told.story, told.result.run.counts, told.at.proposer
    requests, retries = _requests(told)
    found: dict[str, Any] = {
        "optimizer": who.kind,
        "language_model": False if who.kind == "local" else told.given.model_name or True,
        "replies": story.replies,
        "candidates": story.candidates,
        "prompt_tokens": counts["prompt_tokens"],
        "reply_tokens": counts["reply_tokens"],
        "cost_millionths": counts["cost"],
        "requests": requests,
        "retries": retries,
        "rejections": story.rejections,
    }
    if told.given.show_prompt:
        found["meta_prompt"] = story.first.get("meta_prompt")
    if told.given.show_reply:
        found["reply"] = story.first.get("reply")
    return {**found, **({"last_failure": story.failure} if story.failures else {})}


def _winner_json(result: PromptResult) -> dict[str, Any]:
    winner = result.run.winner
    assert winner is not None
    return {
        "instruction": winner.text,
        "number": winner.number,
        "step": winner.step,
        "train": _share_json(result.train),
        "validation": _share_json(result.validation),
        "test": _share_json(result.test),
    }


def _comparison_json(one: Comparison) -> dict[str, Any]:
    return {
        "name": one.name,
        "instruction": one.instruction,
        "set": _SET_NAMES[one.set],
        "accuracy": _share_json(one.accuracy),
        "difference": _share_json(one.better),
        "at_least_as_good": (one.better.value or 0) >= 0,
    }


def _figures_json(told: Told) -> list[dict[str, Any]]:
    """Step -1 are the starts; one more than there are steps is the confirm stage."""
    trajectory = told.result.run.trajectory
    found = []
    for step in range(-1, trajectory.steps + 1):
        figures: dict[str, Any] = {"step": step, **trajectory.figures(step)}
        figures["cost_millionths"] = figures.pop("cost")
        found.append(figures)
    return found


def _candidate_json(one: Candidate, told: Told) -> dict[str, Any]:
    partial = "partial" in one.flags
    sets = {name: len(told.at.dataset.indices(name)) for name in ("train", "validation")}
    train = share_of(one.scores, sets["train"])
    return {
        "number": one.number,
        "instruction": one.text,
        "verdict": one.verdict,
        "step": one.step,
        "sample": one.sample,
        "proposals": one.proposals,
        "origin": one.origin,
        "partial": partial,
        "score": one.score,
        "train_known": train.known,
        "train": None if partial else _share_json(train),
        "validation": _share_json(share_of(one.validation_scores, sets["validation"])),
        "detail": one.detail,
    }


def evaluate_json(
    given: argparse.Namespace,
    at: Setting,
    exams: list[Evaluation],
    examples: int,
    estimate: Mapping[str, Estimate],
    interrupted: bool,
) -> dict[str, Any]:
    """Everything that is known of exams."""
    return {
        "program": "evaluate",
        "dataset": _dataset_json(given, at),
        "set": given.set,
        "examples": examples,
        "interrupted": interrupted,
        "estimate": _estimate_json(estimate),
        "instructions": [_exam_json(one) for one in exams],
    }


def _exam_json(one: Evaluation) -> dict[str, Any]:
    figures = one.exam.figures
    names = ("calls", "cache_hits", "prompt_tokens", "reply_tokens")
    return {
        "instruction": one.instruction,
        "accuracy": _share_json(one.accuracy),
        "difference": _share_json(one.better),
        "unknown": one.accuracy.examples - one.accuracy.known,
        **{name: figures[name] for name in names},
        "cost_millionths": figures["cost"],
    }
