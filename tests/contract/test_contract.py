"""The program agrees with itself, with its database and with what is committed."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import with_server  # noqa: E402

BINARY = pathlib.Path(os.environ.get("BUILD", ROOT / "build")) / "bulkhead"


def run(*arguments, env=None, data=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BULKHEAD_")}
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([BINARY, *arguments], capture_output=True, text=True, check=False,
                              cwd=data or folder,
                              env={**clean, "BULKHEAD_DATA": data or folder, **(env or {})})


class Contract(unittest.TestCase):
    maxDiff = 2000

    def test_tables_agree(self):
        done = run("doctor", "--contract")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_every_query_prepares(self):
        with with_server.data_folder() as folder:
            done = run("doctor", "--json", data=folder)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        findings = json.loads(done.stdout)
        self.assertTrue(any("queries prepare" in f["finding"] for f in findings), findings)

    def test_committed_openapi_is_fresh(self):
        made = run("openapi")
        self.assertEqual(0, made.returncode, made.stderr)
        self.assertEqual(json.loads((ROOT / "openapi.json").read_text()), json.loads(made.stdout),
                         "openapi.json is stale: make openapi")

    def test_committed_types_are_fresh(self):
        done = subprocess.run([sys.executable, ROOT / "tools/gen_client.py", "--check",
                               ROOT / "openapi.json", ROOT / "web/src/api/schema.ts"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr + " (make openapi)")

    def test_command_line(self):
        self.assertEqual(0, run("--help").returncode)
        self.assertEqual(2, run().returncode)
        for wrong in (("dance",), ("serve", "--what")):
            done = run(*wrong)
            self.assertEqual(2, done.returncode, wrong)
            self.assertIn(wrong[-1], done.stderr)
        self.assertEqual(0, run("doctor", "--help").returncode)
        self.assertEqual(run("version").stdout, run("--version").stdout)
        self.assertIn("version", json.loads(run("version", "--json").stdout))
        self.assertIn("| `port` | `PORT` |", run("options").stdout)
        self.assertIn("| `port` | `PORT` |", (ROOT / "docs/configuration.md").read_text())

    def test_configuration_lists_every_fault(self):
        done = run("serve", env={"PORT": "70000", "LOG_LEVEL": "loud", "PUBLIC_URL": "ftp://x",
                                 "BULKHEAD_SECRET": "short", "SMTP_URL": "mail"})
        self.assertEqual(1, done.returncode)
        for variable in ("PORT", "LOG_LEVEL", "PUBLIC_URL", "BULKHEAD_SECRET", "SMTP_URL"):
            self.assertIn(variable, done.stderr)

    def test_public_address_must_be_https_and_secret_strong(self):
        done = run("serve", env={"PUBLIC_URL": "http://bulkhead.example"})
        self.assertIn("must be https", done.stderr)
        done = run("serve", env={"BULKHEAD_SECRET": "change-me-change-me-change-me-change"})
        self.assertIn("random characters", done.stderr)

    def test_configuration_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write('port = 9999\n[smtp]\nurl = "smtp://u:hush@mail.example:25"\n')
            file.flush()
            shown = json.loads(run("config", "--json", "--config", file.name).stdout)
            self.assertEqual(("9999", "[masked]"), (shown["port"], shown["smtp_url"]))
            self.assertEqual("7777", json.loads(
                run("config", "--json", "--config", file.name, env={"PORT": "7777"}).stdout)["port"])
            file.write("colour = 1\n")
            file.flush()
            self.assertIn("colour", run("config", "--config", file.name).stderr)

    def test_secret_from_file(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("0123456789abcdef0123456789abcdef\n")
            file.flush()
            shown = run("config", env={"BULKHEAD_SECRET_FILE": file.name}).stdout
            self.assertNotIn("0123456789abcdef", shown)


if __name__ == "__main__":
    unittest.main()
