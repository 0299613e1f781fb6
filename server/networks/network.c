/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/networks/network.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/layer/board_memory.h"

/* ---- lines ---- */

/* The stride that a line says; 1 where it says none, or none that a layer may have. */
static int stride_of(const char *attributes)
{
    const char *s = strstr(attributes, " s=");
    return s && s[3] >= '1' && s[3] <= '4' ? s[3] - '0' : 1;
}

/* "mbconv 24 mid=64 k=3 s=2 act=relu" and an input make a layer's canonical text. */
static enum lathe_status read_line(const char *line, const struct shape *in, struct layer *out, struct lathe_error *err)
{
    char text[LAYER_TEXT_BYTES];
    size_t kind = strcspn(line, " ");
    const char *rest = line + kind;
    int channels = in->c;
    int digits = rest[0] == ' ' ? (int)strspn(rest + 1, "0123456789") : 0;
    if (digits > 5) return error_set(err, LATHE_INVALID, "at most 65535 channels");
    if (digits) {
        channels = (int)strtol(rest + 1, NULL, 10);
        rest += 1 + digits;
    }
    bool pools = strncmp(line, "avgpool", kind) == 0 || strncmp(line, "linear", kind) == 0;
    int h = pools ? 1 : conv_out_size(in->h, stride_of(rest));
    int w = pools ? 1 : conv_out_size(in->w, stride_of(rest));
    int n = snprintf(text, sizeof text, "%.*s in=%dx%dx%d out=%dx%dx%d%s", (int)kind, line, in->h, in->w, in->c, h, w,
                     channels, rest);
    if (n < 0 || (size_t)n >= sizeof text) return error_set(err, LATHE_INVALID, "too long");
    return layer_parse(text, out, err);
}

enum lathe_status network_read_lines(const json_t *lines, int resolution, struct network *out, struct lathe_error *err)
{
    struct network net = {0};
    struct shape at = {resolution, resolution, 3};
    if (json_array_size(lines) < 1 || json_array_size(lines) > NETWORK_MAX_LAYERS)
        return error_field(err, "layers", "layers must be a list of 1 to %d lines", NETWORK_MAX_LAYERS);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        char field[40];
        struct lathe_error why = {0};
        const char *line = json_string_value(json_array_get(lines, i));
        snprintf(field, sizeof field, "layers[%zu]", i);
        if (!line) return error_field(err, field, "%s must be a text, e.g. \"conv2d 16 k=3 s=2 act=relu\"", field);
        if (read_line(line, &at, &net.layers[i], &why))
            return error_field(err, field, "%s, \"%.80s\": %s", field, line, why.message);
        at = net.layers[i].out;
        net.count++;
    }
    *out = net;
    return LATHE_OK;
}

/* ---- documents ---- */

static enum lathe_status read_own_form(const json_t *document, int resolution, struct network *out,
                                       struct lathe_error *err)
{
    struct json_fields f;
    const json_t *lines = NULL;
    const char *name = NULL;
    json_fields_begin(&f, document, err);
    json_get_name(&f, "name", JSON_OPTIONAL, &name);
    json_allow(&f, "resolution");
    json_get_array(&f, "layers", JSON_REQUIRED, 1, NETWORK_MAX_LAYERS, &lines);
    enum lathe_status st = json_fields_end(&f);
    return st ? st : network_read_lines(lines, resolution, out, err);
}

enum lathe_status network_parse(const json_t *document, int resolution, struct network *out, struct lathe_error *err)
{
    const json_t *own = json_object_get(document, "resolution");
    if (!json_is_object(document)) return error_field(err, "", "a network must be an object");
    if (!json_object_get(document, "layers") && !json_object_get(document, "first_conv"))
        return error_field(err, "layers", "a network has layers, or is a net.config of once-for-all with first_conv");
    if (own &&
        (!json_is_integer(own) || json_integer_value(own) < 1 || json_integer_value(own) > NETWORK_MAX_RESOLUTION))
        return error_field(err, "resolution", "resolution must be a whole number from 1 to %d", NETWORK_MAX_RESOLUTION);
    if (!resolution) resolution = (int)json_integer_value(own);
    if (!resolution) return error_field(err, "resolution", "resolution is missing: the network does not say its own");
    if (json_object_get(document, "first_conv")) return net_config_read(document, resolution, out, err);
    return read_own_form(document, resolution, out, err);
}

/* ---- what is known of a network ---- */

json_t *network_texts(const struct layer *layers, int count)
{
    json_t *texts = json_array();
    for (int i = 0; i < count; i++) {
        char text[LAYER_TEXT_BYTES];
        layer_print(&layers[i], text);
        json_array_append_new(texts, json_string(text));
    }
    return texts;
}

/* FNV-1a, 64 bits, over the texts and their ends. */
void network_id(const struct network *net, char out[NETWORK_ID_BYTES])
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < net->count; i++) {
        char text[LAYER_TEXT_BYTES];
        layer_print(&net->layers[i], text);
        for (size_t at = 0; at <= strlen(text); at++) hash = (hash ^ (unsigned char)text[at]) * 0x100000001b3u;
    }
    snprintf(out, NETWORK_ID_BYTES, "%016" PRIx64, hash);
}

uint64_t network_macs(const struct network *net)
{
    uint64_t sum = 0;
    for (int i = 0; i < net->count; i++) sum += layer_macs(&net->layers[i]);
    return sum;
}

uint64_t network_params(const struct network *net)
{
    uint64_t sum = 0;
    for (int i = 0; i < net->count; i++) sum += layer_params(&net->layers[i]);
    return sum;
}

uint64_t network_board_sram_bytes(const struct network *net)
{
    uint64_t most = 0;
    for (int i = 0; i < net->count; i++) {
        uint64_t bytes = board_layer_arena_bytes(&net->layers[i]);
        if (bytes > most) most = bytes;
    }
    return most;
}

uint64_t network_board_flash_bytes(const struct network *net)
{
    uint64_t sum = 0;
    for (int i = 0; i < net->count; i++) sum += board_layer_flash_bytes(&net->layers[i]);
    return sum;
}
