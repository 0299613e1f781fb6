#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""int8 as agents/wire/PROTOCOL.md has it, in plain Python: written from the page, apart from all C code.

usage: int8_page.py CASES           compare tests/cases/int8 with what the page makes of them
       int8_page.py CASES --write   write their `expected`

A case's input: "seed S batch B", then the layers of a network, one a line. Expected: CRC-32 of the weights (of each layer
in order, of each tensor in order: values as i8, scales as f32, biases as i32, little-endian), of the input tensor and of
the output tensor.
"""
import math
import operator
import pathlib
import re
import struct
import sys
import zlib

KINDS = {"conv2d": 0, "mbconv": 1, "avgpool": 2, "linear": 3, "bottleneck": 4, "maxpool": 5}
ACTS = {"none": 0, "relu": 1, "relu6": 2, "hswish": 3, "swish": 4}
N = 65521
EXPAND, DEPTHWISE, SQUEEZE, EXCITE, DENSE, WINDOW, SHORTCUT = range(7)


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def half_away(x):
    """x rounded to an integer, halves away from zero; exact, unlike floor(x + 0.5)."""
    whole = math.trunc(x)
    rest = x - whole
    return whole + (rest >= 0.5) - (rest <= -0.5)


def clamp(q, low=-128, high=127):
    return max(low, min(high, q))


def xorshift(x):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    return x ^ (x << 5 & 0xFFFFFFFF)


def make_blob():
    blob, x = [], 1
    for _ in range(N):
        x = xorshift(x)
        value = x >> 24
        value -= 256 if value > 127 else 0
        blob.append(max(value, -127))
    return blob


BLOB = make_blob()
OUTSIDE = (f32(1 / 32), 0)
GATE = (f32(1 / 256), -128)
AFTER = {"relu": (f32(1 / 64), -128), "relu6": (f32(3 / 128), -128), "hswish": (f32(1 / 56), -107), "swish": (f32(1 / 56), -107),
         "none": OUTSIDE}
CURVES = {"hswish": lambda x: x * min(max(x + 3, 0), 6) / 6, "swish": lambda x: x / (1 + math.exp(-x)),
          "sigmoid": lambda x: 1 / (1 + math.exp(-x))}


class Layer:
    def __init__(self, text):
        words = text.split()
        fields = dict(word.split("=") for word in words[1:])
        self.kind = words[0]
        self.inp = tuple(map(int, fields["in"].split("x")))
        self.out = tuple(map(int, fields["out"].split("x")))
        self.mid, self.se = int(fields.get("mid", 0)), int(fields.get("se", 0))
        self.k, self.s = int(fields.get("k", 0)), int(fields.get("s", 0))
        self.act, self.res = fields.get("act", "none"), int(fields.get("res", 0))
        self.wire = struct.pack("<5B8H", KINDS[self.kind], ACTS[self.act], self.k, self.s, self.res, *self.inp, *self.out, self.mid, self.se)


class Tensor:
    """A tensor of weights with what surrounds it. @param then: what follows, an activation or a gate's function."""

    def __init__(self, layer, number, outputs, fan_in, gain, source, then, inside):
        self.outputs, self.fan_in, self.source = outputs, fan_in, source
        self.amplitude = gain * math.sqrt(3 / fan_in)
        self.hard = then == "hsigmoid"
        self.curve = CURVES.get(then)
        if then in ("hsigmoid", "sigmoid"):
            self.target = GATE
        else:
            self.target = AFTER[then] if inside else OUTSIDE
        self.sums = OUTSIDE if self.curve else self.target
        self.low = self.sums[1] if then in ("relu", "relu6") else -128
        self.number, self.wire = number, layer.wire

    def make(self, seed, occurrence):
        key = lambda number: zlib.crc32(struct.pack("<I", seed) + self.wire + struct.pack("<HB", occurrence, number)) % N
        first, bias_first = key(self.number), key(self.number + 16)
        amplitude = self.amplitude / 6 if self.hard else self.amplitude
        self.values = [BLOB[(first + i) % N] for i in range(self.outputs * self.fan_in)]
        self.scales = [f32(amplitude / 127 * (192 + (BLOB[(first + c) % N] & 63)) / 224) for c in range(self.outputs)]
        self.biases = []
        for c in range(self.outputs):
            real = 0.1 * BLOB[(bias_first + c) % N] / 127
            if self.hard:
                real = real / 6 + 0.5
            self.biases.append(half_away(real / (self.source[0] * self.scales[c])))
        return (struct.pack(f"<{len(self.values)}b", *self.values) + struct.pack(f"<{self.outputs}f", *self.scales) +
                struct.pack(f"<{self.outputs}i", *self.biases))


