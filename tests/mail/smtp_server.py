"""smtp_server.py - an SMTP server (RFC 5321) that can misbehave on command.

Speaks EHLO, STARTTLS (RFC 3207), AUTH PLAIN and LOGIN (RFC 4954), MAIL, RCPT,
DATA with dot-stuffing, RSET, NOOP, QUIT. `replies` overrides the answer to a
verb ("RCPT": "550 5.1.1 no such user"); "GREETING" and "END" (after the final
dot) are verbs, too. `hang_up` names the verb after which it just closes,
`silent` the one it never answers. `times` limits how often that is done, as
greylisting does."""
import base64
import socket
import ssl
import threading


class SmtpServer:
    def __init__(self, tls=None, implicit_tls=False, offer_starttls=True, user=None,
                 password=None):
        self.tls, self.implicit_tls = tls, implicit_tls
        self.offer_starttls = offer_starttls and tls is not None
        self.user, self.password = user, password
        self.replies, self.hang_up, self.silent, self.times = {}, None, None, None
        self.letters, self.heard, self.auth_in_clear = [], [], False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept
            self.listener.close()

    def accept(self):
        while not self.over.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        session = Session(self, client)
        try:
            if self.implicit_tls:
                session.client = self.tls.wrap_socket(client, server_side=True)
            session.run()
        except (OSError, EOFError, ssl.SSLError):
            pass
        finally:
            session.client.close()

    def misbehaves(self, kind, verb):
        """Is this the moment? Counts down `times`."""
        wanted = verb in self.replies if kind == "reply" else getattr(self, kind) == verb
        if not wanted or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Session:
    def __init__(self, server, client):
        self.server, self.client, self.buffer = server, client, b""
        self.secure = server.implicit_tls
        self.reset()

    def reset(self):
        self.sender, self.recipients = None, []

    def line(self):
        while b"\n" not in self.buffer:
            got = self.client.recv(65536)
            if not got:
                raise EOFError
            self.buffer += got
        line, _, self.buffer = self.buffer.partition(b"\n")
        assert line.endswith(b"\r"), f"a bare LF: {line!r}"
        return line[:-1]

    def say(self, verb, text):
        if self.server.misbehaves("hang_up", verb):
            raise EOFError
        if self.server.misbehaves("silent", verb):
            self.server.over.wait(60)
            raise EOFError
        if self.server.misbehaves("reply", verb):
            text = self.server.replies[verb]
        self.client.sendall(text.encode() + b"\r\n")
        return text[0] in "23"

    def run(self):
        if not self.say("GREETING", "220 test.example ESMTP"):
            return
        while True:
            line = self.line().decode("utf-8", "replace")
            self.server.heard.append(line)
            verb, _, rest = line.partition(" ")
            handler = getattr(self, "do_" + verb.lower(), None)
            if verb.upper() == "QUIT":
                self.say("QUIT", "221 bye")
                return
            if handler:
                handler(rest)
            else:
                self.say(verb, "502 5.5.1 unknown")

    def do_ehlo(self, _):
        lines = ["test.example", "8BITMIME", "SIZE 10000000"]
        if self.server.offer_starttls and not self.secure:
            lines.append("STARTTLS")
        if self.server.user:
            lines.append("AUTH PLAIN LOGIN")
        text = "\r\n".join(f"250{'-' if line != lines[-1] else ' '}{line}" for line in lines)
        self.say("EHLO", text)

    def do_starttls(self, _):
        if self.say("STARTTLS", "220 go on"):
            self.client = self.server.tls.wrap_socket(self.client, server_side=True)
            self.secure = True
            self.buffer = b""
            self.reset()

    def do_auth(self, rest):
        kind, _, first = rest.partition(" ")
        self.server.auth_in_clear |= not self.secure

        def ask(prompt):
            self.client.sendall(b"334 " + base64.b64encode(prompt) + b"\r\n")
            return base64.b64decode(self.line())
        if kind.upper() == "PLAIN":
            words = base64.b64decode(first) if first else ask(b"")
            _, user, password = words.split(b"\0")
        else:
            user, password = ask(b"Username:"), ask(b"Password:")
        good = (user.decode(), password.decode()) == (self.server.user, self.server.password)
        self.say("AUTH", "235 2.7.0 welcome" if good else "535 5.7.8 who are you")
        self.authenticated = good

    def do_mail(self, rest):
        self.sender = rest
        self.say("MAIL", "250 2.1.0 ok")

    def do_rcpt(self, rest):
        if self.say("RCPT", "250 2.1.5 ok"):
            self.recipients.append(rest)

    def do_data(self, _):
        if not self.say("DATA", "354 end with ."):
            return
        lines = []
        while True:
            line = self.line()
            if line == b".":
                break
            assert len(line) <= 998, "RFC 5321 4.5.3.1.6"
            lines.append(line[1:] if line.startswith(b".") else line)
        if self.say("END", "250 2.0.0 queued"):
            self.server.letters.append({"from": self.sender, "to": self.recipients,
                                        "secure": self.secure, "bytes": b"\r\n".join(lines)})
        self.reset()

    def do_rset(self, _):
        self.reset()
        self.say("RSET", "250 ok")

    def do_noop(self, _):
        self.say("NOOP", "250 ok")
