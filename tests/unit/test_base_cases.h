/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Fixture folders: tests/cases/<module>/<case>/{input,expected}. expected has lines "rows N" (well formed, N rows), or
 * "line N", "field NAME" and "message PART" (malformed: where, and a part of what is said). */
#ifndef LATHE_TESTS_BASE_CASES_H
#define LATHE_TESTS_BASE_CASES_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/file.h"

struct expected {
    long rows; /* -1: malformed */
    long line; /* 0: none */
    char field[160];
    char message[160];
};

typedef void (*case_fn)(const char *name, const char *input, size_t size, const struct expected *);

static inline char *case_read(const char *module, const char *name, const char *file, size_t *size)
{
    char path[512];
    char *text = NULL;
    struct lathe_error err = {0};
    snprintf(path, sizeof path, "%s/%s/%s/%s", TEST_CASES, module, name, file);
    ck_assert_msg(file_read(path, 1 << 20, &text, size, &err) == LATHE_OK, "%s", err.message);
    return text;
}

static inline struct expected case_expected(const char *module, const char *name)
{
    struct expected e = {.rows = -1};
    size_t size;
    char *text = case_read(module, name, "expected", &size);
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (sscanf(line, "rows %ld", &e.rows) == 1 || sscanf(line, "line %ld", &e.line) == 1) continue;
        if (strncmp(line, "field ", 6) == 0) snprintf(e.field, sizeof e.field, "%s", line + 6);
        else if (strncmp(line, "message ", 8) == 0) snprintf(e.message, sizeof e.message, "%s", line + 8);
        else ck_assert_msg(*line == '\0', "%s/%s: can't read \"%s\"", module, name, line);
    }
    free(text);
    ck_assert_msg(e.rows >= 0 || e.message[0], "%s/%s expects nothing", module, name);
    return e;
}

/* Run every case of a module. @param least a folder with fewer cases is not the one that was meant. */
static inline void cases_run(const char *module, int least, case_fn run)
{
    char path[512];
    struct dirent **names = NULL;
    int ran = 0;
    snprintf(path, sizeof path, "%s/%s", TEST_CASES, module);
    int n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            size_t size;
            struct expected e = case_expected(module, names[i]->d_name);
            char *input = case_read(module, names[i]->d_name, "input", &size);
            run(names[i]->d_name, input, size, &e);
            free(input);
            ran++;
        }
        free(names[i]);
    }
    free(names);
    ck_assert_int_ge(ran, least);
}

/* Compare an error with what a malformed case expects. A field longer than an error can hold is compared as cut. */
static inline void case_check_error(const char *name, const struct lathe_error *err, const struct expected *e)
{
    ck_assert_msg(strstr(err->message, e->message) != NULL, "%s: \"%s\" is not in \"%s\"", name, e->message,
                  err->message);
    ck_assert_msg(err->line == e->line, "%s: line %d: %s", name, err->line, err->message);
    if (e->field[0])
        ck_assert_msg(strncmp(err->field, e->field, sizeof err->field - 1) == 0, "%s: field \"%s\": %s", name,
                      err->field, err->message);
}

#endif
