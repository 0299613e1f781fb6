/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>

#include "check_main.h"
#include "lut/base/buf.h"
#include "lut/base/rank.h"
#include "server/predictors/training.h"
#include "test_search_fixture.h"

static struct space *tiny;

static struct training_options method_of(enum training_method method)
{
    struct training_options o;
    training_defaults(&o);
    o.method = method;
    o.mlp.hidden[0] = o.mlp.hidden[1] = 16;
    return o;
}

static enum lathe_status train(const char *input, size_t size, struct lathe_error *err)
{
    char *file = NULL;
    size_t file_size = 0;
    struct training_report report;
    const struct training_options ridge = method_of(TRAIN_RIDGE);
    enum lathe_status st = predictor_train(tiny, input, size, "test", &ridge, &file, &file_size, &report, err);
    free(file);
    return st;
}

START_TEST(broken_samples_are_refused_by_line)
{
    tiny = space_from_text(tiny_space);
    ck_assert_int_ge(refuse_all_cases("training_csv", train), 25);
    space_free(tiny);
}
END_TEST

/* An accuracy that is linear in the features, and different for each network: ties would be broken by rounding. */
static double linear_top1(const int *choice, int depth, int resolution)
{
    double top1 = 0.6 + 0.0101 * choice[0] + 0.0207 * choice[2];
    if (depth == 2) top1 += 0.0331 + 0.0053 * choice[1] - 0.0159 * choice[3];
    return top1 + (resolution - 112) * 0.00103;
}

/* Rows of linear accuracies, columns in another order than usual. What skipped blocks hold is drawn from `junk`. */
static void write_rows(struct buf *csv, uint64_t seed, int rows, const char *const junk[2])
{
    struct rng rng;
    rng_seed(&rng, seed);
    buf_puts(csv, "accuracy,r,d0,e1,e0,k1,k0\r\n");
    for (int i = 0; i < rows; i++) {
        int c[4];
        for (int k = 0; k < 4; k++) c[k] = (int)rng_below(&rng, 2);
        int depth = 1 + (int)rng_below(&rng, 2);
        int resolution = rng_below(&rng, 2) ? 112 : 120;
        char e1[8];
        char k1[8];
        snprintf(e1, sizeof e1, "%d", c[3] ? 6 : 3);
        snprintf(k1, sizeof k1, "%d", c[1] ? 5 : 3);
        buf_printf(csv, "%.9f,%d,%d,%s,%d,%s,%d\r\n", linear_top1(c, depth, resolution), resolution, depth,
                   depth == 2 ? e1 : junk[0], c[2] ? 6 : 3, depth == 2 ? k1 : junk[1], c[0] ? 5 : 3);
    }
}

START_TEST(a_linear_accuracy_is_learnt_exactly_with_interpolated_resolutions)
{
    static const char *const junk[2] = {"6", "5"};
    struct space *space = space_from_text(tiny_space);
    struct buf csv;
    char *file = NULL;
    size_t size = 0;
    struct training_report r = {0};
    struct predictor *predictor = NULL;
    buf_init(&csv);
    write_rows(&csv, 3, 500, junk);
    const struct training_options best = method_of(TRAIN_AUTO);
    ck_assert_int_eq(predictor_train(space, csv.data, csv.size, "linear", &best, &file, &size, &r, NULL), LATHE_OK);
    ck_assert_int_eq(r.kept, TRAIN_RIDGE);
    ck_assert(r.mlp.fitted);
    ck_assert_uint_eq(r.rows, 500);
    ck_assert_uint_eq(r.train_rows, 450);
    ck_assert_uint_eq(r.held_out_rows, 50);
    ck_assert_uint_eq(r.file_bytes, size);
    ck_assert_double_ge(training_kept(&r)->r2, 0.999999);
    ck_assert_double_le(training_kept(&r)->mae, 1e-5);
    ck_assert_double_ge(training_kept(&r)->kendall_tau, 0.99);
    ck_assert_int_eq(predictor_load(file, size, space, &predictor, NULL), LATHE_OK);
    struct predictor_work *work = predictor_work_new(predictor);
    for (int code = 0; code < 64; code++) {
        struct subnet s = {{0}};
        float top1 = 0;
        for (int d = 0; d < 6; d++) s.at[d] = (uint8_t)(code >> d & 1);
        const int choice[4] = {s.at[2], s.at[3], s.at[4], s.at[5]};
        predictor_evaluate(predictor, work, &s, 1, &top1);
        ck_assert_double_eq_tol((double)top1, linear_top1(choice, s.at[1] + 1, s.at[0] ? 120 : 112), 1e-4);
    }
    json_t *description = predictor_describe(predictor);
    const json_t *metadata = json_object_get(description, "metadata");
    ck_assert_str_eq(json_string_value(json_object_get(metadata, "data")), "linear");
    ck_assert_str_eq(json_string_value(json_object_get(metadata, "space")), "tiny");
    ck_assert_str_eq(json_string_value(json_object_get(metadata, "rows")), "500");
    json_decref(description);
    predictor_work_free(work);
    predictor_free(predictor);
    free(file);
    buf_clear(&csv);
    space_free(space);
}
END_TEST

