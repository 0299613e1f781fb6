/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the interface says of itself: share/lathe/openapi.json, kept in memory. Threads: read only once loaded. */
#ifndef LATHE_ROUTES_DESCRIPTION_H
#define LATHE_ROUTES_DESCRIPTION_H

#include <stddef.h>

#include "lut/base/error.h"

struct description {
    char *text; /* JSON; owned */
    size_t size;
    char tag[17]; /* another one for another text */
};

/** @param share folder of Lathe's data. @param[out] out written on LATHE_OK only; free by description_clear(). */
enum lathe_status description_load(const char *share, struct description *out, struct lathe_error *err);
void description_clear(struct description *);

#endif
