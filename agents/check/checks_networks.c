/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Networks: described, built, built again, refused, dropped. Small linear layers, which any runner has. */
#include <stdio.h>
#include <string.h>

#include "agents/check/checks.h"
#include "agents/wire/layer.h"

static const char net_build[] = "6 NET_BUILD";
static const char errors[] = "0xFF ERROR";

static struct layer linear(int in, int out)
{
    return (struct layer){.kind = LAYER_LINEAR, .in = {1, 1, in}, .out = {1, 1, out}};
}

/* Build, and compare what was made and what was there. @param packed -1: any. */
static bool build_counted(struct probe *p, struct verdict *v, int network, const struct layer *layers, int count,
                          int packed)
{
    struct wire_net_build_reply built;
    char expected[96];
    switch (probe_build(p, v, network, layers, count, &built)) {
    case PROBE_UNSUPPORTED:
        return verdict_skip(v, "the runner has no linear layers, with which this is checked");
    case PROBE_NOT_BUILT:
        return false;
    case PROBE_BUILT:
        break;
    }
    snprintf(expected, sizeof expected, "packed and reused that add up to %d layers", count);
    if (built.packed + built.reused != (uint32_t)count)
        return verdict_fail(v, expected, "packed %u, reused %u", built.packed, built.reused);
    snprintf(expected, sizeof expected, "weights of %d layers made", packed);
    if (packed >= 0 && built.packed != (uint32_t)packed)
        return verdict_fail(v, expected, "packed %u, reused %u", built.packed, built.reused);
    if (built.weight_bytes == 0) return verdict_fail(v, "the bytes of the network's weights", "0");
    return true;
}

static bool check_build(struct probe *p, struct verdict *v)
{
    const struct layer layers[] = {linear(5, 7), linear(7, 7), linear(7, 7), linear(7, 3)};
    return probe_open(p, v) && build_counted(p, v, 0, layers, 4, 4);
}

static bool output_bytes_are(struct probe *p, struct verdict *v, int network, int outputs)
{
    struct wire_run_reply ran;
    char expected[96];
    if (!probe_run(p, v, network, 0, 1, 0, &ran)) return false;
    size_t bytes = (size_t)outputs * dtype_bytes(p->options.dtype) * (size_t)p->options.batch;
    snprintf(expected, sizeof expected, "an output of %zu bytes, as of the network built last under the number", bytes);
    return ran.output_bytes == bytes || verdict_fail(v, expected, "%u bytes", ran.output_bytes);
}

static bool check_rebuild(struct probe *p, struct verdict *v)
{
    const struct layer first[] = {linear(5, 7), linear(7, 3)};
    const struct layer second[] = {linear(5, 7), linear(7, 4)};
    if (!probe_open(p, v) || !build_counted(p, v, 0, first, 2, 2)) return false;
    if (!build_counted(p, v, 1, first, 2, -1) || !build_counted(p, v, 0, second, 2, -1)) return false;
    return output_bytes_are(p, v, 0, 4) && output_bytes_are(p, v, 1, 3);
}

/* Not obligatory: a runner may make weights anew. Said in the note, since it makes profiles slow. */
static bool check_reuse(struct probe *p, struct verdict *v)
{
    const struct layer layers[] = {linear(5, 7), linear(7, 7), linear(7, 7)};
    struct wire_net_build_reply built;
    if (!probe_open(p, v) || !build_counted(p, v, 0, layers, 3, 3)) return false;
    if (probe_build(p, v, 1, layers, 2, &built) != PROBE_BUILT) return false;
    if (built.packed == 0) return true;
    return verdict_skip(v, "weights are made anew for each network (packed %u, reused %u): profiles take longer",
                        built.packed, built.reused);
}

/* More layers than one frame holds. */
static bool check_long(struct probe *p, struct verdict *v)
{
    struct layer layers[40];
    if (!probe_open(p, v)) return false;
    int count = p->hello.max_layers < 40 ? p->hello.max_layers : 40;
    for (int i = 0; i < count; i++) layers[i] = linear(3, 3);
    return build_counted(p, v, p->hello.max_networks - 1, layers, count, count) &&
           output_bytes_are(p, v, p->hello.max_networks - 1, 3);
}

/* Build what must be refused, by NET_LAYERS or NET_BUILD. */
static bool refuse(struct probe *p, struct verdict *v, const struct layer *layers, int count, unsigned codes,
                   const char *what)
{
    enum probe_answer answer = probe_net_begin(p, v, 0, count);
    if (answer == PROBE_REPLY) answer = probe_net_layers(p, v, layers, count);
    if (answer == PROBE_REPLY) {
        struct wire_cursor c = probe_begin_build(p, 0);
        answer = probe_ask(p, v, &c);
    }
    return probe_is_error(p, v, answer, codes, what);
}

