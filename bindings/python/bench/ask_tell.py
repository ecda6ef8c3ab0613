#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many ask() and tell() a second, beside Optuna's in the same process.

usage: ask_tell.py [--pairs N] [--rounds N] [--least RATIO]

A pair is a Score that is asked for (one instance, a short text) and told its score. Optuna's is
study.ask(), a value suggested for one parameter, study.tell(), with its storage in memory: with its
own sampler, which thinks, and with RandomSampler, which does not. Both are counted in seconds of
this process, so that others on the machine do not matter; the best of a few rounds each, in turn.
Without Optuna (pip install optuna) ours alone. --least: fail below this ratio.
"""

import argparse
import sys
from time import process_time

import opro


def ours(pairs):
    """Pairs a second, of scoring the candidates that a run begins with."""
    problem = opro.Problem("x", initial=[f"text {at}" for at in range(pairs)])
    run = opro.Run(problem, steps=1)
    ask, tell = run.ask, run.tell
    begun = process_time()
    for _ in range(pairs):
        tell(ask(), 0.5)
    rate = pairs / (process_time() - begun)
    assert len(run.trajectory) == pairs
    return rate


def theirs(pairs, sampler):
    """The same of Optuna."""
    study = optuna.create_study(sampler=sampler)
    begun = process_time()
    for _ in range(pairs):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
    return pairs / (process_time() - begun)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=50000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--least", type=float, default=0)
    options = parser.parse_args()
    contenders = {"opro": lambda: ours(options.pairs)}
    if optuna:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        few = max(100, options.pairs // 100)
        samplers = optuna.samplers
        contenders["optuna"] = lambda: theirs(few, None)
        contenders["optuna, RandomSampler"] = lambda: theirs(few, samplers.RandomSampler())
    best = dict.fromkeys(contenders, 0.0)
    for _ in range(options.rounds):
        for name, contender in contenders.items():
            best[name] = max(best[name], contender())
    for name, rate in best.items():
        print(f"{name:24} {rate:10,.0f} pairs a second, ours are {best['opro'] / rate:6.1f} times")
    if optuna and best["opro"] < options.least * best["optuna"]:
        sys.exit(f"less than {options.least:g} times")


try:
    import optuna
except ImportError:
    optuna = None
if __name__ == "__main__":
    main()
