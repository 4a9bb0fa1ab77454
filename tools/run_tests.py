#!/usr/bin/env python3
"""run_tests.py - the whole suite as a list of steps; each tells how many of its
cases passed and failed. The last line is `N passed, N failed`.

  run_tests.py --build build [--fast] [--only NAME] [--list]

A step is a command. Its count is read from the closing line of the runner it
uses (cmocka, unittest, node:test, the plain line); a command without such a
line counts as one case. Steps that need PostgreSQL, a server, Redis or
Chromium start and stop them themselves."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PY = "/usr/bin/python3"


class Step:
    def __init__(self, name, command, fast=False, timeout=600, env=None):
        self.name, self.command, self.fast = name, [str(part) for part in command], fast
        self.timeout, self.env = timeout, env or {}


def count(output, code):
    """(passed, failed) from a runner's closing lines."""
    plain = re.findall(r"^(?:\w+: )?(\d+) passed, (\d+) failed", output, re.M)
    cmocka = re.findall(r"\[  (PASSED|FAILED)  \] (\d+) test", output)
    ran = re.findall(r"^Ran (\d+) tests? in", output, re.M)
    node = re.findall(r"^# (pass|fail) (\d+)$", output, re.M) or \
        re.findall(r"^ℹ (pass|fail) (\d+)$", output, re.M)
    passed = failed = 0
    if plain:
        passed, failed = map(int, plain[-1])
    elif cmocka:
        passed = sum(int(n) for kind, n in cmocka if kind == "PASSED")
        failed = sum(int(n) for kind, n in cmocka if kind == "FAILED")
    elif ran:
        failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", output))
        skipped = sum(int(n) for n in re.findall(r"skipped=(\d+)", output))
        passed = sum(map(int, ran)) - failed - skipped
    elif node:
        passed = sum(int(n) for kind, n in node if kind == "pass")
        failed = sum(int(n) for kind, n in node if kind == "fail")
    elif code == 0:
        passed = 1
    if code != 0 and failed == 0:
        failed = 1
    if code == 0 and passed + failed == 0:
        failed = 1  # a step that tests nothing is a defect
    return passed, failed


def unit_steps(build):
    with_postgres = [PY, ROOT / "tools/with_postgres.py", "--"]
    for program in sorted(build.glob("test_*")):
        if program.suffix or not os.access(program, os.X_OK) or program.is_dir():
            continue
        needs = (ROOT / "tests/unit" / (program.name + ".c")).read_text()
        asks = "BULKHEAD_TEST" in needs or "db_fixture.h" in needs
        prefix = with_postgres if asks else []
        yield Step(f"unit {program.name[5:]}", [*prefix, program], fast=True)
    for program in sorted(build.glob("fuzz_*")):
        if program.suffix or program.is_dir():
            continue
        corpus = ROOT / "tests/fuzz/corpus" / program.name[5:]
        yield Step(f"corpus {program.name[5:]}", [program, corpus], fast=True)


def make(folder, options="", cc=None):
    command = ["make", "-s", "build", f"BUILD={folder}"]
    if options:
        command.append(f"MESON_OPTIONS={options}")
    return [*command, f"CC=ccache {cc}"] if cc else command


def contract_steps(build):
    """The program's tables agree with themselves, the database and what is committed."""
    yield Step("contract", [PY, ROOT / "tests/contract/test_contract.py"], fast=True,
               env={"BUILD": str(build)})
    yield Step("openapi lint", [ROOT / "tests/node_modules/.bin/redocly", "lint", ROOT / "openapi.json"])


def server_steps(build):
    """Real clients against the real server."""
    node = ["node", "--test", "--test-reporter=tap"]
    served = [PY, ROOT / "tools/with_server.py", "--build", build]
    yield Step("api", [PY, ROOT / "tests/api/run.py", "--build", build], timeout=900)
    yield Step("wire problems", [*served, "--", PY, ROOT / "tests/wire/test_problems.py"])
    for folder in ("people", "crash", "mail"):
        for case in sorted((ROOT / "tests" / folder).glob("test_*.py")):
            yield Step(f"{folder} {case.stem[5:]}", [PY, "-W", "ignore", case], timeout=900,
                       env={"BUILD": str(build)})
    two_nodes = [*served, "--nodes", "2", "--"]
    for folder, start in (("realtime", two_nodes), ("ingestion", [])):
        cases = sorted((ROOT / "tests" / folder).glob("*.test.mjs"))
        if cases:
            yield Step(folder, [*start, *node, "--test-concurrency=1", *cases], timeout=900,
                       env={"BUILD": str(build), "BULKHEAD_BIN": str(build / "bulkhead")})
    browser = sorted((ROOT / "tests/browser").glob("*.test.mjs"))
    if browser:
        yield Step("browser", [*served, "--", *node, "--test-concurrency=1", *browser],
                   timeout=900)
    yield Step("how-tos", [PY, ROOT / "tests/howto/test_howto.py"], timeout=900)


