# SPDX-License-Identifier: MIT
"""What the READMEs say is so: options, files, programs. (check_documents.py runs their blocks.)

check_readme.py files ROOT                   lib/README.md has a word on every file
check_readme.py options ROOT                 compare the table in README.md with options.def
check_readme.py options --print ROOT         the table as it should be
check_readme.py programs ROOT                programs in README.md are files of examples/
"""

import pathlib
import re
import sys

BIG = {"BIG", "INT64_MAX", "DBL_MAX"}


def choice_lists(root):
    text = (root / "lib" / "core" / "config.c").read_text()
    lists = re.findall(r"static const choice (\w+)\[\] = \{(.*?)\};", text, re.S)
    return {name: dict(re.findall(r'\{"(\w+)", (\w+)\}', body)) for name, body in lists}


def values(kind, low, high):
    if kind == "INT" and (low, high) == ("0", "1"):
        return "0, 1"
    if low == "-DBL_MAX":
        return "any number"
    return f"{low} or more" if high in BIG else f"{low} to {high}"


def rows(root):
    text = (root / "lib" / "core" / "options.def").read_text()
    lists = choice_lists(root)
    entry = r'OPRO_(INT|REAL|CHOICE)\(\w+, "(\w+)", (.*?), "([^"]*)"\)|/\* ([^*]*) \*/\n(?=OPRO)'
    for kind, name, middle, help_text, heading in re.findall(entry, text):
        if heading:
            yield f"| **{heading.split(';')[0]}** | | | |"
            continue
        *bounds, default = middle.split(", ")
        if kind == "CHOICE":
            names = {number: word for word, number in lists[bounds[0]].items()}
            shown, default = ", ".join(names.values()), names[default]
        else:
            shown = values(kind, *bounds)
            shown += " (real)" if kind == "REAL" and bounds[0] != "-DBL_MAX" else ""
        yield f"| `{name}` | {default.lower()} | {shown} | {help_text} |"


def options(root):
    readme = (root / "README.md").read_text().splitlines()
    wanted = list(rows(root))
    if len(wanted) < 50:
        sys.exit("options.def is not understood any more")
    at = readme.index("| option | default | values | what it does |") + 2
    there = readme[at : at + len(wanted)]
    missing = [row for row in wanted if row not in there]
    extra = [row for row in there if row not in wanted]
    print("\n".join([f"missing: {row}" for row in missing] + [f"wrong: {row}" for row in extra]))
    return 0 if there == wanted else 1


def files(root):
    readme = (root / "lib" / "README.md").read_text()
    named = set(re.findall(r"`([a-z0-9_]+\.(?:c|def))`", readme))
    there = {path.name for path in (root / "lib").glob("*/*") if path.suffix in {".c", ".def"}}
    for name in sorted(named ^ there):
        print(f"{name}: in lib/README.md or in lib, but not in both")
    return 1 if named ^ there else 0


def programs(root):
    blocks = re.findall(r"^```(?:c|cpp)\n(.*?)^```", (root / "README.md").read_text(), re.M | re.S)
    whole = [code for code in blocks if "int main(" in code]
    examples = [path.read_text() for path in (root / "examples").glob("*.c*")]
    for code in whole:
        if code not in examples:
            print(f"not a file of examples/, letter by letter:\n{code}")
    return 0 if len(whole) >= 3 and all(code in examples for code in whole) else 1


if __name__ == "__main__":
    if sys.argv[1:3] == ["options", "--print"]:
        print("\n".join(rows(pathlib.Path(sys.argv[3]))))
    elif sys.argv[1] == "files":
        sys.exit(files(pathlib.Path(sys.argv[2])))
    elif sys.argv[1] == "options":
        sys.exit(options(pathlib.Path(sys.argv[2])))
    else:
        sys.exit(programs(pathlib.Path(sys.argv[2])))
