/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <string.h>

#include "server/spaces/internal.h"

static const struct space_family *const families[] = {&inverted_residual_family, &bottleneck_family};

const struct space_family *space_family_find(const char *name)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strcmp(families[i]->name, name) == 0) return families[i];
    }
    return NULL;
}

const char *space_family_names(void)
{
    return "inverted_residual, bottleneck";
}
