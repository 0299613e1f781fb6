/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/serve.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/runner/core/rig.h"
#include "agents/runner/host.h"
#include "agents/runner/state.h"
#include "agents/wire/layer.h"
#include "agents/wire/responder.h"

/* State of the one session at a time. */
struct server {
    struct wire_responder responder;
    uint64_t memory_bytes;
    uint32_t boot;
    uint16_t host_frame; /* the longest that the host wants of FETCH and OUTPUT */
    struct rig *rig;     /* NULL until OPEN */
    struct host_lines lines;
    struct layer *layers; /* of the network that is being described */
    int network, layer_count, layers_known;
    const struct rig_samples *samples; /* of the last RUN; owned by rig */
    bool ended;
    struct host_watch watch;
    struct host_clocks clocks; /* as they were before CLOCK */
};

static void drop_network(struct server *s)
{
    free(s->layers);
    s->layers = NULL;
    s->layer_count = s->layers_known = 0;
}

static void drop_rig(struct server *s)
{
    drop_network(s);
    s->samples = NULL;
    rig_close(s->rig);
    s->rig = NULL;
}

static void fail(struct server *s, enum wire_error_code code, uint64_t detail, const char *text)
{
    wire_fail(&s->responder, code, detail, text);
}

static void fail_with(struct server *s, const struct lathe_error *err, uint64_t detail)
{
    enum wire_error_code code = WIRE_E_FAILED;
    if (err->status == LATHE_INVALID) code = WIRE_E_INVALID;
    if (err->status == LATHE_UNSUPPORTED || err->status == LATHE_DENIED) code = WIRE_E_UNSUPPORTED;
    if (err->status == LATHE_NO_MEMORY) code = WIRE_E_NO_MEMORY;
    if (err->status == LATHE_NOT_FOUND) code = WIRE_E_NOT_FOUND;
    fail(s, code, detail, err->message);
}

/* Whether the payload was read to its end; answers otherwise. */
static bool read_all(struct server *s, const struct wire_cursor *c)
{
    if (wire_read_all(c)) return true;
    fail(s, WIRE_E_MALFORMED, 0, "the payload does not fit the request's type");
    return false;
}

/* Whether a runtime is open; answers otherwise. */
static bool is_open(struct server *s)
{
    if (s->rig) return true;
    fail(s, WIRE_E_STATE, 0, "no runtime is open: OPEN comes first");
    return false;
}

static void answer_empty(struct server *s)
{
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_reply_end(&s->responder, &reply);
}

static void on_hello(struct server *s, struct wire_cursor *c)
{
    struct wire_hello hello;
    wire_hello(c, &hello);
    if (!read_all(s, c)) return;
    drop_rig(s);
    host_clocks_restore(&s->clocks);
    s->host_frame = hello.max_frame;
    struct wire_hello_reply m = {
        .version = WIRE_VERSION,
        .clock = WIRE_CLOCK_WALL_NS,
        .max_frame = WIRE_FRAME_BYTES,
        .max_layers = RIG_MAX_LAYERS,
        .max_networks = RIG_MAX_NETWORKS,
        .boot = s->boot,
        .activation_limit = s->memory_bytes,
        .weight_limit = s->memory_bytes,
        .runner = "lathe-run " LATHE_VERSION,
    };
    memcpy(m.build, host_build_id(), strlen(host_build_id()) + 1);
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_hello_reply(&reply, &m);
    wire_reply_end(&s->responder, &reply);
}

static enum lathe_status read_options(const struct wire_open *m, struct rig_options *out, struct lathe_error *err)
{
    out->runtime = runtime_find(m->runtime);
    if (!out->runtime)
        return error_set(err, LATHE_UNSUPPORTED, "this runner has no runtime %s; see lathe-run list", m->runtime);
    if (!wire_dtype_to(m->dtype, &out->options.dtype))
        return error_set(err, LATHE_UNSUPPORTED, "this runner does not know dtype %d", m->dtype);
    if (m->threads < 1 || m->threads > RUNTIME_MAX_THREADS || m->batch < 1 || m->batch > RUNTIME_MAX_BATCH)
        return error_set(err, LATHE_INVALID, "threads and batch must be from 1 to 64");
    out->options.threads = m->threads;
    out->options.batch = m->batch;
    out->seed = m->seed;
    return LATHE_OK;
}

