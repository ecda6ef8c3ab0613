# SPDX-License-Identifier: MIT
"""Options by keyword."""

import pytest
from conftest import finish

import opro
from opro import _ffi


def test_all_are_listed():
    listed = opro.options()
    constants = [name for name in _ffi.CONSTANTS if name.startswith("OPRO_OPT_")]
    assert sorted(listed) == sorted(name[9:].lower() for name in constants)
    assert listed["steps"].type == "int"
    assert isinstance(listed["steps"].default, int)
    assert listed["mode"].choices == ("stepwise", "steady")
    assert listed["mode"].default == "stepwise"
    assert listed["target_score"].default is None
    assert listed["temperature"].low == 0.0
    assert all(option.help for option in listed.values())


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("steps", 7, 7),
        ("steps", "7", 7),
        ("seed", True, 1),
        ("temperature", 0.1, 0.1),
        ("temperature", 1, 1.0),
        ("target_score", None, None),
        ("target_score", 0.1 + 0.2, 0.1 + 0.2),
        ("mode", "steady", "steady"),
        ("repair", False, 0),
        ("confirm", True, "on"),
        ("confirm", "off", "off"),
    ],
)
def test_values(name, value, seen):
    assert opro.Config({name: value})[name] == seen
    assert opro.Config(**{name: value})[name] == seen


def test_numbers_of_others():
    numpy = pytest.importorskip("numpy")
    config = opro.Config(steps=numpy.int64(9), temperature=numpy.float32(0.5), seed=numpy.uint8(3))
    assert (config["steps"], config["temperature"], config["seed"]) == (9, 0.5, 3)


@pytest.mark.parametrize("make", [opro.Config, lambda **o: opro.Run(opro.Problem("x"), **o)])
def test_mistakes_are_told(make):
    with pytest.raises(opro.UnknownError, match='did you mean "steps"') as caught:
        make(stepz=5)
    assert isinstance(caught.value, LookupError)
    assert caught.value.name == "OPRO_ERR_UNKNOWN"
    with pytest.raises(ValueError, match="-1"):
        make(steps=-1)
    with pytest.raises(opro.Error, match="sideways"):
        make(mode="sideways")
    with pytest.raises(TypeError, match="list"):
        make(steps=[1])
    with pytest.raises(opro.InvalidError, match="info"):
        make(log=print, log_level="loud")
    with pytest.raises(opro.UnknownError):
        opro.Config()["nonsense"]


def test_a_config_is_for_many_runs(texts):
    config = opro.Config(steps=5, seed=3)
    first, second = opro.Run(texts, config=config), opro.Run(texts, config=config, seed=3)
    assert first.state_hash == second.state_hash
    assert opro.Run(texts, config=config, seed=4).state_hash != first.state_hash
    assert opro.Config(config=config).digest == config.digest


def test_the_log(texts):
    heard = []
    log = lambda *what: heard.append(what)  # noqa: E731
    finish(opro.Run(texts, steps=1, log=log, log_level="debug"))
    assert heard
    assert {type(each) for level, domain, message in heard for each in (domain, message)} == {str}
    assert {level for level, _, _ in heard} <= {10, 20, 30, 40}
