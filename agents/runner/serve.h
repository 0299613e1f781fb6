/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The runner's side of the wire protocol over two file descriptors. Threads: one. */
#ifndef LATHE_RUNNER_SERVE_H
#define LATHE_RUNNER_SERVE_H

#include <signal.h>
#include <stdint.h>

#include "lut/base/error.h"

/** Answer frames until the input ends, BYE comes, nobody reads the answers, or *stop is not 0 after a signal.
 *  @param memory_bytes as in struct rig_options. @return LATHE_OK, or LATHE_IO when reading fails. */
enum lathe_status serve(int in, int out, uint64_t memory_bytes, const volatile sig_atomic_t *stop,
                        struct lathe_error *err);

#endif
