#!/usr/bin/env python3
"""test_problems.py - the real server refuses malformed requests with a problem
document, a closed connection and its security headers. Run by
tools/with_server.py (BASE_URL)."""
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from malformed import MORE, TWENTY  # noqa: E402
from wire import Closed, Peer, get  # noqa: E402

PORT = int(os.environ["BASE_URL"].rsplit(":", 1)[1])


class Problems(unittest.TestCase):
    def check(self, name, data, statuses):
        with self.subTest(name), Peer(PORT) as peer:
            answer = peer.send(data).answer()
            self.assertIn(answer.status, statuses)
            self.assertEqual(answer["Connection"], "close")
            self.assertEqual(answer["Content-Type"], "application/problem+json")
            self.assertEqual(answer["X-Content-Type-Options"], "nosniff")
            self.assertEqual(answer["Cache-Control"], "no-store")
            problem = json.loads(answer.body)
            self.assertEqual(problem["status"], answer.status)
            self.assertEqual(problem["request_id"], answer["X-Request-Id"])
            self.assertTrue(problem["code"] and problem["detail"] and problem["title"])

    def test_the_twenty(self):
        for name, data in TWENTY:
            self.check(name, data, (400,))

    def test_their_neighbours(self):
        for name, data, statuses in MORE:
            self.check(name, data, statuses)

    def test_nothing_behind_is_served(self):
        with Peer(PORT) as peer:
            peer.send(TWENTY[3][1] + get(b"/livez"))
            self.assertEqual(peer.answer().status, 400)
            with self.assertRaises(Closed):
                peer.answer()


if __name__ == "__main__":
    unittest.main()
