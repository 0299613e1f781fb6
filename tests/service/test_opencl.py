# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A table of an OpenCL device, and a subnet timed on it. Skips where lathe-run has no device to run on."""
import json
import subprocess
import unittest

from lathe_service import Agent, Server, program
from small_space import ROWS, prepare, start_profile, table, wait_for_state

CONFIG = "opencl-f32-t1-b1"
SUBNET = {"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 5, 3], "expand": [3, 6, 4]}


def run(*args):
    return subprocess.run([program("lathe-run"), *args], check=True, capture_output=True).stdout


class OpenclTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        found = json.loads(run("list", "--json"))
        cls.devices = [device["name"] for runtime in found["runtimes"] for device in runtime.get("devices", [])]
        if not cls.devices:
            raise unittest.SkipTest("no OpenCL device is here")
        # The first product on a machine waits for CLBlast to be compiled: half a minute where it is busy.
        run("bench", "--runtime", "opencl", "--runs", "1", "linear in=1x1x3 out=1x1x2")

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)

    def test_a_profile_fills_a_table_of_the_device_and_a_subnet_takes_as_long_as_its_layers(self):
        job = start_profile(self.server, config=CONFIG)
        with Agent(self.server):
            self.assertEqual(wait_for_state(self.server, job, "done", "failed")["error"], None)
            measurement = self.server.ok("POST", "/v1/measurements",
                                         {"device": "here", "config": CONFIG, "subnet": SUBNET})
            measured = wait_for_state(self.server, measurement, "done", "failed")
        rows = table(self.server, config=CONFIG)
        self.assertEqual(len(rows), ROWS)
        self.assertTrue(all(row["latency_ms"] > 0 for row in rows.values()))
        fingerprint = self.server.ok("GET", f"/v1/tables/here/{CONFIG}")["fingerprint"]
        self.assertTrue(any(name.startswith(fingerprint["opencl_device"]) for name in self.devices), fingerprint)
        self.assertEqual(len(fingerprint["opencl_kernels"]), 16)
        self.assertEqual(measured["error"], None)
        self.assertGreater(measured["latency_ms"], 0)

    def test_a_device_that_is_not_there_ends_the_profile_with_those_that_are(self):
        job = start_profile(self.server, config=CONFIG)
        with Agent(self.server, env={"LATHE_OPENCL_DEVICE": "no such device"}):
            failed = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual(failed["state"], "failed")
        self.assertIn('no OpenCL device is called "no such device"', failed["error"])


if __name__ == "__main__":
    unittest.main()
