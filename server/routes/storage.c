/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/storage.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "lut/base/clock.h"
#include "lut/base/log.h"
#include "server/keep/backup.h"
#include "server/keep/keeper.h"

/* ---- how full it is ---- */

struct storage {
    struct kv_stats kv;
    struct sweep_totals thinned;
    struct keeper_status keeper;
};

static enum lathe_status read_storage(struct app *app, struct storage *out, struct lathe_error *err)
{
    kv_get_stats(app->kv, &out->kv);
    keeper_get_status(app->keeper, &out->keeper);
    return sweep_totals(app->kv, &out->thinned, err);
}

static enum http_outcome show_storage(struct http_request *request)
{
    struct lathe_error err = {0};
    struct storage s;
    if (!refuse_query(request)) return HTTP_DONE;
    if (read_storage(http_app(request), &s, &err)) return fail(request, &err);
    const double day_ms = 86400e3;
    json_t *keep = s.keeper.keep_ms ? json_real((double)s.keeper.keep_ms / day_ms) : json_null();
    http_reply_json(request, 200,
                    json_pack("{s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:b}", "used_bytes", (json_int_t)s.kv.used_bytes,
                              "file_bytes", (json_int_t)s.kv.file_bytes, "limit_bytes", (json_int_t)s.kv.limit_bytes,
                              "samples_bytes", (json_int_t)s.kv.counted_bytes, "keep_samples_days", keep, "thinned_at",
                              time_json(s.thinned.thinned_ms), "thinned_samples", (json_int_t)s.thinned.samples,
                              "thinning_early", (int)s.keeper.early));
    return HTTP_DONE;
}

static void gauge(struct buf *b, const char *name, const char *kind, const char *help, uint64_t value)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, kind, name, (unsigned long long)value);
}

enum lathe_status storage_metrics(struct app *app, struct buf *b, struct lathe_error *err)
{
    struct storage s;
    enum lathe_status st = read_storage(app, &s, err);
    if (st) return st;
    gauge(b, "lathe_data_bytes", "gauge", "Bytes of the store that hold something.", s.kv.used_bytes);
    gauge(b, "lathe_data_file_bytes", "gauge", "Bytes of the store's file, which does not shrink.", s.kv.file_bytes);
    gauge(b, "lathe_data_limit_bytes", "gauge", "Bytes that the store's file may have.", s.kv.limit_bytes);
    gauge(b, "lathe_samples_bytes", "gauge", "Bytes of raw samples.", s.kv.counted_bytes);
    gauge(b, "lathe_samples_thinned_total", "counter", "Raw samples that were thinned.", s.thinned.samples);
    gauge(b, "lathe_samples_thinned_early", "gauge", "1: the store fills up, and samples go before their time.",
          s.keeper.early);
    return LATHE_OK;
}

/* ---- backups ---- */

struct backups {
    pthread_mutex_t lock; /* guards what follows */
    bool busy, stopping;
    struct http_stream *stream; /* of the one under way; NULL: it is being copied, or there is none */
};

/* One on its way to a client. */
struct sending {
    struct backups *backups;
    struct backup *backup;
    char who[65];
    uint64_t started_ns;
    bool whole;
};

enum lathe_status backups_new(struct backups **out, struct lathe_error *err)
{
    struct backups *b = calloc(1, sizeof *b);
    if (!b) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    pthread_mutex_init(&b->lock, NULL);
    *out = b;
    return LATHE_OK;
}

void backups_stop(struct backups *b)
{
    pthread_mutex_lock(&b->lock);
    b->stopping = true;
    if (b->stream) http_stream_cut(b->stream);
    pthread_mutex_unlock(&b->lock);
}

void backups_free(struct backups *b)
{
    if (!b) return;
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* @return false: there is one under way, or the server stops. */
static bool begin(struct backups *b)
{
    pthread_mutex_lock(&b->lock);
    bool free_now = !b->busy && !b->stopping;
    if (free_now) b->busy = true;
    pthread_mutex_unlock(&b->lock);
    return free_now;
}

static void end(struct backups *b)
{
    pthread_mutex_lock(&b->lock);
    b->busy = false;
    b->stream = NULL;
    pthread_mutex_unlock(&b->lock);
}

static ssize_t send_more(void *context, char *out, size_t size)
{
    struct sending *s = context;
    pthread_mutex_lock(&s->backups->lock);
    bool stopping = s->backups->stopping;
    pthread_mutex_unlock(&s->backups->lock);
    ssize_t n = stopping ? -1 : backup_read(s->backup, out, size);
    s->whole = n == 0;
    return n > 0 ? n : -1;
}

static void sent(void *context)
{
    struct sending *s = context;
    log_event(s->whole ? LOG_INFO : LOG_WARN, "%s bytes=%llu seconds=%.1f token=%s",
              s->whole ? "sent a backup" : "failed to send a backup: it was broken off",
              (unsigned long long)backup_bytes(s->backup), (double)(clock_now_ns() - s->started_ns) / 1e9, s->who);
    end(s->backups);
    backup_close(s->backup);
    free(s);
}

static void start_sending(struct http_request *request, struct sending *s)
{
    struct backups *backups = s->backups;
    struct http_source source = {.pull = send_more, .closed = sent, .context = s};
    pthread_mutex_lock(&backups->lock);
    backups->stream = http_reply_stream(request, "application/octet-stream", &source);
    bool started = backups->stream != NULL;
    pthread_mutex_unlock(&backups->lock);
    if (!started) sent(s);
}

static enum http_outcome send_backup(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    if (!refuse_query(request)) return HTTP_DONE;
    if (!begin(app->backups)) {
        http_reply_problem(request, 409, NULL, NULL, "another backup is under way: ask again when it has ended");
        return HTTP_DONE;
    }
    struct sending *s = calloc(1, sizeof *s);
    if (!s) error_set(&err, LATHE_NO_MEMORY, "out of memory");
    if (!s || backup_open(app->kv, app->data_dir, &s->backup, &err)) {
        free(s);
        end(app->backups);
        return fail(request, &err);
    }
    s->backups = app->backups;
    s->started_ns = clock_now_ns();
    snprintf(s->who, sizeof s->who, "%s", http_principal(request)->name);
    http_reply_header(request, "Content-Disposition", "attachment; filename=\"lathe.backup\"");
    start_sending(request, s);
    return HTTP_DONE;
}

static const char *const backup_types[] = {"application/octet-stream", NULL};
const struct http_produces backup_produces = {send_backup, backup_types};

const struct http_route storage_routes[] = {
    {"GET", "/v1/storage", ROLES_ANY, POOL_QUICK, 0, show_storage},
    {"GET", "/v1/backup", ROLE_ADMIN, POOL_SEARCH, 0, send_backup},
    {0},
};
