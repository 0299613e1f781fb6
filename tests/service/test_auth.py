# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Who may call what: every call of the interface with every kind of token."""
import unittest

from lathe_service import Server

ANY, PEOPLE, AGENTS, ADMIN = {"admin", "user", "agent"}, {"admin", "user"}, {"admin", "agent"}, {"admin"}
CALLS = [
    ("GET", "/v1/session", ANY), ("GET", "/v1/events", ANY),
    ("GET", "/v1/tokens", ADMIN), ("POST", "/v1/tokens", ADMIN), ("DELETE", "/v1/tokens/x", ADMIN),
    ("GET", "/v1/devices", ANY), ("POST", "/v1/devices", PEOPLE), ("GET", "/v1/devices/x", ANY), ("PATCH", "/v1/devices/x", PEOPLE),
    ("DELETE", "/v1/devices/x", PEOPLE),
    ("GET", "/v1/spaces", ANY), ("GET", "/v1/spaces/x", ANY), ("PUT", "/v1/spaces/x", PEOPLE),
    ("GET", "/v1/networks", ANY), ("GET", "/v1/networks/x", ANY), ("POST", "/v1/layers", PEOPLE),
    ("GET", "/v1/tables", ANY), ("GET", "/v1/tables/x/y", ANY), ("DELETE", "/v1/tables/x/y", PEOPLE), ("GET", "/v1/tables/x/y/history", ANY),
    ("GET", "/v1/tables/x/y/entries", ANY), ("POST", "/v1/tables/x/y/entries", PEOPLE),
    ("GET", "/v1/predictors", ANY), ("GET", "/v1/predictors/x", ANY), ("PUT", "/v1/predictors/x", PEOPLE),
    ("DELETE", "/v1/predictors/x", PEOPLE), ("POST", "/v1/predictors/x/train", PEOPLE),
    ("POST", "/v1/subnets", PEOPLE), ("POST", "/v1/evaluations", PEOPLE),
    ("GET", "/v1/profiles", ANY), ("POST", "/v1/profiles", PEOPLE), ("GET", "/v1/profiles/x", ANY), ("DELETE", "/v1/profiles/x", PEOPLE),
    ("GET", "/v1/measurements", ANY), ("POST", "/v1/measurements", PEOPLE), ("GET", "/v1/measurements/x", ANY),
    ("DELETE", "/v1/measurements/x", PEOPLE),
    ("POST", "/v1/agents/a/leases", AGENTS), ("POST", "/v1/leases/x/renew", AGENTS), ("POST", "/v1/leases/x/results", AGENTS),
    ("POST", "/v1/leases/x/release", AGENTS),
]


class AuthTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.tokens = {"admin": cls.server.token, "user": cls.server.new_token("user", "u"), "agent": cls.server.new_token("agent", "a")}

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def call(self, method, path, **kw):
        body = None if method in ("GET", "DELETE") else b"not what is asked for"
        return self.server.call(method, path, body, ctype="image/png", **kw)

    def test_every_call_lets_in_its_roles_and_no_other(self):
        for method, path, roles in CALLS:
            for role, token in self.tokens.items():
                status = self.call(method, path, token=token)[0]
                self.assertEqual(status == 403, role not in roles, (method, path, role, status))
                self.assertNotEqual(status, 401, (method, path, role))
                self.assertLess(status, 500, (method, path, role))

    def test_every_call_needs_a_token(self):
        for method, path, _ in CALLS:
            self.assertEqual(self.call(method, path, token="")[0], 401, (method, path))
            self.assertEqual(self.call(method, path, token="lathe_" + "A" * 43)[0], 401, (method, path))

    def test_refused_writes_change_nothing(self):
        device = {"name": "d", "transport": {"type": "local"}}
        for token in ("", self.tokens["agent"]):
            self.assertIn(self.server.call("POST", "/v1/devices", device, token=token)[0], (401, 403))
        self.assertEqual(self.server.ok("GET", "/v1/devices")["items"], [])

    def test_an_agents_token_acts_for_its_agent_alone(self):
        for role, name, status in (("agent", "a", 204), ("agent", "b", 403), ("admin", "b", 204)):
            self.assertEqual(self.server.call("POST", f"/v1/agents/{name}/leases", {}, token=self.tokens[role])[0], status, (role, name))

    def test_tokens_are_checked_field_by_field(self):
        for body, field in (({"role": "root", "name": "n"}, "role"), ({"name": "n"}, "role"), ({"role": "user"}, "name"),
                            ({"role": "user", "name": "a/b"}, "name"), ({"role": "user", "name": "n", "secret": "s"}, "secret")):
            status, _, problem = self.server.call("POST", "/v1/tokens", body)
            self.assertEqual((status, problem["field"]), (400, field), body)
        self.assertEqual(self.server.call("DELETE", "/v1/tokens/nobody")[0], 404)


if __name__ == "__main__":
    unittest.main()
