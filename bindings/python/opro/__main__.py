# SPDX-License-Identifier: MIT
"""python -m opro: journals of runs, and instructions for models, from the command line."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from ._command import BAD, GOOD, WRONG, Failure, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP = """usage: python -m opro COMMAND ...

  show JOURNAL       every entry of the journal of a run
  summary JOURNAL    what came of the run
  verify JOURNAL     whether the file is whole
  report JOURNAL     an HTML page about the run, or a picture

  optimize --dataset FILE ...               look for an instruction for a model
  evaluate --dataset FILE INSTRUCTION ...   how well does a model answer with these?

python -m opro COMMAND --help tells more.
"""

_MODULES = {
    "show": "_journal_command",
    "summary": "_journal_command",
    "verify": "_journal_command",
    "report": "_journal_command",
    "optimize": "_prompt_command",
    "evaluate": "_prompt_command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    verb = given.pop(0) if given else ""
    if verb in ("--help", "-h"):
        print(_HELP, end="")
        return GOOD
    if verb not in _MODULES:
        warn(f"opro: there is no command {verb!r}; see python -m opro --help")
        return WRONG
    try:
        code: int = import_module(f"opro.{_MODULES[verb]}").main(verb, given)
        sys.stdout.flush()
        return code
    except Failure as failure:
        warn(f"opro {verb}: {failure}")
        return failure.code
    except BrokenPipeError:  # who reads has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BAD
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
