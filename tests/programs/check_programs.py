#!/usr/bin/env python3
"""Run the programs of examples/ as people and scripts do: check_programs.py DIRECTORY SOURCES [TEST...]"""

import http.server
import json
import os
import pathlib
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree as ElementTree

BIN = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(sys.argv[2]).resolve()
SHARED = pathlib.Path(os.environ.get("OPRO_SHARED", "/nonexistent")).resolve()
NO_MODEL = "No language model took part"
RESULT = {  # what every result has, and of which type
    "best_score": (int, float),
    "best_solution": str,
    "steps": int,
    "scorer_calls": int,
    "proposals": int,
    "rejected": int,
    "replies": int,
    "candidates": int,
    "stop_reason": str,
    "seed": int,
}
# Twelve places on a circle of radius 100: the round trip along it is the shortest.
CIRCLE = [(100, 0), (87, 50), (50, 87), (0, 100), (-50, 87), (-87, 50), (-100, 0), (-87, -50), (-50, -87), (0, -100),
          (50, -87), (87, -50)]
SHUFFLED = [CIRCLE[i * 5 % 12] for i in range(12)]


def run(program, *args, **more):
    more.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([str(BIN / program), *map(str, args)], stderr=subprocess.PIPE, text=True, check=False, **more)


def tsplib(places, extra=""):
    lines = [f"{i + 1} {x} {y}" for i, (x, y) in enumerate(places)]
    return "\n".join(["NAME: circle", "TYPE: TSP", f"DIMENSION: {len(places)}", "EDGE_WEIGHT_TYPE: EUC_2D",
                      "NODE_COORD_SECTION", *lines, extra + "EOF", ""])


def line_sets(**change):
    x = [-1, -0.5, 0, 0.5, 1, 2]
    made = {"name": "small", "x": x, "y": [7 * v - 3 + 0.1 * (i % 2) for i, v in enumerate(x)],
            "start_sets": [[[10, 10], [20, 15], [11, 18]], [[0, 0]]]}
    return {"sets": [made, {**made, "name": "other", **change}]}


