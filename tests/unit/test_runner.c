/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/arena.h"
#include "agents/runner/core/rig.h"
#include "agents/runner/core/timing.h"
#include "agents/runner/host.h"
#include "check_main.h"
#include "lut/base/rng.h"

static struct layer parse(const char *text)
{
    struct layer layer;
    struct lathe_error err = {0};
    ck_assert_msg(layer_parse(text, &layer, &err) == LATHE_OK, "%s", err.message);
    return layer;
}

/* Arena. */

static bool overlap(const struct arena_item *a, const struct arena_item *b)
{
    return a->offset < b->offset + b->bytes + RUNTIME_PAD_BYTES && b->offset < a->offset + a->bytes + RUNTIME_PAD_BYTES;
}

START_TEST(buffers_that_live_together_never_overlap)
{
    struct rng rng;
    rng_seed(&rng, 11);
    for (int round = 0; round < 300; round++) {
        struct arena_item items[40];
        size_t n = 1 + rng_below(&rng, 40);
        size_t total = 0;
        for (size_t i = 0; i < n; i++) {
            int first = (int)rng_below(&rng, 20);
            items[i] = (struct arena_item){rng_below(&rng, 5000), first, first + (int)rng_below(&rng, 6), 0};
        }
        ck_assert_int_eq(arena_plan(items, n, &total, NULL), LATHE_OK);
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_eq(items[i].offset % RUNTIME_ALIGN_BYTES, 0);
            ck_assert_uint_le(items[i].offset + items[i].bytes + RUNTIME_PAD_BYTES, total);
            for (size_t k = 0; k < i; k++)
                if (items[i].first <= items[k].last && items[k].first <= items[i].last)
                    ck_assert(!overlap(&items[i], &items[k]));
        }
    }
}
END_TEST

START_TEST(a_chain_of_layers_plays_ping_pong_in_two_buffers)
{
    struct arena_item items[20];
    size_t total = 0;
    for (int i = 0; i < 20; i++) items[i] = (struct arena_item){1000, i ? i - 1 : 0, i, 0};
    ck_assert_int_eq(arena_plan(items, 20, &total, NULL), LATHE_OK);
    ck_assert_uint_le(total, 2 * (1000 + RUNTIME_PAD_BYTES + RUNTIME_ALIGN_BYTES));
}
END_TEST

START_TEST(sizes_beyond_the_address_space_are_refused)
{
    struct arena_item items[2] = {{SIZE_MAX - 10, 0, 0, 0}, {100, 0, 0, 0}};
    size_t total = 0;
    ck_assert_int_eq(arena_plan(items, 2, &total, NULL), LATHE_NO_MEMORY);
}
END_TEST

/* Weights. */

START_TEST(weights_follow_the_published_recipe)
{
    /* Values made by a program of its own from the recipe in agents/wire/PROTOCOL.md. */
    static const double dense[] = {-0.098333265, 0.004926990, 0.131025192};
    static const double bias[] = {0.042787541, 0.001375151};
    static const double input[] = {0.308360192, -0.746179541};
    struct layer layer = parse("mbconv in=20x20x48 out=20x20x48 mid=144 k=5 s=1 act=hswish se=40 res=1");
    struct weights w;
    float in[2];
    ck_assert_int_eq(weights_make(&layer, 1, 42, &w, NULL), LATHE_OK);
    for (int i = 0; i < 3; i++) ck_assert_double_eq_tol((double)w.dense[i], dense[i], 1e-7);
    for (int i = 0; i < 2; i++) ck_assert_double_eq_tol((double)w.excite_bias[i], bias[i], 1e-7);
    weights_clear(&w);
    weights_input(&layer, 42, in, 2);
    for (int i = 0; i < 2; i++) ck_assert_double_eq_tol((double)in[i], input[i], 1e-7);
}
END_TEST

