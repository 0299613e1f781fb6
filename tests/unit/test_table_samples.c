/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "lut/table/table.h"
#include "test_kv_dir.h"

#define POOL "avgpool in=5x5x1152 out=1x1x1152"
#define LINEAR "linear in=1x1x1536 out=1x1x1000"

static const struct table_id id = {"board", "xnnpack-f32-t1-b1"};
static struct test_dir dir;
static struct kv *kv;

static enum lathe_status make_table(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    (void)context;
    json_t *fingerprint = json_pack("{s:s}", "cpu", "x");
    uint32_t version;
    enum lathe_status st = table_version_for(txn, id, fingerprint, "measured", 10, &version, err);
    json_decref(fingerprint);
    return st;
}

static void set_up(void)
{
    dir = dir_make();
    kv = store_open(&dir);
    ck_assert_ok(kv_write(kv, make_table, NULL, ok_err));
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
}

struct chunk {
    const char *row_text, *source;
    uint64_t subnet;
    const uint32_t *samples;
    size_t count;
    int64_t now_ms;
    struct sample_context around;
    const struct sample *details; /* in place of samples */
};
enum { SAMPLES_MAX = 16 };

static enum lathe_status add(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct chunk *c = context;
    struct sample_context around = c->around;
    struct sample samples[SAMPLES_MAX];
    around.subnet = c->subnet;
    for (size_t i = 0; i < c->count; i++)
        samples[i] = c->details ? c->details[i] : (struct sample){.wall_ns = c->samples[i]};
    enum lathe_status st = table_add_samples(txn, id, 0, c->row_text, c->source, &around, samples, c->count, err);
    return st ? st : table_update_row(txn, id, 0, c->row_text, c->now_ms, NULL, err);
}

static void add_chunk(const char *row_text, const char *source, uint64_t subnet, const uint32_t *samples, size_t n)
{
    struct chunk c = {row_text, source, subnet, samples, n, 500, {0}, NULL};
    ck_assert_ok(kv_write(kv, add, &c, ok_err));
}

static struct latency get(const char *row_text)
{
    struct kv_txn *txn;
    struct latency l;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_get(txn, id, 0, row_text, &l, ok_err));
    kv_read_end(txn);
    return l;
}

START_TEST(statistics_pool_all_chunks_of_a_row_and_no_others)
{
    static const uint32_t a[] = {3000000, 1000000}, b[] = {2000000}, c[] = {90000000};
    add_chunk(POOL, "p.1.0", 7, a, 2);
    add_chunk(LINEAR, "p.1.1", 7, c, 1);
    add_chunk(POOL " @160", "p.1.0", 7, c, 1);
    add_chunk(POOL, "p.2.0", 8, b, 1);
    struct latency l = get(POOL);
    ck_assert_uint_eq(l.count, 3);
    ck_assert_double_eq_tol(l.mean_ms, 2, 1e-12);
    ck_assert_double_eq_tol(l.std_ms, 1, 1e-12);
    ck_assert_double_eq_tol(l.min_ms, 1, 1e-12);
    ck_assert_uint_eq(l.contexts, 2);
    ck_assert_int_eq(l.updated_ms, 500);
    ck_assert_uint_eq(get(LINEAR).count, 1);
    ck_assert_double_eq_tol(get(LINEAR).mean_ms, 90, 1e-12);
}
END_TEST

START_TEST(the_same_source_again_counts_once_and_a_later_one_replaces_it)
{
    static const uint32_t a[] = {1000000, 1000000}, b[] = {5000000};
    add_chunk(POOL, "p.1.0", 7, a, 2);
    add_chunk(POOL, "p.1.0", 7, a, 2);
    ck_assert_uint_eq(get(POOL).count, 2);
    add_chunk(POOL, "p.1.0", 7, b, 1);
    ck_assert_uint_eq(get(POOL).count, 1);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 5, 1e-12);
    ck_assert_uint_eq(get(POOL).contexts, 1);
}
END_TEST

struct collected {
    uint32_t samples[2000];
    size_t count, chunks, most;
    uint64_t subnets;
    char sources[256];
};

static bool collect(void *context, const char *source, const struct sample_context *around,
                    const struct sample *samples, size_t n)
{
    struct collected *c = context;
    size_t at = strlen(c->sources);
    for (size_t i = 0; i < n; i++) c->samples[c->count++] = (uint32_t)samples[i].wall_ns;
    c->subnets += around->subnet;
    snprintf(c->sources + at, sizeof c->sources - at, "%s,", source);
    return ++c->chunks != c->most;
}

