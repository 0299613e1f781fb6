/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What monitors ask. */
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/clock.h"
#include "server/nightly/nightly.h"
#include "server/routes/app.h"
#include "server/routes/storage.h"

static enum http_outcome healthz(struct http_request *request)
{
    if (!refuse_query(request)) return HTTP_DONE;
    http_reply_json(request, 200, json_pack("{s:s, s:s}", "status", "ok", "version", LATHE_VERSION));
    return HTTP_DONE;
}

static enum http_outcome readyz(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct kv_txn *txn;
    if (!refuse_query(request)) return HTTP_DONE;
    if (kv_read_begin(app->kv, &txn, &err)) {
        http_reply_problem(request, 503, NULL, NULL, "%s", err.message);
        return HTTP_DONE;
    }
    kv_read_end(txn);
    http_reply_json(request, 200, json_pack("{s:s}", "status", "ready"));
    return HTTP_DONE;
}

static void metric(struct buf *b, const char *name, const char *kind, const char *help, uint64_t value)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, kind, name, (unsigned long long)value);
}

/* Of every route what went well, so that a rate can be told from its first answer on. */
static void route_metric(void *context, const struct http_route *route, const uint64_t answers[6])
{
    for (int i = 2; i < 6; i++)
        if (answers[i] || i == 2)
            buf_printf(context, "lathe_http_requests_total{method=\"%s\",route=\"%s\",status=\"%dxx\"} %llu\n",
                       route->method, route->pattern, i, (unsigned long long)answers[i]);
}

/* Jobs of a kind by state. */
static enum lathe_status job_metrics(struct jobs *jobs, const char *kind, struct buf *b, struct lathe_error *err)
{
    static const char *const states[] = {"queued", "running", "done", "failed", "cancelled"};
    enum { STATES = sizeof states / sizeof states[0], PAGE = 1000 };
    unsigned long long counts[STATES] = {0};
    char after[65] = "";
    char next[65];
    do {
        json_t *list;
        size_t i;
        json_t *job;
        enum lathe_status st = jobs_list(jobs, kind, NULL, after[0] ? after : NULL, PAGE, &list, next, err);
        if (st) return st;
        json_array_foreach(list, i, job)
        {
            const char *state = json_string_value(json_object_get(job, "state"));
            for (int s = 0; s < STATES; s++) counts[s] += state && strcmp(state, states[s]) == 0;
        }
        json_decref(list);
        memcpy(after, next, sizeof after);
    } while (next[0]);
    for (int s = 0; s < STATES; s++)
        buf_printf(b, "lathe_jobs{kind=\"%s\",state=\"%s\"} %llu\n", kind, states[s], counts[s]);
    return LATHE_OK;
}

struct age_list {
    struct buf *b;
    int64_t now_ms;
};

static void age_metric(void *context, const char *device, const char *config, int64_t measured_ms)
{
    const struct age_list *l = context;
    buf_printf(l->b, "lathe_nightly_age_seconds{device=\"%s\",config=\"%s\"} %.0f\n", device, config,
               (double)(l->now_ms - measured_ms) / 1000);
}

static enum lathe_status nightly_metrics(struct app *app, struct buf *b, struct lathe_error *err)
{
    struct nightly_gauges g;
    struct age_list ages = {b, clock_wall_ms()};
    enum lathe_status st = nightly_gauges(app->nightly, &g, err);
    if (st) return st;
    metric(b, "lathe_nightly_active", "gauge", "Nightly runs under way.", g.active);
    metric(b, "lathe_nightly_last_run_timestamp_seconds", "gauge", "When a nightly run ended last; 0: never.",
           (uint64_t)(g.last_ended_ms / 1000));
    metric(b, "lathe_nightly_last_run_exit_code", "gauge",
           "0: nothing changed, 5: a regression was confirmed, 6: a device could not be profiled.",
           (uint64_t)g.last_exit_code);
    buf_puts(b, "# HELP lathe_nightly_findings Of the run that ended last.\n# TYPE lathe_nightly_findings gauge\n");
    buf_printf(b,
               "lathe_nightly_findings{direction=\"slower\"} %zu\nlathe_nightly_findings{direction=\"faster\"} %zu\n",
               g.slower, g.faster);
    metric(b, "lathe_nightly_failed_targets", "gauge",
           "Devices and configs that the run that ended last did not measure.", g.failed);
    buf_puts(b, "# HELP lathe_nightly_age_seconds Since the last night that went well.\n# TYPE "
                "lathe_nightly_age_seconds gauge\n");
    return nightly_each_age(app->nightly, age_metric, &ages, err);
}

static enum http_outcome metrics(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct http_stats http;
    struct kv_stats kv;
    struct buf b;
    size_t size;
    if (!refuse_query(request)) return HTTP_DONE;
    http_get_stats(request, &http);
    kv_get_stats(app->kv, &kv);
    buf_init(&b);
    buf_puts(&b,
             "# HELP lathe_http_answers_total Answers by class of status.\n# TYPE lathe_http_answers_total counter\n");
    for (int i = 2; i < 6; i++)
        buf_printf(&b, "lathe_http_answers_total{status=\"%dxx\"} %llu\n", i, (unsigned long long)http.answers[i]);
    buf_puts(&b, "# HELP lathe_http_requests_total Answers by route.\n# TYPE lathe_http_requests_total counter\n");
    http_each_route(request, route_metric, &b);
    metric(&b, "lathe_http_requests_running", "gauge", "Requests under way, long polls among them.", http.running);
    metric(&b, "lathe_store_commits_total", "counter", "Groups of writes committed since the start.", kv.commits);
    metric(&b, "lathe_store_writes_total", "counter", "Writes in them.", kv.writes);
    enum lathe_status st = storage_metrics(app, &b, &err);
    buf_puts(&b, "# HELP lathe_jobs Profiles and measurements.\n# TYPE lathe_jobs gauge\n");
    if (!st) st = job_metrics(app->jobs, "profile", &b, &err);
    if (!st) st = job_metrics(app->jobs, "measurement", &b, &err);
    if (!st) st = nightly_metrics(app, &b, &err);
    if (st) {
        buf_clear(&b);
        return fail(request, &err);
    }
    char *text = buf_take(&b, &size);
    http_reply(request, 200, "text/plain; version=0.0.4", text, size);
    return HTTP_DONE;
}

const struct http_route health_routes[] = {
    {"GET", "/healthz", 0, POOL_QUICK, 0, healthz},
    {"GET", "/readyz", 0, POOL_QUICK, 0, readyz},
    {"GET", "/metrics", 0, POOL_QUICK, 0, metrics},
    {0},
};
