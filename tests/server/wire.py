# SPDX-License-Identifier: MIT
"""A connection, byte by byte, and the HTTP/1.1 requests that come in on it."""

import socket
import struct
import time

HEAD_LIMIT = 1 << 20
BODY_LIMIT = 64 << 20
PATIENCE = 120  # seconds that a silent server waits for its client to leave


class Gone(Exception):
    """The peer has left, or there is nothing more to say on this connection."""


class Request:
    """Method, target, [(name, value), ...] and, once it has been read, the body."""

    def __init__(self, method, target, headers):
        self.method = method
        self.target = target
        self.headers = headers
        self.body = b""

    def header(self, name, default=""):
        """The first header of this name, in any case."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), default)

    @property
    def path(self):
        """The target without its query, and without scheme and host if a proxy was asked."""
        path = self.target.split("?", 1)[0]
        if "://" in path:
            path = "/" + path.split("://", 1)[1].partition("/")[2]
        return path


class Connection:
    """A socket with a buffer. Whoever finds the peer gone raises Gone."""

    def __init__(self, sock, port_name, watched=False):
        self.sock = sock
        self.port_name = port_name
        self.watched = watched
        self.raw = bytearray()  # what was received, if watched: where no key may ever arrive
        self.buffer = bytearray()
        self.cases = set()  # the cases that it has carried requests for
        self.requests = 0
        self.open = True

    def fill(self):
        """More bytes into the buffer."""
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            raise Gone
        self.buffer += data
        self.watch(data)

    def watch(self, data):
        """Keeps what came in for the search of the canary."""
        if self.watched and len(self.raw) < HEAD_LIMIT:
            self.raw += data

    def read_until(self, mark, limit=HEAD_LIMIT):
        """What comes before the mark; the mark is dropped."""
        while mark not in self.buffer:
            if len(self.buffer) > limit:
                raise Gone
            self.fill()
        found, _, rest = bytes(self.buffer).partition(mark)
        self.buffer = bytearray(rest)
        return found

    def read(self, size):
        """Exactly so many bytes."""
        while len(self.buffer) < size:
            self.fill()
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def read_head(self):
        """The next request without its body; None for what is no HTTP, such as TLS."""
        while len(self.buffer) < 1:
            self.fill()
        if self.buffer[0] in (0x16, 0x80):
            return None
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, _, rest = lines[0].partition(" ")
        headers = [tuple(part.strip() for part in line.partition(":")[::2]) for line in lines[1:]]
        return Request(method, rest.rpartition(" ")[0], headers)

    def read_body(self, request):
        """Fills in the body of the request, which has a length or chunks."""
        if "chunked" in request.header("Transfer-Encoding").lower():
            while True:
                size = int(self.read_until(b"\r\n").split(b";")[0], 16)
                request.body += self.read(size)
                self.read_until(b"\r\n")
                if size == 0 or len(request.body) > BODY_LIMIT:
                    return
        size = int(request.header("Content-Length", "0"))
        if size > BODY_LIMIT:
            raise Gone
        request.body = self.read(size)

    def send(self, data):
        """All of it."""
        try:
            self.sock.sendall(data)
        except OSError:
            raise Gone from None

    def close(self):
        """The orderly end: FIN, and under TLS no close_notify before it."""
        self.open = False
        try:
            self.sock.close()
        except OSError:
            pass

    def reset(self):
        """The end with RST: what the kernel has not sent yet is thrown away."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.shutdown(socket.SHUT_RD)  # wakes the thread that may be reading
        except OSError:
            pass
        self.close()

    def half_close(self):
        """No more from here; what comes in is still read."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            raise Gone from None

    def wait_gone(self, seconds=PATIENCE):
        """Says nothing until the peer leaves or the time is over. True: it has left."""
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                self.sock.settimeout(max(0.001, end - time.monotonic()))
                try:
                    data = self.sock.recv(65536)
                except (BlockingIOError, TimeoutError, socket.timeout):
                    continue
                if not data:
                    return True
                self.watch(data)
            self.sock.settimeout(None)
            return False
        except OSError:
            return True
