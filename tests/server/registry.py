# SPDX-License-Identifier: MIT
"""The table of cases: a name, a line of description, and a function that plays the server's part.

A case whose table row has an argument may be asked for as NAME-NUMBER: `reset-17`, `late-250`.
A number is that of the table of hostile servers which the cases were first measured against; what
several cases share, a table's row split into variants, has the same number more than once.
"""

import re

CASES = {}


class Case:
    """One thing that a server can do to its client."""

    def __init__(self, name, what, play, number=None, argument=None, early=False, port="plain"):
        self.name = name
        self.what = what
        self.play = play  # play(exchange), see exchange.py
        self.number = number
        self.argument = argument  # the default; None: takes none
        self.early = early  # plays before the request's body has been read
        self.port = port  # where it belongs


def add(name, what, play, **more):
    """A row of the table."""
    if name in CASES:
        raise ValueError("two cases with the name " + name)
    CASES[name] = Case(name, what, play, **more)


def case(name, what, **more):
    """The same as a decorator of the function that plays it."""

    def register(play):
        add(name, what, play, **more)
        return play

    return register


def find(name):
    """The case and its argument; (None, None) if there is no such case."""
    if name in CASES:
        return CASES[name], CASES[name].argument
    numbered = re.fullmatch(r"(.+)-(\d{1,9})", name)
    if numbered:
        found = CASES.get(numbered.group(1))
        if found and found.argument is not None:
            return found, int(numbered.group(2))
    return None, None


def load():
    """Imports the families; each fills the table. Returns it."""
    import cases_dialects
    import cases_h2
    import cases_http
    import cases_json
    import cases_limits
    import cases_shapes
    import cases_status
    import cases_time
    import cases_tls

    return CASES
