# SPDX-License-Identifier: MIT
"""Journals, kept and read."""

import json

import played
import pytest

import opro

pytestmark = played.needs_journals

SETTINGS = {"samples_per_step": 5, "seed": 2, "journal_sync": "none"}


def sphere(x):
    return sum(each * each for each in x)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.journal"


@pytest.fixture
def result(path):
    """Of a run of four steps that was kept."""
    return opro.minimize(sphere, [(-5, 5)] * 2, steps=4, journal=path, **SETTINGS)


def test_the_same_line_goes_on(path, result):
    calls = []

    def count(x):
        calls.append(x)
        return sphere(x)

    more = opro.minimize(count, [(-5, 5)] * 2, steps=6, journal=path, **SETTINGS)
    assert len(calls) == 10
    whole = opro.minimize(sphere, [(-5, 5)] * 2, steps=6, samples_per_step=5, seed=2)
    assert more.trajectory.hash == whole.trajectory.hash
    with pytest.raises(opro.InvalidError, match="samples_per_step"):
        opro.minimize(sphere, [(-5, 5)] * 2, journal=path, seed=2, samples_per_step=4)
    with opro.Journal(path) as journal:
        kinds = [entry.kind for entry in journal]
        assert kinds.count("close") == 2
        assert journal.summary().ended == 6


def test_an_interrupted_run_goes_on(path, vectors):
    def score(request):
        if request.step == 2:
            raise KeyboardInterrupt
        return sphere(request.solution)

    driver = opro.Driver(vectors, scorer=score, steps=4, journal=path, **SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        driver.run()
    driver.close()
    rest = opro.Driver(
        vectors, scorer=lambda r: sphere(r.solution), steps=4, journal=path, **SETTINGS
    )
    rest.run()
    plain = opro.Driver(vectors, scorer=lambda r: sphere(r.solution), steps=4, **SETTINGS)
    plain.run()
    assert rest.trajectory.hash == plain.trajectory.hash


def test_a_run_that_is_asked(path, texts):
    journal = opro.Journal(path, journal_sync="none")
    run = opro.Run(texts, journal=journal, steps=1)
    request = run.ask()
    run.tell(request, 0.5, feedback="too short", usage=(3, 4, 5))
    journal.sync()
    assert journal.counts["records"] > 3
    with pytest.raises(opro.StateError):  # this handle keeps a run
        next(iter(journal))
    entries = {entry.kind: entry for entry in opro.Journal(path)}
    assert entries["request"].what == "score"
    assert entries["request"].text == request.text
    assert entries["scores"].scores == (0.5,)
    assert entries["feedback"].text == "too short"
    assert entries["usage"].usage == (3, 4, 5)
    journal.close()
    with pytest.raises(opro.Error):
        run.tell(run.ask(), 0.5)


def test_entries(path, result):
    with opro.Journal(path) as journal:
        entries = list(journal)
        assert not list(journal)  # all were read
    assert [entry.record for entry in entries] == list(range(len(entries)))
    assert (entries[0].kind, entries[-1].kind) == ("header", "close")
    assert json.loads(entries[0].text)["problem"]["direction"] == "minimize"
    assert len([entry for entry in entries if entry.kind == "reply"]) == 20
    assert entries[-2][1:] == ("stop", 0, 0, 0, 0, "steps", "", entries[-2].ms, "", (), None)


def test_a_summary(path, result):
    summary = opro.Journal(path).summary()
    assert summary.best.mean == result.score
    assert summary.best.candidate == result.run.winner.text
    assert (summary.ended, summary.open, summary.closed, summary.stop_reason) == (
        4,
        0,
        True,
        "steps",
    )
    assert (summary.all.replies, summary.all.score_requests) == (20, 20)
    assert [one.mean for one in summary.ranking] == sorted(one.mean for one in summary.scored)
    told = json.loads(json.dumps(summary.to_dict()))
    assert told["best"]["mean"] == result.score
    assert told["records"] == summary.counts["records"]
    assert sum(each.replies for each in summary.steps.values()) == 20


def test_a_damaged_file_and_a_torn_one(path, result):
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :])
    with pytest.raises(opro.ParseError, match="record"):
        opro.Journal(path).verify()
    path.write_bytes(data[: len(data) - 30])
    journal = opro.Journal(path)
    journal.verify()
    assert journal.counts["torn_bytes"] > 0
    assert not journal.summary().closed
    path.write_text("hello\n" * 50)
    with pytest.raises(opro.ParseError, match="no journal"):
        opro.Journal(path).verify()
    with pytest.raises(opro.FailedError):
        opro.Journal(path.parent / "none").verify()


def test_two_at_once(path, vectors):
    first = opro.Run(vectors, journal=path, steps=3)
    with pytest.raises(opro.StateError, match="another"):
        opro.Run(vectors, journal=path, steps=3)
    first.close()
