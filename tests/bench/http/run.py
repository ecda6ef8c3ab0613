#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The model client beside bare libcurl loops and other clients, in one run.

run.py BUILD_DIR [--quick | --full] [--bars 1,2,9] [--strict] [--realtime] [--stand-in]

Each bar is a ratio between contenders that take turns on this machine, right now; seconds stand
beside it for information. A limit in absolute figures that the bare loop does not reach either is
undecided: the machine is too slow or too busy. --quick takes about a minute and a half, --full
several. --strict: the exit status is 1 if a bar does not hold. --realtime lets servers and
contenders go before all other programs, where that is allowed: on a busy machine latencies mean
nothing without. --stand-in measures the bare loop over 8 multi handles in place of the model
client, which shows what the bars ask for and that they are measured.
"""

import argparse
import os
import pathlib
import sys
import time

import rig
from rig import Skip, median

SHORT = "lognormal:200:800"
LONG = "lognormal:1000:4000"


class Bench:
    def __init__(self, options):
        folder = pathlib.Path(options.build, "tests")
        self.quick = not options.full
        self.server = folder / "http-server"
        self.bare = [folder / "http-bare"]
        self.ours = self.bare if options.stand_in else [folder / "http-ours"]
        self.stand_in = options.stand_in
        for program in (self.server, self.bare[0], self.ours[0]):
            if not program.exists():
                sys.exit(f"{program} is not built")
        self.kept = {}
        self.bars = self.missed = self.undecided = 0

    # ---- contenders ----

    def mine(self, *more):
        return self.ours + (["sal", "-m", "8"] if self.stand_in else ["poll"]) + list(more)

    def sal(self, multis=1):
        return self.bare + ["sal", "-m", multis]

    def poll(self):
        return self.bare + ["poll"]

    def warm(self, command, in_flight, requests, **server):
        """One contender on a server of its own, with its connections open from the beginning."""
        more = ["-c", in_flight, "-n", requests, "-w"]
        with rig.Server(self.server, warm=in_flight, **server) as s:
            if s.tls:
                more += ["--ca", s.file("ca.pem")]
            report = rig.run(command + more + [s.url])
            report["server"] = s.stats(skip=in_flight if requests > in_flight else 0)
        return report

    def turns(self, commands, rounds, *arguments, **server):
        """Each in turn, several times: a list of reports for each, kept for other bars."""
        key = str((commands, rounds, arguments, server))
        if key not in self.kept:
            lists = [[] for _ in commands]
            for _ in range(rounds):
                for reports, command in zip(lists, commands):
                    reports.append(self.warm(command, *arguments, **server))
            self.kept[key] = lists
        return self.kept[key]

    # ---- the report ----

    def line(self, bar, what, value, most=None, least=None, stretch=None, digits=2, beside="",
             bare=None):
        """One measured bar: the value at most this, or at least that; and what is bare's."""
        limit, sign = (least, ">=") if most is None else (most, "<=")
        reaches = (lambda x, y: x >= y) if most is None else (lambda x, y: x <= y)
        verdict = ("STRETCH" if reaches(value, stretch) else "holds" if reaches(value, limit)
                   else "DOES NOT HOLD" if bare is None or reaches(bare, limit) else "undecided")
        if bare is not None:
            beside = f"bare {bare:.{digits}f}; {beside}".rstrip("; ")
        self.bars += 1
        self.missed += verdict == "DOES NOT HOLD"
        self.undecided += verdict == "undecided"
        left = f"{bar:>4}  {what:<44} {value:>9.{digits}f}  {sign} {limit:<6g} {stretch:<7g}"
        print(f"{left} {verdict:<14} {beside}", flush=True)

    def note(self, bar, text):
        print(f"{bar:>4}  {text}", flush=True)


def ratio(ours, others, key):
    """The median over rounds of ours / theirs."""
    return median([a[key] / b[key] for a, b in zip(ours, others)])


def middle(reports, key):
    return median([report[key] for report in reports])


# ---- zero delay ----------------------------------------------------------------------------------


def at_zero(b, in_flight):
    rounds, requests = (5, 3000) if b.quick else (9, 10000)
    return b.turns([b.sal(), b.mine()], rounds, in_flight, requests)


def bar_1(b):
    for c in (8, 64, 256):
        bare, ours = at_zero(b, c)
        beside = f"{middle(ours, 'rps'):.0f} / {middle(bare, 'rps'):.0f} per s"
        b.line(1, f"requests/s, {c} in flight, / bare sal", ratio(ours, bare, "rps"), least=0.85,
               stretch=0.92, beside=beside)


