/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What kernels take: prints a line for each of cases.c over the UART,
 *   <case> macs <n> <unit> <n> crc <hex>
 * then `end`, and resets. By itself, without the wire protocol. */
#include "agents/wire/frame.h"
#include "firmware/bench/cases.h"
#include "firmware/boards/clock.h"
#include "firmware/kernels/depthwise.h"

int main(void);

static void print(const char *text)
{
    size_t n = 0;
    while (text[n]) n++;
    board.send((const uint8_t *)text, n);
}

static void print_number(uint64_t number, unsigned base, int least)
{
    char digits[24];
    int at = sizeof digits;
    digits[--at] = 0;
    for (int n = 0; number || n < least; n++, number /= base) digits[--at] = "0123456789abcdef"[number % base];
    print(digits + at);
}

static void print_line(const char *name, uint64_t macs, uint64_t units, uint32_t crc)
{
    print(name);
    print(" macs ");
    print_number(macs, 10, 1);
    print(clock_units_hz() ? " cycles " : " instructions ");
    print_number(units, 10, 1);
    print(" crc ");
    print_number(crc, 16, 8);
    print("\n");
}

static void run_case(const struct bench_case *c)
{
    static struct kernel_layer k;
    const struct shape *out = &c->layer.out;
    if (board_layer_arena_bytes(&c->layer) > (uint64_t)(arena_end - arena_start)) {
        print(c->name);
        print(" does not fit\n");
        return;
    }
    kernel_input(&c->layer, BENCH_SEED, arena_start);
    kernel_prepare(&k, &c->layer, 0, BENCH_SEED, kernel_blob, arena_start);
    const uint64_t start = clock_ticks();
    kernel_run(&k);
    const uint64_t units = clock_units(clock_ticks() - start);
    print_line(c->name, layer_macs(&c->layer), units,
               wire_crc32(0, arena_start, (size_t)out->h * (size_t)out->w * (size_t)out->c));
}

/* The depthwise part of a block alone, with what brings rows into planes and takes them out again, over one row of
 * input and output after the other. No CRC: blocks have one. */
static void run_depthwise(const char *name, int kernel, int stride)
{
    enum { SIZE = 20, CHANNELS = 64 };
    const int pad = (kernel - 1) / 2;
    const int out = (SIZE - 1) / stride + 1;
    const struct layer l = {
        LAYER_MBCONV, {SIZE, SIZE, CHANNELS}, {out, out, CHANNELS}, CHANNELS, kernel, stride, ACT_RELU6, 0, false};
    static struct kernel_layer k;
    kernel_prepare(&k, &l, 0, BENCH_SEED, kernel_blob, arena_start);
    const ptrdiff_t plane = SIZE + pad;
    int8_t *row = (int8_t *)arena_start + k.plan.row;
    int8_t *ring = (int8_t *)arena_start + k.plan.ring;
    struct depthwise_row d = {
        .step = &k.steps[TENSOR_DEPTHWISE], .kernel = kernel, .stride = stride, .out = row, .pixels = out};
    uint64_t rows = 0;
    const uint64_t start = clock_ticks();
    for (int y = 0; y < SIZE; y++) {
        int8_t *to = ring + (y % kernel) * (CHANNELS * plane + pad);
        depthwise_spread((int8_t *)arena_start + y * SIZE * CHANNELS, SIZE, CHANNELS, to + pad, plane);
        d.rows[y % kernel] = to;
        d.plane[y % kernel] = plane;
        if (y + 1 < kernel || y % stride != 0) continue;
        depthwise_run(&d);
        rows++;
    }
    const uint64_t units = clock_units(clock_ticks() - start);
    print_line(name, rows * (uint64_t)out * CHANNELS * (uint64_t)(kernel * kernel), units, 0);
}

int main(void)
{
    arch_interrupts_off();
    board.start();
    clock_start();
    print(clock_is_sound() ? "begin\n" : "the emulator does not count instructions\n");
    run_depthwise("depthwise-3", 3, 1);
    run_depthwise("depthwise-5", 5, 1);
    run_depthwise("depthwise-7", 7, 1);
    run_depthwise("depthwise-3-s2", 3, 2);
    for (int i = 0; i < bench_case_count; i++) run_case(&bench_cases[i]);
    print("end\n");
    board.reset();
}
