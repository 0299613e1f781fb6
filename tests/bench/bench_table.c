/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a store and its tables do in a second, on the published Note10 tables: lines of "name value unit".
 * The store lies in the current folder's file system, so that commits wait for a real disk. */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lut/base/clock.h"
#include "lut/base/file.h"
#include "lut/table/formats.h"

enum { SKIPPED = 77, THREADS = 8, LOOKUPS = 200000, LAYERS = 480 };
static const double write_seconds = 2;

static const struct table_id note10 = {"note10", "tflite-f32-t1-b1"};
static const struct table_id board = {"board", "xnnpack-f32-t1-b1"};

static struct kv *kv;
static struct entries rows;
static char texts[LAYERS][ROW_TEXT_BYTES];

static void must(enum lathe_status st, const struct lathe_error *err)
{
    if (!st) return;
    fprintf(stderr, "%s\n", err->message);
    exit(EXIT_FAILURE);
}

static double seconds_since(uint64_t start)
{
    return (double)(clock_now_ns() - start) / 1e9;
}

/* @return false when the published tables are not there. */
static bool load_rows(void)
{
    for (int resolution = 160; resolution <= 224; resolution += 16) {
        char path[512];
        char *text;
        size_t size;
        struct entries some;
        struct lathe_error err;
        snprintf(path, sizeof path, "%s/ofa/note10/%d_lookup_table.yaml", TEST_DATA, resolution);
        enum lathe_status st = file_read(path, 1 << 20, &text, &size, &err);
        if (st == LATHE_NOT_FOUND) return false;
        must(st, &err);
        must(entries_parse(FORMAT_OFA_YAML, text, size, &some, &err), &err);
        for (size_t i = 0; i < some.count; i++) must(entries_add(&rows, &some.items[i], &err), &err);
        entries_clear(&some);
        free(text);
    }
    for (size_t i = 0; i < rows.count && i < LAYERS; i++)
        row_print(&rows.items[i].layer, rows.items[i].resolution, texts[i]);
    return rows.count == LAYERS;
}

static enum lathe_status make_tables(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    (void)context;
    uint32_t version;
    json_t *fingerprint = json_object();
    enum lathe_status st = table_version_for(txn, note10, fingerprint, "imported", 1, &version, err);
    if (!st) st = table_put(txn, note10, version, rows.items, rows.count, err);
    if (!st) st = table_version_for(txn, board, fingerprint, "measured", 1, &version, err);
    json_decref(fingerprint);
    return st;
}

static void bench_lookups(const char *name, uint32_t version)
{
    struct kv_txn *txn;
    struct latency latency;
    struct lathe_error err;
    must(kv_read_begin(kv, &txn, &err), &err);
    uint64_t start = clock_now_ns();
    for (int i = 0; i < LOOKUPS; i++) {
        size_t at = (size_t)i * 7919 % LAYERS;
        must(table_get(txn, note10, version, texts[at], &latency, &err), &err);
        if (latency.mean_ms != rows.items[at].latency.mean_ms) exit(EXIT_FAILURE);
    }
    printf("%s %.0f lookups/s\n", name, LOOKUPS / seconds_since(start));
    kv_read_end(txn);
}

static enum lathe_status put_small(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    char value[100] = "a row's worth of bytes";
    return kv_put(txn, KV_KEY((const char *)context), value, sizeof value, err);
}

static void *write_for_a_while(void *argument)
{
    int number = *(int *)argument;
    int writes = 0;
    for (uint64_t start = clock_now_ns(); seconds_since(start) < write_seconds; writes++) {
        char key[64];
        struct lathe_error err;
        snprintf(key, sizeof key, "bench/%d/%06d", number, writes % 1000);
        must(kv_write(kv, put_small, key, &err), &err);
    }
    *(int *)argument = writes;
    return NULL;
}

static void bench_writes(const char *name, int threads)
{
    pthread_t ids[THREADS];
    int numbers[THREADS];
    int writes = 0;
    struct kv_stats before, after;
    kv_get_stats(kv, &before);
    for (int i = 0; i < threads; i++) {
        numbers[i] = i;
        if (pthread_create(&ids[i], NULL, write_for_a_while, &numbers[i]) != 0) exit(EXIT_FAILURE);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        writes += numbers[i];
    }
    kv_get_stats(kv, &after);
    printf("%s %.0f writes/s\n", name, writes / write_seconds);
    printf("%s_group %.2f writes/commit\n", name,
           (double)(after.writes - before.writes) / (double)(after.commits - before.commits));
}

/* Results as they come: ten visits in a write, each with three samples of every row of a subnet. */
enum { VISIT_ROWS = 25, BATCH_VISITS = 10, SAMPLES = 3, BATCHES = 40 };

static enum lathe_status add_batch(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    int batch = *(const int *)context;
    for (int visit = 0; visit < BATCH_VISITS; visit++)
        for (int row = 0; row < VISIT_ROWS; row++) {
            char source[48];
            int number = batch * BATCH_VISITS + visit;
            const struct sample samples[SAMPLES] = {{1000000u + (uint32_t)number, 1000000, 0},
                                                    {1000100, 1000100, 0},
                                                    {1000200u + (uint32_t)row, 1000000, 0}};
            const struct sample_context around = {.subnet = (uint64_t)number % 27, .sentinel_ns = 8000000};
            snprintf(source, sizeof source, "p-01jd3k9x2m4q7.%d.%d", number, row);
            /* 96 rows of one resolution, of which every subnet has some: about a hundred chunks a row in the end. */
            size_t at = (size_t)(number * 31 + row * 4 + number % 4) % 96;
            enum lathe_status st = table_add_samples(txn, board, 1, texts[at], source, &around, samples, SAMPLES, err);
            if (!st) st = table_update_row(txn, board, 1, texts[at], 1 + batch, NULL, err);
            if (st) return st;
        }
    return LATHE_OK;
}

static void bench_samples(void)
{
    struct lathe_error err;
    uint64_t start = clock_now_ns();
    for (int batch = 0; batch < BATCHES; batch++) must(kv_write(kv, add_batch, &batch, &err), &err);
    printf("sample_rows %.0f rows/s\n", BATCHES * BATCH_VISITS * VISIT_ROWS / seconds_since(start));
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

int main(void)
{
    char folder[] = "bench-table-XXXXXX";
    struct lathe_error err;
    if (!load_rows()) {
        fprintf(stderr, "%s/ofa/note10 is not there\n", TEST_DATA);
        return SKIPPED;
    }
    if (!mkdtemp(folder)) return EXIT_FAILURE;
    must(kv_open(folder, 1, NULL, &kv, &err), &err);
    must(kv_write(kv, make_tables, NULL, &err), &err);
    bench_lookups("table_get", 1);
    bench_lookups("table_get_newest", 0);
    bench_writes("write_1_thread", 1);
    bench_writes("write_8_threads", THREADS);
    bench_samples();
    kv_close(kv);
    entries_clear(&rows);
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
