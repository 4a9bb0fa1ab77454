#!/usr/bin/env python3
"""Organisations, members, invitations, roles, API keys and the audit list: what works,
what each role may, and what is refused."""
import datetime
import secrets
import threading
import unittest

import people
from people import PASSWORD, Client, Person, link_token, mails_to

SERVER = {}


def setUpModule():
    SERVER["server"] = people.serve()
    SERVER["server"].__enter__()
    SERVER["owner"] = Person("Olivia Owner").verify()


def tearDownModule():
    SERVER["server"].__exit__(None, None, None)


def at_once(*calls):
    """Runs the calls at the same time; their answers in order."""
    answers = [None] * len(calls)

    def run(i):
        answers[i] = calls[i]()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


class Case(unittest.TestCase):
    def setUp(self):
        self.owner = SERVER["owner"]

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer.raw)


class Organization(Case):
    def test_get_and_patch(self):
        olga = Person()
        tenant = olga.get(olga.t)
        self.assertEqual(tenant.json["status"], "active")
        changed = olga.patch(olga.t, {"name": "Other", "time_zone": "Europe/Berlin",
                                      "currency": "CHF", "locale": "de-CH"})
        self.assertEqual((changed.status, changed.json["time_zone"]), (200, "Europe/Berlin"))
        self.assertEqual(changed.json["version"], tenant.json["version"] + 1)
        stale = olga.patch(olga.t, {"name": "X"}, If_Match=tenant.headers["ETag"])
        self.assertEqual(stale.status, 412)
        by_id = olga.get("/api/v1/t/" + tenant.json["id"])
        self.assertEqual(by_id.json["name"], "Other")

    def test_wrong_values(self):
        for body in ({"time_zone": "Mars/Base"}, {"currency": "eur"}, {"locale": "German"},
                     {"name": ""}, {"slug": "other"}, {"status": "frozen"}):
            self.assertEqual(self.owner.patch(self.owner.t, body).status, 422, body)
        both = self.owner.patch(self.owner.t, {"time_zone": "Mars/Base", "currency": "eur"})
        self.assertEqual(sorted(both.fields()), [("/currency", "unknown_currency"),
                                                 ("/time_zone", "unknown_time_zone")])

    def test_strangers_see_nothing(self):
        eve = Person()
        missing = eve.get("/api/v1/t/no-such-organisation")
        for path in ("", "/members", "/invitations", "/roles", "/api-keys", "/audit", "/activity"):
            theirs = eve.get(self.owner.t + path)
            self.assertEqual((theirs.status, theirs.json["detail"]),
                             (404, missing.json["detail"]), path)
        self.assertEqual(Client().get(self.owner.t).status, 401)

    def test_activity(self):
        olga = Person().verify()
        olga.colleague("member", "Mia")
        for _ in range(100):
            items = olga.get(olga.t + "/activity").json["items"]
            if len(items) >= 3:
                break
            threading.Event().wait(0.05)
        types = [item["type"] for item in items]
        self.assertIn("member:joined", types)
        self.assertIn("invitation:created", types)
        joined = items[types.index("member:joined")]
        self.assertEqual((joined["payload"]["name"], joined["actor"]["name"]), ("Mia", "Mia"))


class Roles(Case):
    def test_list(self):
        answer = self.owner.get(self.owner.t + "/roles").json
        ranks = {role["name"]: role["rank"] for role in answer["items"]}
        self.assertEqual(ranks, {"owner": 100, "admin": 80, "member": 40, "viewer": 20})
        names = {item["name"] for item in answer["catalogue"]}
        for role in answer["items"]:
            self.assertLessEqual(set(role["permissions"]), names)
        viewer = answer["items"][3]["permissions"]
        self.assertTrue(all(name.endswith(".read") for name in viewer))

    def test_what_a_viewer_may(self):
        viewer = self.owner.colleague("viewer")
        self.assertEqual(viewer.get(self.owner.t + "/members").status, 200)
        for path in ("/invitations", "/api-keys", "/audit"):
            self.assertEqual(viewer.get(self.owner.t + path).status, 403, path)
        self.assertEqual(viewer.patch(self.owner.t, {"name": "X"}).status, 403)
        entries = self.owner.get(self.owner.t + "/audit?actor=" + viewer.id).json["items"]
        self.assertIn("refused", {entry["outcome"] for entry in entries})

    def test_a_changed_role_bites_at_once(self):
        mia = self.owner.colleague("viewer")
        self.assertEqual(mia.get(self.owner.t + "/audit").status, 403)
        path = f"{self.owner.t}/members/{mia.id}"
        self.assertEqual(self.owner.patch(path, {"role": "admin"}).json["role"], "admin")
        self.assertEqual(mia.get(self.owner.t + "/audit").status, 200)
        self.owner.patch(path, {"role": "viewer"})
        self.assertEqual(mia.get(self.owner.t + "/audit").status, 403)
        self.assertEqual(self.owner.delete(path).status, 204)
        self.assertEqual(mia.get(self.owner.t + "/members").status, 404)
        self.assertEqual(mia.get("/api/v1/me").json["tenants"], [])


