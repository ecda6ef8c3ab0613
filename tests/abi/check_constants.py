# SPDX-License-Identifier: MIT
"""Constants keep their values for ever: constants.txt is the frozen table, one "NAME VALUE" a line.

check_constants.py TABLE INCLUDE             compare
check_constants.py --self-test TABLE INCLUDE
check_constants.py --print INCLUDE           the table as the headers have it
"""

import sys

import headers


def read(path):
    with open(path) as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {name: int(value) for name, value in lines}


def faults(frozen, now):
    for name in sorted(now):
        if now[name] is None:
            yield f"{name}: write its value down as one number"
        elif name not in frozen:
            yield f"{name}: new; add \"{name} {now[name]}\" to the table"
        elif frozen[name] != now[name]:
            yield f"{name}: was {frozen[name]}, is {now[name]}; values are never renumbered"
    for name in sorted(set(frozen) - set(now)):
        yield f"{name}: is gone from the headers"


def self_test(frozen, now):
    name = sorted(now)[0]
    for wrong in (now | {name: now[name] + 1}, now | {name: None}, now | {"OPRO_NEW": 1}):
        if not list(faults(frozen, wrong)):
            sys.exit("self-test: a changed constant was not noticed")
    if not list(faults(frozen, {key: now[key] for key in now if key != name})):
        sys.exit("self-test: a constant that is gone was not noticed")


if __name__ == "__main__":
    if sys.argv[1] == "--print":
        for item in headers.constants(sys.argv[2]).items():
            print(*item)
    elif sys.argv[1] == "--self-test":
        self_test(read(sys.argv[2]), headers.constants(sys.argv[3]))
    else:
        problems = list(faults(read(sys.argv[1]), headers.constants(sys.argv[2])))
        print("\n".join(problems) or "all constants have the values they had")
        sys.exit(1 if problems else 0)
