/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The family of OFA's ResNet50, against published figures and its source (ofa_resnets.py of once-for-all). */
#include "check_main.h"
#include "test_search_fixture.h"

enum { RESOLUTION, DEPTH, EXPAND = DEPTH + 5, WIDTH = EXPAND + 18, DIMS = WIDTH + 6 };

static void set_all(const struct space *space, struct subnet *s, int value)
{
    memset(s, 0, sizeof *s);
    for (int d = 0; d < space_dim_count(space); d++) {
        int most = space_dim(space, d)->count - 1;
        s->at[d] = (uint8_t)(value < most ? value : most);
    }
}

/* The text of every layer of a subnet, a line each. */
static void print_network(const struct space *space, const struct subnet *s, char *out, size_t size)
{
    struct layer layers[SPACE_MAX_SLOTS];
    int n = space_lower(space, s, layers);
    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        char text[LAYER_TEXT_BYTES];
        ck_assert_int_eq(layer_validate(&layers[i], NULL), LATHE_OK);
        layer_print(&layers[i], text);
        size_t at = strlen(out);
        snprintf(out + at, size - at, "%s\n", text);
    }
}

START_TEST(its_dimensions_are_once_for_alls)
{
    static const int resolutions[] = {128, 144, 160, 176, 192, 224, 240, 256};
    struct space *space = shipped_space("ofa-resnet50");
    ck_assert_str_eq(space_family_name(space), "bottleneck");
    ck_assert_int_eq(space_dim_count(space), DIMS);
    ck_assert_int_eq(space_dim(space, RESOLUTION)->count, 8);
    for (int i = 0; i < 8; i++) ck_assert_int_eq(space_dim(space, RESOLUTION)->values[i], resolutions[i]);
    ck_assert_int_eq(space_dim(space, DEPTH)->count, 2);
    for (int stage = 1; stage <= 4; stage++) {
        const struct space_dim *depth = space_dim(space, DEPTH + stage);
        ck_assert(depth->kind == DIM_DEPTH && depth->index == stage && depth->stage == stage && depth->count == 3);
        ck_assert_int_eq(depth->values[0], stage == 3 ? 4 : 2);
    }
    for (int w = 0; w < 6; w++) {
        const struct space_dim *width = space_dim(space, WIDTH + w);
        ck_assert(width->kind == DIM_WIDTH && width->index == w && width->stage == (w < 2 ? 0 : w - 1));
    }
    ck_assert_int_eq(space_find_value(space, EXPAND, 0.35), 2);
    ck_assert_int_eq(space_find_value(space, WIDTH, 0.65), 0);
    ck_assert_int_eq(space_slot_count(space), 4 + 18 + 2);
    /* 3^2 + 3^3 + 3^4 choices of three stages, 3^4 + 3^5 + 3^6 of the third; six widths, the stem's convolution. */
    double size = 8.0 * 2 * 729 * 117 * 117 * 117 * 1053;
    ck_assert_double_eq_tol(space_size(space) / size, 1, 1e-12);
    space_free(space);
}
END_TEST

