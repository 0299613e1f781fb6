# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""POST /v1/subnets: limits, objectives, fixed choices, several tables, seeds and budgets, and what it says of mistakes."""
import concurrent.futures
import itertools
import random
import threading
import time
import unittest

from lathe_service import WAIT_S, wait_for
from search_case import COSTS, OTHER, SPACE, TABLE, GivingUp, SearchCase, SmallCase, put_other, put_rows, rows_of, sum_of
from small_space import SPACE as SMALL_SPACE

# No subnet of OFA's space costs less of anything: on the Note10, more of a layer never takes less time.
SMALLEST = {"space": SPACE, "resolution": 160, "depth": [2] * 5, "kernel": [3, 3, 0, 0] * 5, "expand": [3, 3, 0, 0] * 5}


def lasting(answer):
    """What must not differ from run to run."""
    search = {k: v for k, v in answer["search"].items() if k not in ("elapsed_ms", "effort")}
    return {**answer, "search": search}


class LimitsTest(SearchCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.least = cls.server.ok("POST", "/v1/evaluations", {**cls.question, "subnets": [SMALLEST]})["evaluations"][0]

    def test_random_limits_hold_by_rows_and_evaluations_of_our_own(self):
        draw = random.Random(11)
        rows = rows_of(self.server, TABLE)
        for _ in range(8):
            limits = {cost: round(self.least[cost] * draw.uniform(1.15, 3), 3) for cost in draw.sample(COSTS, draw.randint(1, 5))}
            answer = self.ask(constraints=limits, seed=draw.randrange(1000))
            again = self.evaluate([answer["subnet"]])[0]
            self.check_layers(answer)
            self.assertAlmostEqual(sum_of(answer, rows), answer["latency_ms"], delta=1e-9)
            self.assertAlmostEqual(again["top1"], answer["top1"], delta=1e-6)
            for cost in COSTS:
                self.assertEqual(again[cost], answer[cost], cost)
                self.assertLessEqual(answer[cost], limits.get(cost, answer[cost]), (limits, cost))

    def test_a_limit_at_an_answers_own_figures_can_be_met(self):
        first = self.ask(constraints={"latency_ms": 21.7, "macs_m": 260})
        limits = {cost: first[cost] for cost in ("latency_ms", "macs_m")}
        second = self.ask(constraints=limits)
        for cost, limit in limits.items():
            self.assertLessEqual(second[cost], limit)
        self.assertGreater(second["top1"], first["top1"] - 0.005)

    def test_the_least_of_each_cost_is_exact(self):
        for cost in COSTS:
            least = self.least[cost]
            self.assertEqual(self.ask(constraints={cost: least})[cost], least)
            problem = self.refused("/v1/subnets", {"constraints": {cost: least * 0.9999}}, 422, "constraints." + cost)
            self.assertEqual(problem["least"][cost], least)

    def test_of_limits_and_choices_that_contradict_each_other_the_least_of_each_is_told(self):
        fields = {"constraints": {"latency_ms": 40, "macs_m": 120}, "fix": {"depth": 4}}
        problem = self.refused("/v1/subnets", fields, 422, "constraints.macs_m")
        self.assertEqual(set(problem["least"]), {"latency_ms", "macs_m"})
        self.assertGreater(problem["least"]["macs_m"], 120)
        self.ask(**{**fields, "constraints": {"latency_ms": 40, "macs_m": problem["least"]["macs_m"]}})


class SeedAndBudgetTest(SearchCase):
    def test_the_same_seed_gives_the_same_answer_alone_and_among_others(self):
        fields = {"constraints": {"latency_ms": 23}, "seed": 4}
        alone = lasting(self.ask(**fields))
        self.assertEqual(lasting(self.ask(**fields)), alone)
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            for answer in threads.map(lambda _: self.ask(**fields), range(8)):
                self.assertEqual(lasting(answer), alone)

    def test_seeds_differ(self):
        found = [str(self.ask(constraints={"latency_ms": 23}, seed=seed)["subnet"]) for seed in range(4)]
        self.assertGreater(len(set(found)), 1)

    def test_a_larger_budget_is_never_worse(self):
        cases = [({"latency_ms": 17.3}, 0), ({"latency_ms": 28, "macs_m": 270}, 1), ({"macs_m": 200, "params_m": 7}, 2)]
        for constraints, seed in cases:
            self.check_budgets(constraints, seed, (2, 5, 10, 20))
        self.check_budgets({"latency_ms": 25}, 3, (20, 40, 80, 160))

    def check_budgets(self, constraints, seed, budgets):
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda ms: self.ask(constraints=constraints, seed=seed, budget_ms=ms), budgets))
        top1 = [answer["top1"] for answer in answers]
        evaluations = [answer["search"]["evaluations"] for answer in answers]
        self.assertEqual(top1, sorted(top1), (constraints, seed))
        self.assertTrue(all(a < b for a, b in itertools.pairwise(evaluations)), evaluations)


