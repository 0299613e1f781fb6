# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What a table says beyond its rows: samples, coverage, trust, doubts. Samples come from a real agent and runner, and
from a test that plays the agent where the device has to be disturbed."""
import statistics
import unittest
import urllib.parse

from lathe_service import Agent, Server
from small_space import CONFIG, ROWS, SLOTS, SPACE, prepare, start_profile, table, wait_for_state

PATH = f"/v1/tables/here/{CONFIG}"
BLOCK = "mbconv in=8x8x8 out=8x8x8"


def all_pages(server, path, limit):
    """Items of every page, and the first page's answer."""
    items, cursor, first = [], None, None
    while True:
        page = server.ok("GET", f"{path}limit={limit}" + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""))
        first = first or page
        items += page["items"]
        cursor = page["next"]
        if not cursor:
            return items, first


def samples_of(server, layer, limit=7):
    return all_pages(server, f"{PATH}/samples?layer={urllib.parse.quote(layer)}&", limit)


def trimmed_mean(values):
    values = sorted(values)
    drop = len(values) // 10
    return statistics.fmean(values[drop:len(values) - drop])


class MeasuredTest(unittest.TestCase):
    """One profile by a real agent and runner, looked at in many ways."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        prepare(cls.server)
        with Agent(cls.server):
            cls.job = wait_for_state(cls.server, start_profile(cls.server, held_out=4), "done", "failed")
        cls.rows = table(cls.server)

    def check_sample(self, visit, answer, s):
        scale = answer["reference_ns"] * answer["factor"] / 1e6
        if s["preempted"] == 0 and visit["sentinel_ns"]:
            self.assertEqual(s["basis"], "wall")
            self.assertAlmostEqual(s["latency_ms"], s["wall_ns"] * scale / visit["sentinel_ns"], places=9)
        if s["basis"] == "cpu":
            self.assertAlmostEqual(s["latency_ms"], s["cpu_ns"] * scale / visit["sentinel_cpu_ns"], places=9)

    def test_rows_can_be_made_anew_from_their_samples(self):
        for layer, entry in self.rows.items():
            visits, answer = samples_of(self.server, layer, limit=1000)
            used = [s for v in visits for s in v["samples"] if s["basis"] != "left_out"]
            self.assertEqual(sum(len(v["samples"]) for v in visits), entry["samples"], layer)
            self.assertEqual(len(used), entry["count"], layer)
            self.assertEqual(len({v["subnet"] for v in visits}), entry["contexts"], layer)
            self.assertAlmostEqual(trimmed_mean([s["latency_ms"] for s in used]) / entry["trimmed_ms"], 1, places=9, msg=layer)
            self.assertAlmostEqual(sum(s["basis"] == "cpu" for s in used) / len(used), entry["cpu_share"], places=9, msg=layer)
            self.assertEqual((answer["layer"], answer["version"], answer["visits"]), (layer, 1, len(visits)))
            for visit in visits:
                for s in visit["samples"]:
                    self.check_sample(visit, answer, s)

    def test_samples_are_paged_in_the_order_of_visits(self):
        layer = next(text for text in self.rows if text.startswith("conv2d in=48x48x3 "))
        visits, _ = samples_of(self.server, layer, limit=7)
        numbers = [int(v["source"].split(".")[1]) for v in visits]
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(len(set(numbers)), self.job["visits_total"] - 4 * self.job["rounds"])
        self.assertTrue(all(v["source"].startswith(self.job["id"] + ".") for v in visits))

    def test_a_machine_says_how_it_was_while_it_measured(self):
        visits, _ = samples_of(self.server, next(iter(self.rows)), limit=1000)
        for v in visits:
            self.assertTrue(v["load"] is None or 0 <= v["load"] <= 1, v)
            self.assertTrue(v["khz"] is None or v["khz"] > 0, v)
            self.assertTrue(v["temperature_c"] is None or -50 < v["temperature_c"] < 150, v)

    def test_a_profile_counts_its_samples(self):
        samples = self.job["samples"]
        held_out = 4 * self.job["rounds"]
        self.assertEqual(samples["taken"], 3 * (SLOTS * (self.job["visits_total"] - held_out) + held_out))
        self.assertEqual(samples["left_out"], sum(e["samples"] - e["count"] for e in self.rows.values()))
        self.assertLessEqual(samples["preempted"], samples["taken"])
        # device_s is told to the millisecond.
        self.assertAlmostEqual(samples["taken"] / samples["rate_per_s"], self.job["device_s"], delta=0.001)

    def test_a_device_tells_how_it_was_last(self):
        condition = self.server.ok("GET", "/v1/devices/here")["condition"]
        self.assertEqual(sorted(condition), ["at", "available_mb", "khz", "load", "temperature_c"])
        self.assertGreater(condition["available_mb"], 0)
        self.assertTrue(self.job["created"] < condition["at"] <= self.job["updated"], condition)
        self.assertEqual(self.server.ok("GET", "/v1/devices")["items"][0]["condition"], condition)

    def test_trust_is_what_the_held_out_subnets_say(self):
        trust = self.server.ok("GET", PATH + "/trust")
        held_out = trust["held_out"]
        self.assertEqual((len(held_out), trust["profile"], trust["correction"]), (4, self.job["id"], None))
        for name in ("trusted", "doubt", "mape", "worst", "tau", "factor", "uncalibrated_mape", "cpu_share", "at"):
            self.assertIn(name, trust)
        raw = [abs(h["predicted_ms"] / trust["factor"] / h["measured_ms"] - 1) for h in held_out]
        self.assertAlmostEqual(statistics.fmean(raw), trust["uncalibrated_mape"], places=9)
        self.assertEqual(trust["trusted"], trust["doubt"] is None)

    def test_a_profiled_resolution_is_covered_and_others_are_not(self):
        answer = self.server.ok("GET", PATH + "/coverage?space=small")
        by = {r["resolution"]: r for r in answer["resolutions"]}
        self.assertEqual((by[48]["rows_total"], by[48]["rows_present"], by[48]["missing"]), (ROWS, ROWS, []))
        # Pooling of another size, and all but the linear layer.
        self.assertEqual((by[64]["rows_total"], by[64]["rows_present"]), (ROWS, 1))
        self.assertEqual(len(by[64]["missing"]), ROWS - 1)
        self.assertFalse([row for row in by[64]["missing"] if row in self.rows])
        self.assertEqual((answer["space"], answer["rows_total"], answer["rows_present"]), ("small", 2 * ROWS - 1, ROWS))
        only = self.server.ok("GET", PATH + "/coverage?space=small&resolutions=48")
        self.assertEqual((only["rows_total"], only["rows_present"], len(only["resolutions"])), (ROWS, ROWS, 1))

    def test_what_is_missing_is_what_a_profile_would_measure(self):
        missing = self.server.ok("GET", PATH + "/coverage?space=small&resolutions=64")["resolutions"][0]["missing"]
        job = start_profile(self.server, resolutions=[64])
        self.assertEqual(job["rows_total"] - job["rows_done"], len(missing))
        self.server.ok("DELETE", f"/v1/profiles/{job['id']}")

    def test_a_version_is_told_apart(self):
        table_1 = self.server.ok("GET", PATH + "?version=1")
        self.assertEqual((table_1["version"], table_1["entries"]), (1, ROWS))
        self.assertEqual(self.server.ok("GET", PATH + "/doubts?version=1")["version"], 1)
        layer = urllib.parse.quote(next(iter(self.rows)))
        for view in ("?version=2", "/trust?version=2", "/doubts?version=2", "/coverage?space=small&version=2",
                     f"/samples?layer={layer}&version=2", "/entries?version=2"):
            self.assertEqual(self.server.call("GET", PATH + view)[0], 404, view)

    def test_what_can_not_be_asked_names_its_field(self):
        cases = [("/samples", 400, "layer"), ("/samples?layer=linear", 404, None), ("/samples?layer=linear&limit=0", 400, "limit"),
                 ("/coverage", 400, "space"), ("/coverage?space=nowhere", 400, "space"),
                 ("/coverage?space=small&resolutions=48,x", 400, "resolutions"), ("/coverage?space=small&resolutions=", 400, "resolutions"),
                 ("/coverage?space=small&resolutions=50", 400, "resolutions"), ("/coverage?space=small&limit=5", 400, "limit"),
                 ("/doubts?version=x", 400, "version"), ("/trust?page=1", 400, "page")]
        for view, status, field in cases:
            got, _, problem = self.server.call("GET", PATH + view)
            self.assertEqual((got, problem.get("field")), (status, field), (view, problem))
        for view in ("/samples?layer=linear", "/coverage?space=small", "/doubts", "/trust"):
            self.assertEqual(self.server.call("GET", f"/v1/tables/nobody/{CONFIG}{view}")[0], 404, view)
            self.assertEqual(self.server.call("GET", PATH + view, token="")[0], 401, view)


class DisturbedTest(unittest.TestCase):
    """The test is the agent, and the device was as it says."""

    def setUp(self):
        self.fingerprint = {"runner": "test"}
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)

    def work_off(self, visit_result):
        """Every visit of the device's work: visit_result(number of layers, runs) gives its times and its surroundings."""
        while True:
            status, _, lease = self.server.call("POST", "/v1/agents/lab/leases?wait_s=0", {})
            if status == 204:
                return
            layers = {n["network"]: len(n["layers"]) for n in lease["networks"]}
            visits = [{**v, "total_ns": [9000000] * lease["runs"], **visit_result(v, layers[v["network"]], lease["runs"])}
                      for v in lease["visits"]]
            self.server.ok("POST", f"/v1/leases/{lease['id']}/results",
                           {"fence": lease["fence"], "fingerprint": self.fingerprint, "visits": visits})

    def first_row(self):
        layer = next(text for text in table(self.server) if text.startswith("conv2d in=48x48x3 "))
        return samples_of(self.server, layer, limit=1000)

    def test_samples_that_lost_their_core_are_left_out_where_others_are_enough(self):
        start_profile(self.server, rounds=8, held_out=0)
        self.work_off(lambda visit, n, runs: {
            "wall_ns": [[1000000] * n] * (runs - 1) + [[5000000] * n], "cpu_ns": [[900000] * n] * runs,
            "preempted": [[0] * n] * (runs - 1) + [[2] * n], "sentinel": {"ns": 4000000, "cpu_ns": 3600000},
            "state": {"khz": 1800000, "temperature_k": 318.15, "load": 0.25, "available_mb": 700}})
        visits, answer = self.first_row()
        job = self.server.ok("GET", "/v1/profiles")["items"][0]
        taken = job["visits_total"] * SLOTS * 3
        self.assertEqual(job["samples"], {"taken": taken, "preempted": taken // 3, "left_out": taken // 3, "rate_per_s": None})
        self.assertEqual((answer["reference_ns"], answer["factor"]), (4000000, 1))
        for v in visits:
            self.assertEqual((v["khz"], v["load"], v["sentinel_ns"], v["sentinel_cpu_ns"]), (1800000, 0.25, 4000000, 3600000))
            self.assertAlmostEqual(v["temperature_c"], 45, delta=0.06)
            self.assertEqual(v["available_mb"], 700)
            self.assertEqual([s["basis"] for s in v["samples"]], ["wall", "wall", "left_out"])
            self.assertEqual(v["samples"][2], {"wall_ns": 5000000, "cpu_ns": 900000, "preempted": 2, "latency_ms": 1.0, "basis": "left_out"})

    def test_history_is_paged_from_the_newest_version_on(self):
        for version, fingerprint in enumerate(("a", "b", "c"), 1):
            self.fingerprint = {"runner": fingerprint}
            start_profile(self.server, held_out=0, rounds=4 * version)  # more of each row than there is
            self.work_off(lambda visit, n, runs: {"wall_ns": [[version * 1000000] * n] * runs, "cpu_ns": [[0] * n] * runs,
                                                  "preempted": [[0] * n] * runs})
        layer = next(text for text in table(self.server) if text.startswith("conv2d in=48x48x3 ")).replace(" ", "%20")
        whole = self.server.ok("GET", f"{PATH}/history?layer={layer}")
        self.assertEqual(whole["next"], None)
        versions = [item["version"] for item in whole["items"]]
        self.assertGreater(len(versions), 1)
        self.assertEqual(versions, sorted(versions, reverse=True))
        paged, cursor = [], ""
        while cursor is not None:
            page = self.server.ok("GET", f"{PATH}/history?layer={layer}&limit=1{cursor and '&cursor=' + cursor}")
            self.assertEqual(len(page["items"]), 1)
            paged += page["items"]
            cursor = page["next"]
        self.assertEqual(paged, whole["items"])
        for cursor in ("0", "x", "-1", "1x"):
            status, _, problem = self.server.call("GET", f"{PATH}/history?layer={layer}&cursor={cursor}")
            self.assertEqual((status, problem["field"]), (400, "cursor"))

    def test_a_device_s_condition_outlives_the_server_and_not_the_device(self):
        self.assertIsNone(self.server.ok("GET", "/v1/devices/here")["condition"])
        start_profile(self.server, held_out=0)
        hot = {"khz": 1500000, "temperature_k": 341.65, "load": 0, "available_mb": 512}
        self.work_off(lambda visit, n, runs: {"wall_ns": [[1000000] * n] * runs, "cpu_ns": [[0] * n] * runs,
                                              "preempted": [[0] * n] * runs, "state": hot})
        self.server.stop()
        self.server.start()
        condition = self.server.ok("GET", "/v1/devices/here")["condition"]
        condition.pop("at")
        self.assertEqual(condition, {"khz": 1500000, "temperature_c": 68.5, "load": 0, "available_mb": 512})
        self.assertEqual(self.server.call("DELETE", "/v1/devices/here?with_tables=true")[0], 204)
        prepare(self.server)
        self.assertIsNone(self.server.ok("GET", "/v1/devices/here")["condition"])

    def test_cpu_times_count_where_all_lost_their_core(self):
        start_profile(self.server, held_out=0)
        self.work_off(lambda visit, n, runs: {"wall_ns": [[3000000] * n] * runs, "cpu_ns": [[900000] * n] * runs,
                                              "preempted": [[1] * n] * runs, "sentinel": {"ns": 8000000, "cpu_ns": 4000000}})
        visits, answer = self.first_row()
        samples = self.server.ok("GET", "/v1/profiles")["items"][0]["samples"]
        self.assertEqual((samples["preempted"], samples["left_out"]), (samples["taken"], 0))
        for v in visits:
            self.assertEqual((v["khz"], v["temperature_c"], v["load"]), (None, None, None))
            self.assertEqual({s["basis"] for s in v["samples"]}, {"cpu"})
            self.assertAlmostEqual(v["samples"][0]["latency_ms"], 0.9 * answer["reference_ns"] / 4000000, places=9)

    def test_nothing_is_said_of_trust_where_nothing_was_held_out(self):
        start_profile(self.server, held_out=0)
        self.work_off(lambda visit, n, runs: {"wall_ns": [[1000000] * n] * runs, "cpu_ns": [[0] * n] * runs,
                                              "preempted": [[0] * n] * runs})
        status, _, problem = self.server.call("GET", PATH + "/trust")
        self.assertEqual(status, 404)
        self.assertIn("held out", problem["detail"])
        visits, answer = self.first_row()
        self.assertIsNone(answer["reference_ns"])
        self.assertIsNone(visits[0]["samples"][0]["cpu_ns"])
        self.assertIsNone(visits[0]["sentinel_ns"])


class ImportedTest(unittest.TestCase):
    """Tables that came as text: no samples, and rows made to be implausible."""

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def put(self, *rows, path=PATH):
        """@param rows (layer, mean, std) of 25 samples each."""
        text = "layer,count,mean_ms,std_ms\n" + "".join(f"{layer},25,{mean},{std}\n" for layer, mean, std in rows)
        self.server.ok("POST", path + "/entries", text.encode(), ctype="text/csv")

    def test_implausible_rows_are_told_with_what_speaks_against_them(self):
        self.put((BLOCK + " mid=24 k=3 s=1 act=relu res=1", 2.0, 0.1), (BLOCK + " mid=24 k=5 s=1 act=relu res=1", 1.0, 0.05),
                 (BLOCK + " mid=32 k=3 s=1 act=relu res=1", 1.99, 0.1), (BLOCK + " mid=32 k=5 s=1 act=relu res=1", 3.0, 0.5))
        answer = self.server.ok("GET", PATH + "/doubts")
        self.assertEqual([(i["layer"], i["doubt"], i["other"]) for i in answer["items"]], [
            (BLOCK + " mid=24 k=5 s=1 act=relu res=1", "order", BLOCK + " mid=24 k=3 s=1 act=relu res=1"),
            (BLOCK + " mid=32 k=5 s=1 act=relu res=1", "spread", None)])
        self.assertIn("2 +- 0.041 ms", answer["items"][0]["detail"])  # 2.064 x 0.1 / 5
        self.assertIn("16.7%", answer["items"][1]["detail"])
        self.assertEqual((answer["count"], answer["version"], answer["next"]), (2, 1, None))

    def test_doubts_are_paged_and_the_pages_have_each_once(self):
        self.put(*[(f"linear in=1x1x{n} out=1x1x10", 1.0, 0.5) for n in range(10, 40)],
                 *[(BLOCK + f" mid=24 k={k} s=1 act=relu res=1", 9 - k, 8 - k) for k in (1, 3, 5, 7)])
        whole, _ = all_pages(self.server, PATH + "/doubts?", 1000)
        paged, first = all_pages(self.server, PATH + "/doubts?", 1)
        self.assertEqual(whole, paged)
        self.assertEqual(len(paged), first["count"])
        self.assertEqual(len({(i["layer"], i["doubt"]) for i in paged}), len(paged))
        self.assertGreater(len(paged), 33)

    def test_imported_rows_have_no_samples(self):
        layer = BLOCK + " mid=24 k=3 s=1 act=relu res=1"
        self.put((layer, 2.0, 0.1))
        items, answer = samples_of(self.server, layer)
        self.assertEqual((items, answer["visits"], answer["reference_ns"], answer["factor"]), ([], 0, None, 1))

    def test_rows_of_one_resolution_cover_that_one_and_stand_in_for_others(self):
        self.server.ok("PUT", "/v1/spaces/small", SPACE)
        self.put(("linear in=1x1x64 out=1x1x10 @48", 1.0, 0.1))
        answer = self.server.ok("GET", PATH + "/coverage?space=small")
        self.assertEqual([r["rows_present"] for r in answer["resolutions"]], [1, 1])
        self.assertEqual((answer["rows_total"], answer["rows_present"]), (2 * ROWS - 1, 1))


if __name__ == "__main__":
    unittest.main()
