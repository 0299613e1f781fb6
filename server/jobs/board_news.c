/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What an agent finds out about a microcontroller's memory: what board it is, before a lease's first visit, and that a
 * network does not fit after all. A profile that was planned for another room is planned anew. */
#include "server/jobs/board_news.h"

#include <string.h>

#include "server/jobs/internal.h"

/* With nothing left to visit, a profile ends. */
static enum lathe_status go_on(struct kv_txn *txn, json_t *job, struct lathe_error *err)
{
    if (job_int(job, "visits_total") > 0) return job_save(txn, job, err);
    if (job_hidden(job, "version") && profile_is(job, "layers")) return profile_go_on(txn, job, false, err);
    return job_end(txn, job, "done", NULL, err);
}

/* The table's version that a profile's results settled stays its own, whether the new plan relies on it or not. */
static enum lathe_status plan_anew(struct jobs *jobs, struct kv_txn *txn, json_t *job, struct lathe_error *err)
{
    struct lathe_error why = {0};
    int64_t version = job_hidden(job, "version");
    int64_t created = job_hidden(job, "version_created");
    enum lathe_status st = profile_plan(jobs, txn, job, (uint32_t)version, &why);
    if (st == LATHE_INVALID || st == LATHE_UNSUPPORTED) return job_end(txn, job, "failed", why.message, err);
    if (st) {
        if (err) *err = why;
        return st;
    }
    if (version) {
        job_set_hidden(job, "version", version);
        job_set_hidden(job, "version_created", created);
    }
    return go_on(txn, job, err);
}

/* A night's networks are given: it has nothing to plan. */
static bool is_planned(const json_t *job)
{
    return strcmp(job_text(job, "kind"), "profile") == 0 && !profile_is(job, "night");
}

enum lathe_status board_told(struct jobs *jobs, struct kv_txn *txn, const json_t *lease, const json_t *board,
                             bool *planned_anew, struct lathe_error *err)
{
    json_t *job = NULL;
    struct board_room room;
    *planned_anew = false;
    enum lathe_status st = device_note_board(txn, job_text(lease, "device"), board, err);
    if (!st) st = job_load(txn, job_text(lease, "kind"), job_text(lease, "job"), &job, err);
    if (!st && job_active(job) && is_planned(job) && profile_room(txn, job, &room) &&
        !profile_is_planned_for(job, &room)) {
        *planned_anew = true;
        st = plan_anew(jobs, txn, job, err);
        if (!st) st = store_delete(txn, "lease", job_text(lease, "id"), err);
    }
    json_decref(job);
    return st;
}

/* A profile's networks must be smaller than the one that the board has refused, by the model that they are planned by.
 */
static enum lathe_status shrink_profile(struct jobs *jobs, struct kv_txn *txn, json_t *job, const json_t *layers,
                                        const struct board_refusal *refusal, struct lathe_error *err)
{
    struct board_room room;
    struct board_room needs;
    room_of_layers(layers, &needs);
    if (!profile_room(txn, job, &room)) return job_end(txn, job, "failed", refusal->error, err);
    if (needs.arena_bytes <= room.arena_bytes) {
        job_set_hidden(job, "refused_bytes", (int64_t)needs.arena_bytes);
        job_set_hidden(job, "refused_needs", (int64_t)refusal->needs_bytes);
    }
    json_object_set_new(job, "error", json_string(refusal->error));
    return plan_anew(jobs, txn, job, err);
}

enum lathe_status board_refused(struct jobs *jobs, struct kv_txn *txn, json_t *job, const struct board_refusal *refusal,
                                struct lathe_error *err)
{
    json_t *network = NULL;
    enum lathe_status st = plan_network(txn, job_text(job, "id"), refusal->network, &network, err);
    if (st == LATHE_NOT_FOUND) return error_field(err, "no_room", "the job has no network %d", refusal->network);
    if (st) return st;
    if (is_planned(job)) st = shrink_profile(jobs, txn, job, json_object_get(network, "layers"), refusal, err);
    else if (job_sentinel(job) == refusal->network) {
        job_set_hidden(job, "sentinel", 0);
        st = job_save(txn, job, err);
    } else st = job_end(txn, job, "failed", refusal->error, err);
    json_decref(network);
    return st;
}
