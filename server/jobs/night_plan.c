/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/night_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/nights.h"
#include "server/jobs/internal.h"
#include "server/jobs/night_rows.h"

/* The covering subnets of a space are the same for ever: a night is held against others in them. */
static const uint64_t cover_seed = 0x6e69676874;
/* What a visit costs beyond its runs, and what packing a weight does, as in progress.c. */
static const double overhead = 1.2, ns_per_weight = 6;
enum { WARMUP_MIN = 2, WARMUP_MAX = 6, CONFIRM_VISITS = PLAN_CONTEXTS * NIGHT_ROUNDS };

/* A covering subnet, or a layer by itself. */
struct stock {
    const json_t *network; /* borrowed from stocks.networks */
    uint64_t context;
    size_t *rows; /* numbers of its different rows; owned */
    size_t row_count;
    double visit_s, build_s;
    bool in_core; /* of the few that hold every row once */
    int visits;
};

struct stocks {
    json_t *networks; /* owned, as the next */
    json_t *sentinel; /* NULL: nothing fits */
    struct stock *items;
    size_t count;
    struct night_rows rows;
    double shipped_s;
    size_t shipped_count, shipped_left_out;
};

static void stocks_clear(struct stocks *s)
{
    for (size_t i = 0; s->items && i < s->count; i++) free(s->items[i].rows);
    free(s->items);
    json_decref(s->networks);
    json_decref(s->sentinel);
    night_rows_clear(&s->rows);
}

void night_plan_clear(struct night_plan *plan)
{
    json_decref(plan->networks);
    *plan = (struct night_plan){0};
}

static enum lathe_status have_nothing(void *context, const char *layer_text, struct plan_have *out,
                                      struct lathe_error *err)
{
    (void)context, (void)layer_text, (void)out, (void)err;
    return LATHE_OK;
}

static enum lathe_status cover_space(struct kv_txn *txn, const struct night_choice *c, struct plan *out,
                                     struct lathe_error *err)
{
    struct board_room room;
    bool is_board = room_look_up(txn, c->table.device, &room);
    const struct plan_request request = {.space = c->space,
                                         .resolutions = c->resolutions,
                                         .resolution_count = c->resolution_count,
                                         .rounds = 1,
                                         .runs = 1,
                                         .seed = cover_seed,
                                         .room = is_board ? &room : NULL,
                                         .have = have_nothing};
    return plan_make(&request, out, err);
}

/* ---- what networks take ---- */

/* Seconds of a visit to something that runs so long. The agent warms up for 12 ms where two runs take less. */
static double visit_seconds(double run_ns)
{
    double warmup = fmin(fmax(ceil(WARM_MS * 1e6 / fmax(run_ns, 1)), WARMUP_MIN), WARMUP_MAX);
    return overhead * run_ns * (NIGHT_RUNS + warmup) / 1e9;
}

static double build_seconds(const json_t *layers)
{
    double params = 0;
    size_t i;
    const json_t *text;
    json_array_foreach(layers, i, text)
    {
        struct layer layer;
        if (!layer_parse(json_string_value(text), &layer, NULL)) params += (double)layer_params(&layer);
    }
    return params * ns_per_weight / 1e9;
}

static enum lathe_status network_ns(struct kv_txn *txn, const struct stocks *s, const json_t *layers, double *ns,
                                    struct lathe_error *err)
{
    size_t i;
    const json_t *text;
    enum lathe_status st = LATHE_OK;
    *ns = 0;
    json_array_foreach(layers, i, text)
    {
        double row_ns = 0;
        if (!st) st = night_row_ns(txn, &s->rows, json_string_value(text), &row_ns, err);
        *ns += row_ns;
    }
    return st;
}

/* ---- the stock ---- */

static enum lathe_status fill_stock(struct kv_txn *txn, const struct stocks *s, struct stock *stock,
                                    struct lathe_error *err)
{
    const json_t *layers = json_object_get(stock->network, "layers");
    double ns = 0;
    stock->context = strtoull(job_text(stock->network, "context"), NULL, 16);
    enum lathe_status st = night_rows_of(&s->rows, layers, &stock->rows, &stock->row_count, err);
    if (!st) st = network_ns(txn, s, layers, &ns, err);
    stock->visit_s = visit_seconds(ns);
    stock->build_s = build_seconds(layers);
    return st;
}

