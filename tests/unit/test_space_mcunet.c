/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* MCUNet's space: one width for the whole network. Its published networks are the reference. */
#include "check_main.h"
#include "server/networks/catalog.h"
#include "test_search_fixture.h"

enum { STAGES = 6, BLOCKS = 5 * 4 + 1, DEPTH = 1, KERNEL = DEPTH + STAGES, EXPAND = KERNEL + BLOCKS };
enum { WIDTH = EXPAND + BLOCKS, DIMS };

static void set_all(const struct space *space, struct subnet *s, bool largest)
{
    memset(s, 0, sizeof *s);
    for (int d = 0; d < space_dim_count(space); d++) s->at[d] = largest ? (uint8_t)(space_dim(space, d)->count - 1) : 0;
}

static void set(const struct space *space, struct subnet *s, int dim, double value)
{
    int at = space_find_value(space, dim, value);
    ck_assert_msg(at >= 0, "dimension %d has no value %g", dim, value);
    s->at[dim] = (uint8_t)at;
}

START_TEST(its_choices_are_the_published_ones)
{
    struct space *space = shipped_space("mcunet");
    ck_assert_int_eq(space_dim_count(space), DIMS);
    const struct space_dim *width = space_dim(space, WIDTH);
    ck_assert(width->kind == DIM_WIDTH && width->index == 0 && width->stage == -1 && width->count == 9);
    for (int i = 0; i < 9; i++) ck_assert_int_eq(width->values[i], 100 * (i + 2));
    const struct space_dim *resolution = space_dim(space, 0);
    ck_assert_int_eq(resolution->count, 12);
    for (int i = 0; i < 12; i++) ck_assert_int_eq(resolution->values[i], 48 + 16 * i);
    double stage = 81 + 729 + 6561;
    ck_assert_double_eq_tol(space_size(space) / (12 * 9 * stage * stage * stage * stage * stage * 9), 1, 1e-12);
    space_free(space);
}
END_TEST

START_TEST(the_width_scales_every_part_but_the_mix_layer)
{
    /* make_divisible(base x 0.5, 8) of 32, 16, 24, 40, 80, 96, 192, 320. */
    static const int halves[] = {16, 8, 16, 24, 40, 48, 96, 160};
    static const int at[] = {0, 1, 2, 6, 10, 14, 18, 22};
    struct space *space = shipped_space("mcunet-mix");
    struct subnet s;
    struct layer layers[SPACE_MAX_SLOTS];
    set_all(space, &s, true);
    set(space, &s, WIDTH, 0.5);
    ck_assert_int_eq(space_lower(space, &s, layers), 2 + BLOCKS + 3);
    for (int i = 0; i < 8; i++) ck_assert_int_eq(layers[at[i]].out.c, halves[i]);
    for (int i = 0; i < 26; i++) ck_assert_int_eq(layer_validate(&layers[i], NULL), LATHE_OK);
    for (int w = 0; w < 9; w++) {
        s.at[WIDTH] = (uint8_t)w;
        space_lower(space, &s, layers);
        ck_assert_int_eq(layers[23].out.c, 1280);
        ck_assert_int_eq(layers[25].in.c, 1280);
    }
    space_free(space);
    space = shipped_space("mcunet");
    set(space, &s, WIDTH, 0.5);
    ck_assert_int_eq(space_lower(space, &s, layers), 2 + BLOCKS + 2);
    ck_assert_int_eq(layers[24].kind, LAYER_LINEAR);
    ck_assert_int_eq(layers[24].in.c, 160);
    space_free(space);
}
END_TEST

/* A block whose input is as wide as its output has a residual, at whatever width that comes about. */
START_TEST(a_residual_is_where_widths_agree)
{
    struct space *space = shipped_space("mcunet");
    struct subnet s;
    struct layer layers[SPACE_MAX_SLOTS];
    set_all(space, &s, true);
    for (int w = 0; w < 9; w++) {
        s.at[WIDTH] = (uint8_t)w;
        int n = space_lower(space, &s, layers);
        for (int i = 2; i < n - 2; i++)
            ck_assert_int_eq(layers[i].residual, layers[i].stride == 1 && layers[i].in.c == layers[i].out.c);
    }
    s.at[WIDTH] = 0; /* 80 and 96 x 0.2: 16 and 24 */
    space_lower(space, &s, layers);
    ck_assert(!layers[14].residual && layers[15].residual);
    space_free(space);
}
END_TEST