def bar_2(b):
    for c in (8, 64, 256):
        bare, ours = at_zero(b, c)
        beside = f"{middle(ours, 'cpu_us'):.1f} / {middle(bare, 'cpu_us'):.1f} us"
        b.line(2, f"CPU per request, {c} in flight, / bare sal", ratio(ours, bare, "cpu_us"),
               most=1.18, stretch=1.08, beside=beside)


def per_request(b, count, command, few, many):
    """Whatever count() counts, per request: start and end cancel out."""
    counted = []
    for requests in (few, many):
        with rig.Server(b.server, warm=64) as s:
            counted.append(count(command + ["-c", 64, "-n", requests, "-w", s.url]))
    return (counted[1] - counted[0]) / (many - few)


def bar_3(b):
    many = 1000 if b.quick else 3000
    try:
        bare, ours = (per_request(b, rig.instructions, c, 200, many) for c in (b.sal(), b.mine()))
        b.line(3, "instructions per request, 64, / bare sal", ours / bare, most=1.12, stretch=1.06,
               digits=3, beside=f"{ours / 1e3:.1f} k / {bare / 1e3:.1f} k")
    except Skip as why:
        b.note(3, f"instructions skipped: {why}")
    try:
        bare, ours = (per_request(b, rig.system_calls, c, 500, 500 + 2 * many)
                      for c in (b.sal(), b.mine()))
        b.line(3, "system calls per request, 64 in flight", ours, most=4.2, stretch=4.0,
               beside=f"bare sal {bare:.2f}")
    except Skip as why:
        b.note(3, f"system calls skipped: {why}")


def bar_4(b):
    requests = 8000 if b.quick else 20000
    bare, ours = b.turns([b.sal(), b.mine()], 3 if b.quick else 5, 1024, requests)
    b.line(4, "requests/s, 1024 in flight, / bare sal", ratio(ours, bare, "rps"), least=1.0,
           stretch=1.12, beside=f"{middle(ours, 'rps'):.0f} / {middle(bare, 'rps'):.0f} per s")


# ---- requests that wait --------------------------------------------------------------------------


def waiting(b):
    """The contenders with 1024 in flight, at 200 ms."""
    commands = [b.sal(8), b.poll(), b.mine()]
    return b.turns(commands, 1 if b.quick else 3, 1024, 4096 if b.quick else 10240, delay=SHORT)


def bar_5(b):
    sal, poll, ours = waiting(b)
    used = f"{middle(ours, 'cpu_us'):.0f} / {{:.0f}} us"
    b.line(5, "CPU per request, 1024 waiting, / bare sal, 8", ratio(ours, sal, "cpu_us"), most=1.25,
           stretch=1.1, beside=used.format(middle(sal, "cpu_us")))
    b.line(5, "CPU per request, 1024 waiting, / bare poll", ratio(ours, poll, "cpu_us"), most=0.5,
           stretch=0.4, bare=ratio(sal, poll, "cpu_us"), beside=used.format(middle(poll, "cpu_us")))


def bar_6(b):
    delay, requests = ("lognormal:500:2000", 2048) if b.quick else (LONG, 4096)
    commands, rounds = [b.poll(), b.mine()], 1 if b.quick else 3
    poll, ours = b.turns(commands, rounds, 1024, requests, delay=delay)
    bare = None
    if ratio(ours, poll, "cpu_us") > 0.3:  # would anybody reach it here?
        sal = b.turns([b.sal(8)], rounds, 1024, requests, delay=delay)[0]
        bare = ratio(sal, poll, "cpu_us")
    beside = f"{middle(ours, 'cpu_us'):.0f} / {middle(poll, 'cpu_us'):.0f} us"
    if b.quick:
        beside += "; with half the delays"
    b.line(6, "CPU per request, 1 s / 4 s, 1024, / bare poll", ratio(ours, poll, "cpu_us"),
           most=0.3, stretch=0.25, beside=beside, bare=bare)


def over_theory(report):
    return report["p50_ms"] - report["server"]["p50_ms"]


def bar_7(b):
    sal, poll, ours = ([over_theory(r) for r in reports] for reports in waiting(b))
    b.line(7, "ms over the median delay, 1024 in flight", median(ours), most=3, stretch=1.5,
           bare=median(sal), beside=f"bare poll {median(poll):.2f}")
    commands = [b.sal(16), b.mine()] if b.quick else [b.sal(16), b.poll(), b.mine()]
    lists = b.turns(commands, 1 if b.quick else 3, 2000, 5000 if b.quick else 16000, delay=SHORT)
    medians = [median([over_theory(r) for r in reports]) for reports in lists]
    b.line(7, "ms over the median delay, 2000 in flight", medians[-1], most=6, stretch=3,
           bare=medians[0], beside="" if b.quick else f"bare poll {medians[1]:.2f}")


# ---- peers ---------------------------------------------------------------------------------------

