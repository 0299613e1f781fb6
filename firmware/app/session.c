/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/app/session.h"

#include <string.h>

#include "agents/wire/responder.h"
#include "firmware/app/networks.h"
#include "firmware/app/program.h"
#include "firmware/app/tiny_network.h"
#include "firmware/app/visit.h"
#include "firmware/boards/board.h"
#include "firmware/boards/clock.h"

static struct wire_responder responder;
static struct wire_open opened;
static bool open;

static void fail(enum wire_error_code code, uint64_t detail, const char *text)
{
    wire_fail(&responder, code, detail, text);
}

static void fail_with(const struct refusal *r)
{
    fail(r->code, r->detail, r->text);
}

static void answer_empty(void)
{
    struct wire_cursor reply = wire_reply(&responder);
    wire_reply_end(&responder, &reply);
}

/* Whether the payload was read to its end; answers otherwise. */
static bool read_all(const struct wire_cursor *c)
{
    if (wire_read_all(c)) return true;
    fail(WIRE_E_MALFORMED, 0, "the payload does not fit the request's type");
    return false;
}

static uint16_t host_frame; /* the longest that the host wants of FETCH and OUTPUT */

/* Whether a runtime is open; answers otherwise. */
static bool is_open(void)
{
    if (open) return true;
    fail(WIRE_E_STATE, 0, "no runtime is open: OPEN comes first");
    return false;
}

/* Samples, output and an input for MLPerf Tiny's commands: what lies in the arena. */
static void forget_arena(void)
{
    visit_forget();
    tiny_input_forget();
}

static void drop_all(void)
{
    networks_clear();
    forget_arena();
}

static void on_hello(struct wire_cursor *c)
{
    struct wire_hello hello;
    wire_hello(c, &hello);
    if (!read_all(c)) return;
    open = false;
    host_frame = hello.max_frame;
    drop_all();
    struct wire_hello_reply m = {
        .version = WIRE_VERSION,
        .clock = board.timer()->instructions ? WIRE_CLOCK_INSTRUCTIONS : WIRE_CLOCK_CYCLES,
        .max_frame = WIRE_FRAME_BYTES,
        .max_layers = NETWORK_LAYERS_MAX,
        .max_networks = NETWORKS_MAX,
        .boot = program_boot(responder.nonce),
        .activation_limit = (uint64_t)(arena_end - arena_start),
        .weight_limit = board.flash_bytes - program_image_bytes(),
        .runner = PROGRAM_NAME,
    };
    memcpy(m.build, program_build(), strlen(program_build()) + 1);
    struct wire_cursor reply = wire_reply(&responder);
    wire_hello_reply(&reply, &m);
    wire_reply_end(&responder, &reply);
}

static void on_open(struct wire_cursor *c)
{
    struct wire_open m;
    wire_open(c, &m);
    if (!read_all(c)) return;
    open = false;
    drop_all();
    if (strcmp(m.runtime, "firmware") != 0 || m.dtype != WIRE_INT8 || m.threads != 1 || m.batch != 1) {
        fail(WIRE_E_UNSUPPORTED, 0, "this board has the runtime firmware, in int8, with one thread and a batch of one");
        return;
    }
    open = true;
    opened = m;
    struct wire_open_reply answer = {(uint16_t)program_lines()};
    struct wire_cursor reply = wire_reply(&responder);
    wire_open_reply(&reply, &answer);
    wire_reply_end(&responder, &reply);
}

static void on_info(struct wire_cursor *c)
{
    struct wire_info m;
    wire_info(c, &m);
    if (!read_all(c) || !is_open()) return;
    struct wire_info_reply answer = {.index = m.index};
    if (!program_line(m.index, &opened, answer.line)) {
        fail(WIRE_E_NOT_FOUND, 0, "there is no such line");
        return;
    }
    struct wire_cursor reply = wire_reply(&responder);
    wire_info_reply(&reply, &answer);
    wire_reply_end(&responder, &reply);
}

static void on_net_begin(struct wire_cursor *c)
{
    struct wire_net_begin m;
    struct refusal refusal;
    wire_net_begin(c, &m);
    if (!read_all(c) || !is_open()) return;
    if (networks_begin(&m, &refusal)) answer_empty();
    else fail_with(&refusal);
}

static void on_net_layers(struct wire_cursor *c)
{
    struct wire_net_layers m = {0};
    struct refusal refusal;
    wire_net_layers(c, &m);
    if (!read_all(c) || !is_open()) return;
    if (networks_add(&m, &refusal)) answer_empty();
    else fail_with(&refusal);
}

