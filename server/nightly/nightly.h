/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Nightly runs: the rows of a space measured again on many devices, set against a level that was accepted, and what has
 * changed told as few findings. No HTTP in here.
 *
 * A run has targets, one a device and config. Each goes its own way, one step a look, and the store has all of it, so
 * that a server may die at any point:
 *
 *   waiting -> [profiling ->] measuring -> [confirming ->]* done | failed | cancelled
 *
 * profiling: the device has no table yet, and gets one first. measuring: a profile job of mode "night" fills a version
 * of the table that no reader gets (lut/table/nights.h). Then the night is set against its baseline (decide/decide.h),
 * and as long as that asks for it, suspects are measured again by further jobs of that mode.
 * What was found follows from the samples alone, so it is worked out anew after a restart.
 *
 * The baseline of a target is the night of the newest run in which it was accepted; the first night of a device, config
 * and space is accepted by itself.
 *
 * Keys, documents each:
 *   run/<id>                          the run as answers have it, without findings
 *   active-run/<id>                   of those that have not ended
 *   finding/<run>/<device>/<config>   {"findings":[..]} of a target that is done
 *   nightly-age/<device>/<config>     when its last night that went well ended
 *   shipped/<id>                      a subnet that is in use somewhere, and the limits that it was chosen for
 *
 * Threads: any. A thread of its own moves runs on. */
#ifndef LATHE_NIGHTLY_NIGHTLY_H
#define LATHE_NIGHTLY_NIGHTLY_H

#include <jansson.h>

#include "server/jobs/jobs.h"

struct nightly;

/* What a run can ask of those who search. Called on the thread of runs. */
struct nightly_search {
    /** Layers of subnets on a front of a table. @param[out] layers array of canonical texts, new reference. Nothing to
     *  search with is LATHE_OK, too: an empty array. */
    enum lathe_status (*front)(void *context, struct table_id, const struct space *, json_t **layers,
                               struct lathe_error *err);
    /** A subnet that meets a limit, where the rows of the table take times `factors` of what it says: an object, layer
     *  text -> factor; other rows times `level`. @param[out] found {"subnet","latency_ms","top1"}, new reference.
     *  @return LATHE_INFEASIBLE: there is none. */
    enum lathe_status (*replacement)(void *context, const json_t *shipped, const json_t *factors, double level,
                                     json_t **found, struct lathe_error *err);
    void *context;
};

/** Start, and go on with runs that have not ended. @param search borrowed. */
enum lathe_status nightly_open(struct kv *, struct jobs *, const struct catalog *, const struct nightly_search *,
                               struct nightly **out, struct lathe_error *err);
/** Ends the thread; runs go on at the next start. NULL is allowed. */
void nightly_close(struct nightly *);
/** Look at all runs soon. Any thread. */
void nightly_wake(struct nightly *);

struct run_request {
    const json_t *devices; /* array of names, borrowed; NULL: all that have a transport */
    const json_t *configs; /* array, borrowed */
    const char *space;
    const int *resolutions; /* NULL: all of the space */
    size_t resolution_count;
    double budget_s;        /* device time of each device; 0: none */
    const char *baseline;   /* a run's id; NULL: of each target the one accepted last */
    double min_effect, fdr; /* shares; below 0: 0.02 and 0.05 */
    int confirmations;      /* at most; below 0: 3 */
    double patience_s;      /* that a device may give no sign of life; 0: 600 */
    const char *label;      /* NULL: none */
};
/** @param[out] run its document as answers have it, new reference: see server/nightly/README.md.
 *  @return LATHE_INVALID names the field; LATHE_NOT_FOUND: no such device, or no such run as baseline. */
enum lathe_status nightly_create(struct nightly *, const struct run_request *, json_t **run, struct lathe_error *err);
/** @param rows whether findings have their rows. */
enum lathe_status nightly_get(struct nightly *, const char *id, bool rows, json_t **run, struct lathe_error *err);
struct run_filter {
    const char *device, *config; /* of any target; NULL: any */
};
/** Newest first, findings without rows. @param after id to go on after; NULL: from the newest.
 *  @param[out] next 65 bytes, "" at the end. */
enum lathe_status nightly_list(struct nightly *, const struct run_filter *, const char *after, size_t limit,
                               json_t **list, char *next, struct lathe_error *err);
/** @return LATHE_CONFLICT: it has ended. */
enum lathe_status nightly_cancel(struct nightly *, const char *id, json_t **run, struct lathe_error *err);

struct acceptance {
    const char *run;
    const json_t *targets; /* array of {"device","config"}, borrowed; NULL: all that are done */
    const char *by, *note; /* note: NULL: none */
};
/** Later nights are set against this one, and in the tables of its targets the rows that were found changed get what
 *  this night measured of them, where the fingerprint is still the table's; where it is another one, a new version of
 *  the table begins with the night's rows, and a profile measures what it lacks. @return LATHE_CONFLICT: the run has
 * not ended, or the target was not measured. */
enum lathe_status nightly_accept(struct nightly *, const struct acceptance *, json_t **run, struct lathe_error *err);

/** The nights of a table: {"device","config","nights":[..],"changes":[..]}. @param layer NULL: of its sentinel. */
enum lathe_status nightly_history(struct nightly *, struct table_id, const char *layer, json_t **out,
                                  struct lathe_error *err);

/* What a monitor wants to know of nightly runs. */
struct nightly_gauges {
    int64_t last_ended_ms; /* wall clock; 0: never */
    int last_exit_code;
    size_t slower, faster, failed; /* of the run that ended last */
    size_t active;
};
enum lathe_status nightly_gauges(struct nightly *, struct nightly_gauges *out, struct lathe_error *err);
/** Of each device and config its last night that went well: when it ended. */
enum lathe_status nightly_each_age(struct nightly *,
                                   void (*visit)(void *context, const char *device, const char *config,
                                                 int64_t measured_ms),
                                   void *context, struct lathe_error *err);

/* Shipped subnets. */
enum { SHIPPED_MOST = 32 }; /* of one table */
/** @param document {"name","device","config","subnet","latency_ms","predictor","layers"}: checked by the caller;
 * stolen. One of the same name and table is replaced. @param[out] out as answers have it.
 *  @return LATHE_CONFLICT: the table has SHIPPED_MOST. */
enum lathe_status shipped_put(struct kv *, json_t *take_document, json_t **out, struct lathe_error *err);
enum lathe_status shipped_delete(struct kv *, const char *id, struct lathe_error *err);
/** A document as answers have it. New reference. */
json_t *shipped_public(const json_t *document);

#endif