/* As above, for a kind with other tensors. */
START_TEST(weights_of_a_bottleneck_follow_the_recipe_too)
{
    struct layer layer = parse("bottleneck in=14x14x104 out=7x7x168 mid=40 k=3 s=2 act=relu");
    struct weights w;
    struct weights copy;
    ck_assert_int_eq(weights_make(&layer, 1, 42, &w, NULL), LATHE_OK);
    ck_assert_int_eq(weights_copy(&w, &copy, NULL), LATHE_OK);
    weights_clear(&w);
    ck_assert_double_eq_tol((double)copy.window[0], -0.083430469, 1e-7);
    ck_assert_double_eq_tol((double)copy.window[1], 0.055507114, 1e-7);
    ck_assert_double_eq_tol((double)copy.shortcut[0], 0.228354075, 1e-7);
    ck_assert_double_eq_tol((double)copy.shortcut_bias[0], 0.088644090, 1e-7);
    ck_assert_double_eq_tol((double)copy.dense[0], 0.033050237, 1e-7);
    ck_assert_ptr_null(copy.depthwise);
    weights_clear(&copy);
    layer = parse("bottleneck in=14x14x104 out=14x14x104 mid=40 k=3 s=1 act=relu res=1");
    ck_assert_int_eq(weights_make(&layer, 0, 42, &w, NULL), LATHE_OK);
    ck_assert_ptr_null(w.shortcut);
    ck_assert_uint_eq(w.count, layer_params(&layer));
    weights_clear(&w);
}
END_TEST

START_TEST(equal_layers_at_different_places_have_different_weights)
{
    struct layer layer = parse("linear in=1x1x100 out=1x1x10");
    struct weights a;
    struct weights b;
    struct weights copy;
    ck_assert_int_eq(weights_make(&layer, 0, 1, &a, NULL), LATHE_OK);
    ck_assert_int_eq(weights_make(&layer, 1, 1, &b, NULL), LATHE_OK);
    ck_assert_int_eq(weights_copy(&a, &copy, NULL), LATHE_OK);
    ck_assert_uint_eq(a.count, 1010);
    ck_assert_mem_ne(a.dense, b.dense, 1000 * sizeof(float));
    ck_assert_mem_eq(a.dense, copy.dense, 1000 * sizeof(float));
    ck_assert_mem_eq(a.dense_bias, copy.dense_bias, 10 * sizeof(float));
    ck_assert_ptr_ne(a.dense, copy.dense);
    ck_assert_ptr_null(copy.expand);
    weights_clear(&a);
    weights_clear(&b);
    weights_clear(&copy);
}
END_TEST

/* Rig. */

/* Of those that every machine can run. */
static const struct runtime *fastest(void)
{
    const struct runtime *found = NULL;
    for (const struct runtime *const *r = runtimes; *r; r++)
        if (!(*r)->device) found = *r;
    return found;
}

static struct rig *open_rig(uint64_t memory_bytes)
{
    struct rig *rig = NULL;
    struct lathe_error err = {0};
    const struct rig_options o = {.runtime = fastest(), .options = {DTYPE_F32, 1, 1}, .memory_bytes = memory_bytes};
    ck_assert_msg(rig_open(&o, &rig, &err) == LATHE_OK, "%s", err.message);
    return rig;
}

static void parse_all(const char *const *texts, struct layer *layers, int count)
{
    for (int i = 0; i < count; i++) layers[i] = parse(texts[i]);
}

static const char *const twin_texts[] = {
    "conv2d in=32x32x3 out=16x16x16 k=3 s=2 act=hswish",
    "mbconv in=16x16x16 out=16x16x16 mid=48 k=3 s=1 act=relu res=1",
    "mbconv in=16x16x16 out=16x16x16 mid=48 k=3 s=1 act=relu res=1",
    "mbconv in=16x16x16 out=8x8x24 mid=64 k=5 s=2 act=relu se=16",
};
static const char *const other_texts[] = {
    "conv2d in=32x32x3 out=16x16x16 k=3 s=2 act=hswish",
    "mbconv in=16x16x16 out=16x16x16 mid=48 k=5 s=1 act=relu res=1",
    "mbconv in=16x16x16 out=16x16x16 mid=48 k=3 s=1 act=relu res=1",
};

