# SPDX-License-Identifier: MIT
"""HTTP/2: goodbyes, resets, broken rules and floods. For the port "h2"."""

import struct

from h2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    HEADERS,
    INTERNAL_ERROR,
    MAX_CONCURRENT_STREAMS,
    NO_ERROR,
    PING,
    PUSH_PROMISE,
    REFUSED_STREAM,
    SETTINGS,
    frame,
)
from registry import case
from wire import Gone

FLOOD = 4000  # frames in one piece


def setting(key, value):
    """The payload of SETTINGS with one entry."""
    return struct.pack(">HI", key, value)


def flood(exchange, piece, pieces=500):
    """The same frames again and again; the client must have enough of it before the end."""
    for _ in range(pieces):
        exchange.send(piece)
    exchange.hang()


@case("h2-goaway-before", "GOAWAY: the request was not looked at", number=65, port="h2")
def _goaway_before(x):
    x.goaway(0, NO_ERROR)
    x.close()


@case("h2-goaway-calm", "GOAWAY with ENHANCE_YOUR_CALM", number=65, port="h2")
def _goaway_calm(x):
    x.goaway(0, ENHANCE_YOUR_CALM)
    x.close()


@case("h2-goaway-once", "GOAWAY for the first request; all is well after it", number=65, port="h2")
def _goaway_once(x):
    if x.count > 1:
        x.reply()
    else:
        _goaway_before(x)


@case("h2-goaway-after", "a good answer, then GOAWAY", number=65, port="h2")
def _goaway_after(x):
    x.reply()
    x.goaway(x.stream, NO_ERROR)
    x.close()


@case("h2-goaway-mid-body", "GOAWAY and the end in the middle of a body", number=66, port="h2")
def _goaway_mid_body(x):
    x.headers()
    x.frame(DATA, 0, x.body()[:60])
    x.goaway(x.stream, NO_ERROR)
    x.close()


@case("h2-rst-refused", "the stream is refused", number=67, port="h2")
def _rst_refused(x):
    x.rst(REFUSED_STREAM)


@case("h2-rst-internal", "the stream ends with an internal error", number=68, port="h2")
def _rst_internal(x):
    x.rst(INTERNAL_ERROR)


@case("h2-rst-mid-body", "the stream ends without error in the middle of a body", number=69,
      port="h2")
def _rst_mid_body(x):
    x.headers()
    x.frame(DATA, 0, x.body()[:60])
    x.rst(NO_ERROR)


@case("h2-rst-mid-body-internal", "an internal error in the middle of a body", number=69, port="h2")
def _rst_mid_body_internal(x):
    x.headers()
    x.frame(DATA, 0, x.body()[:40])
    x.rst(INTERNAL_ERROR)


@case("h2-bad-hpack", "headers that refer to an entry that is not there", number=70, port="h2")
def _bad_hpack(x):
    x.frame(HEADERS, END_HEADERS, b"\xff\xff\xff\x7f")
    x.hang()


@case("h2-no-status", "headers without :status", number=71, port="h2")
def _no_status(x):
    x.frame(HEADERS, END_HEADERS, b"\0\x01x\x01y")
    x.frame(DATA, END_STREAM, x.body())


@case("h2-frame-too-large", "a DATA frame larger than any that is allowed", number=72, port="h2")
def _frame_too_large(x):
    x.headers()
    x.frame(DATA, END_STREAM, x.body() + b" " * 100000)
    x.hang()


@case("h2-continuation-flood", "headers that never end", number=73, port="h2")
def _continuation_flood(x):
    x.frame(HEADERS, 0, b"\0\x01x\x01y")
    flood(x, frame(CONTINUATION, 0, x.stream, b"\0\x01x\x01y" * 100) * 40)


@case("h2-ping-flood", "pings without end", number=74, port="h2")
def _ping_flood(x):
    flood(x, frame(PING, 0, 0, b"12345678") * FLOOD)


@case("h2-settings-flood", "settings without end", number=75, port="h2")
def _settings_flood(x):
    flood(x, frame(SETTINGS, 0, 0, setting(MAX_CONCURRENT_STREAMS, 100)) * FLOOD)


@case("h2-empty-data-flood", "empty DATA frames without end", number=76, port="h2")
def _empty_data_flood(x):
    x.headers()
    flood(x, frame(DATA, 0, x.stream) * FLOOD)


@case("h2-push", "a promise that nobody asked for", number=77, port="h2")
def _push(x):
    x.frame(PUSH_PROMISE, END_HEADERS, struct.pack(">I", 2) + b"\x82\x87\x84\x01\x04evil")
    x.reply()
    x.hang()


@case("h2-no-streams", "no stream is allowed at any time, and no answer", number=78, port="h2")
def _no_streams(x):
    x.frame(SETTINGS, 0, setting(MAX_CONCURRENT_STREAMS, 0), stream=0)
    x.hang()


@case("h2-hang", "no answer", port="h2")
def _hang(x):
    x.hang()


@case("h2-reset", "the whole connection ends with RST", port="h2")
def _reset(x):
    x.headers()
    x.reset()
    raise Gone


@case("h2-length-too-large", "the stream ends before the content-length that it gave", port="h2")
def _length_too_large(x):
    data = x.body()
    x.headers(("content-length", str(len(data) + 100)))
    x.frame(DATA, END_STREAM, data)


@case("h2-length-too-small", "more bytes than the content-length says", port="h2")
def _length_too_small(x):
    x.headers(("content-length", "10"))
    x.frame(DATA, END_STREAM, x.body())


@case("h2-no-body", "headers end the stream", port="h2")
def _no_body(x):
    x.headers(flags=END_HEADERS | END_STREAM)


@case("h2-upper-case", "a header whose name is in capitals", port="h2")
def _upper_case(x):
    x.headers(("X-Loud", "yes"))
    x.frame(DATA, END_STREAM, x.body())
