#!/usr/bin/env python3
"""with_server.py - starts a real server on free loopback ports with a data folder of
its own, runs a command against it, and takes everything down again.

  with_server.py [--build build] [--nodes 2] [--demo] [--env K=V]… -- command …

The command finds BASE_URL (and BASE_URL_2), ADMIN_URL, BULKHEAD_DATA, BULKHEAD_BIN and
DATABASE_SOCKET in its environment. Limits are raised so that tests do not meet
them by accident; --env sets what a test wants to be otherwise."""
import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELAXED = {"BULKHEAD_RATE_API": "1000000", "BULKHEAD_RATE_UPLOAD": "1000000",
           "BULKHEAD_RATE_BULK": "1000000", "BULKHEAD_INGEST_RATE": "1000000",
           "BULKHEAD_PLAN_EVENTS": "10000000", "BULKHEAD_DEVELOPMENT": "true",
           "LOG_LEVEL": "warn"}


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One server process; its log is kept in the data folder."""

    def __init__(self, binary, data, env=None, port=None, demo=False):
        self.port, self.admin_port = port or free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data, self.log = pathlib.Path(data), pathlib.Path(data) / f"server-{self.port}.log"
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith(("BULKHEAD_", "SMTP_")) and k != "DATABASE_URL"}
        self.env = {**clean, **RELAXED, **(env or {}), "PORT": str(self.port),
                    "BULKHEAD_DATA": str(self.data), "BULKHEAD_ADMIN_PORT": str(self.admin_port)}
        self.command = [str(binary), "serve"] + (["--demo"] if demo else [])
        self.process = None

    def start(self, timeout=60):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, env=self.env, cwd=self.data, stderr=log,
                                            stdout=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended at start:\n{self.tail()}")
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(self.url + "/readyz", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            time.sleep(0.02)
        self.kill()
        raise SystemExit(f"the server is not ready after {timeout} s:\n{self.tail()}")

    def stop(self, timeout=20):
        """SIGTERM; the exit status, or None when it had to be killed."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@contextlib.contextmanager
def data_folder():
    """Short, because a Unix socket's path may have at most 107 bytes; open to the
    user PostgreSQL runs as."""
    folder = tempfile.mkdtemp(prefix="bh-", dir="/tmp")
    os.chmod(folder, 0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def servers(build, nodes=1, env=None, demo=False):
    binary = pathlib.Path(build).resolve() / "bulkhead"
    with data_folder() as folder:
        first = Server(binary, folder, env, demo=demo)
        started = [first]
        try:
            first.start()
            for _ in range(1, nodes):
                started.append(Server(binary, folder, env).start())
            yield started
        finally:
            statuses = [server.stop() for server in reversed(started)]
            if any(status != 0 for status in statuses):
                print(f"server exit statuses {statuses}:\n{first.tail()}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    env = dict(pair.split("=", 1) for pair in args.env)
    with servers(args.build, args.nodes, env, args.demo) as started:
        urls = {"BASE_URL" if i == 0 else f"BASE_URL_{i + 1}": s.url for i, s in enumerate(started)}
        child = {**os.environ, **urls, "BULKHEAD_DATA": str(started[0].data),
                 "ADMIN_URL": f"http://127.0.0.1:{started[0].admin_port}",
                 "BULKHEAD_BIN": str(pathlib.Path(args.build).resolve() / "bulkhead")}
        code = subprocess.run(args.command, env=child, check=False).returncode
        if code != 0:
            print(started[0].tail(), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
