/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Finding a subnet within the limits when chance does not: each limit's own least first, then descents of the excess
 * over all limits together, from those and from random subnets. */
#include <math.h>

#include "server/search/internal.h"

enum { DESCENTS = 40 };

/* How far a subnet is over the limits, relative to each; 0 when it is feasible. */
static double excess(const struct problem *p, const struct limits *limits, const struct subnet *s)
{
    double sum = 0;
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(limits, (enum cost)c);
        if (limit == INFINITY) continue;
        double over = problem_cost(p, (enum cost)c, s) - limit;
        if (over > 0) sum += over / limit;
    }
    return sum;
}

/* The best single change of a subnet. @return whether it got better. */
static bool step(const struct problem *p, const struct limits *limits, struct subnet *s, double *least)
{
    struct subnet best = *s;
    bool better = false;
    for (int d = 0; d < space_dim_count(p->space); d++) {
        const uint8_t *values;
        int count = problem_values(p, d, &values);
        struct subnet tried = *s;
        for (int i = 0; i < count; i++) {
            tried.at[d] = values[i];
            double now = excess(p, limits, &tried);
            if (now >= *least) continue;
            *least = now;
            best = tried;
            better = true;
        }
    }
    *s = best;
    return better;
}

enum lathe_status repair_find(const struct problem *p, const struct search_request *r, struct rng *rng,
                              struct subnet *out, struct lathe_error *err)
{
    for (int i = 0; i < COSTS + DESCENTS; i++) {
        struct subnet s;
        if (i < COSTS) problem_least(p, (enum cost)i, &s);
        else problem_random(p, rng, &s);
        double over = excess(p, &r->limits, &s);
        while (over > 0 && step(p, &r->limits, &s, &over)) {
            if (search_cancelled(r)) return error_set(err, LATHE_CANCELLED, "the search was cancelled");
        }
        if (!problem_feasible(p, &r->limits, &s)) continue;
        *out = s;
        return LATHE_OK;
    }
    return error_set(err, LATHE_INFEASIBLE,
                     "each limit can be met, but no subnet was found that meets all of them together: loosen one");
}
