/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Subnets with known accuracies, read from CSV. Threads: one owner. */
#ifndef LATHE_PREDICTORS_SAMPLES_H
#define LATHE_PREDICTORS_SAMPLES_H

#include "server/spaces/space.h"

struct sample {
    struct subnet subnet;
    double top1; /* fraction */
};

struct samples {
    struct sample *items;
    size_t count;
};

/** Read "k0,..,e0,..,d0,..,r,accuracy" and a row a subnet, as predictor_train() says. Nothing is taken unless all
 *  of it is well formed; err has the first broken line. @param[out] out samples_clear() it. */
enum lathe_status samples_parse(const struct space *, const char *csv, size_t size, struct samples *out,
                                struct lathe_error *err);
void samples_clear(struct samples *);

#endif