class Members(Case):
    def test_list_filters_and_pages(self):
        olga = Person("Zoe Boss").verify()
        for n in range(3):
            olga.colleague("member", f"Member {n}")
        first = olga.get(olga.t + "/members?limit=3").json
        second = olga.get(f"{olga.t}/members?limit=3&cursor={first['next_cursor']}").json
        names = [item["name"] for item in first["items"] + second["items"]]
        self.assertEqual(names, ["Member 0", "Member 1", "Member 2", "Zoe Boss"])
        self.assertIsNone(second["next_cursor"])
        self.assertEqual(first["items"][0]["invited_by"]["name"], "Zoe Boss")
        self.assertIsNone(second["items"][0]["invited_by"])
        self.assertIsNotNone(second["items"][0]["last_active_at"])
        self.assertNotIn("total", first)
        self.assertEqual(olga.get(olga.t + "/members?limit=2&count=true").json["total"], 4)
        for path, total in (("/members?role=member", 3), ("/invitations", 3), ("/api-keys", 0),
                            ("/invitations?status=pending", 0), ("/audit?noun=member", 4)):
            joiner = "&" if "?" in path else "?"
            answer = olga.get(f"{olga.t}{path}{joiner}count=true").json
            self.assertEqual(answer["total"], total, path)
        self.assertEqual(olga.get("/api/v1/me/sessions?count=true").json["total"], 1)
        owners = olga.get(olga.t + "/members?role=owner").json["items"]
        self.assertEqual([item["user_id"] for item in owners], [olga.id])
        found = olga.get(olga.t + "/members?q=MEMBER%201").json["items"]
        self.assertEqual([item["name"] for item in found], ["Member 1"])

    def test_ranks(self):
        admin = self.owner.colleague("admin")
        member = self.owner.colleague("member")
        members = self.owner.t + "/members/"
        self.refused(admin.patch(members + self.owner.id, {"role": "viewer"}), 403,
                     "above_your_rank")
        self.refused(admin.patch(members + member.id, {"role": "owner"}), 403, "above_your_rank")
        self.refused(admin.patch(members + admin.id, {"role": "owner"}), 403, "above_your_rank")
        self.refused(admin.delete(members + self.owner.id), 403, "above_your_rank")
        self.assertEqual(admin.patch(members + member.id, {"role": "viewer"}).status, 200)
        self.assertEqual(member.patch(members + member.id, {"role": "admin"}).status, 403)
        self.assertEqual(member.delete(members + admin.id).status, 403)
        unknown = admin.patch(members + member.id, {"role": "emperor"})
        self.assertIn(("/role", "unknown_role"), unknown.fields())
        self.assertEqual(admin.patch(members + Person().id, {"role": "viewer"}).status, 404)

    def test_leaving(self):
        member = self.owner.colleague("member")
        self.assertEqual(member.delete(f"{self.owner.t}/members/{member.id}").status, 204)
        self.assertEqual(member.get(self.owner.t).status, 404)

    def test_the_last_owner_stays(self):
        olga = Person().verify()
        me = f"{olga.t}/members/{olga.id}"
        self.refused(olga.delete(me), 409, "last_owner")
        self.refused(olga.patch(me, {"role": "admin"}), 409, "last_owner")
        olga.colleague("owner")
        self.assertEqual(olga.patch(me, {"role": "admin"}).status, 200)

    def test_two_owners_remove_each_other_at_once(self):
        for way in ("delete", "demote", "leave"):
            olga = Person().verify()
            otto = olga.colleague("owner")
            for person in (olga, otto):
                self.assertEqual(person.get(olga.t).status, 200)
            path = f"{olga.t}/members/"

            def act(who, whom, way=way, path=path):
                if way == "delete":
                    return who.delete(path + whom.id)
                if way == "leave":
                    return who.delete(path + who.id)
                return who.patch(path + whom.id, {"role": "viewer"})
            answers = at_once(lambda: act(olga, otto), lambda: act(otto, olga))
            statuses = sorted(answer.status for answer in answers)
            self.assertIn(statuses[0], (200, 204), statuses)
            self.assertIn(statuses[1], (403, 404, 409), statuses)
            seen = [who.get(olga.t + "/members?role=owner") for who in (olga, otto)]
            owners = [answer.json["items"] for answer in seen if answer.status == 200]
            self.assertEqual({len(items) for items in owners}, {1})


