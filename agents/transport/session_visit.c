/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Visits of a session: runs, their samples in nanoseconds, and the output. */
#include <stdlib.h>
#include <string.h>

#include "agents/transport/session_internal.h"
#include "lut/base/clock.h"

enum { RUN_MS = 60000, RUN_MS_EACH = 1000 };

void visit_samples_clear(struct visit_samples *s)
{
    free(s->wall_ns);
    free(s->cpu_ns);
    free(s->preempted);
    free(s->total_ns);
    *s = (struct visit_samples){0};
}

static enum lathe_status make_samples(struct visit_samples *v, const struct wire_run_reply *a, struct lathe_error *err)
{
    size_t cells = (size_t)a->runs * a->layers;
    *v = (struct visit_samples){.layers = a->layers, .runs = a->runs};
    v->total_ns = calloc((size_t)a->runs + 1, sizeof *v->total_ns);
    v->wall_ns = calloc(cells + 1, sizeof *v->wall_ns);
    v->cpu_ns = calloc(cells + 1, sizeof *v->cpu_ns);
    v->preempted = calloc(cells + 1, sizeof *v->preempted);
    if (v->total_ns && v->wall_ns && v->cpu_ns && v->preempted) return LATHE_OK;
    return error_set(err, LATHE_NO_MEMORY, "out of memory for samples");
}

/* Clock units as nanoseconds. */
static uint64_t in_ns(const struct session *s, uint64_t units)
{
    uint64_t hz = s->board.timer_hz;
    if (s->hello.clock != WIRE_CLOCK_CYCLES) return units;
    /* The remainder is below 2^32, so that its product stays below 2^62. */
    return units / hz * 1000000000u + (units % hz * 1000000000u + hz / 2) / hz;
}

static uint32_t saturate(uint64_t ns)
{
    return ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static void store_record(const struct session *s, struct visit_samples *v, uint32_t index, const struct wire_record *r)
{
    size_t run = index / ((uint32_t)v->layers + 1);
    size_t at = index % ((uint32_t)v->layers + 1);
    if (at == (size_t)v->layers) {
        v->total_ns[run] = in_ns(s, r->wall);
        return;
    }
    size_t cell = run * (size_t)v->layers + at;
    v->wall_ns[cell] = saturate(in_ns(s, r->wall));
    v->cpu_ns[cell] = saturate(in_ns(s, r->cpu));
    v->preempted[cell] = r->preempted;
}

/* Fetch some records. @param[in,out] at index of the next one. */
static enum lathe_status fetch(struct session *s, struct visit_samples *v, uint32_t records, uint32_t *at,
                               struct lathe_error *err)
{
    struct wire_fetch m = {*at};
    struct wire_fetch_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_FETCH);
    struct wire_cursor reply;
    wire_fetch(&c, &m);
    enum lathe_status st = session_ask(s, &c, 0, &reply, err);
    if (st) return st;
    wire_fetch_reply(&reply, &answer);
    st = session_check_reply(s, &reply, err);
    if (st) return st;
    if (answer.first != *at || answer.count == 0 || answer.count > records - *at || answer.layers != v->layers)
        return error_set(err, LATHE_IO, "the runner sent other samples than were asked for");
    for (uint8_t i = 0; i < answer.count; i++) store_record(s, v, *at + i, &answer.records[i]);
    *at += answer.count;
    return LATHE_OK;
}

/* MACs of a visit, as a measure of how long it takes. */
static double visit_macs(const struct session *s, const struct wire_run *m)
{
    uint64_t macs = m->network < s->hello.max_networks ? s->macs[m->network] : 0;
    return (double)macs * (m->warmup + m->runs);
}

static void note_pace(struct session *s, const struct wire_run *m, uint64_t took_ns)
{
    double macs = visit_macs(s, m);
    double pace = macs > 0 ? (double)took_ns / 1e6 / macs : 0;
    if (pace > s->ms_per_mac) s->ms_per_mac = pace;
}

