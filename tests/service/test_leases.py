# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Leases over HTTP, with the test as the agent."""
import http.client
import threading
import time
import unittest

from lathe_service import WAIT_S, Server, wait_for
from small_space import CONFIG, prepare, profile, start_profile, table


class LeaseTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)
        self.tokens = {name: self.server.new_token("agent", name) for name in ("lab", "other")}

    def post(self, path, body=None, name="lab"):
        status, _, answer = self.server.call("POST", path, {} if body is None else body, token=self.tokens[name])
        return status, answer

    def take(self, name="lab", wait_s=0):
        return self.post(f"/v1/agents/{name}/leases?wait_s={wait_s}", name=name)

    def taken(self, name="lab"):
        status, lease = self.take(name)
        self.assertEqual(status, 200)
        return lease

    def results(self, lease, first, count):
        layers = {network["network"]: len(network["layers"]) for network in lease["networks"]}
        visits = []
        for visit in lease["visits"][first:first + count]:
            rows = [[1000] * layers[visit["network"]]] * lease["runs"]
            visits.append({**visit, "wall_ns": rows, "cpu_ns": rows, "total_ns": [9000] * lease["runs"],
                           "preempted": [[0] * layers[visit["network"]]] * lease["runs"]})
        return {"fence": lease["fence"], "fingerprint": {"runner": "test"}, "visits": visits}

    def wait_in_background(self, name, wait_s):
        """Ask for work on a connection of its own. @return a list that the answer goes to, and the thread."""
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.take(name, wait_s)))
        thread.start()
        self.addCleanup(thread.join)
        return answers, thread

    def wait_until_online(self, name):
        """The server knows that an agent has asked."""
        self.server.ok("PATCH", "/v1/devices/here", {"agent": name})
        wait_for("the agent is known", lambda: self.server.ok("GET", "/v1/devices/here")["state"] == "online")
        self.server.ok("PATCH", "/v1/devices/here", {"agent": None})

    def test_a_waiting_agent_gets_new_work_at_once(self):
        answers, thread = self.wait_in_background("lab", 50)
        self.wait_until_online("lab")
        started = time.monotonic()
        job = start_profile(self.server)
        thread.join(WAIT_S)
        self.assertLess(time.monotonic() - started, 10)
        status, lease = answers[0]
        self.assertEqual((status, lease["job"]), (200, job["id"]))

    def test_a_waiting_agent_gets_work_that_another_gave_back(self):
        start_profile(self.server)
        lease = self.taken("other")
        answers, thread = self.wait_in_background("lab", 50)
        self.assertEqual(self.post(f"/v1/leases/{lease['id']}/release", {"fence": lease["fence"]}, "other")[0], 204)
        thread.join(WAIT_S)
        self.assertEqual(answers[0][0], 200)

    def test_waiting_ends_without_work(self):
        started = time.monotonic()
        self.assertEqual(self.take(wait_s=1)[0], 204)
        self.assertGreaterEqual(time.monotonic() - started, 1)
        self.assertEqual(self.take(wait_s=0)[0], 204)

    def test_an_agent_that_asks_again_is_answered_on_its_new_connection(self):
        first, first_thread = self.wait_in_background("lab", 50)
        self.wait_until_online("lab")
        second, second_thread = self.wait_in_background("lab", 50)
        first_thread.join(WAIT_S)
        self.assertEqual(first[0][0], 204)
        start_profile(self.server)
        second_thread.join(WAIT_S)
        self.assertEqual(second[0][0], 200)

    def test_a_client_that_has_gone_gets_no_lease(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=WAIT_S)
        connection.request("POST", "/v1/agents/lab/leases?wait_s=50", b"{}",
                           {"Authorization": "Bearer " + self.tokens["lab"], "Content-Type": "application/json"})
        self.wait_until_online("lab")
        connection.close()
        start_profile(self.server)
        self.assertEqual(self.take("other")[0], 200)

    def test_stopping_the_server_answers_those_who_wait(self):
        answers, thread = self.wait_in_background("lab", 50)
        self.wait_until_online("lab")
        started = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        thread.join(WAIT_S)
        self.assertLess(time.monotonic() - started, 20)
        self.assertIn(answers[0][0], (204, 503))

    def test_a_token_acts_for_its_own_agent_only(self):
        status, problem = self.post("/v1/agents/other/leases", name="lab")
        self.assertEqual(status, 403)
        self.assertIn("lab", problem["detail"])
        start_profile(self.server)
        lease = self.taken("lab")
        for call, body in (("renew", {"fence": 1}), ("results", self.results(lease, 0, 1)), ("release", {"fence": 1})):
            self.assertEqual(self.post(f"/v1/leases/{lease['id']}/{call}", body, "other")[0], 403, call)
        user = self.server.new_token("user", "somebody")
        self.assertEqual(self.server.call("POST", "/v1/agents/somebody/leases", {}, token=user)[0], 403)
        self.assertEqual(self.server.call("POST", "/v1/agents/lab/leases", {}, token="")[0], 401)
        self.assertEqual(self.server.call("POST", f"/v1/leases/{lease['id']}/renew", {"fence": lease["fence"]})[0], 200)

    def test_results_come_once_and_under_the_right_fence(self):
        job = start_profile(self.server, held_out=0)
        lease = self.taken()
        path = f"/v1/leases/{lease['id']}"
        self.assertEqual(self.post(path + "/results", self.results(lease, 0, 3)), (200, {"accepted": 3}))
        self.assertEqual(self.post(path + "/results", self.results(lease, 0, 5)), (200, {"accepted": 2}))
        self.assertEqual(profile(self.server, job)["visits_done"], 5)
        stem = [entry for text, entry in table(self.server).items() if text.startswith("conv2d in=48x48x3 ")]
        self.assertEqual(stem[0]["count"], 5 * lease["runs"])
        wrong = self.results(lease, 5, 1)
        wrong["fence"] += 1
        self.assertEqual(self.post(path + "/results", wrong)[0], 409)
        self.assertEqual(self.post(path + "/renew", {"fence": lease["fence"]}), (200, {"ttl_s": lease["ttl_s"]}))
        self.assertEqual(self.post(path + "/renew", {"fence": lease["fence"] + 1})[0], 409)
        self.assertEqual(self.post(path + "/release", {"fence": lease["fence"]})[0], 204)
        for call, body in (("renew", {"fence": lease["fence"]}), ("results", self.results(lease, 5, 1)),
                           ("release", {"fence": lease["fence"]})):
            self.assertEqual(self.post(f"{path}/{call}", body)[0], 409, call)
        again = self.taken()
        self.assertEqual(again["visits"][0], lease["visits"][5])
        self.assertGreater(again["fence"], lease["fence"])

    def test_trouble_is_told_until_results_come(self):
        job = start_profile(self.server, held_out=0)
        lease = self.taken()
        path = f"/v1/leases/{lease['id']}"

        def told():
            device = self.server.ok("GET", f"/v1/devices/{job['device']}")
            return device["state"], device["error"], profile(self.server, job)["error"]
        self.assertEqual(told(), ("busy", None, None))
        self.assertEqual(self.post(path + "/renew", {"fence": lease["fence"], "trouble": "no route to it"})[0], 200)
        self.assertEqual(told(), ("busy", "no route to it", "no route to it"))
        self.assertEqual(self.post(path + "/renew", {"fence": lease["fence"]})[0], 200)
        self.assertEqual(told(), ("busy", "no route to it", "no route to it"))
        self.assertEqual(self.post(path + "/renew", {"fence": lease["fence"] + 1, "trouble": "late"})[0], 409)
        self.assertEqual(self.post(path + "/results", self.results(lease, 0, 1))[0], 200)
        self.assertEqual(told(), ("busy", None, None))

    def test_a_device_in_quarantine_is_let_out_by_hand(self):
        job = start_profile(self.server, held_out=0)
        waiting = start_profile(self.server, held_out=0)
        for _ in range(3):
            lease = self.taken()
            self.post(f"/v1/leases/{lease['id']}/release", {"fence": lease["fence"], "error": "it hangs"})
        device = f"/v1/devices/{job['device']}"
        now = self.server.ok("GET", device)
        self.assertEqual((now["state"], now["error"]), ("quarantined", "it hangs"))
        self.assertIsNotNone(now["quarantined_until"])
        self.assertEqual((profile(self.server, job)["state"], profile(self.server, waiting)["state"]), ("failed", "queued"))
        self.assertEqual(self.take()[0], 204)
        status, _, problem = self.server.call("PATCH", device, {"quarantined": True})
        self.assertEqual((status, problem["field"]), (400, "quarantined"))
        answers, thread = self.wait_in_background("lab", 30)
        now = self.server.ok("PATCH", device, {"quarantined": False})
        self.assertEqual((now["state"], now["quarantined_until"]), ("online", None))
        thread.join()
        self.assertEqual((answers[0][0], answers[0][1]["job"]), (200, waiting["id"]))

    def test_bad_requests_name_their_field(self):
        start_profile(self.server)
        lease = self.taken()
        path = f"/v1/leases/{lease['id']}"
        bad = self.results(lease, 0, 2)
        bad["visits"][1]["wall_ns"] = [[1]]
        cases = [
            ("/v1/agents/lab/leases?wait_s=61", {}, "wait_s"),
            ("/v1/agents/lab/leases?wait_s=-1", {}, "wait_s"),
            ("/v1/agents/lab/leases?patience=1", {}, "patience"),
            (path + "/renew", {}, "fence"),
            (path + "/renew", {"fence": lease["fence"], "ttl": 5}, "ttl"),
            (path + "/renew", {"fence": lease["fence"], "trouble": 5}, "trouble"),
            (path + "/renew", {"fence": lease["fence"], "board": {"name": 5}}, "board.name"),
            (path + "/release", {"fence": lease["fence"], "no_room": {"network": 0}}, "error"),
            (path + "/release", {"fence": lease["fence"], "error": "x", "no_room": {"network": -1}}, "no_room.network"),
            (path + "/release", {"fence": lease["fence"], "error": "x", "no_room": {"network": 1000000}}, "no_room"),
            (path + "/release", {"fence": "x"}, "fence"),
            (path + "/release", {"fence": lease["fence"], "fatal": True}, "error"),
            (path + "/results", {"fence": lease["fence"]}, "fingerprint"),
            (path + "/results", bad, "visits[1].wall_ns"),
        ]
        for where, body, field in cases:
            status, problem = self.post(where, body)
            self.assertEqual((status, problem.get("field")), (400, field), (where, problem))
        self.assertEqual(self.server.call("GET", f"/v1/tables/here/{CONFIG}")[0], 404)
        status, _, _ = self.server.call("POST", path + "/results", b"{", token=self.tokens["lab"])
        self.assertEqual(status, 400)

    def ask(self, instance, machine="m", leases=(), cpus=None, name="lab"):
        body = {"instance": instance, "machine": machine, "leases": list(leases), "cpus": cpus or {}}
        return self.post(f"/v1/agents/{name}/leases?wait_s=0", body, name)

    def two_devices(self):
        self.server.ok("POST", "/v1/devices", {"name": "there", "transport": {"type": "local"}})
        return [start_profile(self.server, device=name) for name in ("here", "there")]

    def test_devices_of_one_machine_take_turns_unless_their_processors_differ(self):
        self.two_devices()
        cpus = {"here": "0", "there": "1-3"}
        status, first = self.ask("one")
        self.assertEqual(status, 200)
        self.assertEqual(self.ask("one", leases=[first["id"]])[0], 204)
        self.assertEqual(self.ask("two", name="other")[0], 204)  # the machine counts, not who asks
        self.assertEqual(self.post(f"/v1/leases/{first['id']}/release", {"fence": first["fence"]})[0], 204)
        status, first = self.ask("one", cpus=cpus)
        self.assertEqual(status, 200)
        status, second = self.ask("one", leases=[first["id"]], cpus=cpus)
        self.assertEqual((status, {first["device"]["name"], second["device"]["name"]}), (200, {"here", "there"}))
        self.assertEqual(self.ask("one", leases=[first["id"], second["id"]], cpus=cpus)[0], 204)

    def test_devices_of_two_machines_work_at_once(self):
        self.two_devices()
        self.assertEqual(self.ask("one", machine="m")[0], 200)
        self.assertEqual(self.ask("two", machine="n", name="other")[0], 200)

    def test_an_agent_that_does_not_name_a_lease_has_lost_it(self):
        start_profile(self.server)
        first = self.ask("one")[1]
        self.assertEqual(self.ask("one", leases=[first["id"]])[0], 204)
        status, second = self.ask("one")
        self.assertEqual(status, 200)
        self.assertEqual(self.post(f"/v1/leases/{first['id']}/renew", {"fence": first["fence"]})[0], 409)
        self.assertEqual(self.post(f"/v1/leases/{second['id']}/renew", {"fence": second["fence"]})[0], 200)

    def test_two_programs_under_one_name_keep_their_leases_apart(self):
        start_profile(self.server)
        first = self.ask("one")[1]
        self.assertEqual(self.ask("two")[0], 204)
        self.assertEqual(self.take()[0], 204)
        self.assertEqual(self.post(f"/v1/leases/{first['id']}/renew", {"fence": first["fence"]})[0], 200)

    def test_what_an_agent_says_of_itself_is_checked(self):
        for body, field in (({"instance": "a b"}, "instance"), ({"machine": 7}, "machine"), ({"leases": [1]}, "leases"),
                            ({"cpus": {"here": "x"}}, "cpus"), ({"colour": "red"}, "colour")):
            status, problem = self.post("/v1/agents/lab/leases?wait_s=0", body)
            self.assertEqual((status, problem["field"]), (400, field), body)

    def test_many_wait_without_holding_up_others(self):
        threads = [self.wait_in_background("lab" if i else "other", 3)[1] for i in range(2)]
        names = [f"agent{i}" for i in range(30)]
        for name in names:
            self.tokens[name] = self.server.new_token("agent", name)
        threads += [self.wait_in_background(name, 3)[1] for name in names]
        started = time.monotonic()
        for _ in range(10):
            self.assertEqual(self.server.call("GET", "/healthz", token="")[0], 200)
        self.assertLess(time.monotonic() - started, 3)
        for thread in threads:
            thread.join(WAIT_S)


if __name__ == "__main__":
    unittest.main()
