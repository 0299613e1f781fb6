/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/description.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/file.h"
#include "server/routes/app.h"

enum { BYTES_MOST = 8 * 1024 * 1024 };

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *text, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

enum lathe_status description_load(const char *share, struct description *out, struct lathe_error *err)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/openapi.json", share);
    enum lathe_status st = file_read(path, BYTES_MOST, &out->text, &out->size, err);
    if (!st) snprintf(out->tag, sizeof out->tag, "%016" PRIx64, hash_of(out->text, out->size));
    return st;
}

void description_clear(struct description *d)
{
    free(d->text);
    d->text = NULL;
}

static enum http_outcome get_description(struct http_request *request)
{
    const struct app *app = http_app(request);
    if (!refuse_query(request) || http_unchanged(request, app->description.tag)) return HTTP_DONE;
    char *copy = malloc(app->description.size);
    if (!copy) {
        http_reply_problem(request, 500, NULL, NULL, "out of memory");
        return HTTP_DONE;
    }
    memcpy(copy, app->description.text, app->description.size);
    http_reply(request, 200, "application/json", copy, app->description.size);
    return HTTP_DONE;
}

const struct http_route description_routes[] = {
    {"GET", "/openapi.json", 0, POOL_QUICK, 0, get_description},
    {0},
};
