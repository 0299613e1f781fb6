/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/planner.h"

#include <stdlib.h>
#include <string.h>

#include "server/jobs/cover.h"

/* Rounds of one resolution that are visited in one go. A device drifts, so rounds ought to be far apart; but each
 * change of resolution makes a runner pack other weights (a third of a gigabyte, close to a second for OFA's space),
 * and all resolutions together fit few memories. Two rounds at a time spread eight rounds over four quarters of the
 * campaign for a few percent of its time. */
enum { ROUNDS_A_SITTING = 2 };

/* How many more subnets a row needs: for its contexts, and for as many samples as a full profile takes of it. */
static int deficit_of(const struct plan_request *q, const struct plan_have *have, int contexts)
{
    uint64_t a_network = (uint64_t)q->rounds * (uint64_t)q->runs;
    uint64_t wanted = have->precise ? 0 : a_network * (uint64_t)contexts;
    int deficit = have->contexts < (uint32_t)contexts ? contexts - (int)have->contexts : 0;
    int by_samples = have->samples < wanted ? (int)((wanted - have->samples + a_network - 1) / a_network) : 0;
    return by_samples > deficit ? by_samples : deficit;
}

static void leave_out(const struct grid_row *row, struct plan *plan)
{
    struct plan_left_out *out = &plan->left_out[plan->left_out_count++];
    memcpy(out->text, row->text, sizeof out->text);
    out->arena_bytes = row->arena_bytes;
    out->flash_bytes = row->flash_bytes;
    out->refusal = row->refusal;
}

static size_t count_fitting(const struct grid *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->row_count; i++) n += grid_row_fits(g, &g->rows[i]);
    return n;
}

static enum lathe_status find_missing(const struct plan_request *q, struct grid *g, struct rng *rng, struct plan *plan,
                                      struct lathe_error *err)
{
    plan->rows = calloc(g->row_count ? g->row_count : 1, sizeof *plan->rows);
    plan->left_out = calloc(g->row_count ? g->row_count : 1, sizeof *plan->left_out);
    if (!plan->rows || !plan->left_out) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < g->row_count; i++) {
        struct grid_row *row = &g->rows[i];
        struct plan_have have = {0};
        if (!grid_row_fits(g, row)) {
            leave_out(row, plan);
            continue;
        }
        plan->rows_total++;
        enum lathe_status st = q->have(q->context, row->text, &have, err);
        if (st) return st;
        int contexts = cover_contexts(g, row, PLAN_CONTEXTS, rng);
        bool alone = contexts == 0;
        int deficit = deficit_of(q, &have, alone ? 1 : contexts);
        if (!deficit) continue;
        if (!alone) {
            row->deficit = deficit;
            row->contexts = contexts;
        }
        struct plan_row *missing = &plan->rows[plan->row_count++];
        memcpy(missing->text, row->text, sizeof missing->text);
        missing->contexts = alone ? 1 : contexts;
        missing->alone = alone;
        plan->alone_count += alone;
    }
    return LATHE_OK;
}

/* Draws for a held-out subnet that is not in the plan already. */
enum { HELD_OUT_TRIES = 50 };

static bool is_in(const struct subnet *items, size_t n, const struct subnet *s)
{
    for (size_t i = 0; i < n; i++)
        if (subnet_equal(&items[i], s)) return true;
    return false;
}

/* Draw subnets of one resolution that the plan does not have yet. */
static void draw(const struct grid *g, int resolution, int count, bool held_out, struct rng *rng, struct plan *plan)
{
    for (int i = 0; i < count; i++) {
        for (int tries = 0; tries < HELD_OUT_TRIES; tries++) {
            struct subnet s;
            space_random(g->space, rng, &s);
            s.at[space_resolution_dim(g->space)] = g->resolutions[resolution];
            if (!grid_shrink(g, resolution, NULL, rng, &s)) break;
            space_canonicalise(g->space, &s);
            if (is_in(plan->networks, plan->network_count, &s)) continue;
            plan->held_out[plan->network_count] = held_out;
            plan->networks[plan->network_count++] = s;
            break;
        }
    }
}

/* The middle value of each dimension, or less where that does not fit. @return false: nothing fits. */
static bool choose_sentinel(const struct grid *g, struct rng *rng, struct subnet *out)
{
    for (int r = g->resolution_count / 2; r >= 0; r--) {
        struct subnet s = {0};
        for (int dim = 0; dim < space_dim_count(g->space); dim++)
            s.at[dim] = (uint8_t)(space_dim(g->space, dim)->count / 2);
        s.at[space_resolution_dim(g->space)] = g->resolutions[r];
        if (!grid_shrink(g, r, NULL, rng, &s)) continue;
        space_canonicalise(g->space, &s);
        *out = s;
        return true;
    }
    return false;
}

/* A resolution's part of something that is for all of them. */
static int share_of(int all, const struct grid *g, int resolution)
{
    return all * (resolution + 1) / g->resolution_count - all * resolution / g->resolution_count;
}

/* Put covering and held-out subnets together. @param cover for each resolution in turn, from starts[r] on; starts are
 * moved to where the resolution's networks stand in the plan. */
