# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What ci's scripts say of wrong arguments, and what quickstart makes of its figures. The whole way is run by .ci/run."""
import json
import pathlib
import subprocess
import tempfile
import unittest

CI = pathlib.Path(__file__).resolve().parent.parent.parent / "ci"
SECONDS = {"build": 60.25, "profile": 51}


def run(name, *args):
    return subprocess.run([CI / name, *args], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)


class ArgumentsTest(unittest.TestCase):
    def test_help_names_every_option(self):
        done = run("quickstart", "--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--keep", "--report FILE", "--data DIR"):
            self.assertIn(option, done.stdout)
        self.assertIn("--build", run("test", "--help").stdout)

    def test_wrong_arguments_exit_2_and_are_named(self):
        for script, args, part in (("quickstart", ["--frob"], "--frob"), ("quickstart", ["--report"], "--report"),
                                   ("quickstart", ["--data"], "--data"), ("test", ["--frob"], "--frob"),
                                   ("test", ["--build"], "--build"), ("packages", ["all"], "build|test"),
                                   ("tidy", [], "BUILD"), ("format", ["--frob"], "--frob")):
            with self.subTest(script=script, args=args):
                done = run(script, *args)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(part, done.stderr)


class ReportTest(unittest.TestCase):
    """The figures are made up; what is checked is what is computed from them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)
        (self.work / "phases").write_text("build 60250\nprofile 51000\n")

    def answer(self, limit, predicted, measured):
        subnet = {"subnet": {"resolution": 160}, "latency_ms": predicted, "top1": 0.8123, "macs_m": 321.05, "params_m": 7.5,
                  "search": {"evaluations": 50100, "elapsed_ms": 41.2}, "provenance": {"fingerprint": {"cpu": "some"}}}
        (self.work / f"subnet-{limit}.json").write_text(json.dumps(subnet))
        (self.work / f"measured-{limit}.json").write_text(json.dumps({"latency_ms": measured, "latency_ms_range": [measured, measured]}))

    def report(self, *limits):
        done = run("quickstart-report", str(self.work), str(self.work / "report.json"), *limits)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, json.loads((self.work / "report.json").read_text())

    def test_the_table_and_the_report_hold_the_same_figures(self):
        self.answer("10.5", 10.4, 10.92)
        self.answer("20", 19.5, 15.6)
        shown, report = self.report("10.5", "20")
        self.assertEqual([r["error_pct"] for r in report["subnets"]], [5.0, -20.0])
        self.assertEqual([r["asked_ms"] for r in report["subnets"]], [10.5, 20.0])
        self.assertEqual(report["phases"], SECONDS)
        self.assertEqual(report["machine"]["cpu"], "some")
        rows = [line.split() for line in shown.splitlines()]
        self.assertIn(["10.50", "10.400", "10.920", "+5.0%", "81.23", "321.1", "50100", "41"], rows)
        self.assertIn("build 60.2 s, profile 51.0 s", shown)

    def test_a_measurement_beyond_the_bound_fails(self):
        self.answer("10.5", 10.0, 12.5)
        self.report("10.5")
        within = run("quickstart-check", str(self.work / "report.json"))
        self.assertEqual(within.returncode, 0, within.stderr)
        for measured in (12.6, 7.4):
            self.answer("10.5", 10.0, measured)
            self.report("10.5")
            beyond = run("quickstart-check", str(self.work / "report.json"))
            self.assertEqual(beyond.returncode, 1)
            self.assertIn("10.5 ms", beyond.stdout)
        (self.work / "report.json").write_text('{"subnets": []}')
        self.assertEqual(run("quickstart-check", str(self.work / "report.json")).returncode, 1)


if __name__ == "__main__":
    unittest.main()
