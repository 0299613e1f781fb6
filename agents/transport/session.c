/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/transport/session.h"

#include <stdlib.h>
#include <string.h>

#include "agents/transport/exchange.h"
#include "agents/wire/layer.h"

enum {
    ATTEMPTS = 5,
    HELLO_MS = 10000,
    REPLY_MS = 2000,
    BUILD_MS = 60000, /* packing weights of a large network on a small device */
    RUN_MS = 60000,
    RUN_MS_EACH = 1000,
    BYE_MS = 500,
    INFO_LINES_MAX = 64,
};

struct session {
    struct exchange x;
    struct session_options options;
    struct wire_hello_reply hello;
    char **fingerprint; /* NULL-ended */
    struct session_build build;
    uint32_t output_bytes, output_crc;
    bool broken; /* the link is of no more use */
};

void visit_samples_clear(struct visit_samples *s)
{
    free(s->wall_ns);
    free(s->cpu_ns);
    free(s->preempted);
    free(s->total_ns);
    *s = (struct visit_samples){0};
}

/* Exchange, and remember when the link is of no more use. */
static enum lathe_status ask(struct session *s, const struct wire_cursor *request, int first_ms,
                             struct wire_cursor *reply, struct lathe_error *err)
{
    const struct patience p = {first_ms, s->options.reply_ms, ATTEMPTS};
    enum lathe_status st = exchange_finish(&s->x, request, &p, reply, err);
    if (st == LATHE_IO || st == LATHE_TIMEOUT) s->broken = true;
    return st;
}

/* Whether a reply's payload was read to its end. */
static enum lathe_status check_reply(struct session *s, const struct wire_cursor *c, struct lathe_error *err)
{
    if (wire_read_all(c)) return LATHE_OK;
    s->broken = true;
    return error_set(err, LATHE_IO, "the runner sent a malformed reply");
}

static enum lathe_status say_hello(struct session *s, struct lathe_error *err)
{
    struct wire_hello m = {WIRE_VERSION, WIRE_FRAME_BYTES};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_HELLO);
    struct wire_cursor reply;
    wire_hello(&c, &m);
    int each = s->options.hello_ms / ATTEMPTS;
    const struct patience p = {each, each, ATTEMPTS};
    enum lathe_status st = exchange_finish(&s->x, &c, &p, &reply, err);
    if (st == LATHE_TIMEOUT)
        return error_set(err, LATHE_TIMEOUT, "the runner did not say hello within %d s: is it lathe-run?",
                         (s->options.hello_ms + 999) / 1000);
    if (st) return st;
    wire_hello_reply(&reply, &s->hello);
    st = check_reply(s, &reply, err);
    if (!st && s->hello.max_frame < WIRE_MIN_FRAME)
        return error_set(err, LATHE_IO, "the runner takes frames of %u bytes; the least is %d", s->hello.max_frame,
                         WIRE_MIN_FRAME);
    if (!st && s->hello.clock != WIRE_CLOCK_WALL_NS)
        return error_set(err, LATHE_UNSUPPORTED, "the runner counts cycles or instructions, which tables can't hold");
    return st;
}

static enum lathe_status read_line(struct session *s, uint16_t index, char **out, struct lathe_error *err)
{
    struct wire_info m = {index};
    struct wire_info_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_INFO);
    struct wire_cursor reply;
    wire_info(&c, &m);
    enum lathe_status st = ask(s, &c, s->options.reply_ms, &reply, err);
    if (st) return st;
    wire_info_reply(&reply, &answer);
    st = check_reply(s, &reply, err);
    if (st) return st;
    *out = strdup(answer.line);
    return *out ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory for the fingerprint");
}

