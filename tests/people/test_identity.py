#!/usr/bin/env python3
"""Sign-up, sign-in, sessions, tokens, recovery: what works and what is refused."""
import base64
import json
import secrets
import threading
import time
import unittest

import people
from people import OTHER_PASSWORD, PASSWORD, Client, Person, link_token, mails_to

FOUNDER = {}


def setUpModule():
    FOUNDER["server"] = people.serve()
    FOUNDER["server"].__enter__()


def tearDownModule():
    FOUNDER["server"].__exit__(None, None, None)


def sign_up(**change):
    body = {"name": "Ada Test", "email": f"{secrets.token_hex(6)}@people.example",
            "password": PASSWORD, "organization": {"name": "Some Company"}, **change}
    return Client().post("/api/v1/auth/register",
                         {key: value for key, value in body.items() if value is not None})


class Registration(unittest.TestCase):
    def test_person_and_organisation(self):
        ada = Person("Ada Lovelace", f"Analytical Engine {secrets.token_hex(3)}")
        session = ada.registered.json
        self.assertEqual(ada.registered.headers["Location"], "/api/v1/me")
        self.assertEqual(session["user"]["name"], "Ada Lovelace")
        self.assertFalse(session["user"]["email_verified"])
        self.assertEqual(session["tenants"][0]["role"], "owner")
        self.assertIn("tenant.update", session["tenants"][0]["permissions"])
        self.assertTrue(ada.slug.startswith("analytical-engine-"))
        self.assertNotIn("access_token", session)
        cookie = ada.registered.headers["Set-Cookie"]
        for part in ("bulkhead=", "HttpOnly", "SameSite=Lax", "Path=/"):
            self.assertIn(part, cookie)
        me = ada.get("/api/v1/me")
        self.assertEqual(me.json["user"]["email"], ada.email)
        self.assertEqual(me.json["csrf_token"], session["csrf_token"])
        self.assertEqual(me.headers["Cache-Control"], "no-store")

    def test_token_mode(self):
        answer = sign_up(mode="token")
        self.assertEqual(answer.status, 201)
        self.assertIsNone(answer.headers["Set-Cookie"])
        self.assertEqual(answer.json["token_type"], "Bearer")
        self.assertEqual(answer.json["expires_in"], 900)
        program = Client()
        program.bearer = answer.json["access_token"]
        self.assertIsNone(program.get("/api/v1/me").json["csrf_token"])

    def test_refusals(self):
        def wrong(field, code, **change):
            answer = sign_up(**change)
            self.assertEqual(answer.status, 422, answer.raw)
            self.assertIn((field, code), answer.fields())
        wrong("/password", "too_short", password="Short-1")
        wrong("/password", "needs_digit", password="Correct-Horse-battery")
        wrong("/password", "too_common", password="P@ssw0rd2026!")
        wrong("/password", "too_common", password="Some-Company-2026")
        wrong("/organization", "required", organization=None)
        wrong("/organization/slug", "reserved", organization={"name": "X", "slug": "admin"})
        wrong("/password", "too_common", email="rumpelstilzchen@people.example",
              password="Rumpelstilzchen-1")
        wrong("/name", "unreadable_name", name="Ada\r\nBcc: eve@evil.example")
        wrong("/name", "unreadable_name", name="   ")
        wrong("/name", "unreadable_name", organization={"name": "\u0007"})
        both = sign_up(email="nobody", password="Short-1").fields()
        self.assertEqual(sorted(both), [("/email", "invalid_email"), ("/password", "too_short")])
        self.assertEqual(sign_up(surprise=1).status, 422)
        self.assertEqual(sign_up(invitation_token="x" * 43).status, 404)

    def test_slugs(self):
        name = f"Grün & Söhne {secrets.token_hex(3)}"
        first, second = Person(organization=name), Person(organization=name)
        self.assertEqual(second.slug, first.slug + "-2")
        taken = sign_up(organization={"name": "X", "slug": first.slug})
        self.assertEqual((taken.status, taken.code), (409, "slug_taken"))
        odd = Person(organization="工具")
        self.assertRegex(odd.slug, r"^organization")

    def test_address_is_taken_whatever_its_case(self):
        ada = Person()
        taken = sign_up(email=ada.email.upper())
        self.assertEqual((taken.status, taken.code), (409, "email_taken"))

    def test_asking_for_addresses_is_slow(self):
        ada, guesser = Person(), Client()
        codes = [guesser.post("/api/v1/auth/register", {
            "name": "X", "email": ada.email, "password": PASSWORD,
            "organization": {"name": "Y"}}).status for _ in range(7)]
        self.assertEqual(codes[-1], 429)

    def test_two_at_once_make_one_account(self):
        email, answers = f"{secrets.token_hex(6)}@people.example", []
        threads = [threading.Thread(target=lambda: answers.append(sign_up(email=email)))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = sorted(answer.status for answer in answers)
        self.assertEqual(statuses[0], 201)
        self.assertTrue(all(status == 409 for status in statuses[1:]), statuses)


class SignIn(unittest.TestCase):
    def test_in_and_out(self):
        ada, browser = Person(), Client()
        session = browser.login(ada.email)
        self.assertEqual(session.status, 200)
        self.assertNotIn("Max-Age", session.headers["Set-Cookie"])
        self.assertEqual(browser.get("/api/v1/me").status, 200)
        old = browser.cookie
        out = browser.post("/api/v1/auth/logout")
        self.assertEqual(out.status, 204)
        self.assertIn("Max-Age=0", out.headers["Set-Cookie"])
        self.assertIn("cookies", out.headers["Clear-Site-Data"])
        browser.cookie = old
        self.assertEqual(browser.get("/api/v1/me").status, 401)
        self.assertEqual(ada.get("/api/v1/me").status, 200)

    def test_every_sign_in_has_new_secrets(self):
        ada, browser = Person(), Client()
        first = (browser.login(ada.email).json["csrf_token"], browser.cookie)
        second = (browser.login(ada.email).json["csrf_token"], browser.cookie)
        self.assertNotEqual(first[0], second[0])
        self.assertNotEqual(first[1], second[1])

    def test_remembered(self):
        ada, browser = Person(), Client()
        session = browser.login(ada.email, remember=True)
        self.assertIn("Max-Age=2592000", session.headers["Set-Cookie"])

    def test_all_failures_look_the_same(self):
        ada = Person()
        unknown = Client().login("nobody-at-all@people.example")
        wrong = Client().login(ada.email, "Wrong-Horse-7-battery")
        self.assertEqual(unknown.status, 401)
        self.assertEqual(wrong.status, 401)
        for answer in (unknown, wrong):
            answer.json.pop("request_id")
        self.assertEqual(unknown.json, wrong.json)

    def test_lockout_of_an_account(self):
        ada = Person()
        for _ in range(5):
            self.assertEqual(Client().login(ada.email, "Wrong-Horse-7-battery").status, 401)
        right = Client().login(ada.email)
        self.assertEqual((right.status, right.code), (401, "invalid_credentials"))
        self.assertEqual(ada.get("/api/v1/me").status, 200)

    def test_lockout_of_an_address(self):
        ada, guesser = Person(), Client()
        for n in range(5):
            guesser.login(f"guess-{n}@people.example", "Wrong-Horse-7-battery")
        self.assertEqual(guesser.login(ada.email).status, 401)
        self.assertEqual(Client().login(ada.email).status, 200)

    def test_success_starts_the_count_anew(self):
        ada = Person()
        for _ in range(3):
            for _ in range(4):
                Client().login(ada.email, "Wrong-Horse-7-battery")
            self.assertEqual(Client().login(ada.email).status, 200)

    def test_unknown_takes_as_long_as_wrong(self):
        ada = Person()

        def seconds(email):
            best = 9.0
            for _ in range(3):
                started = time.monotonic()
                Client().login(email, "Wrong-Horse-7-battery")
                best = min(best, time.monotonic() - started)
            return best
        wrong, unknown = seconds(ada.email), seconds("nobody-here@people.example")
        self.assertGreater(unknown, wrong / 2)
        self.assertLess(unknown, wrong * 2)

    def test_csrf(self):
        ada, eve = Person(), Person()
        for token in (None, "", "x", eve.csrf):
            ada.csrf = token
            answer = ada.patch("/api/v1/me", {"name": "Changed"})
            self.assertEqual((answer.status, answer.code), (403, "csrf_token"))
        cross = ada.patch("/api/v1/me", {"name": "Changed"}, Origin="https://evil.example")
        self.assertEqual(cross.status, 403)
        self.assertEqual(ada.get("/api/v1/me").json["user"]["name"], "Ada Test")


class Sessions(unittest.TestCase):
    def test_list_and_end_one(self):
        ada, phone = Person(), Client(agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18) Safari/604.1")
        phone.login(ada.email)
        items = ada.get("/api/v1/me/sessions").json["items"]
        self.assertEqual(len(items), 2)
        devices = {item["device"]: item for item in items}
        self.assertTrue(devices["Firefox on Linux"]["current"])
        there = devices["Safari on iOS"]
        self.assertFalse(there["current"])
        self.assertEqual(there["ip"], phone.address)
        self.assertEqual(ada.delete(f"/api/v1/me/sessions/{there['id']}").status, 204)
        self.assertEqual(phone.get("/api/v1/me").status, 401)
        self.assertEqual(ada.delete(f"/api/v1/me/sessions/{there['id']}").status, 404)

    def test_end_all_others(self):
        ada = Person()
        others = [Client() for _ in range(3)]
        for other in others:
            other.login(ada.email)
            self.assertEqual(other.get("/api/v1/me").status, 200)
        self.assertEqual(ada.delete("/api/v1/me/sessions").status, 204)
        self.assertEqual({other.get("/api/v1/me").status for other in others}, {401})
        self.assertEqual(ada.get("/api/v1/me").status, 200)

    def test_not_those_of_others(self):
        ada, eve = Person(), Person()
        session = ada.get("/api/v1/me").json["session_id"]
        self.assertEqual(eve.delete(f"/api/v1/me/sessions/{session}").status, 404)
        self.assertEqual(ada.get("/api/v1/me").status, 200)

    def test_pages(self):
        ada = Person()
        for _ in range(3):
            Client().login(ada.email)
        first = ada.get("/api/v1/me/sessions?limit=2").json
        second = ada.get(f"/api/v1/me/sessions?limit=2&cursor={first['next_cursor']}").json
        ids = {item["id"] for item in first["items"] + second["items"]}
        self.assertEqual((len(ids), second["next_cursor"]), (4, None))
        self.assertEqual(ada.get("/api/v1/me/sessions?cursor=made-up").status, 422)


def b64(data):
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


class Tokens(unittest.TestCase):
    def start(self):
        ada, program = Person(), Client()
        session = program.login(ada.email, mode="token").json
        program.bearer = session["access_token"]
        return ada, program, session

    def refresh(self, token):
        return Client().post("/api/v1/auth/refresh", {"refresh_token": token})

    def test_access_token_is_a_signed_jwt(self):
        _, program, session = self.start()
        header, claims, _ = session["access_token"].split(".")
        read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
        self.assertEqual((read[0]["alg"], read[0]["typ"]), ("EdDSA", "at+jwt"))
        self.assertEqual(read[1]["sub"], session["user"]["id"])
        self.assertEqual(read[1]["exp"] - read[1]["iat"], 900)
        keys = Client().get("/.well-known/jwks.json").json["keys"]
        self.assertEqual(keys[0]["kid"], read[0]["kid"])
        self.assertEqual(program.get("/api/v1/me").json["session_id"], read[1]["sid"])

    def test_forged_tokens(self):
        _, program, session = self.start()
        header, claims, signature = session["access_token"].split(".")
        far = json.loads(base64.urlsafe_b64decode(claims + "=="))
        far["exp"] += 9999
        for forged in (f"{header}.{b64(far)}.{signature}", f"{header}.{claims}.",
                       f"{b64({'alg': 'none', 'typ': 'at+jwt'})}.{claims}.",
                       f"{header}.{claims}.{signature[:-2]}AA", "a.b.c", "x", header * 200):
            program.bearer = forged
            self.assertEqual(program.get("/api/v1/me").status, 401, forged[:40])

    def test_rotation(self):
        _, program, session = self.start()
        second = self.refresh(session["refresh_token"])
        self.assertEqual(second.status, 200)
        self.assertNotEqual(second.json["refresh_token"], session["refresh_token"])
        program.bearer = second.json["access_token"]
        self.assertEqual(program.get("/api/v1/me").status, 200)
        self.assertEqual(self.refresh(second.json["refresh_token"]).status, 200)

    def test_two_tabs_get_the_same_child(self):
        _, _, session = self.start()
        answers = []
        threads = [threading.Thread(
            target=lambda: answers.append(self.refresh(session["refresh_token"])))
            for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual(len({answer.json["refresh_token"] for answer in answers}), 1)

    def test_reuse_ends_the_family(self):
        ada, program, session = self.start()
        child = self.refresh(session["refresh_token"]).json
        time.sleep(10.5)
        reuse = self.refresh(session["refresh_token"])
        self.assertEqual((reuse.status, reuse.code), (401, "invalid_refresh_token"))
        self.assertEqual(self.refresh(child["refresh_token"]).status, 401)
        program.bearer = child["access_token"]
        self.assertEqual(program.get("/api/v1/me").status, 401)
        entries = ada.get(ada.t + "/audit?action=refresh_reuse").json["items"]
        self.assertEqual([entry["outcome"] for entry in entries], ["refused"])

    def test_logout_ends_access_and_refresh(self):
        _, program, session = self.start()
        self.assertEqual(program.post("/api/v1/auth/logout").status, 204)
        self.assertEqual(program.get("/api/v1/me").status, 401)
        self.assertEqual(self.refresh(session["refresh_token"]).status, 401)

    def test_unknown_refresh_token(self):
        self.assertEqual(self.refresh(secrets.token_urlsafe(32)).status, 401)


class Me(unittest.TestCase):
    def test_name(self):
        ada = Person()
        changed = ada.patch("/api/v1/me", {"name": "Ada Byron"})
        self.assertEqual(changed.json["user"]["name"], "Ada Byron")
        self.assertEqual(ada.get("/api/v1/me").json["user"]["name"], "Ada Byron")
        self.assertEqual(ada.patch("/api/v1/me", {"email": "x@y.example"}).status, 422)

    def test_password(self):
        ada, other = Person(), Client()
        other.login(ada.email)
        change = {"current_password": "Wrong-Horse-7-battery", "password": OTHER_PASSWORD}
        wrong = ada.post("/api/v1/me/password", change)
        self.assertIn(("/current_password", "wrong_password"), wrong.fields())
        weak = ada.post("/api/v1/me/password", {"current_password": PASSWORD, "password": "x"})
        self.assertEqual((weak.status, weak.code), (422, "weak_password"))
        change["current_password"] = PASSWORD
        self.assertEqual(ada.post("/api/v1/me/password", change).status, 204)
        self.assertEqual(ada.get("/api/v1/me").status, 200)
        self.assertEqual(other.get("/api/v1/me").status, 401)
        self.assertEqual(Client().login(ada.email).status, 401)
        self.assertEqual(Client().login(ada.email, OTHER_PASSWORD).status, 200)


class Recovery(unittest.TestCase):
    def test_verification(self):
        ada = Person()
        token = link_token(ada.email, "verify")
        self.assertEqual(Client().post("/api/v1/auth/verify", {"token": token}).status, 204)
        self.assertTrue(ada.get("/api/v1/me").json["user"]["email_verified"])
        again = Client().post("/api/v1/auth/verify", {"token": token})
        self.assertEqual((again.status, again.fields()), (422, {("/token", "link_unusable")}))

    def test_verification_again(self):
        ada = Person()
        link_token(ada.email, "verify")
        for _ in range(7):
            self.assertEqual(ada.post("/api/v1/me/verification").status, 202)
        time.sleep(1)
        sent = [mail for mail in mails_to(ada.email) if "Confirm" in mail["subject"]]
        self.assertEqual(len(sent), 5)

    def test_reset(self):
        ada, other = Person(), Client()
        other.login(ada.email)
        asked = Client().post("/api/v1/auth/forgot", {"email": ada.email.upper()},
                              Host="evil.example", X_Forwarded_Host="evil.example")
        unknown = Client().post("/api/v1/auth/forgot", {"email": "nobody@people.example"})
        self.assertEqual((asked.status, asked.json), (unknown.status, unknown.json))
        self.assertNotIn("evil", people.mail_text(ada.email, "new password"))
        token = link_token(ada.email, "reset")
        weak = Client().post("/api/v1/auth/reset", {"token": token, "password": "x"})
        self.assertEqual(weak.status, 422)
        body = {"token": token, "password": OTHER_PASSWORD}
        self.assertEqual(Client().post("/api/v1/auth/reset", body).status, 204)
        self.assertEqual(other.get("/api/v1/me").status, 401)
        self.assertEqual(ada.get("/api/v1/me").status, 401)
        self.assertEqual(Client().login(ada.email).status, 401)
        self.assertEqual(Client().login(ada.email, OTHER_PASSWORD).status, 200)
        self.assertEqual(Client().post("/api/v1/auth/reset", body).status, 422)

    def test_no_spelling_of_an_address_has_tries_of_its_own(self):
        ada = Person(email=f"k{secrets.token_hex(6)}@people.example")
        for _ in range(5):
            Client().login(ada.email, "Wrong-Horse-7-battery")
        for spelling in (ada.email, ada.email.upper(), ada.email.replace("k", "\u212a")):
            self.assertEqual(Client().login(spelling).status, 401, spelling)

    def test_a_reset_ends_the_waiting(self):
        ada = Person()
        for _ in range(5):
            Client().login(ada.email, "Wrong-Horse-7-battery")
        self.assertEqual(Client().login(ada.email).status, 401)
        Client().post("/api/v1/auth/forgot", {"email": ada.email})
        body = {"token": link_token(ada.email, "reset"), "password": OTHER_PASSWORD}
        self.assertEqual(Client().post("/api/v1/auth/reset", body).status, 204)
        self.assertEqual(Client().login(ada.email, OTHER_PASSWORD).status, 200)

    def test_tokens_of_one_purpose_only(self):
        ada = Person()
        verify = link_token(ada.email, "verify")
        body = {"token": verify, "password": OTHER_PASSWORD}
        self.assertEqual(Client().post("/api/v1/auth/reset", body).status, 422)
        Client().post("/api/v1/auth/forgot", {"email": ada.email})
        reset = link_token(ada.email, "reset")
        self.assertEqual(Client().post("/api/v1/auth/verify", {"token": reset}).status, 422)


class Closed(unittest.TestCase):
    def test_registration_can_be_closed(self):
        with people.serve({"BULKHEAD_REGISTRATION_OPEN": "false"}):
            answer = sign_up()
            self.assertEqual((answer.status, answer.code), (403, "registration_closed"))


if __name__ == "__main__":
    unittest.main()
