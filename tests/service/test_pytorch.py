# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""The runner for PyTorch: passes check-runner, speaks the wire protocol as the C side does, survives its library."""
import pathlib
import struct
import subprocess
import sys
import unittest

from check_runner_case import KINDS, PYTHON, PYTORCH, RUNNERS, WRONG, CheckCase, check, options_for

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


    def test_a_device_that_is_not_there_is_named(self):
        for device, said in (("tpu", "auto, cpu, cuda or cuda:N"), ("cuda", "sees no GPU here")):
            done = subprocess.run([*PYTORCH[:-1], device], capture_output=True, text=True, check=False,
                                  stdin=subprocess.DEVNULL)
            if device == "cuda" and done.returncode == 0:
                continue  # there is one
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(said, done.stderr)


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
