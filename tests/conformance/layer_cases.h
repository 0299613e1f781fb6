/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Layers and networks that all runtimes are tried on, whatever the dtype. */
#ifndef LATHE_TESTS_CONFORMANCE_LAYER_CASES_H
#define LATHE_TESTS_CONFORMANCE_LAYER_CASES_H

#include "lut/layer/layer.h"

/* By what they have in common. Blocks, bottlenecks and convolutions go through kernels, expansions, strides and
 * activations; the odd ones have odd sizes and channels, and residuals. */
enum layer_family {
    BLOCKS_3,
    BLOCKS_5,
    BLOCKS_7,
    ODD_BLOCKS,
    CONVOLUTIONS,
    ODD_CONVOLUTIONS,
    BOTTLENECKS_1,
    BOTTLENECKS_3,
    BOTTLENECKS_5,
    BOTTLENECKS_7,
    ODD_BOTTLENECKS,
    MAXIMUM_POOLS,
    POOLS_AND_LINEAR,
    FAMILIES
};
void each_layer(enum layer_family, void (*visit)(const struct layer *));

/* Small subnets at 64x64, in the manner of OFA's MobileNetV3 and ResNet50; in each one a layer occurs twice. */
enum { NETWORKS = 2, NETWORK_LAYERS = 16 };
void network_layers(int network, struct layer layers[NETWORK_LAYERS]);

#endif
