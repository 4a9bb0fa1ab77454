#!/usr/bin/env python3
"""test_embed_assets.py - the embedded interface: the table compiles, its bytes
are those of the files, nothing is made twice."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import embed_assets  # noqa: E402

PRINTER = r"""
#include "http/assets.h"
#include <stdio.h>
extern const struct assets interface_assets;
int main(int argc, char **argv)
{
	(void)argv;
	for (size_t i = 0; i < interface_assets.n; i++) {
		const struct asset *a = &interface_assets.v[i];
		if (argc > 1)
			fwrite(a->identity, 1, a->identity_bytes, stdout);
		else
			printf("%s %s %zu %d %d %d\n", a->path, a->content_type, a->identity_bytes,
			       a->gzip != NULL, a->brotli != NULL, a->immutable);
	}
	return 0;
}
"""


class EmbedTest(unittest.TestCase):
    def setUp(self):
        self.keep = tempfile.TemporaryDirectory()
        self.addCleanup(self.keep.cleanup)
        self.top = pathlib.Path(self.keep.name)
        self.dist, self.out = self.top / "dist", self.top / "gen" / "interface_gen.c"

    def put(self, name, data):
        path = self.dist / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def generate(self):
        subprocess.run([sys.executable, ROOT / "tools/embed_assets.py", "--dist", self.dist,
                        "--out", self.out], check=True)

    def run_printer(self, *args):
        (self.top / "printer.c").write_text(PRINTER)
        program = self.top / "printer"
        subprocess.run(["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "src",
                        self.top / "printer.c", self.out, "-o", program], check=True)
        return subprocess.run([program, *args], check=True, capture_output=True).stdout

    def test_table_and_bytes(self):
        files = {"index.html": b"<p>" * 500, "assets/app-3fa9Bc1d.js": b"let a = 1;\n" * 400,
                 "assets/inter-variable.woff2": bytes(range(256)) * 8, "empty.txt": b"",
                 "small.css": b"p{}"}
        for name, data in files.items():
            self.put(name, data)
        self.generate()
        rows = self.run_printer().decode().splitlines()
        self.assertEqual(rows, [
            "/assets/app-3fa9Bc1d.js text/javascript; charset=utf-8 4400 1 1 1",
            "/assets/inter-variable.woff2 font/woff2 2048 0 0 0",
            "/empty.txt text/plain; charset=utf-8 0 0 0 0",
            "/index.html text/html; charset=utf-8 1500 1 1 0",
            "/small.css text/css; charset=utf-8 3 0 0 0"])
        self.assertEqual(self.run_printer("bytes"),
                         b"".join(files[row.split()[0][1:]] for row in rows))

    def test_no_interface_yet(self):
        self.generate()
        self.assertEqual(self.run_printer(), b"")

    def test_only_changes_are_written(self):
        self.put("a.js", b"x" * 1000)
        self.generate()
        before = self.out.stat().st_mtime_ns
        self.generate()
        self.assertEqual(self.out.stat().st_mtime_ns, before)
        self.put("a.js", b"y" * 1000)
        self.generate()
        self.assertNotEqual(self.out.stat().st_mtime_ns, before)
        stored = {path.name.split(".")[0] for path in (self.top / "gen/interface_gen.c.d").iterdir()}
        self.assertEqual(len(stored), 1, "stale forms are removed")

    def test_which_names_carry_a_hash(self):
        for name, expected in (("/assets/a-3fa9Bc1d.js", True), ("/assets/a-B_c-d3fX.css", True),
                               ("/a-3fa9Bc1d.js", False), ("/assets/a-variable.woff2", False),
                               ("/assets/a.js", False), ("/assets/a-3fa9Bc1d.js.map", True)):
            self.assertEqual(bool(embed_assets.HASHED.search(name)), expected, name)


if __name__ == "__main__":
    unittest.main()
