# SPDX-License-Identifier: MIT
"""Framing of HTTP/1.1: early ends, lengths that lie, broken chunks, odd headers and statuses."""

import gzip

from registry import add, case

# The end of a connection


@case("ok", "a good answer in the dialect of the request")
def _ok(x):
    x.reply()


@case("close", "the connection ends without an answer", number=4)
def _close(x):
    x.close()


@case("close-once", "the first connection ends without an answer")
def _close_once(x):
    if x.count == 1:
        x.close()
    else:
        x.reply()


@case("close-mid-headers", "the connection ends in the middle of the headers", number=4)
def _close_mid_headers(x):
    x.send(x.whole()[:40])
    x.close()


@case("rst", "RST without an answer", number=5)
def _rst(x):
    x.reset()


@case("reset", "the first N bytes of a good answer, then RST", number=55, argument=100)
def _reset(x):
    x.send(x.whole()[: x.argument])
    x.pause(5)  # what has been sent has been read by now, or it is lost with the RST
    x.reset()


@case("cut", "the first N bytes of a good answer, then an orderly end", argument=100)
def _cut(x):
    x.send(x.whole()[: x.argument])
    x.close()


@case("reply-before-body", "413 before the body of the request has been read", early=True)
def _reply_before_body(x):
    x.reply({"error": {"message": "too large"}}, "Connection: close", status=413)
    x.close()


@case("connection-close", "Connection: close, and then it stays open")
def _connection_close(x):
    x.reply(None, "Connection: close")
    x.hang()


@case("second-answer", "another answer right behind a good one", number=54)
def _second_answer(x):
    data = x.body().replace(b"reply ", b"smuggled ")
    x.send(x.whole() + b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data))


# Idle connections


@case("keepalive-race", "the idle connection ends as soon as a second request comes on it")
def _keepalive_race(x):
    if x.conn.requests > 1:
        x.close()
    else:
        x.reply()


@case("keepalive-reset", "RST as soon as a second request comes on a connection")
def _keepalive_reset(x):
    if x.conn.requests > 1:
        x.reset()
    else:
        x.reply()


@case("keepalive-closed", "a good answer that says keep-alive, and the end of the connection")
def _keepalive_closed(x):
    x.reply(None, "Connection: keep-alive", "Keep-Alive: timeout=60")
    x.close()


@case("keepalive-half-closed", "after a good answer nothing more comes, but all is read")
def _keepalive_half_closed(x):
    x.reply(None, "Connection: keep-alive")
    x.conn.half_close()
    x.hang()


# Lengths


def with_length(length, cut=None, more=(), end=True):
    """Plays a good body below headers with this value of Content-Length (or without it)."""

    def play(x):
        data = x.body()
        value = length(len(data)) if callable(length) else length
        lines = [] if value is None else ["Content-Length: %s" % value]
        x.send(x.head(*lines, *more) + data[:cut])  # in one piece, so that too much is seen
        if end:
            x.close()

    return play


add("length-too-large", "the body is shorter than its length", with_length(lambda n: n + 100),
    number=6)
add("length-10gb", "a length of 10 GB", with_length("10737418240"), number=7)
add("length-too-small", "the body is longer than its length", with_length("10"), number=8)
add("length-negative", "a length of -1", with_length("-1"), number=9)
add("length-text", "a length that is a word", with_length("many"), number=10)
add("length-20-digits", "a length of 20 digits", with_length("9" * 20), number=11)
add("length-twice", "two lengths, the right one and another",
    with_length(lambda n: n, more=["Content-Length: 3"]), number=12)
add("length-and-chunked", "a length, and chunks that are none",
    with_length(lambda n: n, more=["Transfer-Encoding: chunked"]), number=13)
add("no-length", "no length; the end of the connection is the end of the body",
    with_length(None), number=14)
add("no-length-cut", "no length, and half a body", with_length(None, cut=60), number=14)


@case("no-length-reset", "no length, and RST in the middle of the body", number=15)
def _no_length_reset(x):
    x.start()
    x.send(x.body()[:60])
    x.pause(20)
    x.reset()


# Chunks


def chunked(make, end=True, trailer=""):
    """Plays chunks: make(body) gives them as bytes."""

    def play(x):
        x.start("Transfer-Encoding: chunked")
        x.send(make(x.body()))
        x.send(trailer)
        if end:
            x.close()

    return play


def one(data, size=None, extension="", end="\r\n"):
    """A chunk with whatever is said to be its size."""
    size = "%x" % len(data) if size is None else size
    return (size + extension + "\r\n").encode() + data + end.encode()


LAST = b"0\r\n\r\n"

add("chunks", "two chunks", chunked(lambda b: one(b[:50]) + one(b[50:]) + LAST, end=False))
add("chunk-bad-size", "a size that is no number", chunked(lambda b: one(b, "zzz") + LAST),
    number=16)
