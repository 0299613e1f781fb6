# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Predictors and the spaces that they are for, over REST; and how answers' formats are chosen."""
import unittest

from lathe_service import Server, test_data

ROW = b"layer,mean_ms\nlinear in=1x1x8 out=1x1x10,0.5\n"
TABLE, CONFIG = "/v1/tables/note10/tflite-f32-t1-b1", "tflite-f32-t1-b1"


class PredictorTest(unittest.TestCase):
    def setUp(self):
        self.weights = test_data("ofa/acc_predictor_mbv3_w1.2.safetensors").read_bytes()
        self.server = Server()
        self.addCleanup(self.server.close)
        self.document = self.server.ok("GET", "/v1/spaces/ofa-mbv3-w1.2")["document"]

    def put(self, name, space=None):
        return self.server.call("PUT", f"/v1/predictors/{name}" + (f"?space={space}" if space else ""), self.weights,
                                ctype="application/octet-stream")

    def test_a_list_shows_what_one_shows(self):
        self.put("mine")
        for item in self.server.ok("GET", "/v1/predictors")["items"]:
            self.assertEqual(item, self.server.ok("GET", f"/v1/predictors/{item['id']}"))

    def test_shipped_and_own_ones_come_in_one_order_of_pages(self):
        for name in ("a", "ofa", "ofa-mbv3-w1.2-mlp2", "z"):
            self.assertEqual(self.put(name)[0], 201)
        seen, cursor = [], None
        while True:
            page = self.server.ok("GET", "/v1/predictors?limit=1" + (f"&cursor={cursor}" if cursor else ""))
            seen += [p["id"] for p in page["items"]]
            cursor = page["next"]
            if not cursor:
                break
        self.assertEqual(seen, ["a", "ofa", "ofa-mbv3-w1.2-mlp", "ofa-mbv3-w1.2-mlp2", "z"])

    def test_a_predictor_outlives_a_new_document_of_its_space(self):
        self.server.load_note10()
        self.server.ok("PUT", "/v1/spaces/mine", {**self.document, "id": "mine"})
        self.assertEqual(self.put("p", "mine")[0], 201)
        ask = {"table": f"note10/{CONFIG}", "space": "mine", "predictor": "p", "constraints": {"latency_ms": 30}, "evolution": {"generations": 5}}
        first = self.server.ok("POST", "/v1/subnets", ask)
        self.assertEqual(self.server.call("PUT", "/v1/spaces/mine", {**self.document, "id": "mine", "title": "renamed"})[0], 200)
        self.assertEqual(self.server.ok("GET", "/v1/spaces/mine")["title"], "renamed")
        self.assertEqual(self.server.ok("POST", "/v1/subnets", ask)["subnet"], first["subnet"])

    def test_a_new_file_under_an_id_is_used_from_then_on(self):
        self.server.load_note10()
        subnet = {"space": "ofa-mbv3-w1.2", "resolution": 192, "depth": [2] * 5, "kernel": [3, 3, 0, 0] * 5, "expand": [3, 3, 0, 0] * 5}
        ask = {"table": f"note10/{CONFIG}", "space": "ofa-mbv3-w1.2", "predictor": "p", "subnets": [subnet]}
        shipped_file = self.server.call("GET", "/v1/predictors/ofa-mbv3-w1.2-mlp", accept="application/octet-stream")[2]
        self.put("p")
        one = self.server.ok("POST", "/v1/evaluations", ask)["evaluations"][0]["top1"]
        self.assertEqual(self.server.call("PUT", "/v1/predictors/p", shipped_file, ctype="application/octet-stream")[0], 200)
        two = self.server.ok("POST", "/v1/evaluations", ask)["evaluations"][0]["top1"]
        shipped = self.server.ok("POST", "/v1/evaluations", {**ask, "predictor": None})["evaluations"][0]["top1"]
        self.assertNotEqual(one, two)
        self.assertEqual(two, shipped)

    def test_predictors_outlive_the_server(self):
        self.put("mine")
        before = self.server.ok("GET", "/v1/predictors/mine")
        self.server.kill()
        self.server.start()
        self.assertEqual(self.server.ok("GET", "/v1/predictors/mine"), before)
        self.assertEqual(self.server.call("GET", "/v1/predictors/mine", accept="application/octet-stream")[2], self.weights)

    def test_a_predictor_for_another_space_is_refused(self):
        self.server.load_note10()
        ask = {"table": f"note10/{CONFIG}", "space": "ofa-mbv3-w1.0", "predictor": "ofa", "constraints": {"latency_ms": 30}}
        status, _, problem = self.server.call("POST", "/v1/subnets", ask)
        self.assertEqual((status, problem["field"]), (400, "predictor"))


class FormatTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def test_the_best_liked_format_is_answered(self):
        self.server.ok("POST", TABLE + "/entries", ROW, ctype="text/csv")
        for accept, kind in (("*/*", "application/json"), ("text/csv", "text/csv"), ("text/*", "text/csv"),
                             ("application/yaml;q=0.1, text/csv;q=0.9", "text/csv"), ("text/csv;q=0.1, */*", "application/json"),
                             ("application/vnd.ofa+json", "application/vnd.ofa+json")):
            status, headers, _ = self.server.call("GET", TABLE + "/entries", accept=accept)
            self.assertEqual((status, headers["Content-Type"]), (200, kind), accept)
        self.assertEqual(self.server.call("GET", TABLE + "/entries", accept="text/html")[0], 406)

    def test_tables_come_in_pages_without_loss(self):
        names = [f"{d}/{c}" for d in ("a", "a-b", "a.c", "ab") for c in ("x", "x-1")]
        for name in names:
            self.server.ok("POST", f"/v1/tables/{name}/entries", ROW, ctype="text/csv")
        for limit in (1, 3, 8):
            seen, cursor = [], None
            while True:
                page = self.server.ok("GET", f"/v1/tables?limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
                seen += [t["device"] + "/" + t["config"] for t in page["items"]]
                cursor = page["next"]
                if not cursor:
                    break
            self.assertEqual(sorted(seen), sorted(names), limit)


class TrainingTest(unittest.TestCase):
    def setUp(self):
        self.samples = test_data("ofa/acc_samples_mbv3_w1.2.csv").read_bytes()
        self.server = Server()
        self.addCleanup(self.server.close)

    def train(self, query="", rows=2001):
        csv = b"\n".join(self.samples.split(b"\n")[:rows]) + b"\n"
        return self.server.call("POST", f"/v1/predictors/mine/train?space=ofa-mbv3-w1.2{query}", csv, ctype="text/csv")

    def test_the_better_of_ridge_and_perceptron_is_kept_and_both_are_told(self):
        status, _, answer = self.train("&epochs=20")
        self.assertEqual(status, 201)
        training = answer["training"]
        self.assertEqual(set(training["candidates"]), {"ridge", "mlp"})
        best = min(training["candidates"], key=lambda name: training["candidates"][name]["choosing_mae"])
        self.assertEqual(training["method"], best)
        for figure in ("mae", "kendall_tau", "r2"):
            self.assertEqual(training[figure], training["candidates"][best][figure])
        self.assertEqual(self.server.ok("GET", "/v1/predictors/mine")["training"], training)

    def test_a_method_can_be_asked_for(self):
        for method, layers in (("ridge", [128, 1]), ("mlp", [128, 24, 16, 1])):
            status, _, answer = self.train(f"&method={method}&hidden=24,16&epochs=2")
            self.assertEqual((status, answer["training"]["method"], answer["layers"]), (201, method, layers))
            self.assertEqual(list(answer["training"]["candidates"]), [method])

    def test_the_same_seed_makes_the_same_file(self):
        files = []
        for seed in (3, 3, 4):
            self.train(f"&method=mlp&hidden=8&epochs=2&seed={seed}", 301)
            files.append(self.server.call("GET", "/v1/predictors/mine", accept="application/octet-stream")[2])
        self.assertEqual(files[0], files[1])
        self.assertNotEqual(files[0], files[2])

    def test_wrong_options_are_named(self):
        for query, field in (("&method=magic", "method"), ("&hidden=", "hidden"), ("&hidden=0", "hidden"), ("&hidden=8,,8", "hidden"),
                             ("&hidden=1,1,1,1,1", "hidden"), ("&hidden=4096", "hidden"), ("&epochs=0", "epochs"), ("&epochs=1e9", "epochs"),
                             ("&seed=-1", "seed"), ("&colour=red", "colour")):
            status, _, problem = self.train(query, 301)
            self.assertEqual((status, problem["field"]), (400, field), query)
        self.assertEqual(self.server.call("GET", "/v1/predictors/mine")[0], 404)


if __name__ == "__main__":
    unittest.main()
