#!/usr/bin/env python3
"""test_cluster.py - the private cluster: made once, started fast, never left behind.

Drives build/cluster_run (tests/programs); BUILD names another build folder."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / os.environ.get("BUILD", "build") / "cluster_run"


class Server:
    def __init__(self, folder):
        self.process = subprocess.Popen([PROGRAM, folder], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        found = re.match(r"ready (\d+) (.*)", line)
        if not found:
            raise RuntimeError(f"not ready: {line}{self.process.stderr.read()}")
        self.ms, self.conninfo = int(found[1]), found[2]

    def ask(self, sql, role=None):
        conninfo = self.conninfo.replace("bulkhead_app", role) if role else self.conninfo
        done = subprocess.run(["psql", "-XAtq", "-d", conninfo, "-c", sql], text=True,
                              capture_output=True, check=False)
        return done.stdout.strip() or done.stderr.strip()

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.communicate()


def postmaster_pid(folder):
    file = pathlib.Path(folder, "postgres", "postmaster.pid")
    return int(file.read_text(encoding="ascii").split()[0]) if file.exists() else 0


def is_alive(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"


def dies(pid, within_s=10):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


class Cluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="bh-cluster-", dir="/tmp")
        os.chmod(cls.folder, 0o755)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def test_1_first_start_and_clean_end(self):
        server = Server(self.folder)
        self.assertEqual("bulkhead_app", server.ask("select current_user"))
        self.assertEqual("bulkhead_owner",
                         server.ask("select current_user", "bulkhead_owner"))
        self.assertEqual("f", server.ask("select rolsuper or rolbypassrls or rolcreaterole "
                                         "from pg_roles where rolname = current_user"))
        self.assertEqual("on|on|off", server.ask(
            "select current_setting('fsync') || '|' || current_setting('data_checksums') "
            "|| '|' || current_setting('jit')"))
        self.assertIn("permission denied",
                      server.ask("create table public.x (y int)"))
        pid = postmaster_pid(self.folder)
        self.assertNotEqual(0, os.stat(f"/proc/{pid}").st_uid, "never as root")
        self.assertEqual(0, server.close())
        self.assertFalse(is_alive(pid))
        self.assertEqual(0, postmaster_pid(self.folder))

    def test_2_second_start_is_fast_and_keeps_data(self):
        server = Server(self.folder)
        self.assertLess(server.ms, 1500)
        server.ask("create schema s; create table s.t as select 42 as x", "bulkhead_owner")
        server.close()
        server = Server(self.folder)
        self.assertEqual("42", server.ask("select x from s.t", "bulkhead_owner"))
        server.close()

    def test_3_a_killed_server_leaves_no_postgres(self):
        server = Server(self.folder)
        pid = postmaster_pid(self.folder)
        server.kill()
        again = Server(self.folder)  # at once, while the old one may still be going down
        self.assertTrue(dies(pid))
        self.assertEqual("42", again.ask("select x from s.t", "bulkhead_owner"))
        self.assertEqual(0, again.close())

    def test_4_a_stale_pid_file_is_no_obstacle(self):
        server = Server(self.folder)
        pid = postmaster_pid(self.folder)
        os.kill(pid, signal.SIGKILL)
        server.kill()
        self.assertTrue(dies(pid))
        self.assertNotEqual(0, postmaster_pid(self.folder))
        again = Server(self.folder)
        self.assertEqual("42", again.ask("select x from s.t", "bulkhead_owner"))
        again.close()

    def test_5_a_second_server_uses_the_first_ones(self):
        first = Server(self.folder)
        second = Server(self.folder)
        self.assertEqual("1", second.ask("select 1"))
        self.assertEqual(0, second.close())
        self.assertEqual("1", first.ask("select 1"))
        first.close()

    def test_5_a_postmaster_that_dies_is_started_again(self):
        server = Server(self.folder)
        pid = postmaster_pid(self.folder)
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 20
        while server.ask("select 1") != "1" and time.monotonic() < until:
            time.sleep(0.1)
        self.assertEqual("42", server.ask("select x from s.t", "bulkhead_owner"))
        again = postmaster_pid(self.folder)
        self.assertNotEqual(pid, again)
        self.assertEqual(0, server.close())
        self.assertFalse(is_alive(again))

    def test_6_strangers_stay_outside(self):
        server = Server(self.folder)
        done = subprocess.run(["runuser", "-u", "nobody", "--", "psql", "-XAtq", "-d",
                               server.conninfo, "-c", "select 1"], text=True,
                              capture_output=True, check=False, cwd="/")
        server.close()
        if os.geteuid() == 0:
            self.assertNotEqual(0, done.returncode)

    def test_7_a_folder_the_user_cannot_enter(self):
        if os.geteuid() != 0:
            self.skipTest("only root has folders that postgres cannot enter")
        closed = pathlib.Path(tempfile.mkdtemp(prefix="bh-closed-", dir="/tmp"))
        closed.chmod(0o700)
        try:
            server = Server(closed / "data")
            self.assertEqual("1", server.ask("select 1"))
            server.close()
            target = os.readlink(closed / "data" / "postgres")
            self.assertTrue(target.startswith("/var/lib/bulkhead/"))
            for path in pathlib.Path(target).parent.glob(pathlib.Path(target).name + "*"):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        finally:
            shutil.rmtree(closed)


if __name__ == "__main__":
    unittest.main()
