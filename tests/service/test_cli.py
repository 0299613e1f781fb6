# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The lathe command against a real server, agent and runner."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from lathe_service import WAIT_S, Agent, Server, program, test_data
from small_space import CONFIG, prepare

YAML = "Conv-input:16x16x3-output:8x8x8:\n  count: 10\n  mean: 0.5\n  std: 0.01\n"


class CliTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def lathe(self, *args, code=0, text=None, env=None):
        done = subprocess.run([program("lathe"), *args], capture_output=True, text=True, timeout=WAIT_S, input=text if text is not None else "",
                              env={**os.environ, "LATHE_DATA": self.server.data, **(env or {})})
        self.assertEqual(done.returncode, code, (args, done.stdout, done.stderr))
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def json(self, *args, **kw):
        return json.loads(self.lathe(*args, "--json", **kw).stdout)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def test_every_verb_has_help_with_examples(self):
        listed = self.lathe("--help").stdout
        for noun in ("device", "profile", "table", "space", "predictor", "token"):
            verbs = [line.split()[1] for line in self.lathe(noun, "--help").stdout.splitlines() if line.startswith(f"  {noun} ")]
            for verb in verbs:
                self.assertIn(f"{noun} {verb}", listed)
                if verb.islower():
                    self.assertIn("Examples:", self.lathe(noun, verb, "--help").stdout)
        for verb in ("profile", "subnet", "measure", "status"):
            if verb != "profile":
                self.assertIn("Examples:", self.lathe(verb, "--help").stdout)

    def test_usage_errors_exit_2_and_name_what_is_wrong(self):
        for args, part in ((["frobnicate"], "frobnicate"), (["device", "add"], "too few"), (["device", "list", "x"], "x"),
                           (["device", "add", "d", "--transprt", "local"], "--transport?"), (["subnet", "d/c", "--latency-ms", "fast"], "fast"),
                           (["subnet", "d/c", "--space"], "value"), (["subnet", "d/c", "--space", "s"], "limit"),
                           (["profile", "d", "--config", "c"], "--space"), (["table", "show", "nothing"], "DEVICE/CONFIG"),
                           (["table", "export", "d/c", "--format", "xml"], "--format"), (["device", "fly", "x"], "fly")):
            self.assertIn(part, self.lathe(*args, code=2).stderr)

    def test_devices_are_added_listed_changed_and_removed(self):
        self.lathe("device", "add", "pi4", "--transport", "ssh", "--destination", "pi@10.0.0.7", "--port", "2222")
        self.assertEqual(self.json("device", "show", "pi4")["transport"], {"type": "ssh", "destination": "pi@10.0.0.7", "port": 2222})
        self.lathe("device", "edit", "pi4", "--agent", "lab")
        lines = self.lathe("device", "list").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["DEVICE", "STATE", "TRANSPORT", "AGENT", "LAST", "SEEN"])
        self.assertEqual(lines[1].split(), ["pi4", "offline", "ssh", "lab", "-"])
        self.assertEqual(lines[0].index("STATE"), lines[1].index("offline"))
        self.assertIn("--yes", self.lathe("device", "remove", "pi4", code=1).stderr)
        self.lathe("device", "remove", "pi4", "--yes")
        self.lathe("device", "show", "pi4", code=3)
        self.assertIn("No devices", self.lathe("device", "list").stdout)

    def test_a_servers_refusal_is_one_line_with_the_field(self):
        done = self.lathe("device", "add", "x", "--transport", "ssh", "--destination", "-o", code=1)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("destination", done.stderr)

    def test_tables_go_in_and_out_of_files(self):
        answer = self.json("table", "import", "n/x-f32-t1-b1", self.file("160.yaml", YAML))
        self.assertEqual(answer["items"][0]["rows"], 1)
        out = self.folder / "out.yaml"
        self.lathe("table", "export", "n/x-f32-t1-b1", "--format", "ofa-yaml", "--output", str(out))
        self.assertEqual(out.read_text(), YAML)
        for name in ("csv", "json", "ofa-json"):
            path = self.folder / ("copy." + name.replace("ofa-", ""))
            self.lathe("table", "export", "n/x-f32-t1-b1", "--format", name, "--output", str(path))
            self.lathe("table", "import", "copy/x-f32-t1-b1", str(path))
        self.assertIn("conv2d", self.lathe("table", "show", "n/x-f32-t1-b1").stdout)
        self.assertEqual(len(self.json("table", "list")["items"]), 2)
        done = self.lathe("table", "import", "n/x-f32-t1-b1", self.file("bad.yaml", YAML + "x:\n  mean: 1\n"), code=1)
        self.assertIn("bad.yaml", done.stderr)
        self.lathe("table", "delete", "copy/x-f32-t1-b1", code=1)
        self.lathe("table", "delete", "copy/x-f32-t1-b1", "--yes")
        self.lathe("table", "show", "copy/x-f32-t1-b1", code=3)
        self.lathe("table", "import", "n/x-f32-t1-b1", "/nowhere.yaml", code=3)

    def test_a_device_is_profiled_and_measures_a_subnet(self):
        prepare(self.server)
        ask = ["profile", "here", "--config", CONFIG, "--space", "small", "--resolutions", "48", "--rounds", "1", "--wait"]
        subnet = self.file("subnet.json", json.dumps({"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 5, 3],
                                                      "expand": [3, 4, 6]}))
        with Agent(self.server):
            self.assertIn("done", self.lathe(*ask).stdout)
            self.assertIn("already", self.lathe(*ask).stdout)
            states = [p["state"] for p in self.json("profile", "list")["items"]]
            self.assertEqual(states, ["done", "done"])
            measured = self.json("measure", "here", "--config", CONFIG, "--subnet", subnet)
            self.assertGreater(measured["latency_ms"], 0)
            self.assertEqual(measured["count"], 50)
            self.assertIn(" ms (95% interval", self.lathe("measure", "here", "--config", CONFIG, "--subnet", "-",
                                                          text=pathlib.Path(subnet).read_text()).stdout)
        self.lathe("profile", "cancel", self.json("profile", "list")["items"][0]["id"], code=1)
        self.lathe("profile", "show", "p-nothing", code=3)

    def test_a_limit_that_cannot_be_met_exits_4_and_says_the_least(self):
        for resolution in (160, 176):
            self.lathe("table", "import", "note10/tflite-f32-t1-b1", str(test_data(f"ofa/note10/{resolution}_lookup_table.yaml")))
        ask = ["subnet", "note10/tflite-f32-t1-b1", "--space", "ofa-mbv3-w1.2", "--latency-ms"]
        self.assertIn("least", self.lathe(*ask, "1", code=4).stderr)
        self.assertIn("top-1", self.lathe(*ask, "20").stdout)
        self.assertLessEqual(self.json(*ask, "20")["latency_ms"], 20)
        done = self.lathe(*ask, "20", "--resolutions", "160,164", code=1)
        self.assertIn("lathe profile note10", done.stderr)

    def test_tokens_are_made_and_revoked(self):
        token = self.lathe("token", "create", "lab", "--role", "agent").stdout.strip()
        self.assertTrue(token.startswith("lathe_"))
        self.assertIn("lab", self.lathe("token", "list").stdout)
        self.lathe("token", "revoke", "lab", "--yes")
        self.lathe("token", "revoke", "lab", "--yes", code=3)

    def test_predictors_and_spaces_are_listed(self):
        self.assertIn("ofa-mbv3-w1.2-ridge", self.lathe("predictor", "list").stdout)
        self.assertIn("ofa-mbv3-w1.2", self.lathe("space", "list").stdout)
        document = self.json("space", "show", "ofa-mbv3-w1.2")["document"]
        self.lathe("space", "add", self.file("own.json", json.dumps({**document, "id": "own"})))
        self.assertEqual(self.json("space", "show", "own")["id"], "own")
        self.assertEqual(self.json("status")["status"], "ok")

    def test_no_server_and_no_token_are_said(self):
        nowhere = {"LATHE_DATA": str(self.folder / "none")}
        self.assertIn("no server", self.lathe("status", code=1, env=nowhere).stderr)
        self.assertIn("no token", self.lathe("status", "--server", self.server.url, code=1, env=nowhere).stderr)
        self.assertIn("can't reach", self.lathe("status", "--server", "http://127.0.0.1:1", code=1).stderr)


if __name__ == "__main__":
    unittest.main()
