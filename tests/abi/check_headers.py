# SPDX-License-Identifier: MIT
"""The public headers keep their diet, and every declaration says since when.

check_headers.py INCLUDE LISTED...           LISTED: the headers that are installed
check_headers.py --self-test INCLUDE LISTED...
"""

import pathlib
import re
import sys
import tempfile

import headers

# What may not be in a header, and why. Searched in code without comments.
FORBIDDEN = (
    (r"#\s*include\s*<(?!stddef\.h>|stdint\.h>)", "includes only stddef.h and stdint.h"),
    (r'#\s*include\s*"(?![a-z_]+\.h")', "includes of ours are by name alone"),
    (r"\b(bool|_Bool)\b", "no bool: int32_t 0 or 1"),
    (r"\b(long|short|unsigned|signed|time_t|off_t|ssize_t)\b", "no type without a fixed width"),
    (r"(?<![\w.])int\b", "no int: int32_t"),
    (r"\bfloat\b", "no float: double"),
    (r"\.\.\.|\bva_list\b", "no variable arguments"),
    (r"\bFILE\b", "no FILE"),
    (r"\binline\b|\b_Static_assert\b|\brestrict\b", "nothing but plain declarations"),
    (r"#\s*define\s+\w+\(", "no macro that acts"),
    (r"\benum\s+\w+", "no named enum: constants are anonymous, their type is int32_t"),
)
# A handle is opaque; the one public struct has its size first.
STRUCTS = {"opro_allocator"}
SCALARS = r"void|char|double|u?int(32|64)_t|size_t|opro_status|opro_\w+_fn"


def value_types(signature):
    """The types that a declaration passes by value."""
    result, parameters = re.match(r"(.*?)\b\w+\s*\((.*)\)$", signature).groups()
    for part in [result] + parameters.split(","):
        if "*" not in part:
            yield re.sub(r"\bconst\b", "", part).split()[0]


def faults(folder, listed):
    found = []
    names = {path.name for path in headers.files(folder)}
    for name in sorted(names ^ {pathlib.Path(path).name for path in listed}):
        found.append(f"{name}: on the disk or in include/meson.build, but not in both")
    umbrella = (pathlib.Path(folder) / "opro.h").read_text()
    for name in sorted(names - {"opro.h"}):
        if f'#include "{name}"' not in umbrella:
            found.append(f"opro.h: does not include {name}")
    for path in headers.files(folder):
        code = headers.comments_blanked(path.read_text())
        for number, line in enumerate(code.splitlines(), 1):
            for pattern, why in FORBIDDEN:
                if re.search(pattern, line):
                    found.append(f"{path.name}:{number}: {why}: {line.strip()}")
        for name in re.findall(r"\bstruct\s+(\w+)\s*\{", code):
            if name not in STRUCTS:
                found.append(f"{path.name}: struct {name} is not opaque")
        if code.count("OPRO_API ") != len(re.findall(r"^OPRO_API ", code, re.M)) + code.count(
            "define OPRO_API "
        ):
            found.append(f"{path.name}: OPRO_API must stand at the start of its line")
    for declaration in headers.declarations(folder):
        where = f"{declaration.header}:{declaration.line}: {declaration.name}"
        if not re.search(r"\bSince\b", declaration.comment):
            found.append(f"{where}: no comment of its group says since when")
        for kind in value_types(declaration.text):
            if not re.fullmatch(SCALARS, kind):
                found.append(f"{where}: {kind} by value")
    return found


MUTATIONS = (
    ("run.h", "#include", "#include <stdio.h>\n#include"),
    ("run.h", "int64_t now_ms", "long now_ms"),
    ("run.h", "int64_t now_ms", "FILE *now_ms"),
    ("base.h", "OPRO_BEGIN_DECLS\n\n", "OPRO_BEGIN_DECLS\n\nstatic inline int32_t f(void);\n"),
    ("base.h", "OPRO_BEGIN_DECLS\n\n", "OPRO_BEGIN_DECLS\n\n#define F(x) (x)\n"),
    ("base.h", "OPRO_BEGIN_DECLS\n\n", "OPRO_BEGIN_DECLS\n\nstruct opro_pair {\n"),
    ("base.h", "OPRO_API int32_t opro_abi_epoch(void)", "OPRO_API opro_x opro_abi_epoch(void)"),
    ("base.h", "opro_error_status(const opro_error *error)", "opro_error_status(opro_error error)"),
    ("base.h", "OPRO_END_DECLS\n\n#endif", "/* Old. */\nOPRO_API int32_t opro_old(void);\n"),
    ("opro.h", '#include "tour.h"\n', ""),
)


def self_test(folder, listed):
    if faults(folder, listed):
        sys.exit("self-test: the originals are at fault already")
    for name, old, new in MUTATIONS:
        with tempfile.TemporaryDirectory() as copy:
            copy = pathlib.Path(copy)
            for path in headers.files(folder):
                text = path.read_text()
                if path.name == name:
                    if old not in text:
                        sys.exit(f"self-test: {name} does not hold {old!r} any more")
                    text = text.replace(old, new, 1)
                (copy / path.name).write_text(text)
            if not faults(copy, listed):
                sys.exit(f"self-test: {name}: {old!r} -> {new!r} was not noticed")


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        self_test(sys.argv[2], sys.argv[3:])
    else:
        problems = faults(sys.argv[1], sys.argv[2:])
        print("\n".join(problems) or "the headers keep their diet")
        sys.exit(1 if problems else 0)
