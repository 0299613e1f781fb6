# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""POST /v1/fronts: whole fronts, their ends, what they cover, and what it says of mistakes."""
import itertools
import json
import unittest

from search_case import COSTS, OTHER, TABLE, SearchCase, SmallCase, put_other

NEAR = 0.003  # of top-1: a loose bound, for small budgets


class FrontTest(SearchCase):
    def check_front(self, front, cost="latency_ms"):
        """Points ascend in cost and in top-1, and are what evaluations make of their subnets."""
        points = front["points"]
        self.assertTrue(all(a[cost] < b[cost] and a["top1"] < b["top1"] for a, b in itertools.pairwise(points)))
        self.assertEqual(len({json.dumps(p["subnet"]) for p in points}), len(points))
        for point, again in zip(points, self.evaluate([p["subnet"] for p in points]), strict=True):
            self.assertAlmostEqual(again["top1"], point["top1"], delta=1e-6)
            self.assertEqual([again[c] for c in COSTS], [point[c] for c in COSTS])
        return points

    def test_fifty_points_go_from_the_fastest_to_the_most_accurate(self):
        points = self.check_front(self.front(points=50, budget_ms=120))
        self.assertEqual(len(points), 50)
        least = self.refused("/v1/subnets", {"constraints": {"latency_ms": 1}}, 422, "constraints.latency_ms")["least"]["latency_ms"]
        self.assertAlmostEqual(points[0]["latency_ms"], least, delta=1e-9)
        most = self.ask(constraints={"latency_ms": 1000}, budget_ms=20)["top1"]
        self.assertGreater(points[-1]["top1"], most - NEAR)
        for limit in (15, 20, 25, 30, 35, 40):
            alone = self.ask(constraints={"latency_ms": limit}, budget_ms=10)
            self.assertGreater(max(p["top1"] for p in points if p["latency_ms"] <= limit), alone["top1"] - NEAR, limit)

    def test_further_limits_hold_at_every_point(self):
        limits = {"macs_m": 300, "params_m": 8, "latency_ms": 33}
        points = self.check_front(self.front(points=20, budget_ms=60, constraints=limits))
        for point in points:
            self.assertTrue(all(point[cost] <= limit for cost, limit in limits.items()), point)
        self.assertGreater(points[-1]["top1"], self.ask(constraints=limits, budget_ms=10)["top1"] - NEAR)

    def test_top1_may_be_set_against_any_cost(self):
        for objective, cost in zip(("macs", "params", "peak_activation", "weights", "sram", "flash"), COSTS[1:], strict=True):
            front = self.front(points=10, budget_ms=20, objectives=[objective, "top1"])
            self.assertEqual(front["objectives"], [objective, "top1"])
            points = self.check_front(front, cost)
            least = self.refused("/v1/subnets", {"constraints": {cost: 1}}, 422, "constraints." + cost)["least"][cost]
            self.assertEqual(points[0][cost], least)

    def test_nsga2_takes_any_objectives(self):
        for objectives in (["top1", "latency"], ["top1", "latency", "params"], ["macs", "peak_activation"]):
            front = self.front(points=30, objectives=objectives, algorithm="nsga2", nsga2={"generations": 20}, constraints={"latency_ms": 30})
            self.assertEqual((front["search"]["algorithm"], front["objectives"]), ("nsga2", objectives))
            names = {"top1": "top1", "latency": "latency_ms", "params": "params_m", "macs": "macs_m", "peak_activation": "peak_activation_kb"}
            rows = [[-p["top1"] if o == "top1" else p[names[o]] for o in objectives] for p in front["points"]]
            self.assertTrue(all(p["latency_ms"] <= 30 for p in front["points"]))
            for row in rows:
                self.assertFalse(any(all(a <= b for a, b in zip(other, row)) and other != row for other in rows), row)

    def test_fixed_choices_hold_at_every_point(self):
        for point in self.check_front(self.front(points=10, budget_ms=20, fix={"resolution": 176, "kernel": 5})):
            self.assertEqual(point["subnet"]["resolution"], 176)
            self.assertEqual(set(point["subnet"]["kernel"]) - {0}, {5})

    def test_several_tables_limit_it_together(self):
        put_other(self.server)
        front = self.front(points=10, budget_ms=20, table=None, tables=[TABLE, OTHER], constraints={"latency_ms": [60, 35]})
        for a, b in itertools.pairwise(front["points"]):
            self.assertLess(a["top1"], b["top1"])
        for point in front["points"]:
            self.assertEqual(point["latencies_ms"][TABLE], point["latency_ms"])
            self.assertLessEqual(point["latencies_ms"][OTHER], 35)

    def test_the_same_seed_gives_the_same_front(self):
        one, two = (self.front(points=10, budget_ms=20, seed=5)["points"] for _ in range(2))
        self.assertEqual(one, two)

    def test_effort_is_told(self):
        search = self.front(points=2, budget_ms=2)["search"]
        self.assertEqual(search["effort"]["evaluations"], search["evaluations"])
        self.assertGreater(search["effort"]["cpu_ms"], 0)

    def test_fields_at_fault_are_named(self):
        for fields, field in (({"points": 1}, "points"), ({"points": 0}, "points"), ({"points": 10**6}, "points"), ({"points": 2.5}, "points"),
                              ({"objectives": ["top1"]}, "objectives"), ({"objectives": ["top1", "speed"]}, "objectives"), ({"objectives": ["top1", "macs"] * 4}, "objectives"),
                              ({"objectives": ["macs", "latency"], "algorithm": "sweep"}, "algorithm"), ({"nsga2": {"population": 2}}, "nsga2.population"),
                              ({"nsga2": {"colour": 1}}, "nsga2.colour"), ({"evolution": {}}, "evolution"),
                              ({"objectives": ["top1", "top1"]}, "objectives"), ({"objectives": "top1"}, "objectives"), ({"objectives": ["top1", 3]}, "objectives"),
                              ({"algorithm": "magic"}, "algorithm"), ({"algorithm": "evolution"}, "algorithm"), ({"objective": "latency"}, "objective"),
                              ({"constraints": {"min_top1": 0.8}}, "constraints.min_top1"), ({"budget_ms": 0}, "budget_ms"), ({"budget_ms": 1e9}, "budget_ms"),
                              ({"fix": {"kernel": [3, 4] + [None] * 18}}, "fix.kernel[1]"), ({"table": None}, "table"), ({"tables": [TABLE]}, "table"),
                              ({"verify": True}, "verify")):
            self.refused("/v1/fronts", fields, 400, field)
        problem = self.refused("/v1/fronts", {"constraints": {"latency_ms": 5}}, 422, "constraints.latency_ms")
        self.assertGreater(problem["least"]["latency_ms"], 5)
        self.refused("/v1/fronts", {"resolutions": [164]}, 409, "table")


