/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"

/* Most of anything in one batch: far beyond what an agent sends, small enough for memory. */
enum { BATCH_VISITS_MAX = 1024, BATCH_RUNS_MAX = 1000, BATCH_LAYERS_MAX = 256, BOARD_TEXT_MOST = 64 };
static const json_int_t TOTAL_NS_MAX = 1000000000000000;

/* Numbers of a row into a matrix of uint32_t. */
static enum lathe_status read_row(const json_t *row, size_t layers, json_int_t max, uint32_t *out, const char *name,
                                  size_t run, struct lathe_error *err)
{
    char field[64];
    snprintf(field, sizeof field, "%s[%zu]", name, run);
    if (!json_is_array(row) || json_array_size(row) != layers)
        return error_field(err, field, "%s must have as many numbers as the others: %zu", field, layers);
    for (size_t i = 0; i < layers; i++) {
        const json_t *number = json_array_get(row, i);
        json_int_t value = json_integer_value(number);
        if (!json_is_integer(number) || value < 0 || value > max)
            return error_field(err, field, "%s[%zu] must be a whole number of 0 to %lld", field, i, (long long)max);
        out[i] = (uint32_t)value;
    }
    return LATHE_OK;
}

/* A matrix [runs][layers] of numbers. @param[out] out malloc'd. */
static enum lathe_status read_matrix(const json_t *matrix, size_t runs, size_t layers, json_int_t max, uint32_t **out,
                                     const char *name, struct lathe_error *err)
{
    if (!json_is_array(matrix) || json_array_size(matrix) != runs)
        return error_field(err, name, "%s must have an array for each of the %zu runs", name, runs);
    uint32_t *numbers = malloc(sizeof *numbers * runs * layers);
    if (!numbers) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = LATHE_OK;
    for (size_t run = 0; !st && run < runs; run++)
        st = read_row(json_array_get(matrix, run), layers, max, numbers + run * layers, name, run, err);
    if (st) free(numbers);
    else *out = numbers;
    return st;
}

static enum lathe_status read_layers(const json_t *wall, const json_t *cpu, const json_t *preempted,
                                     struct batch_visit *out, struct lathe_error *err)
{
    out->layers = json_array_size(json_array_get(wall, 0));
    if (!out->layers || out->layers > BATCH_LAYERS_MAX)
        return error_field(err, "wall_ns[0]", "wall_ns[0] must have 1 to %d numbers", BATCH_LAYERS_MAX);
    enum lathe_status st = read_matrix(wall, out->runs, out->layers, UINT32_MAX, &out->wall_ns, "wall_ns", err);
    if (!st) st = read_matrix(cpu, out->runs, out->layers, UINT32_MAX, &out->cpu_ns, "cpu_ns", err);
    if (st) return st;
    uint32_t *counts = NULL;
    st = read_matrix(preempted, out->runs, out->layers, UINT8_MAX, &counts, "preempted", err);
    if (st) return st;
    out->preempted = malloc(out->runs * out->layers);
    for (size_t i = 0; counts && out->preempted && i < out->runs * out->layers; i++)
        out->preempted[i] = (uint8_t)counts[i];
    free(counts);
    return out->preempted ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
}

static enum lathe_status check_totals(const json_t *total, struct lathe_error *err)
{
    size_t i;
    const json_t *number;
    json_array_foreach(total, i, number)
    {
        json_int_t value = json_integer_value(number);
        if (!json_is_integer(number) || value < 1 || value > TOTAL_NS_MAX)
            return error_field(err, "total_ns", "total_ns[%zu] must be a whole number of 1 to %lld", i,
                               (long long)TOTAL_NS_MAX);
    }
    return LATHE_OK;
}

/* What was around a visit, as far as the agent could tell. */
static enum lathe_status read_around(const json_t *sentinel, const json_t *state, struct sample_context *out,
                                     struct lathe_error *err)
{
    struct json_fields f;
    int64_t ns = 0;
    int64_t cpu_ns = 0;
    int64_t khz = 0;
    int64_t available_mb = 0;
    double kelvin = 0;
    double load = 0;
    enum lathe_status st = LATHE_OK;
    if (sentinel) {
        json_fields_begin(&f, sentinel, err);
        json_get_int(&f, "ns", JSON_OPTIONAL, 0, TOTAL_NS_MAX, &ns);
        json_get_int(&f, "cpu_ns", JSON_OPTIONAL, 0, TOTAL_NS_MAX, &cpu_ns);
        st = json_fields_end(&f);
        if (st) error_in_field(err, "sentinel");
        if (st) return st;
    }
    if (state) {
        json_fields_begin(&f, state, err);
        json_get_int(&f, "khz", JSON_OPTIONAL, 0, UINT32_MAX, &khz);
        json_get_number(&f, "temperature_k", JSON_OPTIONAL, 0, UINT16_MAX / 10, &kelvin);
        json_get_number(&f, "load", JSON_OPTIONAL, 0, 1, &load);
        json_get_int(&f, "available_mb", JSON_OPTIONAL, 0, INT32_MAX, &available_mb);
        st = json_fields_end(&f);
        if (st) error_in_field(err, "state");
        if (st) return st;
    }
    out->sentinel_ns = (uint64_t)ns;
    out->sentinel_cpu_ns = (uint64_t)cpu_ns;
    out->khz = (uint32_t)khz;
    out->temperature_dk = (uint16_t)lround(kelvin * 10);
    out->load_permille = (uint16_t)lround(load * 1000);
    out->available_mb = (uint32_t)available_mb;
    return LATHE_OK;
}

