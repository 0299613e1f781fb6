/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Finding a predictor's layers among the tensors of a file, by their names. Two ways of naming are known: that of plain
 * PyTorch modules in a row (0.weight, 0.bias, 2.weight, ...), and that of once-for-all's AccuracyPredictor
 * (ofa/nas/accuracy_predictor/acc_predictor.py): layers.0.0.weight, layers.0.0.bias, ..., layers.3.weight, where
 * base_acc is added to the output of a last layer without bias. It serves as that bias. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/predictors/internal.h"

/* ---- 0.weight, 0.bias, 2.weight, ... ---- */

struct numbered {
    uint64_t number;
    const struct tensor *weight;
};

/* The number in "12.weight" and whether it is the weight. */
static bool parse_name(const char *name, uint64_t *number, bool *weight)
{
    const char *dot = strchr(name, '.');
    if (!dot || !text_to_u64(name, (size_t)(dot - name), number)) return false;
    *weight = strcmp(dot, ".weight") == 0;
    return *weight || strcmp(dot, ".bias") == 0;
}

static int by_number(const void *a, const void *b)
{
    const struct numbered *p = a;
    const struct numbered *q = b;
    return p->number < q->number ? -1 : p->number > q->number;
}

/* The tensor of that name, which must be there. */
static enum lathe_status find_tensor(const struct safetensors *file, const char *name, const struct tensor **out,
                                     struct lathe_error *err)
{
    *out = safetensors_find(file, name);
    return *out ? LATHE_OK : error_field(err, name, "tensor %s is missing", name);
}

/* The weights in order of their numbers. @param[out] out LAYERS_MAX. */
static enum lathe_status find_weights(const struct safetensors *file, struct numbered *out, int *count,
                                      struct lathe_error *err)
{
    int weights = 0;
    size_t biases = 0;
    for (size_t i = 0; i < file->count; i++) {
        uint64_t number = 0;
        bool weight = false;
        const char *name = file->tensors[i].name;
        if (!parse_name(name, &number, &weight))
            return error_field(err, name, "unexpected tensor %s: layers are named 0.weight, 0.bias, 2.weight, ...",
                               name);
        biases += !weight;
        if (!weight) continue;
        if (weights == LAYERS_MAX) return error_field(err, "", "more than %d layers", LAYERS_MAX);
        out[weights++] = (struct numbered){number, &file->tensors[i]};
    }
    if (!weights) return error_field(err, "", "the file has no layer: 0.weight is missing");
    qsort(out, (size_t)weights, sizeof *out, by_number);
    if (biases > (size_t)weights) return error_field(err, "", "the file has biases without weights");
    *count = weights;
    return LATHE_OK;
}

static enum lathe_status find_numbered(const struct safetensors *file, struct layer_tensors *out, int *count,
                                       struct lathe_error *err)
{
    struct numbered weights[LAYERS_MAX] = {{0}};
    enum lathe_status st = find_weights(file, weights, count, err);
    for (int i = 0; !st && i < *count; i++) {
        char name[TENSOR_NAME_BYTES];
        snprintf(name, sizeof name, "%llu.bias", (unsigned long long)weights[i].number);
        out[i].weight = weights[i].weight;
        st = find_tensor(file, name, &out[i].bias, err);
    }
    return st;
}

/* ---- layers.0.0.weight, ..., layers.3.weight, base_acc ---- */

static bool is_ofa_name(const char *name)
{
    return strncmp(name, "layers.", 7) == 0 || strcmp(name, "base_acc") == 0;
}

static bool has_ofa_names(const struct safetensors *file)
{
    for (size_t i = 0; i < file->count; i++) {
        if (is_ofa_name(file->tensors[i].name)) return true;
    }
    return false;
}

static enum lathe_status refuse_strangers(const struct safetensors *file, const struct layer_tensors *layers, int count,
                                          struct lathe_error *err)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct tensor *t = &file->tensors[i];
        bool used = false;
        for (int k = 0; k < count; k++) used |= layers[k].weight == t || layers[k].bias == t;
        if (!used)
            return error_field(
                err, t->name,
                "unexpected tensor %s: layers are named layers.0.0.weight, layers.0.0.bias, ..., the last "
                "one layers.%d.weight, and base_acc is its bias",
                t->name, count - 1);
    }
    return LATHE_OK;
}

/* Hidden layers, numbered without gaps, and the last one. */
static enum lathe_status find_ofa(const struct safetensors *file, struct layer_tensors *out, int *count,
                                  struct lathe_error *err)
{
    char name[TENSOR_NAME_BYTES];
    int n = 0;
    for (;; n++) {
        if (n == LAYERS_MAX) return error_field(err, "", "more than %d layers", LAYERS_MAX);
        snprintf(name, sizeof name, "layers.%d.0.weight", n);
        out[n].weight = safetensors_find(file, name);
        if (!out[n].weight) break;
        snprintf(name, sizeof name, "layers.%d.0.bias", n);
        enum lathe_status st = find_tensor(file, name, &out[n].bias, err);
        if (st) return st;
    }
    snprintf(name, sizeof name, "layers.%d.weight", n);
    out[n].weight = safetensors_find(file, name);
    if (!out[n].weight)
        return error_field(err, name, "tensor %s of the last layer is missing, or layers.%d.0.weight of one before it",
                           name, n);
    enum lathe_status st = find_tensor(file, "base_acc", &out[n].bias, err);
    if (st) return st;
    *count = n + 1;
    return refuse_strangers(file, out, *count, err);
}

/* Once-for-all's predictors of other networks have the same names, but other features: those would go unnoticed. */
static enum lathe_status refuse_ofa(const struct encoding *encoding, struct lathe_error *err)
{
    error_set(
        err, LATHE_UNSUPPORTED,
        "tensors layers.* and base_acc are the layout of OFA's ResNet50 predictor, whose features are not those of "
        "space %s: give it a predictor with layers 0.weight, 0.bias, 2.weight, ...",
        space_id(encoding->space));
    return LATHE_UNSUPPORTED;
}

enum lathe_status layer_tensors_find(const struct safetensors *file, const struct encoding *encoding,
                                     struct layer_tensors *out, int *count, struct lathe_error *err)
{
    if (!has_ofa_names(file)) return find_numbered(file, out, count, err);
    if (!encoding->takes_ofa_layout) return refuse_ofa(encoding, err);
    return find_ofa(file, out, count, err);
}
