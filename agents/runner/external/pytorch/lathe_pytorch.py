#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""A runner of Lathe that executes networks with PyTorch, on a GPU where there is one. README.md tells how to use it.

usage: lathe_pytorch.py [--device auto|cpu|cuda|cuda:N]

Speaks the wire protocol on standard input and output, runtime name "pytorch". LATHE_PYTORCH_DEVICE is the device where
the option is absent; auto takes the first GPU that PyTorch sees, else the processor."""
import argparse
import contextlib
import hashlib
import os
import re
import resource
import sys
import time

import lathe_recipe as recipe
import lathe_serve as serve
import lathe_wire as wire
from lathe_wire import Refused

try:
    import torch
    from torch.nn import functional
except ImportError as missing:
    sys.exit(f"lathe_pytorch: {sys.executable} has no PyTorch ({missing}): install it, or start this with another python")

VERSION = "0.1.0"

# In place: each gets a tensor that a convolution has just made.
ACTIVATE = {
    recipe.ACT_NONE: lambda x: x,
    recipe.ACT_RELU: lambda x: functional.relu(x, inplace=True),
    recipe.ACT_RELU6: lambda x: functional.relu6(x, inplace=True),
    recipe.ACT_HSWISH: lambda x: functional.hardswish(x, inplace=True),
    recipe.ACT_SWISH: lambda x: functional.silu(x, inplace=True),
}


@contextlib.contextmanager
def memory_errors():
    """PyTorch says by a RuntimeError's text that there is no memory."""
    try:
        yield
    except RuntimeError as error:
        if re.search("out of memory|allocate memory|not enough memory", str(error)):
            raise MemoryError(str(error).splitlines()[0]) from error
        raise


class Convolution:
    """k x k with "same" padding, its bias, an activation. Tensors are N x C x H x W, channels last in memory."""

    def __init__(self, weight, bias, act=recipe.ACT_NONE, stride=1, groups=1):
        self.weight, self.bias, self.activate = weight, bias, ACTIVATE[act]
        self.stride, self.groups, self.padding = stride, groups, (weight.shape[-1] - 1) // 2

    def __call__(self, x):
        return self.activate(functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, 1, self.groups))


class Conv2d:
    def __init__(self, layer, convolutions):
        self.convolve = convolutions(recipe.DENSE, layer.act, layer.stride)
        self.residual = layer.residual

    def __call__(self, x):
        y = self.convolve(x)
        return y.add_(x) if self.residual else y


class SqueezeExcite:
    def __init__(self, layer, convolutions):
        smooth = layer.act == recipe.ACT_SWISH
        self.squeeze = convolutions(recipe.SQUEEZE, recipe.ACT_SWISH if smooth else recipe.ACT_RELU)
        self.excite = convolutions(recipe.EXCITE)
        self.gate = torch.sigmoid if smooth else functional.hardsigmoid

    def __call__(self, x):
        return x.mul_(self.gate(self.excite(self.squeeze(functional.adaptive_avg_pool2d(x, 1)))))


class Mbconv:
    def __init__(self, layer, convolutions):
        steps = []
        if layer.expands():
            steps.append(convolutions(recipe.EXPAND, layer.act))
        steps.append(convolutions(recipe.DEPTHWISE, layer.act, layer.stride, layer.mid))
        if layer.se:
            steps.append(SqueezeExcite(layer, convolutions))
        steps.append(convolutions(recipe.DENSE))
        self.steps, self.residual = steps, layer.residual

    def __call__(self, x):
        y = x
        for step in self.steps:
            y = step(y)
        return y.add_(x) if self.residual else y


class Bottleneck:
    def __init__(self, layer, convolutions):
        self.steps = [convolutions(recipe.EXPAND, layer.act), convolutions(recipe.WINDOW, layer.act, layer.stride),
                      convolutions(recipe.DENSE)]
        self.activate, self.stride = ACTIVATE[layer.act], layer.stride
        self.shortcut = None if layer.residual else convolutions(recipe.SHORTCUT)

    def __call__(self, x):
        y = x
        for step in self.steps:
            y = step(y)
        if self.shortcut and self.stride > 1:  # pixels outside the image do not count
            x = functional.avg_pool2d(x, self.stride, self.stride, ceil_mode=True, count_include_pad=False)
        return self.activate(y.add_(self.shortcut(x) if self.shortcut else x))