START_TEST(the_smallest_subnet_has_the_least_of_every_choice)
{
    static const char *const expected = "conv2d in=128x128x3 out=64x64x24 k=3 s=2 act=relu\n"
                                        "conv2d in=64x64x24 out=64x64x40 k=3 s=1 act=relu\n"
                                        "maxpool in=64x64x40 out=32x32x40 k=3 s=2\n"
                                        "bottleneck in=32x32x40 out=32x32x168 mid=32 k=3 s=1 act=relu\n"
                                        "bottleneck in=32x32x168 out=32x32x168 mid=32 k=3 s=1 act=relu res=1\n"
                                        "bottleneck in=32x32x168 out=16x16x336 mid=64 k=3 s=2 act=relu\n"
                                        "bottleneck in=16x16x336 out=16x16x336 mid=64 k=3 s=1 act=relu res=1\n"
                                        "bottleneck in=16x16x336 out=8x8x664 mid=136 k=3 s=2 act=relu\n"
                                        "bottleneck in=8x8x664 out=8x8x664 mid=136 k=3 s=1 act=relu res=1\n"
                                        "bottleneck in=8x8x664 out=8x8x664 mid=136 k=3 s=1 act=relu res=1\n"
                                        "bottleneck in=8x8x664 out=8x8x664 mid=136 k=3 s=1 act=relu res=1\n"
                                        "bottleneck in=8x8x664 out=4x4x1328 mid=264 k=3 s=2 act=relu\n"
                                        "bottleneck in=4x4x1328 out=4x4x1328 mid=264 k=3 s=1 act=relu res=1\n"
                                        "avgpool in=4x4x1328 out=1x1x1328\n"
                                        "linear in=1x1x1328 out=1x1x1000\n";
    struct space *space = shipped_space("ofa-resnet50");
    struct subnet s;
    char text[8192];
    set_all(space, &s, 0);
    print_network(space, &s, text, sizeof text);
    ck_assert_str_eq(text, expected);
    space_free(space);
}
END_TEST

/* ResNet-50-D is a member: width 1, expand ratio 1/4, depths 3 4 6 3. torchvision's ResNet-50 has 25,557,032 parameters
 * and 4,089 M multiply-adds at 224; D's stem replaces a 7x7 convolution by three of 3x3. "Bag of Tricks for Image
 * Classification with Convolutional Neural Networks" (He et al., 2019) gives 4.3 G for it. */
START_TEST(resnet_50_d_costs_what_is_published)
{
    static const int depths[] = {1, 1, 2, 2, 1};
    struct space *space = shipped_space("ofa-resnet50");
    struct subnet s;
    struct subnet_cost cost;
    set_all(space, &s, 2);
    s.at[RESOLUTION] = (uint8_t)space_find_value(space, RESOLUTION, 224);
    for (int i = 0; i < 5; i++) s.at[DEPTH + i] = (uint8_t)depths[i];
    for (int b = 0; b < 18; b++) s.at[EXPAND + b] = (uint8_t)space_find_value(space, EXPAND + b, 0.25);
    space_cost(space, &s, DTYPE_F32, &cost);
    /* Batch norm has a scale and a shift for each of 26,624 channels there, one bias here; the old stem had 64. */
    const uint64_t params = 25557032 - (147 * 64 + 2 * 64) + (27 * 32 + 288 * 32 + 288 * 64 + 2 * 128);
    ck_assert_uint_eq(cost.params + 26624, params);
    ck_assert_double_eq_tol((double)cost.macs / 1e6, 4089.2 + (27 * 32 + 288 * 96 - 147 * 64) * 112 * 112 / 1e6, 0.1);
    ck_assert_double_eq_tol((double)cost.macs / 4.3e9, 1, 0.01);
    space_free(space);
}
END_TEST

/* The multiply-accumulates of the deepest and widest subnet at 256, written out from its channels. */
START_TEST(the_largest_subnet_costs_what_its_channels_say)
{
    static const int mids[] = {88, 176, 360, 720};
    static const int depths[] = {4, 4, 6, 4};
    struct space *space = shipped_space("ofa-resnet50");
    struct subnet s;
    struct subnet_cost cost;
    uint64_t macs = (27 * 32 + 9 * 32 * 32 + 9 * 32 * 64) * 128 * 128 + 2048 * 1000;
    uint64_t in = 64;
    uint64_t n = 64;
    for (int stage = 0; stage < 4; stage++) {
        uint64_t mid = (uint64_t)mids[stage];
        uint64_t out = 256u << stage;
        uint64_t half = stage ? n / 2 : n;
        macs += in * mid * n * n + (9 * mid * mid + mid * out + in * out) * half * half;
        macs += (uint64_t)(depths[stage] - 1) * (2 * mid * out + 9 * mid * mid) * half * half;
        in = out;
        n = half;
    }
    set_all(space, &s, 9);
    space_cost(space, &s, DTYPE_F32, &cost);
    ck_assert_uint_eq(cost.macs, macs);
    space_free(space);
}
END_TEST

