#!/usr/bin/env python3
"""run.py - tests of the API over real HTTP against a real server.

  run.py --build build [--only WORD] [--quick]

Starts two servers of its own (tools/with_server.py): one without limits for the
rules of every route (test_routes.py) and the cases (cases/*.toml), one with the
limits of the rules (test_limits.py)."""
import argparse
import pathlib
import signal
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tools")]
import test_cases  # noqa: E402
import test_limits  # noqa: E402
import test_routes  # noqa: E402
import with_server  # noqa: E402
from world import World  # noqa: E402


def only(suite, word):
    if not word:
        return suite
    kept = unittest.TestSuite()
    for test in flat(suite):
        if word in test.id():
            kept.addTest(test)
    return kept


def flat(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item


def run(binary, env, modules, word):
    with with_server.servers(binary.parent, env=env) as (server,):
        world = World(server.url, str(binary))
        world.admin_url = f"http://127.0.0.1:{server.admin_port}"
        suite = unittest.TestSuite()
        for module in modules:
            module.WORLD = world
        for module in modules:
            suite.addTests(only(module.make_tests(), word))
        result = unittest.TextTestRunner(verbosity=1).run(suite)
        if not result.wasSuccessful():
            print(server.tail(60), file=sys.stderr)
    bad = len(result.failures) + len(result.errors)
    return max(result.testsRun - bad, 0), bad


def hang(_signal, _frame):
    """Says where it hangs, and still takes the servers down."""
    raise SystemExit("the tests hang")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--without-limits", action="store_true")
    args = parser.parse_args()
    signal.signal(signal.SIGALRM, hang)
    signal.alarm(500)
    binary = args.build.resolve() / "bulkhead"
    passed, failed = run(binary, {"BULKHEAD_CORS_ORIGINS": "https://partner.example"},
                         [test_routes, test_cases], args.only)
    if not args.without_limits:
        more = run(binary, {"BULKHEAD_RATE_API": "120"}, [test_limits], args.only)
        passed, failed = passed + more[0], failed + more[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
