/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/quant.h"

static const struct quant outside = {1.0f / 32, 0};
static const struct quant gate = {1.0f / 256, -128};

struct quant quant_outside(void)
{
    return outside;
}

struct quant quant_gate(void)
{
    return gate;
}

static enum quant_curve curve_of(enum activation act)
{
    return act == ACT_HSWISH ? QUANT_HSWISH : act == ACT_SWISH ? QUANT_SWISH : QUANT_NO_CURVE;
}

/* ReLU6's upper end lies beyond 127 in both of its quantisations: it saturates there. */
struct quant_act quant_act_outside(enum activation act)
{
    const bool rectified = act == ACT_RELU || act == ACT_RELU6;
    return (struct quant_act){outside, rectified ? 0 : INT8_MIN, INT8_MAX, curve_of(act), outside};
}

struct quant_act quant_act_inside(enum activation act)
{
    struct quant_act a = {outside, INT8_MIN, INT8_MAX, curve_of(act), outside};
    if (act == ACT_RELU) a.sums = a.out = (struct quant){1.0f / 64, -128};
    if (act == ACT_RELU6) a.sums = a.out = (struct quant){3.0f / 128, -128};
    if (a.curve) a.out = (struct quant){1.0f / 56, -107};
    return a;
}

static void quant_mbconv(const struct layer *l, struct quant_step *out)
{
    const bool swish = l->act == ACT_SWISH;
    const struct quant_act act = quant_act_inside(l->act);
    const struct quant_act squeezed = quant_act_inside(swish ? ACT_SWISH : ACT_RELU);
    struct quant_act excited = {gate, INT8_MIN, INT8_MAX, QUANT_NO_CURVE, gate};
    if (swish) excited = (struct quant_act){outside, INT8_MIN, INT8_MAX, QUANT_SIGMOID, gate};
    out[TENSOR_EXPAND] = (struct quant_step){outside, act, false};
    out[TENSOR_DEPTHWISE] = (struct quant_step){l->mid == l->in.c ? outside : act.out, act, false};
    out[TENSOR_SQUEEZE] = (struct quant_step){act.out, squeezed, false};
    out[TENSOR_EXCITE] = (struct quant_step){squeezed.out, excited, !swish};
    out[TENSOR_DENSE] = (struct quant_step){act.out, quant_act_outside(ACT_NONE), false};
}

static void quant_bottleneck(const struct layer *l, struct quant_step *out)
{
    const struct quant_act act = quant_act_inside(l->act);
    out[TENSOR_EXPAND] = (struct quant_step){outside, act, false};
    out[TENSOR_WINDOW] = (struct quant_step){act.out, act, false};
    out[TENSOR_DENSE] = (struct quant_step){act.out, quant_act_outside(ACT_NONE), false};
    out[TENSOR_SHORTCUT] = (struct quant_step){outside, quant_act_outside(ACT_NONE), false};
}

void quant_layer(const struct layer *l, struct quant_step out[TENSORS])
{
    if (l->kind == LAYER_MBCONV) quant_mbconv(l, out);
    if (l->kind == LAYER_BOTTLENECK) quant_bottleneck(l, out);
    if (l->kind == LAYER_CONV2D) out[TENSOR_DENSE] = (struct quant_step){outside, quant_act_outside(l->act), false};
    if (l->kind == LAYER_LINEAR) out[TENSOR_DENSE] = (struct quant_step){outside, quant_act_outside(ACT_NONE), false};
}

void quant_blob(int8_t *out)
{
    uint32_t x = 1;
    for (int i = 0; i < QUANT_BLOB_VALUES; i++) {
        x = recipe_next(x);
        int8_t value = (int8_t)(x >> 24);
        out[i] = value == INT8_MIN ? -INT8_MAX : value;
    }
}

float quant_weight_scale(const struct quant_step *s, double amplitude, const int8_t *blob, uint32_t key, size_t channel)
{
    const int spread = 192 + (quant_blob_at(blob, key, channel) & 63);
    return (float)((s->sixth ? amplitude / 6 : amplitude) / 127 * spread / 224);
}

/* Half away from zero; x is within int32. */
static int32_t round_away(double x)
{
    int32_t whole = (int32_t)x;
    double rest = x - whole;
    return whole + (rest >= 0.5) - (rest <= -0.5);
}

int32_t quant_bias(const struct quant_step *s, float scale, const int8_t *blob, uint32_t key, size_t channel)
{
    double real = 0.1 * quant_blob_at(blob, key, channel) / 127;
    if (s->sixth) real = real / 6 + 0.5;
    return round_away(real / ((double)s->in.scale * (double)scale));
}

/* frexp() by the bits of an IEEE 754 double: factor = 0.1fraction x 2^exponent, the fraction then cut to 31 bits. */
struct quant_multiplier quant_multiplier_of(double factor)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &factor, sizeof bits);
    int exponent = (int)(bits >> 52 & 0x7ff) - 1022;
    uint64_t fraction = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    uint64_t value = (fraction + ((uint64_t)1 << 21)) >> 22;
    if (value == (uint64_t)1 << 31) {
        value /= 2;
        exponent++;
    }
    if (exponent < -31) return (struct quant_multiplier){0, 0};
    return (struct quant_multiplier){(int32_t)value, exponent};
}

struct quant_multiplier quant_requantiser(const struct quant_step *s, float weight_scale)
{
    return quant_multiplier_of((double)s->in.scale * (double)weight_scale / (double)s->act.sums.scale);
}

/* round(a x b / 2^31), halves upwards. Overflows for nothing but two INT32_MIN, and b is positive. */
static int32_t high_product(int32_t a, int32_t b)
{
    int64_t product = (int64_t)a * b;
    int64_t nudge = product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30);
    return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

/* round(x / 2^n), half away from zero; n of 0..31. */
static int32_t divide_by_power(int32_t x, int n)
{
    int32_t mask = (int32_t)(((int64_t)1 << n) - 1);
    int32_t rest = x & mask;
    int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> n) + (rest > threshold);
}

int32_t quant_multiply(int32_t sum, struct quant_multiplier m)
{
    int64_t wide = m.shift > 0 ? (int64_t)sum * ((int64_t)1 << m.shift) : sum;
    int32_t shifted = wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
    return divide_by_power(high_product(shifted, m.value), m.shift > 0 ? 0 : -m.shift);
}

int8_t quant_divide(int64_t sum, int64_t n)
{
    return (int8_t)((sum < 0 ? sum - n / 2 : sum + n / 2) / n);
}

int8_t quant_product(int8_t value, int32_t zero, int8_t gated)
{
    const struct quant_multiplier by_256 = {(int32_t)1 << 30, -7};
    int32_t product = (value - zero) * (gated - gate.zero);
    return (int8_t)quant_clamp(quant_multiply(product, by_256) + zero, INT8_MIN, INT8_MAX);
}