START_TEST(weights_are_packed_once_and_shared_between_networks_but_never_within_one)
{
    struct layer layers[4];
    struct rig_build built;
    struct rig *rig = open_rig(0);
    parse_all(twin_texts, layers, 4);
    ck_assert_int_eq(rig_build(rig, 0, layers, 4, &built, NULL), LATHE_OK);
    ck_assert_int_eq(built.packed, 4); /* the equal layers too: each has its own */
    ck_assert_int_eq(built.reused, 0);
    ck_assert_uint_ge(built.weight_bytes, 4 * (layer_params(&layers[0]) + 2 * layer_params(&layers[1])));
    parse_all(other_texts, layers, 3);
    ck_assert_int_eq(rig_build(rig, 1, layers, 3, &built, NULL), LATHE_OK);
    ck_assert_int_eq(built.packed, 1);
    ck_assert_int_eq(built.reused, 2);
    ck_assert_int_eq(rig_build(rig, 1, layers, 3, &built, NULL), LATHE_OK);
    ck_assert_int_eq(built.packed, 0);
    rig_reset(rig);
    ck_assert_int_eq(rig_build(rig, 0, layers, 3, &built, NULL), LATHE_OK);
    ck_assert_int_eq(built.packed, 3);
    rig_close(rig);
}
END_TEST

static void *visit_output(struct rig *rig, int network, size_t *n)
{
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    ck_assert_msg(rig_run(rig, network, 0, 1, false, &samples, &err) == LATHE_OK, "%s", err.message);
    void *copy = malloc(samples->output_bytes);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, samples->output, samples->output_bytes);
    *n = samples->output_bytes;
    return copy;
}

START_TEST(networks_that_share_layers_and_arena_do_not_disturb_each_other)
{
    struct layer a[4];
    struct layer b[3];
    struct rig_build built;
    struct rig *rig = open_rig(0);
    size_t n = 0;
    size_t m = 0;
    parse_all(twin_texts, a, 4);
    parse_all(other_texts, b, 3);
    ck_assert_int_eq(rig_build(rig, 0, a, 4, &built, NULL), LATHE_OK);
    void *alone = visit_output(rig, 0, &n);
    ck_assert_int_eq(rig_build(rig, 9, b, 3, &built, NULL), LATHE_OK);
    void *other = visit_output(rig, 9, &m);
    void *again = visit_output(rig, 0, &m);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(alone, again, n);
    free(alone);
    free(other);
    free(again);
    rig_close(rig);
}
END_TEST

START_TEST(a_visit_times_every_layer_of_every_run)
{
    struct layer layers[4];
    struct rig_build built;
    const struct rig_samples *s = NULL;
    struct rig *rig = open_rig(0);
    parse_all(twin_texts, layers, 4);
    ck_assert_int_eq(rig_build(rig, 0, layers, 4, &built, NULL), LATHE_OK);
    ck_assert_int_eq(rig_run(rig, 0, 1, 5, true, &s, NULL), LATHE_OK);
    ck_assert_int_eq(s->runs, 5);
    ck_assert_int_eq(s->layers, 4);
    for (int run = 0; run < 5; run++) {
        uint64_t sum = 0;
        for (int i = 0; i < 4; i++) {
            ck_assert_uint_gt(s->wall_ns[run * 4 + i], 0);
            sum += s->wall_ns[run * 4 + i];
        }
        ck_assert_uint_ge(s->total_ns[run], sum);
        ck_assert_uint_le(s->total_ns[run], s->elapsed_ns);
    }
    ck_assert_int_eq(rig_run(rig, 0, 0, 3, false, &s, NULL), LATHE_OK);
    ck_assert_int_eq(s->layers, 0);
    for (int run = 0; run < 3; run++) ck_assert_uint_gt(s->total_ns[run], 0);
    rig_close(rig);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_with_the_bytes_it_needs)
{
    struct layer layers[4];
    struct rig_build built;
    struct lathe_error err = {0};
    struct rig *rig = open_rig(60000);
    parse_all(twin_texts, layers, 4);
    ck_assert_int_eq(rig_build(rig, 0, layers, 4, &built, &err), LATHE_NO_MEMORY);
    ck_assert_uint_gt(built.needed_bytes, 60000);
    ck_assert_ptr_nonnull(strstr(err.message, "60000 allowed"));
    struct layer small = parse("linear in=1x1x10 out=1x1x10");
    ck_assert_int_eq(rig_build(rig, 0, &small, 1, &built, &err), LATHE_OK);
    rig_close(rig);
}
END_TEST

