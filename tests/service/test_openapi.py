# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""openapi.json in itself and against the server: its schemas and examples, its routes, and how every call is refused.

What calls answer that succeed is in test_openapi_calls; besides, Server.call() holds every call of every test to it."""
import copy
import json
import pathlib
import re
import unittest

import jsonschema

from api_description import METHODS, Description, Mismatch, description
from lathe_service import Server

PROBLEM = "application/problem+json"
ROLES = ("admin", "user", "agent")
# Objects that others fill: a runner, once-for-all, whoever made a predictor, a client that sends an answer back.
OPEN = {"Fingerprint", "NetConfig", "OfaTable"}
# Parts of other schemas, which close them.
PARTS = {"ProblemMembers", "TrustFigures"}


def nodes(value, path="#"):
    """Every object in a document, with its place."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from nodes(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from nodes(inner, f"{path}/{i}")


class DocumentTest(unittest.TestCase):
    def setUp(self):
        self.api = description()
        self.schemas = self.api.document["components"]["schemas"]

    def test_the_server_serves_it_to_the_byte(self):
        source = pathlib.Path(__file__).parents[2] / "server" / "openapi.json"
        with Server() as server:
            status, headers, _ = server.call("GET", "/openapi.json", token="")
            self.assertEqual((status, headers["Content-Type"], int(headers["Content-Length"])),
                             (200, "application/json", source.stat().st_size))
            self.assertEqual(server.ok("GET", "/openapi.json", token=""), json.loads(source.read_text(encoding="utf-8")))
            self.assertEqual(server.call("GET", "/openapi.json", token="", headers={"If-None-Match": headers["ETag"]})[0], 304)
            self.assertEqual(server.ok("GET", "/healthz")["version"], self.api.document["info"]["version"])

    def test_every_schema_is_one(self):
        for schema in self.schemas.values():
            jsonschema.Draft202012Validator.check_schema(schema)

    def test_every_example_is_as_its_schema_says(self):
        count = 0
        for place, node in nodes(self.api.document):
            if "schema" in node and "example" in node:
                self.api.validate(node["example"], node["schema"], place)
                count += 1
        self.assertGreater(count, 90)

    def test_every_operation_has_an_example_of_its_answer(self):
        for operation in self.api.operations:
            for status, response in operation.responses.items():
                for kind, content in response.get("content", {}).items():
                    if status == 200 and kind not in ("application/octet-stream",) and operation.id not in ("getDescription", "putSpace", "putPredictor"):
                        self.assertTrue("example" in content or len(response["content"]) > 1, (operation.id, status, kind))

    def test_operations_have_names_words_and_roles(self):
        names = [operation.id for operation in self.api.operations]
        self.assertEqual(len(names), len(set(names)))
        tags = {tag["name"] for tag in self.api.document["tags"]}
        for operation in self.api.operations:
            self.assertRegex(operation.id, r"^[a-z]+[A-Za-z]*$")
            self.assertTrue(set(operation.document["tags"]) <= tags, operation.id)
            self.assertTrue(operation.document["summary"] and operation.document["description"], operation.id)
            self.assertEqual("x-roles" in operation.document, operation.document.get("security") != [], operation.id)
            self.assertLessEqual(set(operation.roles or ()), set(ROLES), operation.id)

    def test_every_object_says_what_it_has(self):
        for name, schema in self.schemas.items():
            for place, node in nodes(schema, name):
                if node.get("type") == "object" and "properties" in node and name not in OPEN | PARTS and "/allOf/" not in place:
                    self.assertIs(node.get("additionalProperties"), False, place)
                if "allOf" in node:
                    self.assertIs(node.get("unevaluatedProperties"), False, place)

    def test_every_reference_leads_somewhere(self):
        for place, node in nodes(self.api.document):
            if isinstance(node.get("$ref"), str):
                self.assertTrue(self.api.follow({"$ref": node["$ref"]}), place)


class CheckerTest(unittest.TestCase):
    """That the checker finds what differs: otherwise all else here says nothing."""

    def setUp(self):
        self.api = Description(description().document)
        self.answer = copy.deepcopy(self.api.operation("getDevice").responses[200]["content"]["application/json"]["example"])

    def check(self, answer=None, method="GET", path="/v1/devices/pi4", status=200, body=None, headers=None, ctype="application/json"):
        raw = json.dumps(self.answer if answer is None else answer).encode()
        self.api.check(method, path, {"Content-Type": "application/json"}, body, status, {"Content-Type": ctype, **(headers or {})}, raw)

    def refused(self, part, *args, **kw):
        with self.assertRaises(Mismatch) as caught:
            self.check(*args, **kw)
        self.assertIn(part, str(caught.exception))

    def test_what_is_as_described_passes(self):
        self.check()
        self.assertEqual(self.api.seen, {("getDevice", 200, "application/json")})

    def test_a_member_that_is_missing_or_unknown_is_found(self):
        for name in self.answer:
            self.refused(f"'{name}' is a required property", {k: v for k, v in self.answer.items() if k != name})
        self.refused("colour", {**self.answer, "colour": "red"})
        self.refused("colour", {**self.answer, "condition": {**self.answer["condition"], "colour": "red"}})
        self.refused("'asleep' is not one of", {**self.answer, "state": "asleep"})
        self.refused("created", {**self.answer, "created": "yesterday"})

    def test_a_status_type_or_header_that_is_not_described_is_found(self):
        self.refused("answered 418", status=418)
        self.refused("text/html", ctype="text/html")
        self.refused("without the header Location", method="POST", path="/v1/devices", status=201, body=b'{"name":"pi4","transport":{"type":"local"}}')

    def test_a_problem_with_an_unknown_member_is_found(self):
        problem = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no device pi4"}
        self.check(problem, status=404, ctype=PROBLEM)
        self.refused("colour", {**problem, "colour": "red"}, status=404, ctype=PROBLEM)
        self.refused("detail", {k: v for k, v in problem.items() if k != "detail"}, status=404, ctype=PROBLEM)

    def test_what_was_taken_but_is_not_described_is_found(self):
        self.refused("colour", path="/v1/devices/pi4?colour=red")
        self.refused("port", method="PATCH", body=b'{"transport":{"type":"ssh","destination":"pi4","port":0}}')
        self.refused("colour", method="PATCH", body=b'{"agent":"lab","colour":"red"}')
        self.refused("did without a body", method="PATCH")

    def test_a_call_that_is_not_described_is_found(self):
        self.refused("is not described", path="/v1/gadgets")
        self.refused("is not described", method="DELETE", path="/v1/devices")


