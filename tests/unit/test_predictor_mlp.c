/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Fitting of perceptrons. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "server/predictors/mlp.h"

enum { FEATURES = 6, ROWS = 400 };

/* Rows of 0 and 1 whose targets are an exclusive or: nothing that is linear in the features. */
struct data {
    struct ridge_row rows[ROWS];
    const struct ridge_row *order[ROWS];
};

static struct mlp_rows part_of(const struct data *d, size_t from, size_t count)
{
    return (struct mlp_rows){d->order + from, count};
}

static void make_data(struct data *d, double noise)
{
    struct rng rng;
    rng_seed(&rng, 5);
    memset(d, 0, sizeof *d);
    for (int i = 0; i < ROWS; i++) {
        struct ridge_row *row = &d->rows[i];
        bool bits[FEATURES];
        for (int f = 0; f < FEATURES; f++) {
            bits[f] = rng_below(&rng, 2);
            if (bits[f]) row->features[row->count++] = (struct feature){f, 1};
        }
        row->target = 0.7 + 0.1 * (bits[0] != bits[1]) + 0.05 * (bits[2] && bits[3]) + noise * (rng_unit(&rng) - 0.5);
        d->order[i] = row;
    }
}

static struct mlp_options small(void)
{
    struct mlp_options o;
    mlp_defaults(&o);
    o.hidden[0] = 12;
    o.hidden[1] = 8;
    o.batch = 16;
    o.weight_decay = 1e-3;
    o.learning_rate = 1e-2;
    return o;
}

static double mean_error(const struct mlp *m, struct mlp_rows rows)
{
    double sum = 0;
    for (size_t i = 0; i < rows.count; i++)
        sum += fabs(mlp_predict(m, rows.rows[i]) - rows.rows[i]->target) / (double)rows.count;
    return sum;
}

static void compare_derivative(struct mlp *m, struct mlp_rows rows, float *weight, float derivative)
{
    const float step = 2e-3f;
    struct mlp_options o = small();
    struct mlp unused;
    float kept = *weight;
    ck_assert_int_eq(mlp_init(&unused, FEATURES, &o, NULL), LATHE_OK);
    *weight = kept + step;
    double above = mlp_gradient(m, rows, &unused);
    *weight = kept - step;
    double below = mlp_gradient(m, rows, &unused);
    *weight = kept;
    ck_assert_double_eq_tol((above - below) / (2 * (double)step), (double)derivative, 1e-2);
    mlp_clear(&unused);
}

START_TEST(gradients_are_those_of_finite_differences)
{
    static struct data d;
    struct mlp m;
    struct mlp gradient;
    struct mlp_options o = small();
    struct rng rng;
    rng_seed(&rng, 1);
    make_data(&d, 0);
    ck_assert_int_eq(mlp_init(&m, FEATURES, &o, NULL), LATHE_OK);
    ck_assert_int_eq(mlp_init(&gradient, FEATURES, &o, NULL), LATHE_OK);
    for (int l = 0; l < m.layer_count; l++) {
        for (int i = 0; i < m.layers[l].in * m.layers[l].out; i++) m.layers[l].weight[i] = (float)rng_unit(&rng) - 0.4f;
        for (int i = 0; i < m.layers[l].out; i++) m.layers[l].bias[i] = (float)rng_unit(&rng) - 0.5f;
    }
    struct mlp_rows rows = part_of(&d, 0, 50);
    ck_assert(isfinite(mlp_gradient(&m, rows, &gradient)));
    for (int l = 0; l < m.layer_count; l++) {
        for (int i = 0; i < m.layers[l].in * m.layers[l].out; i += 3)
            compare_derivative(&m, rows, &m.layers[l].weight[i], gradient.layers[l].weight[i]);
        for (int i = 0; i < m.layers[l].out; i++)
            compare_derivative(&m, rows, &m.layers[l].bias[i], gradient.layers[l].bias[i]);
    }
    mlp_clear(&gradient);
    mlp_clear(&m);
}
END_TEST

