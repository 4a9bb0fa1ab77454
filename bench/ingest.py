#!/usr/bin/env python3
"""ingest.py - the figures of ingestion, measured in one run on a fresh server.

usage: bench/ingest.py [--build build] [--seconds 10]"""
import argparse
import pathlib
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bench")]
import run as bench  # noqa: E402
import with_server  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--seconds", default="10")
    args = parser.parse_args()
    plan = {"BULKHEAD_PLAN_EVENTS": "100000000000"}
    with with_server.servers(args.build, env=plan) as (server,):
        session = bench.Session(server.url)
        keys = f"{session.path}/projects/{session.project}/keys"
        key = session.call("POST", keys, {"name": "Bench"})["key"]
        url = urllib.parse.urlparse(server.url)
        conninfo = f"host={server.data}/postgres.run user=postgres dbname=bulkhead"
        code = subprocess.run([str(pathlib.Path(args.build) / "ingest_bench"), url.hostname,
                               str(url.port), key, conninfo, args.seconds], check=False).returncode
        ledger = session.call("GET", f"{session.path}/projects/{session.project}/ledger")
        print("ledger:", ledger)
        counted = sum([ledger["accepted"], ledger["duplicates"], ledger["over_quota"],
                       *ledger["rejected"].values()])
        return code or (0 if counted == ledger["received"] else 1)


if __name__ == "__main__":
    sys.exit(main())
