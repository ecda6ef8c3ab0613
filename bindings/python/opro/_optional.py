# SPDX-License-Identifier: MIT
"""Packages that may be missing."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def optional(module: str, what: str) -> Any:
    """An optional package, for something that needs it; ImportError says what that was."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(f"{what} takes {package}, which is not there: {error}") from error
