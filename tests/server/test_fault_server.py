# SPDX-License-Identifier: MIT
"""The server does what its table says: every case is played once, to a client that takes anything.

test_fault_server.py [unittest's arguments]
"""

import concurrent.futures
import json
import os
import pathlib
import socket
import ssl
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import h2
import hpack
import raw_client
import registry

CASES = registry.load()
FAMILIES = {}
for _case in CASES.values():
    FAMILIES.setdefault(_case.play.__module__, {})[_case.name] = _case

FIELDS = set(
    "case is each class requests tries replies unordered reasoning finish usage wait says options"
    " ask repeat hurry port host scheme ca proxy".split()
)
SILENT = {"hang", "hang-once"}
BROKEN = {  # the body does not end as its head says
    "hang-after-headers", "hang-mid-body", "slow-headers", "slow-body", "drip",
}
NO_JSON = set(
    "empty blank html text binary cut cut-in-text single-quotes comment comma sse sse-chunks bom"
    " utf-16 two-documents two-lines trailing-junk trailing-nul leading-junk leading-zero hex nul"
    " newline bad-escape ff latin-1 overlong surrogate-bytes cut-character bad-utf8-elsewhere"
    " depth-open".split()
)


def setUpModule():
    """One server for all."""
    global SERVER
    SERVER = raw_client.Running("--tls")


def tearDownModule():
    """It ends when its stdin does, and leaves nothing behind."""
    folder = os.path.dirname(SERVER.files["ca"])
    assert SERVER.stop() == 0
    assert not os.path.exists(folder)


