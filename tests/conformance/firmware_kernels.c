/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The firmware's kernels, built for this machine, against the `reference` runtime: bit for bit, in an arena of exactly
 * the bytes that the plan says, aligned no better than promised. Once with the plain kernels, once with those for the
 * DSP extension (dsp/ has its instructions). */
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/network.h"
#include "agents/runner/core/rig.h"
#include "agents/wire/frame.h"
#include "check_main.h"
#include "conformance/int8_cases.h"
#include "conformance/layer_cases.h"
#include "conformance/support.h"
#include "firmware/kernels/execute.h"
#include "lut/base/rng.h"

enum { SEED = 7, FENCE = 64 };

static int8_t blob[KERNEL_BLOB_BYTES];

static void make_blob(void)
{
    quant_blob(blob);
    memcpy(blob + QUANT_BLOB_VALUES, blob, KERNEL_BLOB_BYTES - QUANT_BLOB_VALUES);
}

/* An arena between two fences, full of what a layer before may have left. */
struct fenced {
    uint8_t *block, *arena;
    size_t bytes;
};

static void fenced_init(struct fenced *f, size_t bytes)
{
    f->bytes = bytes;
    f->block = malloc(bytes + 2 * FENCE);
    ck_assert_ptr_nonnull(f->block);
    f->arena = f->block + FENCE;
    memset(f->block, 0xa5, bytes + 2 * FENCE);
    /* Nothing may be read there either. */
    ASAN_POISON_MEMORY_REGION(f->block, FENCE);
    ASAN_POISON_MEMORY_REGION(f->arena + bytes, FENCE);
}

static void fenced_clear(struct fenced *f, const char *text)
{
    ASAN_UNPOISON_MEMORY_REGION(f->block, f->bytes + 2 * FENCE);
    for (size_t i = 0; i < FENCE; i++)
        ck_assert_msg(f->block[i] == 0xa5 && f->arena[f->bytes + i] == 0xa5, "wrote outside the arena in %s", text);
    free(f->block);
}

static void move_in(struct fenced *f, const struct layer *l, const void *in, uint8_t rubbish)
{
    const size_t n = shape_elements(&l->in);
    memset(f->arena, rubbish, f->bytes);
    memcpy(f->arena, in, n);
}

static void compare_layer(const struct layer *layer)
{
    const struct runtime_options o = {DTYPE_INT8, 1, 1};
    char text[LAYER_TEXT_BYTES];
    struct weights weights;
    struct fenced f;
    struct kernel_layer k;
    size_t n = 0;
    layer_print(layer, text);
    ck_assert_ptr_null(board_layer_refusal(layer));
    ck_assert_int_eq(weights_make_int8(layer, 3, SEED, &weights, NULL), LATHE_OK);
    int8_t *in = malloc(shape_elements(&layer->in));
    ck_assert_ptr_nonnull(in);
    weights_input_int8(layer, SEED, in, shape_elements(&layer->in));
    int8_t *want = run_layer_bytes(runtime_find("reference"), &o, layer, &weights, in, &n);
    fenced_init(&f, (size_t)board_layer_arena_bytes(layer));
    move_in(&f, layer, in, 0x5a);
    kernel_prepare(&k, layer, 3, SEED, blob, f.arena);
    for (int run = 0; run < 2; run++) { /* the constants outlive a run */
        memcpy(f.arena, in, shape_elements(&layer->in));
        kernel_run(&k);
        ck_assert_msg(memcmp(f.arena, want, n) == 0, "%s: run %d of %s differs from the definition", kernel_flavour(),
                      run, text);
    }
    fenced_clear(&f, text);
    free(want);
    free(in);
    weights_clear(&weights);
}

START_TEST(layers_of_every_kind_are_as_defined)
{
    each_layer((enum layer_family)_i, compare_layer);
}
END_TEST

static int some(struct rng *r, int least, int most)
{
    return least + (int)rng_below(r, (uint32_t)(most - least + 1));
}

