#!/usr/bin/env python3
"""with_postgres.py - runs a command beside a throw-away PostgreSQL cluster.

  with_postgres.py [--migrate] [--durable] -- command …

The cluster lives in a new folder under /tmp, listens on a Unix socket only and
has the three roles and the database "bulkhead"; --migrate also runs all
migrations. The command finds it through
  BULKHEAD_TEST_DSN_SUPER, _OWNER, _APP, _PLATFORM   libpq connection strings
  BULKHEAD_TEST_SOCKET                               the socket's folder
  BULKHEAD_TEST_PGDATA                               the cluster's folder
Without --durable, fsync is off: right for tests, wrong for measuring.
When root, the cluster runs as the user postgres (initdb refuses root)."""
import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import migrations  # noqa: E402

ROLES = {"OWNER": "bulkhead_owner", "APP": "bulkhead_app", "PLATFORM": "bulkhead_platform",
         "SUPER": "postgres"}
SETTINGS = """
listen_addresses = ''
max_connections = 60
shared_buffers = 64MB
max_wal_size = 1GB
jit = off
deadlock_timeout = 100ms
timezone = UTC
log_min_messages = warning
"""
BOOTSTRAP = """
create role bulkhead_owner login noinherit;
create role bulkhead_app login noinherit;
create role bulkhead_platform login noinherit;
create database bulkhead owner bulkhead_owner encoding 'UTF8' template template0;
revoke all on database bulkhead from public;
grant connect on database bulkhead to bulkhead_app, bulkhead_platform;
"""
LEDGER = """
create schema if not exists core;
create table if not exists core.migrations (module text not null, name text not null,
	checksum text not null, applied_at timestamptz not null default now(),
	primary key (module, name));
"""


def binaries():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: int(path.parent.parent.name))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if not initdb:
        sys.exit("with_postgres: no initdb found; install the package postgresql")
    return pathlib.Path(initdb).parent


class Cluster:
    """A cluster of its own; use as a context manager."""

    def __init__(self, durable=False):
        self.bin = binaries()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bh-pg-", dir="/tmp"))
        self.data = self.folder / "d"
        self.durable = durable

    def tool(self, name, *args, **more):
        command = [str(self.bin / name), *map(str, args)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        return subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, **more)

    def __enter__(self):
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self.folder.chmod(0o755)
        self.tool("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--no-locale", "--no-sync", *(["-k"] if self.durable else []))
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(SETTINGS + f"unix_socket_directories = '{self.folder}'\n")
            if not self.durable:
                conf.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
        self.start()
        self.psql("SUPER", BOOTSTRAP, database="postgres")
        return self

    def __exit__(self, *_):
        try:
            self.stop("immediate")
        except subprocess.CalledProcessError:
            pass  # somebody (a test of crashes) has stopped it already
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.tool("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-s", "-w", "start")

    def stop(self, mode="fast"):
        self.tool("pg_ctl", "-D", self.data, "-s", "-m", mode, "-w", "stop",
                  stderr=subprocess.DEVNULL)

    def dsn(self, role, database="bulkhead"):
        return f"host={self.folder} dbname={database} user={ROLES[role]}"

    def psql(self, role, sql, database="bulkhead", single=False, check=True):
        """Runs a script; returns the completed process (text output, unaligned)."""
        command = [str(self.bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                   "-v", "VERBOSITY=verbose", *(["-1"] if single else []),
                   "-d", self.dsn(role, database), "-f", "-"]
        done = subprocess.run(command, input=sql, text=True, capture_output=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"psql failed: {done.stderr}")
        return done

    def migrate(self):
        self.psql("OWNER", LEDGER)
        for module, name, path in migrations.ordered():
            sql = path.read_text(encoding="utf-8")
            try:
                self.psql("OWNER", sql, single=True)
            except RuntimeError as fault:
                raise RuntimeError(f"migration {module}/{name}: {fault}") from fault
            quoted = "$migration_text$" + sql + "$migration_text$"
            self.psql("OWNER", "insert into core.migrations (module, name, checksum) values "
                      f"('{module}', '{name}', encode(sha256(convert_to({quoted}, 'UTF8')), 'hex'))")
        self.psql("OWNER", "select core.refresh_audit()")

    def environment(self):
        found = {f"BULKHEAD_TEST_DSN_{name}": self.dsn(name) for name in ROLES}
        found["BULKHEAD_TEST_SOCKET"] = str(self.folder)
        found["BULKHEAD_TEST_PGDATA"] = str(self.data)
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--migrate", action="store_true")
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Cluster(args.durable) as cluster:
        if args.migrate:
            cluster.migrate()
        return subprocess.run(args.command, env={**os.environ, **cluster.environment()},
                              check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
