#!/usr/bin/env python3
"""run.py - the figures of docs/benchmarks.md, measured again in one run.

Starts a server with its private cluster and the Node peer on the same database, loads both
with wrk in turn, and prints a Markdown table. Ratios count: machines are noisy.
usage: bench/run.py [--build build] [--seconds 5] [--only api,start,peer]"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import with_server  # noqa: E402

INSERT_LUA = """
local n = 0
local id = tostring(os.time()) .. tostring(math.random(1e9))
function init(args) id = tostring(math.random(1e9)) .. args[1] end
request = function()
  n = n + 1
  return wrk.format("POST", nil, nil, '{"name":"Bench ' .. id .. ' ' .. n .. '"}')
end
"""


class Session:
    """A registered organisation with one project."""

    def __init__(self, base):
        self.base, self.cookie, self.csrf = base, "", ""
        self.email = f"bench{time.time_ns()}@example.org"
        answer = self.call("POST", "/api/v1/auth/register", {
            "name": "Ben Cher", "email": self.email,
            "password": "Correct-Horse-42", "organization": {"name": "Bench"}})
        self.csrf, self.tenant = answer["csrf_token"], answer["tenants"][0]["tenant"]
        self.path = "/api/v1/t/" + self.tenant["slug"]
        self.project = self.call("POST", self.path + "/projects", {"name": "First"})["id"]

    def token(self):
        return self.call("POST", "/api/v1/auth/login", {
            "email": self.email, "password": "Correct-Horse-42", "mode": "token"})["access_token"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if self.cookie:
            request.add_header("Cookie", self.cookie)
            request.add_header("X-CSRF-Token", self.csrf)
        with urllib.request.urlopen(request, timeout=30) as answer:
            for value in answer.headers.get_all("Set-Cookie") or []:
                self.cookie = value.split(";")[0]
            text = answer.read()
            return json.loads(text) if text else None


def wrk(url, session, seconds, script=None, connections=16):
    """(requests a second, p99 ms, bad answers)."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H",
               f"Cookie: {session.cookie}", "-H", f"X-CSRF-Token: {session.csrf}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        if script:
            lua.write(script)
            lua.flush()
            command += ["-H", "Content-Type: application/json", "-s", lua.name]
        out = subprocess.run([*command, url, "--", str(time.time_ns())], capture_output=True,
                             text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    p99 = float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return rate, p99, int(bad[1]) if bad else 0


def rss_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def api_rows(server, seconds):
    session = Session(server.url)
    for i in range(200):
        session.call("POST", session.path + "/projects", {"name": f"Filler {i}"})
    point = server.url + f"{session.path}/projects/{session.project}"
    listing = server.url + f"{session.path}/projects?limit=20"
    rounds = {"point read": [], "list of 20": [], "insert": []}
    wrk(point, session, 3, connections=32)  # every worker opens its connection
    for _ in range(3):
        rounds["point read"].append(wrk(point, session, seconds))
        rounds["list of 20"].append(wrk(listing, session, seconds))
        rounds["insert"].append(wrk(server.url + session.path + "/projects", session, seconds,
                                    INSERT_LUA, connections=32))
    for name, goal in (("point read", 8000), ("list of 20", 5000), ("insert", 3000)):
        rates = [rate for rate, _, _ in rounds[name]]
        p99 = statistics.median(p for _, p, _ in rounds[name])
        bad = sum(b for _, _, b in rounds[name])
        yield f"{name} through the API", f"{statistics.median(rates):,.0f}/s", f"≥ {goal:,}/s", \
            f"p99 {p99:.1f} ms, best {max(rates):,.0f}, {bad} bad answers"
    peer = peer_rate(server, session, seconds)
    if peer:
        ours = statistics.median(rate for rate, _, _ in rounds["point read"])
        yield "point read, Node peer", f"{peer:,.0f}/s", "ours ≥ 5 ×", f"ours is {ours / peer:.1f} ×"


WHO_SQL = """
select m.tenant_id from identity.sessions s
join tenants.members m on m.user_id = s.user_id
join tenants.tenants t on t.id = m.tenant_id
where s.token_hash = $1 and s.revoked_at is null and s.expires_at > now() and t.slug = $2
"""


def peer_rate(server, session, seconds):
    """The same route served by Fastify and pg, on the same database."""
    peers = ROOT / "bench/peers"
    if not (peers / "node_modules").exists():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=peers,
                       check=True)
    # line 4 and 5 of postmaster.pid: port and folder of the Unix socket
    lines = (server.data / "postgres/postmaster.pid").read_text().splitlines()
    dsn = f"postgresql:///bulkhead?host={lines[4]}&port={lines[3]}&user=bulkhead_"
    port = with_server.free_port()
    process = subprocess.Popen(["node", "server.mjs"], cwd=peers, env={
        **os.environ, "PORT": str(port), "PLATFORM_DSN": dsn + "platform", "APP_DSN": dsn + "app",
        "WHO_SQL": WHO_SQL})
    try:
        url = f"http://127.0.0.1:{port}{session.path}/projects/{session.project}"
        time.sleep(2)
        return statistics.median(wrk(url, session, seconds)[0] for _ in range(3))
    finally:
        process.terminate()
        process.wait()


def start_rows(build):
    binary = pathlib.Path(build).resolve() / "bulkhead"
    with with_server.servers(build) as (first,):
        time.sleep(2)
        yield "idle memory of the server process", f"{rss_mb(first.process.pid):.1f} MB", "≤ 25 MB", ""
        times = []
        for _ in range(5):
            second = with_server.Server(binary, first.data, first.env)
            before = time.monotonic()
            second.start()
            times.append((time.monotonic() - before) * 1000)
            second.stop()
        yield "start to ready, database up", f"{statistics.median(times):.0f} ms", "≤ 150 ms", ""
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, binary], check=True)
        size = os.path.getsize(stripped.name) / (1 << 20)
    yield "stripped binary with the interface", f"{size:.1f} MB", "≤ 8 MB", ""


SOCKETS = 10000


def socket_rows(build):
    """Idle Socket.IO clients of one person, then events that reach all of them."""
    env = {"BULKHEAD_SOCKETS_PER_USER": "20000", "BULKHEAD_MAX_CONNECTIONS": "20000"}
    with with_server.servers(build, env=env) as (server,):
        session = Session(server.url)
        token = session.token()
        out = subprocess.run([pathlib.Path(build).resolve() / "realtime_bench", str(server.port),
                              str(server.process.pid), str(SOCKETS), "20", session.tenant["slug"],
                              token, session.path + "/projects"], capture_output=True, text=True,
                             check=True).stdout
    got = json.loads(out)
    yield f"{SOCKETS:,} idle Socket.IO clients, whole process", f"{got['rss_mib']:.0f} MiB", \
        "≤ 200 MB", f"{got['kib_per_client']:.1f} KiB a client, {got['connects_per_s']:,.0f} connects/s"
    yield "an API write heard by all of them, p99", f"{got['p99_ms']:.0f} ms", "≤ 250 ms", \
        f"p50 {got['p50_ms']:.0f} ms; clock starts before the request"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--seconds", type=int, default=5)
    args = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is needed: apt-get install wrk")
    print("| what | measured | to reach | remarks |\n| --- | --- | --- | --- |")
    for row in start_rows(args.build):
        print("| " + " | ".join(row) + " |", flush=True)
    for row in socket_rows(args.build):
        print("| " + " | ".join(row) + " |", flush=True)
    with with_server.servers(args.build) as (server,):
        for row in api_rows(server, args.seconds):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
