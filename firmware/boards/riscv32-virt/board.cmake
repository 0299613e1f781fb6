# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
set(BOARD_TOOLCHAIN riscv)
set(BOARD_ARCH riscv)
set(BOARD_CHIP "")
# By version 2.2 of the specification CSR instructions belong to I, and the C library is found by that name.
set(BOARD_FLAGS -march=rv32imac -mabi=ilp32 -misa-spec=2.2)
set(BOARD_KERNELS plain)
