# SPDX-License-Identifier: MIT
"""The public headers, taken apart: which comment says what about which declarations.

A comment speaks of what follows it up to the next empty line, a comment behind a constant or a
member of that one. What nothing is said about is found by undocumented().
"""

import collections
import pathlib
import re

# intro: the comment at its head
Header = collections.namedtuple("Header", "name intro groups")
# section: the last heading "---- ... ----" above it, or ""
Group = collections.namedtuple("Group", "section comment items")
# kind: function, callback, handle, struct, enum, macro; parts: of a struct or an enum
Item = collections.namedtuple("Item", "kind name text parts")
Part = collections.namedtuple("Part", "name text comment")

# Macros for the headers themselves.
INNER = re.compile(r"OPRO_(API|BEGIN_DECLS|END_DECLS|\w+_H)\b")
TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/)
      | (?P<macro>\#define[^\n]*)
      | (?P<other>\#[^\n]*|OPRO_(BEGIN|END)_DECLS)
      | (?P<code>(enum|typedef|OPRO_API)\b([^;{]|\{.*?\})*;)
      | (?P<end>\n[ ]*\n)""",
    re.S | re.X,
)
OPTION = re.compile(r'OPRO_(?:INT|REAL|CHOICE)\((\w+), "\w+", .*?, "([^"]*)"\)')


def words(comment):
    """The lines of a comment, without its stars."""
    text = comment[2:-2].rstrip()
    return re.sub(r"\n *\*? ?", "\n", text).strip("\n").removeprefix(" ")


def parts(body, separator):
    """Each constant or member between braces, with the comment behind it or else above it."""
    found, above, last = [], "", 0
    for match in re.finditer(rf"/\*.*?\*/|[^/{separator}]+{separator}?", body, re.S):
        text = " ".join(match[0].rstrip(separator).split())
        if match[0].startswith("/*"):
            said = " ".join(words(match[0]).split())
            behind = found and "\n" not in body[last : match.start()]
            if behind:
                found[-1] = found[-1]._replace(comment=said)
            above = "" if behind else said
        elif text:
            name = re.search(r"\(\*(\w+)\)", text) or re.search(r"(\w+)(?: = .*)?$", text)
            found.append(Part(name[1], text, above))
            above, last = "", match.end()
    return found


def item(code):
    """One declaration."""
    flat = " ".join(re.sub(r"/\*.*?\*/", "", code, flags=re.S).split()).rstrip(";")
    body = re.search(r"\{(.*)\}", code, re.S)
    if code.startswith("enum"):
        return Item("enum", "", flat, parts(body[1], ","))
    if body:
        return Item("struct", flat.split()[-1], code, parts(body[1], ";"))
    if code.startswith("OPRO_API"):
        flat = flat.removeprefix("OPRO_API ")
        return Item("function", re.search(r"(\w+)\(", flat)[1], flat, [])
    if "(*" in flat:
        return Item("callback", re.search(r"\(\*(\w+)\)", flat)[1], flat, [])
    return Item("handle" if "struct" in flat else "type", flat.split()[-1], flat, [])


def groups(text):
    """The groups of a header. Empty lines end them, but for those between braces."""
    found, section, comment, items = [], "", "", []
    for match in TOKEN.finditer(text + "\n\n"):
        if match["comment"]:
            heading = re.match(r"/\* -+ (.*?) -+ \*/", match[0])
            section = heading[1] if heading else section
            comment = "" if heading else words(match[0])
        elif match["macro"]:
            name = match[0].split()[1]
            if not INNER.match(name):
                items.append(Item("macro", name, match[0], []))
        elif match["code"]:
            items.append(item(match[0]))
        else:
            if items:
                found.append(Group(section, comment, items))
            comment, items = "", []
    return found


def read(folder, options):
    """All headers. What an option is, is said in the table of options."""
    helps = {f"OPRO_OPT_{name}": text for name, text in OPTION.findall(options.read_text())}
    headers = []
    for path in sorted(pathlib.Path(folder).glob("*.h")):
        licence, _, text = path.read_text().partition("\n")
        head = re.match(r"/\*.*?\*/", text, re.S)
        header = Header(
            path.name, words(head[0]) if head else "", groups(text[head.end() if head else 0 :])
        )
        for group in header.groups:
            for entry in group.items:
                entry.parts[:] = [
                    part._replace(comment=helps.get(part.name, part.comment))
                    for part in entry.parts
                ]
        headers.append(header)
    return headers


def undocumented(headers):
    """A line for each public name of which nothing is said."""
    for header in headers:
        if not header.intro:
            yield f"{header.name}: no comment at its head"
        for group in header.groups:
            for entry in group.items:
                name = entry.name or entry.text[:40]
                if not group.comment:
                    yield f"{header.name}: {name}: no comment above it or its group"
                for part in entry.parts:
                    if not part.comment:
                        yield f"{header.name}: {part.name}: no comment behind it"
