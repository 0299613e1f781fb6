/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "lut/table/thin.h"
#include "test_kv_dir.h"

#define POOL "avgpool in=5x5x1152 out=1x1x1152"
#define LINEAR "linear in=1x1x1536 out=1x1x1000"

enum { VISIT_RUNS = 5 };

static const struct table_id id = {"board", "xnnpack-f32-t1-b1"};
static const struct table_id other = {"board-2", "xnnpack-f32-t1-b1"};
static struct test_dir dir;
static struct kv *kv;

static enum lathe_status make_table(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    json_t *fingerprint = json_pack("{s:s}", "cpu", "x");
    uint32_t version;
    enum lathe_status st =
        table_version_for(txn, *(struct table_id *)context, fingerprint, "measured", 10, &version, err);
    json_decref(fingerprint);
    return st;
}

static void set_up(void)
{
    dir = dir_make();
    ck_assert_ok(kv_open(dir.path, 1, &(struct kv_options){.unsafe_nosync = true, .counted = "samples/"}, &kv, ok_err));
    ck_assert_ok(kv_write(kv, make_table, (void *)&id, ok_err));
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
}

/* Visits of one row by a job, and when they came. */
struct visits {
    struct table_id table;
    const char *row, *job;
    int first, count;
    double mean_ns;
    uint64_t sentinel_ns;
    int64_t at_ms;
};

static enum lathe_status add_visits(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct visits *v = context;
    struct rng rng;
    enum lathe_status st = LATHE_OK;
    rng_seed(&rng, (uint64_t)v->first + 1);
    for (int i = v->first; !st && i < v->first + v->count; i++) {
        struct sample_context around = {.subnet = 1 + (uint64_t)i % 3, .sentinel_ns = v->sentinel_ns};
        struct sample samples[VISIT_RUNS];
        char source[48];
        snprintf(source, sizeof source, "%s.%d.0", v->job, i);
        for (int r = 0; r < VISIT_RUNS; r++)
            samples[r] = (struct sample){.wall_ns = (uint64_t)(v->mean_ns * (0.95 + 0.1 * rng_unit(&rng)))};
        st = table_add_samples(txn, v->table, 0, v->row, source, &around, samples, VISIT_RUNS, err);
    }
    return st ? st : table_update_row(txn, v->table, 0, v->row, v->at_ms, NULL, err);
}

static void measure(const struct visits *v)
{
    ck_assert_ok(kv_write(kv, add_visits, (void *)v, ok_err));
}

static struct latency get(const char *row)
{
    struct kv_txn *txn;
    struct latency l;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_get(txn, id, 0, row, &l, ok_err));
    kv_read_end(txn);
    return l;
}

struct thinning {
    const char *row;
    size_t samples;
};

static enum lathe_status thin(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct thinning *t = context;
    return table_thin_row(txn, id, 0, t->row, 77, &t->samples, err);
}

/* @return how many samples went. */
static size_t thin_row(const char *row)
{
    struct thinning t = {row, 0};
    enum lathe_status st = kv_write(kv, thin, &t, NULL);
    ck_assert(st == LATHE_OK || st == LATHE_NOT_FOUND);
    return st ? 0 : t.samples;
}

static bool count_chunk(void *context, const char *source, const struct sample_context *around,
                        const struct sample *samples, size_t n)
{
    (void)source, (void)around, (void)samples;
    *(size_t *)context += n;
    return true;
}

static size_t samples_of(const char *row)
{
    struct kv_txn *txn;
    size_t n = 0;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_samples(txn, id, 0, row, count_chunk, &n, ok_err));
    kv_read_end(txn);
    return n;
}

static void check_same(const struct latency *a, const struct latency *b)
{
    ck_assert_mem_eq(&a->mean_ms, &b->mean_ms, sizeof a->mean_ms);
    ck_assert_mem_eq(&a->trimmed_ms, &b->trimmed_ms, sizeof a->trimmed_ms);
    ck_assert_mem_eq(&a->ci_ms, &b->ci_ms, sizeof a->ci_ms);
    ck_assert_mem_eq(&a->p90_ms, &b->p90_ms, sizeof a->p90_ms);
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->samples, b->samples);
    ck_assert_uint_eq(a->contexts, b->contexts);
}

START_TEST(a_row_that_is_thinned_keeps_its_figures_to_the_last_bit)
{
    measure(&(struct visits){id, POOL, "p-1", 0, 24, 2e6, 0, 500});
    measure(&(struct visits){id, POOL " @160", "p-1", 0, 3, 2e6, 0, 500});
    struct latency before = get(POOL);
    ck_assert_uint_eq(thin_row(POOL), 24 * VISIT_RUNS);
    ck_assert_uint_eq(samples_of(POOL), 0);
    ck_assert_uint_eq(samples_of(POOL " @160"), 3 * VISIT_RUNS);
    struct latency after = get(POOL);
    check_same(&before, &after);
    ck_assert_int_eq(after.updated_ms, 500);
    ck_assert_uint_eq(thin_row(POOL), 0);
}
END_TEST

