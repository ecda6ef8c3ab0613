# SPDX-License-Identifier: MIT
"""Header compression of HTTP/2 (RFC 7541): all of reading, and of writing what a fault needs."""

STATIC = """:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate"""
STATIC = [tuple(line.partition(" ")[::2]) for line in STATIC.split("\n")]

# The code is canonical, so its lengths say it all. The symbols of these lengths, in their order:
LENGTHS = {
    5: "012aceiost",
    6: " %-./3456789=A_bdfghlmnpru",
    7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: "&*,;XZ",
    10: '!"()?',
    11: "'+|",
    12: "#>",
    13: "\0$@[]~",
    14: "^}",
    15: "<`{",
    19: "\\\xc3\xd0",
}


def huffman_codes():
    """(length, code) -> symbol. What is longer than all above is no header of a test."""
    codes, code, before = {}, 0, 0
    for length, symbols in LENGTHS.items():
        code <<= length - before
        before = length
        for symbol in symbols:
            codes[length, code] = symbol
            code += 1
    return codes


CODES = huffman_codes()


def huffman_decode(data):
    """Text of a Huffman-coded string; the padding at its end is dropped."""
    text, length, code = [], 0, 0
    for byte in data:
        for bit in range(7, -1, -1):
            code = code << 1 | byte >> bit & 1
            length += 1
            symbol = CODES.get((length, code))
            if symbol is not None:
                text.append(symbol)
                length = code = 0
    return "".join(text)


class Decoder:
    """The reading end of a connection, with its dynamic table."""

    def __init__(self, limit=4096):
        self.table = []
        self.limit = limit
        self.data = b""
        self.at = 0

    def integer(self, bits):
        """An integer whose first part has so many bits."""
        top = (1 << bits) - 1
        value = self.data[self.at] & top
        self.at += 1
        if value < top:
            return value
        shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def string(self):
        """A string, plain or coded."""
        coded = self.data[self.at] & 128
        size = self.integer(7)
        found = self.data[self.at : self.at + size]
        self.at += size
        return huffman_decode(found) if coded else found.decode("latin-1")

    def entry(self, index):
        """A header of the static or the dynamic table."""
        index -= 1
        return STATIC[index] if index < len(STATIC) else self.table[index - len(STATIC)]

    def remember(self, header):
        """Into the dynamic table; what does not fit any more goes."""
        self.table.insert(0, header)
        while sum(len(n) + len(v) + 32 for n, v in self.table) > self.limit:
            self.table.pop()

    def decode(self, data):
        """The headers of a block."""
        self.data, self.at = data, 0
        headers = []
        while self.at < len(self.data):
            byte = self.data[self.at]
            if byte & 128:
                headers.append(self.entry(self.integer(7)))
            elif byte & 224 == 32:
                self.limit = self.integer(5)
            else:
                kept = byte & 64
                index = self.integer(6 if kept else 4)
                name = self.entry(index)[0] if index else self.string()
                headers.append((name, self.string()))
                if kept:
                    self.remember(headers[-1])
        return headers


def encode_integer(value, bits, first=0):
    """An integer behind the flags of its first byte."""
    top = (1 << bits) - 1
    if value < top:
        return bytes([first | value])
    out, value = [first | top], value - top
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


def encode(headers):
    """A block of literals: not coded, not kept in any table."""
    block = b""
    for header in headers:
        block += b"\0"
        for text in header:
            data = text.encode("latin-1")
            block += encode_integer(len(data), 7) + data
    return block
