# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Layers as the wire protocol tells them, and their weights made from a seed: the part "Weights and inputs" of
agents/wire/PROTOCOL.md. What the kinds compute is in lut/layer/layer.h. Needs NumPy; any runner in Python can use it."""
import collections
import functools
import math
import struct
import zlib

import numpy

from lathe_wire import E_INVALID, E_UNSUPPORTED, Refused

CONV2D, MBCONV, AVGPOOL, LINEAR, BOTTLENECK, MAXPOOL = range(6)
ACT_NONE, ACT_RELU, ACT_RELU6, ACT_HSWISH, ACT_SWISH = range(5)
EXPAND, DEPTHWISE, SQUEEZE, EXCITE, DENSE, WINDOW, SHORTCUT = range(7)
BIAS, INPUT = 16, 32

LAYER = struct.Struct("<5B8H")
FIELDS = "kind act kernel stride residual in_h in_w in_c out_h out_w out_c mid se"
# What a kind has; everything else must be 0. As lut/layer/layer.c.
ATTRIBUTES = {
    CONV2D: {"act", "kernel", "stride", "residual"},
    MBCONV: {"act", "kernel", "stride", "residual", "mid", "se"},
    AVGPOOL: set(),
    LINEAR: set(),
    BOTTLENECK: {"act", "kernel", "stride", "residual", "mid"},
    MAXPOOL: {"kernel", "stride"},
}


class Layer(collections.namedtuple("Layer", FIELDS)):
    """One layer. Shapes are of one image; absent attributes are 0."""

    @classmethod
    def read(cls, data):
        """@param data 21 bytes. Raises Refused for what is no layer."""
        layer = cls(*LAYER.unpack(data))
        layer.check()
        return layer

    def bytes(self):
        return LAYER.pack(*self)

    def wrong(self):
        """What does not fit together, or None."""
        has = ATTRIBUTES[self.kind]
        for name in ("act", "kernel", "stride", "residual", "mid", "se"):
            if name not in has and getattr(self, name):
                return f"a layer of this kind has no {name}"
        if 0 in (self.in_h, self.in_w, self.in_c, self.out_h, self.out_w, self.out_c):
            return "height, width and channels are from 1 to 65535"
        if self.residual > 1:
            return "residual is 0 or 1"
        if "mid" in has and not self.mid:
            return "mid is from 1 to 65535"
        if self.residual and (self.stride != 1 or self.in_c != self.out_c):
            return "residual needs stride 1 and as many output as input channels"
        if self.kind in (AVGPOOL, MAXPOOL) and self.in_c != self.out_c:
            return "pooling keeps the number of channels"
        return self.wrong_window() if "kernel" in has else self.wrong_reduction()

    def wrong_window(self):
        if self.kernel not in range(3 if self.kind == MAXPOOL else 1, 16, 2):
            return "the kernel is an odd number up to 15, from 3 for maxpool"
        if not 1 <= self.stride <= (min(4, self.kernel) if self.kind == MAXPOOL else 4):
            return "the stride is from 1 to 4, for maxpool up to the kernel"
        if (self.out_h, self.out_w) != ((self.in_h - 1) // self.stride + 1, (self.in_w - 1) // self.stride + 1):
            return "the output's height and width are (n - 1) / stride + 1"
        return None

    def wrong_reduction(self):
        if (self.out_h, self.out_w) != (1, 1) or (self.kind == LINEAR and (self.in_h, self.in_w) != (1, 1)):
            return "the output of avgpool, and both sides of linear, are 1x1 high and wide"
        return None

    def check(self):
        if self.kind not in ATTRIBUTES:
            raise Refused(E_UNSUPPORTED, f"this runner does not know layer kind {self.kind}")
        if self.act > ACT_SWISH:
            raise Refused(E_UNSUPPORTED, f"this runner does not know activation {self.act}")
        wrong = self.wrong()
        if wrong:
            raise Refused(E_INVALID, wrong)

    def expands(self):
        return self.kind == BOTTLENECK or (self.kind == MBCONV and self.mid != self.in_c)

    def elements(self):
        """Values that are alive at once inside the layer, about, for one image: its largest tensors."""
        tensors = [self.in_h * self.in_w * self.in_c, self.out_h * self.out_w * self.out_c]
        if self.mid:
            tensors += [self.in_h * self.in_w * self.mid, self.out_h * self.out_w * self.mid]
        return sum(sorted(tensors)[-3:])


def plan(layer):
    """The tensors of a layer: {number: (shape, fan-in, gain)}, shape in the recipe's layout, outputs first but for
    the depthwise one."""
    k, mid, taps = layer.kernel, layer.mid, layer.kernel * layer.kernel
    gain = 1.0 if layer.act == ACT_NONE else math.sqrt(2)
    half = 0.5 if layer.residual else 1.0
    tensors = {}
    if layer.expands():
        tensors[EXPAND] = ((mid, layer.in_c), layer.in_c, gain)
    if layer.kind == CONV2D:
        tensors[DENSE] = ((layer.out_c, k, k, layer.in_c), taps * layer.in_c, gain * half)
    elif layer.kind == LINEAR:
        tensors[DENSE] = ((layer.out_c, layer.in_c), layer.in_c, 1.0)
    elif layer.kind == MBCONV:
        tensors[DEPTHWISE] = ((k, k, mid), taps, gain)
        if layer.se:
            tensors[SQUEEZE] = ((layer.se, mid), mid, math.sqrt(2))
            tensors[EXCITE] = ((mid, layer.se), layer.se, 1.0)
        tensors[DENSE] = ((layer.out_c, mid), mid, (2.0 if layer.se else 1.0) * half)
    elif layer.kind == BOTTLENECK:
        tensors[WINDOW] = ((mid, k, k, mid), taps * mid, gain)
        tensors[DENSE] = ((layer.out_c, mid), mid, 0.5)
        if not layer.residual:
            tensors[SHORTCUT] = ((layer.out_c, layer.in_c), layer.in_c, gain)
    return tensors


def outputs(number, shape):
    """Values of a tensor's bias."""
    return shape[-1] if number == DEPTHWISE else shape[0]


