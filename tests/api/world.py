"""world.py - two organisations that know nothing of each other, and what they own.

Made once over the real API. `ids` holds for each organisation one id of every
kind, by the path in front of its {id}. A noun that is made by one POST of a plain
body (`/berths`, then `/berths/{id}`) is made from the contract, without a line
here; what needs more is told in `furnish`."""
import json
import pathlib
import re
import subprocess
import time
import uuid

from client import Client, eventually
from schema import Schemas

PASSWORD = "Correct Horse 42!"


def words(path):
    """"/api/v1/t/{tenant}/projects/{id}/keys/{key}" -> the parameters after {tenant}"""
    return [name for name in re.findall(r"{(\w+)}", path) if name != "tenant"]


class Organisation:
    def __init__(self, base_url, name):
        self.name, self.email = name, f"{name}-{uuid.uuid4().hex[:8]}@example.org"
        self.client = Client(base_url)
        answer = self.client("POST", "/api/v1/auth/register", {
            "name": f"Owner of {name}", "email": self.email, "password": PASSWORD,
            "organization": {"name": f"{name} {uuid.uuid4().hex[:6]}"}, "mode": "token"})
        assert answer.status == 201, answer
        opened = answer.json()
        self.client.token = opened["access_token"]
        self.user_id = opened["user"]["id"]
        tenant = opened["tenants"][0]["tenant"]
        self.tenant_id, self.slug = tenant["id"], tenant["slug"]
        self.root = f"/api/v1/t/{self.slug}"
        self.ids = {}

    def verify(self):
        """By the link of the mail, as a person would."""
        client = Client(self.url())
        mails = eventually(10, lambda: [m for m in client("GET", "/dev/mail/messages").json()["items"]
                                        if m["to"] == self.email])
        text = client("GET", f"/dev/mail/messages/{mails[0]['id']}").json()["text"]
        token = re.search(r"/verify[/?#]\S*?([A-Za-z0-9_-]{30,})", text)[1]
        answer = client("POST", "/api/v1/auth/verify", {"token": token})
        assert answer.status == 204, answer

    def make(self, collection, body, path=None):
        answer = self.client("POST", self.root + (path or collection), body)
        assert answer.status == 201, (collection, answer)
        made = answer.json()
        self.ids[collection] = made["id"]
        return made

    def furnish(self):
        self.verify()
        project = self.make("/projects", {"name": f"Project of {self.name}"})
        made = self.make("/projects/{id}/keys", {"name": "key"}, f"/projects/{project['id']}/keys")
        self.write_key = made["key"]
        self.make("/invitations", {"email": f"guest-{uuid.uuid4().hex[:6]}@example.org",
                                   "role": "viewer"})
        made = self.make("/api-keys", {"name": "narrow", "scopes": ["role.read"]})
        self.narrow_key = made["key"]
        self.ids["/members"] = self.user_id
        self.ids["/projects/{id}/events"] = self.send_event()

    def furnish_plain(self, routes, schemas):
        """One of every noun that `furnish` did not make, from its shape."""
        paths = {route["path"] for route in routes}
        for route in routes:
            collection = route["path"].removeprefix("/api/v1/t/{tenant}")
            if route["method"] == "POST" and collection.count("/") == 1 and "{" not in collection \
                    and route["path"] + "/{id}" in paths and collection not in self.ids:
                self.make(collection, schemas.example(schemas.body_of(route)))

    def send_event(self):
        message = {"type": "track", "event": f"secret of {self.name}", "userId": "u1",
                   "messageId": uuid.uuid4().hex}
        answer = Client(self.url())("POST", "/v1/track", message,
                                    {"Authorization": basic(self.write_key)})
        assert answer.status == 200, answer
        path = f"{self.root}/projects/{self.ids['/projects']}/events"
        for _ in range(100):
            items = self.client("GET", path).json()["items"]
            if items:
                return items[0]["id"]
            time.sleep(0.05)
        raise AssertionError("the event does not arrive")

    def url(self):
        return self.client.address.geturl()

    def fill(self, template, others=None, fresh=False):
        """The path with our ids, those of others, or ids nobody has."""
        path = template.replace("{tenant}", self.slug)
        prefix = "/api/v1/t/{tenant}"
        for found in re.finditer(r"{(\w+)}", template.removeprefix(prefix)):
            before = template.removeprefix(prefix)[:found.start()].rstrip("/")
            owner = others or self
            value = str(uuid.uuid4()) if fresh else owner.ids.get(before)
            if value is None:
                return None
            path = path.replace("{" + found[1] + "}", value, 1)
        return path


def basic(key):
    import base64
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


class World:
    def __init__(self, base_url, binary):
        self.url, self.host = base_url, base_url.removeprefix("http://")
        self.routes = json.loads(subprocess.run([binary, "routes", "--json"], check=True,
                                                capture_output=True, text=True).stdout)
        self.document = json.loads(subprocess.run([binary, "openapi"], check=True,
                                                  capture_output=True, text=True).stdout)
        self.schemas = Schemas(self.document)
        self.ours, self.theirs = Organisation(base_url, "ours"), Organisation(base_url, "theirs")
        for organisation in (self.ours, self.theirs):
            organisation.furnish()
            organisation.furnish_plain(self.routes, self.schemas)
        self.browser = self.sign_in_browser()

    def sign_in_browser(self):
        browser = Client(self.url)
        answer = browser("POST", "/api/v1/auth/login", {"email": self.ours.email,
                                                        "password": PASSWORD})
        assert answer.status == 200, answer
        browser.csrf = answer.json()["csrf_token"]
        return browser

    def tenant_routes(self):
        return [route for route in self.routes if route["in_tenant"]]


ROOT = pathlib.Path(__file__).resolve().parent
