# SPDX-License-Identifier: MIT
"""What the server has seen: requests and connections of every case, connections of every port."""

import threading

KEPT = 1 << 20  # bytes of a body that are kept


class Entry:
    """What one CASE~TAG has seen."""

    def __init__(self):
        self.requests = 0  # POSTs; a client's curiosity (GET /props, /health) is counted apart
        self.others = 0
        self.connections = 0
        self.bodies = []
        self.headers = []
        self.targets = []

    def as_json(self):
        """What /_seen/ answers."""
        return dict(vars(self))


class Ledger:
    """All entries; for any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.entries = {}
        self.connections = {}  # name of a port -> how many
        self.watched = {}  # name of a port -> its connections, if they are watched

    def connected(self, conn):
        """A connection has been accepted."""
        with self.lock:
            name = conn.port_name
            self.connections[name] = self.connections.get(name, 0) + 1
            if conn.watched:
                self.watched.setdefault(name, []).append(conn)

    def request(self, name, conn, request):
        """Books a request. Returns its number among the POSTs of its case, from 1 on."""
        with self.lock:
            entry = self.entries.setdefault(name, Entry())
            if name not in conn.cases:
                conn.cases.add(name)
                entry.connections += 1
            if request.method != "POST":
                entry.others += 1
                return 0
            conn.requests += 1
            entry.requests += 1
            entry.bodies.append(request.body[:KEPT].decode("utf-8", "replace"))
            entry.headers.append([list(header) for header in request.headers])
            entry.targets.append(request.target)
            return entry.requests

    def seen(self, name):
        """The entry as JSON; of zeros if there was nothing."""
        with self.lock:
            return self.entries.get(name, Entry()).as_json()

    def ports(self):
        """How many connections every port has accepted."""
        with self.lock:
            return dict(self.connections)

    def canary(self, text):
        """The watched ports which received this text."""
        needle = text.encode()
        with self.lock:
            return [
                name
                for name, conns in self.watched.items()
                if any(needle in conn.raw for conn in conns)
            ]
