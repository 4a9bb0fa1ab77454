#!/usr/bin/env python3
"""check.py - the gates of design/style.md that a machine can hold: sizes, bans,
layers, third parties, names, head comments. There is no list of exceptions.

  check.py            all gates over the repository
  check.py --only X   one gate (sizes, functions, bans, layers, lists, names, heads, hosts, web)
  check.py --root D   another tree (the tests of the gates use it)"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

LAYERS = ("base", "http", "db", "spine", "services", "modules", "app")
FILE_MAX, FUNCTION_MAX, COMPLEXITY_MAX, PARAMETERS_MAX, LINE_MAX = 1000, 80, 15, 8, 100
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "atol", "atof", "gmtime",
          "localtime", "strerror", "alloca", "system", "popen", "gets", "rand", "srand", "setjmp",
          "longjmp")
ONLY_IN = {  # call: the folder that may use it
    "malloc": "src/base", "calloc": "src/base", "realloc": "src/base",
    "PQexec": "src/db", "PQexecParams": "src/db",
}
THIRD = {  # header: the one folder that includes it (under src/)
    "libpq-fe.h": "db", "pg_config.h": "db", "curl/": "services/mail", "sodium.h": "services/crypto",
    "openssl/": "services/crypto", "wslay/": "services/realtime", "pcre2.h": "modules/analytics",
    "maxminddb.h": "modules/analytics", "zlib.h": "modules/analytics",
}
BAD_NAMES = ("util", "utils", "helper", "helpers", "manager", "common", "misc")
HOSTS = ("registry." + "npmjs", "deb." + "debian", "security." + "debian", "pypi." + "org")


class Gate:
    def __init__(self, root):
        self.root, self.findings = root, []

    def files(self, *suffixes, under=("src", "tests", "tools", "bench")):
        for top in under:
            for path in sorted((self.root / top).rglob("*")):
                if path.suffix in suffixes and "node_modules" not in path.parts \
                        and "dist" not in path.parts and path.is_file():
                    yield path

    def say(self, path, line, text):
        self.findings.append(f"{path.relative_to(self.root)}:{line}: {text}")


def strip_c(text):
    """C with comments and string contents blanked, line numbers kept."""
    def blank(match):
        kept = re.sub(r"[^\n]", " ", match[0])
        return kept if match[0].startswith("/") else '"' + kept[1:-1] + '"'
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def check_sizes(gate):
    for path in gate.files(".c", ".h", ".py", ".sql"):
        lines = path.read_text().splitlines()
        if len(lines) > FILE_MAX:
            gate.say(path, len(lines), f"{len(lines)} lines; at most {FILE_MAX}")
        if path.suffix not in (".c", ".h"):
            continue
        for number, line in enumerate(lines, 1):
            if len(line.expandtabs(8)) > LINE_MAX:
                gate.say(path, number, f"line of {len(line.expandtabs(8))}; at most {LINE_MAX}")


FUNCTION = re.compile(r"^(?!static\s+const\b.*=)[a-z][\w \t*]*?\**(\w+)\(([^;{}]*?)\)\s*\n\{", re.M)


def check_functions(gate):
    for path in gate.files(".c"):
        text = strip_c(path.read_text())
        for match in FUNCTION.finditer(text):
            start = text.count("\n", 0, match.start()) + 1
            end = text.find("\n}", match.end())
            length = text.count("\n", match.start(), end) + 2
            if length > FUNCTION_MAX:
                gate.say(path, start, f"{match[1]} has {length} lines; at most {FUNCTION_MAX}")
            if match[2].count(",") + 1 > PARAMETERS_MAX:
                gate.say(path, start, f"{match[1]} has more than {PARAMETERS_MAX} parameters")
    if not shutil.which("pmccabe"):
        gate.findings.append("pmccabe is not installed: complexity was not checked")
        return
    sources = [str(path) for path in gate.files(".c")]
    if not sources:
        return
    out = subprocess.run(["pmccabe", *sources], capture_output=True, text=True, check=False)
    for row in out.stdout.splitlines():
        parts = row.split("\t")
        if len(parts) > 5 and int(parts[0]) > COMPLEXITY_MAX:
            gate.findings.append(f"{parts[5]}: complexity {parts[0]}; at most {COMPLEXITY_MAX}")


def check_bans(gate):
    calls = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    only = re.compile(r"(?<![\w.>])(" + "|".join(ONLY_IN) + r")\s*\(")
    for path in gate.files(".c", ".h", under=("src",)):
        text = strip_c(path.read_text())
        for number, line in enumerate(text.splitlines(), 1):
            for match in calls.finditer(line):
                gate.say(path, number, f"{match[1]} is banned")
            for match in only.finditer(line):
                folder = ONLY_IN[match[1]]
                if not str(path.relative_to(gate.root)).startswith(folder + "/"):
                    gate.say(path, number, f"{match[1]} only in {folder}")


def needs_of(folder):
    """Modules named in .needs of the module struct."""
    for path in folder.glob("*.c"):
        match = re.search(r"\.needs\s*=\s*([^;]*?)[})],?\s*\n\s*\.", path.read_text(), re.S)
        if match:
            return set(re.findall(r'"(\w+)"', match[1]))
    return set()


def check_include(gate, path, number, name):
    here = path.relative_to(gate.root / "src")
    for prefix, folder in THIRD.items():
        if name == prefix or (prefix.endswith("/") and name.startswith(prefix)):
            if not str(here).startswith(folder + "/"):
                gate.say(path, number, f"{name} belongs to src/{folder}")
    layer = name.split("/")[0]
    if layer not in LAYERS or "/" not in name:
        return
    if LAYERS.index(layer) > LAYERS.index(here.parts[0]) or {layer, here.parts[0]} == {"http", "db"}:
        gate.say(path, number, f"src/{here.parts[0]} may not include {name}")
    parts = name.split("/")
    if layer in ("modules",) and here.parts[0] == "modules" and parts[1] != here.parts[1]:
        if parts[2] != f"{parts[1]}.h":
            gate.say(path, number, f"only {parts[1]}/{parts[1]}.h is public")
        elif parts[1] not in needs_of(gate.root / "src" / "modules" / here.parts[1]):
            gate.say(path, number, f"{parts[1]} is not in .needs of {here.parts[1]}")


def check_layers(gate):
    for path in gate.files(".c", ".h", under=("src",)):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
            if match:
                check_include(gate, path, number, match[1])


def check_lists(gate):
    """A table of routes or a job type that its module's struct does not name is dead."""
    for folder in sorted({path.parent for path in gate.files(".c", under=("src",))}):
        texts = {path: strip_c(path.read_text()) for path in sorted(folder.glob("*.c"))}
        modules = re.findall(r"^const struct module \w+ = \{.*?\};", "\n".join(texts.values()),
                             re.M | re.S)
        for path, text in texts.items() if modules else ():
            for found in re.finditer(r"^(?:static )?const struct (route|job_type) (\w+)(\[\])? =",
                                     text, re.M):
                if not re.search(rf"\b{found[2]}\b", " ".join(modules)):
                    gate.say(path, text[:found.start()].count("\n") + 1,
                             f"the module's struct does not name the {found[1]} {found[2]}")


