/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Decisions about simulated nights. Seeds are fixed: the same nights each time. */
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "tests/nights/nights.h"

enum { EARLIER = 15 };

static const struct nightly_finding *only_held(const struct nightly_decision *d)
{
    const struct nightly_finding *held = NULL;
    for (size_t i = 0; i < d->count; i++) {
        if (d->findings[i].verdict != NIGHTLY_HOLDS) continue;
        ck_assert_msg(!held, "more than one finding");
        held = &d->findings[i];
    }
    return held;
}

static struct sim *with_history(uint64_t seed, double level, size_t nights)
{
    struct sim_noise noise = sim_noise_default();
    struct sim_change none = {0};
    noise.level = level;
    struct sim *sim = sim_new(seed, &noise);
    ck_assert_ptr_nonnull(sim);
    sim_begin(sim);
    for (size_t i = 0; i < nights; i++) sim_pass(sim, &none);
    return sim;
}

static void next_night(struct sim *sim, const struct sim_change *change, struct nightly_decision *out)
{
    struct nightly_settings settings = nightly_settings_default();
    struct lathe_error err = {0};
    ck_assert_msg(sim_night(sim, change, &settings, out, &err) == LATHE_OK, "%s", err.message);
    ck_assert_uint_eq(out->again, 0);
}

/* Each kind by itself, with the device as it was, 8% slower and 8% faster. The kind that nine rows of ten are of, too.
 */
START_TEST(a_slower_kind_is_named_whatever_the_device_does)
{
    int kind = _i % SIM_KINDS;
    static const double levels[] = {0, 0.08, -0.08};
    struct sim *sim = with_history(40 + (uint64_t)_i, 0.05, EARLIER);
    struct sim_change change = {.device = levels[_i / SIM_KINDS]};
    struct nightly_decision d;
    change.kind[kind] = log(1.1);
    next_night(sim, &change, &d);
    const struct nightly_finding *f = only_held(&d);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->scope, NIGHTLY_KIND);
    ck_assert_int_eq(f->group, kind);
    ck_assert_double_eq_tol(f->ratio, 1.1, 0.03);
    ck_assert_double_lt(f->lower, f->ratio);
    ck_assert_double_gt(f->upper, f->ratio);
    ck_assert_uint_ge(f->confirmed, 2);
    ck_assert_uint_eq(f->since, sim_input(sim)->night_count);
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

START_TEST(a_slower_kind_is_named_in_the_night_after_the_baseline)
{
    struct sim *sim = with_history(60 + (uint64_t)_i, 0.001, 0);
    struct sim_change change = {0};
    struct nightly_decision d;
    change.kind[_i] = log(1.1);
    next_night(sim, &change, &d);
    const struct nightly_finding *f = only_held(&d);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->scope, NIGHTLY_KIND);
    ck_assert_int_eq(f->group, _i);
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

START_TEST(a_faster_stage_is_named_with_its_rows)
{
    struct sim *sim = with_history(3, 0.05, EARLIER);
    struct sim_change change = {.stage = {0, 0, log(0.94), 0, 0}};
    struct nightly_decision d;
    next_night(sim, &change, &d);
    const struct nightly_finding *f = only_held(&d);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->scope, NIGHTLY_STAGE);
    ck_assert_int_eq(f->group, 2);
    ck_assert_double_lt(f->upper, 1);
    ck_assert_uint_eq(f->row_count, (size_t)SIM_RESOLUTIONS * 18);
    for (size_t i = 0; i < f->row_count; i++) {
        const struct nightly_row_change *r = &f->rows[i];
        ck_assert_int_eq(sim_input(sim)->rows[r->row].stage, 2);
        ck_assert_uint_ge(r->now_count, 12);
        ck_assert_double_gt(r->before_ms, 0);
        ck_assert_double_eq_tol(r->now_ms, r->before_ms * r->ratio, 1e-9);
        ck_assert(i == 0 || fabs(log(f->rows[i - 1].ratio)) >= fabs(log(r->ratio)));
    }
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

