/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/further.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/rng.h"
#include "server/jobs/internal.h"

/* ROUNDS_MAX: visits that a row may have in all, in each of its contexts. AT_ONCE: that are planned for a row before
 * its interval is looked at again. ROWS_KNOWN: with an interval, before anything is forecast; of held-out subnets,
 * HELD_OUT_KNOWN. FORECASTS: how often it is made anew while the visits of a plan are done. */
enum { ROUNDS_MAX = 32, AT_ONCE = 6, HELD_OUT_AT_ONCE = 16, ROWS_KNOWN = 12, HELD_OUT_KNOWN = 5, FORECASTS = 32 };
/* How narrow a held-out subnet's interval is to be, beside a row's: the factor, of which all readings are multiples, is
 * the median of ten of them, and what they tell of the table's errors has theirs on top. */
static const double held_out_share = 0.75;
/* Student's t where there are many degrees of freedom: figures of rows are told by it, and what fewer cost comes on
 * top.
 */
static const double t_of_many = 1.96;
/* How alike rows are: the variance of the logarithm of what they need, before a campaign's own rows tell, and how much
 * that counts beside them. Of 96 rows in campaigns with XNNPACK and oneDNN it was 0.3 to 2.1. */
static const double usual_variance = 0.65;
static const double usual_weight = 10;

/* What mostly comes beyond the first rounds, as a share of them; for as long as rows were hardly visited twice. */
static const double usual_share = 0.14;

/* A row, or what stands for one: a held-out subnet as a whole. */
struct row_state {
    bool held_out;
    double visits, contexts, degrees;
    double needs;     /* visits for the interval that is asked, by this row alone; NAN: no interval yet */
    double remaining; /* visits that the plan still has for it */
    double deficit;
    bool wide;
};

struct holder {
    int number; /* of the network */
    bool held_out;
    uint32_t group;      /* networks of one input resolution, which share packed weights, have one */
    size_t first, count; /* in survey.members; a layer that occurs twice is there twice */
};

/* All rows of the covering subnets, and who holds them. */
struct survey {
    struct kv_txn *txn;
    const json_t *job;
    struct table_scaling scaling;
    json_t *index;  /* row -> its number */
    json_t *groups; /* stem -> group */
    struct row_state *rows;
    struct holder *holders;
    uint32_t *members;
    size_t row_count, row_room, holder_count, holder_room, member_count, member_room;
    enum lathe_status status;
    struct lathe_error *err;
};

static void survey_clear(struct survey *s)
{
    json_decref(s->index);
    json_decref(s->groups);
    free(s->rows);
    free(s->holders);
    free(s->members);
}

/* Room for one more. @return false when there is none; the survey has the error. */
static bool grow(struct survey *s, void *list, size_t count, size_t *room, size_t size)
{
    void **at = list;
    if (count < *room) return true;
    size_t more = *room ? 2 * *room : 128;
    void *grown = realloc(*at, more * size);
    if (!grown) {
        s->status = error_set(s->err, LATHE_NO_MEMORY, "out of memory");
        return false;
    }
    *at = grown;
    *room = more;
    return true;
}

static struct row_state state_of(const json_t *job, const struct latency *latency, bool held_out)
{
    struct row_state row = {.needs = NAN, .wide = true, .contexts = latency->contexts, .held_out = held_out};
    double share = json_number_value(json_object_get(job, "ci")) * (held_out ? held_out_share : 1);
    double asked = share * latency_best_ms(latency);
    row.visits = (double)latency->samples / fmax((double)job_int(job, "runs"), 1);
    row.degrees = fmax(row.visits - row.contexts, 1);
    if (!isfinite(latency->ci_ms) || asked <= 0) return row;
    row.wide = latency->ci_ms > asked;
    double ratio = latency->ci_ms / asked * t_of_many / student_t95((size_t)row.degrees);
    row.needs = row.visits * ratio * ratio;
    return row;
}

static bool add_row(struct survey *s, const char *text, size_t *number)
{
    const json_t *known = json_object_get(s->index, text);
    struct latency latency = {.ci_ms = NAN};
    *number = (size_t)json_integer_value(known);
    if (known) return true;
    if (!grow(s, &s->rows, s->row_count, &s->row_room, sizeof *s->rows)) return false;
    enum lathe_status st =
        table_get(s->txn, job_table(s->job), (uint32_t)job_hidden(s->job, "version"), text, &latency, s->err);
    if (st && st != LATHE_NOT_FOUND) {
        s->status = st;
        return false;
    }
    *number = s->row_count;
    s->rows[s->row_count++] = state_of(s->job, &latency, false);
    json_object_set_new(s->index, text, json_integer((json_int_t)*number));
    return true;
}