def weight_count(layer):
    return sum(math.prod(shape) + outputs(number, shape) for number, (shape, _, _) in plan(layer).items())


class Jump:
    """Many steps of xorshift32 at once. A step is linear over GF(2), so 2^k steps are one 32 x 32 matrix of bits; it is
    kept as the images of every value of each of a state's four bytes."""

    def __init__(self, images):
        """@param images of the 32 states with one bit set."""
        self.tables = numpy.zeros((4, 256), numpy.uint32)
        for byte in range(4):
            for bit in range(8):
                size = 1 << bit
                self.tables[byte, size:2 * size] = self.tables[byte, :size] ^ images[8 * byte + bit]

    def __call__(self, states):
        t = self.tables
        return (t[0][states & 255] ^ t[1][states >> 8 & 255] ^ t[2][states >> 16 & 255] ^ t[3][states >> 24])


def step(x):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    return x ^ (x << 5 & 0xFFFFFFFF)


@functools.lru_cache(maxsize=None)
def jump(k):
    """2^k steps."""
    if k == 0:
        return Jump(numpy.array([step(1 << bit) for bit in range(32)], numpy.uint32))
    half = jump(k - 1)
    return Jump(half(half(numpy.left_shift(numpy.uint32(1), numpy.arange(32, dtype=numpy.uint32)))))


BLOCK = 14  # 2^14 states fit a core's cache


def stream(x, n):
    """The n states after x. One value, then always as many again as there are, then blocks of the same size."""
    states = numpy.empty(n, numpy.uint32)
    states[:1] = step(x)
    have = 1
    while have < n:
        k = min(have.bit_length() - 1, BLOCK)
        take = min(1 << k, n - have)
        states[have:have + take] = jump(k)(states[have - (1 << k):have - (1 << k) + take])
        have += take
    return states


def values(layer, occurrence, seed, tensor, amplitude, n):
    """n values of a tensor, f32."""
    x = zlib.crc32(struct.pack("<I", seed) + layer.bytes() + struct.pack("<HB", occurrence, tensor)) or 1
    return stream(x, n).view(numpy.int32).astype(numpy.float32) * numpy.float32(amplitude / 2147483648.0)


def weights(layer, occurrence, seed):
    """{number: (tensor in the recipe's layout, bias)} of a layer."""
    made = {}
    for number, (shape, fan_in, gain) in plan(layer).items():
        amplitude = gain * math.sqrt(3.0 / fan_in)
        tensor = values(layer, occurrence, seed, number, amplitude, math.prod(shape)).reshape(shape)
        bias = values(layer, occurrence, seed, number + BIAS, 0.1, outputs(number, shape))
        made[number] = (tensor, bias)
    return made


def network_input(first, seed, batch):
    """The input of a network that begins with this layer: batch x height x width x channels."""
    shape = (batch, first.in_h, first.in_w, first.in_c)
    return values(first, 0, seed, INPUT, 1.0, math.prod(shape)).reshape(shape)