static enum lathe_status read_visit(const json_t *document, struct batch_visit *out, struct lathe_error *err)
{
    struct json_fields f;
    int64_t visit = 0;
    int64_t network = 0;
    int64_t busy = 0;
    int64_t build = 0;
    int64_t redone = 0;
    const json_t *sentinel = NULL;
    const json_t *state = NULL;
    const json_t *wall = NULL;
    const json_t *cpu = NULL;
    const json_t *preempted = NULL;
    json_fields_begin(&f, document, err);
    json_get_int(&f, "visit", JSON_REQUIRED, 0, INT32_MAX, &visit);
    json_get_int(&f, "network", JSON_REQUIRED, 0, INT32_MAX, &network);
    json_get_array(&f, "total_ns", JSON_REQUIRED, 1, BATCH_RUNS_MAX, &out->total);
    json_get_array(&f, "wall_ns", JSON_OPTIONAL, 1, BATCH_RUNS_MAX, &wall);
    json_get_array(&f, "cpu_ns", wall ? JSON_REQUIRED : JSON_OPTIONAL, 1, BATCH_RUNS_MAX, &cpu);
    json_get_array(&f, "preempted", wall ? JSON_REQUIRED : JSON_OPTIONAL, 1, BATCH_RUNS_MAX, &preempted);
    json_get_object(&f, "sentinel", JSON_OPTIONAL, &sentinel);
    json_get_object(&f, "state", JSON_OPTIONAL, &state);
    json_get_int(&f, "busy_ns", JSON_OPTIONAL, 0, TOTAL_NS_MAX, &busy);
    json_get_int(&f, "build_ns", JSON_OPTIONAL, 0, TOTAL_NS_MAX, &build);
    json_get_int(&f, "redone", JSON_OPTIONAL, 0, 1000, &redone);
    json_get_bool(&f, "throttled", JSON_OPTIONAL, &out->throttled);
    json_get_bool(&f, "disturbed", JSON_OPTIONAL, &out->disturbed);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = check_totals(out->total, err);
    if (!st) st = read_around(sentinel, state, &out->around, err);
    if (st) return st;
    out->state = state;
    out->busy_ns = (uint64_t)busy;
    out->build_ns = (uint64_t)build;
    out->redone = (int)redone;
    out->visit = (int)visit;
    out->network = (int)network;
    out->runs = json_array_size(out->total);
    return wall ? read_layers(wall, cpu, preempted, out, err) : LATHE_OK;
}

static enum lathe_status read_visits(const json_t *list, struct batch *out, struct lathe_error *err)
{
    size_t n = json_array_size(list);
    out->visits = calloc(n, sizeof *out->visits);
    if (!out->visits) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    out->count = n;
    for (size_t i = 0; i < n; i++) {
        enum lathe_status st = read_visit(json_array_get(list, i), &out->visits[i], err);
        if (!st) continue;
        char prefix[32];
        snprintf(prefix, sizeof prefix, "visits[%zu]", i);
        error_in_field(err, prefix);
        return st;
    }
    return LATHE_OK;
}

static void read_word(struct json_fields *f, const char *name, enum json_need need)
{
    const char *text = NULL;
    json_get_string(f, name, need, &text);
    if (!f->status && text && strlen(text) > BOARD_TEXT_MOST)
        f->status = error_field(f->err, name, "%s must have at most %d bytes", name, BOARD_TEXT_MOST);
}

enum lathe_status board_check(const json_t *board, struct lathe_error *err)
{
    static const char *const words[] = {"name", "core", "timer", "runner", "build"};
    static const char *const numbers[] = {"clock_hz", "sram_bytes", "flash_bytes", "arena_bytes", "code_bytes"};
    static const char *const clocks[] = {"ns", "cycles", "instructions", NULL};
    struct json_fields f;
    int64_t number = 0;
    int clock = 0;
    bool emulated = false;
    json_fields_begin(&f, board, err);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) read_word(&f, words[i], JSON_REQUIRED);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        json_get_int(&f, numbers[i], JSON_REQUIRED, 0, UINT32_MAX, &number);
    json_get_word(&f, "clock", JSON_REQUIRED, clocks, &clock);
    json_get_bool(&f, "emulated", JSON_REQUIRED, &emulated);
    read_word(&f, "fault", JSON_OPTIONAL);
    enum lathe_status st = json_fields_end(&f);
    if (st) error_in_field(err, "board");
    return st;
}

enum lathe_status batch_read(const json_t *document, struct batch *out, struct lathe_error *err)
{
    struct json_fields f;
    struct batch batch = {0};
    const json_t *visits = NULL;
    json_fields_begin(&f, document, err);
    json_get_int(&f, "fence", JSON_REQUIRED, 1, INT64_MAX, &batch.fence);
    json_get_object(&f, "fingerprint", JSON_REQUIRED, &batch.fingerprint);
    json_get_object(&f, "board", JSON_OPTIONAL, &batch.board);
    json_get_array(&f, "visits", JSON_REQUIRED, 1, BATCH_VISITS_MAX, &visits);
    enum lathe_status st = json_fields_end(&f);
    if (!st && batch.board) st = board_check(batch.board, err);
    if (!st) st = read_visits(visits, &batch, err);
    if (st) batch_clear(&batch);
    else *out = batch;
    return st;
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->visits[i].wall_ns);
        free(batch->visits[i].cpu_ns);
        free(batch->visits[i].preempted);
    }
    free(batch->visits);
    *batch = (struct batch){0};
}
