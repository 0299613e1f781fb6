/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Text, errors, buffers, random numbers, time, logging. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check_main.h"
#include "lut/base/buf.h"
#include "lut/base/clock.h"
#include "lut/base/error.h"
#include "lut/base/log.h"
#include "lut/base/rng.h"
#include "lut/base/text.h"

START_TEST(whole_numbers_are_digits_and_nothing_else)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "01",
                                      "00",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "18446744073709551616",
                                      "99999999999999999999",
                                      "100000000000000000000"};
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!text_to_u64(bad[i], strlen(bad[i]), &value) && value == 7, "\"%s\"", bad[i]);
    ck_assert(text_to_u64("0", 1, &value) && value == 0);
    ck_assert(text_to_u64("18446744073709551615", 20, &value) && value == UINT64_MAX);
    ck_assert(text_to_u64("123456", 3, &value) && value == 123);
}
END_TEST

START_TEST(numbers_are_finite_decimals_and_nothing_else)
{
    static const char *const bad[] = {"",      " 1",  "1 ",   "nan", "inf", "-inf", "infinity", "0x10",
                                      "1e999", "1,5", "1..2", "--1", "e5",  "1e",   "1 2",      "1_0"};
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1}, {"-1.5", -1.5}, {"+2", 2}, {".5", 0.5}, {"1e-05", 1e-5}, {"1E3", 1000}, {"0.1", 0.1}};
    double value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!text_to_double(bad[i], strlen(bad[i]), &value) && value == 7, "\"%s\"", bad[i]);
    ck_assert(!text_to_double("1\0002", 3, &value));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert(text_to_double(good[i].text, strlen(good[i].text), &value));
        ck_assert_double_eq(value, good[i].value);
    }
}
END_TEST

/* Any double comes back from its text, and no shorter text gives it back. */
START_TEST(doubles_are_printed_by_the_shortest_text_that_reads_back)
{
    static const struct {
        double value;
        const char *text;
    } known[] = {{0.1, "0.1"},
                 {12, "12"},
                 {1e-9, "1e-09"},
                 {0, "0"},
                 {1.0 / 3, "0.3333333333333333"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {-2.5, "-2.5"}};
    struct rng rng;
    char text[32];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        text_from_double(known[i].value, text);
        ck_assert_str_eq(text, known[i].text);
    }
    rng_seed(&rng, 1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_next(&rng);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        text_from_double(value, text);
        ck_assert(text_to_double(text, strlen(text), &back));
        ck_assert_mem_eq(&value, &back, sizeof value);
    }
}
END_TEST

/* By trying every count of digits. */
static void shortest_by_printf(double value, char out[32])
{
    char tried[32];
    out[0] = '\0';
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(tried, sizeof tried, "%.*g", digits, value);
        if (strtod(tried, NULL) == value && (!out[0] || strlen(tried) < strlen(out))) memcpy(out, tried, sizeof tried);
    }
}

static void check_as_printf(double value)
{
    char expected[32];
    char text[32];
    shortest_by_printf(value, expected);
    text_from_double(value, text);
    ck_assert_str_eq(text, expected);
}

/* A number, its neighbours, and those beside a decimal with few digits. */
static void check_around(double value)
{
    check_as_printf(value);
    check_as_printf(nextafter(value, 0));
    check_as_printf(nextafter(value, INFINITY));
}

START_TEST(doubles_of_any_size_are_printed_as_printf_has_them_with_the_fewest_digits)
{
    struct rng rng;
    rng_seed(&rng, 2);
    for (int power = -6; power <= 7; power++) check_around(pow(10, power));
    for (int power = -20; power <= 20; power++) check_around(ldexp(1, power));
    for (int i = 0; i < 20000; i++) {
        double wide = pow(10, -5 + 11 * rng_unit(&rng));
        double scale = pow(10, rng_below(&rng, 9));
        check_as_printf(wide);
        check_around(floor(wide * scale) / scale);
        /* Halves of a unit, where rounding is to even. */
        check_as_printf(ldexp(2.0 * rng_below(&rng, 1 << 20) + 1, -(int)rng_below(&rng, 33)));
    }
}
END_TEST

START_TEST(names_hold_letters_digits_and_three_marks)
{
    static const char *const good[] = {"a", "pi4", "_x", "A.b-c_D", "0"};
    static const char *const bad[] = {"", ".", ".a", "-a", "a/b", "a b", "a\n", "\xc3\xa4", "a%"};
    char longest[66] = "";
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) ck_assert(text_is_name(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) ck_assert(!text_is_name(bad[i]));
    memset(longest, 'n', 64);
    ck_assert(text_is_name(longest) && text_is_config(longest));
    longest[64] = 'n';
    ck_assert(!text_is_name(longest) && !text_is_config(longest));
}
END_TEST