START_TEST(odd_sizes_round_up_and_widths_are_chosen_apart)
{
    struct space *space = shipped_space("ofa-resnet50");
    struct subnet s;
    struct layer layers[SPACE_MAX_SLOTS];
    set_all(space, &s, 0);
    s.at[RESOLUTION] = (uint8_t)space_find_value(space, RESOLUTION, 144);
    s.at[DEPTH] = 1;
    const int widths[] = {2, 0, 2, 0, 1, 2};
    for (int i = 0; i < 6; i++) s.at[WIDTH + i] = (uint8_t)widths[i];
    ck_assert_int_eq(space_lower(space, &s, layers), 4 + 10 + 2);
    ck_assert(layers[1].residual && layers[1].in.c == 32 && layers[1].out.c == 32);
    ck_assert(layers[2].out.c == 40 && layers[3].kind == LAYER_MAXPOOL && layers[3].out.h == 36);
    const int first[] = {4, 6, 8, 12};
    const int sizes[] = {36, 18, 9, 5};
    const int channels[] = {256, 336, 816, 2048};
    for (int i = 0; i < 4; i++) {
        const struct layer *l = &layers[first[i]];
        ck_assert(l->out.h == sizes[i] && l->out.c == channels[i] && !l->residual && l[1].residual);
        ck_assert_int_eq(l->in.c, i ? channels[i - 1] : 40);
    }
    space_free(space);
}
END_TEST

START_TEST(subnets_pass_through_json_unchanged)
{
    struct space *space = shipped_space("ofa-resnet50");
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

START_TEST(a_document_has_depth_expand_and_width)
{
    struct space *space = shipped_space("ofa-resnet50");
    struct subnet s;
    set_all(space, &s, 0);
    s.at[EXPAND + 2] = 1; /* skipped: the first stage has two blocks */
    s.at[EXPAND + 4] = 2;
    s.at[WIDTH + 5] = 2;
    json_t *document = subnet_to_json(space, &s);
    char *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(6));
    ck_assert_str_eq(text, "{\"space\":\"ofa-resnet50\",\"resolution\":128,\"depth\":[0,2,2,4,2],"
                           "\"expand\":[0.2,0.2,0,0,0.35,0.2,0,0,0.2,0.2,0.2,0.2,0,0,0.2,0.2,0,0],"
                           "\"width\":[0.65,0.65,0.65,0.65,0.65,1]}");
    free(text);
    struct subnet back;
    ck_assert_int_eq(subnet_from_json(space, document, &back, NULL), LATHE_OK);
    ck_assert_uint_eq(space_subnet_id(space, &back), space_subnet_id(space, &s));
    space_canonicalise(space, &s);
    ck_assert(subnet_equal(&s, &back));
    json_decref(document);
    space_free(space);
}
END_TEST

START_TEST(a_bad_subnet_is_refused_by_name_and_index)
{
    static const struct {
        const char *change, *field;
    } bad[] = {
        {"{\"depth\":[2,2,2,4,2]}", "depth[0]"},
        {"{\"depth\":[0,2,2,3,2]}", "depth[3]"},
        {"{\"depth\":[2,2,4,2]}", "depth"},
        {"{\"expand\":[0.2]}", "expand"},
        {"{\"width\":null}", "width"},
        {"{\"width\":[1,1,1,1,1]}", "width"},
        {"{\"width\":[1,1,1,1,1,0]}", "width[5]"},
        {"{\"width\":[2,1,1,1,1,1]}", "width[0]"},
        {"{\"kernel\":[3]}", "kernel"},
        {"{\"resolution\":208}", "resolution"},
    };
    struct space *space = shipped_space("ofa-resnet50");
    struct subnet s;
    set_all(space, &s, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lathe_error err = {0};
        struct subnet got = s;
        json_t *document = subnet_to_json(space, &s);
        json_t *change = json_loads(bad[i].change, 0, NULL);
        ck_assert_ptr_nonnull(change);
        json_object_update(document, change);
        ck_assert_msg(subnet_from_json(space, document, &got, &err) == LATHE_INVALID, "%s is taken", bad[i].change);
        ck_assert_str_eq(err.field, bad[i].field);
        ck_assert(subnet_equal(&got, &s));
        json_decref(change);
        json_decref(document);
    }
    space_free(space);
}
END_TEST

