# SPDX-License-Identifier: MIT
"""Answers that are too large in one way or another. A client has its own caps."""

import struct
import zlib

from registry import case

MIB = 1 << 20


def bomb(mebibytes):
    """A gzip stream that becomes so many MiB of zeros: the same compressed block, repeated."""
    piece = bytes(MIB)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(mebibytes):
        check = zlib.crc32(piece, check)
    head, last = b"\x1f\x8b\x08" + bytes(6) + b"\xff", b"\x03\x00"
    return head + block * mebibytes + last + struct.pack("<II", check, mebibytes * MIB)


@case("endless-body", "chunks for ever", number=25)
def _endless_body(x):
    x.start("Transfer-Encoding: chunked")
    x.for_ever(b"10000\r\n" + b" " * 65536 + b"\r\n")


@case("endless-plain-body", "a body without a length that never ends", number=25)
def _endless_plain_body(x):
    x.start()
    x.for_ever(b" " * 65536)


@case("body-9m", "a good answer behind 9 MiB of white space, in chunks", number=25)
def _body_9m(x):
    x.start("Transfer-Encoding: chunked", "Connection: close")
    for _ in range(9):
        x.chunk(b" " * MIB)
    x.chunk(x.body())
    x.chunk(b"")
    x.close()


@case("body-9m-length", "the same with a length", number=25)
def _body_9m_length(x):
    x.reply(b" " * (9 * MIB) + x.body())


@case("body-7m", "a good answer behind 7 MiB of white space: within the cap")
def _body_7m(x):
    x.reply(b" " * (7 * MIB) + x.body())


@case("error-9m", "an error with a body of 9 MiB")
def _error_9m(x):
    x.reply(b'{"error":{"message":"' + b"e" * (9 * MIB) + b'"}}', status=400)


@case("gzip-bomb", "200 MB in 200 KB", number=26)
def _gzip_bomb(x):
    x.reply(bomb(200), "Content-Encoding: gzip")


@case("header-line-1m", "one header line of 1 MB", number=31)
def _header_line_1m(x):
    x.reply(None, "X-Long: " + "x" * MIB)


@case("header-10000", "10,000 headers", number=32)
def _header_10000(x):
    x.reply(None, *["X-%d: y" % i for i in range(10000)])


@case("header-200", "200 headers: more than usual, and within the cap")
def _header_200(x):
    x.reply(None, *["X-%d: y" % i for i in range(200)])


@case("headers-1m", "headers of 1 MB", number=33)
def _headers_1m(x):
    x.reply(None, *["X-%d: %s" % (i, "y" * 1000) for i in range(1024)])


@case("headers-endless", "headers for ever", number=34)
def _headers_endless(x):
    x.send(b"HTTP/1.1 200 OK\r\n")
    x.for_ever(b"X-More: of the same\r\n" * 2000)


@case("informational-endless", "status 103 for ever", number=43)
def _informational_endless(x):
    x.for_ever(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 1000)


@case("content-10m", "a text of 10 MB")
def _content_10m(x):
    x.reply(x.good(["x" * (10 * MIB)]))


@case("content-1m", "a text of 1 MB")
def _content_1m(x):
    x.reply(x.good(["x" * MIB]))