class SmallFrontTest(SmallCase):
    def check_against_all(self, front, some, cost):
        """Every point is the best of all that cost no more; the first is the cheapest, the last the most accurate."""
        points = front["points"]
        for point in points:
            best = max(s["top1"] for s in some if s[cost] <= point[cost])
            self.assertAlmostEqual(point["top1"], best, delta=1e-6)
        self.assertEqual(points[0][cost], min(s[cost] for s in some))
        self.assertAlmostEqual(points[-1]["top1"], max(s["top1"] for s in some), delta=1e-6)
        self.assertTrue(all(a[cost] < b[cost] and a["top1"] < b["top1"] for a, b in itertools.pairwise(points)))

    def test_a_small_spaces_front_has_the_best_of_all_and_no_point_twice(self):
        for objective, cost in zip(("latency", "macs", "params", "weights"), ("latency_ms", "macs_m", "params_m", "weights_kb")):
            front = self.front(points=200, budget_ms=20, objectives=["top1", objective])
            self.assertLess(len(front["points"]), 200)
            self.check_against_all(front, self.all, cost)

    def test_so_has_the_front_of_a_part_of_it(self):
        limit = sorted(s["macs_m"] for s in self.all)[200]
        some = [s for s in self.all if s["macs_m"] <= limit and s["subnet"]["kernel"][0] == 3]
        front = self.front(points=50, budget_ms=20, constraints={"macs_m": limit}, fix={"kernel": [3, None, None]})
        self.check_against_all(front, some, "latency_ms")

    def test_a_space_of_one_subnet_has_a_front_of_one_point(self):
        front = self.front(points=10, budget_ms=5, fix={"resolution": 112, "kernel": 3, "expand": 4})
        self.assertEqual(len(front["points"]), 1)


if __name__ == "__main__":
    unittest.main()
