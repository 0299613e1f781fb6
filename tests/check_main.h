/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The main() of a Check suite: TEST_MAIN("kv", case_a(), case_b()). Names of tests are claims. */
#ifndef LATHE_TESTS_CHECK_MAIN_H
#define LATHE_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

static inline int run_suite(const char *name, TCase *const *cases, size_t count)
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++) suite_add_tcase(suite, cases[i]);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define TEST_MAIN(name, ...)                                           \
    int main(void)                                                     \
    {                                                                  \
        TCase *const cases[] = {__VA_ARGS__};                          \
        return run_suite(name, cases, sizeof cases / sizeof cases[0]); \
    }

#endif