class TablesTest(SearchCase):
    question = {**SearchCase.question, "table": None, "tables": [TABLE, OTHER]}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = put_other(cls.server)
        put_rows(cls.server, "gaps/x-f32-t1-b1", {row: ms for row, ms in cls.other.items() if row.endswith("@160")})

    def test_an_answer_meets_the_limit_by_every_table(self):
        rows = rows_of(self.server, TABLE)
        for limit in (24, [20, 40], [60, 25.5]):
            limits = limit if isinstance(limit, list) else [limit, limit]
            answer = self.ask(constraints={"latency_ms": limit})
            found = [answer["latencies_ms"][table] for table in (TABLE, OTHER)]
            for ms, most, table in zip(found, limits, (rows, self.other)):
                self.assertLessEqual(ms, most)
                self.assertAlmostEqual(ms, sum_of(answer, table), delta=1e-9)
            self.assertEqual(answer["latency_ms"], found[0])
            self.assertEqual([t["table"] for t in answer["provenance"]["tables"]], [TABLE, OTHER])

    def test_a_table_alone_and_a_list_of_it_are_the_same_question(self):
        one = self.ask(table=TABLE, tables=None, constraints={"latency_ms": 24})
        listed = self.ask(tables=[TABLE], constraints={"latency_ms": [24]})
        self.assertEqual(one["subnet"], listed["subnet"])

    def test_a_further_table_costs_accuracy(self):
        both = self.ask(constraints={"latency_ms": [25, 25]}, budget_ms=20)
        for table in (TABLE, OTHER):
            one = self.ask(tables=[table], constraints={"latency_ms": 25}, budget_ms=20)
            self.assertGreater(one["top1"], both["top1"] - 0.002)

    def test_the_table_at_fault_is_named(self):
        limit = {"latency_ms": 25}
        problem = self.refused("/v1/subnets", {"tables": [TABLE, "gaps/x-f32-t1-b1"], "resolutions": [160, 176], "constraints": limit},
                               409, "tables[1]")
        self.assertEqual(problem["command"], f"lathe profile gaps --config x-f32-t1-b1 --space {SPACE} --resolutions 176")
        self.refused("/v1/subnets", {"tables": ["gaps/x-f32-t1-b1", TABLE], "resolutions": [176], "constraints": limit}, 409, "tables[0]")
        self.assertEqual(self.ask(tables=[TABLE, "gaps/x-f32-t1-b1"], constraints=limit)["subnet"]["resolution"], 160)
        problem = self.refused("/v1/subnets", {"constraints": {"latency_ms": [30, 3]}}, 422, "constraints.latency_ms[1]")
        least = problem["least"]["latency_ms"]
        self.assertEqual(least[0], self.evaluate([SMALLEST], table=TABLE, tables=None)[0]["latency_ms"])
        self.assertLessEqual(self.ask(constraints={"latency_ms": [30, least[1]]})["latencies_ms"][OTHER], least[1])

    def test_tables_of_another_space_lack_all_rows(self):
        self.server.ok("PUT", "/v1/spaces/small", SMALL_SPACE)
        put_rows(self.server, "tiny/x-f32-t1-b1", {"avgpool in=3x3x64 out=1x1x64": 1.0})
        limit = {"latency_ms": 25}
        self.refused("/v1/subnets", {"tables": [TABLE, "tiny/x-f32-t1-b1"], "constraints": limit}, 409, "tables[1]")
        self.refused("/v1/subnets", {"space": "small", "constraints": limit}, 400, "predictor")
        self.assertEqual(self.call("/v1/subnets", {"tables": [TABLE, "nobody/x-f32-t1-b1"], "constraints": limit})[0], 404)

    def test_bad_lists_of_tables_are_refused(self):
        limit = {"latency_ms": 25}
        for fields, field in (({"tables": [TABLE, TABLE]}, "tables[1]"), ({"tables": [TABLE, "a"]}, "tables[1]"), ({"tables": [5]}, "tables[0]"),
                              ({"tables": []}, "tables"), ({"tables": [f"d{i}/c-f32-t1-b1" for i in range(9)]}, "tables"), ({"tables": TABLE}, "tables"),
                              ({"table": TABLE}, "table"), ({"tables": None}, "table"),
                              ({"constraints": {"latency_ms": [25]}}, "constraints.latency_ms"), ({"constraints": {"latency_ms": [25] * 3}}, "constraints.latency_ms"),
                              ({"constraints": {"latency_ms": [25, "25"]}}, "constraints.latency_ms"), ({"constraints": {"latency_ms": [25, None]}}, "constraints.latency_ms"),
                              ({"constraints": {"latency_ms": [25, 0]}}, "constraints.latency_ms[1]")):
            self.refused("/v1/subnets", {"constraints": limit, **fields}, 400, field)


