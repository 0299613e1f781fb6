# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""OFA-ResNet50 in plain Python, by its own source (once-for-all: ofa_resnets.py, ResNetArchEncoder, AccuracyPredictor):
layers, multiply-accumulates, features and predictor, with nothing from Lathe. Subnets are once-for-all's own dicts d, e,
w, r: extra blocks (d[0] of 2: the stem's middle convolution), expand ratios, indices of widths, resolution."""
import json
import random
import struct

RESOLUTIONS = [128, 144, 160, 176, 192, 224, 240, 256]
WIDTHS, EXPANDS, BASE_DEPTHS, CHANNELS = [0.65, 0.8, 1.0], [0.2, 0.25, 0.35], [2, 2, 4, 2], [256, 512, 1024, 2048]
BLOCKS = 18


def make_divisible(value, divisor=8):
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def random_subnet(rng, resolution=None):
    return {"d": [rng.choice([0, 2])] + rng.choices([0, 1, 2], k=4), "e": rng.choices(EXPANDS, k=BLOCKS),
            "w": rng.choices([0, 1, 2], k=6), "r": resolution or rng.choice(RESOLUTIONS)}


def skipped():
    """For each of the 18 blocks its stage and its place beyond the base depth (0 and below: always there)."""
    return [(s, i - base + 1) for s, base in enumerate(BASE_DEPTHS) for i in range(base + 2)]


def document(subnet):
    """The same subnet as Lathe writes it."""
    depth = [1 if subnet["d"][0] else 0] + [base + extra for base, extra in zip(BASE_DEPTHS, subnet["d"][1:])]
    expand = [e if beyond <= subnet["d"][1 + s] else 0 for e, (s, beyond) in zip(subnet["e"], skipped())]
    return {"space": "ofa-resnet50", "resolution": subnet["r"], "depth": depth, "expand": expand,
            "width": [WIDTHS[w] for w in subnet["w"]]}


def layers(subnet):
    """(text of the layer, multiply-accumulates) in order."""
    out = []

    def size(n, stride):
        return (n - 1) // stride + 1

    def add(kind, n, c, m, d, attributes, macs):
        out.append((f"{kind} in={n}x{n}x{c} out={m}x{m}x{d}{attributes}", macs))

    n = subnet["r"]
    inner = make_divisible(make_divisible(64 * WIDTHS[subnet["w"][0]]) // 2)
    channels = make_divisible(64 * WIDTHS[subnet["w"][1]])
    half = size(n, 2)
    add("conv2d", n, 3, half, inner, " k=3 s=2 act=relu", 27 * inner * half ** 2)
    if subnet["d"][0]:
        add("conv2d", half, inner, half, inner, " k=3 s=1 act=relu res=1", 9 * inner ** 2 * half ** 2)
    add("conv2d", half, inner, half, channels, " k=3 s=1 act=relu", 9 * inner * channels * half ** 2)
    n = size(half, 2)
    add("maxpool", half, channels, n, channels, " k=3 s=2", 0)
    for (s, beyond), e in zip(skipped(), subnet["e"]):
        if beyond > subnet["d"][1 + s]:
            continue
        first = beyond == 1 - BASE_DEPTHS[s]
        wide = make_divisible(CHANNELS[s] * WIDTHS[subnet["w"][2 + s]])
        mid = make_divisible(round(wide * e))
        stride = 2 if first and s > 0 else 1
        m = size(n, stride)
        macs = channels * mid * n ** 2 + (9 * mid ** 2 + mid * wide + (channels * wide if first else 0)) * m ** 2
        add("bottleneck", n, channels, m, wide, f" mid={mid} k=3 s={stride} act=relu" + ("" if first else " res=1"), macs)
        n, channels = m, wide
    add("avgpool", n, channels, 1, channels, "", 0)
    add("linear", 1, channels, 1, 1000, "", channels * 1000)
    return out


def features(subnet):
    x = [0.0] * (len(RESOLUTIONS) + 2 + 6 * 3 + BLOCKS * 3)
    x[RESOLUTIONS.index(subnet["r"])] = 1.0
    x[8 + (1 if subnet["d"][0] > 0 else 0)] = 1.0
    for i, w in enumerate(subnet["w"]):
        x[10 + 3 * i + w] = 1.0
    start = 0
    for base, extra in zip(BASE_DEPTHS, subnet["d"][1:]):
        for block in range(start, start + base + extra):
            x[28 + 3 * block + EXPANDS.index(subnet["e"][block])] = 1.0
        start += base + 2
    return x


class Predictor:
    def __init__(self, file):
        size = struct.unpack("<Q", file[:8])[0]
        self.header, self.data = json.loads(file[8:8 + size]), file[8 + size:]
        self.hidden = [(self.rows(f"layers.{i}.0.weight"), self.tensor(f"layers.{i}.0.bias")) for i in range(3)]
        self.last, self.base = self.tensor("layers.3.weight"), self.tensor("base_acc")[0]

    def tensor(self, name):
        begin, end = self.header[name]["data_offsets"]
        return struct.unpack(f"<{(end - begin) // 4}f", self.data[begin:end])

    def rows(self, name):
        values, (_, width) = self.tensor(name), self.header[name]["shape"]
        return [values[i:i + width] for i in range(0, len(values), width)]

    def __call__(self, subnet):
        x = features(subnet)
        for weight, bias in self.hidden:
            x = [max(0.0, b + sum(w * v for w, v in zip(row, x) if v)) for row, b in zip(weight, bias)]
        return self.base + sum(w * v for w, v in zip(self.last, x))


def all_layers(resolution):
    """The texts of all layers at one resolution: every subnet's are among them."""
    found, rng = {}, random.Random(0)
    for w0 in range(3):
        for w1 in range(3):
            for e in EXPANDS:
                for _ in range(60):
                    subnet = random_subnet(rng, resolution)
                    subnet["d"] = [rng.choice([0, 2]), 2, 2, 2, 2]
                    subnet["e"] = [e] * BLOCKS
                    subnet["w"][0::2], subnet["w"][1::2] = [w0] * 3, [w1] * 3
                    found.update(layers(subnet))
                    subnet["w"] = rng.choices([0, 1, 2], k=6)
                    found.update(layers(subnet))
    return found
