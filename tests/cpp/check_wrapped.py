# SPDX-License-Identifier: MIT
"""Every function of the C headers is used by the C++ header, or there is a reason why not.

check_wrapped.py INCLUDE HEADER
check_wrapped.py --self-test INCLUDE HEADER
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "abi"))
import headers  # noqa: E402

# What C++ does without, and why. All of it can be called with get().
WITHOUT = {}


def used(header):
    """The names in the code of the header, comments and strings left out."""
    code = headers.comments_blanked(header)
    return set(re.findall(r"\bopro_\w+", re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', code)))


def faults(declared, header, without):
    names = used(header)
    for name in sorted(declared):
        if name not in names and name not in without:
            yield f"{name}: neither wrapped nor in the list of {pathlib.Path(__file__).name}"
        if name in names and name in without:
            yield f"{name}: wrapped, but said not to be"
    for name in sorted(without.keys() - declared):
        yield f"{name}: in the list, but in no header"


def main(include, path):
    declared = {one.name for one in headers.declarations(include)}
    header = pathlib.Path(path).read_text()
    found = list(faults(declared, header, WITHOUT))
    print("\n".join(found))
    print(f"{len(declared) - len(WITHOUT)} of {len(declared)} functions are wrapped")
    return 1 if found or len(declared) < 300 else 0


def self_test(include, path):
    declared = {one.name for one in headers.declarations(include)}
    header = pathlib.Path(path).read_text()
    missing = header.replace("opro_run_stop(", "// opro_run_stop(")
    comment = header.replace("opro_run_stop(get())", "0 /* opro_run_stop(get()) */")
    for what, tried in (
        ("a function that is new", faults(declared | {"opro_new"}, header, {})),
        ("one that is left out", faults(declared, missing, {})),
        ("one in a comment", faults(declared, comment, {})),
        ("a reason too many", faults(declared, header, {"opro_run_stop": "no need"})),
        ("a reason for nothing", faults(declared, header, {"opro_no_such": "gone"})),
    ):
        if len(list(tried)) != 1:
            sys.exit(f"not found: {what}")
    print("5 faults found")
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        sys.exit(self_test(*sys.argv[2:]))
    sys.exit(main(*sys.argv[1:]))
