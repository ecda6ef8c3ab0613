# SPDX-License-Identifier: MIT
"""The checks of the ABI, checked: deliberate breakages of a copy, each caught by the right ones.

breakages.py ROOT [WORDS]

ROOT is the checkout, of which the library alone is built, many times. Among them are changes that
may be made; nothing catches those. With WORDS: only those breakages whose names hold them.
"""

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CHECKS = pathlib.Path(__file__).parent
SKIPPED = 77
BASE = "include/opro/base.h"
HEADER = "include/opro/vector.h"
SOURCE = "lib/kits/functions.c"
MAP = "lib/opro.map"

FIND = "opro_function_find(const char *name, size_t len)"
COUNT = "int32_t opro_function_count(void)"
DECLARE_COUNT = (HEADER, "OPRO_API int32_t opro_function_find",
                 f"OPRO_API {COUNT};\nOPRO_API int32_t opro_function_find")
DEFINE_COUNT = (SOURCE, "int32_t opro_function_find",
                f"{COUNT} {{\n    return 5;\n}}\n\nint32_t opro_function_find")
MAP_COUNT = (MAP, "    opro_function_find;", "    opro_function_count;\n    opro_function_find;")
LAST_FIELD = "    void *user_data;\n} opro_allocator;"
NEW_FIELD = "    size_t alignment;\n"


def signature(old, new):
    return (HEADER, old, new), (SOURCE, old, new)


# What is done, the checks that catch it (all of those, and no others), and how: (file, old, new),
# or (objects, STRIP): they lose their debug information.
STRIP = object()
BREAKAGES = (
    ("nothing", ""),
    ("a struct of the inside has grown", "",
     ("lib/kits/tour.h", "struct opro_tour {", "struct opro_tour {\n    size_t grown;")),
    ("a function is added", "", DECLARE_COUNT, DEFINE_COUNT, MAP_COUNT),
    ("a constant is renumbered", "constants", (HEADER, "ACKLEY = 30", "ACKLEY = 35")),
    ("a constant is gone", "constants", (HEADER, "OPRO_FUNCTION_ACKLEY = 30,", ""),
     (SOURCE, "OPRO_FUNCTION_ACKLEY", "30")),
    ("a constant has no number", "constants", (HEADER, "RASTRIGIN = 40", "RASTRIGIN")),
    ("a constant is new", "constants",
     (HEADER, "ACKLEY = 30", "ACKLEY = 30, OPRO_FUNCTION_NEW = 35")),
    ("a symbol is missing from the map", "symbols abi", (MAP, "    opro_function_find;\n", "")),
    ("a typo in the map", "build symbols", (MAP, "opro_function_find;", "opro_function_fnid;")),
    ("a star in the map", "symbols", (MAP, "opro_function_find;", "opro_function_fin*;")),
    ("a symbol that no header declares", "symbols",
     DEFINE_COUNT, MAP_COUNT,
     (SOURCE, "static double sphere",
      f'__attribute__((visibility("default"))) {COUNT};\nstatic double sphere')),
    ("OPRO_API is forgotten", "symbols abi",
     (HEADER, "OPRO_API int32_t opro_function_find", "int32_t opro_function_find")),
    ("a parameter is inserted", "abi",
     *signature("opro_function_name(int32_t ", "opro_function_name(int32_t kind, int32_t ")),
    ("a parameter has another type", "abi",
     *signature("opro_function_name(int32_t ", "opro_function_name(int64_t ")),
    ("a parameter is no longer const", "",
     *signature(FIND, FIND.replace("const ", ""))),
    ("two parameters are exchanged", "abi",
     *signature(FIND, "opro_function_find(size_t len, const char *name)")),
    ("a handle is another", "abi",
     (HEADER, "opro_vector_dimension(const opro_problem *problem)",
      "opro_vector_dimension(const opro_run *run)"),
     ("lib/kits/vector.c", "opro_vector_dimension(const opro_problem *problem) {\n",
      "opro_vector_dimension(const opro_run *run) {\n"
      "    const opro_problem *problem = (const void *)run;\n\n")),
    ("a result has another type", "abi",
     *signature("int32_t opro_function_find", "int64_t opro_function_find")),
    ("a callback has another type", "abi",
     (HEADER, "const double *x, size_t n,\n                                  void *user_data);",
      "const double *x, int64_t n, void *user_data);")),
    ("a function is removed", "abi",
     (HEADER, "OPRO_API const char *opro_function_name(int32_t function);\n", ""),
     (MAP, "    opro_function_name;\n", "")),
    ("a version's node has another name", "abi", (MAP, "LIBOPRO_0.1", "LIBOPRO_0.2")),
    ("the library has another soname", "abi",
     ("lib/meson.build", "soversion: abi_epoch.to_string()", "soversion: '1'")),
    ("a header uses FILE", "header_diet abi", (HEADER, "#include", "#include <stdio.h>\n#include"),
     *signature(FIND, "opro_function_find(FILE *name, size_t len)"),
     (SOURCE, "name, len)", "(char *)name, len)")),
    ("a header uses what it does not include", "build header_diet headers_alone",
     *signature(FIND, "opro_function_find(FILE *name, size_t len)")),
    ("a file has no debug information", "abi", ("lib/*/kits_functions.c.o", STRIP)),
    # These compile everything.
    ("the library has no debug information", "abi:skipped", ("lib/*/*.o", STRIP)),
    ("a macro has another value", "constants", (BASE, "((size_t)-1)", "((size_t)-2)")),
    ("a field is appended to a sized struct", "",
     (BASE, LAST_FIELD, LAST_FIELD.replace("}", NEW_FIELD + "}"))),
    ("a field is inserted in a sized struct", "abi",
     (BASE, LAST_FIELD, NEW_FIELD + LAST_FIELD)),
    ("a field is appended, and another changed", "abi",
     (BASE, LAST_FIELD, LAST_FIELD.replace("void *user_data", "size_t user_data").replace(
         "}", NEW_FIELD + "}"))),
)