def check_names(gate):
    for path in gate.files(".c", ".h", ".py", ".ts", ".tsx", ".sql", ".toml",
                           under=("src", "tests", "tools", "bench", "web/src")):
        words = re.split(r"[_.\-]", path.stem.lower())
        for word in set(words) & set(BAD_NAMES):
            gate.say(path, 1, f"no file is called {word}")


def check_heads(gate):
    for path in gate.files(".c", ".h", under=("src",)):
        text = path.read_text()
        match = re.match(r"/\*(.*?)\*/", text, re.S)
        if not match or len(match[1].split()) < 5:
            gate.say(path, 1, "the file does not open with what it is for")
    for path in gate.files(".h", under=("src",)):
        if "#pragma once" not in path.read_text():
            gate.say(path, 1, "#pragma once is missing")


def check_hosts(gate):
    out = subprocess.run(["git", "-C", gate.root, "ls-files"], capture_output=True, text=True,
                         check=False)
    for name in out.stdout.splitlines():
        path = gate.root / name
        if not path.is_file() or path.stat().st_size > 4 << 20:
            continue
        data = path.read_bytes()
        for host in HOSTS:
            if host.encode() in data:
                gate.findings.append(f"{name}: names a package host")


def check_web(gate):
    for path in gate.files(".ts", ".tsx", under=("web/src",)):
        lines = path.read_text().splitlines()
        if len(lines) > 800 and path.name != "schema.ts":
            gate.say(path, len(lines), f"{len(lines)} lines; at most 800")
        for number, line in enumerate(lines, 1):
            if re.search(r":\s*any\b|<any>|\bas any\b|@ts-ignore", line):
                gate.say(path, number, "no any")


GATES = {"sizes": check_sizes, "functions": check_functions, "bans": check_bans,
         "layers": check_layers, "lists": check_lists, "names": check_names, "heads": check_heads,
         "hosts": check_hosts, "web": check_web}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--only", choices=GATES)
    args = parser.parse_args()
    gate = Gate(args.root.resolve())
    for name, check in GATES.items():
        if args.only in (None, name):
            check(gate)
    for finding in gate.findings:
        print(finding)
    print(f"{len(gate.findings)} findings", file=sys.stderr)
    return 1 if gate.findings else 0


if __name__ == "__main__":
    sys.exit(main())
