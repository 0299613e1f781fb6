# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""lathe-agent and lathe-run against a server that the test plays: what goes over the wire, and what happens when the
server is away, says no, or the runner dies."""
import http.server
import json
import os
import queue
import signal
import socket
import socketserver
import stat
import subprocess
import tempfile
import threading
import unittest

from lathe_service import WAIT_S, Process, program

LAYERS = [
    "conv2d in=16x16x3 out=8x8x8 k=3 s=2 act=hswish",
    "mbconv in=8x8x8 out=8x8x8 mid=24 k=3 s=1 act=relu res=1",
    "avgpool in=8x8x8 out=1x1x8",
    "linear in=1x1x8 out=1x1x10",
]


class Peer:
    """The server's side of a lease. Every request goes through `answer`, which tests replace; requests are recorded."""

    def __init__(self, port=0):
        self.leases = queue.Queue()
        self.requests = queue.Queue()
        self.answer = lambda path, body: None
        self.connections = []
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = peer.reply(self.path, body, self.headers)
                data = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def process_request(self, request, client_address):
                peer.connections.append(request)
                super().process_request(request, client_address)

            def handle_error(self, request, client_address):
                pass  # the agent went away, as tests make it do

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def reply(self, path, body, headers):
        self.requests.put((path, body))
        special = self.answer(path, body)
        if special is not None:
            return special
        if path.startswith("/v1/agents/"):
            assert headers["Authorization"] == "Bearer lathe_test"
            try:
                return 200, self.leases.get(timeout=0.2)
            except queue.Empty:
                return 204, None
        if path.endswith("/results"):
            return 200, {"accepted": len(body["visits"])}
        if path.endswith("/renew"):
            return 200, {"ttl_s": 30}
        return 204, None

    def close(self):
        """As a server that is killed: connections end, too."""
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended already
        self.thread.join()

    def next(self, ending):
        """The next request whose path ends so; polls for work are skipped."""
        while True:
            path, body = self.requests.get(timeout=WAIT_S)
            if path.endswith(ending):
                return body


def lease(number=1, visits=4, **changes):
    document = {
        "id": f"l-{number}", "fence": number, "ttl_s": 30, "kind": "profile", "job": "p-1",
        "device": {"name": "here", "transport": {"type": "local"}}, "config": "reference-f32-t1-b1",
        "per_layer": True, "warmup": 1, "runs": 2,
        "networks": [{"network": 0, "layers": LAYERS}, {"network": 5, "layers": LAYERS[1:]}],
        "visits": [{"visit": 10 + i, "network": 5 if i % 2 else 0} for i in range(visits)],
    }
    document.update(changes)
    return document


class AgentTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.token = os.path.join(self.folder.name, "token")
        with open(self.token, "w", encoding="ascii") as file:
            file.write("lathe_test\n")
        self.peer = Peer()
        self.addCleanup(lambda: self.peer.close())
        self.agent = None
        self.addCleanup(self.kill_agent)

    def kill_agent(self):
        if self.agent:
            self.agent.kill()

    def start(self, *arguments):
        self.agent = Process([program("lathe-agent"), "--server", self.peer.url, "--name", "lab", "--token-file",
                              self.token, *arguments])
        return self.agent

    def gather(self, expected, seen=None):
        """Results until all expected visits have come. Visit -> its document."""
        seen = {} if seen is None else seen
        while set(seen) != set(expected):
            body = self.peer.next("/results")
            for visit in body["visits"]:
                seen[visit["visit"]] = visit
            self.assertLessEqual(set(seen), set(expected))
        return seen

    def runner(self, script):
        """A program in place of lathe-run."""
        path = os.path.join(self.folder.name, "runner")
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, stat.S_IRWXU)
        return path

    def test_a_lease_is_worked_off_and_released(self):
        self.peer.leases.put(lease())
        self.start()
        body = self.peer.next("/results")
        self.assertEqual(body["fence"], 1)
        self.assertTrue(body["fingerprint"])
        self.assertTrue(all(isinstance(v, str) for v in body["fingerprint"].values()))
        seen = self.gather({10, 11, 12, 13}, {v["visit"]: v for v in body["visits"]})
        for number, visit in seen.items():
            layers = 3 if number % 2 else 4
            self.assertEqual(visit["network"], 5 if number % 2 else 0)
            self.assertEqual(len(visit["total_ns"]), 2)
            for name in ("wall_ns", "cpu_ns", "preempted"):
                self.assertEqual([len(run) for run in visit[name]], [layers, layers])
            for run in range(2):
                self.assertGreater(min(visit["wall_ns"][run]), 0)
                self.assertGreaterEqual(visit["total_ns"][run], sum(visit["wall_ns"][run]))
        self.assertEqual(self.peer.next("/release"), {"fence": 1})

    def test_a_measurement_reports_whole_runs_only(self):
        self.peer.leases.put(lease(kind="measurement", job="m-1", per_layer=False, runs=3))
        self.start()
        for visit in self.gather({10, 11, 12, 13}).values():
            self.assertEqual(set(visit), {"visit", "network", "total_ns", "busy_ns"} | (set(visit) & {"build_ns"}))
            self.assertEqual(len(visit["total_ns"]), 3)

    def test_the_runner_stays_open_from_lease_to_lease(self):
        self.peer.leases.put(lease(1))
        self.peer.leases.put(lease(2))
        self.peer.leases.put(lease(3, job="p-2"))
        self.start()
        for _ in range(3):
            self.peer.next("/release")
        self.assertEqual(self.agent.stderr().count("opened a runner"), 1)

    def test_results_are_kept_while_the_server_fails(self):
        failures = []

        def fail_thrice(path, _body):
            if path.endswith("/results") and len(failures) < 3:
                failures.append(path)
                return 503, {"title": "busy"}
            return None

        self.peer.answer = fail_thrice
        self.peer.leases.put(lease())
        self.start()
        self.gather({10, 11, 12, 13})
        self.assertEqual(self.peer.next("/release"), {"fence": 1})
        self.assertEqual(len(failures), 3)

    def test_results_are_kept_while_the_server_is_gone(self):
        self.peer.leases.put(lease(visits=6))
        port = self.peer.port
        taken = threading.Event()

        def notice(path, _body):
            if path.endswith("/results"):
                taken.set()
                return 503, {"title": "going away"}
            return None

        self.peer.answer = notice
        self.start()
        self.assertTrue(taken.wait(WAIT_S))
        self.peer.close()
        self.peer = Peer(port)
        self.gather(set(range(10, 16)))
        self.assertEqual(self.peer.next("/release"), {"fence": 1})

    def test_an_ended_lease_is_dropped_at_once(self):
        self.peer.answer = lambda path, body: (409, {"detail": "has ended"}) if path.endswith("/results") else None
        self.peer.leases.put(lease(1, visits=5000))
        self.start()
        self.peer.next("/results")
        self.peer.answer = lambda path, body: None
        self.peer.leases.put(lease(2))
        self.assertEqual(self.peer.next("/results")["fence"], 2)
        self.assertEqual(self.peer.next("/release"), {"fence": 2})

    def test_a_long_visit_is_renewed(self):
        self.peer.leases.put(lease(visits=1, ttl_s=1, runs=1000, warmup=0, networks=[
            {"network": 0, "layers": ["conv2d in=64x64x16 out=64x64x16 k=3 s=1 act=relu"]}]))
        self.start()
        self.assertEqual(self.peer.next("/renew"), {"fence": 1})
        self.assertEqual(self.peer.next("/renew"), {"fence": 1})

    def test_a_missing_runner_is_fatal(self):
        self.peer.leases.put(lease())
        self.start("--runner", "/nonexistent/lathe-run")
        body = self.peer.next("/release")
        self.assertTrue(body["fatal"])
        self.assertIn("/nonexistent/lathe-run", body["error"])

    def test_an_unknown_runtime_is_fatal(self):
        self.peer.leases.put(lease(config="nosuch-f32-t1-b1"))
        self.start()
        body = self.peer.next("/release")
        self.assertTrue(body["fatal"])
        self.assertIn("nosuch", body["error"])

    def test_an_unknown_transport_is_fatal(self):
        self.peer.leases.put(lease(device={"name": "far", "transport": {"type": "pigeon"}}))
        self.start()
        body = self.peer.next("/release")
        self.assertTrue(body["fatal"])
        self.assertIn("pigeon", body["error"])

    def test_a_runner_that_ends_at_once_is_reported_and_tried_again(self):
        self.peer.leases.put(lease(1))
        self.peer.leases.put(lease(2))
        self.start("--runner", self.runner("echo 'no more memory' >&2; exit 3\n"))
        for number in (1, 2):
            body = self.peer.next("/release")
            self.assertEqual(body["fence"], number)
            self.assertFalse(body["fatal"])
            self.assertIn("3", body["error"])

    def test_a_runner_that_dies_in_the_middle_is_reported_and_restarted(self):
        pid_file = os.path.join(self.folder.name, "pid")
        path = self.runner(f'echo $$ > {pid_file}\nexec {program("lathe-run")} "$@"\n')
        self.peer.leases.put(lease(1, visits=100000, warmup=0, runs=1))
        self.start("--runner", path)
        self.peer.next("/results")
        with open(pid_file, encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGSEGV)
        body = self.peer.next("/release")
        self.assertFalse(body["fatal"])
        self.assertTrue(body["error"])
        self.peer.leases.put(lease(2))
        self.assertEqual(self.peer.next("/results")["fence"], 2)
        self.assertEqual(self.peer.next("/release"), {"fence": 2})

    def test_a_lease_that_does_not_parse_is_given_back(self):
        self.peer.leases.put(lease(networks=[{"network": 0, "layers": ["conv9d in=1"]}]))
        self.start()
        body = self.peer.next("/release")
        self.assertTrue(body["fatal"])

    def test_sigterm_reports_what_was_measured_and_releases(self):
        self.peer.leases.put(lease(visits=100000, warmup=0, runs=1))
        agent = self.start()
        first = self.peer.next("/results")
        self.assertEqual(agent.stop(), 0)
        last = first["visits"][-1]["visit"]
        reports = [path_body for path_body in list(self.peer.requests.queue)]
        for path, body in reports:
            if path.endswith("/results"):
                self.assertEqual(body["visits"][0]["visit"], last + 1)  # nothing in between was lost
                last = body["visits"][-1]["visit"]
        self.assertEqual(reports[-1], ("/v1/leases/l-1/release", {"fence": 1}))

    def test_sigterm_ends_an_agent_that_waits(self):
        agent = self.start()
        self.peer.next("/v1/agents/lab/leases?wait_s=30")
        self.assertEqual(agent.stop(), 0)

    def test_sigterm_ends_an_agent_whose_server_is_gone(self):
        answered = threading.Event()

        def fail(path, _body):
            if path.endswith("/results"):
                answered.set()
                return 503, None
            return None

        self.peer.answer = fail
        self.peer.leases.put(lease())
        agent = self.start()
        self.assertTrue(answered.wait(WAIT_S))
        self.assertEqual(agent.stop(), 0)

    def test_an_agent_that_is_not_let_in_says_so_and_ends(self):
        self.peer.answer = lambda path, body: (403, {"detail": "this token is for agent other"})
        agent = self.start()
        self.assertEqual(agent.wait(), 1)
        self.assertIn("this token is for agent other", self.agent.stderr())

    def test_once_ends_when_there_is_no_work(self):
        self.peer.leases.put(lease())
        agent = self.start("--once")
        self.assertEqual(agent.wait(), 0)
        self.gather({10, 11, 12, 13})
        self.assertEqual(self.peer.next("/release"), {"fence": 1})

    def test_wrong_arguments_are_usage_errors(self):
        good = ["--server", "http://127.0.0.1:1", "--name", "lab", "--token-file", self.token]
        wrongs = [["--name", "a b"], ["--server", "127.0.0.1:1"], ["--log-level", "loud"], ["--nonsense"], ["extra"]]
        for wrong in wrongs:
            done = subprocess.run([program("lathe-agent"), *good, *wrong], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertTrue(done.stderr, wrong)

    def test_server_and_token_come_from_the_environment(self):
        environment = dict(os.environ, LATHE_SERVER=self.peer.url, LATHE_TOKEN_FILE=self.token)
        done = subprocess.run([program("lathe-agent"), "--name", "lab", "--once"], env=environment, check=False,
                              capture_output=True)
        self.assertEqual(done.returncode, 0)

    def test_a_token_file_that_is_not_there_is_named(self):
        done = subprocess.run([program("lathe-agent"), "--server", self.peer.url, "--name", "lab", "--token-file",
                               "/nonexistent/token"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/token", done.stderr)


if __name__ == "__main__":
    unittest.main()
