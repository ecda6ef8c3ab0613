# SPDX-License-Identifier: MIT
"""Data as people expect it: tables, how things look, requests that are sent away."""

import importlib.util
import subprocess
import sys
from html.parser import HTMLParser

import pytest

import opro

BOX = [(-5, 5), (-5, 5)]


def needs(module):
    return pytest.mark.skipif(
        not importlib.util.find_spec(module), reason=f"no {module} (python3-{module})"
    )


@pytest.fixture
def result():
    problem = opro.Problem.vector(BOX, initial=[(4, 4)], description="a < b & <script>")
    return opro.minimize(lambda x: x[0] ** 2 + x[1] ** 2, problem, steps=3, seed=1)


# ---- pandas --------------------------------------------------------------------------------------


@needs("pandas")
def test_candidates_as_a_table(result):
    frame = result.trajectory.to_pandas()
    assert list(frame.index) == list(range(len(result.trajectory)))
    assert frame["score"].min() == result.score
    assert frame["score"].dtype == frame["validation"].dtype == "float64"
    assert frame["validation"].isna().all()
    assert frame.loc[0, "solution"] == (4.0, 4.0)
    assert frame.loc[0, "flags"] == ["initial"]


@needs("pandas")
def test_steps_as_a_table(result):
    frame = result.trajectory.to_pandas("steps")
    assert list(frame.index) == [-1, 0, 1, 2]
    assert frame["best_so_far"].iloc[-1] == result.score
    assert frame["proposals"].sum() == result.run.counts["proposals"]
    with pytest.raises(opro.InvalidError, match="candidates, steps"):
        result.trajectory.to_pandas("rows")
    assert list(opro.Trajectory().to_pandas().columns) == list(opro.Candidate._fields[1:])


@pytest.mark.parametrize(
    ("call", "needed"),
    [
        ("opro.Trajectory().to_pandas()", "to_pandas() takes pandas"),
        ("opro.plot.accuracy(opro.Trajectory())", "opro.plot takes matplotlib"),
        ("opro.minimize(sum, [(0, 1)], steps=1, progress=True)", "progress takes tqdm"),
    ],
)
def test_what_is_missing_is_named(python, call, needed):
    missing = "sys.modules.update(dict.fromkeys(['pandas', 'matplotlib', 'tqdm']))"
    said = python(
        f"import sys; {missing}\nimport opro\ntry: {call}\nexcept ImportError as e: print(e)"
    )
    assert needed in said
    assert "not there" in said


# ---- how things look -----------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags in order, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data + "|"


def test_in_a_notebook(result):
    shown = [result, result.trajectory, result.trajectory[0], result.run.problem]
    for each in shown:
        page = Page(each._repr_html_())
        assert page.tags[:2] == ["table", "caption"]
        assert set(page.tags) <= {"table", "caption", "tr", "th", "td"}
    assert "a < b & <script>" in page.text
    assert "&lt;script&gt;" in result.run.problem._repr_html_()


def test_texts_in_a_notebook_are_escaped():
    text = "<img src=x onerror='alert(1)'>"
    result = opro.maximize(
        lambda each: 0.5, opro.Problem("x", initial=[text]), steps=0, max_proposals=1
    )
    for each in (result, result.trajectory, result.trajectory[0]):
        html = each._repr_html_()
        assert "<img" not in html
        assert text in Page(html).text


def test_printed(result):
    lines = str(result.trajectory).splitlines()
    assert lines[0] == f"the best 10 of {len(result.trajectory)} candidates, 25 scored; minimize"
    assert len(lines) == 12
    assert lines[1].split() == ["number", "score", "step", "origin", "solution"]
    assert "score" in str(result)
    assert str(result.trajectory[0]).startswith("candidate 0\n  solution  4, 4\n  score     32\n")
    assert "a < b" in str(result.run.problem)
    several = opro.Trajectory()
    several.add("long " * 50, [0, 1])
    assert "95 % interval" in str(several)
    assert str(opro.Trajectory()) == "0 candidates, 0 scored; maximize"


def test_represented_in_a_line(result):
    assert repr(result).startswith("<Result: ")
    assert repr(result).endswith(", stopped by steps>")
    assert repr(result.trajectory[0]) == "<Candidate 0: 32, '4, 4'>"
    assert repr(result.run.problem) == "<Problem: minimize over vectors, 'a < b & <script>'>"
    assert repr(opro.Problem()) == "<Problem: maximize over texts>"
    nothing = opro.minimize(lambda x: ValueError("never"), BOX, steps=2)
    assert repr(nothing) == "<Result: nothing was scored, stopped by failures>"
    result.run.problem.close()
    assert str(result.run.problem) == repr(result.run.problem) == "<Problem, closed>"
    assert result.run.problem._repr_html_() is None


# ---- progress ------------------------------------------------------------------------------------


@needs("tqdm")
def test_progress(capsys):
    driver = opro.Driver(opro.Problem.function("sphere", 2), steps=4)
    assert [step["step"] for step in opro.progress(driver)] == [0, 1, 2, 3]
    said = capsys.readouterr().err
    assert "4/4" in said
    assert "best=" in said
    opro.minimize(None, opro.Problem.function("sphere", 2), steps=3, progress=True)
    assert "3/3" in capsys.readouterr().err


# ---- requests elsewhere --------------------------------------------------------------------------

WORKER = """
import pickle, sys
import opro
for line in sys.stdin.buffer:
    request = pickle.loads(bytes.fromhex(line.decode()))
    if isinstance(request, opro.Propose):
        answer = ["[%d, %d]" % (request.seed % 4, at) for at in range(request.samples)]
    else:
        answer = float(sum(value * value for value in request.solution))
    assert "opro._load" not in sys.modules
    print(pickle.dumps((request, answer)).hex(), flush=True)
"""


def test_a_process_without_the_library_answers_everything(monkeypatch):
    import pickle

    monkeypatch.setenv("OPRO_LIBRARY", "/nonexistent")
    run = opro.Run(opro.Problem.vector(BOX, initial=[(1, 2)]), steps=3)
    command = [sys.executable, "-c", WORKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        while not run.done:
            for request in run:
                worker.stdin.write(pickle.dumps(request).hex().encode() + b"\n")
                worker.stdin.flush()
                again, answer = pickle.loads(bytes.fromhex(worker.stdout.readline().decode()))
                assert again == request
                run.tell(again, answer)
        worker.stdin.close()
    assert run.stop_reason == "steps"
    assert run.trajectory.best.score < 5
