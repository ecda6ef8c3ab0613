# SPDX-License-Identifier: MIT
"""The bench's requests by requests, a thread and a session each. peer.py has the command line."""

import threading
import time

import requests

import peer


def main():
    options = peer.arguments()
    measure = peer.Measure("requests", options)
    sessions = [requests.Session() for _ in range(options.in_flight)]
    lock = threading.Lock()

    def worker(session, tickets):
        while True:
            with lock:
                if next(tickets, None) is None:
                    return
            began = time.monotonic()
            reply = session.post(options.url, data=peer.BODY, headers=peer.HEADERS)
            good = peer.fine(reply.json())
            with lock:
                measure.one(began, good)

    def phase(count):
        tickets = iter(range(count))
        threads = [threading.Thread(target=worker, args=(s, tickets)) for s in sessions[:count]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for session in sessions:
        session.trust_env = False
    if options.warm:
        phase(options.in_flight)
    measure.begin()
    phase(options.requests)
    measure.end()


main()