START_TEST(what_skipped_blocks_hold_changes_nothing)
{
    static const char *const plain[2] = {"3", "3"};
    static const char *const wild[2] = {"-7e9", "?"};
    struct space *space = space_from_text(tiny_space);
    char *files[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        struct buf csv;
        struct training_report r;
        buf_init(&csv);
        write_rows(&csv, 4, 200, i ? wild : plain);
        const struct training_options ridge = method_of(TRAIN_RIDGE);
        ck_assert_int_eq(predictor_train(space, csv.data, csv.size, "x", &ridge, &files[i], &sizes[i], &r, NULL),
                         LATHE_OK);
        buf_clear(&csv);
    }
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(files[0], files[1], sizes[0]);
    free(files[0]);
    free(files[1]);
    space_free(space);
}
END_TEST

/* One feature: w = sum(xc*yc) / (sum(xc^2) + lambda), b = mean(y) - w*mean(x). */
START_TEST(ridge_of_one_feature_is_the_textbooks)
{
    const double x[] = {0, 0.25, 1, 1, 0.5};
    const double y[] = {0.1, 0.3, 0.9, 1.1, 0.4};
    const double lambda = 0.7;
    struct ridge_sums sums;
    double mx = 0;
    double my = 0;
    double sxx = 0;
    double sxy = 0;
    double w = 0;
    double b = 0;
    ck_assert_int_eq(ridge_sums_init(&sums, 1, NULL), LATHE_OK);
    for (int i = 0; i < 5; i++) {
        struct ridge_row row = {.features = {{0, (float)x[i]}}, .count = 1, .target = y[i]};
        ridge_sums_add(&sums, &row);
        mx += x[i] / 5;
        my += y[i] / 5;
    }
    for (int i = 0; i < 5; i++) {
        sxx += (x[i] - mx) * (x[i] - mx);
        sxy += (x[i] - mx) * (y[i] - my);
    }
    ck_assert_int_eq(ridge_solve(&sums, lambda, &w, &b, NULL), LATHE_OK);
    ck_assert_double_eq_tol(w, sxy / (sxx + lambda), 1e-12);
    ck_assert_double_eq_tol(b, my - w * mx, 1e-12);
    ridge_sums_clear(&sums);
}
END_TEST

/* tau-b by its definition, all pairs. */
static double tau_of_pairs(const double *x, const double *y, size_t n)
{
    double score = 0;
    double in_x = 0;
    double in_y = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            double a = (double)((x[i] > x[j]) - (x[i] < x[j]));
            double b = (double)((y[i] > y[j]) - (y[i] < y[j]));
            score += a * b;
            in_x += a * a;
            in_y += b * b;
        }
    }
    return score / sqrt(in_x * in_y);
}

START_TEST(kendall_tau_is_that_of_all_pairs)
{
    struct rng rng;
    rng_seed(&rng, 2);
    for (int round = 0; round < 200; round++) {
        double x[40];
        double y[40];
        double tau = 9;
        size_t n = 2 + rng_below(&rng, 39);
        uint32_t values = 2 + rng_below(&rng, 60); /* few values make many ties */
        for (size_t i = 0; i < n; i++) {
            x[i] = rng_below(&rng, values);
            y[i] = rng_below(&rng, values) + (round % 2 ? x[i] : 0);
        }
        double expected = tau_of_pairs(x, y, n);
        ck_assert_int_eq(kendall_tau(x, y, n, &tau), 0);
        if (isnan(expected)) ck_assert(isnan(tau));
        else ck_assert_double_eq_tol(tau, expected, 1e-12);
    }
}
END_TEST

static TCase *training(void)
{
    TCase *c = tcase_create("training");
    tcase_add_test(c, broken_samples_are_refused_by_line);
    tcase_add_test(c, a_linear_accuracy_is_learnt_exactly_with_interpolated_resolutions);
    tcase_add_test(c, what_skipped_blocks_hold_changes_nothing);
    tcase_add_test(c, ridge_of_one_feature_is_the_textbooks);
    tcase_add_test(c, kendall_tau_is_that_of_all_pairs);
    return c;
}

TEST_MAIN("predictor training", training())
