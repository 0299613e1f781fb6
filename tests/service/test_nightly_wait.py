# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""lathe nightly against a server that does what real ones do seldom, and what it asks of it."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import unittest

from lathe_service import WAIT_S, program, wait_for
from scripted_server import BREAK_OFF, ScriptedServer, night, under_way

START = ["nightly", "--config", "xnnpack-f32-t1-b1", "--space", "ofa-mbv3-w1.2"]
RUN = night("slower_stage")
PATH = f"/v1/runs/{RUN['id']}"


class ScriptedCase(unittest.TestCase):
    def serve(self, answer):
        server = ScriptedServer(answer)
        self.addCleanup(server.close)
        return server

    def play(self, *answers, run=RUN):
        """POST starts the run; GET gives these answers in turn, the last one again and again."""
        left = list(answers)

        def answer(call):
            if call.method == "POST":
                return 201, under_way(run)
            return left.pop(0) if len(left) > 1 else left[0]

        return self.serve(answer)

    def start(self, server, *args):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LATHE_")}
        return subprocess.Popen([program("lathe"), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**environment, "LC_ALL": "C.UTF-8", **server.environment()})

    def lathe(self, server, *args, code=0):
        proc = self.start(server, *args)
        shown, errors = proc.communicate(timeout=WAIT_S)
        self.assertEqual(proc.returncode, code, (args, shown, errors))
        self.assertNotIn("Sanitizer", errors)
        return shown, errors


