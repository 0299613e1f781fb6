/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* MACs, parameters and activations, against figures worked out by hand, published networks and a simulation. */
#include <math.h>
#include <stdio.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "lut/layer/layer.h"

static struct layer parse(const char *text)
{
    struct layer l;
    struct lathe_error err = {0};
    ck_assert_msg(layer_parse(text, &l, &err) == LATHE_OK, "%s: %s", text, err.message);
    return l;
}

START_TEST(costs_are_those_worked_out_by_hand)
{
    static const struct {
        const char *text;
        uint64_t macs, se_macs, params, bytes_f32, bytes_int8;
    } known[] = {
        /* 9*3*24 weights, 80*80 places; 24 biases */
        {"conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish", 4147200, 0, 672, 2688, 744},
        /* 80*80*24*72 + 40*40*(25*72 + 72*32); 1728+1800+2304 weights, 72+72+32 biases */
        {"mbconv in=80x80x24 out=40x40x32 mid=72 k=5 s=2 act=relu", 17625600, 0, 6008, 24032, 6536},
        /* 400*(48*144 + 9*144 + 144*48) + 2*144*40; biases 144+144+48 and 40+144 */
        {"mbconv in=20x20x48 out=20x20x48 mid=144 k=3 s=1 act=relu se=40 res=1", 6059520, 11520, 27160, 108640, 28720},
        /* no expansion: 6400*(9*24 + 24*24); biases 24+24 */
        {"mbconv in=80x80x24 out=80x80x24 mid=24 k=3 s=1 act=relu res=1", 5068800, 0, 840, 3360, 984},
        /* 3136*256*128 + 784*(9*128*128 + 128*512 + 256*512); 376832 weights, biases 2*128 + 2*512 */
        {"bottleneck in=56x56x256 out=28x28x512 mid=128 k=3 s=2 act=relu", 372506624, 0, 378112, 1512448, 381952},
        /* 784*(2*512*128 + 9*128*128); biases 2*128 + 512 */
        {"bottleneck in=28x28x512 out=28x28x512 mid=128 k=3 s=1 act=relu res=1", 218365952, 0, 279296, 1117184, 281600},
        {"conv2d in=112x112x32 out=112x112x32 k=3 s=1 act=relu res=1", 115605504, 0, 9248, 36992, 9344},
        {"maxpool in=112x112x64 out=56x56x64 k=3 s=2", 0, 0, 0, 0, 0},
        {"avgpool in=5x5x1152 out=1x1x1152", 0, 0, 0, 0, 0},
        {"linear in=1x1x1536 out=1x1x1000", 1536000, 0, 1537000, 6148000, 1540000},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct layer l = parse(known[i].text);
        ck_assert_uint_eq(layer_macs(&l), known[i].macs);
        ck_assert_uint_eq(layer_se_macs(&l), known[i].se_macs);
        ck_assert_uint_eq(layer_params(&l), known[i].params);
        ck_assert_uint_eq(layer_weight_bytes(&l, DTYPE_F32), known[i].bytes_f32);
        ck_assert_uint_eq(layer_weight_bytes(&l, DTYPE_INT8), known[i].bytes_int8);
    }
}
END_TEST

/* A network of inverted residuals as papers print it: one line a block. */
struct block {
    int kernel, mid, out, se, act, stride;
};

static struct layer block_layer(const struct block *b, struct shape *at)
{
    struct layer l = {.kind = LAYER_MBCONV,
                      .in = *at,
                      .out = {conv_out_size(at->h, b->stride), conv_out_size(at->w, b->stride), b->out},
                      .mid = b->mid,
                      .kernel = b->kernel,
                      .stride = b->stride,
                      .act = (enum activation)b->act,
                      .se = b->se,
                      .residual = b->stride == 1 && at->c == b->out};
    *at = l.out;
    return l;
}

struct cost {
    uint64_t macs, params;
};

static void add(struct cost *sum, const struct layer *l)
{
    struct lathe_error err = {0};
    ck_assert_msg(layer_validate(l, &err) == LATHE_OK, "%s", err.message);
    sum->macs += layer_macs(l);
    sum->params += layer_params(l);
}

