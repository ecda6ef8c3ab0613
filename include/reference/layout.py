# SPDX-License-Identifier: MIT
"""How a comment is laid out: paragraphs, headings, lists, tables of words, and code.

In a comment
    is a heading         a line with a line of dashes under it
    is code              a line that is indented by four or more
    is a word explained  a line of a word, two blanks or more, and what it means: indented by two,
                         or not, if the next lines go on under the meaning
    is in a list         a line that begins with "- "
and anything else is a paragraph.
"""

import collections
import re

# kind: text, heading, code, word, point; word: what a "word" explains
Block = collections.namedtuple("Block", "kind text word")


def explained(line, following, column):
    """The column where the meaning begins, if the line explains a word; column: of the last one."""
    match = re.match(r"(  )?(\S.*?) {2,}(?=\S)", line)
    if match and (match[1] or len(following) - len(following.lstrip()) == match.end()):
        return match.end()
    same = column and column > 2 and line[0] != " " and line[column - 1 : column + 1].strip()
    return column if same and line[column - 1] == " " else None


def blocks(text):
    """The blocks of a comment, in order."""
    found, column, lines = [], None, text.split("\n") + [""]
    for line, following in zip(lines, lines[1:]):
        indent = len(line) - len(line.lstrip())
        meaning = explained(line, following, column) if line.strip() else None
        last = found[-1].kind if found else None
        if not line.strip():
            column = None
            found.append(Block(None, "", ""))
        elif re.fullmatch(r"-{3,}", following):
            found.append(Block("heading", line, ""))
        elif re.fullmatch(r"-{3,}", line):
            continue
        elif column and indent == column:
            found[-1] = found[-1]._replace(text=f"{found[-1].text} {line.strip()}")
        elif meaning:
            column = meaning
            found.append(Block("word", line[column:], line[:column].strip()))
        elif line.startswith("- "):
            column = 2
            found.append(Block("point", line[2:], ""))
        else:
            column = None
            kind = "code" if indent >= 4 else "text"
            if last == kind:
                found[-1] = found[-1]._replace(text=f"{found[-1].text}\n{line}")
            else:
                found.append(Block(kind, line, ""))
    return [block for block in found if block.kind]


def brief(text):
    """The first sentence of a text, and the rest."""
    match = re.match(r"(.*?[^.\s]\.)(?: (.*))?$", " ".join(text.split()))
    return (match[1], match[2] or "") if match else (text, "")
