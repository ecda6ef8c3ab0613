# SPDX-License-Identifier: MIT
"""A Dask scheduler and three workers, processes all of them, one of which is killed."""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
import work

import opro
from opro import executor as inside

distributed = pytest.importorskip("distributed", reason="no Dask (python3-distributed)")

BOX = [(-5, 5)] * 3
OPTIONS = {"steps": 12, "seed": 3}
WORKERS = 3
FORGETS = 0.1  # seconds; what has just been told, Dask still knows for a moment


@pytest.fixture
def record(monkeypatch, tmp_path):
    """The file where workers write down what they do."""
    path = tmp_path / "record"
    monkeypatch.setenv("OPRO_TEST_FILE", str(path))
    return path


@pytest.fixture
def client(record, tmp_path):
    """A client; its scheduler and workers are children of this process."""
    environment = {**os.environ, "PYTHONPATH": str(Path(work.__file__).parent)}
    address = tmp_path / "scheduler.json"
    quiet = ["--scheduler-file", str(address), "--no-dashboard"]
    node = ["--host", "127.0.0.1", *quiet]
    worker = ["--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path), *node]
    commands = [["dask_scheduler", "--port", "0", *node], *[["dask_worker", *worker]] * WORKERS]
    with open(tmp_path / "log", "w") as log:
        children = [
            subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{name}", *arguments],
                env=environment,
                stdout=log,
                stderr=log,
            )
            for name, *arguments in commands
        ]
    try:
        with distributed.Client(scheduler_file=str(address), timeout=60) as client:
            client.wait_for_workers(WORKERS, timeout=60)
            yield client
    except Exception as error:
        raise RuntimeError((tmp_path / "log").read_text()) from error
    finally:
        for child in children:
            child.kill()
            child.wait()


def read(path):
    """The record, as [(what, process, time, solution)]."""
    lines = (line.split(" ", 3) for line in path.read_text().splitlines())
    return [(what, int(process), float(at), solution) for what, process, at, solution in lines]


def busy(path):
    """A worker that has begun something and not ended it, and what that is."""
    under_way = {}
    for what, process, _, solution in read(path):
        under_way[process] = solution if what == "begin" else None
    return next(((process, what) for process, what in under_way.items() if what), None)


def test_a_worker_is_killed_in_the_middle(client, record, monkeypatch):
    local = opro.minimize(work.sphere, BOX, **OPTIONS)
    told, killed = {}, []
    tell = inside._tell

    def watched(run, request, answer):
        tell(run, request, answer)
        told.setdefault(repr(request.solution), time.monotonic())
        if len(told) > 30 and not killed and busy(record):
            killed.append((*busy(record), time.monotonic()))
            os.kill(killed[0][0], signal.SIGKILL)

    monkeypatch.setattr(inside, "_tell", watched)
    result = opro.minimize(work.recorded, BOX, executor=client.get_executor(), **OPTIONS)

    assert result.stop_reason == "steps"
    assert result.trajectory.hash == local.trajectory.hash
    assert result.run.counts["failures"] == 0
    begun = defaultdict(list)
    for what, process, at, solution in read(record):
        if what == "begin":
            begun[solution].append((process, at))
    assert set(begun) == set(told)
    assert len({process for times in begun.values() for process, _ in times}) == WORKERS
    process, lost, when = killed[0]
    assert len(begun[lost]) > 1
    assert begun[lost][-1][0] != process
    for solution, times in begun.items():
        if not when - FORGETS < told[solution] < when:
            assert max(at for _, at in times) < told[solution]
    again = [solution for solution, times in begun.items() if len(times) > 1]
    print(f"{len(begun)} scored, {len(again)} of them by two workers; killed: {process}")