/* Stem to 112x112, blocks, a 1x1 convolution to `mix`, pool, optionally a wide 1x1, linear to 1000. */
static struct cost network_cost(int stem, enum activation act, const struct block *blocks, int n, int mix, int wide)
{
    struct cost sum = {0};
    struct shape at = {112, 112, stem};
    struct layer l = {.kind = LAYER_CONV2D, .in = {224, 224, 3}, .out = at, .kernel = 3, .stride = 2, .act = act};
    add(&sum, &l);
    for (int i = 0; i < n; i++) {
        l = block_layer(&blocks[i], &at);
        add(&sum, &l);
    }
    l = (struct layer){.kind = LAYER_CONV2D, .in = at, .out = {at.h, at.w, mix}, .kernel = 1, .stride = 1, .act = act};
    add(&sum, &l);
    l = (struct layer){.kind = LAYER_AVGPOOL, .in = l.out, .out = {1, 1, mix}};
    add(&sum, &l);
    if (wide) {
        l = (struct layer){
            .kind = LAYER_CONV2D, .in = l.out, .out = {1, 1, wide}, .kernel = 1, .stride = 1, .act = act};
        add(&sum, &l);
    }
    l = (struct layer){.kind = LAYER_LINEAR, .in = l.out, .out = {1, 1, 1000}};
    add(&sum, &l);
    return sum;
}

/* Table 1 of "Searching for MobileNetV3": 219 M multiply-adds, 5.4 M parameters. */
START_TEST(mobilenet_v3_large_costs_what_its_paper_says)
{
    enum { RE = ACT_RELU, HS = ACT_HSWISH };
    static const struct block blocks[] = {
        {3, 16, 16, 0, RE, 1},     {3, 64, 24, 0, RE, 2},     {3, 72, 24, 0, RE, 1},     {5, 72, 40, 24, RE, 2},
        {5, 120, 40, 32, RE, 1},   {5, 120, 40, 32, RE, 1},   {3, 240, 80, 0, HS, 2},    {3, 200, 80, 0, HS, 1},
        {3, 184, 80, 0, HS, 1},    {3, 184, 80, 0, HS, 1},    {3, 480, 112, 120, HS, 1}, {3, 672, 112, 168, HS, 1},
        {5, 672, 160, 168, HS, 2}, {5, 960, 160, 240, HS, 1}, {5, 960, 160, 240, HS, 1}};
    struct cost cost = network_cost(16, ACT_HSWISH, blocks, 15, 960, 1280);
    ck_assert_double_eq_tol((double)cost.macs / 1e6, 219, 3.5);
    ck_assert_double_eq_tol((double)cost.params / 1e6, 5.4, 0.1);
}
END_TEST