/* All 480 rows: one finding. */
START_TEST(a_device_that_is_unusually_slow_is_one_finding)
{
    struct sim *sim = with_history(4, 0.005, 30);
    struct sim_change change = {.device = log(1.25)};
    struct nightly_decision d;
    next_night(sim, &change, &d);
    const struct nightly_finding *f = only_held(&d);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->scope, NIGHTLY_DEVICE);
    ck_assert_double_eq_tol(f->ratio, 1.25, 0.03);
    ck_assert_uint_eq(f->row_count, SIM_ROWS);
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

START_TEST(a_device_whose_level_moves_by_as_much_each_night_is_no_finding)
{
    struct sim *sim = with_history(5, 0.12, 20);
    struct sim_change change = {.device = log(1.15)};
    struct nightly_decision d;
    next_night(sim, &change, &d);
    ck_assert_ptr_null(only_held(&d));
    ck_assert_double_gt(d.device.spread, 0.08);
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

START_TEST(a_slower_device_whose_cores_others_took_is_told_as_load)
{
    struct sim *sim = with_history(6, 0.005, 30);
    struct sim_change change = {.device = log(1.25)};
    struct nightly_settings settings = nightly_settings_default();
    struct nightly_decision d;
    next_night(sim, &change, &d);
    nightly_decision_clear(&d);
    struct nightly_input in = *sim_input(sim);
    in.load_before = 0.02;
    in.load = 0.5;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, NULL), LATHE_OK);
    ck_assert(d.device.by_load);
    ck_assert_ptr_null(only_held(&d));
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

/* 0.3% a night. */
START_TEST(a_slow_drift_is_told_as_one_with_when_it_began)
{
    struct sim *sim = with_history(8, 0.02, EARLIER);
    struct sim_change change = {0};
    bool found = false;
    for (int n = 1; n <= 20 && !found; n++) {
        struct nightly_decision d;
        change.stage[3] += log(1.003);
        next_night(sim, &change, &d);
        const struct nightly_finding *f = only_held(&d);
        found = f && f->scope == NIGHTLY_STAGE && f->group == 3;
        if (found) {
            ck_assert_int_eq(f->nature, NIGHTLY_DRIFT);
            ck_assert_uint_ge(f->since, EARLIER - 4);
            ck_assert_uint_lt(f->since, sim_input(sim)->night_count - 2);
        }
        nightly_decision_clear(&d);
    }
    ck_assert(found);
    sim_free(sim);
}
END_TEST

START_TEST(the_same_night_is_decided_the_same_way_again)
{
    struct sim *sim = with_history(9, 0.05, EARLIER);
    struct sim_change change = {.stage = {log(1.06)}};
    struct nightly_settings settings = nightly_settings_default();
    struct nightly_decision d;
    struct nightly_decision again;
    next_night(sim, &change, &d);
    struct nightly_input in = *sim_input(sim);
    ck_assert_int_eq(nightly_decide(&in, &settings, &again, NULL), LATHE_OK);
    ck_assert_uint_eq(d.count, again.count);
    for (size_t i = 0; i < d.count; i++) {
        ck_assert_int_eq(d.findings[i].verdict, again.findings[i].verdict);
        ck_assert(d.findings[i].ratio == again.findings[i].ratio);
    }
    nightly_decision_clear(&again);
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

/* The night shows a stage 6% slower, confirmations that measure the baseline's own figures don't. */
START_TEST(what_confirmations_do_not_show_is_dropped)
{
    struct sim *sim = with_history(10, 0.05, EARLIER);
    struct sim_change change = {.stage = {0, log(1.06)}};
    struct nightly_settings settings = nightly_settings_default();
    struct nightly_side before[SIM_ROWS];
    struct nightly_round rounds[3];
    struct nightly_decision d;
    next_night(sim, &change, &d);
    ck_assert_ptr_nonnull(only_held(&d));
    nightly_decision_clear(&d);
    struct nightly_input in = *sim_input(sim);
    for (size_t i = 0; i < in.row_count; i++) before[i] = in.rows[i].before;
    for (int r = 0; r < 3; r++) rounds[r] = (struct nightly_round){.sides = before, .load = NAN};
    in.rounds = rounds;
    static const size_t again[] = {1, 1, 0};
    for (size_t r = 0; r <= 2; r++) {
        in.round_count = r;
        ck_assert_int_eq(nightly_decide(&in, &settings, &d, NULL), LATHE_OK);
        ck_assert_uint_eq(d.again, again[r]);
        ck_assert_ptr_null(only_held(&d));
        nightly_decision_clear(&d);
    }
    sim_free(sim);
}
END_TEST

/* Two of three confirmations are enough, one is not, and empty ones say nothing. */
START_TEST(most_confirmations_must_show_it)
{
    struct sim *sim = with_history(11, 0.05, EARLIER);
    struct sim_change change = {.stage = {0, 0, 0, 0, log(1.06)}};
    struct nightly_settings settings = nightly_settings_default();
    struct nightly_side nothing[SIM_ROWS] = {{0}};
    struct nightly_side now[SIM_ROWS];
    struct nightly_round shows = {.sides = now, .load = NAN};
    struct nightly_round silent = {.sides = nothing, .load = NAN};
    struct nightly_decision d;
    next_night(sim, &change, &d);
    nightly_decision_clear(&d);
    struct nightly_input in = *sim_input(sim);
    for (size_t i = 0; i < in.row_count; i++) now[i] = in.rows[i].now;
    const struct nightly_round enough[] = {shows, silent, shows};
    const struct nightly_round few[] = {shows, silent, silent};
    in.rounds = enough;
    in.round_count = 2;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, NULL), LATHE_OK);
    ck_assert_uint_eq(d.again, 1);
    nightly_decision_clear(&d);
    in.round_count = 3;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, NULL), LATHE_OK);
    ck_assert_ptr_nonnull(only_held(&d));
    nightly_decision_clear(&d);
    in.rounds = few;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, NULL), LATHE_OK);
    ck_assert_ptr_null(only_held(&d));
    ck_assert_uint_eq(d.again, 0);
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

