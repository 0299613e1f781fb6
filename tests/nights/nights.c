/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "tests/nights/nights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/nights/recording.h"

struct sim_visits {
    struct nightly_visit visits[SIM_VISITS];
    size_t count;
};

/* What a row has of its own. */
struct sim_row {
    int kind, stage, resolution, layer;
    size_t networks[SIM_NETWORKS]; /* that hold it */
    size_t network_count;
    double base;                  /* logarithm of ms */
    double context[SIM_NETWORKS]; /* added in each network */
    double spread;                /* of a visit */
    double between;               /* of nights, as a share of the typical row's */
    double mode;                  /* distance of the second one; 0 without */
    bool by_night;                /* which mode it is in changes with the night */
};

/* What a night has by itself. */
struct sim_night_state {
    double row[SIM_ROWS];
    size_t recorded;
};

struct sim {
    struct rng rng;
    struct sim_noise noise;
    struct sim_row rows[SIM_ROWS];
    struct sim_visits before[SIM_ROWS], now[SIM_ROWS];
    struct sim_visits again[NIGHTLY_MAX_ROUNDS][SIM_ROWS];
    struct nightly_side again_sides[NIGHTLY_MAX_ROUNDS][SIM_ROWS];
    struct nightly_round rounds[NIGHTLY_MAX_ROUNDS];
    struct nightly_row compared[SIM_ROWS];
    double history[SIM_ROWS][SIM_NIGHTS];
    struct nightly_night nights[SIM_NIGHTS];
    size_t night_count;
    bool measured[SIM_RESOLUTIONS][SIM_NETWORKS]; /* by the confirmation under way */
    struct nightly_input input;
};

struct sim_noise sim_noise_default(void)
{
    return (struct sim_noise){.level = 0.1, .row = 0.005, .cell = 0.003, .bimodal = 0.05, .shifted = 0.02};
}

/* Box and Muller. */
static double normal(struct rng *r)
{
    return sqrt(-2 * log(1 - rng_unit(r))) * cos(2 * acos(-1) * rng_unit(r));
}

static void lay_out(struct sim_row *row, int layer)
{
    static const int others[] = {SIM_CONV, SIM_CONV, SIM_CONV, SIM_MBCONV, SIM_POOL, SIM_LINEAR};
    const int others_count = sizeof others / sizeof others[0];
    row->layer = layer;
    row->stage = layer < others_count ? -1 : (layer - others_count) / 18;
    row->kind = layer < others_count ? others[layer] : SIM_MBCONV;
    for (size_t n = 0; n < SIM_NETWORKS; n++)
        if (row->stage < 0 || (int)(n % 9) == layer % 9) row->networks[row->network_count++] = n;
}

static void draw_row(struct sim *s, struct sim_row *row)
{
    struct rng *r = &s->rng;
    row->base = log(0.05) + normal(r);
    for (size_t n = 0; n < SIM_NETWORKS; n++) row->context[n] = 0.03 * normal(r);
    row->spread = fmin(0.135, 0.025 * exp(0.26 * normal(r)));
    if (rng_unit(r) < 0.01) row->spread = 0.135;
    row->between = exp(0.4 * normal(r));
    if (rng_unit(r) < s->noise.bimodal) {
        row->mode = 0.03 + 0.05 * rng_unit(r);
        row->by_night = rng_below(r, 2);
    }
}

static void take_recorded(struct sim *s, struct sim_row *row)
{
    row->kind = s->noise.recorded->layers[row->layer].kind;
    row->stage = s->noise.recorded->layers[row->layer].stage;
}

struct sim *sim_new(uint64_t seed, const struct sim_noise *noise)
{
    struct sim *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    rng_seed(&s->rng, seed);
    s->noise = *noise;
    for (int i = 0; i < SIM_ROWS; i++) {
        s->rows[i].resolution = i / SIM_LAYERS;
        lay_out(&s->rows[i], i % SIM_LAYERS);
        draw_row(s, &s->rows[i]);
        if (noise->recorded) take_recorded(s, &s->rows[i]);
    }
    return s;
}

void sim_free(struct sim *s)
{
    free(s);
}

