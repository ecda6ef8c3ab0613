# SPDX-License-Identifier: MIT
"""The headers as manual pages: one for each group of functions, one for each header.

The page of a group is named after its first name; the other names are links to it.
"""

import re
import textwrap

import layout


LONG = 120  # of a summary


def roff(text):
    """Text that means itself: no backslash, dash or leading dot is roff's."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def prose(text):
    return roff(" ".join(text.split()))


def body(comment):
    """A comment, laid out."""
    lines = []
    for block in layout.blocks(comment):
        if block.kind == "text":
            lines += [".PP", prose(block.text)]
        elif block.kind == "heading":
            lines += [f'.SS "{prose(block.text)}"']
        elif block.kind == "code":
            lines += [".PP", ".RS 4", ".nf", roff(textwrap.dedent(block.text)), ".fi", ".RE"]
        elif block.kind == "point":
            lines += [".IP \\(bu 3", prose(block.text)]
        else:
            lines += [".TP", prose(block.word), prose(block.text)]
    return lines


def declaration(item):
    """A declaration, broken where it has to be."""
    if item.kind == "struct":
        return re.sub(r"\n? */\*.*?\*/", "", item.text, flags=re.S)
    head, mark, arguments = (item.text + ";").rpartition("(")
    lines = [head + mark]
    for argument in re.split(r"(?<=,) ", arguments):
        if len(lines[-1]) + len(argument) > 76:
            lines.append(" " * min(len(head + mark), 76 - len(argument)))
        lines[-1] += argument + " "
    return "\n".join(line.rstrip() for line in lines)


def summary(comment):
    """Its first sentence, for one line."""
    text = next(block.text for block in layout.blocks(comment) if block.kind == "text")
    text = layout.brief(text)[0].rstrip(".")
    return text if len(text) <= LONG else re.split(r"[:;] ", text)[0]


def constants(item):
    """The constants of an enum."""
    for part in item.parts:
        yield ".TP"
        yield f".B {roff(part.text)}"
        yield prose(part.comment)


class Writer:
    def __init__(self, version):
        self.version = version

    def page(self, title, names, brief, synopsis, lines, also):
        head = [
            f'.TH "{title}" 3 "" "libopro {self.version}" "libopro"',
            ".ad l",
            ".nh",
            ".SH NAME",
            f"{', '.join(names)} \\- {prose(brief)}",
            ".SH SYNOPSIS",
            ".nf",
            ".ft B",
            *synopsis,
            ".ft P",
            ".fi",
            ".SH DESCRIPTION",
        ]
        also = ", ".join(f".BR {name} (3)" for name in also).replace(", .BR", ",\n.BR")
        return "\n".join([*head, *lines, ".SH SEE ALSO", also]) + "\n"

    def header(self, header, also):
        """The page of a header: what it is about, its constants, and where its functions are."""
        lines = body(header.intro)
        functions = []
        for group in header.groups:
            functions += [item.name for item in group.items if item.kind == "function"]
            for item in group.items:
                if item.kind in ("enum", "macro"):
                    lines += [f'.SS "{roff(item.name or "Constants")}"', *body(group.comment)[1:]]
                    lines += constants(item)
        title = "opro" if header.name == "opro.h" else f"opro_{header.name}"
        brief = summary(header.intro)
        return title, self.page(
            title, [title], brief, [f"#include <opro/{header.name}>"], lines, functions or also
        )

    def group(self, header, group):
        """The page of a group with functions or types; what is declared there."""
        items = [item for item in group.items if item.name and item.kind != "macro"]
        names = [item.name for item in items]
        synopsis = [f"#include <opro/{header.name}>", ""]
        for item in items:
            synopsis += [roff(declaration(item)), ""]
        lines = body(group.comment)
        for item in group.items:
            lines += constants(item)
        return names, self.page(
            names[0],
            names,
            summary(group.comment),
            synopsis,
            lines,
            [f"opro_{header.name}", "opro"],
        )

    def pages(self, header, headers):
        """Name and text of every page that one of the headers gives."""
        yield self.header(header, [f"opro_{other.name}" for other in headers if other != header])
        for group in header.groups:
            if any(item.name and item.kind != "macro" for item in group.items):
                names, text = self.group(header, group)
                yield names[0], text
                for name in names[1:]:
                    yield name, f".so man3/{names[0]}.3\n"