class FixTest(SearchCase):
    def test_answers_obey_what_is_fixed(self):
        depth = [2, None, 3, None, 4]
        kernel = [None, 5, None, 7] * 5
        answer = self.ask(constraints={"latency_ms": 30}, fix={"resolution": 176, "depth": depth, "kernel": kernel, "expand": 4})
        subnet = answer["subnet"]
        self.assertEqual(subnet["resolution"], 176)
        self.assertTrue(all(want in (None, got) for want, got in zip(depth, subnet["depth"])), subnet)
        self.assertTrue(all(want is None or got in (want, 0) for want, got in zip(kernel, subnet["kernel"])), subnet)
        self.assertEqual(set(subnet["expand"]) - {0}, {4})
        self.check_layers(answer)
        self.assertEqual(set(self.ask(constraints={"latency_ms": 30}, fix={"kernel": 3})["subnet"]["kernel"]) - {0}, {3})

    def test_what_is_left_free_is_chosen_as_by_trying_all(self):
        on = [i % 4 < 2 for i in range(20)]
        free = (4, 16, 17)  # two in one stage, one in another
        fixed = [3 if on[i] and i not in free else None for i in range(20)]
        fix = {"resolution": 192, "depth": 2, "kernel": fixed, "expand": fixed}
        subnets = []
        for choice in itertools.product((3, 5, 7), (3, 4, 6), repeat=3):
            kernel, expand = ([3 if on[i] else 0 for i in range(20)] for _ in range(2))
            for n, i in enumerate(free):
                kernel[i], expand[i] = choice[2 * n], choice[2 * n + 1]
            subnets.append({"space": SPACE, "resolution": 192, "depth": [2] * 5, "kernel": kernel, "expand": expand})
        tried = self.evaluate(subnets)
        costs = sorted(t["latency_ms"] for t in tried)
        for limit in (costs[20], costs[360], costs[-1]):
            best = max(t["top1"] for t in tried if t["latency_ms"] <= limit)
            answer = self.ask(constraints={"latency_ms": limit}, fix=fix, budget_ms=20)
            self.assertLessEqual(answer["latency_ms"], limit)
            self.assertAlmostEqual(answer["top1"], best, delta=1e-6)
            least = min(t["latency_ms"] for t in tried if t["top1"] >= best - 1e-6)
            found = self.ask(objective="latency", min_top1=best - 1e-6, fix=fix, budget_ms=20)["latency_ms"]
            self.assertLessEqual(found, limit)
            self.assertAlmostEqual(found, least, delta=1e-6)

    def test_what_can_not_be_met_with_it_is_422_with_the_least(self):
        fix = {"depth": [4] * 5, "kernel": 7}
        least = self.refused("/v1/subnets", {"constraints": {"latency_ms": 12}, "fix": fix}, 422, "constraints.latency_ms")["least"]["latency_ms"]
        self.assertLessEqual(self.ask(constraints={"latency_ms": least}, fix=fix)["latency_ms"], least)
        self.refused("/v1/subnets", {"constraints": {"latency_ms": least * 0.9999}, "fix": fix}, 422, "constraints.latency_ms")

    def test_bad_choices_are_named(self):
        for fix, field in (({"kernel": 4}, "fix.kernel"), ({"kernel": [3, 5, 7, 9] + [None] * 16}, "fix.kernel[3]"), ({"kernel": [3]}, "fix.kernel"),
                           ({"kernel": "3"}, "fix.kernel"), ({"kernel": {}}, "fix.kernel"), ({"depth": [2, 2, 2, 2, 5]}, "fix.depth[4]"),
                           ({"depth": [2] * 6}, "fix.depth"), ({"expand": 5}, "fix.expand"), ({"expand": -1}, "fix.expand"), ({"resolution": 161}, "fix.resolution"),
                           ({"resolution": 192.5}, "fix.resolution"), ({"width": 1}, "fix.width"), ({"colour": 1}, "fix.colour"), ([3], "fix"), ("kernel=3", "fix")):
            self.refused("/v1/subnets", {"constraints": {"latency_ms": 25}, "fix": fix}, 400, field)
        self.refused("/v1/subnets", {"constraints": {"latency_ms": 25}, "fix": {"resolution": 192}, "resolutions": [160]}, 400, "fix")
        self.refused("/v1/subnets", {"constraints": {"latency_ms": 25}, "fix": {"resolution": 164}}, 409, "table")


