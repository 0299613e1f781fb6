# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Lathe authors
set(BOARD_TOOLCHAIN arm)
set(BOARD_ARCH cortex_m)
set(BOARD_CHIP mps2)
set(BOARD_FLAGS -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16)
set(BOARD_KERNELS simd)