add("chunk-huge-size", "a size of 2^80", chunked(lambda b: one(b, "1" + "0" * 20) + LAST),
    number=17)
add("chunk-negative", "a size of -1", chunked(lambda b: one(b, "-1") + LAST), number=18)
add("chunk-no-crlf", "chunks without a line end between them",
    chunked(lambda b: one(b[:50], end="") + one(b[50:]) + LAST), number=19)
add("chunk-cut", "the end in the middle of a chunk",
    chunked(lambda b: one(b, "%x" % (len(b) + 100), end="")), number=20)
add("chunk-no-last", "all chunks but the last, empty one", chunked(one), number=21)
add("chunk-trailer-200k", "a trailer of 200 KB",
    chunked(lambda b: one(b) + b"0\r\n", trailer="X-Long: " + "x" * 200000 + "\r\n\r\n"),
    number=22)
add("chunk-extension-100k", "a chunk with an extension of 100 KB",
    chunked(lambda b: one(b, extension=";x=" + "x" * 100000) + LAST), number=23)
add("chunk-bytes", "a chunk for every byte",
    chunked(lambda b: b"".join(one(b[i : i + 1]) for i in range(len(b))) + LAST),
    number=24)

# Encodings that nobody asked for


def encoded(encoding, change):
    """Plays a body that has been changed and says how."""

    def play(x):
        x.reply(change(x.body()), "Content-Encoding: " + encoding)

    return play


add("gzip", "a good body, compressed although nobody asked for it", encoded("gzip", gzip.compress))
add("not-gzip", "a plain body that says it is compressed", encoded("gzip", lambda b: b), number=27)
add("unknown-encoding", "a body in an encoding that does not exist",
    encoded("libopro", lambda b: b), number=28)
add("gzip-ten-layers", "a body that says it is compressed ten times",
    encoded(", ".join(["gzip"] * 10), gzip.compress), number=29)
add("gzip-cut", "a compressed body without its last bytes",
    encoded("gzip", lambda b: gzip.compress(b)[:-14]), number=30)

# Headers


def with_header(line):
    """Plays a good answer with this line, as it is, among its headers."""

    def play(x):
        head, _, rest = x.whole().partition(b"\r\n")
        x.send(head + b"\r\n" + line + b"\r\n" + rest)

    return play


add("header-nul", "a NUL byte in a header", with_header(b"X-Nul: a\0b"), number=35)
add("header-no-colon", "a header without a colon", with_header(b"no colon here"), number=36)
add("header-folded", "a header that goes on in the next line", with_header(b"X-Long: a\r\n b"),
    number=37)
add("header-latin1", "a header that is not UTF-8", with_header(b"X-Name: \xe9\xff\x80"), number=38)
add("header-escape", "a request id with terminal escapes in it",
    with_header(b"x-request-id: \x1b[31mred\x1b[0m"))


@case("cookie", "503 that sets a cookie; then 400 if the cookie comes back", number=53)
def _cookie(x):
    if x.count == 1:
        x.reply({"error": {"message": "busy"}}, "Set-Cookie: a=b; Path=/", status=503)
    elif x.request.header("Cookie"):
        x.reply({"error": {"message": "a cookie came back"}}, status=400)
    else:
        x.reply()


# Status lines


def with_status(line):
    """Plays a good answer below this status line."""

    def play(x):
        x.send(line + b"\r\n" + x.whole().partition(b"\r\n")[2])
        x.close()

    return play


add("status-junk", "a first line that is not HTTP", with_status(b"hello, world"), number=39)
add("status-000", "status 000", with_status(b"HTTP/1.1 000 Nothing"), number=39)
add("status-20", "a status of two digits", with_status(b"HTTP/1.1 20 OK"), number=39)
add("status-999", "status 999", with_status(b"HTTP/1.1 999 Beyond"), number=40)
add("status-http2", "HTTP/2.0 in the status line of a plain answer",
    with_status(b"HTTP/2.0 200 OK"), number=41)
add("status-201", "status 201 with a good body", with_status(b"HTTP/1.1 201 Created"))
add("status-206", "status 206 with a good body", with_status(b"HTTP/1.1 206 Partial Content"))


@case("status-http09", "a body without any status or header, as in HTTP/0.9", number=39)
def _status_http09(x):
    x.send(x.body())
    x.close()


@case("informational", "100, 100, 100 and 103 before a good answer", number=42)
def _informational(x):
    x.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 3)
    x.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\nRetry-After: 99\r\n\r\n")
    x.reply()


@case("status-101", "the server switches to another protocol", number=44)
def _status_101(x):
    x.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
    x.send(x.body())
    x.close()


@case("status-204", "status 204, which has no body", number=45)
def _status_204(x):
    x.start(status=204, kind=None)


@case("status-304", "status 304, which has no body", number=45)
def _status_304(x):
    x.start("ETag: x", status=304, kind=None)
