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
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import with_server  # noqa: E402


def blocks(page, language):
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def follow_module_page(tree):
    folder = tree / "src/modules/berths"
    (folder / "migrations").mkdir(parents=True)
    (folder / "migrations/001_berths.sql").write_text(blocks("how-to-add-a-module.md", "sql")[0])
    (folder / "berth.toml").write_text(blocks("how-to-add-a-module.md", "toml")[0])
    (folder / "berths.c").write_text(blocks("how-to-add-a-module.md", "c")[0])
    (folder / "berths.h").write_text(blocks("how-to-add-a-module.md", "h")[0])
    modules = tree / "src/app/modules.c"
    text = modules.read_text()
    text = text.replace('#include "modules/identity/', '#include "modules/berths/berths.h"\n'
                        '#include "modules/identity/', 1)
    modules.write_text(re.sub(r"(&analytics_module,)", r"\1 &berths_module,", text, count=1))


def follow_endpoint_page(tree):
    folder = tree / "src/modules/analytics"
    page = "how-to-add-an-endpoint.md"
    (folder / "rename.sql").write_text(blocks(page, "sql")[0])
    (folder / "rename.toml").write_text(blocks(page, "toml")[0])
    (folder / "project_rename.c").write_text(
        "/* project_rename.c - the how-to's own action on a project. */\n"
        '#include "modules/analytics/analytics_internal.h"\n'
        '#include "modules/analytics/analytics_gen.h"\n#include "services/events/events.h"\n'
        "extern const struct route project_rename_routes[];\n" + blocks(page, "c")[0])
    module = folder / "analytics.c"
    text = module.read_text()
    named = re.sub(r"(\.routes\s*=[^{]*\{\s*)", r"\1project_rename_routes, ", text, count=1)
    module.write_text(named.replace("static const struct permission", "extern const struct route "
                                    "project_rename_routes[];\nstatic const struct permission", 1))


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
            built = subprocess.run(["make", "-s", "build"], cwd=tree, capture_output=True, text=True,
                                   env={**os.environ, "CCACHE_BASEDIR": str(tree)}, check=False)
            self.assertEqual(0, built.returncode, built.stdout[-4000:] + built.stderr[-4000:])
            contract = subprocess.run([tree / "build/bulkhead", "doctor", "--contract"], cwd=tree,
                                      capture_output=True, text=True, check=False)
            self.assertEqual(0, contract.returncode, contract.stdout + contract.stderr)
            with with_server.servers(tree / "build") as (server,):
                self.use(Client(server.url))

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
        self.assertEqual(200, client.call("POST", f"{tenant}/berths/{berth['id']}/archive")[0])
        self.assertEqual(422, client.call("POST", tenant + "/berths", {"name": ""})[0])
        status, project = client.call("POST", tenant + "/projects", {"name": "Old"})
        self.assertEqual(201, status, project)
        path = f"{tenant}/projects/{project['id']}"
        self.assertEqual(204, client.call("POST", path + "/rename", {"name": "New"})[0])
        self.assertEqual("New", client.call("GET", path)[1]["name"])
        nouns = {entry["noun"] for entry in client.call("GET", tenant + "/audit")[1]["items"]}
        self.assertTrue({"berth", "project"} <= nouns, nouns)


if __name__ == "__main__":
    unittest.main()
