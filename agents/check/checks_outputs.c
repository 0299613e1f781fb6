/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Outputs, compared with what `reference` computes. Kinds that a runner has not are said, and are no failure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/check/checks.h"
#include "agents/check/expected.h"
#include "agents/check/networks.h"

static const char weights_paragraph[] = "Weights and inputs";
static const char layers_paragraph[] = "What the kinds compute";

/* Of the largest value of a tensor. Sums in f32 in any order, and Winograd's convolutions, stay under a tenth of it;
 * products in TF32 or bf16 do not, and a wrong tap, channel or padding is off by 1e-2. A network has a dozen layers in
 * a row. */
static const double LAYER_BOUND = 1e-4;
static const double NETWORK_BOUND = 5e-4;
/* Steps of int8, where requantisation is rounded another way. */
static const double INT8_BOUND = 3;

static double bound_of(const struct probe *p, int layers)
{
    if (p->options.dtype == DTYPE_INT8) return INT8_BOUND;
    return layers > 1 ? NETWORK_BOUND : LAYER_BOUND;
}

static void print_network(const struct layer *layers, int count, char *out, size_t capacity)
{
    char text[LAYER_TEXT_BYTES];
    layer_print(&layers[0], text);
    if (count == 1) snprintf(out, capacity, "%s", text);
    else snprintf(out, capacity, "%d layers from %.200s on", count, text);
}

/* Two outputs of a network. */
struct outputs {
    void *got, *want;
    size_t bytes;
};

static void clear(struct outputs *o)
{
    free(o->got);
    free(o->want);
}

/* Run a network that is built and read its output. */
static bool get_output(struct probe *p, struct verdict *v, int network, int runs, void **out, uint32_t *bytes)
{
    struct wire_run_reply ran;
    if (!probe_run(p, v, network, 0, runs, 0, &ran) || !probe_output(p, v, &ran, out)) return false;
    *bytes = ran.output_bytes;
    return true;
}

/* The output of network `number`, and what it must be. */
static bool get_outputs(struct probe *p, struct verdict *v, int number, const struct layer *layers, int count,
                        struct outputs *o)
{
    struct lathe_error err = {0};
    uint32_t bytes = 0;
    char expected[64];
    if (expected_output(&p->options, p->options.seed, layers, count, &o->want, &o->bytes, &err))
        return verdict_skip(v, "outputs can't be compared: %s", err.message);
    if (!get_output(p, v, number, 1, &o->got, &bytes)) return false;
    snprintf(expected, sizeof expected, "an output of %zu bytes", o->bytes);
    return bytes == o->bytes || verdict_fail_by(v, "7 RUN", expected, "%u bytes", bytes);
}

static bool judge(struct probe *p, struct verdict *v, const struct layer *layers, int count, const struct outputs *o)
{
    char name[LAYER_TEXT_BYTES];
    char expected[320];
    const enum dtype dtype = p->options.dtype;
    const double bound = bound_of(p, count);
    struct difference d = expected_compare(dtype, o->got, o->want, o->bytes, bound);
    if (d.wrong == 0) return true;
    size_t image = d.values / (size_t)p->options.batch;
    print_network(layers, count, name, sizeof name);
    snprintf(expected, sizeof expected, "what reference computes, within %g %s, for %.230s", bound,
             dtype == DTYPE_F32 ? "of the largest value" : "steps", name);
    return verdict_fail(v, expected, "%zu of %zu values are wrong, the first is value %zu of image %zu: %.7g, not %.7g",
                        d.wrong, d.values, d.first_wrong % image, d.first_wrong / image,
                        expected_value(dtype, o->got, d.first_wrong), expected_value(dtype, o->want, d.first_wrong));
}

/* @return whether to go on: built and right, or unsupported, which is noted. */
static bool compare_network(struct probe *p, struct verdict *v, const struct layer *layers, int count, int *compared)
{
    struct wire_net_build_reply built;
    struct outputs o = {0};
    char name[LAYER_TEXT_BYTES];
    switch (probe_build(p, v, 0, layers, count, &built)) {
    case PROBE_UNSUPPORTED:
        print_network(layers, count, name, sizeof name);
        verdict_note(v, "unsupported: %s", name);
        return true;
    case PROBE_NOT_BUILT:
        return false;
    case PROBE_BUILT:
        break;
    }
    bool ok = get_outputs(p, v, 0, layers, count, &o) && judge(p, v, layers, count, &o);
    clear(&o);
    ++*compared;
    return ok;
}

