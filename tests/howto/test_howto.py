"""The two how-tos, followed to the letter: their code blocks are put into a copy of
the tree, built, checked and called. A how-to that has rotted fails here."""
import http.cookiejar
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import with_server  # noqa: E402


def blocks(page, language):
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def put_before(path, mark, text):
    """The edits of shared files that the page describes in words."""
    whole = path.read_text()
    assert mark in whole, f"{path.name} has changed: {mark!r} is gone, look at the how-to"
    path.write_text(whole.replace(mark, text + mark, 1))


def follow_module_page(tree):
    page, folder = "how-to-add-a-module.md", tree / "src/modules/berths"
    names = {"sql": ["migrations/001_berths.sql", "berth.sql"], "toml": ["berth.toml"],
             "c": ["berth_occupy.c", "berths.c"], "h": ["berths.h", "berths_internal.h"],
             "text": ["mail/occupied.txt"], "html": ["mail/occupied.html"]}
    for language, files in names.items():
        for name, block in zip(files, blocks(page, language), strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(block)
    modules = tree / "src/app/modules.c"
    put_before(modules, '#include "modules/identity/', '#include "modules/berths/berths.h"\n')
    put_before(modules, "&analytics_module", "&berths_module,\n\t")
    subprocess.run(["clang-format", "-i", modules], check=True)


def follow_page_step(web):
    page, source = "how-to-add-a-module.md", web / "src"
    (source / "features/berths").mkdir()
    (source / "features/berths/berths-page.tsx").write_text(blocks(page, "tsx")[0])
    route, item, words = blocks(page, "ts")
    put_before(source / "router.tsx", "const teamRoute", route)
    put_before(source / "router.tsx", "    teamRoute,", "    berthsRoute,\n")
    put_before(source / "shell/nav.ts", "    ],\n  },", item)
    put_before(source / "shell/nav.ts", "Activity,", "Anchor, ")
    put_before(source / "shell/nav.ts", '"/$tenant/projects" |', '"/$tenant/berths" | ')
    put_before(source / "strings.ts", "  events: {", words)
    put_before(source / "api/types.ts", "  ApiKey,", "  Berth,\n")


def follow_endpoint_page(tree):
    folder = tree / "src/modules/analytics"
    page = "how-to-add-an-endpoint.md"
    (folder / "rename.sql").write_text(blocks(page, "sql")[0])
    (folder / "rename.toml").write_text(blocks(page, "toml")[0])
    (folder / "project_rename.c").write_text(blocks(page, "c")[0])
    internal = folder / "analytics_internal.h"
    internal.write_text(internal.read_text() + "extern const struct route project_rename_routes[];\n")
    module = folder / "analytics.c"
    text, mark = module.read_text(), ".routes = LIST(struct route *, "
    assert mark in text, "analytics.c names its routes otherwise"
    module.write_text(text.replace(mark, mark + "project_rename_routes,\n\t\t\t", 1))


class Client:
    def __init__(self, base):
        self.base, self.csrf = base, None
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        if self.csrf:
            headers["X-CSRF-Token"] = self.csrf
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with self.opener.open(request, timeout=20) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as fault:
            return fault.code, json.loads(fault.read())


class HowTo(unittest.TestCase):
    def test_both_pages(self):
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder) / "tree"
            tree.mkdir()
            for name in ("src", "tools", "meson.build", "meson_options.txt", "Makefile"):
                source = ROOT / name
                (shutil.copytree if source.is_dir() else shutil.copy)(source, tree / name)
            (tree / "web").mkdir()
            if (ROOT / "web/dist").exists():
                shutil.copytree(ROOT / "web/dist", tree / "web/dist")
            follow_module_page(tree)
            follow_endpoint_page(tree)
            gates = subprocess.run([sys.executable, ROOT / "tools/check.py", "--root", tree],
                                   capture_output=True, text=True, check=False)
            self.assertEqual("", "\n".join(line for line in gates.stdout.splitlines()
                                           if "/modules/" in line))
            built = subprocess.run(["make", "-s", "build"], cwd=tree, capture_output=True, text=True,
                                   env={**os.environ, "CCACHE_BASEDIR": str(tree)}, check=False)
            self.assertEqual(0, built.returncode, built.stdout[-4000:] + built.stderr[-4000:])
            contract = subprocess.run([tree / "build/bulkhead", "doctor", "--contract"], cwd=tree,
                                      capture_output=True, text=True, check=False)
            self.assertEqual(0, contract.returncode, contract.stdout + contract.stderr)
            self.build_page(tree)
            with with_server.servers(tree / "build") as (server,):
                self.use(Client(server.url))

    def build_page(self, tree):
        """The page's types against those of the contract that has just been built."""
        if not (ROOT / "web/node_modules").exists():
            return  # the interface is not built on this machine; ./test does it first
        shutil.copytree(ROOT / "web/src", tree / "web/src")
        shutil.copy(ROOT / "web/tsconfig.json", tree / "web/tsconfig.json")
        (tree / "web/node_modules").symlink_to(ROOT / "web/node_modules")
        follow_page_step(tree / "web")
        document = subprocess.run([tree / "build/bulkhead", "openapi"], cwd=tree, check=True,
                                  capture_output=True)
        (tree / "openapi.json").write_bytes(document.stdout)
        subprocess.run([sys.executable, ROOT / "tools/gen_client.py", tree / "openapi.json",
                        tree / "web/src/api/schema.ts"], check=True, capture_output=True)
        done = subprocess.run(["node_modules/.bin/tsc", "--noEmit"], cwd=tree / "web",
                              capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def use(self, client):
        status, session = client.call("POST", "/api/v1/auth/register", {
            "name": "Howard Todd", "email": "howto@example.org", "password": "Correct-Horse-42",
            "organization": {"name": "How To"}})
        self.assertEqual(201, status, session)
        client.csrf = session["csrf_token"]
        tenant = "/api/v1/t/" + session["tenants"][0]["tenant"]["slug"]
        status, berth = client.call("POST", tenant + "/berths", {"name": "A1", "length_cm": 1200})
        self.assertEqual(201, status, berth)
        status, berth = client.call("PATCH", f"{tenant}/berths/{berth['id']}", {"length_cm": 1300})
        self.assertEqual((200, 1300), (status, berth["length_cm"]))
        self.assertEqual(1, len(client.call("GET", tenant + "/berths?q=a1")[1]["items"]))
        self.occupy(client, tenant, berth["id"])
        self.assertEqual(200, client.call("POST", f"{tenant}/berths/{berth['id']}/archive")[0])
        self.assertEqual(422, client.call("POST", tenant + "/berths", {"name": ""})[0])
        status, project = client.call("POST", tenant + "/projects", {"name": "Old"})
        self.assertEqual(201, status, project)
        path = f"{tenant}/projects/{project['id']}"
        self.assertEqual(204, client.call("POST", path + "/rename", {"name": "New"})[0])
        self.assertEqual("New", client.call("GET", path)[1]["name"])
        entries = client.call("GET", tenant + "/audit")[1]["items"]
        actions = {(entry["noun"], entry["action"]) for entry in entries}
        self.assertTrue({("berth", "occupy"), ("berth", "archive"), ("project", "rename")} <= actions,
                        actions)

    def occupy(self, client, tenant, berth):
        """The action with its refusal, its event on the stream, its job's mail."""
        path = f"{tenant}/berths/{berth}/occupy"
        with client.opener.open(client.base + tenant + "/stream", timeout=20) as stream:
            self.assertEqual(204, client.call("POST", path, {"boat": "Beagle & Co"})[0])
            lines = iter(stream.readline, b"")
            while next(lines) != b"event: berth:occupied\n":
                pass
            told = json.loads(next(line for line in lines
                                   if line.startswith(b"data:")).removeprefix(b"data:"))
        self.assertEqual("Beagle & Co", told["boat"])
        status, problem = client.call("POST", path, {"boat": "Second"})
        self.assertEqual((409, "berth_taken"), (status, problem["code"]))
        end = time.monotonic() + 15
        mails = []
        while not mails and time.monotonic() < end:
            listed = client.call("GET", "/dev/mail/messages")[1]["items"]
            mails = [mail for mail in listed if mail["subject"] == "Beagle & Co lies at A1"]
            time.sleep(0.1)
        self.assertEqual(["howto@example.org"], [mail["to"] for mail in mails])


if __name__ == "__main__":
    unittest.main()
