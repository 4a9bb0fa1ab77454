"""test_routes.py - what every route owes, generated from the route table: nothing here
names a route. A new one is tested by being there."""
import http.client
import json
import re
import unittest
import uuid

from client import Client
from world import words

WORLD = None  # run.py sets it before the tests are made
REQUEST_ID = {"X-Request-Id": "the-same-for-both"}
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SECURITY = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options",
            "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
            "X-Request-Id", "Cache-Control")
WRONG = {"text": 7, "email": 7, "secret": 7, "slug": 7, "int": "seven", "money": "7",
         "number": "7", "bool": "yes", "uuid": 7, "time": 7, "date": 7, "enum": 7, "json": None,
         "map": 7, "shape": 7, "list": "x"}


def name_of(route):
    return re.sub(r"\W+", "_", f"{route['method']}_{route['path']}").strip("_")


def is_open(route):
    return route["permission"] == "(public)"


def is_strict(route):
    return not (route["raw_body"] or route["raw_query"] or route["no_session_token"])


class Case(unittest.TestCase):
    maxDiff = 2000

    def problem(self, answer, status, code=None):
        self.assertEqual(status, answer.status, answer)
        self.assertEqual("application/problem+json", answer.type, answer)
        body = answer.json()
        self.assertEqual(status, body["status"])
        for name in ("type", "title", "code", "detail", "request_id"):
            self.assertTrue(body[name], name)
        self.assertRegex(body["code"], r"^[a-z0-9_]+$")
        self.assertNotRegex(answer.body.decode(), r"(?i)select |\.c:\d|/src/|relation \"")
        if code:
            self.assertEqual(code, body["code"])
        self.assertEqual(body["request_id"], answer.fields["X-Request-Id"])
        for name in SECURITY:
            self.assertIn(name, answer.fields)
        return body

    @staticmethod
    def body_for(route):
        """A body that passes the shape, as far as its fields alone say."""
        if not route["input"]:
            return None if route["method"] in ("GET", "DELETE") else {}
        examples = WORLD.document["components"]["schemas"]
        operation = WORLD.schemas.operation(route["method"], route["path"])
        ref = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        return examples[ref.rsplit("/", 1)[1]]["examples"][0]

    def call(self, client, route, path, **kw):
        return client(route["method"], path, self.body_for(route), **kw)


def path_of(route):
    """A path of the route with ids of our own where we have them."""
    return WORLD.ours.fill(route["path"]) or WORLD.ours.fill(route["path"], fresh=True)


# ---- one function a rule: rule(case, route); applies(route) ----

def no_session(case, route):
    answer = case.call(Client(WORLD.url), route, path_of(route))
    case.problem(answer, 401)
    case.assertIn("WWW-Authenticate", answer.fields)
    for token in ("nonsense", "eyJhbGciOiJub25lIn0.e30.", "bh_live_" + "a" * 43):
        case.problem(case.call(Client(WORLD.url, token), route, path_of(route)), 401)


def wrong_tenant(case, route):
    ours, theirs = WORLD.ours, WORLD.theirs
    same = []
    for tenant in (theirs.slug, theirs.tenant_id, "nobody-" + uuid.uuid4().hex[:8],
                   str(uuid.uuid4())):
        path = (ours.fill(route["path"]) or ours.fill(route["path"], fresh=True)).replace(
            ours.slug, tenant, 1)
        answer = case.call(ours.client, route, path, fields=REQUEST_ID)
        case.problem(answer, 404, "not_found")
        same.append(answer.body)
    case.assertEqual(1, len(set(same)), same)


def no_permission(case, route):
    if route["permission"] in ("role.read",):
        return
    key = Client(WORLD.url, WORLD.ours.narrow_key)
    case.problem(case.call(key, route, path_of(route)), 403)


def key_of_other_tenant(case, route):
    key = Client(WORLD.url, WORLD.theirs.narrow_key)
    there = case.call(key, route, path_of(route), fields=REQUEST_ID)
    nowhere = case.call(key, route, path_of(route).replace(WORLD.ours.slug, "no-such-place", 1),
                        fields=REQUEST_ID)
    case.problem(there, 403, "other_tenant")
    case.assertEqual(there.body, nowhere.body)


def ids_of_others(case, route):
    """Byte for byte what an id that nobody has answers."""
    theirs = WORLD.ours.fill(route["path"], others=WORLD.theirs)
    case.assertIsNotNone(theirs, "world.py does not make this thing")
    fresh = WORLD.ours.fill(route["path"], fresh=True)
    one = case.call(WORLD.ours.client, route, theirs, fields=REQUEST_ID)
    other = case.call(WORLD.ours.client, route, fresh, fields=REQUEST_ID)
    case.problem(one, 404)
    case.assertEqual(other.status, one.status)
    case.assertEqual(other.body, one.body)
    if len(words(route["path"])) > 1:  # our project, their key
        mixed = WORLD.ours.fill(route["path"]).split("/")
        for i, part in enumerate(theirs.split("/")):
            if part in WORLD.theirs.ids.values() and i == len(mixed) - 1:
                mixed[i] = part
        case.problem(case.call(WORLD.ours.client, route, "/".join(mixed)), 404)


