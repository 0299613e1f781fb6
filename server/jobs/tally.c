/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How many samples a profile has taken, and what became of them: "samples" of its document. */
#include <math.h>

#include "server/jobs/batch.h"
#include "server/jobs/internal.h"

static void add_hidden(json_t *job, const char *name, int64_t n)
{
    job_set_hidden(job, name, job_hidden(job, name) + n);
}

/* Of the runs of a whole network those in which the thread lost its core. */
static int64_t disturbed_runs(const struct batch_visit *v)
{
    int64_t n = 0;
    for (size_t run = 0; run < v->runs; run++) {
        bool disturbed = v->disturbed;
        for (size_t at = run * v->layers; at < (run + 1) * v->layers; at++) disturbed = disturbed || v->preempted[at];
        n += disturbed;
    }
    return n;
}

void tally_visit(json_t *job, const struct batch_visit *v, bool by_layers)
{
    int64_t preempted = 0;
    for (size_t i = 0; by_layers && i < v->runs * v->layers; i++) preempted += v->preempted[i] > 0;
    add_hidden(job, "samples_taken", (int64_t)(by_layers ? v->runs * v->layers : v->runs));
    add_hidden(job, "samples_preempted", by_layers ? preempted : disturbed_runs(v));
}

static int64_t left_out_of(const struct latency *l)
{
    return (int64_t)l->samples - (int64_t)l->count;
}

void tally_row(json_t *job, const struct latency *before, const struct latency *now)
{
    add_hidden(job, "samples_left_out", left_out_of(now) - (before ? left_out_of(before) : 0));
}

void tally_show(json_t *job)
{
    int64_t taken = job_hidden(job, "samples_taken");
    int64_t left_out = job_hidden(job, "samples_left_out");
    double busy_s = (double)job_hidden(job, "busy_ns") / 1e9;
    json_t *rate = busy_s > 0 ? json_real(round(10 * (double)taken / busy_s) / 10) : json_null();
    /* Below 0: samples of former profiles that were left out came to count again. */
    json_object_set_new(job, "samples",
                        json_pack("{s:I,s:I,s:I,s:o}", "taken", (json_int_t)taken, "preempted",
                                  (json_int_t)job_hidden(job, "samples_preempted"), "left_out",
                                  (json_int_t)(left_out > 0 ? left_out : 0), "rate_per_s", rate));
}