static enum lathe_status open_runtime(struct session *s, const struct runtime_config *config, struct lathe_error *err)
{
    struct wire_open m = {
        .dtype = wire_dtype_from(config->dtype),
        .threads = (uint8_t)config->threads,
        .batch = (uint8_t)config->batch,
        .seed = s->options.seed,
    };
    struct wire_open_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_OPEN);
    struct wire_cursor reply;
    _Static_assert(sizeof m.runtime == sizeof config->runtime, "names of runtimes have one length");
    memcpy(m.runtime, config->runtime, sizeof m.runtime);
    wire_open(&c, &m);
    enum lathe_status st = ask(s, &c, s->options.reply_ms, &reply, err);
    if (st) return st;
    wire_open_reply(&reply, &answer);
    st = check_reply(s, &reply, err);
    if (!st && answer.info_lines > INFO_LINES_MAX)
        st = error_set(err, LATHE_IO, "the runner has a fingerprint of %u lines", answer.info_lines);
    if (st) return st;
    s->fingerprint = calloc((size_t)answer.info_lines + 1, sizeof *s->fingerprint);
    if (!s->fingerprint) return error_set(err, LATHE_NO_MEMORY, "out of memory for the fingerprint");
    for (uint16_t i = 0; !st && i < answer.info_lines; i++) st = read_line(s, i, &s->fingerprint[i], err);
    return st;
}

enum lathe_status session_open(const struct transport *transport, const char *const *argv,
                               const struct runtime_config *config, struct session **out, struct lathe_error *err)
{
    return session_open_with(transport, argv, config, NULL, out, err);
}

enum lathe_status session_open_with(const struct transport *transport, const char *const *argv,
                                    const struct runtime_config *config, const struct session_options *options,
                                    struct session **out, struct lathe_error *err)
{
    struct link *link;
    struct session *s = calloc(1, sizeof *s);
    if (!s) return error_set(err, LATHE_NO_MEMORY, "out of memory for a session");
    if (options) s->options = *options;
    if (s->options.hello_ms <= 0) s->options.hello_ms = HELLO_MS;
    if (s->options.reply_ms <= 0) s->options.reply_ms = REPLY_MS;
    enum lathe_status st = transport->open(argv, s->options.transport, &link, err);
    if (st) {
        free(s);
        return st;
    }
    exchange_init(&s->x, transport, link);
    st = say_hello(s, err);
    if (st) s->broken = true;
    if (!st) st = open_runtime(s, config, err);
    if (st) {
        session_close(s);
        return st;
    }
    *out = s;
    return LATHE_OK;
}

void session_close(struct session *s)
{
    if (!s) return;
    if (!s->broken) {
        struct wire_cursor c = exchange_begin(&s->x, WIRE_BYE);
        struct wire_cursor reply;
        const struct patience p = {BYE_MS, BYE_MS, 1};
        (void)exchange_finish(&s->x, &c, &p, &reply, NULL);
    }
    s->x.transport->close(s->x.link);
    for (char **line = s->fingerprint; line && *line; line++) free(*line);
    free(s->fingerprint);
    free(s);
}

const char *const *session_fingerprint(const struct session *s)
{
    return (const char *const *)s->fingerprint;
}

struct session_build session_last_build(const struct session *s)
{
    return s->build;
}

uint32_t session_output_crc(const struct session *s)
{
    return s->output_crc;
}

/* Exchange a request whose reply has no payload. */
static enum lathe_status ask_empty(struct session *s, const struct wire_cursor *request, struct lathe_error *err)
{
    struct wire_cursor reply;
    enum lathe_status st = ask(s, request, s->options.reply_ms, &reply, err);
    return st ? st : check_reply(s, &reply, err);
}

static enum lathe_status check_open(const struct session *s, struct lathe_error *err)
{
    return s->broken ? error_set(err, LATHE_IO, "the session with the runner has failed before: open a new one")
                     : LATHE_OK;
}

enum lathe_status session_state(struct session *s, struct device_state *out, struct lathe_error *err)
{
    struct wire_state_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_STATE);
    struct wire_cursor reply;
    enum lathe_status st = check_open(s, err);
    if (!st) st = ask(s, &c, s->options.reply_ms, &reply, err);
    if (st) return st;
    wire_state_reply(&reply, &answer);
    st = check_reply(s, &reply, err);
    if (st) return st;
    *out = (struct device_state){
        .temperature_dk = answer.temperature_dk,
        .khz = answer.khz,
        .busy_khz = answer.busy_khz,
        .max_khz = answer.max_khz,
        .available_kib = answer.available_kib,
        .others_share = answer.others_permille > 1000 ? -1 : answer.others_permille / 1000.0,
        .throttles = answer.throttles,
    };
    return LATHE_OK;
}

