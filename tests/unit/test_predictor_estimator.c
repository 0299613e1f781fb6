/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A predictor's fast side against its exact one. */
#include <math.h>

#include "check_main.h"
#include "server/predictors/estimator.h"
#include "test_search_random.h"

enum { SUBNETS = 600 };

struct pair {
    struct space *space;
    struct predictor *predictor;
    struct estimator *estimator;
    struct subnet subnets[SUBNETS];
    float exact[SUBNETS], estimates[SUBNETS];
    uint64_t keys[SUBNETS];
};

static void pair_init(struct pair *p, struct space *space, struct predictor *predictor, size_t remember)
{
    struct rng rng;
    struct predictor_work *work = predictor_work_new(predictor);
    *p = (struct pair){.space = space, .predictor = predictor};
    rng_seed(&rng, 9);
    for (int i = 0; i < SUBNETS; i++) space_random(space, &rng, &p->subnets[i]);
    ck_assert_int_eq(estimator_new(predictor, remember, &p->estimator, NULL), LATHE_OK);
    predictor_evaluate(predictor, work, p->subnets, SUBNETS, p->exact);
    predictor_work_free(work);
}

static void pair_clear(struct pair *p)
{
    estimator_free(p->estimator);
    predictor_free(p->predictor);
    space_free(p->space);
}

/* @param width of both hidden layers */
static struct predictor *deep_predictor(const struct space *space, size_t width, uint64_t seed)
{
    struct encoding encoding;
    struct rng rng;
    struct predictor *predictor = NULL;
    char *bytes = NULL;
    size_t size = 0;
    encoding_init(&encoding, space);
    size_t inputs = (size_t)encoding.features;
    size_t count = inputs * width + width * width + 3 * width + 1;
    float *w = malloc(count * sizeof *w);
    rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) w[i] = ((float)rng_unit(&rng) - 0.5f) * 0.2f;
    const struct tensor_source tensors[] = {
        {.name = "0.weight", .rank = 2, .shape = {width, inputs}, .values = w},
        {.name = "0.bias", .rank = 1, .shape = {width}, .values = w + inputs * width},
        {.name = "2.weight", .rank = 2, .shape = {width, width}, .values = w + inputs * width + width},
        {.name = "2.bias", .rank = 1, .shape = {width}, .values = w + inputs * width + width + width * width},
        {.name = "4.weight", .rank = 2, .shape = {1, width}, .values = w + count - width - 1},
        {.name = "4.bias", .rank = 1, .shape = {1}, .values = w + count - 1},
    };
    json_t *metadata = json_object();
    must(!safetensors_write(metadata, tensors, 6, &bytes, &size, NULL), "can't write a predictor");
    must(!predictor_load(bytes, size, space, &predictor, NULL), "can't read a predictor");
    json_decref(metadata);
    free(bytes);
    free(w);
    return predictor;
}

/* The second time the other way round and in small batches: nearly all come from the cache. */
static void check_estimates(struct pair *p, float tolerance)
{
    estimator_run(p->estimator, p->subnets, SUBNETS, p->estimates, p->keys);
    for (int i = 0; i < SUBNETS; i++) ck_assert_float_eq_tol(p->estimates[i], p->exact[i], tolerance);
    ck_assert_uint_le(estimator_count(p->estimator), SUBNETS);
    for (int i = SUBNETS - 1; i >= 0; i--) {
        float again = 0;
        uint64_t key = 0;
        estimator_run(p->estimator, &p->subnets[i], 1, &again, &key);
        ck_assert_float_eq_tol(again, p->estimates[i], tolerance / 4);
        ck_assert_uint_eq(key, p->keys[i]);
        ck_assert_uint_eq(key, estimator_key(p->estimator, &p->subnets[i]));
    }
}

START_TEST(estimates_are_near_predictions_and_come_from_the_cache)
{
    static struct pair p;
    for (int wide = 0; wide < 2; wide++) {
        struct space *space = shipped_space("ofa-mbv3-w1.2");
        /* 240 x 240 is enough for bfloat16 where there is any. */
        pair_init(&p, space, deep_predictor(space, wide ? 240 : 40, 3), SUBNETS);
        check_estimates(&p, wide ? 0.01f : 2e-6f);
        ck_assert_uint_eq(estimator_count(p.estimator), SUBNETS);
        pair_clear(&p);
    }
}
END_TEST

