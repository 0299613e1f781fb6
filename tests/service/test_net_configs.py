# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Networks as once-for-all writes them, of subnets, searches and measurements; and published networks beside a table."""
import unittest

from lathe_service import Agent, Server
from search_case import SearchCase
from small_space import CONFIG, prepare, wait_for_state

SUBNET = {"space": "small", "resolution": 64, "depth": [1, 1, 1], "kernel": [3, 5, 3], "expand": [3, 6, 4]}
NET_CONFIG = "application/vnd.ofa.net-config+json"
OWN = {"name": "mine", "resolution": 32, "layers": ["conv2d 8 k=3 s=2 act=relu6", "mbconv 16 mid=32 k=5 s=2 act=relu6",
                                                    "avgpool", "linear 10"]}


class NetConfigTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        prepare(cls.server)

    def layers(self, network):
        return [layer["layer"] for layer in self.server.ok("POST", "/v1/layers", network)["layers"]]

    def measure(self, config=CONFIG, **network):
        body = {"device": "here", "config": config, "visits": 1, "runs": 2, **network}
        return self.server.ok("POST", "/v1/measurements", body)

    def finish(self, *jobs):
        with Agent(self.server, name=self._testMethodName[:60]):
            return [wait_for_state(self.server, job, "done", "failed") for job in jobs]

    def test_a_subnet_becomes_a_net_config_that_says_the_same_layers(self):
        status, headers, config = self.server.call("POST", "/v1/net-configs", {"subnet": SUBNET}, accept=NET_CONFIG)
        self.assertEqual((status, headers["Content-Type"], config["resolution"]), (200, NET_CONFIG, 64))
        self.assertEqual(self.layers({"network": config}), self.layers({"subnet": SUBNET}))
        shown = self.server.ok("POST", "/v1/layers", {"subnet": SUBNET})["net_config"]
        self.assertEqual({k: v for k, v in config.items() if k != "resolution"}, shown)
        status, headers, plain = self.server.call("POST", "/v1/net-configs", {"subnet": SUBNET})
        self.assertEqual((status, headers["Content-Type"], plain), (200, "application/json", config))
        self.assertEqual(self.server.call("POST", "/v1/net-configs", {"subnet": SUBNET}, accept="text/csv")[0], 406)

    def test_what_once_for_all_has_no_words_for_is_refused_and_says_why(self):
        for name in ("resnet-50", "efficientnet-b0"):
            status, _, problem = self.server.call("POST", "/v1/net-configs", {"network": name})
            self.assertEqual(status, 422)
            self.assertIn("net.config", problem["detail"])
        for body, status, field in (({}, 400, "subnet"), ({"subnet": {**SUBNET, "resolution": 50}}, 400, "subnet.resolution"),
                                    ({"network": "nobody"}, 404, "network"), ({"color": 1}, 400, "color")):
            got, _, problem = self.server.call("POST", "/v1/net-configs", body)
            self.assertEqual((got, problem.get("field")), (status, field), body)

    def test_a_measurement_gives_the_net_config_of_what_was_measured(self):
        jobs = [self.measure(subnet=SUBNET), self.measure(network="mobilenetv3-small-1.0", resolution=64), self.measure(network=OWN)]
        asked = [{"subnet": SUBNET}, {"network": "mobilenetv3-small-1.0", "resolution": 64}, {"network": OWN}]
        for state in ("queued", "done"):
            for job, network in zip(jobs, asked):
                path = f"/v1/measurements/{job['id']}"
                self.assertEqual(self.server.ok("GET", path)["state"], state)
                status, headers, config = self.server.call("GET", path, accept=NET_CONFIG)
                self.assertEqual((status, headers["Content-Type"]), (200, NET_CONFIG))
                self.assertEqual(self.layers({"network": config}), self.layers(network))
            if state == "queued":
                self.finish(*jobs)
        again = self.measure(network=config)
        self.assertEqual(again["network"]["id"], self.server.ok("GET", f"/v1/measurements/{jobs[2]['id']}")["network"]["id"])
        self.server.ok("DELETE", f"/v1/measurements/{again['id']}")
        status, _, problem = self.server.call("GET", f"/v1/measurements/{again['id']}", accept=NET_CONFIG)
        self.assertEqual(status, 409)
        self.assertIn("cancelled", problem["detail"])
        self.assertEqual(self.server.call("GET", "/v1/measurements/m-0", accept=NET_CONFIG)[0], 404)

    def test_published_networks_are_told_with_their_last_measurement(self):
        path = f"/v1/tables/here/{CONFIG}/networks"
        small = self.server.ok("GET", "/v1/networks/mobilenetv3-small-1.0")
        other = self.measure(network="ofa-lg-8", config="reference-f32-t1-b1")
        # At another resolution it is not what was published, nor is any own network.
        jobs = [self.measure(network="mobilenetv3-small-1.0"), self.measure(network="mobilenetv3-small-1.0", resolution=96),
                self.measure(network=OWN), self.measure(network=self.server.ok("GET", "/v1/networks/ofa-lg-8")["net_config"],
                                                        resolution=self.server.ok("GET", "/v1/networks/ofa-lg-8")["resolution"]),
                self.measure(network="mobilenetv3-small-1.0")]
        self.server.ok("DELETE", f"/v1/measurements/{other['id']}")
        self.assertEqual(self.server.ok("GET", f"/v1/tables/here/reference-f32-t1-b1/networks")["items"], [])
        done = self.finish(*jobs)
        items = {i["network"]: i for i in self.server.ok("GET", path)["items"]}
        self.assertEqual(sorted(items), ["mobilenetv3-small-1.0", "ofa-lg-8"])
        item, last = items["mobilenetv3-small-1.0"], done[4]
        self.assertEqual((item["measurement"], item["measured"], item["latency_ms"], item["latency_ms_range"]),
                         (last["id"], last["updated"], last["latency_ms"], last["latency_ms_range"]))
        for name in ("title", "family", "top1", "macs_m", "params_m", "resolution"):
            self.assertEqual(item[name], small[name], name)
        self.assertEqual(items["ofa-lg-8"]["measurement"], jobs[3]["id"])
        first = self.server.ok("GET", path + "?limit=1")
        self.assertEqual(([i["network"] for i in first["items"]], first["next"]), (["mobilenetv3-small-1.0"], "mobilenetv3-small-1.0"))
        rest = self.server.ok("GET", path + f"?limit=1&cursor={first['next']}")
        self.assertEqual(([i["network"] for i in rest["items"]], rest["next"]), (["ofa-lg-8"], None))
        self.assertEqual(self.server.call("GET", f"/v1/tables/nobody/{CONFIG}/networks")[0], 404)

    def test_measurements_are_listed_by_device_and_config(self):
        server = self.server
        server.ok("POST", "/v1/devices", {"name": "there", "transport": {"type": "local"}, "agent": "nobody"})
        made = []
        for at in range(6):
            body = {"device": "there", "config": ("a-f32-t1-b1", "b-f32-t1-b1")[at % 2], "subnet": SUBNET}
            made.append(server.ok("POST", "/v1/measurements", body)["id"])
        ids = lambda query: [item["id"] for item in server.ok("GET", "/v1/measurements" + query)["items"]]
        self.assertEqual(ids("?device=there"), made)
        self.assertEqual(ids("?device=there&config=b-f32-t1-b1"), made[1::2])
        self.assertEqual(ids("?config=a-f32-t1-b1"), made[0::2])
        self.assertEqual(ids("?device=nowhere"), [])
        page = server.ok("GET", "/v1/measurements?device=there&config=a-f32-t1-b1&limit=2")
        self.assertEqual([item["id"] for item in page["items"]], made[0:4:2])
        last = server.ok("GET", f"/v1/measurements?device=there&config=a-f32-t1-b1&limit=2&cursor={page['next']}")
        self.assertEqual(([item["id"] for item in last["items"]], last["next"]), ([made[4]], None))
        self.assertEqual(server.call("GET", "/v1/measurements?state=done")[0], 400)
        for job in made:
            server.ok("DELETE", f"/v1/measurements/{job}")


class SearchedTest(SearchCase):
    def test_a_search_answers_with_the_net_config_of_what_it_found(self):
        body = {**self.question, "budget_ms": 5, "constraints": {"latency_ms": 20}, "seed": 3}
        found = self.server.ok("POST", "/v1/subnets", body)
        status, headers, config = self.server.call("POST", "/v1/subnets", body, accept=NET_CONFIG)
        self.assertEqual((status, headers["Content-Type"]), (200, NET_CONFIG))
        self.assertEqual(config, self.server.ok("POST", "/v1/net-configs", {"subnet": found["subnet"]}))
        layers = self.server.ok("POST", "/v1/layers", {"network": config})["layers"]
        self.assertEqual([layer["layer"] for layer in layers], [layer["layer"] for layer in found["layers"]])
        status, headers, problem = self.server.call("POST", "/v1/subnets", {**body, "constraints": {"latency_ms": 0.001}}, accept=NET_CONFIG)
        self.assertEqual((status, headers["Content-Type"]), (422, "application/problem+json"))


if __name__ == "__main__":
    unittest.main()
