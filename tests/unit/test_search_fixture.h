/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What tests of spaces, predictors and searches share: the shipped spaces, published figures, small spaces. */
#ifndef LATHE_TESTS_TEST_SEARCH_FIXTURE_H
#define LATHE_TESTS_TEST_SEARCH_FIXTURE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lut/base/file.h"
#include "lut/base/json.h"
#include "server/predictors/predictor.h"

/* End the program when what a test stands on is not there. Benches use this too, where Check's assertions can't be. */
static inline void must(int holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "can't go on: %s\n", what);
    abort();
}

static inline char *load_file(const char *path, size_t *size)
{
    char *data = NULL;
    struct lathe_error err = {0};
    must(file_read(path, 64 << 20, &data, size, &err) == LATHE_OK, err.message);
    return data;
}

/* What a case's `expected` file says of the error: the field, the line of the input, a part of the message. */
struct expectation {
    char field[128], line[16], text[256];
};

static inline void read_expectation_line(FILE *file, char *out, int size)
{
    must(fgets(out, size, file) != NULL, "a case's expected file has fewer than three lines");
    out[strcspn(out, "\n")] = '\0';
}

static inline void read_expectation(const char *path, struct expectation *e)
{
    FILE *file = fopen(path, "r");
    must(file != NULL, path);
    read_expectation_line(file, e->field, sizeof e->field);
    read_expectation_line(file, e->line, sizeof e->line);
    read_expectation_line(file, e->text, sizeof e->text);
    fclose(file);
}

typedef enum lathe_status (*case_reader)(const char *input, size_t size, struct lathe_error *err);

static inline void refuse_case(const char *folder, case_reader read)
{
    char path[1100];
    size_t size = 0;
    struct expectation e;
    struct lathe_error err = {0};
    snprintf(path, sizeof path, "%s/expected", folder);
    read_expectation(path, &e);
    snprintf(path, sizeof path, "%s/input", folder);
    char *input = load_file(path, &size);
    enum lathe_status st = read(input, size, &err);
    bool as_expected = st == LATHE_INVALID && err.status == st && strcmp(err.field, e.field) == 0 &&
                       err.line == (int)strtol(e.line, NULL, 10) && strstr(err.message, e.text);
    if (!as_expected)
        fprintf(stderr, "%s: expected field \"%s\", line %s, \"%s\"; got %s, field \"%s\", line %d, \"%s\"\n", folder,
                e.field, e.line, e.text, status_text(st), err.field, err.line, err.message);
    must(as_expected, "a case was not refused as expected");
    free(input);
}

/* Feed every case of a folder under tests/cases to `read`, which must refuse it with the error that the case expects.
 * @return how many cases there were. */
static inline int refuse_all_cases(const char *module, case_reader read)
{
    char dir[512];
    int count = 0;
    struct dirent **cases = NULL;
    snprintf(dir, sizeof dir, "%s/%s", TEST_CASES, module);
    int n = scandir(dir, &cases, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char folder[1024];
        snprintf(folder, sizeof folder, "%s/%s", dir, cases[i]->d_name);
        if (cases[i]->d_name[0] != '.') {
            refuse_case(folder, read);
            count++;
        }
        free(cases[i]);
    }
    free(cases);
    return count;
}

/* A space from text, which must be well formed. */
static inline struct space *space_from_text(const char *text)
{
    struct lathe_error err = {0};
    json_t *document = NULL;
    struct space *space = NULL;
    must(json_parse(text, strlen(text), &document, &err) == LATHE_OK, err.message);
    must(space_parse(document, &space, &err) == LATHE_OK, err.message);
    json_decref(document);
    return space;
}

