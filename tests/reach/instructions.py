#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What optimizing an instruction reaches with a real model as optimizer and scorer: the table of the README.

usage: instructions.py BUILD SHARED BASE_URL MODEL [--keep FOLDER] [--option NAME=VALUE...]

BUILD is a build directory, SHARED the folder with the data, BASE_URL and MODEL an endpoint, for instance that of

    examples/model_server run -- python3 tests/reach/instructions.py build ../shared {base_url} {model}

Each task is optimized with each seed; the winner and the paper's baselines answer the same test examples. Winners were
chosen without those. FOLDER keeps the results of runs and the model's answers: started again, what is in there is not
run again.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

TASKS = ["boolean_expressions", "navigate", "sports_understanding"]
BASELINES = ["", "Let's think step by step.", "Let's solve the problem."]
SEEDS = [1, 2, 3]
STEPS, SAMPLES = 10, 4
SPLIT = "0.12,0.08,0.4"


class Table:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder

    def result(self, name, program, task, *more):
        """The JSON of a program's run, or of the same run earlier."""
        file = self.folder / f"{name}.json"
        if not file.exists():
            data = pathlib.Path(self.arguments.shared) / "data" / "bbh" / f"{task}.json"
            command = [pathlib.Path(self.arguments.build) / "examples" / program, *more, "--dataset", data, "--split",
                       SPLIT, "--base-url", self.arguments.base_url, "--model-name", self.arguments.model,
                       "--cache", self.folder / "answers.jsonl", "--json"]
            for option in self.arguments.option:
                command += ["--option", option]
            done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
            file.write_text(done.stdout)
        return json.loads(file.read_text())

    def run(self, task, seed):
        return self.result(f"{task}-{seed}", "prompt", task, "--test", "--no-baseline", "--steps", STEPS,
                           "--samples", SAMPLES, "--seed", seed)

    def baselines(self, task):
        rows = self.result(f"{task}-baselines", "evaluate", task, *BASELINES, "--set", "test")["instructions"]
        return {row["instruction"]: row["accuracy"] for row in rows}

    def print_task(self, task):
        for instruction, accuracy in self.baselines(task).items():
            print(f"| {task} | \"{instruction}\" | {percent(accuracy)} | | |", flush=True)
        for seed in SEEDS:
            run = self.run(task, seed)
            winner = run["winner"]
            print(f"| {task} | found with seed {seed}: \"{short(winner['instruction'])}\" | {percent(winner['test'])} "
                  f"| {run['train_calls']} | {run['train_calls_full']} |", flush=True)


def short(text, most=60):
    text = " ".join(text.replace("|", "\\|").split())
    return text if len(text) <= most else text[:most].rstrip() + " ..."


def percent(share):
    return f"{100 * share['value']:.1f} [{100 * share['low']:.1f}, {100 * share['high']:.1f}]"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("build", "shared", "base_url", "model"):
        parser.add_argument(name)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--option", action="append", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        table = Table(arguments, folder)
        print("| task | instruction | right of the test examples, in % [95 % interval] | answers in training, racing "
              "| the same candidates without |\n|---|---|---|---|---|")
        for task in TASKS:
            table.print_task(task)


if __name__ == "__main__":
    sys.exit(main())
