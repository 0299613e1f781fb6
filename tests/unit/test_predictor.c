/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>

#include "check_main.h"
#include "server/predictors/encoding.h"
#include "server/predictors/safetensors.h"
#include "test_search_fixture.h"

/* The tiny space: two blocks x two kernels, two blocks x two expand ratios, eight resolutions. */
enum { FEATURES = 16, HIDDEN = 3 };

/* ---- safetensors ---- */

static enum lathe_status read_file(const char *input, size_t size, struct lathe_error *err)
{
    struct safetensors file;
    enum lathe_status st = safetensors_parse(input, size, &file, err);
    if (!st) safetensors_clear(&file);
    return st;
}

START_TEST(files_that_lie_are_refused)
{
    ck_assert_int_ge(refuse_all_cases("safetensors", read_file), 38);
}
END_TEST

START_TEST(a_written_file_reads_back_and_none_of_its_prefixes_does)
{
    const float values[6] = {1, -2.5f, 3e-20f, 0, 5, 6};
    const struct tensor_source sources[] = {{.name = "b", .rank = 2, .shape = {2, 3}, .values = values},
                                            {.name = "a", .rank = 1, .shape = {1}, .values = values + 1}};
    json_t *metadata = json_pack("{s:s}", "space", "tiny");
    char *bytes = NULL;
    size_t size = 0;
    struct safetensors file;
    float back[6];
    ck_assert_int_eq(safetensors_write(metadata, sources, 2, &bytes, &size, NULL), LATHE_OK);
    ck_assert_int_eq(safetensors_parse(bytes, size, &file, NULL), LATHE_OK);
    ck_assert_uint_eq((size_t)(file.data - (const unsigned char *)bytes) % 8, 0);
    ck_assert_uint_eq(file.count, 2);
    ck_assert_int_eq(safetensors_read_f32(&file, safetensors_find(&file, "b"), back, NULL), LATHE_OK);
    ck_assert_mem_eq(back, values, sizeof values);
    ck_assert_int_eq(safetensors_read_f32(&file, safetensors_find(&file, "a"), back, NULL), LATHE_OK);
    ck_assert_float_eq(back[0], -2.5f);
    ck_assert_str_eq(json_string_value(json_object_get(file.metadata, "space")), "tiny");
    safetensors_clear(&file);
    for (size_t n = 0; n < size; n++) {
        /* In a block of its own size, so that the sanitizer sees any read beyond. */
        char *prefix = malloc(n + 1);
        memcpy(prefix, bytes, n);
        char *exact = realloc(prefix, n ? n : 1);
        ck_assert_int_eq(safetensors_parse(exact, n, &file, NULL), LATHE_INVALID);
        free(exact);
    }
    free(bytes);
    json_decref(metadata);
}
END_TEST

/* ---- networks ---- */

struct network {
    float w0[HIDDEN * FEATURES], b0[HIDDEN], w2[HIDDEN], b2[1];
    struct tensor_source tensors[6];
    size_t count;
};

static void random_network(struct network *n, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    for (int i = 0; i < HIDDEN * FEATURES; i++) n->w0[i] = (float)rng_unit(&rng) - 0.5f;
    for (int i = 0; i < HIDDEN; i++) n->b0[i] = (float)rng_unit(&rng) - 0.5f;
    for (int i = 0; i < HIDDEN; i++) n->w2[i] = (float)rng_unit(&rng) - 0.5f;
    n->b2[0] = 0.25f;
    n->count = 4;
    n->tensors[0] = (struct tensor_source){.name = "10.weight", .rank = 2, .shape = {1, HIDDEN}, .values = n->w2};
    n->tensors[1] = (struct tensor_source){.name = "10.bias", .rank = 1, .shape = {1}, .values = n->b2};
    n->tensors[2] = (struct tensor_source){.name = "2.weight", .rank = 2, .shape = {HIDDEN, FEATURES}, .values = n->w0};
    n->tensors[3] = (struct tensor_source){.name = "2.bias", .rank = 1, .shape = {HIDDEN}, .values = n->b0};
}

static enum lathe_status load_network(const struct network *n, const struct space *space, struct predictor **out,
                                      struct lathe_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    json_t *metadata = json_object();
    ck_assert_int_eq(safetensors_write(metadata, n->tensors, n->count, &bytes, &size, NULL), LATHE_OK);
    enum lathe_status st = predictor_load(bytes, size, space, out, err);
    json_decref(metadata);
    free(bytes);
    return st;
}

