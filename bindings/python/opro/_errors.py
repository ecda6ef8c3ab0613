# SPDX-License-Identifier: MIT
"""Exceptions: one for each status of the library, and for handles that cannot be used.

This module does not need the library, so that exceptions can be unpickled without it.
"""

from __future__ import annotations

from ._ffi import CONSTANTS


class Error(Exception):
    """A call of the library failed.

    The text says what was wrong, with which value, and what to do. `status` is the library's
    number for it and `name` its name, such as "OPRO_ERR_STALE".
    """

    status: int = CONSTANTS["OPRO_ERR_USER_FIRST"]

    def __init__(self, message: str = "", status: int | None = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status

    @property
    def name(self) -> str:
        """The name of the status."""
        if _LAST <= self.status <= _FIRST:
            return "OPRO_ERR_USER"
        return _NAMES.get(self.status, "unknown status")

    def __str__(self) -> str:
        return super().__str__() or f"{self.name}: {self.__doc__}"


class InvalidError(Error, ValueError):
    """An argument is out of range or senseless."""

    status = CONSTANTS["OPRO_ERR_INVALID"]


class NoMemoryError(Error, MemoryError):
    """The memory, or the option memory_limit, did not suffice."""

    status = CONSTANTS["OPRO_ERR_NOMEM"]


class UnsupportedError(Error, NotImplementedError):
    """Not in this build of the library."""

    status = CONSTANTS["OPRO_ERR_UNSUPPORTED"]


class AbiError(Error):
    """A struct from a newer header."""

    status = CONSTANTS["OPRO_ERR_ABI"]


class ReentrantError(Error, RuntimeError):
    """Not allowed inside a callback of this object."""

    status = CONSTANTS["OPRO_ERR_REENTRANT"]


class CallbackError(Error, RuntimeError):
    """A callback did not deliver what it has to."""

    status = CONSTANTS["OPRO_ERR_CALLBACK"]


class StaleError(Error):
    """The request was answered already, or cancelled. Nothing has changed."""

    status = CONSTANTS["OPRO_ERR_STALE"]


class UnknownError(Error, LookupError):
    """There is no such request, option, name or index."""

    status = CONSTANTS["OPRO_ERR_UNKNOWN"]


class StateError(Error, RuntimeError):
    """The object is not in a state for this call."""

    status = CONSTANTS["OPRO_ERR_STATE"]


class LimitError(Error, ValueError):
    """A stated bound would be exceeded."""

    status = CONSTANTS["OPRO_ERR_LIMIT"]


class ParseError(Error, ValueError):
    """A text does not have the expected form."""

    status = CONSTANTS["OPRO_ERR_PARSE"]


class RejectedError(Error, ValueError):
    """A solution is not legal for its problem."""

    status = CONSTANTS["OPRO_ERR_REJECTED"]


class FailedError(Error, RuntimeError):
    """What was asked for could not be done: a model or a scorer gave up."""

    status = CONSTANTS["OPRO_ERR_FAILED"]


class TimedOutError(Error, TimeoutError):
    """A deadline passed."""

    status = CONSTANTS["OPRO_ERR_TIMEOUT"]


class ClosedError(StateError):
    """The object was closed, or what it belongs to."""


class ForkedError(StateError):
    """The object belongs to the process that made it, and this is a child of that."""


class ThreadError(StateError):
    """Another thread is using the object at this moment."""


_FIRST = CONSTANTS["OPRO_ERR_USER_FIRST"]
_LAST = CONSTANTS["OPRO_ERR_USER_LAST"]
_NAMES = {value: name for name, value in CONSTANTS.items() if name.startswith("OPRO_ERR_")}
_CLASSES = {kind.status: kind for kind in Error.__subclasses__() if "status" in kind.__dict__}


def error(status: int, message: str = "") -> Error:
    """The exception for a status."""
    return _CLASSES.get(status, Error)(message, status)
