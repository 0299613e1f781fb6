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

/* ---- reading ---- */

/* "device/config" */
static bool split_table(const char *name, struct question_table *out)
{
    const char *slash = name ? strchr(name, '/') : NULL;
    size_t n = slash ? (size_t)(slash - name) : 0;
    if (n > 0 && n < sizeof out->device) {
        snprintf(out->device, sizeof out->device, "%.*s", (int)n, name);
        snprintf(out->config, sizeof out->config, "%s", strlen(slash + 1) < sizeof out->config ? slash + 1 : "");
    }
    return text_is_name(out->device) && text_is_config(out->config);
}

static bool same_table(const struct question_table *a, const struct question_table *b)
{
    return strcmp(a->device, b->device) == 0 && strcmp(a->config, b->config) == 0;
}

static void add_table(struct question *q, struct json_fields *f, const char *field, const char *name)
{
    struct question_table *t = &q->tables[q->table_count];
    if (!split_table(name, t)) {
        f->status = error_field(f->err, field, "%s must be DEVICE/CONFIG, for example pi4/xnnpack-f32-t1-b1", field);
        return;
    }
    for (int i = 0; i < q->table_count; i++)
        if (same_table(&q->tables[i], t)) f->status = error_field(f->err, field, "table %s is named twice", name);
    q->table_count++;
}

static void read_tables(struct question *q, struct json_fields *f)
{
    const char *table = NULL;
    const json_t *tables = NULL;
    json_get_string(f, "table", JSON_OPTIONAL, &table);
    json_get_array(f, "tables", JSON_OPTIONAL, 1, PROBLEM_TABLES_MOST, &tables);
    if (f->status) return;
    if (!table == !tables) {
        f->status = error_field(f->err, "table", "give table, or tables for one subnet that fits several devices");
        return;
    }
    q->several = tables != NULL;
    if (table) add_table(q, f, "table", table);
    for (size_t i = 0; tables && i < json_array_size(tables) && !f->status; i++) {
        char field[32];
        snprintf(field, sizeof field, "tables[%zu]", i);
        add_table(q, f, field, json_string_value(json_array_get(tables, i)));
    }
}

void question_read(struct question *q, struct app *app, struct json_fields *f)
{
    const char *space = NULL;
    const char *predictor = NULL;
    struct lathe_error err = {0};
    *q = (struct question){.app = app};
    read_tables(q, f);
    json_get_name(f, "space", JSON_REQUIRED, &space);
    json_get_name(f, "predictor", JSON_OPTIONAL, &predictor);
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
    const struct question *question;
    const struct question_table *table;
};

static double factor_of(const struct question *q, const char *layer_text)
{
    const json_t *factor = json_object_get(q->factors, layer_text);
    return json_is_number(factor) ? json_number_value(factor) : q->level > 0 ? q->level : 1;
}

static enum lathe_status look_up(void *context, const char *layer_text, int resolution, double *latency_ms,
                                 struct lathe_error *err)
{
    const struct lookup *l = context;
    struct latency latency;
    enum lathe_status st = table_get_at(l->txn, (struct table_id){l->table->device, l->table->config},
                                        l->table->info.version, layer_text, resolution, &latency, err);
    if (!st) *latency_ms = latency_best_ms(&latency) * factor_of(l->question, layer_text);
    return st;
}

static void note_missing(void *context, int table, int resolution, const char *layer_text)
{
    struct question *q = context;
    size_t n = q->missing_resolution_count;
    if (!q->missing_count) q->missing_table = table;
    if (table != q->missing_table) return;
    if (json_array_size(q->missing) < MISSING_SHOWN) json_array_append_new(q->missing, json_string(layer_text));
    q->missing_count++;
    for (size_t i = 0; i < n; i++)
        if (q->missing_resolutions[i] == resolution) return;
    if (n < SPACE_MAX_VALUES) q->missing_resolutions[q->missing_resolution_count++] = resolution;
}

static enum lathe_status find_tables(struct question *q, struct kv_txn *txn, struct lathe_error *err)
{
    for (int i = 0; i < q->table_count; i++) {
        struct question_table *t = &q->tables[i];
        enum lathe_status st = table_info(txn, (struct table_id){t->device, t->config}, 0, &t->info, err);
        if (st && q->several && err) snprintf(err->field, sizeof err->field, "tables[%d]", i);
        if (st) return st;
        t->has_info = true;
    }
    return LATHE_OK;
}

enum lathe_status question_ask(struct question *q, const struct question_part *part, struct lathe_error *err)
{
    struct kv_txn *txn = NULL;
    struct lookup lookups[PROBLEM_TABLES_MOST];
    struct problem_request r = {.space = q->space,
                                .predictor = q->predictor ? q->predictor->predictor : NULL,
                                .latency = look_up,
                                .table_count = q->table_count,
                                .resolutions = part->resolutions,
                                .resolution_count = part->resolution_count,
                                .fixed = part->fixed,
                                .limits = part->limits,
                                .missing = note_missing,
                                .missing_context = q};
    enum lathe_status st = kv_read_begin(q->app->kv, &txn, err);
    if (st) return st;
    q->missing = json_array();
    for (int i = 0; i < q->table_count; i++) {
        lookups[i] = (struct lookup){txn, q, &q->tables[i]};
        r.tables[i] = &lookups[i];
    }
    st = find_tables(q, txn, err);
    if (!st) st = problem_new(&r, &q->problem, err);
    kv_read_end(txn);
    return st;
}