/* The network's output by the definition, from dense features. */
static double reference(const struct network *n, const float *x)
{
    double y = (double)n->b2[0];
    for (int h = 0; h < HIDDEN; h++) {
        double sum = (double)n->b0[h];
        for (int i = 0; i < FEATURES; i++) sum += (double)n->w0[h * FEATURES + i] * (double)x[i];
        y += (double)n->w2[h] * fmax(sum, 0);
    }
    return y;
}

/* One-hot features of a tiny subnet by the definition; resolution 112, or 120 between the first two classes. */
static void dense_features(const struct subnet *s, float *x)
{
    int depth = s->at[1] + 1;
    memset(x, 0, FEATURES * sizeof *x);
    for (int b = 0; b < depth; b++) {
        x[2 * b + s->at[2 + b]] = 1;
        x[4 + 2 * b + s->at[4 + b]] = 1;
    }
    x[8] = s->at[0] ? 0.5f : 1;
    x[9] = s->at[0] ? 0.5f : 0;
}

START_TEST(layers_are_taken_in_order_of_their_numbers_and_give_the_definition)
{
    struct space *space = space_from_text(tiny_space);
    struct network n;
    struct predictor *predictor = NULL;
    random_network(&n, 5);
    ck_assert_int_eq(load_network(&n, space, &predictor, NULL), LATHE_OK);
    struct predictor_work *work = predictor_work_new(predictor);
    for (int code = 0; code < 64; code++) {
        struct subnet s = {{0}};
        float x[FEATURES];
        float top1 = 0;
        for (int d = 0; d < 6; d++) s.at[d] = (uint8_t)(code >> d & 1);
        dense_features(&s, x);
        predictor_evaluate(predictor, work, &s, 1, &top1);
        ck_assert_double_eq_tol((double)top1, reference(&n, x), 1e-6);
    }
    predictor_work_free(work);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

START_TEST(a_resolution_out_of_range_is_no_number)
{
    struct space *space = space_from_text(tiny_space);
    struct network n;
    struct predictor *predictor = NULL;
    random_network(&n, 6);
    ck_assert_int_eq(load_network(&n, space, &predictor, NULL), LATHE_OK);
    struct predictor_work *work = predictor_work_new(predictor);
    struct subnet s[2] = {{{2}}, {{1}}}; /* 240, 120 */
    float top1[2];
    predictor_evaluate(predictor, work, s, 2, top1);
    ck_assert(isnan(top1[0]) && isfinite(top1[1]));
    ck_assert(predictor_has_resolution(predictor, 224) && predictor_has_resolution(predictor, 113));
    ck_assert(!predictor_has_resolution(predictor, 111) && !predictor_has_resolution(predictor, 240));
    predictor_work_free(work);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

enum change {
    NAN_WEIGHT,
    INFINITE_BIAS,
    NO_BIAS,
    BIAS_TOO_LONG,
    TOO_FEW_INPUTS,
    LAYERS_DO_NOT_FIT,
    TWO_OUTPUTS,
    STRANGER,
    BAD_NUMBER,
    BIAS_ALONE,
    NOTHING,
    CHANGES
};

static void change_network(struct network *n, enum change change)
{
    static const float zeros[HIDDEN * FEATURES];
    struct tensor_source more = {.name = "7.bias", .rank = 1, .shape = {1}, .values = zeros};
    if (change == NAN_WEIGHT) n->w0[7] = NAN;
    if (change == INFINITE_BIAS) n->b2[0] = -INFINITY;
    if (change == NO_BIAS) n->count = 3;
    if (change == BIAS_TOO_LONG) n->tensors[3].shape[0] = HIDDEN - 1;
    if (change == TOO_FEW_INPUTS) n->tensors[2].shape[1] = FEATURES - 1;
    if (change == LAYERS_DO_NOT_FIT) n->tensors[0].shape[1] = HIDDEN - 1;
    if (change == TWO_OUTPUTS) {
        n->tensors[0] = (struct tensor_source){.name = "10.weight", .rank = 2, .shape = {2, HIDDEN}, .values = zeros};
        n->tensors[1].shape[0] = 2;
        n->tensors[1].values = zeros;
    }
    if (change == STRANGER) more.name = "running_mean";
    if (change == BAD_NUMBER) more.name = "07.bias";
    if (change == STRANGER || change == BAD_NUMBER || change == BIAS_ALONE) n->tensors[n->count++] = more;
    if (change == NOTHING) n->count = 0;
}

START_TEST(networks_that_do_not_fit_are_refused_by_name_of_the_tensor)
{
    static const char *const fields[CHANGES] = {
        [NAN_WEIGHT] = "2.weight",
        [INFINITE_BIAS] = "10.bias",
        [NO_BIAS] = "2.bias",
        [BIAS_TOO_LONG] = "2.bias",
        [TOO_FEW_INPUTS] = "2.weight",
        [LAYERS_DO_NOT_FIT] = "10.weight",
        [TWO_OUTPUTS] = "10.weight",
        [STRANGER] = "running_mean",
        [BAD_NUMBER] = "07.bias",
        [BIAS_ALONE] = "",
        [NOTHING] = "",
    };
    struct space *space = space_from_text(tiny_space);
    for (int c = 0; c < CHANGES; c++) {
        struct network n;
        struct predictor *predictor = NULL;
        struct lathe_error err = {0};
        random_network(&n, 8);
        change_network(&n, (enum change)c);
        ck_assert_msg(load_network(&n, space, &predictor, &err) == LATHE_INVALID, "change %d is taken", c);
        ck_assert_str_eq(err.field, fields[c]);
        ck_assert_ptr_null(predictor);
    }
    space_free(space);
}
END_TEST

START_TEST(a_predictor_of_another_space_does_not_fit)
{
    struct space *space = shipped_space("ofa-mbv3-w1.0");
    struct network n;
    struct predictor *predictor = NULL;
    struct lathe_error err = {0};
    random_network(&n, 9);
    ck_assert_int_eq(load_network(&n, space, &predictor, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "takes 16 inputs, but there are 128"));
    space_free(space);
}
END_TEST

START_TEST(a_file_without_a_space_names_none)
{
    struct network n;
    char *bytes = NULL;
    size_t size = 0;
    char id[65] = "x";
    random_network(&n, 1);
    json_t *metadata = json_object();
    ck_assert_int_eq(safetensors_write(metadata, n.tensors, n.count, &bytes, &size, NULL), LATHE_OK);
    ck_assert_int_eq(predictor_file_space(bytes, size, id, NULL), LATHE_OK);
    ck_assert_str_eq(id, "");
    free(bytes);
    json_object_set_new(metadata, "space", json_string("../x"));
    ck_assert_int_eq(safetensors_write(metadata, n.tensors, n.count, &bytes, &size, NULL), LATHE_OK);
    ck_assert_int_eq(predictor_file_space(bytes, size, id, NULL), LATHE_INVALID);
    free(bytes);
    json_decref(metadata);
}
END_TEST

START_TEST(the_encoding_of_mbv3_is_once_for_alls)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct encoding e;
    struct feature f[ENCODING_MAX_ACTIVE];
    struct subnet s = {{0}};
    encoding_init(&e, space);
    ck_assert_int_eq(e.features, 128);
    s.at[0] = (uint8_t)space_find_value(space, 0, 172); /* a quarter of 160, three of 176 */
    s.at[1] = 1;                                        /* three blocks in the first stage */
    s.at[6 + 2] = 2;                                    /* kernel 7 in its third block */
    s.at[26 + 4] = 1;                                   /* expand 4 in the second stage's first */
    int n = encoding_features(&e, &s, f);
    ck_assert_int_eq(n, 2 * (3 + 4 * 2) + 2);
    float x[128] = {0};
    for (int i = 0; i < n; i++) x[f[i].number] = f[i].value;
    ck_assert(x[2 * 3 + 2] == 1 && x[2 * 3] == 0);
    ck_assert(x[3 * 3] == 0 && x[3 * 3 + 1] == 0 && x[3 * 3 + 2] == 0);
    ck_assert(x[60 + 4 * 3 + 1] == 1);
    ck_assert_float_eq(x[120 + 3], 0.25f);
    ck_assert_float_eq(x[120 + 4], 0.75f);
    space_free(space);
}
END_TEST

static TCase *files(void)
{
    TCase *c = tcase_create("files");
    tcase_add_test(c, files_that_lie_are_refused);
    tcase_add_test(c, a_written_file_reads_back_and_none_of_its_prefixes_does);
    tcase_add_test(c, a_file_without_a_space_names_none);
    return c;
}

static TCase *networks(void)
{
    TCase *c = tcase_create("networks");
    tcase_add_test(c, layers_are_taken_in_order_of_their_numbers_and_give_the_definition);
    tcase_add_test(c, a_resolution_out_of_range_is_no_number);
    tcase_add_test(c, networks_that_do_not_fit_are_refused_by_name_of_the_tensor);
    tcase_add_test(c, a_predictor_of_another_space_does_not_fit);
    tcase_add_test(c, the_encoding_of_mbv3_is_once_for_alls);
    return c;
}

TEST_MAIN("predictor", files(), networks())
