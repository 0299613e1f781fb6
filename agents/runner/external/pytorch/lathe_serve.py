# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""Everything of a runner but the inference itself: requests, networks, samples. A runner for another library is a
Backend and a call of main(); lathe_pytorch.py is one."""
import gc
import hashlib
import os
import pathlib
import platform
import re
import secrets
import signal
import struct
import sys
import time
import zlib

import lathe_recipe as recipe
import lathe_wire as wire
from lathe_wire import Refused

MAX_NETWORKS, MAX_LAYERS, MAX_RUNS = 4096, 1024, 10000
RECORDS_PER_FRAME, CHUNK_BYTES = 25, 224


class Backend:
    """What a library does for a runner. Methods may raise Refused, MemoryError for what does not fit, or anything
    else: the request is then answered by ERROR failed with the exception's text."""

    name = ""  # the runtime's, in OPEN

    def open(self, dtype, threads, batch):
        """Make ready. Refused, code unsupported, for what this library can't do."""
        raise NotImplementedError

    def fingerprint(self):
        """[(key, value)] of what changes results, beyond what this module adds itself; "runtime" among them."""
        raise NotImplementedError

    def memory_bytes(self):
        """Most that weights and activations may take."""
        raise NotImplementedError

    def make_op(self, layer, weights):
        """@param weights as recipe.weights() gives them. @return what make_network() takes."""
        raise NotImplementedError

    def make_network(self, ops, first, data):
        """@param data the input, NHWC. @return an object with set_up(), run(per_layer), which gives one Sample and
        finds the same input each time, and output(): the bytes of the last run's output, NHWC."""
        raise NotImplementedError

    def state(self):
        """How the device is now: a dict with what is known of temperature_c, khz, busy_khz, max_khz, available_kib,
        others_share (0..1) and throttles. None: nothing is."""
        return None

    def close(self):
        """Drop all that open() made."""


class Sample:
    """One run: total_ns, and per layer (wall_ns, cpu_ns, preempted)."""

    def __init__(self, total_ns, layers=()):
        self.total_ns, self.layers = total_ns, layers


class Network:
    """A network as NET_BUILD left it."""

    def __init__(self, layers, runnable):
        self.layers, self.runnable, self.is_set_up = layers, runnable, False


def activation_bytes(layers, batch):
    """The largest layer's; a lower bound of what a library needs."""
    return max(layer.elements() for layer in layers) * 4 * batch


def check_fit(layers):
    for i in range(1, len(layers)):
        before, layer = layers[i - 1], layers[i]
        if (layer.in_h, layer.in_w, layer.in_c) != (before.out_h, before.out_w, before.out_c):
            raise Refused(wire.E_INVALID, f"layer {i} does not take what the layer before it gives")


def occurrences(layers):
    """Of each layer: how many equal ones come before it."""
    seen = {}
    out = []
    for layer in layers:
        out.append(seen.get(layer, 0))
        seen[layer] = out[-1] + 1
    return out


class Session:
    """What lives from OPEN to the next OPEN or HELLO: ops by layer and occurrence, networks by number."""

    def __init__(self, backend, batch, seed):
        self.backend, self.batch, self.seed = backend, batch, seed
        self.lines = []
        self.reset()

    def reset(self):
        self.ops, self.networks, self.weight_bytes, self.drafted = {}, {}, 0, None
        self.forget_samples()
        gc.collect()

    def forget_samples(self):
        self.samples, self.output, self.layers_timed = [], b"", 0

    def build(self, number, layers):
        """@return payload of the reply."""
        check_fit(layers)
        keys = list(zip(layers, occurrences(layers)))
        new = [key for key in keys if key not in self.ops]
        arena = activation_bytes(layers, self.batch)
        needed = self.weight_bytes + 4 * sum(recipe.weight_count(layer) for layer, _ in new) + arena
        if needed > self.backend.memory_bytes():
            raise Refused(wire.E_NO_MEMORY, f"the network does not fit: {needed} bytes of weights and activations are "
                          f"needed, {self.backend.memory_bytes()} allowed", min(needed, 2**64 - 1))
        made = {key: self.backend.make_op(key[0], recipe.weights(key[0], key[1], self.seed)) for key in new}
        ops = [made.get(key) or self.ops[key] for key in keys]
        data = recipe.network_input(layers[0], self.seed, self.batch)
        self.networks[number] = Network(layers, self.backend.make_network(ops, layers[0], data))
        self.ops.update(made)
        self.weight_bytes += 4 * sum(recipe.weight_count(layer) for layer, _ in new)
        weights = 4 * sum(recipe.weight_count(layer) for layer in layers)
        return struct.pack("<QQII", arena, weights, len(new), len(layers) - len(new))

    def visit(self, number, warmup, runs, per_layer):
        """@return payload of the reply."""
        network = self.networks.get(number)
        if not network:
            raise Refused(wire.E_NOT_FOUND, f"network {number} was not built")
        start = time.perf_counter_ns()
        gc.collect()
        gc.disable()
        try:
            if not network.is_set_up:
                network.runnable.set_up()
                network.is_set_up = True
            set_up = time.perf_counter_ns() - start
            for _ in range(warmup):
                network.runnable.run(False)
            self.samples = [network.runnable.run(per_layer) for _ in range(runs)]
            elapsed = time.perf_counter_ns() - start
        finally:
            gc.enable()
        self.output = network.runnable.output()
        self.layers_timed = len(network.layers) if per_layer else 0
        return struct.pack("<HHIIIQQ", runs, self.layers_timed, self.record_count(), len(self.output),
                           zlib.crc32(self.output), set_up, elapsed)

    def record_count(self):
        return len(self.samples) * (self.layers_timed + 1)

    def record(self, index):
        run, layer = divmod(index, self.layers_timed + 1)
        sample = self.samples[run]
        if layer == self.layers_timed:
            return struct.pack("<QB", sample.total_ns, min(sum(l[2] for l in sample.layers), 255))
        wall, cpu, preempted = sample.layers[layer]
        return struct.pack("<IIB", min(wall, 2**32 - 1), min(cpu, 2**32 - 1), min(preempted, 255))