def ids_that_are_none(case, route):
    path = WORLD.ours.fill(route["path"], fresh=True)
    for bad in ("1", "%27%20or%201=1--", "..%2f..", "%00", "%ff", "x" * 300):
        answer = case.call(WORLD.ours.client, route, path.rsplit("/", 1)[0] + "/" + bad
                           if path.endswith(route["path"][-1]) else path)
        case.assertIn(answer.status, (400, 404), answer)


def wrong_types(case, route):
    body = {field["name"]: WRONG[field["type"]] for field in route["input"]
            if field["type"] != "json"}
    answer = signed_in(route)(route["method"], path_of(route), body)
    told = {error["field"]: error["code"] for error in case.problem(answer, 422)["errors"]}
    for name in body:
        case.assertIn("/" + name, told)
    for body in ({field["name"]: None for field in route["input"] if not field["nullable"]},
                 {field["name"]: {"$ne": 1} for field in route["input"]
                  if field["type"] not in ("json", "map", "shape")},
                 {field["name"]: ["a"] for field in route["input"]
                  if field["type"] not in ("json", "list")}):
        if body:
            case.problem(signed_in(route)(route["method"], path_of(route), body), 422)


def missing_fields(case, route):
    needed = ["/" + field["name"] for field in route["input"] if field["required"]]
    if not needed:
        return
    body = case.problem(signed_in(route)(route["method"], path_of(route), {}), 422)
    case.assertEqual(needed, [e["field"] for e in body["errors"] if e["code"] == "required"])


def bad_bodies(case, route):
    client, path = signed_in(route), path_of(route)
    valid = json.dumps(case.body_for(route))
    for text in ("{", "[1,]", "{\"a\":01}", "\xff", "nul", valid + "x", "[" * 100,
                 "{\"a\":\"\ud800\"}".encode("utf-8", "surrogatepass")):
        body = text if isinstance(text, bytes) else text.encode("latin-1")
        case.problem(client(route["method"], path, body), 400)
    case.problem(client(route["method"], path, b""), 400)
    for text in ("[]", "7", "null", "\"x\""):
        case.problem(client(route["method"], path, text), 422)
    unknown = case.body_for(route) | {"no_such_field": 1}
    errors = case.problem(client(route["method"], path, unknown), 422)["errors"]
    case.assertIn({"field": "/no_such_field", "code": "unknown_field"},
                  [{k: e[k] for k in ("field", "code")} for e in errors])
    first = route["input"][0]["name"]
    twice = "{" + ",".join(f'"{first}":1' for _ in range(2)) + "}"
    codes = [e["code"] for e in case.problem(client(route["method"], path, twice), 422)["errors"]]
    case.assertIn("duplicate_field", codes)


def content_type(case, route):
    body = json.dumps(case.body_for(route))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
                 "application/json; charset=latin1", None):
        answer = signed_in(route)(route["method"], path_of(route), body, {"Content-Type": kind})
        case.problem(answer, 415)


def too_large(case, route):
    connection = http.client.HTTPConnection(WORLD.ours.client.address.netloc, timeout=20)
    connection.putrequest(route["method"], path_of(route))
    if not is_open(route):
        connection.putheader("Authorization", "Bearer " + WORLD.ours.client.token)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(route["body_max_bytes"] + 1))
    connection.endheaders()
    response = connection.getresponse()
    case.assertEqual(413, response.status)
    case.assertEqual("application/problem+json", response.headers["Content-Type"])
    response.read()
    connection.close()


def other_methods(case, route):
    known = {r["method"] for r in WORLD.routes if r["path"] == route["path"]}
    for method in ("PURGE", *(m for m in UNSAFE if m not in known)):
        answer = WORLD.ours.client(method, path_of(route))
        case.problem(answer, 405, "method_not_allowed")
        allowed = answer.fields["Allow"].split(", ")
        case.assertLessEqual(known, set(allowed))
    answer = WORLD.ours.client("OPTIONS", path_of(route))
    case.assertEqual(204, answer.status)
    case.assertIn(route["method"], answer.fields["Allow"])


def unknown_parameter(case, route):
    answer = signed_in(route)(route["method"], path_of(route), case.body_for(route),
                              no_such_parameter="1")
    codes = [e["code"] for e in case.problem(answer, 422)["errors"]]
    case.assertIn("unknown_parameter", codes)


def wrong_parameters(case, route):
    for field in route["query"]:
        for value in ("", "x" * 5000, "'; drop table x; --", "%00", "\ufffd\u0000", "-1", "1e9"):
            answer = signed_in(route)("GET", path_of(route), **{field["name"]: value})
            case.assertIn(answer.status, (200, 404, 422), (field, value, answer))
        answer = signed_in(route)("GET", path_of(route) + f"?{field['name']}=%ff")
        case.problem(answer, 422)
    if any(field["name"] == "limit" for field in route["query"]):
        for bad in ("0", "201", "x", "1.5", "-1"):
            case.problem(signed_in(route)("GET", path_of(route), limit=bad), 422)
    if any(field["name"] == "cursor" for field in route["query"]):
        for bad in ("x", "eyJhIjoxfQ", "A" * 64):
            case.problem(signed_in(route)("GET", path_of(route), cursor=bad), 422)


