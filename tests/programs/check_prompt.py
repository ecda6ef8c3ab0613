#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs prompt and evaluate, with a model that is played here: check_prompt.py DIRECTORY [TEST...]

The model is optimizer and scorer in one. Which questions it answers rightly with an instruction is
decided by a hash of both and by the words of the instruction, so the truth is known in advance.
"""

import csv
import hashlib
import http.server
import json
import math
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree as ElementTree

BIN = pathlib.Path(sys.argv[1]).resolve()
WORDS = {"carefully": 0.15, "step": 0.2, "check": 0.1, "units": 0.05, "quickly": -0.2, "guess": -0.3}
BASE = 0.35  # without any of these words
START = "Let's solve the problem."


def draw(*what):
    """A number from 0 to 1 that depends on nothing else."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, what)).encode()).digest()[:6], "big") / 2**48


def ability(instruction):
    found = set(re.findall(r"[a-z]+", instruction.lower()))
    return min(0.95, max(0.05, BASE + sum(WORDS[word] for word in found & WORDS.keys())))


def knows(instruction, number):
    """Whether question number is answered rightly: easy ones are so with most instructions."""
    return 0.5 * draw("easy", number) + 0.5 * draw("luck", number, instruction) < ability(instruction)


def accuracy(instruction, numbers):
    return sum(knows(instruction, number) for number in numbers) / len(numbers)


def question(number):
    return f"Anna has {number} apples and buys {number % 7 + 1} more. How many has she?"


def answer(number):
    return number + number % 7 + 1


def dataset(count):
    rows = [{"question": question(number), "answer": str(answer(number))} for number in range(count)]
    return "".join(json.dumps(row) + "\n" for row in rows)


# ---- the model -------------------------------------------------------------------------------------------------------


def propose(prompt, seed):
    """A new instruction, made of the best one that the meta-prompt shows and a word; some replies are of no use."""
    luck = draw("propose", seed, len(prompt))
    if luck < 0.1:
        return "I cannot think of anything."
    shown = re.findall(r"text:\n(.*?)\nscore:\n~?(\d+)", prompt, re.S)
    best = max(shown, key=lambda entry: int(entry[1]))[0].strip() if shown else "Think."
    if luck < 0.2:
        return f"<INS>{best}</INS>"  # met before
    words = list(WORDS) + ["apples", "kindly", "aloud", "twice", "now"]
    word = words[int(draw("word", seed, prompt[-300:]) * len(words))]
    return f"Well. <INS>{best.rstrip('.')}, {word}.</INS>"


def solve(messages):
    """The reply to a question, right or wrong as knows() says; the instruction stands in its own line or message."""
    text = "\n".join(message["content"] for message in messages)
    number = int(re.search(r"Anna has (\d+) apples", text)[1])
    instruction = text.replace(question(number), "").replace("Q:", "").replace("A:", "").strip()
    right = answer(number)
    return f"She has {right if knows(instruction, number) else right + 1}."


