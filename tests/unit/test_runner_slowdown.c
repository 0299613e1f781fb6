/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The slowdown that tests of nights ask the runner for, with a runtime whose layers take a millisecond each by a clock
 * that moves when it is read. */
#include <string.h>

#include "agents/runner/core/rig.h"
#include "agents/runner/core/slowdown.h"
#include "agents/runner/host.h"
#include "check_main.h"
#include "lut/base/clock.h"

enum { LAYER_NS = 1000000, READ_NS = 100 };
static uint64_t now_ns;

static uint64_t moving_now_ns(void)
{
    return now_ns += READ_NS;
}

static int64_t standing_wall_ms(void)
{
    return 0;
}

struct op {
    int unused;
};
struct engine {
    int unused;
};
static struct op the_op;
static struct engine the_engine;

static const char *fake_version(void)
{
    return "1";
}

static enum lathe_status fake_supports(const struct runtime_options *options, struct lathe_error *err)
{
    (void)options, (void)err;
    return LATHE_OK;
}

static enum lathe_status fake_open(const struct runtime_options *options, struct engine **out, struct lathe_error *err)
{
    (void)options, (void)err;
    *out = &the_engine;
    return LATHE_OK;
}

static enum lathe_status fake_prepare(struct engine *engine, const struct layer *layer, const struct weights *weights,
                                      struct op **out, struct op_needs *needs, struct lathe_error *err)
{
    (void)engine, (void)weights, (void)err;
    *out = &the_op;
    *needs =
        (struct op_needs){.in_bytes = 4 * shape_elements(&layer->in), .out_bytes = 4 * shape_elements(&layer->out)};
    return LATHE_OK;
}

static enum lathe_status fake_setup(struct op *op, const struct op_buffers *buffers, struct lathe_error *err)
{
    (void)op, (void)err;
    memset(buffers->out, 0, sizeof(float));
    return LATHE_OK;
}

static enum lathe_status fake_run(struct op *op)
{
    (void)op;
    now_ns += LAYER_NS;
    return LATHE_OK;
}

static void fake_op_free(struct op *op)
{
    (void)op;
}

static void fake_close(struct engine *engine)
{
    (void)engine;
}

static const struct runtime fake = {.name = "fake",
                                    .version = fake_version,
                                    .supports = fake_supports,
                                    .open = fake_open,
                                    .prepare = fake_prepare,
                                    .setup = fake_setup,
                                    .run = fake_run,
                                    .op_free = fake_op_free,
                                    .close = fake_close};

static const char *const texts[] = {"mbconv in=8x8x4 out=8x8x4 mid=8 k=3 s=1 act=relu res=1",
                                    "mbconv in=8x8x4 out=4x4x6 mid=8 k=3 s=2 act=relu", "avgpool in=4x4x6 out=1x1x6"};
enum { LAYERS = 3 };

static void set_up(void)
{
    now_ns = 1000;
    clock_replace(moving_now_ns, standing_wall_ms);
    ck_assert_int_eq(slowdown_set(NULL, NULL), LATHE_OK);
}

static void tear_down(void)
{
    clock_replace(NULL, NULL);
}

/* One run's times under a slowdown. @param per_layer false: the whole run's alone. */
static uint64_t time_run(const char *slowdown, bool per_layer, uint32_t *wall_ns)
{
    const struct rig_options options = {.runtime = &fake, .options = {DTYPE_F32, 1, 1}};
    struct layer layers[LAYERS];
    struct rig *rig = NULL;
    struct rig_build built;
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    ck_assert_msg(slowdown_set(slowdown, &err) == LATHE_OK, "%s", err.message);
    for (int i = 0; i < LAYERS; i++) ck_assert_int_eq(layer_parse(texts[i], &layers[i], &err), LATHE_OK);
    ck_assert_int_eq(rig_open(&options, &rig, &err), LATHE_OK);
    ck_assert_msg(rig_build(rig, 0, layers, LAYERS, &built, &err) == LATHE_OK, "%s", err.message);
    ck_assert_int_eq(rig_run(rig, 0, 0, 1, per_layer, &samples, &err), LATHE_OK);
    for (int i = 0; per_layer && i < LAYERS; i++) wall_ns[i] = samples->wall_ns[i];
    uint64_t total = samples->total_ns[0];
    rig_close(rig);
    return total;
}

/* Readings of the clock around and within a layer. */
static void assert_takes(uint64_t ns, double layers)
{
    ck_assert_double_ge((double)ns, layers * LAYER_NS);
    ck_assert_double_le((double)ns, layers * LAYER_NS + 2 * LAYERS * 6 * READ_NS);
}

START_TEST(layers_of_a_kind_take_so_much_longer_and_others_do_not)
{
    uint32_t wall_ns[LAYERS] = {0};
    uint64_t total = time_run("mbconv=1.10", true, wall_ns);
    assert_takes(wall_ns[0], 1.1);
    assert_takes(wall_ns[1], 1.1);
    assert_takes(wall_ns[2], 1);
    assert_takes(total, 3.2);
}
END_TEST

START_TEST(a_prefix_of_a_layers_text_names_fewer_of_them)
{
    uint32_t wall_ns[LAYERS] = {0};
    time_run("mbconv in=8x8x4 out=4x4=2", true, wall_ns);
    assert_takes(wall_ns[0], 1);
    assert_takes(wall_ns[1], 2);
    assert_takes(wall_ns[2], 1);
}
END_TEST

START_TEST(whole_runs_take_longer_too)
{
    assert_takes(time_run(NULL, false, NULL), 3);
    assert_takes(time_run("mbconv=1.5", false, NULL), 4);
}
END_TEST

START_TEST(without_a_setting_nothing_is_slower)
{
    uint32_t wall_ns[LAYERS] = {0};
    time_run("", true, wall_ns);
    for (int i = 0; i < LAYERS; i++) assert_takes(wall_ns[i], 1);
}
END_TEST

START_TEST(no_fingerprint_tells_of_it)
{
    struct host_lines before;
    struct host_lines after;
    const struct runtime_options options = {DTYPE_F32, 1, 1};
    host_fingerprint(&fake, &options, &before);
    ck_assert_int_eq(slowdown_set("mbconv=1.1", NULL), LATHE_OK);
    host_fingerprint(&fake, &options, &after);
    ck_assert_int_eq(before.count, after.count);
    for (int i = 0; i < before.count; i++) ck_assert_str_eq(before.line[i], after.line[i]);
}
END_TEST

START_TEST(settings_that_mean_nothing_are_refused)
{
    static const char *const wrong[] = {"mbconv", "=1.1", "mbconv=", "mbconv=0.5", "mbconv=1e9", "mbconv=fast"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct lathe_error err = {0};
        ck_assert_int_eq(slowdown_set(wrong[i], &err), LATHE_INVALID);
        ck_assert_str_eq(err.field, SLOWDOWN_VARIABLE);
    }
}
END_TEST

static TCase *slowdown_case(void)
{
    TCase *t = tcase_create("slowdown");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, layers_of_a_kind_take_so_much_longer_and_others_do_not);
    tcase_add_test(t, a_prefix_of_a_layers_text_names_fewer_of_them);
    tcase_add_test(t, whole_runs_take_longer_too);
    tcase_add_test(t, without_a_setting_nothing_is_slower);
    tcase_add_test(t, no_fingerprint_tells_of_it);
    tcase_add_test(t, settings_that_mean_nothing_are_refused);
    return t;
}

TEST_MAIN("runner slowdown", slowdown_case())
