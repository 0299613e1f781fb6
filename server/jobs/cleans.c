/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Jobs that tidy a device: its agent removes the runners that it does not use any more. They have no plan and no
 * visits: their lease is released with what it freed. */
#include "lut/base/text.h"
#include "server/jobs/internal.h"

static json_t *new_clean(const char *device)
{
    static const char *const strangers[] = {"config", "visits_total", "visits_done"};
    json_t *job = job_new("clean", device, "");
    for (size_t i = 0; job && i < sizeof strangers / sizeof strangers[0]; i++) json_object_del(job, strangers[i]);
    if (job) json_object_set_new(job, "freed_kb", json_null());
    return job;
}

static enum lathe_status store_clean(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    json_t *job = context;
    json_t *device = NULL;
    enum lathe_status st = device_load(txn, job_text(job, "device"), &device, err);
    if (!st) st = job_save(txn, job, err);
    if (!st) st = job_enqueue(txn, job, err);
    json_decref(device);
    return st;
}

enum lathe_status jobs_create_clean(struct jobs *jobs, const char *device, json_t **job, struct lathe_error *err)
{
    if (!text_is_name(device)) return error_field(err, "device", "device is not a name");
    json_t *blank = new_clean(device);
    if (!blank) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = kv_write(jobs->kv, store_clean, blank, err);
    if (!st) {
        *job = job_public(blank);
        jobs_notify_work(jobs);
    }
    json_decref(blank);
    return st;
}

enum lathe_status clean_finish(struct kv_txn *txn, json_t *job, int64_t freed_kb, struct lathe_error *err)
{
    job_set_int(job, "freed_kb", freed_kb);
    return job_end(txn, job, "done", NULL, err);
}
