/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/offers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- leases that there are ---- */

struct leases {
    const struct lease_request *request;
    json_t *held;  /* array: those that stay */
    json_t *ended; /* array: those that the asking agent does not know of any more */
};

/* An agent says which leases it has. Another that is in its name was lost on the way to it, or by a restart: no need to
 * wait until it expires. */
static bool is_forgotten(const struct lease_request *r, const json_t *lease)
{
    size_t i;
    const json_t *id;
    if (strcmp(job_text(lease, "agent"), r->agent) != 0 || strcmp(job_text(lease, "instance"), r->instance) != 0)
        return false;
    json_array_foreach(r->leases, i, id)
    {
        const char *text = json_string_value(id);
        if (text && strcmp(text, job_text(lease, "id")) == 0) return false;
    }
    return true;
}

static bool sort_lease(void *context, struct kv_slice key, struct kv_slice value)
{
    struct leases *all = context;
    (void)key;
    json_t *lease = json_loadb(value.data, value.size, 0, NULL);
    if (lease) json_array_append_new(is_forgotten(all->request, lease) ? all->ended : all->held, lease);
    return true;
}

static bool is_held(const struct leases *all, const char *device)
{
    size_t i;
    const json_t *lease;
    json_array_foreach(all->held, i, lease)
    {
        if (strcmp(job_text(lease, "device"), device) == 0) return true;
    }
    return false;
}

/* ---- where a device's work runs ---- */

/* Devices on one host share its processors, whatever user they log in as. */
static void print_place(const json_t *transport, const struct lease_request *r, char out[PLACE_BYTES])
{
    const char *type = job_text(transport, "type");
    if (strcmp(type, "serial") == 0) {
        /* Boards have processors of their own; a port is one board. */
        snprintf(out, PLACE_BYTES, "serial/%.64s/%s", r->machine[0] ? r->machine : r->agent,
                 job_text(transport, "port"));
        return;
    }
    if (strcmp(type, "ssh") != 0) {
        snprintf(out, PLACE_BYTES, "%s/%s", type, r->machine[0] ? r->machine : r->agent);
        return;
    }
    const char *destination = job_text(transport, "destination");
    const char *at = strchr(destination, '@');
    snprintf(out, PLACE_BYTES, "ssh/%s:%d", at ? at + 1 : destination, (int)job_int(transport, "port"));
    for (char *c = out; *c; c++) *c = (char)tolower((unsigned char)*c);
}

/* What the agent's configuration says goes before what the device says. */
static void print_cpus(const json_t *device, const struct lease_request *r, char out[CPUS_TEXT_BYTES])
{
    const char *own = json_string_value(json_object_get(r->cpus, job_text(device, "name")));
    snprintf(out, CPUS_TEXT_BYTES, "%s", own ? own : job_text(json_object_get(device, "transport"), "cpus"));
}

static bool cpus_overlap(const char *a, const char *b)
{
    cpu_set_t first;
    cpu_set_t second;
    cpu_set_t both;
    /* None are all; what can't be read is taken for all. */
    if (cpus_parse(a, &first, NULL) || cpus_parse(b, &second, NULL)) return true;
    CPU_AND(&both, &first, &second);
    return CPU_COUNT(&both) > 0;
}

/* Two campaigns on one core would measure each other. */
static bool is_in_the_way(const struct leases *all, const struct offer *offer)
{
    size_t i;
    const json_t *lease;
    json_array_foreach(all->held, i, lease)
    {
        if (strcmp(job_text(lease, "place"), offer->place) == 0 && cpus_overlap(job_text(lease, "cpus"), offer->cpus))
            return true;
    }
    return false;
}

/* ---- offers ---- */

void offer_clear(struct offer *offer)
{
    json_decref(offer->job);
    json_decref(offer->device);
    json_decref(offer->ended);
    *offer = (struct offer){0};
}

/* @return LATHE_NOT_FOUND when the agent may not work on this job now. */
static enum lathe_status consider(struct kv_txn *txn, const struct active_job *active, const struct leases *all,
                                  struct offer *out, struct lathe_error *err)
{
    struct offer offer = {0};
    enum lathe_status st = job_load(txn, active->kind, active->id, &offer.job, err);
    if (!st) st = store_get(txn, "device", job_text(offer.job, "device"), &offer.device, err);
    if (st) goto out;
    const char *of = json_string_value(json_object_get(offer.device, "agent"));
    print_place(json_object_get(offer.device, "transport"), all->request, offer.place);
    print_cpus(offer.device, all->request, offer.cpus);
    if (device_is_quarantined(offer.device) || (of && strcmp(of, all->request->agent) != 0) ||
        is_held(all, job_text(offer.job, "device")) || is_in_the_way(all, &offer))
        st = LATHE_NOT_FOUND;
out:
    if (st) offer_clear(&offer);
    else *out = offer;
    return st;
}

enum lathe_status offer_find(struct kv_txn *txn, const struct lease_request *request, struct offer *out,
                             struct lathe_error *err)
{
    struct leases all = {.request = request, .held = json_array(), .ended = json_array()};
    struct active_job *active = NULL;
    size_t n = 0;
    enum lathe_status st = kv_scan(txn, "lease/", NULL, sort_lease, &all, err);
    if (!st) st = job_list_active(txn, &active, &n, err);
    if (!st) {
        st = LATHE_NOT_FOUND;
        for (size_t i = 0; i < n && st == LATHE_NOT_FOUND; i++) st = consider(txn, &active[i], &all, out, err);
    }
    if (!st) out->ended = json_incref(all.ended);
    free(active);
    json_decref(all.held);
    json_decref(all.ended);
    return st;
}
