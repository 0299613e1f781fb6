/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Networks of tests/cases/int8 with the CRCs of their weights, inputs and outputs, as conformance/int8_page.py makes
 * them from agents/wire/PROTOCOL.md. Failures fail the test at hand. */
#ifndef LATHE_TESTS_CONFORMANCE_INT8_CASES_H
#define LATHE_TESTS_CONFORMANCE_INT8_CASES_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/file.h"
#include "lut/layer/layer.h"

enum { INT8_CASE_LAYERS = 16, INT8_CASES = 11 };

struct int8_case {
    char name[64];
    unsigned seed;
    int batch, count;
    struct layer layers[INT8_CASE_LAYERS];
    unsigned weights_crc, input_crc, output_crc;
};

static inline char *int8_case_file(const char *name, const char *file)
{
    char path[512];
    char *text = NULL;
    size_t size = 0;
    struct lathe_error err = {0};
    snprintf(path, sizeof path, TEST_CASES "/int8/%s/%s", name, file);
    ck_assert_msg(file_read(path, 1 << 16, &text, &size, &err) == LATHE_OK, "%s", err.message);
    return text;
}

static inline void int8_case_load(const char *name, struct int8_case *out)
{
    struct lathe_error err = {0};
    char *text = int8_case_file(name, "input");
    char *rest = text;
    *out = (struct int8_case){0};
    snprintf(out->name, sizeof out->name, "%s", name);
    ck_assert_msg(sscanf(strsep(&rest, "\n"), "seed %u batch %d", &out->seed, &out->batch) == 2, "%s: seed", name);
    for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n")) {
        ck_assert_int_lt(out->count, INT8_CASE_LAYERS);
        ck_assert_msg(layer_parse(line, &out->layers[out->count++], &err) == LATHE_OK, "%s: %s", name, err.message);
    }
    free(text);
    text = int8_case_file(name, "expected");
    ck_assert_msg(
        sscanf(text, "weights %x\ninput %x\noutput %x", &out->weights_crc, &out->input_crc, &out->output_crc) == 3,
        "%s: expected", name);
    free(text);
}

static inline void each_int8_case(void (*visit)(const struct int8_case *))
{
    struct dirent **names = NULL;
    int ran = 0;
    int n = scandir(TEST_CASES "/int8", &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            struct int8_case c;
            int8_case_load(names[i]->d_name, &c);
            visit(&c);
            ran++;
        }
        free(names[i]);
    }
    free(names);
    ck_assert_int_ge(ran, INT8_CASES);
}

#endif
