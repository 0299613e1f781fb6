/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Profiles and measurements as state machines that agents work off lease by lease. No HTTP in here.
 *
 * A profile fills a table for a space: its plan (networks, and a shuffled sequence of visits to them) is fixed when it
 * is created, from the rows that the table misses. A measurement times one network end to end. Both are jobs of one
 * device, and a device works on one lease at a time.
 *
 *   job:    queued -> running -> done | failed | cancelled         (running again after a lost lease: nothing is lost)
 *   lease:  granted with a fencing number and a deadline; renewed; ends by release, by expiry or with its job.
 *
 * Results carry the lease's fencing number: those under an ended lease are LATHE_CONFLICT and change nothing. Each
 * visit's samples are stored once under "<job>.<visit>": sending them again is LATHE_OK and changes nothing.
 *
 * A table's version belongs to one fingerprint. Results under another one than a profile has worked with start a new
 * version, and the rest of the profile is planned anew from what that version has (results.c).
 *
 * Threads: any. State is in the store, so that a server may die at any point; memory holds the listeners, the deadlines
 * of leases (which start afresh with the server) and when agents were heard of. Time comes from lut/base/clock.h. */
#ifndef LATHE_JOBS_JOBS_H
#define LATHE_JOBS_JOBS_H

#include <jansson.h>

#include "lut/kv/kv.h"
#include "lut/table/table.h"
#include "server/spaces/catalog.h"

struct jobs;

enum { LEASE_TTL_S = 30 };

enum lathe_status jobs_open(struct kv *, const struct catalog *, struct jobs **out, struct lathe_error *err);
void jobs_close(struct jobs *);

/** Called, on any thread, whenever a device may have work that it had not: a new job, a lease given back or expired. */
void jobs_on_work(struct jobs *, void (*notify)(void *), void *context);

/* Profiles. */
struct profile_request {
    const char *device, *config, *space;
    const int *resolutions; /* NULL: all of the space */
    size_t resolution_count;
    int rounds;       /* visits to each network, at least; 0: 4 */
    double ci;        /* go on with further rounds until half the 95% interval of every row is at most this share of it;
                         0: don't; below 0: the default, 0.02 unless rounds are given */
    double budget_s;  /* of device time, at which to stop whatever is missing; 0: none */
    int held_out;     /* subnets that say how far the table can be trusted; below 0: the default, 10 */
    const char *mode; /* "layers": timed inside whole subnets; "isolated": each alone, in a hot loop, for comparison;
                         "regression": whole subnets timed, their rows found by least squares, for runtimes that give no
                         times between layers; NULL: layers, and regression where the runner turns out to give none */
    bool calibrate;   /* measure held-out subnets alone: the table's factor and trust are made anew */
    int runs, warmup; /* timed and untimed runs a visit; 0: 3 and 2 */
    uint64_t seed;
};
/** Create. @param[out] job its document, new reference: {"id","kind":"profile","state","device","config","space",
 *  "resolutions","rows_total","rows_done","visits_total","visits_done","networks","created","error",
 *  "estimate_s": what it is likely to take, "device_s","elapsed_s","eta_s","progress": 0..1,
 *  "stopped_by": "ci" (all rows are as precise as asked), "rounds" or "budget", "redone","throttled",
 *  "samples": {"taken": timed runs of layers, of whole networks where those are what is kept, "preempted": those of
 * them whose thread lost its core, "left_out": those that no row counts, "rate_per_s": taken in a second of device
 * time; null: unknown}, "trust": see trust.h, ..}. A profile with nothing missing is born done. */
enum lathe_status jobs_create_profile(struct jobs *, const struct profile_request *, json_t **job,
                                      struct lathe_error *err);
/* A night's measuring: given networks, into a version of the table that readers don't get (lut/table/nights.h). All
 * borrowed. */
