/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What monitors ask. */
#include "lut/base/buf.h"
#include "server/routes/app.h"

static enum http_outcome healthz(struct http_request *request)
{
    http_reply_json(request, 200, json_pack("{s:s, s:s}", "status", "ok", "version", LATHE_VERSION));
    return HTTP_DONE;
}

static enum http_outcome readyz(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct kv_txn *txn;
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

static enum http_outcome metrics(struct http_request *request)
{
    struct app *app = http_app(request);
    struct http_stats http;
    struct kv_stats kv;
    struct buf b;
    size_t size;
    http_get_stats(request, &http);
    kv_get_stats(app->kv, &kv);
    buf_init(&b);
    buf_puts(&b,
             "# HELP lathe_http_answers_total Answers by class of status.\n# TYPE lathe_http_answers_total counter\n");
    for (int i = 2; i < 6; i++)
        buf_printf(&b, "lathe_http_answers_total{status=\"%dxx\"} %llu\n", i, (unsigned long long)http.answers[i]);
    metric(&b, "lathe_http_requests_running", "gauge", "Requests under way, long polls among them.", http.running);
    metric(&b, "lathe_store_commits_total", "counter", "Groups of writes committed since the start.", kv.commits);
    metric(&b, "lathe_store_writes_total", "counter", "Writes in them.", kv.writes);
    metric(&b, "lathe_store_bytes", "gauge", "Bytes of the store that are in use.", kv.bytes_used);
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
