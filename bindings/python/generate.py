#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write opro/_ffi.py from the public headers.

usage: generate.py [--check] [--headers FOLDER] [--output FILE]

What the package knows of the C library stands in _ffi.py: a prototype for every function and every
type of callback, and every constant. It is generated and committed; a test generates it again
(--check) and fails when a byte differs. A type that is not in SCALARS below is an error: it has to
be thought about before it can be called.
"""

import argparse
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/abi"))

import headers  # noqa: E402

# The words of _ffi.py for the types of C; _load.py says what each is for ctypes. Handles have the
# name of their struct, callbacks that of their type.
SCALARS = {
    "void": "void",
    "opro_status": "status",
    "int32_t": "int32",
    "int64_t": "int64",
    "uint64_t": "uint64",
    "size_t": "size",
    "double": "double",
    "char *": "chars",
    "char **": "chars*",
    "void *": "data",
    "int32_t *": "int32*",
    "int64_t *": "int64*",
    "size_t *": "size*",
    "double *": "double*",
    "opro_allocator *": "allocator",
}

HEADER = '''\
# SPDX-License-Identifier: MIT
"""What include/opro/*.h say. Written by generate.py: change the headers, then run that."""

'''


def word(text):
    """The word of _ffi.py for a type in C, which may be followed by a parameter's name."""
    text = re.sub(r"\bconst\b", " ", text)
    match = re.fullmatch(r"\s*(\w+)\s*((?:\*\s*)*)\w*\s*", text)
    if not match:
        raise SystemExit(f"generate.py: cannot read the type {text!r}")
    stars = "*" * match.group(2).count("*")
    spelled = match.group(1) + (" " + stars if stars else "")
    if spelled in SCALARS:
        return SCALARS[spelled]
    handle = re.fullmatch(r"opro_(\w+) \*(\*?)", spelled)
    if handle:
        return handle.group(1) + handle.group(2)
    callback = re.fullmatch(r"opro_(\w+_fn)", spelled)
    if callback:
        return callback.group(1)
    raise SystemExit(f"generate.py: no word for the type {spelled!r}")


def prototype(result, parameters):
    words = [] if parameters.strip() == "void" else [word(part) for part in parameters.split(",")]
    return f"{word(result)}({', '.join(words)})"


def functions(folder):
    found = {}
    for declaration in headers.declarations(folder):
        match = re.fullmatch(r"(.*?)\b(opro_\w+)\((.*)\)", declaration.text)
        found[match.group(2)] = prototype(match.group(1), match.group(3))
    return found


def callbacks(folder):
    found = {}
    for path in headers.files(folder):
        code = " ".join(headers.comments_blanked(path.read_text()).split())
        for result, name, parameters in re.findall(
            r"typedef (\w+) \(\*opro_(\w+_fn)\)\((.*?)\);", code
        ):
            found[name] = prototype(result, parameters)
    return found


def macro(folder, name):
    text = (pathlib.Path(folder) / "version.h").read_text()
    return int(re.search(rf"^#define {name} (\d+)$", text, re.M).group(1))


def table(name, of, entries):
    lines = [f"{name}: dict[str, {of}] = {{"]
    for key, value in entries.items():
        spelled = f'"{value}"' if of == "str" else str(value)
        line = f'    "{key}": {spelled},'
        if len(line) > 100:
            line = f'    "{key}": (\n        {spelled}\n    ),'
        lines.append(line)
    return "\n".join([*lines, "}"])


def module(folder):
    """The text of _ffi.py."""
    constants = {
        name: value for name, value in headers.constants(folder).items() if name != "OPRO_ZT"
    }
    parts = [
        HEADER + "from __future__ import annotations",
        "# The version of the headers: a library has to be as new at least.\n"
        f"VERSION = {macro(folder, 'OPRO_VERSION_NUM')}",
        table("FUNCTIONS", "str", functions(folder)),
        table("CALLBACKS", "str", callbacks(folder)),
        table("CONSTANTS", "int", constants),
    ]
    return "\n\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if it would")
    parser.add_argument("--headers", type=pathlib.Path, default=ROOT / "include/opro")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "opro/_ffi.py")
    options = parser.parse_args()
    text = module(options.headers)
    if not options.check:
        options.output.write_text(text)
    elif options.output.read_text() != text:
        sys.exit(
            f"{options.output.name} is not what the headers say: run bindings/python/generate.py"
        )


if __name__ == "__main__":
    main()
