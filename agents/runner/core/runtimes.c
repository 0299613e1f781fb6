/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <string.h>

#include "agents/runner/runtime.h"

const struct runtime *runtime_find(const char *name)
{
    for (const struct runtime *const *r = runtimes; *r; r++)
        if (strcmp((*r)->name, name) == 0) return *r;
    return NULL;
}
