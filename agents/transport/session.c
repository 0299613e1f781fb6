/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/transport/session_internal.h"

#include <stdlib.h>
#include <string.h>

#include "agents/transport/serial.h"
#include "agents/wire/layer.h"
#include "lut/base/clock.h"

enum {
    ATTEMPTS = 5,
    HELLO_MS = 10000,
    REPLY_MS = 2000,
    BUILD_MS = 60000, /* packing weights of a large network on a small device */
    BYE_MS = 500,
    INFO_LINES_MAX = 64,
};

/* Over a line that loses bytes. A board says nothing when a request has arrived, so a lost one is told from a long run
 * by time alone: repeats while it works wait in its buffer or are lost, and do no harm. LOSSY_FRAME: at one damaged
 * byte in a hundred more records an hour get through in frames of 128 bytes than in longer or shorter ones, and on a
 * clean line they cost a sixth of the throughput. */
enum {
    LOSSY_MS = 20000,
    LOSSY_SLACK_MS = 100, /* what drivers and USB keep bytes back for */
    LOSSY_HELLO_MS = 250, /* doubled with each repeat: a board that was just reset needs time */
    LOSSY_HELLO_MOST_MS = 2000,
    LOSSY_WORK_MOST_MS = 4000,
    LOSSY_FRAME = 128
};

struct patience session_patience(const struct session *s, int work_ms, int likely_ms)
{
    int reply_ms = s->options.reply_ms;
    struct patience p = {.first_ms = reply_ms, .repeat_ms = reply_ms};
    if (!s->x.transport->lossy) {
        p.attempts = ATTEMPTS;
        if (work_ms) p.first_ms = work_ms;
        return p;
    }
    p.total_ms = work_ms ? work_ms : LOSSY_MS;
    if (likely_ms) {
        p.first_ms = likely_ms + likely_ms / 4 + reply_ms;
        if (p.first_ms > work_ms) p.first_ms = work_ms;
        if (likely_ms / 4 > reply_ms) p.repeat_ms = likely_ms / 4;
    } else if (work_ms) p.most_ms = LOSSY_WORK_MOST_MS;
    return p;
}

/* Exchange, and remember when the link is of no more use. */
enum lathe_status session_ask_patiently(struct session *s, const struct wire_cursor *request, const struct patience *p,
                                        struct wire_cursor *reply, struct lathe_error *err)
{
    enum lathe_status st = exchange_finish(&s->x, request, p, reply, err);
    if (st == LATHE_IO || st == LATHE_TIMEOUT) s->broken = true;
    return st;
}

enum lathe_status session_ask(struct session *s, const struct wire_cursor *request, int work_ms,
                              struct wire_cursor *reply, struct lathe_error *err)
{
    const struct patience p = session_patience(s, work_ms, 0);
    return session_ask_patiently(s, request, &p, reply, err);
}

/* Whether a reply's payload was read to its end. */
enum lathe_status session_check_reply(struct session *s, const struct wire_cursor *c, struct lathe_error *err)
{
    if (wire_read_all(c)) return LATHE_OK;
    s->broken = true;
    return error_set(err, LATHE_IO, "the runner sent a malformed reply");
}

static struct patience patience_for_hello(const struct session *s)
{
    int each = s->options.hello_ms / ATTEMPTS;
    if (!s->x.transport->lossy) return (struct patience){.first_ms = each, .repeat_ms = each, .attempts = ATTEMPTS};
    int first = each < LOSSY_HELLO_MS ? each : LOSSY_HELLO_MS;
    return (struct patience){.first_ms = first,
                             .repeat_ms = first,
                             .most_ms = each < LOSSY_HELLO_MOST_MS ? each : LOSSY_HELLO_MOST_MS,
                             .total_ms = s->options.hello_ms};
}

static enum lathe_status say_hello(struct session *s, struct lathe_error *err)
{
    struct wire_hello m = {WIRE_VERSION, s->x.transport->lossy ? LOSSY_FRAME : WIRE_FRAME_BYTES};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_HELLO);
    struct wire_cursor reply;
    wire_hello(&c, &m);
    const struct patience p = patience_for_hello(s);
    enum lathe_status st = exchange_finish(&s->x, &c, &p, &reply, err);
    if (st == LATHE_TIMEOUT)
        return error_set(err, LATHE_TIMEOUT, "the runner did not say hello within %d s: is it %s?",
                         (s->options.hello_ms + 999) / 1000, s->x.transport->peer);
    if (st) return st;
    wire_hello_reply(&reply, &s->hello);
    st = session_check_reply(s, &reply, err);
    if (!st && s->hello.max_frame < WIRE_MIN_FRAME)
        return error_set(err, LATHE_IO, "the runner takes frames of %u bytes; the least is %d", s->hello.max_frame,
                         WIRE_MIN_FRAME);
    if (!st && s->hello.clock > WIRE_CLOCK_INSTRUCTIONS)
        return error_set(err, LATHE_UNSUPPORTED, "the runner's times count what this program does not know (clock %u)",
                         s->hello.clock);
    return st;
}

