# SPDX-License-Identifier: MIT
"""What the package knows of the library is what the headers say."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from opro import _ffi, _load

PACKAGE = Path(_ffi.__file__).parent
GENERATE = PACKAGE.parent / "generate.py"
ROOT = PACKAGE.parent.parent.parent
HEADERS = ROOT / "include/opro"


def check(headers):
    """Whether the committed table is what these headers give."""
    command = [sys.executable, str(GENERATE), "--check", "--headers", str(headers)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_generating_it_again_changes_nothing():
    done = check(HEADERS)
    assert done.returncode == 0, done.stderr


MUTATIONS = {
    "a parameter's type": ("run.h", r"(opro_run_next\(opro_run \*run, )int64_t", r"\1int32_t"),
    "a handle's type": ("run.h", r"(opro_run_step\(const )opro_run", r"\1opro_problem"),
    "a result's type": ("run.h", r"int64_t (opro_run_count\()", r"int32_t \1"),
    "a parameter inserted": ("run.h", r"(opro_run_stop\(opro_run \*run)", r"\1, int32_t how"),
    "a callback's type": ("problem.h", r"(opro_text_fn\)\(.*?, )size_t len", r"\1int32_t len"),
    "a constant renumbered": ("problem.h", r"OPRO_MINIMIZE = 20", "OPRO_MINIMIZE = 30"),
    "a constant added": ("problem.h", r"OPRO_MINIMIZE = 20", "OPRO_MINIMIZE = 20, OPRO_NEW = 30"),
    "a function removed": ("run.h", r"OPRO_API opro_status opro_run_stop\(opro_run \*run\);", ""),
    "another version": ("version.h", r"OPRO_VERSION_NUM 1000", "OPRO_VERSION_NUM 1001"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_changes_in_a_header_is_seen(name, tmp_path):
    copy = tmp_path / "opro"
    shutil.copytree(HEADERS, copy)
    header, pattern, replacement = MUTATIONS[name]
    before = (copy / header).read_text()
    after = re.sub(pattern, replacement, before, count=1, flags=re.S)
    assert after != before
    (copy / header).write_text(after)
    done = check(copy)
    assert done.returncode != 0
    assert "generate.py" in done.stderr


def test_a_type_that_nobody_thought_of_is_an_error(tmp_path):
    copy = tmp_path / "opro"
    shutil.copytree(HEADERS, copy)
    text = (copy / "run.h").read_text()
    (copy / "run.h").write_text(text.replace("size_t samples", "float samples"))
    (copy / "tour.h").write_text(
        (copy / "tour.h").read_text() + "\nOPRO_API long opro_tour_long(const opro_tour *tour);\n"
    )
    done = check(copy)
    assert done.returncode != 0
    assert "long" in done.stderr


def test_every_function_is_in_the_library():
    for name in _ffi.FUNCTIONS:
        assert getattr(_load.C, name).argtypes is not None


def test_what_is_not_in_the_table_cannot_be_called():
    with pytest.raises(AttributeError, match="opro_nonsense"):
        _load.C.opro_nonsense()


def test_the_epoch_is_that_of_the_library_s_build():
    text = (ROOT / "meson.build").read_text()
    assert int(re.search(r"^abi_epoch = (\d+)$", text, re.M).group(1)) == _load.EPOCH
    assert _load.C.opro_abi_epoch() == _load.EPOCH


def test_the_version_is_that_of_the_library():
    import opro

    text = (ROOT / "meson.build").read_text()
    assert re.search(r"^  version: '(.*)',$", text, re.M).group(1) == opro.__version__
    project = (ROOT / "bindings/python/pyproject.toml").read_text()
    assert f'\nversion = "{opro.__version__}"\n' in project