static enum lathe_status fill_stocks(struct kv_txn *txn, const struct plan *plan, const struct space *space,
                                     struct stocks *s, struct lathe_error *err)
{
    s->networks = json_array();
    for (size_t i = 0; i < plan->network_count; i++)
        json_array_append_new(s->networks, plan_describe_subnet(space, &plan->networks[i], "cover"));
    for (size_t i = 0; i < plan->row_count; i++)
        if (plan->rows[i].alone) json_array_append_new(s->networks, plan_describe_layer(plan->rows[i].text));
    if (plan->has_sentinel) s->sentinel = plan_describe_subnet(space, &plan->sentinel, "sentinel");
    s->items = calloc(json_array_size(s->networks) + 1, sizeof *s->items);
    if (!s->items || json_array_size(s->networks) != plan->network_count + plan->alone_count)
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    s->count = json_array_size(s->networks);
    enum lathe_status st = LATHE_OK;
    for (size_t i = 0; !st && i < s->count; i++) {
        s->items[i].network = json_array_get(s->networks, i);
        st = fill_stock(txn, s, &s->items[i], err);
        for (size_t k = 0; !st && k < s->items[i].row_count; k++) s->rows.items[s->items[i].rows[k]].contexts++;
    }
    return st;
}

static enum lathe_status read_stocks(struct kv_txn *txn, const struct night_choice *c, struct stocks *s,
                                     struct lathe_error *err)
{
    struct plan plan = {0};
    struct table_info info;
    enum lathe_status st = table_info(txn, c->table, 0, &info, err);
    if (st) return st;
    table_info_clear(&info);
    st = cover_space(txn, c, &plan, err);
    if (!st && !plan.row_count) st = error_field(err, "space", "nothing of the space fits device %s", c->table.device);
    if (!st) st = night_rows_init(&s->rows, txn, c->table, &plan, err);
    if (!st) st = fill_stocks(txn, &plan, c->space, s, err);
    plan_clear(&plan);
    return st;
}

/* ---- time enough ---- */

static int divide_up(int n, size_t by)
{
    return (n + (int)by - 1) / (int)by;
}

/* Visits to a network when a row in three contexts gets three rounds' worth: rows in fewer need more. */
static int visits_in_rounds(const struct stocks *s, const struct stock *stock, int rounds)
{
    int most = rounds;
    for (size_t i = 0; i < stock->row_count; i++) {
        int needs = divide_up(PLAN_CONTEXTS * rounds, s->rows.items[stock->rows[i]].contexts);
        if (needs > most) most = needs;
    }
    return most;
}

static double seconds_of(const struct stock *stock)
{
    return stock->visits ? stock->visits * stock->visit_s + stock->build_s : 0;
}

static double seconds_in_all(const struct stocks *s)
{
    double sum = s->shipped_s;
    for (size_t i = 0; i < s->count; i++) sum += seconds_of(&s->items[i]);
    return sum;
}

static void set_rounds(struct stocks *s, int rounds)
{
    for (size_t i = 0; i < s->count; i++) s->items[i].visits = visits_in_rounds(s, &s->items[i], rounds);
}

/* @return how many rounds of everything the budget holds; 0: fewer than a row needs. */
static int choose_all(struct stocks *s, double budget_s)
{
    const int least = NIGHT_VISITS / PLAN_CONTEXTS;
    int rounds = budget_s > 0 ? NIGHT_ROUNDS_MAX : NIGHT_ROUNDS;
    for (; rounds >= least; rounds--) {
        set_rounds(s, rounds);
        if (!(budget_s > 0) || seconds_in_all(s) <= budget_s) return rounds;
    }
    return 0;
}

/* ---- less ---- */

/* The networks that hold every row once: greedily those that add most rows, of equals the first. */
static void mark_core(struct stocks *s)
{
    for (;;) {
        struct stock *best = NULL;
        size_t most = 0;
        for (size_t i = 0; i < s->count; i++) {
            size_t adds = 0;
            for (size_t k = 0; k < s->items[i].row_count; k++) adds += !s->rows.items[s->items[i].rows[k]].taken;
            if (adds > most) best = &s->items[i];
            if (adds > most) most = adds;
        }
        if (!best) break;
        best->in_core = true;
        for (size_t k = 0; k < best->row_count; k++) s->rows.items[best->rows[k]].taken = true;
    }
    for (size_t i = 0; i < s->rows.count; i++) s->rows.items[i].taken = false;
}

