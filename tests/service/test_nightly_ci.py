# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""ci/nightly as a CI runs it, and the workflow files that ship."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

import yaml

from lathe_service import WAIT_S, program, wait_for
from scripted_server import ScriptedServer, night, under_way

CI = pathlib.Path(__file__).resolve().parents[2] / "ci"
RUN = night("slower_stage")
PATH = f"/v1/runs/{RUN['id']}"


class ScriptTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def serve(self, answer):
        server = ScriptedServer(answer)
        self.addCleanup(server.close)
        return server

    def start(self, server, *args, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LATHE_", "GITHUB_", "CI_", "GIT_"))}
        values = {"LATHE": program("lathe"), "LATHE_SERVER": server.url, "LATHE_TOKEN": "of-the-ci", "LATHE_SPACE": "ofa-mbv3-w1.2",
                  "LATHE_CONFIGS": "xnnpack-f32-t1-b1 xnnpack-int8-t1-b1", "TMPDIR": str(self.folder), **environment}
        return subprocess.Popen([CI / "nightly", *args], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env={**kept, **{k: v for k, v in values.items() if v is not None}})

    def finish(self, proc, code):
        shown, errors = proc.communicate(timeout=WAIT_S)
        self.assertEqual(proc.returncode, code, (shown, errors))
        # The file with the token is gone, however it ended.
        self.assertEqual([p.name for p in self.folder.iterdir() if p.name.startswith("tmp.")], [])
        return shown, errors

    def test_a_night_leaves_reports_a_summary_and_its_exit_status(self):
        server = self.serve(lambda call: (201, under_way(RUN)) if call.method == "POST" else (200, RUN))
        summary = self.folder / "summary.md"
        summary.write_text("before\n")
        proc = self.start(server, "--min-effect", "3%", LATHE_BUDGET="20m", LATHE_RESOLUTIONS="160,224", LATHE_DEVICES="pi4", GITHUB_SHA="4f2c9d1",
                          GITHUB_STEP_SUMMARY=str(summary))
        shown, _ = self.finish(proc, 5)
        self.assertIn("SLOWER  stage 3", shown)
        [post] = server.asked("POST", "/v1/runs")
        self.assertEqual(post.headers["Authorization"], "Bearer of-the-ci")
        self.assertEqual({k: post.body[k] for k in ("devices", "budget_s", "resolutions", "label", "min_effect")},
                         {"devices": ["pi4"], "budget_s": 1200, "resolutions": [160, 224], "label": "4f2c9d1", "min_effect": 0.03})
        self.assertEqual(set(post.body["config"]), {"xnnpack-f32-t1-b1", "xnnpack-int8-t1-b1"})
        reports = self.folder / "nightly-reports"
        self.assertEqual(sorted(p.name for p in reports.iterdir()), ["nightly.json", "nightly.md", "nightly.xml"])
        self.assertEqual(json.loads((reports / "nightly.json").read_text()), RUN)
        self.assertEqual(summary.read_text(), "before\n" + (reports / "nightly.md").read_text())

    def test_a_ci_that_gives_up_leaves_or_cancels_the_run(self):
        for args, cancelled in (([], 0), (["--cancel-on-interrupt"], 1)):
            server = self.serve(lambda call: (201 if call.method == "POST" else 200, under_way(RUN)))
            proc = self.start(server, *args)
            wait_for("a look at the run", lambda: server.asked("GET", PATH))
            proc.send_signal(signal.SIGTERM)
            _, errors = self.finish(proc, 143)
            self.assertEqual(len(server.asked("DELETE", PATH)), cancelled, errors)

    def test_reports_of_the_night_before_are_not_taken_for_this_one(self):
        stale = self.folder / "nightly-reports" / "nightly.xml"
        stale.parent.mkdir()
        stale.write_text("of yesterday")
        server = self.serve(lambda call: (404, {"title": "Not found", "status": 404, "detail": "no space"}))
        self.finish(self.start(server), 3)
        self.assertFalse(stale.exists())

    def test_what_is_missing_is_said(self):
        server = self.serve(lambda call: (200, RUN))
        self.assertIn("LATHE_SPACE", self.finish(self.start(server, LATHE_SPACE=None), 2)[1])
        self.assertIn("install Lathe", self.finish(self.start(server, LATHE="no-such-lathe"), 1)[1])
        self.assertEqual(server.calls, [])
        shown, _ = self.finish(self.start(server, "--help"), 0)
        self.assertIn("LATHE_TOKEN_FILE", shown)
        self.assertNotIn("set -eu", shown)


class WorkflowsTest(unittest.TestCase):
    def load(self, name):
        return yaml.safe_load((CI / "workflows" / name).read_text())

    def variables(self, environment):
        """They must be ones that ci/nightly knows."""
        known = set(re.findall(r"^#   (LATHE\w*)", (CI / "nightly").read_text(), re.M))
        self.assertGreater(len(known), 8)
        self.assertLessEqual({k for k in environment if k.startswith("LATHE")}, known)

    def test_githubs_runs_each_night_and_shows_what_failed(self):
        flow = self.load("github-nightly.yml")
        self.assertRegex(flow[True]["schedule"][0]["cron"], r"^\d+ \d+ \* \* \*$")  # YAML 1.1 reads "on" as true
        job = flow["jobs"]["nightly"]
        self.assertEqual(job["runs-on"][0], "self-hosted")
        [step] = [s for s in job["steps"] if "ci/nightly" in s.get("run", "")]
        self.variables(step["env"])
        self.assertTrue((CI.parent / step["run"].split()[0]).exists())
        shown = {s["uses"].split("@")[0]: s for s in job["steps"] if "uses" in s}
        self.assertEqual(shown["actions/upload-artifact"]["if"], "always()")
        self.assertEqual(shown["mikepenz/action-junit-report"]["if"], "always()")
        self.assertEqual(shown["mikepenz/action-junit-report"]["with"]["report_paths"], "nightly-reports/nightly.xml")

    def test_gitlabs_runs_each_night_and_shows_what_failed(self):
        job = self.load("gitlab-nightly.yml")["lathe-nightly"]
        self.variables(job["variables"])
        self.assertEqual(job["artifacts"]["reports"]["junit"], "nightly-reports/nightly.xml")
        self.assertEqual(job["artifacts"]["when"], "always")
        self.assertEqual(job["allow_failure"]["exit_codes"], [6])
        self.assertTrue(any("schedule" in rule["if"] for rule in job["rules"]))
        self.assertTrue((CI.parent / job["script"][0].split()[0]).exists())

    def test_the_units_options_are_ones_that_lathe_has(self):
        unit = (CI / "workflows" / "lathe-nightly.service").read_text().replace("\\\n", "")
        [command] = re.findall(r"^ExecStart=(.*)$", unit, re.M)
        known = subprocess.run([program("lathe"), "nightly", "--help"], capture_output=True, text=True, check=True, timeout=WAIT_S).stdout
        for option in re.findall(r"--[\w-]+", command):
            self.assertIn(f"  {option} ", known)


if __name__ == "__main__":
    unittest.main()
