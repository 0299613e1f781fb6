/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How long a profile takes: told beforehand from multiply-accumulates, then from what its visits took. Building a
 * network (its weights are made and packed) is accounted apart, since all of it comes in the first round.
 *
 * How many visits a profile needs is decided by its few widest rows, and known to a third at best. So it makes a
 * promise of device time when a fifth of that is done, and keeps it: when rows are narrow sooner, what is left goes to
 * those that are widest. What is told stays near the promise; a longer way is told as it comes near. */
#include <math.h>
#include <string.h>

#include "server/jobs/batch.h"
#include "server/jobs/internal.h"

/* Before anything is known of a device: a core with vector units. Packing makes a weight in about this time. */
static const double ns_per_mac_guess = 0.2;
static const double ns_per_weight = 6;
/* Beyond the runs of visits: the sentinel, set-up, and talking. */
static const double overhead = 1.2;

void progress_estimate(json_t *job, double macs, double params, double ns_per_mac, bool measured)
{
    double runs = (double)(job_int(job, "runs") + job_int(job, "warmup"));
    double ns = overhead * macs * runs * (measured ? ns_per_mac : ns_per_mac_guess) + params * ns_per_weight;
    json_object_set_new(job, "estimate_s", json_real(ceil(ns / 1e8) / 10));
    json_object_set_new(job, "estimate_from", json_string(measured ? "table" : "guess"));
}

/* A promise is made when promised_at of what is likely is done, and rows were visited often enough to tell. It is kept
 * to at least `kept`, and what is told is at most `most` of it, or `ahead` of what is done: whatever the end between
 * 0.88 and 1.3 promises, all that was told from a quarter of it on is within a fifth of it. */
static const double promised_at = 0.18;
static const double rounds_known = 2;
static const double kept = 0.88;
static const double most = 1.05;
static const double ahead = 1.5;

static double hidden_seconds(const json_t *job, const char *name)
{
    return (double)job_hidden(job, name) / 1e9;
}

static void set_seconds(json_t *job, const char *name, double s)
{
    json_object_set_new(job, name, json_real(round(s * 1000) / 1000));
}

static void account(json_t *job, const struct batch *batch)
{
    int64_t busy = job_hidden(job, "busy_ns");
    int64_t build = job_hidden(job, "build_ns");
    int64_t redone = job_int(job, "redone");
    int64_t throttled = job_int(job, "throttled");
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_visit *v = &batch->visits[i];
        busy += (int64_t)v->busy_ns;
        build += (int64_t)v->build_ns;
        redone += v->redone;
        throttled += v->throttled;
    }
    job_set_hidden(job, "busy_ns", busy);
    job_set_hidden(job, "build_ns", build);
    job_set_int(job, "redone", redone);
    job_set_int(job, "throttled", throttled);
}

/* Device time that is still needed. */
static double seconds_left(const json_t *job, double visits_ahead)
{
    double done = (double)job_int(job, "visits_done");
    double left = (double)job_int(job, "visits_total") - done + visits_ahead;
    double built = (double)job_hidden(job, "params_built");
    double unbuilt = fmax((double)job_hidden(job, "params") - built, 0);
    double busy = hidden_seconds(job, "busy_ns");
    double build = hidden_seconds(job, "build_ns");
    if (done <= 0) return NAN;
    return left * (busy - build) / done + (built > 0 ? unbuilt * build / built : 0);
}

/* Device time that may be used to keep the promise; 0 where none was made. A budget bounds it by itself. */
static double promised_seconds(const json_t *job)
{
    return hidden_seconds(job, "promise_ns");
}

double progress_owed(const json_t *job)
{
    double busy = hidden_seconds(job, "busy_ns");
    double done = (double)job_int(job, "visits_done");
    double each = done > 0 ? (busy - hidden_seconds(job, "build_ns")) / done : 0;
    return each > 0 ? fmax((kept * promised_seconds(job) - busy) / each, 0) : 0;
}

/* What is told of the time that is left, by what is likely to be. */
static double told_left(json_t *job, double likely)
{
    double busy = hidden_seconds(job, "busy_ns");
    double total = busy + likely;
    double promise = promised_seconds(job);
    double rounds = (double)job_int(job, "visits_done") / fmax((double)job_int(job, "networks"), 1);
    if (promise <= 0 && (busy < promised_at * total || rounds < rounds_known)) return likely;
    if (promise <= 0) {
        promise = total;
        job_set_hidden(job, "promise_ns", llround(promise * 1e9));
    }
    return fmax(fmin(fmax(total, kept * promise), fmax(most * promise, ahead * busy)) - busy, 0);
}

/* An end that is by intervals is uncertain; that of a plan, or of a budget, is not. */
static double bounded_left(json_t *job, double likely)
{
    double budget = json_number_value(json_object_get(job, "budget_s"));
    double left = json_number_value(json_object_get(job, "ci")) > 0 && strcmp(job_text(job, "kind"), "profile") == 0
                      ? told_left(job, likely)
                      : likely;
    return budget > 0 ? fmax(fmin(left, budget - hidden_seconds(job, "busy_ns")), 0) : left;
}

void progress_note(json_t *job, const struct batch *batch, double visits_ahead, int64_t now_ms)
{
    double before = hidden_seconds(job, "busy_ns");
    account(job, batch);
    double busy = hidden_seconds(job, "busy_ns");
    if (!job_hidden(job, "started_ms")) job_set_hidden(job, "started_ms", now_ms - (int64_t)((busy - before) * 1000));
    double elapsed = (double)(now_ms - job_hidden(job, "started_ms")) / 1000;
    double left = seconds_left(job, visits_ahead);
    set_seconds(job, "device_s", busy);
    set_seconds(job, "elapsed_s", elapsed);
    if (!isfinite(left) || busy <= 0) return;
    left = bounded_left(job, left);
    set_seconds(job, "eta_s", left * fmax(elapsed / busy, 1));
    json_object_set_new(job, "progress", json_real(round(busy / (busy + left) * 1000) / 1000));
}
