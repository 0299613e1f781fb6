# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Idempotency-Key: what is created once however often it is asked for."""
import pathlib
import threading
import unittest

from lathe_service import Server
from small_space import CONFIG, prepare

SUBNET = {"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 3, 3], "expand": [3, 3, 3]}
MEASURE = {"device": "here", "config": CONFIG, "subnet": SUBNET}


class IdempotencyTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        prepare(self.server)

    def post(self, path, body, key, token=None, ctype="application/json", **headers):
        return self.server.call("POST", path, body, token=token, ctype=ctype, headers={"Idempotency-Key": key, **headers})

    def count(self, kind="measurements"):
        return len(self.server.ok("GET", "/v1/" + kind)["items"])

    def assert_replayed(self, first, again):
        self.assertIsNone(first[1]["Idempotency-Replayed"])
        self.assertEqual(again[1]["Idempotency-Replayed"], "true")
        self.assertEqual((again[0], again[2]), (first[0], first[2]))
        for name in ("Location", "Content-Type"):
            self.assertEqual(again[1][name], first[1][name])

    def test_the_first_answer_is_given_again_and_nothing_is_created_twice(self):
        first = self.post("/v1/measurements", MEASURE, "k1")
        self.assertEqual(first[0], 202)
        self.assertIn(first[2]["id"], first[1]["Location"])
        for _ in range(3):
            self.assert_replayed(first, self.post("/v1/measurements", MEASURE, "k1"))
        self.assertEqual(self.count(), 1)
        self.assertNotEqual(self.post("/v1/measurements", MEASURE, "k2")[2]["id"], first[2]["id"])
        self.assertNotEqual(self.server.ok("POST", "/v1/measurements", MEASURE)["id"], first[2]["id"])

    def test_it_is_so_across_a_restart_and_a_kill(self):
        first = self.post("/v1/measurements", MEASURE, "k")
        self.server.stop()
        self.server.start()
        self.assert_replayed(first, self.post("/v1/measurements", MEASURE, "k"))
        self.server.kill()
        self.server.start()
        self.assert_replayed(first, self.post("/v1/measurements", MEASURE, "k"))
        self.assertEqual(self.count(), 1)

    def test_all_that_create_heed_it(self):
        csv = b"layer,mean_ms,count\nlinear in=1x1x64 out=1x1x10,0.5,3\n"
        profile = {"device": "here", "config": CONFIG, "space": "small", "resolutions": [48]}
        cases = [
            ("/v1/devices", {"name": "d", "transport": {"type": "local"}}, "application/json"),
            ("/v1/tokens", {"role": "user", "name": "t"}, "application/json"),
            ("/v1/profiles", profile, "application/json"),
            ("/v1/measurements", MEASURE, "application/json"),
            ("/v1/devices/here/clean", None, "application/json"),
            ("/v1/tables/d/x-f32-t1-b1/entries", csv, "text/csv"),
        ]
        for i, (path, body, ctype) in enumerate(cases):
            first = self.post(path, body, f"key-{i}", ctype=ctype)
            self.assertLess(first[0], 300, (path, first[2]))
            self.assert_replayed(first, self.post(path, body, f"key-{i}", ctype=ctype))

    def test_a_key_is_for_one_request(self):
        self.post("/v1/measurements", MEASURE, "k")
        others = [("/v1/measurements", {**MEASURE, "runs": 2}), ("/v1/measurements?x=1", MEASURE), ("/v1/profiles", MEASURE)]
        for path, body in others:
            status, _, problem = self.post(path, body, "k")
            self.assertEqual((status, problem["field"]), (422, "Idempotency-Key"), path)
        self.assertEqual(self.count(), 1)

    def test_keys_of_others_are_others(self):
        user = self.server.new_token("user", "u")
        mine = self.post("/v1/measurements", MEASURE, "k")[2]["id"]
        status, headers, job = self.post("/v1/measurements", MEASURE, "k", token=user)
        self.assertEqual((status, headers["Idempotency-Replayed"]), (202, None))
        self.assertNotEqual(job["id"], mine)

    def test_the_cookie_of_a_token_is_the_same_caller(self):
        first = self.post("/v1/measurements", MEASURE, "k")
        again = self.post("/v1/measurements", MEASURE, "k", token="", Cookie="lathe_session=" + self.server.token,
                          Origin=f"http://127.0.0.1:{self.server.port}")
        self.assert_replayed(first, again)

    def test_what_was_refused_may_be_sent_again_as_it_is_or_corrected(self):
        wanted = {"name": "d", "transport": {"type": "ssh"}}
        for _ in range(2):
            status, headers, problem = self.post("/v1/devices", wanted, "k")
            self.assertEqual((status, problem["field"], headers["Idempotency-Replayed"]), (400, "transport.destination", None))
        wanted["transport"]["destination"] = "pi4"
        self.assertEqual(self.post("/v1/devices", wanted, "k")[0], 201)

    def test_at_most_one_of_many_at_once_creates(self):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.post("/v1/measurements", MEASURE, "k"))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.count(), 1)
        self.assertEqual({status for status, _, _ in answers} - {202, 409}, set())
        self.assertEqual(len({body["id"] for status, _, body in answers if status == 202}), 1)

    def test_a_request_under_way_is_a_conflict_until_it_is_answered(self):
        waiting = []
        thread = threading.Thread(target=lambda: waiting.append(self.post("/v1/measurements", MEASURE, "k", Prefer="wait=60")))
        thread.start()
        self.addCleanup(thread.join)
        while not self.server.ok("GET", "/v1/measurements")["items"]:
            pass
        status, _, problem = self.post("/v1/measurements", MEASURE, "k", Prefer="wait=60")
        self.assertEqual((status, problem["field"]), (409, "Idempotency-Key"))
        self.assertEqual(self.post("/v1/measurements", {**MEASURE, "runs": 2}, "k")[0], 422)
        job = self.server.ok("GET", "/v1/measurements")["items"][0]
        self.server.ok("DELETE", f"/v1/measurements/{job['id']}")
        thread.join()
        self.assertEqual((waiting[0][0], waiting[0][2]["state"]), (200, "cancelled"))
        self.assert_replayed(waiting[0], self.post("/v1/measurements", MEASURE, "k"))

    def test_what_a_kill_interrupted_is_not_done_again_unasked(self):
        thread = threading.Thread(target=self.interrupted)
        thread.start()
        while not self.server.ok("GET", "/v1/measurements")["items"]:
            pass
        self.server.kill()
        thread.join()
        self.server.start()
        status, _, problem = self.post("/v1/measurements", MEASURE, "k")
        self.assertEqual((status, problem["field"]), (409, "Idempotency-Key"))
        self.assertIn("another key", problem["detail"])
        self.assertEqual(self.count(), 1)
        self.assertEqual(self.post("/v1/measurements", MEASURE, "k2")[0], 202)

    def interrupted(self):
        with self.assertRaises(OSError):
            self.post("/v1/measurements", MEASURE, "k", Prefer="wait=60")

    def test_keys_that_are_none_are_refused(self):
        for key in ("", "a b", "x" * 256, "\u00e4"):
            status, _, problem = self.post("/v1/measurements", MEASURE, key)
            self.assertEqual((status, problem["field"]), (400, "Idempotency-Key"), key)
        self.assertEqual(self.post("/v1/measurements", MEASURE, "x" * 255)[0], 202)

    def test_a_new_tokens_answer_is_kept_but_its_secret_is_not_in_the_store(self):
        first = self.post("/v1/tokens", {"role": "user", "name": "t"}, "k")
        self.assert_replayed(first, self.post("/v1/tokens", {"role": "user", "name": "t"}, "k"))
        for path in pathlib.Path(self.server.data).iterdir():
            self.assertNotIn(first[2]["token"].encode(), path.read_bytes(), path.name)


if __name__ == "__main__":
    unittest.main()
