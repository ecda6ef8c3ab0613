# SPDX-License-Identifier: MIT
"""Endpoints on the loopback: a model that is played, and the server that does everything wrong."""

import contextlib
import importlib
import json
import pathlib
import subprocess
import sys
import urllib.request

import pytest

from opro._ffi import CONSTANTS
from opro._load import C

TESTS = pathlib.Path(__file__).resolve().parents[3] / "tests"

needs_models = pytest.mark.skipif(
    not C.opro_has_feature(CONSTANTS["OPRO_FEATURE_HTTP"]) or not TESTS.is_dir(),
    reason="this build has no model client, or there is no server for its tests",
)
needs_journals = pytest.mark.skipif(
    not C.opro_has_feature(CONSTANTS["OPRO_FEATURE_JOURNAL"]), reason="a build without journals"
)


def truth():
    """The module that plays the model, and knows what is true of instructions."""
    arguments, sys.argv = sys.argv, ["", "."]
    sys.path.insert(0, str(TESTS / "programs"))
    try:
        return importlib.import_module("check_prompt")
    finally:
        sys.path.pop(0)
        sys.argv = arguments


@contextlib.contextmanager
def model():
    """An endpoint whose answers are decided by the words of the instruction: url, answers, slow."""
    played = truth().Model()
    try:
        yield played
    finally:
        played.close()


class Faults:
    """The server that does everything wrong."""

    def __init__(self, ready):
        self.port = ready["ports"]["plain"]

    def url(self, case):
        """The base URL of a case."""
        return f"http://127.0.0.1:{self.port}/{case}/v1"

    def seen(self, case):
        """What has arrived."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_seen/{case}") as answer:
            return json.load(answer)


@contextlib.contextmanager
def faults():
    """That server."""
    command = [sys.executable, "-B", str(TESTS / "server" / "fault_server.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        yield Faults(json.loads(server.stdout.readline()))
        server.stdin.close()