START_TEST(a_subnet_names_its_one_width)
{
    struct space *space = shipped_space("mcunet");
    struct subnet s;
    struct subnet back;
    struct lathe_error err = {0};
    set_all(space, &s, false);
    set(space, &s, WIDTH, 0.6);
    json_t *document = subnet_to_json(space, &s);
    json_t *width = json_object_get(document, "width");
    ck_assert_int_eq((int)json_array_size(width), 1);
    ck_assert_double_eq(json_number_value(json_array_get(width, 0)), 0.6);
    ck_assert_int_eq(subnet_from_json(space, document, &back, NULL), LATHE_OK);
    space_canonicalise(space, &s);
    ck_assert(subnet_equal(&s, &back));
    json_array_append_new(width, json_real(0.6));
    ck_assert_int_eq(subnet_from_json(space, document, &back, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "width");
    ck_assert_ptr_nonnull(strstr(err.message, "whole network"));
    json_decref(document);
    space_free(space);
}
END_TEST

/* ---- the published networks ---- */

/* The space with the expand ratios that the published networks have: 5 is one of them. */
static struct space *published_space(void)
{
    struct space *shipped = shipped_space("mcunet");
    struct space *space = NULL;
    json_t *document = json_deep_copy(space_document(shipped));
    json_object_set_new(document, "expand", json_pack("[i,i,i,i]", 3, 4, 5, 6));
    ck_assert_int_eq(space_parse(document, &space, NULL), LATHE_OK);
    json_decref(document);
    space_free(shipped);
    return space;
}

/* The subnet whose blocks are those of a network of this space, given its width. */
static void find_subnet(const struct space *space, const struct network *net, double width, struct subnet *out)
{
    struct layer probe[SPACE_MAX_SLOTS];
    memset(out, 0, sizeof *out);
    set(space, out, 0, net->layers[0].in.h);
    set(space, out, WIDTH, width);
    for (int i = 0; i < STAGES; i++) out->at[DEPTH + i] = (uint8_t)(space_dim(space, DEPTH + i)->count - 1);
    space_lower(space, out, probe);
    int at = 2; /* behind stem and first block */
    for (int stage = 0; stage < STAGES; stage++) {
        int depth = 0;
        while (net->layers[at].kind == LAYER_MBCONV && net->layers[at].out.c == probe[2 + 4 * stage].out.c &&
               (depth == 0 || net->layers[at].residual)) {
            int block = 4 * stage + depth++;
            set(space, out, KERNEL + block, net->layers[at].kernel);
            set(space, out, EXPAND + block, (double)net->layers[at].mid / net->layers[at].in.c);
            at++;
        }
        set(space, out, DEPTH + stage, depth);
    }
    space_canonicalise(space, out);
}

START_TEST(the_published_networks_are_subnets_once_expand_5_is_a_choice)
{
    static const struct {
        const char *name;
        double width;
    } nets[] = {{"mcunet-in0", 0.6}, {"mcunet-in1", 0.5}, {"mcunet-in2", 0.5}, {"mcunet-in3", 0.5}, {"mcunet-in4", 1}};
    struct space *space = published_space();
    struct networks *all = NULL;
    ck_assert_int_eq(networks_open(SOURCE_DIR "/server/networks/catalog", &all, NULL), LATHE_OK);
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        const struct network *net = &networks_find(all, nets[i].name)->network;
        struct subnet s;
        struct layer layers[SPACE_MAX_SLOTS];
        find_subnet(space, net, nets[i].width, &s);
        int n = space_lower(space, &s, layers);
        ck_assert_int_eq(n, net->count);
        for (int l = 0; l < n; l++) ck_assert_msg(layer_equal(&layers[l], &net->layers[l]), "%s %d", nets[i].name, l);
    }
    networks_free(all);
    space_free(space);
}
END_TEST

static TCase *choices(void)
{
    TCase *c = tcase_create("choices");
    tcase_add_test(c, its_choices_are_the_published_ones);
    tcase_add_test(c, the_width_scales_every_part_but_the_mix_layer);
    tcase_add_test(c, a_residual_is_where_widths_agree);
    tcase_add_test(c, a_subnet_names_its_one_width);
    tcase_add_test(c, the_published_networks_are_subnets_once_expand_5_is_a_choice);
    return c;
}

TEST_MAIN("mcunet", choices())
