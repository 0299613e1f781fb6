/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Nights of a device that is made up: every layer has a true time, the sentinel is their sum, and a test says how much
 * of everything, or of one kind of layer, is slower. */
#ifndef LATHE_TESTS_NIGHT_FIXTURE_H
#define LATHE_TESTS_NIGHT_FIXTURE_H

#include <math.h>
#include <stdlib.h>

#include "lut/table/nights.h"
#include "lut/table/row_samples.h"
#include "server/jobs/night_plan.h"
#include "test_jobs_fixture.h"

static struct {
    double slow;      /* of the whole device; 1: as it is */
    const char *kind; /* whose layers are slower still; NULL: none */
    double kind_slow; /* by so much */
    uint64_t busy_ns; /* that a visit is said to take */
    const char *cpu;  /* of its fingerprint */
    bool no_layers;   /* its runner gives whole times only */
    double load;      /* that others take */
    json_t *order;    /* contexts of the networks that were visited, one after the other */
} night_device;

static inline void reset_night_device(void)
{
    memset(&night_device, 0, sizeof night_device);
    night_device.slow = night_device.kind_slow = 1;
    night_device.busy_ns = 10000000;
    night_device.cpu = "made up";
    night_device.load = 0.25;
    night_device.order = json_array();
}

static inline double layer_truth_ns(const char *layer)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = layer; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    bool of_kind = night_device.kind && strncmp(layer, night_device.kind, strlen(night_device.kind)) == 0;
    return (1e5 + (double)(hash % 900000)) * night_device.slow * (of_kind ? night_device.kind_slow : 1);
}

static inline double sum_of_truths(const json_t *layers)
{
    double sum = 0;
    size_t i;
    const json_t *layer;
    json_array_foreach(layers, i, layer) sum += layer_truth_ns(json_string_value(layer));
    return sum;
}

/* Three rows a run: wall, CPU, preempted. */
static inline void put_layer_times(const json_t *layers, int runs, json_t *visit)
{
    json_t *wall = json_array();
    json_t *cpu = json_array();
    json_t *preempted = json_array();
    for (int run = 0; run < runs; run++) {
        json_t *w = json_array();
        json_t *c = json_array();
        json_t *p = json_array();
        size_t i;
        const json_t *layer;
        json_array_foreach(layers, i, layer)
        {
            json_int_t ns = (json_int_t)layer_truth_ns(json_string_value(layer));
            json_array_append_new(w, json_integer(ns));
            json_array_append_new(c, json_integer(ns));
            json_array_append_new(p, json_integer(0));
        }
        json_array_append_new(wall, w);
        json_array_append_new(cpu, c);
        json_array_append_new(preempted, p);
    }
    json_object_set_new(visit, "wall_ns", wall);
    json_object_set_new(visit, "cpu_ns", cpu);
    json_object_set_new(visit, "preempted", preempted);
}

static inline json_t *night_visit(const json_t *lease, const json_t *asked)
{
    int network = int_of(asked, "network");
    int runs = int_of(lease, "runs");
    const json_t *layers = layers_of(lease, network);
    const json_t *of = json_object_get(lease, "sentinel");
    json_int_t sentinel = of ? (json_int_t)sum_of_truths(layers_of(lease, int_of(of, "network"))) : 0;
    json_t *total = json_array();
    for (int run = 0; run < runs; run++) json_array_append_new(total, json_integer((json_int_t)sum_of_truths(layers)));
    json_t *visit = json_pack("{s:i,s:i,s:o,s:{s:I,s:I},s:I,s:{s:f}}", "visit", int_of(asked, "visit"), "network",
                              network, "total_ns", total, "sentinel", "ns", sentinel, "cpu_ns", sentinel, "busy_ns",
                              (json_int_t)night_device.busy_ns, "state", "load", night_device.load);
    if (!night_device.no_layers) put_layer_times(layers, runs, visit);
    json_array_append_new(night_device.order, json_integer(network));
    return visit;
}

/* Measure some visits of a lease and send them. */
static inline enum lathe_status send_visits(const json_t *lease, size_t from, size_t to)
{
    const json_t *asked = json_object_get(lease, "visits");
    json_t *answer = NULL;
    json_t *visits = json_array();
    for (size_t i = from; i < to && i < json_array_size(asked); i++)
        json_array_append_new(visits, night_visit(lease, json_array_get(asked, i)));
    t.now_ns += (to - from) * night_device.busy_ns;
    json_t *results = json_pack("{s:i,s:{s:s},s:o}", "fence", int_of(lease, "fence"), "fingerprint", "cpu",
                                night_device.cpu, "visits", visits);
    enum lathe_status st = jobs_results(t.jobs, text_of(lease, "id"), results, &answer, NULL);
    json_decref(results);
    json_decref(answer);
    return st;
}

