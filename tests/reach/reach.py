#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the local optimizer reaches, by its programs on real instances: one line a goal, with the figure and the bar.

usage: reach.py BUILD SHARED [SEEDS]

BUILD is a build directory, SHARED the folder with the data, SEEDS how many seeds each instance gets (default 2).
Exit code 1 if a bar is not held; without the data nothing is measured, which is a failure only with CI=true.
"""
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def program(build, name, *arguments):
    command = [os.path.join(build, "examples", name), *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return json.loads(done.stdout)


def instances(shared):
    """File, number of places and optimum of every tour."""
    with open(os.path.join(shared, "data", "optima.json"), encoding="utf-8") as file:
        optima = json.load(file)
    for tour in optima["tsplib"]:
        yield tour["file"], tour["n"], tour["optimum"]
    for tour in optima["random"]:
        yield tour["file"], tour["n"], tour["euc_2d"]["optimum"]


class Reach:
    def __init__(self, build, shared, seeds):
        self.build, self.data, self.seeds = build, os.path.join(shared, "data"), range(seeds)
        self.tours = list(instances(shared))
        self.held = True

    def map(self, function, jobs):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(function, jobs))

    def line(self, goal, figure, bar, unit):
        held = figure <= bar
        self.held = self.held and held
        print(f"{goal:<58} {figure:8.3f} {unit}  bar {bar:g}  {'holds' if held else 'DOES NOT HOLD'}", flush=True)

    def gaps(self, wanted, calls, *options):
        """Gaps in percent after so many scorer calls, for every wanted tour and seed."""
        def gap(job):
            (file, _, optimum), seed = job
            result = program(self.build, "tour", os.path.join(self.data, file), "--seed", seed, "--steps", 0,
                             "--optimum", optimum, "--option", f"max_scorer_calls={calls}",
                             "--option", "max_proposals=20000", *options)
            return 100 * (result["best_score"] / optimum - 1)
        return self.map(gap, [(tour, seed) for tour in self.tours if wanted(tour) for seed in self.seeds])

    def tours_known(self):
        gaps = self.gaps(lambda tour: True, 200)
        name = f"tours, distances known, 200 calls, {len(gaps)} runs"
        self.line(name + ": mean gap", statistics.mean(gaps), 0.1, "%")
        self.line(name + ": worst", max(gaps), 1, "%")

    def tours_blind(self):
        gaps = self.gaps(lambda tour: tour[1] <= 20, 500, "--blind")
        self.line(f"tours of up to 20 places, blind, 500 calls, {len(gaps)} runs: mean", statistics.mean(gaps), 0.5, "%")
        gaps = self.gaps(lambda tour: tour[1] == 50, 2000, "--blind")
        self.line(f"tours of 50 places, blind, 2000 calls, {len(gaps)} runs: mean", statistics.mean(gaps), 1, "%")

    def regression(self):
        def evaluations(job):
            number, start, seed = job
            result = program(self.build, "regression", os.path.join(self.data, "linreg", "linreg.json"), "--set", number,
                             "--start", start, "--seed", seed)
            return result["evaluations_to_best"] if result["reached"] else float("inf")
        jobs = [(number, start, seed) for number in range(7) for start in range(5) for seed in self.seeds]
        self.line(f"regression, {len(jobs)} runs: most evaluations", max(self.map(evaluations, jobs)), 25, " ")

    def rosenbrock(self, name, seeds=20):
        def evaluations(seed):
            result = program(self.build, "functions", name, "--dim", 2, "--seed", seed, "--steps", 0,
                             "--option", "max_scorer_calls=1000")
            good = [step["evaluations"] for step in result["improvements"] if step["score"] <= 0.01]
            return good[0] if good else float("inf")
        self.line(f"{name}, 2 dimensions, to 0.01, {seeds} seeds: median evaluations",
                  statistics.median(self.map(evaluations, range(seeds))), 300, " ")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build, shared = sys.argv[1:3]
    if not os.path.isdir(os.path.join(shared, "data")):
        print(f"no data at {shared}: nothing was measured")
        return int(os.environ.get("CI") == "true")
    reach = Reach(build, shared, int(sys.argv[3]) if len(sys.argv) > 3 else 2)
    print("No language model takes part in any of these.")
    reach.tours_known()
    reach.tours_blind()
    reach.regression()
    reach.rosenbrock("rosenbrock")
    reach.rosenbrock("rosenbrock_paper")
    return int(not reach.held)


if __name__ == "__main__":
    sys.exit(main())
