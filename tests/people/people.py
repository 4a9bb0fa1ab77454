"""people.py - a person with a browser (or a program with tokens) for the API tests of
identity and tenants: keeps the cookie and the CSRF token, comes from an address of
its own, finds its mails in the development mailbox.

Needs a server with BULKHEAD_TRUSTED_PROXIES=127.0.0.1 (so that every test person can
have an address); serve() starts one unless BASE_URL is given."""
import contextlib
import itertools
import json
import os
import pathlib
import re
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
PASSWORD = "Correct-Horse-7-battery"
OTHER_PASSWORD = "Another-Mule-8-staple"
ADDRESSES = itertools.count(secrets.randbelow(200) * 65536 + 1)
base_url = os.environ.get("BASE_URL")
data_folder = os.environ.get("BULKHEAD_DATA")


@contextlib.contextmanager
def serve(env=None):
    """BASE_URL, or a server of our own."""
    global base_url, data_folder
    if base_url and not env:
        yield base_url
        return
    import with_server
    before = base_url, data_folder
    build = os.environ.get("BUILD", str(ROOT / "build"))
    with with_server.servers(build, env={"BULKHEAD_TRUSTED_PROXIES": "127.0.0.1", **(env or {})}) \
            as started:
        base_url, data_folder = started[0].url, started[0].data
        yield base_url
    base_url, data_folder = before


def psql(*arguments):
    """Past every wall, to move the clock of what is stored."""
    done = subprocess.run([*arguments, "-h", f"{data_folder}/postgres.run", "-U", "postgres",
                           "-d", "bulkhead"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def sql(statement):
    return psql("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement)


def new_address():
    n = next(ADDRESSES)
    return f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.raw = status, headers, body
        self.json = json.loads(body) if body and "json" in headers.get("Content-Type", "") else None

    @property
    def code(self):
        return (self.json or {}).get("code")

    def fields(self):
        return {(e["field"], e["code"]) for e in (self.json or {}).get("errors", [])}


class Client:
    """One browser or program: cookie jar, CSRF token, bearer, address."""

    def __init__(self, address=None, agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"):
        self.address, self.agent = address or new_address(), agent
        self.cookie = self.csrf = self.bearer = None

    def call(self, method, path, body=None, **headers):
        request = urllib.request.Request(base_url + path, method=method)
        sent = {"User-Agent": self.agent, "X-Forwarded-For": self.address}
        if body is not None:
            request.data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if self.bearer:
            sent["Authorization"] = f"Bearer {self.bearer}"
        elif self.cookie:
            sent["Cookie"] = self.cookie
            if self.csrf and method != "GET":
                sent["X-CSRF-Token"] = self.csrf
        sent.update({k.replace("_", "-"): v for k, v in headers.items()})
        for key, value in sent.items():
            if value is not None:
                request.add_header(key, value)
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                answer = Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as reply:
            answer = Answer(reply.code, reply.headers, reply.read())
        self.keep(answer)
        return answer

    def keep(self, answer):
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            value = cookie.split(";")[0]
            self.cookie = None if value.endswith("=") else value
        if answer.json and isinstance(answer.json, dict) and answer.json.get("csrf_token"):
            self.csrf = answer.json["csrf_token"]

    def get(self, path, **headers):
        return self.call("GET", path, **headers)

    def post(self, path, body=None, **headers):
        return self.call("POST", path, body, **headers)

    def patch(self, path, body=None, **headers):
        return self.call("PATCH", path, body, **headers)

    def delete(self, path, **headers):
        return self.call("DELETE", path, **headers)

    def login(self, email, password=PASSWORD, **more):
        return self.post("/api/v1/auth/login", {"email": email, "password": password, **more})


class Person(Client):
    """A registered person: founder of an organisation, or whoever an invitation made."""

    def __init__(self, name="Ada Test", organization=None, email=None, **more):
        super().__init__()
        self.email = email or f"{secrets.token_hex(6)}@people.example"
        body = {"name": name, "email": self.email, "password": PASSWORD, **more}
        if "invitation_token" not in more:
            body["organization"] = {"name": organization or f"Org {secrets.token_hex(4)}"}
        self.registered = self.post("/api/v1/auth/register", body)
        assert self.registered.status == 201, self.registered.raw
        self.id = self.registered.json["user"]["id"]
        tenants = self.registered.json["tenants"]
        self.slug = tenants[0]["tenant"]["slug"] if tenants else None
        self.t = f"/api/v1/t/{self.slug}"

    def verify(self):
        answer = self.post("/api/v1/auth/verify", {"token": link_token(self.email, "verify")})
        assert answer.status == 204, answer.raw
        return self

    def invite(self, email, role="viewer"):
        answer = self.post(self.t + "/invitations", {"email": email, "role": role})
        assert answer.status == 201, answer.raw
        return answer.json

    def colleague(self, role="viewer", name="Colleague"):
        """Somebody who came through an invitation of this (verified) person."""
        email = f"{secrets.token_hex(6)}@people.example"
        self.invite(email, role)
        return Person(name, email=email, invitation_token=link_token(email, "invite"))


def mails_to(address):
    """Newest first."""
    with urllib.request.urlopen(base_url + "/dev/mail/messages", timeout=20) as reply:
        items = json.load(reply)["items"]
    found = [item for item in items if address in item["to"]]
    return sorted(found, key=lambda item: item["at"], reverse=True)


def mail_text(address, subject, wait_s=10):
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        for item in mails_to(address):
            if subject in item["subject"]:
                with urllib.request.urlopen(f"{base_url}/dev/mail/messages/{item['id']}",
                                            timeout=20) as reply:
                    return json.load(reply)["text"]
        time.sleep(0.05)
    raise AssertionError(f"no mail '{subject}' to {address}")


SUBJECTS = {"verify": "Confirm", "reset": "new password", "invite": "invites you"}


def link_token(address, page):
    text = mail_text(address, SUBJECTS[page])
    return re.search(rf"/{page}/([A-Za-z0-9_-]{{43}})\b", text)[1]
