# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Holds calls to openapi.json: paths, methods, statuses, headers, media types and bodies of whatever a test sends and gets.

A call that succeeded must have been described as it was made: its query, its headers and its body. An answer, of whatever
status, must be as described, to the last member: schemas of what Lathe answers allow no others."""
import functools
import gzip
import json
import os
import pathlib
import re
import urllib.parse

import jsonschema

METHODS = ("get", "put", "post", "delete", "patch")


class Mismatch(AssertionError):
    """What was sent or answered is not what the description says."""


def _decode(text):
    """A part of a path as the server reads it; None when it can't be read."""
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00", text):
        return None
    try:
        return urllib.parse.unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None


def _media(header):
    return (header or "").split(";")[0].strip().lower()


class Operation:
    """One method of one path."""

    def __init__(self, description, method, path, document, shared):
        self.description, self.method, self.path, self.document = description, method, path, document
        self.id = document["operationId"]
        self.roles = document.get("x-roles")  # None: anybody, without a token
        found = [description.follow(p) for p in shared + document.get("parameters", [])]
        self.parameters = {(p["in"], p["name"].lower() if p["in"] == "header" else p["name"]): p for p in found}
        self.body = description.follow(document["requestBody"]) if "requestBody" in document else None
        self.responses = {int(status): description.follow(r) for status, r in document["responses"].items()}
        names = re.split(r"\{(\w+)\}", path)
        self.names = names[1::2]
        self.pattern = re.compile("([^/]+)".join(re.escape(part) for part in names[::2]) + "$")