class ObjectiveTest(SearchCase):
    def test_the_least_latency_is_about_that_of_the_search_the_other_way_round(self):
        top1 = self.ask(constraints={"latency_ms": 25})["top1"]
        answer = self.ask(objective="latency", min_top1=top1 - 0.002, budget_ms=38)
        self.assertGreaterEqual(answer["top1"], top1 - 0.002)
        self.assertLessEqual(answer["latency_ms"], 25.2)
        self.assertEqual(answer["search"]["objective"], "latency")

    def test_every_cost_can_be_least_and_limits_hold_besides(self):
        for objective, cost in zip(("macs", "params", "peak_activation", "weights", "sram", "flash"), COSTS[1:], strict=True):
            answer = self.ask(objective=objective, min_top1=0.79, constraints={"latency_ms": 30})
            self.assertGreaterEqual(answer["top1"], 0.79)
            self.assertLessEqual(answer["latency_ms"], 30)
            likewise = self.ask(constraints={"latency_ms": 30})
            self.assertLessEqual(answer[cost], likewise[cost])

    def test_a_limit_under_what_is_least_is_a_limit_still(self):
        self.assertLessEqual(self.ask(objective="macs", min_top1=0.78, constraints={"macs_m": 220})["macs_m"], 220)

    def test_a_top1_that_none_has_is_422_with_the_best_found(self):
        for constraints in (None, {"latency_ms": 20}):
            problem = self.refused("/v1/subnets", {"objective": "latency", "min_top1": 0.99, "constraints": constraints}, 422, "min_top1")
            self.assertRegex(problem["detail"], r"the best has 0\.[78]\d+")

    def test_bad_objectives_are_named(self):
        limit = {"latency_ms": 25}
        for fields, field in (({"objective": "speed"}, "objective"), ({"objective": 5}, "objective"), ({"objective": "latency"}, "min_top1"),
                              ({"objective": "latency", "min_top1": 80}, "min_top1"), ({"objective": "latency", "min_top1": 0}, "min_top1"),
                              ({"objective": "latency", "min_top1": "80%"}, "min_top1"), ({"objective": "latency", "min_top1": -0.1}, "min_top1"),
                              ({"min_top1": 0.8}, "min_top1"), ({"objective": "top1", "min_top1": 0.8}, "min_top1"),
                              ({"objective": "latency", "min_top1": 0.8, "algorithm": "evolution"}, "objective")):
            self.refused("/v1/subnets", {"constraints": limit, **fields}, 400, field)


