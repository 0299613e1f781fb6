/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Campaigns on a device that is made up: every layer has a true time, whole networks take 3% more than their layers,
 * and around that the device drifts, is disturbed, is noisy or loses its core. What the table says is held against the
 * truth. */
#include <math.h>
#include <stdlib.h>

#include "lut/base/rng.h"
#include "lut/layer/board_memory.h"
#include "test_jobs_fixture.h"

static const double WHOLE = 1.03;

/* How the device is. */
static struct {
    struct rng rng;
    double noise;     /* of a run, as a share */
    double spread;    /* how much layers differ in that: the deviation of its logarithm */
    double drift;     /* of the clock, up and down, in step with the visits */
    double disturbed; /* share of layers' samples during which the core is taken away */
    bool no_layers;   /* the runner gives whole times only */
    uint64_t busy_ns; /* that a visit is said to take */
    int neighbour[2]; /* the visits between which another makes noise and visits' times half as much again */
    int visits;
    struct {
        double at_s, total_s; /* after each batch: the device time so far, and of the whole campaign by what is said */
    } told[600];
    int batches;
} device;

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static double truth_ns(const char *layer)
{
    return 1e5 + (double)(hash_of(layer) % 900000);
}

static double normal(void)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += rng_unit(&device.rng);
    return sum;
}

/* Each layer's own, the same in every run. */
static double noise_of(const char *layer)
{
    struct rng rng;
    double sum = -6;
    rng_seed(&rng, hash_of(layer));
    for (int i = 0; i < 12; i++) sum += rng_unit(&rng);
    return device.noise * exp(device.spread * sum);
}

static bool has_neighbour(void)
{
    return device.visits >= device.neighbour[0] && device.visits < device.neighbour[1];
}

static uint64_t visit_busy_ns(void)
{
    return has_neighbour() ? device.busy_ns * 3 / 2 : device.busy_ns;
}

static double sum_of(const json_t *layers)
{
    double sum = 0;
    size_t i;
    const json_t *layer;
    json_array_foreach(layers, i, layer) sum += truth_ns(json_string_value(layer));
    return sum;
}

static void reset_device(void)
{
    memset(&device, 0, sizeof device);
    rng_seed(&device.rng, 9);
    device.busy_ns = 10000000;
}

/* The speed at a visit: 1, or a wave around it. */
static double speed(void)
{
    return 1 + device.drift * sin(device.visits * 0.7);
}

static json_t *one_visit(const json_t *lease, const json_t *visit)
{
    int network = int_of(visit, "network");
    const json_t *layers = layers_of(lease, network);
    double slow = speed();
    double noisy = has_neighbour() ? 1.5 : 1;
    uint64_t busy_ns = visit_busy_ns();
    int runs = int_of(lease, "runs");
    json_t *wall = json_array(), *cpu = json_array(), *preempted = json_array(), *total = json_array();
    const json_t *of = json_object_get(lease, "sentinel");
    double sentinel = of ? sum_of(layers_of(lease, int_of(of, "network"))) * WHOLE * slow : 0;
    device.visits++;
    for (int run = 0; run < runs; run++) {
        json_t *w = json_array(), *c = json_array(), *p = json_array();
        double whole = 0;
        for (size_t i = 0; i < json_array_size(layers); i++) {
            const char *layer = json_string_value(json_array_get(layers, i));
            double ns = truth_ns(layer) * slow * fmax(1 + noisy * noise_of(layer) * normal(), 0.1);
            bool lost = rng_unit(&device.rng) < device.disturbed;
            double extra = lost ? 4e6 * rng_unit(&device.rng) : 0;
            json_array_append_new(w, json_integer((json_int_t)(ns + extra)));
            json_array_append_new(c, json_integer((json_int_t)ns));
            json_array_append_new(p, json_integer(lost));
            whole += ns * WHOLE + extra;
        }
        json_array_append_new(wall, w);
        json_array_append_new(cpu, c);
        json_array_append_new(preempted, p);
        json_array_append_new(total, json_integer((json_int_t)whole));
    }
    bool always = device.disturbed >= 1;
    json_t *result = json_pack("{s:i,s:i,s:o,s:{s:I,s:I},s:I}", "visit", int_of(visit, "visit"), "network", network,
                               "total_ns", total, "sentinel", "ns", (json_int_t)(always ? 0 : sentinel), "cpu_ns",
                               (json_int_t)sentinel, "busy_ns", (json_int_t)busy_ns);
    t.now_ns += busy_ns;
    if (device.no_layers) {
        json_decref(wall);
        json_decref(cpu);
        json_decref(preempted);
    } else {
        json_object_set_new(result, "wall_ns", wall);
        json_object_set_new(result, "cpu_ns", cpu);
        json_object_set_new(result, "preempted", preempted);
    }
    return result;
}

