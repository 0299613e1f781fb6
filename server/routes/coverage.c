/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which rows of a space a table has, and which it lacks. */
#include "server/jobs/coverage.h"

#include <string.h>

#include "lut/base/text.h"
#include "server/routes/tables.h"

/* "160,224". @param[out] out,count at most SPACE_MAX_VALUES; false when the 400 reply is set. */
static bool read_resolutions(struct http_request *request, int *out, size_t *count)
{
    const char *text = http_query(request, "resolutions");
    *count = 0;
    while (text) {
        size_t n = strcspn(text, ",");
        uint64_t value;
        if (*count == SPACE_MAX_VALUES || !text_to_u64(text, n, &value) || value > 65535) {
            http_reply_problem(request, 400, "resolutions", NULL,
                               "resolutions must be up to %d numbers with commas between them: 160,224",
                               SPACE_MAX_VALUES);
            return false;
        }
        out[(*count)++] = (int)value;
        text = text[n] ? text + n + 1 : NULL;
    }
    return true;
}

static enum lathe_status find(struct http_request *request, uint32_t version, const struct space *space,
                              const int *resolutions, size_t count, json_t **answer, struct lathe_error *err)
{
    struct app *app = http_app(request);
    struct kv_txn *txn;
    enum lathe_status st = kv_read_begin(app->kv, &txn, err);
    if (st) return st;
    st = coverage_find(txn, table_of(request), version, space, count ? resolutions : NULL, count, answer, err);
    kv_read_end(txn);
    return st;
}

static enum http_outcome get_coverage(struct http_request *request)
{
    static const char *const known[] = {"space", "resolutions", "version", NULL};
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    int resolutions[SPACE_MAX_VALUES];
    size_t count;
    uint32_t version;
    json_t *answer = NULL;
    const char *id = http_query(request, "space");
    if (!http_query_known(request, known) || !version_param(request, &version) ||
        !read_resolutions(request, resolutions, &count))
        return HTTP_DONE;
    if (!id) {
        http_reply_problem(request, 400, "space", NULL, "space is missing: name the one to compare with");
        return HTTP_DONE;
    }
    const struct space *space = catalog_find(app->spaces, id);
    if (!space) {
        http_reply_problem(request, 400, "space", NULL, "there is no space %.64s: GET /v1/spaces lists them", id);
        return HTTP_DONE;
    }
    if (find(request, version, space, resolutions, count, &answer, &err)) return fail(request, &err);
    http_reply_json(request, 200, answer);
    return HTTP_DONE;
}

const struct http_route coverage_routes[] = {
    {"GET", "/v1/tables/{device}/{config}/coverage", ROLES_ANY, POOL_SEARCH, 0, get_coverage},
    {0},
};
