/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Predictors against published figures; skipped where those are absent. */
#include <math.h>

#include "check_main.h"
#include "lut/base/rank.h"
#include "server/predictors/training.h"
#include "test_search_fixture.h"

#define SHIPPED SOURCE_DIR "/server/predictors/shipped/ofa-mbv3-w1.2-mlp.safetensors"

/* Predict all vectors. @param[out] top1 VECTORS */
static struct vector *predict_vectors(const struct space *space, const struct predictor *predictor, float *top1)
{
    struct vector *vectors = read_vectors(space);
    struct subnet subnets[VECTORS];
    struct predictor_work *work = predictor_work_new(predictor);
    for (int i = 0; i < VECTORS; i++) subnets[i] = vectors[i].subnet;
    predictor_evaluate(predictor, work, subnets, VECTORS, top1);
    predictor_work_free(work);
    return vectors;
}

START_TEST(macs_of_the_vectors_are_exact)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct vector *vectors = read_vectors(space);
    for (int i = 0; i < VECTORS; i++) {
        struct subnet_cost cost;
        space_cost(space, &vectors[i].subnet, DTYPE_F32, &cost);
        ck_assert_uint_eq(cost.macs, vectors[i].macs);
    }
    free(vectors);
    space_free(space);
}
END_TEST

START_TEST(the_published_predictor_gives_the_vectors_accuracies)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct predictor *predictor = published_predictor(space);
    float top1[VECTORS];
    double worst = 0;
    struct vector *vectors = predict_vectors(space, predictor, top1);
    for (int i = 0; i < VECTORS; i++) worst = fmax(worst, fabs((double)top1[i] - vectors[i].top1));
    printf("published predictor: worst error %.1e of a bound of 1e-4\n", worst);
    ck_assert_double_le(worst, 1e-4);
    json_t *description = predictor_describe(predictor);
    ck_assert_int_eq(json_integer_value(json_object_get(description, "parameters")), 129 * 400 + 2 * 401 * 400 + 401);
    ck_assert_uint_eq(json_array_size(json_object_get(description, "layers")), 5);
    json_decref(description);
    free(vectors);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

START_TEST(the_published_file_names_its_space)
{
    char id[65];
    size_t size = 0;
    char *bytes = load_file(TEST_DATA "/ofa/acc_predictor_mbv3_w1.2.safetensors", &size);
    ck_assert_int_eq(predictor_file_space(bytes, size, id, NULL), LATHE_OK);
    ck_assert_str_eq(id, "ofa-mbv3-w1.2");
    free(bytes);
}
END_TEST

START_TEST(the_layout_of_the_resnet50_predictor_is_refused_and_said_so)
{
    size_t size = 0;
    char *bytes = load_file(TEST_DATA "/ofa/acc_predictor_resnet50.safetensors", &size);
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct predictor *predictor = NULL;
    struct lathe_error err = {0};
    ck_assert_int_eq(predictor_load(bytes, size, space, &predictor, &err), LATHE_UNSUPPORTED);
    ck_assert_int_eq(err.status, LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "ResNet50"));
    free(bytes);
    space_free(space);
}
END_TEST

/* Fewer epochs than what ships was trained for: enough to be the better one. */
START_TEST(a_perceptron_beats_ridge_on_the_published_samples)
{
    size_t csv_size = 0;
    size_t size = 0;
    char *file = NULL;
    struct training_options options;
    struct training_report r;
    struct lathe_error err = {0};
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    char *csv = load_file(TEST_DATA "/ofa/acc_samples_mbv3_w1.2.csv", &csv_size);
    training_defaults(&options);
    options.mlp.epochs = 10;
    ck_assert_msg(!predictor_train(space, csv, csv_size, "test", &options, &file, &size, &r, &err), "%s", err.message);
    ck_assert_uint_eq(r.rows, 16000);
    ck_assert_uint_eq(r.held_out_rows, 1600);
    ck_assert_int_eq(r.kept, TRAIN_MLP);
    ck_assert_double_ge(r.ridge.r2, 0.97);
    ck_assert_double_lt(r.mlp.mae, 0.95 * r.ridge.mae);
    ck_assert_double_gt(r.mlp.kendall_tau, r.ridge.kendall_tau);
    free(file);
    free(csv);
    space_free(space);
}
END_TEST

START_TEST(the_shipped_predictor_orders_the_vectors)
{
    size_t bytes = 0;
    free(load_file(SHIPPED, &bytes));
    ck_assert_uint_le(bytes, 150000);
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct predictor *predictor = predictor_from_file(SHIPPED, space);
    float top1[VECTORS];
    double predicted[VECTORS];
    double truth[VECTORS];
    double error = 0;
    double tau = 0;
    struct vector *vectors = predict_vectors(space, predictor, top1);
    for (int i = 0; i < VECTORS; i++) {
        predicted[i] = (double)top1[i];
        truth[i] = vectors[i].top1;
        error += fabs(predicted[i] - truth[i]) / VECTORS;
    }
    ck_assert_int_eq(kendall_tau(predicted, truth, VECTORS, &tau), 0);
    printf("shipped predictor on the vectors: mean error %.3f points, Kendall tau %.3f\n", error * 100, tau);
    ck_assert_double_le(error, 0.00125);
    ck_assert_double_ge(tau, 0.92);
    free(vectors);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

START_TEST(a_prediction_does_not_depend_on_its_batch)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct predictor *predictor = published_predictor(space);
    struct predictor_work *work = predictor_work_new(predictor);
    enum { MANY = 3 * PREDICTOR_BATCH + 17 };
    struct subnet subnets[MANY];
    float together[MANY];
    struct rng rng;
    rng_seed(&rng, 11);
    for (int i = 0; i < MANY; i++) space_random(space, &rng, &subnets[i]);
    predictor_evaluate(predictor, work, subnets, MANY, together);
    for (int i = 0; i < MANY; i++) {
        float alone = 0;
        predictor_evaluate(predictor, work, &subnets[i], 1, &alone);
        ck_assert_float_eq_tol(alone, together[i], 1e-6f);
    }
    predictor_work_free(work);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

static TCase *published(void)
{
    TCase *c = tcase_create("published");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, macs_of_the_vectors_are_exact);
    tcase_add_test(c, the_published_predictor_gives_the_vectors_accuracies);
    tcase_add_test(c, the_published_file_names_its_space);
    tcase_add_test(c, the_layout_of_the_resnet50_predictor_is_refused_and_said_so);
    tcase_add_test(c, a_perceptron_beats_ridge_on_the_published_samples);
    tcase_add_test(c, the_shipped_predictor_orders_the_vectors);
    tcase_add_test(c, a_prediction_does_not_depend_on_its_batch);
    return c;
}

int main(void)
{
    if (!have_test_data()) return 77;
    TCase *const cases[] = {published()};
    return run_suite("predictor, published figures", cases, 1);
}
