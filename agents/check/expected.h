/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a network's output must be: computed by the runtime `reference`, which is linked in. Threads: any. */
#ifndef LATHE_CHECK_EXPECTED_H
#define LATHE_CHECK_EXPECTED_H

#include "agents/check/probe.h"

/** @param options dtype and batch are looked at. @param[out] out malloc'd: the output tensor, NHWC, bytes of it.
 *  @return LATHE_UNSUPPORTED when reference has not the dtype. */
enum lathe_status expected_output(const struct probe_options *, uint32_t seed, const struct layer *, int count,
                                  void **out, size_t *bytes, struct lathe_error *err);
/** As expected_output() in f32, were the weights of equal layers the same: what a runner computes that has forgotten
 * the occurrence. */
enum lathe_status expected_shared_output(const struct probe_options *, uint32_t seed, const struct layer *, int count,
                                         void **out, size_t *bytes, struct lathe_error *err);

/* How far outputs may be off. */
struct difference {
    size_t values, wrong, first_wrong; /* values past the bound, and the index of the first */
    double most;                       /* f32: divided by the larger of 1 and the largest value; int8: steps */
};
/** Compare outputs. @param bound of most: what is beyond is wrong, as is what is not finite. */
struct difference expected_compare(enum dtype, const void *got, const void *want, size_t bytes, double bound);
/** A value, as a number. */
double expected_value(enum dtype, const void *tensor, size_t index);

#endif
