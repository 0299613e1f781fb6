/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Documents of runs. */
#include <stdio.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/nightly/internal.h"

const char *doc_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

int64_t doc_int(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

double doc_number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

void doc_set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, text ? json_string(text) : json_null());
}

void doc_set_int(json_t *object, const char *name, int64_t value)
{
    json_object_set_new(object, name, json_integer(value));
}

void doc_set_number(json_t *object, const char *name, double value)
{
    json_object_set_new(object, name, json_real(value));
}

json_t *doc_hidden(json_t *object)
{
    return json_object_get(object, "hidden");
}

bool target_ended(const json_t *target)
{
    const char *state = doc_text(target, "state");
    return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0;
}

bool run_ended(const json_t *run)
{
    return strcmp(doc_text(run, "state"), "running") != 0;
}

json_t *run_target(json_t *run, const char *device, const char *config)
{
    size_t i;
    json_t *target;
    json_array_foreach(json_object_get(run, "targets"), i, target)
    {
        if (strcmp(doc_text(target, "device"), device) == 0 && strcmp(doc_text(target, "config"), config) == 0)
            return target;
    }
    return NULL;
}

bool run_same_rows(const json_t *a, const json_t *b)
{
    return strcmp(doc_text(a, "space"), doc_text(b, "space")) == 0 &&
           json_equal(json_object_get(a, "resolutions"), json_object_get(b, "resolutions"));
}

struct id_list {
    json_t *ids;
    size_t head;
};

static bool add_id(void *context, struct kv_slice key, struct kv_slice value)
{
    struct id_list *list = context;
    (void)value;
    json_array_append_new(list->ids, json_stringn((const char *)key.data + list->head, key.size - list->head));
    return true;
}

enum lathe_status run_ids(struct kv_txn *txn, const char *kind, json_t **out, struct lathe_error *err)
{
    char prefix[32];
    int n = snprintf(prefix, sizeof prefix, "%s/", kind);
    struct id_list list = {json_array(), (size_t)n};
    enum lathe_status st = kv_scan(txn, prefix, NULL, add_id, &list, err);
    if (st) json_decref(list.ids);
    else *out = list.ids;
    return st;
}

/* ---- the end ---- */

struct tally {
    int slower, faster, subnets, failed, open;
};

static void count_findings(const json_t *findings, struct tally *t)
{
    size_t i;
    const json_t *f;
    json_array_foreach(findings, i, f)
    {
        bool slower = strcmp(doc_text(f, "direction"), "slower") == 0;
        t->slower += slower;
        t->faster += !slower;
        t->subnets += slower && strcmp(doc_text(f, "scope"), "subnet") == 0;
    }
}

static enum lathe_status count_run(struct kv_txn *txn, const json_t *run, struct tally *t, struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    size_t i;
    const json_t *target;
    *t = (struct tally){0};
    json_array_foreach(json_object_get(run, "targets"), i, target)
    {
        json_t *findings = NULL;
        t->failed += strcmp(doc_text(target, "state"), "failed") == 0;
        t->open += !target_ended(target);
        if (!st)
            st = findings_get(txn, doc_text(run, "id"), doc_text(target, "device"), doc_text(target, "config"),
                              &findings, err);
        count_findings(findings, t);
        json_decref(findings);
    }
    return st;
}

static void conclude(json_t *run, const struct tally *t)
{
    char now[25];
    const char *outcome = t->slower ? "regression" : t->failed ? "incomplete" : t->faster ? "faster" : "unchanged";
    clock_format(clock_wall_ms(), now);
    doc_set_text(run, "state", "done");
    doc_set_text(run, "ended", now);
    doc_set_int(doc_hidden(run), "ended_ms", clock_wall_ms());
    doc_set_text(run, "outcome", outcome);
    doc_set_int(run, "exit_code", t->slower ? 5 : t->failed ? 6 : 0);
}

