#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""bench_firmware.py IMAGES EXPECTED [--golden FOLDER [--write]] [BOARD...]

What the firmware's kernels take, in instructions under QEMU. IMAGES is the folder with firmware/*/bench/bench-BOARD.elf,
EXPECTED the program that prints each case's CRC by the reference runtime. Prints MACs an instruction, and fails where a
CRC differs or a target is missed: 1x1 convolutions of 64 or more inputs 0.50, depthwise 3x3 0.20, on cores with the DSP
extension. With --golden the counts must be those of FOLDER/BOARD-gcc-VERSION, to the instruction; another version of the
compiler has no such file, and the comparison is left out. --write writes the file. Exit code 77: nothing to run.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

# The machine, what makes its counter count instructions, and whether its kernels are those with SIMD.
BOARDS = {
    "netduinoplus2": (["qemu-system-arm", "-M", "netduinoplus2", "-icount", "shift=0"], True),
    "mps2-an386": (["qemu-system-arm", "-M", "mps2-an386", "-icount", "shift=7"], True),
    "mps2-an500": (["qemu-system-arm", "-M", "mps2-an500", "-icount", "shift=7"], True),
    "mps2-an385": (["qemu-system-arm", "-M", "mps2-an385", "-icount", "shift=7"], False),
    "riscv32-virt": (["qemu-system-riscv32", "-M", "virt", "-bios", "none", "-icount", "shift=0"], False),
}
COMPILERS = {"riscv32-virt": "riscv64-unknown-elf-gcc"}
TARGETS = {"1x1-64": 0.50, "1x1-192": 0.50, "depthwise-3": 0.20}
LINE = re.compile(r"(\S+) macs (\d+) instructions (\d+) crc ([0-9a-f]{8})")


def run(board, image):
    command = BOARDS[board][0] + ["-kernel", str(image), "-display", "none", "-monitor", "none", "-serial", "stdio",
                                  "-no-reboot"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False)
    lines = done.stdout.splitlines()
    if lines[:1] != ["begin"] or lines[-1:] != ["end"]:
        sys.exit(f"{board}: the image did not come to its end: {lines[-3:]} {done.stderr.strip()}")
    rows = [LINE.fullmatch(line) for line in lines[1:-1]]
    if not all(rows):
        sys.exit(f"{board}: lines that are no counts: {lines}")
    return [(m[1], int(m[2]), int(m[3]), m[4]) for m in rows]


def expected_crcs(program):
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split("\n")
    return dict(line.split(" crc ") for line in lines if line)


def golden_file(folder, board):
    compiler = COMPILERS.get(board, "arm-none-eabi-gcc")
    version = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    return pathlib.Path(folder) / f"{board}-gcc-{version}"


def faults(board, rows, crcs):
    absent = set(crcs) - {name for name, *_ in rows}
    yield from (f"{board}: {name} was not run" for name in absent)
    for name, macs, count, crc in rows:
        if crcs.get(name, crc) != crc:
            yield f"{board}: {name}: CRC {crc}, not the reference runtime's {crcs[name]}"
        if BOARDS[board][1] and macs / count < TARGETS.get(name, 0):
            yield f"{board}: {name}: {macs / count:.3f} MACs an instruction, less than {TARGETS[name]:.2f}"


def compare(board, rows, path, write):
    text = "".join(f"{name} {count}\n" for name, _, count, _ in rows)
    if write:
        path.write_text(text, encoding="ascii")
    elif not path.exists():
        print(f"{board}: no golden counts of this compiler ({path.name}): counts are not compared")
    elif path.read_text(encoding="ascii") != text:
        old = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
        return [f"{board}: {name}: {count} instructions, golden {old.get(name, 'none')}" for name, _, count, _ in rows
                if old.get(name) != str(count)] or [f"{board}: other cases than in {path.name}"]
    return []


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("expected")
    parser.add_argument("boards", nargs="*")
    parser.add_argument("--golden")
    parser.add_argument("--write", action="store_true")
    a = parser.parse_args()
    crcs = expected_crcs(a.expected)
    found, wrong = 0, []
    for board in a.boards or BOARDS:
        images = list(a.images.glob(f"firmware/*/bench/bench-{board}.elf"))
        if not images or not shutil.which(BOARDS[board][0][0]):
            print(f"{board}: no image, or no {BOARDS[board][0][0]}")
            continue
        found += 1
        rows = run(board, images[0])
        wrong += faults(board, rows, crcs)
        for name, macs, count, crc in rows:
            print(f"{board:14} {name:14} {macs:9} MACs {count:9} instructions {macs / count:6.3f} MACs/instruction {crc}")
        if a.golden:
            wrong += compare(board, rows, golden_file(a.golden, board), a.write)
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(1 if wrong else 0 if found else 77)


main()
