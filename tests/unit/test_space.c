/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "check_main.h"
#include "test_search_fixture.h"

/* The text of every layer of a subnet, a line each. */
static void print_network(const struct space *space, const struct subnet *s, char *out, size_t size)
{
    struct layer layers[SPACE_MAX_SLOTS];
    int n = space_lower(space, s, layers);
    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        char text[LAYER_TEXT_BYTES];
        layer_print(&layers[i], text);
        size_t at = strlen(out);
        snprintf(out + at, size - at, "%s\n", text);
    }
}

static void set_all(const struct space *space, struct subnet *s, bool largest)
{
    memset(s, 0, sizeof *s);
    for (int d = 0; d < space_dim_count(space); d++) s->at[d] = largest ? (uint8_t)(space_dim(space, d)->count - 1) : 0;
}

/* From the keys of the published Note10 table for 160. */
START_TEST(the_smallest_subnet_of_mbv3_has_the_published_layers)
{
    static const char *const expected = "conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish\n"
                                        "mbconv in=80x80x24 out=80x80x24 mid=24 k=3 s=1 act=relu res=1\n"
                                        "mbconv in=80x80x24 out=40x40x32 mid=72 k=3 s=2 act=relu\n"
                                        "mbconv in=40x40x32 out=40x40x32 mid=96 k=3 s=1 act=relu res=1\n"
                                        "mbconv in=40x40x32 out=20x20x48 mid=96 k=3 s=2 act=relu se=24\n"
                                        "mbconv in=20x20x48 out=20x20x48 mid=144 k=3 s=1 act=relu se=40 res=1\n"
                                        "mbconv in=20x20x48 out=10x10x96 mid=144 k=3 s=2 act=hswish\n"
                                        "mbconv in=10x10x96 out=10x10x96 mid=288 k=3 s=1 act=hswish res=1\n"
                                        "mbconv in=10x10x96 out=10x10x136 mid=288 k=3 s=1 act=hswish se=72\n"
                                        "mbconv in=10x10x136 out=10x10x136 mid=408 k=3 s=1 act=hswish se=104 res=1\n"
                                        "mbconv in=10x10x136 out=5x5x192 mid=408 k=3 s=2 act=hswish se=104\n"
                                        "mbconv in=5x5x192 out=5x5x192 mid=576 k=3 s=1 act=hswish se=144 res=1\n"
                                        "conv2d in=5x5x192 out=5x5x1152 k=1 s=1 act=hswish\n"
                                        "avgpool in=5x5x1152 out=1x1x1152\n"
                                        "conv2d in=1x1x1152 out=1x1x1536 k=1 s=1 act=hswish\n"
                                        "linear in=1x1x1536 out=1x1x1000\n";
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct subnet s;
    char text[8192];
    set_all(space, &s, false);
    print_network(space, &s, text, sizeof text);
    ck_assert_str_eq(text, expected);
    space_free(space);
}
END_TEST

START_TEST(a_resolution_that_is_no_multiple_of_16_rounds_up_at_each_stride)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct subnet s;
    struct layer layers[SPACE_MAX_SLOTS];
    set_all(space, &s, true);
    s.at[space_resolution_dim(space)] = (uint8_t)space_find_value(space, space_resolution_dim(space), 172);
    ck_assert_int_eq(space_lower(space, &s, layers), 2 + 20 + 4);
    const int sizes[] = {86, 43, 22, 11, 11, 6};
    ck_assert_int_eq(layers[0].out.h, sizes[0]);
    for (int stage = 0; stage < 5; stage++) ck_assert_int_eq(layers[2 + 4 * stage].out.h, sizes[stage + 1]);
    ck_assert_int_eq(layers[22].in.w, 6);
    for (int i = 0; i < 26; i++) ck_assert_int_eq(layer_validate(&layers[i], NULL), LATHE_OK);
    space_free(space);
}
END_TEST

