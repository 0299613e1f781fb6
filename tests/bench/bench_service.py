#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What a server takes over HTTP: results of visits, searches, and tables of 100,000 rows. LATHE_BIN names the folder of the programs.

Results are those of a whole profile of ofa-mbv3-w1.2 at 160 whose times are made up here: what is measured is the server,
from the request to the commit on disk."""
import concurrent.futures
import itertools
import os
import pathlib
import statistics
import sys
import time
import unittest
from random import Random

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


def bench_large_table(server, rows=100000):
    """A table of 100,000 rows with measured figures (17 digits each): in, out, and what a page asks of it."""
    random = Random(1)
    path = "/v1/tables/large/made-f32-t1-b1"
    lines = ["layer,count,mean_ms,trimmed_ms,std_ms,min_ms,p50_ms,p90_ms,contexts,ci_ms"]
    layers = (f"mbconv in=20x20x{c} out=20x20x{c} mid={8 * mid} k={k} s=1 act=relu @{resolution}"
              for resolution in (160, 192, 224) for c in range(8, 808, 8) for k in (3, 5, 7) for mid in range(8, 120))
    for layer in itertools.islice(layers, rows):
        ms = 0.1 + 10 * random.random()
        figures = ",".join(repr(ms * (1 + 0.1 * random.random())) for _ in range(5))
        lines.append(f"{layer},{random.randint(12, 300)},{ms!r},{figures},{random.randint(3, 9)},{ms * 0.01 * random.random()!r}")
    text = "\n".join(lines).encode()
    start = time.monotonic()
    server.ok("POST", path + "/entries", text, ctype="text/csv")
    print(f"table_100k_import_csv {time.monotonic() - start:.2f} s, {len(text) / 1e6:.0f} MB")
    asks = {"export_csv": ("/entries", "text/csv"), "export_ofa_yaml": ("/entries", "application/yaml"),
            "page_100": ("/entries?limit=100", None), "page_10000": ("/entries?limit=10000", None),
            "page_100_by_latency": ("/entries?limit=100&sort=-latency_ms", None), "doubts": ("/doubts?limit=100", None)}
    for name, (query, accept) in asks.items():
        times = []
        for _ in range(5):
            start = time.monotonic()
            server.ok("GET", path + query, accept=accept or "application/json")
            times.append(time.monotonic() - start)
        print(f"table_100k_{name} median {statistics.median(times):.3f} s")


def main():
    with Server(described=False) as server:
        server.ok("POST", "/v1/devices", {"name": "d", "transport": {"type": "local"}})
        for batch in (1, 10):
            server.call("DELETE", f"/v1/tables/d/{CONFIG}")
            server.ok("POST", "/v1/profiles", {"device": "d", "config": CONFIG, "space": SPACE, "resolutions": [160]})
            visits, rows, seconds = work_off(server, batch)
            print(f"results_{batch}_a_request {visits / seconds:.0f} visits/s, {rows / seconds:.0f} rows/s")
        bench_searches(server)
        bench_large_table(server)
        start = time.monotonic()
        for _ in range(500):
            server.ok("GET", "/healthz")
        print(f"healthz_1_client {500 / (time.monotonic() - start):.0f} requests/s")


if __name__ == "__main__":
    root = pathlib.Path(__file__).resolve().parents[2]
    os.environ.setdefault("LATHE_TEST_DATA", str(root.parent / "shared" / "data"))
    os.environ.setdefault("LATHE_BIN", str(root / "build" / "bench" / "bin"))
    main()
