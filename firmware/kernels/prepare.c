/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Constants of a layer, from the recipe. Double arithmetic is fine here: nothing of it is timed. */
#include "firmware/kernels/depthwise.h"
#include "firmware/kernels/execute.h"

/* Keys of a tensor, of its values and of its biases. */
struct keys {
    uint32_t values, biases;
};

/* What a depthwise channel's bias has besides: see depthwise.h. */
static int32_t zero_times_weights(const struct kernel_step *s, int kernel, int32_t channel)
{
    int8_t weights[DEPTHWISE_KERNEL_MAX * DEPTHWISE_KERNEL_MAX];
    int32_t sum = 0;
    depthwise_weights(s, kernel, channel, weights);
    for (int i = 0; i < kernel * kernel; i++) sum += weights[i];
    return s->in_zero * sum;
}

/* @param depthwise_kernel 0 for a dense step. */
static void prepare_channels(const struct kernel_step *s, const struct quant_step *q, double amplitude,
                             struct keys keys, int depthwise_kernel, struct kernel_channel *out)
{
    for (int32_t c = 0; c < s->outputs; c++) {
        const size_t channel = (size_t)c;
        const float scale = quant_weight_scale(q, amplitude, s->blob, keys.values, channel);
        const struct quant_multiplier m = quant_requantiser(q, scale);
        int32_t bias = quant_bias(q, scale, s->blob, keys.biases, channel);
        if (depthwise_kernel) bias -= zero_times_weights(s, depthwise_kernel, c);
        out[c] = (struct kernel_channel){m.value, bias * 256 + (-m.shift - 1)};
    }
}

/* The layer's tables one after another; steps with the same curve between the same scales share one. */
static void prepare_tables(struct kernel_layer *k, const struct quant_step *q)
{
    int8_t *table = (int8_t *)k->arena + k->plan.tables;
    enum quant_curve last = QUANT_NO_CURVE;
    for (int t = 0; t < TENSORS; t++) {
        const struct quant_act *act = &q[t].act;
        if (!k->steps[t].outputs || !act->curve) continue;
        if (last && last != act->curve) table += BOARD_TABLE_BYTES;
        if (last != act->curve) quant_table(act->curve, act->sums, act->out, table);
        last = act->curve;
        k->steps[t].table = table;
    }
    if (k->layer.kind != LAYER_BOTTLENECK || !last) return;
    const struct quant_act act = quant_act_outside(k->layer.act);
    table += BOARD_TABLE_BYTES;
    quant_table(act.curve, act.sums, act.out, table);
    k->sum_table = table;
}

void kernel_prepare(struct kernel_layer *out, const struct layer *l, int occurrence, uint32_t seed, const int8_t *blob,
                    void *arena)
{
    struct recipe recipes[TENSORS];
    struct quant_step steps[TENSORS];
    *out = (struct kernel_layer){.layer = *l, .arena = arena};
    board_plan_layer(l, &out->plan);
    recipe_layer(l, recipes);
    quant_layer(l, steps);
    struct kernel_channel *channels = (void *)(out->arena + out->plan.channels);
    for (int t = 0; t < TENSORS; t++) {
        if (!recipes[t].count) continue;
        const struct keys keys = {recipe_key(l, occurrence, seed, t), recipe_key(l, occurrence, seed, t + TENSOR_BIAS)};
        struct kernel_step *s = &out->steps[t];
        *s = (struct kernel_step){
            .blob = blob,
            .first = keys.values % QUANT_BLOB_VALUES,
            .inputs = (int32_t)(recipes[t].count / recipes[t].outputs),
            .outputs = (int32_t)recipes[t].outputs,
            .in_zero = steps[t].in.zero,
            .out_zero = steps[t].act.sums.zero,
            .min = steps[t].act.min,
            .channels = channels,
        };
        prepare_channels(s, &steps[t], recipes[t].amplitude, keys, t == TENSOR_DEPTHWISE ? l->kernel : 0, channels);
        channels += s->outputs;
    }
    prepare_tables(out, steps);
}

void kernel_input(const struct layer *first, uint32_t seed, void *arena)
{
    const size_t n = (size_t)first->in.h * (size_t)first->in.w * (size_t)first->in.c;
    int8_t *out = arena;
    uint32_t x = recipe_key(first, 0, seed, TENSOR_INPUT);
    if (!x) x = 1;
    for (size_t i = 0; i < n; i++) {
        x = recipe_next(x);
        out[i] = (int8_t)((int32_t)x >> 26);
    }
}