START_TEST(networks_that_do_not_fit_together_or_do_not_exist_are_refused)
{
    struct layer layers[2] = {parse("linear in=1x1x10 out=1x1x11"), parse("linear in=1x1x10 out=1x1x10")};
    struct rig_build built;
    const struct rig_samples *s = NULL;
    struct lathe_error err = {0};
    struct rig *rig = open_rig(0);
    ck_assert_int_eq(rig_build(rig, 0, layers, 2, &built, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "layers[1]");
    ck_assert_int_eq(rig_build(rig, 0, layers, 0, &built, &err), LATHE_INVALID);
    ck_assert_int_eq(rig_build(rig, RIG_MAX_NETWORKS, layers, 1, &built, &err), LATHE_INVALID);
    ck_assert_int_eq(rig_run(rig, 0, 0, 1, true, &s, &err), LATHE_NOT_FOUND);
    ck_assert_int_eq(rig_build(rig, 0, layers, 1, &built, &err), LATHE_OK);
    ck_assert_int_eq(rig_run(rig, 0, 0, 0, true, &s, &err), LATHE_INVALID);
    ck_assert_int_eq(rig_run(rig, 0, -1, 1, true, &s, &err), LATHE_INVALID);
    ck_assert_int_eq(rig_run(rig, 0, 0, RIG_MAX_RUNS + 1, true, &s, &err), LATHE_INVALID);
    rig_close(rig);
}
END_TEST

START_TEST(runtimes_refuse_what_they_cannot_do)
{
    struct rig *rig = NULL;
    for (const struct runtime *const *r = runtimes; *r; r++) {
        const struct rig_options o = {.runtime = *r, .options = {DTYPE_INT8, 1, 1}};
        if ((*r)->supports(&o.options, NULL)) ck_assert_int_eq(rig_open(&o, &rig, NULL), LATHE_UNSUPPORTED);
    }
    const struct rig_options threads = {.runtime = runtime_find("reference"), .options = {DTYPE_F32, 2, 1}};
    ck_assert_int_eq(rig_open(&threads, &rig, NULL), LATHE_UNSUPPORTED);
    ck_assert_ptr_null(runtime_find("no such runtime"));
}
END_TEST

/* Timing and fingerprint. */

START_TEST(cpu_time_grows_while_the_thread_works)
{
    struct usage before = usage_now();
    struct usage after = before;
    /* Bounded by CPU time itself: the loop ends when two milliseconds of it are used. */
    while (after.cpu_ns < before.cpu_ns + 2000000) after = usage_now();
    ck_assert_uint_ge(after.preemptions, before.preemptions);
    ck_assert_uint_lt(usage_cost_ns(), 1000000);
    ck_assert_uint_eq(elapsed_u8(3, 2), 0);
    ck_assert_uint_eq(elapsed_u8(0, 300), 255);
    ck_assert_uint_eq(elapsed_u32(0, (uint64_t)1 << 33), UINT32_MAX);
}
END_TEST

/* Lines with this key and a value. */
static int count_lines(const struct host_lines *lines, const char *key)
{
    int found = 0;
    for (int i = 0; i < lines->count; i++)
        found += strncmp(lines->line[i], key, strlen(key)) == 0 && lines->line[i][strlen(key)] != '\0';
    return found;
}

static void check_fingerprint(const struct runtime *runtime, enum dtype dtype)
{
    static const char *const keys[] = {"runner=", "runtime=", "dtype=",    "threads=",  "batch=", "cpu=",
                                       "isa=",    "kernel=",  "governor=", "affinity=", "flags=", "max_khz="};
    static const char *const told[] = {"dispatch=", "kernels=", "kernels_slow=", "openmp="};
    const struct runtime_options o = {dtype, 1, 4};
    struct host_lines lines;
    struct host_lines again;
    int expected = (int)(sizeof keys / sizeof keys[0]);
    host_fingerprint(runtime, &o, &lines);
    host_fingerprint(runtime, &o, &again);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        ck_assert_msg(count_lines(&lines, keys[i]) == 1, "%s", keys[i]);
    for (size_t i = 0; strcmp(runtime->name, "onednn") == 0 && i < sizeof told / sizeof told[0]; i++)
        ck_assert_msg(count_lines(&lines, told[i]) == 1, "%s", told[i]);
    struct runtime_lines more = {0};
    if (runtime->describe) runtime->describe(&o, &more);
    for (int i = 0; i < more.count; i++) ck_assert_str_eq(lines.line[expected + i], more.line[i]);
    expected += more.count;
    ck_assert_int_eq(lines.count, expected);
    ck_assert_int_eq(lines.count, again.count);
    for (int i = 0; i < lines.count; i++) ck_assert_str_eq(lines.line[i], again.line[i]);
}

START_TEST(fingerprints_name_what_was_measured_with_and_stay_the_same)
{
    for (const struct runtime *const *r = runtimes; *r; r++)
        for (int dtype = 0; dtype < DTYPES; dtype++)
            if ((*r)->supports(&(struct runtime_options){(enum dtype)dtype, 1, 4}, NULL) == LATHE_OK)
                check_fingerprint(*r, (enum dtype)dtype);
    ck_assert_uint_eq(strlen(host_build_id()), 16);
    ck_assert_str_ne(host_build_id(), "0000000000000000");
}
END_TEST

static TCase *core_cases(void)
{
    TCase *t = tcase_create("core");
    tcase_add_test(t, buffers_that_live_together_never_overlap);
    tcase_add_test(t, a_chain_of_layers_plays_ping_pong_in_two_buffers);
    tcase_add_test(t, sizes_beyond_the_address_space_are_refused);
    tcase_add_test(t, weights_follow_the_published_recipe);
    tcase_add_test(t, weights_of_a_bottleneck_follow_the_recipe_too);
    tcase_add_test(t, equal_layers_at_different_places_have_different_weights);
    tcase_add_test(t, cpu_time_grows_while_the_thread_works);
    tcase_add_test(t, fingerprints_name_what_was_measured_with_and_stay_the_same);
    return t;
}

static TCase *rig_cases(void)
{
    TCase *t = tcase_create("rig");
    tcase_add_test(t, weights_are_packed_once_and_shared_between_networks_but_never_within_one);
    tcase_add_test(t, networks_that_share_layers_and_arena_do_not_disturb_each_other);
    tcase_add_test(t, a_visit_times_every_layer_of_every_run);
    tcase_add_test(t, what_does_not_fit_is_refused_with_the_bytes_it_needs);
    tcase_add_test(t, networks_that_do_not_fit_together_or_do_not_exist_are_refused);
    tcase_add_test(t, runtimes_refuse_what_they_cannot_do);
    return t;
}

TEST_MAIN("runner", core_cases(), rig_cases())
