# SPDX-License-Identifier: MIT
"""Servers and contenders as processes: started, pinned to cores, measured, ended."""

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

FOLDER = pathlib.Path(__file__).resolve().parent
PATH = "/v1/chat/completions"
PATIENCE = 240  # seconds for one contender
realtime = False  # run.py --realtime


class Skip(Exception):
    """Something is missing; the text says what."""


def cores():
    """The core of the clients and that of the servers: two, if there are two."""
    free = sorted(os.sched_getaffinity(0))
    return free[0], free[-1]


def pinned(command, core):
    two = shutil.which("taskset") and cores()[0] != cores()[1]
    words = ["chrt", "-f", "1"] if realtime else []
    return words + (["taskset", "-c", str(core)] if two else []) + command


def need(tool):
    if not shutil.which(tool):
        raise Skip(f"{tool} is not installed")
    return tool


class Server:
    """tests/bench/http/server.c, as long as a with-block lasts."""

    def __init__(self, program, **options):
        words = [str(program)]
        for name, value in options.items():
            if value is True:
                words.append("--" + name)
            elif value is not None:
                words += ["--" + name, str(value)]
        self.command = pinned(words, cores()[1])
        self.tls = bool(options.get("tls"))

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise Skip("the server did not start")
        self.hello = json.loads(line)
        self.port = self.hello["port"]
        # Names would be looked up, and certificates are for 127.0.0.1 as well.
        self.base = f"http{'s' * self.tls}://127.0.0.1:{self.port}"
        self.url = self.base + PATH
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def file(self, name):
        return str(pathlib.Path(self.hello["folder"], name))

    def stats(self, slots=0, follow=0, skip=0):
        """What it has served; ideal_s is the ideal makespan over that many slots."""
        query = f"slots={slots}&follow={follow}&skip={skip}"
        context = ssl.create_default_context(cafile=self.file("ca.pem")) if self.tls else None
        handlers = [urllib.request.ProxyHandler({})]
        handlers += [urllib.request.HTTPSHandler(context=context)] if context else []
        opener = urllib.request.build_opener(*handlers)
        with opener.open(f"{self.base}/_stats?{query}", timeout=60) as reply:
            return json.load(reply)


@contextlib.contextmanager
def nginx_h2(server, certificates):
    """A front that speaks HTTP/2 over TLS and passes requests on to server. Yields its URL."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not program:
        raise Skip("nginx is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="opro-bench-") as folder:
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        pathlib.Path(folder, "nginx.conf").write_text(
            f"""
            daemon off; master_process off; pid {folder}/pid; error_log {folder}/log crit;
            events {{ worker_connections 8192; }}
            http {{
                access_log off; {temporary} client_body_buffer_size 16k;
                upstream completions {{ server 127.0.0.1:{server.port}; keepalive 2048; }}
                server {{
                    listen 127.0.0.1:{port} ssl http2 backlog=4096;
                    ssl_certificate {certificates.file("cert.pem")};
                    ssl_certificate_key {certificates.file("key.pem")};
                    keepalive_requests 1000000;
                    location / {{
                        proxy_pass http://completions; proxy_http_version 1.1;
                        proxy_set_header Connection ""; proxy_read_timeout 300s;
                    }}
                }}
            }}
            """
        )
        command = [program, "-p", folder, "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf"]
        process = subprocess.Popen(pinned(command, cores()[1]))
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None:
                    raise Skip("nginx does not start: " + pathlib.Path(folder, "log").read_text())
                time.sleep(0.05)
            yield f"https://127.0.0.1:{port}{PATH}"
        finally:
            process.terminate()
            process.wait()


def busy():
    """Seconds that all cores together have worked so far, for whomever."""
    try:
        fields = pathlib.Path("/proc/stat").read_text().split(None, 9)[1:9]
    except OSError:
        return 0
    ticks = sum(int(field) for field in fields) - int(fields[3]) - int(fields[4])  # idle, iowait
    return ticks / os.sysconf("SC_CLK_TCK")


def own():
    """Seconds that this program and its children that have ended worked."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def run(command):
    """A contender's line of JSON, with cpu_us, by its own count or else by that of the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        pinned([str(word) for word in command], cores()[0]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        last = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise Skip(f"{pathlib.Path(str(command[0])).name} failed: {last[0]}")
    report = json.loads(lines[-1])
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report.setdefault("cpu_us", used / max(report["requests"], 1) * 1e6)
    return report


def share(command, settled):
    """How much of a core a contender uses for two seconds after settled() is true."""
    words = pinned([str(word) for word in command], cores()[0])
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if settled():
                break
            time.sleep(0.02)
        time.sleep(0.3)
        worked = pathlib.Path(f"/proc/{process.pid}/schedstat")
        before, began = int(worked.read_text().split()[0]), time.monotonic()
        time.sleep(2)
        return (int(worked.read_text().split()[0]) - before) / 1e9 / (time.monotonic() - began)
    except OSError as why:
        raise Skip(f"no figures of a process: {why}") from why
    finally:
        process.terminate()
        process.wait()


def instructions(command):
    """Instructions of a whole run, by callgrind."""
    need("valgrind")
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(
        pinned(words + [str(word) for word in command], cores()[0]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
    )
    found = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise Skip("valgrind failed: " + done.stderr.strip()[-200:])
    return int(found.group(1))


def system_calls(command):
    """System calls of a whole run, by strace."""
    words = [need("strace"), "-f", "-c"]
    with tempfile.NamedTemporaryFile("r") as counts:
        done = subprocess.run(
            pinned(words + ["-o", counts.name] + [str(word) for word in command], cores()[0]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )
        found = re.search(r"^100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s.*total", counts.read(), re.M)
    if done.returncode != 0 or not found:
        raise Skip("strace failed: " + done.stderr.strip()[-200:])
    return int(found.group(1))


def python_with(module):
    """An interpreter that has a module."""
    for python in (sys.executable, "/usr/bin/python3"):
        found = subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL)
        if found.returncode == 0:
            return python
    raise Skip(f"there is no Python with {module}")


def peer(name):
    """The command of a client that is not ours."""
    if name in ("fetch", "undici"):
        look = "createRequire(process.cwd()+'/')('undici')" if name == "undici" else "fetch"
        script = f"import {{ createRequire }} from 'node:module'; {look}"
        probe = [need("node"), "--input-type=module", "-e", script]
        if subprocess.run(probe, stderr=subprocess.DEVNULL).returncode != 0:
            raise Skip(f"node has no {name}")
        return ["node", FOLDER / "peer_node.mjs", name]
    return [python_with(name), FOLDER / f"peer_{name}.py"]


def median(values):
    return statistics.median(values)