START_TEST(a_slot_reads_no_dimension_but_those_that_it_names)
{
    struct space *space = shipped_space("ofa-resnet50");
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 2000; round++) {
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

/* Each layer's input is the output before it, whatever is chosen. */
START_TEST(random_subnets_are_chains)
{
    struct space *space = shipped_space("ofa-resnet50");
    struct rng rng;
    rng_seed(&rng, 9);
    for (int round = 0; round < 500; round++) {
        struct subnet s;
        struct layer layers[SPACE_MAX_SLOTS];
        space_random(space, &rng, &s);
        int n = space_lower(space, &s, layers);
        for (int i = 0; i < n; i++) {
            ck_assert_int_eq(layer_validate(&layers[i], NULL), LATHE_OK);
            if (i) ck_assert_mem_eq(&layers[i].in, &layers[i - 1].out, sizeof layers[i].in);
        }
    }
    space_free(space);
}
END_TEST

/* Every subnet of a tiny space, counted by brute force: those with equal canonical bytes are one. */
START_TEST(size_counts_what_the_choices_make)
{
    struct space *space = space_from_text(
        "{\"id\":\"small\",\"title\":\"t\",\"family\":\"bottleneck\",\"resolutions\":[32,33],\"activation\":\"relu\","
        "\"stem\":{\"channels\":16,\"kernel\":3,\"depth\":[0,1]},"
        "\"stages\":[{\"channels\":16,\"stride\":1,\"depth\":[1,2]}],\"kernel\":3,\"expand\":[0.25,0.5],"
        "\"width\":[0.5,1],\"features\":10}");
    uint64_t ids[512];
    int n = 0;
    ck_assert_int_eq(space_dim_count(space), 1 + 2 + 2 + 3);
    for (int code = 0; code < 256; code++) {
        struct subnet s = {{0}};
        for (int d = 0; d < 8; d++) s.at[d] = (uint8_t)(code >> d & 1);
        space_canonicalise(space, &s);
        uint64_t id = space_subnet_id(space, &s);
        int at = 0;
        while (at < n && ids[at] != id) at++;
        if (at == n) ids[n++] = id;
    }
    ck_assert_int_eq(n, 2 * 2 * 8 * (2 + 4));
    ck_assert_double_eq(space_size(space), n);
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
    ck_assert_int_ge(refuse_all_cases("space_bottleneck", read_space), 20);
}
END_TEST

static TCase *space_cases(void)
{
    TCase *c = tcase_create("bottleneck");
    tcase_add_test(c, its_dimensions_are_once_for_alls);
    tcase_add_test(c, the_smallest_subnet_has_the_least_of_every_choice);
    tcase_add_test(c, resnet_50_d_costs_what_is_published);
    tcase_add_test(c, the_largest_subnet_costs_what_its_channels_say);
    tcase_add_test(c, odd_sizes_round_up_and_widths_are_chosen_apart);
    tcase_add_test(c, a_slot_reads_no_dimension_but_those_that_it_names);
    tcase_add_test(c, random_subnets_are_chains);
    tcase_add_test(c, size_counts_what_the_choices_make);
    tcase_add_test(c, bad_documents_are_refused_by_name_of_the_field);
    return c;
}

static TCase *subnets(void)
{
    TCase *c = tcase_create("subnets");
    tcase_add_test(c, subnets_pass_through_json_unchanged);
    tcase_add_test(c, a_document_has_depth_expand_and_width);
    tcase_add_test(c, a_bad_subnet_is_refused_by_name_and_index);
    return c;
}

TEST_MAIN("bottleneck space", space_cases(), subnets())