class Case(unittest.TestCase):
    """A directory of its own, and what is expected of every program."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = pathlib.Path(scratch.name)

    def needs(self, program):
        """Some are built only where what they need is there."""
        if not (BIN / program).exists():
            self.skipTest(f"{program} is not built, for lack of what it needs")

    def file(self, name, content):
        path = self.dir / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def good(self, *args, **more):
        done = run(*args, cwd=self.dir, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done.stdout

    def result(self, *args, model=False, **more):
        result = json.loads(self.good(*args, "--json", **more))
        for name, kind in RESULT.items():
            self.assertIsInstance(result[name], kind, name)
        self.assertEqual(result["language_model"], model)
        if not model:
            self.assertEqual((result["optimizer"], result["prompt_tokens"], result["requests"]), ("local", 0, 0))
        self.assertEqual(result["replies"], result["candidates"] + sum(result["rejections"].values()))
        calls = [better["evaluations"] for better in result["improvements"]]
        self.assertEqual(calls, sorted(set(calls)))
        self.assertEqual(calls[-1], result["evaluations_to_best"])
        self.assertEqual(result["improvements"][-1]["score"], result["best_score"])
        return result

    def bad(self, code, *args, says=(), **more):
        done = run(*args, cwd=self.dir, **more)
        self.assertEqual((done.returncode, done.stdout), (code, ""), (args, done.stderr))
        self.assertTrue(done.stderr.startswith(f"{args[0]}: "), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in says:
            self.assertIn(str(word), done.stderr)

    def report(self, path, *names):
        text = path.read_text()
        tree = ElementTree.fromstring(text)  # well-formed
        self.assertNotRegex(text.replace('xmlns="http://www.w3.org', ""), r"<script|https?:|src=|href=|@import|url\(")
        for name in (NO_MODEL, "mean of the step", "best so far", *names):
            self.assertIn(name, text)
        self.assertNotRegex(text, r"\b(nan|inf)\b")
        return tree


class Common(Case):
    """What holds for all of them."""

    def commands(self):
        return {"tour": ["tour", self.file("c.tsp", tsplib(SHUFFLED))],
                "regression": ["regression", self.file("s.json", json.dumps(line_sets()))],
                "functions": ["functions", "sphere"], "quickstart": ["quickstart"]}

    def test_help(self):
        for name in self.commands():
            text = self.good(name, "--help")
            for option in ("--seed", "--steps", "--samples", "--json", "--report", "--option", "--help",
                           "--optimizer", "--base-url", "--model-name", "--concurrency", "--temperature",
                           "--show-prompt", "--show-reply"):
                self.assertIn(option, text)
            self.assertIn("No language model takes part, unless --optimizer says so", text)
            self.assertIn("local_restart", self.good(name, "--options"))

    def test_words(self):
        for command in self.commands().values():
            self.assertIn(NO_MODEL, self.good(*command, "--steps", 3))

    def test_same_seed_same_result(self):
        for command in self.commands().values():
            args = [*command, "--steps=4", "--samples=3", "--option", "polish=0", "--json"]
            first = self.good(*args, "--seed", 7)
            self.assertEqual(first, self.good(*args, "--seed", 7))
            self.assertNotEqual(first, self.good(*args, "--seed", 8))
            result = json.loads(first)
            self.assertEqual((result["seed"], result["steps"], result["stop_reason"]), (7, 4, "steps"))
            self.assertGreaterEqual(result["proposals"], 4 * 3)

    def test_wrong_arguments(self):
        for name, command in self.commands().items():
            self.bad(2, *command, "--stpes", 3, says=["--stpes", "--help"])
            self.bad(2, *command, "-x", says=["-x"])
            self.bad(2, *command, "--steps", says=["steps", "integer"])
            self.bad(2, *command, "--steps=-1", says=["-1"])
            self.bad(2, *command, "--steps=1e3", says=["1e3"])
            self.bad(2, *command, "--seed", "99999999999999999999999", says=["seed"])
            self.bad(2, *command, "--samples=0", says=["samples_per_step"])
            self.bad(2, *command, "--option", "stpes=3", says=["stpes", '"steps"'])
            self.bad(2, *command, "--option", "steps", says=["NAME=VALUE"])
            self.bad(2, *command, "--json=1", says=["takes no value"])
            self.bad(2, *command, "--report=", says=["needs a value"])
            self.bad(2, *command, "--show-prompt=1", says=["takes no value"])
            self.bad(2, *command, "--optimizer=both", says=["record:FILE", '"both"'])
            self.bad(2, *command, "--optimizer=record:", says=["record:FILE"])
            self.bad(2, *command, "--base-url=http://127.0.0.1/v1", says=["--base-url", "--optimizer model"])
            self.bad(2, *command, "--model-name=", "--optimizer=model", says=["needs a value"])
            self.bad(2, *command, "--concurrency=0", "--optimizer=model", says=["--concurrency", '"0"'])
            self.bad(2, *command, "--temperature=hot", says=["temperature", "hot"])
            self.bad(2, *command, "surplus", says=["surplus"])
            if name != "quickstart":
                self.bad(2, name, says=["missing"])

    def test_report(self):
        for name, command in self.commands().items():
            for file in (self.dir / "r.svg", self.dir / "r.html"):
                file.write_text("x" * 1000000)  # an old one, and longer
                self.good(*command, "--steps", 5, "--report", file)
                tree = self.report(file)
                self.assertTrue(tree.tag.endswith("svg" if file.suffix == ".svg" else "html"), name)

    def test_report_that_cannot_be(self):
        for command in self.commands().values():
            self.bad(1, *command, "--report", self.dir, says=[self.dir])
            self.bad(1, *command, "--report", self.dir / "no" / "r.svg", says=["r.svg"])
            self.bad(1, *command, "--steps=2", "--report", "/dev/full", says=["/dev/full", "No space"])

    def test_report_instead_of_the_input(self):
        for name in ("tour", "regression"):
            path = self.commands()[name][1]
            before = path.read_text()
            os.link(path, self.dir / f"{name}.svg")
            self.bad(1, name, path, "--report", self.dir / f"{name}.svg", says=["overwrite", path])
            self.assertEqual(path.read_text(), before)

    def test_output_that_cannot_be(self):
        for command in self.commands().values():
            with open("/dev/full", "w", encoding="ascii") as full:
                done = run(*command, "--steps=2", stdout=full, cwd=self.dir)
            self.assertEqual(done.returncode, 1)
            self.assertIn("No space", done.stderr)
            read, write = os.pipe()
            os.close(read)
            done = run(*command, "--steps=2", "--report=r.svg", stdout=write, cwd=self.dir)
            os.close(write)
            self.assertEqual((done.returncode, done.stderr), (1, ""))  # nobody reads: not worth a word
            self.report(self.dir / "r.svg")
            read, write = os.pipe()  # closed, not broken: what was printed is lost, and that is said
            done = run(*command, "--steps=2", cwd=self.dir, stdout=None, preexec_fn=lambda: os.close(1))
            self.assertEqual(done.returncode, 1)
            os.close(read)
            os.close(write)

    def test_terminal_and_interrupt(self):
        """On a terminal there is a line of progress; Ctrl-C ends the run, and what was found is printed."""
        for command in self.commands().values():
            ours, theirs = pty.openpty()
            args = [str(BIN / command[0]), *map(str, command[1:]), "--steps=0", "--option", "target_score=none",
                    "--report=i.svg"]
            with subprocess.Popen(args, stdout=theirs, stderr=theirs, cwd=self.dir) as child:
                os.close(theirs)
                said = b""
                while b"\rstep " not in said:
                    said += os.read(ours, 1000)
                child.send_signal(signal.SIGINT)
                try:
                    while more := os.read(ours, 1000):
                        said += more
                except OSError:  # that is how the end of a terminal looks
                    pass
            os.close(ours)
            self.assertEqual(child.returncode, 130, said)
            self.assertIn(b"stopped: interrupted", said)
            self.report(self.dir / "i.svg")

    def test_library_options(self):
        for command in self.commands().values():
            result = self.result(*command, "--option", "max_scorer_calls=5", "--option=polish=0")
            self.assertEqual((result["stop_reason"], result["scorer_calls"]), ("scorer_calls", 5))


class Tour(Case):
    def test_circle(self):
        path = self.file("c.tsp", tsplib(SHUFFLED))
        result = self.result("tour", path, "--steps", 20)
        self.assertEqual(result["best_score"], 12 * 52 - 4 * 0)
        self.assertEqual((result["instance"], result["places"], result["blind"]), ("circle", 12, False))
        nodes = [int(i) for i in result["best_solution"].split(",")]
        self.assertEqual(sorted(nodes), list(range(12)))
        self.assertGreaterEqual(result["nearest_neighbour"], result["best_score"])
        self.assertGreaterEqual(result["farthest_insertion"], result["best_score"])
        self.report_names(path)

    def report_names(self, path):
        out = self.dir / "tour.svg"
        self.good("tour", path, "--steps", 3, "--report", out)
        tree = self.report(out, "nearest neighbour", "farthest insertion", "circle")
        circles = [e for e in tree.iter() if e.tag.endswith("circle")]
        self.assertEqual(len(circles), 12)

    def test_optimum(self):
        path = self.file("c.tsp", tsplib(SHUFFLED))
        best = self.result("tour", path)["best_score"]
        result = self.result("tour", path, "--optimum", best)
        self.assertEqual((result["stop_reason"], result["gap_percent"], result["optimum"]), ("target", 0, best))
        self.assertRegex(self.good("tour", path, "--optimum", best / 2, "--steps=2"), r"gap 100\.000 %")
        self.bad(2, "tour", path, "--optimum", "few", says=["--optimum", "few"])
        self.bad(1, "tour", path, "--optimum=-5", says=["-5"])

    def test_blind(self):
        path = self.file("c.tsp", tsplib(SHUFFLED))
        result = self.result("tour", path, "--blind", "--steps=2")
        self.assertTrue(result["blind"])
        self.assertGreater(result["scorer_calls"], 10)  # polished, most proposals would be the same tour
        self.assertIn("sees lengths only", self.good("tour", path, "--blind", "--steps=2"))

    def test_small_and_without_coordinates(self):
        for n in (1, 2, 3, 4):
            for extra in ((), ("--blind",)):
                path = self.file("n.tsp", tsplib(CIRCLE[:n]))
                self.good("tour", path, *extra, "--steps=3", "--report=n.svg", "--optimum=0")
                self.report(self.dir / "n.svg")
        rows = "\n".join(" ".join(str(abs(i - k) * 10) for k in range(6)) for i in range(6))
        path = self.file("m.tsp", "NAME: line\nTYPE: TSP\nDIMENSION: 6\nEDGE_WEIGHT_TYPE: EXPLICIT\n"
                         "EDGE_WEIGHT_FORMAT: FULL_MATRIX\nEDGE_WEIGHT_SECTION\n" + rows + "\nEOF\n")
        self.assertEqual(self.result("tour", path)["best_score"], 100)
        self.good("tour", path, "--report=m.svg", "--steps=3")
        tree = self.report(self.dir / "m.svg")
        x = sorted(float(e.get("cx")) for e in tree.iter() if e.tag.endswith("circle"))
        gaps = [b - a for a, b in zip(x, x[1:])]  # a line with equal distances is what the map shows
        self.assertLess(max(gaps) - min(gaps), 1)

    def test_many_places(self):
        """What is printed is long; who reads only its beginning hears no complaint."""
        places = [(x * 7 % 101, x * 13 % 103) for x in range(3000)]
        path = self.file("many.tsp", tsplib(places))
        command = f"'{BIN / 'tour'}' '{path}' --blind --steps=1 --samples=1 --option=max_scorer_calls=1 | head -c 10"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.stderr), ("circle: 30", ""))

    def test_names_are_escaped(self):
        path = self.file("e.tsp", tsplib(CIRCLE).replace("NAME: circle", "NAME: <b>&\"x"))
        self.good("tour", path, "--report=e.html", "--steps=2")
        self.report(self.dir / "e.html")
        self.assertEqual(self.result("tour", path, "--steps=2")["instance"], '<b>&"x')

    def test_bad_files(self):
        good = tsplib(CIRCLE)
        self.bad(1, "tour", "missing.tsp", says=["missing.tsp", "No such file"])
        self.bad(1, "tour", self.dir, says=[self.dir, "directory"])
        self.bad(1, "tour", "/dev/null", says=["/dev/null is empty"])
        self.bad(1, "tour", self.file("b.tsp", bytes(range(256)) * 100), says=["b.tsp"])
        self.bad(1, "tour", self.file("d.tsp", good.replace("DIMENSION: 12", "DIMENSION: 99999999999999")),
                 says=["d.tsp", "line 3"])
        self.bad(1, "tour", self.file("f.tsp", good.replace("2 87 50", "2 87 fifty")), says=["f.tsp", "line 7"])
        self.assertFalse(list(self.dir.glob("*.svg")))
        self.bad(1, "tour", "f.tsp", "--report=new.svg", says=["line 7"])
        self.assertFalse((self.dir / "new.svg").exists())  # no empty report of a run that never was


class Functions(Case):
    def test_all(self):
        for name, dim in (("sphere", 1), ("sphere", 5), ("rosenbrock", 3), ("ackley", 2), ("rastrigin", 2),
                          ("rosenbrock_paper", 2)):
            result = self.result("functions", name, "--dim", dim, "--steps", 10, "--report=f.svg")
            self.assertEqual((result["function"], result["dimension"]), (name, dim))
            self.assertEqual(len(result["best_solution"].split(",")), dim)
            self.report(self.dir / "f.svg", name)

    def test_finds_the_bottom(self):
        self.assertLess(self.result("functions", "sphere", "--steps", 60)["best_score"], 1e-6)

    def test_starts_of_the_paper(self):
        result = self.result("functions", "rosenbrock_paper", "--option", "max_scorer_calls=5", "--seed", 3)
        self.assertEqual(result["scorer_calls"], 5)
        for value in result["best_solution"].split(","):
            self.assertTrue(10 <= float(value) < 20)

    def test_stops_at_target(self):
        result = self.result("functions", "sphere", "--option", "target_score=1")
        self.assertEqual(result["stop_reason"], "target")
        self.assertLessEqual(result["best_score"], 1)

    def test_wrong(self):
        self.bad(2, "functions", "spere", says=["spere", "sphere", "rosenbrock_paper"])
        self.bad(2, "functions", "rosenbrock", "--dim=1", says=["rosenbrock", "1 dimensions"])
        self.bad(2, "functions", "rosenbrock_paper", "--dim=3", says=["rosenbrock_paper"])
        self.bad(2, "functions", "sphere", "--dim=0", says=["0 dimensions"])
        self.bad(2, "functions", "sphere", "--dim=4097", says=["4096"])
        self.bad(2, "functions", "sphere", "--dim=-1", says=["--dim", "-1"])
        self.bad(2, "functions", "sphere", "--dim=99999999999999999999", says=["--dim"])


class Regression(Case):
    def test_small(self):
        path = self.file("s.json", json.dumps(line_sets()))
        result = self.result("regression", path, "--steps", 10)
        self.assertEqual(result["best_solution"], "7, -3")
        self.assertEqual((result["set"], result["set_number"], result["start"]), ("small", 0, 0))
        self.assertEqual(self.result("regression", path, "--set=1", "--steps=2")["set"], "other")
        self.assertEqual(self.result("regression", path, "--set=other", "--steps=2")["set_number"], 1)
        # the starts are what is scored first
        result = self.result("regression", path, "--start=1", "--option=max_scorer_calls=1")
        self.assertEqual(result["best_solution"], "0, 0")

    def test_stops_at_the_optimum(self):
        value = self.result("regression", self.file("s.json", json.dumps(line_sets())), "--steps=10")["best_score"]
        path = self.file("o.json", json.dumps(line_sets(integer_grid={"w": 7, "b": -3, "value": value})))
        result = self.result("regression", path, "--set=1")
        self.assertEqual((result["stop_reason"], result["reached"]), ("target", True))
        self.assertIn(": reached", self.good("regression", path, "--set=1"))
        result = self.result("regression", path, "--set=1", "--steps=1", "--option=target_score=0")
        self.assertEqual(result["stop_reason"], "steps")

    def test_report(self):
        path = self.file("s.json", json.dumps(line_sets()))
        self.good("regression", path, "--steps=3", "--report=s.html")
        self.report(self.dir / "s.html", "small", "sum of squares")

    def test_file_of_the_published_program(self):
        code = {"name": "code", "x": "1..6", "y": [2, 4, 6, 8, 10, 12], "starts": [[10, 10], [5, 2]]}
        result = self.result("regression", self.file("c.json", json.dumps({"sets": [code]})), "--steps=10")
        self.assertEqual((result["best_solution"], result["best_score"]), ("2, 0", 0))

    def test_wrong(self):
        def sets(**change):
            return self.file("w.json", json.dumps(line_sets(**change)))

        path = sets()
        self.bad(1, "regression", "missing.json", says=["missing.json", "No such file"])
        self.bad(1, "regression", "/dev/null", says=["empty"])
        self.bad(1, "regression", self.dir, says=["directory"])
        self.bad(1, "regression", self.file("t.json", '{\n"sets": [}'), says=["t.json:2:", "not JSON"])
        self.bad(1, "regression", self.file("b.json", bytes(range(256))), says=["b.json:1:"])
        self.bad(1, "regression", self.file("l.json", "[1]"), says=["sets"])
        self.bad(1, "regression", self.file("e.json", '{"sets": []}'), says=["sets"])
        self.bad(1, "regression", path, "--set=2", says=['"2"', "0 to 1"])
        self.bad(1, "regression", path, "--set=0.5", says=['"0.5"'])
        self.bad(1, "regression", path, "--start=2", says=["start sets", "0 to 1"])
        self.bad(1, "regression", path, "--lower=5", "--upper=4", says=["5", "4"])
        self.bad(1, "regression", path, "--upper=12", says=["12"])  # a start lies outside
        self.bad(1, "regression", sets(x=[]), "--set=1", says=["other", '"x"'])
        self.bad(1, "regression", sets(x="9..1"), "--set=1", says=['"x"'])
        self.bad(1, "regression", sets(x=[1, 2, "c", 4, 5, 6]), "--set=1", says=['"x"'])
        self.bad(1, "regression", sets(y=[1, 2]), "--set=1", says=['"y"'])
        self.bad(1, "regression", sets(start_sets=[[[1, "b"]]]), "--set=1", says=["start_sets"])
        self.bad(1, "regression", sets(start_sets=[[[1e400, 1]]]), "--set=1", says=["w.json"])


class Paper(Case):
    """On the data beside the checkout: what the README promises."""

    def test_regression(self):
        """Every set from every start: the integer optimum in at most 25 evaluations."""
        path = SHARED / "data" / "linreg" / "linreg.json"
        for number, made in enumerate(json.loads(path.read_text())["sets"]):
            for start in range(len(made["start_sets"])):
                result = self.result("regression", path, "--set", number, "--start", start)
                self.assertTrue(result["reached"], (number, start))
                self.assertLessEqual(result["evaluations_to_best"], 25, (number, start))

    def test_tours(self):
        """Every instance: within 200 scorer calls 0.1 % longer than the optimum on average, and at most 1 %."""
        optima = json.loads((SHARED / "data" / "optima.json").read_text())
        known = [("tsplib", i["name"], i["optimum"]) for i in optima["tsplib"]]
        known += [("tsp_random", i["name"], i["euc_2d"]["optimum"]) for i in optima["random"]]
        gaps = []
        for folder, name, optimum in known:
            path = SHARED / "data" / folder / f"{name}.tsp"
            result = self.result("tour", path, "--optimum", optimum, "--option=max_scorer_calls=200", "--seed=5")
            gaps.append(result["gap_percent"])
            self.assertTrue(0 <= gaps[-1] <= 1, (name, gaps[-1]))
        self.assertGreater(len(gaps), 20)
        self.assertLessEqual(sum(gaps) / len(gaps), 0.1)


class Quickstart(Case):
    def test_it(self):
        text = self.good("quickstart")
        self.assertNotIn("\r", text)
        for words in ("nearest neighbour", "farthest insertion", "best round trip", NO_MODEL, "quickstart.html"):
            self.assertIn(words, text)
        tree = self.report(self.dir / "quickstart.html", "Lisbon", "Trondheim", "nearest neighbour")
        self.assertGreaterEqual(len([e for e in tree.iter() if e.tag.endswith("circle")]), 30)

    def test_result(self):
        result = self.result("quickstart", "--report=q.svg")
        self.assertGreaterEqual(result["places"], 30)
        self.assertLess(result["best_score"], result["farthest_insertion"])
        self.assertLess(result["best_score"], result["nearest_neighbour"])
        names = result["names"].split(" - ")
        self.assertEqual((len(names), names[0]), (result["places"] + 1, names[-1]))
        self.assertEqual(len(set(names)), result["places"])
        self.assertFalse((self.dir / "quickstart.html").exists())


class Endpoint(http.server.ThreadingHTTPServer):
    """A model's endpoint on the loopback: says what it is told to say, and counts."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, say):
        super().__init__(("127.0.0.1", 0), Handler)
        self.say = say
        self.lock = threading.Lock()
        self.requests, self.bodies, self.keys = 0, [], []
        self.tokens = [0, 0]
        self.now = self.most = 0  # in flight
        self.silent = threading.Event()
        self.silent.set()  # cleared: nobody is answered
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.silent.set()
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # a client that goes away


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        server, body = self.server, self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        with server.lock:
            server.requests += 1
            server.bodies.append(asked)
            server.keys.append(self.headers["Authorization"])
            server.now += 1
            server.most = max(server.most, server.now)
        prompt = "\n".join(message["content"] for message in asked["messages"])
        replies = [server.say(prompt, asked.get("seed", 0) + i) for i in range(asked.get("n", 1))]
        time.sleep(0.002)
        server.silent.wait()
        usage = [len(prompt) // 4, sum(len(reply) // 4 + 1 for reply in replies)]
        answer = {"id": "x", "model": asked["model"], "choices": [
            {"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
            for i, reply in enumerate(replies)],
            "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}}
        if server.status != 200:
            answer = {"error": {"message": "nothing to be done", "code": "no"}}
        data = json.dumps(answer).encode()
        with server.lock:
            server.now -= 1
            if server.status == 200:
                server.tokens = [have + more for have, more in zip(server.tokens, usage)]
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def say_anything(prompt, seed):
    """A reply to every meta-prompt: a solution, or one time in four nothing of use."""
    draw = random.Random(f"{len(prompt)} {seed}")
    if draw.random() < 0.25:
        return "I would rather talk about the weather."
    if "trace" in prompt:
        places = list(range(max(int(i) for i in re.findall(r"\((\d+)\):", prompt)) + 1))
        draw.shuffle(places)
        return f"Let me see. <trace>{','.join(map(str, places))}</trace>"
    return f"[{draw.randint(-20, 20)}, {draw.randint(-20, 20)}]"


class Model(Case):
    """With a language model, or somebody who plays one."""

    def setUp(self):
        super().setUp()
        self.endpoint = Endpoint(say_anything)
        self.addCleanup(self.endpoint.close)
        self.env = {name: value for name, value in os.environ.items() if "API_KEY" not in name and "_URL" not in name}
        self.model = ["--optimizer=model", f"--base-url={self.endpoint.url}", "--model-name=parrot"]

    def commands(self):
        return {"tour": ["tour", self.file("c.tsp", tsplib(CIRCLE[:8])), "--blind"],
                "regression": ["regression", self.file("s.json", json.dumps(line_sets()))],
                "functions": ["functions", "sphere"]}

    def test_figures(self):
        """What is printed is what the endpoint has seen."""
        for name, command in self.commands().items():
            before, tokens = self.endpoint.requests, self.endpoint.tokens
            result = self.result(*command, "--steps=3", *self.model, model="parrot", env=self.env)
            self.assertEqual(result["optimizer"], "model")
            self.assertEqual(result["requests"], self.endpoint.requests - before, name)
            self.assertEqual([result["prompt_tokens"], result["reply_tokens"]],
                             [now - then for now, then in zip(self.endpoint.tokens, tokens)], name)
            self.assertEqual(result["replies"], result["proposals"])
            self.assertGreater(result["candidates"], 0, name)
            self.assertGreater(result["rejections"]["no_candidate"], 0, name)
            self.assertEqual(result["steps"], 3)

    def test_words(self):
        for command in self.commands().values():
            text = self.good(*command, "--steps=2", "--option=model_prompt_price=1000000", *self.model, env=self.env)
            self.assertIn("those of the language model parrot", text)
            self.assertRegex(text, r"replies: \d+, of which \d+ new candidates, \d+ without a candidate")
            self.assertRegex(text, r"tokens: \d+ read, \d+ written; cost 0\.\d+\nrequests: \d+, 0 of them repeats")
            self.assertNotIn(NO_MODEL, text)
            self.good(*command, "--steps=2", "--report=m.html", *self.model, env=self.env)
            page = (self.dir / "m.html").read_text()
            self.assertIn("those of the language model parrot", page)
            self.assertNotIn(NO_MODEL, page)

    def test_prompt_and_reply(self):
        command = self.commands()["regression"]
        result = self.result(*command, "--steps=1", "--show-prompt", "--show-reply", *self.model, model="parrot",
                             env=self.env)
        self.assertEqual(result["meta_prompt"], self.endpoint.bodies[0]["messages"][-1]["content"])
        text = self.good(*command, "--steps=1", "--show-prompt", "--show-reply", *self.model, env=self.env)
        self.assertIn(result["meta_prompt"], text)
        self.assertIn(result["reply"], text)
        result = self.result(*command, "--steps=1", "--show-prompt")  # of the local search as well
        self.assertIn("input:", result["meta_prompt"])
        self.assertNotIn("reply", result)

    def test_recording(self):
        for name, command in self.commands().items():
            args = [*command, "--steps=3", "--seed=4"]
            recording = self.dir / f"{name}.jsonl"
            first = self.result(*args, f"--optimizer=record:{recording}", *self.model[1:], model="parrot", env=self.env)
            seen = self.endpoint.requests
            again = self.result(*args, f"--optimizer=replay:{recording}", model=True, env=self.env)
            self.assertEqual(self.endpoint.requests, seen)  # no network
            self.assertEqual((first.pop("optimizer"), again.pop("optimizer")), ("record", "replay"))
            self.assertEqual((first.pop("language_model"), again.pop("language_model")), ("parrot", True))
            self.assertEqual(first, again)
            self.assertNotIn("secret", recording.read_text())
            self.bad(1, *command, "--steps=3", "--seed=5", f"--optimizer=replay:{recording}", "--option=max_failures=1",
                     says=["is not in", f"{name}.jsonl"], env=self.env)
            self.assertIn("a recording of those of a language model",
                          self.good(*args, f"--optimizer=replay:{recording}", env=self.env))
        self.bad(1, *args, f"--optimizer=replay:{self.file('no.jsonl', 'no')}", says=["no.jsonl"], env=self.env)
        self.bad(1, *args, f"--optimizer=record:{self.dir}", *self.model[1:], says=[self.dir], env=self.env)

    def test_concurrency(self):
        args = [*self.commands()["functions"], "--steps=2", "--samples=12", "--option=model_samples=singly", *self.model]
        self.result(*args, "--concurrency=3", model="parrot", env=self.env)
        self.assertLessEqual(self.endpoint.most, 3)
        self.result(*args, "--concurrency=12", "--option=model_first_alone=0", "--temperature=0.5", model="parrot",
                    env=self.env)
        self.assertGreater(self.endpoint.most, 3)
        self.assertEqual(self.endpoint.bodies[-1]["temperature"], 0.5)

    def test_environment(self):
        """A key and an address in the environment are enough."""
        env = {**self.env, "OPENAI_API_KEY": "sk-secret", "OPENAI_BASE_URL": self.endpoint.url}
        args = [*self.commands()["functions"], "--steps=1", "--optimizer=model"]
        self.result(*args, "--model-name=parrot", model="parrot", env=env)
        self.assertEqual(self.endpoint.keys[-1], "Bearer sk-secret")
        # to another endpoint the key does not go
        self.result(*args, *self.model[1:], model="parrot", env={**env, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
        self.assertIsNone(self.endpoint.keys[-1])
        self.bad(1, *args, says=["--model-name"], env=env)
        self.bad(1, *args, says=["--base-url", "--model-name", "OPENAI_API_KEY"], env=self.env)
        self.bad(1, *args, "--base-url=http://127.0.0.1:9/v1", says=["--model-name"], env=self.env)
        self.bad(1, *args, "--base-url=http://example.com/v1", "--model-name=m", says=["http"], env=self.env)
        self.bad(1, *args, "--base-url=127.0.0.1", "--model-name=m", says=["scheme"], env=self.env)

    def test_failures(self):
        args = [*self.commands()["functions"], "--option=max_failures=1", "--option=resample_limit=0", *self.model]
        self.endpoint.status = 401
        self.bad(1, *args, says=["401", "nothing to be done", "failures"], env=self.env)
        self.endpoint.status = 404
        self.bad(1, *args, says=["404"], env=self.env)

    def test_interrupt(self):
        """Ctrl-C while the model thinks: what there is is printed."""
        self.endpoint.silent.clear()
        args = [str(BIN / "regression"), *map(str, self.commands()["regression"][1:]), *self.model]
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, text=True) as child:
            while not self.endpoint.requests:
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate()
        self.assertEqual((child.returncode, err), (130, ""))
        self.assertIn("stopped: interrupted", out)


    def test_quickstart(self):
        """The program behind quickstart --model: a model and the local search, with as many proposals each."""
        args = ["quickstart_model", *self.model[1:], "--seed=3"]
        problems = json.loads(self.good(*args, "--json", env=self.env))["problems"]
        self.assertEqual([problem["problem"] for problem in problems], ["regression", "tour of 10"])
        for problem in problems:
            model, local = problem["model"], problem["local"]
            self.assertEqual((model["language_model"], local["language_model"]), ("parrot", False))
            self.assertEqual((model["optimizer"], local["optimizer"]), ("model", "local"))
            self.assertLessEqual(local["proposals"], model["proposals"])
            self.assertGreater(local["proposals"], model["proposals"] - 4)
            for found in (model["best_score"], local["best_score"]):
                self.assertTrue(problem["optimum"] <= found * (1 + 1e-9) <= problem["best_start"] * (1 + 1e-8), problem)
        self.assertEqual(sum(problem["model"]["requests"] for problem in problems), self.endpoint.requests)
        self.assertIn("y", problems[0]["model"]["meta_prompt"])
        text = self.good(*args, env=self.env)
        for words in ("---- the first meta-prompt ----", "---- the first reply ----", "best start", "the model went",
                      "the local search, with as many proposals,"):
            self.assertIn(words, text)
        self.assertIn("default: model", self.good("quickstart_model", "--help"))
        self.bad(1, "quickstart_model", "--optimizer=local", says=["--optimizer model"])
        self.bad(1, *args, "--report=r.svg", says=["--report"])
        self.assertFalse((self.dir / "r.svg").exists())

    def test_epoll(self):
        """The client's sockets in a loop of the host's."""
        text = self.good("model_epoll", self.endpoint.url, "parrot", 3, env=self.env)
        self.assertRegex(text, r"best of \d+: -?\d+, -?\d+; \d+ replies, \d+ rejected; stopped by steps\n$")
        scores = [float(score) for score in re.findall(r"(?m)^-?\d+, -?\d+: (\S+)$", text)]
        self.assertGreater(len(scores), 10)
        self.endpoint.status = 404
        self.assertIn("stopped by failures", self.good("model_epoll", self.endpoint.url, "parrot", env=self.env))

    def test_libuv(self):
        self.needs("model_libuv")
        questions = [f"question {i}" for i in range(20)]
        text = self.good("model_libuv", self.endpoint.url, "parrot", *questions, env=self.env)
        self.assertEqual(sorted(re.findall(r"(?m)^question \d+$", text)), sorted(questions))
        self.assertEqual(len(re.findall(r"(?m)^  ", text)), 20)
        self.endpoint.status = 404
        done = run("model_libuv", self.endpoint.url, "parrot", "one", "two", env=self.env)
        self.assertEqual((done.returncode, done.stdout.count("failed: ")), (1, 2))

    def test_glib(self):
        """The same run as with epoll, which asks the same; Ctrl-C while the model thinks."""
        self.needs("model_glib")
        epoll = self.good("model_epoll", self.endpoint.url, "parrot", 3, env=self.env)
        text = self.good("model_glib", self.endpoint.url, "parrot", 3, env=self.env)
        self.assertRegex(text, r"best of \d+: -?\d+, -?\d+; stopped by steps\n$")
        self.assertEqual(text.split(";")[0], epoll.splitlines()[-1].split(";")[0])
        self.endpoint.silent.clear()
        seen = self.endpoint.requests
        args = [str(BIN / "model_glib"), self.endpoint.url, "parrot"]
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, text=True) as child:
            while self.endpoint.requests == seen:
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate()
        self.assertEqual((child.returncode, err), (0, ""))
        self.assertIn("stopped by host", out)


class Small(Case):
    """The programs to read."""

    def test_run(self):
        for name, words in (("callbacks", "step 20: best"), ("ask_tell", "Write down what is given"),
                            ("event_loop", "best of"), ("custom_problem", "Ciura, 2001"), ("cpp_host", "radius")):
            if name in ("event_loop", "cpp_host") and not (BIN / name).exists():
                continue  # not for this system, or no C++ compiler
            self.assertIn(words, self.good(name))

    def test_thread_pool(self):
        """As many threads as you like, and always the same run."""
        self.needs("thread_pool")
        one = self.good("thread_pool", 1)
        self.assertRegex(one, r"step 20: 160 scored, best 0\.4\d+\nbest: .*\ntrajectory [0-9a-f]{16}\n$")
        for threads in (4, 64):
            self.assertEqual(self.good("thread_pool", threads), one)
        self.assertEqual(run("thread_pool", 0).returncode, 2)

    def test_mpi(self):
        """What two other ranks score is the run of one that is alone."""
        self.needs("mpi")
        env = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1"}
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # those of MPI
        mpirun = env.get("OPRO_MPIRUN", "mpirun")
        if not shutil.which(mpirun):
            self.skipTest("there is no mpirun")
        found = []
        for ranks in (1, 3):
            done = subprocess.run([mpirun, "-n", str(ranks), str(BIN / "mpi")], capture_output=True, text=True,
                                  env=env, cwd=self.dir, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"{ranks} ranks, 240 candidates scored\nbest: ", done.stdout)
            found.append(re.search(r"(?m)^trajectory [0-9a-f]{16}$", done.stdout).group())
        self.assertEqual(found[0], found[1])

    def test_custom_problem_is_worth_it(self):
        found = {m[1].strip(): float(m[2]) for m in re.finditer(r"(?m)^(.{18})\s*(\d+)", self.good("custom_problem"))}
        self.assertLess(found["found here"], found["Hibbard, 1963"])

    def test_readme_has_them(self):
        blocks = re.findall(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
        for name, block in zip(("callbacks", "ask_tell", "event_loop"), blocks):
            self.assertEqual(block, (ROOT / "examples" / f"{name}.c").read_text(), name)


if __name__ == "__main__":
    if sys.argv[3:] == ["Paper"] and not SHARED.is_dir() and os.environ.get("CI") != "true":
        print("skipped: there is no data beside the checkout")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
