#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
"""make_blob.py OUT.c: the constant that all int8 weights are cut from, as firmware/kernels/execute.h declares it.

agents/wire/PROTOCOL.md, "int8", defines it. Its beginning comes once more at the end, so that no row wraps around.
"""
import sys

VALUES = 65521
AGAIN = 8192 + 4  # BOARD_FAN_IN_MAX, and what a word may have beyond a row


def blob():
    x = 1
    for _ in range(VALUES):
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        value = (x >> 24) - 256 if x >> 31 else x >> 24
        yield max(value, -127)


def main():
    values = list(blob())
    values += values[:AGAIN]
    lines = [", ".join(map(str, values[i : i + 24])) for i in range(0, len(values), 24)]
    with open(sys.argv[1], "w", encoding="ascii") as out:
        out.write('#include "firmware/kernels/execute.h"\n\nconst int8_t kernel_blob[KERNEL_BLOB_BYTES] = {\n')
        out.write(",\n".join(lines) + "};\n")


main()
