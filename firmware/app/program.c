/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/app/program.h"

#include "firmware/app/text.h"
#include "firmware/app/visit.h"
#include "firmware/boards/board.h"
#include "firmware/boards/clock.h"
#include "firmware/boards/crash.h"

uint32_t program_image_bytes(void)
{
    return (uint32_t)(image_end - image_start);
}

const char *program_build(void)
{
    static char build[9];
    if (build[0]) return build;
    struct text t = text_into(build, sizeof build);
    text_hex(&t, wire_crc32(0, image_start, program_image_bytes()));
    return build;
}

uint32_t program_boot(uint32_t nonce)
{
    static uint32_t boot;
    static bool known;
    if (known) return boot;
    uint64_t ticks = clock_ticks();
    const uint32_t parts[] = {nonce, crash_starts(), (uint32_t)ticks, (uint32_t)(ticks >> 32),
                              board.entropy ? board.entropy() : 0};
    known = true;
    boot = wire_crc32(0, parts, sizeof parts);
    return boot;
}

static const char *const keys[] = {"runner",   "runtime",    "dtype",       "threads", "batch",
                                   "cpu",      "board",      "core",        "core_hz", "timer",
                                   "timer_hz", "sram_bytes", "flash_bytes", "kernels", "weights"};
enum { LINES = sizeof keys / sizeof keys[0] };

unsigned program_lines(void)
{
    return LINES;
}

static void add_value(struct text *t, unsigned index, const struct wire_open *open)
{
    const struct timer *timer = board.timer();
    switch (index) {
    case 0:
        text_add(t, PROGRAM_NAME " ");
        text_add(t, program_build());
        break;
    case 1:
        text_add(t, "firmware " LATHE_VERSION);
        break;
    case 2:
        text_add(t, "int8");
        break;
    case 3:
        text_number(t, open->threads);
        break;
    case 4:
        text_number(t, open->batch);
        break;
    case 5:
    case 7:
        text_add(t, board.core);
        break;
    case 6:
        text_add(t, board.name);
        break;
    case 8:
        text_number(t, board.core_hz());
        break;
    case 9:
        text_add(t, timer->name);
        break;
    case 10:
        text_number(t, clock_units_hz());
        break;
    case 11:
        text_number(t, board.sram_bytes);
        break;
    case 12:
        text_number(t, board.flash_bytes);
        break;
    case 13:
        text_add(t, visit_kernels());
        break;
    default:
        text_add(t, "flash");
    }
}

bool program_line(unsigned index, const struct wire_open *open, char line[WIRE_LINE_BYTES])
{
    if (index >= LINES) return false;
    struct text t = text_into(line, WIRE_LINE_BYTES);
    text_add(&t, keys[index]);
    text_add(&t, "=");
    add_value(&t, index, open);
    return true;
}

static void copy(char *out, size_t capacity, const char *text)
{
    struct text t = text_into(out, capacity);
    text_add(&t, text);
}

void program_board(struct wire_board_reply *out)
{
    const struct timer *timer = board.timer();
    *out = (struct wire_board_reply){
        .core_hz = board.core_hz(),
        .timer_hz = clock_units_hz(),
        .sram_bytes = board.sram_bytes,
        .flash_bytes = board.flash_bytes,
        .arena_bytes = (uint32_t)(arena_end - arena_start),
        .code_bytes = program_image_bytes(),
        .flags = timer->instructions ? WIRE_BOARD_EMULATED : 0,
    };
    copy(out->board, sizeof out->board, board.name);
    copy(out->core, sizeof out->core, board.core);
    copy(out->timer, sizeof out->timer, timer->name);
    copy(out->fault, sizeof out->fault, crash_text());
}