static void on_open(struct server *s, struct wire_cursor *c)
{
    struct wire_open m;
    struct lathe_error err;
    wire_open(c, &m);
    if (!read_all(s, c)) return;
    drop_rig(s);
    struct rig_options o = {.memory_bytes = s->memory_bytes};
    if (read_options(&m, &o, &err) || rig_open(&o, &s->rig, &err)) {
        fail_with(s, &err, 0);
        return;
    }
    host_fingerprint(o.runtime, &o.options, &s->lines);
    struct wire_open_reply answer = {(uint16_t)s->lines.count};
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_open_reply(&reply, &answer);
    wire_reply_end(&s->responder, &reply);
}

static void on_info(struct server *s, struct wire_cursor *c)
{
    struct wire_info m;
    wire_info(c, &m);
    if (!read_all(s, c) || !is_open(s)) return;
    if (m.index >= s->lines.count) {
        fail(s, WIRE_E_NOT_FOUND, 0, "there is no such line");
        return;
    }
    struct wire_info_reply answer = {.index = m.index};
    _Static_assert(sizeof answer.line >= HOST_LINE_BYTES, "fingerprint lines do not fit a frame");
    memcpy(answer.line, s->lines.line[m.index], HOST_LINE_BYTES);
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_info_reply(&reply, &answer);
    wire_reply_end(&s->responder, &reply);
}

static void on_net_begin(struct server *s, struct wire_cursor *c)
{
    struct wire_net_begin m;
    wire_net_begin(c, &m);
    if (!read_all(s, c) || !is_open(s)) return;
    if (m.network >= RIG_MAX_NETWORKS || m.layers < 1 || m.layers > RIG_MAX_LAYERS) {
        fail(s, WIRE_E_INVALID, 0, "networks are 0 to 4095 and have 1 to 1024 layers");
        return;
    }
    drop_network(s);
    s->layers = calloc(m.layers, sizeof *s->layers);
    if (!s->layers) {
        fail(s, WIRE_E_NO_MEMORY, 0, "out of memory for a network");
        return;
    }
    s->network = m.network;
    s->layer_count = m.layers;
    answer_empty(s);
}

static void on_net_layers(struct server *s, struct wire_cursor *c)
{
    struct wire_net_layers m;
    struct lathe_error err;
    wire_net_layers(c, &m);
    if (!read_all(s, c) || !is_open(s)) return;
    if (m.first != s->layers_known || m.count > s->layer_count - s->layers_known) {
        fail(s, WIRE_E_STATE, 0, "layers come in order, as many as NET_BEGIN said");
        return;
    }
    for (int i = 0; i < m.count; i++) {
        if (!wire_layer_to(&m.layers[i], &s->layers[m.first + i], &err)) continue;
        fail_with(s, &err, 0);
        return;
    }
    s->layers_known += m.count;
    answer_empty(s);
}

static void on_net_build(struct server *s, struct wire_cursor *c)
{
    struct wire_net_build m;
    struct rig_build built;
    struct lathe_error err;
    wire_net_build(c, &m);
    if (!read_all(s, c) || !is_open(s)) return;
    if (!s->layers || m.network != s->network || s->layers_known != s->layer_count) {
        fail(s, WIRE_E_STATE, 0, "the network is not described: NET_BEGIN and all its layers come first");
        return;
    }
    s->samples = NULL;
    enum lathe_status st = rig_build(s->rig, s->network, s->layers, s->layer_count, &built, &err);
    drop_network(s);
    if (st) {
        fail_with(s, &err, built.needed_bytes);
        return;
    }
    struct wire_net_build_reply answer = {built.arena_bytes, built.weight_bytes, (uint32_t)built.packed,
                                          (uint32_t)built.reused};
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_net_build_reply(&reply, &answer);
    wire_reply_end(&s->responder, &reply);
}

