# SPDX-License-Identifier: MIT
"""Options: listed as the library describes them, and handed over by keyword."""

from __future__ import annotations

import ctypes
import operator
from typing import NamedTuple

from ._errors import InvalidError
from ._ffi import CONSTANTS
from ._handle import Handle, encoded, text_at
from ._load import C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Union

    #: What an option may be set to; None is "none", for options that can be.
    Value = Union[str, int, float, None]
    #: Hears (level, domain, message); level is a number of the module logging.
    Log = Callable[[int, str, str], object]

# Levels of the library's log, as those of the module logging.
_LEVELS = {10: 40, 20: 30, 30: 20, 40: 10}
_LEVEL_NAMES = {"none": 0, "error": 10, "warning": 20, "info": 30, "debug": 40}
DIRECTIONS = {CONSTANTS["OPRO_MAXIMIZE"]: "maximize", CONSTANTS["OPRO_MINIMIZE"]: "minimize"}
SETS = {CONSTANTS["OPRO_TRAIN"]: "train", CONSTANTS["OPRO_VALIDATION"]: "validation"}
_TYPES = {10: "int", 20: "real", 30: "choice"}


class Option(NamedTuple):
    """An option as the library describes it."""

    name: str
    type: str
    """ "int", "real" or "choice". """
    default: int | float | str | None
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    help: str


def words(prefix: str) -> dict[int, str]:
    """The constants that begin with a prefix, as words: {20: "minimize"}."""
    start = len(prefix)
    return {
        value: name[start:].lower() for name, value in CONSTANTS.items() if name.startswith(prefix)
    }


def pick(table: Mapping[int, str], name: str, what: str) -> int:
    """The constant for a word of a table, or InvalidError that lists those there are."""
    for value, word in table.items():
        if word == name:
            return value
    raise InvalidError(f"{what} {name!r}: it is one of {', '.join(table.values())}")


def number(prefix: str, name: str, what: str) -> int:
    """pick() among the constants that begin with a prefix."""
    return pick(words(prefix), name, what)


def static(pointer: int | None) -> str:
    """A text that is NUL-terminated and stays."""
    return ctypes.string_at(pointer).decode() if pointer else ""


def _choices(option: int) -> dict[int, str]:
    found: dict[int, str] = {}
    value = ctypes.c_int64()
    while name := C.opro_option_choice(option, len(found), ctypes.byref(value)):
        found[value.value] = static(name)
    return found


def _described(option: int) -> Option:
    kind = _TYPES[C.opro_option_type(option)]
    choices = _choices(option) if kind == "choice" else {}

    def bound(value: float) -> float | None:
        if value != value:
            return None
        return int(value) if kind == "int" and abs(value) < 2.0**63 else value

    default: int | float | str | None = bound(C.opro_option_default(option))
    if choices and default is not None:
        default = choices[int(default)]
    return Option(
        name=static(C.opro_option_name(option)),
        type=kind,
        default=default,
        low=None if choices else bound(C.opro_option_min(option)),
        high=None if choices else bound(C.opro_option_max(option)),
        choices=tuple(choices.values()),
        help=static(C.opro_option_help(option)),
    )


def options() -> dict[str, Option]:
    """Every option of the library by its name: type, bounds, default and a line of help."""
    found = {}
    index = 0
    while option := C.opro_option_at(index):
        described = _described(option)
        found[described.name] = described
        index += 1
    return found


def _spelled(option: int, value: Value) -> str:
    """The text of an option's value, whatever the locale."""
    if isinstance(value, bool) and C.opro_option_type(option) == CONSTANTS["OPRO_TYPE_CHOICE"]:
        return "on" if value else "off"
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return float.__repr__(value)
    if hasattr(value, "__index__"):
        return str(int(operator.index(value)))  # of a bool, too
    if hasattr(value, "__float__"):  # such as NumPy's float32
        return repr(float(value))
    raise TypeError(f"an option is a number, a text or None, not {type(value).__name__}")


class Config(Handle):
    """Options for the objects that are made from it.

    Everything that takes options takes them by keyword and makes a Config of them; make one
    yourself to use it several times: Run(problem, config=config, seed=2).

    log: hears what objects made from this config have to say, up to log_level ("error", "warning",
    "info", "debug": at that level alone with prompts and replies). logging.getLogger("x").log fits
    by way of: lambda level, domain, message: logger.log(level, "%s: %s", domain, message).
    """

    __slots__ = ()
    _c_free = "opro_config_free"
    _c_error = "opro_config_error"

    def __init__(
        self,
        options: Mapping[str, Value] | None = None,
        *,
        config: Config | None = None,
        log: Log | None = None,
        log_level: str = "warning",
        **more: Value,
    ) -> None:
        if config is None:
            self._new(C.opro_config_new, None)
        else:
            self._new(C.opro_config_clone, config, None, keeps=(config,))
        for name, value in {**(options or {}), **more}.items():
            self._set(name, value)
        if log is not None:
            self._log(log, log_level)

    def _set(self, name: str, value: Value) -> None:
        key = encoded(name)
        text = encoded(_spelled(C.opro_option_find(key, len(key)), value))
        self._call(C.opro_config_set, key, len(key), text, len(text))

    def _log(self, log: Log, level: str) -> None:
        if level not in _LEVEL_NAMES:
            raise InvalidError(f"log_level {level!r}: it is one of {', '.join(_LEVEL_NAMES)}")

        def hear(at: int, domain: Any, text: int, length: int) -> None:
            log(_LEVELS.get(at, 10), static(domain), text_at(text, length))

        self._set_callback(C.opro_config_set_log, "log_fn", hear, _LEVEL_NAMES[level])

    def __getitem__(self, name: str) -> int | float | str | None:
        """The value of an option."""
        key = encoded(name)
        option = C.opro_option_find(key, len(key))
        if C.opro_option_type(option) == CONSTANTS["OPRO_TYPE_REAL"]:
            real = ctypes.c_double()
            self._call(C.opro_config_get_real, option, ctypes.byref(real))
            return None if real.value != real.value else real.value
        integer = ctypes.c_int64()
        self._call(C.opro_config_get_int, option, ctypes.byref(integer))
        return _choices(option).get(integer.value, integer.value)

    @property
    def digest(self) -> int:
        """A digest of all values, equal on every platform."""
        value: int = self._get(C.opro_config_digest)
        return value