START_TEST(a_full_cache_forgets_and_answers_all_the_same)
{
    static struct pair p;
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    pair_init(&p, space, deep_predictor(space, 33, 4), 10);
    check_estimates(&p, 2e-6f);
    ck_assert_uint_gt(estimator_count(p.estimator), SUBNETS);
    pair_clear(&p);
}
END_TEST

/* Keys are equal for equal networks, whatever skipped blocks hold, and differ otherwise. */
START_TEST(keys_tell_networks_apart)
{
    static struct pair p;
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    pair_init(&p, space, deep_predictor(space, 8, 5), SUBNETS);
    for (int i = 0; i < SUBNETS; i++) {
        struct subnet wild = p.subnets[i];
        p.keys[i] = estimator_key(p.estimator, &p.subnets[i]);
        for (int d = 0; d < space_dim_count(space); d++)
            if (!space_dim_active(space, &wild, d)) wild.at[d] = (uint8_t)(space_dim(space, d)->count - 1);
        ck_assert_uint_eq(estimator_key(p.estimator, &wild), p.keys[i]);
        for (int k = 0; k < i; k++) ck_assert(subnet_equal(&p.subnets[i], &p.subnets[k]) == (p.keys[i] == p.keys[k]));
    }
    pair_clear(&p);
}
END_TEST

/* Where only the last layer follows the first, there is nothing to linearise. */
START_TEST(gains_of_a_shallow_predictor_are_exact)
{
    static struct pair p;
    struct rng rng;
    rng_seed(&rng, 6);
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    pair_init(&p, space, random_predictor(&rng, space), SUBNETS);
    float centre = estimator_set_centre(p.estimator, &p.subnets[0]);
    ck_assert_float_eq_tol(centre, p.exact[0], 2e-6f);
    estimator_gains(p.estimator, p.subnets, SUBNETS, p.estimates);
    for (int i = 0; i < SUBNETS; i++) ck_assert_float_eq_tol(p.estimates[i], p.exact[i] - p.exact[0], 1e-5f);
    ck_assert(!estimator_is_linear(p.estimator));
    pair_clear(&p);
}
END_TEST

/* Of deeper ones they are a first order: right for small changes of the first layer's outputs. Each change is compared
 * with the difference that it makes, relative to the largest of them. */
START_TEST(gains_of_a_deep_predictor_follow_single_changes)
{
    static struct pair p;
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    pair_init(&p, space, deep_predictor(space, 64, 7), SUBNETS);
    int n = 0;
    for (int d = 0; d < space_dim_count(space); d++)
        for (int v = 0; v < space_dim(space, d)->count; v++) {
            p.subnets[n] = p.subnets[0];
            p.subnets[n++].at[d] = (uint8_t)v;
        }
    struct predictor_work *work = predictor_work_new(p.predictor);
    predictor_evaluate(p.predictor, work, p.subnets, (size_t)n, p.exact);
    float centre = estimator_set_centre(p.estimator, &p.subnets[0]);
    estimator_gains(p.estimator, p.subnets, (size_t)n, p.estimates);
    double covariance = 0;
    double a = 0;
    double b = 0;
    for (int i = 0; i < n; i++) {
        double gain = (double)(p.exact[i] - centre);
        covariance += gain * (double)p.estimates[i];
        a += gain * gain;
        b += (double)(p.estimates[i] * p.estimates[i]);
    }
    ck_assert_double_ge(covariance / sqrt(a * b), 0.9);
    predictor_work_free(work);
    pair_clear(&p);
}
END_TEST

static TCase *estimator_case(void)
{
    TCase *c = tcase_create("estimator");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, estimates_are_near_predictions_and_come_from_the_cache);
    tcase_add_test(c, a_full_cache_forgets_and_answers_all_the_same);
    tcase_add_test(c, keys_tell_networks_apart);
    tcase_add_test(c, gains_of_a_shallow_predictor_are_exact);
    tcase_add_test(c, gains_of_a_deep_predictor_follow_single_changes);
    return c;
}

TEST_MAIN("estimator", estimator_case())