PEERS = (("undici", 1.9, 2.3, 6000), ("aiohttp", 6, 7.0, 2000), ("requests", 11, 13, 1500),
         ("fetch", 16, 19, 1500), ("httpx", 22, 27, 800))


def bar_8(b):
    for name, least, stretch, requests in PEERS:
        try:
            command = rig.peer(name)
            theirs, ours = [], []
            for _ in range(1 if b.quick else 3):
                theirs.append(b.warm(command, 64, requests))
                ours.append(b.warm(b.mine(), 64, 6000))
        except Skip as why:
            b.note(8, f"{name} skipped: {why}")
            continue
        bare = None
        if ratio(ours, theirs, "rps") < least:
            sal = [b.warm(b.sal(), 64, 6000) for _ in theirs]
            bare = ratio(sal, theirs, "rps") * 0.85  # as bar 1 has it
        b.line(8, f"requests/s, 64 in flight, / {name}", ratio(ours, theirs, "rps"), least=least,
               stretch=stretch, digits=1, bare=bare,
               beside=f"{middle(ours, 'rps'):.0f} / {middle(theirs, 'rps'):.0f} per s")


def by_wrk(b, in_flight):
    command = [rig.need("wrk"), "-t", 1, "-c", in_flight, "-d", "1s", "-s", rig.FOLDER / "wrk.lua"]
    with rig.Server(b.server) as s:
        return rig.run(command + [s.url])


# ---- makespan ------------------------------------------------------------------------------------


def makespan(b, command, slots, follow=0, **server):
    """(seconds, ideal seconds) of a whole job from nothing."""
    with rig.Server(b.server, **server) as s:
        report = rig.run(command + ["-c", slots, "-n", 1600, s.url])
        return report["seconds"], s.stats(slots, follow)["ideal_s"]


def overhead(b, pairs):
    """The ratio to the ideal. Quick runs have a quarter of the delays and the same work."""
    scale = 4 if b.quick else 1
    return median([1 + (took - ideal) / (ideal * scale) for took, ideal in pairs])


def show(b, pairs):
    text = f"{median([p[0] for p in pairs]):.3f} / {median([p[1] for p in pairs]):.3f} s"
    return text + ("; the excess over a quarter, on the whole" if b.quick else "")


def bar_9(b):
    delay = "lognormal:250:1000" if b.quick else LONG
    command = b.mine() if b.stand_in else b.mine("--all")
    rounds = 1 if b.quick else 3
    for slots, most, stretch in ((64, 1.003, 1.001), (256, 1.005, 1.003), (1600, 1.02, 1.015)):
        pairs = [makespan(b, command, slots, delay=delay) for _ in range(rounds)]
        bare = None
        if overhead(b, pairs) > most:
            multis = (slots + 199) // 200
            bare = overhead(b, [makespan(b, b.sal(multis), slots, delay=delay)
                                for _ in range(rounds)])
        b.line(9, f"1600 calls, {slots} at once, / ideal schedule", overhead(b, pairs), most=most,
               stretch=stretch, digits=4, beside=show(b, pairs), bare=bare)


def bar_10(b):
    if b.stand_in:
        raise Skip("the bare loop knows no steps")
    delay, proposals = (("lognormal:250:1000", "lognormal:750:2000") if b.quick
                        else (LONG, "lognormal:3000:8000"))
    pairs = [makespan(b, b.ours + ["step"], 256, 200, delay=delay, proposals=proposals, seed=seed)
             for seed in ((4,) if b.quick else (4, 5, 6))]
    b.line(10, "a step: 8 proposals, 8 x 200 calls, / ideal", overhead(b, pairs), most=1.03,
           stretch=1.01, digits=4, beside=show(b, pairs))


# ---- memory and TLS ------------------------------------------------------------------------------


def bar_11(b):
    sal, _, ours = waiting(b)
    b.line(11, "KB per request in flight, 1024, http", middle(ours, "kb_per_request"), most=24,
           stretch=17, digits=1, bare=middle(sal, "kb_per_request"))
    sal, ours = b.turns([b.sal(8), b.mine()], 1 if b.quick else 3, 1024, 1024, tls=True)
    b.line(11, "KB per request in flight, 1024, https", middle(ours, "kb_per_request"), most=100,
           stretch=90, digits=1, bare=middle(sal, "kb_per_request"))
    found = {}
    for name, command in (("bare", b.poll()), ("ours", b.ours + ["poll"])):
        with rig.Server(b.server, tls=True) as certificates, \
                rig.Server(b.server, warm=1024, delay="fixed:300") as s, \
                rig.nginx_h2(s, certificates) as url:
            more = ["--h2", "--ca", certificates.file("ca.pem"), "-c", 1024, "-n", 1024, "-w", url]
            found[name] = rig.run(command + more)["kb_per_request"]
    b.line(11, "KB per request in flight, 1024, https, h2", found["ours"], most=45, stretch=32,
           digits=1, bare=found["bare"])


