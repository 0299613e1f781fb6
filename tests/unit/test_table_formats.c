/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Imports and exports: fixture folders for what is malformed, round trips for what is not. */
#include <math.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "lut/base/text.h"
#include "lut/table/formats.h"
#include "test_base_cases.h"

static enum table_format format;

static void run_case(const char *name, const char *input, size_t size, const struct expected *e)
{
    struct lathe_error err = {0};
    struct entries entries = {.count = 77};
    enum lathe_status st = entries_parse(format, input, size, &entries, &err);
    if (e->rows < 0) {
        ck_assert_msg(st == LATHE_INVALID, "%s is taken", name);
        ck_assert_uint_eq(entries.count, 77);
        case_check_error(name, &err, e);
        return;
    }
    ck_assert_msg(st == LATHE_OK, "%s: %s (line %d, field %s)", name, err.message, err.line, err.field);
    ck_assert_msg(entries.count == (size_t)e->rows, "%s: %zu rows", name, entries.count);
    entries_clear(&entries);
}

START_TEST(malformed_ofa_yaml_is_refused_with_its_line)
{
    format = FORMAT_OFA_YAML;
    cases_run("ofa_yaml", 41, run_case);
}
END_TEST

START_TEST(malformed_ofa_json_is_refused_with_its_key)
{
    format = FORMAT_OFA_JSON;
    cases_run("ofa_json", 19, run_case);
    format = FORMAT_JSON; /* either name reads both kinds of JSON */
    cases_run("ofa_json", 19, run_case);
}
END_TEST

START_TEST(malformed_csv_is_refused_with_its_line)
{
    format = FORMAT_CSV;
    cases_run("table_csv", 36, run_case);
}
END_TEST

START_TEST(malformed_json_is_refused_with_its_field)
{
    format = FORMAT_JSON;
    cases_run("table_json", 20, run_case);
    format = FORMAT_OFA_JSON;
    cases_run("table_json", 20, run_case);
}
END_TEST

static struct entries parse_text(enum table_format f, const char *text)
{
    struct entries entries = {0};
    struct lathe_error err = {0};
    enum lathe_status st = entries_parse(f, text, strlen(text), &entries, &err);
    ck_assert_msg(st == LATHE_OK, "%s (line %d, field %s)", err.message, err.line, err.field);
    return entries;
}

static double random_ms(struct rng *rng)
{
    return ldexp(rng_unit(rng) + 1e-9, (int)rng_below(rng, 40) - 20);
}

static double maybe(struct rng *rng)
{
    return rng_below(rng, 3) ? random_ms(rng) : NAN;
}

/* Rows of random figures; every second one of a resolution. */
static struct entries make_rows(uint64_t seed, int n)
{
    struct entries entries = {0};
    struct rng rng;
    rng_seed(&rng, seed);
    for (int i = 0; i < n; i++) {
        struct entry e = {.resolution = i % 2 ? 160 : 0};
        char text[LAYER_TEXT_BYTES];
        snprintf(text, sizeof text, "mbconv in=20x20x%d out=20x20x48 mid=%d k=3 s=1 act=relu6 se=40", i + 1, 3 * i + 1);
        ck_assert_int_eq(layer_parse(text, &e.layer, NULL), LATHE_OK);
        e.latency = (struct latency){.count = 1 + rng_below(&rng, 1000),
                                     .mean_ms = random_ms(&rng),
                                     .trimmed_ms = maybe(&rng),
                                     .std_ms = maybe(&rng),
                                     .min_ms = maybe(&rng),
                                     .p50_ms = maybe(&rng),
                                     .p90_ms = maybe(&rng),
                                     .ci_ms = maybe(&rng),
                                     .contexts = rng_below(&rng, 9),
                                     .alone = rng_below(&rng, 2),
                                     .updated_ms = 1767225600000 + rng_below(&rng, 1000000)};
        ck_assert_int_eq(entries_add(&entries, &e, NULL), LATHE_OK);
    }
    return entries;
}

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static void check_same(const struct entries *a, const struct entries *b, bool times)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct latency *x = &a->items[i].latency;
        const struct latency *y = &b->items[i].latency;
        ck_assert(layer_equal(&a->items[i].layer, &b->items[i].layer));
        ck_assert_int_eq(a->items[i].resolution, b->items[i].resolution);
        ck_assert_uint_eq(x->count, y->count);
        ck_assert_uint_eq(x->contexts, y->contexts);
        ck_assert_int_eq(x->alone, y->alone);
        ck_assert(same_number(x->mean_ms, y->mean_ms) && same_number(x->trimmed_ms, y->trimmed_ms));
        ck_assert(same_number(x->std_ms, y->std_ms) && same_number(x->min_ms, y->min_ms));
        ck_assert(same_number(x->p50_ms, y->p50_ms) && same_number(x->p90_ms, y->p90_ms));
        ck_assert(same_number(x->ci_ms, y->ci_ms));
        if (times) ck_assert_int_eq(x->updated_ms, y->updated_ms);
    }
}

START_TEST(csv_and_json_come_back_bit_for_bit)
{
    static const enum table_format formats[] = {FORMAT_CSV, FORMAT_JSON};
    struct entries rows = make_rows(3, 500);
    for (int i = 0; i < 2; i++) {
        struct buf text;
        size_t skipped = 9;
        buf_init(&text);
        ck_assert_int_eq(entries_print(formats[i], &rows, &text, &skipped, NULL), LATHE_OK);
        ck_assert_uint_eq(skipped, 0);
        struct entries back = parse_text(formats[i], text.data);
        check_same(&rows, &back, formats[i] == FORMAT_JSON);
        entries_clear(&back);
        buf_clear(&text);
    }
    entries_clear(&rows);
}
END_TEST

