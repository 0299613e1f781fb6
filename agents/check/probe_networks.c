/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The requests of a probe that build and run networks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/check/probe.h"
#include "agents/wire/layer.h"

bool probe_open_seed(struct probe *p, struct verdict *v, uint32_t seed)
{
    const struct probe_options *o = &p->options;
    struct wire_open m = {.threads = (uint8_t)o->threads, .batch = (uint8_t)o->batch, .seed = seed};
    struct wire_open_reply answer = {0};
    if (!probe_hello(p, v)) return false;
    memcpy(m.runtime, o->runtime, sizeof m.runtime);
    m.dtype = wire_dtype_from(o->dtype);
    struct wire_cursor c = probe_begin(p, WIRE_OPEN);
    wire_open(&c, &m);
    if (!probe_want_reply(p, v, &c)) return false;
    wire_open_reply(&p->payload, &answer);
    p->info_lines = answer.info_lines;
    return probe_read_all(p, v);
}

enum probe_answer probe_net_begin(struct probe *p, struct verdict *v, int network, int count)
{
    struct wire_net_begin m = {(uint16_t)network, (uint16_t)count};
    struct wire_cursor c = probe_begin(p, WIRE_NET_BEGIN);
    wire_net_begin(&c, &m);
    return probe_ask(p, v, &c);
}

/* As many as a frame of the runner's size holds: delimiters, COBS and CRC take 7 bytes, first and count 3. */
static int layers_per_frame(const struct probe *p)
{
    int most = (p->hello.max_frame - 7 - WIRE_REQUEST_HEADER - 3) / WIRE_LAYER_BYTES;
    return most < WIRE_LAYERS_PER_FRAME ? most : WIRE_LAYERS_PER_FRAME;
}

enum probe_answer probe_net_layers(struct probe *p, struct verdict *v, const struct layer *layers, int count)
{
    enum probe_answer answer = PROBE_REPLY;
    int most = layers_per_frame(p);
    for (int first = 0; answer == PROBE_REPLY && first < count; first += most) {
        struct wire_net_layers m = {.first = (uint16_t)first};
        while (m.count < most && first + m.count < count) {
            wire_layer_from(&layers[first + m.count], &m.layers[m.count]);
            m.count++;
        }
        struct wire_cursor c = probe_begin(p, WIRE_NET_LAYERS);
        wire_net_layers(&c, &m);
        answer = probe_ask(p, v, &c);
    }
    return answer;
}

struct wire_cursor probe_begin_build(struct probe *p, int network)
{
    struct wire_net_build m = {(uint16_t)network};
    struct wire_cursor c = probe_begin(p, WIRE_NET_BUILD);
    wire_net_build(&c, &m);
    return c;
}

enum probe_built probe_build(struct probe *p, struct verdict *v, int network, const struct layer *layers, int count,
                             struct wire_net_build_reply *out)
{
    struct wire_net_build_reply built = {0};
    enum probe_answer answer = probe_net_begin(p, v, network, count);
    if (answer == PROBE_REPLY) answer = probe_net_layers(p, v, layers, count);
    if (answer == PROBE_REPLY) {
        struct wire_cursor c = probe_begin_build(p, network);
        answer = probe_ask(p, v, &c);
    }
    if (answer == PROBE_ERROR && p->error.code == WIRE_E_UNSUPPORTED) return PROBE_UNSUPPORTED;
    if (answer == PROBE_ERROR) {
        char text[LAYER_TEXT_BYTES];
        char expected[LAYER_TEXT_BYTES + 64];
        layer_print(&layers[0], text);
        snprintf(expected, sizeof expected, "%s%s to be built", text, count > 1 ? " and what follows it" : "");
        verdict_fail(v, expected, "ERROR %s: \"%.200s\"", probe_code_name(p->error.code), p->error.text);
    }
    if (answer != PROBE_REPLY) return PROBE_NOT_BUILT;
    wire_net_build_reply(&p->payload, &built);
    if (!probe_read_all(p, v)) return PROBE_NOT_BUILT;
    *out = built;
    return PROBE_BUILT;
}

bool probe_build_linear(struct probe *p, struct verdict *v, int network, int outputs)
{
    const struct layer l = {.kind = LAYER_LINEAR, .in = {1, 1, 5}, .out = {1, 1, outputs}};
    struct wire_net_build_reply built;
    switch (probe_build(p, v, network, &l, 1, &built)) {
    case PROBE_BUILT:
        return true;
    case PROBE_UNSUPPORTED:
        return verdict_skip(v, "the runner has no linear layers, with which this is checked");
    case PROBE_NOT_BUILT:
        break;
    }
    return false;
}

