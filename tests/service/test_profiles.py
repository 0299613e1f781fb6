# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Profiles end to end: server, agent and runner as they are, killed at bad moments."""
import os
import stat
import tempfile
import unittest

from lathe_service import Agent, Server, wait_for
from small_space import (CHOICES, CONFIG, ROWS, assert_complete, prepare, profile, start_profile, table,
                         wait_for_state, wait_for_visits)

# Long visits, so that a kill meets a lease in its middle: some seconds in all.
HELD_OUT = 10
SLOW = {"rounds": 4, "runs": 60}


class ProfileTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)

    def agent(self, name="agent", **arguments):
        agent = Agent(self.server, name, **arguments)
        self.addCleanup(agent.close)
        return agent

    def script(self, text):
        """A program in place of lathe-run."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "runner")
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, stat.S_IRWXU)
        return path

    def test_a_profile_fills_a_table_and_a_second_one_has_nothing_to_do(self):
        job = start_profile(self.server)
        self.assertEqual(job["state"], "queued")
        self.assertEqual(job["rows_total"], ROWS)
        self.assertEqual(job["networks"], 3 * CHOICES + HELD_OUT)
        self.assertEqual(job["visits_total"], (3 * CHOICES + HELD_OUT) * 4)
        self.agent()
        done = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual(done["error"], None)
        self.assertEqual((done["visits_done"], done["rows_done"]), (job["visits_total"], ROWS))
        assert_complete(self, self.server, done)
        information = self.server.ok("GET", f"/v1/tables/here/{CONFIG}")
        self.assertEqual(information["origin"], "measured")
        self.assertEqual(information["version"], 1)
        before = table(self.server)
        again = start_profile(self.server)
        self.assertEqual((again["state"], again["visits_total"], again["rows_done"]), ("done", 0, ROWS))
        self.assertEqual(table(self.server), before)

    def test_an_agent_killed_in_mid_lease_loses_nothing(self):
        job = start_profile(self.server, **SLOW)
        agent = self.agent()
        for least in (1, 20, 45):
            wait_for_visits(self.server, job, least)
            agent.kill()
            self.assertLess(profile(self.server, job)["visits_done"], job["visits_total"])
            agent.start()
        assert_complete(self, self.server, wait_for_state(self.server, job, "done"))

    def test_a_server_killed_in_mid_profile_loses_nothing(self):
        job = start_profile(self.server, **SLOW)
        self.agent()
        for least in (1, 20, 45):
            wait_for_visits(self.server, job, least)
            self.server.kill()
            self.server.start()
        assert_complete(self, self.server, wait_for_state(self.server, job, "done"))

    def test_an_agent_keeps_its_results_while_the_server_is_away(self):
        job = start_profile(self.server, **SLOW)
        agent = self.agent()
        wait_for_visits(self.server, job, 1)
        self.server.kill()
        wait_for("the agent misses its server", lambda: "failed to reach the server" in agent.stderr()
                 or "failed to ask for work" in agent.stderr() or "failed to release" in agent.stderr())
        self.server.start()
        assert_complete(self, self.server, wait_for_state(self.server, job, "done"))

    def test_a_server_that_is_told_to_stop_goes_on_where_it_was(self):
        job = start_profile(self.server, **SLOW)
        self.agent()
        wait_for_visits(self.server, job, 20)
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        assert_complete(self, self.server, wait_for_state(self.server, job, "done"))

    def test_an_agent_that_is_told_to_stop_leaves_its_work_to_another(self):
        job = start_profile(self.server, **SLOW)
        first = self.agent("first")
        wait_for_visits(self.server, job, 1)
        self.assertEqual(first.stop(), 0)
        # At once, but for a lease that was granted while the agent hung up: that one expires.
        wait_for("no lease is left", lambda: self.server.ok("GET", "/v1/devices/here")["state"] == "online")
        self.agent("second")
        assert_complete(self, self.server, wait_for_state(self.server, job, "done"))

    def test_a_cancelled_profile_stops_and_the_next_one_does_the_rest(self):
        job = start_profile(self.server, **SLOW)
        self.agent()
        wait_for_visits(self.server, job, 30)
        cancelled = self.server.ok("DELETE", f"/v1/profiles/{job['id']}")
        self.assertEqual(cancelled["state"], "cancelled")
        self.assertEqual(self.server.call("DELETE", f"/v1/profiles/{job['id']}")[0], 409)
        wait_for("the device is free", lambda: self.server.ok("GET", "/v1/devices/here")["state"] == "online")
        self.assertEqual(profile(self.server, job)["visits_done"], cancelled["visits_done"])
        rest = start_profile(self.server, **SLOW)
        self.assertLess(rest["visits_total"], job["visits_total"])
        wait_for_state(self.server, rest, "done")
        for text, entry in table(self.server).items():
            self.assertGreaterEqual(entry["samples"], 3 * SLOW["rounds"] * SLOW["runs"], text)
        self.assertEqual(start_profile(self.server, **SLOW)["state"], "done")

    def test_a_missing_runner_fails_the_profile_at_once(self):
        job = start_profile(self.server)
        self.agent(runner="/nonexistent/lathe-run")
        failed = wait_for_state(self.server, job, "failed", "done")
        self.assertIn("/nonexistent/lathe-run", failed["error"])

    def test_an_unknown_runtime_fails_the_profile_at_once(self):
        job = start_profile(self.server, config="nosuch-f32-t1-b1")
        self.agent()
        self.assertIn("nosuch", wait_for_state(self.server, job, "failed", "done")["error"])

    def test_a_runner_that_always_crashes_fails_the_profile_after_three_times(self):
        job = start_profile(self.server)
        agent = self.agent(runner=self.script("kill -SEGV $$\n"))
        failed = wait_for_state(self.server, job, "failed", "done")
        self.assertIn("3 times", failed["error"])
        self.assertEqual(agent.stderr().count("took lease"), 3)
        self.assertEqual(self.server.call("GET", f"/v1/tables/here/{CONFIG}")[0], 404)

    def test_a_profile_waits_for_an_agent(self):
        job = start_profile(self.server)
        self.assertEqual(self.server.ok("GET", "/v1/devices/here")["state"], "offline")
        self.assertEqual(profile(self.server, job)["state"], "queued")
        self.server.ok("DELETE", f"/v1/profiles/{job['id']}")

    def test_profiles_are_listed_in_pages(self):
        ids = []
        for _ in range(3):
            job = start_profile(self.server)
            ids.append(job["id"])
            self.server.ok("DELETE", f"/v1/profiles/{job['id']}")
        first = self.server.ok("GET", "/v1/profiles?limit=2")
        rest = self.server.ok("GET", f"/v1/profiles?limit=2&cursor={first['next']}")
        self.assertEqual(sorted(job["id"] for job in first["items"] + rest["items"]), sorted(ids))
        self.assertEqual(len(rest["items"]), 1)
        self.assertIsNone(rest["next"])

    def test_profiles_are_listed_by_mode(self):
        job = start_profile(self.server)
        self.server.ok("DELETE", f"/v1/profiles/{job['id']}")
        self.assertEqual([p["id"] for p in self.server.ok("GET", "/v1/profiles?mode=layers")["items"]], [job["id"]])
        self.assertEqual(self.server.ok("GET", "/v1/profiles?mode=night")["items"], [])
        status, _, problem = self.server.call("GET", "/v1/profiles?mode=sometimes")
        self.assertEqual((status, problem["field"]), (400, "mode"))
        self.assertEqual(self.server.call("GET", "/v1/measurements?mode=layers")[0], 400)

    def test_a_request_that_can_not_be_met_names_its_field(self):
        self.server.ok("POST", "/v1/devices", {"name": "far", "transport": {"type": "serial", "port": "/dev/ttyX", "protocol": "mlperf-tiny"}})
        cases = [
            ({"device": "nobody"}, 404, "device"),
            ({"device": "far"}, 422, "device"),
            ({"device": 5}, 400, "device"),
            ({"config": "xnnpack"}, 400, "config"),
            ({"space": "nowhere"}, 400, "space"),
            ({"resolutions": [48, 50]}, 400, "resolutions"),
            ({"resolutions": []}, 400, "resolutions"),
            ({"resolutions": ["48"]}, 400, None),
            ({"rounds": 0}, 400, "rounds"),
            ({"runs": 1001}, 400, "runs"),
            ({"warmup": 0}, 400, "warmup"),
            ({"seed": -1}, 400, "seed"),
            ({"color": "blue"}, 400, "color"),
        ]
        for changes, status, field in cases:
            request = {"device": "here", "config": CONFIG, "space": "small", **changes}
            got, headers, problem = self.server.call("POST", "/v1/profiles", request)
            self.assertEqual(got, status, (changes, problem))
            self.assertEqual(headers["Content-Type"], "application/problem+json")
            if field:
                self.assertEqual(problem["field"], field)
        self.assertEqual(self.server.call("GET", "/v1/profiles/p-0")[0], 404)
        self.assertEqual(self.server.call("DELETE", "/v1/profiles/p-0")[0], 404)
        self.assertEqual(self.server.ok("GET", "/v1/profiles")["items"], [])

    def test_an_agent_may_not_start_profiles(self):
        token = self.server.new_token("agent", "lab")
        request = {"device": "here", "config": CONFIG, "space": "small"}
        self.assertEqual(self.server.call("POST", "/v1/profiles", request, token=token)[0], 403)


if __name__ == "__main__":
    unittest.main()