static uint32_t record_count(const struct rig_samples *samples)
{
    return (uint32_t)samples->runs * ((uint32_t)samples->layers + 1);
}

static void on_run(struct server *s, struct wire_cursor *c)
{
    struct wire_run m;
    struct lathe_error err;
    wire_run(c, &m);
    if (!read_all(s, c) || !is_open(s)) return;
    s->samples = NULL;
    if (m.flags & ~WIRE_RUN_PER_LAYER) {
        fail(s, WIRE_E_UNSUPPORTED, 0, "RUN has a flag that this runner does not know");
        return;
    }
    if (rig_run(s->rig, m.network, m.warmup, m.runs, m.flags & WIRE_RUN_PER_LAYER, &s->samples, &err)) {
        fail_with(s, &err, 0);
        return;
    }
    struct wire_run_reply answer = {
        .runs = m.runs,
        .layers = (uint16_t)s->samples->layers,
        .records = record_count(s->samples),
        .output_bytes = (uint32_t)s->samples->output_bytes,
        .output_crc = wire_crc32(0, s->samples->output, s->samples->output_bytes),
        .setup = s->samples->setup_ns,
        .elapsed = s->samples->elapsed_ns,
    };
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_run_reply(&reply, &answer);
    wire_reply_end(&s->responder, &reply);
}

/* Whether there are samples; answers otherwise. */
static bool has_samples(struct server *s)
{
    if (!is_open(s)) return false;
    if (s->samples) return true;
    fail(s, WIRE_E_STATE, 0, "nothing to fetch: RUN comes first");
    return false;
}

static struct wire_record record_at(const struct rig_samples *samples, uint32_t index)
{
    size_t layers = (size_t)samples->layers;
    size_t run = index / (layers + 1);
    size_t at = index % (layers + 1);
    size_t cell = run * layers + at;
    if (at < layers)
        return (struct wire_record){samples->wall_ns[cell], samples->cpu_ns[cell], samples->preempted[cell]};
    unsigned preempted = 0;
    for (size_t i = 0; i < layers; i++) preempted += samples->preempted[run * layers + i];
    return (struct wire_record){samples->total_ns[run], 0, preempted > 255 ? 255 : (uint8_t)preempted};
}

static void on_fetch(struct server *s, struct wire_cursor *c)
{
    struct wire_fetch m;
    wire_fetch(c, &m);
    if (!read_all(s, c) || !has_samples(s)) return;
    uint32_t records = record_count(s->samples);
    if (m.first >= records) {
        fail(s, WIRE_E_INVALID, 0, "there is no such record");
        return;
    }
    struct wire_fetch_reply answer = {.first = m.first, .layers = (uint16_t)s->samples->layers};
    while (answer.count < wire_records_in(s->host_frame) && m.first + answer.count < records) {
        answer.records[answer.count] = record_at(s->samples, m.first + answer.count);
        answer.count++;
    }
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_fetch_reply(&reply, &answer);
    wire_reply_end(&s->responder, &reply);
}

static void on_output(struct server *s, struct wire_cursor *c)
{
    struct wire_output m;
    wire_output(c, &m);
    if (!read_all(s, c) || !has_samples(s)) return;
    size_t total = s->samples->output_bytes;
    if (m.offset >= total) {
        fail(s, WIRE_E_INVALID, 0, "the output ends before this offset");
        return;
    }
    size_t left = total - m.offset;
    struct wire_output_reply answer = {.offset = m.offset, .total = (uint32_t)total};
    uint8_t room = wire_chunk_in(s->host_frame);
    answer.size = (uint8_t)(left < room ? left : room);
    memcpy(answer.bytes, (const char *)s->samples->output + m.offset, answer.size);
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_output_reply(&reply, &answer);
    wire_reply_end(&s->responder, &reply);
}

static void on_reset(struct server *s, struct wire_cursor *c)
{
    if (!read_all(s, c) || !is_open(s)) return;
    drop_network(s);
    s->samples = NULL;
    rig_reset(s->rig);
    answer_empty(s);
}

