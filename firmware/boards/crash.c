/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/boards/crash.h"

#include <string.h>

#include "agents/wire/frame.h"
#include "firmware/app/text.h"

/* RAM after a power-up is anything: the CRC says whether this was written. */
struct memory {
    uint32_t starts;
    char text[CRASH_TEXT_BYTES];
    uint32_t crc;
};

static struct memory kept __attribute__((section(".noinit")));
static char last[CRASH_TEXT_BYTES];

static uint32_t crc_of_kept(void)
{
    return wire_crc32(0, &kept, offsetof(struct memory, crc));
}

static void write_kept(uint32_t starts, const char *text)
{
    memset(&kept, 0, sizeof kept);
    kept.starts = starts;
    struct text t = text_into(kept.text, sizeof kept.text);
    text_add(&t, text);
    kept.crc = crc_of_kept();
}

void crash_record(const char *cause, uint32_t pc, uint32_t lr, const char *detail_name, uint32_t detail)
{
    char text[CRASH_TEXT_BYTES];
    struct text t = text_into(text, sizeof text);
    text_add(&t, cause);
    text_add(&t, " at ");
    text_hex(&t, pc);
    text_add(&t, " from ");
    text_hex(&t, lr);
    if (detail_name) {
        text_add(&t, ", ");
        text_add(&t, detail_name);
        text_add(&t, " ");
        text_hex(&t, detail);
    }
    write_kept(crc_of_kept() == kept.crc ? kept.starts : 0, text);
}

void crash_start(bool watchdog_bit)
{
    bool known = crc_of_kept() == kept.crc;
    struct text t = text_into(last, sizeof last);
    if (known) text_add(&t, kept.text);
    if (!last[0] && watchdog_bit) text_add(&t, "watchdog");
    write_kept(known ? kept.starts + 1 : 1, "");
}

const char *crash_text(void)
{
    return last;
}

uint32_t crash_starts(void)
{
    return kept.starts;
}
