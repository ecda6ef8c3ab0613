#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs with a real language model, end to end.

check_model.py EXAMPLES BASE_URL MODEL

At least 3 steps on the regression problem and on a tour of 10 places: no crash, every reply is
accounted for, tokens are those that the server counted, and the recording is played back to the
same state without a network. Then 3 steps for an instruction with which the same model answers
questions of BIG-Bench Hard (needs the data beside the checkout). What the model says may be
nonsense; that is no failure, as long as the figures say so.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

EXAMPLES, BASE_URL, MODEL = pathlib.Path(), "", ""
QUESTIONS = pathlib.Path(__file__).resolve().parents[3] / "shared/data/bbh/boolean_expressions.json"
NOWHERE = "http://127.0.0.1:9/v1"
STEPS, SAMPLES = 3, 4
PLACES = [(0, 0), (40, 3), (73, 12), (95, 40), (88, 75), (60, 92), (31, 95), (8, 70), (2, 35), (50, 50)]


def regression(folder):
    x = [1, 2, 3, 4, 5, 6, 7, 8]
    data = {"sets": [{"name": "line", "x": x, "y": [7 * v + 3 for v in x], "start_sets": [
        [[10, 10], [14, 18], [18, 13], [11, 16], [20, 12]]]}]}
    path = folder / "line.json"
    path.write_text(json.dumps(data))
    return ["regression", path]


def tour(folder):
    path = folder / "ten.tsp"
    rows = "".join(f"{i + 1} {x} {y}\n" for i, (x, y) in enumerate(PLACES))
    path.write_text(f"NAME: ten\nTYPE: TSP\nDIMENSION: {len(PLACES)}\nEDGE_WEIGHT_TYPE: EUC_2D\n"
                    f"NODE_COORD_SECTION\n{rows}EOF\n")
    return ["tour", path]


class RealModel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def result(self, command, *options):
        run = subprocess.run([EXAMPLES / command[0], *command[1:], *options, "--json"], text=True, timeout=900,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def server_counted(self, recording):
        """Tokens that the server says it has read and written."""
        prompt = reply = 0
        for line in recording.read_text().splitlines()[1:]:
            exchange = json.loads(line)
            self.assertEqual(exchange.get("status"), 200, exchange)
            usage = json.loads(exchange["answer"])["usage"]
            prompt += usage["prompt_tokens"]
            reply += usage["completion_tokens"]
        return [prompt, reply]

    def metrics(self):
        """Tokens that the server has read and written since it began, by its own counters."""
        with urllib.request.urlopen(BASE_URL.rsplit("/", 1)[0] + "/metrics", timeout=60) as page:
            lines = page.read().decode().splitlines()
        count = {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("llamacpp:")}
        read = count["llamacpp:prompt_tokens_total"] + count.get("llamacpp:prompt_tokens_cached_total", 0)
        return [read, count["llamacpp:tokens_predicted_total"]]

    def check(self, command):
        recording = self.folder / "recording.jsonl"
        settings = [f"--steps={STEPS}", f"--samples={SAMPLES}", "--seed=1", "--option=max_reply_tokens=64",
                    "--option=model_samples=singly"]  # of several replies, llama.cpp counts the tokens of one
        before = self.metrics()
        first = self.result(command, f"--optimizer=record:{recording}", f"--base-url={BASE_URL}",
                            f"--model-name={MODEL}", *settings)
        print(command[0], {key: first[key] for key in ("steps", "replies", "candidates", "rejections", "prompt_tokens",
                                                       "reply_tokens", "requests", "best_score")}, flush=True)
        self.assertEqual(first["steps"], STEPS)
        self.assertGreaterEqual(first["replies"], STEPS * SAMPLES)
        self.assertEqual(first["replies"], first["proposals"])
        self.assertEqual(first["replies"], first["candidates"] + sum(first["rejections"].values()))
        self.assertEqual([first["prompt_tokens"], first["reply_tokens"]], self.server_counted(recording))
        self.assertEqual([first["prompt_tokens"], first["reply_tokens"]],
                         [now - then for now, then in zip(self.metrics(), before)])
        self.assertGreater(first["reply_tokens"], 0)
        again = self.result(command, f"--optimizer=replay:{recording}", *settings)
        for key in ("state_hash", "best_score", "best_solution", "replies", "rejections", "prompt_tokens"):
            self.assertEqual(again[key], first[key], key)

    def questions(self):
        if not QUESTIONS.exists() and os.environ.get("CI") != "true":
            self.skipTest(f"there is no {QUESTIONS}")
        examples = json.loads(QUESTIONS.read_text())["examples"][:120]
        path = self.folder / "questions.json"
        path.write_text(json.dumps({"examples": examples}))
        return ["prompt", "--dataset", path, "--split=0.34,0.17,0.17", "--test", "--position=q_begin"]

    def test_instruction(self):
        recording, report = self.folder / "recording.jsonl", self.folder / "report.html"
        settings = ["--steps=3", "--samples=8", "--seed=1", "--option=max_reply_tokens=64",
                    "--option=model_accept_truncated=1", "--option=exam_max_tokens=3", "--option=eval_interval=0"]
        command = self.questions()
        first = self.result(command, f"--optimizer=record:{recording}", f"--base-url={BASE_URL}",
                            f"--model-name={MODEL}", f"--report={report}", *settings)
        for key in ("replies", "candidates", "rejections", "winner", "gap", "confirmed_among", "comparisons",
                    "train_calls", "train_calls_full", "use", "estimate"):
            print(f"  {key}: {json.dumps(first[key])}", flush=True)
        self.assertEqual(first["steps"], 3)
        self.assertGreaterEqual(first["dataset"]["training"], 40)
        self.assertGreaterEqual(first["replies"], 3 * 8)
        self.assertEqual(first["use"]["unknown"], 0)
        self.assertGreater(first["candidates"], 0, "not one reply of the model held an instruction")
        winner, empty = first["winner"], next(c for c in first["comparisons"] if not c["instruction"])
        for part in ("train", "validation", "test"):
            value = winner[part]
            self.assertEqual(value["known"], value["examples"], part)
            self.assertTrue(0 <= value["low"] <= value["value"] <= value["high"] <= 1, part)
        print("  winner at least as good as no instruction:", winner["test"]["value"] >= empty["accuracy"]["value"], flush=True)
        self.assertIn("<svg", report.read_text())
        again = self.result(command, f"--optimizer=replay:{recording}", *settings)
        for key in ("state_hash", "winner", "comparisons", "replies", "rejections"):
            self.assertEqual(again[key], first[key], key)

    def test_regression(self):
        self.check(regression(self.folder))

    def test_tour(self):
        self.check(tour(self.folder))


if __name__ == "__main__":
    EXAMPLES, BASE_URL, MODEL = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]
    unittest.main(argv=sys.argv[:1], verbosity=2)
