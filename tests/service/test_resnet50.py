# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""OFA-ResNet50 over REST: space, published predictor and search, against an implementation of its own in Python."""
import random
import unittest

import ofa_resnet50
from lathe_service import Server, test_data

SPACE, TABLE, RESOLUTION = "ofa-resnet50", "board/test-f32-t1-b1", 192
FILE = "ofa/acc_predictor_resnet50.safetensors"


def latency_ms(macs):
    """Some latency that grows with the work; the table has it for every layer."""
    return 0.05 + 5e-9 * macs


class ResnetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.weights = test_data(FILE).read_bytes()
        cls.predictor = ofa_resnet50.Predictor(cls.weights)
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.rows = ofa_resnet50.all_layers(RESOLUTION)
        csv = "layer,mean_ms\n" + "".join(f"{text},{latency_ms(macs)!r}\n" for text, macs in cls.rows.items())
        cls.server.ok("POST", f"/v1/tables/{TABLE}/entries", csv.encode(), ctype="text/csv")
        status, _, answer = cls.put("r50", cls.weights)
        assert status == 201, answer
        cls.subnets = [ofa_resnet50.random_subnet(random.Random(seed), RESOLUTION) for seed in range(40)]

    @classmethod
    def put(cls, name, body, space=SPACE):
        return cls.server.call("PUT", f"/v1/predictors/{name}?space={space}", body, ctype="application/octet-stream")

    def evaluate(self, subnets):
        body = {"table": TABLE, "space": SPACE, "predictor": "r50", "subnets": [ofa_resnet50.document(s) for s in subnets]}
        return self.server.ok("POST", "/v1/evaluations", body)["evaluations"]

    def ask(self, constraints, **more):
        return self.server.call("POST", "/v1/subnets", {"table": TABLE, "space": SPACE, "predictor": "r50", "constraints": constraints,
                                                        "resolutions": [RESOLUTION], **more})

    def test_the_space_has_the_rows_and_resolutions_of_its_source(self):
        space = self.server.ok("GET", f"/v1/spaces/{SPACE}")
        self.assertEqual(space["rows_per_resolution"], len(self.rows))
        self.assertEqual(space["resolutions"], ofa_resnet50.RESOLUTIONS)
        self.assertAlmostEqual(space["subnets"] / (8 * 2 * 3 ** 6 * 117 ** 3 * 1053), 1, delta=1e-12)

    def test_the_file_names_its_space_and_shows_its_layers(self):
        status, _, described = self.server.call("PUT", "/v1/predictors/named", self.weights, ctype="application/octet-stream")
        self.assertEqual((status, described["space"], described["layers"]), (201, SPACE, [82, 400, 400, 400, 1]))

    def test_evaluations_are_those_of_the_source(self):
        for subnet, got in zip(self.subnets, self.evaluate(self.subnets), strict=True):
            layers = ofa_resnet50.layers(subnet)
            self.assertAlmostEqual(got["top1"], self.predictor(subnet), delta=1e-5)
            self.assertEqual(round(got["macs_m"] * 1e6), sum(macs for _, macs in layers))
            self.assertAlmostEqual(got["latency_ms"], sum(latency_ms(macs) for _, macs in layers), delta=1e-6)

    def test_wider_and_later_is_rated_better(self):
        """Features in another order would hardly show this: the mean over subnets grows with each stage's width."""
        for part in range(2, 6):
            means = []
            for width in range(3):
                changed = [{**s, "w": s["w"][:part] + [width] + s["w"][part + 1:]} for s in self.subnets]
                means.append(sum(e["top1"] for e in self.evaluate(changed)) / len(changed))
            self.assertTrue(means[0] < means[1] < means[2], (part, means))

    def test_a_search_finds_a_subnet_within_limits(self):
        limits = {"latency_ms": 9.0, "macs_m": 1600}
        status, _, answer = self.ask(limits, seed=3)
        self.assertEqual(status, 200, answer)
        self.assertLessEqual(answer["latency_ms"], limits["latency_ms"])
        self.assertLessEqual(answer["macs_m"], limits["macs_m"])
        again = self.server.ok("POST", "/v1/evaluations", {"table": TABLE, "space": SPACE, "predictor": "r50", "subnets": [answer["subnet"]]})
        self.assertAlmostEqual(again["evaluations"][0]["top1"], answer["top1"], delta=1e-6)
        self.assertAlmostEqual(sum(layer["latency_ms"] for layer in answer["layers"]), answer["latency_ms"], delta=1e-9)
        self.assertTrue(all(layer["layer"] in self.rows for layer in answer["layers"]))
        # Better than any of many random subnets within the same limits.
        rng = random.Random(5)
        drawn = [ofa_resnet50.random_subnet(rng, RESOLUTION) for _ in range(1000)]
        within = [e["top1"] for e in self.evaluate(drawn) if e["latency_ms"] <= limits["latency_ms"] and e["macs_m"] <= limits["macs_m"]]
        self.assertGreater(len(within), 50)
        self.assertGreater(answer["top1"], max(within))
        self.assertEqual(self.ask(limits, seed=3)[2]["subnet"], answer["subnet"])

    def test_less_than_the_least_is_422_with_the_least(self):
        smallest = {"d": [0] * 5, "e": [0.2] * 18, "w": [0] * 6, "r": RESOLUTION}
        status, _, problem = self.ask({"macs_m": 1})
        self.assertEqual(status, 422)
        self.assertAlmostEqual(problem["least"]["macs_m"], sum(m for _, m in ofa_resnet50.layers(smallest)) / 1e6, delta=1e-6)

    def test_missing_rows_are_409_with_the_command(self):
        status, _, problem = self.ask({"latency_ms": 9}, resolutions=[RESOLUTION, 224])
        self.assertEqual(status, 409)
        self.assertIn(f"--space {SPACE} --resolutions 224", problem["command"])

    def test_the_layout_is_refused_for_spaces_of_other_features(self):
        status, _, problem = self.put("no", self.weights, "ofa-mbv3-w1.2")
        self.assertEqual(status, 422)
        self.assertIn("ResNet50", problem["detail"])
        self.assertEqual(self.server.call("GET", "/v1/predictors/no")[0], 404)

    def test_broken_files_are_refused_by_name_of_the_tensor(self):
        for old, new, tensor in ((b"layers.2.0.bias", b"layers.2.0.bios", "layers.2.0.bias"), (b'"base_acc"', b'"base_ace"', "base_acc"),
                                 (b"layers.3.weight", b"layers.4.weight", "layers.3.weight")):
            status, _, problem = self.put("broken", self.weights.replace(old, new))
            self.assertEqual((status, problem["field"]), (400, tensor))
        self.assertEqual(self.put("broken", self.weights[:-4])[0], 400)

    def test_own_measurements_train_a_predictor(self):
        names = [f"d{i}" for i in range(5)] + [f"e{i}" for i in range(18)] + [f"w{i}" for i in range(6)] + ["r", "accuracy"]
        lines, rng = [",".join(names)], random.Random(8)
        for _ in range(400):
            subnet = ofa_resnet50.random_subnet(rng)
            d = ofa_resnet50.document(subnet)
            lines.append(",".join(str(v) for v in d["depth"] + d["expand"] + d["width"] + [d["resolution"], self.predictor(subnet)]))
        path = f"/v1/predictors/own/train?space={SPACE}"
        status, _, answer = self.server.call("POST", path, "\n".join(lines).encode(), ctype="text/csv")
        self.assertEqual(status, 201, answer)
        self.assertGreater(answer["training"]["r2"], 0.8)


if __name__ == "__main__":
    unittest.main()