START_TEST(errors_keep_what_they_are_given_and_cut_what_is_too_long)
{
    struct lathe_error err;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(error_set(&err, LATHE_IO, "can't %s", "do"), LATHE_IO);
    ck_assert(err.status == LATHE_IO && err.line == 0 && err.field[0] == '\0');
    ck_assert_str_eq(err.message, "can't do");
    ck_assert_int_eq(error_line(&err, 12, "broken"), LATHE_INVALID);
    ck_assert_int_eq(err.line, 12);
    ck_assert_int_eq(error_field(&err, text, "%s", text), LATHE_INVALID);
    ck_assert_uint_eq(strlen(err.field), sizeof err.field - 1);
    ck_assert_uint_eq(strlen(err.message), sizeof err.message - 1);
    ck_assert_int_eq(err.line, 0);
    ck_assert_int_eq(error_set(NULL, LATHE_TIMEOUT, "nobody reads this"), LATHE_TIMEOUT);
    error_in_field(NULL, "a");
}
END_TEST

START_TEST(an_error_may_be_wrapped_in_itself)
{
    struct lathe_error err;
    error_field(&err, "kernel", "must be odd");
    error_field(&err, err.field, "block 3: %s", err.message);
    ck_assert_str_eq(err.message, "block 3: must be odd");
    ck_assert_str_eq(err.field, "kernel");
}
END_TEST

START_TEST(fields_of_nested_errors_become_paths)
{
    struct lathe_error err;
    char prefix[200];
    error_field(&err, "latency_ms", "x");
    error_in_field(&err, "constraints");
    ck_assert_str_eq(err.field, "constraints.latency_ms");
    error_field(&err, "[3]", "x");
    error_in_field(&err, "kernel");
    ck_assert_str_eq(err.field, "kernel[3]");
    error_field(&err, "", "x");
    error_in_field(&err, "items[7]");
    ck_assert_str_eq(err.field, "items[7]");
    memset(prefix, 'p', sizeof prefix - 1);
    prefix[sizeof prefix - 1] = '\0';
    error_in_field(&err, prefix);
    ck_assert_uint_eq(strlen(err.field), sizeof err.field - 1);
}
END_TEST

START_TEST(every_status_has_a_text_of_its_own)
{
    for (int i = 0; i <= LATHE_FULL; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(status_text((enum lathe_status)i), status_text((enum lathe_status)j));
    ck_assert_str_eq(status_text((enum lathe_status)99), "unknown");
}
END_TEST

START_TEST(a_buffer_grows_and_stays_terminated)
{
    struct buf b;
    size_t size = 1;
    buf_init(&b);
    ck_assert_ptr_null(buf_take(&b, &size));
    ck_assert_uint_eq(size, 0);
    buf_put(&b, "", 0);
    ck_assert_str_eq(b.data, "");
    for (int i = 0; i < 1000; i++) {
        buf_printf(&b, "%d,", i);
        buf_puts(&b, "x");
        buf_put(&b, "\0y", 2);
        ck_assert_int_eq(b.data[b.size], '\0');
    }
    ck_assert_uint_eq(b.size, 10 * 2 + 90 * 3 + 900 * 4 + 1000 * 3);
    char *data = buf_take(&b, &size);
    ck_assert_uint_eq(size, 6890);
    ck_assert_mem_eq(data + size - 7, "999,x\0y", 7);
    ck_assert_ptr_null(b.data);
    free(data);
}
END_TEST

/* The reference implementation's first outputs for SplitMix64(0) as seed, computed with the published C code. */
START_TEST(random_numbers_are_those_of_the_published_generator)
{
    static const uint64_t seeded_by_splitmix[] = {0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f,
                                                  0xf88bb8a8724c81ec};
    static const uint64_t from_1234[] = {11520, 0, 1509978240, 1215971899390074240};
    struct rng rng;
    rng_seed(&rng, 0);
    ck_assert_mem_eq(rng.s, seeded_by_splitmix, sizeof rng.s);
    rng = (struct rng){{1, 2, 3, 4}};
    for (int i = 0; i < 4; i++) ck_assert_uint_eq(rng_next(&rng), from_1234[i]);
}
END_TEST

START_TEST(random_numbers_below_a_limit_are_uniform)
{
    enum { LIMIT = 7, DRAWS = 70000 };
    int counts[LIMIT] = {0};
    struct rng rng;
    const double expected = (double)DRAWS / LIMIT;
    double chi2 = 0;
    rng_seed(&rng, 3);
    for (int i = 0; i < DRAWS; i++) counts[rng_below(&rng, LIMIT)]++;
    for (int i = 0; i < LIMIT; i++) chi2 += pow(counts[i] - expected, 2) / expected;
    ck_assert_double_lt(chi2, 22.46); /* 99.9% of chi-squared with 6 degrees of freedom */
    for (int i = 0; i < 1000; i++) ck_assert_uint_eq(rng_below(&rng, 1), 0);
    for (int i = 0; i < 1000; i++) ck_assert_uint_lt(rng_below(&rng, 0xc0000000u), 0xc0000000u);
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        double u = rng_unit(&rng);
        ck_assert(u >= 0 && u < 1);
        sum += u;
    }
    ck_assert_double_eq_tol(sum / DRAWS, 0.5, 0.005);
}
END_TEST

