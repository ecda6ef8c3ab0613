# SPDX-License-Identifier: MIT
"""A server of language models that does everything wrong; for tests of their client.

fault_server.py [--tls]    serve until stdin is closed; the first line on stdout is JSON:
                           {"ports": {NAME: NUMBER, ...}, "files": {NAME: PATH, ...}, "pid": N}
fault_server.py --list     the cases, one a line

README.md beside this file says how a test asks for a case and reads what the server has seen.
"""

import argparse
import functools
import json
import os
import shutil
import signal
import sys
import tempfile

import certificates
import h2
import http1
import registry
from ledger import Ledger
from listeners import Listener, bound, full

PLAIN = {
    "plain": http1.speak,
    "mortal": http1.speak,
    "proxy": http1.speak_proxy,
}
WATCHED = {  # no key may ever come here
    "other": http1.speak,
    "proxy_refuses": http1.speak_refusal(403),
    "proxy_asks": http1.speak_refusal(407, 'Proxy-Authenticate: Basic realm="p"'),
    "proxy_closes": http1.speak_not,
    "socks_junk": http1.speak_junk,
}
TLS = {  # name of the port -> certificate, and what is asked of the context
    "tls": ("good", {}),
    "h2": ("good", {"protocols": ["h2"]}),
    "tls_self_signed": ("self_signed", {}),
    "tls_expired": ("expired", {}),
    "tls_wrong_host": ("wrong_host", {}),
    "tls_old": ("good", {"old": True}),
}


class Server:
    """All ports and what they have seen."""

    def __init__(self, folder, tls=False):
        self.ledger = Ledger()
        self.listeners = {}
        self.files = {}
        self.silent = bound()
        self.full, self.fillers = full()
        for name, talk in PLAIN.items():
            self.listen(name, talk)
        for name, talk in WATCHED.items():
            self.listen(name, talk, watched=True)
        if tls:
            self.listen_tls(certificates.Certificates(folder))

    def listen(self, name, talk, **more):
        """Opens a port."""
        talk = functools.partial(talk, self)
        self.listeners[name] = Listener(name, talk, self.ledger.connected, **more)

    def listen_tls(self, made):
        """Opens the TLS ports; those whose certificate is no good are watched."""
        self.files = {name: made.path(name) for name in ("ca", "self_signed")}
        for name, (certificate, more) in TLS.items():
            talk = h2.speak if name == "h2" else http1.speak
            context = made.context(certificate, **more)
            self.listen(name, talk, context=context, watched=name not in ("tls", "h2"))

    def port(self, name):
        """The number of a port."""
        return self.listeners[name].port

    def ports(self):
        """All of them."""
        ports = {name: listener.port for name, listener in self.listeners.items()}
        ports["closed"] = self.silent.getsockname()[1]
        ports["full"] = self.full.getsockname()[1]
        return ports


def show_cases():
    """The table, one line a case."""
    for case in registry.load().values():
        number = "" if case.number is None else str(case.number)
        argument = "" if case.argument is None else "-N (%d)" % case.argument
        print("%3s  %-38s %s" % (number, case.name + argument, case.what))


def main():
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="show the cases and end")
    parser.add_argument("--tls", action="store_true", help="with the ports that speak TLS")
    options = parser.parse_args()
    if options.list:
        show_cases()
        return
    registry.load()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # through the `finally` below
    folder = tempfile.mkdtemp(prefix="opro-fault-server-")
    try:
        server = Server(folder, options.tls)
        ready = {"ports": server.ports(), "files": server.files, "pid": os.getpid()}
        os.write(1, (json.dumps(ready) + "\n").encode())  # in one piece
        while sys.stdin.buffer.read(4096):
            pass
    except KeyboardInterrupt:
        pass
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # without waiting for connections that are still open


if __name__ == "__main__":
    main()
