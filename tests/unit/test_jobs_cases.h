/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Malformed documents as files: tests/cases/<module>/<case>/input, and in expected the field that the error must name.
 */
#ifndef LATHE_TESTS_JOBS_CASES_H
#define LATHE_TESTS_JOBS_CASES_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/file.h"
#include "lut/base/json.h"
#include "tests/check_main.h"

static inline char *case_file(const char *module, const char *name, const char *file)
{
    char path[512];
    char *text = NULL;
    size_t size = 0;
    struct lathe_error err;
    snprintf(path, sizeof path, TEST_CASES "/%s/%s/%s", module, name, file);
    ck_assert_msg(file_read(path, 1 << 20, &text, &size, &err) == LATHE_OK, "%s", err.message);
    return text;
}

/* Read every case of a module and compare the field at fault. @return the number of cases. */
static inline int run_cases(const char *module,
                            enum lathe_status (*read)(const json_t *document, struct lathe_error *err))
{
    char path[256];
    int count = 0;
    snprintf(path, sizeof path, TEST_CASES "/%s", module);
    DIR *dir = opendir(path);
    ck_assert_msg(dir != NULL, "no folder %s", path);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        struct lathe_error err = {0};
        json_t *document = NULL;
        char *input = case_file(module, entry->d_name, "input");
        char *expected = case_file(module, entry->d_name, "expected");
        expected[strcspn(expected, "\n")] = '\0';
        ck_assert_msg(json_parse(input, strlen(input), &document, &err) == LATHE_OK, "%s: %s", entry->d_name,
                      err.message);
        enum lathe_status st = read(document, &err);
        ck_assert_msg(st == LATHE_INVALID, "%s: %s", entry->d_name, status_text(st));
        ck_assert_msg(strcmp(err.field, expected) == 0, "%s: names \"%s\", not \"%s\"", entry->d_name, err.field,
                      expected);
        json_decref(document);
        free(input);
        free(expected);
        count++;
    }
    closedir(dir);
    return count;
}

#endif
