# SPDX-License-Identifier: MIT
"""The headers as Doxygen wants them: each comment in its form, and at each name of its group."""

import itertools
import re
import textwrap

import layout

UMBRELLA = "opro.h"
RULES = "Rules that hold"  # where the heading of its rules begins


def code(text):
    language = ".c" if "opro_" in text else ".unparsed"
    return f"@code{{{language}}}\n{textwrap.dedent(text)}\n@endcode"


class Writer:
    """Writes headers with links between all their names."""

    def __init__(self, headers):
        self.names = {
            name
            for header in headers
            for group in header.groups
            for item in group.items
            for name in [item.name, *(part.name for part in item.parts)]
            if name.startswith(("OPRO_", "opro_"))
        }
        self.options = {
            name[len("OPRO_OPT_") :].lower(): name
            for name in self.names
            if name.startswith("OPRO_OPT_")
        }

    def word(self, match):
        """A name with a link to what is said of it."""
        word = match[0]
        if word in self.names:
            return f"#{word}"
        if "_" in word and word in self.options:
            return f'@ref {self.options[word]} "{word}"'
        return word

    def prose(self, text):
        text = re.sub(r'[\\@&<>#%*`|"]', lambda match: "\\" + match[0], " ".join(text.split()))
        return re.sub(r"(?<![\w.])\w+\b(?!\()", self.word, text)

    def told(self, text, brief):
        """What a comment says. brief: its first sentence is shown in lists."""
        since = re.search(r"\s*Since 0\.1\.$", text)
        found = layout.blocks(text[: since.start()] if since else text)
        said = []
        for kind, blocks in itertools.groupby(found, lambda block: block.kind):
            blocks = list(blocks)
            if kind in ("word", "point"):
                said.append(self.listing(blocks))
                continue
            for block in blocks:
                if kind == "heading":
                    said.append(f"<h3>{self.prose(block.text)}</h3>")
                elif kind == "code":
                    said.append(code(block.text))
                elif brief and not said:
                    said += [self.prose(part) for part in layout.brief(block.text) if part]
                    said[0] = f"@brief {said[0]}"
                else:
                    said.append(self.prose(block.text))
        return "\n\n".join(said + ["@since 0.1"] * bool(since))

    def listing(self, blocks):
        if blocks[0].kind == "point":
            return "".join(f"<li>{self.prose(block.text)}</li>" for block in blocks).join(
                ["<ul>", "</ul>"]
            )
        return "".join(
            f"<dt>{self.prose(block.word)}</dt><dd>{self.prose(block.text)}</dd>"
            for block in blocks
        ).join(["<dl>", "</dl>"])

    def item(self, comment, item):
        """A declaration under its comment."""
        above = f"/** {self.told(comment, brief=True)} */\n"
        if item.kind not in ("enum", "struct"):
            return above + item.text + (";" if item.kind != "macro" else "")
        begin, mark, end = "enum {", ",", "};"
        if item.kind == "struct":
            begin, mark, end = f"typedef struct {item.name} {{", ";", f"}} {item.name};"
        lines = [f"{part.text}{mark} /**< {self.prose(part.comment)} */" for part in item.parts]
        return above + "\n".join([begin, *lines, end])

    def overview(self, headers):
        """The main page: the comment of opro.h, with a map of the headers before its rules."""
        intro = next(header.intro for header in headers if header.name == UMBRELLA)
        before, heading, after = intro.partition("\n" + RULES)
        rows = (
            f"<tr><td>@ref {header.name}</td><td>{self.prose(first)}</td></tr>"
            for header in headers
            for first in [layout.blocks(header.intro)[0].text]
            if header.name != UMBRELLA
        )
        return f"""/** @mainpage libopro
{self.told(before, brief=False)}

New here: @ref tutorial "the tutorial", and @ref which_system "which system should I use?".

<h3>What is where</h3>

A program includes <code>opro/opro.h</code>, which includes all of these.

<table>{"".join(rows)}</table>

{self.told(heading + after, brief=False)} */
"""

    def header(self, header):
        """A header."""
        about = self.told(header.intro, brief=True)
        if header.name == UMBRELLA:
            about = '@brief All of the library. The @ref index "overview" is its comment.'
        lines, section = [f"/** @file {header.name}\n{about} */"], ""
        for group in header.groups:
            if group.section != section:
                lines += ["/** @} */"] * bool(section)
                section = group.section
                lines.append(f"/** @name {section[0].upper()}{section[1:]} */\n/** @{{ */")
            lines += [self.item(group.comment, item) for item in group.items]
        lines += ["/** @} */"] * bool(section)
        return "\n\n".join(lines) + "\n"


def page(name, text):
    """A page of Markdown, as one of the reference's: links to files that are not here go."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)  # code is at odd places
    parts[::2] = [re.sub(r"\[([^\]]*)\]\((?!http)[^)]*\)", r"\1", part) for part in parts[::2]]
    return re.sub(r"^# (.*)$", rf"# \1 {{#{name}}}", "".join(parts), count=1, flags=re.M)
