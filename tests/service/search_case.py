# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What tests of searches share: OFA's Note10 table and predictor, or a space so small that all of it can be tried."""
import itertools
import json
import random
import re
import socket
import unittest

from cli_case import LARGER, samples
from lathe_service import WAIT_S, Server, wait_for

TABLE, OTHER = "note10/tflite-f32-t1-b1", "other/tflite-f32-t1-b1"
SPACE = "ofa-mbv3-w1.2"
COSTS = ("latency_ms", "macs_m", "params_m", "peak_activation_kb", "weights_kb", "sram_kb", "flash_kb")
QUICK_MS = 5  # of budget: sanitized programs take some thirty times as long


class SearchCase(unittest.TestCase):
    """A server with the figures of OFA; the tests skip where they are absent."""
    question = {"table": TABLE, "space": SPACE, "predictor": "ofa"}

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.server.load_note10()

    def call(self, path, fields):
        """The class's question with other fields; those that are None are left out."""
        body = {k: v for k, v in {**self.question, **fields}.items() if v is not None}
        return self.server.call("POST", path, body)

    def ask(self, **fields):
        """A quick search that must succeed; @return its answer."""
        status, _, answer = self.call("/v1/subnets", {"budget_ms": QUICK_MS, **fields})
        self.assertEqual(status, 200, (fields, answer))
        return answer

    def front(self, **fields):
        status, _, answer = self.call("/v1/fronts", fields)
        self.assertEqual(status, 200, (fields, answer))
        return answer

    def refused(self, path, fields, status, field):
        """@return the problem, which must have this status and field."""
        got, _, problem = self.call(path, {"budget_ms": QUICK_MS, **fields})
        self.assertEqual((got, problem.get("field")), (status, field), (fields, problem))
        self.assertTrue(problem["detail"])
        return problem

    def evaluate(self, subnets, **fields):
        status, _, answer = self.call("/v1/evaluations", {"subnets": subnets, **fields})
        self.assertEqual(status, 200, answer)
        return answer["evaluations"]

    def check_layers(self, answer):
        """The layers are those of the subnet: as many blocks a stage as its depth says, each with its kernel."""
        subnet = answer["subnet"]
        blocks = [(m, layer["layer"]) for layer in answer["layers"] if (m := re.fullmatch(r"stage(\d+)\.block(\d+)", layer["slot"]))]
        self.assertEqual([sum(int(m[1]) == s for m, _ in blocks) for s in range(1, len(subnet["depth"]) + 1)], subnet["depth"])
        for m, text in blocks:
            at = (int(m[1]) - 1) * 4 + int(m[2]) - 1
            self.assertEqual(int(re.search(r" k=(\d+)", text)[1]), subnet["kernel"][at])


def rows_of(server, table):
    """A table's rows as text -> ms, as they are exported."""
    answer = server.ok("GET", f"/v1/tables/{table}/entries?limit=1000")
    return {item["layer"]: item["latency_ms"] for item in answer["items"]}


def sum_of(answer, rows):
    """An answer's latency by exported rows: those of its resolution, or of all."""
    at = f" @{answer['subnet']['resolution']}"
    return sum(rows[layer["layer"] + at] if layer["layer"] + at in rows else rows[layer["layer"]] for layer in answer["layers"])


def put_rows(server, table, rows):
    """Add or replace rows of a table, in one write."""
    text = "layer,mean_ms\n" + "".join(f"{layer},{ms!r}\n" for layer, ms in rows.items())
    return server.ok("POST", f"/v1/tables/{table}/entries", text.encode(), ctype="text/csv")


def put_other(server, seed=5):
    """A second device, on which every layer takes a time of its own. @return its rows."""
    draw = random.Random(seed)
    rows = {layer: ms * draw.uniform(0.5, 2) for layer, ms in rows_of(server, TABLE).items()}
    put_rows(server, OTHER, rows)
    return rows


class SmallCase(SearchCase):
    """A space of 432 subnets with random latencies: what is best is found by trying all."""
    question = {"table": "here/x-f32-t1-b1", "space": "larger", "predictor": "linear"}

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.server.ok("PUT", "/v1/spaces/larger", LARGER)
        cls.server.ok("POST", "/v1/predictors/linear/train?space=larger", samples(400).encode(), ctype="text/csv")
        put_rows(cls.server, "here/x-f32-t1-b1", {"avgpool in=7x7x8 out=1x1x8": 1.0})
        cls.fill(random.Random(3))
        cls.all = cls.try_all()

    @classmethod
    def fill(cls, draw):
        """Ask which rows are missing until none is."""
        body = {**cls.question, "resolutions": LARGER["resolutions"], "constraints": {"latency_ms": 1e6}, "budget_ms": 1}
        while True:
            status, _, problem = cls.server.call("POST", "/v1/subnets", body)
            if status == 200:
                return
            if status != 409:
                raise AssertionError(problem)
            put_rows(cls.server, "here/x-f32-t1-b1", {row: draw.uniform(0.1, 2) for row in problem["missing"]})

    @classmethod
    def try_all(cls):
        """Every subnet with its costs and top-1."""
        subnets = [{"space": "larger", "resolution": r, "depth": [1, 1, 1], "kernel": list(k), "expand": list(e)}
                   for r in LARGER["resolutions"] for k in itertools.product((3, 5), repeat=3)
                   for e in itertools.product((3, 4, 6), repeat=3)]
        got = cls.server.ok("POST", "/v1/evaluations", {**cls.question, "subnets": subnets})["evaluations"]
        return [{**costs, "subnet": subnet} for subnet, costs in zip(subnets, got, strict=True)]


class GivingUp:
    """A client that posts a request and leaves: says when the server works on it, and when no more."""

    def __init__(self, server, path, body):
        self.server = server
        body = json.dumps(body).encode()
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S)
        self.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
                            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        wait_for("a search", lambda: self.running() > 0)

    def running(self):
        """Requests under way besides the one that asks."""
        text = self.server.call("GET", "/metrics")[2].decode()
        return int(re.search(r"^lathe_http_requests_running (\d+)$", text, re.M)[1]) - 1

    def cpu_s(self):
        """CPU time of the server so far; its resolution is 10 ms."""
        with open(f"/proc/{self.server.process.proc.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def leave(self):
        self.socket.close()