def answers_fit(case, route):
    """A real GET fits its schema, in every field; HEAD has the same fields and no body."""
    if words(route["path"]) and WORLD.ours.fill(route["path"]) is None:
        return
    query = {f["name"]: "1" for f in route["query"] or [] if f["required"]}
    answer = signed_in(route)("GET", path_of(route), **query)
    case.assertEqual(route["status"], answer.status, answer)
    case.assertEqual([], WORLD.schemas.answer_faults("GET", route["path"], answer))
    for name in SECURITY:
        case.assertIn(name, answer.fields)
    case.assertNotRegex(answer.body.decode(), r"secret of theirs|\$argon2|password_hash")
    head = signed_in(route)("HEAD", path_of(route), **query)
    case.assertEqual((answer.status, b""), (head.status, head.body))
    case.assertEqual(answer.fields["Content-Type"], head.fields["Content-Type"])


def csrf(case, route):
    browser = WORLD.browser
    body, path = case.body_for(route), path_of(route)
    for token in (None, "", "x" * len(browser.csrf), browser.csrf[:-1]):
        answer = browser(route["method"], path, body, {"X-CSRF-Token": token})
        case.problem(answer, 403, "csrf_token")
    for fields in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"},
                   {"Origin": "null"}):
        answer = browser(route["method"], path, body, fields)
        case.problem(answer, 403, "cross_site")


def no_foreign_origin(case, route):
    fields = {"Origin": "https://evil.example", "Access-Control-Request-Method": route["method"]}
    answer = WORLD.ours.client("OPTIONS", path_of(route), fields=fields)
    case.assertNotIn("Access-Control-Allow-Origin", answer.fields)


def any_origin(case, route):
    fields = {"Origin": "https://shop.example", "Access-Control-Request-Method": route["method"],
              "Access-Control-Request-Headers": "content-type, authorization, x-anything"}
    answer = Client(WORLD.url)("OPTIONS", path_of(route), fields=fields)
    case.assertEqual(204, answer.status)
    case.assertIn(answer.fields["Access-Control-Allow-Origin"], ("*", "https://shop.example"))
    case.assertIn("x-anything", answer.fields["Access-Control-Allow-Headers"])
    exposed = answer.fields["Access-Control-Expose-Headers"]
    for name in ("Retry-After", "X-RateLimit-Remaining"):
        case.assertIn(name, exposed)


def in_the_reference(case, route):
    operation = WORLD.schemas.operation(route["method"], route["path"])
    case.assertIsNotNone(operation)
    case.assertTrue(operation["summary"] and operation["operationId"])


def signed_in(route):
    return Client(WORLD.url) if is_open(route) else WORLD.ours.client


def has_input(route):
    return bool(route["input"])


def deletes_us(route):
    """Routes whose success would end the session that the other tests use."""
    return route["path"].startswith("/api/v1/me/sessions") or route["path"].endswith("/logout")


RULES = [
    (no_session, lambda r: not is_open(r)),
    (wrong_tenant, lambda r: r["in_tenant"]),
    (no_permission, lambda r: not is_open(r) and r["permission"] != "(member)"),
    (key_of_other_tenant, lambda r: r["in_tenant"]),
    (ids_of_others, lambda r: r["in_tenant"] and words(r["path"])),
    (ids_that_are_none, lambda r: r["in_tenant"] and r["path"].endswith("}") and
     words(r["path"])),
    (wrong_types, has_input),
    (missing_fields, has_input),
    (bad_bodies, has_input),
    (content_type, has_input),
    (too_large, lambda r: r["method"] in UNSAFE),
    (other_methods, lambda r: True),
    (unknown_parameter, lambda r: is_strict(r) and not (is_open(r) and r["input"]) and
     not deletes_us(r)),
    (wrong_parameters, lambda r: r["method"] == "GET" and r["query"] and is_strict(r)),
    (answers_fit, lambda r: r["method"] == "GET" and is_strict(r) and r["output"] and
     (r["in_tenant"] or not words(r["path"]))),
    (csrf, lambda r: r["method"] in UNSAFE and not is_open(r) and not r["no_csrf"] and
     not r["open_cors"]),
    (no_foreign_origin, lambda r: not r["open_cors"]),
    (any_origin, lambda r: r["open_cors"]),
    (in_the_reference, lambda r: True),
]


def make_tests():
    """A TestCase for each rule, a method for each route it applies to."""
    suite = unittest.TestSuite()
    for rule, applies in RULES:
        methods = {}
        for route in WORLD.routes:
            if applies(route):
                methods["test_" + name_of(route)] = \
                    lambda self, rule=rule, route=route: rule(self, route)
        kind = type(rule.__name__, (Case,), methods)
        suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(kind))
    return suite