START_TEST(mbv3_has_96_rows_a_resolution_and_its_published_dimensions)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    ck_assert_int_eq(space_rows_per_resolution(space), 96);
    ck_assert_int_eq(space_dim_count(space), 1 + 5 + 20 + 20);
    ck_assert_int_eq(space_slot_count(space), 26);
    const struct space_dim *r = space_dim(space, space_resolution_dim(space));
    ck_assert_int_eq(r->count, 17);
    ck_assert_int_eq(r->values[0], 160);
    ck_assert_int_eq(r->values[16], 224);
    /* (9^2 + 9^3 + 9^4) choices of each of five stages. */
    double stages = 7371.0 * 7371.0 * 7371.0 * 7371.0 * 7371.0;
    ck_assert_double_eq_tol(space_size(space) / (17 * stages), 1, 1e-12);
    ck_assert_str_eq(space_family_name(space), "inverted_residual");
    ck_assert_str_eq(space_title(space), "OFA MobileNetV3, width 1.2");
    space_free(space);
    space = shipped_space("ofa-mbv3-w1.0");
    ck_assert_int_eq(space_rows_per_resolution(space), 96);
    ck_assert_int_eq(space_dim(space, 0)->values[0], 128);
    space_free(space);
}
END_TEST

START_TEST(proxyless_ends_in_one_block_and_has_no_squeeze_excite)
{
    struct space *space = shipped_space("ofa-proxyless-w1.3");
    struct subnet s;
    struct layer layers[SPACE_MAX_SLOTS];
    set_all(space, &s, true);
    ck_assert_int_eq(space_lower(space, &s, layers), 2 + 21 + 3);
    /* make_divisible(base x 1.3, 8) of 32, 16, 24, 40, 80, 96, 192, 320, 1280. */
    const int widths[] = {40, 24, 32, 56, 104, 128, 248, 416, 1664};
    const int at[] = {0, 1, 2, 6, 10, 14, 18, 22, 23};
    for (int i = 0; i < 9; i++) ck_assert_int_eq(layers[at[i]].out.c, widths[i]);
    for (int i = 0; i < 23; i++) {
        ck_assert_int_eq(layers[i].se, 0);
        ck_assert_int_eq(layers[i].act, ACT_RELU6);
    }
    ck_assert(!layers[1].residual && !layers[22].residual && layers[21].residual);
    space_free(space);
}
END_TEST

START_TEST(a_stage_may_have_choices_of_its_own_and_a_head_may_stay_unscaled)
{
    struct space *space = space_from_text(
        "{\"id\":\"own\",\"title\":\"t\",\"family\":\"inverted_residual\",\"width\":0.35,\"resolutions\":[48,50],"
        "\"stem\":{\"channels\":32,\"kernel\":3,\"stride\":2,\"activation\":\"relu6\"},"
        "\"first\":{\"channels\":16,\"kernel\":3,\"activation\":\"relu6\",\"residual\":false},"
        "\"stages\":[{\"channels\":24,\"stride\":2,\"activation\":\"relu6\",\"squeeze_excite\":false,\"depth\":[1,3],"
        "\"kernel\":[7],\"expand\":[1,2.5]}],\"kernel\":[3],\"expand\":[6],"
        "\"head\":[{\"kind\":\"conv2d\",\"channels\":1280,\"kernel\":1,\"activation\":\"relu6\",\"scaled\":false},"
        "{\"kind\":\"avgpool\"},{\"kind\":\"linear\",\"features\":2}]}");
    struct subnet s;
    char text[8192];
    set_all(space, &s, false);
    s.at[1 + 1 + 3] = 1; /* expand of the first block */
    print_network(space, &s, text, sizeof text);
    ck_assert_str_eq(text, "conv2d in=48x48x3 out=24x24x16 k=3 s=2 act=relu6\n"
                           "mbconv in=24x24x16 out=24x24x8 mid=16 k=3 s=1 act=relu6\n"
                           "mbconv in=24x24x8 out=12x12x8 mid=20 k=7 s=2 act=relu6\n"
                           "conv2d in=12x12x8 out=12x12x1280 k=1 s=1 act=relu6\n"
                           "avgpool in=12x12x1280 out=1x1x1280\n"
                           "linear in=1x1x1280 out=1x1x2\n");
    json_t *document = subnet_to_json(space, &s);
    json_t *expand = json_object_get(document, "expand");
    ck_assert_double_eq(json_number_value(json_array_get(expand, 0)), 2.5);
    ck_assert_int_eq(json_integer_value(json_array_get(expand, 1)), 0);
    json_decref(document);
    space_free(space);
}
END_TEST

static enum lathe_status read_space(const char *input, size_t size, struct lathe_error *err)
{
    json_t *document = NULL;
    struct space *space = NULL;
    enum lathe_status st = json_parse(input, size, &document, err);
    if (!st) st = space_parse(document, &space, err);
    space_free(st ? NULL : space);
    json_decref(document);
    return st;
}

