/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Predictors of ResNets: once-for-all's features (class ResNetArchEncoder) and its layout of layers.*, base_acc. */
#include <math.h>

#include "check_main.h"
#include "server/predictors/encoding.h"
#include "server/predictors/safetensors.h"
#include "test_search_fixture.h"

/* One stage of up to two blocks: 8 resolutions, 2 of the stem, 3 widths of 2, 2 blocks of 2 expand ratios. */
enum { FEATURES = 8 + 2 + 6 + 4, HIDDEN = 3, DIMS = 8 };

static const char small_space[] =
    "{\"id\":\"small\",\"title\":\"t\",\"family\":\"bottleneck\",\"resolutions\":[128,200,264],\"activation\":\"relu\","
    "\"stem\":{\"channels\":16,\"kernel\":3,\"depth\":[0,1]},"
    "\"stages\":[{\"channels\":16,\"stride\":1,\"depth\":[1,2]}],\"kernel\":3,\"expand\":[0.25,0.5],\"width\":[0.5,1],"
    "\"features\":10}";

START_TEST(the_encoding_is_once_for_alls)
{
    struct space *space = shipped_space("ofa-resnet50");
    struct encoding e;
    struct feature f[ENCODING_MAX_ACTIVE];
    struct subnet s = {{0}};
    float x[82] = {0};
    float want[82] = {0};
    encoding_init(&e, space);
    ck_assert_int_eq(e.features, 82);
    s.at[0] = 5;                      /* 224, the sixth class: there is no 208 */
    s.at[1] = 1;                      /* with the stem's middle convolution */
    const int extra[] = {1, 0, 2, 1}; /* blocks beyond 2, 2, 4, 2 */
    for (int i = 0; i < 4; i++) s.at[2 + i] = (uint8_t)extra[i];
    for (int b = 0; b < 18; b++) s.at[6 + b] = (uint8_t)(b % 3);
    const int widths[] = {0, 1, 2, 2, 1, 0};
    for (int i = 0; i < 6; i++) s.at[24 + i] = (uint8_t)widths[i];
    want[5] = 1;
    want[8 + 1] = 1;
    for (int i = 0; i < 6; i++) want[10 + 3 * i + widths[i]] = 1;
    const int there[] = {1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0};
    for (int b = 0; b < 18; b++) want[28 + 3 * b + b % 3] = (float)there[b];
    int n = encoding_features(&e, &s, f);
    for (int i = 0; i < n; i++) x[f[i].number] += f[i].value;
    ck_assert_mem_eq(x, want, sizeof x);
    ck_assert_int_eq(n, 1 + 1 + 6 + 14);
    space_free(space);
}
END_TEST

START_TEST(resolutions_between_classes_take_both_in_proportion)
{
    struct space *space = shipped_space("ofa-resnet50");
    struct encoding e;
    struct feature f[2];
    encoding_init(&e, space);
    ck_assert_int_eq(encoding_resolution_features(&e, 200, f), 2);
    ck_assert(f[0].number == 4 && f[1].number == 5);
    ck_assert_float_eq(f[0].value, 0.75f);
    ck_assert_float_eq(f[1].value, 0.25f);
    ck_assert_int_eq(encoding_resolution_features(&e, 256, f), 1);
    ck_assert(f[0].number == 7 && f[0].value == 1);
    ck_assert(!encoding_has_resolution(&e, 127) && !encoding_has_resolution(&e, 257));
    ck_assert(encoding_has_resolution(&e, 128) && encoding_has_resolution(&e, 255));
    space_free(space);
}
END_TEST

/* ---- files ---- */

struct network {
    float w0[HIDDEN * FEATURES], b0[HIDDEN], w1[HIDDEN * HIDDEN], b1[HIDDEN], w2[HIDDEN], base[1];
};

static void fill(struct rng *rng, float *out, int n)
{
    for (int i = 0; i < n; i++) out[i] = (float)rng_unit(rng) - 0.5f;
}

static void random_network(struct network *n)
{
    struct rng rng;
    rng_seed(&rng, 4);
    fill(&rng, n->w0, HIDDEN * FEATURES);
    fill(&rng, n->b0, HIDDEN);
    fill(&rng, n->w1, HIDDEN * HIDDEN);
    fill(&rng, n->b1, HIDDEN);
    fill(&rng, n->w2, HIDDEN);
    n->base[0] = 0.75f;
}

