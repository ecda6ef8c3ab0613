# SPDX-License-Identifier: MIT
"""examples/notebook.py: as a program, and cell by cell."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[3] / "examples" / "notebook.py"

# A program in which the modules named by the first argument are not there.
WITHOUT = """
import runpy, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split()))
sys.argv[:] = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def played(picture, missing=""):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, missing, NOTEBOOK, picture],
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same trajectory: True\n" in done.stdout
    assert re.search(r"^  score +\d", done.stdout, re.MULTILINE)
    assert done.stderr == ""
    return done.stdout


def test_with_what_is_there(tmp_path):
    pytest.importorskip("matplotlib", reason="no matplotlib (python3-matplotlib)")
    picture = tmp_path / "picture.png"
    assert f"written: {picture}\n" in played(picture)
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_with_nothing_but_the_package(tmp_path):
    picture = tmp_path / "picture.png"
    said = played(picture, "IPython matplotlib pandas tqdm")
    assert re.search("^no pictures: .*matplotlib", said, re.MULTILINE)
    assert "always on to the nearest place would be" in said
    assert not picture.exists()


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
