/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/check/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lut/base/clock.h"

static const char requests[] = "Requests and replies";

const char *probe_type_name(int type, char buffer[16])
{
    static const char *const names[WIRE_TYPES] = {NULL,        "HELLO", "OPEN",  "INFO",   "NET_BEGIN", "NET_LAYERS",
                                                  "NET_BUILD", "RUN",   "FETCH", "OUTPUT", "RESET",     "BYE"};
    if (type > 0 && type < WIRE_TYPES && names[type]) return names[type];
    snprintf(buffer, 16, "type %d", type);
    return buffer;
}

const char *probe_code_name(int code)
{
    static const char *const names[] = {NULL,      "version",     "malformed", "session",   "state",
                                        "invalid", "unsupported", "no memory", "not found", "failed"};
    if (code > 0 && (size_t)code < sizeof names / sizeof names[0]) return names[code];
    return "unknown";
}

bool probe_start(struct probe *p, struct verdict *v)
{
    struct lathe_error err = {0};
    if (p->runner && !p->lost) return true;
    int code = 0;
    const struct process_spec spec = {.argv = p->options.argv, .name = "it"};
    probe_stop(p);
    if (!process_open(&spec, &p->runner, &code, &err)) return p->starting = true;
    if (code) error_set(&err, LATHE_IO, "can't start %s: %s", spec.argv[0], strerror(code));
    return verdict_fail(v, "the runner to start", "%s", err.message);
}

void probe_stop(struct probe *p)
{
    process_close(p->runner);
    p->runner = NULL;
    p->lost = false;
    p->received_size = p->received_used = 0;
    p->nonce = 0;
    p->seq = 0;
    wire_decoder_init(&p->decoder);
}

struct wire_cursor probe_begin_as(struct probe *p, uint32_t nonce, uint16_t seq, int type)
{
    struct wire_cursor c = wire_writer(p->request, sizeof p->request);
    struct wire_header h = {.nonce = nonce, .seq = seq, .type = (uint8_t)type};
    wire_request_header(&c, &h);
    return c;
}

struct wire_cursor probe_begin(struct probe *p, int type)
{
    return probe_begin_as(p, p->nonce, ++p->seq, type);
}

void probe_end(struct probe *p, const struct wire_cursor *c)
{
    p->request_bytes = (size_t)(c->at - p->request);
}

bool probe_send_bytes(struct probe *p, struct verdict *v, const void *bytes, size_t n)
{
    struct lathe_error err = {0};
    if (!process_write(p->runner, bytes, n, &err)) return true;
    p->lost = true;
    return verdict_fail(v, "the runner to read requests", "%s", err.message);
}

bool probe_send(struct probe *p, struct verdict *v)
{
    uint8_t frame[WIRE_FRAME_BYTES];
    size_t n = wire_frame(p->request, p->request_bytes, frame);
    return probe_send_bytes(p, v, frame, n);
}

static int patience_ms(const struct probe *p)
{
    uint8_t type = p->request[WIRE_REQUEST_HEADER - 1];
    return p->options.wait_ms * (type == WIRE_NET_BUILD || type == WIRE_RUN ? 6 : 1) +
           (p->starting ? PROBE_START_MS : 0);
}

/* Nothing, or no message, came in time. */
static bool fail_silence(struct probe *p, struct verdict *v, const struct lathe_error *err, size_t noise)
{
    char expected[96];
    char type[16];
    p->lost = true;
    snprintf(expected, sizeof expected, "an answer to %s within %d ms",
             probe_type_name(p->request[WIRE_REQUEST_HEADER - 1], type), patience_ms(p));
    if (err->status != LATHE_TIMEOUT) return verdict_fail(v, expected, "none: %s", err->message);
    if (noise) return verdict_fail_by(v, "Frames", expected, "%zu bytes that are no intact frame", noise);
    return verdict_fail(v, expected, "nothing");
}

/* The next intact message, into p->reply. */
static bool next_message(struct probe *p, struct verdict *v)
{
    struct lathe_error err = {0};
    size_t noise = 0;
    uint64_t deadline = clock_now_ns() + (uint64_t)patience_ms(p) * 1000000u;
    for (;;) {
        while (p->received_used < p->received_size) {
            noise++;
            p->reply_bytes = wire_decode(&p->decoder, p->received[p->received_used++]);
            if (!p->reply_bytes) continue;
            memcpy(p->reply, p->decoder.buffer, p->reply_bytes);
            p->starting = false;
            return true;
        }
        uint64_t now = clock_now_ns();
        int wait_ms = now >= deadline ? 0 : (int)((deadline - now + 999999) / 1000000);
        p->received_used = p->received_size = 0;
        enum lathe_status st = LATHE_TIMEOUT;
        if (wait_ms) st = process_read(p->runner, p->received, sizeof p->received, wait_ms, &p->received_size, &err);
        else error_set(&err, st, "nothing came");
        if (st) return fail_silence(p, v, &err, noise);
    }
}

