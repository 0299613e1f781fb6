/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How a device was when it measured last: condition/<device>. */
#include <math.h>

#include "lut/base/clock.h"
#include "server/jobs/batch.h"
#include "server/jobs/internal.h"

static json_t *known(const json_t *state, const char *name)
{
    json_t *value = json_object_get(state, name);
    return value ? json_incref(value) : json_null();
}

static json_t *celsius(const json_t *state)
{
    const json_t *kelvin = json_object_get(state, "temperature_k");
    if (!json_is_number(kelvin)) return json_null();
    return json_real(round((json_number_value(kelvin) - 273.15) * 100) / 100);
}

enum lathe_status condition_note(struct kv_txn *txn, const char *device, const struct batch *batch, int64_t now_ms,
                                 struct lathe_error *err)
{
    char now[25];
    const json_t *state = NULL;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->visits[i].state) state = batch->visits[i].state;
    if (!state) return LATHE_OK;
    clock_format(now_ms, now);
    json_t *condition =
        json_pack("{s:o,s:o,s:o,s:o,s:s}", "khz", known(state, "khz"), "temperature_c", celsius(state), "load",
                  known(state, "load"), "available_mb", known(state, "available_mb"), "at", now);
    if (!condition) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = store_put(txn, "condition", device, condition, err);
    json_decref(condition);
    return st;
}

json_t *jobs_device_condition(struct jobs *jobs, const char *device)
{
    json_t *condition = NULL;
    if (store_read(jobs->kv, "condition", device, &condition, NULL)) return json_null();
    json_object_del(condition, "schema");
    return condition;
}
