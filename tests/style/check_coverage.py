# SPDX-License-Identifier: MIT
"""All branches of the journal, the wire formats and the retry logic are taken by the suite.

check_coverage.py marks ROOT            what is excluded from the figures has a reason
check_coverage.py REPORT ROOT           the same, and the branches; REPORT is gcovr's JSON
check_coverage.py --self-test ROOT
"""

import fnmatch
import json
import pathlib
import re
import sys

# Where a branch that no test takes is a failure.
ALL = (
    # the journal
    "lib/journal/*.c",
    "lib/core/tape.c",
    # the wire formats
    "lib/model/dialect*.c",
    "lib/model/ask.c",
    "lib/model/answer.c",
    "lib/model/json.c",
    "lib/model/text.c",
    "lib/model/recording*.c",
    "lib/model/cache.c",
    "lib/base/ascii.h",
    "lib/base/json_cursor.c",
    "lib/base/crc32c.c",
    # the retry logic
    "lib/model/pace.c",
    "lib/model/alarm.c",
    "lib/model/outcome.c",
    "lib/model/schedule.c",
    "lib/model/leg.c",
    "lib/model/failure*.c",
    "lib/model/hint.c",
)
# In builds without journals; a table alone.
ELSEWHERE = {"lib/journal/journal_none.c", "lib/model/dialect_azure.c"}

MARK = re.compile(r"\b\w+_EXCL_\w+")
GOOD_MARK = re.compile(r"/\* (GCOVR_EXCL_(?:BR_)?(?:LINE|START)): ([^*]+?)\s*\*/", re.S)
END_MARK = re.compile(r"/\* (GCOVR_EXCL_(?:BR_)?STOP) \*/")


def has_all(name):
    return any(fnmatch.fnmatch(name, pattern) for pattern in ALL)


def sources(root):
    paths = sorted((root / "lib").rglob("*.[ch]"))
    return {path.relative_to(root).as_posix(): path.read_text() for path in paths}


def mark_faults(name, text):
    good = {match.start(1): match for match in GOOD_MARK.finditer(text)}
    ends = {match.start(1): match for match in END_MARK.finditer(text)}
    opened = None
    for match in MARK.finditer(text):
        where = f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        mark, at = match.group(), match.start()
        if at not in good and at not in ends:
            yield f"{where}: {mark} is no mark with its reason: /* GCOVR_EXCL_...: why */"
        elif at in good and len(good[at].group(2).split()) < 3:
            yield f"{where}: {mark} needs a reason that says something"
        if mark.endswith("_START"):
            if opened:
                yield f"{where}: {mark} inside of {opened}"
            opened = mark
        elif mark.endswith("_STOP"):
            if opened != mark.replace("_STOP", "_START"):
                yield f"{where}: {mark} ends nothing"
            opened = None
    if opened:
        yield f"{name}: {opened} has no end"


def branch_faults(report, names):
    files = {file["file"]: file["lines"] for file in report["files"]}
    for pattern in ALL:
        if not fnmatch.filter(files, pattern):
            yield f"{pattern}: there is no such file in the report"
    for name in names:
        if has_all(name) and name not in files and name not in ELSEWHERE:
            yield f"{name}: not in the report"
    for name in sorted(filter(has_all, files)):
        for line in filter(not_taken, files[name]):
            where = f"{name}:{line['line_number']}"
            yield f"{where}: {not_taken(line)} of {len(line['branches'])} branches not taken"


def not_taken(line):
    return sum(branch["count"] == 0 for branch in line["branches"])


def counted(report):
    files = [file for file in report["files"] if has_all(file["file"])]
    lines = [line for file in files for line in file["lines"]]
    branches, missed = sum(len(line["branches"]) for line in lines), sum(map(not_taken, lines))
    return f"{branches} branches of {len(files)} files where all count, {missed} not taken"


def tell(problems, done):
    print("\n".join(problems) or done)
    return 1 if problems else 0


def marks(texts):
    return [fault for name, text in texts.items() for fault in mark_faults(name, text)]


def report_of(names):
    taken = {"line_number": 1, "branches": [{"count": 1}, {"count": 2}]}
    return {"files": [{"file": name, "lines": [taken]} for name in names if name not in ELSEWHERE]}


WRONG_MARKS = (
    "f(); /* GCOVR_EXCL_LINE */",
    "f(); // GCOVR_EXCL_LINE: a reason that is one",
    "if (a) f(); /* GCOVR_EXCL_BR_LINE: never */",
    "f(); /* LCOV_EXCL_LINE: a reason that is one */",
    "f(); /* GCOVR_EXCL_LNIE: a reason that is one */",
    "/* GCOVR_EXCL_START: a reason that is one */ f();",
    "/* GCOVR_EXCL_START: a reason that is one */ f(); /* GCOVR_EXCL_BR_STOP */",
    "f(); /* GCOVR_EXCL_STOP */",
)
RIGHT_MARKS = (
    "if (a) f(); /* GCOVR_EXCL_BR_LINE: a reason that\n is one */\n",
    "/* GCOVR_EXCL_START: a reason that is one */ f(); /* GCOVR_EXCL_STOP */",
)


def self_test(names):
    for text in WRONG_MARKS:
        if not list(mark_faults("x.c", text)):
            sys.exit(f"self-test: {text!r} was not noticed")
    for text in RIGHT_MARKS:
        if list(mark_faults("x.c", text)):
            sys.exit(f"self-test: {text!r} is a mark with its reason")
    if list(branch_faults(report_of(names), names)):
        sys.exit("self-test: a report in which all branches are taken was refused")
    for name in filter(has_all, names):
        report = report_of(names)
        file = next((file for file in report["files"] if file["file"] == name), None)
        if file:
            file["lines"] = [{"line_number": 7, "branches": [{"count": 1}, {"count": 0}]}]
            if list(branch_faults(report, names)) != [f"{name}:7: 1 of 2 branches not taken"]:
                sys.exit(f"self-test: a branch of {name} that is not taken was not noticed")
            report["files"].remove(file)
            if not list(branch_faults(report, names)):
                sys.exit(f"self-test: {name} is not in the report, which was not noticed")


if __name__ == "__main__":
    texts = sources(pathlib.Path(sys.argv[2]))
    if sys.argv[1] == "--self-test":
        self_test(list(texts))
    elif sys.argv[1] == "marks":
        n = sum(len(GOOD_MARK.findall(text)) for text in texts.values())
        sys.exit(tell(marks(texts), f"{n} places are excluded from the figures, with a reason"))
    else:
        report = json.loads(pathlib.Path(sys.argv[1]).read_text())
        sys.exit(tell(marks(texts) + list(branch_faults(report, list(texts))), counted(report)))