class Maxpool:
    def __init__(self, layer, _):
        self.kernel, self.stride = layer.kernel, layer.stride

    def __call__(self, x):
        return functional.max_pool2d(x, self.kernel, self.stride, (self.kernel - 1) // 2)


class Avgpool:
    def __init__(self, *_):
        pass

    def __call__(self, x):
        return functional.adaptive_avg_pool2d(x, 1)


class Linear:
    def __init__(self, _, convolutions):
        dense = convolutions(recipe.DENSE)
        self.weight, self.bias = dense.weight.flatten(1), dense.bias

    def __call__(self, x):
        return functional.linear(x.flatten(1), self.weight, self.bias)[:, :, None, None]


KINDS = {recipe.CONV2D: Conv2d, recipe.MBCONV: Mbconv, recipe.AVGPOOL: Avgpool, recipe.LINEAR: Linear,
         recipe.BOTTLENECK: Bottleneck, recipe.MAXPOOL: Maxpool}


def torch_weight(number, tensor):
    """From the recipe's layout to out x in/groups x k x k."""
    weight = torch.from_numpy(tensor)
    if number == recipe.DEPTHWISE:
        return weight.permute(2, 0, 1)[:, None]
    return weight.permute(0, 3, 1, 2) if weight.dim() == 4 else weight[:, :, None, None]


class Network:
    """Ops in a row on one device, and the input they find at each run."""

    def __init__(self, ops, data, device):
        self.ops = ops
        pristine = torch.from_numpy(data).permute(0, 3, 1, 2)  # NHWC in memory is channels last
        self.pristine = pristine.to(device)
        self.input = self.pristine.clone(memory_format=torch.preserve_format)
        self.result = None

    def forward(self):
        x = self.input
        for op in self.ops:
            x = op(x)
        self.result = x

    def set_up(self):
        """The first run chooses kernels and makes the allocator's pool; it is part of no sample."""
        self.run(False)

    def run(self, per_layer):
        self.result = None
        with memory_errors(), torch.inference_mode():
            self.input.copy_(self.pristine)
            return self.timed_layers() if per_layer else self.timed()

    def timed(self):
        start = time.perf_counter_ns()
        self.forward()
        return serve.Sample(time.perf_counter_ns() - start)

    def timed_layers(self):
        layers, x = [], self.input
        used = usage()
        first = start = end = time.perf_counter_ns()
        for op in self.ops:
            start = time.perf_counter_ns()
            x = op(x)
            end = time.perf_counter_ns()
            now = usage()
            layers.append((end - start, now[0] - used[0], now[1] - used[1]))
            used = now
        self.result = x
        return serve.Sample(end - first, layers)

    def output(self):
        """As it is in memory were it without gaps: NHWC."""
        return self.result.permute(0, 2, 3, 1).contiguous().cpu().numpy().tobytes()


WHO = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)  # systems other than Linux know processes alone


def usage():
    """Of this thread: CPU time in nanoseconds and involuntary context switches."""
    return time.thread_time_ns(), resource.getrusage(WHO).ru_nivcsw


class GpuNetwork(Network):
    """On a GPU, kernels run behind the program's back: layers are timed by events in the stream, the run by the clock,
    from when the GPU is idle to when it is idle again."""

    def __init__(self, ops, data, device):
        super().__init__(ops, data, device)
        self.events = [torch.cuda.Event(enable_timing=True) for _ in range(len(ops) + 1)]

    def timed(self):
        torch.cuda.synchronize()
        start = time.perf_counter_ns()
        self.forward()
        torch.cuda.synchronize()
        return serve.Sample(time.perf_counter_ns() - start)

    def timed_layers(self):
        torch.cuda.synchronize()
        start = time.perf_counter_ns()
        x = self.input
        self.events[0].record()
        for op, event in zip(self.ops, self.events[1:]):
            x = op(x)
            event.record()
        torch.cuda.synchronize()
        total = time.perf_counter_ns() - start
        self.result = x
        pairs = zip(self.events, self.events[1:])
        return serve.Sample(total, [(round(a.elapsed_time(b) * 1e6), 0, 0) for a, b in pairs])


