# SPDX-License-Identifier: MIT
"""Bodies that are no JSON, almost JSON, or JSON that hurts. Status 200 throughout."""

from replies import html
from registry import add, case


def body(name, what, make, kind="application/json", **more):
    """A row: make(a good body) is what is answered."""

    def play(x):
        x.reply(make(x.body()), kind=kind)

    add("json-" + name, what, play, **more)


def inserted(name, what, value):
    """A row: a good body with one more member, whose value is this text."""
    extra = value if isinstance(value, bytes) else value.encode()
    body(name, what, lambda b: b[:-1] + b', "timings": ' + extra + b"}")


def in_text(name, what, value):
    """A row: a good body whose text has these bytes, as they are, in its middle."""
    body(name, what, lambda b: b.replace(b'"reply ', b'"re' + value + b"ply "))


# No JSON

body("empty", "nothing", lambda b: b"")
body("blank", "white space", lambda b: b" \r\n\t \n")
body("html", "a page of HTML, as of a login", lambda b: html("Sign in").encode(), kind="text/html")
body("text", "plain text", lambda b: b"It works!\n", kind="text/plain")
body("binary", "all bytes that there are", lambda b: bytes(range(256)))
body("cut", "an object that ends too early", lambda b: b[:-20])
body("cut-in-text", "an object that ends in the middle of a text", lambda b: b[: b.index(b"ply")])
body("single-quotes", "single quotes", lambda b: b.replace(b'"', b"'"))
body("comment", "a comment", lambda b: b"/* json */ " + b)
body("comma", "a comma too many", lambda b: b[:-1] + b",}")
body("sse", "server-sent events", lambda b: b"data: " + b + b"\n\ndata: [DONE]\n\n",
     kind="text/event-stream")
body("sse-chunks", "server-sent events of a stream", lambda b: b"".join(
    b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%s"},'
    b'"finish_reason":null}]}\n\n' % word for word in (b"re", b"ply")) + b"data: [DONE]\n\n",
    kind="text/event-stream")

# Around a good body

body("leading-blank-lines", "blank lines before a good body", lambda b: b"\n\r\n \t\n" + b)
body("trailing-blank-lines", "blank lines behind a good body", lambda b: b + b"\n\r\n \t\n")
body("bom", "a byte order mark before a good body", lambda b: b"\xef\xbb\xbf" + b)
body("utf-16", "a good body in UTF-16", lambda b: b.decode().encode("utf-16"))
body("two-documents", "two good bodies", lambda b: b + b)
body("two-lines", "two good bodies, in a line each", lambda b: b + b"\n" + b + b"\n")
body("trailing-junk", "junk behind a good body", lambda b: b + b" ok?")
body("trailing-nul", "a NUL byte behind a good body", lambda b: b + b"\0")
body("leading-junk", "junk before a good body", lambda b: b")]}',\n" + b)
body("wrong-type", "a good body that is said to be text/plain", lambda b: b, kind="text/plain")
body("no-type", "a good body without a Content-Type", lambda b: b, kind=None)
body("array", "a good body within an array", lambda b: b"[" + b + b"]")
body("string", "a string", lambda b: b'"reply"')
body("number", "a number", lambda b: b"42")
body("null", "null", lambda b: b"null")
body("empty-object", "an empty object", lambda b: b"{}")
body("empty-array", "an empty array", lambda b: b"[]")

# Numbers that nobody looks at

inserted("nan", "NaN in a field that nobody reads", "NaN")
inserted("infinity", "Infinity in a field that nobody reads", "Infinity")
inserted("1e400", "1e400 in a field that nobody reads", "1e400")
inserted("1e-400", "1e-400 in a field that nobody reads", "1e-400")
inserted("2-63", "2^63 in a field that nobody reads", "9223372036854775808")
inserted("2-70", "2^70 in a field that nobody reads", "1180591620717411303424")
inserted("long-number", "a number of 100,000 digits in a field that nobody reads", "7" * 100000)
inserted("leading-zero", "a number with a leading zero", "007")
inserted("hex", "a hexadecimal number", "0x10")

# Text

in_text("nul-escape", "\\u0000 in the text", b"\\u0000")
in_text("nul", "a NUL byte in the text", b"\0")
in_text("newline", "a newline in the text that is not escaped", b"\n")
in_text("bad-escape", "an escape that does not exist", b"\\x41")
in_text("lone-surrogate", "half of a pair of surrogates in the text", b"\\ud83d")
in_text("lone-low-surrogate", "the other half of a pair of surrogates", b"\\ude00")
in_text("ff", "a byte 0xFF in the text", b"\xff")
in_text("latin-1", "a text in Latin-1", b"\xe9")
in_text("overlong", "an overlong form of a slash", b"\xc0\xaf")
in_text("surrogate-bytes", "a surrogate in UTF-8", b"\xed\xa0\x80")
in_text("cut-character", "the first two bytes of an emoji", b"\xf0\x9f")
in_text("emoji", "an emoji, escaped and plain", b"\\ud83d\\ude00\xf0\x9f\x98\x80")
in_text("controls", "terminal escapes and marks of direction, escaped", b"\\u001b[31m\\u202e")
body("bad-utf8-elsewhere", "a byte 0xFF in a field that nobody reads",
     lambda b: b[:-1] + b', "note": "\xff"}')

# Keys

body("duplicate-keys", "choices twice: first an empty list, then a good one",
     lambda b: b'{"choices": [], ' + b[1:])
body("duplicate-keys-bad-last", "choices twice: first a good list, then an empty one",
     lambda b: b[:-1] + b', "choices": []}')
body("long-key", "a key of 1 MB", lambda b: b'{"' + b"k" * (1 << 20) + b'": 1, ' + b[1:])
body("empty-key", "an empty key", lambda b: b'{"": 1, ' + b[1:])

# Bombs

inserted("depth-60", "60 arrays within each other where nobody looks", "[" * 60 + "]" * 60)
inserted("depth-3000", "3000 arrays within each other where nobody looks", "[" * 3000 + "]" * 3000)
inserted("depth-open", "100,000 arrays that are never closed", "[" * 100000)
body("depth-objects", "nothing but 3000 objects within each other",
     lambda b: b'{"a":' * 3000 + b"1" + b"}" * 3000)
body("objects-2m", "2 MB of empty objects, which take 79 times as much memory",
     lambda b: b"[" + b"{}," * 700000 + b"{}]")
inserted("inner-objects-2m", "the same in a field that nobody reads", "[" + "{}," * 700000 + "{}]")
inserted("numbers-2m", "2 MB of small numbers in a field that nobody reads",
         "[" + "1," * 1000000 + "1]")
inserted("many-keys", "200,000 keys in a field that nobody reads",
         "{" + ",".join('"%d":1' % i for i in range(200000)) + "}")


@case("echo", "a good answer whose text is the body of the request")
def _echo(x):
    x.reply(x.good([x.request.body.decode("utf-8", "replace")] * x.samples))


@case("echo-prompt", "a good answer whose text is that of the last message")
def _echo_prompt(x):
    messages = x.asked.get("messages") or [{"content": x.asked.get("prompt", "")}]
    x.reply(x.good([messages[-1].get("content")] * x.samples))


@case("text", "a good answer of N bytes", argument=1000)
def _text(x):
    x.reply(x.good(["x" * x.argument] * x.samples))
