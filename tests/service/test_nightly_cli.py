# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Nights as people run them: the real command, server and agent, and a runner that becomes slower when it is told to."""
import json
import pathlib
import re
import signal
import subprocess
import xml.etree.ElementTree as xml

from cli_case import LARGER, CliCase, samples
from lathe_service import Agent, program, wait_for
from test_nightly_reports import validate

PYTHON = "/usr/bin/python3"  # of the system, which has what runners import
RUNNER = pathlib.Path(__file__).with_name("scripted_runner.py")
CONFIG = "scripted-f32-t1-b1"
TABLE = f"here/{CONFIG}"
START = ["nightly", "--devices", "here", "--config", CONFIG, "--space", "larger", "--resolutions", "112", "--budget", "2m"]
NIGHT_S = 240  # one on a busy machine, with sanitizers


class NightsTest(CliCase):
    def setUp(self):
        super().setUp()
        self.lathe("space", "add", self.file("larger.json", json.dumps(LARGER)))
        self.lathe("predictor", "train", "mine", self.file("samples.csv", samples(400)), "--space", "larger")
        self.lathe("device", "add", "here")
        self.slow = self.folder / "slow"
        script = json.dumps({"noise": 0.004, "slow": str(self.slow)})
        self.runner = self.folder / "runner"
        self.runner.write_text(f"#!/bin/sh\nexec {PYTHON} {RUNNER} {self.folder}/log '{script}' \"$@\"\n")
        self.runner.chmod(0o755)

    def start(self, *args):
        return subprocess.Popen([program("lathe"), *START, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.environment())

    def finish(self, proc, code):
        shown, errors = proc.communicate(timeout=NIGHT_S)
        self.assertEqual(proc.returncode, code, (shown, errors))
        self.assertNotIn("Sanitizer", errors)
        return shown

    def night(self, *args, code=0):
        """@return (what it printed, the run)."""
        document = self.folder / "run.json"
        shown = self.finish(self.start("--json", str(document), *args), code)
        return shown, json.loads(document.read_text())

    def test_nights_are_silent_until_something_becomes_slower(self):
        with Agent(self.server, runner=str(self.runner)):
            self.lathe("profile", "here", "--config", CONFIG, "--space", "larger", "--resolutions", "112", "--rounds", "3", "--held-out", "0", "--wait")
            self.ship()
            shown, first = self.night()
            self.assertRegex(shown, rf"^{first['id']}: the first night of 1 device, [^\n]*\n$")
            self.a_quiet_night_outlives_the_server()
            self.slow.write_text("1.1")
            slower = self.a_slower_night_names_it(first)
            self.an_accepted_level_is_the_one_compared_with(slower)
            self.a_night_that_was_left_is_taken_up_again()
        self.a_device_that_is_away_fails_its_night()

    def ship(self):
        """Put the largest subnet to use, its limit between what it and the smallest take when mbconv is a tenth slower."""
        ask = ["subnet", TABLE, "--space", "larger", "--predictor", "mine", "--resolutions", "112", "--latency-ms"]
        fits = self.json(*ask, "1000")["latency_ms"]
        self.limit = round(fits * 1.043, 6)
        shown = self.lathe(*ask, str(self.limit), "--ship", "camera").stdout
        self.assertRegex(shown, r"\nshipped +camera \(s-\w+\): nights time it\n")
        [shipped] = self.json("shipped")["items"]
        self.assertEqual((shipped["name"], shipped["device"], shipped["config"]), ("camera", "here", CONFIG))
        self.assertAlmostEqual(shipped["latency_ms"], self.limit)
        self.assertIn("camera", self.lathe("shipped").stdout)

    def a_quiet_night_outlives_the_server(self):
        junit = self.folder / "quiet.xml"
        proc = self.start("--junit", str(junit))
        wait_for("its measuring", lambda: "measuring" in proc.stderr.readline())
        self.server.kill()
        wait_for("word of it", lambda: "can't reach" in proc.stderr.readline())
        self.server.start()
        shown = self.finish(proc, 0)
        self.assertRegex(shown, r"^run-\w+: nothing changed: 1 device, \d+ rows compared, [^\n]*\n$")
        text = junit.read_text()
        self.assertEqual(validate(text), "")
        root = xml.fromstring(text)
        self.assertEqual((root.get("failures"), root.get("errors")), ("0", "0"))
        names = {c.get("name") for c in root.iter("testcase")}
        self.assertLessEqual({"device speed", "kind mbconv", "stage 1", "stage 3", "single layers", "subnet camera"}, names)

    def a_slower_night_names_it(self, first):
        files = {option: self.folder / f"slower.{option}" for option in ("junit", "markdown")}
        shown, run = self.night(*(a for o, f in files.items() for a in (f"--{o}", str(f))), "--label", "the new kernel", code=5)
        self.assertEqual((run["outcome"], run["label"]), ("regression", "the new kernel"))
        self.assertIn(f"compared with {first['id']}", shown)
        found = re.search(r"SLOWER  kind mbconv takes ([\d.]+)% longer \(95% interval \+([\d.]+)% to \+([\d.]+)%\)", shown)
        self.assertTrue(found, shown)
        self.assertAlmostEqual(float(found[1]), 10, delta=2)
        self.assertLess(float(found[2]), 10)
        self.assertGreater(float(found[3]), 10)
        self.assertRegex(shown, rf"SLOWER  the subnet you shipped for {self.limit:g} ms as camera takes ")
        self.assertIn("this one meets it again", shown)
        text = files["junit"].read_text()
        self.assertEqual(validate(text), "")
        failed = {c.get("name") for c in xml.fromstring(text).iter("testcase") if c.find("failure") is not None}
        self.assertEqual(failed, {"kind mbconv", "subnet camera"})
        self.assertIn("`kind mbconv` | **slower**", files["markdown"].read_text())
        self.assertEqual(self.lathe("nightly", "show", run["id"]).stdout, shown)
        self.assertIn("the new kernel", self.lathe("nightly", "list").stdout)
        return run

    def an_accepted_level_is_the_one_compared_with(self, slower):
        self.assertEqual(self.lathe("nightly", "accept", slower["id"], "--device", "here", "--note", "as wanted").stdout,
                         f"{TABLE} is compared with run {slower['id']} from now on\n")
        kept = json.loads(self.lathe("nightly", "show", slower["id"], "--json", "-").stdout)
        self.assertEqual(kept["accepted"]["note"], "as wanted")
        shown, run = self.night()
        self.assertIn("nothing changed", shown)
        self.assertEqual(run["targets"][0]["baseline_run"], slower["id"])
        layer = next(f["rows"][0]["layer"] for f in slower["findings"] if f["scope"] == "kind")
        lines = self.lathe("nightly", "history", TABLE, layer).stdout.splitlines()
        self.assertEqual(len(lines), 3 + 4)
        before, after = (float(line.split()[2]) for line in (lines[-3], lines[-1]))
        self.assertAlmostEqual(after / before, 1.1, delta=0.03)
        self.assertIn(slower["id"], lines[-2])
        self.assertIn("accepted", lines[-2])
        self.assertEqual(len(self.json("nightly", "history", TABLE)["nights"]), 4)

    def a_night_that_was_left_is_taken_up_again(self):
        proc = self.start()
        run = wait_for("its id", lambda: re.match(r"lathe: run (run-\w+)", proc.stderr.readline()))[1]
        wait_for("its measuring", lambda: "measuring" in proc.stderr.readline())
        proc.send_signal(signal.SIGINT)
        self.finish(proc, 128 + signal.SIGINT)
        state = json.loads(self.lathe("nightly", "show", run, "--json", "-").stdout)["state"]
        self.assertEqual(state, "running")
        self.lathe("nightly", "cancel", run)
        self.lathe("nightly", "cancel", run, code=1)
        self.assertIn("cancelled", self.lathe("nightly", "show", run, "--wait", code=1).stdout)

    def a_device_that_is_away_fails_its_night(self):
        junit = self.folder / "away.xml"
        shown, run = self.night("--patience", "1s", "--junit", str(junit), code=6)
        self.assertEqual(run["outcome"], "incomplete")
        self.assertIn(f"{TABLE} could not be profiled: ", shown)
        self.assertEqual(validate(junit.read_text()), "")
        self.assertEqual(xml.parse(junit).getroot().get("errors"), "1")
        self.assertEqual(self.lathe("shipped", "rm", self.json("shipped")["items"][0]["id"]).stdout.split()[0], "removed")
        self.assertEqual(self.json("shipped")["items"], [])


if __name__ == "__main__":
    import unittest

    unittest.main()
