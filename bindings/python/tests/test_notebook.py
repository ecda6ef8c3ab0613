# SPDX-License-Identifier: MIT
"""examples/notebook.py: as a program, and cell by cell."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[3] / "examples" / "notebook.py"

pytest.importorskip("matplotlib", reason="no matplotlib (python3-matplotlib)")


def test_as_a_program(tmp_path):
    picture = tmp_path / "picture.png"
    done = subprocess.run(
        [sys.executable, NOTEBOOK, picture],
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert "the same trajectory: True\n" in done.stdout
    assert re.search(r"^  score +\d", done.stdout, re.MULTILINE)
    assert done.stderr == ""


def test_its_cells():
    """Every cell is whole, and text stands in comments."""
    kind, *cells = re.split(r"^# %%", NOTEBOOK.read_text(), flags=re.MULTILINE)
    assert len(cells) > 10
    for cell in cells:
        kind, _, text = cell.partition("\n")
        if kind == " [markdown]":
            assert all(line.startswith("#") for line in text.splitlines() if line)
        else:
            compile(text, "cell", "exec")
