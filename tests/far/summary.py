# SPDX-License-Identifier: MIT
"""summary.py NAME BUILD: what was built and how its tests ended, in a line."""

import collections
import json
import pathlib
import re
import sys


def parts(build):
    """The optional parts of the library, as configured."""
    log = (build / "meson-logs/meson-log.txt").read_text()
    found = re.findall(r"^ +(model client|journal) *: (YES|NO)$", log, re.M)
    return ", ".join(f"{'' if answer == 'YES' else 'no '}{name}" for name, answer in found)


def main(name, build):
    build = pathlib.Path(build)
    log = build / "meson-logs/testlog.json"
    if not log.exists():
        print(f"{name}: not built")
        return 1
    results, golden = collections.Counter(), "not run"
    for line in log.read_text().splitlines():
        test = json.loads(line)
        results[test["result"]] += 1
        if test["name"].endswith("golden") and "journal" not in test["name"]:
            golden = test.get("stdout", "").strip().splitlines()[-1]
    failed = sum(results.values()) - results["OK"] - results["SKIP"]
    print(f"{name}: {parts(build)}; tests: {results['OK']} passed, {failed} failed,"
          f" {results['SKIP']} skipped; digests: {golden}")
    return 1 if failed or not results["OK"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
