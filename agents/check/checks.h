/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The conformance suite for runners. One check a claim of agents/wire/PROTOCOL.md; each stands alone, begins with a
 * session of its own, and waits with bounds.
 *
 * Add a check: an entry in the table of the file that it belongs to, and a fault in tests/service/wrong_runner.py that
 * it catches, listed in test_check_runner.py. Threads: one. */
#ifndef LATHE_CHECK_CHECKS_H
#define LATHE_CHECK_CHECKS_H

#include "agents/check/probe.h"

struct check {
    const char *name;      /* for --only */
    const char *claim;     /* what holds when it passes */
    const char *paragraph; /* of PROTOCOL.md that says so */
    bool (*run)(struct probe *, struct verdict *);
    const char *const *layers; /* in place of run: texts, NULL-ended; the output of each is compared */
};

/** Build and run each layer by itself and compare its output with what `reference` computes. */
bool outputs_compare_layers(struct probe *, struct verdict *, const char *const *layers);

/* Ended by an entry without a name. */
extern const struct check frame_checks[], session_checks[], open_checks[], network_checks[], run_checks[],
    output_checks[], end_checks[];

#endif
