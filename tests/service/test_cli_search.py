# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""lathe subnet and lathe front: how they ask, what they print, and what they say of mistakes."""
import csv
import io
import itertools
import unittest

from cli_case import CliCase
from search_case import COSTS, OTHER, SPACE, TABLE, put_other

SUBNET = ("subnet", TABLE, "--space", SPACE, "--predictor", "ofa", "--budget-ms", "5")
FRONT = ("front", TABLE, "--space", SPACE, "--predictor", "ofa", "--budget-ms", "30", "--points", "12")


class CliSearchUsageTest(CliCase):
    def test_usage_errors_exit_2_and_name_what_is_wrong(self):
        subnet, front = ["subnet", "d/c", "--space", "s", "--latency-ms", "9"], ["front", "d/c", "--space", "s"]
        for args, part in (
                (["subnet", "--space", "s"], "too few"), (["front"], "too few"), (["front", "d/c"], "--space is missing"),
                (["subnet", *["d/c"] * 9, "--space", "s"], "unexpected argument"), (["subnet", "d/c", "--space", "s", "--fix", "kernel=3"], "a limit is missing"),
                (subnet + ["--latency-ms", "9,"], "--latency-ms needs"), (subnet + ["--latency-ms", "9;8"], "'9;8'"),
                (subnet + ["--min-top1", "80"], "80%"), (subnet + ["--min-top1", "101%"], "'101%'"), (subnet + ["--min-top1", "%"], "'%'"),
                (subnet + ["--budget-ms", "long"], "'long'"), (subnet + ["--fix", "kernel"], "'kernel'"), (subnet + ["--fix", "=3"], "'=3'"),
                (subnet + ["--fix", "kernel=3,"], "''"), (subnet + ["--fix", "depth=2:x"], "'depth=2:x'"), (subnet + ["--fix", "depth=-"], "'depth=-'"),
                (subnet + ["--fix", "kernel=3", "--fix", "expand=3,kernel=5"], "kernel twice"), (subnet + ["--fix", "kernel="], "'kernel='"),
                (subnet + ["--fix", "kernel=3"] * 17, "more than 16 times"), (subnet + ["--point", "3"], "unknown option --point"),
                (front + ["--csv", "--json"], "--csv or --json"), (front + ["--points", "many"], "'many'"), (front + ["--objective", "top1"], "did you mean --objectives?"),
                (front + ["--explain"], "--explain")):
            with self.subTest(args):
                done = self.lathe(*args, code=2)
                self.assertIn(part, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_help_lists_own_and_shared_options_with_examples(self):
        for verb, own in (("subnet", "--min-top1 TOP1"), ("front", "--objectives A,B")):
            shown = self.lathe(verb, "--help").stdout
            for option in (own, "--latency-ms MS[,..]", "--fix KEY=VALUE", "--budget-ms MS", "--server URL"):
                self.assertIn(option, shown)
            self.assertIn("Examples:\n  lathe " + verb, shown)
            self.assertIn(f"  {verb} DEVICE/CONFIG...", self.lathe("--help").stdout)


class CliSearchTest(CliCase):
    def setUp(self):
        super().setUp()
        self.server.load_note10()

    def lines(self, *args, **kw):
        """What it prints for people, as heading -> the rest of the line."""
        return {line.split()[0]: line.split()[1:] for line in self.lathe(*args, **kw).stdout.splitlines() if line}

    def test_an_answer_is_printed_as_the_server_gives_it(self):
        args = (*SUBNET, "--latency-ms", "25", "--macs-m", "300", "--fix", "resolution=192,kernel=3", "--fix", "depth=2:3:-:-:-")
        answer, shown = self.json(*args), self.lines(*args)
        self.assertEqual(answer["subnet"]["depth"][:2], [2, 3])
        self.assertEqual((answer["subnet"]["resolution"], set(answer["subnet"]["kernel"])), (192, {0, 3}))
        self.assertEqual(shown["asked"], ["25", "ms"])
        self.assertEqual(shown["predicted"], [f"{answer['latency_ms']:.3f}", "ms"])
        self.assertEqual(shown["top-1"][0], f"{100 * answer['top1']:.2f}")
        self.assertEqual(shown["depth"], [str(d) for d in answer["subnet"]["depth"]])
        self.assertEqual(shown["expand"], [str(e or "-") for e in answer["subnet"]["expand"]])
        self.assertNotIn("STAGE", shown)

    def test_every_limit_reaches_the_server(self):
        for cost, least in zip(COSTS, (9.89, 100.3, 4.59, 2400, 17955)):
            option = "--" + cost.replace("_", "-")
            self.assertIn("constraints." + cost, self.lathe(*SUBNET, option, str(least * 0.9), code=4).stderr)
            self.assertLessEqual(self.json(*SUBNET, option, str(least * 1.2))[cost], least * 1.2)

    def test_one_subnet_for_several_devices_is_printed_with_a_line_each(self):
        put_other(self.server)
        args = ("subnet", TABLE, OTHER, *SUBNET[2:], "--latency-ms")
        answer = self.json(*args, "40,30")
        self.assertLessEqual(answer["latencies_ms"][TABLE], 40)
        self.assertLessEqual(answer["latencies_ms"][OTHER], 30)
        shown = self.lines(*args, "40,30", "--explain")
        self.assertEqual(shown["TABLE"], ["ASKED", "ms", "PREDICTED", "ms", "MEASURED", "ms"])
        for table, asked in ((TABLE, "40.000"), (OTHER, "30.000")):
            self.assertEqual(shown[table], [asked, f"{answer['latencies_ms'][table]:.3f}", "-"])
        self.assertIn(f"latency_ms by {OTHER}", self.lathe(*args, "30", "--explain").stdout)
        self.assertIn("list of 2", self.lathe(*args, "30,30,30", code=1).stderr)
        self.assertIn("tables[1]", self.lathe("subnet", TABLE, TABLE, *SUBNET[2:], "--latency-ms", "30", code=1).stderr)

    def test_the_least_cost_for_an_accuracy_is_asked_for_by_fraction_or_percentage(self):
        args = (*SUBNET, "--objective", "macs", "--min-top1")
        answer = self.json(*args, "0.79")
        self.assertGreaterEqual(answer["top1"], 0.79)
        self.assertEqual(self.json(*args, "79%")["subnet"], answer["subnet"])
        shown = self.lines(*args, "79%", "--explain")
        self.assertEqual(shown["asked"], ["least", "macs,", "top-1", "at", "least", "79.00", "%"])
        self.assertNotIn("LIMIT", shown)
        self.assertIn("the best has 0.8", self.lathe(*args, "99%", code=4).stderr)
        self.assertIn("min_top1", self.lathe(*SUBNET, "--objective", "macs", code=1).stderr)
        self.assertIn("objective", self.lathe(*SUBNET, "--min-top1", "0.8", code=1).stderr)
        self.assertIn("peak_activation", self.lathe(*SUBNET, "--objective", "speed", "--min-top1", "0.8", code=1).stderr)

    def test_an_explanation_tells_where_the_time_goes_and_what_is_left(self):
        args = (*SUBNET, "--latency-ms", "25", "--params-m", "9")
        answer, text = self.json(*args), self.lathe(*args, "--explain").stdout
        shown = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
        for stage in answer["explain"]["stages"]:
            self.assertEqual(shown[stage["stage"]], [f"{stage['latency_ms']:.3f}", f"{100 * stage['share']:.1f}"])
        for layer in answer["explain"]["slowest_layers"]:
            self.assertEqual(shown[layer["slot"]][0], f"{layer['latency_ms']:.3f}")
            self.assertIn(layer["layer"], text)
        for cost, limit in answer["explain"]["limits"].items():
            self.assertEqual(shown[cost], [f"{limit['limit']:.3f}", f"{limit['used']:.3f}", f"{limit['left']:.3f}", f"{100 * limit['left_share']:.1f}"])
        self.assertIn(f"top-1 {100 * answer['explain']['next']['top1']:.2f} % ({100 * answer['explain']['next']['top1_gain']:+.2f} points), latency +", text)
        self.assertRegex(text, r"search cost +\d+ evaluations, [\d.]+ ms of CPU time, [\d.]+ J, [\d.e-]+ g CO2e\n")
        self.assertIn("PUE 1.58", text)

    def test_errors_of_the_server_name_the_field_and_what_can_be_met(self):
        done = self.lathe(*SUBNET, "--latency-ms", "1", code=4)
        self.assertRegex(done.stderr, r"^lathe: .*the least is 9\.890 \(field constraints\.latency_ms\)\n$")
        self.assertEqual(self.json(*SUBNET, "--latency-ms", "1", code=4)["field"], "constraints.latency_ms")
        self.assertIn("fix.kernel[1]", self.lathe(*SUBNET, "--latency-ms", "25", "--fix", "kernel=3:4" + ":-" * 18, code=1).stderr)
        self.assertIn("fix.colour", self.lathe(*SUBNET, "--latency-ms", "25", "--fix", "colour=3", code=1).stderr)
        self.assertIn("budget_ms", self.lathe(*SUBNET, "--latency-ms", "25", "--budget-ms", "0", code=1).stderr)
        self.assertIn("points", self.lathe(*FRONT, "--points", "1", code=1).stderr)
        self.assertIn("objectives", self.lathe(*FRONT, "--objectives", "top1,speed", code=1).stderr)
        self.assertIn("the least is 9.890", self.lathe(*FRONT, "--latency-ms", "9", code=4).stderr)

    def test_a_front_is_printed_as_a_table(self):
        points = self.json(*FRONT)["points"]
        lines = self.lathe(*FRONT).stdout.splitlines()
        self.assertEqual(lines[0].split(), ["LATENCY", "ms", "TOP-1", "%", "MACs", "M", "PARAMS", "M", "RESOLUTION", "DEPTH"])
        self.assertEqual(len(lines), len(points) + 2)
        for line, point in zip(lines[1:], points):
            self.assertEqual(line.split(), [f"{point['latency_ms']:.3f}", f"{100 * point['top1']:.2f}", f"{point['macs_m']:.1f}", f"{point['params_m']:.2f}",
                                            str(point["subnet"]["resolution"]), *map(str, point["subnet"]["depth"])])
        self.assertTrue(lines[-1].startswith(f"{len(points)} points: sweep, "))

    def test_a_front_against_another_cost_has_that_first(self):
        heading, first = self.lathe(*FRONT, "--objectives", "weights,top1").stdout.splitlines()[:2]
        self.assertTrue(heading.split()[:4] == ["WEIGHTS", "kB", "TOP-1", "%"] and "LATENCY ms" in heading)
        self.assertEqual(first.split()[0], "17956")

    def test_a_front_can_be_drawn(self):
        shown = self.lathe(*FRONT, "--plot").stdout
        rows = [line.split("|", 1)[1] for line in shown.splitlines() if "|" in line]
        self.assertEqual((rows[0].rstrip()[-1], rows[-1].rstrip()), ("*", "*"))
        stars = sorted((row.index("*"), -i) for i, row in enumerate(rows) if "*" in row)
        self.assertTrue(all(a[1] <= b[1] for a, b in itertools.pairwise(stars)))
        self.assertIn(self.lathe(*FRONT).stdout.splitlines()[1], shown)

    def test_csv_has_the_figures_in_full(self):
        put_other(self.server)
        for args, tables in ((FRONT, []), (("front", TABLE, OTHER, *FRONT[2:], "--latency-ms", "60,40"), [TABLE, OTHER])):
            points = self.json(*args)["points"]
            rows = list(csv.DictReader(io.StringIO(self.lathe(*args, "--csv").stdout)))
            for row, point in zip(rows, points, strict=True):
                self.assertEqual([float(row[c]) for c in ("top1", *COSTS)], [point[c] for c in ("top1", *COSTS)])
                self.assertEqual([float(row["latency_ms " + t]) for t in tables], [point["latencies_ms"][t] for t in tables])
                self.assertEqual(row["resolution"], str(point["subnet"]["resolution"]))
                for name in ("depth", "kernel", "expand"):
                    self.assertEqual([int(v.replace("-", "0")) for v in row[name].split()], point["subnet"][name])


if __name__ == "__main__":
    unittest.main()
