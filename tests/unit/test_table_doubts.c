/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "lut/table/doubts.h"

/* ---- by definition, all pairs ---- */

static double margin(const struct latency *l)
{
    if (isfinite(l->ci_ms)) return l->ci_ms;
    if (!isfinite(l->std_ms) || l->count < 2) return NAN;
    return student_t95((size_t)l->count - 1) * l->std_ms / sqrt((double)l->count);
}

static bool does_more_of_the_same(const struct entry *more, const struct entry *less)
{
    struct layer same = more->layer;
    same.kernel = less->layer.kernel;
    same.mid = less->layer.mid;
    same.se = less->layer.se;
    if (!layer_equal(&same, &less->layer) || more->resolution != less->resolution) return false;
    if (layer_equal(&more->layer, &less->layer)) return false;
    return more->layer.kernel >= less->layer.kernel && more->layer.mid >= less->layer.mid &&
           more->layer.se >= less->layer.se;
}

/* The lower end of the interval of the row that speaks most against a row; -INFINITY: none does. */
static double highest_low(const struct entries *rows, size_t row)
{
    double best = -INFINITY;
    const struct latency *l = &rows->items[row].latency;
    for (size_t i = 0; i < rows->count; i++) {
        const struct latency *other = &rows->items[i].latency;
        double low = latency_best_ms(other) - margin(other);
        if (!does_more_of_the_same(&rows->items[row], &rows->items[i])) continue;
        if (latency_best_ms(l) + margin(l) < low && low > best) best = low;
    }
    return best;
}

static void check_against_all_pairs(const struct entries *rows)
{
    struct lathe_error err;
    struct doubts doubts;
    size_t at = 0;
    ck_assert_int_eq(doubts_find(rows, &doubts, &err), LATHE_OK);
    for (size_t i = 0; i < rows->count; i++) {
        const struct latency *l = &rows->items[i].latency;
        double low = highest_low(rows, i);
        if (isfinite(low)) {
            ck_assert_uint_lt(at, doubts.count);
            ck_assert_uint_eq(doubts.items[at].row, i);
            ck_assert_int_eq(doubts.items[at].kind, DOUBT_ORDER);
            const struct entry *other = &rows->items[doubts.items[at++].other];
            ck_assert(does_more_of_the_same(&rows->items[i], other));
            ck_assert_double_eq(latency_best_ms(&other->latency) - margin(&other->latency), low);
        }
        if (isfinite(l->std_ms) && l->std_ms / l->mean_ms > 0.1) {
            ck_assert_uint_lt(at, doubts.count);
            ck_assert_uint_eq(doubts.items[at].row, i);
            ck_assert_int_eq(doubts.items[at++].kind, DOUBT_SPREAD);
        }
    }
    ck_assert_uint_eq(at, doubts.count);
    doubts_clear(&doubts);
}

/* ---- random tables ---- */

static bool has_row(const struct entries *rows, const struct entry *e)
{
    for (size_t i = 0; i < rows->count; i++)
        if (layer_equal(&rows->items[i].layer, &e->layer) && rows->items[i].resolution == e->resolution) return true;
    return false;
}

static struct entry random_row(struct rng *rng, double noise)
{
    static const int kernels[] = {1, 3, 5, 7};
    static const enum activation acts[] = {ACT_RELU, ACT_HSWISH};
    struct entry e = {.layer = {.kind = LAYER_MBCONV, .in = {8, 8, 8}, .stride = 1}};
    e.layer.out = (struct shape){8, 8, rng_below(rng, 2) ? 8 : 16};
    e.layer.kernel = kernels[rng_below(rng, 4)];
    e.layer.mid = 8 * (1 + (int)rng_below(rng, 12));
    e.layer.se = 4 * (int)rng_below(rng, 5);
    e.layer.act = acts[rng_below(rng, 2)];
    e.layer.residual = e.layer.out.c == 8 && rng_below(rng, 2);
    e.resolution = rng_below(rng, 2) ? 0 : 160;
    double work = e.layer.mid * (10 + e.layer.kernel * e.layer.kernel) + e.layer.se;
    double mean = work * (1 + noise * (rng_unit(rng) - 0.5));
    e.latency = (struct latency){.count = 1 + rng_below(rng, 30),
                                 .mean_ms = mean,
                                 .trimmed_ms = rng_below(rng, 4) ? mean * (1 + 0.01 * rng_unit(rng)) : NAN,
                                 .std_ms = rng_below(rng, 8) ? mean * 0.12 * rng_unit(rng) : NAN,
                                 .ci_ms = rng_below(rng, 3) ? mean * 0.05 * rng_unit(rng) : NAN};
    return e;
}

START_TEST(doubts_of_random_tables_are_those_of_all_pairs)
{
    struct rng rng;
    struct lathe_error err;
    rng_seed(&rng, 1000 + (uint64_t)_i);
    struct entries rows = {0};
    size_t n = 1 + rng_below(&rng, 600);
    double noise = rng_unit(&rng) * 2;
    for (size_t i = 0; i < n; i++) {
        struct entry e = random_row(&rng, noise);
        if (!has_row(&rows, &e)) ck_assert_int_eq(entries_add(&rows, &e, &err), LATHE_OK);
    }
    check_against_all_pairs(&rows);
    entries_clear(&rows);
}
END_TEST

/* ---- by hand ---- */

