"""The generators: what they write compiles, and what is written wrongly is named."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent.parent
ROOT = TOOLS.parent
sys.path.insert(0, str(TOOLS))
from gen import queries, shapes  # noqa: E402
from gen.text import Fault, c_string  # noqa: E402

TOML = '''
[shape.line]
fields.amount = "money 1.."
[shape.sample_create]
doc = "Something new"
fields.name = "text 1..100 -- Shown"
fields.note = "text?null ..9"
fields.limit = "int? 1..200 = 50"
fields.role = "enum owner|admin"
fields.scopes = "list text 1..50"
fields.lines = "list? line 1..5"
fields.first = "line?"
[event.sample_created]
name = "sample:created"
permission = "sample.read"
[resource.sample]
path = "/api/v1/t/{tenant}/samples"
table = "d.samples"
view = "d.samples_v"
verbs = ["list", "create"]
shape = "sample_create"
create = "sample_create"
filter = ["role"]
search = ["name"]
events = { created = "sample_created" }
'''
SQL = '''
-- name: sample_lock(id uuid, due int?, tags text[]) -> one (status text, total int?, at time)
-- Why the lock.
select 1 where id = :id and x = ':id' and t = any(:tags) and d = :due and tenant_id = :tenant;
-- name: sample_list() -> many (id uuid)
select id from d.samples where tenant_id = :tenant;
-- name: sample_touch(id uuid) -> exec
update d.samples set x = 1 where id = :id;
-- name: sample_gone(id uuid) -> count
delete from d.samples where id = :id;
-- name: sample_found(id uuid) -> maybe (name text?)
select name from d.samples where id = :id;
-- name: sample_json(id uuid,
--   all bool) -> json
select to_jsonb(v) from d.samples_v v where id = :id and :all;
'''


class Generate(unittest.TestCase):
    def test_output_compiles_and_is_stable(self):
        with tempfile.TemporaryDirectory() as folder:
            base = pathlib.Path(folder)
            module = base / "src/modules/sample"
            (module / "migrations").mkdir(parents=True)
            (module / "mail").mkdir()
            for name in ("spine", "services"):
                (base / "src" / name).mkdir()
            (module / "sample.toml").write_text(TOML)
            (module / "sample.sql").write_text(SQL)
            (module / "migrations/001_sample.sql").write_text("create schema d; -- \"?\"\n")
            (module / "mail/hi.txt").write_text("Subject: Hi {{name}}\n\nHello\n")
            (module / "mail/hi.html").write_text("<p>Hello</p>\n")
            command = [sys.executable, TOOLS / "generate.py", "--src", base / "src", "--out",
                       base / "gen"]
            subprocess.run(command, check=True)
            made = base / "gen/modules/modules/sample/sample_gen.c"
            before = made.stat().st_mtime_ns
            subprocess.run(command, check=True)
            self.assertEqual(before, made.stat().st_mtime_ns, "an unchanged file was rewritten")
            subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow",
                            "-Wconversion", "-Werror", f"-I{ROOT}/src", f"-I{base}/gen/modules",
                            "-fsyntax-only", made], check=True)

    def test_binding(self):
        query = queries.parse("x.sql", SQL)[0]
        self.assertEqual([p.name for p in query.bound], ["id", "tags", "due", "tenant"])
        self.assertIn("x = ':id'", query.sql)
        self.assertIn("$1::uuid", query.sql)
        self.assertIn("any($2::text[])", query.sql)

    def test_casts_are_not_parameters(self):
        query = queries.parse("x", "-- name: q(a int) -> json\nselect :a::text, now()::date")[0]
        self.assertEqual(query.sql, "select $1::bigint::text, now()::date")

    def test_faults_are_named(self):
        for text, words in (
                ("-- name: q(a int) -> json\nselect 1", "a is not used"),
                ("-- name: q() -> json\nselect :b", ":b is not a parameter"),
                ("-- name: q() -> one\nselect 1", "do not agree"),
                ("-- name: q() -> some (a int)\nselect 1", "unknown result"),
                ("-- name: q(a money) -> json\nselect :a", "no type"),
                ("-- name: q(\nselect 1", "cannot read the signature")):
            with self.assertRaises(Fault, msg=text) as caught:
                queries.parse("x.sql", text)
            self.assertIn(words, str(caught.exception))

    def test_shape_faults(self):
        for fields, words in (({"A": "text"}, "snake_case"), ({"a": "text 1..2 wide"}, "cannot"),
                              ({"a": "enum"}, "needs its values"), ({"a": "list thing"}, "no type")):
            with self.assertRaises(Fault, msg=str(fields)) as caught:
                shapes.ordered("x", shapes.parse("x.toml", {"s": {"fields": fields}}))
            self.assertIn(words, str(caught.exception))

    def test_recursive_shape(self):
        parsed = shapes.parse("x", {"s": {"fields": {"a": "s?"}}})
        with self.assertRaises(Fault):
            shapes.ordered("x", parsed)

    def test_literals(self):
        self.assertEqual(c_string('a"\\\n?'), '"a\\"\\\\\\n\\?"')
        self.assertEqual(c_string(None), "NULL")


if __name__ == "__main__":
    unittest.main()
