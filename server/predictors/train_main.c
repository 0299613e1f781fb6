/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathe-train: how the predictors that ship with Lathe were made; not installed. `lathe predictor train` does the same
 * by way of a server. README.md here has the command of each file in shipped/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/file.h"
#include "lut/base/json.h"
#include "server/predictors/training.h"

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

static void print_candidate(const char *name, const struct training_figures *f)
{
    if (!f->fitted) return;
    printf("%-6s held out: R2 %.4f, mean error %.4f points, Kendall tau %.4f; %.4f points on the rows that choose\n",
           name, f->r2, f->mae * 100, f->kendall_tau, f->choosing_mae * 100);
}

static void print_report(const char *path, const struct training_report *r)
{
    print_candidate("ridge", &r->ridge);
    print_candidate("mlp", &r->mlp);
    printf("%s: %s, %zu rows, %zu held out, %zu bytes\n", path, training_method_name(r->kept), r->rows,
           r->held_out_rows, r->file_bytes);
}

struct arguments {
    const char *space, *samples, *provenance, *out;
};

static enum lathe_status run(const struct arguments *a, const struct training_options *options, struct lathe_error *err)
{
    struct space *space = NULL;
    char *csv = NULL;
    char *file = NULL;
    size_t csv_size = 0;
    size_t file_size = 0;
    struct training_report r;
    enum lathe_status st = read_space(a->space, &space, err);
    if (!st) st = file_read(a->samples, MAX_BYTES, &csv, &csv_size, err);
    if (!st) st = predictor_train(space, csv, csv_size, a->provenance, options, &file, &file_size, &r, err);
    if (!st) st = file_write(a->out, file, file_size, 0644, err);
    if (!st) print_report(a->out, &r);
    free(file);
    free(csv);
    space_free(space);
    return st;
}

/* @return false when value is no number. */
static bool read_number(const char *value, double *out)
{
    char *end = NULL;
    *out = strtod(value, &end);
    return end != value && *end == '\0';
}

static bool read_option(const char *name, const char *value, struct training_options *o)
{
    double number = 0;
    if (strcmp(name, "--method") == 0) return training_method_find(value, &o->method);
    if (!read_number(value, &number) || !(number >= 0 && number < 1e6)) return false;
    if (strcmp(name, "--seed") == 0) o->mlp.seed = (uint64_t)number;
    else if (strcmp(name, "--epochs") == 0) o->mlp.epochs = (int)number;
    else if (strcmp(name, "--batch") == 0 && number >= 1) o->mlp.batch = (int)number;
    else if (strcmp(name, "--rate") == 0) o->mlp.learning_rate = number;
    else if (strcmp(name, "--decay") == 0) o->mlp.weight_decay = number;
    else return false;
    return true;
}

int main(int argc, char **argv)
{
    struct lathe_error err = {0};
    struct training_options options;
    bool understood = argc >= 5 && argc % 2 == 1;
    training_defaults(&options);
    for (int i = 5; understood && i + 1 < argc; i += 2) understood = read_option(argv[i], argv[i + 1], &options);
    if (!understood) {
        fprintf(stderr,
                "usage: lathe-train SPACE.json SAMPLES.csv PROVENANCE OUT.safetensors [--method auto|ridge|mlp]\n"
                "       [--seed N] [--epochs N] [--batch N] [--rate X] [--decay X]\n");
        return 2;
    }
    const struct arguments a = {argv[1], argv[2], argv[3], argv[4]};
    if (!run(&a, &options, &err)) return EXIT_SUCCESS;
    if (err.line) fprintf(stderr, "lathe-train: line %d: %s\n", err.line, err.message);
    else fprintf(stderr, "lathe-train: %s\n", err.message);
    return EXIT_FAILURE;
}
