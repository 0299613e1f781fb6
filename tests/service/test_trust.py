# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What a table says of itself, and subnets that are measured before they are handed over: real agents and runners."""
import json
import pathlib
import tempfile
import unittest

from cli_case import LARGER, samples
from lathe_service import Agent, Server
from small_space import CONFIG, ROWS, SPACE, prepare, profile, start_profile, table, wait_for_state

PYTHON = "/usr/bin/python3"  # of the system, which has what runners import
TABLE = f"here/{CONFIG}"


class TrustTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)

    def campaign(self, **changes):
        """A profile as people ask for it: no fixed rounds."""
        job = start_profile(self.server, **{"rounds": None, "runs": None, **changes})
        return wait_for_state(self.server, job, "done", "failed", "cancelled")

    def test_a_profile_says_how_far_its_table_can_be_trusted(self):
        with Agent(self.server):
            job = self.campaign()
        trust = self.server.ok("GET", f"/v1/tables/{TABLE}")["trust"]
        self.assertEqual((job["state"], job["progress"], job["eta_s"]), ("done", 1, 0))
        self.assertIn(job["stopped_by"], ("ci", "rounds"))
        self.assertEqual((trust["subnets"], len(trust["held_out"])), (10, 10))
        for name in ("mape", "worst", "factor", "cpu_share", "trusted"):
            self.assertEqual(trust[name], job["trust"][name], name)
        self.assertLessEqual(trust["mape"], trust["worst"])
        self.assertGreater(trust["factor"], 0.5)
        self.assertLess(trust["factor"], 2)
        # Told before, spent in the end.
        self.assertGreater(job["estimate_s"], 0)
        self.assertLessEqual(job["device_s"], job["elapsed_s"] * 1.05)
        entries = table(self.server)
        self.assertEqual(len(entries), ROWS)
        if job["stopped_by"] == "ci":
            for text, entry in entries.items():
                self.assertLessEqual(entry["ci_ms"], 0.021 * entry["latency_ms"], text)

    def test_held_out_subnets_are_no_part_of_the_rows(self):
        with Agent(self.server):
            self.campaign(held_out=3, ci=0.5)
        job = self.server.ok("GET", "/v1/profiles")["items"][0]
        stem = [e for text, e in table(self.server).items() if text.startswith("conv2d in=48x48x3 ")][0]
        self.assertEqual(job["trust"]["subnets"], 3)
        self.assertEqual(stem["samples"], (job["networks"] - 3) * 4 * 3)

    def test_a_calibration_takes_held_out_subnets_alone(self):
        with Agent(self.server):
            self.campaign(ci=0.5)
            before = table(self.server)
            job = self.campaign(calibrate=True, ci=0.5)
        self.assertEqual((job["networks"], job["rows_done"]), (10, ROWS))
        after = self.server.ok("GET", f"/v1/tables/{TABLE}")
        self.assertEqual((after["version"], after["trust"]["profile"]), (1, job["id"]))
        self.assertEqual({t: e["samples"] for t, e in table(self.server).items()}, {t: e["samples"] for t, e in before.items()})

    def test_a_budget_is_kept(self):
        with Agent(self.server):
            job = self.campaign(budget_s=0.05, ci=0.0001)
        # An interval that can't be reached: without a budget it would go on for 32 rounds.
        self.assertEqual((job["state"], job["stopped_by"]), ("done", "budget"))
        self.assertGreater(job["rows_wide"], 0)
        self.assertLess(job["visits_done"], 16 * job["networks"])

    def test_other_ways_of_measuring_are_versions_of_their_own(self):
        with Agent(self.server):
            self.campaign(ci=0.5)
            isolated = self.campaign(mode="isolated")
            self.assertEqual(self.server.ok("GET", f"/v1/tables/{TABLE}")["fingerprint"]["method"], "isolated")
            regression = self.campaign(mode="regression", held_out=4)
        self.assertEqual(isolated["rows_done"], ROWS)
        self.assertEqual(regression["rows_done"], ROWS)
        self.assertEqual(regression["trust"]["subnets"], 4)
        self.assertEqual(self.server.ok("GET", f"/v1/tables/{TABLE}")["version"], 3)

    def test_what_can_not_be_asked_names_its_field(self):
        cases = [({"ci": 1}, "ci"), ({"ci": -0.1}, "ci"), ({"budget_s": -1}, "budget_s"), ({"held_out": 101}, "held_out"),
                 ({"mode": "guess"}, "mode"), ({"calibrate": True, "held_out": 0}, "held_out")]
        for changes, field in cases:
            status, _, problem = self.server.call("POST", "/v1/profiles", {"device": "here", "config": CONFIG, "space": "small", **changes})
            self.assertEqual((status, problem["field"]), (400, field), changes)

    def test_a_measurement_is_told_at_the_tables_speed_and_as_it_was(self):
        subnet = {"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 5, 3], "expand": [3, 6, 4]}
        with Agent(self.server):
            self.campaign(ci=0.5)
            job = self.server.ok("POST", "/v1/measurements", {"device": "here", "config": CONFIG, "subnet": subnet})
            done = wait_for_state(self.server, job, "done", "failed")
        self.assertGreater(done["drift"], 0)
        self.assertGreater(done["raw_ms"], 0)
        # Undisturbed runs are scaled by the drift and nothing else; it moves a little while they run.
        if done["cpu_share"] == 0:
            self.assertAlmostEqual(done["latency_ms"] * done["drift"] / done["raw_ms"], 1, delta=0.3)


def truth_ms(text):
    """What the scripted device takes for a layer, from its text."""
    fields = dict(f.split("=") for f in text.split()[1:])
    (_, _, in_c), (h, w, c) = (map(int, fields[name].split("x")) for name in ("in", "out"))
    return (20000 + h * w * c * int(fields.get("mid", in_c)) // 400) / 1e6


class ConditionsTest(unittest.TestCase):
    """A device that is made up gets throttled, or starts hot."""

    CONFIG = "scripted-f32-t1-b1"

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.log = pathlib.Path(self.folder.name, "log")
        self.server.ok("PUT", "/v1/spaces/small", SPACE)

    def profile(self, script, rounds=None, **device):
        runner = [PYTHON, str(pathlib.Path(__file__).with_name("scripted_runner.py")), str(self.log), json.dumps(script)]
        config = pathlib.Path(self.folder.name, "agent.json")
        config.write_text(json.dumps({"runtimes": {"scripted": runner}}), encoding="utf-8")
        self.server.ok("POST", "/v1/devices", {"name": "here", "transport": {"type": "local", **device}})
        with Agent(self.server, args=("--config", str(config))):
            job = start_profile(self.server, config=self.CONFIG, rounds=rounds, runs=None)
            return wait_for_state(self.server, job, "done", "failed")

    def lines(self):
        return [line.split() for line in self.log.read_text(encoding="utf-8").splitlines()]

    def test_what_was_measured_while_throttled_is_measured_again(self):
        job = self.profile({"throttled": [2.5, 3.5]}, rounds=8)
        self.assertEqual((job["state"], job["error"], job["throttled"]), ("done", None, 0))
        self.assertGreater(job["redone"], 0)
        self.assertIn("slow", [what for what, _ in self.lines()])
        for text, entry in table(self.server, config=self.CONFIG).items():
            self.assertAlmostEqual(entry["latency_ms"] / truth_ms(text), 1, delta=0.001, msg=text)
        self.assertLess(job["trust"]["worst"], 0.001)

    def test_a_hot_device_is_waited_for(self):
        job = self.profile({"hot_c": 60, "cools_c_a_s": 10}, cool_below_c=45)
        self.assertEqual((job["state"], job["throttled"]), ("done", 0))
        self.assertLess(float(self.lines()[0][1]), 45.1)


class VerifyTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.server.ok("PUT", f"/v1/spaces/{LARGER['id']}", LARGER)
        self.server.ok("POST", "/v1/devices", {"name": "here", "transport": {"type": "local"}})
        status, _, _ = self.server.call("POST", f"/v1/predictors/mine/train?space={LARGER['id']}", samples(400).encode(), ctype="text/csv")
        self.assertIn(status, (200, 201))

    def ask(self, limit_ms, **changes):
        return {"table": TABLE, "space": LARGER["id"], "predictor": "mine", "resolutions": [112],
                "constraints": {"latency_ms": limit_ms}, "verify": True, **changes}

    def test_what_is_handed_over_was_measured_within_the_limit(self):
        with Agent(self.server):
            job = self.server.ok("POST", "/v1/profiles", {"device": "here", "config": CONFIG, "space": LARGER["id"], "resolutions": [112],
                                                          "ci": 0.5})
            wait_for_state(self.server, job, "done", "failed")
            least = self.server.ok("POST", "/v1/subnets", {**self.ask(1000), "verify": False, "objective": "latency",
                                                           "constraints": {"min_top1": 0.01}})["latency_ms"]
            limit = least * 1.5
            answer = self.server.ok("POST", "/v1/subnets", self.ask(limit))
            verified = answer["verified"]
            low, high = verified["latency_ms_range"]
            self.assertEqual(verified["asked_ms"], limit)
            self.assertLessEqual(verified["latency_ms"] - (high - low) / 2, limit)
            measured = self.server.ok("GET", f"/v1/measurements/{verified['measurement']}")
            self.assertEqual((measured["subnet"], measured["latency_ms"]), (answer["subnet"], verified["latency_ms"]))
            self.assertLessEqual(len(verified["attempts"]), 5)
            self.assertIn(verified["measurement"], [a["measurement"] for a in verified["attempts"]])
            self.assertEqual(self.server.ok("GET", f"/v1/tables/{TABLE}")["correction"], verified["correction"])
            # Nothing meets a limit far below the least.
            status, _, problem = self.server.call("POST", "/v1/subnets", self.ask(least / 10))
            self.assertEqual((status, problem["field"]), (422, "constraints.latency_ms"), json.dumps(problem))

    def test_without_an_agent_it_is_refused_at_once(self):
        status, _, problem = self.server.call("POST", "/v1/subnets", self.ask(10))
        self.assertEqual((status, problem["field"]), (409, "verify"))
        self.assertIn("offline", problem["detail"])


if __name__ == "__main__":
    unittest.main()
