/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <string.h>

#include "agents/transport/session.h"
#include "lut/base/text.h"

/* "<prefix><number>" at *text up to '-' or the end, number from 1 to 64. Moves *text past it. */
static bool take_number(const char **text, char prefix, int *out)
{
    size_t n = strcspn(*text, "-");
    uint64_t number;
    if (n < 2 || (*text)[0] != prefix || !text_to_u64(*text + 1, n - 1, &number) || number < 1 || number > 64)
        return false;
    *out = (int)number;
    *text += n;
    return true;
}

enum lathe_status runtime_config_parse(const char *config, struct runtime_config *out, struct lathe_error *err)
{
    struct runtime_config c = {0};
    char dtype[16];
    const char *at = config;
    size_t name = strcspn(at, "-");
    size_t type = at[name] ? strcspn(at + name + 1, "-") : 0;
    bool ok = name > 0 && name < sizeof c.runtime && type > 0 && type < sizeof dtype;
    if (ok) {
        memcpy(c.runtime, at, name);
        memcpy(dtype, at + name + 1, type);
        dtype[type] = '\0';
        at += name + 1 + type;
        ok = text_is_name(c.runtime) && dtype_parse(dtype, &c.dtype) && *at++ == '-' &&
             take_number(&at, 't', &c.threads) && *at++ == '-' && take_number(&at, 'b', &c.batch) && !*at;
    }
    if (!ok)
        return error_field(err, "config",
                           "config \"%.64s\" is not RUNTIME-DTYPE-tTHREADS-bBATCH, such as xnnpack-f32-t1-b1 (f32 or "
                           "int8, threads and batch from 1 to 64)",
                           config);
    *out = c;
    return LATHE_OK;
}
