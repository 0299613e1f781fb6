/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/wire/layer.h"

/* Numbers on the wire stay as they are whatever becomes of the enums. */
static const uint8_t kinds[LAYER_KINDS] = {
    [LAYER_CONV2D] = WIRE_CONV2D, [LAYER_MBCONV] = WIRE_MBCONV,         [LAYER_AVGPOOL] = WIRE_AVGPOOL,
    [LAYER_LINEAR] = WIRE_LINEAR, [LAYER_BOTTLENECK] = WIRE_BOTTLENECK, [LAYER_MAXPOOL] = WIRE_MAXPOOL,
};
static const uint8_t acts[ACTIVATIONS] = {
    [ACT_NONE] = WIRE_ACT_NONE,     [ACT_RELU] = WIRE_ACT_RELU,   [ACT_RELU6] = WIRE_ACT_RELU6,
    [ACT_HSWISH] = WIRE_ACT_HSWISH, [ACT_SWISH] = WIRE_ACT_SWISH,
};
static const uint8_t dtypes[DTYPES] = {[DTYPE_F32] = WIRE_F32, [DTYPE_INT8] = WIRE_INT8};

static int find(const uint8_t *numbers, int count, uint8_t number)
{
    int i = 0;
    while (i < count && numbers[i] != number) i++;
    return i;
}

void wire_layer_from(const struct layer *l, struct wire_layer *out)
{
    *out = (struct wire_layer){
        .kind = kinds[l->kind],
        .act = acts[l->act],
        .kernel = (uint8_t)l->kernel,
        .stride = (uint8_t)l->stride,
        .residual = l->residual,
        .in_h = (uint16_t)l->in.h,
        .in_w = (uint16_t)l->in.w,
        .in_c = (uint16_t)l->in.c,
        .out_h = (uint16_t)l->out.h,
        .out_w = (uint16_t)l->out.w,
        .out_c = (uint16_t)l->out.c,
        .mid = (uint16_t)l->mid,
        .se = (uint16_t)l->se,
    };
}

enum lathe_status wire_layer_to(const struct wire_layer *w, struct layer *out, struct lathe_error *err)
{
    int kind = find(kinds, LAYER_KINDS, w->kind);
    int act = find(acts, ACTIVATIONS, w->act);
    if (kind == LAYER_KINDS) return error_field(err, "kind", "unknown layer kind %d", w->kind);
    if (act == ACTIVATIONS) return error_field(err, "act", "unknown activation %d", w->act);
    if (w->residual > 1) return error_field(err, "res", "res must be 0 or 1");
    struct layer l = {
        .kind = (enum layer_kind)kind,
        .in = {w->in_h, w->in_w, w->in_c},
        .out = {w->out_h, w->out_w, w->out_c},
        .mid = w->mid,
        .kernel = w->kernel,
        .stride = w->stride,
        .act = (enum activation)act,
        .se = w->se,
        .residual = w->residual == 1,
    };
    enum lathe_status st = layer_validate(&l, err);
    if (!st) *out = l;
    return st;
}

uint8_t wire_dtype_from(enum dtype dtype)
{
    return dtypes[dtype];
}

bool wire_dtype_to(uint8_t wire, enum dtype *out)
{
    int i = find(dtypes, DTYPES, wire);
    if (i == DTYPES) return false;
    *out = (enum dtype)i;
    return true;
}