static void on_net_build(struct wire_cursor *c)
{
    struct wire_net_build m;
    struct wire_net_build_reply answer;
    struct refusal refusal;
    wire_net_build(c, &m);
    if (!read_all(c) || !is_open()) return;
    forget_arena();
    if (!networks_build(&m, &answer, &refusal)) {
        fail_with(&refusal);
        return;
    }
    struct wire_cursor reply = wire_reply(&responder);
    wire_net_build_reply(&reply, &answer);
    wire_reply_end(&responder, &reply);
}

static uint32_t record_count(void)
{
    const struct visit *v = visit_last();
    return (uint32_t)v->runs * ((uint32_t)v->layers + 1);
}

static void on_run(struct wire_cursor *c)
{
    struct wire_run m;
    struct refusal refusal;
    wire_run(c, &m);
    if (!read_all(c) || !is_open()) return;
    const struct network network = networks_find(m.network);
    forget_arena();
    if (!visit(&network, opened.seed, &m, &refusal)) {
        fail_with(&refusal);
        return;
    }
    const struct visit *v = visit_last();
    struct wire_run_reply answer = {
        .runs = m.runs,
        .layers = (uint16_t)v->layers,
        .records = record_count(),
        .output_bytes = v->output_bytes,
        .output_crc = v->output_crc,
        .setup = v->setup,
        .elapsed = v->elapsed,
    };
    struct wire_cursor reply = wire_reply(&responder);
    wire_run_reply(&reply, &answer);
    wire_reply_end(&responder, &reply);
}

/* Whether there are samples; answers otherwise. */
static bool has_samples(void)
{
    if (!is_open()) return false;
    if (visit_last()->runs) return true;
    fail(WIRE_E_STATE, 0, "nothing to fetch: RUN comes first");
    return false;
}

static void on_fetch(struct wire_cursor *c)
{
    struct wire_fetch m;
    wire_fetch(c, &m);
    if (!read_all(c) || !has_samples()) return;
    const uint32_t records = record_count();
    if (m.first >= records) {
        fail(WIRE_E_INVALID, 0, "there is no such record");
        return;
    }
    struct wire_fetch_reply answer = {.first = m.first, .layers = (uint16_t)visit_last()->layers};
    while (answer.count < wire_records_in(host_frame) && m.first + answer.count < records) {
        answer.records[answer.count] = visit_record(m.first + answer.count);
        answer.count++;
    }
    struct wire_cursor reply = wire_reply(&responder);
    wire_fetch_reply(&reply, &answer);
    wire_reply_end(&responder, &reply);
}

static void on_output(struct wire_cursor *c)
{
    struct wire_output m;
    wire_output(c, &m);
    if (!read_all(c) || !has_samples()) return;
    const uint32_t total = visit_last()->output_bytes;
    if (m.offset >= total) {
        fail(WIRE_E_INVALID, 0, "the output ends before this offset");
        return;
    }
    struct wire_output_reply answer = {.offset = m.offset, .total = total};
    answer.size = (uint8_t)(total - m.offset < WIRE_CHUNK_BYTES ? total - m.offset : WIRE_CHUNK_BYTES);
    memcpy(answer.bytes, visit_output() + m.offset, answer.size);
    struct wire_cursor reply = wire_reply(&responder);
    wire_output_reply(&reply, &answer);
    wire_reply_end(&responder, &reply);
}

static void on_reset(struct wire_cursor *c)
{
    if (!read_all(c) || !is_open()) return;
    drop_all();
    answer_empty();
}

static void on_bye(struct wire_cursor *c)
{
    if (!read_all(c)) return;
    open = false;
    drop_all();
    answer_empty();
}

static void on_board(struct wire_cursor *c)
{
    struct wire_board_reply answer;
    if (!read_all(c)) return;
    program_board(&answer);
    struct wire_cursor reply = wire_reply(&responder);
    wire_board_reply(&reply, &answer);
    wire_reply_end(&responder, &reply);
}

static void handle(void)
{
    static void (*const handlers[WIRE_TYPES])(struct wire_cursor *) = {
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
        [WIRE_BOARD] = on_board,
    };
    const uint8_t type = responder.header.type;
    struct wire_cursor payload = wire_payload(&responder);
    if (type < WIRE_TYPES && handlers[type]) handlers[type](&payload);
    else fail(WIRE_E_UNSUPPORTED, 0, "this firmware does not know this type of request");
}

uint32_t session_seed(void)
{
    return opened.seed;
}

void session_start(void)
{
    wire_responder_init(&responder);
    drop_all();
}

void session_receive(const uint8_t *message, size_t n)
{
    enum wire_action action = wire_receive(&responder, message, n);
    if (action == WIRE_IGNORE) return;
    if (action == WIRE_HANDLE) handle();
    board.send(responder.frame, responder.frame_bytes);
}
