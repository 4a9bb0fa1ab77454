#!/usr/bin/env python3
"""test_smtp.py - mails against a faithful SMTP server that misbehaves on command:
first the sender alone (tests/programs/mail_send_one.c), then the whole server
with its job queue. BUILD names the build folder."""
import email
import email.policy
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "tools")]
from smtp_server import SmtpServer  # noqa: E402
from with_postgres import Cluster  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))


def make_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem",
         "-out", folder / "cert.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def parse(letter):
    return email.message_from_bytes(letter["bytes"], policy=email.policy.default)


class WithTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="bh-smtp-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.certificate = pathlib.Path(cls.folder.name) / "cert.pem"
        cls.tls = make_certificate(pathlib.Path(cls.folder.name))


class Sending(WithTls):
    def send(self, server, *words, scheme="smtp", starttls=False, login="", enough_ms=20000,
             trusted=True, host="127.0.0.1"):
        env = {**os.environ}
        env.pop("SSL_CERT_FILE", None)
        if trusted:
            env["SSL_CERT_FILE"] = str(self.certificate)
        done = subprocess.run(
            [BUILD / "mail_send_one", f"{scheme}://{login}{host}:{server.port}",
             "starttls" if starttls else "plain", str(enough_ms), *words],
            env=env, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip().split("\t")

    def test_a_letter_arrives_as_it_was_meant(self):
        subject = "Grüße an Zoë 🎉 und eine sehr lange Zeile, die gefaltet werden muss, jawohl"
        text = "Zeile eins\n.\n..zwei\nFrom here\n" + "ü" * 300 + " \nEnde ="
        with SmtpServer() as server:
            outcome, _ = self.send(server, "ann+tag@example.org", subject, text)
            self.assertEqual("sent", outcome)
            letter = server.letters[0]
        message = parse(letter)
        self.assertTrue(letter["from"].startswith("FROM:<no-reply@example.org>"))
        self.assertEqual(["TO:<ann+tag@example.org>"], letter["to"])
        self.assertEqual(subject, message["Subject"])
        self.assertEqual("Bülkhead <no-reply@example.org>", message["From"])
        self.assertRegex(message["Message-ID"], r"^<[0-9a-f-]{36}@example.org>$")
        self.assertLess(abs(message["Date"].datetime.timestamp() - time.time()), 60)
        plain, html = message.iter_parts()
        self.assertEqual("text/plain", plain.get_content_type())
        self.assertEqual(text, plain.get_content().replace("\r\n", "\n"))
        self.assertEqual("text/html", html.get_content_type())
        for line in letter["bytes"].split(b"\r\n"):
            self.assertLessEqual(len(line), 78)
            line.decode("ascii")

    def test_nothing_breaks_out_of_a_header(self):
        with SmtpServer() as server:
            outcome, _ = self.send(server, "ann@example.org",
                                   "Hi\r\nBcc: eve@example.org\r\n\r\nbody")
            self.assertEqual("sent", outcome)
            message = parse(server.letters[0])
            self.assertIsNone(message["Bcc"])
            self.assertEqual(1, len(server.letters[0]["to"]))
            for evil in ("ann@example.org>\r\nRCPT TO:<eve@example.org", "a b@example.org",
                         "ann@example.org,eve@example.org", "ann", "@example.org", "ann@",
                         "a@b@c", "ann@exämple.org", "<ann@example.org>"):
                self.assertEqual("fault", self.send(server, evil)[0], evil)
            self.assertEqual(1, len(server.letters))

    def test_starttls_and_login(self):
        with SmtpServer(tls=self.tls, user="us", password="p@ss:w/rd") as server:
            outcome, said = self.send(server, starttls=True, login="us:p%40ss%3Aw%2Frd@")
            self.assertEqual("sent", outcome, said)
            self.assertTrue(server.letters[0]["secure"])
            self.assertFalse(server.auth_in_clear)

    def test_smtps(self):
        with SmtpServer(tls=self.tls, implicit_tls=True) as server:
            self.assertEqual("sent", self.send(server, scheme="smtps")[0])
            self.assertTrue(server.letters[0]["secure"])

    def test_a_foreign_certificate_is_not_trusted(self):
        with SmtpServer(tls=self.tls) as server:
            self.assertEqual("later", self.send(server, starttls=True, trusted=False)[0])
            self.assertEqual([], server.letters)

    def test_starttls_stripped_on_the_way(self):
        with SmtpServer(tls=self.tls, offer_starttls=False, user="us", password="pw") as server:
            self.assertEqual("later", self.send(server, starttls=True, login="us:pw@")[0])
            self.assertEqual([], server.letters)
            self.assertFalse(server.auth_in_clear)

    def test_a_login_in_the_clear_only_on_this_machine(self):
        with SmtpServer(user="us", password="pw") as server:
            self.assertEqual("sent", self.send(server, login="us:pw@")[0])
            # a name that is not known to be this machine, though it leads here
            outcome, said = self.send(server, login="us:pw@", host="127.0.0.2")
            self.assertEqual("later", outcome, said)

    def test_a_wrong_password_is_not_the_letters_fault(self):
        with SmtpServer(user="us", password="pw") as server:
            self.assertEqual("later", self.send(server, login="us:other@")[0])

    def test_what_may_pass_is_tried_later(self):
        cases = {"GREETING": "421 busy", "EHLO": "451 later", "MAIL": "451 greylisted",
                 "RCPT": "450 4.2.0 greylisted", "DATA": "451 no room", "END": "452 4.3.1 full"}
        for verb, reply in cases.items():
            with self.subTest(verb), SmtpServer() as server:
                server.replies = {verb: reply}
                outcome, said = self.send(server)
                self.assertEqual("later", outcome, said)
                if verb != "EHLO":  # libcurl falls back to HELO
                    self.assertIn(reply, said)
        with SmtpServer() as server:
            server.replies = {"GREETING": "554 no mail here"}
            self.assertEqual("later", self.send(server)[0])

    def test_what_never_will_is_refused(self):
        for verb, reply in {"MAIL": "553 not you", "RCPT": "550 5.1.1 no such user",
                            "DATA": "554 no", "END": "552 5.3.4 spam"}.items():
            with self.subTest(verb), SmtpServer() as server:
                server.replies = {verb: reply}
                outcome, said = self.send(server)
                self.assertEqual("refused", outcome, said)
                self.assertIn(reply, said)

    def test_hang_ups(self):
        for verb in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "END"):
            with self.subTest(verb), SmtpServer() as server:
                server.hang_up = verb
                self.assertEqual("later", self.send(server)[0])
        with SmtpServer() as server:
            server.hang_up = "QUIT"  # it is ours to have sent by then
            self.assertEqual("sent", self.send(server)[0])
        with SmtpServer() as server:
            server.listener.shutdown(socket.SHUT_RDWR)
            server.listener.close()
            self.assertEqual("later", self.send(server)[0])

    def test_a_silent_server_is_left_when_time_is_over(self):
        with SmtpServer() as server:
            server.silent = "RCPT"
            began = time.monotonic()
            self.assertEqual("later", self.send(server, enough_ms=1500)[0])
            self.assertLess(time.monotonic() - began, 6)