class Invitations(Case):
    def test_the_whole_way_of_a_new_person(self):
        email = f"{secrets.token_hex(6)}@people.example"
        made = self.owner.invite(email, "member")
        self.assertEqual((made["status"], made["role"]), ("pending", "member"))
        self.assertNotIn("token", str(made))
        token = link_token(email, "invite")
        shown = Client().get("/api/public/invitations/" + token).json
        self.assertEqual((shown["email"], shown["account_exists"]), (email, False))
        self.assertEqual(shown["inviter_name"], "Olivia Owner")
        new = Person("Nina New", email=email, invitation_token=token)
        session = new.registered.json
        self.assertTrue(session["user"]["email_verified"])
        self.assertEqual([m["role"] for m in session["tenants"]], ["member"])
        self.assertEqual(new.get(self.owner.t).status, 200)
        self.assertEqual(Client().get("/api/public/invitations/" + token).status, 404)
        accepted = self.owner.get(self.owner.t + "/invitations?status=accepted").json["items"]
        self.assertIn(made["id"], {item["id"] for item in accepted})

    def test_a_person_with_an_account(self):
        ada = Person("Ada")
        self.owner.invite(ada.email, "viewer")
        token = link_token(ada.email, "invite")
        shown = Client().get("/api/public/invitations/" + token).json
        self.assertTrue(shown["account_exists"])
        joined = ada.post("/api/v1/invitations/accept", {"token": token})
        self.assertEqual((joined.status, joined.json["role"]), (200, "viewer"))
        self.assertEqual(joined.json["tenant"]["slug"], self.owner.slug)
        self.assertEqual(len(ada.get("/api/v1/me").json["tenants"]), 2)
        self.assertEqual(ada.get(self.owner.t).status, 200)
        again = ada.post("/api/v1/invitations/accept", {"token": token})
        self.refused(again, 404, "invitation_unusable")

    def test_another_address_needs_a_yes(self):
        ada, email = Person("Ada"), f"{secrets.token_hex(6)}@people.example"
        self.owner.invite(email)
        body = {"token": link_token(email, "invite")}
        self.refused(ada.post("/api/v1/invitations/accept", body), 409, "other_address")
        refused = Client().post("/api/v1/auth/register", {
            "name": "X", "email": "other-" + email, "password": PASSWORD,
            "invitation_token": body["token"]})
        self.refused(refused, 409, "other_address")
        body["confirm_other_address"] = True
        self.assertEqual(ada.post("/api/v1/invitations/accept", body).status, 200)

    def test_accepted_once_by_many_at_once(self):
        email = f"{secrets.token_hex(6)}@people.example"
        self.owner.invite(email)
        body = {"token": link_token(email, "invite"), "confirm_other_address": True}
        several = [Person(f"P{n}") for n in range(4)]
        answers = at_once(*[lambda p=p: p.post("/api/v1/invitations/accept", body)
                            for p in several])
        self.assertEqual(sorted(answer.status for answer in answers), [200, 404, 404, 404])

    def test_resend_and_revoke(self):
        email = f"{secrets.token_hex(6)}@people.example"
        made = self.owner.invite(email)
        path = f"{self.owner.t}/invitations/{made['id']}"
        first = link_token(email, "invite")
        self.assertEqual(self.owner.post(path + "/resend").json["status"], "pending")
        for _ in range(100):
            if len(mails_to(email)) == 2:
                break
            threading.Event().wait(0.05)
        second = link_token(email, "invite")
        self.assertNotEqual(first, second)
        self.assertEqual(Client().get("/api/public/invitations/" + first).status, 404)
        self.assertEqual(Client().get("/api/public/invitations/" + second).status, 200)
        self.assertEqual(self.owner.delete(path).status, 204)
        self.assertEqual(Client().get("/api/public/invitations/" + second).status, 404)
        self.refused(self.owner.delete(path), 409, "invitation_closed")
        self.refused(self.owner.post(path + "/resend"), 409, "invitation_closed")
        self.assertEqual(self.owner.invite(email)["status"], "pending")

    def test_refusals(self):
        invitations = self.owner.t + "/invitations"
        admin = self.owner.colleague("admin")
        email = f"{secrets.token_hex(6)}@people.example"
        self.refused(admin.post(invitations, {"email": email, "role": "owner"}), 403,
                     "above_your_rank")
        self.refused(admin.post(invitations, {"email": self.owner.email, "role": "viewer"}), 409,
                     "already_member")
        self.refused(admin.post(invitations, {"email": admin.email.upper(), "role": "viewer"}),
                     409, "already_member")
        self.owner.invite(email)
        self.refused(admin.post(invitations, {"email": email.upper(), "role": "viewer"}), 409,
                     "already_invited")
        unverified = Person()
        self.refused(unverified.post(unverified.t + "/invitations",
                                     {"email": email, "role": "viewer"}), 403, "email_unverified")
        wrong = admin.post(invitations, {"email": email, "role": "emperor"})
        self.assertIn(("/role", "unknown_role"), wrong.fields())


