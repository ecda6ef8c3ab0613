#!/usr/bin/env python3
"""Run the programs of examples/ as people and scripts do: check_programs.py DIRECTORY SOURCES [TEST...]"""

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
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

    def file(self, name, content):
        path = self.dir / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def good(self, *args, **more):
        done = run(*args, cwd=self.dir, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done.stdout

    def result(self, *args):
        result = json.loads(self.good(*args, "--json"))
        for name, kind in RESULT.items():
            self.assertIsInstance(result[name], kind, name)
        self.assertIs(result["language_model"], False)
        calls = [better["evaluations"] for better in result["improvements"]]
        self.assertEqual(calls, sorted(set(calls)))
        self.assertEqual(calls[-1], result["evaluations_to_best"])
        self.assertEqual(result["improvements"][-1]["score"], result["best_score"])
        return result

    def bad(self, code, *args, says=()):
        done = run(*args, cwd=self.dir)
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
            for option in ("--seed", "--steps", "--samples", "--json", "--report", "--option", "--help"):
                self.assertIn(option, text)
            self.assertIn(NO_MODEL, text)
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


class Small(Case):
    """The programs to read."""

    def test_run(self):
        for name, words in (("callbacks", "step 20: best"), ("ask_tell", "Write down what is given"),
                            ("event_loop", "best of"), ("custom_problem", "Ciura, 2001"), ("cpp_host", "radius")):
            if name in ("event_loop", "cpp_host") and not (BIN / name).exists():
                continue  # not for this system, or no C++ compiler
            self.assertIn(words, self.good(name))

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