START_TEST(samples_that_come_later_make_a_thinned_row_no_worse)
{
    measure(&(struct visits){id, POOL, "p-1", 0, 60, 2e6, 0, 500});
    measure(&(struct visits){id, LINEAR, "p-1", 0, 60, 2e6, 0, 500});
    struct latency before = get(POOL);
    thin_row(POOL);
    measure(&(struct visits){id, POOL, "p-2", 60, 2, 2.04e6, 0, 900});
    measure(&(struct visits){id, LINEAR, "p-2", 60, 2, 2.04e6, 0, 900});
    struct latency after = get(POOL);
    struct latency whole = get(LINEAR); /* the same samples, none of them thinned */
    ck_assert_uint_eq(after.count, whole.count);
    ck_assert_uint_eq(after.samples, whole.samples);
    ck_assert_uint_eq(after.contexts, whole.contexts);
    ck_assert_int_eq(after.updated_ms, 900);
    ck_assert_double_eq_tol(after.mean_ms, whole.mean_ms, 1e-9);
    ck_assert_double_eq_tol(after.std_ms, whole.std_ms, 1e-9);
    ck_assert_double_eq_tol(after.min_ms, whole.min_ms, 1e-12);
    ck_assert_double_eq_tol(after.trimmed_ms, whole.trimmed_ms, 0.001 * whole.trimmed_ms);
    ck_assert_double_eq_tol(after.p90_ms, whole.p90_ms, 0.01 * whole.p90_ms);
    ck_assert_double_le(after.ci_ms, before.ci_ms * 1.05);
    ck_assert_uint_eq(samples_of(POOL), 2 * VISIT_RUNS);
}
END_TEST

START_TEST(thinning_again_and_again_loses_nothing)
{
    for (int round = 0; round < 5; round++) {
        measure(&(struct visits){id, POOL, "p-1", 10 * round, 10, 2e6, 0, 500 + round});
        measure(&(struct visits){id, LINEAR, "p-1", 10 * round, 10, 2e6, 0, 500 + round});
        ck_assert_uint_eq(thin_row(POOL), 10 * VISIT_RUNS);
    }
    struct latency thinned = get(POOL);
    struct latency whole = get(LINEAR);
    ck_assert_uint_eq(thinned.count, 50 * VISIT_RUNS);
    ck_assert_double_eq_tol(thinned.mean_ms, whole.mean_ms, 1e-9);
    ck_assert_double_eq_tol(thinned.trimmed_ms, whole.trimmed_ms, 0.001 * whole.trimmed_ms);
    ck_assert_double_eq_tol(thinned.ci_ms, whole.ci_ms, 0.3 * whole.ci_ms);
}
END_TEST