def gpu_fields(device):
    """What of a GPU changes results."""
    properties = torch.cuda.get_device_properties(device)
    driver = serve.first_line("/proc/driver/nvidia/version", r"NVRM version:.*?(\d+\.[\d.]+)")
    return [("device", properties.name),
            ("compute", f"{properties.major}.{properties.minor} {properties.multi_processor_count} SMs "
                        f"{properties.total_memory >> 20} MiB"),
            ("cuda", torch.version.cuda or f"rocm {torch.version.hip}"),
            ("cudnn", torch.backends.cudnn.version()), ("driver", driver or "unknown"), ("tf32", "off")]


class Pytorch(serve.Backend):
    name = "pytorch"

    def __init__(self, device):
        """@param device a torch.device, or None: choose."""
        self.device = device

    def open(self, dtype, threads, batch):
        if dtype != 0:
            raise Refused(wire.E_UNSUPPORTED, "pytorch knows f32 only")
        if self.device is None:
            self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.set_num_threads(threads)
        # f32 means f32: convolutions and products in TF32 would be faster, and off by a thousandth.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
            torch.zeros(1, device=self.device)  # the driver starts here, not in the first network

    def memory_bytes(self):
        if self.device.type == "cuda":
            return torch.cuda.get_device_properties(self.device).total_memory // 10 * 9
        return serve.machine_memory_bytes()

    def fingerprint(self):
        config = torch.__config__.show()
        settings = [f"{key}={value}" for key, value in re.findall(r"(BUILD_TYPE|BLAS_INFO|USE_\w+)=(\w+)", config)
                    if key in ("BUILD_TYPE", "BLAS_INFO", "USE_MKLDNN", "USE_MKL", "USE_OPENMP", "USE_CUDA")]
        capability = re.search(r"CPU capability usage: (.*)", config)
        fields = [("runtime", f"pytorch {torch.__version__}"), ("mode", "eager channels_last"),
                  ("isa", capability.group(1).strip() if capability else "unknown"),
                  ("flags", " ".join([*settings, hashlib.sha256(config.encode()).hexdigest()[:8]]))]
        return fields + (gpu_fields(self.device) if self.device.type == "cuda" else [("device", "cpu")])

    def tensor(self, weight):
        return weight.to(self.device).contiguous(memory_format=torch.channels_last)

    def make_op(self, layer, weights):
        def convolution(number, act=recipe.ACT_NONE, stride=1, groups=1):
            tensor, bias = weights[number]
            return Convolution(self.tensor(torch_weight(number, tensor)), torch.from_numpy(bias).to(self.device), act,
                               stride, groups)

        with memory_errors():
            return KINDS[layer.kind](layer, convolution)

    def make_network(self, ops, first, data):
        network = GpuNetwork if self.device.type == "cuda" else Network
        with memory_errors():
            return network(ops, data, self.device)

    def close(self):
        if self.device is not None and self.device.type == "cuda":
            torch.cuda.empty_cache()


def read_arguments():
    parser = argparse.ArgumentParser(prog="lathe_pytorch.py", description="Times networks with PyTorch for Lathe: speaks "
                                     "the wire protocol on standard input and output.")
    parser.add_argument("--device", default=os.environ.get("LATHE_PYTORCH_DEVICE", "auto"),
                        help="auto (default), cpu, cuda or cuda:N; also LATHE_PYTORCH_DEVICE")
    arguments = parser.parse_args()
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", arguments.device):
        parser.error(f"--device can't be {arguments.device!r}: auto, cpu, cuda or cuda:N")
    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error(f"--device {arguments.device}: PyTorch {torch.__version__} sees no GPU here")
    return arguments


def main():
    device = read_arguments().device
    torch.set_num_interop_threads(1)
    return serve.main(Pytorch(None if device == "auto" else torch.device(device)), f"lathe-pytorch {VERSION}")


if __name__ == "__main__":
    sys.exit(main())
