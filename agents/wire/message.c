/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/wire/message.h"

struct wire_cursor wire_writer(uint8_t *bytes, size_t capacity)
{
    struct wire_cursor c = {bytes, bytes + capacity, true, false};
    return c;
}

struct wire_cursor wire_reader(const uint8_t *bytes, size_t n)
{
    uint8_t *at = (uint8_t *)(uintptr_t)bytes; /* a reading cursor never writes through it */
    struct wire_cursor c = {at, at + n, false, false};
    return c;
}

bool wire_read_all(const struct wire_cursor *c)
{
    return !c->failed && c->at == c->end;
}

/* Take n bytes, or fail. */
static uint8_t *take(struct wire_cursor *c, size_t n)
{
    if (c->failed || (size_t)(c->end - c->at) < n) {
        c->failed = true;
        return NULL;
    }
    uint8_t *at = c->at;
    c->at += n;
    return at;
}

static void number(struct wire_cursor *c, uint64_t *value, unsigned bytes)
{
    uint8_t *at = take(c, bytes);
    if (!at) return;
    if (c->writing) {
        for (unsigned i = 0; i < bytes; i++) at[i] = (uint8_t)(*value >> (8 * i));
        return;
    }
    *value = 0;
    for (unsigned i = 0; i < bytes; i++) *value |= (uint64_t)at[i] << (8 * i);
}

void wire_u8(struct wire_cursor *c, uint8_t *value)
{
    uint64_t wide = *value;
    number(c, &wide, 1);
    *value = (uint8_t)wide;
}

void wire_u16(struct wire_cursor *c, uint16_t *value)
{
    uint64_t wide = *value;
    number(c, &wide, 2);
    *value = (uint16_t)wide;
}

void wire_u32(struct wire_cursor *c, uint32_t *value)
{
    uint64_t wide = *value;
    number(c, &wide, 4);
    *value = (uint32_t)wide;
}

void wire_u64(struct wire_cursor *c, uint64_t *value)
{
    number(c, value, 8);
}

static void raw(struct wire_cursor *c, uint8_t *bytes, size_t n)
{
    uint8_t *at = take(c, n);
    if (!at || n == 0) return;
    if (c->writing) __builtin_memcpy(at, bytes, n);
    else __builtin_memcpy(bytes, at, n);
}

void wire_text(struct wire_cursor *c, char *text, size_t capacity)
{
    uint8_t size = 0;
    if (c->writing)
        while (size < 255 && (size_t)size + 1 < capacity && text[size]) size++;
    wire_u8(c, &size);
    if (size >= capacity) c->failed = true;
    if (c->failed) return;
    raw(c, (uint8_t *)text, size);
    if (!c->writing && !c->failed) text[size] = '\0';
}

void wire_request_header(struct wire_cursor *c, struct wire_header *h)
{
    wire_u32(c, &h->nonce);
    wire_u16(c, &h->seq);
    wire_u8(c, &h->type);
}

void wire_reply_header(struct wire_cursor *c, struct wire_header *h)
{
    wire_request_header(c, h);
    wire_u32(c, &h->request_crc);
}

void wire_hello(struct wire_cursor *c, struct wire_hello *m)
{
    wire_u8(c, &m->version);
    wire_u16(c, &m->max_frame);
}

void wire_hello_reply(struct wire_cursor *c, struct wire_hello_reply *m)
{
    wire_u8(c, &m->version);
    wire_u8(c, &m->clock);
    wire_u16(c, &m->max_frame);
    wire_u16(c, &m->max_layers);
    wire_u16(c, &m->max_networks);
    wire_u32(c, &m->boot);
    wire_u64(c, &m->activation_limit);
    wire_u64(c, &m->weight_limit);
    wire_text(c, m->runner, sizeof m->runner);
    wire_text(c, m->build, sizeof m->build);
}

void wire_open(struct wire_cursor *c, struct wire_open *m)
{
    wire_text(c, m->runtime, sizeof m->runtime);
    wire_u8(c, &m->dtype);
    wire_u8(c, &m->threads);
    wire_u8(c, &m->batch);
    wire_u32(c, &m->seed);
}

void wire_open_reply(struct wire_cursor *c, struct wire_open_reply *m)
{
    wire_u16(c, &m->info_lines);
}

void wire_info(struct wire_cursor *c, struct wire_info *m)
{
    wire_u16(c, &m->index);
}

void wire_info_reply(struct wire_cursor *c, struct wire_info_reply *m)
{
    wire_u16(c, &m->index);
    wire_text(c, m->line, sizeof m->line);
}

void wire_net_begin(struct wire_cursor *c, struct wire_net_begin *m)
{
    wire_u16(c, &m->network);
    wire_u16(c, &m->layers);
}

void wire_layer(struct wire_cursor *c, struct wire_layer *l)
{
    uint8_t *const bytes[] = {&l->kind, &l->act, &l->kernel, &l->stride, &l->residual};
    uint16_t *const words[] = {&l->in_h, &l->in_w, &l->in_c, &l->out_h, &l->out_w, &l->out_c, &l->mid, &l->se};
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) wire_u8(c, bytes[i]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) wire_u16(c, words[i]);
}