static struct layer random_layer(struct rng *r, enum layer_kind kind)
{
    struct layer l = {.kind = kind, .in = {some(r, 1, 12), some(r, 1, 14), some(r, 1, 21)}};
    const bool block = kind == LAYER_MBCONV || kind == LAYER_BOTTLENECK;
    if (kind == LAYER_LINEAR) l.in.h = l.in.w = 1;
    l.out = (struct shape){1, 1, kind == LAYER_AVGPOOL ? l.in.c : some(r, 1, 33)};
    if (kind == LAYER_LINEAR || kind == LAYER_AVGPOOL) return l;
    l.kernel = 1 + 2 * (some(r, 0, 3) ? some(r, 0, 3) : some(r, 0, 7));
    if (kind == LAYER_MAXPOOL && l.kernel < 3) l.kernel = 3;
    l.stride = some(r, 0, 1) ? 1 : some(r, 1, kind == LAYER_MAXPOOL && l.kernel == 3 ? 3 : 4);
    l.out.h = conv_out_size(l.in.h, l.stride);
    l.out.w = conv_out_size(l.in.w, l.stride);
    if (kind == LAYER_MAXPOOL) {
        l.out.c = l.in.c;
        return l;
    }
    l.act = (enum activation)some(r, 0, ACTIVATIONS - 1);
    if (block) l.mid = some(r, 0, 2) ? some(r, 1, 40) : l.in.c;
    if (kind == LAYER_MBCONV && some(r, 0, 1)) l.se = some(r, 1, 9);
    if (l.stride == 1 && some(r, 0, 1)) {
        l.out.c = l.in.c;
        l.residual = true;
    }
    return l;
}

START_TEST(layers_of_random_shapes_are_as_defined)
{
    struct rng r;
    rng_seed(&r, 20 + (uint64_t)_i);
    for (int i = 0; i < 200; i++) {
        const struct layer l = random_layer(&r, (enum layer_kind)_i);
        ck_assert_int_eq(layer_validate(&l, NULL), LATHE_OK);
        compare_layer(&l);
    }
}
END_TEST

/* The longest sums there can be, and a tensor of weights that goes round the blob many times. */
START_TEST(sums_of_most_inputs_are_as_defined)
{
    static const char *const texts[] = {
        "linear in=1x1x8192 out=1x1x37",
        "conv2d in=2x2x7999 out=2x2x3 k=1 s=1 act=relu",
        "mbconv in=2x2x4 out=2x2x4 mid=8192 k=3 s=1 act=hswish se=5 res=1",
        "conv2d in=3x3x163 out=3x3x40 k=7 s=1 act=none",
        "mbconv in=1x2x65535 out=1x2x65535 mid=65535 k=1 s=1 act=none",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct layer l = layer_of(texts[i]);
        if (i < 4) compare_layer(&l);
        else ck_assert_ptr_nonnull(board_layer_refusal(&l));
    }
}
END_TEST

/* All layers of a network in one arena, as firmware runs them. @return the CRC of all outputs, chained onto `crc`. */
static uint32_t run_network(const struct layer *layers, int count, uint32_t seed, const int8_t *in, uint32_t crc)
{
    struct fenced f;
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        if (board_layer_arena_bytes(&layers[i]) > bytes) bytes = (size_t)board_layer_arena_bytes(&layers[i]);
    fenced_init(&f, bytes);
    move_in(&f, &layers[0], in, 0x5a);
    for (int i = 0; i < count; i++) {
        struct kernel_layer k;
        kernel_prepare(&k, &layers[i], network_occurrence(layers, i), seed, blob, f.arena);
        kernel_run(&k);
    }
    crc = wire_crc32(crc, f.arena, shape_elements(&layers[count - 1].out));
    fenced_clear(&f, "a network");
    return crc;
}

static void check_case(const struct int8_case *c)
{
    const size_t image = shape_elements(&c->layers[0].in);
    int8_t *in = malloc(image * (size_t)c->batch);
    int8_t *alone = malloc(image);
    uint32_t crc = 0;
    ck_assert(in && alone);
    weights_input_int8(&c->layers[0], c->seed, in, image * (size_t)c->batch);
    kernel_input(&c->layers[0], c->seed, alone);
    ck_assert_mem_eq(alone, in, image);
    for (int i = 0; i < c->batch; i++) crc = run_network(c->layers, c->count, c->seed, in + (size_t)i * image, crc);
    ck_assert_msg(crc == c->output_crc, "%s: output %08x, not %08x", c->name, crc, c->output_crc);
    free(in);
    free(alone);
}

