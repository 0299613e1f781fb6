/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The plan against a brute-force count of what is alive when. That layers really run in it, and in no byte more, is
 * tests/conformance/firmware_kernels.c. */
#include <stdio.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "lut/layer/board_memory.h"

static struct layer layer_of(const char *text)
{
    struct layer layer;
    struct lathe_error err = {0};
    ck_assert_msg(layer_parse(text, &layer, &err) == LATHE_OK, "%s", err.message);
    return layer;
}

static struct board_plan plan_of(const char *text)
{
    struct board_plan p;
    const struct layer l = layer_of(text);
    board_plan_layer(&l, &p);
    return p;
}

/* Rows of the input that no output row from y on reads any more, once row y has been computed but not written. */
static int rows_read(const struct layer *l, int y)
{
    const int pad = (l->kernel - 1) / 2;
    int rows = 0;
    if (l->kind == LAYER_MBCONV) rows = y * l->stride + pad + 1; /* expanded, and in the ring from then on */
    else if (l->kind == LAYER_BOTTLENECK)
        for (rows = 0; rows <= y * l->stride + pad && rows < (y + 1) * l->stride;) rows++; /* the shortcut reads, too */
    else
        for (rows = 0; rows < y * l->stride - pad;) rows++; /* read while the row is written */
    return rows > l->in.h ? l->in.h : rows;
}

/* The least distance, in words, at which no output row is written over a byte that is still to be read. */
static uint64_t least_distance(const struct layer *l)
{
    const uint64_t in_row = (uint64_t)l->in.w * (uint64_t)l->in.c;
    const uint64_t out_row = (uint64_t)l->out.w * (uint64_t)l->out.c;
    for (uint64_t in = 0;; in += BOARD_ALIGN_BYTES) {
        bool good = true;
        for (int y = 0; y < l->out.h && good; y++) {
            const uint64_t first_needed = in + (uint64_t)rows_read(l, y) * in_row;
            if (rows_read(l, y) < l->in.h && (uint64_t)(y + 1) * out_row > first_needed) good = false;
        }
        if (good) return in;
    }
}

static int some(struct rng *r, int least, int most)
{
    return least + (int)rng_below(r, (uint32_t)(most - least + 1));
}

static struct layer random_window(struct rng *r)
{
    static const enum layer_kind kinds[] = {LAYER_CONV2D, LAYER_MBCONV, LAYER_BOTTLENECK, LAYER_MAXPOOL};
    struct layer l = {.kind = kinds[some(r, 0, 3)], .in = {some(r, 1, 20), some(r, 1, 9), some(r, 1, 13)}};
    l.kernel = 3 + 2 * some(r, l.kind == LAYER_MAXPOOL ? 0 : -1, 4);
    l.stride = some(r, 1, l.kind == LAYER_MAXPOOL ? 3 : 4);
    l.out = (struct shape){conv_out_size(l.in.h, l.stride), conv_out_size(l.in.w, l.stride), some(r, 1, 40)};
    if (l.kind == LAYER_MAXPOOL) l.out.c = l.in.c;
    if (l.kind == LAYER_MBCONV || l.kind == LAYER_BOTTLENECK) l.mid = some(r, 1, 30);
    return l;
}

START_TEST(the_input_is_moved_by_the_least_distance_that_spares_unread_rows)
{
    struct rng r;
    int moved = 0;
    rng_seed(&r, 11);
    for (int i = 0; i < 20000; i++) {
        const struct layer l = random_window(&r);
        char text[LAYER_TEXT_BYTES];
        struct board_plan p;
        struct lathe_error err = {0};
        layer_print(&l, text);
        ck_assert_msg(layer_validate(&l, &err) == LATHE_OK, "%s: %s", text, err.message);
        board_plan_layer(&l, &p);
        if (p.in != least_distance(&l)) ck_abort_msg("moved by %d in %s", (int)p.in, text);
        moved += p.in > 0;
    }
    ck_assert_int_gt(moved, 5000);
}
END_TEST

