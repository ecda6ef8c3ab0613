# SPDX-License-Identifier: MIT
"""One request and what a case does with it."""

import json
import time

import replies
from wire import PATIENCE, Gone

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Slow Down"}


class Exchange:
    """What a case plays with. Its number `count` says which request of its CASE~TAG this is."""

    def __init__(self, server, conn, request):
        self.server = server
        self.conn = conn
        self.request = request
        self.argument = None
        self.count = 0

    # What was asked

    @property
    def asked(self):
        """The JSON body; {} if there is none."""
        try:
            found = json.loads(self.request.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def dialect(self):
        """The name of the API whose path was asked for."""
        path = self.request.path
        if path.endswith("/chat/completions"):
            return "chat"
        for dialect in ("completions", "responses", "messages"):
            if path.endswith("/" + dialect):
                return dialect
        return "gemini" if path.endswith(":generateContent") else "chat"

    @property
    def samples(self):
        """How many choices the request wants."""
        if self.dialect == "gemini":
            config = self.asked.get("generationConfig")
            wanted = config.get("candidateCount", 1) if isinstance(config, dict) else 1
        else:
            wanted = self.asked.get("n", 1)
        return wanted if isinstance(wanted, int) and 1 <= wanted <= 128 else 1

    def texts(self, samples=None):
        """`reply K.I` for every choice I of request K, so that a test knows whose it has got."""
        samples = self.samples if samples is None else samples
        return ["reply %d.%d" % (self.count, i) for i in range(samples)]

    def good(self, texts=None, **more):
        """A good body in the dialect of the request."""
        texts = self.texts() if texts is None else texts
        model = self.asked.get("model", "test-model")
        return replies.good(self.dialect, texts, model=model, **more)

    # What is answered

    def send(self, data):
        """Bytes as they are."""
        self.conn.send(data.encode("latin-1") if isinstance(data, str) else data)

    @staticmethod
    def head(*headers, status=200, reason=None, kind="application/json"):
        """The status line and the headers; nothing says where the body ends but them."""
        lines = ["HTTP/1.1 %d %s" % (status, reason or REASONS.get(status, "Said So"))]
        if kind:
            lines.append("Content-Type: " + kind)
        return ("\r\n".join(lines + list(headers)) + "\r\n\r\n").encode("latin-1")

    def start(self, *headers, **more):
        """Sends a head; what comes then is up to the case."""
        self.send(self.head(*headers, **more))

    def reply(self, body=None, *headers, status=200, kind="application/json"):
        """A whole answer with the right length. No body: a good one."""
        data = self.encode(self.good() if body is None else body)
        length = "Content-Length: %d" % len(data)
        self.send(self.head(length, *headers, status=status, kind=kind) + data)

    @staticmethod
    def encode(body):
        """Bytes as they are, text as UTF-8, anything else as JSON."""
        if isinstance(body, bytes):
            return body
        return (body if isinstance(body, str) else json.dumps(body)).encode()

    def body(self):
        """A good body as bytes."""
        return self.encode(self.good())

    def whole(self):
        """A good answer as bytes, for those who cut it or say something before it."""
        data = self.body()
        return self.head("Content-Length: %d" % len(data)) + data

    def chunk(self, data):
        """One chunk; an empty one is the last."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    # The end, and the time before it

    def pause(self, milliseconds):
        """Nothing for a while; Gone if the client does not wait for it."""
        if self.conn.wait_gone(milliseconds / 1000):
            raise Gone

    def hang(self):
        """Nothing more until the client leaves."""
        self.conn.wait_gone()
        raise Gone

    def close(self):
        """The connection ends in an orderly way."""
        self.conn.close()

    def reset(self):
        """The connection ends with RST."""
        self.conn.reset()

    def for_ever(self, data, pause=0):
        """The same bytes again and again, until the client has enough of it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.send(data)
            if pause:
                time.sleep(pause / 1000)
        self.close()
