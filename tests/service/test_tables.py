# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Tables over REST: import, export, browse, versions. And spaces."""
import json
import unittest
import urllib.parse

from lathe_service import Server, test_data

TABLE = "/v1/tables/note10/tflite-f32-t1-b1"
GOOD = b"""Conv-input:16x16x3-output:8x8x8:
  count: 10
  mean: 0.5
  std: 0.01
"""


class TableTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def post(self, body, ctype="application/yaml", path=TABLE):
        return self.server.call("POST", path + "/entries", body, ctype=ctype)

    def test_the_published_table_comes_out_as_it_went_in(self):
        for resolution in (160, 176, 192, 208, 224):
            text = test_data(f"ofa/note10/{resolution}_lookup_table.yaml").read_bytes()
            answer = self.server.ok("POST", TABLE + "/entries", text, ctype="application/yaml")
            self.assertEqual((answer["rows"], answer["replaced"]), (96, 0))
        table = self.server.ok("GET", TABLE)
        self.assertEqual((table["entries"], table["origin"], table["version"]), (480, "imported", 1))
        export = self.server.call("GET", TABLE + "/entries", accept="application/yaml")[2].decode()
        read = lambda text: sorted(text.split("\n")[i:i + 4] for i in range(0, text.count("\n") - 3, 4))
        published = []
        for resolution in (160, 176, 192, 208, 224):
            published += read(test_data(f"ofa/note10/{resolution}_lookup_table.yaml").read_text())
        exported = []
        for document in export.split("---\n"):
            exported += read(document)
        self.assertEqual(len(exported), 480)
        self.assertEqual(sorted(exported), sorted(published))

    def test_every_format_can_be_imported_again(self):
        self.assertEqual(self.post(GOOD)[0], 200)
        for accept in ("application/yaml", "text/csv", "application/json", "application/vnd.ofa+json"):
            _, headers, body = self.server.call("GET", TABLE + "/entries", accept=accept)
            self.assertEqual(headers["Content-Type"], accept)
            body = json.dumps(body).encode() if isinstance(body, dict) else body
            status, _, answer = self.post(body, accept, "/v1/tables/copy/x-f32-t1-b1")
            self.assertEqual((status, answer["rows"]), (200, 1), (accept, answer))

    def test_a_broken_entry_names_its_line_and_takes_nothing(self):
        status, _, problem = self.post(GOOD + b"Conv_1-input:8x8x8-output:8x8x16:\n  count: 3\n  mean: fast\n")
        self.assertEqual((status, problem["line"]), (400, 7))
        self.assertEqual(self.server.call("GET", TABLE)[0], 404)
        self.assertEqual(self.server.call("GET", "/v1/devices/note10")[0], 404)

    def test_an_import_makes_its_device_and_replaces_rows(self):
        self.assertEqual(self.post(GOOD)[2]["added"], 1)
        device = self.server.ok("GET", "/v1/devices/note10")
        self.assertIsNone(device["transport"])
        self.assertEqual(self.post(GOOD.replace(b"0.5", b"0.75"))[2]["replaced"], 1)
        self.assertEqual(self.server.ok("GET", TABLE + "/entries")["items"][0]["latency_ms"], 0.75)

    def test_other_types_and_bad_names_are_refused(self):
        self.assertEqual(self.post(GOOD, "text/plain")[0], 415)
        status, _, problem = self.post(GOOD, path="/v1/tables/.x/c")
        self.assertEqual((status, problem["field"]), (400, "device"))
        self.assertEqual(self.post(b"")[0], 400)

    def test_rows_are_sorted_filtered_and_paged(self):
        rows = "\n".join(f"linear in=1x1x{n} out=1x1x10,{(n * 7) % 11 + 1}" for n in range(10, 35))
        self.post(b"layer,mean_ms\n" + rows.encode() + b"\navgpool in=2x2x8 out=1x1x8,5\n", "text/csv")
        items, cursor = [], None
        while True:
            page = self.server.ok("GET", TABLE + "/entries?sort=-latency_ms&kind=linear&limit=4" +
                                  ("&cursor=" + cursor.replace(" ", "%20") if cursor else ""))
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                break
        self.assertEqual(len(items), 25)
        self.assertEqual(len({i["layer"] for i in items}), 25)
        latencies = [i["latency_ms"] for i in items]
        self.assertEqual(latencies, sorted(latencies, reverse=True))
        self.assertEqual(len(self.server.ok("GET", TABLE + "/entries?q=x12%20")["items"]), 1)
        for query, field in (("kind=conv", "kind"), ("sort=size", "sort"), ("cursor=nothing", "cursor"), ("limit=0", "limit"), ("page=1", "page")):
            status, _, problem = self.server.call("GET", TABLE + "/entries?" + query)
            self.assertEqual((status, problem["field"]), (400, field))

    def test_pages_go_on_where_the_last_row_is_gone(self):
        for sort, key in (("layer", "layer"), ("-latency_ms", "latency_ms")):
            rows = {f"linear in=1x1x{n} out=1x1x10": (n * 7) % 11 + 1 for n in range(10, 35)}
            seen, query = [], f"?sort={sort}&limit=4"
            while query:
                text = "".join(f"{layer},{ms}\n" for layer, ms in rows.items())
                self.server.call("DELETE", TABLE)
                self.post(b"layer,mean_ms\n" + text.encode(), "text/csv")
                page = self.server.ok("GET", TABLE + "/entries" + query)
                seen += page["items"]
                del rows[seen[-1]["layer"]]
                query = page["next"] and f"?sort={sort}&limit=4&cursor={urllib.parse.quote(page['next'])}"
            self.assertEqual(len({item["layer"] for item in seen}), 25, sort)
            self.assertEqual([item[key] for item in seen], sorted((item[key] for item in seen), reverse=sort[0] == "-"))
        for cursor in ("1", "x%20linear%20in=1x1x8%20out=1x1x8", "linear%20in=1x1x8%20out=1x1x8", "1%20linear"):
            status, _, problem = self.server.call("GET", TABLE + f"/entries?sort=latency_ms&cursor={cursor}")
            self.assertEqual((status, problem["field"]), (400, "cursor"), cursor)

    def test_history_shows_a_row_over_versions(self):
        self.post(GOOD)
        layer = self.server.ok("GET", TABLE + "/entries")["items"][0]["layer"]
        items = self.server.ok("GET", TABLE + "/history?layer=" + layer.replace(" ", "%20").replace("@", "%40"))["items"]
        self.assertEqual([(i["version"], i["latency_ms"]) for i in items], [(1, 0.5)])
        self.assertEqual(self.server.call("GET", TABLE + "/history?layer=linear")[0], 404)
        self.assertEqual(self.server.call("GET", TABLE + "/history")[0], 400)

    def test_a_table_can_be_deleted(self):
        self.post(GOOD)
        self.assertEqual(self.server.call("DELETE", TABLE)[0], 204)
        self.assertEqual(self.server.call("GET", TABLE)[0], 404)
        self.assertEqual(self.server.call("DELETE", TABLE)[0], 404)

    def test_spaces_ship_and_own_ones_stay(self):
        items = {s["id"]: s for s in self.server.ok("GET", "/v1/spaces")["items"]}
        self.assertEqual(items["ofa-mbv3-w1.2"]["rows_per_resolution"], 96)
        self.assertEqual(items["ofa-mbv3-w1.2"]["resolutions"], list(range(160, 225, 4)))
        # Per stage (9^2 + 9^3 + 9^4) subnets; five stages, 17 resolutions.
        self.assertAlmostEqual(items["ofa-mbv3-w1.2"]["subnets"] / (7371**5 * 17), 1)
        document = self.server.ok("GET", "/v1/spaces/ofa-mbv3-w1.2")["document"]
        status, _, problem = self.server.call("PUT", "/v1/spaces/ofa-mbv3-w1.2", document)
        self.assertEqual((status, problem["field"]), (409, "id"))
        own = {**document, "id": "mine", "kernel": [3, 5]}
        self.assertEqual(self.server.call("PUT", "/v1/spaces/mine", own)[0], 201)
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.ok("GET", "/v1/spaces/mine")["document"]["kernel"], [3, 5])
        self.assertEqual(self.server.call("PUT", "/v1/spaces/other", own)[0], 400)
        status, _, problem = self.server.call("PUT", "/v1/spaces/mine", {**own, "kernel": [4]})
        self.assertEqual(status, 400)
        self.assertTrue(problem["field"].startswith("kernel"), problem)
        self.assertEqual(self.server.call("GET", "/v1/spaces/none")[0], 404)


if __name__ == "__main__":
    unittest.main()
