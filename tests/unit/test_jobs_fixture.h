/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A store in a folder of its own, a small space, one local device, a clock that stands still until a test moves it, and
 * an agent that answers leases with made-up times and keeps count of what it measured. */
#ifndef LATHE_TESTS_JOBS_FIXTURE_H
#define LATHE_TESTS_JOBS_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/json.h"
#include "server/jobs/jobs.h"
#include "server/store/store.h"
#include "tests/check_main.h"

#define CONFIG "xnnpack-f32-t1-b1"
#define TABLE ((struct table_id){.device = "board", .config = CONFIG})

static struct {
    char dir[64];
    struct kv *kv;
    struct catalog *catalog;
    struct jobs *jobs;
    uint64_t now_ns;
    json_t *measured; /* layer -> samples that the agent took of it and the server accepted */
    json_t *visits;   /* "<visit>" -> true for each visit accepted */
} t;

static uint64_t fake_now_ns(void)
{
    return t.now_ns;
}

static int64_t fake_wall_ms(void)
{
    return 1800000000000 + (int64_t)(t.now_ns / 1000000);
}

static inline void pass_seconds(int seconds)
{
    t.now_ns += (uint64_t)seconds * UINT64_C(1000000000);
}

#define ASSERT_OK(call)                                                                                  \
    do {                                                                                                 \
        struct lathe_error err_ = {0};                                                                   \
        struct lathe_error *err = &err_;                                                                 \
        enum lathe_status st_ = (call);                                                                  \
        ck_assert_msg(st_ == LATHE_OK, #call ": %s: %s %s", status_text(st_), err_.field, err_.message); \
    } while (0)

static inline json_t *json_of(const char *text)
{
    json_t *value = NULL;
    ASSERT_OK(json_parse(text, strlen(text), &value, err));
    return value;
}

/* Two stages of one or two blocks; four choices a block. */
static inline void add_space(void)
{
    struct space *space = NULL;
    json_t *document =
        json_of("{\"id\":\"small\",\"title\":\"small\",\"source\":\"made for tests\",\"family\":\"inverted_residual\","
                "\"width\":1.0,\"resolutions\":[32,48],\"kernel\":[3,5],\"expand\":[3,4],"
                "\"stem\":{\"channels\":8,\"kernel\":3,\"stride\":2,\"activation\":\"relu\"},"
                "\"first\":{\"channels\":8,\"kernel\":3,\"activation\":\"relu\",\"residual\":true},"
                "\"stages\":["
                "{\"channels\":8,\"stride\":2,\"activation\":\"relu\",\"squeeze_excite\":false,\"depth\":[1,2]},"
                "{\"channels\":16,\"stride\":2,\"activation\":\"hswish\",\"squeeze_excite\":true,\"depth\":[1,2]}],"
                "\"head\":[{\"kind\":\"avgpool\"},{\"kind\":\"linear\",\"features\":10}]}");
    ASSERT_OK(space_parse(document, &space, err));
    ASSERT_OK(catalog_put(t.catalog, space, err));
    json_decref(document);
}

static inline void put_device(const char *name, const char *transport, const char *agent)
{
    json_t *device = json_pack("{s:i,s:s,s:o,s:s?}", "schema", 1, "name", name, "transport",
                               transport ? json_pack("{s:s}", "type", transport) : json_null(), "agent", agent);
    ASSERT_OK(store_write(t.kv, "device", name, device, err));
    json_decref(device);
}

static inline void open_store(void)
{
    struct kv_options options = {.unsafe_nosync = true, .map_bytes = 256 << 20};
    ASSERT_OK(kv_open(t.dir, STORE_VERSION, &options, &t.kv, err));
    ASSERT_OK(jobs_open(t.kv, t.catalog, &t.jobs, err));
}

static inline void close_store(void)
{
    jobs_close(t.jobs);
    kv_close(t.kv);
}

/* What a server that was killed and started again finds. */
static inline void reopen_store(void)
{
    close_store();
    open_store();
}

static inline void set_up(void)
{
    memset(&t, 0, sizeof t);
    t.now_ns = UINT64_C(5000000000);
    clock_replace(fake_now_ns, fake_wall_ms);
    snprintf(t.dir, sizeof t.dir, "/tmp/lathe-test-jobs-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t.dir));
    ASSERT_OK(catalog_open(SOURCE_DIR "/server/spaces/catalog", &t.catalog, err));
    add_space();
    t.measured = json_object();
    t.visits = json_object();
    open_store();
    put_device("board", "local", NULL);
}

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline void tear_down(void)
{
    close_store();
    catalog_free(t.catalog);
    json_decref(t.measured);
    json_decref(t.visits);
    nftw(t.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    clock_replace(NULL, NULL);
}

static inline const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static inline int int_of(const json_t *object, const char *name)
{
    ck_assert_msg(json_is_integer(json_object_get(object, name)), "no number %s", name);
    return (int)json_integer_value(json_object_get(object, name));
}

/* A profile of the small space, of rounds visits with two runs each. @param id 40 bytes. */
static inline json_t *profile(const int *resolutions, size_t count, int rounds, char *id)
{
    json_t *job = NULL;
    struct profile_request q = {.device = "board",
                                .config = CONFIG,
                                .space = "small",
                                .resolutions = resolutions,
                                .resolution_count = count,
                                .rounds = rounds,
                                .runs = 2};
    ASSERT_OK(jobs_create_profile(t.jobs, &q, &job, err));
    snprintf(id, 40, "%s", text_of(job, "id"));
    return job;
}

static inline json_t *get_job(const char *kind, const char *id)
{
    json_t *job = NULL;
    ASSERT_OK(jobs_get(t.jobs, kind, id, &job, err));
    return job;
}

static inline void assert_state(const char *kind, const char *id, const char *state)
{
    json_t *job = get_job(kind, id);
    ck_assert_str_eq(text_of(job, "state"), state);
    json_decref(job);
}

/* The next lease of an agent, or NULL. */
static inline json_t *lease_for(const char *agent)
{
    json_t *lease = NULL;
    struct lathe_error err = {0};
    enum lathe_status st = jobs_lease(t.jobs, agent, &lease, &err);
    ck_assert_msg(st == LATHE_OK || st == LATHE_NOT_FOUND, "%s", err.message);
    return lease;
}

static inline const json_t *layers_of(const json_t *lease, int network)
{
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(lease, "networks"), i, item)
    {
        if (int_of(item, "network") == network) return json_object_get(item, "layers");
    }
    ck_abort_msg("the lease does not describe network %d", network);
    return NULL;
}

static inline json_t *matrix(int runs, size_t layers, int value, int step)
{
    json_t *rows = json_array();
    for (int run = 0; run < runs; run++) {
        json_t *row = json_array();
        for (size_t i = 0; i < layers; i++) json_array_append_new(row, json_integer(value + run * step));
        json_array_append_new(rows, row);
    }
    return rows;
}

static inline json_t *visit_result(const json_t *lease, const json_t *visit)
{
    int network = int_of(visit, "network");
    int runs = int_of(lease, "runs");
    size_t layers = json_array_size(layers_of(lease, network));
    json_t *totals = json_array();
    for (int run = 0; run < runs; run++) json_array_append_new(totals, json_integer(1000000 + run));
    json_t *result =
        json_pack("{s:i,s:i,s:o}", "visit", int_of(visit, "visit"), "network", network, "total_ns", totals);
    if (json_is_true(json_object_get(lease, "per_layer"))) {
        json_object_set_new(result, "wall_ns", matrix(runs, layers, 1000, 10));
        json_object_set_new(result, "cpu_ns", matrix(runs, layers, 900, 10));
        json_object_set_new(result, "preempted", matrix(runs, layers, 0, 0));
    }
    return result;
}

/* Results of visits first..first+count-1 of a lease, from a device whose clock runs at `mhz`. */
static inline json_t *results_of(const json_t *lease, size_t first, size_t count, int mhz)
{
    json_t *visits = json_array();
    const json_t *asked = json_object_get(lease, "visits");
    for (size_t i = first; i < first + count && i < json_array_size(asked); i++)
        json_array_append_new(visits, visit_result(lease, json_array_get(asked, i)));
    return json_pack("{s:i,s:{s:s,s:i},s:o}", "fence", int_of(lease, "fence"), "fingerprint", "runner", "made up",
                     "mhz", mhz, "visits", visits);
}

static inline void count_measured(const json_t *lease, const json_t *results)
{
    size_t i;
    const json_t *visit;
    json_array_foreach(json_object_get(results, "visits"), i, visit)
    {
        char number[16];
        size_t k;
        const json_t *layer;
        snprintf(number, sizeof number, "%d", int_of(visit, "visit"));
        if (json_object_get(t.visits, number)) continue;
        json_object_set_new(t.visits, number, json_true());
        json_array_foreach(layers_of(lease, int_of(visit, "network")), k, layer)
        {
            json_int_t before = json_integer_value(json_object_get(t.measured, json_string_value(layer)));
            json_object_set_new(t.measured, json_string_value(layer), json_integer(before + int_of(lease, "runs")));
        }
    }
}

/* Send results of some visits. @return the server's status. */
static inline enum lathe_status report(const json_t *lease, size_t first, size_t count, int mhz)
{
    json_t *answer = NULL;
    json_t *results = results_of(lease, first, count, mhz);
    enum lathe_status st = jobs_results(t.jobs, text_of(lease, "id"), results, &answer, NULL);
    if (!st) count_measured(lease, results);
    json_decref(results);
    json_decref(answer);
    return st;
}

static inline enum lathe_status release(const json_t *lease, const char *error, bool fatal)
{
    return jobs_release(t.jobs, text_of(lease, "id"), int_of(lease, "fence"), error, fatal, NULL);
}

/* Work off whatever there is. @return the number of visits that it took. */
static inline int work_off_all(const char *agent, int mhz)
{
    int visits = 0;
    json_t *lease;
    while ((lease = lease_for(agent))) {
        size_t n = json_array_size(json_object_get(lease, "visits"));
        enum lathe_status st = report(lease, 0, n, mhz);
        ck_assert_int_eq(st, LATHE_OK);
        st = release(lease, NULL, false);
        ck_assert(st == LATHE_OK || st == LATHE_CONFLICT);
        visits += (int)n;
        json_decref(lease);
    }
    return visits;
}

/* @param version 0: newest. @return false when the row is absent. */
static inline bool row_of(uint32_t version, const char *layer, struct latency *out)
{
    struct kv_txn *txn = NULL;
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    enum lathe_status st = table_get(txn, TABLE, version, layer, out, NULL);
    kv_read_end(txn);
    ck_assert(st == LATHE_OK || st == LATHE_NOT_FOUND);
    return st == LATHE_OK;
}

/* Every row has exactly the samples that the agent took of it. */
static inline void assert_table_is_what_was_measured(void)
{
    const char *layer;
    json_t *count;
    json_object_foreach(t.measured, layer, count)
    {
        struct latency latency;
        ck_assert_msg(row_of(0, layer, &latency), "no row %s", layer);
        ck_assert_msg((json_int_t)latency.count == json_integer_value(count), "%s has %d samples, %d were taken", layer,
                      (int)latency.count, (int)json_integer_value(count));
    }
}

#endif