def play_all(names, **more):
    """{name: answer} of cases that are played side by side."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        futures = {name: pool.submit(SERVER.ask, name, **more) for name in names}
        return {name: future.result() for name, future in futures.items()}


def parses(data):
    """Whether Python takes it for JSON in UTF-8 (it takes NaN, and depth up to its own limit)."""
    try:
        json.loads(data.decode("utf-8"))
    except RecursionError:
        return data.count(b"[") == data.count(b"]")
    except ValueError as error:
        return "integer string conversion" in str(error)
    return True


class Table(unittest.TestCase):
    """The tables agree with each other."""

    def test_every_number_has_a_case(self):
        """Those of the list of hostile servers."""
        self.assertEqual(set(range(1, 79)), {c.number for c in CASES.values()} - {None})

    def test_every_case_is_described(self):
        """Names, a line each."""
        for name, case in CASES.items():
            self.assertRegex(name, r"^[a-z0-9][a-z0-9-]*$")
            self.assertTrue(case.what and len(case.what) < 100, name)
        self.assertGreaterEqual(len(FAMILIES["cases_shapes"]) + len(FAMILIES["cases_json"]), 40)

    def test_every_case_is_expected(self):
        """A row for each, of fields that are known, for a case that is there."""
        rows = json.loads((HERE / "expected.json").read_text())
        for row in rows:
            self.assertLessEqual(set(row), FIELDS, row)
            self.assertIsNotNone(registry.find(row["case"])[0], row)
        found = {registry.find(row["case"])[0].name for row in rows}
        self.assertEqual(set(CASES) - found, set())

    def test_numbers_in_names(self):
        """NAME-N is for those that take one."""
        self.assertEqual(registry.find("reset-17")[1], 17)
        self.assertEqual(registry.find("reset")[1], CASES["reset"].argument)
        self.assertEqual(registry.find("hang-17"), (None, None))
        self.assertEqual(registry.find("usage-2-53")[0].name, "usage-2-53")


class Control(unittest.TestCase):
    """What the server says about what it has seen."""

    def test_seen(self):
        """Requests are counted by case and tag, with bodies and headers."""
        for tag in ("~a", "~a", "~b"):
            SERVER.ask("ok" + tag, seed=5)
        seen = SERVER.control("/_seen/ok~a")
        self.assertEqual((seen["requests"], seen["connections"], seen["others"]), (2, 2, 0))
        self.assertEqual(json.loads(seen["bodies"][1])["seed"], 5)
        self.assertIn(["Host", "x"], seen["headers"][0])
        self.assertEqual(seen["targets"][0], "/ok~a/v1/chat/completions")
        self.assertEqual(SERVER.control("/_seen/ok~b")["requests"], 1)
        self.assertEqual(SERVER.control("/_seen/ok~c")["requests"], 0)

    def test_one_connection_for_two(self):
        """Keep-alive, and the number of the request in the text."""
        with SERVER.connect() as sock:
            for i in (1, 2):
                sock.sendall(raw_client.request("/ok~k/v1/chat/completions", {"n": 2}))
                body = raw_client.answer(sock).body
                self.assertIn(b"reply %d.0" % i, body)
                self.assertIn(b"reply %d.1" % i, body)
        seen = SERVER.control("/_seen/ok~k")
        self.assertEqual((seen["requests"], seen["connections"]), (2, 1))

    def test_curiosity(self):
        """GET is no request of the case."""
        with SERVER.connect() as sock:
            sock.sendall(b"GET /ok~g/props HTTP/1.1\r\n\r\n")
            self.assertEqual(raw_client.answer(sock).status, 404)
        seen = SERVER.control("/_seen/ok~g")
        self.assertEqual((seen["requests"], seen["others"]), (0, 1))

    def test_no_such_case(self):
        """A mistake in a test looks like nothing else."""
        self.assertEqual(SERVER.ask("okay").status, 418)
        self.assertEqual(SERVER.ask("hang-7").status, 418)

    def test_canary(self):
        """A key at the other origin is found, one at the right place is not."""
        SERVER.ask("ok", key="canary-1")
        self.assertFalse(SERVER.control("/_canary?text=canary-1")["found"])
        SERVER.ask("ok", port="other", key="canary-2")
        found = SERVER.control("/_canary?text=canary-2")
        self.assertEqual(found, {"found": True, "ports": ["other"]})
        with self.assertRaises(ssl.SSLError):
            SERVER.tls("tls_expired")
        self.assertGreaterEqual(SERVER.control("/_ports")["tls_expired"], 1)

    def test_down(self):
        """A port dies, with its connections, and comes back."""
        with SERVER.connect("mortal", 5) as sock:
            sock.sendall(raw_client.request("/hang/v1/chat/completions"))
            time.sleep(0.05)
            SERVER.control("/_down?port=mortal&ms=300")
            self.assertEqual(raw_client.answer(sock, 5).ending, "reset")
        with self.assertRaises(ConnectionRefusedError):
            SERVER.connect("mortal")
        end = time.monotonic() + 10
        while True:
            try:
                self.assertEqual(SERVER.ask("ok", port="mortal").status, 200)
                return
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)


class Time(unittest.TestCase):
    """Slow and silent ones."""

    def test_all(self):
        """What has come after a short while."""
        started = time.monotonic()
        names = ["late-50", "drip-100", "blank-lines-300", "slow-headers-50", "slow-body-50"]
        rest = [n for n, c in FAMILIES["cases_time"].items() if c.argument is None]
        answers = play_all(names + rest, seconds=2)
        for name in ("hang", "hang-once"):
            self.assertEqual((answers[name].data, answers[name].ending), (b"", "silent"))
        for name in ("late-50", "drip-100"):
            self.assertTrue(answers[name].whole, name)
            self.assertTrue(parses(answers[name].body), name)
        self.assertRegex(answers["blank-lines-300"].body, rb"^\n{3}\{")
        self.assertRegex(answers["blank-lines-for-ever"].body, rb"^\n{4,}$")
        self.assertTrue(parses(answers["hang-at-the-end"].body))
        for name in ("slow-headers-50", "slow-body-50", "hang-mid-body", "hang-after-headers"):
            self.assertTrue(answers[name].data, name)
            self.assertFalse(answers[name].whole, name)
            self.assertEqual(answers[name].ending, "silent")
        self.assertNotIn(b"\r\n\r\n", answers["slow-headers-50"].data)
        self.assertEqual(SERVER.ask("hang-once").status, 200)
        self.assertLess(time.monotonic() - started, 10)

    def test_dies(self):
        """The request takes its port with it."""
        self.assertEqual(SERVER.ask("dies-50", port="mortal").ending, "reset")
        time.sleep(0.3)
        self.assertEqual(SERVER.ask("dies-50", port="mortal").status, 200)


class Framing(unittest.TestCase):
    """HTTP/1.1: how it ends, and whether the length is right."""

    @classmethod
    def setUpClass(cls):
        cls.answers = play_all(FAMILIES["cases_http"], seconds=3, after=0.7)

    def check(self, names, **wanted):
        """The same of several cases."""
        for name in names.split():
            found = self.answers[name]
            for what, value in wanted.items():
                with self.subTest(name):
                    self.assertEqual(getattr(found, what), value)

    def test_endings(self):
        """Early ends, orderly or not."""
        self.check("close", data=b"", ending="closed")
        self.check("rst", data=b"", ending="reset")
        self.check("close-mid-headers", ending="closed", status=200, whole=False)
        self.check("reset no-length-reset", ending="reset", status=200, whole=False)
        self.check("cut no-length-cut", ending="closed", whole=False)
        for size in (0, 1, 40, 200):
            self.assertEqual(len(SERVER.ask("reset-%d" % size).data), size)
            self.assertEqual(len(SERVER.ask("cut-%d" % size).data), size)
        self.check("reply-before-body", status=413, ending="closed")
        self.assertEqual(SERVER.ask("close-once").status, 200)

    def test_good(self):
        """Odd, and good all the same."""
        names = "ok connection-close keepalive-race keepalive-closed keepalive-half-closed"
        self.check(names + " header-folded header-latin1 header-escape", status=200, whole=True)
        names = "chunks chunk-bytes chunk-extension-100k no-length status-http2 status-201"
        for name in names.split():
            self.assertTrue(parses(self.answers[name].body), name)
        self.check("connection-close", ending="silent")
        self.check("keepalive-closed keepalive-half-closed", ending="closed")

    def test_second_request(self):
        """What happens to the second request on a connection."""
        endings = {"keepalive-race": "closed", "keepalive-reset": "reset", "ok": "silent",
                   "keepalive-half-closed": "closed"}
        for name, ending in endings.items():
            with SERVER.connect() as sock, self.subTest(name):
                sock.sendall(raw_client.request("/%s~2/v1/chat/completions" % name))
                self.assertTrue(raw_client.answer(sock, 0.5).whole)
                sock.sendall(raw_client.request("/%s~2/v1/chat/completions" % name))
                found = raw_client.answer(sock, 0.7, after=0.5)
                self.assertEqual((found.ending, bool(found.data)), (ending, name == "ok"))

    def test_lengths(self):
        """What the head says of the body."""
        lengths = {"length-too-large": "708", "length-10gb": "10737418240", "length-negative": "-1",
                   "length-too-small": "10", "length-text": "many", "length-twice": "3",
                   "length-20-digits": "9" * 20}
        good = len(SERVER.ask("ok~length").body)
        for name, length in lengths.items():
            found = self.answers[name]
            length = str(good + 100) if name == "length-too-large" else length
            self.assertEqual(found.headers["content-length"], length, name)
            self.assertEqual((len(found.rest), found.ending), (good, "closed"), name)
        self.check("no-length", ending="closed", whole=False)
        self.assertEqual(self.answers["length-twice"].head.count(b"Content-Length"), 2)
        self.assertIn("content-length", self.answers["length-and-chunked"].headers)

    def test_chunks(self):
        """What is wrong with them."""
        starts = {"chunk-bad-size": b"zzz\r\n", "chunk-huge-size": b"1" + b"0" * 20,
                  "chunk-negative": b"-1\r\n"}
        for name, start in starts.items():
            self.assertTrue(self.answers[name].rest.startswith(start), name)
        for name in starts.keys() | {"chunk-no-crlf", "chunk-cut", "chunk-no-last"}:
            self.assertEqual(self.answers[name].ending, "closed", name)
        self.assertFalse(self.answers["chunk-no-last"].rest.endswith(b"0\r\n\r\n"))
        self.assertTrue(parses(self.answers["chunk-no-last"].body))
        self.assertGreater(len(self.answers["chunk-trailer-200k"].rest), 200000)
        self.assertGreater(len(self.answers["chunk-extension-100k"].rest), 100000)

    def test_encodings(self):
        """What is said of the body, and what it is."""
        self.check("gzip not-gzip unknown-encoding gzip-cut", status=200, whole=True)
        for name in ("gzip", "gzip-cut", "gzip-ten-layers"):
            self.assertEqual(self.answers[name].body[:2], b"\x1f\x8b", name)
        self.assertTrue(parses(self.answers["not-gzip"].body))
        self.assertEqual(self.answers["gzip-ten-layers"].headers["content-encoding"].count(","), 9)

    def test_heads(self):
        """Headers and first lines."""
        pieces = {"header-nul": b"a\0b", "header-no-colon": b"\r\nno colon here\r\n",
                  "header-folded": b"\r\n b", "header-latin1": b"\xe9\xff\x80",
                  "header-escape": b"\x1b[31m", "status-junk": b"hello, world",
                  "informational": b"HTTP/1.1 103 ", "status-http2": b"HTTP/2.0 200"}
        for name, piece in pieces.items():
            self.assertIn(piece, self.answers[name].data, name)
        statuses = {"status-000": 0, "status-20": 20, "status-999": 999, "status-201": 201,
                    "status-206": 206, "status-101": 101, "status-204": 204, "status-304": 304,
                    "informational": 100, "cookie": 503}
        for name, status in statuses.items():
            self.assertEqual(self.answers[name].status, status, name)
        self.assertTrue(self.answers["status-http09"].data.startswith(b"{"))
        self.assertEqual(self.answers["second-answer"].data.count(b"HTTP/1.1 200"), 2)

    def test_cookie(self):
        """A cookie that comes back is a fault."""
        self.assertEqual(SERVER.ask("cookie").status, 200)
        with SERVER.connect() as sock:
            target = "/cookie/v1/chat/completions"
            sock.sendall(raw_client.request(target, headers=["Cookie: a=b"]))
            self.assertEqual(raw_client.answer(sock).status, 400)


class Limits(unittest.TestCase):
    """How much comes."""

    def test_sizes(self):
        """More than any client should take, or just as much as it should."""
        answers = play_all(FAMILIES["cases_limits"], seconds=60)
        for name in ("endless-body", "endless-plain-body", "headers-endless",
                     "informational-endless"):
            self.assertEqual(answers[name].ending, "endless", name)
        for name in ("body-9m", "body-9m-length", "error-9m", "content-10m"):
            self.assertGreater(len(answers[name].rest), 9 << 20, name)
        self.assertLess(len(answers["body-7m"].rest), 8 << 20)
        self.assertLess(len(answers["gzip-bomb"].rest), 300000)
        for name in ("header-line-1m", "headers-1m"):
            self.assertGreater(len(answers[name].data), 1000000, name)
        self.assertGreater(len(SERVER.ask("header-10000").data), 100000)
        self.assertEqual(SERVER.ask("header-200").data.count(b"X-"), 200)
        self.assertEqual(answers["error-9m"].status, 400)


class Status(unittest.TestCase):
    """Statuses, what they turn into, hints and where redirects point to."""

    ASKED = {"max_tokens": 9, "temperature": 0.7, "seed": 1, "stop": ["x"], "top_p": 0.9}

    def test_first_status(self):
        """The status that the name or the kind of the case says."""
        kinds = {"retry-": 429, "reset-": 429, "quota-": 429, "refuses-": 400, "context-": 400,
                 "error-": 400, "n-": 200}
        others = {"refuses-seed-422": 422, "refuses-system": 200, "filter-azure": 400,
                  "filter-openai": 400, "filter-openrouter": 403, "redirect-user": 307,
                  "redirect-file": 302, "redirect-gopher": 302, "redirect-loop": 307,
                  "redirect-escape": 307, "redirect-nowhere": 302}
        for name, found in play_all(FAMILIES["cases_status"], **self.ASKED).items():
            if name in others:
                wanted = others[name]
            elif name.split("-")[0].isdigit():
                wanted = int(name.split("-")[0])
            elif name.startswith("redirect-"):
                wanted = int(name[-3:])
            else:
                wanted = next(s for kind, s in kinds.items() if name.startswith(kind))
            with self.subTest(name):
                early = name == "retry-after-early"
                self.assertEqual(found.status, 103 if early else wanted)
                self.assertTrue(early or found.whole)
                if wanted // 100 == 3 and name not in ("300", "redirect-nowhere"):
                    self.assertTrue(found.headers["location"])

    def test_it_gets_better(self):
        """So many failures, then a good answer."""
        hints = ("retry-after", "reset-", "retry-text", "retry-delay")
        names = [n for n in FAMILIES["cases_status"] if n.endswith("-once") or n.startswith(hints)]
        names += ["503-twice", "503-loading", "400-retry"]
        failing = play_all([name + "~better" for name in names])
        play_all(["503-twice~better", "503-loading~better"])
        for name, found in play_all([name + "~better" for name in names]).items():
            with self.subTest(name):
                self.assertNotEqual(failing[name].status, 200)
                self.assertEqual(found.status, 200)
        self.assertEqual([SERVER.ask("503-for-ever").status for _ in range(4)], [503] * 4)

    def test_refusals(self):
        """As long as the field is sent."""
        fields = {"refuses-max-tokens": "max_tokens", "refuses-temperature": "temperature",
                  "refuses-seed": "seed", "refuses-stop": "stop", "refuses-top-p": "top_p",
                  "refuses-seed-422": "seed", "refuses-temperature-words": "temperature"}
        for name, field in fields.items():
            rest = {k: v for k, v in self.ASKED.items() if k != field}
            self.assertIn(SERVER.ask(name, **self.ASKED).status, (400, 422), name)
            self.assertEqual(SERVER.ask(name, **rest).status, 200, name)
        self.assertEqual(SERVER.ask("refuses-four", stop=["x"]).status, 400)
        self.assertEqual(SERVER.ask("refuses-four").status, 200)
        self.assertEqual(SERVER.ask("refuses-five", n=2).status, 400)
        system = [{"role": "system", "content": "x"}]
        self.assertEqual(SERVER.ask("refuses-system", messages=system).status, 400)
        begun = [{"role": "assistant", "content": "x"}]
        self.assertEqual(SERVER.ask("refuses-prefill", messages=begun).status, 400)
        self.assertEqual(SERVER.ask("refuses-prefill").status, 200)

    def test_samples(self):
        """How many choices come, and who wants only one."""
        for name, count in {"ok": 4, "n-ignored": 1, "n-half": 2, "n-more": 5}.items():
            choices = json.loads(SERVER.ask(name, n=4).body)["choices"]
            self.assertEqual(len(choices), count, name)
        for name in FAMILIES["cases_status"]:
            if name.startswith("n-refused"):
                many = {"n": 4, "generationConfig": {"candidateCount": 4}}
                gemini = name == "n-refused-gemini"
                path = "/v1/models/m:generateContent" if gemini else "/v1/chat/completions"
                self.assertIn(SERVER.ask(name, path, **many).status, (400, 422, 501), name)
                self.assertEqual(SERVER.ask(name, path).status, 200, name)

    def test_echoes(self):
        """The key comes back, in the message or in a header."""
        key = "sk-canary-0123456789abcdef"
        for name in ("401-echo-key", "401-echo-half-key", "400-echo-headers", "400-echo-split-key",
                     "307-echo-key"):
            for header in ("Authorization: Bearer " + key, "x-api-key: " + key):
                with SERVER.connect() as sock:
                    target = "/%s/v1/chat/completions" % name
                    sock.sendall(raw_client.request(target, headers=[header]))
                    self.assertIn(key[:12].encode(), raw_client.answer(sock).data, name)


class Bodies(unittest.TestCase):
    """JSON, and what is none."""

    def test_json(self):
        """What parses and what does not."""
        for name, found in play_all(FAMILIES["cases_json"], seconds=5).items():
            with self.subTest(name):
                self.assertEqual(found.status, 200)
                self.assertTrue(found.whole)
                wanted = name[len("json-") :] not in NO_JSON
                self.assertEqual(parses(found.body), wanted)

    def test_shapes(self):
        """All parse, and none is a good answer."""
        good = SERVER.ask("ok", n=2).body
        for name, found in play_all(FAMILIES["cases_shapes"], n=2, seconds=5).items():
            with self.subTest(name):
                self.assertEqual(found.status, 200)
                self.assertTrue(parses(found.body))
                self.assertNotEqual(found.body, good)

    def test_dialects(self):
        """Every API has a good answer of its own, and what it says in its own way parses."""
        marks = {"/v1/chat/completions": "chat.completion", "/v1/completions": "text_completion",
                 "/v1/responses": "output_text", "/v1/messages": "end_turn",
                 "/v1/models/m:generateContent": "usageMetadata",
                 "/openai/deployments/d/chat/completions?api-version=1": "chat.completion"}
        for path, mark in marks.items():
            body = SERVER.ask("ok", path).body.decode()
            self.assertIn(mark, body, path)
            self.assertIn("reply ", body, path)
        for name, found in play_all(FAMILIES["cases_dialects"]).items():
            self.assertTrue(parses(found.body), name)
            self.assertTrue(found.whole, name)

    def test_echo(self):
        """The text is what was asked."""
        message = json.loads(SERVER.ask("echo").body)["choices"][0]["message"]["content"]
        self.assertEqual(json.loads(message), raw_client.ASKED)
        body = json.loads(SERVER.ask("echo-prompt").body)
        self.assertEqual(body["choices"][0]["message"]["content"], "Hi.")


class Connections(unittest.TestCase):
    """TLS, proxies, and ports that do not answer."""

    def test_certificates(self):
        """Which fails, and why."""
        reasons = {"tls_self_signed": "self.signed", "tls_expired": "expired",
                   "tls_wrong_host": "(?i)mismatch|doesn't match", "tls_old": ""}
        for port, reason in reasons.items():
            with self.subTest(port), self.assertRaisesRegex(ssl.SSLError, reason):
                SERVER.tls(port)
        for name in ("127.0.0.1", "localhost"):
            with SERVER.tls("tls", name) as sock:
                sock.sendall(raw_client.request("/ok/v1/chat/completions"))
                self.assertTrue(raw_client.answer(sock).whole)

    def test_tls_ends(self):
        """No length, and no close_notify."""
        for name, whole in {"tls-no-length": True, "tls-cut": False}.items():
            with SERVER.tls("tls") as sock:
                sock.sendall(raw_client.request("/%s/v1/chat/completions" % name))
                found = raw_client.answer(sock)
                self.assertNotIn("content-length", found.headers)
                self.assertEqual(parses(found.body), whole)
                self.assertEqual(found.ending, "reset")  # as Python calls an end without a notice

    def test_wrong_language(self):
        """TLS to a plain port is met with silence; the other way round with an end."""
        with SERVER.connect("plain", 0.3) as sock, self.assertRaises(socket.timeout):
            ssl.create_default_context().wrap_socket(sock, server_hostname="x")
        self.assertIn(SERVER.ask("ok", port="tls").ending, ("closed", "reset"))

    def test_no_connection(self):
        """Refused, and never accepted."""
        with self.assertRaises(ConnectionRefusedError):
            SERVER.connect("closed")
        with self.assertRaises(socket.timeout):
            SERVER.connect("full", 0.3)

    def test_proxies(self):
        """Those that work and those that do not."""
        whole = "http://127.0.0.1:%d/ok/v1/chat/completions" % SERVER.ports["plain"]
        statuses = {"proxy": 200, "proxy_refuses": 403, "proxy_asks": 407, "proxy_closes": 0,
                    "socks_junk": 0}
        for port, status in statuses.items():
            with SERVER.connect(port) as sock:
                sock.sendall(raw_client.request(whole))
                seconds = 1 if port == "socks_junk" else 5
                self.assertEqual(raw_client.answer(sock, seconds).status, status, port)
        with SERVER.connect("proxy") as sock:
            target = "CONNECT 127.0.0.1:%d HTTP/1.1\r\n\r\n" % SERVER.ports["plain"]
            sock.sendall(target.encode())
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 200"))
            sock.sendall(raw_client.request("/ok/v1/chat/completions"))
            self.assertTrue(raw_client.answer(sock).whole)


class Http2(unittest.TestCase):
    """Frames."""

    def ask(self, case):
        """The frames that come, without the first SETTINGS and its ACK, and the ending."""
        with SERVER.tls("h2", protocols=["h2"]) as sock:
            frames, ending = raw_client.frames_of(sock, "/%s/v1/chat/completions" % case)
        skipped = (h2.SETTINGS, h2.WINDOW_UPDATE)
        start = next((i for i, f in enumerate(frames) if f[0] not in skipped), len(frames))
        return frames[start:], ending

    def test_good(self):
        """An ordinary case over HTTP/2, as whole as over HTTP/1.1."""
        frames, ending = self.ask("ok~h")
        self.assertEqual(ending, "silent")
        self.assertIn((":status", "200"), hpack.Decoder().decode(frames[0][3]))
        self.assertTrue(parses(b"".join(f[3] for f in frames if f[0] == h2.DATA)))
        self.assertEqual(SERVER.control("/_seen/ok~h")["requests"], 1)

    def test_faults(self):
        """The kinds of frames that come first, and the ending."""
        headers, data, rst, goaway = h2.HEADERS, h2.DATA, h2.RST_STREAM, h2.GOAWAY
        wanted = {
            "goaway-before": ([goaway], "closed"),
            "goaway-calm": ([goaway], "closed"),
            "goaway-once": ([goaway], "closed"),
            "goaway-after": ([headers, data, data, goaway], "closed"),
            "goaway-mid-body": ([headers, data, goaway], "closed"),
            "rst-refused": ([rst], "silent"),
            "rst-internal": ([rst], "silent"),
            "rst-mid-body": ([headers, data, rst], "silent"),
            "rst-mid-body-internal": ([headers, data, rst], "silent"),
            "bad-hpack": ([headers], "silent"),
            "no-status": ([headers, data], "silent"),
            "frame-too-large": ([headers, data], "silent"),
            "continuation-flood": ([headers, h2.CONTINUATION, h2.CONTINUATION], "endless"),
            "ping-flood": ([h2.PING, h2.PING], "endless"),
            "settings-flood": ([], "endless"),
            "empty-data-flood": ([headers, data, data], "endless"),
            "push": ([h2.PUSH_PROMISE, headers], "silent"),
            "no-streams": ([], "silent"),
            "hang": ([], "silent"),
            "reset": ([headers], "closed"),
            "length-too-large": ([headers, data], "silent"),
            "length-too-small": ([headers, data], "silent"),
            "no-body": ([headers], "silent"),
            "upper-case": ([headers, data], "silent"),
        }
        self.assertEqual({"h2-" + name for name in wanted}, set(FAMILIES["cases_h2"]))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = dict(zip(wanted, pool.map(lambda name: self.ask("h2-" + name), wanted)))
        for name, (kinds, ending) in wanted.items():
            with self.subTest(name):
                frames, ended = found[name]
                self.assertEqual([f[0] for f in frames[: len(kinds)]], kinds)
                ended = "closed" if ended == "reset" else ended  # under TLS it is all the same
                self.assertEqual(ended, ending)

    def test_hpack(self):
        """The examples of RFC 7541 (C.4 and C.6.1 in part), and integers of any size."""
        decoder = hpack.Decoder()
        first = bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff")
        self.assertEqual(decoder.decode(first)[-1], (":authority", "www.example.com"))
        second = bytes.fromhex("828684be5886a8eb10649cbf")
        self.assertEqual(decoder.decode(second)[-1], ("cache-control", "no-cache"))
        third = bytes.fromhex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")
        self.assertEqual(decoder.decode(third)[-1], ("custom-key", "custom-value"))
        headers = [("x", "y" * 1000), ("", "")]
        self.assertEqual(hpack.Decoder().decode(hpack.encode(headers)), headers)


if __name__ == "__main__":
    unittest.main()
