# SPDX-License-Identifier: MIT
"""abidiff between the built library and the baseline, opro.abi: additions pass, nothing else does.

check_abi.py BASELINE LIBRARY                compare
check_abi.py --renew BASELINE LIBRARY        say what has changed, and make it the new baseline

What is compared is what a program can see: the exported functions and the types that they lead to;
a struct that no public header defines is a name. So the baseline knows nothing of the inside, of
the compiler's options or of paths. Fields may be appended to sized structs.

Ends with 77 (skipped) without abigail-tools, unless CI is "true"; without debug information, of
which abidiff would find the same library; and on another architecture than the baseline's.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import check_headers

SKIPPED = 77
DUMP = ["abidw", "--exported-interfaces-only", "--no-elf-needed", "--no-corpus-path",
        "--no-comp-dir-path", "--no-parameter-names"]
LOCATION = ("filepath", "line", "column")


class NotComparable(Exception):
    pass


def has_debug_info(library):
    sections = subprocess.run(
        ["readelf", "--sections", "--wide", library], check=True, capture_output=True, text=True
    ).stdout
    return re.search(r"\.debug_info\b", sections) is not None


def hide_inside(types):
    """Structs that are defined elsewhere than in public headers become declarations."""
    for element in types.values():
        path = element.get("filepath", "")
        if element.tag in ("class-decl", "union-decl") and "include/opro/" not in path:
            name, kind = element.get("name"), element.get("id")
            element.clear()
            element.attrib = {"name": name, "is-struct": "yes", "visibility": "default",
                              "is-declaration-only": "yes", "id": kind}


def reachable(functions, types):
    """The types that functions lead to, in the order in which they are met."""
    found, todo = {}, list(functions)
    while todo:
        for part in todo.pop(0).iter():
            kind = part.get("type-id")
            if kind in types and kind not in found:
                found[kind] = types[kind]
                todo.append(types[kind])
    return list(found.values())


def renumber(elements):
    """Numbers of types that depend on nothing but these elements."""
    numbers = {}
    for element in elements:
        for part in element.iter():
            for key in LOCATION:
                part.attrib.pop(key, None)
            for key in ("id", "type-id"):
                if key in part.attrib:
                    number = numbers.setdefault(part.get(key), f"type-id-{len(numbers) + 1}")
                    part.set(key, number)


def public_only(dump):
    """What abidw says of a library, without its inside."""
    corpus = xml.fromstring(dump)
    units = corpus.findall("abi-instr")
    functions, types = {}, {}
    for unit in units:
        for element in unit:
            if "elf-symbol-id" in element.attrib:
                functions.setdefault(element.get("elf-symbol-id"), element)
            elif "id" in element.attrib:
                types.setdefault(element.get("id"), element)
        corpus.remove(unit)
    symbols = corpus.iter("elf-symbol")
    exported = {f"{symbol.get('name')}@@{symbol.get('version')}" for symbol in symbols}
    unknown = sorted(exported - set(functions))
    if unknown:
        raise NotComparable(f"no debug information of {', '.join(unknown)}")
    hide_inside(types)
    functions = [functions[name] for name in sorted(functions)]
    elements = reachable(functions, types) + functions
    renumber(elements)
    unit = xml.SubElement(corpus, "abi-instr", {"address-size": "64", "path": "opro",
                                                "language": "LANG_C11"})
    unit.extend(elements)
    xml.indent(corpus, " ")
    return corpus


def forget_appended(corpus, baseline):
    """Fields behind those of the baseline: who has an older header says so by the struct's size."""
    for name in check_headers.STRUCTS:
        old, new = (part.find(f".//class-decl[@name='{name}']") for part in (baseline, corpus))
        if old is not None and new is not None and len(new) > len(old):
            del new[len(old):]
            new.set("size-in-bits", old.get("size-in-bits"))


def write(corpus, path):
    path.write_text(xml.tostring(corpus, encoding="unicode") + "\n")


def compare(baseline, now, *options):
    """abidiff's exit code, of which every bit is a change or a failure, and its report."""
    result = subprocess.run(
        ["abidiff", *options, baseline, now], capture_output=True, text=True
    )
    return result.returncode, result.stdout + result.stderr


def check(baseline, library, renew):
    dump = subprocess.run([*DUMP, library], check=True, capture_output=True, text=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        now = pathlib.Path(folder, "now.abi")
        corpus = public_only(dump)
        if renew:
            write(corpus, now)
            if baseline.exists():
                print(compare(baseline, now)[1] or "nothing that abidiff sees has changed")
            shutil.copyfile(now, baseline)
            return 0
        before = xml.parse(baseline).getroot()
        if corpus.get("architecture") != before.get("architecture"):
            print(f"skipped: the baseline is of {before.get('architecture')}")
            return SKIPPED
        forget_appended(corpus, before)
        write(corpus, now)
        changes, report = compare(baseline, now, "--no-added-syms")
    print(report, end="")
    if changes:
        print("Programs that exist would break. If that is meant: check_abi.py --renew")
        return 1
    print(f"{len(corpus.findall('abi-instr/function-decl'))} functions are as they were, or new")
    return 0


def main(arguments):
    renew = arguments[0] == "--renew"
    baseline, library = (pathlib.Path(path) for path in arguments[renew:])
    if not shutil.which("abidw") or not shutil.which("abidiff"):
        print("skipped: abidw and abidiff are not there (Debian: abigail-tools)")
        return 1 if os.environ.get("CI") == "true" else SKIPPED
    if not has_debug_info(library):
        print(f"skipped: {library} has no debug information, nothing can be compared")
        return SKIPPED
    try:
        return check(baseline, library, renew)
    except NotComparable as fault:
        print(fault)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