START_TEST(one_row_by_itself_is_named)
{
    struct sim *sim = with_history(12, 0.02, 30);
    struct sim_change none = {0};
    struct nightly_settings settings = nightly_settings_default();
    struct nightly_decision d;
    next_night(sim, &none, &d);
    nightly_decision_clear(&d);
    struct nightly_input in = *sim_input(sim);
    struct nightly_row rows[SIM_ROWS];
    struct nightly_visit slow[SIM_NETWORKS * SIM_ROUNDS];
    struct nightly_side again[SIM_ROWS];
    memcpy(rows, in.rows, sizeof rows);
    for (size_t i = 0; i < rows[70].now.count; i++) {
        slow[i] = rows[70].now.visits[i];
        slow[i].ms *= 1.2;
    }
    rows[70].now.visits = slow;
    for (size_t i = 0; i < SIM_ROWS; i++) again[i] = rows[i].now;
    const struct nightly_round rounds[] = {{again, NAN}, {again, NAN}};
    in.rows = rows;
    in.rounds = rounds;
    in.round_count = 2;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, NULL), LATHE_OK);
    const struct nightly_finding *f = only_held(&d);
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->scope, NIGHTLY_ROW);
    ck_assert_int_eq(f->group, 70);
    ck_assert_uint_eq(f->row_count, 1);
    ck_assert_double_eq_tol(f->ratio, 1.2, 0.05);
    nightly_decision_clear(&d);
    sim_free(sim);
}
END_TEST

START_TEST(rows_with_too_few_visits_are_not_compared)
{
    static const struct nightly_visit visits[] = {{1, 0}, {1.1, 0}, {0.9, 0}, {1, 1}, {1, 1},
                                                  {1, 1}, {1, 2},   {1, 2},   {1, 2}};
    struct nightly_settings settings = nightly_settings_default();
    struct nightly_row rows[] = {{.kind = 1, .stage = 0, .before = {visits, 9}, .now = {visits, 9}},
                                 {.kind = 1, .stage = 0, .before = {visits, 9}, .now = {visits, 8}},
                                 {.kind = 1, .stage = 0, .before = {visits, 9}}};
    struct nightly_input in = {.rows = rows, .row_count = 3, .sentinel_ms = NAN, .load = NAN};
    struct nightly_decision d;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, NULL), LATHE_OK);
    ck_assert_uint_eq(d.compared, 1);
    ck_assert_uint_eq(d.count, 0);
    nightly_decision_clear(&d);
    in.row_count = 0;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, NULL), LATHE_OK);
    ck_assert_uint_eq(d.compared, 0);
    nightly_decision_clear(&d);
}
END_TEST