static void keep_board(struct session *s, const struct wire_board_reply *m)
{
    struct session_board *b = &s->board;
    _Static_assert(sizeof b->board == sizeof m->board && sizeof b->core == sizeof m->core &&
                       sizeof b->timer == sizeof m->timer && sizeof b->fault == sizeof m->fault,
                   "texts of boards have one length");
    memcpy(b->board, m->board, sizeof b->board);
    memcpy(b->core, m->core, sizeof b->core);
    memcpy(b->timer, m->timer, sizeof b->timer);
    memcpy(b->fault, m->fault, sizeof b->fault);
    b->core_hz = m->core_hz;
    b->timer_hz = m->timer_hz;
    b->sram_bytes = m->sram_bytes;
    b->flash_bytes = m->flash_bytes;
    b->arena_bytes = m->arena_bytes;
    b->code_bytes = m->code_bytes;
    b->emulated = (m->flags & WIRE_BOARD_EMULATED) != 0;
    s->is_board = true;
}

/* Programs are no boards, and most know nothing of the question. */
static enum lathe_status ask_board(struct session *s, struct lathe_error *err)
{
    struct wire_board_reply answer = {0};
    struct wire_cursor reply;
    if (s->hello.clock == WIRE_CLOCK_WALL_NS && !s->x.transport->lossy) return LATHE_OK;
    struct wire_cursor c = exchange_begin(&s->x, WIRE_BOARD);
    enum lathe_status st = session_ask(s, &c, 0, &reply, err);
    if (st == LATHE_UNSUPPORTED && s->hello.clock != WIRE_CLOCK_CYCLES) return LATHE_OK;
    if (st) return st;
    wire_board_reply(&reply, &answer);
    st = session_check_reply(s, &reply, err);
    if (st) return st;
    keep_board(s, &answer);
    if (s->hello.clock == WIRE_CLOCK_CYCLES && !answer.timer_hz)
        return error_set(err, LATHE_UNSUPPORTED, "board %s counts cycles, but does not tell how many make a second",
                         answer.board);
    return LATHE_OK;
}

static enum lathe_status read_line(struct session *s, uint16_t index, char **out, struct lathe_error *err)
{
    struct wire_info m = {index};
    struct wire_info_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_INFO);
    struct wire_cursor reply;
    wire_info(&c, &m);
    enum lathe_status st = session_ask(s, &c, 0, &reply, err);
    if (st) return st;
    wire_info_reply(&reply, &answer);
    st = session_check_reply(s, &reply, err);
    if (st) return st;
    *out = strdup(answer.line);
    return *out ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory for the fingerprint");
}

/* Exchange a request whose reply has no payload. */
static enum lathe_status ask_empty(struct session *s, const struct wire_cursor *request, struct lathe_error *err)
{
    struct wire_cursor reply;
    enum lathe_status st = session_ask(s, request, 0, &reply, err);
    return st ? st : session_check_reply(s, &reply, err);
}

static enum lathe_status set_clock(struct session *s, const char *governor, uint32_t khz, struct lathe_error *err)
{
    struct wire_clock_setting m = {.khz = khz};
    if (!(governor && *governor) && !khz) return LATHE_OK;
    if (governor && strlen(governor) >= sizeof m.governor)
        return error_field(err, "governor", "a governor's name has at most %zu characters", sizeof m.governor - 1);
    if (governor) memcpy(m.governor, governor, strlen(governor) + 1);
    struct wire_cursor c = exchange_begin(&s->x, WIRE_CLOCK);
    wire_clock_setting(&c, &m);
    return ask_empty(s, &c, err);
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
    enum lathe_status st = session_ask(s, &c, 0, &reply, err);
    if (st) return st;
    wire_open_reply(&reply, &answer);
    st = session_check_reply(s, &reply, err);
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

static void complete_options(struct session *s, const struct transport *transport,
                             const struct session_options *options)
{
    if (options) s->options = *options;
    if (s->options.hello_ms <= 0) s->options.hello_ms = HELLO_MS;
    if (s->options.reply_ms > 0) return;
    const struct transport_options *t = s->options.transport;
    s->options.reply_ms =
        transport->lossy ? serial_bytes_ms(2 * WIRE_FRAME_BYTES, t ? t->line.baud : 0) + LOSSY_SLACK_MS : REPLY_MS;
}

enum lathe_status session_greet(const struct transport *transport, const char *const *argv,
                                const struct session_options *options, struct session **out, struct lathe_error *err)
{
    struct link *link;
    struct session *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(err, LATHE_NO_MEMORY, "out of memory for a session");
        return LATHE_NO_MEMORY;
    }
    complete_options(s, transport, options);
    enum lathe_status st = transport->open(argv, s->options.transport, &link, err);
    if (st) {
        free(s);
        return st;
    }
    exchange_init(&s->x, transport, link);
    st = say_hello(s, err);
    if (st) s->broken = true;
    if (!st) s->macs = calloc((size_t)s->hello.max_networks + 1, sizeof *s->macs);
    if (!st && !s->macs) st = error_set(err, LATHE_NO_MEMORY, "out of memory for a session");
    if (!st) st = ask_board(s, err);
    if (st) session_close(s);
    else *out = s;
    return st;
}

