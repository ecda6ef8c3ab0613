# SPDX-License-Identifier: MIT
"""Every function that the map exports is called by some scenario of tests/failure.

check_failure.py MAP PROGRAM
check_failure.py --self-test MAP PROGRAM     a function that is called by none must be found out

What a program calls are its undefined symbols: a scenario that is forgotten cannot hide.
"""

import pathlib
import subprocess
import sys
import tempfile

import check_symbols


def called(program):
    out = subprocess.run(
        ["nm", "--dynamic", "--undefined-only", program], check=True, capture_output=True, text=True
    ).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def not_called(map_path, program):
    return sorted(set(check_symbols.in_map(map_path)) - called(program))


def self_test(map_path, program):
    with tempfile.TemporaryDirectory() as folder:
        more = pathlib.Path(folder) / "opro.map"
        text = pathlib.Path(map_path).read_text()
        more.write_text(text.replace("opro_run_next;", "opro_run_next; opro_run_nobody;"))
        if not_called(more, program) != ["opro_run_nobody"] + not_called(map_path, program):
            sys.exit("self-test: a function that no scenario calls was not noticed")


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        self_test(*sys.argv[2:])
    else:
        missing = not_called(*sys.argv[1:])
        exported = len(check_symbols.in_map(sys.argv[1]))
        print("\n".join(f"{name}: no scenario of tests/failure calls it" for name in missing))
        print(f"{exported} functions, {len(missing)} of them not called")
        sys.exit(1 if missing else 0)
