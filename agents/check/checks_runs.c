/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Runs and their samples. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/check/checks.h"
#include "agents/check/networks.h"
#include "lut/base/clock.h"

static const char run_paragraph[] = "7 RUN";
static const char fetch_paragraph[] = "8 FETCH";
static const char timing[] = "Timing";

enum {
    RUNS_MAX = 2000,
    ATTEMPTS = 3,               /* a machine that is busy may spoil one */
    VISIT_NS = 40 * 1000 * 1000 /* about how long a visit is made whose clock is checked */
};

/* Build a network of a few kinds, or where they are not supported of linear layers. @param[out] layers its length. */
static bool build_timed(struct probe *p, struct verdict *v, int *layers)
{
    struct layer list[NETWORK_LAYERS_MAX];
    struct wire_net_build_reply built;
    if (!probe_open(p, v)) return false;
    for (int simple = 0; simple < 2; simple++) {
        *layers = networks_timed(simple, list);
        enum probe_built got = probe_build(p, v, 0, list, *layers, &built);
        if (got != PROBE_UNSUPPORTED) return got == PROBE_BUILT;
    }
    return verdict_skip(v, "the runner has neither conv2d nor linear layers, with which this is checked");
}

/* Records of a RUN, complete and in order. */
struct samples {
    struct wire_run_reply ran;
    struct wire_record *records;
};

static bool fetch_all(struct probe *p, struct verdict *v, struct samples *s)
{
    s->records = calloc((size_t)s->ran.records + 1, sizeof *s->records);
    if (!s->records) return verdict_skip(v, "no memory for %u records", s->ran.records);
    for (uint32_t at = 0; at < s->ran.records;) {
        struct wire_fetch_reply m;
        char expected[128];
        if (!probe_fetch(p, v, at, &m)) return false;
        snprintf(expected, sizeof expected, "1 to %u records from %u on, of %u layers", s->ran.records - at, at,
                 s->ran.layers);
        if (m.first != at || m.layers != s->ran.layers || m.count == 0 || m.count > s->ran.records - at)
            return verdict_fail_by(v, fetch_paragraph, expected, "%u from %u on, of %u layers", m.count, m.first,
                                   m.layers);
        memcpy(s->records + at, m.records, m.count * sizeof *m.records);
        at += m.count;
    }
    return true;
}

static bool run_and_fetch(struct probe *p, struct verdict *v, int runs, int flags, struct samples *s)
{
    s->records = NULL;
    return probe_run(p, v, 0, 1, runs, flags, &s->ran) && fetch_all(p, v, s);
}

static bool check_plain(struct probe *p, struct verdict *v)
{
    struct samples s = {0};
    int layers = 0;
    bool ok = build_timed(p, v, &layers) && run_and_fetch(p, v, 60, 0, &s);
    if (ok && s.ran.layers) ok = verdict_fail(v, "no layers without times between layers", "%u layers", s.ran.layers);
    for (uint32_t i = 0; ok && i < s.ran.records; i++)
        if (s.records[i].wall == 0) ok = verdict_fail(v, "a time above 0 for each run", "0 for run %u", i);
    free(s.records);
    return ok;
}

static bool check_layers(struct probe *p, struct verdict *v)
{
    struct samples s = {0};
    int layers = 0;
    char expected[64];
    bool ok = build_timed(p, v, &layers) && run_and_fetch(p, v, 20, WIRE_RUN_PER_LAYER, &s);
    snprintf(expected, sizeof expected, "times of %d layers, or of none", layers);
    if (ok && s.ran.layers && s.ran.layers != layers) ok = verdict_fail(v, expected, "%u layers", s.ran.layers);
    if (ok && !s.ran.layers)
        ok = verdict_skip(v, "the runner can't time layers (layers 0): allowed; tables then take whole networks only");
    free(s.records);
    return ok;
}

