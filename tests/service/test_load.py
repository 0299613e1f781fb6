# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Many clients, clients that go, and a server that dies or stops in the midst of work."""
import resource
import socket
import threading
import time
import unittest

from lathe_service import WAIT_S, Server, test_data, wait_for
from small_space import prepare, start_profile

CONNECTIONS = 1000


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S)


def metric(server, name):
    text = server.call("GET", "/metrics", token="", accept="text/plain")[2].decode()
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")).get(name)


class LoadTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def test_a_thousand_connections_are_all_answered(self):
        request = f"GET /v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.token}\r\n\r\n".encode()
        clients = [connect(self.server) for _ in range(CONNECTIONS)]
        try:
            for s in clients:
                s.sendall(request)
            for s in clients:
                self.assertTrue(s.recv(65536).startswith(b"HTTP/1.1 200 "))
        finally:
            for s in clients:
                s.close()

    def test_a_low_soft_limit_of_open_files_is_raised(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        server = Server()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.addCleanup(server.close)
        idle = [connect(server) for _ in range(300)]
        try:
            self.assertEqual(server.call("GET", "/v1/devices")[0], 200)
        finally:
            for s in idle:
                s.close()

    def test_a_search_that_nobody_waits_for_ends(self):
        for size in (160, 176):
            text = test_data(f"ofa/note10/{size}_lookup_table.yaml").read_bytes()
            self.server.ok("POST", "/v1/tables/n/x-f32-t1-b1/entries", text, ctype="application/yaml")
        body = (b'{"table":"n/x-f32-t1-b1","space":"ofa-mbv3-w1.2","constraints":{"latency_ms":25},'
                b'"algorithm":"evolution","evolution":{"population":10000,"generations":100000}}')
        with connect(self.server) as s:
            s.sendall(f"POST /v1/subnets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.server.token}\r\nContent-Type: application/json\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            wait_for("the search runs", lambda: metric(self.server, "lathe_http_requests_running") == "2")
        wait_for("the search ends", lambda: metric(self.server, "lathe_http_requests_running") == "1")

    def test_metrics_count_by_route_and_jobs_by_state(self):
        prepare(self.server)
        start_profile(self.server)
        self.server.call("GET", "/v1/devices/none")
        self.assertEqual(metric(self.server, 'lathe_http_requests_total{method="GET",route="/v1/devices/{device}",status="4xx"}'), "1")
        self.assertEqual(metric(self.server, 'lathe_http_requests_total{method="PUT",route="/v1/spaces/{space}",status="2xx"}'), "1")
        self.assertEqual(metric(self.server, 'lathe_jobs{kind="profile",state="queued"}'), "1")
        self.assertEqual(metric(self.server, 'lathe_jobs{kind="measurement",state="done"}'), "0")

    def test_a_kill_among_writers_loses_nothing_that_was_acknowledged(self):
        acknowledged, lock = [], threading.Lock()

        def write(worker):
            for i in range(100000):
                name = f"d{worker}-{i}"
                try:
                    if self.server.call("POST", "/v1/devices", {"name": name, "transport": {"type": "local"}})[0] != 201:
                        return
                except OSError:
                    return
                except Exception:  # an answer that was cut off is none
                    return
                with lock:
                    acknowledged.append(name)

        writers = [threading.Thread(target=write, args=(i,)) for i in range(8)]
        for w in writers:
            w.start()
        wait_for("some writes", lambda: len(acknowledged) >= 50)
        self.server.kill()
        for w in writers:
            w.join(WAIT_S)
        self.server.start()
        names, cursor = set(), ""
        while cursor is not None:
            page = self.server.ok("GET", "/v1/devices?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
            names |= {d["name"] for d in page["items"]}
            cursor = page["next"]
        self.assertGreaterEqual(len(acknowledged), 50)
        self.assertEqual(set(acknowledged) - names, set())

    def test_a_stop_answers_those_who_wait(self):
        token, statuses = self.server.new_token("agent", "lab"), []

        def wait():
            statuses.append(self.server.call("POST", "/v1/agents/lab/leases?wait_s=60", {}, token=token)[0])

        waiter = threading.Thread(target=wait)
        waiter.start()
        wait_for("the agent waits", lambda: metric(self.server, "lathe_http_requests_running") == "2")
        started = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        waiter.join(WAIT_S)
        self.assertLess(time.monotonic() - started, 30)
        self.assertEqual(len(statuses), 1)
        self.assertIn(statuses[0], (204, 503))


class RemovalTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)
        self.agent = self.server.new_token("agent", "lab")

    def post(self, path, body):
        return self.server.call("POST", path, body, token=self.agent)

    def test_a_device_that_goes_takes_its_work_along(self):
        job = start_profile(self.server)
        _, _, lease = self.post("/v1/agents/lab/leases", {})
        self.assertEqual(self.server.call("DELETE", "/v1/devices/here")[0], 204)
        self.assertEqual(self.server.ok("GET", f"/v1/profiles/{job['id']}")["state"], "cancelled")
        layers = {n["network"]: len(n["layers"]) for n in lease["networks"]}
        visits = []
        for visit in lease["visits"]:
            rows = [[1000] * layers[visit["network"]]] * lease["runs"]
            visits.append({**visit, "wall_ns": rows, "cpu_ns": rows, "total_ns": [9000] * lease["runs"],
                           "preempted": [[0] * layers[visit["network"]]] * lease["runs"]})
        results = {"fence": lease["fence"], "fingerprint": {"runner": "test"}, "visits": visits}
        self.assertEqual(self.post(f"/v1/leases/{lease['id']}/results", results)[0], 409)
        self.assertEqual(self.server.ok("GET", "/v1/tables")["items"], [])

    def test_a_removal_that_is_refused_cancels_nothing(self):
        self.server.ok("POST", "/v1/tables/here/x-f32-t1-b1/entries", b"layer,mean_ms\nlinear in=1x1x8 out=1x1x10,0.5\n", ctype="text/csv")
        job = start_profile(self.server)
        self.assertEqual(self.server.call("DELETE", "/v1/devices/here")[0], 409)
        self.assertEqual(self.server.ok("GET", f"/v1/profiles/{job['id']}")["state"], "queued")


if __name__ == "__main__":
    unittest.main()
