# SPDX-License-Identifier: MIT
"""Every public header compiles alone and twice in every language we promise, without a warning.

check_compile.py INCLUDE CC [CXX]            CC, CXX: compiler commands; CXX may be left out
"""

import pathlib
import shlex
import subprocess
import sys
import tempfile

WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror -fsyntax-only".split()
C_ONLY = "-Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wc++-compat".split()


def compiles(command, language, include, text):
    result = subprocess.run(
        [*command, f"-std={language}", *WARNINGS, f"-I{include}", "-"],
        input=text, text=True, capture_output=True,
    )
    return result.returncode == 0, result.stderr


def main(include, cc, cxx=None):
    languages = [(shlex.split(cc) + C_ONLY + ["-xc"], name) for name in ("c99", "c11")]
    if cxx:
        languages += [(shlex.split(cxx) + ["-xc++"], name) for name in ("c++11", "c++20")]
    failed = done = 0
    for command, language in languages:
        for path in sorted(pathlib.Path(include, "opro").glob("*.h")):
            text = f'#include "opro/{path.name}"\n' * 2 + "extern int not_empty;\n"
            good, output = compiles(command, language, include, text)
            done += 1
            if not good:
                failed += 1
                print(f"{path.name} as {language}:\n{output}")
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder, "bad.h")
            bad.write_text('#include "opro/base.h"\nOPRO_API int32_t opro_bad(FILE *file);\n')
            if compiles(command, language, include, f'#include "{bad}"\n')[0]:
                sys.exit(f"self-test: a header that needs stdio.h passed as {language}")
    print(f"{done - failed} of {done} compile")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
