#!/usr/bin/env python3
"""test_jobs_partitions.py - finished jobs are dropped by the day, and a day in which
something still waits or runs is not, nor is any later one."""
import datetime
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
from with_postgres import Cluster  # noqa: E402

TENANT = "00000000-0000-7000-8000-0000000000aa"
WORKER = "00000000-0000-7000-8000-0000000000bb"


class Partitions(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.cluster.__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.cluster.migrate()
        today = datetime.datetime.now(datetime.timezone.utc).date()
        self.days = [today - datetime.timedelta(days=n) for n in (4, 2, 1)]
        for day in self.days:
            for table in ("job_ready", "job_receipts", "job_closures"):
                self.cluster.psql("OWNER", f"create table core.{table}_{day:%Y%m%d} partition of "
                                  f"core.{table} for values from ('{day}') to "
                                  f"('{day + datetime.timedelta(days=1)}')")
        self.cluster.psql("SUPER", f"""
            insert into core.job_lanes (tenant_id, queue, priority, tail, head)
            values ('{TENANT}', 'email', 0, 1, 1);
            insert into core.job_ready (lane, seq, id, tenant_id, type, attempt, attempts, losses,
                payload, enqueued_at, at)
            select id, 1, 1, '{TENANT}', 'x', 1, 5, 0, '{{}}', now(), '{self.days[0]} 12:00'
            from core.job_lanes;""")

    def drop(self):
        self.cluster.psql("PLATFORM", "select core.drop_job_partitions()")
        rows = self.cluster.psql(
            "SUPER", "select inhrelid::regclass from pg_inherits "
            "where inhparent = 'core.job_ready'::regclass").stdout.split()
        return [f"core.job_ready_{day:%Y%m%d}" in rows for day in self.days]

    def test_settled_days_go_after_a_day(self):
        self.assertEqual([False, False, True], self.drop())
        self.assertEqual("", self.cluster.psql(
            "SUPER", "select 1 from pg_class where relname = "
            f"'job_receipts_{self.days[0]:%Y%m%d}'").stdout.strip())

    def test_a_day_in_which_something_waits_stays(self):
        self.cluster.psql("SUPER", "update core.job_lanes set head = 0")
        self.assertEqual([True, True, True], self.drop())

    def test_a_day_in_which_something_runs_stays(self):
        self.cluster.psql("SUPER", f"""
            insert into core.job_workers (id, node, lease_until, oldest_receipt)
            values ('{WORKER}', 'n', now() + interval '9 s', 7);
            insert into core.job_receipts (id, worker, lanes, seqs, at)
            select 7, '{WORKER}', array[id], array[1::bigint], now() from core.job_lanes;""")
        self.assertEqual([True, True, True], self.drop())
        self.cluster.psql("SUPER", "update core.job_workers set oldest_receipt = 8")
        self.assertEqual([False, False, True], self.drop())

    def test_events_go_after_seven_days(self):
        today = datetime.datetime.now(datetime.timezone.utc).date()
        for ago in (9, 6):
            day = today - datetime.timedelta(days=ago)
            self.cluster.psql("OWNER", f"create table core.events_{day:%Y%m%d} partition of "
                              f"core.events for values from ('{day}') to "
                              f"('{day + datetime.timedelta(days=1)}')")
        self.cluster.psql("PLATFORM", "select core.maintain_partitions()")
        rows = self.cluster.psql("SUPER", "select inhrelid::regclass from pg_inherits where "
                                 "inhparent = 'core.events'::regclass").stdout
        self.assertNotIn(f"{today - datetime.timedelta(days=9):%Y%m%d}", rows)
        self.assertIn(f"{today - datetime.timedelta(days=6):%Y%m%d}", rows)


if __name__ == "__main__":
    unittest.main()