class Copy:
    """A copy of the library's sources, and a build of them."""

    def __init__(self, root, folder):
        self.folder, self.build = folder, folder / "build"
        for name in ("bindings", "include", "lib", "meson.build", "meson_options.txt"):
            copy = shutil.copytree if (root / name).is_dir() else shutil.copy
            copy(root / name, folder / name)
        subprocess.run(
            ["meson", "setup", self.build, folder, "--buildtype=debug", "-Ddefault_library=shared",
             "-Dhttp=disabled", "-Djournal=disabled", "-Dtests=false", "-Dexamples=false"],
            check=True, stdout=subprocess.DEVNULL,
        )

    def edit(self, edits):
        """Do it; a function that undoes it."""
        before = {}
        for name, old, new in edits:
            path = self.folder / name
            text = path.read_text()
            if old not in text:
                sys.exit(f"{name} does not hold {old!r} any more")
            before.setdefault(path, text)
            path.write_text(text.replace(old, new, 1))

        def undo():
            for path, text in before.items():
                path.write_text(text)

        return undo

    def compile(self):
        return run("ninja", "-C", self.build)

    def strip(self, pattern):
        """Strip objects unseen by ninja, and link again; a function that undoes it."""
        objects = list(self.build.glob(pattern))
        subprocess.run(["strip", "--strip-debug", "--preserve-dates", *objects], check=True)
        (self.build / "lib/libopro.so").resolve().unlink()
        self.compile()

        def undo():
            for path in objects:
                path.unlink()

        return undo


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def python(name, *arguments):
    return run(sys.executable, CHECKS / name, *arguments)


def checks(copy, built):
    """Each check that can be run, and its result."""
    include = copy.folder / "include/opro"
    library = [copy.build / "lib/libopro.so"] if built else []
    calls = {
        "symbols": ["check_symbols.py", copy.folder / MAP, include, *library],
        "header_diet": ["check_headers.py", include, *include.glob("*.h")],
        "constants": ["check_constants.py", CHECKS / "constants.txt", include],
        "headers_alone": ["../headers/check_compile.py", include.parent, "cc"],
    }
    if built:
        calls["abi"] = ["check_abi.py", CHECKS / "opro.abi", *library]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(zip(calls, pool.map(lambda call: python(*call), calls.values())))


def catch(copy, edits):
    """The checks that catch what the edits have done, and their words."""
    undo = [copy.edit([edit for edit in edits if STRIP not in edit])]
    compiled = copy.compile()
    built = compiled.returncode == 0
    undo += [copy.strip(edit[0]) for edit in edits if STRIP in edit]
    caught = {} if built else {"build": compiled.stdout}
    for name, result in checks(copy, built):
        if result.returncode:
            name += ":skipped" * (result.returncode == SKIPPED)
            caught[name] = result.stdout + result.stderr
    for step in undo:
        step()
    return caught


def main(root, words=""):
    if not shutil.which("abidiff") and os.environ.get("CI") != "true":
        print("skipped: abidiff is not there (Debian: abigail-tools)")
        return SKIPPED
    chosen = [breakage for breakage in BREAKAGES if words in breakage[0]]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(pathlib.Path(root), pathlib.Path(folder))
        for name, expected, *edits in chosen:
            caught = catch(copy, edits)
            good = set(caught) == set(expected.split())
            wrong += not good
            verdict = "ok   " if good else "WRONG"
            print(f"{verdict} {name}: {', '.join(caught) or 'may be'}", flush=True)
            if not good:
                print("\n".join(caught[check] for check in caught if check not in expected.split()))
    broken = sum(bool(expected) for _, expected, *_ in chosen)
    print(f"breakages: {broken} to catch, {len(chosen) - broken} that may be, {wrong} went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