START_TEST(bad_documents_are_refused_by_name_of_the_field)
{
    ck_assert_int_ge(refuse_all_cases("space", read_space), 60);
}
END_TEST

START_TEST(subnets_pass_through_json_unchanged)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 200; i++) {
        struct subnet s;
        struct subnet back;
        space_random(space, &rng, &s);
        json_t *document = subnet_to_json(space, &s);
        ck_assert_int_eq(subnet_from_json(space, document, &back, NULL), LATHE_OK);
        ck_assert(subnet_equal(&s, &back));
        json_decref(document);
    }
    space_free(space);
}
END_TEST

/* A subnet of the tiny space with some fields replaced. @param change e.g. "{\"depth\":[3]}" */
static enum lathe_status read_changed(const struct space *space, const char *change, struct subnet *out,
                                      struct lathe_error *err)
{
    json_t *document =
        json_pack("{s:i, s:[i], s:[i,i], s:[i,i]}", "resolution", 112, "depth", 2, "kernel", 3, 5, "expand", 3, 6);
    json_t *changes = json_loads(change, 0, NULL);
    ck_assert(document && changes);
    json_object_update(document, changes);
    enum lathe_status st = subnet_from_json(space, document, out, err);
    json_decref(changes);
    json_decref(document);
    return st;
}

static const struct {
    const char *change, *field;
} bad_subnets[] = {
    {"{\"resolution\":null}", "resolution"},
    {"{\"resolution\":113}", "resolution"},
    {"{\"resolution\":\"112\"}", "resolution"},
    {"{\"resolution\":1e99}", "resolution"},
    {"{\"depth\":null}", "depth"},
    {"{\"depth\":[]}", "depth"},
    {"{\"depth\":[1,1]}", "depth"},
    {"{\"depth\":[3]}", "depth[0]"},
    {"{\"depth\":[\"2\"]}", "depth[0]"},
    {"{\"depth\":[1.4]}", "depth[0]"},
    {"{\"kernel\":[3]}", "kernel"},
    {"{\"kernel\":[3,5,7]}", "kernel"},
    {"{\"kernel\":[3,7]}", "kernel[1]"},
    {"{\"kernel\":[3,0]}", "kernel[1]"},
    {"{\"kernel\":[null,5]}", "kernel[0]"},
    {"{\"kernel\":{}}", "kernel"},
    {"{\"expand\":[4,6]}", "expand[0]"},
    {"{\"expand\":[3,1e300]}", "expand[1]"},
    {"{\"expand\":[3,[6]]}", "expand[1]"},
    {"{\"space\":\"other\"}", "space"},
    {"{\"space\":3}", "space"},
    {"{\"width\":1}", "width"},
    {"{\"depth\":[1],\"kernel\":[3,\"x\"]}", "kernel[1]"},
};

START_TEST(a_bad_subnet_is_refused_by_name_and_index)
{
    struct space *space = space_from_text(tiny_space);
    struct subnet s;
    ck_assert_int_eq(read_changed(space, "{\"space\":\"tiny\"}", &s, NULL), LATHE_OK);
    struct subnet before = s;
    for (size_t i = 0; i < sizeof bad_subnets / sizeof bad_subnets[0]; i++) {
        struct lathe_error err = {0};
        ck_assert_msg(read_changed(space, bad_subnets[i].change, &s, &err) == LATHE_INVALID, "%s is taken",
                      bad_subnets[i].change);
        ck_assert_str_eq(err.field, bad_subnets[i].field);
        ck_assert(subnet_equal(&s, &before));
    }
    space_free(space);
}
END_TEST

START_TEST(choices_of_skipped_blocks_are_ignored_and_written_as_0)
{
    struct space *space = space_from_text(tiny_space);
    struct subnet a;
    struct subnet b;
    ck_assert_int_eq(read_changed(space, "{\"depth\":[1],\"kernel\":[5,99]}", &a, NULL), LATHE_OK);
    ck_assert_int_eq(read_changed(space, "{\"depth\":[1],\"kernel\":[5,0],\"expand\":[3,0]}", &b, NULL), LATHE_OK);
    ck_assert(subnet_equal(&a, &b));
    ck_assert_uint_eq(space_subnet_id(space, &a), space_subnet_id(space, &b));
    json_t *document = subnet_to_json(space, &a);
    char *text = json_dumps(document, JSON_COMPACT);
    ck_assert_str_eq(text, "{\"space\":\"tiny\",\"resolution\":112,\"depth\":[1],\"kernel\":[5,0],\"expand\":[3,0]}");
    free(text);
    json_decref(document);
    space_free(space);
}
END_TEST