START_TEST(raw_samples_are_kept_chunk_by_chunk)
{
    static const uint32_t a[] = {0, UINT32_MAX}, b[] = {7, 8, 9};
    struct collected all = {0}, one = {.most = 1};
    struct kv_txn *txn;
    add_chunk(POOL, "p.2.0", 20, b, 3);
    add_chunk(POOL, "p.1.0", 10, a, 2);
    add_chunk(POOL " @160", "p.3.0", 30, b, 3);
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_samples(txn, id, 0, POOL, collect, &all, ok_err));
    ck_assert_ok(table_samples(txn, id, 0, POOL, collect, &one, ok_err));
    kv_read_end(txn);
    ck_assert_str_eq(all.sources, "p.1.0,p.2.0,");
    ck_assert_uint_eq(all.subnets, 30);
    ck_assert_uint_eq(all.count, 5);
    for (int i = 0; i < 5; i++) ck_assert_uint_eq(all.samples[i], i < 2 ? a[i] : b[i - 2]);
    ck_assert_uint_eq(one.chunks, 1);
}
END_TEST

/* Chunks in random order with repeats, against one pass over what the last of each source holds. */
START_TEST(after_many_chunks_the_statistics_are_those_of_all_samples_at_once)
{
    enum { SOURCES = 100, ADDS = 250, SAMPLES = 3 };
    uint32_t last[SOURCES][SAMPLES];
    bool seen[SOURCES] = {false};
    double all[SOURCES * SAMPLES];
    struct latency expected;
    struct rng rng;
    size_t n = 0;
    rng_seed(&rng, 11);
    for (int i = 0; i < ADDS; i++) {
        char source[32];
        uint32_t s = rng_below(&rng, SOURCES);
        for (int j = 0; j < SAMPLES; j++) last[s][j] = 900000 + rng_below(&rng, 300000);
        seen[s] = true;
        snprintf(source, sizeof source, "p-0123.%u.7", s);
        add_chunk(POOL, source, s % 9, last[s], SAMPLES);
    }
    for (int s = 0; s < SOURCES; s++)
        for (int j = 0; j < SAMPLES && seen[s]; j++) all[n++] = last[s][j];
    latency_from_samples(all, n, &expected);
    struct latency l = get(POOL);
    ck_assert_uint_eq(l.count, n);
    ck_assert_mem_eq(&l.mean_ms, &expected.mean_ms, 6 * sizeof(double));
    ck_assert_uint_eq(l.contexts, 9);
}
END_TEST

static enum lathe_status put_row(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct entry e = {.latency = {.count = 1, .mean_ms = 42}};
    (void)context;
    enum lathe_status st = row_parse(POOL, &e.layer, &e.resolution, err);
    return st ? st : table_put(txn, id, 0, &e, 1, err);
}

START_TEST(figures_put_over_a_measured_row_do_not_mix_with_its_samples)
{
    static const uint32_t a[] = {1000000}, b[] = {3000000};
    struct table_info info;
    struct kv_txn *txn;
    add_chunk(POOL, "p.1.0", 7, a, 1);
    ck_assert_ok(kv_write(kv, put_row, NULL, ok_err));
    ck_assert_double_eq(get(POOL).mean_ms, 42);
    ck_assert_int_gt(get(POOL).updated_ms, 500);
    add_chunk(POOL, "p.2.0", 7, b, 1);
    ck_assert_uint_eq(get(POOL).count, 1);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 3, 1e-12);
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_info(txn, id, 0, &info, ok_err));
    kv_read_end(txn);
    ck_assert_uint_eq(info.entries, 1);
    ck_assert_str_eq(info.origin, "measured");
    table_info_clear(&info);
}
END_TEST

