# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Networks beyond the spaces: over HTTP, by the command, and on every runtime of this build."""
import csv
import json
import re
import signal
import subprocess
import unittest
import xml.etree.ElementTree

from cli_case import CliCase
from lathe_service import Agent, Process, Server, program, test_data, wait_for
from small_space import CONFIG, prepare, wait_for_state

LINES = {"name": "mine", "resolution": 32, "layers": [
    "conv2d 8 k=3 s=2 act=hswish", "mbconv 8 mid=8 k=3 s=1 act=relu res=1", "mbconv 16 mid=32 k=5 s=2 act=hswish se=8",
    "conv2d 32 k=1 s=1 act=hswish", "avgpool", "linear 10"]}
SVG = "{http://www.w3.org/2000/svg}"


def published():
    """Rows of OFA's published networks, each with its net.config."""
    folder = test_data("ofa/published/published.csv").parent
    with open(folder / "published.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["net_config"] = json.loads((folder / row["directory"] / "net.config").read_text())
        row["path"] = folder / row["directory"] / "net.config"
    return rows


def runtimes():
    return json.loads(subprocess.run([program("lathe-run"), "list", "--json"], check=True, capture_output=True, text=True).stdout)["runtimes"]


class NetworksTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        prepare(cls.server)

    def measure(self, **changes):
        return self.server.call("POST", "/v1/measurements",
                                {"device": "here", "config": CONFIG, "visits": 1, "runs": 1, **changes})

    def finish(self, jobs):
        with Agent(self.server, name=self._testMethodName[:60]):
            return [wait_for_state(self.server, job, "done", "failed") for job in jobs]

    def test_the_catalog_is_listed_and_shown(self):
        items = self.server.ok("GET", "/v1/networks")["items"]
        names = [item["name"] for item in items]
        self.assertEqual(names, sorted(names))
        for item in items:
            self.assertTrue(0.4 < item["top1"] < 0.9 and item["source"], item)
            shown = self.server.ok("GET", f"/v1/networks/{item['name']}")
            self.assertAlmostEqual(sum(layer["macs_m"] for layer in shown["layers"]), item["macs_m"], places=6)
            self.assertAlmostEqual(sum(layer["params_m"] for layer in shown["layers"]), item["params_m"], places=6)
            self.assertRegex(shown["layers"][0]["layer"], rf"in={item['resolution']}x{item['resolution']}x3 ")
            sayable = item["family"] in ("once-for-all", "MCUNet", "MobileNetV2", "ProxylessNAS", "MobileNetV3")
            self.assertEqual(shown["net_config"] is not None, sayable, item["name"])
        page = self.server.ok("GET", "/v1/networks?limit=5")
        self.assertEqual([item["name"] for item in page["items"]], names[:5])
        rest = self.server.ok("GET", f"/v1/networks?cursor={page['next']}")
        self.assertEqual([item["name"] for item in rest["items"]], names[5:])
        self.assertEqual(self.server.call("GET", "/v1/networks/nobody")[0], 404)
        self.assertEqual(self.server.call("GET", "/v1/networks?color=blue")[0], 400)

    def test_a_network_s_layers_come_back_as_the_net_config_that_they_are(self):
        shown = self.server.ok("GET", "/v1/networks/mobilenetv3-large-1.0")
        again = self.server.ok("POST", "/v1/layers", {"network": shown["net_config"], "resolution": 224})
        self.assertEqual(again["layers"], shown["layers"])
        self.assertEqual(again["network"]["id"], shown["id"])
        smaller = self.server.ok("POST", "/v1/layers", {"network": "mobilenetv3-large-1.0", "resolution": 128})
        self.assertNotEqual(smaller["network"]["id"], shown["id"])
        self.assertEqual(smaller["params_m"], shown["params_m"])
        self.assertLess(smaller["macs_m"], shown["macs_m"])

    def test_a_subnet_is_written_as_a_net_config(self):
        subnet = {"space": "small", "resolution": 64, "depth": [1, 1, 1], "kernel": [3, 5, 3], "expand": [3, 6, 4]}
        answer = self.server.ok("POST", "/v1/layers", {"subnet": subnet})
        self.assertEqual(answer["subnet"], subnet)
        config = answer["net_config"]
        self.assertEqual([b["mobile_inverted_conv"]["kernel_size"] for b in config["blocks"]], [3, 3, 5, 3])
        again = self.server.ok("POST", "/v1/layers", {"network": config, "resolution": 64})
        self.assertEqual(again["layers"], answer["layers"])

    def test_networks_of_all_forms_are_measured(self):
        config = self.server.ok("POST", "/v1/layers", {"network": LINES})["net_config"]
        answers = [self.measure(network=LINES), self.measure(network=LINES, resolution=48),
                   self.measure(network=config, resolution=32), self.measure(network="mobilenetv3-small-1.0", resolution=32)]
        self.assertEqual([status for status, _, _ in answers], [202] * 4)
        done = self.finish([job for _, _, job in answers])
        self.assertEqual([job["state"] for job in done], ["done"] * 4)
        self.assertEqual([(job["network"]["name"], job["network"]["resolution"]) for job in done],
                         [("mine", 32), ("mine", 48), ("ProxylessNASNets", 32), ("mobilenetv3-small-1.0", 32)])
        self.assertEqual(done[0]["network"]["id"], done[2]["network"]["id"])
        self.assertNotEqual(done[0]["network"]["id"], done[1]["network"]["id"])
        for job in done:
            self.assertGreater(job["latency_ms"], 0)
            self.assertNotIn("subnet", job)
            self.assertEqual(job["fingerprint"], done[0]["fingerprint"])
        self.assertIn("runtime", json.dumps(done[0]["fingerprint"]))

    def test_every_published_network_runs_on_every_runtime(self):
        rows = published()
        jobs = []
        for runtime in runtimes():
            fast = runtime["name"] != "reference"
            for dtype in runtime["dtypes"]:
                for row in rows if fast else rows[2::9]:
                    status, _, job = self.measure(network=row["net_config"], resolution=32, config=f"{runtime['name']}-{dtype}-t1-b1")
                    self.assertEqual(status, 202, job)
                    jobs.append((job, row["name"]))
        self.assertGreaterEqual(len(jobs), 25)
        for job, (_, name) in zip(self.finish([job for job, _ in jobs]), jobs):
            self.assertEqual((job["state"], job["error"]), ("done", None), (name, job["config"]))
            self.assertGreater(job["latency_ms"], 0, name)

    def test_every_baseline_runs(self):
        names = [item["name"] for item in self.server.ok("GET", "/v1/networks")["items"] if item["family"] != "once-for-all"]
        jobs = [self.measure(network=name, resolution=64)[2] for name in names]
        self.assertEqual([job["state"] for job in self.finish(jobs)], ["done"] * len(names))

    def test_what_can_not_be_read_names_its_field(self):
        config = self.server.ok("GET", "/v1/networks/mobilenetv3-large-1.0")["net_config"]
        wrong = json.loads(json.dumps(config))
        wrong["blocks"][3]["mobile_inverted_conv"]["kernel_size"] = 4
        misspelt = {**config, "classifer": 1}
        before = self.server.ok("GET", "/v1/measurements")
        cases = [
            ({}, 400, "subnet"),
            ({"network": "nobody"}, 404, "network"),
            ({"network": 5}, 400, "network"),
            ({"network": []}, 400, "network"),
            ({"network": {}}, 400, "network.layers"),
            ({"network": config}, 400, "network.resolution"),
            ({"network": config, "resolution": 0}, 400, "resolution"),
            ({"network": config, "resolution": 5000}, 400, "resolution"),
            ({"network": config, "resolution": "224"}, 400, "resolution"),
            ({"network": wrong, "resolution": 224}, 400, "network.blocks[3].mobile_inverted_conv"),
            ({"network": misspelt, "resolution": 224}, 400, "network.classifer"),
            ({"network": {**LINES, "layers": ["conv2d 8"]}}, 400, "network.layers[0]"),
            ({"network": LINES, "subnet": {"space": "small"}}, 400, "network"),
            ({"subnet": {"space": "small"}, "resolution": 64}, 400, "resolution"),
        ]
        for changes, status, field in cases:
            got, _, problem = self.measure(**changes)
            self.assertEqual((got, problem.get("field")), (status, field), (changes, problem))
            got, _, problem = self.server.call("POST", "/v1/layers", changes)
            self.assertEqual((got, problem.get("field")), (status, field), (changes, problem))
        self.assertEqual(self.server.ok("GET", "/v1/measurements"), before)


class CommandTest(CliCase):
    def setUp(self):
        super().setUp()
        prepare(self.server)

    def test_networks_are_listed_and_shown(self):
        listed = self.lathe("network", "list").stdout
        self.assertRegex(listed, r"mobilenetv3-large-1\.0 +75\.2 +216\.6 +5\.47 +224 +MobileNetV3")
        shown = self.lathe("network", "show", "mnasnet-a1").stdout
        for part in ("published: 312 M", "hard sigmoid", "arXiv:1807.11626", "mbconv in=112x112x32"):
            self.assertIn(part, shown)
        self.assertEqual(self.json("network", "show", "resnet-50")["net_config"], None)
        self.lathe("network", "show", "nobody", code=3)

    def test_a_network_is_measured_by_name_and_by_file(self):
        command = ["measure", "here", "--config", CONFIG, "--network"]
        own = self.file("own.json", json.dumps(LINES))
        bare = self.file("net.config", json.dumps(self.server.ok("POST", "/v1/layers", {"network": LINES})["net_config"]))
        self.assertIn("give --resolution", self.lathe(*command, bare, code=1).stderr)
        with Agent(self.server):
            self.assertIn(" ms (95% interval", self.lathe(*command, "mobilenetv3-small-1.0", "--resolution", "64").stdout)
            self.assertEqual(self.json(*command, own)["network"]["name"], "mine")
            self.assertEqual(self.json(*command, "-", "--resolution", "64", text=json.dumps(LINES))["network"]["resolution"], 64)
            self.assertEqual(self.json(*command, bare, "--resolution", "40")["network"]["resolution"], 40)
            self.file("run.config", json.dumps({"image_size": 56}))
            self.assertEqual(self.json(*command, bare)["network"]["resolution"], 56)
        self.lathe(*command, "nobody", code=3)
        self.lathe(*command, str(self.folder / "absent.json"), code=3)
        self.lathe(*command, "mnasnet-a1", "--subnet", own, code=2)
        self.lathe("measure", "here", "--config", CONFIG, "--subnet", own, "--resolution", "64", code=2)

    def test_published_networks_are_compared(self):
        names = ["ofa-lg-8", "ofa-pixel2-35", "mobilenetv3-small-1.0", "efficientnet-b0"]
        svg = self.folder / "plot.svg"
        command = ["compare", "here", "--config", CONFIG, "--networks", "ofa-lg-8,ofa-pixel2-35,mobilenetv3-small-1.0,EfficientNet", "--visits", "1"]
        with Agent(self.server):
            report = self.json(*command[:4], "--networks", ",".join(names), "--visits", "1", "--rounds", "2", "--svg", str(svg))
            self.assertEqual(sorted(n["name"] for n in report["networks"]), sorted(names))
            self.assertEqual((report["failed"], report["fingerprint_changed"]), ([], False))
            measured = {m["id"]: m for m in self.server.ok("GET", "/v1/measurements")["items"]}
            self.assertEqual(len(measured), 8)
            for network in report["networks"]:
                times = [measured[i]["latency_ms"] for i in network["measurements"]]
                self.assertEqual(len(times), 2)
                self.assertAlmostEqual(network["latency_ms"], sum(times) / 2, places=9)
                half = 12.7062 * abs(times[0] - times[1]) / 2
                self.assertAlmostEqual(network["latency_ms_range"][1], sum(times) / 2 + half, places=6)
            latencies = [network["latency_ms"] for network in report["networks"]]
            self.assertEqual(latencies, sorted(latencies))
            self.check_plot(svg, report)
            # Measurements of before count: only the one that tells what the device is now is new.
            again = self.json(*command[:4], "--networks", ",".join(names), "--visits", "1", "--rounds", "2", "--reuse")
            after = {m["id"] for m in self.server.ok("GET", "/v1/measurements")["items"]}
            self.assertEqual(len(after), 9)
            self.assertTrue(all(len(network["measurements"]) == 2 for network in again["networks"]))
            text = self.lathe(*command, "--rounds", "2", "--reuse")
        self.assertIn("EfficientNet-B1", text.stdout)
        self.assertRegex(text.stdout, r"1\.5 times as fast as MobileNetV3 at its top-1\. Measured here: ")
        self.assertRegex(text.stderr, r"round 2 of 2: \d of \d networks, \d+ s\n$")

    def test_a_comparison_that_was_interrupted_goes_on_with_what_is_measured(self):
        command = ["compare", "here", "--config", CONFIG, "--networks", "ofa-lg-8,mobilenetv3-small-1.0", "--rounds", "1", "--visits", "1"]
        first = Process([program("lathe"), *command], env=self.environment())
        self.addCleanup(first.kill)
        wait_for("the command's waiting", lambda: "no agent serves device here" in first.stderr())
        first.proc.send_signal(signal.SIGINT)
        self.assertEqual(first.wait(), 1)
        self.assertIn("goes on without you", first.stderr())
        ordered = self.server.ok("GET", "/v1/measurements")["items"]
        self.assertEqual(len(ordered), 2)
        with Agent(self.server):
            for job in ordered:
                wait_for_state(self.server, job, "done")
            report = self.json(*command, "--reuse")
        self.assertEqual(len(report["networks"]), 2)
        self.assertEqual(len(self.server.ok("GET", "/v1/measurements")["items"]), 3)

    def check_plot(self, path, report):
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, SVG + "svg")
        names = {e.get("id"): e.text for e in root if e.get("id")}
        self.assertEqual(root.get("aria-labelledby").split(), list(names))
        self.assertIn(f"{len(report['networks'])} networks", names["plot-description"])
        points = []
        for group in root.iter(SVG + "g"):
            if group.get("class") != "point":
                continue
            title = group.find(SVG + "title").text
            mark = next(p for p in group.findall(SVG + "path") if p.get("class") == "mark")
            x, y = map(float, re.match(r"M([\d.]+) ([\d.]+)", mark.get("d")).groups())
            points.append((x, y, title))
        self.assertEqual(len(points), len(report["networks"]))
        for (x, y, title), network in zip(points, report["networks"]):
            self.assertTrue(title.startswith(network["title"] + ": "), title)
            self.assertTrue(0 < x < 960 and 0 < y < 600)
        self.assertEqual([p[0] for p in points], sorted(p[0] for p in points))
        by_top1 = sorted(zip(points, report["networks"]), key=lambda both: both[1]["top1"])
        heights = [-point[1] for point, _ in by_top1]
        self.assertEqual(heights, sorted(heights))
        for text in root.iter(SVG + "text"):
            self.assertNotIn("nan", text.text)

    def test_a_network_that_fails_is_left_out_and_said_so(self):
        with Agent(self.server):
            done = self.lathe("compare", "here", "--config", "nosuch-f32-t1-b1", "--networks", "ofa-lg-8,mnasnet-a1", "--rounds", "1", code=1)
        self.assertIn("no network could be measured", done.stderr)

    def test_networks_for_microcontrollers_are_compared_on_microcontrollers(self):
        catalog = {n["name"]: n["family"] for n in self.server.ok("GET", "/v1/networks?limit=1000")["items"]}
        small = {name for name, family in catalog.items() if family == "MCUNet"}
        self.assertEqual(len(small), 6)
        with Agent(self.server):
            for config, expected in (("nosuch-int8-t1-b1", set(catalog) - small), ("firmware-int8-t1-b1", small)):
                self.lathe("compare", "here", "--config", config, "--rounds", "1", code=1)
                tried = {job["network"]["name"] for job in self.server.ok("GET", "/v1/measurements?limit=1000")["items"]
                         if job["config"] == config}
                # A first one alone tells the fingerprint: where it fails the others are asked for all the same.
                self.assertEqual(tried, expected)

    def test_a_comparison_that_can_not_be_made_says_why(self):
        self.assertIn("nobody", self.lathe("compare", "here", "--networks", "ofa-lg-8,nobody", code=3).stderr)
        self.assertIn("--rounds", self.lathe("compare", "here", "--rounds", "0", code=2).stderr)
        self.lathe("compare", "here", "--markdown", "--json", code=2)
        self.lathe("compare", "nowhere", "--networks", "ofa-lg-8", code=3)

    def test_markdown_is_tables(self):
        with Agent(self.server):
            text = self.lathe("compare", "here", "--config", CONFIG, "--networks", "ofa-lg-8,mobilenetv3-small-1.0", "--rounds", "1", "--visits", "1", "--markdown").stdout
        lines = [line for line in text.splitlines() if line.startswith("|")]
        self.assertEqual(len(lines), 2 + 2 + 2 + 1)
        for line in lines:
            self.assertIn(len(re.findall(r"(?<!\\)\|", line)), (6, 7))


if __name__ == "__main__":
    unittest.main()
