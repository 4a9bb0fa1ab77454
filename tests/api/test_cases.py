"""test_cases.py - runs cases/*.toml: a list of steps, each a request and what has to come
back. Values that a step keeps are `${name}` in later ones.

  [[step]]
  as = "owner"                      # owner, other, browser, nobody, or a kept token
  send = "POST /api/v1/t/${tenant}/projects"
  body = { name = "Web shop" }      # or text = "…" for anything else
  fields = { "If-Match" = "1" }
  status = 201
  expect = { name = "Web shop" }    # a part of the answer; "*" is anything
  has = { ETag = '"1"' }            # fields of the answer, as patterns
  hasnt = ["Set-Cookie"]
  keep = { id = "/id" }             # JSON pointers
  repeat = 3                        # the same again"""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest
import uuid

from client import Client, eventually
from world import PASSWORD, ROOT

WORLD = None
FOLDER = pathlib.Path(__file__).resolve().parent / "cases"


def pointer(document, path):
    for part in path.strip("/").split("/") if path.strip("/") else []:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def fill(value, kept):
    if isinstance(value, str):
        whole = re.fullmatch(r"\$\{(\w+)\}", value)
        if whole:
            return kept[whole[1]]
        return re.sub(r"\$\{(\w+)\}", lambda m: str(kept[m[1]]), value)
    if isinstance(value, dict):
        return {fill(k, kept): fill(v, kept) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(v, kept) for v in value]
    return value


def missing(expected, found, at=""):
    """Where `found` lacks what is expected, as text; empty when it fits."""
    if expected == "*":
        return ""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{at}: {found!r} is no object"
        for name, value in expected.items():
            if name not in found:
                return f"{at}/{name}: missing"
            fault = missing(value, found[name], f"{at}/{name}")
            if fault:
                return fault
        return ""
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return f"{at}: {found!r} instead of {expected!r}"
        return next(filter(None, (missing(e, f, f"{at}/{i}")
                                  for i, (e, f) in enumerate(zip(expected, found)))), "")
    return "" if expected == found else f"{at}: {found!r} instead of {expected!r}"


class Story(unittest.TestCase):
    def client(self, name, kept):
        known = {"owner": WORLD.ours.client, "other": WORLD.theirs.client,
                 "browser": WORLD.browser, "nobody": Client(WORLD.url)}
        return known.get(name) or Client(WORLD.url, kept[name])

    def step(self, step, kept):
        method, path = fill(step["send"], kept).split(" ", 1)
        body = fill(step.get("body", step.get("text")), kept)
        client = self.client(step.get("as", "owner"), kept)

        def send():
            return client(method, path, body, fill(step.get("fields", {}), kept))

        wanted = fill(step.get("expect"), kept)
        answer = send()
        if step.get("within"):
            answer = eventually(step["within"], lambda: (lambda a: a if a.status == step["status"]
                                and not missing(wanted, a.json()) else None)(send())) or send()
        self.assertEqual(step["status"], answer.status, (step["send"], answer))
        if wanted is not None:
            self.assertEqual("", missing(wanted, answer.json()), (step["send"], answer))
        for name, pattern in fill(step.get("has", {}), kept).items():
            self.assertRegex(answer.fields.get(name) or "(absent)", pattern, (name, answer))
        for name in step.get("hasnt", []):
            self.assertNotIn(name, answer.fields)
        for name, where in step.get("keep", {}).items():
            kept[name] = answer.fields[where[1:]] if where.startswith("#") else \
                pointer(answer.json(), where)

    def story(self, steps):
        ours, theirs = WORLD.ours, WORLD.theirs
        kept = {"tenant": ours.slug, "tenant_id": ours.tenant_id, "other_tenant": theirs.slug,
                "user_id": ours.user_id, "project": ours.ids["/projects"], "url": WORLD.url,
                "email": ours.email, "password": PASSWORD, "host": WORLD.host,
                "random": uuid.uuid4().hex, "uuid": str(uuid.uuid4())}
        for number, step in enumerate(steps):
            for _ in range(step.get("repeat", 1)):
                with self.subTest(step=number, send=step["send"]):
                    self.step(step, kept)


class Twice(unittest.TestCase):
    """What needs two requests at once."""

    def test_idempotency_key_in_use(self):
        path, key = f"{WORLD.ours.root}/projects", {"Idempotency-Key": uuid.uuid4().hex}
        body = {"name": "At once " + uuid.uuid4().hex}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: Client(WORLD.url, WORLD.ours.client.token)(
                "POST", path, body, key), range(8)))
        statuses = {answer.status for answer in answers}
        self.assertLessEqual(statuses, {201, 409}, answers)
        self.assertEqual(1, len({a.json()["id"] for a in answers if a.status == 201}))
        found = WORLD.ours.client("GET", path, q=body["name"], count="true").json()
        self.assertEqual(1, found["total"])


class Metrics(unittest.TestCase):
    def test_every_answer_is_counted(self):
        text = Client(WORLD.admin_url)("GET", "/metrics").body.decode()
        for route, status in (("/api/v1/t/{tenant}/projects", 200), ("/v1/track", 200),
                              ("/api/v1/auth/register", 201)):
            self.assertRegex(text, r'http_server_request_duration_seconds_count\{[^}]*http_route="'
                             + re.escape(route) + f'",http_response_status_code="{status}"')
        for line in text.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? [-+0-9.eInfNa]+)$")

    def test_only_on_the_admin_listener(self):
        answer = Client(WORLD.url)("GET", "/metrics")
        self.assertEqual(404, answer.status)


class Contract(unittest.TestCase):
    """What is committed is what the program says."""

    def test_openapi_is_fresh(self):
        committed = json.loads((ROOT.parent.parent / "openapi.json").read_text())
        self.assertEqual(WORLD.document, committed, "stale: make openapi")

    def test_client_is_fresh(self):
        done = subprocess.run([sys.executable, ROOT.parent.parent / "tools/gen_client.py",
                               "--check", ROOT.parent.parent / "openapi.json",
                               ROOT.parent.parent / "web/src/api/schema.ts"], check=False)
        self.assertEqual(0, done.returncode, "stale: make openapi")


def make_tests():
    methods = {}
    for file in sorted(FOLDER.glob("*.toml")):
        for name, case in tomllib.loads(file.read_text()).items():
            methods[f"test_{file.stem}_{name}"] = \
                lambda self, steps=case["step"]: self.story(steps)
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    return unittest.TestSuite([load(type("cases", (Story,), methods)), load(Twice), load(Metrics),
                               load(Contract)])
