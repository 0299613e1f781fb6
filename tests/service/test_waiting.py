# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Prefer: wait - answers that come when a job has ended."""
import http.client
import threading
import time
import unittest

from lathe_service import WAIT_S, Agent, Server, wait_for
from small_space import CONFIG, prepare, start_profile

SUBNET = {"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 3, 3], "expand": [3, 3, 3]}
MEASURE = {"device": "here", "config": CONFIG, "subnet": SUBNET}


class WaitingTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)

    def get(self, path, prefer):
        return self.server.call("GET", path, headers={"Prefer": prefer})

    def in_background(self, call):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(call()))
        thread.start()
        self.addCleanup(thread.join)
        return answers, thread

    def jobs(self):
        """One of each kind, with their paths."""
        profile = start_profile(self.server)
        measurement = self.server.ok("POST", "/v1/measurements", MEASURE)
        clean = self.server.ok("POST", "/v1/devices/here/clean")
        return [f"/v1/{job['kind']}s/{job['id']}" for job in (profile, measurement, clean)]

    def running(self):
        """How many requests are under way, other than the one that asks."""
        text = self.server.call("GET", "/metrics", token="")[2].decode()
        return int([line for line in text.splitlines() if line.startswith("lathe_http_requests_running ")][0].split()[1]) - 1

    def test_the_answer_comes_when_the_job_has_ended(self):
        for path in self.jobs():
            answers, thread = self.in_background(lambda: self.get(path, "wait=60"))
            wait_for("it waits", lambda: self.running() == 1)
            self.server.ok("DELETE", path)
            thread.join(WAIT_S)
            status, headers, job = answers[0]
            self.assertEqual((status, job["state"], headers["Preference-Applied"]), (200, "cancelled", "wait=60"))
            self.assertEqual(self.get(path, "wait=60")[2]["state"], "cancelled")

    def test_or_when_the_time_is_over(self):
        for path in self.jobs():
            status, headers, job = self.get(path, "respond-async, wait=1")
            self.assertEqual((status, job["state"], headers["Preference-Applied"]), (200, "queued", "wait=1"))

    def test_a_measurement_is_answered_with_its_figures(self):
        agent = Agent(self.server)
        self.addCleanup(agent.stop)
        status, headers, job = self.server.call("POST", "/v1/measurements", MEASURE, headers={"Prefer": "wait=60"})
        self.assertEqual((status, job["state"], headers["Preference-Applied"]), (200, "done", "wait=60"), job)
        self.assertEqual(job, self.server.ok("GET", headers["Location"]))
        self.assertGreater(job["latency_ms"], 0)

    def test_a_measurement_that_goes_on_is_answered_202_and_where_it_is(self):
        status, headers, job = self.server.call("POST", "/v1/measurements", MEASURE, headers={"Prefer": "wait=1"})
        self.assertEqual((status, job["state"], headers["Location"]), (202, "queued", f"/v1/measurements/{job['id']}"))
        status, headers, _ = self.server.call("POST", "/v1/measurements", MEASURE)
        self.assertEqual((status, headers["Preference-Applied"]), (202, None))
        self.assertEqual(self.server.call("POST", "/v1/measurements", {}, headers={"Prefer": "wait=60"})[0], 400)

    def test_what_is_no_wait_is_passed_over(self):
        path = self.jobs()[0]
        for prefer in ("wait=x", "wait=-1", "return=minimal", ""):
            status, headers, _ = self.get(path, prefer)
            self.assertEqual((status, headers["Preference-Applied"]), (200, None), prefer)
        self.assertEqual(self.get(path, "wait=0")[1]["Preference-Applied"], "wait=0")

    def test_nobody_waits_for_what_is_not_there(self):
        self.assertEqual(self.get("/v1/profiles/p-none", "wait=60")[0], 404)

    def test_waiting_holds_no_thread(self):
        path = self.jobs()[0]
        threads = [self.in_background(lambda: self.get(path, "wait=60")) for _ in range(60)]
        wait_for("all wait", lambda: self.running() == 60)
        for _ in range(20):
            self.assertEqual(self.server.call("GET", "/v1/devices")[0], 200)
        self.server.ok("DELETE", path)
        for answers, thread in threads:
            thread.join(WAIT_S)
            self.assertEqual(answers[0][2]["state"], "cancelled")

    def test_who_has_gone_is_not_waited_for(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=WAIT_S)
        connection.request("GET", self.jobs()[0], headers={"Authorization": "Bearer " + self.server.token, "Prefer": "wait=60"})
        wait_for("it waits", lambda: self.running() == 1)
        connection.close()
        wait_for("it is forgotten", lambda: self.running() == 0, timeout=30)

    def test_stopping_answers_those_who_wait(self):
        path = self.jobs()[0]
        answers, thread = self.in_background(lambda: self.get(path, "wait=60"))
        wait_for("it waits", lambda: self.running() == 1)
        started = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        thread.join(WAIT_S)
        self.assertLess(time.monotonic() - started, 20)
        self.assertEqual((answers[0][0], answers[0][2]["state"]), (200, "queued"))


if __name__ == "__main__":
    unittest.main()