static bool check_misfits(struct probe *p, struct verdict *v)
{
    const unsigned invalid = 1u << WIRE_E_INVALID;
    const struct layer apart[] = {linear(5, 7), linear(8, 3)};
    if (!probe_open(p, v) || !refuse(p, v, apart, 2, invalid, "a network whose second layer takes 8 channels of 7"))
        return false;
    struct layer l = {.kind = LAYER_CONV2D, .in = {8, 8, 3}, .out = {4, 4, 4}, .kernel = 3, .stride = 1};
    const unsigned either = invalid | 1u << WIRE_E_UNSUPPORTED; /* of a kind that the runner need not have */
    if (!refuse(p, v, &l, 1, either, "conv2d in=8x8x3 out=4x4x4 k=3 s=1: 8 is not halved at stride 1")) return false;
    l.out = (struct shape){8, 8, 4};
    l.residual = true;
    if (!refuse(p, v, &l, 1, either, "conv2d with a residual from 3 to 4 channels")) return false;
    l.residual = false;
    l.kernel = 4;
    if (!refuse(p, v, &l, 1, either, "conv2d with an even kernel")) return false;
    l = linear(0, 3);
    if (!refuse(p, v, &l, 1, invalid, "linear of no input channels")) return false;
    l = linear(5, 3);
    l.in.h = 2;
    if (!refuse(p, v, &l, 1, invalid, "linear of an input 2 high")) return false;
    return probe_build_linear(p, v, 0, 3);
}

/* NET_LAYERS of one linear layer, whose kind and activation are set to these numbers. */
static bool refuse_numbers(struct probe *p, struct verdict *v, uint8_t kind, uint8_t act, const char *what)
{
    const struct layer l = linear(5, 3);
    struct wire_net_layers m = {.first = 0, .count = 1};
    if (probe_net_begin(p, v, 0, 1) != PROBE_REPLY) return false;
    wire_layer_from(&l, &m.layers[0]);
    m.layers[0].kind = kind;
    m.layers[0].act = act;
    struct wire_cursor c = probe_begin(p, WIRE_NET_LAYERS);
    wire_net_layers(&c, &m);
    enum probe_answer answer = probe_ask(p, v, &c);
    if (answer == PROBE_REPLY) {
        c = probe_begin_build(p, 0);
        answer = probe_ask(p, v, &c);
    }
    return probe_is_error(p, v, answer, 1u << WIRE_E_INVALID | 1u << WIRE_E_UNSUPPORTED, what);
}

static bool check_unknown(struct probe *p, struct verdict *v)
{
    return probe_open(p, v) && refuse_numbers(p, v, 99, 0, "a layer of kind 99") &&
           refuse_numbers(p, v, WIRE_CONV2D, 99, "a layer with activation 99") && probe_build_linear(p, v, 0, 3);
}

static bool check_order(struct probe *p, struct verdict *v)
{
    const unsigned codes = 1u << WIRE_E_STATE | 1u << WIRE_E_INVALID;
    const struct layer layers[] = {linear(5, 7), linear(7, 3)};
    struct wire_net_layers m = {.first = 1, .count = 1};
    if (!probe_open(p, v)) return false;
    if (!probe_is_error(p, v, probe_net_layers(p, v, layers, 1), codes, "NET_LAYERS without NET_BEGIN")) return false;
    if (probe_net_begin(p, v, 0, 2) != PROBE_REPLY) return false;
    wire_layer_from(&layers[1], &m.layers[0]);
    struct wire_cursor c = probe_begin(p, WIRE_NET_LAYERS);
    wire_net_layers(&c, &m);
    if (!probe_want_error(p, v, &c, codes, "NET_LAYERS from layer 1 where layer 0 is missing")) return false;
    if (!probe_build_linear(p, v, 0, 3) || probe_net_begin(p, v, 1, 2) != PROBE_REPLY ||
        probe_net_layers(p, v, layers, 1) != PROBE_REPLY)
        return false;
    c = probe_begin_build(p, 1);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_STATE, "NET_BUILD of a network half of whose layers came"))
        return false;
    if (probe_net_begin(p, v, 1, 1) != PROBE_REPLY) return false;
    return probe_is_error(p, v, probe_net_layers(p, v, layers, 2), codes, "more NET_LAYERS than NET_BEGIN said");
}