/* What a job says of its end. */
static void note_told(const json_t *lease)
{
    json_t *job = get_job("profile", text_of(lease, "job"));
    const json_t *eta = json_object_get(job, "eta_s");
    double spent = json_number_value(json_object_get(job, "device_s"));
    if (device.batches < (int)(sizeof device.told / sizeof device.told[0])) {
        device.told[device.batches].at_s = spent;
        device.told[device.batches++].total_s = json_is_number(eta) ? spent + json_number_value(eta) : NAN;
    }
    json_decref(job);
}

/* Work off everything in batches of nine visits. */
static void work(void)
{
    json_t *lease;
    while ((lease = lease_for("a"))) {
        const json_t *asked = json_object_get(lease, "visits");
        enum lathe_status st = LATHE_OK;
        for (size_t at = 0; !st && at < json_array_size(asked); at += 9) {
            json_t *answer = NULL;
            json_t *visits = json_array();
            for (size_t i = at; i < at + 9 && i < json_array_size(asked); i++)
                json_array_append_new(visits, one_visit(lease, json_array_get(asked, i)));
            json_t *results = json_pack("{s:i,s:{s:s},s:o}", "fence", int_of(lease, "fence"), "fingerprint", "runner",
                                        "made up", "visits", visits);
            st = jobs_results(t.jobs, text_of(lease, "id"), results, &answer, NULL);
            ck_assert(st == LATHE_OK || st == LATHE_CONFLICT);
            json_decref(results);
            json_decref(answer);
            note_told(lease);
        }
        release(lease, NULL, false);
        json_decref(lease);
    }
}

static json_t *campaign(const struct profile_request *changes)
{
    static const int small = 48;
    static const int published = 160;
    json_t *job = NULL;
    struct profile_request q = *changes;
    q.device = "board";
    q.config = CONFIG;
    q.resolutions = q.space ? &published : &small;
    if (!q.space) q.space = "small";
    q.resolution_count = 1;
    ASSERT_OK(jobs_create_profile(t.jobs, &q, &job, err));
    work();
    json_t *done = get_job("profile", text_of(job, "id"));
    ck_assert_str_eq(text_of(done, "state"), "done");
    json_decref(job);
    return done;
}

static double number_of(const json_t *object, const char *name)
{
    ck_assert_msg(json_is_number(json_object_get(object, name)), "no number %s", name);
    return json_number_value(json_object_get(object, name));
}

struct errors {
    double worst, bias;
    size_t rows;
};

static bool judge_row(void *context, const char *row, const struct latency *latency)
{
    struct errors *e = context;
    double error = latency_best_ms(latency) * 1e6 / (truth_ns(row) * WHOLE) - 1;
    if (fabs(error) > e->worst) e->worst = fabs(error);
    e->bias += error;
    e->rows++;
    return true;
}

/* The table's rows against what they are in whole networks. */
static struct errors judge_table(void)
{
    struct errors e = {0};
    struct kv_txn *txn = NULL;
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ASSERT_OK(table_scan(txn, TABLE, 0, NULL, judge_row, &e, err));
    kv_read_end(txn);
    ck_assert_uint_gt(e.rows, 10);
    e.bias /= (double)e.rows;
    return e;
}

static const struct profile_request defaults = {.ci = -1, .held_out = -1};