def tensors(l):
    """The tensors of a layer, by number."""
    g = 1 if l.act == "none" else math.sqrt(2)
    after = AFTER[l.act]
    found = {}

    def add(number, outputs, fan_in, gain, source, then="none", inside=True):
        found[number] = Tensor(l, number, outputs, fan_in, gain, source, then, inside)
    if l.kind == "conv2d":
        add(DENSE, l.out[2], l.k * l.k * l.inp[2], g * (0.5 if l.res else 1), OUTSIDE, l.act, False)
    if l.kind == "linear":
        add(DENSE, l.out[2], l.inp[2], 1, OUTSIDE)
    if l.kind == "mbconv":
        wide = l.mid != l.inp[2]
        if wide:
            add(EXPAND, l.mid, l.inp[2], g, OUTSIDE, l.act)
        add(DEPTHWISE, l.mid, l.k * l.k, g, after if wide else OUTSIDE, l.act)
        if l.se:
            smooth = l.act == "swish"
            add(SQUEEZE, l.se, l.mid, math.sqrt(2), after, "swish" if smooth else "relu")
            add(EXCITE, l.mid, l.se, 1, AFTER["swish" if smooth else "relu"], "sigmoid" if smooth else "hsigmoid")
        add(DENSE, l.out[2], l.mid, (2 if l.se else 1) * (0.5 if l.res else 1), after)
    if l.kind == "bottleneck":
        add(EXPAND, l.mid, l.inp[2], g, OUTSIDE, l.act)
        add(DENSE, l.out[2], l.mid, 0.5, after)
        add(WINDOW, l.mid, l.k * l.k * l.mid, g, after, l.act)
        if not l.res:
            add(SHORTCUT, l.out[2], l.inp[2], g, OUTSIDE)
    return dict(sorted(found.items()))


def multiplier(factor):
    fraction, e = math.frexp(factor)
    m = math.floor(fraction * 2 ** 31 + 0.5)
    if m == 2 ** 31:
        m, e = 2 ** 30, e + 1
    return (0, 0) if e < -31 else (m, e)


def multiply(x, m_e):
    m, e = m_e
    if e > 0:
        x = clamp(x << e, -2 ** 31, 2 ** 31 - 1)
    product = x * m
    nudged = product + (2 ** 30 if product >= 0 else 1 - 2 ** 30)
    high = abs(nudged) // 2 ** 31 * (1 if nudged >= 0 else -1)
    if e >= 0:
        return high
    half = 1 << (-e - 1)
    return (abs(high) + half >> -e) * (1 if high >= 0 else -1)


def table(curve, source, target):
    return [clamp(half_away(curve(source[0] * (q - source[1])) / target[0]) + target[1]) for q in range(-128, 128)]


class Image:
    """Height x width x channels of q: rows[y][x] is a list of channels."""

    def __init__(self, h, w, c, values):
        self.h, self.w, self.c = h, w, c
        self.rows = [[values[(y * w + x) * c:(y * w + x + 1) * c] for x in range(w)] for y in range(h)]

    def flat(self):
        return [q for row in self.rows for pixel in row for q in pixel]


def finish(t, sums, out):
    """Requantise: sums[pixel][channel] to an image of the shape out."""
    ms = [multiplier(t.source[0] * t.scales[c] / t.sums[0]) for c in range(t.outputs)]
    values = [clamp(multiply(s, ms[c]) + t.sums[1], t.low) for pixel in sums for c, s in enumerate(pixel)]
    if t.curve:
        looked = table(t.curve, t.sums, t.target)
        values = [looked[q + 128] for q in values]
    return Image(*out, values)


def patches(image, k, s, pad, h, w):
    """For each output pixel its k x k pixels, None outside."""
    for y in range(h):
        for x in range(w):
            yield [image.rows[y * s + i - pad][x * s + j - pad] if 0 <= y * s + i - pad < image.h and 0 <= x * s + j - pad < image.w else None
                   for i in range(k) for j in range(k)]


