# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The lathe command where a device works for it, and on a terminal."""
import json
import pathlib
import re
import signal
import subprocess
import unittest

from cli_case import LARGER, YAML, CliCase, samples
from lathe_service import WAIT_S, Agent, program, test_data, wait_for
from small_space import CONFIG, ROWS, prepare

SUBNET = {"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 5, 3], "expand": [3, 4, 6]}
PROFILE = ["profile", "here", "--config", CONFIG, "--space", "small", "--resolutions", "48", "--rounds", "1", "--wait"]


class JobsTest(CliCase):
    def setUp(self):
        super().setUp()
        prepare(self.server)

    def test_a_device_is_profiled_and_measures_a_subnet(self):
        subnet = self.file("subnet.json", json.dumps(SUBNET))
        with Agent(self.server):
            done = self.lathe(*PROFILE)
            self.assertIn(f"done, {ROWS} of {ROWS} rows", done.stdout)
            self.assertRegex(done.stderr.splitlines()[-1], rf"^{ROWS} of {ROWS} rows, (\d+) of \1 visits, \d+ s$")
            again = self.lathe(*PROFILE)
            self.assertIn("already", again.stdout)
            self.assertEqual(again.stderr, "")
            states = [p["state"] for p in self.json("profile", "list")["items"]]
            self.assertEqual(states, ["done", "done"])
            measured = self.json("measure", "here", "--config", CONFIG, "--subnet", subnet)
            self.assertGreater(measured["latency_ms"], 0)
            shown = self.lathe("measure", "here", "--config", CONFIG, "--subnet", "-", text=pathlib.Path(subnet).read_text()).stdout
            self.assertIn(" ms (95% interval", shown)
        self.lathe("profile", "cancel", self.json("profile", "list")["items"][0]["id"], code=1)
        self.lathe("profile", "show", "p-nothing", code=3)
        self.lathe("measure", "here", "--config", CONFIG, "--subnet", self.file("bad.json", "{"), code=1)
        wrong = self.file("wrong.json", json.dumps({**SUBNET, "kernel": [3, 4, 3]}))
        self.assertIn("kernel[1]", self.lathe("measure", "here", "--config", CONFIG, "--subnet", wrong, code=1).stderr)

    def test_a_subnet_is_found_and_verified_on_the_device(self):
        self.lathe("space", "add", self.file("larger.json", json.dumps(LARGER)))
        self.lathe("predictor", "train", "mine", self.file("samples.csv", samples(400)), "--space", "larger")
        ask = ["subnet", f"here/{CONFIG}", "--space", "larger", "--predictor", "mine", "--latency-ms", "1000", "--resolutions", "112"]
        with Agent(self.server):
            self.lathe("profile", "here", "--config", CONFIG, "--space", "larger", "--resolutions", "112", "--rounds", "1", "--wait")
            answer = self.json(*ask, "--verify")
            self.assertGreater(answer["verified"]["latency_ms"], 0)
            self.assertTrue(answer["verified"]["measurement"])
            self.assertLessEqual(answer["verified"]["latency_ms"], 1000)
            shown = self.lathe(*ask, "--verify", "--seed", "3").stdout
            for name in ("asked        1000 ms", "predicted ", "measured ", "seed 3"):
                self.assertIn(name, shown)
            measured = self.lathe("measure", "here", "--config", CONFIG, "--subnet", "-", text=json.dumps(answer)).stdout
            self.assertIn(" ms (95%", measured)
            self.verify_on_two(ask)

    def verify_on_two(self, ask):
        """One subnet for two devices is measured on both."""
        here, there = f"here/{CONFIG}", f"there/{CONFIG}"
        self.lathe("device", "add", "there", "--transport", "local")
        rows = self.lathe("table", "export", here, "--format", "csv").stdout
        self.lathe("table", "import", there, self.file("rows.csv", rows))
        ask = ["subnet", here, there, *ask[2:], "--verify"]
        verified = self.json(*ask)["verified"]
        self.assertEqual((set(verified["latencies_ms"]), set(verified["measurements"])), ({here, there}, {here, there}))
        self.assertTrue(all(ms > 0 for ms in verified["latencies_ms"].values()))
        self.assertRegex(self.lathe(*ask).stdout, rf"\n{there} +1000\.000 +[\d.]+ +[\d.]+\n")

    def test_a_subnet_that_nothing_can_measure_is_not_handed_over_as_verified(self):
        self.lathe("table", "import", "note10/tflite-f32-t1-b1", str(test_data("ofa/note10/160_lookup_table.yaml")))
        ask = ["subnet", "note10/tflite-f32-t1-b1", "--space", "ofa-mbv3-w1.2", "--resolutions", "160", "--latency-ms", "20", "--json"]
        done = self.lathe(*ask, "--verify", code=1)
        self.assertEqual(json.loads(done.stdout)["field"], "verify")
        self.assertIn("transport", done.stderr)
        self.assertLessEqual(self.json(*ask)["latency_ms"], 20)

    def test_an_interrupted_wait_leaves_the_profile_running(self):
        proc = subprocess.Popen([program("lathe"), *PROFILE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment())
        wait_for("a line of progress", lambda: "rows" in proc.stderr.readline())
        proc.send_signal(signal.SIGINT)
        _, errors = proc.communicate(timeout=WAIT_S)
        self.assertEqual(proc.returncode, 1)
        self.assertIn("goes on", errors)
        job = self.json("profile", "list")["items"][0]
        self.assertEqual(job["state"], "queued")
        self.assertEqual(self.json("profile", "cancel", job["id"])["state"], "cancelled")

    def test_a_wait_outlives_a_restart_of_the_server(self):
        proc = subprocess.Popen([program("lathe"), *PROFILE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment())
        wait_for("a line of progress", lambda: "rows" in proc.stderr.readline())
        self.server.kill()
        wait_for("word of it", lambda: "can't reach" in proc.stderr.readline())
        self.server.start()
        with Agent(self.server):
            shown, errors = proc.communicate(timeout=WAIT_S)
        self.assertEqual(proc.returncode, 0, errors)
        self.assertIn(f"done, {ROWS} of {ROWS} rows", shown)

    def test_waiting_for_a_device_without_an_agent_says_so(self):
        proc = subprocess.Popen([program("lathe"), *PROFILE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment())
        wait_for("the warning", lambda: "start lathe-agent" in proc.stderr.readline())
        self.lathe("profile", "cancel", self.json("profile", "list")["items"][0]["id"])
        _, errors = proc.communicate(timeout=WAIT_S)
        self.assertEqual(proc.returncode, 1)
        self.assertIn("cancelled", errors)

    def test_what_cannot_be_met_exits_4_and_says_the_least(self):
        for resolution in (160, 176):
            self.lathe("table", "import", "note10/tflite-f32-t1-b1", str(test_data(f"ofa/note10/{resolution}_lookup_table.yaml")))
        ask = ["subnet", "note10/tflite-f32-t1-b1", "--space", "ofa-mbv3-w1.2", "--resolutions", "160,176", "--latency-ms"]
        self.assertIn("least", self.lathe(*ask, "1", code=4).stderr)
        problem = json.loads(self.lathe(*ask, "1", "--json", code=4).stdout)
        self.assertGreater(problem["least"]["latency_ms"], 1)
        self.assertIn("top-1", self.lathe(*ask, "20").stdout)
        self.assertLessEqual(self.json(*ask, "20", "--macs-m", "300")["macs_m"], 300)
        ask[-2] = "160,164"
        self.assertIn("lathe profile note10", self.lathe(*ask, "20", code=1).stderr)
        self.lathe("subnet", "nobody/tflite-f32-t1-b1", "--space", "ofa-mbv3-w1.2", "--latency-ms", "20", code=3)

    def test_status_counts_what_there_is(self):
        status = self.json("status")
        self.assertEqual((status["status"], status["devices"], status["devices_offline"], status["tables"]), ("ok", 1, 1, 0))


class TerminalTest(CliCase):
    def test_a_bar_is_drawn_while_waiting(self):
        prepare(self.server)
        with Agent(self.server):
            status, shown = self.terminal(*PROFILE, columns=100)
        self.assertEqual(status, 0)
        bars = re.findall(r"\r\[([#.]+)\] (\d+) of (\d+) rows, ", shown)
        self.assertGreater(len(bars), 1)
        self.assertEqual(set(bars[-1][0]), {"#"})
        self.assertEqual(bars[-1][1:], (str(ROWS), str(ROWS)))

    def test_deleting_asks_and_takes_only_yes(self):
        self.lathe("device", "add", "pi4", "--transport", "local")
        for typed, kept in (("n\n", True), ("\n", True), ("\x04", True), ("y\n", False)):
            status, shown = self.terminal("device", "remove", "pi4", typed=typed)
            self.assertIn("removes device pi4", shown)
            self.assertIn("[y/N]", shown)
            self.assertEqual(status, 1 if kept else 0, typed)
            self.lathe("device", "show", "pi4", code=0 if kept else 3)

    def test_tables_fit_the_terminal_and_keep_their_numbers(self):
        self.lathe("table", "import", "n/x-f32-t1-b1", self.file("160.yaml", YAML))
        for columns in (60, 100):
            _, shown = self.terminal("table", "show", "n/x-f32-t1-b1", columns=columns, env={"NO_COLOR": "1"})
            lines = shown.splitlines()[-2:]
            self.assertTrue(all(len(line) <= columns for line in lines), lines)
            self.assertEqual("\u2026" in lines[1], columns == 60, lines)
            self.assertIn("0.5000", lines[1])
        wide = self.lathe("table", "show", "n/x-f32-t1-b1").stdout.splitlines()[-1]
        self.assertIn("conv2d in=16x16x3", wide)

    def test_only_a_terminal_that_wants_it_gets_emphasis(self):
        self.assertIn("\x1b[1m", self.terminal("space", "list", columns=200)[1])
        self.assertNotIn("\x1b", self.terminal("space", "list", columns=200, env={"NO_COLOR": "1"})[1])
        self.assertNotIn("\x1b", self.terminal("space", "list", columns=200, env={"TERM": "dumb"})[1])
        self.assertNotIn("\x1b", self.lathe("space", "list").stdout)

    def test_a_text_from_the_server_cannot_move_the_cursor(self):
        document = self.json("space", "show", "ofa-mbv3-w1.2")["document"]
        self.lathe("space", "add", self.file("own.json", json.dumps({**document, "id": "own", "title": "a\x1b[2Jb"})))
        self.assertIn("a?[2Jb", self.terminal("space", "list", columns=200, env={"NO_COLOR": "1"})[1])


if __name__ == "__main__":
    unittest.main()