static enum lathe_status gather_networks(const struct plan_request *q, const struct grid *g, const struct cover *cover,
                                         size_t *starts, struct rng *rng, struct plan *plan, struct lathe_error *err)
{
    size_t most = cover->count + (size_t)q->held_out + (size_t)q->random + 1;
    plan->networks = malloc(sizeof *plan->networks * most);
    plan->held_out = calloc(most, sizeof *plan->held_out);
    if (!plan->networks || !plan->held_out) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    size_t from = 0;
    for (int r = 0; r < g->resolution_count; r++) {
        size_t n = starts[r + 1] - from;
        if (n) memcpy(plan->networks + plan->network_count, cover->items + from, n * sizeof *cover->items);
        from = starts[r + 1];
        plan->network_count += n;
        /* Held-out ones first: a small space may have hardly any others. */
        if (cover->count || q->only_held_out) draw(g, r, share_of(q->held_out, g, r), true, rng, plan);
        if (cover->count) draw(g, r, share_of(q->random, g, r), false, rng, plan);
        starts[r + 1] = plan->network_count;
    }
    plan->has_sentinel = choose_sentinel(g, rng, &plan->sentinel);
    return LATHE_OK;
}

/* A round of a resolution's networks, those held out or the others. @return how many. */
static size_t put_round(const struct plan *plan, size_t from, size_t to, bool held_out, struct rng *rng, uint32_t *out)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        if (plan->held_out[i] == held_out) out[n++] = (uint32_t)i;
    rng_shuffle(rng, out, n);
    return n;
}

/* Visits to the held-out subnets of a resolution, each subnet's in a row: as a measurement visits its network, for
 * which the table is to be right. A network that others come between is 1 to 3% slower, since its weights have left the
 * caches. Each sitting has some of them: visits within a tenth of a second find the same neighbours, and agree where
 * they are all wrong by as much. */
static size_t put_blocks(const struct plan *plan, size_t from, size_t to, int rounds, struct rng *rng, uint32_t *out)
{
    size_t n = put_round(plan, from, to, true, rng, out);
    for (size_t i = n; i-- > 0;)
        for (int k = rounds; k-- > 0;) out[i * (size_t)rounds + (size_t)k] = out[i];
    return n * (size_t)rounds;
}

/* @param starts for each resolution the first of its networks, and one more for the end. */
static enum lathe_status order_visits(const struct plan_request *q, const size_t *starts, int resolutions,
                                      struct rng *rng, struct plan *plan, struct lathe_error *err)
{
    size_t total = plan->network_count * (size_t)q->rounds;
    plan->visits = malloc(sizeof *plan->visits * (total ? total : 1));
    if (!plan->visits) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    uint32_t *next = plan->visits;
    for (int round = 0; round < q->rounds; round += ROUNDS_A_SITTING) {
        for (int r = 0; r < resolutions; r++) {
            for (int i = round; i < round + ROUNDS_A_SITTING && i < q->rounds; i++)
                next += put_round(plan, starts[r], starts[r + 1], false, rng, next);
            int rounds = q->rounds - round < ROUNDS_A_SITTING ? q->rounds - round : ROUNDS_A_SITTING;
            next += put_blocks(plan, starts[r], starts[r + 1], rounds, rng, next);
        }
    }
    plan->visit_count = total;
    return LATHE_OK;
}

enum lathe_status plan_make(const struct plan_request *q, struct plan *out, struct lathe_error *err)
{
    struct plan plan = {0};
    struct cover cover = {0};
    struct grid g;
    struct rng rng;
    size_t starts[SPACE_MAX_VALUES + 1] = {0};
    if (q->rounds < 1 || q->rounds > PLAN_MAX_ROUNDS)
        return error_field(err, "rounds", "rounds must be 1 to %d", PLAN_MAX_ROUNDS);
    if (q->runs < 1 || q->runs > PLAN_MAX_RUNS) return error_field(err, "runs", "runs must be 1 to %d", PLAN_MAX_RUNS);
    if (q->held_out < 0 || q->held_out > PLAN_MAX_HELD_OUT)
        return error_field(err, "held_out", "held_out must be 0 to %d", PLAN_MAX_HELD_OUT);
    if (q->random < 0 || q->random > PLAN_MAX_RANDOM)
        return error_field(err, "random", "random must be 0 to %d", PLAN_MAX_RANDOM);
    rng_seed(&rng, q->seed);
    enum lathe_status st = grid_init(&g, q->space, q->resolutions, q->resolution_count, q->room, err);
    if (st) goto out;
    if (q->only_held_out) plan.rows_total = count_fitting(&g);
    else st = find_missing(q, &g, &rng, &plan, err);
    for (int r = 0; !st && !q->only_held_out && r < g.resolution_count; r++) {
        st = cover_resolution(&g, r, &rng, &cover, err);
        starts[r + 1] = cover.count;
    }
    if (st) goto out;
    st = gather_networks(q, &g, &cover, starts, &rng, &plan, err);
    if (!st) st = order_visits(q, starts, g.resolution_count, &rng, &plan, err);
    if (st) goto out;
    *out = plan;
    plan = (struct plan){0};
out:
    free(cover.items);
    plan_clear(&plan);
    grid_clear(&g);
    return st;
}

void plan_clear(struct plan *plan)
{
    free(plan->networks);
    free(plan->held_out);
    free(plan->visits);
    free(plan->rows);
    free(plan->left_out);
    *plan = (struct plan){0};
}
