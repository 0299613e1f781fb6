# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
set(BOARD_TOOLCHAIN arm)
set(BOARD_ARCH cortex_m)
set(BOARD_CHIP mps2)
set(BOARD_FLAGS -mcpu=cortex-m3 -mthumb)
set(BOARD_KERNELS plain)