void wire_net_layers(struct wire_cursor *c, struct wire_net_layers *m)
{
    wire_u16(c, &m->first);
    wire_u8(c, &m->count);
    if (m->count > WIRE_LAYERS_PER_FRAME) c->failed = true;
    for (uint8_t i = 0; !c->failed && i < m->count; i++) wire_layer(c, &m->layers[i]);
}

void wire_net_build(struct wire_cursor *c, struct wire_net_build *m)
{
    wire_u16(c, &m->network);
}

void wire_net_build_reply(struct wire_cursor *c, struct wire_net_build_reply *m)
{
    wire_u64(c, &m->arena_bytes);
    wire_u64(c, &m->weight_bytes);
    wire_u32(c, &m->packed);
    wire_u32(c, &m->reused);
}

void wire_run(struct wire_cursor *c, struct wire_run *m)
{
    wire_u16(c, &m->network);
    wire_u16(c, &m->warmup);
    wire_u16(c, &m->runs);
    wire_u8(c, &m->flags);
}

void wire_run_reply(struct wire_cursor *c, struct wire_run_reply *m)
{
    wire_u16(c, &m->runs);
    wire_u16(c, &m->layers);
    wire_u32(c, &m->records);
    wire_u32(c, &m->output_bytes);
    wire_u32(c, &m->output_crc);
    wire_u64(c, &m->setup);
    wire_u64(c, &m->elapsed);
}

void wire_fetch(struct wire_cursor *c, struct wire_fetch *m)
{
    wire_u32(c, &m->first);
}

static void record(struct wire_cursor *c, struct wire_record *r, bool total)
{
    if (total) {
        wire_u64(c, &r->wall);
        if (!c->writing) r->cpu = 0;
    } else {
        uint32_t wall = r->wall > UINT32_MAX ? UINT32_MAX : (uint32_t)r->wall;
        wire_u32(c, &wall);
        if (!c->writing) r->wall = wall;
        wire_u32(c, &r->cpu);
    }
    wire_u8(c, &r->preempted);
}

/* Frame, CRC and header around a payload of `fixed` bytes and n parts. */
static int parts_in(uint16_t max_frame, int fixed, int part_bytes, int most)
{
    int room = (int)max_frame - 3 - 4 - WIRE_REPLY_HEADER - fixed;
    int n = room / part_bytes;
    return n < most ? n : most;
}

uint8_t wire_records_in(uint16_t max_frame)
{
    return (uint8_t)parts_in(max_frame < WIRE_MIN_FRAME ? WIRE_MIN_FRAME : max_frame, 7, WIRE_RECORD_BYTES,
                             WIRE_RECORDS_PER_FRAME);
}

uint8_t wire_chunk_in(uint16_t max_frame)
{
    return (uint8_t)parts_in(max_frame < WIRE_MIN_FRAME ? WIRE_MIN_FRAME : max_frame, 9, 1, WIRE_CHUNK_BYTES);
}

void wire_fetch_reply(struct wire_cursor *c, struct wire_fetch_reply *m)
{
    wire_u32(c, &m->first);
    wire_u16(c, &m->layers);
    wire_u8(c, &m->count);
    if (m->count > WIRE_RECORDS_PER_FRAME) c->failed = true;
    for (uint8_t i = 0; !c->failed && i < m->count; i++)
        record(c, &m->records[i], (m->first + i) % ((uint32_t)m->layers + 1) == m->layers);
}

void wire_output(struct wire_cursor *c, struct wire_output *m)
{
    wire_u32(c, &m->offset);
}

void wire_output_reply(struct wire_cursor *c, struct wire_output_reply *m)
{
    wire_u32(c, &m->offset);
    wire_u32(c, &m->total);
    wire_u8(c, &m->size);
    if (m->size > WIRE_CHUNK_BYTES) c->failed = true;
    if (!c->failed) raw(c, m->bytes, m->size);
}

void wire_state_reply(struct wire_cursor *c, struct wire_state_reply *m)
{
    wire_u16(c, &m->temperature_dk);
    wire_u32(c, &m->khz);
    wire_u32(c, &m->busy_khz);
    wire_u32(c, &m->max_khz);
    wire_u64(c, &m->available_kib);
    wire_u16(c, &m->others_permille);
    wire_u32(c, &m->throttles);
}

void wire_clock_setting(struct wire_cursor *c, struct wire_clock_setting *m)
{
    wire_text(c, m->governor, sizeof m->governor);
    wire_u32(c, &m->khz);
}

void wire_board_reply(struct wire_cursor *c, struct wire_board_reply *m)
{
    wire_text(c, m->board, sizeof m->board);
    wire_text(c, m->core, sizeof m->core);
    wire_text(c, m->timer, sizeof m->timer);
    wire_u32(c, &m->core_hz);
    wire_u32(c, &m->timer_hz);
    wire_u32(c, &m->sram_bytes);
    wire_u32(c, &m->flash_bytes);
    wire_u32(c, &m->arena_bytes);
    wire_u32(c, &m->code_bytes);
    wire_u8(c, &m->flags);
    wire_text(c, m->fault, sizeof m->fault);
}

void wire_error(struct wire_cursor *c, struct wire_error *m)
{
    wire_u8(c, &m->code);
    wire_u64(c, &m->detail);
    wire_text(c, m->text, sizeof m->text);
}
