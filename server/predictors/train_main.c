/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathe-train: how the predictors that ship with Lathe were made; not installed. `lathe predictor train` does the same
 * by way of a server. README.md here has the command of each file in shipped/. */
#include <stdio.h>
#include <stdlib.h>

#include "lut/base/file.h"
#include "lut/base/json.h"
#include "server/predictors/predictor.h"

enum { MAX_BYTES = 64 << 20 };

static enum lathe_status read_space(const char *path, struct space **out, struct lathe_error *err)
{
    char *text = NULL;
    size_t size = 0;
    json_t *document = NULL;
    enum lathe_status st = file_read(path, MAX_BYTES, &text, &size, err);
    if (!st) st = json_parse(text, size, &document, err);
    if (!st) st = space_parse(document, out, err);
    json_decref(document);
    free(text);
    return st;
}

static enum lathe_status run(const char *space_path, const char *csv_path, const char *name, const char *out_path,
                             struct lathe_error *err)
{
    struct space *space = NULL;
    char *csv = NULL;
    char *file = NULL;
    size_t csv_size = 0;
    size_t file_size = 0;
    struct training_report r;
    enum lathe_status st = read_space(space_path, &space, err);
    if (!st) st = file_read(csv_path, MAX_BYTES, &csv, &csv_size, err);
    if (!st) st = predictor_train_ridge(space, csv, csv_size, name, &file, &file_size, &r, err);
    if (!st) st = file_write(out_path, file, file_size, 0644, err);
    if (!st)
        printf("%s: %zu rows, %zu held out: R2 %.4f, mean error %.3f points, Kendall tau %.3f; lambda %g, %zu bytes\n",
               out_path, r.rows, r.held_out_rows, r.r2, r.mae * 100, r.kendall_tau, r.lambda, r.file_bytes);
    free(file);
    free(csv);
    space_free(space);
    return st;
}

int main(int argc, char **argv)
{
    struct lathe_error err = {0};
    if (argc != 5) {
        fprintf(stderr, "usage: lathe-train SPACE.json SAMPLES.csv PROVENANCE OUT.safetensors\n");
        return 2;
    }
    if (!run(argv[1], argv[2], argv[3], argv[4], &err)) return EXIT_SUCCESS;
    if (err.line) fprintf(stderr, "lathe-train: line %d: %s\n", err.line, err.message);
    else fprintf(stderr, "lathe-train: %s\n", err.message);
    return EXIT_FAILURE;
}
