#!/usr/bin/env python3
"""test_wall.py - the wall between tenants, asked and attacked.

A fresh cluster is migrated as the program would do it and seeded for two
tenants. The gate must find nothing, the prover must get nowhere in either
direction, and each mutant must be noticed by one of them."""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tools")]
import mutants  # noqa: E402
import seeds  # noqa: E402
from with_postgres import Cluster  # noqa: E402

A, B = seeds.TENANTS


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def allowed_sql():
    rows = []
    for line in (HERE / "allowed.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            kind, name, detail, why = line.split(None, 3)
            rows.append(f"({quoted(kind)}, {quoted(name)}, {quoted(detail)}, {quoted(why)})")
    return ("create temp table allowed (kind text, object text, detail text, why text);\n"
            f"insert into allowed values {', '.join(rows)};\n"
            "grant select on allowed to public;\n")


class Wall(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)
        cls.cluster.migrate()
        cls.cluster.psql("SUPER", seeds.script(cls.cluster))
        cls.tools = (allowed_sql() + (HERE / "gate.sql").read_text(encoding="utf-8")
                     + (HERE / "prover.sql").read_text(encoding="utf-8"))

    def look(self, change="", gate=True, prove=True, way=(A, B)):
        """Findings of gate and prover after a change that is rolled back."""
        script = [self.tools, "begin;", "set local client_min_messages = error;",
                  "\\o /dev/null", change + ";", "\\o"]
        if gate:
            script.append("select 'gate', * from pg_temp.gate();")
        if prove:
            script.append(f"select 'prover', * from pg_temp.prove('{way[0]}', '{way[1]}');")
        script.append("rollback;")
        return self.cluster.psql("SUPER", "\n".join(script)).stdout.strip()

    def news(self, change):
        """What is found after a change and was not before."""
        if not hasattr(Wall, "before"):
            Wall.before = set(self.look().splitlines())
        found = set(self.look(change).splitlines()) - Wall.before
        return {line for line in found if "nothing is proved" not in line}

    def test_gate_finds_nothing(self):
        self.assertEqual("", self.look(prove=False))

    def test_prover_gets_nowhere(self):
        self.assertEqual("", self.look(gate=False))

    def test_prover_gets_nowhere_the_other_way(self):
        self.assertEqual("", self.look(gate=False, way=(B, A)))

    def test_every_exception_is_still_needed(self):
        """An allowance for something that does not exist hides the next mistake."""
        names = self.cluster.psql("SUPER", """
            select c.oid::regclass::text from pg_class c union all
            select polrelid::regclass || '.' || polname from pg_policy union all
            select conrelid::regclass || '.' || conname from pg_constraint where conrelid <> 0
            """).stdout.split()
        for line in (HERE / "allowed.txt").read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                with self.subTest(line):
                    self.assertIn(line.split()[1], names)


    def test_prover_sees_behaviour_alone(self):
        for name in mutants.PROVED:
            with self.subTest(name):
                self.assertNotEqual("", self.look(mutants.MUTANTS[name], gate=False))


def mutant_case(name, change):
    def case(self):
        self.assertNotEqual(set(), self.news(change), f"nobody noticed: {name}")
    case.__doc__ = f"mutant: {name}"
    return case


for number, (title, sql) in enumerate(mutants.MUTANTS.items(), 1):
    setattr(Wall, f"test_mutant_{number:02}_{title.replace(' ', '_')}", mutant_case(title, sql))


if __name__ == "__main__":
    unittest.main()