static enum lathe_status send_layers(struct session *s, const struct layer *layers, int count, struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    /* Of the frame: delimiters, COBS and CRC take 7 bytes, first and count take 3. */
    int most = (s->hello.max_frame - 7 - WIRE_REQUEST_HEADER - 3) / WIRE_LAYER_BYTES;
    if (most > WIRE_LAYERS_PER_FRAME) most = WIRE_LAYERS_PER_FRAME;
    for (int first = 0; !st && first < count; first += most) {
        struct wire_net_layers m = {.first = (uint16_t)first};
        while (m.count < most && first + m.count < count) {
            wire_layer_from(&layers[first + m.count], &m.layers[m.count]);
            m.count++;
        }
        struct wire_cursor c = exchange_begin(&s->x, WIRE_NET_LAYERS);
        wire_net_layers(&c, &m);
        st = ask_empty(s, &c, err);
    }
    return st;
}

static enum lathe_status build(struct session *s, uint16_t network, struct lathe_error *err)
{
    struct wire_net_build m = {network};
    struct wire_net_build_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_NET_BUILD);
    struct wire_cursor reply;
    wire_net_build(&c, &m);
    enum lathe_status st = ask(s, &c, BUILD_MS, &reply, err);
    if (st) return st;
    wire_net_build_reply(&reply, &answer);
    s->build = (struct session_build){answer.arena_bytes, answer.weight_bytes, answer.packed, answer.reused};
    return check_reply(s, &reply, err);
}

enum lathe_status session_prepare(struct session *s, int network, const struct layer *layers, int count,
                                  struct lathe_error *err)
{
    enum lathe_status st = check_open(s, err);
    if (st) return st;
    if (network < 0 || network >= s->hello.max_networks)
        return error_field(err, "network", "this runner keeps networks 0 to %d", s->hello.max_networks - 1);
    if (count < 1 || count > s->hello.max_layers)
        return error_field(err, "layers", "this runner takes networks of 1 to %u layers", s->hello.max_layers);
    struct wire_net_begin m = {(uint16_t)network, (uint16_t)count};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_NET_BEGIN);
    wire_net_begin(&c, &m);
    st = ask_empty(s, &c, err);
    if (!st) st = send_layers(s, layers, count, err);
    if (!st) st = build(s, m.network, err);
    return st;
}

enum lathe_status session_reset(struct session *s, struct lathe_error *err)
{
    enum lathe_status st = check_open(s, err);
    if (st) return st;
    struct wire_cursor c = exchange_begin(&s->x, WIRE_RESET);
    return ask_empty(s, &c, err);
}

static enum lathe_status make_samples(struct visit_samples *v, const struct wire_run_reply *a, struct lathe_error *err)
{
    size_t cells = (size_t)a->runs * a->layers;
    *v = (struct visit_samples){.layers = a->layers, .runs = a->runs};
    v->total_ns = calloc((size_t)a->runs + 1, sizeof *v->total_ns);
    v->wall_ns = calloc(cells + 1, sizeof *v->wall_ns);
    v->cpu_ns = calloc(cells + 1, sizeof *v->cpu_ns);
    v->preempted = calloc(cells + 1, sizeof *v->preempted);
    if (v->total_ns && v->wall_ns && v->cpu_ns && v->preempted) return LATHE_OK;
    return error_set(err, LATHE_NO_MEMORY, "out of memory for samples");
}

static void store_record(struct visit_samples *v, uint32_t index, const struct wire_record *r)
{
    size_t run = index / ((uint32_t)v->layers + 1);
    size_t at = index % ((uint32_t)v->layers + 1);
    if (at == (size_t)v->layers) {
        v->total_ns[run] = r->wall;
        return;
    }
    size_t cell = run * (size_t)v->layers + at;
    v->wall_ns[cell] = (uint32_t)r->wall;
    v->cpu_ns[cell] = r->cpu;
    v->preempted[cell] = r->preempted;
}

/* Fetch some records. @param[in,out] at index of the next one. */
static enum lathe_status fetch(struct session *s, struct visit_samples *v, uint32_t records, uint32_t *at,
                               struct lathe_error *err)
{
    struct wire_fetch m = {*at};
    struct wire_fetch_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_FETCH);
    struct wire_cursor reply;
    wire_fetch(&c, &m);
    enum lathe_status st = ask(s, &c, s->options.reply_ms, &reply, err);
    if (st) return st;
    wire_fetch_reply(&reply, &answer);
    st = check_reply(s, &reply, err);
    if (st) return st;
    if (answer.first != *at || answer.count == 0 || answer.count > records - *at || answer.layers != v->layers)
        return error_set(err, LATHE_IO, "the runner sent other samples than were asked for");
    for (uint8_t i = 0; i < answer.count; i++) store_record(v, *at + i, &answer.records[i]);
    *at += answer.count;
    return LATHE_OK;
}

