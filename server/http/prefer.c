/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Prefer: wait=SECONDS (RFC 7240, 4.3). What is not understood is passed over, as the RFC has it. */
#include <stdio.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/http/internal.h"

static size_t trimmed(const char *text, size_t size)
{
    while (size > 0 && strchr(" \t", text[size - 1])) size--;
    return size;
}

/* "wait = 10", parameters aside. @return -1 when it is no wait. */
static int wait_of(const char *preference, size_t size)
{
    uint64_t seconds;
    if (size < 4 || strncasecmp(preference, "wait", 4) != 0) return -1;
    const char *at = preference + 4;
    const char *end = preference + size;
    while (at < end && strchr(" \t", *at)) at++;
    if (at == end || *at != '=') return -1;
    at++;
    while (at < end && strchr(" \t", *at)) at++;
    bool quoted = end - at >= 2 && *at == '"' && end[-1] == '"';
    if (!text_to_u64(at + quoted, (size_t)(end - at) - 2 * (size_t)quoted, &seconds)) return -1;
    return seconds > PREFER_WAIT_MOST_S ? PREFER_WAIT_MOST_S : (int)seconds;
}

int prefer_wait(const char *header)
{
    while (header && *header) {
        header += strspn(header, " \t,");
        size_t length = strcspn(header, ",");
        int seconds = wait_of(header, trimmed(header, strcspn(header, ",;")));
        if (seconds >= 0) return seconds; /* of several, the first counts */
        header += length;
    }
    return -1;
}

int http_wait(struct http_request *r)
{
    char applied[32];
    int seconds = prefer_wait(http_header(r, "Prefer"));
    if (seconds < 0) return 0;
    if (!find_header(r, "Preference-Applied")) {
        snprintf(applied, sizeof applied, "wait=%d", seconds);
        http_reply_header(r, "Preference-Applied", applied);
    }
    return seconds;
}
