# SPDX-License-Identifier: MIT
"""HTTP/2 of hand-made frames: enough to read requests, and to break every rule in the answer."""

import struct
import time

import hpack
import http1
from exchange import Exchange
from wire import Gone, Request

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    0, 1, 3, 4, 5, 6, 7, 8, 9,
)
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8
PRIORITY = 32
MAX_CONCURRENT_STREAMS = 3
NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM, ENHANCE_YOUR_CALM = 0, 2, 7, 11
CHUNK = 16384


def frame(kind, flags, stream, payload=b""):
    """A frame as bytes."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Silence(Exception):
    """No more on this stream; the connection goes on."""


class Stream(Exchange):
    """A request on a stream. `reply` is as in HTTP/1.1; cases of HTTP/2 send frames."""

    def __init__(self, server, conn, request, stream):
        super().__init__(server, conn, request)
        self.stream = stream

    def frame(self, kind, flags=0, payload=b"", stream=None):
        """Sends a frame, on the stream of the request unless another is named."""
        self.send(frame(kind, flags, self.stream if stream is None else stream, payload))

    def headers(self, *more, status=200, flags=END_HEADERS):
        """Sends the headers of an answer."""
        headers = [(":status", str(status)), ("content-type", "application/json"), *more]
        self.frame(HEADERS, flags, hpack.encode(headers))

    def reply(self, body=None, *headers, status=200, kind="application/json"):
        """A whole answer; header lines are given as for HTTP/1.1."""
        data = self.encode(self.good() if body is None else body)
        pairs = [line.partition(":")[::2] for line in headers]
        more = [(name.lower(), value.strip()) for name, value in pairs]
        block = [(":status", str(status)), ("content-type", kind), *more]
        self.frame(HEADERS, END_HEADERS, hpack.encode(block))
        for at in range(0, len(data), CHUNK):
            self.frame(DATA, 0, data[at : at + CHUNK])
        self.frame(DATA, END_STREAM)

    def pause(self, milliseconds):
        """Nothing for a while, on no stream."""
        time.sleep(milliseconds / 1000)

    def hang(self):
        """Nothing more, but other streams are served."""
        raise Silence

    def rst(self, code):
        """Ends the stream alone."""
        self.frame(RST_STREAM, 0, struct.pack(">I", code))

    def goaway(self, last, code):
        """Says that no stream after `last` was or will be looked at."""
        self.frame(GOAWAY, 0, struct.pack(">II", last, code), stream=0)


class Session:
    """The reading side of a connection."""

    def __init__(self, server, conn):
        self.server = server
        self.conn = conn
        self.decoder = hpack.Decoder()
        self.waiting = {}  # stream -> a request whose body is still coming

    def read_frame(self):
        """(kind, flags, stream, payload)"""
        head = self.conn.read(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream & 0x7FFFFFFF, self.conn.read(int.from_bytes(head[:3], "big"))

    def run(self):
        """Requests, until the client leaves."""
        if self.conn.read(len(PREFACE)) != PREFACE:
            raise Gone
        self.conn.send(frame(SETTINGS, 0, 0))
        while self.conn.open:
            self.take(*self.read_frame())

    def take(self, kind, flags, stream, payload):
        """One frame of the client's."""
        if kind == SETTINGS and not flags & ACK:
            self.conn.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.conn.send(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            raise Gone
        elif kind == HEADERS:
            self.begin(flags, stream, payload)
        elif kind == DATA and stream in self.waiting:
            self.waiting[stream].body += payload
            if payload:
                room = struct.pack(">I", len(payload))
                self.conn.send(frame(WINDOW_UPDATE, 0, 0, room))
                self.conn.send(frame(WINDOW_UPDATE, 0, stream, room))
        if kind in (HEADERS, DATA) and flags & END_STREAM and stream in self.waiting:
            self.play(stream)

    def begin(self, flags, stream, payload):
        """The headers of a request, which may go on in CONTINUATION."""
        if flags & PADDED:
            payload = payload[1 : len(payload) - payload[0]]
        if flags & PRIORITY:
            payload = payload[5:]
        while not flags & END_HEADERS:
            _, flags, _, more = self.read_frame()
            payload += more
        headers = self.decoder.decode(payload)
        pseudo = dict(h for h in headers if h[0].startswith(":"))
        plain = [h for h in headers if not h[0].startswith(":")]
        self.waiting[stream] = Request(pseudo[":method"], pseudo[":path"], plain)

    def play(self, stream):
        """The request is complete."""
        request = self.waiting.pop(stream)
        exchange = Stream(self.server, self.conn, request, stream)
        if request.path.startswith("/_"):
            http1.control(self.server, exchange)
        else:
            try:
                http1.play(self.server, exchange, read_body=lambda _request: None)
            except Silence:
                pass


def speak(server, conn):
    """HTTP/2 until one side has enough."""
    Session(server, conn).run()