struct wire_cursor probe_begin_run(struct probe *p, int network, int warmup, int runs, int flags)
{
    struct wire_run m = {(uint16_t)network, (uint16_t)warmup, (uint16_t)runs, (uint8_t)flags};
    struct wire_cursor c = probe_begin(p, WIRE_RUN);
    wire_run(&c, &m);
    return c;
}

bool probe_run(struct probe *p, struct verdict *v, int network, int warmup, int runs, int flags,
               struct wire_run_reply *out)
{
    struct wire_run_reply answer = {0};
    struct wire_cursor c = probe_begin_run(p, network, warmup, runs, flags);
    if (!probe_want_reply(p, v, &c)) return false;
    wire_run_reply(&p->payload, &answer);
    if (!probe_read_all(p, v)) return false;
    if (answer.runs != runs || answer.records != (uint32_t)answer.runs * (answer.layers + 1u)) {
        char expected[96];
        snprintf(expected, sizeof expected, "%d runs, and runs x (layers + 1) records", runs);
        return verdict_fail_by(v, "7 RUN", expected, "%u runs, %u layers, %u records", answer.runs, answer.layers,
                               answer.records);
    }
    *out = answer;
    return true;
}

bool probe_fetch(struct probe *p, struct verdict *v, uint32_t first, struct wire_fetch_reply *out)
{
    struct wire_fetch m = {first};
    struct wire_cursor c = probe_begin(p, WIRE_FETCH);
    wire_fetch(&c, &m);
    *out = (struct wire_fetch_reply){0};
    if (!probe_want_reply(p, v, &c)) return false;
    wire_fetch_reply(&p->payload, out);
    return probe_read_all(p, v);
}

/* A chunk of the output. @param[in,out] at bytes read so far. */
static bool read_chunk(struct probe *p, struct verdict *v, uint8_t *bytes, uint32_t *at, uint32_t total)
{
    struct wire_output m = {*at};
    struct wire_output_reply answer = {0};
    struct wire_cursor c = probe_begin(p, WIRE_OUTPUT);
    wire_output(&c, &m);
    enum probe_answer got = probe_ask(p, v, &c);
    if (got == PROBE_ERROR && p->error.code == WIRE_E_UNSUPPORTED)
        return verdict_skip(v, "the runner answers OUTPUT by ERROR unsupported: outputs can't be compared");
    if (got == PROBE_NONE) return false;
    if (got == PROBE_ERROR)
        return verdict_fail_by(v, "9 OUTPUT", "OUTPUT to be granted after RUN", "ERROR %s: \"%.200s\"",
                               probe_code_name(p->error.code), p->error.text);
    wire_output_reply(&p->payload, &answer);
    if (!probe_read_all(p, v)) return false;
    if (answer.offset != *at || answer.total != total || answer.size == 0 || answer.size > total - *at)
        return verdict_fail_by(v, "9 OUTPUT", "bytes of the output from the offset asked for, of the size RUN gave",
                               "offset %u where %u was asked for, %u bytes of %u where RUN gave %u", answer.offset, *at,
                               answer.size, answer.total, total);
    memcpy(bytes + *at, answer.bytes, answer.size);
    *at += answer.size;
    return true;
}

bool probe_output(struct probe *p, struct verdict *v, const struct wire_run_reply *ran, void **out)
{
    uint32_t at = 0;
    uint8_t *bytes = malloc(ran->output_bytes ? ran->output_bytes : 1);
    if (!bytes) return verdict_skip(v, "no memory for an output of %u bytes", ran->output_bytes);
    while (at < ran->output_bytes)
        if (!read_chunk(p, v, bytes, &at, ran->output_bytes)) break;
    if (at < ran->output_bytes) {
        free(bytes);
        return false;
    }
    uint32_t crc = wire_crc32(0, bytes, at);
    if (crc != ran->output_crc) {
        free(bytes);
        return verdict_fail_by(v, "7 RUN", "RUN's output CRC to be that of OUTPUT's bytes", "0x%08x, not 0x%08x",
                               ran->output_crc, crc);
    }
    *out = bytes;
    return true;
}
