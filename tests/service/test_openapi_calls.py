# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Every operation of openapi.json called on a server with a device that is measured: each described answer, in each media
type, and each refusal must come at least once. Server.call() holds what comes to the description."""
import unittest
import urllib.parse

from api_description import description
from cli_case import LARGER, samples
from event_stream import EventStream
from lathe_service import Agent, Server, wait_for
from small_space import CONFIG, wait_for_state

TABLE = f"/v1/tables/here/{CONFIG}"
SUBNET = {"space": "larger", "resolution": 112, "depth": [1, 1, 1], "kernel": [3, 5, 3], "expand": [3, 6, 4]}
ASK = {"table": f"here/{CONFIG}", "space": "larger", "predictor": "mine"}
LAYER = "avgpool in=14x14x64 out=1x1x64"
ROW = {"layer": LAYER, "mean_ms": 0.5}
OFA_KEY = "AvgPool2D-input:14x14x64-output:1x1x64"
CSV = samples(400).encode()
NET_CONFIG = "application/vnd.ofa.net-config+json"
BINARY, PROBLEM = "application/octet-stream", "application/problem+json"
# test_openapi has them of every operation.
GENERIC = {400, 401, 403, 406, 413, 415}
# What no client can bring about when it wants to: see server/http/reply.c and server/routes/verify.c. What 507 is like test_storage
# tells.
BY_CHANCE = {500, 503, 504, 507}
# A key is under way for as long as its request runs, as a backup is: only what runs for long can be met by a second one.
TOO_QUICK = {(name, 409, PROBLEM) for name in ("createClean", "createProfile", "createMeasurement", "createRun", "importEntries", "getBackup")}
# Only of a space whose tables would not fit into memory.
TOO_LARGE = {("evaluateSubnets", 422, PROBLEM)}


class EveryCallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = description()
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.server.ok("PUT", "/v1/spaces/larger", LARGER)
        cls.server.ok("POST", "/v1/devices", {"name": "here", "transport": {"type": "local"}})

    def call(self, status, method, path, body=None, **kw):
        """A call that must be answered with this status; @return the body."""
        got, _, answer = self.server.call(method, path, body, **kw)
        self.assertEqual(got, status, (method, path, answer))
        return answer

    def test_every_described_answer_comes(self):
        for part in (self.server_itself, self.sessions, self.tokens, self.devices, self.spaces, self.networks, self.predictors, self.jobs_refused,
                     self.measuring, self.tables, self.nights, self.searches, self.leases, self.agents, self.events, self.removing, self.keys):
            with self.subTest(part.__name__):
                part()
        described = {(o.id, status, kind) for o in self.api.operations for status, response in o.responses.items() if status not in BY_CHANCE | GENERIC
                     for kind in response.get("content", {"": None})}
        self.maxDiff = None
        self.assertEqual(sorted(described - self.api.seen - TOO_QUICK - TOO_LARGE), [])
        taken = {(o.id, kind) for o in self.api.operations if o.body for kind in o.body["content"]}
        self.assertEqual(sorted(taken - self.api.sent), [])

    # ---- what needs no measuring ----

    def server_itself(self):
        for path in ("/healthz", "/readyz", "/metrics"):
            self.call(200, "GET", path, token="")
        self.call(200, "GET", "/v1/storage")
        self.call(200, "GET", "/v1/backup", accept=BINARY)
        _, headers, _ = self.server.call("GET", "/openapi.json", token="")
        self.call(304, "GET", "/openapi.json", token="", headers={"If-None-Match": headers["ETag"]})

    def sessions(self):
        self.call(200, "POST", "/v1/session", {"token": self.server.token}, token="")
        self.call(401, "POST", "/v1/session", {"token": "lathe_nobody"}, token="")
        self.call(403, "POST", "/v1/session", {"token": self.server.token}, token="", headers={"Origin": "http://elsewhere"})
        self.call(200, "GET", "/v1/session")
        self.call(403, "DELETE", "/v1/session", headers={"Origin": "http://elsewhere"})
        self.call(204, "DELETE", "/v1/session")

    def tokens(self):
        self.call(201, "POST", "/v1/tokens", {"role": "user", "name": "someone"})
        self.call(409, "POST", "/v1/tokens", {"role": "user", "name": "someone"})
        self.call(200, "GET", "/v1/tokens?limit=1")
        self.call(204, "DELETE", "/v1/tokens/someone")
        self.call(404, "DELETE", "/v1/tokens/someone")

    def devices(self):
        for name, transport in (("pi4", {"type": "ssh", "destination": "pi@10.0.0.7", "port": 22, "cpus": "2-3", "governor": "performance",
                                         "khz": 1500000, "cool_below_c": 60}),
                                ("uno", {"type": "serial", "port": "usb:2341:0043", "baud": 115200, "flow": "none", "reset": "dtr",
                                         "protocol": "mlperf-tiny", "visit_s": 60})):
            self.call(201, "POST", "/v1/devices", {"name": name, "transport": transport, "agent": None})
        self.call(409, "POST", "/v1/devices", {"name": "uno", "transport": {"type": "local"}})
        self.call(200, "GET", "/v1/devices?limit=1")
        self.call(200, "GET", "/v1/devices/pi4")
        self.call(404, "GET", "/v1/devices/nobody")
        self.call(200, "PATCH", "/v1/devices/pi4", {"agent": "lab"})
        self.call(404, "PATCH", "/v1/devices/nobody", {"agent": None})
        self.call(204, "DELETE", "/v1/devices/pi4")
        self.call(404, "DELETE", "/v1/devices/pi4")

    def spaces(self):
        self.call(200, "GET", "/v1/spaces")
        self.call(200, "GET", "/v1/spaces/ofa-resnet50")
        self.call(404, "GET", "/v1/spaces/nothing")
        self.call(200, "PUT", "/v1/spaces/larger", LARGER)
        shipped = self.server.ok("GET", "/v1/spaces/ofa-mbv3-w1.0")["document"]
        self.call(201, "PUT", "/v1/spaces/mine", {**shipped, "id": "mine"})
        self.call(409, "PUT", "/v1/spaces/ofa-mbv3-w1.0", shipped)

    def networks(self):
        lines = {"resolution": 32, "layers": ["conv2d 8 k=3 s=2 act=relu", "mbconv 16 mid=32 k=5 s=2 act=relu", "avgpool", "linear 10"]}
        self.call(200, "GET", "/v1/networks")
        config = self.call(200, "GET", "/v1/networks/mobilenetv3-large-1.0")["net_config"]
        self.call(404, "GET", "/v1/networks/nothing")
        for asked in ({"subnet": SUBNET}, {"network": lines}, {"network": config, "resolution": 128}, {"network": "mobilenetv2-1.0"}):
            self.call(200, "POST", "/v1/layers", asked)
            self.call(200, "POST", "/v1/net-configs", asked)
            self.call(200, "POST", "/v1/net-configs", asked, accept=NET_CONFIG)
        self.call(404, "POST", "/v1/layers", {"network": "nothing"})
        self.call(404, "POST", "/v1/net-configs", {"network": "nothing"})
        self.call(422, "POST", "/v1/net-configs", {"network": "efficientnet-b0"})

    def predictors(self):
        train = "/v1/predictors/mine/train?space=larger&method=ridge&seed=1"
        self.call(201, "POST", train, CSV, ctype="text/csv")
        self.call(409, "POST", "/v1/predictors/ofa-mbv3-w1.2-mlp/train?space=larger&method=ridge", CSV, ctype="text/csv")
        self.call(200, "GET", "/v1/predictors")
        self.call(200, "GET", "/v1/predictors/mine")
        file = self.call(200, "GET", "/v1/predictors/mine", accept=BINARY)
        self.call(404, "GET", "/v1/predictors/nothing")
        self.call(201, "PUT", "/v1/predictors/copy", file, ctype=BINARY)
        self.call(200, "PUT", "/v1/predictors/copy?space=larger", file, ctype=BINARY)
        self.call(409, "PUT", "/v1/predictors/ofa-mbv3-w1.2-mlp", file, ctype=BINARY)
        # The one tensor of this file is of OFA's predictors for ResNet50.
        head = b'{"base_acc":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        self.call(422, "PUT", "/v1/predictors/other?space=larger", len(head).to_bytes(8, "little") + head + bytes(4), ctype=BINARY)
        self.call(204, "DELETE", "/v1/predictors/copy")
        self.call(404, "DELETE", "/v1/predictors/copy")
        self.call(409, "DELETE", "/v1/predictors/ofa-mbv3-w1.2-mlp")

    # ---- jobs ----

    def jobs_refused(self):
        profile = {"device": "uno", "config": CONFIG, "space": "larger"}
        measurement = {"device": "uno", "config": CONFIG, "subnet": SUBNET}
        for path, body in (("/v1/profiles", profile), ("/v1/measurements", measurement)):
            self.call(422, "POST", path, body)
            self.call(404, "POST", path, {**body, "device": "nobody"})
        self.server.ok("POST", "/v1/tables/imported/x-f32-t1-b1/entries", b"layer,mean_ms\nlinear in=1x1x8 out=1x1x10,0.5\n", ctype="text/csv")
        self.call(422, "POST", "/v1/devices/imported/clean")
        job = self.call(202, "POST", "/v1/measurements", {"device": "uno", "visits": 1, "runs": 1})
        self.server.ok("DELETE", f"/v1/measurements/{job['id']}")  # no agent is to come upon it
        self.call(404, "POST", "/v1/devices/nobody/clean")
        for kind in ("profiles", "measurements", "cleans"):
            self.call(404, "GET", f"/v1/{kind}/nothing")
            self.call(404, "DELETE", f"/v1/{kind}/nothing")

    def measuring(self):
        """Jobs before, while and after an agent works on them."""
        profile = {"device": "here", "config": CONFIG, "space": "larger", "resolutions": [112], "rounds": 1, "runs": 2, "held_out": 3}
        measurement = {"device": "here", "config": CONFIG, "visits": 2, "runs": 2}
        made = {"profiles": self.call(201, "POST", "/v1/profiles", profile), "cleans": self.call(202, "POST", "/v1/devices/here/clean"),
                "measurements": self.call(202, "POST", "/v1/measurements", {**measurement, "network": "efficientnet-b0", "resolution": 32})}
        self.call(422, "GET", f"/v1/measurements/{made['measurements']['id']}", accept=NET_CONFIG)
        for kind, job in made.items():
            self.call(200, "DELETE", f"/v1/{kind}/{job['id']}")
            self.call(409, "DELETE", f"/v1/{kind}/{job['id']}")
        self.call(409, "GET", f"/v1/measurements/{made['measurements']['id']}", accept=NET_CONFIG)
        jobs = [self.call(201, "POST", "/v1/profiles", profile), self.call(202, "POST", "/v1/devices/here/clean"),
                self.call(202, "POST", "/v1/measurements", {**measurement, "subnet": SUBNET})]
        with Agent(self.server):
            done = [wait_for_state(self.server, job, "done", "failed") for job in jobs]
            self.call(200, "POST", "/v1/measurements", {**measurement, "network": "mobilenetv3-small-1.0", "resolution": 32},
                      headers={"Prefer": "wait=60"})
            self.call(200, "GET", "/v1/agents")
        self.assertEqual([job["state"] for job in done], ["done"] * 3, done)
        self.call(200, "GET", f"/v1/measurements/{jobs[2]['id']}", accept=NET_CONFIG)
        for kind in ("profiles", "measurements", "cleans"):
            self.call(200, "GET", f"/v1/{kind}?limit=1")
            self.call(200, "GET", f"/v1/{kind}?device=here")
        self.call(200, "GET", "/v1/profiles?mode=layers")
        self.call(200, "GET", "/v1/profiles?mode=night")
        self.call(200, "GET", f"/v1/cleans/{jobs[1]['id']}", headers={"Prefer": "wait=1"})
        self.assertIsNotNone(self.call(200, "GET", "/v1/devices/here")["condition"])

    def nights(self):
        """Runs before and after an agent works on them, and shipped subnets."""
        run = {"devices": ["here"], "config": CONFIG, "space": "larger", "resolutions": [112]}
        self.call(404, "POST", "/v1/runs", {**run, "devices": ["nobody"]})
        cancelled = self.call(201, "POST", "/v1/runs", run)["id"]
        self.call(200, "DELETE", f"/v1/runs/{cancelled}")
        self.call(409, "DELETE", f"/v1/runs/{cancelled}")
        self.call(409, "POST", f"/v1/runs/{cancelled}/accept", {})
        made = self.call(201, "POST", "/v1/runs", run)["id"]
        with Agent(self.server, name="night"):
            wait_for("the night's end", lambda: self.server.ok("GET", f"/v1/runs/{made}")["state"] == "done")
        self.call(200, "POST", f"/v1/runs/{made}/accept", {"targets": [{"device": "here", "config": CONFIG}], "note": "as it is"})
        self.call(200, "GET", f"/v1/runs/{made}")
        self.call(200, "GET", f"/v1/runs?limit=1&device=here&config={CONFIG}")
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/accept")):
            self.call(404, method, f"/v1/runs/nothing{path}", {} if method == "POST" else None)
        self.call(200, "GET", f"{TABLE}/nights?layer={urllib.parse.quote(LAYER)}")
        self.call(404, "GET", f"/v1/tables/nobody/{CONFIG}/nights")
        ship = {"name": "camera", "table": f"here/{CONFIG}", "subnet": SUBNET, "limits": {"latency_ms": 5}}
        shipped = [self.call(201, "POST", "/v1/shipped", {**ship, "name": f"camera{i}"})["id"] for i in range(32)]
        self.call(409, "POST", "/v1/shipped", ship)
        self.call(404, "POST", "/v1/shipped", {**ship, "table": f"nobody/{CONFIG}"})
        self.call(200, "GET", "/v1/shipped?limit=1")
        for one in shipped:
            self.call(204, "DELETE", f"/v1/shipped/{one}")
        self.call(404, "DELETE", f"/v1/shipped/{shipped[0]}")

    # ---- what was measured ----

    def tables(self):
        layer = urllib.parse.quote(LAYER)
        self.call(200, "GET", "/v1/tables")
        for path in (TABLE, f"{TABLE}/entries?limit=2&kind=avgpool&q=14x14&sort=-latency_ms&version=1"):
            _, headers, _ = self.server.call("GET", path)
            self.call(304, "GET", path, headers={"If-None-Match": headers["ETag"]})
        for kind in ("application/json", "text/csv", "application/yaml", "application/vnd.ofa+json"):
            self.call(200, "GET", f"{TABLE}/entries", accept=kind)
        for part in ("history?layer=" + layer, "samples?limit=2&layer=" + layer, "coverage?space=larger&resolutions=112,128", "trust", "doubts", "networks"):
            self.call(200, "GET", f"{TABLE}/{part}")
            self.call(404, "GET", f"/v1/tables/nobody/{CONFIG}/{part}")
        for path in ("", "/entries"):
            self.call(404, "GET", f"/v1/tables/nobody/{CONFIG}{path}")
        imported = "/v1/tables/imported/x-f32-t1-b1/entries"
        self.call(200, "POST", imported, {"items": [ROW]})
        self.call(200, "POST", imported, f"layer,mean_ms\n{LAYER},0.5\n".encode(), ctype="text/csv")
        self.call(200, "POST", imported, f"{OFA_KEY}:\n  count: 3\n  mean: 0.5\n".encode(), ctype="application/yaml")
        self.call(200, "POST", imported, {OFA_KEY: {"count": 3, "mean": 0.5}}, ctype="application/vnd.ofa+json")
        self.call(404, "GET", "/v1/tables/imported/x-f32-t1-b1/trust")

    def searches(self):
        missing = {**ASK, "table": "imported/x-f32-t1-b1"}
        limits, tight = {"constraints": {"latency_ms": 1000}}, {"constraints": {"latency_ms": 1e-9}}
        self.call(200, "POST", "/v1/subnets", {**ASK, **limits, "fix": {"kernel": [3, None, None]}, "resolutions": [112], "budget_ms": 5})
        self.call(200, "POST", "/v1/subnets", {**ASK, **limits, "budget_ms": 5}, accept=NET_CONFIG)
        self.call(200, "POST", "/v1/subnets", {**ASK, "objective": "macs", "min_top1": 0.6, "algorithm": "auto", "budget_ms": 5})
        several = {"tables": [ASK["table"], ASK["table"].replace("here", "copy")], "space": "larger", "predictor": "mine"}
        rows = self.server.call("GET", f"{TABLE}/entries", accept="text/csv")[2]
        self.server.ok("POST", f"/v1/tables/copy/{CONFIG}/entries", rows, ctype="text/csv")
        self.call(200, "POST", "/v1/subnets", {**several, "constraints": {"latency_ms": [1000, 2000]}, "budget_ms": 5})
        self.call(200, "POST", "/v1/fronts", {**ASK, "points": 3, "budget_ms": 5})
        self.call(200, "POST", "/v1/fronts", {**several, "points": 3, "algorithm": "nsga2", "nsga2": {"population": 8, "generations": 2}, "budget_ms": 5,
                                              "objectives": ["top1", "latency", "params"]})
        self.call(200, "POST", "/v1/evaluations", {**ASK, "subnets": [SUBNET]})
        self.call(200, "POST", "/v1/evaluations", {**several, "subnets": [SUBNET]})
        for path, ask in (("/v1/subnets", limits), ("/v1/fronts", {}), ("/v1/evaluations", {"subnets": [SUBNET]})):
            self.call(404, "POST", path, {**ASK, **ask, "table": "nobody/x-f32-t1-b1"})
            self.assertGreater(self.call(409, "POST", path, {**missing, **ask})["missing_count"], 0)
        for path in ("/v1/subnets", "/v1/fronts"):
            self.assertIn("latency_ms", self.call(422, "POST", path, {**ASK, **tight})["least"])
        with Agent(self.server, name="verifier"):
            verified = self.call(200, "POST", "/v1/subnets", {**ASK, **limits, "verify": True, "budget_ms": 5})
        self.assertGreater(verified["verified"]["latency_ms"], 0)

    # ---- agents ----

    def lease(self):
        return self.call(200, "POST", "/v1/agents/lab/leases?wait_s=1", {"instance": "i", "machine": "m", "leases": [], "cpus": {"here": "0-3"}})

    def leases(self):
        """What an agent does, by hand."""
        self.call(204, "POST", "/v1/agents/lab/leases")
        job = self.server.ok("POST", "/v1/measurements", {"device": "here", "config": CONFIG, "visits": 2, "runs": 2, "subnet": SUBNET})
        lease = self.lease()
        path, fence = f"/v1/leases/{lease['id']}", {"fence": lease["fence"]}
        layers, runs = len(lease["networks"][-1]["layers"]), lease["runs"]
        first = lease["visits"][0]
        result = {**first, "total_ns": [1000 * layers] * runs, "wall_ns": [[1000] * layers] * runs, "cpu_ns": [[900] * layers] * runs,
                  "preempted": [[0] * layers] * runs, "sentinel": {"ns": 5000, "cpu_ns": 4000}, "busy_ns": 9000, "build_ns": 0, "redone": 0,
                  "state": {"khz": 1800000, "temperature_k": 320.5, "load": 0.1, "available_mb": 100}, "throttled": False, "disturbed": False}
        self.call(200, "POST", path + "/renew", {**fence, "trouble": "no route to it"})
        results = {**fence, "fingerprint": {"cpu": "by hand"}, "visits": [result]}
        self.assertEqual(self.call(200, "POST", path + "/results", results), {"accepted": 1})
        self.call(204, "POST", path + "/release", {**fence, "error": "the cable was pulled", "fatal": False})
        for end, body in (("renew", fence), ("results", results), ("release", fence)):
            self.call(409, "POST", f"{path}/{end}", body)
        self.server.ok("DELETE", f"/v1/measurements/{job['id']}")
        self.server.ok("POST", "/v1/devices/here/clean")
        lease = self.lease()
        self.assertEqual(lease["kind"], "clean")
        self.call(204, "POST", f"/v1/leases/{lease['id']}/release", {"fence": lease["fence"], "freed_kb": 12})

    def agents(self):
        self.call(204, "PUT", "/v1/agents/lab/sees", {"serial": [{"port": "/dev/ttyACM0", "description": "Nano 33 BLE", "vid": "2341", "pid": "805a"}],
                                                      "ssh": ["pi4"]})
        lab = next(a for a in self.call(200, "GET", "/v1/agents")["items"] if a["name"] == "lab")
        self.assertEqual(lab["sees"]["ssh"], ["pi4"])
        self.call(409, "POST", "/v1/agents/absent/scan", {})
        self.call(204, "POST", "/v1/agents/scanner/leases", {})
        scan = self.call(202, "POST", "/v1/agents/scanner/scan", {"ports": ["/dev/ttyAMA0"], "baud": 9600})
        self.assertEqual(self.call(200, "POST", "/v1/agents/scanner/leases", {})["id"], scan["id"])

    # ---- the rest ----

    def events(self):
        """An event of every kind, with its resource."""
        with EventStream(self.server, "?topics=device,profile,measurement,clean,table,predictor,space") as stream:
            self.server.ok("POST", "/v1/devices", {"name": "told", "transport": {"type": "local"}})
            stream.of("device", "told")
            profile = self.server.ok("POST", "/v1/profiles", {"device": "told", "config": CONFIG, "space": "larger"})
            stream.of("profile", profile["id"])
            measurement = self.server.ok("POST", "/v1/measurements", {"device": "told", "config": CONFIG, "subnet": SUBNET})
            stream.of("measurement", measurement["id"])
            stream.of("clean", self.server.ok("POST", "/v1/devices/told/clean")["id"])
            self.server.ok("POST", "/v1/tables/told/x-f32-t1-b1/entries", {"items": [ROW]})
            stream.of("table", "told/x-f32-t1-b1")
            self.server.ok("POST", "/v1/predictors/told/train?space=larger&method=ridge", CSV, ctype="text/csv")
            stream.of("predictor", "told")
            self.server.ok("PUT", "/v1/spaces/told", {**LARGER, "id": "told"})
            stream.of("space", "told")
            self.server.ok("DELETE", "/v1/devices/told?with_tables=true")
            stream.of("device", "told", "removed")
        with EventStream(self.server, headers={"Last-Event-ID": "0000000000000000-1"}) as stream:
            self.assertEqual(stream.first.kind, "reset")

    def removing(self):
        self.assertEqual(self.call(409, "DELETE", "/v1/devices/imported")["tables"], ["imported/x-f32-t1-b1"])
        self.call(204, "DELETE", "/v1/tables/imported/x-f32-t1-b1")
        self.call(404, "DELETE", "/v1/tables/imported/x-f32-t1-b1")

    def keys(self):
        """Each call that creates, by a key: once more, and with another request."""
        bodies = {
            "createToken": [{"role": "user", "name": f"key{i}"} for i in range(2)],
            "createDevice": [{"name": f"key{i}", "transport": {"type": "local"}} for i in range(2)],
            "createProfile": [{"device": "key0", "config": CONFIG, "space": "larger", "seed": i} for i in range(2)],
            "createMeasurement": [{"device": "key0", "config": CONFIG, "subnet": SUBNET, "visits": i + 1} for i in range(2)],
            "importEntries": [{"items": [{**ROW, "mean_ms": i + 1}]} for i in range(2)],
            "findSubnet": [{**ASK, "constraints": {"latency_ms": 1000}, "budget_ms": 5, "seed": i} for i in range(2)],
            "trainPredictor": [CSV, samples(300).encode()],
            "createClean": [None, b"other"],
            "createRun": [{"devices": ["key0"], "config": CONFIG, "space": "larger", "resolutions": [r]} for r in (112, 128)],
            "createShipped": [{"name": f"key{i}", "table": "here/" + CONFIG, "subnet": SUBNET, "limits": {"latency_ms": 5}} for i in range(2)],
        }
        creating = {o.id: o for o in self.api.operations if ("header", "idempotency-key") in o.parameters}
        self.assertEqual(set(creating), set(bodies))
        for name, (first, other) in bodies.items():
            path = creating[name].path.format(device="key0", config="x-f32-t1-b1", id="key0") + ("?space=larger&method=ridge" if name == "trainPredictor" else "")
            kw = {"headers": {"Idempotency-Key": name}, "ctype": "text/csv" if name == "trainPredictor" else "application/json"}
            _, _, answer = self.server.call("POST", path, first, **kw)
            _, headers, again = self.server.call("POST", path, first, **kw)
            self.assertEqual((again, headers["Idempotency-Replayed"]), (answer, "true"), name)
            self.call(422, "POST", path, other, **kw)


if __name__ == "__main__":
    unittest.main()