START_TEST(what_no_line_fits_is_learnt)
{
    static struct data d;
    struct mlp m;
    struct mlp_options o = small();
    int epochs = 0;
    make_data(&d, 0);
    ck_assert_int_eq(mlp_fit(part_of(&d, 0, 300), part_of(&d, 300, 50), FEATURES, &o, &m, &epochs, NULL), LATHE_OK);
    ck_assert_int_ge(epochs, 1);
    ck_assert_int_le(epochs, o.epochs);
    /* A constant is 0.05 off on average, and so is the best line: the exclusive or has none. */
    ck_assert_double_le(mean_error(&m, part_of(&d, 350, 50)), 0.005);
    mlp_clear(&m);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_weights)
{
    static struct data d;
    struct mlp m[3];
    struct mlp_options o = small();
    o.epochs = 5;
    make_data(&d, 0.01);
    for (int i = 0; i < 3; i++) {
        o.seed = i == 2;
        ck_assert_int_eq(mlp_fit(part_of(&d, 0, 300), part_of(&d, 300, 50), FEATURES, &o, &m[i], NULL, NULL), LATHE_OK);
    }
    size_t bytes = (size_t)(m[0].layers[0].in * m[0].layers[0].out) * sizeof(float);
    ck_assert_mem_eq(m[0].layers[0].weight, m[1].layers[0].weight, bytes);
    ck_assert(memcmp(m[0].layers[0].weight, m[2].layers[0].weight, bytes) != 0);
    for (int i = 0; i < 3; i++) mlp_clear(&m[i]);
}
END_TEST

/* Nothing but noise, few rows and many weights: the longer it trains, the worse. */
START_TEST(training_stops_where_other_rows_are_predicted_best)
{
    static struct data d;
    struct mlp stopped;
    struct mlp to_the_end;
    struct mlp_options o = small();
    int epochs = 0;
    make_data(&d, 1);
    o.hidden[0] = 64;
    o.epochs = 200;
    ck_assert_int_eq(mlp_fit(part_of(&d, 0, 40), part_of(&d, 40, 200), FEATURES, &o, &stopped, &epochs, NULL),
                     LATHE_OK);
    ck_assert_int_eq(mlp_fit(part_of(&d, 0, 40), (struct mlp_rows){0}, FEATURES, &o, &to_the_end, NULL, NULL),
                     LATHE_OK);
    ck_assert_int_lt(epochs, 100);
    ck_assert_double_lt(mean_error(&stopped, part_of(&d, 240, 160)), mean_error(&to_the_end, part_of(&d, 240, 160)));
    mlp_clear(&stopped);
    mlp_clear(&to_the_end);
}
END_TEST

START_TEST(divergence_is_an_error)
{
    static struct data d;
    struct mlp m;
    struct mlp_options o = small();
    struct lathe_error err = {0};
    make_data(&d, 0);
    o.learning_rate = 1e30;
    ck_assert_int_eq(mlp_fit(part_of(&d, 0, 300), part_of(&d, 300, 50), FEATURES, &o, &m, NULL, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "diverged"));
}
END_TEST

static bool third_time(void *context)
{
    return ++*(int *)context == 3;
}

START_TEST(training_stops_when_asked)
{
    static struct data d;
    struct mlp m;
    struct mlp_options o = small();
    int asked = 0;
    make_data(&d, 0);
    o.cancelled = third_time;
    o.cancelled_context = &asked;
    ck_assert_int_eq(mlp_fit(part_of(&d, 0, 300), part_of(&d, 300, 50), FEATURES, &o, &m, NULL, NULL), LATHE_CANCELLED);
    ck_assert_int_eq(asked, 3);
}
END_TEST

static TCase *mlp_case(void)
{
    TCase *c = tcase_create("mlp");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, gradients_are_those_of_finite_differences);
    tcase_add_test(c, what_no_line_fits_is_learnt);
    tcase_add_test(c, the_same_seed_gives_the_same_weights);
    tcase_add_test(c, training_stops_where_other_rows_are_predicted_best);
    tcase_add_test(c, divergence_is_an_error);
    tcase_add_test(c, training_stops_when_asked);
    return c;
}

TEST_MAIN("mlp", mlp_case())
