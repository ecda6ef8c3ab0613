# SPDX-License-Identifier: MIT
"""What the Python clients of the bench share: the command line and the line of JSON of contender.h.

CLIENT [-c IN_FLIGHT] [-n REQUESTS] [-w] URL
"""

import argparse
import json
import resource
import time

BODY = json.dumps(
    {
        "model": "bench",
        "messages": [{"role": "user", "content": "Work through the case in small steps. " * 51}],
        "temperature": 0,
        "max_tokens": 1024,
    }
)
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-bench"}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", type=int, default=1, dest="in_flight")
    parser.add_argument("-n", type=int, default=1, dest="requests")
    parser.add_argument("-w", action="store_true", dest="warm")
    parser.add_argument("url")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return parser.parse_args()


def fine(reply):
    """Does the parsed reply have a text and a usage?"""
    return (
        len(reply["choices"][0]["message"]["content"]) > 0
        and reply["usage"]["prompt_tokens"] > 0
        and reply["usage"]["completion_tokens"] > 0
    )


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Measure:
    """Begin when connections are warm, one() for each request, end() prints."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.latency, self.errors = [], 0
        self.base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def begin(self):
        self.latency, self.errors = [], 0
        self.wall, self.cpu = time.monotonic(), cpu()

    def one(self, began, good):
        self.latency.append(time.monotonic() - began)
        self.errors += not good

    def end(self):
        took, used = time.monotonic() - self.wall, cpu() - self.cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        done = len(self.latency)
        self.latency.sort()
        report = {
            "client": self.name,
            "in_flight": self.options.in_flight,
            "requests": done,
            "errors": self.errors,
            "seconds": took,
            "rps": done / took,
            "cpu_us": used / done * 1e6,
            "p50_ms": self.latency[done // 2] * 1e3,
            "p99_ms": self.latency[(done - 1) * 99 // 100] * 1e3,
            "base_kb": self.base,
            "peak_kb": peak,
            "kb_per_request": (peak - self.base) / self.options.in_flight,
        }
        print(json.dumps(report))


async def run(name, post):
    """The loop of the asynchronous ones: post(url) gives the parsed reply."""
    import asyncio

    options = arguments()
    measure = Measure(name, options)

    async def worker(tickets):
        for _ in tickets:
            began = time.monotonic()
            measure.one(began, fine(await post(options.url)))

    async def phase(requests):
        tickets = iter(range(requests))
        workers = min(requests, options.in_flight)
        await asyncio.gather(*(worker(tickets) for _ in range(workers)))

    if options.warm:
        await phase(options.in_flight)
    measure.begin()
    await phase(options.requests)
    measure.end()
