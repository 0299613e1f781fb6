/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/slowdown.h"

#include <stdio.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/text.h"

static struct {
    char prefix[LAYER_TEXT_BYTES];
    double share; /* 0: none */
} setting;

enum lathe_status slowdown_set(const char *text, struct lathe_error *err)
{
    double factor = 1;
    setting.share = 0;
    if (!text || !*text) return LATHE_OK;
    const char *equals = strrchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : 0;
    if (!n || n >= sizeof setting.prefix || !text_to_double(equals + 1, strlen(equals + 1), &factor) ||
        !(factor >= 1 && factor <= 100))
        return error_field(err, SLOWDOWN_VARIABLE, "%s must be LAYER=FACTOR with a factor from 1 to 100",
                           SLOWDOWN_VARIABLE);
    snprintf(setting.prefix, sizeof setting.prefix, "%.*s", (int)n, text);
    setting.share = factor - 1;
    return LATHE_OK;
}

double slowdown_share(const struct layer *layer)
{
    char text[LAYER_TEXT_BYTES];
    if (!(setting.share > 0)) return 0;
    layer_print(layer, text);
    return strncmp(text, setting.prefix, strlen(setting.prefix)) == 0 ? setting.share : 0;
}

void slowdown_wait(uint64_t start_ns, double share)
{
    uint64_t now = clock_now_ns();
    uint64_t until = now + (uint64_t)((double)(now - start_ns) * share);
    while (now < until) now = clock_now_ns();
}
