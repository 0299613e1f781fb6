/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/bf16.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>

/* A batch is cut into tall pieces and the rest into short ones. */
enum { SIZES = 2, ALIGNMENT = 64 };
static const size_t rows_of[SIZES] = {64, BF16_ROWS};

struct piece {
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t source, destination, scratch;
};

struct bf16_layer {
    size_t in, out;
    size_t out_bytes; /* of a number that comes out */
    dnnl_memory_t weight, bias;
    struct piece pieces[SIZES];
};

struct bf16_layers {
    dnnl_engine_t engine;
    int count;
    size_t scratch_bytes;
    struct bf16_layer layers[LAYERS_MAX];
};

struct memories {
    dnnl_memory_t source, destination, scratch;
};

struct bf16_work {
    dnnl_stream_t stream;
    int count;
    void *buffers[LAYERS_MAX + 1]; /* between the layers */
    void *scratch;
    struct memories memories[LAYERS_MAX][SIZES];
};

/* oneDNN's own threads would fight with the server's. The setting is the calling thread's. */
static void use_one_thread(void)
{
    omp_set_num_threads(1);
}

static bool processor_has_bf16(void)
{
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    return isa == dnnl_cpu_isa_avx512_core_bf16 || isa == dnnl_cpu_isa_avx512_core_amx;
}

/* ---- preparing ---- */

static bool describe(dnnl_memory_desc_t *out, size_t rows, size_t columns, dnnl_data_type_t type,
                     dnnl_format_tag_t format)
{
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    return dnnl_memory_desc_init_by_tag(out, 2, dims, type, format) == dnnl_success;
}

static bool make_attributes(dnnl_primitive_attr_t *out)
{
    dnnl_post_ops_t ops = NULL;
    if (dnnl_primitive_attr_create(out)) return false;
    bool made = !dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user) &&
                !dnnl_post_ops_create(&ops) && !dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0) &&
                !dnnl_primitive_attr_set_post_ops(*out, ops);
    dnnl_post_ops_destroy(ops);
    return made;
}

/* The product of a piece of a batch. @param[in,out] weight the layout of the weights: any, or the one to use. */
static bool make_piece(struct bf16_layers *b, struct bf16_layer *l, size_t rows, dnnl_memory_desc_t *weight,
                       struct piece *out)
{
    dnnl_memory_desc_t bias;
    dnnl_matmul_desc_t product;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t description = NULL;
    bool made = describe(&out->source, rows, l->in, dnnl_bf16, dnnl_ab) &&
                describe(&out->destination, rows, l->out, l->out_bytes == 2 ? dnnl_bf16 : dnnl_f32, dnnl_ab) &&
                describe(&bias, 1, l->out, dnnl_f32, dnnl_ab) && make_attributes(&attributes) &&
                !dnnl_matmul_desc_init(&product, &out->source, weight, &bias, &out->destination) &&
                !dnnl_primitive_desc_create(&description, &product, attributes, b->engine, NULL) &&
                !dnnl_primitive_create(&out->primitive, description);
    if (made) {
        *weight = *dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
        out->scratch = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
        size_t bytes = dnnl_memory_desc_get_size(&out->scratch);
        if (bytes > b->scratch_bytes) b->scratch_bytes = bytes;
    }
    dnnl_primitive_desc_destroy(description);
    dnnl_primitive_attr_destroy(attributes);
    return made;
}

/* Copy numbers into a memory of another type or layout. */
static bool fill(const struct bf16_layers *b, const dnnl_memory_desc_t *from, const float *values, dnnl_memory_t to)
{
    dnnl_memory_t source = NULL;
    dnnl_stream_t stream = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t copy = NULL;
    const dnnl_memory_desc_t *layout = NULL;
    bool filled = !dnnl_memory_get_memory_desc(to, &layout) &&
                  !dnnl_memory_create(&source, from, b->engine, (void *)values) &&
                  !dnnl_stream_create(&stream, b->engine, dnnl_stream_default_flags) &&
                  !dnnl_reorder_primitive_desc_create(&description, from, b->engine, layout, b->engine, NULL) &&
                  !dnnl_primitive_create(&copy, description);
    if (filled) {
        const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, to}};
        filled = !dnnl_primitive_execute(copy, stream, 2, arguments) && !dnnl_stream_wait(stream);
    }
    dnnl_primitive_destroy(copy);
    dnnl_primitive_desc_destroy(description);
    dnnl_stream_destroy(stream);
    dnnl_memory_destroy(source);
    return filled;
}

static bool make_layer(struct bf16_layers *b, const struct dense *dense, bool last, struct bf16_layer *l)
{
    dnnl_memory_desc_t plain;
    dnnl_memory_desc_t weight;
    dnnl_memory_desc_t bias;
    l->in = (size_t)dense->in;
    l->out = (size_t)dense->out;
    l->out_bytes = last ? sizeof(float) : sizeof(uint16_t);
    if (!describe(&plain, l->in, l->out, dnnl_f32, dnnl_ab) || !describe(&bias, 1, l->out, dnnl_f32, dnnl_ab) ||
        !describe(&weight, l->in, l->out, dnnl_bf16, dnnl_format_tag_any))
        return false;
    for (int i = 0; i < SIZES; i++)
        if (!make_piece(b, l, rows_of[i], &weight, &l->pieces[i])) return false;
    return !dnnl_memory_create(&l->weight, &weight, b->engine, DNNL_MEMORY_ALLOCATE) &&
           !dnnl_memory_create(&l->bias, &bias, b->engine, DNNL_MEMORY_ALLOCATE) &&
           fill(b, &plain, dense->weight, l->weight) && fill(b, &bias, dense->bias, l->bias);
}