class Server:
    """Handles requests by type. One backend, one session at a time."""

    def __init__(self, backend, program):
        self.backend, self.program = backend, program
        self.boot = secrets.randbits(32)
        self.session = None
        self.ended = False
        self.build_id = build_id()
        self.handlers = {
            wire.HELLO: self.hello, wire.OPEN: self.open, wire.INFO: self.info, wire.NET_BEGIN: self.net_begin,
            wire.NET_LAYERS: self.net_layers, wire.NET_BUILD: self.net_build, wire.RUN: self.run,
            wire.FETCH: self.fetch, wire.OUTPUT: self.output, wire.RESET: self.reset, wire.BYE: self.bye,
            wire.STATE: self.state,
        }

    def handle(self, kind, payload):
        handler = self.handlers.get(kind)
        if not handler:
            raise Refused(wire.E_UNSUPPORTED, "this runner does not know this type of request")
        try:
            return handler(payload)
        except Refused:
            raise
        except MemoryError as error:
            raise Refused(wire.E_NO_MEMORY, f"out of memory: {error}") from error
        except Exception as error:  # whatever a library throws is an answer, never the runner's end
            raise Refused(wire.E_FAILED, f"{type(error).__name__}: {error}") from error

    def opened(self):
        if not self.session:
            raise Refused(wire.E_STATE, "no runtime is open: OPEN comes first")
        return self.session

    def drop(self):
        if self.session:
            self.session.reset()
            self.session = None
            self.backend.close()

    def hello(self, payload):
        payload.take("BH")
        payload.end()
        self.drop()
        return (struct.pack("<BBHHHIQQ", wire.VERSION, 0, wire.FRAME_BYTES, MAX_LAYERS, MAX_NETWORKS, self.boot, 0, 0) +
                wire.text(self.program, 31) + wire.text(self.build_id, 31))

    def open(self, payload):
        runtime = payload.text(31)
        dtype, threads, batch, seed = payload.take("BBBI")
        payload.end()
        self.drop()
        if runtime != self.backend.name:
            raise Refused(wire.E_UNSUPPORTED, f"this runner has no runtime {runtime}; it has {self.backend.name}")
        if not 1 <= threads <= 64 or not 1 <= batch <= 64:
            raise Refused(wire.E_INVALID, "threads and batch are from 1 to 64")
        self.backend.open(dtype, threads, batch)
        session = Session(self.backend, batch, seed)
        session.lines = fingerprint(self, dtype, threads, batch)
        self.session = session
        return struct.pack("<H", len(session.lines))

    def info(self, payload):
        (index,) = payload.take("H")
        payload.end()
        lines = self.opened().lines
        if index >= len(lines):
            raise Refused(wire.E_NOT_FOUND, "there is no such line")
        return struct.pack("<H", index) + wire.text(lines[index], 231)

    def net_begin(self, payload):
        network, layers = payload.take("HH")
        payload.end()
        session = self.opened()
        if network >= MAX_NETWORKS or not 1 <= layers <= MAX_LAYERS:
            raise Refused(wire.E_INVALID, f"networks are 0 to {MAX_NETWORKS - 1} and have 1 to {MAX_LAYERS} layers")
        session.drafted = (network, layers, [])
        return b""

    def net_layers(self, payload):
        first, count = payload.take("HB")
        data = [payload.take(f"{recipe.LAYER.size}s")[0] for _ in range(count)]
        payload.end()
        drafted = self.opened().drafted
        if not drafted or first != len(drafted[2]) or first + count > drafted[1]:
            raise Refused(wire.E_STATE, "layers come in order, as many as NET_BEGIN said")
        drafted[2].extend([recipe.Layer.read(layer) for layer in data])
        return b""

    def net_build(self, payload):
        (network,) = payload.take("H")
        payload.end()
        session = self.opened()
        drafted = session.drafted
        if not drafted or network != drafted[0] or len(drafted[2]) != drafted[1]:
            raise Refused(wire.E_STATE, "the network is not described: NET_BEGIN and all its layers come first")
        session.drafted = None
        session.forget_samples()
        return session.build(network, drafted[2])

    def run(self, payload):
        network, warmup, runs, flags = payload.take("HHHB")
        payload.end()
        session = self.opened()
        session.forget_samples()
        if flags & ~1:
            raise Refused(wire.E_UNSUPPORTED, "RUN has a flag that this runner does not know")
        if not 1 <= runs <= MAX_RUNS or warmup > MAX_RUNS:
            raise Refused(wire.E_INVALID, f"runs are from 1 to {MAX_RUNS}, warm-up runs at most as many")
        return session.visit(network, warmup, runs, bool(flags & 1))

    def fetch(self, payload):
        (first,) = payload.take("I")
        payload.end()
        session = self.sampled()
        if first >= session.record_count():
            raise Refused(wire.E_INVALID, "there is no such record")
        count = min(RECORDS_PER_FRAME, session.record_count() - first)
        return (struct.pack("<IHB", first, session.layers_timed, count) +
                b"".join(session.record(first + i) for i in range(count)))

    def output(self, payload):
        (offset,) = payload.take("I")
        payload.end()
        data = self.sampled().output
        if offset >= len(data):
            raise Refused(wire.E_INVALID, "the output ends before this offset")
        chunk = data[offset:offset + CHUNK_BYTES]
        return struct.pack("<IIB", offset, len(data), len(chunk)) + chunk

    def sampled(self):
        session = self.opened()
        if not session.samples:
            raise Refused(wire.E_STATE, "nothing to fetch: RUN comes first")
        return session

    def reset(self, payload):
        payload.end()
        self.opened().reset()
        return b""

    def bye(self, payload):
        payload.end()
        self.ended = True
        return b""

    def state(self, payload):
        payload.end()
        now = self.backend.state()
        if now is None:
            raise Refused(wire.E_UNSUPPORTED, "this runner does not know how its device is")
        kelvin = now["temperature_c"] + 273.15 if "temperature_c" in now else 0
        others = round(now["others_share"] * 1000) if "others_share" in now else 0xFFFF
        return struct.pack("<HIIIQHI", round(kelvin * 10), now.get("khz", 0), now.get("busy_khz", 0), now.get("max_khz", 0),
                           now.get("available_kib", 0), others, now.get("throttles", 0))

    def serve(self, source, target):
        """Answer until the input ends or BYE comes. @param source, target file descriptors."""
        responder, decoder = wire.Responder(self.handle), wire.Decoder()
        while not self.ended:
            data = os.read(source, 4096)
            if not data:
                break
            for message in decoder.feed(data):
                answer = responder.receive(message)
                while answer:
                    answer = answer[os.write(target, answer):]
                if self.ended:
                    break