class Model(http.server.ThreadingHTTPServer):
    """An endpoint on the loopback. It counts what it is asked."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.reset()
        self.slow = 0.0
        self.fails = lambda number: False  # questions that are answered with an error
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def reset(self):
        self.proposals = self.answers = self.judgements = self.seconds = 0
        self.tokens = [0, 0]
        self.names = set()
        self.prompts = []

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # a client that goes away

    def reply(self, asked):
        messages = asked["messages"]
        text = "\n".join(message["content"] for message in messages)
        with self.lock:
            self.names.add(asked["model"])
            self.prompts.append(text)
            if "Right answer:" in text:
                self.judgements += 1
                wanted, said = re.search(r"Right answer:\n(\d+)\n.*Reply:\n.*?(\d+)", text, re.S).groups()
                return ["Yes." if wanted == said else "No."]
            if "So the final answer is" in text:
                self.seconds += 1
                return [re.search(r"She has (\d+)", text)[1]]
            if "score:" in text or "<INS>" in text:
                self.proposals += asked.get("n", 1)
                return [propose(text, asked.get("seed", 0) + i) for i in range(asked.get("n", 1))]
            self.answers += 1
        number = int(re.search(r"Anna has (\d+) apples", text)[1])
        return None if self.fails(number) else [solve(messages)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do_POST(self):
        server, body = self.server, self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        time.sleep(server.slow)
        replies = server.reply(asked)
        prompt = sum(len(message["content"]) // 4 + 3 for message in asked["messages"])
        if replies is None:
            status, said = 400, {"error": {"message": "no such question", "code": "no"}}
        else:
            status, usage = 200, [prompt, sum(len(reply) // 4 + 1 for reply in replies)]
            said = {"id": "x", "model": asked["model"], "choices": [
                {"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": reply}}
                for i, reply in enumerate(replies)],
                "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}}
            with server.lock:
                server.tokens = [have + more for have, more in zip(server.tokens, usage)]
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


# ---- what is expected of the programs ------------------------------------------------------------------------------


def wilson(share, count):
    """The 95 % interval of a share."""
    z = 1.959963984540054
    middle, half = share + z * z / (2 * count), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    return [(middle - half) / (1 + z * z / count), (middle + half) / (1 + z * z / count)]


def paired(first, second, numbers):
    """By how much the second instruction is better, and the 95 % interval (Bonett & Price)."""
    each = [knows(second, number) - knows(first, number) for number in numbers]
    mean, count = sum(each) / (len(each) + 2), len(each) + 2
    half = 1.959963984540054 * math.sqrt((sum(d * d for d in each) + 2) / count / count - mean * mean / count)
    return [sum(each) / len(each), max(-1, mean - half), min(1, mean + half)]


class Case(unittest.TestCase):
    COUNT = 60

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.dir = pathlib.Path(scratch.name)
        self.model = Model()
        self.addCleanup(self.model.close)
        self.env = {name: value for name, value in os.environ.items() if "API_KEY" not in name and "_URL" not in name}
        self.data = self.file("data.jsonl", dataset(self.COUNT))
        self.at = [f"--base-url={self.model.url}", "--model-name=parrot"]
        self.sets = {"training": range(0, 36), "validation": range(36, 48), "test": range(48, 60)}
        files = [self.file(name, "\n".join(map(str, numbers))) for name, numbers in self.sets.items()]
        self.split = "--split=files:" + ",".join(map(str, files))

    def file(self, name, content):
        path = self.dir / name
        path.write_text(content)
        return path

    def run_it(self, *args, **more):
        return subprocess.run([str(BIN / args[0]), *map(str, args[1:])], cwd=self.dir, env=self.env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=120, **more)

    def good(self, *args):
        done = self.run_it(*args)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stderr.startswith("estimated use "), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 5 if args[0] == "evaluate" else 6, done.stderr)
        return done.stdout

    def bad(self, code, *args, says=()):
        done = self.run_it(*args)
        self.assertEqual((done.returncode, done.stdout), (code, ""), (args, done.stderr))
        last = done.stderr.splitlines()[-1]
        self.assertTrue(last.startswith(f"{args[0]}: "), done.stderr)
        for word in says:
            self.assertIn(str(word), last)

    def share(self, got, expected, count):
        """An accuracy with its interval is that of so many examples."""
        self.assertAlmostEqual(got["value"], expected, places=9)
        self.assertEqual((got["known"], got["examples"]), (count, count))
        for name, bound in zip(("low", "high"), wilson(expected, count)):
            self.assertAlmostEqual(got[name], bound, places=6)

    def difference(self, got, first, second, numbers):
        value, low, high = paired(first, second, numbers)
        self.assertAlmostEqual(got["value"], value, places=9)
        self.assertAlmostEqual(got["low"], low, places=6)
        self.assertAlmostEqual(got["high"], high, places=6)


class Prompt(Case):
    def command(self, *more, steps=4, seed=1, split=True):
        return ["prompt", f"--dataset={self.data}", *self.at, f"--steps={steps}", "--samples=4", f"--seed={seed}",
                *([self.split] if split else []), *more]

    def result(self, *more, **how):
        return json.loads(self.good(*self.command("--json", *more, **how)))

    def test_truth(self):
        """What it says of instructions is what is true of them."""
        result = self.result("--test")
        winner, sets = result["winner"]["instruction"], self.sets
        for name, key in (("training", "train"), ("validation", "validation"), ("test", "test")):
            self.share(result["winner"][key], accuracy(winner, sets[name]), len(sets[name]))
        self.assertAlmostEqual(result["gap"]["value"],
                               accuracy(winner, sets["training"]) - accuracy(winner, sets["validation"]))
        self.assertLess(result["gap"]["low"], result["gap"]["value"])
        self.assertGreater(accuracy(winner, sets["test"]), accuracy(START, sets["test"]) + 0.1)
        self.assertGreater(result["confirmed_among"], 1)
        self.assertEqual(result["held_out"], "test")
        self.assertEqual([one["instruction"] for one in result["comparisons"]], ["", START])
        for one in result["comparisons"]:
            self.share(one["accuracy"], accuracy(one["instruction"], sets["test"]), 12)
            self.difference(one["difference"], one["instruction"], winner, sets["test"])
            self.assertEqual(one["at_least_as_good"], one["difference"]["value"] >= 0)
        whole = [one for one in result["instructions"] if one["verdict"] == "scored" and not one["partial"]]
        for one in whole:
            self.share(one["train"], accuracy(one["instruction"], sets["training"]), 36)
        self.assertEqual(result["best_score"], max(one["score"] for one in whole))
        partial = [one for one in result["instructions"] if one["partial"]]
        self.assertTrue(partial and whole)
        for one in partial:
            self.assertTrue(one["train_known"] < 36 and one["score"] < result["best_score"] and not one["train"])
        self.assertEqual(result["train_calls"],
                         sum(one["train_known"] for one in result["instructions"] if one["verdict"] == "scored"))
        self.assertEqual(result["train_calls_full"], 36 * (len(whole) + len(partial)))

    def test_figures(self):
        """What was used is what the model has seen."""
        result = self.result("--test", "--option=model_prompt_price=2000000", "--option=model_reply_price=3000000")
        use, asked = result["use"], self.model
        self.assertEqual([use["prompt_tokens"], use["reply_tokens"]], asked.tokens)
        self.assertEqual(use["cost_millionths"], 2 * asked.tokens[0] + 3 * asked.tokens[1])
        self.assertEqual(result["proposals"], asked.proposals)
        self.assertEqual(use["answers"] - use["cache_hits"], asked.answers)
        self.assertEqual(use["unknown"], 0)
        self.assertEqual(asked.names, {"parrot"})
        steps = [row["scorer_calls"] for row in result["figures"]]
        self.assertEqual([row["step"] for row in result["figures"]], [-1, 0, 1, 2, 3, 4])  # the last one confirms
        self.assertEqual(sum(steps), result["scorer_calls"])
        self.assertGreater(steps[-1], 0)
        self.assertEqual(sum(row["cost_millionths"] for row in result["figures"]), result["cost_millionths"])

    def test_estimate(self):
        """What is used lies in the interval that was said before."""
        prices = ["--option=model_prompt_price=1000000", "--option=model_reply_price=1000000"]
        for more in ([], ["--test"], ["--no-baseline"], ["--option=race=off"],
                     ["--option=race=cautious", "--option=confirm=off"],
                     ["--option=eval_interval=0", "--option=resample_limit=3"],
                     ["--option=steps=0", "--option=max_scorer_calls=700"],
                     ["--option=max_proposals=9"], ["--option=mode=steady"], ["--second-question"], ["--judge"],
                     ["--option=model_samples=singly"], ["--optimizer=local"], ["--option=target_score=0.1"]):
            self.model.reset()
            result = self.result(*prices, *more, steps=3)
            used = {"proposals": result["proposals"], "scorer_calls": result["use"]["answers"],
                    "prompt_tokens": self.model.tokens[0], "reply_tokens": self.model.tokens[1],
                    "cost_millionths": sum(self.model.tokens)}
            for name, (low, likely, high) in result["estimate"].items():
                self.assertTrue(low <= used[name] <= high, (more, name, low, used[name], high))
                self.assertTrue(low <= likely <= high, (more, name))

    def test_words(self):
        text = self.good(*self.command("--test"))
        winner = self.result("--test")["winner"]
        self.assertIn(f"the winner:\n  {winner['instruction']}\n", text)
        for name, key in (("training", "train"), ("validation", "validation"), ("test", "test")):
            row = winner[key]
            self.assertRegex(text, rf"\n  {name} +{100 * row['value']:.1f} % +{100 * row['low']:.1f} to +"
                                   rf"{100 * row['high']:.1f} +{row['known']} ")
        for words in (r"chosen among \d+ by these: slightly too good", "on the test examples:\n  no instruction ",
                      r"The winner is (better than|at least as good as) no instruction: \+\d",
                      r"\d+ instructions scored in 4 steps, with \d+ answers; on training examples \d+ of the \d+ that",
                      "stopped: steps", "those of the language model parrot"):
            self.assertRegex(text, words)
        text = self.good(*self.command("--no-baseline"))
        self.assertNotRegex(text, "no instruction|test  ")

    def test_no_hold_out(self):
        """Few examples are all for training, and that is said."""
        result = self.result(split=False)
        self.assertEqual((result["dataset"]["training"], result["dataset"]["validation"]), (60, 0))
        self.assertEqual((result["winner"]["validation"], result["gap"], result["held_out"]), (None, None, None))
        self.assertEqual((result["confirmed_among"], result["comparisons"][0]["set"]), (0, "training"))
        self.assertIn("of others nothing is known", self.good(*self.command(split=False)))

    def test_default_split(self):
        for count, sets, test in ((99, (99, 0, 0), False), (100, (80, 20, 0), False), (120, (72, 24, 24), True),
                                  (2000, (250, 250, 0), False), (2000, (250, 250, 1500), True)):
            self.file("data.jsonl", dataset(count))
            told = json.loads(self.good(*self.command("--json", "--dry-run", *["--test"] * test, split=False)))
            self.assertEqual(tuple(told["dataset"][name] for name in ("training", "validation", "test")), sets)
        told = json.loads(self.good(*self.command("--json", "--dry-run", "--split=published:0.1,0.2", split=False)))
        self.assertEqual([told["dataset"][name] for name in ("training", "validation", "test")], [200, 400, 1400])
        self.bad(1, *self.command("--test", "--split=0.5,0.5", split=False), says=["no test examples", "--split"])

    def test_report(self):
        nasty = "<script>alert('1')</script> & \"quoted\" \u202e \ufffe]]>"
        self.good(*self.command("--test", f"--initial={START}", f"--initial={nasty}", "--report=r.html"))
        text = (self.dir / "r.html").read_text()
        tree = ElementTree.fromstring(text)  # well-formed
        self.assertNotRegex(text.replace('xmlns="http://www.w3.org', ""), r"<script|https?:|src=|href=|@import|url\(")
        self.assertNotRegex(re.sub(r"<pre>.*?</pre>", "", text, flags=re.S), r"\b(nan|inf)\b")
        winner = self.result("--test", f"--initial={START}", f"--initial={nasty}")["winner"]
        self.assertIn("&lt;script&gt;alert('1')&lt;/script&gt; &amp; &quot;quoted&quot; \u202e ]]&gt;", text)
        name = "{http://www.w3.org/1999/xhtml}"
        self.assertEqual(tree.find(f".//{name}blockquote").text, winner["instruction"].replace("\ufffe", ""))
        for words in (f"{100 * winner['test']['value']:.1f} %", "The best instructions", "Tokens of each step",
                      "confirming", "step 1: meta-prompt and replies", "36 training examples, one by one",
                      "12 test examples, one by one", "those of the language model parrot", "samples_per_step", "~",
                      "better than" if "better than" in text else "at least as good"):
            self.assertTrue(words in text, words)
        self.assertEqual(len([d for d in tree.iter(name + "summary") if "meta-prompt" in d.text]), 4)
        said = [cell.text for cell in tree.iter(name + "td") if cell.text in ("right", "wrong", "unknown")]
        self.assertEqual(len(said), 60)
        self.assertEqual(said.count("right"), round(60 * accuracy(winner["instruction"], range(60))))
        # what is not in the cache is not asked again for a report
        warm = ["--option=exam_temperature=1", "--no-baseline"]
        self.assertEqual(self.result(*warm, "--report=r.html")["use"], self.result(*warm)["use"])
        self.good(*self.command("--report=r.svg"))
        self.assertTrue(ElementTree.parse(self.dir / "r.svg").getroot().tag.endswith("svg"))
        self.bad(1, *self.command(f"--report={self.data}"), says=["overwrite", self.data])

    def test_dry_run(self):
        text = self.good(*self.command("--dry-run", "--report=r.html", f"--cache={self.dir / 'c'}",
                                       "--optimizer=record:x.jsonl"))
        self.assertEqual((text, self.model.proposals, self.model.answers), ("", 0, 0))
        self.assertEqual(sorted(path.name for path in self.dir.iterdir()),
                         ["data.jsonl", "test", "training", "validation"])
        self.good("prompt", f"--dataset={self.data}", "--dry-run")  # there need not be an endpoint
        told = json.loads(self.good(*self.command("--dry-run", "--json")))
        self.assertEqual(told["estimate"]["proposals"][0], 16)
        self.assertNotIn("winner", told)
        self.assertIn("no prices are known", self.run_it(*self.command("--dry-run")).stderr)
        self.assertRegex(self.run_it(*self.command("--dry-run", "--option=model_reply_price=600000")).stderr,
                         r"cost +0\.\d{4} +0\.\d{4} +\d+\.\d{4}\n")

    def test_interrupt(self):
        """Ctrl-C: what it has until then, and nothing is asked any more."""
        self.model.slow = 0.05
        args = [str(BIN / "prompt"), *map(str, self.command("--test", steps=500)[1:])]
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, text=True) as child:
            while self.model.answers < 120:
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, err)
        for words in ("the winner:", "training   ", "stopped: interrupted"):
            self.assertIn(words, out)
        self.assertNotIn("no instruction", out)

    def test_terminal(self):
        """One line, again and again: what was answered, how well, what it took."""
        screen, terminal = pty.openpty()
        self.model.slow = 0.01
        with subprocess.Popen([str(BIN / "prompt"), *map(str, self.command()[1:])], stdout=terminal, stderr=terminal,
                              env=self.env, cwd=self.dir) as child:
            os.close(terminal)
            said = b""
            while True:
                try:
                    more = os.read(screen, 65536)
                except OSError:  # everybody has closed it
                    break
                if not more:
                    break
                said += more
        os.close(screen)
        self.assertEqual(child.returncode, 0)
        text = said.decode()
        self.assertRegex(text, r"\rstep \d/4   best [\d.]+ %   \d+ answers, \d+ % right   \d+ calls, \d+k? tokens   "
                               r"about \d+ s left\x1b\[K")
        self.assertIn("the winner:", text)

    def test_replay(self):
        recorded = self.result("--optimizer=record:r.jsonl", "--test")
        asked = self.model.answers
        again = self.result("--optimizer=replay:r.jsonl", "--test")
        self.assertEqual(self.model.answers, asked)  # no network
        for result in (recorded, again):
            for name in ("optimizer", "language_model"):
                del result[name]
            del result["dataset"]["scorer"]
        self.assertEqual(recorded, again)
        self.bad(1, *self.command("--optimizer=replay:r.jsonl", "--option=max_failures=1", seed=2),
                 says=["is not in", "r.jsonl"])

    def test_two_models(self):
        """One proposes, another one answers; each with its own settings."""
        other = Model()
        self.addCleanup(other.close)
        more = [f"--scorer-base-url={other.url}", "--scorer-model-name=pupil", "--scorer-concurrency=3",
                "--scorer-option=model_reply_price=5000000"]
        result = self.result(*more)
        self.assertEqual((self.model.answers, self.model.names), (0, {"parrot"}))
        self.assertEqual((other.proposals, other.names), (0, {"pupil"}))
        self.assertEqual(result["use"]["cost_millionths"], 5 * other.tokens[1])
        self.assertEqual(result["dataset"]["scorer"], "pupil")
        self.assertEqual(result["winner"], self.result()["winner"])
        other.reset()
        result = self.result("--optimizer=local", *more)  # texts are put together, nobody is asked for them
        self.assertEqual((result["optimizer"], other.proposals), ("local", 0))
        self.assertGreater(other.answers, 0)
        other.reset()
        recorded = self.result(*more, "--scorer=record:s.jsonl", "--optimizer=record:o.jsonl")
        again = self.result("--scorer=replay:s.jsonl", "--optimizer=replay:o.jsonl", more[-1])
        self.assertEqual(recorded["winner"], again["winner"])
        self.assertEqual(recorded["state_hash"], again["state_hash"])

    def test_judge_and_second_question(self):
        plain = self.result()
        self.model.reset()
        judged = self.result("--judge")
        self.assertEqual(judged["winner"], plain["winner"])
        self.assertTrue(0 < self.model.judgements < self.model.answers)  # the same reply is judged once
        self.model.reset()
        result = self.result("--second-question")
        self.assertEqual(result["winner"]["instruction"], plain["winner"]["instruction"])
        self.assertEqual(self.model.seconds, self.model.answers)
        other = Model()
        self.addCleanup(other.close)
        self.model.reset()
        self.result("--judge", f"--scorer-base-url={other.url}", "--scorer-model-name=pupil")
        self.assertEqual((self.model.answers, other.judgements), (0, 0))
        self.assertTrue(0 < self.model.judgements < other.answers)

    def test_cache(self):
        first = self.result("--cache=c.jsonl")
        self.assertGreater(self.model.answers, 0)
        self.model.reset()
        again = self.result("--cache=c.jsonl")
        self.assertEqual((self.model.answers, again["winner"]), (0, first["winner"]))

    def test_starts(self):
        result = self.result("--initial=", "--initial=Think step by step.", "--position=system")
        self.assertEqual([one["instruction"] for one in result["instructions"][:2]], ["", "Think step by step."])
        self.assertEqual([one["instruction"] for one in result["comparisons"]], [""])
        self.assertEqual(result["dataset"]["position"], "system")
        self.result("--position=a_begin")

    def test_unknown(self):
        """An answer that does not come is not a wrong one."""
        self.model.fails = lambda number: number == 50  # a test example
        result = self.result("--test")
        test = result["winner"]["test"]
        self.assertEqual((test["known"], test["examples"]), (11, 12))
        self.assertAlmostEqual(test["value"], accuracy(result["winner"]["instruction"],
                                                       [number for number in self.sets["test"] if number != 50]))
        self.assertEqual(result["use"]["unknown"], 3)
        self.assertIn("(unknown, not wrong)", self.good(*self.command("--test")))
        self.model.fails = lambda number: number == 5  # a training example: nothing can be scored
        self.bad(1, *self.command("--option=max_failures=1"), says=["no such question"])

    def test_wrong_arguments(self):
        self.bad(2, "prompt", *self.at, says=["--dataset"])
        self.bad(2, *self.command("surplus"), says=["surplus"])
        self.bad(2, *self.command("--metric=best"), says=["--metric is strict, ", "or json", '"best"'])
        self.bad(2, *self.command("--task=poem"), says=["--task is auto", '"poem"'])
        self.bad(2, *self.command("--layout=xml"), says=["--layout is auto", '"xml"'])
        self.bad(2, *self.command("--metric=regex"), says=["--pattern"])
        self.bad(2, *self.command("--pattern=x"), says=["--metric strict has no use for --pattern"])
        self.bad(1, *self.command("--metric=regex", "--pattern=("), says=["--metric", "("])
        self.bad(2, *self.command("--position=middle"), says=["position", "middle"])
        self.bad(2, *self.command("--columns=question"), says=["--columns is QUESTION,ANSWER"])
        self.bad(1, *self.command("--columns=question,solution"), says=["data.jsonl", "solution"])
        self.bad(2, *self.command("--split=0.9,0.9", split=False), says=["--split is", '"0.9,0.9"'])
        self.bad(2, *self.command("--split=test", split=False), says=["--split is", '"test"'])
        self.bad(1, *self.command("--split=files:no,-,-", split=False), says=["cannot read no"])
        self.bad(1, *self.command(f"--split=files:{self.file('i', '1 2 x')}", split=False), says=["not \"x\""])
        self.bad(1, *self.command(f"--split=files:{self.file('i', '1 999')}", split=False), says=["999"])
        both = self.file("i", "1 2 3")
        self.bad(1, *self.command(f"--split=files:{both},{both}", split=False), says=["two of the sets"])
        self.bad(2, *self.command("--scorer=me"), says=["--scorer is model", '"me"'])
        self.bad(2, *self.command("--scorer-concurrency=0"), says=["--scorer-concurrency", '"0"'])
        self.bad(2, *self.command("--scorer-option=model_reply_prise=1"), says=["--scorer-option", "model_reply_price"])
        self.bad(2, *self.command("--scorer-option=seed"), says=["NAME=VALUE"])
        self.bad(1, *self.command("--option=steps=0"), says=["the estimate", "no end"])
        self.bad(2, *self.command("--initial"), says=["needs a value"])
        self.bad(1, "prompt", f"--dataset={self.dir / 'no'}", *self.at, says=["no"])
        self.bad(1, "prompt", f"--dataset={self.data}", says=["--base-url", "--model-name"])
        self.bad(1, "prompt", f"--dataset={self.data}", "--scorer-base-url=http://127.0.0.1:9/v1", "--optimizer=local",
                 says=["--scorer-model-name"])
        self.bad(1, "prompt", f"--dataset={self.file('e.jsonl', '{}')}", *self.at, says=["e.jsonl", "line 1"])
        self.assertIn("--scorer-base-url", self.run_it("prompt", "--help").stdout)


class Evaluate(Case):
    TEXTS = ["", START, "Think carefully, step by step.", "Guess quickly, \"please\",\nnow"]

    def command(self, *more, texts=None):
        return ["evaluate", f"--dataset={self.data}", *self.at, *more, "--", *(self.TEXTS if texts is None else texts)]

    def test_truth(self):
        result = json.loads(self.good(*self.command("--json")))
        self.assertEqual(result["examples"], 60)
        for text, got in zip(self.TEXTS, result["instructions"], strict=True):
            self.assertEqual((got["instruction"], got["unknown"]), (text, 0))
            self.share(got["accuracy"], accuracy(text, range(60)), 60)
            if text != self.TEXTS[0]:
                self.difference(got["difference"], self.TEXTS[0], text, range(60))
        self.assertIsNone(result["instructions"][0]["difference"])
        self.assertEqual(sum(one["calls"] for one in result["instructions"]), self.model.answers)
        self.assertEqual([sum(one[name] for one in result["instructions"])
                          for name in ("prompt_tokens", "reply_tokens")], self.model.tokens)

    def test_estimate(self):
        for more in ([], ["--judge"], ["--second-question"]):
            self.model.reset()
            result = json.loads(self.good(*self.command("--json", "--option=model_prompt_price=1000000", *more)))
            self.assertEqual(result["estimate"]["answers"], [self.model.answers] * 3)
            used = {"prompt_tokens": self.model.tokens[0], "reply_tokens": self.model.tokens[1],
                    "cost_millionths": self.model.tokens[0]}
            for name, number in used.items():
                low, likely, high = result["estimate"][name]
                self.assertTrue(low <= number <= high and low <= likely <= high, (more, name, number))

    def test_sets(self):
        for name, numbers in (("train", "training"), ("validation", "validation"), ("test", "test")):
            result = json.loads(self.good(*self.command("--json", f"--set={name}", self.split, texts=[START])))
            numbers = self.sets[numbers]
            self.share(result["instructions"][0]["accuracy"], accuracy(START, numbers), len(numbers))
        self.bad(1, *self.command("--set=test"), says=["no test examples", "--split"])
        self.file("data.jsonl", dataset(100))  # the sets of prompt --test
        told = json.loads(self.good("prompt", f"--dataset={self.data}", *self.at, "--test", "--steps=1", "--json"))
        result = json.loads(self.good(*self.command("--json", "--split=test", texts=[told["winner"]["instruction"]])))
        self.assertEqual((result["set"], result["instructions"][0]["accuracy"]), ("test", told["winner"]["test"]))
        self.bad(2, *self.command("--set=best"), says=["--set is all", '"best"'])

    def test_words(self):
        text = self.good(*self.command("--option=model_reply_price=1000000"))
        for i, instruction in enumerate(self.TEXTS):
            share = accuracy(instruction, range(60))
            low, high = wilson(share, 60)
            words = rf"\n +{i + 1} +{100 * share:.1f} % +{100 * low:.1f} to +{100 * high:.1f} +60 "
            if i:
                value, low, high = (100 * number for number in paired("", instruction, range(60)))
                words += rf" +{re.escape(f'{value:+.1f}')} \( *{low:.1f} to +{high:.1f}\) "
            self.assertRegex(text, words)
        self.assertIn("(no instruction)", text)
        self.assertIn('Guess quickly, "please", now', text)
        self.assertRegex(text, r"\n240 calls, 0 answers from the cache; \d+ tokens read, \d+ written; cost 0\.\d+\n$")

    def test_files(self):
        """Instructions from a file, one a line; a row for each answer."""
        lines = self.file("lines.txt", "Check.\n\nThink step by step.\r\n")
        self.good("evaluate", f"--dataset={self.data}", *self.at, f"--instructions={lines}", "--csv=out.csv",
                  *self.TEXTS)
        texts = [*self.TEXTS, "Check.", "", "Think step by step."]
        with open(self.dir / "out.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 60 * len(texts))
        for i, row in enumerate(rows):
            text, number = texts[i // 60], i % 60
            right = knows(text, number)
            said = answer(number) + (not right)
            self.assertEqual((row["instruction"], row["example"], row["question"], row["answer"]),
                             (text, str(number), question(number), str(answer(number))))
            self.assertEqual((row["verdict"], row["score"], row["extracted"], row["reply"], row["fault"]),
                             ("right" if right else "wrong", str(int(right)), str(said), f"She has {said}.", ""))
            self.assertTrue(row["rule"])
        self.bad(1, *self.command(f"--csv={self.data}"), says=["overwrite"])
        self.bad(1, *self.command("--csv=no/out.csv"), says=["no/out.csv"])

    def test_unknown(self):
        self.model.fails = lambda number: number in (7, 9)
        text = self.good(*self.command("--csv=out.csv"))
        self.assertIn(" 58/60 ", text)
        self.assertRegex(text, "unknown, not wrong, is what was not answered; the first: .*no such question")
        with open(self.dir / "out.csv", newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["verdict"] == "unknown"]
        self.assertEqual([row["example"] for row in rows], ["7", "9"] * 4)
        self.assertTrue(all(row["score"] == "" and "no such question" in row["fault"] for row in rows))
        result = json.loads(self.good(*self.command("--json")))
        for text, got in zip(self.TEXTS, result["instructions"], strict=True):
            numbers = [number for number in range(60) if number not in (7, 9)]
            self.assertEqual((got["unknown"], got["accuracy"]["known"]), (2, 58))
            self.assertAlmostEqual(got["accuracy"]["value"], accuracy(text, numbers))
            if text:
                self.difference(got["difference"], "", text, numbers)
        self.model.fails = lambda number: True
        self.bad(1, *self.command(), says=["no answer came", "no such question"])

    def test_cache_and_recording(self):
        first = json.loads(self.good(*self.command("--json", "--cache=c.jsonl", "--scorer=record:r.jsonl")))
        self.model.reset()
        again = json.loads(self.good(*self.command("--json", "--cache=c.jsonl")))
        self.assertEqual(self.model.answers, 0)
        played = json.loads(self.good("evaluate", f"--dataset={self.data}", "--json", "--scorer=replay:r.jsonl",
                                      *self.TEXTS))
        self.assertEqual(self.model.answers, 0)
        for one, two, three in zip(*(result["instructions"] for result in (first, again, played)), strict=True):
            self.assertEqual(one["accuracy"], two["accuracy"])
            self.assertEqual(one["accuracy"], three["accuracy"])
            self.assertEqual((two["cache_hits"], two["prompt_tokens"]), (60, 0))

    def test_dry_run(self):
        self.assertEqual(self.good(*self.command("--dry-run", "--csv=out.csv")), "")
        self.assertEqual(self.model.answers, 0)
        self.assertFalse((self.dir / "out.csv").exists())
        told = json.loads(self.good(*self.command("--dry-run", "--json")))
        self.assertEqual((told["estimate"]["answers"], told["instructions"]), ([240, 240, 240], []))

    def test_interrupt(self):
        self.model.slow = 0.05
        args = [str(BIN / "evaluate"), *map(str, self.command()[1:])]
        with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, text=True) as child:
            while self.model.answers < 40:
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, err)
        self.assertIn("stopped: interrupted", out)
        self.assertRegex(out, r" \d+/60 ")

    def test_wrong_arguments(self):
        self.bad(2, *self.command(texts=[]), says=['""', "--help"])
        self.bad(2, "evaluate", "--dataset", says=["needs a value"])
        self.bad(2, "evaluate", *self.at, "x", says=["--dataset"])
        for name in ("--optimizer=local", "--steps=3", "--report=r.html", "--temperature=1"):
            self.bad(2, "evaluate", name, says=["no option", name])
        self.bad(1, *self.command("--instructions=none"), says=["cannot read none"])
        self.bad(1, "evaluate", f"--dataset={self.data}", "x", says=["--base-url"])
        text = self.run_it("evaluate", "--help").stdout
        self.assertIn("--instructions FILE", text)
        self.assertNotIn("--optimizer", text)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
