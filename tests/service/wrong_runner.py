# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A runner for linear layers alone, in NumPy, with faults to order: wrong_runner.py FOLDER [FAULT], FOLDER being that of
lathe_serve.py. Without a fault it is the smallest runner that passes check-runner. test_check_runner.py has what each
fault must be caught by. With FAULT torch-kinds it is the PyTorch runner with an error in each kind of layer; with FAULT
torch-gpu no fault, but the path that a GPU takes, its events played by the clock; with torch-tf32 it multiplies as a
GPU's tensor cores do unless told otherwise."""
import os
import struct
import sys
import time

sys.path.insert(0, sys.argv[1])
import lathe_recipe as recipe  # noqa: E402
import lathe_serve as serve  # noqa: E402
import lathe_wire as wire  # noqa: E402

FAULT = sys.argv[2] if len(sys.argv) > 2 else ""


def fault(name):
    return FAULT == name


def numpy_backend():
    import numpy

    class Network:
        def __init__(self, ops, data):
            self.ops, self.pristine = ops, data.reshape(len(data), -1).astype(numpy.float64)
            self.result = None

        def set_up(self):
            self.run(False)

        def run(self, per_layer):
            x, layers = self.pristine.copy(), []
            if fault("input-changes"):
                self.pristine *= 1.5
            start = end = time.perf_counter_ns()
            for weight, bias in self.ops:
                begin = end
                x = x @ weight.T + bias
                end = time.perf_counter_ns()
                layers.append((end - begin, 0, 0))
            self.result = x
            return faulty_sample(end - start, layers if per_layer else [])

        def output(self):
            values = self.result.astype(numpy.float32)
            if fault("wrong-output"):
                values[-1, -1] += 0.01
            return values.tobytes()

    class Linear(serve.Backend):
        name = "linear"

        def open(self, dtype, threads, batch):
            if dtype:
                raise wire.Refused(wire.E_UNSUPPORTED, "f32 only")

        def fingerprint(self):
            return [("runtime", f"linear {numpy.__version__}")]

        def memory_bytes(self):
            return 1 << 30

        def make_op(self, layer, weights):
            if layer.kind != recipe.LINEAR:
                raise wire.Refused(wire.E_UNSUPPORTED, "linear layers only")
            weight, bias = (part.astype(numpy.float64) for part in weights[recipe.DENSE])
            return weight, 0 * bias if fault("no-bias") else bias

        def make_network(self, ops, first, data):
            return Network(ops, data)

    return Linear()