static void draw_night(struct sim *s, const struct sim_change *change, struct sim_night_state *out)
{
    struct rng *r = &s->rng;
    double level = s->noise.level * normal(r);
    double cell[SIM_KINDS][SIM_STAGES + 1];
    for (int k = 0; k < SIM_KINDS; k++)
        for (int g = 0; g <= SIM_STAGES; g++) cell[k][g] = s->noise.cell * normal(r);
    out->recorded = s->noise.recorded ? rng_below(r, (uint32_t)s->noise.recorded->nights) : 0;
    for (int i = 0; i < SIM_ROWS; i++) {
        const struct sim_row *row = &s->rows[i];
        double on_purpose =
            change->device + change->kind[row->kind] + (row->stage >= 0 ? change->stage[row->stage] : 0);
        double own = level + cell[row->kind][row->stage + 1] + s->noise.row * row->between * normal(r);
        if (row->by_night && rng_unit(r) < 0.3) own += row->mode;
        out->row[i] = on_purpose + (s->noise.recorded ? 0 : own);
    }
}

/* What a visit has that all rows in it share: it fell into a shift of the level that the sentinel saw too late. */
static void draw_visits(struct sim *s, double shared[SIM_RESOLUTIONS][SIM_NETWORKS][SIM_ROUNDS])
{
    for (int k = 0; k < SIM_RESOLUTIONS; k++) {
        for (int n = 0; n < SIM_NETWORKS; n++) {
            for (int v = 0; v < SIM_ROUNDS; v++) {
                double x = 0.004 * normal(&s->rng);
                if (rng_unit(&s->rng) < s->noise.shifted) x += 0.2 * (rng_unit(&s->rng) - 0.3);
                shared[k][n][v] = x;
            }
        }
    }
}

/* Half of a run's deviation is its visit's; a few are far off, most of them slower. */
static double visit_noise(struct sim *s, const struct sim_row *row)
{
    double x = 0.75 * row->spread * normal(&s->rng);
    if (rng_unit(&s->rng) < 0.03) x += row->spread * (2 + 8 * rng_unit(&s->rng)) * (rng_unit(&s->rng) < 0.8 ? 1 : -1);
    if (row->mode > 0 && !row->by_night && rng_unit(&s->rng) < 0.3) x += row->mode;
    return x;
}

/* Visits drawn with replacement from those of the same network in a recorded night. */
static void draw_recorded(struct sim *s, size_t i, const struct sim_night_state *night, struct sim_visits *out)
{
    const struct recorded_row *r = &s->noise.recorded->night[night->recorded][s->rows[i].layer];
    for (size_t n = 0; n < r->networks; n++) {
        for (size_t v = 0; v < r->visits[n]; v++) {
            double ms = r->ms[n][rng_below(&s->rng, (uint32_t)r->visits[n])];
            out->visits[out->count++] = (struct nightly_visit){ms * exp(night->row[i]), r->network[n]};
        }
    }
}

static void draw_row_visits(struct sim *s, size_t i, const struct sim_night_state *night, const bool *measured,
                            double shared[SIM_NETWORKS][SIM_ROUNDS], struct sim_visits *out)
{
    const struct sim_row *row = &s->rows[i];
    for (size_t k = 0; k < row->network_count; k++) {
        size_t n = row->networks[k];
        if (measured && !measured[n]) continue;
        for (size_t v = 0; v < SIM_ROUNDS; v++) {
            double x = row->base + row->context[n] + night->row[i] + shared[n][v] + visit_noise(s, row);
            out->visits[out->count++] =
                (struct nightly_visit){exp(x), (uint32_t)(row->resolution * SIM_NETWORKS + (int)n)};
        }
    }
}

/* @param some measure the networks of s->measured only. */
static void measure(struct sim *s, const struct sim_night_state *night, bool some, struct sim_visits *out)
{
    double shared[SIM_RESOLUTIONS][SIM_NETWORKS][SIM_ROUNDS];
    draw_visits(s, shared);
    for (size_t i = 0; i < SIM_ROWS; i++) {
        int resolution = s->rows[i].resolution;
        out[i].count = 0;
        if (s->noise.recorded) {
            draw_recorded(s, i, night, &out[i]);
        } else {
            draw_row_visits(s, i, night, some ? s->measured[resolution] : NULL, shared[resolution], &out[i]);
        }
    }
}