/* A record read from the middle must be the one that reading from the start gave. */
static bool check_fetch(struct probe *p, struct verdict *v)
{
    struct samples s = {0};
    struct wire_fetch_reply m = {0};
    int layers = 0;
    bool ok = build_timed(p, v, &layers) && run_and_fetch(p, v, 20, WIRE_RUN_PER_LAYER, &s);
    uint32_t at = s.ran.records / 2;
    if (ok) ok = probe_fetch(p, v, at, &m);
    if (ok && m.first != at) ok = verdict_fail(v, "records from the one that was asked for", "from %u", m.first);
    for (uint8_t i = 0; ok && i < m.count && at + i < s.ran.records; i++)
        if (m.records[i].wall != s.records[at + i].wall)
            ok = verdict_fail(v, "the same records whenever they are fetched",
                              "record %u was %" PRIu64 ", then %" PRIu64, at + i, s.records[at + i].wall,
                              m.records[i].wall);
    if (ok) {
        struct wire_fetch past = {s.ran.records};
        struct wire_cursor c = probe_begin(p, WIRE_FETCH);
        wire_fetch(&c, &past);
        ok = probe_want_error(p, v, &c, 1u << WIRE_E_INVALID | 1u << WIRE_E_NOT_FOUND, "FETCH past the last record");
    }
    free(s.records);
    return ok;
}

/* The layers of each run add up to no more than the run, and to most of it. */
static bool compare_sums(struct verdict *v, const struct samples *s, double *share)
{
    uint64_t layers_ns = 0;
    uint64_t total_ns = 0;
    uint32_t width = s->ran.layers + 1u;
    for (uint32_t run = 0; run < s->ran.runs; run++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < s->ran.layers; i++) sum += s->records[run * width + i].wall;
        uint64_t total = s->records[run * width + s->ran.layers].wall;
        if (sum > total + total / 100 + 1000)
            return verdict_fail(v, "layers that add up to no more than the run (1% and 1000 units allowed)",
                                "run %u: layers %" PRIu64 ", total %" PRIu64, run, sum, total);
        layers_ns += sum;
        total_ns += total;
    }
    *share = total_ns ? (double)layers_ns / (double)total_ns : 0;
    return true;
}

static bool check_sums(struct probe *p, struct verdict *v)
{
    int layers = 0;
    double share = 0;
    if (!build_timed(p, v, &layers)) return false;
    for (int i = 0; i < ATTEMPTS && share < 0.6; i++) {
        struct samples s = {0};
        bool ok = run_and_fetch(p, v, 20, WIRE_RUN_PER_LAYER, &s) && compare_sums(v, &s, &share);
        bool untimed = ok && s.ran.layers == 0;
        free(s.records);
        if (!ok) return false;
        if (untimed) return verdict_skip(v, "the runner can't time layers");
    }
    if (share < 0.6) return verdict_fail(v, "layers that add up to at least 60% of their runs", "%.0f%%", 100 * share);
    verdict_note(v, "layers are %.0f%% of their runs", 100 * share);
    return true;
}

/* One visit, and how long it took for who waits for it. */
struct visit {
    struct samples samples;
    uint64_t waited_ns;
};

static bool visit(struct probe *p, struct verdict *v, int runs, struct visit *out)
{
    uint64_t start = clock_now_ns();
    if (!probe_run(p, v, 0, 0, runs, 0, &out->samples.ran)) return false;
    out->waited_ns = clock_now_ns() - start;
    return true;
}

static uint64_t total_of(const struct samples *s)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < s->ran.records; i++) sum += s->records[i].wall;
    return sum;
}

