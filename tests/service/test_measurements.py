# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Whole subnets timed end to end."""
import unittest

from lathe_service import Agent, Server
from small_space import CONFIG, prepare, start_profile, wait_for_state

SUBNET = {"space": "small", "resolution": 64, "depth": [1, 1, 1], "kernel": [3, 5, 3], "expand": [3, 6, 4]}


class MeasurementTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)

    def measure(self, **changes):
        return self.server.call("POST", "/v1/measurements",
                                {"device": "here", "config": CONFIG, "subnet": SUBNET, **changes})

    def test_a_measurement_has_figures_in_the_end(self):
        status, headers, job = self.measure(visits=4, runs=6)
        self.assertEqual(status, 202)
        self.assertEqual(headers["Location"], f"/v1/measurements/{job['id']}")
        self.assertEqual((job["state"], job["latency_ms"], job["subnet"]), ("queued", None, SUBNET))
        with Agent(self.server):
            done = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual(done["error"], None)
        self.assertIn(done["count"], range(12, 25))
        self.assertLessEqual(done["min_ms"], done["p50_ms"])
        self.assertLessEqual(done["p50_ms"], done["p90_ms"])
        self.assertLessEqual(done["min_ms"], done["latency_ms"])
        low, high = done["latency_ms_range"]
        self.assertLess(low, high)
        self.assertLessEqual(low, done["latency_ms"])
        self.assertGreaterEqual(high, done["latency_ms"])
        self.assertGreater(done["latency_ms"], 0)
        self.assertEqual(self.server.call("GET", f"/v1/tables/here/{CONFIG}")[0], 404)

    def test_a_measurement_goes_before_a_profile(self):
        profile = start_profile(self.server)
        _, _, job = self.measure()
        with Agent(self.server):
            wait_for_state(self.server, job, "done")
            wait_for_state(self.server, profile, "done")
        measured = self.server.ok("GET", f"/v1/measurements/{job['id']}")
        self.assertIn(measured["count"], range(12, 501))  # ten to a hundred visits of five runs; disturbed ones may be left out
        self.assertLess(measured["updated"], self.server.ok("GET", f"/v1/profiles/{profile['id']}")["updated"])

    def test_a_measurement_can_be_cancelled(self):
        _, _, job = self.measure()
        self.assertEqual(self.server.ok("DELETE", f"/v1/measurements/{job['id']}")["state"], "cancelled")
        self.assertEqual(self.server.call("DELETE", f"/v1/measurements/{job['id']}")[0], 409)
        self.assertEqual([item["id"] for item in self.server.ok("GET", "/v1/measurements")["items"]], [job["id"]])

    def test_a_request_that_can_not_be_met_names_its_field(self):
        self.server.ok("POST", "/v1/devices", {"name": "uno", "transport": {"type": "serial", "port": "/dev/ttyACM0", "protocol": "mlperf-tiny"}})
        cases = [
            ({"device": "nobody"}, 404, "device"),
            ({"device": "uno"}, 422, "device"),
            ({"config": "xnnpack-f32"}, 400, "config"),
            ({"visits": 0}, 400, "visits"),
            ({"runs": 0}, 400, "runs"),
            ({"subnet": {**SUBNET, "space": "nowhere"}}, 400, "subnet.space"),
            ({"subnet": {k: v for k, v in SUBNET.items() if k != "space"}}, 400, "subnet.space"),
            ({"subnet": {**SUBNET, "resolution": 50}}, 400, "subnet.resolution"),
            ({"subnet": {**SUBNET, "kernel": [3, 7, 3]}}, 400, "subnet.kernel[1]"),
            ({"subnet": 5}, 400, "subnet"),
            ({"color": "blue"}, 400, "color"),
        ]
        for changes, status, field in cases:
            got, _, problem = self.measure(**changes)
            self.assertEqual((got, problem.get("field")), (status, field), (changes, problem))
        self.assertEqual(self.server.ok("GET", "/v1/measurements")["items"], [])


if __name__ == "__main__":
    unittest.main()
