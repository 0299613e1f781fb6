/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of this module share. See jobs.h for the picture.
 *
 * Keys beside the documents profile/<id>, measurement/<id>, clean/<id> and lease/<id>:
 *   active/<job>          kind of a job that has not ended; ids sort cleans first, then measurements, then by age
 *   plan/<job>            {"first_visit","visits":[network of each visit]}
 *   network/<job>/<n:08x> {"context":"<hex>","layers":[texts],"role","new_params"}: kept as texts, since a space may be
 *                         replaced. new_params: parameters that no network before it has. Roles: "cover", its layers go
 *                         into the table; "fit", its whole latency does; "held_out"; "sentinel"; "measured"; "shipped",
 * of a night: whole runs go into its notes row/<job>/<layer>     contexts that a missing row wants, one byte; deleted
 * when it has what it wants visit/<job>/<n:08x>   a visit that is done: struct visit_mark, JSON fence/<device> the last
 * fencing number, decimal condition/<device>    how it was when it measured last
 *
 * A profile that is planned anew goes on counting visits and networks where the old plan ended, so that a number means
 * one visit, and one network, for the whole life of the job. */
#ifndef LATHE_JOBS_INTERNAL_H
#define LATHE_JOBS_INTERNAL_H

#include <pthread.h>

#include "lut/base/cpus.h"
#include "server/jobs/jobs.h"
#include "server/jobs/planner.h"
#include "server/store/store.h"

/* WARM_MS: how long a network is run before it is timed, where the user asks for no number of runs. */
enum { JOBS_LISTENERS = 8, JOB_KEY_BYTES = 480, JOB_ID_BYTES = 40, WARM_MS = 12 };

struct work_listener {
    void (*notify)(void *);
    void *context;
};

struct live_lease {
    char id[JOB_ID_BYTES];
    uint64_t deadline_ns;
};

struct seen_agent {
    char name[65];
    uint64_t at_ns;
    int64_t wall_ms;
};

struct jobs {
    struct kv *kv;
    const struct catalog *spaces;
    pthread_mutex_t lock; /* guards what follows; never held while a listener or the store runs */
    struct work_listener work[JOBS_LISTENERS];
    size_t work_count;
    struct live_lease *live;
    size_t live_count, live_capacity;
    struct seen_agent *seen;
    size_t seen_count, seen_capacity;
};

/* jobs.c */
void jobs_notify_work(struct jobs *);

/* job.c: documents. Functions with a kv_txn run inside a write. */
const char *job_text(const json_t *job, const char *name);
int64_t job_int(const json_t *job, const char *name);
void job_set_int(json_t *job, const char *name, int64_t value);
/** A number that answers don't show. */
int64_t job_hidden(const json_t *job, const char *name);
void job_set_hidden(json_t *job, const char *name, int64_t value);
/** A new document with the fields that both kinds have; NULL when memory ran out. */
json_t *job_new(const char *kind, const char *device, const char *config);
/** Without what is not for users. New reference. */
json_t *job_public(const json_t *job);
bool job_active(const json_t *job);
enum lathe_status job_load(struct kv_txn *, const char *kind, const char *id, json_t **job, struct lathe_error *err);
enum lathe_status job_save(struct kv_txn *, json_t *job, struct lathe_error *err);
/** Put a new job among the active ones. */
enum lathe_status job_enqueue(struct kv_txn *, json_t *job, struct lathe_error *err);
/** Reach a final state; forget plan and lease. A job that is done keeps its lease: its agent has yet to release it.
 *  @param error NULL: none. */
enum lathe_status job_end(struct kv_txn *, json_t *job, const char *state, const char *error, struct lathe_error *err);

struct active_job {
    char id[JOB_ID_BYTES], kind[16];
};
/** @param[out] out malloc'd array, in the order in which to work them off. */
enum lathe_status job_list_active(struct kv_txn *, struct active_job **out, size_t *count, struct lathe_error *err);

