# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""What tests of boards share: networks as layers on the wire, and the requests that run them."""
import pathlib
import re
import struct
import zlib

from qemu_board import wire

BOARD = 14
KINDS = ["conv2d", "mbconv", "avgpool", "linear", "bottleneck", "maxpool"]
ACTS = ["none", "relu", "relu6", "hswish", "swish"]
CASES = pathlib.Path(__file__).parents[1] / "cases/int8"


def layer(text):
    """A layer's 21 bytes from its canonical text."""
    kind, *words = text.split()
    at = dict(word.split("=") for word in words)
    sides = [int(n) for key in ("in", "out") for n in at[key].split("x")]
    small = [KINDS.index(kind), ACTS.index(at.get("act", "none")), *(int(at.get(key, 0)) for key in ("k", "s", "res"))]
    return struct.pack("<5B8H", *small, *sides, int(at.get("mid", 0)), int(at.get("se", 0)))


def int8_cases():
    """@return {name: (seed, layers, CRC of the output)} of tests/cases/int8 with a batch of one."""
    cases = {}
    for folder in sorted(CASES.iterdir()):
        first, *lines = (folder / "input").read_text().splitlines()
        seed, batch = (int(n) for n in re.fullmatch(r"seed (\d+) batch (\d+)", first).groups())
        crc = re.search(r"^output ([0-9a-f]{8})$", (folder / "expected").read_text(), re.M).group(1)
        if batch == 1:
            cases[folder.name] = (seed, [layer(line) for line in lines], int(crc, 16))
    return cases


class Session:
    """A session with a runner: what a host asks, answers taken apart."""

    def __init__(self, host):
        self.host = host

    def hello(self, version=wire.VERSION):
        reply = self.host.ask(wire.HELLO, struct.pack("<BH", version, 256), repeat_s=1)
        names = ("version", "clock", "max_frame", "max_layers", "max_networks", "boot", "activations", "weights")
        hello = dict(zip(names, struct.unpack_from("<BBHHHIQQ", reply)))
        hello["runner"], hello["build"] = texts(reply[28:])
        return hello

    def open(self, runtime="firmware", dtype=1, threads=1, batch=1, seed=1):
        reply = self.host.ask(wire.OPEN, wire.text(runtime, 31) + struct.pack("<BBBI", dtype, threads, batch, seed))
        return struct.unpack("<H", reply)[0]

    def info(self, lines):
        found = [texts(self.host.ask(wire.INFO, struct.pack("<H", i))[2:])[0] for i in range(lines)]
        return dict(line.split("=", 1) for line in found)

    def describe(self, network, layers):
        self.host.ask(wire.NET_BEGIN, struct.pack("<HH", network, len(layers)))
        for first in range(0, len(layers), 11):
            some = layers[first:first + 11]
            self.host.ask(wire.NET_LAYERS, struct.pack("<HB", first, len(some)) + b"".join(some))

    def build(self, network, layers):
        """@return (arena bytes, weight bytes, packed, reused)."""
        self.describe(network, layers)
        return struct.unpack("<QQII", self.host.ask(wire.NET_BUILD, struct.pack("<H", network)))

    def run(self, network, runs=1, warmup=0, per_layer=True):
        reply = self.host.ask(wire.RUN, struct.pack("<HHHB", network, warmup, runs, per_layer))
        names = ("runs", "layers", "records", "output_bytes", "output_crc", "setup", "elapsed")
        return dict(zip(names, struct.unpack("<HHIIIQQ", reply)))

    def fetch(self, run):
        """@return [[time of each layer.., total] of each run]."""
        walls = []
        while len(walls) < run["records"]:
            reply = self.host.ask(wire.FETCH, struct.pack("<I", len(walls)))
            first, layers, count = struct.unpack_from("<IHB", reply)
            assert (first, layers) == (len(walls), run["layers"]) and count, (first, layers, count)
            for at in range(7, 7 + 9 * count, 9):
                total = len(walls) % (layers + 1) == layers
                walls.append(struct.unpack_from("<Q" if total else "<I", reply, at)[0])
            assert len(reply) == 7 + 9 * count
        size = run["layers"] + 1
        return [walls[at:at + size] for at in range(0, len(walls), size)]

    def output(self):
        data, total = b"", 1
        while len(data) < total:
            reply = self.host.ask(wire.OUTPUT, struct.pack("<I", len(data)))
            _, total, size = struct.unpack_from("<IIB", reply)
            data += reply[9:9 + size]
        return data

    def board(self):
        reply = self.host.ask(BOARD)
        board, core, timer = texts(reply)[:3]
        at = 3 + sum(len(text.encode()) for text in (board, core, timer))
        names = ("core_hz", "timer_hz", "sram", "flash", "arena", "code", "flags")
        numbers = dict(zip(names, struct.unpack_from("<6IB", reply, at)))
        return {"board": board, "core": core, "timer": timer, **numbers, "fault": texts(reply[at + 25:])[0]}


def texts(data):
    """The texts at the start of some bytes."""
    found = []
    while data:
        found.append(data[1:1 + data[0]].decode("utf-8", "replace"))
        data = data[1 + data[0]:]
    return found


def crc(data):
    return zlib.crc32(data)
