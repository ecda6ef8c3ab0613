# SPDX-License-Identifier: MIT
"""Finding the library, and importing the package."""

import sys

import pytest

import opro

USE = "import opro\nprint(opro.Problem('x').direction)"


def test_importing_loads_nothing_else(python):
    said = python(
        "import sys; before = set(sys.modules); import opro\n"
        "print(sorted(set(sys.modules) - before))"
    )
    assert said == "['opro']\n"


def test_requests_do_without_the_library(python):
    said = python(
        "import pickle, opro, sys\n"
        "request = opro.Score(7, 0, 'a', 'a', 'train', (0,))\n"
        "print(pickle.loads(pickle.dumps(request)) == request, 'ctypes' in sys.modules)",
        OPRO_LIBRARY="/nonexistent",
    )
    assert said == "True False\n"


def test_a_library_that_is_named_is_the_only_one_that_is_tried(python):
    said = python(USE, status=1, OPRO_LIBRARY="/nonexistent/libopro.so")
    assert "ImportError: no libopro that fits was found" in said
    assert said.count("\n  /nonexistent/libopro.so: ") == 1
    assert "set OPRO_LIBRARY" in said


@pytest.mark.skipif(sys.platform != "linux", reason="the name of the C library")
def test_another_library_is_refused(python):
    said = python(USE, status=1, OPRO_LIBRARY="libc.so.6")
    assert "opro_abi_epoch" in said


def test_all_attempts_are_listed(monkeypatch, tmp_path):
    from opro import _load

    beside = tmp_path / _load.NAME
    beside.write_text("no library")
    monkeypatch.delenv("OPRO_LIBRARY")
    monkeypatch.setattr(_load, "__file__", str(tmp_path / "_load.py"))
    assert list(_load._candidates()) == [str(beside), _load.NAME]
    monkeypatch.setattr(_load, "_misfit", lambda library: "not that one")
    monkeypatch.setattr(_load, "NAME", "libnonsense.so.9")
    beside.rename(tmp_path / "libnonsense.so.9")
    with pytest.raises(ImportError) as caught:
        _load.load()
    assert str(tmp_path / "libnonsense.so.9") in str(caught.value)
    assert "\n  libnonsense.so.9: " in str(caught.value)


@pytest.mark.parametrize(
    ("epoch", "version", "why"),
    [(1, 1000, "its ABI is of epoch 1"), (0, 999, "its version is 999"), (0, 2000, "")],
)
def test_epoch_and_version_are_checked(epoch, version, why):
    from opro import _load

    class Fake:
        opro_abi_epoch = staticmethod(lambda: epoch)
        opro_version_num = staticmethod(lambda: version)

    misfit = _load._misfit(Fake())
    assert misfit.startswith(why)
    assert bool(misfit) == bool(why)


def test_every_public_name_is_there():
    for name in opro.__all__:
        assert getattr(opro, name).__doc__ or name in ("Request", "PENDING"), name
    assert set(opro.__all__) <= set(dir(opro))
    with pytest.raises(AttributeError, match="nonsense"):
        opro.nonsense  # noqa: B018
