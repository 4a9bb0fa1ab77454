#!/usr/bin/env python3
"""test_two_servers.py - two whole servers on one database, one of them killed with -9
again and again: what was answered with 201 has its row, its event once, and
its mail. BUILD: the build folder."""
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from with_postgres import Cluster  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))


class Server:
    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = None

    def start(self):
        env = {**os.environ, "DATABASE_URL": self.cluster.dsn("SUPER"), "PORT": str(self.port),
               "PUBLIC_URL": "http://127.0.0.1:8080",  # one for both: it is in the tokens
               "BULKHEAD_SECRET": "0123456789abcdef0123456789abcdef",
               "BULKHEAD_DATA": f"{self.folder}/{self.port}"}
        env.pop("SMTP_URL", None)
        self.process = subprocess.Popen([BUILD / "bulkhead", "serve"], env=env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            if self.ask("GET", "/readyz")[0] == 200:
                return
            time.sleep(0.05)
        raise RuntimeError("the server does not become ready")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method, headers=headers,
            data=json.dumps(body).encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                is_json = answer.headers.get_content_type() == "application/json"
                return answer.status, json.loads(answer.read()) if is_json else None
        except urllib.error.HTTPError as fault:
            with fault:
                return fault.code, None
        except (OSError, ValueError):
            return 0, None  # killed before or while it answered


class TwoServers(unittest.TestCase):
    def test_what_was_answered_is_there_once(self):
        random.seed(5)
        cluster = Cluster(durable=True)
        cluster.__enter__()
        self.addCleanup(cluster.__exit__)
        folder = tempfile.TemporaryDirectory(prefix="bh-two-")
        self.addCleanup(folder.cleanup)
        servers = [Server(cluster, folder.name), Server(cluster, folder.name)]
        for server in servers:
            server.start()
            self.addCleanup(lambda server=server: server.process.poll() is None and server.kill())
        people, projects = [], []
        for number in range(4):
            self.register(servers[number % 2], f"p{number}", people)
        for turn in range(3):
            victim = servers[turn % 2]
            death = time.monotonic() + random.uniform(0.2, 0.6)
            while time.monotonic() < death:
                self.create(random.choice(servers), random.choice(people), projects)
            self.register(victim, f"q{turn}", people)
            victim.kill()
            for _ in range(10):
                self.create(servers[1 - turn % 2], random.choice(people), projects)
            victim.start()
        self.assertGreater(len(projects), 30)
        self.check(cluster, people, projects)
        for server in servers:
            server.process.terminate()
            self.assertEqual(0, server.process.wait(20))

    def register(self, server, name, people):
        status, answer = server.ask("POST", "/api/v1/auth/register", {
            "name": name, "email": f"{name}@example.org", "password": "Correct-Horse-7-Battery",
            "mode": "token", "organization": {"name": name}})
        self.assertEqual(201, status)
        people.append((f"{name}@example.org", answer["tenants"][0]["tenant"]["slug"],
                       answer["access_token"]))

    def create(self, server, person, projects):
        _, slug, token = person
        status, answer = server.ask("POST", f"/api/v1/t/{slug}/projects",
                                    {"name": f"P{len(projects)}"}, token)
        if status == 201:
            projects.append(answer["id"])
        else:
            self.assertIn(status, (0, 429, 503))

    def check(self, cluster, people, projects):
        """The mails of killed servers' jobs come within 15 s, everything else is there."""
        def column(sql):
            return cluster.psql("SUPER", sql).stdout.split()
        until = time.monotonic() + 20
        wanted = sorted(address for address, _, _ in people)
        mailed = []
        while time.monotonic() < until and mailed != wanted:
            mailed = sorted(column("select to_address from core.dev_mails "
                                   "where subject like 'Confirm%'"))
            time.sleep(0.2)
        self.assertEqual(wanted, mailed)
        logged = column("select subject from core.events where type = 'project:created'")
        self.assertEqual(len(logged), len(set(logged)))
        self.assertLessEqual(set(projects), set(logged))
        self.assertEqual(sorted(logged), sorted(column("select id from analytics.projects")))
        seqs = [int(seq) for seq in column("select seq from core.events order by seq")]
        self.assertEqual(list(range(1, len(seqs) + 1)), seqs)
        self.assertEqual(["0"], column("select count(*) from core.job_dead"))


if __name__ == "__main__":
    unittest.main()
