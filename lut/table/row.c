/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "lut/base/text.h"
#include "lut/table/table.h"

static const char resolution_mark[] = " @";

void row_print(const struct layer *layer, int resolution, char *out)
{
    layer_print(layer, out);
    size_t n = strlen(out);
    if (resolution) snprintf(out + n, ROW_TEXT_BYTES - n, "%s%d", resolution_mark, resolution);
}

enum lathe_status row_parse(const char *text, struct layer *layer, int *resolution, struct lathe_error *err)
{
    const char *mark = strstr(text, resolution_mark);
    if (!mark) {
        enum lathe_status st = layer_parse(text, layer, err);
        if (!st) *resolution = 0;
        return st;
    }
    const char *number = mark + strlen(resolution_mark);
    uint64_t value;
    if (!text_to_u64(number, strlen(number), &value) || value < 1 || value > 65535)
        return error_field(err, "layer", "layer \"%.200s\": what follows '@' must be a resolution from 1 to 65535",
                           text);
    char name[LAYER_TEXT_BYTES];
    size_t n = (size_t)(mark - text);
    if (n >= sizeof name) return error_field(err, "layer", "layer \"%.200s\" is too long", text);
    memcpy(name, text, n);
    name[n] = '\0';
    enum lathe_status st = layer_parse(name, layer, err);
    if (!st) *resolution = (int)value;
    return st;
}
