/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/boards/clock.h"
#include "firmware/chips/mps2/mps2.h"

const struct board board = {.name = "mps2-an386", .core = "Cortex-M4F", MPS2_BOARD};
