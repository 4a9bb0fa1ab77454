#!/usr/bin/env python3
"""What ends by itself or by somebody else's hand: sessions, tokens, links, invitations,
waits, disabled people, frozen organisations; and what a stolen database shows. The
database's times are moved instead of waiting."""
import secrets
import unittest

import people
from people import OTHER_PASSWORD, Client, Person, link_token, sql

SERVER = {}


def setUpModule():
    SERVER["server"] = people.serve()
    SERVER["server"].__enter__()


def tearDownModule():
    SERVER["server"].__exit__(None, None, None)


def age_session(client_session, **columns):
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items())
    sql(f"update identity.sessions set {sets} where id = '{client_session}'")


class Sessions(unittest.TestCase):
    def session_of(self, ada, **more):
        """A session that no cache has seen yet."""
        browser = Client()
        self.assertEqual(browser.login(ada.email, **more).status, 200)
        newest = sql(f"select id from identity.sessions where user_id = '{ada.id}' "
                     "order by created_at desc limit 1")
        return browser, newest

    def test_idle_for_six_hours(self):
        ada = Person()
        browser, session = self.session_of(ada)
        age_session(session, last_seen_at="now() - interval '5 hours 59 minutes'")
        self.assertEqual(browser.get("/api/v1/me").status, 200)
        browser, session = self.session_of(ada)
        age_session(session, last_seen_at="now() - interval '6 hours 1 second'")
        self.assertEqual(browser.get("/api/v1/me").status, 401)

    def test_a_day_old(self):
        ada = Person()
        browser, session = self.session_of(ada)
        hours = sql("select extract(epoch from expires_at - created_at) / 3600 "
                    f"from identity.sessions where id = '{session}'")
        self.assertEqual(float(hours), 24)
        age_session(session, expires_at="now() - interval '1 second'")
        self.assertEqual(browser.get("/api/v1/me").status, 401)

    def test_remembered_for_thirty_days(self):
        ada = Person()
        browser, session = self.session_of(ada, remember=True)
        age_session(session, last_seen_at="now() - interval '29 days'")
        self.assertEqual(browser.get("/api/v1/me").status, 200)

    def test_use_keeps_it_alive(self):
        ada = Person()
        browser, session = self.session_of(ada)
        age_session(session, last_seen_at="now() - interval '5 hours'")
        browser.get("/api/v1/me")
        self.assertEqual(sql("select last_seen_at > now() - interval '1 minute' "
                             f"from identity.sessions where id = '{session}'"), "t")

    def test_refresh_token_ends(self):
        ada, program = Person(), Client()
        token = program.login(ada.email, mode="token").json["refresh_token"]
        sql("update identity.refresh_tokens set expires_at = now() where session_id in "
            f"(select id from identity.sessions where user_id = '{ada.id}')")
        answer = Client().post("/api/v1/auth/refresh", {"refresh_token": token})
        self.assertEqual((answer.status, answer.code), (401, "invalid_refresh_token"))

    def test_at_most_fifty(self):
        ada = Person()
        sql("insert into identity.sessions (user_id, mode, token_hash, browser, os, idle, "
            "expires_at, last_seen_at) select '" + ada.id + "', 'cookie', "
            "sha256((random()::text || n)::bytea), 'x', 'y', '6 hours', now() + interval '1 day', "
            "now() - n * interval '1 minute' from generate_series(1, 55) n")
        self.session_of(ada)
        alive = sql("select count(*) from identity.sessions where revoked_at is null "
                    f"and user_id = '{ada.id}'")
        self.assertEqual(int(alive), 50)
        self.assertEqual(ada.get("/api/v1/me").status, 200)