class WaitTest(ScriptedCase):
    def test_a_night_is_waited_for_and_exits_as_it_does(self):
        for name, code in (("slower_stage", 5), ("quiet", 0), ("device_failed", 6), ("faster", 0), ("first_night", 0), ("cancelled", 1)):
            run = night(name)
            server = self.play((200, under_way(run)), (200, run), run=run)
            shown, errors = self.lathe(server, *START, code=code)
            expected = pathlib.Path(__file__).resolve().parents[1] / "cases" / "nightly" / name / "expected.txt"
            self.assertEqual(shown, expected.read_text())
            self.assertIn("pi4/xnnpack-f32-t1-b1: measuring 120 of 480 rows, 25%, 8 min 30 s left\n", errors)
            self.assertIn(f"pi4/xnnpack-f32-t1-b1: {run['targets'][0]['state']}\n", errors)

    def test_what_is_asked_for_is_asked_of_the_server(self):
        server = self.play((200, RUN))
        self.lathe(server, *START, "--config", "xnnpack-int8-t1-b1", "--devices", "pi4,jetson", "--resolutions", "160,224", "--budget", "20m",
                   "--baseline", "run-a", "--min-effect", "3%", "--fdr", "0.01", "--confirmations", "2", "--patience", "5m", "--label", "4f2c9d1", code=5)
        [post] = server.asked("POST", "/v1/runs")
        self.assertEqual(post.body, {"devices": ["pi4", "jetson"], "config": ["xnnpack-f32-t1-b1", "xnnpack-int8-t1-b1"], "space": "ofa-mbv3-w1.2",
                                     "resolutions": [160, 224], "budget_s": 1200, "baseline": "run-a", "min_effect": 0.03, "fdr": 0.01,
                                     "confirmations": 2, "patience_s": 300, "label": "4f2c9d1"})
        plain = self.play((200, RUN))
        self.lathe(plain, *START, code=5)
        self.assertEqual(plain.asked("POST")[0].body, {"devices": "all", "config": ["xnnpack-f32-t1-b1"], "space": "ofa-mbv3-w1.2"})

    def test_reports_are_written_when_it_ends(self):
        server = self.play((200, under_way(RUN)), (200, RUN))
        with tempfile.TemporaryDirectory() as folder:
            junit, document = pathlib.Path(folder, "n.xml"), pathlib.Path(folder, "n.json")
            shown, _ = self.lathe(server, *START, "--junit", str(junit), "--json", str(document), "--markdown", "-", code=5)
            self.assertIn("<testsuites", junit.read_text())
            self.assertEqual(json.loads(document.read_text()), RUN)
            self.assertTrue(shown.startswith("## Lathe: "))

    def test_nothing_is_started_whose_report_has_no_place(self):
        server = self.play((200, RUN))
        self.lathe(server, *START, "--junit", "/nowhere/n.xml", code=2)
        self.assertEqual(server.calls, [])

    def test_a_server_that_is_away_for_a_while_is_waited_for(self):
        away = (503, {"title": "Unavailable", "status": 503, "detail": "away"})
        server = self.play((200, under_way(RUN)), BREAK_OFF, away, (200, RUN))
        _, errors = self.lathe(server, *START, code=5)
        self.assertIn("can't reach", errors)
        self.assertEqual(len(server.asked("GET", PATH)), 4)

    def test_patience_ends(self):
        server = self.play(BREAK_OFF)
        _, errors = self.lathe(server, *START, "--patience", "1s", code=1)
        self.assertIn(f"lathe nightly show {RUN['id']} --wait", errors)
        self.assertGreater(len(server.asked("GET")), 1)

    def test_a_start_whose_answer_is_lost_is_repeated_under_one_key(self):
        lost = [BREAK_OFF, (201, under_way(RUN))]
        server = self.serve(lambda call: lost.pop(0) if call.method == "POST" else (200, RUN))
        self.lathe(server, *START, code=5)
        keys = [c.headers["Idempotency-Key"] for c in server.asked("POST")]
        self.assertEqual(len(keys), 2)
        self.assertEqual(len(set(keys)), 1)
        self.assertGreaterEqual(len(keys[0]), 32)
        other = self.play((200, RUN))
        self.lathe(other, *START, code=5)
        self.assertNotEqual(other.asked("POST")[0].headers["Idempotency-Key"], keys[0])

    def test_an_interrupted_wait_leaves_the_run_going_and_says_how_to_go_on(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            server = self.play((200, under_way(RUN)))
            proc = self.start(server, *START)
            wait_for("a look at the run", lambda: server.asked("GET", PATH))
            proc.send_signal(number)
            shown, errors = proc.communicate(timeout=WAIT_S)
            self.assertEqual((proc.returncode, shown), (code, ""))
            self.assertIn("goes on without you", errors)
            self.assertIn(f"lathe nightly cancel {RUN['id']}", errors)
            self.assertEqual(server.asked("DELETE"), [])

    def test_an_interrupted_wait_cancels_the_run_where_that_is_wanted(self):
        server = self.play((200, under_way(RUN)))
        proc = self.start(server, *START, "--cancel-on-interrupt")
        wait_for("a look at the run", lambda: server.asked("GET", PATH))
        proc.send_signal(signal.SIGTERM)
        _, errors = proc.communicate(timeout=WAIT_S)
        self.assertEqual(proc.returncode, 143)
        self.assertIn("cancelled run", errors)
        self.assertEqual(len(server.asked("DELETE", PATH)), 1)

    def test_a_server_that_is_away_does_not_hold_an_interrupt_up(self):
        away = threading.Event()

        def answer(call):
            if call.method == "POST":
                return 201, under_way(RUN)
            away.set()
            return BREAK_OFF

        server = self.serve(answer)
        proc = self.start(server, *START)
        self.assertTrue(away.wait(WAIT_S))
        wait_for("word of it", lambda: "trying for 600 s" in proc.stderr.readline())
        proc.send_signal(signal.SIGINT)
        _, errors = proc.communicate(timeout=WAIT_S)
        self.assertEqual(proc.returncode, 130, errors)

    def test_without_waiting_the_id_is_all_that_is_printed(self):
        server = self.play((200, RUN))
        shown, errors = self.lathe(server, *START, "--no-wait")
        self.assertEqual((shown, errors), (RUN["id"] + "\n", ""))
        shown, _ = self.lathe(server, *START, "--no-wait", "--json", "-")
        self.assertEqual(json.loads(shown)["id"], RUN["id"])
        self.assertEqual(server.asked("GET"), [])

    def test_a_night_that_was_left_is_waited_for_again(self):
        server = self.play((200, under_way(RUN)), (200, RUN))
        shown, _ = self.lathe(server, "nightly", "show", RUN["id"], "--wait", code=5)
        self.assertIn("SLOWER  stage 3", shown)
        shown, _ = self.lathe(server, "nightly", "show", RUN["id"])
        self.assertIn("SLOWER  stage 3", shown)

    def test_a_refusal_is_told_at_once(self):
        server = self.serve(lambda call: (404, {"title": "Not found", "status": 404, "detail": "no space ofa-mbv3-w1.2"}))
        _, errors = self.lathe(server, *START, code=3)
        self.assertIn("no space", errors)
        self.assertEqual(len(server.calls), 1)


class VerbsTest(ScriptedCase):
    def test_accepting_names_the_targets_that_were_chosen(self):
        run = night("quiet")
        accepted = {**run, "targets": [{**t, "accepted": t["device"] == "jetson"} for t in run["targets"]]}
        server = self.serve(lambda call: (200, accepted if call.method == "POST" else run))
        shown, _ = self.lathe(server, "nightly", "accept", run["id"], "--device", "jetson", "--note", "kernel 6.6")
        [post] = server.asked("POST", f"/v1/runs/{run['id']}/accept")
        self.assertEqual(post.body, {"note": "kernel 6.6", "targets": [{"device": "jetson", "config": "xnnpack-f32-t1-b1"}]})
        self.assertEqual(shown, f"jetson/xnnpack-f32-t1-b1 is compared with run {run['id']} from now on\n")
        self.lathe(server, "nightly", "accept", run["id"])
        self.assertEqual(server.asked("POST")[-1].body, {})
        self.lathe(server, "nightly", "accept", run["id"], "--device", "nobody", code=3)

    def test_nights_are_listed_by_what_is_asked(self):
        server = self.serve(lambda call: (200, {"items": [RUN], "next": None}))
        shown, _ = self.lathe(server, "nightly", "list", "--device", "pi4", "--limit", "5")
        self.assertEqual(server.calls[0].path, "/v1/runs?limit=5&device=pi4")
        self.assertRegex(shown, rf"{RUN['id']} +done +regression .* 3 +0 +1 +0 +- +4f2c9d1\n")
        self.assertEqual(json.loads(self.lathe(server, "nightly", "list", "--json")[0])["items"], [RUN])

    def test_a_history_marks_where_it_changed(self):
        layer = "conv2d in=224x224x3 out=112x112x16 k=3 s=2"
        levels = [2.0, 2.01, 1.99, 2.11, 2.1, 2.12]
        nights = [{"run": f"run-{i}", "at": f"2026-11-{20 + i}T02:00:00.000Z", "version": 2147483648 + i, "accepted": i == 0, "outcome": "unchanged",
                   "fingerprint_changed": i == 3, "latency_ms": ms, "range_ms": [ms - 0.01, ms + 0.01], "count": 36} for i, ms in enumerate(levels)]
        document = {"device": "pi4", "config": "x-f32-t1-b1", "nights": nights, "changes": [{"run": "run-3", "at": nights[3]["at"], "index": 3, "ratio": 1.055, "p": 1e-5}]}
        server = self.serve(lambda call: (200, document))
        shown, _ = self.lathe(server, "nightly", "history", "pi4/x-f32-t1-b1", layer)
        self.assertIn("/v1/tables/pi4/x-f32-t1-b1/nights?layer=conv2d%20in%3D224x224x3", server.calls[0].path)
        self.assertEqual(shown.splitlines()[0], "\u2582\u2582\u2581|\u2587\u2587\u2588  1.9900 to 2.1200 ms")
        [changed] = [line for line in shown.splitlines() if "from here on" in line]
        self.assertRegex(changed, r"^2026-11-23 02:00 +2\.1100  2\.1000 to 2\.1200 +36  run-3  \+5\.5% from here on, p = 1e-05; fingerprint differs$")
        self.assertIn("accepted", shown.splitlines()[3])
        cut, _ = self.lathe(server, "nightly", "history", "pi4/x-f32-t1-b1", "--limit", "2")
        self.assertEqual(len(cut.splitlines()), 5)
        self.assertIn("run-5", cut)
        self.assertNotIn("run-3", cut)

    def test_a_run_is_cancelled(self):
        server = self.serve(lambda call: (200, night("cancelled")))
        self.assertIn("cancelled run run-a", self.lathe(server, "nightly", "cancel", "run-a")[0])
        self.assertEqual(len(server.asked("DELETE", "/v1/runs/run-a")), 1)


if __name__ == "__main__":
    unittest.main()