START_TEST(malformed_chunks_are_refused)
{
    static const uint32_t a[] = {1};
    char source[50] = "";
    memset(source, 's', 48);
    add_chunk(POOL, source, 1, a, 1);
    source[48] = 's';
    const struct {
        struct chunk chunk;
        const char *field;
    } bad[] = {{{POOL, source, 1, a, 1, 0, {0}, NULL}, "source"}, {{POOL, "", 1, a, 1, 0, {0}, NULL}, "source"},
               {{POOL, "a/b", 1, a, 1, 0, {0}, NULL}, "source"},  {{POOL, "a", 1, a, 0, 0, {0}, NULL}, "samples"},
               {{"pool", "a", 1, a, 1, 0, {0}, NULL}, "layer"},   {{POOL " @", "a", 1, a, 1, 0, {0}, NULL}, "layer"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lathe_error err = {0};
        struct chunk c = bad[i].chunk;
        ck_assert_int_eq(kv_write(kv, add, &c, &err), LATHE_INVALID);
        ck_assert_str_eq(err.field, bad[i].field);
    }
    ck_assert_uint_eq(get(POOL).count, 1);
}
END_TEST

START_TEST(a_chunk_of_a_newer_schema_is_refused)
{
    static const uint32_t a[] = {1};
    static const char newer[] = "\x04 of a time to come";
    struct lathe_error err = {0};
    struct chunk c = {POOL, "p.2.0", 1, a, 1, 0, {0}, NULL};
    struct collected all = {0};
    struct kv_txn *txn;
    add_chunk(POOL, "p.1.0", 1, a, 1);
    ck_assert_ok(store_put_text(kv, "samples/board/xnnpack-f32-t1-b1/00000001/" POOL "/p.1.0", newer, ok_err));
    ck_assert_int_eq(kv_write(kv, add, &c, &err), LATHE_NEWER);
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_int_eq(table_samples(txn, id, 0, POOL, collect, &all, &err), LATHE_NEWER);
    kv_read_end(txn);
    ck_assert_uint_eq(all.chunks, 0);
}
END_TEST

static struct table_scaling scaling_now;

static enum lathe_status set_scaling(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    (void)context;
    return table_set_scaling(txn, id, 0, &scaling_now, err);
}

static void add_details(const char *source, const struct sample_context *around, const struct sample *s, size_t n)
{
    struct chunk c = {POOL, source, around->subnet, NULL, n, 500, *around, s};
    ck_assert_ok(kv_write(kv, add, &c, ok_err));
}

START_TEST(samples_count_at_the_speed_that_the_sentinel_had)
{
    static const struct sample fast[] = {{2000000, 0, 0}};
    static const struct sample slow[] = {{3000000, 0, 0}};
    scaling_now = (struct table_scaling){.reference_ns = 8e6, .factor = 1};
    ck_assert_ok(kv_write(kv, set_scaling, NULL, ok_err));
    add_details("p.1.0", &(struct sample_context){.subnet = 1, .sentinel_ns = 8000000}, fast, 1);
    add_details("p.2.0", &(struct sample_context){.subnet = 1, .sentinel_ns = 12000000}, slow, 1);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 2, 1e-9);
    ck_assert_double_eq_tol(get(POOL).std_ms, 0, 1e-9);
}
END_TEST

START_TEST(a_factor_multiplies_what_readers_get_at_once)
{
    static const uint32_t a[] = {1000000, 3000000};
    add_chunk(POOL, "p.1.0", 7, a, 2);
    scaling_now = (struct table_scaling){.factor = 1.25};
    ck_assert_ok(kv_write(kv, set_scaling, NULL, ok_err));
    struct latency l = get(POOL);
    ck_assert_double_eq_tol(l.mean_ms, 2.5, 1e-12);
    ck_assert_double_eq_tol(l.min_ms, 1.25, 1e-12);
    ck_assert_uint_eq(l.count, 2);
    scaling_now.factor = 0;
    struct lathe_error err = {0};
    ck_assert_int_eq(kv_write(kv, set_scaling, NULL, &err), LATHE_INVALID);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 2.5, 1e-12);
}
END_TEST

START_TEST(disturbed_samples_are_left_out_while_enough_others_remain)
{
    struct sample s[SAMPLES_MAX];
    for (int i = 0; i < SAMPLES_MAX; i++) s[i] = (struct sample){1000000, 1000000, 0};
    for (int i = 12; i < SAMPLES_MAX; i++) s[i] = (struct sample){9000000, 1300000, 1};
    add_details("p.1.0", &(struct sample_context){.subnet = 1}, s, SAMPLES_MAX);
    ck_assert_uint_eq(get(POOL).count, 12);
    ck_assert_uint_eq(get(POOL).samples, SAMPLES_MAX);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 1, 1e-12);
    ck_assert_double_eq(get(POOL).cpu_share, 0);
}
END_TEST

/* Reference 10 ms, the sentinel's CPU time 12.5 ms: what took 1.25 ms of CPU counts as 1 ms, whatever the clock said.
 */
START_TEST(where_all_samples_are_disturbed_cpu_time_counts_against_the_sentinels)
{
    static const struct sample s[] = {{2500000, 1250000, 1}, {3500000, 1250000, 2}, {2600000, 1250000, 1}};
    scaling_now = (struct table_scaling){.reference_ns = 10e6, .factor = 1};
    ck_assert_ok(kv_write(kv, set_scaling, NULL, ok_err));
    add_details("p.1.0", &(struct sample_context){.subnet = 1, .sentinel_cpu_ns = 12500000}, s, 3);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 1, 1e-12);
    ck_assert_double_eq(get(POOL).cpu_share, 1);
}
END_TEST

