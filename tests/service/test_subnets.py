# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Predictors, evaluations and searches against OFA's published table and predictor."""
import csv
import struct
import unittest

from lathe_service import Server, test_data

TABLE, SPACE = "note10/tflite-f32-t1-b1", "ofa-mbv3-w1.2"


def vectors():
    """The 300 published subnets, each with its document."""
    rows = list(csv.DictReader(test_data("ofa/vectors_mbv3_w1.2.csv").open()))
    for row in rows:
        depth = [int(row[f"d{i}"]) for i in range(5)]
        on = [i % 4 < depth[i // 4] for i in range(20)]
        row["subnet"] = {"space": SPACE, "resolution": int(row["r"]), "depth": depth,
                         "kernel": [int(row[f"k{i}"]) if on[i] else 0 for i in range(20)],
                         "expand": [int(row[f"e{i}"]) if on[i] else 0 for i in range(20)]}
    return rows


class SubnetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = vectors()
        cls.server = Server()
        cls.server.load_note10()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def ask(self, constraints, **more):
        return self.server.call("POST", "/v1/subnets", {"table": TABLE, "space": SPACE, "predictor": "ofa", "constraints": constraints, **more})

    def evaluate(self, subnets, **more):
        return self.server.call("POST", "/v1/evaluations", {"table": TABLE, "space": SPACE, "predictor": "ofa", "subnets": subnets, **more})

    def test_all_published_vectors_are_met(self):
        status, _, answer = self.evaluate([r["subnet"] for r in self.rows])
        self.assertEqual(status, 200)
        for row, got in zip(self.rows, answer["evaluations"], strict=True):
            self.assertAlmostEqual(got["top1"], float(row["accuracy"]), delta=1e-4)
            self.assertAlmostEqual(got["latency_ms"], float(row["note10_latency_ms"]), delta=1e-6)
            self.assertEqual(round(got["macs_m"] * 1e6), int(row["macs_without_se"]) + int(row["macs_se"]))

    def test_25_ms_gives_a_subnet_that_keeps_to_it(self):
        status, _, answer = self.ask({"latency_ms": 25})
        self.assertEqual(status, 200)
        self.assertGreaterEqual(answer["top1"], 0.814)
        self.assertLessEqual(answer["latency_ms"], 25)
        self.assertAlmostEqual(sum(l["latency_ms"] for l in answer["layers"]), answer["latency_ms"], delta=1e-9)
        again = self.evaluate([answer["subnet"]])[2]["evaluations"][0]
        self.assertEqual(again["latency_ms"], answer["latency_ms"])
        self.assertAlmostEqual(again["top1"], answer["top1"], delta=1e-6)
        self.assertEqual(answer["provenance"]["table"], TABLE)
        low, high = answer["latency_ms_range"]
        self.assertTrue(low < answer["latency_ms"] < high)

    def test_the_same_seed_gives_the_same_answer(self):
        small = {"population": 20, "generations": 20}
        one, two = (self.ask({"latency_ms": 20}, seed=7, algorithm="evolution", evolution=small)[2] for _ in range(2))
        self.assertEqual(one["subnet"], two["subnet"])
        other = self.ask({"latency_ms": 20}, seed=8, algorithm="evolution", evolution=small)[2]
        self.assertNotEqual(one["subnet"], other["subnet"])

    def test_other_limits_hold_too(self):
        small = {"population": 40, "generations": 60}
        answer = self.ask({"latency_ms": 40, "macs_m": 250, "params_m": 8}, evolution=small)[2]
        self.assertLessEqual(answer["macs_m"], 250)
        self.assertLessEqual(answer["params_m"], 8)

    def test_only_the_resolutions_asked_for_are_used(self):
        answer = self.ask({"latency_ms": 30}, resolutions=[176], evolution={"generations": 10})[2]
        self.assertEqual(answer["subnet"]["resolution"], 176)

    def test_less_than_the_least_is_422_with_the_least(self):
        status, _, problem = self.ask({"latency_ms": 1})
        self.assertEqual((status, problem["field"]), (422, "constraints.latency_ms"))
        least = problem["least"]["latency_ms"]
        self.assertEqual(self.ask({"latency_ms": least}, evolution={"generations": 1})[0], 200)
        self.assertEqual(self.ask({"latency_ms": least * 0.9999}, evolution={"generations": 1})[0], 422)

    def test_missing_rows_are_409_with_the_command(self):
        status, _, problem = self.ask({"latency_ms": 25}, resolutions=[160, 164])
        self.assertEqual(status, 409)
        self.assertEqual(problem["command"], f"lathe profile note10 --config tflite-f32-t1-b1 --space {SPACE} --resolutions 164")
        self.assertGreater(problem["missing_count"], 20)
        self.assertTrue(all("in=" in row for row in problem["missing"]))

    def test_fields_at_fault_are_named(self):
        good = {"latency_ms": 25}
        cases = [
            ({}, {}, "constraints"), ({"latency": 25}, {}, "constraints.latency"), ({"latency_ms": "25"}, {}, "constraints.latency_ms"),
            ({"latency_ms": -1}, {}, "constraints.latency_ms"), (good, {"algorithm": "magic"}, "algorithm"), (good, {"seed": -1}, "seed"),
            (good, {"space": "none"}, "space"), (good, {"table": "note10"}, "table"), (good, {"resolutions": [161]}, "resolutions[0]"),
            (good, {"evolution": {"population": 1}}, "evolution.population"), (good, {"tables": []}, "tables"),
        ]
        for constraints, more, field in cases:
            status, _, problem = self.ask(constraints, **more)
            self.assertEqual((status, problem.get("field")), (400, field), problem)
        self.assertEqual(self.ask(good, verify=True)[2]["field"], "verify")
        self.assertEqual(self.ask(good, table="nobody/x-f32-t1-b1")[0], 404)
        self.assertEqual(self.ask(good, predictor="none")[0], 404)

    def test_a_bad_subnet_is_named_by_its_place(self):
        good = self.rows[0]["subnet"]
        cases = [({**good, "resolution": 161}, "resolution"), ({**good, "depth": [2, 2]}, "depth"), ({**good, "space": "ofa-mbv3-w1.0"}, "space"),
                 ({**good, "kernel": [9] * 20}, "kernel[0]"), ({**good, "colour": 1}, "colour")]
        for subnet, field in cases:
            status, _, problem = self.evaluate([good, subnet])
            self.assertEqual((status, problem["field"]), (400, "subnets[1]." + field), problem)
        self.assertEqual(self.evaluate([])[0], 400)
        self.assertEqual(self.evaluate([good] * 1001)[0], 400)

    def test_a_predictor_ships_and_is_used_when_none_is_named(self):
        items = {p["id"]: p for p in self.server.ok("GET", "/v1/predictors")["items"]}
        self.assertEqual(items["ofa-mbv3-w1.2-mlp"]["origin"], "shipped")
        body = {"table": TABLE, "space": SPACE, "subnets": [r["subnet"] for r in self.rows]}
        got = self.server.ok("POST", "/v1/evaluations", body)["evaluations"]
        mae = sum(abs(g["top1"] - float(r["accuracy"])) for g, r in zip(got, self.rows)) / len(got)
        self.assertLess(mae, 0.0015)

    def test_shipped_predictors_cannot_be_replaced_or_removed(self):
        body = test_data("ofa/acc_predictor_mbv3_w1.2.safetensors").read_bytes()
        kind = {"ctype": "application/octet-stream"}
        self.assertEqual(self.server.call("PUT", "/v1/predictors/ofa-mbv3-w1.2-mlp", body, **kind)[0], 409)
        self.assertEqual(self.server.call("DELETE", "/v1/predictors/ofa-mbv3-w1.2-mlp")[0], 409)

    def test_a_predictor_comes_out_as_it_went_in(self):
        body = test_data("ofa/acc_predictor_mbv3_w1.2.safetensors").read_bytes()
        got = self.server.call("GET", "/v1/predictors/ofa", accept="application/octet-stream")[2]
        self.assertEqual(got, body)
        described = self.server.ok("GET", "/v1/predictors/ofa")
        self.assertEqual((described["layers"], described["space"]), ([128, 400, 400, 400, 1], SPACE))

    def test_files_that_lie_are_refused(self):
        good = test_data("ofa/acc_predictor_mbv3_w1.2.safetensors").read_bytes()
        size = struct.unpack("<Q", good[:8])[0]
        for name, body in {"empty": b"", "cut header": good[:100], "cut data": good[:-4], "long header": struct.pack("<Q", 1 << 60) + good[8:],
                           "more data": good + b"1234", "not json": good[:8] + b"x" * size + good[8 + size:],
                           "other shape": good.replace(b"[400,128]", b"[128,400]")}.items():
            status, _, problem = self.server.call("PUT", "/v1/predictors/bad", body, ctype="application/octet-stream")
            self.assertEqual(status, 400, (name, problem))
        self.assertEqual(self.server.call("GET", "/v1/predictors/bad")[0], 404)
        self.assertEqual(self.server.call("PUT", "/v1/predictors/bad?space=none", good, ctype="application/octet-stream")[0], 400)
        self.assertEqual(self.server.call("PUT", "/v1/predictors/bad", good)[0], 415)

    def test_training_reports_how_good_it_is(self):
        lines = test_data("ofa/acc_samples_mbv3_w1.2.csv").read_text().splitlines()[:3001]
        status, _, answer = self.server.call("POST", f"/v1/predictors/mine/train?space={SPACE}", "\n".join(lines).encode(), ctype="text/csv")
        self.assertEqual((status, answer["training"]["rows"]), (201, 3000))
        self.assertGreater(answer["training"]["r2"], 0.95)
        lines[7] = lines[7].replace(",", ";", 1)
        status, _, problem = self.server.call("POST", f"/v1/predictors/broken/train?space={SPACE}", "\n".join(lines).encode(), ctype="text/csv")
        self.assertEqual((status, problem["line"]), (400, 8))
        self.assertEqual(self.server.call("DELETE", "/v1/predictors/mine")[0], 204)


if __name__ == "__main__":
    unittest.main()
