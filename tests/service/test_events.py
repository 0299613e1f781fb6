# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Server-sent events: what is told, to whom, and what becomes of clients that go, come back or don't read."""
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from event_stream import EventStream
from lathe_service import WAIT_S, Server, wait_for
from small_space import CONFIG, SPACE, prepare, start_profile

LOCAL = {"type": "local"}
CSV = b"layer,mean_ms,count\nlinear in=1x1x64 out=1x1x10,0.5,3\n"


def big_space(number, size=200000):
    return {**SPACE, "id": f"big{number}", "source": "x" * size}


def place_of(event_id):
    return int(event_id.split("-")[1])


class EventsTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def listen(self, query="", **kw):
        stream = EventStream(self.server, query, **kw)
        self.addCleanup(stream.close)
        return stream

    def add_device(self, name="d"):
        return self.server.ok("POST", "/v1/devices", {"name": name, "transport": LOCAL})

    # ---- what is told ----

    def test_a_stream_begins_with_its_place_and_how_soon_to_come_back(self):
        stream = self.listen()
        self.assertEqual((stream.status, stream.headers["Content-Type"]), (200, "text/event-stream"))
        self.assertEqual(stream.headers["Cache-Control"], "no-store")
        self.assertIsNone(stream.first)
        self.assertEqual(stream.retry_ms, 2000)
        self.assertRegex(stream.last_id, r"^[0-9a-f]{16}-\d+$")

    def test_a_resource_is_told_as_get_gives_it_until_it_is_removed(self):
        stream = self.listen("?topics=device")
        self.add_device()
        event = stream.of("device", "d")
        self.assertEqual(event.data, {"action": "changed", "id": "d", "resource": self.server.ok("GET", "/v1/devices/d")})
        self.server.ok("PATCH", "/v1/devices/d", {"agent": "lab"})
        self.assertEqual(stream.of("device", "d").data["resource"]["agent"], "lab")
        self.server.ok("DELETE", "/v1/devices/d")
        event = stream.of("device", "d", "removed")
        self.assertIsNone(event.data["resource"])

    def test_agents_are_told_when_they_are_first_heard_of_and_when_they_see_something_else(self):
        stream = self.listen("?topics=agent")
        token = self.server.new_token("agent", "lab")
        self.server.ok("POST", "/v1/agents/lab/leases", {}, token=token)
        resource = stream.of("agent", "lab").data["resource"]
        self.assertEqual((resource["online"], resource["sees"]), (True, None))
        self.server.ok("PUT", "/v1/agents/lab/sees", {"serial": [], "ssh": ["pi4"]}, token=token)
        resource = stream.of("agent", "lab").data["resource"]
        self.assertEqual(resource, self.server.ok("GET", "/v1/agents")["items"][0])
        self.assertEqual(resource["sees"], {"serial": [], "ssh": ["pi4"]})

    def test_ids_grow_by_one(self):
        stream = self.listen()
        numbers = [int(stream.last_id.split("-")[1])]
        for i in range(5):
            self.add_device(f"d{i}")
            numbers.append(int(stream.of("device", f"d{i}").id.split("-")[1]))
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 6)))

    def test_all_kinds_of_resources_are_told(self):
        stream = self.listen()
        prepare(self.server)
        self.assertEqual(stream.of("space", "small").data["resource"], self.server.ok("GET", "/v1/spaces/small"))
        job = start_profile(self.server)
        self.assertEqual(stream.of("profile", job["id"]).data["resource"], self.server.ok("GET", f"/v1/profiles/{job['id']}"))
        self.server.ok("DELETE", f"/v1/profiles/{job['id']}")
        self.assertEqual(stream.of("profile", job["id"]).data["resource"]["state"], "cancelled")
        subnet = {"space": "small", "resolution": 48, "depth": [1, 1, 1], "kernel": [3, 3, 3], "expand": [3, 3, 3]}
        job = self.server.ok("POST", "/v1/measurements", {"device": "here", "config": CONFIG, "subnet": subnet})
        self.assertEqual(stream.of("measurement", job["id"]).data["resource"], self.server.ok("GET", f"/v1/measurements/{job['id']}"))
        job = self.server.ok("POST", "/v1/devices/here/clean")
        self.assertEqual(stream.of("clean", job["id"]).data["resource"], self.server.ok("GET", f"/v1/cleans/{job['id']}"))
        self.server.ok("POST", f"/v1/tables/here/{CONFIG}/entries", CSV, ctype="text/csv")
        table = f"here/{CONFIG}"
        self.assertEqual(stream.of("table", table).data["resource"], self.server.ok("GET", "/v1/tables/" + table))
        self.server.ok("DELETE", "/v1/tables/" + table)
        stream.of("table", table, "removed")
        weights = next(pathlib.Path(os.environ["LATHE_BIN"], "../share/lathe/predictors").glob("*.safetensors")).read_bytes()
        self.server.ok("PUT", "/v1/predictors/mine", weights, ctype="application/octet-stream")
        self.assertEqual(stream.of("predictor", "mine").data["resource"], self.server.ok("GET", "/v1/predictors/mine"))
        self.server.ok("DELETE", "/v1/predictors/mine")
        stream.of("predictor", "mine", "removed")

    def test_what_goes_with_a_device_is_told_too(self):
        for config in ("one-f32-t1-b1", "two-f32-t1-b1"):
            self.server.ok("POST", f"/v1/tables/d/{config}/entries", CSV, ctype="text/csv")
        stream = self.listen()
        self.server.ok("DELETE", "/v1/devices/d?with_tables=true")
        self.add_device("last")
        stream.of("device", "last")
        gone = {(e.kind, e.data["id"]) for e in stream.skipped if e.data["action"] == "removed"}
        self.assertEqual(gone, {("device", "d"), ("table", "d/one-f32-t1-b1"), ("table", "d/two-f32-t1-b1")})

    def test_a_device_is_told_to_be_online_busy_and_online_again(self):
        prepare(self.server)
        token = self.server.new_token("agent", "lab")
        stream = self.listen("?topics=device")
        state = lambda wanted: stream.until(lambda e: e.data["id"] == "here" and e.data["resource"]["state"] == wanted).data["resource"]
        self.assertEqual(self.server.call("POST", "/v1/agents/lab/leases?wait_s=0", {}, token=token)[0], 204)
        self.assertIsNotNone(state("online")["last_seen"])
        start_profile(self.server)
        lease = self.server.call("POST", "/v1/agents/lab/leases?wait_s=0", {}, token=token)[2]
        state("busy")
        self.server.call("POST", f"/v1/leases/{lease['id']}/release", {"fence": lease["fence"]}, token=token)
        state("online")

    def test_when_a_device_was_last_heard_of_is_told_too(self):
        self.add_device("here")
        token = self.server.new_token("agent", "lab")
        stream = self.listen("?topics=device")
        done = threading.Event()

        def ask_on():
            while not done.wait(0.2):
                self.server.call("POST", "/v1/agents/lab/leases?wait_s=0", {}, token=token)

        asking = threading.Thread(target=ask_on)
        asking.start()
        try:
            first = stream.until(lambda e: e.data["resource"]["state"] == "online").data["resource"]["last_seen"]
            stream.until(lambda e: e.data["resource"]["last_seen"] > first)
        finally:
            done.set()
            asking.join()

    def test_only_the_topics_that_are_asked_for_come(self):
        stream = self.listen("?topics=space,table")
        self.add_device()
        self.server.ok("PUT", "/v1/spaces/small", SPACE)
        self.assertEqual(stream.next().kind, "space")
        for topics in ("devices", "", "device,", "device,,space", "device%20"):
            status, _, problem = self.server.call("GET", "/v1/events?topics=" + topics, accept="text/event-stream")
            self.assertEqual((status, problem["field"]), (400, "topics"), topics)

    # ---- to whom ----

    def test_everyone_who_is_signed_in_may_listen(self):
        for role in ("user", "agent"):
            self.assertEqual(self.listen(token=self.server.new_token(role, role)).status, 200)
        self.assertEqual(self.listen(token="", headers={"Cookie": "lathe_session=" + self.server.token}).status, 200)
        self.assertEqual(self.listen(token="").status, 401)
        self.assertEqual(self.server.call("GET", "/v1/events")[0], 406)
        self.assertEqual(self.server.call("HEAD", "/v1/events", accept="text/event-stream")[:1], (200,))

    def test_a_revoked_token_hears_nothing_any_more(self):
        stream = self.listen(token=self.server.new_token("user", "leaving"))
        other = self.listen(token=self.server.new_token("user", "staying"))
        self.server.ok("DELETE", "/v1/tokens/leaving")
        self.assertIsNone(stream.next())
        self.add_device()
        other.of("device", "d")

    # ---- coming back ----

    def test_who_comes_back_is_sent_what_it_missed(self):
        stream = self.listen()
        self.add_device("one")
        place = stream.of("device", "one").id
        stream.close()
        self.add_device("two")
        self.server.ok("PUT", "/v1/spaces/small", SPACE)
        self.add_device("three")
        for query, headers in (("", {"Last-Event-ID": place}), ("?last_event_id=" + place, {}),
                               ("?last_event_id=nonsense", {"Last-Event-ID": place})):
            again = self.listen(query, headers=headers)
            self.assertIsNone(again.first)
            self.assertEqual([again.next().data["id"] for _ in range(3)], ["two", "small", "three"])
        filtered = self.listen("?topics=device", headers={"Last-Event-ID": place})
        self.assertEqual([filtered.next().data["id"] for _ in range(2)], ["two", "three"])

    def test_who_was_told_nothing_yet_misses_nothing_either(self):
        stream = self.listen()
        place = stream.last_id
        stream.close()
        self.add_device()
        self.assertEqual(self.listen(headers={"Last-Event-ID": place}).next().data["id"], "d")

    def test_what_is_not_known_any_more_is_a_reset(self):
        stream = self.listen()
        boot, number = stream.last_id.split("-")
        for place in ("x", boot, f"{boot}-", f"{boot}-x", f"{boot}-{int(number) + 1}", f"{'0' * 16}-{number}", "-1", "9" * 400):
            again = self.listen(headers={"Last-Event-ID": place})
            self.assertEqual((again.first.kind, again.first.data), ("reset", {}), place)
            self.assertEqual(again.last_id, stream.last_id)
        self.add_device()
        self.assertEqual(again.next().data["id"], "d")

    def test_after_a_kill_the_clients_come_back_and_start_anew(self):
        stream = self.listen()
        self.add_device("before")
        place = stream.of("device", "before").id
        self.server.kill()
        self.assertIsNone(stream.next())
        self.server.start()
        again = self.listen(headers={"Last-Event-ID": place})
        self.assertEqual(again.first.kind, "reset")
        self.assertNotEqual(again.last_id.split("-")[0], place.split("-")[0])
        self.add_device("after")
        again.of("device", "after")

    def test_who_is_away_for_too_long_starts_anew(self):
        place = self.listen().last_id
        for i in range(90):
            self.server.ok("PUT", f"/v1/spaces/big{i}", big_space(i))
        wait_for("the oldest events are forgotten",
                 lambda: (again := self.listen(headers={"Last-Event-ID": place})).first and again.first.kind == "reset")

    def test_a_comment_comes_when_nothing_happens_and_keeps_the_place_fresh(self):
        stream, other = self.listen("?topics=table"), self.listen()
        self.add_device()
        other.of("device", "d")
        seen = place_of(other.last_id)
        self.assertLess(place_of(stream.last_id), seen)
        while stream.open and not (stream.comments and place_of(stream.last_id) >= seen):
            stream._block()
        self.assertTrue(stream.open)

    # ---- many, and slow ones ----

    def test_two_hundred_listen_at_once(self):
        streams = [self.listen() for _ in range(200)]
        for i in range(3):
            self.add_device(f"d{i}")
        for stream in streams:
            self.assertEqual([stream.next().data["id"] for _ in range(3)], ["d0", "d1", "d2"])
        self.assertEqual(self.server.call("GET", "/v1/devices")[0], 200)
        started = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - started, 20)
        for stream in streams:
            self.assertIsNone(stream.next())

    def test_a_client_that_does_not_read_is_cut_and_holds_up_nobody(self):
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.settimeout(WAIT_S)
            deaf.connect(("127.0.0.1", self.server.port))
            deaf.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + self.server.token.encode() + b"\r\n\r\n")
            self.assertIn(b" 200 ", deaf.recv(1000))
            reader = self.listen()
            for i in range(100):
                self.server.ok("PUT", f"/v1/spaces/big{i}", big_space(i))
                reader.of("space", f"big{i}")
            read = 0
            try:
                while chunk := deaf.recv(1 << 16):
                    read += len(chunk)
            except ConnectionError:
                pass
            self.assertLess(read, 10 << 20)  # of 20 MB that there were

    def test_clients_that_go_are_forgotten(self):
        files = pathlib.Path(f"/proc/{self.server.process.proc.pid}/fd")
        before = len(list(files.iterdir()))
        for stream in [EventStream(self.server) for _ in range(50)]:
            stream.close()

        def look():
            self.add_device("d")
            self.server.ok("DELETE", "/v1/devices/d")
            return len(list(files.iterdir())) <= before + 5

        wait_for("their connections are closed", look)

    def test_stopping_ends_streams_even_of_those_who_do_not_read(self):
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", self.server.port))
            deaf.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + self.server.token.encode() + b"\r\n\r\n")
            stream = self.listen()
            for i in range(30):
                self.server.ok("PUT", f"/v1/spaces/big{i}", big_space(i))
            started = time.monotonic()
            self.assertEqual(self.server.stop(), 0)
            self.assertLess(time.monotonic() - started, 20)
            while stream.next():
                pass


class SecureEventsTest(unittest.TestCase):
    def test_streams_go_over_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=WAIT_S)
            with Server("--tls-cert", cert, "--tls-key", key) as server:
                streams = [EventStream(server, ca=cert) for _ in range(5)]
                for i in range(3):
                    server.call("PUT", f"/v1/spaces/big{i}", big_space(i), ca=cert)
                    for stream in streams:
                        self.assertEqual(len(stream.of("space", f"big{i}").data["resource"]["document"]["source"]), 200000)
                for stream in streams:
                    stream.close()


if __name__ == "__main__":
    unittest.main()