/* "MobileNetV2": 300 M multiply-adds, 3.4 M parameters. The blocks repeat, so they are made from its table. */
START_TEST(mobilenet_v2_costs_what_its_paper_says)
{
    static const int rows[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                  {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    struct block blocks[17];
    int n = 0;
    int in = 32;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int j = 0; j < rows[i][2]; j++) {
            blocks[n++] = (struct block){3, in * rows[i][0], rows[i][1], 0, ACT_RELU6, j ? 1 : rows[i][3]};
            in = rows[i][1];
        }
    ck_assert_int_eq(n, 17);
    struct cost cost = network_cost(32, ACT_RELU6, blocks, n, 1280, 0);
    ck_assert_double_eq_tol((double)cost.macs / 1e6, 300, 2);
    ck_assert_double_eq_tol((double)cost.params / 1e6, 3.4, 0.1);
}
END_TEST

/* Tensors of a layer and the operations on them, run one by one: what is read for the last time dies after its
 * operation. An element-wise operation writes into its first input. */
struct simulation {
    uint64_t size[8];
    int last_use[8];
    int tensors;
    struct {
        int read[2], made; /* -1: none */
    } ops[8];
    int op_count;
};

static int tensor(struct simulation *s, uint64_t elements)
{
    s->size[s->tensors] = elements;
    s->last_use[s->tensors] = -1;
    return s->tensors++;
}

/* @param elements of what is made; 0: in place. @return the tensor that holds the result. */
static int op(struct simulation *s, int a, int b, uint64_t elements)
{
    int made = elements ? tensor(s, elements) : -1;
    s->ops[s->op_count].read[0] = a;
    s->ops[s->op_count].read[1] = b;
    s->ops[s->op_count].made = made;
    s->last_use[a] = s->op_count;
    if (b >= 0) s->last_use[b] = s->op_count;
    s->op_count++;
    return made >= 0 ? made : a;
}

static uint64_t run(struct simulation *s, int result)
{
    uint64_t peak = 0;
    s->last_use[result] = s->op_count;
    for (int i = 0; i < s->op_count; i++) {
        uint64_t alive = 0;
        for (int t = 0; t < s->tensors; t++) {
            int born = -1; /* the layer's input */
            for (int j = 0; j < s->op_count; j++)
                if (s->ops[j].made == t) born = j;
            if (born <= i && s->last_use[t] >= i) alive += s->size[t];
        }
        if (alive > peak) peak = alive;
    }
    return peak;
}

static uint64_t simulate(const struct layer *l)
{
    struct simulation s = {0};
    uint64_t in_area = (uint64_t)l->in.h * (uint64_t)l->in.w;
    uint64_t out_area = (uint64_t)l->out.h * (uint64_t)l->out.w;
    int in = tensor(&s, in_area * (uint64_t)l->in.c);
    int x = in;
    uint64_t mid = (uint64_t)l->mid;
    uint64_t out = out_area * (uint64_t)l->out.c;
    if (l->kind == LAYER_BOTTLENECK) {
        x = op(&s, op(&s, op(&s, x, -1, in_area * mid), -1, out_area * mid), -1, out);
        int shortcut = in;
        if (l->stride > 1) shortcut = op(&s, in, -1, out_area * (uint64_t)l->in.c);
        if (!l->residual) shortcut = op(&s, shortcut, -1, out);
        return run(&s, op(&s, x, shortcut, 0));
    }
    if (l->kind != LAYER_MBCONV) return run(&s, op(&s, x, -1, out));
    if (l->mid != l->in.c) x = op(&s, x, -1, in_area * mid);
    x = op(&s, x, -1, out_area * mid);
    if (l->se) {
        int pooled = op(&s, x, -1, mid);
        int squeezed = op(&s, pooled, -1, (uint64_t)l->se);
        x = op(&s, x, op(&s, squeezed, -1, mid), 0);
    }
    x = op(&s, x, -1, out);
    if (l->residual) x = op(&s, x, in, 0);
    return run(&s, x);
}

START_TEST(peak_activation_is_what_a_simulation_of_the_operations_finds)
{
    struct rng rng;
    rng_seed(&rng, 5);
    for (int i = 0; i < 40000; i++) {
        struct layer l = {.kind = i % 2 ? LAYER_BOTTLENECK : LAYER_MBCONV, .kernel = 3, .act = ACT_RELU};
        l.in = (struct shape){1 + (int)rng_below(&rng, 40), 1 + (int)rng_below(&rng, 40), 1 + (int)rng_below(&rng, 64)};
        l.stride = 1 + (int)rng_below(&rng, 2);
        l.out = (struct shape){conv_out_size(l.in.h, l.stride), conv_out_size(l.in.w, l.stride),
                               1 + (int)rng_below(&rng, 64)};
        l.mid = rng_below(&rng, 3) ? l.in.c * (1 + (int)rng_below(&rng, 6)) : 1 + (int)rng_below(&rng, 64);
        l.se = l.kind == LAYER_MBCONV && rng_below(&rng, 2) ? 1 + (int)rng_below(&rng, 500) : 0;
        l.residual = l.stride == 1 && rng_below(&rng, 2);
        if (l.residual) l.out.c = l.in.c;
        uint64_t expected = simulate(&l);
        char name[LAYER_TEXT_BYTES];
        layer_print(&l, name);
        ck_assert_msg(layer_peak_activation_bytes(&l, DTYPE_INT8) == expected, "%s: %llu instead of %llu", name,
                      (unsigned long long)layer_peak_activation_bytes(&l, DTYPE_INT8), (unsigned long long)expected);
        ck_assert_uint_eq(layer_peak_activation_bytes(&l, DTYPE_F32), 4 * expected);
    }
}
END_TEST

START_TEST(layers_of_one_operation_need_their_input_and_output)
{
    static const char *const texts[] = {"conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish",
                                        "avgpool in=5x5x1152 out=1x1x1152", "linear in=1x1x1536 out=1x1x1000",
                                        "maxpool in=9x8x7 out=5x4x7 k=3 s=2",
                                        "conv2d in=9x8x7 out=9x8x7 k=3 s=1 act=relu res=1"};
    static const uint64_t elements[] = {160 * 160 * 3 + 80 * 80 * 24, 26 * 1152, 2536, 92 * 7, 2 * 72 * 7};
    for (int i = 0; i < 5; i++) {
        struct layer l = parse(texts[i]);
        ck_assert_uint_eq(layer_io_bytes(&l, DTYPE_INT8), elements[i]);
        ck_assert_uint_eq(layer_io_bytes(&l, DTYPE_F32), 4 * elements[i]);
        ck_assert_uint_eq(layer_peak_activation_bytes(&l, DTYPE_INT8), elements[i]);
    }
}
END_TEST

static TCase *cost(void)
{
    TCase *c = tcase_create("cost");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, costs_are_those_worked_out_by_hand);
    tcase_add_test(c, mobilenet_v3_large_costs_what_its_paper_says);
    tcase_add_test(c, mobilenet_v2_costs_what_its_paper_says);
    tcase_add_test(c, peak_activation_is_what_a_simulation_of_the_operations_finds);
    tcase_add_test(c, layers_of_one_operation_need_their_input_and_output);
    return c;
}

TEST_MAIN("layer_cost", cost())
