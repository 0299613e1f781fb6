# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Serial devices: the real server and agent, and through libserialport a runner at the other end of a line."""
import collections
import pathlib
import re
import sys
import unittest

from lathe_service import Agent, Server, wait_for
from qemu_board import QemuBoard, missing
from serial_line import Line, Program, Qemu, agent_env
from small_space import CONFIG, SPACE, assert_complete, profile, start_profile, wait_for_state, wait_for_visits

FAR_ENDS = pathlib.Path(__file__).with_name("far_ends.py")
SUBNET = {"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 5, 3], "expand": [3, 4, 6]}


class SerialCase(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.server.ok("PUT", "/v1/spaces/small", SPACE)

    def agent(self, name="agent"):
        agent = Agent(self.server, name=name, env=agent_env())
        self.addCleanup(agent.close)
        return agent

    def line(self, *argv, **how):
        line = Line(Program(*argv), **how)
        self.addCleanup(line.close)
        return line

    def far_end(self, kind):
        return self.line(sys.executable, str(FAR_ENDS), kind)

    def register(self, line, name="here", agent=None, **more):
        transport = {"type": "serial", "port": line.port, **more}
        return self.server.ok("POST", "/v1/devices", {"name": name, "transport": transport, "agent": agent})

    def device(self, name="here"):
        return self.server.ok("GET", f"/v1/devices/{name}")


class SerialTest(SerialCase):
    def test_a_device_at_a_port_is_profiled_and_measured_like_any_other(self):
        self.register(self.line())
        self.agent()
        job = wait_for_state(self.server, start_profile(self.server, held_out=3), "done", "failed")
        self.assertEqual((job["state"], job["error"]), ("done", None))
        assert_complete(self, self.server, job)
        table = self.server.ok("GET", f"/v1/tables/here/{CONFIG}")
        self.assertEqual(table["clock"], "ns")
        measured = wait_for_state(self.server, self.server.ok("POST", "/v1/measurements", {
            "device": "here", "config": CONFIG, "subnet": SUBNET, "visits": 2, "runs": 2}), "done", "failed")
        self.assertEqual(measured["state"], "done", measured["error"])
        self.assertIsNone(self.device()["board"])

    def test_a_cable_pulled_in_mid_frame_costs_a_visit_and_nothing_else(self):
        line = self.line()
        self.register(line)
        self.agent()
        job = start_profile(self.server)
        wait_for_visits(self.server, job, 4)
        line.cut_after(5000)
        self.assertTrue(line.cut.wait(60))
        wait_for("the cable is missed", lambda: self.device()["error"])
        self.assertRegex(self.device()["error"], "unplugged|no board is plugged in")
        line.plug()
        job = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual((job["state"], job["error"]), ("done", None))
        assert_complete(self, self.server, job)
        self.assertIsNone(self.device()["error"])

    def test_a_board_that_loses_its_power_in_mid_run_goes_on_with_what_is_missing(self):
        line = self.line()
        self.register(line)
        self.agent()
        job = start_profile(self.server)
        wait_for_visits(self.server, job, 4)
        line.power_cycle()
        job = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual((job["state"], job["error"]), ("done", None))
        assert_complete(self, self.server, job)

    def test_the_second_host_at_a_port_is_told_that_it_is_busy(self):
        line = self.line()
        self.register(line, "one", agent="first")
        self.register(line, "two", agent="second")
        self.agent("first")
        job = start_profile(self.server, device="one", rounds=32)
        wait_for_visits(self.server, job, 1)
        self.agent("second")
        other = start_profile(self.server, device="two", rounds=1)
        error = wait_for("the second is refused", lambda: profile(self.server, other)["error"])
        self.assertRegex(error, r"busy: lathe-agent \(process \d+\) has it open")
        self.assertEqual(profile(self.server, job)["error"], None)

    def test_a_board_that_hangs_is_quarantined_with_its_reason(self):
        self.register(self.far_end("hang"), visit_s=1)
        agent = self.agent()
        job = wait_for_state(self.server, start_profile(self.server, config="hanging-f32-t1-b1"), "failed", "done")
        # The first try hangs in a run; after that the board does not even say hello.
        self.assertRegex(job["error"], "failed 3 times in a row, the last time: the runner did not say hello")
        device = self.device()
        self.assertEqual(device["state"], "quarantined")
        self.assertIn("did not say hello within 10 s: is it Lathe's firmware?", device["error"])
        self.assertRegex(agent.stderr(), "a visit of network [0-9]+ did not end within 1 s")

    def test_a_board_of_another_protocol_version_is_refused_and_both_are_named(self):
        self.register(self.far_end("newer"))
        self.agent()
        job = wait_for_state(self.server, start_profile(self.server), "failed", "done")
        self.assertIn("Lathe's firmware speaks version 9 of the wire protocol, this program version 1", job["error"])

    def test_a_scan_tells_what_answers_and_leaves_registered_ports_alone(self):
        runner, taken, tiny, silent = self.line(), self.line(), self.far_end("tiny"), self.far_end("silent")
        self.register(taken, "board")
        lines = [runner, taken, tiny, silent]
        status, _, problem = self.server.call("POST", "/v1/agents/agent/scan", {"ports": []})
        self.assertEqual((status, "not online" in problem["detail"]), (409, True))
        self.agent()
        wait_for("the agent is there", lambda: [a for a in self.server.ok("GET", "/v1/agents")["items"] if a["online"]])
        scan = self.server.ok("POST", "/v1/agents/agent/scan", {"ports": [line.port for line in lines]})

        def answers():
            sees = self.server.ok("GET", "/v1/agents")["items"][0]["sees"] or {}
            return {p["port"]: p["answer"] for p in sees["serial"]} if sees.get("scan") == scan["id"] else None
        found = wait_for("the scan", answers)
        got = [found[line.port] for line in lines]
        self.assertEqual([a["protocol"] for a in got], ["lathe", None, "mlperf-tiny", None])
        self.assertRegex(got[0]["name"], "^lathe-run ")
        self.assertEqual(got[1]["device"], "board")
        self.assertEqual((got[2]["name"], got[2]["detail"]), ("bench", "model kws01"))
        self.assertEqual(got[3]["detail"], "nothing answers")

    def test_a_board_with_a_model_of_its_own_is_measured_without_a_subnet(self):
        self.register(self.far_end("tiny"), protocol="mlperf-tiny")
        self.agent()
        job = self.server.ok("POST", "/v1/measurements", {"device": "here", "visits": 3, "runs": 4})
        self.assertIsNone(job["model"])
        done = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual((done["state"], done["error"]), ("done", None))
        self.assertEqual((done["model"], done["config"], done["count"]), ("kws01", "mlperf_tiny-int8-t1-b1", 12))
        self.assertEqual((done["latency_ms"], done["min_ms"]), (2.5, 2.5))
        self.assertEqual(done["fingerprint"]["firmware"], "ULPMark for tinyML Firmware V0.0.1")
        for path, body in (("/v1/profiles", {"space": "small"}), ("/v1/measurements", {"subnet": SUBNET})):
            status, _, problem = self.server.call("POST", path, {"device": "here", "config": CONFIG, **body})
            self.assertEqual((status, problem["field"]), (422, "device"))

    def test_devices_without_a_model_are_measured_with_a_subnet_only(self):
        self.register(self.line())
        status, _, problem = self.server.call("POST", "/v1/measurements", {"device": "here"})
        self.assertEqual((status, problem["field"]), (400, "subnet"))


BOARDS = ("netduinoplus2", "mps2-an386", "mps2-an385")
FIRMWARE = "firmware-int8-t1-b1"


class BoardCase(SerialCase):
    """The firmware in QEMU, whose clock counts instructions."""

    def board(self, name, **how):
        board = QemuBoard(name)
        board.stop()
        self.addCleanup(board.close)
        line = Line(Qemu(board), **how)
        self.addCleanup(line.close)
        return line

    def profile_of(self, device, **changes):
        request = {"device": device, "config": FIRMWARE, "rounds": 1, "runs": 2, "held_out": 3, "seed": 1, **changes}
        job = wait_for_state(self.server, start_profile(self.server, **request), "done", "failed")
        self.assertEqual((job["state"], job["error"]), ("done", None))
        entries = self.server.ok("GET", f"/v1/tables/{device}/{FIRMWARE}/entries?limit=1000")["items"]
        return job, {e["layer"]: e for e in entries}


@unittest.skipIf(missing(), missing())
class BoardTest(BoardCase):
    def test_boards_are_profiled_and_whole_networks_agree_with_their_tables(self):
        self.agent()
        for name in BOARDS:
            with self.subTest(name):
                line = self.board(name)
                self.register(line, name)
                job, rows = self.profile_of(name)
                self.assertEqual(len(rows), job["rows_total"])
                self.assertLess(job["trust"]["worst"], 0.005)
                measured = wait_for_state(self.server, self.server.ok("POST", "/v1/measurements", {
                    "device": name, "config": FIRMWARE, "subnet": SUBNET, "visits": 2, "runs": 2}), "done", "failed")
                self.assertEqual(measured["state"], "done", measured["error"])
                self.assertEqual(measured["min_ms"], measured["p90_ms"])  # counts are the same in every run
                predicted = self.server.ok("POST", "/v1/layers", {"subnet": SUBNET})["layers"]
                total = sum(rows[at["layer"] if isinstance(at, dict) else at]["latency_ms"] for at in predicted)
                self.assertLess(abs(total / measured["latency_ms"] - 1), 0.005)
                self.assertEqual(self.server.ok("GET", f"/v1/tables/{name}/{FIRMWARE}")["clock"], "instructions")
                board = self.device(name)["board"]
                self.assertEqual((board["name"], board["clock"], board["emulated"]), (name, "instructions", True))
                self.assertGreater(board["sram_bytes"], board["arena_bytes"])
                line.close()

    def test_a_noisy_line_changes_no_figure(self):
        self.agent()
        self.register(self.board("mps2-an386"), "clean")
        noisy = self.board("mps2-an386", noise=0.01)
        self.register(noisy, "noisy")
        _, clean = self.profile_of("clean", runs=1, held_out=0)
        _, rows = self.profile_of("noisy", runs=1, held_out=0)
        self.assertGreater(noisy.noise[0].spoiled + noisy.noise[1].spoiled, 100)
        self.assertEqual({layer: e["latency_ms"] for layer, e in rows.items()}, {layer: e["latency_ms"] for layer, e in clean.items()})

    def test_a_power_cycle_in_mid_run_loses_nothing(self):
        line = self.board("mps2-an386")
        self.register(line)
        self.agent()
        job = start_profile(self.server, config=FIRMWARE, rounds=2, runs=2, held_out=0)
        wait_for_visits(self.server, job, 2)
        line.power_cycle()
        job = wait_for_state(self.server, job, "done", "failed")
        self.assertEqual((job["state"], job["error"]), ("done", None))

    def test_the_firmware_is_found_by_a_scan_and_times_its_own_model(self):
        line = self.board("netduinoplus2")
        self.agent()
        wait_for("the agent is there", lambda: [a for a in self.server.ok("GET", "/v1/agents")["items"] if a["online"]])
        scan = self.server.ok("POST", "/v1/agents/agent/scan", {"ports": [line.port]})

        def answer():
            sees = self.server.ok("GET", "/v1/agents")["items"][0]["sees"] or {}
            return sees.get("scan") == scan["id"] and [p for p in sees["serial"] if p["port"] == line.port][0]["answer"]
        found = wait_for("the scan", answer)
        self.assertEqual((found["protocol"], found["name"]), ("lathe", "netduinoplus2"))
        self.register(line, protocol="mlperf-tiny")
        done = wait_for_state(self.server, self.server.ok("POST", "/v1/measurements", {"device": "here", "visits": 2, "runs": 2}),
                              "done", "failed")
        self.assertEqual((done["state"], done["error"]), ("done", None))
        self.assertTrue(done["model"])


# At 48 all subnets fit netduinoplus2; at 64 those whose middle block expands by 6 do not; at 96 that block never does.
ROOMY = {
    "id": "roomy", "title": "roomy", "source": "made for tests", "family": "inverted_residual", "width": 1.0,
    "resolutions": [48, 64, 96], "kernel": [3, 5], "expand": [3, 4, 6],
    "stem": {"channels": 8, "kernel": 3, "stride": 2, "activation": "relu6"},
    "first": {"channels": 8, "kernel": 3, "activation": "relu6", "residual": True},
    "stages": [
        {"channels": 56, "stride": 2, "activation": "relu6", "squeeze_excite": False, "depth": [1]},
        {"channels": 56, "stride": 1, "activation": "relu6", "squeeze_excite": True, "depth": [1]},
        {"channels": 32, "stride": 2, "activation": "relu6", "squeeze_excite": False, "depth": [1]}],
    "head": [{"kind": "avgpool"}, {"kind": "linear", "features": 10}],
}


@unittest.skipIf(missing(), missing())
class SmallBoardTest(BoardCase):
    """A board that some subnets of a space do not fit, and some layers neither. Nothing is known of it before its first
    profile."""

    def setUp(self):
        super().setUp()
        self.server.ok("PUT", "/v1/spaces/roomy", ROOMY)
        self.agent()
        self.register(self.board("netduinoplus2"), "small")

    def finished(self, job):
        return wait_for_state(self.server, job, "done", "failed")

    def measure(self, subnet):
        return self.finished(self.server.ok("POST", "/v1/measurements", {
            "device": "small", "config": FIRMWARE, "subnet": subnet, "visits": 2, "runs": 1}))

    def subnet(self, resolution, expand):
        return {"space": "roomy", "resolution": resolution, "depth": [1, 1, 1], "kernel": [3, 3, 3], "expand": expand}

    def test_a_first_profile_keeps_to_what_fits_and_so_does_the_search_after_it(self):
        job, rows = self.profile_of("small", space="roomy", resolutions=[48, 64, 96], runs=1, held_out=6)
        arena = self.device("small")["board"]["arena_bytes"]
        self.assertEqual(job["rows_left_out"], len(job["left_out"]))
        for row in job["left_out"]:
            self.assertGreater(int(re.search(r"needs (\d+) bytes of SRAM", row["why"]).group(1)), arena, row)
        # Of the middle block: two rows at 64 (its expansion by 6), all six at 96. What else there is at 96 is alone.
        sides = collections.Counter(re.search(r" in=(\d+)x", row["layer"]).group(1) for row in job["left_out"])
        self.assertEqual(sides, {"16": 2, "24": 6})
        alone = {layer for layer, row in rows.items() if row["alone"]}
        self.assertEqual(len(alone), job["rows_alone"])
        self.assertTrue(any(" in=96x96x3 " in layer for layer in alone), alone)
        self.assertFalse(any(" in=64x64x3 " in layer for layer in alone), alone)
        self.assertEqual((len(rows), job["rows_done"]), (job["rows_total"], job["rows_total"]))
        self.assertLess(job["trust"]["worst"], 0.005)
        self.search(arena)

    def search(self, arena):
        """The largest subnet that fits, which no limit was given for, runs, and takes what its rows say."""
        found = self.server.ok("POST", "/v1/subnets", {
            "table": f"small/{FIRMWARE}", "space": "roomy", "constraints": {"latency_ms": 1e6}})
        self.assertLessEqual(found["sram_kb"] * 1024, arena)
        self.assertEqual(found["subnet"]["resolution"], 64)
        measured = self.measure(found["subnet"])
        self.assertEqual((measured["state"], measured["error"]), ("done", None))
        self.assertLess(abs(measured["latency_ms"] / found["latency_ms"] - 1), 0.005)

    def test_a_subnet_that_does_not_fit_is_refused_in_bytes_and_the_device_stays(self):
        for _ in range(4):
            refused = self.measure(self.subnet(96, [3, 6, 3]))
            self.assertEqual(refused["state"], "failed")
            arena = self.device("small")["board"]["arena_bytes"]
            needs, has = re.search(r"does not fit: .*need (\d+) bytes of SRAM, and this board has (\d+)", refused["error"]).groups()
            self.assertGreater(int(needs), arena)
            self.assertEqual(int(has), arena)
        device = self.device("small")
        self.assertEqual((device["error"], device["state"] == "quarantined"), (None, False))
        self.assertEqual(self.measure(self.subnet(48, [3, 3, 3]))["state"], "done")


if __name__ == "__main__":
    unittest.main()
