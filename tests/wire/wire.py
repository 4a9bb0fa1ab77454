"""wire.py - a raw HTTP peer for the wire tests: bytes out, bytes in, and a
strict reading of what the server sends."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("WIRE_SERVER", str(ROOT / "build/wire_server"))
HOST = b"Host: a\r\n"


class Server:
    """The test server; leaves nothing running."""

    def __init__(self, workers=4, max_connections=1000, spool="/tmp", max_files=None):
        self.log = open("/tmp/wire_server.log", "ab")
        limit = f"ulimit -n {max_files} && " if max_files else ""
        command = f'{limit}exec "$0" "$@"'
        self.process = subprocess.Popen(
            ["sh", "-c", command, PROGRAM, "0", str(workers), str(max_connections), spool],
            stdout=subprocess.PIPE, stderr=self.log)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        """Exit code after SIGTERM: 0 unless a sanitizer has found something."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process.stdout.close()
        self.log.close()
        return code

    def rss_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


class Answer:
    def __init__(self, status, fields, body, interim):
        self.status, self.fields, self.body, self.interim = status, fields, body, interim

    def __getitem__(self, name):
        return self.fields.get(name.lower())


class Closed(Exception):
    """The server closed before an answer was complete."""


class Peer:
    def __init__(self, port, source=None, timeout=5):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout,
                                               source_address=(source, 0) if source else None)
        self.data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionResetError as reset:
            raise Closed("reset") from reset
        if not piece:
            raise Closed("closed")
        self.data += piece

    def until(self, mark):
        while mark not in self.data:
            self.more()
        found, self.data = self.data.split(mark, 1)
        return found

    def take(self, count):
        while len(self.data) < count:
            self.more()
        found, self.data = self.data[:count], self.data[count:]
        return found

    def chunked(self):
        body = b""
        while True:
            size = int(self.until(b"\r\n"), 16)
            body += self.take(size)
            assert self.take(2) == b"\r\n"
            if size == 0:
                return body

    def rest(self):
        try:
            while True:
                self.more()
        except Closed:
            found, self.data = self.data, b""
            return found

    def answer(self, head_only=False):
        """Reads one answer; framing must be unambiguous."""
        interim = 0
        while True:
            lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [ -~]*", lines[0])
            assert match, lines[0]
            status = int(match[1])
            if status >= 200 or status == 101:
                break
            interim += 1
        pairs = [line.split(": ", 1) for line in lines[1:]]
        fields = {name.lower(): value for name, value in pairs}
        assert len(fields) == len(pairs), "a field was sent twice"
        assert not ("content-length" in fields and "transfer-encoding" in fields)
        if head_only or status in (101, 204, 304):
            body = b""
        elif "transfer-encoding" in fields:
            body = self.chunked()
        elif "content-length" in fields:
            body = self.take(int(fields["content-length"]))
        else:
            body = self.rest()
        return Answer(status, fields, body, interim)

    def is_closed(self, within=3):
        """Does the server end the connection (and send nothing more)?"""
        self.socket.settimeout(within)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(5)


def request(port, data, head_only=False, source=None):
    """One answer on a connection of its own."""
    with Peer(port, source) as peer:
        return peer.send(data).answer(head_only)


def get(path, fields=b"", version=b"1.1", method=b"GET"):
    return method + b" " + path + b" HTTP/" + version + b"\r\n" + HOST + fields + b"\r\n"


def post(path, body, fields=b""):
    return (b"POST " + path + b" HTTP/1.1\r\n" + HOST + fields
            + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def counts(port):
    text = request(port, get(b"/counts")).body.decode()
    return {name: int(value) for name, value in (part.split("=") for part in text.split())}


def wait_for(question, seconds=5):
    """True once question() is; polls."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if question():
            return True
        time.sleep(0.02)
    return False
