/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "lut/base/text.h"
#include "lut/table/rows.h"

static const char *const key_forms =
    "keys are expanded_conv, Conv, Conv_1, Conv_2, AvgPool2D and Logits, e.g. Conv-input:160x160x3-output:80x80x24";

enum { KEY_TEXT_BYTES = 256, MAX_RATIO = 10 };

/* Cursor over "-name:value" parts. */
struct parts {
    const char *at;
};

/* Whether the next part has this name; then value and length are its value's, and the cursor is behind it. */
static bool take_part(struct parts *p, const char *name, const char **value, size_t *length)
{
    size_t n = strlen(name);
    if (p->at[0] != '-' || strncmp(p->at + 1, name, n) != 0 || p->at[1 + n] != ':') return false;
    *value = p->at + n + 2;
    *length = strcspn(*value, "-");
    p->at = *value + *length;
    return true;
}

static bool take_number(struct parts *p, const char *name, uint64_t most, int *out)
{
    const char *value;
    size_t length;
    uint64_t number;
    if (!take_part(p, name, &value, &length) || !text_to_u64(value, length, &number) || number > most) return false;
    *out = (int)number;
    return true;
}

/* "HxWxC", or "C" alone for 1x1xC. */
static bool take_shape(struct parts *p, const char *name, struct shape *out)
{
    const char *value;
    size_t length;
    if (!take_part(p, name, &value, &length)) return false;
    int numbers[3] = {1, 1, 1};
    int count = 0;
    for (const char *at = value, *end = value + length;; at++) {
        const char *cross = memchr(at, 'x', (size_t)(end - at));
        const char *stop = cross ? cross : end;
        uint64_t number;
        if (count == 3 || !text_to_u64(at, (size_t)(stop - at), &number) || number > 65535) return false;
        numbers[count++] = (int)number;
        at = stop;
        if (!cross) break;
    }
    if (count == 2) return false;
    *out = count == 1 ? (struct shape){1, 1, numbers[0]} : (struct shape){numbers[0], numbers[1], numbers[2]};
    return true;
}

/* Squeeze-excite's middle channels, which the keys don't tell: a quarter in whole numbers, made divisible by 8. */
static int squeeze_channels(int mid)
{
    int quarter = mid / 4;
    return make_divisible(quarter > 0 ? quarter : 1, 8);
}

/* What follows the shapes in an expanded_conv's key. */
static bool take_block(struct parts *p, struct layer *l, bool *old)
{
    int skip, se, hs;
    if (!take_number(p, "expand", 65535, &l->mid) || !take_number(p, "kernel", 15, &l->kernel) ||
        !take_number(p, "stride", 4, &l->stride) || !take_number(p, "idskip", 1, &skip))
        return false;
    l->kind = LAYER_MBCONV;
    l->residual = skip == 1;
    l->act = ACT_RELU6;
    *old = *p->at == '\0';
    if (*old) {
        if (l->mid <= MAX_RATIO) l->mid *= l->in.c;
        return true;
    }
    if (!take_number(p, "se", 1, &se) || !take_number(p, "hs", 1, &hs)) return false;
    l->se = se ? squeeze_channels(l->mid) : 0;
    l->act = hs ? ACT_HSWISH : ACT_RELU;
    return true;
}

static const struct {
    const char *name;
    enum layer_kind kind;
    int kernel, stride;
} plain_keys[] = {
    {"Conv", LAYER_CONV2D, 3, 2},       {"Conv_1", LAYER_CONV2D, 1, 1}, {"Conv_2", LAYER_CONV2D, 1, 1},
    {"AvgPool2D", LAYER_AVGPOOL, 0, 0}, {"Logits", LAYER_LINEAR, 0, 0},
};

/* Set what the name of a key other than expanded_conv says. */
static bool set_plain(struct layer *l, const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof plain_keys / sizeof plain_keys[0]; i++) {
        if (strlen(plain_keys[i].name) != length || memcmp(plain_keys[i].name, name, length) != 0) continue;
        l->kind = plain_keys[i].kind;
        l->kernel = plain_keys[i].kernel;
        l->stride = plain_keys[i].stride;
        if (l->kind == LAYER_CONV2D) l->act = ACT_HSWISH;
        /* Where a network has no AvgPool2D of its own, Logits pool: 7x7x1280 in. */
        if (l->kind == LAYER_LINEAR) l->in.h = l->in.w = 1;
        return true;
    }
    return false;
}

enum lathe_status ofa_key_read(const char *key, struct layer *out, bool *old, struct lathe_error *err)
{
    struct layer l = {0};
    bool is_old = false;
    size_t length = strcspn(key, "-");
    struct parts p = {key + length};
    bool ok = take_shape(&p, "input", &l.in) && take_shape(&p, "output", &l.out);
    if (ok && length == strlen("expanded_conv") && memcmp(key, "expanded_conv", length) == 0)
        ok = take_block(&p, &l, &is_old);
    else if (ok) ok = set_plain(&l, key, length);
    if (!ok || *p.at) return error_field(err, "", "\"%.150s\" is no key of OFA's tables; %s", key, key_forms);
    struct lathe_error why;
    if (layer_validate(&l, &why)) return error_field(err, "", "key \"%.150s\": %s", key, why.message);
    *out = l;
    *old = is_old;
    return LATHE_OK;
}

enum lathe_status ofa_key_parse(const char *key, struct layer *out, struct lathe_error *err)
{
    bool old;
    return ofa_key_read(key, out, &old, err);
}

static const char *plain_name(const struct layer *l)
{
    switch (l->kind) {
    case LAYER_AVGPOOL:
        return "AvgPool2D";
    case LAYER_LINEAR:
        return "Logits";
    case LAYER_CONV2D:
        if (l->act != ACT_HSWISH || l->residual) return NULL;
        if (l->kernel == 3 && l->stride == 2) return "Conv";
        if (l->kernel != 1 || l->stride != 1) return NULL;
        return l->in.h == 1 && l->in.w == 1 ? "Conv_2" : "Conv_1";
    case LAYER_MBCONV:
    case LAYER_BOTTLENECK:
    case LAYER_MAXPOOL:
    case LAYER_KINDS:
        break;
    }
    return NULL;
}

bool ofa_key_print(const struct layer *l, char *out)
{
    char input[32], output[32];
    snprintf(input, sizeof input, "%dx%dx%d", l->in.h, l->in.w, l->in.c);
    snprintf(output, sizeof output, "%dx%dx%d", l->out.h, l->out.w, l->out.c);
    if (l->kind == LAYER_LINEAR) snprintf(output, sizeof output, "%d", l->out.c);
    if (l->kind != LAYER_MBCONV) {
        const char *name = plain_name(l);
        if (name) snprintf(out, KEY_TEXT_BYTES, "%s-input:%s-output:%s", name, input, output);
        return name != NULL;
    }
    if (l->act != ACT_RELU && l->act != ACT_HSWISH) return false;
    if (l->se && l->se != squeeze_channels(l->mid)) return false;
    snprintf(out, KEY_TEXT_BYTES,
             "expanded_conv-input:%s-output:%s-expand:%d-kernel:%d-stride:%d-idskip:%d-se:%d-hs:%d", input, output,
             l->mid, l->kernel, l->stride, l->residual, l->se > 0, l->act == ACT_HSWISH);
    return true;
}
