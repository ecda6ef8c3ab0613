#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program journal, and programs that keep their runs: check_journal.py DIRECTORY [TEST...]

The model is that of check_prompt.py. It goes on when the program that asks it is killed, and counts.
"""

import collections
import csv
import io
import json
import re
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True  # the checkout stays as it is
import check_prompt  # noqa: E402

IN_FLIGHT = 2  # requests that a client has under way at most


class Case(check_prompt.Case):
    def setUp(self):
        super().setUp()
        self.path = self.dir / "run.journal"

    def journal(self, *args, code=0):
        done = self.run_it("journal", *args)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr == "", code == 0, done.stderr)
        return done.stdout if code == 0 else (done.stdout, done.stderr)

    def wrong(self, code, *args, says=()):
        out, err = self.journal(*args, code=code)
        self.assertEqual((out, err.count("\n")), ("", 1), err)
        for word in ("journal: ", *map(str, says)):
            self.assertIn(word, err)

    def rows(self):
        return list(csv.DictReader(io.StringIO(self.journal(self.path, "--csv"), newline="")))

    def told(self):
        return json.loads(self.journal(self.path, "--json"))


class Journal(Case):
    """A run of four steps that no model takes part in."""

    def setUp(self):
        super().setUp()
        done = self.run_it("functions", "ackley", "--steps=4", "--samples=5", "--json", f"--journal={self.path}",
                           "--option=journal_sync=none")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.result = json.loads(done.stdout)
        self.data = self.path.read_bytes()
        self.lines = self.data.splitlines(keepends=True)

    def tearDown(self):
        self.assertEqual(list(self.dir.glob("run.journal.*")), [])  # it changes nothing

    def test_entries(self):
        """Every record in words."""
        lines = self.journal(self.path).splitlines()
        self.assertEqual([int(line.split()[0]) for line in lines], list(range(len(self.lines))))
        text = "\n".join(lines)
        for words, times in (("a journal of a run", 1), ("asks for proposals", 4), ("asks for train scores of", 20),
                             (": steps", 1), ("has ended", 4), ("closed in order", 1), (" reply ", 20),
                             ("1 score, mean", 20)):
            self.assertEqual(text.count(words), times, words)
        self.assertTrue(lines[0].endswith("a journal of a run") and lines[-1].endswith("closed in order"))

    def test_summary(self):
        text = self.journal(self.path, "--summary")
        for words in ("format 1.0, written by libopro ", f"{len(self.lines)} records, {len(self.data)} bytes: whole",
                      "; closed in order\n", "4 steps; 4 requests for proposals, 20 for scores; 0 not answered\n",
                      "20 replies, 20 times scores, 0 failures\n", "stopped: steps\n",
                      f"best {self.result['best_score']:.6g} (record "):
            self.assertIn(words, text)
        self.assertNotIn("resumed", text)
        self.assertEqual(self.journal(self.path, "--verify"),
                         f"{len(self.lines)} records, {len(self.data)} bytes: whole; closed in order\n")

    def test_exports(self):
        """The same in CSV, in JSON, and as the run had it."""
        told, rows = self.told(), self.rows()
        best = told["best"]
        self.assertEqual((best["mean"], best["candidate"]),
                         (self.result["best_score"], self.result["best_solution"]))
        self.assertEqual([told[name] for name in ("records", "bytes", "steps", "replies", "failures", "open", "resumed",
                                                  "closed", "torn_bytes", "stop_reason")],
                         [len(self.lines), len(self.data), 4, 20, 0, 0, 0, True, 0, "steps"])
        self.assertEqual(told["header"]["problem"]["direction"], "minimize")
        self.assertEqual(len(rows), 20)
        for row, one in zip(rows, told["scored"], strict=True):
            self.assertEqual({**row, "mean": float(row["mean"])},
                             {"record": str(one["record"]), "step": str(one["step"]), "set": one["set"],
                              "instances": "1", "whole": "1", "mean": one["mean"], "candidate": one["candidate"]})
            self.assertIn('"t":"scores"', self.lines[one["record"]].decode())
        self.assertEqual([one["step"] for one in told["scored"]], [step for step in range(4) for _ in range(5)])

    def test_report(self):
        """A page that needs nothing else, or its picture."""
        for option in ("--report=r.html", "--report"):
            out = self.journal(self.path, option, *([] if "=" in option else ["r.html"]))
            self.assertEqual(out, "")
            text = (self.dir / "r.html").read_text()
            tree = ElementTree.fromstring(text)
            self.assertNotRegex(text.replace('xmlns="http://www.w3.org', ""),
                                r"<script|https?:|src=|href=|@import|url\(")
            self.assertNotRegex(text, r"\b(nan|inf)\b")
            name = "{http://www.w3.org/1999/xhtml}"
            self.assertEqual(tree.find(f".//{name}blockquote").text, self.result["best_solution"])
            self.assertEqual(len(list(tree.iter("{http://www.w3.org/2000/svg}circle"))), 20)
            for words in (f"{self.result['best_score']:.6g}", "The best candidates", "Each step", "run.journal</h1>",
                          "samples_per_step"):
                self.assertIn(words, text)
            (self.dir / "r.html").unlink()
        self.assertIn("whole", self.journal(self.path, "--verify", "--report=r.svg"))
        self.assertTrue(ElementTree.parse(self.dir / "r.svg").getroot().tag.endswith("svg"))
        self.wrong(1, self.path, "--report=no/r.html", says=["no/r.html", "No such file"])
        self.wrong(1, self.path, f"--report={self.path}", says=["overwrite", self.path])
        self.assertEqual(self.path.read_bytes(), self.data)

    def test_torn(self):
        """A crash in the middle of a record is no damage: what is before it counts."""
        last = sum(map(len, self.lines[:-3]))
        for cut in (last + 1, last + 40, last + len(self.lines[-3]) - 1):
            self.path.write_bytes(self.data[:cut])
            for option in ("--verify", "--summary"):
                text = self.journal(self.path, option)
                self.assertIn(f"{len(self.lines) - 3} records, {last} bytes: whole; then {cut - last} bytes of a record "
                              "that was being written; not closed", text)
            self.assertEqual(self.told()["torn_bytes"], cut - last)
            self.assertEqual(len(self.rows()), 20)
            self.assertEqual(self.path.read_bytes(), self.data[:cut])
        self.assertIn("stopped: not yet", self.journal(self.path, "--summary"))

    def test_damaged(self):
        """One bit anywhere: the message says in which record, and no table looks whole."""
        for record in (0, 1, 7, len(self.lines) // 2, len(self.lines) - 2):
            at = sum(map(len, self.lines[:record])) + len(self.lines[record]) // 2
            self.path.write_bytes(self.data[:at] + bytes([self.data[at] ^ 4]) + self.data[at + 1:])
            for option in ("--verify", "--summary", "--csv", "--json", "--report=r.html"):
                self.wrong(1, self.path, option, says=["damaged", f"record {record}", self.path.name])
            self.assertEqual(self.journal(self.path, code=1)[0].count("\n"), record)  # those before it are shown
        self.assertFalse((self.dir / "r.html").exists())
        swapped = self.lines[:5] + [self.lines[6], self.lines[5]] + self.lines[7:]
        self.path.write_bytes(b"".join(swapped))
        self.wrong(1, self.path, "--verify", says=["record 5"])
        self.path.write_bytes(b"".join(self.lines[:5] + self.lines[6:]))
        self.wrong(1, self.path, "--verify", says=["record 5"])

    def test_no_journal(self):
        for name, content in (("text", "hello\n" * 50), ("data.jsonl", check_prompt.dataset(9))):
            self.wrong(1, self.file(name, content), "--summary", says=["is no journal", "record 0", name])
        self.wrong(1, self.file("nothing", ""), "--summary", says=["nothing"])
        self.wrong(1, self.dir, says=[self.dir])
        self.wrong(1, "missing", says=["missing", "No such file"])
        self.assertFalse((self.dir / "missing").exists())

    def test_wrong_arguments(self):
        self.wrong(2, "-", says=["standard input"])
        self.wrong(2, says=["which file", "--help"])
        self.wrong(2, self.path, self.path, says=["one file"])
        self.wrong(2, self.path, "--cvs", says=["no option --cvs"])
        self.wrong(2, self.path, "--csv", "--json", says=["one of these"])
        for option in ("--report", "--report="):
            self.wrong(2, self.path, option, says=["--report"])
        text = self.journal("--help")
        for option in ("--summary", "--verify", "--csv", "--json", "--report"):
            self.assertIn(option, text)
        done = self.run_it("evaluate", f"--journal={self.path}", "x")  # it examines, and has no run to keep
        self.assertEqual((done.returncode, "no option --journal" in done.stderr), (2, True), done.stderr)

    def test_goes_on(self):
        """The same line again asks for nothing; with more steps it goes on, and the journal tells."""
        again = [*("functions ackley --samples=5 --json --option=journal_sync=none".split()), f"--journal={self.path}"]
        done = self.run_it(*again, "--steps=4")
        self.assertEqual(json.loads(done.stdout)["best_score"], self.result["best_score"])
        self.assertEqual(len(self.rows()), 20)
        done = self.run_it(*again, "--steps=6")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = self.told()
        self.assertEqual((told["steps"], len(told["scored"]), told["stop_reason"]), (6, 30, "steps"))
        self.assertEqual(told["best"]["mean"], json.loads(done.stdout)["best_score"])


class Prompt(Case):
    """Runs of a model that are kept, and die."""

    def command(self, *more):
        return ["prompt", f"--dataset={self.data}", *self.at, "--steps=4", "--samples=4", "--seed=1", self.split,
                "--json", *more]

    def result(self, *more):
        done = self.run_it(*self.command(*more))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_race(self):
        """Scores that come block by block are those of one candidate."""
        result = self.result(f"--journal={self.path}")
        rows = {(row["set"], row["candidate"]): row for row in self.rows()}
        partial = 0
        for one in result["instructions"]:
            if one["verdict"] != "scored":
                continue
            row = rows["train", one["instruction"]]
            self.assertEqual(int(row["instances"]), one["train_known"])
            self.assertEqual(row["whole"], str(int(not one["partial"])))
            partial += one["partial"]
            if not one["partial"]:
                self.assertAlmostEqual(float(row["mean"]), one["train"]["value"])
        self.assertGreater(partial, 0)
        told = self.told()
        self.assertAlmostEqual(told["best"]["mean"], result["best_score"])
        self.assertEqual([told[name] for name in ("prompt_tokens", "reply_tokens")],
                         [sum(row[name] for row in result["figures"]) for name in ("prompt_tokens", "reply_tokens")])
        nasty = "<script>alert('1')</script> & \"q\" \u202e \ufffe]]>"
        self.result(f"--journal={self.dir / 'n.journal'}", f"--initial={nasty}", "--option=max_failures=0")
        self.journal("n.journal", "--report=n.html")
        text = (self.dir / "n.html").read_text()
        ElementTree.fromstring(text)
        self.assertNotIn("<script", text)
        rows = csv.DictReader(io.StringIO(self.journal("n.journal", "--csv"), newline=""))
        self.assertIn(nasty, [row["candidate"] for row in rows])

    def die(self, answers, *more):
        """Killed when the model has answered so many questions."""
        args = [str(check_prompt.BIN / "prompt"), *map(str, self.command(*more)[1:])]
        with subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.env,
                              cwd=self.dir) as child:
            while self.model.answers < answers and child.poll() is None:
                time.sleep(0.001)
            child.kill()
        self.assertEqual(child.returncode, -9)
        before = -1
        while before != (before := self.model.answers):  # what it had sent is answered yet
            time.sleep(0.05 + 2 * self.model.slow)

    def paid_twice(self):
        """How many questions have been answered more than once."""
        questions = [text for text in self.model.prompts if "score:" not in text and "<INS>" not in text]
        return sum(times - 1 for times in collections.Counter(questions).values())

    def test_killed(self):
        """kill -9 in the middle, and the same line again: the same comes of it, and nothing is paid twice."""
        keep = [f"--journal={self.path}", f"--cache={self.dir / 'cache'}", "--test",
                f"--option=model_in_flight={IN_FLIGHT}", f"--option=model_max_in_flight={IN_FLIGHT}"]
        whole = self.result("--test")
        answers = self.model.answers
        self.assertEqual(self.paid_twice(), 0)
        self.model.reset()
        self.model.slow = 0.003
        for part in (0.1, 0.4, 0.7):  # of one run, one after the other
            self.die(part * answers, *keep)
            self.assertIn("not closed", self.journal(self.path, "--verify"))
        self.model.slow = 0
        result = self.result(*keep)
        for name in ("winner", "instructions", "comparisons", "steps", "best_score", "improvements", "confirmed_among"):
            self.assertEqual(result[name], whole[name], name)
        self.assertLessEqual(self.paid_twice(), 3 * IN_FLIGHT)  # what was under way at each death
        self.assertEqual(self.model.answers, answers + self.paid_twice())
        told = self.told()
        self.assertEqual((told["resumed"], told["closed"], told["open"]), (3, True, 0))
        self.assertRegex(self.journal(self.path, "--summary"), r"\n3 times resumed, \d+ requests asked again\n")
        self.model.reset()
        again = self.result(*keep)  # it is over: nobody is asked anything
        self.assertEqual((self.model.answers, self.model.proposals, again["winner"]), (0, 0, whole["winner"]))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
