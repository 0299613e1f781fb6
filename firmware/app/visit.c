/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/app/visit.h"

#include <string.h>

#include "firmware/app/text.h"
#include "firmware/boards/clock.h"
#include "firmware/kernels/execute.h"

/* One run after another: a lap for each layer, then the total's lower and upper half. */
static uint32_t samples[VISIT_SAMPLE_WORDS];
static struct visit now;
static uint64_t aside; /* ticks of inputs and constants, ever */

const char *visit_kernels(void)
{
    return kernel_flavour();
}

void visit_forget(void)
{
    now = (struct visit){0};
}

const struct visit *visit_last(void)
{
    return &now;
}

const uint8_t *visit_output(void)
{
    return arena_start;
}

static uint32_t saturate(uint64_t units)
{
    return units > UINT32_MAX ? UINT32_MAX : (uint32_t)units;
}

static void feed_watchdog(void)
{
    if (board.watchdog_feed) board.watchdog_feed();
}

static void write_input(const struct network *n, uint32_t seed, const int8_t *input)
{
    const struct layer first = network_layer(n, 0);
    if (input) memcpy(arena_start, input, (size_t)first.in.h * (size_t)first.in.w * (size_t)first.in.c);
    else kernel_input(&first, seed, arena_start);
}

/* Write the input and run. @param laps NULL, or one for each layer; more than 32 bits saturate. @return units within
 * layers, each layer's rounded as its lap is. */
static uint64_t run_once(const struct network *n, uint32_t seed, const int8_t *input, uint32_t *laps)
{
    static struct kernel_layer prepared;
    uint64_t total = 0;
    uint64_t inside = 0;
    const uint32_t interrupts = arch_interrupts_off();
    const uint64_t begun = clock_ticks();
    write_input(n, seed, input);
    for (int i = 0; i < n->count; i++) {
        const struct layer layer = network_layer(n, i);
        kernel_prepare(&prepared, &layer, network_occurrence(n, i), seed, kernel_blob, arena_start);
        feed_watchdog();
        const uint64_t start = clock_ticks();
        kernel_run(&prepared);
        const uint64_t ticks = clock_ticks() - start;
        const uint64_t units = clock_units(ticks);
        if (laps) laps[i] = saturate(units);
        total += units;
        inside += ticks;
    }
    aside += clock_ticks() - begun - inside;
    arch_interrupts_restore(interrupts);
    return total;
}

void visit_infer(const struct network *n, uint32_t seed, const int8_t *input)
{
    visit_forget();
    run_once(n, seed, input, NULL);
    now.output_bytes = network_output_bytes(n);
}

uint64_t visit_clock_us(void)
{
    return clock_us(clock_ticks() - aside);
}

static bool refuse(struct refusal *r, enum wire_error_code code, uint64_t detail, const char *a, const char *b)
{
    r->code = code;
    r->detail = detail;
    struct text t = text_into(r->text, sizeof r->text);
    text_add(&t, a);
    text_add(&t, b);
    return false;
}

static bool check(const struct network *n, const struct wire_run *m, int layers, struct refusal *r)
{
    if (m->flags & ~WIRE_RUN_PER_LAYER)
        return refuse(r, WIRE_E_UNSUPPORTED, 0, "RUN has a flag that this runner does not know", "");
    if (m->runs < 1 || m->runs > VISIT_RUNS_MAX || m->warmup > VISIT_RUNS_MAX)
        return refuse(r, WIRE_E_INVALID, 0, "runs must be 1 to 10000, warm-up runs 0 to 10000", "");
    if (!n->count) return refuse(r, WIRE_E_NOT_FOUND, 0, "the network was not built", "");
    const uint64_t words = (uint64_t)m->runs * (uint64_t)(layers + 2);
    if (words > VISIT_SAMPLE_WORDS)
        return refuse(r, WIRE_E_NO_MEMORY, words * sizeof samples[0],
                      "no room for the samples of so many runs: ask for fewer", "");
    if (!clock_is_sound())
        return refuse(r, WIRE_E_FAILED, 0, "the emulator does not count instructions: start it with ",
                      board.timer()->emulator_option);
    return true;
}

bool visit(const struct network *n, uint32_t seed, const struct wire_run *m, struct refusal *r)
{
    const int layers = m->flags & WIRE_RUN_PER_LAYER ? n->count : 0;
    visit_forget();
    if (!check(n, m, layers, r)) return false;
    uint64_t start = clock_ticks();
    for (int run = 0; run < m->warmup; run++) run_once(n, seed, NULL, NULL);
    uint32_t *at = samples;
    for (int run = 0; run < m->runs; run++) {
        uint64_t total = run_once(n, seed, NULL, layers ? at : NULL);
        at += layers;
        *at++ = (uint32_t)total;
        *at++ = (uint32_t)(total >> 32);
    }
    now = (struct visit){.runs = m->runs, .layers = layers, .elapsed = clock_units(clock_ticks() - start)};
    now.output_bytes = network_output_bytes(n);
    now.output_crc = wire_crc32(0, arena_start, now.output_bytes);
    return true;
}

struct wire_record visit_record(uint32_t index)
{
    const uint32_t layers = (uint32_t)now.layers;
    const uint32_t *run = &samples[index / (layers + 1) * (layers + 2)];
    const uint32_t at = index % (layers + 1);
    if (at < layers) return (struct wire_record){.wall = run[at]};
    return (struct wire_record){.wall = run[layers] | (uint64_t)run[layers + 1] << 32};
}