/* Whether the reply's header is that of an answer to the request. */
static bool check_header(struct probe *p, struct verdict *v, const struct wire_header *h)
{
    struct wire_header asked = {0};
    struct wire_cursor c = wire_reader(p->request, p->request_bytes);
    char type[16];
    char expected[160];
    wire_request_header(&c, &asked);
    uint32_t crc = wire_crc32(0, p->request, p->request_bytes);
    snprintf(expected, sizeof expected,
             "an answer to %s with nonce 0x%08" PRIx32 ", seq %u, type 0x%02x or 0xff, request CRC 0x%08" PRIx32,
             probe_type_name(asked.type, type), asked.nonce, asked.seq, asked.type | WIRE_REPLY_BIT, crc);
    if (h->nonce == asked.nonce && h->seq == asked.seq && h->request_crc == crc &&
        (h->type == (asked.type | WIRE_REPLY_BIT) || h->type == WIRE_ERROR))
        return true;
    p->lost = true;
    return verdict_fail_by(v, requests, expected,
                           "nonce 0x%08" PRIx32 ", seq %u, type 0x%02x, request CRC 0x%08" PRIx32, h->nonce, h->seq,
                           h->type, h->request_crc);
}

enum probe_answer probe_receive(struct probe *p, struct verdict *v)
{
    struct wire_header h = {0};
    if (!next_message(p, v)) return PROBE_NONE;
    p->payload = wire_reader(p->reply, p->reply_bytes);
    wire_reply_header(&p->payload, &h);
    if (p->payload.failed) {
        p->lost = true;
        verdict_fail_by(v, requests, "a reply with a header of 11 bytes", "a message of %zu bytes", p->reply_bytes);
        return PROBE_NONE;
    }
    if (!check_header(p, v, &h)) return PROBE_NONE;
    if (h.type != WIRE_ERROR) return PROBE_REPLY;
    wire_error(&p->payload, &p->error);
    if (wire_read_all(&p->payload) && p->error.code) return PROBE_ERROR;
    verdict_fail_by(v, "0xFF ERROR", "code u8, detail u64 and a text of up to 223 bytes in ERROR",
                    "a payload of %zu bytes that is something else", p->reply_bytes - WIRE_REPLY_HEADER);
    return PROBE_NONE;
}

enum probe_answer probe_ask(struct probe *p, struct verdict *v, const struct wire_cursor *c)
{
    probe_end(p, c);
    return probe_send(p, v) ? probe_receive(p, v) : PROBE_NONE;
}

bool probe_want_reply(struct probe *p, struct verdict *v, const struct wire_cursor *c)
{
    char expected[64];
    char type[16];
    enum probe_answer answer = probe_ask(p, v, c);
    if (answer != PROBE_ERROR) return answer == PROBE_REPLY;
    snprintf(expected, sizeof expected, "%s to be granted", probe_type_name(p->request[WIRE_REQUEST_HEADER - 1], type));
    return verdict_fail(v, expected, "ERROR %s: \"%.200s\"", probe_code_name(p->error.code), p->error.text);
}

bool probe_read_all(struct probe *p, struct verdict *v)
{
    char expected[64];
    char type[16];
    if (wire_read_all(&p->payload)) return true;
    snprintf(expected, sizeof expected, "the payload of a reply to %s",
             probe_type_name(p->request[WIRE_REQUEST_HEADER - 1], type));
    return verdict_fail(v, expected, "%zu bytes: %s", p->reply_bytes - WIRE_REPLY_HEADER,
                        p->payload.failed ? "too short, or a text is too long" : "more than there should be");
}

/* "ERROR invalid or unsupported to RUN of no runs" */
static void print_expected(char *out, size_t capacity, unsigned codes, const char *what)
{
    size_t n = (size_t)snprintf(out, capacity, "ERROR");
    const char *joint = " ";
    for (int code = 1; code <= WIRE_E_FAILED && n < capacity; code++) {
        if (!(codes >> code & 1)) continue;
        n += (size_t)snprintf(out + n, capacity - n, "%s%s", joint, probe_code_name(code));
        joint = " or ";
    }
    if (n < capacity) snprintf(out + n, capacity - n, " to %s", what);
}

bool probe_is_error(struct probe *p, struct verdict *v, enum probe_answer answer, unsigned codes, const char *what)
{
    char expected[256];
    print_expected(expected, sizeof expected, codes, what);
    if (answer == PROBE_NONE) return false;
    if (answer == PROBE_REPLY) return verdict_fail(v, expected, "it was granted");
    if (codes >> p->error.code & 1) return true;
    return verdict_fail(v, expected, "ERROR %s (%u): \"%.200s\"", probe_code_name(p->error.code), p->error.code,
                        p->error.text);
}

bool probe_want_error(struct probe *p, struct verdict *v, const struct wire_cursor *c, unsigned codes, const char *what)
{
    return probe_is_error(p, v, probe_ask(p, v, c), codes, what);
}

static uint32_t new_nonce(uint32_t last)
{
    uint32_t nonce = 0;
    if (getrandom(&nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce || nonce == last) nonce = last * 1664525u + 1;
    return nonce;
}

bool probe_hello(struct probe *p, struct verdict *v)
{
    struct wire_hello m = {WIRE_VERSION, WIRE_FRAME_BYTES};
    p->nonce = new_nonce(p->nonce);
    p->seq = 0;
    struct wire_cursor c = probe_begin(p, WIRE_HELLO);
    wire_hello(&c, &m);
    if (!probe_want_reply(p, v, &c)) return false;
    wire_hello_reply(&p->payload, &p->hello);
    if (!probe_read_all(p, v)) return false;
    if (p->hello.max_frame >= WIRE_MIN_FRAME && p->hello.max_frame <= WIRE_FRAME_BYTES) return true;
    return verdict_fail_by(v, "1 HELLO", "frames of 64 to 256 bytes", "max frame %u", p->hello.max_frame);
}

bool probe_open(struct probe *p, struct verdict *v)
{
    return probe_open_seed(p, v, p->options.seed);
}
