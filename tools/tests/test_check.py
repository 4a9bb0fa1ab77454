"""The gates must fire: each case plants one defect and expects its finding."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parent.parent / "check.py"
HEAD = "/* thing.c - what this file is for, in words. */\n"


def findings(files, gate):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        out = subprocess.run([sys.executable, CHECK, "--root", folder, "--only", gate],
                             capture_output=True, text=True, check=False)
        return out.stdout


class Gates(unittest.TestCase):
    def expect(self, gate, files, text):
        self.assertIn(text, findings(files, gate))

    def test_clean_tree(self):
        for gate in ("sizes", "functions", "bans", "layers", "lists", "names", "heads", "web"):
            self.assertEqual("", findings({"src/base/a.c": HEAD + "int x;\n"}, gate), gate)

    def test_long_file(self):
        self.expect("sizes", {"src/base/a.c": HEAD + "int x;\n" * 1001}, "at most 1000")

    def test_long_line(self):
        self.expect("sizes", {"src/base/a.c": HEAD + "/*" + "x" * 100 + "*/\n"}, "at most 100")

    def test_long_function(self):
        text = HEAD + "int f(void)\n{\n" + "\tx();\n" * 90 + "}\n"
        self.expect("functions", {"src/base/a.c": text}, "f has 93 lines")

    def test_complex_function(self):
        text = HEAD + "int f(int x)\n{\n" + "\tif (x)\n\t\tx++;\n" * 16 + "\treturn x;\n}\n"
        self.expect("functions", {"src/base/a.c": text}, "complexity 17")

    def test_many_parameters(self):
        text = HEAD + "int f(int a, int b, int c, int d, int e, int g, int h, int i, int j)\n{\n}\n"
        self.expect("functions", {"src/base/a.c": text}, "parameters")

    def test_forgotten_route_and_job(self):
        module = (HEAD + "const struct module a_module = {\n\t.name = \"a\",\n"
                  "\t.routes = LIST(struct route *, kept_routes),\n"
                  "\t.jobs = LIST(struct job_type *, &kept_job),\n};\n")
        for kind in ("route {}_routes[]", "job_type {}_job"):
            text = HEAD + "".join(f"const struct {kind.format(name)} = {{\n}};\n"
                                  for name in ("kept", "lost"))
            out = findings({"src/modules/a/a.c": module, "src/modules/a/b.c": text}, "lists")
            self.assertIn("lost", out)
            self.assertNotIn("kept", out)

    def test_banned_call(self):
        self.expect("bans", {"src/base/a.c": HEAD + "void f(void) { strcpy(a, b); }\n"}, "strcpy")

    def test_banned_word_in_text_is_fine(self):
        self.assertEqual("", findings({"src/base/a.c": HEAD + 'char *x = "system(1)";\n'}, "bans"))

    def test_malloc_outside_base(self):
        self.expect("bans", {"src/http/a.c": HEAD + "void f(void) { malloc(1); }\n"}, "only in")

    def test_upward_include(self):
        self.expect("layers", {"src/base/a.c": HEAD + '#include "spine/x.h"\n'}, "may not include")

    def test_sideways_http_db(self):
        self.expect("layers", {"src/http/a.c": HEAD + '#include "db/db.h"\n'}, "may not include")

    def test_third_party(self):
        self.expect("layers", {"src/spine/a.c": HEAD + "#include <libpq-fe.h>\n"}, "belongs to")

    def test_module_internal(self):
        self.expect("layers", {"src/modules/a/a.c": HEAD + '#include "modules/b/b_internal.h"\n'},
                    "is public")

    def test_module_without_need(self):
        self.expect("layers", {"src/modules/a/a.c": HEAD + '#include "modules/b/b.h"\n'},
                    "not in .needs")

    def test_bad_name(self):
        self.expect("names", {"src/base/str_util.c": HEAD}, "no file is called util")

    def test_headless_file(self):
        self.expect("heads", {"src/base/a.c": "int x;\n"}, "does not open")

    def test_any(self):
        self.expect("web", {"web/src/a.ts": "const x: any = 1;\n"}, "no any")


if __name__ == "__main__":
    unittest.main()