struct night_request {
    const char *device, *config, *space;
    const char *run;        /* that it belongs to; kept as "run" */
    uint32_t version;       /* of table_night_begin() */
    const json_t *networks; /* array, e.g. of night_plan_make(): {"context": hex, "layers": [texts], "role", "visits":
                               0 or absent: rounds}. Roles: "cover", its layers' samples go into the version; "shipped",
                               whole runs are timed, with "shipped", an id; "sentinel", at most one: it is used where
                               neither the night nor the table has one */
    int rounds;             /* visits to each network; 0: 4 */
    int runs;               /* timed runs a visit; 0: 3 */
    double budget_s;        /* of device time, at which it ends early, and well; 0: none */
    uint64_t seed;          /* of the order of visits */
};
/** Create: a profile of mode "night" with the fields "run" and "version" beside the others. It ends "done" when all
 *  visits are done ("stopped_by" "rounds") or at its budget ("budget"), and "failed" as soon as results come under
 *  another fingerprint than the night's first, or the runner turns out to give no times between layers.
 *
 *  What it leaves with the version, beside rows and samples (whose sources begin with the job's id): a scaling of its
 *  own, whose reference is the median of the first job; and in the notes
 *    "sentinel": {"context","layers"},
 *    "subnets": [{"job","shipped","context","visits_ms": [a visit's mean at the night's reference, in the order of
 *                 visits],"latency_ms","ci_ms": or null}],
 *    "jobs": [{"job","stopped_by","visits","device_s","load": mean share that others took of the cores, null: unknown,
 *              "throttled","redone"}],
 *    "load","device_s": of all jobs.
 *  @return LATHE_NOT_FOUND: no such device, table or night; LATHE_INVALID names the field. */
enum lathe_status jobs_create_night(struct jobs *, const struct night_request *, json_t **job, struct lathe_error *err);

/* All borrowed. */
struct measurement_request {
    const char *device, *config;
    const json_t *what; /* fields of the answer that tell what it is: {"subnet":{..}} or {"network":{..}}; kept */
    const json_t
        *layers; /* canonical texts of one network; empty: the model that a board has which speaks mlperf-tiny */
    int visits;  /* at most; 0: 100 with ci, else 10 */
    int runs;    /* timed runs a visit; 0: 5 */
    double ci; /* go on until half the 95% interval is within this share of the latency, 0: make all visits; below 0: 1%
                  where visits is 0, else 0 */
};
/** Create a measurement. After ten visits it ends as soon as its interval is as narrow as asked, or its device time has
 *  come to half a minute. @param[out] job its document, new reference. */
enum lathe_status jobs_create_measurement(struct jobs *, const struct measurement_request *, json_t **job,
                                          struct lathe_error *err);
/** Have a device tidied: runners of earlier versions go. @param[out] job {"id","kind":"clean","state","device",
 *  "freed_kb": null until done,..}. */
enum lathe_status jobs_create_clean(struct jobs *, const char *device, json_t **job, struct lathe_error *err);
enum lathe_status jobs_get(struct jobs *, const char *kind, const char *id, json_t **job, struct lathe_error *err);

struct job_filter {
    const char *device, *config; /* NULL: any */
    const char *mode;            /* of profiles; NULL: any but "night" */
};
/** Jobs of a kind, oldest first, after `after` (exclusive; NULL: from the first), at most limit, as store_list() does.
 *  @param filter NULL: all. */
enum lathe_status jobs_list(struct jobs *, const char *kind, const struct job_filter *filter, const char *after,
                            size_t limit, json_t **list, char *next, struct lathe_error *err);
/** The layers that a measurement times, as canonical texts. @param[out] layers new reference.
 *  @return LATHE_CONFLICT: it ended without a result, and they were not kept. */
enum lathe_status jobs_measured_layers(struct jobs *, const char *id, json_t **layers, struct lathe_error *err);
/** Cancel; its lease ends. LATHE_CONFLICT when it has ended already. */
enum lathe_status jobs_cancel(struct jobs *, const char *kind, const char *id, json_t **job, struct lathe_error *err);
/** Cancel whatever a device has under way (before it is removed). */
enum lathe_status jobs_cancel_device(struct jobs *, const char *device, struct lathe_error *err);

/* Leases. */
struct lease_request {
    const char *agent;
    const char *instance; /* of its program, so that two under one name keep their leases apart; "": not told */
    const char *machine;  /* that it runs on; "": not told, then the agent's name stands for it */
    const json_t *leases; /* array of ids: those that this instance is working on; others of it end. NULL: none */
    const json_t *cpus;   /* object, device -> processors that the agent's configuration limits it to. NULL: none */
};
/** Take the next piece of work of any device that this agent serves; measurements first, then profiles by age. A device
 *  works on one lease at a time, and so does a processor: devices of one machine whose "cpus" overlap (or that name
 *  none) take turns.
 *  @param[out] lease new reference; see agents/agent/lease.h for its form.
 *  @return LATHE_OK, LATHE_NOT_FOUND when there is none now (err untouched), or an error. */