def build_id():
    """Changes when the runner's own files do."""
    digest = hashlib.sha256()
    program = pathlib.Path(sys.argv[0])
    files = {pathlib.Path(__file__).resolve().parent / name
             for name in ("lathe_serve.py", "lathe_wire.py", "lathe_recipe.py")}
    if program.is_file():
        files.add(program.resolve())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def first_line(path, pattern="(.+)"):
    """What the first line of a file that matches has in the pattern's group, or None."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search("^" + pattern, text, re.MULTILINE)
    return found.group(1).strip() if found else None


def cpu_name():
    return (first_line("/proc/cpuinfo", r"model name\s*:(.*)") or
            first_line("/sys/firmware/devicetree/base/model") or platform.processor() or "unknown")


def affinity():
    """Processors this program may run on, "0-3,6"."""
    if not hasattr(os, "sched_getaffinity"):
        return "unknown"
    ranges = []
    for cpu in sorted(os.sched_getaffinity(0)):
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in ranges)


def fingerprint(server, dtype, threads, batch):
    """Lines "key=value": the machine, then what the backend adds."""
    governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    fields = [("runner", f"{server.program} {server.build_id}"), ("dtype", ["f32", "int8"][dtype]),
              ("threads", threads), ("batch", batch), ("cpu", cpu_name()),
              ("kernel", f"{platform.release()} {platform.machine()}"),
              ("governor", first_line(governor) or "none"), ("affinity", affinity()),
              ("python", platform.python_version()), *server.backend.fingerprint()]
    return [re.sub("[^ -~]", "?", f"{key}={value}")[:199] for key, value in fields]


def machine_memory_bytes():
    """Three quarters of the machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4 * 3


def main(backend, program):
    """Serve on standard input and output. Standard output carries frames and nothing else, whatever a library may
    print."""
    target = os.dup(1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.collect()
    gc.freeze()  # a library's hundred thousand objects are not gone through before each visit
    try:
        Server(backend, program).serve(0, target)
    except BrokenPipeError:
        pass  # nobody reads any more
    return 0