bool outputs_compare_layers(struct probe *p, struct verdict *v, const char *const *texts)
{
    int compared = 0;
    if (!probe_open(p, v)) return false;
    for (; *texts; texts++) {
        const char *const one[] = {*texts, NULL};
        struct layer layers[NETWORK_LAYERS_MAX];
        int count = networks_read(one, layers);
        if (!compare_network(p, v, layers, count, &compared)) return false;
    }
    return compared || verdict_skip(v, "the runner has none of these layers");
}

static bool check_networks(struct probe *p, struct verdict *v)
{
    int compared = 0;
    if (!probe_open(p, v)) return false;
    for (const char *const *const *texts = whole_networks; *texts; texts++) {
        struct layer layers[NETWORK_LAYERS_MAX];
        int count = networks_read(*texts, layers);
        if (count > p->hello.max_layers) continue;
        if (!compare_network(p, v, layers, count, &compared)) return false;
    }
    return compared || verdict_skip(v, "the runner has none of these networks");
}

static const char *const equal_layers[] = {"linear in=1x1x16 out=1x1x16", "linear in=1x1x16 out=1x1x16",
                                           "linear in=1x1x16 out=1x1x16", NULL};

/* Whether the output is that of weights which equal layers share. */
static bool is_shared(struct probe *p, const struct layer *layers, int count, const struct outputs *o)
{
    void *shared = NULL;
    size_t bytes = 0;
    if (p->options.dtype != DTYPE_F32 ||
        expected_shared_output(&p->options, p->options.seed, layers, count, &shared, &bytes, NULL))
        return false;
    bool same = bytes == o->bytes && expected_compare(DTYPE_F32, o->got, shared, bytes, NETWORK_BOUND).wrong == 0;
    free(shared);
    return same;
}

static bool check_occurrence(struct probe *p, struct verdict *v)
{
    struct layer layers[NETWORK_LAYERS_MAX];
    struct wire_net_build_reply built;
    struct outputs o = {0};
    int count = networks_read(equal_layers, layers);
    if (!probe_open(p, v)) return false;
    enum probe_built got = probe_build(p, v, 0, layers, count, &built);
    if (got == PROBE_UNSUPPORTED) return verdict_skip(v, "the runner has no linear layers, with which this is checked");
    bool ok = got == PROBE_BUILT && get_outputs(p, v, 0, layers, count, &o);
    if (ok && is_shared(p, layers, count, &o))
        ok = verdict_fail(v, "other weights for each of three equal layers: the occurrence is part of the recipe",
                          "all three have the weights of the first");
    ok = ok && judge(p, v, layers, count, &o);
    clear(&o);
    return ok;
}

/* The output of the same layer under a seed. */
static bool output_of_seed(struct probe *p, struct verdict *v, uint32_t seed, void **out, uint32_t *bytes)
{
    return probe_open_seed(p, v, seed) && probe_build_linear(p, v, 0, 16) && get_output(p, v, 0, 1, out, bytes);
}

static bool check_seed(struct probe *p, struct verdict *v)
{
    void *outs[3] = {NULL, NULL, NULL};
    uint32_t bytes[3] = {0};
    const uint32_t seed = p->options.seed;
    const double bound = bound_of(p, 1);
    bool ok = output_of_seed(p, v, seed, &outs[0], &bytes[0]) && output_of_seed(p, v, seed, &outs[1], &bytes[1]) &&
              output_of_seed(p, v, seed + 1, &outs[2], &bytes[2]);
    if (ok && (bytes[0] != bytes[1] || bytes[0] != bytes[2]))
        ok = verdict_fail(v, "outputs of one size", "%u, %u and %u bytes", bytes[0], bytes[1], bytes[2]);
    if (ok && expected_compare(p->options.dtype, outs[1], outs[0], bytes[0], bound).wrong)
        ok = verdict_fail(v, "the same output under the same seed in another session", "another output");
    if (ok && expected_compare(p->options.dtype, outs[2], outs[0], bytes[0], bound).wrong == 0)
        ok = verdict_fail(v, "another output under another seed", "the same output");
    for (int i = 0; i < 3; i++) free(outs[i]);
    return ok;
}