/* Sizes counted by hand. */
START_TEST(plans_are_what_is_counted_by_hand)
{
    /* 40 + 36 inputs, 1 output row of 16 ahead of them; constants; 27 + 1 taps, widened for two pixels. */
    struct board_plan p = plan_of("conv2d in=4x4x3 out=4x4x4 k=3 s=1 act=none");
    ck_assert_uint_eq(p.in, 64 - 2 * 12); /* when row 3 is written, rows 2 and 3 are needed */
    ck_assert_uint_eq(p.channels, 40 + 48);
    ck_assert_uint_eq(p.patch, p.channels + 4 * 8);
    ck_assert_uint_eq(p.columns, p.patch + 28);
    ck_assert_uint_eq(p.bytes, p.columns + 28 * 2 * 2);
    /* In place; 3 rows of 8 x (6 + 1) and a pad, a row of 8 outside, 4 to spare: 183; then rows of 48 and 24. */
    p = plan_of("mbconv in=6x6x4 out=6x6x4 mid=8 k=3 s=1 act=hswish res=1");
    ck_assert_uint_eq(p.in, 0);
    ck_assert_uint_eq(p.channels, 144);
    ck_assert_uint_eq(p.tables, 144 + 20 * 8);
    ck_assert_uint_eq(p.ring, p.tables + 256);
    ck_assert_uint_eq(p.row, p.ring + 184);
    ck_assert_uint_eq(p.sum, p.row + 48);
    ck_assert_uint_eq(p.columns, p.sum + 24);
    ck_assert_uint_eq(p.bytes, p.columns + 8 * 2 * 2);
    /* A column of inputs and the outputs over the inputs. */
    ck_assert_uint_eq(plan_of("linear in=1x1x6 out=1x1x3").bytes, 8 + 3 * 8 + 8 * 2);
    ck_assert_uint_eq(plan_of("avgpool in=3x3x5 out=1x1x5").bytes, 48 + 8);
}
END_TEST

START_TEST(flash_is_weights_and_constants_of_channels)
{
    const struct layer l = layer_of("mbconv in=6x6x4 out=6x6x4 mid=8 k=3 s=1 act=hswish res=1");
    ck_assert_uint_eq(board_layer_constant_bytes(&l), 20 * 8 + 256);
    ck_assert_uint_eq(board_layer_flash_bytes(&l), 4 * 8 + 9 * 8 + 8 * 4 + 20 * 8 + 256);
}
END_TEST

START_TEST(what_the_kernels_cannot_sum_is_refused)
{
    const struct layer most = layer_of("linear in=1x1x8192 out=1x1x3");
    const struct layer more = layer_of("linear in=1x1x8193 out=1x1x3");
    const struct layer wide = layer_of("conv2d in=9x9x911 out=9x9x3 k=3 s=1 act=none");
    const struct layer large = layer_of("avgpool in=2897x2897x3 out=1x1x3");
    ck_assert_ptr_null(board_layer_refusal(&most));
    ck_assert_ptr_nonnull(board_layer_refusal(&more));
    ck_assert_ptr_nonnull(board_layer_refusal(&wide));
    ck_assert_ptr_nonnull(board_layer_refusal(&large));
}
END_TEST

/* The expanded tensor beside the input is never whole. */
START_TEST(a_wide_block_takes_rows_of_its_expanded_tensor)
{
    const struct layer l = layer_of("mbconv in=72x72x8 out=36x36x8 mid=48 k=3 s=2 act=relu6");
    const uint64_t expanded = 72 * 72 * 48;
    ck_assert_uint_gt(layer_peak_activation_bytes(&l, DTYPE_INT8), expanded);
    ck_assert_uint_lt(board_layer_arena_bytes(&l), expanded / 3);
}
END_TEST

static TCase *memory_cases(void)
{
    TCase *t = tcase_create("board memory");
    tcase_add_test(t, the_input_is_moved_by_the_least_distance_that_spares_unread_rows);
    tcase_add_test(t, plans_are_what_is_counted_by_hand);
    tcase_add_test(t, flash_is_weights_and_constants_of_channels);
    tcase_add_test(t, what_the_kernels_cannot_sum_is_refused);
    tcase_add_test(t, a_wide_block_takes_rows_of_its_expanded_tensor);
    return t;
}

TEST_MAIN("board memory", memory_cases())