static uint32_t group_of(struct survey *s, const json_t *layers)
{
    const char *stem = json_string_value(json_array_get(layers, 0));
    if (!stem) return 0;
    if (!json_object_get(s->groups, stem))
        json_object_set_new(s->groups, stem, json_integer((json_int_t)json_object_size(s->groups)));
    return (uint32_t)json_integer_value(json_object_get(s->groups, stem));
}

static bool add_member(struct survey *s, struct holder *h, size_t row)
{
    if (!grow(s, &s->members, s->member_count, &s->member_room, sizeof *s->members)) return false;
    s->members[s->member_count++] = (uint32_t)row;
    h->count++;
    return true;
}

static bool add_rows(struct survey *s, struct holder *h, const json_t *layers)
{
    size_t i;
    const json_t *layer;
    json_array_foreach(layers, i, layer)
    {
        size_t row;
        if (!add_row(s, json_string_value(layer), &row) || !add_member(s, h, row)) return false;
    }
    return true;
}

/* Its figures come later: take_held_out(). */
static bool add_held_out(struct survey *s, struct holder *h)
{
    if (!grow(s, &s->rows, s->row_count, &s->row_room, sizeof *s->rows)) return false;
    s->rows[s->row_count] = state_of(s->job, &(struct latency){.ci_ms = NAN}, true);
    return add_member(s, h, s->row_count++);
}

static bool add_holder(void *context, int number, const json_t *network)
{
    struct survey *s = context;
    const json_t *layers = json_object_get(network, "layers");
    bool held_out = strcmp(job_text(network, "role"), "held_out") == 0;
    if (!held_out && strcmp(job_text(network, "role"), "cover") != 0) return true;
    if (!grow(s, &s->holders, s->holder_count, &s->holder_room, sizeof *s->holders)) return false;
    struct holder *h = &s->holders[s->holder_count++];
    *h =
        (struct holder){.number = number, .held_out = held_out, .group = group_of(s, layers), .first = s->member_count};
    return held_out ? add_held_out(s, h) : add_rows(s, h, layers);
}

/* What the held-out subnets took so far. */
static enum lathe_status take_held_out(struct survey *s, struct lathe_error *err)
{
    size_t n = 0;
    int numbers[PLAN_MAX_HELD_OUT];
    size_t rows[PLAN_MAX_HELD_OUT];
    struct latency latencies[PLAN_MAX_HELD_OUT];
    for (size_t i = 0; i < s->holder_count && n < PLAN_MAX_HELD_OUT; i++) {
        const struct holder *h = &s->holders[i];
        if (!h->held_out) continue;
        numbers[n] = h->number;
        rows[n++] = s->members[h->first];
    }
    enum lathe_status st =
        n ? marks_latencies(s->txn, job_text(s->job, "id"), numbers, n, &s->scaling, latencies, err) : LATHE_OK;
    for (size_t i = 0; !st && i < n; i++)
        if (latencies[i].count) s->rows[rows[i]] = state_of(s->job, &latencies[i], true);
    return st;
}

