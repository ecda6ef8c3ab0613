# SPDX-License-Identifier: MIT
"""Servers that are slow, or silent, or that die for a while."""

from registry import case
from wire import Gone

STEP = 100  # milliseconds between the signs of life of a slow server


def drip(x, data, pause):
    """Bytes one by one."""
    for byte in data:
        x.send(bytes([byte]))
        x.pause(pause)


@case("late", "a good answer after N ms", argument=300)
def _late(x):
    x.pause(x.argument)
    x.reply()


@case("hang", "no answer", number=1)
def _hang(x):
    x.hang()


@case("slow-headers", "headers, a byte every N ms", number=2, argument=STEP)
def _slow_headers(x):
    drip(x, x.whole(), x.argument)


@case("slow-body", "headers, then the body, a byte every N ms", number=3, argument=STEP)
def _slow_body(x):
    data = x.body()
    x.start("Content-Length: %d" % len(data))
    drip(x, data, x.argument)


@case("hang-after-headers", "headers, then nothing")
def _hang_after_headers(x):
    x.start("Content-Length: 1000")
    x.hang()


@case("hang-mid-body", "half a body, then nothing")
def _hang_mid_body(x):
    data = x.whole()
    x.send(data[: len(data) - 100])
    x.hang()


@case("hang-at-the-end", "a whole body in chunks, but the last chunk never comes")
def _hang_at_the_end(x):
    x.start("Transfer-Encoding: chunked")
    x.chunk(x.body())
    x.hang()


@case("hang-once", "no answer to the first request")
def _hang_once(x):
    if x.count == 1:
        x.hang()
    x.reply()


@case("drip", "a good answer, spread evenly over N ms", argument=400)
def _drip(x):
    data = x.whole()
    for i in range(10):
        x.send(data[len(data) * i // 10 : len(data) * (i + 1) // 10])
        x.pause(x.argument / 10)


@case("blank-lines", "blank lines for N ms, to keep the connection alive, then a good answer",
      argument=1200)
def _blank_lines(x):
    x.start("Transfer-Encoding: chunked")
    for _ in range(x.argument // STEP):
        x.chunk(b"\n")
        x.pause(STEP)
    x.chunk(x.body())
    x.chunk(b"")


@case("blank-lines-for-ever", "blank lines, and nothing else")
def _blank_lines_for_ever(x):
    x.start("Transfer-Encoding: chunked")
    while True:
        x.chunk(b"\n")
        x.pause(STEP)


@case("dies", "the port resets all its connections and is closed for N ms; then all is well",
      argument=300, port="mortal")
def _dies(x):
    if x.count == 1:
        x.server.listeners["mortal"].down(x.argument)
        raise Gone
    x.reply()