static struct entry row_of(const char *text, double ms, double ci_ms, double std_ms)
{
    struct entry e;
    struct lathe_error err;
    ck_assert_int_eq(row_parse(text, &e.layer, &e.resolution, &err), LATHE_OK);
    e.latency = (struct latency){
        .count = 20, .mean_ms = ms, .trimmed_ms = ms, .std_ms = std_ms, .ci_ms = ci_ms, .cpu_share = NAN};
    return e;
}

static struct doubts find(struct entry *items, size_t n)
{
    struct lathe_error err;
    struct doubts doubts;
    const struct entries rows = {.items = items, .count = n};
    ck_assert_int_eq(doubts_find(&rows, &doubts, &err), LATHE_OK);
    return doubts;
}

#define BLOCK "mbconv in=8x8x8 out=8x8x8 "

START_TEST(a_larger_kernel_that_is_faster_is_doubted_and_says_beside_which_row)
{
    struct entry items[] = {row_of(BLOCK "mid=24 k=3 s=1 act=relu res=1", 2.0, 0.02, 0.1),
                            row_of(BLOCK "mid=24 k=5 s=1 act=relu res=1", 1.5, 0.02, 0.1)};
    struct doubts doubts = find(items, 2);
    ck_assert_uint_eq(doubts.count, 1);
    ck_assert_uint_eq(doubts.items[0].row, 1);
    ck_assert_uint_eq(doubts.items[0].other, 0);
    char detail[DOUBT_DETAIL_BYTES];
    doubt_describe(&doubts.items[0], &(struct entries){.items = items, .count = 2}, detail);
    ck_assert_str_eq(detail, "it takes 1.5 +- 0.02 ms, less than the 2 +- 0.02 ms of " BLOCK
                             "mid=24 k=3 s=1 act=relu res=1, which does less");
    doubts_clear(&doubts);
}
END_TEST

START_TEST(what_lies_within_noise_is_not_doubted)
{
    struct entry items[] = {row_of(BLOCK "mid=24 k=3 s=1 act=relu res=1", 2.0, 0.3, 0.1),
                            row_of(BLOCK "mid=24 k=5 s=1 act=relu res=1", 1.5, 0.2, 0.1)};
    struct doubts doubts = find(items, 2);
    ck_assert_uint_eq(doubts.count, 0);
    doubts_clear(&doubts);
}
END_TEST

START_TEST(layers_that_trade_a_kernel_for_channels_are_not_compared)
{
    struct entry items[] = {row_of(BLOCK "mid=48 k=3 s=1 act=relu res=1", 2.0, 0.01, 0.1),
                            row_of(BLOCK "mid=24 k=5 s=1 act=relu res=1", 1.0, 0.01, 0.1),
                            row_of(BLOCK "mid=48 k=5 s=1 act=hswish res=1", 0.5, 0.01, 0.01),
                            row_of(BLOCK "mid=48 k=5 s=1 act=relu res=1 @160", 0.5, 0.01, 0.01)};
    struct doubts doubts = find(items, 4);
    ck_assert_uint_eq(doubts.count, 0);
    doubts_clear(&doubts);
}
END_TEST

START_TEST(a_spread_above_a_tenth_is_doubted)
{
    struct entry items[] = {row_of("linear in=1x1x8 out=1x1x10", 1.0, 0.01, 0.1001),
                            row_of("linear in=1x1x9 out=1x1x10", 1.0, 0.01, 0.0999)};
    struct doubts doubts = find(items, 2);
    ck_assert_uint_eq(doubts.count, 1);
    ck_assert_int_eq(doubts.items[0].kind, DOUBT_SPREAD);
    ck_assert_uint_eq(doubts.items[0].row, 0);
    doubts_clear(&doubts);
}
END_TEST

START_TEST(a_row_of_one_sample_without_interval_is_neither_doubted_nor_held_against_others)
{
    struct entry items[] = {row_of(BLOCK "mid=24 k=3 s=1 act=relu res=1", 2.0, NAN, 0),
                            row_of(BLOCK "mid=24 k=5 s=1 act=relu res=1", 1.5, 0.02, 0.1),
                            row_of(BLOCK "mid=24 k=7 s=1 act=relu res=1", 0.5, NAN, NAN)};
    items[0].latency.count = 1;
    struct doubts doubts = find(items, 3);
    ck_assert_uint_eq(doubts.count, 0);
    doubts_clear(&doubts);
}
END_TEST

START_TEST(an_empty_table_has_no_doubts)
{
    struct doubts doubts = find(NULL, 0);
    ck_assert_uint_eq(doubts.count, 0);
    doubts_clear(&doubts);
}
END_TEST

static TCase *all(void)
{
    TCase *c = tcase_create("doubts");
    tcase_add_loop_test(c, doubts_of_random_tables_are_those_of_all_pairs, 0, 60);
    tcase_add_test(c, a_larger_kernel_that_is_faster_is_doubted_and_says_beside_which_row);
    tcase_add_test(c, what_lies_within_noise_is_not_doubted);
    tcase_add_test(c, layers_that_trade_a_kernel_for_channels_are_not_compared);
    tcase_add_test(c, a_spread_above_a_tenth_is_doubted);
    tcase_add_test(c, a_row_of_one_sample_without_interval_is_neither_doubted_nor_held_against_others);
    tcase_add_test(c, an_empty_table_has_no_doubts);
    return c;
}

TEST_MAIN("table_doubts", all())
