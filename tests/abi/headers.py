# SPDX-License-Identifier: MIT
"""What the public headers say, for the checks beside this file."""

import collections
import pathlib
import re

Declaration = collections.namedtuple("Declaration", "name text header line comment")


def comments_blanked(text):
    """The text with every comment replaced by blanks, so that offsets and lines stay."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    return re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S)


def files(folder):
    return sorted(pathlib.Path(folder).glob("*.h"))


def declarations(folder):
    """Every OPRO_API declaration, with the comment of its group.

    A group is what follows a comment without an empty line in between.
    """
    found = []
    for path in files(folder):
        text = path.read_text()
        code = comments_blanked(text)
        for match in re.finditer(r"^OPRO_API\s+([^;]*?)\s*;", code, re.M):
            group = text[: match.start()].rsplit("\n\n", 1)[-1]
            found.append(
                Declaration(
                    name=re.search(r"(\w+)\s*\(", match.group(1)).group(1),
                    text=" ".join(match.group(1).split()),
                    header=path.name,
                    line=code.count("\n", 0, match.start()) + 1,
                    comment=" ".join(re.findall(r"/\*.*?\*/", group, re.S)),
                )
            )
    return found


def constants(folder):
    """
    Every name in an enum, with its value as a number, or None where none is written; and macros
    that are a size.
    """
    found = {}
    for path in files(folder):
        code = comments_blanked(path.read_text())
        for name, value in re.findall(r"^#define (OPRO_\w+) \(\(size_t\)(-?\w+)\)", code, re.M):
            found[name] = int(value, 0)
        for body in re.findall(r"\benum\s*\w*\s*\{(.*?)\}", code, re.S):
            for entry in filter(None, (part.strip() for part in body.split(","))):
                name, _, value = (part.strip() for part in entry.partition("="))
                found[name] = int(value, 0) if re.fullmatch(r"-?\w+", value) else None
    return found
