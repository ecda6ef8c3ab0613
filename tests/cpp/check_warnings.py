# SPDX-License-Identifier: MIT
"""The C++ header compiles without any warning: by gcc and by clang, as C++17 and as C++20.

check_warnings.py ROOT CXX...                compilers that are not there are passed over

What is compiled are tests, which use all of its templates, with and without exceptions.
"""

import pathlib
import shlex
import shutil
import subprocess
import sys

WARNINGS = {
    "gcc": "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wuseless-cast",
    # Of tests: they compare floating numbers. Of later versions: no pointer is to be counted up.
    "clang": "-Weverything -Wno-c++98-compat -Wno-c++98-compat-pedantic -Wno-padded"
    " -Wno-float-equal -Wno-unsafe-buffer-usage -Wno-unknown-warning-option",
}
FILES = (
    ("test_callbacks.cpp", "c++17", ""),
    ("test_callbacks.cpp", "c++20", ""),
    ("without_exceptions.cpp", "c++20", "-fno-exceptions -fno-rtti"),
)
BAD = "#include <opro/opro.hpp>\nint bad(long n);\nint bad(long n) { return n; }\n"


def compiles(command, root, standard, arguments, text=None):
    include = [f"-I{root}/include", f"-I{root}/bindings/cpp/include"]
    whole = [*command, f"-std={standard}", "-Werror", "-fsyntax-only", *include, *arguments]
    result = subprocess.run(whole, input=text, text=True, capture_output=True)
    return result.returncode == 0, result.stderr


def warnings(command):
    version = subprocess.run([*command, "--version"], text=True, capture_output=True).stdout
    return WARNINGS["clang" if "clang" in version else "gcc"].split()


def main(root, *compilers):
    commands = [shlex.split(one) for one in compilers if shutil.which(shlex.split(one)[0])]
    failed = done = 0
    for command in commands:
        strict = command + warnings(command)
        for name, standard, more in FILES:
            path = pathlib.Path(root, "tests", "cpp", name)
            good, output = compiles(strict, root, standard, [*more.split(), path])
            print(f"{'ok' if good else 'WARNINGS'}: {shlex.join(command)} {standard} {name}")
            done += 1
            if not good:
                failed += 1
                print(output)
        if compiles(strict, root, "c++17", ["-xc++", "-"], BAD)[0]:
            sys.exit(f"self-test: {shlex.join(command)} passed a conversion that warns")
    print(f"{done - failed} of {done} compile")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
