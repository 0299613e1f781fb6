/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/config.h"

#include <string.h>

#include "lut/base/text.h"
#include "lut/layer/layer.h"

enum { NUMBER_MAX = 64 };

/* Split off "-<letter><number>" at the end of text[0..*length). */
static bool take_number(const char *text, size_t *length, char letter, int *out)
{
    size_t start = *length;
    while (start > 0 && text[start - 1] != '-') start--;
    uint64_t value = 0;
    if (start < 2 || text[start] != letter || !text_to_u64(text + start + 1, *length - start - 1, &value)) return false;
    if (value < 1 || value > NUMBER_MAX) return false;
    *out = (int)value;
    *length = start - 1;
    return true;
}

static bool ends_in_dtype(const char *text, size_t length)
{
    for (int d = 0; d < DTYPES; d++) {
        const char *name = dtype_name((enum dtype)d);
        size_t n = strlen(name);
        if (length > n + 1 && !memcmp(text + length - n, name, n) && text[length - n - 1] == '-') return true;
    }
    return false;
}

enum lathe_status config_read(const char *config, struct config_numbers *out, struct lathe_error *err)
{
    struct config_numbers numbers;
    size_t length = strlen(config);
    if (!text_is_config(config) || !take_number(config, &length, 'b', &numbers.batch) ||
        !take_number(config, &length, 't', &numbers.threads) || !ends_in_dtype(config, length))
        return error_field(err, "config",
                           "config must be <runtime>-<dtype>-t<threads>-b<batch>, e.g. xnnpack-f32-t1-b1 (dtype f32 or "
                           "int8, threads and batch 1 to %d)",
                           NUMBER_MAX);
    if (out) *out = numbers;
    return LATHE_OK;
}
