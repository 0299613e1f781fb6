# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What strangers may send: each gets one clear problem, never a 5xx, and changes nothing."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from lathe_service import WAIT_S, Server, program

JSON_CALLS = [("POST", "/v1/tokens"), ("POST", "/v1/devices"), ("PATCH", "/v1/devices/d"), ("PUT", "/v1/spaces/s"), ("POST", "/v1/subnets"), ("POST", "/v1/fronts"),
              ("POST", "/v1/evaluations"), ("POST", "/v1/profiles"), ("POST", "/v1/measurements"), ("POST", "/v1/layers")]
FILE_CALLS = [("POST", "/v1/tables/d/c/entries", t) for t in ("application/json", "application/yaml", "text/csv", "application/vnd.ofa+json")] + [
    ("PUT", "/v1/predictors/p", "application/octet-stream"), ("POST", "/v1/predictors/p/train?space=ofa-mbv3-w1.2", "text/csv")]
GETS = ["/v1/devices", "/v1/spaces", "/v1/tables", "/v1/predictors", "/v1/profiles", "/v1/measurements", "/v1/tokens"]
DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
BROKEN = [b"", b" ", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b'{"name":"\xff"}', b'{"name":"\\u0000"}', b'{"a":1}{"b":2}', b'{"a":1,"a":2}',
          b'{"a":NaN}', b'{"a":1e999}', b'{"a":99999999999999999999}', b"\x00", b"\xef\xbb\xbf{}", DEEP, b"x" * 4000, b"\n" * 4000,
          b"- - - -\n", b"a: &x [*x]\n", b"a,b\n1\n", b'layer,mean_ms\n"unclosed', b"%PDF-1.4", bytes(range(256))]
# Values that no field takes.
ODD = [None, True, -1, 0, 1e308, "", "x" * 100, "a/b", "../../etc/passwd", "\u0001", "'; DROP TABLE", [], {}, [[]], [None], {"type": None}, {"": 1}]
FIELDS = {
    "/v1/tokens": {"role": "user", "name": "n"},
    "/v1/devices": {"name": "n", "transport": {"type": "local"}, "agent": "a"},
    "/v1/subnets": {"table": "d/c", "space": "ofa-mbv3-w1.2", "constraints": {"latency_ms": 20}, "seed": 1, "algorithm": "auto", "objective": "top1",
                    "budget_ms": 1, "fix": {"kernel": 3}},
    "/v1/fronts": {"table": "d/c", "space": "ofa-mbv3-w1.2", "constraints": {"latency_ms": [20]}, "seed": 1, "points": 5, "budget_ms": 1,
                   "objectives": ["top1", "macs"], "fix": {"depth": [2, None, 3, None, 4]}},
    "/v1/evaluations": {"table": "d/c", "space": "ofa-mbv3-w1.2", "subnets": [{"space": "ofa-mbv3-w1.2"}]},
    "/v1/profiles": {"device": "n", "config": "x-f32-t1-b1", "space": "ofa-mbv3-w1.2", "rounds": 1, "resolutions": [160]},
    "/v1/measurements": {"device": "n", "config": "x-f32-t1-b1", "subnet": {"space": "ofa-mbv3-w1.2"}, "visits": 1},
    "/v1/layers": {"network": {"layers": ["avgpool"]}, "resolution": 8},
}


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.before = cls.state(cls.server)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    @staticmethod
    def state(server):
        return {path: server.ok("GET", path) for path in GETS}

    def refused(self, method, path, *args, **kw):
        """The call must be answered with a problem that is whole; @return it."""
        what = (method, path, str(args)[:120])
        status, headers, problem = self.server.call(method, path, *args, **kw)
        self.assertTrue(400 <= status < 500, (status, what))
        self.assertEqual(headers["Content-Type"], "application/problem+json", what)
        self.assertEqual(problem["status"], status, what)
        self.assertTrue(problem["title"] and problem["detail"], what)
        return problem

    def unchanged(self):
        self.assertEqual(self.state(self.server), self.before)

    def test_bodies_that_are_broken_are_refused_everywhere(self):
        for method, path in JSON_CALLS:
            for body in BROKEN:
                self.refused(method, path, body)
        self.unchanged()

    def test_files_that_are_broken_are_refused_everywhere(self):
        for method, path, kind in FILE_CALLS:
            for body in BROKEN:
                self.refused(method, path, body, ctype=kind)
        self.unchanged()

    def test_bodies_of_another_type_are_415(self):
        for method, path in JSON_CALLS:
            self.assertEqual(self.refused(method, path, b"{}", ctype="text/plain")["status"], 415, path)
        for method, path, _ in FILE_CALLS:
            self.assertEqual(self.refused(method, path, b"{}", ctype="image/png")["status"], 415, path)
        self.unchanged()

    def test_a_field_with_an_odd_value_is_named(self):
        # Some odd values are good ones for some fields: a server of its own.
        with Server() as server:
            for path, good in FIELDS.items():
                for field in good:
                    for value in ODD:
                        status, _, problem = server.call("POST", path, {**good, field: value})
                        self.assertTrue(status < 500, (path, field, value, problem))
                        if status == 400:
                            self.assertTrue(problem.get("field", "").startswith(tuple(good)), (path, field, value, problem))

    def test_a_field_that_nobody_knows_is_named(self):
        for path, good in FIELDS.items():
            self.assertEqual(self.refused("POST", path, {**good, "colour": "red"})["field"], "colour", path)
        self.unchanged()

    def test_paths_and_queries_that_are_no_text_are_refused(self):
        for path in GETS:
            self.refused("GET", path + "?limit=%ff")
            self.refused("GET", path + "?cursor=%00")
            self.refused("GET", path + "?" + "&".join(f"a{i}=1" for i in range(100)))
        for path in ("/v1/devices/%ff", "/v1/spaces/%c3", "/v1/tables/%ff/%ff", "/v1/predictors/%00", "/v1/profiles/%zz", "/v1/devices/" + "%41" * 3000):
            self.refused("GET", path)

    def test_names_that_lead_out_of_their_place_find_nothing(self):
        for name in ("..", "%2e%2e", "..%2f..%2fadmin.token", "%2fetc%2fpasswd", "a%0d%0aX:y", "x" * 400, "-", "."):
            for resource in ("devices", "spaces", "predictors", "profiles", "measurements", "tokens"):
                method = "DELETE" if resource == "tokens" else "GET"
                self.assertIn(self.refused(method, f"/v1/{resource}/{name}")["status"], (400, 404), (resource, name))
            self.refused("GET", f"/v1/tables/{name}/{name}/entries")
        self.unchanged()

    def test_what_is_asked_for_must_be_among_what_there_is(self):
        for path in GETS:
            problem = self.refused("GET", path, accept="text/html")
            self.assertEqual(problem["status"], 406)
            self.assertIn("application/json", problem["detail"])
            self.assertEqual(self.server.call("GET", path, accept="text/html,application/xhtml+xml,*/*;q=0.8")[0], 200)

    def test_limits_that_limit_nothing_are_refused(self):
        base = FIELDS["/v1/subnets"]
        for constraints in ({}, {"latency_ms": None}, {"latency_ms": None, "macs_m": None}):
            self.assertEqual(self.refused("POST", "/v1/subnets", {**base, "constraints": constraints})["field"], "constraints")
        self.assertEqual(self.refused("POST", "/v1/subnets", {**base, "resolutions": []})["field"], "resolutions")

    def test_a_header_that_is_too_large_is_refused(self):
        status = self.server.call("GET", "/v1/devices", headers={"X-Long": "x" * 60000})[0]
        self.assertIn(status, (413, 431))
        self.assertEqual(self.server.call("GET", "/v1/devices")[0], 200)


