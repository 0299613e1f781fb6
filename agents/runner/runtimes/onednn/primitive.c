/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* One primitive with its memory. */
#include "agents/runner/runtimes/onednn/internal.h"

static dnnl_status_t set_attributes(const struct attributes *a, dnnl_primitive_attr_t attr)
{
    dnnl_status_t st = dnnl_success;
    if (a->scales)
        st = dnnl_primitive_attr_set_output_scales(attr, a->channels, a->channels > 1 ? 1 << 1 : 0, a->scales);
    if (!st && a->from_zero) st = dnnl_primitive_attr_set_zero_points(attr, DNNL_ARG_SRC, 1, 0, &a->from_zero);
    return st || !a->finish ? st : finish_apply(a->finish, attr);
}

/* Scratch is the op's; f32 is f32, whatever the environment says of faster formats. */
static dnnl_status_t make_attr(const struct attributes *a, dnnl_primitive_attr_t *out)
{
    dnnl_status_t st = dnnl_primitive_attr_create(out);
    if (st) return st;
    st = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (!st) st = dnnl_primitive_attr_set_fpmath_mode(*out, dnnl_fpmath_mode_strict);
    if (!st) st = set_attributes(a, *out);
    if (st) dnnl_primitive_attr_destroy(*out);
    return st;
}

dnnl_status_t step_start(struct op *op, const_dnnl_op_desc_t desc, const struct attributes *attributes,
                         struct step **out, dnnl_primitive_desc_t *pd)
{
    dnnl_primitive_attr_t attr = NULL;
    struct step *s = &op->steps[op->count++];
    *out = s;
    *pd = NULL;
    dnnl_status_t st = make_attr(attributes, &attr);
    if (st) return st;
    st = dnnl_primitive_desc_create(pd, desc, attr, op->engine->cpu, NULL);
    dnnl_primitive_attr_destroy(attr);
    if (!st) st = dnnl_primitive_create(&s->primitive, *pd);
    if (st) return st;
    const dnnl_memory_desc_t *scratchpad = dnnl_primitive_desc_query_md(*pd, dnnl_query_scratchpad_md, 0);
    if (!dnnl_memory_desc_get_size(scratchpad)) return dnnl_success;
    return step_bind(op, s, DNNL_ARG_SCRATCHPAD, scratchpad, SLOT_LIBRARY);
}

dnnl_status_t step_bind(struct op *op, struct step *s, int arg, const dnnl_memory_desc_t *md, enum slot slot)
{
    dnnl_memory_t memory = NULL;
    dnnl_status_t st = dnnl_memory_create(&memory, md, op->engine->cpu, DNNL_MEMORY_NONE);
    if (st) return st;
    const size_t bytes = dnnl_memory_desc_get_size(md);
    if (bytes > op->slot_bytes[slot]) op->slot_bytes[slot] = bytes;
    s->slots[s->count] = slot;
    s->args[s->count++] = (dnnl_exec_arg_t){arg, memory};
    return dnnl_success;
}

static dnnl_status_t reorder(const struct engine *e, dnnl_memory_t from, dnnl_memory_t to,
                             const dnnl_memory_desc_t *from_md, const dnnl_memory_desc_t *to_md)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_status_t st = dnnl_reorder_primitive_desc_create(&pd, from_md, e->cpu, to_md, e->cpu, NULL);
    if (!st) st = dnnl_primitive_create(&primitive, pd);
    if (!st) st = dnnl_primitive_execute(primitive, e->stream, 2, args);
    if (!st) st = dnnl_stream_wait(e->stream);
    if (primitive) dnnl_primitive_destroy(primitive);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

dnnl_status_t step_pack(struct op *op, struct step *s, int arg, const dnnl_memory_desc_t *wanted,
                        const dnnl_memory_desc_t *given, const void *data)
{
    const struct engine *e = op->engine;
    dnnl_memory_t from = NULL;
    dnnl_memory_t to = NULL;
    dnnl_status_t st = dnnl_memory_create(&to, wanted, e->cpu, DNNL_MEMORY_ALLOCATE);
    if (st) return st;
    s->slots[s->count] = SLOT_PACKED;
    s->args[s->count++] = (dnnl_exec_arg_t){arg, to};
    op->weight_bytes += dnnl_memory_desc_get_size(wanted);
    /* oneDNN takes one pointer type; it only reads what it reorders from. */
    st = dnnl_memory_create(&from, given, e->cpu, (void *)(uintptr_t)data);
    if (!st) st = reorder(e, from, to, given, wanted);
    if (from) dnnl_memory_destroy(from);
    return st;
}

void step_clear(struct step *s)
{
    for (int i = 0; i < s->count; i++) dnnl_memory_destroy(s->args[i].memory);
    if (s->primitive) dnnl_primitive_destroy(s->primitive);
    *s = (struct step){0};
}
