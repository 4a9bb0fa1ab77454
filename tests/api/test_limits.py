"""test_limits.py - against a server with the limits of the rules: over the limit every
route answers 429 with whole seconds, and the fields count down."""
import unittest

from client import Client
from test_routes import Case, path_of
import test_routes

WORLD = None


class Limits(Case):
    def test_fields_count_down(self):
        client = WORLD.theirs.client
        path = f"/api/v1/t/{WORLD.theirs.slug}/projects"
        left = []
        for _ in range(3):
            answer = client("GET", path)
            self.assertEqual(200, answer.status)
            self.assertEqual("120", answer.fields["X-RateLimit-Limit"])
            self.assertRegex(answer.fields["RateLimit-Policy"], r'^"api";q=120;w=60$')
            self.assertRegex(answer.fields["RateLimit"], r'^"api";r=\d+;t=\d+$')
            left.append(int(answer.fields["X-RateLimit-Remaining"]))
        self.assertEqual(left, sorted(left, reverse=True))
        self.assertLess(left[-1], left[0])

    def test_over_the_limit(self):
        client = WORLD.ours.client
        path = f"/api/v1/t/{WORLD.ours.slug}/projects"
        statuses = [client("GET", path).status for _ in range(130)]
        self.assertIn(429, statuses)
        for route in WORLD.routes:
            if route["permission"] == "(public)" or route["limit"] != "api":
                continue
            with self.subTest(route=route["path"], method=route["method"]):
                answer = self.call(client, route, path_of(route))
                self.problem(answer, 429, "too_many_requests")
                self.assertRegex(answer.fields["Retry-After"], r"^[1-9]\d*$")
        # another person from the same address goes on
        answer = WORLD.theirs.client("GET", f"/api/v1/t/{WORLD.theirs.slug}/projects")
        self.assertEqual(200, answer.status)

    def test_z_signing_in_by_guessing(self):
        """Last: afterwards this address cannot sign in for a while."""
        client = Client(WORLD.url)
        statuses = []
        for i in range(7):
            answer = client("POST", "/api/v1/auth/login",
                            {"email": f"nobody{i}@example.org", "password": "Wrong Horse 42!"})
            statuses.append(answer.status)
        self.assertEqual([401] * 5, statuses[:5])
        self.assertEqual([429] * 2, statuses[5:])
        self.problem(answer, 429)


def make_tests():
    test_routes.WORLD = WORLD
    return unittest.defaultTestLoader.loadTestsFromTestCase(Limits)
