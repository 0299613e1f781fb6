# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The HTTP layer: who may call what, broken requests, slow clients, starting and stopping."""
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

from lathe_service import WAIT_S, Server, program


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def raw(self, data, read=True):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=WAIT_S) as s:
            s.sendall(data)
            return s.recv(65536).decode("latin-1") if read else ""

    def test_health_needs_no_token(self):
        for path in ("/healthz", "/readyz", "/metrics"):
            self.assertEqual(self.server.call("GET", path, token="")[0], 200, path)

    def test_a_call_without_a_token_is_401_and_says_how(self):
        status, headers, problem = self.server.call("GET", "/v1/devices", token="")
        self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))
        self.assertEqual(headers["Content-Type"], "application/problem+json")
        self.assertIn("Authorization", problem["detail"])

    def test_an_unknown_token_is_401(self):
        self.assertEqual(self.server.call("GET", "/v1/devices", token="lathe_nobody")[0], 401)

    def test_roles_are_kept_apart(self):
        user, agent = self.server.new_token("user", "u1"), self.server.new_token("agent", "a1")
        self.assertEqual(self.server.call("GET", "/v1/tokens", token=user)[0], 403)
        self.assertEqual(self.server.call("POST", "/v1/devices", {"name": "x", "transport": {"type": "local"}}, token=agent)[0], 403)
        self.assertEqual(self.server.call("POST", "/v1/agents/a1/leases?wait_s=0", {}, token=user)[0], 403)
        self.assertEqual(self.server.call("POST", "/v1/agents/other/leases?wait_s=0", {}, token=agent)[0], 403)
        self.assertEqual(self.server.call("POST", "/v1/agents/a1/leases?wait_s=0", {}, token=agent)[0], 204)

    def test_a_revoked_token_is_refused(self):
        token = self.server.new_token("user", "gone")
        self.assertEqual(self.server.call("GET", "/v1/devices", token=token)[0], 200)
        self.assertEqual(self.server.call("DELETE", "/v1/tokens/gone")[0], 204)
        self.assertEqual(self.server.call("GET", "/v1/devices", token=token)[0], 401)

    def test_tokens_are_listed_without_their_secrets(self):
        token = self.server.new_token("user", "listed")
        items = self.server.ok("GET", "/v1/tokens")["items"]
        self.assertIn("listed", [t["name"] for t in items])
        self.assertNotIn(token, str(items))
        self.assertEqual({frozenset(t) for t in items}, {frozenset(("name", "role", "created"))})
        self.assertEqual(self.server.call("POST", "/v1/tokens", {"role": "user", "name": "listed"})[0], 409)

    def test_no_file_of_the_store_holds_a_token(self):
        token = self.server.new_token("user", "hashed").encode()
        for path in pathlib.Path(self.server.data).iterdir():
            if path.name != "admin.token":
                self.assertNotIn(token, path.read_bytes(), path.name)

    def test_the_admin_token_is_for_its_owner_alone(self):
        self.assertEqual(os.stat(pathlib.Path(self.server.data, "admin.token")).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.server.data).st_mode & 0o077, 0)

    def test_unknown_paths_are_404_and_wrong_methods_405_with_what_is_allowed(self):
        self.assertEqual(self.server.call("GET", "/v1/nothing")[0], 404)
        status, headers, _ = self.server.call("PUT", "/v1/devices")
        self.assertEqual(status, 405)
        self.assertEqual(set(headers["Allow"].split(", ")), {"GET", "POST"})

    def test_head_answers_as_get_without_a_body(self):
        status, headers, body = self.server.call("HEAD", "/healthz")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 0)

    def test_broken_escapes_are_refused(self):
        for path in ("/v1/devices?limit=%zz", "/v1/devices?limit=%0", "/v1/devices?cursor=%00"):
            self.assertEqual(self.server.call("GET", path)[0], 400, path)
        self.assertEqual(self.server.call("GET", "/v1/devices/%zz")[0], 404)

    def test_an_unknown_query_parameter_is_named(self):
        status, _, problem = self.server.call("GET", "/v1/devices?limits=3")
        self.assertEqual((status, problem["field"]), (400, "limits"))
        for value in ("0", "1001", "x", "-1", "1.5", ""):
            status, _, problem = self.server.call("GET", f"/v1/devices?limit={value}")
            self.assertEqual((status, problem["field"]), (400, "limit"), value)

    def test_a_body_that_is_no_json_says_where(self):
        status, _, problem = self.server.call("POST", "/v1/devices", b'{\n"name": }')
        self.assertEqual((status, problem["line"]), (400, 2))
        self.assertEqual(self.server.call("POST", "/v1/devices", b"[]")[0], 400)
        self.assertEqual(self.server.call("POST", "/v1/devices", b'{"name":1,"name":2}')[0], 400)
        self.assertEqual(self.server.call("POST", "/v1/devices", b"{}", ctype="text/plain")[0], 415)

    def test_a_body_that_is_too_large_is_413(self):
        self.assertEqual(self.server.call("POST", "/v1/devices", b" " * 20000)[0], 413)
        # Announced only: the answer comes before the body.
        answer = self.raw(b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + self.server.token.encode() +
                          b"\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n")
        self.assertIn(" 413 ", answer)

    def test_a_body_in_chunks_is_limited_too(self):
        head = (b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + self.server.token.encode() +
                b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.assertIn(" 413 ", self.raw(head + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 6 + b"0\r\n\r\n"))

    def test_half_a_request_and_garbage_leave_the_server_well(self):
        self.raw(b"POST /v1/devices HTTP/1.1\r\nHost: x\r\nContent-Le", read=False)
        self.raw(b"\x00\xff\xfe garbage \r\n\r\n", read=False)
        self.raw(b"GET / HTTP/9.9\r\n\r\n", read=False)
        self.assertEqual(self.server.call("GET", "/healthz", token="")[0], 200)

    def test_idle_connections_keep_nobody_out(self):
        idle = [socket.create_connection(("127.0.0.1", self.server.port), timeout=WAIT_S) for _ in range(500)]
        try:
            self.assertEqual(self.server.call("GET", "/v1/devices")[0], 200)
        finally:
            for s in idle:
                s.close()

    def test_waiting_agents_hold_no_thread(self):
        token = self.server.new_token("agent", "waiting")
        request = (f"POST /v1/agents/waiting/leases?wait_s=60 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                   "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}").encode()
        waiting = []
        for _ in range(40):
            s = socket.create_connection(("127.0.0.1", self.server.port), timeout=WAIT_S)
            s.sendall(request)
            waiting.append(s)
        try:
            for _ in range(20):
                self.assertEqual(self.server.call("GET", "/v1/devices")[0], 200)
        finally:
            for s in waiting:
                s.close()

    def test_metrics_count_answers(self):
        self.server.call("GET", "/v1/nothing")
        text = self.server.call("GET", "/metrics", token="")[2].decode()
        counts = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        self.assertGreater(int(counts['lathe_http_answers_total{status="4xx"}']), 0)
        self.assertGreater(int(counts["lathe_store_writes_total"]), 0)


class StartTest(unittest.TestCase):
    def refused(self, *args, data=None):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([program("lathed"), "--data", data or folder, *args], capture_output=True, text=True, timeout=WAIT_S)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.returncode, done.stderr

    def test_a_data_folder_in_use_names_the_process(self):
        with Server() as server:
            code, text = self.refused("--listen", "127.0.0.1:0", data=server.data)
            self.assertEqual(code, 1)
            self.assertIn(str(server.process.proc.pid), text)

    def test_a_port_in_use_is_said(self):
        with Server() as server:
            code, text = self.refused("--listen", f"127.0.0.1:{server.port}")
            self.assertEqual(code, 1)
            self.assertIn("in use", text)

    def test_a_listen_address_that_is_none_is_said(self):
        for address in ("8420", "127.0.0.1", "127.0.0.1:99999", ":80", "127.0.0.1:http"):
            code, text = self.refused("--listen", address)
            self.assertEqual(code, 1)
            self.assertIn("HOST:PORT", text)

    def test_tls_needs_both_files_and_good_ones(self):
        self.assertIn("go together", self.refused("--listen", "127.0.0.1:0", "--tls-cert", "/dev/null")[1])
        self.assertIn("/nowhere", self.refused("--listen", "127.0.0.1:0", "--tls-cert", "/nowhere", "--tls-key", "/nowhere")[1])

    def test_usage_errors_exit_2(self):
        for args in (["--unknown"], ["stray"], ["--log-level", "loud"]):
            done = subprocess.run([program("lathed"), *args], capture_output=True, text=True, timeout=WAIT_S)
            self.assertEqual(done.returncode, 2, args)

    def test_every_acknowledged_write_survives_a_kill(self):
        server = Server()
        self.addCleanup(server.close)
        for i in range(20):
            server.ok("POST", "/v1/devices", {"name": f"d{i}", "transport": {"type": "local"}})
        server.kill()
        server.start()
        self.assertEqual(len(server.ok("GET", "/v1/devices")["items"]), 20)

    def test_the_tokens_of_a_server_outlive_it(self):
        server = Server()
        self.addCleanup(server.close)
        token, user = server.token, server.new_token("user", "u")
        self.assertEqual(server.stop(), 0)
        self.assertFalse(pathlib.Path(server.data, "server.json").exists())
        server.start()
        self.assertEqual(server.token, token)
        self.assertEqual(server.call("GET", "/v1/devices", token=user)[0], 200)

    def test_tls_serves_over_https(self):
        with tempfile.TemporaryDirectory() as folder:
            cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=WAIT_S)
            with Server("--tls-cert", cert, "--tls-key", key) as server:
                self.assertTrue(server.url.startswith("https://"))
                done = subprocess.run([program("lathe"), "status", "--server", server.url, "--ca-file", cert, "--token-file",
                                       os.path.join(server.data, "admin.token")], capture_output=True, text=True, timeout=WAIT_S)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