START_TEST(a_row_as_answered_can_be_imported_again)
{
    struct entries rows = make_rows(4, 60);
    json_t *items = json_array();
    for (size_t i = 0; i < rows.count; i++) {
        char text[ROW_TEXT_BYTES];
        row_print(&rows.items[i].layer, rows.items[i].resolution, text);
        json_array_append_new(items, entry_to_json(text, &rows.items[i].latency));
    }
    json_t *answer =
        json_pack("{s:s, s:s, s:i, s:o, s:n}", "device", "d", "config", "c", "version", 1, "items", items, "next");
    ck_assert_ptr_nonnull(answer);
    char *text = json_dumps(answer, 0);
    struct entries back = parse_text(FORMAT_JSON, text);
    check_same(&rows, &back, true);
    entries_clear(&back);
    entries_clear(&rows);
    free(text);
    json_decref(answer);
}
END_TEST

START_TEST(json_of_a_row_has_the_fields_of_the_answer)
{
    struct latency l = {.count = 3,
                        .samples = 5,
                        .mean_ms = 2,
                        .trimmed_ms = 1.5,
                        .std_ms = NAN,
                        .min_ms = NAN,
                        .p50_ms = NAN,
                        .p90_ms = NAN,
                        .ci_ms = 0.25,
                        .cpu_share = NAN,
                        .contexts = 2,
                        .updated_ms = 1767225600123};
    json_t *row = entry_to_json("avgpool in=5x5x8 out=1x1x8 @160", &l);
    char *text = json_dumps(row, JSON_COMPACT);
    ck_assert_str_eq(
        text,
        "{\"layer\":\"avgpool in=5x5x8 out=1x1x8 @160\",\"kind\":\"avgpool\",\"count\":3,\"samples\":5,"
        "\"latency_ms\":1.5,\"mean_ms\":2.0,\"trimmed_ms\":1.5,\"std_ms\":null,\"min_ms\":null,"
        "\"p50_ms\":null,\"p90_ms\":null,\"ci_ms\":0.25,\"cpu_share\":null,\"contexts\":2,\"alone\":false,\"updated\":"
        "\"2026-01-01T00:00:00.123Z\"}");
    free(text);
    json_decref(row);
}
END_TEST

START_TEST(csv_is_written_with_all_columns_and_empty_cells_for_the_unknown)
{
    struct entries rows = parse_text(FORMAT_CSV, "layer,mean_ms\navgpool in=5x5x8 out=1x1x8,0.1\n");
    struct buf text;
    buf_init(&text);
    ck_assert_int_eq(entries_print(FORMAT_CSV, &rows, &text, NULL, NULL), LATHE_OK);
    ck_assert_str_eq(
        text.data, "layer,kind,count,latency_ms,mean_ms,trimmed_ms,std_ms,min_ms,p50_ms,p90_ms,contexts,ci_ms,alone\r\n"
                   "avgpool in=5x5x8 out=1x1x8,avgpool,1,0.1,0.1,,,,,,0,,0\r\n");
    buf_clear(&text);
    entries_clear(&rows);
}
END_TEST

START_TEST(a_latency_beside_a_mean_is_the_trimmed_mean)
{
    struct entries rows = parse_text(FORMAT_CSV, "layer,mean_ms,latency_ms\navgpool in=5x5x8 out=1x1x8,2,1.5\n"
                                                 "avgpool in=6x6x8 out=1x1x8,2,2\n");
    ck_assert_double_eq(rows.items[0].latency.mean_ms, 2);
    ck_assert_double_eq(rows.items[0].latency.trimmed_ms, 1.5);
    ck_assert(isnan(rows.items[1].latency.trimmed_ms));
    entries_clear(&rows);
}
END_TEST

START_TEST(a_document_that_is_too_large_is_refused_before_it_is_read)
{
    struct entries rows;
    struct lathe_error err = {0};
    ck_assert_int_eq(entries_parse(FORMAT_CSV, "", ((size_t)64 << 20) + 1, &rows, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "64 MiB"));
}
END_TEST

static TCase *formats_case(void)
{
    TCase *c = tcase_create("formats");
    tcase_add_test(c, malformed_ofa_yaml_is_refused_with_its_line);
    tcase_add_test(c, malformed_ofa_json_is_refused_with_its_key);
    tcase_add_test(c, malformed_csv_is_refused_with_its_line);
    tcase_add_test(c, malformed_json_is_refused_with_its_field);
    tcase_add_test(c, csv_and_json_come_back_bit_for_bit);
    tcase_add_test(c, a_row_as_answered_can_be_imported_again);
    tcase_add_test(c, json_of_a_row_has_the_fields_of_the_answer);
    tcase_add_test(c, csv_is_written_with_all_columns_and_empty_cells_for_the_unknown);
    tcase_add_test(c, a_latency_beside_a_mean_is_the_trimmed_mean);
    tcase_add_test(c, a_document_that_is_too_large_is_refused_before_it_is_read);
    return c;
}

TEST_MAIN("table_formats", formats_case())
