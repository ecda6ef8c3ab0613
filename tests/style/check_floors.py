# SPDX-License-Identifier: MIT
"""Who may include whom, and what the core never touches. lib/README.md has the reasons.

check_floors.py ROOT
check_floors.py --self-test ROOT
"""

import pathlib
import re
import sys
import tempfile

# Room -> rooms below it that it may use.
ROOMS = {
    "base": set(),
    "core": {"base"},
    "kits": {"base", "core"},
    "search": {"base", "core"},
    "driver": {"base", "core"},
    "model": {"base", "core"},
    "journal": {"base", "core"},
    "exam": {"base", "core", "kits", "model"},
}
# What base and core leave to the host. vsnprintf() and snprintf() are all they take from stdio.h.
NEVER = (
    r"\b(FILE|stdin|stdout|stderr|fopen|fputs|puts|putchar|perror|fwrite|fread)\b",
    r"\bv?f?printf\s*\(",
    r"\b(getenv|secure_getenv|setlocale|localeconv|system|signal|sigaction|raise)\b",
    r"\b(exit|_exit|quick_exit|atexit|abort)\b",
    r"\b(time|clock|clock_gettime|gettimeofday|localtime|gmtime|mktime)\s*\(",
    r"\bpthread_\w+|\bmtx_\w+|\bthrd_\w+|\b_Thread_local\b",
    r"\b(rand|srand|random|drand48)\s*\(",
    r"\b(atof|sscanf|strtok|alloca)\s*\(",
    r"#\s*include\s*<(time|locale|signal|threads|pthread|unistd|jansson|curl/[\w.]+)\.h>",
)
# They follow the locale: for base/num.c alone, which makes up for it.
NUMBERS = (r"\bstrto(d|f|ld)\s*\(",)
# Their last bit differs between platforms: not in anything that decides what the core asks for.
NEVER_CORE = (r"\b(exp|log|log2|log10|pow|sin|cos|tan|exp2|expm1|log1p)\s*\(",)


def code_of(path):
    """The file without comments; strings stay."""
    token = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
    keep = lambda m: m.group() if m.group()[0] == '"' else re.sub(r"[^\n]", " ", m.group())
    return re.sub(token, keep, path.read_text(), flags=re.S)


def without_strings(code):
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', code)


def include_faults(root, path):
    room = path.relative_to(root / "lib").parts[0]
    for number, line in enumerate(code_of(path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not match:
            continue
        folder, _, _ = match.group(1).rpartition("/")
        if folder not in {"", "opro", room} | ROOMS[room]:
            yield f"{path.relative_to(root)}:{number}: lib/{room} may not include {match.group(1)}"


def outside_faults(root, path):
    for number, line in enumerate(code_of(path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        name = match.group(1) if match else "opro/"
        if not name.startswith("opro/") and not (path.parent / name).exists():
            yield f"{path.relative_to(root)}:{number}: includes {name}, which is not public"


def word_faults(root, path):
    room = path.relative_to(root / "lib").parts[0]
    patterns = NEVER + (NEVER_CORE if room == "core" else ())
    patterns += NUMBERS if path.name != "num.c" else ()
    for number, line in enumerate(code_of(path).splitlines(), 1):
        text = line if "#" in line and "include" in line else without_strings(line)
        for pattern in patterns:
            match = re.search(pattern, text)
            if match:
                where = f"{path.relative_to(root)}:{number}"
                yield f"{where}: lib/{room} never uses {match.group().strip()}"


def sources(folder):
    suffixes = {".c", ".h", ".def", ".cpp", ".hpp"}
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes)


def faults(root):
    found = []
    for path in sources(root / "lib"):
        if path.relative_to(root / "lib").parts[0] not in ROOMS:
            found.append(f"{path.relative_to(root)}: not in a room of check_floors.py")
            continue
        found += include_faults(root, path)
        if path.relative_to(root / "lib").parts[0] in ("base", "core"):
            found += word_faults(root, path)
    for folder in ("bindings", "examples"):
        for path in sources(root / folder):
            found += outside_faults(root, path)
    return found


MUTATIONS = (
    ("lib/base/status.c", '#include "core/config.h"\n'),
    ("lib/core/guard.h", '#include "kits/tour.h"\n'),
    ("lib/base/status.c", "#include <time.h>\n"),
    ("lib/base/status.c", 'static void f(void) { fprintf(stderr, "x"); }\n'),
    ("lib/core/guard.h", 'static char *f(void) { return getenv("HOME"); }\n'),
    ("lib/core/guard.h", "static long f(void) { return time(0); }\n"),
    ("lib/core/guard.h", "static double f(double x) { return exp(x); }\n"),
    ("lib/core/guard.h", "static void f(void) { abort(); }\n"),
    ("lib/core/guard.h", "static double f(void) { return strtod(0, 0); }\n"),
    ("examples/mutant.c", '#include "core/guard.h"\n'),
)


def self_test(root):
    if faults(root):
        sys.exit("self-test: the originals are at fault already")
    for name, line in MUTATIONS:
        with tempfile.TemporaryDirectory() as copy:
            path = pathlib.Path(copy, name)
            path.parent.mkdir(parents=True)
            path.write_text(((root / name).read_text() if (root / name).exists() else "") + line)
            if not faults(pathlib.Path(copy)):
                sys.exit(f"self-test: {name} with {line.strip()!r} was not noticed")


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        self_test(pathlib.Path(sys.argv[2]))
    else:
        problems = faults(pathlib.Path(sys.argv[1]))
        print("\n".join(problems) or "all arrows point down")
        sys.exit(1 if problems else 0)
