# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A space that even a sanitized runner measures in seconds. Each stage has one block, so that every network has as many
layers as there are slots, and the samples of a slot's rows add up to one for each run of each visit."""
import collections
import json
import pathlib
import re

from lathe_service import wait_for

CONFIG = "xnnpack-f32-t1-b1"
SLOTS = 8
CHOICES = 6  # of a block
SPACE = json.loads(pathlib.Path(__file__).with_name("small_space.json").read_text(encoding="utf-8"))
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