static enum lathe_status load_network(const struct network *n, const struct space *space, struct predictor **out,
                                      struct lathe_error *err)
{
    const struct tensor_source tensors[] = {
        {.name = "base_acc", .rank = 1, .shape = {1}, .values = n->base},
        {.name = "layers.0.0.weight", .rank = 2, .shape = {HIDDEN, FEATURES}, .values = n->w0},
        {.name = "layers.0.0.bias", .rank = 1, .shape = {HIDDEN}, .values = n->b0},
        {.name = "layers.1.0.weight", .rank = 2, .shape = {HIDDEN, HIDDEN}, .values = n->w1},
        {.name = "layers.1.0.bias", .rank = 1, .shape = {HIDDEN}, .values = n->b1},
        {.name = "layers.2.weight", .rank = 2, .shape = {1, HIDDEN}, .values = n->w2},
    };
    char *bytes = NULL;
    size_t size = 0;
    json_t *metadata = json_object();
    ck_assert_int_eq(safetensors_write(metadata, tensors, sizeof tensors / sizeof tensors[0], &bytes, &size, NULL),
                     LATHE_OK);
    enum lathe_status st = predictor_load(bytes, size, space, out, err);
    json_decref(metadata);
    free(bytes);
    return st;
}

static void dense(const float *w, const float *b, const double *x, int n, double *y)
{
    for (int o = 0; o < HIDDEN; o++) {
        double sum = (double)b[o];
        for (int i = 0; i < n; i++) sum += (double)w[o * n + i] * x[i];
        y[o] = fmax(sum, 0);
    }
}

/* The network's output by the definition, from dense features. */
static double reference(const struct network *n, const struct subnet *s)
{
    double x[FEATURES] = {0};
    double y[HIDDEN];
    double z[HIDDEN];
    double top1 = (double)n->base[0];
    x[0] = s->at[0] == 0;
    x[4] = s->at[0] == 1 ? 0.75 : 0; /* 200, a quarter of the way from 192 to 224 */
    x[5] = s->at[0] == 1 ? 0.25 : 0;
    x[8 + s->at[1]] = 1;
    for (int w = 0; w < 3; w++) x[10 + 2 * w + s->at[5 + w]] = 1;
    for (int b = 0; b <= s->at[2]; b++) x[16 + 2 * b + s->at[3 + b]] = 1;
    dense(n->w0, n->b0, x, FEATURES, y);
    dense(n->w1, n->b1, y, HIDDEN, z);
    for (int i = 0; i < HIDDEN; i++) top1 += (double)n->w2[i] * z[i];
    return top1;
}

START_TEST(a_file_in_once_for_alls_layout_gives_the_definition)
{
    struct space *space = space_from_text(small_space);
    struct network n;
    struct predictor *predictor = NULL;
    struct lathe_error err = {0};
    random_network(&n);
    ck_assert_int_eq(space_dim_count(space), DIMS);
    ck_assert_msg(load_network(&n, space, &predictor, &err) == LATHE_OK, "%s", err.message);
    struct predictor_work *work = predictor_work_new(predictor);
    for (int code = 0; code < 1 << DIMS; code++) {
        struct subnet s = {{0}};
        float top1 = 0;
        for (int d = 0; d < DIMS; d++) s.at[d] = (uint8_t)(code >> d & 1);
        predictor_evaluate(predictor, work, &s, 1, &top1);
        ck_assert_double_eq_tol((double)top1, reference(&n, &s), 1e-6);
    }
    struct subnet beyond = {{2}}; /* 264 */
    float none = 0;
    predictor_evaluate(predictor, work, &beyond, 1, &none);
    ck_assert(isnan(none));
    json_t *description = predictor_describe(predictor);
    char *layers = json_dumps(json_object_get(description, "layers"), JSON_COMPACT);
    ck_assert_str_eq(layers, "[20,3,3,1]");
    free(layers);
    json_decref(description);
    predictor_work_free(work);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

START_TEST(the_layout_is_refused_where_features_are_others)
{
    struct space *space = space_from_text(tiny_space);
    struct network n;
    struct predictor *predictor = NULL;
    struct lathe_error err = {0};
    random_network(&n);
    ck_assert_int_eq(load_network(&n, space, &predictor, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "ResNet50"));
    ck_assert_ptr_null(predictor);
    space_free(space);
}
END_TEST

static enum lathe_status read_predictor(const char *input, size_t size, struct lathe_error *err)
{
    struct space *space = space_from_text(small_space);
    struct predictor *predictor = NULL;
    enum lathe_status st = predictor_load(input, size, space, &predictor, err);
    predictor_free(predictor);
    space_free(space);
    return st;
}

START_TEST(broken_files_are_refused_by_name_of_the_tensor)
{
    ck_assert_int_ge(refuse_all_cases("predictor_resnet", read_predictor), 20);
}
END_TEST

static TCase *resnet(void)
{
    TCase *c = tcase_create("resnet");
    tcase_add_test(c, the_encoding_is_once_for_alls);
    tcase_add_test(c, resolutions_between_classes_take_both_in_proportion);
    tcase_add_test(c, a_file_in_once_for_alls_layout_gives_the_definition);
    tcase_add_test(c, the_layout_is_refused_where_features_are_others);
    tcase_add_test(c, broken_files_are_refused_by_name_of_the_tensor);
    return c;
}

TEST_MAIN("predictor of ResNets", resnet())