static double worth_of(const struct stocks *s, const struct stock *stock)
{
    double sum = 0;
    for (size_t k = 0; k < stock->row_count; k++)
        if (!s->rows.items[stock->rows[k]].taken) sum += s->rows.items[stock->rows[k]].score;
    return sum / (NIGHT_VISITS * stock->visit_s + stock->build_s);
}

/* The network of the core that brings most in its time and fits into what is left. @param any it need not fit. */
static struct stock *next_of_core(const struct stocks *s, double left_s, bool any)
{
    struct stock *best = NULL;
    double most = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct stock *stock = &s->items[i];
        if (!stock->in_core || stock->visits) continue;
        if (!any && NIGHT_VISITS * stock->visit_s + stock->build_s > left_s) continue;
        double worth = worth_of(s, stock);
        if (worth > most) best = stock;
        if (worth > most) most = worth;
    }
    return best;
}

static void choose_some(struct stocks *s, double budget_s)
{
    struct stock *stock;
    bool any = s->shipped_count == 0;
    double left_s = budget_s - s->shipped_s;
    for (size_t i = 0; i < s->count; i++) s->items[i].visits = 0;
    mark_core(s);
    while ((stock = next_of_core(s, left_s, any))) {
        any = false;
        stock->visits = NIGHT_VISITS;
        left_s -= seconds_of(stock);
        for (size_t k = 0; k < stock->row_count; k++) s->rows.items[stock->rows[k]].taken = true;
    }
}

/* ---- shipped subnets ---- */

static json_t *describe_shipped(const json_t *shipped)
{
    return json_pack("{s:O,s:O,s:s,s:O,s:i}", "context", json_object_get(shipped, "context"), "layers",
                     json_object_get(shipped, "layers"), "role", "shipped", "shipped",
                     json_object_get(shipped, "shipped"), "visits", NIGHT_SHIPPED_VISITS);
}

static bool is_wanted(const json_t *ids, const json_t *shipped)
{
    size_t i;
    const json_t *id;
    if (!ids) return true;
    json_array_foreach(ids, i, id)
    {
        if (json_equal((json_t *)(uintptr_t)id, json_object_get(shipped, "shipped"))) return true;
    }
    return false;
}

/* @param only ids; NULL: all. @param most_s device time that they may take; 0: any. @param networks added to. */
static enum lathe_status add_shipped(struct kv_txn *txn, const json_t *all, const json_t *only, double most_s,
                                     struct stocks *s, json_t *networks, struct lathe_error *err)
{
    size_t i;
    const json_t *shipped;
    json_array_foreach(all, i, shipped)
    {
        const json_t *layers = json_object_get(shipped, "layers");
        double ns = 0;
        if (!is_wanted(only, shipped)) continue;
        enum lathe_status st = network_ns(txn, s, layers, &ns, err);
        if (st) return st;
        double seconds = NIGHT_SHIPPED_VISITS * visit_seconds(ns) + build_seconds(layers);
        if (most_s > 0 && s->shipped_s + seconds > most_s) {
            s->shipped_left_out++;
            continue;
        }
        json_array_append_new(networks, describe_shipped(shipped));
        s->shipped_s += seconds;
        s->shipped_count++;
    }
    return LATHE_OK;
}

/* ---- plans ---- */

static size_t count_measured(const struct stocks *s)
{
    size_t measured = 0;
    for (size_t row = 0; row < s->rows.count; row++) s->rows.items[row].visits = 0;
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->items[i].row_count; k++)
            s->rows.items[s->items[i].rows[k]].visits += s->items[i].visits;
    for (size_t row = 0; row < s->rows.count; row++) measured += s->rows.items[row].visits >= NIGHT_VISITS;
    return measured;
}