class Description:
    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver("", document)
        self.operations = []
        for path, item in document["paths"].items():
            for method in METHODS:
                if method in item:
                    self.operations.append(Operation(self, method, path, item[method], item.get("parameters", [])))
        self.seen = set()  # (operationId, status, media type or "") of answers that were held to it

    def follow(self, node):
        """A node, or what it refers to."""
        while "$ref" in node:
            node = functools.reduce(lambda at, part: at[part.replace("~1", "/")], node["$ref"][2:].split("/"), self.document)
        return node

    def operation(self, operation_id):
        return next(o for o in self.operations if o.id == operation_id)

    def find(self, method, path):
        """@return (operation or None, whether the path is described, values of its parameters)"""
        described = False
        for operation in self.operations:
            match = operation.pattern.match(path)
            values = [_decode(value) for value in match.groups()] if match else [None]
            if None in values:
                continue
            described = True
            if operation.method.upper() == method:
                return operation, True, dict(zip(operation.names, values))
        return None, described, {}

    def validate(self, value, schema, what):
        errors = list(jsonschema.Draft202012Validator(schema, resolver=self.resolver).iter_errors(value))
        if not errors:
            return
        error = jsonschema.exceptions.best_match(errors)
        while error.context:
            error = min(error.context, key=lambda e: -len(e.absolute_path))
        raise Mismatch(f"{what}: at {'/'.join(map(str, error.absolute_path)) or 'its top'}: {error.message[:600]}")

    # ---- what was sent ----

    @staticmethod
    def _typed(text, schema):
        """A parameter's text as its schema wants it."""
        kind = schema.get("type")
        if kind == "integer" and re.fullmatch(r"-?\d+", text):
            return int(text)
        if kind == "boolean" and text in ("true", "false"):
            return text == "true"
        return text

    def _check_parameter(self, operation, place, name, text):
        parameter = operation.parameters.get((place, name))
        if parameter is None:
            raise Mismatch(f"{operation.id} took the {place} parameter {name}, which is not described")
        schema = self.follow(parameter["schema"])
        self.validate(self._typed(text, schema), schema, f"{operation.id}'s parameter {name}")

    def _check_request(self, operation, values, query, headers, body):
        for name, value in values.items():
            self._check_parameter(operation, "path", name, value)
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            self._check_parameter(operation, "query", name, value)
        for name, value in headers.items():
            if ("header", name.lower()) in operation.parameters:
                self._check_parameter(operation, "header", name.lower(), value)
        for (place, name), parameter in operation.parameters.items():
            if place == "query" and parameter.get("required") and name not in urllib.parse.parse_qs(query, keep_blank_values=True):
                raise Mismatch(f"{operation.id} did without its parameter {name}, which is described as required")
        if not body:
            if operation.body and operation.body.get("required"):
                raise Mismatch(f"{operation.id} did without a body, which is described as required")
            return
        if not operation.body:
            raise Mismatch(f"{operation.id} took a body, which is not described")
        kind = _media(headers.get("Content-Type"))
        if kind not in operation.body["content"]:
            raise Mismatch(f"{operation.id} took a body of {kind}, which is not described")
        if kind.endswith("json"):
            self.validate(json.loads(body), operation.body["content"][kind]["schema"], f"the body sent to {operation.id}")

    # ---- what came back ----

    def _check_headers(self, operation, response, headers):
        for name, header in response.get("headers", {}).items():
            header = self.follow(header)
            if name in headers:
                schema = self.follow(header["schema"])
                self.validate(self._typed(headers[name], schema), schema, f"{operation.id}'s header {name}")
            elif header.get("required"):
                raise Mismatch(f"{operation.id} answered without the header {name}")

    def _check_response(self, operation, status, headers, raw, has_body):
        response = operation.responses.get(status)
        if response is None:
            raise Mismatch(f"{operation.id} answered {status}, which is not described: {raw[:300]!r}")
        self._check_headers(operation, response, headers)
        kind = _media(headers.get("Content-Type"))
        content = response.get("content", {})
        if not content and (raw or kind):
            raise Mismatch(f"{operation.id} answered {status} with {kind}, and no body is described")
        if content and kind not in content:
            raise Mismatch(f"{operation.id} answered {status} with {kind!r}; described are {', '.join(content)}")
        if content and has_body:
            self._check_content(content[kind]["schema"], kind, headers, raw, f"{operation.id}'s {status}")
        self.seen.add((operation.id, status, kind))

    def _check_content(self, schema, kind, headers, raw, what):
        if headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        if kind.endswith("json"):
            self.validate(json.loads(raw), schema, what)
        elif kind.startswith("text/") or kind == "application/yaml":
            raw.decode("utf-8")

    def _check_stranger(self, method, path, described, status, headers, raw):
        """What is not described is refused, and as everything is refused."""
        allowed = (405,) if described else (400, 404)
        if not path.startswith("/v1/") and not described:
            return  # a file of the page
        if method == "OPTIONS":
            return
        if status not in allowed:
            raise Mismatch(f"{method} {path} answered {status} and is not described")
        if method != "HEAD":
            self.validate(json.loads(raw), {"$ref": "#/components/schemas/Problem"}, f"{method} {path}'s {status}")
        if _media(headers.get("Content-Type")) != "application/problem+json":
            raise Mismatch(f"{method} {path} answered {status} without a problem")

    def check(self, method, target, sent, body, status, headers, raw):
        """Hold a call to the description. @param sent the headers that were sent. @param body,raw bytes or None."""
        if status == 431:
            return  # libmicrohttpd's own, for headers that it has no room for
        path, _, query = target.partition("?")
        operation, described, values = self.find("GET" if method == "HEAD" else method, path)
        if operation is None:
            self._check_stranger(method, path, described, status, headers, raw)
            return
        self._check_response(operation, status, headers, raw or b"", method != "HEAD")
        if 200 <= status < 300:
            self._check_request(operation, values, query, sent, body)


@functools.lru_cache(maxsize=None)
def description():
    """The description that the programs under test have."""
    path = pathlib.Path(os.environ["LATHE_BIN"]).parent / "share" / "lathe" / "openapi.json"
    return Description(json.loads(path.read_text(encoding="utf-8")))
