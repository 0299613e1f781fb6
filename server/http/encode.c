/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a reply weighs on its way: nothing where the client has it already, less where it takes gzip. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "server/http/internal.h"

/* Below a packet's worth there is nothing to gain. The level is the quickest: of a table of 100,000 rows as CSV, 20 MB,
 * it leaves 39% in 0.17 s; level 6 leaves 36% and takes five times as long. */
enum { WORTH_BYTES = 1024, LEVEL = 1, GZIP_FORMAT = 16 };

/* ---- entity tags (RFC 9110, 8.8.3 and 13.1.2) ---- */

bool tag_is_listed(const char *header, const char *tag)
{
    size_t size = strlen(tag);
    while (header && *header) {
        header += strspn(header, " \t,");
        if (*header == '*') return true;
        if (strncmp(header, "W/", 2) == 0) header += 2;
        if (*header != '"') return false;
        const char *end = strchr(header + 1, '"');
        if (!end) return false;
        if ((size_t)(end - header - 1) == size && strncmp(header + 1, tag, size) == 0) return true;
        header = end + 1;
    }
    return false;
}

bool http_unchanged(struct http_request *r, const char *tag)
{
    char quoted[HTTP_TAG_BYTES + 5];
    snprintf(quoted, sizeof quoted, "W/\"%s\"", tag);
    http_reply_header(r, "ETag", quoted);
    if (!find_header(r, "Cache-Control")) http_reply_header(r, "Cache-Control", "no-cache");
    if (!tag_is_listed(http_header(r, "If-None-Match"), tag)) return false;
    http_reply_empty(r, 304);
    return true;
}

/* ---- gzip ---- */

static bool shrinks(const char *type)
{
    static const char *const parts[] = {"json", "javascript", "yaml", "svg", "wasm"};
    if (!type) return false;
    if (strncmp(type, "text/", 5) == 0) return true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(type, parts[i])) return true;
    return false;
}

/* @return malloc'd, or NULL when it would not be smaller or can't be made: then the reply goes as it is. */
static char *gzip(const char *data, size_t size, size_t *out_size)
{
    z_stream z = {0};
    if (size > UINT_MAX || deflateInit2(&z, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_FORMAT, MAX_MEM_LEVEL, 0) != Z_OK)
        return NULL;
    char *out = malloc(size);
    z.next_in = (Bytef *)data;
    z.avail_in = (uInt)size;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)size;
    bool whole = out && deflate(&z, Z_FINISH) == Z_STREAM_END;
    *out_size = z.total_out;
    deflateEnd(&z);
    if (whole) return out;
    free(out);
    return NULL;
}

void encode_reply(struct http_request *r)
{
    size_t size;
    if (!r->data || r->size < WORTH_BYTES || !shrinks(r->content_type) || find_header(r, "Content-Encoding")) return;
    if (!accept_gzip(http_header(r, "Accept-Encoding"))) return;
    char *packed = gzip(r->data, r->size, &size);
    if (!packed) return;
    free(r->data);
    r->data = packed;
    r->size = size;
    http_reply_header(r, "Content-Encoding", "gzip");
}
