# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A space that even a sanitized runner measures in seconds. Each stage has one block, so that every network has as many
layers as there are slots, and the samples of a slot's rows add up to one for each run of each visit."""
import collections
import re

from lathe_service import wait_for

CONFIG = "xnnpack-f32-t1-b1"
SLOTS = 8
CHOICES = 6  # of a block
SPACE = {
    "id": "small", "title": "small", "source": "made for tests", "family": "inverted_residual", "width": 1.0,
    "resolutions": [48, 64], "kernel": [3, 5], "expand": [3, 4, 6],
    "stem": {"channels": 8, "kernel": 3, "stride": 2, "activation": "hswish"},
    "first": {"channels": 8, "kernel": 3, "activation": "relu", "residual": True},
    "stages": [
        {"channels": 16, "stride": 2, "activation": "relu", "squeeze_excite": False, "depth": [1]},
        {"channels": 24, "stride": 2, "activation": "relu", "squeeze_excite": True, "depth": [1]},
        {"channels": 32, "stride": 1, "activation": "hswish", "squeeze_excite": True, "depth": [1]}],
    "head": [{"kind": "conv2d", "channels": 64, "kernel": 1, "activation": "hswish"}, {"kind": "avgpool"},
             {"kind": "linear", "features": 10}],
}
ROWS = 3 * CHOICES + SLOTS - 3


def prepare(server, device="here"):
    """Put the space and register a device."""
    server.ok("PUT", "/v1/spaces/small", SPACE)
    server.ok("POST", "/v1/devices", {"name": device, "transport": {"type": "local"}})


def start_profile(server, **changes):
    request = {"device": "here", "config": CONFIG, "space": "small", "resolutions": [48], "rounds": 4, "runs": 3}
    request.update(changes)
    return server.ok("POST", "/v1/profiles", request)


def profile(server, job):
    return server.ok("GET", f"/v1/profiles/{job['id']}")


def wait_for_state(server, job, *states):
    """Wait until a job is in one of the states; its document."""
    kind = job["kind"]

    def look():
        now = server.ok("GET", f"/v1/{kind}s/{job['id']}")
        return now if now["state"] in states else None

    return wait_for(f"{kind} {' or '.join(states)}", look, timeout=120)


def wait_for_visits(server, job, least):
    return wait_for(f"{least} visits", lambda: profile(server, job)["visits_done"] >= least, timeout=120)


def table(server, device="here", config=CONFIG):
    """Layer text -> entry of a table's newest version."""
    entries = server.ok("GET", f"/v1/tables/{device}/{config}/entries?limit=1000")["items"]
    return {entry["layer"]: entry for entry in entries}


def assert_complete(test, server, job):
    """No row of a resolution's profile is lost, and no visit's samples were counted twice or left out."""
    rows = table(server)
    test.assertEqual(len(rows), ROWS)
    slots = collections.Counter()
    for text, entry in rows.items():
        test.assertGreaterEqual(entry["contexts"], 3, text)
        test.assertGreaterEqual(entry["samples"], 3 * job["rounds"] * job["runs"], text)
        test.assertLessEqual(entry["count"], entry["samples"], text)
        # The slot: a layer's kind and shapes; choices differ in mid, k and se only.
        slots[re.sub(r" (mid|k|se)=\d+", "", text)] += entry["samples"]
    test.assertEqual(len(slots), SLOTS)
    for slot, count in slots.items():
        test.assertEqual(count, (job["visits_total"] - job["held_out"] * job["rounds"]) * job["runs"], slot)