/* Work off everything that there is. */
static inline void work_nights(void)
{
    json_t *lease;
    while ((lease = lease_for("a"))) {
        size_t n = json_array_size(json_object_get(lease, "visits"));
        enum lathe_status st = LATHE_OK;
        for (size_t at = 0; !st && at < n; at += 9) st = send_visits(lease, at, at + 9);
        ck_assert(st == LATHE_OK || st == LATHE_CONFLICT);
        release(lease, NULL, false);
        json_decref(lease);
    }
}

/* A table of a space at one resolution, measured. */
static inline void profile_space(const char *space, int resolution)
{
    json_t *job = NULL;
    struct profile_request q = {.device = "board",
                                .config = CONFIG,
                                .space = space,
                                .resolutions = &resolution,
                                .resolution_count = 1,
                                .rounds = 4,
                                .ci = 0,
                                .held_out = 0};
    ASSERT_OK(jobs_create_profile(t.jobs, &q, &job, err));
    work_nights();
    json_t *done = get_job("profile", text_of(job, "id"));
    ck_assert_str_eq(text_of(done, "state"), "done");
    json_decref(done);
    json_decref(job);
}

static inline enum lathe_status begin_in_write(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    return table_night_begin(txn, TABLE, "run-1", 1000, context, err);
}

static inline uint32_t begin_night(void)
{
    uint32_t version = 0;
    ASSERT_OK(kv_write(t.kv, begin_in_write, &version, err));
    return version;
}

static inline struct night_choice choice_of(const char *space, const int *resolution, uint32_t version)
{
    return (struct night_choice){.space = catalog_find(t.catalog, space),
                                 .resolutions = resolution,
                                 .resolution_count = 1,
                                 .table = TABLE,
                                 .version = version};
}

static inline struct night_plan plan_night(const struct night_choice *choice)
{
    struct kv_txn *txn = NULL;
    struct night_plan plan = {0};
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    struct lathe_error why = {0};
    enum lathe_status st = night_plan_make(txn, choice, &plan, &why);
    kv_read_end(txn);
    ck_assert_msg(st == LATHE_OK, "%s: %s", why.field, why.message);
    return plan;
}

/* @param budget_s 0: none. @param id 40 bytes. */
static inline void start_night(const char *space, uint32_t version, const struct night_plan *plan, double budget_s,
                               char *id)
{
    json_t *job = NULL;
    const struct night_request q = {.device = "board",
                                    .config = CONFIG,
                                    .space = space,
                                    .run = "run-1",
                                    .version = version,
                                    .networks = plan->networks,
                                    .rounds = plan->rounds,
                                    .budget_s = budget_s,
                                    .seed = 5};
    ASSERT_OK(jobs_create_night(t.jobs, &q, &job, err));
    snprintf(id, 40, "%s", text_of(job, "id"));
    json_decref(job);
}

static inline struct table_info night_info(uint32_t version)
{
    struct kv_txn *txn = NULL;
    struct table_info info;
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ASSERT_OK(table_info(txn, TABLE, version, &info, err));
    kv_read_end(txn);
    return info;
}

/* A row's visits in a version, of one job or (NULL) of all. */
static inline size_t visits_of_row(uint32_t version, const char *row, const char *job)
{
    struct kv_txn *txn = NULL;
    struct row_samples samples;
    size_t n = 0;
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ASSERT_OK(row_samples_read(txn, TABLE, version, row, &samples, err));
    kv_read_end(txn);
    for (size_t i = 0; i < samples.count; i++) n += !job || strncmp(samples.visits[i].source, job, strlen(job)) == 0;
    row_samples_clear(&samples);
    return n;
}

static inline bool holds_layer(const json_t *network, const char *layer)
{
    size_t i;
    const json_t *text;
    json_array_foreach(json_object_get(network, "layers"), i, text)
    {
        if (strcmp(json_string_value(text), layer) == 0) return true;
    }
    return false;
}

/* The layers of all networks of a role: text -> visits planned. */
static inline json_t *layers_of_plan(const struct night_plan *plan, const char *role)
{
    json_t *rows = json_object();
    size_t i;
    size_t k;
    const json_t *network;
    const json_t *text;
    json_array_foreach(plan->networks, i, network)
    {
        if (strcmp(text_of(network, "role"), role) != 0) continue;
        json_array_foreach(json_object_get(network, "layers"), k, text)
        {
            const char *name = json_string_value(text);
            json_int_t before = json_integer_value(json_object_get(rows, name));
            bool again = false;
            for (size_t j = 0; j < k; j++)
                again = again || json_equal(json_array_get(json_object_get(network, "layers"), j), (json_t *)text);
            if (!again)
                json_object_set_new(rows, name,
                                    json_integer(before + json_integer_value(json_object_get(network, "visits"))));
        }
    }
    return rows;
}

#endif
