#!/usr/bin/env python3
"""test_wire.py - the HTTP engine as a peer on the wire sees it: malformed
requests, framing, limits, slow and leaving peers, queues, streams, deferral,
hand-over. Starts tests/programs/wire_server.c (WIRE_SERVER names another
build of it, with a sanitizer for instance; WIRE_IDLE_BYTES what an idle
connection may cost there)."""
import concurrent.futures
import os
import pathlib
import random
import socket
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from malformed import MORE, TWENTY  # noqa: E402
from wire import (HOST, Closed, Peer, Server, counts, get, post, request,  # noqa: E402
                  wait_for)

CHUNKED = b"POST %s HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"


class WireTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.port = cls.server.port

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        assert code == 0, f"the server ended with {code}, see /tmp/wire_server.log"

    def peer(self, **options):
        peer = Peer(self.port, **options)
        self.addCleanup(peer.socket.close)
        return peer

    def ask(self, data, **options):
        return request(self.port, data, **options)

    def refused(self, name, data, statuses):
        with self.subTest(name), Peer(self.port) as peer:
            answer = peer.send(data + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n").answer()
            self.assertIn(answer.status, statuses)
            self.assertEqual(answer["Connection"], "close")
            self.assertEqual(peer.rest(), b"", "an answer to what came behind")


class Malformed(WireTest):
    def test_all_twenty_are_refused(self):
        self.assertEqual(len(TWENTY), 20)
        for name, data in TWENTY:
            self.refused(name, data, (400,))

    def test_their_neighbours_are_refused(self):
        self.assertGreater(len(MORE), 100)
        for name, data, statuses in MORE:
            self.refused(name, data, statuses)

    def test_no_malformed_head_waits_for_its_end(self):
        """What is wrong in a line is said when the line is there."""
        for data in (b"\x16\x03\x01", b"GET /\r\n", b"GET / HTTP/1.1\r\nHost : a\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\nX: y\rz"):
            with self.subTest(data), Peer(self.port) as peer:
                self.assertEqual(peer.send(data).answer().status, 400)

    def test_refusals_count(self):
        before = counts(self.port)["refused"]
        self.ask(b"GET / HTTP/9.9\r\n\r\n")
        self.assertEqual(counts(self.port)["refused"], before + 1)


class Requests(WireTest):
    def test_plain(self):
        answer = self.ask(get(b"/hello"))
        self.assertEqual((answer.status, answer.body), (200, b"hello\n"))
        self.assertEqual(answer["Content-Length"], "6")
        self.assertRegex(answer["Date"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
        self.assertIsNone(answer["Connection"])

    def test_head_has_a_length_and_no_body(self):
        peer = self.peer()
        answer = peer.send(get(b"/hello", method=b"HEAD")).answer(head_only=True)
        self.assertEqual(answer["Content-Length"], "6")
        for path in (b"/file", b"/stream"):
            self.assertEqual(peer.send(get(path, method=b"HEAD")).answer(True).status, 200)
        self.assertEqual(peer.send(get(b"/hello")).answer().body, b"hello\n")

    def test_204_has_no_length(self):
        answer = self.ask(get(b"/empty"))
        self.assertEqual((answer.status, answer["Content-Length"]), (204, None))

    def test_fields_arrive(self):
        body = self.ask(get(b"/show?a=1", b"X-Empty:\r\nX-Pad: \t v \xc3\xa4\t \r\n",
                            method=b"PURGE")).body
        for part in (b"method=PURGE", b"path=/show", b"query=a=1", b"host=a", b"peer=127.0.0.1",
                     b"[X-Empty]=[]", b"[X-Pad]=[v \xc3\xa4]"):
            self.assertIn(part, body)

    def test_target_forms(self):
        show = b"GET http://a/show?x HTTP/1.1\r\n" + HOST + b"\r\n"
        self.assertIn(b"path=/show\nquery=x\nhost=a\n", self.ask(show).body)
        self.assertEqual(self.ask(get(b"*", method=b"OPTIONS")).status, 404)
        self.assertEqual(self.ask(b"GET http://a HTTP/1.1\r\n" + HOST + b"\r\n").status, 404)

    def test_keep_alive(self):
        peer = self.peer()
        for _ in range(50):
            self.assertEqual(peer.send(get(b"/hello")).answer().status, 200)
        answer = peer.send(get(b"/hello", b"Connection: close\r\n")).answer()
        self.assertEqual(answer["Connection"], "close")
        self.assertTrue(peer.is_closed())

    def test_http_10(self):
        with Peer(self.port) as peer:
            answer = peer.send(b"GET /hello HTTP/1.0\r\n\r\n").answer()
            self.assertEqual((answer.status, answer["Connection"]), (200, "close"))
            self.assertTrue(peer.is_closed())
        with Peer(self.port) as peer:
            for _ in range(2):
                answer = peer.send(get(b"/hello", b"Connection: keep-alive\r\n", b"1.0")).answer()
                self.assertEqual(answer["Connection"], "keep-alive")
            answer = peer.send(get(b"/stream?n=3", b"Connection: keep-alive\r\n", b"1.0")).answer()
            self.assertIsNone(answer["Transfer-Encoding"])
            self.assertEqual(answer.body, b"s" * 30)

    def test_handler_closes(self):
        peer = self.peer().send(get(b"/close"))
        self.assertEqual(peer.answer()["Connection"], "close")
        self.assertTrue(peer.is_closed())

    def test_pipelined_requests_are_answered_in_order(self):
        peer = self.peer().send(b"".join(
            get(b"/nap?ms=%d" % ms) + post(b"/echo", b"%d" % ms) for ms in (60, 1, 30)))
        for ms in (60, 1, 30):
            self.assertEqual(peer.answer().body, b"slept\n")
            self.assertEqual(peer.answer().body, b"%d" % ms)

    def test_many_pipelined_requests(self):
        one = get(b"/hello") + CHUNKED % b"/echo" + b"3\r\nabc\r\n0\r\n\r\n"
        peer = self.peer().send(one * 500)
        for _ in range(500):
            self.assertEqual(peer.answer().body, b"hello\n")
            self.assertEqual(peer.answer().body, b"abc")

    def test_every_cut_of_a_request(self):
        data = post(b"/echo", b"0123456789") + CHUNKED % b"/echo" + b"4;x\r\nabcd\r\n0\r\n\r\n"
        for cut in range(1, len(data)):
            with Peer(self.port) as peer:
                peer.send(data[:cut])
                time.sleep(0.001)
                peer.send(data[cut:])
                self.assertEqual(peer.answer().body, b"0123456789")
                self.assertEqual(peer.answer().body, b"abcd")

    def test_byte_by_byte(self):
        peer = self.peer()
        for byte in post(b"/echo", b"slow"):
            peer.send(bytes([byte]))
            time.sleep(0.001)
        self.assertEqual(peer.answer().body, b"slow")

    def test_half_closed_peer_gets_its_answer(self):
        peer = self.peer().send(get(b"/nap?ms=50"))
        peer.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(peer.answer().status, 200)
        self.assertTrue(peer.is_closed())

    def test_an_empty_line_before_the_request(self):
        self.assertEqual(self.ask(b"\r\n" + get(b"/hello")).status, 200)

    def test_large_answers(self):
        for n in (0, 1, 65536, 5_000_000):
            body = self.ask(get(b"/large?n=%d" % n)).body
            self.assertEqual(len(body), n)
            self.assertEqual(body, (b"abcdefghijklmnopqrstuvwxyz" * (n // 26 + 1))[:n])

    def test_files(self):
        block = bytes(i * 7 % 256 for i in range(65536))
        peer = self.peer()
        self.assertEqual(peer.send(get(b"/file")).answer().body, block * 64)
        self.assertEqual(peer.send(get(b"/file?at=65530&n=12")).answer().body,
                         block[-6:] + block[:6])
        # a promise that cannot be kept ends the connection, not the framing
        peer.send(get(b"/file?at=4194300&n=100"))
        with self.assertRaises(Closed):
            peer.answer()

    def test_forwarded_addresses(self):
        show = get(b"/show", b"X-Forwarded-For: 8.8.8.8, 9.9.9.9, 10.1.2.3\r\n")
        self.assertIn(b"peer=127.0.0.1\nproxy=0", self.ask(show).body)
        self.assertIn(b"peer=9.9.9.9\nproxy=1", self.ask(show, source="127.0.0.2").body)
        for value, peer in ((b"1.1.1.1", b"1.1.1.1"), (b"", b"127.0.0.2"),
                            (b"1.1.1.1, nonsense", b"127.0.0.2"), (b"10.0.0.1", b"10.0.0.1"),
                            (b"2001:db8::1, fd00::7", b"2001:db8::1"),
                            (b"evil, 10.0.0.9", b"10.0.0.9"), (b"1.2.3.4:80", b"127.0.0.2"),
                            (b"5.5.5.5\r\nX-Forwarded-For: 10.0.0.1", b"5.5.5.5")):
            body = self.ask(get(b"/show", b"X-Forwarded-For: " + value + b"\r\n"),
                            source="127.0.0.2").body
            self.assertIn(b"peer=" + peer + b"\n", body)


class Bodies(WireTest):
    def test_echo(self):
        peer = self.peer()
        for n in (0, 1, 100, 65536, 1048576):
            body = bytes(i % 251 for i in range(n))
            self.assertEqual(peer.send(post(b"/echo", body)).answer().body, body)

    def test_chunked(self):
        body = b"".join(b"%x\r\n%s\r\n" % (n, b"c" * n) for n in (1, 10, 70000, 3))
        answer = self.ask(CHUNKED % b"/echo" + body + b"0;last\r\nX-Sum: 1\r\n\r\n")
        self.assertEqual(answer.body, b"c" * 70014)

    def test_too_large(self):
        with Peer(self.port) as peer:
            answer = peer.send(post(b"/small", b"01234567890")).answer()
            self.assertEqual((answer.status, answer["Connection"]), (413, "close"))
            self.assertEqual(peer.rest(), b"")
        answer = self.ask(CHUNKED % b"/small" + b"6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n")
        self.assertEqual(answer.status, 413)
        self.assertEqual(self.ask(post(b"/small", b"0123456789")).status, 200)
        # refused by its announcement, without waiting for a byte
        self.assertEqual(self.ask(b"POST /echo HTTP/1.1\r\n" + HOST
                                  + b"Content-Length: 9223372036854775807\r\n\r\n").status, 413)

    def test_answer_to_a_large_refused_body_arrives(self):
        """No reset may overtake it, although the peer is still sending."""
        for _ in range(5):
            with Peer(self.port) as peer:
                head = b"POST /small HTTP/1.1\r\n" + HOST + b"Content-Length: 3000000\r\n\r\n"
                peer.send(head + b"x" * 3000000)
                self.assertEqual(peer.answer().status, 413)

    def test_spool(self):
        body = bytes(i % 253 for i in range(3_000_000))
        peer = self.peer()
        answer = peer.send(post(b"/upload", body)).answer()
        self.assertEqual((answer["X-Spooled"], answer.body == body), ("1", True))
        chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part)
                           for part in (body[:100000], body[100000:100001], body[100001:]))
        answer = peer.send(CHUNKED % b"/upload" + chunked + b"0\r\n\r\n").answer()
        self.assertEqual((answer["X-Spooled"], answer.body == body), ("1", True))
        self.assertIsNone(peer.send(post(b"/upload", body[:65536])).answer()["X-Spooled"])
        answer = peer.send(CHUNKED % b"/upload" + b"800001\r\n" + b"x" * 0x800001).answer()
        self.assertEqual(answer.status, 413)

    def test_100_continue(self):
        head = b"POST /echo HTTP/1.1\r\n" + HOST + b"Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
        peer = self.peer().send(head)
        self.assertEqual(peer.until(b"\r\n\r\n"), b"HTTP/1.1 100 Continue")
        self.assertEqual(peer.send(b"hello").answer().body, b"hello")
        # the body is already there: no interim answer is needed
        answer = peer.send(head + b"hello").answer()
        self.assertEqual((answer.body, answer.interim), (b"hello", 0))
        # a final answer instead of the invitation
        large = head.replace(b": 5", b": 5000000")
        self.assertEqual(self.ask(large).status, 413)
        refused = self.ask(head.replace(b"/echo", b"/refused"))
        self.assertEqual((refused.status, refused["Connection"]), (401, "close"))
        # HTTP/1.0 knows no interim answers
        answer = self.ask(head.replace(b"1.1", b"1.0") + b"hello")
        self.assertEqual((answer.body, answer.interim), (b"hello", 0))

    def test_refused_by_admit(self):
        peer = self.peer()
        for body in (b"", b"x" * 1000, b"y" * 200000):
            self.assertEqual(peer.send(post(b"/refused", body)).answer().status, 401)
        self.assertEqual(peer.send(get(b"/hello")).answer().status, 200)
        answer = peer.send(post(b"/refused", b"z" * 300000)).answer()
        self.assertEqual((answer.status, answer["Connection"]), (401, "close"))

    def test_get_with_a_body_does_not_desync(self):
        peer = self.peer().send(b"GET /hello HTTP/1.1\r\n" + HOST + b"Content-Length: 40\r\n\r\n"
                                + get(b"/smuggled")[:40].ljust(40, b"x") + get(b"/echo"))
        self.assertEqual(peer.answer().status, 200)
        self.assertEqual((peer.answer().status, peer.is_closed(0.2)), (200, False))

    def test_early_close(self):
        before = counts(self.port)["connections"]
        for data in (b"", b"G", b"GET /hello HTTP/1.1\r\nHo", CHUNKED % b"/echo" + b"5\r\nhe",
                     b"POST /upload HTTP/1.1\r\n" + HOST + b"Content-Length: 500000\r\n\r\n"
                     + b"u" * 100000, get(b"/hello"), get(b"/nap?ms=30"), get(b"/large?n=5000000"),
                     get(b"/file"), get(b"/stream?n=100&size=100000")):
            Peer(self.port).send(data).socket.close()
        self.assertTrue(wait_for(lambda: counts(self.port)["connections"] <= before))
        self.assertTrue(wait_for(lambda: counts(self.port)["running"] == 0))
        self.assertEqual(self.ask(get(b"/hello")).status, 200)


class Time(WireTest):
    """Deadlines; they run side by side, since each takes its ten seconds."""

    def slow_head(self):
        peer, started = self.peer(timeout=20).send(b"GET / HTTP/1.1\r\n"), time.monotonic()
        try:
            for _ in range(40):  # a byte now and then does not help
                peer.send(b"X")
                peer.socket.settimeout(0.4)
                try:
                    peer.more()
                    break
                except TimeoutError:
                    pass
        except OSError:
            pass
        peer.socket.settimeout(5)
        return peer.answer().status, time.monotonic() - started

    def slow_body(self):
        peer, started = self.peer(timeout=20), time.monotonic()
        peer.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n")
        while time.monotonic() - started < 15:
            peer.send(b"x" * 20)
            peer.socket.settimeout(0.3)
            try:
                peer.more()
                break
            except TimeoutError:
                pass
        peer.socket.settimeout(5)
        return peer.answer().status, time.monotonic() - started

    def steady_body(self):
        """2 kB/s is enough, however long it takes."""
        peer, started = self.peer(timeout=20), time.monotonic()
        peer.send(b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 26000\r\n\r\n")
        for _ in range(26):
            peer.send(b"x" * 1000)
            time.sleep(0.5)
        return peer.answer().status, time.monotonic() - started

    def silent(self):
        peer, started = self.peer(timeout=20), time.monotonic()
        closed = peer.is_closed(15)
        return 0 if closed else 1, time.monotonic() - started

    def deaf(self):
        """Takes no byte of a large answer; others are served meanwhile."""
        peer = self.peer(timeout=20).send(get(b"/large?n=50000000"))
        time.sleep(1)
        statuses = {self.ask(get(b"/hello")).status for _ in range(20)}
        peer.socket.close()
        return statuses, 0

    def test_deadlines(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            head, body, steady, silent, deaf = [
                pool.submit(job) for job in (self.slow_head, self.slow_body, self.steady_body,
                                             self.silent, self.deaf)]
            status, seconds = head.result()
            self.assertEqual(status, 408)
            self.assertTrue(9 < seconds < 13, seconds)
            status, seconds = body.result()
            self.assertEqual(status, 408)
            self.assertTrue(9 < seconds < 14, seconds)
            self.assertEqual(steady.result()[0], 200)
            status, seconds = silent.result()
            self.assertEqual(status, 0)
            self.assertTrue(9 < seconds < 13, seconds)
            self.assertEqual(deaf.result()[0], {200})


class Lanes(WireTest):
    def test_full_queue_is_503_with_retry_after(self):
        """The slow lane has one worker and room for two."""
        peers = []
        for place in range(3):
            peers.append(self.peer().send(get(b"/slow?ms=400")))
            self.assertTrue(wait_for(
                lambda n=place: counts(self.port)["slow_queued"] == max(0, n)))
        late = self.peer().send(get(b"/slow?ms=1"))
        answer = late.answer()
        self.assertEqual((answer.status, answer["Retry-After"]), (503, "1"))
        self.assertIsNone(answer["Connection"])
        self.assertEqual(self.ask(get(b"/hello")).status, 200)  # other lanes go on
        for peer in peers:
            self.assertEqual(peer.answer().status, 200)
        self.assertEqual(late.send(get(b"/slow?ms=1")).answer().status, 200)

    def test_many_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            jobs = [pool.submit(self.ask, get(b"/nap?ms=5")) for _ in range(300)]
            self.assertEqual({job.result().status for job in jobs}, {200})


class Streams(WireTest):
    def test_chunks(self):
        peer = self.peer()
        answer = peer.send(get(b"/stream?n=5&size=7")).answer()
        self.assertEqual((answer["Transfer-Encoding"], answer.body), ("chunked", b"s" * 35))
        self.assertEqual(peer.send(get(b"/hello")).answer().status, 200)

    def test_pieces_come_when_they_are_written(self):
        peer, started = self.peer().send(get(b"/stream?n=3&size=4&ms=300")), time.monotonic()
        peer.until(b"\r\n\r\n")
        peer.until(b"ssss")
        self.assertLess(time.monotonic() - started, 0.25)

    def test_back_pressure(self):
        """A reader that is slow gets everything; the server holds little."""
        before = self.server.rss_kib()
        peer = self.peer(timeout=20).send(get(b"/stream?n=400&size=100000"))
        time.sleep(0.5)
        self.assertLess(self.server.rss_kib() - before, 20000)
        self.assertEqual(len(peer.answer().body), 40_000_000)

    def test_leaving_peer_ends_the_stream(self):
        before = counts(self.port)["aborts"]
        peer = self.peer().send(get(b"/stream?n=1000&size=100&ms=10"))
        peer.until(b"ssss")
        peer.socket.close()
        self.assertTrue(wait_for(lambda: counts(self.port)["aborts"] == before + 1))

    def test_aborted_stream_is_seen_to_be_incomplete(self):
        peer = self.peer().send(get(b"/stream?n=2&abort=1"))
        with self.assertRaises(Closed):
            peer.answer()


class Later(WireTest):
    def test_deferred(self):
        peer = self.peer()
        for ms in (0, 0, 30):
            self.assertEqual(peer.send(get(b"/defer?ms=%d" % ms)).answer().body, b"later\n")
        peer.send(get(b"/defer?ms=30") + get(b"/hello"))
        self.assertEqual(peer.answer().body, b"later\n")
        self.assertEqual(peer.answer().body, b"hello\n")

    def test_handler_outlives_the_answer(self):
        peer = self.peer()
        for _ in range(5):
            self.assertEqual(peer.send(get(b"/defer?ms=0&hold=20")).answer().body, b"later\n")
        gone = [Peer(self.port).send(get(b"/defer?ms=0&hold=20")).socket.close() for _ in range(5)]
        self.assertEqual(len(gone), 5)

    def test_many_deferred(self):
        peers = [self.peer().send(get(b"/defer?ms=300")) for _ in range(100)]
        self.assertEqual({peer.answer().body for peer in peers}, {b"later\n"})

    def test_abort_is_told(self):
        before = counts(self.port)["aborts"]
        peers = [self.peer().send(get(b"/defer?ms=20000")) for _ in range(10)]
        self.assertTrue(wait_for(lambda: counts(self.port)["running"] == 10))
        for peer in peers:
            peer.socket.close()
        self.assertTrue(wait_for(lambda: counts(self.port)["aborts"] == before + 10))
        self.assertTrue(wait_for(lambda: counts(self.port)["running"] == 0))

    def test_abort_before_the_deferral(self):
        before = counts(self.port)["aborts"]
        for _ in range(50):
            Peer(self.port).send(get(b"/defer?ms=20000")).socket.close()
        self.assertTrue(wait_for(lambda: counts(self.port)["aborts"] == before + 50))
        self.assertTrue(wait_for(lambda: counts(self.port)["running"] == 0))

    def test_hand_over(self):
        peer = self.peer().send(get(b"/shout", b"Upgrade: shout\r\nConnection: Upgrade\r\n")
                                + b"early")
        self.assertEqual(peer.answer().status, 101)
        self.assertEqual(peer.take(5), b"EARLY")
        self.assertEqual(peer.send(b"late").take(4), b"LATE")

    def test_hand_over_of_many(self):
        for _ in range(100):
            with Peer(self.port) as peer:
                self.assertEqual(peer.send(get(b"/shout")).answer().status, 101)
                self.assertEqual(peer.send(b"x").take(1), b"X")


class Chaos(WireTest):
    """Many peers that pipeline, cut, wait, leave and reset at random."""
    CASES = [(get(b"/hello"), b"hello\n"), (post(b"/echo", b"abc"), b"abc"),
             (CHUNKED % b"/echo" + b"3\r\nxyz\r\n0\r\n\r\n", b"xyz"),
             (post(b"/upload", b"u" * 70000), b"u" * 70000), (get(b"/nap?ms=2"), b"slept\n"),
             (get(b"/stream?n=3&size=50"), b"s" * 150), (get(b"/defer?ms=10"), b"later\n"),
             (get(b"/defer?ms=0&hold=2"), b"later\n"), (post(b"/refused", b"r" * 500), b"who are you?\n"),
             (get(b"/file?at=0&n=3"), b"\x00\x07\x0e"), (get(b"/large?n=300000"), None),
             (get(b"/none"), b"no such path\n")]

    def one_connection(self, dice):
        cases = [dice.choice(self.CASES) for _ in range(dice.randrange(1, 8))]
        data = b"".join(case[0] for case in cases)
        leaves = dice.random() < 0.4
        if leaves:
            data = data[:dice.randrange(len(data))]
        with Peer(self.port, timeout=15) as peer:
            while data:
                cut = dice.randrange(1, len(data) + 1)
                peer.send(data[:cut])
                data = data[cut:]
                if dice.random() < 0.3:
                    time.sleep(dice.random() * 0.003)
            if leaves and dice.random() < 0.5:
                peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            if not leaves:
                for _, body in cases:
                    found = peer.answer()
                    if body is not None and found.status != 503:
                        assert found.body == body, (found.status, found.body[:40], body[:40])
        return len(cases)

    def worker(self, seed, until):
        dice, done = random.Random(seed), 0
        while time.monotonic() < until:
            try:
                done += self.one_connection(dice)
            except (BrokenPipeError, ConnectionResetError):
                pass  # sent on after a refusal that closes
        return done

    def test_chaos(self):
        until = time.monotonic() + float(os.environ.get("WIRE_CHAOS_SECONDS", "3"))
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            jobs = [pool.submit(self.worker, seed, until) for seed in range(16)]
            self.assertGreater(sum(job.result() for job in jobs), 100)
        self.assertTrue(wait_for(lambda: counts(self.port)["running"] == 0))
        self.assertTrue(wait_for(lambda: counts(self.port)["connections"] == 1))
        self.assertEqual(counts(self.port)["busy"], 1)


class Overload(unittest.TestCase):
    def test_more_connections_than_allowed(self):
        server = Server(max_connections=20)
        peers = [Peer(server.port) for _ in range(20)]
        try:
            for peer in peers:
                self.assertEqual(peer.send(get(b"/hello")).answer().status, 200)
            with Peer(server.port) as late:
                answer = late.answer()
                self.assertEqual((answer.status, answer["Connection"]), (503, "close"))
                self.assertIsNotNone(answer["Retry-After"])
            for peer in peers:
                peer.socket.close()
            self.assertTrue(wait_for(lambda: self.is_served(server.port)))
        finally:
            self.assertEqual(server.stop(), 0)

    def test_no_descriptors_left(self):
        """Whoever is too many gets an answer, the server goes on."""
        server = Server(max_files=60)
        peers = [Peer(server.port) for _ in range(100)]
        try:
            statuses = []
            for peer in peers:
                try:
                    statuses.append(peer.send(get(b"/hello")).answer().status)
                except (Closed, BrokenPipeError):
                    statuses.append(0)
            self.assertGreater(statuses.count(200), 30)
            self.assertGreater(statuses.count(503), 30)
            self.assertEqual(statuses.count(0), 0)
            cpu = self.cpu_ticks(server)
            time.sleep(0.5)
            self.assertLess(self.cpu_ticks(server) - cpu, 10, "it spins")
            for peer in peers:
                peer.socket.close()
            self.assertTrue(wait_for(lambda: self.is_served(server.port)))
        finally:
            self.assertEqual(server.stop(), 0)

    @staticmethod
    def cpu_ticks(server):
        fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().split()
        return int(fields[13]) + int(fields[14])

    def test_no_spool_folder(self):
        server = Server(spool="/nonexistent")
        try:
            answer = request(server.port, post(b"/upload", b"x" * 100000))
            self.assertEqual((answer.status, answer["Connection"]), (503, "close"))
            self.assertEqual(request(server.port, post(b"/upload", b"x" * 100)).status, 200)
        finally:
            self.assertEqual(server.stop(), 0)

    @staticmethod
    def is_served(port):
        try:
            return request(port, get(b"/hello")).status == 200
        except Closed:
            return False

    @staticmethod
    def idle_peers(port, count):
        peers = [Peer(port) for _ in range(count)]
        for peer in peers:
            peer.send(get(b"/hello"))
        for peer in peers:
            assert peer.answer().status == 200
        time.sleep(2.5)
        return peers

    def test_idle_connections_are_cheap(self):
        server = Server(max_connections=20000)
        try:
            peers = self.idle_peers(server.port, 1000)  # what grows once is not counted
            before = server.rss_kib()
            peers += self.idle_peers(server.port, 3000)
            each = (server.rss_kib() - before) * 1024 / 3000
            print(f"an idle connection: {each:.0f} bytes", file=sys.stderr)
            for peer in peers:
                peer.socket.close()
            # a sanitizer's build needs more
            self.assertLess(each, int(os.environ.get("WIRE_IDLE_BYTES", "1024")))
        finally:
            self.assertEqual(server.stop(), 0)


class Stop(unittest.TestCase):
    def test_running_requests_finish_and_idle_ones_close(self):
        server = Server()
        idle, busy, late = (Peer(server.port) for _ in range(3))
        idle.send(get(b"/hello")).answer()
        busy.send(get(b"/nap?ms=600"))
        late.send(get(b"/defer?ms=600"))
        time.sleep(0.2)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(server.stop)
            self.assertTrue(idle.is_closed())
            for peer in (busy, late):
                answer = peer.answer()
                self.assertEqual((answer.status, answer["Connection"]), (200, "close"))
            with self.assertRaises(OSError):
                Peer(server.port)
            self.assertEqual(stopping.result(), 0)
        for peer in (idle, busy, late):
            peer.socket.close()

    def test_the_deadline_ends_what_lasts(self):
        server = Server()
        peers = [Peer(server.port).send(data) for data in
                 (get(b"/stream?n=1000&ms=10"), get(b"/defer?ms=20000"), b"GET / HT",
                  get(b"/large?n=50000000"))]
        time.sleep(0.2)
        started = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - started, 5)
        for peer in peers:
            peer.socket.close()


if __name__ == "__main__":
    unittest.main()
