# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Signing in from a browser: the cookie, and what another site can't do with it."""
import http.cookies
import os
import subprocess
import tempfile
import unittest

from lathe_service import WAIT_S, Server, program

DEVICE = {"name": "d", "transport": {"type": "local"}}


class SessionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def sign_in(self, token=None, **headers):
        return self.server.call("POST", "/v1/session", {"token": token or self.server.token}, token="", headers=headers)

    def cookie(self, token=None):
        return "theme=dark; lathe_session=" + (token or self.server.token) + "; other=1"

    def own(self):
        return f"http://127.0.0.1:{self.server.port}"

    def call(self, method, path, body=None, token=None, **headers):
        return self.server.call(method, path, body, token="", headers={"Cookie": self.cookie(token), **headers})

    def test_signing_in_says_who_one_is_and_sets_a_cookie_that_scripts_and_other_sites_do_not_get(self):
        user = self.server.new_token("user", "somebody")
        status, headers, who = self.sign_in(user)
        self.assertEqual((status, who), (200, {"name": "somebody", "role": "user"}))
        cookie = http.cookies.SimpleCookie(headers["Set-Cookie"])["lathe_session"]
        self.assertEqual((cookie.value, cookie["path"], cookie["httponly"], cookie["samesite"]), (user, "/", True, "Strict"))
        self.assertGreater(int(cookie["max-age"]), 3600)
        self.assertFalse(cookie["secure"])
        self.assertEqual(headers["Cache-Control"], "no-store")

    def test_an_unknown_token_signs_nobody_in(self):
        for token in ("lathe_nobody", "x", "x" * 1000, "a\nb"):
            status, headers, problem = self.sign_in(token)
            self.assertEqual((status, problem["field"]), (401, "token"), token)
            self.assertIsNone(headers["Set-Cookie"])
        for body, field in (({}, "token"), ({"token": 1}, "token"), ({"token": "x", "user": "me"}, "user")):
            status, _, problem = self.server.call("POST", "/v1/session", body, token="")
            self.assertEqual((status, problem["field"]), (400, field))

    def test_the_session_says_who_asks_by_token_or_cookie(self):
        for role in ("admin", "user", "agent"):
            token = self.server.new_token(role, "who-" + role)
            who = {"name": "who-" + role, "role": role}
            self.assertEqual(self.server.ok("GET", "/v1/session", token=token), who)
            self.assertEqual(self.call("GET", "/v1/session", token=token)[2], who)
        self.assertEqual(self.server.call("GET", "/v1/session", token="")[0], 401)
        self.assertEqual(self.call("GET", "/v1/session", token="lathe_nobody")[0], 401)

    def test_a_cookie_counts_where_there_is_no_token(self):
        self.assertEqual(self.call("GET", "/v1/devices")[0], 200)
        self.assertEqual(self.call("GET", "/v1/devices", Authorization="Bearer lathe_nobody")[0], 401)
        self.assertEqual(self.call("GET", "/v1/tokens", token=self.server.new_token("user", "plain"))[0], 403)

    def test_signing_out_clears_the_cookie_whatever_it_holds(self):
        for token in (self.server.token, "lathe_nobody"):
            status, headers, _ = self.call("DELETE", "/v1/session", token=token, Origin=self.own())
            self.assertEqual(status, 204)
            cookie = http.cookies.SimpleCookie(headers["Set-Cookie"])["lathe_session"]
            self.assertEqual((cookie.value, cookie["max-age"], cookie["path"]), ("", "0", "/"))

    def test_a_revoked_token_ends_its_session(self):
        token = self.server.new_token("user", "leaving")
        self.assertEqual(self.call("GET", "/v1/session", token=token)[0], 200)
        self.assertEqual(self.server.call("DELETE", "/v1/tokens/leaving")[0], 204)
        self.assertEqual(self.call("GET", "/v1/session", token=token)[0], 401)

    def test_a_write_by_cookie_from_elsewhere_is_refused_and_changes_nothing(self):
        elsewhere = [
            {}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1"},
            {"Origin": f"http://127.0.0.1:{self.server.port + 1}"}, {"Origin": self.own() + ".evil.example"},
            {"Origin": f"http://evil.example?127.0.0.1:{self.server.port}"}, {"Origin": "http://me@" + self.own()[7:]},
            {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
            {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        ]
        for headers in elsewhere:
            for method, path, body in (("POST", "/v1/devices", DEVICE), ("PATCH", "/v1/devices/d", {"agent": None}),
                                       ("DELETE", "/v1/devices/d", None), ("PUT", "/v1/spaces/s", {})):
                status, _, problem = self.call(method, path, body, **headers)
                self.assertEqual(status, 403, (headers, method))
                self.assertIn("page of this server", problem["detail"])
            self.assertEqual(self.call("GET", "/v1/devices", **headers)[0], 200)
        self.assertEqual(self.server.ok("GET", "/v1/devices")["items"], [])

    def test_a_write_by_cookie_from_an_own_page_is_done(self):
        for headers in ({"Origin": self.own()}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": self.own().upper().replace("HTTP", "http")}):
            self.assertEqual(self.call("POST", "/v1/devices", DEVICE, **headers)[0], 201, headers)
            self.assertEqual(self.call("DELETE", "/v1/devices/d", **headers)[0], 204, headers)

    def test_another_name_of_the_server_is_the_same_origin_as_itself_only(self):
        self.assertEqual(self.call("DELETE", "/v1/devices/d", Host="lab.example", Origin="https://lab.example")[0], 404)
        self.assertEqual(self.call("DELETE", "/v1/devices/d", Host="lab.example:443", Origin="https://lab.example")[0], 404)
        self.assertEqual(self.call("DELETE", "/v1/devices/d", Host="lab.example:444", Origin="https://lab.example")[0], 403)

    def test_a_write_by_token_needs_no_origin(self):
        self.server.ok("POST", "/v1/devices", {**DEVICE, "name": "by-token"}, headers={"Origin": "https://evil.example"})
        self.server.call("DELETE", "/v1/devices/by-token")

    def test_another_site_signs_nobody_in_or_out(self):
        self.assertEqual(self.sign_in(Origin="https://evil.example")[0], 403)
        self.assertEqual(self.sign_in(**{"Sec-Fetch-Site": "cross-site"})[0], 403)
        self.assertEqual(self.call("DELETE", "/v1/session", Origin="https://evil.example")[0], 403)
        self.assertEqual(self.sign_in(Origin=self.own())[0], 200)


class SecureSessionTest(unittest.TestCase):
    def test_under_tls_the_cookie_goes_by_tls_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=WAIT_S)
            with Server("--tls-cert", cert, "--tls-key", key) as server:
                status, headers, _ = server.call("POST", "/v1/session", {"token": server.token}, token="", ca=cert)
                self.assertEqual(status, 200)
                self.assertTrue(http.cookies.SimpleCookie(headers["Set-Cookie"])["lathe_session"]["secure"])


if __name__ == "__main__":
    unittest.main()
