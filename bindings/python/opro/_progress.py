# SPDX-License-Identifier: MIT
"""Progress, shown by tqdm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._optional import optional
from ._options import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .driver import Driver

_WRONG = ("failed", "rejected")


def progress(driver: Driver) -> Iterator[dict[str, int | float | None]]:
    """Drive a driver step by step, as iterating over it does, with a bar that shows how far it is.

        for step in opro.progress(driver):
            ...

    In notebooks it is one of theirs. ImportError: there is no tqdm.
    """
    tqdm = optional("tqdm.auto", "progress").tqdm
    config = next(kept for kept in driver._keeps if isinstance(kept, Config))
    with tqdm(total=config["steps"] or None, initial=driver.trajectory.steps, unit="step") as bar:
        for step in driver:
            bar.set_postfix(_beside(step), refresh=False)
            bar.update()
            yield step


def _beside(step: dict[str, int | float | None]) -> dict[str, str]:
    """What stands beside the bar: the best score, and how many went wrong in the step."""
    best = step["best_so_far"]
    wrong = {name: str(step[name]) for name in _WRONG if step[name]}
    return {"best": "none" if best is None else f"{best:g}", **wrong}
