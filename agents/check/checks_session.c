/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Sessions: who is answered, what is repeated, what is refused. */
#include <stdio.h>
#include <string.h>

#include "agents/check/checks.h"

static const char hello_paragraph[] = "1 HELLO";
static const char requests[] = "Requests and replies";

static bool is_printable(const char *text)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) return false;
    return text[0] != '\0';
}

static bool check_hello(struct probe *p, struct verdict *v)
{
    if (!probe_hello(p, v)) return false;
    const struct wire_hello_reply *h = &p->hello;
    if (h->version != WIRE_VERSION) return verdict_fail(v, "version 1", "version %u", h->version);
    if (h->clock > WIRE_CLOCK_INSTRUCTIONS)
        return verdict_fail(v, "clock 0 (nanoseconds), 1 (cycles) or 2 (instructions)", "clock %u", h->clock);
    if (h->max_layers < 1 || h->max_networks < 1)
        return verdict_fail(v, "at least one network of one layer", "max layers %u, max networks %u", h->max_layers,
                            h->max_networks);
    if (!is_printable(h->runner) || !is_printable(h->build))
        return verdict_fail(v, "runner and build texts", "\"%s\" and \"%s\"", h->runner, h->build);
    if (h->clock) verdict_note(v, "the clock does not count nanoseconds: tables can't hold its times");
    return true;
}

static bool check_before_hello(struct probe *p, struct verdict *v)
{
    probe_stop(p);
    if (!probe_start(p, v)) return false;
    struct wire_cursor c = probe_begin_as(p, 0x01020304, 1, WIRE_RESET);
    return probe_want_error(p, v, &c, 1u << WIRE_E_SESSION, "a request before any HELLO");
}

static bool check_boot(struct probe *p, struct verdict *v)
{
    if (!probe_hello(p, v)) return false;
    uint32_t first = p->hello.boot;
    if (!probe_hello(p, v)) return false;
    if (p->hello.boot != first)
        return verdict_fail(v, "the same boot number as long as the program runs", "0x%08x, then 0x%08x", first,
                            p->hello.boot);
    probe_stop(p);
    if (!probe_start(p, v) || !probe_hello(p, v)) return false;
    if (p->hello.boot != first) return true;
    return verdict_fail(v, "another boot number after every start", "0x%08x twice", first);
}

static bool ask_version(struct probe *p, struct verdict *v, uint8_t version)
{
    struct wire_hello m = {version, WIRE_FRAME_BYTES};
    struct wire_cursor c = probe_begin_as(p, p->nonce ^ 0x5a5a5a5a, 1, WIRE_HELLO);
    uint8_t later = 0x77; /* what other versions may have behind it */
    wire_hello(&c, &m);
    wire_u8(&c, &later);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_VERSION, "HELLO of another version")) return false;
    if (p->error.detail == WIRE_VERSION) return true;
    return verdict_fail(v, "the runner's own version, 1, as detail of ERROR version", "detail %llu",
                        (unsigned long long)p->error.detail);
}

static bool check_version(struct probe *p, struct verdict *v)
{
    if (!probe_hello(p, v) || !ask_version(p, v, WIRE_VERSION + 1) || !ask_version(p, v, 0)) return false;
    struct wire_cursor c = probe_begin(p, WIRE_RESET);
    return probe_want_error(p, v, &c, 1u << WIRE_E_STATE,
                            "RESET before OPEN, in the session that HELLO of another version left alone");
}

/* Send the last request again: the same reply must come. */
static bool ask_again(struct probe *p, struct verdict *v, const char *what)
{
    uint8_t first[WIRE_MESSAGE_BYTES];
    size_t n = p->reply_bytes;
    char expected[128];
    char type[16];
    memcpy(first, p->reply, n);
    if (!probe_send(p, v) || probe_receive(p, v) == PROBE_NONE) return false;
    if (p->reply_bytes == n && memcmp(p->reply, first, n) == 0) return true;
    snprintf(expected, sizeof expected, "the reply to %s again, byte by byte, when the same request comes again",
             probe_type_name(p->request[WIRE_REQUEST_HEADER - 1], type));
    return verdict_fail(v, expected, "another reply: %s", what);
}

