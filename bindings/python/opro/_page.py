# SPDX-License-Identifier: MIT
"""HTML pages and SVG pictures that need nothing else: no network, no scripts, no packages.

Pages are XHTML. Everything that came from a model or a file goes through text() or cut().
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 1120

_STYLE = """
body{margin:0 auto;max-width:1160px;padding:28px 20px 60px;background:#fff;color:#1f2933;
font:15px/1.5 system-ui,'Segoe UI','DejaVu Sans',sans-serif}
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:36px 0 10px}
.sub,.dim{color:#627080}svg{width:100%;height:auto}
blockquote{margin:18px 0;padding:14px 20px;background:#f0f6fc;border-left:5px solid #0b5cad;
font-size:18px;white-space:pre-wrap;overflow-wrap:anywhere}
.cards{display:flex;flex-wrap:wrap;gap:14px}
.card{flex:1 1 200px;border:1px solid #dde3e9;border-radius:6px;padding:12px 16px}
.card b{display:block;font-size:27px;line-height:1.25}.card span{color:#627080;font-size:13px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid #e4e7eb;
overflow-wrap:anywhere}
th{color:#52606d}td.n,th.n{text-align:right;white-space:nowrap}
tr.won td{background:#f0f8f3}.text{white-space:pre-wrap;max-width:620px}
.yes{color:#2f855a;font-weight:600}.no{color:#c53030;font-weight:600}
details{margin:6px 0}summary{cursor:pointer;color:#0b5cad}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f7f9fb;border:1px solid #e4e7eb;
border-radius:4px;padding:10px 14px;font:13px/1.45 ui-monospace,monospace;margin:6px 0 14px}
"""

_PICTURE_STYLE = """
svg text{font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#52606d;font-size:12px}
svg .head{font-size:14px;font-weight:600;fill:#1f2933}
.grid{stroke:#e4e7eb}.best{fill:none;stroke:#0b5cad;stroke-width:2.6}
.mean{fill:none;stroke:#e07b24;stroke-width:1.8}.band{fill:#e07b24;fill-opacity:.14}
.held{fill:#fff;stroke:#2f855a;stroke-width:1.6}.few{stroke-opacity:.4}
.won{fill:#2f855a;stroke:#2f855a;stroke-width:2}.read{fill:#9bb8d3}.written{fill:#0b5cad}
"""

# What XML does not know, not even escaped.
_NO_LETTERS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def text(value: object) -> str:
    """A text, escaped."""
    said = _NO_LETTERS.sub("", str(value)).replace("&", "&amp;").replace('"', "&quot;")
    return said.replace("<", "&lt;").replace(">", "&gt;")


def cut(value: str, most: int) -> str:
    """A text, escaped, and not too much of it."""
    if len(value) <= most:
        return text(value)
    return f"{text(value[:most])} ... ({len(value)} characters in all)"


def page(title: str, body: Iterable[str]) -> str:
    """A whole page."""
    return (
        '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en"><head>'
        f'<meta charset="utf-8"/><title>{text(title)}</title>\n<style>{_STYLE}</style></head>\n'
        "<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def card(name: str, value: object, note: str = "") -> str:
    """A number that matters."""
    said = f"{text(name)}<b>{text(value)}</b><span>{text(note)}</span>"
    return f'<div class="card">{said}</div>'


def row(cells: Iterable[object], kind: str = "td", won: bool = False) -> str:
    """A row of a table: texts are HTML, numbers are put to the right, None is empty."""
    begin = '<tr class="won">' if won else "<tr>"
    return begin + "".join(_cell(value, kind) for value in cells) + "</tr>"


def _cell(value: object, kind: str) -> str:
    place = ' class="n"' if isinstance(value, (int, float)) else ' class="text"'
    return f"<{kind}{place}>{_said(value)}</{kind}>"


def _said(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def table(head: Sequence[str], rows: Iterable[str]) -> str:
    """A table: names of columns, and what row() has made."""
    return "<table>" + row(map(text, head), "th") + "\n".join(rows) + "</table>"


def details(summary: str, body: str) -> str:
    """What is shown when it is asked for; summary is HTML."""
    return f"<details><summary>{summary}</summary>\n{body}</details>"


# ---- pictures ----------------------------------------------------------------------------------


class Frame(NamedTuple):
    """A rectangle of a picture, and the values at its edges."""

    left: float
    top: float
    width: float
    height: float
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: float) -> float:
        """Where a value is."""
        return round(self.left + self.width * (value - self.x0) / (self.x1 - self.x0), 1)

    def y(self, value: float) -> float:
        """Where a value is."""
        return round(self.top + self.height * (1 - (value - self.y0) / (self.y1 - self.y0)), 1)

    def grid(self, unit: str = "", scale: float = 1) -> Iterable[str]:
        """Horizontal lines at round values, with the values."""
        step = _round_step(self.y1 - self.y0)
        for k in range(math.ceil(self.y0 / step), math.floor(self.y1 / step) + 1):
            y = self.y(k * step)
            yield line("grid", self.left, y, self.left + self.width, y)
            yield label(self.left - 8, y + 4, f"{k * step * scale:.6g}{unit}", "end")


def fitted(values: Sequence[float], count: float, height: float, top: float = 50) -> Frame:
    """A frame for so many things in a row, and these values."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    margin = (high - low) * 0.05 or abs(low) * 0.01 + 0.5
    right = count if count > 1 else 2
    return Frame(80, top, WIDTH - 100, height, 1, right, low - margin, high + margin)


def _round_step(width: float) -> float:
    raw = width / 6
    ten = 10.0 ** math.floor(math.log10(raw))
    share = raw / ten
    return ten * (1 if share < 1.5 else 2 if share < 3.5 else 5 if share < 7.5 else 10)


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """A line."""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="{kind}"/>'


def label(x: float, y: float, said: str, anchor: str = "start", kind: str = "") -> str:
    """A text in a picture."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="{kind}">{text(said)}</text>'


def dot(kind: str, x: float, y: float, radius: float = 2.5) -> str:
    """A dot."""
    return f'<circle cx="{x}" cy="{y}" r="{radius}" class="{kind}"/>'


def curve(kind: str, points: Iterable[tuple[float, float]]) -> str:
    """A line through points."""
    return f'<polyline class="{kind}" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'


def picture(height: float, parts: Iterable[str]) -> str:
    """A whole picture."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img">\n<style>{_PICTURE_STYLE}</style>\n'
        '<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
