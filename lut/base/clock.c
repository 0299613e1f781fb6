/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lut/base/text.h"

static uint64_t (*replaced_now)(void);
static int64_t (*replaced_wall)(void);

uint64_t clock_now_ns(void)
{
    if (replaced_now) return replaced_now();
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    if (replaced_wall) return replaced_wall();
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_format(int64_t wall_ms, char out[25])
{
    int ms = (int)((wall_ms % 1000 + 1000) % 1000); /* before 1970, too */
    time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
    struct tm utc = {0};
    char date[64] = "";
    gmtime_r(&seconds, &utc);
    size_t n = strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(date + n, sizeof date - n, ".%03dZ", ms);
    memcpy(out, date, 24);
    out[24] = '\0';
}

bool clock_parse(const char *text, int64_t *out)
{
    struct tm utc = {0};
    uint64_t ms;
    char again[25];
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    if (!rest || strlen(rest) != 5 || rest[0] != '.' || rest[4] != 'Z') return false;
    const char digits[4] = {rest[1], rest[2], rest[3], '\0'};
    const char *number = digits + strspn(digits, "0");
    if (!*number) ms = 0;
    else if (!text_to_u64(number, strlen(number), &ms)) return false;
    int64_t time_ms = (int64_t)timegm(&utc) * 1000 + (int64_t)ms;
    clock_format(time_ms, again);
    if (strcmp(again, text) != 0) return false;
    *out = time_ms;
    return true;
}

void clock_replace(uint64_t (*now_ns)(void), int64_t (*wall_ms)(void))
{
    replaced_now = now_ns;
    replaced_wall = wall_ms;
}
