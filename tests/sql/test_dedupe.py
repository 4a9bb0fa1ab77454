#!/usr/bin/env python3
"""test_dedupe.py - a message is new once in 24 hours, also across midnight, where the
partition changes, and when two transactions meet there (ADR 0060)."""
import datetime
import itertools
import pathlib
import subprocess
import sys
import threading
import unittest
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))
from with_postgres import Cluster  # noqa: E402

TENANT = "aaaaaaaa-0000-7000-8000-00000000000a"
ENTER = f"select set_config('app.tenant', '{TENANT}', true) is null;"
# two days ahead: the partitions of both its neighbours are there
MIDNIGHT = datetime.datetime.combine(
    datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=2),
    datetime.time(0), datetime.timezone.utc)
MINUTES = (-660, -20, -11, -9, -1 / 60, 0, 1 / 60, 9, 11, 20, 600, 770)


def mark(keys, minutes):
    at = (MIDNIGHT + datetime.timedelta(minutes=minutes)).isoformat()
    listed = ",".join(f"'{key}'" for key in keys)
    return f"select 'answer', analytics.mark_seen(array[{listed}]::uuid[], '{at}');"


class Session:
    """A connection that holds a transaction open until it is told to end it."""

    def __init__(self, cluster):
        self.psql = subprocess.Popen(
            [str(cluster.bin / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", cluster.dsn("APP")],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer = None
        self.reader = None

    def begin(self, sql):
        self.psql.stdin.write(f"begin; {ENTER} {sql}\n")
        self.psql.stdin.flush()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.psql.stdout:
            if line.startswith("answer|"):
                self.answer = line.strip().removeprefix("answer|")
                return

    def wait(self, seconds):
        self.reader.join(seconds)
        return self.answer

    def end(self, word):
        self.psql.stdin.write(word + ";\n")
        self.psql.stdin.close()
        self.reader.join()
        self.psql.stdout.close()
        self.psql.wait()


class Dedupe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)
        cls.cluster.migrate()

    def answers(self, *steps):
        script = "".join(f"begin; {ENTER} {step} commit;\n" for step in steps)
        lines = self.cluster.psql("APP", script).stdout.splitlines()
        return [line.removeprefix("answer|") for line in lines if line.startswith("answer|")]

    def test_every_pair_of_moments_within_a_day(self):
        for first, second in itertools.product(MINUTES, MINUTES):
            if not 0 <= second - first <= 24 * 60:
                continue
            key = uuid.uuid4()
            with self.subTest(first=first, second=second):
                self.assertEqual(self.answers(mark([key], first), mark([key], second)),
                                 ["{t}", "{f}"])

    def test_only_what_is_new(self):
        a, b, c = (uuid.uuid4() for _ in range(3))
        self.assertEqual(self.answers(mark([a, b], 60), mark([c, b, a], 61), mark([c], 62)),
                         ["{t,t}", "{t,f,f}", "{f}"])

    def test_another_tenant_has_messages_of_its_own(self):
        key = uuid.uuid4()
        other = mark([key], 60).replace("select 'answer'", "select set_config('app.tenant', "
                                        "'bbbbbbbb-0000-7000-8000-00000000000b', true) is null; "
                                        "select 'answer'")
        self.assertEqual(self.answers(mark([key], 60), other), ["{t}", "{t}"])

    def test_two_open_transactions_on_both_sides_of_midnight(self):
        near = [m for m in MINUTES if abs(m) <= 20]
        for first, second in itertools.product(near, near):
            # a transaction may last twenty minutes at most, else the window is too small
            if not 0 <= second - first < 20:
                continue
            for word, expected in (("commit", "{f}"), ("rollback", "{t}")):
                with self.subTest(first=first, second=second, word=word):
                    key = uuid.uuid4()
                    one, two = Session(self.cluster), Session(self.cluster)
                    one.begin(mark([key], first))
                    self.assertEqual(one.wait(10), "{t}")
                    two.begin(mark([key], second))
                    self.assertIsNone(two.wait(0.05), "the second has to wait for the first")
                    one.end(word)
                    self.assertEqual(two.wait(10), expected)
                    two.end("commit")


if __name__ == "__main__":
    unittest.main()
