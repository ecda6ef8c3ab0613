# SPDX-License-Identifier: MIT
"""The programs in the README run."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCK = r"^(<!-- not run: [^\n]* -->\n)?```python\n(.*?)^```$"
PROGRAMS = [
    match[2] for match in re.finditer(BLOCK, README.read_text(), re.M | re.S) if not match[1]
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_runs(program, python):
    python(program)


def test_there_are_some():
    assert len(PROGRAMS) >= 4