static enum lathe_status set_reference(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct table_scaling scaling = {.reference_ns = *(double *)context, .factor = 1};
    enum lathe_status st = table_set_scaling(txn, id, 0, &scaling, err);
    if (!st) st = table_update_row(txn, id, 0, POOL, 600, NULL, err);
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

START_TEST(a_thinned_row_follows_a_new_reference)
{
    double reference = 1e6;
    ck_assert_ok(kv_write(kv, set_reference, &reference, ok_err));
    measure(&(struct visits){id, POOL, "p-1", 0, 12, 2e6, 1000000, 500});
    double before = get(POOL).trimmed_ms;
    thin_row(POOL);
    reference = 1.1e6;
    ck_assert_ok(kv_write(kv, set_reference, &reference, ok_err));
    ck_assert_double_eq_tol(get(POOL).trimmed_ms, 1.1 * before, 1e-9);
}
END_TEST

static enum lathe_status replace(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct entry entry = {.latency = {.count = 1, .mean_ms = 9, .trimmed_ms = NAN}};
    (void)context;
    enum lathe_status st = row_parse(POOL, &entry.layer, &entry.resolution, err);
    return st ? st : table_put(txn, id, 0, &entry, 1, err);
}

START_TEST(an_imported_row_forgets_what_was_kept)
{
    measure(&(struct visits){id, POOL, "p-1", 0, 12, 2e6, 0, 500});
    thin_row(POOL);
    ck_assert_ok(kv_write(kv, replace, NULL, ok_err));
    measure(&(struct visits){id, POOL, "p-2", 0, 4, 5e6, 0, 900});
    ck_assert_uint_eq(get(POOL).count, 4 * VISIT_RUNS);
    ck_assert_double_eq_tol(get(POOL).mean_ms, 5, 0.3);
}
END_TEST

static bool keep_board_2(void *context, struct table_id table, uint32_t version)
{
    (void)context, (void)version;
    return strcmp(table.device, "board-2") == 0;
}

static size_t find(struct old_rows_walk *walk, int64_t before_ms, bool keep, struct old_row *rows, size_t capacity)
{
    struct kv_txn *txn;
    size_t count = 0;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(old_rows_find(txn, walk, before_ms, keep ? keep_board_2 : NULL, NULL, rows, capacity, &count, ok_err));
    kv_read_end(txn);
    return count;
}

START_TEST(old_rows_are_those_whose_newest_sample_is_old)
{
    struct old_row rows[8];
    struct old_rows_walk walk = {0};
    ck_assert_ok(kv_write(kv, make_table, (void *)&other, ok_err));
    measure(&(struct visits){id, POOL, "p-1", 0, 2, 2e6, 0, 500});
    measure(&(struct visits){id, LINEAR, "p-1", 0, 2, 2e6, 0, 500});
    measure(&(struct visits){id, LINEAR, "p-2", 2, 1, 2e6, 0, 1500});
    measure(&(struct visits){other, LINEAR, "p-1", 0, 2, 2e6, 0, 400});
    ck_assert_uint_eq(find(&walk, 500, false, rows, 8), 1);
    ck_assert_str_eq(rows[0].device, "board-2");
    ck_assert(walk.ended);
    walk = (struct old_rows_walk){0};
    ck_assert_uint_eq(find(&walk, 1000, false, rows, 1), 1); /* one at a time */
    ck_assert(!walk.ended);
    ck_assert_uint_eq(find(&walk, 1000, false, rows + 1, 7), 1);
    ck_assert(walk.ended);
    ck_assert_str_ne(rows[0].device, rows[1].device);
    walk = (struct old_rows_walk){0};
    ck_assert_uint_eq(find(&walk, 1000, true, rows, 8), 1);
    ck_assert_str_eq(rows[0].device, "board");
    ck_assert_str_eq(rows[0].config, id.config);
    ck_assert_uint_eq(rows[0].version, 1);
    ck_assert_str_eq(rows[0].row_text, POOL);
    thin_row(POOL);
    walk = (struct old_rows_walk){0};
    ck_assert_uint_eq(find(&walk, 1000, true, rows, 8), 0);
}
END_TEST

START_TEST(the_store_counts_the_bytes_of_samples_and_remembers_them)
{
    struct kv_stats stats;
    measure(&(struct visits){id, POOL, "p-1", 0, 10, 2e6, 0, 500});
    kv_get_stats(kv, &stats);
    uint64_t all = stats.counted_bytes;
    ck_assert_uint_gt(all, 10 * VISIT_RUNS * 9);
    measure(&(struct visits){id, POOL, "p-1", 0, 10, 2e6, 0, 500}); /* replaces each chunk by one of the same size */
    kv_get_stats(kv, &stats);
    ck_assert_uint_eq(stats.counted_bytes, all);
    measure(&(struct visits){id, LINEAR, "p-1", 0, 1, 2e6, 0, 500});
    kv_close(kv);
    ck_assert_ok(kv_open(dir.path, 1, &(struct kv_options){.unsafe_nosync = true, .counted = "samples/"}, &kv, ok_err));
    kv_get_stats(kv, &stats);
    ck_assert_uint_gt(stats.counted_bytes, all);
    thin_row(POOL);
    thin_row(LINEAR);
    kv_get_stats(kv, &stats);
    ck_assert_uint_eq(stats.counted_bytes, 0);
}
END_TEST

START_TEST(a_store_that_never_counted_is_counted_when_it_is_opened)
{
    struct kv_stats stats;
    measure(&(struct visits){id, POOL, "p-1", 0, 10, 2e6, 0, 500});
    kv_get_stats(kv, &stats);
    uint64_t all = stats.counted_bytes;
    kv_close(kv);
    ck_assert_ok(kv_open(dir.path, 1, &(struct kv_options){.unsafe_nosync = true, .counted = "sample"}, &kv, ok_err));
    kv_get_stats(kv, &stats);
    ck_assert_uint_eq(stats.counted_bytes, all);
}
END_TEST

static TCase *thinned(void)
{
    TCase *c = tcase_create("thin");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_row_that_is_thinned_keeps_its_figures_to_the_last_bit);
    tcase_add_test(c, samples_that_come_later_make_a_thinned_row_no_worse);
    tcase_add_test(c, thinning_again_and_again_loses_nothing);
    tcase_add_test(c, a_thinned_row_follows_a_new_reference);
    tcase_add_test(c, an_imported_row_forgets_what_was_kept);
    tcase_add_test(c, old_rows_are_those_whose_newest_sample_is_old);
    tcase_add_test(c, the_store_counts_the_bytes_of_samples_and_remembers_them);
    tcase_add_test(c, a_store_that_never_counted_is_counted_when_it_is_opened);
    return c;
}

TEST_MAIN("table_thin", thinned())