static bool check_repeat(struct probe *p, struct verdict *v)
{
    static const char again[] = "the work was done twice";
    const struct layer l = {.kind = LAYER_LINEAR, .in = {1, 1, 5}, .out = {1, 1, 3}};
    if (!probe_open(p, v)) return false;
    if (probe_net_begin(p, v, 0, 1) != PROBE_REPLY || probe_net_layers(p, v, &l, 1) != PROBE_REPLY)
        return verdict_skip(v, "the runner has no linear layers, with which this is checked");
    if (!ask_again(p, v, again)) return false; /* NET_LAYERS: twice would be one too many */
    struct wire_cursor c = probe_begin_build(p, 0);
    if (!probe_want_reply(p, v, &c) || !ask_again(p, v, again) || !ask_again(p, v, again)) return false;
    c = probe_begin_run(p, 0, 0, 3, 0);
    if (!probe_want_reply(p, v, &c) || !ask_again(p, v, again)) return false;
    c = probe_begin(p, 0x70); /* an error is a reply, too */
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_UNSUPPORTED, "a request of an unknown type")) return false;
    return ask_again(p, v, "errors are replies, too");
}

/* The same nonce and number but another request is no repeat. */
static bool check_repeat_crc(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v)) return false;
    struct wire_cursor c = probe_begin(p, WIRE_RESET);
    if (!probe_want_reply(p, v, &c)) return false;
    c = probe_begin_as(p, p->nonce, p->seq, WIRE_BYE);
    return probe_want_error(p, v, &c, 1u << WIRE_E_SESSION, "another request under a number that was used");
}

static bool check_old(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v)) return false;
    for (int i = 0; i < 3; i++) {
        struct wire_cursor c = probe_begin(p, WIRE_RESET);
        if (!probe_want_reply(p, v, &c)) return false;
    }
    struct wire_cursor c = probe_begin_as(p, p->nonce, (uint16_t)(p->seq - 1), WIRE_RESET);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_SESSION, "a request with a number that is not new")) return false;
    c = probe_begin(p, WIRE_RESET);
    return probe_want_reply(p, v, &c);
}

/* HELLO may have any number, and numbers wrap around; one that a lost request had is left out. */
static bool check_wrap(struct probe *p, struct verdict *v)
{
    struct wire_hello m = {WIRE_VERSION, WIRE_FRAME_BYTES};
    if (!probe_hello(p, v)) return false;
    p->seq = 65532;
    struct wire_cursor c = probe_begin_as(p, ++p->nonce, p->seq, WIRE_HELLO);
    wire_hello(&c, &m);
    if (!probe_want_reply(p, v, &c)) return false;
    for (int i = 0; i < 4; i++) {
        p->seq++;
        c = probe_begin(p, WIRE_RESET);
        if (!probe_want_error(p, v, &c, 1u << WIRE_E_STATE, "RESET before OPEN, with a number that is two more"))
            return false;
    }
    return true;
}

static bool check_foreign(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v)) return false;
    struct wire_cursor c = probe_begin(p, WIRE_RESET);
    if (!probe_want_reply(p, v, &c)) return false;
    uint16_t seq = p->seq;
    c = probe_begin_as(p, p->nonce ^ 1, (uint16_t)(seq + 1), WIRE_RESET);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_SESSION, "a request under another nonce")) return false;
    c = probe_begin_as(p, p->nonce, seq, WIRE_RESET); /* the session has its last reply still */
    if (!probe_want_reply(p, v, &c)) return false;
    c = probe_begin(p, WIRE_RESET);
    return probe_want_reply(p, v, &c);
}

static bool check_new_session(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v)) return false;
    uint32_t old = p->nonce;
    uint16_t seq = p->seq;
    if (!probe_hello(p, v)) return false;
    struct wire_cursor c = probe_begin_as(p, old, (uint16_t)(seq + 1), WIRE_RESET);
    if (!probe_want_error(p, v, &c, 1u << WIRE_E_SESSION, "a request of the session before")) return false;
    c = probe_begin(p, WIRE_RESET);
    return probe_want_error(p, v, &c, 1u << WIRE_E_STATE, "RESET in a new session, where nothing is open");
}

static bool check_unknown(struct probe *p, struct verdict *v)
{
    static const int types[] = {0x70, 0x7f, 0};
    if (!probe_open(p, v)) return false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct wire_cursor c = probe_begin(p, types[i]);
        if (!probe_want_error(p, v, &c, 1u << WIRE_E_UNSUPPORTED, "a request of an unknown type")) return false;
    }
    return true;
}