/* A residual added in place, into the input's memory, shows at the second run. */
static bool check_input(struct probe *p, struct verdict *v)
{
    static const char *const in_place[] = {"conv2d in=6x5x8 out=6x5x8 k=3 s=1 act=relu res=1", NULL};
    struct layer layers[NETWORK_LAYERS_MAX];
    struct wire_net_build_reply built;
    void *outs[2] = {NULL, NULL};
    uint32_t bytes[2] = {0};
    if (!probe_open(p, v)) return false;
    enum probe_built got = probe_build(p, v, 0, layers, networks_read(in_place, layers), &built);
    bool ok = got == PROBE_BUILT || (got == PROBE_UNSUPPORTED && probe_build_linear(p, v, 0, 8));
    ok = ok && get_output(p, v, 0, 1, &outs[0], &bytes[0]) && get_output(p, v, 0, 5, &outs[1], &bytes[1]);
    if (ok &&
        (bytes[0] != bytes[1] || expected_compare(p->options.dtype, outs[1], outs[0], bytes[0], bound_of(p, 1)).wrong))
        ok = verdict_fail(v, "the same input written before each run: the fifth run's output is the first one's",
                          "another output");
    free(outs[0]);
    free(outs[1]);
    return ok;
}

/* Three networks of common layers, run in turns. */
static bool check_turns(struct probe *p, struct verdict *v)
{
    static const char *const longer[] = {"linear in=1x1x9 out=1x1x16", "linear in=1x1x16 out=1x1x16",
                                         "linear in=1x1x16 out=1x1x16", "linear in=1x1x16 out=1x1x5", NULL};
    static const char *const shorter[] = {"linear in=1x1x9 out=1x1x16", "linear in=1x1x16 out=1x1x16",
                                          "linear in=1x1x16 out=1x1x5", NULL};
    const char *const *const texts[] = {longer, shorter, equal_layers};
    struct layer layers[3][NETWORK_LAYERS_MAX];
    int counts[3];
    if (!probe_open(p, v)) return false;
    for (int i = 0; i < 3; i++) {
        struct wire_net_build_reply built;
        counts[i] = networks_read(texts[i], layers[i]);
        enum probe_built got = probe_build(p, v, i, layers[i], counts[i], &built);
        if (got == PROBE_NOT_BUILT) return false;
        if (got == PROBE_UNSUPPORTED)
            return verdict_skip(v, "the runner has no linear layers, or keeps too few networks");
    }
    for (int i = 0; i < 6; i++) {
        struct outputs o = {0};
        int n = 5 * i % 3;
        bool ok = get_outputs(p, v, n, layers[n], counts[n], &o) && judge(p, v, layers[n], counts[n], &o);
        clear(&o);
        if (!ok) return false;
    }
    return true;
}

const struct check output_checks[] = {
    {"outputs-linear", "linear layers are right", layers_paragraph, NULL, linear_layers},
    {"outputs-conv2d", "convolutions of every activation are right", layers_paragraph, NULL, conv2d_layers},
    {"outputs-conv2d-residual", "convolutions with a residual are right: activation first, then the input is added",
     layers_paragraph, NULL, conv2d_residual_layers},
    {"outputs-mbconv", "inverted residuals are right", layers_paragraph, NULL, mbconv_layers},
    {"outputs-mbconv-stride", "inverted residuals with a stride are right: padding is (k - 1) / 2 on all sides",
     layers_paragraph, NULL, mbconv_stride_layers},
    {"outputs-squeeze-excite", "squeeze-excite is right, in both forms", layers_paragraph, NULL, squeeze_excite_layers},
    {"outputs-bottleneck", "bottlenecks are right, the shortcut's average over pixels inside the image",
     layers_paragraph, NULL, bottleneck_layers},
    {"outputs-bottleneck-residual", "bottlenecks with a residual are right", layers_paragraph, NULL,
     bottleneck_residual_layers},
    {"outputs-maxpool", "maximum pooling is right", layers_paragraph, NULL, maxpool_layers},
    {"outputs-avgpool", "average pooling is right", layers_paragraph, NULL, avgpool_layers},
    {"outputs-networks", "whole networks are right", layers_paragraph, check_networks, NULL},
    {"occurrence", "equal layers of a network have weights of their own", weights_paragraph, check_occurrence, NULL},
    {"seed", "outputs depend on the seed, and on nothing else", weights_paragraph, check_seed, NULL},
    {"input", "each run finds the same input", "7 RUN", check_input, NULL},
    {"turns", "networks that share layers give each their own output, in any order", "6 NET_BUILD", check_turns, NULL},
    {0},
};
