/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "lut/base/text.h"
#include "lut/layer/layer.h"

void layer_print(const struct layer *l, char *out)
{
    int n = snprintf(out, LAYER_TEXT_BYTES, "%s in=%dx%dx%d out=%dx%dx%d", layer_kind_name(l->kind), l->in.h, l->in.w,
                     l->in.c, l->out.h, l->out.w, l->out.c);
    char *end = out + n;
    char *limit = out + LAYER_TEXT_BYTES;
    if (l->kind == LAYER_MBCONV) end += snprintf(end, (size_t)(limit - end), " mid=%d", l->mid);
    if (l->kind == LAYER_MBCONV || l->kind == LAYER_CONV2D)
        end += snprintf(end, (size_t)(limit - end), " k=%d s=%d act=%s", l->kernel, l->stride, activation_name(l->act));
    if (l->se) end += snprintf(end, (size_t)(limit - end), " se=%d", l->se);
    if (l->residual) snprintf(end, (size_t)(limit - end), " res=1");
}

/* Cursor over "key=value" words separated by single spaces. */
struct words {
    const char *at;
};

/* Take "key=" off the front; on success value/length are the rest of the word. */
static bool take_word(struct words *w, const char *key, const char **value, size_t *length)
{
    size_t n = strlen(key);
    if (w->at[0] != ' ' || strncmp(w->at + 1, key, n) != 0 || w->at[1 + n] != '=') return false;
    *value = w->at + 1 + n + 1;
    *length = strcspn(*value, " ");
    w->at = *value + *length;
    return true;
}

static bool take_number(struct words *w, const char *key, int *out)
{
    const char *value;
    size_t length;
    uint64_t number;
    if (!take_word(w, key, &value, &length) || !text_to_u64(value, length, &number) || number > 65535) return false;
    *out = (int)number;
    return true;
}

static bool take_shape(struct words *w, const char *key, struct shape *out)
{
    const char *value;
    size_t length;
    if (!take_word(w, key, &value, &length)) return false;
    int *const parts[3] = {&out->h, &out->w, &out->c};
    for (int i = 0; i < 3; i++) {
        const char *cross = i < 2 ? memchr(value, 'x', length) : value + length;
        uint64_t number;
        if (!cross || !text_to_u64(value, (size_t)(cross - value), &number) || number > 65535) return false;
        *parts[i] = (int)number;
        length -= (size_t)(cross - value) + (i < 2);
        value = cross + (i < 2);
    }
    return true;
}

static bool take_activation(struct words *w, enum activation *out)
{
    const char *value;
    size_t length;
    return take_word(w, "act", &value, &length) && activation_parse(value, length, out);
}

enum lathe_status layer_parse(const char *text, struct layer *out, struct lathe_error *err)
{
    static const char form[] = "KIND in=HxWxC out=HxWxC [mid=N] [k=N s=N act=none|relu|relu6|hswish] [se=N] [res=1]";
    struct layer l = {0};
    size_t kind_length = strcspn(text, " ");
    int kind = 0;
    while (kind < LAYER_KINDS && (strlen(layer_kind_name((enum layer_kind)kind)) != kind_length ||
                                  memcmp(text, layer_kind_name((enum layer_kind)kind), kind_length) != 0))
        kind++;
    if (kind == LAYER_KINDS)
        return error_field(err, "layer", "layer \"%.100s\" starts with no known kind (conv2d, mbconv, avgpool, linear)",
                           text);
    l.kind = (enum layer_kind)kind;

    struct words w = {text + kind_length};
    const char *wanted = "in";
    bool ok = take_shape(&w, "in", &l.in) && (wanted = "out", take_shape(&w, "out", &l.out));
    if (ok && l.kind == LAYER_MBCONV) ok = (wanted = "mid", take_number(&w, "mid", &l.mid));
    if (ok && (l.kind == LAYER_MBCONV || l.kind == LAYER_CONV2D))
        ok = (wanted = "k", take_number(&w, "k", &l.kernel)) && (wanted = "s", take_number(&w, "s", &l.stride)) &&
             (wanted = "act", take_activation(&w, &l.act));
    if (!ok)
        return error_field(err, "layer", "layer \"%.100s\": %s is missing or malformed; the form is %s", text, wanted,
                           form);

    int residual = 0;
    if (strncmp(w.at, " se=", 4) == 0 && (!take_number(&w, "se", &l.se) || l.se == 0))
        return error_field(err, "layer", "layer \"%.100s\": se must be from 1 to 65535, or left out", text);
    if (strncmp(w.at, " res=", 5) == 0 && (!take_number(&w, "res", &residual) || residual != 1))
        return error_field(err, "layer", "layer \"%.100s\": res must be 1, or left out", text);
    l.residual = residual == 1;
    if (*w.at)
        return error_field(err, "layer", "layer \"%.100s\": can't read \"%.40s\"; the form is %s", text, w.at, form);

    struct lathe_error why;
    if (layer_validate(&l, &why)) return error_field(err, "layer", "layer \"%.100s\": %s", text, why.message);
    *out = l;
    return LATHE_OK;
}