static void on_state(struct server *s, struct wire_cursor *c)
{
    struct host_state now;
    if (!read_all(s, c)) return;
    host_state_read(&s->watch, &now);
    struct wire_state_reply answer = {
        .temperature_dk = now.temperature_dk,
        .khz = now.khz,
        .busy_khz = now.busy_khz,
        .max_khz = now.max_khz,
        .available_kib = now.available_kib,
        .others_permille = now.others_share < 0 ? WIRE_UNKNOWN_SHARE : (uint16_t)lround(now.others_share * 1000),
        .throttles = now.throttles,
    };
    struct wire_cursor reply = wire_reply(&s->responder);
    wire_state_reply(&reply, &answer);
    wire_reply_end(&s->responder, &reply);
}

static void on_clock(struct server *s, struct wire_cursor *c)
{
    struct wire_clock_setting m;
    struct lathe_error err;
    wire_clock_setting(c, &m);
    if (!read_all(s, c)) return;
    host_clocks_restore(&s->clocks);
    if (host_clocks_set("", m.governor[0] ? m.governor : NULL, m.khz, &s->clocks, &err)) fail_with(s, &err, 0);
    else answer_empty(s);
}

static void on_bye(struct server *s, struct wire_cursor *c)
{
    if (!read_all(s, c)) return;
    s->ended = true;
    answer_empty(s);
}

static void handle(struct server *s)
{
    static void (*const handlers[WIRE_TYPES])(struct server *, struct wire_cursor *) = {
        [WIRE_HELLO] = on_hello,
        [WIRE_OPEN] = on_open,
        [WIRE_INFO] = on_info,
        [WIRE_NET_BEGIN] = on_net_begin,
        [WIRE_NET_LAYERS] = on_net_layers,
        [WIRE_NET_BUILD] = on_net_build,
        [WIRE_RUN] = on_run,
        [WIRE_FETCH] = on_fetch,
        [WIRE_OUTPUT] = on_output,
        [WIRE_RESET] = on_reset,
        [WIRE_BYE] = on_bye,
        [WIRE_STATE] = on_state,
        [WIRE_CLOCK] = on_clock,
    };
    uint8_t type = s->responder.header.type;
    struct wire_cursor payload = wire_payload(&s->responder);
    if (type < WIRE_TYPES && handlers[type]) handlers[type](s, &payload);
    else fail(s, WIRE_E_UNSUPPORTED, 0, "this runner does not know this type of request");
}

/* @return false when nobody reads any more. */
static bool write_all(int fd, const uint8_t *bytes, size_t n)
{
    while (n) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        n -= (size_t)written;
    }
    return true;
}

/* Answer a message, if it wants one. @return false when nobody reads any more. */
static bool answer(struct server *s, int out, const uint8_t *message, size_t n)
{
    enum wire_action action = wire_receive(&s->responder, message, n);
    if (action == WIRE_IGNORE) return true;
    if (action == WIRE_HANDLE) handle(s);
    return write_all(out, s->responder.frame, s->responder.frame_bytes);
}

enum lathe_status serve(int in, int out, uint64_t memory_bytes, const volatile sig_atomic_t *stop,
                        struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    struct server s = {.memory_bytes = memory_bytes, .boot = host_boot_id()};
    struct wire_decoder decoder;
    uint8_t bytes[1024];
    wire_responder_init(&s.responder);
    wire_decoder_init(&decoder);
    host_watch_init(&s.watch, "");
    while (!s.ended && !*stop) {
        ssize_t n = read(in, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) st = error_set(err, LATHE_IO, "failed to read requests: %s", strerror(errno));
        if (n <= 0) break;
        for (ssize_t i = 0; i < n && !s.ended; i++) {
            size_t size = wire_decode(&decoder, bytes[i]);
            if (size && !answer(&s, out, decoder.buffer, size)) s.ended = true;
        }
    }
    drop_rig(&s);
    host_clocks_restore(&s.clocks);
    return st;
}
