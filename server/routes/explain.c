/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SLOWEST = 5 };

/* A core of a server under load, its share of memory included: an assumption, between 4 W (360 W over 96 cores) and 15.
 * The rest is from Strubell, Ganesh and McCallum, "Energy and Policy Considerations for Deep Learning in NLP", ACL
 * 2019: the data centres' power usage effectiveness, 0.954 pounds of CO2e a kWh (average of the United States), and
 * 626,155 pounds for one neural architecture search of a Transformer with the training of what it tried, "five cars'
 * lifetimes", which once-for-all's paper compares with. Patterson et al., "Carbon Emissions and Large Neural Network
 * Training", 2021, put that search far lower, and answers say so. */
static const double CORE_W = 10;
static const double PUE = 1.58;
static const double GRID_G_PER_KWH = 0.954 * 453.59237;
static const double CONVENTIONAL_KG = 626155 * 0.45359237;

/* ---- where the time goes ---- */

struct part {
    int slot;
    double latency_ms;
};

static int slowest_first(const void *a, const void *b)
{
    const struct part *p = a;
    const struct part *q = b;
    if (p->latency_ms != q->latency_ms) return p->latency_ms > q->latency_ms ? -1 : 1;
    return p->slot - q->slot;
}

static json_t *slowest_json(const struct problem *problem, const struct subnet *s, double total_ms)
{
    const struct space *space = problem_space(problem);
    struct part parts[SPACE_MAX_SLOTS];
    struct layer layer;
    json_t *list = json_array();
    int n = 0;
    for (int slot = 0; slot < space_slot_count(space); slot++)
        if (space_slot_layer(space, s, slot, &layer))
            parts[n++] = (struct part){slot, problem_slot_latency_ms(problem, s, slot)};
    qsort(parts, (size_t)n, sizeof *parts, slowest_first);
    for (int i = 0; i < n && i < SLOWEST; i++) {
        char text[LAYER_TEXT_BYTES];
        space_slot_layer(space, s, parts[i].slot, &layer);
        layer_print(&layer, text);
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:f}", "slot", space_slot(space, parts[i].slot)->label,
                                              "layer", text, "latency_ms", parts[i].latency_ms, "share",
                                              parts[i].latency_ms / total_ms));
    }
    return list;
}

/* The part of a slot's label before the dot: "stage2" of "stage2.block3". */
static json_t *stage_name(const struct space_slot *slot)
{
    return json_stringn(slot->label, strcspn(slot->label, "."));
}

static json_t *stages_json(const struct problem *problem, const struct subnet *s, double total_ms)
{
    const struct space *space = problem_space(problem);
    json_t *list = json_array();
    json_t *last = NULL;
    for (int slot = 0; slot < space_slot_count(space); slot++) {
        double latency_ms = problem_slot_latency_ms(problem, s, slot);
        json_t *name = stage_name(space_slot(space, slot));
        if (last && json_equal(json_object_get(last, "stage"), name)) {
            latency_ms += json_number_value(json_object_get(last, "latency_ms"));
            json_decref(name);
        } else {
            last = json_pack("{s:o}", "stage", name);
            json_array_append_new(list, last);
        }
        json_object_set_new(last, "latency_ms", json_real(latency_ms));
        json_object_set_new(last, "share", json_real(latency_ms / total_ms));
    }
    return list;
}

/* ---- what is left, and what comes next ---- */

static json_t *limit_json(double limit, double used, bool from_board)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:s}", "limit", limit, "used", used, "left", limit - used, "left_share",
                     1 - used / limit, "from", from_board ? "board" : "request");
}

static json_t *limits_json(const struct ask *a, const struct subnet *s)
{
    const struct question *q = &a->question;
    json_t *limits = json_object();
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(&a->search.limits, (enum cost)c);
        if (limit < INFINITY)
            json_object_set_new(limits, cost_name((enum cost)c),
                                limit_json(limit, problem_cost(q->problem, (enum cost)c, s), a->from_board[c]));
    }
    return limits;
}

static json_t *next_json(const struct ask *a, const struct search_result *r)
{
    const struct problem *p = a->question.problem;
    if (!r->has_next) return json_null();
    json_t *extra = json_object();
    json_t *next = json_pack("{s:f, s:f}", "top1", r->next_top1, "top1_gain", r->next_top1 - r->top1);
    question_put_costs(&a->question, &r->next, next);
    for (int c = 0; c < COST_OTHER_LATENCY; c++)
        json_object_set_new(
            extra, cost_name((enum cost)c),
            json_real(problem_cost(p, (enum cost)c, &r->next) - problem_cost(p, (enum cost)c, &r->subnet)));
    json_object_set_new(next, "extra", extra);
    json_object_set_new(next, "subnet", subnet_to_json(a->question.space, &r->next));
    return next;
}

json_t *explain_answer(const struct ask *a, const struct search_result *r)
{
    const struct problem *p = a->question.problem;
    return json_pack("{s:o, s:o, s:o, s:o}", "stages", stages_json(p, &r->subnet, r->latency_ms), "slowest_layers",
                     slowest_json(p, &r->subnet, r->latency_ms), "limits", limits_json(a, &r->subnet), "next",
                     next_json(a, r));
}

json_t *explain_effort(uint64_t evaluations, double cpu_ms)
{
    double energy_j = cpu_ms / 1e3 * CORE_W * PUE;
    json_t *factors =
        json_pack("{s:f, s:f, s:f, s:s}", "core_w", CORE_W, "pue", PUE, "grid_g_per_kwh", GRID_G_PER_KWH, "source",
                  "PUE and grid: Strubell et al., ACL 2019 (average of the United States); "
                  "watts a core: an assumption");
    json_t *conventional = json_pack("{s:f, s:s}", "co2e_kg", CONVENTIONAL_KG, "source",
                                     "one neural architecture search of a Transformer, Strubell et al., ACL 2019; "
                                     "Patterson et al., 2021, estimate it far lower");
    return json_pack("{s:I, s:f, s:f, s:f, s:o, s:o}", "evaluations", (json_int_t)evaluations, "cpu_ms", cpu_ms,
                     "energy_j", energy_j, "co2e_g", energy_j / 3.6e6 * GRID_G_PER_KWH, "factors", factors,
                     "conventional_nas", conventional);
}
