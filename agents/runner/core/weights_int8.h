/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The int8 part of weights.c. Threads: plain values. */
#ifndef LATHE_RUNNER_WEIGHTS_INT8_H
#define LATHE_RUNNER_WEIGHTS_INT8_H

#include "agents/runner/core/weights.h"

/** Bytes of values, scales and biases. */
size_t quant_tensors_bytes(const struct quant_tensor tensors[TENSORS]);
/** Copy all tensors into one block. @param[out] block owned by the caller, NULL without tensors. */
enum lathe_status quant_tensors_copy(const struct quant_tensor from[TENSORS], void **block,
                                     struct quant_tensor to[TENSORS], struct lathe_error *err);

#endif