/* A space of one stage of up to two blocks and a handful of choices, at resolutions that predictors take. */
static const char tiny_space[] =
    "{\"id\":\"tiny\",\"title\":\"A tiny space\",\"family\":\"inverted_residual\",\"resolutions\":[112,120,240],"
    "\"stem\":{\"channels\":8,\"kernel\":3,\"stride\":2,\"activation\":\"relu\"},"
    "\"first\":{\"channels\":8,\"kernel\":3,\"activation\":\"relu\",\"residual\":true},"
    "\"stages\":[{\"channels\":16,\"stride\":2,\"activation\":\"relu\",\"squeeze_excite\":true,\"depth\":[1,2]}],"
    "\"kernel\":[3,5],\"expand\":[3,6],"
    "\"head\":[{\"kind\":\"avgpool\"},{\"kind\":\"linear\",\"features\":10}]}";

static inline struct space *shipped_space(const char *id)
{
    char path[512];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/server/spaces/catalog/%s.json", SOURCE_DIR, id);
    char *text = load_file(path, &size);
    struct space *space = space_from_text(text);
    free(text);
    return space;
}

static inline struct predictor *predictor_from_file(const char *path, const struct space *space)
{
    size_t size = 0;
    struct lathe_error err = {0};
    struct predictor *predictor = NULL;
    char *bytes = load_file(path, &size);
    must(predictor_load(bytes, size, space, &predictor, &err) == LATHE_OK, err.message);
    free(bytes);
    return predictor;
}

/* Whether the published figures are there; tests that need them skip otherwise. */
static inline int have_test_data(void)
{
    return access(TEST_DATA "/ofa/vectors_mbv3_w1.2.csv", R_OK) == 0;
}

static inline struct predictor *published_predictor(const struct space *space)
{
    return predictor_from_file(TEST_DATA "/ofa/acc_predictor_mbv3_w1.2.safetensors", space);
}

/* What ships for the space of MobileNetV3. */
static inline struct predictor *shipped_predictor(const struct space *space)
{
    return predictor_from_file(SOURCE_DIR "/server/predictors/shipped/ofa-mbv3-w1.2-mlp.safetensors", space);
}

/* One of the 300 subnets with figures computed elsewhere. */
struct vector {
    struct subnet subnet;
    double top1, latency_ms;
    uint64_t macs;
};

enum { VECTORS = 300 };

static inline struct vector read_vector(const struct space *space, const char *line)
{
    double v[50];
    for (int i = 0; i < 50; i++) {
        char *end = NULL;
        v[i] = strtod(line, &end);
        must(end != line && (*end == ',' || *end == '\n' || *end == '\r'), "a line of vectors_mbv3_w1.2.csv is broken");
        line = end + 1;
    }
    struct lathe_error err = {0};
    struct vector out = {.top1 = v[46], .latency_ms = v[47], .macs = (uint64_t)v[48] + (uint64_t)v[49]};
    json_t *kernel = json_array();
    json_t *expand = json_array();
    json_t *depth = json_array();
    for (int i = 0; i < 20; i++) json_array_append_new(kernel, json_integer((int)v[i]));
    for (int i = 20; i < 40; i++) json_array_append_new(expand, json_integer((int)v[i]));
    for (int i = 40; i < 45; i++) json_array_append_new(depth, json_integer((int)v[i]));
    json_t *document =
        json_pack("{s:i, s:o, s:o, s:o}", "resolution", (int)v[45], "depth", depth, "kernel", kernel, "expand", expand);
    must(subnet_from_json(space, document, &out.subnet, &err) == LATHE_OK, err.message);
    json_decref(document);
    return out;
}

/* @return VECTORS of them; the caller frees. Columns: k0..k19, e0..e19, d0..d4, r, accuracy, latency, two of MACs. */
static inline struct vector *read_vectors(const struct space *space)
{
    struct vector *vectors = calloc(VECTORS, sizeof *vectors);
    char line[4096];
    FILE *file = fopen(TEST_DATA "/ofa/vectors_mbv3_w1.2.csv", "r");
    must(file && vectors && fgets(line, sizeof line, file), "vectors_mbv3_w1.2.csv can't be read");
    for (int i = 0; i < VECTORS; i++) {
        must(fgets(line, sizeof line, file) != NULL, "vectors_mbv3_w1.2.csv is too short");
        vectors[i] = read_vector(space, line);
    }
    fclose(file);
    return vectors;
}

#endif
