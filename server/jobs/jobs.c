/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/jobs/internal.h"

/* Leases that a former run of the server granted get a fresh time to live, so that their agents can come back. */
static enum lathe_status adopt_leases(struct jobs *jobs, struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *list = NULL;
    char next[65] = "";
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (st) return st;
    do {
        char after[65];
        memcpy(after, next, sizeof after);
        st = store_list(txn, "lease", after[0] ? after : NULL, 100, &list, next, err);
        for (size_t i = 0; !st && i < json_array_size(list); i++)
            lease_extend(jobs, job_text(json_array_get(list, i), "id"));
        if (!st) json_decref(list);
    } while (!st && next[0]);
    kv_read_end(txn);
    return st;
}

enum lathe_status jobs_open(struct kv *kv, const struct catalog *spaces, struct jobs **out, struct lathe_error *err)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    jobs->kv = kv;
    jobs->spaces = spaces;
    pthread_mutex_init(&jobs->lock, NULL);
    enum lathe_status st = adopt_leases(jobs, err);
    if (st) {
        jobs_close(jobs);
        return st;
    }
    *out = jobs;
    return LATHE_OK;
}

void jobs_close(struct jobs *jobs)
{
    if (!jobs) return;
    pthread_mutex_destroy(&jobs->lock);
    free(jobs->live);
    free(jobs->seen);
    free(jobs);
}

void jobs_on_work(struct jobs *jobs, void (*notify)(void *), void *context)
{
    pthread_mutex_lock(&jobs->lock);
    if (jobs->work_count < JOBS_LISTENERS)
        jobs->work[jobs->work_count++] = (struct work_listener){.notify = notify, .context = context};
    pthread_mutex_unlock(&jobs->lock);
}

void jobs_notify_work(struct jobs *jobs)
{
    struct work_listener copy[JOBS_LISTENERS];
    pthread_mutex_lock(&jobs->lock);
    size_t n = jobs->work_count;
    memcpy(copy, jobs->work, sizeof copy);
    pthread_mutex_unlock(&jobs->lock);
    for (size_t i = 0; i < n; i++) copy[i].notify(copy[i].context);
}

void jobs_look_again(struct jobs *jobs)
{
    jobs_notify_work(jobs);
}

enum lathe_status jobs_get(struct jobs *jobs, const char *kind, const char *id, json_t **job, struct lathe_error *err)
{
    json_t *document = NULL;
    enum lathe_status st = store_read(jobs->kv, kind, id, &document, err);
    if (st) return st;
    *job = job_public(document);
    json_decref(document);
    return LATHE_OK;
}

static bool passes(const struct job_filter *filter, const json_t *job)
{
    if (!filter) return true;
    const char *mode = job_text(job, "mode");
    if (filter->mode ? strcmp(filter->mode, mode) != 0 : strcmp(mode, "night") == 0) return false;
    return (!filter->device || strcmp(filter->device, job_text(job, "device")) == 0) &&
           (!filter->config || strcmp(filter->config, job_text(job, "config")) == 0);
}

/* Add what passes of some documents to a list. @return whether there is more than the limit; next is then the last. */
static bool take_jobs(const json_t *documents, const struct job_filter *filter, size_t limit, json_t *list, char *next)
{
    size_t i;
    json_t *document;
    json_array_foreach(documents, i, document)
    {
        if (!passes(filter, document)) continue;
        if (json_array_size(list) == limit) return true;
        json_array_append_new(list, job_public(document));
        snprintf(next, 65, "%s", job_text(document, "id"));
    }
    return false;
}

static enum lathe_status list_in(struct kv_txn *txn, const char *kind, const struct job_filter *filter,
                                 const char *after, size_t limit, json_t *list, char *next, struct lathe_error *err)
{
    enum { AT_ONCE = 200 };
    char from[65];
    char at[65] = "";
    bool more = false;
    do {
        json_t *documents = NULL;
        snprintf(from, sizeof from, "%s", at);
        enum lathe_status st = store_list(txn, kind, from[0] ? from : after, AT_ONCE, &documents, at, err);
        if (st) return st;
        more = take_jobs(documents, filter, limit, list, next);
        json_decref(documents);
    } while (!more && at[0]);
    if (!more) next[0] = '\0';
    return LATHE_OK;
}

enum lathe_status jobs_list(struct jobs *jobs, const char *kind, const struct job_filter *filter, const char *after,
                            size_t limit, json_t **list, char *next, struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *answer = json_array();
    if (!answer) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (st) {
        json_decref(answer);
        return st;
    }
    st = list_in(txn, kind, filter, after, limit, answer, next, err);
    kv_read_end(txn);
    if (st) json_decref(answer);
    else *list = answer;
    return st;
}

struct cancellation {
    const char *kind, *id;
    json_t *job; /* the outcome */
};

static enum lathe_status cancel_one(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct cancellation *c = context;
    json_decref(c->job);
    c->job = NULL;
    enum lathe_status st = job_load(txn, c->kind, c->id, &c->job, err);
    if (st) return st;
    if (!job_active(c->job))
        return error_set(err, LATHE_CONFLICT, "%s %s can't be cancelled: it is %s", c->kind, c->id,
                         job_text(c->job, "state"));
    return job_end(txn, c->job, "cancelled", NULL, err);
}

enum lathe_status jobs_cancel(struct jobs *jobs, const char *kind, const char *id, json_t **job,
                              struct lathe_error *err)
{
    struct cancellation c = {.kind = kind, .id = id};
    enum lathe_status st = kv_write(jobs->kv, cancel_one, &c, err);
    if (!st) {
        *job = job_public(c.job);
        jobs_notify_work(jobs);
    }
    json_decref(c.job);
    return st;
}

static enum lathe_status cancel_all(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const char *device = context;
    struct active_job *active = NULL;
    size_t n = 0;
    enum lathe_status st = job_list_active(txn, &active, &n, err);
    for (size_t i = 0; !st && i < n; i++) {
        json_t *job = NULL;
        st = job_load(txn, active[i].kind, active[i].id, &job, err);
        if (!st && strcmp(job_text(job, "device"), device) == 0)
            st = job_end(txn, job, "cancelled", "its device was removed", err);
        json_decref(job);
    }
    free(active);
    return st;
}

enum lathe_status jobs_cancel_device(struct jobs *jobs, const char *device, struct lathe_error *err)
{
    return kv_write(jobs->kv, cancel_all, (void *)device, err);
}