class Links(unittest.TestCase):
    def test_late(self):
        ada = Person()
        Client().post("/api/v1/auth/forgot", {"email": ada.email})
        verify, reset = link_token(ada.email, "verify"), link_token(ada.email, "reset")
        lives = sql("select string_agg(purpose || ' ' || extract(epoch from expires_at - "
                    "created_at)::int, ' ' order by purpose) from identity.mail_tokens "
                    f"where user_id = '{ada.id}'")
        self.assertEqual(lives, "reset 1800 verify 86400")
        sql(f"update identity.mail_tokens set expires_at = now() where user_id = '{ada.id}'")
        late = Client().post("/api/v1/auth/verify", {"token": verify})
        self.assertEqual(late.fields(), {("/token", "link_unusable")})
        late = Client().post("/api/v1/auth/reset", {"token": reset, "password": OTHER_PASSWORD})
        self.assertEqual(late.fields(), {("/token", "link_unusable")})

    def test_invitation(self):
        owner, email = Person().verify(), f"{secrets.token_hex(6)}@people.example"
        made = owner.invite(email)
        token = link_token(email, "invite")
        sql(f"update tenants.invitations set expires_at = now() where id = '{made['id']}'")
        self.assertEqual(Client().get("/api/public/invitations/" + token).status, 404)
        late = Person().post("/api/v1/invitations/accept",
                             {"token": token, "confirm_other_address": True})
        self.assertEqual((late.status, late.code), (404, "invitation_unusable"))
        path = f"{owner.t}/invitations"
        self.assertEqual(owner.get(path + "?status=expired").json["items"][0]["id"], made["id"])
        again = owner.post(f"{path}/{made['id']}/resend").json
        self.assertEqual(again["status"], "pending")
        sql(f"update tenants.invitations set expires_at = now() where id = '{made['id']}'")
        self.assertNotEqual(owner.invite(email)["id"], made["id"])


class Waits(unittest.TestCase):
    def test_they_grow(self):
        ada = Person()

        def fail():
            Client().login(ada.email, "Wrong-Horse-7-battery")

        def wait_s():
            return float(sql("select coalesce(extract(epoch from max(blocked_until) - now()), 0) "
                             "from identity.login_attempts where failures >= 5"))

        def let_pass():
            sql("update identity.login_attempts set blocked_until = now() - interval '1 second' "
                "where failures >= 5")
        for _ in range(5):
            fail()
        for expected in (30, 60, 120, 240, 480, 900, 900):
            self.assertAlmostEqual(wait_s(), expected, delta=15)
            before = wait_s()
            fail()
            self.assertLessEqual(wait_s(), before)
            let_pass()
            if expected < 900:
                fail()
            else:
                break
        self.assertEqual(Client().login(ada.email).status, 200)
        self.assertEqual(wait_s(), 0)


class OthersHands(unittest.TestCase):
    def test_disabled_person(self):
        ada = Person()
        self.assertEqual(ada.get("/api/v1/me").status, 200)
        sql(f"update identity.users set status = 'disabled' where id = '{ada.id}'")
        self.assertEqual(ada.get("/api/v1/me").status, 401)
        refused, unknown = Client().login(ada.email), Client().login("nobody@people.example")
        self.assertEqual((refused.status, refused.json["detail"]),
                         (unknown.status, unknown.json["detail"]))

    def test_frozen_organisation_is_read_only(self):
        owner = Person()
        self.assertEqual(owner.patch(owner.t, {"name": "A"}).status, 200)
        sql(f"update tenants.tenants set status = 'frozen' where slug = '{owner.slug}'")
        self.assertEqual(owner.get(owner.t).json["status"], "frozen")
        self.assertEqual(owner.patch(owner.t, {"name": "B"}).status, 403)
        permissions = owner.get("/api/v1/me").json["tenants"][0]["permissions"]
        self.assertTrue(all(name.endswith(".read") for name in permissions))
        sql(f"update tenants.tenants set status = 'active' where slug = '{owner.slug}'")
        self.assertEqual(owner.patch(owner.t, {"name": "B"}).status, 200)


class StolenDatabase(unittest.TestCase):
    def test_no_secret_in_a_dump(self):
        owner, program = Person().verify(), Client()
        tokens = program.login(owner.email, mode="token").json
        Client().post("/api/v1/auth/forgot", {"email": owner.email})
        email = f"{secrets.token_hex(6)}@people.example"
        owner.invite(email)
        key = owner.post(owner.t + "/api-keys", {"name": "CI", "scopes": ["member.read"]},
                         Idempotency_Key=secrets.token_hex(8)).json["key"]
        kept = {"cookie": owner.cookie.split("=")[1], "csrf": owner.csrf, "key": key,
                "refresh": tokens["refresh_token"], "access": tokens["access_token"],
                "reset": link_token(owner.email, "reset"), "invite": link_token(email, "invite"),
                "password": people.PASSWORD}
        dump = people.psql("pg_dump", "--data-only", "--exclude-table-data=core.dev_mails")
        self.assertTrue(owner.email in dump)
        # core.dev_mails is empty wherever an SMTP server is configured
        for name, secret in kept.items():
            self.assertFalse(secret in dump or secret.encode().hex() in dump, name)


if __name__ == "__main__":
    unittest.main()
