# SPDX-License-Identifier: MIT
"""What the ports do: HTTP/1.1 by cases, the control requests, and proxies of all kinds."""

import json
import socket
import threading
import urllib.parse

import registry
from exchange import Exchange
from wire import Gone


def speak(server, conn):
    """HTTP/1.1 until one side has enough."""
    while conn.open:
        request = conn.read_head()
        if request is None:  # the client speaks TLS to a port that does not
            conn.wait_gone()
            return
        answer(server, conn, request)


def answer(server, conn, request):
    """Plays the case of the request's path, or a control request."""
    if request.path.startswith("/_"):
        conn.read_body(request)
        control(server, Exchange(server, conn, request))
        return
    play(server, Exchange(server, conn, request), read_body=conn.read_body)


def play(server, exchange, read_body):
    """Finds the case, books the request, plays."""
    request, conn = exchange.request, exchange.conn
    name = urllib.parse.unquote(request.path.split("/")[1])
    found, exchange.argument = registry.find(name.partition("~")[0])
    if not (found and found.early):
        read_body(request)
    exchange.count = server.ledger.request(name, conn, request)
    if not found:
        exchange.reply({"error": "there is no case " + name}, status=418)
    elif exchange.count == 0:  # not a POST: the curiosity of a client
        exchange.reply({"error": {"code": 404, "message": "File Not Found"}}, status=404)
    else:
        found.play(exchange)


def control(server, exchange):
    """/_seen/CASE~TAG, /_canary?text=..., /_ports, /_down?port=NAME&ms=M"""
    target = urllib.parse.urlsplit(exchange.request.target)
    query = dict(urllib.parse.parse_qsl(target.query))
    word, _, rest = target.path[2:].partition("/")
    if word == "seen":
        exchange.reply(server.ledger.seen(urllib.parse.unquote(rest)))
    elif word == "canary":
        ports = server.ledger.canary(query["text"])
        exchange.reply({"found": bool(ports), "ports": ports})
    elif word == "ports":
        exchange.reply(server.ledger.ports())
    elif word == "down":
        server.listeners[query["port"]].down(int(query.get("ms", "300")))
        exchange.reply({"down": query["port"]})
    else:
        exchange.reply({"error": "there is no control request " + word}, status=418)


def speak_proxy(server, conn):
    """A proxy that works: CONNECT to the loopback, or a request with a whole URL."""
    request = conn.read_head()
    if request is None or request.method != "CONNECT":
        while request:
            answer(server, conn, request)
            if not conn.open:
                return
            request = conn.read_head()
        return
    port = int(request.target.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as there:
        conn.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=pump, args=(there, conn.sock), daemon=True).start()
        there.sendall(bytes(conn.buffer))
        pump(conn.sock, there)


def pump(source, sink):
    """Bytes from one socket to the other, and then the end."""
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def speak_refusal(status, *headers):
    """A proxy that takes no request."""

    def speak_no(server, conn):
        request = conn.read_head()
        if request:
            Exchange(server, conn, request).reply(
                b"no\n", "Connection: close", *headers, status=status, kind="text/plain"
            )
            conn.wait_gone(1)

    return speak_no


def speak_not(_server, conn):
    """Reads a request and closes."""
    conn.read_head()


def speak_junk(_server, conn):
    """Answers whatever comes with what is neither SOCKS nor HTTP."""
    conn.fill()
    conn.send(json.dumps("no socks here").encode() + bytes(range(256)))
    if not conn.wait_gone():
        raise Gone