static enum lathe_status start_visit(struct session *s, struct wire_run *m, struct wire_run_reply *answer,
                                     struct lathe_error *err)
{
    struct wire_cursor c = exchange_begin(&s->x, WIRE_RUN);
    struct wire_cursor reply;
    int wait_ms = s->options.run_ms > 0 ? s->options.run_ms : RUN_MS + RUN_MS_EACH * (m->warmup + m->runs);
    double likely_ms = visit_macs(s, m) * s->ms_per_mac;
    const struct patience p = session_patience(s, wait_ms, likely_ms < wait_ms ? (int)likely_ms : wait_ms);
    wire_run(&c, m);
    uint64_t start = clock_now_ns();
    enum lathe_status st = session_ask_patiently(s, &c, &p, &reply, err);
    uint64_t took = clock_now_ns() - start;
    if (st == LATHE_TIMEOUT)
        return error_set(err, st, "a visit of network %u did not end within %d s: the runner hangs, or is too slow",
                         m->network, wait_ms / 1000);
    if (st) return st;
    wire_run_reply(&reply, answer);
    st = session_check_reply(s, &reply, err);
    if (!st && (answer->runs != m->runs || answer->records != (uint32_t)answer->runs * (answer->layers + 1u)))
        st = error_set(err, LATHE_IO, "the runner made other runs than were asked for");
    if (st) return st;
    if (!s->x.resent) note_pace(s, m, took);
    /* Instructions are no time: what the visit cost is what passed here. */
    answer->elapsed = s->hello.clock == WIRE_CLOCK_INSTRUCTIONS ? took : in_ns(s, answer->elapsed);
    return LATHE_OK;
}

enum lathe_status session_run(struct session *s, int network, int warmup, int runs, bool per_layer,
                              struct visit_samples *out, struct lathe_error *err)
{
    struct wire_run_reply answer = {0};
    struct visit_samples samples = {0};
    uint32_t at = 0;
    enum lathe_status st = session_check_open(s, err);
    if (st) return st;
    if (network < 0 || network > UINT16_MAX || warmup < 0 || warmup > UINT16_MAX || runs < 1 || runs > UINT16_MAX)
        return error_field(err, "runs", "network, warmup and runs must be whole numbers below 65536, runs at least 1");
    struct wire_run m = {(uint16_t)network, (uint16_t)warmup, (uint16_t)runs, per_layer ? WIRE_RUN_PER_LAYER : 0};
    st = start_visit(s, &m, &answer, err);
    if (!st) st = make_samples(&samples, &answer, err);
    while (!st && at < answer.records) st = fetch(s, &samples, answer.records, &at, err);
    if (st) {
        visit_samples_clear(&samples);
        return st;
    }
    samples.elapsed_ns = answer.elapsed;
    s->output_bytes = answer.output_bytes;
    s->output_crc = answer.output_crc;
    *out = samples;
    return LATHE_OK;
}

/* Read a chunk of the output. @param[in,out] at bytes read so far. */
static enum lathe_status read_chunk(struct session *s, uint8_t *bytes, uint32_t *at, struct lathe_error *err)
{
    struct wire_output m = {*at};
    struct wire_output_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_OUTPUT);
    struct wire_cursor reply;
    wire_output(&c, &m);
    enum lathe_status st = session_ask(s, &c, 0, &reply, err);
    if (st) return st;
    wire_output_reply(&reply, &answer);
    st = session_check_reply(s, &reply, err);
    if (st) return st;
    if (answer.offset != *at || answer.size == 0 || answer.size > s->output_bytes - *at)
        return error_set(err, LATHE_IO, "the runner sent another part of the output than was asked for");
    memcpy(bytes + *at, answer.bytes, answer.size);
    *at += answer.size;
    return LATHE_OK;
}

enum lathe_status session_output(struct session *s, void **bytes, size_t *n, struct lathe_error *err)
{
    uint32_t at = 0;
    enum lathe_status st = session_check_open(s, err);
    if (st) return st;
    uint8_t *output = malloc(s->output_bytes ? s->output_bytes : 1);
    if (!output) return error_set(err, LATHE_NO_MEMORY, "out of memory for an output");
    while (!st && at < s->output_bytes) st = read_chunk(s, output, &at, err);
    if (!st && wire_crc32(0, output, s->output_bytes) != s->output_crc)
        st = error_set(err, LATHE_IO, "the output does not have the CRC that the runner gave");
    if (st) {
        free(output);
        return st;
    }
    *bytes = output;
    *n = s->output_bytes;
    return LATHE_OK;
}