/* @param[out] near whether the visit's clock could be ours. */
static bool compare_clocks(struct probe *p, struct verdict *v, int runs, bool *near)
{
    struct visit m = {0};
    if (!visit(p, v, runs, &m) || !fetch_all(p, v, &m.samples)) {
        free(m.samples.records);
        return false;
    }
    uint64_t elapsed = m.samples.ran.elapsed;
    uint64_t timed = total_of(&m.samples);
    free(m.samples.records);
    *near = true;
    if (elapsed > m.waited_ns + m.waited_ns / 50 || elapsed < m.waited_ns / 4) {
        *near = false;
        return verdict_fail(v, "a whole visit as long as it took, in nanoseconds (clock 0)",
                            "%" PRIu64 " where the host waited %" PRIu64 " ns: %s", elapsed, m.waited_ns,
                            elapsed < m.waited_ns / 400 && elapsed > m.waited_ns / 4000 ? "microseconds?"
                            : elapsed < m.waited_ns                                     ? "too little"
                                                                                        : "too much");
    }
    if (timed > elapsed + elapsed / 50)
        return verdict_fail(v, "timed runs within the whole visit", "runs of %" PRIu64 " in a visit of %" PRIu64, timed,
                            elapsed);
    if (m.samples.ran.setup > elapsed)
        return verdict_fail(v, "a set-up within the whole visit", "set-up %" PRIu64 ", visit %" PRIu64,
                            m.samples.ran.setup, elapsed);
    *near = timed >= (elapsed - m.samples.ran.setup) / 10;
    if (*near) return true;
    return verdict_fail(v, "runs that take most of a visit without warm-up",
                        "runs of %" PRIu64 " in a visit of %" PRIu64, timed, elapsed);
}

static bool check_clock(struct probe *p, struct verdict *v)
{
    int layers = 0;
    struct visit m = {0};
    if (!build_timed(p, v, &layers)) return false;
    if (p->hello.clock != WIRE_CLOCK_WALL_NS) return verdict_skip(v, "the clock does not count nanoseconds");
    for (int i = 0; i < 2; i++) /* the first may load things */
        if (!visit(p, v, 1, &m)) return false;
    uint64_t runs = VISIT_NS / (m.waited_ns + 1) + 2;
    for (int i = 0;; i++) {
        const struct verdict before = *v;
        bool near = false;
        if (compare_clocks(p, v, runs > RUNS_MAX ? RUNS_MAX : (int)runs, &near)) return true;
        if (near || p->lost || i + 1 == ATTEMPTS) return false;
        *v = before;
    }
}

static bool check_values(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v) || !probe_build_linear(p, v, 0, 3)) return false;
    struct wire_cursor c = probe_begin_run(p, 0, 0, 0, 0);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_INVALID, "RUN of no runs")) return false;
    c = probe_begin_run(p, 0, 0, 1, 0x80);
    return probe_want_error(p, v, &c, 1u << WIRE_E_UNSUPPORTED, "RUN with a flag that no runner knows");
}

static bool check_output(struct probe *p, struct verdict *v)
{
    struct wire_run_reply ran;
    void *bytes = NULL;
    if (!probe_open(p, v) || !probe_build_linear(p, v, 0, 100) || !probe_run(p, v, 0, 0, 1, 0, &ran)) return false;
    size_t size = 100 * dtype_bytes(p->options.dtype) * (size_t)p->options.batch;
    if (ran.output_bytes != size)
        return verdict_fail(v, "output bytes of the whole batch", "%u, not %zu", ran.output_bytes, size);
    if (!probe_output(p, v, &ran, &bytes)) return false;
    free(bytes);
    struct wire_output past = {ran.output_bytes};
    struct wire_cursor c = probe_begin(p, WIRE_OUTPUT);
    wire_output(&c, &past);
    return probe_want_error(p, v, &c, 1u << WIRE_E_INVALID | 1u << WIRE_E_NOT_FOUND, "OUTPUT from its end on");
}

const struct check run_checks[] = {
    {"run", "runs without times between layers have one record each", run_paragraph, check_plain, NULL},
    {"run-layers", "runs with times between layers have one record a layer, and one a run", run_paragraph, check_layers,
     NULL},
    {"fetch", "records may be fetched from anywhere, and again", fetch_paragraph, check_fetch, NULL},
    {"layer-sums", "layers add up to their run, or a little less", timing, check_sums, NULL},
    {"clock", "times are in the unit that HELLO tells", timing, check_clock, NULL},
    {"run-values", "runs and flags that can't be are refused", run_paragraph, check_values, NULL},
    {"output", "OUTPUT gives the bytes whose CRC RUN told", "9 OUTPUT", check_output, NULL},
    {0},
};