/* @param networks shipped ones so far; the others are added, and the sentinel. */
static enum lathe_status make_plan(const struct stocks *s, int rounds, json_t *networks, struct night_plan *out,
                                   struct lathe_error *err)
{
    size_t chosen = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!s->items[i].visits) continue;
        json_t *network = json_copy((json_t *)(uintptr_t)s->items[i].network);
        json_object_set_new(network, "visits", json_integer(s->items[i].visits));
        json_array_append_new(networks, network);
        chosen++;
    }
    if (json_array_size(networks) != chosen + s->shipped_count) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!json_array_size(networks)) return error_set(err, LATHE_NOT_FOUND, "there is nothing to measure");
    if (s->sentinel) json_array_append(networks, s->sentinel);
    *out = (struct night_plan){.networks = json_incref(networks),
                               .rounds = rounds,
                               .rows_total = s->rows.count,
                               .rows_measured = count_measured(s),
                               .shipped_left_out = s->shipped_left_out,
                               .estimate_s = seconds_in_all(s)};
    return LATHE_OK;
}

enum lathe_status night_plan_make(struct kv_txn *txn, const struct night_choice *c, struct night_plan *out,
                                  struct lathe_error *err)
{
    struct stocks s = {0};
    json_t *networks = json_array();
    enum lathe_status st = read_stocks(txn, c, &s, err);
    if (!st) st = add_shipped(txn, c->shipped, NULL, c->budget_s / 2, &s, networks, err);
    int rounds = st ? 0 : choose_all(&s, c->budget_s);
    if (!st && !rounds) {
        rounds = NIGHT_VISITS;
        st = night_rows_score(&s.rows, txn, c, err);
        if (!st) choose_some(&s, c->budget_s);
    }
    if (!st) st = make_plan(&s, rounds, networks, out, err);
    json_decref(networks);
    stocks_clear(&s);
    return st;
}

/* Whether a night has samples of a row in a network. */
struct context_search {
    uint64_t context;
    bool found;
};

static bool match_context(void *context, const char *source, const struct sample_context *around,
                          const struct sample *samples, size_t n)
{
    struct context_search *search = context;
    (void)source, (void)samples, (void)n;
    search->found = around->subnet == search->context;
    return !search->found;
}

/* Give the networks in which the night has a row their visits. */
static enum lathe_status choose_contexts(struct kv_txn *txn, const struct night_choice *c, size_t row, struct stocks *s,
                                         bool *holding, struct lathe_error *err)
{
    size_t contexts = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct context_search search = {.context = s->items[i].context};
        holding[i] = false;
        for (size_t k = 0; k < s->items[i].row_count; k++) holding[i] |= s->items[i].rows[k] == row;
        if (!holding[i]) continue;
        enum lathe_status st =
            table_samples(txn, c->table, c->version, s->rows.items[row].text, match_context, &search, err);
        if (st) return st;
        holding[i] = search.found;
        contexts += holding[i];
    }
    for (size_t i = 0; i < s->count; i++) {
        int needs = holding[i] ? divide_up(CONFIRM_VISITS, contexts) : 0;
        if (needs && needs < NIGHT_ROUNDS) needs = NIGHT_ROUNDS;
        if (needs > s->items[i].visits) s->items[i].visits = needs;
    }
    return LATHE_OK;
}

enum lathe_status night_plan_confirm(struct kv_txn *txn, const struct night_choice *c, const json_t *rows,
                                     const json_t *shipped, struct night_plan *out, struct lathe_error *err)
{
    struct stocks s = {0};
    size_t i;
    const json_t *text;
    bool *holding = NULL;
    json_t *networks = json_array();
    json_t *none = json_array();
    enum lathe_status st = read_stocks(txn, c, &s, err);
    if (!st) st = add_shipped(txn, c->shipped, shipped ? shipped : none, 0, &s, networks, err);
    if (!st) holding = calloc(s.count + 1, sizeof *holding);
    if (!st && !holding) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_array_foreach(rows, i, text)
    {
        size_t row = 0;
        if (!st && night_rows_find(&s.rows, json_string_value(text), &row))
            st = choose_contexts(txn, c, row, &s, holding, err);
    }
    if (!st) st = make_plan(&s, NIGHT_ROUNDS, networks, out, err);
    free(holding);
    json_decref(networks);
    json_decref(none);
    stocks_clear(&s);
    return st;
}