START_TEST(what_is_out_of_range_is_refused)
{
    static const struct nightly_visit zero = {0, 0};
    struct nightly_settings settings = nightly_settings_default();
    struct nightly_row row = {.kind = NIGHTLY_MAX_KINDS};
    struct nightly_input in = {.rows = &row, .row_count = 1};
    struct nightly_decision d;
    struct lathe_error err = {0};
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, &err), LATHE_INVALID);
    row = (struct nightly_row){.now = {&zero, 1}};
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, &err), LATHE_INVALID);
    in.row_count = 0;
    settings.fdr = 0;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "fdr");
    settings = nightly_settings_default();
    settings.rounds = NIGHTLY_MAX_ROUNDS + 1;
    ck_assert_int_eq(nightly_decide(&in, &settings, &d, &err), LATHE_INVALID);
}
END_TEST

/* What bench_nightly does at length: 40 quiet nights, and three stages of ten nights each. It finds all of the bench's
 * 5% changes; eight of ten is a claim with a margin. */
START_TEST(quiet_nights_are_silent_and_slower_ones_are_not)
{
    struct sim_change none = {0};
    struct sim *sim = with_history(20, 0.1, 0);
    for (int n = 0; n < 40; n++) {
        struct nightly_decision d;
        next_night(sim, &none, &d);
        ck_assert_ptr_null(only_held(&d));
        nightly_decision_clear(&d);
    }
    sim_free(sim);
    size_t found = 0;
    for (uint64_t t = 0; t < 10; t++) {
        struct sim_change change = {0};
        struct nightly_decision d;
        sim = with_history(100 + t, 0.1, 10);
        change.stage[t % SIM_STAGES] = log(1.05);
        next_night(sim, &change, &d);
        for (size_t i = 0; i < d.count; i++) {
            const struct nightly_finding *f = &d.findings[i];
            found += f->verdict == NIGHTLY_HOLDS && f->scope == NIGHTLY_STAGE && f->group == (int)(t % SIM_STAGES);
        }
        nightly_decision_clear(&d);
        sim_free(sim);
    }
    ck_assert_uint_ge(found, 8);
}
END_TEST

START_TEST(recorded_nights_are_silent)
{
    struct recording *recording;
    struct lathe_error err = {0};
    struct sim_change none = {0};
    struct sim_noise noise = sim_noise_default();
    ck_assert_msg(recording_read(RECORDED, &recording, &err) == LATHE_OK, "%s", err.message);
    noise.recorded = recording;
    struct sim *sim = sim_new(1, &noise);
    sim_begin(sim);
    size_t rings = 0;
    for (int n = 0; n < 30; n++) {
        struct nightly_decision d;
        next_night(sim, &none, &d);
        rings += only_held(&d) != NULL;
        nightly_decision_clear(&d);
    }
    ck_assert_uint_le(rings, 1);
    sim_free(sim);
    recording_free(recording);
}
END_TEST

static TCase *decide_case(void)
{
    TCase *c = tcase_create("decide");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_slower_kind_is_named_whatever_the_device_does, 0, 3 * SIM_KINDS);
    tcase_add_loop_test(c, a_slower_kind_is_named_in_the_night_after_the_baseline, 0, SIM_KINDS);
    tcase_add_test(c, a_faster_stage_is_named_with_its_rows);
    tcase_add_test(c, a_device_that_is_unusually_slow_is_one_finding);
    tcase_add_test(c, a_device_whose_level_moves_by_as_much_each_night_is_no_finding);
    tcase_add_test(c, a_slower_device_whose_cores_others_took_is_told_as_load);
    tcase_add_test(c, a_slow_drift_is_told_as_one_with_when_it_began);
    tcase_add_test(c, the_same_night_is_decided_the_same_way_again);
    tcase_add_test(c, what_confirmations_do_not_show_is_dropped);
    tcase_add_test(c, most_confirmations_must_show_it);
    tcase_add_test(c, one_row_by_itself_is_named);
    tcase_add_test(c, rows_with_too_few_visits_are_not_compared);
    tcase_add_test(c, what_is_out_of_range_is_refused);
    tcase_add_test(c, quiet_nights_are_silent_and_slower_ones_are_not);
    tcase_add_test(c, recorded_nights_are_silent);
    return c;
}

TEST_MAIN("nightly decisions", decide_case())
