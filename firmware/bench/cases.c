/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/bench/cases.h"

/* Within 64 KB of arena. Blocks are those of MCUNet's networks and of MobileNetV3, and all kinds and activations. */
const struct bench_case bench_cases[] = {
    {"1x1-64", {LAYER_CONV2D, {12, 12, 64}, {12, 12, 64}, 0, 1, 1, ACT_NONE, 0, false}},
    {"1x1-192", {LAYER_CONV2D, {10, 10, 192}, {10, 10, 64}, 0, 1, 1, ACT_NONE, 0, false}},
    {"1x1-16", {LAYER_CONV2D, {24, 24, 16}, {24, 24, 48}, 0, 1, 1, ACT_RELU6, 0, false}},
    {"stem", {LAYER_CONV2D, {64, 64, 3}, {32, 32, 16}, 0, 3, 2, ACT_RELU6, 0, false}},
    {"conv-3x3", {LAYER_CONV2D, {10, 10, 32}, {10, 10, 32}, 0, 3, 1, ACT_HSWISH, 0, true}},
    {"first-block", {LAYER_MBCONV, {32, 32, 16}, {32, 32, 8}, 16, 3, 1, ACT_RELU6, 0, false}},
    {"block-3", {LAYER_MBCONV, {22, 22, 24}, {22, 22, 24}, 96, 3, 1, ACT_RELU6, 0, true}},
    {"block-5", {LAYER_MBCONV, {22, 22, 16}, {11, 11, 24}, 80, 5, 2, ACT_RELU6, 0, false}},
    {"block-7", {LAYER_MBCONV, {11, 11, 40}, {11, 11, 40}, 160, 7, 1, ACT_RELU6, 0, true}},
    {"block-se", {LAYER_MBCONV, {10, 10, 40}, {10, 10, 40}, 120, 5, 1, ACT_HSWISH, 32, true}},
    {"block-swish", {LAYER_MBCONV, {9, 9, 16}, {5, 5, 24}, 64, 3, 2, ACT_SWISH, 4, false}},
    {"bottleneck", {LAYER_BOTTLENECK, {14, 14, 32}, {7, 7, 64}, 16, 3, 2, ACT_RELU, 0, false}},
    {"maxpool", {LAYER_MAXPOOL, {24, 24, 16}, {12, 12, 16}, 0, 3, 2, ACT_NONE, 0, false}},
    {"avgpool", {LAYER_AVGPOOL, {6, 6, 320}, {1, 1, 320}, 0, 0, 0, ACT_NONE, 0, false}},
    {"linear", {LAYER_LINEAR, {1, 1, 320}, {1, 1, 100}, 0, 0, 0, ACT_NONE, 0, false}},
};
const int bench_case_count = sizeof bench_cases / sizeof bench_cases[0];
