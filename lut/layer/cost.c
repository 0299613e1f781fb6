/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/layer/layer.h"

static uint64_t area(const struct shape *s)
{
    return (uint64_t)s->h * (uint64_t)s->w;
}

static bool expands(const struct layer *l)
{
    return l->mid != l->in.c;
}

/* Whether a bottleneck's shortcut has a convolution. */
static bool projects(const struct layer *l)
{
    return l->kind == LAYER_BOTTLENECK && !l->residual;
}

/* Weights (no biases) of one layer, squeeze-excite apart. */
static uint64_t weights(const struct layer *l)
{
    uint64_t in = (uint64_t)l->in.c;
    uint64_t out = (uint64_t)l->out.c;
    uint64_t mid = (uint64_t)l->mid;
    uint64_t window = (uint64_t)l->kernel * (uint64_t)l->kernel;
    switch (l->kind) {
    case LAYER_CONV2D:
        return window * in * out;
    case LAYER_MBCONV:
        return (expands(l) ? in * mid : 0) + window * mid + mid * out;
    case LAYER_BOTTLENECK:
        return in * mid + window * mid * mid + mid * out + (projects(l) ? in * out : 0);
    case LAYER_LINEAR:
        return in * out;
    case LAYER_AVGPOOL:
    case LAYER_MAXPOOL:
    case LAYER_KINDS:
        break;
    }
    return 0;
}

static uint64_t se_weights(const struct layer *l)
{
    return 2 * (uint64_t)l->mid * (uint64_t)l->se;
}

uint64_t layer_biases(const struct layer *l)
{
    uint64_t out = (uint64_t)l->out.c;
    uint64_t mid = (uint64_t)l->mid;
    switch (l->kind) {
    case LAYER_CONV2D:
    case LAYER_LINEAR:
        return out;
    case LAYER_MBCONV:
        return (expands(l) ? mid : 0) + mid + out + (l->se ? (uint64_t)l->se + mid : 0);
    case LAYER_BOTTLENECK:
        return 2 * mid + (projects(l) ? 2 : 1) * out;
    case LAYER_AVGPOOL:
    case LAYER_MAXPOOL:
    case LAYER_KINDS:
        break;
    }
    return 0;
}

uint64_t layer_se_macs(const struct layer *l)
{
    return l->kind == LAYER_MBCONV ? se_weights(l) : 0;
}

uint64_t layer_macs(const struct layer *l)
{
    uint64_t at_input = 0; /* weights of the 1x1 convolution before the window, which the stride leaves alone */
    if (l->kind == LAYER_BOTTLENECK || (l->kind == LAYER_MBCONV && expands(l)))
        at_input = (uint64_t)l->in.c * (uint64_t)l->mid;
    return at_input * area(&l->in) + (weights(l) - at_input) * area(&l->out) + layer_se_macs(l);
}

uint64_t layer_params(const struct layer *l)
{
    return weights(l) + layer_se_macs(l) + layer_biases(l);
}

uint64_t layer_weight_bytes(const struct layer *l, enum dtype dtype)
{
    return (weights(l) + layer_se_macs(l)) * dtype_bytes(dtype) + layer_biases(l) * 4;
}

static uint64_t elements(const struct shape *s)
{
    return area(s) * (uint64_t)s->c;
}

uint64_t layer_io_bytes(const struct layer *l, enum dtype dtype)
{
    return (elements(&l->in) + elements(&l->out)) * dtype_bytes(dtype);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t mbconv_peak(const struct layer *l)
{
    uint64_t in = elements(&l->in);
    uint64_t before = area(&l->in) * (uint64_t)l->mid; /* the depthwise convolution's input */
    uint64_t after = area(&l->out) * (uint64_t)l->mid; /* and its output */
    uint64_t kept = l->residual ? in : 0;              /* the input waits for the addition */
    uint64_t peak = expands(l) ? max_u64(in + before, kept + before + after) : in + after;
    /* Squeeze-excite: pooled values and scales (mid) and the middle (se) beside the tensor that it scales. */
    if (l->se) peak = max_u64(peak, kept + after + (uint64_t)l->mid + (uint64_t)l->se);
    return max_u64(peak, kept + after + elements(&l->out));
}

static uint64_t bottleneck_peak(const struct layer *l)
{
    uint64_t in = elements(&l->in);
    uint64_t out = elements(&l->out);
    uint64_t before = area(&l->in) * (uint64_t)l->mid; /* the k x k convolution's input */
    uint64_t after = area(&l->out) * (uint64_t)l->mid; /* and its output */
    uint64_t peak = max_u64(in + before + after, in + after + out);
    if (!projects(l)) return peak;
    /* The shortcut: pooled, if there is a stride, then as large as the output. */
    uint64_t pooled = l->stride > 1 ? area(&l->out) * (uint64_t)l->in.c : 0;
    return max_u64(peak, max_u64(out + in + pooled, out + (pooled ? pooled : in) + out));
}

uint64_t layer_peak_activation_bytes(const struct layer *l, enum dtype dtype)
{
    uint64_t peak = elements(&l->in) + elements(&l->out);
    if (l->kind == LAYER_MBCONV) peak = mbconv_peak(l);
    if (l->kind == LAYER_BOTTLENECK) peak = bottleneck_peak(l);
    return peak * dtype_bytes(dtype);
}
