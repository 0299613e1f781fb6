/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The host's side of the wire protocol as a check needs it: request by request, right ones and wrong ones, and strict
 * about what comes back. All functions that take a verdict fail it and give false where the runner does not do as
 * PROTOCOL.md says. Threads: one owner. */
#ifndef LATHE_CHECK_PROBE_H
#define LATHE_CHECK_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include "agents/check/verdict.h"
#include "agents/transport/process.h"
#include "agents/wire/message.h"
#include "lut/layer/layer.h"

enum { PROBE_START_MS = 10000 }; /* that a program may take to start */

struct probe_options {
    const char *const *argv; /* NULL-ended */
    char runtime[32];
    enum dtype dtype;
    int threads, batch; /* 1..64 */
    uint32_t seed;
    int wait_ms; /* for any answer; NET_BUILD and RUN are given six times as long, the first one PROBE_START_MS more */
};

struct probe {
    struct probe_options options;
    struct link *runner; /* NULL: not running */
    bool starting;       /* it has not answered yet */
    bool lost;           /* the conversation is of no more use: the program must be started again */
    struct wire_decoder decoder;
    uint8_t received[1024]; /* read, not yet decoded */
    size_t received_size, received_used;
    uint32_t nonce;
    uint16_t seq; /* of the last request */
    uint8_t request[WIRE_MESSAGE_BYTES], reply[WIRE_MESSAGE_BYTES];
    size_t request_bytes, reply_bytes;
    struct wire_cursor payload; /* of the reply */
    struct wire_error error;    /* where the reply is one */
    struct wire_hello_reply hello;
    uint16_t info_lines;
};

enum probe_answer { PROBE_NONE, PROBE_REPLY, PROBE_ERROR };

/** Start the program if it is not running or the conversation is lost. */
bool probe_start(struct probe *, struct verdict *);
void probe_stop(struct probe *);

/** Begin the session's next request. */
struct wire_cursor probe_begin(struct probe *, int type);
/** Begin a request with this header. */
struct wire_cursor probe_begin_as(struct probe *, uint32_t nonce, uint16_t seq, int type);
/** End it: what was begun is in probe->request then. */
void probe_end(struct probe *, const struct wire_cursor *);
/** Send bytes as they are. */
bool probe_send_bytes(struct probe *, struct verdict *, const void *bytes, size_t n);
/** Send the frame of probe->request. */
bool probe_send(struct probe *, struct verdict *);
/** Wait for the answer to probe->request: the next message must be it. Leaves it in reply, payload and error. */
enum probe_answer probe_receive(struct probe *, struct verdict *);
/** probe_end(), send, receive. */
enum probe_answer probe_ask(struct probe *, struct verdict *, const struct wire_cursor *);

/** Ask for what must be granted. The payload is to be read by the caller, to its end by probe_read_all(). */
bool probe_want_reply(struct probe *, struct verdict *, const struct wire_cursor *);
bool probe_read_all(struct probe *, struct verdict *);
/** Ask for what must be refused. @param codes bits, 1 << WIRE_E_.. @param what the request is, "RUN of no runs". */
bool probe_want_error(struct probe *, struct verdict *, const struct wire_cursor *, unsigned codes, const char *what);
/** Judge the answer that came: must it be an error? */
bool probe_is_error(struct probe *, struct verdict *, enum probe_answer, unsigned codes, const char *what);

/** A new session. */
bool probe_hello(struct probe *, struct verdict *);
/** A new session with what options say opened. */
bool probe_open(struct probe *, struct verdict *);
bool probe_open_seed(struct probe *, struct verdict *, uint32_t seed);

enum probe_built { PROBE_BUILT, PROBE_UNSUPPORTED, PROBE_NOT_BUILT };
/** Describe and build a network. @param[out] out when PROBE_BUILT. PROBE_UNSUPPORTED leaves the verdict alone. */
enum probe_built probe_build(struct probe *, struct verdict *, int network, const struct layer *, int count,
                             struct wire_net_build_reply *out);
/** NET_BEGIN, or all NET_LAYERS, alone: the answer that ends it. */
enum probe_answer probe_net_begin(struct probe *, struct verdict *, int network, int count);
enum probe_answer probe_net_layers(struct probe *, struct verdict *, const struct layer *, int count);
struct wire_cursor probe_begin_build(struct probe *, int network);
/** Build what every runner must be able to: one linear layer. Skips the verdict where it can't. */
bool probe_build_linear(struct probe *, struct verdict *, int network, int outputs);

struct wire_cursor probe_begin_run(struct probe *, int network, int warmup, int runs, int flags);
bool probe_run(struct probe *, struct verdict *, int network, int warmup, int runs, int flags,
               struct wire_run_reply *out);
/** Fetch the records from first on that one reply has. */
bool probe_fetch(struct probe *, struct verdict *, uint32_t first, struct wire_fetch_reply *out);
/** All of the last run's output. @param[out] out malloc'd. Skips the verdict where the runner gives none. */
bool probe_output(struct probe *, struct verdict *, const struct wire_run_reply *, void **out);

/** "HELLO", "type 112". Static or in a buffer of the probe's caller. */
const char *probe_type_name(int type, char buffer[16]);
const char *probe_code_name(int code);

#endif