static struct nightly_side side_of(const struct sim_visits *v)
{
    return (struct nightly_side){v->visits, v->count};
}

/* A night is over: it is history. */
static void remember(struct sim *s, const struct sim_visits *visits, bool quiet)
{
    if (s->night_count == SIM_NIGHTS) abort();
    for (size_t i = 0; i < SIM_ROWS; i++) {
        struct nightly_side side = side_of(&visits[i]);
        s->history[i][s->night_count] = nightly_typical_ms(&side);
    }
    s->nights[s->night_count++] = (struct nightly_night){.sentinel_ms = NAN, .load = NAN, .quiet = quiet};
}

void sim_begin(struct sim *s)
{
    struct sim_night_state night;
    struct sim_change none = {0};
    s->night_count = 0;
    draw_night(s, &none, &night);
    measure(s, &night, false, s->before);
    remember(s, s->before, true);
}

void sim_pass(struct sim *s, const struct sim_change *change)
{
    struct sim_night_state night;
    draw_night(s, change, &night);
    measure(s, &night, false, s->now);
    remember(s, s->now, true);
}

static void set_up_input(struct sim *s)
{
    for (size_t i = 0; i < SIM_ROWS; i++) {
        s->compared[i] = (struct nightly_row){.kind = s->rows[i].kind,
                                              .stage = s->rows[i].stage,
                                              .before = side_of(&s->before[i]),
                                              .now = side_of(&s->now[i]),
                                              .history = s->history[i]};
    }
    s->input = (struct nightly_input){.rows = s->compared,
                                      .row_count = SIM_ROWS,
                                      .nights = s->nights,
                                      .night_count = s->night_count,
                                      .sentinel_before_ms = NAN,
                                      .sentinel_ms = NAN,
                                      .load_before = NAN,
                                      .load = NAN,
                                      .rounds = s->rounds};
}

/* Of groups, nine networks of each resolution are enough; of a row, those that hold it. */
static void choose_networks(struct sim *s, const struct nightly_decision *d)
{
    memset(s->measured, 0, sizeof s->measured);
    for (size_t i = 0; i < d->count; i++) {
        const struct nightly_finding *f = &d->findings[i];
        if (f->verdict != NIGHTLY_AGAIN) continue;
        if (f->scope == NIGHTLY_ROW) {
            const struct sim_row *row = &s->rows[f->group];
            for (size_t n = 0; n < row->network_count; n++) s->measured[row->resolution][row->networks[n]] = true;
            continue;
        }
        for (int k = 0; k < SIM_RESOLUTIONS; k++)
            for (int n = 0; n < 9; n++) s->measured[k][n] = true;
    }
}

enum lathe_status sim_night(struct sim *s, const struct sim_change *change, const struct nightly_settings *settings,
                            struct nightly_decision *out, struct lathe_error *err)
{
    struct sim_night_state night;
    draw_night(s, change, &night);
    measure(s, &night, false, s->now);
    set_up_input(s);
    enum lathe_status st = nightly_decide(&s->input, settings, out, err);
    while (!st && out->again && s->input.round_count < settings->rounds) {
        size_t r = s->input.round_count++;
        choose_networks(s, out);
        measure(s, &night, true, s->again[r]);
        for (size_t i = 0; i < SIM_ROWS; i++) s->again_sides[r][i] = side_of(&s->again[r][i]);
        s->rounds[r] = (struct nightly_round){.sides = s->again_sides[r], .load = NAN};
        nightly_decision_clear(out);
        st = nightly_decide(&s->input, settings, out, err);
    }
    bool quiet = true;
    for (size_t i = 0; !st && i < out->count; i++) quiet = quiet && out->findings[i].verdict != NIGHTLY_HOLDS;
    if (!st) remember(s, s->now, quiet);
    return st;
}

const struct nightly_input *sim_input(const struct sim *s)
{
    return &s->input;
}

size_t sim_nights(const struct sim *s)
{
    return s->night_count;
}
