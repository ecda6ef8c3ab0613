# SPDX-License-Identifier: MIT
"""examples/cpp_application says the same whoever scores first, goes on with a journal, and errs.

check_application.py PROGRAM
"""

import pathlib
import subprocess
import sys
import tempfile


def run(program, *arguments):
    done = subprocess.run([program, *arguments], text=True, capture_output=True, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        journal = str(pathlib.Path(folder, "run.journal"))
        code, whole, _ = run(program, "--steps", "12")
        assert code == 0 and whole[-1].startswith("best of 96: "), whole
        _, first, _ = run(program, "--steps", "5", "--journal", journal)
        code, rest, _ = run(program, "--steps", "12", "--journal", journal)
        assert code == 0 and first[:-1] + rest == whole, (first, rest, whole)
    for arguments, words in (
        (["--stps"], "unknown option --stps"),
        (["--steps"], "--steps wants a value"),
        (["--steps", "x"], 'OPRO_ERR_INVALID: option "steps" takes an integer, not "x"'),
        (["--journal", "/nowhere/run.journal"], "/nowhere/run.journal"),
    ):
        code, _, said = run(program, *arguments)
        assert code == 1 and words in said, said
    print(whole[-1])


if __name__ == "__main__":
    main(sys.argv[1])
