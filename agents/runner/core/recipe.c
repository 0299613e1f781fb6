/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/recipe.h"

#include "agents/wire/layer.h"

static const double sqrt_2 = 1.41421356237309504880;

/* Half of what a rectifier gets is lost: twice the variance makes up for it. */
static double act_gain(enum activation act)
{
    return act == ACT_NONE ? 1.0 : sqrt_2;
}

/* @param gain keeps the scale of activations. */
static struct recipe dense(size_t outputs, size_t fan_in, double gain)
{
    return (struct recipe){outputs * fan_in, outputs, gain * __builtin_sqrt(3.0 / (double)fan_in)};
}

static void recipe_mbconv(const struct layer *l, struct recipe *out)
{
    size_t mid = (size_t)l->mid;
    size_t window = (size_t)l->kernel * (size_t)l->kernel;
    if (l->mid != l->in.c) out[TENSOR_EXPAND] = dense(mid, (size_t)l->in.c, act_gain(l->act));
    out[TENSOR_DEPTHWISE] = dense(mid, window, act_gain(l->act));
    if (l->se) {
        out[TENSOR_SQUEEZE] = dense((size_t)l->se, mid, sqrt_2);
        out[TENSOR_EXCITE] = dense(mid, (size_t)l->se, 1.0);
    }
    /* Squeeze-excite halves its input; sums over many residual blocks must not grow without end. */
    out[TENSOR_DENSE] = dense((size_t)l->out.c, mid, (l->se ? 2.0 : 1.0) * (l->residual ? 0.5 : 1.0));
}

static void recipe_bottleneck(const struct layer *l, struct recipe *out)
{
    size_t in = (size_t)l->in.c;
    size_t mid = (size_t)l->mid;
    size_t channels = (size_t)l->out.c;
    out[TENSOR_EXPAND] = dense(mid, in, act_gain(l->act));
    out[TENSOR_WINDOW] = dense(mid, (size_t)l->kernel * (size_t)l->kernel * mid, act_gain(l->act));
    out[TENSOR_DENSE] = dense(channels, mid, 0.5);
    if (!l->residual) out[TENSOR_SHORTCUT] = dense(channels, in, act_gain(l->act));
}

static void recipe_conv2d(const struct layer *l, struct recipe *out)
{
    size_t fan_in = (size_t)l->kernel * (size_t)l->kernel * (size_t)l->in.c;
    out[TENSOR_DENSE] = dense((size_t)l->out.c, fan_in, act_gain(l->act) * (l->residual ? 0.5 : 1.0));
}

void recipe_layer(const struct layer *l, struct recipe out[TENSORS])
{
    for (int i = 0; i < TENSORS; i++) out[i] = (struct recipe){0};
    if (l->kind == LAYER_MBCONV) recipe_mbconv(l, out);
    if (l->kind == LAYER_BOTTLENECK) recipe_bottleneck(l, out);
    if (l->kind == LAYER_CONV2D) recipe_conv2d(l, out);
    if (l->kind == LAYER_LINEAR) out[TENSOR_DENSE] = dense((size_t)l->out.c, (size_t)l->in.c, 1.0);
}

uint32_t recipe_key(const struct layer *l, int occurrence, uint32_t seed, int tensor)
{
    uint8_t key[4 + WIRE_LAYER_BYTES + 3];
    struct wire_layer wire;
    uint16_t number = (uint16_t)occurrence;
    uint8_t place = (uint8_t)tensor;
    wire_layer_from(l, &wire);
    struct wire_cursor c = wire_writer(key, sizeof key);
    wire_u32(&c, &seed);
    wire_layer(&c, &wire);
    wire_u16(&c, &number);
    wire_u8(&c, &place);
    return wire_crc32(0, key, sizeof key);
}
