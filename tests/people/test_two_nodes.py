#!/usr/bin/env python3
"""Two server processes on one database are one: what is ended, changed or counted on
the one holds on the other with the next request."""
import os
import pathlib
import sys
import unittest

import people
from people import Client, Person

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import with_server  # noqa: E402

NODES = {}


def setUpModule():
    """Both with the address of the first in links and tokens."""
    binary = pathlib.Path(os.environ.get("BUILD", people.ROOT / "build")).resolve() / "bulkhead"
    port = with_server.free_port()
    env = {"BULKHEAD_TRUSTED_PROXIES": "127.0.0.1", "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    NODES["folder"] = with_server.data_folder()
    folder = NODES["folder"].__enter__()
    NODES["servers"] = [with_server.Server(binary, folder, env, port=port).start()]
    NODES["servers"].append(with_server.Server(binary, folder, env).start())
    NODES["urls"] = [server.url for server in NODES["servers"]]
    people.base_url = NODES["urls"][0]


def tearDownModule():
    for server in reversed(NODES["servers"]):
        server.stop()
    NODES["folder"].__exit__(None, None, None)


def on(node, call, *arguments, **more):
    """The call with the other node as its server."""
    people.base_url = NODES["urls"][node]
    try:
        return call(*arguments, **more)
    finally:
        people.base_url = NODES["urls"][0]


class TwoNodes(unittest.TestCase):
    def test_a_session_ends_on_both(self):
        ada = Person()
        self.assertEqual(on(1, ada.get, "/api/v1/me").status, 200)
        self.assertEqual(ada.post("/api/v1/auth/logout").status, 204)
        ada.cookie = ada.registered.headers["Set-Cookie"].split(";")[0]
        self.assertEqual(on(1, ada.get, "/api/v1/me").status, 401)

    def test_csrf_and_access_tokens_fit_both(self):
        ada, program = Person(), Client()
        self.assertEqual(on(1, ada.patch, "/api/v1/me", {"name": "Ada Two"}).status, 200)
        self.assertEqual(ada.get("/api/v1/me").json["user"]["name"], "Ada Two")
        program.bearer = program.login(ada.email, mode="token").json["access_token"]
        self.assertEqual(on(1, program.get, "/api/v1/me").status, 200)

    def test_a_role_changes_on_both(self):
        owner = Person().verify()
        mia = owner.colleague("viewer")
        for node in (0, 1):
            self.assertEqual(on(node, mia.get, owner.t + "/audit").status, 403)
        member = f"{owner.t}/members/{mia.id}"
        self.assertEqual(owner.patch(member, {"role": "admin"}).status, 200)
        for node in (1, 0):
            self.assertEqual(on(node, mia.get, owner.t + "/audit").status, 200)
        self.assertEqual(on(1, owner.delete, member).status, 204)
        for node in (0, 1):
            self.assertEqual(on(node, mia.get, owner.t + "/audit").status, 404)

    def test_a_key_is_revoked_on_both(self):
        owner, program = Person(), Client()
        made = owner.post(owner.t + "/api-keys", {"name": "CI", "scopes": ["tenant.read"]}).json
        program.bearer = made["key"]
        for node in (0, 1):
            self.assertEqual(on(node, program.get, owner.t).status, 200)
        self.assertEqual(owner.delete(f"{owner.t}/api-keys/{made['id']}").status, 204)
        for node in (1, 0):
            self.assertEqual(on(node, program.get, owner.t).status, 401)

    def test_failures_count_on_both(self):
        ada = Person()
        for n in range(5):
            self.assertEqual(on(n % 2, Client().login, ada.email, "Wrong-Horse-7-x").status, 401)
        for node in (0, 1):
            self.assertEqual(on(node, Client().login, ada.email).status, 401)

    def test_two_tabs_on_two_nodes_get_the_same_child(self):
        ada = Person()
        body = {"refresh_token": Client().login(ada.email, mode="token").json["refresh_token"]}
        children = {on(node, Client().post, "/api/v1/auth/refresh", body).json["refresh_token"]
                    for node in (0, 1, 0)}
        self.assertEqual(len(children), 1)


if __name__ == "__main__":
    unittest.main()
