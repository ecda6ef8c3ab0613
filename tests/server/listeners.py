# SPDX-License-Identifier: MIT
"""Ports of the loopback, each with a thread that accepts and one for every connection."""

import socket
import ssl
import threading
import time

from wire import Connection, Gone

HANDSHAKE_SECONDS = 120


def bound(port=0):
    """A socket that owns a port of the loopback and does not listen."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


def full():
    """A socket whose backlog is full and that never accepts, and those that fill it."""
    sock = bound()
    sock.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        filler.setblocking(False)
        filler.connect_ex(sock.getsockname())
        fillers.append(filler)
    time.sleep(0.02)  # until the first of them are through
    return sock, fillers


class Listener:
    """A port; `talk(connection)` runs in a thread of the connection's own."""

    def __init__(self, name, talk, accepted, context=None, watched=False):
        self.name = name
        self.talk = talk
        self.accepted = accepted
        self.context = context
        self.watched = watched
        self.lock = threading.Lock()
        self.alive = set()
        self.sock = bound()
        self.port = self.sock.getsockname()[1]
        self.up()

    def up(self):
        """Starts to listen."""
        self.sock.listen(1024)
        threading.Thread(target=self.accept, args=(self.sock,), daemon=True).start()

    def down(self, milliseconds):
        """Dies: resets every connection, refuses new ones, and comes back after a while."""
        old, self.sock = self.sock, None
        try:
            old.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        except OSError:
            pass
        old.close()
        self.sock = bound(self.port)
        with self.lock:
            alive, self.alive = self.alive, set()
        for conn in alive:
            conn.reset()
        threading.Timer(milliseconds / 1000, self.up).start()

    def accept(self, sock):
        """The thread of the port."""
        while True:
            try:
                peer, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, sock):
        """The thread of a connection."""
        conn = Connection(sock, self.name, self.watched)
        self.accepted(conn)
        with self.lock:
            self.alive.add(conn)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                sock.settimeout(HANDSHAKE_SECONDS)
                conn.sock = self.context.wrap_socket(
                    sock, server_side=True, suppress_ragged_eofs=True
                )
                conn.sock.settimeout(None)
            self.talk(conn)
        except (Gone, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            with self.lock:
                self.alive.discard(conn)
            conn.close()