class WholeServer(WithTls):
    """Registering sends a mail through outbox, job queue and SMTP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = Cluster()
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)

    def serve(self, smtp_url, **more):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        env = {**os.environ, "DATABASE_URL": self.cluster.dsn("SUPER"), "PORT": str(port),
               "BULKHEAD_SECRET": "0123456789abcdef0123456789abcdef",
               "BULKHEAD_DATA": f"{self.folder.name}/data", **more}
        if smtp_url:
            env |= {"SMTP_URL": smtp_url, "SMTP_STARTTLS": "false",
                    "SMTP_FROM": "no-reply@example.org"}
        self.port = port
        process = subprocess.Popen([BUILD / "bulkhead", "serve"], env=env,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        for _ in range(200):
            if process.poll() is not None:
                self.fail(process.stderr.read().decode())
            if self.get("/readyz")[0] == 200:
                return process
            time.sleep(0.05)
        self.fail("the server does not become ready")

    def get(self, path, headers=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}",
                                         headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as fault:
            with fault:
                return fault.code, fault.read().decode()
        except OSError:
            return 0, ""

    def register(self, name):
        body = {"name": name, "email": f"{name.lower()}@example.org",
                "password": "Correct-Horse-7-Battery", "organization": {"name": f"{name} & Co"}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/auth/register", json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.assertEqual(201, answer.status)

    def wait_for(self, question, seconds=15):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if question():
                return True
            time.sleep(0.05)
        return False

    def mail_row(self, name):
        return self.cluster.psql(
            "SUPER", "select status, attempts, sealed is null, coalesce(last_error, '') "
            f"from core.mails where to_address = '{name.lower()}@example.org'").stdout.strip()

    def test_a_greylisted_mail_comes_at_the_second_attempt(self):
        with SmtpServer() as smtp:
            smtp.replies, smtp.times = {"RCPT": "450 greylisted"}, 1
            self.serve(f"smtp://127.0.0.1:{smtp.port}")
            self.register("Grey")
            self.assertTrue(self.wait_for(lambda: smtp.letters))
            self.assertTrue(self.wait_for(lambda: self.mail_row("Grey") == "sent|2|t|"),
                            self.mail_row("Grey"))
            self.assertEqual(1, len(smtp.letters))
            # with a mail server there is no development mailbox
            self.assertEqual(404, self.get("/dev/mail/messages")[0])

    def test_a_refused_mail_is_not_tried_again(self):
        with SmtpServer() as smtp:
            smtp.replies = {"RCPT": "550 5.1.1 no such user"}
            self.serve(f"smtp://127.0.0.1:{smtp.port}")
            self.register("Gone")
            self.assertTrue(self.wait_for(lambda: self.mail_row("Gone").startswith("refused|1|t")),
                            self.mail_row("Gone"))
            self.assertIn("550 5.1.1 no such user", self.mail_row("Gone"))

    def test_a_stop_does_not_wait_for_a_silent_mail_server(self):
        with SmtpServer() as smtp:
            smtp.silent = "MAIL"
            process = self.serve(f"smtp://127.0.0.1:{smtp.port}")
            self.register("Silent")
            self.assertTrue(self.wait_for(lambda: any("MAIL" in line for line in smtp.heard)))
            began = time.monotonic()
            process.terminate()
            self.assertEqual(0, process.wait(20))
            self.assertLess(time.monotonic() - began, 8)
            # it was given back, not failed
            row = self.cluster.psql("SUPER", "select attempt, error is null from core.job_deferred "
                                    "where type = 'mail.send'").stdout.strip()
            self.assertEqual("1|t", row)

    def test_the_development_mailbox_is_for_this_machine_only(self):
        self.serve(None)
        self.register("Dev")
        host = f"127.0.0.1:{self.port}"
        self.assertTrue(self.wait_for(
            lambda: "dev@example.org" in self.get("/dev/mail/messages")[1]))
        listed = json.loads(self.get("/dev/mail/messages")[1])["items"]
        mail = next(item for item in listed if item["to"] == "dev@example.org")
        status, body = self.get(f"/dev/mail/messages/{mail['id']}")
        self.assertEqual(200, status)
        self.assertIn("http://" + host, json.loads(body)["text"])
        self.assertEqual({"id", "to", "from", "subject", "at", "text", "html"},
                         set(json.loads(body)))
        # by another name (a rebound one), or through somebody's proxy: nothing is there
        for headers in ({"Host": "evil.example"}, {"Host": "127.evil.example"},
                        {"Host": "127.0.0.1.evil.example"}, {"X-Forwarded-For": "203.0.113.7"},
                        {"Forwarded": "for=203.0.113.7"}):
            self.assertIn(self.get("/dev/mail/messages", headers)[0], (400, 404, 421), headers)
            self.assertIn(self.get(f"/dev/mail/messages/{mail['id']}", headers)[0],
                          (400, 404, 421), headers)
        eml = pathlib.Path(self.folder.name, "data", "mail", f"{mail['id']}.eml")
        self.assertEqual(0o600, eml.stat().st_mode & 0o777)
        self.assertIn(b"To: <dev@example.org>", eml.read_bytes())

    def test_no_mailbox_under_a_public_address(self):
        self.serve(None, PUBLIC_URL="https://app.example.org")
        self.register("Public")
        self.assertTrue(self.wait_for(lambda: self.mail_row("Public").startswith("sent")))
        self.assertEqual(404, self.get("/dev/mail/messages", {"Host": "app.example.org"})[0])
        self.assertEqual("0", self.cluster.psql(
            "SUPER", "select count(*) from core.dev_mails "
            "where to_address = 'public@example.org'").stdout.strip())


if __name__ == "__main__":
    unittest.main()