START_TEST(a_quiet_device_gives_rows_and_factor_without_error)
{
    reset_device();
    json_t *job = campaign(&defaults);
    const json_t *trust = json_object_get(job, "trust");
    ck_assert_str_eq(text_of(job, "stopped_by"), "ci");
    ck_assert_int_eq(int_of(job, "rows_wide"), 0);
    ck_assert_int_eq(int_of(job, "visits_total"), 4 * int_of(job, "networks"));
    ck_assert_double_eq_tol(number_of(trust, "factor"), WHOLE, 1e-4);
    ck_assert_double_eq_tol(number_of(trust, "uncalibrated_mape"), 1 - 1 / WHOLE, 1e-4);
    ck_assert_double_lt(number_of(trust, "mape"), 1e-4);
    ck_assert_double_eq_tol(number_of(trust, "tau"), 1, 1e-9);
    ck_assert(json_is_true(json_object_get(trust, "trusted")));
    ck_assert_double_lt(judge_table().worst, 1e-4);
    json_decref(job);
}
END_TEST

START_TEST(drift_is_divided_out_of_rows_and_trust)
{
    reset_device();
    device.drift = 0.25;
    device.noise = 0.005;
    json_t *job = campaign(&defaults);
    ck_assert_double_lt(number_of(json_object_get(job, "trust"), "mape"), 0.01);
    struct errors e = judge_table();
    ck_assert_double_lt(e.worst, 0.03);
    /* The reference is what the sentinel took in the middle of the campaign: within the drift of the true speed. */
    ck_assert_double_lt(fabs(e.bias), 0.05);
    json_decref(job);
}
END_TEST

START_TEST(disturbed_samples_do_no_harm)
{
    reset_device();
    device.disturbed = 0.3;
    device.noise = 0.005;
    json_t *job = campaign(&defaults);
    ck_assert_double_lt(judge_table().worst, 0.01);
    ck_assert_double_lt(number_of(json_object_get(job, "trust"), "mape"), 0.01);
    json_decref(job);
}
END_TEST

START_TEST(a_core_that_is_always_shared_is_measured_by_cpu_time_and_says_so)
{
    reset_device();
    device.disturbed = 1;
    device.noise = 0.005;
    json_t *job = campaign(&defaults);
    ck_assert_double_lt(judge_table().worst, 0.01);
    ck_assert_double_eq(number_of(json_object_get(job, "trust"), "cpu_share"), 1);
    json_decref(job);
}
END_TEST

START_TEST(noise_asks_for_more_rounds_of_those_networks_that_need_them)
{
    reset_device();
    device.noise = 0.05;
    json_t *job = campaign(&defaults);
    ck_assert_str_eq(text_of(job, "stopped_by"), "ci");
    ck_assert_int_gt(int_of(job, "visits_total"), 4 * int_of(job, "networks"));
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    json_decref(job);
}
END_TEST

/* The worst error of what was told of the end from a quarter of the device time on, as a share of all. */
static double worst_forecast(const json_t *job)
{
    double total = number_of(job, "device_s");
    double worst = 0;
    for (int i = 0; i < device.batches; i++)
        if (device.told[i].at_s >= total / 4) worst = fmax(worst, fabs(device.told[i].total_s / total - 1));
    return worst;
}

static json_t *published_campaign(int seed)
{
    struct profile_request q = defaults;
    rng_seed(&device.rng, (uint64_t)seed);
    q.seed = (uint64_t)seed;
    q.space = "ofa-mbv3-w1.2";
    return campaign(&q);
}

START_TEST(what_a_noisy_campaign_takes_is_known_from_a_quarter_of_it_on)
{
    reset_device();
    device.noise = 0.01 + 0.01 * (_i % 4);
    device.spread = 0.3;
    json_t *job = published_campaign(_i);
    ck_assert_str_eq(text_of(job, "stopped_by"), "ci");
    ck_assert_double_le(worst_forecast(job), 0.2);
    json_decref(job);
}
END_TEST

/* One that goes away: rows are narrow long before what was foreseen, and what was promised is done all the same. */
START_TEST(a_neighbour_that_goes_away_does_not_move_the_end)
{
    reset_device();
    device.noise = 0.02 + 0.01 * _i;
    device.spread = 0.5;
    device.neighbour[1] = 110;
    json_t *job = published_campaign(_i);
    ck_assert_str_eq(text_of(job, "stopped_by"), "ci");
    ck_assert_int_eq(int_of(job, "rows_wide"), 0);
    ck_assert_double_le(worst_forecast(job), 0.2);
    json_decref(job);
}
END_TEST

START_TEST(what_stays_too_noisy_ends_and_is_told)
{
    reset_device();
    device.noise = 0.6;
    json_t *job = campaign(&defaults);
    ck_assert_str_eq(text_of(job, "stopped_by"), "rounds");
    ck_assert_int_gt(int_of(job, "rows_wide"), 0);
    json_decref(job);
}
END_TEST