START_TEST(a_shuffle_moves_everything_and_loses_nothing)
{
    enum { N = 5, ROUNDS = 25000 };
    int counts[N][N] = {{0}};
    struct rng rng;
    rng_seed(&rng, 4);
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t items[N] = {0, 1, 2, 3, 4};
        unsigned seen = 0;
        rng_shuffle(&rng, items, N);
        for (int j = 0; j < N; j++) {
            seen |= 1u << items[j];
            counts[items[j]][j]++;
        }
        ck_assert_uint_eq(seen, 31);
    }
    for (int i = 0; i < N * N; i++) ck_assert_int_lt(abs(counts[i / N][i % N] - ROUNDS / N), 320); /* 5 sigma */
    rng_shuffle(&rng, NULL, 0);
}
END_TEST

START_TEST(times_are_written_in_utc_also_before_1970)
{
    static const struct {
        int64_t ms;
        const char *text;
    } known[] = {{0, "1970-01-01T00:00:00.000Z"},
                 {1764000000123, "2025-11-24T16:00:00.123Z"},
                 {951782400000, "2000-02-29T00:00:00.000Z"},
                 {-1, "1969-12-31T23:59:59.999Z"},
                 {-86400000, "1969-12-31T00:00:00.000Z"}};
    char text[25];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        clock_format(known[i].ms, text);
        ck_assert_str_eq(text, known[i].text);
    }
    clock_format(INT64_MIN, text);
    clock_format(INT64_MAX, text);
    ck_assert_uint_le(strlen(text), 24);
}
END_TEST

static uint64_t still_ns(void)
{
    return 42;
}

static int64_t still_ms(void)
{
    return 43;
}

START_TEST(clocks_can_be_replaced_and_restored)
{
    clock_replace(still_ns, still_ms);
    ck_assert_uint_eq(clock_now_ns(), 42);
    ck_assert_int_eq(clock_wall_ms(), 43);
    clock_replace(NULL, NULL);
    uint64_t first = clock_now_ns();
    ck_assert_uint_ge(clock_now_ns(), first);
    ck_assert_int_gt(clock_wall_ms(), 1700000000000);
}
END_TEST

/* What log_event() writes to stderr. */
static size_t logged(enum log_level level, const char *message, char *out, size_t capacity)
{
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    int before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_event(level, "%s", message);
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
    ssize_t n = read(ends[0], out, capacity - 1);
    close(ends[0]);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

START_TEST(a_log_line_can_not_be_forged_or_grow_without_end)
{
    char line[4096];
    char text[3000];
    ck_assert_uint_gt(logged(LOG_WARN, "a\nb\x1b[0m", line, sizeof line), 0);
    ck_assert_ptr_nonnull(strstr(line, "Z warn  a?b?[0m\n"));
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    size_t n = logged(LOG_ERROR, text, line, sizeof line);
    ck_assert_uint_le(n, 1200);
    ck_assert_int_eq(line[n - 1], '\n');
}
END_TEST

START_TEST(levels_above_the_limit_are_dropped)
{
    char line[512];
    enum log_level level;
    ck_assert_uint_eq(logged(LOG_DEBUG, "quiet", line, sizeof line), 0);
    ck_assert_int_eq(log_level_parse("debug", &level), 0);
    log_set_level(level);
    ck_assert_uint_gt(logged(LOG_DEBUG, "loud", line, sizeof line), 0);
    log_set_level(LOG_INFO);
    ck_assert_int_eq(log_level_parse("loud", &level), -1);
}
END_TEST

static TCase *base(void)
{
    TCase *c = tcase_create("base");
    tcase_add_test(c, whole_numbers_are_digits_and_nothing_else);
    tcase_add_test(c, numbers_are_finite_decimals_and_nothing_else);
    tcase_add_test(c, doubles_are_printed_by_the_shortest_text_that_reads_back);
    tcase_add_test(c, doubles_of_any_size_are_printed_as_printf_has_them_with_the_fewest_digits);
    tcase_add_test(c, names_hold_letters_digits_and_three_marks);
    tcase_add_test(c, errors_keep_what_they_are_given_and_cut_what_is_too_long);
    tcase_add_test(c, an_error_may_be_wrapped_in_itself);
    tcase_add_test(c, fields_of_nested_errors_become_paths);
    tcase_add_test(c, every_status_has_a_text_of_its_own);
    tcase_add_test(c, a_buffer_grows_and_stays_terminated);
    tcase_add_test(c, random_numbers_are_those_of_the_published_generator);
    tcase_add_test(c, random_numbers_below_a_limit_are_uniform);
    tcase_add_test(c, a_shuffle_moves_everything_and_loses_nothing);
    tcase_add_test(c, times_are_written_in_utc_also_before_1970);
    tcase_add_test(c, clocks_can_be_replaced_and_restored);
    tcase_add_test(c, a_log_line_can_not_be_forged_or_grow_without_end);
    tcase_add_test(c, levels_above_the_limit_are_dropped);
    return c;
}

TEST_MAIN("base", base())
