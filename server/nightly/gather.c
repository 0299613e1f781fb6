/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/gather.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/row_samples.h"
#include "server/spaces/layer_set.h"

/* ---- rows ---- */

/* The rows of a space and where each stands first. */
struct row_list {
    struct layer_set set;
    int *stages;
    size_t room;
    struct gathered *names; /* gets the stages' */
};

static enum lathe_status add_row(struct row_list *l, const struct layer *layer, int stage, struct lathe_error *err)
{
    int before = l->set.count;
    int number = layer_set_add(&l->set, layer);
    if (number < 0) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (number < before) return LATHE_OK;
    if ((size_t)number >= l->room) {
        size_t room = l->room ? 2 * l->room : 256;
        int *grown = realloc(l->stages, room * sizeof *grown);
        if (!grown) return error_set(err, LATHE_NO_MEMORY, "out of memory");
        l->stages = grown;
        l->room = room;
    }
    l->stages[number] = stage;
    return LATHE_OK;
}

/* "stage2.block3" is of "stage 2". */
static void name_stage(char name[STAGE_NAME_BYTES], const char *label)
{
    size_t letters = strcspn(label, "0123456789.");
    snprintf(name, STAGE_NAME_BYTES, "%.*s %.*s", (int)letters, label, (int)strcspn(label + letters, "."),
             label + letters);
}

static enum lathe_status add_slot(struct row_list *l, const struct space *space, int slot, struct subnet *s,
                                  struct lathe_error *err)
{
    struct space_choices choices;
    enum lathe_status st = LATHE_OK;
    int stage = space_slot(space, slot)->stage;
    if (stage >= NIGHTLY_MAX_STAGES) stage = -1;
    if (stage >= 0) name_stage(l->names->stages[stage], space_slot(space, slot)->label);
    space_choices_init(space, slot, &choices);
    for (int c = 0; !st && c < choices.count; c++) {
        struct layer layer;
        space_choose(&choices, c, s);
        if (space_slot_layer(space, s, slot, &layer)) st = add_row(l, &layer, stage, err);
    }
    return st;
}

static enum lathe_status list_rows(const struct space *space, const json_t *resolutions, struct row_list *out,
                                   struct lathe_error *err)
{
    int dim = space_resolution_dim(space);
    enum lathe_status st = LATHE_OK;
    size_t i;
    const json_t *resolution;
    json_array_foreach(resolutions, i, resolution)
    {
        struct subnet s = {0};
        int value = space_find_value(space, dim, json_number_value(resolution));
        if (value < 0)
            return error_set(err, LATHE_CONFLICT, "space %s has lost resolution %lld since the run began",
                             space_id(space), (long long)json_integer_value(resolution));
        s.at[dim] = (uint8_t)value;
        for (int slot = 0; !st && slot < space_slot_count(space); slot++) st = add_slot(out, space, slot, &s, err);
    }
    return st;
}

static enum lathe_status take_rows(struct gathered *g, const struct row_list *l, struct lathe_error *err)
{
    size_t n = (size_t)l->set.count;
    g->rows = calloc(n + 1, sizeof *g->rows);
    g->texts = calloc(n + 1, sizeof *g->texts);
    if (!g->rows || !g->texts) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) {
        char text[LAYER_TEXT_BYTES];
        layer_print(&l->set.layers[i], text);
        g->texts[i] = strdup(text);
        if (!g->texts[i]) return error_set(err, LATHE_NO_MEMORY, "out of memory");
        g->rows[i] = (struct nightly_row){.kind = (int)l->set.layers[i].kind, .stage = l->stages[i]};
        g->input.row_count = i + 1;
    }
    g->input.rows = g->rows;
    return LATHE_OK;
}

/* ---- sides ---- */

static bool context_number(struct gathered *g, uint64_t context, uint32_t *out)
{
    for (size_t i = 0; i < g->context_count; i++) {
        *out = (uint32_t)i;
        if (g->contexts[i] == context) return true;
    }
    if (g->context_count == g->context_room) {
        size_t room = g->context_room ? 2 * g->context_room : 64;
        uint64_t *grown = realloc(g->contexts, room * sizeof *grown);
        if (!grown) return false;
        g->contexts = grown;
        g->context_room = room;
    }
    *out = (uint32_t)g->context_count;
    g->contexts[g->context_count++] = context;
    return true;
}

static bool keep_visits(struct gathered *g, struct nightly_visit *visits)
{
    if (g->visit_lists == g->visit_room) {
        size_t room = g->visit_room ? 2 * g->visit_room : 1024;
        struct nightly_visit **grown = realloc(g->visits, room * sizeof(*grown));
        if (!grown) return false;
        g->visits = grown;
        g->visit_room = room;
    }
    g->visits[g->visit_lists++] = visits;
    return true;
}

