# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Nightly runs over HTTP, with a real agent and runner: what a night finds, and what it survives."""
import multiprocessing
import os
import unittest

from lathe_service import Agent, Server, wait_for
from small_space import CONFIG, profile, table

# Layers that take long enough for a tenth to be seen beside whatever else the machine does.
SPACE = {
    "id": "night", "title": "night", "source": "made for tests", "family": "inverted_residual", "width": 1.0,
    "resolutions": [96, 128], "kernel": [3, 5], "expand": [3, 6],
    "stem": {"channels": 24, "kernel": 3, "stride": 2, "activation": "hswish"},
    "first": {"channels": 24, "kernel": 3, "activation": "relu", "residual": True},
    "stages": [
        {"channels": 32, "stride": 2, "activation": "relu", "squeeze_excite": False, "depth": [1, 2]},
        {"channels": 64, "stride": 2, "activation": "relu", "squeeze_excite": True, "depth": [1, 2]},
        {"channels": 96, "stride": 1, "activation": "hswish", "squeeze_excite": True, "depth": [1, 2]}],
    "head": [{"kind": "conv2d", "channels": 256, "kernel": 1, "activation": "hswish"}, {"kind": "avgpool"},
             {"kind": "linear", "features": 1000}]}
SUBNET = {"space": "night", "resolution": 96, "depth": [1, 1, 1], "kernel": [3, 0, 3, 0, 3, 0], "expand": [3, 0, 3, 0, 3, 0]}
REQUEST = {"devices": ["here"], "config": CONFIG, "space": "night", "resolutions": [96]}
SLOWDOWN = "LATHE_RUN_TEST_SLOWDOWN"


def prepare(server):
    server.ok("PUT", "/v1/spaces/night", SPACE)
    server.ok("POST", "/v1/devices", {"name": "here", "transport": {"type": "local"}})


def start(server, **changes):
    return server.ok("POST", "/v1/runs", {**REQUEST, **changes})


def look(server, run):
    return server.ok("GET", f"/v1/runs/{run['id']}")


def ended(server, run):
    def has_ended():
        now = look(server, run)
        return now if now["state"] != "running" else None

    return wait_for(f"the end of run {run['id']}", has_ended, timeout=240)


def measuring(server, run, least=3):
    """Wait until the first target's job has done some visits of many; its profile."""
    def begun():
        target = look(server, run)["targets"][0]
        if target["state"] != "measuring":
            return None
        job = profile(server, {"id": target["profile"]})
        return job if job["visits_done"] >= least else None

    return wait_for("some visits of a night", begun, timeout=120)


def busy(stop):
    os.nice(10)
    while not stop.is_set():
        pass


class NightlyTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)

    def agent(self, name="agent", **kw):
        agent = Agent(self.server, name=name, **kw)
        self.addCleanup(agent.close)
        return agent

    def night(self, **changes):
        return ended(self.server, start(self.server, **changes))

    def test_a_night_finds_the_kind_that_became_slower_and_nothing_before_that_under_load(self):
        agent = self.agent()
        first = self.night()
        self.assertEqual((first["outcome"], first["exit_code"]), ("unchanged", 0), first)
        self.assertTrue(first["targets"][0]["first"] and first["targets"][0]["accepted"])
        self.assertEqual(first["accepted"]["by"], "itself")
        stop = multiprocessing.Event()
        load = multiprocessing.Process(target=busy, args=(stop,), daemon=True)
        load.start()
        quiet = self.night()
        stop.set()
        load.join()
        self.assertEqual((quiet["outcome"], quiet["exit_code"], quiet["findings"]), ("unchanged", 0, []), quiet)
        self.assertEqual(quiet["targets"][0]["baseline_run"], first["id"])
        self.assertGreater(quiet["targets"][0]["rows_compared"], 20)
        agent.stop()
        # A tenth is found where nights are alike (test_nightly_cli); beside other tests they are not.
        slowed = self.agent("slowed", env={SLOWDOWN: "mbconv=1.5"})
        before = table(self.server)
        night = self.night(label="upgrade")
        self.assertEqual((night["outcome"], night["exit_code"]), ("regression", 5), night)
        kinds = [f for f in night["findings"] if f["scope"] == "kind"]
        self.assertEqual([(f["kind"], f["direction"]) for f in kinds], [("mbconv", "slower")], night["findings"])
        finding = kinds[0]
        self.assertTrue(1.25 < finding["ratio"] < 1.75, finding)
        self.assertTrue(finding["interval"][0] < finding["ratio"] < finding["interval"][1], finding)
        self.assertGreaterEqual(finding["confirmed"], 1)
        self.assertEqual(finding["since"]["run"], night["id"])
        self.assertGreater(len(finding["rows"]), 10)
        self.assertIn("mbconv layers", finding["sentence"])
        self.assertEqual(night["targets"][0]["fingerprint"], [], "the slowdown is not in the fingerprint")
        # Nights change no table; accepting does.
        self.assertEqual(table(self.server), before)
        accepted = self.server.ok("POST", f"/v1/runs/{night['id']}/accept", {"note": "on purpose"})
        self.assertEqual((accepted["accepted"]["by"], accepted["accepted"]["note"]), ("admin", "on purpose"))
        after = table(self.server)
        row = finding["rows"][0]["layer"]
        self.assertGreater(after[row]["latency_ms"], before[row]["latency_ms"] * 1.02)
        again = self.night()
        self.assertEqual((again["outcome"], again["targets"][0]["baseline_run"]), ("unchanged", night["id"]), again)
        nights = self.server.ok("GET", f"/v1/tables/here/{CONFIG}/nights?layer={row.replace(' ', '%20')}")
        self.assertEqual([n["run"] for n in nights["nights"]], [r["id"] for r in (first, quiet, night, again)])
        self.assertEqual([n["accepted"] for n in nights["nights"]], [True, False, True, False])
        slowed.stop()

    def test_a_night_goes_on_after_the_agent_and_the_server_were_killed(self):
        agent = self.agent()
        self.night()
        run = start(self.server)
        measuring(self.server, run)
        agent.kill()
        agent.start()
        job = measuring(self.server, run)
        self.server.kill()
        self.server.start()
        night = ended(self.server, run)
        self.assertEqual(night["state"], "done", night)
        self.assertEqual(night["exit_code"], 0, night)
        done = profile(self.server, job)
        self.assertEqual(done["visits_done"], done["visits_total"])
        jobs = self.server.ok("GET", "/v1/profiles?mode=night&limit=1000")["items"]
        self.assertEqual(len([j for j in jobs if j["run"] == run["id"]]), 1 + night["targets"][0]["confirmations"])
        self.assertEqual(night["targets"][0]["rows_compared"], night["targets"][0]["rows_total"])

    def test_a_device_that_vanishes_is_told_and_the_others_finish(self):
        self.server.ok("POST", "/v1/devices", {"name": "gone", "transport": {"type": "local"}, "agent": "nobody"})
        self.agent()
        night = self.night(devices="all", patience_s=3)
        self.assertEqual((night["outcome"], night["exit_code"]), ("incomplete", 6), night)
        states = {t["device"]: t for t in night["targets"]}
        self.assertEqual((states["here"]["state"], states["gone"]["state"]), ("done", "failed"))
        self.assertIn("no sign of life", states["gone"]["error"])
        self.assertEqual(self.server.ok("GET", "/v1/profiles")["items"][0]["state"] in ("cancelled", "done"), True)

    def test_a_shipped_subnet_that_misses_its_limit_is_told_with_one_that_meets_it(self):
        agent = self.agent()
        self.night()
        latency = self.server.ok("POST", "/v1/evaluations", {"table": f"here/{CONFIG}", "space": "night", "subnets": [SUBNET]})
        limit = latency["evaluations"][0]["latency_ms"] * 1.15
        shipped = self.server.ok("POST", "/v1/shipped", {"name": "camera", "table": f"here/{CONFIG}", "subnet": SUBNET,
                                                         "limits": {"latency_ms": limit}})
        first = self.night()
        self.server.ok("POST", f"/v1/runs/{first['id']}/accept", {})
        agent.stop()
        self.agent("slowed", env={SLOWDOWN: "mbconv=1.5"})
        night = self.night()
        told = [f for f in night["findings"] if f["scope"] == "subnet"]
        self.assertEqual([f["subnet"]["shipped"] for f in told], [shipped["id"]], night["findings"])
        self.assertGreater(told[0]["subnet"]["now_ms"], limit)
        self.assertEqual(night["counts"]["subnets"], 1)
        replacement = told[0]["subnet"]["replacement"]
        self.assertTrue(replacement is None or replacement["latency_ms"] <= limit, replacement)
        self.assertIn("camera", told[0]["sentence"])
        self.server.ok("DELETE", f"/v1/shipped/{shipped['id']}")
        self.assertEqual(self.server.ok("GET", "/v1/shipped")["items"], [])

    def test_a_run_can_be_cancelled_and_what_has_ended_can_not(self):
        run = start(self.server)
        cancelled = self.server.ok("DELETE", f"/v1/runs/{run['id']}")
        self.assertEqual((cancelled["state"], cancelled["exit_code"]), ("cancelled", None))
        self.assertEqual(self.server.call("DELETE", f"/v1/runs/{run['id']}")[0], 409)
        self.assertEqual(self.server.call("POST", f"/v1/runs/{run['id']}/accept", {})[0], 409)
        self.assertEqual(self.server.call("GET", "/v1/runs/run-0")[0], 404)
        listed = self.server.ok("GET", "/v1/runs?device=here")["items"]
        self.assertEqual([r["id"] for r in listed], [run["id"]])
        self.assertEqual(self.server.ok("GET", "/v1/runs?device=other")["items"], [])

    def test_a_bad_request_is_refused_with_its_field_and_leaves_nothing(self):
        for field, changes in (("devices", {"devices": ["nowhere"]}), ("devices", {"devices": []}), ("config", {"config": "a b"}),
                               ("space", {"space": "none"}), ("resolutions", {"resolutions": [97]}), ("min_effect", {"min_effect": 1}),
                               ("baseline", {"baseline": "run-0"}), ("confirmations", {"confirmations": 0}), ("devics", {"devics": 1})):
            status, _, problem = self.server.call("POST", "/v1/runs", {**REQUEST, **changes})
            self.assertIn(status, (400, 404), (changes, problem))
            self.assertEqual(problem["field"], field, problem)
        self.assertEqual(self.server.ok("GET", "/v1/runs")["items"], [])

    def test_monitors_see_when_and_how_the_last_night_ended(self):
        self.agent()
        night = self.night()
        text = self.server.call("GET", "/metrics", accept="text/plain")[2].decode()
        self.assertIn("lathe_nightly_last_run_exit_code 0\n", text)
        self.assertIn('lathe_nightly_findings{direction="slower"} 0\n', text)
        self.assertIn(f'lathe_nightly_age_seconds{{device="here",config="{CONFIG}"}} ', text)
        self.assertIn("lathe_nightly_active 0\n", text)
        self.assertEqual(night["counts"], {"slower": 0, "faster": 0, "subnets": 0, "failed": 0})


if __name__ == "__main__":
    unittest.main()
