# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A runner on a device that is made up: layers take what their shapes say, and around that it follows a script: it gets
throttled for a while, or starts hot and cools down. What it was asked is written to a file.

    scripted_runner.py LOG {"throttled": [from_s, to_s], "hot_c": 60, "cools_c_a_s": 20}

With "noise": 0.004 times scatter by that share. With "slow": FILE, layers with a middle (mbconv) take as many times as
long as the file says, while it is there."""
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "agents" / "runner" / "external" / "pytorch"))
import lathe_serve  # noqa: E402


def truth_ns(layer):
    """What a layer takes on this device when nothing is wrong."""
    return 20000 + layer.out_h * layer.out_w * layer.out_c * (layer.mid or layer.in_c) // 400


class Network:
    def __init__(self, backend, layers):
        self.backend, self.layers = backend, layers

    def set_up(self):
        pass

    def run(self, per_layer):
        slow = self.backend.throttled()
        # Throttling is no common factor: what is bound by memory suffers less.
        times = [round(truth_ns(l) * ((1.3 if l.mid else 2.2) if slow else 1) * self.backend.factor(l)) for l in self.layers]
        time.sleep(0.004)
        self.backend.note("slow" if slow else "run")
        return lathe_serve.Sample(sum(times), [(t, t, 0) for t in times] if per_layer else ())

    def output(self):
        last = self.layers[-1]
        return bytes(4 * last.out_h * last.out_w * last.out_c)


class Scripted(lathe_serve.Backend):
    name = "scripted"

    def __init__(self, log, script):
        self.log, self.script, self.start, self.first_run = log, script, time.monotonic(), None
        self.random = random.Random(1)

    def note(self, what):
        if self.first_run is None:
            self.first_run = time.monotonic()
        with open(self.log, "a", encoding="utf-8") as f:
            f.write(f"{what} {self.celsius():.1f}\n")

    def throttled(self):
        if self.first_run is None or "throttled" not in self.script:
            return False
        at = time.monotonic() - self.first_run
        return self.script["throttled"][0] <= at < self.script["throttled"][1]

    def factor(self, layer):
        slow = pathlib.Path(self.script["slow"]) if layer.mid and "slow" in self.script else None
        scatter = self.random.gauss(0, self.script.get("noise", 0))
        return (float(slow.read_text()) if slow and slow.exists() else 1) * (1 + scatter)

    def celsius(self):
        hot, rate = self.script.get("hot_c", 30), self.script.get("cools_c_a_s", 0)
        return max(hot - rate * (time.monotonic() - self.start), 30)

    def state(self):
        return {"temperature_c": self.celsius(), "khz": 1000000}

    def open(self, dtype, threads, batch):
        pass

    def fingerprint(self):
        return [("runtime", "scripted 1")]

    def memory_bytes(self):
        return 1 << 30

    def make_op(self, layer, weights):
        return layer

    def make_network(self, ops, first, data):
        return Network(self, ops)

    def close(self):
        pass


if __name__ == "__main__":
    sys.exit(lathe_serve.main(Scripted(sys.argv[1], json.loads(sys.argv[2])), "scripted-runner 1"))
