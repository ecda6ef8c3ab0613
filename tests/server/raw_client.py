# SPDX-License-Identifier: MIT
"""The other side, for the tests of the server: it takes whatever comes and says how it ended."""

import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import time

import h2
import hpack

HERE = os.path.dirname(os.path.abspath(__file__))
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
EARLY = re.compile(rb"\A(?:HTTP/1.1 10[03] .*?\r\n\r\n)*", re.DOTALL)
MOST = 12 << 20  # bytes that are taken; enough to see that something is endless


class Running:
    """A server of its own."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "fault_server.py"), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        ready = json.loads(self.process.stdout.readline())
        self.ports = ready["ports"]
        self.files = ready["files"]

    def stop(self):
        """As a test does that ends. The exit status."""
        self.process.stdin.close()
        status = self.process.wait(10)
        self.process.stdout.close()
        return status

    def connect(self, port="plain", seconds=5.0):
        """A connection to a port by its name."""
        return socket.create_connection(("127.0.0.1", self.ports[port]), seconds)

    def control(self, target):
        """The answer to a control request."""
        with self.connect(seconds=5) as sock:
            sock.sendall(("GET %s HTTP/1.1\r\nConnection: close\r\n\r\n" % target).encode())
            return json.loads(answer(sock, 5).body)

    def ask(
        self, case, path="/v1/chat/completions", port="plain", seconds=5.0, after=0.02, **asked
    ):
        """One request of a case on a connection of its own."""
        with self.connect(port, seconds) as sock:
            sock.sendall(request("/" + case + path, asked))
            return answer(sock, seconds, after)

    def tls(self, port, name="127.0.0.1", protocols=()):
        """A TLS connection that trusts the throw-away authority alone."""
        context = ssl.create_default_context(cafile=self.files["ca"])
        # Some versions of Python pass over an end without a notice.
        context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        sock = self.connect(port, 5)
        try:
            return context.wrap_socket(
                sock, server_hostname=name, suppress_ragged_eofs=False
            )
        except BaseException:
            sock.close()
            raise


def request(target, asked=None, headers=()):
    """A POST as bytes."""
    body = json.dumps({**ASKED, **(asked or {})}).encode()
    head = ["POST %s HTTP/1.1" % target, "Host: x", "Content-Length: %d" % len(body), *headers]
    return "\r\n".join(head + ["", ""]).encode() + body


class Answer:
    """Bytes, and how they ended: "closed", "reset", "silent" or "endless"."""

    def __init__(self, data, ending):
        self.data = data
        self.ending = ending
        self.head, _, rest = data.partition(b"\r\n\r\n")
        lines = self.head.decode("latin-1").split("\r\n")
        self.first = lines[0]
        pairs = [line.partition(":")[::2] for line in lines[1:]]
        self.headers = {name.strip().lower(): value.strip() for name, value in pairs}
        self.rest = rest
        self.body = unchunked(rest) if "transfer-encoding" in self.headers else rest

    @property
    def status(self):
        """The status, 0 if there is none."""
        word = self.first.split(" ")[1:2]
        return int(word[0]) if word and word[0].isdigit() else 0

    @property
    def whole(self):
        """Whether the body is as long as it ought to be."""
        length = self.headers.get("content-length")
        return length is not None and length.isdigit() and int(length) == len(self.rest)


def unchunked(data):
    """The good chunks of a body."""
    body = b""
    while True:
        size, mark, data = data.partition(b"\r\n")
        try:
            size = int(size.split(b";")[0], 16)
        except ValueError:
            return body
        if not mark or size <= 0:
            return body
        body += data[:size]
        data = data[size + 2 :]


def missing(data):
    """How many bytes of an answer are still to come, if it says that at all."""
    start = EARLY.match(data[:65536]).end()
    found = Answer(bytes(data[start : start + 65536]), "")
    length = found.headers.get("content-length", "")
    return start + len(found.head) + 4 + int(length) - len(data) if length.isdigit() else None


def answer(sock, seconds=5.0, after=0.02):
    """Reads until the end, for so many seconds, and for `after` seconds behind a whole answer."""
    data, end = bytearray(), time.monotonic() + seconds
    ending = "silent"
    while True:
        left, more = end - time.monotonic(), missing(data)
        if more is not None and more <= 0:
            left = min(left, after)
        if left <= 0:
            break
        if len(data) > MOST:
            ending = "endless"
            break
        sock.settimeout(left)
        try:
            more = sock.recv(1 << 20)
        except socket.timeout:
            break
        except OSError:
            ending = "reset"
            break
        if not more:
            ending = "closed"
            break
        data += more
    return Answer(bytes(data), ending)


def frames_of(sock, target, most=2000):
    """Asks for a target over HTTP/2. [(kind, flags, stream, payload), ...] and the ending."""
    body = json.dumps(ASKED).encode()
    headers = [(":method", "POST"), (":scheme", "https"), (":path", target), (":authority", "x")]
    sock.sendall(
        h2.PREFACE
        + h2.frame(h2.SETTINGS, 0, 0)
        + h2.frame(h2.HEADERS, h2.END_HEADERS, 1, hpack.encode(headers))
        + h2.frame(h2.DATA, h2.END_STREAM, 1, body)
    )
    frames, data = [], b""
    sock.settimeout(2)
    while len(frames) < most:
        try:
            more = sock.recv(65536)
        except socket.timeout:
            return frames, "silent"
        except OSError:
            return frames, "reset"
        if not more:
            return frames, "closed"
        data += more
        while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
            size = int.from_bytes(data[:3], "big")
            kind, flags, stream = struct.unpack(">BBI", data[3:9])
            frames.append((kind, flags, stream, data[9 : 9 + size]))
            data = data[9 + size :]
    return frames, "endless"