/* Every subnet of the tiny space, counted by brute force: those with equal canonical bytes are one. */
START_TEST(size_counts_different_networks_and_ids_tell_them_apart)
{
    struct space *space = space_from_text(tiny_space);
    uint64_t ids[256];
    int n = 0;
    for (int code = 0; code < 3 * 32; code++) {
        struct subnet s = {{0}};
        s.at[0] = (uint8_t)(code / 32);
        for (int d = 1; d < 6; d++) s.at[d] = (uint8_t)(code % 32 >> (d - 1) & 1);
        uint64_t before = space_subnet_id(space, &s);
        space_canonicalise(space, &s);
        uint64_t id = space_subnet_id(space, &s);
        ck_assert_uint_eq(before, id);
        int at = 0;
        while (at < n && ids[at] != id) at++;
        if (at == n) ids[n++] = id;
    }
    ck_assert_int_eq(n, 3 * (4 + 16));
    ck_assert_double_eq(space_size(space), n);
    space_free(space);
}
END_TEST

START_TEST(a_slot_reads_no_dimension_but_those_that_it_names)
{
    struct space *space = shipped_space("ofa-mbv3-w1.0");
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 300; round++) {
        int slot = (int)rng_below(&rng, (uint32_t)space_slot_count(space));
        const struct space_slot *of = space_slot(space, slot);
        struct subnet a;
        struct subnet b;
        struct layer x = {0};
        struct layer y = {0};
        space_random(space, &rng, &a);
        space_random(space, &rng, &b);
        for (int i = 0; i < of->dim_count; i++) {
            b.at[of->dims[i]] = a.at[of->dims[i]];
            ck_assert(i == 0 || of->dims[i] > of->dims[i - 1]);
        }
        bool there = space_slot_layer(space, &a, slot, &x);
        ck_assert_int_eq(there, space_slot_layer(space, &b, slot, &y));
        ck_assert(!there || layer_equal(&x, &y));
    }
    space_free(space);
}
END_TEST

START_TEST(costs_of_a_subnet_are_those_of_its_layers)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct subnet s;
    struct layer layers[SPACE_MAX_SLOTS];
    struct subnet_cost cost;
    uint64_t params = 0;
    uint64_t peak = 0;
    set_all(space, &s, true);
    int n = space_lower(space, &s, layers);
    for (int i = 0; i < n; i++) {
        params += layer_params(&layers[i]);
        uint64_t one = layer_peak_activation_bytes(&layers[i], DTYPE_INT8);
        peak = one > peak ? one : peak;
    }
    space_cost(space, &s, DTYPE_INT8, &cost);
    ck_assert_uint_eq(cost.params, params);
    ck_assert_uint_eq(cost.peak_activation_bytes, peak);
    ck_assert_uint_gt(cost.weight_bytes, params);
    ck_assert_uint_lt(cost.weight_bytes, 2 * params);
    space_free(space);
}
END_TEST

static TCase *documents(void)
{
    TCase *c = tcase_create("documents");
    tcase_add_test(c, the_smallest_subnet_of_mbv3_has_the_published_layers);
    tcase_add_test(c, a_resolution_that_is_no_multiple_of_16_rounds_up_at_each_stride);
    tcase_add_test(c, mbv3_has_96_rows_a_resolution_and_its_published_dimensions);
    tcase_add_test(c, proxyless_ends_in_one_block_and_has_no_squeeze_excite);
    tcase_add_test(c, a_stage_may_have_choices_of_its_own_and_a_head_may_stay_unscaled);
    tcase_add_test(c, bad_documents_are_refused_by_name_of_the_field);
    return c;
}

static TCase *subnets(void)
{
    TCase *c = tcase_create("subnets");
    tcase_add_test(c, subnets_pass_through_json_unchanged);
    tcase_add_test(c, a_bad_subnet_is_refused_by_name_and_index);
    tcase_add_test(c, choices_of_skipped_blocks_are_ignored_and_written_as_0);
    tcase_add_test(c, size_counts_different_networks_and_ids_tell_them_apart);
    tcase_add_test(c, a_slot_reads_no_dimension_but_those_that_it_names);
    tcase_add_test(c, costs_of_a_subnet_are_those_of_its_layers);
    return c;
}

TEST_MAIN("space", documents(), subnets())