class SmallTest(SmallCase):
    def test_the_best_of_all_is_found_under_any_limits(self):
        draw = random.Random(1)
        for _ in range(12):
            chosen = draw.choice(self.all)
            limits = {cost: chosen[cost] for cost in draw.sample(COSTS, draw.randint(1, 3))}
            best = max(s["top1"] for s in self.all if all(s[c] <= limit for c, limit in limits.items()))
            answer = self.ask(constraints=limits, seed=draw.randrange(100))
            self.assertTrue(all(answer[c] <= limit for c, limit in limits.items()), limits)
            self.assertAlmostEqual(answer["top1"], best, delta=1e-6)

    def test_limits_that_can_be_met_one_by_one_only_are_422_with_the_least_of_each(self):
        apart = 0
        for cost in COSTS[1:]:
            for part in (1, 1.1, 1.3):
                limits = {c: part * min(s[c] for s in self.all) for c in ("latency_ms", cost)}
                fit = [s["top1"] for s in self.all if all(s[c] <= limit for c, limit in limits.items())]
                if fit:
                    self.assertAlmostEqual(self.ask(constraints=limits)["top1"], max(fit), delta=1e-6)
                    continue
                for path in ("/v1/subnets", "/v1/fronts"):
                    problem = self.refused(path, {"constraints": limits}, 422, None)
                    self.assertIn("together", problem["detail"])
                    for c, limit in limits.items():
                        self.assertAlmostEqual(problem["least"][c], limit / part, delta=1e-9)
                apart += 1
        self.assertGreater(apart, 0)

    def test_the_cheapest_of_all_is_found(self):
        draw = random.Random(2)
        for objective, cost in zip(("latency", "macs", "params", "peak_activation", "weights"), COSTS):
            least_top1 = draw.choice(self.all)["top1"]
            best = min(s[cost] for s in self.all if s["top1"] >= least_top1)
            answer = self.ask(objective=objective, min_top1=least_top1)
            self.assertGreaterEqual(answer["top1"], least_top1)
            self.assertAlmostEqual(answer[cost], best, delta=1e-9)

    def test_a_fixed_choice_is_as_if_the_space_had_no_other(self):
        for resolution, kernel in itertools.product((112, 128), (3, 5)):
            some = [s for s in self.all if s["subnet"]["resolution"] == resolution and s["subnet"]["kernel"][1] == kernel]
            limit = sorted(s["latency_ms"] for s in some)[len(some) // 3]
            answer = self.ask(constraints={"latency_ms": limit}, fix={"resolution": resolution, "kernel": [None, kernel, None]})
            self.assertAlmostEqual(answer["top1"], max(s["top1"] for s in some if s["latency_ms"] <= limit), delta=1e-6)


class BadFieldsTest(SearchCase):
    def test_numbers_out_of_range_are_named(self):
        limit = {"latency_ms": 25}
        for fields, field in (({"budget_ms": 0}, "budget_ms"), ({"budget_ms": 1e9}, "budget_ms"), ({"budget_ms": "NaN"}, "budget_ms"), ({"budget_ms": -5}, "budget_ms"),
                              ({"seed": -1}, "seed"), ({"seed": 1.5}, "seed"), ({"seed": 2**63}, None), ({"points": 3}, "points"), ({"algorithm": "sweep"}, "algorithm"),
                              ({"constraints": {}}, "constraints"), ({"constraints": {"latency_ms": 0}}, "constraints.latency_ms"),
                              ({"constraints": {"macs_m": -1}}, "constraints.macs_m"), ({"constraints": {"weights_kb": 1e300}}, "constraints.weights_kb"),
                              ({"constraints": [25]}, "constraints"), ({"constraints": {"latency_ms": 25, "flops": 1}}, "constraints.flops")):
            self.refused("/v1/subnets", {"constraints": limit, **fields}, 400, field)

    def test_what_is_no_json_number_is_refused(self):
        for number in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"0x19", b"+25"):
            for body in (b'{"table":"t/c-f32-t1-b1","space":"s","constraints":{"latency_ms":%s}}', b'{"table":"t/c-f32-t1-b1","space":"s","budget_ms":%s}'):
                for path in ("/v1/subnets", "/v1/fronts"):
                    status, _, problem = self.server.call("POST", path, body % number)
                    self.assertEqual(status, 400, problem)
                    self.assertIn("JSON", problem["detail"])

    def test_predictors_and_spaces_must_fit(self):
        limit = {"constraints": {"latency_ms": 25}}
        self.refused("/v1/subnets", {**limit, "space": "ofa-mbv3-w1.0"}, 400, "predictor")
        self.refused("/v1/subnets", {**limit, "predictor": "none"}, 404, "predictor")
        self.refused("/v1/subnets", {**limit, "space": "none"}, 400, "space")