class ApiKeys(Case):
    def make(self, who=None, **change):
        body = {"name": "CI", "scopes": ["member.read", "tenant.read"], **change}
        return (who or self.owner).post(self.owner.t + "/api-keys", body)

    def program(self, key):
        client = Client()
        client.bearer = key
        return client

    def test_a_key_works_until_it_is_revoked(self):
        made = self.make()
        self.assertEqual(made.status, 201)
        key = made.json["key"]
        self.assertRegex(key, r"^bh_live_[0-9A-Za-z]{46}$")
        self.assertTrue(key.startswith(made.json["prefix"]))
        program = self.program(key)
        self.assertEqual(program.get(self.owner.t).status, 200)
        self.assertEqual(program.get(self.owner.t + "/members").status, 200)
        self.assertEqual(program.get(self.owner.t + "/audit").status, 403)
        self.assertEqual(program.patch(self.owner.t, {"name": "X"}).status, 403)
        self.assertEqual(program.get("/api/v1/me").status, 403)
        listed = self.owner.get(self.owner.t + "/api-keys").json["items"]
        mine = next(item for item in listed if item["id"] == made.json["id"])
        self.assertNotIn("key", mine)
        self.assertIsNotNone(mine["last_used_at"])
        path = f"{self.owner.t}/api-keys/{made.json['id']}"
        self.assertEqual(self.owner.delete(path).status, 204)
        self.assertEqual(program.get(self.owner.t).status, 401)
        self.assertEqual(self.owner.delete(path).status, 204)

    def test_bound_to_its_tenant(self):
        program, eve = self.program(self.make().json["key"]), Person()
        for slug in (eve.slug, "no-such-organisation"):
            self.refused(program.get("/api/v1/t/" + slug), 403, "other_tenant")

    def test_bound_to_its_project(self):
        mine, other = (self.owner.post(self.owner.t + "/projects", {"name": name}).json["id"]
                       for name in ("Mine", "Other"))
        scopes = ["project.read", "project.update", "event.read", "write_key.read",
                  "write_key.create", "member.read", "tenant.read", "audit.read"]
        made = self.make(project_id=mine, scopes=scopes)
        program = self.program(made.json["key"])
        projects = self.owner.t + "/projects/"
        for path in ("", "/events", "/keys", "/ledger", "/usage", "/profiles", "/rejections"):
            self.assertEqual(program.get(projects + mine + path).status, 200, path)
            theirs, missing = (program.get(projects + i + path)
                               for i in (other, "00000000-0000-7000-8000-000000000000"))
            self.assertEqual((theirs.status, theirs.json["detail"]),
                             (404, missing.json["detail"]), path)
        self.assertEqual(program.patch(projects + other, {"name": "X"}).status, 404)
        self.assertEqual(program.post(projects + other + "/keys", {"name": "X"}).status, 404)
        self.assertEqual(program.patch(projects + mine, {"name": "Y"}).status, 200)
        for path in ("", "/projects", "/members", "/audit", "/activity", "/overview"):
            self.refused(program.get(self.owner.t + path), 403, "other_project")

    def test_expiry(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        past = (now - datetime.timedelta(seconds=5)).isoformat()
        soon = (now + datetime.timedelta(seconds=2)).isoformat()
        self.assertIn(("/expires_at", "in_the_past"), self.make(expires_at=past).fields())
        made = self.make(expires_at=soon, environment="test")
        program = self.program(made.json["key"])
        self.assertTrue(made.json["key"].startswith("bh_test_"))
        self.assertEqual(program.get(self.owner.t).status, 200)
        threading.Event().wait(2.5)
        self.assertEqual(program.get(self.owner.t).status, 401)

    def test_nobody_gives_more_than_they_have(self):
        admin = self.owner.colleague("admin")
        self.assertEqual(self.make(admin, scopes=["member.read"]).status, 201)
        unknown = self.make(admin, scopes=["member.read", "world.rule"])
        self.assertIn(("/scopes/1", "unknown_permission"), unknown.fields())
        member = self.owner.colleague("member")
        self.assertEqual(self.make(member).status, 403)
        program = self.program(self.make(scopes=["api_key.create", "member.read"]).json["key"])
        self.refused(self.make(program), 403, "person_required")
        self.refused(self.make(program, scopes=["audit.read"]), 403, "person_required")

    def test_bad_keys(self):
        key = self.make().json["key"]
        for bad in (key[:-1], key + "x", key[:-1] + ("a" if key[-1] != "a" else "b"),
                    "bh_live_" + "A" * 46, "bh_live_", key.replace("live", "test")):
            self.assertEqual(self.program(bad).get(self.owner.t).status, 401, bad)


class Audit(Case):
    def test_what_happened_stands_there(self):
        olga = Person("Olga Audit").verify()
        mia = olga.colleague("member", "Mia Audit")
        olga.patch(f"{olga.t}/members/{mia.id}", {"role": "admin"})
        olga.patch(olga.t, {"name": "Renamed"})
        entries = olga.get(olga.t + "/audit?limit=200").json["items"]
        seen = {(entry["actor"]["name"], entry["action"], entry["noun"]) for entry in entries}
        for entry in (("Olga Audit", "create", "tenant"), ("Olga Audit", "create", "member"),
                      ("Olga Audit", "login", "session"), ("Olga Audit", "create", "invitation"),
                      ("Mia Audit", "accept", "invitation"), ("Mia Audit", "create", "member"),
                      ("Olga Audit", "update", "member"), ("Olga Audit", "update", "tenant")):
            self.assertIn(entry, seen)
        renamed = next(e for e in entries if (e["action"], e["noun"]) == ("update", "tenant"))
        self.assertEqual(renamed["changes"]["name"]["new"], "Renamed")
        self.assertEqual(renamed["ip"], olga.address)
        role = next(e for e in entries if (e["action"], e["noun"]) == ("update", "member"))
        self.assertEqual(role["changes"], {"role": {"old": "member", "new": "admin"}})
        self.assertEqual(role["object_id"], mia.id)
        invited = next(e for e in entries if (e["action"], e["noun"]) == ("create", "invitation"))
        self.assertEqual(invited["changes"]["token_hash"]["new"], "[masked]")

    def test_filters_and_pages(self):
        olga = Person("Olga Filter").verify()
        mia = olga.colleague("viewer", "Mia Filter")
        for query, check in ((f"actor={mia.id}", lambda e: e["actor"]["id"] == mia.id),
                             ("actor=mia%20fil", lambda e: e["actor"]["name"] == "Mia Filter"),
                             ("noun=member", lambda e: e["noun"] == "member"),
                             ("action=login", lambda e: e["action"] == "login")):
            items = olga.get(f"{olga.t}/audit?{query}").json["items"]
            self.assertTrue(items and all(check(item) for item in items), query)
        future = olga.get(olga.t + "/audit?from=2090-01-01T00:00:00Z").json["items"]
        self.assertEqual(future, [])
        ids, cursor = [], ""
        while cursor is not None:
            page = olga.get(f"{olga.t}/audit?limit=3" + (f"&cursor={cursor}" if cursor else ""))
            ids += [item["id"] for item in page.json["items"]]
            cursor = page.json["next_cursor"]
        whole = olga.get(olga.t + "/audit?limit=200").json["items"]
        self.assertEqual(ids, [item["id"] for item in whole])

    def test_failed_logins_are_there(self):
        olga = Person()
        Client().login(olga.email, "Wrong-Horse-7-battery")
        items = olga.get(olga.t + "/audit?action=login").json["items"]
        self.assertEqual([item["outcome"] for item in items], ["failed", "ok"])


if __name__ == "__main__":
    unittest.main()