/* ---- answers ---- */

static json_t *command(const struct question *q)
{
    struct buf b;
    const struct question_table *t = &q->tables[q->missing_table];
    buf_init(&b);
    buf_printf(&b, "lathe profile %s --config %s --space %s --resolutions ", t->device, t->config, space_id(q->space));
    for (size_t i = 0; i < q->missing_resolution_count; i++)
        buf_printf(&b, "%s%d", i ? "," : "", q->missing_resolutions[i]);
    json_t *text = json_string(b.data);
    buf_clear(&b);
    return text;
}

enum http_outcome question_fail(struct question *q, struct http_request *request, const struct lathe_error *err)
{
    if (err->status != LATHE_CONFLICT || !q->missing_count) return fail(request, err);
    const struct question_table *t = &q->tables[q->missing_table];
    char field[32];
    json_t *run = command(q);
    json_t *extra = json_pack("{s:O, s:I, s:O}", "missing", q->missing, "missing_count", (json_int_t)q->missing_count,
                              "command", run);
    snprintf(field, sizeof field, q->several ? "tables[%d]" : "table", q->missing_table);
    http_reply_problem(request, 409, field, extra,
                       "table %s/%s has no row for %zu layer%s that this needs; measure with: %s", t->device, t->config,
                       q->missing_count, q->missing_count == 1 ? "" : "s", json_string_value(run));
    json_decref(run);
    return HTTP_DONE;
}

void question_clear(struct question *q)
{
    problem_free(q->problem);
    if (q->predictor) predictor_release(q->app->predictors, q->predictor);
    for (int i = 0; i < q->table_count; i++)
        if (q->tables[i].has_info) table_info_clear(&q->tables[i].info);
    json_decref(q->missing);
}

double question_latency_margin_ms(const struct question *q, const struct subnet *s)
{
    struct layer layers[SPACE_MAX_SLOTS];
    const struct question_table *t = &q->tables[0];
    struct kv_txn *txn;
    double variance = 0;
    int resolution = space_dim(q->space, space_resolution_dim(q->space))->values[s->at[space_resolution_dim(q->space)]];
    int n = space_lower(q->space, s, layers);
    if (kv_read_begin(q->app->kv, &txn, NULL)) return 0;
    for (int i = 0; i < n; i++) {
        char text[LAYER_TEXT_BYTES];
        struct latency at;
        layer_print(&layers[i], text);
        if (table_get_at(txn, (struct table_id){t->device, t->config}, t->info.version, text, resolution, &at, NULL))
            continue;
        if (isfinite(at.std_ms) && at.count > 0) variance += at.std_ms * at.std_ms / (double)at.count;
    }
    kv_read_end(txn);
    return 1.96 * sqrt(variance);
}

enum lathe_status question_needs_predictor(const struct question *q, struct lathe_error *err)
{
    if (q->predictor) return LATHE_OK;
    return error_field(err, "predictor",
                       "no predictor ships for space %s: add one with PUT /v1/predictors/ID, or train one by POST "
                       "/v1/predictors/ID/train, and name it",
                       space_id(q->space));
}

json_t *question_top1(const struct question *q, const struct subnet *s)
{
    struct predictor_work *work = q->predictor ? predictor_work_new(q->predictor->predictor) : NULL;
    float top1 = NAN;
    if (work) predictor_evaluate(q->predictor->predictor, work, s, 1, &top1);
    predictor_work_free(work);
    return isnan(top1) ? json_null() : json_real((double)top1);
}

json_t *question_table_name(const struct question *q, int table)
{
    return json_sprintf("%s/%s", q->tables[table].device, q->tables[table].config);
}

json_t *question_provenance(const struct question *q)
{
    const struct question_table *first = &q->tables[0];
    json_t *provenance = json_pack("{s:o, s:I, s:O, s:s?, s:s}", "table", question_table_name(q, 0), "table_version",
                                   (json_int_t)first->info.version, "fingerprint", first->info.fingerprint, "predictor",
                                   q->predictor ? q->predictor->id : NULL, "space", space_id(q->space));
    if (!q->several) return provenance;
    json_t *tables = json_array();
    for (int i = 0; i < q->table_count; i++) {
        const struct table_info *info = &q->tables[i].info;
        json_array_append_new(tables, json_pack("{s:o, s:I, s:O}", "table", question_table_name(q, i), "table_version",
                                                (json_int_t)info->version, "fingerprint", info->fingerprint));
    }
    json_object_set_new(provenance, "tables", tables);
    return provenance;
}

void question_put_costs(const struct question *q, const struct subnet *s, json_t *object)
{
    for (int c = 0; c < COST_OTHER_LATENCY; c++)
        json_object_set_new(object, cost_name((enum cost)c), json_real(problem_cost(q->problem, (enum cost)c, s)));
    if (!q->several) return;
    json_t *latencies = json_object();
    for (int i = 0; i < q->table_count; i++) {
        json_t *name = question_table_name(q, i);
        json_object_set_new(latencies, json_string_value(name),
                            json_real(problem_cost(q->problem, cost_of_table(i), s)));
        json_decref(name);
    }
    json_object_set_new(object, "latencies_ms", latencies);
}