static enum lathe_status start_visit(struct session *s, struct wire_run *m, struct wire_run_reply *answer,
                                     struct lathe_error *err)
{
    struct wire_cursor c = exchange_begin(&s->x, WIRE_RUN);
    struct wire_cursor reply;
    int wait_ms = s->options.run_ms > 0 ? s->options.run_ms : RUN_MS + RUN_MS_EACH * (m->warmup + m->runs);
    wire_run(&c, m);
    enum lathe_status st = ask(s, &c, wait_ms, &reply, err);
    if (st == LATHE_TIMEOUT)
        return error_set(err, st, "a visit of network %u did not end within %d s: the runner hangs, or is too slow",
                         m->network, wait_ms / 1000);
    if (st) return st;
    wire_run_reply(&reply, answer);
    st = check_reply(s, &reply, err);
    if (!st && (answer->runs != m->runs || answer->records != (uint32_t)answer->runs * (answer->layers + 1u)))
        st = error_set(err, LATHE_IO, "the runner made other runs than were asked for");
    return st;
}

enum lathe_status session_run(struct session *s, int network, int warmup, int runs, bool per_layer,
                              struct visit_samples *out, struct lathe_error *err)
{
    struct wire_run_reply answer = {0};
    struct visit_samples samples = {0};
    uint32_t at = 0;
    enum lathe_status st = check_open(s, err);
    if (st) return st;
    if (network < 0 || network > UINT16_MAX || warmup < 0 || warmup > UINT16_MAX || runs < 1 || runs > UINT16_MAX)
        return error_field(err, "runs", "network, warmup and runs must be whole numbers below 65536, runs at least 1");
    struct wire_run m = {(uint16_t)network, (uint16_t)warmup, (uint16_t)runs, per_layer ? WIRE_RUN_PER_LAYER : 0};
    st = start_visit(s, &m, &answer, err);
    if (!st) st = make_samples(&samples, &answer, err);
    while (!st && at < answer.records) st = fetch(s, &samples, answer.records, &at, err);
    if (st) {
        visit_samples_clear(&samples);
        return st;
    }
    samples.elapsed_ns = answer.elapsed;
    s->output_bytes = answer.output_bytes;
    s->output_crc = answer.output_crc;
    *out = samples;
    return LATHE_OK;
}

/* Read a chunk of the output. @param[in,out] at bytes read so far. */
static enum lathe_status read_chunk(struct session *s, uint8_t *bytes, uint32_t *at, struct lathe_error *err)
{
    struct wire_output m = {*at};
    struct wire_output_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_OUTPUT);
    struct wire_cursor reply;
    wire_output(&c, &m);
    enum lathe_status st = ask(s, &c, s->options.reply_ms, &reply, err);
    if (st) return st;
    wire_output_reply(&reply, &answer);
    st = check_reply(s, &reply, err);
    if (st) return st;
    if (answer.offset != *at || answer.size == 0 || answer.size > s->output_bytes - *at)
        return error_set(err, LATHE_IO, "the runner sent another part of the output than was asked for");
    memcpy(bytes + *at, answer.bytes, answer.size);
    *at += answer.size;
    return LATHE_OK;
}

enum lathe_status session_output(struct session *s, void **bytes, size_t *n, struct lathe_error *err)
{
    uint32_t at = 0;
    enum lathe_status st = check_open(s, err);
    if (st) return st;
    uint8_t *output = malloc(s->output_bytes ? s->output_bytes : 1);
    if (!output) return error_set(err, LATHE_NO_MEMORY, "out of memory for an output");
    while (!st && at < s->output_bytes) st = read_chunk(s, output, &at, err);
    if (!st && wire_crc32(0, output, s->output_bytes) != s->output_crc)
        st = error_set(err, LATHE_IO, "the output does not have the CRC that the runner gave");
    if (st) {
        free(output);
        return st;
    }
    *bytes = output;
    *n = s->output_bytes;
    return LATHE_OK;
}
