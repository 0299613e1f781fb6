/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/layer/layer.h"

#include <string.h>

#include "lut/layer/kinds.h"

const struct kind layer_kinds[LAYER_KINDS] = {
    [LAYER_CONV2D] = {.name = "conv2d", .window = true, .act = true, .residual = true},
    [LAYER_MBCONV] = {.name = "mbconv", .mid = true, .window = true, .act = true, .se = true, .residual = true},
    [LAYER_AVGPOOL] = {.name = "avgpool", .keeps_channels = true},
    [LAYER_LINEAR] = {.name = "linear"},
    [LAYER_BOTTLENECK] = {.name = "bottleneck", .mid = true, .window = true, .act = true, .residual = true},
    [LAYER_MAXPOOL] = {.name = "maxpool", .window = true, .keeps_channels = true},
};
static const char *const activation_names[ACTIVATIONS] = {"none", "relu", "relu6", "hswish", "swish"};
static const char *const dtype_names[DTYPES] = {"f32", "int8"};

size_t dtype_bytes(enum dtype dtype)
{
    return dtype == DTYPE_F32 ? 4 : 1;
}

const char *dtype_name(enum dtype dtype)
{
    return dtype_names[dtype];
}

bool dtype_parse(const char *text, enum dtype *out)
{
    for (int i = 0; i < DTYPES; i++) {
        if (strcmp(text, dtype_names[i]) != 0) continue;
        *out = (enum dtype)i;
        return true;
    }
    return false;
}

const char *layer_kind_name(enum layer_kind kind)
{
    return layer_kinds[kind].name;
}

const char *activation_name(enum activation act)
{
    return activation_names[act];
}

bool activation_parse(const char *text, size_t length, enum activation *out)
{
    for (int i = 0; i < ACTIVATIONS; i++) {
        if (strlen(activation_names[i]) != length || memcmp(text, activation_names[i], length) != 0) continue;
        *out = (enum activation)i;
        return true;
    }
    return false;
}

int conv_out_size(int n, int stride)
{
    return (n - 1) / stride + 1;
}

int make_divisible(double value, int divisor)
{
    int rounded = (int)(value + divisor / 2.0) / divisor * divisor;
    if (rounded < divisor) rounded = divisor;
    if (rounded < 0.9 * value) rounded += divisor;
    return rounded;
}

static enum lathe_status check_shape(const struct shape *s, const char *name, struct lathe_error *err)
{
    const int least = 1;
    const int most = 65535;
    if (s->h < least || s->w < least || s->c < least || s->h > most || s->w > most || s->c > most)
        return error_field(err, name, "%s must be heightxwidthxchannels, each from 1 to 65535", name);
    return LATHE_OK;
}

static enum lathe_status check_window(const struct layer *l, struct lathe_error *err)
{
    if (l->kernel < 1 || l->kernel > 15 || l->kernel % 2 == 0)
        return error_field(err, "k", "k must be an odd number from 1 to 15");
    if (l->stride < 1 || l->stride > 4) return error_field(err, "s", "s must be from 1 to 4");
    int h = conv_out_size(l->in.h, l->stride);
    int w = conv_out_size(l->in.w, l->stride);
    if (l->out.h != h || l->out.w != w)
        return error_field(err, "out", "out must be %dx%d high and wide for in=%dx%d at stride %d", h, w, l->in.h,
                           l->in.w, l->stride);
    return LATHE_OK;
}

/* What the kind does not have must be 0, what it has in range. */
static enum lathe_status check_attributes(const struct layer *l, struct lathe_error *err)
{
    const struct kind *kind = &layer_kinds[l->kind];
    const char *stranger = l->mid && !kind->mid                        ? "mid"
                           : (l->kernel || l->stride) && !kind->window ? "k"
                           : l->act && !kind->act                      ? "act"
                           : l->se && !kind->se                        ? "se"
                           : l->residual && !kind->residual            ? "res"
                                                                       : NULL;
    if (stranger) return error_field(err, stranger, "%s has no %s", kind->name, stranger);
    if (kind->mid && (l->mid < 1 || l->mid > 65535)) return error_field(err, "mid", "mid must be from 1 to 65535");
    if (l->se < 0 || l->se > 65535) return error_field(err, "se", "se must be from 0 to 65535");
    if (kind->keeps_channels && l->out.c != l->in.c)
        return error_field(err, "out", "%s keeps the number of channels, %d", kind->name, l->in.c);
    if (l->residual && (l->stride != 1 || l->in.c != l->out.c))
        return error_field(err, "res", "res=1 needs stride 1 and as many output as input channels");
    return LATHE_OK;
}

static enum lathe_status check_maxpool(const struct layer *l, struct lathe_error *err)
{
    if (l->kernel < 3) return error_field(err, "k", "k of maxpool must be at least 3");
    if (l->stride > l->kernel) return error_field(err, "s", "s of maxpool must be at most k: no pixel is left out");
    return LATHE_OK;
}

static enum lathe_status check_reduction(const struct layer *l, struct lathe_error *err)
{
    if (l->out.h != 1 || l->out.w != 1) return error_field(err, "out", "out must be 1x1 high and wide");
    if (l->kind == LAYER_LINEAR && (l->in.h != 1 || l->in.w != 1))
        return error_field(err, "in", "linear takes a 1x1 high and wide input");
    return LATHE_OK;
}

enum lathe_status layer_validate(const struct layer *l, struct lathe_error *err)
{
    if ((int)l->kind < 0 || l->kind >= LAYER_KINDS)
        return error_field(err, "kind", "unknown layer kind %d", (int)l->kind);
    if ((int)l->act < 0 || l->act >= ACTIVATIONS) return error_field(err, "act", "unknown activation %d", (int)l->act);
    enum lathe_status st = check_shape(&l->in, "in", err);
    if (!st) st = check_shape(&l->out, "out", err);
    if (!st) st = check_attributes(l, err);
    if (st) return st;
    if (!layer_kinds[l->kind].window) return check_reduction(l, err);
    st = check_window(l, err);
    return st || l->kind != LAYER_MAXPOOL ? st : check_maxpool(l, err);
}

bool layer_equal(const struct layer *a, const struct layer *b)
{
    return a->kind == b->kind && a->in.h == b->in.h && a->in.w == b->in.w && a->in.c == b->in.c &&
           a->out.h == b->out.h && a->out.w == b->out.w && a->out.c == b->out.c && a->mid == b->mid &&
           a->kernel == b->kernel && a->stride == b->stride && a->act == b->act && a->se == b->se &&
           a->residual == b->residual;
}
