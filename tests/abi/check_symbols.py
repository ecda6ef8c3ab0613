# SPDX-License-Identifier: MIT
"""The shared library exports what the map names, and the map names what the headers declare.

check_symbols.py MAP INCLUDE LIBRARY
check_symbols.py --self-test MAP INCLUDE     each copy with a fault must be found out
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import headers


def in_map(path):
    text = headers.comments_blanked(pathlib.Path(path).read_text())
    names = []
    for node in re.findall(r"LIBOPRO_[\w.]+\s*\{\s*global:(.*?)(?:local:|\})", text, re.S):
        names += [name.strip() for name in node.split(";") if name.strip()]
    return names


def in_library(path):
    out = subprocess.run(
        ["nm", "-D", "--defined-only", path], check=True, capture_output=True, text=True
    ).stdout
    names = [line.split()[-1].split("@")[0] for line in out.splitlines()]
    return [name for name in names if not re.match(r"LIBOPRO_|__(gcov|llvm|asan|tsan|ubsan)", name)]


def differences(a, what_a, b, what_b):
    faults = [f"{name}: in {what_a} twice" for name in sorted(set(a)) if a.count(name) > 1]
    faults += [f"{name}: in {what_a}, not in {what_b}" for name in sorted(set(a) - set(b))]
    faults += [f"{name}: in {what_b}, not in {what_a}" for name in sorted(set(b) - set(a))]
    return faults


def compare(map_path, include, library=None):
    declared = [declaration.name for declaration in headers.declarations(include)]
    mapped = in_map(map_path)
    faults = differences(mapped, "the map", declared, "the headers")
    faults += [f"{name}: the map must name every symbol" for name in mapped if "*" in name]
    if library:
        faults += differences(mapped, "the map", in_library(library), "the library")
    return faults


def self_test(map_path, include):
    if compare(map_path, include):
        sys.exit("self-test: the originals are at fault already")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for header in headers.files(include):
            (folder / header.name).write_text(header.read_text())
        bad_map = folder / "opro.map"
        good = pathlib.Path(map_path).read_text()
        for old, new in (
            ("opro_run_next;", "opro_run_nxet;"),
            ("    opro_run_next;\n", ""),
            ("opro_run_next;", "opro_run_n*;"),
        ):
            bad_map.write_text(good.replace(old, new))
            if not compare(bad_map, include):
                sys.exit(f"self-test: {old!r} -> {new!r} in the map was not noticed")
        header = folder / "run.h"
        text = header.read_text()
        header.write_text(text.replace("status opro_run_next(", "status opro_run_nxet("))
        if not compare(map_path, folder):
            sys.exit("self-test: a typo in a header was not noticed")


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        self_test(*sys.argv[2:])
    else:
        problems = compare(*sys.argv[1:])
        print("\n".join(problems) or "map, headers and library agree")
        sys.exit(1 if problems else 0)
