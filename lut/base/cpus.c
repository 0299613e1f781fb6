/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/cpus.h"

#include <stdbool.h>
#include <string.h>

#include "lut/base/text.h"

/* "3" or "3-5" of n characters. */
static bool parse_range(const char *text, size_t n, cpu_set_t *set)
{
    uint64_t first;
    uint64_t last;
    const char *dash = memchr(text, '-', n);
    size_t head = dash ? (size_t)(dash - text) : n;
    if (!text_to_u64(text, head, &first)) return false;
    last = first;
    if (dash && !text_to_u64(dash + 1, n - head - 1, &last)) return false;
    if (last < first || last >= CPU_SETSIZE) return false;
    for (uint64_t cpu = first; cpu <= last; cpu++) CPU_SET(cpu, set);
    return true;
}

enum lathe_status cpus_parse(const char *text, cpu_set_t *out, struct lathe_error *err)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    bool good = strlen(text) < CPUS_TEXT_BYTES;
    for (const char *at = text; good; at++) {
        size_t n = strcspn(at, ",");
        good = parse_range(at, n, &set);
        at += n;
        if (!*at) break;
    }
    if (!good)
        return error_field(err, "cpus", "cpus must list processors, such as 0-3,6, of numbers below %d", CPU_SETSIZE);
    *out = set;
    return LATHE_OK;
}

void cpus_mask(const cpu_set_t *set, char out[CPUS_MASK_BYTES])
{
    size_t n = 0;
    for (int digit = CPU_SETSIZE / 4 - 1; digit >= 0; digit--) {
        int value = 0;
        for (int bit = 0; bit < 4; bit++) value |= CPU_ISSET(digit * 4 + bit, set) ? 1 << bit : 0;
        if (value || n) out[n++] = "0123456789abcdef"[value];
    }
    out[n] = '\0';
}
