/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/app/tiny_network.h"

#include "firmware/app/text.h"
#include "firmware/boards/board.h"
#include "lut/layer/board_memory.h"

/* Of MCUNet's kind, small enough for every board: images of 48 x 48, ten classes. */
static const struct wire_layer built_in[] = {
    {.kind = WIRE_CONV2D,
     .act = WIRE_ACT_RELU6,
     .kernel = 3,
     .stride = 2,
     .in_h = 48,
     .in_w = 48,
     .in_c = 3,
     .out_h = 24,
     .out_w = 24,
     .out_c = 16},
    {.kind = WIRE_MBCONV,
     .act = WIRE_ACT_RELU6,
     .kernel = 3,
     .stride = 1,
     .residual = 0,
     .in_h = 24,
     .in_w = 24,
     .in_c = 16,
     .out_h = 24,
     .out_w = 24,
     .out_c = 8,
     .mid = 16},
    {.kind = WIRE_MBCONV,
     .act = WIRE_ACT_RELU6,
     .kernel = 5,
     .stride = 2,
     .residual = 0,
     .in_h = 24,
     .in_w = 24,
     .in_c = 8,
     .out_h = 12,
     .out_w = 12,
     .out_c = 16,
     .mid = 32},
    {.kind = WIRE_MBCONV,
     .act = WIRE_ACT_RELU6,
     .kernel = 3,
     .stride = 1,
     .residual = 1,
     .in_h = 12,
     .in_w = 12,
     .in_c = 16,
     .out_h = 12,
     .out_w = 12,
     .out_c = 16,
     .mid = 64},
    {.kind = WIRE_MBCONV,
     .act = WIRE_ACT_RELU6,
     .kernel = 7,
     .stride = 2,
     .residual = 0,
     .in_h = 12,
     .in_w = 12,
     .in_c = 16,
     .out_h = 6,
     .out_w = 6,
     .out_c = 24,
     .mid = 64},
    {.kind = WIRE_MBCONV,
     .act = WIRE_ACT_RELU6,
     .kernel = 3,
     .stride = 1,
     .residual = 1,
     .in_h = 6,
     .in_w = 6,
     .in_c = 24,
     .out_h = 6,
     .out_w = 6,
     .out_c = 24,
     .mid = 96},
    {.kind = WIRE_MBCONV,
     .act = WIRE_ACT_RELU6,
     .kernel = 5,
     .stride = 2,
     .residual = 0,
     .in_h = 6,
     .in_w = 6,
     .in_c = 24,
     .out_h = 3,
     .out_w = 3,
     .out_c = 48,
     .mid = 96},
    {.kind = WIRE_MBCONV,
     .act = WIRE_ACT_RELU6,
     .kernel = 3,
     .stride = 1,
     .residual = 0,
     .in_h = 3,
     .in_w = 3,
     .in_c = 48,
     .out_h = 3,
     .out_w = 3,
     .out_c = 64,
     .mid = 192},
    {.kind = WIRE_AVGPOOL, .in_h = 3, .in_w = 3, .in_c = 64, .out_h = 1, .out_w = 1, .out_c = 64},
    {.kind = WIRE_LINEAR, .in_h = 1, .in_w = 1, .in_c = 64, .out_h = 1, .out_w = 1, .out_c = 10},
};

static struct {
    struct network of;
    uint32_t bytes, loaded;
} input;

struct network tiny_network(void)
{
    const struct network last = networks_last();
    return last.count ? last : (struct network){built_in, sizeof built_in / sizeof built_in[0]};
}

static uint32_t crc_of(const struct network *n)
{
    uint32_t crc = 0;
    for (int i = 0; i < n->count; i++) {
        uint8_t bytes[WIRE_LAYER_BYTES];
        struct wire_layer layer = n->layers[i];
        struct wire_cursor c = wire_writer(bytes, sizeof bytes);
        wire_layer(&c, &layer);
        crc = wire_crc32(crc, bytes, sizeof bytes);
    }
    return crc;
}

void tiny_network_name(const struct network *n, char *out)
{
    struct text t = text_into(out, 16);
    if (n->layers == built_in) {
        text_add(&t, "lathe-48");
        return;
    }
    text_add(&t, "net-");
    text_hex(&t, crc_of(n));
}

static uint32_t input_bytes(const struct network *n)
{
    return (uint32_t)n->layers[0].in_h * n->layers[0].in_w * n->layers[0].in_c;
}

static uint64_t arena_bytes(const struct network *n)
{
    uint64_t most = 0;
    for (int i = 0; i < n->count; i++) {
        const struct layer layer = network_layer(n, i);
        uint64_t bytes = board_layer_arena_bytes(&layer);
        if (bytes > most) most = bytes;
    }
    return most;
}

void tiny_input_forget(void)
{
    input.of.count = 0;
}

const char *tiny_input_begin(const struct network *n, uint32_t bytes)
{
    tiny_input_forget();
    if (bytes != input_bytes(n)) return "the model's input has another size";
    if (arena_bytes(n) + bytes > (uint64_t)(arena_end - arena_start)) return "no memory for an input beside the model";
    input.of = *n;
    input.bytes = bytes;
    input.loaded = 0;
    return NULL;
}

static int8_t *place(void)
{
    return (int8_t *)arena_end - input.bytes;
}

bool tiny_input_add(int8_t value)
{
    if (!input.of.count || input.loaded == input.bytes) return false;
    place()[input.loaded++] = value;
    return input.loaded == input.bytes;
}

const int8_t *tiny_input(uint32_t *bytes)
{
    *bytes = input.of.count ? input.loaded : 0;
    return place();
}

const int8_t *tiny_input_whole(const struct network *n)
{
    bool whole = input.of.count == n->count && input.of.layers == n->layers && input.loaded == input.bytes;
    return n->count && whole ? place() : NULL;
}
