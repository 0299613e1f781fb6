/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/keep/keeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/log.h"

static const uint64_t HOUR_NS = UINT64_C(3600000000000);
static const uint64_t HURRY_NS = UINT64_C(600000000000); /* between sweeps of a store that is filling up */

struct keeper {
    struct kv *kv;
    int64_t keep_ms;
    uint64_t next_ns, hurry_ns; /* of keeper_tick() alone: when to sweep, and how soon while the store fills up */
    bool filling;               /* the same: at the last tick */
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    bool wanted, early;
    uint64_t sweeps;
};

static void tell(const struct keeper *k, const struct sweep_report *r)
{
    if (r->samples)
        log_event(LOG_INFO, "thinned samples=%zu rows=%zu older_than_days=%.1f", r->samples, r->rows,
                  (double)r->kept_ms / 86400e3);
    if (r->early)
        log_event(LOG_WARN, "the data folder has passed 80%% of its limit: samples go after %.1f days%s%s",
                  (double)r->kept_ms / 86400e3, k->keep_ms ? ", earlier than --keep-samples says" : "",
                  r->short_of_room ? "; that does not suffice: delete tables, or raise --data-limit" : "");
}

static void sweep(struct keeper *k)
{
    struct sweep_request request = {.keep_ms = k->keep_ms, .now_ms = clock_wall_ms(), .stop = &k->stop};
    struct sweep_report report = {0};
    struct lathe_error err = {0};
    if (sweep_samples(k->kv, &request, &report, &err)) log_event(LOG_ERROR, "failed to thin samples: %s", err.message);
    else tell(k, &report);
    pthread_mutex_lock(&k->lock);
    k->early = report.early;
    k->sweeps++;
    pthread_mutex_unlock(&k->lock);
}

static void *keeper_main(void *argument)
{
    struct keeper *k = argument;
    for (;;) {
        pthread_mutex_lock(&k->lock);
        while (!k->wanted && !atomic_load(&k->stop)) pthread_cond_wait(&k->work, &k->lock);
        k->wanted = false;
        pthread_mutex_unlock(&k->lock);
        if (atomic_load(&k->stop)) return NULL;
        sweep(k);
    }
}

enum lathe_status keeper_new(struct kv *kv, int64_t keep_ms, struct keeper **out, struct lathe_error *err)
{
    struct keeper *k = calloc(1, sizeof *k);
    if (!k) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    k->kv = kv;
    k->keep_ms = keep_ms;
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->work, NULL);
    int rc = pthread_create(&k->thread, NULL, keeper_main, k);
    if (!rc) {
        *out = k;
        return LATHE_OK;
    }
    pthread_cond_destroy(&k->work);
    pthread_mutex_destroy(&k->lock);
    free(k);
    return error_set(err, LATHE_NO_MEMORY, "can't start the thread that thins samples: %s", strerror(rc));
}

static bool is_filling(const struct keeper *k)
{
    struct kv_stats stats;
    kv_get_stats(k->kv, &stats);
    return stats.used_bytes > stats.limit_bytes / 100 * 80;
}

/* Once an hour, and as often as samples may get old. */
static uint64_t interval_ns(const struct keeper *k)
{
    uint64_t keep_ns = (uint64_t)k->keep_ms * 1000000;
    return keep_ns && keep_ns < HOUR_NS ? keep_ns : HOUR_NS;
}

void keeper_tick(struct keeper *k)
{
    uint64_t now = clock_now_ns();
    bool filling = is_filling(k);
    bool hurry = filling && (!k->filling || now >= k->hurry_ns);
    k->filling = filling;
    if (now < k->next_ns && !hurry) return;
    k->next_ns = now + interval_ns(k);
    k->hurry_ns = now + HURRY_NS;
    pthread_mutex_lock(&k->lock);
    k->wanted = true;
    pthread_cond_signal(&k->work);
    pthread_mutex_unlock(&k->lock);
}

void keeper_get_status(struct keeper *k, struct keeper_status *out)
{
    pthread_mutex_lock(&k->lock);
    *out = (struct keeper_status){.keep_ms = k->keep_ms, .early = k->early, .sweeps = k->sweeps};
    pthread_mutex_unlock(&k->lock);
}

void keeper_free(struct keeper *k)
{
    if (!k) return;
    pthread_mutex_lock(&k->lock);
    atomic_store(&k->stop, true);
    pthread_cond_signal(&k->work);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->work);
    pthread_mutex_destroy(&k->lock);
    free(k);
}
