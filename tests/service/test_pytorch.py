# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The runner for PyTorch: passes check-runner, speaks the wire protocol as the C side does, survives its library."""
import os
import pathlib
import shlex
import struct
import subprocess
import sys
import tempfile
import unittest

from check_runner_case import KINDS, PYTHON, PYTORCH, RUNNERS, WRONG, CheckCase, check, options_for
from lathe_service import Process, program
from test_agent import Peer, lease

sys.path.insert(0, str(RUNNERS))
import lathe_wire as wire  # noqa: E402

CASES = pathlib.Path(__file__).parent.parent / "cases/wire"


class Runner(CheckCase):
    def test_it_passes(self):
        self.passes(["--runtime", "pytorch"], PYTORCH)

    def test_it_passes_at_batch_64_on_two_threads(self):
        self.passes(["--runtime", "pytorch", "--batch", "64", "--threads", "2"], PYTORCH)

    def test_an_error_in_each_kind_of_layer_is_found(self):
        names = ["outputs-" + kind for kind in KINDS]
        status, checks, _ = check(["--runtime", "pytorch", *options_for(*names)], [*WRONG, "torch-kinds"])
        self.assertEqual(status, 1)
        self.assertEqual([name for name in names if checks[name][0] != "FAIL"], [])


    def test_products_in_tf32_are_found(self):
        multiplied = ["outputs-" + kind for kind in ["linear", *KINDS] if "pool" not in kind and kind != "networks"]
        status, checks, _ = check(["--runtime", "pytorch", *options_for(*multiplied)], [*WRONG, "torch-tf32"])
        self.assertEqual(status, 1)
        self.assertEqual([name for name in multiplied if checks[name][0] != "FAIL"], [])

    def test_the_path_that_a_gpu_takes_passes(self):
        checks = self.passes(["--runtime", "pytorch"], [*WRONG, "torch-gpu"])
        self.assertEqual(checks["run-layers"][0], "ok")

    def test_a_device_that_is_not_there_is_named(self):
        for device, said in (("tpu", "auto, cpu, cuda or cuda:N"), ("cuda", "sees no GPU here")):
            done = subprocess.run([*PYTORCH[:-1], device], capture_output=True, text=True, check=False,
                                  stdin=subprocess.DEVNULL)
            if device == "cuda" and done.returncode == 0:
                continue  # there is one
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(said, done.stderr)


class Agent(unittest.TestCase):
    def test_an_agent_measures_with_it(self):
        with tempfile.TemporaryDirectory() as folder:
            token, runner = os.path.join(folder, "token"), os.path.join(folder, "runner")
            pathlib.Path(token).write_text("lathe_test\n", encoding="ascii")
            pathlib.Path(runner).write_text(f"#!/bin/sh\nexec {shlex.join(PYTORCH)}\n", encoding="ascii")
            os.chmod(runner, 0o700)
            peer = Peer()
            self.addCleanup(peer.close)
            peer.leases.put(lease(config="pytorch-f32-t1-b2"))
            agent = Process([program("lathe-agent"), "--server", peer.url, "--name", "lab", "--token-file", token,
                             "--runner", runner, "--once"])
            self.addCleanup(agent.kill)
            visits = {}
            while len(visits) < 4:
                body = peer.next("/results")
                visits.update({visit["visit"]: visit for visit in body["visits"]})
            self.assertRegex(body["fingerprint"]["runtime"], r"^pytorch \d")
            self.assertEqual(body["fingerprint"]["batch"], "2")
            for visit in visits.values():
                for total, layers in zip(visit["total_ns"], visit["wall_ns"], strict=True):
                    self.assertGreater(min(layers), 0)
                    self.assertGreaterEqual(total, sum(layers))
            self.assertEqual(agent.wait(), 0)


def stream_of(case):
    lines = (CASES / case / "input").read_text().splitlines()
    return bytes.fromhex("".join(line for line in lines if not line.startswith("#")))


class Wire(unittest.TestCase):
    def test_streams_decode_as_the_c_side_decodes_them(self):
        cases = sorted(path.name for path in CASES.iterdir())
        self.assertGreater(len(cases), 15)
        for case in cases:
            want = [bytes.fromhex(line) for line in (CASES / case / "expected").read_text().split()]
            stream = stream_of(case)
            for size in (1, 7, len(stream)):
                decoder, got = wire.Decoder(), []
                for at in range(0, len(stream), size):
                    got += decoder.feed(stream[at:at + size])
                self.assertEqual(got, want, (case, size))

    def test_messages_encode_to_the_same_frames(self):
        for case in ("hello", "hello_reply", "open", "net_layers", "fetch_reply", "error", "longest", "all_zeros"):
            message = bytes.fromhex((CASES / case / "expected").read_text().split()[0])
            self.assertEqual(wire.frame(message), stream_of(case), case)

    def test_whatever_a_library_throws_is_answered(self):
        script = f"""
import sys
sys.path.insert(0, {str(RUNNERS)!r})
import lathe_serve
class Broken(lathe_serve.Backend):
    name = "broken"
    def open(self, dtype, threads, batch):
        raise {{}}
lathe_serve.main(Broken(), "broken")
"""
        cases = {"KeyError('lost')": (wire.E_FAILED, "KeyError: 'lost'"),
                 "MemoryError('of the device')": (wire.E_NO_MEMORY, "out of memory: of the device"),
                 "lathe_serve.Refused(6, 'never')": (wire.E_UNSUPPORTED, "never")}
        for thrown, (code, text) in cases.items():
            requests = [(wire.HELLO, struct.pack("<BH", 1, 256)), (wire.OPEN, wire.text("broken", 31) + b"\0\1\1" + bytes(4)),
                        (wire.BYE, b"")]
            frames = b"".join(wire.frame(wire.REQUEST_HEADER.pack(7, seq, kind) + payload)
                              for seq, (kind, payload) in enumerate(requests))
            done = subprocess.run([PYTHON, "-c", script.format(thrown)], input=frames, capture_output=True, check=True)
            replies = wire.Decoder().feed(done.stdout)
            self.assertEqual([reply[6] for reply in replies], [0x81, wire.ERROR, 0x8B], done.stderr)
            self.assertEqual(replies[1][11], code)
            self.assertEqual(replies[1][21:].decode(), text)


class Recipe(unittest.TestCase):
    def test_values_are_those_of_the_generator_one_by_one(self):
        script = f"""
import sys
sys.path.insert(0, {str(RUNNERS)!r})
import lathe_recipe as recipe
for x in (1, 0x80000000, 0xdeadbeef):
    for n in (1, 2, 3, 1000, 40000):
        want, state = [], x
        for _ in range(n):
            state ^= state << 13 & 0xffffffff
            state ^= state >> 17
            state ^= state << 5 & 0xffffffff
            want.append(state)
        assert recipe.stream(x, n).tolist() == want, (x, n)
"""
        subprocess.run([PYTHON, "-c", script], check=True)


if __name__ == "__main__":
    unittest.main()
