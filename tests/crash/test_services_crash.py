#!/usr/bin/env python3
"""test_services_crash.py - kill -9 in the middle of everything.

Processes that seal, follow and run jobs (tests/programs/services_node.c) are
killed while work comes in. Afterwards every job has run to its end, none ran
in two processes at the same time, a killed one's jobs ran again within 15 s,
and the followers that lived heard every event once, in order.
BULKHEAD_TEST_ROUNDS: more rounds (default 4). BUILD: the build folder."""
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from with_postgres import Cluster  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
ROUNDS = int(os.environ.get("BULKHEAD_TEST_ROUNDS", "4"))
TENANT = "00000000-0000-7000-8000-0000000000aa"
JOBS_A_ROUND = 1500
EVENTS_A_ROUND = 1500


class Node:
    def __init__(self, cluster, folder, name):
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.log.touch()
        self.process = subprocess.Popen([BUILD / "services_node", self.log],
                                        env={**os.environ, **cluster.environment()},
                                        stderr=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while "ready" not in self.log.read_text() and time.monotonic() < until:
            time.sleep(0.01)

    def kill(self):
        """Dies at once; returns when (by the database's clock, which is ours)."""
        self.process.kill()
        self.process.wait()
        return time.time()

    def end(self):
        self.process.terminate()
        return self.process.wait(20)

    def heard(self):
        lines = self.log.read_text().splitlines()
        head = next(int(line.split()[1]) for line in lines if line.startswith("head"))
        words = [line.split() for line in lines if line[:1].isdigit()]
        return head, [(int(seq), subject) for seq, subject in words]


class Crash(unittest.TestCase):
    def setUp(self):
        # a server that is shot keeps only what it has flushed
        self.cluster = Cluster(durable="restarts" in self.id())
        self.cluster.__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.folder = tempfile.TemporaryDirectory(prefix="bh-crash-")
        self.addCleanup(self.folder.cleanup)
        self.count = 0
        first = self.node()  # migrates
        self.cluster.psql("SUPER", """
            create table public.runs (n bigint, attempt int, process int, what text,
                at timestamptz not null default clock_timestamp());
            create index on public.runs (n);
            grant insert, select on public.runs to bulkhead_app, bulkhead_platform;
            grant usage on schema public to bulkhead_app, bulkhead_platform;""")
        first.end()

    def node(self):
        self.count += 1
        node = Node(self.cluster, self.folder.name, f"node{self.count}")
        self.addCleanup(lambda: node.process.poll() is None and node.kill())
        return node

    def scope(self, sql):
        return f"begin; select set_config('app.tenant', '{TENANT}', true); {sql}; commit;"

    def enqueue(self, start, count):
        self.cluster.psql("APP", self.scope(
            "insert into core.job_inbox (queue, type, attempts, payload) "
            "select 'notifications', 'crash.note', 3, json_build_object('n', g) "
            f"from generate_series({start}, {start + count - 1}) as g"))

    def number(self, sql):
        return int(self.cluster.psql("SUPER", sql).stdout.strip() or 0)

    def wait_for_all(self, count, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.number("select count(distinct n) from public.runs where what = 'end'") == count:
                return True
            time.sleep(0.2)
        return False

    def test_jobs_of_killed_workers(self):
        random.seed(7)
        killed = {}  # process: time of death
        nodes = [self.node(), self.node()]
        total = 0
        for _ in range(ROUNDS):
            for _ in range(5):
                self.enqueue(total, JOBS_A_ROUND // 5)
                total += JOBS_A_ROUND // 5
                time.sleep(random.uniform(0, 0.15))
            victim = nodes.pop(random.randrange(2))
            killed[victim.process.pid] = victim.kill()
            nodes.append(self.node())
        self.assertTrue(self.wait_for_all(total, 40), "jobs were lost")
        last_death = max(killed.values())
        for node in nodes:
            self.assertEqual(0, node.end())
        self.assertEqual("0|0|0", self.cluster.psql("SUPER", """
            select (select count(*) from core.job_inbox), (select count(*) from core.job_deferred),
                (select coalesce(sum(tail - head), 0) from core.job_lanes)""").stdout.strip())
        self.assertEqual(0, self.number("select count(*) from core.job_dead"))
        self.check_overlaps(killed)
        late = self.number("select count(*) from (select n, min(at) as at from public.runs "
                           "where what = 'end' group by n) r "
                           f"where at > to_timestamp({last_death}) + interval '15 s'")
        self.assertEqual(0, late, "jobs of a killed worker ran again too late")

    def check_overlaps(self, killed):
        """Runs of one job must not overlap; a killed process's run ends with it."""
        rows = self.cluster.psql("SUPER", """
            select b.n, b.process, extract(epoch from b.at),
                (select extract(epoch from min(e.at)) from public.runs e
                 where e.n = b.n and e.process = b.process and e.what = 'end' and e.at >= b.at)
            from public.runs b
            where b.what = 'begin' and b.n in
                (select n from public.runs where what = 'begin' group by n having count(*) > 1)
            order by b.n, b.at""").stdout.split()
        runs = {}
        for row in rows:
            n, process, begin, end = row.split("|")
            end = float(end) if end else killed.get(int(process))
            self.assertIsNotNone(end, f"job {n} neither ended nor died")
            runs.setdefault(n, []).append((float(begin), end, int(process)))
        for n, list_of in runs.items():
            for (_, end, process), (begin, _, _) in zip(list_of, list_of[1:]):
                self.assertLessEqual(end, begin, f"job {n} ran twice at the same time")
                self.assertIn(process, killed, f"job {n} ran again though its worker lived")
        print(f"{len(runs)} jobs ran again after {len(killed)} kills", file=sys.stderr)

    def emit(self, start, count, pieces, slow):
        """Writes events in several transactions at once; one of them stays open."""
        def write(first, n, wait):
            self.cluster.psql("APP", self.scope(
                "insert into core.outbox (type, subject, payload) "
                f"select 'x:y', g::text, '{{}}' from generate_series({first}, {first + n - 1}) g; "
                f"select pg_sleep({wait})"))
        each = count // pieces
        threads = [threading.Thread(target=write, args=(start + i * each, each,
                                                        slow if i == 0 else 0))
                   for i in range(pieces)]
        for thread in threads:
            thread.start()
            time.sleep(0.02)
        return threads

    def test_events_of_killed_sealers(self):
        random.seed(11)
        witness = self.node()  # lives through all of it
        victims = [self.node()]
        total, writing = 0, []
        for _ in range(ROUNDS):
            writing += self.emit(total, EVENTS_A_ROUND, 15, random.uniform(0.5, 2))
            total += EVENTS_A_ROUND
            victims[-1].kill()
            victims.append(self.node())
        for thread in writing:
            thread.join()
        until = time.monotonic() + 10
        while len(witness.heard()[1]) < total and time.monotonic() < until:
            time.sleep(0.1)
        log = self.cluster.psql(
            "SUPER", "select seq, subject from core.events order by seq").stdout.split()
        log = [(int(seq), subject) for seq, subject in (line.split("|") for line in log)]
        self.assertEqual(list(range(1, total + 1)), [seq for seq, _ in log])
        self.assertEqual({str(n) for n in range(total)}, {subject for _, subject in log})
        self.assertEqual(log, witness.heard()[1])
        for victim in victims:  # what they heard before they died is a piece of it
            head, heard = victim.heard()
            self.assertEqual(log[head:head + len(heard)], heard)
        self.assertEqual(0, self.number("select count(*) from core.outbox"))

    def test_the_database_restarts(self):
        node = self.node()
        self.enqueue(0, 500)
        threads = self.emit(0, 300, 3, 0)
        for thread in threads:
            thread.join()
        time.sleep(0.2)
        self.cluster.stop("immediate")  # as a power cut, for the server
        time.sleep(0.5)
        self.cluster.start()
        self.enqueue(500, 500)
        self.assertTrue(self.wait_for_all(1000, 30))
        for thread in self.emit(300, 300, 3, 0):
            thread.join()
        time.sleep(2)
        _, heard = node.heard()
        self.assertEqual(0, node.end())
        self.assertEqual(list(range(1, 601)), [seq for seq, _ in heard])
        self.assertEqual({str(n) for n in range(600)}, {subject for _, subject in heard})


if __name__ == "__main__":
    unittest.main()