class ExplainTest(SearchCase):
    def test_what_an_answer_tells_adds_up(self):
        limits = {"latency_ms": 25, "macs_m": 300, "weights_kb": 40000}
        answer = self.ask(constraints=limits)
        stages, slowest = answer["explain"]["stages"], answer["explain"]["slowest_layers"]
        self.assertAlmostEqual(sum(s["latency_ms"] for s in stages), answer["latency_ms"], delta=1e-9)
        self.assertAlmostEqual(sum(s["share"] for s in stages), 1, delta=1e-9)
        self.assertEqual(len({s["stage"] for s in stages}), len(stages))
        ranked = sorted((layer["latency_ms"] for layer in answer["layers"]), reverse=True)
        self.assertEqual([layer["latency_ms"] for layer in slowest], ranked[:len(slowest)])
        for part in stages + slowest:
            self.assertAlmostEqual(part["share"], part["latency_ms"] / answer["latency_ms"], delta=1e-12)
        self.assertEqual(set(answer["explain"]["limits"]), set(limits))
        for cost, limit in answer["explain"]["limits"].items():
            self.assertEqual((limit["limit"], limit["used"]), (limits[cost], answer[cost]))
            self.assertAlmostEqual(limit["used"] + limit["left"], limit["limit"], delta=1e-9)
            self.assertAlmostEqual(limit["left_share"], limit["left"] / limit["limit"], delta=1e-9)

    def test_the_next_point_is_one(self):
        answer = self.ask(constraints={"latency_ms": 25}, budget_ms=20)
        following = answer["explain"]["next"]
        evaluated = self.evaluate([following["subnet"]])[0]
        self.assertAlmostEqual(evaluated["top1"], following["top1"], delta=1e-6)
        self.assertGreater(following["top1"], answer["top1"])
        self.assertAlmostEqual(following["top1_gain"], following["top1"] - answer["top1"], delta=1e-12)
        self.assertGreater(following["latency_ms"], 25)
        for cost in COSTS:
            self.assertEqual(evaluated[cost], following[cost])
            self.assertAlmostEqual(following["extra"][cost], following[cost] - answer[cost], delta=1e-9)

    def test_energy_follows_from_the_factors_told(self):
        search = self.ask(constraints={"latency_ms": 25})["search"]
        effort, factors = search["effort"], search["effort"]["factors"]
        self.assertEqual(effort["evaluations"], search["evaluations"])
        self.assertGreater(effort["cpu_ms"], 0)
        self.assertAlmostEqual(effort["energy_j"], effort["cpu_ms"] / 1e3 * factors["core_w"] * factors["pue"], delta=1e-9)
        self.assertAlmostEqual(effort["co2e_g"], effort["energy_j"] / 3.6e6 * factors["grid_g_per_kwh"], delta=1e-12)
        self.assertTrue(factors["source"] and effort["conventional_nas"]["source"])
        self.assertGreater(effort["conventional_nas"]["co2e_kg"], 1)