START_TEST(without_cpu_times_a_disturbed_sample_counts_as_it_is)
{
    static const struct sample s[] = {{2000000, 0, 1}, {4000000, 0, 1}};
    add_details("p.1.0", &(struct sample_context){.subnet = 1}, s, 2);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 3, 1e-12);
    ck_assert_double_eq(get(POOL).cpu_share, 0);
}
END_TEST

START_TEST(chunks_of_the_first_schema_are_read)
{
    /* schema 1, subnet 5, samples of 1 and 2 ms */
    static const unsigned char old[] = {1, 5, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x42, 0x0f, 0, 0x80, 0x84, 0x1e, 0};
    static const uint32_t a[] = {3000000};
    ck_assert_ok(
        store_put_bytes(kv, "samples/board/xnnpack-f32-t1-b1/00000001/" POOL "/p.1.0", old, sizeof old, ok_err));
    add_chunk(POOL, "p.2.0", 6, a, 1);
    ck_assert_uint_eq(get(POOL).count, 3);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 2, 1e-12);
    ck_assert_uint_eq(get(POOL).contexts, 2);
}
END_TEST

struct seen_context {
    struct sample_context around;
    size_t samples;
};

static bool keep_context(void *context, const char *source, const struct sample_context *around,
                         const struct sample *samples, size_t n)
{
    struct seen_context *seen = context;
    (void)source, (void)samples;
    seen->around = *around;
    seen->samples = n;
    return true;
}

static struct seen_context context_of(const char *row)
{
    struct seen_context seen = {0};
    struct kv_txn *txn = NULL;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_samples(txn, id, 0, row, keep_context, &seen, ok_err));
    kv_read_end(txn);
    return seen;
}

START_TEST(what_was_around_a_sample_is_kept)
{
    static const struct sample s[] = {{2000000, 1900000, 0}};
    const struct sample_context around = {7, 5000000, 4900000, 2400000, 3131, 250, 812};
    add_details("p.1.0", &around, s, 1);
    struct seen_context seen = context_of(POOL);
    ck_assert_mem_eq(&seen.around, &around, sizeof around);
}
END_TEST

START_TEST(chunks_of_the_second_schema_are_read_and_know_no_memory)
{
    /* schema 2, subnet 5, sentinel 3 and 2 ns, 4 kHz, 1 dK, 9 permille, a sample of 1 ms wall, 256 ns CPU, preempted */
    static const unsigned char old[] = {2, 5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,    0,    0,    0, 0, 2, 0, 0, 0,
                                        0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 9, 0, 0x40, 0x42, 0x0f, 0, 0, 1, 0, 0, 1};
    static const uint32_t a[] = {1000000};
    add_chunk(POOL, "p.2.0", 6, a, 1);
    ck_assert_ok(
        store_put_bytes(kv, "samples/board/xnnpack-f32-t1-b1/00000001/" POOL "/p.9.0", old, sizeof old, ok_err));
    struct seen_context seen = context_of(POOL);
    ck_assert_uint_eq(seen.samples, 1);
    ck_assert_uint_eq(seen.around.khz, 4);
    ck_assert_uint_eq(seen.around.load_permille, 9);
    ck_assert_uint_eq(seen.around.available_mb, 0);
}
END_TEST

static TCase *samples(void)
{
    TCase *c = tcase_create("samples");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, statistics_pool_all_chunks_of_a_row_and_no_others);
    tcase_add_test(c, the_same_source_again_counts_once_and_a_later_one_replaces_it);
    tcase_add_test(c, raw_samples_are_kept_chunk_by_chunk);
    tcase_add_test(c, after_many_chunks_the_statistics_are_those_of_all_samples_at_once);
    tcase_add_test(c, figures_put_over_a_measured_row_do_not_mix_with_its_samples);
    tcase_add_test(c, malformed_chunks_are_refused);
    tcase_add_test(c, a_chunk_of_a_newer_schema_is_refused);
    tcase_add_test(c, samples_count_at_the_speed_that_the_sentinel_had);
    tcase_add_test(c, a_factor_multiplies_what_readers_get_at_once);
    tcase_add_test(c, disturbed_samples_are_left_out_while_enough_others_remain);
    tcase_add_test(c, where_all_samples_are_disturbed_cpu_time_counts_against_the_sentinels);
    tcase_add_test(c, without_cpu_times_a_disturbed_sample_counts_as_it_is);
    tcase_add_test(c, chunks_of_the_first_schema_are_read);
    tcase_add_test(c, chunks_of_the_second_schema_are_read_and_know_no_memory);
    tcase_add_test(c, what_was_around_a_sample_is_kept);
    return c;
}

TEST_MAIN("table_samples", samples())