def faulty_sample(total, layers):
    total = max(total, 1)
    if fault("zero-times"):
        total = 0
    if fault("microseconds"):
        total, layers = max(total // 1000, 1), [(wall // 1000, 0, 0) for wall, _, _ in layers]
    if fault("layers-too-long"):
        layers = [(2 * wall + 1000, 0, 0) for wall, _, _ in layers]
    if fault("layers-lost"):
        layers = [(wall // 4, 0, 0) for wall, _, _ in layers]
    return serve.Sample(total, layers)


def error_code(code):
    def refuse(*_):
        raise wire.Refused(code, "a fault to order")
    return refuse


class Decoder(wire.Decoder):
    """With faults in finding frames."""

    def __init__(self):
        super().__init__()
        self.dead, self.empty_before = False, True

    def _take(self, stretch):
        if fault("short-buffer") and len(self.pending) + len(stretch) > 128:
            self.too_long = True
        super()._take(stretch)

    def _end(self, stretch):
        if fault("no-crc-check"):
            whole = bytes(self.pending) + stretch
            self.pending.clear()
            return (wire.uncobs(whole) or b"")[:-4] or None
        empty = not self.pending and not stretch
        message = super()._end(stretch)
        if fault("never-in-step") and not empty and message is None:
            self.dead = True
        if self.dead or (fault("own-zero") and not empty and not self.empty_before):
            message = None
        self.empty_before = empty
        return message


class Responder(wire.Responder):
    """With faults in the session."""

    def receive(self, message):
        nonce, seq, kind = wire.REQUEST_HEADER.unpack_from(message.ljust(7, b"\0"))
        if fault("answers-replies") and kind & wire.REPLY_BIT:
            return self._error((nonce, seq, kind, 0), wire.Refused(wire.E_UNSUPPORTED, "what is that"))
        if fault("ignores-unknown") and not 1 <= kind <= 11:
            return None
        if fault("any-nonce") and kind != wire.HELLO:
            self.nonce = nonce
        if fault("works-twice") or (fault("any-seq") and self.last and self.last[0] != seq):
            self.last = None
        if fault("repeats-by-seq") and self.last and nonce == self.nonce and seq == self.last[0]:
            return self.last[2]
        if fault("no-wrap") and self.last and nonce == self.nonce and seq < self.last[0]:
            return self._error((nonce, seq, kind, wire.zlib.crc32(message)), wire.Refused(wire.E_SESSION, "old"))
        if fault("any-version") and kind == wire.HELLO:
            self.nonce, self.last = None, None
        answer = super().receive(message)
        if kind == wire.INFO and fault("wrong-crc"):
            answer = answer[:-2] + bytes([answer[-2] ^ 1 or 2]) + answer[-1:]
        if kind == wire.INFO and fault("wrong-seq"):
            body = bytearray(wire.uncobs(answer[1:-1])[:-4])
            body[4] ^= 1
            answer = wire.frame(bytes(body))
        return answer

    def _refuse_hello(self, payload):
        return None if fault("any-version") else super()._refuse_hello(payload)


class Session(serve.Session):
    """With faults in building and running."""

    def reset(self):
        if not (fault("reset-keeps") and getattr(self, "networks", None)):
            super().reset()

    def build(self, number, layers):
        if fault("packs-anew"):
            self.ops, self.weight_bytes = {}, 0
        if fault("dies-when-large") and max(layer.in_c for layer in layers) > 60000:
            os.abort()
        reply = super().build(0 if fault("one-network") else number, layers)
        return reply

    def visit(self, number, warmup, runs, per_layer):
        if fault("fails-when-absent") and number not in self.networks:
            raise KeyError(number)
        if fault("untimed"):
            per_layer = False
        reply = super().visit(0 if fault("one-network") else number, warmup, runs, per_layer)
        runs, layers, records, size, crc, set_up, elapsed = struct.unpack("<HHIIIQQ", reply)
        if fault("microseconds"):
            set_up, elapsed = set_up // 1000, elapsed // 1000
        if fault("wrong-output-crc"):
            crc ^= 1
        if fault("missing-record"):
            records -= 1
        return struct.pack("<HHIIIQQ", runs, layers, records, size, crc, set_up, elapsed)


class Server(serve.Server):
    """With faults in answering."""

    def __init__(self, backend, program):
        super().__init__(backend, program)
        self.opens = 0
        if fault("same-boot"):
            self.boot = 1
        if fault("no-build"):
            self.build_id = ""
        if fault("any-flag"):
            self.handlers[wire.RUN] = lambda payload: self.run(wire.Payload(payload.data[:6] + b"\0"))
        if fault("fetch-from-zero"):
            self.handlers[wire.FETCH] = lambda payload: self.fetch(wire.Payload(bytes(4)))
        if fault("no-output"):
            self.handlers[wire.OUTPUT] = error_code(wire.E_UNSUPPORTED)
        if fault("hangs"):
            self.handlers[wire.NET_BUILD] = lambda payload: time.sleep(1000)
        if fault("dies"):
            self.handlers[wire.NET_BUILD] = lambda payload: die()
        if fault("never-ends"):
            self.handlers[wire.BYE] = lambda payload: b""

    def hello(self, payload):
        if fault("any-version"):
            payload = wire.Payload(payload.data[:3])
        return super().hello(payload)

    def drop(self):
        if not fault("session-stays") or self.opens == 0:
            super().drop()

    def open(self, payload):
        self.opens += 1
        if fault("any-threads"):
            data = bytearray(payload.data)
            at = data[0] + 2
            data[at] = min(max(data[at], 1), 64)
            payload = wire.Payload(bytes(data))
        kept = self.session
        reply = super().open(payload)
        if fault("reopen-keeps") and kept:
            self.session.networks = self.kept
        if fault("no-batch-line"):
            self.session.lines = [line for line in self.session.lines if not line.startswith("batch=")]
            reply = struct.pack("<H", len(self.session.lines))
        if fault("bad-line"):
            self.session.lines[0] = "a line of no key"
        if fault("minutely"):
            self.session.lines[0] += f" {time.perf_counter_ns()}"
        return reply

    def net_build(self, payload):
        reply = super().net_build(payload)
        self.kept = dict(self.session.networks)
        return reply

    def net_begin(self, payload):
        if fault("no-limits"):
            network, layers = struct.unpack("<HH", payload.data)
            payload = wire.Payload(struct.pack("<HH", network % serve.MAX_NETWORKS, min(max(layers, 1), 1024)))
        return super().net_begin(payload)

    def net_layers(self, payload):
        if fault("one-frame") and payload.data[:2] != b"\0\0":
            raise wire.Refused(wire.E_INVALID, "too many layers")
        if fault("any-order"):
            drafted = self.opened().drafted
            payload = wire.Payload(struct.pack("<H", len(drafted[2]) if drafted else 0) + payload.data[2:])
        return super().net_layers(payload)

    def opened(self):
        if fault("wrong-code") and not self.session:
            raise wire.Refused(wire.E_INVALID, "nothing is open")
        return super().opened()


def die():
    print("the accelerator is on fire", file=sys.stderr)
    sys.stderr.flush()
    os._exit(3)


def backwards(occurrences):
    """From the second network on, the last of equal layers comes first."""
    built = []

    def numbers(layers):
        built.append(layers)
        found = occurrences(layers)
        return found if len(built) == 1 else [layers.count(one) - 1 - n for one, n in zip(layers, found)]

    return numbers


def patch():
    """Faults of single functions."""
    if fault("lenient"):
        wire.Payload.end = lambda self: None
    if fault("no-fit-check"):
        serve.check_fit = lambda layers: None
    if fault("any-kind"):
        recipe.Layer.check = lambda self: None
    if fault("shares-weights"):
        serve.occurrences = lambda layers: [0] * len(layers)
    if fault("wrong-reuse"):
        serve.occurrences = backwards(serve.occurrences)
    if fault("fixed-seed"):
        made, given = recipe.weights, recipe.network_input
        recipe.weights = lambda layer, occurrence, seed: made(layer, occurrence, 7)
        recipe.network_input = lambda first, seed, batch: given(first, 7, batch)


def torch_kinds():
    """Every kind with an error that only its own check can see."""
    import lathe_pytorch as runner
    functional = runner.functional
    torch = runner.torch
    runner.ACTIVATE[recipe.ACT_SWISH] = lambda x: functional.hardswish(x)

    class Conv2d(runner.Conv2d):
        def __call__(self, x):  # the residual before the activation
            act, self.convolve.activate = self.convolve.activate, lambda y: y
            y = self.convolve(x)
            self.convolve.activate = act
            return act(y + x if self.residual else y)

    class Mbconv(runner.Mbconv):
        def __init__(self, layer, convolutions):  # padding after the image first, as TensorFlow has it
            super().__init__(layer, convolutions)
            depthwise = self.steps[1 if layer.expands() else 0]
            if layer.stride > 1:
                depthwise.padding = 0
                self.steps.insert(self.steps.index(depthwise), lambda x: functional.pad(
                    x, [(layer.kernel - 1) // 2 - 1, layer.kernel // 2 + 1] * 2))
            if layer.act == recipe.ACT_HSWISH and not layer.se:
                depthwise.activate = lambda x: functional.relu6(x)

    class Bottleneck(runner.Bottleneck):
        def __call__(self, x):
            y = x
            for step in self.steps:
                y = step(y)
            if self.shortcut and self.stride > 1:  # as if pixels outside counted
                x = functional.avg_pool2d(functional.pad(x, [0, -x.shape[3] % self.stride, 0, -x.shape[2] % self.stride]),
                                          self.stride)
            return self.activate(y + self.shortcut(x)) if self.shortcut else self.activate(y) + x

    class Maxpool(runner.Maxpool):
        def __call__(self, x):  # zeros around
            pad = (self.kernel - 1) // 2
            return functional.max_pool2d(functional.pad(x, [pad] * 4), self.kernel, self.stride)

    class Avgpool(runner.Avgpool):
        def __call__(self, x):
            return x.mean(2, keepdim=True).amax(3, keepdim=True)

    class SqueezeExcite(runner.SqueezeExcite):
        def __init__(self, layer, convolutions):
            super().__init__(layer, convolutions)
            self.gate = torch.sigmoid

    runner.SqueezeExcite = SqueezeExcite
    runner.KINDS.update({recipe.CONV2D: Conv2d, recipe.MBCONV: Mbconv, recipe.BOTTLENECK: Bottleneck,
                         recipe.MAXPOOL: Maxpool, recipe.AVGPOOL: Avgpool})
    return runner.Pytorch(torch.device("cpu"))


def torch_tf32():
    """Operands of convolutions rounded to 10 bits of mantissa."""
    import lathe_pytorch as runner
    convolve, dense = runner.functional.conv2d, runner.functional.linear

    def tf32(x):
        return ((x.view(runner.torch.int32) + 0x1000) & ~0x1FFF).view(runner.torch.float32)

    runner.functional.conv2d = lambda x, w, *rest: convolve(tf32(x), tf32(w), *rest)
    runner.functional.linear = lambda x, w, *rest: dense(tf32(x), tf32(w), *rest)
    return runner.Pytorch(runner.torch.device("cpu"))


def torch_gpu():
    """The processor, treated as a GPU."""
    import types

    import lathe_pytorch as runner

    class Event:
        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            self.at = time.perf_counter_ns()

        def elapsed_time(self, later):
            return (later.at - self.at) / 1e6

    cuda = runner.torch.cuda
    cuda.Event, cuda.synchronize = Event, lambda: None
    cuda.get_device_properties = lambda device: types.SimpleNamespace(
        name="GPU of the mind", major=9, minor=0, multi_processor_count=132, total_memory=80 << 30)

    class Gpu(runner.Pytorch):
        def fingerprint(self):
            return super().fingerprint()[:-1] + runner.gpu_fields(self.device)

        def make_network(self, ops, first, data):
            return runner.GpuNetwork(ops, data, self.device)

    return Gpu(runner.torch.device("cpu"))


if __name__ == "__main__":
    patch()
    backend = {"torch-kinds": torch_kinds, "torch-gpu": torch_gpu, "torch-tf32": torch_tf32}.get(FAULT, numpy_backend)()
    serve.Server, serve.Session, wire.Responder, wire.Decoder = Server, Session, Responder, Decoder
    serve.main(backend, "wrong-runner 1")
    if fault("never-ends"):
        time.sleep(1000)