/* "<job>.<visit>" of a source "<job>.<visit>.<position>": how long it is. */
static size_t visit_name(const char *source)
{
    const char *last = strrchr(source, '.');
    return last ? (size_t)(last - source) : strlen(source);
}

static bool of_job(const char *source, const char *job)
{
    size_t n = strlen(job);
    return !job[0] || (strncmp(source, job, n) == 0 && source[n] == '.');
}

/* What counts of a visit's runs. @return how many. */
static size_t add_up(const struct visit_samples *v, double *sum)
{
    size_t n = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (v->samples[i].use == SAMPLE_LEFT_OUT || !(v->samples[i].latency_ms > 0)) continue;
        *sum += v->samples[i].latency_ms;
        n++;
    }
    return n;
}

/* The visits of a job to a row; a layer that stands twice in a network is one visit.
 * @param job "" for all. */
static enum lathe_status side_of(struct gathered *g, const struct row_samples *samples, const char *job,
                                 struct nightly_side *out, struct lathe_error *err)
{
    struct nightly_visit *visits = malloc((samples->count + 1) * sizeof *visits);
    if (!visits || !keep_visits(g, visits)) {
        free(visits);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    size_t count = 0;
    for (size_t v = 0; v < samples->count;) {
        const struct visit_samples *first = &samples->visits[v];
        size_t name = visit_name(first->source);
        double sum = 0;
        size_t n = 0;
        bool wanted = of_job(first->source, job);
        for (; v < samples->count && visit_name(samples->visits[v].source) == name &&
               strncmp(samples->visits[v].source, first->source, name) == 0;
             v++)
            n += add_up(&samples->visits[v], &sum);
        if (!wanted || !n) continue;
        visits[count].ms = sum / (double)n;
        if (!context_number(g, first->around.subnet, &visits[count++].context))
            return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    *out = (struct nightly_side){visits, count};
    return LATHE_OK;
}

static enum lathe_status read_before(struct kv_txn *txn, const struct gathering *q, struct gathered *g, size_t row,
                                     struct lathe_error *err)
{
    struct row_samples samples = {0};
    enum lathe_status st = row_samples_read(txn, q->table, q->before, g->texts[row], &samples, err);
    if (!st) st = side_of(g, &samples, "", &g->rows[row].before, err);
    row_samples_clear(&samples);
    return st;
}

static enum lathe_status read_now(struct kv_txn *txn, const struct gathering *q, struct gathered *g, size_t row,
                                  struct lathe_error *err)
{
    struct row_samples samples = {0};
    enum lathe_status st = row_samples_read(txn, q->table, q->version, g->texts[row], &samples, err);
    size_t i;
    const json_t *job;
    json_array_foreach(q->jobs, i, job)
    {
        struct nightly_side *side = i ? &g->sides[(i - 1) * g->input.row_count + row] : &g->rows[row].now;
        if (!st) st = side_of(g, &samples, json_string_value(job), side, err);
    }
    row_samples_clear(&samples);
    return st;
}

static enum lathe_status make_rounds(const struct gathering *q, struct gathered *g, struct lathe_error *err)
{
    size_t n = json_array_size(q->jobs);
    n = n ? n - 1 : 0;
    g->rounds = calloc(n + 1, sizeof *g->rounds);
    g->sides = calloc(n * g->input.row_count + 1, sizeof *g->sides);
    if (!g->rounds || !g->sides) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) g->rounds[i].sides = &g->sides[i * g->input.row_count];
    g->input.rounds = g->rounds;
    g->input.round_count = n;
    return LATHE_OK;
}

/* ---- nights ---- */

static double load_of(const json_t *notes)
{
    const json_t *load = json_object_get(notes, "load");
    return json_is_number(load) ? json_number_value(load) : NAN;
}

static enum lathe_status speed_of(struct kv_txn *txn, struct table_id id, uint32_t version, double *sentinel_ms,
                                  double *load, struct lathe_error *err)
{
    struct table_scaling scaling;
    struct table_info info;
    enum lathe_status st = table_get_scaling(txn, id, version, &scaling, err);
    if (!st) st = table_info(txn, id, version, &info, err);
    if (st) return st;
    *sentinel_ms = scaling.reference_ns > 0 ? scaling.reference_ns / 1e6 : NAN;
    *load = load_of(info.notes);
    table_info_clear(&info);
    return LATHE_OK;
}

/* What others took during tonight's jobs, each by itself. */
static enum lathe_status read_loads(struct kv_txn *txn, const struct gathering *q, struct gathered *g,
                                    struct lathe_error *err)
{
    struct table_info info;
    enum lathe_status st = table_info(txn, q->table, q->version, &info, err);
    if (st) return st;
    for (size_t i = 0; i < json_array_size(q->jobs); i++) {
        size_t k;
        const json_t *told;
        double load = NAN;
        json_array_foreach(json_object_get(info.notes, "jobs"), k, told)
        {
            if (json_equal(json_object_get(told, "job"), json_array_get(q->jobs, i))) load = load_of(told);
        }
        if (i) g->rounds[i - 1].load = load;
        else g->input.load = load;
    }
    table_info_clear(&info);
    return LATHE_OK;
}

/* What a row took in an earlier night, as tonight's visits are looked at; where its samples have been thinned, as its
 * statistics say. NAN: it was not measured. */
static enum lathe_status typical_of(struct kv_txn *txn, const struct gathering *q, struct gathered *g, size_t row,
                                    uint32_t version, double *ms, struct lathe_error *err)
{
    struct row_samples samples = {0};
    struct nightly_side side = {0};
    struct latency latency;
    enum lathe_status st = row_samples_read(txn, q->table, version, g->texts[row], &samples, err);
    if (!st) st = side_of(g, &samples, "", &side, err);
    row_samples_clear(&samples);
    if (st) return st;
    *ms = nightly_typical_ms(&side);
    if (side.count) return LATHE_OK;
    st = table_get(txn, q->table, version, g->texts[row], &latency, err);
    *ms = st ? NAN : latency_best_ms(&latency);
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

static enum lathe_status read_nights(struct kv_txn *txn, const struct gathering *q, struct gathered *g,
                                     struct lathe_error *err)
{
    size_t all = json_array_size(q->nights);
    size_t skip = all > q->window ? all - q->window : 0;
    size_t n = all - skip;
    enum lathe_status st = LATHE_OK;
    g->nights = calloc(n + 1, sizeof *g->nights);
    g->histories = malloc((n * g->input.row_count + 1) * sizeof *g->histories);
    if (!g->nights || !g->histories) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; !st && i < n; i++) {
        const json_t *night = json_array_get(q->nights, skip + i);
        uint32_t version = (uint32_t)doc_int(night, "version");
        struct nightly_night *to = &g->nights[i];
        if (strcmp(doc_text(night, "run"), q->baseline_run) == 0) g->input.baseline = i;
        to->quiet = json_is_true(json_object_get(night, "quiet"));
        st = speed_of(txn, q->table, version, &to->sentinel_ms, &to->load, err);
        for (size_t row = 0; !st && row < g->input.row_count; row++)
            st = typical_of(txn, q, g, row, version, &g->histories[row * n + i], err);
    }
    for (size_t row = 0; n && row < g->input.row_count; row++) g->rows[row].history = &g->histories[row * n];
    g->input.nights = g->nights;
    g->input.night_count = n;
    return st;
}

enum lathe_status gather(struct kv_txn *txn, const struct gathering *q, struct gathered *out, struct lathe_error *err)
{
    struct row_list list = {.names = out};
    *out = (struct gathered){0};
    layer_set_init(&list.set);
    enum lathe_status st = list_rows(q->space, q->resolutions, &list, err);
    if (!st) st = take_rows(out, &list, err);
    if (!st) st = make_rounds(q, out, err);
    for (size_t row = 0; !st && row < out->input.row_count; row++) {
        st = read_before(txn, q, out, row, err);
        if (!st) st = read_now(txn, q, out, row, err);
    }
    if (!st) st = read_nights(txn, q, out, err);
    if (!st) st = speed_of(txn, q->table, q->before, &out->input.sentinel_before_ms, &out->input.load_before, err);
    if (!st) st = speed_of(txn, q->table, q->version, &out->input.sentinel_ms, &out->input.load, err);
    if (!st) st = read_loads(txn, q, out, err);
    layer_set_clear(&list.set);
    free(list.stages);
    return st;
}

void gathered_clear(struct gathered *g)
{
    for (size_t i = 0; g->texts && i < g->input.row_count; i++) free(g->texts[i]);
    for (size_t i = 0; i < g->visit_lists; i++) free(g->visits[i]);
    free(g->texts);
    free(g->rows);
    free(g->nights);
    free(g->rounds);
    free(g->sides);
    free(g->histories);
    free(g->visits);
    free(g->contexts);
}