class DataFolderTest(unittest.TestCase):
    def start(self, folder, env=None):
        done = subprocess.run([program("lathed"), "--data", folder, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=WAIT_S,
                              env={**os.environ, **(env or {})})
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertEqual(done.stdout, "")
        return done

    def test_a_data_folder_of_a_newer_version_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([program("newer-store"), folder], check=True, timeout=WAIT_S)
            before = {p.name: p.read_bytes() for p in pathlib.Path(folder).iterdir() if p.name == "data.mdb"}
            done = self.start(folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("newer", done.stderr)
            self.assertIn(folder, done.stderr)
            self.assertEqual({p.name: p.read_bytes() for p in pathlib.Path(folder).iterdir() if p.name == "data.mdb"}, before)
            self.assertFalse(pathlib.Path(folder, "admin.token").exists())

    def test_a_data_folder_that_can_not_be_is_said(self):
        with tempfile.NamedTemporaryFile() as file:
            done = self.start(file.name + "/data")
            self.assertEqual(done.returncode, 1)
            self.assertIn(file.name, done.stderr)

    def test_missing_shared_data_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            done = self.start(folder, {"LATHE_SHARE": folder + "/none"})
            self.assertEqual(done.returncode, 1)
            self.assertIn("LATHE_SHARE", done.stderr)

    def test_a_broken_shipped_file_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("spaces", "networks", "predictors"):
                pathlib.Path(folder, name).mkdir()
            pathlib.Path(folder, "spaces", "odd.json").write_text(json.dumps({"id": "odd"}))
            done = self.start(folder + "/data", {"LATHE_SHARE": folder})
            self.assertEqual(done.returncode, 1)
            self.assertIn("odd.json", done.stderr)


if __name__ == "__main__":
    unittest.main()