START_TEST(a_budget_ends_a_campaign_and_the_next_one_goes_on)
{
    reset_device();
    struct profile_request q = defaults;
    q.budget_s = 0.05; /* five visits */
    json_t *job = campaign(&q);
    ck_assert_str_eq(text_of(job, "stopped_by"), "budget");
    ck_assert_int_lt(int_of(job, "visits_done"), 30);
    ck_assert_int_lt(int_of(job, "rows_done"), int_of(job, "rows_total"));
    json_decref(job);
    job = campaign(&defaults);
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    ck_assert_double_lt(judge_table().worst, 1e-3);
    json_decref(job);
}
END_TEST

START_TEST(a_calibration_measures_held_out_subnets_alone)
{
    reset_device();
    json_decref(campaign(&defaults));
    struct profile_request q = defaults;
    q.calibrate = true;
    json_t *job = campaign(&q);
    ck_assert_int_eq(int_of(job, "networks"), 10);
    ck_assert_double_eq_tol(number_of(json_object_get(job, "trust"), "factor"), WHOLE, 1e-4);
    json_decref(job);
    job = campaign(&defaults);
    ck_assert_int_eq(int_of(job, "visits_total"), 0);
    json_decref(job);
}
END_TEST

START_TEST(a_runner_without_times_between_layers_gets_its_table_by_regression)
{
    reset_device();
    device.no_layers = true;
    device.noise = 0.002;
    json_t *job = campaign(&defaults);
    ck_assert_str_eq(text_of(job, "mode"), "regression");
    ck_assert_double_lt(number_of(json_object_get(job, "trust"), "mape"), 0.01);
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    json_decref(job);
}
END_TEST

START_TEST(isolated_rows_are_a_version_of_their_own)
{
    struct table_info info;
    struct kv_txn *txn = NULL;
    reset_device();
    json_decref(campaign(&defaults));
    struct profile_request q = defaults;
    q.mode = "isolated";
    json_t *job = campaign(&q);
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ASSERT_OK(table_info(txn, TABLE, 0, &info, err));
    kv_read_end(txn);
    ck_assert_uint_eq(info.version, 2);
    ck_assert_str_eq(text_of(info.fingerprint, "method"), "isolated");
    ck_assert_double_eq(number_of(json_object_get(job, "trust"), "factor"), 1);
    table_info_clear(&info);
    json_decref(job);
}
END_TEST

/* The device takes 10 ms a visit, whatever it is: from a quarter of the way on the end is known. */
START_TEST(the_end_is_foreseen)
{
    json_t *job = NULL;
    static const int resolution = 48;
    reset_device();
    struct profile_request q = {.device = "board",
                                .config = CONFIG,
                                .space = "small",
                                .resolutions = &resolution,
                                .resolution_count = 1,
                                .ci = -1,
                                .held_out = -1};
    ASSERT_OK(jobs_create_profile(t.jobs, &q, &job, err));
    ck_assert_double_gt(number_of(job, "estimate_s"), 0);
    double total_s = int_of(job, "visits_total") * 0.01;
    json_t *lease = lease_for("a");
    json_t *visits = json_array();
    for (size_t i = 0; i < json_array_size(json_object_get(lease, "visits")); i++)
        json_array_append_new(visits, one_visit(lease, json_array_get(json_object_get(lease, "visits"), i)));
    double spent_s = (double)json_array_size(visits) * 0.01;
    json_t *answer = NULL;
    json_t *results = json_pack("{s:i,s:{s:s},s:o}", "fence", int_of(lease, "fence"), "fingerprint", "runner",
                                "made up", "visits", visits);
    ASSERT_OK(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, err));
    json_t *now = get_job("profile", text_of(job, "id"));
    ck_assert_double_eq_tol(number_of(now, "eta_s"), total_s - spent_s, 0.2 * total_s);
    ck_assert_double_eq_tol(number_of(now, "progress"), spent_s / total_s, 0.05);
    json_decref(now);
    json_decref(results);
    json_decref(answer);
    json_decref(lease);
    json_decref(job);
}
END_TEST

static bool count_alone(void *context, const char *row, const struct latency *latency)
{
    (void)row;
    *(int *)context += latency->alone;
    return true;
}