class GivingUpTest(SearchCase):
    def test_a_search_ends_when_its_client_goes(self):
        limit = {"latency_ms": 25}
        for name, path, fields in (("search", "/v1/subnets", {"constraints": limit, "budget_ms": 60000}),
                                   ("least latency", "/v1/subnets", {"objective": "latency", "min_top1": 0.8, "budget_ms": 60000}),
                                   ("evolution", "/v1/subnets", {"constraints": limit, "algorithm": "evolution", "evolution": {"generations": 100000}}),
                                   ("front", "/v1/fronts", {"budget_ms": 60000})):
            client = GivingUp(self.server, path, {**self.question, **fields})
            cpu_s, start = client.cpu_s(), time.monotonic()
            client.leave()
            while client.running():
                self.assertLess(time.monotonic() - start, WAIT_S, name)
            wall_s, cpu_s = time.monotonic() - start, client.cpu_s() - cpu_s
            print(f"{name}: over {wall_s * 1e3:.0f} ms after its client went, {cpu_s * 1e3:.0f} ms of the server's CPU time")
            self.assertLess(cpu_s, 1, name)
        self.ask(constraints=limit)


def metrics(server):
    return server.call("GET", "/metrics")[2].decode()


class StoppingTest(SearchCase):
    def test_a_stop_ends_long_searches_and_tells_their_clients(self):
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            searching = threads.submit(self.call, "/v1/subnets", {"constraints": {"latency_ms": 25}, "budget_ms": 60000})
            wait_for("a search", lambda: "lathe_http_requests_running 2\n" in metrics(self.server))
            start = time.monotonic()
            self.assertEqual(self.server.stop(), 0)
            print(f"stopped in {time.monotonic() - start:.2f} s")
            status, _, problem = searching.result(WAIT_S)
            self.assertEqual(status, 503, problem)


class WritingTest(SearchCase):
    def test_an_answer_is_of_one_state_of_a_table_that_is_being_written(self):
        rows = rows_of(self.server, TABLE)
        states = [{row: ms * scale for row, ms in rows.items()} for scale in (1, 2)]
        moving, over = "moving/x-f32-t1-b1", threading.Event()
        put_rows(self.server, moving, states[0])

        def write():
            for state in itertools.cycle(states):
                if over.is_set():
                    return
                put_rows(self.server, moving, state)

        seen = {0: 0, 1: 0}
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            writer = threads.submit(write)
            try:
                deadline = time.monotonic() + WAIT_S
                while min(seen.values()) < 4 or sum(seen.values()) < 20:
                    answer = self.ask(table=moving, constraints={"latency_ms": 32}, budget_ms=1)
                    which = [i for i, state in enumerate(states) if abs(sum_of(answer, state) - answer["latency_ms"]) < 1e-9]
                    self.assertEqual(len(which), 1, answer)
                    self.assertLessEqual(answer["latency_ms"], 32)
                    seen[which[0]] += 1
                    self.assertLess(time.monotonic(), deadline, seen)
            finally:
                over.set()
            writer.result()


if __name__ == "__main__":
    unittest.main()