static enum lathe_status survey_take(struct kv_txn *txn, const json_t *job, struct survey *s, struct lathe_error *err)
{
    *s = (struct survey){.txn = txn, .job = job, .index = json_object(), .groups = json_object(), .err = err};
    enum lathe_status st =
        table_get_scaling(txn, job_table(job), (uint32_t)job_hidden(job, "version"), &s->scaling, err);
    if (!st) st = plan_networks(txn, job_text(job, "id"), add_holder, s, err);
    if (!st) st = s->status;
    return st ? st : take_held_out(s, err);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* By what a figure of few degrees of freedom has to be divided for its median to be right (Wilson and Hilferty's cube
 * for chi-squared). */
static double median_of_chi(double degrees)
{
    return pow(1 - 2 / (9 * degrees), 3);
}

/* The variance that chance gives to the logarithm of a figure of so many degrees: trigamma, near enough. */
static double chance_of(double degrees)
{
    double half = degrees / 2;
    return 1 / half + 1 / (2 * half * half);
}

/* What rows need, all together: the logarithm of it is normal around that of the middle one. */
struct population {
    double middle, variance; /* middle: NAN while too few rows are known */
};

/* Rows, and the held-out subnets, which are alike among themselves. */
struct populations {
    struct population rows, held_out;
};

/* A few disturbed rows don't move the middle one. */
static double middle_of(const struct survey *s, bool held_out)
{
    size_t n = 0;
    double *known = malloc((s->row_count + 1) * sizeof *known);
    if (!known) return NAN;
    for (size_t i = 0; i < s->row_count; i++) {
        const struct row_state *row = &s->rows[i];
        if (row->held_out == held_out && isfinite(row->needs)) known[n++] = row->needs / median_of_chi(row->degrees);
    }
    qsort(known, n, sizeof *known, by_size);
    double middle = n >= (held_out ? HELD_OUT_KNOWN : ROWS_KNOWN) ? known[n / 2] : NAN;
    free(known);
    return middle;
}

/* Each row's squared distance from the middle, without what chance gives to it, weighted by how sure that is. */
static struct population population_of(const struct survey *s, bool held_out)
{
    struct population p = {.middle = middle_of(s, held_out), .variance = usual_variance};
    double sum = usual_weight * usual_variance;
    double weights = usual_weight;
    if (!isfinite(p.middle) || p.middle <= 0) return p;
    for (size_t i = 0; i < s->row_count; i++) {
        const struct row_state *row = &s->rows[i];
        if (row->held_out != held_out || !(row->needs > 0)) continue;
        double chance = chance_of(row->degrees);
        double far = log(row->needs / median_of_chi(row->degrees) / p.middle);
        double weight = 1 / ((chance + usual_variance) * (chance + usual_variance));
        sum += weight * (far * far - chance);
        weights += weight;
    }
    p.variance = fmax(sum / weights, 0.1);
    return p;
}

static struct populations populations_of(const struct survey *s)
{
    return (struct populations){population_of(s, false), population_of(s, true)};
}

/* What one row may need, by its own figure and the others': again, the logarithm is normal. */
struct belief {
    double median, variance;
};

static struct belief drawn(const struct row_state *row, const struct populations *all)
{
    const struct population *p = row->held_out ? &all->held_out : &all->rows;
    if (!isfinite(row->needs)) return (struct belief){p->middle, p->variance};
    if (!isfinite(p->middle) || p->middle <= 0) return (struct belief){row->needs, 0};
    double chance = chance_of(row->degrees);
    double own = p->variance / (p->variance + chance);
    return (struct belief){p->middle * pow(row->needs / median_of_chi(row->degrees) / p->middle, own), own * chance};
}

/* Visits until a row's interval is as asked, where it would take so many if its spread were what is told and t were
 * that of many. */
static double with_few_degrees(const struct row_state *row, double visits)
{
    double degrees = fmax(fmax(visits, row->visits + row->remaining) - row->contexts, 1);
    double t = student_t95((size_t)degrees) / t_of_many;
    return visits * t * t;
}

/* A row's interval is by its own figure, which later visits move only slowly to what is true of it: what it needs in
 * the end lies between, the nearer to its own figure the fewer visits are still to come. */
static struct belief in_the_end(const struct row_state *row, const struct belief *truth)
{
    struct belief end = *truth;
    for (int i = 0; isfinite(row->needs) && i < 3; i++) {
        double more = fmax(fmax(row->visits + row->remaining, end.median) - row->visits, 0);
        double new = more / (row->degrees + more);
        end.median = (1 - new) * row->needs + new * truth->median;
        end.variance = truth->variance * new *new;
    }
    end.median = with_few_degrees(row, end.median);
    return end;
}

static double normal_below(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

/* The mean of what a row needs beyond some visits: of a lognormal variable's excess over a threshold. */
static double excess(const struct belief *b, double visits)
{
    if (!(b->median > 0) || visits <= 0) return 0;
    double deviation = sqrt(b->variance);
    if (deviation < 1e-6) return fmax(b->median - visits, 0);
    double d = log(b->median / visits) / deviation;
    return b->median * exp(b->variance / 2) * normal_below(d + deviation) - visits * normal_below(d);
}

static double most_visits(const struct row_state *row)
{
    return ROUNDS_MAX * fmax(row->contexts, 1);
}

/* How much a visit would give to rows in need. */
static double gain_of(const struct survey *s, const struct holder *h)
{
    double gain = 0;
    for (size_t i = 0; i < h->count; i++) gain += fmax(fmin(s->rows[s->members[h->first + i]].deficit, 1), 0);
    return gain;
}

/* The holder that gives most; of equals any. @return NULL when no row is in need. */
static const struct holder *best_holder(const struct survey *s, struct rng *rng, double *gained)
{
    const struct holder *best = NULL;
    double most = 0.01;
    uint32_t equals = 1;
    for (size_t i = 0; i < s->holder_count; i++) {
        double gain = gain_of(s, &s->holders[i]);
        if (gain < most || (gain == most && rng_below(rng, ++equals) != 0)) continue;
        if (gain > most) equals = 1;
        most = gain;
        best = &s->holders[i];
    }
    *gained = most;
    return best;
}

static void count_visit(struct survey *s, const struct holder *h)
{
    for (size_t i = 0; i < h->count; i++) s->rows[s->members[h->first + i]].deficit -= 1;
}

/* Choose visits until no row is in need. @param visits of each holder; NULL is allowed. @return how many; one for less
 * than a row's need is as likely as that. */
static double choose_visits(struct survey *s, struct rng *rng, uint32_t *visits)
{
    double n = 0;
    double gain;
    const struct holder *h;
    while ((h = best_holder(s, rng, &gain))) {
        count_visit(s, h);
        if (visits) visits[h - s->holders]++;
        n += fmin(gain, 1);
    }
    return n;
}

/* All visits to the holders of a group that are held out or that are not, one holder after the other. */
static size_t list_visits(const struct survey *s, const uint32_t *visits, uint32_t group, bool held_out, uint32_t *list)
{
    size_t n = 0;
    for (size_t i = 0; i < s->holder_count; i++) {
        const struct holder *h = &s->holders[i];
        for (uint32_t k = 0; h->group == group && h->held_out == held_out && k < visits[i]; k++)
            list[n++] = (uint32_t)h->number;
    }
    return n;
}

/* Put visits in an order: resolution by resolution, those of covering subnets shuffled, then those of held-out ones in
 * blocks. */
static enum lathe_status order(const struct survey *s, const uint32_t *visits, struct rng *rng, json_t *out,
                               struct lathe_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < s->holder_count; i++) total += visits[i];
    uint32_t *list = malloc((total + 1) * sizeof *list);
    if (!list) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (uint32_t group = 0; group < json_object_size(s->groups); group++) {
        size_t n = list_visits(s, visits, group, false, list);
        rng_shuffle(rng, list, n);
        n += list_visits(s, visits, group, true, list + n);
        for (size_t i = 0; i < n; i++) json_array_append_new(out, json_integer(list[i]));
    }
    free(list);
    return LATHE_OK;
}

static void set_deficits(struct survey *s, size_t *wide)
{
    struct populations all = populations_of(s);
    for (size_t i = 0; i < s->row_count; i++) {
        struct row_state *row = &s->rows[i];
        row->deficit = 0;
        *wide += row->wide && !row->held_out;
        if (!row->wide || row->visits >= most_visits(row)) continue;
        struct belief truth = drawn(row, &all);
        double needs = in_the_end(row, &truth).median;
        double more = fmin(ceil(needs - row->visits), most_visits(row) - row->visits);
        row->deficit = isfinite(more) ? fmax(fmin(more, row->held_out ? HELD_OUT_AT_ONCE : AT_ONCE), 1) : 1;
    }
}

/* How wide a row is that may be visited further: visits that it needs over those that it has had. */
static double width_of(const struct row_state *row)
{
    if (row->visits >= most_visits(row)) return 0;
    return isfinite(row->needs) && row->visits > 0 ? row->needs / row->visits : 0;
}

static bool holds(const struct survey *s, const struct holder *h, size_t row)
{
    for (size_t i = 0; i < h->count; i++)
        if (s->members[h->first + i] == row) return true;
    return false;
}

static double width_held(const struct survey *s, const struct holder *h)
{
    double sum = 0;
    for (size_t i = 0; i < h->count; i++) sum += width_of(&s->rows[s->members[h->first + i]]);
    return sum;
}

/* Of those that hold the widest row the one whose rows are widest together. @return NULL: none may be visited. */
static const struct holder *widest_holder(const struct survey *s)
{
    const struct holder *best = NULL;
    size_t widest = 0;
    for (size_t i = 1; i < s->row_count; i++)
        if (width_of(&s->rows[i]) > width_of(&s->rows[widest])) widest = i;
    if (!s->row_count || width_of(&s->rows[widest]) <= 0) return NULL;
    for (size_t i = 0; i < s->holder_count; i++) {
        const struct holder *h = &s->holders[i];
        if (holds(s, h, widest) && (!best || width_held(s, h) > width_held(s, best))) best = h;
    }
    return best;
}

static void choose_widest(struct survey *s, size_t most, uint32_t *visits)
{
    const struct holder *h;
    for (size_t n = 0; n < most && (h = widest_holder(s)); n++) {
        for (size_t i = 0; i < h->count; i++) s->rows[s->members[h->first + i]].visits += 1;
        visits[h - s->holders]++;
    }
}

/* @param filling 0: for rows in need, else so many for the widest ones. */
static enum lathe_status plan_further(struct kv_txn *txn, const json_t *job, size_t filling, struct further *out,
                                      struct lathe_error *err)
{
    struct survey s;
    struct rng rng;
    size_t wide = 0;
    uint32_t *visits = NULL;
    json_t *list = json_array();
    enum lathe_status st = survey_take(txn, job, &s, err);
    if (!st) visits = calloc(s.holder_count + 1, sizeof *visits);
    if (!st && !visits) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (st) goto out;
    rng_seed(&rng, (uint64_t)job_int(job, "seed") + (uint64_t)job_int(job, "visits_total"));
    set_deficits(&s, &wide);
    if (filling > 0) choose_widest(&s, filling, visits);
    else choose_visits(&s, &rng, visits);
    st = order(&s, visits, &rng, list, err);
    if (st) goto out;
    *out = (struct further){.visits = list, .wide = wide};
    list = NULL;
out:
    json_decref(list);
    free(visits);
    survey_clear(&s);
    return st;
}

enum lathe_status further_visits(struct kv_txn *txn, const json_t *job, struct further *out, struct lathe_error *err)
{
    return plan_further(txn, job, 0, out, err);
}

enum lathe_status further_filling(struct kv_txn *txn, const json_t *job, size_t most, struct further *out,
                                  struct lathe_error *err)
{
    return plan_further(txn, job, most, out, err);
}

/* What the plan still has for each row. */
static enum lathe_status note_remaining(struct survey *s, struct lathe_error *err)
{
    json_t *left = NULL;
    size_t i;
    const json_t *visit;
    enum lathe_status st = plan_next(s->txn, job_text(s->job, "id"), SIZE_MAX, &left, err);
    json_array_foreach(left, i, visit)
    {
        for (size_t h = 0; h < s->holder_count; h++) {
            const struct holder *holder = &s->holders[h];
            if (holder->number != job_int(visit, "network")) continue;
            for (size_t k = 0; k < holder->count; k++) s->rows[s->members[holder->first + k]].remaining += 1;
        }
    }
    json_decref(left);
    return st;
}

/* How far rows' own figures can be gone by: from nothing after five quarters of a round to wholly after two. */
static double confidence_of(const json_t *job)
{
    double rounds = (double)job_int(job, "visits_done") / fmax((double)job_int(job, "networks"), 1);
    return fmin(fmax((rounds - 1.25) / 0.75, 0), 1);
}

static enum lathe_status forecast(struct kv_txn *txn, const json_t *job, double *visits, struct lathe_error *err)
{
    struct survey s;
    struct rng rng;
    double confidence = confidence_of(job);
    *visits = (1 - confidence) * usual_share * (double)job_int(job, "visits_total");
    if (confidence <= 0) return LATHE_OK;
    enum lathe_status st = survey_take(txn, job, &s, err);
    if (!st) st = note_remaining(&s, err);
    if (!st) {
        struct populations all = populations_of(&s);
        for (size_t i = 0; i < s.row_count; i++) {
            struct row_state *row = &s.rows[i];
            struct belief truth = drawn(row, &all);
            struct belief belief = in_the_end(row, &truth);
            double planned = row->visits + row->remaining;
            row->deficit = fmin(excess(&belief, planned), fmax(most_visits(row) - planned, 0));
        }
        rng_seed(&rng, 0);
        *visits += confidence * choose_visits(&s, &rng, NULL);
    }
    survey_clear(&s);
    return st;
}

/* A forecast reads the whole plan, and results come every moment. */
static bool forecast_holds(const json_t *job)
{
    int64_t total = job_int(job, "visits_total");
    int64_t since = job_int(job, "visits_done") - job_hidden(job, "forecast_done");
    return job_hidden(job, "forecast_total") == total && since >= 0 && since < total / FORECASTS;
}

enum lathe_status further_forecast(struct kv_txn *txn, json_t *job, double *visits, struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    *visits = 0;
    if (json_number_value(json_object_get(job, "ci")) <= 0) return LATHE_OK;
    if (!forecast_holds(job)) {
        st = forecast(txn, job, visits, err);
        if (st) return st;
        job_set_hidden(job, "forecast_milli", llround(*visits * 1000));
        job_set_hidden(job, "forecast_done", job_int(job, "visits_done"));
        job_set_hidden(job, "forecast_total", job_int(job, "visits_total"));
    }
    *visits = (double)job_hidden(job, "forecast_milli") / 1000;
    return st;
}