enum lathe_status jobs_lease_to(struct jobs *, const struct lease_request *, json_t **lease, struct lathe_error *err);
/** The same for an agent that tells its name only. It works off one lease at a time: asking again ends those it had. */
enum lathe_status jobs_lease(struct jobs *, const char *agent, json_t **lease, struct lathe_error *err);
/** Whose a lease is. @param agent 65 bytes. @return LATHE_CONFLICT when the lease has ended. */
enum lathe_status jobs_lease_agent(struct jobs *, const char *lease, char *agent, struct lathe_error *err);
/* What an agent has to tell with a renewal. NULL: nothing new. */
struct lease_news {
    const char *trouble; /* that keeps the work from going on, while it tries again: told with device and job until
                            results come */
    const json_t *board; /* the microcontroller that a session was opened with, as in results */
};
/** @return LATHE_CONFLICT: the lease has ended; so it does when a profile was planned anew for the board that is told.
 */
enum lathe_status jobs_renew(struct jobs *, const char *lease, int64_t fence, const struct lease_news *,
                             json_t **answer, struct lathe_error *err);
/** Store results: {"fence","fingerprint":{..},"board":{..} of a
 * microcontroller,"visits":[{"visit","network","wall_ns":[[..]],"cpu_ns":[[..]], "preempted":[[..]],"total_ns":[..]}]};
 * inner arrays are layers, outer ones runs. */
enum lathe_status jobs_results(struct jobs *, const char *lease, const json_t *results, json_t **answer,
                               struct lathe_error *err);
/** Give back. @param error NULL: the work went well; otherwise why it failed. @param fatal the job fails with it, since
 *  trying again can't help; otherwise it is tried again; the third failure in a row without progress is fatal, too. */
enum lathe_status jobs_release(struct jobs *, const char *lease, int64_t fence, const char *error, bool fatal,
                               struct lathe_error *err);
/* A network that does not fit a board. */
struct board_refusal {
    int network;          /* of the job */
    uint64_t needs_bytes; /* of the arena, as the board says; 0: it does not */
    const char *error;    /* what the board said */
};
/** Give back, since a network of the job does not fit the board: the profile goes on without it, a measurement fails
 *  with the refusal's error. No failure of the device. */
enum lathe_status jobs_release_refused(struct jobs *, const char *lease, int64_t fence, const struct board_refusal *,
                                       struct lathe_error *err);
/** Give back the lease of a clean job that is done. @param freed_kb what it freed. */
enum lathe_status jobs_release_cleaned(struct jobs *, const char *lease, int64_t fence, int64_t freed_kb,
                                       struct lathe_error *err);
/** What is known of a device: "online" (an agent that may serve it asked for work within the last minute), "busy" (it
 * has a lease), "quarantined" or "offline". @param device its document. @param[out] last_seen_ms wall clock, 0: never.
 *  Any thread. */
const char *jobs_device_state(struct jobs *, const json_t *device, int64_t *last_seen_ms);
/** A device on which a job failed again and again gets no work for ten minutes: the jobs behind it wait, instead of
 *  failing one by one. Its document has "quarantined_until_ms" then. Until results come, or somebody lets it out: */
void jobs_end_quarantine(json_t *device);
/** After a device was let out: agents that wait for work look again. */
void jobs_look_again(struct jobs *);
/** The same of every device in the store, in order of their names. @param visit borrows what it is given. */
enum lathe_status jobs_each_device_state(struct jobs *,
                                         void (*visit)(void *context, const char *device, const char *state,
                                                       int64_t last_seen_ms),
                                         void *context, struct lathe_error *err);
/** Agents that were heard of since the server started: {"name":{"online":bool,"last_seen_ms":wall clock},..}. New
 *  reference; NULL: no memory. Any thread. */
json_t *jobs_agents(struct jobs *);
/** How a device was when it measured last: {"khz","temperature_c","load","available_mb","at"}, unknown figures null;
 * null when nothing is known. New reference. Any thread without a transaction of its own. */
json_t *jobs_device_condition(struct jobs *, const char *device);
/** End leases whose deadline has passed. Call it every second or so. */
void jobs_expire(struct jobs *);

#endif
