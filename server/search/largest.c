/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The subnet with most MACs within the limits, for spaces that nobody has a predictor of. Of networks of one family
 * that fit a microcontroller, those that compute more are the more accurate ones as a rule: MCUNet's search chooses its
 * space by that (Lin et al., NeurIPS 2020, section 3.1).
 *
 * Evolution first. Then its best subnet climbs: the best change of one dimension or of two at once, until none gains.
 */
#include <math.h>

#include "server/search/internal.h"

struct climb {
    const struct problem *problem;
    const struct search_request *request;
    struct subnet at, best;
    double macs_m, best_macs_m;
    uint64_t tried;
};

static void try_subnet(struct climb *c, const struct subnet *s)
{
    double macs_m = problem_macs_m(c->problem, s);
    c->tried++;
    if (!(macs_m > c->best_macs_m) || !problem_feasible(c->problem, &c->request->limits, s)) return;
    c->best = *s;
    c->best_macs_m = macs_m;
}

/* Every value of dimension `dim` in a subnet, and of each later one beside it when `pairs`. */
static void try_changes(struct climb *c, const struct subnet *s, int dim, bool pairs)
{
    const uint8_t *values;
    int count = problem_values(c->problem, dim, &values);
    for (int i = 0; i < count; i++) {
        struct subnet changed = *s;
        if (values[i] == s->at[dim]) continue;
        changed.at[dim] = values[i];
        try_subnet(c, &changed);
        for (int d = dim + 1; pairs && d < space_dim_count(c->problem->space); d++) try_changes(c, &changed, d, false);
    }
}

static enum lathe_status climb(struct climb *c, struct lathe_error *err)
{
    do {
        c->at = c->best;
        c->macs_m = c->best_macs_m;
        for (int d = 0; d < space_dim_count(c->problem->space); d++) {
            try_changes(c, &c->at, d, true);
            if (search_cancelled(c->request)) return error_set(err, LATHE_CANCELLED, "the search was cancelled");
        }
    } while (c->best_macs_m > c->macs_m);
    return LATHE_OK;
}

static enum lathe_status run(const struct problem *p, const struct search_request *r, struct search_result *out,
                             struct lathe_error *err)
{
    enum lathe_status st = evolution_algorithm.run(p, r, out, err);
    if (st) return st;
    struct climb c = {.problem = p, .request = r, .best = out->subnet, .best_macs_m = problem_macs_m(p, &out->subnet)};
    st = climb(&c, err);
    if (st) return st;
    out->subnet = c.best;
    out->evaluations += c.tried;
    return LATHE_OK;
}

const struct search_algorithm largest_algorithm = {.name = "largest", .run = run};
