/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/question.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/text.h"

enum { MISSING_SHOWN = 20 };

/* "device/config" */
static void split_table(struct question *q, struct json_fields *f, const char *name)
{
    const char *slash = name ? strchr(name, '/') : NULL;
    size_t n = slash ? (size_t)(slash - name) : 0;
    if (f->status) return;
    if (n > 0 && n < sizeof q->device) {
        snprintf(q->device, sizeof q->device, "%.*s", (int)n, name);
        snprintf(q->config, sizeof q->config, "%s", strlen(slash + 1) < sizeof q->config ? slash + 1 : "");
    }
    if (!text_is_name(q->device) || !text_is_config(q->config))
        f->status = error_field(f->err, "table", "table must be DEVICE/CONFIG, for example pi4/xnnpack-f32-t1-b1");
}

void question_read(struct question *q, struct app *app, struct json_fields *f)
{
    const char *table = NULL;
    const char *space = NULL;
    const char *predictor = NULL;
    struct lathe_error err = {0};
    *q = (struct question){.app = app};
    json_get_string(f, "table", JSON_REQUIRED, &table);
    json_get_name(f, "space", JSON_REQUIRED, &space);
    json_get_name(f, "predictor", JSON_OPTIONAL, &predictor);
    split_table(q, f, table);
    if (f->status) return;
    q->space = catalog_find(app->spaces, space);
    if (!q->space) {
        f->status = error_field(f->err, "space", "there is no space %s: GET /v1/spaces lists them", space);
        return;
    }
    f->status = predictor_hold(app->predictors, predictor, q->space, &q->predictor, &err);
    if (f->status && f->err) *f->err = err;
}

/* ---- the problem ---- */

struct lookup {
    struct kv_txn *txn;
    struct question *q;
};

static enum lathe_status look_up(void *context, const char *layer_text, int resolution, double *latency_ms,
                                 struct lathe_error *err)
{
    const struct lookup *l = context;
    struct latency latency;
    enum lathe_status st = table_get_at(l->txn, (struct table_id){l->q->device, l->q->config}, l->q->table.version,
                                        layer_text, resolution, &latency, err);
    if (!st) *latency_ms = latency_best_ms(&latency);
    return st;
}

static void note_missing(void *context, int table, int resolution, const char *layer_text)
{
    struct question *q = context;
    (void)table;
    size_t n = q->missing_resolution_count;
    if (json_array_size(q->missing) < MISSING_SHOWN) json_array_append_new(q->missing, json_string(layer_text));
    q->missing_count++;
    for (size_t i = 0; i < n; i++)
        if (q->missing_resolutions[i] == resolution) return;
    if (n < SPACE_MAX_VALUES) q->missing_resolutions[q->missing_resolution_count++] = resolution;
}

enum lathe_status question_ask(struct question *q, const int *resolutions, size_t count, struct lathe_error *err)
{
    struct lookup l = {.q = q};
    enum lathe_status st = kv_read_begin(q->app->kv, &l.txn, err);
    if (st) return st;
    st = table_info(l.txn, (struct table_id){q->device, q->config}, 0, &q->table, err);
    q->has_table = st == LATHE_OK;
    q->missing = json_array();
    if (!st) {
        const struct problem_request r = {.space = q->space,
                                          .predictor = q->predictor->predictor,
                                          .latency = look_up,
                                          .tables = {&l},
                                          .resolutions = resolutions,
                                          .resolution_count = count,
                                          .missing = note_missing,
                                          .missing_context = q};
        st = problem_new(&r, &q->problem, err);
    }
    kv_read_end(l.txn);
    return st;
}

/* ---- answers ---- */

static json_t *command(const struct question *q)
{
    struct buf b;
    buf_init(&b);
    buf_printf(&b, "lathe profile %s --config %s --space %s --resolutions ", q->device, q->config, space_id(q->space));
    for (size_t i = 0; i < q->missing_resolution_count; i++)
        buf_printf(&b, "%s%d", i ? "," : "", q->missing_resolutions[i]);
    json_t *text = json_string(b.data);
    buf_clear(&b);
    return text;
}

enum http_outcome question_fail(struct question *q, struct http_request *request, const struct lathe_error *err)
{
    if (err->status != LATHE_CONFLICT || !q->missing_count) return fail(request, err);
    json_t *run = command(q);
    json_t *extra = json_pack("{s:O, s:I, s:O}", "missing", q->missing, "missing_count", (json_int_t)q->missing_count,
                              "command", run);
    http_reply_problem(request, 409, "table", extra,
                       "table %s/%s has no row for %zu layer%s that this needs; measure with: %s", q->device, q->config,
                       q->missing_count, q->missing_count == 1 ? "" : "s", json_string_value(run));
    json_decref(run);
    return HTTP_DONE;
}

void question_clear(struct question *q)
{
    problem_free(q->problem);
    if (q->predictor) predictor_release(q->app->predictors, q->predictor);
    if (q->has_table) table_info_clear(&q->table);
    json_decref(q->missing);
}

double question_latency_margin_ms(const struct question *q, const struct subnet *s)
{
    struct layer layers[SPACE_MAX_SLOTS];
    struct kv_txn *txn;
    double variance = 0;
    int resolution = space_dim(q->space, space_resolution_dim(q->space))->values[s->at[space_resolution_dim(q->space)]];
    int n = space_lower(q->space, s, layers);
    if (kv_read_begin(q->app->kv, &txn, NULL)) return 0;
    for (int i = 0; i < n; i++) {
        char text[LAYER_TEXT_BYTES];
        struct latency at;
        layer_print(&layers[i], text);
        if (table_get_at(txn, (struct table_id){q->device, q->config}, q->table.version, text, resolution, &at, NULL))
            continue;
        if (isfinite(at.std_ms) && at.count > 0) variance += at.std_ms * at.std_ms / (double)at.count;
    }
    kv_read_end(txn);
    return 1.96 * sqrt(variance);
}