/** The lease of a device, or LATHE_NOT_FOUND (err untouched). */
enum lathe_status lease_of_device(struct kv_txn *, const char *device, json_t **lease, struct lathe_error *err);
/** A device that jobs can run on: it exists and has a transport. */
enum lathe_status device_load(struct kv_txn *, const char *device, json_t **out, struct lathe_error *err);
/** Whether it is a board with a model of its own, which can run nothing else. */
bool device_has_model(const json_t *device);
/** One that any network can be run on. */
enum lathe_status device_load_for_networks(struct kv_txn *, const char *device, json_t **out, struct lathe_error *err);
/** Keep with a device what board it is. @param board NULL: nothing new. A device that is gone is fine. */
enum lathe_status device_note_board(struct kv_txn *, const char *device, const json_t *board, struct lathe_error *err);
/** Whether a device gets no work now. */
bool device_is_quarantined(const json_t *device);
/** Begin that. A device that is gone is fine. */
enum lathe_status device_quarantine(struct kv_txn *, const char *device, struct lathe_error *err);
/** Keep with a device what went wrong on it last; nothing ends its quarantine, too. @param error NULL: nothing; forget
 * it. A device that is gone is fine.
 */
enum lathe_status device_note_error(struct kv_txn *, const char *device, const char *error, struct lathe_error *err);

/* plans.c: plans in the store. */
/** @param networks array of {"context","layers"}. @param visits array of indices into it. Both are renumbered from the
 *  job's hidden first_visit and first_network on, which are then moved past them. */
enum lathe_status plan_put(struct kv_txn *, json_t *job, const json_t *networks, const json_t *visits,
                           struct lathe_error *err);
/** @param keep_measured a measurement's networks and raw samples stay. */
enum lathe_status plan_delete(struct kv_txn *, const char *job, bool keep_measured, struct lathe_error *err);
/** The next visits that are not done, at most `most`. @param[out] visits array of {"visit","network"}, new reference.
 */
enum lathe_status plan_next(struct kv_txn *, const char *job, size_t most, json_t **visits, struct lathe_error *err);
enum lathe_status plan_network(struct kv_txn *, const char *job, int network, json_t **out, struct lathe_error *err);
/** More visits to networks of the plan, behind those that it has. @param networks numbers as in network/<job>/. */
enum lathe_status plan_extend(struct kv_txn *, json_t *job, const json_t *networks, struct lathe_error *err);
/** All networks of the plan, in order of their numbers. */
enum lathe_status plan_networks(struct kv_txn *, const char *job,
                                bool (*see)(void *, int number, const json_t *network), void *context,
                                struct lathe_error *err);
bool visit_done(struct kv_txn *, const char *job, int visit);
/** @param take_mark stolen; NULL: memory ran out. */
enum lathe_status visit_put(struct kv_txn *, const char *job, int visit, json_t *take_mark, struct lathe_error *err);

/* marks.c */
enum { MARK_RUNS_MAX = 1000 };
struct visit_mark {
    uint32_t visit;
    int network;
    struct sample_context around;
    struct sample *runs; /* of whole networks; empty for those whose layers went into the table */
    size_t run_count;
};
/** New reference; NULL when memory ran out. */
json_t *mark_new(const struct visit_mark *);
enum lathe_status marks_scan(struct kv_txn *, const char *job, bool (*see)(void *, const struct visit_mark *),
                             void *context, struct lathe_error *err);
/** What the sentinel took in the middle of a job, undisturbed where that was ever so. @param[out] ns 0: never seen. */
enum lathe_status marks_reference(struct kv_txn *, const char *job, double *ns, struct lathe_error *err);
/** Statistics of all runs of some networks. @param[out] out n of them; count is 0 where there are no runs. */
enum lathe_status marks_latencies(struct kv_txn *, const char *job, const int *networks, size_t n,
                                  const struct table_scaling *, struct latency *out, struct lathe_error *err);
/** The same of one network. @return LATHE_NOT_FOUND (err untouched) when there are none. */
enum lathe_status marks_latency(struct kv_txn *, const char *job, int network, const struct table_scaling *,
                                struct latency *out, struct lathe_error *err);

/* profiles.c */
struct table_id job_table(const json_t *job);
/** The document of a profile before it has a plan; NULL: no memory. */
json_t *profile_new(const struct jobs *, const struct profile_request *);
/** How fast a device is by all that a version of its table has. @param[out] ns_per_mac untouched where it has nothing.
 */
enum lathe_status profile_speed(struct kv_txn *, struct table_id, uint32_t version, double *ns_per_mac,
                                struct lathe_error *err);
/** A subnet as a network of a plan: {"context","layers","role"}. New reference; NULL: no memory. */
json_t *plan_describe_subnet(const struct space *, const struct subnet *, const char *role);
/** A layer as a network of its own, with role "cover". */
json_t *plan_describe_layer(const char *layer_text);
/** Note with each network what parameters it brings when it is visited first. @param visits indices into networks.
 *  @param[out] total of all. */