def new_connections(b, command):
    with rig.Server(b.server, tls=True, warm=256) as s:
        more = ["-c", 256, "-n", 256, "--ca", s.file("ca.pem"), s.url]
        report = rig.run(command + more)
        report["server"] = s.stats()
        report["certificates"] = s.hello["certificates"]
    return report


def bar_12(b):
    bare, ours = [], []
    for _ in range(3):
        bare.append(new_connections(b, b.sal()))
        ours.append(new_connections(b, b.mine()))
    opened = min(report["server"]["connections"] for report in ours) - 1  # one asked for this
    b.line(12, "ms of CPU per new TLS connection, of 256", middle(ours, "cpu_us") / 1e3, most=1.3,
           stretch=1.0, bare=middle(bare, "cpu_us") / 1e3,
           beside=f"{opened} connections, {ours[0]['certificates']} certificates")
    b.line(12, "s until all 256 have answered", middle(ours, "seconds"), most=0.4, stretch=0.25,
           bare=middle(bare, "seconds"))


# ---- what no bar says ----------------------------------------------------------------------------


def idle(b):
    """CPU of waiting, when all requests are with a server that is silent."""
    more = ["-c", 1000, "-n", 1000, "-w"]
    with rig.Server(b.server, warm=1000, delay="fixed:5000") as s:
        share = rig.share(b.mine() + more + [s.url], lambda: s.stats()["most_in_service"] == 1000)
    b.line("idle", "% of a core, 1000 requests wait in silence", 100 * share, most=1, stretch=0.1,
           digits=3)


def method(b):
    """The bare contenders against each other, beside what was measured on a quiet machine."""
    n, rounds = (6000, 1) if b.quick else (20000, 3)
    sal, eight, poll = b.turns([b.sal(), b.sal(8), b.poll()], rounds, 1024, n)
    more = ratio(eight, sal, "rps")
    b.note("-", f"1024, no delay: requests/s of 8 multi handles / 1: {more:.2f} (1.18)")
    sal, poll, _ = waiting(b)
    b.note("-", f"1024 waiting: CPU of poll / sal, 8: {ratio(poll, sal, 'cpu_us'):.1f} (3.0)")
    try:
        rates = [b.warm(b.sal(), 64, n)["rps"] / by_wrk(b, 64)["rps"] for _ in range(rounds)]
        b.note("-", f"64, no delay: requests/s of sal / wrk, no JSON: {median(rates):.2f} (0.30)")
    except Skip as why:
        b.note("-", f"wrk skipped: {why}")
    plain = new_connections(b, b.sal())["cpu_us"]
    default = new_connections(b, b.sal() + ["--defaults"])["cpu_us"]
    b.note("-", f"new TLS connections: CPU with CApath / without: {default / plain:.0f} (23)")
    took, ideal = makespan(b, b.sal(), 256, delay="lognormal:250:1000")
    b.note("-", f"1600 calls by sal, 256 at once: {took - ideal:.3f} s over the ideal (0.020)")


BARS = {"1": bar_1, "2": bar_2, "3": bar_3, "4": bar_4, "5": bar_5, "6": bar_6, "7": bar_7,
        "8": bar_8, "9": bar_9, "10": bar_10, "11": bar_11, "12": bar_12, "idle": idle,
        "method": method}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="the default")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--bars", help=f"a list of {','.join(BARS)}; default: all but method")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument("--stand-in", action="store_true")
    options = parser.parse_args()
    rig.realtime = options.realtime
    options.bars = options.bars.split(",") if options.bars else [n for n in BARS if n != "method"]
    for name in options.bars:
        if name not in BARS:
            parser.error(f"there is no bar {name}")
    return options


def main():
    options = arguments()
    b = Bench(options)
    began, busy, own = time.monotonic(), rig.busy(), rig.own()
    if rig.cores()[0] == rig.cores()[1]:
        b.note("-", "one core for client and server: ratios are flatter than on two")
    print(f"{'bar':>4}  {'what':<44} {'measured':>9}  {'bar':<9} {'stretch':<7} verdict")
    for name in options.bars:
        try:
            BARS[name](b)
        except Skip as why:
            b.note(name, f"skipped: {why}")
    took = time.monotonic() - began
    others = max(0, rig.busy() - busy - (rig.own() - own)) / took
    held = b.bars - b.missed - b.undecided
    print(f"{held} of {b.bars} hold, {b.undecided} undecided; {took:.0f} s")
    if others > 0.3:
        print(f"other programs used {others:.1f} of {os.cpu_count()} cores: trust ratios little")
    sys.exit(1 if options.strict and b.missed else 0)


if __name__ == "__main__":
    main()