/* A request with n zero bytes as payload. */
static bool ask_malformed(struct probe *p, struct verdict *v, int type, size_t n)
{
    char what[64];
    char name[16];
    struct wire_cursor c = probe_begin(p, type);
    for (size_t i = 0; i < n; i++) {
        uint8_t zero = 0;
        wire_u8(&c, &zero);
    }
    snprintf(what, sizeof what, "%s with a payload of %zu bytes", probe_type_name(type, name), n);
    return probe_want_error(p, v, &c, 1u << WIRE_E_MALFORMED, what);
}

static bool check_malformed(struct probe *p, struct verdict *v)
{
    /* One byte less, and one more, than the type has. OPEN of no runtime has 8, NET_LAYERS of no layers 3. */
    static const struct {
        int type;
        size_t bytes;
    } requests_of[] = {{WIRE_OPEN, 8},      {WIRE_INFO, 2}, {WIRE_NET_BEGIN, 4}, {WIRE_NET_LAYERS, 3},
                       {WIRE_NET_BUILD, 2}, {WIRE_RUN, 7},  {WIRE_FETCH, 4},     {WIRE_RESET, 0}};
    for (size_t i = 0; i < sizeof requests_of / sizeof requests_of[0]; i++) {
        size_t n = requests_of[i].bytes;
        if (!probe_open(p, v) || !ask_malformed(p, v, requests_of[i].type, n + 1)) return false;
        if (n && !ask_malformed(p, v, requests_of[i].type, n - 1)) return false;
    }
    return true;
}

static bool check_state(struct probe *p, struct verdict *v)
{
    static const struct {
        int type;
        size_t bytes;
    } early[] = {{WIRE_INFO, 2},      {WIRE_NET_BEGIN, 4}, {WIRE_NET_LAYERS, 3},
                 {WIRE_NET_BUILD, 2}, {WIRE_FETCH, 4},     {WIRE_RESET, 0}};
    if (!probe_hello(p, v)) return false;
    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++) {
        char what[64];
        char name[16];
        struct wire_cursor c = probe_begin(p, early[i].type);
        for (size_t byte = 0; byte < early[i].bytes; byte++) {
            uint8_t zero = 0;
            wire_u8(&c, &zero);
        }
        snprintf(what, sizeof what, "%s before OPEN", probe_type_name(early[i].type, name));
        if (!probe_want_error(p, v, &c, 1u << WIRE_E_STATE, what)) return false;
    }
    struct wire_cursor c = probe_begin_run(p, 0, 0, 1, 0);
    return probe_want_error(p, v, &c, 1u << WIRE_E_STATE, "RUN before OPEN");
}

const struct check session_checks[] = {
    {"before-hello", "nothing is answered but by ERROR session before HELLO", requests, check_before_hello, NULL},
    {"hello", "HELLO is answered by version, clock, limits and names", hello_paragraph, check_hello, NULL},
    {"hello-boot", "the boot number is another one after every start", hello_paragraph, check_boot, NULL},
    {"hello-version", "HELLO of another version is ERROR version and leaves the session alone", hello_paragraph,
     check_version, NULL},
    {"repeat", "a repeated request is answered from memory, without doing the work twice", requests, check_repeat,
     NULL},
    {"repeat-crc", "the last reply is served to the same request only: nonce, seq and CRC", requests, check_repeat_crc,
     NULL},
    {"old-seq", "a number that is not new is ERROR session", requests, check_old, NULL},
    {"seq-wrap", "numbers wrap around from 65535 to 0, and may leave one out", requests, check_wrap, NULL},
    {"foreign-nonce", "another nonce is ERROR session and leaves the session alone", requests, check_foreign, NULL},
    {"new-session", "HELLO under another nonce ends the session before and drops all it had", requests,
     check_new_session, NULL},
    {"unknown-type", "a type that the runner does not know is ERROR unsupported", "0xFF ERROR", check_unknown, NULL},
    {"malformed", "a payload that does not fit the type is ERROR malformed", "0xFF ERROR", check_malformed, NULL},
    {"state", "what needs an open runtime is ERROR state before OPEN", "0xFF ERROR", check_state, NULL},
    {0},
};