/* The share of the work that is behind, and what the slowest target still needs. */
static void sum_progress(json_t *run)
{
    double progress = 0;
    double eta_s = 0;
    size_t i;
    const json_t *target;
    const json_t *targets = json_object_get(run, "targets");
    json_array_foreach(targets, i, target)
    {
        progress += target_ended(target) ? 1 : doc_number(target, "progress");
        if (!target_ended(target) && doc_number(target, "eta_s") > eta_s) eta_s = doc_number(target, "eta_s");
    }
    doc_set_number(run, "progress", json_array_size(targets) ? progress / (double)json_array_size(targets) : 1);
    if (eta_s > 0) doc_set_number(run, "eta_s", eta_s);
    else json_object_set_new(run, "eta_s", json_null());
}

enum lathe_status run_save(struct kv_txn *txn, json_t *run, struct lathe_error *err)
{
    struct tally t;
    char key[64];
    enum lathe_status st = count_run(txn, run, &t, err);
    if (st) return st;
    json_object_set_new(run, "counts",
                        json_pack("{s:i,s:i,s:i,s:i}", "slower", t.slower, "faster", t.faster, "subnets", t.subnets,
                                  "failed", t.failed));
    sum_progress(run);
    if (!t.open && !run_ended(run)) conclude(run, &t);
    snprintf(key, sizeof key, "active-run/%s", doc_text(run, "id"));
    if (run_ended(run)) {
        st = kv_delete(txn, KV_KEY(key), err);
        if (st == LATHE_NOT_FOUND) st = LATHE_OK;
    } else {
        st = kv_put(txn, KV_KEY(key), "", 0, err);
    }
    return st ? st : store_put(txn, "run", doc_text(run, "id"), run, err);
}

/* ---- findings ---- */

static void finding_id(char id[256], const char *run, const char *device, const char *config)
{
    snprintf(id, 256, "%s/%s/%s", run, device, config);
}

enum lathe_status findings_get(struct kv_txn *txn, const char *run, const char *device, const char *config,
                               json_t **out, struct lathe_error *err)
{
    char id[256];
    json_t *document = NULL;
    struct lathe_error why = {0};
    finding_id(id, run, device, config);
    enum lathe_status st = store_get(txn, "finding", id, &document, &why);
    if (st && st != LATHE_NOT_FOUND) {
        if (err) *err = why;
        return st;
    }
    const json_t *list = json_object_get(document, "findings");
    *out = list ? json_incref((json_t *)(uintptr_t)list) : json_array();
    json_decref(document);
    return LATHE_OK;
}

enum lathe_status findings_put(struct kv_txn *txn, const char *run, const char *device, const char *config,
                               const json_t *findings, struct lathe_error *err)
{
    char id[256];
    finding_id(id, run, device, config);
    json_t *document = json_pack("{s:O}", "findings", findings);
    enum lathe_status st =
        document ? store_put(txn, "finding", id, document, err) : error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_decref(document);
    return st;
}

/* ---- answers ---- */

static json_t *without(const json_t *object, const char *name)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)object);
    json_object_del(copy, name);
    return copy;
}

/* @param[in,out] number of the finding within the run. */
static void add_findings(json_t *list, const json_t *findings, bool rows, int *number)
{
    size_t i;
    const json_t *f;
    json_array_foreach(findings, i, f)
    {
        char id[16];
        json_t *copy = rows ? json_copy((json_t *)(uintptr_t)f) : without(f, "rows");
        snprintf(id, sizeof id, "%d", ++*number);
        doc_set_text(copy, "id", id);
        json_array_append_new(list, copy);
    }
}

enum lathe_status run_public(struct kv_txn *txn, const json_t *run, bool rows, json_t **out, struct lathe_error *err)
{
    json_t *answer = without(run, "hidden");
    json_t *targets = json_array();
    json_t *findings = json_array();
    int number = 0;
    enum lathe_status st = LATHE_OK;
    size_t i;
    const json_t *target;
    json_object_del(answer, "schema");
    json_array_foreach(json_object_get(run, "targets"), i, target)
    {
        json_t *own = NULL;
        json_array_append_new(targets, without(target, "hidden"));
        if (!st)
            st = findings_get(txn, doc_text(run, "id"), doc_text(target, "device"), doc_text(target, "config"), &own,
                              err);
        add_findings(findings, own, rows, &number);
        json_decref(own);
    }
    json_object_set_new(answer, "targets", targets);
    json_object_set_new(answer, "findings", findings);
    if (st) json_decref(answer);
    else *out = answer;
    return st;
}