def thread_steps():
    """What runs on many threads, under the thread sanitizer."""
    build = ROOT / "build-tsan"
    yield Step("build for TSan", make(build, "-Db_sanitize=thread -Db_lundef=false"), timeout=1200)
    for step in unit_steps(build):
        if any(word in step.name for word in ("db_", "events", "jobs_run", "spine", "limits")):
            step.name, step.fast = step.name.replace("unit", "TSan"), False
            yield step
    cases = [ROOT / f"tests/realtime/{name}.test.mjs" for name in ("engineio", "socketio", "stream")]
    yield Step("TSan realtime", ["node", "--test", "--test-reporter=tap", *cases],
               env={"BUILD": str(build)})
    yield Step("TSan wire", [PY, "-W", "ignore", ROOT / "tests/wire/test_wire.py"],
               env={"WIRE_SERVER": str(build / "wire_server"), "WIRE_IDLE_BYTES": "65536"})


def steps(build):
    sanitized = ROOT / "build-asan"
    yield Step("gates", [PY, ROOT / "tools/check.py"], fast=True)
    yield Step("tools", [PY, "-m", "unittest", "discover", "-s", ROOT / "tools/tests"], fast=True)
    yield from contract_steps(build)
    yield Step("build with clang", make(ROOT / "build-clang", cc="clang"), timeout=1200)
    yield Step("build for ASan", make(sanitized, "-Db_sanitize=address,undefined -Db_lundef=false"),
               timeout=1200)
    yield from unit_steps(sanitized)
    for case in sorted((ROOT / "tests/sql").glob("test_*.py")):
        yield Step(f"sql {case.stem[5:]}", [PY, case], fast=True, env={"BUILD": str(build)})
    yield Step("wire", [PY, "-W", "ignore", ROOT / "tests/wire/test_wire.py"],
               env={"WIRE_SERVER": str(build / "wire_server")})
    yield Step("wire with ASan", [PY, "-W", "ignore", ROOT / "tests/wire/test_wire.py"],
               env={"WIRE_SERVER": str(sanitized / "wire_server"), "WIRE_IDLE_BYTES": "16384"})
    yield from server_steps(build)
    yield from thread_steps()


def fast_steps(build):
    """`make check`: what a change is tried against every few minutes."""
    yield Step("gates", [PY, ROOT / "tools/check.py"], fast=True)
    yield Step("tools", [PY, "-m", "unittest", "discover", "-s", ROOT / "tools/tests"], fast=True)
    yield from unit_steps(build)
    for case in sorted((ROOT / "tests/sql").glob("test_*.py")):
        yield Step(f"sql {case.stem[5:]}", [PY, case], fast=True, env={"BUILD": str(build)})


def run(step, log_folder):
    started = time.monotonic()
    try:
        done = subprocess.run(step.command, cwd=ROOT, capture_output=True, text=True,
                              errors="replace", timeout=step.timeout, check=False,
                              env={**os.environ, **step.env}, stdin=subprocess.DEVNULL)
        output, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as late:
        output = "".join(part.decode(errors="replace") if isinstance(part, bytes) else part or ""
                         for part in (late.stdout, late.stderr))
        output, code = output + f"\nended after {step.timeout} s\n", 124
    passed, failed = count(output, code)
    seconds = time.monotonic() - started
    (log_folder / (re.sub(r"\W+", "-", step.name) + ".log")).write_text(output)
    print(f"{'ok  ' if not failed else 'FAIL'} {step.name:<28} {passed:>5} passed "
          f"{failed:>3} failed  {seconds:6.1f} s", flush=True)
    if failed:
        print("\n".join("    " + line for line in output.splitlines()[-60:]), flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build", type=pathlib.Path)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    build = args.build.resolve()
    log_folder = build / "test-logs"
    log_folder.mkdir(exist_ok=True)
    passed = failed = 0
    if args.fast:
        steps_now = [*fast_steps(build)]
    else:
        steps_now = steps(build)
    for step in steps_now:
        if (args.fast and not step.fast) or (args.only and args.only not in step.name):
            continue
        if args.list:
            print(step.name)
            continue
        good, bad = run(step, log_folder)
        passed, failed = passed + good, failed + bad
    if not args.list:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