/* Room for some subnets of the published space and not for others. */
START_TEST(a_board_is_profiled_by_subnets_that_fit_and_rows_alone)
{
    struct kv_txn *txn = NULL;
    int alone = 0;
    json_t *board = NULL;
    reset_device();
    ASSERT_OK(store_read(t.kv, "device", "board", &board, err));
    json_object_set_new(
        board, "board",
        json_pack("{s:i,s:i,s:i}", "arena_bytes", 180000, "flash_bytes", 6000000, "code_bytes", 100000));
    ASSERT_OK(store_write(t.kv, "device", "board", board, err));
    json_decref(board);
    struct profile_request q = defaults;
    q.space = "ofa-mbv3-w1.2";
    json_t *job = campaign(&q);
    ck_assert_int_gt(int_of(job, "rows_left_out"), 0);
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    ck_assert_int_eq(int_of(job, "rows_total") + int_of(job, "rows_left_out"), 96);
    const json_t *left_out = json_array_get(json_object_get(job, "left_out"), 0);
    ck_assert_ptr_nonnull(strstr(text_of(left_out, "why"), "does not fit: needs "));
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ASSERT_OK(table_scan(txn, TABLE, 0, NULL, count_alone, &alone, err));
    kv_read_end(txn);
    ck_assert_int_eq(alone, int_of(job, "rows_alone"));
    ck_assert_double_lt(judge_table().worst, 0.001);
    json_decref(job);
}
END_TEST

static json_t *board_of(int arena_bytes)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:i,s:i,s:i,s:i,s:i}", "name", "made up", "core", "none", "timer",
                     "none", "runner", "made up", "build", "1", "clock", "cycles", "emulated", 1, "clock_hz", 1000,
                     "sram_bytes", 320000, "flash_bytes", 6000000, "arena_bytes", arena_bytes, "code_bytes", 100000);
}

