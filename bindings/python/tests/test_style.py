# SPDX-License-Identifier: MIT
"""mypy --strict and ruff, where they are."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent


def run(*command):
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="no mypy (python3-mypy)")
def test_mypy():
    run(sys.executable, "-m", "mypy", "--cache-dir", "/dev/null", "--strict", "-p", "opro")


@pytest.mark.skipif(shutil.which("ruff") is None, reason="no ruff")
def test_ruff():
    run("ruff", "check", "--no-cache", ".")
    run("ruff", "format", "--no-cache", "--check", ".")
