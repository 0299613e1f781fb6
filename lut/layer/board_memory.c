/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/layer/board_memory.h"

static uint64_t align(uint64_t bytes)
{
    return (bytes + BOARD_ALIGN_BYTES - 1) / BOARD_ALIGN_BYTES * BOARD_ALIGN_BYTES;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t row_bytes(const struct shape *s)
{
    return (uint64_t)s->w * (uint64_t)s->c;
}

static uint64_t image_bytes(const struct shape *s)
{
    return (uint64_t)s->h * row_bytes(s);
}

static int pad_of(const struct layer *l)
{
    return (l->kernel - 1) / 2;
}

/* A tensor that is read row by row while another is written: output row y may be written when the first
 * y * stride + ahead rows of the input are read for the last time. */
struct stream {
    struct shape in, out;
    int stride, ahead;
};

/* How far the input must begin behind the output for row y: rows up to it end where what is still needed begins. */
static int64_t lead_at(const struct stream *s, int y)
{
    int64_t read = (int64_t)y * s->stride + s->ahead;
    if (read < 0) read = 0;
    return (y + 1) * (int64_t)row_bytes(&s->out) - read * (int64_t)row_bytes(&s->in);
}

/* The same for all rows but those that are written when all of the input is read. As y grows, the lead does while no
 * row is given up, then changes evenly: it is greatest where the first stretch ends, where the second begins, or in the
 * last row. */
static int64_t lead_of(const struct stream *s)
{
    int needing = s->in.h - 1 - s->ahead;
    if (needing < 0) return INT64_MIN / 2;
    int last = needing / s->stride < s->out.h ? needing / s->stride : s->out.h - 1;
    int kink = s->ahead < 0 ? -s->ahead / s->stride : 0;
    int64_t most = lead_at(s, last);
    for (int y = kink; y <= kink + 1 && y < last; y++)
        if (lead_at(s, y) > most) most = lead_at(s, y);
    return most;
}

/* Where a stream's input begins when its output begins at `out`. */
static uint64_t behind(uint64_t out, const struct stream *s)
{
    int64_t lead = (int64_t)out + lead_of(s);
    return lead > 0 ? align((uint64_t)lead) : 0;
}

static int tables_of(const struct layer *l)
{
    bool curved = l->act == ACT_HSWISH || l->act == ACT_SWISH;
    /* mbconv: of its tensors and of squeeze; of the gate where that is no hard sigmoid. bottleneck: inside, and after
     * the sum. */
    if (l->kind == LAYER_BOTTLENECK) return curved ? 2 : 0;
    if (l->kind == LAYER_MBCONV && l->se && l->act == ACT_SWISH) return 2;
    return curved ? 1 : 0;
}

static uint64_t take(struct board_plan *p, uint64_t bytes)
{
    uint64_t at = p->bytes;
    p->bytes = align(at + bytes);
    return at;
}

static void take_constants(struct board_plan *p, const struct layer *l)
{
    p->channels = take(p, layer_biases(l) * BOARD_CHANNEL_BYTES);
    p->tables = take(p, (uint64_t)tables_of(l) * BOARD_TABLE_BYTES);
}

/* Inputs of as many pixels as int16. */
static void take_columns(struct board_plan *p, uint64_t inputs, uint64_t pixels)
{
    p->columns = take(p, (inputs + 3) / 4 * 4 * 2 * pixels);
}

static void take_window(struct board_plan *p, const struct layer *l, int channels, uint64_t fan_in_beside)
{
    uint64_t inputs = (uint64_t)l->kernel * (uint64_t)l->kernel * (uint64_t)channels;
    p->patch = take(p, l->kernel > 1 ? inputs : 0);
    take_columns(p, max_u64(inputs, fan_in_beside), 2);
}

static void plan_conv2d(const struct layer *l, struct board_plan *p)
{
    const struct stream s = {l->in, l->out, l->stride, -pad_of(l)};
    p->in = behind(0, &s);
    take(p, max_u64(p->in + image_bytes(&l->in), image_bytes(&l->out)));
    take_constants(p, l);
    take_window(p, l, l->in.c, 0);
}

static void plan_maxpool(const struct layer *l, struct board_plan *p)
{
    const struct stream s = {l->in, l->out, l->stride, -pad_of(l)};
    p->in = behind(0, &s);
    take(p, max_u64(p->in + image_bytes(&l->in), image_bytes(&l->out)));
    take_constants(p, l);
}

/* The averages are made in scratch and then replace the image. */
static void plan_avgpool(const struct layer *l, struct board_plan *p)
{
    take(p, image_bytes(&l->in));
    take_constants(p, l);
    p->row = take(p, (uint64_t)l->out.c);
}

/* All inputs are in the column before an output is written. */
static void plan_linear(const struct layer *l, struct board_plan *p)
{
    take(p, max_u64((uint64_t)l->in.c, (uint64_t)l->out.c));
    take_constants(p, l);
    take_columns(p, (uint64_t)l->in.c, 1);
}

/* Tensors of a mbconv with squeeze-excite: all of the depthwise output is there before the projection begins. */
static void place_wide(const struct layer *l, const struct shape *wide, struct board_plan *p)
{
    const struct stream projection = {*wide, l->out, 1, 0};
    const struct stream filter = {l->in, *wide, l->stride, pad_of(l) + 1};
    if (l->residual) {
        take(p, image_bytes(&l->in));
        p->wide = take(p, image_bytes(wide));
        return;
    }
    p->wide = behind(0, &projection);
    p->in = behind(p->wide, &filter);
    uint64_t end = max_u64(p->in + image_bytes(&l->in), p->wide + image_bytes(wide));
    take(p, max_u64(end, image_bytes(&l->out)));
}

static uint64_t ring_rows(const struct layer *l)
{
    return (uint64_t)(l->kernel < l->in.h ? l->kernel : l->in.h);
}

static void plan_mbconv(const struct layer *l, struct board_plan *p)
{
    const struct shape wide = {l->out.h, l->out.w, l->mid};
    const struct stream s = {l->in, l->out, l->stride, pad_of(l) + 1};
    const uint64_t mid = (uint64_t)l->mid;
    const uint64_t pad = (uint64_t)pad_of(l);
    const uint64_t padded = (uint64_t)l->in.w + pad;
    if (l->se) {
        place_wide(l, &wide, p);
    } else {
        p->in = l->residual ? 0 : behind(0, &s);
        take(p, max_u64(p->in + image_bytes(&l->in), image_bytes(&l->out)));
    }
    take_constants(p, l);
    p->ring = take(p, ring_rows(l) * (mid * padded + pad) + padded + pad + 4);
    p->row = take(p, l->se ? 0 : row_bytes(&wide));
    p->sum = take(p, l->residual ? row_bytes(&l->out) : 0);
    p->pooled = take(p, l->se ? 2 * mid + (uint64_t)l->se : 0);
    take_columns(p, max_u64(max_u64(mid, (uint64_t)l->se), l->mid != l->in.c ? (uint64_t)l->in.c : 0), 2);
}

static void plan_bottleneck(const struct layer *l, struct board_plan *p)
{
    const int pad = pad_of(l);
    const bool pools = !l->residual && l->stride > 1;
    /* The shortcut reads stride rows from y * stride on, the expansion those up to y * stride + pad. */
    const struct stream s = {l->in, l->out, l->stride, pad + 1 < l->stride ? pad + 1 : l->stride};
    p->in = l->residual ? 0 : behind(0, &s);
    take(p, max_u64(p->in + image_bytes(&l->in), image_bytes(&l->out)));
    take_constants(p, l);
    p->ring = take(p, ring_rows(l) * (uint64_t)l->in.w * (uint64_t)l->mid);
    p->row = take(p, (uint64_t)l->out.w * (uint64_t)l->mid);
    p->sum = take(p, row_bytes(&l->out));
    p->pooled = take(p, pools ? (uint64_t)l->out.w * (uint64_t)l->in.c : 0);
    take_window(p, l, l->mid, (uint64_t)l->in.c);
}

void board_plan_layer(const struct layer *l, struct board_plan *out)
{
    *out = (struct board_plan){0};
    switch (l->kind) {
    case LAYER_CONV2D:
        plan_conv2d(l, out);
        break;
    case LAYER_MBCONV:
        plan_mbconv(l, out);
        break;
    case LAYER_BOTTLENECK:
        plan_bottleneck(l, out);
        break;
    case LAYER_MAXPOOL:
        plan_maxpool(l, out);
        break;
    case LAYER_AVGPOOL:
        plan_avgpool(l, out);
        break;
    case LAYER_LINEAR:
        plan_linear(l, out);
        break;
    case LAYER_KINDS:
        break;
    }
}

/* Inputs of the longest sum. */
static uint64_t fan_in(const struct layer *l)
{
    const uint64_t window = (uint64_t)l->kernel * (uint64_t)l->kernel;
    const uint64_t in = (uint64_t)l->in.c;
    const uint64_t mid = (uint64_t)l->mid;
    if (l->kind == LAYER_CONV2D) return window * in;
    if (l->kind == LAYER_MBCONV) return max_u64(in, max_u64(mid, (uint64_t)l->se));
    if (l->kind == LAYER_BOTTLENECK) return max_u64(in, window * mid);
    return l->kind == LAYER_LINEAR ? in : 0;
}

const char *board_layer_refusal(const struct layer *l)
{
    const bool averages = l->kind == LAYER_AVGPOOL || l->se;
    const struct shape *averaged = l->kind == LAYER_AVGPOOL ? &l->in : &l->out;
    if (fan_in(l) > BOARD_FAN_IN_MAX) return "the firmware's sums have at most 8192 inputs each";
    if (averages && (uint64_t)averaged->h * (uint64_t)averaged->w > BOARD_PIXELS_MAX)
        return "the firmware averages at most 8388608 pixels";
    return NULL;
}

uint64_t board_layer_arena_bytes(const struct layer *l)
{
    struct board_plan p;
    board_plan_layer(l, &p);
    return p.bytes;
}

uint64_t board_layer_constant_bytes(const struct layer *l)
{
    return layer_biases(l) * BOARD_CHANNEL_BYTES + (uint64_t)tables_of(l) * BOARD_TABLE_BYTES;
}

uint64_t board_layer_flash_bytes(const struct layer *l)
{
    return layer_params(l) - layer_biases(l) + board_layer_constant_bytes(l);
}