void plan_note_params(const json_t *visits, json_t *networks, double *total);
/** Make the plan of a profile from what a table's version (0: the newest) has, and put it in the store with the job's
 *  figures. Inside a write. */
enum lathe_status profile_plan(struct jobs *, struct kv_txn *, json_t *job, uint32_t version, struct lathe_error *err);
/** What a board has for a profile's networks: less than it says where it has refused one that was thought to fit.
 *  @return false: the device is no board, as far as is known. */
bool profile_room(struct kv_txn *, const json_t *job, struct board_room *out);
/** Whether a profile's plan is for this room. */
bool profile_is_planned_for(const json_t *job, const struct board_room *room);
/** After samples were added to a row: count it when it has all that it wants now. */
enum lathe_status profile_count_row(struct kv_txn *, json_t *job, const char *row, const struct latency *now,
                                    struct lathe_error *err);
/** The sentinel's network of a job; -1: it has none. */
int job_sentinel(const json_t *job);
/** Put a sentinel beside a plan's networks, as the last of them. @param networks array, added to.
 *  @param sentinel {"context","layers"} or NULL. */
void job_add_sentinel(json_t *job, json_t *networks, const json_t *sentinel);

/* finish.c: what follows when all visits of a profile's plan are done. */
/** Plan further visits for rows that are not precise yet, or end the profile. @param by_budget the time is up. */
enum lathe_status profile_go_on(struct kv_txn *, json_t *job, bool by_budget, struct lathe_error *err);

/** How a profile measures: "layers", "isolated", "regression" or "night". */
bool profile_is(const json_t *job, const char *mode);

/* regression.c */
/** Find the rows of a profile by its subnets' whole latencies and put them into the table. */
enum lathe_status profile_regress(struct kv_txn *, json_t *job, uint32_t version, struct lathe_error *err);

struct batch;
struct batch_visit;

/* night_end.c */
/** Results of a night come under a fingerprint. @param[out] why the job must fail; NULL: it need not. Static. */
enum lathe_status night_settle(struct kv_txn *, const json_t *job, const json_t *fingerprint, const char **why,
                               struct lathe_error *err);
/** Count what others took of the cores around a visit. */
void night_note_visit(json_t *job, const struct batch_visit *);
/** Put what the job has found out, beside its rows, into the notes of the night's version. */
enum lathe_status night_finish(struct kv_txn *, const json_t *job, const char *stopped_by, struct lathe_error *err);

/* tally.c */
/** Count the samples of a visit. @param by_layers they are kept layer by layer, else as whole runs. */
void tally_visit(json_t *job, const struct batch_visit *, bool by_layers);
/** Count what is left out of a row now. @param before NULL: it was not there. */
void tally_row(json_t *job, const struct latency *before, const struct latency *now);
/** Tell in "samples" what was counted. */
void tally_show(json_t *job);

/* condition.c */
/** Keep what a batch tells of its device. */
enum lathe_status condition_note(struct kv_txn *, const char *device, const struct batch *, int64_t now_ms,
                                 struct lathe_error *err);

/* progress.c */
/** What a plan is likely to take, before anything was measured. @param ns_per_mac of the device, as far as known. */
void progress_estimate(json_t *job, double macs, double params, double ns_per_mac, bool measured);
/** Account a batch and tell how far the job is: device_s, elapsed_s, eta_s, progress, redone, throttled.
 *  @param visits_ahead beyond the plan's. */
void progress_note(json_t *job, const struct batch *, double visits_ahead, int64_t now_ms);
/** Visits that a profile owes still, by the device time that it promised; 0 before it promised any. */
double progress_owed(const json_t *job);

/* measurements.c */
/** The visits of a measurement's plan are all done: plan more while its interval is wider than asked, else fill in its
 *  figures and end it. */
enum lathe_status measurement_go_on(struct kv_txn *, json_t *job, struct lathe_error *err);
/** Keep which device it was as its results come: the fingerprint; false once it has changed meanwhile. */
void measurement_note_fingerprint(json_t *job, const json_t *fingerprint);

/* cleans.c */
/** End a clean job well. */
enum lathe_status clean_finish(struct kv_txn *, json_t *job, int64_t freed_kb, struct lathe_error *err);

/* leases.c */
/** The lease of this id under this fence, or LATHE_CONFLICT: it has ended. */
enum lathe_status lease_load(struct kv_txn *, const char *lease, int64_t fence, json_t **out, struct lathe_error *err);
/** A sign of life: the deadline moves. */
void lease_extend(struct jobs *, const char *lease);

#endif
