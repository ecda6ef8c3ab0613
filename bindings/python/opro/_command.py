# SPDX-License-Identifier: MIT
"""What the commands of python -m opro share: arguments, errors, files that they write."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

GOOD, BAD, WRONG = 0, 1, 2


class Failure(Exception):
    """A command cannot do what it was told; the text says why. code: of the exit."""

    def __init__(self, why: object, code: int = BAD) -> None:
        super().__init__(str(why))
        self.code = code


class Parser(argparse.ArgumentParser):
    """Arguments; errors in them are one line, and exit code 2."""

    def __init__(self, verb: str, **settings: Any) -> None:
        super().__init__(
            prog=f"python -m opro {verb}",
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **settings,
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where to read what is right."""
        message = message.replace("argument ", "", 1).replace(
            "expected one argument", "needs a value"
        )
        raise Failure(f"{message} (--help tells how to use it)", WRONG)


class Output:
    """A file that is written when all is done, and begun before: a bad name costs nothing."""

    def __init__(self, path: str | None, *inputs: str | None) -> None:
        self.path = path
        if path is None:
            return
        self._new = not os.path.exists(path)
        for other in inputs:
            if other and not self._new and os.path.exists(other) and os.path.samefile(path, other):
                raise Failure(f"{path} would overwrite what it is about")
        try:
            with open(path, "ab"):
                pass
        except OSError as error:
            raise Failure(f"cannot write {path}: {error.strerror}") from None

    def write(self, text: str) -> None:
        """Its content."""
        assert self.path is not None
        try:
            with open(self.path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError as error:
            raise Failure(f"cannot write {self.path}: {error.strerror}") from None
        self._new = False

    def forget(self) -> None:
        """It will not be written: what was not there before is not there now."""
        if self.path is not None and self._new and os.path.exists(self.path):
            os.remove(self.path)


def one_line(text: str, most: int) -> str:
    """The beginning of a text, on one line."""
    line = "".join(" " if letter < " " else letter for letter in text[:most])
    return line + ("..." if len(text) > most else "")


def words(names: Sequence[str]) -> str:
    """Names, as a sentence has them."""
    return ", ".join(names[:-1]) + " or " + names[-1]


def warn(text: str) -> None:
    """To the standard error."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