struct bf16_layers *bf16_layers_new(const struct dense *layers, int count)
{
    if (count < 1 || !processor_has_bf16()) return NULL;
    struct bf16_layers *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    use_one_thread();
    bool made = dnnl_engine_create(&b->engine, dnnl_cpu, 0) == dnnl_success;
    for (int i = 0; i < count && made; i++) {
        b->count = i + 1;
        made = make_layer(b, &layers[i], i == count - 1, &b->layers[i]);
    }
    if (made) return b;
    bf16_layers_free(b);
    return NULL;
}

void bf16_layers_free(struct bf16_layers *b)
{
    if (!b) return;
    for (int i = 0; i < b->count; i++) {
        struct bf16_layer *l = &b->layers[i];
        for (int k = 0; k < SIZES; k++) dnnl_primitive_destroy(l->pieces[k].primitive);
        dnnl_memory_destroy(l->weight);
        dnnl_memory_destroy(l->bias);
    }
    dnnl_engine_destroy(b->engine);
    free(b);
}

/* ---- running ---- */

static void *new_buffer(size_t bytes)
{
    size_t whole = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *buffer = aligned_alloc(ALIGNMENT, whole);
    if (buffer) memset(buffer, 0, whole);
    return buffer;
}

struct bf16_work *bf16_work_new(const struct bf16_layers *b)
{
    struct bf16_work *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->count = b->count;
    bool made = dnnl_stream_create(&w->stream, b->engine, dnnl_stream_default_flags) == dnnl_success;
    w->scratch = new_buffer(b->scratch_bytes);
    w->buffers[0] = new_buffer(PREDICTOR_BATCH * b->layers[0].in * sizeof(uint16_t));
    made = made && w->scratch && w->buffers[0];
    for (int i = 0; i < b->count && made; i++) {
        w->buffers[i + 1] = new_buffer(PREDICTOR_BATCH * b->layers[i].out * b->layers[i].out_bytes);
        made = w->buffers[i + 1] != NULL;
        for (int k = 0; k < SIZES && made; k++) {
            const struct piece *piece = &b->layers[i].pieces[k];
            struct memories *m = &w->memories[i][k];
            made = !dnnl_memory_create(&m->source, &piece->source, b->engine, w->buffers[i]) &&
                   !dnnl_memory_create(&m->destination, &piece->destination, b->engine, w->buffers[i + 1]) &&
                   !dnnl_memory_create(&m->scratch, &piece->scratch, b->engine, w->scratch);
        }
    }
    if (made) return w;
    bf16_work_free(w);
    return NULL;
}

void bf16_work_free(struct bf16_work *w)
{
    if (!w) return;
    for (int i = 0; i < w->count; i++) {
        for (int k = 0; k < SIZES; k++) {
            dnnl_memory_destroy(w->memories[i][k].source);
            dnnl_memory_destroy(w->memories[i][k].destination);
            dnnl_memory_destroy(w->memories[i][k].scratch);
        }
    }
    for (int i = 0; i <= w->count; i++) free(w->buffers[i]);
    free(w->scratch);
    dnnl_stream_destroy(w->stream);
    free(w);
}

uint16_t *bf16_inputs(struct bf16_work *w)
{
    return w->buffers[0];
}

static bool run_piece(const struct bf16_layer *l, int size, const struct memories *m, char *source, char *destination,
                      dnnl_stream_t stream)
{
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, m->source},
                                         {DNNL_ARG_WEIGHTS, l->weight},
                                         {DNNL_ARG_BIAS, l->bias},
                                         {DNNL_ARG_DST, m->destination},
                                         {DNNL_ARG_SCRATCHPAD, m->scratch}};
    return !dnnl_memory_set_data_handle(m->source, source) &&
           !dnnl_memory_set_data_handle(m->destination, destination) &&
           !dnnl_primitive_execute(l->pieces[size].primitive, stream, 5, arguments);
}

const float *bf16_run(const struct bf16_layers *b, struct bf16_work *w, size_t rows)
{
    use_one_thread();
    for (int i = 0; i < b->count; i++) {
        const struct bf16_layer *l = &b->layers[i];
        for (size_t at = 0; at < rows;) {
            int size = rows - at >= rows_of[0] ? 0 : 1;
            char *source = (char *)w->buffers[i] + at * l->in * sizeof(uint16_t);
            char *destination = (char *)w->buffers[i + 1] + at * l->out * l->out_bytes;
            if (!run_piece(l, size, &w->memories[i][size], source, destination, w->stream)) return NULL;
            at += rows_of[size];
        }
    }
    if (dnnl_stream_wait(w->stream)) return NULL;
    return w->buffers[b->count];
}
