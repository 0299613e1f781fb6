#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What a server takes over HTTP: results of visits, and searches. LATHE_BIN names the folder of the programs.

Results are those of a whole profile of ofa-mbv3-w1.2 at 160 whose times are made up here: what is measured is the server,
from the request to the commit on disk."""
import concurrent.futures
import os
import pathlib
import statistics
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "service"))
from lathe_service import Server, test_data  # noqa: E402

SPACE, CONFIG = "ofa-mbv3-w1.2", "xnnpack-f32-t1-b1"


def visit_result(lease, visit, layers):
    n, runs = len(layers[visit["network"]]), lease["runs"]
    return {**visit, "wall_ns": [[200000] * n] * runs, "cpu_ns": [[200000] * n] * runs, "preempted": [[0] * n] * runs,
            "total_ns": [200000 * n] * runs}


def work_off(server, batch):
    """Play the agent until the profile is done. @return visits, rows of samples, seconds."""
    visits = rows = 0
    start = time.monotonic()
    while True:
        status, _, lease = server.call("POST", "/v1/agents/bench/leases?wait_s=0", {})
        if status == 204:
            return visits, rows, time.monotonic() - start
        layers = {n["network"]: n["layers"] for n in lease["networks"]}
        for at in range(0, len(lease["visits"]), batch):
            results = [visit_result(lease, v, layers) for v in lease["visits"][at:at + batch]]
            server.ok("POST", f"/v1/leases/{lease['id']}/results",
                      {"fence": lease["fence"], "fingerprint": {"cpu": "bench"}, "visits": results})
            visits += len(results)
            rows += sum(len(layers[r["network"]]) for r in results)


def timed(server, path, ask):
    start = time.monotonic()
    answer = server.ok("POST", path, ask)
    return (time.monotonic() - start) * 1e3, answer["search"]["elapsed_ms"]


def bench_searches(server):
    """Searches and fronts on OFA's published predictor and Note10 table: one client, then three at once."""
    try:
        weights = test_data("ofa/acc_predictor_mbv3_w1.2.safetensors").read_bytes()
    except unittest.SkipTest as skipped:
        print(f"searches skipped: {skipped}")
        return
    server.load_note10()
    server.call("PUT", f"/v1/predictors/ofa?space={SPACE}", weights, ctype="application/octet-stream")
    ask = {"table": "note10/tflite-f32-t1-b1", "space": SPACE, "predictor": "ofa"}
    asks = [{**ask, "seed": seed, "constraints": {"latency_ms": 15 + 5 * (seed % 6)}} for seed in range(120)]
    client, search = zip(*(timed(server, "/v1/subnets", a) for a in asks[:30]))
    print(f"subnets_1_client median {statistics.median(search):.1f} ms in the search, {statistics.median(client):.1f} ms as the client sees it")
    client, search = zip(*(timed(server, "/v1/fronts", {**ask, "points": 50, "seed": seed}) for seed in range(5)))
    print(f"fronts_1_client median {statistics.median(search):.1f} ms in the search, {statistics.median(client):.1f} ms as the client sees it")
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda a: timed(server, "/v1/subnets", a), asks))
    print(f"subnets_3_clients {len(asks) / (time.monotonic() - start):.1f} requests/s")


def main():
    with Server() as server:
        server.ok("POST", "/v1/devices", {"name": "d", "transport": {"type": "local"}})
        for batch in (1, 10):
            server.call("DELETE", f"/v1/tables/d/{CONFIG}")
            server.ok("POST", "/v1/profiles", {"device": "d", "config": CONFIG, "space": SPACE, "resolutions": [160]})
            visits, rows, seconds = work_off(server, batch)
            print(f"results_{batch}_a_request {visits / seconds:.0f} visits/s, {rows / seconds:.0f} rows/s")
        bench_searches(server)
        start = time.monotonic()
        for _ in range(500):
            server.ok("GET", "/healthz")
        print(f"healthz_1_client {500 / (time.monotonic() - start):.0f} requests/s")


if __name__ == "__main__":
    root = pathlib.Path(__file__).resolve().parents[2]
    os.environ.setdefault("LATHE_TEST_DATA", str(root.parent / "shared" / "data"))
    os.environ.setdefault("LATHE_BIN", str(root / "build" / "bench" / "bin"))
    main()