static uint64_t arena_of(const json_t *layers)
{
    uint64_t most = 0;
    size_t i;
    const json_t *text;
    json_array_foreach(layers, i, text)
    {
        struct layer layer;
        ASSERT_OK(layer_parse(json_string_value(text), &layer, err));
        uint64_t bytes = board_layer_arena_bytes(&layer);
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* What of a lease's networks needs most of the arena. */
static const json_t *largest_network(const json_t *lease)
{
    const json_t *largest = NULL;
    size_t i;
    const json_t *network;
    json_array_foreach(json_object_get(lease, "networks"), i, network)
    {
        if (!largest || arena_of(json_object_get(network, "layers")) > arena_of(json_object_get(largest, "layers")))
            largest = network;
    }
    return largest;
}

static uint64_t largest_of(const json_t *lease)
{
    return arena_of(json_object_get(largest_network(lease), "layers"));
}

static json_t *start_published(void)
{
    static const int published = 160;
    json_t *job = NULL;
    struct profile_request q = defaults;
    q.device = "board";
    q.config = CONFIG;
    q.space = "ofa-mbv3-w1.2";
    q.resolutions = &published;
    q.resolution_count = 1;
    ASSERT_OK(jobs_create_profile(t.jobs, &q, &job, err));
    return job;
}

static enum lathe_status tell_board(const json_t *lease, const json_t *board)
{
    json_t *answer = NULL;
    const struct lease_news news = {.board = board};
    enum lathe_status st = jobs_renew(t.jobs, text_of(lease, "id"), int_of(lease, "fence"), &news, &answer, NULL);
    json_decref(answer);
    return st;
}

/* A profile was planned when nobody knew what its device is. */
START_TEST(a_board_that_is_told_before_the_first_visit_gets_a_plan_that_fits)
{
    reset_device();
    json_t *created = start_published();
    json_t *board = board_of(180000);
    json_t *lease = lease_for("a");
    ck_assert_uint_gt(largest_of(lease), 180000);
    ck_assert_int_eq(tell_board(lease, board), LATHE_CONFLICT);
    json_decref(lease);
    lease = lease_for("a");
    ck_assert_uint_le(largest_of(lease), 180000);
    ck_assert_int_eq(tell_board(lease, board), LATHE_OK); /* the plan is for it already */
    release(lease, NULL, false);
    work();
    json_t *job = get_job("profile", text_of(created, "id"));
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_int_gt(int_of(job, "rows_left_out"), 0);
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    ck_assert_int_eq(int_of(job, "rows_total") + int_of(job, "rows_left_out"), 96);
    json_decref(job);
    json_decref(lease);
    json_decref(board);
    json_decref(created);
}
END_TEST

/* A board of which nothing fits. */
START_TEST(a_profile_of_which_nothing_fits_ends_and_says_so)
{
    reset_device();
    json_t *created = start_published();
    json_t *board = board_of(100);
    json_t *lease = lease_for("a");
    ck_assert_int_eq(tell_board(lease, board), LATHE_CONFLICT);
    ck_assert_ptr_null(lease_for("a"));
    json_t *job = get_job("profile", text_of(created, "id"));
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_int_eq(int_of(job, "rows_total"), 0);
    ck_assert_int_eq(int_of(job, "rows_left_out"), 96);
    json_decref(job);
    json_decref(lease);
    json_decref(board);
    json_decref(created);
}
END_TEST

/* A board that has less room than it says: what it refuses is left out, the rest is measured; in the second case no
 * subnet fits any more. */
START_TEST(networks_that_a_board_refuses_fail_no_campaign)
{
    const uint64_t truly = _i ? 130000 : 200000;
    int refusals = 0;
    json_t *lease;
    reset_device();
    json_t *created = start_published();
    json_t *board = board_of(260000);
    lease = lease_for("a");
    ck_assert_int_eq(tell_board(lease, board), LATHE_CONFLICT);
    json_decref(lease);
    while ((lease = lease_for("a"))) {
        const json_t *largest = largest_network(lease);
        uint64_t needs = arena_of(json_object_get(largest, "layers"));
        if (needs <= truly) {
            release(lease, NULL, false);
            json_decref(lease);
            break;
        }
        const struct board_refusal refusal = {int_of(largest, "network"), needs + 24, "does not fit: made up"};
        ASSERT_OK(jobs_release_refused(t.jobs, text_of(lease, "id"), int_of(lease, "fence"), &refusal, err));
        json_decref(lease);
        refusals++;
    }
    ck_assert_int_gt(refusals, 0);
    work();
    json_t *job = get_job("profile", text_of(created, "id"));
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    ck_assert_int_eq(int_of(job, "rows_total") + int_of(job, "rows_left_out"), 96);
    json_t *document = NULL;
    ASSERT_OK(store_read(t.kv, "device", "board", &document, err));
    ck_assert(!json_is_string(json_object_get(document, "error")));
    json_decref(document);
    json_decref(job);
    json_decref(board);
    json_decref(created);
}
END_TEST

static TCase *campaign_case(void)
{
    TCase *c = tcase_create("campaign");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_quiet_device_gives_rows_and_factor_without_error);
    tcase_add_test(c, drift_is_divided_out_of_rows_and_trust);
    tcase_add_test(c, disturbed_samples_do_no_harm);
    tcase_add_test(c, a_core_that_is_always_shared_is_measured_by_cpu_time_and_says_so);
    tcase_add_test(c, noise_asks_for_more_rounds_of_those_networks_that_need_them);
    tcase_add_test(c, what_stays_too_noisy_ends_and_is_told);
    tcase_add_test(c, a_budget_ends_a_campaign_and_the_next_one_goes_on);
    tcase_add_test(c, a_calibration_measures_held_out_subnets_alone);
    tcase_add_test(c, a_runner_without_times_between_layers_gets_its_table_by_regression);
    tcase_add_test(c, isolated_rows_are_a_version_of_their_own);
    tcase_add_test(c, the_end_is_foreseen);
    tcase_add_test(c, a_board_is_profiled_by_subnets_that_fit_and_rows_alone);
    tcase_add_test(c, a_board_that_is_told_before_the_first_visit_gets_a_plan_that_fits);
    tcase_add_test(c, a_profile_of_which_nothing_fits_ends_and_says_so);
    tcase_add_loop_test(c, networks_that_a_board_refuses_fail_no_campaign, 0, 2);
    tcase_add_loop_test(c, what_a_noisy_campaign_takes_is_known_from_a_quarter_of_it_on, 0, 12);
    tcase_add_loop_test(c, a_neighbour_that_goes_away_does_not_move_the_end, 0, 3);
    return c;
}

TEST_MAIN("campaign", campaign_case())
