# SPDX-License-Identifier: MIT
"""A wheel brings the library, and is for every Python 3 of its platform."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent
BUILDERS = ("setuptools", "wheel")

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in BUILDERS),
    reason="no setuptools or wheel (python3-setuptools, python3-wheel)",
)


def build_wheel(folder, status=0, cwd=PACKAGE, **environment):
    """Run setup.py as pip does; returns the wheel and what was said."""
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "bdist_wheel", "--dist-dir", str(folder)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return next(iter(folder.glob("*.whl")), None), done.stdout + done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the library's name")
def test_with_a_library(tmp_path, python):
    wheel, _ = build_wheel(tmp_path, OPRO_BUNDLE=os.environ["OPRO_LIBRARY"])
    name, version, python_tag, abi, platform = wheel.stem.split("-")
    assert (name, version, python_tag, abi) == ("opro", "0.1.0", "py3", "none")
    assert platform.startswith("linux_")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert (tmp_path / "site/opro/COPYING").read_text().startswith("MIT")
    said = python(
        "import os; del os.environ['OPRO_LIBRARY']\n"
        "import opro; from opro._load import C\n"
        "print(opro.minimize(sum, [(0, 1)], steps=3).stop_reason, C._library._name)",
        cwd=tmp_path,
        PYTHONPATH=str(tmp_path / "site"),
    )
    assert said == f"steps {tmp_path}/site/opro/libopro.so.0\n"


def test_without_a_library(tmp_path):
    wheel, _ = build_wheel(tmp_path, OPRO_BUNDLE="none")
    assert wheel.name == "opro-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "opro/py.typed" in names
    modules = {f"opro/{path.name}" for path in (PACKAGE / "opro").glob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules


def test_away_from_the_checkout(tmp_path):
    copy = tmp_path / "a/b/python"
    shutil.copytree(PACKAGE, copy)
    _, said = build_wheel(tmp_path, status=1, cwd=copy, OPRO_BUNDLE="")
    assert "there are no sources of the C library" in said


def test_nothing_is_left_in_the_checkout():
    assert not (PACKAGE / "build").exists()
    assert not list(PACKAGE.glob("*.egg-info"))