static bool check_limits(struct probe *p, struct verdict *v)
{
    const unsigned invalid = 1u << WIRE_E_INVALID;
    if (!probe_open(p, v)) return false;
    if (!probe_is_error(p, v, probe_net_begin(p, v, p->hello.max_networks, 1), invalid,
                        "NET_BEGIN of a network past max networks") ||
        !probe_is_error(p, v, probe_net_begin(p, v, 0, 0), invalid, "NET_BEGIN of no layers"))
        return false;
    return p->hello.max_layers == 65535 || probe_is_error(p, v, probe_net_begin(p, v, 0, p->hello.max_layers + 1),
                                                          invalid, "NET_BEGIN of more layers than max layers");
}

static bool check_too_large(struct probe *p, struct verdict *v)
{
    const unsigned codes = 1u << WIRE_E_NO_MEMORY;
    const struct layer wide = linear(65535, 65535); /* 16 GiB of weights */
    struct layer l = {
        .kind = LAYER_CONV2D, .in = {65535, 65535, 65535}, .out = {65535, 65535, 65535}, .kernel = 15, .stride = 1};
    if (!probe_open(p, v) ||
        !refuse(p, v, &l, 1, codes | 1u << WIRE_E_UNSUPPORTED, "a convolution of a petabyte and a half"))
        return false;
    if (!probe_build_linear(p, v, 0, 3)) return false;
    struct layer row[16];
    for (int i = 0; i < 16; i++) row[i] = wide;
    if (p->hello.max_layers >= 16 && !refuse(p, v, row, 16, codes, "16 linear layers of 16 GiB each")) return false;
    return output_bytes_are(p, v, 0, 3);
}

static bool check_absent(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v)) return false;
    struct wire_cursor c = probe_begin_run(p, 0, 0, 1, 0);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_NOT_FOUND, "RUN of a network that was not built")) return false;
    struct wire_fetch fetch = {0};
    c = probe_begin(p, WIRE_FETCH);
    wire_fetch(&c, &fetch);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_STATE, "FETCH before RUN")) return false;
    struct wire_output output = {0};
    c = probe_begin(p, WIRE_OUTPUT);
    wire_output(&c, &output);
    return probe_want_error(p, v, &c, 1u << WIRE_E_STATE | 1u << WIRE_E_UNSUPPORTED, "OUTPUT before RUN");
}

static bool check_reset(struct probe *p, struct verdict *v)
{
    const struct layer layers[] = {linear(5, 7), linear(7, 3)};
    if (!probe_open(p, v) || !build_counted(p, v, 0, layers, 2, 2)) return false;
    struct wire_cursor c = probe_begin(p, WIRE_RESET);
    if (!probe_want_reply(p, v, &c) || !probe_read_all(p, v)) return false;
    c = probe_begin_run(p, 0, 0, 1, 0);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_NOT_FOUND, "RUN of a network from before RESET")) return false;
    return build_counted(p, v, 0, layers, 2, 2) && output_bytes_are(p, v, 0, 3);
}

static bool check_reopen(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v) || !probe_build_linear(p, v, 0, 3)) return false;
    struct wire_open m = {.dtype = wire_dtype_from(p->options.dtype),
                          .threads = (uint8_t)p->options.threads,
                          .batch = (uint8_t)p->options.batch};
    memcpy(m.runtime, p->options.runtime, sizeof m.runtime);
    struct wire_cursor c = probe_begin(p, WIRE_OPEN);
    wire_open(&c, &m);
    if (!probe_want_reply(p, v, &c)) return false;
    c = probe_begin_run(p, 0, 0, 1, 0);
    return probe_want_error(p, v, &c, 1u << WIRE_E_NOT_FOUND, "RUN of a network from before OPEN");
}

const struct check network_checks[] = {
    {"build", "a network is built, each of its layers with weights of its own", net_build, check_build, NULL},
    {"rebuild", "a network takes the place of the one that had its number, and no other's", net_build, check_rebuild,
     NULL},
    {"reuse", "layers that an earlier network had are not made again", net_build, check_reuse, NULL},
    {"long-network", "forty layers under the last number", "5 NET_LAYERS", check_long, NULL},
    {"misfits", "layers that do not fit together are ERROR invalid", errors, check_misfits, NULL},
    {"unknown-kinds", "kinds and activations that the runner does not know are refused", "5 NET_LAYERS", check_unknown,
     NULL},
    {"layer-order", "layers come in order and completely before NET_BUILD", "5 NET_LAYERS", check_order, NULL},
    {"limits", "more than max networks and max layers is ERROR invalid", "4 NET_BEGIN", check_limits, NULL},
    {"too-large", "what does not fit is ERROR no memory, and the session goes on", net_build, check_too_large, NULL},
    {"absent", "what is not there is ERROR not found, or state", errors, check_absent, NULL},
    {"reset", "RESET drops networks and weights; the runtime stays open", "10 RESET", check_reset, NULL},
    {"reopen", "OPEN drops the networks of the one before", "2 OPEN", check_reopen, NULL},
    {0},
};
