/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#ifndef LATHE_TESTS_RECORDING_H
#define LATHE_TESTS_RECORDING_H

#include "tests/nights/nights.h"

enum { RECORDED_NETWORKS = 6, RECORDED_ROUNDS = 8, RECORDED_NIGHTS = 40 };

struct recorded_row {
    uint32_t network[RECORDED_NETWORKS];
    size_t visits[RECORDED_NETWORKS];
    double ms[RECORDED_NETWORKS][RECORDED_ROUNDS];
    size_t networks;
};

struct recording {
    size_t nights, rows;
    struct {
        int kind, stage;
    } layers[SIM_LAYERS];
    struct recorded_row night[RECORDED_NIGHTS][SIM_LAYERS];
};

#endif