def convolve(t, image, k, s, out, depthwise=False):
    zero, outside = t.source[1], [0] * image.c
    shifted = Image(image.h, image.w, image.c, [q - zero for q in image.flat()])
    rows = [t.values[o * t.fan_in:(o + 1) * t.fan_in] for o in range(t.outputs)]
    taps = [t.values[i * t.outputs:(i + 1) * t.outputs] for i in range(k * k)]
    sums = []
    for patch in patches(shifted, k, s, (k - 1) // 2, out[0], out[1]):
        if depthwise:
            pixel = list(t.biases)
            for values, weights in zip(patch, taps):
                if values:
                    pixel = [a + v * w for a, v, w in zip(pixel, values, weights)]
        else:
            column = [v for values in patch for v in (values or outside)]
            pixel = [bias + sum(map(operator.mul, column, row)) for bias, row in zip(t.biases, rows)]
        sums.append(pixel)
    return finish(t, sums, out)


def pool(image, k, s, pad, out, of):
    values = []
    for patch in patches(image, k, s, pad, out[0], out[1]):
        there = [pixel for pixel in patch if pixel]
        values += [of([pixel[c] for pixel in there]) for c in range(image.c)]
    return Image(*out, values)


def mean(values):
    total, n = sum(values), len(values)
    return (abs(total) * 2 + n) // (2 * n) * (1 if total >= 0 else -1)


def added(a, b, act="none"):
    low = 0 if act in ("relu", "relu6") else -128
    values = [clamp(x + y, low) for x, y in zip(a.flat(), b.flat())]
    if act in CURVES:
        looked = table(CURVES[act], OUTSIDE, OUTSIDE)
        values = [looked[q + 128] for q in values]
    return Image(a.h, a.w, a.c, values)


def squeeze_excite(l, ts, image):
    zero = AFTER[l.act][1]
    pixels = [pixel for row in image.rows for pixel in row]
    pooled = Image(1, 1, image.c, [mean([pixel[c] for pixel in pixels]) for c in range(image.c)])
    squeezed = convolve(ts[SQUEEZE], pooled, 1, 1, (1, 1, l.se))
    gate = convolve(ts[EXCITE], squeezed, 1, 1, (1, 1, l.mid)).flat()
    part = multiplier(1 / 256)
    values = [clamp(multiply((q - zero) * (g + 128), part) + zero) for pixel in pixels for q, g in zip(pixel, gate)]
    return Image(image.h, image.w, image.c, values)


def run(l, ts, image):
    if l.kind == "avgpool":
        pixels = [pixel for row in image.rows for pixel in row]
        return Image(*l.out, [mean([pixel[c] for pixel in pixels]) for c in range(image.c)])
    if l.kind == "maxpool":
        return pool(image, l.k, l.s, (l.k - 1) // 2, l.out, max)
    if l.kind == "linear":
        return convolve(ts[DENSE], image, 1, 1, l.out)
    if l.kind == "conv2d":
        out = convolve(ts[DENSE], image, l.k, l.s, l.out)
        return added(out, image) if l.res else out
    middle = (l.out[0], l.out[1], l.mid)
    x = convolve(ts[EXPAND], image, 1, 1, (image.h, image.w, l.mid)) if EXPAND in ts else image
    if l.kind == "mbconv":
        x = convolve(ts[DEPTHWISE], x, l.k, l.s, middle, True)
        x = squeeze_excite(l, ts, x) if l.se else x
        x = convolve(ts[DENSE], x, 1, 1, l.out)
        return added(x, image) if l.res else x
    x = convolve(ts[WINDOW], x, l.k, l.s, middle)
    x = convolve(ts[DENSE], x, 1, 1, l.out)
    if l.res:
        return added(x, image, l.act)
    pooled = pool(image, l.s, l.s, 0, (l.out[0], l.out[1], image.c), mean)
    return added(x, convolve(ts[SHORTCUT], pooled, 1, 1, l.out), l.act)


def inputs(layer, seed, batch):
    x = zlib.crc32(struct.pack("<I", seed) + layer.wire + struct.pack("<HB", 0, 32)) or 1
    n = layer.inp[0] * layer.inp[1] * layer.inp[2]
    images = []
    for _ in range(batch):
        values = []
        for _ in range(n):
            x = xorshift(x)
            values.append((x - (x >> 31 << 32)) >> 26)
        images.append(Image(*layer.inp, values))
    return images


def crc_of(images):
    values = [q for image in images for q in image.flat()]
    return zlib.crc32(struct.pack(f"<{len(values)}b", *values))


def answer(text):
    first, *lines = text.splitlines()
    seed, batch = map(int, re.fullmatch(r"seed (\d+) batch (\d+)", first).groups())
    layers = [Layer(line) for line in lines]
    images = inputs(layers[0], seed, batch)
    input_crc, weights_crc = crc_of(images), 0
    for i, layer in enumerate(layers):
        ts = tensors(layer)
        for t in ts.values():
            weights_crc = zlib.crc32(t.make(seed, lines[:i].count(lines[i])), weights_crc)
        images = [run(layer, ts, image) for image in images]
    return f"weights {weights_crc:08x}\ninput {input_crc:08x}\noutput {crc_of(images):08x}\n"


def main():
    write = "--write" in sys.argv[2:]
    cases = sorted(pathlib.Path(sys.argv[1]).iterdir())
    wrong = 0
    for case in cases:
        got = answer((case / "input").read_text())
        if write:
            (case / "expected").write_text(got)
        elif got != (case / "expected").read_text():
            print(f"{case.name}: the page makes\n{got}", file=sys.stderr)
            wrong += 1
    print(f"{len(cases)} cases, {wrong} wrong")
    return 1 if wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