enum lathe_status session_open_with(const struct transport *transport, const char *const *argv,
                                    const struct runtime_config *config, const struct session_options *options,
                                    struct session **out, struct lathe_error *err)
{
    struct session *s = NULL;
    enum lathe_status st = session_greet(transport, argv, options, &s, err);
    if (st) return st;
    if (options) st = set_clock(s, options->governor, options->khz, err);
    if (!st) st = open_runtime(s, config, err);
    if (st) session_close(s);
    else *out = s;
    return st;
}

void session_close(struct session *s)
{
    if (!s) return;
    if (!s->broken) {
        struct wire_cursor c = exchange_begin(&s->x, WIRE_BYE);
        struct wire_cursor reply;
        const struct patience p = {.first_ms = BYE_MS, .repeat_ms = BYE_MS, .attempts = 1};
        (void)exchange_finish(&s->x, &c, &p, &reply, NULL);
    }
    s->x.transport->close(s->x.link);
    for (char **line = s->fingerprint; line && *line; line++) free(*line);
    free(s->fingerprint);
    free(s->macs);
    free(s);
}

enum session_clock session_clock(const struct session *s)
{
    return (enum session_clock)s->hello.clock;
}

const struct session_board *session_board(const struct session *s)
{
    return s->is_board ? &s->board : NULL;
}

const char *session_runner(const struct session *s)
{
    return s->hello.runner;
}

const char *session_build_id(const struct session *s)
{
    return s->hello.build;
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

enum lathe_status session_check_open(const struct session *s, struct lathe_error *err)
{
    return s->broken ? error_set(err, LATHE_IO, "the session with the runner has failed before: open a new one")
                     : LATHE_OK;
}

enum lathe_status session_state(struct session *s, struct device_state *out, struct lathe_error *err)
{
    struct wire_state_reply answer = {0};
    struct wire_cursor c = exchange_begin(&s->x, WIRE_STATE);
    struct wire_cursor reply;
    enum lathe_status st = session_check_open(s, err);
    if (!st) st = session_ask(s, &c, 0, &reply, err);
    if (st) return st;
    wire_state_reply(&reply, &answer);
    st = session_check_reply(s, &reply, err);
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
    int frame = s->x.transport->lossy && s->hello.max_frame > LOSSY_FRAME ? LOSSY_FRAME : s->hello.max_frame;
    int most = (frame - 7 - WIRE_REQUEST_HEADER - 3) / WIRE_LAYER_BYTES;
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
    enum lathe_status st = session_ask(s, &c, BUILD_MS, &reply, err);
    if (st) return st;
    wire_net_build_reply(&reply, &answer);
    s->build = (struct session_build){answer.arena_bytes, answer.weight_bytes, answer.packed, answer.reused};
    return session_check_reply(s, &reply, err);
}

enum lathe_status session_prepare(struct session *s, int network, const struct layer *layers, int count,
                                  struct lathe_error *err)
{
    enum lathe_status st = session_check_open(s, err);
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
    if (st) return st;
    s->macs[network] = 0;
    for (int i = 0; i < count; i++) s->macs[network] += layer_macs(&layers[i]);
    return LATHE_OK;
}

int session_network_count(const struct session *s)
{
    return s->hello.max_networks;
}

uint64_t session_needed_bytes(const struct session *s)
{
    return s->x.needed_bytes;
}

enum lathe_status session_reset(struct session *s, struct lathe_error *err)
{
    enum lathe_status st = session_check_open(s, err);
    if (st) return st;
    struct wire_cursor c = exchange_begin(&s->x, WIRE_RESET);
    return ask_empty(s, &c, err);
}
