# SPDX-License-Identifier: MIT
"""python -m opro, from the shell."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import played
import pytest

import opro

pytestmark = played.needs_journals

SVG = "{http://www.w3.org/2000/svg}"
HTML = "{http://www.w3.org/1999/xhtml}"


def command(*arguments):
    return [sys.executable, "-m", "opro", *map(str, arguments)]


@pytest.fixture
def run(tmp_path):
    """Run a command; what it printed, if it ended as expected."""
    environment = {name: value for name, value in os.environ.items() if "API_KEY" not in name}

    def run(*arguments, code=0):
        done = subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        if code:
            last = done.stderr.splitlines()[-1]
            assert last.startswith(f"opro {arguments[0]}: " if arguments else "opro"), last
            return last
        return done.stdout

    return run


# ---- journals ----------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "run.journal"
    settings = {"steps": 3, "samples_per_step": 4, "journal_sync": "none"}
    result = opro.minimize(lambda x: x[0] ** 2, [(-5, 5)], journal=path, **settings)
    return path, result.score


def test_show(run, journal):
    path, _ = journal
    lines = run("show", path).splitlines()
    records = len(path.read_bytes().splitlines())
    assert [int(line.split()[0]) for line in lines] == list(range(records))
    text = "\n".join(lines)
    for words, times in {
        "asks for proposals": 3,
        "asks for train scores of": 12,
        "reply": 12,
    }.items():
        assert text.count(words) == times
    assert lines[0].endswith("a journal of a run")
    assert lines[-1].endswith("closed in order")
    entries = [json.loads(line) for line in run("show", path, "--json").splitlines()]
    assert len(entries) == records


def test_summary_and_verify(run, journal):
    path, score = journal
    text = run("summary", path)
    for words in (
        "3 steps; 3 requests for proposals, 12 for scores; 0 not answered",
        "stopped: steps",
    ):
        assert words in text
    assert f"best {score:.6g} (record " in text
    told = json.loads(run("summary", path, "--json"))
    assert (told["best"]["mean"], told["steps"], len(told["scored"])) == (score, 3, 12)
    rows = list(csv.DictReader(io.StringIO(run("summary", path, "--csv"))))
    assert [float(row["mean"]) for row in rows] == [one["mean"] for one in told["scored"]]
    size = path.stat().st_size
    assert (
        run("verify", path) == f"{told['records']} records, {size} bytes: whole; closed in order\n"
    )


def test_report(run, journal):
    path, score = journal
    assert run("report", path) == ""
    text = path.with_suffix(".journal.html").read_text()
    tree = ElementTree.fromstring(text)
    assert "<script" not in text
    assert "href" not in text
    assert float(tree.find(f".//{HTML}blockquote").text) ** 2 == score
    assert len(list(tree.iter(f"{SVG}circle"))) == 12
    run("report", path, "--report=r.svg")
    assert ElementTree.parse(path.parent / "r.svg").getroot().tag == f"{SVG}svg"
    assert "overwrite" in run("report", path, "--report", path, code=1)
    assert "no/r.html" in run("report", path, "--report=no/r.html", code=1)


def test_damage(run, journal):
    path, _ = journal
    data = path.read_bytes()
    path.write_bytes(data[:900] + bytes([data[900] ^ 4]) + data[901:])
    for verb in ("verify", "summary", "report", "show"):
        assert "damaged" in run(verb, path, code=1)
    path.write_text("hello\n")
    assert "no journal" in run("verify", path, code=1)
    assert "No such file" in run("verify", path.parent / "none", code=1)


def test_wrong_arguments(run):
    assert "usage" in run("--help")
    for verb in ("show", "summary", "verify", "report", "optimize", "evaluate"):
        assert f"python -m opro {verb}" in run(verb, "--help")
    assert (
        "no command 'sing'"
        in subprocess.run(command("sing"), capture_output=True, text=True, check=False).stderr
    )
    for arguments in (
        ["show"],
        ["show", "-"],
        ["summary", "x", "--csv", "--json"],
        ["verify", "--x"],
    ):
        run(*arguments, code=2)
    assert "--dataset" in run("optimize", code=2)
    assert "model_reply_price" in run("evaluate", "--options")


# ---- models ------------------------------------------------------------------------------------


@pytest.fixture
def endpoint(tmp_path):
    with played.model() as endpoint:
        (tmp_path / "d.jsonl").write_text(played.truth().dataset(60))
        for name, numbers in SETS.items():
            (tmp_path / name).write_text(" ".join(map(str, numbers)))
        yield endpoint


SETS = {"train": range(36), "validation": range(36, 48), "test": range(48, 60)}
FILES = "--split=files:train,validation,test"


def at(endpoint):
    return f"--base-url={endpoint.url}", "--model-name=parrot", "--dataset=d.jsonl"


@played.needs_models
def test_optimize(run, endpoint, tmp_path):
    accuracy = played.truth().accuracy
    search = [*at(endpoint), FILES, "--steps=3", "--samples=4", "--seed=1", "--test"]
    told = json.loads(run("optimize", *search, "--json", "--report=r.html", "--journal=j"))
    winner = told["winner"]
    for name, numbers in SETS.items():
        assert winner[name]["value"] == pytest.approx(accuracy(winner["instruction"], numbers))
    assert [told["use"][name] for name in ("prompt_tokens", "reply_tokens")] == endpoint.tokens
    assert told["held_out"] == "test"
    text = (tmp_path / "r.html").read_text()
    tree = ElementTree.fromstring(text)
    assert tree.find(f".//{HTML}blockquote").text == winner["instruction"]
    for words in ("The best instructions", "Tokens of each step", "12 test examples, one by one"):
        assert words in text
    assert "stopped: steps" in run("summary", "j")
    words = run("optimize", *search, "--no-baseline", "--show-reply", "--report=r.svg")
    assert f"the winner:\n  {winner['instruction']}\n" in words
    assert "the first reply" in words
    assert ElementTree.parse(tmp_path / "r.svg").getroot().tag == f"{SVG}svg"


@played.needs_models
def test_evaluate(run, endpoint, tmp_path):
    truth = played.truth()
    texts = ["", "Think carefully."]
    told = json.loads(run("evaluate", *at(endpoint), "--json", "--csv=rows.csv", "--", *texts))
    for text, one in zip(texts, told["instructions"]):
        assert one["accuracy"]["value"] == pytest.approx(truth.accuracy(text, range(60)))
    assert told["estimate"]["answers"] == [120] * 3
    rows = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text())))
    right = [row["verdict"] == "right" for row in rows if row["instruction"] == texts[1]]
    assert right == [truth.knows(texts[1], number) for number in range(60)]
    assert "Think carefully." in run("evaluate", *at(endpoint), FILES, "--set=test", texts[1])
    endpoint.fails = lambda number: True
    assert "no such question" in run("evaluate", *at(endpoint), "x", code=1)


@played.needs_models
def test_what_is_wrong_with_it(run, endpoint, tmp_path):
    for arguments, code, says in (
        (["--metric=best"], 2, "--metric is strict, reference"),
        (["--metric=regex"], 2, "--pattern"),
        (["--split=0.9,0.9"], 2, "--split is"),
        (["--split=files:train,train"], 1, "two of the sets"),
        (["--option=stepz=3"], 2, "steps"),
        (["--seed=x"], 2, "seed"),
        (["--optimizer=me"], 2, "replay:FILE"),
        (["--test"], 1, "no test examples"),
        (["--steps=0"], 1, "no end"),
        (["--columns=a,b"], 1, "d.jsonl"),
        (["surplus"], 2, "surplus"),
    ):
        assert says in run("optimize", *at(endpoint), *arguments, code=code), arguments
    assert "--base-url" in run("optimize", "--dataset=d.jsonl", code=1)
    assert "--model-name" in run("evaluate", "--dataset=d.jsonl", at(endpoint)[0], "x", code=1)
    assert endpoint.answers == 0
    dry = ["--dry-run", "--json", "--report=r.html", "--cache=c"]
    told = json.loads(run("optimize", *at(endpoint), *dry, "--steps=2"))
    assert told["estimate"]["proposals"][0] == 16
    assert endpoint.answers == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["d.jsonl", *SETS])


@played.needs_models
def test_ctrl_c(endpoint, tmp_path):
    """What it has until then is printed."""
    endpoint.slow = 0.02
    search = command("optimize", *at(endpoint), FILES, "--steps=500")
    with subprocess.Popen(search, cwd=tmp_path, stdout=-1, stderr=-1, text=True) as child:
        while endpoint.answers < 120 and child.poll() is None:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    for words in ("the winner:", "stopped: interrupted"):
        assert words in out