class RouteTest(unittest.TestCase):
    """Every operation as a stranger calls it."""

    @classmethod
    def setUpClass(cls):
        cls.api = description()
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.tokens = {"admin": cls.server.token, "user": cls.server.new_token("user", "u"), "agent": cls.server.new_token("agent", "a")}

    def call(self, operation, query="", token=None, body=None, **kw):
        """The operation on things that there aren't, by one who may."""
        path = re.sub(r"\{\w+\}", "nothing", operation.path)
        if "agent" in operation.names:
            path = operation.path.replace("{agent}", "a")
        if operation.id == "streamEvents" and not query:
            query = "?topics=nothing"  # else the answer would not end
        kinds = list(operation.body["content"]) if operation.body else ["application/json"]
        accept = next(iter(operation.responses[min(operation.responses)].get("content", {"*/*": None})))
        return self.server.call(operation.method.upper(), path + query, body, token=token,
                                **{"ctype": kinds[0], "accept": accept, **kw})

    def test_the_server_has_these_routes_and_no_others(self):
        text = self.server.call("GET", "/metrics", token="")[2].decode()
        served = set(re.findall(r'^lathe_http_requests_total\{method="(\w+)",route="([^"]+)"', text, re.M))
        served.discard(("GET", "/{file}"))  # the page's files
        self.assertEqual(served, {(o.method.upper(), o.path) for o in self.api.operations})

    def test_other_methods_are_405(self):
        for path in self.api.document["paths"]:
            described = {o.method for o in self.api.operations if o.path == path}
            for method in set(METHODS) - described:
                status, headers, _ = self.server.call(method.upper(), path.replace("{", "").replace("}", ""))
                self.assertEqual((status, set(headers["Allow"].lower().split(", "))), (405, described), (method, path))

    def test_each_role_may_do_what_is_described_and_no_more(self):
        for operation in self.api.operations:
            for role, token in self.tokens.items():
                status = self.call(operation, token=token, body=b"{" if operation.body else None)[0]
                self.assertNotIn(status, (401, 500), (operation.id, role))
                if operation.roles is not None:
                    self.assertEqual(status == 403, role not in operation.roles, (operation.id, role, status))

    def test_nobody_may_do_what_needs_a_token(self):
        for operation in self.api.operations:
            status = self.call(operation, token="", body=b"{" if operation.body else None)[0]
            self.assertEqual(status == 401, operation.roles is not None, (operation.id, status))

    def test_an_unknown_query_parameter_is_400(self):
        for operation in self.api.operations:
            status, _, problem = self.call(operation, "?colour=red", body=b"{}" if operation.body else None)
            if operation.id in ("renewLease", "addResults", "releaseLease"):
                self.assertIn((status, problem.get("field")), [(400, "colour"), (409, None)], operation.id)
            else:
                self.assertEqual((status, problem.get("field")), (400, "colour"), operation.id)

    def test_an_answer_that_is_not_wanted_is_406(self):
        for operation in self.api.operations:
            if 406 in operation.responses:
                self.assertEqual(self.call(operation, accept="image/png", body=b"{}" if operation.body else None)[0], 406, operation.id)

    def test_a_body_that_is_too_large_is_413(self):
        for operation in self.api.operations:
            status = self.call(operation, headers={"Content-Length": str(1 << 40)})[0]
            self.assertEqual(status, 413, operation.id)

    def test_a_body_of_another_type_is_415(self):
        for operation in self.api.operations:
            if operation.body:
                query = "?space=ofa-mbv3-w1.2" if operation.id == "trainPredictor" else ""
                status, _, problem = self.call(operation, query, body=b"\x89PNG", ctype="image/png")
                self.assertEqual(status, 415, (operation.id, problem))

    def test_what_is_not_there_is_404(self):
        for operation in self.api.operations:
            if operation.names and operation.method in ("get", "delete") and operation.id != "streamEvents":
                query = "?layer=avgpool%20in%3D6x6x64%20out%3D1x1x64" if ("query", "layer") in operation.parameters else ""
                query = "?space=ofa-mbv3-w1.2" if operation.id == "getCoverage" else query
                self.assertEqual(self.call(operation, query)[0], 404, operation.id)


if __name__ == "__main__":
    unittest.main()
