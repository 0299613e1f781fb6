/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Loading and describing of predictors; evaluate.c has the inference. */
#include "server/predictors/predictor.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/predictors/bf16.h"
#include "server/predictors/columns.h"
#include "server/predictors/internal.h"

static void set_one_thread(void)
{
    openblas_set_num_threads(1);
}

void predictor_use_one_thread(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_one_thread);
}

/* ---- loading ---- */

static enum lathe_status read_floats(const struct safetensors *file, const struct tensor *t, float **out,
                                     struct lathe_error *err)
{
    *out = malloc(t->elements * sizeof **out);
    if (!*out) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    return safetensors_read_f32(file, t, *out, err);
}

/* [out][in] to [in][out]. */
static enum lathe_status transpose(struct dense *layer, struct lathe_error *err)
{
    size_t in = (size_t)layer->in;
    size_t out = (size_t)layer->out;
    float *turned = malloc(in * out * sizeof *turned);
    if (!turned) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < in; i++) {
        for (size_t o = 0; o < out; o++) turned[i * out + o] = layer->weight[o * in + i];
    }
    free(layer->weight);
    layer->weight = turned;
    return LATHE_OK;
}

static enum lathe_status check_shapes(const struct layer_tensors *t, size_t inputs, bool last, struct lathe_error *err)
{
    const struct tensor *w = t->weight;
    const struct tensor *b = t->bias;
    if (w->rank != 2 || w->shape[0] > WIDTH_MAX || w->shape[1] > WIDTH_MAX)
        return error_field(err, w->name, "tensor %s must have shape [outputs, inputs], each at most %d", w->name,
                           WIDTH_MAX);
    if (w->shape[1] != inputs)
        return error_field(err, w->name, "tensor %s takes %zu inputs, but there are %zu", w->name, w->shape[1], inputs);
    if (last && w->shape[0] != 1)
        return error_field(err, w->name, "the last layer must have one output, not %zu", w->shape[0]);
    if (b->rank != 1 || b->shape[0] != w->shape[0])
        return error_field(err, b->name, "tensor %s must have shape [%zu]", b->name, w->shape[0]);
    return LATHE_OK;
}

static enum lathe_status read_layer(const struct safetensors *file, const struct layer_tensors *t, struct dense *out,
                                    struct lathe_error *err)
{
    out->in = (int)t->weight->shape[1];
    out->out = (int)t->weight->shape[0];
    enum lathe_status st = read_floats(file, t->weight, &out->weight, err);
    if (!st) st = transpose(out, err);
    return st ? st : read_floats(file, t->bias, &out->bias, err);
}

static enum lathe_status read_layers(struct predictor *p, const struct safetensors *file, struct lathe_error *err)
{
    struct layer_tensors tensors[LAYERS_MAX] = {{0}};
    int count = 0;
    enum lathe_status st = layer_tensors_find(file, &p->encoding, tensors, &count, err);
    size_t inputs = (size_t)p->encoding.features;
    for (int i = 0; !st && i < count; i++) {
        st = check_shapes(&tensors[i], inputs, i + 1 == count, err);
        if (st) break;
        p->layer_count = i + 1;
        st = read_layer(file, &tensors[i], &p->layers[i], err);
        inputs = (size_t)p->layers[i].out;
    }
    return st;
}

/* What searches use. */
static enum lathe_status prepare(struct predictor *p, struct lathe_error *err)
{
    p->columns = columns_new(p);
    if (!p->columns) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    p->bf16 = bf16_layers_new(p->layers + 1, p->layer_count - 2);
    return LATHE_OK;
}

static enum lathe_status load(struct predictor *p, const void *bytes, size_t size, struct lathe_error *err)
{
    struct safetensors file;
    enum lathe_status st = safetensors_parse(bytes, size, &file, err);
    if (st) return st;
    st = read_layers(p, &file, err);
    if (!st) st = prepare(p, err);
    if (!st) {
        p->metadata = file.metadata ? json_incref(file.metadata) : json_object();
        if (!p->metadata) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    safetensors_clear(&file);
    return st;
}

enum lathe_status predictor_load(const void *bytes, size_t size, const struct space *space, struct predictor **out,
                                 struct lathe_error *err)
{
    predictor_use_one_thread();
    struct predictor *p = calloc(1, sizeof *p);
    if (!p) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    p->space = space;
    encoding_init(&p->encoding, space);
    enum lathe_status st = load(p, bytes, size, err);
    if (st) {
        predictor_free(p);
        return st;
    }
    *out = p;
    return LATHE_OK;
}

void predictor_free(struct predictor *p)
{
    if (!p) return;
    for (int i = 0; i < p->layer_count; i++) {
        free(p->layers[i].weight);
        free(p->layers[i].bias);
    }
    columns_free(p->columns);
    bf16_layers_free(p->bf16);
    json_decref(p->metadata);
    free(p);
}

/* ---- describing ---- */

enum lathe_status predictor_file_space(const void *bytes, size_t size, char id[65], struct lathe_error *err)
{
    struct safetensors file;
    enum lathe_status st = safetensors_parse(bytes, size, &file, err);
    if (st) return st;
    const char *space = json_string_value(json_object_get(file.metadata, "space"));
    if (space && !text_is_name(space)) st = error_field(err, "__metadata__", "the file's space is no name of a space");
    if (!st) snprintf(id, 65, "%s", space ? space : "");
    safetensors_clear(&file);
    return st;
}

json_t *predictor_describe(const struct predictor *p)
{
    json_int_t parameters = 0;
    json_t *layers = json_array();
    json_array_append_new(layers, json_integer(p->layers[0].in));
    for (int i = 0; i < p->layer_count; i++) {
        const struct dense *l = &p->layers[i];
        parameters += ((json_int_t)l->in + 1) * l->out;
        json_array_append_new(layers, json_integer(l->out));
    }
    return json_pack("{s:s, s:o, s:I, s:O}", "space", space_id(p->space), "layers", layers, "parameters", parameters,
                     "metadata", p->metadata);
}

const struct space *predictor_space(const struct predictor *p)
{
    return p->space;
}

bool predictor_has_resolution(const struct predictor *p, int resolution)
{
    return encoding_has_resolution(&p->encoding, resolution);
}
