# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Far ends of a serial line that are no good, or of another make.

    far_ends.py hang      a runner that never comes back from a run
    far_ends.py newer     a runner of another version of the wire protocol
    far_ends.py silent    nothing at all
    far_ends.py tiny      MLPerf Tiny's firmware, with a model of 2.5 ms"""
import os
import pathlib
import re
import struct
import sys
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "agents" / "runner" / "external" / "pytorch"))
import lathe_serve  # noqa: E402
import lathe_wire as wire  # noqa: E402


class Hanging(lathe_serve.Backend):
    name = "hanging"

    def open(self, dtype, threads, batch):
        pass

    def fingerprint(self):
        return [("runtime", "hanging 1")]

    def memory_bytes(self):
        return 1 << 30

    def make_op(self, layer, weights):
        return layer

    def make_network(self, ops, first, data):
        return self

    def set_up(self):
        time.sleep(3600)


def newer():
    """Answers any request as every version does."""
    decoder = wire.Decoder()
    while data := os.read(0, 4096):
        for message in decoder.feed(data):
            nonce, seq, _ = wire.REQUEST_HEADER.unpack_from(message)
            text = b"another version"
            error = struct.pack("<BQB", 1, 9, len(text)) + text
            os.write(1, wire.frame(wire.REPLY_HEADER.pack(nonce, seq, wire.ERROR, zlib.crc32(message)) + error))


def say(*lines):
    os.write(1, "".join(line + "\r\n" for line in lines).encode())


def tiny():
    clock_us = 2**32 - 1_000_000  # it turns over while the tests run
    pending = ""
    say("m-timestamp-mode-performance", "m-init-done", "m-ready")
    while data := os.read(0, 4096):
        pending += data.decode("ascii", "replace")
        while "%" in pending:
            command, pending = pending.split("%", 1)
            times = re.fullmatch(r"infer (\d+) (\d+)", command)
            if command == "name":
                say("m-name-dut-[bench]")
            elif command == "profile":
                say("m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]")
            elif times:
                clock_us = (clock_us + 1000) % 2**32
                n = int(times.group(1))
                say(f"m-warmup-start-{times.group(2)}", "m-warmup-done", f"m-infer-start-{n}", f"m-lap-us-{clock_us}")
                clock_us = (clock_us + 2500 * n) % 2**32
                say(f"m-lap-us-{clock_us}", "m-infer-done", "m-results-[0.004,0.980,0.016]")
            else:
                say(f"e-[Unknown command: {command}]")
            say("m-ready")


def main():
    kind = sys.argv[1]
    if kind == "hang":
        lathe_serve.main(Hanging(), __file__)
    elif kind == "newer":
        newer()
    elif kind == "tiny":
        tiny()
    else:
        while os.read(0, 4096):
            pass


if __name__ == "__main__":
    main()