START_TEST(networks_end_in_the_outputs_that_the_page_gives)
{
    each_int8_case(check_case);
}
END_TEST

/* MobileNetV2 of a width multiplier, as published: expand ratio, base channels, blocks, stride. @return layers. */
static int mobilenet_v2(double width, int size, struct layer *out)
{
    static const int stages[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                    {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    struct shape at = {conv_out_size(size, 2), conv_out_size(size, 2), make_divisible(32 * width, 8)};
    int n = 0;
    out[n++] = (struct layer){
        .kind = LAYER_CONV2D, .in = {size, size, 3}, .out = at, .kernel = 3, .stride = 2, .act = ACT_RELU6};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        for (int block = 0; block < stages[i][2]; block++) {
            struct layer l = {
                .kind = LAYER_MBCONV, .in = at, .mid = at.c * stages[i][0], .kernel = 3, .act = ACT_RELU6};
            l.stride = block ? 1 : stages[i][3];
            l.out = (struct shape){conv_out_size(at.h, l.stride), conv_out_size(at.w, l.stride),
                                   make_divisible(stages[i][1] * width, 8)};
            l.residual = l.stride == 1 && l.out.c == at.c;
            at = l.out;
            out[n++] = l;
        }
    }
    const struct shape wide = {at.h, at.w, 1280};
    const struct shape pooled = {1, 1, 1280};
    out[n++] = (struct layer){.kind = LAYER_CONV2D, .in = at, .out = wide, .kernel = 1, .stride = 1, .act = ACT_RELU6};
    out[n++] = (struct layer){.kind = LAYER_AVGPOOL, .in = wide, .out = pooled};
    out[n++] = (struct layer){.kind = LAYER_LINEAR, .in = pooled, .out = {1, 1, 1000}};
    return n;
}

/* What MCUNet's table calls mbv2-w0.35: 23.5M MACs, and a peak of 308 kB on its TinyEngine. */
START_TEST(a_published_network_runs_as_defined_in_less_memory_than_published)
{
    struct layer layers[32];
    uint64_t macs = 0;
    uint64_t peak = 0;
    const int count = mobilenet_v2(0.35, 144, layers);
    for (int i = 0; i < count; i++) {
        macs += layer_macs(&layers[i]);
        if (board_layer_arena_bytes(&layers[i]) > peak) peak = board_layer_arena_bytes(&layers[i]);
    }
    ck_assert_uint_eq(macs / 100000, 235);
    ck_assert_uint_lt(peak, 308000 / 2);
    struct rig *rig = NULL;
    struct rig_build built;
    const struct rig_samples *samples = NULL;
    const struct rig_options o = {.runtime = runtime_find("reference"), .options = {DTYPE_INT8, 1, 1}, .seed = SEED};
    ck_assert_int_eq(rig_open(&o, &rig, NULL), LATHE_OK);
    ck_assert_int_eq(rig_build(rig, 0, layers, count, &built, NULL), LATHE_OK);
    ck_assert_int_eq(rig_run(rig, 0, 0, 1, false, &samples, NULL), LATHE_OK);
    const uint32_t want = wire_crc32(0, samples->output, samples->output_bytes);
    rig_close(rig);
    int8_t *in = malloc(shape_elements(&layers[0].in));
    ck_assert_ptr_nonnull(in);
    kernel_input(&layers[0], SEED, in);
    ck_assert_uint_eq(run_network(layers, count, SEED, in, 0), want);
    free(in);
}
END_TEST

static TCase *kernel_cases(void)
{
    TCase *t = tcase_create("kernels");
    tcase_set_timeout(t, 280);
    tcase_add_unchecked_fixture(t, make_blob, NULL);
    tcase_add_loop_test(t, layers_of_every_kind_are_as_defined, 0, FAMILIES);
    tcase_add_loop_test(t, layers_of_random_shapes_are_as_defined, 0, LAYER_KINDS);
    tcase_add_test(t, sums_of_most_inputs_are_as_defined);
    tcase_add_test(t, networks_end_in_the_outputs_that_the_page_gives);
    tcase_add_test(t, a_published_network_runs_as_defined_in_less_memory_than_published);
    return t;
}

TEST_MAIN("firmware kernels", kernel_cases())
