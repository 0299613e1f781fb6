# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Pages of other origins: none by default, those that are named by --cors, and never with the cookie."""
import subprocess
import tempfile
import unittest

from lathe_service import WAIT_S, Server, program

ALLOWED = "https://lab.example:8443"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def cors_headers(headers):
    return {name.lower() for name in headers if name.lower().startswith("access-control-")}


class CorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--cors", ALLOWED, "--cors", "http://other.example")

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def test_a_page_of_a_named_origin_may_read_answers_and_errors(self):
        for path, token in (("/v1/devices", None), ("/v1/devices", ""), ("/v1/nothing", None), ("/healthz", "")):
            headers = self.server.call("GET", path, token=token, headers={"Origin": ALLOWED})[1]
            self.assertEqual(headers["Access-Control-Allow-Origin"], ALLOWED, path)
            self.assertIn("Origin", ", ".join(headers.get_all("Vary")))
            self.assertIn("Location", headers["Access-Control-Expose-Headers"])
        headers = self.server.call("GET", "/v1/devices", headers={"Origin": "http://other.example"})[1]
        self.assertEqual(headers["Access-Control-Allow-Origin"], "http://other.example")

    def test_its_preflight_is_answered_without_a_token(self):
        for path in ("/v1/devices", "/v1/tables/a/b/entries"):
            status, headers, _ = self.server.call("OPTIONS", path, token="", headers={"Origin": ALLOWED, **PREFLIGHT})
            self.assertEqual(status, 204)
            self.assertEqual(headers["Access-Control-Allow-Origin"], ALLOWED)
            self.assertIn("POST", headers["Access-Control-Allow-Methods"])
            allowed = headers["Access-Control-Allow-Headers"].lower()
            for name in ("authorization", "content-type", "idempotency-key", "if-none-match", "prefer"):
                self.assertIn(name, allowed)

    def test_others_may_not(self):
        for origin in ("https://lab.example", "http://lab.example:8443", "https://lab.example:8443.evil.example", "null", "https://evil.example", ""):
            status, headers, _ = self.server.call("OPTIONS", "/v1/devices", token="", headers={"Origin": origin, **PREFLIGHT})
            self.assertEqual((status, cors_headers(headers)), (405, set()), origin)
            self.assertEqual(cors_headers(self.server.call("GET", "/v1/devices", headers={"Origin": origin})[1]), set(), origin)

    def test_never_with_the_cookie(self):
        headers = {"Origin": ALLOWED, "Cookie": "lathe_session=" + self.server.token}
        answer = self.server.call("POST", "/v1/devices", {"name": "d", "transport": {"type": "local"}}, token="", headers=headers)
        self.assertEqual(answer[0], 403)
        self.assertIsNone(answer[1]["Access-Control-Allow-Credentials"])
        self.assertIsNone(self.server.call("GET", "/v1/devices", headers={"Origin": ALLOWED})[1]["Access-Control-Allow-Credentials"])
        self.assertEqual(self.server.call("POST", "/v1/session", {"token": self.server.token}, token="", headers={"Origin": ALLOWED})[0], 403)

    def test_it_is_off_unless_asked_for(self):
        with Server() as server:
            self.assertEqual(cors_headers(server.call("GET", "/v1/devices", headers={"Origin": ALLOWED})[1]), set())
            self.assertEqual(server.call("OPTIONS", "/v1/devices", token="", headers={"Origin": ALLOWED, **PREFLIGHT})[0], 405)

    def test_a_star_allows_any_origin(self):
        with Server("--cors", "*") as server:
            headers = server.call("GET", "/v1/devices", headers={"Origin": "https://any.example"})[1]
            self.assertEqual(headers["Access-Control-Allow-Origin"], "https://any.example")
            self.assertIsNone(headers["Access-Control-Allow-Credentials"])

    def test_what_is_no_origin_is_refused_at_the_start(self):
        for origin in ("lab.example", "https://", "https://lab.example/", "https://lab.example/page", "ftp://lab.example", "https://*.example",
                       "https://a.example,https://b.example", ""):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([program("lathed"), "--data", folder, "--listen", "127.0.0.1:0", "--cors", origin], capture_output=True,
                                      text=True, timeout=WAIT_S)
            self.assertEqual(done.returncode, 1, origin)
            self.assertIn("--cors must be an origin", done.stderr)


if __name__ == "__main__":
    unittest.main()
